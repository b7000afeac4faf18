/* Fills the tables of a manual page from the tables that the software goes by: a line "@tags cluster@" of the page on
 * standard input becomes a table of all tags of the cluster.  Run while building; its output goes to scdoc(1). */
#include <stdio.h>

#include "base/buf.h"
#include "lib/optag.h"

static const char *const object_names[] = {
	[OPTAG_CLUSTER] = "cluster", [OPTAG_RESOURCE] = "resource", [OPTAG_GROUP] = "group", [OPTAG_TYPE] = "type", NULL
};
static const char *const in_names[OPTAG_IN_COUNT] = {
	[OPTAG_IN_NONE] = "", [OPTAG_IN_NAME] = "name", [OPTAG_IN_NODEID] = "node id", [OPTAG_IN_PROP] = "property",
	[OPTAG_IN_PROP_NODE] = "property node",
};
static const char *const out_names[OPTAG_OUT_COUNT] = {
	[OPTAG_STRING] = "string", [OPTAG_INT] = "int", [OPTAG_UINT] = "unsigned int", [OPTAG_BOOLEAN] = "boolean",
	[OPTAG_SWITCH] = "enum scha_switch_t", [OPTAG_RSSTATUS] = "enum scha_rsstatus_t", [OPTAG_RSSTATE] = "enum scha_rsstate_t",
	[OPTAG_RGSTATE] = "enum scha_rgstate_t", [OPTAG_RGMODE] = "enum scha_rgmode_t",
	[OPTAG_FOMODE] = "enum scha_failover_mode_t", [OPTAG_INITNODES] = "enum scha_initnodes_flag_t",
	[OPTAG_NODESTATE] = "enum scha_node_state_t", [OPTAG_STRARRAY] = "string array", [OPTAG_UINTARRAY] = "unsigned int array",
	[OPTAG_STATUS] = "status", [OPTAG_EXTPROP] = "extension",
};

/* What scdoc would take for formatting. */
static void print_plain(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\<>#", *text))
			(void)putchar('\\');
		(void)putchar(*text);
	}
}

static void print_row(const char *const cells[], size_t n, char first)
{
	for (size_t i = 0; i < n; i++) {
		(void)printf("%c%c", i ? ':' : first, first == '[' ? '[' : ' ');
		if (*cells[i])
			(void)putchar(' ');
		print_plain(cells[i]);
		(void)putchar('\n');
	}
}

static bool print_tags(const char *object)
{
	static const char *const titles[] = { "Tag", "Arguments", "Type" };
	int wanted = keyword_find(object_names, object);

	if (wanted < 0)
		return false;
	print_row(titles, ARRAY_SIZE(titles), '[');
	for (size_t i = 0; i < optag_count(); i++) {
		const struct optag *tag = optag_at(i);
		const char *const cells[] = { tag->tag, in_names[tag->in], tag->value ? out_names[tag->out] : "SCHA_ERR_TAG" };

		if (tag->object == (enum optag_object)wanted)
			print_row(cells, ARRAY_SIZE(cells), '|');
	}
	return true;
}

static bool print_errors(const char *which)
{
	static const char *const titles[] = { "Code", "Name", "Meaning" };
#define ROW(name, value, text) { #value, #name, text },
	static const char *const rows[][3] = { SCHA_ERR_LIST(ROW) };
#undef ROW

	(void)which;
	print_row(titles, ARRAY_SIZE(titles), '[');
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		print_row(rows[i], ARRAY_SIZE(rows[i]), '|');
	return true;
}

static const struct { const char *word; bool (*print)(const char *argument); } tables[] = {
	{ "tags",   print_tags   },
	{ "errors", print_errors },
};

/* "@word argument@" */
static bool print_table(const char *line)
{
	char word[32], argument[32];

	if (sscanf(line, "@%31s %31[^@]@", word, argument) != 2)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (streq(tables[i].word, word))
			return tables[i].print(argument);
	return false;
}

int main(void)
{
	char line[1024];

	while (fgets(line, sizeof line, stdin)) {
		if (line[0] != '@') {
			(void)fputs(line, stdout);
		} else if (!print_table(line)) {
			(void)fprintf(stderr, "manual: what is this: %s", line);
			return 1;
		}
	}
	return fflush(stdout) != 0;
}
