/* Membership, driven by hand: a few cmm objects over a log that this file keeps.  The log delivers a message to all who
 * share the view it was sent in, in one order; time stands still unless a test lets it run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "cmm/cmm.h"

enum { NODES = 5 };
#define N(...) nodes_of((const uint32_t[]) { __VA_ARGS__, 0 })
#define LEASE  600u
#define MARGIN 40u
#define BEAT   30u
#define FORMATION 3000u
#define FOR_EACH(id, set) for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))

struct node {
	struct cmm *cmm;
	uint64_t epoch;                 /* on its disk */
	uint64_t generation;            /* of its configuration */
	uint32_t takeover_ms;           /* in it; 0: 640 */
	uint64_t synced;                /* the newest epoch whose configuration it has */
	bool     amnesia;               /* but a part of that is damaged */
	uint64_t writing;               /* an epoch that is on its way to the disk; 0: none */
	unsigned boots, activations;
	uint64_t lease_until_ms, timer_ms;
	bool     owes_sync;
	uint32_t became_ready;          /* of the last step */
	char     panic[256];
};

static struct {
	struct node node[NODES + 1];
	uint64_t now;
	json_t  *log;                   /* [from, view as it was, message] */
	json_t  *sent;                  /* every message ever sent: {"from":..,"m":..} */
	json_t  *notes;
	bool     slow_disks;            /* writes end only when the test says so */
	bool     no_sync;               /* snapshots come only when the test says so */
	bool     deaf;                  /* nothing is delivered */
	nodeset  configured;
	uint32_t votes[CMM_NODE_ID_MAX + 1];
	uint32_t device_votes;          /* 0: there is no device.  Its operations never end */
	uint32_t takeover_highest_ms;
	nodeset  fence;
	bool     fence_required;
} w;

static nodeset nodes_of(const uint32_t *ids)
{
	nodeset set = 0;

	for (; *ids; ids++)
		set |= node_bit(*ids);
	return set;
}

/* ---- the world ---- */

static void step(uint32_t id, struct cmm_event event);

static void take(uint32_t id, struct cmm_update *u)
{
	struct node *n = &w.node[id];
	json_t *v;
	size_t i;

	if (u->panic[0]) {
		(void)snprintf(n->panic, sizeof n->panic, "%s", u->panic);
		assert_null(u->send);   /* who ends says nothing more */
	}
	json_array_foreach(u->send, i, v) {
		ju_push(w.log, ju_pack("[I,o,O]", (json_int_t)id, nodeset_to_json(cmm_view(n->cmm)), v));
		ju_push(w.sent, ju_pack("{sI,sO}", "from", (json_int_t)id, "m", v));
	}
	json_array_foreach(u->notes, i, v)
		json_array_append(w.notes, v);
	if (u->store_epoch)
		n->writing = u->store_epoch;
	n->lease_until_ms = u->lease_until_ms;
	n->timer_ms = u->timer_ms;
	n->became_ready = u->became_ready;
	if (u->activated) {
		n->activations++;
		n->owes_sync = !cmm_is_ready(n->cmm);
	}
	cmm_update_done(u);
}

static void step(uint32_t id, struct cmm_event event)
{
	struct cmm_update u;

	if (!w.node[id].cmm || w.node[id].panic[0])
		return;
	event.now_ms = w.now;
	cmm_step(w.node[id].cmm, &event, &u);
	take(id, &u);
}

static void written(uint32_t id, const char *error)
{
	struct node *n = &w.node[id];
	uint64_t epoch = n->writing;

	n->writing = 0;
	if (!error)
		n->epoch = epoch;
	step(id, (struct cmm_event) { .type = CMM_EV_STORED, .epoch = epoch, .error = error });
}

static void synced(uint32_t id)
{
	w.node[id].owes_sync = false;
	step(id, (struct cmm_event) { .type = CMM_EV_SYNCED });
}

