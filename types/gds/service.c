/* Start and Stop of the application. */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "base/log.h"
#include "base/varlink.h"
#include "gds/gds.h"
#include "lib/pmf_client.h"

/* Start looks again after a tenth of the time that it has looked already: never more than 10 % late, and a slow
 * application is not bothered. */
#define LOOK_MIN_MS       2
#define LOOK_MAX_MS       1000
#define ALIVE_WAIT_MS     100           /* when nothing can be looked at: who lives that long has started */
#define RESPAWN_MAX_MS    1000          /* Retry_count -1: pause before the next attempt, doubled from 1/10 of this */
#define STOPPING_ASK_MS   500

static void conn_closep(struct vl_conn **conn) { vl_conn_close(*conn); }

enum outcome { SERVICE_UP, SERVICE_DIED };

struct waiting {
	const struct check *check;
	const char         *tag;
	struct vl_conn     *watch;      /* NULL: deaths do not count any more */
	int64_t             began;
};

static int watch_fd(const struct waiting *w)
{
	return w->watch ? vl_conn_fd(w->watch) : -1;
}

/* The start command may itself have told the process monitor to let go, when its daemons live elsewhere: then only the
 * check decides. */
static void let_go_when_told(struct waiting *w)
{
	if (w->watch && clock_ms() - w->began >= STOPPING_ASK_MS && pmf_is_stopping(w->tag, NULL) == 1) {
		vl_conn_close(w->watch);
		w->watch = NULL;
	}
}

static bool pause_or_death(struct waiting *w, int64_t ms)
{
	int64_t end = clock_ms() + ms;

	for (;;) {
		struct pollfd p = { .fd = watch_fd(w), .events = POLLIN };
		int64_t left = MAX(end - clock_ms(), (int64_t)0);

		if (poll(&p, 1, (int)left) > 0 && pmf_watch_died(w->watch))
			return true;
		if (left == 0)
			return false;
	}
}

/* Also no shorter than the look itself took. */
static int64_t pause_ms(int64_t began, int64_t looked)
{
	int64_t now = clock_ms(), ms = MAX((now - began) / 10, now - looked);

	ms = MAX(ms, (int64_t)LOOK_MIN_MS);
	return MIN(ms, (int64_t)LOOK_MAX_MS);
}

static enum outcome wait_up(struct waiting *w)
{
	if (!check_possible(w->check))
		return pause_or_death(w, ALIVE_WAIT_MS) ? SERVICE_DIED : SERVICE_UP;
	for (;;) {
		int64_t looked = clock_ms();
		int status = check_run(w->check, watch_fd(w));

		if (status == 0)
			return SERVICE_UP;
		if (status == CHECK_INTERRUPTED && pmf_watch_died(w->watch))
			return SERVICE_DIED;
		let_go_when_told(w);
		if (pause_or_death(w, pause_ms(w->began, looked)))
			return SERVICE_DIED;
	}
}

/* Starts the tree and waits for it; the time-out of the method ends an endless wait from outside. */
static int start_once(const struct method *m, const struct check *check, const char *tag, enum outcome *ret,
		      struct err *err)
{
	const char *const argv[] = { "/bin/sh", "-c", method_str(m, "Start_command", ""), NULL };
	struct pmf_spec spec = { .tag = tag, .argv = argv, .retries = 0, .period_min = -1,
				 .level = (int)method_int(m, "Child_mon_level", -1) };
	struct waiting w = { .check = check, .tag = tag, .began = clock_ms() };
	_cleanup_(conn_closep) struct vl_conn *watch = NULL;
	int r = pmf_start(&spec, err);

	if (r < 0)
		return r;
	r = pmf_watch(tag, &w.watch, err);
	if (r == -ENOENT) {
		*ret = SERVICE_DIED;
		return 0;
	}
	if (r < 0)
		return r;
	*ret = wait_up(&w);
	watch = w.watch;                        /* to be closed, if it still is open */
	return 0;
}

int gds_svc_start(struct method *m, struct err *err)
{
	_cleanup_free_ char *tag = pmf_tag(m->rg, m->rs, "svc");
	enum outcome outcome = SERVICE_DIED;
	struct check check;
	int64_t limit;
	int r;

	/* Validate_command is not run: it may take long, and what it checks shows in a moment anyway. */
	r = method_load(m, err);
	if (r == 0)
		r = gds_check_config(m, err);
	if (r == 0)
		r = check_init(&check, m, err);
	if (r < 0)
		return r;
	limit = method_int(m, "Retry_count", 2);
	for (int64_t deaths = 0, respawn_ms = RESPAWN_MAX_MS / 10;;) {
		r = start_once(m, &check, tag, &outcome, err);
		if (r < 0)
			return r;
		if (outcome == SERVICE_UP)
			break;
		deaths++;
		ds_log(m, DS_LOG_START, true, "The application died while it was being started.");
		if (limit >= 0 && deaths >= limit)
			return err_set(err, -ECHILD, "application failed to stay up: it died %d times during the start",
				       (int)deaths);
		if (limit < 0) {
			(void)poll(NULL, 0, (int)respawn_ms);
			respawn_ms = MIN(respawn_ms * 2, (int64_t)RESPAWN_MAX_MS);
		}
	}
	ds_log(m, DS_LOG_START, false, "Start succeeded. [%s]", method_str(m, "Start_command", ""));
	return 0;
}

/* 80 % of Stop_timeout to stop in order, 15 % for SIGKILL, the rest is ours. */
int gds_svc_stop(struct method *m, struct err *err)
{
	_cleanup_free_ char *tag = pmf_tag(m->rg, m->rs, "svc");
	const char *command;
	int soft_ms, hard_ms, status, r;

	r = method_load(m, err);
	if (r < 0)
		return r;
	command = method_str(m, "Stop_command", "");
	soft_ms = (int)(MIN(method_int(m, "Stop_timeout", 300), (int64_t)86400) * 800);
	hard_ms = soft_ms / 80 * 15;
	if (*command) {
		(void)pmf_stop(tag, 0, 0, NULL);        /* what fails here fails below */
		r = command_run(&(struct command) { command, soft_ms, SIGKILL, -1 }, &status);
		if (r < 0 || status != 0)
			ds_log(m, DS_LOG_STOP, true, "Stop_command %s failed.", command);
	} else {
		r = pmf_stop(tag, (int)method_int(m, "Stop_signal", SIGTERM), soft_ms, err);
		if (r < 0)
			ds_log(m, DS_LOG_STOP, true, "The application did not stop at the signal.");
	}
	if (*command || r < 0)
		r = pmf_stop(tag, SIGKILL, hard_ms, err);
	if (r < 0)
		return r;
	ds_log(m, DS_LOG_STOP, false, "Successfully stopped the application");
	return 0;
}
