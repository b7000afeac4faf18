/* Dependencies between resources, inside a group and across groups.
 *
 *   NAME[{LOCAL_NODE|ANY_NODE|FROM_RG_AFFINITIES}][@NODE]
 *
 * in one of four lists; the strongest list wins.  The scope says whose state counts: that on the same node, or that on any
 * node.  @NODE: only the instance of the dependent on that node depends on it.  Inside a group both are on one node, and what
 * its node knows itself is ahead of the log (local_order.c).  Across groups everything is judged by replicated state only:
 * every member would judge alike at the same place of the log.
 *
 * Pointers from a dependency to its target, and back to the users, are made by deps_index() when some table has changed. */
#include "rgm/model.h"

static const struct { const char *prop; enum dep_kind kind; } lists[] = {
	{ "Resource_dependencies_offline_restart", DEP_OFFLINE_RESTART }, { "Resource_dependencies_restart", DEP_RESTART },
	{ "Resource_dependencies", DEP_STRONG },                          { "Resource_dependencies_weak", DEP_WEAK },
};
const char *const dep_kind_names[DEP_KIND_COUNT] = {
	[DEP_WEAK] = "weak", [DEP_STRONG] = "strong", [DEP_RESTART] = "restart", [DEP_OFFLINE_RESTART] = "offline-restart",
};
static const char *const scope_names[SCOPE_COUNT] = {
	[SCOPE_FROM_RG_AFFINITIES] = "FROM_RG_AFFINITIES", [SCOPE_LOCAL_NODE] = "LOCAL_NODE", [SCOPE_ANY_NODE] = "ANY_NODE",
};

/* ---- reading ---- */

enum dep_kind dep_list_kind(const char *prop)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (strieq(lists[i].prop, prop))
			return lists[i].kind;
	return DEP_NONE;
}

static void dep_done(struct rs_dep *dep)
{
	free(dep->name);
	free(dep->node);
	*dep = (struct rs_dep) { 0 };
}

/* One qualifier, "{..}" or "@..", at p; returns what follows, NULL when it is wrong. */
static const char *parse_qualifier(const char *p, struct rs_dep *dep)
{
	size_t n = strcspn(p + 1, *p == '{' ? "}" : "{@");
	_cleanup_free_ char *word = xstrndup(p + 1, n);
	int scope;

	if (*p == '@') {
		if (!n || dep->node)
			return NULL;
		dep->node = TAKE_PTR(word);
		return p + 1 + n;
	}
	scope = name_index(scope_names, SCOPE_COUNT, word);
	if (p[1 + n] != '}' || scope < 0)
		return NULL;
	dep->scope = (enum dep_scope)scope;
	return p + n + 2;
}

/* False: it is none; the table of properties has refused that before (props.c), so it comes from a disk. */
static bool dep_parse(const char *text, struct rs_dep *ret)
{
	struct rs_dep dep = { .name = xstrndup(text, strcspn(text, "{@")), .kind = DEP_STRONG };
	const char *p = text + strlen(dep.name);

	while (p && *p)
		p = *p == '{' || *p == '@' ? parse_qualifier(p, &dep) : NULL;
	if (p && *dep.name) {
		*ret = dep;
		return true;
	}
	dep_done(&dep);
	return false;
}

/* Already in a stronger list, for the same instances? */
static bool is_known(const struct rgm_rs *rs, const struct rs_dep *dep)
{
	for (size_t i = 0; i < rs->dep_count; i++)
		if (streq(rs->deps[i].name, dep->name) && (!rs->deps[i].node || (dep->node && streq(rs->deps[i].node, dep->node))))
			return true;
	return false;
}

void deps_done(struct rgm_rs *rs)
{
	while (rs->dep_count)
		dep_done(&rs->deps[--rs->dep_count]);
	free(rs->deps);
	free(rs->users);
	rs->deps = NULL;
	rs->users = NULL;
	rs->user_count = 0;
}

/* An element that makes no sense is left out. */
static void add_list(struct rgm_rs *rs, const char *value, enum dep_kind kind)
{
	struct strlist parts = { 0 };

	strlist_split(&parts, value, ",");
	for (size_t i = 0; i < parts.n; i++) {
		struct rs_dep dep;

		if (!dep_parse(parts.v[i], &dep))
			continue;
		if (is_known(rs, &dep)) {
			dep_done(&dep);
			continue;
		}
		dep.kind = kind;
		rs->deps = xrealloc(rs->deps, (rs->dep_count + 1) * sizeof *rs->deps);
		rs->deps[rs->dep_count++] = dep;
	}
	strlist_done(&parts);
}

void deps_read(struct rgm_rs *rs)
{
	deps_done(rs);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const char *v = rs_prop(rs, lists[i].prop);

		add_list(rs, v ? v : "", lists[i].kind);
	}
}

/* ---- the index ---- */

