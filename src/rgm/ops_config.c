/* Requests that change the configuration: types, groups, resources.  Each makes the new content of one CCR table. */
#include "rgm/ops.h"

#include <errno.h>
#include <stdio.h>

/* ---- the table of a group, as the model has it ---- */

/* A node that has left the Nodelist has none of its own when it comes again. */
static void put_switch(json_t *data, const struct rgm_rs *rs, const char *what, struct rs_switch s)
{
	s.on &= rg_nodelist(rs->rg);
	s.off &= rg_nodelist(rs->rg);
	switch_to_table(data, rs->name, what, &s);
}

static json_t *group_table(const struct rgm_rg *rg)
{
	json_t *data = json_object(), *v;
	const char *key;

	ju_set_str(data, "rg.managed", rg->managed ? "TRUE" : "FALSE");
	json_object_foreach(rg->props, key, v)
		ju_set_strf(data, json_string_value(v), "rg.prop.%s", key);
	for (size_t i = 0; i < rg->rs_count; i++) {
		const struct rgm_rs *rs = rg->rs[i];

		ju_set_strf(data, rs->rt->name, "rs.%s.type", rs->name);
		put_switch(data, rs, "enabled", rs->enabled);
		put_switch(data, rs, "monitored", rs->monitored);
		json_object_foreach(rs->props, key, v)
			ju_set_strf(data, json_string_value(v), "rs.%s.prop.%s", rs->name, key);
		json_object_foreach(rs->ext, key, v)
			ju_set_strf(data, json_string_value(v), "rs.%s.ext.%s", rs->name, key);
	}
	return data;
}

void change_group(struct op *op, const struct rgm_rg *rg)
{
	op->table = xasprintf("rgm_rg_%s", rg->name);
	op->data = group_table(rg);
}

bool rgm_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 180 || !((name[0] | 32) >= 'a' && (name[0] | 32) <= 'z'))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

/* ---- types ---- */

/* "n1,n2"; "" means all. */
int need_installed_nodes(const struct rgm *rgm, struct op *op)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };

	strlist_split(&names, ju_str(op->request, "installed_nodes", ""), ",");
	for (size_t i = 0; i < names.n; i++)
		if (!rgm_node_id(rgm, names.v[i]))
			return op_fail(op, SCHA_ERR_NODE, "node %s is not in the configuration", names.v[i]);
	return 0;
}

int start_type_add(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const char *text = ju_str(op->request, "rtr", ""), *asked = ju_str(op->request, "type", "");
	_cleanup_(rt_freep) struct rt *rt = NULL;
	struct err err = { 0 };

	(void)u;
	if (rtr_parse(text, strlen(text), ju_str(op->request, "path", "RTR file"), &rt, NULL, &err) < 0)
		return op_fail(op, SCHA_ERR_INVAL, "%s", err.text);
	if (*asked && !rt_name_matches(rt->name, asked))
		return op_fail(op, SCHA_ERR_INVAL, "%s declares resource type %s, not %s", ju_str(op->request, "path", "RTR file"),
			       rt->name, asked);
	if (need_installed_nodes(rgm, op) < 0)
		return -EINVAL;
	for (size_t i = 0; i < rgm->type_count; i++)
		if (streq(rgm->types[i].rt->name, rt->name))
			return op_fail(op, SCHA_ERR_INVAL, "resource type %s is registered already", rt->name);
	op->table = xasprintf("rgm_rt_%s", rt->name);
	op->data = ju_pack("{ss,ss,ss}", "rtr", text, "path", ju_str(op->request, "path", ""), "installed_nodes",
			   ju_str(op->request, "installed_nodes", ""));
	return 0;
}

static const struct rt *need_type(struct rgm *rgm, struct op *op)
{
	const char *name = ju_str(op->request, "type", "");
	const struct rt *rt = type_find(rgm, name);

	if (!rt)
		op_fail(op, SCHA_ERR_RT, "resource type %s is not registered (or the short name fits several)", name);
	return rt;
}

