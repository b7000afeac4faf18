/* What has to hold after every event, and what has to be true in the end. */
#include "sim.h"
#include "rgm/model.h"

#include <stdarg.h>

unsigned votes_of(const struct cmm_votes *votes, nodeset nodes, uint64_t devices)
{
	unsigned sum = 0;

	for (uint32_t k = nodeset_next(votes->configured & nodes, 0); k; k = nodeset_next(votes->configured & nodes, k))
		sum += votes->node[k];
	for (uint32_t q = 1; q <= CMM_DEVICE_ID_MAX; q++)
		sum += votes->device[q].name[0] && (devices >> q & 1) ? votes->device[q].votes : 0;
	return sum;
}

/* One number stands for one membership, and that is quorate: so no two quorate memberships exist side by side (each has
 * a node that stored the number of the other). */
void check_epoch(uint32_t id, const json_t *entry)
{
	nodeset members = nodeset_from_json(ju_arr(entry, "members"));
	const struct cmm_votes *votes = &w.node[id].votes;
	uint64_t held = (uint64_t)ju_int(entry, "held", 0);
	unsigned present, possible;
	char key[24];

	if (!streq(ju_str(entry, "e", ""), "epoch"))
		return;
	w.node[id].agreed_in = w.node[id].ring ? w.node[id].ring->formed : 0;
	(void)snprintf(key, sizeof key, "%" PRIi64, ju_int(entry, "epoch", 0));
	present = votes_of(votes, members, held);
	possible = votes_of(votes, ~(nodeset)0, ~(uint64_t)0);
	/* Whoever votes for the next epoch must know of this one, also after a power cut; or its disk has lied, and others know. */
	for (uint32_t k = nodeset_next(members, 0); k; k = nodeset_next(members, k))
		if (MAX(ju_int(w.node[k].disk, "epoch", 0), w.node[k].epoch_forgotten) < ju_int(entry, "epoch", 0))
			fail("epoch %s is in force at node%u, but not on the disk of node%u", key, id, k);
	/* A joiner may have the votes of an older configuration until its snapshot comes. */
	if (nodeset_has(nodeset_from_json(ju_arr(entry, "ready")), id) && present <= possible / 2)
		fail("epoch %s came into force at node%u with %u of %u votes", key, id, present, possible);
	w.newest_epoch = MAX(w.newest_epoch, ju_int(entry, "epoch", 0));
	if (!json_object_get(w.epochs, key))
		ju_set_new(w.epochs, key, nodeset_to_json(members));
	else if (nodeset_from_json(ju_arr(w.epochs, key)) != members)
		fail("epoch %s has two memberships: %#" PRIx64 " at node%u, %#" PRIx64 " elsewhere", key, members, id,
		     nodeset_from_json(ju_arr(w.epochs, key)));
}

/* Every change of a description gives it a new value, and other changes keep it: so a value that was replaced by one that
 * was acknowledged must never be in force again, else a change was made from an old copy of the table and wiped out another. */
void check_no_lost_update(uint32_t id)
{
	for (int g = 0; g < GROUPS; g++) {
		const struct ccr *ccr = engine_ccr(w.node[id].engine);
		char table[32], seen[48];
		const char *value;
		uint64_t gen;

		(void)snprintf(table, sizeof table, "rgm_rg_g%d", g);
		gen = ccr_table_gen(ccr, table);
		value = ju_str(ccr_table(ccr, table), "rg.prop.RG_description", "");
		if (gen <= w.described_now[g].gen)
			continue;
		w.described_now[g].gen = gen;
		if (streq(value, w.described_now[g].value))
			continue;
		(void)snprintf(w.described_now[g].value, sizeof w.described_now[g].value, "%s", value);
		(void)snprintf(seen, sizeof seen, "%d:%s", g, value);
		if (ju_int(w.described, seen, INT64_MAX) < w.described_now[g].kept)
			fail("group g%d has description %s again at generation %" PRIu64 ": an update was lost", g, value, gen);
		if (!json_object_get(w.described, seen))
			ju_set_int(w.described, seen, (int64_t)++w.counter);
	}
}

