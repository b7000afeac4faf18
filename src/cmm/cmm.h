/* Cluster membership monitor: who is the cluster, by votes.  Pure: events carry the time, updates say what to do.
 * Design, invariants and the life of an event: src/cmm/README.md. */
#pragma once
#include <jansson.h>

#include "base/err.h"
#include "cmm/timers.h"

#define CMM_NODE_ID_MAX 64              /* node ids are 1..64 */
typedef uint64_t nodeset;               /* bit id-1 */

static inline nodeset node_bit(uint32_t id) { return (nodeset)1 << (id - 1); }
static inline bool nodeset_has(nodeset set, uint32_t id) { return id >= 1 && id <= CMM_NODE_ID_MAX && (set & node_bit(id)); }
/* for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id)) */
uint32_t nodeset_next(nodeset set, uint32_t after);     /* the next id above after; 0: no more */
json_t  *nodeset_to_json(nodeset set);
nodeset  nodeset_from_json(const json_t *array);

struct cmm_config {
	uint32_t self;
	uint64_t incarnation;                           /* distinguishes boots of this node */
	uint64_t epoch;                                 /* the newest epoch on the disk; 0: none */
	uint32_t votes[CMM_NODE_ID_MAX + 1];            /* of each configured node; index 0 unused */
	nodeset  configured;
	struct cmm_timers timers;
};

struct cmm_member { uint64_t incarnation, since; bool ready; };        /* since: epoch at which it became a member */

/* The agreed membership.  ready: has the whole state, may run services, votes on commits. */
struct cmm_membership {
	uint64_t epoch;
	nodeset  members, ready, lost;  /* lost: was ready, is gone, and may still run services */
	uint32_t sponsor;               /* proposed this epoch; sends the snapshot to those who are not ready */
	uint32_t president;             /* longest-standing ready member, lowest id breaks a tie; 0: none yet */
	bool     formed;                /* this epoch formed a new cluster: nobody was ready before it */
	struct cmm_member member[CMM_NODE_ID_MAX + 1];
};

enum cmm_event_type {
	CMM_EV_VIEW,            /* the bus: these nodes hear each other from here on in the log */
	CMM_EV_MESSAGE,         /* a message whose type is one of cmm's */
	CMM_EV_STORED,          /* the epoch of update.store_epoch is durable, or could not be made so */
	CMM_EV_SYNCED,          /* this node has applied the snapshot and stored what it brought */
	CMM_EV_LEAVE,           /* this node is to leave in order */
	CMM_EV_TIMER,
	CMM_EV_COUNT
};

struct cmm_event {
	enum cmm_event_type type;
	uint64_t now_ms;                /* CLOCK_MONOTONIC */
	nodeset  view;                  /* VIEW */
	uint32_t from;                  /* MESSAGE */
	const json_t *message;          /* MESSAGE */
	uint64_t epoch;                 /* STORED */
	const char *error;              /* STORED: NULL or why not */
};

/* What the caller has to do now, in this order: store before send, panic before all.  Release with cmm_update_done(). */
struct cmm_update {
	char     panic[256];            /* not empty: fail fast with this reason */
	uint64_t store_epoch;           /* not 0: make it durable, then CMM_EV_STORED */
	json_t  *send;                  /* array of messages to multicast, in order; NULL: none */
	uint64_t lease_until_ms;        /* the lease of this node; 0: holds none */
	uint64_t timer_ms;              /* CMM_EV_TIMER is due then; 0: never */
	bool     activated;             /* a new epoch is in force, see cmm_membership() */
	uint32_t became_ready;          /* this node is ready from here on in the log */
	json_t  *notes;                 /* array of sentences for the system log; NULL: none */
};

struct cmm;
struct cmm *cmm_new(const struct cmm_config *config);
struct cmm *cmm_free(struct cmm *cmm);
static inline void cmm_freep(struct cmm **cmm) { cmm_free(*cmm); }

bool cmm_owns_message(const char *type);
void cmm_step(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *ret_update);
void cmm_update_done(struct cmm_update *update);

/* New configured nodes or votes (the infrastructure table changed). */
void cmm_configure(struct cmm *cmm, nodeset configured, const uint32_t votes[CMM_NODE_ID_MAX + 1]);
/* The engine's part of the hello message (CCR generations); borrowed, copied. */
void cmm_set_hello_extra(struct cmm *cmm, const json_t *extra);
/* "extra" of the hello that node id sent in the current view; NULL when it has not come yet. */
const json_t *cmm_hello_extra(const struct cmm *cmm, uint32_t id);

const struct cmm_membership *cmm_membership(const struct cmm *cmm);
bool     cmm_is_ready(const struct cmm *cmm);
bool     cmm_is_president(const struct cmm *cmm);
nodeset  cmm_view(const struct cmm *cmm);
uint32_t cmm_votes_possible(const struct cmm *cmm);
uint32_t cmm_votes_needed(const struct cmm *cmm);
uint32_t cmm_votes_present(const struct cmm *cmm);       /* of the current view */
uint32_t cmm_votes(const struct cmm *cmm, uint32_t id);  /* of one node; 0 when it is not configured */
uint64_t cmm_heard_ms(const struct cmm *cmm, uint32_t id);      /* last beat of that node; 0: never */
/* Snapshot for joiners: lost nodes.  Restoring counts their silence from now. */
json_t  *cmm_snapshot(const struct cmm *cmm);
void     cmm_restore(struct cmm *cmm, const json_t *snapshot, uint64_t now_ms);
/* What this node is waiting for, one sentence for the operator; caller frees; NULL: nothing. */
char    *cmm_waiting_for(const struct cmm *cmm);
