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

enum { NODES = 3 };
#define FOR_EACH_UP(id) for (uint32_t id = 1; id <= NODES; id++) if (w.engine[id] && !w.panic[id][0])
#define N12 (node_bit(1) | node_bit(2))
#define ALL (node_bit(1) | node_bit(2) | node_bit(3))

static const char rtr[] =
	"RESOURCE_TYPE = app; VENDOR_ID = T; RT_BASEDIR = /opt/t; FAILOVER = TRUE; API_VERSION = 2;\n"
	"START = start; STOP = stop;\n";

static struct {
	struct engine *engine[NODES + 1];
	char     panic[NODES + 1][256];
	const char *votes_of_3;
	nodeset  newer;                 /* these have a newer table of group g when they boot */
	uint64_t now, boots;
	json_t  *log;                   /* [from, message] on their way */
	json_t  *disk[NODES + 1];       /* requests on their way */
	const char *stuck[NODES + 1];   /* nothing from the next request of this kind on ends; NULL: all end at once */
	const char *broken[NODES + 1];  /* requests of this kind fail */
	json_t  *before_snapshot;       /* [from, message] that comes through the log right before the next snapshot */
	nodeset  missing_snapshots;     /* to these none comes; it is kept here: */
	json_t  *snapshot;
	json_t  *answer;                /* the last one */
	bool     left, noted_error;
	unsigned runs;                  /* of methods */
} w;

static struct engine_time at(void)
{
	return (struct engine_time) { .mono_ms = w.now, .wall_ms = 1700000000000 + (int64_t)w.now };
}

static void take(uint32_t id, struct engine_update *update);

static const char *next_on_disk(uint32_t id)
{
	return ju_str(json_array_get(w.disk[id], 0), "op", "");
}

static void finish_request(uint32_t id)
{
	json_t *request = json_incref(json_array_get(w.disk[id], 0));
	bool broken = w.broken[id] && streq(w.broken[id], next_on_disk(id));
	struct engine_update next;

	json_array_remove(w.disk[id], 0);
	engine_stored(w.engine[id], at(), request, broken ? "it is full" : NULL, &next);
	json_decref(request);
	take(id, &next);
}

static void work_disk(uint32_t id)
{
	while (w.engine[id] && json_array_size(w.disk[id]) && !(w.stuck[id] && streq(w.stuck[id], next_on_disk(id))))
		finish_request(id);
}

static void unstick(uint32_t id)
{
	w.stuck[id] = NULL;
	work_disk(id);
}

/* Everything that is asked of the edge works at once, unless a test says otherwise. */
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
	json_array_foreach(u.store, i, v)
		json_array_append(w.disk[id], v);
	work_disk(id);
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

	if (!w.engine[id] || w.panic[id][0])
		return;
	engine_deliver(w.engine[id], at(), from, m, &u);
	take(id, &u);
}

static nodeset view_of(uint32_t id)
{
	return w.engine[id] ? cmm_view(engine_cmm(w.engine[id])) : 0;
}

static void deliver_to_all(const json_t *entry)
{
	uint32_t from = (uint32_t)json_integer_value(json_array_get(entry, 0));
	const json_t *m = json_array_get(entry, 1);
	bool snapshot = streq(ju_str(m, "t", ""), "snap");

	if (snapshot && w.before_snapshot) {
		json_t *before = TAKE_PTR(w.before_snapshot);

		deliver_to_all(before);
		json_decref(before);
	}
	if (snapshot) {
		json_decref(w.snapshot);
		w.snapshot = json_deep_copy(m);
	}
	for (uint32_t id = 1; id <= NODES; id++)
		if (view_of(id) == view_of(from) && (!snapshot || !nodeset_has(w.missing_snapshots, id)))
			deliver(id, from, m);
}

static void run_for(uint64_t ms)
{
	for (uint64_t end = w.now + ms; w.now < end; w.now += 10) {
		FOR_EACH_UP(id) {
			struct engine_update u;

			engine_timer(w.engine[id], at(), &u);
			take(id, &u);
		}
		for (unsigned n = 0; n < 200 && json_array_size(w.log); n++) {
			json_t *e = json_incref(json_array_get(w.log, 0));

			json_array_remove(w.log, 0);
			deliver_to_all(e);
			json_decref(e);
		}
	}
}

/* What was on its way is lost with the view. */
static void view(nodeset set)
{
	json_array_clear(w.log);
	FOR_EACH_UP(id) {
		struct engine_update u;

		if (!nodeset_has(set, id))
			continue;
		engine_view(w.engine[id], at(), set, &u);
		take(id, &u);
	}
}

