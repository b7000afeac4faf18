/* Dependencies of all kinds, inside a group and across groups: a row is a world, what is asked of it, and which methods run
 * in which waves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rgm_world.h"
#include "scha_err.h"

#define RESTART(group, rs)  "{'op':'control','tag':'RESOURCE_RESTART','rg':'" group "','rs':'" rs "'}"
#define RESTARTED(group, rs) "{'op':'control','tag':'RESOURCE_IS_RESTARTED','rg':'" group "','rs':'" rs "'}"
#define DISABLE(rs)     "{'op':'resource_disable','names':['" rs "']}"
#define ENABLE(rs)      "{'op':'resource_enable','names':['" rs "']}"

/* Two nodes.  g and its d are what depends; the groups that are depended on are a, b.  Preferred nodes are told apart by the
 * Nodelist where it matters. */
static const struct {
	const char *what, *groups;
	const char *fails;              /* exits 1 from the beginning; NULL: none */
	const char *start;              /* methods as the cluster starts */
	const char *states;             /* of g then */
	const char *request, *trace;    /* asked then, and what runs because of it; NULL: none */
	const char *after;              /* states of g after that */
} rows[] = {
	/* ---- inside a group ---- */
	{ "weak: order only", "g: d svc w:p; p svc", NULL, "p.Start | d.Start", "ONLINE OFFLINE", OFF("g"), "d.Stop | p.Stop",
	  "OFFLINE OFFLINE" },
	{ "weak: a failed start is a start", "g: d svc w:p; p svc", "1:p.Start", "p.Start | d.Start", "ONLINE_FAULTED OFFLINE", NULL,
	  NULL, NULL },
	{ "weak: what cannot start is not waited for", "g: d svc w:p; p svc q; q svc", "1:q.Start", "q.Start | d.Start",
	  "ONLINE_FAULTED OFFLINE", NULL, NULL, NULL },
	{ "weak: disabled", "g: d svc w:p; p svc - - d", NULL, "d.Start", "ONLINE OFFLINE", NULL, NULL, NULL },
	{ "weak: may be disabled under it", "g: d svc w:p; p svc", NULL, "p.Start | d.Start", "ONLINE OFFLINE", DISABLE("p"), "p.Stop",
	  "ONLINE OFFLINE" },
	{ "weak: a restart moves nobody", "g: d svc w:p; p svc", NULL, "p.Start | d.Start", "ONLINE OFFLINE", RESTART("g", "p"),
	  "p.Stop | p.Start", "ONLINE OFFLINE" },
	{ "restart: follows", "g: d app r:p; p svc", NULL, "p.Start | d.Start | d.Monitor_start", "ONLINE OFFLINE", RESTART("g", "p"),
	  "p.Stop | p.Start | d.Monitor_stop | d.Stop | d.Start | d.Monitor_start", "ONLINE OFFLINE" },
	{ "restart: follows what was restarted by other means", "g: d svc r:p; p svc; s svc p", NULL, "p.Start | d.Start s.Start",
	  "ONLINE OFFLINE", RESTARTED("g", "p"), "d.Stop | d.Start", "ONLINE OFFLINE" },
	{ "restart: a chain", "g: d svc r:p; p svc r:q; q svc", NULL, "q.Start | p.Start | d.Start", "ONLINE OFFLINE",
	  RESTART("g", "q"), "q.Stop | q.Start | p.Stop | p.Start | d.Stop | d.Start", "ONLINE OFFLINE" },
	{ "offline-restart: goes first", "g: d app o:p; p svc", NULL, "p.Start | d.Start | d.Monitor_start", "ONLINE OFFLINE",
	  RESTART("g", "p"), "d.Monitor_stop | d.Stop | p.Stop | p.Start | d.Start | d.Monitor_start", "ONLINE OFFLINE" },
	{ "offline-restart: disabled under it", "g: d svc o:p; p svc", NULL, "p.Start | d.Start", "ONLINE OFFLINE", DISABLE("p"),
	  "d.Stop | p.Stop", "ONLINE OFFLINE" },
	{ "offline-restart: a chain", "g: d svc o:p; p svc o:q; q svc", NULL, "q.Start | p.Start | d.Start", "ONLINE OFFLINE",
	  RESTART("g", "q"), "d.Stop | p.Stop | q.Stop | q.Start | p.Start | d.Start", "ONLINE OFFLINE" },
	{ "offline-restart: what failed to start", "g: d svc o:p; p svc", "1:p.Start", "p.Start", "ONLINE_FAULTED OFFLINE", NULL, NULL,
	  NULL },
	{ "the strongest list counts", "g: d svc w:p,o:p,p; p svc", NULL, "p.Start | d.Start", "ONLINE OFFLINE", RESTART("g", "p"),
	  "d.Stop | p.Stop | p.Start | d.Start", "ONLINE OFFLINE" },
	{ "on the other node only", "g: d svc p@node2; p svc", NULL, "d.Start p.Start", "ONLINE OFFLINE", SWITCH("g", "node2"),
	  "d.Stop p.Stop | 2:p.Start | 2:d.Start", "OFFLINE ONLINE" },
	/* ---- across groups ---- */
	{ "strong: waits", "a: p svc\ng: d full p", NULL, "p.Start | d.Prenet_start | d.Start | d.Monitor_start", "ONLINE OFFLINE",
	  OFF("a"), "p.Stop", "ONLINE OFFLINE" },
	{ "strong: on another node", "a Nodelist=node2: p svc\ng: d svc p", NULL, "2:p.Start | d.Start", "ONLINE OFFLINE", OFF("g"),
	  "d.Stop", "OFFLINE OFFLINE" },
	{ "strong: not on the same node", "a Nodelist=node2: p svc\ng: d svc p{LOCAL_NODE}; e svc", NULL, "2:p.Start e.Start",
	  "PENDING_ONLINE_BLOCKED OFFLINE", SWITCH("g", "node2"), "e.Stop | 2:d.Start 2:e.Start", "OFFLINE ONLINE" },
	{ "strong: blocked until it is there", "a Auto_start_on_new_cluster=FALSE: p svc\ng: d svc p; e svc d; f svc", NULL, "f.Start",
	  "PENDING_ONLINE_BLOCKED OFFLINE", BRING("a"), "p.Start | d.Start | e.Start", "ONLINE OFFLINE" },
	{ "strong: what failed to start is not there", "a: p svc\ng: d svc p", "1:p.Start", "p.Start", "PENDING_ONLINE_BLOCKED OFFLINE",
	  OFF("g"), "", "OFFLINE OFFLINE" },
	{ "strong: a restart moves nobody", "a: p svc\ng: d svc p", NULL, "p.Start | d.Start", "ONLINE OFFLINE", RESTART("a", "p"),
	  "p.Stop | p.Start", "ONLINE OFFLINE" },
	{ "strong: on one node only", "a Auto_start_on_new_cluster=FALSE: p svc\ng: d svc p@node2", NULL, "d.Start", "ONLINE OFFLINE",
	  SWITCH("g", "node2"), "d.Stop", "OFFLINE PENDING_ONLINE_BLOCKED" },
	{ "weak: waits for what is starting", "a: p svc\ng: d svc w:p", NULL, "p.Start | d.Start", "ONLINE OFFLINE", OFF("a"), "p.Stop",
	  "ONLINE OFFLINE" },
	{ "weak: not for what does not", "a Auto_start_on_new_cluster=FALSE: p svc\ng: d svc w:p", NULL, "d.Start", "ONLINE OFFLINE",
	  NULL, NULL, NULL },
	{ "weak: not for what failed", "a: p svc\ng: d svc w:p", "1:p.Start", "p.Start | d.Start", "ONLINE OFFLINE", NULL, NULL, NULL },
	{ "restart: follows", "a: p svc\ng: d svc r:p", NULL, "p.Start | d.Start", "ONLINE OFFLINE", RESTART("a", "p"),
	  "p.Stop | p.Start | d.Stop | d.Start", "ONLINE OFFLINE" },
	{ "restart: follows to another node", "a: p svc\ng: d svc r:p", NULL, "p.Start | d.Start", "ONLINE OFFLINE",
	  SWITCH("a", "node2"), "p.Stop | 2:p.Start | d.Stop | d.Start", "ONLINE OFFLINE" },
	{ "restart: follows what was restarted by other means", "a: p svc\ng: d svc r:p", NULL, "p.Start | d.Start", "ONLINE OFFLINE",
	  RESTARTED("a", "p"), "d.Stop | d.Start", "ONLINE OFFLINE" },
	{ "offline-restart: goes first, and waits", "a: p svc\ng: d svc o:p; e svc", NULL, "e.Start p.Start | d.Start",
	  "ONLINE OFFLINE", OFF("a"), "d.Stop | p.Stop", "PENDING_ONLINE_BLOCKED OFFLINE" },
	{ "offline-restart: comes back", "a: p svc\ng: d svc o:p", NULL, "p.Start | d.Start", "ONLINE OFFLINE", SWITCH("a", "node2"),
	  "d.Stop | p.Stop | 2:p.Start | d.Start", "ONLINE OFFLINE" },
	{ "offline-restart: a restart", "a: p svc\ng: d svc o:p", NULL, "p.Start | d.Start", "ONLINE OFFLINE", RESTART("a", "p"),
	  "d.Stop | p.Stop | p.Start | d.Start", "ONLINE OFFLINE" },
	{ "offline-restart: disabled under it", "a: p svc\ng: d svc o:p", NULL, "p.Start | d.Start", "ONLINE OFFLINE", DISABLE("p"),
	  "d.Stop | p.Stop", "PENDING_ONLINE_BLOCKED OFFLINE" },
	{ "offline-restart: with all its methods", "a: p svc\ng: d full o:p", NULL,
	  "p.Start | d.Prenet_start | d.Start | d.Monitor_start", "ONLINE OFFLINE", SWITCH("a", "node2"),
	  "d.Monitor_stop | d.Stop | d.Postnet_stop | p.Stop | 2:p.Start | d.Prenet_start | d.Start | d.Monitor_start",
	  "ONLINE OFFLINE" },
	{ "offline-restart: the same node counts", "a Nodelist=node2: p svc\ng Nodelist=node2,node1: d svc o:p{LOCAL_NODE}", NULL,
	  "2:p.Start | 2:d.Start", "OFFLINE ONLINE", OFF("a"), "2:d.Stop | 2:p.Stop", "OFFLINE PENDING_ONLINE_BLOCKED" },
	{ "both ways between two groups", "a: p svc; q svc d\ng: d svc p", NULL, "p.Start | d.Start | q.Start", "ONLINE OFFLINE",
	  OFF("a"), "p.Stop q.Stop", "ONLINE OFFLINE" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_new(2, rows[i].groups);
		if (rows[i].fails)
			world_outcome(rows[i].fails, 1);
		world_settle();
		world_expect(rows[i].what, "start", world_trace(), rows[i].start);
		world_expect(rows[i].what, "states", world_group_states("g"), rows[i].states);
		if (!rows[i].request)
			continue;
		struct answer a = world_ask_text(1, rows[i].request);

		if (a.code)
			fail_msg("%s: %s: %d %s", rows[i].what, rows[i].request, a.code, a.text);
		world_expect(rows[i].what, "then", world_trace(), rows[i].trace);
		world_expect(rows[i].what, "states then", world_group_states("g"), rows[i].after);
	}
}

