/* The model: what the CCR tables say, and lookups.  A table that makes no sense changes nothing. */
#include "rgm/model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define TABLE_RG "rgm_rg_"
#define TABLE_RT "rgm_rt_"

const char *const rs_state_names[RS_STATE_COUNT] = {
	[RS_OFFLINE] = "OFFLINE", [RS_ONLINE] = "ONLINE", [RS_START_FAILED] = "START_FAILED",
	[RS_STOP_FAILED] = "STOP_FAILED", [RS_MONITOR_FAILED] = "MONITOR_FAILED",
	[RS_ONLINE_NOT_MONITORED] = "ONLINE_NOT_MONITORED", [RS_STARTING] = "STARTING", [RS_STOPPING] = "STOPPING",
};
const char *const rg_state_names[RG_STATE_COUNT] = {
	[RG_OFFLINE] = "OFFLINE", [RG_UNMANAGED] = "UNMANAGED", [RG_ONLINE] = "ONLINE",
	[RG_PENDING_ONLINE] = "PENDING_ONLINE", [RG_PENDING_OFFLINE] = "PENDING_OFFLINE",
	[RG_ERROR_STOP_FAILED] = "ERROR_STOP_FAILED", [RG_ONLINE_FAULTED] = "ONLINE_FAULTED",
	[RG_PENDING_ONLINE_BLOCKED] = "PENDING_ONLINE_BLOCKED",
};
const char *const rs_status_names[STATUS_COUNT] = {
	[STATUS_OFFLINE] = "OFFLINE", [STATUS_OK] = "OK", [STATUS_FAULTED] = "FAULTED", [STATUS_DEGRADED] = "DEGRADED",
	[STATUS_UNKNOWN] = "UNKNOWN",
};
const char *const node_state_names[NODE_STATE_COUNT] = {
	[NODE_DOWN] = "DOWN", [NODE_LOST] = "LOST", [NODE_JOINING] = "JOINING", [NODE_UP] = "UP",
};

/* ---- updates ---- */

void u_push(json_t **list, json_t *value)
{
	if (!*list)
		*list = json_array();
	ju_push(*list, value);
}

void u_send(struct rgm_update *u, json_t *message)
{
	u_push(&u->send, message);
}

void u_note(struct rgm_update *u, const char *level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ju_trim(text);          /* a long output of a method may have been cut inside a character */
	u_push(&u->notes, ju_pack("{ss,ss}", "level", level, "text", text));
}

void rgm_update_done(struct rgm_update *u)
{
	json_decref(u->send);
	json_decref(u->run);
	json_decref(u->kill);
	json_decref(u->commit);
	json_decref(u->answer);
	json_decref(u->notes);
	*u = (struct rgm_update) { 0 };
}

void set_text(char **slot, const char *text)
{
	free(*slot);
	*slot = text && *text ? xstrdup(text) : NULL;
}

int name_index(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && strieq(names[i], name))
			return (int)i;
	return -1;
}

/* ---- lookups ---- */

struct rgm_rg *rg_find(const struct rgm *rgm, const char *name)
{
	for (size_t lo = 0, hi = rgm->rg_count; lo < hi;) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(name, rgm->rgs[mid]->name);

		if (c == 0)
			return rgm->rgs[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

struct rgm_rs *rg_rs_find(const struct rgm_rg *rg, const char *name)
{
	for (size_t i = 0; i < rg->rs_count; i++)
		if (streq(rg->rs[i]->name, name))
			return rg->rs[i];
	return NULL;
}

struct rgm_rs *rs_find(const struct rgm *rgm, const char *name)
{
	for (size_t i = 0; i < rgm->rg_count; i++) {
		struct rgm_rs *rs = rg_rs_find(rgm->rgs[i], name);

		if (rs)
			return rs;
	}
	return NULL;
}

const struct rt *type_find(const struct rgm *rgm, const char *name)
{
	const struct rt *found = NULL;

	for (size_t i = 0; i < rgm->type_count; i++) {
		if (streq(rgm->types[i].rt->name, name))
			return rgm->types[i].rt;
		if (rt_name_matches(rgm->types[i].rt->name, name)) {
			if (found)
				return NULL;
			found = rgm->types[i].rt;
		}
	}
	return found;
}

const char *rgm_node_name(const struct rgm *rgm, uint32_t id)
{
	return id >= 1 && id <= CMM_NODE_ID_MAX && rgm->node[id].name ? rgm->node[id].name : "?";
}

uint32_t rgm_node_id(const struct rgm *rgm, const char *name_or_id)
{
	char *end;
	unsigned long id;

	for (uint32_t n = nodeset_next(rgm->configured, 0); n; n = nodeset_next(rgm->configured, n))
		if (streq(rgm->node[n].name, name_or_id))
			return n;
	id = strtoul(name_or_id, &end, 10);
	return *name_or_id && !*end && id <= CMM_NODE_ID_MAX && nodeset_has(rgm->configured, (uint32_t)id) ? (uint32_t)id : 0;
}

static const char *prop_get(const json_t *props, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)props, key, value)
		if (strieq(key, name))
			return json_string_value(value);
	return NULL;
}

