/* One look at the application: the Probe_command, or a connection to each address and port; and the fault monitor, which does so
 * again and again.  What follows from the results is decided by the library. */
#include <stdlib.h>

#include "gds/gds.h"

#define TIMED_OUT   (SCDS_PROBE_COMPLETE_FAILURE / 2)   /* twice in the interval make a complete failure */
#define RETRY_S     1                   /* after a refused restart or failover, doubled up to the probe interval */

/* ---- one look ---- */

int probe_init(scds_handle_t h, struct probe *probe)
{
	scha_err_t e = SCHA_ERR_NOERR;

	*probe = (struct probe) { .command = gds_command(h, "Probe_command"), .timeout_s = scds_get_ext_probe_timeout(h) };
	if (!*probe->command && gds_is_true(h, "Network_aware", true))
		e = scds_get_netaddr_list(h, &probe->addresses);
	if (e != SCHA_ERR_NOERR)
		scds_syslog(LOG_ERR, "the addresses of the resource are not known: %s", scds_error_string(e));
	return e != SCHA_ERR_NOERR;
}

void probe_done(struct probe *probe)
{
	free(probe->command);
	scds_free_netaddr_list(probe->addresses);
}

static bool is_tcp(const scds_netaddr_t *address)
{
	return address->port_proto.proto == SCDS_IPPROTO_TCP || address->port_proto.proto == SCDS_IPPROTO_TCP6;
}

bool probe_possible(const struct probe *probe)
{
	int n = probe->addresses ? probe->addresses->num_netaddrs : 0;

	for (int i = 0; i < n; i++)
		if (is_tcp(&probe->addresses->netaddrs[i]))
			return true;
	return *probe->command != '\0';
}

static int run_command(scds_handle_t h, const struct probe *probe)
{
	int code = 0;
	scha_err_t e = scds_timerun(h, probe->command, probe->timeout_s, SIGKILL, &code);

	if (e == SCHA_ERR_TIMEOUT)
		return TIMED_OUT;
	if (e != SCHA_ERR_NOERR)
		return SCDS_PROBE_COMPLETE_FAILURE;
	return (code >= 0 && code <= SCDS_PROBE_COMPLETE_FAILURE) || code == SCDS_PROBE_IMMEDIATE_FAILOVER ?
	       code : SCDS_PROBE_COMPLETE_FAILURE;
}

static int weight(scha_err_t e)
{
	return e == SCHA_ERR_NOERR ? 0 : e == SCHA_ERR_TIMEOUT ? TIMED_OUT : SCDS_PROBE_COMPLETE_FAILURE;
}

/* With tcp6 the application listens to both kinds of addresses. */
static int connect_both(scds_handle_t h, scds_netaddr_t address, int timeout)
{
	scds_socket_t slots[SCDS_MAX_IPADDR_TYPES];
	scha_err_t e = scds_fm_net_connect(h, slots, SCDS_MAX_IPADDR_TYPES, address, timeout);
	int status = weight(e);

	for (int i = 0; i < SCDS_MAX_IPADDR_TYPES && e == SCHA_ERR_NOERR; i++)
		if (slots[i].status == SCDS_FMSOCK_ERR && weight(slots[i].err) > status)
			status = weight(slots[i].err);
	if (e == SCHA_ERR_NOERR && scds_fm_net_disconnect(h, slots, SCDS_MAX_IPADDR_TYPES, timeout) != SCHA_ERR_NOERR && status == 0)
		status = TIMED_OUT;
	return status;
}

static int connect_one(scds_handle_t h, const scds_netaddr_t *address, int timeout)
{
	int sock, status = weight(scds_fm_tcp_connect(h, &sock, address->hostname, address->port_proto.port, timeout));

	if (status != 0)
		return status;
	return scds_fm_tcp_disconnect(h, sock, timeout) == SCHA_ERR_NOERR ? 0 : TIMED_OUT;
}

