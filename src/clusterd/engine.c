/* Order of work on every event: cmm first (it may end everything), then what follows from it for ccr and rgm, then, when
 * this node is president, decisions.  A node that has no snapshot yet keeps what the log brings for ccr and rgm until it
 * has one (held); cmm's own messages are never held. */
#include "clusterd/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "clusterd/clusterops.h"
#include "clusterd/netview.h"
#include "clusterd/status.h"
#include "cmm/config.h"
#include "scha_err.h"

#define DIGEST_INTERVAL_MS 10000        /* the president has states compared this often */
#define PENDING_MAX 1024                /* requests of this node's clients under way; a further one is refused */

struct engine {
	uint32_t self;
	struct engine_config config;
	bool     amnesia;
	struct cmm *cmm;
	struct ccr *ccr;
	struct rgm *rgm;
	struct netview *net;
	struct clusterops *ops;
	char     fenced[CMM_NODE_ID_MAX + 1][80];       /* how, when it was last thrown out; "": it is back */

	bool     synced;                /* has the snapshot of its membership, or gave it */
	json_t  *held;                  /* [from, message] since the activation; NULL: nothing is held */
	json_t  *missing;               /* formation: tables that the sponsor waits for */

	json_t  *commits;               /* president: changes that wait for their turn, the first one is under way */
	bool     commit_sent;

	json_t  *pending;               /* id -> {"client","request","by"}: requests of clients on this node */
	uint64_t request_counter;
	uint32_t last_president;

	bool     hello_stale;           /* the tables have changed since cmm was told what to say of them */
	nodeset  view;                  /* cmm's, as it was last told */
	uint64_t lease_until_ms, timer_ms;      /* of cmm's last update */
	uint64_t digest_due_ms, digest_mark, own_digest;
	uint32_t digest_from;           /* who set the mark: while presidents change, two may set the same number */
	bool     leaves;                /* all members leave, at this place in the log: nothing that comes after it counts */
	bool     shutdown;              /* and it is on the disk */
};

/* ---- update ---- */

void engine_update_done(struct engine_update *u)
{
	json_decref(u->store);
	json_decref(u->send);
	json_decref(u->device);
	json_decref(u->fence);
	json_decref(u->run);
	json_decref(u->kill);
	json_decref(u->answer);
	json_decref(u->notes);
	json_decref(u->journal);
	*u = (struct engine_update) { 0 };
}

static void push(json_t **list, json_t *value)
{
	if (!*list)
		*list = json_array();
	ju_push(*list, value);
}

static void move_all(json_t **to, json_t **from)
{
	if (!*from)
		return;
	if (!*to) {
		*to = TAKE_PTR(*from);
		return;
	}
	json_array_extend(*to, *from);
	json_decref(*from);
	*from = NULL;
}

static void note(struct engine_update *u, const char *tag, const char *level, const char *text)
{
	push(&u->notes, ju_pack("{ss,ss,ss}", "tag", tag, "level", level, "text", text));
}

static void journal(struct engine_update *u, struct engine_time now, json_t *entry)
{
	ju_set_int(entry, "w", now.wall_ms);
	ju_set_int(entry, "m", (int64_t)now.mono_ms);
	push(&u->journal, entry);
}

/* ---- reading ---- */

const struct cmm *engine_cmm(const struct engine *e) { return e->cmm; }
const struct ccr *engine_ccr(const struct engine *e) { return e->ccr; }
const struct rgm *engine_rgm(const struct engine *e) { return e->rgm; }
bool engine_is_ready(const struct engine *e) { return e->synced && cmm_is_ready(e->cmm) && !e->leaves; }

uint64_t engine_digest(const struct engine *e)
{
	json_t *tables = ccr_summary(e->ccr);
	_cleanup_free_ char *text = ju_dump(tables);
	uint64_t h = rgm_digest(e->rgm);

	json_decref(tables);
	return hash_text(h, text);
}

/* ---- configuration from the infrastructure table ---- */

static void load_kind(const char *table, const json_t *data, void *ctx)
{
	struct { struct engine *e; const char *prefix; struct engine_update *u; } *c = ctx;
	struct err err = { 0 };

	if (strncmp(table, c->prefix, strlen(c->prefix)) != 0)
		return;
	if (rgm_load_table(c->e->rgm, table, ccr_table_gen(c->e->ccr, table), data, NULL, &err) < 0 && c->u)
		note(c->u, "Cluster.RGM.rgmd", "error", err.text);
}

/* Types before the groups that use them. */
static void load_rgm(struct engine *e, struct engine_update *u)
{
	static const char *const prefixes[] = { "infrastructure", "rgm_rt_", "rgm_rg_" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		struct { struct engine *e; const char *prefix; struct engine_update *u; } ctx = { e, prefixes[i], u };

		ccr_each(e->ccr, load_kind, &ctx);
	}
}

/* ---- life ---- */

struct engine *engine_new(const struct engine_config *config)
{
	struct engine *e = xcalloc(1, sizeof *e);

	e->self = config->self;
	e->config = *config;
	e->ccr = ccr_new(config->self);
	e->rgm = rgm_new(config->self);
	rgm_set_ccr(e->rgm, e->ccr);
	e->net = netview_new();
	e->ops = clusterops_new(e->self);
	e->pending = json_object();
	e->commits = json_array();
	return e;
}

