/* Load limits: Load_factors of groups against the limits of nodes, and who makes room for whom.
 *
 * A hard limit is never exceeded by a group that comes: not in a choice, not by hand, and not on the way there (apply.c drops
 * a decision that others have overtaken).  Who is there already stays when a limit is lowered.  A soft limit makes a node
 * less welcome.  A group that finds room nowhere displaces those of lower Priority, from the node where that costs least;
 * those with Preemption_mode Never, those that nothing moves by itself, and RG_system stay. */
#include "rgm/model.h"

#include <stdio.h>
#include <strings.h>

#define NO_LIMIT (-1)

/* ---- tables ---- */

void loads_done(struct rgm_rg *rg)
{
	free(rg->factors);
	rg->factors = NULL;
	rg->factor_count = 0;
}

void loads_read(struct rgm_rg *rg)
{
	_cleanup_(strlist_done) struct strlist list = { 0 };

	loads_done(rg);
	rg->priority = rg_prop_int(rg, "Priority");
	strlist_split(&list, rg_prop(rg, "Load_factors"), ",");
	for (size_t i = 0; i < list.n; i++) {
		struct load_factor f = { 0 };
		long long value;

		if (sscanf(list.v[i], "%63[^@]@%lld", f.name, &value) != 2)
			continue;
		f.value = value;
		rg->factors = xrealloc(rg->factors, (rg->factor_count + 1) * sizeof *rg->factors);
		rg->factors[rg->factor_count++] = f;
	}
}

void limits_done(struct rgm *rgm)
{
	for (size_t i = 0; i < ARRAY_SIZE(rgm->node); i++) {
		free(rgm->node[i].limits);
		rgm->node[i].limits = NULL;
		rgm->node[i].limit_count = 0;
	}
}

static struct load_limit *limit_find(const struct rgm *rgm, uint32_t id, const char *name)
{
	for (size_t i = 0; i < rgm->node[id].limit_count; i++)
		if (strieq(rgm->node[id].limits[i].name, name))
			return &rgm->node[id].limits[i];
	return NULL;
}

static struct load_limit *limit_make(struct rgm *rgm, uint32_t id, const char *name)
{
	struct load_limit *limit = limit_find(rgm, id, name);
	size_t n = rgm->node[id].limit_count;

	if (limit)
		return limit;
	rgm->node[id].limits = xrealloc(rgm->node[id].limits, (n + 1) * sizeof *rgm->node[id].limits);
	rgm->node[id].limit_count++;
	limit = &rgm->node[id].limits[n];
	*limit = (struct load_limit) { .hard = NO_LIMIT };
	(void)snprintf(limit->name, sizeof limit->name, "%s", name);
	return limit;
}

void limits_read(struct rgm *rgm, const json_t *infrastructure)
{
	const char *key;
	json_t *v;

	limits_done(rgm);
	json_object_foreach((json_t *)infrastructure, key, v) {
		char name[LIMIT_NAME], kind[8];
		unsigned id;

		if (sscanf(key, "cluster.nodes.%u.loadlimits.%63[^.].%7s", &id, name, kind) != 3 || id < 1 || id > CMM_NODE_ID_MAX)
			continue;
		if (streq(kind, "hard"))
			limit_make(rgm, id, name)->hard = strtoll(json_string_value(v), NULL, 10);
		else if (streq(kind, "soft"))
			limit_make(rgm, id, name)->soft = strtoll(json_string_value(v), NULL, 10);
	}
}

/* ---- sums ---- */

static int64_t factor_of(const struct rgm_rg *rg, const char *limit)
{
	for (size_t i = 0; i < rg->factor_count; i++)
		if (strieq(rg->factors[i].name, limit))
			return rg->factors[i].value;
	return 0;
}

/* It is there, and sure to go: who was only sent elsewhere may find no way there, and stay. */
static bool is_leaving(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id)
{
	return rg->on[id].state == RG_PENDING_OFFLINE || rg->on[id].held_until > rgm->now_ms || rg->admin_offline;
}

/* settled: without those that are about to go. */
static int64_t load_on(const struct rgm *rgm, const struct rgm_rg *but, uint32_t id, const char *limit, bool settled)
{
	int64_t sum = 0;

	for (size_t g = 0; g < rgm->rg_count; g++) {
		const struct rgm_rg *rg = rgm->rgs[g];

		if (rg != but && rg->factor_count && rg->on[id].state != RG_OFFLINE && rg->on[id].state != RG_UNMANAGED &&
		    !(settled && is_leaving(rgm, rg, id)))
			sum += factor_of(rg, limit);
	}
	return sum;
}