int start_type_remove(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const struct rt *rt = need_type(rgm, op);

	(void)u;
	if (!rt)
		return -EINVAL;
	for (size_t g = 0; g < rgm->rg_count; g++)
		for (size_t i = 0; i < rgm->rgs[g]->rs_count; i++)
			if (rgm->rgs[g]->rs[i]->rt == rt)
				return op_fail(op, SCHA_ERR_STATE, "resource type %s is in use by resource %s", rt->name,
					       rgm->rgs[g]->rs[i]->name);
	if (rt->rt_system)
		return op_fail(op, SCHA_ERR_STATE, "resource type %s is a system type (RT_system is TRUE)", rt->name);
	op->table = xasprintf("rgm_rt_%s", rt->name);
	op->data = json_null();
	return 0;
}

static const char *type_path(const struct rgm *rgm, const struct rt *rt)
{
	for (size_t i = 0; i < rgm->type_count; i++)
		if (rgm->types[i].rt == rt)
			return rgm->types[i].path;
	return "";
}

int start_type_change(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const struct rt *rt = need_type(rgm, op);
	_cleanup_free_ char *rtr = NULL, *nodes = NULL;

	(void)u;
	if (!rt || need_installed_nodes(rgm, op) < 0)
		return -EINVAL;
	rtr = op_type_text(op, rt);
	if (!rtr)
		return -EINVAL;
	nodes = strlist_join(&rt->installed_nodes, ",");
	op->table = xasprintf("rgm_rt_%s", rt->name);
	op->data = ju_pack("{ss,ss,ss}", "rtr", rtr, "path", type_path(rgm, rt), "installed_nodes",
			   ju_str(op->request, "installed_nodes", nodes));
	return 0;
}

/* ---- groups ---- */

/* Known to the table, but nothing acts on them yet: a value that would ask for it is refused. */
static bool group_prop_works(const char *name, const char *value)
{
	static const char *const later[] = { "RG_slm_type" };

	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (strieq(name, later[i]))
			return !*value || strieq(value, "manual");
	return true;
}

int set_group_prop(struct rgm *rgm, struct op *op, json_t *data, const char *name, const char *value)
{
	const struct prop_info *info = group_prop_find(name);
	_cleanup_free_ char *canonical = NULL;
	struct err err = { 0 };

	if (!info)
		return op_fail(op, SCHA_ERR_PROP, "resource groups have no property %s", name);
	if (info->query_only)
		return op_fail(op, SCHA_ERR_PROP, "property %s is set by the cluster itself", info->name);
	if (prop_check(info, value, &canonical, &err) < 0)
		return op_fail(op, SCHA_ERR_INVAL, "%s", err.text);
	if (!group_prop_works(info->name, canonical))
		return op_fail(op, SCHA_ERR_PROP, "property %s: the value %s is not supported by this version yet", info->name,
			       canonical);
	if (strieq(name, "Nodelist")) {
		struct strlist nodes = { 0 };
		const char *bad = NULL;

		strlist_split(&nodes, canonical, ",");
		for (size_t i = 0; i < nodes.n && !bad; i++)
			if (!rgm_node_id(rgm, nodes.v[i]))
				bad = nodes.v[i];
		if (bad)
			op_fail(op, SCHA_ERR_NODE, "node %s is not in the configuration", bad);
		strlist_done(&nodes);
		if (bad)
			return -EINVAL;
	}
	ju_set_strf(data, canonical, "rg.prop.%s", info->name);
	return 0;
}

static int set_group_props(struct rgm *rgm, struct op *op, json_t *data)
{
	const char *name;
	json_t *v;

	json_object_foreach(ju_obj(op->request, "props"), name, v)
		if (!json_is_string(v) || set_group_prop(rgm, op, data, name, json_string_value(v)) < 0)
			return op->phase == OP_DONE ? -EINVAL : op_fail(op, SCHA_ERR_INVAL, "property %s: no text", name);
	return 0;
}

