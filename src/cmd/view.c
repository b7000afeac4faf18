#include "cmd/view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "cmd/client.h"

#define INTERFACE "org.parhelion.Cluster."

int view_read_table(const struct cmdline *line, struct view *view)
{
	json_t *reply = NULL;
	int r = client_call(line, "read the infrastructure table", INTERFACE "GetTable", ju_pack("{ss}", "table", "infrastructure"),
			    &reply);

	if (r == EXIT_OK)
		view->table = ju_obj(reply, "data") ? json_incref(ju_obj(reply, "data")) : json_object();
	json_decref(reply);
	return r;
}

int view_read_config(const struct cmdline *line, struct view *view)
{
	return client_call(line, "read the configuration", INTERFACE "Config", NULL, &view->config);
}

int view_read(const struct cmdline *line, bool with_table, struct view *ret)
{
	struct view view = { 0 };
	int r = client_call(line, "read the state of the cluster", INTERFACE "Status", NULL, &view.status);

	if (r == EXIT_OK && with_table)
		r = view_read_table(line, &view);
	if (r == EXIT_OK)
		*ret = view;
	else
		view_done(&view);
	return r;
}

void view_done(struct view *view)
{
	json_decref(view->status);
	json_decref(view->table);
	json_decref(view->config);
}

void view_notes(const struct cmdline *line, const struct view *view)
{
	const char *waiting = ju_str(view->status, "waiting_for", "");
	json_t *node;
	size_t i;

	if (*waiting)
		command_note(line, "This node (%s) is not a member of the cluster now, and shows what it knows - %s",
			     ju_str(view->status, "self", "?"), waiting);
	if (ju_bool(ju_obj(view->status, "quorum"), "installmode", false))
		command_note(line, "The cluster is in install mode, without default votes, until cluster set -p installmode=disabled");
	json_array_foreach(view_nodes(view), i, node)
		if (ju_bool(node, "quarantined", false))
			command_note(line, "Node %s is quarantined: it may not join until clnode unquarantine",
				     ju_str(node, "name", ""));
}

json_t *view_nodes(const struct view *view)
{
	return ju_arr(view->status, "nodes");
}

json_t *view_devices(const struct view *view)
{
	return ju_arr(ju_obj(view->status, "quorum"), "devices");
}

json_t *view_disks(const struct view *view)
{
	return ju_arr(view->status, "disks");
}

const json_t *view_find(const json_t *objects, const char *name)
{
	const json_t *by_id = NULL;
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)objects, i, v) {
		_cleanup_free_ char *id = xasprintf("%" PRId64, ju_int(v, "id", 0));

		if (streq(ju_str(v, "name", ""), name))
			return v;
		if (ju_int(v, "id", 0) && streq(id, name))
			by_id = v;              /* unless another one has it for a name */
	}
	return by_id;
}

/* ---- the infrastructure table ---- */

static const char *vget(const struct view *view, const char *fmt, va_list ap) _printf_(2, 0);
static const char *vget(const struct view *view, const char *fmt, va_list ap)
{
	char key[256];

	(void)vsnprintf(key, sizeof key, fmt, ap);
	return ju_str(view->table, key, NULL);
}

const char *view_get(const struct view *view, const char *fmt, ...)
{
	const char *value;
	va_list ap;

	va_start(ap, fmt);
	value = vget(view, fmt, ap);
	va_end(ap);
	return value;
}

