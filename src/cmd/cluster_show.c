/* cluster list, list-cmds, show, show-netprops, status: the whole of the cluster, as blocks that -t chooses. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/cl_blocks.h"
#include "cmd/client.h"
#include "cmd/cluster.h"
#include "cmd/cmd.h"
#include "cmd/print.h"
#include "cmd/rgm_blocks.h"

/* ---- -t ---- */

/* Types of objects by their documented names; what is not built has no block and a reason. */
struct kind {
	const char *name, *alias;
	void (*status)(const struct view *view, bool verbose);
	void (*show)(const struct view *view, bool verbose);
	const char *members[2]; /* of the reply of Status, for --json */
	const char *config;     /* the member of the reply of Config that show needs */
	bool only_named;        /* shown with another kind when -t does not name it */
};

static void status_node(const struct view *view, bool verbose)  { block_node_status(view_nodes(view), verbose); }
static void show_node(const struct view *view, bool verbose)    { block_nodes(view, view_nodes(view), verbose); }
static void show_global(const struct view *view, bool verbose)  { (void)verbose; block_cluster(view); }
static void status_paths(const struct view *view, bool verbose) { (void)verbose; block_path_status(view); }
static void status_dg(const struct view *view, bool verbose)    { (void)view; (void)verbose; block_devicegroup_status(); }
static void status_rg(const struct view *view, bool verbose)    { (void)verbose; block_group_status(view); }
static void status_rs(const struct view *view, bool verbose)    { (void)verbose; block_resource_status(view); }

static void status_quorum(const struct view *view, bool verbose)
{
	json_t *none = json_array();            /* the titles are there without devices, too */
	const json_t *devices = view_devices(view);

	block_quorum_status(view, view_nodes(view), devices ? devices : none, verbose);
	json_decref(none);
}

static void status_disks(const struct view *view, bool verbose)
{
	block_disk_status(view_disks(view), &(struct strlist) { 0 }, verbose);
}

static void show_disks(const struct view *view, bool verbose)
{
	if (json_array_size(view_disks(view)))
		block_disks(view_disks(view), verbose);
}

static void show_quorum(const struct view *view, bool verbose)
{
	if (json_array_size(view_devices(view)))
		block_quorum_devices(view_devices(view), verbose);
}

/* ---- types, groups and resources ---- */

static void show_rt(const struct view *view, bool verbose)
{
	block_types(ju_arr(view->config, "types"), verbose);
}

static void show_rg(const struct view *view, bool verbose)
{
	block_groups(ju_arr(view->config, "groups"), &(struct strlist) { 0 }, verbose);
}

/* type NULL: of all types. */
static void show_resources(const struct view *view, const char *type, bool verbose)
{
	struct objects objects = { .config = view->config, .status = view->status };
	json_t *resources = objects_resources(&objects);

	for (size_t i = json_array_size(resources); type && i-- > 0;)
		if (!type_fits(ju_str(json_array_get(resources, i), "type", ""), type))
			json_array_remove(resources, i);
	block_resources(&objects, resources, &(struct strlist) { 0 }, verbose);
	json_decref(resources);
}

static void show_rs(const struct view *view, bool verbose)   { show_resources(view, NULL, verbose); }
static void show_rslh(const struct view *view, bool verbose) { show_resources(view, "SUNW.LogicalHostname", verbose); }
static void show_rssa(const struct view *view, bool verbose) { show_resources(view, "SUNW.SharedAddress", verbose); }

static void status_resources(const struct view *view, const char *type)
{
	json_t *kept = json_array(), *group, *rs;
	struct view some = { .status = ju_pack("{s[{so}]}", "groups", "resources", kept) };
	size_t i, k;

	json_array_foreach(ju_arr(view->status, "groups"), i, group)
		json_array_foreach(ju_arr(group, "resources"), k, rs)
			if (type_fits(ju_str(rs, "type", ""), type))
				json_array_append(kept, rs);
	block_resource_status(&some);
	view_done(&some);
}

static void status_rslh(const struct view *view, bool verbose) { (void)verbose; status_resources(view, "SUNW.LogicalHostname"); }
static void status_rssa(const struct view *view, bool verbose) { (void)verbose; status_resources(view, "SUNW.SharedAddress"); }

/* In the documented order of the blocks. */
static const struct kind kinds[] = {
	{ "global",             NULL,   NULL,          show_global, { "cluster" } },
	{ "node",               NULL,   status_node,   show_node,   { "nodes" } },
	{ "interconnect",       "intr", status_paths,  NULL,        { "paths" } },
	{ "quorum",             NULL,   status_quorum, show_quorum, { "quorum", "nodes" } },
	{ "devicegroup",        "dg",   status_dg,     NULL,        { "device_groups" } },
	{ "resourcetype",       "rt",   NULL,          show_rt,     { NULL }, "types" },
	{ "resourcegroup",      "rg",   status_rg,     show_rg,     { "groups" }, "groups" },
	{ "resource",           "rs",   status_rs,     show_rs,     { "groups" }, "groups", true },
	{ "reslogicalhostname", "rslh", status_rslh,   show_rslh,   { "groups" }, "groups", true },
	{ "ressharedaddress",   "rssa", status_rssa,   show_rssa,   { "groups" }, "groups", true },
	{ "device",             "dev",  status_disks,  show_disks,  { "disks" } },
	{ "access",   NULL }, { "nasdevice",          "nas" }, { "snmphost",    NULL }, { "snmpmib", "mib" },
	{ "snmpuser", NULL }, { "telemetryattribute", "ta" }, { "zonecluster", "zc" },
};