static int compare_name(const void *a, const void *b)
{
	return strcmp((*(struct rgm_rs *const *)a)->name, (*(struct rgm_rs *const *)b)->name);
}

static int compare_key(const void *key, const void *b)
{
	return strcmp(key, (*(struct rgm_rs *const *)b)->name);
}

static void add_user(struct rgm_rs *target, struct rgm_rs *user)
{
	if (target->user_count && target->users[target->user_count - 1] == user)
		return;
	target->users = xrealloc(target->users, (target->user_count + 1) * sizeof *target->users);
	target->users[target->user_count++] = user;
	target->rg->linked = user->rg->linked = true;
}

/* All resources, by name.  Made when the first dependency leaves its group: sorting them all at each change of a table is what many
 * groups cannot afford. */
struct by_name {
	struct rgm_rs **v;
	size_t n;
};

static struct rgm_rs *find_anywhere(struct by_name *all, const struct rgm *rgm, const char *name)
{
	struct rgm_rs **found;

	for (size_t g = 0; !all->v && g < rgm->rg_count; g++)
		all->n += rgm->rgs[g]->rs_count;
	if (!all->v) {
		size_t n = 0;

		all->v = xcalloc(all->n, sizeof *all->v);
		for (size_t g = 0; g < rgm->rg_count; g++)
			for (size_t i = 0; i < rgm->rgs[g]->rs_count; i++)
				all->v[n++] = rgm->rgs[g]->rs[i];
		qsort(all->v, all->n, sizeof *all->v, compare_name);
	}
	found = bsearch(name, all->v, all->n, sizeof *all->v, compare_key);
	return found ? *found : NULL;
}

static void index_group(struct rgm *rgm, struct rgm_rg *rg, struct by_name *all)
{
	for (size_t i = 0; i < rg->rs_count; i++)
		for (size_t k = 0; k < rg->rs[i]->dep_count; k++) {
			struct rs_dep *dep = &rg->rs[i]->deps[k];

			dep->target = rg_rs_find(rg, dep->name);
			if (!dep->target)
				dep->target = find_anywhere(all, rgm, dep->name);
			if (dep->target && dep->target->rg != rg)
				add_user(dep->target, rg->rs[i]);
		}
}

void deps_index(struct rgm *rgm)
{
	struct by_name all = { 0 };

	if (rgm->indexed == rgm->layout)
		return;
	for (size_t g = 0; g < rgm->rg_count; g++) {
		rgm->rgs[g]->linked = false;
		for (size_t i = 0; i < rgm->rgs[g]->rs_count; i++)
			rgm->rgs[g]->rs[i]->user_count = 0;
	}
	for (size_t g = 0; g < rgm->rg_count; g++)
		index_group(rgm, rgm->rgs[g], &all);
	free(all.v);
	links_index(rgm);
	rgm->indexed = rgm->layout;
}

/* ---- asking ---- */

bool dep_applies(const struct rgm *rgm, const struct rs_dep *dep, uint32_t node)
{
	return !dep->node || rgm_node_id(rgm, dep->node) == node;
}

enum dep_kind rs_dep_declared(const struct rgm_rs *rs, const struct rgm_rs *other)
{
	for (size_t i = 0; i < rs->dep_count; i++)
		if (rs->deps[i].target == other && dep_applies(rs->rg->rgm, &rs->deps[i], rs->rg->rgm->self))
			return rs->deps[i].kind;
	return DEP_NONE;
}

enum dep_kind rs_dep_kind(const struct rgm_rs *rs, const struct rgm_rs *other)
{
	enum dep_kind kind = rs_dep_declared(rs, other);

	return kind < DEP_STRONG && rs_depends_on_address(rs, other) ? DEP_STRONG : kind;
}

nodeset dep_scope(const struct rgm_rs *rs, const struct rs_dep *dep, uint32_t node)
{
	const struct rgm *rgm = rs->rg->rgm;

	if (!dep_applies(rgm, dep, node))
		return 0;
	if (dep->scope == SCOPE_LOCAL_NODE || (dep->target && dep->target->rg == rs->rg) ||
	    (dep->scope == SCOPE_FROM_RG_AFFINITIES && dep->target && rg_has_link(rs->rg, dep->target->rg, LINK_POSITIVES)))
		return node_bit(node);
	return rgm->configured;
}

/* Whose state of the target counts for the dependent's instance on that node. */
nodeset dep_nodes(const struct rgm_rs *rs, const struct rs_dep *dep, uint32_t node)
{
	return dep_scope(rs, dep, node) & rgm_up_nodes(rs->rg->rgm);
}

#define RS_MASK_ONLINE (IN(RS_ONLINE) | IN(RS_ONLINE_NOT_MONITORED) | IN(RS_MONITOR_FAILED))

