/* The system-defined properties of types, resources and groups, one row each, and the one validator of values.
 *
 * A row says what holds when nobody restricts it.  For a resource the RTR file may narrow a row (rtr.c); the result is a
 * struct rt_param, and every check, of a table row as of an extension property, ends in rt_param_check(). */
#include <errno.h>
#include <strings.h>

#include "rgm/rt_impl.h"

const char *const prop_type_names[PROP_TYPE_COUNT] = {
	[PROP_INVALID] = "INVALID", [PROP_STRING] = "STRING",   [PROP_INT] = "INT",
	[PROP_BOOLEAN] = "BOOLEAN", [PROP_ENUM]   = "ENUM",     [PROP_STRINGARRAY] = "STRINGARRAY",
};

const char *const tunable_names[TUNE_COUNT] = {
	[TUNE_DEFAULT] = "DEFAULT", [TUNE_NONE] = "NONE",       [TUNE_AT_CREATION] = "AT_CREATION",
	[TUNE_ANYTIME] = "ANYTIME", [TUNE_WHEN_DISABLED] = "WHEN_DISABLED",
};

#define ANY    .tunable = TUNE_ANYTIME,       .widest = TUNE_ANYTIME
#define DIS    .tunable = TUNE_WHEN_DISABLED, .widest = TUNE_WHEN_DISABLED
#define CREATE .tunable = TUNE_AT_CREATION,   .widest = TUNE_AT_CREATION
#define QUERY  .tunable = TUNE_NONE,          .widest = TUNE_NONE, .query_only = true, .setter = SET_BY_RGM
/* When the RTR is silent only while disabled; but the type may allow more, and most types do. */
#define DIS_OR_ANY .tunable = TUNE_WHEN_DISABLED, .widest = TUNE_ANYTIME

#define FROM(least) .min = (least), .max = INT32_MAX
#define TIMEOUT(n, method)                                                                                             \
	{ .name = n, .type = PROP_INT, .dflt = "3600", FROM(1), ANY, .help = "Seconds before " method " counts as failed" }

#define DEPENDENCY .form = FORM_DEPENDENCY

#define SWITCH_VALUES   "DISABLED,ENABLED"
#define STATE_VALUES    "ONLINE,OFFLINE,START_FAILED,STOP_FAILED,MONITOR_FAILED,ONLINE_NOT_MONITORED,STARTING,STOPPING,DETACHED"
#define STATUS_VALUES   "OK,OFFLINE,FAULTED,DEGRADED,UNKNOWN"
#define RG_STATE_VALUES "UNMANAGED,ONLINE,OFFLINE,PENDING_ONLINE,PENDING_OFFLINE,ERROR_STOP_FAILED,ONLINE_FAULTED,"      \
			"PENDING_ONLINE_BLOCKED"

#define RTR(m)     .setter = SET_BY_RTR, .member = offsetof(struct rt, m), .tunable = TUNE_NONE, .widest = TUNE_NONE
#define CALLBACK(n, m, when)                                                                                            \
	{ .name = n, .type = PROP_STRING, .form = FORM_METHOD, RTR(methods[m]), .help = "Method: " when }
#define KNOWN(m, why) .setter = SET_BY_RGM, .query_only = true, .member = offsetof(struct rt, m), .tunable = TUNE_NONE,  \
	.widest = TUNE_NONE, .why_not = why
#define BY_NAME "the cluster knows it from the name of the type"

