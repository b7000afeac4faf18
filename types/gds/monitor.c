/* The fault monitor as a monitored process itself: start, stop, renewal after a change of properties. */
#include <errno.h>
#include <signal.h>

#include "base/log.h"
#include "gds/gds.h"
#include "lib/pmf_client.h"

static int start_monitor(struct method *m, const char *tag, struct err *err)
{
	_cleanup_free_ char *program = xasprintf("%s/gds_probe", m->bin_dir);
	const char *const argv[] = { program, "-R", m->rs, "-G", m->rg, "-T", m->rt, NULL };
	int64_t period = method_int(m, "Monitor_retry_interval", 2);
	struct pmf_spec spec = { .tag = tag, .argv = argv, .level = -1,
				 .retries = (int)MIN(method_int(m, "Monitor_retry_count", 4), (int64_t)100),
				 .period_min = period > 0 ? (int)MIN(period, (int64_t)10000) : -1 };
	int r = pmf_start(&spec, err);

	return r == -EEXIST ? 0 : r;
}

static int stop_monitor(const struct method *m, const char *tag, struct err *err)
{
	return pmf_stop(tag, SIGKILL, (int)MIN(method_int(m, "Monitor_stop_timeout", 300), (int64_t)86400) * 950, err);
}

int gds_monitor_start(struct method *m, struct err *err)
{
	_cleanup_free_ char *tag = pmf_tag(m->rg, m->rs, "mon");
	int r = method_load(m, err);

	return r < 0 ? r : start_monitor(m, tag, err);
}

/* Does without the properties, only the time-out is then the default one. */
int gds_monitor_stop(struct method *m, struct err *err)
{
	_cleanup_free_ char *tag = pmf_tag(m->rg, m->rs, "mon");

	return stop_monitor(m, tag, err);
}

int gds_update(struct method *m, struct err *err)
{
	_cleanup_free_ char *tag = pmf_tag(m->rg, m->rs, "mon");
	int r = method_load(m, err);

	if (r == 0)
		r = pmf_query(tag, err);
	if (r <= 0)
		return r;                       /* not monitored: nothing to renew */
	r = stop_monitor(m, tag, err);
	return r < 0 ? r : start_monitor(m, tag, err);
}
