/* state x event -> state, the same on every member.  Nothing here asks who is president or what time it is: messages
 * carry what is needed.  Messages:
 *
 *   rgm.dec   president   a decision: group, version it was based on, what, why
 *   rgm.drain president   nodes are about to leave, or stay after all
 *   rgm.hold  president   a node was evacuated, and until when it takes no group by itself; that this has ended
 *   rgm.rep   a node      states of a group and its resources there, method runs that ended
 *   rgm.prepared a node   how far it has come with Init, Fini and Boot of a group
 *   rgm.status a node     Status that a resource set for itself
 *   rgm.req   a node      a request of a client; rgm.rsp  president  its end
 *   rgm.run   president   run a method outside a group's plan; rgm.ran  a node  its result */
#include "rgm/model.h"
#include "scha_err.h"

#include <inttypes.h>
#include <stdio.h>

bool rgm_owns_message(const char *type)
{
	return strncmp(type, "rgm.", 4) == 0;
}

/* ---- nodes ---- */

static void clear_node(struct rgm *rgm, uint32_t id)
{
	rgm->all_stirred = true;
	for (size_t g = 0; g < rgm->rg_count; g++) {
		struct rgm_rg *rg = rgm->rgs[g];

		if (rg->on[id].state != RG_OFFLINE || nodeset_has(rg->intent_nodes, id))
			rg->ver++;
		rg->on[id] = (struct rg_node) { .state = RG_OFFLINE };
		rg->restart &= ~node_bit(id);
		rg->intent_nodes &= ~node_bit(id);
		if (!rg->intent_nodes)
			rg->intent = INTENT_NONE;
		for (size_t i = 0; i < rg->rs_count; i++) {
			struct rs_node *on = &rg->rs[i]->on[id];

			free(on->message);
			*on = (struct rs_node) { .state = RS_OFFLINE, .status = STATUS_OFFLINE };
		}
	}
}

/* A new cluster starts its groups when all its members have the configuration. */
static void maybe_formed(struct rgm *rgm, struct rgm_update *u)
{
	for (uint32_t id = nodeset_next(rgm->configured, 0); id; id = nodeset_next(rgm->configured, id))
		if (rgm->node[id].state == NODE_JOINING)
			return;
	if (!rgm->forming)
		return;
	rgm->forming = false;
	for (size_t g = 0; g < rgm->rg_count; g++) {
		struct rgm_rg *rg = rgm->rgs[g];

		rg->admin_offline = !rg->managed || !rg_prop_bool(rg, "Auto_start_on_new_cluster");
		rg->ver++;
		if (!rg->admin_offline)
			set_text(&rg->why, "the cluster started");
		rg->fresh = !rg->admin_offline;
	}
	u_note(u, "notice", "the cluster has formed; resource groups start now");
}

void rgm_membership(struct rgm *rgm, const struct cmm_membership *m, struct rgm_update *u)
{
	rgm->epoch = m->epoch;
	rgm->forming |= m->formed;
	for (size_t g = 0; g < rgm->rg_count; g++)
		rgm->rgs[g]->quiesced = rgm->rgs[g]->fewer = false;
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		enum node_state old = rgm->node[id].state, state;

		state = nodeset_has(m->ready, id)   ? NODE_UP
			: nodeset_has(m->members, id) ? NODE_JOINING
			: nodeset_has(m->lost, id)    ? NODE_LOST
						      : NODE_DOWN;
		/* It has booted anew, perhaps so quickly that nobody missed it. */
		if ((old == NODE_LOST && state == NODE_UP) || ((old == NODE_LOST || old == NODE_UP) && state == NODE_JOINING))
			clear_node(rgm, id);
		if (state == NODE_LOST && m->formed)
			rgm->node[id].incarnation = 0;  /* nobody here knows what it runs */
		else if (nodeset_has(m->members, id))
			rgm->node[id].incarnation = m->member[id].incarnation;
		rgm->node[id].state = state;
		rgm->node[id].draining &= state == NODE_UP;
	}
	bump_all(rgm);
	ops_members_changed(rgm);
	maybe_formed(rgm, u);
	rgm->all_stirred = true;
	local_stir(rgm, u);
}

