/* The log, the clock and the machines of a rehearsal; see rehearsal.h.
 *
 * pump() delivers what is in the log to every member in the same order, commits, and lets the president decide, until nothing is
 * left to do at this moment.  All that takes time is in `due`, in the order of time: methods that end, nodes that are missed and
 * declared dead.  While a node has died and is not missed yet, the log stands still, as the ring does. */
#include "rgm/rehearsal.h"

#include "rgm/model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define STEPS_MAX 1000000       /* in rehearsal_settle(): more is a circle */

#define FOR_EACH(id, set) for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))

enum due_kind { DUE_METHOD, DUE_MISSED, DUE_DEAD };
struct due {
	struct due *next;
	int64_t     at_ms;
	enum due_kind kind;
	uint32_t    node;               /* METHOD, DEAD */
	nodeset     nodes;              /* MISSED */
	uint64_t    run;
	json_t     *fact;               /* METHOD: what is told when it ends */
};

struct rehearsal {
	struct rehearsal_config config;
	struct rgm *rgm[CMM_NODE_ID_MAX + 1];
	struct cmm_membership membership;
	nodeset  live;                  /* have an object */
	uint32_t president;
	int64_t  now_ms;
	uint64_t gen, incarnation;
	int64_t  requests;
	json_t  *tables;                /* name -> {"gen","data"} */
	json_t  *log;                   /* [from, message] */
	size_t   log_at;
	json_t  *commits;
	json_t  *facts;
	struct due *due;
	unsigned frozen;                /* deaths that nobody has missed yet */
	nodeset  aborting;              /* panic as soon as this event is through */
	nodeset  departing;             /* leave then: they may */
	int64_t  leave_request[CMM_NODE_ID_MAX + 1];
	bool     pumping;
};

struct rehearsal *rehearsal_new(const struct rehearsal_config *config)
{
	struct rehearsal *r = xcalloc(1, sizeof *r);

	r->config = *config;
	r->tables = json_object();
	r->log = json_array();
	r->commits = json_array();
	r->facts = json_array();
	return r;
}

static void due_free(struct due *due)
{
	json_decref(due->fact);
	free(due);
}

struct rehearsal *rehearsal_free(struct rehearsal *r)
{
	if (!r)
		return NULL;
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		rgm_free(r->rgm[id]);
	while (r->due) {
		struct due *due = r->due;

		r->due = due->next;
		due_free(due);
	}
	json_decref(r->tables);
	json_decref(r->log);
	json_decref(r->commits);
	json_decref(r->facts);
	free(r);
	return NULL;
}

const json_t *rehearsal_facts(const struct rehearsal *r) { return r->facts; }
int64_t rehearsal_now(const struct rehearsal *r) { return r->now_ms; }
nodeset rehearsal_members(const struct rehearsal *r) { return r->live; }

const struct rgm *rehearsal_rgm(const struct rehearsal *r)
{
	return r->live ? r->rgm[nodeset_has(r->live, r->president) ? r->president : nodeset_next(r->live, 0)] : NULL;
}

/* ---- facts ---- */

static json_t *fact(struct rehearsal *r, const char *kind)
{
	json_t *f = ju_pack("{ss,sI}", "e", kind, "at", (json_int_t)r->now_ms);

	json_array_append(r->facts, f);
	json_decref(f);
	return f;       /* the array holds it */
}

static const char *name_of(const struct rehearsal *r, uint32_t id)
{
	const struct rgm *rgm = rehearsal_rgm(r);

	return rgm ? rgm_node_name(rgm, id) : "?";
}

static void node_fact(struct rehearsal *r, uint32_t id, const char *state, const char *text)
{
	json_t *f = fact(r, "node");

	ju_set_str(f, "node", name_of(r, id));
	ju_set_str(f, "state", state);
	if (text)
		ju_set_str(f, "text", text);
}

