#include "rgm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define FOR_EACH_UP(id) for (uint32_t id = 1; id <= WORLD_NODES; id++) if (w.rgm[id])

static const struct { const char *shorthand, *name, *rtr; } types[] = {
	{ "app", "SIM.app", "RESOURCE_TYPE = app; VENDOR_ID = SIM; RT_BASEDIR = /opt; API_VERSION = 2; START = start; STOP = stop;"
	  "MONITOR_START = mstart; MONITOR_STOP = mstop;"
	  "{ PROPERTY = Failover_mode; DEFAULT = NONE; TUNABLE = ANYTIME; } { PROPERTY = Retry_count; DEFAULT = 2; TUNABLE = ANYTIME; }"
	  "{ PROPERTY = Retry_interval; DEFAULT = 300; TUNABLE = ANYTIME; }" },
	{ "svc", "SIM.svc", "RESOURCE_TYPE = svc; VENDOR_ID = SIM; RT_BASEDIR = /opt; API_VERSION = 2; START = start; STOP = stop;"
	  "{ PROPERTY = Failover_mode; DEFAULT = NONE; TUNABLE = ANYTIME; }" },
	{ "full", "SIM.full", "RESOURCE_TYPE = full; VENDOR_ID = SIM; RT_BASEDIR = /opt; API_VERSION = 2; PRENET_START = pre;"
	  "START = start; STOP = stop; POSTNET_STOP = post; MONITOR_START = mstart; MONITOR_STOP = mstop; MONITOR_CHECK = mcheck;"
	  "VALIDATE = validate; UPDATE = update;"
	  "{ PROPERTY = Failover_mode; DEFAULT = NONE; TUNABLE = ANYTIME; }"
	  "{ PROPERTY = Port; EXTENSION; INT; DEFAULT = 80; MIN = 1; MAX = 65535; TUNABLE = ANYTIME; }"
	  "{ PROPERTY = Dir; EXTENSION; STRING; DEFAULT = \"/srv\"; TUNABLE = AT_CREATION; }"
	  "{ PROPERTY = User; EXTENSION; STRING; DEFAULT = \"www\"; TUNABLE = WHEN_DISABLED; }"
	  "{ PROPERTY = Fixed; EXTENSION; STRING; DEFAULT = \"x\"; TUNABLE = NONE; }" },
	{ "need", "SIM.need", "RESOURCE_TYPE = need; VENDOR_ID = SIM; RT_BASEDIR = /opt; API_VERSION = 2; START = start; STOP = stop;"
	  "{ PROPERTY = Config; EXTENSION; STRING; TUNABLE = AT_CREATION; }" },
	{ "one", "SIM.one", "RESOURCE_TYPE = one; VENDOR_ID = SIM; RT_BASEDIR = /opt; API_VERSION = 2; START = start; STOP = stop;"
	  "SINGLE_INSTANCE = TRUE;" },
	{ "sys", "SIM.sys", "RESOURCE_TYPE = sys; VENDOR_ID = SIM; RT_BASEDIR = /opt; API_VERSION = 2; START = start; STOP = stop;"
	  "RT_SYSTEM = TRUE;" },
	{ "store", "SIM.store", "RESOURCE_TYPE = store; VENDOR_ID = SIM; RT_BASEDIR = /opt; API_VERSION = 2; PRENET_START = pre;"
	  "POSTNET_STOP = post; { PROPERTY = Failover_mode; DEFAULT = NONE; TUNABLE = ANYTIME; }" },
	{ "boot", "SIM.boot", "RESOURCE_TYPE = boot; VENDOR_ID = SIM; RT_BASEDIR = /opt; API_VERSION = 2; START = start; STOP = stop;"
	  "INIT = init; FINI = fini; BOOT = boot;" },
	{ "all", "SIM.all", "RESOURCE_TYPE = all; VENDOR_ID = SIM; RT_BASEDIR = /opt; API_VERSION = 2; START = start; STOP = stop;"
	  "INIT = init; FINI = fini; BOOT = boot; VALIDATE = validate; UPDATE = update; INIT_NODES = RT_INSTALLED_NODES;" },
	{ "lh", "SUNW.LogicalHostname", "RESOURCE_TYPE = LogicalHostname; VENDOR_ID = SUNW; RT_BASEDIR = /opt; API_VERSION = 2;"
	  "PRENET_START = plumb; START = up; STOP = down; POSTNET_STOP = unplumb;"
	  "{ PROPERTY = Failover_mode; DEFAULT = NONE; TUNABLE = ANYTIME; }" },
};

