/* What should happen next, computed by the president alone from the replicated state.  One action a group at a time;
 * the next one follows when the state that it led to has come back through the log.  The same functions answer "explain". */
#include "rgm/model.h"

#include <stdio.h>

#define DISPLACED_S 60          /* for so long a group that made room does not come back by itself */

static void why(struct rg_action *a, const char *fmt, ...) _printf_(2, 3);
static void why(struct rg_action *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(a->why, sizeof a->why, fmt, ap);
	va_end(ap);
}

static void act(struct rg_action *a, int what, uint32_t node)
{
	a->what = what;
	a->node = node;
}

/* Others that have to be gone first: who may not be beside it, who may not be without it, who depends on it and goes, too. */
static const struct rgm_rg *in_the_way(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, bool start)
{
	for (size_t i = 0; i < rg->linked_by_count; i++) {
		const struct rgm_rg *other = rg->linked_by[i];

		if (!((RG_MASK_ONLINE | RG_MASK_PENDING) & IN(other->on[id].state)))
			continue;
		if (start ? rg_has_link(other, rg, IN(LINK_NEGATIVE)) : rg_has_link(other, rg, IN(LINK_POSITIVE) | IN(LINK_DELEGATED)) ||
		    (rg_has_link(other, rg, IN(LINK_DEPENDENCY)) && !nodeset_has(rg_goal(rgm, other), id)))
			return other;
	}
	return NULL;
}

/* A target that has to be there, or comes there first, and is still on its way. */
static const struct rgm_rg *not_yet_there(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id)
{
	for (size_t i = 0; i < rg->link_count; i++) {
		const struct rg_link *link = &rg->links[i];
		bool needed = IN(link->kind) & (IN(LINK_POSITIVE) | IN(LINK_DELEGATED));

		if (!link->target || ((RG_MASK_ONLINE | IN(RG_PENDING_ONLINE)) & IN(link->target->on[id].state)))
			continue;
		if (needed || (link->kind == LINK_DEPENDENCY && nodeset_has(rg_goal(rgm, link->target), id)))
			return link->target;
	}
	return NULL;
}

static void wait_for(const struct rgm *rgm, const struct rgm_rg *other, uint32_t id, const char *what, struct rg_action *a)
{
	act(a, ACTION_WAIT, 0);
	why(a, "waiting until resource group %s is %s on %s", other->name, what, rgm_node_name(rgm, id));
}

static void explain_start(const struct rgm *rgm, const struct rgm_rg *rg, nodeset want, uint32_t id, struct rg_action *a)
{
	_cleanup_(buf_done) struct buf others = { 0 };

	if (rg->intent == INTENT_SWITCH && nodeset_has(rg->intent_nodes, id)) {
		why(a, "%s", rg->why ? rg->why : "switched");
		return;
	}
	rg_tell_others(rgm, rg, want, &others);
	why(a, "%.300s%s%s is the first of the Nodelist that can take it%s%s", rg->why ? rg->why : "", rg->why ? "; " : "",
	    rgm_node_name(rgm, id), others.len ? "; " : "", others.len ? others.s : "");
}

static void next_start(const struct rgm *rgm, const struct rgm_rg *rg, nodeset want, nodeset online, struct rg_action *a)
{
	nodeset unsure = rg_might_run(rg);
	uint32_t id = nodeset_next(want & ~online, 0);
	char because[WHY_NOT_SIZE];
	const struct rgm_rg *other;

	if (!id)
		return;
	/* On all of them and here, too: is that more than may be? */
	if (unsure && nodeset_count(unsure | online | node_bit(id)) > rg_prop_int(rg, "Maximum_primaries")) {
		act(a, ACTION_WAIT, 0);
		why(a, "waiting until %s is fenced or dead by lease", rgm_node_name(rgm, nodeset_next(unsure, 0)));
		return;
	}
	if (rg_unprepared(rg, id)) {
		act(a, ACTION_WAIT, 0);
		why(a, "waiting until Init or Boot methods have ended on %s", rgm_node_name(rgm, id));
		return;
	}
	other = in_the_way(rgm, rg, id, true);
	if (other) {
		wait_for(rgm, other, id, "offline", a);
		return;
	}
	other = not_yet_there(rgm, rg, id);
	if (other) {
		wait_for(rgm, other, id, "online", a);
		return;
	}
	if (load_exceeds(rgm, rg, id, false, because)) {
		act(a, ACTION_WAIT, 0);
		why(a, "waiting for room on %s: %s", rgm_node_name(rgm, id), because);
		return;
	}
	act(a, ACTION_ONLINE, id);
	explain_start(rgm, rg, want, id, a);
}