void rgm_node_ready(struct rgm *rgm, uint32_t id, struct rgm_update *u)
{
	rgm->node[id].state = NODE_UP;
	for (size_t g = 0; g < rgm->rg_count; g++) {
		struct rgm_rg *rg = rgm->rgs[g];

		rg->ver++;
		if (rg->managed && !rgm->forming && rg_prop_bool(rg, "Failback"))
			rg->failback_due = true;
	}
	boot_joined(rgm, id, u);
	ops_members_changed(rgm);
	maybe_formed(rgm, u);
	rgm->all_stirred = true;
	local_stir(rgm, u);
}

void rgm_node_dead(struct rgm *rgm, uint32_t id, const char *how, struct rgm_update *u)
{
	if (id < 1 || id > CMM_NODE_ID_MAX || rgm->node[id].state != NODE_LOST)
		return;
	for (size_t g = 0; g < rgm->rg_count; g++) {
		struct rgm_rg *rg = rgm->rgs[g];

		if (rg->on[id].state == RG_OFFLINE)
			continue;
		_cleanup_free_ char *why = xasprintf("%s died (%s)", rgm_node_name(rgm, id), how);

		set_text(&rg->why, why);
	}
	clear_node(rgm, id);
	rgm->node[id].state = NODE_DOWN;
	rgm->node[id].incarnation = 0;
	bump_all(rgm);
	local_stir(rgm, u);
}

/* ---- decisions ---- */

static void push_time(int64_t *times, size_t n, int64_t at)
{
	memmove(times + 1, times, (n - 1) * sizeof *times);
	times[0] = at;
}

static void do_online(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	uint32_t node = (uint32_t)ju_int(m, "node", 0);

	rg->on[node].state = RG_PENDING_ONLINE;
	rg->fresh = false;
	if (rg->intent == INTENT_SWITCH && !nodeset_has(rg->intent_nodes, node)) {
		rg->intent = INTENT_NONE;       /* nothing was left of the switch */
		rg->intent_nodes = 0;
	}
	if (node == rgm->self)
		local_directive(rgm, rg, DIRECTIVE_ONLINE, u);
}

static void do_offline(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	uint32_t node = (uint32_t)ju_int(m, "node", 0);

	rg->on[node].state = RG_PENDING_OFFLINE;
	if (node == rgm->self)
		local_directive(rgm, rg, DIRECTIVE_OFFLINE, u);
}

static void clear_failures(struct rgm_rg *rg)
{
	for (size_t i = 0; i < ARRAY_SIZE(rg->on); i++)
		memset(rg->on[i].failures, 0, sizeof rg->on[i].failures);
}

static void asked_for(struct rgm_rg *rg)
{
	rg->quiesced = false;           /* somebody wants something of it again */
}

static void do_switch(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	(void)rgm;
	(void)u;
	asked_for(rg);
	rg->intent = INTENT_SWITCH;
	rg->intent_nodes = nodeset_from_json(ju_arr(m, "nodes"));
	rg->admin_offline = false;
	rg->failback_due = false;
	rg->restart = 0;
	if (ju_bool(m, "by_hand", false)) {
		clear_failures(rg);
		rg->fewer = nodeset_count(rg->intent_nodes) < rg_prop_int(rg, "Desired_primaries");
	}
	for (uint32_t id = nodeset_next(rg->intent_nodes, 0); id; id = nodeset_next(rg->intent_nodes, id))
		rg->on[id].held_until = 0;
	if (rg_nodes_in(rg, RG_MASK_ONLINE | RG_MASK_PENDING) == rg->intent_nodes && !rg_nodes_in(rg, RG_MASK_PENDING))
		rg->intent = INTENT_NONE;       /* it is there */
	rg->intent_nodes = rg->intent == INTENT_NONE ? 0 : rg->intent_nodes;
}

