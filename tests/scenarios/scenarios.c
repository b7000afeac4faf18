/* Runs the scenarios of a folder through the rgm (rehearsal.h) and compares what follows with what the policy says:
 *
 *   scenarios [FOLDER]          all (of tests/scenarios); names each that fails, with a diff
 *   scenarios --print FILE...   what does follow, to be held against the policy by eye
 *
 * The format of a file: README.md. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>

#include "base/json.h"
#include "base/buf.h"
#include "rgm/rehearsal.h"
#include "rgm/rgm.h"
#include "scha_err.h"

#define METHOD_MS   1000        /* what a method takes unless the scenario says otherwise */
#define DETECT_MS   400
#define TAKEOVER_MS 640
#define WALL_MS     1700000000000
#define NODES_MAX   8
#define LINES_MAX   400
#define RECENT_MS   60000       /* failures and restarts that a scenario begins with were so long ago */

static const struct { const char *name, *rtr; } types[] = {
	{ "app",   "START = start; STOP = stop; MONITOR_START = mstart; MONITOR_STOP = mstop;"
		   "{ PROPERTY = Retry_count; DEFAULT = 2; TUNABLE = ANYTIME; } { PROPERTY = Retry_interval; DEFAULT = 300; TUNABLE = ANYTIME; }" },
	{ "svc",   "START = start; STOP = stop;" },
	{ "check", "START = start; STOP = stop; MONITOR_START = mstart; MONITOR_STOP = mstop; MONITOR_CHECK = mcheck;" },
	{ "valid", "START = start; STOP = stop; VALIDATE = validate; UPDATE = update;" },
	{ "store", "PRENET_START = pre; POSTNET_STOP = post;" },
	{ "full",  "PRENET_START = pre; START = start; STOP = stop; POSTNET_STOP = post; MONITOR_START = mstart; MONITOR_STOP = mstop;" },
	{ "boot",  "START = start; STOP = stop; INIT = init; FINI = fini; BOOT = boot;" },
	{ "single", "FAILOVER = TRUE; START = start; STOP = stop;" },
	{ "proxy", "PROXY = TRUE; PRENET_START = pre; POSTNET_STOP = post;" },
	{ "LogicalHostname", "FAILOVER = TRUE; PRENET_START = plumb; START = up; STOP = down; POSTNET_STOP = unplumb;" },
};

struct outcome { char *method, *node; int exit; bool timed_out; int times; int64_t ms; };       /* times -1: always */

struct scenario {
	const char *path;
	const char *name;
	struct strlist lines;
	size_t at;
	char   why[400], policy[100];
	char  *node[NODES_MAX + 1];
	uint32_t node_count;
	nodeset  up;
	json_t  *infra, *tables, *groups;       /* tables: in order of the file; groups: of the snapshot */
	struct outcome outcomes[32];
	size_t   outcome_count;
	struct rehearsal *r;
	bool     begun;
	size_t   told;                          /* facts that were compared */
	char     error[600];
	bool     failed;
};

static bool print_only;

/* ---- errors ---- */

static int bad(struct scenario *s, const char *fmt, ...) _printf_(2, 3);
static int bad(struct scenario *s, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(s->error, sizeof s->error, "%s:%zu: ", s->path, s->at);

	va_start(ap, fmt);
	(void)vsnprintf(s->error + n, sizeof s->error - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- words ---- */

static uint32_t node_of(const struct scenario *s, const char *name)
{
	for (uint32_t id = 1; id <= s->node_count; id++)
		if (streq(s->node[id], name))
			return id;
	return 0;
}

/* "a,b"; -EINVAL after a complaint. */
static int nodes_of(struct scenario *s, const char *text, nodeset *ret)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };

	*ret = 0;
	strlist_split(&names, text, ",");
	for (size_t i = 0; i < names.n; i++) {
		uint32_t id = node_of(s, names.v[i]);

		if (!id)
			return bad(s, "there is no node \"%s\"", names.v[i]);
		*ret |= node_bit(id);
	}
	return 0;
}

static void words_of(const char *text, struct strlist *ret)
{
	_cleanup_(strlist_done) struct strlist parts = { 0 };

	strlist_split(&parts, text, " \t");
	for (size_t i = 0; i < parts.n; i++)
		if (*parts.v[i])
			strlist_add(ret, parts.v[i]);
}

