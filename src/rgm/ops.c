/* Requests of administrators and agents, at the president.  A request is an entry in the table `kinds`; every event gives
 * each open request the chance to go on (ops_advance), from phase to phase:
 *
 *   NEW ──> [VALIDATING: Validate on every node of the group] ──> [COMMITTING: the CCR table] ──> [UPDATING] ──> SETTLING
 *
 * and its end is multicast (rgm.rsp), for the node that asked.  Requests live in the president's memory only: when it
 * dies, the asking node sends the request again to the next one. */
#include "rgm/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "scha_err.h"

#define OPS_MAX 512             /* open requests; a further one is refused */

enum op_phase { OP_NEW, OP_VALIDATING, OP_CHECKING, OP_WAITING_TO_COMMIT, OP_COMMITTING, OP_UPDATING, OP_SETTLING, OP_DONE };

struct op_kind;
struct op {
	struct op *next;
	char      *id;
	json_t    *request;
	uint32_t   from;
	const struct op_kind *kind;
	enum op_phase phase;
	scha_err_t code;                /* of the end */
	char      *text;

	/* change of a CCR table */
	char      *table;
	json_t    *data;                /* new content; JSON null: remove */
	json_t    *validate;            /* the rgm.run message, without nodes; NULL: none */
	json_t    *update;              /* the same for Update after the commit */
	nodeset    waiting;             /* nodes whose rgm.ran is out */
	uint64_t   committed;           /* generation */
	unsigned   in_flight;           /* decisions of this request that have not come back through the log */
	char       rg[256];             /* the group that has to settle; "": none */

	/* giveover */
	uint32_t   target;
	nodeset    refused;             /* candidates whose Monitor_check failed */
	size_t     check_at;
};

struct op_kind {
	const char *name;
	/* Looks at the request: fills op->table etc. or sends decisions; -errno after op_fail(). */
	int  (*start)(struct rgm *rgm, struct op *op, struct rgm_update *u);
	/* All settled: sets the outcome. */
	void (*outcome)(struct rgm *rgm, struct op *op);
};

static int op_fail(struct op *op, scha_err_t code, const char *fmt, ...) _printf_(3, 4);
static int op_fail(struct op *op, scha_err_t code, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ju_trim(text);
	op->code = code;
	set_text(&op->text, text);
	op->phase = OP_DONE;
	return -EINVAL;
}

/* A decision of this request: it is not settled before the decision has landed. */
static void op_decide(struct op *op, json_t *m, struct rgm_update *u)
{
	ju_set_str(m, "op", op->id);
	op->in_flight++;
	u_send(u, m);
}

/* ---- arguments ---- */

static struct rgm_rg *need_rg(struct rgm *rgm, struct op *op)
{
	const char *name = ju_str(op->request, "rg", "");
	struct rgm_rg *rg = rg_find(rgm, name);

	if (!rg)
		op_fail(op, SCHA_ERR_RG, "resource group %s does not exist", name);
	else
		(void)snprintf(op->rg, sizeof op->rg, "%s", rg->name);
	return rg;
}

static struct rgm_rs *need_rs_named(struct rgm *rgm, struct op *op, const char *name)
{
	struct rgm_rs *rs = rs_find(rgm, name);

	if (!rs)
		op_fail(op, SCHA_ERR_RSRC, "resource %s does not exist", name);
	else
		(void)snprintf(op->rg, sizeof op->rg, "%s", rs->rg->name);
	return rs;
}

static struct rgm_rs *need_rs(struct rgm *rgm, struct op *op)
{
	return need_rs_named(rgm, op, ju_str(op->request, "rs", ""));
}

/* A group in ERROR_STOP_FAILED or with methods under way refuses edits and switches. */
static int need_steady(const struct rgm *rgm, struct op *op, const struct rgm_rg *rg)
{
	nodeset bad = rg_nodes_in(rg, IN(RG_ERROR_STOP_FAILED));

	if (bad)
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is in ERROR_STOP_FAILED on %s: end what is left of it by "
			       "hand, then clear the flag (scswitch -c -h %s -j RESOURCE -f STOP_FAILED)", rg->name,
			       rgm_node_name(rgm, nodeset_next(bad, 0)), rgm_node_name(rgm, nodeset_next(bad, 0)));
	return 0;
}

static int parse_nodes(const struct rgm *rgm, struct op *op, const struct rgm_rg *rg, nodeset *ret)
{
	json_t *v;
	size_t i;

	*ret = 0;
	json_array_foreach(ju_arr(op->request, "nodes"), i, v) {
		const char *name = json_string_value(v) ? json_string_value(v) : "";
		uint32_t id = rgm_node_id(rgm, name);
		bool listed = false;

		if (!id)
			return op_fail(op, SCHA_ERR_NODE, "node %s is not in the configuration", name);
		for (size_t k = 0; rg && k < rg->node_count; k++)
			listed |= rg->nodelist[k] == id;
		if (rg && !listed)
			return op_fail(op, SCHA_ERR_NODE, "node %s is not in the Nodelist of resource group %s", name, rg->name);
		*ret |= node_bit(id);
	}
	return 0;
}

/* ---- the table of a group, as the model has it ---- */

static void put(json_t *data, const char *value, const char *fmt, ...) _printf_(3, 4);
static void put(json_t *data, const char *value, const char *fmt, ...)
{
	char key[700];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(key, sizeof key, fmt, ap);
	va_end(ap);
	ju_set_str(data, key, value);
}

