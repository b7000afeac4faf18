/* A commit as ordered events:
 *
 *   prep (president) ──> every voter makes an intent file durable and says vote
 *        ──> with the last yes (or the first no) delivered, all know the outcome at the same place in the log
 *        ──> commit: rename the intent over the table, say done ──> with the last done, the one who asked is told
 *
 * Nobody has to remember an outcome for anybody: it follows from the log.  Voters are the members that were ready when
 * prep was delivered and still are members; a member that goes takes its vote with it.
 *
 * Invariants: 1 a yes is said only after the intent is durable; 2 a table file is whole at any moment (rename);
 * 3 success is reported only when every member, joining ones too, has it on its disk: members are a quorate set, so the
 * next formation contains one of them; 4 one generation
 * number never stands for two contents (the number of an aborted commit is not used again within an epoch, and a
 * snapshot replaces whatever a node wrote alone). */
#include "ccr/ccr.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "ccr/history.h"

#define HISTORY_FILE_MAX (2 * CCR_HISTORY_BYTES)        /* a longer file of entries is replaced by what is kept */
#define HISTORY_SUMMARY "/history"      /* in the summary, beside the tables; no table can have this name */
#define WAITING_MAX 64          /* commits that wait for done at once; the president sends no more (see ccr_apply) */

struct ccr {
	uint32_t self;
	json_t  *tables;        /* name -> {"gen":N,"data":{..}|null} */
	uint64_t last;          /* the highest number seen in a prep or a table */
	nodeset  members, ready;

	json_t  *prep;          /* the commit that is being voted on; NULL: none */
	nodeset  voters, yes;
	bool     intent_here;

	json_t  *waiting;       /* array of {"tx","n","left":[ids]}: committed, not yet done everywhere */

	struct history history;
	size_t   history_on_disk;       /* bytes of its file */
	bool     history_rewrite;       /* the file holds something else, or damage */
};

static const char *const own_messages[] = { "ccr.prep", "ccr.vote", "ccr.done" };

bool ccr_owns_message(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_messages); i++)
		if (streq(own_messages[i], type))
			return true;
	return false;
}

void ccr_update_done(struct ccr_update *update)
{
	json_decref(update->send);
	json_decref(update->store);
	json_decref(update->finished);
	*update = (struct ccr_update) { 0 };
}

static void add(json_t **list, json_t *value)
{
	if (!*list)
		*list = json_array();
	ju_push(*list, value);
}

/* One update may finish several commits (a member left). */
static void finish(struct ccr_update *u, json_t *result)
{
	add(&u->finished, result);
}

/* ---- tables ---- */

static const json_t *entry(const struct ccr *ccr, const char *table)
{
	return json_object_get(ccr->tables, table);
}

const json_t *ccr_table(const struct ccr *ccr, const char *table)
{
	return ju_obj(entry(ccr, table), "data");
}

uint64_t ccr_table_gen(const struct ccr *ccr, const char *table)
{
	return (uint64_t)ju_int(entry(ccr, table), "gen", 0);
}

uint64_t ccr_last_commit(const struct ccr *ccr) { return ccr->last; }

static void set_table(struct ccr *ccr, const char *table, uint64_t gen, const json_t *data)
{
	ju_set_new(ccr->tables, table, ju_pack("{sI,so}", "gen", (json_int_t)gen, "data",
					       data ? json_deep_copy(data) : json_null()));
	ccr->last = MAX(ccr->last, gen);
}

void ccr_load(struct ccr *ccr, const char *table, uint64_t gen, const json_t *data)
{
	set_table(ccr, table, gen, data);
}

json_t *ccr_summary(const struct ccr *ccr)
{
	json_t *o = json_object(), *value;
	const char *name;

	json_object_foreach(ccr->tables, name, value)
		ju_set_int(o, name, ju_int(value, "gen", 0));
	return o;
}