static void decision_fact(struct rehearsal *r, const json_t *m)
{
	static const char *const copied[] = { "rg", "do", "rs", "why" };
	nodeset nodes = nodeset_from_json(ju_arr(m, "nodes"));
	json_t *f = fact(r, "decision"), *names = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		if (ju_str(m, copied[i], NULL))
			ju_set_str(f, copied[i], ju_str(m, copied[i], ""));
	if (ju_int(m, "node", 0))
		ju_set_str(f, "node", name_of(r, (uint32_t)ju_int(m, "node", 0)));
	FOR_EACH(id, nodes)
		ju_push(names, json_string(name_of(r, id)));
	ju_set_new(f, "nodes", names);
}

/* The states of the group that a message is about, before and after it. */
struct seen { enum rg_state rg[CMM_NODE_ID_MAX + 1]; enum rs_state *rs; };

static struct rgm_rg *subject(const struct rehearsal *r, const json_t *m)
{
	const char *name = ju_str(m, "rg", NULL);

	return name && rehearsal_rgm(r) ? rg_find(rehearsal_rgm(r), name) : NULL;
}

static void look(const struct rgm_rg *rg, struct seen *seen)
{
	if (!rg)
		return;
	seen->rs = xcalloc(rg->rs_count * (CMM_NODE_ID_MAX + 1), sizeof *seen->rs);
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		seen->rg[id] = rg->on[id].state;
		for (size_t i = 0; i < rg->rs_count; i++)
			seen->rs[i * (CMM_NODE_ID_MAX + 1) + id] = rg->rs[i]->on[id].state;
	}
}

static void tell_states(struct rehearsal *r, const struct rgm_rg *rg, const struct seen *seen)
{
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		for (size_t i = 0; i < rg->rs_count; i++)
			if (rg->rs[i]->on[id].state != seen->rs[i * (CMM_NODE_ID_MAX + 1) + id]) {
				json_t *f = fact(r, "resource");

				ju_set_str(f, "rg", rg->name);
				ju_set_str(f, "rs", rg->rs[i]->name);
				ju_set_str(f, "node", name_of(r, id));
				ju_set_str(f, "state", rs_state_names[rg->rs[i]->on[id].state]);
			}
		if (rg->on[id].state != seen->rg[id]) {
			json_t *f = fact(r, "group");

			ju_set_str(f, "rg", rg->name);
			ju_set_str(f, "node", name_of(r, id));
			ju_set_str(f, "state", rg_state_names[rg->on[id].state]);
		}
	}
}

/* ---- what takes time ---- */

static struct due *due_add(struct rehearsal *r, enum due_kind kind, int64_t in_ms)
{
	struct due *due = xcalloc(1, sizeof *due), **at = &r->due;

	due->kind = kind;
	due->at_ms = r->now_ms + in_ms;
	while (*at && (*at)->at_ms <= due->at_ms)
		at = &(*at)->next;
	due->next = *at;
	*at = due;
	return due;
}

/* A dead node's methods end nowhere. */
static void due_forget(struct rehearsal *r, uint32_t node)
{
	for (struct due **at = &r->due; *at;) {
		struct due *due = *at;

		if (due->kind != DUE_METHOD || due->node != node) {
			at = &due->next;
			continue;
		}
		*at = due->next;
		due_free(due);
	}
}

static void launch(struct rehearsal *r, uint32_t id, const json_t *run)
{
	struct rehearsal_run what = { .node = id, .node_name = name_of(r, id), .rg = ju_str(run, "rg", ""), .rs = ju_str(run, "rs", ""),
				      .method = ju_str(run, "method", ""), .timeout_s = ju_int(run, "timeout", 0) };
	struct rehearsal_end end = { 0 };
	struct due *due;
	json_t *f;

	r->config.method(r->config.ctx, &what, &end);
	f = fact(r, "run");
	ju_set_str(f, "node", what.node_name);
	ju_set_str(f, "rg", what.rg);
	ju_set_str(f, "rs", what.rs);
	ju_set_str(f, "method", what.method);
	ju_set_int(f, "ms", end.ms);
	ju_set_bool(f, "measured", end.measured);
	due = due_add(r, DUE_METHOD, end.ms);
	due->node = id;
	due->run = (uint64_t)ju_int(run, "run", 0);
	due->fact = json_deep_copy(f);
	ju_set_str(due->fact, "e", "ran");
	ju_set_int(due->fact, "at", due->at_ms);
	ju_set_int(due->fact, "exit", end.exit);
	ju_set_bool(due->fact, "timed_out", end.timed_out);
	ju_set_bool(due->fact, "ok", !end.exit && !end.timed_out);
}