static json_t *group_table(const struct rgm_rg *rg)
{
	json_t *data = json_object(), *v;
	const char *key;

	put(data, rg->managed ? "TRUE" : "FALSE", "rg.managed");
	json_object_foreach(rg->props, key, v)
		put(data, json_string_value(v), "rg.prop.%s", key);
	for (size_t i = 0; i < rg->rs_count; i++) {
		const struct rgm_rs *rs = rg->rs[i];

		put(data, rs->rt->name, "rs.%s.type", rs->name);
		put(data, rs->enabled ? "TRUE" : "FALSE", "rs.%s.enabled", rs->name);
		put(data, rs->monitored ? "TRUE" : "FALSE", "rs.%s.monitored", rs->name);
		json_object_foreach(rs->props, key, v)
			put(data, json_string_value(v), "rs.%s.prop.%s", rs->name, key);
		json_object_foreach(rs->ext, key, v)
			put(data, json_string_value(v), "rs.%s.ext.%s", rs->name, key);
	}
	return data;
}

static void change_group(struct op *op, const struct rgm_rg *rg)
{
	op->table = xasprintf("rgm_rg_%s", rg->name);
	op->data = group_table(rg);
}

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 180 || !((name[0] | 32) >= 'a' && (name[0] | 32) <= 'z'))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

/* ---- types ---- */

static int start_type_add(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	static const enum rt_method later[] = { METHOD_INIT, METHOD_FINI, METHOD_BOOT };
	const char *text = ju_str(op->request, "rtr", "");
	_cleanup_(rt_freep) struct rt *rt = NULL;
	struct err err = { 0 };

	(void)u;
	if (rtr_parse(text, strlen(text), ju_str(op->request, "path", "RTR file"), &rt, NULL, &err) < 0)
		return op_fail(op, SCHA_ERR_INVAL, "%s", err.text);
	for (size_t i = 0; i < rgm->type_count; i++)
		if (streq(rgm->types[i].rt->name, rt->name))
			return op_fail(op, SCHA_ERR_INVAL, "resource type %s is registered already", rt->name);
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (rt->methods[later[i]])
			return op_fail(op, SCHA_ERR_METHOD, "resource type %s declares %s, which this version does not run yet; "
				       "remove it from the RTR file if the type works without it", rt->name,
				       rt_method_names[later[i]]);
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

static int start_type_remove(struct rgm *rgm, struct op *op, struct rgm_update *u)
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

static int start_type_change(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const struct rt *rt = need_type(rgm, op);
	_cleanup_free_ char *rtr = NULL;

	(void)u;
	if (!rt)
		return -EINVAL;
	rtr = rt_to_rtr(rt);
	op->table = xasprintf("rgm_rt_%s", rt->name);
	op->data = ju_pack("{ss,ss,ss}", "rtr", rtr, "path", "", "installed_nodes", ju_str(op->request, "installed_nodes", ""));
	return 0;
}

/* ---- groups ---- */

/* Known to the table, but nothing acts on them yet: a value that would ask for it is refused. */
static bool group_prop_works(const char *name, const char *value)
{
	static const char *const later[] = { "RG_dependencies", "RG_affinities", "Load_factors", "RG_slm_type" };

	if (strieq(name, "RG_mode"))
		return strieq(value, "FAILOVER");
	if (strieq(name, "Maximum_primaries"))
		return streq(value, "1");
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (strieq(name, later[i]))
			return !*value || strieq(value, "manual");
	return true;
}

static int set_group_prop(struct rgm *rgm, struct op *op, json_t *data, const char *name, const char *value)
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
	put(data, canonical, "rg.prop.%s", info->name);
	return 0;
}

static int set_group_props(struct rgm *rgm, struct op *op, json_t *data)
{
	const char *name;
	json_t *v;

	json_object_foreach(ju_obj(op->request, "props"), name, v)
		if (!json_is_string(v) || set_group_prop(rgm, op, data, name, json_string_value(v)) < 0)
			return op->phase == OP_DONE ? -EINVAL : op_fail(op, SCHA_ERR_INVAL, "property %s: no text", name);
	if (strtoll(ju_str(data, "rg.prop.Desired_primaries", "1"), NULL, 10) > 1)
		return op_fail(op, SCHA_ERR_INVAL, "Desired_primaries is greater than Maximum_primaries");
	return 0;
}

static int start_group_add(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const char *name = ju_str(op->request, "rg", "");

	(void)u;
	if (!name_ok(name))
		return op_fail(op, SCHA_ERR_INVAL, "\"%s\" is no name for a resource group: a letter, then letters, digits, - and _",
			       name);
	if (rg_find(rgm, name))
		return op_fail(op, SCHA_ERR_RG, "resource group %s exists already", name);
	op->table = xasprintf("rgm_rg_%s", name);
	op->data = ju_pack("{ss}", "rg.managed", "FALSE");
	return set_group_props(rgm, op, op->data);
}

static bool runs_outside(const struct rgm *rgm, const struct rgm_rg *rg, const char *nodelist)
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

static json_t *run_message(const struct op *op, const char *method, const char *rs, const char *type, const char *rg,
			   int64_t timeout);

static int start_group_change(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg || need_steady(rgm, op, rg) < 0)
		return -EINVAL;
	change_group(op, rg);
	if (set_group_props(rgm, op, op->data) < 0)
		return -EINVAL;
	if (runs_outside(rgm, rg, ju_str(op->data, "rg.prop.Nodelist", "")))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is online on a node that the new Nodelist leaves out: switch "
			       "it away first", rg->name);
	return 0;
}

static int start_group_remove(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg)
		return -EINVAL;
	if (rg->rs_count)
		return op_fail(op, SCHA_ERR_STATE, "resource group %s still has resource %s: remove its resources first", rg->name,
			       rg->rs[0]->name);
	if (rg->managed || rg_nodes_in(rg, ~IN(RG_OFFLINE)))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is managed: take it offline and unmanage it first "
			       "(scswitch -F -g %s; scswitch -u -g %s)", rg->name, rg->name, rg->name);
	op->table = xasprintf("rgm_rg_%s", rg->name);
	op->data = json_null();
	op->rg[0] = '\0';
	return 0;
}

