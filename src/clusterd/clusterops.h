/* Requests that change the cluster itself: nodes' votes, quorum devices, disks with data, properties.  At the president, pure.  Each works
 * towards a goal, the infrastructure table as it is wanted, in commits that differ by one vote at most (see
 * cmm_votes_distance(); several at once could make two halves quorate that do not know the same configuration). */
#pragma once
#include <jansson.h>

#include "ccr/ccr.h"
#include "cmm/cmm.h"

struct clusterops;
struct clusterops *clusterops_new(uint32_t self);
struct clusterops *clusterops_free(struct clusterops *ops);

/* What it works with, at this place in the log. */
struct clusterops_context {
	const struct cmm *cmm;
	const json_t *table;            /* infrastructure */
	const struct ccr *ccr;          /* the other tables; NULL: there are none */
	uint64_t generation;
	uint64_t now_ms;
};
struct clusterops_update {
	json_t *send;                   /* messages, in order */
	json_t *commit;                 /* {"tx","table","data","by","cmd","base"} */
	uint64_t due_ms;                /* clusterops_advance() has something to do then; 0: never */
};

bool clusterops_owns_request(const char *op);
bool clusterops_owns_message(const char *type);
/* A request (an rgm.req message), at the president. */
void clusterops_request(struct clusterops *ops, uint32_t from, const json_t *message, uint64_t now_ms);
/* "co.*": every member.  ret_work: what this node has to do on a device, a request of engine_update.device that engine_device()
 * answers (caller decrefs); NULL: nothing. */
void clusterops_apply(struct clusterops *ops, const json_t *message, json_t **ret_work);
/* The message that tells of the end of such work; error NULL: it worked.  NULL: it is no such work. */
json_t *clusterops_worked(const json_t *work, const char *error);
void clusterops_committed(struct clusterops *ops, const char *tx, const char *error);
/* The president calls it after each event; one that presides no more calls clusterops_drop(). */
void clusterops_advance(struct clusterops *ops, const struct clusterops_context *context, struct clusterops_update *update);
void clusterops_drop(struct clusterops *ops);
