/* Membership: nodes that are lost and come back, joiners, and members that were apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cmm_world.h"

/* ---- lost nodes ---- */

static void test_dead_by_lease(void **state)
{
	uint64_t heard, due;

	(void)state;
	formed(3);
	run_for(1000);
	heard = cmm_heard_ms(w.node[1].cmm, 3);
	due = heard + LEASE + MARGIN;
	power_off(3);
	w.now += 450;                           /* token + consensus: nobody hears anything meanwhile */
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));
	assert_int_equal(seen_by(2)->lost, N(3));
	run_until(due - 1);
	assert_int_equal(count_sent(0, "dead"), 0);
	assert_int_equal(seen_by(1)->lost, N(3));
	run_until(due);
	assert_int_equal(count_sent(0, "dead"), 1);
	assert_int_equal(ju_int(last_sent(1, "dead"), "silent_ms", 0), LEASE + MARGIN);
	assert_string_equal(ju_str(last_sent(1, "dead"), "how", ""), "lease");
	assert_int_equal(seen_by(1)->lost, 0);
	assert_int_equal(seen_by(2)->lost, 0);
	assert_true(noted("CMM: Node 3 is dead (lease)."));
	run_for(1000);
	assert_int_equal(count_sent(0, "dead"), 1);
}

static void test_dead_at_once_when_it_left(void **state)
{
	(void)state;
	formed(3);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	assert_int_equal(w.node[3].lease_until_ms, 0);
	run();
	power_off(3);
	view(N(1, 2));
	run();
	assert_string_equal(ju_str(last_sent(1, "dead"), "how", ""), "left");
	assert_int_equal(seen_by(2)->lost, 0);
	assert_true(noted("CMM: Node 3 is dead (left)."));
}

/* A goodbye is good for one life only. */
static void test_left_once(void **state)
{
	(void)state;
	formed(3);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	run();
	power_off(3);
	view(N(1, 2));
	run_for(100);
	boot(3);
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->ready, N(1, 2, 3));
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));       /* this time it has to be waited for */
	run_for(LEASE + MARGIN);
	assert_int_equal(seen_by(1)->lost, 0);
}

/* ... even when the node comes back before the view in which it was away was agreed on. */
static void test_left_and_back_in_one_view(void **state)
{
	(void)state;
	formed(3);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	run();
	power_off(3);
	boot(3);
	view(N(1, 2));
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->ready, N(1, 2, 3));
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(count_sent(0, "dead"), 0);
	assert_int_equal(seen_by(1)->lost, N(3));
}

/* ... even when there was nothing to wait for, because it was not ready yet. */
static void test_left_before_ready(void **state)
{
	(void)state;
	formed(3);
	power_off(3);
	view(N(1, 2));
	run_for(LEASE + MARGIN);
	boot(3);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	run();
	power_off(3);
	view(N(1, 2));
	run_for(100);
	assert_int_equal(seen_by(1)->lost, 0);
	boot(3);
	w.no_sync = false;
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->ready, N(1, 2, 3));
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));
}

/* Who has said goodbye does not become ready after it: it would get groups, and has no lease to run them under. */
static void test_goodbye_before_ready(void **state)
{
	(void)state;
	formed(3);
	power_off(3);
	view(N(1, 2));
	run_for(LEASE + MARGIN);
	boot(3);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	step(3, (struct cmm_event) { .type = CMM_EV_SYNCED });
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->ready, N(1, 2));
}

static void test_next_president_announces(void **state)
{
	(void)state;
	formed(5);
	power_off(5);
	view(N(1, 2, 3, 4));
	run();
	power_off(1);
	view(N(2, 3, 4));
	run();
	assert_int_equal(seen_by(3)->president, 2);
	assert_int_equal(seen_by(3)->lost, N(1, 5));
	run_for(LEASE + MARGIN);
	assert_int_equal(count_sent(2, "dead"), 2);
	assert_int_equal(count_sent(0, "dead"), 2);
	assert_int_equal(seen_by(4)->lost, 0);
}

static void test_lost_node_is_back(void **state)
{
	(void)state;
	formed(3);
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));
	boot(3);
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->lost, 0);          /* a new life: the old one is over */
	run_for(2000);
	assert_int_equal(count_sent(0, "dead"), 0);
}

