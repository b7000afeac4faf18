/* Requests that move groups and resources, scha_control among them; and how requests end. */
#include "rgm/ops.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define EVACUATION_HOLD_S 60    /* for that long after an evacuation nothing comes back by itself */
#define HOLD_LEAST_S      1     /* also when 0 was asked for: what moves the groups away is that the node is held */

/* A group that failed to stop is what the request ends with. */
static bool stop_failed(const struct rgm *rgm, struct op *op, const struct rgm_rg *rg)
{
	nodeset bad = rg_nodes_in(rg, IN(RG_ERROR_STOP_FAILED));

	if (bad)
		op_fail(op, SCHA_ERR_FAIL, "resource group %s failed to stop on %s (ERROR_STOP_FAILED)", rg->name,
			rgm_node_name(rgm, nodeset_next(bad, 0)));
	return bad;
}

/* ---- switching groups ---- */

json_t *by_hand(struct rgm *rgm, struct rgm_rg *rg, const struct op *op, const char *what, const char *text)
{
	_cleanup_free_ char *why = xasprintf("%s by %s", text, ju_str(op->request, "by", "somebody"));
	json_t *m = decision(rg, what, why, rgm->now_ms);

	ju_set_bool(m, "by_hand", true);
	return m;
}

/* What a group asks for itself is not set aside by hand, nor is a load limit; what others ask moves them. */
static int check_affinities(const struct rgm *rgm, struct op *op, const struct rgm_rg *rg, nodeset nodes)
{
	char why[WHY_NOT_SIZE];

	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
		if (rg_excluded(rgm, rg, id, why))
			return op_fail(op, SCHA_ERR_STATE, "resource group %s may not be online on %s (RG_affinities %s)", rg->name,
				       rgm_node_name(rgm, id), why);
		else if (rg->on[id].state == RG_OFFLINE && load_exceeds(rgm, rg, id, true, why))
			return op_fail(op, SCHA_ERR_STATE, "resource group %s may not be online on %s (%s)", rg->name,
				       rgm_node_name(rgm, id), why);
	for (size_t i = 0; i < rg->link_count; i++)
		if (rg->links[i].kind == LINK_DEPENDENCY && rg->links[i].target && !rg_nodes_in(rg->links[i].target, ~IN(RG_OFFLINE)))
			return op_fail(op, SCHA_ERR_DEPEND, "resource group %s depends on %s, which is offline: bring that online first",
				       rg->name, rg->links[i].name);
	return 0;
}

static int check_off(struct op *op, const struct rgm_rg *rg)
{
	if (need_not_system(op, rg) < 0)
		return -EINVAL;
	for (size_t i = 0; i < rg->linked_by_count; i++)
		if (rg_has_link(rg->linked_by[i], rg, IN(LINK_DEPENDENCY)) && rg_nodes_in(rg->linked_by[i], RG_MASK_ONLINE | IN(RG_PENDING_ONLINE)))
			return op_fail(op, SCHA_ERR_DEPEND, "resource group %s is online and depends on %s: switch it off first",
				       rg->linked_by[i]->name, rg->name);
	return 0;
}

/* The best ones; when there are none the first member of the Nodelist: a person may try what failed before. */
static nodeset preferred_nodes(const struct rgm *rgm, const struct rgm_rg *rg)
{
	nodeset nodes = rg_ideal(rgm, rg);

	for (size_t i = 0; i < rg->node_count && !nodes; i++)
		if (nodeset_has(rgm_up_nodes(rgm), rg->nodelist[i]))
			nodes = node_bit(rg->nodelist[i]);
	return nodes;
}

