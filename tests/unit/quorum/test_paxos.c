/* Disk Paxos under every kind of bad luck: 2 to 8 nodes, each step of each chosen at random, on a disk that writes sector by
 * sector and is read slot by slot; nodes die between any two steps, reads lie.  A seed repeats a run:
 *
 *     test_quorum_paxos SEED          this run only
 *     test_quorum_paxos 0 COUNT       that many runs
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>

#include <cmocka.h>

#include "quorum/block.h"

#define NODES_MAX     8
#define INSTANCES_MAX 4096
#define STEPS_MAX     2000000           /* a run that does not end by then never will */
#define FORMAT        77ull
#define RUNS          3000

enum io { IDLE, READING, WRITING, WAITING };

struct actor {
	struct pax    pax;
	enum pax_op   op;
	nodeset       keep;
	enum io       io;
	unsigned      at, until;                        /* which slot or sector is next; or how long to wait */
	uint8_t       area[NODES_MAX * 2 * QD_BLOCK_BYTES];     /* what it has read */
	uint8_t       block[QD_BLOCK_BYTES];            /* what it writes */
	uint64_t      seq;
	unsigned      ops_left, crashes_left, lies_left;
	enum pax_action last;                           /* result of the last operation that ended well */
	bool          over;
	bool          key;                              /* by the last register or unregister that ended well */
	bool          key_open;                         /* one was begun since and has not ended well */
};

enum kind { RACE, KEYS, MIXED, KIND_COUNT };

struct world {
	uint64_t      random;
	enum kind     kind;
	unsigned      nodes;
	uint8_t       disk[NODES_MAX * 2 * QD_BLOCK_BYTES];
	struct actor  actors[NODES_MAX + 1];
	bool          known[INSTANCES_MAX];
	nodeset       decided[INSTANCES_MAX];           /* by instance */
	uint64_t      seed;
};

static uint64_t dice(struct world *w, uint64_t sides)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (w->random * 0x2545f4914f6cdd1dull >> 32) % sides;
}

static size_t slot_at(uint32_t node, uint64_t seq)
{
	return (2 * (size_t)(node - 1) + (seq & 1)) * QD_BLOCK_BYTES;
}

static void put_block(struct world *w, uint32_t node, uint64_t seq, const struct pax_block *body)
{
	qd_block_encode(FORMAT, node, seq, body, w->disk + slot_at(node, seq));
}

/* Agreement: whoever names the decision of an instance names the same. */
static void agree(struct world *w, uint64_t instance, nodeset set)
{
	if (instance >= INSTANCES_MAX)
		fail_msg("seed %llu: more instances than a run has", (unsigned long long)w->seed);
	if (w->known[instance] && w->decided[instance] != set)
		fail_msg("seed %llu: instance %llu decided twice", (unsigned long long)w->seed, (unsigned long long)instance);
	w->known[instance] = true;
	w->decided[instance] = set;
}

static void begin_op(struct world *w, uint32_t id);

static void follow(struct world *w, uint32_t id, const struct pax_update *u)
{
	struct actor *a = &w->actors[id];

	switch (u->action) {
	case PAX_READ:
		a->io = READING;
		a->at = 0;
		a->until = 2 * w->nodes;
		return;
	case PAX_WRITE:
		if (u->block.mbal == 0)
			agree(w, u->block.instance - 1, u->block.dec);
		a->io = WRITING;
		a->at = 0;
		a->until = QD_SECTORS;
		a->seq++;
		qd_block_encode(FORMAT, id, a->seq, &u->block, a->block);
		return;
	case PAX_WAIT:
		a->io = WAITING;
		a->at = 0;
		a->until = u->wait * 4;
		return;
	case PAX_BROKEN:
		fail_msg("seed %llu: %s", (unsigned long long)w->seed, u->why);
		return;
	case PAX_GAVE_UP:
		a->io = IDLE;
		return;
	default:
		break;
	}
	a->io = IDLE;
	a->last = u->action;
	a->ops_left--;
	if (u->action == PAX_DONE && a->op == PAX_TAKE) {
		assert_true(nodeset_has(u->keys, id));
		assert_true((u->keys & ~a->keep) == 0);
	}
	if (w->kind == KEYS && a->op == PAX_CHECK && !a->key_open)
		assert_int_equal(nodeset_has(u->keys, id), a->key);     /* nobody but us changes our key */
	if (a->op == PAX_REGISTER || a->op == PAX_UNREGISTER) {
		a->key = a->op == PAX_REGISTER;
		a->key_open = false;
		assert_int_equal(nodeset_has(u->keys, id), a->key);
	}
	if (w->kind == RACE)
		a->over = true;
}