/* What stands behind "key=" in a word; NULL: it is another word. */
static const char *value_of(const char *word, const char *key)
{
	size_t n = strlen(key);

	return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

/* ---- how methods end ---- */

/* "app.Start b exit 3", "app.Start timeout", "app.Start once" */
static int read_outcome(struct scenario *s, const char *text, bool takes)
{
	_cleanup_(strlist_done) struct strlist w = { 0 };
	struct outcome *o;

	words_of(text, &w);
	if (!w.n || !strchr(w.v[0], '.') || s->outcome_count >= ARRAY_SIZE(s->outcomes))
		return bad(s, "RESOURCE.METHOD is missing, or there are too many");
	o = &s->outcomes[s->outcome_count++];
	*o = (struct outcome) { .method = xstrdup(w.v[0]), .exit = takes ? 0 : 1, .times = -1, .ms = METHOD_MS };
	for (size_t i = 1; i < w.n; i++) {
		if (node_of(s, w.v[i]))
			o->node = xstrdup(w.v[i]);
		else if (streq(w.v[i], "timeout")) {
			o->timed_out = true;
			o->exit = 0;
		} else if (streq(w.v[i], "once"))
			o->times = 1;
		else if (streq(w.v[i], "twice"))
			o->times = 2;
		else if (takes && strtod(w.v[i], NULL) > 0)
			o->ms = (int64_t)(strtod(w.v[i], NULL) * 1000);
		else
			return bad(s, "\"%s\" is neither a node nor \"timeout\", \"once\", \"twice\"", w.v[i]);
	}
	return 0;
}

static void end_method(void *ctx, const struct rehearsal_run *run, struct rehearsal_end *ret)
{
	struct scenario *s = ctx;

	ret->ms = METHOD_MS;
	for (size_t i = 0; i < s->outcome_count; i++) {
		struct outcome *o = &s->outcomes[i];
		_cleanup_free_ char *name = xasprintf("%s.%s", run->rs, run->method);

		if (!streq(o->method, name) || (o->node && !streq(o->node, run->node_name)) || !o->times)
			continue;
		if (o->times > 0)
			o->times--;
		ret->ms = o->ms;
		ret->exit = o->exit;
		ret->timed_out = o->timed_out;
		return;
	}
}

/* ---- the state at the beginning ---- */

static json_t *times_at(int64_t ago_ms, int n)
{
	json_t *a = json_array();

	while (n-- > 0)
		ju_push(a, json_integer(WALL_MS - ago_ms));
	return a;
}

static json_t *node_entry(json_t *group, uint32_t id)
{
	char key[8];
	json_t *nodes = ju_obj(group, "nodes");

	(void)snprintf(key, sizeof key, "%u", id);
	if (!json_object_get(nodes, key))
		ju_set_new(nodes, key, ju_pack("{si,so,sI,sI,sI,sI,sI}", "s", (int)RG_OFFLINE, "f", json_array(), "g", (json_int_t)0, "h",
					       (json_int_t)0, "o", (json_int_t)0, "p", (json_int_t)0, "set", (json_int_t)0));
	return json_object_get(nodes, key);
}

static void set_state(json_t *group, nodeset nodes, enum rg_state state)
{
	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id)) {
		ju_set_int(node_entry(group, id), "s", (int64_t)state);
		ju_set_int(node_entry(group, id), "set", ju_int(group, "gen", 0));
	}
}

static const struct { const char *word; enum rg_state state; } placed[] = {
	{ "on", RG_ONLINE }, { "faulted", RG_ONLINE_FAULTED }, { "stopfailed", RG_ERROR_STOP_FAILED },
	{ "blocked", RG_PENDING_ONLINE_BLOCKED }, { "starting", RG_PENDING_ONLINE }, { "stopping", RG_PENDING_OFFLINE },
};

static const struct { const char *word, *member; } flags[] = { { "off", "off" }, { "quiesced", "q" }, { "failback-due", "fb" } };