void engine_has_amnesia(struct engine *e) { e->amnesia = true; }

void engine_load(struct engine *e, const char *table, uint64_t gen, const json_t *data)
{
	ccr_load(e->ccr, table, gen, data);
}

void engine_load_history(struct engine *e, const json_t *entry, size_t bytes)
{
	ccr_load_history(e->ccr, entry, bytes);
}

int engine_start(struct engine *e, struct err *err)
{
	struct cmm_config config = { .self = e->self, .incarnation = e->config.incarnation, .epoch = e->config.epoch,
				     .keys = e->config.keys, .synced = e->config.synced, .amnesia = e->amnesia,
				     .level_min = e->config.level_min, .level_max = e->config.level_max };
	int r = cmm_config_read(ccr_table(e->ccr, "infrastructure"), ccr_table_gen(e->ccr, "infrastructure"), e->self,
				&config.votes, &config.timers, err);

	if (r < 0)
		return r;
	e->cmm = cmm_new(&config);
	e->hello_stale = true;
	load_rgm(e, NULL);
	return 0;
}

struct engine *engine_free(struct engine *e)
{
	if (!e)
		return NULL;
	cmm_free(e->cmm);
	ccr_free(e->ccr);
	rgm_free(e->rgm);
	netview_free(e->net);
	clusterops_free(e->ops);
	json_decref(e->held);
	json_decref(e->missing);
	json_decref(e->commits);
	json_decref(e->pending);
	free(e);
	return NULL;
}

/* ---- taking over the updates of the cores ---- */

static void answer_client(struct engine *e, const char *id, int64_t code, const char *text, struct engine_update *u)
{
	const json_t *p = json_object_get(e->pending, id);

	if (!p)
		return;
	push(&u->answer, ju_pack("{sI,sI,ss}", "client", (json_int_t)ju_int(p, "client", 0), "code", (json_int_t)code, "text",
				 text));
	json_object_del(e->pending, id);
}

static void take_rgm(struct engine *e, struct rgm_update *r, struct engine_update *u)
{
	json_t *v;
	size_t i;

	move_all(&u->send, &r->send);
	move_all(&u->run, &r->run);
	move_all(&u->kill, &r->kill);
	json_array_foreach(r->commit, i, v) {
		ju_set_int(v, "base", (int64_t)ccr_table_gen(e->ccr, ju_str(v, "table", "")));
		ju_push(e->commits, json_incref(v));
	}
	json_array_foreach(r->answer, i, v)
		answer_client(e, ju_str(v, "id", ""), ju_int(v, "code", SCHA_ERR_INTERNAL), ju_str(v, "text", ""), u);
	json_array_foreach(r->notes, i, v)
		note(u, "Cluster.RGM.rgmd", ju_str(v, "level", "notice"), ju_str(v, "text", ""));
	if (r->abort[0] && !u->panic[0])
		(void)snprintf(u->panic, sizeof u->panic, "%s", r->abort);
	rgm_update_done(r);
}

static void configure_cmm(struct engine *e)
{
	struct cmm_votes votes;

	cmm_votes_read(ccr_table(e->ccr, "infrastructure"), ccr_table_gen(e->ccr, "infrastructure"), &votes);
	cmm_configure(e->cmm, &votes);
}

static void configuration_changed(struct engine *e, const char *table, struct engine_update *u)
{
	struct rgm_update r = { 0 };
	struct err err = { 0 };

	if (rgm_load_table(e->rgm, table, ccr_table_gen(e->ccr, table), ccr_table(e->ccr, table), &r, &err) < 0)
		note(u, "Cluster.RGM.rgmd", "error", err.text);
	take_rgm(e, &r, u);
	if (streq(table, "infrastructure"))
		configure_cmm(e);
}

static void take_ccr(struct engine *e, struct ccr_update *c, struct engine_update *u)
{
	json_t *v;
	size_t i;

	move_all(&u->store, &c->store);
	move_all(&u->send, &c->send);
	if (c->committed[0]) {
		rgm_note_commit(e->rgm, c->committed_tx, ccr_last_commit(e->ccr));
		configuration_changed(e, c->committed, u);
	}
	e->hello_stale = true;
	json_array_foreach(c->finished, i, v) {
		const char *tx = ju_str(v, "tx", "");

		if (json_array_size(e->commits) && streq(ju_str(json_array_get(e->commits, 0), "tx", ""), tx)) {
			e->commit_sent = false;
			if (ju_bool(v, "busy", false))
				continue;       /* a change of the last president came first; this one's turn comes */
			json_array_remove(e->commits, 0);
		}
		rgm_committed(e->rgm, tx, (uint64_t)ju_int(v, "n", 0), ju_str(v, "error", NULL), ju_bool(v, "stale", false));
		clusterops_committed(e->ops, tx, ju_bool(v, "stale", false) ? NULL : ju_str(v, "error", NULL));
	}
	ccr_update_done(c);
}

/* ---- the log, for ccr and rgm ---- */

static void compare_digest(struct engine *e, uint32_t from, const json_t *m, struct engine_update *u)
{
	char own[20];

	(void)snprintf(own, sizeof own, "%016" PRIx64, e->own_digest);
	if (from == e->self || from != e->digest_from || (uint64_t)ju_int(m, "mark", 0) != e->digest_mark || !e->digest_mark)
		return;
	if (!streq(ju_str(m, "digest", ""), own))
		(void)snprintf(u->panic, sizeof u->panic, "RGM: The state of this node differs from the president's (digest %s here, "
			       "%s on node %u); aborting.", own, ju_str(m, "digest", ""), from);
}

