/* The model as JSON, for the daemon's socket: docs/api/org.parhelion.Cluster.varlink. */
#include "rgm/model.h"

#include <stdio.h>
#include <strings.h>

#include "ccr/ccr.h"

static json_t *node_names(const struct rgm *rgm, nodeset set)
{
	json_t *names = json_array();

	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))
		ju_push(names, json_string(rgm_node_name(rgm, id)));
	return names;
}

/* "enabled": somewhere; "disabled_on": the nodes of the Nodelist where it is not. */
static void add_switches(json_t *o, const struct rgm_rs *rs)
{
	const struct { const char *on, *off; const struct rs_switch *s; } all[] = {
		{ "enabled", "disabled_on", &rs->enabled }, { "monitored", "unmonitored_on", &rs->monitored },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		nodeset on = switch_nodes(rs, all[i].s);

		ju_set_bool(o, all[i].on, on);
		ju_set_new(o, all[i].off, node_names(rs->rg->rgm, rg_nodelist(rs->rg) & ~on));
	}
}

static json_t *rs_status_json(const struct rgm *rgm, const struct rgm_rs *rs)
{
	json_t *nodes = json_array(), *json;

	for (size_t i = 0; i < rs->rg->node_count; i++) {
		uint32_t id = rs->rg->nodelist[i];
		const struct rs_node *on = &rs->on[id];

		ju_push(nodes, ju_pack("{ss,ss,ss,ss}", "node", rgm_node_name(rgm, id), "state", rs_state_names[on->state],
				       "status", rs_status_names[on->status], "message", on->message ? on->message : ""));
	}
	json = ju_pack("{ss,ss,so}", "name", rs->name, "type", rs->rt->name, "nodes", nodes);
	add_switches(json, rs);
	return json;
}

static json_t *rg_status_json(const struct rgm *rgm, const struct rgm_rg *rg)
{
	json_t *nodes = json_array(), *resources = json_array();

	for (size_t i = 0; i < rg->node_count; i++) {
		uint32_t id = rg->nodelist[i];

		ju_push(nodes, ju_pack("{ss,ss}", "node", rgm_node_name(rgm, id), "state",
				       rg->managed ? rg_state_names[rg->on[id].state] : rg_state_names[RG_UNMANAGED]));
	}
	for (size_t i = 0; i < rg->rs_count; i++)
		ju_push(resources, rs_status_json(rgm, rg->rs[i]));
	return ju_pack("{ss,sb,sb,sb,ss,so,so}", "name", rg->name, "managed", rg->managed, "admin_offline", rg->admin_offline,
		       "suspended", rg_prop_bool(rg, "Suspend_automatic_recovery"), "why", rg->why ? rg->why : "", "nodes", nodes,
		       "resources", resources);
}

json_t *rgm_status(const struct rgm *rgm)
{
	json_t *nodes = json_array(), *groups = json_array();

	for (uint32_t id = nodeset_next(rgm->configured, 0); id; id = nodeset_next(rgm->configured, id))
		ju_push(nodes, ju_pack("{ss,sI,ss}", "name", rgm_node_name(rgm, id), "id", (json_int_t)id, "state",
				       node_state_names[rgm->node[id].state]));
	for (size_t i = 0; i < rgm->rg_count; i++)
		ju_push(groups, rg_status_json(rgm, rgm->rgs[i]));
	return ju_pack("{ss,so,so}", "cluster", rgm->cluster_name ? rgm->cluster_name : "", "nodes", nodes, "groups", groups);
}

/* Node name -> the value there, of the nodes that have one of their own: kept as "Workers{2}". */
static json_t *per_node_values(const struct rgm *rgm, const struct rgm_rs *rs, const struct rt_param *p)
{
	json_t *values = json_object(), *v;
	size_t n = strlen(p->name);
	const char *key;
	uint32_t id;

	json_object_foreach(rs->ext, key, v)
		if (strncasecmp(key, p->name, n) == 0 && node_suffix(key + n, &id))
			json_object_set(values, rgm_node_name(rgm, id), v);
	return values;
}