/* Nobody knows what an absent node runs when a new cluster forms. */
static void test_absent_at_formation_is_lost(void **state)
{
	(void)state;
	world(3);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(seen_by(1)->lost, N(3));
	run_for(LEASE + MARGIN);
	assert_int_equal(count_sent(1, "dead"), 1);
	assert_int_equal(seen_by(2)->lost, 0);
}

/* A president that stood still hears of the others before it declares somebody dead: he may have joined them meanwhile. */
static void test_who_stood_still_declares_nobody_dead(void **state)
{
	(void)state;
	world(3);
	power_off(3);
	view(N(1, 2));
	run_for(FORMATION + 2 * BEAT);
	assert_int_equal(seen_by(1)->lost, N(3));
	assert_int_equal(seen_by(1)->president, 1);
	run_for(200);
	w.now += 500;           /* of its lease 100 are left */
	step(1, (struct cmm_event) { .type = CMM_EV_TIMER });
	assert_int_equal(count_sent(1, "dead"), 0);
	assert_true(!w.node[1].timer_ms || w.node[1].timer_ms > w.now);
	run_for(3 * BEAT);
	assert_int_equal(count_sent(1, "dead"), 1);
}

/* ---- joining ---- */

static void test_joiner(void **state)
{
	(void)state;
	world(3);
	w.node[3].epoch = 7;                    /* it was in a later one once: numbers do not go back */
	boot(3);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(100);
	for (uint32_t id = 1; id <= 3; id++) {
		const struct cmm_membership *m = seen_by(id);

		assert_int_equal(m->epoch, 8);
		assert_int_equal(m->members, N(1, 2, 3));
		assert_int_equal(m->ready, N(1, 2));
		assert_false(m->formed);
		assert_int_equal(m->sponsor, 1);
		assert_int_equal(m->president, 1);
		assert_int_equal(m->member[1].since, 1);
		assert_int_equal(m->member[3].since, 8);
		assert_int_equal(m->member[3].incarnation, 302);
	}
	assert_int_equal(w.node[3].lease_until_ms, 0);
	synced(3);
	run();
	for (uint32_t id = 1; id <= 3; id++) {
		assert_int_equal(seen_by(id)->ready, N(1, 2, 3));
		assert_int_equal(w.node[id].became_ready, 3);
	}
	assert_true(noted("CMM: Node 3: joined cluster."));
}

/* It stood still between its word and the echo: with a lease that is over it takes part in nothing. */
static void test_ready_comes_too_late(void **state)
{
	(void)state;
	formed(3);
	power_off(2);
	view(N(1, 3));
	run_for(2 * BEAT);
	boot(2);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	synced(2);
	assert_int_equal(count_sent(2, "ready"), 2);
	w.now += LEASE + MARGIN;
	deliver(2, 2, last_sent(2, "ready"));
	expect_panic(2, "lease");
}

/* The president is who stands longest, not who has the lowest number. */
static void test_president_stays(void **state)
{
	(void)state;
	formed(3);
	power_off(1);
	view(N(2, 3));
	run_for(100);
	assert_int_equal(seen_by(3)->president, 2);
	boot(1);
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	for (uint32_t id = 1; id <= 3; id++) {
		assert_int_equal(seen_by(id)->ready, N(1, 2, 3));
		assert_int_equal(seen_by(id)->president, 2);
	}
	assert_true(cmm_is_president(w.node[2].cmm));
	assert_false(cmm_is_president(w.node[1].cmm));
}

/* n nodes, all ready, of which nodes 1 and 2 are a majority. */
static void formed_by_two(uint32_t n)
{
	world(n);
	w.votes[1] = 3;
	for (uint32_t id = 1; id <= n; id++)
		boot(id);
	view(first_nodes(n));
	run_for(2 * BEAT);
}

