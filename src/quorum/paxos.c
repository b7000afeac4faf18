/* Disk Paxos (E. Gafni, L. Lamport: Disk Paxos, Distributed Computing 16, 2003) with one disk, repeated.
 *
 * The disk has a block for each node, written by that node only.  Any node may read all of them.  The set of registered
 * keys changes by instances of consensus, numbered from 1; what instance i decides is the set after change i.
 *
 *   LOOK      read all; go to the highest instance G that anybody is in, taking over `dec` of one who is there.
 *             When nobody in G has accepted anything, nothing was decided in G before we began to read: dec is the set.
 *             If that settles the operation, it ends here, without a write.
 *   BEGIN     write own block with a new ballot, higher than any seen in G; then read all (BEGUN).
 *   ACCEPT    choose: what was accepted in the highest ballot in G, by anyone, us included; else what we want.
 *             Write it with our ballot; then read all (ACCEPTED).  It is decided if nobody has a higher ballot in G.
 *   PUBLISH   write own block for G + 1 with dec = what was decided.  Then the operation is settled, or it goes on.
 *
 * In BEGUN and ACCEPTED, a block with a higher ballot means we lost this ballot, one with a higher instance that we lag:
 * wait a random time, then LOOK again.
 *
 * Invariants
 *   1. Ballots of two nodes differ (ballot = round * 64 + node - 1), and a node never uses one twice in an instance.
 *   2. A node's block only moves on: (instance, mbal) never falls.
 *   3. In one instance all decisions are equal (agreement): Disk Paxos.  A block of a higher instance holds no ballot of G
 *      any more, but nobody who reads it decides in G: it makes him leave G.  It carries the decision of its instance - 1,
 *      and those before are history.
 *   4. All blocks of one instance have the same dec.  By 3; checked on each read.
 *   5. Every operation is a function of the set, asked at one instant between its start and its end: of the decision that
 *      we made ourselves, or of dec in LOOK.
 *
 * Why two disjoint sides do not both take: say 1 takes keeping A, 2 keeping B.  Each ok names a set in the one sequence of
 * decided sets that holds the taker and nobody outside its side.  A take only ever removes, so after the first of these two
 * sets the other taker's key is gone; it is told "preempted", unless it was registered again in between. */
#include "quorum/paxos.h"

#define WAIT_DOUBLINGS_MAX 5            /* up to 2^5 disk accesses */
#define PATIENT_TRIES      6            /* a check lets a change that is under way come to its end first */

enum verdict { HAPPENED, REFUSED, CHANGE };

static bool has(nodeset set, uint32_t node) { return nodeset_has(set, node); }

/* What the operation makes of a set.  CHANGE: *ret_want is to be decided. */
static enum verdict judge(const struct pax *pax, nodeset set, nodeset *ret_want)
{
	nodeset own = node_bit(pax->self), want[PAX_OP_COUNT] = {
		[PAX_REGISTER] = set | own,
		[PAX_TAKE] = set & pax->keep,
		[PAX_CHECK] = set,
		[PAX_UNREGISTER] = set & ~own,
		[PAX_SCRUB] = 0,
	};

	*ret_want = want[pax->op];
	if (pax->op == PAX_TAKE && !has(set, pax->self))
		return REFUSED;
	return want[pax->op] == set ? HAPPENED : CHANGE;
}

static void end(struct pax *pax, enum pax_action action, nodeset keys, struct pax_update *u)
{
	pax->phase = PAX_ENDED;
	u->action = action;
	u->keys = keys;
}

static void broken(struct pax *pax, const char *why, struct pax_update *u)
{
	u->why = why;
	end(pax, PAX_BROKEN, 0, u);
}

static void look(struct pax *pax, struct pax_update *u)
{
	pax->phase = PAX_LOOK;
	u->action = PAX_READ;
}

/* xorshift64*: quick, and good enough to keep two nodes apart. */
static uint64_t next_random(struct pax *pax)
{
	pax->random ^= pax->random >> 12;
	pax->random ^= pax->random << 25;
	pax->random ^= pax->random >> 27;
	return pax->random * 0x2545f4914f6cdd1dull;
}

static void pause_or_give_up(struct pax *pax, struct pax_update *u)
{
	if (++pax->tries > PAX_TRIES_MAX) {
		end(pax, PAX_GAVE_UP, 0, u);
		return;
	}
	pax->phase = PAX_PAUSE;
	u->action = PAX_WAIT;
	u->wait = 1 + (unsigned)(next_random(pax) >> 33) % (2u << MIN(pax->tries, (unsigned)WAIT_DOUBLINGS_MAX));
}

static void write_own(struct pax *pax, enum pax_phase phase, struct pax_update *u)
{
	pax->phase = phase;
	u->action = PAX_WRITE;
	u->block = pax->own;
}

/* What cannot be true of blocks that were written by these rules.  NULL: nothing. */
static const char *contradiction(const struct pax_blocks *blocks)
{
	for (uint32_t i = 1; i <= PAX_NODES; i++) {
		const struct pax_block *a = &blocks->of[i];

		if (a->instance == 0 || a->bal > a->mbal || (a->mbal && a->mbal % PAX_NODES != i - 1) || (!a->bal && a->inp))
			return "the block of a node holds what no node writes";
		for (uint32_t k = 1; k < i; k++) {
			const struct pax_block *b = &blocks->of[k];

			if (a->instance == b->instance && a->dec != b->dec)
				return "two nodes tell different histories";
		}
	}
	return NULL;
}

struct view { uint64_t instance, mbal, bal; nodeset dec, inp; };

