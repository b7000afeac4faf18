/* One binary, many commands: found by the name it was called by, or by its first argument. */
#include <libgen.h>
#include <stdio.h>

#include "base/macros.h"
#include "cmd/cmd.h"

static const struct command {
	const char *name;
	int       (*fn)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "ccradm",    cmd_ccradm,    "repair the tables of the configuration repository" },
	{ "cluster",   cmd_cluster,   "create a cluster, see what happened in it" },
	{ "halockrun", cmd_halockrun, "run a program while holding a file lock" },
	{ "hatimerun", cmd_hatimerun, "run a program under a time limit" },
	{ "pmfadm",    cmd_pmfadm,    "start, stop and query monitored processes" },
	{ "scrgadm",   cmd_scrgadm,   "configure resource types, resource groups and resources" },
	{ "scstat",    cmd_scstat,    "show the state of the cluster" },
	{ "scswitch",  cmd_scswitch,  "switch resource groups, enable and disable resources" },
};

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int usage(FILE *to)
{
	(void)fprintf(to, "usage: parhelion COMMAND [ARGUMENT ...]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)fprintf(to, "  %-14s %s\n", commands[i].name, commands[i].help);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *copy = xstrdup(argc > 0 ? argv[0] : "parhelion");
	const struct command *command = command_find(basename(copy));

	if (command)
		return command->fn(argc, argv);
	if (argc < 2)
		return usage(stderr);
	if (streq(argv[1], "--help") || streq(argv[1], "help"))
		return usage(stdout);
	command = command_find(argv[1]);
	if (command)
		return command->fn(argc - 1, argv + 1);
	(void)fprintf(stderr, "parhelion: there is no command %s\n", argv[1]);
	return usage(stderr);
}
