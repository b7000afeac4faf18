/* Membership: formation, epochs, leases; views without quorum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cmm_world.h"

/* ---- nodesets ---- */

static void test_nodesets(void **state)
{
	json_t *a = json_loads("[3, 64, 1, 0, 65, -1, 3, \"2\", 9999999999]", 0, NULL), *b;

	(void)state;
	assert_int_equal(nodeset_from_json(a), N(1, 3, 64));
	b = nodeset_to_json(N(1, 3, 64));
	_cleanup_free_ char *text = ju_dump(b);
	assert_string_equal(text, "[1,3,64]");
	assert_int_equal(nodeset_from_json(NULL), 0);
	assert_int_equal(nodeset_next(N(1, 3, 64), 0), 1);
	assert_int_equal(nodeset_next(N(1, 3, 64), 3), 64);
	assert_int_equal(nodeset_next(N(1, 3, 64), 64), 0);
	assert_false(nodeset_has(~(nodeset)0, 0));
	assert_false(nodeset_has(~(nodeset)0, 65));
	json_decref(a);
	json_decref(b);
}

static void test_owns_message(void **state)
{
	static const struct { const char *type; bool own; } types[] = {
		{ "hello", true }, { "epoch", true }, { "stored", true }, { "ready", true }, { "beat", true },
		{ "dead", true }, { "leave", true }, { "", false }, { "hell", false }, { "node.ready", false },
		{ "snap", false }, { "ccr.prep", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(cmm_owns_message(types[i].type), types[i].own);
}

/* ---- formation ---- */

#define NEVER UINT64_MAX

static const struct {
	uint32_t configured;
	uint32_t votes[NODES];
	uint64_t epochs[NODES];         /* on the disks */
	nodeset  view;
	uint64_t after_ms;              /* until the epoch is in force */
	uint64_t epoch;
	uint32_t sponsor;
} formations[] = {
	{ 1, { 1 },             { 0 },             0x01, 0,         1, 1 },
	{ 2, { 1, 1 },          { 0 },             0x03, 0,         1, 1 },
	{ 2, { 1, 1 },          { 0 },             0x01, NEVER,     0, 0 },
	{ 2, { 1, 0 },          { 0 },             0x01, FORMATION, 1, 1 },      /* the vote is all it takes */
	{ 2, { 1, 0 },          { 0 },             0x02, NEVER,     0, 0 },
	{ 3, { 1, 1, 1 },       { 0 },             0x07, 0,         1, 1 },
	{ 3, { 1, 1, 1 },       { 0 },             0x06, FORMATION, 1, 2 },
	{ 3, { 1, 1, 1 },       { 0 },             0x04, NEVER,     0, 0 },
	{ 3, { 1, 1, 1 },       { 4, 9, 9 },       0x07, 0,        10, 2 },      /* newest epoch, then lowest id */
	{ 3, { 1, 1, 1 },       { 4, 2, 9 },       0x03, FORMATION, 5, 1 },
	{ 4, { 1, 1, 1, 1 },    { 0 },             0x03, NEVER,     0, 0 },      /* half is no majority */
	{ 4, { 1, 1, 1, 0 },    { 0 },             0x03, FORMATION, 1, 1 },
	{ 5, { 3, 1, 1, 1, 1 }, { 0 },             0x03, FORMATION, 1, 1 },
	{ 5, { 1, 1, 1, 1, 1 }, { 1, 2, 3, 4, 5 }, 0x1f, 0,         6, 5 },
};

static void test_formation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formations); i++) {
		nodeset set = formations[i].view;
		uint64_t t0;

		world(formations[i].configured);
		memcpy(w.votes + 1, formations[i].votes, sizeof formations[i].votes);
		for (uint32_t id = 1; id <= formations[i].configured; id++) {
			w.node[id].epoch = formations[i].epochs[id - 1];
			boot(id);
		}
		t0 = w.now;
		view(set);
		if (formations[i].after_ms == NEVER) {
			run_for(3 * FORMATION);
			FOR_EACH(id, set)
				if (w.node[id].activations)
					fail_msg("row %zu: node %u formed a cluster", i, id);
			continue;
		}
		if (formations[i].after_ms) {
			run_until(t0 + formations[i].after_ms - 1);
			FOR_EACH(id, set)
				if (w.node[id].activations)
					fail_msg("row %zu: node %u did not wait for the rest", i, id);
			run_until(t0 + formations[i].after_ms + BEAT);
		} else {
			run();
		}
		FOR_EACH(id, set) {
			const struct cmm_membership *m = seen_by(id);

			if (w.node[id].activations != 1 || m->epoch != formations[i].epoch || m->members != set || !m->formed ||
			    m->sponsor != formations[i].sponsor || w.node[id].epoch != formations[i].epoch ||
			    m->lost != (w.configured & ~set))
				fail_msg("row %zu: node %u: %u activations, epoch %llu, sponsor %u", i, id,
					 w.node[id].activations, (unsigned long long)m->epoch, m->sponsor);
		}
		run_for(2 * BEAT);
		FOR_EACH(id, set)
			if (seen_by(id)->ready != set || seen_by(id)->president != nodeset_next(set, 0))
				fail_msg("row %zu: node %u: ready %#llx, president %u", i, id,
					 (unsigned long long)seen_by(id)->ready, seen_by(id)->president);
	}
}

