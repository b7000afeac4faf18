/* SYNOPSIS, subcommands and OPTIONS of the administration commands, from the tables of their command lines. */
#include "manual.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/options.h"

#define ROWS_MAX 512

/* ---- words ---- */

static void print_sentence(const char *text, bool capital)
{
	size_t n = strlen(text);
	_cleanup_free_ char *copy = xstrdup(text);

	if (capital)
		copy[0] = (char)toupper((unsigned char)copy[0]);
	print_plain(copy);
	(void)fputs(n && strchr(".?!", text[n - 1]) ? "" : ".", stdout);
}

/* What the page itself says behind a sentence, as the end of its paragraph and as more of them. */
static void print_more(const char *word)
{
	const char *more = more_about(word);

	(void)fputs(more ? " " : "", stdout);
	for (; more && *more; more++) {
		(void)putchar(*more);
		if (*more == '\n' && more[1] != '\n')
			(void)putchar('\t');
	}
	(void)fputs("\n\n", stdout);
}

static void print_word(const char *word)
{
	(void)putchar('*');
	print_plain(word);
	(void)putchar('*');
}

static void print_argument(const char *argument)
{
	(void)fputs(" _", stdout);
	print_plain(argument);
	(void)putchar('_');
}

/* ---- what there is ---- */

#define COMMANDS_MAX 32

/* A command, or what a family has: the form without a subcommand first, then by name. */
struct commands { const struct command_info *v[COMMANDS_MAX]; size_t n; const struct command_family *family; };

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct command_info *const *)a)->name, (*(const struct command_info *const *)b)->name);
}

static bool find_commands(const char *name, struct commands *ret)
{
	const struct command_entry *entry = command_find(name);

	*ret = (struct commands) { .family = entry ? entry->family : NULL };
	if (!entry || entry->fn)
		return false;
	if (entry->command)
		ret->v[ret->n++] = entry->command;
	if (entry->family && entry->family->plain)
		ret->v[ret->n++] = entry->family->plain;
	for (size_t i = 0; entry->family && i < entry->family->command_count; i++) {
		assert(ret->n < COMMANDS_MAX);
		ret->v[ret->n++] = &entry->family->commands[i];
	}
	qsort(ret->v, ret->n, sizeof *ret->v, by_name);
	return true;
}

/* ---- SYNOPSIS ---- */

static void print_option_use(const struct command_info *command, char letter, bool optional)
{
	const struct option_info *o = option_find(command, letter);
	_cleanup_free_ char *name = option_name(o);

	(void)fputs(optional ? " [" : " ", stdout);
	print_word(name);
	if (o->arg)
		print_argument(o->arg);
	(void)printf("%s%s", o->arg && o->repeat ? " ..." : "", optional ? "]" : "");
}

static void print_operands(const struct operands *operands)
{
	const char *open = operands->min == 0 ? "[" : operands->all ? "{" : "", *close = operands->min == 0 ? "]" : operands->all ? "}" : "";

	if (!operands->what)
		return;
	(void)printf(" %s%s", open, operands->all ? "*" OPERAND_ALL "* |" : "");
	if (streq(operands->what, OPERAND_ALL))
		print_word(OPERAND_ALL);
	else if (operands->all)
		print_argument(operands->what);
	else
		(void)printf("_%s_", operands->what);
	(void)printf("%s%s", operands->max > 1 ? " ..." : "", close);
}

static void print_forms(const struct command_info *command)
{
	_cleanup_(strlist_done) struct strlist words = { 0 };

	strlist_split(&words, command->name, " ");
	for (size_t i = 0; i < command->form_count; i++) {
		const struct form *form = &command->forms[i];

		if (!form->run)
			continue;
		for (size_t w = 0; w < words.n; w++) {
			(void)fputs(w ? " " : "", stdout);
			print_word(words.v[w]);
		}
		for (const char *s = form->need; *s; s++)
			print_option_use(command, *s, false);
		for (const char *s = form->may; *s; s++)
			print_option_use(command, *s, true);
		print_operands(&form->operands);
		(void)puts("\n");
	}
}

