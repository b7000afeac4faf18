/* The data service development library.  Link with -ldsdev, and with -lscha where functions of scha.h are called as well.
 *
 * A program initialises once, with the arguments of main() as they are, and closes before it ends:
 *
 *     scds_handle_t h;
 *
 *     if (scds_initialize(&h, argc, argv) != SCHA_ERR_NOERR)
 *             return 1;
 *     rc = svc_start(h);
 *     scds_close(&h);
 *     return rc;
 *
 * Errors: 0 is success.  SCHA_ERR_INVAL: a NULL or closed handle, a NULL pointer, a value out of range.  SCHA_ERR_INTERNAL: a
 * daemon of this node does not answer, or answers what makes no sense.  Both may come from every function.  What else may come
 * is said below.  An error of the cluster (SCHA_ERR_RSRC, SCHA_ERR_CHECKS ...) is passed on as it is.
 *
 * Times are whole seconds.  Strings and arrays of property functions belong to the handle; what another function puts into a
 * pointer to a pointer belongs to the caller, who frees it with the function named.  One thread at a time.
 *
 * Names, types and behaviour are those documented for Sun Cluster 3.x in section 3HA of its manual; "as of 4.x" says where the
 * later behaviour was taken, "decided here" where the documents leave it open.  The numbers of the enums are this library's own. */
#ifndef RGM_LIBDSDEV_H
#define RGM_LIBDSDEV_H

#include <signal.h>
#include <sys/time.h>
#include <sys/types.h>
#include <syslog.h>

#include <scha.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void *scds_handle_t;

/* ---- constants ---- */

#define SCDS_PROBE_COMPLETE_FAILURE     100     /* status of a probe: dead; smaller ones add up, /2 is a partial failure */
#define SCDS_PROBE_IMMEDIATE_FAILOVER   201     /* fail over whatever was before */
#define SCDS_PMF_SINGLE_INSTANCE        0       /* the instance of a resource with one process tree */
#define SCDS_MAX_IPADDR_TYPES           2       /* slots of a socket list: [0] IPv4, [1] IPv6 */
#define SCDS_MAX_DEBUG_LEVEL            9
#define DBG_LEVEL_LOW                   1
#define DBG_LEVEL_MED                   5
#define DBG_LEVEL_HIGH                  9
#define SCDS_CMD_SIZE                   (8 * 1024)      /* room for a command line */
#define SCDS_ARRAY_SIZE                 1024            /* room for a text */

/* TCP and UDP have the numbers of netinet/in.h, which agents compare with. */
#define SCDS_IPPROTO_TCP                6       /* IPv4 */
#define SCDS_IPPROTO_UDP                17
#define SCDS_IPPROTO_TCP6               262     /* IPv4 and IPv6 */
#define SCDS_IPPROTO_UDP6               273

/* ---- types ---- */

typedef struct scds_net_resource {
	char  *name;            /* of the LogicalHostname or SharedAddress resource */
	int    num_hostnames;
	char **hostnames;
} scds_net_resource_t;

typedef struct scds_net_resource_list {
	int                  num_netresources;
	scds_net_resource_t *netresources;
} scds_net_resource_list_t;

typedef struct scds_port {
	int port;
	int proto;              /* SCDS_IPPROTO_... */
} scds_port_t;

typedef struct scds_port_list {
	int          num_ports;
	scds_port_t *ports;
} scds_port_list_t;

typedef struct scds_netaddr {
	char       *hostname;
	scds_port_t port_proto;
} scds_netaddr_t;

typedef struct scds_netaddr_list {
	int             num_netaddrs;
	scds_netaddr_t *netaddrs;
} scds_netaddr_list_t;

typedef enum {
	SCDS_FMSOCK_OK,         /* connected: fd is valid */
	SCDS_FMSOCK_NA,         /* does not apply: the host has no such address, or the protocol excludes it */
	SCDS_FMSOCK_ERR         /* failed: err says why */
} scds_fmsock_status_t;

typedef struct scds_socket {
	scds_fmsock_status_t status;
	int                  fd;
	scha_err_t           err;
} scds_socket_t;

typedef enum {
	SCDS_PMF_TYPE_SVC,      /* the application; tag GROUP,RESOURCE,INSTANCE.svc */
	SCDS_PMF_TYPE_MON,      /* the fault monitor; .mon */
	SCDS_PMF_TYPE_OTHER     /* anything else; .oth */
} scds_pmf_type_t;