/* The wait is for the first formation only, and counts from when there was a majority. */
static void test_formation_wait_restarts_without_majority(void **state)
{
	(void)state;
	world(3);
	view(N(1, 2));
	run_for(2000);
	view(N(1));
	run_for(500);
	view(N(1, 2));
	run_for(FORMATION - 1);
	assert_int_equal(w.node[1].activations, 0);
	run_for(1 + BEAT);
	assert_int_equal(w.node[1].activations, 1);
	/* A view that stays quorate does not start the wait again. */
	world(5);
	view(N(1, 2, 3));
	run_for(2000);
	view(N(1, 2, 3, 4));
	run_for(1000 + BEAT);
	assert_int_equal(w.node[4].activations, 1);
}

static void test_late_node_ends_the_wait(void **state)
{
	(void)state;
	world(3);
	view(N(1, 2));
	run_for(1000);
	view(N(1, 2, 3));
	run();
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(seen_by(id)->members, N(1, 2, 3));
}

static void test_unconfigured_node(void **state)
{
	(void)state;
	world(2);
	w.configured |= node_bit(3);            /* node 3 believes so; the others have not heard of it */
	w.votes[3] = 1;
	boot(3);
	view(N(1, 2, 3));
	run_for(2 * BEAT);
	assert_int_equal(seen_by(1)->members, N(1, 2));
	assert_true(noted("Node 3 is not in the configuration; it cannot join."));
	assert_int_equal(cmm_votes_possible(w.node[1].cmm), 2);
	assert_int_equal(cmm_votes_present(w.node[1].cmm), 2);
}

/* ---- epochs ---- */

static void test_epoch_is_durable_before_stored(void **state)
{
	(void)state;
	world(3);
	w.slow_disks = true;
	view(N(1, 2, 3));
	run();
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(w.node[id].writing, 1);
	assert_int_equal(count_sent(0, "stored"), 0);
	written(1, NULL);
	written(2, NULL);
	run();
	assert_int_equal(count_sent(0, "stored"), 2);
	assert_int_equal(w.node[1].activations, 0);     /* node 3 still writes */
	written(3, NULL);
	run();
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(w.node[id].activations, 1);
}

static void test_epoch_cannot_be_stored(void **state)
{
	(void)state;
	world(3);
	w.slow_disks = true;
	view(N(1, 2, 3));
	run();
	written(2, "No space left on device");
	expect_panic(2, "Cannot make epoch 1 durable: No space left on device; aborting.");
	assert_int_equal(count_sent(2, "stored"), 0);
}

