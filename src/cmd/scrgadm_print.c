/* scrgadm -p: labels of 3.0; -pv, -pvv: those of 3.1 and later, with (group:resource:property) in front.  The rows are
 * tables; scripts read the labels, so they do not change. */
#include "cmd/scrgadm.h"

#include <ctype.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/objects.h"
#include "cmd/print.h"

#define VALUE_COLUMN 51

/* How a text of the configuration is shown. */
enum show { SHOW_TEXT, SHOW_WORD, SHOW_LIST, SHOW_ALL_LIST, SHOW_INIT_NODES };

static char *show(enum show how, const char *text)
{
	char *s;

	if (how == SHOW_ALL_LIST && (!*text || streq(text, "*")))
		return xstrdup("<All>");
	if (how == SHOW_INIT_NODES)
		return xstrdup(streq(text, "RG_PRIMARIES") ? "All potential masters" : "All nodes");
	if (!*text)
		return xstrdup("<NULL>");
	if (how == SHOW_WORD)
		return word_capitalised(text);
	s = xstrdup(text);
	for (char *p = s; how != SHOW_TEXT && *p; p++)
		if (*p == ',')
			*p = ' ';
	return s;
}

static void print_row(int indent, const char *prefix, const char *label, const char *value)
{
	int n = printf("%*s%s%s%s%s:", indent, "", *prefix ? "(" : "", prefix, *prefix ? ") " : "", label);

	(void)printf("%*s%s\n", MAX(1, VALUE_COLUMN - n), "", value);
}

struct row { const char *label, *key; enum show how; };

static void print_rows(int indent, const char *prefix, const struct row *rows, size_t n, const json_t *object)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = value_text(json_object_get(object, rows[i].key));
		_cleanup_free_ char *value = show(rows[i].how, text);

		print_row(indent, prefix, rows[i].label, value);
	}
}

/* ---- types ---- */

static const struct row type_rows[] = {
	{ "Res Type description",        "description",     SHOW_TEXT },
	{ "Res Type base directory",     "basedir",         SHOW_TEXT },
	{ "Res Type single instance",    "single_instance", SHOW_WORD },
	{ "Res Type init nodes",         "init_nodes",      SHOW_INIT_NODES },
	{ "Res Type failover",           "failover",        SHOW_WORD },
	{ "Res Type version",            "version",         SHOW_TEXT },
	{ "Res Type API version",        "api_version",     SHOW_TEXT },
	{ "Res Type installed on nodes", "installed_nodes", SHOW_ALL_LIST },
	{ "Res Type packages",           "pkglist",         SHOW_LIST },
	{ "Res Type system",             "system",          SHOW_WORD },
};

static void print_methods(const char *type, const json_t *methods)
{
	const char *name;
	json_t *path;

	json_object_foreach((json_t *)methods, name, path) {
		_cleanup_free_ char *label = xasprintf("Res Type %s method", name);

		for (size_t i = strlen("Res Type "); i < strlen("Res Type ") + strlen(name); i++)
			label[i] = label[i] == '_' ? ' ' : (char)toupper((unsigned char)label[i]);
		print_row(2, type, label, json_string_value(path));
	}
}

static void print_type(const json_t *type, unsigned level)
{
	const char *name = ju_str(type, "name", ""), *description = ju_str(type, "description", "");

	if (level == 1) {
		(void)printf("RT Name: %s\n  RT Description:%s%s\n", name, *description ? " " : "", description);
		return;
	}
	(void)printf("\n");
	print_row(0, "", "Res Type name", name);
	print_rows(2, name, type_rows, ARRAY_SIZE(type_rows), type);
	if (level >= 3)
		print_methods(name, ju_obj(type, "methods"));
}

/* ---- resources ---- */

static const char *property(const json_t *resource, const char *name)
{
	json_t *p;
	size_t i;

	json_array_foreach(ju_arr(resource, "properties"), i, p)
		if (strieq(ju_str(p, "name", ""), name))
			return ju_str(p, "value", "");
	return "";
}

static const struct row resource_rows[] = {
	{ "Res resource type",       "type",         SHOW_TEXT },
	{ "Res type version",        "type_version", SHOW_TEXT },
	{ "Res resource group name", "group",        SHOW_TEXT },
	{ "Res enabled",             "enabled",      SHOW_WORD },
	{ "Res monitor enabled",     "monitored",    SHOW_WORD },
};
static const struct row dependency_rows[] = {           /* key: a property */
	{ "Res strong dependencies",  "Resource_dependencies",         SHOW_LIST },
	{ "Res weak dependencies",    "Resource_dependencies_weak",    SHOW_LIST },
	{ "Res restart dependencies", "Resource_dependencies_restart", SHOW_LIST },
};

