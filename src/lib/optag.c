/* The table, and how values are found in the daemon's answers. */
#include "lib/optag.h"

#include <syslog.h>

#include "base/buf.h"
#include "base/json.h"

static json_t *fail(struct optag_query *q, scha_err_t error)
{
	q->error = error;
	return NULL;
}

static json_t *found(struct optag_query *q, json_t *value, scha_err_t error)
{
	return value ? json_incref(value) : fail(q, error);
}

static json_t *list_item(json_t *list, const char *key, const char *value, bool any_case)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *s = ju_str(item, key, NULL);

		if (s && (any_case ? strieq(s, value) : streq(s, value)))
			return item;
	}
	return NULL;
}

/* ---- common ---- */

/* A member of the answer.  One that an older daemon does not tell is a tag it does not know. */
static json_t *field(struct optag_query *q)
{
	return found(q, json_object_get(q->reply, q->key), SCHA_ERR_TAG);
}

/* The entry of a node in "nodes": the named one, or this one. */
static json_t *node_entry(struct optag_query *q, bool named)
{
	const char *node = named ? q->name : ju_str(q->reply, "self", "");
	json_t *entry = list_item(ju_arr(q->reply, "nodes"), "node", node, false);

	return entry ? entry : fail(q, SCHA_ERR_NODE);
}

static json_t *node_field_of(struct optag_query *q, bool named)
{
	json_t *entry = node_entry(q, named);

	return entry ? found(q, json_object_get(entry, q->key), SCHA_ERR_TAG) : NULL;
}

static json_t *node_field(struct optag_query *q)  { return node_field_of(q, true); }

/* ---- cluster ---- */

static json_t *member(struct optag_query *q, const char *name)
{
	json_t *entry = list_item(ju_arr(q->reply, "nodes"), "name", name, false);

	return entry ? entry : fail(q, SCHA_ERR_NODE);
}

static json_t *member_by_id(struct optag_query *q)
{
	json_t *entry;
	size_t i;

	json_array_foreach(ju_arr(q->reply, "nodes"), i, entry)
		if (ju_int(entry, "id", -1) == (int64_t)q->nodeid)
			return entry;
	return fail(q, SCHA_ERR_NODE);
}

static json_t *members_map(struct optag_query *q, json_t *(*map)(const json_t *entry))
{
	json_t *list = json_array(), *entry;
	size_t i;

	json_array_foreach(ju_arr(q->reply, "nodes"), i, entry)
		ju_push(list, map(entry));
	return list;
}

static json_t *name_of(const json_t *entry) { return json_string(ju_str(entry, "name", "")); }
static json_t *id_of(const json_t *entry)   { return json_integer(ju_int(entry, "id", 0)); }
static json_t *private_name_of(const json_t *entry)
{
	const char *name = ju_str(entry, "private_name", "");

	return *name ? json_string(name) : json_sprintf("clusternode%d-priv", (int)ju_int(entry, "id", 0));
}
static json_t *zone_of(const json_t *entry) { return json_sprintf("%s:global", ju_str(entry, "name", "")); }
static json_t *state_of(const json_t *entry)
{
	return json_string(streq(ju_str(entry, "state", ""), "UP") ? "UP" : "DOWN");
}

static json_t *all_nodenames(struct optag_query *q)     { return members_map(q, name_of); }
static json_t *all_nodeids(struct optag_query *q)       { return members_map(q, id_of); }
static json_t *all_private_names(struct optag_query *q) { return members_map(q, private_name_of); }
static json_t *all_zones(struct optag_query *q)         { return members_map(q, zone_of); }
static json_t *no_zones(struct optag_query *q)          { return json_array(); }
static json_t *zone_local(struct optag_query *q)        { return json_string("global"); }
static json_t *syslog_facility(struct optag_query *q)   { return json_integer(LOG_DAEMON); }

static json_t *nodename_of_id(struct optag_query *q)
{
	json_t *entry = member_by_id(q);

	return entry ? name_of(entry) : NULL;
}

