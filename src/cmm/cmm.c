/* One view after another:
 *
 *   VIEW ──> everybody sends hello (incarnation, durable epoch, am I ready?)
 *        ──> with all hellos of the view, its president-to-be asks for the quorum devices (qtake; quorum.c) and, when the
 *            votes are a majority, proposes the next epoch
 *        ──> each makes the epoch durable and says stored
 *        ──> with the last stored, at the same place in the log for all, the epoch is in force (activated)
 *
 * A new view at any point starts over.  The lease runs beside it:
 *
 *   beat k carries, per node of the view, the last beat of that node that the sender has seen.  When a set of nodes with a
 *   majority of votes (self counted) has seen my beat k, my lease lasts until sent(k) + lease_ms.  The votes of a device
 *   count for a set when it is held and every node whose key may be on it is in the set.
 *
 * Why that is safe: a majority that goes on without me shares a vote with the set that confirmed beat k.  If it is that of
 * a node, that node saw beat k before it said so.  If it is that of a device, somebody who goes on took it with his key,
 * so he was in the set, too.  And (extended virtual synchrony) all who go on with that one saw it, at a time not before
 * sent(k).  They wait until they last heard a beat of mine + lease_ms + margin_ms; by then my lease is over and failfastd
 * has ended this machine. */
#include "cmm/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

static const char *const own_messages[] = {
	"hello", "epoch", "stored", "ready", "beat", "dead", "leave", "evict", "qtake", "qhave", "qkey",
};

bool cmm_owns_message(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_messages); i++)
		if (streq(own_messages[i], type))
			return true;
	return false;
}

uint32_t nodeset_next(nodeset set, uint32_t after)
{
	nodeset rest = after < CMM_NODE_ID_MAX ? set >> after : 0;

	return rest ? after + 1 + (uint32_t)__builtin_ctzll(rest) : 0;
}

json_t *nodeset_to_json(nodeset set)
{
	json_t *a = json_array();

	FOR_EACH_NODE(id, set)
		ju_push(a, json_integer(id));
	return a;
}

nodeset nodeset_from_json(const json_t *array)
{
	nodeset set = 0;
	json_t *v;
	size_t i;

	json_array_foreach(array, i, v) {
		json_int_t id = json_integer_value(v);

		if (id >= 1 && id <= CMM_NODE_ID_MAX)
			set |= node_bit((uint32_t)id);
	}
	return set;
}

/* ---- small helpers on the update ---- */

void cmm_note(struct cmm_update *u, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (!u->notes)
		u->notes = json_array();
	ju_push(u->notes, json_string(text));
}

void cmm_send(struct cmm_update *u, json_t *message)
{
	if (!u->send)
		u->send = json_array();
	ju_push(u->send, message);
}

/* One record holds both, so that neither is ever older on the disk than it was said to be. */
void cmm_store(struct cmm *cmm, uint64_t epoch, struct cmm_update *u)
{
	cmm->storing_epoch = MAX(cmm->storing_epoch, epoch);
	u->store = true;
	u->store_epoch = cmm->storing_epoch;
	u->store_keys = cmm->keys;
	u->store_synced = cmm->synced_epoch;
	u->store_amnesia = cmm->amnesia;
}

void cmm_fail_fast(struct cmm *cmm, struct cmm_update *u, const char *reason)
{
	if (cmm->panicked)
		return;
	cmm->panicked = true;
	(void)snprintf(u->panic, sizeof u->panic, "%s", reason);
}

void cmm_update_done(struct cmm_update *update)
{
	json_decref(update->send);
	json_decref(update->notes);
	*update = (struct cmm_update) { 0 };
}

/* ---- votes ---- */

uint32_t cmm_node_votes(const struct cmm *cmm, nodeset set)
{
	uint32_t votes = 0;

	FOR_EACH_NODE(id, set & cmm->config.votes.configured)
		votes += cmm->config.votes.node[id];
	return votes;
}

uint32_t cmm_votes_possible(const struct cmm *cmm)
{
	uint32_t votes = cmm_node_votes(cmm, cmm->config.votes.configured);

	FOR_EACH_DEVICE(cmm, id)
		votes += cmm->config.votes.device[id].votes;
	return votes;
}

uint32_t cmm_votes_needed(const struct cmm *cmm)   { return cmm_votes_possible(cmm) / 2 + 1; }
uint32_t cmm_votes_present(const struct cmm *cmm)  { return cmm_node_votes(cmm, cmm->view) + quorum_votes(cmm); }

uint32_t cmm_votes(const struct cmm *cmm, uint32_t id)
{
	return nodeset_has(cmm->config.votes.configured, id) ? cmm->config.votes.node[id] : 0;
}

static bool is_majority(const struct cmm *cmm, uint32_t votes)
{
	return votes >= cmm_votes_needed(cmm);
}

bool cmm_is_quorate(const struct cmm *cmm, nodeset set)
{
	return is_majority(cmm, cmm_node_votes(cmm, set) + quorum_votes_within(cmm, set));
}