static void print_property(const char *prefix, const json_t *p)
{
	const char *name = ju_str(p, "name", ""), *type = ju_str(p, "type", "");
	_cleanup_free_ char *full = xasprintf("%s:%s", prefix, name), *type_text = xstrdup(type);
	_cleanup_free_ char *description = show(SHOW_TEXT, ju_str(p, "description", ""));
	const char *node;
	json_t *v;
	_cleanup_free_ char *value = show(streq(type, "STRINGARRAY") ? SHOW_LIST : SHOW_TEXT, ju_str(p, "value", ""));

	for (char *s = type_text; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	(void)printf("\n");
	print_row(4, prefix, "Res property name", name);
	print_row(6, full, "Res property class", ju_bool(p, "extension", false) ? "extension" : "standard");
	print_row(6, full, "Res property description", description);
	print_row(6, full, "Res property type", type_text);
	print_row(6, full, "Res property value", value);
	json_object_foreach(ju_obj(p, "values"), node, v) {     /* named as it is set */
		_cleanup_free_ char *on = xasprintf("%s{%s}", full, node);
		_cleanup_free_ char *there = show(streq(type, "STRINGARRAY") ? SHOW_LIST : SHOW_TEXT, json_string_value(v) ?
						  json_string_value(v) : "");

		print_row(6, on, "Res property value", there);
	}
}

/* Those of single nodes, named as they are set. */
static void print_switches(const char *prefix, const json_t *resource)
{
	static const struct { const char *what, *label; } switches[] = {
		{ "enabled", "Res enabled" }, { "monitored", "Res monitor enabled" },
	};
	json_t *v;
	size_t k;

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		json_array_foreach(resource_is_on_everywhere(resource, switches[i].what) || !ju_bool(resource, switches[i].what, false) ?
				   NULL : resource_off_nodes(resource, switches[i].what), k, v) {
			_cleanup_free_ char *on = xasprintf("%s{%s}", prefix, json_string_value(v));

			print_row(4, on, switches[i].label, "False");
		}
}

static void print_resource_short(const json_t *resource)
{
	const char *description = property(resource, "R_description");

	(void)printf("    RS Name: %s\n      RS Description:%s%s\n      RS Type: %s\n      RS Resource Group: %s\n",
		     ju_str(resource, "name", ""), *description ? " " : "", description, ju_str(resource, "type", ""),
		     ju_str(resource, "group", ""));
}

static void print_resource(const json_t *resource, unsigned level)
{
	const char *group = ju_str(resource, "group", ""), *name = ju_str(resource, "name", "");
	_cleanup_free_ char *prefix = xasprintf("%s:%s", group, name);
	_cleanup_free_ char *description = show(SHOW_TEXT, property(resource, "R_description"));
	const json_t *p;
	size_t i;

	if (level == 1) {
		print_resource_short(resource);
		return;
	}
	(void)printf("\n");
	print_row(2, group, "Res name", name);
	print_row(4, prefix, "Res R_description", description);
	print_rows(4, prefix, resource_rows, ARRAY_SIZE(resource_rows), resource);
	print_switches(prefix, resource);
	for (i = 0; i < ARRAY_SIZE(dependency_rows); i++) {
		_cleanup_free_ char *value = show(dependency_rows[i].how, property(resource, dependency_rows[i].key));

		print_row(4, prefix, dependency_rows[i].label, value);
	}
	if (level >= 3)
		json_array_foreach(ju_arr(resource, "properties"), i, p)
			print_property(prefix, p);
}

/* ---- groups ---- */

static const struct row group_rows[] = {                /* NULL: not a property */
	{ "Res Group RG_description",            "RG_description",                SHOW_TEXT },
	{ "Res Group mode",                      "RG_mode",                       SHOW_WORD },
	{ "Res Group management state",          NULL,                            SHOW_TEXT },
	{ "Res Group RG_project_name",           "RG_project_name",               SHOW_TEXT },
	{ "Res Group RG_affinities",             "RG_affinities",                 SHOW_LIST },
	{ "Res Group Auto_start_on_new_cluster", "Auto_start_on_new_cluster",     SHOW_WORD },
	{ "Res Group Failback",                  "Failback",                      SHOW_WORD },
	{ "Res Group Nodelist",                  "Nodelist",                      SHOW_LIST },
	{ "Res Group Maximum_primaries",         "Maximum_primaries",             SHOW_TEXT },
	{ "Res Group Desired_primaries",         "Desired_primaries",             SHOW_TEXT },
	{ "Res Group RG_dependencies",           "RG_dependencies",               SHOW_LIST },
	{ "Res Group network dependencies",      "Implicit_network_dependencies", SHOW_WORD },
	{ "Res Group Global_resources_used",     "Global_resources_used",         SHOW_TEXT },
	{ "Res Group Pingpong_interval",         "Pingpong_interval",             SHOW_TEXT },
	{ "Res Group Pathprefix",                "Pathprefix",                    SHOW_TEXT },
	{ "Res Group system",                    "RG_system",                     SHOW_WORD },
};

static void print_group_rows(const json_t *group, const char *name)
{
	const json_t *props = ju_obj(group, "properties");

	for (size_t i = 0; i < ARRAY_SIZE(group_rows); i++) {
		const struct row *row = &group_rows[i];
		const char *managed = ju_bool(group, "managed", false) ? "Managed" : "Unmanaged";
		const char *text = row->key ? ju_str(props, row->key, "") : managed;
		/* An empty Global_resources_used means none, "*" all: not the rule of the other lists. */
		_cleanup_free_ char *value = show(streq(text, "*") ? SHOW_ALL_LIST : row->how, text);

		print_row(2, name, row->label, value);
	}
}

static void print_group(const json_t *group, unsigned level)
{
	const char *name = ju_str(group, "name", ""), *description = ju_str(ju_obj(group, "properties"), "RG_description", "");

	if (level == 1) {
		(void)printf("RG Name: %s\n  RG Description:%s%s\n", name, *description ? " " : "", description);
		return;
	}
	(void)printf("\n");
	print_row(0, "", "Res Group name", name);
	print_group_rows(group, name);
}

/* ---- selection ---- */

/* "SUNW.gds:6" is also named by "SUNW.gds" and "gds". */
static bool type_named(const char *full, const char *given)
{
	const char *dot = strchr(full, '.');
	_cleanup_free_ char *plain = xstrndup(full, strcspn(full, ":"));

	return streq(full, given) || streq(plain, given) ||
	       (dot && (streq(dot + 1, given) || streq(plain + (dot - full) + 1, given)));
}

static bool name_is(const char *name, const char *given)
{
	return streq(name, given);
}

/* Keeps those of array that are named in the list of the option; 0, or an exit code when one is not there. */
static int keep(const struct cmdline *line, char letter, const char *kind, json_t *array,
		bool (*match)(const char *name, const char *given), json_t **ret)
{
	struct strlist names = { 0 };
	json_t *kept = json_array(), *v;
	int r = cmdline_list(line, letter, &names) < 0 ? EXIT_USAGE : 0;
	size_t k;

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		size_t before = json_array_size(kept);

		json_array_foreach(array, k, v)
			if (match(ju_str(v, "name", ""), names.v[i]))
				ju_push(kept, json_incref(v));
		if (json_array_size(kept) == before) {
			_cleanup_free_ char *what = xasprintf("print %s %s", kind, names.v[i]);
			_cleanup_free_ char *why = xasprintf("there is no %s %s", kind, names.v[i]);

			r = command_failed(line, EXIT_REFUSED, what, why);
		}
	}
	strlist_done(&names);
	*ret = kept;
	return r;
}

