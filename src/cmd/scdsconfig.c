/* scdsconfig: puts commands and time-outs into an agent that scdscreate has made, compiles it and makes its package.  Step two of
 * Agent Builder; may be run again and again. */
#include <errno.h>
#include <stdio.h>

#include "cmd/builder.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

static const struct { char letter; enum setting setting; } given[] = {
	{ 's', SET_START },    { 'u', SET_START_TIMEOUT },    { 't', SET_STOP },  { 'v', SET_STOP_TIMEOUT },
	{ 'e', SET_VALIDATE }, { 'y', SET_VALIDATE_TIMEOUT }, { 'm', SET_PROBE }, { 'n', SET_PROBE_TIMEOUT },
};

static int configure(const struct cmdline *line, struct agent *agent, struct err *err)
{
	int r = agent_load(agent, cmdline_has(line, 'd') ? cmdline_get(line, 'd') : ".", err);

	for (size_t i = 0; i < ARRAY_SIZE(given) && r == 0; i++) {
		if (!cmdline_has(line, given[i].letter))
			continue;
		r = agent_set(agent, given[i].setting, cmdline_get(line, given[i].letter), err);
		if (r < 0)
			err_prefix(err, r, "-%c", given[i].letter);
	}
	return r;
}

static int run_config(const struct cmdline *line)
{
	_cleanup_(agent_done) struct agent agent;
	struct err err = { 0 };
	int r;

	agent_init(&agent);
	r = configure(line, &agent, &err);
	if (r == 0 && agent_is(&agent, SET_START, ""))
		return command_usage(line, "-s is missing");
	if (r == 0)
		r = agent_write(&agent, &err);
	if (r == 0)
		r = agent_build(&agent, &err);
	if (r < 0)
		return command_failed(line, r == -ENOENT ? EXIT_NO_OBJECT : EXIT_REFUSED, "configure the agent", err.text);
	(void)printf("%s: built; the package is in %s/pkg\n", agent.dir, agent.dir);
	return EXIT_OK;
}

static const struct option_info options[] = {
	{ 's', NULL, "COMMAND",   "starts the application; or a file with a command a line, each a process tree of its own" },
	{ 'u', NULL, "SECONDS",   "time-out of Start (default 300)" },
	{ 't', NULL, "COMMAND",   "stops it, and returns when it is down (default: signals)" },
	{ 'v', NULL, "SECONDS",   "time-out of Stop (default 300)" },
	{ 'e', NULL, "COMMAND",   "checks the configuration, 0 is good; a full path" },
	{ 'y', NULL, "SECONDS",   "time-out of Validate (default 300)" },
	{ 'm', NULL, "COMMAND",   "probes it: 0 good to 100 dead, 201 fail over (default: connects to its ports)" },
	{ 'n', NULL, "SECONDS",   "time-out of a probe (default 30)" },
	{ 'd', NULL, "DIRECTORY", "of the agent, or the one that holds it (default: here)" },
};
/* -s is only needed where rtconfig does not have it, from an earlier run. */
static const struct form forms[] = {
	{ "", "sutveymnd", .help = "set commands and time-outs, compile, make the package", .run = run_config },
};
const struct command_info scdsconfig_command = {
	"scdsconfig", "put commands into an agent, and build it", options, ARRAY_SIZE(options), forms, ARRAY_SIZE(forms),
	.local = true
};
