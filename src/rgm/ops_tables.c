/* table_change: the whole new content of one table, from "cluster apply" and "cluster undo".  It may do nothing that the
 * requests made for it would refuse: what is different is looked at piece by piece with their own checks (ops_config.c).
 * The table must still be of the generation `base` that the new content was made from; 0: there must be none.
 *
 *   request   {"op":"table_change","table":T,"base":G,"data":{..}|null}
 *             "check":true     only look whether it would be accepted, Validate methods included
 *             "types":{name: RTR text}, "groups":[names]    with check: tables of the same file, of types that are still
 *                              to be registered and of groups that change, too
 */
#include "rgm/ops.h"

#include <errno.h>
#include <stdio.h>

#include "ccr/ccr.h"
#include "ccr/schema.h"

#define TABLE_RT "rgm_rt_"
#define TABLE_RG "rgm_rg_"

struct change {
	struct rgm *rgm;
	struct op  *op;
	const char *table, *name;       /* name: what is behind the prefix */
	const json_t *before, *after;   /* NULL: no such table */
	struct rt  *made[8];            /* types that the same file brings; freed at the end */
	size_t      made_count;
};

static bool checking(const struct op *op)
{
	return ju_bool(op->request, "check", false);
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	const char *x = ju_str(a, key, NULL), *y = ju_str(b, key, NULL);

	return x && y ? streq(x, y) : x == y;
}

static void put_rs(json_t *data, const char *value, const char *rs, const char *rest)
{
	_cleanup_free_ char *key = xasprintf("rs.%s.%s", rs, rest);

	ju_set_str(data, key, value);
}

/* ---- the infrastructure: some of it belongs to commands that do more than write it ---- */

static const struct guard { const char *pattern, *why; } guards[] = {
	{ "cluster.nodes.<id>.name",                   "nodes are added and removed with clnode" },
	{ "cluster.nodes.<id>.properties.quorum_vote", "votes change one at a time and only while the quorum holds: use clquorum" },
	{ "cluster.quorum_devices.<n>.name",           "quorum devices are added and removed with clquorum, disks with cldevice" },
	{ "cluster.quorum_devices.<n>.state",          "quorum devices are changed with clquorum, disks with cldevice" },
	{ "cluster.quorum_devices.<n>.properties.<property>", "quorum devices are changed with clquorum, disks with cldevice" },
	{ "cluster.properties.global_fencing",         "keys come on the disks, or go from them, with it: use cluster set" },
	{ "cluster.properties.takeover_time",          "all nodes must have the same timers at any moment: use cluster set" },
};

static int check_guards(struct change *c, const json_t *keys)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)keys, key, v) {
		if (same(c->before, c->after, key))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(guards); i++)
			if (schema_key_fits(guards[i].pattern, key))
				return op_fail(c->op, SCHA_ERR_INVAL, "table %s: %s is not changed this way: %s", c->table, key,
					       guards[i].why);
	}
	return 0;
}

static int change_infrastructure(struct change *c)
{
	if (!c->after)
		return op_fail(c->op, SCHA_ERR_INVAL, "the infrastructure table cannot be removed: it is the cluster");
	if (check_guards(c, c->before) < 0 || check_guards(c, c->after) < 0)
		return -EINVAL;
	c->op->data = json_deep_copy(c->after);
	return 0;
}

/* ---- types: as if the request made for it had come ---- */