static void deliver(uint32_t to, uint32_t from, const json_t *message)
{
	step(to, (struct cmm_event) { .type = CMM_EV_MESSAGE, .from = from, .message = message });
}

static void deliver_text(uint32_t to, uint32_t from, const char *text)
{
	json_t *m = json_loads(text, 0, NULL);

	assert_non_null(m);
	deliver(to, from, m);
	json_decref(m);
}

/* Until nothing is under way. */
static void run(void)
{
	bool progress = true;

	while (progress && !w.deaf) {
		progress = false;
		for (uint32_t id = 1; id <= NODES; id++) {
			if (w.node[id].writing && !w.slow_disks) {
				written(id, NULL);
				progress = true;
			}
			if (w.node[id].owes_sync && !w.no_sync) {
				synced(id);
				progress = true;
			}
		}
		if (json_array_size(w.log)) {
			json_t *e = json_incref(json_array_get(w.log, 0));
			nodeset view = nodeset_from_json(json_array_get(e, 1));

			json_array_remove(w.log, 0);
			FOR_EACH(id, view)
				if (w.node[id].cmm && cmm_view(w.node[id].cmm) == view)
					deliver(id, (uint32_t)json_integer_value(json_array_get(e, 0)), json_array_get(e, 2));
			json_decref(e);
			progress = true;
		}
	}
}

/* Every timer that is due until then. */
static void run_until(uint64_t end)
{
	run();
	for (;;) {
		uint64_t due = end + 1;

		for (uint32_t id = 1; id <= NODES; id++)
			if (w.node[id].cmm && !w.node[id].panic[0] && w.node[id].timer_ms)
				due = MIN(due, w.node[id].timer_ms);
		if (due > end)
			break;
		w.now = MAX(w.now, due);
		for (uint32_t id = 1; id <= NODES; id++)
			if (w.node[id].timer_ms && w.node[id].timer_ms <= w.now)
				step(id, (struct cmm_event) { .type = CMM_EV_TIMER });
		run();
	}
	w.now = end;
}

static void run_for(uint64_t ms) { run_until(w.now + ms); }

static void view(nodeset set)
{
	FOR_EACH(id, set)
		step(id, (struct cmm_event) { .type = CMM_EV_VIEW, .view = set });
}

static void boot(uint32_t id)
{
	struct node *n = &w.node[id];
	struct cmm_config config = { .self = id, .incarnation = id * 100 + ++n->boots, .epoch = n->epoch,
				     .synced = n->synced, .amnesia = n->amnesia,
				     .votes = { .configured = w.configured, .generation = n->generation,
						.takeover_highest_ms = w.takeover_highest_ms, .fence = w.fence,
						.fence_required = w.fence_required } };

	if (w.device_votes)
		config.votes.device[1] = (struct cmm_device_config) { .name = "d", .votes = w.device_votes, .ports = w.configured,
								      .enabled = true };
	memcpy(config.votes.node, w.votes, sizeof config.votes.node);
	assert_int_equal(cmm_timers_derive(n->takeover_ms ? n->takeover_ms : 640, &config.timers, NULL), 0);
	cmm_free(n->cmm);
	*n = (struct node) { .cmm = cmm_new(&config), .epoch = n->epoch, .generation = n->generation, .synced = n->synced, .boots = n->boots };
}

static void power_off(uint32_t id)
{
	w.node[id].cmm = cmm_free(w.node[id].cmm);
	w.node[id].writing = 0;
	w.node[id].owes_sync = false;
}

static int world_done(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= NODES; id++)
		cmm_free(w.node[id].cmm);
	json_decref(w.log);
	json_decref(w.sent);
	json_decref(w.notes);
	memset(&w, 0, sizeof w);
	return 0;
}

