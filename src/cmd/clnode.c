/* clnode: the nodes of the cluster.  Every subcommand is a table of its own, at the end. */
#include <stdio.h>
#include <strings.h>

#include "base/json.h"
#include "cmd/cl_blocks.h"
#include "cmd/cl_print.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/join.h"
#include "cmd/print.h"
#include "cmd/props.h"
#include "cmd/signame.h"
#include "cmd/xml.h"

#define NODE_ID_MAX 64
#define HOLD_MOST_S 65535       /* documented */

/* ---- listings ---- */

static int list_nodes(const struct cmdline *line)
{
	static const struct cl_column columns[] = { { "Node", 20 }, { "Type", 0 } };
	struct cl_table table = { .columns = columns, .n = ARRAY_SIZE(columns) };
	struct view view = { 0 };
	json_t *picked, *node;
	size_t i;
	int code, r = view_read(line, false, &view);

	if (r != EXIT_OK)
		return r;
	picked = view_pick(line, view_nodes(&view), "node", &code);
	if (cmdline_has(line, OPT_JSON)) {
		print_json(picked);
	} else {
		json_array_foreach(picked, i, node) {
			if (!cmdline_has(line, 'v'))
				(void)printf("%s\n", ju_str(node, "name", ""));
			cl_cell(&table, ju_str(node, "name", ""));
			cl_cell(&table, "cluster");
		}
		if (cmdline_has(line, 'v'))
			cl_table_print(&table);
		strlist_done(&table.cells);
	}
	json_decref(picked);
	view_done(&view);
	return code;
}

/* The reply of Status for each node, with what the infrastructure table has of it. */
static void print_nodes_json(const struct view *view, const json_t *nodes)
{
	json_t *out = json_array(), *node;
	size_t i;

	json_array_foreach((json_t *)nodes, i, node) {
		json_t *copy = json_copy(node);

		ju_set_new(copy, "configuration", view_below(view, "cluster.nodes.%d", (int)ju_int(node, "id", 0)));
		ju_push(out, copy);
	}
	print_json(out);
	json_decref(out);
}

static int show_nodes(const struct cmdline *line)
{
	struct view view = { 0 };
	json_t *picked;
	int code, r = view_read(line, true, &view);

	if (r != EXIT_OK)
		return r;
	picked = view_pick(line, view_nodes(&view), "node", &code);
	if (cmdline_has(line, OPT_JSON))
		print_nodes_json(&view, picked);
	else if (json_array_size(picked))
		block_nodes(&view, picked, cmdline_has(line, 'v'));
	json_decref(picked);
	view_done(&view);
	return code;
}

static int status_of_nodes(const struct cmdline *line)
{
	struct view view = { 0 };
	json_t *picked;
	int code, r = view_read(line, false, &view);

	if (r != EXIT_OK)
		return r;
	picked = view_pick(line, view_nodes(&view), "node", &code);
	if (cmdline_has(line, OPT_JSON)) {
		print_json(picked);
	} else if (json_array_size(picked)) {
		block_node_status(picked, cmdline_has(line, 'v'));
		if (cmdline_has(line, 'm'))
			block_ipmp_status(&view, picked);
		view_notes(line, &view);
	}
	json_decref(picked);
	view_done(&view);
	return code;
}

static int show_release(const struct cmdline *line)
{
	(void)printf("%s%s\n", cmdline_has(line, 'v') ? "Parhelion " : "", PARHELION_VERSION);
	return EXIT_OK;
}

/* ---- changes ---- */

/* One request for each node that the operands name. */
static int each_node(const struct cmdline *line, const char *op, const json_t *extra, const char *what)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	struct view view = { 0 };
	int missing, r = view_read(line, false, &view);

	if (r != EXIT_OK)
		return r;
	missing = view_pick_names(line, view_nodes(&view), "node", &names);
	r = requests_each(line, &names, op, "node", extra, what);
	view_done(&view);
	return missing ? missing : r;
}

static const char *const node_properties[] = {
	"privatehostname", "reboot_on_path_failure", "globalzoneshares", "defaultpsetmin", "fence.*", NULL,
};

static int set_nodes(const struct cmdline *line)
{
	json_t *extra = ju_pack("{s{}}", "props");
	int r = props_read(line, 'p', node_properties, ju_obj(extra, "props"));

	if (r == EXIT_OK)
		r = each_node(line, "node_set", extra, "set properties of node");
	json_decref(extra);
	return r;
}