static json_t *zones_of_id(struct optag_query *q)
{
	json_t *entry = member_by_id(q);

	return entry ? ju_pack("[o]", zone_of(entry)) : NULL;
}

static json_t *no_zones_of_id(struct optag_query *q)
{
	return member_by_id(q) ? json_array() : NULL;
}

static json_t *nodeid_of_name(struct optag_query *q)
{
	json_t *entry = member(q, q->name);

	return entry ? id_of(entry) : NULL;
}

static json_t *nodestate_node(struct optag_query *q)
{
	json_t *entry = member(q, q->name);

	return entry ? state_of(entry) : NULL;
}

static json_t *nodestate_local(struct optag_query *q)
{
	q->name = ju_str(q->reply, "self", "");
	return nodestate_node(q);
}

static json_t *private_name_node(struct optag_query *q)
{
	json_t *entry = member(q, q->name);

	return entry ? private_name_of(entry) : NULL;
}

static json_t *private_name_local(struct optag_query *q)
{
	q->name = ju_str(q->reply, "self", "");
	return private_name_node(q);
}

/* Each limit once, whatever node has it; names do not differ by case. */
static json_t *all_limits(struct optag_query *q)
{
	json_t *limits = json_array(), *names, *node, *limit;
	bool told = true;
	size_t i, k;

	json_array_foreach(ju_arr(q->reply, "nodes"), i, node) {
		told &= ju_arr(node, "loadlimits") != NULL;
		json_array_foreach(ju_arr(node, "loadlimits"), k, limit)
			if (!list_item(limits, "name", ju_str(limit, "name", ""), true))
				json_array_append(limits, limit);
	}
	names = told ? json_array() : fail(q, SCHA_ERR_TAG);
	json_array_foreach(limits, i, limit)
		if (names)
			ju_push(names, name_of(limit));
	json_decref(limits);
	return names;
}

/* "node=VALUE" of each node; one that has no such limit has the values of none. */
static json_t *limit_of_nodes(struct optag_query *q, json_t *(*text)(const char *node, const json_t *limit))
{
	json_t *list = json_array(), *node, *limit;
	bool known = false, told = true;
	size_t i;

	json_array_foreach(ju_arr(q->reply, "nodes"), i, node) {
		limit = list_item(ju_arr(node, "loadlimits"), "name", q->name, true);
		known |= limit != NULL;
		told &= ju_arr(node, "loadlimits") != NULL;
		ju_push(list, text(ju_str(node, "name", ""), limit));
	}
	if (known)
		return list;
	json_decref(list);
	return fail(q, told ? SCHA_ERR_PROP : SCHA_ERR_TAG);
}

static json_t *hard_text(const char *node, const json_t *limit)
{
	return json_sprintf("%s=%lld", node, (long long)ju_int(limit, "hard", -1));
}

static json_t *soft_text(const char *node, const json_t *limit)
{
	return json_sprintf("%s=%lld", node, (long long)ju_int(limit, "soft", 0));
}

static json_t *both_text(const char *node, const json_t *limit)
{
	return json_sprintf("%s=%lld/%lld", node, (long long)ju_int(limit, "soft", 0), (long long)ju_int(limit, "hard", -1));
}

static json_t *hard_limits(struct optag_query *q)  { return limit_of_nodes(q, hard_text); }
static json_t *soft_limits(struct optag_query *q)  { return limit_of_nodes(q, soft_text); }
static json_t *limit_props(struct optag_query *q)  { return limit_of_nodes(q, both_text); }

/* ---- resource ---- */

static json_t *property_of(const struct optag_query *q, const char *name)
{
	return list_item(ju_arr(q->reply, "properties"), "name", name, true);
}

static json_t *property(struct optag_query *q)
{
	json_t *prop = property_of(q, q->key);

	return prop ? found(q, json_object_get(prop, "value"), SCHA_ERR_PROP) : fail(q, SCHA_ERR_PROP);
}

