/* Persistent reservations against a simulated device: 2 to 6 nodes, whose commands come in any order, some of them lost before
 * or after the device has carried them out.  A seed repeats a run: test_quorum_pr SEED, or test_quorum_pr 0 COUNT. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "quorum/pr.h"

#define NODES_MAX 6
#define CLUSTER   0x3908EE1Cu
#define RUNS      400

/* ---- the device ---- */

struct target {
	int      type;                  /* of the reservation; 0: none */
	uint64_t key[2 * NODES_MAX + 2];        /* by path: those of the nodes, then those that they had before they booted; 0: not registered */
	bool     attention[2 * NODES_MAX + 2];
	bool     no_aptpl, no_abort, no_pr, lenient;    /* lenient: removes what is not there */
};

static void put(uint8_t *p, uint64_t v, unsigned bytes)
{
	while (bytes--) {
		p[bytes] = (uint8_t)v;
		v >>= 8;
	}
}

static uint64_t get(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void check_condition(struct pr_command *c, uint8_t key, uint8_t asc)
{
	c->status = 2;
	c->sense_key = key;
	c->asc = asc;
}

static void target_in(struct target *t, struct pr_command *c)
{
	unsigned n = 0;

	memset(c->data, 0, c->len);
	if (c->cdb[1] == 0)
		for (unsigned i = 1; i < ARRAY_SIZE(t->key); i++)
			if (t->key[i])
				put(c->data + 8 + 8 * n++, t->key[i], 8);
	if (c->cdb[1] == 1 && t->type) {
		n = 2;
		c->data[21] = (uint8_t)t->type;
	}
	put(c->data + 4, 8 * n, 4);
	c->got = 8 + 8 * n;
}

static bool has(const struct target *t, uint64_t key)
{
	for (unsigned i = 1; i < ARRAY_SIZE(t->key); i++)
		if (t->key[i] == key)
			return true;
	return false;
}

static bool any_key(const struct target *t)
{
	for (unsigned i = 1; i < ARRAY_SIZE(t->key); i++)
		if (t->key[i])
			return true;
	return false;
}

static void target_preempt(struct target *t, unsigned who, uint64_t victim, struct pr_command *c)
{
	bool found = false;

	for (unsigned i = 1; i < ARRAY_SIZE(t->key); i++)
		if (t->key[i] == victim) {
			found = true;
			t->key[i] = 0;
			t->attention[i] = i != who;
		}
	if (!found && !t->lenient)
		c->status = 0x18;
}

static void target_out(struct target *t, unsigned who, struct pr_command *c)
{
	uint64_t own = get(c->data), other = get(c->data + 8);
	unsigned action = c->cdb[1];

	assert_int_equal(c->cdb[8], 24);
	if ((c->data[20] & 1) && t->no_aptpl) {
		check_condition(c, 5, 0x26);
	} else if (action == 5 && t->no_abort) {
		check_condition(c, 5, 0x24);
	} else if (action != 6 && (!t->key[who] || t->key[who] != own)) {
		c->status = 0x18;
	} else if (action == 0 || action == 6) {
		t->key[who] = other;
		if (!any_key(t))
			t->type = 0;
	} else if (action == 1) {
		if (t->type && t->type != c->cdb[2])
			c->status = 0x18;
		else
			t->type = c->cdb[2];
	} else if (action == 3) {
		memset(t->key, 0, sizeof t->key);
		t->type = 0;
	} else {
		assert_true(action == 4 || action == 5);
		target_preempt(t, who, other, c);
	}
}

static void target_run(struct target *t, unsigned who, struct pr_command *c)
{
	if (t->attention[who]) {
		t->attention[who] = false;
		check_condition(c, 6, 0x2a);
	} else if (t->no_pr) {
		check_condition(c, 5, 0x20);
	} else if (c->out) {
		assert_int_equal(c->cdb[0], 0x5f);
		target_out(t, who, c);
	} else {
		assert_int_equal(c->cdb[0], 0x5e);
		target_in(t, c);
	}
}

/* ---- one node after the other, by the will of the seed ---- */

struct node {
	struct world         *world;
	unsigned              id;
	struct quorum_cluster cluster;
	struct quorum_request request;
	struct quorum_answer  answer;
	pthread_t             thread;
	sem_t                 go;
	bool                  over, lost;       /* lost: the last attempt had no answer */
	unsigned              failures_left;
};

struct world {
	uint64_t      random, seed;
	struct target target;
	struct node   nodes[NODES_MAX + 1];
	unsigned      count;
	sem_t         back;             /* a node waits for its turn, or is over */
};

static uint64_t dice(struct world *w, uint64_t sides)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (w->random * 0x2545f4914f6cdd1dull >> 32) % sides;
}