static int group_word(struct scenario *s, json_t *table, json_t *group, const char *word)
{
	const char *v;
	nodeset nodes;

	for (size_t i = 0; i < ARRAY_SIZE(placed); i++)
		if ((v = value_of(word, placed[i].word))) {
			if (nodes_of(s, v, &nodes) < 0)
				return -EINVAL;
			set_state(group, nodes, placed[i].state);
			return 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (streq(word, flags[i].word)) {
			ju_set_bool(group, flags[i].member, true);
			return 0;
		}
	if (streq(word, "unmanaged")) {
		ju_set_str(table, "rg.managed", "FALSE");
		ju_set_bool(group, "off", true);
		return 0;
	}
	if ((v = value_of(word, "failed"))) {           /* each name is a start failure there */
		_cleanup_(strlist_done) struct strlist names = { 0 };

		strlist_split(&names, v, ",");
		for (size_t i = 0; i < names.n; i++) {
			if (!node_of(s, names.v[i]))
				return bad(s, "there is no node \"%s\"", names.v[i]);
			ju_push(ju_arr(node_entry(group, node_of(s, names.v[i])), "f"), json_integer(WALL_MS - RECENT_MS));
		}
		return 0;
	}
	if ((v = value_of(word, "gaveover")) && node_of(s, v)) {
		ju_set_int(node_entry(group, node_of(s, v)), "g", WALL_MS - RECENT_MS);
		return 0;
	}
	if ((v = value_of(word, "held")) && node_of(s, v)) {
		ju_set_int(node_entry(group, node_of(s, v)), "h", WALL_MS + RECENT_MS);
		return 0;
	}
	v = strchr(word, '=');
	if (!v)
		return bad(s, "\"%s\" is no word of a group", word);
	_cleanup_free_ char *name = xstrndup(word, (size_t)(v - word)), *key = xasprintf("rg.prop.%s", name);

	ju_set_str(table, key, v + 1);
	return 0;
}

static int read_group(struct scenario *s, const char *text)
{
	_cleanup_(strlist_done) struct strlist w = { 0 };
	json_t *table = ju_pack("{ss}", "rg.managed", "TRUE"), *group;

	words_of(text, &w);
	if (!w.n)
		return bad(s, "the group has no name");
	_cleanup_free_ char *name = xasprintf("rgm_rg_%s", w.v[0]);

	ju_set_new(s->tables, name, table);
	group = ju_pack("{sI,si,so,so,so,so}", "gen", (json_int_t)(100 + json_object_size(s->tables)), "intent", 0, "in", json_array(), "re",
			json_array(), "nodes", json_object(), "rs", json_object());
	ju_set_bool(group, "off", false);
	ju_set_int(group, "ver", 1);
	ju_set_new(s->groups, w.v[0], group);
	for (size_t i = 1; i < w.n; i++)
		if (group_word(s, table, group, w.v[i]) < 0)
			return -EINVAL;
	return 0;
}

static const struct { const char *word, *prop; } lists[] = {
	{ "needs", "Resource_dependencies" }, { "weak", "Resource_dependencies_weak" },
	{ "restart", "Resource_dependencies_restart" }, { "offline-restart", "Resource_dependencies_offline_restart" },
};

/* "START_FAILED@a", of the resource. */
static int resource_state(struct scenario *s, json_t *states, const char *text)
{
	_cleanup_free_ char *state = xstrndup(text, strcspn(text, "@"));
	uint32_t id = node_of(s, text + strlen(state) + (text[strlen(state)] == '@'));
	char key[8];
	size_t i = 0;

	while (i < RS_STATE_COUNT && !streq(rs_state_names[i], state))
		i++;
	if (!id || i == RS_STATE_COUNT)
		return bad(s, "\"state=%s\" is not STATE@NODE", text);
	(void)snprintf(key, sizeof key, "%u", id);
	ju_set_new(states, key, ju_pack("{si,si,ss,so,so}", "s", (int)i, "st", 0, "m", "", "r", json_array(), "g", json_array()));
	return 0;
}

static const char *type_name(const char *word)
{
	static char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (streq(types[i].name, word)) {
			(void)snprintf(name, sizeof name, "%s.%s", streq(word, "LogicalHostname") ? "SUNW" : "T", word);
			return name;
		}
	return NULL;
}

static json_t *last_value(json_t *object, const char **ret_key)
{
	const char *key;
	json_t *v, *last = NULL;

	json_object_foreach(object, key, v) {
		last = v;
		*ret_key = key;
	}
	return last;
}

/* node: its id, as text. */
static bool is_on(const json_t *table, const char *rs, const char *what, const char *node)
{
	const char *own = ju_strf(table, NULL, "rs.%s.%s{%s}", rs, what, node);

	return streq(own ? own : ju_strf(table, "", "rs.%s.%s", rs, what), "TRUE");
}

/* Where its group is it is online, when it is enabled there. */
static void default_states(json_t *table, json_t *group, const char *name, json_t *states, int restarts)
{
	const char *key;
	json_t *v;

	json_object_foreach(ju_obj(group, "nodes"), key, v) {
		bool enabled = is_on(table, name, "enabled", key), monitored = is_on(table, name, "monitored", key);

		if (ju_int(v, "s", 0) != RG_OFFLINE && !json_object_get(states, key) && enabled)
			ju_set_new(states, key, ju_pack("{si,si,ss,so,so}", "s", monitored ? (int)RS_ONLINE : (int)RS_ONLINE_NOT_MONITORED, "st",
							(int)STATUS_OK, "m", "", "r", times_at(RECENT_MS, restarts), "g", json_array()));
	}
}

/* "disabled", "unmonitored@a,b"; 1: another word. */
static int read_switch(struct scenario *s, json_t *table, const char *rs, const char *word)
{
	static const struct { const char *word, *what; } switches[] = { { "disabled", "enabled" }, { "unmonitored", "monitored" } };

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		size_t n = strlen(switches[i].word);
		nodeset nodes = 0;

		if (strncmp(word, switches[i].word, n) != 0 || (word[n] && word[n] != '@'))
			continue;
		if (!word[n])
			ju_set_strf(table, "FALSE", "rs.%s.%s", rs, switches[i].what);
		else if (nodes_of(s, word + n + 1, &nodes) < 0)
			return -EINVAL;
		for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
			ju_set_strf(table, "FALSE", "rs.%s.%s{%u}", rs, switches[i].what, id);
		return 0;
	}
	return 1;
}

