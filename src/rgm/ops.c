/* Requests of administrators and agents, at the president.  A request is an entry in the table `kinds`; every event gives
 * each open request the chance to go on (ops_advance), from phase to phase:
 *
 *   NEW ──> [VALIDATING: Validate on every node of the group] ──> [COMMITTING: the CCR table] ──> [UPDATING] ──> SETTLING
 *
 * and its end is multicast (rgm.rsp), for the node that asked.  Requests live in the president's memory only: when it
 * dies, the asking node sends the request again to the next one. */

#include "rgm/ops.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define OPS_MAX 512             /* open requests; a further one is refused */

int op_fail(struct op *op, scha_err_t code, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ju_trim(text);
	op->code = code;
	set_text(&op->text, text);
	op->phase = OP_DONE;
	return -EINVAL;
}

/* A decision of this request: it is not settled before the decision has landed. */
void op_decide(struct op *op, json_t *m, struct rgm_update *u)
{
	ju_set_str(m, "op", op->id);
	op->in_flight++;
	u_send(u, m);
}

/* ---- arguments ---- */

struct rgm_rg *need_rg(struct rgm *rgm, struct op *op)
{
	const char *name = ju_str(op->request, "rg", "");
	struct rgm_rg *rg = rg_find(rgm, name);

	if (!rg)
		op_fail(op, SCHA_ERR_RG, "resource group %s does not exist", name);
	else
		(void)snprintf(op->rg, sizeof op->rg, "%s", rg->name);
	return rg;
}

struct rgm_rs *need_rs_named(struct rgm *rgm, struct op *op, const char *name)
{
	struct rgm_rs *rs = rs_find(rgm, name);

	if (!rs)
		op_fail(op, SCHA_ERR_RSRC, "resource %s does not exist", name);
	else
		(void)snprintf(op->rg, sizeof op->rg, "%s", rs->rg->name);
	return rs;
}

struct rgm_rs *need_rs(struct rgm *rgm, struct op *op)
{
	return need_rs_named(rgm, op, ju_str(op->request, "rs", ""));
}

/* A group in ERROR_STOP_FAILED refuses edits and switches; one whose methods are running takes them in its turn. */
int need_steady(const struct rgm *rgm, struct op *op, const struct rgm_rg *rg)
{
	nodeset bad = rg_nodes_in(rg, IN(RG_ERROR_STOP_FAILED));

	if (bad)
		return op_fail(op, SCHA_ERR_STATE, "resource group %s is in ERROR_STOP_FAILED on %s: end what is left of it by "
			       "hand, then clear the flag (scswitch -c -h %s -j RESOURCE -f STOP_FAILED)", rg->name,
			       rgm_node_name(rgm, nodeset_next(bad, 0)), rgm_node_name(rgm, nodeset_next(bad, 0)));
	return 0;
}

int parse_nodes(const struct rgm *rgm, struct op *op, const struct rgm_rg *rg, nodeset *ret)
{
	json_t *v;
	size_t i;

	*ret = 0;
	json_array_foreach(ju_arr(op->request, "nodes"), i, v) {
		const char *name = json_string_value(v) ? json_string_value(v) : "";
		uint32_t id = rgm_node_id(rgm, name);

		if (!id)
			return op_fail(op, SCHA_ERR_NODE, "node %s is not in the configuration", name);
		if (rg && !nodeset_has(rg_nodelist(rg), id))
			return op_fail(op, SCHA_ERR_NODE, "node %s is not in the Nodelist of resource group %s", name, rg->name);
		*ret |= node_bit(id);
	}
	return 0;
}

static const struct op_kind kinds[] = {
	{ "type_add",         start_type_add,         outcome_none },
	{ "type_remove",      start_type_remove,      outcome_none },
	{ "type_change",      start_type_change,      outcome_none },
	{ "group_add",        start_group_add,        outcome_none },
	{ "group_change",     start_group_change,     outcome_none },
	{ "group_remove",     start_group_remove,     outcome_none },
	{ "group_manage",     start_group_manage,     outcome_none },
	{ "group_unmanage",   start_group_unmanage,   outcome_none },
	{ "group_bring",      start_group_bring,      outcome_online },
	{ "group_switch",     start_group_switch,     outcome_online },
	{ "group_offline",    start_group_offline,    outcome_offline },
	{ "group_restart",    start_group_restart,    outcome_online },
	{ "group_suspend",    start_group_suspend,    outcome_none },
	{ "group_resume",     start_group_resume,     outcome_none },
	{ "group_quiesce",    start_group_quiesce,    outcome_none },
	{ "group_remaster",   start_group_remaster,   outcome_none },
	{ "evacuate",         start_evacuate,         outcome_evacuate },
	{ "node_leave",       start_node_leave,       outcome_node_leave },
	{ "cluster_shutdown", start_cluster_shutdown, outcome_shutdown },
	{ "resource_add",     start_resource_add,     outcome_none },
	{ "resource_change",  start_resource_change,  outcome_none },
	{ "resource_remove",  start_resource_remove,  outcome_none },
	{ "resource_enable",  start_resource_enable,  outcome_none },
	{ "resource_disable", start_resource_disable, outcome_offline },
	{ "resource_clear",   start_resource_clear,   outcome_none },
	{ "table_change",     start_table_change,     outcome_none },
	{ "control",          start_control,          outcome_control },
};