/* The highest instance, and in it the highest ballot begun, and the highest accepted with its value. */
static struct view view_of(const struct pax_blocks *blocks)
{
	struct view v = { 0 };

	for (uint32_t i = 1; i <= PAX_NODES; i++) {
		const struct pax_block *b = &blocks->of[i];

		if (b->instance > v.instance)
			v = (struct view) { .instance = b->instance, .dec = b->dec };
		if (b->instance < v.instance)
			continue;
		v.mbal = MAX(v.mbal, b->mbal);
		if (b->bal > v.bal) {
			v.bal = b->bal;
			v.inp = b->inp;
		}
	}
	return v;
}

static void on_look(struct pax *pax, const struct pax_blocks *blocks, struct pax_update *u)
{
	struct view v = view_of(blocks);
	nodeset want;
	enum verdict verdict = judge(pax, v.dec, &want);

	pax->own = blocks->of[pax->self];
	if (pax->own.instance < v.instance)
		pax->own = (struct pax_block) { .instance = v.instance, .dec = v.dec };
	pax->open = pax->open && pax->own.bal > 0;
	if (v.bal == 0 && verdict != CHANGE) {
		end(pax, verdict == HAPPENED ? PAX_DONE : PAX_PREEMPTED, v.dec, u);
		return;
	}
	if (pax->op == PAX_CHECK && pax->tries < PATIENT_TRIES) {
		pause_or_give_up(pax, u);
		return;
	}
	pax->own.mbal = (v.mbal / PAX_NODES + 1) * PAX_NODES + pax->self - 1;
	write_own(pax, PAX_BEGIN, u);
}

static bool lost(const struct pax *pax, const struct view *v)
{
	return v->instance > pax->own.instance || v->mbal > pax->own.mbal;
}

static void on_begun(struct pax *pax, const struct pax_blocks *blocks, struct pax_update *u)
{
	struct view v = view_of(blocks);

	if (lost(pax, &v)) {
		pause_or_give_up(pax, u);
		return;
	}
	if (v.bal > 0)
		pax->own.inp = v.inp;
	else
		(void)judge(pax, v.dec, &pax->own.inp);         /* only what we want of it matters here */
	pax->own.bal = pax->own.mbal;
	pax->open = true;
	write_own(pax, PAX_ACCEPT, u);
}

static void on_accepted(struct pax *pax, const struct pax_blocks *blocks, struct pax_update *u)
{
	struct view v = view_of(blocks);

	if (lost(pax, &v)) {
		pause_or_give_up(pax, u);
		return;
	}
	pax->decided = pax->own.inp;
	pax->open = false;
	pax->own = (struct pax_block) { .instance = pax->own.instance + 1, .dec = pax->decided };
	write_own(pax, PAX_PUBLISH, u);
}

static void on_blocks(struct pax *pax, const struct pax_blocks *blocks, struct pax_update *u)
{
	static void (*const on[PAX_PHASE_COUNT])(struct pax *, const struct pax_blocks *, struct pax_update *) = {
		[PAX_LOOK] = on_look, [PAX_BEGUN] = on_begun, [PAX_ACCEPTED] = on_accepted,
	};
	const struct pax_block *now = &blocks->of[pax->self];
	const char *why = contradiction(blocks);

	assert(on[pax->phase]);
	/* The own block is what we wrote last, or somebody else writes in our name, or the disk has lost it. */
	if (!why && pax->phase != PAX_LOOK && (now->instance != pax->own.instance || now->mbal != pax->own.mbal ||
					       now->bal != pax->own.bal || now->inp != pax->own.inp))
		why = "the block of this node is not what it wrote";
	if (why)
		broken(pax, why, u);
	else
		on[pax->phase](pax, blocks, u);
}

static void on_published(struct pax *pax, struct pax_update *u)
{
	nodeset want;
	enum verdict verdict = judge(pax, pax->decided, &want);

	if (verdict == CHANGE)
		look(pax, u);           /* what we decided was the proposal of another */
	else
		end(pax, verdict == HAPPENED ? PAX_DONE : PAX_PREEMPTED, pax->decided, u);
}

static void on_written(struct pax *pax, struct pax_update *u)
{
	static const enum pax_phase then[PAX_PHASE_COUNT] = { [PAX_BEGIN] = PAX_BEGUN, [PAX_ACCEPT] = PAX_ACCEPTED };

	if (pax->phase == PAX_PUBLISH) {
		on_published(pax, u);
		return;
	}
	assert(then[pax->phase]);
	pax->phase = then[pax->phase];
	u->action = PAX_READ;
}

void pax_start(struct pax *pax, uint32_t self, enum pax_op op, nodeset keep, uint64_t seed, struct pax_update *ret_update)
{
	assert(self >= 1 && self <= PAX_NODES);
	assert(op < PAX_OP_COUNT && (op != PAX_TAKE || has(keep, self)));
	*pax = (struct pax) { .self = self, .op = op, .keep = keep, .random = seed | 1 };
	*ret_update = (struct pax_update) { 0 };
	look(pax, ret_update);
}

void pax_step(struct pax *pax, enum pax_event event, const struct pax_blocks *blocks, struct pax_update *ret_update)
{
	*ret_update = (struct pax_update) { 0 };
	assert(event < PAX_EV_COUNT && pax->phase != PAX_ENDED);
	if (event == PAX_EV_BLOCKS) {
		on_blocks(pax, blocks, ret_update);
	} else if (event == PAX_EV_WRITTEN) {
		on_written(pax, ret_update);
	} else {
		assert(pax->phase == PAX_PAUSE);
		look(pax, ret_update);
	}
}

bool pax_open(const struct pax *pax)
{
	return pax->open;
}