/* It could be, if every device that can be reached is won. */
bool cmm_may_be_quorate(const struct cmm *cmm, nodeset set)
{
	return is_majority(cmm, cmm_node_votes(cmm, set) + quorum_votes_reachable(cmm, set));
}

/* ---- reading ---- */

const struct cmm_membership *cmm_membership(const struct cmm *cmm) { return &cmm->membership; }
nodeset cmm_view(const struct cmm *cmm) { return cmm->view; }
uint64_t cmm_heard_ms(const struct cmm *cmm, uint32_t id) { return cmm->heard_ms[id]; }

bool cmm_lease_is_over(const struct cmm *cmm, uint64_t now_ms)
{
	return cmm_is_ready(cmm) && !cmm->leaving && cmm->lease_until_ms && now_ms > cmm->lease_until_ms;
}

bool cmm_is_ready(const struct cmm *cmm)
{
	return nodeset_has(cmm->membership.ready, cmm->config.self);
}

bool cmm_is_president(const struct cmm *cmm)
{
	return cmm->membership.president == cmm->config.self;
}

const json_t *cmm_hello_extra(const struct cmm *cmm, uint32_t id)
{
	return cmm->hello[id] ? json_object_get(cmm->hello[id], "extra") : NULL;
}

/* ---- president: longest-standing ready member ---- */

static uint32_t president_of(const struct cmm_membership *m)
{
	uint32_t best = 0;

	FOR_EACH_NODE(id, m->ready)
		if (!best || m->member[id].since < m->member[best].since)
			best = id;
	return best;
}

/* ---- hello and proposal ---- */

static void send_hello(struct cmm *cmm, struct cmm_update *u)
{
	bool ready = cmm_is_ready(cmm);

	cmm_send(u, ju_pack("{ss,si,s[I,I],sI,sI,sb,sI,sI,sb,sI,sI,so,so,sO?}", "t", "hello", "v", 1,
				"lv", (json_int_t)cmm->config.level_min, (json_int_t)cmm->config.level_max,
				"cfg", (json_int_t)cmm->config.votes.generation,
				"synced", (json_int_t)cmm->synced_epoch, "amnesia", cmm->amnesia,
				"inc", (json_int_t)cmm->config.incarnation, "epoch", (json_int_t)cmm->config.epoch,
				"ready", ready, "active", (json_int_t)(ready ? cmm->membership.epoch : 0),
				"since", (json_int_t)(ready ? cmm->membership.member[cmm->config.self].since : 0),
				"with", nodeset_to_json(ready ? cmm->together : 0),
				"view", nodeset_to_json(cmm->view), "extra", cmm->extra));
}

/* Configured nodes of the view; others may talk but are not counted. */
static nodeset counted_view(const struct cmm *cmm)
{
	return cmm->view & cmm->config.votes.configured;
}

static bool all_hellos_in(const struct cmm *cmm)
{
	FOR_EACH_NODE(id, counted_view(cmm))
		if (!cmm->hello[id])
			return false;
	return true;
}

static int compare(int64_t a, int64_t b) { return (a > b) - (a < b); }

/* What its tables are worth.  -1: it lost some. */
static int64_t synced_of(const json_t *hello)
{
	return ju_bool(hello, "amnesia", false) ? -1 : ju_int(hello, "synced", 0);
}

/* The ready member that stands longest proposes; in a new formation one that was in the newest epoch with others, then with
 * the newest configuration of these, for its votes are the ones that count; then with the newest epoch; then the lowest id.
 *
 * A change is acknowledged when all members of its epoch have it on the disk after the record that they are synced with that
 * epoch.  They are a majority, so every formation has one of them, and nobody who was synced later lacks it. */
static bool goes_before(const json_t *a, const json_t *b)
{
	bool a_ready = ju_bool(a, "ready", false), b_ready = ju_bool(b, "ready", false);
	int c;

	if (a_ready != b_ready)
		return a_ready;
	if (a_ready)
		return ju_int(a, "since", 0) < ju_int(b, "since", 0);
	c = compare(synced_of(a), synced_of(b));
	if (c)
		return c > 0;
	c = compare(ju_int(a, "cfg", 0), ju_int(b, "cfg", 0));
	return c ? c > 0 : ju_int(a, "epoch", 0) > ju_int(b, "epoch", 0);
}

static uint32_t proposer(const struct cmm *cmm)
{
	uint32_t best = 0;

	FOR_EACH_NODE(id, counted_view(cmm))
		if (!best || goes_before(cmm->hello[id], cmm->hello[best]))
			best = id;
	return best;
}

/* Those of the view with whom id was in every view since the epoch in force, as both of them say. */
static nodeset side_of(const struct cmm *cmm, uint32_t id)
{
	nodeset side = 0;

	FOR_EACH_NODE(other, counted_view(cmm) & nodeset_from_json(ju_arr(cmm->hello[id], "with")))
		if (nodeset_has(nodeset_from_json(ju_arr(cmm->hello[other], "with")), id))
			side |= node_bit(other);
	return side;
}