int start_group_add(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const char *name = ju_str(op->request, "rg", "");

	(void)u;
	if (!rgm_name_ok(name))
		return op_fail(op, SCHA_ERR_INVAL, "\"%s\" is no name for a resource group: a letter, then letters, digits, - and _",
			       name);
	if (rg_find(rgm, name))
		return op_fail(op, SCHA_ERR_RG, "resource group %s exists already", name);
	op->table = xasprintf("rgm_rg_%s", name);
	op->data = ju_pack("{ss}", "rg.managed", "FALSE");
	if (set_group_props(rgm, op, op->data) < 0)
		return -EINVAL;
	/* What follows from the number now must not follow from another number later. */
	if (strtoll(ju_str(op->data, "rg.prop.Maximum_primaries", "1"), NULL, 10) > 1 && !json_object_get(op->data, "rg.prop.RG_mode"))
		ju_set_str(op->data, "rg.prop.RG_mode", "SCALABLE");
	return check_graph(rgm, op, name, true);
}

bool runs_outside(const struct rgm *rgm, const struct rgm_rg *rg, const char *nodelist)
{
	struct strlist nodes = { 0 };
	nodeset set = 0;

	strlist_split(&nodes, nodelist, ",");
	for (size_t i = 0; i < nodes.n; i++) {
		uint32_t id = rgm_node_id(rgm, nodes.v[i]);

		if (id)
			set |= node_bit(id);
	}
	strlist_done(&nodes);
	return set && (rg_nodes_in(rg, ~IN(RG_OFFLINE)) & ~set);
}

/* A change of the group is shown to the Validate method of each resource, and afterwards to Update where that is online. */
static void tell_resources(struct op *op, const struct rgm_rg *rg)
{
	json_t *args = json_array(), *m;
	const char *name;
	json_t *v;

	json_object_foreach(ju_obj(op->request, "props"), name, v) {
		const struct prop_info *info = group_prop_find(name);
		_cleanup_free_ char *key = xasprintf("rg.prop.%s", info->name);

		add_validate_arg(args, "-g", info->name, ju_str(op->data, key, ""));
	}
	for (size_t i = 0; json_array_size(args) && i < rg->rs_count; i++) {
		const struct rgm_rs *rs = rg->rs[i];

		if (rs->rt->methods[METHOD_VALIDATE]) {
			m = run_message(op, "Validate", rs->name, rs->rt->name, rg->name, rs_method_timeout(rs, METHOD_VALIDATE));
			ju_set_str(m, "mode", "-u");
			ju_set_new(m, "args", json_incref(args));
			ju_set_new(m, "nodes", nodeset_to_json(rs_init_nodes(rg, rs->rt)));
			u_push(&op->more_validate, m);
		}
		if (rs->rt->methods[METHOD_UPDATE]) {
			m = run_message(op, "Update", rs->name, rs->rt->name, rg->name, rs_method_timeout(rs, METHOD_UPDATE));
			ju_set_new(m, "nodes", nodeset_to_json(rg_nodes_in(rg, RG_MASK_ONLINE)));
			u_push(&op->more_update, m);
		}
	}
	json_decref(args);
}

static bool only_system_prop(const struct op *op)
{
	const char *name;
	json_t *v;

	json_object_foreach(ju_obj(op->request, "props"), name, v)
		if (!strieq(name, "RG_system"))
			return false;
	return true;
}

int start_group_change(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg || need_steady(rgm, op, rg) < 0)
		return -EINVAL;
	if (!only_system_prop(op) && need_not_system(op, rg) < 0)
		return -EINVAL;
	change_group(op, rg);
	if (set_group_props(rgm, op, op->data) < 0 || check_graph(rgm, op, rg->name, true) < 0)
		return -EINVAL;
	if (runs_outside(rgm, rg, ju_str(op->data, "rg.prop.Nodelist", "")))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is online on a node that the new Nodelist leaves out: switch "
			       "it away first", rg->name);
	tell_resources(op, rg);
	return 0;
}

