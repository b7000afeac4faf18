#include "cmd/options.h"

#include "cmd/foresee.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "cmd/signame.h"
#include "cmd/template.h"

#define LONG_ONLY(letter) isdigit((unsigned char)(letter))

static const struct option_info common_options[] = {
	{ OPT_HELP,     "help",     NULL,      "print the usage" },
	{ OPT_DEADLINE, "deadline", "SECONDS", "stop waiting after so long (default 300); the cluster goes on" },
	{ OPT_MESSAGE,  "message",  "TEXT",    "why, for the history of the configuration" },
};

/* ---- exit codes ---- */

static const struct { unsigned char sc, cl, api; } exit_codes[EXIT_COUNT] = {
	[EXIT_OK]         = { 0, 0 },
	[EXIT_REFUSED]    = { 1, 37 },          /* CL_EOP */
	[EXIT_USAGE]      = { 2, 3, 3 },        /* CL_EINVAL, SCHA_ERR_INVAL */
	[EXIT_DEADLINE]   = { 3, 31 },          /* no CL_ name; SCHA_ERR_TIMEOUT, with which the low CL_ numbers agree */
	[EXIT_NO_DAEMON]  = { 4, 51 },          /* CL_ENOTCLMODE */
	[EXIT_PERMISSION] = { 5, 6 },           /* CL_EACCESS */
	[EXIT_NO_MEMORY]  = { 1, 1 },           /* CL_ENOMEM */
	[EXIT_INVALID]    = { 1, 3 },           /* CL_EINVAL, but said by the cluster */
	[EXIT_NOT_MEMBER] = { 1, 5 },           /* CL_ERECONF */
	[EXIT_ACCESS]     = { 1, 6 },           /* CL_EACCESS, but said by the cluster */
	[EXIT_STATE]      = { 1, 9 },           /* CL_ESTATE */
	[EXIT_METHOD]     = { 1, 10 },          /* CL_EMETHOD */
	[EXIT_PROPERTY]   = { 1, 15 },          /* CL_EPROP */
	[EXIT_INTERNAL]   = { 1, 18 },          /* CL_EINTERNAL */
	[EXIT_TIMEOUT]    = { 1, 31 },
	[EXIT_IO]         = { 1, 35, 18 },      /* CL_EIO, SCHA_ERR_INTERNAL */
	[EXIT_NO_OBJECT]  = { 1, 36 },          /* CL_ENOENT */
	[EXIT_EXISTS]     = { 1, 39 },          /* CL_EEXIST */
	[EXIT_TYPE]       = { 1, 41 },          /* CL_ETYPE */
};

static int exit_number(const struct cmdline *line, int code)
{
	if (code >= EXIT_API)
		return code - EXIT_API;
	assert(code >= 0 && code < EXIT_COUNT);
	if (line->family)               /* its command may be gone: there was no such subcommand */
		return exit_codes[code].cl;
	return line->command->api ? exit_codes[code].api : exit_codes[code].sc;
}

const struct option_info *option_find(const struct command_info *command, int letter)
{
	for (size_t i = 0; i < command->option_count; i++)
		if (command->options[i].letter == letter)
			return &command->options[i];
	for (size_t i = 0; i < ARRAY_SIZE(common_options); i++)
		if (common_options[i].letter == letter)
			return &common_options[i];
	return NULL;
}

static bool is_common(const struct command_info *command, const struct form *form, int letter)
{
	if (command->api || command->local)
		return letter == OPT_HELP;
	return letter == OPT_HELP || letter == OPT_DEADLINE || (letter == OPT_MESSAGE && form->privilege == PRIVILEGE_CHANGE);
}

static bool has_common(const struct command_info *command, int letter)
{
	for (size_t i = 0; i < command->form_count; i++)
		if (is_common(command, &command->forms[i], letter))
			return true;
	return false;
}

size_t command_options(const struct command_info *command, const struct option_info *ret[OPTIONS_MAX])
{
	size_t n = 0;

	assert(command->option_count + ARRAY_SIZE(common_options) <= OPTIONS_MAX);
	for (size_t i = 0; i < command->option_count; i++)
		ret[n++] = &command->options[i];
	for (size_t i = 0; i < ARRAY_SIZE(common_options); i++)
		if (has_common(command, common_options[i].letter))
			ret[n++] = &common_options[i];
	return n;
}

