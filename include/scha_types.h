/* Types of the resource management API.  Names as documented; agents must not rely on the order of members. */
#ifndef SCHA_TYPES_H
#define SCHA_TYPES_H

#include <sys/types.h>
#include <time.h>

#include <scha_err.h>

/* What agents of other systems take for granted. */
#ifndef PARHELION_HAS_SYSTEM_TYPES
#define PARHELION_HAS_SYSTEM_TYPES
typedef enum { B_FALSE = 0, B_TRUE = 1 } boolean_t;
typedef unsigned int   uint_t;
typedef unsigned char  uchar_t;
typedef unsigned short ushort_t;
typedef unsigned long  ulong_t;
typedef long long      longlong_t;
typedef long long      hrtime_t;        /* nanoseconds */

#ifdef CLOCK_MONOTONIC                   /* a strict compiler mode hides it */
static __inline__ hrtime_t gethrtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (hrtime_t)now.tv_sec * 1000000000LL + now.tv_nsec;
}
#endif
#endif

typedef void *scha_cluster_t;
typedef void *scha_resource_t;
typedef void *scha_resourcegroup_t;
typedef void *scha_resourcetype_t;

typedef enum { SCHA_SWITCH_DISABLED = 0, SCHA_SWITCH_ENABLED } scha_switch_t;

typedef enum {
	SCHA_RSSTATUS_OK, SCHA_RSSTATUS_OFFLINE, SCHA_RSSTATUS_FAULTED, SCHA_RSSTATUS_DEGRADED, SCHA_RSSTATUS_UNKNOWN
} scha_rsstatus_t;

typedef enum {
	SCHA_RSSTATE_ONLINE, SCHA_RSSTATE_OFFLINE, SCHA_RSSTATE_START_FAILED, SCHA_RSSTATE_STOP_FAILED,
	SCHA_RSSTATE_MONITOR_FAILED, SCHA_RSSTATE_ONLINE_NOT_MONITORED, SCHA_RSSTATE_STARTING, SCHA_RSSTATE_STOPPING,
	SCHA_RSSTATE_DETACHED
} scha_rsstate_t;

typedef enum {
	SCHA_RGSTATE_UNMANAGED, SCHA_RGSTATE_ONLINE, SCHA_RGSTATE_OFFLINE, SCHA_RGSTATE_PENDING_ONLINE,
	SCHA_RGSTATE_PENDING_OFFLINE, SCHA_RGSTATE_ERROR_STOP_FAILED, SCHA_RGSTATE_ONLINE_FAULTED,
	SCHA_RGSTATE_PENDING_ONLINE_BLOCKED
} scha_rgstate_t;

typedef enum { RGMODE_NONE, RGMODE_FAILOVER, RGMODE_SCALABLE } scha_rgmode_t;

typedef enum {
	SCHA_FOMODE_NONE, SCHA_FOMODE_HARD, SCHA_FOMODE_SOFT, SCHA_FOMODE_RESTART_ONLY, SCHA_FOMODE_LOG_ONLY
} scha_failover_mode_t;

typedef enum { SCHA_INFLAG_RG_PRIMARIES, SCHA_INFLAG_RT_INSTALLED_NODES } scha_initnodes_flag_t;

typedef enum { SCHA_NODE_UP, SCHA_NODE_DOWN } scha_node_state_t;

typedef enum {
	SCHA_PTYPE_STRING, SCHA_PTYPE_INT, SCHA_PTYPE_BOOLEAN, SCHA_PTYPE_ENUM, SCHA_PTYPE_STRINGARRAY,
	SCHA_PTYPE_UINTARRAY, SCHA_PTYPE_UINT
} scha_prop_type_t;

typedef struct scha_str_array {
	uint_t    array_cnt;
	boolean_t is_ALL_value;         /* "*": then array_cnt is 0 */
	char    **str_array;
} scha_str_array_t;

typedef struct scha_uint_array {
	uint_t  array_cnt;
	uint_t *uint_array;
} scha_uint_array_t;

typedef struct scha_status_value {
	scha_rsstatus_t status;
	char           *status_msg;
} scha_status_value_t;

typedef struct scha_extprop_value {
	scha_prop_type_t prop_type;
	union {
		char             *val_str;
		int               val_int;
		char             *val_enum;
		boolean_t         val_boolean;
		scha_str_array_t *val_strarray;
	} val;
} scha_extprop_value_t;

#endif