static nodeset rs_nodes_in(const struct rgm_rs *rs, unsigned states)
{
	nodeset set = 0;

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (states & IN(rs->on[id].state))
			set |= node_bit(id);
	return set;
}

bool dep_met(const struct rgm_rs *rs, const struct rs_dep *dep, uint32_t node)
{
	if (!dep_applies(rs->rg->rgm, dep, node))
		return true;
	return dep->target && (rs_nodes_in(dep->target, RS_MASK_ONLINE) & dep_nodes(rs, dep, node));
}

/* Is it on its way up?  A group that waits for others is not (it says PENDING_ONLINE_BLOCKED), so nobody waits in a circle. */
static bool is_coming(const struct rgm_rs *rs, uint32_t node)
{
	return rs->on[node].state == RS_STARTING ||
	       (rs->rg->on[node].state == RG_PENDING_ONLINE && rs_enabled(rs, node) && rs->on[node].state == RS_OFFLINE);
}

/* Is it on its way down? */
static bool is_going(const struct rgm_rs *rs, uint32_t node)
{
	return rs->on[node].state == RS_STOPPING ||
	       (rs->rg->on[node].state == RG_PENDING_OFFLINE && rs->on[node].state != RS_OFFLINE && rs->on[node].state != RS_STOP_FAILED);
}

bool deps_hold_start(const struct rgm_rs *rs, uint32_t node, enum dep_kind least)
{
	for (size_t i = 0; i < rs->dep_count; i++) {
		const struct rs_dep *dep = &rs->deps[i];
		nodeset nodes = dep_nodes(rs, dep, node);

		if ((dep->target && dep->target->rg == rs->rg) || dep->kind < least)
			continue;
		if (dep->kind != DEP_WEAK && !dep_met(rs, dep, node))
			return true;
		if (dep->kind != DEP_WEAK || !dep->target || dep_met(rs, dep, node))
			continue;
		for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
			if (is_coming(dep->target, id))
				return true;
	}
	return false;
}

/* Would the user's instance on that node be without what it needs when rs stops on `node`? */
static bool is_last_for(const struct rgm_rs *user, const struct rs_dep *dep, uint32_t at, uint32_t node)
{
	nodeset nodes = dep_nodes(user, dep, at);

	return nodeset_has(nodes, node) && !(rs_nodes_in(dep->target, RS_MASK_ONLINE) & nodes & ~node_bit(node));
}

/* A lost node counts until it is dead, also where it was not seen to begin. */
static bool may_be_up(const struct rgm_rs *user, uint32_t at)
{
	enum rs_state state = user->on[at].state;

	if (state == RS_OFFLINE)
		return rs_enabled(user, at) && nodeset_has(rg_might_run(user->rg), at);
	return state != RS_STOP_FAILED;
}

/* Does this instance of a user keep rs from stopping on `node`? */
static bool user_holds(const struct rgm_rs *user, const struct rs_dep *dep, uint32_t at, uint32_t node, bool restart)
{
	if (dep->kind == DEP_OFFLINE_RESTART)
		return may_be_up(user, at) && is_last_for(user, dep, at, node);
	return !restart && is_going(user, at) && nodeset_has(dep_nodes(user, dep, at), node);
}

const struct rgm_rs *rs_stops_after(const struct rgm_rs *rs, uint32_t node, bool restart, uint32_t *ret_at)
{
	for (size_t i = 0; i < rs->user_count; i++) {
		const struct rgm_rs *user = rs->users[i];

		for (size_t k = 0; k < user->dep_count; k++) {
			if (user->deps[k].target != rs)
				continue;
			for (*ret_at = 1; *ret_at <= CMM_NODE_ID_MAX; ++*ret_at)
				if (user_holds(user, &user->deps[k], *ret_at, node, restart))
					return user;
		}
	}
	return NULL;
}

const struct rs_dep *rs_waits_for(const struct rgm_rs *rs, uint32_t node)
{
	for (size_t i = 0; i < rs->dep_count; i++)
		if (rs->deps[i].kind != DEP_WEAK && !dep_met(rs, &rs->deps[i], node))
			return &rs->deps[i];
	return NULL;
}

/* Must others know of a start, or a stop, before it begins? */
bool rs_starts_aloud(const struct rgm_rs *rs)
{
	for (size_t i = 0; i < rs->dep_count; i++)
		if (rs->deps[i].kind == DEP_OFFLINE_RESTART && rs->deps[i].target && rs->deps[i].target->rg != rs->rg)
			return true;
	return false;
}

bool rs_stops_aloud(const struct rgm_rs *rs)
{
	for (size_t i = 0; i < rs->user_count; i++)
		for (size_t k = 0; k < rs->users[i]->dep_count; k++)
			if (rs->users[i]->deps[k].target == rs && rs->users[i]->deps[k].kind == DEP_OFFLINE_RESTART)
				return true;
	return false;
}