static const struct prop_info type_props[] = {
	{ .name = "Resource_type", .type = PROP_STRING, .form = FORM_NAME, RTR(base), .help = "Name; the first statement of the file" },
	{ .name = "Vendor_id", .type = PROP_STRING, .dflt = "", .form = FORM_NAME, RTR(vendor),
	  .help = "Comes before the name, with a dot" },
	{ .name = "RT_description", .type = PROP_STRING, .dflt = "", RTR(description), .help = "Free text" },
	{ .name = "RT_version", .type = PROP_STRING, .dflt = "", RTR(version),
	  .help = "Version; with #$upgrade it comes after the name, with a colon" },
	{ .name = "API_version", .type = PROP_INT, .dflt = "2", .min = API_VERSION_LEAST, .max = API_VERSION_MOST, RTR(api_version),
	  .help = "Lowest level of the API that the type needs" },
	{ .name = "RT_basedir", .type = PROP_STRING, .dflt = "", .form = FORM_DIRECTORY, RTR(basedir),
	  .help = "Directory of methods whose path is not a full one" },
	{ .name = "Init_nodes", .type = PROP_ENUM, .dflt = "RG_PRIMARIES", .enums = "RG_PRIMARIES,RT_INSTALLED_NODES", RTR(init_nodes),
	  .help = "Where Init, Fini, Boot and Validate run" },
	{ .name = "Pkglist", .type = PROP_STRINGARRAY, .dflt = "", RTR(pkglist), .help = "Packages that a node needs; for information" },
	{ .name = "Single_instance", .type = PROP_BOOLEAN, .dflt = "FALSE", RTR(single_instance),
	  .help = "At most one resource of the type in the cluster" },
	{ .name = "Failover", .type = PROP_BOOLEAN, .dflt = "FALSE", RTR(failover), .help = "Online on one node at a time only" },
	{ .name = "RT_system", .type = PROP_BOOLEAN, .dflt = "FALSE", .setter = SET_BY_RTR_OR_ADMIN,
	  .member = offsetof(struct rt, rt_system), ANY, .help = "The type cannot be unregistered" },
	{ .name = "Global_zone", .type = PROP_BOOLEAN, .dflt = "FALSE", RTR(global_zone), .help = "Methods run outside of zones; stored only" },
	{ .name = "Proxy", .type = PROP_BOOLEAN, .dflt = "FALSE", RTR(proxy),
	  .help = "Stands for something that is managed elsewhere and says itself how it is" },
	{ .name = "Sysdefined_type", .type = PROP_BOOLEAN, .dflt = "FALSE", RTR(sysdefined), .help = "Delivered with the cluster" },
	CALLBACK("Start", METHOD_START, "bring the resource online"),
	CALLBACK("Stop", METHOD_STOP, "take it offline"),
	CALLBACK("Prenet_start", METHOD_PRENET_START, "before the addresses are up"),
	CALLBACK("Postnet_stop", METHOD_POSTNET_STOP, "after the addresses are down"),
	CALLBACK("Monitor_start", METHOD_MONITOR_START, "start the fault monitor"),
	CALLBACK("Monitor_stop", METHOD_MONITOR_STOP, "stop the fault monitor"),
	CALLBACK("Monitor_check", METHOD_MONITOR_CHECK, "is this node fit for a giveover"),
	CALLBACK("Validate", METHOD_VALIDATE, "check properties before they are stored"),
	CALLBACK("Update", METHOD_UPDATE, "properties have changed"),
	CALLBACK("Init", METHOD_INIT, "the resource comes under management"),
	CALLBACK("Fini", METHOD_FINI, "the resource leaves management"),
	CALLBACK("Boot", METHOD_BOOT, "a node has joined"),
	{ .name = "Installed_nodes", .type = PROP_STRINGARRAY, .dflt = "*", .member = offsetof(struct rt, installed_nodes), ANY,
	  .why_not = "only the administrator sets it, after registration", .help = "Nodes where the type may run" },
	/* Not a member: the resources are in the tables of the groups. */
	{ .name = "Resource_list", .type = PROP_STRINGARRAY, .dflt = "", KNOWN(name, "the cluster keeps it"),
	  .help = "Resources of the type" },
	{ .name = "Is_logical_hostname", .type = PROP_BOOLEAN, .dflt = "FALSE", KNOWN(is_logical_hostname, BY_NAME),
	  .help = "The type is the logical host name" },
	{ .name = "Is_shared_address", .type = PROP_BOOLEAN, .dflt = "FALSE", KNOWN(is_shared_address, BY_NAME),
	  .help = "The type is the shared address" },
};

