#include "clusterd/netview.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"

struct netview {
	json_t *report[CMM_NODE_ID_MAX + 1];    /* NULL: none */
	/* What the journal has told of a node: {"2":[true,false],...,"eth0":true}: links by peer, null: not yet up; adapters
	 * by name.  No name of an adapter is a number. */
	json_t *told[CMM_NODE_ID_MAX + 1];
};

struct netview *netview_new(void)
{
	return xcalloc(1, sizeof(struct netview));
}

struct netview *netview_free(struct netview *view)
{
	for (size_t id = 0; view && id <= CMM_NODE_ID_MAX; id++) {
		json_decref(view->report[id]);
		json_decref(view->told[id]);
	}
	free(view);
	return NULL;
}

/* ---- infrastructure ---- */

const char *net_node_name(const json_t *table, uint32_t id)
{
	return ju_strf(table, NULL, "cluster.nodes.%u.name", id);
}

const char *net_link_adapter(const json_t *table, uint32_t id, size_t link)
{
	return link < NET_LINKS_MAX ? ju_strf(table, NULL, "cluster.nodes.%u.adapters.%zu.name", id, link + 1) : NULL;
}

const char *net_link_address(const json_t *table, uint32_t id, size_t link)
{
	return link < NET_LINKS_MAX ? ju_strf(table, NULL, "cluster.nodes.%u.adapters.%zu.properties.ip_address", id, link + 1) : NULL;
}

/* ---- reports ---- */

static const char *id_key(char buf[static 12], uint32_t id)
{
	(void)snprintf(buf, 12, "%u", id);
	return buf;
}

void netview_set(struct netview *view, uint32_t node, const json_t *report)
{
	json_t *copy = report ? json_deep_copy(report) : NULL;
	char key[12];

	json_decref(view->report[node]);
	view->report[node] = copy;
	if (report)
		return;
	json_decref(view->told[node]);
	view->told[node] = NULL;
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (view->told[id])
			json_object_del(view->told[id], id_key(key, node));
}

const json_t *netview_get(const struct netview *view, uint32_t node)
{
	return view->report[node];
}

static bool link_up(const json_t *report, uint32_t to, size_t link)
{
	char key[12];

	return json_is_true(json_array_get(ju_arr(ju_obj(report, "links"), id_key(key, to)), link));
}

/* ---- news ---- */

/* The first time up is remembered, not told; the first time down neither. */
static bool changes(json_t *before, bool up)
{
	return json_is_boolean(before) && json_is_true(before) != up;
}

static void link_news(struct netview *view, uint32_t node, uint32_t to, const json_t *report, const json_t *table,
		      json_t *paths)
{
	char key[12];
	json_t *before = ju_arr(view->told[node], id_key(key, to)), *told = json_array();
	const char *adapter;

	for (size_t link = 0; (adapter = net_link_adapter(table, node, link)); link++) {
		bool up = link_up(report, to, link);
		json_t *old = json_array_get(before, link);

		if (changes(old, up))
			ju_push(paths, ju_pack("{sI,ss,sb}", "to", (json_int_t)to, "adapter", adapter, "up", up));
		ju_push(told, up || json_is_boolean(old) ? json_boolean(up) : json_null());
	}
	ju_set_new(view->told[node], key, told);
}

static void adapter_news(struct netview *view, uint32_t node, const json_t *report, json_t *adapters)
{
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(report, "adapters"), i, v) {
		const char *name = ju_str(v, "name", "");
		bool up = ju_bool(v, "up", false);

		if (i == NET_ADAPTERS_MAX)
			break;
		if (changes(json_object_get(view->told[node], name), up))
			ju_push(adapters, ju_pack("{ss,sb}", "name", name, "up", up));
		ju_set_bool(view->told[node], name, up);
	}
}

json_t *netview_news(struct netview *view, uint32_t node, nodeset peers, const json_t *report, const json_t *table)
{
	json_t *paths = json_array(), *adapters = json_array(), *news = NULL;

	if (!view->told[node])
		view->told[node] = json_object();
	for (uint32_t to = nodeset_next(peers, 0); to; to = nodeset_next(peers, to))
		if (to != node)
			link_news(view, node, to, report, table, paths);
	adapter_news(view, node, report, adapters);
	if (json_array_size(paths) || json_array_size(adapters))
		news = ju_pack("{ss,sI,sO,sO}", "e", "net", "node", (json_int_t)node, "paths", paths, "adapters", adapters);
	json_decref(paths);
	json_decref(adapters);
	return news;
}

/* ---- listings ---- */

static bool path_online(const struct netview *view, uint32_t a, uint32_t b, size_t link)
{
	const json_t *of_a = view->report[a], *of_b = view->report[b];

	return (of_a || of_b) && (!of_a || link_up(of_a, b, link)) && (!of_b || link_up(of_b, a, link));
}

static void add_paths(const struct netview *view, const json_t *table, uint32_t a, uint32_t b, json_t *paths)
{
	const char *adapter_a, *adapter_b;

	for (size_t link = 0; (adapter_a = net_link_adapter(table, a, link)) && (adapter_b = net_link_adapter(table, b, link));
	     link++) {
		_cleanup_free_ char *end_a = xasprintf("%s:%s", net_node_name(table, a), adapter_a);
		_cleanup_free_ char *end_b = xasprintf("%s:%s", net_node_name(table, b), adapter_b);

		ju_push(paths, ju_pack("{ss,ss,ss}", "a", end_a, "b", end_b, "status",
				       path_online(view, a, b, link) ? "Path online" : "Path faulted"));
	}
}

static nodeset configured(const json_t *table)
{
	nodeset set = 0;

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (net_node_name(table, id))
			set |= node_bit(id);
	return set;
}

json_t *netview_paths(const struct netview *view, const json_t *table)
{
	json_t *paths = json_array();
	nodeset nodes = configured(table);

	for (uint32_t a = nodeset_next(nodes, 0); a; a = nodeset_next(nodes, a))
		for (uint32_t b = nodeset_next(nodes, a); b; b = nodeset_next(nodes, b))
			add_paths(view, table, a, b, paths);
	return paths;
}

/* Each adapter is a group of its own. */
json_t *netview_ipmp(const struct netview *view, const json_t *table)
{
	json_t *groups = json_array(), *v;
	nodeset nodes = configured(table);
	size_t i;

	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
		json_array_foreach(ju_arr(view->report[id], "adapters"), i, v) {
			_cleanup_free_ char *group = xasprintf("sc_ipmp%zu", i);
			const char *status = ju_bool(v, "up", false) ? "Online" : "Offline";

			if (i == NET_ADAPTERS_MAX)
				break;
			ju_push(groups, ju_pack("{ss,ss,ss,ss,ss}", "node", net_node_name(table, id), "group", group, "status", status,
						"adapter", ju_str(v, "name", ""), "adapter_status", status));
		}
	return groups;
}
