/* An entry of the journal becomes no fact, one, or several: a report of a node holds the methods that ran since its last
 * one, each with its own begin.  Facts are sorted by time; a silence of GAP_MS ends an incident. */
#include "cmd/timeline.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"

#define GAP_MS 2000
#define CLOCK_SLACK_MS 2000     /* a method's own time is believed when it is at most so far off */

enum tone { TONE_PLAIN, TONE_GOOD, TONE_BAD, TONE_DIM, TONE_COUNT };
static const char *const tone_names[TONE_COUNT] = { "plain", "good", "bad", "dim" };

/* Of an incident, the fact with the highest weight is its title. */
enum weight { WEIGHT_NONE, WEIGHT_DETAIL, WEIGHT_STATE, WEIGHT_DECISION, WEIGHT_REQUEST, WEIGHT_PROBLEM, WEIGHT_LOSS };

struct fact {
	int64_t     at_ms;
	size_t      order;              /* breaks a tie */
	const char *kind;
	enum tone   tone;
	enum weight weight;
	char       *group, *node, *text;        /* group, node: "" when there is none */
};

struct story {
	struct fact *facts;
	size_t  n;
	json_t *names;                  /* id -> name */
	json_t *addresses;              /* resource -> true: a logical host */
	json_t *owners;                 /* resource -> its group */
	json_t *requests;               /* id -> {"text","rg"} */
	json_t *states;                 /* "group node" -> last state told */
	json_t *view;                   /* last view: ids; NULL: none yet */
	int64_t now_ms;                 /* of the entry that is being read */
};

static struct fact *fact_add(struct story *s, const char *kind, enum tone tone, enum weight weight, const char *group,
			     const char *node, const char *fmt, ...) _printf_(7, 8);
static struct fact *fact_add(struct story *s, const char *kind, enum tone tone, enum weight weight, const char *group,
			     const char *node, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	if ((s->n & (s->n - 1)) == 0)
		s->facts = xrealloc(s->facts, MAX(s->n * 2, (size_t)1) * sizeof *s->facts);
	s->facts[s->n] = (struct fact) { .at_ms = s->now_ms, .order = s->n, .kind = kind, .tone = tone, .weight = weight,
					 .group = xstrdup(group), .node = xstrdup(node), .text = text };
	return &s->facts[s->n++];
}

/* ---- names ---- */

static const char *node_name(struct story *s, int64_t id)
{
	char key[24];

	(void)snprintf(key, sizeof key, "%lld", (long long)id);
	if (!ju_str(s->names, key, NULL)) {
		_cleanup_free_ char *name = xasprintf("node %s", key);  /* it is not in the configuration any more */

		ju_set_str(s->names, key, name);
	}
	return ju_str(s->names, key, key);
}

static char *node_names(struct story *s, const json_t *ids)
{
	struct strlist names = { 0 };
	const json_t *id;
	char *text;
	size_t i;

	json_array_foreach(ids, i, id)
		strlist_add(&names, node_name(s, json_integer_value(id)));
	text = names.n ? strlist_join(&names, ", ") : xstrdup("none");
	strlist_done(&names);
	return text;
}

static bool has_id(const json_t *ids, int64_t id)
{
	const json_t *v;
	size_t i;

	json_array_foreach(ids, i, v)
		if (json_integer_value(v) == id)
			return true;
	return false;
}

/* ---- membership ---- */

static void tell_lost(struct story *s, int64_t id, const json_t *silent)
{
	char key[24];

	(void)snprintf(key, sizeof key, "%lld", (long long)id);
	if (json_object_get(silent, key))
		fact_add(s, "lost", TONE_BAD, WEIGHT_LOSS, "", node_name(s, id), "%s lost: last heard %lld ms before",
			 node_name(s, id), (long long)ju_int(silent, key, 0));
	else
		fact_add(s, "lost", TONE_BAD, WEIGHT_LOSS, "", node_name(s, id), "%s lost", node_name(s, id));
}

static void tell_view(struct story *s, const json_t *entry)
{
	json_t *nodes = ju_arr(entry, "nodes"), *silent = ju_obj(entry, "silent"), *id;
	_cleanup_free_ char *names = node_names(s, nodes);
	const char *key;
	size_t i;

	json_array_foreach(s->view, i, id)
		if (!has_id(nodes, json_integer_value(id)))
			tell_lost(s, json_integer_value(id), silent);
	if (!s->view)                   /* the journal begins here; who was silent is gone all the same */
		json_object_foreach(silent, key, id)
			tell_lost(s, strtoll(key, NULL, 10), silent);
	json_array_foreach(nodes, i, id)
		if (s->view && !has_id(s->view, json_integer_value(id)))
			fact_add(s, "reachable", TONE_GOOD, WEIGHT_STATE, "", node_name(s, json_integer_value(id)),
				 "%s has become reachable", node_name(s, json_integer_value(id)));
	fact_add(s, "view", TONE_PLAIN, WEIGHT_DETAIL, "", "", "new view: %s", names);
	json_decref(s->view);
	s->view = json_incref(nodes);
}