static const struct prop_info resource_props[] = {
	{ .name = "Resource_name", .type = PROP_STRING, .always = true, QUERY, .help = "Name, unique in the cluster" },
	{ .name = "Type", .type = PROP_STRING, .always = true, QUERY, .help = "Full name of the resource type" },
	/* Not query-only: setting it is how a resource moves to another version of its type. */
	{ .name = "Type_version", .type = PROP_STRING, .always = true, ANY, .help = "Version of the resource type in use" },
	{ .name = "Group", .type = PROP_STRING, .always = true, QUERY, .help = "Resource group that contains the resource" },
	{ .name = "R_description", .type = PROP_STRING, .dflt = "", .always = true, ANY, .help = "Free text" },
	{ .name = "On_off_switch", .type = PROP_ENUM, .dflt = "DISABLED", .enums = SWITCH_VALUES, .always = true, QUERY,
	  .help = "Whether the resource is enabled, per node" },
	{ .name = "Monitored_switch", .type = PROP_ENUM, .dflt = "ENABLED", .enums = SWITCH_VALUES, .always = true, QUERY,
	  .help = "Whether the fault monitor is enabled, per node" },
	{ .name = "Resource_state", .type = PROP_ENUM, .dflt = "OFFLINE", .enums = STATE_VALUES, .always = true, QUERY,
	  .help = "State set by the RGM, per node" },
	{ .name = "Status", .type = PROP_ENUM, .dflt = "OFFLINE", .enums = STATUS_VALUES, .always = true, QUERY,
	  .help = "Status set by the methods and the RGM, per node" },
	{ .name = "Status_msg", .type = PROP_STRING, .dflt = "", .always = true, QUERY, .help = "Text beside Status" },
	/* These two exist only beside Retry_interval; the RGM counts them, an RTR never names them. */
	{ .name = "Num_resource_restarts", .type = PROP_INT, .dflt = "0", FROM(0), QUERY,
	  .help = "Restarts of the resource on the node within Retry_interval" },
	{ .name = "Num_rg_restarts", .type = PROP_INT, .dflt = "0", FROM(0), QUERY,
	  .help = "Restarts of the group asked for by the resource on the node within Retry_interval" },

	{ .name = "Failover_mode", .type = PROP_ENUM, .dflt = "NONE", .enums = "NONE,SOFT,HARD,RESTART_ONLY,LOG_ONLY",
	  .always = true, ANY, .help = "What the RGM does when a start or stop method fails" },
	{ .name = "Resource_dependencies", .type = PROP_STRINGARRAY, .dflt = "", DEPENDENCY, .always = true, ANY,
	  .help = "Strong dependencies" },
	{ .name = "Resource_dependencies_weak", .type = PROP_STRINGARRAY, .dflt = "", DEPENDENCY, .always = true, ANY,
	  .help = "Weak dependencies: order only" },
	{ .name = "Resource_dependencies_restart", .type = PROP_STRINGARRAY, .dflt = "", DEPENDENCY, .always = true, ANY,
	  .help = "Strong dependencies that also restart the resource" },
	{ .name = "Resource_dependencies_offline_restart", .type = PROP_STRINGARRAY, .dflt = "", DEPENDENCY, .always = true, ANY,
	  .help = "Strong dependencies that the resource also follows offline" },
	{ .name = "Resource_project_name", .type = PROP_STRING, .dflt = "", .always = true, ANY,
	  .help = "Project of the methods; empty: that of the group" },
	{ .name = "Pre_evict", .type = PROP_BOOLEAN, .dflt = "FALSE", .always = true, ANY,
	  .help = "Evict a pre-empted group before its successor's stop methods" },
	{ .name = "Global_zone_override", .type = PROP_BOOLEAN, .dflt = "TRUE", CREATE,
	  .help = "FALSE: methods of a Global_zone type run where the group is" },

	TIMEOUT("Start_timeout", "Start"),
	TIMEOUT("Stop_timeout", "Stop"),
	TIMEOUT("Prenet_start_timeout", "Prenet_start"),
	TIMEOUT("Postnet_stop_timeout", "Postnet_stop"),
	TIMEOUT("Monitor_start_timeout", "Monitor_start"),
	TIMEOUT("Monitor_stop_timeout", "Monitor_stop"),
	TIMEOUT("Monitor_check_timeout", "Monitor_check"),
	TIMEOUT("Validate_timeout", "Validate"),
	TIMEOUT("Update_timeout", "Update"),
	TIMEOUT("Init_timeout", "Init"),
	TIMEOUT("Fini_timeout", "Fini"),
	TIMEOUT("Boot_timeout", "Boot"),

	{ .name = "Cheap_probe_interval", .type = PROP_INT, FROM(0), DIS_OR_ANY, .help = "Seconds between quick probes" },
	{ .name = "Thorough_probe_interval", .type = PROP_INT, FROM(0), DIS_OR_ANY, .help = "Seconds between full probes" },
	{ .name = "Retry_count", .type = PROP_INT, FROM(-1), DIS_OR_ANY,
	  .help = "Restarts tried within Retry_interval; -1: any number" },
	{ .name = "Retry_interval", .type = PROP_INT, FROM(0), DIS_OR_ANY, .help = "Seconds over which restarts are counted" },

	{ .name = "Scalable", .type = PROP_BOOLEAN, .dflt = "FALSE", CREATE, .help = "The cluster balances load over instances" },
	{ .name = "Network_resources_used", .type = PROP_STRINGARRAY, .dflt = "", DEPENDENCY, .with_scalable = true, ANY,
	  .help = "Address resources that the resource uses" },
	/* A bracket without DEFAULT makes the administrator give the ports; only Scalable alone implies an empty list. */
	{ .name = "Port_list", .type = PROP_STRINGARRAY, .form = FORM_PORT, .with_scalable = true, ANY, .help = "port/proto, ..." },
	{ .name = "Load_balancing_policy", .type = PROP_STRING, .dflt = "LB_WEIGHTED",
	  .enums = "LB_WEIGHTED,LB_STICKY,LB_STICKY_WILD", .with_scalable = true, CREATE, .help = "How clients are distributed" },
	{ .name = "Load_balancing_weights", .type = PROP_STRINGARRAY, .dflt = "", .form = FORM_WEIGHT, .with_scalable = true, ANY,
	  .help = "weight@node, ...; empty: equal" },
	{ .name = "Affinity_timeout", .type = PROP_INT, .dflt = "0", FROM(-1), .with_scalable = true, ANY,
	  .help = "Seconds that a sticky client is remembered; -1: as long as the node lives" },
	{ .name = "UDP_affinity", .type = PROP_BOOLEAN, .dflt = "FALSE", .with_scalable = true, DIS,
	  .help = "UDP follows the node of the client's TCP connections" },
	{ .name = "Weak_affinity", .type = PROP_BOOLEAN, .dflt = "FALSE", .with_scalable = true, DIS,
	  .help = "Stickiness by hash, which may move when instances change" },
	{ .name = "Generic_affinity", .type = PROP_BOOLEAN, .dflt = "FALSE", .with_scalable = true, DIS,
	  .help = "Stickiness also for follow-up ports" },
	{ .name = "Round_robin", .type = PROP_BOOLEAN, .dflt = "FALSE", .with_scalable = true, DIS,
	  .help = "New clients in turn instead of by weighted chance" },
	/* No default is known, so it is not implied: it would have to be given at every creation. */
	{ .name = "Conn_threshold", .type = PROP_INT, FROM(0), ANY, .help = "Clients remembered for Round_robin" },
};