static void test_epochs_rise(void **state)
{
	uint64_t last = 0;

	(void)state;
	formed(3);
	static const nodeset views[] = { 0x3, 0x7, 0x6, 0x7, 0x5, 0x7 };

	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		for (uint32_t id = 1; id <= 3; id++) {
			if (!nodeset_has(views[i], id))
				power_off(id);
			else if (!w.node[id].cmm)
				boot(id);
		}
		view(views[i]);
		run_for(3 * BEAT);
		FOR_EACH(id, views[i]) {
			assert_int_equal(seen_by(id)->epoch, seen_by(nodeset_next(views[i], 0))->epoch);
			assert_int_equal(seen_by(id)->epoch, w.node[id].epoch);
			assert_int_equal(seen_by(id)->ready, views[i]);
			assert_false(seen_by(id)->formed);
		}
		assert_true(seen_by(nodeset_next(views[i], 0))->epoch > last);
		last = seen_by(nodeset_next(views[i], 0))->epoch;
	}
}

/* A write of an earlier proposal ended after the node's hello said that it had not: the epoch is used up. */
static void test_second_hello_withdraws_the_proposal(void **state)
{
	(void)state;
	world(3);
	w.slow_disks = true;
	view(N(1, 2, 3));
	run();                                  /* epoch 1 is proposed; nobody has stored it */
	view(N(1, 2));
	view(N(1, 2, 3));
	w.node[1].writing = w.node[3].writing = 0;
	written(2, NULL);                       /* after its hello of this view went out */
	assert_int_equal(count_sent(2, "stored"), 0);
	run();
	assert_int_equal(ju_int(last_sent(2, "hello"), "epoch", 0), 1);
	assert_int_equal(ju_int(last_sent(1, "epoch"), "epoch", 0), 1);
	assert_int_equal(ju_int(last_sent(2, "epoch"), "epoch", 0), 2);         /* it has the newest now */
	w.slow_disks = false;
	run();
	for (uint32_t id = 1; id <= 3; id++) {
		assert_int_equal(seen_by(id)->epoch, 2);
		assert_int_equal(w.node[id].activations, 1);
	}
}

/* ---- ready ---- */

static void test_ready_needs_a_lease(void **state)
{
	(void)state;
	world(3);
	view(N(1, 2, 3));
	run();                                  /* in force and in possession of the state, but no beat is confirmed yet */
	for (uint32_t id = 1; id <= 3; id++) {
		assert_int_equal(w.node[id].activations, 1);
		assert_int_equal(w.node[id].lease_until_ms, 0);
	}
	assert_int_equal(count_sent(0, "ready"), 0);
	run_for(BEAT);
	assert_int_equal(count_sent(0, "ready"), 3);
	for (uint32_t id = 1; id <= 3; id++) {
		assert_true(cmm_is_ready(w.node[id].cmm));
		assert_in_range(w.node[id].lease_until_ms, w.now + LEASE / 2, w.now + LEASE);
	}
}

static void test_ready_needs_the_state(void **state)
{
	(void)state;
	world(3);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(500);
	assert_int_equal(count_sent(0, "ready"), 0);
	synced(2);
	run();
	assert_int_equal(seen_by(1)->ready, N(2));
	assert_int_equal(seen_by(3)->president, 2);
	synced(1);
	run();
	assert_int_equal(seen_by(2)->president, 1);     /* both since epoch 1: lowest id */
}

/* More than half of the lease has run: the node waits for the next confirmation. */
static void test_ready_needs_a_fresh_lease(void **state)
{
	(void)state;
	world(3);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(2 * BEAT);
	w.now += LEASE / 2 + BEAT;              /* nothing came through meanwhile */
	synced(1);
	assert_int_equal(count_sent(1, "ready"), 0);
	run_for(3 * BEAT);
	assert_int_equal(count_sent(1, "ready"), 1);
}