static void do_auto(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	(void)rgm;
	(void)m;
	(void)u;
	asked_for(rg);
	rg->intent = INTENT_NONE;
	rg->admin_offline = false;
	rg->fewer = false;
	clear_failures(rg);
}

static void do_off(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	(void)rgm;
	(void)m;
	(void)u;
	asked_for(rg);
	rg->intent = INTENT_NONE;
	rg->restart = 0;
	rg->admin_offline = true;
}

static void do_restart(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	struct rgm_rs *rs = rg_rs_find(rg, ju_str(m, "rs", ""));
	nodeset nodes = nodeset_from_json(ju_arr(m, "nodes"));

	(void)rgm;
	(void)u;
	asked_for(rg);
	rg->restart |= nodes & rg_nodes_in(rg, RG_MASK_ONLINE);
	if (rs)         /* asked for by the resource's monitor: counts */
		for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
			push_time(rs->on[id].rg_restarts, RESTARTS_KEPT, ju_int(m, "at", 0));
}

static void do_giveover(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	struct rgm_rs *rs = rg_rs_find(rg, ju_str(m, "rs", ""));
	uint32_t node = (uint32_t)ju_int(m, "node", 0);

	do_switch(rgm, rg, m, u);
	rg->on[node].gave_over = ju_int(m, "at", 0);
	if (rs)
		memset(rs->on[node].restarts, 0, sizeof rs->on[node].restarts);
}

static void do_rs_restart(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	struct rgm_rs *rs = rg_rs_find(rg, ju_str(m, "rs", ""));
	uint32_t node = (uint32_t)ju_int(m, "node", 0);

	if (!rs)
		return;
	push_time(rs->on[node].restarts, RESTARTS_KEPT, ju_int(m, "at", 0));
	if (!ju_bool(m, "act", true)) {
		local_restarted(rgm, rs, node, u);
		return;
	}
	rs->on[node].state = RS_STOPPING;       /* so that nobody takes it for done before it has begun */
	if (node == rgm->self)
		local_restart(rgm, rs, u);
}

static void do_clear(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	struct rgm_rs *rs = rg_rs_find(rg, ju_str(m, "rs", ""));

	rg->intent = INTENT_NONE;       /* a switch that it has stopped does not go on by itself */
	rg->intent_nodes = 0;
	if (rs && nodeset_has(nodeset_from_json(ju_arr(m, "nodes")), rgm->self))
		local_clear(rgm, rs, u);
}

static void do_ignore_start(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	struct rgm_rs *rs = rg_rs_find(rg, ju_str(m, "rs", ""));

	if (rs && (uint32_t)ju_int(m, "node", 0) == rgm->self)
		local_ignore_start(rs);
}

/* Said by the proxy itself, so its status follows. */
static void do_proxy_state(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	struct rgm_rs *rs = rg_rs_find(rg, ju_str(m, "rs", ""));

	if (rs && (uint32_t)ju_int(m, "node", 0) == rgm->self)
		local_proxy_state(rgm, rs, ju_bool(m, "online", false), u);
}

static void do_no_failback(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	(void)rgm;
	(void)m;
	(void)u;
	rg->failback_due = false;
}

/* What is under way ends, or is killed, and nothing follows from how it ends. */
static void do_quiesce(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	(void)rgm;
	if (ju_bool(m, "kill", false))
		local_kill(rg, u);
	rg->intent = INTENT_NONE;
	rg->intent_nodes = 0;
	rg->restart = 0;
	rg->failback_due = false;
	rg->quiesced = true;
}