/* Who died between the activation and the snapshot is lost for the joiner as well; who was declared dead is not. */
static void test_snapshot(void **state)
{
	json_t *snapshot;

	(void)state;
	formed_by_two(5);
	power_off(4);
	power_off(5);
	view(N(1, 2, 3));
	run();
	power_off(3);
	view(N(1, 2));
	boot(3);
	view(N(1, 2, 3));
	w.no_sync = true;
	run();
	snapshot = cmm_snapshot(w.node[1].cmm);
	assert_int_equal(seen_by(1)->lost, N(4, 5));
	assert_int_equal(seen_by(3)->lost, 0);
	deliver_text(3, 1, "{\"t\":\"dead\",\"node\":4,\"inc\":401,\"how\":\"lease\"}");
	cmm_restore(w.node[3].cmm, snapshot, w.now);
	assert_int_equal(seen_by(3)->lost, N(5));
	json_decref(snapshot);
	snapshot = json_loads("{\"lost\":[{\"id\":0},{\"id\":65},{\"id\":1},{}]}", 0, NULL);
	cmm_restore(w.node[3].cmm, snapshot, w.now);
	assert_int_equal(seen_by(3)->lost, N(5));
	json_decref(snapshot);
}

/* A joiner that was away for an epoch, and comes again without a boot: those who were lost then have been declared dead. */
static void test_joins_twice(void **state)
{
	json_t *snapshot;

	(void)state;
	formed_by_two(4);
	power_off(4);
	power_off(3);
	boot(3);
	w.no_sync = true;
	view(N(1, 2, 3));
	run();
	snapshot = cmm_snapshot(w.node[1].cmm);
	cmm_restore(w.node[3].cmm, snapshot, w.now);
	json_decref(snapshot);
	assert_int_equal(seen_by(3)->lost, N(4));
	view(N(1, 2));
	step(3, (struct cmm_event) { .type = CMM_EV_VIEW, .view = N(3) });
	run_for(2000);
	assert_int_equal(seen_by(1)->lost, 0);
	view(N(1, 2, 3));
	run();
	assert_int_equal(seen_by(3)->epoch, seen_by(1)->epoch);
	assert_int_equal(seen_by(3)->lost, 0);
}

/* ---- members that were apart in one epoch ---- */

static const struct { const char *what; uint32_t nodes, device_votes; nodeset sides[2]; uint32_t panics, goes_on; } apart[] = {
	{ "equal sides: that of the proposer", 2, 1, { 1, 2 }, 2, 1 },
	{ "the side with more votes",          3, 2, { 1, 6 }, 1, 3 },
};

static void test_one_side_goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(apart); i++) {
		world(apart[i].nodes);
		w.device_votes = apart[i].device_votes; /* nobody has lost its quorum before the device has answered */
		for (uint32_t id = 1; id <= apart[i].nodes; id++)
			boot(id);
		view(first_nodes(apart[i].nodes));
		run_for(3 * BEAT);
		if (!cmm_is_ready(w.node[1].cmm))
			fail_msg("%s: no cluster", apart[i].what);
		view(apart[i].sides[0]);
		view(apart[i].sides[1]);
		view(first_nodes(apart[i].nodes));
		run();
		expect_panic(apart[i].panics, "was away for a view");
		if (w.node[apart[i].goes_on].panic[0])
			fail_msg("%s: %s", apart[i].what, w.node[apart[i].goes_on].panic);
	}
}

/* In a race for a device one side asks at once, the other one gives it a head start. */
static const struct { const char *what; nodeset serving; uint32_t first, second; } races[] = {
	{ "nobody runs services: the lowest node", 0, 1, 2 },
	{ "node 2 runs services",                  2, 2, 1 },
};

static void test_who_asks_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(races); i++) {
		unsigned before[3];

		world(2);
		w.device_votes = 1;
		boot(1);
		boot(2);
		view(N(1, 2));
		run_for(3 * BEAT);
		for (uint32_t id = 1; id <= 2; id++) {
			cmm_set_serving(w.node[id].cmm, races[i].serving);
			before[id] = count_sent(id, "qtake");
		}
		view(N(1));
		view(N(2));
		run_for(5);
		if (count_sent(races[i].first, "qtake") != before[races[i].first] + 1 ||
		    count_sent(races[i].second, "qtake") != before[races[i].second])
			fail_msg("%s", races[i].what);
		run_for(50);
		if (count_sent(races[i].second, "qtake") != before[races[i].second] + 1)
			fail_msg("%s: the other one never asks", races[i].what);
	}
}