bool print_synopsis(const char *name)
{
	struct commands commands;

	if (!find_commands(name, &commands))
		return false;
	for (size_t i = 0; i < commands.n; i++)
		print_forms(commands.v[i]);
	return true;
}

/* ---- subcommands ---- */

/* "With *-F*: " of a form that needs more than the first one. */
static void print_needs(const struct command_info *command, const struct form *form)
{
	const char *before = "With ";

	for (const char *s = form->need; *s; s++) {
		_cleanup_free_ char *name = option_name(option_find(command, *s));

		if (strchr(command->forms[0].need, *s))
			continue;
		(void)fputs(before, stdout);
		print_word(name);
		before = " and ";
	}
	(void)fputs(": ", stdout);
}

static void print_subcommand(const struct command_family *family, const struct command_info *command)
{
	const struct form *first = &command->forms[0];

	print_word(command_subword(family, command));
	(void)fputs("\n\t", stdout);
	print_sentence(first->help, true);
	if (!first->run) {
		(void)putchar(' ');
		print_sentence(first->later, true);
	}
	for (size_t i = 1; i < command->form_count; i++)
		if (command->forms[i].run) {
			(void)putchar(' ');
			print_needs(command, &command->forms[i]);
			print_sentence(command->forms[i].help, false);
		}
	print_more(command_subword(family, command));
}

/* Those that are refused with the same words are listed together. */
static void print_unbuilt(const struct command_family *family, size_t first)
{
	const struct unbuilt *unbuilt = family->unbuilt;

	for (size_t i = 0; i < first; i++)
		if (streq(unbuilt[i].later, unbuilt[first].later))
			return;
	for (size_t i = first; i < family->unbuilt_count; i++)
		if (streq(unbuilt[i].later, unbuilt[first].later)) {
			(void)fputs(i == first ? "" : ", ", stdout);
			print_word(unbuilt[i].word);
		}
	(void)fputs("\n\t", stdout);
	print_sentence(unbuilt[first].later, true);
	(void)fputs("\n\n", stdout);
}

bool print_subcommands(const char *name)
{
	struct commands commands;

	if (!find_commands(name, &commands) || !commands.family)
		return false;
	for (size_t i = 0; i < commands.n; i++)
		if (commands.v[i] != commands.family->plain)
			print_subcommand(commands.family, commands.v[i]);
	for (size_t i = 0; i < commands.family->unbuilt_count; i++)
		print_unbuilt(commands.family, i);
	return true;
}

/* ---- OPTIONS ---- */

/* An option of a command; key: what the page lists it under. */
struct row {
	const struct option_info  *o;
	const struct command_info *command;
	char                      *key;         /* "-n --node" */
	size_t                     order;
	bool                       done;
};
struct rows { struct row v[ROWS_MAX]; size_t n; const struct command_family *family; };

static bool is_common(const struct option_info *o)
{
	return o->letter == OPT_HELP || o->letter == OPT_DEADLINE || o->letter == OPT_MESSAGE;
}

/* No form that has it is built. */
static bool is_unbuilt(const struct command_info *command, const struct option_info *o)
{
	bool there = false;

	for (size_t i = 0; i < command->form_count; i++) {
		const struct form *form = &command->forms[i];

		if (strchr(form->need, o->letter) || strchr(form->may, o->letter)) {
			there = true;
			if (form->run)
				return false;
		}
	}
	return there && !strstr(o->help, "not built yet");
}

static void add_command(struct rows *rows, const struct command_info *command)
{
	const struct option_info *options[OPTIONS_MAX];
	size_t n = command_options(command, options);

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *name = option_name(options[i]);

		assert(rows->n < ROWS_MAX);
		rows->v[rows->n] = (struct row) {
			options[i], command, xasprintf("%s %s", name, options[i]->name ? options[i]->name : ""), rows->n, false
		};
		rows->n++;
	}
}