/* One after the other within Probe_timeout; the first that fails ends it. */
static int run_connect(scds_handle_t h, const struct probe *probe)
{
	hrtime_t began = gethrtime();
	int n = probe->addresses ? probe->addresses->num_netaddrs : 0, status = 0;

	for (int i = 0; i < n && status == 0; i++) {
		const scds_netaddr_t *address = &probe->addresses->netaddrs[i];
		int left = probe->timeout_s - (int)((gethrtime() - began) / 1000000000);

		if (!is_tcp(address))
			continue;
		if (left <= 0)
			return TIMED_OUT;
		status = address->port_proto.proto == SCDS_IPPROTO_TCP6 ? connect_both(h, *address, left) : connect_one(h, address, left);
	}
	return status;
}

int probe_run(scds_handle_t h, const struct probe *probe)
{
	return *probe->command ? run_command(h, probe) : run_connect(h, probe);
}

/* ---- the fault monitor ---- */

static scha_err_t look(scds_handle_t h, const struct probe *probe)
{
	hrtime_t began = gethrtime();
	int status = probe_run(h, probe);

	gds_log(h, GDS_LOG_PROBE, status != 0, "The probe result is %d", status);
	return scds_fm_action(h, status, (long)((gethrtime() - began) / 1000000));
}

static bool is_running(scds_handle_t h)
{
	scds_pmf_status_t status;

	return scds_pmf_get_status(h, SCDS_PMF_TYPE_SVC, SCDS_PMF_SINGLE_INSTANCE, &status) == SCHA_ERR_NOERR &&
	       status == SCDS_PMF_MONITORED;
}

/* A restart or failover that was refused is tried again soon, but not at once. */
static int next_pause(scha_err_t e, int *retry, int interval)
{
	int pause = *retry < interval ? *retry : interval;

	if (e == SCHA_ERR_NOERR) {
		*retry = RETRY_S;
		return interval;
	}
	*retry = 2 * pause;
	return pause;
}

int gds_probe(scds_handle_t h)
{
	int interval = scds_get_rs_thorough_probe_interval(h), retry = RETRY_S, pause;
	struct probe probe;
	scha_err_t e;

	if (probe_init(h, &probe))
		return 1;
	interval = interval > 0 ? interval : 60;
	gds_log(h, GDS_LOG_PROBE, false, "The GDS monitor (gds_probe) has been started");
	(void)scds_fm_sleep(h, 0);              /* its trees are watched from now on */
	/* Start has just seen it well; without a tree nothing would wake us, so we look at once. */
	e = is_running(h) ? scds_fm_action(h, 0, 0) : look(h, &probe);
	pause = next_pause(e, &retry, interval);
	for (;;) {
		hrtime_t began = gethrtime();

		e = scds_fm_sleep(h, pause);
		if (e == SCHA_ERR_NOERR && gethrtime() - began >= pause * 1000000000LL)
			e = look(h, &probe);    /* else there was a death, and it was dealt with */
		pause = next_pause(e, &retry, interval);
	}
}

/* ---- the fault monitor as a monitored process ---- */

int gds_monitor_start(scds_handle_t h)
{
	scds_pmf_status_t status;

	if (scds_pmf_get_status(h, SCDS_PMF_TYPE_MON, SCDS_PMF_SINGLE_INSTANCE, &status) == SCHA_ERR_NOERR && status == SCDS_PMF_MONITORED)
		return 0;
	return scds_pmf_start(h, SCDS_PMF_TYPE_MON, SCDS_PMF_SINGLE_INSTANCE, "gds_probe", -1) != SCHA_ERR_NOERR;
}

int gds_monitor_stop(scds_handle_t h)
{
	int timeout = scds_get_rs_monitor_stop_timeout(h);

	return scds_pmf_stop(h, SCDS_PMF_TYPE_MON, SCDS_PMF_SINGLE_INSTANCE, SIGKILL, timeout > 0 ? timeout : 300) != SCHA_ERR_NOERR;
}

int gds_update(scds_handle_t h)
{
	return scds_pmf_restart_fm(h, SCDS_PMF_SINGLE_INSTANCE) != SCHA_ERR_NOERR;
}
