/* Fills a manual page from the tables that the software goes by.  Run while building: the page on standard input, what scdoc(1)
 * takes on standard output.  Lines of the page that begin with "@":
 *
 *     @tags cluster@              a table of all tags of the cluster
 *     @errors all@                of the errors of the RMAPI
 *     @properties resource@       a list of all properties of resources
 *     @synopsis clnode@           the forms of a command
 *     @subcommands clnode@        a list of its subcommands
 *     @options clnode@            a list of its options
 *     @more create@               the lines up to the next "@" stand behind what the tables say of create, which is a word of
 *     @more -n@                   a list that follows
 *
 * What is in no list is an error, so a page cannot tell of what is gone. */
#include "manual.h"

#include <stdio.h>

#include "base/buf.h"
#include "lib/optag.h"
#include "rgm/rt.h"

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

void print_plain(const char *text)
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

/* ---- properties ---- */

static const char *const property_types[PROP_TYPE_COUNT] = {
	[PROP_STRING] = "string", [PROP_INT] = "integer", [PROP_BOOLEAN] = "boolean", [PROP_ENUM] = "enum",
	[PROP_STRINGARRAY] = "list",
};
static const char *const setters[] = {
	[SET_BY_ADMIN] = "the administrator", [SET_BY_RTR] = "the RTR file", [SET_BY_RGM] = "the RGM",
	[SET_BY_RTR_OR_ADMIN] = "the RTR file or the administrator",
};
static const char *const when[TUNE_COUNT] = {
	[TUNE_NONE] = "", [TUNE_AT_CREATION] = ", at creation only", [TUNE_WHEN_DISABLED] = ", while disabled",
	[TUNE_ANYTIME] = ", at any time",
};

static void print_range(const struct prop_info *info)
{
	struct buf b = { 0 };

	if (info->enums) {
		_cleanup_(strlist_done) struct strlist words = { 0 };
		_cleanup_free_ char *text = NULL;

		strlist_split(&words, info->enums, ",");
		text = strlist_join(&words, ", ");
		buf_printf(&b, " One of: %s.", text);
	}
	if (info->type == PROP_INT && info->max && info->max < INT32_MAX)
		buf_printf(&b, " %lld to %lld.", (long long)info->min, (long long)info->max);
	else if (info->type == PROP_INT && info->max)
		buf_printf(&b, " At least %lld.", (long long)info->min);
	print_plain(b.len ? b.s : "");
	buf_done(&b);
}

/* When is it there?  Of a resource only: the others always have all. */
static const char *presence(const struct prop_info *info)
{
	if (info->always || info->query_only)
		return "";
	if (info->with_scalable)
		return " Exists when the type declares it, or Scalable.";
	return strstr(info->name, "_timeout") ? " Exists when the type has the method." : " Exists when the type declares it.";
}

static void print_property(const struct prop_info *info, bool of_resource)
{
	(void)putchar('*');
	print_plain(info->name);
	(void)printf("* (%s)\n\t", property_types[info->type]);
	print_plain(info->help);
	(void)fputs(".", stdout);
	print_range(info);
	if (info->dflt && *info->dflt) {
		(void)fputs(" Default ", stdout);
		print_plain(info->dflt);
		(void)fputs(".", stdout);
	}
	(void)printf(" Set by %s%s.%s\n\n", setters[info->setter], when[info->tunable], of_resource ? presence(info) : "");
}

static bool print_properties(const char *of)
{
	static const struct { const char *of; size_t (*count)(void); const struct prop_info *(*at)(size_t i); } kinds[] = {
		{ "type",     type_prop_count,     type_prop_at     },
		{ "resource", resource_prop_count, resource_prop_at },
		{ "group",    group_prop_count,    group_prop_at    },
	};

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (!streq(kinds[k].of, of))
			continue;
		for (size_t i = 0; i < kinds[k].count(); i++)
			print_property(kinds[k].at(i), streq(of, "resource"));
		return true;
	}
	return false;
}

static const struct { const char *word; bool (*print)(const char *argument); } tables[] = {
	{ "tags",       print_tags       },
	{ "errors",     print_errors     },
	{ "properties", print_properties },
	{ "synopsis",   print_synopsis   },
	{ "subcommands", print_subcommands },
	{ "options",    print_options    },
};

/* ---- the page ---- */

static struct { char *word, *text; bool used; } mores[64];
static size_t more_count;

const char *more_about(const char *word)
{
	for (size_t i = 0; i < more_count; i++)
		if (streq(mores[i].word, word)) {
			mores[i].used = true;
			return mores[i].text;
		}
	return NULL;
}

/* "@more WORD@" and what follows; in line then the line after that. */
static bool read_more(char *line, int size)
{
	char word[32];
	struct buf text = { 0 };
	bool there = true;

	if (sscanf(line, "@more %31[^@]@", word) != 1)
		return false;
	while ((there = fgets(line, size, stdin) != NULL) && line[0] != '@')
		buf_puts(&text, line);
	while (text.len && text.s[text.len - 1] == '\n')
		text.s[--text.len] = '\0';
	assert(more_count < ARRAY_SIZE(mores));
	mores[more_count].word = xstrdup(word);
	mores[more_count++].text = buf_take(&text);
	if (!there)
		*line = '\0';
	return true;
}

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

/* Every "@more" has found its place. */
static bool mores_used(void)
{
	bool all = true;

	for (size_t i = 0; i < more_count; i++) {
		if (!mores[i].used)
			(void)fprintf(stderr, "manual: @more %s@: the tables have no such subcommand or option\n", mores[i].word);
		all = all && mores[i].used;
		free(mores[i].word);
		free(mores[i].text);
	}
	return all;
}

int main(void)
{
	char line[1024];

	while (fgets(line, sizeof line, stdin)) {
		while (read_more(line, sizeof line))
			;
		if (line[0] != '@') {
			(void)fputs(line, stdout);
		} else if (!print_table(line)) {
			(void)fprintf(stderr, "manual: what is this: %s", line);
			return 1;
		}
	}
	return fflush(stdout) != 0 || !mores_used();
}