/* n configured nodes, one vote each, all booted, none seen by another yet. */
static void world(uint32_t n)
{
	world_done(NULL);
	w.log = json_array();
	w.sent = json_array();
	w.notes = json_array();
	w.now = 10000;
	for (uint32_t id = 1; id <= n; id++) {
		w.configured |= node_bit(id);
		w.votes[id] = 1;
	}
	for (uint32_t id = 1; id <= n; id++)
		boot(id);
}

static nodeset first_nodes(uint32_t n) { return ((nodeset)1 << n) - 1; }

/* ... and formed, everybody ready. */
static void formed(uint32_t n)
{
	world(n);
	view(first_nodes(n));
	run_for(2 * BEAT);
	for (uint32_t id = 1; id <= n; id++)
		assert_true(cmm_is_ready(w.node[id].cmm));
}

static const struct cmm_membership *seen_by(uint32_t id) { return cmm_membership(w.node[id].cmm); }

static unsigned count_sent(uint32_t from, const char *type)
{
	unsigned n = 0;
	json_t *v;
	size_t i;

	json_array_foreach(w.sent, i, v)
		if ((!from || ju_int(v, "from", 0) == from) && streq(ju_str(json_object_get(v, "m"), "t", ""), type))
			n++;
	return n;
}

static json_t *last_sent(uint32_t from, const char *type)
{
	for (size_t i = json_array_size(w.sent); i; i--) {
		json_t *v = json_array_get(w.sent, i - 1), *m = json_object_get(v, "m");

		if (ju_int(v, "from", 0) == from && streq(ju_str(m, "t", ""), type))
			return m;
	}
	fail_msg("node %u never sent %s", from, type);
	return NULL;
}

static bool noted(const char *text)
{
	json_t *v;
	size_t i;

	json_array_foreach(w.notes, i, v)
		if (strstr(json_string_value(v), text))
			return true;
	return false;
}

static void expect_panic(uint32_t id, const char *says)
{
	if (!strstr(w.node[id].panic, says))
		fail_msg("node %u: \"%s\" instead of \"%s\"", id, w.node[id].panic, says);
}

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

/* ---- lost nodes ---- */

static void test_dead_by_lease(void **state)
{
	uint64_t heard, due;

	(void)state;
	formed(3);
	run_for(1000);
	heard = cmm_heard_ms(w.node[1].cmm, 3);
	due = heard + LEASE + MARGIN;
	power_off(3);
	w.now += 450;                           /* token + consensus: nobody hears anything meanwhile */
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));
	assert_int_equal(seen_by(2)->lost, N(3));
	run_until(due - 1);
	assert_int_equal(count_sent(0, "dead"), 0);
	assert_int_equal(seen_by(1)->lost, N(3));
	run_until(due);
	assert_int_equal(count_sent(0, "dead"), 1);
	assert_int_equal(ju_int(last_sent(1, "dead"), "silent_ms", 0), LEASE + MARGIN);
	assert_string_equal(ju_str(last_sent(1, "dead"), "how", ""), "lease");
	assert_int_equal(seen_by(1)->lost, 0);
	assert_int_equal(seen_by(2)->lost, 0);
	assert_true(noted("CMM: Node 3 is dead (lease)."));
	run_for(1000);
	assert_int_equal(count_sent(0, "dead"), 1);
}

static void test_dead_at_once_when_it_left(void **state)
{
	(void)state;
	formed(3);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	assert_int_equal(w.node[3].lease_until_ms, 0);
	run();
	power_off(3);
	view(N(1, 2));
	run();
	assert_string_equal(ju_str(last_sent(1, "dead"), "how", ""), "left");
	assert_int_equal(seen_by(2)->lost, 0);
	assert_true(noted("CMM: Node 3 is dead (left)."));
}

/* A goodbye is good for one life only. */
static void test_left_once(void **state)
{
	(void)state;
	formed(3);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	run();
	power_off(3);
	view(N(1, 2));
	run_for(100);
	boot(3);
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->ready, N(1, 2, 3));
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));       /* this time it has to be waited for */
	run_for(LEASE + MARGIN);
	assert_int_equal(seen_by(1)->lost, 0);
}