static void test_ready_of_an_earlier_view(void **state)
{
	json_t *said;

	(void)state;
	formed(3);
	power_off(3);
	view(N(1, 2));
	run_for(100);
	boot(3);
	view(N(1, 2, 3));
	run_for(BEAT - 1);
	w.deaf = true;                          /* what node 3 says now is delivered after the next view */
	run_for(1);
	synced(3);
	w.deaf = false;
	said = ju_pack("{ss,si,sI}", "t", "ready", "v", 1, "epoch", (json_int_t)seen_by(1)->epoch);
	view(N(1, 2, 3));
	for (uint32_t id = 1; id <= 3; id++) {
		deliver(id, 3, said);
		assert_int_equal(w.node[id].became_ready, 0);
		assert_false(nodeset_has(seen_by(id)->ready, 3));
	}
	json_decref(said);
	json_array_clear(w.log);
	view(N(1, 2, 3));
	run_for(3 * BEAT);                      /* it says so again in the new epoch */
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(seen_by(id)->ready, N(1, 2, 3));
}

static void test_ready_of_another_epoch(void **state)
{
	static const struct { uint32_t from; const char *text; } wrong[] = {
		{ 3, "{\"t\":\"ready\",\"epoch\":99}" },
		{ 3, "{\"t\":\"ready\"}" },
		{ 1, "{\"t\":\"ready\",\"epoch\":1}" },         /* is ready already */
		{ 4, "{\"t\":\"ready\",\"epoch\":1}" },         /* not in the view */
	};

	(void)state;
	formed(2);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		deliver_text(2, wrong[i].from, wrong[i].text);
		assert_int_equal(w.node[2].became_ready, 0);
		assert_int_equal(seen_by(2)->ready, N(1, 2));
	}
}

/* ---- messages that belong to another view ---- */

static const struct { const char *what; uint32_t from; const char *text; } strays[] = {
	{ "hello of an earlier view", 2, "{\"t\":\"hello\",\"view\":[1,2],\"inc\":201,\"epoch\":0,\"extra\":{}}" },
	{ "hello without a view",     2, "{\"t\":\"hello\",\"inc\":201,\"extra\":{}}" },
	{ "hello from outside",       5, "{\"t\":\"hello\",\"view\":[1,2,3],\"inc\":501}" },
	{ "epoch of another view",    2, "{\"t\":\"epoch\",\"epoch\":7,\"view\":[1,2],\"members\":[]}" },
	{ "epoch of unknown members", 2, "{\"t\":\"epoch\",\"epoch\":7,\"view\":[1,2,3],\"members\":[{\"id\":1,\"inc\":101}]}" },
	{ "member 0",                 2, "{\"t\":\"epoch\",\"epoch\":7,\"view\":[1,2,3],\"members\":[{\"id\":0}]}" },
	{ "member 65",                2, "{\"t\":\"epoch\",\"epoch\":7,\"view\":[1,2,3],\"members\":[{\"id\":65}]}" },
	{ "stored, nothing proposed", 2, "{\"t\":\"stored\",\"epoch\":7}" },
	{ "dead, nobody lost",        2, "{\"t\":\"dead\",\"node\":3,\"how\":\"lease\"}" },
	{ "dead, no node",            2, "{\"t\":\"dead\",\"node\":1000000}" },
	{ "a beat of nonsense",       2, "{\"t\":\"beat\",\"k\":\"x\",\"seen\":[1,[1],[\"1\",2],{}]}" },
	{ "no type",                  2, "{}" },
};

static void test_strays_change_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strays); i++) {
		size_t before;

		world(3);
		view(N(1, 2, 3));
		before = json_array_size(w.sent);
		deliver_text(1, strays[i].from, strays[i].text);
		if (json_array_size(w.sent) != before || w.node[1].writing || w.node[1].panic[0] || seen_by(1)->epoch ||
		    cmm_hello_extra(w.node[1].cmm, 2))
			fail_msg("%s", strays[i].what);
		run_for(3 * BEAT);
		if (seen_by(1)->ready != N(1, 2, 3))
			fail_msg("%s: no cluster afterwards", strays[i].what);
	}
}

