/* Where a group may be, and where it is to be.
 *
 * A node that may not have the group is told with the reason, in the order of the checks: is it a member that takes groups,
 * can it run these types, do the strong affinities allow it, has it room (load.c), has it failed there?  Of those left the best are taken: where it
 * is already, then the fewest failed starts, then the weak affinities, then the order of the Nodelist.
 *
 * rg_goal() is where a group will be when all that is to be done is done.  An affinity looks at the goal of its target, so a
 * source leaves before its target goes, and does not wait for a target that is not coming.  Strong affinities have no circles
 * (graph.c); depth is for tables that have them all the same. */
#include "rgm/model.h"

#include <stdio.h>

#define LINK_DEPTH 16

static nodeset goal_at(const struct rgm *rgm, const struct rgm_rg *rg, unsigned depth);

static void say(char *why, const char *fmt, ...) _printf_(2, 3);
static void say(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, WHY_NOT_SIZE, fmt, ap);
	va_end(ap);
}

unsigned rg_recent_failures(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id)
{
	int64_t interval_ms = rg_prop_int(rg, "Pingpong_interval") * 1000;
	unsigned n = 0;

	for (size_t i = 0; i < FAILURES_PER_NODE; i++)
		if (rg->on[id].failures[i] && rg->on[id].failures[i] + interval_ms > rgm->now_ms)
			n++;
	return n;
}

static const struct rt *missing_type(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id)
{
	for (size_t i = 0; i < rg->rs_count; i++) {
		const struct strlist *nodes = &rg->rs[i]->rt->installed_nodes;

		if (nodes->n && !strlist_has(nodes, rgm_node_name(rgm, id)))
			return rg->rs[i]->rt;
	}
	return NULL;
}

/* True: it may not, and why says so. */
static bool is_unfit(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, char *why)
{
	const struct rt *missing = missing_type(rgm, rg, id);

	if (rgm->node[id].state != NODE_UP)
		say(why, "it is %s", rgm->node[id].state == NODE_JOINING ? "joining" : rgm->node[id].state == NODE_LOST ? "lost" : "down");
	else if (rgm->node[id].draining)
		say(why, "it is about to leave");
	else if (rg->on[id].held_until > rgm->now_ms)
		say(why, "it was evacuated or displaced");
	else if (rg->on[id].state == RG_ERROR_STOP_FAILED)
		say(why, "it is in ERROR_STOP_FAILED there");
	else if (missing)
		say(why, "%s is not installed there", missing->name);
	else
		return false;
	return true;
}

static bool is_excluded(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, unsigned depth, char *why)
{
	for (size_t i = 0; i < rg->link_count && depth; i++) {
		const struct rg_link *link = &rg->links[i];
		nodeset goal = link->target && IN(link->kind) & LINK_STRONG ? goal_at(rgm, link->target, depth - 1) : 0;

		if (IN(link->kind) & (IN(LINK_POSITIVE) | IN(LINK_DELEGATED)) && !nodeset_has(goal, id)) {
			say(why, "%s%s: that is not there", link_prefixes[link->kind], link->name);
			return true;
		}
		if (link->kind == LINK_NEGATIVE && link->target && (nodeset_has(goal, id) || link->target->on[id].state != RG_OFFLINE)) {
			say(why, "--%s: that is there", link->name);
			return true;
		}
	}
	/* Who should make room and could not. */
	for (size_t i = 0; i < rg->linked_by_count && !(RG_MASK_HERE & IN(rg->on[id].state)); i++) {
		const struct rgm_rg *other = rg->linked_by[i];

		if (other->on[id].state == RG_ERROR_STOP_FAILED && rg_has_link(other, rg, IN(LINK_NEGATIVE))) {
			say(why, "%s (--%s) is in ERROR_STOP_FAILED there", other->name, rg->name);
			return true;
		}
	}
	return false;
}

bool rg_excluded(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, char *why)
{
	return is_excluded(rgm, rg, id, LINK_DEPTH, why);
}

bool rg_why_not(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, char *why)
{
	unsigned failures = rg_recent_failures(rgm, rg, id);

	if (is_unfit(rgm, rg, id, why) || rg_excluded(rgm, rg, id, why) || load_exceeds(rgm, rg, id, true, why))
		return true;
	if (rg_unprepared(rg, id)) {
		say(why, "its Init or Boot methods are running there");
		return true;
	}
	if (failures < FAILURES_PER_NODE)
		return false;
	say(why, "it failed to start there %u times within Pingpong_interval (%lld s)", failures,
	    (long long)rg_prop_int(rg, "Pingpong_interval"));
	return true;
}

