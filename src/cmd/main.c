/* One binary, many commands: found by the name it was called by, or by its first argument. */
#include <libgen.h>
#include <stdio.h>

#include "base/macros.h"
#include "cmd/cmd.h"

const struct command_entry command_entries[] = {
	{ "ccradm",    cmd_ccradm,    "repair the tables of the configuration repository" },
	{ "cldev",     cmd_cldevice,  "short for cldevice", true },
	{ "cldevice",  cmd_cldevice,  "shared disks and how they are fenced" },
	{ "cln",       cmd_clnode,    "short for clnode", true },
	{ "clnode",    cmd_clnode,    "the nodes of the cluster" },
	{ "clq",       cmd_clquorum,  "short for clquorum", true },
	{ "clquorum",  cmd_clquorum,  "quorum devices and votes" },
	{ "clreslogicalhostname", cmd_clreslogicalhostname, "logical hosts" },
	{ "clresource", cmd_clresource, "resources" },
	{ "clresourcegroup", cmd_clresourcegroup, "resource groups" },
	{ "clresourcetype", cmd_clresourcetype, "resource types" },
	{ "clressharedaddress", cmd_clressharedaddress, "shared addresses" },
	{ "clrg",      cmd_clresourcegroup, "short for clresourcegroup", true },
	{ "clrs",      cmd_clresource, "short for clresource", true },
	{ "clrslh",    cmd_clreslogicalhostname, "short for clreslogicalhostname", true },
	{ "clrssa",    cmd_clressharedaddress, "short for clressharedaddress", true },
	{ "clrt",      cmd_clresourcetype, "short for clresourcetype", true },
	{ "clsetup",   cmd_setup,     "set up and change the cluster by menus" },
	{ "cluster",   cmd_cluster,   "the cluster as a whole: create, show, change, see what happened" },
	{ "halockrun", cmd_halockrun, "run a program while holding a file lock" },
	{ "hatimerun", cmd_hatimerun, "run a program under a time limit" },
	{ "pmfadm",    cmd_pmfadm,    "start, stop and query monitored processes" },
	{ "scconf",    cmd_scconf,    "configure the cluster, its nodes and its quorum" },
	{ "scds_syslog", cmd_scds_syslog, "write a message of a method to the log of the cluster" },
	{ "scdsbuilder", cmd_scdsbuilder, "make an agent, asked step by step" },
	{ "scdsconfig", cmd_scdsconfig, "put commands into an agent, and build it" },
	{ "scdscreate", cmd_scdscreate, "make the directory of a new agent, with its sources" },
	{ "scha_cluster_get", cmd_scha, "what a method asks about the cluster" },
	{ "scha_control", cmd_scha, "what a method asks of the cluster" },
	{ "scha_resource_get", cmd_scha, "what a method asks about a resource" },
	{ "scha_resource_setstatus", cmd_scha, "set the status of a resource" },
	{ "scha_resourcegroup_get", cmd_scha, "what a method asks about a resource group" },
	{ "scha_resourcetype_get", cmd_scha, "what a method asks about a resource type" },
	{ "scrgadm",   cmd_scrgadm,   "configure resource types, resource groups and resources" },
	{ "scsetup",   cmd_setup,     "the same as clsetup" },
	{ "scshutdown", cmd_scshutdown, "shut down the cluster" },
	{ "scstat",    cmd_scstat,    "show the state of the cluster" },
	{ "scswitch",  cmd_scswitch,  "switch resource groups, enable and disable resources" },
};
const size_t command_entry_count = ARRAY_SIZE(command_entries);

static const struct command_entry *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(command_entries); i++)
		if (streq(command_entries[i].name, name))
			return &command_entries[i];
	return NULL;
}

static int usage(FILE *to)
{
	(void)fprintf(to, "usage: parhelion COMMAND [ARGUMENT ...]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(command_entries); i++)
		(void)fprintf(to, "  %-14s %s\n", command_entries[i].name, command_entries[i].help);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *copy = xstrdup(argc > 0 ? argv[0] : "parhelion");
	const struct command_entry *command = command_find(basename(copy));

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
