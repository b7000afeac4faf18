/* Values of the daemon in the C forms of the API.  Properties come as text, other things as what they are; each conversion
 * takes both. */
#include <errno.h>
#include <limits.h>

#include "base/buf.h"
#include "base/json.h"
#include "lib/optag.h"

const char *const scha_rsstatus_names[] = {
	[SCHA_RSSTATUS_OK] = "OK", [SCHA_RSSTATUS_OFFLINE] = "OFFLINE", [SCHA_RSSTATUS_FAULTED] = "FAULTED",
	[SCHA_RSSTATUS_DEGRADED] = "DEGRADED", [SCHA_RSSTATUS_UNKNOWN] = "UNKNOWN", NULL
};
const char *const scha_rsstate_names[] = {
	[SCHA_RSSTATE_ONLINE] = "ONLINE", [SCHA_RSSTATE_OFFLINE] = "OFFLINE",
	[SCHA_RSSTATE_START_FAILED] = "START_FAILED", [SCHA_RSSTATE_STOP_FAILED] = "STOP_FAILED",
	[SCHA_RSSTATE_MONITOR_FAILED] = "MONITOR_FAILED",
	[SCHA_RSSTATE_ONLINE_NOT_MONITORED] = "ONLINE_NOT_MONITORED", [SCHA_RSSTATE_STARTING] = "STARTING",
	[SCHA_RSSTATE_STOPPING] = "STOPPING", [SCHA_RSSTATE_DETACHED] = "DETACHED", NULL
};
const char *const scha_rgstate_names[] = {
	[SCHA_RGSTATE_UNMANAGED] = "UNMANAGED", [SCHA_RGSTATE_ONLINE] = "ONLINE", [SCHA_RGSTATE_OFFLINE] = "OFFLINE",
	[SCHA_RGSTATE_PENDING_ONLINE] = "PENDING_ONLINE", [SCHA_RGSTATE_PENDING_OFFLINE] = "PENDING_OFFLINE",
	[SCHA_RGSTATE_ERROR_STOP_FAILED] = "ERROR_STOP_FAILED", [SCHA_RGSTATE_ONLINE_FAULTED] = "ONLINE_FAULTED",
	[SCHA_RGSTATE_PENDING_ONLINE_BLOCKED] = "PENDING_ONLINE_BLOCKED", NULL
};
const char *const scha_failover_mode_names[] = {
	[SCHA_FOMODE_NONE] = "NONE", [SCHA_FOMODE_HARD] = "HARD", [SCHA_FOMODE_SOFT] = "SOFT",
	[SCHA_FOMODE_RESTART_ONLY] = "RESTART_ONLY", [SCHA_FOMODE_LOG_ONLY] = "LOG_ONLY", NULL
};
static const char *const switch_names[] = { [SCHA_SWITCH_DISABLED] = "DISABLED", [SCHA_SWITCH_ENABLED] = "ENABLED", NULL };
static const char *const rgmode_names[] = {
	[RGMODE_NONE] = "NONE", [RGMODE_FAILOVER] = "FAILOVER", [RGMODE_SCALABLE] = "SCALABLE", NULL
};
static const char *const initnodes_names[] = {
	[SCHA_INFLAG_RG_PRIMARIES] = "RG_PRIMARIES", [SCHA_INFLAG_RT_INSTALLED_NODES] = "RT_INSTALLED_NODES", NULL
};
static const char *const nodestate_names[] = { [SCHA_NODE_UP] = "UP", [SCHA_NODE_DOWN] = "DOWN", NULL };

static const char *const *const keywords[OPTAG_OUT_COUNT] = {
	[OPTAG_SWITCH] = switch_names, [OPTAG_RSSTATUS] = scha_rsstatus_names, [OPTAG_RSSTATE] = scha_rsstate_names,
	[OPTAG_RGSTATE] = scha_rgstate_names,
	[OPTAG_RGMODE] = rgmode_names, [OPTAG_FOMODE] = scha_failover_mode_names, [OPTAG_INITNODES] = initnodes_names,
	[OPTAG_NODESTATE] = nodestate_names,
};