bool rg_only_lacks_room(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id)
{
	char why[WHY_NOT_SIZE];

	return !is_unfit(rgm, rg, id, why) && !rg_excluded(rgm, rg, id, why) && !rg_unprepared(rg, id) &&
	       rg_recent_failures(rgm, rg, id) < FAILURES_PER_NODE && load_exceeds(rgm, rg, id, true, why);
}

/* Weak affinities, as the targets are now. */
static int liking(const struct rgm_rg *rg, uint32_t id)
{
	int n = 0;

	for (size_t i = 0; i < rg->link_count; i++) {
		const struct rg_link *link = &rg->links[i];

		if (link->target && (RG_MASK_HERE & IN(link->target->on[id].state)))
			n += link->kind == LINK_WEAK_POSITIVE ? 1 : link->kind == LINK_WEAK_NEGATIVE ? -1 : 0;
	}
	return n;
}

/* With a Pingpong_interval of 0 failures do not count, but the node where the last one was is the last to be tried again. */
static bool failed_last(const struct rgm_rg *rg, uint32_t id)
{
	int64_t at = rg->on[id].failures[0];

	if (rg_prop_int(rg, "Pingpong_interval") || !at)
		return false;
	for (size_t i = 0; i < rg->node_count; i++)
		if (rg->on[rg->nodelist[i]].failures[0] > at)
			return false;
	return true;
}

/* Each positive when a is better than b; the first that says something decides, else the order of the Nodelist. */
static int by_place(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t a, uint32_t b, nodeset here)
{
	(void)rgm;
	(void)rg;
	return (int)nodeset_has(here, a) - (int)nodeset_has(here, b);
}

static int by_failures(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t a, uint32_t b, nodeset here)
{
	(void)here;
	return (int)rg_recent_failures(rgm, rg, b) - (int)rg_recent_failures(rgm, rg, a);
}

static int by_last_failure(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t a, uint32_t b, nodeset here)
{
	(void)rgm;
	(void)here;
	return (int)failed_last(rg, b) - (int)failed_last(rg, a);
}

static int by_liking(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t a, uint32_t b, nodeset here)
{
	(void)rgm;
	(void)here;
	return liking(rg, a) - liking(rg, b);
}

static int by_soft_limits(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t a, uint32_t b, nodeset here)
{
	(void)here;
	return rg->factor_count ? (int)load_soft_exceeded(rgm, rg, b) - (int)load_soft_exceeded(rgm, rg, a) : 0;
}

static const struct {
	int (*compare)(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t a, uint32_t b, nodeset here);
	const char *text;
} criteria[] = {
	{ by_place,        "it is there already" },
	{ by_failures,     "fewer starts have failed there within Pingpong_interval" },
	{ by_last_failure, "the last start that failed was not there" },
	{ by_liking,       "its weak affinities are better met there" },
	{ by_soft_limits,  "fewer soft load limits are exceeded there" },
};

static int compare_nodes(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t a, uint32_t b, nodeset here, const char **ret_text)
{
	for (size_t i = 0; i < ARRAY_SIZE(criteria); i++) {
		int r = criteria[i].compare(rgm, rg, a, b, here);

		*ret_text = criteria[i].text;
		if (r)
			return r;
	}
	*ret_text = "it comes first in the Nodelist";
	return 0;
}

const char *rg_preferred_because(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t node, uint32_t other)
{
	const char *text;

	(void)compare_nodes(rgm, rg, node, other, rg_nodes_in(rg, RG_MASK_HERE), &text);
	return text;
}

static uint32_t best_node(const struct rgm *rgm, const struct rgm_rg *rg, nodeset taken, nodeset here, unsigned depth)
{
	char why[WHY_NOT_SIZE];
	const char *because;
	uint32_t best = 0;

	for (size_t i = 0; i < rg->node_count; i++) {
		uint32_t id = rg->nodelist[i];

		if (nodeset_has(taken, id) || is_unfit(rgm, rg, id, why) || is_excluded(rgm, rg, id, depth, why) ||
		    (!nodeset_has(here, id) && (rg_unprepared(rg, id) || rg_recent_failures(rgm, rg, id) >= FAILURES_PER_NODE ||
						load_exceeds(rgm, rg, id, true, why))))
			continue;
		if (!best || compare_nodes(rgm, rg, id, best, here, &because) > 0)
			best = id;
	}
	return best;
}

/* On how many?  A person may have brought it on more or fewer: more stay, fewer are respected for a while. */
static int64_t wanted_number(const struct rgm_rg *rg, nodeset here)
{
	int64_t desired = rg_prop_int(rg, "Desired_primaries"), now = nodeset_count(here);

	if (!rg_is_scalable(rg) || !desired)
		return desired;
	if (rg->fewer && now)
		return MIN(now, desired);
	desired = MAX(now, desired);
	return MIN(desired, rg_prop_int(rg, "Maximum_primaries"));
}

