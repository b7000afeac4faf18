/* The simulated world, shared by the files of this folder.  Reading order: README.md. */
#pragma once
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "clusterd/engine.h"
#include "failfastd/core.h"

enum { NODES_MAX = 5, GROUPS = 3, DISK = 3, DEVICES_MAX = 3 };    /* DISK: the shared disk; below: quorum devices */
enum { CALM_MS = 40000 };       /* in this time everything has to come right */

enum ev_type { EV_DELIVER, EV_REFORM, EV_SWITCH, EV_STORED, EV_DEVICE, EV_FENCED, EV_TIMER, EV_RAN, EV_FAILFAST, EV_FAULT, EV_TOKEN_LOST,
	       EV_BOOT, EV_THAW, EV_RESUME, EV_ADMIN, EV_LEAVE, EV_HEAL, EV_DEVICE_BACK };
struct ev {
	uint64_t at, seq;
	enum ev_type type;
	uint32_t node;
	uint64_t life;          /* of the node when the event was made; a stale one is dropped */
	uint64_t arg;
	json_t  *json;
};

/* The messages of one component of one ring, in order.  Nodes that go on together into the next ring share it. */
struct entry {
	uint32_t from;
	json_t  *message;       /* NULL: from has left */
	uint64_t epoch, digest; /* of the first member that got here, when its state was looked at; 0: not yet */
};
struct ring {
	nodeset  view;          /* as it formed */
	nodeset  members;       /* without those who have left since */
	struct entry *log;
	size_t   len, cap;
	unsigned refs;
	uint64_t formed;        /* the same for all components that one ring fell into */
	bool     dead;          /* some member is gone: nothing is ordered until the next ring */
};

struct sim_node {
	bool     up, frozen;
	bool     hung;          /* its clusterd, while the machine is well */
	uint64_t life;          /* rises with every boot and crash */
	uint64_t incarnation;
	struct engine *engine;
	json_t  *disk;          /* what it says is durable: file name -> text; "epoch", "keys" -> number */
	json_t  *platter;       /* what is, while it lies; NULL: all of that */
	int64_t  epoch_forgotten;       /* the newest that it had said is durable, when it was not */
	json_t  *queue;         /* storage requests that are under way */
	uint64_t queue_due;
	json_t  *device_ops[DEVICES_MAX + 1];   /* requests in their order, the first is under way */
	struct ring *ring;      /* NULL: none yet */
	struct ring *next;      /* formed, but this node has not seen its view yet, */
	nodeset  along;         /* and with whom it comes into it */
	uint64_t switches;
	size_t   cursor;
	uint64_t lag_due;       /* no delivery before this time */
	uint64_t agreed_in;     /* the ring in which the epoch in force was agreed */
	nodeset  shown;         /* last view shown to the engine */
	json_t  *unsent;        /* multicast while the ring re-forms */
	struct ff_core failfastd;
	int      failfast_slot;
	uint64_t lease_until, timer_due;        /* node clock */
	int64_t  drift_ppm, skew, wall_step;
	json_t  *running;       /* "run" -> {"rg","rs","method"} */
	json_t  *truth;         /* resource -> true: started and not stopped */
	json_t  *prepared;      /* resource -> true: its Init or Boot has ended in this life, and no Fini has begun */
	json_t  *serving;       /* resource -> true: its start has ended, its stop has not begun */
	bool     disk_full, litter;     /* litter: what was to be removed could not be */
	unsigned disk_errors;   /* per mille of the writes */
	unsigned net;           /* counts what it has said of its networks */
	uint32_t level;         /* of its software */
	uint64_t slow_disk_until;
	uint64_t served[GROUPS];        /* when its application stopped serving last; 0: never */
	struct cmm_votes votes; /* that it counted by after the last event */
	uint64_t held, held_epoch;      /* devices that its membership of that epoch has held at some time */
	unsigned lag;           /* per cent of the deliveries that come late */
};

/* How a group is made up. */
struct shape {
	int      dep_on;        /* its application depends on that of this group; -1: on none */
	unsigned dep_kind;      /* index in shape.c */
	bool     dep_local;     /* {LOCAL_NODE} */
	int      link_to;       /* this group is in its RG_dependencies or RG_affinities; -1: none */
	unsigned link_kind;
	unsigned load;          /* its Load_factors for the limit of each node; 0: none */
	unsigned priority;
	unsigned primaries;     /* on so many nodes it may and should be; more than 1: scalable, and without an address */
};

struct sim_device {
	nodeset  keys;          /* physically there */
	nodeset  lost_to;       /* nodes that cannot reach it */
	unsigned slow, errors;  /* per cent of the operations */
	bool     lie_once;
	bool     worsened;      /* ever */
	nodeset  late;          /* whose key came when its node was dead */
};

