/* The model that the parts of the RGM share; private to src/rgm. */
#pragma once
#include <stdarg.h>

#include "base/json.h"
#include "rgm/rgm.h"

#define RESTARTS_KEPT 32                /* restart times remembered per resource and node */
#define COMMITS_KEPT 128                /* recent commits whose requests are recognised when they come again */
#define FAILURES_PER_NODE 2             /* start failures within Pingpong_interval that rule a node out */

enum phase { PHASE_OFF, PHASE_PRENET, PHASE_UP, PHASE_MONITORED };
enum intent { INTENT_NONE, INTENT_SWITCH, INTENT_COUNT };
enum directive { DIRECTIVE_NONE, DIRECTIVE_ONLINE, DIRECTIVE_OFFLINE };

/* Kinds of dependencies, the stronger the later; deps.c. */
enum dep_kind { DEP_NONE, DEP_WEAK, DEP_STRONG, DEP_RESTART, DEP_OFFLINE_RESTART, DEP_KIND_COUNT };
enum dep_scope { SCOPE_FROM_RG_AFFINITIES, SCOPE_LOCAL_NODE, SCOPE_ANY_NODE, SCOPE_COUNT };
extern const char *const dep_kind_names[DEP_KIND_COUNT];

struct rgm_rg;
struct rgm_rs;
struct rs_dep {
	char          *name;
	enum dep_kind  kind;
	enum dep_scope scope;
	char          *node;                    /* of the dependent's instances only the one there; NULL: all */
	struct rgm_rs *target;                  /* by deps_index(); NULL: it does not exist */
};

/* What a group has to do with another one; links.c. */
enum link_kind { LINK_DEPENDENCY, LINK_WEAK_POSITIVE, LINK_POSITIVE, LINK_DELEGATED, LINK_WEAK_NEGATIVE, LINK_NEGATIVE, LINK_COUNT };
extern const char *const link_prefixes[LINK_COUNT];
struct rg_link { char *name; enum link_kind kind; struct rgm_rg *target; };     /* target by deps_index(); NULL: there is none */

/* A resource on one node, as everybody knows it. */
struct rs_node {
	enum rs_state  state;
	enum rs_status status;
	char          *message;                 /* NULL: empty */
	int64_t        restarts[RESTARTS_KEPT]; /* wall ms, newest first; 0: none */
	int64_t        rg_restarts[RESTARTS_KEPT];
};

/* A resource on this node, as only this node knows it: ahead of the log by what is on its way. */
struct rs_local {
	enum phase     phase;
	enum rt_method running;                 /* METHOD_COUNT: none */
	uint64_t       run;
	int64_t        run_started_ms;          /* wall; for the journal */
	bool           start_failed, stop_failed, monitor_failed;
	bool           restart;                 /* going down to come up again */
	bool           killed;                  /* the method that runs, by a request: HARD does not end the node */
	bool           ignore_start;            /* scha_control IGNORE_FAILED_START: no relocation if this start fails */
	bool           proxy_online;            /* of a proxy: what it stands for is up */
	bool           status_set;              /* by the resource itself, in its present state */
	char          *stuck;                   /* what its last method waited for, which timed out; NULL */
	bool           missed;                  /* what it follows was away since it has been up */
	enum rs_state  announced;               /* STARTING, STOPPING: told before it begins; OFFLINE: nothing */
	enum rs_state  told_state;              /* what the last report said */
};

/* On_off_switch, Monitored_switch: as for all nodes, and the nodes with a value of their own. */
struct rs_switch { bool all; nodeset on, off; };

struct rgm_rs {
	char          *name;
	struct rgm_rg *rg;
	const struct rt *rt;
	struct rs_switch enabled, monitored;
	json_t        *props, *ext;             /* name -> text, as given; defaults come from the type */
	struct rs_dep *deps;
	size_t         dep_count;
	struct rgm_rs **users;                  /* of other groups, that depend on it; by deps_index() */
	size_t         user_count;
	unsigned       mark;                    /* scratch of a search */
	struct rs_node  on[CMM_NODE_ID_MAX + 1];
	struct rs_local local;
};

enum { LIMIT_NAME = 64 };
struct load_factor { char name[LIMIT_NAME]; int64_t value; };                   /* of a group: Load_factors */
struct load_limit  { char name[LIMIT_NAME]; int64_t soft, hard; };              /* of a node; soft 0, hard -1: none */