static struct {
	struct rgm *rgm[WORLD_NODES + 1];
	uint32_t nodes, president;
	struct cmm_membership membership;
	int64_t  now;
	uint64_t gen, incarnation, requests;
	json_t  *tables;                /* name -> {"gen","data"} */
	json_t  *log;                   /* [from, message] */
	json_t  *running;               /* {"node","run","name"}, in order of launch */
	json_t  *commits;               /* under way: {"tx","table","data"}, and "gen" once in force */
	enum world_commit how_far;
	bool     committing;
	json_t  *outcomes;              /* name -> code */
	json_t  *answers;               /* id -> {"code","text"} */
	json_t  *notes;
	char     slow[100], commit_error[200], abort[WORLD_NODES + 1][256];
	char    *output, *stuck;
	struct strlist wave;            /* launched since the last wave ended */
	struct buf trace, shown;
} w;

struct rgm *world_rgm(uint32_t id) { return w.rgm[id]; }

/* ---- updates ---- */

static void take(uint32_t id, struct rgm_update *u);

static void wave_ends(void)
{
	if (!w.wave.n)
		return;
	for (size_t i = 0; i < w.wave.n; i++)           /* a handful: insertion sort */
		for (size_t k = i; k && strcmp(w.wave.v[k - 1], w.wave.v[k]) > 0; k--) {
			char *t = w.wave.v[k];

			w.wave.v[k] = w.wave.v[k - 1];
			w.wave.v[k - 1] = t;
		}
	_cleanup_free_ char *line = strlist_join(&w.wave, " ");

	buf_printf(&w.trace, "%s%s", w.trace.len ? " | " : "", line);
	strlist_done(&w.wave);
}

static void launched(uint32_t id, const json_t *run)
{
	_cleanup_free_ char *name = xasprintf("%s.%s", ju_str(run, "rs", ""), ju_str(run, "method", ""));
	_cleanup_free_ char *full = xasprintf("%u:%s", id, name);

	strlist_add(&w.wave, id == 1 ? name : full);
	ju_push(w.running, ju_pack("{sI,sI,ss}", "node", (json_int_t)id, "run", (json_int_t)ju_int(run, "run", 0), "name",
				   full));
}

static void preside(void)
{
	struct rgm_update u = { 0 };

	if (!w.rgm[w.president])
		return;
	FOR_EACH_UP(id) {
		u = (struct rgm_update) { 0 };
		rgm_set_time(w.rgm[id], w.now);
		rgm_preside(w.rgm[id], id == w.president, &u);
		take(id, &u);
	}
}

static void load_everywhere(const char *table, json_t *data, uint64_t gen)
{
	ju_set_new(w.tables, table, ju_pack("{sI,sO?}", "gen", (json_int_t)gen, "data", data));
	FOR_EACH_UP(id) {
		struct rgm_update u = { 0 };
		struct err err = { 0 };

		if (rgm_load_table(w.rgm[id], table, gen, json_is_object(data) ? data : NULL, &u, &err) < 0)
			fail_msg("%s: %s", table, err.text);
		take(id, &u);
	}
}

void world_load(const char *table, json_t *data)
{
	load_everywhere(table, data, ++w.gen);
	json_decref(data);
	preside();
}

static void in_force(json_t *c)
{
	const char *error = w.commit_error[0] ? w.commit_error : NULL;

	ju_set_int(c, "gen", (int64_t)++w.gen);
	if (error) {
		ju_set_str(c, "error", error);
		return;
	}
	FOR_EACH_UP(id)
		rgm_note_commit(w.rgm[id], ju_str(c, "tx", ""), w.gen);
	load_everywhere(ju_str(c, "table", ""), json_object_get(c, "data"), w.gen);
}

static void durable(const json_t *c)
{
	FOR_EACH_UP(id)
		rgm_committed(w.rgm[id], ju_str(c, "tx", ""), (uint64_t)ju_int(c, "gen", 0), ju_str(c, "error", NULL), false);
	preside();
}

/* In their order, and each as a whole before what follows from it: what one does may start the next. */
static void commits_go_on(void)
{
	if (w.committing)
		return;
	w.committing = true;
	for (size_t i = 0; i < json_array_size(w.commits) && w.how_far != COMMIT_SENT;) {
		json_t *c = json_incref(json_array_get(w.commits, i));

		if (!ju_int(c, "gen", 0))
			in_force(c);
		if (w.how_far == COMMIT_DURABLE) {
			json_array_remove(w.commits, i);
			durable(c);
		} else {
			i++;
		}
		json_decref(c);
	}
	w.committing = false;
}

