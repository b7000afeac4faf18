#include "cmd/history.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/change.h"
#include "cmd/client.h"
#include "cmd/print.h"
#include "cmd/signame.h"

#define COUNT_DEFAULT 20

/* ---- history ---- */

static void print_commit(const json_t *e)
{
	_cleanup_free_ char *at = change_time(ju_int(e, "at", 0)), *cmd = change_command(e);
	const char *what = ju_bool(e, "removed", false) ? " (removed)" : ju_bool(e, "made", false) ? " (new)" : "";

	(void)printf("%6" PRId64 "  %s  ", ju_int(e, "n", 0), at);
	print_padded(20, ju_str(e, "by", "?"));
	(void)printf("%s%s\n        %s\n", ju_str(e, "table", "?"), what, cmd);
	if (*ju_str(e, "message", ""))
		(void)printf("        # %s\n", ju_str(e, "message", ""));
}

int cluster_history(const struct cmdline *line)
{
	const char *given = cmdline_get(line, 'n');
	int count = COUNT_DEFAULT, r;
	json_t *reply = NULL, *e;
	size_t i;

	if (given && number_parse(given, 1, INT32_MAX, &count) < 0)
		return command_usage(line, "-n takes a number from 1 on, not \"%s\"", given);
	r = change_history(line, cmdline_get(line, '4'), 0, count, &reply);
	if (r == EXIT_OK && cmdline_has(line, OPT_JSON))
		print_json(reply);
	else if (r == EXIT_OK)
		json_array_foreach(ju_arr(reply, "entries"), i, e)
			print_commit(e);
	json_decref(reply);
	return r;
}

/* ---- diff ---- */

static int take_number(const struct cmdline *line, size_t at, int64_t *ret)
{
	const char *text = line->operands.v[at];
	char *end = NULL;

	*ret = strtoll(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end)
		return command_usage(line, "\"%s\" is no number of a commit; cluster history lists them", text);
	return EXIT_OK;
}

/* Commits in (low, high], newest first, folded into one change a table: the oldest "old", the newest "new". */
static void fold(json_t *tables, const json_t *e)
{
	const char *table = ju_str(e, "table", "?"), *key;
	json_t *set = ju_obj(tables, table), *pair;

	if (!set) {
		set = json_object();
		ju_set_new(tables, table, set);
	}
	json_object_foreach(ju_obj(e, "set"), key, pair) {
		json_t *known = json_object_get(set, key);

		ju_set_new(set, key, ju_pack("[O,O]", json_array_get(pair, 0), json_array_get(known ? known : pair, 1)));
	}
}

static bool is_known(const json_t *entries, int64_t n)
{
	json_t *e;
	size_t i;

	json_array_foreach(entries, i, e)
		if (ju_int(e, "n", 0) == n)
			return true;
	return false;
}

