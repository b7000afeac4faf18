/* Properties of a resource that are more than a name and a value: those with a value per node, and Type_version, by which a
 * resource moves to another version of its type.
 *
 * A value for one node is stored beside the one for all: "rs.web.ext.Workers" = 4, "rs.web.ext.Workers{2}" = 8.
 *
 * The RTR file of the new version says from which versions, and in which state of the resource, it can take over
 * (#$upgrade_from).  A state further down asks for more, and what satisfies it satisfies those above:
 *
 *     ANYTIME < WHEN_UNMONITORED < WHEN_OFFLINE < WHEN_DISABLED < WHEN_UNMANAGED < AT_CREATION (never) */
#include "rgm/ops.h"

#include <errno.h>

/* ---- a value per node ---- */

char *op_stored_name(const struct rgm *rgm, struct op *op, const struct rt_param *p, const char *name)
{
	size_t n = strlen(p->name), len = strlen(name);
	uint32_t id;

	if (!name[n])
		return xstrdup(p->name);
	if (len < n + 3 || name[len - 1] != '}') {
		op_fail(op, SCHA_ERR_PROP, "property %s: write %s{node}", name, p->name);
		return NULL;
	}
	_cleanup_free_ char *node = xstrndup(name + n + 1, len - n - 2);

	id = rgm_node_id(rgm, node);
	if (!id) {
		op_fail(op, SCHA_ERR_NODE, "property %s: node %s is not in the configuration", name, node);
		return NULL;
	}
	return xasprintf("%s{%u}", p->name, id);
}

static const char *validate_option(const struct rt_param *p, const char *stored)
{
	return strchr(stored, '{') ? "-X" : p->extension ? "-x" : "-r";
}

static int store_one(const struct rgm *rgm, struct op *op, const struct rt_param *p, const char *rs, const char *name,
		     const char *value, json_t *args)
{
	_cleanup_free_ char *stored = op_stored_name(rgm, op, p, name);

	if (!stored)
		return -EINVAL;
	ju_set_strf(op->data, value, "rs.%s.%s.%s", rs, p->extension ? "ext" : "prop", stored);
	add_validate_arg(args, validate_option(p, stored), stored, value);
	return 0;
}

/* "Workers{1,beta}" is one for each of the two. */
int op_store_prop(const struct rgm *rgm, struct op *op, const struct rt_param *p, const char *rs, const char *name,
		  const char *value, json_t *args)
{
	const char *open = strchr(name, '{'), *close = open ? strchr(open, '}') : NULL;
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	_cleanup_free_ char *list = close && !close[1] ? xstrndup(open + 1, (size_t)(close - open - 1)) : NULL;

	if (!list)
		return store_one(rgm, op, p, rs, name, value, args);
	strlist_split(&nodes, list, ",");
	if (!nodes.n)
		return op_fail(op, SCHA_ERR_NODE, "property %s: no node in the braces", name);
	for (size_t i = 0; i < nodes.n; i++) {
		_cleanup_free_ char *one = xasprintf("%s{%s}", p->name, nodes.v[i]);

		if (store_one(rgm, op, p, rs, one, value, args) < 0)
			return -EINVAL;
	}
	return 0;
}

/* ---- properties of a type ---- */

static int set_type_prop(struct op *op, struct rt *rt, const char *name, const char *value)
{
	const struct prop_info *info = type_prop_find(name);
	_cleanup_free_ char *canonical = NULL;
	struct err err = { 0 };

	if (!info)
		return op_fail(op, SCHA_ERR_PROP, "resource types have no property %s", name);
	if (info->setter != SET_BY_RTR_OR_ADMIN)
		return op_fail(op, SCHA_ERR_PROP, "property %s of a resource type %s", info->name, info->why_not ? info->why_not :
			       "comes from its RTR file and stays as it is");
	if (!value || prop_check(info, value, &canonical, &err) < 0)
		return op_fail(op, SCHA_ERR_INVAL, "%s", value ? err.text : "a value is no text");
	rt->rt_system = streq(canonical, "TRUE");       /* there is no other */
	return 0;
}

char *op_type_text(struct op *op, const struct rt *rt)
{
	_cleanup_free_ char *text = rt_to_rtr(rt);
	_cleanup_(rt_freep) struct rt *copy = NULL;
	struct err err = { 0 };
	const char *name;
	json_t *v;

	if (rtr_parse(text, strlen(text), rt->name, &copy, NULL, &err) < 0) {
		op_fail(op, SCHA_ERR_INTERNAL, "%s", err.text);
		return NULL;
	}
	json_object_foreach(ju_obj(op->request, "props"), name, v)
		if (set_type_prop(op, copy, name, json_string_value(v)) < 0)
			return NULL;
	return rt_to_rtr(copy);
}

/* ---- another version of the type ---- */

static const char *version_in(const json_t *props)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)props, name, v)
		if (strieq(name, "Type_version"))
			return json_string_value(v) ? json_string_value(v) : "";
	return NULL;
}

static const char *asked_version(const struct op *op)
{
	return version_in(ju_obj(op->request, "props"));
}

int op_check_version(struct op *op, const struct rt *rt)
{
	const char *version = asked_version(op);

	if (!version || streq(version, rt->version))
		return 0;
	return op_fail(op, SCHA_ERR_INVAL, "resource type %s is version \"%s\", not \"%s\"", rt->name, rt->version, version);
}

static bool is_offline(const struct rgm_rs *rs)
{
	for (size_t i = 0; i < ARRAY_SIZE(rs->on); i++)
		if (rs->on[i].state != RS_OFFLINE)
			return false;
	return true;
}

