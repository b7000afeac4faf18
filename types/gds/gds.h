/* SUNW.gds: an application made highly available by naming its commands.
 *
 * An agent like any other: it includes public headers only.  The application runs under the process monitor, tag
 * "group,resource,N.svc", N from 0; whether and where it is started again is decided by the fault monitor (gds_probe), for
 * crashes and for failed probes alike.
 *
 * Functions that return int: 0, or 1 after the reason was logged. */
#pragma once
#include <rgm/libdsdev.h>
#include <stdbool.h>

#define GDS_TREES_MAX 100               /* lines of a file of start commands */

/* ---- commands.c ---- */

/* A text property with its %NAME variables replaced; "" when it is empty.  free(3) it. */
char *gds_command(scds_handle_t h, const char *property);
int   gds_number(scds_handle_t h, const char *property, int none);
bool  gds_is_true(scds_handle_t h, const char *property, bool none);
bool  gds_enum_is(scds_handle_t h, const char *property, const char *value);

/* Start_command, or, when that is a readable file that cannot be executed, each line of it. */
struct gds_commands { char *v[GDS_TREES_MAX]; int n; };
int  gds_start_commands(scds_handle_t h, struct gds_commands *ret);
/* The number of trees that there may be: for Stop, as the file may have changed since, or not be there any more. */
int  gds_instances_max(scds_handle_t h);
void gds_commands_free(struct gds_commands *commands);
/* Of a command line: can its first word be executed here? */
int  gds_check_program(const char *property, const char *line);

/* ---- methods ---- */

int gds_svc_start(scds_handle_t h);
int gds_svc_stop(scds_handle_t h);
int gds_validate(scds_handle_t h);
int gds_update(scds_handle_t h);
int gds_monitor_start(scds_handle_t h);
int gds_monitor_stop(scds_handle_t h);
int gds_probe(scds_handle_t h);                 /* never returns when all goes well */

/* validate.c: all but Validate_command. */
int gds_check_config(scds_handle_t h);

/* probe.c: one look at the application. */
struct probe {
	char                *command;           /* Probe_command; "": connect */
	scds_netaddr_list_t *addresses;         /* NULL: there is nothing to connect to */
	int                  timeout_s;
};
int  probe_init(scds_handle_t h, struct probe *probe);
void probe_done(struct probe *probe);
bool probe_possible(const struct probe *probe);
int  probe_run(scds_handle_t h, const struct probe *probe);     /* 0 good ... 100 dead, 201 fail over */

/* log.c: the log files of the resource, as Log_level says; ordinary messages go to the system log as well. */
enum gds_log_class { GDS_LOG_START, GDS_LOG_STOP, GDS_LOG_PROBE, GDS_LOG_VALIDATE, GDS_LOG_CLASS_COUNT };
void gds_log(scds_handle_t h, enum gds_log_class class, bool error, const char *format, ...)
	__attribute__((__format__(__printf__, 4, 5)));
