/* One node of the cluster without its edge: cmm, ccr and rgm over the ordered log.  Pure; clusterd wires it to bus, disk,
 * pmfd, failfastd and clients, and the simulator runs N of them in one process.  Life of an event: src/clusterd/README.md. */
#pragma once
#include <jansson.h>

#include "base/err.h"
#include "ccr/ccr.h"
#include "cmm/cmm.h"
#include "rgm/rgm.h"

struct engine_time { uint64_t mono_ms; int64_t wall_ms; };

/* What the shell has to do now, in the order of the members.  Arrays are NULL when empty.  engine_update_done(). */
struct engine_update {
	char    panic[256];             /* not empty: fail fast */
	char    stop[256];              /* not empty: this node cannot join; it runs nothing, so clusterd just ends */
	uint64_t lease_until_ms;        /* CLOCK_MONOTONIC; 0: no lease is held */
	json_t *store;                  /* requests for the disk, strictly in order, each answered by engine_stored():
					 * {"op":"epoch","epoch":N,"keys":mask,"synced":N,"amnesia":bool}, {"op":"mark",...}, and those of ccr_update.store */
	json_t *send;                   /* messages to multicast, in order */
	json_t *device;                 /* {"device":id,"op":"register"|"take"|"check"|"prepare"|"scrub","keep":[ids]}: engine_device() */
	json_t *fence;                  /* {"node":id,"inc":N}: engine_fenced() */
	json_t *run, *kill;             /* rgm_update.run, .kill */
	json_t *answer;                 /* {"client":token,"code":int,"text":str} */
	json_t *notes;                  /* {"tag","level","text"} for the system log */
	json_t *journal;                /* entries */
	uint64_t timer_ms;              /* engine_timer() is due then; 0: never */
	bool    left;                   /* the orderly leave is through: nothing runs here, */
	bool    off;                    /* and the machine is to be switched off */
};
void engine_update_done(struct engine_update *update);

struct engine;
struct engine_config {
	uint32_t self;
	uint64_t incarnation;
	uint64_t epoch, keys, synced;           /* as last stored by an "epoch" request */
	uint32_t level_min, level_max;          /* see cmm_config; 0: as this software is */
};

/* The tables are given first (engine_load), then engine_start() reads the infrastructure table.
 * -ENOENT: it is missing; -EINVAL: it makes no sense or lacks this node. */
struct engine *engine_new(const struct engine_config *config);
/* A table was damaged: this node may join, but does not help to form a cluster. */
void engine_has_amnesia(struct engine *engine);
void engine_load(struct engine *engine, const char *table, uint64_t gen, const json_t *data);
void engine_load_history(struct engine *engine, const json_t *entry, size_t bytes);     /* as ccr_load_history() */
int engine_start(struct engine *engine, struct err *err);
struct engine *engine_free(struct engine *engine);

void engine_view(struct engine *e, struct engine_time now, nodeset view, struct engine_update *u);
void engine_deliver(struct engine *e, struct engine_time now, uint32_t from, const json_t *message, struct engine_update *u);
void engine_stored(struct engine *e, struct engine_time now, const json_t *request, const char *error,
		   struct engine_update *u);
/* A request of update.device has ended.  result: {"result":"ok"|"preempted"|"error","text","keys":[ids]}. */
void engine_device(struct engine *e, struct engine_time now, const json_t *request, const json_t *result,
		   struct engine_update *u);
/* A request of update.fence has ended: error NULL: the node is off, as how says (the agent). */
void engine_fenced(struct engine *e, struct engine_time now, const json_t *request, const char *how, const char *error,
		   struct engine_update *u);
void engine_ran(struct engine *e, struct engine_time now, uint64_t run, const json_t *result, struct engine_update *u);
/* A client's request; answered by update.answer with the same token, now or later. */
void engine_request(struct engine *e, struct engine_time now, int64_t client, const json_t *request, const char *by,
		    struct engine_update *u);
void engine_client_gone(struct engine *e, int64_t client);
/* What this node sees of its networks (netview.h); borrowed.  The others are told. */
void engine_net(struct engine *e, struct engine_time now, const json_t *report, struct engine_update *u);
void engine_timer(struct engine *e, struct engine_time now, struct engine_update *u);
/* Groups off this node, then goodbye; update.left when done. */
void engine_leave(struct engine *e, struct engine_time now, struct engine_update *u);

/* ---- reading ---- */
const struct cmm *engine_cmm(const struct engine *e);
const struct ccr *engine_ccr(const struct engine *e);
const struct rgm *engine_rgm(const struct engine *e);
bool engine_is_ready(const struct engine *e);
uint64_t engine_digest(const struct engine *e);
/* {"cluster","nodes":[..],"quorum":{..},"paths":[..],"ipmp":[..],"groups":[..],"self","president","epoch","waiting_for"} */
json_t *engine_status(const struct engine *e);
