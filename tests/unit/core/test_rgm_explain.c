/* Why a group is where it is: each verdict on a node, each thing to wait for with its cure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rgm_world.h"

/* "node1 here; node2 could; outside: node3", and what it waits for with the cure. */
static void text_of(const char *group, struct buf *ret, bool whys)
{
	json_t *e = rgm_explain(world_rgm(1) ? world_rgm(1) : world_rgm(2), group), *v;
	size_t i;

	assert_non_null(e);
	json_array_foreach(ju_arr(e, "nodes"), i, v) {
		buf_printf(ret, "%s%s %s", i ? "; " : "", ju_str(v, "node", "?"), ju_str(v, "verdict", "?"));
		if (whys)
			buf_printf(ret, " (%s)", ju_str(v, "why", "?"));
	}
	json_array_foreach(ju_arr(e, "outside"), i, v)
		buf_printf(ret, "%s %s", i ? "" : "; outside:", json_string_value(v));
	json_array_foreach(ju_arr(e, "waits"), i, v)
		buf_printf(ret, " | %s -> %s", ju_str(v, "what", "?"), ju_str(v, "cure", "?"));
	json_decref(e);
}

static void expect(const char *what, const char *group, bool whys, const char *want)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	text_of(group, &b, whys);
	if (!streq(b.s, want))
		fail_msg("%s:\n  is   %s\n  want %s", what, b.s, want);
}

static void must(uint32_t from, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	json_t *request;

	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	request = json_loads(copy, 0, NULL);
	assert_non_null(request);
	(void)world_ask(from, request);
}

/* Which node is preferred, and by which rule. */
static void test_preferred(void **state)
{
	(void)state;
	world_new(3, "g Nodelist=node2,node1: a svc");
	world_settle();
	expect("placed", "g", true, "node2 here (it stays: a group is not moved without need); node1 could (but node2 is preferred: it is "
	       "there already); outside: node3");
	world_new(3, "g Nodelist=node2,node1 RG_affinities=+t: a svc\nt Nodelist=node1: b svc");
	world_deliver();
	world_settle();
	expect("by affinity", "g", false, "node2 could; node1 here; outside: node3");
	world_new(2, "g: a svc - SOFT");
	world_outcome("1:a.Start", 1);
	world_settle();
	expect("failed before", "g", true, "node1 could (but node2 is preferred: it is there already); node2 here (it stays: a group is not "
	       "moved without need)");
}

static void test_next(void **state)
{
	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	world_crash(1);
	expect("lost", "g", true, "node1 here (it has to leave: it is lost); node2 next (it is the best of those that may take it) | waiting "
	       "until node1 is fenced or dead by lease -> it goes on by itself");
	world_dead(1);
	world_deliver();
	expect("dead", "g", true, "node1 not (it is down); node2 here (it stays: a group is not moved without need) | resource a is starting on "
	       "node2 -> it goes on by itself");
}

