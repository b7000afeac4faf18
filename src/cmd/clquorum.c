/* clquorum: quorum devices, and the votes of nodes.  Every subcommand is a table of its own, at the end. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/cl_blocks.h"
#include "cmd/cl_print.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/device_add.h"
#include "cmd/print.h"
#include "cmd/props.h"
#include "cmd/quorum_type.h"
#include "cmd/xml.h"

/* ---- what is meant: nodes and devices are named alike ---- */

/* Nodes and devices as -t, -n and the operands limit them; own references. */
struct picked { json_t *nodes, *devices; };

static void picked_done(struct picked *picked)
{
	json_decref(picked->nodes);
	json_decref(picked->devices);
}

/* The lists of -t and -n; empty: no limit. */
struct limits { struct strlist types, nodes; };

static bool type_wanted(const struct limits *limits, const char *type)
{
	return !limits->types.n || strlist_has(&limits->types, type);
}

static bool device_wanted(const struct limits *limits, const json_t *device)
{
	bool on_node = !limits->nodes.n;

	for (size_t i = 0; i < limits->nodes.n; i++)
		on_node |= names_have(ju_arr(device, "nodes"), limits->nodes.v[i]);
	return on_node && (type_wanted(limits, ju_str(device, "type", "")) ||
			   type_wanted(limits, quorum_type_documented(ju_str(device, "type", ""))));
}

static bool node_wanted(const struct limits *limits, const json_t *node)
{
	return (!limits->nodes.n || strlist_has(&limits->nodes, ju_str(node, "name", ""))) && type_wanted(limits, "node");
}

/* The operand as the name of a node or a device; complains when it is neither. */
static int pick_operand(const struct cmdline *line, const struct view *view, const char *name, struct picked *ret)
{
	const json_t *device = view_find(view_devices(view), name), *node = view_find(view_nodes(view), name);
	_cleanup_free_ char *what = xasprintf("find %s", name);

	if (!device && !node)
		return command_failed(line, EXIT_NO_OBJECT, what, "there is no quorum device and no node of this name");
	json_array_append(device ? ret->devices : ret->nodes, (json_t *)(device ? device : node));
	return EXIT_OK;
}

static void pick_all(const struct view *view, const struct limits *limits, struct picked *ret)
{
	json_t *v;
	size_t i;

	json_array_foreach(view_nodes(view), i, v)
		if (node_wanted(limits, v))
			json_array_append(ret->nodes, v);
	json_array_foreach(view_devices(view), i, v)
		if (device_wanted(limits, v))
			json_array_append(ret->devices, v);
}

/* The exit code; *ret holds what was found in any case. */
static int pick(const struct cmdline *line, const struct view *view, struct picked *ret)
{
	struct limits limits = { 0 };
	int first = EXIT_OK;

	*ret = (struct picked) { json_array(), json_array() };
	if (cmdline_list(line, 't', &limits.types) < 0 || cmdline_list(line, 'n', &limits.nodes) < 0)
		first = EXIT_USAGE;
	else if (cmdline_all(line))
		pick_all(view, &limits, ret);
	for (size_t i = 0; first != EXIT_USAGE && !cmdline_all(line) && i < line->operands.n; i++) {
		int r = pick_operand(line, view, line->operands.v[i], ret);

		first = first ? first : r;
	}
	strlist_done(&limits.types);
	strlist_done(&limits.nodes);
	return first;
}

/* ---- listings ---- */

static void print_names(const struct picked *picked, bool verbose)
{
	static const struct cl_column columns[] = { { "Quorum", 20 }, { "Type", 0 } };
	struct cl_table table = { .columns = columns, .n = ARRAY_SIZE(columns) };
	json_t *v;
	size_t i;

	json_array_foreach(picked->devices, i, v) {
		cl_cell(&table, ju_str(v, "name", ""));
		cl_cell(&table, quorum_type_documented(ju_str(v, "type", "")));
	}
	json_array_foreach(picked->nodes, i, v) {
		cl_cell(&table, ju_str(v, "name", ""));
		cl_cell(&table, "node");
	}
	for (i = 0; !verbose && i < table.cells.n; i += table.n)
		(void)printf("%s\n", table.cells.v[i]);
	if (verbose)
		cl_table_print(&table);
	strlist_done(&table.cells);
}