static int start_group_manage(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg)
		return -EINVAL;
	if (rg->managed)
		return 0;
	change_group(op, rg);
	put(op->data, "TRUE", "rg.managed");
	return 0;
}

static int start_group_unmanage(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg || need_steady(rgm, op, rg) < 0)
		return -EINVAL;
	if (!rg->managed)
		return 0;
	for (size_t i = 0; i < rg->rs_count; i++)
		if (rg->rs[i]->enabled)
			return op_fail(op, SCHA_ERR_STATE, "resource %s is enabled: disable the resources of group %s first "
				       "(scswitch -n -j %s)", rg->rs[i]->name, rg->name, rg->rs[i]->name);
	if (rg_nodes_in(rg, ~IN(RG_OFFLINE)))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is not offline everywhere: scswitch -F -g %s first", rg->name,
			       rg->name);
	change_group(op, rg);
	put(op->data, "FALSE", "rg.managed");
	return 0;
}

/* scswitch -Z: managed, everything enabled and monitored, online. */
static int start_group_bring(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	(void)u;
	if (!rg || need_steady(rgm, op, rg) < 0)
		return -EINVAL;
	change_group(op, rg);
	put(op->data, "TRUE", "rg.managed");
	for (size_t i = 0; i < rg->rs_count; i++) {
		put(op->data, "TRUE", "rs.%s.enabled", rg->rs[i]->name);
		put(op->data, "TRUE", "rs.%s.monitored", rg->rs[i]->name);
	}
	return 0;
}

/* ---- resources ---- */

static const char *const later_lists[] = { "Resource_dependencies_weak", "Resource_dependencies_restart",
					   "Resource_dependencies_offline_restart" };

static int check_dependencies(struct rgm *rgm, struct op *op, const struct rgm_rg *rg, const char *rs, const char *list)
{
	struct strlist names = { 0 };
	int r = 0;

	strlist_split(&names, list, ",");
	for (size_t i = 0; i < names.n && r == 0; i++) {
		names.v[i][strcspn(names.v[i], "{")] = '\0';
		struct rgm_rs *other = rs_find(rgm, names.v[i]);

		if (!other)
			r = op_fail(op, SCHA_ERR_DEPEND, "resource %s depends on %s, which does not exist", rs, names.v[i]);
		else if (other->rg != rg)
			r = op_fail(op, SCHA_ERR_DEPEND, "resource %s depends on %s of another group; this version orders resources "
				    "inside one group only", rs, names.v[i]);
		else if (streq(other->name, rs))
			r = op_fail(op, SCHA_ERR_DEPEND, "resource %s depends on itself", rs);
	}
	strlist_done(&names);
	return r;
}

/* Does `from` reach `to` along dependencies?  The groups are small; depth is bounded by their size. */
static bool reaches(const struct rgm_rg *rg, const char *from, const char *to, size_t depth)
{
	const struct rgm_rs *rs = rg_rs_find(rg, from);

	if (streq(from, to))
		return true;
	for (size_t i = 0; rs && depth && i < rs->deps.n; i++)
		if (reaches(rg, rs->deps.v[i], to, depth - 1))
			return true;
	return false;
}

static int check_cycle(struct op *op, const struct rgm_rg *rg, const char *rs, const char *list)
{
	struct strlist names = { 0 };
	int r = 0;

	strlist_split(&names, list, ",");
	for (size_t i = 0; i < names.n && r == 0; i++)
		if (reaches(rg, names.v[i], rs, rg->rs_count))
			r = op_fail(op, SCHA_ERR_DEPEND, "resource %s and %s would depend on each other", rs, names.v[i]);
	strlist_done(&names);
	return r;
}

/* May the property be set now?  creating: at creation everything but NONE. */
static int check_tunable(struct op *op, const struct rt_param *p, const struct rgm_rs *existing)
{
	if (p->tunable == TUNE_NONE)
		return op_fail(op, SCHA_ERR_PROP, "property %s cannot be set (TUNABLE is NONE)", p->name);
	if (existing && p->tunable == TUNE_AT_CREATION)
		return op_fail(op, SCHA_ERR_PROP, "property %s can be set only when the resource is created", p->name);
	if (existing && p->tunable == TUNE_WHEN_DISABLED && existing->enabled)
		return op_fail(op, SCHA_ERR_PROP, "property %s can be set only while the resource is disabled: scswitch -n -j %s",
			       p->name, existing->name);
	return 0;
}