/* What stands in the way of telling the whole truth about (low, high]; NULL: nothing.  Caller frees. */
static char *gap(const json_t *entries, int64_t low, int64_t high)
{
	json_t *e;
	size_t i;

	json_array_foreach(entries, i, e) {
		int64_t n = ju_int(e, "n", 0), was = ju_int(e, "was", 0);

		if (n <= low || n > high)
			continue;
		if (ju_bool(e, "large", false))
			return xasprintf("commit %" PRId64 " changed more of table %s than is kept", n, ju_str(e, "table", "?"));
		if (was > low && !is_known(entries, was))
			return xasprintf("commit %" PRId64 " of table %s is not in the history any more", was, ju_str(e, "table", "?"));
	}
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_tables(const json_t *tables, bool backwards)
{
	_cleanup_free_ const char **names = xcalloc(json_object_size(tables) + 1, sizeof *names);
	const char *name, *key;
	json_t *set, *pair;
	size_t n = 0;
	void *tmp;

	json_object_foreach((json_t *)tables, name, set)
		names[n++] = name;
	qsort(names, n, sizeof *names, compare_names);
	for (size_t i = 0; i < n; i++) {
		set = ju_obj(tables, names[i]);
		json_object_foreach_safe(set, tmp, key, pair) {
			json_t *a = json_array_get(pair, 0), *b = json_array_get(pair, 1);

			if (json_equal(a, b))
				json_object_del(set, key);      /* there and back again */
			else if (backwards)
				ju_set_new(set, key, ju_pack("[O,O]", b, a));
		}
		change_print(names[i], set);
	}
}

static int diff(const struct cmdline *line, const json_t *reply, int64_t from, int64_t to)
{
	const json_t *entries = ju_arr(reply, "entries");
	int64_t low = MIN(from, to), high = MAX(from, to), last = ju_int(reply, "last_commit", 0);
	_cleanup_free_ char *why = gap(entries, low, high);
	json_t *tables, *e;
	size_t i;

	if (!why && high > last)
		why = xasprintf("there is no commit %" PRId64 "; the newest is %" PRId64, high, last);
	if (why)
		return command_failed(line, EXIT_REFUSED, "tell the difference", why);
	tables = json_object();
	json_array_foreach(entries, i, e)
		if (ju_int(e, "n", 0) > low && ju_int(e, "n", 0) <= high)
			fold(tables, e);
	print_tables(tables, from > to);
	json_decref(tables);
	return EXIT_OK;
}

int cluster_diff(const struct cmdline *line)
{
	int64_t from = 0, to = 0;
	json_t *reply = NULL;
	int r = take_number(line, 0, &from);

	if (r == EXIT_OK && line->operands.n > 1)
		r = take_number(line, 1, &to);
	if (r == EXIT_OK)
		r = change_history(line, NULL, 0, 0, &reply);
	if (r == EXIT_OK)
		r = diff(line, reply, from, line->operands.n > 1 ? to : ju_int(reply, "last_commit", 0));
	json_decref(reply);
	return r;
}

/* ---- undo ---- */

static const json_t *commit_find(const json_t *entries, int64_t n)
{
	json_t *e;
	size_t i;

	json_array_foreach(entries, i, e)
		if (ju_int(e, "n", 0) == n)
			return e;
	return NULL;
}

static bool is_whole(const json_t *e)
{
	return ju_bool(e, "made", false) || ju_bool(e, "removed", false) || ju_bool(e, "large", false);
}

/* A later commit that the undoing would wipe out: the key they share, or "" for the table as a whole; NULL: none. */
static const char *shared_key(const json_t *undone, const json_t *later)
{
	const char *key;
	json_t *v;

	if (!streq(ju_str(undone, "table", ""), ju_str(later, "table", "")) || ju_int(later, "n", 0) <= ju_int(undone, "n", 0))
		return NULL;
	if (is_whole(undone) || is_whole(later))
		return "";
	json_object_foreach(ju_obj(undone, "set"), key, v)
		if (json_object_get(ju_obj(later, "set"), key))
			return key;
	return NULL;
}

/* NULL: nothing came after it.  Caller frees. */
static char *in_the_way(const json_t *entries, const json_t *undone)
{
	json_t *e;
	size_t i;

	json_array_foreach(entries, i, e) {
		const char *key = shared_key(undone, e);
		_cleanup_free_ char *who = key ? change_who(e) : NULL;

		if (!key)
			continue;
		return xasprintf("%s%s of table %s was changed since by commit %" PRId64 " of %s; undo that one first", *key ? "" :
				 "the whole", key, ju_str(e, "table", "?"), ju_int(e, "n", 0), who);
	}
	return NULL;
}

/* The table as it would be without the commit; NULL: it would not be there. */
static json_t *without(const json_t *commit, const json_t *now)
{
	json_t *data, *pair;
	const char *key;

	if (ju_bool(commit, "made", false))
		return NULL;
	data = now ? json_deep_copy(now) : json_object();
	json_object_foreach(ju_obj(commit, "set"), key, pair) {
		json_t *before = json_array_get(pair, 0);

		if (json_is_string(before))
			json_object_set(data, key, before);
		else
			json_object_del(data, key);
	}
	return data;
}

static int send_undo(const struct cmdline *line, const json_t *commit, const json_t *now)
{
	bool dry = cmdline_has(line, '5');
	int64_t n = ju_int(commit, "n", 0);
	const char *table = ju_str(commit, "table", "");
	json_t *data = without(commit, ju_obj(now, "data")), *set = change_between(ju_obj(now, "data"), data), *body;
	_cleanup_free_ char *message = xasprintf("undoes commit %" PRId64, n);
	int r;

	if (dry)
		change_print(table, set);
	body = change_request(table, ju_int(now, "generation", 0), data, dry, NULL);
	if (!cmdline_get(line, OPT_MESSAGE))
		ju_set_str(body, "message", message);
	r = request_run(line, body, "undo commit %" PRId64, n);
	json_decref(data);
	json_decref(set);
	return r;
}

int cluster_undo(const struct cmdline *line)
{
	_cleanup_free_ char *what = NULL, *why = NULL;
	json_t *reply = NULL, *now = NULL;
	const json_t *commit;
	int64_t n;
	int r = take_number(line, 0, &n);

	if (r == EXIT_OK)
		r = change_history(line, NULL, 0, 0, &reply);
	if (r != EXIT_OK)
		return r;
	what = xasprintf("undo commit %" PRId64, n);
	commit = commit_find(ju_arr(reply, "entries"), n);
	if (!commit)
		why = xstrdup("there is no such commit in the history (cluster history)");
	else if (ju_bool(commit, "large", false))
		why = xstrdup("it changed more than the history keeps");
	else
		why = in_the_way(ju_arr(reply, "entries"), commit);
	if (why)
		r = command_failed(line, EXIT_REFUSED, what, why);
	else
		r = change_table(line, ju_str(commit, "table", ""), &now);
	if (r == EXIT_OK)
		r = send_undo(line, commit, now);
	json_decref(now);
	json_decref(reply);
	return r;
}
