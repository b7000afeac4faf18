/* scconf -p: the infrastructure table under the documented labels, which scripts read. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/print.h"
#include "cmd/scconf.h"
#include "cmd/view.h"

#define VALUE_COLUMN 51
#define OBJECTS_MAX  64         /* ids of nodes, adapters, devices and so on begin with 1 */

struct printing { const struct view *view; bool verbose; };

/* "  Node ID:          1", with -v "  (alpha) Node ID:  1".  scope "": nothing stands above it. */
static void print_row(const struct printing *p, int indent, const char *scope, const char *label, const char *value)
{
	_cleanup_free_ char *head = p->verbose && *scope ? xasprintf("%*s(%s) %s:", indent, "", scope, label)
							  : xasprintf("%*s%s:", indent, "", label);

	if (*value) {
		print_padded(VALUE_COLUMN, head);
		(void)printf("%s\n", value);
	} else {
		(void)printf("%s\n", head);
	}
}

static const char *yes_no(const char *state)
{
	return streq(state, "enabled") ? "yes" : "no";
}

/* The names under PREFIX.1.name, PREFIX.2.name, ... with a blank between; caller frees. */
/* Disks with data stand among the quorum devices in the table, but are none. */
static bool is_disk(const struct view *view, const char *prefix, unsigned id)
{
	return streq(view_get_or(view, "", "%s.%u.properties.role", prefix, id), "data");
}

static char *names_below(const struct view *view, const char *prefix)
{
	struct buf b = { 0 };

	for (unsigned i = 1; i <= OBJECTS_MAX; i++) {
		const char *name = view_get(view, "%s.%u.name", prefix, i);

		if (name && !is_disk(view, prefix, i))
			buf_printf(&b, "%s%s", b.len ? " " : "", name);
	}
	return buf_take(&b);
}

static const char *or_null(const char *text)
{
	return *text ? text : "<NULL>";
}

/* ---- the cluster ---- */

static const char *join_list(const struct view *view)
{
	/* Nobody joins unless the table says so: a node that is not in it is refused. */
	const char *list = view_get_or(view, ".", "cluster.properties.auth_joinlist_hostslist");

	return streq(list, ".") ? "<. - Exclude all nodes>" : *list ? list : "<NULL - Allow any node>";
}

static void print_cluster(const struct printing *p)
{
	const struct view *view = p->view;
	_cleanup_free_ char *nodes = names_below(view, "cluster.nodes");
	const char *auth = view_get_or(view, "sys", "cluster.properties.auth_joinlist_type");

	print_row(p, 0, "", "Cluster name", view_get_or(view, "<NULL>", "cluster.name"));
	print_row(p, 0, "", "Cluster ID", view_get_or(view, "<NULL>", "cluster.properties.cluster_id"));
	print_row(p, 0, "", "Cluster install mode", view_get_or(view, "disabled", "cluster.properties.installmode"));
	print_row(p, 0, "", "Cluster private net", view_get_or(view, "<NULL>", "cluster.properties.private_net_number"));
	print_row(p, 0, "", "Cluster private netmask", view_get_or(view, "<NULL>", "cluster.properties.private_netmask"));
	print_row(p, 0, "", "Cluster new node authentication", streq(auth, "sys") ? "unix" : auth);
	print_row(p, 0, "", "Cluster new node list", join_list(view));
	print_row(p, 0, "", "Cluster nodes", or_null(nodes));
}

/* ---- nodes ---- */

static void print_adapter(const struct printing *p, const char *node, unsigned id, unsigned a)
{
	const struct view *view = p->view;
	const char *name = view_get(view, "cluster.nodes.%u.adapters.%u.name", id, a), *key;
	_cleanup_free_ char *scope = xasprintf("%s:%s", node, name);
	json_t *properties = view_below(view, "cluster.nodes.%u.adapters.%u.properties", id, a), *value;

	(void)printf("\n");
	print_row(p, 2, node, "Node transport adapter", name);
	print_row(p, 4, scope, "Adapter enabled", yes_no(view_get_or(view, "enabled", "cluster.nodes.%u.adapters.%u.state", id, a)));
	print_row(p, 4, scope, "Adapter transport type",
		  view_get_or(view, "knet", "cluster.nodes.%u.adapters.%u.properties.transport_type", id, a));
	json_object_foreach(properties, key, value) {
		_cleanup_free_ char *text = xasprintf("%s=%s", key, json_string_value(value));

		if (!streq(key, "transport_type"))
			print_row(p, 4, scope, "Adapter property", text);
	}
	json_decref(properties);
}

static void print_node(const struct printing *p, unsigned id)
{
	const struct view *view = p->view;
	const char *name = view_get(view, "cluster.nodes.%u.name", id);
	_cleanup_free_ char *id_text = xasprintf("%u", id), *prefix = xasprintf("cluster.nodes.%u.adapters", id);
	_cleanup_free_ char *adapters = names_below(view, prefix);

	(void)printf("\n");
	print_row(p, 0, "", "Cluster node name", name);
	print_row(p, 2, name, "Node ID", id_text);
	print_row(p, 2, name, "Node enabled", yes_no(view_get_or(view, "enabled", "cluster.nodes.%u.state", id)));
	print_row(p, 2, name, "Node private hostname", view_get_or(view, "<NULL>", "cluster.nodes.%u.properties.private_hostname", id));
	print_row(p, 2, name, "Node quorum vote count", view_get_or(view, "1", "cluster.nodes.%u.properties.quorum_vote", id));
	print_row(p, 2, name, "Node reservation key", view_get_or(view, "<NULL>", "cluster.nodes.%u.properties.quorum_resv_key", id));
	print_row(p, 2, name, "Node transport adapters", or_null(adapters));
	for (unsigned a = 1; a <= OBJECTS_MAX; a++)
		if (view_get(view, "cluster.nodes.%u.adapters.%u.name", id, a))
			print_adapter(p, name, id, a);
}

