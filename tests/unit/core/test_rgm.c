/* What runs where, and in which order: tables of groups, of failures, of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rgm_world.h"
#include "scha_err.h"

static json_t *op(const char *name, const char *group)
{
	return ju_pack("{ss,ss}", "op", name, "rg", group);
}

static json_t *switch_to(const char *group, const char *node)
{
	return ju_pack("{ss,ss,s[s]}", "op", "group_switch", "rg", group, "nodes", node);
}

static void expect(size_t row, const char *what, const char *is, const char *want)
{
	if (!streq(is, want))
		fail_msg("row %zu, %s:\n  is   %s\n  want %s", row, what, is, want);
}

/* ---- the order of methods ---- */

static const struct { const char *what, *group, *slow, *start, *stop; } orders[] = {
	{ "one", "g: a svc", NULL, "a.Start", "a.Stop" },
	{ "monitored", "g: a app", NULL, "a.Start | a.Monitor_start", "a.Monitor_stop | a.Stop" },
	{ "unmonitored", "g: a app - - u", NULL, "a.Start", "a.Stop" },
	{ "disabled", "g: a app - - d; b svc", NULL, "b.Start", "b.Stop" },
	{ "empty", "g:", NULL, "", "" },
	{ "every method", "g: a full", NULL, "a.Prenet_start | a.Start | a.Monitor_start",
	  "a.Monitor_stop | a.Stop | a.Postnet_stop" },
	{ "independent ones at once", "g: a svc; b svc; c svc", NULL, "a.Start b.Start c.Start", "a.Stop b.Stop c.Stop" },
	{ "a chain", "g: a svc b; b svc c; c svc", NULL, "c.Start | b.Start | a.Start", "a.Stop | b.Stop | c.Stop" },
	{ "a diamond", "g: a svc b,c; b svc d; c svc d; d svc", NULL, "d.Start | b.Start c.Start | a.Start",
	  "a.Stop | b.Stop c.Stop | d.Stop" },
	{ "with a qualifier", "g: a svc b{LOCAL_NODE}; b svc", NULL, "b.Start | a.Start", "a.Stop | b.Stop" },
	{ "dependents do not wait for monitors", "g: a app; b app a", "1:a.Monitor_start",
	  "a.Start | a.Monitor_start b.Start | b.Monitor_start", "b.Monitor_stop | b.Stop | a.Monitor_stop | a.Stop" },
	{ "an address", "g: ip lh; a svc", NULL, "ip.Prenet_start | ip.Start | a.Start",
	  "a.Stop | ip.Stop | ip.Postnet_stop" },
	{ "address, storage, application", "g: l lh; h store; a app h", NULL,
	  "h.Prenet_start l.Prenet_start | l.Start | a.Start | a.Monitor_start",
	  "a.Monitor_stop | a.Stop | l.Stop | h.Postnet_stop | l.Postnet_stop" },
	{ "the address comes up after a slow mount", "g: l lh; h store; a svc h", "1:h.Prenet_start",
	  "h.Prenet_start l.Prenet_start | l.Start | a.Start", "a.Stop | l.Stop | h.Postnet_stop | l.Postnet_stop" },
	{ "all Prenet before the address", "g: l lh; a full", "1:a.Prenet_start",
	  "a.Prenet_start l.Prenet_start | l.Start | a.Start | a.Monitor_start",
	  "a.Monitor_stop | a.Stop | l.Stop | a.Postnet_stop | l.Postnet_stop" },
	{ "Prenet in the order of dependencies", "g: a store b; b store c; c store", NULL,
	  "c.Prenet_start | b.Prenet_start | a.Prenet_start", "a.Postnet_stop | b.Postnet_stop | c.Postnet_stop" },
	{ "two addresses", "g: ip1 lh; ip2 lh; a svc", "1:ip2.Start",
	  "ip1.Prenet_start ip2.Prenet_start | ip1.Start ip2.Start | a.Start",
	  "a.Stop | ip1.Stop ip2.Stop | ip1.Postnet_stop ip2.Postnet_stop" },
	{ "no implicit dependency", "g Implicit_network_dependencies=FALSE: ip lh; a svc", NULL,
	  "a.Start ip.Prenet_start | ip.Start", "a.Stop ip.Stop | ip.Postnet_stop" },
	{ "what depends on a store starts after it", "g: h store; a svc h", NULL, "h.Prenet_start | a.Start",
	  "a.Stop | h.Postnet_stop" },
};

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		world_new(2, orders[i].group);
		world_slow(orders[i].slow);
		world_settle();
		expect(i, orders[i].what, world_trace(), orders[i].start);
		expect(i, orders[i].what, world_group_states("g"), "ONLINE OFFLINE");
		world_slow(NULL);
		struct answer a = world_ask(1, op("group_offline", "g"));
		if (a.code)
			fail_msg("%s: %s", orders[i].what, a.text);
		expect(i, orders[i].what, world_trace(), orders[i].stop);
		expect(i, orders[i].what, world_group_states("g"), "OFFLINE OFFLINE");
	}
}