/* ---- help ---- */

char *option_name(const struct option_info *o)
{
	return LONG_ONLY(o->letter) ? xasprintf("--%s", o->name) : xasprintf("-%c", o->letter);
}

static void add_option(struct buf *b, const struct option_info *o, bool with_long)
{
	_cleanup_free_ char *name = option_name(o);

	buf_puts(b, name);
	if (with_long && o->name && !LONG_ONLY(o->letter))
		buf_printf(b, ", --%s", o->name);
	if (o->arg)
		buf_printf(b, " %s", o->arg);
	if (o->arg && o->repeat)
		buf_puts(b, " ...");
}

/* " {+ | node ...}" */
static void add_operands(struct buf *b, const struct operands *operands)
{
	if (!operands->what)
		return;
	buf_printf(b, " %s%s%s%s%s", operands->min == 0 ? "[" : operands->all ? "{" : "", operands->all ? OPERAND_ALL " | " : "",
		   operands->what, operands->max > 1 ? " ..." : "", operands->min == 0 ? "]" : operands->all ? "}" : "");
}

static char *form_usage(const struct command_info *command, const struct form *form)
{
	struct buf b = { 0 };

	buf_puts(&b, command->name);
	for (const char *s = form->need; *s; s++) {
		buf_puts(&b, " ");
		add_option(&b, option_find(command, *s), false);
	}
	for (const char *s = form->may; *s; s++) {
		buf_puts(&b, " [");
		add_option(&b, option_find(command, *s), false);
		buf_puts(&b, "]");
	}
	add_operands(&b, &form->operands);
	return buf_take(&b);
}

static void print_option(const struct option_info *o)
{
	struct buf b = { 0 };

	add_option(&b, o, true);
	(void)printf("  %-24s %s\n", b.s, o->help);
	buf_done(&b);
}

int command_help(const struct cmdline *line)
{
	const struct command_info *command = line->command;
	const struct option_info *options[OPTIONS_MAX];
	size_t n = command_options(command, options);

	(void)printf("%s: %s\n\n", command->name, command->summary);
	for (size_t i = 0; i < command->form_count; i++) {
		const struct form *form = &command->forms[i];
		_cleanup_free_ char *usage = form_usage(command, form);

		(void)printf("%s %s\n            %s%s%s\n", i ? "      " : "usage:", usage, form->help,
			     form->run ? "" : " (not built yet)", form->privilege == PRIVILEGE_CHANGE ? " (root)" : "");
	}
	(void)printf("\n");
	for (size_t i = 0; i < n; i++)
		print_option(options[i]);
	return EXIT_OK;
}

/* ---- complaints ---- */

static const char *period(const char *text)
{
	size_t n = strlen(text);

	return n && strchr(".?!", text[n - 1]) ? "" : ".";
}

/* What stands before a message. */
static void print_head(const struct cmdline *line, int code)
{
	(void)fflush(stdout);
	if (line->family)
		(void)fprintf(stderr, "%s:  (C%06d) ", line->family->name, 100000 + exit_number(line, code));
	else
		(void)fprintf(stderr, "%s:  ", line->command->name);
}

int command_failed(const struct cmdline *line, enum command_exit code, const char *what, const char *reason)
{
	print_head(line, (int)code);
	(void)fprintf(stderr, "Failed to %s - %s%s\n", what, reason, period(reason));
	return (int)code;
}

void command_note(const struct cmdline *line, const char *fmt, ...)
{
	va_list ap;

	print_head(line, EXIT_OK);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputs("\n", stderr);
}

int command_usage(const struct cmdline *line, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	print_head(line, EXIT_USAGE);
	(void)fprintf(stderr, "%s%s\n", text ? text : fmt, period(text ? text : fmt));
	if (line->form) {
		_cleanup_free_ char *usage = form_usage(line->command, line->form);

		(void)fprintf(stderr, "usage: %s\n", usage);
	}
	(void)fprintf(stderr, "%s --help lists all forms.\n", line->command->name);
	return EXIT_USAGE;
}