/* A joiner with a longer takeover_time in its table has the lease that the members wait for. */
static void test_lease_of_the_cluster(void **state)
{
	(void)state;
	world(3);
	w.node[3].takeover_ms = 2000;
	boot(3);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_true(cmm_is_ready(w.node[3].cmm));
	assert_in_range(w.node[3].lease_until_ms, w.now, w.now + LEASE);
}

/* Before the epoch of a view is in force its president may be about to be left behind. */
static void test_nobody_is_declared_dead_before_the_epoch(void **state)
{
	(void)state;
	formed(3);
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));
	w.slow_disks = true;
	view(N(1, 2));
	run_for(LEASE + 2 * MARGIN);
	assert_int_equal(count_sent(1, "dead"), 0);
	written(1, NULL);
	written(2, NULL);
	run();
	assert_int_equal(count_sent(1, "dead"), 1);
}

static void test_fenced_in_an_earlier_life(void **state)
{
	(void)state;
	world(3);
	w.fence = N(3);
	for (uint32_t id = 1; id <= 3; id++)
		boot(id);
	view(N(1, 2, 3));
	run_for(2 * BEAT);
	power_off(3);
	view(N(1, 2));
	run();
	step(1, (struct cmm_event) { .type = CMM_EV_FENCED, .node = 3, .incarnation = 1 });
	assert_int_equal(count_sent(1, "dead"), 0);
	step(1, (struct cmm_event) { .type = CMM_EV_FENCED, .node = 3, .incarnation = cmm_lost_incarnation(w.node[1].cmm, 3) });
	assert_int_equal(count_sent(1, "dead"), 1);
}

/* Of the nodes that were with the last members the one with the newest configuration: its votes count. */
static void test_newest_configuration_proposes(void **state)
{
	(void)state;
	world(3);
	w.node[2].generation = 7;
	w.node[3].generation = 6;
	for (uint32_t id = 1; id <= 3; id++)
		boot(id);
	view(first_nodes(3));
	run();
	assert_int_equal(count_sent(1, "epoch"), 0);
	assert_int_equal(count_sent(2, "epoch"), 1);
	assert_int_equal(count_sent(3, "epoch"), 0);
}

/* Who was with the last members counts for more than any number in its tables. */
static void test_last_members_propose(void **state)
{
	(void)state;
	world(2);
	w.node[1].generation = 7;
	w.node[1].synced = 3;
	w.node[2].generation = 6;
	w.node[2].synced = 4;
	boot(1);
	boot(2);
	view(N(1, 2));
	run();
	assert_int_equal(count_sent(1, "epoch"), 0);
	assert_int_equal(count_sent(2, "epoch"), 1);
}

/* It was with the last members, but does not know any more what they had. */
static void test_who_lost_a_table_does_not_count(void **state)
{
	(void)state;
	world(3);
	for (uint32_t id = 1; id <= 3; id++) {
		w.node[id].synced = id == 1 ? 5 : 4;
		w.node[id].amnesia = id == 1;
		boot(id);
	}
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(count_sent(0, "epoch"), 0);
	view(N(1, 2, 3));
	run();
	assert_int_equal(count_sent(1, "epoch"), 0);
	assert_int_equal(count_sent(2, "epoch"), 1);
	assert_int_equal(seen_by(1)->epoch, 1);
}

/* Who never was a member does not help to form a cluster of which others were. */
static void test_formation_needs_those_who_know(void **state)
{
	(void)state;
	world(3);
	w.node[1].synced = 5;
	boot(1);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(count_sent(0, "epoch"), 0);
	w.node[3].synced = 4;
	boot(3);
	view(N(1, 3));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(seen_by(1)->epoch, 1);
}

/* The second node was lost while the cluster formed for the first time: when it is back nobody is missing who could know more. */
static void test_all_nodes_together_form(void **state)
{
	(void)state;
	world(2);
	w.node[1].synced = 1;
	boot(1);
	boot(2);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(count_sent(1, "epoch"), 1);
	assert_int_equal(seen_by(2)->epoch, 1);
}

static void test_members_remember_their_epoch(void **state)
{
	(void)state;
	formed(3);
	view(N(1, 2));
	run();
	view(N(1, 2));
	assert_int_equal(seen_by(1)->epoch, 2);
	assert_int_equal(ju_int(last_sent(1, "hello"), "synced", 0), 2);
}