struct rg_node {
	enum rg_state state;
	int64_t       failures[FAILURES_PER_NODE];      /* wall ms of start failures, newest first */
	int64_t       gave_over;                        /* wall ms of the last giveover away from this node */
	int64_t       held_until;                       /* wall ms; evacuated or displaced: does not come there by itself before then */
	uint64_t      owed, prepared;                   /* Init, Fini, Boot to run there, and how far it has come; boot.c */
	uint64_t      settled;                          /* configuration generation that is carried out there */
};

struct rgm_rg {
	struct rgm    *rgm;                     /* that it belongs to */
	char          *name;
	bool           managed;
	bool           stirred;                 /* its replicated states have changed since linked groups were looked at */
	bool           linked;                  /* what happens in another group may matter here; by deps_index() */
	json_t        *props;
	uint64_t       gen;                     /* of the CCR table */
	struct rgm_rs **rs;
	size_t         rs_count;
	uint32_t       nodelist[CMM_NODE_ID_MAX];
	size_t         node_count;
	struct rg_link *links;
	size_t         link_count;
	int64_t        priority;
	struct load_factor *factors;
	size_t         factor_count;
	struct rgm_rg **linked_by;              /* groups with a link to this one; by deps_index() */
	size_t         linked_by_count;
	struct rgm_rg *component;               /* those that links connect have one root; by deps_index() */
	unsigned       mark;                    /* scratch of a search */

	/* replicated */
	uint64_t       ver;                     /* rises with every change that matters to decisions */
	bool           admin_offline;           /* switched off by hand: no automatic start */
	bool           failback_due;
	bool           fresh;                   /* the cluster has formed, and it was nowhere since */
	bool           fewer;                   /* by hand on fewer nodes than Desired_primaries: that is respected until a node comes or goes */
	bool           quiesced;                /* goes nowhere by itself until somebody asks, or a node comes or goes */
	enum intent    intent;
	nodeset        intent_nodes;
	nodeset        restart;                 /* goes offline here to come online here again */
	char          *why;                     /* why it is where it is */
	struct rg_node on[CMM_NODE_ID_MAX + 1];

	/* this node */
	enum directive directive;
	bool           abandoned;               /* a start failed: everything down again */
	enum rg_state  told_state;
	uint64_t       told_settled;
	struct rg_job *jobs;                    /* Init, Fini, Boot; boot.c */
	size_t         job_count;
	unsigned       job_batch;
	uint64_t       told_prepared;
	json_t        *runs;                    /* finished method runs for the next report; NULL: none */

	/* president */
	uint64_t       decided_ver;             /* a decision based on this version is on its way */
	uint64_t       component_ver;           /* of a root: the sum of the versions of all that are connected */
	uint64_t       idle_ver;                /* nothing was to be done when that sum was this */
	bool           alone;                   /* neither linked nor loaded when the index was made: its component is itself */
};

struct rgm_type { struct rt *rt; char *path; };

struct ccr;
struct rgm {
	uint32_t self;
	const struct ccr *ccr;          /* the tables as they are; NULL: not told */
	char    *cluster_name;
	struct {
		char *name;
		enum node_state state;
		uint64_t incarnation;
		struct load_limit *limits;
		size_t limit_count;
		bool draining;          /* about to leave: nothing starts there any more, and what runs there goes */
	} node[CMM_NODE_ID_MAX + 1];
	nodeset  configured;
	uint64_t epoch;
	bool     node_drain_orphaned;   /* president: draining that its predecessor has begun */
	int64_t  hold_ends_ms;          /* the first evacuation hold that ends; 0: there is none */
	bool     forming;               /* a new cluster whose members are not all ready */
	struct rgm_type *types;
	size_t   type_count;
	struct rgm_rg **rgs;            /* by name */
	size_t   rg_count;
	struct rgm_rg **by_priority;    /* the same, higher Priority first, then by name; by deps_index() */
	uint64_t layout, indexed;       /* rises with every table of a group; the one that the index was made for */
	bool     stirred, all_stirred;  /* the same of some group, of all */
	uint64_t run_counter;
	json_t  *ad_hoc;                /* run id -> {"id","method","rs"}: methods outside a group's plan (Validate...) */
	struct { char tx[128]; uint64_t n; bool durable; } commits[COMMITS_KEPT];       /* ring */
	size_t   commit_at;
	struct op *ops;                 /* president: requests under way, oldest first */
	bool     presiding;
	int64_t  now_ms;                /* wall, of the event that is being worked on */
};

