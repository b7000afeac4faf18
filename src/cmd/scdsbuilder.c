/* scdsbuilder: two screens of questions on the terminal, and the commands that follow from the answers, printed and run.  What is
 * typed is an answer as it stands, not a piece of a shell's line; an empty line is the answer in brackets. */
#include <errno.h>
#include <stdio.h>

#include "cmd/builder.h"
#include "cmd/cmd.h"
#include "cmd/dialogue.h"
#include "cmd/options.h"

/* ---- questions ---- */

/* The answer; NULL: the input is over. */
static char *ask(const char *question, const char *otherwise)
{
	_cleanup_free_ char *prompt = xasprintf("%s [%s]: ", question, otherwise), *line = dialogue_ask(prompt);

	if (!line)
		return NULL;
	return streq(line, "-") ? xstrdup("") : xstrdup(*line ? line : otherwise);
}

/* Until the answer is one that the setting takes.  -ECANCELED: the input is over. */
static int ask_setting(struct agent *agent, enum setting setting, const char *question)
{
	for (;;) {
		_cleanup_free_ char *answer = ask(question, agent->values[setting]);
		struct err err = { 0 };

		if (!answer)
			return -ECANCELED;
		if (agent_set(agent, setting, answer, &err) == 0)
			return 0;
		(void)printf("  %s.\n", err.text);
	}
}

/* One of a few letters, the first of which is the default.  '\0': the input is over. */
static char ask_letter(const char *question, const char *letters)
{
	for (;;) {
		char first[2] = { letters[0], '\0' };
		_cleanup_free_ char *answer = ask(question, first);

		if (!answer)
			return '\0';
		if (strlen(answer) == 1 && strchr(letters, *answer))
			return *answer;
		(void)printf("  Answer with one of: %s.\n", letters);
	}
}

/* ---- commands ---- */

static void add(struct strlist *words, const char *option, const char *value)
{
	strlist_add(words, option);
	if (value)
		strlist_add(words, value);
}

/* Its exit code. */
static int run(const struct strlist *words)
{
	(void)printf("\n+ ");
	dialogue_print(stdout, words);
	return dialogue_run(words);
}

static int run_scdscreate(const struct agent *agent, const char *dir)
{
	_cleanup_(strlist_done) struct strlist l = { 0 };

	add(&l, "scdscreate", NULL);
	add(&l, "-V", agent->values[SET_VENDOR]);
	add(&l, "-T", agent->values[SET_NAME]);
	add(&l, "-n", agent->values[SET_VERSION]);
	add(&l, "-d", dir);
	if (agent_is(agent, SET_NETAWARE, "FALSE"))
		add(&l, "-a", NULL);
	if (agent_is(agent, SET_SCALABLE, "TRUE"))
		add(&l, "-s", NULL);
	if (!agent_is(agent, SET_LANG, "C"))
		add(&l, agent_is(agent, SET_LANG, "ksh") ? "-k" : "-g", NULL);
	return run(&l);
}

/* The fields of the second screen: what is asked, and the option of scdsconfig. */
static const struct { enum setting setting; const char *question, *option; } fields[] = {
	{ SET_START,            "Start command, or a file of them",     "-s" },
	{ SET_START_TIMEOUT,    "  Time-out (seconds)",                 "-u" },
	{ SET_STOP,             "Stop command (- for signals)",         "-t" },
	{ SET_STOP_TIMEOUT,     "  Time-out (seconds)",                 "-v" },
	{ SET_VALIDATE,         "Validate command (- for none)",        "-e" },
	{ SET_VALIDATE_TIMEOUT, "  Time-out (seconds)",                 "-y" },
	{ SET_PROBE,            "Probe command (- for the simple one)", "-m" },
	{ SET_PROBE_TIMEOUT,    "  Time-out (seconds)",                 "-n" },
};