static void failback(const struct rgm *rgm, const struct rgm_rg *rg, nodeset online, struct rg_action *a)
{
	nodeset ideal = rg_ideal(rgm, rg);

	act(a, ACTION_FAILBACK, 0);
	a->nodes = ideal == online ? 0 : ideal;
	why(a, a->nodes ? "Failback: a more preferred node has joined" : "Failback: it is on the most preferred node already");
}

/* A source with +++ that cannot start where its target is: the failover that it may not make alone is the target's. */
static bool is_stuck_here(const struct rgm *rgm, const struct rgm_rg *rg, const struct rgm_rg *target, uint32_t here)
{
	return rg_has_link(rg, target, IN(LINK_DELEGATED)) && rg->managed && !rg->admin_offline && rg_recovers(rg) &&
	       !rg_nodes_in(rg, ~IN(RG_OFFLINE)) && rg_recent_failures(rgm, rg, here) >= FAILURES_PER_NODE;
}

static uint32_t node_for_both(const struct rgm *rgm, const struct rgm_rg *rg, const struct rgm_rg *source, uint32_t here)
{
	nodeset refused = 0;
	uint32_t id;

	while ((id = rg_giveover_target(rgm, rg, here, refused))) {
		for (size_t i = 0; i < source->node_count; i++)
			if (source->nodelist[i] == id && rg_recent_failures(rgm, source, id) < FAILURES_PER_NODE)
				return id;
		refused |= node_bit(id);
	}
	return 0;
}

static bool delegated_failover(const struct rgm *rgm, const struct rgm_rg *rg, nodeset online, struct rg_action *a)
{
	uint32_t here = nodeset_next(online, 0), id = 0;

	for (size_t i = 0; i < rg->linked_by_count && nodeset_count(online) == 1 && !id; i++) {
		if (!is_stuck_here(rgm, rg->linked_by[i], rg, here))
			continue;
		id = node_for_both(rgm, rg, rg->linked_by[i], here);
		act(a, ACTION_FAILBACK, 0);
		a->nodes = node_bit(id ? id : here);
		why(a, "resource group %s (+++%s) failed to start on %s, so both move", rg->linked_by[i]->name, rg->name,
		    rgm_node_name(rgm, here));
	}
	if (!id)
		act(a, ACTION_NONE, 0);
	return id;
}

static void stop(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, const char *reason, struct rg_action *a)
{
	const struct rgm_rg *other = in_the_way(rgm, rg, id, false);
	char because[WHY_NOT_SIZE];

	if (other) {
		wait_for(rgm, other, id, "offline", a);
		return;
	}
	act(a, ACTION_OFFLINE, id);
	if (rg_excluded(rgm, rg, id, because))
		why(a, "%s", because);
	else if (rgm->node[id].draining)
		why(a, "%s is about to leave", rgm_node_name(rgm, id));
	else
		why(a, "%s", rg->why ? rg->why : reason);
}

#define RESTS "; it rests: "

/* It should be somewhere, and no node may have it: it rests, and everybody can read why and what to do. */
static void rest(const struct rgm *rgm, const struct rgm_rg *rg, struct rg_action *a)
{
	_cleanup_(buf_done) struct buf others = { 0 };
	bool failed = false;
	int before = 0;

	for (size_t i = 0; i < rg->node_count; i++)
		failed |= rg_recent_failures(rgm, rg, rg->nodelist[i]) >= FAILURES_PER_NODE;
	if (rg_recovers(rg))
		rg_tell_others(rgm, rg, 0, &others);
	else
		buf_puts(&others, rg->quiesced ? "it was quiesced" : "Suspend_automatic_recovery is TRUE");
	if (rg->why)            /* what led to it, without what was said of an earlier rest */
		before = strstr(rg->why, RESTS) ? (int)(strstr(rg->why, RESTS) - rg->why) : (int)strlen(rg->why);
	why(a, "%.*s%s%s%s%s", MIN(before, 300), rg->why ? rg->why : "", RESTS, others.len ? others.s : "Desired_primaries is 0",
	    failed ? "; remove the cause, then scswitch -Z -g " : "", failed ? rg->name : "");
	if (!rg->why || !streq(rg->why, a->why))
		act(a, ACTION_REST, 0);
}

