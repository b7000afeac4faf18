/* Shared disks with data: whose keys are on them, and when a lost node is taken off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "quorum_world.h"

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

/* Not fenced any more, its keys removed; then fenced again.  That a key is not back yet is no conflict. */
static void test_a_disk_is_not_fenced_for_a_while(void **state)
{
	(void)state;
	world_with_a_disk();
	w.votes.device[1].enabled = false;
	reconfigure(0x07);
	w.keys[1] = 0;
	run_for(2 * TAKEOVER);
	assert_int_equal(w.keys[1], 0);
	assert_int_equal(cmm_device(w.node[1].cmm, 1).good, 0);
	w.held = 0x04;
	w.votes.device[1].enabled = true;
	reconfigure(0x07);
	run_for(TAKEOVER);
	assert_int_equal(w.keys[1], 0x03);
	step(3, (struct cmm_event) { .type = CMM_EV_VIEW, .view = 0x05 });
	device_act(3, 1);
	assert_string_equal(w.node[3].panic, "");
}

/* The key that a node left there may be one of a session that is no more. */
static void test_a_booted_node_puts_its_key_on_a_disk_anew(void **state)
{
	(void)state;
	world_with_a_disk();
	assert_int_equal(cmm_device(w.node[3].cmm, 1).seen, 0x07);
	power_off(3);
	view(0x03);
	boot(3);
	w.held = 0x04;
	view(0x07);
	for (unsigned i = 0; i < 200 && w.node[3].op[1].op != DEVICE_REGISTER; i++) {
		if (w.node[3].op[1].op != DEVICE_NOTHING)
			device_act(3, 1);
		run_for(10);
	}
	assert_int_equal(w.node[3].op[1].op, DEVICE_REGISTER);
	w.held = 0;
	run_for(TAKEOVER);
	assert_true(lives(0x07));
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_a_shared_disk_is_taken_first), T(test_a_disk_is_taken_for_each),
		T(test_a_disk_is_taken_by_who_has_no_key), T(test_nobody_is_declared_dead_by_who_leaves),
		T(test_what_was_fenced_is_said), T(test_a_disk_that_hangs_is_not_awaited_for_ever),
		T(test_reservation_conflict), T(test_a_disk_is_not_fenced_for_a_while),
		T(test_a_booted_node_puts_its_key_on_a_disk_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