static void tell_epoch(struct story *s, const json_t *entry)
{
	_cleanup_free_ char *members = node_names(s, ju_arr(entry, "members")), *lost = node_names(s, ju_arr(entry, "lost"));
	int64_t president = ju_int(entry, "president", 0);

	fact_add(s, "epoch", TONE_PLAIN, WEIGHT_STATE, "", "", "epoch %lld in force%s: members %s, president %s%s%s",
		 (long long)ju_int(entry, "epoch", 0), ju_bool(entry, "formed", false) ? " (new cluster)" : "", members,
		 president ? node_name(s, president) : "none", json_array_size(ju_arr(entry, "lost")) ? ", not yet known dead: " : "",
		 json_array_size(ju_arr(entry, "lost")) ? lost : "");
}

/* What the CMM notes and this page tells in its own words. */
static const char *const told_otherwise[] = { " is dead (", " reconfiguration #", ": joined cluster",
					      " has become reachable", " is down." };

static void tell_note(struct story *s, const json_t *entry)
{
	const char *text = ju_str(entry, "text", "");

	for (size_t i = 0; i < ARRAY_SIZE(told_otherwise); i++)
		if (strstr(text, told_otherwise[i]))
			return;
	fact_add(s, "cmm", TONE_PLAIN, WEIGHT_STATE, "", "", "%s", strncmp(text, "CMM: ", 5) == 0 ? text + 5 : text);
}

/* "node2: interconnect priv0 to node1 lost" */
static void tell_net(struct story *s, const json_t *entry)
{
	const char *node = node_name(s, ju_int(entry, "node", 0));
	const json_t *v;
	size_t i;

	json_array_foreach(ju_arr(entry, "paths"), i, v) {
		bool up = ju_bool(v, "up", false);

		fact_add(s, "path", up ? TONE_GOOD : TONE_BAD, up ? WEIGHT_STATE : WEIGHT_PROBLEM, "", node,
			 "%s: interconnect %s to %s %s", node, ju_str(v, "adapter", "?"), node_name(s, ju_int(v, "to", 0)),
			 up ? "restored" : "lost");
	}
	json_array_foreach(ju_arr(entry, "adapters"), i, v) {
		bool up = ju_bool(v, "up", false);

		fact_add(s, "adapter", up ? TONE_GOOD : TONE_BAD, up ? WEIGHT_STATE : WEIGHT_PROBLEM, "", node,
			 "%s: public adapter %s %s", node, ju_str(v, "name", "?"), up ? "restored" : "lost its link");
	}
}

static void tell_dead(struct story *s, int64_t from, const json_t *m)
{
	const char *node = node_name(s, ju_int(m, "node", 0)), *how = ju_str(m, "how", "");
	_cleanup_free_ char *silent = json_object_get(m, "silent_ms") ?
		xasprintf(" (silent for %lld ms)", (long long)ju_int(m, "silent_ms", 0)) : xstrdup("");

	(void)from;
	if (streq(how, "left"))
		fact_add(s, "dead", TONE_PLAIN, WEIGHT_PROBLEM, "", node, "%s is gone: it left in order%s", node, silent);
	else
		fact_add(s, "dead", TONE_BAD, WEIGHT_PROBLEM, "", node, "%s is dead: %s%s", node,
			 streq(how, "lease") ? "its lease has ended" : how, silent);
}

static void tell_ready(struct story *s, int64_t from, const json_t *m)
{
	(void)m;
	fact_add(s, "ready", TONE_GOOD, WEIGHT_STATE, "", node_name(s, from), "%s has joined the cluster", node_name(s, from));
}

static void tell_leave(struct story *s, int64_t from, const json_t *m)
{
	(void)m;
	fact_add(s, "leave", TONE_PLAIN, WEIGHT_PROBLEM, "", node_name(s, from), "%s leaves the cluster", node_name(s, from));
}

/* ---- groups ---- */