/* A frozen machine acts no more when its lease is over: failfastd runs before anything else there. */
bool can_act(uint32_t id)
{
	return w.node[id].up && !(w.node[id].frozen && lease_is_over(&w.node[id]));
}

void check_running(const char *rs)
{
	nodeset where = 0;

	for (uint32_t id = 1; id <= w.nodes; id++)
		if (can_act(id) && ju_bool(w.node[id].truth, rs, false))
			where |= node_bit(id);
	if ((unsigned)__builtin_popcountll(where) > shape_most(rs))
		fail("resource %s runs on several nodes at once: set %#" PRIx64, rs, where);
}

/* A method is about to run: under a lease, alone, and in the order of the dependencies. */
void check_start(uint32_t id, const char *rs, const char *method)
{
	const struct sim_node *n = &w.node[id];
	const char *key;
	json_t *v;
	unsigned running = 0;

	if (strstr(method, "tart") && (!n->lease_until || lease_is_over(n)))
		fail("node%u starts %s without a lease (%" PRIu64 ", now %" PRIu64 ")", id, rs, n->lease_until, node_clock(n, w.now));
	json_object_foreach(n->running, key, v)
		running += streq(ju_str(v, "rs", ""), rs);
	if (running > 1)
		fail("node%u runs %s of %s beside another method of it", id, method, rs);
	if (w.boots && streq(method, "Start") && !strstr(rs, "-ip") && !ju_bool(n->prepared, rs, false))
		fail("node%u starts %s before its Init or Boot has ended", id, rs);
	if (streq(method, "Fini") && ju_bool(n->truth, rs, false))
		fail("node%u runs Fini of %s while it is up", id, rs);
	if (streq(method, "Start"))
		check_apart(id, rs);
	if (streq(method, "Start"))
		check_dep_start(id, rs);
	else if (streq(method, "Stop"))
		check_dep_stop(id, rs);
	if (streq(method, "Start") && strstr(rs, "-app") && shape_most(rs) == 1) {
		_cleanup_free_ char *other = xasprintf("%.*s-ip", (int)(strlen(rs) - 4), rs);

		if (!ju_bool(n->serving, other, false))
			fail("node%u starts %s before its address is up", id, rs);
	} else if (streq(method, "Stop") && strstr(rs, "-ip")) {
		_cleanup_free_ char *app = xasprintf("%.*s-app", (int)(strlen(rs) - 3), rs);

		if (ju_bool(n->truth, app, false))
			fail("node%u takes the address away under %s", id, app);
	}
}

/* Who is declared dead must not be able to do anything any more. */
void check_dead(uint32_t id, const json_t *message)
{
	uint32_t target = (uint32_t)ju_int(message, "node", 0);
	uint64_t incarnation = (uint64_t)ju_int(message, "inc", 0);
	const struct sim_node *n = &w.node[target];
	const char *how = ju_str(message, "how", "");

	if (can_act(target) && engine_is_ready(n->engine) && (!incarnation || incarnation == n->incarnation))
		fail("node%u declares node%u dead (%s), which can still act", id, target, how);
	if (w.disk && cmm_config_votes(engine_cmm(w.node[id].engine))->device[DISK].enabled && !w.device[DISK].worsened &&
	    streq(how, "lease") && (!incarnation || incarnation == n->incarnation) &&
	    nodeset_has(w.device[DISK].keys & ~w.device[DISK].late, target))
		fail("node%u declares node%u dead, whose key is still on the shared disk", id, target);
	if (w.fence_required && streq(how, "lease"))
		fail("node%u declares node%u dead by lease, but fencing is required", id, target);
}