/* ---- which form is it? ---- */

static bool needs_met(const struct cmdline *line, const struct form *form)
{
	for (const char *s = form->need; *s; s++)
		if (!line->count[(unsigned char)*s])
			return false;
	return true;
}

/* The first letter that was given and does not belong to the form; 0: none. */
static int stranger(const struct cmdline *line, const struct form *form)
{
	for (int letter = 1; letter < 128; letter++)
		if (line->count[letter] && !is_common(line->command, form, letter) && !strchr(form->need, letter) && !strchr(form->may, letter))
			return letter;
	return 0;
}

static bool any_met(const struct cmdline *line, const struct form *form)
{
	if (!form->any)
		return true;
	for (const char *s = form->any; *s; s++)
		if (line->count[(unsigned char)*s])
			return true;
	return false;
}

static size_t needs_matched(const struct cmdline *line, const struct form *form)
{
	size_t n = 0;

	for (const char *s = form->need; *s; s++)
		n += line->count[(unsigned char)*s] != 0;
	return n;
}

/* No form fits: say what is wrong with the one that comes closest. */
static int complain(struct cmdline *line)
{
	const struct command_info *command = line->command;
	const struct form *best = NULL;
	size_t most = 0;

	if (command->form_count == 1 || line->family)   /* the first form of a subcommand is the one that is meant */
		best = &command->forms[0];
	for (size_t i = 0; i < command->form_count; i++) {
		const struct form *form = &command->forms[i];
		size_t n = 2 * needs_matched(line, form) + needs_met(line, form);

		if (n > most || (n == most && best && n && stranger(line, best) && !stranger(line, form))) {
			most = n;
			best = form;
		}
	}
	line->form = best;
	if (!best)
		return command_usage(line, "The options do not say what to do");
	for (const char *s = best->need; *s; s++)
		if (!line->count[(unsigned char)*s]) {
			_cleanup_free_ char *missing = option_name(option_find(command, *s));

			return command_usage(line, "%s is missing", missing);
		}
	int extra = stranger(line, best);

	if (!extra) {
		struct buf names = { 0 };
		int r;

		for (const char *s = best->any; *s; s++)
			buf_printf(&names, "%s-%c", s == best->any ? "" : s[1] ? ", " : " or ", *s);
		r = command_usage(line, "%s must be given", names.s);
		buf_done(&names);
		return r;
	}
	_cleanup_free_ char *name = option_name(option_find(command, extra));

	return command_usage(line, "%s does not go with the other options", name);
}

static int check_operands(const struct cmdline *line)
{
	const struct operands *operands = &line->form->operands;

	if (line->operands.n < operands->min)
		return command_usage(line, "%s is missing%s", operands->what, operands->all ? "; \"+\" stands for all" : "");
	if (!operands->what || line->operands.n > operands->max)
		return line->operands.n == 0 ? 0 :
			command_usage(line, "\"%s\" is not expected here", line->operands.v[operands->what ? operands->max : 0]);
	if (line->operands.n > 1 && operands->all && strlist_has(&line->operands, OPERAND_ALL))
		return command_usage(line, "\"+\" stands for all, and alone");
	return 0;
}

static int find_form(struct cmdline *line)
{
	for (size_t i = 0; i < line->command->form_count; i++) {
		const struct form *form = &line->command->forms[i];

		if (!needs_met(line, form) || stranger(line, form) || !any_met(line, form))
			continue;
		line->form = form;
		return check_operands(line);
	}
	return complain(line);
}

/* ---- parsing ---- */

struct getopt_tables { char letters[3 * OPTIONS_MAX + 4]; struct option longs[OPTIONS_MAX + 1]; };

static void add_row(struct getopt_tables *t, size_t *n, const struct option_info *o)
{
	assert(*n < OPTIONS_MAX);
	if (!LONG_ONLY(o->letter)) {
		char *end = t->letters + strlen(t->letters);

		*end++ = o->letter;
		if (o->arg)
			*end++ = ':';
		*end = '\0';
	}
	if (o->name)
		t->longs[(*n)++] = (struct option) { o->name, o->arg ? required_argument : no_argument, NULL, o->letter };
}

