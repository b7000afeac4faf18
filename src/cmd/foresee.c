#include "cmd/foresee.h"

#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/print.h"
#include "cmd/view.h"
#include "rgm/rgm.h"
#include "scha_err.h"

#define KEPT_MAX 20             /* newest runs of a method that count for its time */
#define TIME_WIDTH 10

struct foresight {
	json_t *snapshot;
	json_t *history;                /* "resource.method" -> [[node id, ms], ...], oldest first */
	json_t *names;                  /* id -> name */
	json_t *before;                 /* Status of the groups at the beginning */
	struct rehearsal *r;
	nodeset members;
	int64_t *requests;              /* numbers, since the last settling */
	size_t  request_count;
	bool    settled;
	char    trouble[200];           /* it did not come to rest */
};

/* ---- measured times ---- */

static void remember_runs(struct foresight *f, const json_t *entry)
{
	const json_t *message = ju_obj(entry, "msg");
	json_t *run;
	size_t i;

	if (!streq(ju_str(entry, "e", ""), "msg") || !streq(ju_str(message, "t", ""), "rgm.rep"))
		return;
	json_array_foreach(ju_arr(message, "runs"), i, run) {
		_cleanup_free_ char *key = xasprintf("%s.%s", ju_str(run, "rs", ""), ju_str(run, "method", ""));

		if (!ju_bool(run, "ok", false))
			continue;
		if (!ju_arr(f->history, key))
			ju_set_new(f->history, key, json_array());
		ju_push(ju_arr(f->history, key), ju_pack("[I,f]", (json_int_t)ju_int(entry, "from", 0),
							 json_number_value(json_object_get(run, "ms"))));
	}
}