static int set_resource_props(struct rgm *rgm, struct op *op, const struct rt *rt, const struct rgm_rg *rg, const char *rs,
			      const struct rgm_rs *existing, json_t *args)
{
	static const char *const sets[] = { "props", "ext" };
	const char *name;
	json_t *v;

	for (size_t s = 0; s < ARRAY_SIZE(sets); s++) {
		json_object_foreach(ju_obj(op->request, sets[s]), name, v) {
			const struct rt_param *p = rt_param_find(rt, name);
			_cleanup_free_ char *canonical = NULL;
			struct err err = { 0 };

			if (!p || p->extension != (s == 1))
				return op_fail(op, SCHA_ERR_PROP, "resource type %s has no %sproperty %s", rt->name,
					       s == 1 ? "extension " : "", name);
			if (check_tunable(op, p, existing) < 0)
				return -EINVAL;
			if (!json_is_string(v) || rt_param_check(p, json_string_value(v), &canonical, &err) < 0)
				return op_fail(op, SCHA_ERR_INVAL, "resource %s: %s", rs, err.text);
			for (size_t i = 0; i < ARRAY_SIZE(later_lists); i++)
				if (strieq(p->name, later_lists[i]) && *canonical)
					return op_fail(op, SCHA_ERR_PROP, "property %s is not supported by this version yet", p->name);
			if (strieq(p->name, "Resource_dependencies") &&
			    (check_dependencies(rgm, op, rg, rs, canonical) < 0 || check_cycle(op, rg, rs, canonical) < 0))
				return -EINVAL;
			put(op->data, canonical, "rs.%s.%s.%s", rs, s == 1 ? "ext" : "prop", p->name);
			ju_push(args, json_string(s == 1 ? "-x" : "-r"));
			_cleanup_free_ char *pair = xasprintf("%s=%s", p->name, canonical);
			ju_push(args, json_string(pair));
		}
	}
	return 0;
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

static json_t *run_message(const struct op *op, const char *method, const char *rs, const char *type, const char *rg,
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

static int start_resource_add(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const char *name = ju_str(op->request, "rs", "");
	struct rgm_rg *rg = need_rg(rgm, op);
	const struct rt *rt = rg ? need_type(rgm, op) : NULL;
	json_t *args;
	int r;

	(void)u;
	if (!rt)
		return -EINVAL;
	if (!name_ok(name))
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
	put(op->data, rt->name, "rs.%s.type", name);
	put(op->data, ju_bool(op->request, "enabled", false) ? "TRUE" : "FALSE", "rs.%s.enabled", name);
	put(op->data, "TRUE", "rs.%s.monitored", name);
	args = json_array();
	r = set_resource_props(rgm, op, rt, rg, name, NULL, args);
	if (r == 0)
		r = complete_validate_args(op, rt, rg, name, args);
	if (r == 0 && rt->methods[METHOD_VALIDATE]) {
		op->validate = run_message(op, "Validate", name, rt->name, rg->name, default_timeout(rt, "Validate_timeout"));
		ju_set_str(op->validate, "mode", "-c");
		ju_set_new(op->validate, "args", json_incref(args));
	}
	json_decref(args);
	return r;
}

static int start_resource_change(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rs *rs = need_rs(rgm, op);
	json_t *args;
	int r;

	(void)u;
	if (!rs || need_steady(rgm, op, rs->rg) < 0)
		return -EINVAL;
	change_group(op, rs->rg);
	args = json_array();
	r = set_resource_props(rgm, op, rs->rt, rs->rg, rs->name, rs, args);
	if (r == 0 && rs->rt->methods[METHOD_VALIDATE]) {
		op->validate = run_message(op, "Validate", rs->name, rs->rt->name, rs->rg->name,
					   rs_method_timeout(rs, METHOD_VALIDATE));
		ju_set_str(op->validate, "mode", "-u");
		ju_set_new(op->validate, "args", json_incref(args));
	}
	if (r == 0 && rs->rt->methods[METHOD_UPDATE])
		op->update = run_message(op, "Update", rs->name, rs->rt->name, rs->rg->name, rs_method_timeout(rs, METHOD_UPDATE));
	json_decref(args);
	return r;
}

static int start_resource_remove(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rs *rs = need_rs(rgm, op);
	_cleanup_free_ char *prefix = NULL;
	const char *key;
	void *tmp;
	json_t *v;

	(void)u;
	if (!rs)
		return -EINVAL;
	if (rs->enabled)
		return op_fail(op, SCHA_ERR_STATE, "resource %s is enabled: disable it first (scswitch -n -j %s)", rs->name, rs->name);
	for (size_t i = 0; i < rs->rg->rs_count; i++)
		if (strlist_has(&rs->rg->rs[i]->deps, rs->name))
			return op_fail(op, SCHA_ERR_DEPEND, "resource %s depends on %s", rs->rg->rs[i]->name, rs->name);
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

static int check_switchable(struct op *op, const struct rgm_rs *rs, bool enable)
{
	for (size_t i = 0; i < rs->rg->rs_count; i++) {
		const struct rgm_rs *other = rs->rg->rs[i];

		if (in_request(op, other->name))
			continue;
		if (enable && strlist_has(&rs->deps, other->name) && !other->enabled)
			return op_fail(op, SCHA_ERR_DEPEND, "resource %s depends on %s, which is disabled", rs->name, other->name);
		if (!enable && strlist_has(&other->deps, rs->name) && other->enabled)
			return op_fail(op, SCHA_ERR_DEPEND, "resource %s is enabled and depends on %s: disable it, too", other->name,
				       rs->name);
	}
	return 0;
}

static int switch_resources(struct rgm *rgm, struct op *op, const char *what, bool value)
{
	struct rgm_rg *rg = NULL;
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(op->request, "names"), i, v) {
		struct rgm_rs *rs = need_rs_named(rgm, op, json_string_value(v) ? json_string_value(v) : "");

		if (!rs)
			return -EINVAL;
		if (rg && rs->rg != rg)
			return op_fail(op, SCHA_ERR_INVAL, "one request changes resources of one group only");
		if (need_steady(rgm, op, rs->rg) < 0)
			return -EINVAL;
		if (streq(what, "enabled") && check_switchable(op, rs, value) < 0)
			return -EINVAL;
		rg = rs->rg;
		if (!op->data)
			change_group(op, rg);
		put(op->data, value ? "TRUE" : "FALSE", "rs.%s.%s", rs->name, what);
	}
	return rg ? 0 : op_fail(op, SCHA_ERR_INVAL, "no resource named");
}

static int start_resource_enable(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	(void)u;
	return switch_resources(rgm, op, ju_bool(op->request, "monitor", false) ? "monitored" : "enabled", true);
}

static int start_resource_disable(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	(void)u;
	return switch_resources(rgm, op, ju_bool(op->request, "monitor", false) ? "monitored" : "enabled", false);
}

/* ---- switching groups ---- */

static json_t *by_hand(struct rgm *rgm, struct rgm_rg *rg, const struct op *op, const char *what, const char *text)
{
	_cleanup_free_ char *why = xasprintf("%s by %s", text, ju_str(op->request, "by", "somebody"));
	json_t *m = decision(rg, what, why, rgm->now_ms);

	ju_set_bool(m, "by_hand", true);
	return m;
}

static int start_group_switch(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);
	nodeset nodes, down;
	json_t *m;

	if (!rg || need_steady(rgm, op, rg) < 0 || parse_nodes(rgm, op, rg, &nodes) < 0)
		return -EINVAL;
	if (!rg->managed)
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is unmanaged: scswitch -o -g %s (or -Z) first", rg->name,
			       rg->name);
	down = nodes & ~rgm_up_nodes(rgm);
	if (down)
		return op_fail(op, SCHA_ERR_NODE, "node %s is not a member of the cluster now",
			       rgm_node_name(rgm, nodeset_next(down, 0)));
	if (nodes & (nodes - 1))
		return op_fail(op, SCHA_ERR_INVAL, "resource group %s may be online on one node at a time (Maximum_primaries is 1)",
			       rg->name);
	if (!nodes && ju_bool(op->request, "preferred", false))
		for (size_t i = 0; i < rg->node_count && !nodes; i++)
			if (nodeset_has(rgm_up_nodes(rgm), rg->nodelist[i]))
				nodes = node_bit(rg->nodelist[i]);
	m = by_hand(rgm, rg, op, nodes ? "switch" : "off", nodes ? "switched" : "switched off");
	ju_set_new(m, "nodes", nodeset_to_json(nodes));
	op_decide(op, m, u);
	return 0;
}

