/* What happens by itself, and what does not: suspended, quiesced, remastered groups, groups of the system, rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rgm_world.h"
#include "scha_err.h"

static void must(const char *text)
{
	struct answer a = world_ask_text(1, text);

	if (a.code)
		fail_msg("%s: %d %s", text, a.code, a.text);
}

#define SUSPEND  "{'op':'group_suspend','rg':'g'}"
#define RESUME   "{'op':'group_resume','rg':'g'}"
#define QUIESCE  "{'op':'group_quiesce','rg':'g'}"
#define KILL     "{'op':'group_quiesce','rg':'g','kill':true}"
#define REMASTER "{'op':'group_remaster','rg':'g'}"

static void test_suspended(void **state)
{
	static const char *const refused[] = { CONTROL("GIVEOVER"), CONTROL("RESTART"), CONTROL("RESOURCE_RESTART"), CONTROL("CHECK_GIVEOVER") };

	(void)state;
	world_new(3, "g Failback=TRUE Nodelist=node2,node3,node1: a app");
	world_settle();
	must(SUSPEND);
	must(SWITCH("g", "node1"));
	world_expect("by hand", NULL, world_group_states("g"), "ONLINE OFFLINE OFFLINE");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct answer a = world_ask_text(1, refused[i]);

		if (a.code != SCHA_ERR_CHECKS || !strstr(a.text, "is suspended (scswitch -r -g g resumes it)"))
			fail_msg("%s: %d %s", refused[i], a.code, a.text);
	}
	must(CONTROL("RESOURCE_IS_RESTARTED"));
	world_crash(2);
	world_dead(2);
	world_boot(2);
	world_settle();
	world_expect("no failback", NULL, world_group_states("g"), "ONLINE OFFLINE OFFLINE");
	world_crash(1);
	world_dead(1);
	world_settle();
	world_expect("no failover", NULL, world_group_states("g"), "OFFLINE OFFLINE OFFLINE");
	assert_non_null(strstr(world_why("g"), "it rests: Suspend_automatic_recovery is TRUE"));
	assert_int_equal(world_ask_text(2, RESUME).code, 0);
	world_expect("resumed", NULL, world_group_states("g"), "OFFLINE ONLINE OFFLINE");
}

/* A failed start goes down as Failover_mode says, and nothing follows; a person may still bring the group. */
static void test_suspended_start_fails(void **state)
{
	(void)state;
	world_new(2, "g: a svc - SOFT");
	world_settle();
	must(SUSPEND);
	world_outcome("2:a.Start", 1);
	assert_int_equal(world_ask_text(1, SWITCH("g", "node2")).code, SCHA_ERR_FAIL);
	world_expect("failed", NULL, world_group_states("g"), "OFFLINE OFFLINE");
	must("{'op':'group_bring','rg':'g'}");
	world_expect("brought", NULL, world_group_states("g"), "ONLINE OFFLINE");
}

/* The restart of what a resource depends on does not restart it, but what it must not be without still takes it down. */
static void test_suspended_dependencies(void **state)
{
	(void)state;
	world_new(1, "g: a svc r:p; b svc o:p\nh: p svc");
	world_settle();
	must(SUSPEND);
	(void)world_trace();
	must("{'op':'control','tag':'RESOURCE_RESTART','rg':'h','rs':'p'}");
	world_expect("restart", NULL, world_trace(), "b.Stop | p.Stop | p.Start | b.Start");
}

/* What is under way ends; the next candidate is not tried until somebody asks or a node joins. */
static void test_quiesced(void **state)
{
	char id[32];

	(void)state;
	world_new(3, "g: a svc - SOFT");
	world_outcome("1:a.Start", 1);
	world_deliver();
	(void)snprintf(id, sizeof id, "%s", world_request(2, world_json(QUIESCE)));
	world_settle();
	assert_int_equal(world_answer(id).code, 0);
	world_expect("quiesced", NULL, world_group_states("g"), "OFFLINE OFFLINE OFFLINE");
	assert_non_null(strstr(world_why("g"), "it rests: it was quiesced"));
	must(SWITCH("g", "node2"));
	world_expect("by hand", NULL, world_group_states("g"), "OFFLINE ONLINE OFFLINE");
	must(QUIESCE);
	world_expect("stays", NULL, world_group_states("g"), "OFFLINE ONLINE OFFLINE");
	world_crash(2);
	world_dead(2);
	world_settle();
	world_expect("a node has gone", NULL, world_group_states("g"), "OFFLINE OFFLINE ONLINE");
	must(QUIESCE);                  /* over when somebody asks for something: what fails then is tried elsewhere */
	world_outcome("1:a.Start", 1);
	assert_int_equal(world_ask_text(1, SWITCH("g", "node1")).code, SCHA_ERR_FAIL);
	world_expect("asked", NULL, world_group_states("g"), "OFFLINE OFFLINE ONLINE");
}