static int remove_nodes(const struct cmdline *line)       { return each_node(line, "node_remove", NULL, "remove node"); }
static int unquarantine_nodes(const struct cmdline *line) { return each_node(line, "node_unquarantine", NULL, "unquarantine node"); }

/* -T: for so long nothing comes back by itself. */
static int evacuate_nodes(const struct cmdline *line)
{
	json_t *extra = json_object();
	int seconds, r;

	if (cmdline_has(line, 'T') && number_parse(cmdline_get(line, 'T'), 0, HOLD_MOST_S, &seconds) < 0)
		r = command_usage(line, "-T takes a number of seconds from 0 to %d, not \"%s\"", HOLD_MOST_S, cmdline_get(line, 'T'));
	else {
		if (cmdline_has(line, 'T'))
			ju_set_int(extra, "seconds", seconds);
		r = each_node(line, "evacuate", extra, "evacuate node");
	}
	json_decref(extra);
	return r;
}

static int add_node(const struct cmdline *line)
{
	const char *name = line->operands.v[0], *id_text = cmdline_get(line, '4'), *cluster = cmdline_get(line, 'c');
	struct view view = { 0 };
	json_t *body, *links;
	int id = 0, r;

	if (id_text && number_parse(id_text, 1, NODE_ID_MAX, &id) < 0)
		return command_usage(line, "--id takes a number from 1 to %d, not \"%s\"", NODE_ID_MAX, id_text);
	links = links_json(line, 'e');
	if (!links)
		return EXIT_USAGE;
	_cleanup_free_ char *what = xasprintf("add node %s", name);

	r = view_read(line, false, &view);
	if (r == EXIT_OK && cluster && !streq(cluster, ju_str(view.status, "cluster", "")))
		r = command_failed(line, EXIT_INVALID, what, "-c names another cluster than the one of this node");
	if (r == EXIT_OK && view_find(view_nodes(&view), name))
		r = command_failed(line, EXIT_EXISTS, what, "there is a node of this name already");
	if (r == EXIT_OK) {
		body = ju_pack("{ss, ss, sO}", "op", "node_add", "name", name, "links", links);
		if (id)
			ju_set_int(body, "node_id", id);
		r = request_run(line, body, "%s", what);
	}
	if (r == EXIT_OK)
		r = join_describe(line, name);
	if (r == EXIT_OK && json_array_size(view_nodes(&view)) == 1)
		command_note(line, "This cluster had one node and used no interconnect: stop and start the cluster software here once");
	json_decref(links);
	view_done(&view);
	return r;
}

/* ---- load limits ---- */

static bool has_limit(const struct view *view, const char *node, const char *name)
{
	json_t *limits = view_below(view, "cluster.nodes.%d.loadlimits", (int)ju_int(view_find(view_nodes(view), node), "id", 0)), *v;
	size_t n = strlen(name);
	bool found = false;
	const char *key;

	json_object_foreach(limits, key, v)
		found |= strncasecmp(key, name, n) == 0 && key[n] == '.';
	json_decref(limits);
	return found;
}

static const char *limit_prop(const json_t *props, const char *name)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)props, key, v)
		if (strieq(key, name))
			return json_string_value(v);
	return NULL;
}

struct limit_change { const char *op, *verb; bool exists, needs_values; const char *const *properties; };

/* On each node by itself: one that cannot does not keep the others from it. */
static int change_limit(const struct cmdline *line, const struct limit_change *change, const json_t *props)
{
	const char *name = limit_prop(props, "limitname"), *soft = limit_prop(props, "softlimit"), *hard = limit_prop(props, "hardlimit");
	_cleanup_free_ char *what = xasprintf("%s load limit %s of node", change->verb, name);
	json_t *extra = ju_pack("{ss, ss*, ss*}", "limit", name, "soft", soft, "hard", hard);
	_cleanup_(strlist_done) struct strlist names = { 0 }, fit = { 0 };
	struct view view = { 0 };
	int first, r = view_read(line, true, &view);

	if (r != EXIT_OK) {
		json_decref(extra);
		return r;
	}
	first = view_pick_names(line, view_nodes(&view), "node", &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *doing = xasprintf("%s %s", what, names.v[i]);

		if (has_limit(&view, names.v[i], name) == change->exists)
			strlist_add(&fit, names.v[i]);
		else if (change->exists)
			r = command_failed(line, EXIT_NO_OBJECT, doing, "the node has no such load limit");
		else
			r = command_failed(line, EXIT_EXISTS, doing, "the node has a load limit of this name already");
		first = first ? first : r;
	}
	r = requests_each(line, &fit, change->op, "node", extra, what);
	json_decref(extra);
	view_done(&view);
	return first ? first : r;
}