typedef enum { SCDS_PMF_MONITORED, SCDS_PMF_NOT_MONITORED } scds_pmf_status_t;

/* What of all storage resources that a resource depends on; of several that are true the first one is told. */
typedef enum {
	SCDS_HASP_NO_RESOURCE,          /* it depends on none */
	SCDS_HASP_ERR_CONFIG,           /* one is in another group */
	SCDS_HASP_NOT_ONLINE,           /* one is online nowhere */
	SCDS_HASP_ONLINE_NOT_LOCAL,     /* one is online, but not on this node: files cannot be checked here */
	SCDS_HASP_ONLINE_LOCAL          /* all are online here */
} scds_hasp_status_t;

/* ---- begin and end ---- */

/* Reads -R, -T, -G and what Validate gets (-c -u -r -x -X -g) or a zone (-Z) from argv, which is not changed; asks the cluster for
 * the resource, its type and its group; opens the log.  Values in argv win over those of the cluster, also in every property
 * function; with -c only they are there, as the resource does not exist yet.  A Retry_interval that is shorter than
 * Thorough_probe_interval * Retry_count is logged.  After an error call nothing but scds_syslog() and exit. */
scha_err_t scds_initialize(scds_handle_t *handle, int argc, char *argv[]);
/* Frees what the handle has; *handle is NULL then. */
void scds_close(scds_handle_t *handle);

/* Of the library, not to be freed; NULL: no such code.  _i18n: as LC_MESSAGES says, where there is a catalogue. */
const char *scds_error_string(scha_err_t error_code);
const char *scds_error_string_i18n(scha_err_t error_code);

/* ---- names: of the handle; NULL: no handle ---- */

const char *scds_get_resource_name(scds_handle_t handle);
const char *scds_get_resource_group_name(scds_handle_t handle);
const char *scds_get_resource_type_name(scds_handle_t handle);          /* as it came: it may have ":version" */
const char *scds_get_current_method_name(scds_handle_t handle);         /* last part of argv[0] */
/* There are no zones on Linux: NULL, B_FALSE. */
const char *scds_get_zone_name(scds_handle_t handle);
boolean_t   scds_is_zone_cluster(scds_handle_t handle);
/* "node:zone", and for the global zone, or a zone cluster, only the node; its name, or its number.  free(3) it. */
scha_err_t scds_get_fullname(const char *zonename, char **fullname, boolean_t is_zone_cluster);
scha_err_t scds_get_fullname_nodeid(const char *zonename, char **fullname, boolean_t is_zone_cluster);

/* ---- properties, as they were at scds_initialize() ----
 * Without a handle, or where the type does not declare the property: NULL, -1 (int), the first value of an enum, B_FALSE. */

int                   scds_get_rs_cheap_probe_interval(scds_handle_t handle);           /* seconds */
scha_failover_mode_t  scds_get_rs_failover_mode(scds_handle_t handle);
boolean_t             scds_get_rs_global_zone_override(scds_handle_t handle);
int                   scds_get_rs_monitor_stop_timeout(scds_handle_t handle);           /* seconds */
scha_switch_t         scds_get_rs_monitored_switch(scds_handle_t handle);
scha_str_array_t     *scds_get_rs_network_resources_used(scds_handle_t handle);
scha_switch_t         scds_get_rs_on_off_switch(scds_handle_t handle);
scha_str_array_t     *scds_get_rs_resource_dependencies(scds_handle_t handle);
scha_str_array_t     *scds_get_rs_resource_dependencies_weak(scds_handle_t handle);
scha_str_array_t     *scds_get_rs_resource_dependencies_restart(scds_handle_t handle);
scha_str_array_t     *scds_get_rs_resource_dependencies_offline_restart(scds_handle_t handle);
scha_str_array_t     *scds_get_rs_resource_dependencies_Q(scds_handle_t handle);        /* the same with {qualifiers} */
scha_str_array_t     *scds_get_rs_resource_dependencies_Q_weak(scds_handle_t handle);
scha_str_array_t     *scds_get_rs_resource_dependencies_Q_restart(scds_handle_t handle);
scha_str_array_t     *scds_get_rs_resource_dependencies_Q_offline_restart(scds_handle_t handle);
const char           *scds_get_rs_resource_project_name(scds_handle_t handle);
int                   scds_get_rs_retry_count(scds_handle_t handle);                    /* -1: without limit */
int                   scds_get_rs_retry_interval(scds_handle_t handle);                 /* seconds */
boolean_t             scds_get_rs_scalable(scds_handle_t handle);
int                   scds_get_rs_start_timeout(scds_handle_t handle);                  /* seconds */
int                   scds_get_rs_stop_timeout(scds_handle_t handle);                   /* seconds */
int                   scds_get_rs_thorough_probe_interval(scds_handle_t handle);        /* seconds */