/* "app: svc Failover_mode=SOFT needs=ip disabled", of the group above. */
static int read_resource(struct scenario *s, const char *line)
{
	_cleanup_(strlist_done) struct strlist w = { 0 };
	const char *group_table = NULL, *group_name = NULL, *v;
	json_t *table = last_value(s->tables, &group_table), *group = last_value(s->groups, &group_name), *states = json_object();
	int restarts = 0, r;

	words_of(line, &w);
	if (!table || w.n < 2 || w.v[0][strlen(w.v[0]) - 1] != ':' || !type_name(w.v[1])) {
		json_decref(states);
		return bad(s, "not \"RESOURCE: TYPE ...\", or no type of a scenario");
	}
	w.v[0][strlen(w.v[0]) - 1] = '\0';
	ju_set_new(ju_obj(group, "rs"), w.v[0], states);
	ju_set_strf(table, type_name(w.v[1]), "rs.%s.type", w.v[0]);
	ju_set_strf(table, "TRUE", "rs.%s.enabled", w.v[0]);
	ju_set_strf(table, "TRUE", "rs.%s.monitored", w.v[0]);
	for (size_t i = 2; i < w.n; i++) {
		const char *list = NULL;

		for (size_t k = 0; k < ARRAY_SIZE(lists) && !list; k++)
			if ((v = value_of(w.v[i], lists[k].word))) {
				list = lists[k].prop;
				ju_set_strf(table, v, "rs.%s.prop.%s", w.v[0], list);
			}
		if (list)
			continue;
		r = read_switch(s, table, w.v[0], w.v[i]);
		if (r == 0)
			continue;
		if (r < 0) {
			json_decref(states);
			return r;
		}
		if ((v = value_of(w.v[i], "restarts")))
			restarts = (int)strtol(v, NULL, 10);
		else if ((v = value_of(w.v[i], "state"))) {
			if (resource_state(s, states, v) < 0)
				return -EINVAL;
		} else if ((v = strchr(w.v[i], '='))) {
			_cleanup_free_ char *prop = xstrndup(w.v[i], (size_t)(v - w.v[i]));

			ju_set_strf(table, v + 1, "rs.%s.prop.%s", w.v[0], prop);
		} else {
			return bad(s, "\"%s\" is no word of a resource", w.v[i]);
		}
	}
	default_states(table, group, w.v[0], states, restarts);
	return 0;
}

/* "a b c(down)" */
static int read_nodes(struct scenario *s, const char *text)
{
	_cleanup_(strlist_done) struct strlist w = { 0 };

	words_of(text, &w);
	for (size_t i = 0; i < w.n; i++) {
		char *paren = strchr(w.v[i], '(');

		if (s->node_count == NODES_MAX)
			return bad(s, "more than %d nodes", NODES_MAX);
		if (!paren)
			s->up |= node_bit(s->node_count + 1);
		else if (streq(paren, "(down)"))
			*paren = '\0';
		else
			return bad(s, "\"%s\" is no state of a node", paren);
		s->node[++s->node_count] = xstrdup(w.v[i]);
		ju_set_strf(s->infra, w.v[i], "cluster.nodes.%u.name", s->node_count);
	}
	return 0;
}

/* "a mem soft=4 hard=10" */
static int read_limit(struct scenario *s, const char *text)
{
	_cleanup_(strlist_done) struct strlist w = { 0 };
	uint32_t id;

	words_of(text, &w);
	id = w.n > 2 ? node_of(s, w.v[0]) : 0;
	if (!id)
		return bad(s, "NODE LIMIT soft=N hard=N");
	for (size_t i = 2; i < w.n; i++) {
		const char *soft = value_of(w.v[i], "soft"), *hard = value_of(w.v[i], "hard");

		if (!soft && !hard)
			return bad(s, "\"%s\" is neither soft=N nor hard=N", w.v[i]);
		ju_set_strf(s->infra, soft ? soft : hard, "cluster.nodes.%u.loadlimits.%s.%s", id, w.v[1], soft ? "soft" : "hard");
	}
	return 0;
}

/* ---- events ---- */

static void load_tables(struct scenario *s)
{
	const char *name;
	uint64_t gen = 1;
	json_t *v;

	rehearsal_table(s->r, "infrastructure", gen++, s->infra);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_free_ char *full = xstrdup(type_name(types[i].name));
		_cleanup_free_ char *table = xasprintf("rgm_rt_%s", full);
		_cleanup_free_ char *rtr = xasprintf("RESOURCE_TYPE = %s; VENDOR_ID = %s; RT_BASEDIR = /opt; API_VERSION = 7; %s"
			"{ PROPERTY = Failover_mode; DEFAULT = NONE; TUNABLE = ANYTIME; }", types[i].name,
			streq(types[i].name, "LogicalHostname") ? "SUNW" : "T", types[i].rtr);
		json_t *data = ju_pack("{ss}", "rtr", rtr);

		rehearsal_table(s->r, table, gen++, data);
		json_decref(data);
	}
	gen = 101;
	json_object_foreach(s->tables, name, v)
		rehearsal_table(s->r, name, gen++, v);
}

static int begin(struct scenario *s, bool form)
{
	const struct rehearsal_config config = { .wall_ms = WALL_MS, .detect_ms = DETECT_MS, .takeover_ms = TAKEOVER_MS,
						 .method = end_method, .ctx = s };
	json_t *nodes = json_array(), *snapshot;
	struct err err = { 0 };
	int r;

	s->begun = true;
	s->r = rehearsal_new(&config);
	load_tables(s);
	for (uint32_t id = 1; id <= s->node_count; id++)
		ju_push(nodes, ju_pack("[I,i,I,b]", (json_int_t)id, nodeset_has(s->up, id) ? (int)NODE_UP : (int)NODE_DOWN, (json_int_t)id,
				       false));
	snapshot = ju_pack("{sI,sb,so,sO}", "epoch", (json_int_t)1, "forming", false, "nodes", nodes, "groups", s->groups);
	r = form ? rehearsal_form(s->r, s->up, &err) : rehearsal_adopt(s->r, snapshot, &err);
	json_decref(snapshot);
	return r < 0 ? bad(s, "%s", err.text) : 0;
}