static void fill_tables(const struct command_info *command, struct getopt_tables *t)
{
	size_t n = 0;

	/* What an agent hands through from elsewhere is no option, whatever it begins with. */
	*t = (struct getopt_tables) { .letters = "+:" };
	if (!command->api)
		memmove(t->letters, t->letters + 1, strlen(t->letters));
	for (size_t i = 0; i < command->option_count; i++)
		add_row(t, &n, &command->options[i]);
	for (size_t i = 0; i < ARRAY_SIZE(common_options); i++)
		add_row(t, &n, &common_options[i]);
}

/* For the history: what a shell would read as the same line. */
static char *line_text(int argc, char **argv)
{
	struct buf b = { 0 };

	for (int i = 0; i < argc; i++) {
		buf_puts(&b, i ? " " : "");
		template_shell_argument(&b, argv[i]);
	}
	return buf_take(&b);
}

static bool is_utf8(const char *text)
{
	json_t *s = json_string(text);

	json_decref(s);
	return s != NULL;
}

static int take_option(struct cmdline *line, int letter, const char *arg)
{
	const struct option_info *o = option_find(line->command, letter);

	if (line->count[letter] && o->arg && !o->repeat) {
		_cleanup_free_ char *name = option_name(o);

		return command_usage(line, "%s is given twice", name);
	}
	line->count[letter]++;
	buf_add(&line->order, &(char){ (char)letter }, 1);
	if (arg)
		strlist_add(&line->values[letter], arg);
	if (letter == OPT_DEADLINE && number_parse(arg, 1, INT32_MAX / 1000, &line->deadline_s) < 0)
		return command_usage(line, "--deadline takes a number of seconds from 1 on, not \"%s\"", arg);
	return 0;
}

static int parse(struct cmdline *line, int argc, char **argv)
{
	struct getopt_tables t;
	int letter, r = 0;

	fill_tables(line->command, &t);
	for (int i = 0; i < argc && !line->command->api; i++)
		if (!is_utf8(argv[i]))
			return command_usage(line, "Argument %d is not UTF-8 text", i);
	optind = 0;                     /* glibc: start afresh */
	opterr = 0;
	while (r == 0 && (letter = getopt_long(argc, argv, t.letters, t.longs, NULL)) >= 0) {
		if (letter == ':')
			return command_usage(line, "%s needs an argument", argv[optind - 1]);
		if (letter == '?' && optopt == '?' && line->family)
			return take_option(line, OPT_HELP, NULL);
		if (letter == '?')
			return optopt ? command_usage(line, "There is no option -%c", optopt)
				      : command_usage(line, "There is no option %s", argv[optind - 1]);
		r = take_option(line, letter, optarg);
	}
	for (; r == 0 && optind < argc; optind++)
		strlist_add(&line->operands, argv[optind]);
	return r;
}

static void cmdline_done(struct cmdline *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(line->values); i++)
		strlist_done(&line->values[i]);
	strlist_done(&line->operands);
	buf_done(&line->order);
	free(line->text);
}

/* text_argc, text_argv: the whole line, for the history; a subcommand is its second word. */
static int line_run(struct cmdline *line, int argc, char **argv, int text_argc, char **text_argv)
{
	struct foresight *foresight = NULL;
	struct timespec now;
	int r;

	if (line->command->api)
		line->form = &line->command->forms[0];  /* there is one, and every mistake shows it */
	r = parse(line, argc, argv);
	if (r)
		return r;
	if (cmdline_has(line, OPT_HELP))
		return command_help(line);
	r = find_form(line);
	if (r)
		return r;
	if (!line->form->run)
		return command_failed(line, EXIT_REFUSED, line->form->help, line->form->later);
	clock_gettime(CLOCK_MONOTONIC, &now);
	line->deadline_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + (uint64_t)line->deadline_s * 1000;
	line->text = line_text(text_argc, text_argv);
	line->foresight = &foresight;
	r = line->form->run(line);
	if (cmdline_has(line, OPT_REHEARSE) && (foresight || r == EXIT_OK))
		foresight_print(foresight);
	foresight_free(foresight);
	if (fflush(stdout) != 0 && r == EXIT_OK)
		return command_failed(line, EXIT_IO, "write the output", strerror(errno));
	return r;
}