const char *view_get_or(const struct view *view, const char *dflt, const char *fmt, ...)
{
	const char *value;
	va_list ap;

	va_start(ap, fmt);
	value = vget(view, fmt, ap);
	va_end(ap);
	return value ? value : dflt;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

json_t *view_below(const struct view *view, const char *fmt, ...)
{
	_cleanup_(strlist_done) struct strlist keys = { 0 };
	json_t *ret = json_object(), *value;
	const char *key;
	char head[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	json_object_foreach(view->table, key, value)
		if (strncmp(key, head, strlen(head)) == 0 && key[strlen(head)] == '.')
			strlist_add(&keys, key);
	if (keys.n)
		qsort(keys.v, keys.n, sizeof *keys.v, by_text);
	for (size_t i = 0; i < keys.n; i++)
		json_object_set(ret, keys.v[i] + strlen(head) + 1, json_object_get(view->table, keys.v[i]));
	return ret;
}

/* ---- operands ---- */

json_t *view_pick(const struct cmdline *line, const json_t *objects, const char *kind, int *ret_code)
{
	json_t *ret = json_array();

	*ret_code = EXIT_OK;
	if (cmdline_all(line))
		json_array_extend(ret, (json_t *)objects);
	for (size_t i = 0; !cmdline_all(line) && i < line->operands.n; i++) {
		const char *name = line->operands.v[i];
		const json_t *found = view_find(objects, name);
		_cleanup_free_ char *what = xasprintf("find %s %s", kind, name);

		if (found)
			json_array_append(ret, (json_t *)found);
		else
			*ret_code = command_failed(line, EXIT_NO_OBJECT, what, "there is none of this name");
	}
	return ret;
}

int view_pick_names(const struct cmdline *line, const json_t *objects, const char *kind, struct strlist *ret)
{
	int code;
	json_t *picked = view_pick(line, objects, kind, &code), *v;
	size_t i;

	json_array_foreach(picked, i, v)
		strlist_add(ret, ju_str(v, "name", ""));
	json_decref(picked);
	return code;
}

char *names_joined(const json_t *array, const char *sep)
{
	struct buf b = { 0 };
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)array, i, v)
		buf_printf(&b, "%s%s", i ? sep : "", json_is_string(v) ? json_string_value(v) : ju_str(v, "name", ""));
	return buf_take(&b);
}

bool names_have(const json_t *array, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)array, i, v)
		if (json_is_string(v) && streq(json_string_value(v), name))
			return true;
	return false;
}

/* ---- nodes and devices in words ---- */

int64_t node_votes_present(const json_t *node)
{
	/* Votes count as soon as the node is heard; it is online when it is a member. */
	return ju_int(node, "votes_present", ju_bool(node, "reachable", false) ? ju_int(node, "votes", 0) : 0);
}

const char *node_status(const json_t *node)
{
	return ju_bool(node, "member", false) ? "Online" : "Offline";
}

static void add_time(struct buf *b, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[64] = "?";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		(void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	buf_puts(b, text);
}

char *node_story(const json_t *node)
{
	const char *fenced = ju_str(node, "fenced", "");
	struct buf b = { 0 };

	buf_printf(&b, "node ID %" PRId64 ", %s", ju_int(node, "id", 0), ju_str(node, "state", "?"));
	if (ju_int(node, "incarnation", 0))
		buf_printf(&b, ", incarnation %" PRId64, ju_int(node, "incarnation", 0));
	if (ju_int(node, "default_votes", ju_int(node, "votes", 0)) != ju_int(node, "votes", 0))
		buf_printf(&b, ", %" PRId64 " votes of %" PRId64 " by default", ju_int(node, "votes", 0),
			   ju_int(node, "default_votes", 0));
	if (*fenced)
		buf_printf(&b, "; fenced: %s", fenced);
	if (ju_bool(node, "quarantined", false))
		buf_puts(&b, "; quarantined");
	return buf_take(&b);
}

char *device_story(const json_t *device)
{
	_cleanup_free_ char *ports = names_joined(ju_arr(device, "nodes"), " "), *keys = names_joined(ju_arr(device, "keys"), " ");
	int64_t proved_ms = ju_int(device, "proved_ms", 0), votes = ju_int(device, "votes", 0);
	const char *message = ju_str(device, "message", ""), *type = ju_str(device, "type", "?");
	const char *mode = ju_str(device, "access_mode", "");
	struct buf b = { 0 };

	buf_puts(&b, type);
	if (*mode && !streq(mode, type))
		buf_printf(&b, " %s", mode);
	buf_printf(&b, ", %s, %s; ports: %s; keys: %s; last access: ", ju_bool(device, "enabled", false) ? "enabled" : "disabled",
		   ju_bool(device, "held", false) ? "held" : "not held", *ports ? ports : "none", *keys ? keys : "none");
	if (proved_ms)
		add_time(&b, proved_ms);
	else
		buf_puts(&b, "never");
	if (ju_int(device, "default_votes", votes) != votes)
		buf_printf(&b, "; %" PRId64 " votes of %" PRId64 " by default", votes, ju_int(device, "default_votes", 0));
	if (*message)
		buf_printf(&b, "; %s", message);
	return buf_take(&b);
}