/* All members have one state at one place in the log, once they have agreed on an epoch in it. */
void check_same_state(uint32_t id, const struct ring *r, struct entry *e)
{
	const struct engine *engine = w.node[id].engine;
	uint64_t epoch = cmm_membership(engine_cmm(engine))->epoch, digest;

	if (!engine_is_ready(engine) || w.node[id].agreed_in != r->formed || (e->epoch && e->epoch != epoch))
		return;
	digest = engine_digest(engine);
	if (e->epoch && e->digest != digest)
		fail("node%u differs from another member after the same %s", id, ju_str(e->message, "t", ""));
	e->epoch = epoch;
	e->digest = digest;
}

/* Whoever forms a cluster later must find an acknowledged change on a disk: so a majority has it. */
void check_acknowledged(uint32_t id, int64_t group, int64_t value)
{
	const struct cmm *cmm = engine_cmm(w.node[id].engine);
	const struct cmm_votes *votes = cmm_config_votes(cmm);
	uint64_t n = history_number(id, group, value);
	_cleanup_free_ char *seen = xasprintf("%" PRId64 ":%" PRId64, group, value);
	_cleanup_free_ char *table = xasprintf("rgm_rg_g%" PRId64, group);
	unsigned present = 0;

	w.kept_gen[group] = MAX(w.kept_gen[group], n);
	w.described_now[group].kept = MAX(w.described_now[group].kept, ju_int(w.described, seen, 0));
	for (uint32_t k = 1; k <= w.nodes; k++)
		present += disk_gen(w.node[k].disk, table) >= n ? votes->node[k] : 0;
	for (uint32_t q = 1; q <= CMM_DEVICE_ID_MAX; q++)
		present += w.node[id].held >> q & 1 ? votes->device[q].votes : 0;
	if (!n)
		fail("change %" PRId64 " of %s is acknowledged at node%u, but not in its history", value, table, id);
	else if (present < cmm_votes_needed(cmm))
		fail("change %" PRId64 " of %s (commit %" PRIu64 ") is acknowledged, but on the disks of %u of %u votes only", value, table, n,
		     present, cmm_votes_possible(cmm));
}

/* Who says that it is ready has all that was acknowledged on its disk: it counts as one who has.  Except with those who have gone
 * on without it: they go by the epoch that it says. */
void check_ready(uint32_t id, const json_t *message)
{
	if (ju_int(message, "epoch", 0) < w.newest_epoch)
		return;
	for (int g = 0; g < GROUPS; g++) {
		_cleanup_free_ char *table = xasprintf("rgm_rg_g%d", g);

		if (disk_gen(w.node[id].disk, table) < w.kept_gen[g])
			fail("node%u says that it is ready, but %s is of generation %" PRIu64 " on its disk, not %" PRIu64, id, table,
			     disk_gen(w.node[id].disk, table), w.kept_gen[g]);
	}
}

/* As those tables have it. */
static bool is_enabled(const struct ccr *ccr, const char *table, const char *rs, uint32_t node)
{
	const char *own = ju_strf(ccr_table(ccr, table), NULL, "rs.%s.enabled{%u}", rs, node);

	return streq(own ? own : ju_strf(ccr_table(ccr, table), "", "rs.%s.enabled", rs), "TRUE");
}

/* A resource whose disabling is acknowledged runs nowhere where it is disabled, when nobody has asked for anything else since. */
void check_disabled(uint32_t id, int64_t group, uint64_t key)
{
	const struct ccr *ccr = engine_ccr(w.node[id].engine);
	nodeset ready = cmm_membership(engine_cmm(w.node[id].engine))->ready;
	_cleanup_free_ char *table = xasprintf("rgm_rg_g%" PRId64, group), *rs = xasprintf("g%" PRId64 "-app", group);

	if (w.asked[group] != key)
		return;
	for (uint32_t k = nodeset_next(ready, 0); k; k = nodeset_next(ready, k))
		if (ju_bool(w.node[k].truth, rs, false) && !is_enabled(ccr, table, rs, k))
			fail("%s is disabled there, says node%u, but it runs on node%u", rs, id, k);
}

/* ---- the end ---- */
static bool complain;           /* false: only find out */
static bool all_well;