/* A node that was left behind may still take itself for president, until it reads the hello of the others; and one that is not
 * ready may have a state of an epoch that went on without it. */
static void on_digest_mark(struct engine *e, uint32_t from, const json_t *m, struct engine_update *u)
{
	if (!engine_is_ready(e) || from != cmm_membership(e->cmm)->president)
		return;
	e->digest_mark = (uint64_t)ju_int(m, "mark", 0);
	e->digest_from = from;
	e->own_digest = engine_digest(e);
	if (from == e->self) {
		char text[20];

		(void)snprintf(text, sizeof text, "%016" PRIx64, e->own_digest);
		push(&u->send, ju_pack("{ss,si,sI,ss}", "t", "digest", "v", 1, "mark", (json_int_t)e->digest_mark, "digest", text));
	}
}

static void cmm_event(struct engine *e, struct engine_time now, struct cmm_event *event, struct engine_update *u);

/* Belt and braces: a node that has said goodbye must not run anything. */
static bool serves_here(const struct engine *e, const char *what, struct engine_update *u)
{
	if (!nodeset_has(rgm_serving(e->rgm), e->self))
		return false;
	_cleanup_free_ char *text = xasprintf("%s: a resource group is still running here", what);

	note(u, "Cluster.RGM.rgmd", "error", text);
	return true;
}

/* Every group is offline, and every member is at this place in the log. */
static void shut_down(struct engine *e, struct engine_time now, struct engine_update *u)
{
	if (serves_here(e, "this node stays up", u))
		return;
	e->leaves = true;
	push(&u->store, ju_pack("{ss,ss,si}", "op", "mark", "what", "shutdown", "epoch", 0));
	cmm_event(e, now, &(struct cmm_event) { .type = CMM_EV_LEAVE }, u);
}

static void note_how_fenced(struct engine *e, const json_t *dead)
{
	int64_t id = ju_int(dead, "node", 0);
	const char *by = ju_str(dead, "by", "");

	if (id < 1 || id > CMM_NODE_ID_MAX)
		return;
	if (streq(ju_str(dead, "how", ""), "fenced"))
		(void)snprintf(e->fenced[id], sizeof e->fenced[0], "by %s", *by ? by : "an agent");
	else if (*by)
		(void)snprintf(e->fenced[id], sizeof e->fenced[0], "from shared disk %s", by);
}

static void apply_log(struct engine *e, struct engine_time now, uint32_t from, const json_t *m, struct engine_update *u)
{
	const char *t = ju_str(m, "t", "");
	struct rgm_update r = { 0 };
	struct ccr_update c;

	if (e->leaves)
		return;
	if (streq(t, "rgm.req") && clusterops_owns_request(ju_str(m, "op", ""))) {
		if (engine_is_ready(e) && cmm_is_president(e->cmm))
			clusterops_request(e->ops, from, m, now.mono_ms);
	} else if (clusterops_owns_message(t)) {
		json_t *work;

		clusterops_apply(e->ops, m, &work);
		if (work)
			push(&u->device, work);
		if (streq(t, "co.notice")) {
			_cleanup_free_ char *text = xasprintf("%s (%s)", ju_str(m, "text", ""), ju_str(m, "by", ""));

			note(u, "Cluster.Framework", "emerg", text);    /* syslog shows it on every terminal */
		}
	} else if (rgm_owns_message(t)) {
		rgm_apply(e->rgm, from, m, &r);
		if (streq(t, "rgm.rsp") && streq(ju_str(m, "op", ""), "cluster_shutdown") && ju_int(m, "code", 1) == 0)
			shut_down(e, now, u);
	} else if (ccr_owns_message(t)) {
		ccr_apply(e->ccr, from, m, &c);
		take_ccr(e, &c, u);
	} else if (streq(t, "node.ready")) {    /* not from the wire: what cmm made of "ready" here */
		rgm_node_ready(e->rgm, (uint32_t)ju_int(m, "node", 0), &r);
		e->fenced[ju_int(m, "node", 0)][0] = '\0';
		ccr_members(e->ccr, nodeset_from_json(ju_arr(m, "members")), nodeset_from_json(ju_arr(m, "ready")), &c);
		take_ccr(e, &c, u);
	} else if (streq(t, "dead")) {          /* cmm's, too; a joiner's cmm learns of lost nodes only by the snapshot */
		rgm_node_dead(e->rgm, (uint32_t)ju_int(m, "node", 0), ju_str(m, "how", ""), &r);
		note_how_fenced(e, m);
	} else if (streq(t, "digest.mark")) {
		on_digest_mark(e, from, m, u);
	} else if (streq(t, "digest")) {
		compare_digest(e, from, m, u);
	}
	take_rgm(e, &r, u);
}

static void log_or_hold(struct engine *e, struct engine_time now, uint32_t from, json_t *m /* taken */,
			struct engine_update *u)
{
	if (e->synced)
		apply_log(e, now, from, m, u);
	else if (e->held)
		ju_push(e->held, ju_pack("[I,O]", (json_int_t)from, m));
	json_decref(m);
}

/* ---- snapshot ---- */

