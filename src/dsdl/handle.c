/* Begin and end, names. */
#include "dsdl/handle.h"

#include <errno.h>
#include <libintl.h>

#include "base/json.h"
#include "base/log.h"
#include "dsdl/message.h"
#include "dsdl/trees.h"

/* The open handles: what an agent passes is looked up here, so that one that is closed, or never was one, is an error and no
 * accident. */
static struct scds *open_handles;

struct scds *scds_of(scds_handle_t handle)
{
	struct scds *s = open_handles;

	while (s && s != handle)
		s = s->next;
	return s;
}

scha_err_t scds_code(int r)
{
	switch (r) {
	case 0:
		return SCHA_ERR_NOERR;
	case -ETIMEDOUT:
		return SCHA_ERR_TIMEOUT;
	case -ENOMEM:
		return SCHA_ERR_NOMEM;
	case -EINVAL:
		return SCHA_ERR_INVAL;
	case -EACCES:
	case -EPERM:
		return SCHA_ERR_ACCESS;
	default:
		return SCHA_ERR_INTERNAL;
	}
}

/* ---- what Validate was given, over what the cluster tells ---- */

static json_t *property_entry(json_t *properties, const char *name)
{
	json_t *prop;
	size_t i;

	json_array_foreach(properties, i, prop)
		if (strieq(ju_str(prop, "name", ""), name))
			return prop;
	prop = ju_pack("{s:s, s:b}", "name", name, "extension", false);
	ju_push(properties, prop);
	return prop;
}

/* "workers{node1}": a value of one node. */
static void give_value(json_t *properties, const char *key, json_t *value, bool extension)
{
	size_t n = strcspn(key, "{");
	_cleanup_free_ char *name = xstrndup(key, n), *node = key[n] ? xstrndup(key + n + 1, strcspn(key + n + 1, "}")) : NULL;
	json_t *prop = property_entry(properties, name), *values;

	if (extension)
		ju_set_bool(prop, "extension", true);
	if (!node) {
		json_object_set(prop, "value", value);
		return;
	}
	values = json_object_get(prop, "values");
	if (!values) {
		values = json_object();
		ju_set_new(prop, "values", values);
	}
	json_object_set(values, node, value);
}

static void give_resource(struct scds *s)
{
	const struct method *m = &s->m;
	json_t *value, *properties;
	const char *key;

	s->resource = m->resource ? json_deep_copy(m->resource) : ju_pack("{s:[], s:s}", "properties", "self",
									    ju_str(s->group, "self", ""));
	properties = ju_arr(s->resource, "properties");
	if (!properties) {
		properties = json_array();
		ju_set_new(s->resource, "properties", properties);
	}
	if (method_given(m, "Network_resources_used"))  /* what it was worked out from does not hold any more */
		json_object_del(s->resource, "network_resources");
	json_object_foreach(m->given, key, value)
		give_value(properties, key, value, json_object_get(m->given_extension, key) != NULL);
}

static void give_group(struct scds *s)
{
	json_t *properties = ju_obj(s->group, "properties"), *value;
	const char *key, *name;
	json_t *old;

	json_object_foreach(s->m.given_group, key, value)
		json_object_foreach(properties, name, old)
			if (strieq(name, key))
				json_object_set(properties, name, value);
}

/* ---- begin ---- */

static scha_err_t load(struct scds *s, struct err *err)
{
	scha_err_t e;

	e = ask_cluster(ASK_CLUSTER("GetGroup"), ju_pack("{s:o}", "group", ask_string(s->m.rg)), ASK_TIMEOUT_MS, &s->group, err);
	if (e == SCHA_ERR_NOERR)
		e = ask_cluster(ASK_CLUSTER("GetType"), ju_pack("{s:o}", "type", ask_string(s->m.rt)), ASK_TIMEOUT_MS, &s->type,
				err);
	if (e == SCHA_ERR_NOERR && !s->m.create)
		e = scds_reload(s, err);
	if (e != SCHA_ERR_NOERR)
		return e;
	give_resource(s);
	give_group(s);
	props_fill(s);
	return SCHA_ERR_NOERR;
}

scha_err_t scds_reload(struct scds *s, struct err *err)
{
	json_t *params = ju_pack("{s:o, s:o}", "resource", ask_string(s->m.rs), "group", ask_string(s->m.rg)), *reply;
	scha_err_t e = ask_cluster(ASK_CLUSTER("GetResource"), params, ASK_TIMEOUT_MS, &reply, err);

	if (e != SCHA_ERR_NOERR)
		return e;
	json_decref(s->m.resource);
	s->m.resource = reply;
	return SCHA_ERR_NOERR;
}

