/* Why a group is where it is, why not elsewhere, what it waits for and what a person can do.  Asked of the functions that decide
 * (place.c, decide.c), so it cannot say something else than what is done. */
#include "rgm/model.h"

#include <stdio.h>

static json_t *verdict(const char *is, const char *why)
{
	return ju_pack("{ss,ss}", "verdict", is, "why", why);
}

/* Who is suspended was quiesced with that. */
static bool is_suspended(const struct rgm_rg *rg)
{
	return rg_prop_bool(rg, "Suspend_automatic_recovery");
}

/* The node that would be taken first. */
static uint32_t first_of(const struct rgm_rg *rg, nodeset set)
{
	for (size_t i = 0; i < rg->node_count; i++)
		if (nodeset_has(set, rg->nodelist[i]))
			return rg->nodelist[i];
	return 0;
}

static json_t *here(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, nodeset want)
{
	char why[WHY_NOT_SIZE];
	_cleanup_free_ char *text = NULL;

	if (rg_must_leave(rgm, rg, id, why)) {
		text = xasprintf("it has to leave: %s", why);
		return verdict("here", text);
	}
	if (nodeset_has(rg->restart, id))
		return verdict("here", "it is to be restarted here");
	if (nodeset_has(want, id))
		return verdict("here", "it stays: a group is not moved without need");
	if (rg->admin_offline)
		return verdict("here", "it has to leave: it was switched off");
	text = xasprintf("it is wanted on %s", want ? rgm_node_name(rgm, first_of(rg, want)) : "no node");
	return verdict("here", text);
}

/* It may be there; why is it not? */
static json_t *could(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, nodeset want)
{
	uint32_t chosen = first_of(rg, want);
	_cleanup_free_ char *text = NULL;

	if (rg->admin_offline)
		return verdict("could", "but the group was switched off");
	if (rg->intent == INTENT_SWITCH)
		text = xasprintf("but it was sent to %s", rgm_node_name(rgm, chosen));
	else if (!rg_recovers(rg))
		return verdict("could", is_suspended(rg) ? "but its recovery is suspended: it comes to no node by itself"
							 : "but the group was quiesced: it comes to no node by itself");
	else if (chosen)
		text = xasprintf("but %s is preferred: %s", rgm_node_name(rgm, chosen), rg_preferred_because(rgm, rg, chosen, id));
	else
		return verdict("could", "but Desired_primaries is 0");
	return verdict("could", text);
}

static json_t *about_node(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, nodeset want)
{
	char why[WHY_NOT_SIZE];
	json_t *o;

	if (!rg->managed)
		o = verdict("not", "the group is unmanaged");
	else if (RG_MASK_HERE & IN(rg->on[id].state))
		o = here(rgm, rg, id, want);
	else if (rg->on[id].state == RG_PENDING_OFFLINE)
		o = verdict("here", "it is going offline here");
	else if (rg_why_not(rgm, rg, id, why))
		o = verdict("not", why);
	else if (nodeset_has(want, id))
		o = verdict("next", rg->intent == INTENT_SWITCH ? "it was sent here" : "it is the best of those that may take it");
	else
		o = could(rgm, rg, id, want);
	ju_set_str(o, "node", rgm_node_name(rgm, id));
	ju_set_str(o, "state", rg_state_names[rg->managed ? rg->on[id].state : RG_UNMANAGED]);
	ju_set_int(o, "failed_starts", rg_recent_failures(rgm, rg, id));
	ju_set_bool(o, "gave_over", rg->on[id].gave_over && rg->on[id].gave_over + rg_prop_int(rg, "Pingpong_interval") * 1000 > rgm->now_ms);
	return o;
}

/* ---- what it waits for ---- */

static void waits(json_t *list, const char *cure, const char *fmt, ...) _printf_(3, 4);
static void waits(json_t *list, const char *cure, const char *fmt, ...)
{
	va_list ap;
	char *what;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	ju_push(list, ju_pack("{ss,ss}", "what", what, "cure", cure));
	free(what);
}

