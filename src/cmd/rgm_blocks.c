#include "cmd/rgm_blocks.h"

#include <ctype.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/cl_print.h"
#include "cmd/print.h"

#define TABLE(name, ...) \
	static const struct cl_column name##_columns[] = { __VA_ARGS__ }; \
	struct cl_table name = { .columns = name##_columns, .n = ARRAY_SIZE(name##_columns) }

/* How a text of the configuration is shown. */
enum show { SHOW_TEXT, SHOW_OR_NULL, SHOW_WORD, SHOW_LIST, SHOW_ALL_LIST, SHOW_GLOBAL, SHOW_INIT_NODES };

static char *with_blanks(const char *list)
{
	char *s = xstrdup(list);

	for (char *p = s; *p; p++)
		*p = *p == ',' ? ' ' : *p;
	return s;
}

static char *shown(enum show how, const char *text)
{
	if (how == SHOW_ALL_LIST && (!*text || streq(text, "*")))
		return xstrdup("<All>");
	if (how == SHOW_GLOBAL && streq(text, "*"))
		return xstrdup("<All>");
	if (how == SHOW_INIT_NODES)
		return xstrdup(streq(text, "RG_PRIMARIES") ? "All potential masters" : "All nodes");
	if (!*text && how != SHOW_TEXT)
		return xstrdup("<NULL>");
	if (how == SHOW_WORD)
		return word_capitalised(text);
	return how >= SHOW_LIST ? with_blanks(text) : xstrdup(text);
}

static void row(int indent, const char *label, enum show how, const char *text)
{
	_cleanup_free_ char *value = shown(how, text);

	cl_row(indent, label, value);
}

/* ---- types ---- */

static const struct type_row { const char *label, *key; enum show how; } type_rows[] = {
	{ "RT_description",  "description",     SHOW_OR_NULL },
	{ "RT_version",      "version",         SHOW_OR_NULL },
	{ "API_version",     "api_version",     SHOW_TEXT },
	{ "RT_basedir",      "basedir",         SHOW_OR_NULL },
	{ "Single_instance", "single_instance", SHOW_WORD },
	{ "Proxy",           "proxy",           SHOW_WORD },
	{ "Init_nodes",      "init_nodes",      SHOW_INIT_NODES },
	{ "Installed_nodes", "installed_nodes", SHOW_ALL_LIST },
	{ "Failover",        "failover",        SHOW_WORD },
	{ "Pkglist",         "pkglist",         SHOW_LIST },
	{ "RT_system",       "system",          SHOW_WORD },
	{ "Global_zone",     "global_zone",     SHOW_WORD },
};

static void print_methods(const json_t *methods)
{
	const char *name;
	json_t *path;

	(void)printf("\n");
	json_object_foreach((json_t *)methods, name, path) {
		_cleanup_free_ char *label = xasprintf("Method %s", name);

		cl_row(2, label, json_string_value(path) ? json_string_value(path) : "");
	}
}

void block_types(const json_t *types, bool verbose)
{
	json_t *type;
	size_t i;

	cl_title("Registered Resource Types");
	json_array_foreach((json_t *)types, i, type) {
		cl_object(0, "Resource Type", ju_str(type, "name", ""));
		for (size_t k = 0; k < ARRAY_SIZE(type_rows); k++) {
			_cleanup_free_ char *text = value_text(json_object_get(type, type_rows[k].key));

			row(2, type_rows[k].label, type_rows[k].how, text);
		}
		if (verbose && json_object_size(ju_obj(type, "methods")))
			print_methods(ju_obj(type, "methods"));
		(void)printf("\n");
	}
}

void table_types(const json_t *types)
{
	TABLE(table, { "Resource Type", 32 }, { "Node List", 0 });
	json_t *type;
	size_t i;

	json_array_foreach((json_t *)types, i, type) {
		_cleanup_free_ char *text = value_text(ju_arr(type, "installed_nodes")), *nodes = shown(SHOW_ALL_LIST, text);

		cl_cell(&table, ju_str(type, "name", ""));
		cl_cell(&table, nodes);
	}
	cl_table_print(&table);
}

/* ---- groups ---- */

#define RG_STATE "RG_state"     /* no property; it stands among them */

static const struct group_row { const char *name; enum show how; bool always; } group_rows[] = {
	{ "RG_description",               SHOW_OR_NULL,  true },
	{ "RG_mode",                      SHOW_WORD,     true },
	{ RG_STATE,                       SHOW_TEXT,     true },
	{ "RG_project_name",              SHOW_OR_NULL,  false },
	{ "RG_affinities",                SHOW_LIST,     false },
	{ "Auto_start_on_new_cluster",    SHOW_WORD,     false },
	{ "Failback",                     SHOW_WORD,     true },
	{ "Nodelist",                     SHOW_LIST,     true },
	{ "Maximum_primaries",            SHOW_OR_NULL,  false },
	{ "Desired_primaries",            SHOW_OR_NULL,  false },
	{ "RG_dependencies",              SHOW_LIST,     false },
	{ "Implicit_network_dependencies", SHOW_WORD,    false },
	{ "Global_resources_used",        SHOW_GLOBAL,   false },
	{ "Pingpong_interval",            SHOW_OR_NULL,  false },
	{ "Pathprefix",                   SHOW_OR_NULL,  false },
	{ "RG_system",                    SHOW_WORD,     false },
	{ "Suspend_automatic_recovery",   SHOW_WORD,     false },
};

static bool is_named(const struct strlist *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strieq(names->v[i], name))
			return true;
	return false;
}

