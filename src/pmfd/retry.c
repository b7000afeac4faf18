/* Invariants: notes_ms ascends; no more than RETRY_NOTES are kept, which is enough to decide, since more failures than
 * RETRY_MAX within the period mean the same as RETRY_MAX + 1.
 *
 * The throttle: a run of 5 s or more restarts at once.  A shorter one waits 1, 2, 4 ... 60 s.  Only a run of 60 s sets
 * the wait back to the start, so that a command which dies every 10 s and then at once is not spun either. */
#include "pmfd/retry.h"

#include <assert.h>
#include <string.h>

#define QUICK_MS    5000
#define SETTLED_MS 60000
#define DELAY_MAX_S   60

void retry_init(struct retry *retry, int retries, int period_min)
{
	assert(retries >= RETRY_UNLIMITED && retries <= RETRY_MAX);
	assert(period_min >= RETRY_FOREVER);
	*retry = (struct retry) { .retries = retries, .period_min = period_min };
}

static uint32_t expired(const struct retry *retry, uint64_t now_ms)
{
	uint64_t period_ms = (uint64_t)retry->period_min * 60000;
	uint32_t n = 0;

	if (retry->period_min == RETRY_FOREVER)
		return 0;
	while (n < retry->noted && now_ms - retry->notes_ms[n] > period_ms)
		n++;
	return n;
}

static void forget(struct retry *retry, uint32_t n)
{
	retry->noted -= n;
	memmove(retry->notes_ms, retry->notes_ms + n, retry->noted * sizeof *retry->notes_ms);
}

static uint64_t throttle(struct retry *retry, uint64_t ran_ms)
{
	if (ran_ms >= SETTLED_MS)
		retry->delay_s = 0;
	if (ran_ms >= QUICK_MS)
		return 0;
	retry->delay_s = retry->delay_s ? retry->delay_s * 2 : 1;
	if (retry->delay_s > DELAY_MAX_S)
		retry->delay_s = DELAY_MAX_S;
	return retry->delay_s * 1000ull;
}

void retry_step(struct retry *retry, uint64_t now_ms, uint64_t ran_ms, struct retry_update *ret_update)
{
	assert(retry->noted == 0 || retry->notes_ms[retry->noted - 1] <= now_ms);
	forget(retry, expired(retry, now_ms));
	if (retry->noted == RETRY_NOTES) {
		forget(retry, 1);
		if (retry->period_min == RETRY_FOREVER)
			retry->beyond++;
	}
	retry->notes_ms[retry->noted++] = now_ms;
	*ret_update = (struct retry_update) { 0 };
	if (retry->retries != RETRY_UNLIMITED && retry_count(retry, now_ms) > (uint32_t)retry->retries)
		return;
	ret_update->restart = true;
	ret_update->delay_ms = throttle(retry, ran_ms);
}

uint32_t retry_count(const struct retry *retry, uint64_t now_ms)
{
	return retry->noted - expired(retry, now_ms) + retry->beyond;
}
