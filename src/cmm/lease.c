/* The lease, and members that are silent.  Why the lease is safe is at the top of cmm.c. */
#include "cmm/state.h"

#include <inttypes.h>
#include <stdio.h>

static bool leads_beat(const struct cmm *cmm, uint32_t id)
{
	return nodeset_next(cmm->view, 0) == id;
}

bool lease_is_fresh(const struct cmm *cmm, uint64_t now_ms)
{
	return cmm->lease_until_ms >= now_ms + cmm->config.timers.lease_ms / 2;
}

void lease_beat(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	json_t *seen = json_array();

	cmm->beat++;
	cmm->sent_ms[cmm->beat % BEATS_KEPT] = now_ms;
	/* The lowest node of the view gives the beat; the others answer it (lease_on_beat), so that a burst of messages wakes
	 * everybody once and the ring rests in between.  They wait half a beat longer before they go ahead alone. */
	cmm->beat_due_ms = now_ms + cmm->config.timers.beat_ms * (leads_beat(cmm, cmm->config.self) ? 2 : 3) / 2;
	FOR_EACH_NODE(id, cmm->view)
		if (id != cmm->config.self)
			ju_push(seen, ju_pack("[I,I]", (json_int_t)id, (json_int_t)cmm->heard_beat[id]));
	cmm_send(u, ju_pack("{ss,sI,so}", "t", "beat", "k", (json_int_t)cmm->beat, "seen", seen));
}

static bool majority_confirms(const struct cmm *cmm, uint64_t beat)
{
	nodeset set = node_bit(cmm->config.self);

	FOR_EACH_NODE(id, cmm->view)
		if (id != cmm->config.self && cmm->confirmed[id] >= beat)
			set |= node_bit(id);
	return cmm_is_quorate(cmm, set);
}

static void renew_lease(struct cmm *cmm)
{
	uint64_t best = 0;

	if (majority_confirms(cmm, UINT64_MAX))
		best = cmm->beat;       /* this node alone is the majority */
	FOR_EACH_NODE(id, cmm->view)
		if (cmm->confirmed[id] > best && majority_confirms(cmm, cmm->confirmed[id]))
			best = cmm->confirmed[id];
	if (best == 0 || best + BEATS_KEPT <= cmm->beat)
		return;
	cmm->lease_until_ms = MAX(cmm->lease_until_ms, cmm->sent_ms[best % BEATS_KEPT] + cmm->config.timers.lease_ms);
}

void lease_on_beat(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	uint32_t from = event->from;
	json_t *pair;
	size_t i;

	if (from == cmm->config.self) {
		renew_lease(cmm);
		return;
	}
	cmm->heard_beat[from] = (uint64_t)ju_int(event->message, "k", 0);
	cmm->heard_ms[from] = event->now_ms;
	json_array_foreach(ju_arr(event->message, "seen"), i, pair) {
		if (json_integer_value(json_array_get(pair, 0)) != (json_int_t)cmm->config.self)
			continue;
		uint64_t k = (uint64_t)json_integer_value(json_array_get(pair, 1));

		if (k <= cmm->beat)     /* else: it speaks of an earlier incarnation of this node */
			cmm->confirmed[from] = k;
	}
	renew_lease(cmm);
	if (leads_beat(cmm, from) && cmm->sent_ms[cmm->beat % BEATS_KEPT] + cmm->config.timers.beat_ms / 2 <= event->now_ms)
		lease_beat(cmm, event->now_ms, u);
}

/* ---- a member whose machine is in the ring, but who says nothing ---- */

/* Its clusterd hangs: the ring goes on, so no view tells of it, and failfastd ends that machine with its lease.  Whoever
 * needs its key for a quorum device must not wait so long, for his own lease would end, too.  So it is evicted, at one place
 * in the log for all; it fails fast when it reads that.  "spoke" is the count of what the log brought of it in this view: had
 * it said something else before that place, all ignore the eviction. */