static const struct { const char *name; scha_prop_type_t type; } extension_types[] = {
	{ "STRING", SCHA_PTYPE_STRING }, { "INT", SCHA_PTYPE_INT }, { "BOOLEAN", SCHA_PTYPE_BOOLEAN },
	{ "ENUM", SCHA_PTYPE_ENUM },     { "STRINGARRAY", SCHA_PTYPE_STRINGARRAY },
};

struct result {
	struct result *next;
	max_align_t    data[];
};

void *result_alloc(struct result **results, size_t size)
{
	struct result *r = xcalloc(1, sizeof *r + size);

	r->next = *results;
	*results = r;
	return r->data;
}

void results_free(struct result *results)
{
	while (results) {
		struct result *next = results->next;

		free(results);
		results = next;
	}
}

int keyword_find(const char *const names[], const char *text)
{
	for (int i = 0; names[i]; i++)
		if (strieq(names[i], text))
			return i;
	return -1;
}

const char *optag_keyword(enum optag_out type, int n)
{
	const char *const *names = keywords[type];

	assert(names);
	for (int i = 0; names[i]; i++)
		if (i == n)
			return names[i];
	return NULL;
}

static char *keep_string(struct result **results, const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(result_alloc(results, size), s, size);
}

static bool number_of(const json_t *value, long long least, long long most, long long *ret)
{
	long long n;
	char *end;

	if (json_is_integer(value)) {
		n = json_integer_value(value);
	} else {
		const char *s = json_string_value(value);

		if (!s || !*s)
			return false;
		errno = 0;
		n = strtoll(s, &end, 10);
		if (errno || *end)
			return false;
	}
	if (n < least || n > most)
		return false;
	*ret = n;
	return true;
}

static bool boolean_of(const json_t *value, boolean_t *ret)
{
	const char *s = json_string_value(value);

	if (json_is_boolean(value) || (s && (strieq(s, "TRUE") || strieq(s, "FALSE")))) {
		*ret = json_is_true(value) || (s && strieq(s, "TRUE")) ? B_TRUE : B_FALSE;
		return true;
	}
	return false;
}

static bool strings_of(const json_t *value, struct strlist *ret)
{
	const json_t *item;
	size_t i;

	if (json_is_string(value)) {
		strlist_split(ret, json_string_value(value), ",");
		return true;
	}
	json_array_foreach(value, i, item) {
		if (!json_is_string(item))
			return false;
		strlist_add(ret, json_string_value(item));
	}
	return json_is_array(value);
}

static scha_str_array_t *keep_array(struct result **results, const struct strlist *list)
{
	scha_str_array_t *array = result_alloc(results, sizeof *array);

	array->str_array = result_alloc(results, (list->n + 1) * sizeof(char *));
	if (list->n == 1 && streq(list->v[0], "*")) {
		array->is_ALL_value = B_TRUE;
		return array;
	}
	array->array_cnt = (uint_t)list->n;
	for (size_t i = 0; i < list->n; i++)
		array->str_array[i] = keep_string(results, list->v[i]);
	return array;
}

static scha_str_array_t *array_of(const json_t *value, struct result **results)
{
	_cleanup_(strlist_done) struct strlist list = { 0 };

	return strings_of(value, &list) ? keep_array(results, &list) : NULL;
}

static scha_uint_array_t *numbers_of(const json_t *value, struct result **results)
{
	scha_uint_array_t *array = result_alloc(results, sizeof *array);
	const json_t *item;
	size_t i;

	array->uint_array = result_alloc(results, (json_array_size(value) + 1) * sizeof(uint_t));
	json_array_foreach(value, i, item) {
		long long n;

		if (!number_of(item, 0, UINT_MAX, &n))
			return NULL;
		array->uint_array[array->array_cnt++] = (uint_t)n;
	}
	return json_is_array(value) ? array : NULL;
}

