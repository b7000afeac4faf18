/* Votes, quorum devices and races for them: cmm objects over a log, disks and devices that this file keeps.  Devices act at
 * once unless a test holds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "cmm/cmm.h"

enum { NODES = 8, DEVICES = 4, TAKEOVER = 1000 };
#define FOR_EACH(id, set) for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))
#define ALL(n) (((nodeset)1 << (n)) - 1)

struct node {
	struct cmm *cmm;
	uint64_t epoch, keys, synced;           /* on the disk */
	bool     writing;
	uint64_t w_epoch, w_keys, w_synced;
	struct cmm_device_request op[DEVICES + 1];      /* held: op.op is not DEVICE_NOTHING */
	uint64_t timer_ms;
	bool     owes_sync;
	char     panic[256];
};

static struct {
	struct node node[NODES + 1];
	struct cmm_votes votes;
	nodeset  keys[DEVICES + 1];             /* physically there */
	nodeset  held;                          /* devices act only when the test says so, for these nodes */
	nodeset  hung;                          /* these do nothing; what the log brings waits in missed */
	json_t  *missed;
	const char *keep;                       /* messages of this type go to kept */
	json_t  *kept;
	bool     broken;                        /* every device fails */
	nodeset  slow;                          /* nothing reaches the disks of these nodes */
	nodeset  behind;                        /* these have not got the configuration of the cluster yet */
	nodeset  deaf;                          /* these hear nothing */
	unsigned boots;
	json_t  *log;                           /* [from, view, message] */
	uint64_t now;
} w;

static void step(uint32_t id, struct cmm_event event);

static void device_act(uint32_t id, uint32_t q)
{
	struct cmm_device_request *r = &w.node[id].op[q], request = *r;
	enum cmm_device_result result = DEVICE_OK;

	r->op = DEVICE_NOTHING;
	if (w.broken)
		result = DEVICE_ERROR;
	else if (request.op == DEVICE_REGISTER)
		w.keys[q] |= node_bit(id);
	else if (request.op == DEVICE_TAKE && !nodeset_has(w.keys[q], id))
		result = DEVICE_PREEMPTED;
	else if (request.op == DEVICE_TAKE)
		w.keys[q] &= request.keep;
	step(id, (struct cmm_event) { .type = CMM_EV_DEVICE, .device = q, .op = request.op, .result = result, .keys_seen = w.keys[q],
				      .wall_ms = 1 });
}

static void take(uint32_t id, struct cmm_update *u)
{
	struct node *n = &w.node[id];
	json_t *v;
	size_t i;

	if (u->panic[0])
		(void)snprintf(n->panic, sizeof n->panic, "%s", u->panic);
	json_array_foreach(u->send, i, v)
		ju_push(w.log, ju_pack("[I,o,O]", (json_int_t)id, nodeset_to_json(cmm_view(n->cmm)), v));
	if (u->store) {
		n->writing = true;
		n->w_epoch = u->store_epoch;
		n->w_keys = u->store_keys;
		n->w_synced = u->store_synced;
	}
	for (i = 0; i < u->device_count; i++) {
		assert_int_equal(n->op[u->device[i].device].op, DEVICE_NOTHING);
		n->op[u->device[i].device] = u->device[i];
	}
	n->timer_ms = u->timer_ms;
	if (u->activated)
		n->owes_sync = !cmm_is_ready(n->cmm);
	cmm_update_done(u);
}

static void step(uint32_t id, struct cmm_event event)
{
	struct cmm_update u;

	if (!w.node[id].cmm || w.node[id].panic[0])
		return;
	event.now_ms = w.now;
	cmm_step(w.node[id].cmm, &event, &u);
	take(id, &u);
}

static bool go_on(uint32_t id)
{
	struct node *n = &w.node[id];

	if (nodeset_has(w.hung, id))
		return false;
	if (n->writing && !nodeset_has(w.slow, id)) {
		n->writing = false;
		n->epoch = n->w_epoch;
		n->keys = n->w_keys;
		n->synced = n->w_synced;
		step(id, (struct cmm_event) { .type = CMM_EV_STORED, .epoch = n->epoch, .keys = n->keys });
		return true;
	}
	if (n->owes_sync && !nodeset_has(w.behind, id)) {
		n->owes_sync = false;
		step(id, (struct cmm_event) { .type = CMM_EV_RESTORED });
		step(id, (struct cmm_event) { .type = CMM_EV_SYNCED });
		return true;
	}
	for (uint32_t q = 1; q <= DEVICES; q++)
		if (n->op[q].op != DEVICE_NOTHING && !nodeset_has(w.held, id)) {
			device_act(id, q);
			return true;
		}
	return false;
}

static void deliver(uint32_t id, nodeset view, const json_t *e)
{
	if (w.node[id].cmm && cmm_view(w.node[id].cmm) == view)
		step(id, (struct cmm_event) { .type = CMM_EV_MESSAGE, .message = json_array_get(e, 2),
					      .from = (uint32_t)json_integer_value(json_array_get(e, 0)) });
}

static void run(void)
{
	for (bool progress = true; progress;) {
		progress = false;
		for (uint32_t id = 1; id <= NODES; id++)
			progress |= go_on(id);
		if (!json_array_size(w.log))
			continue;
		json_t *e = json_incref(json_array_get(w.log, 0));
		nodeset view = nodeset_from_json(json_array_get(e, 1));

		json_array_remove(w.log, 0);
		if (w.keep && streq(ju_str(json_array_get(e, 2), "t", ""), w.keep)) {
			ju_push(w.kept, e);
			progress = true;
			continue;
		}
		if (view & w.hung)
			ju_push(w.missed, json_incref(e));
		FOR_EACH(id, view & ~w.hung & ~w.deaf)
			deliver(id, view, e);
		json_decref(e);
		progress = true;
	}
}