/* ---- the driver ---- */

static void op_free(struct op *op)
{
	free(op->id);
	json_decref(op->request);
	free(op->text);
	free(op->table);
	json_decref(op->data);
	json_decref(op->validate);
	json_decref(op->update);
	json_decref(op->more_validate);
	json_decref(op->more_update);
	free(op);
}

void ops_drop(struct rgm *rgm)
{
	while (rgm->ops) {
		struct op *op = rgm->ops;

		rgm->ops = op->next;
		op_free(op);
	}
}

void ops_request(struct rgm *rgm, uint32_t from, const json_t *message)
{
	struct op **tail = &rgm->ops, *op;
	size_t n = 0;

	if (!rgm->presiding)
		return;
	for (; *tail; tail = &(*tail)->next, n++)
		if (streq((*tail)->id, ju_str(message, "id", "")))
			return;         /* sent again; it is being worked on */
	op = xcalloc(1, sizeof *op);
	op->id = xstrdup(ju_str(message, "id", ""));
	op->request = json_deep_copy(message);
	op->from = from;
	*tail = op;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (streq(kinds[i].name, ju_str(message, "op", "")))
			op->kind = &kinds[i];
	if (!op->kind)
		op_fail(op, SCHA_ERR_INVAL, "the president does not know the request \"%s\"", ju_str(message, "op", ""));
	else if (n >= OPS_MAX)
		op_fail(op, SCHA_ERR_RECONF, "too many requests at once; try again");
}

static struct op *op_find(struct rgm *rgm, const char *id)
{
	struct op *op = rgm->ops;

	while (op && !streq(op->id, id))
		op = op->next;
	return op;
}

void ops_landed(struct rgm *rgm, const char *id)
{
	struct op *op = op_find(rgm, id);

	if (op && op->in_flight)
		op->in_flight--;
}

void ops_ran(struct rgm *rgm, uint32_t from, const json_t *m)
{
	struct op *op = op_find(rgm, ju_str(m, "id", ""));
	bool timed_out = ju_bool(m, "timed_out", false), ok = ju_int(m, "exit", -1) == 0 && !timed_out;

	if (!op || !nodeset_has(op->waiting, from))
		return;
	op->waiting &= ~node_bit(from);
	if (ok)
		return;
	if (op->phase == OP_VALIDATING) {
		const char *output = ju_str(m, timed_out ? "stuck" : "output", "");

		op_fail(op, SCHA_ERR_METHOD, "Validate %s on %s%s%.900s", timed_out ? "timed out" : "refused it", rgm_node_name(rgm, from),
			*output ? ": " : "", output);
	} else if (op->phase == OP_CHECKING) {
		op->refused |= node_bit(from);
		op->target = 0;
		op->check_at = 0;
	}                               /* a failed Update is in the log of its node only */
}

void ops_members_changed(struct rgm *rgm)
{
	for (struct op *op = rgm->ops; op; op = op->next)
		op->waiting &= rgm_up_nodes(rgm);
}

void rgm_note_commit(struct rgm *rgm, const char *tx, uint64_t n)
{
	size_t at = rgm->commit_at++ % COMMITS_KEPT;

	(void)snprintf(rgm->commits[at].tx, sizeof rgm->commits[at].tx, "%s", tx);
	rgm->commits[at].n = n;
	rgm->commits[at].durable = false;
}

void rgm_committed(struct rgm *rgm, const char *tx, uint64_t n, const char *error, bool stale)
{
	struct op *op = op_find(rgm, tx);

	for (size_t i = 0; !error && i < COMMITS_KEPT; i++)
		if (streq(rgm->commits[i].tx, tx))
			rgm->commits[i].durable = true;
	if (!op || op->phase != OP_COMMITTING)
		return;
	if (error && stale) {
		op->phase = OP_WAITING_TO_COMMIT;
		return;
	}
	if (error) {
		op_fail(op, SCHA_ERR_FAIL, "the configuration could not be changed: %s; nothing was changed", error);
		return;
	}
	op->committed = n;
	op->phase = OP_UPDATING;
}