static int compare_ms(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The median of the newest runs, on that node or (0) on any; negative: there are none. */
static double median_ms(const json_t *runs, uint32_t node)
{
	double ms[KEPT_MAX];
	size_t n = 0;

	for (size_t i = json_array_size(runs); i-- > 0 && n < KEPT_MAX;) {
		json_t *run = json_array_get(runs, i);

		if (!node || json_integer_value(json_array_get(run, 0)) == (json_int_t)node)
			ms[n++] = json_number_value(json_array_get(run, 1));
	}
	if (!n)
		return -1;
	qsort(ms, n, sizeof *ms, compare_ms);
	return ms[n / 2];
}

static void end_method(void *ctx, const struct rehearsal_run *run, struct rehearsal_end *ret)
{
	struct foresight *f = ctx;
	_cleanup_free_ char *key = xasprintf("%s.%s", run->rs, run->method);
	double ms = median_ms(ju_arr(f->history, key), run->node);

	if (ms < 0)
		ms = median_ms(ju_arr(f->history, key), 0);
	ret->measured = ms >= 0;
	ret->ms = ret->measured ? (int64_t)(ms + 0.5) : 0;
}

/* ---- life ---- */

struct foresight *foresight_free(struct foresight *f)
{
	if (!f)
		return NULL;
	rehearsal_free(f->r);
	json_decref(f->snapshot);
	json_decref(f->history);
	json_decref(f->names);
	json_decref(f->before);
	free(f->requests);
	free(f);
	return NULL;
}

static void load_tables(struct foresight *f)
{
	json_t *v, *value;
	const char *key;
	size_t i;

	json_array_foreach(ju_arr(f->snapshot, "tables"), i, v) {
		rehearsal_table(f->r, ju_str(v, "table", ""), (uint64_t)ju_int(v, "generation", 0), ju_obj(v, "data"));
		if (!streq(ju_str(v, "table", ""), "infrastructure"))
			continue;
		json_object_foreach(ju_obj(v, "data"), key, value) {
			unsigned id;
			char text[12];

			if (sscanf(key, "cluster.nodes.%u.name", &id) != 1)
				continue;
			(void)snprintf(text, sizeof text, "%u", id);
			json_object_set(f->names, text, value);
		}
	}
}

static int begin(const struct cmdline *line, struct foresight *f)
{
	const struct rehearsal_config config = { .wall_ms = ju_int(f->snapshot, "at", 0),
						 .detect_ms = (uint32_t)ju_int(f->snapshot, "detect_ms", 0),
						 .takeover_ms = (uint32_t)ju_int(f->snapshot, "takeover_ms", 0),
						 .method = end_method, .ctx = f };
	struct err err = { 0 };
	json_t *status;

	f->r = rehearsal_new(&config);
	load_tables(f);
	if (rehearsal_adopt(f->r, ju_obj(f->snapshot, "state"), &err) < 0)
		return command_failed(line, EXIT_STATE, "look ahead", err.text);
	if (!rehearsal_rgm(f->r))
		return command_failed(line, EXIT_NOT_MEMBER, "look ahead", "the cluster has no member");
	f->members = rehearsal_members(f->r);
	status = rgm_status(rehearsal_rgm(f->r));
	f->before = json_incref(ju_arr(status, "groups"));
	json_decref(status);
	return EXIT_OK;
}

int foresight_new(const struct cmdline *line, struct foresight **ret)
{
	struct foresight *f = xcalloc(1, sizeof *f);
	json_t *journal = NULL, *entry;
	size_t i;
	int r;

	f->history = json_object();
	f->names = json_object();
	r = client_call(line, "read the state of the cluster", "org.parhelion.Cluster.Snapshot", NULL, &f->snapshot);
	if (r == EXIT_OK)
		r = client_call(line, "read the journal", "org.parhelion.Cluster.Journal", ju_pack("{si}", "since_ms", 0), &journal);
	json_array_foreach(ju_arr(journal, "entries"), i, entry)
		remember_runs(f, entry);
	json_decref(journal);
	if (r == EXIT_OK)
		r = begin(line, f);
	if (r != EXIT_OK) {
		foresight_free(f);
		return r;
	}
	*ret = f;
	return EXIT_OK;
}

struct rehearsal *foresight_rehearsal(struct foresight *f) { return f->r; }
nodeset foresight_members(const struct foresight *f) { return f->members; }

const char *foresight_node_name(const struct foresight *f, uint32_t id)
{
	char text[12];

	(void)snprintf(text, sizeof text, "%u", id);
	return ju_str(f->names, text, "?");
}

uint32_t foresight_node(const struct foresight *f, const char *name)
{
	for (uint32_t id = nodeset_next(f->members, 0); id; id = nodeset_next(f->members, id))
		if (streq(foresight_node_name(f, id), name))
			return id;
	return 0;
}

/* ---- requests ---- */

void foresight_ask(struct foresight *f, const json_t *request)
{
	uint32_t self = foresight_node(f, ju_str(f->snapshot, "self", ""));
	_cleanup_free_ char *by = xasprintf("%s@%s", geteuid() == 0 ? "root" : "somebody", ju_str(f->snapshot, "self", ""));

	if (f->settled)
		f->request_count = 0;
	f->settled = false;
	f->requests = xrealloc(f->requests, (f->request_count + 1) * sizeof *f->requests);
	f->requests[f->request_count++] = rehearsal_request(f->r, self ? self : nodeset_next(f->members, 0), request, by);
}

void foresight_settle(struct foresight *f)
{
	struct err err = { 0 };

	if (rehearsal_settle(f->r, &err) < 0)
		(void)snprintf(f->trouble, sizeof f->trouble, "%s", err.text);
	f->settled = true;
}

int64_t foresight_answer(const struct foresight *f, size_t i, char **ret_reason)
{
	const json_t *facts = rehearsal_facts(f->r);
	json_t *fact;
	size_t k;

	json_array_foreach((json_t *)facts, k, fact)
		if (streq(ju_str(fact, "e", ""), "answer") && i < f->request_count && ju_int(fact, "request", 0) == f->requests[i]) {
			*ret_reason = xstrdup(ju_str(fact, "text", ""));
			return ju_int(fact, "code", 0);
		}
	*ret_reason = xstrdup("it would have no end: it waits for something that does not come by itself");
	return SCHA_ERR_TIMEOUT;
}

/* ---- what it means for each group ---- */

static json_t *online_nodes(const json_t *group)
{
	json_t *nodes = json_array(), *v;
	size_t i;

	json_array_foreach(ju_arr(group, "nodes"), i, v)
		if (streq(ju_str(v, "state", ""), "ONLINE") || streq(ju_str(v, "state", ""), "ONLINE_FAULTED") ||
		    streq(ju_str(v, "state", ""), "PENDING_ONLINE_BLOCKED"))
			ju_push(nodes, json_string(ju_str(v, "node", "")));
	return nodes;
}

static void drop_name(json_t *names, const char *name)
{
	for (size_t i = json_array_size(names); i-- > 0;)
		if (streq(json_string_value(json_array_get(names, i)), name))
			json_array_remove(names, i);
}

/* The nodes where the group is online after this fact. */
static void follow(json_t *online, const char *group, const json_t *fact)
{
	const char *e = ju_str(fact, "e", ""), *state = ju_str(fact, "state", ""), *node = ju_str(fact, "node", "");

	if (streq(e, "node") && (streq(state, "dies") || streq(state, "left"))) {
		drop_name(online, node);
	} else if (streq(e, "group") && streq(ju_str(fact, "rg", ""), group)) {
		drop_name(online, node);
		if (streq(state, "ONLINE") || streq(state, "ONLINE_FAULTED") || streq(state, "PENDING_ONLINE_BLOCKED"))
			ju_push(online, json_string(node));
	}
}

static int64_t last_ms(const struct foresight *f)
{
	const json_t *facts = rehearsal_facts(f->r);
	size_t n = json_array_size(facts);

	return n ? ju_int(json_array_get(facts, n - 1), "at", 0) : 0;
}

/* NULL: nothing has become of it.  interrupted_ms: how long it was online nowhere; back: it is again. */
static json_t *group_story(const struct foresight *f, const json_t *group)
{
	const char *name = ju_str(group, "name", "");
	json_t *before = online_nodes(group), *now = json_deep_copy(before), *fact, *ret = NULL;
	int64_t down_since = -1, down_ms = 0;
	bool was = json_array_size(before) > 0;
	size_t i;

	json_array_foreach((json_t *)rehearsal_facts(f->r), i, fact) {
		follow(now, name, fact);
		if (was && !json_array_size(now) && down_since < 0)
			down_since = ju_int(fact, "at", 0);
		if (json_array_size(now) && down_since >= 0) {
			down_ms += ju_int(fact, "at", 0) - down_since;
			down_since = -1;
		}
	}
	if (!json_equal(before, now) || down_ms || down_since >= 0)
		ret = ju_pack("{ss,sO,sO,sb,sb,sI}", "group", name, "before", before, "after", now, "interrupted",
			      down_ms > 0 || down_since >= 0, "back", down_since < 0, "interrupted_ms",
			      (json_int_t)(down_ms + (down_since >= 0 ? last_ms(f) - down_since : 0)));
	json_decref(before);
	json_decref(now);
	return ret;
}

static void add_name(json_t *names, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach(names, i, v)
		if (streq(json_string_value(v), name))
			return;
	ju_push(names, json_string(name));
}

json_t *foresight_json(const struct foresight *f)
{
	json_t *groups = json_array(), *restarted = json_array(), *unknown = json_array(), *v;
	size_t i;

	json_array_foreach(f->before, i, v) {
		json_t *story = group_story(f, v);

		if (story)
			ju_push(groups, story);
	}
	json_array_foreach((json_t *)rehearsal_facts(f->r), i, v) {
		_cleanup_free_ char *name = xasprintf("%s.%s", ju_str(v, "rs", ""), ju_str(v, "method", ""));

		if (!streq(ju_str(v, "e", ""), "run"))
			continue;
		if (streq(ju_str(v, "method", ""), "Start") || streq(ju_str(v, "method", ""), "Prenet_start"))
			add_name(restarted, ju_str(v, "rs", ""));
		if (!ju_bool(v, "measured", false))
			add_name(unknown, name);
	}
	return ju_pack("{sO,so,so,sf,so}", "steps", (json_t *)rehearsal_facts(f->r), "groups", groups, "resources_restarted", restarted,
		       "seconds", (double)last_ms(f) / 1000, "no_history", unknown);
}

/* ---- printing ---- */

static char *names_text(const json_t *names)
{
	return json_array_size(names) ? names_joined(names, ", ") : xstrdup("no node");
}

static const struct { const char *state, *text; } node_texts[] = {
	{ "dies", "dies" }, { "lost", "is missed by the others" }, { "dead", "is known to be dead" },
	{ "left", "has left" }, { "stays", "stays: it could not be emptied" }, { "panics", "panics" }, { "joins", "joins" },
};

static char *step_text(const json_t *step)
{
	const char *e = ju_str(step, "e", ""), *node = ju_str(step, "node", ""), *what = ju_str(step, "do", "");

	for (size_t i = 0; streq(e, "node") && i < ARRAY_SIZE(node_texts); i++)
		if (streq(node_texts[i].state, ju_str(step, "state", "")))
			return xasprintf("%s %s", node, node_texts[i].text);
	if (streq(e, "decision") && (streq(what, "online") || streq(what, "offline")))
		return xasprintf("%s goes %s on %s: %s", ju_str(step, "rg", ""), what, node, ju_str(step, "why", ""));
	if (streq(e, "decision") && streq(what, "rest"))
		return xasprintf("%s: %s", ju_str(step, "rg", ""), ju_str(step, "why", ""));
	if (streq(e, "run") && ju_bool(step, "measured", false))
		return xasprintf("%s: %s of %s, %.3f s", node, ju_str(step, "method", ""), ju_str(step, "rs", ""),
				 (double)ju_int(step, "ms", 0) / 1000);
	if (streq(e, "run"))
		return xasprintf("%s: %s of %s, no history", node, ju_str(step, "method", ""), ju_str(step, "rs", ""));
	if (streq(e, "group") && (strncmp(ju_str(step, "state", ""), "PENDING_O", 9) != 0 || strstr(ju_str(step, "state", ""), "BLOCKED")))
		return xasprintf("%s is %s on %s", ju_str(step, "rg", ""), ju_str(step, "state", ""), node);
	return NULL;
}

static void print_group(const json_t *story)
{
	_cleanup_free_ char *before = names_text(ju_arr(story, "before")), *after = names_text(ju_arr(story, "after"));
	double seconds = (double)ju_int(story, "interrupted_ms", 0) / 1000;

	(void)printf("  %s: online on %s, before on %s", ju_str(story, "group", ""), after, before);
	if (!ju_bool(story, "interrupted", false))
		(void)printf("\n");
	else if (ju_bool(story, "back", false))
		(void)printf("; interrupted for %.3f s\n", seconds);
	else
		(void)printf("; interrupted, and not online again\n");
}

static void print_sum(const json_t *sum)
{
	size_t interrupted = 0, lost = 0, i;
	bool unknown = json_array_size(ju_arr(sum, "no_history")) > 0;
	json_t *v;

	json_array_foreach(ju_arr(sum, "groups"), i, v) {
		interrupted += ju_bool(v, "interrupted", false);
		lost += ju_bool(v, "interrupted", false) && !ju_bool(v, "back", false);
	}
	(void)printf("Groups interrupted: %zu, of these not online again: %zu. Resources started anew: %zu. At rest after %s%.3f s.\n",
		     interrupted, lost, json_array_size(ju_arr(sum, "resources_restarted")), unknown ? "at least " : "",
		     json_real_value(json_object_get(sum, "seconds")));
	if (unknown) {
		_cleanup_free_ char *names = names_text(ju_arr(sum, "no_history"));

		(void)printf("No history, so taken as 0 s: %s.\n", names);
	}
}

void foresight_print(const struct foresight *f)
{
	json_t *sum, *v;
	size_t i, steps = 0;

	(void)printf("What would happen:\n");
	if (!f) {
		(void)printf("  nothing\n");
		return;
	}
	sum = foresight_json(f);
	json_array_foreach(ju_arr(sum, "steps"), i, v) {
		_cleanup_free_ char *text = step_text(v), *at = xasprintf("  +%.3f", (double)ju_int(v, "at", 0) / 1000);

		if (!text)
			continue;
		print_padded(TIME_WIDTH, at);
		(void)printf("%s\n", text);
		steps++;
	}
	if (!steps)
		(void)printf("  nothing\n");
	if (json_array_size(ju_arr(sum, "groups")))
		(void)printf("Groups:\n");
	json_array_foreach(ju_arr(sum, "groups"), i, v)
		print_group(v);
	print_sum(sum);
	if (f->trouble[0])
		(void)printf("%s\n", f->trouble);
	json_decref(sum);
}