/* ... even when the node comes back before the view in which it was away was agreed on. */
static void test_left_and_back_in_one_view(void **state)
{
	(void)state;
	formed(3);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	run();
	power_off(3);
	boot(3);
	view(N(1, 2));
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->ready, N(1, 2, 3));
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(count_sent(0, "dead"), 0);
	assert_int_equal(seen_by(1)->lost, N(3));
}

/* ... even when there was nothing to wait for, because it was not ready yet. */
static void test_left_before_ready(void **state)
{
	(void)state;
	formed(3);
	power_off(3);
	view(N(1, 2));
	run_for(LEASE + MARGIN);
	boot(3);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	run();
	power_off(3);
	view(N(1, 2));
	run_for(100);
	assert_int_equal(seen_by(1)->lost, 0);
	boot(3);
	w.no_sync = false;
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->ready, N(1, 2, 3));
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));
}

/* Who has said goodbye does not become ready after it: it would get groups, and has no lease to run them under. */
static void test_goodbye_before_ready(void **state)
{
	(void)state;
	formed(3);
	power_off(3);
	view(N(1, 2));
	run_for(LEASE + MARGIN);
	boot(3);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	step(3, (struct cmm_event) { .type = CMM_EV_LEAVE });
	step(3, (struct cmm_event) { .type = CMM_EV_SYNCED });
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->ready, N(1, 2));
}

static void test_next_president_announces(void **state)
{
	(void)state;
	formed(5);
	power_off(5);
	view(N(1, 2, 3, 4));
	run();
	power_off(1);
	view(N(2, 3, 4));
	run();
	assert_int_equal(seen_by(3)->president, 2);
	assert_int_equal(seen_by(3)->lost, N(1, 5));
	run_for(LEASE + MARGIN);
	assert_int_equal(count_sent(2, "dead"), 2);
	assert_int_equal(count_sent(0, "dead"), 2);
	assert_int_equal(seen_by(4)->lost, 0);
}

static void test_lost_node_is_back(void **state)
{
	(void)state;
	formed(3);
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));
	boot(3);
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_int_equal(seen_by(1)->lost, 0);          /* a new life: the old one is over */
	run_for(2000);
	assert_int_equal(count_sent(0, "dead"), 0);
}

/* Nobody knows what an absent node runs when a new cluster forms. */
static void test_absent_at_formation_is_lost(void **state)
{
	(void)state;
	world(3);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(seen_by(1)->lost, N(3));
	run_for(LEASE + MARGIN);
	assert_int_equal(count_sent(1, "dead"), 1);
	assert_int_equal(seen_by(2)->lost, 0);
}

/* ---- joining ---- */

static void test_joiner(void **state)
{
	(void)state;
	world(3);
	w.node[3].epoch = 7;                    /* it was in a later one once: numbers do not go back */
	boot(3);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	w.no_sync = true;
	view(N(1, 2, 3));
	run_for(100);
	for (uint32_t id = 1; id <= 3; id++) {
		const struct cmm_membership *m = seen_by(id);

		assert_int_equal(m->epoch, 8);
		assert_int_equal(m->members, N(1, 2, 3));
		assert_int_equal(m->ready, N(1, 2));
		assert_false(m->formed);
		assert_int_equal(m->sponsor, 1);
		assert_int_equal(m->president, 1);
		assert_int_equal(m->member[1].since, 1);
		assert_int_equal(m->member[3].since, 8);
		assert_int_equal(m->member[3].incarnation, 302);
	}
	assert_int_equal(w.node[3].lease_until_ms, 0);
	synced(3);
	run();
	for (uint32_t id = 1; id <= 3; id++) {
		assert_int_equal(seen_by(id)->ready, N(1, 2, 3));
		assert_int_equal(w.node[id].became_ready, 3);
	}
	assert_true(noted("CMM: Node 3: joined cluster."));
}