/* It makes room for a group of higher priority: from here on that node is not for it, for a while. */
static void do_preempt(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	uint32_t node = (uint32_t)ju_int(m, "node", 0);

	(void)u;
	rg->on[node].held_until = ju_int(m, "until", 0);
	rg->intent = INTENT_NONE;
	rg->intent_nodes = 0;
	if (!rgm->hold_ends_ms || rg->on[node].held_until < rgm->hold_ends_ms)
		rgm->hold_ends_ms = rg->on[node].held_until;
}

/* All that there is to it is the reason. */
static void do_rest(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u)
{
	(void)rgm;
	(void)m;
	u_note(u, "warning", "resource group %s: %s", rg->name, rg->why ? rg->why : "");
}

/* Those that carry a version are dropped when the group has changed since: the president decides anew. */
static const struct {
	const char *name;
	bool        versioned, names_node;
	void      (*fn)(struct rgm *rgm, struct rgm_rg *rg, const json_t *m, struct rgm_update *u);
	bool        takes_room;
} decisions[] = {
	{ "online",      true,  true,  do_online, .takes_room = true },
	{ "offline",     true,  true,  do_offline },
	{ "failback",    true,  false, do_switch },
	{ "no_failback", true,  false, do_no_failback },
	{ "rest",        true,  false, do_rest },
	{ "preempt",     true,  true,  do_preempt },
	{ "quiesce",     false, false, do_quiesce },
	{ "switch",      false, false, do_switch },
	{ "auto",        false, false, do_auto },
	{ "off",         false, false, do_off },
	{ "restart",     false, false, do_restart },
	{ "giveover",    false, true,  do_giveover },
	{ "rs_restart",  false, true,  do_rs_restart },
	{ "clear",       false, false, do_clear },
	{ "ignore_start", false, true, do_ignore_start },
	{ "proxy_state", false, true,  do_proxy_state },
};

/* Are the other groups that it looked at as they were then? */
static bool others_moved(const struct rgm *rgm, const json_t *m)
{
	const char *name;
	json_t *v;

	json_object_foreach(ju_obj(m, "seen"), name, v) {
		const struct rgm_rg *other = rg_find(rgm, name);

		if (!other || other->ver != (uint64_t)json_integer_value(v))
			return true;
	}
	return false;
}

/* Has another group taken the room that there was? */
static bool is_overtaken(const struct rgm *rgm, const struct rgm_rg *rg, int64_t node)
{
	char why[WHY_NOT_SIZE];

	return node >= 1 && node <= CMM_NODE_ID_MAX && load_exceeds(rgm, rg, (uint32_t)node, false, why);
}

static void on_decision(struct rgm *rgm, const json_t *m, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, ju_str(m, "rg", ""));
	const char *what = ju_str(m, "do", "");
	int64_t node = ju_int(m, "node", 0);

	ops_landed(rgm, ju_str(m, "op", ""));
	for (size_t i = 0; rg && i < ARRAY_SIZE(decisions); i++) {
		if (!streq(decisions[i].name, what))
			continue;
		if (decisions[i].versioned && (uint64_t)ju_int(m, "ver", 0) != rg->ver)
			return;
		if ((decisions[i].versioned && others_moved(rgm, m)) || (decisions[i].takes_room && is_overtaken(rgm, rg, node))) {
			rg->decided_ver = 0;    /* the president makes it anew */
			return;
		}
		if (decisions[i].names_node && (node < 1 || node > CMM_NODE_ID_MAX || rgm->node[node].state != NODE_UP))
			return;
		rg->ver++;
		set_text(&rg->why, ju_str(m, "why", ""));
		rg_stir(rg);
		decisions[i].fn(rgm, rg, m, u);
		return;
	}
}

/* ---- reports ---- */

