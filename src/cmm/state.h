/* The state of the membership monitor, shared by cmm.c (views, epochs), lease.c, lost.c and quorum.c (quorum devices).
 * Private to src/cmm. */
#pragma once
#include "base/json.h"
#include "cmm/cmm.h"

#define BEATS_KEPT 256u         /* send times remembered; an older beat that is confirmed late renews nothing */
#define FOR_EACH_NODE(id, set) for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))
#define FOR_EACH_DEVICE(cmm, id) \
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) \
		if ((cmm)->config.votes.device[id].name[0])

/* This node's own key on a device.  Drawn in README.md. */
enum key_state {
	KEY_UNKNOWN,            /* may be used as far as the disk here knows; not looked at since this node joined */
	KEY_BAD,                /* may not be used */
	KEY_CLEARING,           /* that it may not be used is on its way to the disk here */
	KEY_CLEARED,            /* and is there: it may be put on the device again */
	KEY_REGISTERING,
	KEY_SAID,               /* on the device; the members are being told */
	KEY_TOLD,               /* they are told at this place in the log; waiting until all have said something since */
	KEY_SAVING,             /* that it may be used is on its way to the disk here */
	KEY_GOOD,
};

struct device {
	/* the same for all who go through the log together */
	bool     held;          /* no key outside keyed is on it, and keyed is within the membership */
	nodeset  keyed;         /* at least those whose key may be on it and be used */
	nodeset  good;          /* those who have said that theirs is there and may be used; for people and for patience */
	bool     asked;         /* in this view */
	nodeset  waiting;       /* those who have not answered yet */
	/* this node's */
	enum key_state key;
	uint64_t said_good_view;        /* the view in which it told that its key can be used */
	uint64_t key_beat;      /* KEY_TOLD: a beat of this node that all have to confirm */
	enum cmm_device_op busy;/* the operation under way; the device does one at a time */
	uint64_t busy_view;     /* and the view it is for */
	bool     want_take;
	bool     taken;         /* by somebody, since it was asked for */
	uint64_t asked_ms;      /* a shared disk: when this president asked for it in this view; 0: it has not */
	uint64_t retry_ms;      /* after an error, not before this time */
	uint64_t check_due_ms;
	int64_t  proved_ms;
	nodeset  seen;          /* whose keys were on it then */
	char     why[200];
};

struct cmm {
	struct cmm_config config;
	struct cmm_membership membership;
	json_t  *extra;
	uint64_t start_ms;

	nodeset  view;
	uint64_t views;                 /* counts them */
	uint64_t view_ms;               /* when this one came */
	bool     favoured;              /* in a race for a device this view need not wait */
	nodeset  serving;
	uint64_t spoke[CMM_NODE_ID_MAX + 1];    /* messages of that node that the log brought in this view */
	uint64_t spoke_ms[CMM_NODE_ID_MAX + 1]; /* the last one; at first: when the view came */
	nodeset  greeted;               /* said hello in this view, configured or not */
	nodeset  evict_sent;            /* by this node, on the way */
	nodeset  evicted;               /* of the view of the bus, but not of this one */
	nodeset  together;              /* were in every view here since the epoch in force was agreed */
	uint64_t possible_since_ms;     /* views could have been quorate since; 0: not */
	json_t  *hello[CMM_NODE_ID_MAX + 1];
	bool     asked;                 /* for the devices, by this node, in this view */
	uint64_t ask_again_ms;

	json_t  *proposal;              /* the epoch message that is being stored; NULL: none */
	uint32_t proposal_from;
	nodeset  stored;                /* who has */
	bool     proposed;              /* this node has proposed in this view */
	bool     in_force;              /* the epoch in force was agreed in this view */
	bool     synced;                /* this node has the state of the epoch, but has not said ready yet */

	struct device device[CMM_DEVICE_ID_MAX + 1];
	uint64_t keys, storing_epoch, synced_epoch;     /* on the disk, or on their way there */
	bool     amnesia;

	uint64_t beat, beat_due_ms;
	uint64_t sent_ms[BEATS_KEPT];
	uint64_t heard_beat[CMM_NODE_ID_MAX + 1], heard_ms[CMM_NODE_ID_MAX + 1];
	uint64_t confirmed[CMM_NODE_ID_MAX + 1];        /* my last beat that this node has seen */
	uint64_t lease_until_ms;

	uint64_t lost_incarnation[CMM_NODE_ID_MAX + 1];
	uint64_t lost_heard_ms[CMM_NODE_ID_MAX + 1];    /* silence counts from here */
	uint64_t fence_due_ms[CMM_NODE_ID_MAX + 1];     /* the next try; 0: at once */
	nodeset  fencing;               /* ordered by this president, not answered yet */
	nodeset  declared;              /* dead by the log since the epoch came into force */
	nodeset  left;                  /* said leave: needs no wait */
	bool     stale;                 /* too little is left of the lease to speak for the cluster */
	nodeset  dead_sent;             /* this president has announced it; the message is on its way */
	bool     quorate;               /* as last noted */
	bool     leaving, panicked;
};