/* What a node runs is carried out by it alone: the command line that agents have had ever since. */
static void test_command_line(void **state)
{
	json_t *m = ju_pack("{ss,ss,sI,ss,sI}", "t", "rgm.dec", "rg", "g", "ver", (json_int_t)0, "do", "online", "node",
			    (json_int_t)1);
	struct rgm_update u = { 0 };

	(void)state;
	world_new(1, "g: a app");
	/* Straight to the object, to see the update itself. */
	for (int64_t ver = 0; !u.run && ver < 20; ver++) {
		rgm_update_done(&u);
		ju_set_int(m, "ver", ver);
		rgm_apply(world_rgm(1), 1, m, &u);
	}
	_cleanup_free_ char *argv = ju_dump(json_object_get(json_array_get(u.run, 0), "argv"));
	assert_string_equal(argv, "[\"/opt/start\",\"-R\",\"a\",\"-T\",\"SIM.app\",\"-G\",\"g\"]");
	assert_int_equal(ju_int(json_array_get(u.run, 0), "timeout", 0), 3600);
	rgm_update_done(&u);
	json_decref(m);
}

/* ---- failures ---- */

static const struct {
	const char *what, *group;
	const char *fails[4];
	int code;
	const char *states, *resource, *resource_state, *trace;
} failures[] = {
	{ "start fails, NONE", "g: a svc", { "1:a.Start" }, 1, "ONLINE_FAULTED OFFLINE", "a", "START_FAILED", "a.Start" },
	{ "start times out, NONE", "g: a svc", { "1:a.Start" }, -1, "ONLINE_FAULTED OFFLINE", "a", "START_FAILED", "a.Start" },
	{ "NONE: dependents stay off", "g: a svc; b svc a; c svc", { "1:a.Start" }, 1, "ONLINE_FAULTED OFFLINE", "b", "OFFLINE",
	  "a.Start c.Start" },
	{ "RESTART_ONLY is as NONE", "g: a svc - RESTART_ONLY", { "1:a.Start" }, 1, "ONLINE_FAULTED OFFLINE", "a",
	  "START_FAILED", "a.Start" },
	{ "LOG_ONLY is as NONE", "g: a svc - LOG_ONLY", { "1:a.Start" }, 1, "ONLINE_FAULTED OFFLINE", "a", "START_FAILED",
	  "a.Start" },
	{ "start fails, SOFT", "g: a svc - SOFT", { "1:a.Start" }, 1, "OFFLINE ONLINE", "a", "OFFLINE",
	  "a.Start | a.Stop | 2:a.Start" },
	{ "start fails, HARD", "g: a svc - HARD", { "1:a.Start" }, 1, "OFFLINE ONLINE", "a", "OFFLINE",
	  "a.Start | a.Stop | 2:a.Start" },
	{ "SOFT, with an address", "g: ip lh; a app - SOFT", { "1:a.Start" }, 1, "OFFLINE ONLINE", "a", "OFFLINE",
	  "ip.Prenet_start | ip.Start | a.Start | a.Stop | ip.Stop | ip.Postnet_stop | 2:ip.Prenet_start | 2:ip.Start | "
	  "2:a.Start | 2:a.Monitor_start" },
	{ "Prenet_start fails, SOFT", "g: h store - SOFT", { "1:h.Prenet_start" }, 1, "OFFLINE ONLINE", "h", "OFFLINE",
	  "h.Prenet_start | h.Postnet_stop | 2:h.Prenet_start" },
	{ "Prenet_start fails, NONE", "g: h store; a svc h", { "1:h.Prenet_start" }, 1, "ONLINE_FAULTED OFFLINE", "h",
	  "START_FAILED", "h.Prenet_start" },
	{ "two tries a node", "g: a svc - SOFT", { "1:a.Start", "2:a.Start" }, 1, "OFFLINE OFFLINE", "a", "OFFLINE",
	  "a.Start | a.Stop | 2:a.Start | 2:a.Stop | a.Start | a.Stop | 2:a.Start | 2:a.Stop" },
	{ "monitor fails", "g: a app - HARD", { "1:a.Monitor_start" }, 1, "ONLINE OFFLINE", "a", "MONITOR_FAILED",
	  "a.Start | a.Monitor_start" },
	{ "stop fails after a failed start, SOFT", "g: a svc - SOFT", { "1:a.Start", "1:a.Stop" }, 1,
	  "ERROR_STOP_FAILED OFFLINE", "a", "STOP_FAILED", "a.Start | a.Stop" },
};

static void test_start_failures(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		world_new(2, failures[i].group);
		for (size_t k = 0; k < ARRAY_SIZE(failures[i].fails) && failures[i].fails[k]; k++)
			world_outcome(failures[i].fails[k], failures[i].code);
		world_settle();
		expect(i, failures[i].what, world_trace(), failures[i].trace);
		expect(i, failures[i].what, world_group_states("g"), failures[i].states);
		expect(i, failures[i].what, world_resource_state(failures[i].resource, 1), failures[i].resource_state);
	}
}

/* The interval is over, and a member comes: tried again. */
static void test_failures_are_forgotten(void **state)
{
	(void)state;
	world_new(2, "g Pingpong_interval=60: a svc - SOFT");
	world_outcome("1:a.Start", 1);
	world_outcome("2:a.Start", 1);
	world_settle();
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE");
	world_outcome("1:a.Start", 0);
	world_time(59999);
	world_crash(2);
	world_dead(2);
	world_settle();
	assert_string_equal(world_group_state("g", 1), "OFFLINE");
	world_time(1);
	world_boot(2);
	world_settle();
	assert_string_equal(world_group_state("g", 1), "ONLINE");
}