static nodeset silent_nodes(const struct cmm *cmm, uint64_t now_ms, uint32_t for_ms)
{
	nodeset set = 0;

	FOR_EACH_NODE(id, cmm->view & ~node_bit(cmm->config.self))
		if (now_ms >= cmm->spoke_ms[id] + for_ms)
			set |= node_bit(id);
	return set;
}

static uint32_t patience_ms(const struct cmm *cmm) { return cmm->config.timers.token_ms + cmm->config.timers.consensus_ms; }

/* Else it stood still itself, and what the others said is still to be read. */
static bool hears_itself(const struct cmm *cmm, uint64_t now_ms)
{
	return now_ms < cmm->spoke_ms[cmm->config.self] + 3u * cmm->config.timers.beat_ms;
}

/* As soon as a ring would have thrown them out when the others need that for their own lease, or when a view waits for
 * members among them; else not before their lease is over. */
static nodeset nodes_to_evict(const struct cmm *cmm, uint64_t now_ms)
{
	nodeset silent = silent_nodes(cmm, now_ms, patience_ms(cmm)), rest = cmm->view & ~silent, now = silent;

	if (cmm->leaving || !silent || !cmm_may_be_quorate(cmm, rest) || !hears_itself(cmm, now_ms))
		return 0;
	if (cmm_is_quorate(cmm, rest)) {
		now = silent_nodes(cmm, now_ms, lost_longest_lease_ms(cmm) + cmm->config.timers.margin_ms);
		now |= cmm->in_force ? 0 : silent & cmm->membership.ready;
	}
	return now & ~cmm->evict_sent;
}

void lease_evict_silent(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	nodeset silent = nodes_to_evict(cmm, now_ms);
	json_t *nodes;

	if (!silent)
		return;
	nodes = json_array();
	FOR_EACH_NODE(id, silent)
		ju_push(nodes, ju_pack("{sI,sI,sI}", "id", (json_int_t)id, "spoke", (json_int_t)cmm->spoke[id], "silent_ms",
				       (json_int_t)(now_ms - cmm->spoke_ms[id])));
	cmm->evict_sent |= silent;
	cmm_send(u, ju_pack("{ss,si,so,so}", "t", "evict", "v", 1, "nodes", nodes, "view", nodeset_to_json(cmm->view)));
}

static void evict(struct cmm *cmm, uint32_t id, uint32_t by, int64_t silent_ms, struct cmm_update *u)
{
	char reason[256];

	if (id != cmm->config.self) {
		cmm_note(u, "CMM: Node %u is evicted: its machine is on the interconnect, but it has said nothing for %" PRIi64 " ms.",
			 id, silent_ms);
		return;
	}
	(void)snprintf(reason, sizeof reason, "CMM: This node was evicted by node %u: it had said nothing for %" PRIi64 " ms; aborting.",
		       by, silent_ms);
	cmm_fail_fast(cmm, u, reason);
}

void lease_on_evict(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	bool of_this_view = nodeset_from_json(ju_arr(event->message, "view")) == cmm->view && nodeset_has(cmm->greeted, event->from);
	nodeset evicted = 0;
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(event->message, "nodes"), i, v) {
		int64_t id = ju_int(v, "id", 0);

		if (id < 1 || id > CMM_NODE_ID_MAX || !nodeset_has(cmm->view & ~node_bit(event->from), (uint32_t)id))
			continue;
		cmm->evict_sent &= ~node_bit((uint32_t)id);
		if (!of_this_view || (uint64_t)ju_int(v, "spoke", -1) != cmm->spoke[id])
			continue;
		evicted |= node_bit((uint32_t)id);
		evict(cmm, (uint32_t)id, event->from, ju_int(v, "silent_ms", 0), u);
	}
	if (!evicted || cmm->panicked)
		return;
	cmm->evicted |= evicted;
	cmm_change_view(cmm, cmm->view & ~evicted, event->now_ms, u);
}