static json_t *value_json(const struct rt_param *p, const char *value)
{
	const struct prop_info *info = p->extension ? NULL : resource_prop_find(p->name);

	/* Few RTR files describe a standard property. */
	return ju_pack("{ss,ss,sb,ss,ss,ss}", "name", p->name, "value", value ? value : "", "extension", p->extension, "type",
		       prop_type_names[p->type], "tunable", tunable_names[p->tunable], "description",
		       *p->description || !info ? p->description : info->help);
}

static json_t *param_json(const struct rgm *rgm, const struct rgm_rs *rs, const struct rt_param *p)
{
	json_t *o = value_json(p, rs_prop(rs, p->name));

	if (p->per_node)
		ju_set_new(o, "values", per_node_values(rgm, rs, p));
	return o;
}

static json_t *rs_config_json(const struct rgm *rgm, const struct rgm_rs *rs)
{
	json_t *props = json_array(), *json;

	for (size_t i = 0; i < rs->rt->param_count; i++)
		ju_push(props, param_json(rgm, rs, &rs->rt->params[i]));
	json = ju_pack("{ss,ss,ss,ss,so}", "name", rs->name, "type", rs->rt->name, "type_version", rs->rt->version, "group", rs->rg->name,
		       "properties", props);
	add_switches(json, rs);
	return json;
}

static json_t *rg_config_json(const struct rgm *rgm, const struct rgm_rg *rg)
{
	json_t *props = json_object(), *resources = json_array();
	struct strlist names = { 0 };

	for (size_t i = 0; i < group_prop_count(); i++)
		ju_set_str(props, group_prop_at(i)->name, rg_prop(rg, group_prop_at(i)->name));
	for (size_t i = 0; i < rg->node_count; i++)
		strlist_add(&names, rgm_node_name(rgm, rg->nodelist[i]));
	_cleanup_free_ char *nodelist = strlist_join(&names, ",");

	strlist_done(&names);
	ju_set_str(props, "RG_name", rg->name);
	ju_set_str(props, "RG_mode", rg_is_scalable(rg) ? "SCALABLE" : "FAILOVER");
	ju_set_str(props, "Nodelist", nodelist);
	for (size_t i = 0; i < rg->rs_count; i++)
		ju_push(resources, rs_config_json(rgm, rg->rs[i]));
	return ju_pack("{ss,sb,so,so}", "name", rg->name, "managed", rg->managed, "properties", props, "resources", resources);
}

static json_t *type_config_json(const struct rt *rt, const char *path)
{
	json_t *methods = json_object(), *nodes = json_array(), *pkgs = json_array(), *props = json_object();

	for (int m = 0; m < METHOD_COUNT; m++)
		if (rt->methods[m])
			ju_set_str(methods, rt_method_names[m], rt->methods[m]);
	for (size_t i = 0; i < type_prop_count(); i++) {
		_cleanup_free_ char *text = type_prop_text(rt, type_prop_at(i));

		ju_set_str(props, type_prop_at(i)->name, text);
	}
	for (size_t i = 0; i < rt->installed_nodes.n; i++)
		ju_push(nodes, json_string(rt->installed_nodes.v[i]));
	for (size_t i = 0; i < rt->pkglist.n; i++)
		ju_push(pkgs, json_string(rt->pkglist.v[i]));
	return ju_pack("{ss,ss,ss,ss,sI,sb,sb,sb,sb,sb,sb,sb,ss,so,so,so,ss,so}", "name", rt->name, "description", rt->description,
		       "version", rt->version, "basedir", rt->basedir, "api_version", (json_int_t)rt->api_version, "failover",
		       rt->failover, "single_instance", rt->single_instance, "system", rt->rt_system, "is_logical_hostname",
		       rt->is_logical_hostname, "is_shared_address", rt->is_shared_address, "proxy", rt->proxy, "global_zone",
		       rt->global_zone, "init_nodes", rt->init_nodes == INIT_RG_PRIMARIES ? "RG_PRIMARIES" : "RT_INSTALLED_NODES",
		       "methods", methods, "installed_nodes", nodes, "pkglist", pkgs, "path", path, "properties",
		       props);
}