/* The last president had this request committed, and died before it could say so. */
static bool resumed(const struct rgm *rgm, struct op *op)
{
	const char *rs = ju_str(op->request, "rs", json_string_value(json_array_get(ju_arr(op->request, "names"), 0)));

	for (size_t i = 0; i < COMMITS_KEPT; i++) {
		const struct rgm_rs *found;

		if (!streq(rgm->commits[i].tx, op->id))
			continue;
		found = rs ? rs_find(rgm, rs) : NULL;
		op->committed = rgm->commits[i].n;
		op->phase = rgm->commits[i].durable ? OP_UPDATING : OP_COMMITTING;
		(void)snprintf(op->rg, sizeof op->rg, "%s", found ? found->rg->name : ju_str(op->request, "rg", ""));
		return true;
	}
	return false;
}

/* Update is no method for a node on which the resource is disabled. */
static nodeset may_run(const struct rgm *rgm, const json_t *message)
{
	const struct rgm_rs *rs = rs_find(rgm, ju_str(message, "rs", ""));

	return rs && streq(ju_str(message, "method", ""), rt_method_names[METHOD_UPDATE]) ? switch_nodes(rs, &rs->enabled) : ~(nodeset)0;
}

static nodeset run_nodes(const struct rgm *rgm, const struct rgm_rg *rg, bool only_online)
{
	return rg_nodelist(rg) & rgm_up_nodes(rgm) & (only_online ? rg_nodes_in(rg, RG_MASK_ONLINE) : ~(nodeset)0);
}

static void start_run(struct rgm *rgm, struct op *op, json_t **message, bool only_online, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);

	if (!*message || !rg)
		return;
	op->waiting = json_object_get(*message, "nodes") ? nodeset_from_json(ju_arr(*message, "nodes")) & rgm_up_nodes(rgm)
							 : run_nodes(rgm, rg, only_online);
	op->waiting &= may_run(rgm, *message);
	ju_set_new(*message, "nodes", nodeset_to_json(op->waiting));
	if (op->waiting)
		u_send(u, json_incref(*message));
	json_decref(*message);
	*message = NULL;
}

/* The next of several runs; false: none is left. */
static bool start_next_run(const struct rgm *rgm, struct op *op, json_t *list, struct rgm_update *u)
{
	while (!op->waiting && json_array_size(list)) {
		json_t *m = json_incref(json_array_get(list, 0));

		json_array_remove(list, 0);
		op->waiting = nodeset_from_json(ju_arr(m, "nodes")) & rgm_up_nodes(rgm) & may_run(rgm, m);
		ju_set_new(m, "nodes", nodeset_to_json(op->waiting));
		if (op->waiting)
			u_send(u, json_incref(m));
		json_decref(m);
	}
	return op->waiting != 0;
}

/* Every node where the group is not offline has carried out the committed configuration, and nothing is left to decide. */
static bool is_settled(struct rgm *rgm, const struct op *op, const struct rgm_rg *rg)
{
	struct rg_action a;

	if (rg->decided_ver == rg->ver)
		return false;
	rg_next_action(rgm, rg, &a);
	if (a.what != ACTION_NONE)
		return false;
	for (uint32_t id = nodeset_next(rgm_up_nodes(rgm), 0); id; id = nodeset_next(rgm_up_nodes(rgm), id))
		if ((rg->on[id].state != RG_OFFLINE && rg->on[id].settled < op->committed) || (op->committed && rg_unprepared(rg, id)))
			return false;
	return true;
}

static bool resource_restart_done(const struct rgm *rgm, const struct op *op)
{
	const struct rgm_rs *rs;

	if (!streq(op->kind->name, "control") || !strieq(ju_str(op->request, "tag", ""), "RESOURCE_RESTART"))
		return true;
	rs = rs_find(rgm, ju_str(op->request, "rs", ""));
	return !rs || (rs->on[op->from].state != RS_STARTING && rs->on[op->from].state != RS_STOPPING);
}

static void settle(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	const struct rgm_rg *rg = op->rg[0] ? rg_find(rgm, op->rg) : NULL;

	if (streq(op->kind->name, "evacuate") || streq(op->kind->name, "node_leave")) {
		uint32_t node = rgm_node_id(rgm, ju_str(op->request, "node", ""));

		for (size_t g = 0; g < rgm->rg_count; g++)
			if (rgm->node[node].state == NODE_UP && !is_settled(rgm, op, rgm->rgs[g]))
				return;
	}
	for (size_t g = 0; g < rgm->rg_count && streq(op->kind->name, "cluster_shutdown"); g++)
		if (!is_settled(rgm, op, rgm->rgs[g]))
			return;
	if ((rg && !is_settled(rgm, op, rg)) || !resource_restart_done(rgm, op))
		return;
	op->kind->outcome(rgm, op, u);
	op->phase = OP_DONE;
}