int command_main(const struct command_info *command, int argc, char **argv)
{
	_cleanup_(cmdline_done) struct cmdline line = { .command = command, .deadline_s = DEADLINE_DEFAULT_S };

	return exit_number(&line, line_run(&line, argc, argv, argc, argv));
}

/* ---- families ---- */

const char *command_subword(const struct command_family *family, const struct command_info *command)
{
	return command->name + strlen(family->name) + 1;
}

static int family_usage(const struct command_family *family, FILE *to)
{
	(void)fprintf(to, "usage: %s SUBCOMMAND [OPTION ...] [OPERAND ...]\n", family->name);
	for (size_t i = 0; family->plain && i < family->plain->form_count; i++) {
		_cleanup_free_ char *usage = form_usage(family->plain, &family->plain->forms[i]);

		(void)fprintf(to, "       %s\n", usage);
	}
	(void)fprintf(to, "\n");
	for (size_t i = 0; i < family->command_count; i++)
		(void)fprintf(to, "  %-16s %s\n", command_subword(family, &family->commands[i]), family->commands[i].summary);
	for (size_t i = 0; i < family->unbuilt_count; i++)
		(void)fprintf(to, "  %-16s (not built yet)\n", family->unbuilt[i].word);
	(void)fprintf(to, "\n%s SUBCOMMAND --help tells more.\n", family->name);
	return to == stdout ? EXIT_OK : EXIT_USAGE;
}

static int unknown_subcommand(const struct command_family *family, struct cmdline *line, const char *word)
{
	_cleanup_free_ char *what = xasprintf("%s %s", family->name, word);
	struct command_info none = { .name = family->name };

	line->command = &none;
	for (size_t i = 0; i < family->unbuilt_count; i++)
		if (streq(word, family->unbuilt[i].word)) {
			_cleanup_free_ char *doing = xasprintf("run %s", what);

			return command_failed(line, EXIT_REFUSED, doing, family->unbuilt[i].later);
		}
	print_head(line, EXIT_USAGE);
	(void)fprintf(stderr, "There is no subcommand \"%s\".\n", word);
	return family_usage(family, stderr);
}

int family_main(const struct command_family *family, int argc, char **argv)
{
	_cleanup_(cmdline_done) struct cmdline line = { .family = family, .deadline_s = DEADLINE_DEFAULT_S };
	const char *word = argc < 2 ? NULL : argv[1];

	if (!word)
		return exit_number(&line, family_usage(family, stderr));
	if (streq(word, "--help") || streq(word, "-?") || streq(word, "help"))
		return family_usage(family, stdout);
	if (argc == 2 && (streq(word, "-V") || streq(word, "--version"))) {
		(void)printf("%s %s\n", family->name, PARHELION_VERSION);
		return EXIT_OK;
	}
	if (*word == '-' && family->plain)
		return command_main(family->plain, argc, argv);
	for (size_t i = 0; i < family->command_count; i++)
		if (streq(word, command_subword(family, &family->commands[i]))) {
			line.command = &family->commands[i];
			return exit_number(&line, line_run(&line, argc - 1, argv + 1, argc, argv));
		}
	return exit_number(&line, unknown_subcommand(family, &line, word));
}

/* ---- reading ---- */

bool cmdline_has(const struct cmdline *line, char letter)
{
	return line->count[(unsigned char)letter] != 0;
}

const char *cmdline_get(const struct cmdline *line, char letter)
{
	const struct strlist *values = &line->values[(unsigned char)letter];

	return values->n ? values->v[0] : NULL;
}

int cmdline_list(const struct cmdline *line, char letter, struct strlist *ret)
{
	const char *text = cmdline_get(line, letter);

	strlist_split(ret, text ? text : "", ", \t");
	for (size_t i = 0; i < ret->n; i++)
		if (!*ret->v[i]) {
			(void)command_usage(line, "-%c \"%s\": a name is empty", letter, text);
			return -EINVAL;
		}
	return 0;
}

bool cmdline_all(const struct cmdline *line)
{
	return !line->operands.n || streq(line->operands.v[0], OPERAND_ALL);
}