static int start_group_offline(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	if (!rg || need_steady(rgm, op, rg) < 0)
		return -EINVAL;
	op_decide(op, by_hand(rgm, rg, op, "off", "switched off"), u);
	return 0;
}

static int start_group_restart(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);
	nodeset nodes;
	json_t *m;

	if (!rg || need_steady(rgm, op, rg) < 0 || parse_nodes(rgm, op, rg, &nodes) < 0)
		return -EINVAL;
	if (!nodes || (nodes & ~rg_nodes_in(rg, RG_MASK_ONLINE)))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is not online on %s", rg->name,
			       nodes ? rgm_node_name(rgm, nodeset_next(nodes & ~rg_nodes_in(rg, RG_MASK_ONLINE), 0)) : "any node");
	m = by_hand(rgm, rg, op, "restart", "restarted");
	ju_set_new(m, "nodes", nodeset_to_json(nodes));
	op_decide(op, m, u);
	return 0;
}

static int start_evacuate(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const char *name = ju_str(op->request, "node", "");
	uint32_t node = rgm_node_id(rgm, name);

	if (!node)
		return op_fail(op, SCHA_ERR_NODE, "node %s is not in the configuration", name);
	for (size_t g = 0; g < rgm->rg_count; g++) {
		struct rgm_rg *rg = rgm->rgs[g];
		uint32_t target;
		json_t *m;

		if (!(rg_nodes_in(rg, RG_MASK_ONLINE | IN(RG_PENDING_ONLINE)) & node_bit(node)))
			continue;
		target = rg_giveover_target(rgm, rg, node, 0);
		m = by_hand(rgm, rg, op, target ? "switch" : "off", "evacuated");
		ju_set_new(m, "nodes", nodeset_to_json(target ? node_bit(target) : 0));
		op_decide(op, m, u);
	}
	return 0;
}

static int start_resource_clear(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rs *rs = need_rs(rgm, op);
	nodeset nodes;
	json_t *m;

	if (!rs || parse_nodes(rgm, op, rs->rg, &nodes) < 0)
		return -EINVAL;
	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
		if (rs->on[id].state != RS_STOP_FAILED)
			return op_fail(op, SCHA_ERR_STATE, "resource %s is not in STOP_FAILED on %s", rs->name,
				       rgm_node_name(rgm, id));
	m = by_hand(rgm, rs->rg, op, "clear", "STOP_FAILED cleared");
	ju_set_str(m, "rs", rs->name);
	ju_set_new(m, "nodes", nodeset_to_json(nodes));
	op_decide(op, m, u);
	return 0;
}

/* ---- scha_control ---- */

static unsigned recent(const int64_t *times, int64_t now_ms, int64_t interval_s)
{
	unsigned n = 0;

	for (size_t i = 0; i < RESTARTS_KEPT; i++)
		if (times[i] && times[i] + interval_s * 1000 > now_ms)
			n++;
	return n;
}

/* Failover_mode of the resource may forbid the request. */
static int check_mode(struct rgm *rgm, struct op *op, const struct rgm_rs *rs, const char *tag)
{
	const char *mode = rs_prop(rs, "Failover_mode"), *count = rs_prop(rs, "Retry_count"), *interval = rs_prop(rs, "Retry_interval");

	if (!mode || (!strieq(mode, "RESTART_ONLY") && !strieq(mode, "LOG_ONLY")))
		return 0;
	if (strieq(mode, "RESTART_ONLY") && strieq(tag, "RESOURCE_IS_RESTARTED"))
		return 0;
	if (strieq(mode, "RESTART_ONLY") && strieq(tag, "RESOURCE_RESTART")) {
		if (!count || !interval || recent(rs->on[op->from].restarts, rgm->now_ms, strtoll(interval, NULL, 10)) <
					   (unsigned)MAX(0, strtoll(count, NULL, 10)))
			return 0;
	}
	return op_fail(op, SCHA_ERR_CHECKS, "Failover_mode of resource %s is %s", rs->name, mode);
}

