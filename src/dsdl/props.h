/* The property functions, one row each: name, type, object, tag of the get functions (for EXT the name of the property), value
 * where there is none.  Declaration, number, value and function come from here. */
#pragma once
#include <scha_types.h>

#define PROPS(N, P) \
	N(rs_cheap_probe_interval,        int,                   RESOURCE, "CHEAP_PROBE_INTERVAL",        -1) \
	N(rs_failover_mode,               scha_failover_mode_t,  RESOURCE, "FAILOVER_MODE",               SCHA_FOMODE_NONE) \
	N(rs_global_zone_override,        boolean_t,             RESOURCE, "GLOBAL_ZONE_OVERRIDE",        B_FALSE) \
	N(rs_monitor_stop_timeout,        int,                   RESOURCE, "MONITOR_STOP_TIMEOUT",        -1) \
	N(rs_monitored_switch,            scha_switch_t,         RESOURCE, "MONITORED_SWITCH",            SCHA_SWITCH_DISABLED) \
	P(rs_network_resources_used,      scha_str_array_t *,    RESOURCE, "NETWORK_RESOURCES_USED") \
	N(rs_on_off_switch,               scha_switch_t,         RESOURCE, "ON_OFF_SWITCH",               SCHA_SWITCH_DISABLED) \
	P(rs_resource_dependencies,       scha_str_array_t *,    RESOURCE, "RESOURCE_DEPENDENCIES") \
	P(rs_resource_dependencies_weak,  scha_str_array_t *,    RESOURCE, "RESOURCE_DEPENDENCIES_WEAK") \
	P(rs_resource_dependencies_restart, scha_str_array_t *,  RESOURCE, "RESOURCE_DEPENDENCIES_RESTART") \
	P(rs_resource_dependencies_offline_restart, scha_str_array_t *, RESOURCE, "RESOURCE_DEPENDENCIES_OFFLINE_RESTART") \
	P(rs_resource_dependencies_Q,     scha_str_array_t *,    RESOURCE, "RESOURCE_DEPENDENCIES_Q") \
	P(rs_resource_dependencies_Q_weak, scha_str_array_t *,   RESOURCE, "RESOURCE_DEPENDENCIES_Q_WEAK") \
	P(rs_resource_dependencies_Q_restart, scha_str_array_t *, RESOURCE, "RESOURCE_DEPENDENCIES_Q_RESTART") \
	P(rs_resource_dependencies_Q_offline_restart, scha_str_array_t *, RESOURCE, "RESOURCE_DEPENDENCIES_Q_OFFLINE_RESTART") \
	P(rs_resource_project_name,       const char *,          RESOURCE, "RESOURCE_PROJECT_NAME") \
	N(rs_retry_count,                 int,                   RESOURCE, "RETRY_COUNT",                 -1) \
	N(rs_retry_interval,              int,                   RESOURCE, "RETRY_INTERVAL",              -1) \
	N(rs_scalable,                    boolean_t,             RESOURCE, "SCALABLE",                    B_FALSE) \
	N(rs_start_timeout,               int,                   RESOURCE, "START_TIMEOUT",               -1) \
	N(rs_stop_timeout,                int,                   RESOURCE, "STOP_TIMEOUT",                -1) \
	N(rs_thorough_probe_interval,     int,                   RESOURCE, "THOROUGH_PROBE_INTERVAL",     -1) \
	\
	N(rg_desired_primaries,           int,                   GROUP,    "DESIRED_PRIMARIES",           -1) \
	P(rg_global_resources_used,       scha_str_array_t *,    GROUP,    "GLOBAL_RESOURCES_USED") \
	N(rg_implicit_network_dependencies, boolean_t,           GROUP,    "IMPLICIT_NETWORK_DEPENDENCIES", B_FALSE) \
	N(rg_maximum_primaries,           int,                   GROUP,    "MAXIMUM_PRIMARIES",           -1) \
	P(rg_nodelist,                    scha_str_array_t *,    GROUP,    "NODELIST") \
	P(rg_pathprefix,                  const char *,          GROUP,    "PATHPREFIX") \
	N(rg_pingpong_interval,           int,                   GROUP,    "PINGPONG_INTERVAL",           -1) \
	P(rg_resource_list,               scha_str_array_t *,    GROUP,    "RESOURCE_LIST") \
	P(rg_rg_affinities,               scha_str_array_t *,    GROUP,    "RG_AFFINITIES") \
	N(rg_rg_mode,                     scha_rgmode_t,         GROUP,    "RG_MODE",                     RGMODE_NONE) \
	P(rg_rg_project_name,             const char *,          GROUP,    "RG_PROJECT_NAME") \
	N(rg_rg_slm_cpu_shares,           int,                   GROUP,    "RG_SLM_CPU_SHARES",           -1) \
	N(rg_rg_slm_pset_min,             int,                   GROUP,    "RG_SLM_PSET_MIN",             -1) \
	P(rg_rg_slm_pset_type,            const char *,          GROUP,    "RG_SLM_PSET_TYPE") \
	P(rg_rg_slm_type,                 const char *,          GROUP,    "RG_SLM_TYPE") \
	\
	N(rt_api_version,                 int,                   TYPE,     "API_VERSION",                 -1) \
	N(rt_failover,                    boolean_t,             TYPE,     "FAILOVER",                    B_FALSE) \
	N(rt_init_nodes,                  scha_initnodes_flag_t, TYPE,     "INIT_NODES",                  SCHA_INFLAG_RG_PRIMARIES) \
	P(rt_installed_nodes,             scha_str_array_t *,    TYPE,     "INSTALLED_NODES") \
	P(rt_rt_basedir,                  const char *,          TYPE,     "RT_BASEDIR") \
	P(rt_rt_version,                  const char *,          TYPE,     "RT_VERSION") \
	N(rt_single_instance,             boolean_t,             TYPE,     "SINGLE_INSTANCE",             B_FALSE) \
	P(rt_start_method,                const char *,          TYPE,     "START") \
	P(rt_stop_method,                 const char *,          TYPE,     "STOP") \
	\
	P(ext_confdir_list,               scha_str_array_t *,    EXT,      "Confdir_list") \
	N(ext_monitor_retry_count,        int,                   EXT,      "Monitor_retry_count",         4) \
	N(ext_monitor_retry_interval,     int,                   EXT,      "Monitor_retry_interval",      2) \
	N(ext_probe_timeout,              int,                   EXT,      "Probe_timeout",               30)

enum prop_id {
#define PROP_ID(name, ...) PROP_##name,
	PROPS(PROP_ID, PROP_ID)
#undef PROP_ID
	PROP_COUNT
};

union prop_value { int n; void *p; };

struct scds;
/* Fills s->values from what the cluster told. */
void props_fill(struct scds *s);
