/* clsetup, scsetup.  Nothing is changed before the command line of an entry is complete, shown and confirmed; "q" and the end of the
 * input leave an entry as if it had not been chosen. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/dialogue.h"
#include "cmd/setup.h"
#include "cmd/signame.h"
#include "cmd/view.h"

#define REPEAT_MAX 64           /* of one question */
#define BLANKS " \t\r"

struct session {
	const struct cmdline *line;
	FILE *log;                      /* -f; NULL: none */
};

/* ---- questions ---- */

/* Without the blanks around it. */
static char *ask(const char *prompt)
{
	_cleanup_free_ char *line = dialogue_ask(prompt);
	size_t n;
	char *from;

	if (!line)
		return NULL;
	from = line + strspn(line, BLANKS);
	n = strlen(from);
	while (n && strchr(BLANKS, from[n - 1]))
		n--;
	return xstrndup(from, n);
}

/* 1 yes, 0 no, -ECANCELED. */
static int ask_yes(const char *question, bool otherwise, const char *help)
{
	_cleanup_free_ char *prompt = xasprintf("    %s (yes/no) [%s]? ", question, otherwise ? "yes" : "no");

	for (;;) {
		_cleanup_free_ char *answer = ask(prompt);

		if (!answer || strieq(answer, "q"))
			return -ECANCELED;
		if (!*answer)
			return otherwise;
		if (strieq(answer, "y") || strieq(answer, "yes"))
			return 1;
		if (strieq(answer, "n") || strieq(answer, "no"))
			return 0;
		(void)printf("    %s\n", streq(answer, "?") ? help : "Answer yes or no; q leaves this.");
	}
}

static void print_help(const struct setup_step *step)
{
	(void)printf("    %s%s%s%s\n    q leaves this, and nothing is changed.\n", step->help ? step->help : "", step->help ? " " : "",
		     setup_value_help(step->fresh ? SETUP_NAME : step->value), step->many ? " Several are separated by commas." : "");
}

/* A daemon is asked anew for every list; a session has no deadline of its own. */
static int read_names(const struct session *s, const struct setup_step *step, struct strlist *ret)
{
	struct cmdline line = *s->line;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	line.deadline_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + (uint64_t)line.deadline_s * 1000;
	return setup_value_names(&line, step, ret);
}

static void print_names(const struct strlist *names)
{
	for (size_t i = 0; i < names->n; i++)
		(void)printf("        %zu) %s\n", i + 1, names->v[i]);
}

/* A number stands for the one in the list, unless there is one of that name. */
static const char *chosen(const struct strlist *names, const char *text)
{
	int n;

	if (strlist_has(names, text) || number_parse(text, 1, (int)MIN(names->n, (size_t)INT32_MAX), &n) < 0)
		return text;
	return names->v[n - 1];
}

/* The answer as values; -EINVAL after a complaint: it is asked again. */
static int take_answer(const struct setup_step *step, const struct strlist *names, const char *text, struct strlist *ret)
{
	_cleanup_(strlist_done) struct strlist parts = { 0 };
	struct err err = { 0 };

	if (step->many)
		strlist_split(&parts, text, ", \t");
	else
		strlist_add(&parts, text);
	for (size_t i = 0; i < parts.n; i++) {
		const char *one = step->fresh ? parts.v[i] : chosen(names, parts.v[i]);

		if (!*one && step->many)
			continue;               /* a comma and a blank */
		if (setup_value_check(step, names, one, &err) == 0 && strlist_has(ret, one))
			(void)err_set(&err, -EINVAL, "%s is named twice", one);
		if (err.text[0]) {
			(void)printf("    %c%s.\n", err.text[0] >= 'a' && err.text[0] <= 'z' ? err.text[0] - 'a' + 'A' : err.text[0],
				     err.text + 1);
			strlist_done(ret);
			*ret = (struct strlist) { 0 };
			return -EINVAL;
		}
		strlist_add(ret, one);
	}
	if (!ret->n)
		(void)printf("    There is no name in \"%s\".\n", text);
	return ret->n ? 0 : -EINVAL;
}

