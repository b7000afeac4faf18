/* An agent as one is written with the DSDL: a server that sends back what it gets.  One program is all methods, by the name it is
 * called by, and the server as well, to keep what the test builds to one file.  Compiles as C99 and as C++. */
#include <netinet/in.h>
#include <rgm/libdsdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SVC_WAIT_PCT            3       /* of Start_timeout, before the first probe */
#define SVC_WAIT_TIME           1
#define SVC_CONNECT_TIMEOUT_PCT 95

/* ---- the server ---- */

static int serve(int port)
{
	struct sockaddr_in a;
	char buffer[512];
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0), peer;
	ssize_t n;

	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_port = htons((unsigned short)port);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 8) != 0)
		return 1;
	while ((peer = accept(fd, NULL, NULL)) >= 0) {
		while ((n = read(peer, buffer, sizeof buffer)) > 0)
			if (write(peer, buffer, (size_t)n) < 0)
				break;
		close(peer);
	}
	return 1;
}

/* ---- common parts ---- */

static int first_address(scds_handle_t h, scds_netaddr_list_t **list)
{
	scha_err_t e = scds_get_netaddr_list(h, list);

	if (e == SCHA_ERR_NOERR && *list != NULL && (*list)->num_netaddrs > 0)
		return 0;
	scds_syslog(LOG_ERR, "There is no network address: %s", scds_error_string(e));
	return 1;
}

static int svc_probe(scds_handle_t h, const scds_netaddr_t *address, int timeout)
{
	char text[] = "hello", got[sizeof text] = "";
	size_t size = sizeof text;
	hrtime_t began = gethrtime();
	int sock, left, status = 0;

	if (scds_fm_tcp_connect(h, &sock, address->hostname, address->port_proto.port,
				timeout * SVC_CONNECT_TIMEOUT_PCT / 100) != SCHA_ERR_NOERR)
		return SCDS_PROBE_COMPLETE_FAILURE;
	if (scds_fm_tcp_write(h, sock, text, &size, 1) != SCHA_ERR_NOERR ||
	    scds_fm_tcp_read(h, sock, got, &size, 1) != SCHA_ERR_NOERR || strcmp(text, got) != 0)
		status = SCDS_PROBE_COMPLETE_FAILURE;
	left = timeout - (int)((gethrtime() - began) / 1000000000);
	if (scds_fm_tcp_disconnect(h, sock, left > 0 ? left : 1) != SCHA_ERR_NOERR && status == 0)
		status = SCDS_PROBE_COMPLETE_FAILURE / 2;
	return status;
}

/* ---- methods ---- */

static int svc_validate(scds_handle_t h)
{
	scha_extprop_value_t *greeting = NULL;
	scds_net_resource_list_t *nets = NULL;
	scds_hasp_status_t hasp;
	int rc = 1;

	if (scds_hasp_check(h, &hasp) != SCHA_ERR_NOERR || hasp == SCDS_HASP_ERR_CONFIG || hasp == SCDS_HASP_NOT_ONLINE)
		return 1;
	if (scds_get_ext_probe_timeout(h) <= 0 || scds_get_ext_property(h, "Greeting", SCHA_PTYPE_STRING, &greeting) != SCHA_ERR_NOERR) {
		scds_syslog(LOG_ERR, "Probe_timeout and Greeting must be set");
		return 1;
	}
	if (strcmp(greeting->val.val_str, "wrong") == 0)
		fprintf(stderr, "the greeting is wrong\n");
	else if (scds_get_rs_hostnames(h, &nets) != SCHA_ERR_NOERR || nets == NULL || nets->num_netresources == 0)
		fprintf(stderr, "there is no address\n");
	else
		rc = 0;
	scds_print_net_list(h, DBG_LEVEL_HIGH, nets);
	scds_free_net_list(nets);
	scds_free_ext_property(greeting);
	return rc;
}

static int svc_start(scds_handle_t h)
{
	scds_netaddr_list_t *list;
	char command[SCDS_CMD_SIZE];

	if (svc_validate(h) != 0 || first_address(h, &list) != 0)
		return 1;
	snprintf(command, sizeof command, "exec %s/echo --serve %d", scds_get_rt_rt_basedir(h), list->netaddrs[0].port_proto.port);
	if (scds_pmf_start(h, SCDS_PMF_TYPE_SVC, SCDS_PMF_SINGLE_INSTANCE, command, -1) != SCHA_ERR_NOERR)
		return 1;
	if (scds_svc_wait(h, scds_get_rs_start_timeout(h) * SVC_WAIT_PCT / 100) != SCHA_ERR_NOERR)
		return 1;
	while (svc_probe(h, &list->netaddrs[0], scds_get_ext_probe_timeout(h)) != 0)
		if (scds_svc_wait(h, SVC_WAIT_TIME) != SCHA_ERR_NOERR) {
			scds_syslog(LOG_ERR, "service failed to start");
			return 1;
		}
	scds_free_netaddr_list(list);
	scds_syslog(LOG_INFO, "Service started, method %s", scds_get_current_method_name(h));
	return 0;
}

static int svc_stop(scds_handle_t h)
{
	return scds_pmf_stop(h, SCDS_PMF_TYPE_SVC, SCDS_PMF_SINGLE_INSTANCE, SIGTERM, scds_get_rs_stop_timeout(h));
}

static int mon_start(scds_handle_t h)
{
	return scds_pmf_start(h, SCDS_PMF_TYPE_MON, SCDS_PMF_SINGLE_INSTANCE, "echo_probe", 0);
}

static int mon_stop(scds_handle_t h)
{
	return scds_pmf_stop(h, SCDS_PMF_TYPE_MON, SCDS_PMF_SINGLE_INSTANCE, SIGKILL, scds_get_rs_monitor_stop_timeout(h));
}

static int update(scds_handle_t h)
{
	return scds_pmf_restart_fm(h, SCDS_PMF_SINGLE_INSTANCE);
}

static int probe(scds_handle_t h)
{
	scds_netaddr_list_t *list;
	int i, timeout = scds_get_ext_probe_timeout(h);

	if (first_address(h, &list) != 0)
		return 1;
	for (;;) {
		(void)scds_fm_sleep(h, scds_get_rs_thorough_probe_interval(h));
		for (i = 0; i < list->num_netaddrs; i++) {
			hrtime_t began = gethrtime();
			int status = svc_probe(h, &list->netaddrs[i], timeout);

			scds_syslog_debug(DBG_LEVEL_HIGH, "probe: %d", status);
			(void)scds_fm_action(h, status, (long)((gethrtime() - began) / 1000000));
		}
	}
}

static const struct { const char *name; int (*method)(scds_handle_t h); } methods[] = {
	{ "echo_svc_start", svc_start }, { "echo_svc_stop", svc_stop }, { "echo_validate", svc_validate },
	{ "echo_update", update }, { "echo_monitor_start", mon_start }, { "echo_monitor_stop", mon_stop },
	{ "echo_monitor_check", svc_validate }, { "echo_probe", probe },
};

int main(int argc, char *argv[])
{
	scds_handle_t h;
	unsigned i;
	int rc = 1;

	if (argc == 3 && strcmp(argv[1], "--serve") == 0)
		return serve((int)strtol(argv[2], NULL, 10));
	if (scds_initialize(&h, argc, argv) != SCHA_ERR_NOERR) {
		scds_syslog(LOG_ERR, "Failed to initialize the handle.");
		return 1;
	}
	for (i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(methods[i].name, scds_get_current_method_name(h)) == 0)
			rc = methods[i].method(h);
	scds_close(&h);
	return rc;
}
