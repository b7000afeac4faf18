/* scdscreate: the directory of a new agent, with its sources.  Step one of Agent Builder. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>

#include "cmd/builder.h"
#include "cmd/cmd.h"
#include "cmd/file.h"
#include "cmd/options.h"

#define OPT_UNIT      '3'
#define OPT_CONTAINER '4'
#define UNIT_MAX      65536u

static const struct { char letter; enum setting setting; const char *value; } given[] = {
	{ 'V', SET_VENDOR, NULL }, { 'T', SET_NAME, NULL }, { 'n', SET_VERSION, NULL },
	{ 'k', SET_LANG, "ksh" }, { 'g', SET_LANG, "gds" }, { 's', SET_SCALABLE, "TRUE" }, { 'a', SET_NETAWARE, "FALSE" },
};

static int take(const struct cmdline *line, struct agent *agent, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		char letter = given[i].letter;
		int r;

		if (!cmdline_has(line, letter))
			continue;
		r = agent_set(agent, given[i].setting, given[i].value ? given[i].value : cmdline_get(line, letter), err);
		if (r < 0)
			return err_prefix(err, r, "-%c", letter);
	}
	return agent_place(agent, cmdline_has(line, 'd') ? cmdline_get(line, 'd') : ".", err);
}

struct wrapper { struct buf run, stop; struct strlist notes; };

static int read_wrapper(const struct cmdline *line, struct agent *agent, struct wrapper *w, struct err *err)
{
	_cleanup_free_ char *text = NULL, *copy = NULL;
	const char *path = cmdline_get(line, OPT_UNIT);
	size_t len;
	int r;

	if (cmdline_has(line, OPT_CONTAINER))
		return agent_from_container(agent, cmdline_get(line, OPT_CONTAINER), &w->run, &w->stop, &w->notes, err);
	if (!path)
		return 0;
	r = file_read(path, UNIT_MAX, &text, &len, err);
	if (r < 0)
		return r;
	copy = xstrdup(path);
	return agent_from_unit(agent, basename(copy), text, &w->run, &w->stop, &w->notes, err);
}

static int write_wrapper(const struct agent *agent, const struct wrapper *w, struct err *err)
{
	_cleanup_free_ char *run = xasprintf("src/%s_run", agent->values[SET_NAME]);
	_cleanup_free_ char *halt = xasprintf("src/%s_halt", agent->values[SET_NAME]);
	int r = w->run.len ? agent_add_file(agent, run, w->run.s, 0755, err) : 0;

	return r == 0 && w->stop.len ? agent_add_file(agent, halt, w->stop.s, 0755, err) : r;
}

static void wrapper_done(struct wrapper *w)
{
	buf_done(&w->run);
	buf_done(&w->stop);
	strlist_done(&w->notes);
}

static int run_create(const struct cmdline *line)
{
	_cleanup_(wrapper_done) struct wrapper wrapper = { 0 };
	_cleanup_(agent_done) struct agent agent;
	struct err err = { 0 };
	int r;

	agent_init(&agent);
	if (cmdline_has(line, 'k') && cmdline_has(line, 'g'))
		return command_usage(line, "-k and -g do not go together");
	r = take(line, &agent, &err);
	if (r == 0)
		r = read_wrapper(line, &agent, &wrapper, &err);
	if (r == 0)
		r = agent_write(&agent, &err);
	if (r == 0)
		r = write_wrapper(&agent, &wrapper, &err);
	if (r < 0)
		return command_failed(line, r == -ENOENT ? EXIT_NO_OBJECT : EXIT_REFUSED, "create the agent", err.text);
	for (size_t i = 0; i < wrapper.notes.n; i++)
		command_note(line, "Note: %s.", wrapper.notes.v[i]);
	(void)printf("%s: sources of %s.%s in %s; ", agent.dir, agent.values[SET_VENDOR], agent.values[SET_NAME], agent.values[SET_LANG]);
	if (wrapper.run.len)
		(void)printf("next: scdsconfig -d %s\n", agent.dir);
	else
		(void)printf("next: scdsconfig -s START-COMMAND -d %s\n", agent.dir);
	return EXIT_OK;
}

static const struct option_info options[] = {
	{ 'V', NULL, "VENDOR",    "vendor: prefix of the type, of the directory and of the package" },
	{ 'T', NULL, "NAME",      "name of the type" },
	{ 'a', NULL, NULL,        "the application uses no address of the cluster" },
	{ 's', NULL, NULL,        "it can run on several nodes at once" },
	{ 'n', NULL, "VERSION",   "version of the type (default 1.0)" },
	{ 'd', NULL, "DIRECTORY", "where the directory of the agent is made (default: here)" },
	{ 'k', NULL, NULL,        "source for the shell, on the RMAPI" },
	{ 'g', NULL, NULL,        "no source: scripts that use SUNW.gds" },
	{ OPT_UNIT, "from-unit", "FILE", "start what this unit of systemd starts" },
	{ OPT_CONTAINER, "from-container", "COMMAND", "start what this \"podman run ...\" or \"docker run ...\" starts" },
};
static const struct form forms[] = {
	{ "VT", "asnd",   .help = "C, with the DSDL", .run = run_create },
	{ "VTk", "asnd",  .help = "shell, with the RMAPI", .run = run_create },
	{ "VTg", "asnd",  .help = "generic data service", .run = run_create },
	{ "VT3", "asndkg", .help = "from a unit of systemd", .run = run_create },
	{ "VT4", "asndkg", .help = "from the command line of a container", .run = run_create },
};
const struct command_info scdscreate_command = {
	"scdscreate", "make the directory of a new agent, with its sources", options, ARRAY_SIZE(options), forms, ARRAY_SIZE(forms),
	.local = true
};
