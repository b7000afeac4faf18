/* SAMPLE.glyph: an agent for glyphd, with the DSDL.  One program is all methods, and the fault monitor, by the name it is called by.
 * docs/agents.md goes through it. */
#include <rgm/libdsdev.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GLYPHD "/usr/cluster/lib/rgm/types/sample/glyphd"

/* ---- what the methods share ---- */

/* The configuration file in the one directory that Confdir_list names. */
static int config_file(scds_handle_t h, char *path, size_t size)
{
	scha_str_array_t *dirs = scds_get_ext_confdir_list(h);

	if (!dirs || dirs->array_cnt != 1) {
		fprintf(stderr, "Confdir_list must name one directory\n");
		return 1;
	}
	if (snprintf(path, size, "%s/glyphd.cfg", dirs->str_array[0]) >= (int)size || access(path, R_OK) != 0) {
		fprintf(stderr, "cannot read %s\n", path);
		return 1;
	}
	return 0;
}

static int svc_validate(scds_handle_t h)
{
	scds_port_list_t *ports = NULL;
	scds_net_resource_list_t *nets = NULL;
	scds_hasp_status_t hasp;
	char path[SCDS_ARRAY_SIZE];
	int rc = 1;

	if (scds_get_port_list(h, &ports) != SCHA_ERR_NOERR || !ports || ports->num_ports != 1)
		fprintf(stderr, "Port_list must have one port\n");
	else if (scds_get_rs_hostnames(h, &nets) != SCHA_ERR_NOERR || !nets || nets->num_netresources == 0)
		fprintf(stderr, "there is no address resource in the group\n");
	else if (scds_hasp_check(h, &hasp) != SCHA_ERR_NOERR || hasp == SCDS_HASP_ERR_CONFIG || hasp == SCDS_HASP_NOT_ONLINE)
		fprintf(stderr, "the storage that this resource depends on is not online\n");
	else if (hasp != SCDS_HASP_ONLINE_NOT_LOCAL && access(GLYPHD, X_OK) != 0)
		fprintf(stderr, "cannot execute %s\n", GLYPHD);
	else if (hasp == SCDS_HASP_ONLINE_NOT_LOCAL || config_file(h, path, sizeof path) == 0)
		rc = 0;
	scds_free_port_list(ports);
	scds_free_net_list(nets);
	return rc;
}

/* Asks, as a client would, and wants the right answer: 0 good, 100 dead. */
static int svc_probe(scds_handle_t h, const char *host, int port, int timeout)
{
	char text[8] = "PING\n";
	size_t size = 5;
	int sock, status = 0;

	if (scds_fm_tcp_connect(h, &sock, host, port, timeout) != SCHA_ERR_NOERR)
		return SCDS_PROBE_COMPLETE_FAILURE;
	if (scds_fm_tcp_write(h, sock, text, &size, timeout) != SCHA_ERR_NOERR ||
	    scds_fm_tcp_read(h, sock, text, &size, timeout) != SCHA_ERR_NOERR || strncmp(text, "PONG\n", 5) != 0)
		status = SCDS_PROBE_COMPLETE_FAILURE;
	if (scds_fm_tcp_disconnect(h, sock, timeout) != SCHA_ERR_NOERR && status == 0)
		status = SCDS_PROBE_COMPLETE_FAILURE / 2;
	return status;
}

/* The worst of all addresses. */
static int probe_all(scds_handle_t h)
{
	scds_netaddr_list_t *list = NULL;
	int status = SCDS_PROBE_COMPLETE_FAILURE, worst = 0, i;

	if (scds_get_netaddr_list(h, &list) != SCHA_ERR_NOERR || !list)
		return status;
	for (i = 0; i < list->num_netaddrs; i++) {
		status = svc_probe(h, list->netaddrs[i].hostname, list->netaddrs[i].port_proto.port, scds_get_ext_probe_timeout(h));
		worst = status > worst ? status : worst;
	}
	scds_free_netaddr_list(list);
	return worst;
}

/* ---- methods ---- */

static int svc_start(scds_handle_t h)
{
	struct timespec pause = { 0, 10000000 };
	scds_port_list_t *ports;
	char path[SCDS_ARRAY_SIZE], command[SCDS_CMD_SIZE];

	if (svc_validate(h) != 0 || config_file(h, path, sizeof path) != 0 || scds_get_port_list(h, &ports) != SCHA_ERR_NOERR)
		return 1;
	snprintf(command, sizeof command, "exec %s -config %s -port %d", GLYPHD, path, ports->ports[0].port);
	scds_free_port_list(ports);
	if (scds_pmf_start(h, SCDS_PMF_TYPE_SVC, SCDS_PMF_SINGLE_INSTANCE, command, -1) != SCHA_ERR_NOERR)
		return 1;
	while (probe_all(h) != 0) {
		if (pause.tv_nsec < 500000000) {
			nanosleep(&pause, NULL);
			pause.tv_nsec *= 2;
		} else if (scds_svc_wait(h, 1) != SCHA_ERR_NOERR) {
			scds_syslog(LOG_ERR, "glyphd does not stay up");
			return 1;
		}
	}
	return 0;
}

static int svc_stop(scds_handle_t h)
{
	return scds_pmf_stop(h, SCDS_PMF_TYPE_SVC, SCDS_PMF_SINGLE_INSTANCE, SIGTERM, scds_get_rs_stop_timeout(h));
}

static int mon_start(scds_handle_t h)
{
	scds_pmf_status_t status;

	if (scds_pmf_get_status(h, SCDS_PMF_TYPE_MON, SCDS_PMF_SINGLE_INSTANCE, &status) == SCHA_ERR_NOERR && status == SCDS_PMF_MONITORED)
		return 0;
	return scds_pmf_start(h, SCDS_PMF_TYPE_MON, SCDS_PMF_SINGLE_INSTANCE, "glyph_probe", 0);
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
	int interval = scds_get_rs_thorough_probe_interval(h);

	if (interval < 1)
		return 1;
	for (;;) {
		hrtime_t began;
		int status;

		(void)scds_fm_sleep(h, interval);
		began = gethrtime();
		status = probe_all(h);
		(void)scds_fm_action(h, status, (long)((gethrtime() - began) / 1000000));
	}
}

static const struct { const char *name; int (*method)(scds_handle_t h); } methods[] = {
	{ "glyph_svc_start", svc_start }, { "glyph_svc_stop", svc_stop }, { "glyph_validate", svc_validate }, { "glyph_update", update },
	{ "glyph_monitor_start", mon_start }, { "glyph_monitor_stop", mon_stop }, { "glyph_monitor_check", svc_validate },
	{ "glyph_probe", probe },
};

int main(int argc, char *argv[])
{
	scds_handle_t h;
	unsigned i;
	int rc = 1;

	if (scds_initialize(&h, argc, argv) != SCHA_ERR_NOERR)
		return 1;
	for (i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(methods[i].name, scds_get_current_method_name(h)) == 0)
			rc = methods[i].method(h) != 0;
	scds_close(&h);
	return rc;
}
