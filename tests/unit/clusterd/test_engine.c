/* Two engines on one log: what a member does about another, and about itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "clusterd/engine.h"
#include "scha_err.h"

enum { NODES = 2 };

static const char rtr[] =
	"RESOURCE_TYPE = app; VENDOR_ID = T; RT_BASEDIR = /opt/t; FAILOVER = TRUE; API_VERSION = 2;\n"
	"START = start; STOP = stop;\n";

static struct {
	struct engine *engine[NODES + 1];
	char     panic[NODES + 1][256];
	uint64_t now;
	json_t  *log;                   /* [from, message] on their way */
	json_t  *answer;                /* the last one */
	bool     left, noted_error;
	unsigned runs;                  /* of methods */
} w;

static struct engine_time at(void)
{
	return (struct engine_time) { .mono_ms = w.now, .wall_ms = 1700000000000 + (int64_t)w.now };
}

/* Everything that is asked of the edge works at once. */
static void take(uint32_t id, struct engine_update *update)
{
	struct engine_update u = *update, next;
	json_t *v, *result;
	size_t i;

	if (u.panic[0]) {
		(void)snprintf(w.panic[id], sizeof w.panic[id], "%s", u.panic);
		engine_update_done(&u);
		return;
	}
	w.left |= u.left;
	json_array_foreach(u.send, i, v)
		ju_push(w.log, ju_pack("[I,O]", (json_int_t)id, v));
	json_array_foreach(u.notes, i, v)
		w.noted_error |= streq(ju_str(v, "level", ""), "error");
	json_array_foreach(u.answer, i, v) {
		json_decref(w.answer);
		w.answer = json_incref(v);
	}
	json_array_foreach(u.store, i, v) {
		engine_stored(w.engine[id], at(), v, NULL, &next);
		take(id, &next);
	}
	w.runs += (unsigned)json_array_size(u.run);
	json_array_foreach(u.run, i, v) {
		result = ju_pack("{si,sb,ss,sf}", "exit", 0, "timed_out", 0, "output", "", "ms", 1.0);
		engine_ran(w.engine[id], at(), (uint64_t)ju_int(v, "run", 0), result, &next);
		json_decref(result);
		take(id, &next);
	}
	engine_update_done(&u);
}

static void deliver(uint32_t id, uint32_t from, const json_t *m)
{
	struct engine_update u;

	if (w.panic[id][0])
		return;
	engine_deliver(w.engine[id], at(), from, m, &u);
	take(id, &u);
}

static void run_for(uint64_t ms)
{
	for (uint64_t end = w.now + ms; w.now < end; w.now += 10) {
		for (uint32_t id = 1; id <= NODES; id++) {
			struct engine_update u;

			if (w.panic[id][0])
				continue;
			engine_timer(w.engine[id], at(), &u);
			take(id, &u);
		}
		for (unsigned n = 0; n < 200 && json_array_size(w.log); n++) {
			json_t *e = json_incref(json_array_get(w.log, 0));

			json_array_remove(w.log, 0);
			for (uint32_t id = 1; id <= NODES; id++)
				deliver(id, (uint32_t)json_integer_value(json_array_get(e, 0)), json_array_get(e, 1));
			json_decref(e);
		}
	}
}

static void load(uint32_t id, const char *table, json_t *data /* taken */)
{
	engine_load(w.engine[id], table, 1, data);
	json_decref(data);
}

/* Node 3 is down and in maintenance; it would come back with three votes. */
static int world(void **state)
{
	(void)state;
	memset(&w, 0, sizeof w);
	w.now = 1000;
	w.log = json_array();
	for (uint32_t id = 1; id <= NODES; id++) {
		const struct engine_config config = { .self = id, .incarnation = id };
		struct err err = { 0 };

		w.engine[id] = engine_new(&config);
		load(id, "infrastructure", ju_pack("{ss,ss,ss,ss,ss,ss,ss}", "cluster.name", "c", "cluster.nodes.1.name", "n1",
						   "cluster.nodes.2.name", "n2", "cluster.nodes.3.name", "n3",
						   "cluster.nodes.3.properties.quorum_vote", "0",
						   "cluster.nodes.3.properties.quorum_defaultvote", "3",
						   "cluster.properties.takeover_time", "640"));
		load(id, "rgm_rt_T.app", ju_pack("{ss,ss,ss}", "rtr", rtr, "path", "/x", "installed_nodes", ""));
		load(id, "rgm_rg_g", ju_pack("{ss,ss,ss,ss}", "rg.managed", "TRUE", "rs.a.type", "T.app", "rs.a.enabled", "TRUE",
					     "rs.a.monitored", "TRUE"));
		assert_int_equal(engine_start(w.engine[id], &err), 0);
	}
	for (uint32_t id = 1; id <= NODES; id++) {
		struct engine_update u;

		engine_view(w.engine[id], at(), node_bit(1) | node_bit(2), &u);
		take(id, &u);
	}
	run_for(6000);
	for (uint32_t id = 1; id <= NODES; id++)
		assert_true(engine_is_ready(w.engine[id]));
	return 0;
}

static int world_done(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= NODES; id++)
		engine_free(w.engine[id]);
	json_decref(w.log);
	json_decref(w.answer);
	return 0;
}