void missing(const char *fmt, ...)
{
	char text[500];
	va_list ap;

	all_well = false;
	if (!complain)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fail("%s", text);
}

const char *group_state_on(const json_t *rg, uint32_t id)
{
	_cleanup_free_ char *node = xasprintf("node%u", id);
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(rg, "nodes"), i, v)
		if (streq(ju_str(v, "node", ""), node))
			return ju_str(v, "state", "?");
	return "?";
}

static void check_group(const json_t *groups, const json_t *rg)
{
	unsigned online = 0, running = 0, bad = 0;
	_cleanup_free_ char *app = xasprintf("%s-app", ju_str(rg, "name", "")), *table = xasprintf("rgm_rg_%s", ju_str(rg, "name", ""));
	int g = 0;

	(void)sscanf(ju_str(rg, "name", ""), "g%d", &g);
	for (uint32_t id = 1; id <= w.nodes; id++) {
		const char *state = group_state_on(rg, id);
		bool blocked = streq(state, "PENDING_ONLINE_BLOCKED"), enabled = is_enabled(engine_ccr(w.node[1].engine), table, app, id);

		online += streq(state, "ONLINE") || streq(state, "ONLINE_FAULTED") || blocked;
		bad += strstr(state, "PENDING") != NULL && !blocked;
		if ((streq(state, "ONLINE") || blocked) && enabled && shape_lets_run(id, g) == blocked)
			missing("group %s is %s on node%u, but what it depends on is %s", ju_str(rg, "name", ""), state, id,
				blocked ? "there" : "not there");
		running += ju_bool(w.node[id].truth, app, false);
		if (streq(state, "ONLINE") && ju_bool(w.node[id].serving, app, false) != enabled)
			missing("group %s is online on node%u, where its resource %s", ju_str(rg, "name", ""), id,
				enabled ? "does not run" : "runs, though it is disabled");
	}
	if (bad)
		missing("group %s is still pending after the faults stopped", ju_str(rg, "name", ""));
	if (!ju_bool(rg, "admin_offline", false) && (online < shape_primaries(groups, g) || online > shape_most(ju_str(rg, "name", ""))) && (online || !rests(rg)))
		missing("group %s can be online but is online on %u nodes", ju_str(rg, "name", ""), online);
	if (running > online)
		missing("group %s: its resource runs on %u nodes, but it is online on %u", ju_str(rg, "name", ""), running, online);
}

/* Everybody knows the newest that each node said. */
static void check_net(uint32_t id)
{
	json_t *status = engine_status(w.node[id].engine), *v;
	size_t i;

	if (json_array_size(ju_arr(status, "ipmp")) != w.nodes)
		missing("node%u knows the networks of %zu nodes", id, json_array_size(ju_arr(status, "ipmp")));
	json_array_foreach(ju_arr(status, "ipmp"), i, v) {
		_cleanup_free_ char *name = xasprintf("eth%u", w.node[i + 1].net);

		if (i < w.nodes && !streq(ju_str(v, "adapter", ""), name))
			missing("node%u has %s of node%zu, which has said %s since", id, ju_str(v, "adapter", ""), i + 1, name);
	}
	json_decref(status);
}

static void check_answered(void)
{
	const char *key;
	json_t *v;

	json_object_foreach(w.admin, key, v)
		if (!ju_bool(v, "slow", false) && (uint64_t)ju_int(v, "life", 0) == w.node[ju_int(v, "node", 0)].life)
			missing("request %s at node%d was never answered", key, (int)ju_int(v, "node", 0));
}

