/* Apply in order: read the file, look up what is there, show the difference, have every change checked by the president,
 * then commit table by table.  Nothing is changed before everything was found good.  Tables are committed one at a time, so
 * somebody else can still come between; then it is said exactly what is done and what is not. */
#include "cmd/apply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "ccr/schema.h"
#include "cmd/change.h"
#include "cmd/client.h"
#include "cmd/config_text.h"
#include "cmd/file.h"

#define OPT_DRY_RUN '5'
#define OPT_PRUNE   '6'

/* What nobody should find in a file that is passed around.  Nothing in the repository is secret today; a key whose name
 * says so stays out of the text, and apply leaves it as it is. */
static bool is_secret(const char *key)
{
	static const char *const words[] = { "password", "passwd", "secret", "authkey" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(key, words[i]))
			return true;
	return false;
}

/* ---- export ---- */

static json_t *without_secrets(const json_t *data)
{
	json_t *copy = json_deep_copy(data), *v;
	const char *key;
	void *tmp;

	json_object_foreach_safe(copy, tmp, key, v)
		if (is_secret(key))
			json_object_del(copy, key);
	return copy;
}

static int list_tables(const struct cmdline *line, json_t **ret)
{
	return client_call(line, "list the tables", "org.parhelion.Cluster.ListTables", NULL, ret);
}

static int add_table(const struct cmdline *line, struct buf *b, const char *name)
{
	json_t *table = NULL, *data;
	int r = change_table(line, name, &table);

	if (r == EXIT_OK && ju_obj(table, "data")) {
		data = without_secrets(ju_obj(table, "data"));
		buf_puts(b, "\n");
		config_text_add(b, name, ju_int(table, "generation", 0), data);
		json_decref(data);
	}
	json_decref(table);
	return r;
}

/* Nothing in it comes from the clock or the node, so the same configuration gives the same text. */
int cluster_export(const struct cmdline *line)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	json_t *list = NULL, *v;
	struct err err = { 0 };
	size_t i;
	int r = list_tables(line, &list);

	buf_puts(&b, "# The configuration of a cluster: \"cluster apply FILE\" makes it so again.  A table that was changed since its\n"
		     "# generation is not overwritten.\n");
	json_array_foreach(ju_arr(list, "tables"), i, v)
		if (r == EXIT_OK)
			r = add_table(line, &b, ju_str(v, "table", ""));
	json_decref(list);
	if (r != EXIT_OK)
		return r;
	if (!line->operands.n || streq(line->operands.v[0], "-"))
		return fwrite(b.s, 1, b.len, stdout) == b.len ? EXIT_OK : EXIT_REFUSED;
	if (file_write(line->operands.v[0], b.s, b.len, 0600, true, &err) < 0)
		return command_failed(line, EXIT_REFUSED, "write the configuration", err.text);
	return EXIT_OK;
}

/* ---- apply: what the file wants ---- */

struct apply {
	const struct cmdline *line;
	json_t *wanted;         /* array of {"table","base","data","line","now":{..}|null,"generation","set"} */
	json_t *history;
};

static int check_schema(const json_t *wanted, struct err *err)
{
	json_t *v;
	size_t i;

	json_array_foreach(wanted, i, v)
		if (schema_check_table(ju_str(v, "table", ""), ju_obj(v, "data"), err) < 0)
			return err_prefix(err, -EINVAL, "line %" PRId64, ju_int(v, "line", 0));
	return 0;
}

static int read_wanted(struct apply *a)
{
	const char *path = a->line->operands.v[0];
	_cleanup_free_ char *text = NULL;
	struct err err = { 0 };
	size_t len = 0;
	int r = file_read_given(path, CONFIG_TEXT_MAX, &text, &len, &err);

	if (r == 0)
		r = config_text_parse(text, len, &a->wanted, &err);
	if (r == 0)
		r = check_schema(a->wanted, &err);
	if (r == 0 && !json_array_size(a->wanted))
		r = err_set(&err, -EINVAL, "there is no table in it");
	if (r == 0)
		return EXIT_OK;
	(void)err_prefix(&err, r, "%s", streq(path, "-") ? "standard input" : path);
	return command_failed(a->line, EXIT_REFUSED, "read the configuration", err.text);
}