/* ---- updates ---- */

static void on_answer(struct rehearsal *r, uint32_t id, const json_t *answer);

static void take(struct rehearsal *r, uint32_t id, struct rgm_update *u)
{
	json_t *v;
	size_t i;

	json_array_foreach(u->send, i, v)
		ju_push(r->log, ju_pack("[I,O]", (json_int_t)id, v));
	json_array_foreach(u->run, i, v)
		launch(r, id, v);
	json_array_foreach(u->answer, i, v)
		on_answer(r, id, v);
	json_array_extend(r->commits, u->commit);
	if (u->abort[0]) {
		node_fact(r, id, "panics", u->abort);
		r->aborting |= node_bit(id);
	}
	rgm_update_done(u);
}

static int64_t wall(const struct rehearsal *r) { return r->config.wall_ms + r->now_ms; }

static void keep_table(struct rehearsal *r, const char *name, uint64_t gen, const json_t *data)
{
	ju_set_new(r->tables, name, ju_pack("{sI,so}", "gen", (json_int_t)gen, "data",
					    json_is_object(data) ? json_deep_copy(data) : json_null()));
	r->gen = MAX(r->gen, gen);
}

void rehearsal_table(struct rehearsal *r, const char *table, uint64_t gen, const json_t *data)
{
	keep_table(r, table, gen, data);
}

static void commit(struct rehearsal *r, const json_t *c)
{
	const char *table = ju_str(c, "table", ""), *tx = ju_str(c, "tx", "");
	const json_t *data = json_object_get(c, "data");
	struct err err = { 0 };
	bool refused = false;

	keep_table(r, table, r->gen + 1, data);
	FOR_EACH(id, r->live) {
		struct rgm_update u = { 0 };

		rgm_set_time(r->rgm[id], wall(r));
		rgm_note_commit(r->rgm[id], tx, r->gen);
		refused |= rgm_load_table(r->rgm[id], table, r->gen, json_is_object(data) ? data : NULL, &u, &err) < 0;
		take(r, id, &u);
	}
	FOR_EACH(id, r->live)
		rgm_committed(r->rgm[id], tx, r->gen, refused ? err.text : NULL, false);
}

void rehearsal_commit(struct rehearsal *r, const char *table, const json_t *data)
{
	ju_push(r->commits, ju_pack("{ss,ss,sO}", "tx", "", "table", table, "data", (json_t *)data));
}

/* Stale ones change nothing. */
static bool is_decision(const json_t *m)
{
	return streq(ju_str(m, "t", ""), "rgm.dec");
}

static void deliver(struct rehearsal *r, uint32_t from, const json_t *m)
{
	_cleanup_free_ struct seen *seen = xcalloc(1, sizeof *seen);
	struct rgm_rg *rg = subject(r, m);
	uint64_t before = rg ? rg->ver : 0;

	look(rg, seen);
	FOR_EACH(id, r->live) {
		struct rgm_update u = { 0 };

		rgm_set_time(r->rgm[id], wall(r));
		rgm_apply(r->rgm[id], from, m, &u);
		/* What was decided is told before what follows from it. */
		if (id == nodeset_next(r->live, 0) && rg && rg_find(r->rgm[id], rg->name)->ver != before && is_decision(m))
			decision_fact(r, m);
		take(r, id, &u);
	}
	if (rg)
		tell_states(r, rg, seen);
	free(seen->rs);
}