static void run_for(uint64_t ms)
{
	uint64_t end = w.now + ms;

	run();
	for (;;) {
		uint64_t due = end + 1;

		for (uint32_t id = 1; id <= NODES; id++)
			if (w.node[id].cmm && !w.node[id].panic[0] && !nodeset_has(w.hung, id) && w.node[id].timer_ms)
				due = MIN(due, w.node[id].timer_ms);
		if (due > end)
			break;
		w.now = MAX(w.now, due);
		for (uint32_t id = 1; id <= NODES; id++)
			if (!nodeset_has(w.hung, id) && w.node[id].timer_ms && w.node[id].timer_ms <= w.now)
				step(id, (struct cmm_event) { .type = CMM_EV_TIMER });
		run();
	}
	w.now = end;
}

/* All that hung go on: first the clock, then what has come meanwhile. */
static void wake_up(void)
{
	nodeset woken = w.hung;
	json_t *e;
	size_t i;

	w.hung = 0;
	FOR_EACH(id, woken)
		step(id, (struct cmm_event) { .type = CMM_EV_TIMER });
	json_array_foreach(w.missed, i, e) {
		nodeset view = nodeset_from_json(json_array_get(e, 1));

		FOR_EACH(id, view & woken)
			deliver(id, view, e);
	}
	json_array_clear(w.missed);
}

static void view(nodeset set)
{
	FOR_EACH(id, set)
		step(id, (struct cmm_event) { .type = CMM_EV_VIEW, .view = set });
}

static void power_off(uint32_t id)
{
	struct node *n = &w.node[id];

	cmm_free(n->cmm);
	*n = (struct node) { .epoch = n->epoch, .keys = n->keys, .synced = n->synced };
}

static void boot(uint32_t id)
{
	struct node *n = &w.node[id];
	struct cmm_config config = { .self = id, .incarnation = ++w.boots, .epoch = n->epoch, .keys = n->keys, .synced = n->synced,
				     .votes = w.votes };

	power_off(id);
	assert_int_equal(cmm_timers_derive(TAKEOVER, &config.timers, NULL), 0);
	n->cmm = cmm_new(&config);
}

static void reconfigure(nodeset nodes)
{
	w.votes.generation++;
	FOR_EACH(id, nodes)
		cmm_configure(w.node[id].cmm, &w.votes);
}

static int world_done(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= NODES; id++)
		cmm_free(w.node[id].cmm);
	json_decref(w.log);
	json_decref(w.missed);
	json_decref(w.kept);
	memset(&w, 0, sizeof w);
	return 0;
}

/* A cluster of n nodes, all members, with devices on these ports; 0 ends the list. */
static void world(uint32_t n, const nodeset ports[DEVICES + 1])
{
	(void)world_done(NULL);
	w.log = json_array();
	w.missed = json_array();
	w.kept = json_array();
	w.now = 1000;
	w.votes.configured = ALL(n);
	for (uint32_t id = 1; id <= n; id++)
		w.votes.node[id] = 1;
	for (uint32_t q = 1; ports[q - 1]; q++) {
		struct cmm_device_config *d = &w.votes.device[q];

		(void)snprintf(d->name, sizeof d->name, "d%u", q);
		d->ports = ports[q - 1];
		d->votes = (uint32_t)__builtin_popcountll(d->ports) - 1;
		d->enabled = true;
		w.keys[q] = d->ports;           /* from a life before */
		FOR_EACH(id, d->ports)
			w.node[id].keys |= (uint64_t)1 << q;
	}
	for (uint32_t id = 1; id <= n; id++)
		boot(id);
	view(ALL(n));
	run_for(2 * TAKEOVER);
	for (uint32_t id = 1; id <= n; id++)
		assert_true(cmm_is_ready(w.node[id].cmm));
	for (uint32_t q = 1; ports[q - 1]; q++) {
		assert_int_equal(w.keys[q], ports[q - 1]);
		assert_int_equal(cmm_device(w.node[1].cmm, q).good, ports[q - 1]);
	}
	for (uint32_t q = 1; ports[q - 1]; q++)
		assert_true(cmm_device(w.node[1].cmm, q).held);
}

static bool lives(nodeset set)
{
	bool all = true;

	FOR_EACH(id, set)
		all &= w.node[id].cmm && !w.node[id].panic[0] && cmm_is_ready(w.node[id].cmm) &&
		       cmm_membership(w.node[id].cmm)->members == set;
	return all;
}

/* ---- the topologies of the documents: possible, needed, who survives ---- */