int start_group_switch(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	bool preferred = ju_bool(op->request, "preferred", false);
	struct rgm_rg *rg = need_rg(rgm, op);
	nodeset nodes, down, leaving;
	json_t *m;

	if (!rg || need_steady(rgm, op, rg) < 0 || parse_nodes(rgm, op, rg, &nodes) < 0)
		return -EINVAL;
	if (!rg->managed)
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is unmanaged: scswitch -o -g %s (or -Z) first", rg->name,
			       rg->name);
	if (!nodes && preferred)
		nodes = preferred_nodes(rgm, rg);
	if (nodes ? check_affinities(rgm, op, rg, nodes) < 0 : (!preferred && check_off(op, rg) < 0))
		return -EINVAL;
	down = nodes & ~rgm_up_nodes(rgm);
	if (down)
		return op_fail(op, SCHA_ERR_NODE, "node %s is not a member of the cluster now",
			       rgm_node_name(rgm, nodeset_next(down, 0)));
	leaving = preferred ? 0 : nodes & rgm_draining_nodes(rgm);
	if (leaving)
		return op_fail(op, SCHA_ERR_NODE, "node %s is about to leave", rgm_node_name(rgm, nodeset_next(leaving, 0)));
	if (nodeset_count(nodes) > rg_prop_int(rg, "Maximum_primaries"))
		return op_fail(op, SCHA_ERR_INVAL, "resource group %s may be online on %s at a time (Maximum_primaries is %lld)", rg->name,
			       rg_is_scalable(rg) ? "no more nodes" : "one node", (long long)rg_prop_int(rg, "Maximum_primaries"));
	if (!nodes && preferred)        /* none of its nodes is here: it starts when one is */
		m = by_hand(rgm, rg, op, "auto", "brought online");
	else
		m = by_hand(rgm, rg, op, nodes ? "switch" : "off", nodes ? "switched" : "switched off");
	ju_set_new(m, "nodes", nodeset_to_json(nodes));
	op_decide(op, m, u);
	return 0;
}

int start_group_offline(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	if (!rg || need_steady(rgm, op, rg) < 0 || check_off(op, rg) < 0)
		return -EINVAL;
	op_decide(op, by_hand(rgm, rg, op, "off", "switched off"), u);
	return 0;
}

int start_group_restart(struct rgm *rgm, struct op *op, struct rgm_update *u)
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

int start_evacuate(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const char *name = ju_str(op->request, "node", "");
	uint32_t node = rgm_node_id(rgm, name);
	_cleanup_free_ char *why = xasprintf("%s was evacuated by %s", name, ju_str(op->request, "by", "somebody"));
	int64_t seconds = MAX((int64_t)HOLD_LEAST_S, ju_int(op->request, "seconds", EVACUATION_HOLD_S));

	if (!node)
		return op_fail(op, SCHA_ERR_NODE, "node %s is not in the configuration", name);
	op_decide(op, ju_pack("{ss,si,sI,sI,ss}", "t", "rgm.hold", "v", 1, "node", (json_int_t)node, "until",
			      (json_int_t)(rgm->now_ms + seconds * 1000), "why", why), u);
	return 0;
}

void outcome_evacuate(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	uint32_t node = rgm_node_id(rgm, ju_str(op->request, "node", ""));

	for (size_t g = 0; g < rgm->rg_count && op->code == SCHA_ERR_NOERR; g++)
		if (rgm->rgs[g]->on[node].state == RG_ERROR_STOP_FAILED)
			(void)stop_failed(rgm, op, rgm->rgs[g]);
}

/* ---- leaving: whoever has said goodbye must not run anything, so nothing may start there meanwhile ---- */

static json_t *drain(nodeset nodes, bool on)
{
	return ju_pack("{ss,si,so,sb}", "t", "rgm.drain", "v", 1, "nodes", nodeset_to_json(nodes), "on", on);
}

/* Fails, and takes the draining back, when something is left on these nodes. */
static void check_drained(struct rgm *rgm, struct op *op, nodeset nodes, struct rgm_update *u)
{
	for (size_t g = 0; g < rgm->rg_count; g++) {
		nodeset left = rg_nodes_in(rgm->rgs[g], ~IN(RG_OFFLINE) & ~IN(RG_UNMANAGED)) & nodes & rgm_up_nodes(rgm);

		if (!left)
			continue;
		op_fail(op, SCHA_ERR_STATE, "resource group %s could not be taken offline on %s", rgm->rgs[g]->name,
			rgm_node_name(rgm, nodeset_next(left, 0)));
		u_send(u, drain(nodes, false));
		return;
	}
}