int                   scds_get_rg_desired_primaries(scds_handle_t handle);
scha_str_array_t     *scds_get_rg_global_resources_used(scds_handle_t handle);
boolean_t             scds_get_rg_implicit_network_dependencies(scds_handle_t handle);
int                   scds_get_rg_maximum_primaries(scds_handle_t handle);
scha_str_array_t     *scds_get_rg_nodelist(scds_handle_t handle);
const char           *scds_get_rg_pathprefix(scds_handle_t handle);
int                   scds_get_rg_pingpong_interval(scds_handle_t handle);              /* seconds */
scha_str_array_t     *scds_get_rg_resource_list(scds_handle_t handle);
scha_str_array_t     *scds_get_rg_rg_affinities(scds_handle_t handle);
scha_rgmode_t         scds_get_rg_rg_mode(scds_handle_t handle);
const char           *scds_get_rg_rg_project_name(scds_handle_t handle);
int                   scds_get_rg_rg_slm_cpu_shares(scds_handle_t handle);
int                   scds_get_rg_rg_slm_pset_min(scds_handle_t handle);
const char           *scds_get_rg_rg_slm_pset_type(scds_handle_t handle);
const char           *scds_get_rg_rg_slm_type(scds_handle_t handle);

int                   scds_get_rt_api_version(scds_handle_t handle);
boolean_t             scds_get_rt_failover(scds_handle_t handle);
scha_initnodes_flag_t scds_get_rt_init_nodes(scds_handle_t handle);
scha_str_array_t     *scds_get_rt_installed_nodes(scds_handle_t handle);
const char           *scds_get_rt_rt_basedir(scds_handle_t handle);
const char           *scds_get_rt_rt_version(scds_handle_t handle);
boolean_t             scds_get_rt_single_instance(scds_handle_t handle);
const char           *scds_get_rt_start_method(scds_handle_t handle);
const char           *scds_get_rt_stop_method(scds_handle_t handle);

/* Extension properties that most types have; where one does not declare them: NULL, 4, 2 minutes, 30 s. */
scha_str_array_t     *scds_get_ext_confdir_list(scds_handle_t handle);
int                   scds_get_ext_monitor_retry_count(scds_handle_t handle);
int                   scds_get_ext_monitor_retry_interval(scds_handle_t handle);        /* minutes */
int                   scds_get_ext_probe_timeout(scds_handle_t handle);                 /* seconds */

/* Any extension property; the value of this node where it has one per node.  PROP: the type does not declare it.  INVAL: it is
 * of another type. */
scha_err_t scds_get_ext_property(scds_handle_t handle, const char *property_name, scha_prop_type_t property_type,
				 scha_extprop_value_t **property_value);
void scds_free_ext_property(scha_extprop_value_t *property_value);              /* NULL is fine */

/* ---- addresses and ports ----
 * The host names of the address resources in Network_resources_used; else of those it depends on (as of 4.x); else of all in the
 * group.  None: success, and the list is NULL. */

scha_err_t scds_get_rs_hostnames(scds_handle_t handle, scds_net_resource_list_t **list);
scha_err_t scds_get_rg_hostnames(char *resourcegroup_name, scds_net_resource_list_t **list);   /* of all in the group */
/* CLUSTER: zone is not this cluster. */
scha_err_t scds_get_rg_hostnames_zone(char *zone, char *resourcegroup_name, scds_net_resource_list_t **list);
/* Port_list; an entry without protocol is tcp.  INVAL: an entry is no port/tcp, udp, tcp6, udp6.  Empty: NULL. */
scha_err_t scds_get_port_list(scds_handle_t handle, scds_port_list_t **list);
/* Each host with each port, hosts first; an entry host/port/protocol of Port_list stands for itself. */
scha_err_t scds_get_netaddr_list(scds_handle_t handle, scds_netaddr_list_t **list);
void scds_free_net_list(scds_net_resource_list_t *list);                        /* NULL is fine, also below */
void scds_free_port_list(scds_port_list_t *list);
void scds_free_netaddr_list(scds_netaddr_list_t *list);