/* Members that were apart have read different things, each at its own end of the log, and may meet again before an epoch
 * came into force on any side: so they are ready members of one epoch with different states.  Only one side goes on: the one
 * with the most votes, then that of the member that stands longest.  The others were left behind. */
static nodeset side_that_goes_on(const struct cmm *cmm)
{
	nodeset best = side_of(cmm, proposer(cmm));

	FOR_EACH_NODE(id, counted_view(cmm)) {
		nodeset side = side_of(cmm, id);

		if (cmm_node_votes(cmm, side) > cmm_node_votes(cmm, best))
			best = side;
	}
	return best;
}

static bool was_left_behind(const struct cmm *cmm)
{
	return cmm_is_ready(cmm) && !cmm->leaving && all_hellos_in(cmm) && !nodeset_has(side_that_goes_on(cmm), cmm->config.self);
}

/* The newest epoch that was in force where this node was a member with the whole state, in this life or an earlier one. */
static int64_t newest_of(const json_t *hello)
{
	return MAX(ju_int(hello, "active", 0), ju_int(hello, "synced", 0));
}

/* A ready node whose epoch in force is older than another's missed a reconfiguration: it has to fail fast (it will, when
 * it reads the hello of the others), and the view is not used until it is gone. */
static bool somebody_left_behind(const struct cmm *cmm)
{
	nodeset side = side_that_goes_on(cmm);
	int64_t newest = 0;

	FOR_EACH_NODE(id, counted_view(cmm))
		newest = MAX(newest, newest_of(cmm->hello[id]));
	FOR_EACH_NODE(id, counted_view(cmm))
		if (ju_bool(cmm->hello[id], "ready", false) &&
		    (ju_int(cmm->hello[id], "active", 0) < newest || !nodeset_has(side, id)))
			return true;
	return false;
}

static bool anybody_ready(const struct cmm *cmm)
{
	FOR_EACH_NODE(id, counted_view(cmm))
		if (ju_bool(cmm->hello[id], "ready", false))
			return true;
	return false;
}

/* The lowest that a node of the view can do, and whether all of them can do that. */
static bool common_level(const struct cmm *cmm, int64_t *ret)
{
	int64_t level = INT64_MAX;

	FOR_EACH_NODE(id, counted_view(cmm))
		level = MIN(level, json_integer_value(json_array_get(ju_arr(cmm->hello[id], "lv"), 1)));
	FOR_EACH_NODE(id, counted_view(cmm))
		if (json_integer_value(json_array_get(ju_arr(cmm->hello[id], "lv"), 0)) > level)
			return false;
	*ret = level;
	return true;
}

static bool leads(const struct cmm *cmm)
{
	return all_hellos_in(cmm) && !somebody_left_behind(cmm) && proposer(cmm) == cmm->config.self;
}

/* A new cluster waits a while for the rest, so that it forms once and not node by node. */
static uint64_t formation_due_ms(const struct cmm *cmm)
{
	if (anybody_ready(cmm) || counted_view(cmm) == cmm->config.votes.configured)
		return 0;
	return cmm->possible_since_ms + cmm->config.timers.formation_ms;
}

/* When to ask for the devices: at once, unless it is a race that the other side should win. */
static uint64_t ask_due_ms(const struct cmm *cmm)
{
	if (cmm->asked)
		return cmm->ask_again_ms;
	if (!anybody_ready(cmm))
		return MAX(formation_due_ms(cmm), 1u);
	return cmm->favoured || cmm_is_quorate(cmm, cmm->view) ? 1 : cmm->view_ms + cmm->config.timers.head_ms;
}

static bool wants_to_ask(const struct cmm *cmm)
{
	return cmm->view && !cmm->leaving && quorum_wanted(cmm) && cmm_may_be_quorate(cmm, cmm->view) && leads(cmm);
}

static void maybe_ask(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	if (wants_to_ask(cmm) && now_ms >= ask_due_ms(cmm))
		quorum_ask(cmm, now_ms, u);
}

nodeset cmm_newest(const struct cmm *cmm)
{
	int64_t newest = -1;
	nodeset set = 0;

	FOR_EACH_NODE(id, counted_view(cmm))
		newest = MAX(newest, cmm->hello[id] ? synced_of(cmm->hello[id]) : -1);
	FOR_EACH_NODE(id, counted_view(cmm))
		if (cmm->hello[id] && synced_of(cmm->hello[id]) == newest)
			set |= node_bit(id);
	return set;
}

/* Nodes that cannot know what was agreed do not help to form a cluster: they lost a part of it, or never were members while
 * others were.  They may join.  When all nodes are here nobody else can know more, so who never was a member counts: else a
 * cluster that lost a node while it formed for the first time would never form again. */