void world_commits(enum world_commit how_far)
{
	w.how_far = how_far;
	commits_go_on();
}

/* It fails at the end of this wave, whatever was said of it. */
static void killed(uint32_t id, int64_t run)
{
	json_t *v;
	size_t i;

	json_array_foreach(w.running, i, v)
		if (ju_int(v, "node", 0) == id && ju_int(v, "run", 0) == run)
			ju_set_bool(v, "killed", true);
}

static void take(uint32_t id, struct rgm_update *u)
{
	struct rgm_update mine = *u;
	json_t *v;
	size_t i;

	*u = (struct rgm_update) { 0 };
	json_array_foreach(mine.send, i, v)
		ju_push(w.log, ju_pack("[I,O]", (json_int_t)id, v));
	json_array_foreach(mine.run, i, v)
		launched(id, v);
	json_array_foreach(mine.kill, i, v)
		killed(id, ju_int(v, "run", 0));
	json_array_foreach(mine.answer, i, v)
		json_object_set(w.answers, ju_str(v, "id", ""), v);
	json_array_foreach(mine.notes, i, v)
		json_array_append(w.notes, json_object_get(v, "text"));
	if (mine.abort[0])
		memcpy(w.abort[id], mine.abort, sizeof mine.abort);
	json_array_foreach(mine.commit, i, v)
		ju_push(w.commits, json_deep_copy(v));
	commits_go_on();
	rgm_update_done(&mine);
}

/* ---- the log ---- */

void world_message(uint32_t from, json_t *message)
{
	ju_push(w.log, ju_pack("[I,o]", (json_int_t)from, message));
}

void world_deliver(void)
{
	preside();
	while (json_array_size(w.log)) {
		json_t *e = json_incref(json_array_get(w.log, 0));

		json_array_remove(w.log, 0);
		FOR_EACH_UP(id) {
			struct rgm_update u = { 0 };

			rgm_set_time(w.rgm[id], w.now);
			rgm_apply(w.rgm[id], (uint32_t)json_integer_value(json_array_get(e, 0)), json_array_get(e, 1), &u);
			take(id, &u);
		}
		json_decref(e);
		preside();
	}
}

/* ---- methods ---- */

void world_outcome(const char *method, int code) { ju_set_int(w.outcomes, method, code); }
void world_slow(const char *method) { (void)snprintf(w.slow, sizeof w.slow, "%s", method ? method : ""); }
void world_time(int64_t ms) { w.now += ms; }

void world_output(const char *text)
{
	free(w.output);
	w.output = text ? xstrdup(text) : NULL;
}

void world_stuck(const char *line)
{
	free(w.stuck);
	w.stuck = line ? xstrdup(line) : NULL;
}

static void end_method(const json_t *r)
{
	uint32_t id = (uint32_t)ju_int(r, "node", 0);
	int64_t code = ju_bool(r, "killed", false) ? 137 : ju_int(w.outcomes, ju_str(r, "name", ""), 0);
	json_t *result = ju_pack("{sI,sb,ss,sf}", "exit", (json_int_t)(code < 0 ? 0 : code), "timed_out", code < 0, "output",
				 w.output ? w.output : "", "ms", 5.0);
	struct rgm_update u = { 0 };

	if (code < 0 && w.stuck)
		ju_set_new(result, "stuck", ju_pack("{ss,s[{si,si,ss,ss,ss,ss,ss,s[s,s]}],si,s{ss}}", "line", w.stuck, "processes", "pid", 7,
						    "parent", 6, "name", "mount.nfs", "state", "D", "wchan", "rpc_wait", "command",
						    "mount.nfs a b", "syscall", "165 0x1", "stack", "rpc_wait", "nfs4_x", "more", 0, "pressure",
						    "io", "some avg10=9.00"));

	if (w.rgm[id]) {
		rgm_set_time(w.rgm[id], w.now);
		rgm_ran(w.rgm[id], (uint64_t)ju_int(r, "run", 0), result, &u);
		take(id, &u);
	}
	json_decref(result);
}

bool world_wave(void)
{
	json_t *ending = json_array(), *staying = json_array(), *v;
	size_t i;

	wave_ends();
	json_array_foreach(w.running, i, v)
		json_array_append(w.slow[0] && streq(ju_str(v, "name", ""), w.slow) ? staying : ending, v);
	if (!json_array_size(ending)) {
		json_array_extend(ending, staying);
		json_array_clear(staying);
	}
	json_decref(w.running);
	w.running = staying;
	json_array_foreach(ending, i, v)
		end_method(v);
	bool any = json_array_size(ending) > 0;

	json_decref(ending);
	world_deliver();
	return any;
}