const char *rs_prop(const struct rgm_rs *rs, const char *name)
{
	const struct rt_param *param = rt_param_find(rs->rt, name);
	const struct prop_info *info;
	const char *v;

	v = prop_get(rs->props, name);
	if (!v)
		v = prop_get(rs->ext, name);
	if (v)
		return v;
	if (param)
		return param->has_default ? param->dflt : "";
	info = resource_prop_find(name);
	return info && info->always ? (info->dflt ? info->dflt : "") : NULL;
}

const char *rg_prop(const struct rgm_rg *rg, const char *name)
{
	const char *v = prop_get(rg->props, name);
	const struct prop_info *info;

	if (v)
		return v;
	info = group_prop_find(name);
	return info && info->dflt ? info->dflt : "";
}

bool rg_prop_bool(const struct rgm_rg *rg, const char *name)
{
	return strieq(rg_prop(rg, name), "TRUE");
}

bool rg_recovers(const struct rgm_rg *rg)
{
	return !rg->quiesced && !rg_prop_bool(rg, "Suspend_automatic_recovery");
}

int64_t rg_prop_int(const struct rgm_rg *rg, const char *name)
{
	return strtoll(rg_prop(rg, name), NULL, 10);
}

bool rs_is_address(const struct rgm_rs *rs)
{
	return rs->rt->is_logical_hostname || rs->rt->is_shared_address;
}

bool rs_depends_on_address(const struct rgm_rs *rs, const struct rgm_rs *other)
{
	return rs != other && rs->rg == other->rg && rs_is_address(other) && !rs_is_address(rs) &&
	       rg_prop_bool(rs->rg, "Implicit_network_dependencies") && !rg_is_scalable(rs->rg);
}

int64_t rs_method_timeout(const struct rgm_rs *rs, enum rt_method method)
{
	_cleanup_free_ char *name = xasprintf("%s_timeout", rt_method_names[method]);
	const char *v = rs_prop(rs, name);

	return v && *v ? strtoll(v, NULL, 10) : 3600;
}

nodeset rg_nodelist(const struct rgm_rg *rg)
{
	nodeset set = 0;

	for (size_t i = 0; i < rg->node_count; i++)
		set |= node_bit(rg->nodelist[i]);
	return set;
}

nodeset rg_might_run(const struct rgm_rg *rg)
{
	nodeset set = 0;

	for (size_t i = 0; i < rg->node_count; i++)
		if (rg->rgm->node[rg->nodelist[i]].state == NODE_LOST)
			set |= node_bit(rg->nodelist[i]);
	return set;
}

bool switch_is_on(const struct rs_switch *s, uint32_t node)
{
	return nodeset_has(s->on, node) || (s->all && !nodeset_has(s->off, node));
}

nodeset switch_nodes(const struct rgm_rs *rs, const struct rs_switch *s)
{
	return rg_nodelist(rs->rg) & (s->on | (s->all ? ~s->off : 0));
}

struct rs_switch switch_changed(const struct rgm_rs *rs, const struct rs_switch *s, nodeset nodes, bool value)
{
	nodeset all = rg_nodelist(rs->rg), on = nodes ? switch_nodes(rs, s) : value ? all : 0;