static const struct { const char *what, *text; } decision_texts[] = {
	{ "online",     "goes online on" },
	{ "offline",    "goes offline on" },
	{ "switch",     "is switched to" },
	{ "off",        "goes offline everywhere" },
	{ "auto",       "goes online where it prefers to be" },
	{ "restart",    "is restarted on" },
	{ "rs_restart", "has a resource restarted on" },
	{ "giveover",   "is given over to" },
	{ "failback",   "moves back to" },
	{ "clear",      "has STOP_FAILED cleared on" },
};

static void tell_decision(struct story *s, int64_t from, const json_t *m)
{
	const char *group = ju_str(m, "rg", ""), *what = ju_str(m, "do", ""), *why = ju_str(m, "why", ""), *text = what;
	const json_t *nodes = ju_arr(m, "nodes");
	_cleanup_free_ char *where = json_array_size(nodes) ? node_names(s, nodes) :
		ju_int(m, "node", 0) ? xstrdup(node_name(s, ju_int(m, "node", 0))) : xstrdup("");

	(void)from;
	if (streq(what, "no_failback"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(decision_texts); i++)
		if (streq(decision_texts[i].what, what))
			text = decision_texts[i].text;
	fact_add(s, "decision", TONE_PLAIN, WEIGHT_DECISION, group, where, "decision: group %s %s%s%s%s%s", group, text,
		 *where ? " " : "", where, *why ? " - " : "", why);
}

static void tell_method(struct story *s, const char *node, const char *group, const json_t *run)
{
	int64_t ms = ju_int(run, "ms", 0), at = ju_int(run, "at", s->now_ms - ms);
	const char *outcome = ju_bool(run, "timed_out", false) ? "timed out" : ju_bool(run, "ok", true) ? "ok" : "failed";
	const char *stuck = ju_str(run, "stuck", "");
	const json_t *exact = json_object_get(run, "ms");
	struct fact *f;

	if (json_is_real(exact))
		ms = (int64_t)(json_real_value(exact) + 0.5);
	if (at > s->now_ms || s->now_ms - at > ms + CLOCK_SLACK_MS)     /* the clock of that node differs */
		at = s->now_ms - ms;
	f = fact_add(s, "method", streq(outcome, "ok") ? TONE_DIM : TONE_BAD,
		     streq(outcome, "ok") ? WEIGHT_DETAIL : WEIGHT_PROBLEM, group, node, "%s: %s of %s, %lld ms, %s%s%s", node,
		     ju_str(run, "method", "?"), ju_str(run, "rs", "?"), (long long)ms, outcome, *stuck ? ": " : "", stuck);
	f->at_ms = at;
}

static bool is_bad_state(const char *state)
{
	return strstr(state, "FAILED") || strstr(state, "FAULTED") || strstr(state, "DEGRADED");
}

static void tell_resource(struct story *s, const char *node, const char *group, const char *rs, const json_t *v)
{
	const char *state = ju_str(v, "s", ""), *status = ju_str(v, "st", ""), *message = ju_str(v, "m", "");
	bool up = streq(state, "ONLINE"), bad = is_bad_state(state) || is_bad_state(status);

	if (json_object_get(s->addresses, rs) && (up || streq(state, "OFFLINE")) && !bad) {
		fact_add(s, "address", up ? TONE_GOOD : TONE_PLAIN, WEIGHT_STATE, group, node, "address %s %s on %s", rs,
			 up ? "up" : "down", node);
		return;
	}
	fact_add(s, "resource", bad ? TONE_BAD : up ? TONE_GOOD : TONE_DIM, bad ? WEIGHT_PROBLEM : WEIGHT_DETAIL, group, node,
		 "resource %s %s on %s%s%s", rs, *state ? state : status, node, *message ? " - " : "", message);
}

static void tell_group_state(struct story *s, const char *node, const char *group, const json_t *m)
{
	const char *state = ju_str(m, "state", ""), *failed = ju_str(m, "failed", "");
	_cleanup_free_ char *key = xasprintf("%s %s", group, node);

	if (!*state || (streq(ju_str(s->states, key, ""), state) && !*failed))
		return;
	ju_set_str(s->states, key, state);
	fact_add(s, "group", streq(state, "ONLINE") ? TONE_GOOD : is_bad_state(state) ? TONE_BAD : TONE_PLAIN,
		 is_bad_state(state) || *failed ? WEIGHT_PROBLEM : WEIGHT_STATE, group, node, "group %s %s on %s%s%s", group, state,
		 node, *failed ? " - failed: " : "", failed);
}

static void tell_report(struct story *s, int64_t from, const json_t *m)
{
	const char *group = ju_str(m, "rg", ""), *node = node_name(s, from), *rs;
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(m, "runs"), i, v)
		tell_method(s, node, group, v);
	json_object_foreach(ju_obj(m, "rs"), rs, v)
		tell_resource(s, node, group, rs, v);
	tell_group_state(s, node, group, m);
}