static void send_snapshot(struct engine *e, struct engine_update *u)
{
	const struct cmm_membership *ms = cmm_membership(e->cmm);

	push(&u->send, ju_pack("{ss,si,sI,so,so,so,so}", "t", "snap", "v", 1, "epoch", (json_int_t)ms->epoch, "ready",
			       nodeset_to_json(ms->ready), "cmm", cmm_snapshot(e->cmm), "ccr", ccr_snapshot(e->ccr), "rgm", rgm_snapshot(e->rgm)));
}

static void on_snapshot(struct engine *e, struct engine_time now, const json_t *m, struct engine_update *u)
{
	const struct cmm_membership *ms = cmm_membership(e->cmm);
	struct ccr_update c;
	json_t *held, *v;
	size_t i;

	if (e->synced || (uint64_t)ju_int(m, "epoch", 0) != ms->epoch || !e->held)
		return;
	ccr_restore(e->ccr, ju_obj(m, "ccr"), &c);
	take_ccr(e, &c, u);
	cmm_event(e, now, &(struct cmm_event) { .type = CMM_EV_RESTORED }, u);
	configure_cmm(e);
	cmm_restore(e->cmm, ju_obj(m, "cmm"), now.mono_ms);
	rgm_free(e->rgm);
	e->rgm = rgm_new(e->self);
	rgm_set_ccr(e->rgm, e->ccr);
	rgm_set_time(e->rgm, now.wall_ms);
	load_rgm(e, u);
	rgm_restore(e->rgm, ju_obj(m, "rgm"));
	/* Members as of the activation; those that became ready since are in what was held. */
	ccr_members(e->ccr, ms->members, nodeset_from_json(ju_arr(m, "ready")), &c);
	take_ccr(e, &c, u);
	e->synced = true;
	held = TAKE_PTR(e->held);
	json_array_foreach(held, i, v)
		apply_log(e, now, (uint32_t)json_integer_value(json_array_get(v, 0)), json_array_get(v, 1), u);
	json_decref(held);
	push(&u->store, ju_pack("{ss,ss,sI,sI}", "op", "mark", "what", "synced", "epoch", (json_int_t)ms->epoch, "commits",
				(json_int_t)ccr_last_waiting(e->ccr)));
}

/* ---- formation: the sponsor gathers the newest copy of every table ---- */

static void formation_go_on(struct engine *e, struct engine_time now, struct engine_update *u)
{
	struct rgm_update r = { 0 };
	struct ccr_update c;

	if (json_array_size(e->missing))
		return;
	json_decref(e->missing);
	e->missing = NULL;
	ccr_gathered(e->ccr, &c);
	take_ccr(e, &c, u);
	rgm_free(e->rgm);
	e->rgm = rgm_new(e->self);
	rgm_set_ccr(e->rgm, e->ccr);
	rgm_set_time(e->rgm, now.wall_ms);
	configure_cmm(e);
	load_rgm(e, u);
	rgm_membership(e->rgm, cmm_membership(e->cmm), &r);
	take_rgm(e, &r, u);
	send_snapshot(e, u);
}

static void formation_begin(struct engine *e, struct engine_time now, struct engine_update *u)
{
	const json_t *hellos[CMM_NODE_ID_MAX + 1] = { 0 };
	nodeset members = cmm_membership(e->cmm)->members;
	json_t *v;
	size_t i;

	for (uint32_t id = nodeset_next(members, 0); id; id = nodeset_next(members, id))
		hellos[id] = cmm_hello_extra(e->cmm, id);
	json_decref(e->missing);
	e->missing = ccr_gather(e->ccr, hellos, members, cmm_newest(e->cmm));
	json_array_foreach(e->missing, i, v)
		push(&u->send, ju_pack("{ss,si,ss,sI}", "t", "ccr.pull", "v", 1, "table", ju_str(v, "table", ""), "from",
				       (json_int_t)ju_int(v, "from", 0)));
	formation_go_on(e, now, u);
}

static void on_pull(struct engine *e, const json_t *m, struct engine_update *u)
{
	json_t *answer;

	if (ju_int(m, "from", 0) != e->self)
		return;
	answer = ccr_push_message(e->ccr, ju_str(m, "table", ""));
	if (answer)
		push(&u->send, answer);
}

static void on_push(struct engine *e, struct engine_time now, const json_t *m, struct engine_update *u)
{
	struct ccr_update c;
	json_t *v;
	size_t i;

	if (!e->missing)
		return;
	ccr_adopt(e->ccr, m, &c);
	take_ccr(e, &c, u);
	json_array_foreach(e->missing, i, v)
		if (streq(ju_str(v, "table", ""), ju_str(m, "table", ""))) {
			json_array_remove(e->missing, i);
			break;
		}
	formation_go_on(e, now, u);
}

/* ---- membership ---- */