/* The president is who stands longest, not who has the lowest number. */
static void test_president_stays(void **state)
{
	(void)state;
	formed(3);
	power_off(1);
	view(N(2, 3));
	run_for(100);
	assert_int_equal(seen_by(3)->president, 2);
	boot(1);
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	for (uint32_t id = 1; id <= 3; id++) {
		assert_int_equal(seen_by(id)->ready, N(1, 2, 3));
		assert_int_equal(seen_by(id)->president, 2);
	}
	assert_true(cmm_is_president(w.node[2].cmm));
	assert_false(cmm_is_president(w.node[1].cmm));
}

/* Who died between the activation and the snapshot is lost for the joiner as well; who was declared dead is not. */
static void test_snapshot(void **state)
{
	json_t *snapshot;

	(void)state;
	world(5);
	w.votes[1] = 3;                         /* with node 2 a majority */
	for (uint32_t id = 1; id <= 5; id++)
		boot(id);
	view(first_nodes(5));
	run_for(2 * BEAT);
	power_off(4);
	power_off(5);
	view(N(1, 2, 3));
	run();
	power_off(3);
	view(N(1, 2));
	boot(3);
	view(N(1, 2, 3));
	w.no_sync = true;
	run();
	snapshot = cmm_snapshot(w.node[1].cmm);
	assert_int_equal(seen_by(1)->lost, N(4, 5));
	assert_int_equal(seen_by(3)->lost, 0);
	deliver_text(3, 1, "{\"t\":\"dead\",\"node\":4,\"inc\":401,\"how\":\"lease\"}");
	cmm_restore(w.node[3].cmm, snapshot, w.now);
	assert_int_equal(seen_by(3)->lost, N(5));
	json_decref(snapshot);
	snapshot = json_loads("{\"lost\":[{\"id\":0},{\"id\":65},{\"id\":1},{}]}", 0, NULL);
	cmm_restore(w.node[3].cmm, snapshot, w.now);
	assert_int_equal(seen_by(3)->lost, N(5));
	json_decref(snapshot);
}

/* A joiner that was away for an epoch, and comes again without a boot: those who were lost then have been declared dead. */
static void test_joins_twice(void **state)
{
	json_t *snapshot;

	(void)state;
	world(4);
	w.votes[1] = 3;                         /* with node 2 a majority */
	for (uint32_t id = 1; id <= 4; id++)
		boot(id);
	view(first_nodes(4));
	run_for(2 * BEAT);
	power_off(4);
	power_off(3);
	boot(3);
	w.no_sync = true;
	view(N(1, 2, 3));
	run();
	snapshot = cmm_snapshot(w.node[1].cmm);
	cmm_restore(w.node[3].cmm, snapshot, w.now);
	json_decref(snapshot);
	assert_int_equal(seen_by(3)->lost, N(4));
	view(N(1, 2));
	step(3, (struct cmm_event) { .type = CMM_EV_VIEW, .view = N(3) });
	run_for(2000);
	assert_int_equal(seen_by(1)->lost, 0);
	view(N(1, 2, 3));
	run();
	assert_int_equal(seen_by(3)->epoch, seen_by(1)->epoch);
	assert_int_equal(seen_by(3)->lost, 0);
}

/* ---- members that were apart in one epoch ---- */

static const struct { const char *what; uint32_t nodes, device_votes; nodeset sides[2]; uint32_t panics, goes_on; } apart[] = {
	{ "equal sides: that of the proposer", 2, 1, { 1, 2 }, 2, 1 },
	{ "the side with more votes",          3, 2, { 1, 6 }, 1, 3 },
};