static void preside(struct rehearsal *r)
{
	if (!nodeset_has(r->membership.ready, r->president))
		r->president = nodeset_next(r->membership.ready & r->live, 0);
	FOR_EACH(id, r->live) {
		struct rgm_update u = { 0 };

		rgm_set_time(r->rgm[id], wall(r));
		rgm_preside(r->rgm[id], id == r->president, &u);
		take(r, id, &u);
	}
}

static void die(struct rehearsal *r, nodeset nodes)
{
	nodes &= r->live;
	if (!nodes)
		return;
	FOR_EACH(id, nodes)
		node_fact(r, id, "dies", NULL);
	FOR_EACH(id, nodes) {
		due_forget(r, id);
		r->rgm[id] = rgm_free(r->rgm[id]);
	}
	r->live &= ~nodes;
	r->frozen++;
	due_add(r, DUE_MISSED, r->config.detect_ms)->nodes = nodes;
	FOR_EACH(id, nodes)
		due_add(r, DUE_DEAD, MAX(r->config.takeover_ms, r->config.detect_ms))->node = id;
}

static void tell_membership(struct rehearsal *r);

/* They have said goodbye, so nobody has to wait for their death. */
static void depart(struct rehearsal *r, nodeset nodes)
{
	FOR_EACH(id, nodes) {
		node_fact(r, id, "left", NULL);
		due_forget(r, id);
		r->rgm[id] = rgm_free(r->rgm[id]);
	}
	r->live &= ~nodes;
	r->membership.members &= ~nodes;
	r->membership.ready &= ~nodes;
	tell_membership(r);
}

/* Until nothing is left to do at this moment. */
static void pump(struct rehearsal *r)
{
	if (r->pumping)
		return;
	r->pumping = true;
	while (r->live) {
		if (r->aborting) {
			die(r, r->aborting);
			r->aborting = 0;
		}
		if (r->departing) {
			nodeset nodes = r->departing & r->live;

			r->departing = 0;
			depart(r, nodes);
			continue;
		}
		if (r->frozen)
			break;
		preside(r);
		if (json_array_size(r->commits)) {
			json_t *c = json_incref(json_array_get(r->commits, 0));

			json_array_remove(r->commits, 0);
			commit(r, c);
			json_decref(c);
		} else if (r->log_at < json_array_size(r->log)) {
			json_t *e = json_array_get(r->log, r->log_at++);

			deliver(r, (uint32_t)json_integer_value(json_array_get(e, 0)), json_array_get(e, 1));
		} else {
			break;
		}
	}
	if (r->log_at == json_array_size(r->log)) {
		json_array_clear(r->log);
		r->log_at = 0;
	}
	r->pumping = false;
}

/* ---- nodes ---- */

static void tell_membership(struct rehearsal *r)
{
	r->membership.epoch++;
	FOR_EACH(id, r->live) {
		struct rgm_update u = { 0 };

		rgm_set_time(r->rgm[id], wall(r));
		rgm_membership(r->rgm[id], &r->membership, &u);
		take(r, id, &u);
	}
	r->membership.formed = false;
}

static void tell_ready(struct rehearsal *r, uint32_t node)
{
	r->membership.ready |= node_bit(node);
	FOR_EACH(id, r->live) {
		struct rgm_update u = { 0 };

		rgm_set_time(r->rgm[id], wall(r));
		rgm_node_ready(r->rgm[id], node, &u);
		take(r, id, &u);
	}
}