static int change_type(struct change *c)
{
	struct op *op = c->op;
	struct rgm_update none = { 0 };

	ju_set_str(op->request, "type", c->name);
	if (!c->after && !(checking(op) && json_array_size(ju_arr(op->request, "groups"))))
		return start_type_remove(c->rgm, op, &none);
	if (!c->after)
		return 0;               /* whether it is still in use shows when the groups have changed */
	if (c->before && (!same(c->before, c->after, "rtr") || !same(c->before, c->after, "path")))
		return op_fail(op, SCHA_ERR_INVAL, "resource type %s: its registration does not change in place: remove the type and "
			       "register it again (scrgadm -r -t %s, scrgadm -a -t %s)", c->name, c->name, c->name);
	ju_set_str(op->request, "installed_nodes", ju_str(c->after, "installed_nodes", ""));
	if (c->before) {
		if (need_installed_nodes(c->rgm, op) < 0)
			return -EINVAL;
		op->table = xstrdup(c->table);
		op->data = json_deep_copy(c->after);
		return 0;
	}
	ju_set_str(op->request, "rtr", ju_str(c->after, "rtr", ""));
	ju_set_str(op->request, "path", ju_str(c->after, "path", ""));
	if (start_type_add(c->rgm, op, &none) < 0)
		return -EINVAL;
	if (!streq(op->table, c->table))
		return op_fail(op, SCHA_ERR_INVAL, "table %s registers another resource type (%s)", c->table,
			       op->table + strlen(TABLE_RT));
	return 0;
}

static const struct rt *find_type(struct change *c, const char *name)
{
	const struct rt *rt = type_find(c->rgm, name);
	const char *text = ju_str(ju_obj(c->op->request, "types"), name, NULL);

	if (rt || !text)
		return rt;
	for (size_t i = 0; i < c->made_count; i++)
		if (streq(c->made[i]->name, name))
			return c->made[i];
	if (c->made_count == ARRAY_SIZE(c->made) || rtr_parse(text, strlen(text), name, &c->made[c->made_count], NULL, NULL) < 0)
		return NULL;            /* more new types than that in one group are looked at when they are registered */
	return c->made[c->made_count++];
}

/* ---- groups ---- */

/* "rs.NAME.rest": the name and the rest; false when the key is another. */
static bool rs_key(const char *key, char name[256], const char **ret_rest)
{
	size_t n;

	if (strncmp(key, "rs.", 3) != 0)
		return false;
	n = strcspn(key + 3, ".");
	if (n == 0 || n > 255 || !key[3 + n])
		return false;
	memcpy(name, key + 3, n);
	name[n] = '\0';
	*ret_rest = key + 3 + n + 1;
	return true;
}

static const char *rs_value(const json_t *data, const char *rs, const char *rest)
{
	_cleanup_free_ char *key = xasprintf("rs.%s.%s", rs, rest);

	return ju_str(data, key, NULL);
}

static bool is_true(const char *value)
{
	return value && streq(value, "TRUE");
}

