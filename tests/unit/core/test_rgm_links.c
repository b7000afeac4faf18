/* RG_affinities and RG_dependencies: where groups go because of others, in which order, and why not elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rgm/model.h"
#include "rgm_world.h"
#include "scha_err.h"

#define GIVEOVER(group, rs) "{'op':'control','tag':'GIVEOVER','rg':'" group "','rs':'" rs "'}"
#define RESTART(group, node) "{'op':'group_restart','rg':'" group "','nodes':['" node "']}"
#define EVACUATE(node)  "{'op':'evacuate','node':'" node "'}"

/* Three nodes; t is the target and s the group with the affinity or dependency.  "t | s" are their states. */
static const struct {
	const char *what, *groups, *fails;
	const char *states;
	uint32_t    from;               /* the node that asks; 0: node 1 crashes and is declared dead instead */
	const char *request, *then;
	scha_err_t  code;
	const char *trace;              /* of what happened since the start; NULL: whatever */
} rows[] = {
	{ "+ goes where the target is", "s RG_affinities=+t: b svc\nt Nodelist=node2,node3: a svc", NULL,
	  "? ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 1, SWITCH("t", "node3"), "? OFFLINE ONLINE | OFFLINE ONLINE OFFLINE", 0, "2:a.Stop | 3:a.Start" },
	{ "+ allows any other node", "s RG_affinities=+t Nodelist=node1: b svc\nt Nodelist=node2: a svc", NULL,
	  "? ONLINE ? | ONLINE ? ?", 0, NULL, NULL, 0, NULL },
	{ "+ meets again after a death", "s RG_affinities=+t Nodelist=node1,node3,node2: b svc\nt: a svc", NULL,
	  "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 0, NULL, "OFFLINE ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 0,
	  "2:a.Start 2:b.Start" },
	{ "- keeps away", "s RG_affinities=-t: b svc\nt: a svc", NULL, "ONLINE OFFLINE OFFLINE | OFFLINE ONLINE OFFLINE", 1,
	  SWITCH("t", "node2"), "OFFLINE ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 0, "a.Stop | 2:a.Start" },
	{ "++ goes where the target is", "s RG_affinities=++t: b svc\nt Nodelist=node2,node3: a svc", NULL,
	  "? ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 1, SWITCH("t", "node3"), "? OFFLINE ONLINE | OFFLINE OFFLINE ONLINE", 0,
	  "2:b.Stop | 2:a.Stop | 3:a.Start 3:b.Start" },
	{ "++ goes down with the target", "s RG_affinities=++t: b svc\nt: a svc", NULL, "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1,
	  OFF("t"), "OFFLINE OFFLINE OFFLINE | OFFLINE OFFLINE OFFLINE", 0, "b.Stop | a.Stop" },
	{ "++ follows after a death", "s RG_affinities=++t Nodelist=node1,node3,node2: b svc\nt: a svc", NULL,
	  "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 0, NULL, "OFFLINE ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 0, NULL },
	{ "++ restarts with the target", "s RG_affinities=++t: b svc\nt: a svc", NULL, "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1,
	  RESTART("t", "node1"), "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 0, "b.Stop | a.Stop | a.Start b.Start" },
	{ "++ where it cannot start", "s RG_affinities=++t: b svc - SOFT\nt: a svc", "1:b.Start",
	  "ONLINE OFFLINE OFFLINE | OFFLINE OFFLINE OFFLINE", 1, SWITCH("t", "node2"), "OFFLINE ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 0,
	  NULL },
	{ "++ does not go alone", "s RG_affinities=++t: b svc\nt: a svc", NULL, "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1,
	  SWITCH("s", "node2"), "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", SCHA_ERR_STATE, "" },
	{ "++ does not give over alone", "s RG_affinities=++t: b svc\nt: a svc", NULL, "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1,
	  GIVEOVER("s", "b"), "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", SCHA_ERR_CHECKS, "" },
	{ "++ waits for its target", "s RG_affinities=++t: b svc\nt Auto_start_on_new_cluster=FALSE: a svc", NULL,
	  "OFFLINE OFFLINE OFFLINE | OFFLINE OFFLINE OFFLINE", 1, BRING("t"), "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 0, NULL },
	{ "++ is evacuated with it", "s RG_affinities=++t: b svc\nt: a svc", NULL, "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1,
	  EVACUATE("node1"), "OFFLINE ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 0, "b.Stop | a.Stop | 2:a.Start 2:b.Start" },
	{ "+++ hands its giveover over", "s RG_affinities=+++t: b svc\nt: a full", NULL, "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1,
	  GIVEOVER("s", "b"), "OFFLINE ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 0, NULL },
	{ "+++ ... whose candidates are asked", "s RG_affinities=+++t: b svc\nt: a full", "2:a.Monitor_check",
	  "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1, GIVEOVER("s", "b"), "OFFLINE OFFLINE ONLINE | OFFLINE OFFLINE ONLINE", 0, NULL },
	{ "+++ ... all the way", "s RG_affinities=+++u: b svc\nt: a svc\nu RG_affinities=+++t: c svc", NULL,
	  "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1, GIVEOVER("s", "b"), "OFFLINE ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 0, NULL },
	{ "+++ a start that fails moves both", "s RG_affinities=+++t: b svc - SOFT\nt: a svc", "1:b.Start",
	  "OFFLINE ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 1, OFF("s"), "OFFLINE ONLINE OFFLINE | OFFLINE OFFLINE OFFLINE", 0, "2:b.Stop" },
	{ "+++ ... and where it has no other node, neither", "s RG_affinities=+++t Nodelist=node1: b svc - SOFT\nt: a svc", "1:b.Start",
	  "ONLINE OFFLINE OFFLINE | OFFLINE ? ?", 1, OFF("s"), "ONLINE OFFLINE OFFLINE | OFFLINE ? ?", 0, "" },
	{ "-- never beside it", "s RG_affinities=--t: b svc\nt: a svc", NULL, "ONLINE OFFLINE OFFLINE | OFFLINE ONLINE OFFLINE", 1,
	  SWITCH("s", "node1"), "ONLINE OFFLINE OFFLINE | OFFLINE ONLINE OFFLINE", SCHA_ERR_STATE, "" },
	{ "-- makes room before the target comes", "s RG_affinities=--t: b svc\nt: a svc", NULL,
	  "ONLINE OFFLINE OFFLINE | OFFLINE ONLINE OFFLINE", 1, SWITCH("t", "node2"), "OFFLINE ONLINE OFFLINE | ONLINE OFFLINE OFFLINE", 0,
	  "2:b.Stop a.Stop | 2:a.Start b.Start" },
	{ "-- makes room, and finds none", "s RG_affinities=--t Nodelist=node2: b svc\nt: a svc", NULL,
	  "ONLINE OFFLINE OFFLINE | ? ONLINE ?", 1, SWITCH("t", "node2"), "OFFLINE ONLINE OFFLINE | ? OFFLINE ?", 0,
	  "2:b.Stop a.Stop | 2:a.Start" },
	{ "-- is back when there is room", "s RG_affinities=--t Nodelist=node1: b svc\nt: a svc", NULL,
	  "ONLINE OFFLINE OFFLINE | OFFLINE ? ?", 1, SWITCH("t", "node2"), "OFFLINE ONLINE OFFLINE | ONLINE ? ?", 0,
	  "a.Stop | 2:a.Start b.Start" },
	{ "-- after a death", "s RG_affinities=--t: b svc\nt: a svc", NULL, "ONLINE OFFLINE OFFLINE | OFFLINE ONLINE OFFLINE", 0, NULL,
	  "OFFLINE ONLINE OFFLINE | OFFLINE OFFLINE ONLINE", 0, NULL },
	{ "dependency: the target first", "s RG_dependencies=t: b svc\nt: a app", NULL, "ONLINE OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1,
	  EVACUATE("node1"), "OFFLINE ONLINE OFFLINE | OFFLINE ONLINE OFFLINE", 0,
	  "b.Stop | a.Monitor_stop | a.Stop | 2:a.Start | 2:a.Monitor_start | 2:b.Start" },
	{ "dependency: also when the target fails", "s RG_dependencies=t: b svc\nt: a svc", "1:a.Start",
	  "ONLINE_FAULTED OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE", 1, OFF("t"), "ONLINE_FAULTED OFFLINE OFFLINE | ONLINE OFFLINE OFFLINE",
	  SCHA_ERR_DEPEND, "" },
	{ "dependency: none across nodes", "s RG_dependencies=t Nodelist=node2: b svc\nt: a svc", NULL,
	  "ONLINE OFFLINE OFFLINE | ? ONLINE ?", 1, SWITCH("t", "node3"), "OFFLINE OFFLINE ONLINE | ? ONLINE ?", 0, "a.Stop | 3:a.Start" },
	{ "dependency: not online before it",
	  "s RG_dependencies=t Auto_start_on_new_cluster=FALSE: b svc\nt Auto_start_on_new_cluster=FALSE: a svc",
	  NULL, "OFFLINE OFFLINE OFFLINE | OFFLINE OFFLINE OFFLINE", 1, SWITCH("s", "node1"), "OFFLINE OFFLINE OFFLINE | OFFLINE OFFLINE OFFLINE",
	  SCHA_ERR_DEPEND, "" },
	{ "a positive affinity means the same node", "s RG_affinities=+t Nodelist=node1: b svc a\nt Nodelist=node2: a svc", NULL,
	  "? ONLINE ? | PENDING_ONLINE_BLOCKED ? ?", 1, OFF("s"), "? ONLINE ? | OFFLINE ? ?", 0, "" },
};

static const char *both(void)
{
	static char text[300];

	(void)snprintf(text, sizeof text, "%s | %s", world_group_states("t"), world_group_states("s"));
	return text;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_new(3, rows[i].groups);
		if (rows[i].fails)
			world_outcome(rows[i].fails, 1);
		world_settle();
		world_expect(rows[i].what, "at first", both(), rows[i].states);
		if (!rows[i].then)
			continue;
		(void)world_trace();
		if (rows[i].from) {
			struct answer a = world_ask_text(rows[i].from, rows[i].request);

			if (a.code != (int)rows[i].code)
				fail_msg("%s: %d %s", rows[i].what, a.code, a.text);
		} else {
			world_crash(1);
			world_dead(1);
			world_settle();
		}
		if (rows[i].from || !strstr(rows[i].then, "ONLINE OFFLINE OFFLINE"))
			world_expect(rows[i].what, "then", both(), rows[i].then);
		if (rows[i].trace)
			world_expect(rows[i].what, "trace", world_trace(), rows[i].trace);
	}
}

/* The reasons are kept with the decision: of the choice, and against each other node. */
static const struct { const char *what, *groups, *fails, *says; } reasons[] = {
	{ "affinity", "s RG_affinities=--t: b svc\nt: a svc", NULL,
	  "node2 is the first of the Nodelist that can take it; not node1: --t: that is there" },
	{ "no target", "s RG_affinities=++t: b svc\nt Auto_start_on_new_cluster=FALSE: a svc", NULL,
	  "it rests: not node1: ++t: that is not there; not node2: ++t: that is not there" },
	{ "failures", "s Pingpong_interval=60: b svc - SOFT", "b.Start", "it rests: not node1: it failed to start there 2 times within "
	  "Pingpong_interval (60 s); not node2: it failed to start there 2 times within Pingpong_interval (60 s); not node3: it failed to "
	  "start there 2 times within Pingpong_interval (60 s); remove the cause, then scswitch -Z -g s" },
};

static void test_reasons(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		world_new(3, reasons[i].groups);
		for (uint32_t id = 1; id <= 3 && reasons[i].fails; id++) {
			_cleanup_free_ char *method = xasprintf("%u:%s", id, reasons[i].fails);

			world_outcome(method, 1);
		}
		world_settle();
		if (!strstr(world_why("s"), reasons[i].says))
			fail_msg("%s: %s", reasons[i].what, world_why("s"));
	}
}

static const struct { const char *what, *groups, *request; scha_err_t code; const char *says; } refusals[] = {
	{ "circle of affinities", "s RG_affinities=++t: b svc\nt: a svc", "{'op':'group_change','rg':'t','props':{'RG_affinities':'--s'}}",
	  SCHA_ERR_DEPEND, "RG_dependencies and strong affinities would go round in a circle: t -> --s -> ++t" },
	{ "with a dependency", "s RG_dependencies=u: b svc\nt: a svc\nu RG_affinities=+++t: c svc",
	  "{'op':'group_change','rg':'t','props':{'RG_dependencies':'s'}}", SCHA_ERR_DEPEND, "circle: t -> s -> u -> +++t" },
	{ "weak ones may", "s RG_affinities=+t: b svc\nt: a svc", "{'op':'group_change','rg':'t','props':{'RG_affinities':'+s'}}", 0, "" },
	{ "with a resource", "s RG_dependencies=t: b svc\nt: a svc", "{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'b'}}",
	  SCHA_ERR_DEPEND, "the dependencies would go round in a circle: a -> b -> a" },
	{ "target removed", "s RG_affinities=-t: b svc\nt managed=FALSE:", "{'op':'group_remove','rg':'t'}", SCHA_ERR_DEPEND,
	  "resource group s names t in its RG_dependencies or RG_affinities" },
	{ "target unmanaged", "s RG_dependencies=t Auto_start_on_new_cluster=FALSE:\nt Auto_start_on_new_cluster=FALSE:",
	  "{'op':'group_unmanage','rg':'t'}", SCHA_ERR_DEPEND, "resource group s is managed and depends on t" },
	{ "target of none", "s RG_dependencies=t:\nt:", "{'op':'group_change','rg':'s','props':{'Desired_primaries':'0'}}", 0, "" },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		world_new(2, refusals[i].groups);
		world_settle();
		struct answer a = world_ask_text(1, refusals[i].request);

		if (a.code != (int)refusals[i].code || !strstr(a.text, refusals[i].says))
			fail_msg("%s: %d %s", refusals[i].what, a.code, a.text);
	}
}

/* A decision for one group that looked at another is void when that has moved since. */
static void test_seen(void **state)
{
	json_t *m;

	(void)state;
	world_new(2, "s RG_affinities=--t Auto_start_on_new_cluster=FALSE: b svc\nt Auto_start_on_new_cluster=FALSE: a svc");
	world_settle();
	(void)world_trace();
	for (int64_t ver = 0; ver < 40; ver++) {
		m = ju_pack("{ss,ss,sI,ss,sI,ss,s{sI}}", "t", "rgm.dec", "rg", "s", "ver", (json_int_t)ver, "do", "online", "node", (json_int_t)1,
			    "why", "injected", "seen", "t", (json_int_t)0);
		world_message(1, m);
	}
	world_settle();
	world_expect("seen", "states", world_group_states("s"), "OFFLINE OFFLINE");
	world_expect("seen", "methods", world_trace(), "");
}

/* The president sends s where t is; before that is read, t is switched off. */
static void test_decisions_say_what_they_saw(void **state)
{
	(void)state;
	world_new(2, "s RG_affinities=++t Auto_start_on_new_cluster=FALSE: b svc\nt: a svc");
	world_settle();
	world_expect("said", "states", world_group_states("s"), "OFFLINE OFFLINE");
	(void)world_trace();
	world_message(1, ju_pack("{ss,ss,ss,ss}", "t", "rgm.dec", "rg", "s", "do", "auto", "why", "asked for"));
	world_message(1, ju_pack("{ss,ss,ss,ss}", "t", "rgm.dec", "rg", "t", "do", "off", "why", "asked for"));
	world_settle();
	world_expect("said", "methods", world_trace(), "a.Stop");
}

/* Evacuated: nothing comes back by itself for a minute, but a person may bring it. */
static void test_hold(void **state)
{
	(void)state;
	world_new(2, "s: b svc - SOFT");
	world_settle();
	assert_int_equal(world_ask_text(1, EVACUATE("node1")).code, 0);
	world_expect("held", "states", world_group_states("s"), "OFFLINE ONLINE");
	if (!strstr(world_why("s"), "node1 was evacuated by root"))
		fail_msg("%s", world_why("s"));
	world_crash(2);
	world_dead(2);
	world_settle();
	world_expect("held", "states", world_group_states("s"), "OFFLINE OFFLINE");
	struct answer a = world_ask_text(1, SWITCH("s", "node1"));
	if (a.code)
		fail_msg("%d %s", a.code, a.text);
	world_expect("by hand", "states", world_group_states("s"), "ONLINE OFFLINE");
	assert_int_equal(world_ask_text(1, EVACUATE("node1")).code, 0);
	world_expect("alone", "states", world_group_states("s"), "OFFLINE OFFLINE");
	world_time(60 * 1000 + 1);
	world_boot(2);
	world_settle();
	world_expect("over", "states", world_group_states("s"), "ONLINE OFFLINE");
}

/* Affinities in a circle, from a disk: the node goes on. */
static void test_circle_from_the_disk(void **state)
{
	(void)state;
	world_new(2, "s RG_affinities=++t RG_dependencies=t: b svc\nt RG_affinities=++s RG_dependencies=s: a svc");
	world_settle();
	(void)world_ask_text(1, GIVEOVER("s", "b"));
	(void)world_ask_text(1, EVACUATE("node1"));
}

static void reindex(struct rgm *rgm)
{
	rgm->layout++;
	deps_index(rgm);
}

/* Whom a change of others does not concern is not decided anew; who gets other company, or loses it, is: it knew another sum. */
static void test_alone_keeps_what_it_knows(void **state)
{
	(void)state;
	world_new(2, "s RG_affinities=+t: b svc\nt: a svc\nu: c svc");
	world_settle();
	struct rgm *rgm = world_rgm(1);
	struct rgm_rg *s = rg_find(rgm, "s"), *t = rg_find(rgm, "t"), *u = rg_find(rgm, "u");
	size_t links = s->link_count;

	rgm_decide(rgm, &(struct rgm_update) { 0 });
	assert_true(s->idle_ver == s->ver + t->ver && t->idle_ver == s->idle_ver && u->idle_ver == u->ver);
	reindex(rgm);
	assert_true(s->idle_ver == 0 && t->idle_ver == 0 && u->idle_ver == u->ver);
	s->idle_ver = t->idle_ver = 7;
	s->link_count = 0;
	reindex(rgm);                   /* alone from now on */
	assert_true(s->idle_ver == 0 && t->idle_ver == 0 && u->idle_ver == u->ver);
	s->idle_ver = t->idle_ver = 7;
	reindex(rgm);
	assert_true(s->idle_ver == 7 && t->idle_ver == 7);
	s->link_count = links;
	reindex(rgm);                   /* together again */
	assert_true(s->idle_ver == 0 && t->idle_ver == 0 && u->idle_ver == u->ver);
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_rows), T(test_reasons), T(test_refusals), T(test_seen), T(test_decisions_say_what_they_saw), T(test_hold), T(test_circle_from_the_disk),
		T(test_alone_keeps_what_it_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