/* ---- probing over TCP ----
 * timeout: at least 1 second.  TIMEOUT; STATE: refused, reset, unreachable.  Names are looked up with getaddrinfo(3), which has
 * time-outs of its own: keep those of the cluster in /etc/hosts. */

/* An IPv4 address of the host if it has one, else IPv6.  *sock does not block. */
scha_err_t scds_fm_tcp_connect(scds_handle_t handle, int *sock, const char *hostname, int port, time_t timeout);
/* Closes sock in any case; success: the other side's system has seen it. */
scha_err_t scds_fm_tcp_disconnect(scds_handle_t handle, int sock, time_t timeout);
/* *size: bytes wanted, then bytes read; fewer when the other side closes, or with an error. */
scha_err_t scds_fm_tcp_read(scds_handle_t handle, int sock, char *buffer, size_t *size, time_t timeout);
/* *size: bytes to send, then bytes sent. */
scha_err_t scds_fm_tcp_write(scds_handle_t handle, int sock, char *buffer, size_t *size, time_t timeout);
/* Connect and disconnect. */
scha_err_t scds_simple_probe(scds_handle_t handle, const char *hostname, int port, time_t timeout);

/* Both families side by side within one timeout; count is SCDS_MAX_IPADDR_TYPES.  Success: see each slot.  A name that cannot be
 * resolved is an error (STATE) of each slot that the protocol asks for. */
scha_err_t scds_fm_net_connect(scds_handle_t handle, scds_socket_t *socklist, int count, scds_netaddr_t addr, time_t timeout);
/* Closes every slot that is OK; all are NA then.  The error of the first that failed. */
scha_err_t scds_fm_net_disconnect(scds_handle_t handle, scds_socket_t *socklist, int count, time_t timeout);
scha_err_t scds_simple_net_probe(scds_handle_t handle, scds_netaddr_t addr, time_t timeout, scds_fmsock_status_t *status,
				 int count);

/* ---- processes ---- */

/* The command runs under the process monitor, with its environment and the caller's PATH.
 * SVC, OTHER: by /bin/sh -c; its death is left to scds_svc_wait() and scds_fm_sleep() (decided here: no action script).
 * MON: split at white space; a program without "/" is one in RT_basedir; -R -G -T are appended; restarted Monitor_retry_count
 * times in Monitor_retry_interval.
 * child_monitor_level: generations of children that are watched; -1: all.  INTERNAL also: the tag is active already. */
scha_err_t scds_pmf_start(scds_handle_t handle, scds_pmf_type_t program_type, int instance, const char *command,
			  int child_monitor_level);
/* env: NULL-terminated NAME=value, added to the environment. */
scha_err_t scds_pmf_start_env(scds_handle_t handle, scds_pmf_type_t program_type, int instance, const char *command,
			      int child_monitor_level, char **env);
/* Signal, 80 % of the timeout; then SIGKILL, 15 %.  -1: as long as it takes; 0 is taken as 1.  No such tag: success.
 * TIMEOUT: processes are left. */
scha_err_t scds_pmf_stop(scds_handle_t handle, scds_pmf_type_t program_type, int instance, int signal, time_t timeout);
/* The processes live on.  No such tag: success. */
scha_err_t scds_pmf_stop_monitoring(scds_handle_t handle, scds_pmf_type_t program_type, int instance);
/* timeout: how long to wait for the end of the tree; 0: not at all; -1: as long as it takes.  TIMEOUT.  No such tag: INTERNAL. */
scha_err_t scds_pmf_signal(scds_handle_t handle, scds_pmf_type_t program_type, int instance, int signal, time_t timeout);
scha_err_t scds_pmf_get_status(scds_handle_t handle, scds_pmf_type_t program_type, int instance,
			       scds_pmf_status_t *pmf_status);
/* The fault monitor anew, with the same command: it reads the properties again.  Not running: success. */
scha_err_t scds_pmf_restart_fm(scds_handle_t handle, int instance);