static void test_hello_extra(void **state)
{
	json_t *extra = ju_pack("{si}", "table", 3);

	(void)state;
	world(2);
	cmm_set_hello_extra(w.node[2].cmm, extra);
	json_object_clear(extra);               /* was copied */
	json_decref(extra);
	view(N(1, 2));
	assert_null(cmm_hello_extra(w.node[1].cmm, 2));
	run();
	assert_int_equal(ju_int(cmm_hello_extra(w.node[1].cmm, 2), "table", 0), 3);
	assert_false(json_is_object(cmm_hello_extra(w.node[1].cmm, 1)));
	view(N(1));
	assert_null(cmm_hello_extra(w.node[1].cmm, 2));
}

/* ---- losing quorum, being left behind ---- */

static const struct { uint32_t nodes; nodeset left; bool panics; } losses[] = {
	{ 2, 0x1, true }, { 3, 0x1, true }, { 3, 0x3, false }, { 4, 0x3, true }, { 4, 0x7, false }, { 5, 0x7, false },
	{ 5, 0x3, true },
};

static void test_quorum_loss(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
		formed(losses[i].nodes);
		view(losses[i].left);
		FOR_EACH(id, losses[i].left)
			if (losses[i].panics != !!strstr(w.node[id].panic, "CMM: Cluster lost operational quorum; aborting."))
				fail_msg("row %zu: node %u: \"%s\"", i, id, w.node[id].panic);
	}
}

static void test_quorum_loss_of_nobody(void **state)
{
	(void)state;
	world(3);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(100);
	view(N(1));                             /* a member, but nothing runs there yet */
	assert_string_equal(w.node[1].panic, "");
	formed(3);
	step(1, (struct cmm_event) { .type = CMM_EV_LEAVE });
	view(N(1));                             /* on its way out */
	assert_string_equal(w.node[1].panic, "");
}

static void test_left_behind(void **state)
{
	(void)state;
	formed(3);
	view(N(1, 2));                          /* node 3 is frozen: it hears of nothing */
	run();
	assert_int_equal(seen_by(1)->epoch, 2);
	assert_int_equal(seen_by(1)->lost, N(3));
	view(N(1, 2, 3));                       /* it thaws in time: its lease still runs */
	run();
	expect_panic(3, "CMM: The cluster went on without this node (epoch 1 here, 2 on node ");
	assert_string_equal(w.node[1].panic, "");
	assert_int_equal(seen_by(1)->epoch, 2);         /* that view was never agreed on */
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(2)->epoch, 3);
	assert_int_equal(seen_by(2)->lost, N(3));
}

static void test_lease_runs_out(void **state)
{
	(void)state;
	formed(3);
	w.now = w.node[2].lease_until_ms;
	step(2, (struct cmm_event) { .type = CMM_EV_TIMER });
	assert_string_equal(w.node[2].panic, "");       /* to the last millisecond */
	w.now++;
	step(2, (struct cmm_event) { .type = CMM_EV_TIMER });
	expect_panic(2, "CMM: The lease of this node ran out; aborting.");
}

/* ---- the lease ---- */

enum { NONE = -1, FUTURE = 3 };

/* Node 1 sends three beats; each row says which of them (0 to 2) every other node has seen, and which one the lease
 * counts from then. */