/* No node has room for it, but one could have. */
static bool preempt(const struct rgm *rgm, const struct rgm_rg *rg, struct rg_action *a)
{
	struct room room;

	if (!rg_recovers(rg) || rg_prop_int(rg, "Desired_primaries") < 1 || !load_make_best_room(rgm, rg, &room))
		return false;
	assert(room.count);
	act(a, ACTION_PREEMPT, room.node);
	why(a, "waiting until resource group %s makes room on %s", room.victims[0]->name, rgm_node_name(rgm, room.node));
	return true;
}

void rg_next_action(const struct rgm *rgm, const struct rgm_rg *rg, struct rg_action *ret)
{
	nodeset up = rgm_up_nodes(rgm), online = rg_nodes_in(rg, RG_MASK_ONLINE) & up, want;
	uint32_t id;

	*ret = (struct rg_action) { .what = ACTION_NONE };
	if (!rg->managed || rg_nodes_in(rg, IN(RG_ERROR_STOP_FAILED)))
		return;
	if (rgm->forming || (rg_nodes_in(rg, RG_MASK_PENDING) & up)) {
		act(ret, ACTION_WAIT, 0);
		why(ret, rgm->forming ? "waiting until all members have joined" : "methods are running");
		return;
	}
	if (rg->fresh && rg->intent == INTENT_NONE && !rg->admin_offline && rg_unprepared_nodes(rg)) {
		act(ret, ACTION_WAIT, 0);
		why(ret, "waiting until Boot methods have ended on %s", rgm_node_name(rgm, nodeset_next(rg_unprepared_nodes(rg), 0)));
		return;
	}
	want = rg_want(rgm, rg);
	id = nodeset_next(online & (rg->restart | ~want), 0);
	if (id) {
		stop(rgm, rg, id, nodeset_has(rg->restart, id) ? "restart" : "it is wanted elsewhere", ret);
		return;
	}
	if (rg_recovers(rg) && rg->intent == INTENT_NONE && !rg->admin_offline && !rg_might_run(rg) &&
	    delegated_failover(rgm, rg, online, ret))
		return;
	if (rg->failback_due && rg_recovers(rg) && rg->intent == INTENT_NONE && !rg->admin_offline && !rg_might_run(rg) &&
	    !rg_unprepared_nodes(rg)) {
		failback(rgm, rg, online, ret);
		return;
	}
	if (want || online || rg->admin_offline || rg_might_run(rg))
		next_start(rgm, rg, want, online, ret);
	else if (!preempt(rgm, rg, ret))
		rest(rgm, rg, ret);
}

json_t *decision(struct rgm_rg *rg, const char *what, const char *reason, int64_t wall_ms)
{
	return ju_pack("{ss,si,ss,sI,ss,ss,sI}", "t", "rgm.dec", "v", 1, "rg", rg->name, "ver", (json_int_t)rg->ver, "do", what,
		       "why", reason, "at", (json_int_t)wall_ms);
}

/* What the decision looked at beside its own group: all that the links lead to, and those that lead here. */
static void add_seen(struct rgm_rg *rg, json_t *seen, bool first)
{
	if (!first) {
		if (json_object_get(seen, rg->name))
			return;
		ju_set_int(seen, rg->name, (int64_t)rg->ver);
	}
	for (size_t i = 0; i < rg->link_count; i++)
		if (rg->links[i].target)
			add_seen(rg->links[i].target, seen, false);
	for (size_t i = 0; first && i < rg->linked_by_count; i++)
		add_seen(rg->linked_by[i], seen, false);
}

/* A target that is about to change: what it leads to is not worth deciding on before. */
static bool target_moves(const struct rgm_rg *rg)
{
	for (size_t i = 0; i < rg->link_count; i++)
		if (rg->links[i].target && rg->links[i].target != rg && rg->links[i].target->decided_ver == rg->links[i].target->ver)
			return true;
	return false;
}

static json_t *action_message(struct rgm *rgm, struct rgm_rg *rg, const struct rg_action *a)
{
	json_t *m, *seen;

	switch (a->what) {
	case ACTION_ONLINE: case ACTION_OFFLINE:
		m = decision(rg, a->what == ACTION_ONLINE ? "online" : "offline", a->why, rgm->now_ms);
		ju_set_int(m, "node", a->node);
		break;
	case ACTION_FAILBACK:
		m = decision(rg, a->nodes ? "failback" : "no_failback", a->nodes ? a->why : rg->why ? rg->why : "", rgm->now_ms);
		ju_set_new(m, "nodes", nodeset_to_json(a->nodes));
		break;
	case ACTION_REST:
		m = decision(rg, "rest", a->why, rgm->now_ms);
		break;
	default:
		return NULL;
	}
	seen = json_object();
	add_seen(rg, seen, true);
	json_object_del(seen, rg->name);
	if (json_object_size(seen))
		ju_set_new(m, "seen", seen);
	else
		json_decref(seen);
	return m;
}