static void test_remaster(void **state)
{
	(void)state;
	world_new(3, "g Nodelist=node2,node3,node1: a svc");
	world_settle();
	must(SWITCH("g", "node1"));
	(void)world_trace();
	must(REMASTER);
	world_expect("remaster", NULL, world_trace(), "a.Stop | 2:a.Start");
	must(REMASTER);
	world_expect("there already", NULL, world_trace(), "");
	must("{'op':'group_offline','rg':'g'}");
	must(REMASTER);
	world_expect("off stays off", NULL, world_group_states("g"), "OFFLINE OFFLINE OFFLINE");
}

static void test_system(void **state)
{
	static const char *const refused[] = {
		"{'op':'group_change','rg':'g','props':{'Failback':'TRUE'}}", "{'op':'group_offline','rg':'g'}",
		"{'op':'group_switch','rg':'g','nodes':[]}",
		"{'op':'group_unmanage','rg':'g'}", "{'op':'group_remove','rg':'g'}", "{'op':'resource_change','rs':'a','props':{'R_description':'x'}}",
		"{'op':'resource_disable','names':['a']}", "{'op':'resource_remove','rs':'a'}",
	};

	(void)state;
	world_new(2, "g RG_system=TRUE: a svc");
	world_settle();
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct answer a = world_ask_text(1, refused[i]);

		if (a.code != SCHA_ERR_ACCESS || !strstr(a.text, "is part of the system (RG_system is TRUE): set RG_system to FALSE first"))
			fail_msg("%s: %d %s", refused[i], a.code, a.text);
	}
	must(SWITCH("g", "node2"));
	world_expect("switchover", NULL, world_group_states("g"), "OFFLINE ONLINE");
	must("{'op':'group_change','rg':'g','props':{'RG_system':'FALSE'}}");
	must("{'op':'group_offline','rg':'g'}");
}

/* An interrupted switch does not go on by itself when its STOP_FAILED is cleared. */
static void test_clear_does_not_resume(void **state)
{
	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	world_outcome("1:a.Stop", 1);
	assert_int_equal(world_ask_text(1, SWITCH("g", "node2")).code, SCHA_ERR_FAIL);
	must("{'op':'resource_clear','rs':'a','nodes':['node1']}");
	world_expect("cleared", NULL, world_group_states("g"), "ONLINE OFFLINE");
}

/* All of it travels in the snapshot. */
static void test_snapshot(void **state)
{
	(void)state;
	world_new(3, "g: a svc - SOFT");
	world_settle();
	must("{'op':'evacuate','node':'node1','seconds':100}");
	world_crash(3);
	world_dead(3);
	must(QUIESCE);
	world_boot(3);
	world_settle();
	world_check_equal();
}

/* -k: what runs is killed and counts as failed; nothing follows from that, and HARD does not end the node. */
static const struct { const char *what, *group, *before; int waves; const char *request, *states, *resource; } kills[] = {
	{ "a start: not elsewhere", "g: a app - SOFT", OFF("g"), 0, KILL, "OFFLINE OFFLINE", "OFFLINE" },
	{ "a start that may fail", "g: a app - NONE", OFF("g"), 0, KILL, "ONLINE_FAULTED OFFLINE", "START_FAILED" },
	{ "a stop", "g: a app - HARD", NULL, 1, KILL, "ERROR_STOP_FAILED OFFLINE", "STOP_FAILED" },
	{ "a monitor", "g: a app", OFF("g"), 1, KILL, "ONLINE OFFLINE", "MONITOR_FAILED" },
	{ "suspended", "g: a app - SOFT", OFF("g"), 0, "{'op':'group_suspend','rg':'g','kill':true}", "OFFLINE OFFLINE", "OFFLINE" },
	{ "not killed", "g: a app - SOFT", OFF("g"), 0, QUIESCE, "ONLINE OFFLINE", "ONLINE" },
};

static void test_kill(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kills); i++) {
		world_new(2, kills[i].group);
		world_settle();
		if (kills[i].before)
			assert_int_equal(world_ask_text(1, kills[i].before).code, 0);
		(void)world_request(1, world_json(kills[i].before ? SWITCH("g", "node1") : OFF("g")));
		world_deliver();
		for (int n = 0; n < kills[i].waves; n++)
			(void)world_wave();
		(void)world_request(2, world_json(kills[i].request));
		world_settle();
		world_expect(kills[i].what, "states", world_group_states("g"), kills[i].states);
		world_expect(kills[i].what, "resource", world_resource_state("a", 1), kills[i].resource);
		world_expect(kills[i].what, "abort", world_abort(1), "");
	}
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_kill), T(test_suspended), T(test_suspended_start_fails), T(test_suspended_dependencies), T(test_quiesced), T(test_remaster),
		T(test_system), T(test_clear_does_not_resume), T(test_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
