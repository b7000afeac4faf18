/* On this node: where each resource is to go, and whose turn it is.
 *
 * Inside a group the node's own phases decide, across groups the replicated states (deps.c).  A resource of another group
 * that must not lose what it depends on (offline-restart) is told before that stops, and tells before it starts itself: both
 * wait until their own word has come back through the log.  Whoever's word came first is seen by the other. */
#include "rgm/model.h"

bool rs_declares(const struct rgm_rs *rs, enum rt_method method)
{
	return rs->rt->methods[method] != NULL;
}

bool local_started(const struct rgm_rs *rs)
{
	return rs->local.phase >= PHASE_UP && !rs->local.start_failed && !rs->local.restart &&
	       (!rs->rt->proxy || rs->local.proxy_online);
}

/* ---- goal ---- */

static enum phase goal_at(const struct rgm_rs *rs, size_t depth);

/* Is what it must never be without about to go?  depth: tables that go round in a circle must not end the node. */
static bool pulled_down(const struct rgm_rs *rs, size_t depth)
{
	uint32_t self = rs->rg->rgm->self;

	for (size_t i = 0; i < rs->dep_count && depth; i++) {
		const struct rs_dep *dep = &rs->deps[i];
		const struct rgm_rs *target = dep->target;

		if (dep->kind != DEP_OFFLINE_RESTART || !dep_applies(rs->rg->rgm, dep, self))
			continue;
		if (!target || target->rg != rs->rg) {
			if (!dep_met(rs, dep, self))
				return true;
		} else if ((rs->local.phase >= PHASE_UP && !local_started(target)) ||
			   goal_at(target, depth - 1) < (rs->local.phase >= PHASE_UP ? PHASE_UP : PHASE_PRENET)) {
			return true;            /* also from PRENET when that goes further down: it waits for nobody above it */
		}
	}
	return false;
}

static enum phase goal_at(const struct rgm_rs *rs, size_t depth)
{
	const struct rs_local *l = &rs->local;

	if (l->stop_failed)
		return l->phase;
	if (rs->rg->directive != DIRECTIVE_ONLINE || !rs_enabled(rs, rs->rg->rgm->self))
		return PHASE_OFF;
	if (l->phase > PHASE_OFF && pulled_down(rs, depth))
		return PHASE_OFF;
	if (l->restart)
		return rs_declares(rs, METHOD_START) && rs_declares(rs, METHOD_STOP) ? PHASE_PRENET : PHASE_OFF;
	if (l->start_failed)
		return l->phase;
	if (!rs_monitored(rs, rs->rg->rgm->self) || l->monitor_failed || !rs_declares(rs, METHOD_MONITOR_START))
		return PHASE_UP;
	return PHASE_MONITORED;
}

enum phase local_goal(const struct rgm_rs *rs)
{
	return goal_at(rs, rs->rg->rs_count);
}

bool local_stops(const struct rgm_rs *rs)
{
	enum phase goal = local_goal(rs);

	return goal < rs->local.phase && goal < PHASE_UP;
}

/* ---- whose turn it is ---- */

/* Will it be started, as far as this group knows?  Who depends on it weakly waits for that, and no longer. */
static bool is_coming(const struct rgm_rs *rs, size_t depth)
{
	const struct rgm_rg *rg = rs->rg;

	if (rs->local.running != METHOD_COUNT)
		return true;
	if (!depth || local_goal(rs) <= rs->local.phase || rs->local.phase >= PHASE_UP || deps_hold_start(rs, rg->rgm->self, DEP_WEAK))
		return false;
	for (size_t i = 0; i < rg->rs_count; i++) {
		const struct rgm_rs *other = rg->rs[i];

		if (other != rs && rs_dep_kind(rs, other) >= DEP_STRONG && !local_started(other) && !is_coming(other, depth - 1))
			return false;
	}
	return true;
}

/* Does this one of the same group come first? */
static bool holds_start(const struct rgm_rs *other, const struct rgm_rs *rs)
{
	enum dep_kind kind = rs_dep_kind(rs, other);
	size_t depth = rs->rg->rs_count;

	if (kind >= DEP_STRONG && local_stops(other))
		return true;
	if (rs->local.phase == PHASE_OFF) {
		kind = rs_dep_declared(rs, other);
		if (kind == DEP_NONE || other->local.phase >= PHASE_PRENET)
			return false;
		return kind == DEP_WEAK ? is_coming(other, depth) : true;
	}
	if (rs_is_address(rs) && !rs_is_address(other) && local_goal(other) > PHASE_PRENET && other->local.phase < PHASE_PRENET)
		return true;
	if (kind == DEP_NONE || !rs_declares(rs, METHOD_START) || local_started(other))
		return false;
	return kind == DEP_WEAK ? is_coming(other, depth) : true;
}