int start_group_remove(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg || need_not_system(op, rg) < 0)
		return -EINVAL;
	if (rg->rs_count)
		return op_fail(op, SCHA_ERR_STATE, "resource group %s still has resource %s: remove its resources first", rg->name,
			       rg->rs[0]->name);
	if (rg->linked_by_count)
		return op_fail(op, SCHA_ERR_DEPEND, "resource group %s names %s in its RG_dependencies or RG_affinities",
			       rg->linked_by[0]->name, rg->name);
	if (rg->managed || rg_nodes_in(rg, ~IN(RG_OFFLINE)))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is managed: take it offline and unmanage it first "
			       "(scswitch -F -g %s; scswitch -u -g %s)", rg->name, rg->name, rg->name);
	op->table = xasprintf("rgm_rg_%s", rg->name);
	op->data = json_null();
	op->rg[0] = '\0';
	return 0;
}

int start_group_manage(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg)
		return -EINVAL;
	if (rg->managed)
		return 0;
	change_group(op, rg);
	ju_set_str(op->data, "rg.managed", "TRUE");
	return 0;
}

int start_group_unmanage(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg || need_steady(rgm, op, rg) < 0 || need_not_system(op, rg) < 0)
		return -EINVAL;
	if (!rg->managed)
		return 0;
	for (size_t i = 0; i < rg->rs_count; i++)
		if (switch_nodes(rg->rs[i], &rg->rs[i]->enabled))
			return op_fail(op, SCHA_ERR_STATE, "resource %s is enabled: disable the resources of group %s first "
				       "(scswitch -n -j %s)", rg->rs[i]->name, rg->name, rg->rs[i]->name);
	if (rg_nodes_in(rg, ~IN(RG_OFFLINE)))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is not offline everywhere: scswitch -F -g %s first", rg->name,
			       rg->name);
	for (size_t i = 0; i < rg->linked_by_count; i++)
		if (rg->linked_by[i]->managed && rg_has_link(rg->linked_by[i], rg, IN(LINK_DEPENDENCY)))
			return op_fail(op, SCHA_ERR_DEPEND, "resource group %s is managed and depends on %s: unmanage it first",
				       rg->linked_by[i]->name, rg->name);
	change_group(op, rg);
	ju_set_str(op->data, "rg.managed", "FALSE");
	return 0;
}

/* scswitch -Z: managed, everything enabled and monitored, online. */
int start_group_bring(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg || need_steady(rgm, op, rg) < 0)
		return -EINVAL;
	change_group(op, rg);
	ju_set_str(op->data, "rg.managed", "TRUE");
	for (size_t i = 0; i < rg->rs_count; i++) {
		switch_to_table(op->data, rg->rs[i]->name, "enabled", &(struct rs_switch) { .all = true });
		switch_to_table(op->data, rg->rs[i]->name, "monitored", &(struct rs_switch) { .all = true });
	}
	return 0;
}

/* ---- resources ---- */

/* The new content as a whole: who depends on what, in all groups. */
int check_graph(struct rgm *rgm, struct op *op, const char *rg, bool complete)
{
	struct err err = { 0 };
	int r = graph_check(rgm, rg, op->data, complete, &err);

	return r < 0 ? op_fail(op, r == -EDOM ? SCHA_ERR_INVAL : SCHA_ERR_DEPEND, "%s", err.text) : 0;
}

/* May the property be set now?  creating: at creation everything but NONE. */
static int check_tunable(struct op *op, const struct rt_param *p, const struct rgm_rs *existing)
{
	if (p->tunable == TUNE_NONE)
		return op_fail(op, SCHA_ERR_PROP, "property %s cannot be set (TUNABLE is NONE)", p->name);
	if (existing && p->tunable == TUNE_AT_CREATION)
		return op_fail(op, SCHA_ERR_PROP, "property %s can be set only when the resource is created", p->name);
	if (existing && p->tunable == TUNE_WHEN_DISABLED && switch_nodes(existing, &existing->enabled))
		return op_fail(op, SCHA_ERR_PROP, "property %s can be set only while the resource is disabled: scswitch -n -j %s",
			       p->name, existing->name);
	return 0;
}