void world_settle(void)
{
	unsigned waves = 0;

	world_deliver();
	while (world_wave())
		if (++waves > 1000)
			fail_msg("does not come to an end: ...%s", w.trace.s + MAX((size_t)300, w.trace.len) - 300);
	world_check_equal();
}

const char *world_trace(void)
{
	wave_ends();
	buf_done(&w.shown);
	w.shown = w.trace;
	w.trace = (struct buf) { 0 };
	buf_puts(&w.shown, "");
	return w.shown.s;
}

/* ---- nodes ---- */

static void tell_membership(void)
{
	w.membership.epoch++;
	FOR_EACH_UP(id) {
		struct rgm_update u = { 0 };

		rgm_membership(w.rgm[id], &w.membership, &u);
		take(id, &u);
	}
	w.membership.formed = false;
	preside();
}

void world_ready(uint32_t node)
{
	w.membership.ready |= node_bit(node);
	FOR_EACH_UP(id) {
		struct rgm_update u = { 0 };

		rgm_node_ready(w.rgm[id], node, &u);
		take(id, &u);
	}
	preside();
}

void world_abrupt_president(uint32_t id)
{
	w.president = id;
	preside();
}

static void end_life(uint32_t node)
{
	json_t *v;

	w.rgm[node] = rgm_free(w.rgm[node]);
	for (size_t i = json_array_size(w.running); i; i--) {
		v = json_array_get(w.running, i - 1);
		if (ju_int(v, "node", 0) == node)
			json_array_remove(w.running, i - 1);
	}
	w.membership.members &= ~node_bit(node);
	w.membership.ready &= ~node_bit(node);
	if (w.president == node)
		w.president = nodeset_next(w.membership.ready, 0);
}

void world_crash(uint32_t node)
{
	end_life(node);
	w.membership.lost |= node_bit(node);
	tell_membership();
}

void world_reboot(uint32_t node)
{
	end_life(node);
	world_boot(node);
}

void world_dead(uint32_t node)
{
	w.membership.lost &= ~node_bit(node);
	FOR_EACH_UP(id) {
		struct rgm_update u = { 0 };

		rgm_node_dead(w.rgm[id], node, "lease", &u);
		take(id, &u);
	}
	preside();
}

static void load_all(uint32_t node)
{
	static const char *const kinds[] = { "infrastructure", "rgm_rt_", "rgm_rg_" };
	const char *name;
	json_t *v;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		json_object_foreach(w.tables, name, v)
			if (strncmp(name, kinds[k], strlen(kinds[k])) == 0 && ju_obj(v, "data"))
				assert_int_equal(rgm_load_table(w.rgm[node], name, (uint64_t)ju_int(v, "gen", 0),
								ju_obj(v, "data"), NULL, NULL), 0);
}

void world_boot(uint32_t node)
{
	json_t *snapshot;

	w.membership.members |= node_bit(node);
	w.membership.lost &= ~node_bit(node);
	w.membership.member[node] = (struct cmm_member) { .incarnation = ++w.incarnation };
	tell_membership();
	snapshot = rgm_snapshot(w.rgm[w.president]);
	w.rgm[node] = rgm_new(node);
	load_all(node);
	rgm_restore(w.rgm[node], snapshot);
	json_decref(snapshot);
	world_ready(node);
}

/* ---- making the world ---- */

static void put_table(const char *name, json_t *data)
{
	ju_set_new(w.tables, name, ju_pack("{sI,so}", "gen", (json_int_t)++w.gen, "data", data));
}

/* "a,w:b,r:c,o:d" into the four lists. */
static void add_dependencies(json_t *table, const char *rs, const char *text)
{
	static const struct { const char *prefix, *list; } lists[] = {
		{ "w:", "Resource_dependencies_weak" }, { "r:", "Resource_dependencies_restart" },
		{ "o:", "Resource_dependencies_offline_restart" }, { "", "Resource_dependencies" },
	};
	struct strlist parts = { 0 };

	strlist_split(&parts, text, ",");
	for (size_t i = 0; i < parts.n; i++) {
		size_t k = 0;

		while (strncmp(parts.v[i], lists[k].prefix, strlen(lists[k].prefix)) != 0)
			k++;
		_cleanup_free_ char *key = xasprintf("rs.%s.prop.%s", rs, lists[k].list);
		_cleanup_free_ char *all = xasprintf("%s%s%s", ju_str(table, key, ""), json_object_get(table, key) ? "," : "",
						     parts.v[i] + strlen(lists[k].prefix));
		ju_set_str(table, key, all);
	}
	strlist_done(&parts);
}