struct world {
	uint32_t nodes, devices;
	bool     disk;          /* there is a shared disk that is fenced */
	struct sim_node node[NODES_MAX + 1];
	struct sim_device device[DEVICES_MAX + 1];
	uint32_t takeover_ms;
	bool     fencing, fence_required, mixed_levels, rot, lies;
	struct shape shape[GROUPS];
	bool     stepped;               /* some wall clock, by up to an hour: what ends at a time of day may end so much later */
	unsigned load_limit;            /* the hard limit of each node; 0: none */
	bool     boots;                 /* the applications have Init, Fini and Boot */
	struct ev *heap;
	size_t   heap_len, heap_cap;
	uint64_t now, seq, rings;
	nodeset  hears[NODES_MAX + 1];  /* whom node i can hear */
	nodeset  clique[NODES_MAX + 1]; /* who forms rings together, as of the last change */
	bool     calm;                  /* faults are over */
	uint32_t absent;                /* but this node does not boot */
	uint64_t absent_until;          /* before then; 0: all do */
	uint64_t counter;               /* of admin changes */
	uint64_t kept_gen[GROUPS];      /* the newest acknowledged commit of a description */
	json_t  *told, *denied;         /* changes acknowledged; refused as too late: [group, new value of its description] */
	json_t  *admin;                 /* client token -> {"node","life","rs","group","value","then","slow"}, as they apply */
	uint64_t asked[GROUPS];         /* the last request that may enable or disable the application of a group */
	json_t  *described;             /* value of a group's description -> its place in the order of those in force */
	struct { uint64_t gen; int64_t kept; char value[24]; } described_now[GROUPS];   /* kept: the last acknowledged */
	json_t  *epochs;                /* number -> members, as the first node that saw it come into force */
	int64_t  newest_epoch;          /* of these */
	uint64_t deliveries, deaths, acks, fenced, takes;
	bool     verbose;
	uint64_t seed;
	char     failure[600];
};
extern struct world w;

/* world.c: randomness, time, what is said */
void seed_random(uint64_t seed);
uint64_t rnd_upto(uint64_t n);
uint64_t rnd_range(uint64_t lo, uint64_t hi);
bool chance(unsigned percent);
void trace(const char *fmt, ...) _printf_(1, 2);
void fail(const char *fmt, ...) _printf_(1, 2);         /* the first one counts */
void schedule(uint64_t at, enum ev_type type, uint32_t node, uint64_t arg, json_t *json);
struct ev next_event(void);

/* ring.c: extended virtual synchrony as corosync gives it */
void multicast(uint32_t id, json_t *message);
void wake(uint32_t id);
void component_changed(void);
void ring_leave(uint32_t id);
void reform(void);
void switch_ring(uint32_t id, uint64_t which);
void deliver_next(uint32_t id);
void ring_forget(struct sim_node *n);
void connect_all(void);

/* node.c: what an engine wants done; life and death */
uint64_t node_clock(const struct sim_node *n, uint64_t at);
struct engine_time clock_of(const struct sim_node *n);
void take(uint32_t id, struct engine_update *u);        /* releases it */
void crash(uint32_t id, const char *why);
void leave(uint32_t id);
void boot(uint32_t id);
void node_off(struct sim_node *n);
void say_net(uint32_t id);
void ran(uint32_t id, uint64_t run);
void daemon_dies(uint32_t id);
void failfast(uint32_t id, uint64_t deadline);
bool lease_is_over(const struct sim_node *n);
uint64_t from_node_clock(const struct sim_node *n, uint64_t t);

/* disk.c */
void start_storage(uint32_t id);
void stored(uint32_t id);
void write_disk(struct sim_node *n, const json_t *request);
uint64_t disk_gen(const json_t *disk, const char *table);
void disk_lies(uint32_t id);
void disk_forgets(uint32_t id);                         /* of one that lies: its power is cut */
void disk_is_honest(struct sim_node *n);                /* it has written all */

/* edge.c: quorum devices, fence agents */
void start_device_op(uint32_t id, const json_t *request);
void device_op_ended(uint32_t id, uint64_t life, uint32_t device, json_t *request /* taken */);
void start_fence(uint32_t id, const json_t *request);
void fence_ended(uint32_t id, json_t *request);
void initial_disk(json_t *disk);

/* faults.c */
void fault(void);
void thaw(uint32_t id);
void resume(uint32_t id);
void calm_down(void);

/* admin.c */
void admin(bool again);
void admin_leave(uint32_t id);
void acknowledge(uint32_t id, const json_t *answer);

/* history.c */
bool is_history(const char *file);
void write_history(struct sim_node *n, const json_t *request);
bool has_last_entry(const json_t *disk, const json_t *of);
void load_history(struct sim_node *n);
char *check_history(void);
uint64_t history_number(uint32_t id, int64_t group, int64_t value);    /* the commit that set it; 0: none */

/* shape.c */
void choose_shape(void);
void put_shape(json_t *table, int g);
void note_served(uint32_t id, const char *rs);
void check_dep_start(uint32_t id, const char *rs);
void check_dep_stop(uint32_t id, const char *rs);
bool shape_lets_run(uint32_t id, int g);
void check_load(uint32_t id);
void check_apart(uint32_t id, const char *rs);
unsigned shape_most(const char *rs);
unsigned shape_primaries(const json_t *groups, int g);
bool rests(const json_t *rg);
const char *group_state_on(const json_t *rg, uint32_t node);

/* checks.c */
unsigned votes_of(const struct cmm_votes *votes, nodeset nodes, uint64_t devices);      /* devices: a bit each */
bool can_act(uint32_t id);
void check_running(const char *rs);
void check_start(uint32_t id, const char *rs, const char *method);
void check_dead(uint32_t id, const json_t *message);    /* what a president is about to say */
void check_same_state(uint32_t id, const struct ring *r, struct entry *e);
void check_acknowledged(uint32_t id, int64_t group, int64_t value);
void check_ready(uint32_t id, const json_t *message);
void check_disabled(uint32_t id, int64_t group, uint64_t key);
void check_epoch(uint32_t id, const json_t *journal_entry);
void check_no_lost_update(uint32_t id);
void check_without_absent(void);
void missing(const char *fmt, ...) _printf_(1, 2);       /* it has not come right yet */
bool converged(bool complain);