/* One property of a resource of type rt, which exists already or (NULL) is being made. */
int check_resource_prop(struct op *op, const struct rt *rt, const struct rgm_rs *existing, const char *rs, bool extension,
			const char *name, const char *value, char **ret_canonical)
{
	const struct rt_param *p = rt_param_find(rt, name);
	_cleanup_free_ char *canonical = NULL;
	struct err err = { 0 };

	if (!p || p->extension != extension)
		return op_fail(op, SCHA_ERR_PROP, "resource type %s has no %sproperty %s", rt->name, extension ? "extension " : "",
			       name);
	if (check_tunable(op, p, existing) < 0)
		return -EINVAL;
	if (!value || rt_param_check(p, value, &canonical, &err) < 0)
		return op_fail(op, SCHA_ERR_INVAL, "resource %s: %s", rs, value ? err.text : "a value is no text");
	*ret_canonical = TAKE_PTR(canonical);
	return 0;
}

void add_validate_arg(json_t *args, const char *option, const char *name, const char *value)
{
	_cleanup_free_ char *pair = xasprintf("%s=%s", name, value);

	ju_push(args, json_string(option));
	ju_push(args, json_string(pair));
}

static int set_resource_props(struct rgm *rgm, struct op *op, const struct rt *rt, const struct rgm_rg *rg, const char *rs,
			      const struct rgm_rs *existing, json_t *args)
{
	static const char *const sets[] = { "props", "ext" };
	const char *name;
	json_t *v;

	for (size_t s = 0; s < ARRAY_SIZE(sets); s++) {
		json_object_foreach(ju_obj(op->request, sets[s]), name, v) {
			_cleanup_free_ char *canonical = NULL;
			const struct rt_param *p;

			if (s == 0 && strieq(name, "Type_version"))
				continue;       /* op_upgrade() */
			/* One that is new in another version of the type is set as at creation. */
			if (check_resource_prop(op, rt, existing && rt_param_find(existing->rt, name) ? existing : NULL, rs, s == 1, name,
						json_string_value(v), &canonical) < 0)
				return -EINVAL;
			p = rt_param_find(rt, name);
			if (op_store_prop(rgm, op, p, rs, name, canonical, args) < 0)
				return -EINVAL;
		}
	}
	return check_graph(rgm, op, rg->name, true);
}

static bool given(const struct op *op, const char *set, const char *name)
{
	const char *key;
	json_t *v;

	json_object_foreach(ju_obj(op->request, set), key, v)
		if (strieq(key, name))
			return true;
	return false;
}

/* At creation Validate sees every property, and those of the group. */
static int complete_validate_args(struct op *op, const struct rt *rt, const struct rgm_rg *rg, const char *rs, json_t *args)
{
	for (size_t i = 0; i < rt->param_count; i++) {
		const struct rt_param *p = &rt->params[i];

		if (given(op, p->extension ? "ext" : "props", p->name))
			continue;
		if (!p->has_default && p->tunable != TUNE_NONE && p->extension)
			return op_fail(op, SCHA_ERR_PROP, "resource %s: extension property %s has no default and must be given "
				       "(-x %s=VALUE)", rs, p->name, p->name);
		_cleanup_free_ char *pair = xasprintf("%s=%s", p->name, p->has_default ? p->dflt : "");

		ju_push(args, json_string(p->extension ? "-x" : "-r"));
		ju_push(args, json_string(pair));
	}
	for (size_t i = 0; i < group_prop_count(); i++) {
		const struct prop_info *info = group_prop_at(i);
		_cleanup_free_ char *pair = xasprintf("%s=%s", info->name, rg_prop(rg, info->name));

		if (info->query_only)
			continue;
		ju_push(args, json_string("-g"));
		ju_push(args, json_string(pair));
	}
	return 0;
}

json_t *run_message(const struct op *op, const char *method, const char *rs, const char *type, const char *rg,
			   int64_t timeout)
{
	return ju_pack("{ss,si,ss,ss,ss,ss,ss,sI}", "t", "rgm.run", "v", 1, "id", op->id, "method", method, "rs", rs, "type",
		       type, "rg", rg, "timeout", (json_int_t)timeout);
}

static int64_t default_timeout(const struct rt *rt, const char *name)
{
	const struct rt_param *p = rt_param_find(rt, name);

	return p && p->has_default ? strtoll(p->dflt, NULL, 10) : 3600;
}

