/* The repository: commits among three objects over a log that this file keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "ccr/ccr.h"

enum { NODES = 4 };
#define N(...) nodes_of((const uint32_t[]) { __VA_ARGS__, 0 })

static nodeset nodes_of(const uint32_t *ids)
{
	nodeset set = 0;

	for (; *ids; ids++)
		set |= node_bit(*ids);
	return set;
}

/* ---- the world: node 1 is the president ---- */

struct node {
	struct ccr *ccr;
	json_t *disk;                   /* file -> text; "T.intent" for an intent */
	json_t *writing;                /* requests under way, in order */
	json_t *finished;
	unsigned commits;
	char committed[CCR_TABLE_NAME_MAX + 1];
	bool full, slow, off, no_history;
};

static struct {
	struct node node[NODES + 1];
	json_t *log;                    /* [from, message] */
	uint64_t messages;
} w;

static void take(uint32_t id, struct ccr_update *u)
{
	struct node *n = &w.node[id];
	json_t *v;
	size_t i;

	json_array_foreach(u->send, i, v)
		ju_push(w.log, ju_pack("[I,O]", (json_int_t)id, v));
	json_array_foreach(u->store, i, v)
		json_array_append(n->writing, v);
	json_array_foreach(u->finished, i, v)
		json_array_append(n->finished, v);
	if (u->committed[0]) {
		n->commits++;
		memcpy(n->committed, u->committed, sizeof n->committed);
	}
	ccr_update_done(u);
}

static void write_one(uint32_t id)
{
	struct node *n = &w.node[id];
	json_t *r = json_incref(json_array_get(n->writing, 0));
	const char *op = ju_str(r, "op", ""), *table = ju_str(r, "table", "");
	_cleanup_free_ char *intent = xasprintf("%s.intent", table);
	bool fails = (n->full && streq(op, "intent")) || (n->no_history && streq(op, "history"));
	struct ccr_update u;

	assert_non_null(r);
	json_array_remove(n->writing, 0);
	if (streq(op, "intent") && !fails) {
		ju_set_str(n->disk, intent, ju_str(r, "text", ""));
	} else if (streq(op, "commit") || streq(op, "write")) {
		ju_set_str(n->disk, table, ju_str(r, "text", ""));
		json_object_del(n->disk, intent);
	} else if (streq(op, "drop")) {
		json_object_del(n->disk, intent);
	} else if (streq(op, "forget")) {
		json_object_del(n->disk, table);
	} else if (streq(op, "history") && fails) {
		ccr_history_failed(n->ccr);
	} else if (streq(op, "history")) {
		_cleanup_free_ char *all = xasprintf("%s%s", ju_bool(r, "whole", false) ? "" : ju_str(n->disk, "history", ""),
						     ju_str(r, "text", ""));

		ju_set_str(n->disk, "history", all);
	}
	if (ju_int(r, "n", 0)) {
		ccr_stored(n->ccr, (uint64_t)ju_int(r, "n", 0), op, fails ? "No space left on device" : NULL, &u);
		take(id, &u);
	}
	json_decref(r);
}

static void deliver_one(void)
{
	json_t *e = json_incref(json_array_get(w.log, 0));

	json_array_remove(w.log, 0);
	w.messages++;
	for (uint32_t id = 1; id <= NODES; id++) {
		struct ccr_update u;

		if (!w.node[id].ccr || w.node[id].off)
			continue;
		ccr_apply(w.node[id].ccr, (uint32_t)json_integer_value(json_array_get(e, 0)), json_array_get(e, 1), &u);
		take(id, &u);
	}
	json_decref(e);
}

static void run(void)
{
	for (bool progress = true; progress;) {
		progress = false;
		for (uint32_t id = 1; id <= NODES; id++)
			if (!w.node[id].slow && !w.node[id].off && json_array_size(w.node[id].writing)) {
				write_one(id);
				progress = true;
			}
		if (json_array_size(w.log)) {
			deliver_one();
			progress = true;
		}
	}
}

static int world_done(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= NODES; id++) {
		ccr_free(w.node[id].ccr);
		json_decref(w.node[id].disk);
		json_decref(w.node[id].writing);
		json_decref(w.node[id].finished);
	}
	json_decref(w.log);
	memset(&w, 0, sizeof w);
	return 0;
}

static void members(nodeset members, nodeset ready)
{
	for (uint32_t id = 1; id <= NODES; id++) {
		struct ccr_update u;

		if (!w.node[id].ccr || w.node[id].off || !nodeset_has(members, id))
			continue;
		ccr_members(w.node[id].ccr, members, ready, &u);
		take(id, &u);
	}
}

static void switch_on(uint32_t id)
{
	w.node[id] = (struct node) { .ccr = ccr_new(id), .disk = json_object(), .writing = json_array(),
				     .finished = json_array() };
}

/* Nodes 1 to 3, ready, each with table t at generation 4 that says v = 0. */
static void world(void)
{
	json_t *data = ju_pack("{ss}", "v", "0");

	world_done(NULL);
	w.log = json_array();
	for (uint32_t id = 1; id <= 3; id++) {
		switch_on(id);
		ccr_load(w.node[id].ccr, "t", 4, data);
	}
	json_decref(data);
	members(N(1, 2, 3), N(1, 2, 3));
}

static struct ccr_origin origin = { .by = "root", .cmd = "test", .wall_ms = 1000 };

static void propose_among(const char *tx, const char *table, const char *value, nodeset among)
{
	json_t *data = value ? ju_pack("{ss}", "v", value) : NULL;
	struct ccr_origin o = origin;

	o.among = among;
	ju_push(w.log, ju_pack("[i,o]", 1, ccr_prepare_message(w.node[1].ccr, tx, table, ccr_table_gen(w.node[1].ccr, table), data, &o)));
	json_decref(data);
}