static const struct prop_info group_props[] = {
	{ .name = "RG_name", .type = PROP_STRING, .always = true, QUERY, .help = "Name, unique in the cluster" },
	{ .name = "RG_description", .type = PROP_STRING, .dflt = "", .always = true, ANY, .help = "Free text" },
	{ .name = "RG_mode", .type = PROP_ENUM, .enums = "FAILOVER,SCALABLE", .always = true, CREATE,
	  .help = "One node at a time, or several; not given: FAILOVER when Maximum_primaries is 1" },
	{ .name = "Nodelist", .type = PROP_STRINGARRAY, .always = true, ANY,
	  .help = "Nodes in order of preference; not given: all nodes" },
	{ .name = "Maximum_primaries", .type = PROP_INT, .dflt = "1", FROM(1), .always = true, ANY,
	  .help = "Most nodes on which the group is online" },
	{ .name = "Desired_primaries", .type = PROP_INT, .dflt = "1", FROM(0), .always = true, ANY,
	  .help = "Nodes on which the RGM tries to keep the group online" },
	{ .name = "Failback", .type = PROP_BOOLEAN, .dflt = "FALSE", .always = true, ANY,
	  .help = "Move to a better node when one joins" },
	{ .name = "Auto_start_on_new_cluster", .type = PROP_BOOLEAN, .dflt = "TRUE", .always = true, ANY,
	  .help = "Start when the whole cluster boots" },
	{ .name = "Implicit_network_dependencies", .type = PROP_BOOLEAN, .dflt = "TRUE", .always = true, ANY,
	  .help = "Resources depend on the address resources of the group" },
	{ .name = "Global_resources_used", .type = PROP_STRINGARRAY, .dflt = "*", .enums = "*", .always = true, ANY,
	  .help = "*: frozen while global devices fail over; empty: not" },
	{ .name = "Pathprefix", .type = PROP_STRING, .dflt = "", .always = true, ANY,
	  .help = "Directory for administrative files in a cluster file system" },
	{ .name = "Pingpong_interval", .type = PROP_INT, .dflt = "3600", FROM(0), .always = true, ANY,
	  .help = "Seconds for which a failed start rules a node out" },
	{ .name = "RG_dependencies", .type = PROP_STRINGARRAY, .dflt = "", .form = FORM_NAME, .always = true, ANY,
	  .help = "Groups that come first on the same node" },
	{ .name = "RG_affinities", .type = PROP_STRINGARRAY, .dflt = "", .form = FORM_AFFINITY, .always = true, ANY,
	  .help = "+, ++, +++, - or -- before the name of a group" },
	{ .name = "Load_factors", .type = PROP_STRINGARRAY, .dflt = "", .form = FORM_FACTOR, .always = true, ANY,
	  .help = "limit@value, ..." },
	{ .name = "Priority", .type = PROP_INT, .dflt = "500", FROM(0), .always = true, ANY,
	  .help = "The higher value chooses its node first" },
	{ .name = "Preemption_mode", .type = PROP_ENUM, .dflt = "Has_cost", .enums = "Has_cost,No_cost,Never", .always = true,
	  ANY, .help = "How readily a group of higher priority displaces this one" },
	{ .name = "RG_project_name", .type = PROP_STRING, .dflt = "default", .always = true, ANY, .help = "Project; stored only" },
	{ .name = "RG_slm_type", .type = PROP_ENUM, .dflt = "manual", .enums = "automated,manual", .always = true, ANY,
	  .help = "Control of processor use; stored only" },
	{ .name = "RG_slm_CPU_SHARES", .type = PROP_INT, .dflt = "1", .min = 1, .max = 65535, .always = true, ANY,
	  .help = "Weight of the group on a node; stored only" },
	{ .name = "RG_slm_pset_type", .type = PROP_ENUM, .dflt = "default", .enums = "default,weak,strong", .always = true, ANY,
	  .help = "Processor set; stored only" },
	{ .name = "RG_slm_pset_min", .type = PROP_INT, .dflt = "0", FROM(0), .always = true, ANY,
	  .help = "Least processors, in hundredths; stored only" },
	{ .name = "RG_system", .type = PROP_BOOLEAN, .dflt = "FALSE", .always = true, ANY,
	  .help = "TRUE: the group cannot be edited, deleted or taken offline" },
	{ .name = "Resource_list", .type = PROP_STRINGARRAY, .dflt = "", .always = true, QUERY, .help = "Resources of the group" },
	{ .name = "RG_state", .type = PROP_ENUM, .dflt = "UNMANAGED", .enums = RG_STATE_VALUES, .always = true, QUERY,
	  .help = "State, per node" },
	{ .name = "RG_is_frozen", .type = PROP_BOOLEAN, .dflt = "FALSE", .always = true, QUERY,
	  .help = "A global device of the group is being switched" },
	{ .name = "Suspend_automatic_recovery", .type = PROP_BOOLEAN, .dflt = "FALSE", .always = true, QUERY,
	  .help = "Set by the suspend and resume commands" },
};