	on = value ? on | nodes : on & ~nodes;
	if (!nodes || !on || on == all)
		return (struct rs_switch) { .all = nodes ? on != 0 : value };
	return (struct rs_switch) { .all = s->all, .on = s->all ? 0 : on, .off = s->all ? all & ~on : 0 };
}

bool node_suffix(const char *text, uint32_t *ret_id)
{
	unsigned id;
	int end = 0;

	if (sscanf(text, "{%u}%n", &id, &end) != 1 || !end || text[end] || id < 1 || id > CMM_NODE_ID_MAX)
		return false;
	*ret_id = id;
	return true;
}

void switch_to_table(json_t *table, const char *rs, const char *what, const struct rs_switch *s)
{
	ju_set_strf(table, s->all ? "TRUE" : "FALSE", "rs.%s.%s", rs, what);
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		_cleanup_free_ char *key = xasprintf("rs.%s.%s{%u}", rs, what, id);

		json_object_del(table, key);
		if (nodeset_has(s->on | s->off, id))
			ju_set_str(table, key, nodeset_has(s->on, id) ? "TRUE" : "FALSE");
	}
}

bool switch_in_table(const json_t *table, const char *rs, const char *what, uint32_t node)
{
	const char *own = ju_strf(table, NULL, "rs.%s.%s{%u}", rs, what, node);

	return streq(own ? own : ju_strf(table, "FALSE", "rs.%s.%s", rs, what), "TRUE");
}

/* "enabled", "enabled{2}" */
static bool load_switch(struct rs_switch *s, const char *what, const char *rest, const char *value)
{
	size_t n = strlen(what);
	bool on = streq(value, "TRUE");
	uint32_t id;

	if (strncmp(rest, what, n) != 0)
		return false;
	if (!rest[n])
		s->all = on;
	else if (node_suffix(rest + n, &id))
		*(on ? &s->on : &s->off) |= node_bit(id);
	else
		return false;
	return true;
}

nodeset rgm_up_nodes(const struct rgm *rgm)
{
	nodeset set = 0;

	for (uint32_t id = nodeset_next(rgm->configured, 0); id; id = nodeset_next(rgm->configured, id))
		if (rgm->node[id].state == NODE_UP)
			set |= node_bit(id);
	return set;
}

nodeset rg_nodes_in(const struct rgm_rg *rg, unsigned states)
{
	nodeset set = 0;

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (states & IN(rg->on[id].state))
			set |= node_bit(id);
	return set;
}

nodeset rgm_draining_nodes(const struct rgm *rgm)
{
	nodeset set = 0;

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (rgm->node[id].draining)
			set |= node_bit(id);
	return set;
}

nodeset rgm_serving(const struct rgm *rgm)
{
	nodeset set = 0;

	for (size_t g = 0; g < rgm->rg_count; g++)
		set |= rg_nodes_in(rgm->rgs[g], RG_MASK_ONLINE | RG_MASK_PENDING);
	return set;
}

/* ---- infrastructure ---- */

static void load_infrastructure(struct rgm *rgm, const json_t *data)
{
	nodeset configured = 0;
	const char *key;
	json_t *value;

	set_text(&rgm->cluster_name, ju_str(data, "cluster.name", "cluster"));
	json_object_foreach((json_t *)data, key, value) {
		unsigned id;
		int end = 0;

		if (sscanf(key, "cluster.nodes.%u.name%n", &id, &end) != 1 || !end || key[end] || id < 1 || id > CMM_NODE_ID_MAX)
			continue;
		configured |= node_bit(id);
		set_text(&rgm->node[id].name, json_string_value(value));
	}
	rgm->configured = configured;
	limits_read(rgm, data);
}

/* ---- types ---- */