/* Properties that have no row of their own, when they are asked for. */
static void print_other_props(const json_t *group, const struct strlist *props)
{
	const char *name;
	json_t *value;

	json_object_foreach(ju_obj(group, "properties"), name, value) {
		bool has_row = false;

		for (size_t i = 0; i < ARRAY_SIZE(group_rows); i++)
			has_row |= streq(name, group_rows[i].name);
		if (!has_row && is_named(props, name))
			row(2, name, SHOW_OR_NULL, json_string_value(value) ? json_string_value(value) : "");
	}
}

static void print_group(const json_t *group, const struct strlist *props, bool verbose)
{
	cl_object(0, "Resource Group", ju_str(group, "name", ""));
	for (size_t i = 0; i < ARRAY_SIZE(group_rows); i++) {
		const struct group_row *r = &group_rows[i];
		const char *text = group_prop(group, r->name);

		if (props->n ? !is_named(props, r->name) : !verbose && !r->always)
			continue;
		if (streq(r->name, RG_STATE))
			cl_row(2, r->name, ju_bool(group, "managed", false) ? "Managed" : "Unmanaged");
		else
			row(2, r->name, r->how, text);
	}
	if (props->n)
		print_other_props(group, props);
	(void)printf("\n");
}

static void print_resource(const char *nodelist, const json_t *resource, int indent)
{
	static const char *const flags[][2] = { { "Enabled", "enabled" }, { "Monitored", "monitored" } };
	_cleanup_(strlist_done) struct strlist nodes = { 0 };

	cl_object(indent, "Resource", ju_str(resource, "name", ""));
	cl_row(indent + 2, "Type", ju_str(resource, "type", ""));
	row(indent + 2, "Type_version", SHOW_OR_NULL, ju_str(resource, "type_version", ""));
	cl_row(indent + 2, "Group", ju_str(resource, "group", ""));
	cl_row(indent + 2, "R_description", ju_str(resource_prop(resource, "R_description"), "value", ""));
	cl_row(indent + 2, "Resource_project_name", ju_str(resource_prop(resource, "Resource_project_name"), "value", "default"));
	strlist_split(&nodes, nodelist, ",");
	for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
		for (size_t i = 0; i < nodes.n; i++) {
			_cleanup_free_ char *label = xasprintf("%s{%s}", flags[f][0], nodes.v[i]);

			cl_row(indent + 2, label, resource_is_on(resource, flags[f][1], nodes.v[i]) ? "True" : "False");
		}
	(void)printf("\n");
}

void block_groups(const json_t *groups, const struct strlist *props, bool verbose)
{
	json_t *group, *rs;
	size_t i, k;

	cl_title("Resource Groups and Resources");
	json_array_foreach((json_t *)groups, i, group) {
		print_group(group, props, verbose);
		if (props->n || !json_array_size(ju_arr(group, "resources")))
			continue;
		(void)printf("  --- Resources for Group %s ---\n\n", ju_str(group, "name", ""));
		json_array_foreach(ju_arr(group, "resources"), k, rs)
			print_resource(group_prop(group, "Nodelist"), rs, 2);
	}
}

