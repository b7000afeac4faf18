/* Votes, races for quorum devices and who holds them, and members that are silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "quorum_world.h"

/* As its members say beforehand: would this side go on, while these live beside it? */
static bool foreseen(nodeset side, nodeset others)
{
	struct cmm_side s = cmm_side(w.node[nodeset_next(side, 0)].cmm, side, others);

	FOR_EACH(id, side)              /* they all say the same */
		assert_int_equal(cmm_side(w.node[id].cmm, side, others).fate, s.fate);
	return s.fate == FATE_GOES_ON || s.fate == FATE_TAKES_DEVICE || (s.fate == FATE_RACES && s.favoured);
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
		if (foreseen(rows[i].left, 0) != rows[i].live)
			fail_msg("%s: foreseen otherwise", rows[i].what);
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
		if (foreseen(rows[i].a, rows[i].b) != (rows[i].a == rows[i].winner) || foreseen(rows[i].b, rows[i].a) != (rows[i].b == rows[i].winner))
			fail_msg("%s: foreseen otherwise", rows[i].what);
		split(rows[i].a, rows[i].b);
		if (!lives(rows[i].winner) || lives((rows[i].a | rows[i].b) & ~rows[i].winner))
			fail_msg("%s", rows[i].what);
		assert_int_equal(w.keys[1], rows[i].winner);
	}
}

/* What decides: the votes, a device that only one side can have, or who is first. */
static void test_what_decides(void **state)
{
	static const struct { const char *what; uint32_t nodes; nodeset ports[DEVICES + 1], side, others; enum cmm_fate fate; uint64_t by; } rows[] = {
		{ "a majority of the nodes",         3, { 0 },          0x06, 0x01, FATE_GOES_ON,     0 },
		{ "the other side of it",            3, { 0 },          0x01, 0x06, FATE_ENDS,        0 },
		{ "alone beside the device",         2, { 0x03 },       0x02, 0x00, FATE_TAKES_DEVICE, 0x02 },
		{ "both beside the device",          2, { 0x03 },       0x02, 0x01, FATE_RACES,       0x02 },
		{ "the device is of the other side", 3, { 0x03 },       0x04, 0x03, FATE_ENDS,        0 },
		{ "the device is of this side",      3, { 0x03 },       0x03, 0x04, FATE_GOES_ON,     0 },
		{ "N+1: both devices",               3, { 0x05, 0x06 }, 0x04, 0x03, FATE_RACES,       0x06 },
		{ "nobody",                          2, { 0x03 },       0x00, 0x03, FATE_ENDS,        0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cmm_side s;

		world(rows[i].nodes, rows[i].ports);
		s = cmm_side(w.node[1].cmm, rows[i].side, rows[i].others);
		if (s.fate != rows[i].fate || s.decided_by != rows[i].by)
			fail_msg("%s: %s by %llx", rows[i].what, cmm_fate_names[s.fate], (unsigned long long)s.decided_by);
	}
	world(2, (const nodeset[DEVICES + 1]) { 0x03 });
	w.votes.device[1].enabled = false;              /* in maintenance: nobody takes it, and its votes are not needed */
	w.votes.device[1].votes = 0;
	reconfigure(0x03);
	assert_int_equal(cmm_side(w.node[1].cmm, 0x01, 0).fate, FATE_ENDS);
	assert_int_equal(cmm_side(w.node[1].cmm, 0x01, 0).needed, 2);
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
		T(test_topologies), T(test_the_favoured_side_wins), T(test_never_both), T(test_what_decides),
		T(test_who_was_left_behind_gives_nothing_to_who_went_on), T(test_who_missed_an_epoch_is_awaited),
		T(test_a_silent_member_is_evicted), T(test_an_evicted_member_ends),
		T(test_who_stood_still_evicts_nobody), T(test_what_refutes_an_eviction),
		T(test_a_device_is_asked_again_after_an_error), T(test_a_take_counts_for_its_own_view),
		T(test_who_is_not_ready_yet_wins_the_device_anew), T(test_a_joiner_learns_whose_keys_are_there),
		T(test_a_joiner_forgets_what_it_was_told), T(test_whose_key_was_not_removed_can_take_it),
		T(test_a_number_is_used_again), T(test_an_operation_outlives_its_device), T(test_lease_needs_all_keys),
		T(test_votes_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