static int load_type(struct rgm *rgm, const char *name, const json_t *data, struct rgm_update *u, struct err *err)
{
	const char *text = ju_str(data, "rtr", NULL);
	struct rt *rt = NULL;
	size_t at;
	int r;

	for (at = 0; at < rgm->type_count; at++)
		if (streq(rgm->types[at].rt->name, name))
			break;
	if (!data) {
		if (at == rgm->type_count)
			return 0;
		rt_free(rgm->types[at].rt);
		free(rgm->types[at].path);
		rgm->types[at] = rgm->types[--rgm->type_count];
		return 0;
	}
	if (!text)
		return err_set(err, -EINVAL, "resource type %s: the table has no \"rtr\"", name);
	r = rtr_parse(text, strlen(text), ju_str(data, "path", name), &rt, NULL, err);
	if (r < 0)
		return r;
	strlist_split(&rt->installed_nodes, ju_str(data, "installed_nodes", ""), ",");
	if (at < rgm->type_count) {             /* resources point into the old one: only what the administrator sets may differ */
		struct managed_list *before = boot_before(rgm, NULL);

		rgm->types[at].rt->rt_system = rt->rt_system;
		strlist_done(&rgm->types[at].rt->installed_nodes);
		rgm->types[at].rt->installed_nodes = rt->installed_nodes;
		rt->installed_nodes = (struct strlist) { 0 };
		rt_free(rt);
		boot_after(rgm, NULL, before, u);
		return 0;
	}
	rgm->types = xrealloc(rgm->types, (rgm->type_count + 1) * sizeof *rgm->types);
	rgm->types[rgm->type_count++] = (struct rgm_type) { .rt = rt, .path = xstrdup(ju_str(data, "path", "")) };
	return 0;
}

/* ---- groups ---- */

static void rs_free(struct rgm_rs *rs)
{
	for (size_t i = 0; i < ARRAY_SIZE(rs->on); i++)
		free(rs->on[i].message);
	json_decref(rs->props);
	json_decref(rs->ext);
	deps_done(rs);
	free(rs->local.stuck);
	free(rs->name);
	free(rs);
}

struct rgm_rg *rg_free(struct rgm_rg *rg)
{
	if (!rg)
		return NULL;
	for (size_t i = 0; i < rg->rs_count; i++)
		rs_free(rg->rs[i]);
	free(rg->rs);
	links_done(rg);
	loads_done(rg);
	boot_forget(rg);
	json_decref(rg->props);
	json_decref(rg->runs);
	free(rg->why);
	free(rg->name);
	free(rg);
	return NULL;
}

/* "rs.NAME.KIND[.PROPERTY]" -> name and the rest; false when the key is another. */
static bool split_rs_key(const char *key, char name[256], const char **ret_rest)
{
	const char *dot;

	if (strncmp(key, "rs.", 3) != 0)
		return false;
	dot = strchr(key + 3, '.');
	if (!dot || dot == key + 3 || dot - key - 3 > 255)
		return false;
	memcpy(name, key + 3, (size_t)(dot - key - 3));
	name[dot - key - 3] = '\0';
	*ret_rest = dot + 1;
	return true;
}

static struct rgm_rs *rs_get_or_add(struct rgm_rg *rg, const char *name)
{
	struct rgm_rs *rs = rg_rs_find(rg, name);

	if (rs)
		return rs;
	rs = xcalloc(1, sizeof *rs);
	rs->name = xstrdup(name);
	rs->rg = rg;
	rs->local.running = METHOD_COUNT;
	for (size_t i = 0; i < ARRAY_SIZE(rs->on); i++)
		rs->on[i].status = STATUS_OFFLINE;
	rg->rs = xrealloc(rg->rs, (rg->rs_count + 1) * sizeof *rg->rs);
	rg->rs[rg->rs_count++] = rs;
	return rs;
}

static int compare_rs(const void *a, const void *b)
{
	return strcmp((*(struct rgm_rs *const *)a)->name, (*(struct rgm_rs *const *)b)->name);
}

/* Everything that a table says of resources, checked before anything is touched. */
static int check_resources(const struct rgm *rgm, const char *rg, const json_t *data, struct err *err)
{
	const char *key, *rest;
	char name[256];
	json_t *value;

	json_object_foreach((json_t *)data, key, value) {
		if (!split_rs_key(key, name, &rest) || !streq(rest, "type"))
			continue;
		if (!type_find(rgm, json_string_value(value)))
			return err_set(err, -EINVAL, "resource group %s: resource %s has the unknown type %s", rg, name,
				       json_string_value(value));
	}
	return 0;
}