/* Every property of the group that is different, by the check of scrgadm -c -g. */
static int change_group_props(struct change *c)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)c->after, key, v) {
		if (strncmp(key, "rg.prop.", 8) != 0)
			continue;
		if (same(c->before, c->after, key))
			ju_set_new(c->op->data, key, json_incref(v));
		else if (set_group_prop(c->rgm, c->op, c->op->data, key + 8, json_string_value(v)) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Where methods of the group run: its new Nodelist. */
static nodeset nodes_of(const struct change *c)
{
	struct strlist names = { 0 };
	nodeset set = 0;

	strlist_split(&names, ju_str(c->op->data, "rg.prop.Nodelist", ""), ",");
	for (size_t i = 0; i < names.n; i++) {
		uint32_t id = rgm_node_id(c->rgm, names.v[i]);

		if (id)
			set |= node_bit(id);
	}
	if (!names.n)
		set = rgm_up_nodes(c->rgm);
	strlist_done(&names);
	return set;
}

static int64_t timeout_of(const struct change *c, const struct rt *rt, const char *rs, const char *method)
{
	_cleanup_free_ char *name = xasprintf("%s_timeout", method), *rest = xasprintf("prop.%s", name);
	const struct rt_param *p = rt_param_find(rt, name);
	const char *v = rs_value(c->op->data, rs, rest);

	if (!v && p && p->has_default)
		v = p->dflt;
	return v && *v ? strtoll(v, NULL, 10) : 3600;
}

static void add_run(struct change *c, json_t **list, const struct rt *rt, const char *rs, const char *method, const char *mode,
		    json_t *args)
{
	json_t *m = run_message(c->op, method, rs, rt->name, c->name, timeout_of(c, rt, rs, method));

	ju_set_new(m, "nodes", nodeset_to_json(nodes_of(c)));
	if (mode)
		ju_set_str(m, "mode", mode);
	if (args)
		ju_set_new(m, "args", json_incref(args));
	u_push(list, m);
}

/* At creation Validate sees every property, and those of the group. */
static int add_defaults(struct change *c, const struct rt *rt, const char *rs, json_t *args)
{
	for (size_t i = 0; i < rt->param_count; i++) {
		const struct rt_param *p = &rt->params[i];
		_cleanup_free_ char *rest = xasprintf("%s.%s", p->extension ? "ext" : "prop", p->name);

		if (rs_value(c->op->data, rs, rest))
			continue;
		if (!p->has_default && p->tunable != TUNE_NONE && p->extension)
			return op_fail(c->op, SCHA_ERR_PROP, "resource %s: extension property %s has no default and must be given", rs,
				       p->name);
		add_validate_arg(args, p->extension ? "-x" : "-r", p->name, p->has_default ? p->dflt : "");
	}
	for (size_t i = 0; i < group_prop_count(); i++) {
		const struct prop_info *info = group_prop_at(i);
		_cleanup_free_ char *key = xasprintf("rg.prop.%s", info->name);

		if (!info->query_only)
			add_validate_arg(args, "-g", info->name, ju_str(c->op->data, key, info->dflt ? info->dflt : ""));
	}
	return 0;
}

static int change_rs_property(struct change *c, const struct rt *rt, const struct rgm_rs *existing, const char *rs,
			      const char *rest, const char *value, json_t *args)
{
	bool extension = strncmp(rest, "ext.", 4) == 0;
	const char *name = strchr(rest, '.') + 1;
	_cleanup_free_ char *canonical = NULL;
	const struct rt_param *p;

	if (check_resource_prop(c->op, rt, existing, rs, extension, name, value, &canonical) < 0)
		return -EINVAL;
	p = rt_param_find(rt, name);
	return op_store_prop(c->rgm, c->op, p, rs, name, canonical, args);
}

/* A property that is left out has its default again: Validate hears of that, too. */
static int drop_rs_property(struct change *c, const struct rt *rt, const struct rgm_rs *existing, const char *rest,
			    json_t *args)
{
	const struct rt_param *p = rt_param_find(rt, strchr(rest, '.') + 1);
	_cleanup_free_ char *canonical = NULL;

	if (!p || strchr(rest, '{'))            /* of one node: then the value for all holds there, which Validate has seen */
		return 0;
	if (!p->has_default && p->extension)
		return op_fail(c->op, SCHA_ERR_PROP, "resource %s: extension property %s has no default and must be given",
			       existing->name, p->name);
	if (check_resource_prop(c->op, rt, existing, existing->name, p->extension, p->name, p->has_default ? p->dflt : "",
				&canonical) < 0)
		return -EINVAL;
	add_validate_arg(args, p->extension ? "-x" : "-r", p->name, canonical);
	return 0;
}

static bool is_property(const char *rest)
{
	return strncmp(rest, "prop.", 5) == 0 || strncmp(rest, "ext.", 4) == 0;
}

static int change_rs_properties(struct change *c, const struct rt *rt, const struct rgm_rs *existing, const char *rs,
				json_t *args)
{
	const char *key, *rest;
	char name[256];
	json_t *v;

	json_object_foreach((json_t *)c->after, key, v) {
		if (!rs_key(key, name, &rest) || !streq(name, rs) || !is_property(rest))
			continue;
		if (existing && same(c->before, c->after, key))
			ju_set_new(c->op->data, key, json_incref(v));
		else if (change_rs_property(c, rt, existing, rs, rest, json_string_value(v), args) < 0)
			return -EINVAL;
	}
	json_object_foreach((json_t *)(existing ? c->before : NULL), key, v)
		if (rs_key(key, name, &rest) && streq(name, rs) && is_property(rest) && !json_object_get(c->after, key) &&
		    drop_rs_property(c, rt, existing, rest, args) < 0)
			return -EINVAL;
	return 0;
}

static int check_new_resource(struct change *c, const struct rt *rt, const char *rs)
{
	const struct rgm_rs *other = rs_find(c->rgm, rs);

	if (!rgm_name_ok(rs))
		return op_fail(c->op, SCHA_ERR_INVAL, "\"%s\" is no name for a resource: a letter, then letters, digits, - and _", rs);
	if (other)
		return op_fail(c->op, SCHA_ERR_RSRC, "resource %s exists already, in group %s", rs, other->rg->name);
	for (size_t g = 0; rt->single_instance && g < c->rgm->rg_count; g++)
		for (size_t i = 0; i < c->rgm->rgs[g]->rs_count; i++)
			if (c->rgm->rgs[g]->rs[i]->rt == rt)
				return op_fail(c->op, SCHA_ERR_STATE, "resource type %s allows one resource only, and %s exists", rt->name,
					       c->rgm->rgs[g]->rs[i]->name);
	return 0;
}

/* "enabled" and "monitored", of all nodes and of single ones. */
static int copy_switches(struct change *c, const char *rs)
{
	const char *monitored = rs_value(c->after, rs, "monitored"), *key, *rest;
	char name[256];
	json_t *v;

	put_rs(c->op->data, is_true(rs_value(c->after, rs, "enabled")) ? "TRUE" : "FALSE", rs, "enabled");
	put_rs(c->op->data, monitored ? monitored : "TRUE", rs, "monitored");
	json_object_foreach((json_t *)c->after, key, v) {
		uint32_t id;

		if (!rs_key(key, name, &rest) || !streq(name, rs) || is_property(rest) || !strchr(rest, '{'))
			continue;
		if (!node_suffix(strchr(rest, '{'), &id) || !nodeset_has(c->rgm->configured, id))
			return op_fail(c->op, SCHA_ERR_NODE, "resource %s: %s names no node of the configuration by its id", rs, rest);
		ju_set_new(c->op->data, key, json_incref(v));
	}
	return 0;
}

static int change_resource(struct change *c, const struct rgm_rg *rg, const char *rs, const char *type)
{
	const struct rgm_rs *existing = rg ? rg_rs_find(rg, rs) : NULL;
	const struct rt *rt = find_type(c, type);
	json_t *args;
	int r;

	if (!rt)
		return op_fail(c->op, SCHA_ERR_RT, "resource %s: resource type %s is not registered", rs, type);
	if (existing && existing->rt != rt)
		return op_fail(c->op, SCHA_ERR_INVAL, "resource %s: its type does not change (%s to %s): remove it and create it again",
			       rs, existing->rt->name, rt->name);
	if (!existing && check_new_resource(c, rt, rs) < 0)
		return -EINVAL;
	put_rs(c->op->data, rt->name, rs, "type");
	if (copy_switches(c, rs) < 0)
		return -EINVAL;
	args = json_array();
	r = change_rs_properties(c, rt, existing, rs, args);
	if (r == 0 && !existing)
		r = add_defaults(c, rt, rs, args);
	if (r == 0 && rt->methods[METHOD_VALIDATE] && json_array_size(args) && type_find(c->rgm, type))
		add_run(c, &c->op->more_validate, rt, rs, "Validate", existing ? "-u" : "-c", args);
	if (r == 0 && existing && rt->methods[METHOD_UPDATE] && json_array_size(args)) {
		add_run(c, &c->op->more_update, rt, rs, "Update", NULL, NULL);
		ju_set_new(json_array_get(c->op->more_update, json_array_size(c->op->more_update) - 1), "nodes",
			   nodeset_to_json(rg_nodes_in(rg, RG_MASK_ONLINE)));
	}
	json_decref(args);
	return r;
}

/* The nodes of `among` where the new table has it enabled. */
static nodeset enabled_nodes(const struct change *c, const char *rs, nodeset among)
{
	nodeset set = 0;

	for (uint32_t id = nodeset_next(among, 0); id; id = nodeset_next(among, id))
		if (switch_in_table(c->op->data, rs, "enabled", id))
			set |= node_bit(id);
	return set;
}

/* What is enabled needs what it depends on: on the same node what is of the same table, somewhere what is of another. */
static int check_enabled(struct change *c, const char *rs, const char *list)
{
	nodeset nodes = enabled_nodes(c, rs, nodes_of(c));
	struct strlist parts = { 0 };
	int r = 0;

	strlist_split(&parts, list, ",");
	for (size_t i = 0; i < parts.n && r == 0; i++) {
		const struct rgm_rs *other;

		parts.v[i][strcspn(parts.v[i], "{@")] = '\0';
		other = rs_find(c->rgm, parts.v[i]);
		if (rs_value(c->op->data, parts.v[i], "type") ? nodes & ~enabled_nodes(c, parts.v[i], nodes)
							       : nodes && other && !switch_nodes(other, &other->enabled))
			r = op_fail(c->op, SCHA_ERR_DEPEND, "resource %s is enabled and depends on %s, which is disabled", rs,
				    parts.v[i]);
	}
	strlist_done(&parts);
	return r;
}

/* Dependencies as the new table has them: on each other in any order, but in no circle. */
static int check_dependencies(struct change *c)
{
	const char *key, *rest;
	char name[256];
	json_t *v;

	json_object_foreach(c->op->data, key, v)
		if (rs_key(key, name, &rest) && strncmp(rest, "prop.", 5) == 0 && dep_list_kind(rest + 5) >= DEP_STRONG &&
		    check_enabled(c, name, json_string_value(v)) < 0)
			return -EINVAL;
	return check_graph(c->rgm, c->op, c->name, !(checking(c->op) && json_array_size(ju_arr(c->op->request, "groups"))));
}

static int change_resources(struct change *c, const struct rgm_rg *rg)
{
	const char *key, *rest;
	char name[256];
	json_t *v;

	json_object_foreach((json_t *)c->after, key, v) {
		if (!rs_key(key, name, &rest))
			continue;
		if (!rs_value(c->after, name, "type"))
			return op_fail(c->op, SCHA_ERR_INVAL, "group %s: resource %s has no type (rs.%s.type)", c->name, name, name);
		if (streq(rest, "type") && change_resource(c, rg, name, json_string_value(v)) < 0)
			return -EINVAL;
	}
	return check_dependencies(c);
}

/* What leaves the group, or the group itself, must not run. */
static int check_leaving(struct change *c, const struct rgm_rg *rg)
{
	bool managed = is_true(ju_str(c->after, "rg.managed", NULL));

	for (size_t i = 0; i < rg->rs_count; i++) {
		const struct rgm_rs *rs = rg->rs[i];

		bool enabled = switch_nodes(rs, &rs->enabled) != 0;

		if (enabled && !rs_value(c->after, rs->name, "type"))
			return op_fail(c->op, SCHA_ERR_STATE, "resource %s is enabled: disable it first (scswitch -n -j %s)", rs->name,
				       rs->name);
		if (rg->managed && !managed && enabled)
			return op_fail(c->op, SCHA_ERR_STATE, "resource %s is enabled: disable the resources of group %s before it is "
				       "unmanaged (scswitch -n -j %s)", rs->name, rg->name, rs->name);
	}
	if (((rg->managed && !managed) || !c->after) && rg_nodes_in(rg, ~IN(RG_OFFLINE)))
		return op_fail(c->op, SCHA_ERR_STATE, "resource group %s is not offline everywhere: scswitch -F -g %s first", rg->name,
			       rg->name);
	if (!c->after && rg->linked_by_count)
		return op_fail(c->op, SCHA_ERR_DEPEND, "resource group %s names %s in its RG_dependencies or RG_affinities",
			       rg->linked_by[0]->name, rg->name);
	if (!c->after && rg->managed)
		return op_fail(c->op, SCHA_ERR_STATE, "resource group %s is managed: take it offline and unmanage it first "
			       "(scswitch -F -g %s; scswitch -u -g %s)", rg->name, rg->name, rg->name);
	return 0;
}

static bool removes_a_resource(const struct change *c, const struct rgm_rg *rg)
{
	for (size_t i = 0; i < rg->rs_count; i++)
		if (!rs_value(c->after, rg->rs[i]->name, "type"))
			return true;
	return false;
}

static int change_group_table(struct change *c)
{
	const struct rgm_rg *rg = rg_find(c->rgm, c->name);
	struct op *op = c->op;

	if (!rg && !rgm_name_ok(c->name))
		return op_fail(op, SCHA_ERR_INVAL, "\"%s\" is no name for a resource group: a letter, then letters, digits, - and _",
			       c->name);
	if (rg && (need_steady(c->rgm, op, rg) < 0 || check_leaving(c, rg) < 0))
		return -EINVAL;
	if (rg && removes_a_resource(c, rg) && !is_carried_out(c->rgm, rg))
		return OP_LATER;
	if (rg && !strieq(ju_str(c->after, "rg.prop.RG_system", c->after ? "FALSE" : "TRUE"), "FALSE") && need_not_system(op, rg) < 0)
		return -EINVAL;
	if (!c->after) {
		op->data = json_null();
		return 0;
	}
	op->data = ju_pack("{ss}", "rg.managed", ju_str(c->after, "rg.managed", "FALSE"));
	if (change_group_props(c) < 0 || change_resources(c, rg) < 0)
		return -EINVAL;
	if (rg && runs_outside(c->rgm, rg, ju_str(op->data, "rg.prop.Nodelist", "")))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is online on a node that the new Nodelist leaves out: switch "
			       "it away first", rg->name);
	if (rg)
		(void)snprintf(op->rg, sizeof op->rg, "%s", rg->name);
	return 0;
}

/* ---- the request ---- */

static const struct { const char *prefix; int (*change)(struct change *c); } kinds[] = {
	{ "infrastructure", change_infrastructure }, { TABLE_RT, change_type }, { TABLE_RG, change_group_table },
};

static int change(struct change *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strncmp(c->table, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
			c->name = c->table + strlen(kinds[i].prefix);
			return kinds[i].change(c);
		}
	return op_fail(c->op, SCHA_ERR_INVAL, "nothing in the cluster reads table %s", c->table);
}

/* Who came between?  The newest commit of the table. */
static int fail_stale(struct op *op, const struct ccr *ccr, const char *table, int64_t base)
{
	const json_t *entries = ccr_history(ccr);
	const json_t *last = NULL;

	for (size_t i = json_array_size(entries); i > 0 && !last; i--)
		if (streq(ju_str(json_array_get(entries, i - 1), "table", ""), table))
			last = json_array_get(entries, i - 1);
	return op_fail(op, SCHA_ERR_SEQID, "table %s was changed by %s with \"%.300s\" since (generation %lld, now %llu); nothing of it "
		       "was changed", table, last ? ju_str(last, "by", "?") : "somebody", last ? ju_str(last, "cmd", "") : "?",
		       (long long)base, (unsigned long long)ccr_table_gen(ccr, table));
}

int start_table_change(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct change c = { .rgm = rgm, .op = op, .table = ju_str(op->request, "table", "") };
	int64_t base = ju_int(op->request, "base", -1);
	struct err err = { 0 };
	int r;

	(void)u;
	if (!rgm->ccr || !ccr_table_name_ok(c.table))
		return op_fail(op, SCHA_ERR_INVAL, "\"%.100s\" is no name of a table", c.table);
	if ((uint64_t)base != ccr_table_gen(rgm->ccr, c.table) && (base || ccr_table(rgm->ccr, c.table)))
		return fail_stale(op, rgm->ccr, c.table, base);
	c.before = ccr_table(rgm->ccr, c.table);
	c.after = ju_obj(op->request, "data");
	if (!c.before && !c.after)
		return op_fail(op, SCHA_ERR_INVAL, "table %s does not exist", c.table);
	if (c.after && schema_check_table(c.table, c.after, &err) < 0)
		return op_fail(op, SCHA_ERR_INVAL, "%s", err.text);
	r = change(&c);
	if (r == 0 && !op->table)
		op->table = xstrdup(c.table);
	if (r == 0 && (checking(op) || (c.before && json_is_object(op->data) && json_equal(c.before, op->data)))) {
		json_decref(op->data);          /* looked at, or nothing to change */
		op->data = NULL;
		json_decref(op->more_update);
		op->more_update = NULL;
		op->rg[0] = '\0';
	}
	while (c.made_count)
		rt_free(c.made[--c.made_count]);
	return r;
}
