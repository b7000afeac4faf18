/* Cluster membership monitor: who is the cluster, by the votes of nodes and quorum devices.  Pure: events carry the time,
 * updates say what to do.  Design, invariants and the life of an event: src/cmm/README.md. */
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

#define CMM_DEVICE_ID_MAX 32            /* quorum devices have ids 1..32 */
#define CMM_LEVEL 1                     /* what this software can do; see README.md, rolling upgrade */

struct cmm_device_config {
	char     name[64];                              /* "": there is none of this id */
	uint32_t votes;                                 /* as configured now: usually N-1 for N ports; 0 in maintenance */
	nodeset  ports;                                 /* nodes that are connected to it */
	bool     enabled;                               /* false: nobody touches it */
	bool     data;                                  /* no quorum device but a shared disk: has no votes, and is fenced */
};

/* What may change while a node runs: the infrastructure table in numbers (config.c reads it). */
struct cmm_votes {
	uint64_t generation;                            /* of the table; of two nodes that boot the newer one counts */
	nodeset  configured;
	uint32_t node[CMM_NODE_ID_MAX + 1];             /* votes; index 0 unused */
	struct cmm_device_config device[CMM_DEVICE_ID_MAX + 1];
	nodeset  fence;                                 /* nodes that can be fenced by an agent */
	uint32_t takeover_highest_ms;                   /* the longest takeover_time that there ever was; 0: the one there is */
	bool     fence_required;                        /* a lost one of them is dead only when it is fenced */
};

struct cmm_config {
	uint32_t self;
	uint64_t incarnation;                           /* distinguishes boots of this node */
	uint64_t epoch;                                 /* the newest epoch on the disk; 0: none */
	uint64_t keys;                                  /* on the disk with it: devices (bit id) where this node's key may be used, */
	uint64_t synced;                                /* the newest epoch whose configuration is on this disk; 0: none ever was, */
	bool     amnesia;                               /* and: some of the configuration was lost since */
	uint32_t level_min, level_max;                  /* 0, 0: CMM_LEVEL */
	struct cmm_votes votes;
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
	uint32_t level;                 /* the lowest that a member can do */
	uint64_t held;                  /* quorum devices (bit id) that this membership held when it was agreed */
	struct cmm_member member[CMM_NODE_ID_MAX + 1];
};

enum cmm_event_type {
	CMM_EV_VIEW,            /* the bus: the machines of these nodes hear each other from here on in the log */
	CMM_EV_MESSAGE,         /* a message whose type is one of cmm's */
	CMM_EV_STORED,          /* the record of update.store is durable, or could not be made so */
	CMM_EV_DEVICE,          /* an operation of update.device has ended: it has no further effect */
	CMM_EV_FENCED,          /* an order of update.fence has ended */
	CMM_EV_RESTORED,        /* the configuration of the epoch in force is on its way to the disk; what is stored from here on is newer */
	CMM_EV_SYNCED,          /* this node has applied the snapshot and stored what it brought */
	CMM_EV_LEAVE,           /* this node is to leave in order */
	CMM_EV_TIMER,
	CMM_EV_COUNT
};

/* What is asked of a quorum device; meaning and guarantees: src/cmm/README.md. */
enum cmm_device_op { DEVICE_NOTHING, DEVICE_REGISTER, DEVICE_TAKE, DEVICE_CHECK, DEVICE_OP_COUNT };
enum cmm_device_result { DEVICE_OK, DEVICE_PREEMPTED, DEVICE_ERROR };
extern const char *const cmm_device_op_names[DEVICE_OP_COUNT];

struct cmm_device_request { uint32_t device; enum cmm_device_op op; nodeset keep; };    /* keep: TAKE */

struct cmm_event {
	enum cmm_event_type type;
	uint64_t now_ms;                /* CLOCK_MONOTONIC */
	nodeset  view;                  /* VIEW */
	uint32_t from;                  /* MESSAGE */
	const json_t *message;          /* MESSAGE */
	uint64_t epoch, keys;           /* STORED */
	const char *error;              /* STORED, FENCED, DEVICE: NULL or why not */
	uint32_t device;                /* DEVICE */
	enum cmm_device_op op;          /* DEVICE */
	enum cmm_device_result result;  /* DEVICE */
	nodeset  keys_seen;             /* DEVICE: whose keys are on it */
	int64_t  wall_ms;               /* DEVICE: when that was, for people */
	uint32_t node;                  /* FENCED */
	uint64_t incarnation;           /* FENCED */
	const char *how;                /* FENCED: "fence_ipmilan", for people */
};