static nodeset nodes_that_know(const struct cmm *cmm)
{
	bool somebody_was = false, all = counted_view(cmm) == cmm->config.votes.configured;
	nodeset set = 0;

	FOR_EACH_NODE(id, counted_view(cmm))
		somebody_was |= cmm->hello[id] && ju_int(cmm->hello[id], "synced", 0) > 0;
	FOR_EACH_NODE(id, counted_view(cmm))
		if (cmm->hello[id] && synced_of(cmm->hello[id]) >= (somebody_was && !all ? 1 : 0))
			set |= node_bit(id);
	return set;
}

static bool knows_enough(const struct cmm *cmm)
{
	return anybody_ready(cmm) || is_majority(cmm, cmm_node_votes(cmm, nodes_that_know(cmm)) + quorum_votes(cmm));
}

static void maybe_propose(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	int64_t epoch = 0, level;
	json_t *members;

	if (cmm->proposed || cmm->proposal || cmm->in_force || !cmm_is_quorate(cmm, cmm->view) || !leads(cmm) ||
	    !knows_enough(cmm) || !common_level(cmm, &level) || now_ms < formation_due_ms(cmm))
		return;
	members = json_array();
	FOR_EACH_NODE(id, counted_view(cmm)) {
		const json_t *h = cmm->hello[id];

		epoch = MAX(epoch, ju_int(h, "epoch", 0));
		ju_push(members, ju_pack("{sI,sI,sb,sI}", "id", (json_int_t)id, "inc", (json_int_t)ju_int(h, "inc", 0),
					 "ready", ju_bool(h, "ready", false), "since", (json_int_t)ju_int(h, "since", 0)));
	}
	cmm->proposed = true;
	cmm_send(u, ju_pack("{ss,si,sI,so,so,sb,sI,so,sI}", "t", "epoch", "v", 1, "epoch", (json_int_t)(epoch + 1),
			    "view", nodeset_to_json(cmm->view), "members", members, "formed", !anybody_ready(cmm), "level",
			    (json_int_t)level, "devices", quorum_to_json(cmm), "takeover",
			    (json_int_t)cmm->config.timers.takeover_ms));
}

/* A second hello in one view: a write of an earlier proposal ended after the first one, and the epoch that was proposed
 * on the strength of that is used up.  All drop it here in the log; the proposer makes a higher one. */
static void withdraw_proposal(struct cmm *cmm, uint64_t used)
{
	if (cmm->in_force)
		return;
	if (cmm->proposal && (uint64_t)ju_int(cmm->proposal, "epoch", 0) > used)
		return;
	json_decref(cmm->proposal);
	cmm->proposal = NULL;
	cmm->proposed = false;
}

/* One cannot say what the other must hear.  Members go on; the newcomer stops; of two newcomers the one that would propose
 * stays. */
static bool must_step_back(const struct cmm *cmm, const json_t *theirs, char reason[256])
{
	const json_t *mine = cmm->hello[cmm->config.self], *level = ju_arr(theirs, "lv");
	int64_t lowest = json_integer_value(json_array_get(level, 0)), highest = json_integer_value(json_array_get(level, 1));

	if (cmm_is_ready(cmm) || (!ju_bool(theirs, "ready", false) && !(mine && goes_before(theirs, mine))))
		return false;
	if (highest >= cmm->config.level_min && lowest <= cmm->config.level_max)
		return false;
	(void)snprintf(reason, 256, "CMM: This node cannot join: its software is of level %u to %u, the cluster's of level %" PRIi64
		       " to %" PRIi64 ".", cmm->config.level_min, cmm->config.level_max, lowest, highest);
	return true;
}

/* All members have one lease, that of the cluster that runs, whatever their tables said when they booted.  Corosync's own
 * timers on this node follow with its next start. */
static void adopt_takeover(struct cmm *cmm, int64_t takeover_ms, struct cmm_update *u)
{
	struct cmm_timers timers;

	if (cmm_is_ready(cmm) || takeover_ms == cmm->config.timers.takeover_ms || takeover_ms <= 0 || takeover_ms > UINT32_MAX ||
	    cmm_timers_derive((uint32_t)takeover_ms, &timers, NULL) < 0)
		return;
	cmm_note(u, "CMM: This node takes on the takeover_time of the cluster, %" PRIi64 " ms (its own was %u ms).", takeover_ms,
		 cmm->config.timers.takeover_ms);
	cmm->config.timers = timers;
}

static void on_hello(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	uint32_t from = event->from;
	char reason[256];

	if (!nodeset_has(cmm->view, from) || nodeset_from_json(ju_arr(event->message, "view")) != cmm->view)
		return;         /* of an earlier view; its sender sends another for this one */
	cmm->greeted |= node_bit(from);
	if (!nodeset_has(cmm->config.votes.configured, from)) {
		cmm_note(u, "CMM: Node %u is not in the configuration; it cannot join.", from);
		return;
	}
	if (cmm->hello[from])
		withdraw_proposal(cmm, (uint64_t)ju_int(event->message, "epoch", 0));
	json_decref(cmm->hello[from]);
	cmm->hello[from] = json_incref((json_t *)event->message);
	if (from != cmm->config.self && must_step_back(cmm, event->message, reason)) {
		cmm_fail_fast(cmm, u, reason);
		return;
	}
	if (cmm_is_ready(cmm) && (uint64_t)newest_of(event->message) > cmm->membership.epoch) {
		(void)snprintf(reason, sizeof reason, "CMM: The cluster went on without this node (epoch %" PRIu64
			       " here, %" PRIi64 " on node %u); aborting.", cmm->membership.epoch,
			       newest_of(event->message), from);
		cmm_fail_fast(cmm, u, reason);
		return;
	}
	if (was_left_behind(cmm))
		cmm_fail_fast(cmm, u, "CMM: This node was away for a view of the cluster, which goes on without it; aborting.");
}

