#include "cmd/change.h"

#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/config_text.h"

#define COMMAND_SHOWN 300       /* bytes of a command line; --json has it whole */
#define VALUE_SHOWN 160         /* characters of a value; a longer one is cut */

static json_t *value_of(const json_t *data, const char *key)
{
	json_t *v = data ? json_object_get(data, key) : NULL;

	return v ? v : json_null();
}

json_t *change_between(const json_t *old_data, const json_t *new_data)
{
	json_t *set = json_object(), *v;
	const char *key;

	json_object_foreach((json_t *)old_data, key, v)
		if (!json_equal(v, value_of(new_data, key)))
			ju_set_new(set, key, ju_pack("[O,O]", v, value_of(new_data, key)));
	json_object_foreach((json_t *)new_data, key, v)
		if (json_is_null(value_of(old_data, key)))
			ju_set_new(set, key, ju_pack("[n,O]", v));
	return set;
}

static void print_value(const json_t *value)
{
	const char *text = json_string_value(value);
	_cleanup_free_ char *escaped = text ? config_text_escape(text) : NULL;
	size_t len = escaped ? strlen(escaped) : 0;

	if (!escaped) {
		(void)printf("(not set)");
		return;
	}
	if (len > VALUE_SHOWN) {
		escaped[VALUE_SHOWN] = '\0';
		ju_trim(escaped);
	}
	(void)printf("\"%s\"", escaped);
	if (len > VALUE_SHOWN)
		(void)printf("... (%zu characters)", len);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void change_print(const char *table, const json_t *set)
{
	_cleanup_free_ const char **keys = xcalloc(json_object_size(set) + 1, sizeof *keys);
	const char *key;
	json_t *pair;
	size_t n = 0;

	json_object_foreach((json_t *)set, key, pair)
		keys[n++] = key;
	if (!n)
		return;
	qsort(keys, n, sizeof *keys, compare_names);
	(void)printf("table %s\n", table);
	for (size_t i = 0; i < n; i++) {
		pair = json_object_get(set, keys[i]);
		(void)printf("  %s: ", keys[i]);
		print_value(json_array_get(pair, 0));
		(void)printf(" -> ");
		print_value(json_array_get(pair, 1));
		(void)printf("\n");
	}
}

char *change_time(int64_t wall_ms)
{
	time_t seconds = wall_ms / 1000;
	struct tm tm;
	char text[32];

	if (!localtime_r(&seconds, &tm) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
		return xstrdup("?");
	return xstrdup(text);
}

char *change_command(const json_t *commit)
{
	const char *cmd = ju_str(commit, "cmd", "?");
	_cleanup_free_ char *cut = xstrndup(cmd, COMMAND_SHOWN);

	ju_trim(cut);
	return xasprintf("%s%s", cut, strlen(cmd) > COMMAND_SHOWN ? "..." : "");
}

char *change_who(const json_t *commit)
{
	_cleanup_free_ char *at = change_time(ju_int(commit, "at", 0)), *cmd = change_command(commit);

	return xasprintf("%s at %s with \"%s\"", ju_str(commit, "by", "?"), at, cmd);
}

/* ---- clusterd ---- */

int change_history(const struct cmdline *line, const char *table, int64_t after, int64_t limit, json_t **ret)
{
	json_t *params = ju_pack("{ss*,sI}", "table", table, "after", (json_int_t)after);

	if (limit)
		ju_set_int(params, "limit", limit);
	return client_call(line, "read the history of the configuration", "org.parhelion.Cluster.History", params, ret);
}

int change_table(const struct cmdline *line, const char *table, json_t **ret)
{
	_cleanup_free_ char *what = xasprintf("read table %s", table);
	bool missing = false;

	if (client_probe(line, "org.parhelion.Cluster.GetTable", ju_pack("{ss}", "table", table), &missing) != EXIT_OK && missing) {
		*ret = ju_pack("{si}", "generation", 0);
		return EXIT_OK;
	}
	return client_call(line, what, "org.parhelion.Cluster.GetTable", ju_pack("{ss}", "table", table), ret);
}

json_t *change_request(const char *table, int64_t base, const json_t *data, bool check, json_t *extra)
{
	json_t *o = ju_pack("{ss,ss,sI}", "op", "table_change", "table", table, "base", (json_int_t)base);

	ju_set_new(o, "data", data ? json_incref((json_t *)data) : json_null());
	if (check)
		ju_set_bool(o, "check", true);
	if (extra)
		json_object_update(o, extra);
	json_decref(extra);
	return o;
}