static void apply_resource(struct rgm *rgm, struct rgm_rs *rs, uint32_t from, const json_t *v, struct rgm_update *u)
{
	struct rs_node *on = &rs->on[from];
	int state = name_index(rs_state_names, RS_STATE_COUNT, ju_str(v, "s", ""));
	int status = name_index(rs_status_names, STATUS_COUNT, ju_str(v, "st", ""));

	if (state >= 0 && (enum rs_state)state != on->state) {
		on->state = (enum rs_state)state;
		rg_stir(rs->rg);
		u_note(u, "notice", "resource %s state on node %s change to R_%s", rs->name, rgm_node_name(rgm, from),
		       rs_state_names[state]);
	}
	if (status >= 0) {
		on->status = (enum rs_status)status;
		set_text(&on->message, ju_str(v, "m", ""));
	}
}

/* A switch is over when the group is where it was sent; a restarted group must come back to its node. */
static void intent_progress(struct rgm_rg *rg, uint32_t from, bool failed)
{
	nodeset online = rg_nodes_in(rg, RG_MASK_ONLINE);

	if (nodeset_has(rg->restart, from) && rg->on[from].state == RG_OFFLINE) {
		rg->restart &= ~node_bit(from);
		if (!failed) {
			rg->intent_nodes = online | node_bit(from) | (rg->intent == INTENT_SWITCH ? rg->intent_nodes : 0);
			rg->intent = INTENT_SWITCH;
		}
	}
	if (rg->intent != INTENT_SWITCH)
		return;
	if (failed)
		rg->intent_nodes &= ~node_bit(from);
	if (online == rg->intent_nodes || !rg->intent_nodes) {
		rg->intent = INTENT_NONE;
		rg->intent_nodes = 0;
		rg->ver++;              /* Failback may have waited for it */
	}
}

static void on_report(struct rgm *rgm, uint32_t from, const json_t *m, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, ju_str(m, "rg", ""));
	int state = name_index(rg_state_names, RG_STATE_COUNT, ju_str(m, "state", ""));
	const char *failed = ju_str(m, "failed", NULL), *name;
	json_t *v;

	if (!rg || state < 0)
		return;
	json_object_foreach(ju_obj(m, "rs"), name, v) {
		struct rgm_rs *rs = rg_rs_find(rg, name);

		if (rs)
			apply_resource(rgm, rs, from, v, u);
	}
	if (json_object_get(m, "settled"))
		rg->on[from].settled = (uint64_t)ju_int(m, "settled", 0);
	if (failed) {
		_cleanup_free_ char *why = xasprintf("resource %s failed to start on %s", failed, rgm_node_name(rgm, from));

		push_time(rg->on[from].failures, FAILURES_PER_NODE, ju_int(m, "at", 0));
		set_text(&rg->why, why);
		rg->ver++;
	}
	if ((enum rg_state)state != rg->on[from].state) {
		rg->on[from].state = (enum rg_state)state;
		rg_stir(rg);
		rg->ver++;
		u_note(u, "notice", "resource group %s state on node %s change to RG_%s", rg->name, rgm_node_name(rgm, from),
		       rg_state_names[state]);
	}
	intent_progress(rg, from, failed != NULL);
}

static void on_prepared(struct rgm *rgm, uint32_t from, const json_t *m)
{
	struct rgm_rg *rg = rg_find(rgm, ju_str(m, "rg", ""));

	if (!rg)
		return;
	rg->on[from].prepared = (uint64_t)ju_int(m, "n", 0);
	rg->ver++;
}

static int status_code(const struct rgm_rg *rg, const struct rgm_rs *rs, int status)
{
	return !rg ? SCHA_ERR_RG : !rs ? SCHA_ERR_RSRC : status < 0 ? SCHA_ERR_RSTATUS : SCHA_ERR_NOERR;
}

