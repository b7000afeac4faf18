#include "cmd/cl_blocks.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/cl_print.h"
#include "cmd/print.h"
#include "cmd/quorum_type.h"
#include "cmm/timers.h"

#define NODES_MAX "64"          /* ids are 1 to 64 */

#define TABLE(name, ...) \
	static const struct cl_column name##_columns[] = { __VA_ARGS__ }; \
	struct cl_table name = { .columns = name##_columns, .n = ARRAY_SIZE(name##_columns) }

/* ---- status: nodes and paths ---- */

void block_node_status(const json_t *nodes, bool verbose)
{
	TABLE(table, { "Node Name", 48 }, { "Status", 0 });
	json_t *node;
	size_t i;

	cl_title("Cluster Nodes");
	cl_subtitle("Node Status");
	json_array_foreach((json_t *)nodes, i, node) {
		cl_cell(&table, ju_str(node, "name", ""));
		cl_cell(&table, node_status(node));
		if (verbose) {
			_cleanup_free_ char *story = node_story(node), *text = xasprintf("  %s", story);

			cl_cell(&table, text);
			cl_cell(&table, "");
		}
	}
	cl_table_print(&table);
}

void block_ipmp_status(const struct view *view, const json_t *nodes)
{
	TABLE(table, { "Node Name", 20 }, { "Group Name", 14 }, { "Status", 10 }, { "Adapter", 11 }, { "Status", 0 });
	static const char *const members[] = { "node", "group", "status", "adapter", "adapter_status" };
	json_t *group;
	size_t i;

	cl_subtitle("Node IPMP Group Status");
	json_array_foreach(ju_arr(view->status, "ipmp"), i, group)
		if (view_find(nodes, ju_str(group, "node", "")))
			for (size_t k = 0; k < ARRAY_SIZE(members); k++)
				cl_cell(&table, ju_str(group, members[k], ""));
	cl_table_print(&table);
}

void block_path_status(const struct view *view)
{
	TABLE(table, { "Endpoint1", 24 }, { "Endpoint2", 24 }, { "Status", 0 });
	json_t *path;
	size_t i;

	cl_title("Cluster Transport Paths");
	json_array_foreach(ju_arr(view->status, "paths"), i, path) {
		cl_cell(&table, ju_str(path, "a", ""));
		cl_cell(&table, ju_str(path, "b", ""));
		cl_cell(&table, ju_str(path, "status", ""));
	}
	cl_table_print(&table);
}

/* ---- status: quorum ---- */

static void quorum_summary(const json_t *quorum)
{
	TABLE(table, { "Needed", 9 }, { "Present", 10 }, { "Possible", 0 });

	table.indent = 12;
	cl_subtitle("Quorum Votes Summary");
	cl_cell_int(&table, ju_int(quorum, "needed", 0));
	cl_cell_int(&table, ju_int(quorum, "present", 0));
	cl_cell_int(&table, ju_int(quorum, "possible", 0));
	cl_table_print(&table);
}

static void add_votes(struct cl_table *table, const char *name, int64_t present, int64_t possible, const char *status)
{
	cl_cell(table, name);
	cl_cell_int(table, present);
	cl_cell_int(table, possible);
	cl_cell(table, status);
}

static void quorum_by_node(const json_t *nodes)
{
	TABLE(table, { "Node Name", 17 }, { "Present", 14 }, { "Possible", 15 }, { "Status", 0 });
	json_t *node;
	size_t i;

	cl_subtitle("Quorum Votes by Node");
	json_array_foreach((json_t *)nodes, i, node)
		add_votes(&table, ju_str(node, "name", ""), node_votes_present(node), ju_int(node, "votes", 0), node_status(node));
	cl_table_print(&table);
}

static void quorum_by_device(const json_t *devices, bool verbose)
{
	TABLE(table, { "Device Name", 17 }, { "Present", 14 }, { "Possible", 15 }, { "Status", 0 });
	json_t *device;
	size_t i;

	cl_subtitle("Quorum Votes by Device");
	json_array_foreach((json_t *)devices, i, device)
		add_votes(&table, ju_str(device, "name", ""), ju_int(device, "votes_present", 0), ju_int(device, "votes", 0),
			  ju_str(device, "status", "Offline"));
	cl_table_print(&table);
	json_array_foreach((json_t *)devices, i, device)
		if (verbose) {
			_cleanup_free_ char *story = device_story(device);

			(void)printf("%s: %s\n%s", ju_str(device, "name", ""), story, i + 1 < json_array_size(devices) ? "" : "\n");
		}
}

void block_quorum_status(const struct view *view, const json_t *nodes, const json_t *devices, bool verbose)
{
	cl_title("Cluster Quorum");
	quorum_summary(ju_obj(view->status, "quorum"));
	if (nodes)
		quorum_by_node(nodes);
	if (devices)
		quorum_by_device(devices, verbose);
}

/* ---- status: device groups, of which there are none yet ---- */

void block_devicegroup_status(void)
{
	TABLE(groups, { "Device Group Name", 22 }, { "Primary", 12 }, { "Secondary", 14 }, { "Status", 0 });
	TABLE(spares, { "Device Group Name", 20 }, { "Spare Nodes", 14 }, { "Inactive Nodes", 17 }, { "In Transition Nodes", 0 });
	TABLE(owners, { "Device Group Name", 28 }, { "Node Name", 20 }, { "Status", 0 });

	cl_title("Cluster Device Groups");
	cl_subtitle("Device Group Status");
	cl_table_print(&groups);
	cl_subtitle("Spare, Inactive, and In Transition Nodes");
	cl_table_print(&spares);
	cl_subtitle("Multi-owner Device Group Status");
	cl_table_print(&owners);
}

/* ---- status: groups and resources ---- */

/* "PENDING_ONLINE" -> "Pending online"; caller frees. */
static char *state_words(const char *state)
{
	char *s = word_capitalised(state);

	for (char *p = s; *p; p++)
		*p = *p == '_' ? ' ' : *p;
	return s;
}

void block_group_status(const struct view *view)
{
	TABLE(table, { "Group Name", 17 }, { "Node Name", 16 }, { "Suspended", 15 }, { "Status", 0 });
	json_t *group, *node, *groups = ju_arr(view->status, "groups");
	size_t i, k;

	cl_title("Cluster Resource Groups");
	json_array_foreach(groups, i, group) {
		json_array_foreach(ju_arr(group, "nodes"), k, node) {
			_cleanup_free_ char *state = state_words(ju_str(node, "state", ""));

			cl_cell(&table, k ? "" : ju_str(group, "name", ""));
			cl_cell(&table, ju_str(node, "node", ""));
			cl_cell(&table, ju_bool(group, "suspended", false) ? "Yes" : "No");
			cl_cell(&table, state);
		}
		if (i + 1 < json_array_size(groups))
			cl_gap(&table);
	}
	cl_table_print(&table);
}

static void add_resource(struct cl_table *table, const json_t *rs)
{
	json_t *node;
	size_t i;

	json_array_foreach(ju_arr(rs, "nodes"), i, node) {
		const char *status = ju_str(node, "status", ""), *message = ju_str(node, "message", "");
		_cleanup_free_ char *state = state_words(ju_str(node, "state", ""));
		_cleanup_free_ char *keyword = streq(status, "OK") ? xstrdup("Online") : word_capitalised(status);
		_cleanup_free_ char *text = xasprintf("%s%s%s", keyword, *message ? " - " : "", message);

		cl_cell(table, i ? "" : ju_str(rs, "name", ""));
		cl_cell(table, ju_str(node, "node", ""));
		cl_cell(table, state);
		cl_cell(table, text);
	}
}

void block_resource_status(const struct view *view)
{
	TABLE(table, { "Resource Name", 20 }, { "Node Name", 15 }, { "State", 13 }, { "Status Message", 0 });
	json_t *group, *rs;
	size_t i, k;

	cl_title("Cluster Resources");
	json_array_foreach(ju_arr(view->status, "groups"), i, group)
		json_array_foreach(ju_arr(group, "resources"), k, rs) {
			if (table.cells.n)
				cl_gap(&table);
			add_resource(&table, rs);
		}
	cl_table_print(&table);
}

/* ---- status: disks ---- */

/* Caller frees. */
static char *disk_story(const json_t *disk)
{
	_cleanup_free_ char *keys = names_joined(ju_arr(disk, "keys"), " ");
	const char *message = ju_str(disk, "message", "");

	return xasprintf("%s, %s, fencing: %s; keys: %s%s%s", ju_str(disk, "type", "?"), ju_str(disk, "path", ""),
			 ju_str(disk, "fencing", ""), *keys ? keys : "none", *message ? "; " : "", message);
}

void block_disk_status(const json_t *disks, const struct strlist *states, bool verbose)
{
	TABLE(table, { "Device Instance", 28 }, { "Node", 20 }, { "Status", 0 });
	json_t *disk, *path;
	size_t i, k;

	cl_title("Cluster DID Devices");
	json_array_foreach((json_t *)disks, i, disk) {
		const char *name = ju_str(disk, "name", "");

		json_array_foreach(ju_arr(disk, "paths"), k, path) {
			if (states->n && !strlist_has(states, ju_str(path, "status", "")))
				continue;
			cl_cell(&table, name);
			cl_cell(&table, ju_str(path, "node", ""));
			cl_cell(&table, ju_str(path, "status", ""));
			name = "";
		}
	}
	cl_table_print(&table);
	json_array_foreach((json_t *)disks, i, disk)
		if (verbose) {
			_cleanup_free_ char *story = disk_story(disk);

			(void)printf("%s: %s\n%s", ju_str(disk, "name", ""), story, i + 1 < json_array_size(disks) ? "" : "\n");
		}
}

/* ---- show: the cluster ---- */

static char *number(uint32_t value)
{
	return xasprintf("%" PRIu32, value);
}

/* What stands in the table, else what follows from takeover_time: a node is lost after token and consensus. */
static char *heartbeat(const struct view *view, const char *name)
{
	const char *set = view_get(view, "cluster.properties.transport_%s", name);
	struct cmm_timers t;

	if (set)
		return xstrdup(set);
	if (cmm_timers_derive((uint32_t)ju_int(view->status, "takeover_time_ms", 0), &t, NULL) < 0)
		return xstrdup("<NULL>");
	return number(streq(name, "heartbeat_quantum") ? t.beat_ms : t.token_ms + t.consensus_ms);
}

static const struct property_row { const char *label, *key, *dflt; } net_rows[] = {
	{ "private_netaddr",  "cluster.properties.private_net_number", "<NULL>" },
	{ "private_netmask",  "cluster.properties.cluster_netmask",    "<NULL>" },
	{ "max_nodes",        "cluster.properties.private_maxnodes",   NODES_MAX },
	{ "max_privatenets",  "cluster.properties.private_maxprivnets", "8" },          /* links that the transport can have */
}, own_rows[] = {
	{ "global_fencing",   "cluster.properties.global_fencing",     "<NULL>" },
	{ "fencing_policy",   "cluster.properties.fencing_policy",     "<NULL>" },
	{ "takeover_time",    "cluster.properties.takeover_time",      "<NULL>" },
};

static void print_property_rows(const struct view *view, const struct property_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cl_row(2, rows[i].label, view_get_or(view, rows[i].dflt, "%s", rows[i].key));
}

void block_cluster(const struct view *view)
{
	_cleanup_free_ char *timeout = heartbeat(view, "heartbeat_timeout"), *quantum = heartbeat(view, "heartbeat_quantum");
	_cleanup_free_ char *nodes = names_joined(view_nodes(view), ", ");

	cl_title("Cluster");
	cl_object(0, "Cluster Name", view_get_or(view, ju_str(view->status, "cluster", ""), "cluster.name"));
	cl_row(2, "clusterid", view_get_or(view, "<NULL>", "cluster.properties.cluster_id"));
	cl_row(2, "installmode", view_get_or(view, "disabled", "cluster.properties.installmode"));
	cl_row(2, "heartbeat_timeout", timeout);
	cl_row(2, "heartbeat_quantum", quantum);
	print_property_rows(view, net_rows, ARRAY_SIZE(net_rows));
	print_property_rows(view, own_rows, ARRAY_SIZE(own_rows));
	cl_row(2, "Node List", nodes);
	(void)printf("\n");
}

void block_netprops(const struct view *view)
{
	cl_title("Private Network");
	cl_object(0, net_rows[0].label, view_get_or(view, net_rows[0].dflt, "%s", net_rows[0].key));
	print_property_rows(view, net_rows + 1, ARRAY_SIZE(net_rows) - 1);
	(void)printf("\n");
}

/* ---- show: nodes ---- */

static const struct property_row node_rows[] = {
	{ "privatehostname",        "private_hostname",       "<NULL>" },
	{ "reboot_on_path_failure", "reboot_on_path_failure", "disabled" },
	{ "globalzoneshares",       "globalzoneshares",       "1" },
	{ "defaultpsetmin",         "defaultpsetmin",         "1" },
	{ "quorum_vote",            "quorum_vote",            "1" },
	{ "quorum_defaultvote",     "quorum_defaultvote",     "1" },
	{ "quorum_resv_key",        "quorum_resv_key",        "<NULL>" },
};

static void print_adapter_properties(const struct view *view, unsigned id, unsigned a)
{
	json_t *properties = view_below(view, "cluster.nodes.%u.adapters.%u.properties", id, a), *value;
	const char *name;
	void *tmp;

	json_object_del(properties, "transport_type");
	json_object_foreach_safe(properties, tmp, name, value) {
		_cleanup_free_ char *label = xasprintf("Adapter Property(%s)", name);

		cl_row(4, label, json_string_value(value));
	}
	json_decref(properties);
}

static void print_adapter(const struct view *view, unsigned id, unsigned a)
{
	_cleanup_free_ char *state = word_capitalised(view_get_or(view, "enabled", "cluster.nodes.%u.adapters.%u.state", id, a));
	struct buf ports = { 0 };
	const char *port;

	cl_object(2, "Transport Adapter", view_get(view, "cluster.nodes.%u.adapters.%u.name", id, a));
	cl_row(4, "Adapter State", state);
	cl_row(4, "Adapter Transport Type", view_get_or(view, "knet", "cluster.nodes.%u.adapters.%u.properties.transport_type", id, a));
	print_adapter_properties(view, id, a);
	for (unsigned p = 1; (port = view_get(view, "cluster.nodes.%u.adapters.%u.ports.%u.name", id, a, p)); p++)
		buf_printf(&ports, "%s%s", p > 1 ? " " : "", port);
	cl_row(4, "Adapter Port Names", ports.s ? ports.s : "<NULL>");
	for (unsigned p = 1; (port = view_get(view, "cluster.nodes.%u.adapters.%u.ports.%u.name", id, a, p)); p++) {
		_cleanup_free_ char *label = xasprintf("Adapter Port State(%s)", port);
		_cleanup_free_ char *port_state = word_capitalised(view_get_or(view, "enabled",
			"cluster.nodes.%u.adapters.%u.ports.%u.state", id, a, p));

		cl_row(4, label, port_state);
	}
	buf_done(&ports);
	(void)printf("\n");
}

static void print_limits(const struct view *view, const char *node, unsigned id)
{
	json_t *limits = view_below(view, "cluster.nodes.%u.loadlimits", id), *v;
	_cleanup_free_ char *last = xstrdup("");
	const char *key;

	if (json_object_size(limits))
		(void)printf("  --- Load Limits for %s ---\n\n", node);
	json_object_foreach(limits, key, v) {           /* in the order of the names */
		char *name = xstrndup(key, strcspn(key, "."));

		if (!streq(name, last)) {
			cl_object(2, "Load Limit", name);
			cl_row(4, "Soft Limit", view_get_or(view, "0", "cluster.nodes.%u.loadlimits.%s.soft", id, name));
			cl_row(4, "Hard Limit", view_get_or(view, "<NULL>", "cluster.nodes.%u.loadlimits.%s.hard", id, name));
			(void)printf("\n");
		}
		free(last);
		last = name;
	}
	json_decref(limits);
}

static void print_node(const struct view *view, const json_t *node, bool verbose)
{
	const char *name = ju_str(node, "name", "");
	unsigned id = (unsigned)ju_int(node, "id", 0), a;
	_cleanup_free_ char *id_text = number(id);
	struct buf adapters = { 0 };
	const char *adapter;

	for (a = 1; (adapter = view_get(view, "cluster.nodes.%u.adapters.%u.name", id, a)); a++)
		buf_printf(&adapters, "%s%s", a > 1 ? ", " : "", adapter);
	cl_object(0, "Node Name", name);
	cl_row(2, "Node ID", id_text);
	cl_row(2, "Enabled", streq(view_get_or(view, "enabled", "cluster.nodes.%u.state", id), "enabled") ? "yes" : "no");
	for (size_t i = 0; i < ARRAY_SIZE(node_rows); i++)
		cl_row(2, node_rows[i].label, view_get_or(view, node_rows[i].dflt, "cluster.nodes.%u.properties.%s", id, node_rows[i].key));
	cl_row(2, "Transport Adapter List", adapters.s ? adapters.s : "<NULL>");
	buf_done(&adapters);
	if (verbose) {
		_cleanup_free_ char *story = node_story(node);

		cl_row(2, "Status", story);
	}
	(void)printf("\n");
	if (a > 1)
		(void)printf("  --- Transport Adapters for %s ---\n\n", name);
	for (unsigned k = 1; k < a; k++)
		print_adapter(view, id, k);
	print_limits(view, name, id);
}

void block_nodes(const struct view *view, const json_t *nodes, bool verbose)
{
	json_t *node;
	size_t i;

	cl_title("Cluster Nodes");
	json_array_foreach((json_t *)nodes, i, node)
		print_node(view, node, verbose);
}

/* ---- show: quorum ---- */

void block_quorum_nodes(const struct view *view, const json_t *nodes)
{
	json_t *node;
	size_t i;

	cl_title("Cluster Nodes");
	json_array_foreach((json_t *)nodes, i, node) {
		unsigned id = (unsigned)ju_int(node, "id", 0);
		_cleanup_free_ char *id_text = number(id), *votes = number((uint32_t)ju_int(node, "votes", 0));

		cl_object(0, "Node Name", ju_str(node, "name", ""));
		cl_row(2, "Node ID", id_text);
		cl_row(2, "Quorum Vote Count", votes);
		cl_row(2, "Reservation Key", view_get_or(view, "<NULL>", "cluster.nodes.%u.properties.quorum_resv_key", id));
		(void)printf("\n");
	}
}

void block_quorum_devices(const json_t *devices, bool verbose)
{
	json_t *device;
	size_t i;

	cl_title("Quorum Devices");
	json_array_foreach((json_t *)devices, i, device) {
		_cleanup_free_ char *votes = number((uint32_t)ju_int(device, "votes", 0));
		_cleanup_free_ char *hosts = names_joined(ju_arr(device, "nodes"), ", ");

		cl_object(0, "Quorum Device Name", ju_str(device, "name", ""));
		cl_row(2, "Enabled", ju_bool(device, "enabled", false) ? "yes" : "no");
		cl_row(2, "Votes", votes);
		cl_row(2, "Global Name", ju_str(device, "path", ""));
		cl_row(2, "Type", quorum_type_documented(ju_str(device, "type", "")));
		cl_row(2, "Access Mode", ju_str(device, "access_mode", ""));
		cl_row(2, "Hosts (enabled)", hosts);
		if (verbose) {
			_cleanup_free_ char *story = device_story(device);

			cl_row(2, "Status", story);
		}
		(void)printf("\n");
	}
}

/* ---- show: disks ---- */

void block_disks(const json_t *disks, bool verbose)
{
	json_t *disk, *node;
	size_t i, k;

	cl_title("DID Device Instances");
	json_array_foreach((json_t *)disks, i, disk) {
		cl_object(0, "DID Device Name", ju_str(disk, "name", ""));
		json_array_foreach(ju_arr(disk, "nodes"), k, node) {
			_cleanup_free_ char *path = xasprintf("%s:%s", json_string_value(node), ju_str(disk, "path", ""));

			cl_row(2, "Full Device Path", path);
		}
		cl_row(2, "Replication", "none");
		cl_row(2, "default_fencing", ju_str(disk, "default_fencing", "global"));
		cl_row(2, "Type", ju_str(disk, "type", ""));
		if (verbose) {
			_cleanup_free_ char *story = disk_story(disk);

			cl_row(2, "Status", story);
		}
		(void)printf("\n");
	}
}