int start_node_leave(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	uint32_t node = rgm_node_id(rgm, ju_str(op->request, "node", ""));

	if (!node)
		return op_fail(op, SCHA_ERR_NODE, "node %s is not in the configuration", ju_str(op->request, "node", ""));
	op_decide(op, drain(node_bit(node), true), u);
	return 0;
}

void outcome_node_leave(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	check_drained(rgm, op, node_bit(rgm_node_id(rgm, ju_str(op->request, "node", ""))), u);
}

/* When that is done every member leaves at the same place in the log (engine.c). */
int start_cluster_shutdown(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	for (size_t g = 0; g < rgm->rg_count; g++)
		if (need_steady(rgm, op, rgm->rgs[g]) < 0)
			return -EINVAL;
	op_decide(op, drain(rgm_up_nodes(rgm), true), u);
	return 0;
}

void outcome_shutdown(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	check_drained(rgm, op, rgm_up_nodes(rgm), u);
}

int start_resource_clear(struct rgm *rgm, struct op *op, struct rgm_update *u)
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
int control_mode(struct rgm *rgm, struct op *op, const struct rgm_rs *rs, const char *tag)
{
	const char *mode = rs_prop(rs, "Failover_mode"), *count = rs_prop(rs, "Retry_count"), *interval = rs_prop(rs, "Retry_interval");

	if (!mode || (!strieq(mode, "RESTART_ONLY") && !strieq(mode, "LOG_ONLY")))
		return 0;
	if (strieq(mode, "RESTART_ONLY") && (strieq(tag, "RESOURCE_IS_RESTARTED") || strieq(tag, "RESOURCE_DISABLE")))
		return 0;
	/* A start that fails does not relocate the group in these modes, and a proxy only says what is. */
	if (strieq(tag, "IGNORE_FAILED_START") || strncmp(tag, "CHANGE_STATE", strlen("CHANGE_STATE")) == 0)
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

int start_control(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const char *tag = ju_str(op->request, "tag", "");
	struct rgm_rg *rg = need_rg(rgm, op);
	struct rgm_rs *rs = rg ? rg_rs_find(rg, ju_str(op->request, "rs", "")) : NULL;
	size_t i;
	int r;

	if (!rg)
		return -EINVAL;
	if (!rs)
		return op_fail(op, SCHA_ERR_RSRC, "resource group %s has no resource %s", rg->name, ju_str(op->request, "rs", ""));
	if (control_resource(rgm, op, rs, u, &r))
		return r;
	for (i = 0; i < ARRAY_SIZE(control_tags); i++)
		if (strieq(control_tags[i].tag, tag))
			break;
	if (i == ARRAY_SIZE(control_tags))
		return op_fail(op, SCHA_ERR_TAG, "scha_control %s is unknown", tag);
	if (!(RG_MASK_ONLINE & IN(rg->on[op->from].state)))
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is not online on %s", rg->name, rgm_node_name(rgm, op->from));
	if (rg_prop_bool(rg, "Suspend_automatic_recovery") && !strieq(tag, "RESOURCE_IS_RESTARTED"))
		return op_fail(op, SCHA_ERR_CHECKS, "automatic recovery of resource group %s is suspended (scswitch -r -g %s resumes it)",
			       rg->name, rg->name);
	if (control_mode(rgm, op, rs, tag) < 0)
		return -EINVAL;
	if (control_tags[i].giveover) {
		op->phase = OP_CHECKING;
		return 0;
	}
	return control_tags[i].check_only ? 0 : control_restart(rgm, op, rs, u);
}

static struct rgm_rg *delegate_of(const struct rgm_rg *rg, uint32_t node)
{
	for (size_t i = 0; i < rg->link_count; i++)
		if (rg->links[i].kind == LINK_DELEGATED && rg->links[i].target && (RG_MASK_ONLINE & IN(rg->links[i].target->on[node].state)))
			return rg->links[i].target;
	return NULL;
}

/* A giveover of a group with +++ is one of its target, as long as that is there, too: it follows. */
static struct rgm_rg *who_moves(struct rgm_rg *rg, uint32_t node)
{
	struct rgm_rg *next;

	for (size_t i = 0; i < rg->rgm->rg_count && (next = delegate_of(rg, node)); i++)
		rg = next;
	return rg;
}

/* Monitor_check of every enabled resource on the candidate, one after the other; a refusal leads to the next candidate. */
void check_candidates(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);
	nodeset up = rgm_up_nodes(rgm);

	if (!rg || op->waiting)
		return;
	rg = who_moves(rg, op->from);
	if (op->target && !nodeset_has(up, op->target)) {
		op->target = 0;
		op->check_at = 0;
	}
	if (!op->target) {
		op->target = rg_giveover_target(rgm, rg, op->from, op->refused);
		if (!op->target) {
			_cleanup_(buf_done) struct buf others = { 0 };

			rg_tell_others(rgm, rg, node_bit(op->from), &others);
			op_fail(op, SCHA_ERR_CHECKS, "no other node can take resource group %s%s%s", rg->name, others.len ? ": " : "",
				others.len ? others.s : "");
			return;
		}
	}
	for (; op->check_at < rg->rs_count; op->check_at++) {
		struct rgm_rs *rs = rg->rs[op->check_at];
		json_t *m;

		if (!rs_enabled(rs, op->target) || !rs->rt->methods[METHOD_MONITOR_CHECK])
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
	ju_set_new(m, "nodes", nodeset_to_json((rg_nodes_in(rg, RG_MASK_ONLINE) & ~node_bit(op->from)) | node_bit(op->target)));
	op_decide(op, m, u);
}

/* ---- outcomes ---- */

void outcome_none(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	(void)rgm;
	(void)op;
}

/* The group was to be online; is it? */
void outcome_online(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);
	nodeset wanted = 0, online;

	if (!rg)
		return;
	(void)parse_nodes(rgm, op, NULL, &wanted);
	online = rg_nodes_in(rg, IN(RG_ONLINE) | IN(RG_PENDING_ONLINE_BLOCKED));        /* the rest is up to other groups */
	if (streq(op->kind->name, "group_switch") && !wanted && !ju_bool(op->request, "preferred", false))
		return;         /* switched off */
	if (stop_failed(rgm, op, rg))
		return;
	if (rg_nodes_in(rg, IN(RG_ONLINE_FAULTED)))
		op_fail(op, SCHA_ERR_FAIL, "resource group %s is online on %s, but faulted: %s", rg->name,
			rgm_node_name(rgm, nodeset_next(rg_nodes_in(rg, IN(RG_ONLINE_FAULTED)), 0)), "a resource failed to start");
	else if (!online)
		op_fail(op, SCHA_ERR_FAIL, "resource group %s did not come online%s%s", rg->name, rg->why ? ": " : "",
			rg->why ? rg->why : "");
	else if (streq(op->kind->name, "group_restart") ? (wanted & ~online) != 0 : wanted && online != wanted)
		op_fail(op, SCHA_ERR_FAIL, "resource group %s is online on %s instead: %s", rg->name,
			rgm_node_name(rgm, nodeset_next(online, 0)), rg->why ? rg->why : "");
}

void outcome_offline(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);

	if (rg)
		(void)stop_failed(rgm, op, rg);
}

void outcome_control(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);

	if (rg && strieq(ju_str(op->request, "tag", ""), "GIVEOVER") && !rg_nodes_in(rg, RG_MASK_ONLINE))
		op_fail(op, SCHA_ERR_FAIL, "resource group %s did not come online elsewhere", rg->name);
}