static void activated(struct engine *e, struct engine_time now, struct engine_update *u)
{
	const struct cmm_membership *ms = cmm_membership(e->cmm);
	bool newcomers = (ms->members & ~ms->ready) != 0;
	struct rgm_update r = { 0 };
	struct ccr_update c;

	journal(u, now, ju_pack("{ss,sI,so,so,so,sI,sb,sI}", "e", "epoch", "epoch", (json_int_t)ms->epoch, "members",
				nodeset_to_json(ms->members), "ready", nodeset_to_json(ms->ready), "lost",
				nodeset_to_json(ms->lost), "president", (json_int_t)ms->president, "formed", ms->formed,
				"held", (json_int_t)ms->held));
	json_decref(e->held);
	e->held = NULL;
	json_decref(e->missing);
	e->missing = NULL;
	if (!cmm_is_ready(e->cmm)) {
		e->synced = false;
		e->held = json_array();
		if (ms->formed && ms->sponsor == e->self)
			formation_begin(e, now, u);
		return;
	}
	rgm_membership(e->rgm, ms, &r);
	take_rgm(e, &r, u);
	ccr_await(e->ccr, ms->members & ~ms->ready);
	ccr_members(e->ccr, ms->members, ms->ready, &c);
	take_ccr(e, &c, u);
	if (newcomers && ms->sponsor == e->self) {
		send_snapshot(e, u);
	}
}

/* Whoever is in the view has the newest report of all others in it. */
static void send_net(struct engine *e, struct engine_update *u)
{
	const json_t *own = netview_get(e->net, e->self);

	if (own && cmm_view(e->cmm))
		push(&u->send, ju_pack("{ss,si,sO,sO}", "t", "net", "v", 1, "links", json_object_get(own, "links"), "adapters",
				       json_object_get(own, "adapters")));
}

static void view_changed(struct engine *e, struct engine_time now, struct engine_update *u)
{
	nodeset view = cmm_view(e->cmm), gone = e->view & ~view, come = view & ~e->view;
	json_t *silent = json_object();

	for (uint32_t id = nodeset_next(gone, 0); id; id = nodeset_next(gone, id)) {
		_cleanup_free_ char *key = xasprintf("%u", id);

		if (cmm_heard_ms(e->cmm, id))
			ju_set_int(silent, key, (int64_t)(now.mono_ms - cmm_heard_ms(e->cmm, id)));
		if (id != e->self)
			netview_set(e->net, id, NULL);
	}
	journal(u, now, ju_pack("{ss,so,so}", "e", "view", "nodes", nodeset_to_json(view), "silent", silent));
	e->view = view;
	if (come)
		send_net(e, u);
}

static void take_cmm(struct engine *e, struct engine_time now, struct cmm_update *c, struct engine_update *u)
{
	const struct cmm_membership *ms = cmm_membership(e->cmm);
	json_t *v;
	size_t i;

	if (c->view_changed)
		view_changed(e, now, u);
	if (c->panic[0]) {
		/* A node that is no member yet has nothing to fail for. */
		char *to = engine_is_ready(e) ? u->panic : u->stop;

		(void)snprintf(to, sizeof u->panic, "%s", c->panic);
	}
	if (c->store)
		push(&u->store, ju_pack("{ss,sI,sI,sI,sb}", "op", "epoch", "epoch", (json_int_t)c->store_epoch, "keys",
					(json_int_t)c->store_keys, "synced", (json_int_t)c->store_synced, "amnesia",
					c->store_amnesia));
	for (i = 0; i < c->device_count; i++)
		push(&u->device, ju_pack("{sI,ss,so}", "device", (json_int_t)c->device[i].device, "op",
					 cmm_device_op_names[c->device[i].op], "keep", nodeset_to_json(c->device[i].keep)));
	for (uint32_t id = nodeset_next(c->fence, 0); id; id = nodeset_next(c->fence, id))
		push(&u->fence, ju_pack("{sI,sI}", "node", (json_int_t)id, "inc", (json_int_t)cmm_lost_incarnation(e->cmm, id)));
	json_array_foreach(c->notes, i, v) {
		note(u, "Cluster.CMM", "notice", json_string_value(v));
		journal(u, now, ju_pack("{ss,ss}", "e", "cmm", "text", json_string_value(v)));
	}
	move_all(&u->send, &c->send);
	u->lease_until_ms = e->lease_until_ms = c->lease_until_ms;
	u->timer_ms = e->timer_ms = c->timer_ms;
	if (c->activated)
		activated(e, now, u);
	if (c->became_ready)
		log_or_hold(e, now, c->became_ready,
			    ju_pack("{ss,sI,so,so}", "t", "node.ready", "node", (json_int_t)c->became_ready, "members",
				    nodeset_to_json(ms->members), "ready", nodeset_to_json(ms->ready)), u);
	cmm_update_done(c);
}

/* ---- president ---- */

/* See cmm_configure().  How far a change is from a copy that is not in force any more says nothing: the CCR refuses it, and it is
 * made anew. */
static bool votes_may_change(const struct engine *e, const json_t *commit)
{
	struct cmm_votes votes;

	if ((uint64_t)ju_int(commit, "base", 0) != ccr_table_gen(e->ccr, "infrastructure"))
		return true;
	cmm_votes_read(json_object_get(commit, "data"), 0, &votes);
	return cmm_votes_distance(cmm_config_votes(e->cmm), &votes) <= 1;
}