/* model.c */
struct rgm_rg *rg_find(const struct rgm *rgm, const char *name);
struct rgm_rs *rs_find(const struct rgm *rgm, const char *name);
struct rgm_rs *rg_rs_find(const struct rgm_rg *rg, const char *name);
const struct rt *type_find(const struct rgm *rgm, const char *name);    /* full or abbreviated; NULL: none or ambiguous */
const char *rs_prop(const struct rgm_rs *rs, const char *name);         /* value in force; NULL: the type has it not */
const char *rg_prop(const struct rgm_rg *rg, const char *name);         /* value in force; "" when it has none */
void bump_all(struct rgm *rgm);
bool rg_prop_bool(const struct rgm_rg *rg, const char *name);
bool rg_recovers(const struct rgm_rg *rg);              /* neither suspended nor quiesced */
int64_t rg_prop_int(const struct rgm_rg *rg, const char *name);
bool rs_is_address(const struct rgm_rs *rs);
bool rs_depends_on_address(const struct rgm_rs *rs, const struct rgm_rs *other);        /* implicit network dependency */
int64_t rs_method_timeout(const struct rgm_rs *rs, enum rt_method method);
nodeset rg_nodelist(const struct rgm_rg *rg);
/* A lost node may run any group that it may run at all until it is declared dead: it may have received decisions, and its own
 * words, at its end of the broken log that nobody else has, and have acted on them. */
nodeset rg_might_run(const struct rgm_rg *rg);
bool switch_is_on(const struct rs_switch *s, uint32_t node);
static inline bool rs_enabled(const struct rgm_rs *rs, uint32_t node) { return switch_is_on(&rs->enabled, node); }
static inline bool rs_monitored(const struct rgm_rs *rs, uint32_t node) { return switch_is_on(&rs->monitored, node); }
nodeset switch_nodes(const struct rgm_rs *rs, const struct rs_switch *s);       /* of the Nodelist, those where it is on */
/* Set on these nodes, 0: on all; when the whole Nodelist agrees, no node has a value of its own any more. */
struct rs_switch switch_changed(const struct rgm_rs *rs, const struct rs_switch *s, nodeset nodes, bool value);
/* What a table says of it: "enabled" of all nodes, "enabled{2}" of one.  what: the one or the other word. */
void switch_to_table(json_t *table, const char *rs, const char *what, const struct rs_switch *s);
bool switch_in_table(const json_t *table, const char *rs, const char *what, uint32_t node);
bool node_suffix(const char *text, uint32_t *ret_id);   /* "{2}", and nothing behind it */
nodeset rgm_up_nodes(const struct rgm *rgm);
nodeset rgm_draining_nodes(const struct rgm *rgm);
static inline int64_t nodeset_count(nodeset set) { return __builtin_popcountll(set); }
nodeset rg_nodes_in(const struct rgm_rg *rg, unsigned states);          /* bit mask of 1 << enum rg_state */
#define IN(state) (1u << (state))
#define RG_MASK_ONLINE  (IN(RG_ONLINE) | IN(RG_ONLINE_FAULTED) | IN(RG_PENDING_ONLINE_BLOCKED))
#define RG_MASK_HERE    (RG_MASK_ONLINE | IN(RG_PENDING_ONLINE))
#define RG_MASK_PENDING (IN(RG_PENDING_ONLINE) | IN(RG_PENDING_OFFLINE))

struct rgm_rg *rg_from_table(struct rgm *rgm, const char *name, const json_t *data);    /* not in rgm->rgs; NULL: an unknown type */
/* Puts rg in the place of the group of that name, NULL takes it out; returns what was there. */
struct rgm_rg *rg_swap(struct rgm *rgm, const char *name, struct rgm_rg *rg);
struct rgm_rg *rg_free(struct rgm_rg *rg);

/* updates */
void u_send(struct rgm_update *u, json_t *message);
void u_push(json_t **list, json_t *value);
void u_note(struct rgm_update *u, const char *level, const char *fmt, ...) _printf_(3, 4);
void set_text(char **slot, const char *text);
int  name_index(const char *const *names, size_t n, const char *name);          /* -1: none */