static const struct {
	const char *what, *group, *fails;
	const char *states, *resource_state, *aborts, *trace;
} stop_failures[] = {
	{ "Stop, NONE", "g: a svc", "1:a.Stop", "ERROR_STOP_FAILED OFFLINE", "STOP_FAILED", "", "a.Stop" },
	{ "Stop, SOFT", "g: a svc - SOFT", "1:a.Stop", "ERROR_STOP_FAILED OFFLINE", "STOP_FAILED", "", "a.Stop" },
	{ "Stop, HARD", "g: a svc - HARD", "1:a.Stop", "ERROR_STOP_FAILED OFFLINE", "STOP_FAILED",
	  "RGM: Stop of resource a in group g failed and Failover_mode is HARD; aborting this node.", "a.Stop" },
	{ "Monitor_stop, HARD", "g: a app - HARD", "1:a.Monitor_stop", "ERROR_STOP_FAILED OFFLINE", "STOP_FAILED",
	  "RGM: Monitor_stop of resource a in group g failed", "a.Monitor_stop" },
	{ "Postnet_stop", "g: a store", "1:a.Postnet_stop", "ERROR_STOP_FAILED OFFLINE", "STOP_FAILED", "", "a.Postnet_stop" },
	{ "what must stop later stays", "g: ip lh; a svc; b svc", "1:a.Stop", "ERROR_STOP_FAILED OFFLINE", "STOP_FAILED", "",
	  "a.Stop b.Stop" },
	{ "dependencies stay", "g: a svc b; b svc c; c svc", "1:a.Stop", "ERROR_STOP_FAILED OFFLINE", "STOP_FAILED", "",
	  "a.Stop" },
};

static void test_stop_failures(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stop_failures); i++) {
		world_new(2, stop_failures[i].group);
		world_settle();
		(void)world_trace();
		world_outcome(stop_failures[i].fails, i % 2 ? 1 : -1);
		struct answer a = world_ask(1, switch_to("g", "node2"));

		if (a.code != SCHA_ERR_FAIL)
			fail_msg("%s: %d %s", stop_failures[i].what, a.code, a.text);
		expect(i, stop_failures[i].what, world_trace(), stop_failures[i].trace);
		expect(i, stop_failures[i].what, world_group_states("g"), stop_failures[i].states);
		expect(i, stop_failures[i].what, world_resource_state("a", 1), stop_failures[i].resource_state);
		if (!strstr(world_abort(1), stop_failures[i].aborts) || !*world_abort(1) != !*stop_failures[i].aborts)
			fail_msg("%s: %s", stop_failures[i].what, world_abort(1));
		/* Nothing moves until somebody has cleared it. */
		a = world_ask(1, switch_to("g", "node2"));
		assert_int_equal(a.code, SCHA_ERR_STATE);
		assert_string_equal(world_trace(), "");
	}
}

static void test_stop_failed_is_cleared(void **state)
{
	(void)state;
	world_new(2, "g: ip lh; a svc");
	world_settle();
	world_outcome("1:a.Stop", 1);
	assert_int_equal(world_ask(1, op("group_offline", "g")).code, SCHA_ERR_FAIL);
	(void)world_trace();
	world_outcome("1:a.Stop", 0);
	assert_int_equal(world_ask(2, ju_pack("{ss,ss,s[s]}", "op", "resource_clear", "rs", "a", "nodes", "node1")).code, 0);
	assert_string_equal(world_trace(), "ip.Stop | ip.Postnet_stop");        /* goes on where it had stopped */
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE");
	assert_int_equal(world_ask(1, switch_to("g", "node2")).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
}

/* ---- restarts ---- */

static json_t *control(const char *tag, const char *resource)
{
	return ju_pack("{ss,ss,ss,ss}", "op", "control", "tag", tag, "rg", "g", "rs", resource);
}

static const struct { const char *what, *group, *tag, *trace; } restarts[] = {
	{ "one resource", "g: ip lh; a app; b app", "RESOURCE_RESTART", "a.Monitor_stop | a.Stop | a.Start | a.Monitor_start" },
	{ "no Prenet, no Postnet", "g: a full", "RESOURCE_RESTART", "a.Monitor_stop | a.Stop | a.Start | a.Monitor_start" },
	{ "but with a type that has only those", "g: a store; b svc a", "RESOURCE_RESTART", "a.Postnet_stop | a.Prenet_start" },
	{ "others do not follow", "g: a svc; b svc a", "RESOURCE_RESTART", "a.Stop | a.Start" },
	{ "counted only", "g: a app", "RESOURCE_IS_RESTARTED", "" },
	{ "the group", "g: a svc; b svc a", "RESTART", "b.Stop | a.Stop | a.Start | b.Start" },
	{ "the group, may it?", "g: a svc", "CHECK_RESTART", "" },
	{ "the group elsewhere", "g: a app", "GIVEOVER", "a.Monitor_stop | a.Stop | 2:a.Start | 2:a.Monitor_start" },
	{ "the group elsewhere, may it?", "g: a app", "CHECK_GIVEOVER", "" },
	{ "Monitor_check first", "g: a full; b svc; c full - - d", "GIVEOVER",
	  "2:a.Monitor_check | a.Monitor_stop b.Stop | a.Stop | a.Postnet_stop | 2:a.Prenet_start 2:b.Start | 2:a.Start | "
	  "2:a.Monitor_start" },
};

static void test_restarts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(restarts); i++) {
		world_new(2, restarts[i].group);
		world_settle();
		(void)world_trace();
		struct answer a = world_ask(1, control(restarts[i].tag, "a"));

		if (a.code)
			fail_msg("%s: %d %s", restarts[i].what, a.code, a.text);
		expect(i, restarts[i].what, world_trace(), restarts[i].trace);
		expect(i, restarts[i].what, world_group_states("g"),
		       streq(restarts[i].tag, "GIVEOVER") ? "OFFLINE ONLINE" : "ONLINE OFFLINE");
	}
}