static void start_next_commit(struct engine *e, struct engine_time now, struct engine_update *u)
{
	json_t *first = json_array_get(e->commits, 0), *data;
	const struct ccr_origin origin = { .by = ju_str(first, "by", ""), .cmd = ju_str(first, "cmd", ""),
					   .message = ju_str(first, "message", NULL), .wall_ms = now.wall_ms,
					   .among = nodeset_from_json(ju_arr(first, "among")) };

	if (!first || e->commit_sent || ccr_busy(e->ccr))
		return;
	data = json_object_get(first, "data");
	if (streq(ju_str(first, "table", ""), "infrastructure") && !votes_may_change(e, first)) {
		const char *tx = ju_str(first, "tx", ""), *why = "it would change more than one vote at once; see clquorum";

		rgm_committed(e->rgm, tx, 0, why, false);
		clusterops_committed(e->ops, tx, why);
		json_array_remove(e->commits, 0);
		return;
	}
	push(&u->send, ccr_prepare_message(e->ccr, ju_str(first, "tx", ""), ju_str(first, "table", ""),
					   (uint64_t)ju_int(first, "base", 0), json_is_object(data) ? data : NULL, &origin));
	e->commit_sent = true;
}

static void advance_clusterops(struct engine *e, struct engine_time now, struct engine_update *u)
{
	const struct clusterops_context context = {
		.cmm = e->cmm, .ccr = e->ccr, .table = ccr_table(e->ccr, "infrastructure"), .now_ms = now.mono_ms,
		.generation = ccr_table_gen(e->ccr, "infrastructure"),
	};
	struct clusterops_update c;

	clusterops_advance(e->ops, &context, &c);
	move_all(&u->send, &c.send);
	move_all(&e->commits, &c.commit);
	if (c.due_ms)
		u->timer_ms = u->timer_ms ? MIN(u->timer_ms, c.due_ms) : c.due_ms;
}

static void preside(struct engine *e, struct engine_time now, struct engine_update *u)
{
	bool president = engine_is_ready(e) && cmm_is_president(e->cmm);
	struct rgm_update r = { 0 };

	if (!president) {
		json_array_clear(e->commits);
		e->commit_sent = false;
		clusterops_drop(e->ops);
	}
	if (e->synced) {
		rgm_preside(e->rgm, president, &r);
		take_rgm(e, &r, u);
	}
	if (!president)
		return;
	advance_clusterops(e, now, u);
	start_next_commit(e, now, u);
	if (now.mono_ms >= e->digest_due_ms) {
		e->digest_due_ms = now.mono_ms + DIGEST_INTERVAL_MS;
		push(&u->send, ju_pack("{ss,si,sI}", "t", "digest.mark", "v", 1, "mark", (json_int_t)now.mono_ms));
	}
}

/* The new president knows nothing of requests that the old one was working on. */
static void resend_requests(struct engine *e, struct engine_update *u)
{
	uint32_t president = cmm_membership(e->cmm)->president;
	const char *id;
	json_t *p;

	if (!engine_is_ready(e) || president == e->last_president || !president)
		return;
	e->last_president = president;
	json_object_foreach(e->pending, id, p)
		push(&u->send, rgm_request_message(e->rgm, id, ju_obj(p, "request"), ju_str(p, "by", "")));
}

/* What all tables are is in it, so it is not made for a beat, of which there are many. */
static bool may_say_hello(const struct cmm_event *event)
{
	return event->type != CMM_EV_TIMER &&
	       (event->type != CMM_EV_MESSAGE || !streq(ju_str(event->message, "t", ""), "beat"));
}

static void cmm_event(struct engine *e, struct engine_time now, struct cmm_event *event, struct engine_update *u)
{
	struct cmm_update c;

	if (e->hello_stale && may_say_hello(event)) {
		json_t *summary = ccr_hello(e->ccr);

		cmm_set_hello_extra(e->cmm, summary);
		json_decref(summary);
		e->hello_stale = false;
	}
	event->now_ms = now.mono_ms;
	cmm_step(e->cmm, event, &c);
	take_cmm(e, now, &c, u);
}

static void finish(struct engine *e, struct engine_time now, struct engine_update *u)
{
	if (u->panic[0] || u->stop[0])
		return;
	if (e->shutdown) {
		u->left = u->off = true;
		return;
	}
	resend_requests(e, u);
	preside(e, now, u);
}

static void begin(struct engine *e, struct engine_time now, struct engine_update *u)
{
	*u = (struct engine_update) { .lease_until_ms = e->lease_until_ms, .timer_ms = e->timer_ms };
	if (cmm_lease_is_over(e->cmm, now.mono_ms))
		(void)snprintf(u->panic, sizeof u->panic, "%s", CMM_LEASE_OVER);
	rgm_set_time(e->rgm, now.wall_ms);
}

/* ---- networks ---- */

static void note_net(struct engine *e, const json_t *news, struct engine_update *u)
{
	const char *self = rgm_node_name(e->rgm, e->self);
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(news, "paths"), i, v) {
		bool up = ju_bool(v, "up", false);
		_cleanup_free_ char *text = xasprintf("Path %s:%s to %s is %s", self, ju_str(v, "adapter", ""),
						      rgm_node_name(e->rgm, (uint32_t)ju_int(v, "to", 0)), up ? "online" : "faulted");

		note(u, "Cluster.Transport", up ? "notice" : "warning", text);
	}
	json_array_foreach(ju_arr(news, "adapters"), i, v) {
		bool up = ju_bool(v, "up", false);
		_cleanup_free_ char *text = xasprintf("Public adapter %s %s", ju_str(v, "name", ""), up ? "is online" : "has no link");

		note(u, "Cluster.PNM", up ? "notice" : "warning", text);
	}
}