/* Advice only. */
static void check_window(const struct method *m)
{
	int64_t interval_s = method_int(m, "Retry_interval", -1), count = method_int(m, "Retry_count", -1),
		probe_s = method_int(m, "Thorough_probe_interval", -1);

	if (interval_s >= 0 && count > 0 && probe_s > 0 && interval_s / count < probe_s)
		log_warn("Retry_interval (%d s) is shorter than Thorough_probe_interval (%d s) times Retry_count (%d): probes that fail "
			 "may never lead to a failover", (int)interval_s, (int)probe_s, (int)count);
}

static void scds_free(struct scds *s)
{
	trees_forget(s);
	status_sender_done(&s->status);
	method_done(&s->m);
	json_decref(s->resource);
	json_decref(s->group);
	json_decref(s->type);
	results_free(s->results);
	free(s);
}

scha_err_t scds_initialize(scds_handle_t *handle, int argc, char *argv[])
{
	struct err err = { 0 };
	struct scds *s;
	scha_err_t e;

	if (!handle || argc < 1 || !argv || !argv[0])
		return SCHA_ERR_INVAL;
	s = xcalloc(1, sizeof *s);
	e = method_init(&s->m, argc, argv, &err) < 0 ? SCHA_ERR_INVAL : SCHA_ERR_NOERR;
	if (s->m.log_tag)
		log_tag_keep(s->m.log_tag);
	if (e == SCHA_ERR_NOERR)
		e = load(s, &err);
	if (e != SCHA_ERR_NOERR) {
		log_err("%s", err.text[0] ? err.text : scds_error_string(e));
		scds_free(s);
		return e;
	}
	debug_level_read(s->m.rt);
	check_window(&s->m);
	s->next = open_handles;
	open_handles = s;
	*handle = s;
	return SCHA_ERR_NOERR;
}

void scds_close(scds_handle_t *handle)
{
	struct scds **at = &open_handles, *s;

	if (!handle)
		return;
	while (*at && *at != *handle)
		at = &(*at)->next;
	s = *at;
	*handle = NULL;
	if (!s)
		return;
	*at = s->next;
	scds_free(s);
}

/* ---- names ---- */

const char *scds_get_resource_name(scds_handle_t handle)
{
	const struct scds *s = scds_of(handle);

	return s ? s->m.rs : NULL;
}

const char *scds_get_resource_group_name(scds_handle_t handle)
{
	const struct scds *s = scds_of(handle);

	return s ? s->m.rg : NULL;
}

const char *scds_get_resource_type_name(scds_handle_t handle)
{
	const struct scds *s = scds_of(handle);

	return s ? s->m.rt : NULL;
}

const char *scds_get_current_method_name(scds_handle_t handle)
{
	const struct scds *s = scds_of(handle);

	return s ? s->m.name : NULL;
}

const char *scds_get_zone_name(scds_handle_t handle)
{
	return NULL;
}

boolean_t scds_is_zone_cluster(scds_handle_t handle)
{
	return B_FALSE;
}

static scha_err_t fullname(const char *key, const char *zone, char **ret, boolean_t is_zone_cluster)
{
	_cleanup_json_ json_t *cluster = NULL;
	_cleanup_free_ char *node = NULL;
	json_t *value;
	scha_err_t e;

	if (!zone || !ret)
		return SCHA_ERR_INVAL;
	e = ask_cluster(ASK_CLUSTER("GetCluster"), NULL, ASK_TIMEOUT_MS, &cluster, NULL);
	if (e != SCHA_ERR_NOERR)
		return e;
	value = json_object_get(cluster, key);
	if (!value)
		return SCHA_ERR_INTERNAL;
	node = json_is_integer(value) ? xasprintf("%d", (int)json_integer_value(value)) : xstrdup(ju_str(cluster, key, ""));
	*ret = is_zone_cluster || streq(zone, "global") ? xstrdup(node) : xasprintf("%s:%s", node, zone);
	return SCHA_ERR_NOERR;
}

scha_err_t scds_get_fullname(const char *zonename, char **ret, boolean_t is_zone_cluster)
{
	return fullname("self", zonename, ret, is_zone_cluster);
}

scha_err_t scds_get_fullname_nodeid(const char *zonename, char **ret, boolean_t is_zone_cluster)
{
	return fullname("self_id", zonename, ret, is_zone_cluster);
}

/* ---- errors ---- */

const char *scds_error_string(scha_err_t error_code)
{
#define ERR_TEXT(name, value, text) case name: return text;
	switch (error_code) {
	SCHA_ERR_LIST(ERR_TEXT)
	}
#undef ERR_TEXT
	return NULL;
}

const char *scds_error_string_i18n(scha_err_t error_code)
{
	const char *text = scds_error_string(error_code);

	return text ? dgettext("parhelion", text) : NULL;
}