/* What it waits for, and the cure: a request before, a method that fails. */
static void test_waits(void **state)
{
	static const struct { const char *what, *groups, *fails, *request, *group, *want; } rows[] = {
		{ "unmanaged", "g managed=FALSE: a svc", NULL, NULL, "g",
		  "node1 not; node2 not | it is unmanaged -> clresourcegroup online -eM g" },
		{ "switched off", "g: a svc", NULL, "{'op':'group_offline','rg':'g'}", "g",
		  "node1 could; node2 could | it was switched off, and stays so until somebody brings it online -> clresourcegroup online g" },
		{ "suspended", "g: a svc", NULL, "{'op':'group_suspend','rg':'g'}", "g",
		  "node1 here; node2 could | its recovery is suspended: it does not move by itself -> clresourcegroup resume g" },
		{ "quiesced", "g: a svc", NULL, "{'op':'group_quiesce','rg':'g'}", "g", "node1 here; node2 could | it was quiesced: it does not "
		  "move by itself -> whatever is asked for next, or a node that comes or goes" },
		{ "a start failed", "g: a svc - NONE", "1:a.Start", NULL, "g", "node1 here; node2 could | resource a failed to start on node1 -> "
		  "remove the cause, then clresourcegroup restart -n node1 g" },
		{ "a stop failed", "g: a svc", "1:a.Stop", "{'op':'group_offline','rg':'g'}", "g", "node1 not; node2 could | resource a failed to "
		  "stop on node1: nothing of the group moves before that is cleared -> end what is left of a on node1 by hand, then "
		  "clresource clear -n node1 a" },
		{ "a monitor failed", "g: a app", "1:a.Monitor_start", NULL, "g", "node1 here; node2 could | the monitor of resource a failed to "
		  "start on node1 -> remove the cause, then clresource unmonitor a, clresource monitor a" },
		{ "blocked by another group", "g: a svc b\nh: b svc", NULL, "{'op':'group_offline','rg':'h'}", "h",
		  "node1 could; node2 could | it was switched off, and stays so until somebody brings it online -> clresourcegroup online h" },
		{ "target of an affinity is off", "g RG_affinities=++h: a svc\nh: b svc", NULL, "{'op':'group_offline','rg':'h'}", "g",
		  "node1 not; node2 not | it may only be where h is, and that is online nowhere -> clresourcegroup explain h" },
		{ "Desired_primaries 0", "g RG_mode=SCALABLE Maximum_primaries=2 Desired_primaries=0: a svc", NULL, NULL, "g",
		  "node1 could; node2 could | Desired_primaries is 0 -> clresourcegroup set -p Desired_primaries=1 g" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_new(2, rows[i].groups);
		if (rows[i].fails)
			world_outcome(rows[i].fails, 1);
		world_settle();
		if (rows[i].request)
			must(1, rows[i].request);
		expect(rows[i].what, rows[i].group, false, rows[i].want);
	}
}

static void test_blocked(void **state)
{
	(void)state;
	world_new(1, "g: a svc b\nh Auto_start_on_new_cluster=FALSE: b svc");
	world_settle();
	expect("offline", "g", true, "node1 here (it stays: a group is not moved without need) | resource a waits on node1 until b is online "
	       "there (strong dependency) -> clresourcegroup explain h");
	world_new(1, "g: a svc b\nh: b svc - - d");
	world_settle();
	expect("disabled", "g", false, "node1 here | resource a waits on node1 until b is online there (strong dependency) -> clresource enable b");
}

/* A stop that waits for others says for whom. */
static void test_stop_that_waits(void **state)
{
	(void)state;
	world_new(2, "h: b svc\ng Nodelist=node2: a svc o:b");
	world_settle();
	world_slow("2:a.Stop");
	(void)world_request(1, world_json(OFF("h")));
	world_deliver();
	expect("a user", "h", false, "node1 here; node2 could | resource b stops on node1 after a on node2 -> it goes on by itself");
	world_new(2, "h: b svc\ng Nodelist=node2 Auto_start_on_new_cluster=FALSE: a svc o:b");
	world_settle();
	world_crash(2);
	(void)world_request(1, world_json(OFF("h")));
	world_settle();
	expect("a lost node", "h", false, "node1 here; node2 not | resource b stops on node1 when node2, which may run a, is fenced or dead by "
	       "lease -> it goes on by itself");
}

static void test_nobody_may(void **state)
{
	(void)state;
	world_new(2, "g: a svc - SOFT");
	world_outcome("1:a.Start", 1);
	world_outcome("2:a.Start", 1);
	world_settle();
	expect("rests", "g", true, "node1 not (it failed to start there 2 times within Pingpong_interval (3600 s)); node2 not (it failed to start "
	       "there 2 times within Pingpong_interval (3600 s)) | no node may have it now -> remove the cause of the failed start, then "
	       "clresourcegroup online g");
	assert_null(rgm_explain(world_rgm(1), "none"));
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_preferred), T(test_next), T(test_waits), T(test_blocked), T(test_stop_that_waits), T(test_nobody_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