static void on_net(struct engine *e, struct engine_time now, uint32_t from, const json_t *m, struct engine_update *u)
{
	json_t *news;

	if (!nodeset_has(cmm_view(e->cmm), from))
		return;
	if (from != e->self)            /* the own one is newer than what comes back of it */
		netview_set(e->net, from, m);
	news = netview_news(e->net, from, cmm_view(e->cmm), m, ccr_table(e->ccr, "infrastructure"));
	if (!news)
		return;
	if (from == e->self)
		note_net(e, news, u);
	journal(u, now, news);
}

/* ---- events ---- */

void engine_view(struct engine *e, struct engine_time now, nodeset view, struct engine_update *u)
{
	begin(e, now, u);
	cmm_set_serving(e->cmm, rgm_serving(e->rgm));
	cmm_event(e, now, &(struct cmm_event) { .type = CMM_EV_VIEW, .view = view }, u);
	finish(e, now, u);
}

void engine_deliver(struct engine *e, struct engine_time now, uint32_t from, const json_t *m, struct engine_update *u)
{
	const char *t = ju_str(m, "t", "");

	begin(e, now, u);
	if (!nodeset_has(cmm_view(e->cmm), from))
		return;         /* evicted, see cmm */
	if (!streq(t, "beat") && !streq(t, "snap") && !streq(t, "net"))
		journal(u, now, ju_pack("{ss,sI,sO}", "e", "msg", "from", (json_int_t)from, "msg", (json_t *)m));
	if (cmm_owns_message(t)) {
		cmm_event(e, now, &(struct cmm_event) { .type = CMM_EV_MESSAGE, .from = from, .message = m }, u);
		if (streq(t, "dead"))
			log_or_hold(e, now, from, json_incref((json_t *)m), u);
	} else if (streq(t, "snap"))
		on_snapshot(e, now, m, u);
	else if (streq(t, "ccr.pull"))
		on_pull(e, m, u);
	else if (streq(t, "ccr.push"))
		on_push(e, now, m, u);
	else if (streq(t, "net"))
		on_net(e, now, from, m, u);
	else if (strncmp(t, "node.", 5) != 0)   /* those are made here, never on another node */
		log_or_hold(e, now, from, json_incref((json_t *)m), u);
	if (streq(t, "beat")) {                 /* changes nothing that is decided on */
		if (cmm_is_president(e->cmm) && now.mono_ms >= e->digest_due_ms)
			finish(e, now, u);
		return;
	}
	finish(e, now, u);
}

void engine_stored(struct engine *e, struct engine_time now, const json_t *request, const char *error,
		   struct engine_update *u)
{
	const char *op = ju_str(request, "op", "");
	struct ccr_update c;

	begin(e, now, u);
	if (streq(op, "epoch")) {
		cmm_event(e, now, &(struct cmm_event) { .type = CMM_EV_STORED, .epoch = (uint64_t)ju_int(request, "epoch", 0),
							.keys = (uint64_t)ju_int(request, "keys", 0), .error = error }, u);
	} else if (streq(op, "mark") && streq(ju_str(request, "what", ""), "shutdown")) {
		e->shutdown = true;
	} else if (streq(op, "mark")) {
		if (e->synced && (uint64_t)ju_int(request, "epoch", 0) == cmm_membership(e->cmm)->epoch) {
			ccr_synced(e->ccr, (uint64_t)ju_int(request, "commits", 0), &c);
			take_ccr(e, &c, u);
			cmm_event(e, now, &(struct cmm_event) { .type = CMM_EV_SYNCED }, u);
		}
	} else if (error && streq(op, "history")) {
		_cleanup_free_ char *text = xasprintf("the history of the configuration cannot be written: %s; the change itself is safe",
						      error);

		ccr_history_failed(e->ccr);
		note(u, "Cluster.CCR", "warning", text);
	} else if (error && !streq(op, "intent") && !streq(op, "drop")) {
		/* The vote was yes, or the snapshot must be here: a copy that cannot be kept ends this member. */
		char *to = engine_is_ready(e) ? u->panic : u->stop;

		(void)snprintf(to, sizeof u->panic, "CCR: Cannot write table %.100s: %.100s; aborting.",
			       ju_str(request, "table", ""), error);
	} else if (ju_int(request, "n", 0)) {
		ccr_stored(e->ccr, (uint64_t)ju_int(request, "n", 0), op, error, &c);
		take_ccr(e, &c, u);
	}
	finish(e, now, u);
}

void engine_device(struct engine *e, struct engine_time now, const json_t *request, const json_t *result,
		   struct engine_update *u)
{
	static const char *const results[] = { [DEVICE_OK] = "ok", [DEVICE_PREEMPTED] = "preempted" };
	struct cmm_event event = { .type = CMM_EV_DEVICE, .device = (uint32_t)ju_int(request, "device", 0),
				   .result = DEVICE_ERROR, .error = ju_str(result, "text", ""), .wall_ms = now.wall_ms,
				   .keys_seen = nodeset_from_json(ju_arr(result, "keys")) };
	json_t *worked;

	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		if (streq(results[i], ju_str(result, "result", "")))
			event.result = (enum cmm_device_result)i;
	for (int op = 0; op < DEVICE_OP_COUNT; op++)
		if (streq(cmm_device_op_names[op], ju_str(request, "op", "")))
			event.op = (enum cmm_device_op)op;
	begin(e, now, u);
	worked = clusterops_worked(request, event.result == DEVICE_OK ? NULL : event.error);
	if (worked)
		push(&u->send, worked);
	if (worked || event.op != DEVICE_CHECK || event.result != DEVICE_OK)
		journal(u, now, ju_pack("{ss,sO,sO}", "e", "quorum", "request", (json_t *)request, "result", (json_t *)result));
	if (!worked)
		cmm_event(e, now, &event, u);
	finish(e, now, u);
}

