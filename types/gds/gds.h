/* SUNW.gds: an application made highly available by naming its commands.
 *
 * The application runs under the process monitor, tag "group,resource,0.svc", without restarts there: whether and where it
 * is started again is decided in one place, the fault monitor (gds_probe), for crashes and for failed probes alike. */
#pragma once
#include "lib/command.h"
#include "lib/method.h"
#include "net/addr.h"

int gds_svc_start(struct method *m, struct err *err);
int gds_svc_stop(struct method *m, struct err *err);
int gds_validate(struct method *m, struct err *err);
int gds_update(struct method *m, struct err *err);
int gds_monitor_start(struct method *m, struct err *err);
int gds_monitor_stop(struct method *m, struct err *err);
int gds_monitor_check(struct method *m, struct err *err);
int gds_probe(struct method *m, struct err *err);

/* validate.c: all but Validate_command. */
int gds_check_config(const struct method *m, struct err *err);

/* check.c: one look at the application. */
#define CHECK_ENDPOINTS_MAX 256
#define CHECK_INTERRUPTED   (-1)
struct check_endpoint { struct net_ip ip; uint16_t port; };
struct check {
	const char *command;            /* NULL: connect to the endpoints; with none of them nothing can be looked at */
	struct check_endpoint endpoints[CHECK_ENDPOINTS_MAX];
	size_t n;
	int    timeout_ms;
};
int  check_init(struct check *check, const struct method *m, struct err *err);
bool check_possible(const struct check *check);
/* 0 good ... 100 dead, 201 fail over; CHECK_INTERRUPTED: interrupt_fd (-1: none) became readable. */
int  check_run(const struct check *check, int interrupt_fd);
/* "port/proto[/name]": 1, or 0 for a protocol that cannot be connected to; -EINVAL. */
int  check_port_parse(const char *text, uint16_t *ret_port, bool *ret_v6, struct err *err);

/* ds_log.c: the log files of the resource, as Log_level says; ordinary messages go to the system log as well. */
enum ds_log_class { DS_LOG_START, DS_LOG_STOP, DS_LOG_PROBE, DS_LOG_VALIDATE, DS_LOG_CLASS_COUNT };
void ds_log(const struct method *m, enum ds_log_class class, bool error, const char *fmt, ...) _printf_(4, 5);