/* One line: the values that it names, none when it is empty and may be.  -ECANCELED. */
static int ask_values(const struct setup_step *step, const struct strlist *names, struct strlist *ret)
{
	_cleanup_free_ char *prompt = xasprintf("    %s%s? ", step->question, step->repeat ? " (empty: no more)" :
						step->optional ? " (empty: none)" : "");

	for (;;) {
		_cleanup_free_ char *answer = ask(prompt);

		if (!answer || streq(answer, "q"))
			return -ECANCELED;
		if (streq(answer, "?"))
			print_help(step);
		else if (!*answer && step->optional)
			return 0;
		else if (!*answer)
			(void)printf("    This is needed; ? explains it, q leaves it.\n");
		else if (take_answer(step, names, answer, ret) == 0)
			return 0;
	}
}

/* ---- command lines ---- */

static void add_words(const struct setup_step *step, const struct strlist *values, struct strlist *options, struct strlist *operands)
{
	_cleanup_free_ char *joined = strlist_join(values, ",");
	_cleanup_free_ char *value = xasprintf("%s%s", step->prefix ? step->prefix : "", joined);

	if (!values->n)
		return;
	for (size_t i = 0; !step->option && i < values->n; i++)
		strlist_add(operands, values->v[i]);
	if (step->option) {
		strlist_add(options, step->option);
		strlist_add(options, value);
	}
}

static int ask_flag(const struct setup_step *step, struct strlist *options)
{
	int yes = ask_yes(step->question, false, step->help ? step->help : setup_value_help(SETUP_FLAG));

	if (yes > 0)
		strlist_add(options, step->option);
	return yes < 0 ? yes : 0;
}

/* -ECANCELED: the user leaves; -ENOENT: there is nothing to choose from; -EIO after a complaint. */
static int ask_step(const struct session *s, const struct setup_step *step, struct strlist *options, struct strlist *operands)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	int r = 0;

	if (step->value == SETUP_FLAG)
		return ask_flag(step, options);
	if (read_names(s, step, &names) != EXIT_OK)
		return -EIO;
	if (setup_value_is_object(step->value) && !step->fresh && !step->optional && !names.n) {
		(void)printf("    There is no %s.\n", setup_value_what(step->value));
		return -ENOENT;
	}
	if (!step->fresh)
		print_names(&names);
	for (unsigned i = 0; r == 0 && i < (step->repeat ? REPEAT_MAX : 1); i++) {
		_cleanup_(strlist_done) struct strlist values = { 0 };

		r = ask_values(step, &names, &values);
		add_words(step, &values, options, operands);
		if (!values.n)
			break;
	}
	return r;
}

static void run_line(const struct session *s, const struct strlist *words)
{
	int code;

	if (s->log)
		dialogue_print(s->log, words);
	code = dialogue_run(words);
	if (code)
		(void)printf("\n    The command failed with exit code %d.\n", code);
	else
		(void)printf("\n    Command completed successfully.\n");
}

static void append(struct strlist *to, const struct strlist *from)
{
	for (size_t i = 0; i < from->n; i++)
		strlist_add(to, from->v[i]);
}

static void confirm_and_run(const struct session *s, const struct setup_entry *entry, const struct strlist *words)
{
	(void)printf("\n    Command: ");
	dialogue_print(stdout, words);
	if (!entry->shows && ask_yes("Is it okay to run it", true, "yes runs the command line above; no leaves everything as it is.") <= 0)
		(void)printf("    Nothing was changed.\n");
	else
		run_line(s, words);
}

static void run_entry(const struct session *s, const struct setup_entry *entry)
{
	_cleanup_(strlist_done) struct strlist words = { 0 }, options = { 0 }, operands = { 0 };
	int r = 0;

	(void)printf("\n  >>> %s <<<\n\n    %s\n", entry->title, entry->help);
	if (entry->later) {
		(void)printf("    This is not built yet: %s.\n", entry->later);
		return;
	}
	for (size_t i = 0; r == 0 && i < SETUP_STEPS && entry->steps[i].value != SETUP_NONE; i++)
		r = ask_step(s, &entry->steps[i], &options, &operands);
	if (r < 0) {
		(void)printf("    Nothing was changed.\n");
		return;
	}
	strlist_split(&words, entry->command, " ");
	append(&words, &options);
	if (cmdline_has(s->line, OPT_DEADLINE)) {
		strlist_add(&words, "--deadline");
		strlist_add(&words, cmdline_get(s->line, OPT_DEADLINE));
	}
	append(&words, &operands);
	confirm_and_run(s, entry, &words);
}