static int limits(const struct cmdline *line, const struct limit_change *change)
{
	json_t *props = json_object();
	int r = props_read(line, 'p', change->properties, props);
	const char *name = limit_prop(props, "limitname");

	if (r == EXIT_OK && (!name || !*name))
		r = command_usage(line, "-p limitname=NAME is missing");
	else if (r == EXIT_OK && change->needs_values && !limit_prop(props, "softlimit") && !limit_prop(props, "hardlimit"))
		r = command_usage(line, "There is nothing to set: -p softlimit= and -p hardlimit= are missing");
	else if (r == EXIT_OK)
		r = change_limit(line, change, props);
	json_decref(props);
	return r;
}

static const char *const limit_properties[] = { "limitname", "softlimit", "hardlimit", NULL };
static const char *const limit_names[] = { "limitname", NULL };

static int create_limits(const struct cmdline *line)
{
	static const struct limit_change create = { "loadlimit_create", "create", false, false, limit_properties };

	return limits(line, &create);
}

static int set_limits(const struct cmdline *line)
{
	static const struct limit_change set = { "loadlimit_set", "set", true, true, limit_properties };

	return limits(line, &set);
}

static int delete_limits(const struct cmdline *line)
{
	static const struct limit_change delete = { "loadlimit_delete", "delete", true, false, limit_names };

	return limits(line, &delete);
}

/* ---- the tables ---- */

#define VERBOSE { 'v', "verbose", NULL, "say more; of a change, what was done" }
#define JSON    { OPT_JSON, "json", NULL, "print as JSON" }
#define FORCE   { 'F', "force", NULL, "even when it is not safe" }
#define NODES   .operands = { "node", 0, OPERANDS_MANY, .all = true }
#define SOME    .operands = { "node", 1, OPERANDS_MANY, .all = true }

static const struct option_info list_options[] = { VERBOSE, JSON };
static const struct form list_forms[] = {
	{ "", "v2", NULL, PRIVILEGE_NONE, "the names of the nodes", list_nodes, NODES },
};
static const struct form show_forms[] = {
	{ "", "v2", NULL, PRIVILEGE_NONE, "the configuration of the nodes", show_nodes, NODES },
};
static const struct option_info status_options[] = { { 'm', NULL, NULL, "public network groups, too" }, VERBOSE, JSON };
static const struct form status_forms[] = {
	{ "", "mv2", NULL, PRIVILEGE_NONE, "which nodes are online", status_of_nodes, NODES },
};
static const struct option_info rev_options[] = { { 'v', "verbose", NULL, "the name of the product, too" } };
static const struct form rev_forms[] = {
	{ "", "v", NULL, PRIVILEGE_NONE, "the release that this node runs", show_release },
};
static const struct option_info set_options[] = {
	{ 'p', "property", "NAME=VALUE", "privatehostname, reboot_on_path_failure, globalzoneshares, defaultpsetmin, fence.LEVEL.NAME", true }, VERBOSE,
};
static const struct form set_forms[] = {
	{ "p", "v", NULL, PRIVILEGE_CHANGE, "set properties of nodes", set_nodes, SOME },
};
static const struct option_info limit_options[] = {
	{ 'p', "property", "NAME=VALUE", "limitname, softlimit, hardlimit; an empty value: no such limit", true }, VERBOSE,
};
static const struct form create_limit_forms[] = {
	{ "p", "v", NULL, PRIVILEGE_CHANGE, "give nodes a load limit", create_limits, SOME },
};
static const struct form set_limit_forms[] = {
	{ "p", "v", NULL, PRIVILEGE_CHANGE, "change a load limit of nodes", set_limits, SOME },
};
static const struct option_info delete_limit_options[] = { { 'p', "property", "limitname=NAME", "which limit", true }, VERBOSE };
static const struct form delete_limit_forms[] = {
	{ "p", "v", NULL, PRIVILEGE_CHANGE, "take a load limit away from nodes", delete_limits, SOME },
};
static const struct option_info add_options[] = {
	{ 'e', "endpoint", "LINK[,..]", "addresses on the interconnect, each ADDRESS or ADAPTER=ADDRESS" },
	{ '4', "id", "ID", "the id of the node (default: the lowest that is free)" },
	{ 'c', "clustername", "CLUSTER", "refuse when the cluster has another name" },
	{ 'n', "sponsornode", "NODE", "a member through which a node joins that is none" },
	{ 'i', "input", "FILE", "configuration as XML" },
	{ 'G', "globaldevfs", "FS", "file system of the global devices" },
	VERBOSE,
};
static const struct form add_forms[] = {
	{ "e", "4cv", NULL, PRIVILEGE_CHANGE, "add a node to the configuration", add_node, .operands = { "node", 1, 1 } },
	{ "n", "e4civG", NULL, PRIVILEGE_CHANGE, "add this machine through a member", NULL,
	  "joining by -n is not built yet: give the command without -n on a member", .operands = { "node", 0, 1 } },
	{ "i", "e4cvG", NULL, PRIVILEGE_CHANGE, "add a node from a file", xml_input, .operands = { "node", 0, 1 } },
	{ "G", "e4cv", NULL, PRIVILEGE_CHANGE, "add a node with global devices", NULL, "global devices are not built yet",
	  .operands = { "node", 0, 1 } },
};
static const struct option_info remove_options[] = {
	{ 'n', "sponsornode", "NODE", "a member through which this machine leaves" },
	{ 'G', "globaldevfs", "FS", "file system of the global devices" },
	FORCE, VERBOSE,
};
static const struct form remove_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "remove nodes from the configuration; they must be down", remove_nodes,
	  .operands = { "node", 1, OPERANDS_MANY } },
	{ "n", "GFv", NULL, PRIVILEGE_CHANGE, "remove this machine through a member", NULL,
	  "leaving by -n is not built yet: give the command without -n on another member", .operands = { "node", 0, 1 } },
	{ "G", "Fv", NULL, PRIVILEGE_CHANGE, "remove a node with global devices", NULL, "global devices are not built yet", SOME },
	{ "F", "v", NULL, PRIVILEGE_CHANGE, "remove nodes by force", NULL, "removing by force (-F) is not built yet", SOME },
};
static const struct option_info clear_options[] = { FORCE, VERBOSE };
static const struct form clear_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "remove what is left of nodes that are gone for good", remove_nodes, SOME },
	{ "F", "v", NULL, PRIVILEGE_CHANGE, "clear nodes by force", NULL, "clearing by force (-F) is not built yet", SOME },
};
static const struct option_info evacuate_options[] = { { 'T', "time", "SECONDS", "for so long nothing comes back by itself (default 60)" }, VERBOSE,
	{ OPT_REHEARSE, "dry-run", NULL, "do nothing; show what would happen" } };