/* The group stays ONLINE while one of its resources restarts; the answer comes when it is up again. */
static void test_restart_of_one_resource(void **state)
{
	(void)state;
	world_new(2, "g: a svc; b svc");
	world_settle();
	char id[32];

	(void)snprintf(id, sizeof id, "%s", world_request(1, control("RESOURCE_RESTART", "a")));
	world_deliver();
	assert_string_equal(world_group_state("g", 1), "ONLINE");
	assert_string_equal(world_resource_state("a", 1), "STOPPING");
	assert_int_equal(world_answer(id).code, -1);
	world_wave();
	assert_string_equal(world_group_state("g", 1), "ONLINE");
	assert_string_equal(world_resource_state("a", 1), "STARTING");
	assert_int_equal(world_answer(id).code, -1);
	world_settle();
	assert_string_equal(world_resource_state("a", 1), "ONLINE");
	assert_int_equal(world_answer(id).code, 0);
}

static void test_restart_that_fails(void **state)
{
	(void)state;
	world_new(2, "g: a svc - SOFT; b svc");
	world_settle();
	world_outcome("1:a.Start", 1);
	(void)world_ask(1, control("RESOURCE_RESTART", "a"));
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
}

static void test_giveover_looks_for_another_candidate(void **state)
{
	(void)state;
	world_new(3, "g: a full");
	world_settle();
	(void)world_trace();
	world_outcome("2:a.Monitor_check", 1);
	assert_int_equal(world_ask(1, control("GIVEOVER", "a")).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE ONLINE");
	/* Node 1 gave over within Pingpong_interval, node 2 refuses: stay. */
	struct answer a = world_ask(3, control("GIVEOVER", "a"));
	assert_int_equal(a.code, SCHA_ERR_CHECKS);
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE ONLINE");
	world_time(3600 * 1000 + 1);
	assert_int_equal(world_ask(3, control("GIVEOVER", "a")).code, 0);
	assert_string_equal(world_group_states("g"), "ONLINE OFFLINE OFFLINE");
}

/* ---- enabling and disabling in a group that is online ---- */

static const struct { const char *what, *group, *op, *names; bool monitor; const char *trace, *state; } switches[] = {
	{ "disable", "g: ip lh; a full", "resource_disable", "a", false, "a.Monitor_stop | a.Stop | a.Postnet_stop", "OFFLINE" },
	{ "enable", "g: ip lh; a full - - d", "resource_enable", "a", false, "a.Prenet_start | a.Start | a.Monitor_start",
	  "ONLINE" },
	{ "monitor off", "g: a app", "resource_disable", "a", true, "a.Monitor_stop", "ONLINE_NOT_MONITORED" },
	{ "monitor on", "g: a app - - u", "resource_enable", "a", true, "a.Monitor_start", "ONLINE" },
	{ "again", "g: a app", "resource_enable", "a", false, "", "ONLINE" },
	{ "with its dependent", "g: a svc; b svc a", "resource_disable", "a,b", false, "b.Stop | a.Stop", "OFFLINE" },
	{ "an address, under who stays", "g: a lh; b svc", "resource_disable", "a", false, "a.Stop | a.Postnet_stop", "OFFLINE" },
	{ "an address, and who needs it", "g: a lh; b svc", "resource_disable", "b,a", false, "b.Stop | a.Stop | a.Postnet_stop", "OFFLINE" },
	{ "with its dependency", "g: a svc b - d; b svc - - d", "resource_enable", "a,b", false, "b.Start | a.Start", "ONLINE" },
};

static void test_switches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		struct strlist names = { 0 };
		json_t *list = json_array();

		world_new(2, switches[i].group);
		world_settle();
		(void)world_trace();
		strlist_split(&names, switches[i].names, ",");
		for (size_t k = 0; k < names.n; k++)
			ju_push(list, json_string(names.v[k]));
		strlist_done(&names);
		struct answer a = world_ask(2, ju_pack("{ss,so,sb}", "op", switches[i].op, "names", list, "monitor",
						       switches[i].monitor));
		if (a.code)
			fail_msg("%s: %s", switches[i].what, a.text);
		expect(i, switches[i].what, world_trace(), switches[i].trace);
		expect(i, switches[i].what, world_resource_state("a", 1), switches[i].state);
		expect(i, switches[i].what, world_group_states("g"), "ONLINE OFFLINE");
	}
}

/* ---- where groups go ---- */