static void on_status(struct rgm *rgm, uint32_t from, const json_t *m, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, ju_str(m, "rg", ""));
	struct rgm_rs *rs = rg ? rg_rs_find(rg, ju_str(m, "rs", "")) : NULL;
	int status = name_index(rs_status_names, STATUS_COUNT, ju_str(m, "status", ""));

	if (rs && status >= 0) {
		rs->on[from].status = (enum rs_status)status;
		set_text(&rs->on[from].message, ju_str(m, "msg", ""));
		u_note(u, "notice", "resource %s status on node %s change to R_FM_%s <%s>", rs->name,
		       rgm_node_name(rgm, from), rs_status_names[status], ju_str(m, "msg", ""));
		if (from == rgm->self)
			rs->local.status_set = true;
	}
	if (from == rgm->self)
		u_push(&u->answer, ju_pack("{ss,si,ss}", "id", ju_str(m, "id", ""), "code", status_code(rg, rs, status), "text",
					   status_code(rg, rs, status) ? "no such group, resource in it, or status" : ""));
}

/* Decisions that were made before, without knowing of it, are stale now. */
static void drain(struct rgm *rgm, nodeset nodes, bool on)
{
	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
		rgm->node[id].draining = on && rgm->node[id].state == NODE_UP;
	bump_all(rgm);
}

int64_t next_hold_end(const struct rgm *rgm, int64_t after_ms)
{
	int64_t first = 0;

	for (size_t g = 0; g < rgm->rg_count; g++)
		for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
			int64_t at = rgm->rgs[g]->on[id].held_until;

			if (at > after_ms && (!first || at < first))
				first = at;
		}
	return first;
}

/* What rests because its node was held is looked at again. */
static void hold_ended(struct rgm *rgm, uint32_t node, int64_t ended_ms)
{
	for (size_t g = 0; g < rgm->rg_count; g++)
		if (rgm->rgs[g]->on[node].held_until <= ended_ms)
			rgm->rgs[g]->on[node].held_until = 0;
	bump_all(rgm);
}

/* Evacuated: for a while it takes no group by itself. */
static void on_hold(struct rgm *rgm, const json_t *m)
{
	int64_t node = ju_int(m, "node", 0);

	ops_landed(rgm, ju_str(m, "op", ""));
	if (node < 1 || node > CMM_NODE_ID_MAX || rgm->node[node].state != NODE_UP)
		return;
	if (json_object_get(m, "ended")) {
		hold_ended(rgm, (uint32_t)node, ju_int(m, "ended", 0));
		return;
	}
	if (!rgm->hold_ends_ms || ju_int(m, "until", 0) < rgm->hold_ends_ms)
		rgm->hold_ends_ms = ju_int(m, "until", 0);
	for (size_t g = 0; g < rgm->rg_count; g++) {
		struct rgm_rg *rg = rgm->rgs[g];

		rg->on[node].held_until = ju_int(m, "until", 0);
		rg->intent_nodes &= ~node_bit((uint32_t)node);
		if (!rg->intent_nodes)
			rg->intent = INTENT_NONE;
		if ((RG_MASK_ONLINE | IN(RG_PENDING_ONLINE)) & IN(rg->on[node].state))
			set_text(&rg->why, ju_str(m, "why", ""));
	}
	bump_all(rgm);
}

static void on_drain(struct rgm *rgm, const json_t *m)
{
	drain(rgm, nodeset_from_json(ju_arr(m, "nodes")), ju_bool(m, "on", false));
	ops_landed(rgm, ju_str(m, "op", ""));
}

void rgm_apply(struct rgm *rgm, uint32_t from, const json_t *m, struct rgm_update *u)
{
	const char *t = ju_str(m, "t", "");

	if (streq(t, "rgm.dec"))
		on_decision(rgm, m, u);
	else if (streq(t, "rgm.drain"))
		on_drain(rgm, m);
	else if (streq(t, "rgm.hold"))
		on_hold(rgm, m);
	else if (streq(t, "rgm.prepared"))
		on_prepared(rgm, from, m);
	else if (streq(t, "rgm.rep"))
		on_report(rgm, from, m, u);
	else if (streq(t, "rgm.status"))
		on_status(rgm, from, m, u);
	else if (streq(t, "rgm.req"))
		ops_request(rgm, from, m);
	else if (streq(t, "rgm.ran"))
		ops_ran(rgm, from, m);
	else if (streq(t, "rgm.run") && nodeset_has(nodeset_from_json(ju_arr(m, "nodes")), rgm->self))
		local_run_ad_hoc(rgm, m, u);
	else if (streq(t, "rgm.rsp") && ju_int(m, "to", 0) == rgm->self)
		u_push(&u->answer, ju_pack("{ss,sI,ss}", "id", ju_str(m, "id", ""), "code", (json_int_t)ju_int(m, "code", 0),
					   "text", ju_str(m, "text", "")));
	local_stir(rgm, u);
}