/* Nothing is left of what was under way. */
static void check_leftovers(uint32_t id)
{
	const struct cmm *cmm = engine_cmm(w.node[id].engine);
	const struct cmm_votes *votes = cmm_config_votes(cmm);
	const char *name;
	json_t *v;

	json_object_foreach(w.node[id].disk, name, v)
		if (strstr(name, ".intent") && !w.node[id].litter)
			missing("node%u still has %s", id, name);
	for (uint32_t q = 1; q <= DEVICES_MAX; q++)
		if (votes->device[q].name[0] && votes->device[q].enabled && nodeset_has(votes->device[q].ports, id) &&
		    !nodeset_has(cmm_device(cmm, q).good, id))
			missing("node%u has no key on device %u", id, q);
	if (votes->generation != ccr_table_gen(engine_ccr(w.node[id].engine), "infrastructure"))
		missing("node%u counts by the votes of generation %" PRIu64, id, votes->generation);
	if (rgm_draining_nodes(engine_rgm(w.node[id].engine)))
		missing("node%u sees nodes that are about to leave: %#" PRIx64, id, rgm_draining_nodes(engine_rgm(w.node[id].engine)));
}

/* The votes of the others are enough, as the newest of them counts: so they are a cluster, and no request hangs. */
void check_without_absent(void)
{
	const struct cmm *cmm = NULL;
	uint64_t newest = 0;
	unsigned present = 0;

	for (uint32_t id = 1; id <= w.nodes; id++)
		if (w.node[id].up && w.node[id].votes.generation >= newest) {
			newest = w.node[id].votes.generation;
			cmm = engine_cmm(w.node[id].engine);
		}
	for (uint32_t id = 1; cmm && id <= w.nodes; id++)       /* who never was a member does not help to form */
		present += id != w.absent && ju_int(w.node[id].disk, "synced", 0) ? cmm_votes(cmm, id) : 0;
	if (!cmm || present < cmm_votes_needed(cmm))
		return;
	complain = true;
	for (uint32_t id = 1; id <= w.nodes; id++)
		if (id != w.absent && (!w.node[id].up || !engine_is_ready(w.node[id].engine)))
			missing("node%u is not a member, and only node%u is missing", id, w.absent);
	check_answered();
}

static void check_converged(void)
{
	_cleanup_free_ char *wrong = NULL;
	json_t *status, *rg;
	size_t i;

	for (uint32_t id = 1; id <= w.nodes; id++) {
		if (!w.node[id].up || !engine_is_ready(w.node[id].engine)) {
			_cleanup_free_ char *waiting = w.node[id].up ? cmm_waiting_for(engine_cmm(w.node[id].engine)) : NULL;

			missing("node%u is not a member after the faults stopped: %s", id, waiting ? waiting : "it is down");
			return;
		}
		if (engine_digest(w.node[id].engine) != engine_digest(w.node[1].engine))
			missing("digest of node%u differs", id);
		check_net(id);
		check_leftovers(id);
		for (const char *name = json_object_iter_key(json_object_iter(w.node[id].disk)); name;
		     name = json_object_iter_key(json_object_iter_next(w.node[id].disk, json_object_key_to_iter(name)))) {
			if (json_is_string(json_object_get(w.node[id].disk, name)) && !strstr(name, ".intent") && !is_history(name) &&
			    !json_equal(json_object_get(w.node[id].disk, name), json_object_get(w.node[1].disk, name)))
				missing("table %s on the disk of node%u differs from node1's", name, id);
		}
	}
	for (int g = 0; g < GROUPS; g++) {
		_cleanup_free_ char *table = xasprintf("rgm_rg_g%d", g);
		uint64_t gen = ccr_table_gen(engine_ccr(w.node[1].engine), table);

		if (gen < w.kept_gen[g])
			missing("acknowledged change %" PRIu64 " of g%d is lost (its table is at %" PRIu64 ")", w.kept_gen[g], g, gen);
	}
	check_answered();
	wrong = check_history();
	if (wrong)
		missing("%s", wrong);
	status = engine_status(w.node[1].engine);
	json_array_foreach(ju_arr(status, "groups"), i, rg)
		check_group(ju_arr(status, "groups"), rg);
	json_decref(status);
}

bool converged(bool say_what)
{
	complain = say_what;
	all_well = true;
	check_converged();
	return all_well;
}