int start_resource_add(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const char *name = ju_str(op->request, "rs", "");
	struct rgm_rg *rg = need_rg(rgm, op);
	const struct rt *rt = rg ? need_type(rgm, op) : NULL;
	json_t *args;
	int r;

	(void)u;
	if (!rt)
		return -EINVAL;
	if (!rgm_name_ok(name))
		return op_fail(op, SCHA_ERR_INVAL, "\"%s\" is no name for a resource: a letter, then letters, digits, - and _", name);
	if (rs_find(rgm, name))
		return op_fail(op, SCHA_ERR_RSRC, "resource %s exists already, in group %s", name, rs_find(rgm, name)->rg->name);
	for (size_t g = 0; rt->single_instance && g < rgm->rg_count; g++)
		for (size_t i = 0; i < rgm->rgs[g]->rs_count; i++)
			if (rgm->rgs[g]->rs[i]->rt == rt)
				return op_fail(op, SCHA_ERR_STATE, "resource type %s allows one resource only, and %s exists", rt->name,
					       rgm->rgs[g]->rs[i]->name);
	if (need_steady(rgm, op, rg) < 0)
		return -EINVAL;
	change_group(op, rg);
	ju_set_strf(op->data, rt->name, "rs.%s.type", name);
	ju_set_strf(op->data, ju_bool(op->request, "enabled", false) ? "TRUE" : "FALSE", "rs.%s.enabled", name);
	ju_set_strf(op->data, "TRUE", "rs.%s.monitored", name);
	args = json_array();
	r = op_sort_props(rgm, op, rt);
	if (r == 0)
		r = op_check_version(op, rt);
	if (r == 0)
		r = set_resource_props(rgm, op, rt, rg, name, NULL, args);
	if (r == 0)
		r = complete_validate_args(op, rt, rg, name, args);
	if (r == 0 && rt->methods[METHOD_VALIDATE]) {
		op->validate = run_message(op, "Validate", name, rt->name, rg->name, default_timeout(rt, "Validate_timeout"));
		ju_set_str(op->validate, "mode", "-c");
		ju_set_new(op->validate, "nodes", nodeset_to_json(rs_init_nodes(rg, rt)));
		ju_set_new(op->validate, "args", json_incref(args));
	}
	json_decref(args);
	return r;
}

int start_resource_change(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rs *rs = need_rs(rgm, op);
	const struct rt *rt;
	json_t *args;
	int r;

	(void)u;
	if (!rs || need_steady(rgm, op, rs->rg) < 0 || need_not_system(op, rs->rg) < 0 || op_sort_props(rgm, op, rs->rt) < 0)
		return -EINVAL;
	change_group(op, rs->rg);
	args = json_array();
	rt = op_upgrade(rgm, op, rs, args);
	r = rt ? set_resource_props(rgm, op, rt, rs->rg, rs->name, rs, args) : -EINVAL;
	if (r == 0 && rt->methods[METHOD_VALIDATE]) {
		op->validate = run_message(op, "Validate", rs->name, rt->name, rs->rg->name,
					   rs_method_timeout(rs, METHOD_VALIDATE));
		ju_set_str(op->validate, "mode", "-u");
		ju_set_new(op->validate, "nodes", nodeset_to_json(rs_init_nodes(rs->rg, rt)));
		ju_set_new(op->validate, "args", json_incref(args));
	}
	if (r == 0 && rt->methods[METHOD_UPDATE])
		op->update = run_message(op, "Update", rs->name, rt->name, rs->rg->name, rs_method_timeout(rs, METHOD_UPDATE));
	json_decref(args);
	return r;
}

/* As declared, on whatever node. */
static enum dep_kind kind_of(const struct rgm_rs *user, const struct rgm_rs *rs)
{
	for (size_t i = 0; i < user->dep_count; i++)
		if (user->deps[i].target == rs)
			return user->deps[i].kind;
	return DEP_NONE;
}