/* A list of dependencies without the qualifiers: "db{LOCAL_NODE}" is "db". */
static json_t *dependencies(struct optag_query *q)
{
	_cleanup_(strlist_done) struct strlist items = { 0 };
	json_t *text = property(q), *list;

	if (!text)
		return NULL;
	strlist_split(&items, json_string_value(text), ",");
	json_decref(text);
	list = json_array();
	for (size_t i = 0; i < items.n; i++)
		ju_push(list, json_stringn(items.v[i], strcspn(items.v[i], "{")));
	return list;
}

static json_t *extension_names(struct optag_query *q)
{
	json_t *list = json_array(), *prop;
	size_t i;

	json_array_foreach(ju_arr(q->reply, "properties"), i, prop)
		if (ju_bool(prop, "extension", false))
			ju_push(list, name_of(prop));
	return list;
}

/* The property; where it has values per node, with the one of that node in force. */
static json_t *extension_on(struct optag_query *q, const char *node)
{
	json_t *prop = property_of(q, q->prop), *value, *copy;

	if (!prop || !ju_bool(prop, "extension", false))
		return fail(q, SCHA_ERR_PROP);
	value = json_object_get(json_object_get(prop, "values"), node);
	if (!value)
		return json_incref(prop);
	copy = json_copy(prop);
	json_object_set(copy, "value", value);
	return copy;
}

static json_t *extension(struct optag_query *q)
{
	return extension_on(q, ju_str(q->reply, "self", ""));
}

static json_t *extension_node(struct optag_query *q)
{
	return node_entry(q, true) ? extension_on(q, q->name) : NULL;
}

/* Of the node where it has a switch of its own; else the one of the resource. */
static json_t *switch_of(struct optag_query *q, const json_t *entry)
{
	json_t *own = json_object_get(entry, q->key);

	return own ? json_incref(own) : field(q);
}

static json_t *local_switch(struct optag_query *q)
{
	return switch_of(q, list_item(ju_arr(q->reply, "nodes"), "node", ju_str(q->reply, "self", ""), false));
}

static json_t *switch_node(struct optag_query *q)
{
	json_t *entry = node_entry(q, true);

	return entry ? switch_of(q, entry) : NULL;
}

/* Set, or worked out from the dependencies on addresses: then also where the type does not declare it. */
static json_t *network_resources(struct optag_query *q)
{
	json_t *list = ju_arr(q->reply, "network_resources");

	return json_array_size(list) ? json_incref(list) : property(q);
}

/* A node that is not in the Nodelist has no entry; nothing runs there. */
static json_t *local_state(struct optag_query *q)
{
	json_t *value = node_field_of(q, false);

	return value ? value : json_string("OFFLINE");
}

static json_t *local_status(struct optag_query *q)
{
	json_t *entry = node_entry(q, false);

	return entry ? json_incref(entry) : ju_pack("{s:s, s:s}", "status", "OFFLINE", "message", "");
}

static json_t *status_node(struct optag_query *q)
{
	json_t *entry = node_entry(q, true);

	return entry ? json_incref(entry) : NULL;
}

/* Restarts are counted over Retry_interval; a type without it does not count. */
static json_t *restarts(struct optag_query *q)
{
	json_t *value;

	if (!property_of(q, "Retry_interval"))
		return fail(q, SCHA_ERR_PROP);
	value = node_field_of(q, false);
	return value ? value : json_integer(0);
}

static json_t *restarts_zone(struct optag_query *q)
{
	return streq(q->name, "global") ? restarts(q) : fail(q, SCHA_ERR_NODE);
}

/* ---- group ---- */

static json_t *group_property(struct optag_query *q)
{
	json_t *value;
	const char *name;

	json_object_foreach(ju_obj(q->reply, "properties"), name, value)
		if (strieq(name, q->key))
			return json_incref(value);
	return fail(q, SCHA_ERR_TAG);
}

static json_t *rg_state(struct optag_query *q)
{
	if (!ju_bool(q->reply, "managed", true))
		return json_string("UNMANAGED");
	return local_state(q);
}