static void add_resource(json_t *table, char *text)
{
	char name[64], type[64], deps[100] = "-", mode[32] = "-", flags[8] = "";

	if (sscanf(text, " %63s %63s %99s %31s %7s", name, type, deps, mode, flags) < 2)
		return;
	_cleanup_free_ char *t = xasprintf("rs.%s.type", name), *e = xasprintf("rs.%s.enabled", name);
	_cleanup_free_ char *m = xasprintf("rs.%s.monitored", name);
	_cleanup_free_ char *f = xasprintf("rs.%s.prop.Failover_mode", name);
	const char *full = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (streq(types[i].shorthand, type))
			full = types[i].name;
	assert_non_null(full);
	ju_set_str(table, t, full);
	ju_set_str(table, e, strchr(flags, 'd') ? "FALSE" : "TRUE");
	ju_set_str(table, m, strchr(flags, 'u') ? "FALSE" : "TRUE");
	if (!streq(deps, "-"))
		add_dependencies(table, name, deps);
	if (!streq(mode, "-"))
		ju_set_str(table, f, mode);
}

static void add_group(const char *line)
{
	_cleanup_free_ char *text = xstrdup(line);
	char *colon = strchr(text, ':'), *save, *word;
	json_t *table = ju_pack("{ss}", "rg.managed", "TRUE");
	char name[100];

	assert_non_null(colon);
	*colon = '\0';
	word = strtok_r(text, " ", &save);
	(void)snprintf(name, sizeof name, "rgm_rg_%s", word);
	while ((word = strtok_r(NULL, " ", &save))) {
		char *eq = strchr(word, '=');

		*eq = '\0';
		_cleanup_free_ char *key = xasprintf("rg.prop.%s", word);

		ju_set_str(table, streq(word, "managed") ? "rg.managed" : key, eq + 1);
	}
	for (word = strtok_r(colon + 1, ";", &save); word; word = strtok_r(NULL, ";", &save))
		add_resource(table, word);
	put_table(name, table);
}

void world_forming(uint32_t nodes, const char *groups)
{
	struct strlist lines = { 0 };
	json_t *infra = ju_pack("{ss}", "cluster.name", "test");

	world_done(NULL);
	w.nodes = nodes;
	w.president = 1;
	w.now = 1700000000000;
	w.gen = 10;
	w.tables = json_object();
	w.log = json_array();
	w.running = json_array();
	w.commits = json_array();
	w.outcomes = json_object();
	w.answers = json_object();
	w.notes = json_array();
	for (uint32_t id = 1; id <= nodes; id++) {
		_cleanup_free_ char *key = xasprintf("cluster.nodes.%u.name", id), *name = xasprintf("node%u", id);

		ju_set_str(infra, key, name);
	}
	put_table("infrastructure", infra);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_free_ char *name = xasprintf("rgm_rt_%s", types[i].name);

		put_table(name, ju_pack("{ss}", "rtr", types[i].rtr));
	}
	strlist_split(&lines, groups, "\n");
	for (size_t i = 0; i < lines.n; i++)
		if (*lines.v[i])
			add_group(lines.v[i]);
	strlist_done(&lines);
	for (uint32_t id = 1; id <= nodes; id++) {
		w.rgm[id] = rgm_new(id);
		rgm_set_time(w.rgm[id], w.now);
		load_all(id);
		w.membership.members |= node_bit(id);
		w.membership.member[id].incarnation = ++w.incarnation;
	}
	w.membership.formed = true;
	tell_membership();
}

void world_new(uint32_t nodes, const char *groups)
{
	world_forming(nodes, groups);
	for (uint32_t id = 1; id <= nodes; id++)
		world_ready(id);
}

int world_done(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= WORLD_NODES; id++)
		rgm_free(w.rgm[id]);
	json_decref(w.tables);
	json_decref(w.log);
	json_decref(w.running);
	json_decref(w.commits);
	json_decref(w.outcomes);
	json_decref(w.answers);
	json_decref(w.notes);
	free(w.output);
	strlist_done(&w.wave);
	buf_done(&w.trace);
	buf_done(&w.shown);
	memset(&w, 0, sizeof w);
	return 0;
}