/* In words, of all nodes. */
static const char *overall(const struct objects *objects, const json_t *group)
{
	json_t *masters = group_masters(objects, ju_str(group, "name", ""));
	bool online = json_array_size(masters) > 0;

	json_decref(masters);
	return !ju_bool(group, "managed", false) ? "unmanaged" : online ? "online" : "offline";
}

void table_groups(const struct objects *objects, const json_t *groups)
{
	TABLE(table, { "Resource Group", 21 }, { "Mode", 15 }, { "Overall status", 0 });
	json_t *group;
	size_t i;

	json_array_foreach((json_t *)groups, i, group) {
		_cleanup_free_ char *mode = word_capitalised(group_prop(group, "RG_mode"));

		cl_cell(&table, ju_str(group, "name", ""));
		cl_cell(&table, mode);
		cl_cell(&table, overall(objects, group));
	}
	cl_table_print(&table);
}

/* ---- resources ---- */

static char *lower(const char *text)
{
	char *s = xstrdup(text);

	for (char *p = s; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return s;
}

static void print_value(const json_t *p)
{
	_cleanup_free_ char *type = lower(ju_str(p, "type", "")), *value = shown(SHOW_LIST, ju_str(p, "value", ""));
	const char *name = ju_str(p, "name", ""), *node;
	json_t *v;

	cl_object(2, name, streq(type, "stringarray") ? value : *ju_str(p, "value", "") ? ju_str(p, "value", "") : "<NULL>");
	json_object_foreach(ju_obj(p, "values"), node, v) {
		_cleanup_free_ char *label = xasprintf("%s{%s}", name, node);

		cl_object(2, label, json_string_value(v) ? json_string_value(v) : "");
	}
	cl_row(4, "Class", ju_bool(p, "extension", false) ? "extension" : "standard");
	cl_row(4, "Description", ju_str(p, "description", ""));
	cl_row(4, "Per-node", ju_obj(p, "values") ? "True" : "False");
	cl_row(4, "Type", type);
	(void)printf("\n");
}

static void print_values(const json_t *resource, const struct strlist *props)
{
	bool first = true;
	json_t *p;
	size_t i;

	json_array_foreach(ju_arr(resource, "properties"), i, p) {
		if (props->n && !is_named(props, ju_str(p, "name", "")))
			continue;
		if (first)
			(void)printf("  --- Standard and extension properties ---\n\n");
		first = false;
		print_value(p);
	}
}

void block_resources(const struct objects *objects, const json_t *resources, const struct strlist *props, bool verbose)
{
	json_t *rs;
	size_t i;

	cl_title("Resources");
	json_array_foreach((json_t *)resources, i, rs) {
		print_resource(group_prop(object_find(objects_groups(objects), ju_str(rs, "group", "")), "Nodelist"), rs, 0);
		if (verbose || props->n)
			print_values(rs, props);
	}
}

void table_resources(const json_t *resources)
{
	TABLE(table, { "Resource Name", 20 }, { "Resource Type", 25 }, { "Resource Group", 0 });
	json_t *rs;
	size_t i;

	json_array_foreach((json_t *)resources, i, rs) {
		cl_cell(&table, ju_str(rs, "name", ""));
		cl_cell(&table, ju_str(rs, "type", ""));
		cl_cell(&table, ju_str(rs, "group", ""));
	}
	cl_table_print(&table);
}

void table_props(const json_t *props, const char *title, bool verbose)
{
	const struct cl_column columns[] = { { "Properties", 28 }, { title, 0 } };
	struct cl_table table = { .columns = columns, .n = ARRAY_SIZE(columns) };
	const char *name;
	json_t *text;

	json_object_foreach((json_t *)props, name, text) {
		if (!verbose)
			(void)printf("%s\n", name);
		cl_cell(&table, name);
		cl_cell(&table, json_string_value(text) ? json_string_value(text) : "");
	}
	if (verbose)
		cl_table_print(&table);
	strlist_done(&table.cells);
}