/* Letters first, then long names, then what all commands have. */
static int rank(const struct row *row)
{
	return is_common(row->o) ? 2 : row->key[1] == '-';
}

static int compare(const void *a, const void *b)
{
	const struct row *x = (const struct row *)a, *y = (const struct row *)b;
	int order = rank(x) - rank(y);

	order = order ? order : strcasecmp(x->key, y->key);
	order = order ? order : strcmp(y->key, x->key);         /* -m before -M */
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static bool is_same(const struct row *a, const struct row *b)
{
	return streq(a->key, b->key);
}

static void print_heading(const struct row *first, size_t n, const struct rows *rows)
{
	_cleanup_free_ char *name = option_name(first->o);
	_cleanup_(strlist_done) struct strlist arguments = { 0 };

	print_word(name);
	if (first->o->name && name[1] != '-')
		(void)printf(", *--%s*", first->o->name);
	if (first->o->letter == OPT_HELP && rows->family)
		(void)fputs(", *-?*", stdout);
	for (size_t i = 0; i < n; i++)
		if (first[i].o->arg && !strlist_has(&arguments, first[i].o->arg)) {
			(void)fputs(arguments.n ? " |" : "", stdout);
			print_argument(first[i].o->arg);
			strlist_add(&arguments, first[i].o->arg);
		}
	(void)fputs("\n\t", stdout);
}

static bool says_the_same(const struct row *a, const struct row *b)
{
	return streq(a->o->help, b->o->help) && is_unbuilt(a->command, a->o) == is_unbuilt(b->command, b->o);
}

/* What it means, and of which subcommands where that differs. */
static void print_meaning(struct row *row, struct row *end, const struct rows *rows, bool alone)
{
	bool named = rows->family && !is_common(row->o) && (!alone || end - row == 1);
	const char *before = "Of ";

	for (struct row *other = row; other < end; other++) {
		if (other->done || !says_the_same(row, other))
			continue;
		other->done = true;
		if (!named)
			continue;
		(void)fputs(before, stdout);
		if (other->command == rows->family->plain)
			(void)fputs("the form without a subcommand", stdout);
		else
			print_word(command_subword(rows->family, other->command));
		before = ", ";
	}
	(void)fputs(named ? ": " : "", stdout);
	print_sentence(row->o->help, !named);
	(void)fputs(is_unbuilt(row->command, row->o) ? " Not built yet." : "", stdout);
}

static void print_option(struct row *first, struct row *end, const struct rows *rows)
{
	_cleanup_free_ char *name = option_name(first->o);
	bool alone = true;

	for (struct row *row = first; row < end; row++)
		alone = alone && says_the_same(first, row);
	print_heading(first, (size_t)(end - first), rows);
	for (struct row *row = first; row < end; row++)
		if (!row->done) {
			(void)fputs(row == first ? "" : " ", stdout);
			print_meaning(row, end, rows, alone);
		}
	print_more(name);
}

bool print_options(const char *name)
{
	struct commands commands;
	struct rows *rows;

	if (!find_commands(name, &commands))
		return false;
	rows = xcalloc(1, sizeof *rows);
	rows->family = commands.family;
	for (size_t i = 0; i < commands.n; i++)
		add_command(rows, commands.v[i]);
	qsort(rows->v, rows->n, sizeof *rows->v, compare);
	for (size_t i = 0, end; i < rows->n; i = end) {
		for (end = i + 1; end < rows->n && is_same(&rows->v[i], &rows->v[end]);)
			end++;
		print_option(&rows->v[i], &rows->v[end], rows);
	}
	if (commands.family)
		(void)fputs("*-V*, *--version*\n\tIn place of a subcommand: print the version.\n\n", stdout);
	for (size_t i = 0; i < rows->n; i++)
		free(rows->v[i].key);
	free(rows);
	return true;
}