/* An event that is a request: its words, and what becomes of the arguments: r group, s resource, S resources (list), N nodes
 * (list), n node, v NAME=VALUE, t a word, f who asks; O nodes, which may be left out. */
static const struct {
	const char *word, *args, *op, *more;
} asked[] = {
	{ "switch",   "rN",  "group_switch", NULL },     { "online",   "r",   "group_switch", "preferred" },
	{ "bring",    "r",   "group_bring", NULL },      { "offline",  "r",   "group_offline", NULL },
	{ "restart",  "rN",  "group_restart", NULL },    { "remaster", "r",   "group_remaster", NULL },
	{ "quiesce",  "r",   "group_quiesce", NULL },    { "suspend",  "r",   "group_suspend", NULL },
	{ "resume",   "r",   "group_resume", NULL },     { "manage",   "r",   "group_manage", NULL },
	{ "unmanage", "r",   "group_unmanage", NULL },   { "remove",   "r",   "group_remove", NULL },
	{ "evacuate", "n",   "evacuate", NULL },         { "shutdown", "",    "cluster_shutdown", NULL },
	{ "set",      "rv",  "group_change", NULL },     { "set-resource", "sv", "resource_change", NULL },
	{ "enable",   "SO",  "resource_enable", NULL },  { "disable",  "SO",  "resource_disable", NULL },
	{ "monitor",  "SO",  "resource_enable", "monitor" }, { "unmonitor", "SO", "resource_disable", "monitor" },
	{ "clear",    "sN",  "resource_clear", NULL },   { "control",  "trsf", "control", NULL },
	{ "delete-resource", "s", "resource_remove", NULL },
};

static json_t *names_json(const char *text)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	json_t *a = json_array();

	strlist_split(&names, text, ",");
	for (size_t i = 0; i < names.n; i++)
		if (!streq(names.v[i], "-"))
			ju_push(a, json_string(names.v[i]));
	return a;
}

static int ask(struct scenario *s, const struct strlist *w, size_t row)
{
	json_t *q = ju_pack("{ss}", "op", asked[row].op);
	const char *args = asked[row].args;
	uint32_t from = nodeset_next(rehearsal_members(s->r), 0);
	int r = 0;

	if (asked[row].more)
		ju_set_bool(q, asked[row].more, true);
	if (w->n != strlen(args) + 1 && !(w->n == strlen(args) && strchr(args, 'O')))
		r = bad(s, "\"%s\" takes %zu words", asked[row].word, strlen(args));
	for (size_t i = 0; r == 0 && args[i] && i + 1 < w->n; i++) {
		const char *word = w->v[i + 1], *eq = strchr(word, '=');
		nodeset nodes;

		switch (args[i]) {
		case 'r': ju_set_str(q, "rg", word); break;
		case 's': ju_set_str(q, "rs", word); break;
		case 't': ju_set_str(q, "tag", word); break;
		case 'n': ju_set_str(q, "node", word); break;
		case 'N': case 'O': ju_set_new(q, "nodes", names_json(word)); break;
		case 'S': ju_set_new(q, "names", names_json(word)); break;
		case 'v':
			if (!eq)
				r = bad(s, "\"%s\" is not NAME=VALUE", word);
			else {
				_cleanup_free_ char *name = xstrndup(word, (size_t)(eq - word));

				ju_set_new(q, "props", ju_pack("{ss}", name, eq + 1));
			}
			break;
		case 'f':
			r = nodes_of(s, word, &nodes);
			from = nodeset_next(nodes, 0);
			break;
		default: break;
		}
	}
	if (r == 0 && !nodeset_has(rehearsal_members(s->r), from))
		r = bad(s, "who asks is no member");
	if (r == 0)
		(void)rehearsal_request(s->r, from, q, "root");
	json_decref(q);
	return r;
}

static int on_node(struct scenario *s, const struct strlist *w)
{
	nodeset nodes = 0;

	if (w->n != 2 || nodes_of(s, w->v[1], &nodes) < 0)
		return s->error[0] ? -EINVAL : bad(s, "\"%s\" takes nodes", w->v[0]);
	if (streq(w->v[0], "crash"))
		rehearsal_lose(s->r, nodes);
	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id)) {
		if (streq(w->v[0], "join"))
			rehearsal_join(s->r, id);
		else if (streq(w->v[0], "leave"))
			rehearsal_leave(s->r, id);
	}
	return 0;
}