static char *cure_of_dependency(const struct rgm_rs *rs, const struct rs_dep *dep, uint32_t id)
{
	const struct rgm_rs *p = dep->target;

	if (!p)
		return xasprintf("there is no resource %s: create it, or take it out of the list of dependencies", dep->name);
	if (!switch_nodes(p, &p->enabled))
		return xasprintf("clresource enable %s", p->name);
	if (!(switch_nodes(p, &p->enabled) & dep_scope(rs, dep, id)))
		return xasprintf("clresource enable -n %s %s", rgm_node_name(rs->rg->rgm, id), p->name);
	return xasprintf("clresourcegroup explain %s", p->rg->name);
}

static const struct { enum rs_state state; const char *what; } stages[] = {
	{ RS_STARTING, "is starting" }, { RS_STOPPING, "is stopping" },
};

/* True: it stops after another one. */
static bool stop_waits(const struct rgm *rgm, const struct rgm_rs *rs, uint32_t id, json_t *list)
{
	uint32_t at;
	const struct rgm_rs *user = rs_stops_after(rs, id, false, &at);
	const char *node = rgm_node_name(rgm, id), *there = user ? rgm_node_name(rgm, at) : "";

	if (!user)
		return false;
	if (rgm->node[at].state == NODE_LOST)
		waits(list, "it goes on by itself", "resource %s stops on %s when %s, which may run %s, is fenced or dead by lease", rs->name,
		      node, there, user->name);
	else
		waits(list, "it goes on by itself", "resource %s stops on %s after %s on %s", rs->name, node, user->name, there);
	return true;
}

static void resource_waits(const struct rgm *rgm, const struct rgm_rs *rs, uint32_t id, json_t *list)
{
	const struct rs_dep *dep = rs_enabled(rs, id) && (RG_MASK_HERE & IN(rs->rg->on[id].state)) && rs->on[id].state == RS_OFFLINE ?
					   rs_waits_for(rs, id) : NULL;
	const char *node = rgm_node_name(rgm, id);
	_cleanup_free_ char *cure = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (rs->on[id].state == stages[i].state && (rs->on[id].state != RS_STOPPING || !stop_waits(rgm, rs, id, list)))
			waits(list, "it goes on by itself", "resource %s %s on %s", rs->name, stages[i].what, node);
	if (rs->on[id].state == RS_STOP_FAILED) {
		cure = xasprintf("end what is left of %s on %s by hand, then clresource clear -n %s %s", rs->name, node, node, rs->name);
		waits(list, cure, "resource %s failed to stop on %s: nothing of the group moves before that is cleared", rs->name, node);
	} else if (rs->on[id].state == RS_START_FAILED) {
		cure = xasprintf("remove the cause, then clresourcegroup restart -n %s %s", node, rs->rg->name);
		waits(list, cure, "resource %s failed to start on %s", rs->name, node);
	} else if (rs->on[id].state == RS_MONITOR_FAILED) {
		cure = xasprintf("remove the cause, then clresource unmonitor %s, clresource monitor %s", rs->name, rs->name);
		waits(list, cure, "the monitor of resource %s failed to start on %s", rs->name, node);
	} else if (dep) {
		cure = cure_of_dependency(rs, dep, id);
		waits(list, cure, "resource %s waits on %s until %s is online%s (%s dependency)", rs->name, node, dep->name,
		      nodeset_count(dep_nodes(rs, dep, id)) == 1 ? " there" : "", dep_kind_names[dep->kind]);
	}
}

static bool starts_failed(const struct rgm *rgm, const struct rgm_rg *rg)
{
	for (size_t i = 0; i < rg->node_count; i++)
		if (rg_recent_failures(rgm, rg, rg->nodelist[i]) >= FAILURES_PER_NODE)
			return true;
	return false;
}

/* A target that comes nowhere, which a strong affinity needs. */
static const struct rgm_rg *missing_target(const struct rgm *rgm, const struct rgm_rg *rg)
{
	for (size_t i = 0; i < rg->link_count; i++)
		if (IN(rg->links[i].kind) & (IN(LINK_POSITIVE) | IN(LINK_DELEGATED)) && rg->links[i].target && !rg_goal(rgm, rg->links[i].target))
			return rg->links[i].target;
	return NULL;
}

