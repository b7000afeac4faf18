/* clresourcetype: registered resource types.  Every subcommand is a table of its own, at the end. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/clrt.h"
#include "cmd/cmd.h"
#include "cmd/edits.h"
#include "cmd/objects.h"
#include "cmd/print.h"
#include "cmd/rgm_blocks.h"
#include "cmd/rtr_file.h"
#include "cmd/view.h"
#include "cmd/xml.h"

/* ---- which types ---- */

static bool is_on(const json_t *type, const struct strlist *nodes)
{
	const json_t *installed = ju_arr(type, "installed_nodes");
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)installed, i, v)
		if (json_is_string(v) && strlist_has(nodes, json_string_value(v)))
			return true;
	return !nodes->n || !json_array_size(installed);        /* none named: all nodes */
}

static size_t add_fitting(const json_t *types, const char *asked, json_t *ret)
{
	size_t i, n = json_array_size(ret);
	json_t *type;

	json_array_foreach((json_t *)types, i, type)
		if (type_fits(ju_str(type, "name", ""), asked))
			json_array_append(ret, type);
	return json_array_size(ret) - n;
}

/* one: each operand must mean one type.  The exit code; *ret holds what was found in any case, caller decrefs. */
static int pick_types(const struct cmdline *line, const struct objects *objects, bool one, json_t **ret)
{
	int first = EXIT_OK;

	*ret = json_array();
	if (cmdline_all(line) && objects_types(objects))
		json_array_extend(*ret, objects_types(objects));
	for (size_t i = 0; !cmdline_all(line) && i < line->operands.n; i++) {
		_cleanup_free_ char *what = xasprintf("find resource type %s", line->operands.v[i]);
		size_t n = add_fitting(objects_types(objects), line->operands.v[i], *ret);
		int r = EXIT_OK;

		if (!n)
			r = command_failed(line, EXIT_NO_OBJECT, what, "it is not registered");
		if (one && n > 1) {
			r = command_failed(line, EXIT_INVALID, what, "several versions are registered: name one of them");
			for (; n; n--)
				json_array_remove(*ret, json_array_size(*ret) - 1);
		}
		first = first ? first : r;
	}
	return first;
}

/* ---- listings ---- */

static void print_list(const struct cmdline *line, const json_t *types)
{
	json_t *type;
	size_t i;

	if (cmdline_has(line, 'v')) {
		table_types(types);
		return;
	}
	json_array_foreach((json_t *)types, i, type)
		(void)printf("%s\n", ju_str(type, "name", ""));
}

static void print_show(const struct cmdline *line, const json_t *types)
{
	if (json_array_size(types))
		block_types(types, cmdline_has(line, 'v'));
}

/* The names of all properties, with the value of the last type for -v. */
static void print_props(const struct cmdline *line, const json_t *types)
{
	json_t *props = json_object(), *type, *value;
	const char *name;
	size_t i;

	json_array_foreach((json_t *)types, i, type)
		json_object_foreach(ju_obj(type, "properties"), name, value)
			if (!cmdline_has(line, 'p') || strlist_has(&line->values['p'], name))
				json_object_set(props, name, value);
	table_props(props, "Values", cmdline_has(line, 'v'));
	json_decref(props);
}

static int listing(const struct cmdline *line, void (*print)(const struct cmdline *line, const json_t *types))
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	struct objects objects = { 0 };
	json_t *types;
	int missing, r = objects_read(line, &objects);

	if (r != EXIT_OK)
		return r;
	missing = pick_types(line, &objects, false, &types);
	r = nodes_given(line, &objects, 'n', &nodes);
	for (size_t i = json_array_size(types); i-- > 0;)
		if (!is_on(json_array_get(types, i), &nodes))
			json_array_remove(types, i);
	if (r == EXIT_OK && cmdline_has(line, OPT_JSON))
		print_json(types);
	else if (r == EXIT_OK)
		print(line, types);
	json_decref(types);
	objects_done(&objects);
	return r ? r : missing;
}

static int list_types(const struct cmdline *line)      { return listing(line, print_list); }
static int show_types(const struct cmdline *line)      { return listing(line, print_show); }
static int list_type_props(const struct cmdline *line) { return listing(line, print_props); }

/* ---- changes ---- */

static char *installed_nodes(const json_t *type)
{
	return names_joined(ju_arr(type, "installed_nodes"), ",");
}

/* All nodes less these, where the type is installed on all. */
static char *without_nodes(const struct objects *objects, const json_t *type, const struct strlist *nodes)
{
	_cleanup_free_ char *installed = installed_nodes(type), *all = names_joined(ju_arr(objects->status, "nodes"), ",");

	return list_without(*installed ? installed : all, nodes);
}

static char *with_nodes(const struct objects *objects, const json_t *type, const struct strlist *nodes)
{
	_cleanup_free_ char *installed = installed_nodes(type);

	(void)objects;
	return *installed ? list_with(installed, nodes) : NULL;
}