/* ---- junctions and cables ---- */

static void print_junction(const struct printing *p, unsigned id)
{
	const struct view *view = p->view;
	const char *name = view_get(view, "cluster.blackboxes.%u.name", id);
	_cleanup_free_ char *prefix = xasprintf("cluster.blackboxes.%u.ports", id), *ports = names_below(view, prefix);

	print_row(p, 0, "", "Cluster transport junction", name);
	print_row(p, 2, name, "Junction enabled", yes_no(view_get_or(view, "enabled", "cluster.blackboxes.%u.state", id)));
	print_row(p, 2, name, "Junction type", view_get_or(view, "switch", "cluster.blackboxes.%u.properties.type", id));
	print_row(p, 2, name, "Junction port names", or_null(ports));
}

/* "cluster.nodes.1.adapters.1.ports.1" -> "alpha:hme1@0"; caller frees. */
static char *end_name(const struct view *view, const char *end)
{
	const char *port = view_get_or(view, "?", "%s.name", end);
	unsigned a, b;

	if (sscanf(end, "cluster.nodes.%u.adapters.%u.", &a, &b) == 2)
		return xasprintf("%s:%s@%s", view_get_or(view, "?", "cluster.nodes.%u.name", a),
				 view_get_or(view, "?", "cluster.nodes.%u.adapters.%u.name", a, b), port);
	if (sscanf(end, "cluster.blackboxes.%u.", &a) == 1)
		return xasprintf("%s@%s", view_get_or(view, "?", "cluster.blackboxes.%u.name", a), port);
	return xstrdup(end);
}

static void print_cable(const struct printing *p, unsigned id)
{
	const char *end = view_get(p->view, "cluster.cables.%u.properties.end1", id);
	_cleanup_free_ char *a = end_name(p->view, end ? end : "");
	_cleanup_free_ char *b = end_name(p->view, view_get_or(p->view, "", "cluster.cables.%u.properties.end2", id));
	_cleanup_free_ char *state = word_capitalised(view_get_or(p->view, "enabled", "cluster.cables.%u.state", id));

	if (!end)
		return;
	(void)printf("  Transport cable:  ");
	print_padded(20, a);
	print_padded(16, b);
	(void)printf("%s\n", state);
}

static void print_transport(const struct printing *p)
{
	_cleanup_free_ char *junctions = names_below(p->view, "cluster.blackboxes");

	(void)printf("\n");
	print_row(p, 0, "", "Cluster transport junctions", or_null(junctions));
	for (unsigned i = 1; i <= OBJECTS_MAX; i++)
		if (view_get(p->view, "cluster.blackboxes.%u.name", i))
			print_junction(p, i);
	(void)printf("Cluster transport cables\n"
		     "                    Endpoint            Endpoint        State\n"
		     "                    --------            --------        -----\n");
	for (unsigned i = 1; i <= OBJECTS_MAX; i++)
		print_cable(p, i);
}

/* ---- quorum devices ---- */

/* The nodes whose path to the device is in this state; caller frees. */
static char *hosts(const struct view *view, unsigned device, const char *state)
{
	struct buf b = { 0 };

	for (unsigned id = 1; id <= OBJECTS_MAX; id++) {
		const char *path = view_get(view, "cluster.quorum_devices.%u.properties.path_%u", device, id);

		if (path && streq(path, state))
			buf_printf(&b, "%s%s", b.len ? " " : "", view_get_or(view, "?", "cluster.nodes.%u.name", id));
	}
	return buf_take(&b);
}

static void print_device(const struct printing *p, unsigned id)
{
	const struct view *view = p->view;
	const char *name = view_get(view, "cluster.quorum_devices.%u.name", id);
	_cleanup_free_ char *enabled = hosts(view, id, "enabled"), *disabled = hosts(view, id, "disabled");

	print_row(p, 0, "", "Quorum device name", name);
	print_row(p, 2, name, "Quorum device votes", view_get_or(view, "0", "cluster.quorum_devices.%u.properties.votecount", id));
	print_row(p, 2, name, "Quorum device enabled", yes_no(view_get_or(view, "enabled", "cluster.quorum_devices.%u.state", id)));
	print_row(p, 2, name, "Quorum device name", view_get_or(view, "<NULL>", "cluster.quorum_devices.%u.properties.gdevname", id));
	print_row(p, 2, name, "Quorum device hosts (enabled)", enabled);
	print_row(p, 2, name, "Quorum device hosts (disabled)", disabled);
}

static void print_devices(const struct printing *p)
{
	_cleanup_free_ char *names = names_below(p->view, "cluster.quorum_devices");

	print_row(p, 0, "", "Quorum devices", or_null(names));
	for (unsigned i = 1; i <= OBJECTS_MAX; i++)
		if (view_get(p->view, "cluster.quorum_devices.%u.name", i) && !is_disk(p->view, "cluster.quorum_devices", i))
			print_device(p, i);
}

int scconf_print(const struct cmdline *line)
{
	struct view view = { 0 };
	struct printing p = { .view = &view, .verbose = cmdline_has(line, 'v') };
	int r = view_read_table(line, &view);

	if (r != EXIT_OK)
		return r;
	if (cmdline_has(line, OPT_JSON)) {
		print_json(view.table);
	} else {
		print_cluster(&p);
		for (unsigned id = 1; id <= OBJECTS_MAX; id++)
			if (view_get(&view, "cluster.nodes.%u.name", id))
				print_node(&p, id);
		print_transport(&p);
		print_devices(&p);
	}
	view_done(&view);
	return r;
}
