/* Is a tag that died started again, and when?  Counts failures over a period and slows down what dies at once.  Pure:
 * the time comes with the event. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define RETRY_MAX       100             /* the largest number of retries a person can ask for */
#define RETRY_UNLIMITED (-1)
#define RETRY_FOREVER   (-1)            /* period: failures are never forgotten */
#define RETRY_NOTES     (RETRY_MAX + 1)

struct retry {
	int      retries;               /* -1 ... RETRY_MAX */
	int      period_min;            /* minutes; -1: for ever */
	uint32_t noted;                 /* valid in notes_ms, oldest first */
	uint64_t notes_ms[RETRY_NOTES];
	uint32_t beyond;                /* never forgotten, but no room to note the time */
	uint32_t delay_s;               /* the last one given by the throttle */
};

struct retry_update {
	bool     restart;               /* false: allowed failures are used up */
	uint64_t delay_ms;              /* before the restart */
};

/* Clears the history. */
void retry_init(struct retry *retry, int retries, int period_min);
/* The tag died at now_ms after having run for ran_ms. */
void retry_step(struct retry *retry, uint64_t now_ms, uint64_t ran_ms, struct retry_update *ret_update);
/* Failures that count now. */
uint32_t retry_count(const struct retry *retry, uint64_t now_ms);