/* The node of what it depends on dies: nothing that waits for it may start, and what must not be without it stops. */
static void test_death(void **state)
{
	(void)state;
	world_new(3, "a Nodelist=node2,node3: p svc\ng: d svc o:p; e svc r:p; s svc p");
	world_settle();
	(void)world_trace();
	world_crash(2);
	world_settle();
	world_expect("lost", "trace", world_trace(), "d.Stop");
	world_expect("lost", "states", world_group_states("g"), "PENDING_ONLINE_BLOCKED OFFLINE OFFLINE");
	world_dead(2);
	world_settle();
	world_expect("dead", "trace", world_trace(), "3:p.Start | d.Start e.Stop | e.Start");
	world_expect("dead", "states", world_group_states("g"), "ONLINE OFFLINE OFFLINE");
}

/* A lost node may have started what must not be without it, and nobody else knows: the stop waits until it is dead. */
static void test_stop_under_a_lost_node(void **state)
{
	(void)state;
	world_new(3, "a: p svc\ng Auto_start_on_new_cluster=FALSE Nodelist=node2: d svc o:p; e svc o:p - d");
	world_settle();
	(void)world_trace();
	world_crash(3);
	assert_int_equal(world_ask_text(1, RESTART("a", "p")).code, 0);
	world_expect("not on its nodes", "trace", world_trace(), "p.Stop | p.Start");
	world_crash(2);
	(void)world_request(1, world_json(OFF("a")));
	world_settle();
	world_expect("lost", "trace", world_trace(), "");
	world_dead(2);
	world_settle();
	world_expect("dead", "trace", world_trace(), "p.Stop");
}

