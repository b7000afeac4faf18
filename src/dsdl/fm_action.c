#include "dsdl/fm_action.h"

const char *const fm_action_names[FM_ACTION_COUNT] = {
	[FM_NOTHING] = "nothing", [FM_RESTART] = "restart", [FM_FAILOVER] = "failover", [FM_LIMIT] = "limit",
};

static void drop_oldest(struct fm *fm, size_t n)
{
	fm->count -= n;
	memmove(fm->history, fm->history + n, fm->count * sizeof fm->history[0]);
}

static void remember(struct fm *fm, const struct fm_config *config, uint64_t now_ms, int status)
{
	size_t old = 0;

	while (old < fm->count && now_ms - fm->history[old].at_ms > config->retry_interval_ms)
		old++;
	if (old == 0 && fm->count == FM_HISTORY_MAX)
		old = 1;
	drop_oldest(fm, old);
	if (status == 0)                        /* adds nothing, so it needs no room */
		return;
	fm->history[fm->count].at_ms = now_ms;
	fm->history[fm->count].status = status;
	fm->count++;
}

int fm_sum(const struct fm *fm)
{
	int sum = 0;

	for (size_t i = 0; i < fm->count; i++)
		sum += fm->history[i].status;
	return sum;
}

static int64_t restarts_that_count(struct fm *fm, int64_t restarts)
{
	fm->forgiven = MIN(fm->forgiven, restarts);     /* those forgiven are the oldest: they age out first */
	return restarts - fm->forgiven;
}

enum fm_action fm_probe(struct fm *fm, const struct fm_config *config, const struct fm_event *event)
{
	bool immediate = event->status == FM_IMMEDIATE && config->mode == FM_MODE_NORMAL;
	int status = event->status >= 0 && event->status <= FM_COMPLETE ? event->status : FM_COMPLETE;
	int64_t restarts = restarts_that_count(fm, event->restarts);

	remember(fm, config, event->now_ms, status);
	if (immediate)
		return FM_FAILOVER;
	if (status == 0 || fm_sum(fm) < FM_COMPLETE)
		return FM_NOTHING;
	if (config->mode == FM_MODE_LOG_ONLY)
		return FM_LIMIT;
	if (config->retry_count < 0 || restarts < config->retry_count)
		return FM_RESTART;
	return config->mode == FM_MODE_NORMAL ? FM_FAILOVER : FM_LIMIT;
}

void fm_restarted(struct fm *fm)
{
	fm->count = 0;
}

void fm_refused(struct fm *fm, int64_t restarts)
{
	fm->count = 0;
	fm->forgiven = restarts;
}