/* ---- requests ---- */

const char *world_request(uint32_t from, json_t *request)
{
	static char id[32];

	(void)snprintf(id, sizeof id, "r%llu", (unsigned long long)++w.requests);
	world_message(from, rgm_request_message(w.rgm[from], id, request, "root"));
	json_decref(request);
	return id;
}

struct answer world_answer(const char *id)
{
	const json_t *a = json_object_get(w.answers, id);
	struct answer answer = { .code = a ? (int)ju_int(a, "code", -2) : -1 };

	(void)snprintf(answer.text, sizeof answer.text, "%s", ju_str(a, "text", ""));
	return answer;
}

struct answer world_ask(uint32_t from, json_t *request)
{
	char id[32];

	(void)snprintf(id, sizeof id, "%s", world_request(from, request));
	world_settle();
	return world_answer(id);
}

json_t *world_json(const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	json_error_t error;
	json_t *o;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	o = json_loads(copy, 0, &error);
	if (!o)
		fail_msg("%s: %s", text, error.text);
	return o;
}

struct answer world_ask_text(uint32_t from, const char *text)
{
	return world_ask(from, world_json(text));
}

void world_expect(const char *what, const char *which, const char *is, const char *want)
{
	if (!streq(is, want))
		fail_msg("%s%s%s:\n  is   %s\n  want %s", what, which ? ", " : "", which ? which : "", is, want);
}

void world_commit_error(const char *error)
{
	(void)snprintf(w.commit_error, sizeof w.commit_error, "%s", error ? error : "");
}

json_t *world_table(const char *table)
{
	return ju_obj(json_object_get(w.tables, table), "data");
}

/* ---- reading ---- */

static json_t *by_member(json_t *list, const char *key, const char *value)
{
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (streq(ju_str(v, key, ""), value))
			return v;
	return NULL;
}

/* A static copy: the status object is gone when the caller looks. */
static const char *keep(const char *text)
{
	static char kept[8][600];
	static unsigned next;
	char *slot = kept[next++ % ARRAY_SIZE(kept)];

	(void)snprintf(slot, sizeof kept[0], "%s", text);
	return slot;
}

static json_t *status(void)
{
	return rgm_status(w.rgm[nodeset_next(w.membership.ready, 0)]);
}

const char *world_group_state(const char *group, uint32_t on)
{
	_cleanup_free_ char *node = xasprintf("node%u", on);
	json_t *s = status();
	const char *state = keep(ju_str(by_member(ju_arr(by_member(ju_arr(s, "groups"), "name", group), "nodes"), "node", node),
					"state", "?"));

	json_decref(s);
	return state;
}

const char *world_group_states(const char *group)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	for (uint32_t id = 1; id <= w.nodes; id++)
		buf_printf(&b, "%s%s", id > 1 ? " " : "", world_group_state(group, id));
	return keep(b.s);
}

const char *world_resource_state(const char *resource, uint32_t on)
{
	_cleanup_free_ char *node = xasprintf("node%u", on);
	json_t *s = status(), *g, *rs;
	const char *state = "?";
	size_t i;

	json_array_foreach(ju_arr(s, "groups"), i, g) {
		rs = by_member(ju_arr(g, "resources"), "name", resource);
		if (rs)
			state = ju_str(by_member(ju_arr(rs, "nodes"), "node", node), "state", "?");
	}
	state = keep(state);
	json_decref(s);
	return state;
}

const char *world_why(const char *group)
{
	json_t *s = status();
	const char *why = keep(ju_str(by_member(ju_arr(s, "groups"), "name", group), "why", "?"));

	json_decref(s);
	return why;
}

const char *world_abort(uint32_t id) { return w.abort[id]; }

bool world_noted(const char *text)
{
	json_t *v;
	size_t i;

	json_array_foreach(w.notes, i, v)
		if (strstr(json_string_value(v), text))
			return true;
	return false;
}

void world_check_equal(void)
{
	uint32_t first = nodeset_next(w.membership.ready, 0);

	FOR_EACH_UP(id)
		if (rgm_digest(w.rgm[id]) != rgm_digest(w.rgm[first])) {
			json_t *a = rgm_snapshot(w.rgm[first]), *b = rgm_snapshot(w.rgm[id]);
			_cleanup_free_ char *ta = ju_dump(a), *tb = ju_dump(b);

			json_decref(a);
			json_decref(b);
			fail_msg("nodes %u and %u differ:\n%s\n%s", first, id, ta, tb);
		}
}