/* cmm.c */
void cmm_note(struct cmm_update *u, const char *fmt, ...) _printf_(2, 3);
void cmm_send(struct cmm_update *u, json_t *message /* taken */);
void cmm_store(struct cmm *cmm, uint64_t epoch, struct cmm_update *u);
uint32_t cmm_node_votes(const struct cmm *cmm, nodeset set);
bool cmm_is_quorate(const struct cmm *cmm, nodeset set);        /* with the devices that this view holds */
bool cmm_may_be_quorate(const struct cmm *cmm, nodeset set);    /* with every device that can be reached */
bool cmm_favours(const struct cmm *cmm, nodeset here, nodeset there);
void cmm_fail_fast(struct cmm *cmm, struct cmm_update *u, const char *reason);
void cmm_change_view(struct cmm *cmm, nodeset view, uint64_t now_ms, struct cmm_update *u);     /* from here on in the log */
static inline void sooner(uint64_t *due, uint64_t other)        /* 0: never */
{
	if (other && (!*due || other < *due))
		*due = other;
}
static inline uint64_t device_bit(uint32_t id) { return (uint64_t)1 << id; }

/* lease.c */
bool lease_is_fresh(const struct cmm *cmm, uint64_t now_ms);      /* at least half of it is left */
void lease_beat(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u);        /* multicast the next beat */
void lease_on_beat(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u);
void lease_evict_silent(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u);
void lease_on_evict(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u);

/* lost.c */
void lost_add(struct cmm *cmm, uint32_t id, uint64_t incarnation, uint64_t heard_ms);
void lost_announce(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u);     /* the president: who is dead, whom to fence */
void lost_on_dead(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u);
void lost_on_fenced(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u);
uint64_t lost_due_ms(const struct cmm *cmm);                    /* lost_announce() has something to do then; 0: never */
uint32_t lost_longest_lease_ms(const struct cmm *cmm);          /* that a member of an earlier cluster may have */

/* quorum.c */
uint32_t quorum_votes(const struct cmm *cmm);                   /* of the devices that this view holds */
uint32_t quorum_votes_within(const struct cmm *cmm, nodeset set);       /* that nobody outside set can take away */
/* The devices of which a node of set has a key that it may use, and which nobody outside set is sure to keep: bit id. */
uint64_t quorum_winnable(const struct cmm *cmm, nodeset set);
uint32_t quorum_votes_reachable(const struct cmm *cmm, nodeset set);    /* held, or that somebody in set might take */
bool quorum_wanted(const struct cmm *cmm);                      /* a device that can be reached is not held */
bool quorum_undecided(const struct cmm *cmm);                   /* an answer is missing that might give votes */
void quorum_start(struct cmm *cmm);
void quorum_configure(struct cmm *cmm, const struct cmm_votes *old);
void quorum_view(struct cmm *cmm);
/* The proposer: asks everybody to take what is not held. */
void quorum_ask(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u);
/* The president: has the shared disks taken that node id is connected to, unless it has asked for that since since_ms. */
void quorum_ask_disks(struct cmm *cmm, uint32_t id, uint64_t since_ms, uint64_t now_ms, struct cmm_update *u);
/* Since since_ms each of them was taken, or all who are here have said that they cannot. */
bool quorum_disks_taken(const struct cmm *cmm, uint32_t id, uint64_t since_ms);
char *quorum_disks_taken_names(const struct cmm *cmm, uint32_t id, uint64_t since_ms);        /* "d1, d2"; caller frees */
uint64_t quorum_disks_asked_ms(const struct cmm *cmm, uint32_t id);     /* the last time that it asked for one of them; 0: it has not */
void quorum_on_take(struct cmm *cmm, const json_t *message, struct cmm_update *u);
void quorum_on_have(struct cmm *cmm, uint32_t from, const json_t *message, struct cmm_update *u);
void quorum_on_key(struct cmm *cmm, uint32_t from, const json_t *message, struct cmm_update *u);
json_t *quorum_to_json(const struct cmm *cmm);                  /* what the proposer knows */
void quorum_learn(struct cmm *cmm, const json_t *devices);
void quorum_restore(struct cmm *cmm, const json_t *devices);
void quorum_joined(struct cmm *cmm, uint64_t now_ms);           /* an epoch is in force that this node came with */
void quorum_ended(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u);
void quorum_stored(struct cmm *cmm, uint64_t keys);
/* What this node has to do with its keys and devices now. */
void quorum_work(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u);
uint64_t quorum_due_ms(const struct cmm *cmm);                  /* quorum_work() has something to do then; 0: never */
