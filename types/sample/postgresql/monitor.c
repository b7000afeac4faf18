/* The fault monitor: does the server do what clients want of it?  A process of its own, with a tag of its own. */
#include "agent.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

/* Two questions.  pg_isready goes over the network as clients do, and needs no password; but a server can say that it is ready and
 * still not work, so psql runs a query, as the database's own user, over the socket in the data directory.  Each has Probe_timeout
 * seconds, and is killed then: a server that stands still accepts connections and says nothing. */
bool probe(const struct agent *a, char *why, size_t size)
{
	char bin[TEXT_MAX], user[TEXT_MAX], query[TEXT_MAX], mount_point[TEXT_MAX], names[TEXT_MAX];
	char data[TEXT_MAX + 8], isready[TEXT_MAX + 16], psql[TEXT_MAX + 16], number_text[16], limit[16];
	int limit_s = number(a, "Probe_timeout", 10), rc;

	if (property(a, "Bin_dir", bin, sizeof bin) != 0 || property(a, "Db_user", user, sizeof user) != 0 ||
	    property(a, "Probe_query", query, sizeof query) != 0 || property(a, "Mount_point", mount_point, sizeof mount_point) != 0 ||
	    hosts(a, names, sizeof names) != 0) {
		note(LOG_WARNING, "the cluster does not say how to probe; taking the server for a good one");
		return true;            /* that is not the server's fault, and a restart would not mend it */
	}
	snprintf(data, sizeof data, "%s/data", mount_point);
	snprintf(isready, sizeof isready, "%s/pg_isready", bin);
	snprintf(psql, sizeof psql, "%s/psql", bin);
	snprintf(number_text, sizeof number_text, "%d", port(a));
	snprintf(limit, sizeof limit, "%d", limit_s);
	for (char *at = names, *host; (host = strsep(&at, ",")); ) {
		rc = run(user, limit_s + 1, (const char *[]) { isready, "-q", "-h", host, "-p", number_text, "-t", limit, NULL });
		if (rc != 0) {
			if (why)
				snprintf(why, size, "%s port %s: %s", host, number_text, rc == 1 ? "the server takes no clients" : "no answer");
			return false;
		}
	}
	rc = run(user, limit_s, (const char *[]) { psql, "-h", data, "-p", number_text, "-d", "postgres", "-qXAtc", query, NULL });
	if (rc == RUN_TIMEOUT && why)
		snprintf(why, size, "no answer to a query in %d s", limit_s);
	else if (rc != 0 && why)
		snprintf(why, size, "a query fails: psql ended with %d", rc);
	return rc == 0;
}

/* The cluster counts restarts, as it outlives every method and monitor; so nobody here needs a memory. */
int recover(const struct agent *a, const char *tag)
{
	int restarts = number(a, "Num_resource_restarts", 0);
	scha_err_t e;

	if (restarts < number(a, "Retry_count", 0)) {
		note(LOG_NOTICE, "asking the cluster: %s", tag);
		e = scha_control(tag, a->group, a->resource);
		if (e != SCHA_ERR_NOERR)
			note(LOG_ERR, "%s: %s", tag, scha_strerror(e));
		return e != SCHA_ERR_NOERR;
	}
	note(LOG_ERR, "restarted %d times within Retry_interval: asking for another node", restarts);
	e = scha_control(SCHA_GIVEOVER, a->group, a->resource);
	if (e != SCHA_ERR_NOERR)
		note(LOG_ERR, "no other node may have it, or is able to, so it stays here: %s", scha_strerror(e));
	return 1;
}

/* A restart of the resource stops this process, and starts another when the server is up again. */
int monitor(const struct agent *a)
{
	char why[2 * TEXT_MAX];

	for (;;) {
		pause_ms(number(a, "Thorough_probe_interval", 60) * 1000);
		if (!pmf_has(a->svc)) {
			snprintf(why, sizeof why, "the server does not run");
		} else if (probe(a, why, sizeof why)) {
			set_status(a, SCHA_RSSTATUS_OK, "The server answers");
			continue;
		}
		note(LOG_ERR, "%s", why);
		set_status(a, SCHA_RSSTATUS_FAULTED, why);
		(void)recover(a, SCHA_RESOURCE_RESTART);
	}
}

int monitor_start(const struct agent *a)
{
	char program[TEXT_MAX + 32], retries[16], period[16];
	const char *words[] = { "-n", retries, "-t", period, program, "-R", a->resource, "-G", a->group, "-T", a->type, NULL };

	if (pmf_has(a->mon))
		return 0;
	snprintf(program, sizeof program, "%s/postgresql_probe", a->bin);
	snprintf(retries, sizeof retries, "%d", number(a, "Monitor_retry_count", 4));
	snprintf(period, sizeof period, "%d", number(a, "Monitor_retry_interval", 2));
	return pmf("-c", a->mon, words) == 0 ? 0 : fail("cannot start the fault monitor");
}

/* KILL is good enough for something that keeps nothing. */
int monitor_stop(const struct agent *a)
{
	return pmf_end(a->mon, "KILL", number(a, "Monitor_stop_timeout", 60) * 8 / 10) == 0 ? 0 : fail("the fault monitor does not end");
}

/* All that may be changed while the server runs are properties of the monitor, which reads them at each round; but it may sleep for long,
 * by the old interval. */
int update(const struct agent *a)
{
	return !pmf_has(a->mon) || (monitor_stop(a) == 0 && monitor_start(a) == 0) ? 0 : 1;
}