static json_t *rg_state_node(struct optag_query *q)
{
	json_t *value = node_field(q);

	if (value && !ju_bool(q->reply, "managed", true)) {
		json_decref(value);
		return json_string("UNMANAGED");
	}
	return value;
}

/* ---- type ---- */

static json_t *method(struct optag_query *q)
{
	const char *path = ju_str(ju_obj(q->reply, "methods"), q->key, "");

	return json_string(path);
}

/* No list of nodes means all of them. */
static json_t *installed_nodes(struct optag_query *q)
{
	json_t *list = ju_arr(q->reply, q->key);

	return json_array_size(list) ? json_incref(list) : ju_pack("[s]", "*");
}

static const struct optag table[] = {
#define CLUSTER  .object = OPTAG_CLUSTER
#define RESOURCE .object = OPTAG_RESOURCE
#define GROUP    .object = OPTAG_GROUP
#define TYPE     .object = OPTAG_TYPE
#define NAMED    .in = OPTAG_IN_NAME
#define BY_ID    .in = OPTAG_IN_NODEID
	{ "CLUSTERNAME",               CLUSTER, .out = OPTAG_STRING, .value = field, .key = "name" },
	{ "NODENAME_LOCAL",            CLUSTER, .out = OPTAG_STRING, .value = field, .key = "self" },
	{ "NODENAME_NODEID",           CLUSTER, BY_ID, OPTAG_STRING, nodename_of_id },
	{ "NODEID_LOCAL",              CLUSTER, .out = OPTAG_UINT, .value = field, .key = "self_id" },
	{ "NODEID_NODENAME",           CLUSTER, NAMED, OPTAG_UINT, nodeid_of_name },
	{ "ALL_NODENAMES",             CLUSTER, .out = OPTAG_STRARRAY, .value = all_nodenames },
	{ "ALL_NODEIDS",               CLUSTER, .out = OPTAG_UINTARRAY, .value = all_nodeids },
	{ "NODESTATE_LOCAL",           CLUSTER, .out = OPTAG_NODESTATE, .value = nodestate_local, .dynamic = true },
	{ "NODESTATE_NODE",            CLUSTER, NAMED, OPTAG_NODESTATE, nodestate_node, .dynamic = true },
	{ "PRIVATELINK_HOSTNAME_LOCAL", CLUSTER, .out = OPTAG_STRING, .value = private_name_local },
	{ "PRIVATELINK_HOSTNAME_NODE", CLUSTER, NAMED, OPTAG_STRING, private_name_node },
	{ "ALL_PRIVATELINK_HOSTNAMES", CLUSTER, .out = OPTAG_STRARRAY, .value = all_private_names },
	{ "SYSLOG_FACILITY",           CLUSTER, .out = OPTAG_INT, .value = syslog_facility },
	{ "ALL_RESOURCEGROUPS",        CLUSTER, .out = OPTAG_STRARRAY, .value = field, .key = "groups" },
	{ "ALL_RESOURCETYPES",         CLUSTER, .out = OPTAG_STRARRAY, .value = field, .key = "types" },
	{ "ALL_ZONES",                 CLUSTER, .out = OPTAG_STRARRAY, .value = all_zones },
	{ "ALL_ZONES_NODEID",          CLUSTER, BY_ID, OPTAG_STRARRAY, zones_of_id },
	{ "ALL_NONGLOBAL_ZONES",       CLUSTER, .out = OPTAG_STRARRAY, .value = no_zones },
	{ "ALL_NONGLOBAL_ZONES_NODEID", CLUSTER, BY_ID, OPTAG_STRARRAY, no_zones_of_id },
	{ "ZONE_LOCAL",                CLUSTER, .out = OPTAG_STRING, .value = zone_local },
	{ "ALL_LOADLIMITS",            CLUSTER, .out = OPTAG_STRARRAY, .value = all_limits },
	{ "HARD_LOADLIMIT",            CLUSTER, NAMED, OPTAG_STRARRAY, hard_limits },
	{ "SOFT_LOADLIMIT",            CLUSTER, NAMED, OPTAG_STRARRAY, soft_limits },
	{ "LOADLIMIT_PROPS",           CLUSTER, NAMED, OPTAG_STRARRAY, limit_props },
	{ "ALL_PSTRINGS",              CLUSTER, .out = OPTAG_STRARRAY },

#define PROP(name, type, of) { name, RESOURCE, .out = OPTAG_##type, .value = property, .key = of }
	PROP("R_DESCRIPTION", STRING, "R_description"),
	{ "TYPE",         RESOURCE, .out = OPTAG_STRING, .value = field, .key = "type" },
	{ "TYPE_VERSION", RESOURCE, .out = OPTAG_STRING, .value = field, .key = "type_version" },
	{ "GROUP",        RESOURCE, .out = OPTAG_STRING, .value = field, .key = "group" },
	PROP("RESOURCE_PROJECT_NAME", STRING, "Resource_project_name"),
	PROP("LOAD_BALANCING_POLICY", STRING, "Load_balancing_policy"),
	{ "ON_OFF_SWITCH",         RESOURCE, .out = OPTAG_SWITCH, .value = local_switch, .key = "enabled" },
	{ "MONITORED_SWITCH",      RESOURCE, .out = OPTAG_SWITCH, .value = local_switch, .key = "monitored" },
	{ "ON_OFF_SWITCH_NODE",    RESOURCE, NAMED, OPTAG_SWITCH, switch_node, "enabled" },
	{ "MONITORED_SWITCH_NODE", RESOURCE, NAMED, OPTAG_SWITCH, switch_node, "monitored" },
	{ "RESOURCE_STATE",        RESOURCE, .out = OPTAG_RSSTATE, .value = local_state, .key = "state", .dynamic = true },
	{ "RESOURCE_STATE_NODE",   RESOURCE, NAMED, OPTAG_RSSTATE, node_field, "state", .dynamic = true },
	{ "STATUS",                RESOURCE, .out = OPTAG_STATUS, .value = local_status, .dynamic = true },
	{ "STATUS_NODE",           RESOURCE, NAMED, OPTAG_STATUS, status_node, .dynamic = true },
	PROP("FAILOVER_MODE", FOMODE, "Failover_mode"),
	PROP("RETRY_COUNT", INT, "Retry_count"),
	PROP("RETRY_INTERVAL", INT, "Retry_interval"),
	PROP("CHEAP_PROBE_INTERVAL", INT, "Cheap_probe_interval"),
	PROP("THOROUGH_PROBE_INTERVAL", INT, "Thorough_probe_interval"),
	PROP("AFFINITY_TIMEOUT", INT, "Affinity_timeout"),
	PROP("CONN_THRESHOLD", INT, "Conn_threshold"),
#define RESTARTS(name, of) \
	{ name, RESOURCE, .out = OPTAG_INT, .value = restarts, .key = of, .dynamic = true }, \
	{ name "_ZONE", RESOURCE, NAMED, OPTAG_INT, restarts_zone, of, .dynamic = true }
	RESTARTS("NUM_RG_RESTARTS", "num_rg_restarts"),
	RESTARTS("NUM_RESOURCE_RESTARTS", "num_resource_restarts"),
	PROP("BOOT_TIMEOUT", INT, "Boot_timeout"),
	PROP("FINI_TIMEOUT", INT, "Fini_timeout"),
	PROP("INIT_TIMEOUT", INT, "Init_timeout"),
	PROP("MONITOR_CHECK_TIMEOUT", INT, "Monitor_check_timeout"),
	PROP("MONITOR_START_TIMEOUT", INT, "Monitor_start_timeout"),
	PROP("MONITOR_STOP_TIMEOUT", INT, "Monitor_stop_timeout"),
	PROP("POSTNET_STOP_TIMEOUT", INT, "Postnet_stop_timeout"),
	PROP("PRENET_START_TIMEOUT", INT, "Prenet_start_timeout"),
	PROP("START_TIMEOUT", INT, "Start_timeout"),
	PROP("STOP_TIMEOUT", INT, "Stop_timeout"),
	PROP("UPDATE_TIMEOUT", INT, "Update_timeout"),
	PROP("VALIDATE_TIMEOUT", INT, "Validate_timeout"),
	PROP("SCALABLE", BOOLEAN, "Scalable"),
	PROP("UDP_AFFINITY", BOOLEAN, "UDP_affinity"),
	PROP("WEAK_AFFINITY", BOOLEAN, "Weak_affinity"),
	PROP("GENERIC_AFFINITY", BOOLEAN, "Generic_affinity"),
	PROP("ROUND_ROBIN", BOOLEAN, "Round_robin"),
	PROP("GLOBAL_ZONE_OVERRIDE", BOOLEAN, "Global_zone_override"),
	PROP("PRE_EVICT", BOOLEAN, "Pre_evict"),
	{ "NETWORK_RESOURCES_USED", RESOURCE, .out = OPTAG_STRARRAY, .value = network_resources, .key = "Network_resources_used" },
	PROP("PORT_LIST", STRARRAY, "Port_list"),
	PROP("LOAD_BALANCING_WEIGHTS", STRARRAY, "Load_balancing_weights"),
#define DEPENDENCIES(suffix, of) \
	{ "RESOURCE_DEPENDENCIES" suffix, RESOURCE, .out = OPTAG_STRARRAY, .value = dependencies, .key = of }, \
	PROP("RESOURCE_DEPENDENCIES_Q" suffix, STRARRAY, of)
	DEPENDENCIES("", "Resource_dependencies"),
	DEPENDENCIES("_WEAK", "Resource_dependencies_weak"),
	DEPENDENCIES("_RESTART", "Resource_dependencies_restart"),
	DEPENDENCIES("_OFFLINE_RESTART", "Resource_dependencies_offline_restart"),
	{ "ALL_EXTENSIONS", RESOURCE, .out = OPTAG_STRARRAY, .value = extension_names },
	{ "EXTENSION",      RESOURCE, OPTAG_IN_PROP, OPTAG_EXTPROP, extension },
	{ "EXTENSION_NODE", RESOURCE, OPTAG_IN_PROP_NODE, OPTAG_EXTPROP, extension_node },

#define GPROP(name, type, of) { name, GROUP, .out = OPTAG_##type, .value = group_property, .key = of }
	GPROP("RG_DESCRIPTION", STRING, "RG_description"),
	GPROP("PATHPREFIX", STRING, "Pathprefix"),
	GPROP("RG_PROJECT_NAME", STRING, "RG_project_name"),
	GPROP("RG_SLM_TYPE", STRING, "RG_SLM_type"),
	GPROP("RG_SLM_PSET_TYPE", STRING, "RG_SLM_pset_type"),
	GPROP("PREEMPTION_MODE", STRING, "Preemption_mode"),
	GPROP("NODELIST", STRARRAY, "Nodelist"),
	{ "RESOURCE_LIST", GROUP, .out = OPTAG_STRARRAY, .value = field, .key = "resources" },
	GPROP("RG_DEPENDENCIES", STRARRAY, "RG_dependencies"),
	GPROP("RG_AFFINITIES", STRARRAY, "RG_affinities"),
	GPROP("GLOBAL_RESOURCES_USED", STRARRAY, "Global_resources_used"),
	GPROP("LOAD_FACTORS", STRARRAY, "Load_factors"),
	GPROP("MAXIMUM_PRIMARIES", INT, "Maximum_primaries"),
	GPROP("DESIRED_PRIMARIES", INT, "Desired_primaries"),
	GPROP("PINGPONG_INTERVAL", INT, "Pingpong_interval"),
	GPROP("PRIORITY", INT, "Priority"),
	GPROP("RG_SLM_CPU_SHARES", INT, "RG_SLM_CPU_SHARES"),
	GPROP("RG_SLM_PSET_MIN", INT, "RG_SLM_PSET_MIN"),
	GPROP("FAILBACK", BOOLEAN, "Failback"),
	GPROP("IMPL_NET_DEPEND", BOOLEAN, "Implicit_network_dependencies"),
	GPROP("IMPLICIT_NETWORK_DEPENDENCIES", BOOLEAN, "Implicit_network_dependencies"),
	GPROP("AUTO_START_ON_NEW_CLUSTER", BOOLEAN, "Auto_start_on_new_cluster"),
	GPROP("RG_SYSTEM", BOOLEAN, "RG_system"),
	GPROP("RG_IS_FROZEN", BOOLEAN, "RG_is_frozen"),
	GPROP("SUSPEND_AUTOMATIC_RECOVERY", BOOLEAN, "Suspend_automatic_recovery"),
	GPROP("RG_MODE", RGMODE, "RG_mode"),
	{ "RG_STATE",      GROUP, .out = OPTAG_RGSTATE, .value = rg_state, .key = "state", .dynamic = true },
	{ "RG_STATE_NODE", GROUP, NAMED, OPTAG_RGSTATE, rg_state_node, "state", .dynamic = true },

#define TYPED(name, type, of) { name, TYPE, .out = OPTAG_##type, .value = field, .key = of }
#define METHOD(name, of)      { name, TYPE, .out = OPTAG_STRING, .value = method, .key = of }
	TYPED("RT_DESCRIPTION", STRING, "description"),
	TYPED("RT_BASEDIR", STRING, "basedir"),
	TYPED("RT_VERSION", STRING, "version"),
	METHOD("START", "Start"),
	METHOD("STOP", "Stop"),
	METHOD("PRENET_START", "Prenet_start"),
	METHOD("POSTNET_STOP", "Postnet_stop"),
	METHOD("MONITOR_START", "Monitor_start"),
	METHOD("MONITOR_STOP", "Monitor_stop"),
	METHOD("MONITOR_CHECK", "Monitor_check"),
	METHOD("VALIDATE", "Validate"),
	METHOD("UPDATE", "Update"),
	METHOD("INIT", "Init"),
	METHOD("FINI", "Fini"),
	METHOD("BOOT", "Boot"),
	TYPED("API_VERSION", INT, "api_version"),
	TYPED("SINGLE_INSTANCE", BOOLEAN, "single_instance"),
	TYPED("FAILOVER", BOOLEAN, "failover"),
	TYPED("PROXY", BOOLEAN, "proxy"),
	TYPED("GLOBAL_ZONE", BOOLEAN, "global_zone"),
	TYPED("IS_LOGICAL_HOSTNAME", BOOLEAN, "is_logical_hostname"),
	TYPED("IS_SHARED_ADDRESS", BOOLEAN, "is_shared_address"),
	TYPED("RT_SYSTEM", BOOLEAN, "system"),
	TYPED("INIT_NODES", INITNODES, "init_nodes"),
	{ "INSTALLED_NODES", TYPE, .out = OPTAG_STRARRAY, .value = installed_nodes, .key = "installed_nodes" },
	TYPED("PKGLIST", STRARRAY, "pkglist"),
	/* The resources come and go with tables of groups, so the type does not change with them. */
	{ "RESOURCE_LIST", TYPE, .out = OPTAG_STRARRAY, .value = field, .key = "resources", .dynamic = true },
};

size_t optag_count(void)
{
	return ARRAY_SIZE(table);
}

const struct optag *optag_at(size_t i)
{
	return &table[i];
}

const struct optag *optag_find(enum optag_object object, const char *tag)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].object == object && strieq(table[i].tag, tag))
			return &table[i];
	return object == OPTAG_RESOURCE ? optag_find(OPTAG_TYPE, tag) : NULL;
}

json_t *optag_value(const struct optag *optag, struct optag_query *q)
{
	json_t *value;

	if (!optag->value)
		return fail(q, SCHA_ERR_TAG);
	q->key = optag->key;
	q->error = SCHA_ERR_INTERNAL;
	value = optag->value(q);
	if (value)
		q->error = SCHA_ERR_NOERR;
	return value;
}