/* By /bin/sh.  After the timeout its process group gets the signal (-1: SIGKILL), and is not waited for any longer.
 * *cmd_exit_code: exit status, or 128 and the number of the signal that ended it; after TIMEOUT 99, as of hatimerun. */
scha_err_t scds_timerun(scds_handle_t handle, const char *command, time_t timeout, int signal, int *cmd_exit_code);
/* As hatimerun -d and -x (names of 4.x, arguments decided here).  _delay: the time begins when the command begins to run, so that a
 * system under load costs it nothing.  _threshold: a command that ended in time is a warning in the log when it took more than
 * that many per cent (0 to 100) of it. */
scha_err_t scds_timerun_delay(scds_handle_t handle, const char *command, time_t timeout, int signal, int *cmd_exit_code);
scha_err_t scds_timerun_threshold(scds_handle_t handle, const char *command, time_t timeout, int signal, int threshold,
				  int *cmd_exit_code);
scha_err_t scds_timerun_delay_threshold(scds_handle_t handle, const char *command, time_t timeout, int signal, int threshold,
					int *cmd_exit_code);

/* ---- fault monitor ---- */

/* Until the timeout, or the death of a process tree of the application: that is a complete failure, and handled as by
 * scds_fm_action(), a restart included when a failover was refused; but of several trees only the one that died is started again,
 * which the RGM counts (SCHA_RESOURCE_IS_RESTARTED).  A tree that was dead before counts after the timeout.
 * INTERNAL: it could not be restarted. */
scha_err_t scds_fm_sleep(scds_handle_t handle, time_t timeout);
/* probe_status: 0 good to 100 dead, or SCDS_PROBE_IMMEDIATE_FAILOVER; anything else is 100.  elapsed_milliseconds is ignored.
 *
 * The statuses of the last Retry_interval seconds are added up.  Under 100: nothing; 0 sets the status OK.  At 100: a restart of
 * the resource while fewer than Retry_count were made in that time, else a failover.  Failover_mode RESTART_ONLY forbids the
 * failover, as does an extension property Failover_enabled that is FALSE; LOG_ONLY forbids both.  The restart is one of the RGM (SCHA_RESOURCE_RESTART, as of 4.x), which stops and starts the monitor:
 * after a restart or failover that succeeds this function may never return.  When a failover is refused everything before is
 * forgotten.  FAIL: a failover was tried and refused.  INTERNAL: the restart was refused. */
scha_err_t scds_fm_action(scds_handle_t handle, int probe_status, long elapsed_milliseconds);
void scds_fm_print_probes(scds_handle_t handle, int debug_level);
/* For Start: waits, and watches the trees of the application.  One that dies is started again, and the wait begins anew.
 * FAIL: Retry_count deaths within Retry_interval, counted over all calls. */
scha_err_t scds_svc_wait(scds_handle_t handle, time_t timeout);

/* Of the resource, of its group, to another node, by scha_control(), whose errors are passed on.  A monitor that succeeds may not
 * return: the RGM stops it first. */
scha_err_t scds_restart_resource(scds_handle_t handle);
scha_err_t scds_restart_rg(scds_handle_t handle);
scha_err_t scds_failover_rg(scds_handle_t handle);

/* ---- storage ---- */

/* Of the SUNW.HAStoragePlus resources among the dependencies of all four kinds.  *hasp_status is undefined after an error. */
scha_err_t scds_hasp_check(scds_handle_t handle, scds_hasp_status_t *hasp_status);

/* ---- log: "SC[type,group,resource,method]: text", facility as the cluster says ---- */

/* priority: of syslog.h. */
void scds_syslog(int priority, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));
/* Written at LOG_DEBUG when debug_level (1 to 9) is not above the number that stood in /var/cluster/rgm/rt/TYPE/loglevel, TYPE
 * without version, at scds_initialize(). */
void scds_syslog_debug(int debug_level, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));
void scds_print_net_list(scds_handle_t handle, int debug_level, const scds_net_resource_list_t *list);
void scds_print_port_list(scds_handle_t handle, int debug_level, const scds_port_list_t *list);
void scds_print_netaddr_list(scds_handle_t handle, int debug_level, const scds_netaddr_list_t *list);

#ifdef __cplusplus
}
#endif
#endif