/* A node that is absent at a formation may have a lease of the time when it was longest. */
static void test_longest_lease_counts_at_formation(void **state)
{
	(void)state;
	world(3);
	w.takeover_highest_ms = 2000;           /* lease 1875, and a margin of 40 of the present one */
	for (uint32_t id = 1; id <= 3; id++)
		boot(id);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(seen_by(1)->lost, N(3));
	run_for(LEASE + MARGIN);
	assert_int_equal(seen_by(1)->lost, N(3));
	run_for(1875 - LEASE);
	assert_int_equal(seen_by(1)->lost, 0);
}

/* What is said of another proposal brings nothing into force; a hello that says that this very number is used up drops it. */
static void test_only_this_proposal(void **state)
{
	(void)state;
	world(3);
	w.slow_disks = true;
	view(N(1, 2, 3));
	run();
	for (uint32_t from = 1; from <= 3; from++)
		deliver_text(1, from, "{\"t\":\"stored\",\"epoch\":2}");
	assert_int_equal(seen_by(1)->epoch, 0);
	deliver_text(1, 1, "{\"t\":\"hello\",\"view\":[1,2,3],\"lv\":[1,1],\"inc\":101,\"epoch\":1}");
	assert_int_equal(ju_int(last_sent(1, "epoch"), "epoch", 0), 2);
}

/* Who has stored a proposal that was dropped has not stored the next one. */
static void test_each_proposal_is_stored_by_all(void **state)
{
	(void)state;
	world(3);
	w.slow_disks = true;
	view(N(1, 2, 3));
	run();
	written(3, NULL);
	run();
	assert_int_equal(ju_int(last_sent(3, "stored"), "epoch", 0), 1);
	for (uint32_t to = 1; to <= 3; to++)
		deliver_text(to, 2, "{\"t\":\"hello\",\"view\":[1,2,3],\"lv\":[1,1],\"inc\":201,\"epoch\":1}");
	run();
	assert_int_equal(ju_int(last_sent(2, "epoch"), "epoch", 0), 2);
	written(1, NULL);
	written(2, NULL);
	run();
	assert_int_equal(seen_by(1)->epoch, 0);
	written(3, NULL);
	run();
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(seen_by(id)->epoch, 2);
}

/* The end of a lease is not enough where a machine may stand still as a whole. */
static void test_dead_when_fenced_only(void **state)
{
	(void)state;
	world(3);
	w.fence = N(3);
	w.fence_required = true;
	for (uint32_t id = 1; id <= 3; id++)
		boot(id);
	view(N(1, 2, 3));
	run_for(2 * BEAT);
	power_off(3);
	view(N(1, 2));
	run_for(100 * LEASE);
	assert_int_equal(seen_by(1)->lost, N(3));
	assert_int_equal(count_sent(0, "dead"), 0);
	step(1, (struct cmm_event) { .type = CMM_EV_FENCED, .node = 3, .how = "x",
				     .incarnation = cmm_lost_incarnation(w.node[1].cmm, 3) });
	run();
	assert_int_equal(count_sent(1, "dead"), 1);
	assert_int_equal(seen_by(1)->lost, 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_dead_by_lease), T(test_dead_at_once_when_it_left), T(test_left_once),
		T(test_left_and_back_in_one_view), T(test_left_before_ready), T(test_goodbye_before_ready),
		T(test_next_president_announces), T(test_lost_node_is_back), T(test_absent_at_formation_is_lost), T(test_who_stood_still_declares_nobody_dead),
		T(test_joiner), T(test_ready_comes_too_late), T(test_president_stays), T(test_snapshot), T(test_joins_twice),
		T(test_one_side_goes_on), T(test_who_asks_first), T(test_lease_of_the_cluster),
		T(test_nobody_is_declared_dead_before_the_epoch), T(test_fenced_in_an_earlier_life),
		T(test_newest_configuration_proposes), T(test_last_members_propose),
		T(test_who_lost_a_table_does_not_count), T(test_formation_needs_those_who_know),
		T(test_all_nodes_together_form), T(test_members_remember_their_epoch),
		T(test_longest_lease_counts_at_formation), T(test_only_this_proposal),
		T(test_each_proposal_is_stored_by_all), T(test_dead_when_fenced_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