static bool proposal_fits(const struct cmm *cmm, const json_t *message)
{
	json_t *m;
	size_t i;

	if (nodeset_from_json(ju_arr(message, "view")) != cmm->view)
		return false;
	if ((uint64_t)ju_int(message, "epoch", 0) <= cmm->config.epoch)
		return false;
	json_array_foreach(ju_arr(message, "members"), i, m) {
		int64_t id = ju_int(m, "id", 0);

		if (id < 1 || id > CMM_NODE_ID_MAX || !cmm->hello[id] ||
		    ju_int(m, "inc", 0) != ju_int(cmm->hello[id], "inc", -1))
			return false;
	}
	return true;
}

static void on_epoch(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	if (!proposal_fits(cmm, event->message)) {
		if (nodeset_from_json(ju_arr(event->message, "view")) == cmm->view &&
		    (uint64_t)ju_int(event->message, "epoch", 0) <= cmm->config.epoch)
			send_hello(cmm, u);     /* used up here, see withdraw_proposal() */
		return;
	}
	json_decref(cmm->proposal);
	cmm->proposal = json_incref((json_t *)event->message);
	cmm->proposal_from = event->from;
	cmm->stored = 0;
	quorum_learn(cmm, ju_arr(event->message, "devices"));
	adopt_takeover(cmm, ju_int(event->message, "takeover", 0), u);
	cmm_store(cmm, (uint64_t)ju_int(event->message, "epoch", 0), u);
}

static void on_stored_here(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	if (event->error) {
		char reason[256];

		(void)snprintf(reason, sizeof reason, "CMM: Cannot make epoch %" PRIu64 " durable: %.150s; aborting.",
			       event->epoch, event->error);
		cmm_fail_fast(cmm, u, reason);
		return;
	}
	cmm->config.epoch = MAX(cmm->config.epoch, event->epoch);
	quorum_stored(cmm, event->keys);
	if (cmm->proposal && (uint64_t)ju_int(cmm->proposal, "epoch", 0) == event->epoch)
		cmm_send(u, ju_pack("{ss,si,sI}", "t", "stored", "v", 1, "epoch", (json_int_t)event->epoch));
}

/* ---- a new epoch comes into force ---- */

/* From here on what this node stores is of the epoch in force. */
static void now_synced(struct cmm *cmm, struct cmm_update *u)
{
	cmm->synced_epoch = cmm->membership.epoch;
	cmm->amnesia = false;
	cmm_store(cmm, cmm->membership.epoch, u);
}

static void activate(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	struct cmm_membership old = cmm->membership, *m = &cmm->membership;
	json_t *v;
	size_t i;

	*m = (struct cmm_membership) { .epoch = (uint64_t)ju_int(cmm->proposal, "epoch", 0), .lost = old.lost,
				       .sponsor = cmm->proposal_from,
				       .formed = ju_bool(cmm->proposal, "formed", false),
				       .level = (uint32_t)ju_int(cmm->proposal, "level", 1) };
	json_array_foreach(ju_arr(cmm->proposal, "members"), i, v) {
		uint32_t id = (uint32_t)ju_int(v, "id", 0);
		struct cmm_member *member = &m->member[id];

		m->members |= node_bit(id);
		member->incarnation = (uint64_t)ju_int(v, "inc", 0);
		member->ready = ju_bool(v, "ready", false);
		member->since = member->ready ? (uint64_t)ju_int(v, "since", 0) : m->epoch;
		if (member->ready)
			m->ready |= node_bit(id);
		/* A lost node that is back has booted anew (a new incarnation), or had nothing running (not ready). */
		m->lost &= ~node_bit(id);
	}
	if (m->formed) {
		/* Nobody knows what the absent ones run.  Whatever lease they have was confirmed by an earlier
		 * incarnation of somebody here, before this view. */
		FOR_EACH_NODE(id, cmm->config.votes.configured & ~m->members)
			lost_add(cmm, id, 0, now_ms);
	} else if (nodeset_has(m->ready, cmm->config.self)) {
		FOR_EACH_NODE(id, old.ready & ~m->members)
			lost_add(cmm, id, old.member[id].incarnation, MAX(cmm->heard_ms[id], cmm->start_ms));
	} else {
		m->lost = 0;    /* the snapshot says who; what it knew of an epoch that went on without it is no use */
	}
	m->president = president_of(m);
	FOR_EACH_DEVICE(cmm, id)
		if (cmm->device[id].held)
			m->held |= device_bit(id);
	json_decref(cmm->proposal);
	cmm->proposal = NULL;
	if (nodeset_has(m->ready, cmm->config.self))
		now_synced(cmm, u);
	else
		quorum_joined(cmm, now_ms);
	cmm->dead_sent = cmm->declared = cmm->fencing = 0;
	cmm->in_force = true;
	cmm->together = cmm->view;
	cmm->synced = false;
	u->activated = true;
	cmm_note(u, "CMM: node reconfiguration #%" PRIu64 " completed.", m->epoch);
}