bool load_exceeds(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, bool settled, char *why)
{
	for (size_t i = 0; i < rg->factor_count; i++) {
		const struct load_limit *limit = limit_find(rgm, id, rg->factors[i].name);
		int64_t load;

		if (!limit || limit->hard == NO_LIMIT)
			continue;
		load = load_on(rgm, rg, id, limit->name, settled);
		if (load + rg->factors[i].value <= limit->hard)
			continue;
		(void)snprintf(why, WHY_NOT_SIZE, "load limit %s: %lld and %lld more are above %lld", limit->name, (long long)load,
			       (long long)rg->factors[i].value, (long long)limit->hard);
		return true;
	}
	return false;
}

unsigned load_soft_exceeded(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id)
{
	unsigned n = 0;

	for (size_t i = 0; i < rg->factor_count; i++) {
		const struct load_limit *limit = limit_find(rgm, id, rg->factors[i].name);

		n += limit && limit->soft && load_on(rgm, rg, id, limit->name, true) + rg->factors[i].value > limit->soft;
	}
	return n;
}

/* ---- making room ---- */

static bool costs_nothing(const struct rgm_rg *rg) { return strieq(rg_prop(rg, "Preemption_mode"), "No_cost"); }

static bool may_be_displaced(const struct rgm *rgm, const struct rgm_rg *rg, const struct rgm_rg *by, uint32_t id)
{
	return rg != by && rg->factor_count && (RG_MASK_ONLINE & IN(rg->on[id].state)) && !is_leaving(rgm, rg, id) &&
	       rg->priority < by->priority && !strieq(rg_prop(rg, "Preemption_mode"), "Never") &&
	       rg_recovers(rg) && !rg_prop_bool(rg, "RG_system");
}

/* Positive: a goes rather than b. */
static int64_t goes_first(const struct rgm_rg *a, const struct rgm_rg *b)
{
	int cost = (int)costs_nothing(a) - (int)costs_nothing(b);

	return cost ? cost : b->priority - a->priority;
}

static bool is_among(const struct room *room, const struct rgm_rg *rg)
{
	for (size_t i = 0; i < room->count; i++)
		if (room->victims[i] == rg)
			return true;
	return false;
}

/* Is there room when these have gone? */
static bool has_room(const struct rgm *rgm, const struct rgm_rg *rg, const struct room *room, const struct rgm_rg *but)
{
	for (size_t i = 0; i < rg->factor_count; i++) {
		const struct load_limit *limit = limit_find(rgm, room->node, rg->factors[i].name);
		int64_t load;

		if (!limit || limit->hard == NO_LIMIT)
			continue;
		load = load_on(rgm, rg, room->node, limit->name, true) + rg->factors[i].value;
		for (size_t k = 0; k < room->count; k++)
			load -= room->victims[k] == but ? 0 : factor_of(room->victims[k], limit->name);
		if (load > limit->hard)
			return false;
	}
	return true;
}

static struct rgm_rg *next_victim(const struct rgm *rgm, const struct rgm_rg *by, const struct room *room)
{
	struct rgm_rg *best = NULL;

	for (size_t g = 0; g < rgm->rg_count; g++)
		if (may_be_displaced(rgm, rgm->rgs[g], by, room->node) && !is_among(room, rgm->rgs[g]) &&
		    (!best || goes_first(rgm->rgs[g], best) > 0))
			best = rgm->rgs[g];
	return best;
}

bool load_make_room(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, struct room *ret)
{
	struct rgm_rg *victim;

	*ret = (struct room) { .node = id };
	while (!has_room(rgm, rg, ret, NULL)) {
		victim = ret->count < ROOM_VICTIMS ? next_victim(rgm, rg, ret) : NULL;
		if (!victim)
			return false;
		ret->victims[ret->count++] = victim;
	}
	for (size_t i = 0; i < ret->count;)     /* who went first for nothing stays */
		if (has_room(rgm, rg, ret, ret->victims[i]))
			ret->victims[i] = ret->victims[--ret->count];
		else
			i++;
	for (size_t i = 0; i < ret->count; i++)
		ret->cost += costs_nothing(ret->victims[i]) ? 0 : 1;
	return true;
}

bool load_make_best_room(const struct rgm *rgm, const struct rgm_rg *rg, struct room *ret)
{
	struct room room;
	bool found = false;

	for (size_t i = 0; i < rg->node_count && rg->factor_count; i++) {
		if (!rg_only_lacks_room(rgm, rg, rg->nodelist[i]) || !load_make_room(rgm, rg, rg->nodelist[i], &room))
			continue;
		if (!found || room.cost < ret->cost || (room.cost == ret->cost && room.count < ret->count))
			*ret = room;
		found = true;
	}
	return found;
}