static bool is_kind(const struct kind *kind, const char *name)
{
	return streq(kind->name, name) || (kind->alias && streq(kind->alias, name));
}

typedef bool has_fn(const struct kind *kind);
static bool has_status(const struct kind *kind) { return kind->status; }
static bool has_show(const struct kind *kind)   { return kind->show; }

/* Without -t: resources are in the block of the groups, logical hosts in that of the resources. */
static bool is_usual(const struct kind *kind, has_fn *has)
{
	return has(kind) && (!kind->only_named || (has == has_status && kind->status == status_rs));
}

/* The kinds that -t names, all that are built without it, as flags; EXIT_OK or the exit code after a complaint. */
static int choose(const struct cmdline *line, has_fn *has, bool ret[ARRAY_SIZE(kinds)])
{
	_cleanup_(strlist_done) struct strlist names = { 0 };

	if (cmdline_list(line, 't', &names) < 0)
		return EXIT_USAGE;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		ret[i] = !names.n && is_usual(&kinds[i], has);
	for (size_t k = 0; k < names.n; k++) {
		_cleanup_free_ char *what = xasprintf("show objects of type %s", names.v[k]);
		const struct kind *found = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (is_kind(&kinds[i], names.v[k]))
				found = &kinds[i];
		if (!found)
			return command_failed(line, EXIT_TYPE, what, "there is no such type");
		if (!has(found))
			return command_failed(line, EXIT_REFUSED, what, "that is not built yet");
		ret[found - kinds] = true;
	}
	return EXIT_OK;
}

/* The members of the reply that the chosen kinds need. */
static json_t *chosen_members(const struct view *view, const bool chosen[ARRAY_SIZE(kinds)])
{
	json_t *out = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t k = 0; chosen[i] && k < ARRAY_SIZE(kinds[i].members) && kinds[i].members[k]; k++)
			if (json_object_get(view->status, kinds[i].members[k]))
				json_object_set(out, kinds[i].members[k], json_object_get(view->status, kinds[i].members[k]));
	return out;
}

/* What show adds to them. */
static void add_config(const struct view *view, const bool chosen[ARRAY_SIZE(kinds)], json_t *out)
{
	json_t *config = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (chosen[i] && kinds[i].config && ju_arr(view->config, kinds[i].config))
			json_object_set(config, kinds[i].config, ju_arr(view->config, kinds[i].config));
	if (json_object_size(config))
		json_object_set(out, "config", config);
	json_decref(config);
}

int cluster_check_name(const struct cmdline *line, const struct view *view)
{
	const char *given = line->operands.n ? line->operands.v[0] : OPERAND_ALL;
	_cleanup_free_ char *what = xasprintf("find cluster %s", given);

	if (streq(given, OPERAND_ALL) || streq(given, ju_str(view->status, "cluster", "")))
		return EXIT_OK;
	return command_failed(line, EXIT_NO_OBJECT, what, "this node belongs to another cluster");
}

/* ---- status ---- */

/* Where a group is, in one word a node. */
static void print_group_line(const json_t *group)
{
	json_t *node;
	size_t i;

	(void)printf("  ");
	print_padded(20, ju_str(group, "name", ""));
	if (!ju_bool(group, "managed", false))
		(void)printf("Unmanaged");
	else
		json_array_foreach(ju_arr(group, "nodes"), i, node) {
			_cleanup_free_ char *state = word_capitalised(ju_str(node, "state", ""));

			(void)printf("%s%s %s", i ? ", " : "", ju_str(node, "node", ""), state);
		}
	if (*ju_str(group, "why", ""))
		(void)printf("   (%s)", ju_str(group, "why", ""));
	(void)printf("\n");
}

/* What is behind the word Online or Offline. */
static const char *node_remark(const json_t *node)
{
	const char *state = ju_str(node, "state", "");

	return streq(state, "LOST") ? "   (lost, may still run services)" : streq(state, "JOINING") ? "   (joining)" :
	       ju_bool(node, "quarantined", false) ? "   (quarantined)" : *ju_str(node, "fenced", "") ? "   (fenced)" : "";
}

static void print_device_line(const json_t *device)
{
	(void)printf("  ");
	print_padded(20, ju_str(device, "name", ""));
	(void)printf("%s%s\n", ju_str(device, "status", "Offline"), !ju_bool(device, "enabled", true) ? "   (disabled)" :
		     ju_bool(device, "held", false) ? "   (held)" : "");
}

