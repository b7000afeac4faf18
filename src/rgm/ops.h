/* What the parts of ops share: the driver and its table (ops.c), requests that change the configuration (ops_config.c),
 * requests that move groups and resources (ops_switch.c), whole tables
 * (ops_tables.c).  Private to src/rgm. */
#pragma once
#include "rgm/model.h"
#include "scha_err.h"

enum op_phase { OP_NEW, OP_VALIDATING, OP_CHECKING, OP_WAITING_TO_COMMIT, OP_COMMITTING, OP_UPDATING, OP_SETTLING, OP_DONE };

struct op_kind;
struct op {
	struct op *next;
	char      *id;
	json_t    *request;
	uint32_t   from;
	const struct op_kind *kind;
	enum op_phase phase;
	scha_err_t code;                /* of the end */
	char      *text;

	/* change of a CCR table */
	char      *table;
	json_t    *data;                /* new content; JSON null: remove */
	json_t    *validate;            /* the rgm.run message, without nodes; NULL: none */
	json_t    *update;              /* the same for Update after the commit */
	json_t    *more_validate, *more_update;         /* arrays of the same, each with its nodes: one after the other */
	nodeset    waiting;             /* nodes whose rgm.ran is out */
	uint64_t   committed;           /* generation */
	unsigned   in_flight;           /* decisions of this request that have not come back through the log */
	char       rg[256];             /* the group that has to settle; "": none */

	/* giveover */
	uint32_t   target;
	nodeset    refused;             /* candidates whose Monitor_check failed */
	size_t     check_at;
};

#define OP_LATER 1

struct op_kind {
	const char *name;
	/* Looks at the request: fills op->table etc. or sends decisions; OP_LATER, with nothing done: after the next event
	 * again; -errno after op_fail(). */
	int  (*start)(struct rgm *rgm, struct op *op, struct rgm_update *u);
	/* All settled: sets the outcome. */
	void (*outcome)(struct rgm *rgm, struct op *op, struct rgm_update *u);
};

/* Ends the request: returns -EINVAL, so that "return op_fail(...)" reads well. */
int op_fail(struct op *op, scha_err_t code, const char *fmt, ...) _printf_(3, 4);
/* A decision of this request: it is not settled before the decision has landed. */
void op_decide(struct op *op, json_t *m, struct rgm_update *u);

/* Arguments; NULL or negative after op_fail().  The group found is the one that has to settle. */
struct rgm_rg *need_rg(struct rgm *rgm, struct op *op);
struct rgm_rs *need_rs_named(struct rgm *rgm, struct op *op, const char *name);
struct rgm_rs *need_rs(struct rgm *rgm, struct op *op);
int need_steady(const struct rgm *rgm, struct op *op, const struct rgm_rg *rg);
int parse_nodes(const struct rgm *rgm, struct op *op, const struct rgm_rg *rg, nodeset *ret);
json_t *run_message(const struct op *op, const char *method, const char *rs, const char *type, const char *rg,
		    int64_t timeout);
json_t *by_hand(struct rgm *rgm, struct rgm_rg *rg, const struct op *op, const char *what, const char *text);


/* What a change of a whole table is held to, as any other change (ops_config.c). */
bool rgm_name_ok(const char *name);
int need_installed_nodes(const struct rgm *rgm, struct op *op);
int set_group_prop(struct rgm *rgm, struct op *op, json_t *data, const char *name, const char *value);
bool runs_outside(const struct rgm *rgm, const struct rgm_rg *rg, const char *nodelist);
int check_resource_prop(struct op *op, const struct rt *rt, const struct rgm_rs *existing, const char *rs, bool extension,
			const char *name, const char *value, char **ret_canonical);
int check_graph(struct rgm *rgm, struct op *op, const char *rg, bool complete);        /* op->data as a whole */
/* Properties with a value per node; another version of the type (ops_props.c).  As a table has it: "Workers{2}"; caller
 * frees.  NULL after op_fail(). */
char *op_stored_name(const struct rgm *rgm, struct op *op, const struct rt_param *p, const char *name);
int op_store_prop(const struct rgm *rgm, struct op *op, const struct rt_param *p, const char *rs, const char *name,
		  const char *value, json_t *args);
/* The RTR text of the type with what the request changes; caller frees.  NULL after op_fail(). */
char *op_type_text(struct op *op, const struct rt *rt);
/* Members of "any" become members of "props" or "ext". */
int op_sort_props(struct rgm *rgm, struct op *op, const struct rt *rt);
/* Type_version of a new resource. */
int op_check_version(struct op *op, const struct rt *rt);
/* Changes op->data to the version that the request asks for and returns it; the present one when it asks for none. */
const struct rt *op_upgrade(struct rgm *rgm, struct op *op, const struct rgm_rs *rs, json_t *args);
void add_validate_arg(json_t *args, const char *option, const char *name, const char *value);

void change_group(struct op *op, const struct rgm_rg *rg);      /* op->data: its table as it is */
bool is_carried_out(const struct rgm *rgm, const struct rgm_rg *rg);   /* its table, by all nodes where it is */
int need_not_system(struct op *op, const struct rgm_rg *rg);   /* ops_policy.c */

/* The requests, by their rows in the table of ops.c. */
int start_type_add(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_type_remove(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_type_change(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_add(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_change(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_remove(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_manage(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_unmanage(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_bring(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_resource_add(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_resource_change(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_resource_remove(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_resource_enable(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_resource_disable(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_switch(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_offline(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_restart(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_suspend(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_resume(struct rgm *rgm, struct op *op, struct rgm_update *u);
/* The decision, with what the request says of killing. */
json_t *quiesce(struct rgm *rgm, struct rgm_rg *rg, const struct op *op, const char *text);
int start_group_quiesce(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_group_remaster(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_evacuate(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_node_leave(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_cluster_shutdown(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_resource_clear(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_table_change(struct rgm *rgm, struct op *op, struct rgm_update *u);
int start_control(struct rgm *rgm, struct op *op, struct rgm_update *u);
/* Does Failover_mode of the resource allow the tag? */
int control_mode(struct rgm *rgm, struct op *op, const struct rgm_rs *rs, const char *tag);
/* The tags that are about one resource only (ops_control.c): true when this is one, then *ret is as of start(). */
bool control_resource(struct rgm *rgm, struct op *op, struct rgm_rs *rs, struct rgm_update *u, int *ret);
/* The next step of a giveover: Monitor_check on a candidate, or the decision. */
void check_candidates(struct rgm *rgm, struct op *op, struct rgm_update *u);
void outcome_none(struct rgm *rgm, struct op *op, struct rgm_update *u);
void outcome_online(struct rgm *rgm, struct op *op, struct rgm_update *u);
void outcome_offline(struct rgm *rgm, struct op *op, struct rgm_update *u);
void outcome_evacuate(struct rgm *rgm, struct op *op, struct rgm_update *u);
void outcome_node_leave(struct rgm *rgm, struct op *op, struct rgm_update *u);
void outcome_shutdown(struct rgm *rgm, struct op *op, struct rgm_update *u);
void outcome_control(struct rgm *rgm, struct op *op, struct rgm_update *u);