static void propose(const char *tx, const char *table, const char *value)
{
	propose_among(tx, table, value, 0);
}

static const char *value_at(uint32_t id, const char *table)
{
	return ju_str(ccr_table(w.node[id].ccr, table), "v", "none");
}

/* "" : not finished; else "ok" or what it failed of. */
static const char *end_of(uint32_t id, const char *tx)
{
	json_t *v;
	size_t i;

	json_array_foreach(w.node[id].finished, i, v)
		if (streq(ju_str(v, "tx", ""), tx))
			return ju_str(v, "error", "ok");
	return "";
}

static bool was_busy(uint32_t id, const char *tx)
{
	json_t *v;
	size_t i;

	json_array_foreach(w.node[id].finished, i, v)
		if (streq(ju_str(v, "tx", ""), tx))
			return ju_bool(v, "busy", false);
	return false;
}

static bool on_disk(uint32_t id, const char *file)
{
	return json_object_get(w.node[id].disk, file) != NULL;
}

/* ---- commits ---- */

static void test_commit(void **state)
{
	(void)state;
	world();
	propose("a", "t", "1");
	run();
	for (uint32_t id = 1; id <= 3; id++) {
		assert_string_equal(value_at(id, "t"), "1");
		assert_int_equal(ccr_table_gen(w.node[id].ccr, "t"), 5);
		assert_int_equal(ccr_last_commit(w.node[id].ccr), 5);
		assert_string_equal(end_of(id, "a"), "ok");
		assert_string_equal(w.node[id].committed, "t");
		assert_false(on_disk(id, "t.intent"));
		assert_string_equal(ju_str(w.node[id].disk, "t", ""), ju_str(w.node[1].disk, "t", ""));
	}
	assert_int_equal(w.messages, 1 + 3 + 3);        /* prep, votes, dones */
}

static void test_new_and_removed_table(void **state)
{
	(void)state;
	world();
	propose("a", "new", "x");
	run();
	assert_int_equal(ccr_table_gen(w.node[3].ccr, "new"), 5);
	propose("b", "t", NULL);
	run();
	for (uint32_t id = 1; id <= 3; id++) {
		json_t *data = NULL;
		const char *text = ju_str(w.node[id].disk, "t", "");
		uint64_t gen;

		assert_null(ccr_table(w.node[id].ccr, "t"));
		assert_int_equal(ccr_table_gen(w.node[id].ccr, "t"), 6);        /* it is known that it is gone */
		assert_int_equal(ccr_parse(text, strlen(text), &gen, &data, NULL), 0);
		assert_null(data);
	}
	propose("c", "t", "again");
	run();
	assert_string_equal(value_at(2, "t"), "again");
	assert_int_equal(ccr_table_gen(w.node[2].ccr, "t"), 7);
}

static void collect(const char *table, const json_t *data, void *ctx)
{
	buf_printf(ctx, "%s=%s ", table, ju_str(data, "v", ""));
}

static void test_each_in_order_without_tombstones(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	world();
	propose("a", "z", "1");
	run();
	propose("b", "a", "2");
	run();
	propose("c", "t", NULL);
	run();
	ccr_each(w.node[2].ccr, collect, &b);
	assert_string_equal(b.s, "a=2 z=1 ");
	json_t *summary = ccr_summary(w.node[2].ccr);
	_cleanup_free_ char *text = ju_dump(summary);

	assert_string_equal(text, "{\"a\":6,\"t\":7,\"z\":5}");
	json_decref(summary);
}

/* Yes is said when the intent is durable; the table changes when all have said so. */
static void test_intent_before_vote(void **state)
{
	(void)state;
	world();
	for (uint32_t id = 1; id <= 3; id++)
		w.node[id].slow = true;
	propose("a", "t", "1");
	run();
	assert_int_equal(w.messages, 1);
	write_one(1);
	write_one(2);
	run();
	assert_int_equal(w.messages, 3);
	assert_true(on_disk(1, "t.intent"));
	assert_string_equal(value_at(1, "t"), "0");
	write_one(3);
	run();
	for (uint32_t id = 1; id <= 3; id++) {
		assert_string_equal(value_at(id, "t"), "1");
		assert_false(on_disk(id, "t"));                 /* in force, but not yet kept */
		assert_string_equal(end_of(id, "a"), "");
	}
	for (uint32_t id = 1; id <= 3; id++) {
		write_one(id);
		assert_string_equal(ju_str(w.node[id].disk, "history", ""), ju_str(w.node[1].disk, "history", ""));
		assert_false(on_disk(id, "t"));                 /* the history comes first */
	}
	write_one(1);
	write_one(2);
	run();
	assert_string_equal(end_of(1, "a"), "");
	write_one(3);
	run();
	assert_string_equal(end_of(1, "a"), "ok");
}

static void test_one_no_drops_it_everywhere(void **state)
{
	(void)state;
	world();
	w.node[2].full = true;
	propose("a", "t", "1");
	run();
	for (uint32_t id = 1; id <= 3; id++) {
		assert_string_equal(value_at(id, "t"), "0");
		assert_int_equal(ccr_table_gen(w.node[id].ccr, "t"), 4);
		assert_string_equal(end_of(id, "a"), "node 2 cannot store it: No space left on device");
		assert_false(was_busy(id, "a"));
		assert_false(on_disk(id, "t.intent"));
		assert_int_equal(w.node[id].commits, 0);
		assert_false(ccr_busy(w.node[id].ccr));
	}
	w.node[2].full = false;
	propose("b", "t", "2");
	run();
	assert_int_equal(ccr_table_gen(w.node[3].ccr, "t"), 6);         /* 5 is used up */
	assert_string_equal(end_of(3, "b"), "ok");
}