static const struct { uint32_t nodes; uint32_t votes[NODES]; int seen[NODES - 1]; int from; } leases[] = {
	{ 2, { 1, 1 },          { NONE },                   NONE },
	{ 2, { 1, 1 },          { 0 },                      0 },
	{ 2, { 1, 1 },          { 2 },                      2 },
	{ 2, { 1, 1 },          { FUTURE },                 NONE },     /* of an earlier incarnation */
	{ 2, { 1, 0 },          { NONE },                   2 },        /* node 1 is the majority */
	{ 3, { 1, 1, 1 },       { NONE, NONE },             NONE },
	{ 3, { 1, 1, 1 },       { 1, NONE },                1 },
	{ 3, { 1, 1, 1 },       { NONE, 1 },                1 },
	{ 3, { 1, 1, 1 },       { 0, 2 },                   2 },
	{ 3, { 1, 1, 1 },       { FUTURE, 0 },              0 },
	{ 4, { 1, 1, 1, 1 },    { 2, NONE, NONE },          NONE },
	{ 4, { 1, 1, 1, 1 },    { 2, NONE, 1 },             1 },
	{ 4, { 1, 1, 1, 0 },    { NONE, NONE, 2 },          NONE },     /* no vote, no word */
	{ 4, { 1, 1, 1, 0 },    { 0, NONE, 2 },             0 },
	{ 5, { 1, 1, 1, 1, 1 }, { 2, NONE, NONE, NONE },    NONE },
	{ 5, { 1, 1, 1, 1, 1 }, { 2, 1, NONE, NONE },       1 },
	{ 5, { 1, 1, 1, 1, 1 }, { 0, 1, 2, NONE },          1 },
	{ 5, { 1, 1, 1, 1, 1 }, { 0, 0, 2, 2 },             2 },
	{ 5, { 1, 3, 1, 1, 1 }, { NONE, 2, 2, 2 },          2 },
	{ 5, { 1, 3, 1, 1, 1 }, { 1, NONE, NONE, NONE },    1 },
	{ 5, { 1, 3, 1, 1, 1 }, { NONE, 2, 2, NONE },       NONE },
};

static void test_lease_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(leases); i++) {
		uint64_t sent_ms[3], base;
		int64_t k[4];

		world(leases[i].nodes);
		memcpy(w.votes + 1, leases[i].votes, sizeof leases[i].votes);
		for (uint32_t id = 1; id <= leases[i].nodes; id++)
			boot(id);
		view(first_nodes(leases[i].nodes));
		run_for(2 * BEAT);
		assert_true(cmm_is_ready(w.node[1].cmm));
		base = w.node[1].lease_until_ms;
		w.deaf = true;
		for (int b = 0; b < 3; b++) {
			w.now = w.node[1].timer_ms;
			step(1, (struct cmm_event) { .type = CMM_EV_TIMER });
			sent_ms[b] = w.now;
			k[b] = ju_int(last_sent(1, "beat"), "k", 0);
		}
		k[FUTURE] = k[2] + 1;
		deliver(1, 1, last_sent(1, "beat"));            /* its own come back, too */
		for (uint32_t id = 2; id <= leases[i].nodes; id++) {
			int seen = leases[i].seen[id - 2];
			json_t *beat;

			if (seen == NONE)
				continue;
			beat = ju_pack("{ss,si,s[[i,I],[i,i]]}", "t", "beat", "k", 1000, "seen", 1, (json_int_t)k[seen], 9, 9);
			deliver(1, id, beat);
			json_decref(beat);
		}
		uint64_t want = leases[i].from == NONE ? base : sent_ms[leases[i].from] + LEASE;

		if (w.node[1].lease_until_ms != want)
			fail_msg("row %zu: lease until %llu instead of %llu", i, (unsigned long long)w.node[1].lease_until_ms,
				 (unsigned long long)want);
	}
}

/* The lowest node of the view gives the beat, the others answer at once; without it they go on, half a beat later. */
static void test_beats_come_in_bursts(void **state)
{
	unsigned before;

	(void)state;
	formed(3);
	before = count_sent(0, "beat");
	run_for(10 * BEAT);
	assert_int_equal(count_sent(0, "beat"), before + 30);
	w.deaf = true;
	w.now = w.node[1].timer_ms;
	step(1, (struct cmm_event) { .type = CMM_EV_TIMER });
	before = count_sent(2, "beat");
	deliver(2, 1, last_sent(1, "beat"));
	assert_int_equal(count_sent(2, "beat"), before + 1);
	assert_int_equal(w.node[2].timer_ms, w.now + BEAT * 3 / 2);
	deliver(2, 1, last_sent(1, "beat"));            /* again, at once: no second answer */
	deliver(2, 3, last_sent(3, "beat"));            /* not the leader */
	assert_int_equal(count_sent(2, "beat"), before + 1);
	w.now += BEAT * 3 / 2;
	step(2, (struct cmm_event) { .type = CMM_EV_TIMER });
	assert_int_equal(count_sent(2, "beat"), before + 2);
}