static void load(uint32_t id, const char *table, uint64_t gen, json_t *data /* taken */)
{
	engine_load(w.engine[id], table, gen, data);
	json_decref(data);
}

static void power_off(uint32_t id)
{
	w.engine[id] = engine_free(w.engine[id]);
	json_array_clear(w.disk[id]);
}

static void boot(uint32_t id)
{
	const struct engine_config config = { .self = id, .incarnation = ++w.boots };
	bool newer = nodeset_has(w.newer, id);
	struct err err = { 0 };

	w.engine[id] = engine_new(&config);
	load(id, "infrastructure", 1, ju_pack("{ss,ss,ss,ss,ss,ss,ss,ss,ss}", "cluster.name", "c", "cluster.nodes.1.name", "n1",
					      "cluster.nodes.2.name", "n2", "cluster.nodes.3.name", "n3",
					      "cluster.nodes.1.properties.quorum_vote", "1",
					      "cluster.nodes.2.properties.quorum_vote", "1",
					      "cluster.nodes.3.properties.quorum_vote", w.votes_of_3,
					      "cluster.nodes.3.properties.quorum_defaultvote", "3",
					      "cluster.properties.takeover_time", "640"));
	load(id, "rgm_rt_T.app", 1, ju_pack("{ss,ss,ss}", "rtr", rtr, "path", "/x", "installed_nodes", ""));
	load(id, "rgm_rg_g", newer ? 2 : 1, ju_pack("{ss,ss,ss,ss,ss}", "rg.managed", "TRUE", "rg.prop.RG_description",
						    newer ? "newer" : "older", "rs.a.type", "T.app", "rs.a.enabled", "TRUE",
						    "rs.a.monitored", "TRUE"));
	assert_int_equal(engine_start(w.engine[id], &err), 0);
}

static void make_world(const char *votes_of_3, nodeset newer)
{
	memset(&w, 0, sizeof w);
	w.now = 1000;
	w.votes_of_3 = votes_of_3;
	w.newer = newer;
	w.log = json_array();
	for (uint32_t id = 1; id <= NODES; id++)
		w.disk[id] = json_array();
	boot(1);
	boot(2);
	view(N12);
	run_for(6000);
	for (uint32_t id = 1; id <= 2; id++)
		assert_true(engine_is_ready(w.engine[id]));
}

/* Node 3 is down and in maintenance; it would come back with three votes. */
static int world(void **state)
{
	(void)state;
	make_world("0", 0);
	return 0;
}

/* Node 3 is down and has a vote as the others. */
static int world_of_three(void **state)
{
	(void)state;
	make_world("1", 0);
	return 0;
}

static int world_done(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= NODES; id++) {
		engine_free(w.engine[id]);
		json_decref(w.disk[id]);
	}
	json_decref(w.log);
	json_decref(w.answer);
	json_decref(w.snapshot);
	json_decref(w.before_snapshot);
	return 0;
}

static void request(uint32_t id, json_t *request /* taken */)
{
	struct engine_update u;

	json_decref(w.answer);
	w.answer = NULL;
	engine_request(w.engine[id], at(), 7, request, "root", &u);
	take(id, &u);
	json_decref(request);
}

static const char *ask(json_t *question /* taken */)
{
	request(1, question);
	run_for(500);
	return w.answer ? ju_str(w.answer, "text", "") : "no answer";
}

static json_t *describe(const char *text)
{
	return ju_pack("{ss,ss,s{ss}}", "op", "group_change", "rg", "g", "props", "RG_description", text);
}

static const char *description(uint32_t id)
{
	return ju_str(ccr_table(engine_ccr(w.engine[id]), "rgm_rg_g"), "rg.prop.RG_description", "");
}