static void print_picked_json(const struct view *view, const struct picked *picked)
{
	const json_t *quorum = ju_obj(view->status, "quorum");
	json_t *copy = quorum ? json_copy((json_t *)quorum) : json_object();

	json_object_set(copy, "devices", picked->devices);
	json_object_set(copy, "nodes", picked->nodes);
	print_json(copy);
	json_decref(copy);
}

static void print_list(const struct cmdline *line, const struct view *view, const struct picked *picked)
{
	(void)view;
	print_names(picked, cmdline_has(line, 'v'));
}

static void print_show(const struct cmdline *line, const struct view *view, const struct picked *picked)
{
	if (json_array_size(picked->nodes))
		block_quorum_nodes(view, picked->nodes);
	if (json_array_size(picked->devices))
		block_quorum_devices(picked->devices, cmdline_has(line, 'v'));
}

static void print_status(const struct cmdline *line, const struct view *view, const struct picked *picked)
{
	bool all = cmdline_all(line) && !cmdline_has(line, 't') && !cmdline_has(line, 'n');

	block_quorum_status(view, all || json_array_size(picked->nodes) ? picked->nodes : NULL,
			    all || json_array_size(picked->devices) ? picked->devices : NULL, cmdline_has(line, 'v'));
	view_notes(line, view);
}

static int listing(const struct cmdline *line, bool with_table,
		   void (*print)(const struct cmdline *line, const struct view *view, const struct picked *picked))
{
	struct picked picked;
	struct view view = { 0 };
	int r = view_read(line, with_table, &view);

	if (r != EXIT_OK)
		return r;
	r = pick(line, &view, &picked);
	if (r != EXIT_USAGE && cmdline_has(line, OPT_JSON))
		print_picked_json(&view, &picked);
	else if (r == EXIT_OK || json_array_size(picked.nodes) || json_array_size(picked.devices))
		print(line, &view, &picked);
	picked_done(&picked);
	view_done(&view);
	return r;
}

static int list_quorum(const struct cmdline *line)      { return listing(line, false, print_list); }
static int show_quorum(const struct cmdline *line)      { return listing(line, true, print_show); }
static int status_of_quorum(const struct cmdline *line) { return listing(line, false, print_status); }

/* ---- changes ---- */

static void names_of(const json_t *objects, struct strlist *ret)
{
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)objects, i, v)
		strlist_add(ret, ju_str(v, "name", ""));
}

/* device_op for each device, node_op for each node that is named; "+" means the devices only. */
static int each(const struct cmdline *line, const char *device_op, const char *node_op, const char *device_what, const char *node_what)
{
	_cleanup_(strlist_done) struct strlist devices = { 0 }, nodes = { 0 };
	struct picked picked;
	struct view view = { 0 };
	int missing, r = view_read(line, false, &view);

	if (r != EXIT_OK)
		return r;
	missing = pick(line, &view, &picked);
	names_of(picked.devices, &devices);
	if (!cmdline_all(line))
		names_of(picked.nodes, &nodes);
	if (nodes.n && !node_op)
		missing = command_usage(line, "%s is a node; a quorum device is needed", nodes.v[0]);
	if (missing != EXIT_USAGE)
		r = requests_each(line, &devices, device_op, "name", NULL, device_what);
	if (missing != EXIT_USAGE && !exit_is_hopeless(r) && node_op) {
		int more = requests_each(line, &nodes, node_op, "node", NULL, node_what);

		r = r ? r : more;
	}
	picked_done(&picked);
	view_done(&view);
	return missing ? missing : r;
}

static int enable_quorum(const struct cmdline *line)
{
	return each(line, "quorum_enable", "node_reset", "enable quorum device", "reset the votes of node");
}

static int disable_quorum(const struct cmdline *line)
{
	return each(line, "quorum_disable", "node_maintain", "disable quorum device", "put into maintenance node");
}

static int remove_quorum(const struct cmdline *line)
{
	return each(line, "quorum_remove", NULL, "remove quorum device", NULL);
}

static int reset_quorum(const struct cmdline *line)
{
	return request_run(line, ju_pack("{ss}", "op", "quorum_reset"), "reset the quorum configuration");
}

static const char *device_taken(const struct view *view, const char *name)
{
	return view_find(view_devices(view), name) ? "there is a quorum device of this name already" : NULL;
}

static int add_quorum(const struct cmdline *line)
{
	static const struct device_kind device = {
		"quorum device", "quorum_add", "shared_disk", quorum_type_read, quorum_device_props, device_taken,
	};

	return device_add(line, &device);
}

/* ---- the tables ---- */