static const struct rgm_rs *find_user(struct rgm *rgm, const struct rgm_rs *rs)
{
	deps_index(rgm);
	for (size_t g = 0; g < rgm->rg_count; g++)
		for (size_t i = 0; i < rgm->rgs[g]->rs_count; i++)
			if (kind_of(rgm->rgs[g]->rs[i], rs) != DEP_NONE)
				return rgm->rgs[g]->rs[i];
	return NULL;
}

/* Before it is gone every node must have carried out the table in which it is disabled, or its methods would run for nobody. */
bool is_carried_out(const struct rgm *rgm, const struct rgm_rg *rg)
{
	nodeset up = rgm_up_nodes(rgm);

	for (uint32_t id = nodeset_next(up, 0); id; id = nodeset_next(up, id))
		if (rg->on[id].state != RG_OFFLINE && rg->on[id].settled < rg->gen)
			return false;
	return true;
}

/* 0: on no node. */
static uint32_t where_not_offline(const struct rgm *rgm, const struct rgm_rs *rs)
{
	nodeset nodes = rgm_up_nodes(rgm);

	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
		if (rs->on[id].state != RS_OFFLINE)
			return id;
	return 0;
}

int start_resource_remove(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rs *rs = need_rs(rgm, op);
	_cleanup_free_ char *prefix = NULL;
	const struct rgm_rs *user;
	const char *key;
	uint32_t up;
	void *tmp;
	json_t *v;

	(void)u;
	if (!rs || need_not_system(op, rs->rg) < 0)
		return -EINVAL;
	if (switch_nodes(rs, &rs->enabled))
		return op_fail(op, SCHA_ERR_STATE, "resource %s is enabled: disable it first (scswitch -n -j %s)", rs->name, rs->name);
	if (!is_carried_out(rgm, rs->rg))
		return OP_LATER;
	up = where_not_offline(rgm, rs);
	if (up)
		return op_fail(op, SCHA_ERR_STATE, "resource %s is %s on %s", rs->name, rs_state_names[rs->on[up].state],
			       rgm_node_name(rgm, up));
	user = find_user(rgm, rs);
	if (user)
		return op_fail(op, SCHA_ERR_DEPEND, "resource %s depends on %s", user->name, rs->name);
	change_group(op, rs->rg);
	prefix = xasprintf("rs.%s.", rs->name);
	json_object_foreach_safe(op->data, tmp, key, v)
		if (strncmp(key, prefix, strlen(prefix)) == 0)
			json_object_del(op->data, key);
	return 0;
}

static bool in_request(const struct op *op, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(op->request, "names"), i, v)
		if (json_is_string(v) && streq(json_string_value(v), name))
			return true;
	return false;
}

/* "names" on "nodes" to a new value. */
struct switching { struct op *op; const char *what; nodeset nodes /* 0: all */; bool value; };

/* Is it enabled there once that is done? */
static bool enabled_then(const struct switching *to, const struct rgm_rs *rs, uint32_t node)
{
	return in_request(to->op, rs->name) && (!to->nodes || nodeset_has(to->nodes, node)) ? to->value : rs_enabled(rs, node);
}

/* Is any instance of the target enabled that counts for the one of rs on that node? */
static bool target_then(const struct switching *to, const struct rgm_rs *rs, const struct rs_dep *dep, uint32_t node)
{
	nodeset nodes = dep_scope(rs, dep, node);

	if (nodes != node_bit(node))
		nodes &= rg_nodelist(dep->target->rg);
	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
		if (enabled_then(to, dep->target, id))
			return true;
	return nodes == 0;              /* not there */
}

static int check_needs(const struct rgm *rgm, const struct switching *to, const struct rgm_rs *rs, uint32_t node)
{
	for (size_t i = 0; i < rs->dep_count; i++) {
		const struct rgm_rs *target = rs->deps[i].target;

		if (!target || rs->deps[i].kind < DEP_STRONG || target_then(to, rs, &rs->deps[i], node))
			continue;
		if (switch_nodes(target, &target->enabled))
			return op_fail(to->op, SCHA_ERR_DEPEND, "resource %s depends on %s, which is disabled on %s", rs->name, target->name,
				       rgm_node_name(rgm, node));
		return op_fail(to->op, SCHA_ERR_DEPEND, "resource %s depends on %s, which is disabled", rs->name, target->name);
	}
	return 0;
}

