/* Keys on quorum devices: who may start alone, and what a key goes through before it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "quorum_world.h"

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

/* ---- what a key goes through ---- */

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

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_amnesia), T(test_the_last_one_may_start_alone), T(test_a_key_that_comes_late),
		T(test_a_joiner_does_not_know_who_has_a_key), T(test_a_key_is_put_back),
		T(test_the_disk_comes_before_the_key), T(test_a_key_is_used_when_all_know_of_it),
		T(test_a_key_is_said_again_in_the_next_view), T(test_a_key_is_put_back_when_the_device_works_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
