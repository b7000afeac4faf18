#include "ccr/history.h"

#include <errno.h>

#include "base/buf.h"
#include "base/json.h"

void history_init(struct history *history)
{
	*history = (struct history) { .entries = json_array() };
}

void history_done(struct history *history)
{
	json_decref(history->entries);
	history->entries = NULL;
}

static uint64_t number_of(const json_t *entry)
{
	return (uint64_t)ju_int(entry, "n", 0);
}

/* ---- an entry ---- */

static json_t *value_or_null(const json_t *data, const char *key)
{
	json_t *v = data ? json_object_get(data, key) : NULL;

	return v ? json_incref(v) : json_null();
}

static void add_change(json_t *set, const char *key, const json_t *old_data, const json_t *new_data)
{
	json_t *before = value_or_null(old_data, key), *after = value_or_null(new_data, key);

	if (!json_equal(before, after))
		ju_set_new(set, key, ju_pack("[O,O]", before, after));
	json_decref(before);
	json_decref(after);
}

static json_t *changes(const json_t *old_data, const json_t *new_data)
{
	json_t *set = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)old_data, key, value)
		add_change(set, key, old_data, new_data);
	json_object_foreach((json_t *)new_data, key, value)
		if (!json_object_get(set, key))
			add_change(set, key, old_data, new_data);
	return set;
}

json_t *history_entry(const json_t *prep, uint64_t was, const json_t *old_data, const json_t *new_data)
{
	const char *message = ju_str(prep, "message", "");
	_cleanup_free_ char *kept = xstrndup(message, CCR_MESSAGE_MAX);
	json_t *e = ju_pack("{sI,sI,ss,sI,ss,ss,so}", "n", (json_int_t)ju_int(prep, "n", 0), "was", (json_int_t)was, "table",
			    ju_str(prep, "table", ""), "at", (json_int_t)ju_int(prep, "at", 0), "by", ju_str(prep, "by", ""), "cmd",
			    ju_str(prep, "cmd", ""), "set", changes(old_data, new_data));

	ju_trim(kept);
	if (*kept)
		ju_set_str(e, "message", kept);
	if (!old_data)
		ju_set_bool(e, "made", true);
	if (!new_data)
		ju_set_bool(e, "removed", true);
	_cleanup_free_ char *text = ju_dump(e);

	if (strlen(text) > CCR_HISTORY_ENTRY_BYTES) {
		json_object_del(e, "set");
		ju_set_bool(e, "large", true);
		if (strlen(ju_str(e, "cmd", "")) > CCR_HISTORY_ENTRY_BYTES / 2)
			ju_set_str(e, "cmd", "(too long to be kept)");
	}
	return e;
}

int history_check(const json_t *entry)
{
	const char *key;
	json_t *pair;

	if (ju_int(entry, "n", 0) <= 0 || ju_int(entry, "was", -1) < 0 || !*ju_str(entry, "table", ""))
		return -EINVAL;
	json_object_foreach(ju_obj(entry, "set"), key, pair)
		if (json_array_size(pair) != 2)
			return -EINVAL;
	return 0;
}

/* ---- the list ---- */

static void account(struct history *history, const json_t *entry, bool in)
{
	_cleanup_free_ char *text = ju_dump(entry);

	if (in)
		history->bytes += strlen(text) + 1;
	else
		history->bytes -= strlen(text) + 1;
	history->sum ^= hash_text(HASH_START, text);
}

static void drop(struct history *history, size_t at)
{
	account(history, json_array_get(history->entries, at), false);
	json_array_remove(history->entries, at);
}

bool history_add(struct history *history, json_t *entry)
{
	uint64_t n = number_of(entry);
	size_t at = json_array_size(history->entries);

	while (at && number_of(json_array_get(history->entries, at - 1)) > n)
		at--;
	if (at && number_of(json_array_get(history->entries, at - 1)) == n) {
		json_decref(entry);
		return false;
	}
	json_array_insert(history->entries, at, entry);
	account(history, entry, true);
	json_decref(entry);
	while (json_array_size(history->entries) > CCR_HISTORY_ENTRIES || history->bytes > CCR_HISTORY_BYTES) {
		drop(history, 0);
		if (at-- == 0)
			return false;
	}
	return true;
}

void history_set(struct history *history, const json_t *entries)
{
	json_t *e;
	size_t i;

	history_done(history);
	history_init(history);
	json_array_foreach(entries, i, e)
		if (history_check(e) == 0)
			(void)history_add(history, json_incref(e));     /* one that is there twice counts once */
}

/* Newest first: wanted[table] is the number that the chain of the table has next.  Above it: written by a node that was
 * alone with it.  Below it: an entry between is lost; the chain goes on here, for nothing speaks against it. */
bool history_prune(struct history *history, uint64_t (*gen)(void *ctx, const char *table), void *ctx)
{
	json_t *wanted = json_object();
	bool dropped = false;

	for (size_t i = json_array_size(history->entries); i > 0; i--) {
		const json_t *e = json_array_get(history->entries, i - 1);
		const char *table = ju_str(e, "table", "");
		uint64_t next = (uint64_t)ju_int(wanted, table, (int64_t)gen(ctx, table));

		if (number_of(e) > next) {
			drop(history, i - 1);
			dropped = true;
			continue;
		}
		ju_set_int(wanted, table, ju_int(e, "was", 0));
	}
	json_decref(wanted);
	return dropped;
}

char *history_text(const struct history *history)
{
	struct buf b = { 0 };
	json_t *e;
	size_t i;

	json_array_foreach(history->entries, i, e) {
		_cleanup_free_ char *text = ju_dump(e);

		buf_puts(&b, text);
		buf_puts(&b, "\n");
	}
	return buf_take(&b);
}