#define VERBOSE { 'v', "verbose", NULL, "say more; of a change, what was done" }
#define JSON    { OPT_JSON, "json", NULL, "print as JSON" }
#define TYPES   { 't', "type", "TYPE[,..]", "only of these types: node, shared_disk, quorum_server, ..." }
#define ON      { 'n', "node", "NODE[,..]", "only what is connected to these nodes" }
#define INPUT   { 'i', "input", "FILE", "configuration as XML" }
#define NEW     { "device", 1, OPERANDS_MANY }
#define DEVICES { "device", 1, OPERANDS_MANY, .all = true }
#define EITHER  { "device|node", 1, OPERANDS_MANY, .all = true }
#define ANY     { "device|node", 0, OPERANDS_MANY, .all = true }

static const struct option_info list_options[] = { TYPES, ON, VERBOSE, JSON };
static const struct form list_forms[] = {
	{ "", "tnv2", NULL, PRIVILEGE_NONE, "the names of quorum devices and nodes", list_quorum, .operands = ANY },
};
static const struct form show_forms[] = {
	{ "", "tnv2", NULL, PRIVILEGE_NONE, "the configuration of quorum devices and votes", show_quorum, .operands = ANY },
};
static const struct form status_forms[] = {
	{ "", "tnv2", NULL, PRIVILEGE_NONE, "votes that are needed, present and possible", status_of_quorum, .operands = ANY },
};
static const struct option_info add_options[] = {
	{ 't', "type", "TYPE", "shared_disk (the default), scsi3, iscsi or quorum_server" },
	{ 'p', "property", "NAME=VALUE", "path, or of a quorum server qshost and port", true },
	{ 'n', "node", "NODE[,..]", "the nodes that are connected to it (default: all)" },
	{ 'F', "force", NULL, "even when the device holds keys of another cluster" },
	{ 'a', "autoconfig", NULL, "choose a device" },
	INPUT, VERBOSE,
};
static const struct form add_forms[] = {
	{ "", "tpnFv", NULL, PRIVILEGE_CHANGE, "add quorum devices", add_quorum, .operands = NEW },
	{ "a", "v", NULL, PRIVILEGE_CHANGE, "choose a quorum device", NULL,
	  "choosing one needs the list of shared disks, which is not built yet; name the device", .operands = { "device", 0, 1 } },
	{ "i", "tpnFv", NULL, PRIVILEGE_CHANGE, "add quorum devices from a file", xml_input, .operands = ANY },
};
static const struct option_info change_options[] = { { 't', "type", "TYPE[,..]", "with +: only of these types" }, VERBOSE };
static const struct form enable_forms[] = {
	{ "", "tv", NULL, PRIVILEGE_CHANGE, "give devices, or nodes, their votes back", enable_quorum, .operands = EITHER },
};
static const struct form disable_forms[] = {
	{ "", "tv", NULL, PRIVILEGE_CHANGE, "take the votes of devices, or of nodes that are down, for maintenance", disable_quorum,
	  .operands = EITHER },
};
static const struct form remove_forms[] = {
	{ "", "tv", NULL, PRIVILEGE_CHANGE, "remove quorum devices", remove_quorum, .operands = DEVICES },
};
static const struct option_info reset_options[] = { VERBOSE };
static const struct form reset_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "all votes, of nodes and devices, as they are by default", reset_quorum },
};

#define ROWS(o, f) o, ARRAY_SIZE(o), f, ARRAY_SIZE(f)
static const struct command_info subcommands[] = {
	{ "clquorum add",     "add quorum devices",                            ROWS(add_options, add_forms) },
	{ "clquorum disable", "take votes away for maintenance",               ROWS(change_options, disable_forms) },
	{ "clquorum enable",  "give votes back",                               ROWS(change_options, enable_forms) },
	XML_EXPORT("clquorum", "device"),
	{ "clquorum list",    "the names of quorum devices and nodes",         ROWS(list_options, list_forms) },
	{ "clquorum remove",  "remove quorum devices",                         ROWS(change_options, remove_forms) },
	{ "clquorum reset",   "all votes as they are by default",              ROWS(reset_options, reset_forms) },
	{ "clquorum show",    "the configuration of devices and votes",        ROWS(list_options, show_forms) },
	{ "clquorum status",  "votes that are needed, present and possible",   ROWS(list_options, status_forms) },
};

const struct command_family clquorum_family = {
	"clquorum", "quorum devices and votes", subcommands, ARRAY_SIZE(subcommands), NULL, 0,
};