void engine_fenced(struct engine *e, struct engine_time now, const json_t *request, const char *how, const char *error,
		   struct engine_update *u)
{
	begin(e, now, u);
	journal(u, now, ju_pack("{ss,sO,ss,ss}", "e", "fence", "request", (json_t *)request, "how", how ? how : "", "error",
				error ? error : ""));
	cmm_event(e, now, &(struct cmm_event) { .type = CMM_EV_FENCED, .node = (uint32_t)ju_int(request, "node", 0),
						.incarnation = (uint64_t)ju_int(request, "inc", 0), .how = how, .error = error }, u);
	finish(e, now, u);
}

void engine_ran(struct engine *e, struct engine_time now, uint64_t run, const json_t *result, struct engine_update *u)
{
	struct rgm_update r = { 0 };

	begin(e, now, u);
	rgm_ran(e->rgm, run, result, &r);
	take_rgm(e, &r, u);
	finish(e, now, u);
}

void engine_request(struct engine *e, struct engine_time now, int64_t client, const json_t *request, const char *by,
		    struct engine_update *u)
{
	char id[64];

	begin(e, now, u);
	if (!engine_is_ready(e) || json_object_size(e->pending) >= PENDING_MAX) {
		_cleanup_free_ char *waiting = cmm_waiting_for(e->cmm);
		_cleanup_free_ char *text = waiting     ? xasprintf("this node is not a member of the cluster: %s", waiting)
					    : e->leaves ? xstrdup("the cluster is being shut down")
							: xstrdup("too many requests at once; try again");

		push(&u->answer, ju_pack("{sI,si,ss}", "client", (json_int_t)client, "code", SCHA_ERR_RECONF, "text", text));
		return;
	}
	(void)snprintf(id, sizeof id, "%u-%" PRIu64 "-%" PRIu64, e->self, e->config.incarnation, ++e->request_counter);
	ju_set_new(e->pending, id, ju_pack("{sI,sO,ss}", "client", (json_int_t)client, "request", (json_t *)request, "by", by));
	push(&u->send, rgm_request_message(e->rgm, id, request, by));
	finish(e, now, u);
}

void engine_client_gone(struct engine *e, int64_t client)
{
	const char *id;
	json_t *p;
	void *tmp;

	json_object_foreach_safe(e->pending, tmp, id, p)
		if (ju_int(p, "client", 0) == client)
			json_object_del(e->pending, id);
}

void engine_net(struct engine *e, struct engine_time now, const json_t *report, struct engine_update *u)
{
	begin(e, now, u);
	netview_set(e->net, e->self, report);
	send_net(e, u);
	finish(e, now, u);
}

void engine_timer(struct engine *e, struct engine_time now, struct engine_update *u)
{
	begin(e, now, u);
	cmm_event(e, now, &(struct cmm_event) { .type = CMM_EV_TIMER }, u);
	finish(e, now, u);
}

void engine_leave(struct engine *e, struct engine_time now, struct engine_update *u)
{
	begin(e, now, u);
	if (serves_here(e, "this node does not leave", u))
		return;
	cmm_event(e, now, &(struct cmm_event) { .type = CMM_EV_LEAVE }, u);
	u->left = true;
}

/* ---- status ---- */

json_t *engine_status(const struct engine *e)
{
	json_t *status = rgm_status(e->rgm), *nodes = ju_arr(status, "nodes"), *v;
	const json_t *infrastructure = ccr_table(e->ccr, "infrastructure");
	const struct cmm_membership *ms = cmm_membership(e->cmm);
	_cleanup_free_ char *waiting = cmm_waiting_for(e->cmm);
	size_t i;

	json_array_foreach(nodes, i, v) {
		uint32_t id = (uint32_t)ju_int(v, "id", 0);

		status_add_votes(v, e->cmm, infrastructure, id);
		ju_set_str(v, "fenced", id <= CMM_NODE_ID_MAX ? e->fenced[id] : "");
	}
	ju_set_new(status, "quorum", status_quorum(e->cmm, infrastructure, e->rgm));
	ju_set_new(status, "disks", status_disks(e->cmm, infrastructure, e->rgm, e->self));
	ju_set_new(status, "paths", netview_paths(e->net, infrastructure));
	ju_set_new(status, "ipmp", netview_ipmp(e->net, infrastructure));
	ju_set_str(status, "self", rgm_node_name(e->rgm, e->self));
	/* Between a view and its epoch there is none. */
	ju_set_str(status, "president", nodeset_has(cmm_view(e->cmm), ms->president) ? rgm_node_name(e->rgm, ms->president) : "");
	ju_set_int(status, "epoch", (int64_t)ms->epoch);
	ju_set_bool(status, "ready", engine_is_ready(e));
	ju_set_str(status, "waiting_for", waiting ? waiting : "");
	ju_set_int(status, "takeover_time_ms", cmm_timers(e->cmm)->takeover_ms);
	return status;
}