static int turn_command(void *ctx, struct pr_command *c, struct err *err)
{
	struct node *n = ctx;
	struct world *w = n->world;
	bool fail;

	(void)sem_post(&w->back);
	while (sem_wait(&n->go) < 0)
		;
	fail = n->failures_left && dice(w, 8) == 0;
	n->failures_left -= fail;
	if (!fail || dice(w, 2))
		target_run(&w->target, n->id, c);
	n->lost = fail;
	return fail ? err_set(err, -EIO, "lost") : 0;
}

static int simple_command(void *ctx, struct pr_command *c, struct err *err)
{
	struct node *n = ctx;

	target_run(&n->world->target, n->id, c);
	return 0;
}

static void run_node(struct node *n, pr_transport_fn command)
{
	struct pr_device d = { .cluster = &n->cluster, .name = "sim", .command = command, .ctx = n };

	do {
		n->lost = false;
		pr_run(&d, &n->request, &n->answer);
	} while (n->lost);
}

static void *node_thread(void *arg)
{
	struct node *n = arg;

	run_node(n, turn_command);
	n->over = true;
	(void)sem_post(&n->world->back);
	return NULL;
}

static void make_node(struct world *w, unsigned id, unsigned count)
{
	struct node *n = &w->nodes[id];

	n->world = w;
	n->id = id;
	n->cluster = (struct quorum_cluster) { .name = "demo", .id = CLUSTER, .self = id };
	for (uint32_t i = 1; i <= count; i++) {
		n->cluster.nodes |= node_bit(i);
		n->cluster.keys[i] = ((uint64_t)CLUSTER << 32) + i;
	}
}

static void wait_back(struct world *w)
{
	while (sem_wait(&w->back) < 0)
		;
}

static void run_threads(struct world *w)
{
	unsigned alive = w->count;

	for (unsigned id = 1; id <= w->count; id++) {
		struct node *n = &w->nodes[id];

		(void)sem_init(&n->go, 0, 0);
		assert_int_equal(pthread_create(&n->thread, NULL, node_thread, n), 0);
		wait_back(w);
	}
	while (alive) {
		struct node *n = &w->nodes[1 + dice(w, w->count)];

		if (n->over)
			continue;
		(void)sem_post(&n->go);
		wait_back(w);
		alive -= n->over;
	}
	for (unsigned id = 1; id <= w->count; id++) {
		assert_int_equal(pthread_join(w->nodes[id].thread, NULL), 0);
		(void)sem_destroy(&w->nodes[id].go);
	}
}

static void run_race(uint64_t seed)
{
	static struct world w;
	nodeset side, all, winners = 0, present = 0;
	bool booted;

	w = (struct world) { .random = seed * 0x9e3779b97f4a7c15ull + 1, .seed = seed };
	(void)sem_init(&w.back, 0, 0);
	w.count = 2 + (unsigned)dice(&w, NODES_MAX - 1);
	w.target.no_abort = dice(&w, 4) == 0;
	w.target.type = 5;
	booted = dice(&w, 2);
	all = ((nodeset)1 << w.count) - 1;
	side = 1 + dice(&w, all - 1);
	for (unsigned id = 1; id <= w.count; id++) {
		make_node(&w, id, w.count);
		w.nodes[id].request = (struct quorum_request) { QOP_TAKE, nodeset_has(side, id) ? side : all & ~side, false };
		w.nodes[id].failures_left = booted ? 0 : (unsigned)dice(&w, 3); /* what is lost in an adoption costs the key */
		w.target.key[booted && dice(&w, 2) ? NODES_MAX + id : id] = w.nodes[id].cluster.keys[id];
	}
	run_threads(&w);
	for (unsigned id = 1; id <= w.count; id++) {
		assert_true(w.nodes[id].answer.result != QUORUM_ERROR);
		if (w.nodes[id].answer.result == QUORUM_OK)
			winners |= node_bit(id);
		present |= has(&w.target, w.nodes[id].cluster.keys[id]) ? node_bit(id) : 0;
	}
	if (!winners || ((winners & side) && (winners & ~side)) || winners != present)
		fail_msg("seed %llu: side %llx, winners %llx, keys %llx", (unsigned long long)seed, (unsigned long long)side,
			 (unsigned long long)winners, (unsigned long long)present);
	(void)sem_destroy(&w.back);
}

static uint64_t first_seed = 1, run_count = RUNS;

static void test_races(void **state)
{
	for (uint64_t seed = first_seed; seed < first_seed + run_count; seed++)
		run_race(seed);
}

/* ---- one operation alone ---- */

#define FOREIGN 0x1111111100000001ull
#define OLD     (((uint64_t)CLUSTER << 32) + 9)         /* of a node that is not configured any more */