static void begin_op(struct world *w, uint32_t id)
{
	static const enum pax_op keys_ops[] = { PAX_REGISTER, PAX_UNREGISTER, PAX_CHECK };
	struct actor *a = &w->actors[id];
	struct pax_update u;

	if (a->over || a->ops_left == 0) {
		a->over = true;
		return;
	}
	if (w->kind == KEYS)
		a->op = keys_ops[dice(w, 3)];
	if (w->kind == MIXED)
		a->op = (enum pax_op)dice(w, PAX_OP_COUNT);
	if (w->kind == MIXED)
		a->keep = node_bit(id) | dice(w, (uint64_t)1 << w->nodes);
	if (a->op == PAX_REGISTER || a->op == PAX_UNREGISTER)
		a->key_open = true;
	pax_start(&a->pax, id, a->op, a->keep, 1 + dice(w, 1u << 30), &u);
	follow(w, id, &u);
}

static void end_read(struct world *w, uint32_t id)
{
	struct actor *a = &w->actors[id];
	struct pax_blocks blocks;
	struct pax_update u;

	for (uint32_t i = 1; i <= PAX_NODES; i++) {
		uint64_t seq = QD_FIRST_SEQ;
		int r = 0;

		blocks.of[i] = (struct pax_block) { .instance = 1 };
		if (i <= w->nodes)
			r = qd_pair_decode(FORMAT, i, a->area + slot_at(i, 0), &seq, &blocks.of[i], NULL);
		if (r < 0) {
			assert_int_equal(r, -EIO);
			a->io = IDLE;           /* an I/O error ends the operation */
			return;
		}
		if (i == id)
			a->seq = seq;
	}
	pax_step(&a->pax, PAX_EV_BLOCKS, &blocks, &u);
	follow(w, id, &u);
}

static void io_step(struct world *w, uint32_t id)
{
	struct actor *a = &w->actors[id];
	struct pax_update u;

	if (a->io == READING && a->at < a->until)
		memcpy(a->area + a->at * QD_BLOCK_BYTES, w->disk + a->at * QD_BLOCK_BYTES, QD_BLOCK_BYTES);
	if (a->io == READING && a->lies_left && dice(w, 40) == 0) {
		a->lies_left--;
		if (dice(w, 2))
			memset(a->area + a->at * QD_BLOCK_BYTES, 0, QD_BLOCK_BYTES);
		else
			a->area[a->at * QD_BLOCK_BYTES + dice(w, QD_BLOCK_BYTES)] ^= (uint8_t)(1 + dice(w, 255));
	}
	/* The sectors of a block come onto the disk in any order; backwards stands for that. */
	if (a->io == WRITING) {
		size_t n = (a->seq & 2 ? a->at : QD_SECTORS - 1 - a->at) * QD_SECTOR_BYTES;

		memcpy(w->disk + slot_at(id, a->seq) + n, a->block + n, QD_SECTOR_BYTES);
	}
	if (++a->at < a->until)
		return;
	if (a->io == READING) {
		end_read(w, id);
		return;
	}
	pax_step(&a->pax, a->io == WRITING ? PAX_EV_WRITTEN : PAX_EV_WAITED, NULL, &u);
	follow(w, id, &u);
}