static void test_switch(void **state)
{
	(void)state;
	world_new(3, "g Nodelist=node2,node3,node1: a svc");
	world_settle();
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE OFFLINE");
	(void)world_trace();
	assert_int_equal(world_ask(1, switch_to("g", "node1")).code, 0);
	assert_string_equal(world_trace(), "2:a.Stop | a.Start");       /* strictly one after the other */
	assert_string_equal(world_group_states("g"), "ONLINE OFFLINE OFFLINE");
	assert_string_equal(world_why("g"), "switched by root");
	assert_int_equal(world_ask(3, switch_to("g", "node1")).code, 0);
	assert_string_equal(world_trace(), "");
	assert_int_equal(world_ask(3, ju_pack("{ss,ss,sb}", "op", "group_switch", "rg", "g", "preferred", 1)).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE OFFLINE");
	assert_int_equal(world_ask(3, op("group_offline", "g")).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE OFFLINE");
	world_crash(3);                         /* by hand is by hand: no event starts it */
	world_dead(3);
	world_boot(3);
	world_settle();
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE OFFLINE");
	assert_int_equal(world_ask(3, op("group_bring", "g")).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE OFFLINE");
}

/* The switch fails on the node that was asked for: an automatic choice follows, and the answer says so. */
static void test_switch_that_fails(void **state)
{
	struct answer a;

	(void)state;
	world_new(3, "g: a svc - SOFT");
	world_settle();
	world_outcome("2:a.Start", 1);
	a = world_ask(1, switch_to("g", "node2"));
	assert_int_equal(a.code, SCHA_ERR_FAIL);
	if (!strstr(a.text, "resource group g is online on node1 instead"))
		fail_msg("%s", a.text);
	assert_string_equal(world_group_states("g"), "ONLINE OFFLINE OFFLINE");
}

static void test_restart_of_a_group(void **state)
{
	(void)state;
	world_new(2, "g: a svc; b svc a");
	world_settle();
	(void)world_trace();
	assert_int_equal(world_ask(2, ju_pack("{ss,ss,s[s]}", "op", "group_restart", "rg", "g", "nodes", "node1")).code, 0);
	assert_string_equal(world_trace(), "b.Stop | a.Stop | a.Start | b.Start");
	assert_string_equal(world_group_states("g"), "ONLINE OFFLINE");
}

static void test_auto_start(void **state)
{
	(void)state;
	world_new(2, "g Auto_start_on_new_cluster=FALSE: a svc\n"
		     "h managed=FALSE: b svc\n"
		     "i: c svc");
	world_settle();
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE");
	assert_string_equal(world_group_states("h"), "UNMANAGED UNMANAGED");
	assert_string_equal(world_group_states("i"), "ONLINE OFFLINE");
	assert_string_equal(world_trace(), "c.Start");
	assert_true(world_noted("the cluster has formed"));
}

static void test_installed_nodes(void **state)
{
	(void)state;
	world_new(3, "g managed=FALSE: a svc");
	assert_int_equal(world_ask(1, ju_pack("{ss,ss,ss}", "op", "type_change", "type", "SIM.svc", "installed_nodes",
					      "node3")).code, 0);
	assert_int_equal(world_ask(1, op("group_bring", "g")).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE ONLINE");
}

/* ---- a node dies ---- */

static void test_lost_node_blocks_until_dead(void **state)
{
	(void)state;
	world_new(3, "g Nodelist=node3,node2: a svc\n"
		     "h Nodelist=node2,node3: b svc");
	world_settle();
	(void)world_trace();
	world_crash(3);
	world_settle();
	assert_string_equal(world_trace(), "");                 /* it may still be running there */
	assert_string_equal(world_group_state("g", 2), "OFFLINE");
	assert_int_equal(world_ask(1, op("group_offline", "h")).code, 0);
	(void)world_trace();
	/* Never seen on node 3, but it may have been told to start it at its end of the broken log. */
	const char *id = world_request(1, switch_to("h", "node2"));
	world_settle();
	assert_string_equal(world_trace(), "");
	assert_int_equal(world_answer(id).code, -1);
	world_dead(3);
	world_settle();
	assert_string_equal(world_trace(), "2:a.Start 2:b.Start");
	assert_int_equal(world_answer(id).code, 0);
	assert_string_equal(world_group_state("g", 2), "ONLINE");
	assert_non_null(strstr(world_why("g"), "node3 died (lease)"));
}

/* The same for the president: the next one goes on with what it knows already. */
static void test_president_dies(void **state)
{
	(void)state;
	world_new(3, "g: a svc; b svc a");
	world_settle();
	(void)world_trace();
	world_crash(1);
	world_settle();
	assert_string_equal(world_trace(), "");
	world_dead(1);
	world_settle();
	assert_string_equal(world_trace(), "2:a.Start | 2:b.Start");
}

/* Half-way through: what the dead node had begun is not believed, what others run goes on. */
static void test_node_dies_while_starting(void **state)
{
	(void)state;
	world_new(2, "g: a svc; b svc a");
	world_deliver();
	world_wave();                           /* a is up, b starts */
	assert_string_equal(world_group_states("g"), "PENDING_ONLINE OFFLINE");
	(void)world_trace();
	world_crash(1);
	world_settle();
	assert_string_equal(world_group_state("g", 1), "PENDING_ONLINE");
	assert_string_equal(world_trace(), "");
	world_dead(1);
	world_settle();
	assert_string_equal(world_trace(), "2:a.Start | 2:b.Start");
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
}

/* A lost node that is back with a new life needs no wait. */
static void test_lost_node_is_back(void **state)
{
	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	(void)world_trace();
	world_crash(1);
	world_settle();
	world_boot(1);
	world_settle();
	assert_string_equal(world_group_states("g"), "ONLINE OFFLINE");
	assert_string_equal(world_trace(), "a.Start");
}

/* Back so quickly that the next membership has it again: what it ran is gone all the same. */
static void test_quick_reboot(void **state)
{
	(void)state;
	world_new(2, "g Nodelist=node2,node1: a svc");
	world_settle();
	(void)world_trace();
	world_reboot(2);
	world_settle();
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
	assert_string_equal(world_trace(), "2:a.Start");
}

static void test_failback(void **state)
{
	static const struct { const char *group, *states, *trace; } rows[] = {
		{ "g Failback=TRUE: a svc",  "ONLINE OFFLINE", "2:a.Stop | a.Start" },
		{ "g Failback=FALSE: a svc", "OFFLINE ONLINE", "" },
		{ "g Failback=TRUE Nodelist=node2,node1: a svc", "OFFLINE ONLINE", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_new(2, rows[i].group);
		world_settle();
		world_crash(1);
		world_dead(1);
		world_settle();
		assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
		(void)world_trace();
		world_boot(1);
		world_settle();
		expect(i, rows[i].group, world_trace(), rows[i].trace);
		expect(i, rows[i].group, world_group_states("g"), rows[i].states);
	}
}

/* A switch that is over without any change of state does not keep Failback from being looked at. */
static void test_failback_after_a_switch_to_where_it_is(void **state)
{
	char id[32];

	(void)state;
	world_new(2, "g Failback=TRUE Nodelist=node2,node1: a svc");
	world_settle();
	world_crash(2);
	world_dead(2);
	world_settle();
	assert_int_equal(world_ask(1, switch_to("g", "node1")).code, 0);
	world_boot(2);
	world_deliver();
	(void)snprintf(id, sizeof id, "%s", world_request(1, ju_pack("{ss,ss,s{ss}}", "op", "group_change", "rg", "g", "props",
								      "RG_description", "x")));
	world_settle();
	assert_int_equal(world_answer(id).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
}

static void test_failback_not_after_offline_by_hand(void **state)
{
	(void)state;
	world_new(2, "g Failback=TRUE: a svc");
	world_settle();
	assert_int_equal(world_ask(1, op("group_offline", "g")).code, 0);
	(void)world_trace();
	world_crash(2);
	world_dead(2);
	world_boot(2);
	world_settle();
	assert_string_equal(world_group_states("g"), "OFFLINE OFFLINE");
	assert_string_equal(world_trace(), "");
}

/* A word that comes late, of the life before. */
static void test_who_is_back_is_not_dead(void **state)
{
	(void)state;
	world_new(2, "g Nodelist=node2,node1: a svc");
	world_settle();
	world_crash(2);
	world_boot(2);
	world_settle();
	(void)world_trace();
	world_dead(2);
	world_settle();
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
	assert_string_equal(world_trace(), "");
}

static void test_groups_start_when_all_have_joined(void **state)
{
	(void)state;
	world_forming(2, "g Nodelist=node2,node1: a svc");
	world_ready(1);
	world_settle();
	assert_string_equal(world_trace(), "");
	world_ready(2);
	world_settle();
	assert_string_equal(world_trace(), "2:a.Start");
}

/* ---- a node that is about to leave ---- */

static json_t *leave(const char *node)
{
	return ju_pack("{ss,ss}", "op", "node_leave", "node", node);
}

static void test_who_leaves_gives_its_groups_away(void **state)
{
	(void)state;
	world_new(2, "g: a svc\n"
		     "h Nodelist=node1: b svc");
	world_settle();
	assert_int_equal(world_ask(1, leave("node1")).code, 0);
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
	assert_string_equal(world_group_state("h", 1), "OFFLINE");
	(void)world_trace();
	world_crash(2);                         /* nothing starts there any more, whatever happens */
	world_dead(2);
	world_settle();
	assert_string_equal(world_trace(), "");
}

/* It was being switched there when the node began to leave. */
static void test_nothing_is_switched_to_who_leaves(void **state)
{
	char id[32];

	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	(void)world_request(1, switch_to("g", "node2"));
	world_deliver();
	assert_string_equal(world_group_states("g"), "PENDING_OFFLINE OFFLINE");
	(void)world_trace();
	(void)snprintf(id, sizeof id, "%s", world_request(2, leave("node2")));
	world_settle();
	assert_int_equal(world_answer(id).code, 0);
	assert_null(strstr(world_trace(), "2:"));
	assert_string_equal(world_group_state("g", 2), "OFFLINE");
}

static void test_who_left_and_is_back_runs_groups(void **state)
{
	(void)state;
	world_new(2, "g Nodelist=node2: a svc");
	world_settle();
	assert_int_equal(world_ask(1, leave("node2")).code, 0);
	assert_string_equal(world_group_state("g", 2), "OFFLINE");
	world_reboot(2);
	world_settle();
	assert_string_equal(world_group_state("g", 2), "ONLINE");
}

/* Something is left on it: it stays, and runs what else there is. */
static void test_who_cannot_leave_stays(void **state)
{
	struct answer a;

	(void)state;
	world_new(2, "g: a svc\n"
		     "h Nodelist=node1: b svc");
	world_settle();
	world_outcome("1:a.Stop", 1);
	a = world_ask(1, leave("node1"));
	assert_int_equal(a.code, SCHA_ERR_STATE);
	assert_string_equal(a.text, "resource group g could not be taken offline on node1");
	assert_string_equal(world_group_states("g"), "ERROR_STOP_FAILED OFFLINE");
	assert_string_equal(world_group_state("h", 1), "ONLINE");
}

/* The president died over it, and nobody has asked the next one. */
static void test_leaving_ends_with_the_president(void **state)
{
	(void)state;
	world_new(3, "g Nodelist=node2: a svc");
	world_settle();
	(void)world_request(1, leave("node2"));
	world_deliver();
	assert_string_equal(world_group_state("g", 2), "PENDING_OFFLINE");
	world_crash(1);
	world_settle();
	assert_string_equal(world_group_state("g", 2), "ONLINE");
}

/* ---- decisions ---- */

static json_t *decide(int64_t ver, const char *what, int64_t node)
{
	return ju_pack("{ss,si,ss,sI,ss,sI,ss}", "t", "rgm.dec", "v", 1, "rg", "g", "ver", (json_int_t)ver, "do", what, "node",
		       (json_int_t)node, "why", "injected");
}

static void test_stale_decisions_are_dropped(void **state)
{
	static const struct { const char *what, *text; } rows[] = {
		{ "an old version",     "{\"rg\":\"g\",\"ver\":1,\"do\":\"offline\",\"node\":1}" },
		{ "a future one",       "{\"rg\":\"g\",\"ver\":1000000,\"do\":\"offline\",\"node\":1}" },
		{ "none",               "{\"rg\":\"g\",\"do\":\"offline\",\"node\":1}" },
		{ "no such group",      "{\"rg\":\"x\",\"do\":\"off\"}" },
		{ "no such decision",   "{\"rg\":\"g\",\"do\":\"dance\"}" },
		{ "no such node",       "{\"rg\":\"g\",\"do\":\"giveover\",\"node\":0}" },
		{ "node out of range",  "{\"rg\":\"g\",\"do\":\"rs_restart\",\"rs\":\"a\",\"node\":65}" },
		{ "node that is down",  "{\"rg\":\"g\",\"do\":\"rs_restart\",\"rs\":\"a\",\"node\":3}" },
		{ "no such resource",   "{\"rg\":\"g\",\"do\":\"clear\",\"rs\":\"x\",\"nodes\":[1]}" },
		{ "nothing",            "{}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *m = json_loads(rows[i].text, 0, NULL);

		world_new(2, "g: a svc");
		world_settle();
		(void)world_trace();
		ju_set_str(m, "t", "rgm.dec");
		world_message(1, m);
		world_settle();
		expect(i, rows[i].what, world_trace(), "");
		expect(i, rows[i].what, world_group_states("g"), "ONLINE OFFLINE");
	}
}

/* Two decisions on one version: the first that is delivered counts. */
static void test_second_of_two_decisions_is_stale(void **state)
{
	(void)state;
	world_new(2, "g Auto_start_on_new_cluster=FALSE: a svc");
	world_settle();
	for (int64_t ver = 0; ver < 30; ver++) {
		world_message(1, decide(ver, "online", 2));
		world_message(1, decide(ver, "online", 1));
	}
	world_deliver();
	assert_string_equal(world_group_state("g", 2), "PENDING_ONLINE");
	assert_string_equal(world_group_state("g", 1), "OFFLINE");
}

static void test_unknown_messages(void **state)
{
	static const char *const texts[] = {
		"{\"t\":\"rgm.rep\",\"rg\":\"x\",\"state\":\"ONLINE\"}", "{\"t\":\"rgm.rep\",\"rg\":\"g\",\"state\":\"JOLLY\"}",
		"{\"t\":\"rgm.rep\",\"rg\":\"g\"}", "{\"t\":\"rgm.status\",\"rg\":\"g\",\"rs\":\"x\",\"status\":\"OK\"}",
		"{\"t\":\"rgm.ran\",\"id\":\"x\",\"exit\":0}", "{\"t\":\"rgm.rsp\",\"to\":9}", "{\"t\":\"rgm.new\"}", "{}",
		"{\"t\":\"rgm.rep\",\"rg\":\"g\",\"state\":\"ONLINE\",\"rs\":{\"x\":{\"s\":\"ONLINE\"},\"a\":{\"s\":7}}}",
	};

	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	(void)world_trace();
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		world_message(1, json_loads(texts[i], 0, NULL));
		world_settle();
		expect(i, texts[i], world_trace(), "");
		expect(i, texts[i], world_group_states("g"), "ONLINE OFFLINE");
		expect(i, texts[i], world_resource_state("a", 1), "ONLINE");
	}
}

/* ---- status that resources set for themselves ---- */

static const char *status_of(const char *resource)
{
	static char text[200];
	json_t *s = rgm_status(world_rgm(1));
	json_t *rs = json_array_get(ju_arr(json_array_get(ju_arr(s, "groups"), 0), "resources"), 0);
	json_t *on = json_array_get(ju_arr(rs, "nodes"), 0);

	assert_string_equal(ju_str(rs, "name", ""), resource);
	(void)snprintf(text, sizeof text, "%s <%s>", ju_str(on, "status", ""), ju_str(on, "message", ""));
	json_decref(s);
	return text;
}

static void test_status(void **state)
{
	(void)state;
	world_new(2, "g: a app");
	world_deliver();
	assert_string_equal(status_of("a"), "UNKNOWN <Starting>");
	world_settle();
	assert_string_equal(status_of("a"), "OK <>");
	assert_int_equal(world_ask(1, ju_pack("{ss,ss,ss,ss,ss}", "op", "status", "rg", "g", "rs", "a", "status", "DEGRADED",
					      "msg", "half the speed")).code, 0);
	assert_string_equal(status_of("a"), "DEGRADED <half the speed>");
	assert_int_equal(world_ask(1, ju_pack("{ss,ss,ss,ss}", "op", "status", "rg", "g", "rs", "x", "status", "OK")).code,
			 SCHA_ERR_RSRC);
	assert_int_equal(world_ask(1, op("group_offline", "g")).code, 0);
	assert_string_equal(status_of("a"), "OFFLINE <>");
}

/* ---- output of methods ---- */

/* A long output is cut, and not inside a character: what the RGM makes of it must still be text. */
static void test_long_output_of_methods(void **state)
{
	(void)state;
	for (unsigned shift = 0; shift < 4; shift++) {
		struct buf b = { 0 };

		for (unsigned i = 0; i < shift; i++)
			buf_puts(&b, "x");
		for (unsigned i = 0; i < 1000; i++)
			buf_puts(&b, "\xe6\x97\xa5");
		_cleanup_free_ char *text = buf_take(&b);

		world_new(2, "g: a svc - SOFT");
		world_output(text);
		world_outcome("1:a.Start", 1);
		world_settle();
		assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
	}
}

/* ---- snapshot ---- */

static void test_snapshot_is_the_whole(void **state)
{
	struct rgm *copy;
	json_t *snapshot;

	(void)state;
	world_new(3, "g Failback=TRUE: a app - SOFT; b svc\n"
		     "h: c svc");
	world_outcome("1:a.Start", 1);
	world_settle();
	assert_int_equal(world_ask(2, control("RESOURCE_RESTART", "a")).code, 0);
	assert_int_equal(world_ask(2, op("group_offline", "h")).code, 0);
	world_crash(3);
	world_settle();
	world_boot(3);                          /* loads the tables, restores, is compared */
	world_settle();
	snapshot = rgm_snapshot(world_rgm(1));
	copy = world_rgm(3);
	rgm_restore(copy, snapshot);
	assert_int_equal(rgm_digest(copy), rgm_digest(world_rgm(1)));
	json_decref(snapshot);
}

static void boot_and_compare(uint32_t id)
{
	world_boot(id);
	world_check_equal();
	world_settle();
}

static void test_a_joiner_knows_what_is_to_be_restarted(void **state)
{
	(void)state;
	world_new(3, "g: a svc");
	world_settle();
	world_crash(3);
	world_dead(3);
	(void)world_request(1, ju_pack("{ss,ss,s[s]}", "op", "group_restart", "rg", "g", "nodes", "node1"));
	world_deliver();
	assert_string_equal(world_group_state("g", 1), "PENDING_OFFLINE");
	boot_and_compare(3);
	assert_string_equal(world_group_states("g"), "ONLINE OFFLINE OFFLINE");
}

static void test_a_joiner_knows_who_is_about_to_leave(void **state)
{
	(void)state;
	world_new(3, "g Nodelist=node2: a svc");
	world_settle();
	world_crash(3);
	world_dead(3);
	assert_int_equal(world_ask(1, leave("node2")).code, 0);
	boot_and_compare(3);
	assert_string_equal(world_group_state("g", 2), "OFFLINE");
}

/* ---- tables that make no sense ---- */

static void test_bad_tables_change_nothing(void **state)
{
	static const struct { const char *table, *data, *says; } rows[] = {
		{ "rgm_rg_g", "{\"rs.a.type\":\"SIM.none\"}", "resource group g: resource a has the unknown type SIM.none" },
		{ "rgm_rt_X", "{}", "resource type X: the table has no \"rtr\"" },
		{ "rgm_rt_X", "{\"rtr\":\"RESOURCE_TYPE = ;\"}", "X:1:" },
	};

	(void)state;
	world_new(1, "g: a svc");
	world_settle();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *data = json_loads(rows[i].data, 0, NULL);
		uint64_t digest = rgm_digest(world_rgm(1));
		struct err err = { 0 };

		if (rgm_load_table(world_rgm(1), rows[i].table, 99, data, NULL, &err) != -22 || !strstr(err.text, rows[i].says))
			fail_msg("row %zu: %s", i, err.text);
		assert_int_equal(rgm_digest(world_rgm(1)), digest);
		json_decref(data);
	}
	assert_int_equal(rgm_load_table(world_rgm(1), "somebody_elses", 1, NULL, NULL, NULL), 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_order), T(test_command_line),
		T(test_start_failures), T(test_failures_are_forgotten), T(test_stop_failures), T(test_stop_failed_is_cleared),
		T(test_restarts), T(test_restart_of_one_resource), T(test_restart_that_fails),
		T(test_giveover_looks_for_another_candidate),
		T(test_switches),
		T(test_switch), T(test_switch_that_fails), T(test_restart_of_a_group), T(test_auto_start),
		T(test_installed_nodes),
		T(test_lost_node_blocks_until_dead), T(test_president_dies), T(test_node_dies_while_starting),
		T(test_lost_node_is_back), T(test_quick_reboot), T(test_failback),
		T(test_failback_after_a_switch_to_where_it_is), T(test_failback_not_after_offline_by_hand),
		T(test_who_is_back_is_not_dead), T(test_groups_start_when_all_have_joined),
		T(test_who_leaves_gives_its_groups_away), T(test_nothing_is_switched_to_who_leaves),
		T(test_who_left_and_is_back_runs_groups), T(test_who_cannot_leave_stays), T(test_leaving_ends_with_the_president),
		T(test_a_joiner_knows_what_is_to_be_restarted), T(test_a_joiner_knows_who_is_about_to_leave),
		T(test_stale_decisions_are_dropped), T(test_second_of_two_decisions_is_stale), T(test_unknown_messages),
		T(test_status), T(test_snapshot_is_the_whole), T(test_bad_tables_change_nothing),
		T(test_long_output_of_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