/* A confirmation that was on its way says less than one before it: the lease never gets shorter. */
static void test_lease_never_shrinks(void **state)
{
	uint64_t was;

	(void)state;
	formed(3);
	was = w.node[1].lease_until_ms;
	deliver_text(1, 2, "{\"t\":\"beat\",\"k\":1000,\"seen\":[[1,1]]}");
	assert_int_equal(w.node[1].lease_until_ms, was);
	run_for(10 * BEAT);
	assert_true(w.node[1].lease_until_ms >= was + 9 * BEAT);
}

/* After a new view nobody has confirmed anything. */
static void test_lease_does_not_outlive_the_view(void **state)
{
	uint64_t was;

	(void)state;
	formed(3);
	was = w.node[1].lease_until_ms;
	view(N(1, 2));
	deliver(1, 1, last_sent(1, "beat"));
	assert_int_equal(w.node[1].lease_until_ms, was);
	run_for(2 * BEAT);                      /* node 2 has seen the new beats */
	assert_true(w.node[1].lease_until_ms > was);
}

/* ---- reading ---- */

static void expect_waiting(uint32_t id, const char *says)
{
	_cleanup_free_ char *text = cmm_waiting_for(w.node[id].cmm);

	if (says ? !text || !strstr(text, says) : !!text)
		fail_msg("\"%s\" instead of \"%s\"", text ? text : "nothing", says ? says : "nothing");
}

static void test_waiting_for(void **state)
{
	(void)state;
	world(3);
	expect_waiting(1, "waiting for the interconnect");
	view(N(1));
	run();
	expect_waiting(1, "waiting for quorum (1 of 3 votes present, 2 needed)");
	view(N(1, 2));
	expect_waiting(1, "waiting for the other nodes to say hello");
	run();
	expect_waiting(1, "waiting for the membership to be agreed");
	w.no_sync = true;
	run_for(FORMATION + BEAT);
	expect_waiting(1, "waiting for the configuration from a member");
	w.no_sync = false;
	run();
	expect_waiting(1, NULL);
}

static void test_configure(void **state)
{
	(void)state;
	formed(3);
	w.votes[1] = 5;
	struct cmm_votes votes = { .configured = N(1, 2, 3, 4) };
	memcpy(votes.node, w.votes, sizeof votes.node);
	cmm_configure(w.node[1].cmm, &votes);
	assert_int_equal(cmm_votes_possible(w.node[1].cmm), 7);
	assert_int_equal(cmm_votes_needed(w.node[1].cmm), 4);
	assert_int_equal(cmm_votes_present(w.node[1].cmm), 7);
	assert_int_equal(cmm_votes(w.node[1].cmm, 1), 5);
	assert_int_equal(cmm_votes(w.node[1].cmm, 5), 0);
	view(N(1));
	assert_string_equal(w.node[1].panic, "");       /* five of seven */
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_nodesets), T(test_owns_message), T(test_formation),
		T(test_formation_wait_restarts_without_majority), T(test_late_node_ends_the_wait),
		T(test_unconfigured_node), T(test_epoch_is_durable_before_stored), T(test_epoch_cannot_be_stored),
		T(test_epochs_rise), T(test_second_hello_withdraws_the_proposal), T(test_ready_needs_a_lease),
		T(test_ready_needs_the_state), T(test_ready_needs_a_fresh_lease), T(test_ready_of_an_earlier_view),
		T(test_ready_of_another_epoch), T(test_strays_change_nothing), T(test_hello_extra),
		T(test_quorum_loss), T(test_quorum_loss_of_nobody), T(test_left_behind), T(test_lease_runs_out),
		T(test_lease_table), T(test_beats_come_in_bursts), T(test_lease_never_shrinks),
		T(test_lease_does_not_outlive_the_view), T(test_waiting_for), T(test_configure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