/* Both word at once: who wants to start hears in the log that what it needs is about to stop, and does not. */
static void test_start_meets_stop(void **state)
{
	(void)state;
	world_new(2, "a: p svc\ng Auto_start_on_new_cluster=FALSE Nodelist=node2: d svc o:p");
	world_settle();
	(void)world_trace();
	(void)world_request(1, world_json(OFF("a")));
	(void)world_request(2, world_json(BRING("g")));
	world_settle();
	world_expect("off first", "trace", world_trace(), "p.Stop");
	world_expect("off first", "states", world_group_states("g"), "? PENDING_ONLINE_BLOCKED");
	assert_int_equal(world_ask_text(1, BRING("a")).code, 0);
	world_expect("back", "trace", world_trace(), "p.Start | 2:d.Start");
	assert_int_equal(world_ask_text(1, OFF("g")).code, 0);
	(void)world_trace();
	(void)world_request(2, world_json(BRING("g")));
	(void)world_request(1, world_json(OFF("a")));
	world_settle();
	world_expect("on first", "trace", world_trace(), "2:d.Start | 2:d.Stop | p.Stop");
}

/* A slow start of one group holds up nobody who does not depend on it. */
static void test_slow_start(void **state)
{
	(void)state;
	world_new(2, "a: p svc\nb: q svc\ng: d svc q");
	world_slow("1:p.Start");
	world_deliver();
	world_wave();
	world_wave();
	world_expect("slow", "b", world_group_states("b"), "ONLINE OFFLINE");
	world_expect("slow", "g", world_group_states("g"), "ONLINE OFFLINE");
	world_expect("slow", "a", world_group_states("a"), "PENDING_ONLINE OFFLINE");
}