static void test_one_side_goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(apart); i++) {
		world(apart[i].nodes);
		w.device_votes = apart[i].device_votes; /* nobody has lost its quorum before the device has answered */
		for (uint32_t id = 1; id <= apart[i].nodes; id++)
			boot(id);
		view(first_nodes(apart[i].nodes));
		run_for(3 * BEAT);
		if (!cmm_is_ready(w.node[1].cmm))
			fail_msg("%s: no cluster", apart[i].what);
		view(apart[i].sides[0]);
		view(apart[i].sides[1]);
		view(first_nodes(apart[i].nodes));
		run();
		expect_panic(apart[i].panics, "was away for a view");
		if (w.node[apart[i].goes_on].panic[0])
			fail_msg("%s: %s", apart[i].what, w.node[apart[i].goes_on].panic);
	}
}

/* In a race for a device one side asks at once, the other one gives it a head start. */
static const struct { const char *what; nodeset serving; uint32_t first, second; } races[] = {
	{ "nobody runs services: the lowest node", 0, 1, 2 },
	{ "node 2 runs services",                  2, 2, 1 },
};

static void test_who_asks_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(races); i++) {
		unsigned before[3];

		world(2);
		w.device_votes = 1;
		boot(1);
		boot(2);
		view(N(1, 2));
		run_for(3 * BEAT);
		for (uint32_t id = 1; id <= 2; id++) {
			cmm_set_serving(w.node[id].cmm, races[i].serving);
			before[id] = count_sent(id, "qtake");
		}
		view(N(1));
		view(N(2));
		run_for(5);
		if (count_sent(races[i].first, "qtake") != before[races[i].first] + 1 ||
		    count_sent(races[i].second, "qtake") != before[races[i].second])
			fail_msg("%s", races[i].what);
		run_for(50);
		if (count_sent(races[i].second, "qtake") != before[races[i].second] + 1)
			fail_msg("%s: the other one never asks", races[i].what);
	}
}

/* A joiner with a longer takeover_time in its table has the lease that the members wait for. */
static void test_lease_of_the_cluster(void **state)
{
	(void)state;
	world(3);
	w.node[3].takeover_ms = 2000;
	boot(3);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	view(N(1, 2, 3));
	run_for(3 * BEAT);
	assert_true(cmm_is_ready(w.node[3].cmm));
	assert_in_range(w.node[3].lease_until_ms, w.now, w.now + LEASE);
}

/* Before the epoch of a view is in force its president may be about to be left behind. */
static void test_nobody_is_declared_dead_before_the_epoch(void **state)
{
	(void)state;
	formed(3);
	power_off(3);
	view(N(1, 2));
	run();
	assert_int_equal(seen_by(1)->lost, N(3));
	w.slow_disks = true;
	view(N(1, 2));
	run_for(LEASE + 2 * MARGIN);
	assert_int_equal(count_sent(1, "dead"), 0);
	written(1, NULL);
	written(2, NULL);
	run();
	assert_int_equal(count_sent(1, "dead"), 1);
}

static void test_fenced_in_an_earlier_life(void **state)
{
	(void)state;
	world(3);
	w.fence = N(3);
	for (uint32_t id = 1; id <= 3; id++)
		boot(id);
	view(N(1, 2, 3));
	run_for(2 * BEAT);
	power_off(3);
	view(N(1, 2));
	run();
	step(1, (struct cmm_event) { .type = CMM_EV_FENCED, .node = 3, .incarnation = 1 });
	assert_int_equal(count_sent(1, "dead"), 0);
	step(1, (struct cmm_event) { .type = CMM_EV_FENCED, .node = 3, .incarnation = cmm_lost_incarnation(w.node[1].cmm, 3) });
	assert_int_equal(count_sent(1, "dead"), 1);
}