/* ---- snapshot, digest: everything replicated that is not in the CCR ---- */

static json_t *times_json(const int64_t *times, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n && times[i]; i++)
		ju_push(a, json_integer(times[i]));
	return a;
}

static void times_restore(int64_t *times, size_t n, const json_t *a)
{
	memset(times, 0, n * sizeof *times);
	for (size_t i = 0; i < n && i < json_array_size(a); i++)
		times[i] = json_integer_value(json_array_get(a, i));
}

static json_t *rs_dynamic(const struct rgm_rs *rs)
{
	json_t *o = json_object();

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		const struct rs_node *on = &rs->on[id];
		char key[8];

		if (on->state == RS_OFFLINE && on->status == STATUS_OFFLINE && !on->message && !on->restarts[0] && !on->rg_restarts[0])
			continue;
		(void)snprintf(key, sizeof key, "%u", id);
		ju_set_new(o, key, ju_pack("{si,si,ss,so,so}", "s", on->state, "st", on->status, "m",
					   on->message ? on->message : "", "r", times_json(on->restarts, RESTARTS_KEPT), "g",
					   times_json(on->rg_restarts, RESTARTS_KEPT)));
	}
	return o;
}

static json_t *rg_dynamic(const struct rgm_rg *rg)
{
	json_t *nodes = json_object(), *resources = json_object();

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		const struct rg_node *on = &rg->on[id];
		char key[8];

		if (on->state == RG_OFFLINE && !on->failures[0] && !on->gave_over && !on->held_until && !on->owed && !on->settled)
			continue;
		(void)snprintf(key, sizeof key, "%u", id);
		ju_set_new(nodes, key, ju_pack("{si,so,sI,sI,sI,sI,sI}", "s", on->state, "f", times_json(on->failures, FAILURES_PER_NODE),
					       "g", (json_int_t)on->gave_over, "h", (json_int_t)on->held_until, "o",
					       (json_int_t)on->owed, "p", (json_int_t)on->prepared, "set",
					       (json_int_t)on->settled));
	}
	for (size_t i = 0; i < rg->rs_count; i++)
		ju_set_new(resources, rg->rs[i]->name, rs_dynamic(rg->rs[i]));
	return ju_pack("{sI,sb,sb,sb,sb,sb,si,so,so,ss,so,so}", "ver", (json_int_t)rg->ver, "off", rg->admin_offline, "fb",
		       rg->failback_due, "fr", rg->fresh, "q", rg->quiesced, "few", rg->fewer, "intent", rg->intent, "in",
		       nodeset_to_json(rg->intent_nodes), "re",
		       nodeset_to_json(rg->restart), "why", rg->why ? rg->why : "", "nodes", nodes, "rs", resources);
}

json_t *rgm_snapshot(const struct rgm *rgm)
{
	json_t *groups = json_object(), *nodes = json_array();

	for (size_t g = 0; g < rgm->rg_count; g++)
		ju_set_new(groups, rgm->rgs[g]->name, rg_dynamic(rgm->rgs[g]));
	for (uint32_t id = nodeset_next(rgm->configured, 0); id; id = nodeset_next(rgm->configured, id))
		ju_push(nodes, ju_pack("[I,i,I,b]", (json_int_t)id, rgm->node[id].state,
				       (json_int_t)rgm->node[id].incarnation, rgm->node[id].draining));
	return ju_pack("{sI,sb,so,so}", "epoch", (json_int_t)rgm->epoch, "forming", rgm->forming, "nodes", nodes, "groups",
		       groups);
}