/* ---- refusals ---- */

static void test_refusals(void **state)
{
	static const struct { const char *what, *change, *says; bool busy; } rows[] = {
		{ "stale base", "{\"base\":3}",          "somebody else changed this at the same time; try again", false },
		{ "future base", "{\"base\":5}",         "somebody else changed this at the same time; try again", false },
		{ "old number", "{\"n\":4}",             "another change was under way; try again", true },
		{ "no number",  "{\"n\":\"x\"}",         "another change was under way; try again", true },
		{ "bad name",   "{\"table\":\"../x\"}",  "the name of the table is not allowed", false },
		{ "no name",    "{\"table\":null}",      "the name of the table is not allowed", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *change = json_loads(rows[i].change, 0, NULL), *prep;

		world();
		prep = ccr_prepare_message(w.node[1].ccr, "a", "t", ccr_table_gen(w.node[1].ccr, "t"), NULL, &origin);
		json_object_update(prep, change);
		ju_push(w.log, ju_pack("[i,o]", 1, prep));
		json_decref(change);
		run();
		for (uint32_t id = 1; id <= 3; id++)
			if (!streq(end_of(id, "a"), rows[i].says) || was_busy(id, "a") != rows[i].busy ||
			    json_object_size(w.node[id].disk) || ccr_last_commit(w.node[id].ccr) != 4)
				fail_msg("%s at node %u: \"%s\"", rows[i].what, id, end_of(id, "a"));
		propose("b", "t", "2");         /* nothing stays behind */
		run();
		assert_string_equal(end_of(1, "b"), "ok");
	}
}

static void test_busy(void **state)
{
	(void)state;
	world();
	w.node[3].slow = true;
	assert_false(ccr_busy(w.node[1].ccr));
	propose("a", "t", "1");
	run();
	assert_true(ccr_busy(w.node[1].ccr));
	propose("b", "u", "2");                 /* of another president, say */
	run();
	assert_string_equal(end_of(2, "b"), "another change was under way; try again");
	assert_true(was_busy(2, "b"));
	w.node[3].slow = false;
	run();
	assert_string_equal(end_of(2, "a"), "ok");
	assert_int_equal(ccr_table_gen(w.node[1].ccr, "u"), 0);
}

/* The limit of commits that wait for a slow disk: all members refuse the next one alike. */
static void test_too_many_wait(void **state)
{
	unsigned n = 0;

	(void)state;
	world();
	while (!ccr_busy(w.node[1].ccr)) {
		_cleanup_free_ char *tx = xasprintf("tx%u", n);

		propose(tx, "t", tx);
		w.node[3].slow = false;
		deliver_one();
		write_one(1);
		write_one(2);
		while (!streq(ju_str(json_array_get(w.node[3].writing, 0), "op", ""), "intent"))
			json_array_remove(w.node[3].writing, 0);        /* its commits never end */
		write_one(3);
		w.node[3].slow = true;
		run();
		n++;
	}
	assert_int_equal(n, 64);
	propose("last", "t", "x");
	run();
	assert_true(was_busy(1, "last"));
}

static void test_votes_that_do_not_count(void **state)
{
	static const char *const votes[] = {
		"[4, {\"t\":\"ccr.vote\",\"n\":5}]",                    /* no voter */
		"[3, {\"t\":\"ccr.vote\",\"n\":4}]",                    /* of another commit */
		"[3, {\"t\":\"ccr.vote\"}]",
		"[4, {\"t\":\"ccr.vote\",\"n\":5,\"error\":\"x\"}]",
		"[1, {\"t\":\"ccr.vote\",\"n\":5}]",                    /* twice */
		"[3, {\"t\":\"ccr.done\",\"n\":5}]",
		"[3, {\"t\":\"ccr.nonsense\"}]",
	};

	(void)state;
	world();
	w.node[3].slow = true;
	propose("a", "t", "1");
	run();
	for (size_t i = 0; i < ARRAY_SIZE(votes); i++) {
		json_array_append_new(w.log, json_loads(votes[i], 0, NULL));
		run();
		if (!streq(value_at(1, "t"), "0") || !streq(end_of(1, "a"), ""))
			fail_msg("%s", votes[i]);
	}
	w.node[3].slow = false;
	run();
	assert_string_equal(end_of(1, "a"), "ok");
}

/* ---- members that come and go ---- */

static void test_voter_leaves(void **state)
{
	(void)state;
	world();
	w.node[3].slow = true;
	propose("a", "t", "1");
	run();
	assert_string_equal(value_at(1, "t"), "0");
	w.node[3].off = true;
	members(N(1, 2), N(1, 2));
	run();
	assert_string_equal(value_at(1, "t"), "1");
	assert_string_equal(value_at(2, "t"), "1");
	assert_string_equal(end_of(1, "a"), "ok");
}

/* A change of the votes that would have kept the quorum may cost it without the one that has gone. */
static void test_votes_change_among_the_same_members_only(void **state)
{
	(void)state;
	for (unsigned before = 0; before < 2; before++) {       /* it goes before the change is read, or after */
		world();
		w.node[3].slow = true;
		propose_among("a", "infrastructure", "1", N(1, 2, 3));
		if (before)
			w.node[3].off = true;
		else
			run();
		members(N(1, 2), N(1, 2));
		run();
		for (uint32_t id = 1; id <= 2; id++) {
			assert_string_equal(end_of(id, "a"), "the members changed");
			assert_false(ccr_busy(w.node[id].ccr));
			assert_false(on_disk(id, "infrastructure.intent"));
			assert_int_equal(w.node[id].commits, 0);
		}
		propose_among("b", "infrastructure", "2", N(1, 2));
		run();
		assert_string_equal(end_of(1, "b"), "ok");
	}
}

static void test_member_leaves_before_done(void **state)
{
	(void)state;
	world();
	propose("a", "t", "1");
	deliver_one();
	for (uint32_t id = 1; id <= 3; id++)
		write_one(id);
	w.node[3].slow = true;
	run();
	assert_string_equal(value_at(1, "t"), "1");
	assert_string_equal(end_of(1, "a"), "");        /* node 3 has not stored it */
	w.node[3].off = true;
	members(N(1, 2), N(1, 2));
	assert_string_equal(end_of(1, "a"), "ok");
}

static void test_all_voters_leave(void **state)
{
	(void)state;
	world();
	w.node[1].slow = w.node[2].slow = w.node[3].slow = true;
	propose("a", "t", "1");
	run();
	members(N(1, 2, 3), 0);
	for (uint32_t id = 1; id <= 3; id++) {
		assert_string_equal(end_of(id, "a"), "the members changed");
		assert_string_equal(value_at(id, "t"), "0");
		assert_false(ccr_busy(w.node[id].ccr));
	}
}

/* Members that are not ready do not vote, but success waits for their disks. */
static void test_joining_member_must_be_done(void **state)
{
	(void)state;
	world();
	members(N(1, 2, 3), N(1, 2));
	w.node[3].slow = true;
	propose("a", "t", "1");
	run();
	assert_string_equal(value_at(3, "t"), "1");
	assert_false(on_disk(3, "t.intent"));           /* it was not asked */
	assert_string_equal(end_of(1, "a"), "");
	w.node[3].slow = false;
	run();
	assert_string_equal(end_of(1, "a"), "ok");
	assert_true(on_disk(3, "t"));
}

/* ---- snapshot ---- */

static void snapshot_to(uint32_t from, uint32_t to)
{
	json_t *snapshot = ccr_snapshot(w.node[from].ccr);
	struct ccr_update u;

	ccr_restore(w.node[to].ccr, snapshot, &u);
	take(to, &u);
	json_decref(snapshot);
}

static void test_snapshot_makes_equal(void **state)
{
	json_t *own = ju_pack("{ss}", "v", "alone");

	(void)state;
	world();
	propose("a", "u", "1");
	run();
	switch_on(4);
	ccr_load(w.node[4].ccr, "t", 4, own);           /* the same generation, but it was alone with it */
	ccr_load(w.node[4].ccr, "mine", 99, own);       /* nobody else has it: goes, whatever its number */
	ju_set_str(w.node[4].disk, "mine", "x");
	json_decref(own);
	snapshot_to(1, 4);
	assert_int_equal(json_array_size(w.node[4].writing), 4);
	run();
	assert_true(on_disk(4, "u"));
	assert_true(on_disk(4, "t"));
	snapshot_to(1, 4);
	assert_int_equal(json_array_size(w.node[4].writing), 0);        /* equal: nothing is written again */
	assert_false(on_disk(4, "mine"));
	assert_null(ccr_table(w.node[4].ccr, "mine"));
	assert_int_equal(ccr_last_commit(w.node[4].ccr), 5);
	assert_string_equal(value_at(4, "t"), "0");
}

/* A commit is being voted on while the snapshot is taken: the joiner follows its outcome and has it, too. */
static void test_snapshot_with_prepare_under_way(void **state)
{
	struct ccr_update u;

	(void)state;
	world();
	w.node[3].slow = true;
	propose("a", "t", "1");
	run();
	switch_on(4);
	members(N(1, 2, 3, 4), N(1, 2, 3));
	snapshot_to(1, 4);
	members(N(1, 2, 3, 4), N(1, 2, 3));
	w.node[4].slow = true;
	w.node[3].slow = false;
	run();
	assert_string_equal(value_at(4, "t"), "1");
	assert_string_equal(end_of(1, "a"), "");        /* not before node 4 has it, too */
	assert_true(ccr_busy(w.node[4].ccr) == ccr_busy(w.node[1].ccr));
	w.node[4].slow = false;
	run();
	assert_string_equal(end_of(1, "a"), "ok");
	assert_string_equal(ju_str(w.node[4].disk, "t", "?"), ju_str(w.node[1].disk, "t", ""));
	ccr_synced(w.node[4].ccr, ccr_last_waiting(w.node[4].ccr), &u);
	assert_null(u.send);
}

/* Committed, but not done everywhere, when the joiner comes: it has it by the snapshot and says done when that is kept. */
static void test_snapshot_with_commit_that_waits(void **state)
{
	struct ccr_update u;

	(void)state;
	world();
	switch_on(4);
	members(N(1, 2, 3, 4), N(1, 2, 3));
	w.node[4].off = true;                   /* holds the log back until it has the snapshot */
	propose("a", "t", "1");
	run();
	assert_string_equal(value_at(1, "t"), "1");
	assert_string_equal(end_of(1, "a"), "");
	w.node[4].off = false;
	snapshot_to(1, 4);
	run();
	assert_string_equal(end_of(1, "a"), "");
	ccr_synced(w.node[4].ccr, ccr_last_waiting(w.node[4].ccr), &u);
	take(4, &u);
	run();
	for (uint32_t id = 1; id <= 4; id++)
		assert_string_equal(value_at(id, "t"), "1");
	assert_string_equal(end_of(1, "a"), "ok");
	assert_string_equal(end_of(4, "a"), "ok");
}

/* A commit that came after the mark behind the snapshot is not on the disk because the mark is. */
static void test_synced_speaks_for_what_was_before(void **state)
{
	struct ccr_update u;
	uint64_t upto;

	(void)state;
	world();
	switch_on(4);
	members(N(1, 2, 3, 4), N(1, 2, 3));
	snapshot_to(1, 4);
	upto = ccr_last_waiting(w.node[4].ccr);
	w.node[4].slow = true;
	propose("a", "t", "1");
	run();
	assert_string_equal(value_at(4, "t"), "1");
	ccr_synced(w.node[4].ccr, upto, &u);
	take(4, &u);
	run();
	assert_string_equal(end_of(1, "a"), "");        /* its disk does not have it yet */
	w.node[4].slow = false;
	run();
	assert_string_equal(end_of(1, "a"), "ok");
}

/* Node 3 has voted, and dies before it has stored the commit; node 4 comes in the same epoch.  Success would be a lie until
 * node 4 has it: without node 3 nodes 1 and 2 are not a majority of four. */
static void test_a_joiner_takes_the_place_of_the_dead(void **state)
{
	struct ccr_update u;

	(void)state;
	world();
	propose("a", "t", "1");
	while (strcmp(value_at(3, "t"), "1") != 0) {
		for (uint32_t id = 1; id <= 3; id++)
			if (json_array_size(w.node[id].writing))
				write_one(id);
		if (json_array_size(w.log))
			deliver_one();
	}
	w.node[3].slow = true;
	run();
	assert_string_equal(end_of(1, "a"), "");
	switch_on(4);
	for (uint32_t id = 1; id <= 2; id++)
		ccr_await(w.node[id].ccr, N(4));
	members(N(1, 2, 4), N(1, 2));
	run();
	assert_string_equal(end_of(1, "a"), "");
	snapshot_to(1, 4);
	run();
	ccr_synced(w.node[4].ccr, ccr_last_waiting(w.node[4].ccr), &u);
	take(4, &u);
	run();
	assert_string_equal(end_of(1, "a"), "ok");
}

/* ---- history ---- */

/* "5 t v:0>1, 6 ..."; "-" for a value that was not there. */
static char *history_at(uint32_t id)
{
	struct buf b = { 0 };
	const char *key;
	json_t *e, *v;
	size_t i;

	json_array_foreach(ccr_history(w.node[id].ccr), i, e) {
		buf_printf(&b, "%s%d %s", i ? ", " : "", (int)ju_int(e, "n", 0), ju_str(e, "table", ""));
		json_object_foreach(ju_obj(e, "set"), key, v) {
			const char *before = json_string_value(json_array_get(v, 0)), *after = json_string_value(json_array_get(v, 1));

			buf_printf(&b, " %s:%s>%s", key, before ? before : "-", after ? after : "-");
		}
	}
	return buf_take(&b);
}

static void assert_history(uint32_t id, const char *want, int line)
{
	_cleanup_free_ char *got = history_at(id);

	if (!streq(got, want))
		fail_msg("line %d, node %u: \"%s\", not \"%s\"", line, id, got, want);
}
#define HISTORY(id, want) assert_history(id, want, __LINE__)

static void load_history(uint32_t id, const char *text)
{
	for (const char *eol; (eol = strchr(text, '\n')); text = eol + 1) {
		json_t *e = json_loadb(text, (size_t)(eol - text), 0, NULL);

		ccr_load_history(w.node[id].ccr, e, (size_t)(eol - text) + 1);
		json_decref(e);
	}
	if (*text)
		ccr_load_history(w.node[id].ccr, NULL, strlen(text));   /* the end of a torn write */
}

/* Off and on again, with what is on its disk. */
static void reload(uint32_t id)
{
	struct node *n = &w.node[id];
	const char *name;
	json_t *v;

	ccr_free(n->ccr);
	n->ccr = ccr_new(id);
	json_array_clear(n->writing);
	json_object_foreach(n->disk, name, v) {
		json_t *data = NULL;
		uint64_t gen;

		if (streq(name, "history"))
			load_history(id, json_string_value(v));
		else if (ccr_parse(json_string_value(v), json_string_length(v), &gen, &data, NULL) == 0)
			ccr_load(n->ccr, name, gen, data);
		json_decref(data);
	}
}

static void test_history_is_equal_everywhere(void **state)
{
	(void)state;
	world();
	propose("a", "t", "1");
	run();
	origin.message = "because";
	propose("b", "new", "x");
	run();
	origin.message = NULL;
	propose("c", "t", NULL);
	run();
	for (uint32_t id = 1; id <= 3; id++) {
		const json_t *e = json_array_get(ccr_history(w.node[id].ccr), 1);

		HISTORY(id, "5 t v:0>1, 6 new v:->x, 7 t v:1>-");
		assert_string_equal(ju_str(e, "by", ""), "root");
		assert_string_equal(ju_str(e, "cmd", ""), "test");
		assert_string_equal(ju_str(e, "message", ""), "because");
		assert_int_equal(ju_int(e, "at", 0), 1000);
		assert_true(ju_bool(e, "made", false) && ju_int(e, "was", -1) == 0);
		assert_true(ju_bool(json_array_get(ccr_history(w.node[id].ccr), 2), "removed", false));
		reload(id);
		HISTORY(id, "5 t v:0>1, 6 new v:->x, 7 t v:1>-");
	}
}

static void test_refused_change_leaves_no_history(void **state)
{
	(void)state;
	world();
	w.node[2].full = true;
	propose("a", "t", "1");
	run();
	HISTORY(1, "");
	assert_false(on_disk(2, "history"));
}

static void test_history_is_bounded(void **state)
{
	(void)state;
	world();
	for (unsigned i = 0; i < 700; i++) {
		_cleanup_free_ char *tx = xasprintf("tx%u", i);

		propose(tx, "t", tx);
		run();
	}
	assert_int_equal(json_array_size(ccr_history(w.node[1].ccr)), 512);
	assert_int_equal(ju_int(json_array_get(ccr_history(w.node[1].ccr), 511), "n", 0), 704);
	reload(2);
	assert_true(json_equal(ccr_history(w.node[1].ccr), ccr_history(w.node[2].ccr)));
	members(N(1, 2, 3), N(1, 2, 3));
	for (unsigned i = 0; i < 40; i++) {             /* 100 KB each: now the bytes are the limit */
		_cleanup_free_ char *big = xcalloc(1, 50001), *tx = xasprintf("big%u", i);

		memset(big, 'a' + (int)(i % 26), 50000);
		propose(tx, "t", big);
		run();
		assert_true(strlen(ju_str(w.node[3].disk, "history", "")) <= 3u << 20);
	}
	assert_int_equal(json_array_size(ccr_history(w.node[1].ccr)), 10);
	reload(3);
	assert_true(json_equal(ccr_history(w.node[1].ccr), ccr_history(w.node[3].ccr)));
}

static void test_huge_change_is_kept_without_values(void **state)
{
	_cleanup_free_ char *huge = xcalloc(1, 200001);
	const json_t *e;

	(void)state;
	memset(huge, 'x', 200000);
	world();
	propose("a", "t", huge);
	run();
	e = json_array_get(ccr_history(w.node[2].ccr), 0);
	assert_true(ju_bool(e, "large", false) && !ju_obj(e, "set") && ju_int(e, "n", 0) == 5);
}

static void test_joiner_gets_the_history(void **state)
{
	(void)state;
	world();
	propose("a", "t", "1");
	run();
	switch_on(4);
	load_history(4, "{\"n\":3,\"was\":0,\"table\":\"mine\"}\n{\"n\":9,\"was\":4,\"table\":\"t\"}\n");
	snapshot_to(1, 4);
	run();
	HISTORY(4, "5 t v:0>1");
	assert_string_equal(ju_str(w.node[4].disk, "history", "?"), ju_str(w.node[1].disk, "history", ""));
}

/* Half a line at the end, and rot in the middle: what is left is read, and the next commit writes the file anew. */
static void test_damaged_history(void **state)
{
	_cleanup_free_ char *torn = NULL;

	(void)state;
	world();
	propose("a", "t", "1");
	run();
	propose("b", "t", "2");
	run();
	torn = xasprintf("no JSON\n{\"n\":1}\n%s{\"n\":7,", ju_str(w.node[2].disk, "history", ""));
	ju_set_str(w.node[2].disk, "history", torn);
	reload(2);
	HISTORY(2, "5 t v:0>1, 6 t v:1>2");
	members(N(1, 2, 3), N(1, 2, 3));
	propose("c", "t", "3");
	run();
	HISTORY(2, "5 t v:0>1, 6 t v:1>2, 7 t v:2>3");
	assert_string_equal(ju_str(w.node[2].disk, "history", "?"), ju_str(w.node[1].disk, "history", ""));
}

/* A history that cannot be written is no reason to refuse a commit; with room again it is whole. */
static void test_history_that_cannot_be_written(void **state)
{
	(void)state;
	world();
	propose("a", "t", "1");
	run();
	w.node[2].no_history = true;
	propose("b", "t", "2");
	run();
	assert_string_equal(end_of(1, "b"), "ok");
	w.node[2].no_history = false;
	propose("c", "t", "3");
	run();
	reload(2);
	HISTORY(2, "5 t v:0>1, 6 t v:1>2, 7 t v:2>3");
}

static json_t *entry_of(int n, int was, const char *table, const char *by)
{
	return ju_pack("{si,si,ss,ss}", "n", n, "was", was, "table", table, "by", by);
}

/* Node 1 is the sponsor.  A commit that only one node knows stays when its table is the newest, whoever has it; one whose
 * table did not win goes, on whichever node it is; a gap in the chain does no harm. */
static void test_formation_merges_histories(void **state)
{
	static const struct { uint32_t node; int n, was; const char *table; } known[] = {
		{ 1, 2, 0, "t" }, { 1, 5, 2, "t" },     /* everybody's */
		{ 2, 2, 0, "t" }, { 2, 5, 2, "t" }, { 2, 6, 5, "t" },   /* the newest t: won */
		{ 1, 6, 0, "u" },                       /* its table never came to any disk: never happened */
		{ 3, 9, 5, "t" },                       /* the same of node 3 */
		{ 3, 4, 3, "u" },                       /* an older one that only node 3 still has, of a table removed since */
	};
	const json_t *hellos[CMM_NODE_ID_MAX + 1] = { 0 };
	json_t *h[4], *missing, *v, *data = json_object();
	struct ccr_update u;
	size_t i;

	(void)state;
	w.log = json_array();
	for (uint32_t id = 1; id <= 3; id++) {
		switch_on(id);
		ccr_load(w.node[id].ccr, "t", id == 2 ? 6 : 5, data);
		ccr_load(w.node[id].ccr, "u", 4, NULL);
	}
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		json_t *e = entry_of(known[i].n, known[i].was, known[i].table, "root");

		ccr_load_history(w.node[known[i].node].ccr, e, 10);
		json_decref(e);
	}
	for (uint32_t id = 1; id <= 3; id++)
		hellos[id] = h[id] = ccr_hello(w.node[id].ccr);
	missing = ccr_gather(w.node[1].ccr, hellos, N(1, 2, 3), N(1, 2, 3));
	assert_int_equal(json_array_size(missing), 3);          /* t, and two other histories */
	json_array_foreach(missing, i, v) {
		json_t *push = ccr_push_message(w.node[ju_int(v, "from", 0)].ccr, ju_str(v, "table", ""));

		ccr_adopt(w.node[1].ccr, push, &u);
		take(1, &u);
		json_decref(push);
	}
	ccr_gathered(w.node[1].ccr, &u);
	take(1, &u);
	run();
	HISTORY(1, "2 t, 4 u, 5 t, 6 t");
	for (uint32_t id = 2; id <= 3; id++) {
		snapshot_to(1, id);
		run();
		assert_string_equal(ju_str(w.node[id].disk, "history", "?"), ju_str(w.node[1].disk, "history", ""));
	}
	for (uint32_t id = 1; id <= 3; id++)
		json_decref(h[id]);
	json_decref(missing);
	json_decref(data);
}