/* ---- menus ---- */

static void print_menu(const struct setup_menu *menu)
{
	(void)printf("\n  *** %s ***\n\n    Please select from one of the following options:\n\n", menu->title);
	for (size_t i = 0; i < menu->count; i++)
		(void)printf("        %zu) %s\n", i + 1, menu->entries[i].title);
	(void)printf("\n        ?) Help\n        q) %s\n\n", menu == &setup_main ? "Quit" : "Return to the previous menu");
}

static void print_menu_help(const struct setup_menu *menu)
{
	(void)printf("\n");
	for (size_t i = 0; i < menu->count; i++)
		(void)printf("    %zu) %s\n          %s%s\n", i + 1, menu->entries[i].title, menu->entries[i].help,
			     menu->entries[i].later ? " (not built yet)" : "");
	(void)printf("\n    Type the number of an option. At every question ? explains it, q leaves it, and so does Ctrl-D. Before a command is\n"
		     "    run, its line is shown and you are asked.\n");
}

static void run_menu(const struct session *s, const struct setup_menu *menu)
{
	for (;;) {
		_cleanup_free_ char *answer = NULL;
		int n = 0;

		print_menu(menu);
		answer = ask("    Option:  ");
		if (!answer || strieq(answer, "q"))
			return;
		if (streq(answer, "?"))
			print_menu_help(menu);
		else if (number_parse(answer, 1, (int)menu->count, &n) < 0)
			(void)printf("    There is no option \"%s\": type a number from 1 to %zu, ? or q.\n", answer, menu->count);
		else if (menu->entries[n - 1].menu)
			run_menu(s, menu->entries[n - 1].menu);
		else
			run_entry(s, &menu->entries[n - 1]);
	}
}

/* A new cluster counts no votes but those of its first node until this is done. */
static void initial_setup(const struct session *s)
{
	(void)printf("\n  >>> Initial Cluster Setup <<<\n\n    The cluster is in install mode, without default votes. When all its nodes have joined, add\n"
		     "    the quorum devices (a cluster of two nodes needs one), then end install mode.\n\n");
	if (ask_yes("Do you want to do this now", true, "yes: quorum devices first, then the end of install mode; no: the menu.") <= 0)
		return;
	run_menu(s, &setup_add_device);
	run_entry(s, &setup_end_installmode);
}

static int setup(const struct cmdline *line)
{
	struct session s = { .line = line };
	const char *path = cmdline_get(line, 'f');
	struct view view = { 0 };
	int r = view_read(line, false, &view);

	if (r != EXIT_OK)
		return r;
	if (path) {
		_cleanup_free_ char *what = xasprintf("open %s", path);

		s.log = fopen(path, "ae");
		if (!s.log)
			r = command_failed(line, EXIT_REFUSED, what, strerror(errno));
	}
	if (r == EXIT_OK && ju_bool(ju_obj(view.status, "quorum"), "installmode", false))
		initial_setup(&s);
	if (r == EXIT_OK)
		run_menu(&s, &setup_main);
	if (s.log && fclose(s.log) != 0)
		r = command_failed(line, EXIT_REFUSED, "write the log file", strerror(errno));
	view_done(&view);
	return r;
}

/* ---- the table ---- */

static const struct option_info options[] = {
	{ 'f', "file", "LOGFILE", "append the command lines that are run to this file" },
};
static const struct form forms[] = {
	{ "", "f", NULL, PRIVILEGE_NONE, "menus that ask for what a command needs, show it, and run it", setup },
};
#define COMMAND(name) { name, "set up and change the cluster by menus", options, ARRAY_SIZE(options), forms, ARRAY_SIZE(forms) }
const struct command_info clsetup_command = COMMAND("clsetup"), scsetup_command = COMMAND("scsetup");