/* Other spellings in use: of a group property (older releases, the name of its tag), of a value. */
static const struct { const char *other, *name; } group_prop_aliases[] = {
	{ "RG_slm_cpu",      "RG_slm_CPU_SHARES"             },
	{ "Impl_net_depend", "Implicit_network_dependencies" },
};
static const struct { const char *prop, *other, *value; } value_aliases[] = {
	{ "Load_balancing_policy", "LB_STICKYWILD", "LB_STICKY_WILD" },
};

size_t resource_prop_count(void) { return ARRAY_SIZE(resource_props); }
size_t group_prop_count(void) { return ARRAY_SIZE(group_props); }

const struct prop_info *resource_prop_at(size_t i)
{
	assert(i < ARRAY_SIZE(resource_props));
	return &resource_props[i];
}

const struct prop_info *group_prop_at(size_t i)
{
	assert(i < ARRAY_SIZE(group_props));
	return &group_props[i];
}

size_t type_prop_count(void) { return ARRAY_SIZE(type_props); }

const struct prop_info *type_prop_at(size_t i)
{
	assert(i < ARRAY_SIZE(type_props));
	return &type_props[i];
}

const struct prop_info *type_prop_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_props); i++)
		if (strieq(type_props[i].name, name))
			return &type_props[i];
	return NULL;
}

char *type_prop_text(const struct rt *rt, const struct prop_info *info)
{
	const void *at = (const char *)rt + info->member;
	const char *text;

	if (streq(info->name, "Resource_list"))
		return xstrdup("");
	switch (info->type) {
	case PROP_BOOLEAN:
		return xstrdup(*(const bool *)at ? "TRUE" : "FALSE");
	case PROP_INT:
		return xasprintf("%d", *(const int *)at);
	case PROP_ENUM:
		return xstrdup(init_nodes_names[*(const enum init_nodes *)at]);
	case PROP_STRINGARRAY:
		/* No list of nodes means all of them. */
		return ((const struct strlist *)at)->n ? strlist_join(at, ",") : xstrdup(info->dflt);
	default:
		text = *(char *const *)at;
		return xstrdup(text ? text : "");
	}
}

const struct prop_info *resource_prop_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(resource_props); i++)
		if (strieq(resource_props[i].name, name))
			return &resource_props[i];
	return NULL;
}

const struct prop_info *group_prop_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(group_prop_aliases); i++)
		if (strieq(group_prop_aliases[i].other, name))
			name = group_prop_aliases[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(group_props); i++)
		if (strieq(group_props[i].name, name))
			return &group_props[i];
	return NULL;
}

/* ---- naming rules and small parsers ---- */

static bool ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool ascii_digit(char c) { return c >= '0' && c <= '9'; }
static bool name_char(char c) { return ascii_letter(c) || ascii_digit(c) || c == '-' || c == '_'; }

bool object_name_valid(const char *name)
{
	if (!ascii_letter(*name) || strlen(name) > OBJECT_NAME_MAX)
		return false;
	for (; *name; name++)
		if (!name_char(*name))
			return false;
	return true;
}

