/* A cluster of rgm objects in one process, over one log and a clock that moves only when it is told to: what would happen if?
 * The objects are those that run in clusterd, so nothing is decided here.  Behind "cluster simulate", --dry-run and the
 * scenarios of tests/scenarios.  Pure.
 *
 * What it leaves out: messages take no time, commits always succeed, Init, Fini and Boot that were under way have ended, a method
 * that was under way begins anew, requests that others have open are not known. */
#pragma once
#include <jansson.h>

#include "base/err.h"
#include "cmm/cmm.h"

struct rgm;
struct rehearsal;

struct rehearsal_run { uint32_t node; const char *node_name, *rg, *rs, *method; int64_t timeout_s; };
struct rehearsal_end {
	int64_t ms;             /* how long it takes */
	bool    measured;       /* that is known, not assumed; told on with the facts */
	int     exit;
	bool    timed_out;
};

struct rehearsal_config {
	int64_t  wall_ms;       /* the clock at the beginning */
	uint32_t detect_ms;     /* a node that dies is missed after this, */
	uint32_t takeover_ms;   /* and known to be dead after this */
	/* How a method ends that begins now; *ret is 0 before. */
	void   (*method)(void *ctx, const struct rehearsal_run *run, struct rehearsal_end *ret);
	void    *ctx;
};

struct rehearsal *rehearsal_new(const struct rehearsal_config *config);
struct rehearsal *rehearsal_free(struct rehearsal *rehearsal);
static inline void rehearsal_freep(struct rehearsal **rehearsal) { rehearsal_free(*rehearsal); }

/* Before the beginning: the tables of the configuration.  data: borrowed. */
void rehearsal_table(struct rehearsal *r, const char *table, uint64_t gen, const json_t *data);
/* The beginning, either of a new cluster of these nodes, or from what rgm_snapshot() says.  -EINVAL: a table makes no sense;
 * -EAGAIN: the cluster is not formed, so nothing can be said yet. */
int  rehearsal_form(struct rehearsal *r, nodeset members, struct err *err);
int  rehearsal_adopt(struct rehearsal *r, const json_t *snapshot, struct err *err);

/* ---- events ---- */
void rehearsal_lose(struct rehearsal *r, nodeset nodes);        /* they die, at once */
void rehearsal_leave(struct rehearsal *r, uint32_t node);       /* in order: as when clusterd is asked to stop there */
void rehearsal_join(struct rehearsal *r, uint32_t node);
/* As a client of that node asks it; returns the number of the request: in the fact "answer". */
int64_t rehearsal_request(struct rehearsal *r, uint32_t from, const json_t *request, const char *by);
/* A change of a table that somebody else commits. */
void rehearsal_commit(struct rehearsal *r, const char *table, const json_t *data);

/* The next thing that is due happens, and all that follows at once; false: nothing is under way. */
bool rehearsal_step(struct rehearsal *r);
/* Time passes, with all that is due within it. */
void rehearsal_wait(struct rehearsal *r, int64_t ms);
/* Until nothing is under way.  -ELOOP: that does not end. */
int  rehearsal_settle(struct rehearsal *r, struct err *err);

/* ---- what happened: an array, borrowed, in order.  Each has "at" (ms since the beginning) and "e":
 *   node     node, state: "dies" "lost" "dead" "joins" "left" "stays" "panics", text
 *   decision rg, do, node | nodes, rs, why          names of nodes
 *   run      node, rg, rs, method, ms, measured     ran: the same with "ok", "timed_out"
 *   group    rg, node, state                        resource  rg, rs, node, state
 *   answer   request, code, text ---- */
const json_t *rehearsal_facts(const struct rehearsal *r);
int64_t rehearsal_now(const struct rehearsal *r);               /* ms since the beginning */
nodeset rehearsal_members(const struct rehearsal *r);
/* The state as a member has it; NULL: none is left. */
const struct rgm *rehearsal_rgm(const struct rehearsal *r);