/* Whoever has to go is told so; where it goes then is decided as ever.  The group itself waits. */
static void displace(struct rgm *rgm, struct rgm_rg *rg, uint32_t node, struct rgm_update *u)
{
	_cleanup_free_ char *reason = xasprintf("makes room on %s for resource group %s, whose Priority is %lld", rgm_node_name(rgm, node),
						rg->name, (long long)rg->priority);
	struct room room;

	if (!load_make_room(rgm, rg, node, &room))
		return;
	for (size_t i = 0; i < room.count; i++) {
		struct rgm_rg *victim = room.victims[i];
		json_t *m;

		if (victim->decided_ver == victim->ver)
			continue;
		victim->decided_ver = victim->ver;
		m = decision(victim, "preempt", reason, rgm->now_ms);
		ju_set_int(m, "node", node);
		ju_set_int(m, "until", rgm->now_ms + DISPLACED_S * 1000);
		u_send(u, m);
	}
}

/* Targets of links come first: what follows from them is decided when they have moved. */
static void decide_group(struct rgm *rgm, struct rgm_rg *rg, struct rgm_update *u)
{
	struct rg_action a;
	json_t *m;

	if (rg->mark)
		return;
	rg->mark = 1;
	for (size_t i = 0; i < rg->link_count; i++)
		if (rg->links[i].target)
			decide_group(rgm, rg->links[i].target, u);
	if (rg->decided_ver == rg->ver || rg->idle_ver == rg_root(rg)->component_ver || target_moves(rg))
		return;
	rg_next_action(rgm, rg, &a);
	if (a.what == ACTION_PREEMPT)
		displace(rgm, rg, a.node, u);
	m = action_message(rgm, rg, &a);
	if (!m) {       /* what it looks at does not change without a version, and versions only rise */
		rg->idle_ver = rg_root(rg)->component_ver;
		return;
	}
	rg->decided_ver = rg->ver;
	u_send(u, m);
}

void rgm_decide(struct rgm *rgm, struct rgm_update *u)
{
	deps_index(rgm);
	for (size_t g = 0; g < rgm->rg_count; g++)
		rgm->rgs[g]->mark = rgm->rgs[g]->component_ver = 0;
	for (size_t g = 0; g < rgm->rg_count; g++)
		rg_root(rgm->rgs[g])->component_ver += rgm->rgs[g]->ver;
	for (size_t g = 0; g < rgm->rg_count; g++)
		decide_group(rgm, rgm->by_priority[g], u);
}

/* Nobody comes back for it, but what has no other node may have been waiting. */
static void end_holds(struct rgm *rgm, struct rgm_update *u)
{
	nodeset ended = 0;

	for (size_t g = 0; g < rgm->rg_count; g++)
		for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
			if (rgm->rgs[g]->on[id].held_until && rgm->rgs[g]->on[id].held_until <= rgm->now_ms)
				ended |= node_bit(id);
	for (uint32_t id = nodeset_next(ended, 0); id; id = nodeset_next(ended, id))
		u_send(u, ju_pack("{ss,si,sI,sI}", "t", "rgm.hold", "v", 1, "node", (json_int_t)id, "ended", (json_int_t)rgm->now_ms));
	rgm->hold_ends_ms = next_hold_end(rgm, rgm->now_ms);
}

void rgm_preside(struct rgm *rgm, bool is_president, struct rgm_update *u)
{
	if (is_president != rgm->presiding) {
		rgm->presiding = is_president;
		ops_drop(rgm);
		rgm->node_drain_orphaned = true;        /* who asked for it asks again */
		for (size_t g = 0; g < rgm->rg_count; g++)
			rgm->rgs[g]->decided_ver = rgm->rgs[g]->idle_ver = 0;
	}
	if (!is_president)
		return;
	if (rgm->node_drain_orphaned) {
		rgm->node_drain_orphaned = false;
		if (rgm_draining_nodes(rgm))
			u_send(u, ju_pack("{ss,si,so,sb}", "t", "rgm.drain", "v", 1, "nodes", nodeset_to_json(rgm_draining_nodes(rgm)), "on", false));
	}
	if (rgm->hold_ends_ms && rgm->hold_ends_ms <= rgm->now_ms)
		end_holds(rgm, u);
	deps_index(rgm);
	ops_advance(rgm, u);
	rgm_decide(rgm, u);
}