bool version_valid(const char *version)
{
	if (!*version || strlen(version) > OBJECT_NAME_MAX)
		return false;
	for (; *version; version++)
		if (!name_char(*version) && *version != '.')
			return false;
	return true;
}

bool int_parse(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	int64_t n = 0;

	text += negative;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (!ascii_digit(*text))
			return false;
		n = n * 10 + (*text - '0');
		if (n > (int64_t)INT32_MAX + negative)  /* the API hands integers out as int */
			return false;
	}
	*ret = negative ? -n : n;
	return true;
}

const char *value_shown(char buf[static SHOWN_SIZE], const char *value, size_t len)
{
	size_t n = MIN(len, (size_t)SHOWN_MAX), i = 0;

	buf[i++] = '"';
	for (size_t k = 0; k < n; k++)
		buf[i++] = value[k] >= ' ' && value[k] <= '~' ? value[k] : '?';
	for (size_t k = 0; k < 3 && len > n; k++)
		buf[i++] = '.';
	buf[i++] = '"';
	buf[i] = '\0';
	return buf;
}

int tunable_rank(enum tunable tunable)
{
	static const int rank[TUNE_COUNT] = {
		[TUNE_NONE] = 0, [TUNE_AT_CREATION] = 1, [TUNE_WHEN_DISABLED] = 2, [TUNE_ANYTIME] = 3,
	};

	assert(tunable > TUNE_DEFAULT && tunable < TUNE_COUNT);
	return rank[tunable];
}

enum rt_method timeout_method(const char *name)
{
	for (enum rt_method m = 0; m < METHOD_COUNT; m++) {
		size_t n = strlen(rt_method_names[m]);

		if (strncasecmp(name, rt_method_names[m], n) == 0 && strieq(name + n, "_timeout"))
			return m;
	}
	return METHOD_COUNT;
}

bool resource_prop_in_rtr(const struct prop_info *info)
{
	return !info->query_only && !streq(info->name, "Type_version");
}

bool resource_prop_implied(const struct rt *rt, const struct prop_info *info, bool scalable_declared)
{
	enum rt_method method = timeout_method(info->name);

	if (!resource_prop_in_rtr(info))
		return false;
	if (method < METHOD_COUNT)
		return rt->methods[method];
	return info->always || (info->with_scalable && scalable_declared) ||
	       (rt->global_zone && streq(info->name, "Global_zone_override"));
}

void rt_param_from_info(const struct prop_info *info, struct rt_param *ret)
{
	bool bounded = info->type == PROP_INT && (info->min || info->max);

	*ret = (struct rt_param) {
		.name = xstrdup(info->name),
		.type = info->type,
		.form = info->form,
		.has_default = info->dflt,
		.dflt = info->dflt ? xstrdup(info->dflt) : NULL,
		.has_min = bounded && info->min > INT32_MIN,
		.has_max = bounded && info->max < INT32_MAX,
		.tunable = info->tunable,
		.description = xstrdup(""),
	};
	if (ret->has_min)
		ret->min = info->min;
	if (ret->has_max)
		ret->max = info->max;
	if (info->enums)
		strlist_split(&ret->enumlist, info->enums, ",");
}

void rt_param_done(struct rt_param *param)
{
	free(param->name);
	free(param->dflt);
	free(param->description);
	strlist_done(&param->enumlist);
	*param = (struct rt_param) { 0 };
}

/* ---- the validator ---- */

/* One text, or one element of an array: what names it in a message, and where it is. */
struct piece {
	const struct rt_param *param;
	const char *text;
	size_t      len;
	bool        element;
};

static int bad(const struct piece *piece, struct err *err, const char *what)
{
	char shown[SHOWN_SIZE];

	return err_set(err, -EINVAL, "property %s: %s %s %s", piece->param->name, piece->element ? "element" : "value",
		       value_shown(shown, piece->text, piece->len), what);
}

static int check_length(const struct piece *piece, struct err *err)
{
	const struct rt_param *param = piece->param;
	_cleanup_free_ char *what = NULL;

	if (param->has_minlength && piece->len < (uint64_t)param->minlength)
		what = xasprintf("has %zu bytes, at least %lld are needed", piece->len, (long long)param->minlength);
	else if (param->has_maxlength && piece->len > (uint64_t)param->maxlength)
		what = xasprintf("has %zu bytes, at most %lld are allowed", piece->len, (long long)param->maxlength);
	return what ? bad(piece, err, what) : 0;
}