static int load_all(struct rehearsal *r, uint32_t id, struct err *err)
{
	static const char *const kinds[] = { "infrastructure", "rgm_rt_", "rgm_rg_" };
	const char *name;
	json_t *v;

	rgm_set_time(r->rgm[id], wall(r));
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		json_object_foreach(r->tables, name, v)
			if (strncmp(name, kinds[k], strlen(kinds[k])) == 0 && ju_obj(v, "data") &&
			    rgm_load_table(r->rgm[id], name, (uint64_t)ju_int(v, "gen", 0), ju_obj(v, "data"), NULL, err) < 0)
				return err_prefix(err, -EINVAL, "table %s", name);
	return 0;
}

static int make_members(struct rehearsal *r, nodeset members, struct err *err)
{
	int ret = 0;

	FOR_EACH(id, members) {
		r->rgm[id] = rgm_new(id);
		r->live |= node_bit(id);
		if (ret == 0)
			ret = load_all(r, id, err);
	}
	r->membership.members = members;
	return ret;
}

int rehearsal_form(struct rehearsal *r, nodeset members, struct err *err)
{
	int ret = make_members(r, members, err);

	if (ret < 0)
		return ret;
	FOR_EACH(id, members)
		r->membership.member[id].incarnation = ++r->incarnation;
	r->membership.formed = true;
	tell_membership(r);
	FOR_EACH(id, members)
		tell_ready(r, id);
	pump(r);
	return 0;
}

int rehearsal_adopt(struct rehearsal *r, const json_t *snapshot, struct err *err)
{
	nodeset ready = 0, lost = 0;
	json_t *v;
	size_t i;
	int ret;

	if (ju_bool(snapshot, "forming", false))
		return err_set(err, -EAGAIN, "the cluster is forming; ask again when its members have joined");
	json_array_foreach(ju_arr(snapshot, "nodes"), i, v) {
		json_int_t id = json_integer_value(json_array_get(v, 0)), state = json_integer_value(json_array_get(v, 1));

		if (id < 1 || id > CMM_NODE_ID_MAX)
			continue;
		ready |= state == NODE_UP ? node_bit((uint32_t)id) : 0;
		lost |= state == NODE_LOST ? node_bit((uint32_t)id) : 0;
		r->membership.member[id].incarnation = (uint64_t)json_integer_value(json_array_get(v, 2));
		r->incarnation = MAX(r->incarnation, r->membership.member[id].incarnation);
	}
	ret = make_members(r, ready, err);
	if (ret < 0)
		return ret;
	r->membership.epoch = (uint64_t)ju_int(snapshot, "epoch", 0);
	r->membership.ready = ready;
	r->membership.lost = lost;
	FOR_EACH(id, ready) {
		rgm_restore(r->rgm[id], snapshot);
		rgm_adopt(r->rgm[id]);
	}
	FOR_EACH(id, lost)
		due_add(r, DUE_DEAD, r->config.takeover_ms)->node = id;
	FOR_EACH(id, ready) {
		struct rgm_update u = { 0 };

		rgm_go_on(r->rgm[id], &u);
		take(r, id, &u);
	}
	pump(r);
	return 0;
}

void rehearsal_lose(struct rehearsal *r, nodeset nodes)
{
	die(r, nodes);
	pump(r);
}

static void missed(struct rehearsal *r, nodeset nodes)
{
	r->frozen--;
	FOR_EACH(id, nodes)
		if (r->live)
			node_fact(r, id, "lost", NULL);
	r->membership.members &= ~nodes;
	r->membership.ready &= ~nodes;
	r->membership.lost |= nodes;
	tell_membership(r);
}

static void dead(struct rehearsal *r, uint32_t node)
{
	if (!nodeset_has(r->membership.lost, node))
		return;         /* it is back */
	r->membership.lost &= ~node_bit(node);
	if (r->live)
		node_fact(r, node, "dead", NULL);
	FOR_EACH(id, r->live) {
		struct rgm_update u = { 0 };

		rgm_set_time(r->rgm[id], wall(r));
		rgm_node_dead(r->rgm[id], node, "lease", &u);
		take(r, id, &u);
	}
}

