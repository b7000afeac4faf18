/* The fault monitor.
 *
 * It sleeps in poll(2) until the next check is due or the process monitor says that the application has died; a death is a
 * check that failed completely.  What follows is decided by fm_action.c.  A restart or failover normally ends this process
 * too: the RGM stops the monitor first.  If it refuses, we are still here, and look again soon: after RETRY_MS, then twice
 * that, up to the ordinary interval. */
#include <errno.h>
#include <poll.h>
#include <scha.h>

#include "base/log.h"
#include "base/varlink.h"
#include "gds/gds.h"
#include "lib/fault_monitor.h"
#include "lib/pmf_client.h"

#define RETRY_MS 1000

struct monitor {
	struct method   *m;
	struct check     check;
	struct fm        fm;
	char            *tag;
	struct vl_conn  *watch;         /* NULL: there is no tree to watch */
	struct status_sender status;
	bool             dead;          /* the tree has died and was not started again */
	int64_t          retry_ms;      /* before the next look, after a refusal */
};

/* The tag may be missing: the application died just now, or its start command had it dropped on purpose, because the
 * daemons live elsewhere.  A check can tell the difference; without one a missing tree is a dead one. */
static void watch_tree(struct monitor *mon)
{
	struct err err = { 0 };
	int r;

	vl_conn_close(mon->watch);
	mon->watch = NULL;
	r = pmf_watch(mon->tag, &mon->watch, &err);
	if (r == 0 && pmf_is_stopping(mon->tag, NULL) == 1) {
		vl_conn_close(mon->watch);
		mon->watch = NULL;
	} else if (r < 0 && r != -ENOENT) {
		log_err("the application cannot be watched: %s", err.text);
	}
	mon->dead = r == -ENOENT && !check_possible(&mon->check);
}

static int watch_fd(const struct monitor *mon)
{
	return mon->watch ? vl_conn_fd(mon->watch) : -1;
}

static bool tree_died(struct monitor *mon)
{
	if (!mon->watch || !pmf_watch_died(mon->watch))
		return false;
	vl_conn_close(mon->watch);
	mon->watch = NULL;
	mon->dead = true;
	return true;
}

static bool sleep_or_death(struct monitor *mon, int64_t ms)
{
	int64_t end = clock_ms() + ms;

	for (;;) {
		struct pollfd p = { .fd = watch_fd(mon), .events = POLLIN };
		int64_t left = MAX(end - clock_ms(), (int64_t)0);

		if (poll(&p, 1, (int)MIN(left, (int64_t)INT32_MAX)) > 0 && tree_died(mon))
			return true;
		if (left == 0)
			return false;
	}
}

/* False: refused. */
static bool do_restart(struct monitor *mon)
{
	const struct method *m = mon->m;
	scha_err_t e;

	status_send(&mon->status, mon->m, SCHA_RSSTATUS_DEGRADED, "Service is degraded.");
	e = scha_control(SCHA_RESOURCE_RESTART, m->rg, m->rs);
	if (e != SCHA_ERR_NOERR) {
		ds_log(m, DS_LOG_PROBE, true, "The restart was refused: %s.", scha_strerror(e));
		return false;
	}
	fm_restarted(&mon->fm);
	mon->dead = false;
	watch_tree(mon);
	return true;
}

static bool do_failover(struct monitor *mon, int64_t restarts)
{
	const struct method *m = mon->m;
	scha_err_t e;

	status_send(&mon->status, mon->m, SCHA_RSSTATUS_FAULTED, "Service has failed.");
	e = scha_control(SCHA_GIVEOVER, m->rg, m->rs);
	if (e == SCHA_ERR_NOERR)
		return true;
	ds_log(m, DS_LOG_PROBE, true, "The failover was refused: %s.", scha_strerror(e));
	if (e != SCHA_ERR_RECONF)               /* that: busy for the moment, nobody has judged the request */
		fm_refused(&mon->fm, restarts);
	return false;
}

/* Returns how long to sleep then. */
static int64_t act(struct monitor *mon, int status)
{
	int64_t interval_ms = MAX(method_int(mon->m, "Thorough_probe_interval", 60), (int64_t)1) * 1000;
	struct fm_config config = fm_config_of(mon->m);
	struct err err = { 0 };
	enum fm_action action;
	bool refused = false;
	int64_t restarts;

	/* The count of restarts is the RGM's: it outlives us. */
	if (status != 0 && method_load(mon->m, &err) < 0)
		log_err("%s", err.text);
	restarts = method_restarts(mon->m);
	action = fm_probe(&mon->fm, &config, &(struct fm_event) { .now_ms = (uint64_t)clock_ms(), .status = status,
								  .restarts = restarts });
	ds_log(mon->m, DS_LOG_PROBE, status != 0, "%s %d%s%s", mon->dead ? "The application has died: the result is" :
	       "The probe result is", status, action == FM_NOTHING ? "" : "; action: ",
	       action == FM_NOTHING ? "" : fm_action_names[action]);
	switch (action) {
	case FM_NOTHING:
		if (status == 0)
			status_send(&mon->status, mon->m, SCHA_RSSTATUS_OK, "Service is online.");
		break;
	case FM_RESTART:
		refused = !do_restart(mon);
		break;
	case FM_FAILOVER:
		refused = !do_failover(mon, restarts);
		break;
	case FM_LIMIT:
		status_send(&mon->status, mon->m, SCHA_RSSTATUS_FAULTED, "Service has failed.");
		break;
	case FM_ACTION_COUNT:
		break;
	}
	if (!refused) {
		mon->retry_ms = RETRY_MS;
		return interval_ms;
	}
	mon->retry_ms = MIN(mon->retry_ms, interval_ms);
	interval_ms = mon->retry_ms;
	mon->retry_ms *= 2;
	return interval_ms;
}

static int look(struct monitor *mon)
{
	int status;

	if (mon->dead)
		return FM_COMPLETE;
	do
		status = check_run(&mon->check, watch_fd(mon));
	while (status == CHECK_INTERRUPTED && !tree_died(mon));
	return mon->dead ? FM_COMPLETE : status;
}

int gds_probe(struct method *m, struct err *err)
{
	struct monitor mon = { .m = m, .retry_ms = RETRY_MS };
	int r;

	r = method_load(m, err);
	if (r == 0)
		r = check_init(&mon.check, m, err);
	if (r < 0)
		return r;
	mon.tag = pmf_tag(m->rg, m->rs, "svc");
	watch_tree(&mon);
	ds_log(m, DS_LOG_PROBE, false, "The GDS monitor (gds_probe) has been started");
	if (!mon.dead && mon.watch)             /* Start has just seen it well */
		status_send(&mon.status, m, SCHA_RSSTATUS_OK, "Service is online.");
	/* Without a tree nothing would wake us: look at once. */
	if (mon.watch)
		(void)sleep_or_death(&mon, MAX(method_int(m, "Thorough_probe_interval", 60), (int64_t)1) * 1000);
	for (;;)
		(void)sleep_or_death(&mon, act(&mon, look(&mon)));
}