static int event(struct scenario *s, const char *text)
{
	_cleanup_(strlist_done) struct strlist w = { 0 };

	words_of(text, &w);
	if (!w.n)
		return bad(s, "an event is missing");
	if (streq(w.v[0], "form") || streq(w.v[0], "nothing"))
		return s->begun ? bad(s, "\"%s\" can only be the first event", w.v[0]) : begin(s, streq(w.v[0], "form"));
	if (!s->begun && (begin(s, false) < 0 || rehearsal_settle(s->r, NULL) < 0))
		return s->error[0] ? -EINVAL : bad(s, "it does not come to rest");
	if (streq(w.v[0], "wait")) {
		rehearsal_wait(s->r, (int64_t)(strtod(w.n > 1 ? w.v[1] : "0", NULL) * 1000));
		return 0;
	}
	if (streq(w.v[0], "crash") || streq(w.v[0], "join") || streq(w.v[0], "leave"))
		return on_node(s, &w);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		if (streq(asked[i].word, w.v[0]))
			return ask(s, &w, i);
	return bad(s, "\"%s\" is no event", w.v[0]);
}

/* ---- what followed, as lines ---- */

#define CODE(name, value, text) [name] = #name + sizeof "SCHA_ERR_" - 1,
static const char *const code_names[] = { SCHA_ERR_LIST(CODE) };

static void decision_line(const json_t *f, struct strlist *lines)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	json_t *v;
	size_t i;

	if (ju_str(f, "rs", NULL))
		strlist_add(&names, ju_str(f, "rs", ""));
	if (ju_str(f, "node", NULL))
		strlist_add(&names, ju_str(f, "node", ""));
	json_array_foreach(ju_arr(f, "nodes"), i, v)
		if (!strlist_has(&names, json_string_value(v)))
			strlist_add(&names, json_string_value(v));
	_cleanup_free_ char *rest = names.n ? strlist_join(&names, " ") : xstrdup("");

	strlist_take(lines, xasprintf("decide %s: %s%s%s", ju_str(f, "rg", ""), ju_str(f, "do", ""), *rest ? " " : "", rest));
}

/* Methods that begin at one moment on one node are one line. */
static size_t run_line(const json_t *facts, size_t at, struct strlist *lines)
{
	const json_t *first = json_array_get(facts, at);
	_cleanup_(buf_done) struct buf b = { 0 };
	size_t i = at;

	buf_printf(&b, "run %s:", ju_str(first, "node", ""));
	for (; i < json_array_size(facts); i++) {
		const json_t *f = json_array_get(facts, i);

		if (!streq(ju_str(f, "e", ""), "run") || ju_int(f, "at", 0) != ju_int(first, "at", 0) ||
		    !streq(ju_str(f, "node", ""), ju_str(first, "node", "")))
			break;
		buf_printf(&b, " %s.%s", ju_str(f, "rs", ""), ju_str(f, "method", ""));
	}
	strlist_add(lines, b.s);
	return i;
}

static size_t fact_line(const json_t *facts, size_t at, struct strlist *lines)
{
	const json_t *f = json_array_get(facts, at);
	const char *e = ju_str(f, "e", ""), *state = ju_str(f, "state", "");

	if (streq(e, "run"))
		return run_line(facts, at, lines);
	if (streq(e, "node") && !streq(state, "dies"))
		strlist_take(lines, xasprintf("node %s: %s", ju_str(f, "node", ""), state));
	else if (streq(e, "decision"))
		decision_line(f, lines);
	else if (streq(e, "ran") && !ju_bool(f, "ok", true))
		strlist_take(lines, xasprintf("%s %s: %s.%s", ju_bool(f, "timed_out", false) ? "timeout" : "fail", ju_str(f, "node", ""),
					      ju_str(f, "rs", ""), ju_str(f, "method", "")));
	else if (streq(e, "answer")) {
		size_t code = (size_t)ju_int(f, "code", 0);

		strlist_take(lines, xasprintf("answer: %s", !code ? "ok" : code < ARRAY_SIZE(code_names) && code_names[code] ? code_names[code] : "?"));
	}
	return at + 1;
}

/* "NAME: ONLINE a b, PENDING_ONLINE c"; what is OFFLINE is left out unless all is. */
static void states_line(const char *name, const json_t *nodes, bool also_online, struct strlist *lines)
{
	_cleanup_(strlist_done) struct strlist states = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 };
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)nodes, i, v) {
		const char *state = ju_str(v, "state", "");

		if (!strlist_has(&states, state) && !streq(state, "OFFLINE") && (also_online || !streq(state, "ONLINE")))
			strlist_add(&states, state);
	}
	for (size_t k = 0; k < states.n; k++) {
		buf_printf(&b, "%s%s", k ? ", " : "", states.v[k]);
		json_array_foreach((json_t *)nodes, i, v)
			if (streq(ju_str(v, "state", ""), states.v[k]))
				buf_printf(&b, " %s", ju_str(v, "node", ""));
	}
	if (b.len || also_online)
		strlist_take(lines, xasprintf("%s: %s", name, b.len ? b.s : "OFFLINE"));
}

static void state_lines(const struct scenario *s, struct strlist *lines)
{
	const struct rgm *rgm = rehearsal_rgm(s->r);
	json_t *status, *g, *rs;
	size_t i, k;

	if (!rgm) {
		strlist_add(lines, "no member is left");
		return;
	}
	status = rgm_status(rgm);
	json_array_foreach(ju_arr(status, "groups"), i, g) {
		states_line(ju_str(g, "name", ""), ju_arr(g, "nodes"), true, lines);
		json_array_foreach(ju_arr(g, "resources"), k, rs)
			states_line(ju_str(rs, "name", ""), ju_arr(rs, "nodes"), false, lines);
	}
	json_decref(status);
}

