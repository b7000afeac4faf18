/* One binary, many commands: found by the name it was called by, or by its first argument. */
#include <libgen.h>
#include <stdio.h>

#include "base/macros.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

static int usage(FILE *to)
{
	(void)fprintf(to, "usage: parhelion COMMAND [ARGUMENT ...]\n\n");
	for (size_t i = 0; i < command_entry_count; i++) {
		const struct command_entry *entry = &command_entries[i];

		(void)fprintf(to, "  %-14s %s%s\n", entry->name, entry->short_for ? "short for " : "",
			      entry->short_for ? entry->family->name : command_summary(entry));
	}
	return to == stdout ? 0 : 2;
}

static int run(const struct command_entry *entry, int argc, char **argv)
{
	if (entry->family)
		return family_main(entry->family, argc, argv);
	return entry->command ? command_main(entry->command, argc, argv) : entry->fn(argc, argv);
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *copy = xstrdup(argc > 0 ? argv[0] : "parhelion");
	const struct command_entry *entry = command_find(basename(copy));

	if (entry)
		return run(entry, argc, argv);
	if (argc < 2)
		return usage(stderr);
	if (streq(argv[1], "--help") || streq(argv[1], "help"))
		return usage(stdout);
	entry = command_find(argv[1]);
	if (entry)
		return run(entry, argc - 1, argv + 1);
	(void)fprintf(stderr, "parhelion: there is no command %s\n", argv[1]);
	return usage(stderr);
}