static void turn(struct world *w, uint32_t id)
{
	struct actor *a = &w->actors[id];

	if (a->over)
		return;
	if (a->crashes_left && dice(w, 30) == 0) {
		a->crashes_left--;
		a->io = IDLE;           /* it forgets all; a write may stay torn */
		return;
	}
	if (a->io == IDLE)
		begin_op(w, id);
	else
		io_step(w, id);
}

static void setup(struct world *w, uint64_t seed)
{
	nodeset all, side;
	bool faults;

	*w = (struct world) { .random = seed * 0x9e3779b97f4a7c15ull + 1, .seed = seed };
	w->kind = (enum kind)dice(w, KIND_COUNT);
	w->nodes = 2 + (unsigned)dice(w, NODES_MAX - 1);
	faults = dice(w, 3) != 0;
	all = ((nodeset)1 << w->nodes) - 1;
	side = 1 + dice(w, all - 1);
	for (uint32_t id = 1; id <= w->nodes; id++) {
		struct pax_block body = { .instance = 1 };
		struct actor *a = &w->actors[id];

		put_block(w, id, QD_FIRST_SEQ - 1, &body);
		if (w->kind == RACE)
			body = (struct pax_block) { .instance = 2, .dec = all };
		put_block(w, id, QD_FIRST_SEQ, &body);
		a->op = PAX_TAKE;
		a->keep = nodeset_has(side, id) ? side : all & ~side;
		a->ops_left = w->kind == RACE ? 1 : 6;
		a->crashes_left = faults ? (unsigned)dice(w, 6) : 0;
		a->lies_left = faults ? (unsigned)dice(w, 4) : 0;
	}
}

static bool running(const struct world *w)
{
	for (uint32_t id = 1; id <= w->nodes; id++)
		if (!w->actors[id].over)
			return true;
	return false;
}

static void check_race(const struct world *w)
{
	nodeset winners = 0, side = 0;

	for (uint32_t id = 1; id <= w->nodes; id++) {
		const struct actor *a = &w->actors[id];

		assert_true(a->last == PAX_DONE || a->last == PAX_PREEMPTED);
		if (a->last != PAX_DONE)
			continue;
		winners |= node_bit(id);
		if (side && side != a->keep)
			fail_msg("seed %llu: both sides have taken the device", (unsigned long long)w->seed);
		side = a->keep;
	}
	if (winners != side || !side)           /* every node of the side that won is told so */
		fail_msg("seed %llu: winners %llx of side %llx", (unsigned long long)w->seed, (unsigned long long)winners,
			 (unsigned long long)side);
}

/* The set at the end, read without faults. */
static nodeset final_set(struct world *w)
{
	struct actor *a = &w->actors[1];
	struct pax_update u;
	unsigned tries = 0;

	*a = (struct actor) { .op = PAX_CHECK, .ops_left = 1 };
	w->kind = KIND_COUNT;
	pax_start(&a->pax, 1, PAX_CHECK, 0, 1, &u);
	follow(w, 1, &u);
	while (a->io != IDLE && tries++ < 100000)
		io_step(w, 1);
	assert_int_equal(a->last, PAX_DONE);
	for (size_t i = INSTANCES_MAX - 1; i > 0; i--)
		if (w->known[i])
			return w->decided[i];
	return 0;
}

static void check_keys(struct world *w)
{
	bool key[NODES_MAX + 1], open[NODES_MAX + 1];
	nodeset set;

	for (uint32_t id = 1; id <= w->nodes; id++) {
		key[id] = w->actors[id].key;
		open[id] = w->actors[id].key_open;
	}
	set = final_set(w);
	for (uint32_t id = 1; id <= w->nodes; id++)
		if (!open[id] && nodeset_has(set, id) != key[id])
			fail_msg("seed %llu: the registration of node %u is lost", (unsigned long long)w->seed, id);
}

static void run(uint64_t seed)
{
	static struct world w;
	unsigned steps = 0;

	setup(&w, seed);
	while (running(&w)) {
		if (steps++ > STEPS_MAX)
			fail_msg("seed %llu: it does not end", (unsigned long long)seed);
		turn(&w, 1 + (uint32_t)dice(&w, w.nodes));
	}
	if (w.kind == RACE)
		check_race(&w);
	if (w.kind == KEYS)
		check_keys(&w);
}

