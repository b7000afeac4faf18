/* Start and Stop of the application. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gds/gds.h"

#define MS 1000000LL                    /* in nanoseconds, as of gethrtime() */

/* Start looks again after a tenth of the time that it has looked already: never more than 10 % late, and a slow
 * application is not bothered. */
#define LOOK_MIN    (2 * MS)
#define LOOK_MAX    (1000 * MS)
#define ALIVE_WAIT  (100 * MS)          /* when nothing can be looked at: who lives that long has started */

#define SMOOTH_PCT  80                  /* of Stop_timeout, to stop in order; */
#define HARD_PCT    15                  /* for SIGKILL; the rest is ours */

static void pause_for(hrtime_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / (1000 * MS)), .tv_nsec = (long)(ns % (1000 * MS)) };

	(void)nanosleep(&t, NULL);              /* a signal that does not end us: then we look earlier */
}

static bool is_monitored(scds_handle_t h, int instance)
{
	scds_pmf_status_t status;

	return scds_pmf_get_status(h, SCDS_PMF_TYPE_SVC, instance, &status) == SCHA_ERR_NOERR && status == SCDS_PMF_MONITORED;
}

/* ---- start ---- */

static int start_trees(scds_handle_t h, const struct gds_commands *commands)
{
	int level = gds_number(h, "Child_mon_level", -1);

	for (int i = 0; i < commands->n; i++)
		if (!is_monitored(h, i) &&
		    scds_pmf_start(h, SCDS_PMF_TYPE_SVC, i, commands->v[i], level) != SCHA_ERR_NOERR) {
			gds_log(h, GDS_LOG_START, true, "Start failed. [%s]", commands->v[i]);
			return 1;
		}
	return 0;
}

static bool all_monitored(scds_handle_t h, int n)
{
	int i = 0;

	while (i < n && is_monitored(h, i))
		i++;
	return i == n;
}

/* Also of use when it was let go: then it is not monitored, and scds_svc_wait() does not start it again. */
static int wait_alive(scds_handle_t h, int n)
{
	for (;;) {
		pause_for(ALIVE_WAIT);
		if (all_monitored(h, n))
			return 0;
		if (scds_svc_wait(h, 0) != SCHA_ERR_NOERR)
			return 1;
		if (!all_monitored(h, n))
			return 0;
	}
}

/* The time-out of the method ends an endless wait from outside.  Pauses are no shorter than a look takes. */
static int wait_probe(scds_handle_t h, const struct probe *probe)
{
	hrtime_t began = gethrtime(), looked, now, pause;

	for (;;) {
		looked = gethrtime();
		if (probe_run(h, probe) == 0)
			return 0;
		now = gethrtime();
		pause = (now - began) / 10 > now - looked ? (now - began) / 10 : now - looked;
		pause_for(pause < LOOK_MIN ? LOOK_MIN : pause > LOOK_MAX ? LOOK_MAX : pause);
		if (scds_svc_wait(h, 0) != SCHA_ERR_NOERR)
			return 1;
	}
}

int gds_svc_start(scds_handle_t h)
{
	struct gds_commands commands;
	struct probe probe;
	int rc = 1;

	/* Validate_command is not run: it may take long, and what it checks shows in a moment anyway. */
	if (gds_check_config(h) || gds_start_commands(h, &commands))
		return 1;
	if (probe_init(h, &probe) == 0) {
		rc = start_trees(h, &commands);
		if (!rc)
			rc = probe_possible(&probe) ? wait_probe(h, &probe) : wait_alive(h, commands.n);
		for (int i = 0; i < commands.n; i++)
			if (rc)
				gds_log(h, GDS_LOG_START, true, "The application did not start. [%s]", commands.v[i]);
			else
				gds_log(h, GDS_LOG_START, false, "Start succeeded. [%s]", commands.v[i]);
	}
	probe_done(&probe);
	gds_commands_free(&commands);
	return rc;
}

/* ---- stop ---- */

static int stop_tree(scds_handle_t h, int instance, int signal, int timeout)
{
	return scds_pmf_stop(h, SCDS_PMF_TYPE_SVC, instance, signal, timeout > 0 ? timeout : 1) != SCHA_ERR_NOERR;
}

/* Several side by side, in a child process each: every call waits. */
static int stop_trees(scds_handle_t h, int n, int signal, int timeout)
{
	int rc = 0, status;

	if (n == 1)
		return stop_tree(h, 0, signal, timeout);
	for (int i = 0; i < n; i++) {
		pid_t pid;

		if (!is_monitored(h, i))
			continue;
		pid = fork();
		if (pid == 0)
			_exit(stop_tree(h, i, signal, timeout));
		if (pid < 0)
			rc |= stop_tree(h, i, signal, timeout);
	}
	while (wait(&status) > 0)
		rc |= status != 0;
	return rc;
}

/* Nobody may take its end for a death meanwhile. */
static void run_stop_command(scds_handle_t h, const char *line, int n, int timeout)
{
	scha_err_t e;
	int code = 0;

	for (int i = 0; i < n; i++)
		(void)scds_pmf_stop_monitoring(h, SCDS_PMF_TYPE_SVC, i);        /* what fails here fails below */
	e = scds_timerun(h, line, timeout > 0 ? timeout : 1, SIGKILL, &code);
	if (e != SCHA_ERR_NOERR)
		gds_log(h, GDS_LOG_STOP, true, "Stop_command %s: %s", line, scds_error_string(e));
	else if (code != 0)
		gds_log(h, GDS_LOG_STOP, true, "Stop_command %s failed with exit status %d.", line, code);
}

int gds_svc_stop(scds_handle_t h)
{
	char *line = gds_command(h, "Stop_command");
	int timeout = scds_get_rs_stop_timeout(h), n = gds_instances_max(h), rc;

	if (timeout <= 0)
		timeout = 300;
	if (*line) {
		run_stop_command(h, line, n, timeout * SMOOTH_PCT / 100);
		rc = stop_trees(h, n, SIGKILL, timeout * HARD_PCT / 100);
	} else {
		rc = stop_trees(h, n, gds_number(h, "Stop_signal", SIGTERM), timeout);
	}
	if (rc)
		gds_log(h, GDS_LOG_STOP, true, "Processes of the application are left.");
	else
		gds_log(h, GDS_LOG_STOP, false, "Successfully stopped the application");
	free(line);
	return rc;
}