/* deps.c */
enum dep_kind dep_list_kind(const char *prop);          /* DEP_NONE: no list of dependencies */
void deps_read(struct rgm_rs *rs);
void deps_done(struct rgm_rs *rs);
void deps_index(struct rgm *rgm);                       /* before anything that follows a target */
bool dep_applies(const struct rgm *rgm, const struct rs_dep *dep, uint32_t node);
/* On this node: as declared; with the implicit ones. */
enum dep_kind rs_dep_declared(const struct rgm_rs *rs, const struct rgm_rs *other);
enum dep_kind rs_dep_kind(const struct rgm_rs *rs, const struct rgm_rs *other);
nodeset dep_nodes(const struct rgm_rs *rs, const struct rs_dep *dep, uint32_t node);
nodeset dep_scope(const struct rgm_rs *rs, const struct rs_dep *dep, uint32_t node);      /* the same, members or not */
bool dep_met(const struct rgm_rs *rs, const struct rs_dep *dep, uint32_t node);
/* Across groups: must the start, of this kind at least, wait? */
bool deps_hold_start(const struct rgm_rs *rs, uint32_t node, enum dep_kind least);
/* The stop on that node waits until this one is down on *ret_at, which may be a node that is lost; NULL: it does not wait. */
const struct rgm_rs *rs_stops_after(const struct rgm_rs *rs, uint32_t node, bool restart, uint32_t *ret_at);
/* What its start on that node waits for, in other groups and its own; NULL: nothing. */
const struct rs_dep *rs_waits_for(const struct rgm_rs *rs, uint32_t node);
bool rs_starts_aloud(const struct rgm_rs *rs);
bool rs_stops_aloud(const struct rgm_rs *rs);

/* graph.c: may the group become what `data` says?  complete: what it depends on must exist already.  -EDOM: its modes and
 * numbers do not fit, -EINVAL: what it has to do with others. */
int graph_check(struct rgm *rgm, const char *rg, const json_t *data, bool complete, struct err *err);

/* local_order.c */
bool rs_declares(const struct rgm_rs *rs, enum rt_method method);
bool local_started(const struct rgm_rs *rs);
enum phase local_goal(const struct rgm_rs *rs);
bool local_may_start(const struct rgm_rs *rs);
bool local_may_stop(const struct rgm_rs *rs);
bool local_stops(const struct rgm_rs *rs);              /* more than its monitor is to go */
bool local_blocked(const struct rgm_rs *rs);            /* only another group can let it go on */
bool local_held(const struct rgm_rs *rs);               /* users in other groups keep it from stopping */
void local_follow(struct rgm_rg *rg);

/* local.c */
void rg_stir(struct rgm_rg *rg);
void local_stir(struct rgm *rgm, struct rgm_update *u); /* after events: who waited for another group may go on */
/* rs was restarted there, by other means: those that follow it here are, too. */
void local_restarted(struct rgm *rgm, struct rgm_rs *rs, uint32_t node, struct rgm_update *u);
void local_directive(struct rgm *rgm, struct rgm_rg *rg, enum directive directive, struct rgm_update *u);
void local_restart(struct rgm *rgm, struct rgm_rs *rs, struct rgm_update *u);
void local_kill(struct rgm_rg *rg, struct rgm_update *u);
void local_ignore_start(struct rgm_rs *rs);
void local_proxy_state(struct rgm *rgm, struct rgm_rs *rs, bool online, struct rgm_update *u);
void local_clear(struct rgm *rgm, struct rgm_rs *rs, struct rgm_update *u);
void local_reconcile(struct rgm *rgm, struct rgm_rg *rg, struct rgm_update *u);
void local_run_ad_hoc(struct rgm *rgm, const json_t *message, struct rgm_update *u);
/* Its line, when the method exceeded its limit; NULL: it did not, or nobody has looked. */
const char *result_stuck(const json_t *result);
/* For the log: what each of its processes was doing. */
void note_stuck(const char *method, const char *rs, const json_t *result, struct rgm_update *u);
json_t *method_argv(const struct rt *rt, enum rt_method method, const char *rs, const char *rg);

/* modes.c */
bool rg_is_scalable(const struct rgm_rg *rg);
int  modes_check(const struct rgm_rg *old, const struct rgm_rg *rg, struct err *err);

/* links.c */
void links_read(struct rgm_rg *rg);
void links_done(struct rgm_rg *rg);
void links_index(struct rgm *rgm);                      /* by deps_index() */
struct rgm_rg *rg_root(struct rgm_rg *rg);              /* of its component */
bool rg_has_link(const struct rgm_rg *rg, const struct rgm_rg *target, unsigned kinds); /* bit mask of 1 << enum link_kind */
#define LINK_POSITIVES (IN(LINK_WEAK_POSITIVE) | IN(LINK_POSITIVE) | IN(LINK_DELEGATED))
#define LINK_STRONG    (IN(LINK_POSITIVE) | IN(LINK_DELEGATED) | IN(LINK_NEGATIVE))
bool rg_start_held(const struct rgm_rg *rg);            /* on this node, by groups that come first */
bool rg_stop_held(const struct rgm_rg *rg);