static int control_restart(struct rgm *rgm, struct op *op, struct rgm_rs *rs, struct rgm_update *u)
{
	_cleanup_free_ char *why = xasprintf("resource %s asked for a restart on %s", rs->name, rgm_node_name(rgm, op->from));
	bool whole = strieq(ju_str(op->request, "tag", ""), "RESTART");
	json_t *m = decision(rs->rg, whole ? "restart" : "rs_restart", why, rgm->now_ms);

	ju_set_str(m, "rs", rs->name);
	ju_set_int(m, "node", op->from);
	ju_set_new(m, "nodes", nodeset_to_json(node_bit(op->from)));
	if (strieq(ju_str(op->request, "tag", ""), "RESOURCE_IS_RESTARTED"))
		ju_set_bool(m, "act", false);
	op_decide(op, m, u);
	return 0;
}

static const struct { const char *tag; bool check_only, giveover; } control_tags[] = {
	{ "GIVEOVER",              false, true },
	{ "RESTART",               false, false },
	{ "RESOURCE_RESTART",      false, false },
	{ "RESOURCE_IS_RESTARTED", false, false },
	{ "CHECK_GIVEOVER",        true,  true },
	{ "CHECK_RESTART",         true,  false },
};

static int start_control(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const char *tag = ju_str(op->request, "tag", "");
	struct rgm_rg *rg = need_rg(rgm, op);
	struct rgm_rs *rs = rg ? rg_rs_find(rg, ju_str(op->request, "rs", "")) : NULL;
	size_t i;

	if (!rg)
		return -EINVAL;
	if (!rs)
		return op_fail(op, SCHA_ERR_RSRC, "resource group %s has no resource %s", rg->name, ju_str(op->request, "rs", ""));
	for (i = 0; i < ARRAY_SIZE(control_tags); i++)
		if (strieq(control_tags[i].tag, tag))
			break;
	if (i == ARRAY_SIZE(control_tags))
		return op_fail(op, SCHA_ERR_TAG, "scha_control %s is unknown or not built yet", tag);
	if (!(RG_MASK_ONLINE & IN(rg->on[op->from].state)))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is not online on %s", rg->name, rgm_node_name(rgm, op->from));
	if (check_mode(rgm, op, rs, tag) < 0)
		return -EINVAL;
	if (control_tags[i].giveover) {
		op->phase = OP_CHECKING;
		return 0;
	}
	return control_tags[i].check_only ? 0 : control_restart(rgm, op, rs, u);
}

/* Monitor_check of every enabled resource on the candidate, one after the other; a refusal leads to the next candidate. */
static void check_candidates(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);
	nodeset up = rgm_up_nodes(rgm);

	if (!rg || op->waiting)
		return;
	if (op->target && !nodeset_has(up, op->target)) {
		op->target = 0;
		op->check_at = 0;
	}
	if (!op->target) {
		op->target = rg_giveover_target(rgm, rg, op->from, op->refused);
		if (!op->target) {
			op_fail(op, SCHA_ERR_CHECKS, "no other node can take resource group %s", rg->name);
			return;
		}
	}
	for (; op->check_at < rg->rs_count; op->check_at++) {
		struct rgm_rs *rs = rg->rs[op->check_at];
		json_t *m;

		if (!rs->enabled || !rs->rt->methods[METHOD_MONITOR_CHECK])
			continue;
		m = run_message(op, "Monitor_check", rs->name, rs->rt->name, rg->name, rs_method_timeout(rs, METHOD_MONITOR_CHECK));
		op->waiting = node_bit(op->target);
		ju_set_new(m, "nodes", nodeset_to_json(op->waiting));
		u_send(u, m);
		op->check_at++;
		return;
	}
	op->phase = OP_SETTLING;
	if (strieq(ju_str(op->request, "tag", ""), "CHECK_GIVEOVER"))
		return;
	_cleanup_free_ char *why = xasprintf("resource %s gave over from %s", ju_str(op->request, "rs", ""),
					     rgm_node_name(rgm, op->from));
	json_t *m = decision(rg, "giveover", why, rgm->now_ms);

	ju_set_int(m, "node", op->from);
	ju_set_str(m, "rs", ju_str(op->request, "rs", ""));
	ju_set_new(m, "nodes", nodeset_to_json(node_bit(op->target)));
	op_decide(op, m, u);
}

/* ---- outcomes ---- */

static void outcome_none(struct rgm *rgm, struct op *op)
{
	(void)rgm;
	(void)op;
}

/* The group was to be online; is it? */
static void outcome_online(struct rgm *rgm, struct op *op)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);
	nodeset wanted = 0, online;

	if (!rg)
		return;
	(void)parse_nodes(rgm, op, NULL, &wanted);
	online = rg_nodes_in(rg, IN(RG_ONLINE));
	if (streq(op->kind->name, "group_switch") && !wanted && !ju_bool(op->request, "preferred", false))
		return;         /* switched off */
	if (rg_nodes_in(rg, IN(RG_ONLINE_FAULTED)))
		op_fail(op, SCHA_ERR_FAIL, "resource group %s is online on %s, but faulted: %s", rg->name,
			rgm_node_name(rgm, nodeset_next(rg_nodes_in(rg, IN(RG_ONLINE_FAULTED)), 0)), "a resource failed to start");
	else if (!online)
		op_fail(op, SCHA_ERR_FAIL, "resource group %s did not come online%s%s", rg->name, rg->why ? ": " : "",
			rg->why ? rg->why : "");
	else if (wanted && online != wanted)
		op_fail(op, SCHA_ERR_FAIL, "resource group %s is online on %s instead: %s", rg->name,
			rgm_node_name(rgm, nodeset_next(online, 0)), rg->why ? rg->why : "");
}

static void outcome_offline(struct rgm *rgm, struct op *op)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);
	nodeset bad = rg ? rg_nodes_in(rg, IN(RG_ERROR_STOP_FAILED)) : 0;

	if (bad)
		op_fail(op, SCHA_ERR_FAIL, "resource group %s failed to stop on %s (ERROR_STOP_FAILED)", rg->name,
			rgm_node_name(rgm, nodeset_next(bad, 0)));
}