/* ---- formation ---- */

/* A higher number somewhere else is a change that nobody acknowledged: only the last members say what a table is. */
static void test_only_the_newest_count(void **state)
{
	static const struct { nodeset newest; bool from_3; } rows[] = { { 1 | 2, false }, { 1 | 2 | 4, true } };
	json_t *mine = ju_pack("{ss}", "v", "mine");
	const json_t *hellos[CMM_NODE_ID_MAX + 1] = { 0 };
	json_t *h[4];

	(void)state;
	world();
	propose("a", "t", "1");
	run();
	ccr_load(w.node[3].ccr, "t", 9, mine);
	for (uint32_t id = 1; id <= 3; id++)
		hellos[id] = h[id] = ccr_hello(w.node[id].ccr);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *missing = ccr_missing(w.node[1].ccr, hellos, N(1, 2, 3), rows[i].newest);

		assert_int_equal(json_array_size(missing), rows[i].from_3);
		json_decref(missing);
	}
	for (uint32_t id = 1; id <= 3; id++)
		json_decref(h[id]);
	json_decref(mine);
}

/* ccradm -o: the copy of one node wins, is an ordinary one from then on, and the next commit is newer. */
static void test_override(void **state)
{
	json_t *mine = ju_pack("{ss}", "v", "mine"), *missing, *push;
	const json_t *hellos[CMM_NODE_ID_MAX + 1] = { 0 };
	json_t *h[4];
	struct ccr_update u;

	(void)state;
	world();
	propose("a", "t", "1");
	run();
	ccr_free(w.node[3].ccr);
	w.node[3].ccr = ccr_new(3);
	ccr_load(w.node[3].ccr, "t", 4 + CCR_OVERRIDE_STEP, mine);
	json_decref(mine);
	for (uint32_t id = 1; id <= 3; id++)
		hellos[id] = h[id] = ccr_hello(w.node[id].ccr);
	missing = ccr_missing(w.node[1].ccr, hellos, N(1, 2, 3), N(1, 2));
	assert_int_equal(ju_int(json_array_get(missing, 0), "from", 0), 3);
	push = ccr_push_message(w.node[3].ccr, "t");
	ccr_adopt(w.node[1].ccr, push, &u);
	take(1, &u);
	snapshot_to(1, 2);
	snapshot_to(1, 3);
	members(N(1, 2, 3), N(1, 2, 3));
	run();
	assert_string_equal(value_at(2, "t"), "mine");
	propose("b", "t", "2");
	run();
	assert_string_equal(end_of(1, "b"), "ok");
	assert_string_equal(value_at(3, "t"), "2");
	assert_int_equal(ccr_table_gen(w.node[3].ccr, "t"), 5 + CCR_OVERRIDE_STEP);
	for (uint32_t id = 1; id <= 3; id++)
		json_decref(h[id]);
	json_decref(missing);
	json_decref(push);
}