/* Of the group, or of the last answer. */
static bool says(const struct scenario *s, const char *what, const char *text)
{
	json_t *status, *v;
	bool found = false;
	size_t i;

	if (streq(what, "answer")) {
		const char *last = "";

		json_array_foreach((json_t *)rehearsal_facts(s->r), i, v)
			if (streq(ju_str(v, "e", ""), "answer"))
				last = ju_str(v, "text", "");
		return strstr(last, text) != NULL;
	}
	if (!rehearsal_rgm(s->r))
		return false;
	status = rgm_status(rehearsal_rgm(s->r));
	json_array_foreach(ju_arr(status, "groups"), i, v)
		if (streq(ju_str(v, "name", ""), what))
			found = strstr(ju_str(v, "why", ""), text) != NULL;
	json_decref(status);
	return found;
}

/* ---- comparing ---- */

/* The longest common subsequence, in a table: scenarios are short. */
static void print_diff(const struct strlist *want, const struct strlist *is)
{
	_cleanup_free_ size_t *t = xcalloc((want->n + 1) * (is->n + 1), sizeof *t);
	size_t i = 0, k = 0, width = is->n + 1;

	for (size_t a = want->n; a-- > 0;)
		for (size_t b = is->n; b-- > 0;)
			t[a * width + b] = streq(want->v[a], is->v[b]) ? t[(a + 1) * width + b + 1] + 1
								       : MAX(t[(a + 1) * width + b], t[a * width + b + 1]);
	while (i < want->n || k < is->n) {
		if (i < want->n && k < is->n && streq(want->v[i], is->v[k])) {
			(void)printf("    %s\n", want->v[i++]);
			k++;
		} else if (i < want->n && (k == is->n || t[(i + 1) * width + k] >= t[i * width + k + 1])) {
			(void)printf("  - %s\n", want->v[i++]);
		} else {
			(void)printf("  + %s\n", is->v[k++]);
		}
	}
}

static void compare(struct scenario *s, const struct strlist *want, const struct strlist *is)
{
	bool equal = want->n == is->n;

	for (size_t i = 0; i < want->n && equal; i++)
		equal = streq(want->v[i], is->v[i]);
	if (print_only || equal)
		return;
	(void)printf("%s: line %zu: other than expected (- expected, + is)\n", s->name, s->at);
	print_diff(want, is);
	s->failed = true;
}

static int check_says(struct scenario *s, const char *line)
{
	_cleanup_free_ char *what = xstrndup(line, strcspn(line, ":"));
	const char *text = line + strlen(what);

	if (*text != ':')
		return bad(s, "not \"says GROUP: TEXT\" or \"says answer: TEXT\"");
	text += 1 + strspn(text + 1, " ");
	if (says(s, what, text))
		return 0;
	s->failed = true;
	(void)printf("%s: line %zu: %s does not say \"%s\"\n", s->name, s->at, what, text);
	return 0;
}

static const char *unindented(const char *line)
{
	return line + strspn(line, " \t");
}

/* The block behind "then:". */
static int then(struct scenario *s)
{
	_cleanup_(strlist_done) struct strlist want = { 0 }, is = { 0 }, sayings = { 0 };
	const json_t *facts = rehearsal_facts(s->r);
	struct err err = { 0 };

	if (rehearsal_settle(s->r, &err) < 0)
		return bad(s, "%s", err.text);
	for (size_t at = s->told; at < json_array_size(facts);)
		at = fact_line(facts, at, &is);
	s->told = json_array_size(facts);
	state_lines(s, &is);
	for (; s->at < s->lines.n && (s->lines.v[s->at][0] == ' ' || s->lines.v[s->at][0] == '\t'); s->at++) {
		const char *line = unindented(s->lines.v[s->at]);

		if (strncmp(line, "says ", 5) == 0)
			strlist_add(&sayings, line + 5);
		else if (*line && *line != '#')
			strlist_add(&want, line);
	}
	for (size_t i = 0; print_only && i < is.n; i++)
		(void)printf("  %s\n", is.v[i]);
	compare(s, &want, &is);
	for (size_t i = 0; i < sayings.n; i++)
		if (check_says(s, sayings.v[i]) < 0)
			return -EINVAL;
	return 0;
}

/* ---- files ---- */

