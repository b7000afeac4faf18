/* The keys on a quorum disk: a set of nodes that all nodes change by Disk Paxos.  Pure: no disk, no clock, no log.
 * Design, invariants and proof: at the top of paxos.c and in README.md. */
#pragma once
#include "cmm/cmm.h"

#define PAX_NODES     CMM_NODE_ID_MAX
#define PAX_TRIES_MAX 64                /* lost to others that often in one operation: it gives up */

/* What a node writes into its own place on the disk, always as a whole. */
struct pax_block {
	uint64_t instance;              /* which change of the set this is about; 1 for the first */
	uint64_t mbal;                  /* the highest ballot that this node has begun; 0: none */
	uint64_t bal;                   /* the ballot in which it accepted inp; 0: none */
	nodeset  inp;                   /* what it accepted */
	nodeset  dec;                   /* the set that was decided in instance - 1; before the first: empty */
};
struct pax_blocks { struct pax_block of[PAX_NODES + 1]; };      /* by node id; index 0 is not used */

enum pax_op { PAX_REGISTER, PAX_TAKE, PAX_CHECK, PAX_UNREGISTER, PAX_SCRUB, PAX_OP_COUNT };

enum pax_event { PAX_EV_BLOCKS, PAX_EV_WRITTEN, PAX_EV_WAITED, PAX_EV_COUNT };

enum pax_action {
	PAX_READ,                       /* read the blocks of all nodes, then PAX_EV_BLOCKS */
	PAX_WRITE,                      /* write block to the own place; when it is durable PAX_EV_WRITTEN */
	PAX_WAIT,                       /* wait that many times the time of a disk access, then PAX_EV_WAITED */
	PAX_DONE,                       /* it happened; keys: the set as it was at one instant of this operation */
	PAX_PREEMPTED,                  /* a take found the own key removed */
	PAX_GAVE_UP,                    /* others were faster PAX_TRIES_MAX times */
	PAX_BROKEN,                     /* the blocks contradict each other; why says how */
	PAX_ACTION_COUNT
};

struct pax_update {
	enum pax_action  action;
	struct pax_block block;
	unsigned         wait;
	nodeset          keys;
	const char      *why;
};

enum pax_phase { PAX_LOOK, PAX_BEGIN, PAX_BEGUN, PAX_ACCEPT, PAX_ACCEPTED, PAX_PUBLISH, PAX_PAUSE, PAX_ENDED, PAX_PHASE_COUNT };

/* One operation of one node, from start to end. */
struct pax {
	uint32_t         self;
	enum pax_op      op;
	nodeset          keep;
	enum pax_phase   phase;
	struct pax_block own;           /* as it is on the disk, or is being written */
	nodeset          decided;       /* in PAX_PUBLISH */
	unsigned         tries;
	uint64_t         random;        /* state of the generator */
	bool             open;          /* own holds a proposal of this operation that nobody may have decided yet */
};

/* keep: for PAX_TAKE; must hold self.  Whoever gives up in the middle calls nothing: the next operation reads anew. */
void pax_start(struct pax *pax, uint32_t self, enum pax_op op, nodeset keep, uint64_t seed, struct pax_update *ret_update);
/* blocks: with PAX_EV_BLOCKS, each of them read after the last update; else NULL. */
void pax_step(struct pax *pax, enum pax_event event, const struct pax_blocks *blocks, struct pax_update *ret_update);
/* True when an operation that stops now, by an error, may still take effect when somebody decides what it proposed. */
bool pax_open(const struct pax *pax);