static void test_alone(void **state)
{
	static const struct {
		const char *what;
		uint64_t before[4];             /* keys of initiators 1, 2 and 3: k for node k of ours, or a whole key */
		struct target device;
		struct quorum_request request;
		enum quorum_result result;
		uint64_t after[4];
		int type;
	} cases[] = {
		{ "register", { 0 }, { 0 }, { QOP_REGISTER }, QUORUM_OK, { 0, 1 }, 5 },
		{ "register again", { 0, 1, 2 }, { .type = 5 }, { QOP_REGISTER }, QUORUM_OK, { 0, 1, 2 }, 5 },
		{ "register without APTPL", { 0 }, { .no_aptpl = true }, { QOP_REGISTER }, QUORUM_OK, { 0, 1 }, 5 },
		{ "reserved by others", { 0 }, { .type = 1 }, { QOP_REGISTER }, QUORUM_ERROR, { 0, 1 }, 1 },
		{ "no reservations", { 0 }, { .no_pr = true }, { QOP_REGISTER }, QUORUM_ERROR, { 0 }, 0 },
		{ "take", { 0, 1, 2 }, { .type = 5 }, { QOP_TAKE, 1 }, QUORUM_OK, { 0, 1 }, 5 },
		{ "take without abort", { 0, 1, 2 }, { .no_abort = true }, { QOP_TAKE, 1 }, QUORUM_OK, { 0, 1 }, 5 },
		{ "take from strangers", { 0, 1, FOREIGN, OLD }, { 0 }, { QOP_TAKE, 1 }, QUORUM_OK, { 0, 1 }, 5 },
		{ "take when removed", { 0, 0, 2 }, { .type = 5 }, { QOP_TAKE, 1 }, QUORUM_PREEMPTED, { 0, 0, 2 }, 5 },
		{ "registered before it booted", { 0, 0, 2, 1 }, { .type = 5 }, { QOP_TAKE, 1 }, QUORUM_OK, { 0, 1 }, 5 },
		{ "on a device that cannot tell", { 0, 0, 2, 1 }, { .type = 5, .lenient = true }, { QOP_TAKE, 1 }, QUORUM_ERROR, { 0, 0, 2, 1 }, 5 },
		{ "unregister", { 0, 1, 2 }, { .type = 5 }, { QOP_UNREGISTER }, QUORUM_OK, { 0, 0, 2 }, 5 },
		{ "unregister from before it booted", { 0, 0, 2, 1 }, { .type = 5 }, { QOP_UNREGISTER }, QUORUM_OK, { 0, 0, 2 }, 5 },
		{ "unregister nothing", { 0, 0, 2 }, { .type = 5 }, { QOP_UNREGISTER }, QUORUM_OK, { 0, 0, 2 }, 5 },
		{ "scrub", { 0, 1, 2, OLD }, { .type = 5 }, { QOP_SCRUB }, QUORUM_OK, { 0 }, 0 },
		{ "scrub beside others", { 0, 0, 2, FOREIGN }, { 0 }, { QOP_SCRUB }, QUORUM_OK, { 0, 0, 0, FOREIGN }, 0 },
		{ "scrub another path", { 0, 1, 2, 1 }, { .type = 5 }, { QOP_SCRUB }, QUORUM_OK, { 0 }, 0 },
		{ "prepare", { 0 }, { 0 }, { QOP_PREPARE }, QUORUM_OK, { 0 }, 0 },
		{ "prepare again", { 0, 1, 2 }, { .type = 5 }, { QOP_PREPARE }, QUORUM_OK, { 0, 1, 2 }, 5 },
		{ "prepare what others have", { 0, 0, FOREIGN }, { 0 }, { QOP_PREPARE }, QUORUM_ERROR, { 0, 0, FOREIGN }, 0 },
		{ "with force", { 0, 0, FOREIGN }, { 0 }, { QOP_PREPARE, 0, true }, QUORUM_OK, { 0 }, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct world w;
		struct node *n = &w.nodes[1];

		w = (struct world) { .target = cases[i].device };
		make_node(&w, 1, 2);
		for (unsigned k = 1; k < 4; k++)
			w.target.key[k] = cases[i].before[k] && cases[i].before[k] < 3 ? n->cluster.keys[cases[i].before[k]] : cases[i].before[k];
		n->request = cases[i].request;
		run_node(n, simple_command);
		for (unsigned k = 1; k < 4; k++) {
			uint64_t want = cases[i].after[k] && cases[i].after[k] < 3 ? n->cluster.keys[cases[i].after[k]] : cases[i].after[k];

			if (n->answer.result != cases[i].result || w.target.key[k] != want || w.target.type != cases[i].type)
				fail_msg("%s: %s (%s), key %u is %llx, type %d", cases[i].what, quorum_result_names[n->answer.result],
					 n->answer.err.text, k, (unsigned long long)w.target.key[k], w.target.type);
		}
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_races),
	};

	if (argc > 1)
		first_seed = strtoull(argv[1], NULL, 10);
	if (argc > 1)
		run_count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