static void check_equal(void)
{
	FOR_EACH_UP(id)
		if (engine_digest(w.engine[id]) != engine_digest(w.engine[1]))
			fail_msg("nodes 1 and %u differ", id);
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

static void test_a_table_that_cannot_be_written_ends_the_member(void **state)
{
	(void)state;
	w.broken[2] = "commit";
	assert_string_equal(ask(describe("x")), "no answer");
	assert_non_null(strstr(w.panic[2], "Cannot write table rgm_rg_g: it is full"));
	assert_string_equal(w.panic[1], "");
}

/* ---- joining ---- */

static json_t *fault(const char *text)
{
	return ju_pack("{ss,si,ss,ss,ss,ss}", "t", "rgm.status", "v", 1, "rg", "g", "rs", "a", "status", "FAULTED", "msg", text);
}

/* The snapshot is of the moment when the epoch came into force; what comes through the log until it is here counts, too. */
static void test_what_comes_before_the_snapshot_counts(void **state)
{
	(void)state;
	boot(3);
	w.before_snapshot = ju_pack("[i,o]", 1, fault("x"));
	view(ALL);
	run_for(1000);
	assert_null(w.before_snapshot);
	assert_true(engine_is_ready(w.engine[3]));
	check_equal();
}

static void test_ready_when_the_snapshot_is_on_the_disk(void **state)
{
	(void)state;
	boot(3);
	w.stuck[3] = "mark";
	view(ALL);
	run_for(1000);
	assert_false(nodeset_has(cmm_membership(engine_cmm(w.engine[1]))->ready, 3));
	unstick(3);
	run_for(1000);
	assert_true(nodeset_has(cmm_membership(engine_cmm(w.engine[1]))->ready, 3));
}

/* It has had a snapshot, but was cut off before it was ready, and has missed a change. */
static void test_a_joiner_begins_anew_with_every_epoch(void **state)
{
	(void)state;
	boot(3);
	w.stuck[3] = "mark";
	view(ALL);
	run_for(500);
	view(N12);
	run_for(500);
	assert_string_equal(ask(describe("x")), "");
	unstick(3);
	view(ALL);
	run_for(1000);
	assert_true(engine_is_ready(w.engine[3]));
	assert_string_equal(description(3), "x");
	check_equal();
}

/* A snapshot of the epoch before, that comes late, is not the one that the joiner waits for. */
static void test_a_snapshot_of_another_epoch_is_not_taken(void **state)
{
	json_t *early;

	(void)state;
	boot(3);
	w.missing_snapshots = node_bit(3);
	view(ALL);
	run_for(500);
	early = TAKE_PTR(w.snapshot);
	assert_non_null(early);
	(void)ask(describe("x"));
	assert_string_equal(description(1), "x");
	view(ALL);
	run_for(500);
	assert_non_null(w.snapshot);
	deliver(3, 1, early);
	w.missing_snapshots = 0;
	deliver(3, 1, w.snapshot);
	run_for(1000);
	assert_true(engine_is_ready(w.engine[3]));
	assert_string_equal(description(3), "x");
	check_equal();
	json_decref(early);
}

/* When a cluster forms the snapshot may come after the next view, for its sponsor waits for copies of others.  Whoever has that
 * on its disk is not ready in the next epoch. */
static void test_ready_by_the_snapshot_of_this_epoch(void **state)
{
	json_t *late;

	(void)state;
	boot(3);
	w.missing_snapshots = node_bit(3);
	view(ALL);
	run_for(500);
	late = TAKE_PTR(w.snapshot);
	assert_non_null(late);
	w.stuck[3] = "epoch";
	view(ALL);
	run_for(500);
	deliver(3, 1, late);            /* behind the record of the next epoch */
	json_decref(late);
	w.missing_snapshots = 0;
	w.stuck[3] = "mark";
	work_disk(3);
	run_for(500);
	assert_non_null(w.snapshot);
	assert_string_equal(next_on_disk(3), "mark");
	finish_request(3);
	run_for(1000);
	assert_false(nodeset_has(cmm_membership(engine_cmm(w.engine[1]))->ready, 3));
	unstick(3);
	run_for(1000);
	assert_true(nodeset_has(cmm_membership(engine_cmm(w.engine[1]))->ready, 3));
	check_equal();
}

/* ---- who is awaited ---- */

/* Node 2 has voted for a change and dies before it has it; node 3, which joins at that moment, has to have it instead: else
 * one disk of three would be all that success is said of. */
static void test_a_joiner_is_awaited_for_what_waits(void **state)
{
	(void)state;
	w.stuck[2] = "commit";
	assert_string_equal(ask(describe("x")), "no answer");
	power_off(2);
	boot(3);
	w.stuck[3] = "mark";
	view(node_bit(1) | node_bit(3));
	run_for(1000);
	assert_int_equal(cmm_membership(engine_cmm(w.engine[1]))->members, node_bit(1) | node_bit(3));
	assert_null(w.answer);
	unstick(3);
	run_for(1000);
	assert_non_null(w.answer);
	assert_int_equal(ju_int(w.answer, "code", 1), 0);
}

/* The snapshot is on its disk, what was committed since is not. */
static void test_a_joiner_does_not_speak_for_what_comes_later(void **state)
{
	(void)state;
	boot(3);
	w.stuck[3] = "mark";
	view(ALL);
	run_for(500);
	assert_string_equal(ask(describe("x")), "no answer");
	w.stuck[3] = "commit";
	work_disk(3);
	run_for(500);
	assert_null(w.answer);
	unstick(3);
	run_for(500);
	assert_non_null(w.answer);
	assert_int_equal(ju_int(w.answer, "code", 1), 0);
}

/* Who asked for it asks the next president. */
static void test_requests_outlive_the_president(void **state)
{
	(void)state;
	boot(3);
	view(ALL);
	run_for(1000);
	request(2, describe("x"));
	power_off(1);
	view(node_bit(2) | node_bit(3));
	run_for(1000);
	assert_non_null(w.answer);
	assert_int_equal(ju_int(w.answer, "code", 1), 0);
	assert_string_equal(description(3), "x");
}

/* ---- formation ---- */

static void test_the_newest_copy_wins(void **state)
{
	(void)state;
	for (unsigned newer = 1; newer <= 2; newer++) {
		(void)world_done(NULL);
		make_world("1", node_bit(newer));
		for (uint32_t id = 1; id <= 2; id++)
			assert_string_equal(description(id), "newer");
		check_equal();
	}
}

/* ---- votes ---- */

static void test_votes(void **state)
{
	(void)state;
	assert_non_null(strstr(ask(ju_pack("{ss,ss}", "op", "node_maintain", "node", "n2")), "node n2 is up"));
	assert_non_null(strstr(ask(ju_pack("{ss,ss}", "op", "node_reset", "node", "n3")), "would lose its quorum"));
}

static void test_votes_are_those_in_force(void **state)
{
	(void)state;
	assert_int_equal(cmm_votes_possible(engine_cmm(w.engine[1])), 3);
	assert_string_equal(ask(ju_pack("{ss,ss}", "op", "node_maintain", "node", "n3")), "");
	for (uint32_t id = 1; id <= 2; id++)
		assert_int_equal(cmm_votes_possible(engine_cmm(w.engine[id])), 2);
}

/* A change of votes that a president before had begun comes into force while this one has its step ready: the step is made
 * anew from what there is now.  Nothing is refused, nothing is undone. */
static void test_a_step_from_an_old_copy_is_made_anew(void **state)
{
	const struct ccr_origin origin = { .by = "root@n2", .cmd = "" };
	json_t *data = json_deep_copy(ccr_table(engine_ccr(w.engine[1]), "infrastructure"));

	(void)state;
	ju_set_str(data, "cluster.nodes.1.properties.quorum_vote", "2");
	w.stuck[1] = w.stuck[2] = "intent";
	ju_push(w.log, ju_pack("[i,o]", 2, ccr_prepare_message(engine_ccr(w.engine[2]), "before", "infrastructure", 1, data,
							       &origin)));
	json_decref(data);
	run_for(10);
	assert_string_equal(ask(ju_pack("{ss,ss}", "op", "node_maintain", "node", "n3")), "no answer");
	unstick(1);
	unstick(2);
	run_for(500);
	assert_non_null(w.answer);
	assert_string_equal(ju_str(w.answer, "text", ""), "");
	for (uint32_t id = 1; id <= 2; id++) {
		assert_int_equal(cmm_votes(engine_cmm(w.engine[id]), 1), 2);
		assert_int_equal(cmm_votes(engine_cmm(w.engine[id]), 3), 0);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, world, world_done)
#define T3(fn) cmocka_unit_test_setup_teardown(fn, world_of_three, world_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_equal_states_live), T(test_different_state_ends_the_member), T(test_only_the_president_compares),
		T(test_nothing_is_done_after_the_lease), T(test_no_goodbye_while_a_group_runs), T(test_a_joiner_starts_nothing_while_all_shut_down),
		T(test_nothing_counts_after_the_shutdown), T(test_votes),
		T3(test_a_table_that_cannot_be_written_ends_the_member), T3(test_what_comes_before_the_snapshot_counts),
		T3(test_ready_when_the_snapshot_is_on_the_disk), T3(test_a_joiner_begins_anew_with_every_epoch),
		T3(test_a_snapshot_of_another_epoch_is_not_taken), T3(test_ready_by_the_snapshot_of_this_epoch),
		T3(test_a_joiner_is_awaited_for_what_waits),
		T3(test_a_joiner_does_not_speak_for_what_comes_later), T3(test_requests_outlive_the_president),
		T3(test_the_newest_copy_wins), T3(test_votes_are_those_in_force), T3(test_a_step_from_an_old_copy_is_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