static int run_scdsconfig(const struct agent *agent)
{
	_cleanup_(strlist_done) struct strlist l = { 0 };

	add(&l, "scdsconfig", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		add(&l, fields[i].option, agent->values[fields[i].setting]);
	add(&l, "-d", agent->dir);
	return run(&l);
}

/* ---- screens ---- */

enum next { NEXT, AGAIN, PREVIOUS, CANCEL };      /* AGAIN: a command failed, and has said why */

/* An agent that is there gives the answers in brackets; under another name it is cloned, settings only. */
static void offer_load(struct agent *agent, const char *dir)
{
	struct agent there;
	struct err err = { 0 };

	agent_init(&there);
	if (agent_load(&there, dir, &err) == 0) {
		(void)printf("  %s: the settings of %s.%s are in brackets.\n", there.dir, there.values[SET_VENDOR], there.values[SET_NAME]);
		agent_done(agent);
		*agent = there;
		return;
	}
	agent_done(&there);
}

static enum next create_screen(struct agent *agent, char **dir)
{
	static const struct { char letter; const char *lang; } languages[] = { { 'C', "C" }, { 'k', "ksh" }, { 'g', "gds" } };
	_cleanup_free_ char *load = NULL;
	char letter;

	(void)printf("\n---- Create ----\n\n");
	load = ask("Load the settings of an agent in this directory (- for none)", *dir);
	if (!load)
		return CANCEL;
	if (*load)
		offer_load(agent, load);
	if (ask_setting(agent, SET_VENDOR, "Vendor name") < 0 || ask_setting(agent, SET_NAME, "Application name") < 0 ||
	    ask_setting(agent, SET_VERSION, "RT version") < 0)
		return CANCEL;
	free(*dir);
	*dir = ask("Working directory", ".");
	if (!*dir)
		return CANCEL;
	letter = ask_letter("Failover or scalable (f, s)", agent_is(agent, SET_SCALABLE, "TRUE") ? "sf" : "fs");
	if (!letter || agent_set(agent, SET_SCALABLE, letter == 's' ? "TRUE" : "FALSE", NULL) < 0)
		return CANCEL;
	letter = ask_letter("Network aware (y, n)", agent_is(agent, SET_NETAWARE, "TRUE") ? "yn" : "ny");
	if (!letter || agent_set(agent, SET_NETAWARE, letter == 'y' ? "TRUE" : "FALSE", NULL) < 0)
		return CANCEL;
	letter = ask_letter("C, ksh or GDS (C, k, g)", agent_is(agent, SET_LANG, "C") ? "Ckg" : agent_is(agent, SET_LANG, "ksh") ? "kCg" : "gCk");
	if (!letter)
		return CANCEL;
	for (size_t i = 0; i < ARRAY_SIZE(languages); i++)
		if (languages[i].letter == letter && agent_set(agent, SET_LANG, languages[i].lang, NULL) < 0)
			return CANCEL;
	letter = ask_letter("\nCreate or cancel (c, x)", "cx");
	if (letter != 'c')
		return CANCEL;
	return run_scdscreate(agent, *dir) == 0 ? NEXT : AGAIN;
}

static enum next configure_screen(struct agent *agent, const char *dir)
{
	struct err err = { 0 };
	char letter;

	(void)printf("\n---- Configure ----\n\n");
	if (agent_place(agent, dir, &err) < 0) {
		(void)printf("  %s.\n", err.text);
		return PREVIOUS;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (ask_setting(agent, fields[i].setting, fields[i].question) < 0)
			return CANCEL;
	letter = ask_letter("\nConfigure, previous screen, or cancel (c, p, x)", "cpx");
	if (letter != 'c')
		return letter == 'p' ? PREVIOUS : CANCEL;
	return run_scdsconfig(agent) == 0 ? NEXT : AGAIN;
}

static int run_builder(const struct cmdline *line)
{
	_cleanup_free_ char *dir = xstrdup(".");
	_cleanup_(agent_done) struct agent agent;
	bool created = false;

	agent_init(&agent);
	(void)printf("Agent Builder.  An empty line takes what is in brackets, - is for nothing, the end of the input cancels.\n");
	for (;;) {
		enum next next = created ? configure_screen(&agent, dir) : create_screen(&agent, &dir);

		if (next == CANCEL)
			return command_failed(line, EXIT_REFUSED, created ? "configure the agent" : "create an agent", "cancelled");
		if (next == NEXT && created)
			return EXIT_OK;
		if (next != AGAIN)
			created = next == NEXT;
	}
}

static const struct form forms[] = {
	{ "", "", .help = "ask for what an agent needs, create, configure and build it", .run = run_builder },
};
const struct command_info scdsbuilder_command = {
	"scdsbuilder", "make an agent, asked step by step", NULL, 0, forms, ARRAY_SIZE(forms), .local = true
};