/* Values are single lines of ASCII: they travel in text tables and on command lines. */
static int check_bytes(const struct piece *piece, struct err *err)
{
	for (size_t i = 0; i < piece->len; i++) {
		char c = piece->text[i];

		if (c == '\n')
			return bad(piece, err, "contains a newline, which a value cannot hold");
		if ((unsigned char)c >= 0x80)
			return bad(piece, err, "contains a byte that is not ASCII");
		if (piece->element && c == ';')
			return bad(piece, err, "contains ';', which an array element cannot hold");
	}
	return 0;
}

/* The documented spelling of a value out of a closed list; NULL and err set when it is none of them. */
static const char *find_literal(const struct piece *piece, struct err *err)
{
	const struct strlist *list = &piece->param->enumlist;
	_cleanup_free_ char *text = xstrndup(piece->text, piece->len), *names = NULL, *what = NULL;
	const char *wanted = text;

	for (size_t i = 0; i < ARRAY_SIZE(value_aliases); i++)
		if (!piece->param->extension && streq(value_aliases[i].prop, piece->param->name) &&
		    strieq(value_aliases[i].other, text))
			wanted = value_aliases[i].value;
	for (size_t i = 0; i < list->n; i++)
		if (strieq(list->v[i], wanted))
			return list->v[i];
	names = strlist_join(list, ", ");
	what = xasprintf("is not one of %s", names);
	(void)bad(piece, err, what);
	return NULL;
}

static int check_boolean(const struct piece *piece, char **ret, struct err *err)
{
	bool is_true = strieq(piece->text, "TRUE");

	if (!is_true && !strieq(piece->text, "FALSE"))
		return bad(piece, err, "is neither TRUE nor FALSE");
	*ret = xstrdup(is_true ? "TRUE" : "FALSE");
	return 0;
}

static int check_int(const struct piece *piece, char **ret, struct err *err)
{
	const struct rt_param *param = piece->param;
	_cleanup_free_ char *what = NULL;
	int64_t n;

	if (!int_parse(piece->text, &n))
		return bad(piece, err, "is not an integer between -2147483648 and 2147483647");
	if (param->has_min && n < param->min)
		what = xasprintf("is below the minimum %lld", (long long)param->min);
	else if (param->has_max && n > param->max)
		what = xasprintf("is above the maximum %lld", (long long)param->max);
	if (what)
		return bad(piece, err, what);
	*ret = xasprintf("%lld", (long long)n);
	return 0;
}

static int check_enum(const struct piece *piece, char **ret, struct err *err)
{
	const char *literal = find_literal(piece, err);

	if (!literal)
		return -EINVAL;
	*ret = xstrdup(literal);
	return 0;
}

/* ---- forms ---- */

static bool name_fits(const char *s, size_t len)
{
	_cleanup_free_ char *name = xstrndup(s, len);

	return object_name_valid(name);
}

/* All digits, up to most. */
static bool number_fits(const char *s, size_t len, int64_t least, int64_t most)
{
	_cleanup_free_ char *text = xstrndup(s, len);
	int64_t n;

	return *text != '-' && int_parse(text, &n) && n >= least && n <= most;
}

static bool word_fits(const char *s, size_t len, const char *const words[])
{
	for (size_t i = 0; words[i]; i++)
		if (strlen(words[i]) == len && strncasecmp(words[i], s, len) == 0)
			return true;
	return false;
}

/* "80/tcp", "80/tcp/address" */
static bool port_fits(const char *s, size_t len)
{
	static const char *const protocols[] = { "tcp", "udp", "tcp6", "udp6", NULL };
	const char *end = s + len, *slash = memchr(s, '/', len), *second;

	if (!slash || !number_fits(s, (size_t)(slash - s), 1, 65535))
		return false;
	second = memchr(slash + 1, '/', (size_t)(end - slash - 1));
	if (second && second + 1 == end)
		return false;
	return word_fits(slash + 1, (size_t)((second ? second : end) - slash - 1), protocols);
}

/* "3@node1", node a name or an id */
static bool weight_fits(const char *s, size_t len)
{
	const char *at = memchr(s, '@', len);

	return at && at + 1 < s + len && number_fits(s, (size_t)(at - s), 0, INT32_MAX);
}

/* "limit@20" */
static bool factor_fits(const char *s, size_t len)
{
	const char *at = memchr(s, '@', len);

	return at && name_fits(s, (size_t)(at - s)) && number_fits(at + 1, len - (size_t)(at + 1 - s), 0, INT32_MAX);
}

/* "db", "db{LOCAL_NODE}", "db@node1", "db{ANY_NODE}@node1" */
static bool dependency_fits(const char *s, size_t len)
{
	static const char *const scopes[] = { "LOCAL_NODE", "ANY_NODE", "FROM_RG_AFFINITIES", NULL };
	const char *at = memchr(s, '@', len), *open, *close;

	if (at && at + 1 == s + len)
		return false;
	if (at)
		len = (size_t)(at - s);
	open = memchr(s, '{', len);
	if (!open)
		return name_fits(s, len);
	close = s + len - 1;
	return *close == '}' && close > open && name_fits(s, (size_t)(open - s)) &&
	       word_fits(open + 1, (size_t)(close - open - 1), scopes);
}