static const struct { const char *what, *groups, *request; scha_err_t code; const char *says; } refusals[] = {
	{ "a circle across groups", "a: p svc\ng: d svc p", "{'op':'resource_change','rs':'p','props':{'Resource_dependencies_weak':'d'}}",
	  SCHA_ERR_DEPEND, "the dependencies would go round in a circle: p -> d -> p" },
	{ "a longer one", "a: p svc\nb: q svc p\ng: d svc r:q",
	  "{'op':'resource_change','rs':'p','props':{'Resource_dependencies_offline_restart':'d{ANY_NODE}'}}", SCHA_ERR_DEPEND,
	  "circle: p -> d -> q -> p" },
	{ "through an address", "a: p svc; l lh\ng: d svc",
	  "{'op':'resource_change','rs':'l','props':{'Resource_dependencies':'p'}}", SCHA_ERR_DEPEND, "circle: l -> p -> l" },
	{ "through the wait of an address for Prenet_start", "a: l lh; h store d\ng: d svc",
	  "{'op':'resource_change','rs':'d','props':{'Resource_dependencies':'l'}}", SCHA_ERR_DEPEND, "circle: d -> l -> d" },
	{ "disabled", "a: p svc\ng: d svc p", DISABLE("p"), SCHA_ERR_DEPEND, "resource d is enabled and depends on p: disable it, too" },
	{ "enabled", "a: p svc - - d\ng: d svc p - d", ENABLE("d"), SCHA_ERR_DEPEND, "resource d depends on p, which is disabled" },
	{ "weak: disabled", "a: p svc\ng: d svc w:p", DISABLE("p"), 0, "" },
	{ "weak: enabled", "a: p svc - - d\ng: d svc w:p - d", ENABLE("d"), 0, "" },
	{ "removed", "a: p svc - - d\ng: d svc w:p", "{'op':'resource_remove','rs':'p'}", SCHA_ERR_DEPEND, "resource d depends on p" },
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

/* A table that goes round in a circle, from a disk: it must not end the node. */
static void test_circle_from_the_disk(void **state)
{
	(void)state;
	world_new(2, "a: p svc o:q; q svc o:p\ng: d svc o:e; h svc w:i; i svc w:h\nb: e svc o:d");
	world_settle();
	world_expect("circle", "states", world_group_states("g"), "PENDING_ONLINE_BLOCKED OFFLINE");
	assert_int_equal(world_ask_text(1, OFF("g")).code, 0);
	assert_int_equal(world_ask_text(1, OFF("a")).code, 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_rows), T(test_death), T(test_stop_under_a_lost_node), T(test_start_meets_stop), T(test_slow_start), T(test_refusals), T(test_circle_from_the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