static json_t *all_resources(const json_t *groups)
{
	json_t *all = json_array(), *group;
	size_t i;

	json_array_foreach(groups, i, group)
		json_array_extend(all, ju_arr(group, "resources"));
	return all;
}

/* The configuration, or what -t, -g and -j leave of it: {"types","groups","resources"}; a group brings its resources. */
static int select_objects(const struct cmdline *line, const json_t *config, json_t *selected)
{
	bool all = !cmdline_has(line, 't') && !cmdline_has(line, 'g') && !cmdline_has(line, 'j');
	json_t *types = NULL, *groups = NULL, *resources = NULL, *every = all_resources(ju_arr(config, "groups"));
	int r = 0;

	if (all) {
		types = json_incref(ju_arr(config, "types"));
		groups = json_incref(ju_arr(config, "groups"));
	} else {
		r = keep(line, 't', "resource type", ju_arr(config, "types"), type_named, &types);
		if (r == 0)
			r = keep(line, 'g', "resource group", ju_arr(config, "groups"), name_is, &groups);
		if (r == 0)
			r = keep(line, 'j', "resource", every, name_is, &resources);
	}
	ju_set_new(selected, "types", types ? types : json_array());
	ju_set_new(selected, "groups", groups ? groups : json_array());
	ju_set_new(selected, "resources", resources ? resources : json_array());
	json_decref(every);
	return r;
}

static void print_selected(const json_t *selected, unsigned level)
{
	const json_t *v, *rs;
	size_t i, k;

	json_array_foreach(ju_arr(selected, "types"), i, v)
		print_type(v, level);
	json_array_foreach(ju_arr(selected, "groups"), i, v) {
		print_group(v, level);
		json_array_foreach(ju_arr(v, "resources"), k, rs)
			print_resource(rs, level);
	}
	json_array_foreach(ju_arr(selected, "resources"), i, v)
		print_resource(v, level);
}

int scrgadm_print(const struct cmdline *line)
{
	json_t *config = NULL, *selected = json_object();
	int r = client_call(line, "read the configuration", "org.parhelion.Cluster.Config", NULL, &config);

	if (r == EXIT_OK)
		r = select_objects(line, config, selected);
	if (r == EXIT_OK && cmdline_has(line, OPT_JSON))
		print_json(selected);
	else if (r == EXIT_OK)
		print_selected(selected, MIN(1 + line->count['v'], 3u));
	json_decref(config);
	json_decref(selected);
	return r;
}