json_t *ccr_hello(const struct ccr *ccr)
{
	json_t *o = ccr_summary(ccr);
	char sum[20];

	(void)snprintf(sum, sizeof sum, "%016" PRIx64, ccr->history.sum);
	ju_set_str(o, HISTORY_SUMMARY, sum);
	return o;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void ccr_each(const struct ccr *ccr, void (*fn)(const char *table, const json_t *data, void *ctx), void *ctx)
{
	_cleanup_free_ const char **names = xcalloc(json_object_size(ccr->tables) + 1, sizeof *names);
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach(ccr->tables, name, value)
		if (ju_obj(value, "data"))
			names[n++] = name;
	qsort(names, n, sizeof *names, compare_names);
	for (size_t i = 0; i < n; i++)
		fn(names[i], ccr_table(ccr, names[i]), ctx);
}

/* ---- history: what its file has to look like ---- */

static void write_history(struct ccr *ccr, json_t **store)
{
	char *text = history_text(&ccr->history);

	ccr->history_on_disk = strlen(text);
	ccr->history_rewrite = false;
	add(store, ju_pack("{ss,si,sb,ss}", "op", "history", "n", 0, "whole", true, "text", text));
	free(text);
}

static void record(struct ccr *ccr, json_t *entry /* taken */, json_t **store)
{
	_cleanup_free_ char *text = ju_dump(entry), *line = xasprintf("%s\n", text);

	if (!history_add(&ccr->history, entry))
		ccr->history_rewrite = true;    /* whatever stood in its place */
	ccr->history_on_disk += strlen(line);
	if (ccr->history_rewrite || ccr->history_on_disk > HISTORY_FILE_MAX)
		write_history(ccr, store);
	else
		add(store, ju_pack("{ss,si,ss}", "op", "history", "n", 0, "text", line));
}

static uint64_t gen_in_force(void *ctx, const char *table)
{
	return ccr_table_gen(ctx, table);
}

void ccr_load_history(struct ccr *ccr, const json_t *entry, size_t bytes)
{
	ccr->history_on_disk += bytes;
	if (!entry || history_check(entry) < 0 || !history_add(&ccr->history, json_incref((json_t *)entry)))
		ccr->history_rewrite = true;
}

void ccr_history_failed(struct ccr *ccr)
{
	ccr->history_rewrite = true;
}

static void prune_history(struct ccr *ccr)
{
	if (history_prune(&ccr->history, gen_in_force, ccr))
		ccr->history_rewrite = true;
}

const json_t *ccr_history(const struct ccr *ccr) { return ccr->history.entries; }

/* ---- commit ---- */

json_t *ccr_prepare_message(const struct ccr *ccr, const char *tx, const char *table, uint64_t base, const json_t *data,
			    const struct ccr_origin *origin)
{
	json_t *message = ju_pack("{ss,si,ss,sI,ss,sI,so,ss,ss,ss*,sI}", "t", "ccr.prep", "v", 1, "tx", tx, "n",
		       (json_int_t)(ccr->last + 1), "table", table, "base", (json_int_t)base, "data",
		       data ? json_deep_copy(data) : json_null(), "by", origin->by, "cmd", origin->cmd, "message", origin->message,
		       "at", (json_int_t)origin->wall_ms);

	if (origin->among)
		ju_set_new(message, "among", nodeset_to_json(origin->among));
	return message;
}

static bool somebody_has_gone(const struct ccr *ccr, const json_t *prep)
{
	return (nodeset_from_json(ju_arr(prep, "among")) & ~ccr->ready) != 0;
}

static json_t *store_request(const char *op, const json_t *prep, bool with_text)
{
	int64_t n = ju_int(prep, "n", 0);
	json_t *o = ju_pack("{ss,sI,ss}", "op", op, "n", (json_int_t)n, "table", ju_str(prep, "table", ""));

	if (with_text) {
		_cleanup_free_ char *text = ccr_format((uint64_t)n, ju_obj(prep, "data"));

		ju_set_str(o, "text", text);
	}
	return o;
}

#define MEMBERS_CHANGED "the members changed"
enum refusal { REFUSED, REFUSED_BUSY, REFUSED_STALE };

static void refuse(struct ccr_update *u, const json_t *prep, const char *why, enum refusal how)
{
	finish(u, ju_pack("{ss,ss,sb,sb}", "tx", ju_str(prep, "tx", ""), "error", why, "busy", how == REFUSED_BUSY, "stale",
			  how == REFUSED_STALE));
}

bool ccr_busy(const struct ccr *ccr)
{
	return ccr->prep || json_array_size(ccr->waiting) >= WAITING_MAX;
}

static void on_prep(struct ccr *ccr, const json_t *message, struct ccr_update *u)
{
	const char *table = ju_str(message, "table", "");
	uint64_t n = (uint64_t)ju_int(message, "n", 0);

	if (!ccr_table_name_ok(table)) {
		refuse(u, message, "the name of the table is not allowed", REFUSED);
		return;
	}
	if (ccr_busy(ccr) || n <= ccr->last) {
		refuse(u, message, "another change was under way; try again", REFUSED_BUSY);
		return;
	}
	if ((uint64_t)ju_int(message, "base", 0) != ccr_table_gen(ccr, table)) {
		refuse(u, message, "somebody else changed this at the same time; try again", REFUSED_STALE);
		return;
	}
	if (somebody_has_gone(ccr, message)) {
		refuse(u, message, MEMBERS_CHANGED, REFUSED_STALE);
		return;
	}
	ccr->last = n;
	ccr->prep = json_deep_copy(message);
	ccr->voters = ccr->ready;
	ccr->yes = 0;
	ccr->intent_here = nodeset_has(ccr->voters, ccr->self);
	if (ccr->intent_here)
		add(&u->store, store_request("intent", message, true));
}

static void forget_prep(struct ccr *ccr)
{
	json_decref(ccr->prep);
	ccr->prep = NULL;
	ccr->voters = ccr->yes = 0;
	ccr->intent_here = false;
}

static void drop(struct ccr *ccr, const char *why, enum refusal how, struct ccr_update *u)
{
	refuse(u, ccr->prep, why, how);
	if (ccr->intent_here)
		add(&u->store, store_request("drop", ccr->prep, false));
	forget_prep(ccr);
}

static void commit(struct ccr *ccr, struct ccr_update *u)
{
	const char *table = ju_str(ccr->prep, "table", "");
	uint64_t n = (uint64_t)ju_int(ccr->prep, "n", 0);

	/* The entry goes to the disk before the table: whoever has the table has its history.  One whose table never
	 * came into force is found and dropped (history_prune). */
	record(ccr, history_entry(ccr->prep, ccr_table_gen(ccr, table), ccr_table(ccr, table), ju_obj(ccr->prep, "data")),
	       &u->store);
	set_table(ccr, table, n, ju_obj(ccr->prep, "data"));
	(void)snprintf(u->committed, sizeof u->committed, "%s", table);
	(void)snprintf(u->committed_tx, sizeof u->committed_tx, "%s", ju_str(ccr->prep, "tx", ""));
	add(&u->store, store_request("commit", ccr->prep, true));
	ju_push(ccr->waiting, ju_pack("{ss,sI,so}", "tx", ju_str(ccr->prep, "tx", ""), "n", (json_int_t)n,
				      "left", nodeset_to_json(ccr->members)));
	forget_prep(ccr);
}

static void maybe_commit(struct ccr *ccr, struct ccr_update *u)
{
	if (ccr->prep && ccr->voters && (ccr->voters & ~ccr->yes) == 0)
		commit(ccr, u);
}

static void on_vote(struct ccr *ccr, uint32_t from, const json_t *message, struct ccr_update *u)
{
	const char *error = ju_str(message, "error", NULL);

	if (!ccr->prep || ju_int(message, "n", 0) != ju_int(ccr->prep, "n", -1) || !nodeset_has(ccr->voters, from))
		return;
	if (!error) {
		ccr->yes |= node_bit(from);
		maybe_commit(ccr, u);
		return;
	}
	_cleanup_free_ char *why = xasprintf("node %u cannot store it: %s", from, error);

	drop(ccr, why, REFUSED, u);
}

/* Nodes in gone need not say done any more. */
static void strike_out(struct ccr *ccr, uint64_t n, nodeset gone, struct ccr_update *u)
{
	for (size_t i = 0; i < json_array_size(ccr->waiting);) {
		json_t *w = json_array_get(ccr->waiting, i);
		nodeset left = nodeset_from_json(ju_arr(w, "left"));

		if (n == 0 || (uint64_t)ju_int(w, "n", 0) == n)
			left &= ~gone;
		ju_set_new(w, "left", nodeset_to_json(left));
		if (left) {
			i++;
			continue;
		}
		finish(u, ju_pack("{ss,sI}", "tx", ju_str(w, "tx", ""), "n", (json_int_t)ju_int(w, "n", 0)));
		json_array_remove(ccr->waiting, i);
	}
}

void ccr_apply(struct ccr *ccr, uint32_t from, const json_t *message, struct ccr_update *ret_update)
{
	const char *t = ju_str(message, "t", "");

	*ret_update = (struct ccr_update) { 0 };
	if (streq(t, "ccr.prep"))
		on_prep(ccr, message, ret_update);
	else if (streq(t, "ccr.vote"))
		on_vote(ccr, from, message, ret_update);
	else if (streq(t, "ccr.done"))
		strike_out(ccr, (uint64_t)ju_int(message, "n", 0), node_bit(from), ret_update);
}

void ccr_stored(struct ccr *ccr, uint64_t n, const char *op, const char *error, struct ccr_update *ret_update)
{
	json_t *message;

	*ret_update = (struct ccr_update) { 0 };
	if (streq(op, "intent")) {
		message = ju_pack("{ss,si,sI,ss*}", "t", "ccr.vote", "v", 1, "n", (json_int_t)n, "error", error);
		add(&ret_update->send, message);
	} else if (streq(op, "commit") && !error) {
		add(&ret_update->send, ju_pack("{ss,si,sI}", "t", "ccr.done", "v", 1, "n", (json_int_t)n));
	}
}

void ccr_await(struct ccr *ccr, nodeset joiners)
{
	json_t *w;
	size_t i;

	json_array_foreach(ccr->waiting, i, w)
		ju_set_new(w, "left", nodeset_to_json(nodeset_from_json(ju_arr(w, "left")) | joiners));
}

void ccr_members(struct ccr *ccr, nodeset members, nodeset ready, struct ccr_update *ret_update)
{
	nodeset gone = ccr->members & ~members;

	*ret_update = (struct ccr_update) { 0 };
	ccr->members = members;
	ccr->ready = ready;
	ccr->voters &= ready;
	strike_out(ccr, 0, gone, ret_update);
	if (ccr->prep && somebody_has_gone(ccr, ccr->prep))
		drop(ccr, MEMBERS_CHANGED, REFUSED_STALE, ret_update);
	maybe_commit(ccr, ret_update);
	if (ccr->prep && !ccr->voters)          /* all who were asked are gone */
		drop(ccr, MEMBERS_CHANGED, REFUSED, ret_update);
}

/* ---- snapshot ---- */

json_t *ccr_snapshot(const struct ccr *ccr)
{
	return ju_pack("{so,sI,sO?,so,so,so,so}", "tables", json_deep_copy(ccr->tables), "last", (json_int_t)ccr->last, "prep",
		       ccr->prep, "voters", nodeset_to_json(ccr->voters), "yes", nodeset_to_json(ccr->yes), "waiting",
		       json_deep_copy(ccr->waiting), "history", json_copy(ccr->history.entries));
}

/* A joiner ends with the members' history: what it knows beyond that never came into force, or is older than they keep. */
static void restore_history(struct ccr *ccr, const json_t *entries, json_t **store)
{
	uint64_t sum = ccr->history.sum;

	history_set(&ccr->history, entries);
	if (ccr->history.sum != sum || ccr->history_rewrite)
		write_history(ccr, store);
}

void ccr_restore(struct ccr *ccr, const json_t *snapshot, struct ccr_update *ret_update)
{
	const json_t *tables = ju_obj(snapshot, "tables");
	const char *name;
	json_t *value;

	*ret_update = (struct ccr_update) { 0 };
	json_object_foreach((json_t *)tables, name, value) {
		/* A node that was alone with a commit may have other contents under the same number. */
		if (json_equal(entry(ccr, name), value))
			continue;
		_cleanup_free_ char *text = ccr_format((uint64_t)ju_int(value, "gen", 0), ju_obj(value, "data"));

		add(&ret_update->store, ju_pack("{ss,si,ss,ss}", "op", "write", "n", 0, "table", name, "text", text));
	}
	json_object_foreach(ccr->tables, name, value)
		if (!json_object_get(tables, name))
			add(&ret_update->store, ju_pack("{ss,si,ss}", "op", "forget", "n", 0, "table", name));
	json_decref(ccr->tables);
	ccr->tables = json_deep_copy(tables);
	ccr->last = (uint64_t)ju_int(snapshot, "last", 0);
	forget_prep(ccr);
	if (ju_obj(snapshot, "prep")) {
		ccr->prep = json_deep_copy(ju_obj(snapshot, "prep"));
		ccr->voters = nodeset_from_json(ju_arr(snapshot, "voters"));
		ccr->yes = nodeset_from_json(ju_arr(snapshot, "yes"));
	}
	json_decref(ccr->waiting);
	ccr->waiting = json_deep_copy(ju_arr(snapshot, "waiting"));
	restore_history(ccr, ju_arr(snapshot, "history"), &ret_update->store);
}

uint64_t ccr_last_waiting(const struct ccr *ccr)
{
	return (uint64_t)ju_int(json_array_get(ccr->waiting, json_array_size(ccr->waiting) - 1), "n", 0);
}

/* Commits that came with the snapshot are now here, too; later ones may be on their way, and report by themselves. */
void ccr_synced(struct ccr *ccr, uint64_t upto, struct ccr_update *ret_update)
{
	json_t *w;
	size_t i;

	*ret_update = (struct ccr_update) { 0 };
	json_array_foreach(ccr->waiting, i, w)
		if ((uint64_t)ju_int(w, "n", 0) <= upto && nodeset_has(nodeset_from_json(ju_arr(w, "left")), ccr->self))
			add(&ret_update->send, ju_pack("{ss,si,sI}", "t", "ccr.done", "v", 1, "n",
						       (json_int_t)ju_int(w, "n", 0)));
}

/* ---- formation ---- */

/* A copy of somebody who was not with the last members is worth nothing, whatever its number, unless a person said that it
 * should win (ccradm -o). */
static bool counts(const struct ccr *ccr, uint32_t id, nodeset newest, json_int_t gen)
{
	return nodeset_has(newest, id) || (uint64_t)gen > ccr->last + CCR_OVERRIDE_STEP / 2;
}

json_t *ccr_missing(const struct ccr *ccr, const json_t *const hellos[CMM_NODE_ID_MAX + 1], nodeset view, nodeset newest)
{
	json_t *best = json_object(), *list = NULL, *value;     /* table -> {"gen","from"} */
	const char *name;

	for (uint32_t id = nodeset_next(view, 0); id; id = nodeset_next(view, id))
		json_object_foreach((json_t *)hellos[id], name, value)
			if (counts(ccr, id, newest, json_integer_value(value)) &&
			    json_integer_value(value) > ju_int(json_object_get(best, name), "gen", 0))
				ju_set_new(best, name, ju_pack("{sI,sI}", "gen", json_integer_value(value), "from",
							       (json_int_t)id));
	json_object_foreach(best, name, value)
		if ((uint64_t)ju_int(value, "gen", 0) > ccr_table_gen(ccr, name))
			add(&list, ju_pack("{ss,sI}", "table", name, "from", (json_int_t)ju_int(value, "from", 0)));
	json_decref(best);
	return list;
}

static void add_other_histories(const struct ccr *ccr, const json_t *const hellos[CMM_NODE_ID_MAX + 1], nodeset view,
				json_t **list)
{
	json_t *own = ccr_hello(ccr), *asked = json_object();

	ju_set_bool(asked, ju_str(own, HISTORY_SUMMARY, ""), true);
	for (uint32_t id = nodeset_next(view, 0); id; id = nodeset_next(view, id)) {
		const char *sum = ju_str(hellos[id], HISTORY_SUMMARY, NULL);

		if (id == ccr->self || !sum || json_object_get(asked, sum))
			continue;               /* somebody else has the same */
		ju_set_bool(asked, sum, true);
		add(list, ju_pack("{ss,sI}", "table", HISTORY_SUMMARY, "from", (json_int_t)id));
	}
	json_decref(own);
	json_decref(asked);
}

json_t *ccr_gather(struct ccr *ccr, const json_t *const hellos[CMM_NODE_ID_MAX + 1], nodeset view, nodeset newest)
{
	json_t *list = ccr_missing(ccr, hellos, view, newest);

	prune_history(ccr);     /* an own entry that is no truth must not stand in the way of another's */
	add_other_histories(ccr, hellos, view, &list);
	return list;
}

/* The union; of two entries with one number the sponsor's own stays, as its own copy of a table does. */
static void adopt_history(struct ccr *ccr, const json_t *entries)
{
	json_t *e;
	size_t i;

	json_array_foreach(entries, i, e)
		if (history_check(e) == 0 && history_add(&ccr->history, json_incref(e)))
			ccr->history_rewrite = true;
}

void ccr_gathered(struct ccr *ccr, struct ccr_update *ret_update)
{
	*ret_update = (struct ccr_update) { 0 };
	prune_history(ccr);
	if (ccr->history_rewrite)
		write_history(ccr, &ret_update->store);
}

json_t *ccr_push_message(const struct ccr *ccr, const char *table)
{
	const json_t *e = entry(ccr, table);

	if (streq(table, HISTORY_SUMMARY))
		return ju_pack("{ss,si,ss,so}", "t", "ccr.push", "v", 1, "table", table, "entries",
			       json_copy(ccr->history.entries));
	return e ? ju_pack("{ss,si,ss,sI,sO}", "t", "ccr.push", "v", 1, "table", table, "gen",
			   (json_int_t)ju_int(e, "gen", 0), "data", json_object_get(e, "data")) : NULL;
}

static void write_table(struct ccr *ccr, const char *table, uint64_t gen, const json_t *data, struct ccr_update *u)
{
	_cleanup_free_ char *text = ccr_format(gen, data);

	add(&u->store, ju_pack("{ss,si,ss,ss}", "op", "write", "n", 0, "table", table, "text", text));
	set_table(ccr, table, gen, data);
}

void ccr_adopt(struct ccr *ccr, const json_t *push, struct ccr_update *ret_update)
{
	const char *table = ju_str(push, "table", "");
	uint64_t gen = (uint64_t)ju_int(push, "gen", 0);

	*ret_update = (struct ccr_update) { 0 };
	if (streq(table, HISTORY_SUMMARY))
		adopt_history(ccr, ju_arr(push, "entries"));
	if (!ccr_table_name_ok(table) || gen <= ccr_table_gen(ccr, table))
		return;
	write_table(ccr, table, gen, ju_obj(push, "data"), ret_update);
}

/* ---- life ---- */

struct ccr *ccr_new(uint32_t self)
{
	struct ccr *ccr = xcalloc(1, sizeof *ccr);

	ccr->self = self;
	ccr->tables = json_object();
	ccr->waiting = json_array();
	history_init(&ccr->history);
	return ccr;
}

struct ccr *ccr_free(struct ccr *ccr)
{
	if (!ccr)
		return NULL;
	json_decref(ccr->tables);
	json_decref(ccr->prep);
	json_decref(ccr->waiting);
	history_done(&ccr->history);
	free(ccr);
	return NULL;
}