/* One of the five signs, then the group. */
static bool affinity_fits(const char *s, size_t len)
{
	static const char *const signs[] = { "+++", "++", "+", "--", "-", NULL };

	for (size_t i = 0; signs[i]; i++) {
		size_t n = strlen(signs[i]);

		if (len > n && strncmp(s, signs[i], n) == 0)
			return name_fits(s + n, len - n);
	}
	return false;
}

static const struct { bool (*fits)(const char *s, size_t len); const char *what; } forms[FORM_COUNT] = {
	[FORM_NAME]       = { name_fits,       "is not a name: a letter, then letters, digits, '-' and '_'" },
	[FORM_PORT]       = { port_fits,       "is not a port and a protocol (tcp, udp, tcp6, udp6), as in 80/tcp" },
	[FORM_WEIGHT]     = { weight_fits,     "is not a weight and a node, as in 3@node1" },
	[FORM_FACTOR]     = { factor_fits,     "is not a load limit and a number, as in memory@20" },
	[FORM_DEPENDENCY] = { dependency_fits, "is not a resource, alone or with LOCAL_NODE, ANY_NODE or FROM_RG_AFFINITIES in braces" },
	[FORM_AFFINITY]   = { affinity_fits,   "is not +, ++, +++, - or -- and the name of a group" },
};

static int check_form(const struct piece *piece, struct err *err)
{
	enum prop_form form = piece->param->form;

	return !forms[form].fits || forms[form].fits(piece->text, piece->len) ? 0 : bad(piece, err, forms[form].what);
}

static int check_string(const struct piece *piece, char **ret, struct err *err)
{
	int r = check_bytes(piece, err);

	if (r >= 0)
		r = check_length(piece, err);
	if (r >= 0)
		r = check_form(piece, err);
	if (r < 0)
		return r;
	if (piece->param->enumlist.n)
		return check_enum(piece, ret, err);
	*ret = xstrndup(piece->text, piece->len);
	return 0;
}

static int check_array_size(const struct rt_param *param, size_t n, struct err *err)
{
	if (param->has_array_minsize && n < (uint64_t)param->array_minsize)
		return err_set(err, -EINVAL, "property %s: %zu elements given, at least %lld are needed", param->name, n,
			       (long long)param->array_minsize);
	if (param->has_array_maxsize && n > (uint64_t)param->array_maxsize)
		return err_set(err, -EINVAL, "property %s: %zu elements given, at most %lld are allowed", param->name, n,
			       (long long)param->array_maxsize);
	return 0;
}

static int check_array(const struct piece *whole, char **ret, struct err *err)
{
	_cleanup_(buf_done) struct buf out = { 0 };
	size_t count = 0;
	int r;

	for (const char *s = whole->text; whole->len; s++) {
		struct piece piece = { whole->param, s, strcspn(s, ","), true };
		_cleanup_free_ char *text = NULL;

		if (piece.len == 0)
			return bad(whole, err, "has an empty element; leave the extra comma out");
		r = check_string(&piece, &text, err);
		if (r < 0)
			return r;
		if (count++)
			buf_puts(&out, ",");
		buf_puts(&out, text);
		s += piece.len;
		if (!*s)
			break;
	}
	r = check_array_size(whole->param, count, err);
	if (r < 0)
		return r;
	*ret = buf_take(&out);
	return 0;
}

int rt_param_check(const struct rt_param *param, const char *value, char **ret, struct err *err)
{
	static int (*const check[PROP_TYPE_COUNT])(const struct piece *, char **, struct err *) = {
		[PROP_STRING] = check_string, [PROP_INT]         = check_int,   [PROP_BOOLEAN] = check_boolean,
		[PROP_ENUM]   = check_enum,   [PROP_STRINGARRAY] = check_array,
	};
	struct piece piece = { param, value, strlen(value), false };

	assert(param->type > PROP_INVALID && param->type < PROP_TYPE_COUNT);
	if (piece.len > PROP_VALUE_MAX)
		return err_set(err, -EINVAL, "property %s: the value has %zu bytes, at most %d are allowed", param->name, piece.len,
			       PROP_VALUE_MAX);
	return check[param->type](&piece, ret, err);
}

int prop_check(const struct prop_info *info, const char *value, char **ret, struct err *err)
{
	_cleanup_(rt_param_done) struct rt_param param = { 0 };

	rt_param_from_info(info, &param);
	return rt_param_check(&param, value, ret, err);
}