void rehearsal_join(struct rehearsal *r, uint32_t node)
{
	json_t *snapshot;

	if (!r->live || nodeset_has(r->live, node))
		return;
	node_fact(r, node, "joins", NULL);
	r->membership.members |= node_bit(node);
	r->membership.lost &= ~node_bit(node);
	r->membership.member[node] = (struct cmm_member) { .incarnation = ++r->incarnation };
	tell_membership(r);
	snapshot = rgm_snapshot(rehearsal_rgm(r));
	r->rgm[node] = rgm_new(node);
	(void)load_all(r, node, NULL);  /* the others have the same tables */
	rgm_restore(r->rgm[node], snapshot);
	json_decref(snapshot);
	r->live |= node_bit(node);
	tell_ready(r, node);
	pump(r);
}

/* ---- requests ---- */

int64_t rehearsal_request(struct rehearsal *r, uint32_t from, const json_t *request, const char *by)
{
	char id[32];

	if (!nodeset_has(r->live, from))
		return 0;
	(void)snprintf(id, sizeof id, "%" PRId64, ++r->requests);
	rgm_set_time(r->rgm[from], wall(r));
	ju_push(r->log, ju_pack("[I,o]", (json_int_t)from, rgm_request_message(r->rgm[from], id, request, by)));
	pump(r);
	return r->requests;
}

static void on_answer(struct rehearsal *r, uint32_t id, const json_t *answer)
{
	int64_t request = strtoll(ju_str(answer, "id", "0"), NULL, 10);
	json_t *f = fact(r, "answer");

	ju_set_int(f, "request", request);
	ju_set_int(f, "code", ju_int(answer, "code", 0));
	ju_set_str(f, "text", ju_str(answer, "text", ""));
	if (!request || request != r->leave_request[id])
		return;
	if (ju_int(answer, "code", 0) == 0)
		r->departing |= node_bit(id);
	else
		node_fact(r, id, "stays", NULL);
	r->leave_request[id] = 0;
}

void rehearsal_leave(struct rehearsal *r, uint32_t node)
{
	json_t *request = ju_pack("{ss,ss}", "op", "node_leave", "node", name_of(r, node));

	r->leave_request[node] = r->requests + 1;
	(void)rehearsal_request(r, node, request, name_of(r, node));
	json_decref(request);
}

/* ---- time ---- */

static void end_method(struct rehearsal *r, struct due *due)
{
	json_t *f = TAKE_PTR(due->fact), *result;
	struct rgm_update u = { 0 };

	result = ju_pack("{sI,sb,ss,sf}", "exit", (json_int_t)ju_int(f, "exit", 0), "timed_out", ju_bool(f, "timed_out", false), "output",
			 "", "ms", (double)ju_int(f, "ms", 0));
	ju_push(r->facts, f);
	rgm_set_time(r->rgm[due->node], wall(r));
	rgm_ran(r->rgm[due->node], due->run, result, &u);
	take(r, due->node, &u);
	json_decref(result);
}

bool rehearsal_step(struct rehearsal *r)
{
	struct due *due = r->due;

	if (!due)
		return false;
	r->due = due->next;
	r->now_ms = MAX(r->now_ms, due->at_ms);
	if (due->kind == DUE_METHOD)
		end_method(r, due);
	else if (due->kind == DUE_MISSED)
		missed(r, due->nodes);
	else
		dead(r, due->node);
	due_free(due);
	pump(r);
	return true;
}

void rehearsal_wait(struct rehearsal *r, int64_t ms)
{
	int64_t until = r->now_ms + ms;

	while (r->due && r->due->at_ms <= until)
		(void)rehearsal_step(r);
	r->now_ms = until;
	pump(r);
}

int rehearsal_settle(struct rehearsal *r, struct err *err)
{
	unsigned n = 0;

	pump(r);
	while (rehearsal_step(r))
		if (++n > STEPS_MAX)
			return err_set(err, -ELOOP, "it does not come to rest within %u steps", STEPS_MAX);
	return 0;
}