/* boot.c */
struct managed_list;
struct managed_list *boot_before(struct rgm *rgm, struct rgm_rg *rg);   /* rg NULL: all groups */
void boot_after(struct rgm *rgm, struct rgm_rg *rg, struct managed_list *before /* taken */, struct rgm_update *u);
void boot_joined(struct rgm *rgm, uint32_t id, struct rgm_update *u);
void boot_advance(struct rgm *rgm, struct rgm_rg *rg, struct rgm_update *u);
bool boot_ran(struct rgm *rgm, uint64_t run, const json_t *result, struct rgm_update *u);
void boot_forget(struct rgm_rg *rg);
nodeset rs_init_nodes(const struct rgm_rg *rg, const struct rt *rt);
bool rg_unprepared(const struct rgm_rg *rg, uint32_t id);
nodeset rg_unprepared_nodes(const struct rgm_rg *rg);   /* members of the Nodelist */
bool boot_holds(const struct rgm_rs *rs);

/* place.c */
#define WHY_NOT_SIZE 160
bool rg_why_not(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, char *why);       /* true: may not be there */
bool rg_excluded(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, char *why);      /* by strong affinities alone */
bool rg_must_leave(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, char *why);    /* it is there, and may not stay */
/* Why one of two nodes that may have it is preferred; borrowed. */
const char *rg_preferred_because(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t node, uint32_t other);
unsigned rg_recent_failures(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id);
nodeset rg_ideal(const struct rgm *rgm, const struct rgm_rg *rg);       /* as if it were nowhere */
nodeset rg_want(const struct rgm *rgm, const struct rgm_rg *rg);
nodeset rg_goal(const struct rgm *rgm, const struct rgm_rg *rg);        /* the same, less what is to restart */
void rg_tell_others(const struct rgm *rgm, const struct rgm_rg *rg, nodeset chosen, struct buf *text);

/* decide.c */
struct rg_action { enum { ACTION_NONE, ACTION_WAIT, ACTION_ONLINE, ACTION_OFFLINE, ACTION_FAILBACK, ACTION_REST, ACTION_PREEMPT } what;
		   uint32_t node; nodeset nodes; char why[800]; };
void rg_next_action(const struct rgm *rgm, const struct rgm_rg *rg, struct rg_action *ret);
/* The first node of the Nodelist that could take the group when it leaves `from` and has not refused it; 0: none. */
uint32_t rg_giveover_target(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t from, nodeset refused);
int64_t next_hold_end(const struct rgm *rgm, int64_t after_ms);         /* apply.c; 0: none ends later */
json_t *decision(struct rgm_rg *rg, const char *what, const char *why, int64_t wall_ms);
void rgm_decide(struct rgm *rgm, struct rgm_update *u);

/* load.c */
#define ROOM_VICTIMS 32
struct room {                           /* what it takes to make room on a node */
	uint32_t node;
	struct rgm_rg *victims[ROOM_VICTIMS];
	size_t count;
	unsigned cost;                  /* how many of them have Preemption_mode Has_cost */
};
void loads_read(struct rgm_rg *rg);
void loads_done(struct rgm_rg *rg);
void limits_read(struct rgm *rgm, const json_t *infrastructure);
void limits_done(struct rgm *rgm);
/* Would a hard limit of the node be exceeded if the group came?  settled: without those that are about to go. */
bool load_exceeds(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, bool settled, char *why);
unsigned load_soft_exceeded(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id);       /* how many soft limits */
bool load_make_room(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id, struct room *ret);
bool load_make_best_room(const struct rgm *rgm, const struct rgm_rg *rg, struct room *ret);
bool rg_only_lacks_room(const struct rgm *rgm, const struct rgm_rg *rg, uint32_t id);   /* place.c: nothing else rules the node out */

/* adopt.c: for copies of the cluster (rehearsal.c).  From rgm_restore() on: what this node does follows from what it has told;
 * then, when all copies have done that, each goes on. */
void rgm_adopt(struct rgm *rgm);
void rgm_go_on(struct rgm *rgm, struct rgm_update *u);

/* ops.c */
void ops_request(struct rgm *rgm, uint32_t from, const json_t *message);
void ops_landed(struct rgm *rgm, const char *id);       /* a decision of this request was delivered */
void ops_ran(struct rgm *rgm, uint32_t from, const json_t *message);
void ops_members_changed(struct rgm *rgm);
void ops_advance(struct rgm *rgm, struct rgm_update *u);
void ops_drop(struct rgm *rgm);