static void test_lenient(void **state)
{
	static const struct { const char *text, *data; int64_t gen; } rows[] = {
		{ "ccr_gennum\t7\nccr_checksum\tnonsense\na\tb\n", "{\"a\":\"b\"}", 7 },
		{ "ccr_gennum\t-1\na\tb\n", "{\"a\":\"b\"}", 0 }, { "a\tb\nc\t\n", "{\"a\":\"b\",\"c\":\"\"}", 0 },
		{ "", "{}", 0 }, { "ccr_gennum\t3\nccr_removed\t1\n", "null", 3 }, { "a b\n", NULL, 0 }, { "a\tb", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *data = NULL;
		uint64_t gen = 9;
		int r = ccr_parse_lenient(rows[i].text, strlen(rows[i].text), &gen, &data, NULL);
		_cleanup_free_ char *got = data ? ju_dump(data) : xstrdup("null");

		if (rows[i].data ? r < 0 || !streq(got, rows[i].data) || gen != (uint64_t)rows[i].gen : r != -EBADMSG)
			fail_msg("row %zu: %d %s %d", i, r, got, (int)gen);
		json_decref(data);
	}
}

static const struct { const char *hellos[3]; const char *missing; } formations[] = {
	/* what nodes 1, 2, 3 have; what node 1 lacks */
	{ { "{\"a\":1}", "{\"a\":1}", "{\"a\":1}" },         "" },
	{ { "{\"a\":1}", "{\"a\":2}", "{\"a\":1}" },         "a:2 " },
	{ { "{\"a\":1}", "{\"a\":2}", "{\"a\":3}" },         "a:3 " },
	{ { "{\"a\":5}", "{\"a\":2}", "{\"a\":3}" },         "" },
	{ { "{\"a\":1}", "{\"a\":3}", "{\"a\":3}" },         "a:2 " },
	{ { "{}",        "{\"b\":4}", "{\"c\":3}" },         "b:2 c:3 " },
	{ { "{\"a\":7}", "{\"b\":4}", "null" },              "b:2 " },
};

static void test_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formations); i++) {
		const json_t *hellos[CMM_NODE_ID_MAX + 1] = { 0 };
		_cleanup_(buf_done) struct buf got = { 0 };
		struct ccr *ccr = ccr_new(1);
		json_t *h[3], *missing, *v, *data = json_object();
		const char *name;
		size_t k;

		for (k = 0; k < 3; k++)
			hellos[k + 1] = h[k] = json_loads(formations[i].hellos[k], JSON_DECODE_ANY, NULL);
		json_object_foreach(h[0], name, v)
			ccr_load(ccr, name, (uint64_t)json_integer_value(v), data);
		missing = ccr_missing(ccr, hellos, N(1, 2, 3), N(1, 2, 3));
		buf_puts(&got, "");
		for (const char *t = "abc"; *t; t++)
			json_array_foreach(missing, k, v)
				if (ju_str(v, "table", "")[0] == *t)
					buf_printf(&got, "%c:%d ", *t, (int)ju_int(v, "from", 0));
		if (!streq(got.s, formations[i].missing))
			fail_msg("row %zu: \"%s\"", i, got.s);
		json_decref(missing);
		json_decref(data);
		for (k = 0; k < 3; k++)
			json_decref(h[k]);
		ccr_free(ccr);
	}
}