static void print_short(const json_t *status)
{
	const json_t *quorum = ju_obj(status, "quorum");
	const char *waiting = ju_str(status, "waiting_for", "");
	json_t *v;
	size_t i;

	(void)printf("Cluster %s, seen from %s: epoch %lld, president %s, %lld of %lld votes present (%lld needed)\n",
		     ju_str(status, "cluster", ""), ju_str(status, "self", ""), (long long)ju_int(status, "epoch", 0),
		     *ju_str(status, "president", "") ? ju_str(status, "president", "") : "none",
		     (long long)ju_int(quorum, "present", 0), (long long)ju_int(quorum, "possible", 0),
		     (long long)ju_int(quorum, "needed", 0));
	if (*waiting)
		(void)printf("This node is not a member: %s\n", waiting);
	(void)printf("\nNodes\n");
	json_array_foreach(ju_arr(status, "nodes"), i, v) {
		(void)printf("  ");
		print_padded(20, ju_str(v, "name", ""));
		(void)printf("%s%s\n", node_status(v), node_remark(v));
	}
	if (json_array_size(ju_arr(quorum, "devices")))
		(void)printf("\nQuorum devices\n");
	json_array_foreach(ju_arr(quorum, "devices"), i, v)
		print_device_line(v);
	(void)printf("\nResource groups\n");
	json_array_foreach(ju_arr(status, "groups"), i, v)
		print_group_line(v);
}

static void print_status(const struct cmdline *line, const struct view *view, const bool chosen[ARRAY_SIZE(kinds)])
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (chosen[i])
			kinds[i].status(view, cmdline_has(line, 'v'));
	view_notes(line, view);
}

int cluster_status(const struct cmdline *line)
{
	bool chosen[ARRAY_SIZE(kinds)];
	struct view view = { 0 };
	int r = choose(line, has_status, chosen);

	if (r == EXIT_OK)
		r = view_read(line, false, &view);
	if (r == EXIT_OK)
		r = cluster_check_name(line, &view);
	if (r != EXIT_OK) {
		view_done(&view);
		return r;
	}
	if (cmdline_has(line, '5'))
		print_short(view.status);
	else if (cmdline_has(line, OPT_JSON) && cmdline_has(line, 't')) {
		json_t *out = chosen_members(&view, chosen);

		print_json(out);
		json_decref(out);
	} else if (cmdline_has(line, OPT_JSON))
		print_json(view.status);
	else
		print_status(line, &view, chosen);
	view_done(&view);
	return r;
}

/* ---- show, list ---- */

int cluster_show(const struct cmdline *line)
{
	bool chosen[ARRAY_SIZE(kinds)];
	struct view view = { 0 };
	int r = choose(line, has_show, chosen);

	if (r == EXIT_OK)
		r = view_read(line, true, &view);
	if (r == EXIT_OK)
		r = cluster_check_name(line, &view);
	for (size_t i = 0; r == EXIT_OK && !view.config && i < ARRAY_SIZE(kinds); i++)
		if (chosen[i] && kinds[i].config)
			r = view_read_config(line, &view);
	if (r == EXIT_OK && cmdline_has(line, OPT_JSON)) {
		json_t *out = chosen_members(&view, chosen);

		add_config(&view, chosen, out);
		json_object_set(out, "configuration", view.table);
		print_json(out);
		json_decref(out);
	}
	for (size_t i = 0; r == EXIT_OK && !cmdline_has(line, OPT_JSON) && i < ARRAY_SIZE(kinds); i++)
		if (chosen[i])
			kinds[i].show(&view, cmdline_has(line, 'v'));
	view_done(&view);
	return r;
}

int cluster_show_netprops(const struct cmdline *line)
{
	struct view view = { 0 };
	int r = view_read_table(line, &view);

	if (r == EXIT_OK && cmdline_has(line, OPT_JSON)) {
		json_t *out = view_below(&view, "cluster.properties");

		print_json(out);
		json_decref(out);
	} else if (r == EXIT_OK) {
		block_netprops(&view);
	}
	view_done(&view);
	return r;
}

int cluster_list(const struct cmdline *line)
{
	struct view view = { 0 };
	int r = view_read(line, false, &view);

	if (r == EXIT_OK)
		r = cluster_check_name(line, &view);
	if (r == EXIT_OK && cmdline_has(line, OPT_JSON)) {
		json_t *out = ju_pack("[s]", ju_str(view.status, "cluster", ""));

		print_json(out);
		json_decref(out);
	} else if (r == EXIT_OK) {
		(void)printf("%s\n", ju_str(view.status, "cluster", ""));
	}
	view_done(&view);
	return r;
}

int cluster_list_cmds(const struct cmdline *line)
{
	for (size_t i = 0; i < command_entry_count; i++) {
		const struct command_entry *c = &command_entries[i];

		if (strncmp(c->name, "cl", 2) != 0 || c->short_for)
			continue;
		if (cmdline_has(line, 'v'))
			print_padded(20, c->name);
		(void)printf("%s\n", cmdline_has(line, 'v') ? command_summary(c) : c->name);
	}
	return EXIT_OK;
}
