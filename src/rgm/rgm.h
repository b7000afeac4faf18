/* Resource group manager: what runs where, and what happens next.  Pure.  Three parts over one model (src/rgm/README.md):
 *   apply   every member, on every rgm.* message: state x event -> state          (apply.c)
 *   decide  the president: state -> decisions, as messages                        (decide.c, ops.c)
 *   local   each node: carries out what was decided for it, method by method      (local.c) */
#pragma once
#include <jansson.h>

#include "base/err.h"
#include "cmm/cmm.h"
#include "rgm/rt.h"

enum rs_state { RS_OFFLINE, RS_ONLINE, RS_START_FAILED, RS_STOP_FAILED, RS_MONITOR_FAILED, RS_ONLINE_NOT_MONITORED,
		RS_STARTING, RS_STOPPING, RS_STATE_COUNT };
enum rg_state { RG_OFFLINE, RG_UNMANAGED, RG_ONLINE, RG_PENDING_ONLINE, RG_PENDING_OFFLINE, RG_ERROR_STOP_FAILED,
		RG_ONLINE_FAULTED, RG_PENDING_ONLINE_BLOCKED, RG_STATE_COUNT };
enum rs_status { STATUS_OFFLINE, STATUS_OK, STATUS_FAULTED, STATUS_DEGRADED, STATUS_UNKNOWN, STATUS_COUNT };
enum node_state { NODE_DOWN, NODE_LOST, NODE_JOINING, NODE_UP, NODE_STATE_COUNT };
extern const char *const rs_state_names[RS_STATE_COUNT], *const rg_state_names[RG_STATE_COUNT];
extern const char *const rs_status_names[STATUS_COUNT], *const node_state_names[NODE_STATE_COUNT];

struct rgm;

/* What the caller has to do; release with rgm_update_done().  Arrays are NULL when empty. */
struct rgm_update {
	json_t *send;           /* messages to multicast, in order */
	json_t *run;            /* methods to run here: {"run":id,"rg","rs","method","argv":[..],"timeout":s} */
	json_t *kill;           /* of these, to be killed with all that they started: {"run":id}; they end as others do */
	json_t *commit;         /* CCR changes: {"tx","table","data":{}|null,"by","cmd","message"}; then rgm_committed() */
	json_t *answer;         /* requests of this node's clients that ended: {"id","code":scha_err,"text"} */
	json_t *notes;          /* for the system log: {"level":"notice","text"} */
	char    abort[256];     /* not empty: this node must fail fast */
};
void rgm_update_done(struct rgm_update *update);

struct rgm *rgm_new(uint32_t self);
struct rgm *rgm_free(struct rgm *rgm);

/* ---- configuration: from CCR tables ---- */
/* infrastructure, rgm_rt_*, rgm_rg_*; others are ignored.  data NULL: removed.  -EINVAL: the table makes no sense; the
 * object is left as it was. */
int rgm_load_table(struct rgm *rgm, const char *table, uint64_t gen, const json_t *data, struct rgm_update *u,
		   struct err *err);
const char *rgm_node_name(const struct rgm *rgm, uint32_t id);          /* "?" when unknown */
uint32_t rgm_node_id(const struct rgm *rgm, const char *name_or_id);    /* 0: unknown */

nodeset rgm_serving(const struct rgm *rgm);      /* nodes where some group is not offline */

/* Where the tables themselves can be read: requests for a whole table look there.  Borrowed. */
struct ccr;
void rgm_set_ccr(struct rgm *rgm, const struct ccr *ccr);
/* Wall clock of the event that comes next: time stamps in reports and decisions, Pingpong_interval. */
void rgm_set_time(struct rgm *rgm, int64_t wall_ms);

/* ---- events in the order of the log: the same on every member ---- */
void rgm_membership(struct rgm *rgm, const struct cmm_membership *membership, struct rgm_update *u);
void rgm_node_ready(struct rgm *rgm, uint32_t id, struct rgm_update *u);
void rgm_node_dead(struct rgm *rgm, uint32_t id, const char *how, struct rgm_update *u);
bool rgm_owns_message(const char *type);
void rgm_apply(struct rgm *rgm, uint32_t from, const json_t *message, struct rgm_update *u);
json_t *rgm_snapshot(const struct rgm *rgm);
void rgm_restore(struct rgm *rgm, const json_t *snapshot);
uint64_t rgm_digest(const struct rgm *rgm);

/* ---- president ---- */
/* Call after each event while this node is president (is_president false drops what a president remembers). */
void rgm_preside(struct rgm *rgm, bool is_president, struct rgm_update *u);
/* Every member, for every commit: a request that comes again (its president died) must not be carried out twice. */
void rgm_note_commit(struct rgm *rgm, const char *tx, uint64_t n);
/* A commit that update.commit asked for: error NULL, durable everywhere.  stale: it has to be made anew. */
void rgm_committed(struct rgm *rgm, const char *tx, uint64_t n, const char *error, bool stale);

/* ---- this node ---- */
/* A method run ended: {"exit":int,"timed_out":bool,"output":str,"ms":real}. */
void rgm_ran(struct rgm *rgm, uint64_t run, const json_t *result, struct rgm_update *u);
/* Requests of clients on this node: message to multicast. request: {"op":..., ...}; see ops.c for the table. */
json_t *rgm_request_message(struct rgm *rgm, const char *id, const json_t *request, const char *by);

/* ---- for listings: everything as JSON (docs/api/org.parhelion.Cluster.varlink) ---- */
json_t *rgm_status(const struct rgm *rgm);
json_t *rgm_config(const struct rgm *rgm);
/* One object with all that libscha asks of it; NULL: there is none of that name (in that group, when group is given). */
json_t *rgm_resource_json(const struct rgm *rgm, const char *name, const char *group, int64_t wall_ms);
json_t *rgm_group_json(const struct rgm *rgm, const char *name);
json_t *rgm_type_json(const struct rgm *rgm, const char *name);
json_t *rgm_cluster_json(const struct rgm *rgm);
/* Why a group is where it is, why not elsewhere, what it waits for and the cure (explain.c); NULL: there is none of that name. */
json_t *rgm_explain(const struct rgm *rgm, const char *name);
/* A type without a cluster: as rgm_type_json(), and "params", each as in rgm_resource_json() with its default as value and
 * "has_default", and "group", the default of each group property. */
json_t *rgm_rt_json(const struct rt *rt, const char *path);