static const struct form evacuate_forms[] = {
	{ "", "Tv7", NULL, PRIVILEGE_CHANGE, "move all groups away from nodes", evacuate_nodes, SOME },
};
static const struct option_info verbose_options[] = { VERBOSE };
static const struct form unquarantine_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "let nodes join again that were quarantined", unquarantine_nodes, SOME },
};

#define ROWS(o, f) o, ARRAY_SIZE(o), f, ARRAY_SIZE(f)
static const struct command_info subcommands[] = {
	{ "clnode add",          "add a node to the configuration",               ROWS(add_options, add_forms) },
	{ "clnode clear",        "remove what is left of a node that is gone",    ROWS(clear_options, clear_forms) },
	{ "clnode create-loadlimit", "give nodes a load limit",               ROWS(limit_options, create_limit_forms) },
	{ "clnode delete-loadlimit", "take a load limit away from nodes",     ROWS(delete_limit_options, delete_limit_forms) },
	{ "clnode evacuate",     "move all groups away from nodes",               ROWS(evacuate_options, evacuate_forms) },
	XML_EXPORT("clnode", "node"),
	{ "clnode list",         "the names of the nodes",                        ROWS(list_options, list_forms) },
	{ "clnode remove",       "remove nodes from the configuration",           ROWS(remove_options, remove_forms) },
	{ "clnode set",          "set properties of nodes",                       ROWS(set_options, set_forms) },
	{ "clnode set-loadlimit", "change a load limit of nodes",             ROWS(limit_options, set_limit_forms) },
	{ "clnode show",         "the configuration of the nodes",                ROWS(list_options, show_forms) },
	{ "clnode show-rev",     "the release that this node runs",               ROWS(rev_options, rev_forms) },
	{ "clnode status",       "which nodes are online",                        ROWS(status_options, status_forms) },
	{ "clnode unquarantine", "let nodes join again that were quarantined",    ROWS(verbose_options, unquarantine_forms) },
};

static const struct unbuilt unbuilt[] = {
	{ "rename",           "renaming a node is not built yet" },
};

const struct command_family clnode_family = {
	"clnode", "the nodes of the cluster", subcommands, ARRAY_SIZE(subcommands), unbuilt, ARRAY_SIZE(unbuilt),
};