static void load_resources(const struct rgm *rgm, struct rgm_rg *rg, const json_t *data)
{
	const char *key, *rest;
	char name[256];
	json_t *value;

	for (size_t i = 0; i < rg->rs_count;) {
		struct rgm_rs *rs = rg->rs[i];
		_cleanup_free_ char *type_key = xasprintf("rs.%s.type", rs->name);

		json_decref(rs->props);
		json_decref(rs->ext);
		rs->props = json_object();
		rs->ext = json_object();
		rs->enabled = rs->monitored = (struct rs_switch) { 0 };
		if (json_object_get(data, type_key)) {
			i++;
			continue;
		}
		rs_free(rs);
		memmove(rg->rs + i, rg->rs + i + 1, (--rg->rs_count - i) * sizeof *rg->rs);
	}
	json_object_foreach((json_t *)data, key, value)
		if (split_rs_key(key, name, &rest) && streq(rest, "type")) {
			struct rgm_rs *rs = rs_get_or_add(rg, name);

			rs->rt = type_find(rgm, json_string_value(value));
			if (!rs->props) {
				rs->props = json_object();
				rs->ext = json_object();
			}
		}
	json_object_foreach((json_t *)data, key, value) {
		if (!split_rs_key(key, name, &rest))
			continue;
		struct rgm_rs *rs = rg_rs_find(rg, name);

		if (!rs)
			continue;
		if (load_switch(&rs->enabled, "enabled", rest, json_string_value(value)) ||
		    load_switch(&rs->monitored, "monitored", rest, json_string_value(value)))
			continue;
		if (strncmp(rest, "prop.", 5) == 0)
			json_object_set(rs->props, rest + 5, value);
		else if (strncmp(rest, "ext.", 4) == 0)
			json_object_set(rs->ext, rest + 4, value);
	}
	if (rg->rs_count)
		qsort(rg->rs, rg->rs_count, sizeof(struct rgm_rs *), compare_rs);
	for (size_t i = 0; i < rg->rs_count; i++)
		deps_read(rg->rs[i]);
}

static void load_nodelist(const struct rgm *rgm, struct rgm_rg *rg)
{
	struct strlist names = { 0 };

	rg->node_count = 0;
	strlist_split(&names, rg_prop(rg, "Nodelist"), ",");
	for (size_t i = 0; i < names.n && rg->node_count < ARRAY_SIZE(rg->nodelist); i++) {
		uint32_t id = rgm_node_id(rgm, names.v[i]);

		if (id)
			rg->nodelist[rg->node_count++] = id;
	}
	if (names.n == 0)               /* all nodes, by id */
		for (uint32_t id = nodeset_next(rgm->configured, 0); id; id = nodeset_next(rgm->configured, id))
			rg->nodelist[rg->node_count++] = id;
	strlist_done(&names);
}

static int compare_rg(const void *a, const void *b)
{
	return strcmp((*(struct rgm_rg *const *)a)->name, (*(struct rgm_rg *const *)b)->name);
}

static struct rgm_rg *rg_new(struct rgm *rgm, const char *name)
{
	struct rgm_rg *rg = xcalloc(1, sizeof *rg);

	rg->rgm = rgm;
	rg->name = xstrdup(name);
	rg->admin_offline = true;       /* a group starts when somebody asks for it, or with the cluster */
	return rg;
}

struct rgm_rg *rg_swap(struct rgm *rgm, const char *name, struct rgm_rg *rg)
{
	struct rgm_rg *old = rg_find(rgm, name);
	size_t at = 0;

	rgm->layout++;
	while (at < rgm->rg_count && rgm->rgs[at] != old)
		at++;
	if (rg && !old) {
		rgm->rgs = xrealloc(rgm->rgs, (rgm->rg_count + 1) * sizeof *rgm->rgs);
		rgm->rgs[rgm->rg_count++] = rg;
		qsort(rgm->rgs, rgm->rg_count, sizeof(struct rgm_rg *), compare_rg);
	} else if (rg) {
		rgm->rgs[at] = rg;
	} else if (old) {
		memmove(rgm->rgs + at, rgm->rgs + at + 1, (--rgm->rg_count - at) * sizeof *rgm->rgs);
	}
	return old;
}

static void rg_take_table(struct rgm *rgm, struct rgm_rg *rg, const json_t *data)
{
	const char *key;
	json_t *value;

	json_decref(rg->props);
	rg->props = json_object();
	json_object_foreach((json_t *)data, key, value)
		if (strncmp(key, "rg.prop.", 8) == 0)
			json_object_set(rg->props, key + 8, value);
	rg->managed = streq(ju_str(data, "rg.managed", "FALSE"), "TRUE");
	load_nodelist(rgm, rg);
	load_resources(rgm, rg, data);
	links_read(rg);
	loads_read(rg);
}

