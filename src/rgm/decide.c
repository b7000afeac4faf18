/* What should happen next, computed by the president alone from the replicated state.  One action a group at a time;
 * the next one follows when the state that it led to has come back through the log.  The same functions answer "explain". */
#include "rgm/model.h"

#include <stdio.h>

static unsigned recent_failures(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id)
{
	int64_t interval_ms = rg_prop_int(rg, "Pingpong_interval") * 1000;
	unsigned n = 0;

	for (size_t i = 0; i < FAILURES_PER_NODE; i++)
		if (rg->on[id].failures[i] && rg->on[id].failures[i] + interval_ms > rgm->now_ms)
			n++;
	return n;
}

static bool types_installed(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id)
{
	for (size_t i = 0; i < rg->rs_count; i++) {
		const struct strlist *nodes = &rg->rs[i]->rt->installed_nodes;

		if (nodes->n && !strlist_has(nodes, rgm_node_name(rgm, id)))
			return false;
	}
	return true;
}

static bool is_candidate(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id)
{
	return rgm->node[id].state == NODE_UP && rg->on[id].state != RG_ERROR_STOP_FAILED && types_installed(rgm, rg, id);
}

/* Choice of nodes: where it is already, then the fewest start failures, then the order of the Nodelist. */
static nodeset automatic_nodes(const struct rgm *rgm, const struct rgm_rg *rg, bool stay)
{
	int64_t desired = rg_prop_int(rg, "Desired_primaries");
	nodeset online = rg_nodes_in(rg, RG_MASK_ONLINE | IN(RG_PENDING_ONLINE)), want = 0;

	for (int pass = stay ? 0 : 1; pass <= FAILURES_PER_NODE && desired > 0; pass++) {
		for (size_t i = 0; i < rg->node_count && desired > 0; i++) {
			uint32_t id = rg->nodelist[i];
			bool here = nodeset_has(online, id);

			if (nodeset_has(want, id) || !is_candidate(rgm, rg, id))
				continue;
			if (pass == 0 ? !here : recent_failures(rgm, rg, id) != (unsigned)pass - 1)
				continue;
			want |= node_bit(id);
			desired--;
		}
	}
	return want;
}

/* All checks of a giveover except Monitor_check: not where it failed to start or was given over from a short while ago. */
uint32_t rg_giveover_target(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t from, nodeset refused)
{
	int64_t interval_ms = rg_prop_int(rg, "Pingpong_interval") * 1000;

	for (size_t i = 0; i < rg->node_count; i++) {
		uint32_t id = rg->nodelist[i];

		if (id != from && !nodeset_has(refused, id) && is_candidate(rgm, rg, id) && rg->on[id].state == RG_OFFLINE &&
		    recent_failures(rgm, rg, id) < FAILURES_PER_NODE &&
		    (!rg->on[id].gave_over || rg->on[id].gave_over + interval_ms <= rgm->now_ms))
			return id;
	}
	return 0;
}

/* A lost node may run any group that it may run at all until it is declared dead: it may have received decisions at its end
 * of the broken log that nobody else has, and have acted on them. */
static nodeset might_run(const struct rgm *rgm, const struct rgm_rg *rg)
{
	nodeset set = 0;

	for (size_t i = 0; i < rg->node_count; i++) {
		uint32_t id = rg->nodelist[i];

		if (rgm->node[id].state == NODE_LOST)
			set |= node_bit(id);
	}
	return set;
}

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

static void next_start(const struct rgm *rgm, const struct rgm_rg *rg, nodeset want, nodeset online, struct rg_action *a)
{
	nodeset unsure = might_run(rgm, rg);
	uint32_t id = nodeset_next(want & ~online, 0);

	if (!id)
		return;
	if (unsure) {
		act(a, ACTION_WAIT, 0);
		why(a, "waiting until %s is fenced or dead by lease", rgm_node_name(rgm, nodeset_next(unsure, 0)));
		return;
	}
	act(a, ACTION_ONLINE, id);
	if (rg->intent == INTENT_SWITCH)
		why(a, "%s", rg->why ? rg->why : "switched");
	else
		why(a, "%s%s%s is the first of the Nodelist that can take it", rg->why ? rg->why : "", rg->why ? "; " : "",
		    rgm_node_name(rgm, id));
}

static void failback(const struct rgm *rgm, const struct rgm_rg *rg, nodeset online, struct rg_action *a)
{
	nodeset ideal = automatic_nodes(rgm, rg, false);

	act(a, ACTION_FAILBACK, 0);
	a->nodes = ideal == online ? 0 : ideal;
	why(a, a->nodes ? "Failback: a more preferred node has joined" : "Failback: it is on the most preferred node already");
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
	id = nodeset_next(rg->restart & online, 0);
	if (id) {
		act(ret, ACTION_OFFLINE, id);
		why(ret, "%s", rg->why ? rg->why : "restart");
		return;
	}
	want = rg->intent == INTENT_SWITCH ? rg->intent_nodes & up
	       : rg->admin_offline	   ? 0
					   : automatic_nodes(rgm, rg, true);
	id = nodeset_next(online & ~want, 0);
	if (id) {
		act(ret, ACTION_OFFLINE, id);
		why(ret, "%s", rg->why ? rg->why : "it is wanted elsewhere");
		return;
	}
	if (rg->failback_due && rg->intent == INTENT_NONE && !rg->admin_offline && !might_run(rgm, rg)) {
		failback(rgm, rg, online, ret);
		return;
	}
	next_start(rgm, rg, want, online, ret);
}

json_t *decision(struct rgm_rg *rg, const char *what, const char *reason, int64_t wall_ms)
{
	return ju_pack("{ss,si,ss,sI,ss,ss,sI}", "t", "rgm.dec", "v", 1, "rg", rg->name, "ver", (json_int_t)rg->ver, "do", what,
		       "why", reason, "at", (json_int_t)wall_ms);
}

static void decide_group(struct rgm *rgm, struct rgm_rg *rg, struct rgm_update *u)
{
	struct rg_action a;
	json_t *m;

	if (rg->decided_ver == rg->ver)
		return;
	rg_next_action(rgm, rg, &a);
	switch (a.what) {
	case ACTION_NONE: case ACTION_WAIT:
		return;
	case ACTION_ONLINE: case ACTION_OFFLINE:
		m = decision(rg, a.what == ACTION_ONLINE ? "online" : "offline", a.why, rgm->now_ms);
		ju_set_int(m, "node", a.node);
		break;
	case ACTION_FAILBACK:
		m = decision(rg, a.nodes ? "failback" : "no_failback", a.nodes ? a.why : rg->why ? rg->why : "", rgm->now_ms);
		ju_set_new(m, "nodes", nodeset_to_json(a.nodes));
		break;
	default:
		return;
	}
	rg->decided_ver = rg->ver;
	u_send(u, m);
}

void rgm_decide(struct rgm *rgm, struct rgm_update *u)
{
	for (size_t g = 0; g < rgm->rg_count; g++)
		decide_group(rgm, rgm->rgs[g], u);
}

void rgm_preside(struct rgm *rgm, bool is_president, struct rgm_update *u)
{
	if (is_president != rgm->presiding) {
		rgm->presiding = is_president;
		ops_drop(rgm);
		for (size_t g = 0; g < rgm->rg_count; g++)
			rgm->rgs[g]->decided_ver = 0;
	}
	if (!is_president)
		return;
	ops_advance(rgm, u);
	rgm_decide(rgm, u);
}