static void tell_status(struct story *s, int64_t from, const json_t *m)
{
	const char *status = ju_str(m, "status", ""), *message = ju_str(m, "msg", ""), *node = node_name(s, from);

	fact_add(s, "status", streq(status, "OK") ? TONE_DIM : is_bad_state(status) ? TONE_BAD : TONE_PLAIN,
		 is_bad_state(status) ? WEIGHT_PROBLEM : WEIGHT_DETAIL, ju_str(m, "rg", ""), node, "resource %s on %s says %s%s%s",
		 ju_str(m, "rs", ""), node, status, *message ? " - " : "", message);
}

/* Validate, Update and Monitor_check: a refusal is worth a line. */
static void tell_ran(struct story *s, int64_t from, const json_t *m)
{
	const json_t *request = ju_obj(s->requests, ju_str(m, "id", ""));
	bool timed_out = ju_bool(m, "timed_out", false);
	const char *output = ju_str(m, timed_out ? "stuck" : "output", "");

	if (ju_int(m, "exit", 0) == 0 && !timed_out)
		return;
	fact_add(s, "check", TONE_BAD, WEIGHT_PROBLEM, ju_str(request, "rg", ""), node_name(s, from), "%s %s%s%s%s%.*s",
		 node_name(s, from), timed_out ? "gives no answer in time to" : "refuses", request ? " " : "", ju_str(request, "text", ""), *output ? ": " : "",
		 (int)strcspn(output, "\n"), output);
}

/* ---- requests ---- */

/* Requests on resources do not name the group. */
static const char *request_group(const struct story *s, const json_t *m)
{
	const char *first = json_string_value(json_array_get(ju_arr(m, "names"), 0));

	return ju_str(m, "rg", ju_str(s->owners, ju_str(m, "rs", first ? first : ""), ""));
}

static void tell_request(struct story *s, int64_t from, const json_t *m)
{
	static const char *const objects[] = { "rs", "rg", "type", "node" };
	const char *cmd = ju_str(m, "cmd", ""), *by = ju_str(m, "by", "somebody"), *group = request_group(s, m);
	_cleanup_free_ char *text = NULL;
	const char *object = "";

	for (size_t i = 0; !*object && i < ARRAY_SIZE(objects); i++)
		object = ju_str(m, objects[i], "");
	text = *cmd ? xstrdup(cmd) : xasprintf("%s%s%s%s%s", ju_str(m, "op", "?"), ju_str(m, "tag", NULL) ? " " : "",
					       ju_str(m, "tag", ""), *object ? " " : "", object);
	ju_set_new(s->requests, ju_str(m, "id", ""), ju_pack("{ss, ss}", "text", text, "rg", group));
	fact_add(s, "request", TONE_PLAIN, WEIGHT_REQUEST, group, node_name(s, from), "%s: %s", by, text);
}

static void tell_response(struct story *s, int64_t from, const json_t *m)
{
	const json_t *request = ju_obj(s->requests, ju_str(m, "id", ""));
	const char *what = ju_str(request, "text", "a request"), *why = ju_str(m, "text", "");

	(void)from;
	if (ju_int(m, "code", 0) == 0)
		fact_add(s, "answer", TONE_GOOD, WEIGHT_DETAIL, ju_str(request, "rg", ""), "", "done: %s", what);
	else
		fact_add(s, "answer", TONE_BAD, WEIGHT_PROBLEM, ju_str(request, "rg", ""), "", "failed: %s%s%s", what,
			 *why ? " - " : "", why);
}

static void tell_commit(struct story *s, int64_t from, const json_t *m)
{
	const char *table = ju_str(m, "table", ""), *cmd = ju_str(m, "cmd", "");
	const char *group = strncmp(table, "rgm_rg_", 7) == 0 ? table + 7 : "";

	(void)from;
	fact_add(s, "configuration", TONE_DIM, WEIGHT_DETAIL, group, "", "configuration: table %s, generation %lld, by %s%s%s%s",
		 table, (long long)ju_int(m, "n", 0), ju_str(m, "by", "somebody"), *cmd ? " (" : "", cmd, *cmd ? ")" : "");
}