static enum upgrade_cond state_for_upgrade(const struct rgm_rs *rs)
{
	if (!rs->rg->managed)
		return UPGRADE_WHEN_UNMANAGED;
	if (!switch_nodes(rs, &rs->enabled))
		return UPGRADE_WHEN_DISABLED;
	if (is_offline(rs))
		return UPGRADE_WHEN_OFFLINE;
	return switch_nodes(rs, &rs->monitored) ? UPGRADE_ANYTIME : UPGRADE_WHEN_UNMONITORED;
}

/* What nobody has declared is possible only by deleting the resource and making it anew. */
static enum upgrade_cond condition(const struct rt *from, const struct rt *to)
{
	for (size_t i = 0; i < to->upgrade_count; i++)
		if (streq(to->upgrades[i].from, from->version) || (!from->has_upgrade && !*to->upgrades[i].from))
			return to->upgrades[i].cond;
	return UPGRADE_AT_CREATION;
}

static const struct rt *other_version(const struct rgm *rgm, const struct rt *rt, const char *version)
{
	for (size_t i = 0; i < rgm->type_count; i++) {
		const struct rt *other = rgm->types[i].rt;

		if (streq(other->base, rt->base) && streq(other->vendor, rt->vendor) && streq(other->version, version))
			return other;
	}
	return NULL;
}

static json_t *member(json_t *request, const char *name)
{
	if (!ju_obj(request, name))
		ju_set_new(request, name, json_object());
	return ju_obj(request, name);
}

/* Which kind a property is, its type says: that of the version that the request asks for. */
int op_sort_props(struct rgm *rgm, struct op *op, const struct rt *rt)
{
	json_t *any = ju_obj(op->request, "any"), *v;
	const char *version = version_in(any), *name;

	if (version && other_version(rgm, rt, version))
		rt = other_version(rgm, rt, version);
	json_object_foreach(any, name, v) {
		const struct rt_param *p = rt_param_find(rt, name);
		json_t *set = member(op->request, p && p->extension ? "ext" : "props");

		if (json_object_get(set, name))
			return op_fail(op, SCHA_ERR_INVAL, "property %s is given twice", name);
		json_object_set(set, name, v);
	}
	json_object_del(op->request, "any");
	return 0;
}

static bool given(const struct op *op, const struct rt_param *p)
{
	const char *name;
	json_t *v;

	json_object_foreach(ju_obj(op->request, p->extension ? "ext" : "props"), name, v)
		if (strieq(name, p->name))
			return true;
	return false;
}

/* Values that the new version does not know are gone; what it knows must be to its liking. */
static int carry_values(struct op *op, const struct rgm_rs *rs, const struct rt *to, bool extension)
{
	const char *name;
	json_t *v;

	json_object_foreach(extension ? rs->ext : rs->props, name, v) {
		const struct rt_param *p = rt_param_find(to, name);
		_cleanup_free_ char *canonical = NULL, *key = xasprintf("rs.%s.%s.%s", rs->name, extension ? "ext" : "prop", name);
		struct err err = { 0 };

		if (!p || p->extension != extension)
			json_object_del(op->data, key);
		else if (!given(op, p) && rt_param_check(p, json_string_value(v), &canonical, &err) < 0)
			return op_fail(op, SCHA_ERR_INVAL, "version %s of the type has other limits: %s; give a value with the same command",
				       to->version, err.text);
	}
	return 0;
}

static bool has_value(const struct rgm_rs *rs, const struct rt_param *p)
{
	const char *name;
	json_t *v;

	json_object_foreach(rs->ext, name, v)
		if (strieq(name, p->name))
			return true;
	return false;
}

static int need_new_values(struct op *op, const struct rgm_rs *rs, const struct rt *to)
{
	for (size_t i = 0; i < to->param_count; i++) {
		const struct rt_param *p = &to->params[i];

		if (p->extension && !p->has_default && !given(op, p) && !has_value(rs, p))
			return op_fail(op, SCHA_ERR_PROP, "resource %s: extension property %s is new in version %s of the type and has no "
				       "default: give it with the same command", rs->name, p->name, to->version);
	}
	return 0;
}

const struct rt *op_upgrade(struct rgm *rgm, struct op *op, const struct rgm_rs *rs, json_t *args)
{
	const char *version = asked_version(op);
	const struct rt *to = rs->rt;
	enum upgrade_cond need;

	if (!version || streq(version, rs->rt->version))
		return to;
	to = other_version(rgm, rs->rt, version);
	if (!to) {
		op_fail(op, SCHA_ERR_RT, "version \"%s\" of resource type %s is not registered", version, rs->rt->name);
		return NULL;
	}
	need = condition(rs->rt, to);
	if (need == UPGRADE_AT_CREATION || state_for_upgrade(rs) < need) {
		op_fail(op, SCHA_ERR_STATE, need == UPGRADE_AT_CREATION ?
			"resource %s cannot move to %s (%s): delete it and make it anew" : "resource %s can move to %s only in the state %s",
			rs->name, to->name, upgrade_cond_names[need]);
		return NULL;
	}
	if (carry_values(op, rs, to, false) < 0 || carry_values(op, rs, to, true) < 0 || need_new_values(op, rs, to) < 0)
		return NULL;
	ju_set_strf(op->data, to->name, "rs.%s.type", rs->name);
	add_validate_arg(args, "-r", "Type_version", version);
	return to;
}