static void outcome_control(struct rgm *rgm, struct op *op)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);

	if (rg && strieq(ju_str(op->request, "tag", ""), "GIVEOVER") && !rg_nodes_in(rg, RG_MASK_ONLINE))
		op_fail(op, SCHA_ERR_FAIL, "resource group %s did not come online elsewhere", rg->name);
}

static const struct op_kind kinds[] = {
	{ "type_add",         start_type_add,         outcome_none },
	{ "type_remove",      start_type_remove,      outcome_none },
	{ "type_change",      start_type_change,      outcome_none },
	{ "group_add",        start_group_add,        outcome_none },
	{ "group_change",     start_group_change,     outcome_none },
	{ "group_remove",     start_group_remove,     outcome_none },
	{ "group_manage",     start_group_manage,     outcome_none },
	{ "group_unmanage",   start_group_unmanage,   outcome_none },
	{ "group_bring",      start_group_bring,      outcome_online },
	{ "group_switch",     start_group_switch,     outcome_online },
	{ "group_offline",    start_group_offline,    outcome_offline },
	{ "group_restart",    start_group_restart,    outcome_online },
	{ "evacuate",         start_evacuate,         outcome_offline },
	{ "resource_add",     start_resource_add,     outcome_none },
	{ "resource_change",  start_resource_change,  outcome_none },
	{ "resource_remove",  start_resource_remove,  outcome_none },
	{ "resource_enable",  start_resource_enable,  outcome_none },
	{ "resource_disable", start_resource_disable, outcome_offline },
	{ "resource_clear",   start_resource_clear,   outcome_none },
	{ "control",          start_control,          outcome_control },
};

/* ---- the driver ---- */

static void op_free(struct op *op)
{
	free(op->id);
	json_decref(op->request);
	free(op->text);
	free(op->table);
	json_decref(op->data);
	json_decref(op->validate);
	json_decref(op->update);
	free(op);
}

void ops_drop(struct rgm *rgm)
{
	while (rgm->ops) {
		struct op *op = rgm->ops;

		rgm->ops = op->next;
		op_free(op);
	}
}

void ops_request(struct rgm *rgm, uint32_t from, const json_t *message)
{
	struct op **tail = &rgm->ops, *op;
	size_t n = 0;

	if (!rgm->presiding)
		return;
	for (; *tail; tail = &(*tail)->next, n++)
		if (streq((*tail)->id, ju_str(message, "id", "")))
			return;         /* sent again; it is being worked on */
	op = xcalloc(1, sizeof *op);
	op->id = xstrdup(ju_str(message, "id", ""));
	op->request = json_deep_copy(message);
	op->from = from;
	*tail = op;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (streq(kinds[i].name, ju_str(message, "op", "")))
			op->kind = &kinds[i];
	if (!op->kind)
		op_fail(op, SCHA_ERR_INVAL, "the president does not know the request \"%s\"", ju_str(message, "op", ""));
	else if (n >= OPS_MAX)
		op_fail(op, SCHA_ERR_RECONF, "too many requests at once; try again");
}

static struct op *op_find(struct rgm *rgm, const char *id)
{
	struct op *op = rgm->ops;

	while (op && !streq(op->id, id))
		op = op->next;
	return op;
}

void ops_landed(struct rgm *rgm, const char *id)
{
	struct op *op = op_find(rgm, id);

	if (op && op->in_flight)
		op->in_flight--;
}

void ops_ran(struct rgm *rgm, uint32_t from, const json_t *m)
{
	struct op *op = op_find(rgm, ju_str(m, "id", ""));
	bool ok = ju_int(m, "exit", -1) == 0;

	if (!op || !nodeset_has(op->waiting, from))
		return;
	op->waiting &= ~node_bit(from);
	if (ok)
		return;
	if (op->phase == OP_VALIDATING) {
		const char *output = ju_str(m, "output", "");

		op_fail(op, SCHA_ERR_METHOD, "Validate refused it on %s%s%.900s", rgm_node_name(rgm, from), *output ? ": " : "",
			output);
	} else if (op->phase == OP_CHECKING) {
		op->refused |= node_bit(from);
		op->target = 0;
		op->check_at = 0;
	}                               /* a failed Update is in the log of its node only */
}

void ops_members_changed(struct rgm *rgm)
{
	for (struct op *op = rgm->ops; op; op = op->next)
		op->waiting &= rgm_up_nodes(rgm);
}

void rgm_committed(struct rgm *rgm, const char *tx, uint64_t n, const char *error)
{
	struct op *op = op_find(rgm, tx);

	if (!op || op->phase != OP_COMMITTING)
		return;
	if (error) {
		op_fail(op, SCHA_ERR_FAIL, "the configuration could not be changed: %s; nothing was changed", error);
		return;
	}
	op->committed = n;
	op->phase = OP_UPDATING;
}

static nodeset run_nodes(const struct rgm *rgm, const struct rgm_rg *rg, bool only_online)
{
	nodeset set = 0;

	for (size_t i = 0; i < rg->node_count; i++)
		set |= node_bit(rg->nodelist[i]);
	return set & rgm_up_nodes(rgm) & (only_online ? rg_nodes_in(rg, RG_MASK_ONLINE) : ~(nodeset)0);
}

static void start_run(struct rgm *rgm, struct op *op, json_t **message, bool only_online, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);

	if (!*message || !rg)
		return;
	op->waiting = run_nodes(rgm, rg, only_online);
	ju_set_new(*message, "nodes", nodeset_to_json(op->waiting));
	if (op->waiting)
		u_send(u, json_incref(*message));
	json_decref(*message);
	*message = NULL;
}