static uint64_t first_seed = 1, run_count = RUNS;

static void test_interleavings(void **state)
{
	for (uint64_t seed = first_seed; seed < first_seed + run_count; seed++)
		run(seed);
}

/* Alone, an operation needs no luck: so many reads and writes, and that result. */
static void test_alone(void **state)
{
	static const struct {
		const char *what;
		nodeset before;
		enum pax_op op;
		nodeset keep;
		enum pax_action result;
		nodeset after;
		unsigned reads, writes;
	} cases[] = {
		{ "the first key", 0, PAX_REGISTER, 0, PAX_DONE, 1, 3, 3 },
		{ "a key that is there", 3, PAX_REGISTER, 0, PAX_DONE, 3, 1, 0 },
		{ "take from one other", 3, PAX_TAKE, 1, PAX_DONE, 1, 3, 3 },
		{ "take with all there", 3, PAX_TAKE, 3, PAX_DONE, 3, 1, 0 },
		{ "take when removed", 2, PAX_TAKE, 1, PAX_PREEMPTED, 2, 1, 0 },
		{ "take when nobody is there", 0, PAX_TAKE, 1, PAX_PREEMPTED, 0, 1, 0 },
		{ "look", 6, PAX_CHECK, 0, PAX_DONE, 6, 1, 0 },
		{ "the last key goes", 1, PAX_UNREGISTER, 0, PAX_DONE, 0, 3, 3 },
		{ "nothing to unregister", 2, PAX_UNREGISTER, 0, PAX_DONE, 2, 1, 0 },
		{ "all keys go", 7, PAX_SCRUB, 0, PAX_DONE, 0, 3, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pax_blocks blocks;
		unsigned reads = 0, writes = 0;
		struct pax_update u;
		struct pax pax;

		for (uint32_t id = 1; id <= PAX_NODES; id++)
			blocks.of[id] = (struct pax_block) { .instance = 9, .dec = cases[i].before };
		pax_start(&pax, 1, cases[i].op, cases[i].keep, 1, &u);
		while (u.action == PAX_READ || u.action == PAX_WRITE) {
			enum pax_event event = u.action == PAX_READ ? PAX_EV_BLOCKS : PAX_EV_WRITTEN;

			reads += event == PAX_EV_BLOCKS;
			writes += event == PAX_EV_WRITTEN;
			if (event == PAX_EV_WRITTEN)
				blocks.of[1] = u.block;
			pax_step(&pax, event, &blocks, &u);
		}
		if (u.action != cases[i].result || u.keys != cases[i].after || reads != cases[i].reads ||
		    writes != cases[i].writes)
			fail_msg("%s: result %d, set %llx, %u reads, %u writes", cases[i].what, u.action,
				 (unsigned long long)u.keys, reads, writes);
	}
}

/* Blocks that no node writes are found before anything is built on them. */
static void test_contradictions(void **state)
{
	static const struct pax_block bad[] = {
		{ 0 }, { 1, 64, 128, 0, 0 }, { 1, 65, 0, 0, 0 }, { 1, 64, 0, 1, 0 }, { 1, 0, 0, 0, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct pax_blocks blocks;
		struct pax_update u;
		struct pax pax;

		for (uint32_t id = 1; id <= PAX_NODES; id++)
			blocks.of[id] = (struct pax_block) { .instance = 1 };
		blocks.of[1] = bad[i];
		pax_start(&pax, 2, PAX_CHECK, 0, 1, &u);
		pax_step(&pax, PAX_EV_BLOCKS, &blocks, &u);
		assert_int_equal(u.action, PAX_BROKEN);
		assert_non_null(u.why);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_interleavings),
	};

	if (argc > 1)
		first_seed = strtoull(argv[1], NULL, 10);
	if (argc > 1)
		run_count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