static int check_users(const struct rgm *rgm, const struct switching *to, const struct rgm_rs *rs, const struct rgm_rs *user,
		       uint32_t node)
{
	for (size_t i = 0; i < user->dep_count; i++) {
		const struct rs_dep *dep = &user->deps[i];

		if (dep->target != rs || (dep->kind != DEP_STRONG && dep->kind != DEP_RESTART) || target_then(to, user, dep, node) ||
		    (to->nodes && !(dep_scope(user, dep, node) & to->nodes)))
			continue;
		if (to->nodes)
			return op_fail(to->op, SCHA_ERR_DEPEND, "resource %s is enabled on %s and depends on %s: disable it there, too",
				       user->name, rgm_node_name(rgm, node), rs->name);
		return op_fail(to->op, SCHA_ERR_DEPEND, "resource %s is enabled and depends on %s: disable it, too", user->name, rs->name);
	}
	return 0;
}

/* What is enabled needs what it depends on; only an offline-restart dependency may take it offline. */
static int check_switchable(struct rgm *rgm, const struct switching *to, const struct rgm_rs *rs)
{
	nodeset nodes = to->nodes ? to->nodes : rg_nodelist(rs->rg);

	deps_index(rgm);
	for (uint32_t id = nodeset_next(nodes, 0); to->value && id; id = nodeset_next(nodes, id))
		if (check_needs(rgm, to, rs, id) < 0)
			return -EINVAL;
	for (size_t g = 0; !to->value && g < rgm->rg_count; g++)
		for (size_t i = 0; i < rgm->rgs[g]->rs_count; i++) {
			const struct rgm_rs *user = rgm->rgs[g]->rs[i];

			if (kind_of(user, rs) == DEP_NONE)
				continue;
			nodes = rg_nodelist(user->rg);
			for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
				if (enabled_then(to, user, id) && check_users(rgm, to, rs, user, id) < 0)
					return -EINVAL;
		}
	return 0;
}

static int switch_one(struct rgm *rgm, struct switching *to, struct rgm_rs *rs)
{
	bool enabled = streq(to->what, "enabled");
	struct rs_switch after;

	if (need_steady(rgm, to->op, rs->rg) < 0 || (!to->value && need_not_system(to->op, rs->rg) < 0) ||
	    parse_nodes(rgm, to->op, rs->rg, &to->nodes) < 0 || (enabled && check_switchable(rgm, to, rs) < 0))
		return -EINVAL;
	if (!to->op->data)
		change_group(to->op, rs->rg);
	after = switch_changed(rs, enabled ? &rs->enabled : &rs->monitored, to->nodes, to->value);
	switch_to_table(to->op->data, rs->name, to->what, &after);
	return 0;
}

static int switch_resources(struct rgm *rgm, struct op *op, bool value)
{
	struct switching to = { .op = op, .what = ju_bool(op->request, "monitor", false) ? "monitored" : "enabled", .value = value };
	const struct rgm_rg *rg = NULL;
	json_t *v;
	size_t i;

	if (json_object_get(op->request, "nodes") && !json_array_size(ju_arr(op->request, "nodes")))
		return op_fail(op, SCHA_ERR_INVAL, "the list of nodes is empty");
	json_array_foreach(ju_arr(op->request, "names"), i, v) {
		struct rgm_rs *rs = need_rs_named(rgm, op, json_string_value(v) ? json_string_value(v) : "");

		if (!rs)
			return -EINVAL;
		if (rg && rs->rg != rg)
			return op_fail(op, SCHA_ERR_INVAL, "one request changes resources of one group only");
		if (switch_one(rgm, &to, rs) < 0)
			return -EINVAL;
		rg = rs->rg;
	}
	return rg ? 0 : op_fail(op, SCHA_ERR_INVAL, "no resource named");
}

int start_resource_enable(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	(void)u;
	return switch_resources(rgm, op, true);
}

int start_resource_disable(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	(void)u;
	return switch_resources(rgm, op, false);
}