static scha_status_value_t *status_of(const json_t *value, struct result **results)
{
	int n = keyword_find(scha_rsstatus_names, ju_str(value, "status", ""));
	scha_status_value_t *status;

	if (n < 0)
		return NULL;
	status = result_alloc(results, sizeof *status);
	status->status = (scha_rsstatus_t)n;
	status->status_msg = keep_string(results, ju_str(value, "message", ""));
	return status;
}

static scha_extprop_value_t *extension_of(const json_t *prop, struct result **results)
{
	scha_extprop_value_t *ext = result_alloc(results, sizeof *ext);
	const char *type = ju_str(prop, "type", "");
	const json_t *value = json_object_get(prop, "value");
	long long n;

	for (size_t i = 0; i < ARRAY_SIZE(extension_types); i++) {
		if (!strieq(type, extension_types[i].name))
			continue;
		ext->prop_type = extension_types[i].type;
		switch (ext->prop_type) {
		case SCHA_PTYPE_INT:
			if (!number_of(value, INT_MIN, INT_MAX, &n))
				return NULL;
			ext->val.val_int = (int)n;
			return ext;
		case SCHA_PTYPE_BOOLEAN:
			return boolean_of(value, &ext->val.val_boolean) ? ext : NULL;
		case SCHA_PTYPE_STRINGARRAY:
			ext->val.val_strarray = array_of(value, results);
			return ext->val.val_strarray ? ext : NULL;
		default:                        /* val_enum is the same member by another name */
			ext->val.val_str = keep_string(results, ju_str(prop, "value", ""));
			return ext;
		}
	}
	return NULL;
}

/* All enums of the API have the size of an int. */
static scha_err_t convert_keyword(enum optag_out type, const json_t *value, void *out)
{
	int n = -1;

	if (json_is_boolean(value) && type == OPTAG_SWITCH)
		n = json_is_true(value) ? SCHA_SWITCH_ENABLED : SCHA_SWITCH_DISABLED;
	else if (json_is_string(value))
		n = keyword_find(keywords[type], json_string_value(value));
	if (n < 0)
		return SCHA_ERR_INTERNAL;
	memcpy(out, &n, sizeof n);
	return SCHA_ERR_NOERR;
}

_Static_assert(sizeof(scha_switch_t) == sizeof(int) && sizeof(scha_rgstate_t) == sizeof(int), "enums are ints");

static scha_err_t put_pointer(void *pointer, void *out)
{
	if (!pointer)
		return SCHA_ERR_INTERNAL;
	memcpy(out, &pointer, sizeof pointer);
	return SCHA_ERR_NOERR;
}

scha_err_t optag_convert(enum optag_out type, const json_t *value, struct result **results, void *out)
{
	boolean_t b;
	long long n;

	switch (type) {
	case OPTAG_STRING:
		return put_pointer(json_is_string(value) ? keep_string(results, json_string_value(value)) : NULL, out);
	case OPTAG_INT:
		if (!number_of(value, INT_MIN, INT_MAX, &n))
			return SCHA_ERR_INTERNAL;
		*(int *)out = (int)n;
		return SCHA_ERR_NOERR;
	case OPTAG_UINT:
		if (!number_of(value, 0, UINT_MAX, &n))
			return SCHA_ERR_INTERNAL;
		*(uint_t *)out = (uint_t)n;
		return SCHA_ERR_NOERR;
	case OPTAG_BOOLEAN:
		if (!boolean_of(value, &b))
			return SCHA_ERR_INTERNAL;
		*(boolean_t *)out = b;
		return SCHA_ERR_NOERR;
	case OPTAG_STRARRAY:
		return put_pointer(array_of(value, results), out);
	case OPTAG_UINTARRAY:
		return put_pointer(numbers_of(value, results), out);
	case OPTAG_STATUS:
		return put_pointer(status_of(value, results), out);
	case OPTAG_EXTPROP:
		return put_pointer(extension_of(value, results), out);
	default:
		return convert_keyword(type, value, out);
	}
}
