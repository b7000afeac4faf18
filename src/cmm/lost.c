/* Lost nodes: were ready, are gone, and may still act until they are dead by lease, have left in order, or are fenced. */
#include "cmm/state.h"

static void declare_dead(struct cmm *cmm, uint32_t id, const char *how, struct cmm_update *u)
{
	cmm->membership.lost &= ~node_bit(id);
	cmm->dead_sent &= ~node_bit(id);
	cmm->left &= ~node_bit(id);
	cmm_note(u, "CMM: Node %u is dead (%s).", id, how);
}

void lost_add(struct cmm *cmm, uint32_t id, uint64_t incarnation, uint64_t heard_ms)
{
	cmm->membership.lost |= node_bit(id);
	cmm->lost_incarnation[id] = incarnation;
	cmm->lost_heard_ms[id] = heard_ms;
	cmm->fence_due_ms[id] = 0;
}

#define FENCE_RETRY_MS 1000u

/* What a node may have that was a member of an earlier cluster, whose takeover_time may have been longer. */
uint32_t lost_longest_lease_ms(const struct cmm *cmm)
{
	struct cmm_timers highest;

	if (cmm_timers_derive(cmm->config.votes.takeover_highest_ms, &highest, NULL) < 0)
		return cmm->config.timers.lease_ms;
	return MAX(cmm->config.timers.lease_ms, highest.lease_ms);
}

/* 0: not by waiting. */
static uint64_t dead_due_ms(const struct cmm *cmm, uint32_t id)
{
	if (nodeset_has(cmm->left, id))
		return 1;       /* at once */
	if (cmm->config.votes.fence_required && nodeset_has(cmm->config.votes.fence, id))
		return 0;
	return cmm->lost_heard_ms[id] + (cmm->membership.formed ? lost_longest_lease_ms(cmm) : cmm->config.timers.lease_ms) +
	       cmm->config.timers.margin_ms;
}

static bool speaks_for_cluster(const struct cmm *cmm)
{
	return cmm_is_president(cmm) && !cmm->proposal && cmm->in_force && !cmm->leaving;
}

/* The keys of a node go from the shared disks when its lease is over: before, it may put them on again.  A disk that does not
 * answer holds up the others for one takeover_time at most: the lease alone is enough, and nobody can use that disk anyway. */
static uint64_t patience_until_ms(const struct cmm *cmm, uint32_t id)
{
	return quorum_disks_asked_ms(cmm, id) + cmm->config.timers.takeover_ms;
}

static bool may_be_declared(const struct cmm *cmm, uint32_t id, uint64_t due, uint64_t now_ms)
{
	return nodeset_has(cmm->left, id) || quorum_disks_taken(cmm, id, due) || now_ms >= patience_until_ms(cmm, id);
}

static void say_dead(struct cmm *cmm, uint32_t id, const char *how, const char *by, uint64_t now_ms, struct cmm_update *u)
{
	cmm->dead_sent |= node_bit(id);
	cmm_send(u, ju_pack("{ss,si,sI,sI,ss,ss,sI}", "t", "dead", "v", 1, "node", (json_int_t)id, "inc",
			    (json_int_t)cmm->lost_incarnation[id], "how", how, "by", by, "silent_ms",
			    (json_int_t)(now_ms - cmm->lost_heard_ms[id])));
}

/* A lost node is dead when it said goodbye, when its lease is over, or when a fence agent has made sure. */
void lost_announce(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	/* Who has stood still hears first what has become of the cluster: with half of its lease left, no ring can have formed
	 * without it (timers.c), and nobody who was away can have joined one. */
	cmm->stale = !lease_is_fresh(cmm, now_ms);
	if (!speaks_for_cluster(cmm) || cmm->stale)
		return;
	FOR_EACH_NODE(id, cmm->membership.lost & ~cmm->dead_sent) {
		uint64_t due = dead_due_ms(cmm, id);

		if (!due || due > now_ms)
			continue;
		if (!nodeset_has(cmm->left, id))
			quorum_ask_disks(cmm, id, due, now_ms, u);
		if (may_be_declared(cmm, id, due, now_ms)) {
			_cleanup_free_ char *disks = quorum_disks_taken_names(cmm, id, due);

			say_dead(cmm, id, nodeset_has(cmm->left, id) ? "left" : "lease", disks, now_ms, u);
		}
	}
	FOR_EACH_NODE(id, cmm->membership.lost & ~cmm->dead_sent & ~cmm->fencing & cmm->config.votes.fence)
		if (now_ms >= cmm->fence_due_ms[id]) {
			cmm->fencing |= node_bit(id);
			u->fence |= node_bit(id);
		}
}

uint64_t lost_due_ms(const struct cmm *cmm)
{
	uint64_t due = 0;

	if (!speaks_for_cluster(cmm) || cmm->stale)     /* the beat that makes it fresh is an event */
		return 0;
	FOR_EACH_NODE(id, cmm->membership.lost & ~cmm->dead_sent) {
		uint64_t when = dead_due_ms(cmm, id);

		if (when && !nodeset_has(cmm->left, id) && quorum_disks_asked_ms(cmm, id) >= when && !quorum_disks_taken(cmm, id, when))
			when = patience_until_ms(cmm, id);
		sooner(&due, when);
		if (nodeset_has(cmm->config.votes.fence & ~cmm->fencing, id))
			sooner(&due, MAX(cmm->fence_due_ms[id], 1u));
	}
	return due;
}

void lost_on_fenced(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	uint32_t id = event->node;

	cmm->fencing &= ~node_bit(id);
	if (event->error) {
		cmm_note(u, "CMM: Node %u could not be fenced: %s", id, event->error);
		cmm->fence_due_ms[id] = event->now_ms + FENCE_RETRY_MS;
		return;
	}
	/* Only the life that was lost; since then it may have come back, or another president may have taken over. */
	if (cmm_fence_wanted(cmm, id, event->incarnation))
		say_dead(cmm, id, "fenced", event->how ? event->how : "", event->now_ms, u);
}

void lost_on_dead(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	static const char *const hows[] = { "lease", "left", "fenced" };
	uint32_t id = (uint32_t)ju_int(event->message, "node", 0);

	if (id >= 1 && id <= CMM_NODE_ID_MAX)
		cmm->declared |= node_bit(id);
	if (!nodeset_has(cmm->membership.lost, id))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hows); i++)
		if (streq(hows[i], ju_str(event->message, "how", "")))
			declare_dead(cmm, id, hows[i], u);
}

uint64_t cmm_lost_incarnation(const struct cmm *cmm, uint32_t id)
{
	return cmm->lost_incarnation[id];
}

bool cmm_fence_wanted(const struct cmm *cmm, uint32_t id, uint64_t incarnation)
{
	return speaks_for_cluster(cmm) && nodeset_has(cmm->membership.lost & ~cmm->dead_sent, id) &&
	       cmm->lost_incarnation[id] == incarnation;
}