static void on_stored(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	if (!cmm->proposal || ju_int(event->message, "epoch", 0) != ju_int(cmm->proposal, "epoch", -1))
		return;
	cmm->stored |= node_bit(event->from);
	if ((counted_view(cmm) & ~cmm->stored) == 0)
		activate(cmm, event->now_ms, u);
}

static void on_ready(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	struct cmm_membership *m = &cmm->membership;

	/* Said in an earlier view: the hello of this view says "not ready", and all go by that. */
	if (!cmm->in_force)
		return;
	if (!nodeset_has(m->members, event->from) || (uint64_t)ju_int(event->message, "epoch", 0) != m->epoch ||
	    nodeset_has(m->ready, event->from))
		return;
	m->ready |= node_bit(event->from);
	m->member[event->from].ready = true;
	m->president = president_of(m);
	u->became_ready = event->from;
	cmm_note(u, "CMM: Node %u: joined cluster.", event->from);
}

/* ---- views ---- */

static void note_view_change(const struct cmm *cmm, nodeset old, struct cmm_update *u)
{
	FOR_EACH_NODE(id, cmm->view & ~old)
		if (id != cmm->config.self)
			cmm_note(u, "CMM: Node %u has become reachable.", id);
	FOR_EACH_NODE(id, old & ~cmm->view)
		cmm_note(u, "CMM: Node %u is down.", id);
}

static unsigned count(nodeset set) { return (unsigned)__builtin_popcountll(set); }

/* In a race for a device: the side that runs services, then the larger one, then the one with the lowest node. */
bool cmm_favours(const struct cmm *cmm, nodeset here, nodeset there)
{
	unsigned serve_here = count(here & cmm->serving), serve_there = count(there & cmm->serving);
	uint32_t votes_here = cmm_node_votes(cmm, here), votes_there = cmm_node_votes(cmm, there);

	if (!there || serve_here != serve_there)
		return !there || serve_here > serve_there;
	return votes_here != votes_there ? votes_here > votes_there : nodeset_next(here, 0) < nodeset_next(there, 0);
}

static bool is_favoured(const struct cmm *cmm)
{
	return cmm_favours(cmm, cmm->membership.ready & cmm->view, cmm->membership.ready & ~cmm->view & ~cmm->left & ~cmm->evicted);
}

static void lose_quorum(struct cmm *cmm, struct cmm_update *u)
{
	cmm_fail_fast(cmm, u, "CMM: Cluster lost operational quorum; aborting.");
}

void cmm_change_view(struct cmm *cmm, nodeset view, uint64_t now_ms, struct cmm_update *u)
{
	nodeset old = cmm->view;

	u->view_changed = true;
	cmm->view = view;
	cmm->views++;
	cmm->view_ms = now_ms;
	cmm->evict_sent = cmm->greeted = 0;
	FOR_EACH_NODE(id, view) {
		cmm->spoke[id] = 0;
		cmm->spoke_ms[id] = now_ms;
	}
	cmm->favoured = is_favoured(cmm);
	cmm->together &= cmm->view;
	cmm->proposed = cmm->in_force = cmm->synced = false;
	json_decref(cmm->proposal);
	cmm->proposal = NULL;
	FOR_EACH_NODE(id, old) {
		json_decref(cmm->hello[id]);
		cmm->hello[id] = NULL;
	}
	FOR_EACH_NODE(id, cmm->view & ~old) {
		cmm->heard_beat[id] = 0;        /* a new incarnation counts from one again */
		cmm->confirmed[id] = 0;
		cmm->left &= ~node_bit(id);     /* its goodbye was for the life before */
	}
	quorum_view(cmm);
	note_view_change(cmm, old, u);
	if (!cmm_may_be_quorate(cmm, cmm->view)) {
		cmm->possible_since_ms = 0;
		if (cmm_is_ready(cmm) && !cmm->leaving) {
			lose_quorum(cmm, u);
			return;
		}
	} else if (cmm->possible_since_ms == 0) {
		cmm->possible_since_ms = now_ms;
	}
	send_hello(cmm, u);
	lease_beat(cmm, now_ms, u);
}

/* Whoever was evicted counts again until it is silent in this view, too: not all who are in it know of that.  When it has gone
 * now and nothing else is new, nothing is. */