static json_t *wanted_find(const struct apply *a, const char *table)
{
	json_t *v;
	size_t i;

	json_array_foreach(a->wanted, i, v)
		if (streq(ju_str(v, "table", ""), table))
			return v;
	return NULL;
}

/* --prune: tables that are there and not in the file. */
static int add_absent(struct apply *a)
{
	json_t *list = NULL, *v;
	size_t i;
	int r = list_tables(a->line, &list);

	json_array_foreach(ju_arr(list, "tables"), i, v) {
		const char *table = ju_str(v, "table", "");

		if (!wanted_find(a, table) && !streq(table, "infrastructure"))
			ju_push(a->wanted, ju_pack("{ss,sI,sn}", "table", table, "base", (json_int_t)ju_int(v, "generation", 0), "data"));
	}
	json_decref(list);
	return r;
}

/* ---- and what is there ---- */

static void keep_secrets(json_t *data, const json_t *now)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)now, key, v)
		if (is_secret(key) && data && !json_object_get(data, key))
			json_object_set(data, key, v);
}

static int look_up(struct apply *a)
{
	json_t *v, *now;
	size_t i;
	int r = EXIT_OK;

	json_array_foreach(a->wanted, i, v) {
		now = NULL;
		r = change_table(a->line, ju_str(v, "table", ""), &now);
		if (r != EXIT_OK)
			return r;
		keep_secrets(ju_obj(v, "data"), ju_obj(now, "data"));
		ju_set_int(v, "generation", ju_int(now, "generation", 0));
		ju_set_new(v, "set", change_between(ju_obj(now, "data"), ju_obj(v, "data")));
		ju_set_bool(v, "there", ju_obj(now, "data") != NULL);
		json_decref(now);
	}
	return change_history(a->line, NULL, 0, 0, &a->history);
}

/* Is there something to do for this table? */
static bool is_change(const json_t *v)
{
	return json_object_size(ju_obj(v, "set")) > 0 || ju_bool(v, "there", false) != json_is_object(json_object_get(v, "data"));
}

/* The newest commit of the table that the file does not know; NULL: the history does not tell. */
static const json_t *came_between(const struct apply *a, const char *table, int64_t base)
{
	json_t *e;
	size_t i;

	json_array_foreach(ju_arr(a->history, "entries"), i, e)
		if (streq(ju_str(e, "table", ""), table) && ju_int(e, "n", 0) > base)
			return e;
	return NULL;
}

static void complain_stale(const struct apply *a, const json_t *v)
{
	const char *table = ju_str(v, "table", "");
	int64_t base = ju_int(v, "base", 0);
	const json_t *e = came_between(a, table, base);
	_cleanup_free_ char *who = e ? change_who(e) : xstrdup("somebody");
	_cleanup_free_ char *what = xasprintf("apply table %s", table);
	_cleanup_free_ char *now = ju_bool(v, "there", false) ? xasprintf("now %" PRId64, ju_int(v, "generation", 0))
							      : xstrdup("now removed");
	_cleanup_free_ char *why = xasprintf("table %s was changed by %s since this file was exported (generation %" PRId64 ", %s)",
					     table, who, base, now);

	(void)command_failed(a->line, EXIT_STATE, what, why);
}

static int check_generations(const struct apply *a)
{
	int r = EXIT_OK;
	json_t *v;
	size_t i;

	json_array_foreach(a->wanted, i, v) {
		if (!is_change(v) || ju_int(v, "base", 0) == ju_int(v, "generation", 0))
			continue;
		complain_stale(a, v);
		r = EXIT_STATE;
	}
	return r;
}

/* ---- the order: a group needs its types, so types come before groups, and leave after them ---- */

static int rank(const json_t *v)
{
	const char *table = ju_str(v, "table", "");
	bool leaves = !json_is_object(json_object_get(v, "data"));

	if (streq(table, "infrastructure"))
		return 0;
	if (strncmp(table, "rgm_rt_", 7) == 0)
		return leaves ? 4 : 1;
	return leaves ? 3 : 2;
}