static void test_adopt(void **state)
{
	static const struct { const char *what; uint64_t have; const char *push; bool taken; } rows[] = {
		{ "newer",     4, "{\"table\":\"t\",\"gen\":9,\"data\":{\"v\":\"9\"}}", true },
		{ "unknown",   0, "{\"table\":\"t\",\"gen\":1,\"data\":{\"v\":\"9\"}}", true },
		{ "the same",  9, "{\"table\":\"t\",\"gen\":9,\"data\":{\"v\":\"9\"}}", false },
		{ "older",    10, "{\"table\":\"t\",\"gen\":9,\"data\":{\"v\":\"9\"}}", false },
		{ "bad name",  0, "{\"table\":\"/t\",\"gen\":9,\"data\":{}}",           false },
		{ "no table",  0, "{}",                                                false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ccr *ccr = ccr_new(1);
		json_t *push = json_loads(rows[i].push, 0, NULL), *data = ju_pack("{ss}", "v", "0");
		struct ccr_update u;

		if (rows[i].have)
			ccr_load(ccr, "t", rows[i].have, data);
		ccr_adopt(ccr, push, &u);
		if (!!u.store != rows[i].taken || streq(ju_str(ccr_table(ccr, "t"), "v", ""), "9") != rows[i].taken)
			fail_msg("%s", rows[i].what);
		ccr_update_done(&u);
		json_decref(push);
		json_decref(data);
		ccr_free(ccr);
	}
}

/* A pushed tombstone removes; nothing is pushed that is not there. */
static void test_push(void **state)
{
	struct ccr *a = ccr_new(1), *b = ccr_new(2);
	json_t *data = json_object(), *push;
	struct ccr_update u;

	(void)state;
	ccr_load(a, "t", 3, data);
	ccr_load(b, "t", 5, NULL);
	assert_null(ccr_push_message(b, "absent"));
	push = ccr_push_message(b, "t");
	ccr_adopt(a, push, &u);
	assert_null(ccr_table(a, "t"));
	assert_int_equal(ccr_table_gen(a, "t"), 5);
	assert_int_equal(ccr_last_commit(a), 5);
	ccr_update_done(&u);
	json_decref(push);
	json_decref(data);
	ccr_free(a);
	ccr_free(b);
}

static void test_owns_message(void **state)
{
	(void)state;
	assert_true(ccr_owns_message("ccr.prep"));
	assert_true(ccr_owns_message("ccr.vote"));
	assert_true(ccr_owns_message("ccr.done"));
	assert_false(ccr_owns_message("ccr.push"));     /* the engine's, at formation */
	assert_false(ccr_owns_message(""));
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_commit), T(test_new_and_removed_table), T(test_each_in_order_without_tombstones),
		T(test_intent_before_vote), T(test_one_no_drops_it_everywhere), T(test_refusals), T(test_busy),
		T(test_too_many_wait), T(test_votes_that_do_not_count), T(test_voter_leaves),
		T(test_votes_change_among_the_same_members_only), T(test_member_leaves_before_done),
		T(test_all_voters_leave), T(test_joining_member_must_be_done), T(test_snapshot_makes_equal),
		T(test_snapshot_with_prepare_under_way), T(test_snapshot_with_commit_that_waits),
		T(test_synced_speaks_for_what_was_before), T(test_a_joiner_takes_the_place_of_the_dead),
		T(test_history_is_equal_everywhere), T(test_refused_change_leaves_no_history),
		T(test_history_is_bounded), T(test_huge_change_is_kept_without_values),
		T(test_joiner_gets_the_history), T(test_damaged_history), T(test_history_that_cannot_be_written),
		T(test_formation_merges_histories), T(test_only_the_newest_count), T(test_override), T(test_lenient),
		T(test_missing), T(test_adopt), T(test_push), T(test_owns_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