static void nowhere(const struct rgm *rgm, const struct rgm_rg *rg, json_t *list)
{
	const struct rgm_rg *target = missing_target(rgm, rg);
	_cleanup_free_ char *elsewhere = target ? xasprintf("clresourcegroup explain %s", target->name) : NULL;
	_cleanup_free_ char *online = xasprintf("clresourcegroup online %s", rg->name);
	_cleanup_free_ char *anew = xasprintf("remove the cause of the failed start, then clresourcegroup online %s", rg->name);
	_cleanup_free_ char *resume = xasprintf("clresourcegroup resume %s", rg->name);
	_cleanup_free_ char *desired = xasprintf("clresourcegroup set -p Desired_primaries=1 %s", rg->name);

	if (rg->admin_offline)
		waits(list, online, "it was switched off, and stays so until somebody brings it online");
	else if (is_suspended(rg))
		waits(list, resume, "its recovery is suspended: it goes nowhere by itself");
	else if (rg->quiesced)
		waits(list, online, "it was quiesced, and goes nowhere by itself until somebody asks or a node comes or goes");
	else if (!rg_prop_int(rg, "Desired_primaries"))
		waits(list, desired, "Desired_primaries is 0");
	else if (target)
		waits(list, elsewhere, "it may only be where %s is, and that is online nowhere", target->name);
	else
		waits(list, starts_failed(rgm, rg) ? anew : "what is said of the nodes above; it starts as soon as one of them may have it",
		      "no node may have it now");
}

static void group_waits(const struct rgm *rgm, const struct rgm_rg *rg, json_t *list)
{
	_cleanup_free_ char *manage = xasprintf("clresourcegroup online -eM %s", rg->name);
	_cleanup_free_ char *resume = xasprintf("clresourcegroup resume %s", rg->name);
	nodeset busy = rg_nodes_in(rg, RG_MASK_PENDING | RG_MASK_ONLINE | IN(RG_ERROR_STOP_FAILED));
	struct rg_action a;

	if (!rg->managed) {
		waits(list, manage, "it is unmanaged");
		return;
	}
	rg_next_action(rgm, rg, &a);
	if (a.what == ACTION_WAIT && !(busy & rg_nodes_in(rg, RG_MASK_PENDING)))
		waits(list, "it goes on by itself", "%s", a.why);
	for (uint32_t id = nodeset_next(busy, 0); id; id = nodeset_next(busy, id))
		for (size_t i = 0; i < rg->rs_count; i++)
			resource_waits(rgm, rg->rs[i], id, list);
	if (!busy && a.what != ACTION_WAIT && a.what != ACTION_ONLINE)
		nowhere(rgm, rg, list);
	else if (is_suspended(rg))
		waits(list, resume, "its recovery is suspended: it does not move by itself");
	else if (rg->quiesced)
		waits(list, "whatever is asked for next, or a node that comes or goes", "it was quiesced: it does not move by itself");
}

static json_t *names_of(const struct rgm *rgm, nodeset set)
{
	json_t *names = json_array();

	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))
		ju_push(names, json_string(rgm_node_name(rgm, id)));
	return names;
}

json_t *rgm_explain(const struct rgm *rgm, const char *name)
{
	const struct rgm_rg *rg = rg_find(rgm, name);
	json_t *nodes, *list;
	nodeset listed = 0, want;

	if (!rg)
		return NULL;
	deps_index((struct rgm *)rgm);  /* a cache, no state */
	want = rg->managed ? rg_want(rgm, rg) : 0;
	nodes = json_array();
	list = json_array();
	for (size_t i = 0; i < rg->node_count; i++) {
		ju_push(nodes, about_node(rgm, rg, rg->nodelist[i], want));
		listed |= node_bit(rg->nodelist[i]);
	}
	group_waits(rgm, rg, list);
	return ju_pack("{ss,sb,so,ss,so,so,so}", "group", rg->name, "managed", rg->managed, "online",
		       names_of(rgm, rg_nodes_in(rg, RG_MASK_ONLINE)), "why", rg->why ? rg->why : "", "nodes", nodes, "outside",
		       names_of(rgm, rgm->configured & ~listed), "waits", list);
}