json_t *rgm_rt_json(const struct rt *rt, const char *path)
{
	json_t *o = type_config_json(rt, path), *params = json_array(), *group = json_object();

	for (size_t i = 0; i < rt->param_count; i++) {
		const struct rt_param *p = &rt->params[i];
		json_t *param = value_json(p, p->dflt);

		ju_set_bool(param, "has_default", p->has_default);
		ju_push(params, param);
	}
	for (size_t i = 0; i < group_prop_count(); i++)
		ju_set_str(group, group_prop_at(i)->name, group_prop_at(i)->dflt ? group_prop_at(i)->dflt : "");
	ju_set_new(o, "params", params);
	ju_set_new(o, "group", group);
	return o;
}

json_t *rgm_config(const struct rgm *rgm)
{
	json_t *types = json_array(), *groups = json_array();

	for (size_t i = 0; i < rgm->type_count; i++)
		ju_push(types, type_config_json(rgm->types[i].rt, rgm->types[i].path));
	for (size_t i = 0; i < rgm->rg_count; i++)
		ju_push(groups, rg_config_json(rgm, rgm->rgs[i]));
	return ju_pack("{ss,so,so}", "cluster", rgm->cluster_name ? rgm->cluster_name : "", "types", types, "groups", groups);
}

/* ---- one object, for libscha ---- */

/* Generation of the table of a type; 0: no tables (a test). */
static int64_t type_gen(const struct rgm *rgm, const struct rt *rt)
{
	_cleanup_free_ char *table = xasprintf("rgm_rt_%s", rt->name);

	return rgm->ccr ? (int64_t)ccr_table_gen(rgm->ccr, table) : 0;
}

/* The addresses that a resource uses: those it names, and those that it depends on. */
static json_t *network_resources(const struct rgm *rgm, const struct rgm_rs *rs)
{
	static const char *const lists[] = { "Network_resources_used", "Resource_dependencies", "Resource_dependencies_weak",
					     "Resource_dependencies_restart", "Resource_dependencies_offline_restart" };
	_cleanup_(strlist_done) struct strlist found = { 0 };
	json_t *names = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		_cleanup_(strlist_done) struct strlist items = { 0 };
		const char *text = rs_prop(rs, lists[i]);

		strlist_split(&items, text ? text : "", ",");
		for (size_t k = 0; k < items.n; k++) {
			const struct rgm_rs *other;

			items.v[k][strcspn(items.v[k], "{@")] = '\0';
			other = rs_find(rgm, items.v[k]);
			if (strlist_has(&found, items.v[k]) || (i > 0 && !(other && rs_is_address(other))))
				continue;
			strlist_add(&found, items.v[k]);
			ju_push(names, json_string(items.v[k]));
		}
	}
	return names;
}

static unsigned counted(const struct rgm_rs *rs, const int64_t *times, int64_t wall_ms)
{
	const char *interval = rs_prop(rs, "Retry_interval");
	int64_t from = interval && *interval ? wall_ms - strtoll(interval, NULL, 10) * 1000 : 0;
	unsigned n = 0;

	for (size_t i = 0; i < RESTARTS_KEPT; i++)
		if (times[i] > from)
			n++;
	return n;
}

json_t *rgm_resource_json(const struct rgm *rgm, const char *name, const char *group, int64_t wall_ms)
{
	const struct rgm_rs *rs = rs_find(rgm, name);
	json_t *o, *nodes = json_array();

	if (!rs || (group && !streq(rs->rg->name, group))) {
		json_decref(nodes);
		return NULL;
	}
	o = rs_config_json(rgm, rs);
	for (size_t i = 0; i < rs->rg->node_count; i++) {
		uint32_t id = rs->rg->nodelist[i];
		const struct rs_node *on = &rs->on[id];

		ju_push(nodes, ju_pack("{ss,ss,ss,ss,sb,sb,si,si}", "node", rgm_node_name(rgm, id), "state", rs_state_names[on->state],
				       "status", rs_status_names[on->status], "message", on->message ? on->message : "",
				       "enabled", rs_enabled(rs, id), "monitored", rs_monitored(rs, id), "num_resource_restarts", (int)counted(rs, on->restarts, wall_ms), "num_rg_restarts",
				       (int)counted(rs, on->rg_restarts, wall_ms)));
	}
	ju_set_new(o, "nodes", nodes);
	ju_set_new(o, "network_resources", network_resources(rgm, rs));
	ju_set_int(o, "seq", (int64_t)rs->rg->gen);
	ju_set_int(o, "type_seq", type_gen(rgm, rs->rt));
	ju_set_str(o, "self", rgm_node_name(rgm, rgm->self));
	return o;
}