/* Of the nodes that were with the last members the one with the newest configuration: its votes count. */
static void test_newest_configuration_proposes(void **state)
{
	(void)state;
	world(3);
	w.node[2].generation = 7;
	w.node[3].generation = 6;
	for (uint32_t id = 1; id <= 3; id++)
		boot(id);
	view(first_nodes(3));
	run();
	assert_int_equal(count_sent(1, "epoch"), 0);
	assert_int_equal(count_sent(2, "epoch"), 1);
	assert_int_equal(count_sent(3, "epoch"), 0);
}

/* Who was with the last members counts for more than any number in its tables. */
static void test_last_members_propose(void **state)
{
	(void)state;
	world(2);
	w.node[1].generation = 7;
	w.node[1].synced = 3;
	w.node[2].generation = 6;
	w.node[2].synced = 4;
	boot(1);
	boot(2);
	view(N(1, 2));
	run();
	assert_int_equal(count_sent(1, "epoch"), 0);
	assert_int_equal(count_sent(2, "epoch"), 1);
}

/* It was with the last members, but does not know any more what they had. */
static void test_who_lost_a_table_does_not_count(void **state)
{
	(void)state;
	world(3);
	for (uint32_t id = 1; id <= 3; id++) {
		w.node[id].synced = id == 1 ? 5 : 4;
		w.node[id].amnesia = id == 1;
		boot(id);
	}
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(count_sent(0, "epoch"), 0);
	view(N(1, 2, 3));
	run();
	assert_int_equal(count_sent(1, "epoch"), 0);
	assert_int_equal(count_sent(2, "epoch"), 1);
	assert_int_equal(seen_by(1)->epoch, 1);
}

/* Who never was a member does not help to form a cluster of which others were. */
static void test_formation_needs_those_who_know(void **state)
{
	(void)state;
	world(3);
	w.node[1].synced = 5;
	boot(1);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(count_sent(0, "epoch"), 0);
	w.node[3].synced = 4;
	boot(3);
	view(N(1, 3));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(seen_by(1)->epoch, 1);
}

/* The second node was lost while the cluster formed for the first time: when it is back nobody is missing who could know more. */
static void test_all_nodes_together_form(void **state)
{
	(void)state;
	world(2);
	w.node[1].synced = 1;
	boot(1);
	boot(2);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(count_sent(1, "epoch"), 1);
	assert_int_equal(seen_by(2)->epoch, 1);
}

static void test_members_remember_their_epoch(void **state)
{
	(void)state;
	formed(3);
	view(N(1, 2));
	run();
	view(N(1, 2));
	assert_int_equal(seen_by(1)->epoch, 2);
	assert_int_equal(ju_int(last_sent(1, "hello"), "synced", 0), 2);
}

/* A node that is absent at a formation may have a lease of the time when it was longest. */
static void test_longest_lease_counts_at_formation(void **state)
{
	(void)state;
	world(3);
	w.takeover_highest_ms = 2000;           /* lease 1875, and a margin of 40 of the present one */
	for (uint32_t id = 1; id <= 3; id++)
		boot(id);
	view(N(1, 2));
	run_for(FORMATION + 3 * BEAT);
	assert_int_equal(seen_by(1)->lost, N(3));
	run_for(LEASE + MARGIN);
	assert_int_equal(seen_by(1)->lost, N(3));
	run_for(1875 - LEASE);
	assert_int_equal(seen_by(1)->lost, 0);
}

/* What is said of another proposal brings nothing into force; a hello that says that this very number is used up drops it. */
static void test_only_this_proposal(void **state)
{
	(void)state;
	world(3);
	w.slow_disks = true;
	view(N(1, 2, 3));
	run();
	for (uint32_t from = 1; from <= 3; from++)
		deliver_text(1, from, "{\"t\":\"stored\",\"epoch\":2}");
	assert_int_equal(seen_by(1)->epoch, 0);
	deliver_text(1, 1, "{\"t\":\"hello\",\"view\":[1,2,3],\"lv\":[1,1],\"inc\":101,\"epoch\":1}");
	assert_int_equal(ju_int(last_sent(1, "epoch"), "epoch", 0), 2);
}