static void on_view(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	bool known = cmm->evicted && event->view == cmm->view;

	cmm->evicted = 0;
	if (!known)
		cmm_change_view(cmm, event->view, event->now_ms, u);
}

/* The last device that could have given this member its quorum has refused. */
static void check_quorum(struct cmm *cmm, struct cmm_update *u)
{
	if (cmm_is_ready(cmm) && !cmm->leaving && !cmm_is_quorate(cmm, cmm->view) && !quorum_undecided(cmm))
		lose_quorum(cmm, u);
}

static void on_leave(struct cmm *cmm, const struct cmm_event *event)
{
	cmm->left |= node_bit(event->from);
}

/* A node takes part when it has the state and a lease to act under. */
static void say_ready(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	if (cmm->leaving)               /* it has said goodbye: nobody may count on it any more */
		return;
	if (!cmm->synced || !lease_is_fresh(cmm, now_ms))
		return;
	cmm->synced = false;
	cmm_send(u, ju_pack("{ss,si,sI}", "t", "ready", "v", 1, "epoch", (json_int_t)cmm->membership.epoch));
}

static void on_timer(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	if (cmm->view && event->now_ms >= cmm->beat_due_ms)
		lease_beat(cmm, event->now_ms, u);
}

static void on_message(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	const char *t = ju_str(event->message, "t", "");

	if (!nodeset_has(cmm->view, event->from))
		return;
	cmm->spoke[event->from]++;
	cmm->spoke_ms[event->from] = event->now_ms;
	if (streq(t, "beat"))
		lease_on_beat(cmm, event, u);
	else if (streq(t, "qtake"))
		quorum_on_take(cmm, event->message, u);
	else if (streq(t, "qhave"))
		quorum_on_have(cmm, event->from, event->message, u);
	else if (streq(t, "qkey"))
		quorum_on_key(cmm, event->from, event->message, u);
	else if (streq(t, "hello"))
		on_hello(cmm, event, u);
	else if (streq(t, "epoch"))
		on_epoch(cmm, event, u);
	else if (streq(t, "stored"))
		on_stored(cmm, event, u);
	else if (streq(t, "ready"))
		on_ready(cmm, event, u);
	else if (streq(t, "dead"))
		lost_on_dead(cmm, event, u);
	else if (streq(t, "leave"))
		on_leave(cmm, event);
	else if (streq(t, "evict"))
		lease_on_evict(cmm, event, u);
}

static uint64_t next_timer_ms(const struct cmm *cmm)
{
	uint64_t due = cmm->view ? cmm->beat_due_ms : 0;

	sooner(&due, quorum_due_ms(cmm));
	if (wants_to_ask(cmm))
		sooner(&due, ask_due_ms(cmm));
	sooner(&due, lost_due_ms(cmm));
	return due;
}

/* What every event may have made possible: devices, then an epoch, or the end. */
static void go_on(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	if (cmm_is_quorate(cmm, cmm->view) != cmm->quorate) {
		cmm->quorate = !cmm->quorate;
		if (cmm->quorate)
			cmm_note(u, "CMM: Cluster has reached quorum.");
	}
	quorum_work(cmm, now_ms, u);
	maybe_ask(cmm, now_ms, u);
	maybe_propose(cmm, now_ms, u);
	check_quorum(cmm, u);
}

static bool is_at_its_end(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	if (!cmm->panicked && cmm_lease_is_over(cmm, now_ms))
		cmm_fail_fast(cmm, u, CMM_LEASE_OVER);
	return cmm->panicked;
}

void cmm_step(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *ret_update)
{
	struct cmm_update *u = ret_update;

	*u = (struct cmm_update) { 0 };
	assert(event->type < CMM_EV_COUNT);
	if (!cmm->start_ms)
		cmm->start_ms = event->now_ms;
	if (is_at_its_end(cmm, event->now_ms, u))
		return;
	switch (event->type) {
	case CMM_EV_VIEW:    on_view(cmm, event, u); break;
	case CMM_EV_MESSAGE: on_message(cmm, event, u); break;
	case CMM_EV_STORED:  on_stored_here(cmm, event, u); break;
	case CMM_EV_TIMER:   on_timer(cmm, event, u); break;
	case CMM_EV_DEVICE:  quorum_ended(cmm, event, u); break;
	case CMM_EV_FENCED:  lost_on_fenced(cmm, event, u); break;
	case CMM_EV_RESTORED:
		if (cmm->in_force)
			now_synced(cmm, u);
		break;
	case CMM_EV_SYNCED:  cmm->synced = cmm->in_force; break;
	case CMM_EV_LEAVE:
		cmm->leaving = true;
		cmm_send(u, ju_pack("{ss,si}", "t", "leave", "v", 1));
		break;
	case CMM_EV_COUNT:
		break;
	}
	/* Its own word that it is ready may have come so late that the lease it was said with is over. */
	if (is_at_its_end(cmm, event->now_ms, u))
		return;
	lease_evict_silent(cmm, event->now_ms, u);
	go_on(cmm, event->now_ms, u);
	lost_announce(cmm, event->now_ms, u);
	say_ready(cmm, event->now_ms, u);
	u->lease_until_ms = cmm_is_ready(cmm) && !cmm->leaving ? cmm->lease_until_ms : 0;
	u->timer_ms = next_timer_ms(cmm);
}