static char *these_nodes(const struct objects *objects, const json_t *type, const struct strlist *nodes)
{
	(void)objects;
	(void)type;
	return strlist_join(nodes, ",");
}

/* props may be NULL, nodes too: what is not given stays. */
static int change_type(const struct cmdline *line, const char *type, const char *nodes, const json_t *props)
{
	json_t *request = ju_pack("{ss, ss}", "op", "type_change", "type", type);

	if (nodes)
		ju_set_str(request, "installed_nodes", nodes);
	if (json_object_size(props))
		json_object_set(request, "props", (json_t *)props);
	return request_run(line, request, "change resource type %s", type);
}

/* What becomes of the nodes where a type is installed; NULL: nothing to change. */
typedef char *nodes_fn(const struct objects *objects, const json_t *type, const struct strlist *nodes);

static int change_nodes(const struct cmdline *line, const struct objects *objects, const json_t *type, const struct strlist *nodes,
			nodes_fn *change, const json_t *props)
{
	_cleanup_free_ char *list = cmdline_has(line, 'n') ? change(objects, type, nodes) : NULL;
	_cleanup_free_ char *what = xasprintf("change resource type %s", ju_str(type, "name", ""));
	bool all = cmdline_has(line, 'N');

	if (list && !*list)
		return command_failed(line, EXIT_INVALID, what, "no node would be left");
	if (!list && !all && !json_object_size(props))
		return EXIT_OK;         /* it is on all nodes already */
	return change_type(line, ju_str(type, "name", ""), all ? "" : list, props);
}

static int each_type(const struct cmdline *line, nodes_fn *change)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	json_t *types = NULL, *props = json_object(), *type;
	struct objects objects = { 0 };
	int first = EXIT_OK, missing = EXIT_OK, r = objects_read(line, &objects);
	size_t i;

	if (r == EXIT_OK)
		r = nodes_given(line, &objects, 'n', &nodes);
	if (r == EXIT_OK)
		r = edits_read(line, 'p', NULL, NULL, props);
	if (r == EXIT_OK)
		missing = pick_types(line, &objects, true, &types);
	json_array_foreach(types, i, type) {
		int one = change_nodes(line, &objects, type, &nodes, change, props);

		first = first ? first : one;
		if (exit_is_hopeless(one))
			break;
	}
	json_decref(types);
	json_decref(props);
	objects_done(&objects);
	return r ? r : missing ? missing : first;
}

static int set_types(const struct cmdline *line)    { return each_type(line, these_nodes); }
static int add_nodes(const struct cmdline *line)    { return each_type(line, with_nodes); }
static int remove_nodes(const struct cmdline *line) { return each_type(line, without_nodes); }

static int unregister_types(const struct cmdline *line)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	struct objects objects = { 0 };
	json_t *types, *type;
	int missing, r = objects_read(line, &objects);
	size_t i;

	if (r != EXIT_OK)
		return r;
	missing = pick_types(line, &objects, true, &types);
	json_array_foreach(types, i, type)
		strlist_add(&names, ju_str(type, "name", ""));
	r = requests_each(line, &names, "type_remove", "type", NULL, "unregister resource type");
	json_decref(types);
	objects_done(&objects);
	return missing ? missing : r;
}

/* The types to register; of "+" those that are not registered yet. */
static void names_to_register(const struct cmdline *line, const struct objects *objects, struct strlist *ret)
{
	_cleanup_(strlist_done) struct strlist files = { 0 };

	if (!cmdline_all(line)) {
		for (size_t i = 0; i < line->operands.n; i++)
			strlist_add(ret, line->operands.v[i]);
		return;
	}
	rtr_names(&files);
	for (size_t i = 0; i < files.n; i++) {
		json_t *known = json_array();

		if (!add_fitting(objects_types(objects), files.v[i], known))
			strlist_add(ret, files.v[i]);
		json_decref(known);
	}
}

static int register_one(const struct cmdline *line, const struct objects *objects, const char *type, const char *nodes,
			const json_t *props)
{
	_cleanup_free_ char *what = xasprintf("register resource type %s", type);
	int r;

	if (object_find(objects_types(objects), type))
		return command_failed(line, EXIT_EXISTS, what, "it is registered already");
	r = rtr_register(line, type, cmdline_get(line, 'f'), nodes);
	return r == EXIT_OK && json_object_size(props) ? change_type(line, type, NULL, props) : r;
}