static int read_line(struct scenario *s, const char *line)
{
	const char *colon = strchr(line, ':');
	_cleanup_free_ char *key = colon ? xstrndup(line, (size_t)(colon - line)) : NULL;
	const char *rest = colon ? unindented(colon + 1) : "";

	if (!*unindented(line) || *line == '#')
		return 0;
	if (*line == ' ' || *line == '\t')
		return s->begun ? bad(s, "\"%s\": a resource belongs under its group", line) : read_resource(s, unindented(line));
	if (!key)
		return bad(s, "not \"KEY: ...\"");
	if (streq(key, "why"))
		return snprintf(s->why, sizeof s->why, "%s", rest) > 0 ? 0 : bad(s, "why it must be so is missing");
	if (streq(key, "policy"))
		return snprintf(s->policy, sizeof s->policy, "%s", rest) > 0 ? 0 : bad(s, "the policy is missing");
	if (streq(key, "nodes"))
		return read_nodes(s, rest);
	if (streq(key, "limit"))
		return read_limit(s, rest);
	if (streq(key, "group"))
		return read_group(s, rest);
	if (streq(key, "fails") || streq(key, "takes"))
		return read_outcome(s, rest, streq(key, "takes"));
	if (streq(key, "when") || streq(key, "and")) {
		if (print_only)
			(void)printf("%s: %s\n", key, rest);
		if (streq(key, "when") && s->begun && rehearsal_settle(s->r, NULL) < 0)
			return bad(s, "it does not come to rest");
		return event(s, rest);
	}
	if (streq(key, "then") && s->begun)
		return then(s);
	return bad(s, "\"%s\" is no key, or comes too early", key);
}

static int read_file(struct scenario *s)
{
	FILE *f = fopen(s->path, "re");
	_cleanup_(buf_done) struct buf text = { 0 };
	char part[4096];
	size_t n;

	if (!f)
		return bad(s, "cannot be read");
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(&text, part, n);
	fclose(f);
	strlist_split(&s->lines, text.s ? text.s : "", "\n");
	return s->lines.n && s->lines.n < LINES_MAX ? 0 : bad(s, "empty, or longer than %d lines", LINES_MAX);
}

static void scenario_done(struct scenario *s)
{
	rehearsal_free(s->r);
	json_decref(s->infra);
	json_decref(s->tables);
	json_decref(s->groups);
	strlist_done(&s->lines);
	for (uint32_t id = 1; id <= s->node_count; id++)
		free(s->node[id]);
	for (size_t i = 0; i < s->outcome_count; i++) {
		free(s->outcomes[i].method);
		free(s->outcomes[i].node);
	}
}

/* The policy that it is about goes into *ret_policies. */
static bool run_file(const char *path, struct strlist *policies)
{
	struct scenario s = { .path = path, .name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, .infra = ju_pack("{ss}", "cluster.name", "t"),
			      .tables = json_object(), .groups = json_object() };
	bool compared = false, ok;
	int r = read_file(&s);

	while (r == 0 && s.at < s.lines.n) {
		const char *line = s.lines.v[s.at++];

		compared |= strncmp(line, "then:", 5) == 0;
		r = read_line(&s, line);
	}
	if (r == 0 && (!s.why[0] || !s.policy[0] || !compared))
		r = bad(&s, "\"why:\", \"policy:\" or \"then:\" is missing");
	if (r < 0)
		(void)printf("%s: %s\n", s.name, s.error);
	strlist_add(policies, s.policy);
	ok = r == 0 && !s.failed;
	scenario_done(&s);
	return ok;
}

/* FOLDER/policies.txt has the rows of the policy, one a line: each needs a scenario, and each scenario a row. */
static unsigned check_policies(const char *folder, const struct strlist *used)
{
	_cleanup_free_ char *path = xasprintf("%s/policies.txt", folder);
	_cleanup_(strlist_done) struct strlist known = { 0 };
	char line[200];
	FILE *f = fopen(path, "re");
	unsigned bad_ones = 0;

	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line && *line != '#')
			strlist_add(&known, line);
	}
	if (f)
		fclose(f);
	for (size_t i = 0; i < known.n; i++)
		if (!strlist_has(used, known.v[i])) {
			(void)printf("policies.txt: no scenario is about \"%s\"\n", known.v[i]);
			bad_ones++;
		}
	for (size_t i = 0; i < used->n; i++)
		if (*used->v[i] && !strlist_has(&known, used->v[i])) {
			(void)printf("policies.txt: \"%s\" is not in it\n", used->v[i]);
			bad_ones++;
		}
	return bad_ones;
}

int main(int argc, char **argv)
{
	_cleanup_(strlist_done) struct strlist policies = { 0 };
	const char *folder = argc == 2 ? argv[1] : "tests/scenarios";
	_cleanup_free_ char *pattern = xasprintf("%s/*.scenario", folder);
	unsigned failed = 0, n = 0;
	glob_t files;

	print_only = argc > 2 && streq(argv[1], "--print");
	if (print_only) {
		for (int i = 2; i < argc; i++)
			failed += !run_file(argv[i], &policies);
		return failed > 0;
	}
	if (argc > 2) {
		(void)fprintf(stderr, "usage: scenarios [FOLDER] | --print FILE...\n");
		return 2;
	}
	if (glob(pattern, 0, NULL, &files) != 0) {
		(void)fprintf(stderr, "scenarios: %s has none\n", folder);
		return 1;
	}
	for (; n < files.gl_pathc; n++)
		failed += !run_file(files.gl_pathv[n], &policies);
	globfree(&files);
	failed += check_policies(folder, &policies);
	(void)printf("%u scenarios, %u findings\n", n, failed);
	return failed > 0;
}