struct rgm_rg *rg_from_table(struct rgm *rgm, const char *name, const json_t *data)
{
	struct rgm_rg *rg;

	if (check_resources(rgm, name, data, NULL) < 0)
		return NULL;
	rg = rg_new(rgm, name);
	rg_take_table(rgm, rg, data);
	return rg;
}

static int load_group(struct rgm *rgm, const char *name, uint64_t gen, const json_t *data, struct rgm_update *u, struct err *err)
{
	struct rgm_rg *rg = rg_find(rgm, name);
	struct managed_list *before;
	bool was_managed;
	int r;

	if (!data) {
		rg_free(rg_swap(rgm, name, NULL));
		return 0;
	}
	r = check_resources(rgm, name, data, err);
	if (r < 0)
		return r;
	if (!rg) {
		rg = rg_new(rgm, name);
		(void)rg_swap(rgm, name, rg);
	}
	was_managed = rg->managed;
	before = boot_before(rgm, rg);
	rg_take_table(rgm, rg, data);
	if (!rg->managed && was_managed) {
		rg->admin_offline = true;
		rg->intent = INTENT_NONE;
		rg->restart = 0;
	}
	rg->gen = gen;
	rg->ver++;
	rgm->layout++;
	boot_after(rgm, rg, before, u);
	return 0;
}

/* Decisions of before, which did not know of it, are stale, and all are looked at again. */
void bump_all(struct rgm *rgm)
{
	for (size_t g = 0; g < rgm->rg_count; g++)
		rgm->rgs[g]->ver++;
}

int rgm_load_table(struct rgm *rgm, const char *table, uint64_t gen, const json_t *data, struct rgm_update *u,
		   struct err *err)
{
	int r = 0;

	if (streq(table, "infrastructure") && data) {
		load_infrastructure(rgm, data);
		for (size_t i = 0; i < rgm->rg_count; i++)
			load_nodelist(rgm, rgm->rgs[i]);
		bump_all(rgm);
	} else if (strncmp(table, TABLE_RT, strlen(TABLE_RT)) == 0) {
		r = load_type(rgm, table + strlen(TABLE_RT), data, u, err);
		if (r == 0)
			bump_all(rgm);
	} else if (strncmp(table, TABLE_RG, strlen(TABLE_RG)) == 0) {
		struct rgm_rg *rg;

		r = load_group(rgm, table + strlen(TABLE_RG), gen, data, u, err);
		rg = rg_find(rgm, table + strlen(TABLE_RG));
		if (r == 0 && rg && u)
			local_reconcile(rgm, rg, u);
		rgm->all_stirred = true;
	}
	if (u)
		local_stir(rgm, u);
	return r;
}

/* ---- life ---- */

struct rgm *rgm_new(uint32_t self)
{
	struct rgm *rgm = xcalloc(1, sizeof *rgm);

	rgm->self = self;
	rgm->layout = 1;
	rgm->ad_hoc = json_object();
	return rgm;
}

void rgm_set_ccr(struct rgm *rgm, const struct ccr *ccr)
{
	rgm->ccr = ccr;
}

void rgm_set_time(struct rgm *rgm, int64_t wall_ms)
{
	rgm->now_ms = wall_ms;
}

struct rgm *rgm_free(struct rgm *rgm)
{
	if (!rgm)
		return NULL;
	ops_drop(rgm);
	for (size_t i = 0; i < rgm->rg_count; i++)
		rg_free(rgm->rgs[i]);
	free(rgm->rgs);
	free(rgm->by_priority);
	for (size_t i = 0; i < rgm->type_count; i++) {
		rt_free(rgm->types[i].rt);
		free(rgm->types[i].path);
	}
	free(rgm->types);
	for (size_t i = 0; i < ARRAY_SIZE(rgm->node); i++)
		free(rgm->node[i].name);
	limits_done(rgm);
	json_decref(rgm->ad_hoc);
	free(rgm->cluster_name);
	free(rgm);
	return NULL;
}