static bool somebody_commits(const struct rgm *rgm)
{
	for (const struct op *op = rgm->ops; op; op = op->next)
		if (op->phase == OP_COMMITTING)
			return true;
	return false;
}

/* A change is computed from the configuration in force, so the request is looked at again when its turn has come:
 * somebody else may have changed the same table meanwhile. */
static void commit(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	if (somebody_commits(rgm))
		return;
	u_push(&u->commit, ju_pack("{ss,ss,sO,ss,ss,ss*}", "tx", op->id, "table", op->table, "data", op->data, "by",
				   ju_str(op->request, "by", ""), "cmd", ju_str(op->request, "cmd", ""), "message",
				   ju_str(op->request, "message", NULL)));
	op->phase = OP_COMMITTING;
}

static void rebuild(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	if (somebody_commits(rgm))
		return;
	if (resumed(rgm, op))           /* what came between was this very change, of the last president */
		return;
	free(op->table);
	op->table = NULL;
	json_decref(op->data);
	op->data = NULL;
	json_decref(op->validate);
	op->validate = NULL;
	json_decref(op->update);
	op->update = NULL;
	json_decref(op->more_update);
	op->more_update = NULL;
	if (op->kind->start(rgm, op, u) != 0)
		return;
	json_decref(op->validate);
	op->validate = NULL;
	json_decref(op->more_validate);
	op->more_validate = NULL;
	if (op->data)
		commit(rgm, op, u);
}

/* scswitch -Z goes on to bring the group online once it is enabled. */
static void after_commit(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = rg_find(rgm, op->rg);

	if (rg && streq(op->kind->name, "group_bring")) {
		bool suspended = rg_prop_bool(rg, "Suspend_automatic_recovery");
		json_t *m = by_hand(rgm, rg, op, suspended ? "switch" : "auto", "brought online");

		if (suspended)          /* it goes nowhere by itself */
			ju_set_new(m, "nodes", nodeset_to_json(rg_ideal(rgm, rg)));
		op_decide(op, m, u);
	}
	if (rg && streq(op->kind->name, "group_suspend"))
		op_decide(op, quiesce(rgm, rg, op, "suspended"), u);
	start_run(rgm, op, &op->update, true, u);
}

static void op_step(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	enum op_phase before;

	do {
		before = op->phase;
		switch (op->phase) {
		case OP_NEW:
			if (resumed(rgm, op))
				break;
			if (op->kind->start(rgm, op, u) != 0 || op->phase != OP_NEW)
				break;
			op->phase = op->validate || op->more_validate ? OP_VALIDATING : op->data ? OP_WAITING_TO_COMMIT : OP_UPDATING;
			if (op->phase == OP_VALIDATING)
				start_run(rgm, op, &op->validate, false, u);
			break;
		case OP_VALIDATING:
			if (!op->waiting && !start_next_run(rgm, op, op->more_validate, u))
				op->phase = ju_bool(op->request, "check", false) ? OP_DONE : OP_WAITING_TO_COMMIT;
			break;
		case OP_CHECKING:
			check_candidates(rgm, op, u);
			break;
		case OP_WAITING_TO_COMMIT:
			rebuild(rgm, op, u);
			break;
		case OP_COMMITTING:
			break;
		case OP_UPDATING:
			after_commit(rgm, op, u);
			op->phase = OP_SETTLING;
			break;
		case OP_SETTLING:
			if (!op->waiting && !op->in_flight && !start_next_run(rgm, op, op->more_update, u))
				settle(rgm, op, u);
			break;
		case OP_DONE:
			break;
		}
	} while (op->phase != before);
}

void ops_advance(struct rgm *rgm, struct rgm_update *u)
{
	for (struct op **at = &rgm->ops; *at;) {
		struct op *op = *at;

		op_step(rgm, op, u);
		if (op->phase != OP_DONE) {
			at = &op->next;
			continue;
		}
		u_send(u, ju_pack("{ss,si,ss,ss,sI,si,ss}", "t", "rgm.rsp", "v", 1, "id", op->id, "op", op->kind ? op->kind->name : "",
				  "to", (json_int_t)op->from, "code", (int)op->code, "text", op->text ? op->text : ""));
		*at = op->next;
		op_free(op);
	}
}

json_t *rgm_request_message(struct rgm *rgm, const char *id, const json_t *request, const char *by)
{
	json_t *m = json_deep_copy(request);

	ju_set_str(m, "t", streq(ju_str(request, "op", ""), "status") ? "rgm.status" : "rgm.req");
	ju_set_int(m, "v", 1);
	ju_set_str(m, "id", id);
	ju_set_str(m, "by", by);
	ju_set_int(m, "at", rgm->now_ms);
	return m;
}