static void test_topologies(void **state)
{
	static const struct {
		const char *what;
		uint32_t nodes;
		nodeset  ports[DEVICES + 1];
		uint32_t possible, needed;
		nodeset  left;
		bool     live;
	} rows[] = {
		{ "two nodes, no device",                   2, { 0 },                      2, 2, 0x01, false },
		{ "two nodes, one disk: the first",         2, { 0x03 },                   3, 2, 0x01, true },
		{ "two nodes, one disk: the second",        2, { 0x03 },                   3, 2, 0x02, true },
		{ "two nodes, three disks",                 2, { 0x03, 0x03, 0x03 },       5, 3, 0x02, true },
		{ "three nodes, no device: two",            3, { 0 },                      3, 2, 0x06, true },
		{ "three nodes, no device: one",            3, { 0 },                      3, 2, 0x04, false },
		{ "three nodes, a disk of all: one",        3, { 0x07 },                   5, 3, 0x04, true },
		{ "N+1: the one with both disks",           3, { 0x05, 0x06 },             5, 3, 0x04, true },
		{ "N+1: the two others",                    3, { 0x05, 0x06 },             5, 3, 0x03, true },
		{ "N+1: one of the others",                 3, { 0x05, 0x06 },             5, 3, 0x01, false },
		{ "pairs: one of each",                     4, { 0x03, 0x0c },             6, 4, 0x05, true },
		{ "pairs: one pair",                        4, { 0x03, 0x0c },             6, 4, 0x03, false },
		{ "pair+2: one of the pair and another",    4, { 0x03 },                   5, 3, 0x05, true },
		{ "pair+2: the two others",                 4, { 0x03 },                   5, 3, 0x0c, false },
		{ "pair+2, three disks: one of the pair",   4, { 0x03, 0x03, 0x03 },       7, 4, 0x02, true },
		{ "four nodes, a disk of all: one",         4, { 0x0f },                   7, 4, 0x08, true },
		{ "six nodes, a disk of all: one",          6, { 0x3f },                  11, 6, 0x10, true },
		{ "eight nodes, no device: five",           8, { 0 },                      8, 5, 0x1f, true },
		{ "eight nodes, no device: four",           8, { 0 },                      8, 5, 0x0f, false },
		{ "eight nodes in pairs: one of each",      8, { 0x03, 0x0c, 0x30, 0xc0 }, 12, 7, 0x55, true },
		{ "eight nodes in pairs: two pairs",        8, { 0x03, 0x0c, 0x30, 0xc0 }, 12, 7, 0x0f, false },
		{ "eight nodes, a disk of all: one",        8, { 0xff },                  15, 8, 0x10, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world(rows[i].nodes, rows[i].ports);
		if (cmm_votes_possible(w.node[1].cmm) != rows[i].possible || cmm_votes_needed(w.node[1].cmm) != rows[i].needed)
			fail_msg("%s: %u of %u", rows[i].what, cmm_votes_needed(w.node[1].cmm), cmm_votes_possible(w.node[1].cmm));
		FOR_EACH(id, ALL(rows[i].nodes) & ~rows[i].left)
			power_off(id);
		w.now += 400;
		view(rows[i].left);
		run_for(TAKEOVER);
		if (lives(rows[i].left) != rows[i].live)
			fail_msg("%s: %s", rows[i].what, rows[i].live ? "they do not go on" : "they go on");
	}
}

/* ---- races ---- */

/* Views of both sides at once; who wins does not depend on luck. */
static void split(nodeset a, nodeset b)
{
	w.now += 400;
	FOR_EACH(id, a | b)
		step(id, (struct cmm_event) { .type = CMM_EV_VIEW, .view = nodeset_has(a, id) ? a : b });
	run_for(TAKEOVER);
}

static void test_the_favoured_side_wins(void **state)
{
	static const struct { const char *what; uint32_t nodes; nodeset a, b, serving, winner; } rows[] = {
		{ "the lowest node, when all is equal", 2, 0x01, 0x02, 0x00, 0x01 },
		{ "the one that serves",                2, 0x01, 0x02, 0x02, 0x02 },
		{ "both serve: the lowest",             2, 0x01, 0x02, 0x03, 0x01 },
		{ "the larger side",                    4, 0x01, 0x0e, 0x00, 0x0e },
		{ "serving before size",                4, 0x01, 0x0e, 0x01, 0x01 },
		{ "more of them serve",                 4, 0x03, 0x0c, 0x0e, 0x0c },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world(rows[i].nodes, (const nodeset[DEVICES + 1]) { ALL(rows[i].nodes) });
		FOR_EACH(id, ALL(rows[i].nodes))
			cmm_set_serving(w.node[id].cmm, rows[i].serving);
		split(rows[i].a, rows[i].b);
		if (!lives(rows[i].winner) || lives((rows[i].a | rows[i].b) & ~rows[i].winner))
			fail_msg("%s", rows[i].what);
		assert_int_equal(w.keys[1], rows[i].winner);
	}
}

/* The loser's take comes first all the same: then it is the winner, and never are both. */
static void test_never_both(void **state)
{
	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	w.held = 0x01;          /* the favoured one has a slow disk */
	w.now += 400;
	step(1, (struct cmm_event) { .type = CMM_EV_VIEW, .view = 0x01 });
	step(2, (struct cmm_event) { .type = CMM_EV_VIEW, .view = 0x02 });
	run_for(200);
	assert_true(lives(0x02));
	w.held = 0;
	run_for(50);
	assert_non_null(strstr(w.node[1].panic, "lost operational quorum"));
	assert_true(lives(0x02));
}

/* Node 2 went on alone, and has booted since; node 1 has seen nothing of that, and its lease still lasts. */
static void test_who_was_left_behind_gives_nothing_to_who_went_on(void **state)
{
	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	step(2, (struct cmm_event) { .type = CMM_EV_VIEW, .view = 0x02 });
	w.hung = 0x01;
	run_for(300);
	assert_true(lives(0x02));
	w.hung = 0;
	boot(2);
	step(1, (struct cmm_event) { .type = CMM_EV_VIEW, .view = 0x01 });
	view(0x03);
	run_for(50);
	assert_non_null(strstr(w.node[1].panic, "The cluster went on without this node (epoch 1 here, 2 on node 2)"));
}

/* The ring broke before node 3 read the last word of it: it was in all views, but not in that epoch. */
static void test_who_missed_an_epoch_is_awaited(void **state)
{
	json_t *e;
	size_t i;

	(void)state;
	world(3, (const nodeset[DEVICES + 1]) { 0 });
	w.keep = "stored";
	view(0x07);
	run();
	json_array_foreach(w.kept, i, e)
		for (uint32_t id = 1; id <= 2; id++)
			deliver(id, 0x07, e);
	assert_int_equal(cmm_membership(w.node[1].cmm)->epoch, 2);
	assert_int_equal(cmm_membership(w.node[3].cmm)->epoch, 1);
	json_array_clear(w.kept);
	json_array_clear(w.log);
	w.keep = "epoch";
	view(0x07);
	run();
	assert_non_null(strstr(w.node[3].panic, "went on without this node"));
	assert_int_equal(json_array_size(w.kept), 0);           /* until it is gone */
}

/* ---- a member whose machine is in the ring but who says nothing ---- */

/* No view tells of it, and the others need its key, or must not wait for it. */
static void test_a_silent_member_is_evicted(void **state)
{
	static const struct { const char *what; uint32_t nodes; nodeset ports[DEVICES + 1], silent; uint32_t after_ms; bool live; } rows[] = {
		{ "two nodes, one disk: the second is silent", 2, { 0x03 }, 0x02, 640,  true },
		{ "two nodes, one disk: the first is silent",  2, { 0x03 }, 0x01, 640,  true },
		{ "four nodes, a disk of all: one is left",    4, { 0x0f }, 0x0e, 640,  true },
		{ "three nodes, no disk: there is time",       3, { 0 },    0x04, 1000, true },
		{ "two nodes, no disk: nothing helps",         2, { 0 },    0x02, 0,    false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		nodeset all = ALL(rows[i].nodes), left = all & ~rows[i].silent;

		world(rows[i].nodes, rows[i].ports);
		FOR_EACH(id, all)
			cmm_set_serving(w.node[id].cmm, rows[i].silent);
		w.hung = rows[i].silent;
		run_for(rows[i].after_ms ? rows[i].after_ms - 40 : TAKEOVER / 2);
		FOR_EACH(id, left)
			if (cmm_view(w.node[id].cmm) != all)
				fail_msg("%s: evicted too early", rows[i].what);
		run_for(70);
		if (rows[i].live && !lives(left))       /* it need not be given a head start, though it serves */
			fail_msg("%s: too late", rows[i].what);
		run_for(2 * TAKEOVER);
		if (lives(left) != rows[i].live)
			fail_msg("%s: %s", rows[i].what, rows[i].live ? "the others do not go on" : "the others go on");
		view(left);             /* its machine is off now; nothing new in that */
		run_for(TAKEOVER);
		if (lives(left) != rows[i].live)
			fail_msg("%s: not when the view of the bus comes", rows[i].what);
	}
}

static void test_an_evicted_member_ends(void **state)
{
	(void)state;
	world(3, (const nodeset[DEVICES + 1]) { 0 });
	w.hung = 0x04;
	run_for(TAKEOVER + 100);
	assert_true(lives(0x03));
	wake_up();
	assert_non_null(strstr(w.node[3].panic, "lease of this node ran out"));

	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	w.hung = 0x02;
	run_for(720);
	assert_true(lives(0x01));
	wake_up();
	assert_non_null(strstr(w.node[2].panic, "evicted by node 1"));
}

/* Who stood still judges nobody, whether the others did or not. */
static void test_who_stood_still_evicts_nobody(void **state)
{
	(void)state;
	for (nodeset hung = 0x01; hung <= 0x03; hung += 2) {
		world(2, (const nodeset[DEVICES + 1]) { 0x03 });
		w.hung = hung;
		run_for(hung == 0x03 ? 800 : 600);
		wake_up();
		run_for(TAKEOVER);
		assert_true(lives(0x03));
	}
}

/* Nodes 2 and 3 are silent; what node 1 says of them is kept, and comes when it is called. */
static void world_with_silent_ones(void)
{
	world(3, (const nodeset[DEVICES + 1]) { 0x07 });
	w.hung = 0x06;
	view(0x07);
	w.keep = "evict";
	run_for(680);
	assert_int_equal(json_array_size(w.kept), 1);
}

static nodeset view_after_the_eviction(void)
{
	deliver(1, cmm_view(w.node[1].cmm), json_array_get(w.kept, 0));
	return cmm_view(w.node[1].cmm);
}

static void test_what_refutes_an_eviction(void **state)
{
	(void)state;
	world_with_silent_ones();
	assert_int_equal(view_after_the_eviction(), 0x01);

	world_with_silent_ones();
	step(3, (struct cmm_event) { .type = CMM_EV_TIMER });   /* it says something */
	run();
	assert_int_equal(view_after_the_eviction(), 0x05);

	world_with_silent_ones();
	view(0x05);                             /* where it has said as much as in the view before */
	run();
	assert_int_equal(view_after_the_eviction(), 0x05);
}

/* ---- keys ---- */

/* B went on alone; A boots alone and must wait for it, and says so. */
static void test_amnesia(void **state)
{
	_cleanup_free_ char *waiting = NULL;

	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	power_off(1);
	w.now += 400;
	view(0x02);
	run_for(TAKEOVER);
	assert_true(lives(0x02));
	power_off(2);
	boot(1);
	view(0x01);
	run_for(20000);
	assert_false(cmm_is_ready(w.node[1].cmm));
	waiting = cmm_waiting_for(w.node[1].cmm);
	assert_non_null(strstr(waiting, "quorum device d1: the key of this node is not on it"));
	boot(2);
	view(0x03);
	run_for(2 * TAKEOVER);
	assert_true(lives(0x03));
	assert_int_equal(w.keys[1], 0x03);      /* and its key is back */
}

static void test_the_last_one_may_start_alone(void **state)
{
	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	power_off(1);
	w.now += 400;
	view(0x02);
	run_for(TAKEOVER);
	power_off(2);
	boot(2);
	view(0x02);
	run_for(10000);
	assert_true(lives(0x02));
}

/* Node 2 is thrown out while its key is on the way; it arrives, and must be worth nothing, also after a boot. */
static void test_a_key_that_comes_late(void **state)
{
	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	power_off(2);
	w.now += 400;
	view(0x01);
	run_for(TAKEOVER);
	assert_int_equal(w.keys[1], 0x01);
	boot(2);
	view(0x03);
	w.held = 0x02;
	run_for(500);           /* first its check, that finds nothing */
	for (unsigned i = 0; i < 3 && w.node[2].op[1].op != DEVICE_REGISTER; i++) {
		device_act(2, 1);
		run_for(10);
	}
	assert_int_equal(w.node[2].op[1].op, DEVICE_REGISTER);
	w.now += 300;
	view(0x01);
	run_for(100);
	assert_true(lives(0x01));
	device_act(2, 1);       /* here it is */
	assert_int_equal(w.keys[1], 0x03);
	w.held = 0;
	view(0x02);
	run_for(TAKEOVER);
	assert_false(lives(0x02));
	assert_true(nodeset_has(w.keys[1], 1));
	boot(2);
	view(0x02);
	run_for(10000);
	assert_false(cmm_is_ready(w.node[2].cmm));
	assert_true(nodeset_has(w.keys[1], 1));
}

/* While node 1 was away d1 went and came again under its name, with the key of a node that it was not connected to before. */
static void test_a_joiner_does_not_know_who_has_a_key(void **state)
{
	struct cmm_votes old;

	(void)state;
	world(3, (const nodeset[DEVICES + 1]) { 0x03, 0x06 });
	old = w.votes;
	power_off(1);
	w.now += 400;
	view(0x06);
	run_for(TAKEOVER);
	w.votes.device[1].name[0] = '\0';
	reconfigure(0x06);
	w.votes = old;
	w.votes.device[1].ports = 0x07;
	w.keys[1] = 0;
	reconfigure(0x06);
	run_for(TAKEOVER);
	assert_int_equal(w.keys[1], 0x06);
	w.held = 0x01;                  /* its own key comes later */
	{
		struct cmm_votes new = w.votes;

		w.votes = old;
		boot(1);
		w.votes = new;
	}
	view(0x07);
	run_for(TAKEOVER / 2);
	reconfigure(0x01);
	run_for(TAKEOVER);
	assert_true(lives(0x07));
	assert_true(nodeset_has(cmm_device(w.node[1].cmm, 1).keyed, 3));
}

/* ---- shared disks that are fenced ---- */

/* Three nodes that share a disk, which has no votes. */
static void world_with_a_disk(void)
{
	struct cmm_device_config *d = &w.votes.device[1];

	world(3, (const nodeset[DEVICES + 1]) { 0 });
	*d = (struct cmm_device_config) { .name = "d1", .ports = 0x07, .enabled = true, .data = true };
	reconfigure(0x07);
	run_for(TAKEOVER);
	assert_int_equal(w.keys[1], 0x07);
}

static nodeset lost_for(uint32_t id) { return cmm_membership(w.node[id].cmm)->lost; }

/* Not before the lease is over: until then the lost node may put its key on again, and may write. */
static void test_a_shared_disk_is_taken_first(void **state)
{
	struct cmm_timers t;

	(void)state;
	assert_int_equal(cmm_timers_derive(TAKEOVER, &t, NULL), 0);
	world_with_a_disk();
	power_off(3);
	view(0x03);
	run_for(t.lease_ms + t.margin_ms - 60);
	assert_int_equal(lost_for(1), 0x04);
	assert_int_equal(w.keys[1], 0x07);
	w.held = 0x03;
	run_for(100);
	assert_int_equal(lost_for(1), 0x04);            /* the lease is over, the disk not taken */
	w.held = 0x01;
	run_for(10);
	assert_int_equal(w.keys[1], 0x03);              /* one of them is enough */
	assert_int_equal(lost_for(1), 0);
	assert_true(lives(0x03));
}

/* Both are lost in one view, but one could act longer: its key comes back meanwhile, and has to go again. */
static void test_a_disk_is_taken_for_each(void **state)
{
	struct cmm_device_config *d = &w.votes.device[1];

	(void)state;
	world(5, (const nodeset[DEVICES + 1]) { 0 });
	*d = (struct cmm_device_config) { .name = "d1", .ports = 0x1f, .enabled = true, .data = true };
	reconfigure(0x1f);
	run_for(TAKEOVER);
	w.hung = 0x10;
	run_for(400);
	w.hung = 0;
	power_off(4);
	power_off(5);
	view(0x07);
	run_for(10);
	assert_int_equal(lost_for(1), 0x18);
	for (unsigned i = 0; i < 200 && nodeset_has(lost_for(1), 5); i++)
		run_for(10);
	assert_int_equal(lost_for(1), 0x08);
	assert_int_equal(w.keys[1], 0x07);
	w.keys[1] |= 0x08;
	run_for(TAKEOVER);
	assert_int_equal(lost_for(1), 0);
	assert_int_equal(w.keys[1], 0x07);
}

/* The keys of those who go on are gone from the disk, by a take of long ago: they are put on again before it is taken. */
static void test_a_disk_is_taken_by_who_has_no_key(void **state)
{
	(void)state;
	world_with_a_disk();
	power_off(3);
	view(0x03);
	run_for(600);
	w.keys[1] = 0x04;
	run_for(TAKEOVER - 600 + 50);
	assert_int_equal(lost_for(1), 0);
	assert_int_equal(w.keys[1], 0x03);
}

/* All shut down: nobody takes the disk any more, so nobody is declared dead. */
static void test_nobody_is_declared_dead_by_who_leaves(void **state)
{
	(void)state;
	world_with_a_disk();
	power_off(3);
	view(0x03);
	run_for(100);
	step(1, (struct cmm_event) { .type = CMM_EV_LEAVE });
	step(2, (struct cmm_event) { .type = CMM_EV_LEAVE });
	run_for(3 * TAKEOVER);
	assert_int_equal(lost_for(1), 0x04);
	assert_int_equal(w.keys[1], 0x07);
}

static void test_what_was_fenced_is_said(void **state)
{
	(void)state;
	world_with_a_disk();
	w.keep = "dead";
	power_off(3);
	view(0x03);
	run_for(TAKEOVER + 100);
	assert_int_equal(json_array_size(w.kept), 1);
	assert_string_equal(ju_str(json_array_get(json_array_get(w.kept, 0), 2), "how", ""), "lease");
	assert_string_equal(ju_str(json_array_get(json_array_get(w.kept, 0), 2), "by", ""), "d1");
}

static void test_a_disk_that_hangs_is_not_awaited_for_ever(void **state)
{
	(void)state;
	world_with_a_disk();
	power_off(3);
	w.held = 0x03;
	view(0x03);
	run_for(2 * TAKEOVER - 60);
	assert_int_equal(lost_for(1), 0x04);
	run_for(200);
	assert_int_equal(lost_for(1), 0);
}

/* Node 3 stood still for a while, and its key is gone when it looks again. */
static void test_reservation_conflict(void **state)
{
	(void)state;
	world_with_a_disk();
	w.keys[1] = 0x03;                               /* a take that was asked for long ago: its key is put on again */
	run_for(5000);
	assert_string_equal(w.node[3].panic, "");
	assert_int_equal(w.keys[1], 0x07);

	w.held = 0x04;
	run_for(2500);
	assert_int_equal(w.node[3].op[1].op, DEVICE_CHECK);
	w.keys[1] = 0x03;
	step(3, (struct cmm_event) { .type = CMM_EV_VIEW, .view = 0x05 });      /* it is to be agreed who is a member */
	device_act(3, 1);
	assert_non_null(strstr(w.node[3].panic, "Reservation Conflict on shared disk d1"));
}

/* ---- what a key goes through ---- */

#define USABLE(id, q) ((w.node[id].keys >> (q)) & 1)    /* says its disk */

/* Node 2 was thrown out of device 1 and is a member again; its key is missing, which it finds out when its devices act. */
static void world_without_a_key(void)
{
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	power_off(2);
	w.now += 400;
	view(0x01);
	run_for(TAKEOVER);
	assert_int_equal(w.keys[1], 0x01);
	boot(2);
	w.held = 0x02;
	view(0x03);
	run_for(2 * TAKEOVER);
	assert_true(lives(0x03));
	assert_int_equal(w.node[2].op[1].op, DEVICE_CHECK);
}

static void test_a_key_is_put_back(void **state)
{
	(void)state;
	world_without_a_key();
	assert_int_equal(cmm_device(w.node[1].cmm, 1).keyed, 0x01);
	w.held = 0;
	run_for(TAKEOVER);
	assert_int_equal(w.keys[1], 0x03);
	for (uint32_t id = 1; id <= 2; id++) {
		assert_int_equal(cmm_device(w.node[id].cmm, 1).keyed, 0x03);
		assert_int_equal(cmm_device(w.node[id].cmm, 1).good, 0x03);
	}
	assert_true(USABLE(2, 1));
}

/* The disk said once that this key may be used.  Were a new one put on before it says otherwise, a power cut would make a key
 * usable that nobody else knows of. */
static void test_the_disk_comes_before_the_key(void **state)
{
	(void)state;
	world_without_a_key();
	assert_true(USABLE(2, 1));
	w.slow = 0x02;
	device_act(2, 1);
	run_for(100);
	if (w.node[2].op[1].op != DEVICE_NOTHING)
		device_act(2, 1);
	power_off(2);
	w.slow = w.held = 0;
	w.now += 300;
	view(0x01);
	run_for(TAKEOVER);
	assert_true(lives(0x01));
	boot(2);
	view(0x02);
	run_for(10000);
	assert_false(cmm_is_ready(w.node[2].cmm));
	assert_int_equal(w.keys[1], 0x01);
}

static void register_key(uint32_t id)
{
	for (unsigned i = 0; i < 3 && w.node[id].op[1].op != DEVICE_REGISTER; i++) {
		device_act(id, 1);
		run_for(10);
	}
	assert_int_equal(w.node[id].op[1].op, DEVICE_REGISTER);
	device_act(id, 1);
	assert_true(nodeset_has(w.keys[1], id));
}

/* A member that has not heard of the key would count the device for a set without its node. */
static void test_a_key_is_used_when_all_know_of_it(void **state)
{
	(void)state;
	world_without_a_key();
	register_key(2);
	w.deaf = 0x01;          /* node 2 hears itself, and what node 1 said before */
	run_for(200);
	assert_false(USABLE(2, 1));
	w.deaf = 0;
	run_for(200);
	assert_true(USABLE(2, 1));
}

/* It was on the device, but the members had not read so when the view changed. */
static void test_a_key_is_said_again_in_the_next_view(void **state)
{
	(void)state;
	world_without_a_key();
	register_key(2);
	w.held = 0;
	view(0x03);
	run_for(TAKEOVER);
	assert_true(USABLE(2, 1));
	assert_int_equal(cmm_device(w.node[1].cmm, 1).keyed, 0x03);
	assert_int_equal(cmm_device(w.node[1].cmm, 1).good, 0x03);
}

static void test_a_key_is_put_back_when_the_device_works_again(void **state)
{
	(void)state;
	world_without_a_key();
	device_act(2, 1);
	run_for(10);
	assert_int_equal(w.node[2].op[1].op, DEVICE_REGISTER);
	w.held = 0;
	w.broken = true;
	run_for(5000);
	assert_int_equal(w.keys[1], 0x01);
	w.broken = false;
	run_for(5000);
	assert_true(USABLE(2, 1));
	assert_int_equal(w.keys[1], 0x03);
}

/* ---- who holds a device ---- */

static void test_a_device_is_asked_again_after_an_error(void **state)
{
	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	power_off(1);
	power_off(2);
	boot(2);
	w.broken = true;
	view(0x02);
	run_for(10000);
	assert_false(cmm_is_ready(w.node[2].cmm));
	w.broken = false;
	run_for(10000);
	assert_true(lives(0x02));
}

/* What a take has left behind fits the view that it was for, not the next one. */
static void test_a_take_counts_for_its_own_view(void **state)
{
	(void)state;
	world(3, (const nodeset[DEVICES + 1]) { 0x07 });
	w.held = 0x07;
	w.now += 400;
	view(0x03);
	run_for(100);
	assert_int_equal(w.node[1].op[1].op, DEVICE_TAKE);
	view(0x01);
	run_for(100);
	device_act(1, 1);
	run_for(10);
	assert_int_equal(w.keys[1], 0x03);
	assert_false(cmm_device(w.node[1].cmm, 1).held);
	assert_int_equal(w.node[1].op[1].op, DEVICE_TAKE);
	assert_int_equal(w.node[1].op[1].keep, 0x01);
	w.held = 0;
	run_for(TAKEOVER);
	assert_true(lives(0x01));
	assert_int_equal(w.keys[1], 0x01);
}

/* It has formed a cluster alone, and won the device for that; but there is another view before it is ready. */
static void test_who_is_not_ready_yet_wins_the_device_anew(void **state)
{
	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	power_off(1);
	power_off(2);
	boot(1);
	w.behind = 0x01;
	view(0x01);
	run_for(10000);
	assert_true(cmm_device(w.node[1].cmm, 1).held);
	assert_false(cmm_is_ready(w.node[1].cmm));
	w.behind = 0;
	view(0x01);
	assert_false(cmm_device(w.node[1].cmm, 1).held);
	run_for(10000);
	assert_true(lives(0x01));
}

/* Node 1 was about to join when it was cut off; meanwhile node 2 has put its key on. */
static void test_a_joiner_learns_whose_keys_are_there(void **state)
{
	(void)state;
	world(3, (const nodeset[DEVICES + 1]) { 0x07 });
	power_off(1);
	power_off(2);
	w.now += 400;
	view(0x04);
	run_for(TAKEOVER);
	assert_int_equal(w.keys[1], 0x04);
	boot(1);
	boot(2);
	w.behind = 0x01;
	w.held = 0x03;
	view(0x07);
	run_for(TAKEOVER);
	assert_true(cmm_is_ready(w.node[2].cmm));
	assert_false(cmm_is_ready(w.node[1].cmm));
	assert_int_equal(cmm_device(w.node[1].cmm, 1).keyed, 0x04);
	w.held = 0x01;
	step(1, (struct cmm_event) { .type = CMM_EV_VIEW, .view = 0x01 });
	view(0x06);
	run_for(TAKEOVER);
	assert_int_equal(cmm_device(w.node[3].cmm, 1).keyed, 0x06);
	w.behind = 0;
	view(0x07);
	run_for(TAKEOVER);
	assert_true(lives(0x07));
	assert_int_equal(cmm_device(w.node[1].cmm, 1).keyed & 0x06, 0x06);
}

/* It was told of keys in a view that came to nothing; the device is won later, by nodes of which it knew nothing then. */
static void test_a_joiner_forgets_what_it_was_told(void **state)
{
	(void)state;
	world(6, (const nodeset[DEVICES + 1]) { 0x0f });
	power_off(1);
	power_off(2);
	power_off(4);
	w.now += 400;
	view(0x34);
	run_for(TAKEOVER);
	assert_int_equal(w.keys[1], 0x04);
	boot(1);
	boot(2);
	boot(4);
	w.behind = 0x01;
	w.held = 0x0b;
	view(0x3f);
	run_for(TAKEOVER);
	assert_int_equal(cmm_device(w.node[1].cmm, 1).keyed, 0x04);
	w.held = 0x01;
	step(1, (struct cmm_event) { .type = CMM_EV_VIEW, .view = 0x01 });
	view(0x3e);
	run_for(TAKEOVER);
	assert_int_equal(cmm_device(w.node[5].cmm, 1).keyed, 0x0e);
	power_off(3);
	w.broken = true;
	w.behind = w.held = 0;
	w.now += 400;
	view(0x3b);
	run_for(TAKEOVER);
	assert_true(lives(0x3b));
	assert_false(cmm_device(w.node[1].cmm, 1).held);
	w.broken = false;
	w.held = 0x09;                          /* node 2 wins it */
	run_for(5000);
	assert_true(cmm_device(w.node[1].cmm, 1).held);
	assert_int_equal(cmm_device(w.node[1].cmm, 1).keyed & 0x0a, 0x0a);
}

/* Nobody could throw node 5 off the device while it was away: so it can still take it, and all count it among those who can. */
static void test_whose_key_was_not_removed_can_take_it(void **state)
{
	(void)state;
	world(5, (const nodeset[DEVICES + 1]) { 0x11 });
	power_off(5);
	w.broken = true;
	w.now += 400;
	view(0x0f);
	run_for(2 * TAKEOVER);
	assert_true(lives(0x0f));
	assert_false(cmm_device(w.node[1].cmm, 1).held);
	boot(5);
	w.broken = false;
	w.held = 0x10;          /* the take of another one comes first */
	view(0x1f);
	run_for(2 * TAKEOVER);
	assert_true(lives(0x1f));
	assert_int_equal(w.keys[1], 0x11);
	for (uint32_t id = 1; id <= 5; id++) {
		assert_true(cmm_device(w.node[id].cmm, 1).held);
		assert_int_equal(cmm_device(w.node[id].cmm, 1).keyed, 0x11);
	}
}

static void configure(void)
{
	for (uint32_t id = 1; id <= NODES; id++)
		if (w.node[id].cmm)
			cmm_configure(w.node[id].cmm, &w.votes);
}

/* Device 1 goes and another one gets its number, all in one view; nobody's key is on the new one. */
static void replace_device(void)
{
	struct cmm_device_config added = w.votes.device[1];

	(void)snprintf(added.name, sizeof added.name, "another");
	w.votes.device[1] = (struct cmm_device_config) { 0 };
	configure();
	assert_int_equal(cmm_votes_possible(w.node[1].cmm), 2);
	w.votes.device[1] = added;
	configure();
}

static void keys_are_put_on(void)
{
	w.held = 0;
	run_for(100);
	assert_int_equal(w.keys[1], 0x03);
	for (uint32_t id = 1; id <= 2; id++) {
		assert_true(USABLE(id, 1));
		assert_int_equal(cmm_device(w.node[id].cmm, 1).good, 0x03);
		assert_int_equal(cmm_votes_present(w.node[id].cmm), 3);
	}
}

/* Nothing of the old device counts for the new one. */
static void test_a_number_is_used_again(void **state)
{
	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	w.held = 0x03;
	replace_device();
	w.keys[1] = 0;
	run_for(100);
	for (uint32_t id = 1; id <= 2; id++) {
		assert_false(USABLE(id, 1));
		assert_int_equal(cmm_device(w.node[id].cmm, 1).good, 0);
		assert_int_equal(cmm_device(w.node[id].cmm, 1).keyed, 0);
		assert_int_equal(cmm_votes_present(w.node[id].cmm), 2);
	}
	keys_are_put_on();
	split(0x01, 0x02);
	assert_true(lives(0x01));
	assert_false(lives(0x02));
	assert_int_equal(w.keys[1], 0x01);
}

/* Nor does what was under way for it. */
static void test_an_operation_outlives_its_device(void **state)
{
	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	w.held = 0x03;
	run_for(10000);
	for (uint32_t id = 1; id <= 2; id++)
		assert_int_equal(w.node[id].op[1].op, DEVICE_CHECK);
	replace_device();
	device_act(1, 1);               /* sees the keys on the old one */
	device_act(2, 1);
	w.keys[1] = 0;
	run_for(100);
	for (uint32_t id = 1; id <= 2; id++)
		assert_false(USABLE(id, 1));
	keys_are_put_on();
}

/* The device counts for a lease only with all whose keys may be on it: else node 1 could renew its lease alone while node 2,
 * in another view already, takes the device. */
static void test_lease_needs_all_keys(void **state)
{
	struct cmm_update u;
	uint64_t lease;

	(void)state;
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	run_for(100);
	cmm_step(w.node[1].cmm, &(struct cmm_event) { .type = CMM_EV_TIMER, .now_ms = w.now }, &u);
	lease = u.lease_until_ms;
	cmm_update_done(&u);
	for (unsigned i = 1; i < 10; i++) {             /* its own beats come back, nobody else's */
		json_t *beat = ju_pack("{ss,sI,s[]}", "t", "beat", "k", (json_int_t)1000, "seen");

		cmm_step(w.node[1].cmm, &(struct cmm_event) { .type = CMM_EV_MESSAGE, .from = 1, .message = beat, .now_ms = w.now + i * 40 }, &u);
		assert_true(u.lease_until_ms <= lease);
		cmm_update_done(&u);
		json_decref(beat);
	}
}

static void test_votes_distance(void **state)
{
	struct cmm_votes a = { .configured = 0x03, .node = { 0, 1, 1 } }, b = a;

	(void)state;
	assert_int_equal(cmm_votes_distance(&a, &b), 0);
	b.node[2] = 0;
	assert_int_equal(cmm_votes_distance(&a, &b), 1);
	(void)snprintf(b.device[1].name, sizeof b.device[1].name, "d1");
	b.device[1].votes = 1;
	assert_int_equal(cmm_votes_distance(&a, &b), 2);
	a = b;
	(void)snprintf(a.device[1].name, sizeof a.device[1].name, "other");     /* shares nothing with d1 */
	assert_int_equal(cmm_votes_distance(&a, &b), 2);
	b.configured = 0x07;
	b.node[3] = 1;
	a = b;
	a.configured = 0x03;
	assert_int_equal(cmm_votes_distance(&a, &b), 1);
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_topologies), T(test_the_favoured_side_wins), T(test_never_both),
		T(test_who_was_left_behind_gives_nothing_to_who_went_on), T(test_a_silent_member_is_evicted),
		T(test_an_evicted_member_ends), T(test_who_stood_still_evicts_nobody),
		T(test_what_refutes_an_eviction), T(test_amnesia), T(test_the_last_one_may_start_alone),
		T(test_a_key_that_comes_late), T(test_a_joiner_does_not_know_who_has_a_key), T(test_lease_needs_all_keys),
		T(test_votes_distance), T(test_a_shared_disk_is_taken_first), T(test_a_disk_is_taken_for_each), T(test_a_disk_is_taken_by_who_has_no_key), T(test_what_was_fenced_is_said), T(test_nobody_is_declared_dead_by_who_leaves),
		T(test_a_disk_that_hangs_is_not_awaited_for_ever),
		T(test_reservation_conflict),
		T(test_a_key_is_put_back), T(test_the_disk_comes_before_the_key), T(test_a_key_is_used_when_all_know_of_it),
		T(test_a_key_is_said_again_in_the_next_view), T(test_a_key_is_put_back_when_the_device_works_again),
		T(test_a_device_is_asked_again_after_an_error), T(test_a_take_counts_for_its_own_view),
		T(test_who_is_not_ready_yet_wins_the_device_anew), T(test_a_joiner_learns_whose_keys_are_there),
		T(test_a_joiner_forgets_what_it_was_told), T(test_who_missed_an_epoch_is_awaited),
		T(test_whose_key_was_not_removed_can_take_it), T(test_a_number_is_used_again),
		T(test_an_operation_outlives_its_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