/* Every node where the group is not offline has carried out the committed configuration, and nothing is left to decide. */
static bool is_settled(struct rgm *rgm, const struct op *op, const struct rgm_rg *rg)
{
	struct rg_action a;

	if (rg->decided_ver == rg->ver)
		return false;
	rg_next_action(rgm, rg, &a);
	if (a.what != ACTION_NONE)
		return false;
	for (uint32_t id = nodeset_next(rgm_up_nodes(rgm), 0); id; id = nodeset_next(rgm_up_nodes(rgm), id))
		if (rg->on[id].state != RG_OFFLINE && rg->on[id].settled < op->committed)
			return false;
	return true;
}

static bool resource_restart_done(const struct rgm *rgm, const struct op *op)
{
	const struct rgm_rs *rs;

	if (!streq(op->kind->name, "control") || !strieq(ju_str(op->request, "tag", ""), "RESOURCE_RESTART"))
		return true;
	rs = rs_find(rgm, ju_str(op->request, "rs", ""));
	return !rs || (rs->on[op->from].state != RS_STARTING && rs->on[op->from].state != RS_STOPPING);
}

static void settle(struct rgm *rgm, struct op *op)
{
	const struct rgm_rg *rg = op->rg[0] ? rg_find(rgm, op->rg) : NULL;

	if (streq(op->kind->name, "evacuate")) {
		uint32_t node = rgm_node_id(rgm, ju_str(op->request, "node", ""));

		for (size_t g = 0; g < rgm->rg_count; g++)
			if (rgm->node[node].state == NODE_UP && !is_settled(rgm, op, rgm->rgs[g]))
				return;
	}
	if ((rg && !is_settled(rgm, op, rg)) || !resource_restart_done(rgm, op))
		return;
	op->kind->outcome(rgm, op);
	op->phase = OP_DONE;
}

static bool somebody_commits(const struct rgm *rgm)
{
	for (const struct op *op = rgm->ops; op; op = op->next)
		if (op->phase == OP_COMMITTING)
			return true;
	return false;
}

/* A change is computed from the configuration in force, so the request is looked at again when its turn has come:
 * somebody else may have changed the same table meanwhile. */
static void commit(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	if (somebody_commits(rgm))
		return;
	if (json_is_null(op->data))
		u_push(&u->commit, ju_pack("{ss,ss,sn,ss,ss}", "tx", op->id, "table", op->table, "data", "by",
					   ju_str(op->request, "by", ""), "cmd", ju_str(op->request, "cmd", "")));
	else
		u_push(&u->commit, ju_pack("{ss,ss,sO,ss,ss}", "tx", op->id, "table", op->table, "data", op->data, "by",
					   ju_str(op->request, "by", ""), "cmd", ju_str(op->request, "cmd", "")));
	op->phase = OP_COMMITTING;
}

static void rebuild(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	if (somebody_commits(rgm))
		return;
	free(op->table);
	op->table = NULL;
	json_decref(op->data);
	op->data = NULL;
	json_decref(op->validate);
	op->validate = NULL;
	json_decref(op->update);
	op->update = NULL;
	if (op->kind->start(rgm, op, u) < 0)
		return;
	json_decref(op->validate);
	op->validate = NULL;
	if (op->data)
		commit(rgm, op, u);
}

/* scswitch -Z goes on to bring the group online once it is enabled. */
static void after_commit(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);

	if (rg && streq(op->kind->name, "group_bring"))
		op_decide(op, by_hand(rgm, rg, op, "auto", "brought online"), u);
	start_run(rgm, op, &op->update, true, u);
}

static void op_step(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	enum op_phase before;

	do {
		before = op->phase;
		switch (op->phase) {
		case OP_NEW:
			if (op->kind->start(rgm, op, u) < 0 || op->phase != OP_NEW)
				break;
			op->phase = op->validate ? OP_VALIDATING : op->data ? OP_WAITING_TO_COMMIT : OP_UPDATING;
			if (op->phase == OP_VALIDATING)
				start_run(rgm, op, &op->validate, false, u);
			break;
		case OP_VALIDATING:
			if (!op->waiting)
				op->phase = OP_WAITING_TO_COMMIT;
			break;
		case OP_CHECKING:
			check_candidates(rgm, op, u);
			break;
		case OP_WAITING_TO_COMMIT:
			rebuild(rgm, op, u);
			break;
		case OP_COMMITTING:
			break;
		case OP_UPDATING:
			after_commit(rgm, op, u);
			op->phase = OP_SETTLING;
			break;
		case OP_SETTLING:
			if (!op->waiting && !op->in_flight)
				settle(rgm, op);
			break;
		case OP_DONE:
			break;
		}
	} while (op->phase != before);
}

void ops_advance(struct rgm *rgm, struct rgm_update *u)
{
	for (struct op **at = &rgm->ops; *at;) {
		struct op *op = *at;

		op_step(rgm, op, u);
		if (op->phase != OP_DONE) {
			at = &op->next;
			continue;
		}
		u_send(u, ju_pack("{ss,si,ss,sI,si,ss}", "t", "rgm.rsp", "v", 1, "id", op->id, "to", (json_int_t)op->from, "code",
				  (int)op->code, "text", op->text ? op->text : ""));
		*at = op->next;
		op_free(op);
	}
}

json_t *rgm_request_message(struct rgm *rgm, const char *id, const json_t *request, const char *by)
{
	json_t *m = json_deep_copy(request);

	ju_set_str(m, "t", streq(ju_str(request, "op", ""), "status") ? "rgm.status" : "rgm.req");
	ju_set_int(m, "v", 1);
	ju_set_str(m, "id", id);
	ju_set_str(m, "by", by);
	ju_set_int(m, "at", rgm->now_ms);
	return m;
}