json_t *rgm_group_json(const struct rgm *rgm, const char *name)
{
	const struct rgm_rg *rg = rg_find(rgm, name);
	json_t *o, *status, *names = json_array();

	if (!rg) {
		json_decref(names);
		return NULL;
	}
	o = rg_config_json(rgm, rg);
	status = rg_status_json(rgm, rg);
	for (size_t i = 0; i < rg->rs_count; i++)
		ju_push(names, json_string(rg->rs[i]->name));
	ju_set_new(o, "resources", names);
	ju_set_new(o, "nodes", json_incref(json_object_get(status, "nodes")));
	ju_set_int(o, "seq", (int64_t)rg->gen);
	ju_set_str(o, "self", rgm_node_name(rgm, rgm->self));
	json_decref(status);
	return o;
}

json_t *rgm_type_json(const struct rgm *rgm, const char *name)
{
	const struct rt *rt = type_find(rgm, name);
	json_t *o = NULL, *resources = json_array();

	for (size_t i = 0; rt && i < rgm->type_count; i++)
		if (rgm->types[i].rt == rt)
			o = type_config_json(rt, rgm->types[i].path);
	for (size_t g = 0; o && g < rgm->rg_count; g++)
		for (size_t i = 0; i < rgm->rgs[g]->rs_count; i++)
			if (rgm->rgs[g]->rs[i]->rt == rt)
				ju_push(resources, json_string(rgm->rgs[g]->rs[i]->name));
	if (!o) {
		json_decref(resources);
		return NULL;
	}
	ju_set_new(o, "resources", resources);
	ju_set_int(o, "seq", type_gen(rgm, rt));
	return o;
}

/* The name of a node on the interconnect, as it was configured. */
static const char *private_name(const struct rgm *rgm, uint32_t id)
{
	const json_t *table = rgm->ccr ? ccr_table(rgm->ccr, "infrastructure") : NULL;

	return ju_strf(table, "", "cluster.nodes.%u.properties.private_hostname", id);
}

static json_t *limits_json(const struct rgm *rgm, uint32_t id)
{
	json_t *limits = json_array();

	for (size_t i = 0; i < rgm->node[id].limit_count; i++)
		ju_push(limits, ju_pack("{ss,sI,sI}", "name", rgm->node[id].limits[i].name, "soft",
					(json_int_t)rgm->node[id].limits[i].soft, "hard", (json_int_t)rgm->node[id].limits[i].hard));
	return limits;
}

json_t *rgm_cluster_json(const struct rgm *rgm)
{
	json_t *nodes = json_array(), *groups = json_array(), *types = json_array();

	for (uint32_t id = nodeset_next(rgm->configured, 0); id; id = nodeset_next(rgm->configured, id))
		ju_push(nodes, ju_pack("{ss,sI,ss,ss,so}", "name", rgm_node_name(rgm, id), "id", (json_int_t)id, "state",
				       node_state_names[rgm->node[id].state], "private_name", private_name(rgm, id), "loadlimits",
				       limits_json(rgm, id)));
	for (size_t i = 0; i < rgm->rg_count; i++)
		if (rgm->rgs[i]->managed)
			ju_push(groups, json_string(rgm->rgs[i]->name));
	for (size_t i = 0; i < rgm->type_count; i++)
		ju_push(types, json_string(rgm->types[i].rt->name));
	return ju_pack("{ss,ss,sI,so,so,so}", "name", rgm->cluster_name ? rgm->cluster_name : "", "self",
		       rgm_node_name(rgm, rgm->self), "self_id", (json_int_t)rgm->self, "nodes", nodes, "groups", groups, "types",
		       types);
}