static void rs_restore(struct rgm_rs *rs, const json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)o, key, v) {
		unsigned long id = strtoul(key, NULL, 10);

		if (id < 1 || id > CMM_NODE_ID_MAX)
			continue;
		rs->on[id].state = (enum rs_state)ju_int(v, "s", 0);
		rs->on[id].status = (enum rs_status)ju_int(v, "st", 0);
		set_text(&rs->on[id].message, ju_str(v, "m", ""));
		times_restore(rs->on[id].restarts, RESTARTS_KEPT, ju_arr(v, "r"));
		times_restore(rs->on[id].rg_restarts, RESTARTS_KEPT, ju_arr(v, "g"));
	}
}

static void rg_restore(struct rgm_rg *rg, const json_t *o)
{
	const char *key;
	json_t *v;

	rg->ver = (uint64_t)ju_int(o, "ver", 1);
	rg->admin_offline = ju_bool(o, "off", true);
	rg->failback_due = ju_bool(o, "fb", false);
	rg->fresh = ju_bool(o, "fr", false);
	rg->quiesced = ju_bool(o, "q", false);
	rg->fewer = ju_bool(o, "few", false);
	rg->intent = (enum intent)ju_int(o, "intent", 0);
	rg->intent_nodes = nodeset_from_json(ju_arr(o, "in"));
	rg->restart = nodeset_from_json(ju_arr(o, "re"));
	set_text(&rg->why, ju_str(o, "why", ""));
	json_object_foreach(ju_obj(o, "nodes"), key, v) {
		unsigned long id = strtoul(key, NULL, 10);

		if (id < 1 || id > CMM_NODE_ID_MAX)
			continue;
		rg->on[id].state = (enum rg_state)ju_int(v, "s", 0);
		times_restore(rg->on[id].failures, FAILURES_PER_NODE, ju_arr(v, "f"));
		rg->on[id].gave_over = ju_int(v, "g", 0);
		rg->on[id].held_until = ju_int(v, "h", 0);
		rg->on[id].owed = (uint64_t)ju_int(v, "o", 0);
		rg->on[id].prepared = (uint64_t)ju_int(v, "p", 0);
		rg->on[id].settled = (uint64_t)ju_int(v, "set", 0);
	}
	json_object_foreach(ju_obj(o, "rs"), key, v) {
		struct rgm_rs *rs = rg_rs_find(rg, key);

		if (rs)
			rs_restore(rs, v);
	}
}

void rgm_restore(struct rgm *rgm, const json_t *snapshot)
{
	const char *name;
	json_t *v;
	size_t i;

	rgm->epoch = (uint64_t)ju_int(snapshot, "epoch", 0);
	rgm->forming = ju_bool(snapshot, "forming", false);
	json_array_foreach(ju_arr(snapshot, "nodes"), i, v) {
		json_int_t id = json_integer_value(json_array_get(v, 0));

		if (id < 1 || id > CMM_NODE_ID_MAX)
			continue;
		rgm->node[id].state = (enum node_state)json_integer_value(json_array_get(v, 1));
		rgm->node[id].incarnation = (uint64_t)json_integer_value(json_array_get(v, 2));
		rgm->node[id].draining = json_is_true(json_array_get(v, 3));
	}
	json_object_foreach(ju_obj(snapshot, "groups"), name, v) {
		struct rgm_rg *rg = rg_find(rgm, name);

		if (rg)
			rg_restore(rg, v);
	}
	rgm->hold_ends_ms = next_hold_end(rgm, 0);
}

uint64_t rgm_digest(const struct rgm *rgm)
{
	json_t *snapshot = rgm_snapshot(rgm);
	_cleanup_free_ char *text = ju_dump(snapshot);

	json_decref(snapshot);
	return hash_text(HASH_START, text);
}