/* Start side: all Prenet_start (each after those it depends on), then addresses, then the others in the order of their
 * dependencies; each monitor right after its own Start.  What depends on another group waits with its Prenet_start, too. */
bool local_may_start(const struct rgm_rs *rs)
{
	const struct rgm_rg *rg = rs->rg;

	if (rs->local.phase >= PHASE_UP)
		return true;
	if (boot_holds(rs))
		return false;
	for (size_t i = 0; i < rg->rs_count; i++)
		if (rg->rs[i] != rs && holds_start(rg->rs[i], rs))
			return false;
	return !rg_start_held(rg) && !deps_hold_start(rs, rg->rgm->self, DEP_WEAK);
}

static bool is_up(const struct rgm_rs *rs, enum phase least)
{
	return rs->local.phase >= least || rs->local.running != METHOD_COUNT;
}

/* Is it on its way down, or stuck there? */
static bool goes_down(const struct rgm_rs *rs, enum phase least)
{
	const struct rs_local *l = &rs->local;

	return is_up(rs, least) && (l->stop_failed || l->running != METHOD_COUNT || local_goal(rs) < l->phase);
}

/* Does this one of the same group, which depends on rs, go first?  Whoever stays is not waited for: then rs was disabled alone,
 * which is refused to what others say they need, but not to an address that they need by Implicit_network_dependencies. */
static bool holds_stop(const struct rgm_rs *other, const struct rgm_rs *rs, enum phase least)
{
	const struct rs_local *l = &other->local;

	switch (rs_dep_kind(other, rs)) {
	case DEP_OFFLINE_RESTART:
		return is_up(other, least);
	case DEP_STRONG: case DEP_RESTART:
		if (rs->local.restart || (rs->rg->directive == DIRECTIVE_ONLINE && rs_enabled(rs, rs->rg->rgm->self)))
			return !rs->local.restart && is_up(other, least) && local_goal(other) < l->phase;
		return goes_down(other, least);
	case DEP_WEAK:
		return !rs->local.restart && !l->stop_failed && is_up(other, least) && local_goal(other) < PHASE_UP;
	default:
		return false;
	}
}

/* Stop side: dependents first; addresses after all others have stopped; Postnet_stop of the others when the addresses are
 * down, of the addresses last. */
bool local_may_stop(const struct rgm_rs *rs)
{
	const struct rgm_rg *rg = rs->rg;
	enum phase least = rs->local.phase >= PHASE_UP ? PHASE_UP : PHASE_PRENET;

	if (local_goal(rs) >= PHASE_UP)         /* only its monitor stops */
		return true;
	for (size_t i = 0; i < rg->rs_count; i++) {
		const struct rgm_rs *other = rg->rs[i];

		if (other == rs)
			continue;
		if (holds_stop(other, rs, least))
			return false;
		if (least == PHASE_PRENET && rg->directive == DIRECTIVE_OFFLINE && !rs_is_address(rs) && rs_is_address(other) &&
		    other->local.phase >= PHASE_UP)
			return false;
	}
	return !local_held(rs);
}

/* ---- other groups ---- */

bool local_blocked(const struct rgm_rs *rs)
{
	return rs->local.running == METHOD_COUNT && rs->local.phase < PHASE_UP && local_goal(rs) > rs->local.phase &&
	       deps_hold_start(rs, rs->rg->rgm->self, DEP_WEAK);
}

bool local_held(const struct rgm_rs *rs)
{
	uint32_t at;

	return local_stops(rs) && (rg_stop_held(rs->rg) || rs_stops_after(rs, rs->rg->rgm->self, rs->local.restart, &at));
}

static bool misses(const struct rgm_rs *rs)
{
	for (size_t i = 0; i < rs->dep_count; i++) {
		const struct rs_dep *dep = &rs->deps[i];

		if (dep->kind != DEP_RESTART || !dep->target || !dep_applies(rs->rg->rgm, dep, rs->rg->rgm->self))
			continue;
		if (dep->target->rg == rs->rg ? !local_started(dep->target) : !dep_met(rs, dep, rs->rg->rgm->self))
			return true;
	}
	return false;
}

/* Restart dependencies: who was up, or coming up, while what it depends on was away is restarted when that is back. */
void local_follow(struct rgm_rg *rg)
{
	for (size_t i = 0; i < rg->rs_count && rg->directive == DIRECTIVE_ONLINE; i++) {
		struct rs_local *l = &rg->rs[i]->local;

		if (l->phase < PHASE_UP && l->running != METHOD_START) {
			l->missed = false;
		} else if (misses(rg->rs[i])) {
			l->missed = true;
		} else if (l->missed) {
			l->missed = false;
			l->restart = local_goal(rg->rs[i]) >= PHASE_UP && !rg_prop_bool(rg, "Suspend_automatic_recovery");
		}
	}
}