int clrt_register(const struct cmdline *line)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 }, names = { 0 };
	struct objects objects = { 0 };
	json_t *props = json_object();
	int first = EXIT_OK, r = objects_read(line, &objects);

	if (r == EXIT_OK)
		r = nodes_given(line, &objects, 'n', &nodes);
	if (r == EXIT_OK)
		r = edits_read(line, 'p', NULL, NULL, props);
	if (r == EXIT_OK && cmdline_has(line, 'f') && (line->operands.n > 1 || cmdline_all(line)))
		r = command_usage(line, "-f goes with one type");
	if (r == EXIT_OK)
		names_to_register(line, &objects, &names);
	_cleanup_free_ char *joined = strlist_join(&nodes, ",");

	for (size_t i = 0; i < names.n; i++) {
		int one = register_one(line, &objects, names.v[i], joined, props);

		first = first ? first : one;
		if (exit_is_hopeless(one))
			break;
	}
	json_decref(props);
	objects_done(&objects);
	return r ? r : first;
}

/* ---- the tables ---- */

#define VERBOSE  { 'v', "verbose", NULL, "say more; of a change, what was done" }
#define JSON     { OPT_JSON, "json", NULL, "print as JSON" }
#define NODES    { 'n', "node", "NODE[,..]", "nodes" }
#define ALL      { 'N', "allnodes", NULL, "on all nodes, also on those that come later" }
#define PROPERTY { 'p', "property", "NAME=VALUE", "RT_system", true }
#define INPUT    { 'i', "input", "FILE", "configuration as XML" }
#define ANY      .operands = { "type", 0, OPERANDS_MANY, .all = true }
#define SOME     .operands = { "type", 1, OPERANDS_MANY, .all = true }

static const struct option_info nodes_options[] = { NODES, VERBOSE };
static const struct form add_node_forms[] = {
	{ "n", "v", NULL, PRIVILEGE_CHANGE, "types are installed on these nodes, too", add_nodes, SOME },
};
static const struct form remove_node_forms[] = {
	{ "n", "v", NULL, PRIVILEGE_CHANGE, "types are not installed on these nodes any more", remove_nodes, SOME },
};
static const struct option_info list_options[] = { { 'n', "node", "NODE[,..]", "only what is installed on these nodes" }, VERBOSE, JSON };
static const struct form list_forms[] = {
	{ "", "nv2", NULL, PRIVILEGE_NONE, "the names of the registered types", list_types, ANY },
};
static const struct option_info props_options[] = {
	{ 'p', "property", "NAME", "only this property", true }, { 'v', "verbose", NULL, "the values, too" }, JSON,
};
static const struct form props_forms[] = {
	{ "", "pv2", NULL, PRIVILEGE_NONE, "the properties of types", list_type_props, ANY },
};
static const struct option_info show_options[] = { { 'v', "verbose", NULL, "the methods, too" }, JSON };
static const struct form show_forms[] = {
	{ "", "v2", NULL, PRIVILEGE_NONE, "the configuration of types", show_types, ANY },
};
static const struct option_info register_options[] = {
	{ 'f', "rtrfile", "FILE", "the registration file (default: the one that has the name of the type)" },
	NODES, ALL, PROPERTY, INPUT, VERBOSE,
};
static const struct form register_forms[] = {
	{ "", "fnpv", NULL, PRIVILEGE_CHANGE, "register types", clrt_register, SOME },
	{ "N", "fpv", NULL, PRIVILEGE_CHANGE, "register types, on all nodes (the default)", clrt_register, SOME },
	{ "i", "fnNpv", NULL, PRIVILEGE_CHANGE, "register types from a file", xml_input, ANY },
};
static const struct option_info set_options[] = { NODES, ALL, PROPERTY, VERBOSE };
static const struct form set_forms[] = {
	{ "", "npv", "np", PRIVILEGE_CHANGE, "change where types are installed, and RT_system", set_types, SOME },
	{ "N", "pv", NULL, PRIVILEGE_CHANGE, "types are installed on all nodes", set_types, SOME },
};
static const struct option_info verbose_options[] = { VERBOSE };
static const struct form unregister_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "unregister types that no resource uses", unregister_types, SOME },
};

#define ROWS(o, f) o, ARRAY_SIZE(o), f, ARRAY_SIZE(f)
static const struct command_info subcommands[] = {
	{ "clresourcetype add-node",    "install types on more nodes",          ROWS(nodes_options, add_node_forms) },
	XML_EXPORT("clresourcetype", "type"),
	{ "clresourcetype list",        "the names of the registered types",    ROWS(list_options, list_forms) },
	{ "clresourcetype list-props",  "the properties of types",              ROWS(props_options, props_forms) },
	{ "clresourcetype register",    "register types",                       ROWS(register_options, register_forms) },
	{ "clresourcetype remove-node", "take types away from nodes",           ROWS(nodes_options, remove_node_forms) },
	{ "clresourcetype set",         "change types",                         ROWS(set_options, set_forms) },
	{ "clresourcetype show",        "the configuration of types",           ROWS(show_options, show_forms) },
	{ "clresourcetype unregister",  "unregister types",                     ROWS(verbose_options, unregister_forms) },
};

const struct command_family clresourcetype_family = {
	"clresourcetype", "registered resource types", subcommands, ARRAY_SIZE(subcommands), NULL, 0,
};