static const char *ask(json_t *request /* taken */)
{
	struct engine_update u;

	json_decref(w.answer);
	w.answer = NULL;
	engine_request(w.engine[1], at(), 7, request, "root", &u);
	take(1, &u);
	json_decref(request);
	run_for(500);
	return w.answer ? ju_str(w.answer, "text", "") : "no answer";
}

/* ---- states are compared ---- */

static void test_equal_states_live(void **state)
{
	(void)state;
	run_for(25000);
	assert_string_equal(w.panic[1], "");
	assert_string_equal(w.panic[2], "");
}

static void test_different_state_ends_the_member(void **state)
{
	json_t *m = ju_pack("{ss,si,ss,ss,ss,ss}", "t", "rgm.status", "v", 1, "rg", "g", "rs", "a", "status", "FAULTED", "msg", "x");

	(void)state;
	deliver(2, 1, m);
	json_decref(m);
	for (unsigned n = 0; n < 2500 && !w.panic[2][0]; n++)
		run_for(10);
	assert_string_equal(w.panic[1], "");
	assert_non_null(strstr(w.panic[2], "differs from the president's"));
}

/* A node that the others have gone on without takes itself for president, until it reads their hello. */
static void test_only_the_president_compares(void **state)
{
	json_t *mark = ju_pack("{ss,si,si}", "t", "digest.mark", "v", 1, "mark", 4711);
	json_t *digest = ju_pack("{ss,si,si,ss}", "t", "digest", "v", 1, "mark", 4711, "digest", "0123456789abcdef");

	(void)state;
	deliver(1, 2, mark);
	deliver(1, 2, digest);
	json_decref(mark);
	json_decref(digest);
	assert_string_equal(w.panic[1], "");
}

/* ---- the end ---- */

static void test_nothing_is_done_after_the_lease(void **state)
{
	json_t *result = ju_pack("{si}", "exit", 0);
	struct engine_update u;

	(void)state;
	w.now += 5000;                  /* it stood still; the end of a method is the first that it reads */
	engine_ran(w.engine[1], at(), 4711, result, &u);
	assert_non_null(strstr(u.panic, "lease"));
	engine_update_done(&u);
	json_decref(result);
}

static void test_no_goodbye_while_a_group_runs(void **state)
{
	struct engine_update u;

	(void)state;
	engine_leave(w.engine[1], at(), &u);
	take(1, &u);
	assert_false(w.left);
	assert_true(w.noted_error);
	assert_string_equal(ask(ju_pack("{ss,ss}", "op", "group_offline", "rg", "g")), "");
	engine_leave(w.engine[1], at(), &u);
	take(1, &u);
	assert_true(w.left);
}

static void deliver_shutdown(void)
{
	json_t *down = ju_pack("{ss,si,ss,ss,si,si,ss}", "t", "rgm.rsp", "v", 1, "id", "x", "op", "cluster_shutdown", "to", 9, "code", 0,
			       "text", "");

	assert_string_equal(ask(ju_pack("{ss,ss}", "op", "group_offline", "rg", "g")), "");
	w.runs = 0;
	deliver(1, 1, down);
	assert_true(w.left);
	json_decref(down);
}

/* As the president made it that has seen all that engine 1 has. */
static json_t *send_group_here(void)
{
	json_t *snapshot = rgm_snapshot(engine_rgm(w.engine[1]));
	json_t *online = ju_pack("{ss,si,ss,sI,ss,ss,si}", "t", "rgm.dec", "v", 1, "rg", "g", "ver",
				 (json_int_t)ju_int(ju_obj(ju_obj(snapshot, "groups"), "g"), "ver", 0), "do", "online", "why",
				 "it is wanted", "node", 1);

	json_decref(snapshot);
	return online;
}

/* It joined when all were drained already, and the president has just sent a group to it. */
static void test_a_joiner_starts_nothing_while_all_shut_down(void **state)
{
	json_t *online;

	(void)state;
	assert_string_equal(ask(ju_pack("{ss,ss}", "op", "group_offline", "rg", "g")), "");
	online = send_group_here();
	deliver_shutdown();
	deliver(1, 1, online);
	assert_int_equal(w.runs, 0);
	json_decref(online);
}

/* Whoever joins a moment later is not drained, and another president may take the draining back. */
static void test_nothing_counts_after_the_shutdown(void **state)
{
	json_t *undrain = ju_pack("{ss,si,s[i,i],sb}", "t", "rgm.drain", "v", 1, "nodes", 1, 2, "on", 0), *online;

	(void)state;
	deliver_shutdown();
	deliver(1, 2, undrain);
	online = send_group_here();
	deliver(1, 2, online);
	assert_int_equal(w.runs, 0);
	json_decref(undrain);
	json_decref(online);
}

/* ---- votes ---- */

static void test_votes(void **state)
{
	(void)state;
	assert_non_null(strstr(ask(ju_pack("{ss,ss}", "op", "node_maintain", "node", "n2")), "node n2 is up"));
	assert_non_null(strstr(ask(ju_pack("{ss,ss}", "op", "node_reset", "node", "n3")), "would lose its quorum"));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, world, world_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_equal_states_live), T(test_different_state_ends_the_member), T(test_only_the_president_compares),
		T(test_nothing_is_done_after_the_lease), T(test_no_goodbye_while_a_group_runs), T(test_a_joiner_starts_nothing_while_all_shut_down),
		T(test_nothing_counts_after_the_shutdown), T(test_votes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