/* Who has stored a proposal that was dropped has not stored the next one. */
static void test_each_proposal_is_stored_by_all(void **state)
{
	(void)state;
	world(3);
	w.slow_disks = true;
	view(N(1, 2, 3));
	run();
	written(3, NULL);
	run();
	assert_int_equal(ju_int(last_sent(3, "stored"), "epoch", 0), 1);
	for (uint32_t to = 1; to <= 3; to++)
		deliver_text(to, 2, "{\"t\":\"hello\",\"view\":[1,2,3],\"lv\":[1,1],\"inc\":201,\"epoch\":1}");
	run();
	assert_int_equal(ju_int(last_sent(2, "epoch"), "epoch", 0), 2);
	written(1, NULL);
	written(2, NULL);
	run();
	assert_int_equal(seen_by(1)->epoch, 0);
	written(3, NULL);
	run();
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(seen_by(id)->epoch, 2);
}

/* The end of a lease is not enough where a machine may stand still as a whole. */
static void test_dead_when_fenced_only(void **state)
{
	(void)state;
	world(3);
	w.fence = N(3);
	w.fence_required = true;
	for (uint32_t id = 1; id <= 3; id++)
		boot(id);
	view(N(1, 2, 3));
	run_for(2 * BEAT);
	power_off(3);
	view(N(1, 2));
	run_for(100 * LEASE);
	assert_int_equal(seen_by(1)->lost, N(3));
	assert_int_equal(count_sent(0, "dead"), 0);
	step(1, (struct cmm_event) { .type = CMM_EV_FENCED, .node = 3, .how = "x",
				     .incarnation = cmm_lost_incarnation(w.node[1].cmm, 3) });
	run();
	assert_int_equal(count_sent(1, "dead"), 1);
	assert_int_equal(seen_by(1)->lost, 0);
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
		T(test_nodesets), T(test_owns_message),
		T(test_formation), T(test_formation_wait_restarts_without_majority), T(test_late_node_ends_the_wait),
		T(test_unconfigured_node),
		T(test_epoch_is_durable_before_stored), T(test_epoch_cannot_be_stored), T(test_epochs_rise),
		T(test_second_hello_withdraws_the_proposal),
		T(test_ready_needs_a_lease), T(test_ready_needs_the_state), T(test_ready_needs_a_fresh_lease),
		T(test_ready_of_an_earlier_view), T(test_ready_of_another_epoch),
		T(test_strays_change_nothing), T(test_hello_extra),
		T(test_quorum_loss), T(test_quorum_loss_of_nobody), T(test_left_behind), T(test_lease_runs_out),
		T(test_lease_table), T(test_beats_come_in_bursts), T(test_lease_never_shrinks), T(test_lease_does_not_outlive_the_view),
		T(test_dead_by_lease), T(test_dead_at_once_when_it_left), T(test_left_once),
		T(test_left_and_back_in_one_view), T(test_left_before_ready), T(test_goodbye_before_ready),
		T(test_next_president_announces), T(test_lost_node_is_back),
		T(test_absent_at_formation_is_lost),
		T(test_joiner), T(test_president_stays), T(test_snapshot), T(test_joins_twice),
		T(test_one_side_goes_on), T(test_newest_configuration_proposes), T(test_longest_lease_counts_at_formation),
		T(test_only_this_proposal), T(test_each_proposal_is_stored_by_all), T(test_who_lost_a_table_does_not_count),
		T(test_dead_when_fenced_only), T(test_who_asks_first), T(test_lease_of_the_cluster),
		T(test_last_members_propose), T(test_formation_needs_those_who_know),
		T(test_all_nodes_together_form), T(test_members_remember_their_epoch),
		T(test_nobody_is_declared_dead_before_the_epoch), T(test_fenced_in_an_earlier_life),
		T(test_waiting_for), T(test_configure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