/* What the caller has to do now, in this order: store before send, panic before all.  Release with cmm_update_done(). */
struct cmm_update {
	char     panic[256];            /* not empty: fail fast with this reason */
	bool     store;                 /* make epoch and keys durable together, then CMM_EV_STORED */
	uint64_t store_epoch, store_keys, store_synced;
	bool     store_amnesia;
	json_t  *send;                  /* array of messages to multicast, in order; NULL: none */
	uint64_t lease_until_ms;        /* the lease of this node; 0: holds none */
	uint64_t timer_ms;              /* CMM_EV_TIMER is due then; 0: never */
	struct cmm_device_request device[CMM_DEVICE_ID_MAX];    /* device_count of them, one at a time for each device */
	size_t   device_count;
	nodeset  fence;                 /* see to it that these nodes are off, see cmm_lost_incarnation(); then CMM_EV_FENCED */
	bool     view_changed;          /* see cmm_view(); by CMM_EV_VIEW, or by the eviction of a silent node */
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

/* The infrastructure table changed, at this place in the log.  For safety, two configurations that follow each other may
 * differ by one vote only, see cmm_votes_distance(). */
void cmm_configure(struct cmm *cmm, const struct cmm_votes *votes);
/* How many votes have to be added or taken away to come from one configuration to the other. */
uint32_t cmm_votes_distance(const struct cmm_votes *from, const struct cmm_votes *to);
/* What runs here decides who has the head start in a race for a device: nodes with services, as this member knows it. */
void cmm_set_serving(struct cmm *cmm, nodeset serving);
/* The engine's part of the hello message (CCR generations); borrowed, copied. */
void cmm_set_hello_extra(struct cmm *cmm, const json_t *extra);
/* Nodes of the current view whose configuration is the newest of all, as their hellos say. */
nodeset cmm_newest(const struct cmm *cmm);
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
const struct cmm_votes *cmm_config_votes(const struct cmm *cmm);
const struct cmm_timers *cmm_timers(const struct cmm *cmm);     /* in force here: those of the cluster once this node is in it */

/* What would become of `side` if the members were parted, those in it hearing each other and nobody else?  others: who lives
 * outside it; who is in neither has died.  By the rules that members follow (split.c). */
enum cmm_fate { FATE_GOES_ON, FATE_TAKES_DEVICE, FATE_RACES, FATE_ENDS, FATE_COUNT };
extern const char *const cmm_fate_names[FATE_COUNT];
struct cmm_side {
	enum cmm_fate fate;
	bool     favoured;              /* RACES: asks for the device first */
	uint32_t node_votes, device_votes, reachable_votes, needed;     /* held for sure; what it could win beside them */
	uint64_t decided_by;            /* TAKES_DEVICE, RACES: devices (bit id) that it has to win */
};
struct cmm_side cmm_side(const struct cmm *cmm, nodeset side, nodeset others);

struct cmm_device_view {
	bool     held;                  /* its votes count for this view */
	nodeset  keyed;                 /* whose keys may be on it, as agreed */
	nodeset  good;                  /* whose keys are there and may be used, as they have said */
	nodeset  seen;                  /* whose keys this node saw there when it looked last */
	int64_t  proved_ms;             /* wall clock of the last operation that worked here; 0: none since this node booted */
	const char *why;                /* what is wrong with it, as this node sees it; "": nothing */
};
struct cmm_device_view cmm_device(const struct cmm *cmm, uint32_t id);
uint64_t cmm_lost_incarnation(const struct cmm *cmm, uint32_t id);      /* 0: any */
/* An order to fence is void when the node is back, dead by now, or this node does not preside any more: end the agent. */
bool cmm_fence_wanted(const struct cmm *cmm, uint32_t id, uint64_t incarnation);
uint64_t cmm_heard_ms(const struct cmm *cmm, uint32_t id);      /* last beat of that node; 0: never */
/* failfastd ends this machine when the lease does; a thawed node must not act on anything before that process has run. */
#define CMM_LEASE_OVER "CMM: The lease of this node ran out; aborting."
bool cmm_lease_is_over(const struct cmm *cmm, uint64_t now_ms);
/* Snapshot for joiners: lost nodes.  Restoring counts their silence from now. */
json_t  *cmm_snapshot(const struct cmm *cmm);
void     cmm_restore(struct cmm *cmm, const json_t *snapshot, uint64_t now_ms);
/* What this node is waiting for, one sentence for the operator; caller frees; NULL: nothing. */
char    *cmm_waiting_for(const struct cmm *cmm);