/* ---- life ---- */

struct cmm *cmm_new(const struct cmm_config *config)
{
	struct cmm *cmm = xcalloc(1, sizeof *cmm);

	assert(config->self >= 1 && config->self <= CMM_NODE_ID_MAX);
	cmm->config = *config;
	if (!cmm->config.level_max)
		cmm->config.level_min = cmm->config.level_max = CMM_LEVEL;
	cmm->storing_epoch = config->epoch;
	cmm->synced_epoch = config->synced;
	cmm->amnesia = config->amnesia;
	quorum_start(cmm);
	return cmm;
}

struct cmm *cmm_free(struct cmm *cmm)
{
	if (!cmm)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(cmm->hello); i++)
		json_decref(cmm->hello[i]);
	json_decref(cmm->proposal);
	json_decref(cmm->extra);
	free(cmm);
	return NULL;
}

void cmm_configure(struct cmm *cmm, const struct cmm_votes *votes)
{
	struct cmm_votes old = cmm->config.votes;

	cmm->config.votes = *votes;
	quorum_configure(cmm, &old);
}

void cmm_set_serving(struct cmm *cmm, nodeset serving) { cmm->serving = serving; }
const struct cmm_votes *cmm_config_votes(const struct cmm *cmm) { return &cmm->config.votes; }
const struct cmm_timers *cmm_timers(const struct cmm *cmm) { return &cmm->config.timers; }

void cmm_set_hello_extra(struct cmm *cmm, const json_t *extra)
{
	json_decref(cmm->extra);
	cmm->extra = json_deep_copy(extra);
}

json_t *cmm_snapshot(const struct cmm *cmm)
{
	json_t *lost = json_array();

	FOR_EACH_NODE(id, cmm->membership.lost)
		ju_push(lost, ju_pack("{sI,sI}", "id", (json_int_t)id, "inc", (json_int_t)cmm->lost_incarnation[id]));
	return ju_pack("{so,so}", "lost", lost, "devices", quorum_to_json(cmm));
}

void cmm_restore(struct cmm *cmm, const json_t *snapshot, uint64_t now_ms)
{
	json_t *v;
	size_t i;

	quorum_restore(cmm, ju_arr(snapshot, "devices"));
	json_array_foreach(ju_arr(snapshot, "lost"), i, v) {
		int64_t id = ju_int(v, "id", 0);

		if (id >= 1 && id <= CMM_NODE_ID_MAX &&
		    !nodeset_has(cmm->membership.members | cmm->declared, (uint32_t)id))
			lost_add(cmm, (uint32_t)id, (uint64_t)ju_int(v, "inc", 0), now_ms);
	}
}

static char *waiting_for_quorum(const struct cmm *cmm)
{
	struct buf b = { 0 };

	buf_printf(&b, "Cluster doesn't have operational quorum yet; waiting for quorum (%u of %u votes present, %u needed)",
		   cmm_votes_present(cmm), cmm_votes_possible(cmm), cmm_votes_needed(cmm));
	FOR_EACH_DEVICE(cmm, id)
		if (!cmm->device[id].held && cmm->device[id].why[0])
			buf_printf(&b, "; quorum device %s: %s", cmm->config.votes.device[id].name, cmm->device[id].why);
	return buf_take(&b);
}

static char *waiting_for_knowledge(const struct cmm *cmm)
{
	nodeset know = nodes_that_know(cmm), not = counted_view(cmm) & ~know, absent = cmm->config.votes.configured & ~cmm->view;
	struct buf b = { 0 };

	buf_puts(&b, "waiting for a node that knows the configuration: node");
	FOR_EACH_NODE(id, not)
		buf_printf(&b, " %u", id);
	buf_puts(&b, " lost a part of it or was never a member; booting any of the others will do: node");
	FOR_EACH_NODE(id, absent)
		buf_printf(&b, " %u", id);
	return buf_take(&b);
}

char *cmm_waiting_for(const struct cmm *cmm)
{
	int64_t level;

	if (cmm_is_ready(cmm))
		return NULL;
	if (!cmm->view)
		return xstrdup("waiting for the interconnect");
	if (!all_hellos_in(cmm))
		return xstrdup("waiting for the other nodes to say hello");
	if (!cmm_is_quorate(cmm, cmm->view))
		return waiting_for_quorum(cmm);
	if (!knows_enough(cmm))
		return waiting_for_knowledge(cmm);
	if (!common_level(cmm, &level))
		return xstrdup("waiting: the versions of the nodes have no level in common; upgrade the oldest one first");
	if (cmm->membership.epoch == 0 || !nodeset_has(cmm->membership.members, cmm->config.self))
		return xstrdup("waiting for the membership to be agreed");
	return xstrdup("waiting for the configuration from a member");
}