static nodeset best_nodes(const struct rgm *rgm, const struct rgm_rg *rg, nodeset here, unsigned depth)
{
	int64_t desired = wanted_number(rg, here);
	nodeset want = 0;

	for (uint32_t id; desired > 0 && (id = best_node(rgm, rg, want, here, depth)); desired--)
		want |= node_bit(id);
	return want;
}

nodeset rg_ideal(const struct rgm *rgm, const struct rgm_rg *rg)
{
	return best_nodes(rgm, rg, 0, LINK_DEPTH);
}

/* A switch by hand goes where no strong affinity forbids it; when nothing is left of it, the choice is automatic. */
static nodeset switched_nodes(const struct rgm *rgm, const struct rgm_rg *rg, unsigned depth)
{
	nodeset nodes = rg->intent_nodes & rgm_up_nodes(rgm) & ~rgm_draining_nodes(rgm), left = nodes;
	char why[WHY_NOT_SIZE];

	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
		if (is_excluded(rgm, rg, id, depth, why) || (rg->on[id].state == RG_OFFLINE && load_exceeds(rgm, rg, id, true, why)))
			left &= ~node_bit(id);
	return left;
}

/* A group that nothing is to move by itself stays where it may stay, and comes to no other node. */
static nodeset still_nodes(const struct rgm *rgm, const struct rgm_rg *rg, nodeset here, unsigned depth)
{
	char why[WHY_NOT_SIZE];

	for (uint32_t id = nodeset_next(here, 0); id; id = nodeset_next(here, id))
		if (is_unfit(rgm, rg, id, why) || is_excluded(rgm, rg, id, depth, why))
			here &= ~node_bit(id);
	return here;
}

bool rg_must_leave(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, char *why)
{
	return is_unfit(rgm, rg, id, why) || rg_excluded(rgm, rg, id, why);
}

static nodeset want_at(const struct rgm *rgm, const struct rgm_rg *rg, unsigned depth)
{
	nodeset nodes = rg->intent == INTENT_SWITCH ? switched_nodes(rgm, rg, depth) : 0;

	if (nodes)
		return nodes;
	if (rg->admin_offline)
		return 0;
	return rg_recovers(rg) ? best_nodes(rgm, rg, rg_nodes_in(rg, RG_MASK_HERE), depth)
			       : still_nodes(rgm, rg, rg_nodes_in(rg, RG_MASK_HERE), depth);
}

nodeset rg_want(const struct rgm *rgm, const struct rgm_rg *rg)
{
	return want_at(rgm, rg, LINK_DEPTH);
}

static nodeset goal_at(const struct rgm *rgm, const struct rgm_rg *rg, unsigned depth)
{
	if (!rg->managed)
		return 0;
	if (rg_nodes_in(rg, IN(RG_ERROR_STOP_FAILED)))
		return rg_nodes_in(rg, RG_MASK_HERE);
	return want_at(rgm, rg, depth) & ~rg->restart;
}

nodeset rg_goal(const struct rgm *rgm, const struct rgm_rg *rg)
{
	return goal_at(rgm, rg, LINK_DEPTH);
}

/* All checks of a giveover except Monitor_check: not where it failed to start or was given over from a short while ago. */
uint32_t rg_giveover_target(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t from, nodeset refused)
{
	int64_t interval_ms = rg_prop_int(rg, "Pingpong_interval") * 1000;
	char why[WHY_NOT_SIZE];

	for (size_t i = 0; i < rg->node_count; i++) {
		uint32_t id = rg->nodelist[i];

		if (id != from && !nodeset_has(refused, id) && !rg_why_not(rgm, rg, id, why) && rg->on[id].state == RG_OFFLINE &&
		    (!rg->on[id].gave_over || rg->on[id].gave_over + interval_ms <= rgm->now_ms))
			return id;
	}
	return 0;
}

/* "; not node1: it is down; not ...", for each node of the Nodelist that is not among the chosen. */
void rg_tell_others(const struct rgm *rgm, const struct rgm_rg *rg, nodeset chosen, struct buf *text)
{
	char why[WHY_NOT_SIZE];

	for (size_t i = 0; i < rg->node_count; i++)
		if (!nodeset_has(chosen, rg->nodelist[i]) && rg_why_not(rgm, rg, rg->nodelist[i], why))
			buf_printf(text, "%snot %s: %s", text->len ? "; " : "", rgm_node_name(rgm, rg->nodelist[i]), why);
}