static const struct { const char *type; void (*tell)(struct story *s, int64_t from, const json_t *m); } messages[] = {
	{ "dead", tell_dead }, { "ready", tell_ready }, { "leave", tell_leave }, { "rgm.dec", tell_decision },
	{ "rgm.rep", tell_report }, { "rgm.status", tell_status }, { "rgm.ran", tell_ran }, { "rgm.req", tell_request },
	{ "rgm.rsp", tell_response }, { "ccr.prep", tell_commit },
};

static void tell_message(struct story *s, const json_t *entry)
{
	const json_t *m = ju_obj(entry, "msg");

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (streq(messages[i].type, ju_str(m, "t", "")))
			messages[i].tell(s, ju_int(entry, "from", 0), m);
}

static const struct { const char *event; void (*tell)(struct story *s, const json_t *entry); } events[] = {
	{ "view", tell_view }, { "epoch", tell_epoch }, { "cmm", tell_note }, { "net", tell_net },
	{ "msg", tell_message },
};

/* ---- the whole ---- */

static void learn_names(struct story *s, const json_t *status)
{
	json_t *v, *rs;
	size_t i, k;

	json_array_foreach(ju_arr(status, "nodes"), i, v) {
		_cleanup_free_ char *id = xasprintf("%lld", (long long)ju_int(v, "id", 0));

		ju_set_str(s->names, id, ju_str(v, "name", id));
	}
	json_array_foreach(ju_arr(status, "groups"), i, v)
		json_array_foreach(ju_arr(v, "resources"), k, rs) {
			ju_set_str(s->owners, ju_str(rs, "name", ""), ju_str(v, "name", ""));
			if (strstr(ju_str(rs, "type", ""), "LogicalHostname") || strstr(ju_str(rs, "type", ""), "SharedAddress"))
				ju_set_new(s->addresses, ju_str(rs, "name", ""), json_true());
		}
}

static int by_time(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool concerns(const struct fact *f, const char *group)
{
	return !group || streq(f->group, group);
}

/* facts[0..n) as one incident; NULL when the group has no part in it. */
static json_t *incident(const struct fact *facts, size_t n, const char *group)
{
	const struct fact *title = &facts[0];
	json_t *list;
	bool part = !group;

	for (size_t i = 0; i < n; i++)
		part |= concerns(&facts[i], group);
	if (!part)
		return NULL;
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		const struct fact *f = &facts[i];

		if (group && *f->group && !concerns(f, group))
			continue;
		if (f->weight > title->weight || (title->group[0] && !concerns(title, group)))
			title = f;
		ju_push(list, ju_pack("{sI,sI,ss,ss,ss,ss,ss}", "at", (json_int_t)f->at_ms, "delta_ms",
				      (json_int_t)(f->at_ms - facts[0].at_ms), "kind", f->kind, "group", f->group, "node", f->node,
				      "tone", tone_names[f->tone], "text", f->text));
	}
	return ju_pack("{sI,sI,ss,so}", "at", (json_int_t)facts[0].at_ms, "ms",
		       (json_int_t)(facts[n - 1].at_ms - facts[0].at_ms), "title", title->text, "facts", list);
}

static json_t *split(const struct story *s, const char *group)
{
	json_t *incidents = json_array();

	for (size_t begin = 0, end; begin < s->n; begin = end) {
		json_t *one;

		for (end = begin + 1; end < s->n && s->facts[end].at_ms - s->facts[end - 1].at_ms <= GAP_MS;)
			end++;
		one = incident(s->facts + begin, end - begin, group);
		if (one)
			ju_push(incidents, one);
	}
	return ju_pack("{so}", "incidents", incidents);
}

static void story_done(struct story *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->facts[i].group);
		free(s->facts[i].node);
		free(s->facts[i].text);
	}
	free(s->facts);
	json_decref(s->names);
	json_decref(s->addresses);
	json_decref(s->owners);
	json_decref(s->requests);
	json_decref(s->states);
	json_decref(s->view);
}

json_t *timeline_story(const json_t *entries, const json_t *status, const char *group)
{
	_cleanup_(story_done) struct story s = { .names = json_object(), .addresses = json_object(), .owners = json_object(),
						 .requests = json_object(), .states = json_object() };
	const json_t *entry;
	size_t i;

	learn_names(&s, status);
	json_array_foreach(entries, i, entry) {
		s.now_ms = ju_int(entry, "w", 0);
		for (size_t k = 0; k < ARRAY_SIZE(events); k++)
			if (streq(events[k].event, ju_str(entry, "e", "")))
				events[k].tell(&s, entry);
	}
	if (s.n)
		qsort(s.facts, s.n, sizeof *s.facts, by_time);
	return split(&s, group);
}