static void sort_wanted(struct apply *a)
{
	json_t *sorted = json_array(), *v;
	size_t i;

	for (int r = 0; r <= 4; r++)
		json_array_foreach(a->wanted, i, v)
			if (rank(v) == r && is_change(v))
				json_array_append(sorted, v);
	json_decref(a->wanted);
	a->wanted = sorted;
}

/* ---- asking and doing ---- */

/* Of the same file: what a check of one table has to know of the others. */
static json_t *neighbours(const struct apply *a)
{
	json_t *types = json_object(), *groups = json_array(), *v;
	size_t i;

	json_array_foreach(a->wanted, i, v) {
		const char *table = ju_str(v, "table", "");

		if (rank(v) == 1)
			ju_set_str(types, table + strlen("rgm_rt_"), ju_str(ju_obj(v, "data"), "rtr", ""));
		else if (rank(v) > 1 && rank(v) < 4)
			ju_push(groups, json_string(table));
	}
	return ju_pack("{so,so}", "types", types, "groups", groups);
}

static int send(const struct apply *a, const json_t *v, bool check)
{
	const char *table = ju_str(v, "table", "");

	return request_run(a->line, change_request(table, ju_int(v, "base", 0), ju_obj(v, "data"), check, check ? neighbours(a) : NULL),
			   "apply table %s", table);
}

static int check_all(const struct apply *a)
{
	int first = EXIT_OK;
	json_t *v;
	size_t i;

	json_array_foreach(a->wanted, i, v) {
		int r = send(a, v, true);

		first = first == EXIT_OK ? r : first;
		if (r == EXIT_NO_DAEMON || r == EXIT_PERMISSION || r == EXIT_DEADLINE)
			break;
	}
	return first;
}

static void tell_rest(const struct apply *a, size_t failed)
{
	struct buf done = { 0 }, left = { 0 };
	json_t *v;
	size_t i;

	json_array_foreach(a->wanted, i, v)
		if (i != failed)
			buf_printf(i < failed ? &done : &left, " %s", ju_str(v, "table", ""));
	(void)fprintf(stderr, "Applied before it:%s.  Not applied:%s, and the table that failed.\n", done.s ? done.s : " nothing",
		      left.s ? left.s : " nothing");
	buf_done(&done);
	buf_done(&left);
}

static int commit_all(const struct apply *a)
{
	json_t *v;
	size_t i;

	json_array_foreach(a->wanted, i, v) {
		int r = send(a, v, false);

		if (r != EXIT_OK) {
			tell_rest(a, i);
			return r;
		}
	}
	return EXIT_OK;
}

static void show(const struct apply *a)
{
	json_t *v;
	size_t i;

	json_array_foreach(a->wanted, i, v) {
		const char *table = ju_str(v, "table", "");
		bool leaves = !json_is_object(json_object_get(v, "data"));

		if (leaves)
			(void)printf("table %s is removed\n", table);
		else
			change_print(table, ju_obj(v, "set"));
	}
	if (!json_array_size(a->wanted))
		(void)printf("Nothing to change: the cluster is as the file says.\n");
	(void)fflush(stdout);
}

static int apply(struct apply *a)
{
	int r = read_wanted(a);

	if (r == EXIT_OK && cmdline_has(a->line, OPT_PRUNE))
		r = add_absent(a);
	if (r == EXIT_OK)
		r = look_up(a);
	if (r == EXIT_OK)
		r = check_generations(a);
	if (r != EXIT_OK)
		return r;
	sort_wanted(a);
	show(a);
	r = check_all(a);
	if (r != EXIT_OK)
		(void)fprintf(stderr, "Nothing was changed.\n");
	if (r == EXIT_OK && !cmdline_has(a->line, OPT_DRY_RUN))
		r = commit_all(a);
	return r;
}

int cluster_apply(const struct cmdline *line)
{
	struct apply a = { .line = line };
	int r = apply(&a);

	json_decref(a.wanted);
	json_decref(a.history);
	return r;
}
