/* Every decision about a restart, as a table of deaths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "pmfd/retry.h"

#define MINUTE 60000ull
#define NO UINT64_MAX                   /* no restart */

struct death { uint64_t now_ms, ran_ms, delay_ms; };
struct scenario {
	const char *what;
	int retries, period_min;
	struct death deaths[10];
	uint32_t count;                 /* after the last */
};

static const struct scenario scenarios[] = {
	{ "default: never", 0, -1, { { 10000, 9000, NO } }, 1 },
	{ "-n 1 means two runs", 1, -1, { { 10000, 9000, 0 }, { 20000, 9000, NO } }, 2 },
	{ "four times an hour", 4, 60,
	  { { 1 * MINUTE, 9000, 0 }, { 2 * MINUTE, 9000, 0 }, { 3 * MINUTE, 9000, 0 }, { 4 * MINUTE, 9000, 0 },
	    { 5 * MINUTE, 9000, NO } }, 5 },
	{ "older ones are forgotten", 1, 60,
	  { { 1 * MINUTE, 9000, 0 }, { 62 * MINUTE, 9000, 0 }, { 123 * MINUTE, 9000, 0 }, { 124 * MINUTE, 9000, NO } }, 2 },
	{ "exactly one period old still counts", 1, 1, { { 1000, 9000, 0 }, { 61000, 9000, NO } }, 2 },
	{ "no period: never forgotten", 1, -1, { { 1 * MINUTE, 9000, 0 }, { 100000 * MINUTE, 9000, NO } }, 2 },
	{ "no limit", -1, 1,
	  { { 1000, 5000, 0 }, { 2000, 5000, 0 }, { 3000, 5000, 0 }, { 4000, 5000, 0 }, { 5000, 5000, 0 } }, 5 },
	{ "throttle doubles", -1, -1,
	  { { 1000, 0, 1000 }, { 2000, 4999, 2000 }, { 3000, 0, 4000 }, { 4000, 0, 8000 }, { 5000, 0, 16000 },
	    { 6000, 0, 32000 }, { 7000, 0, 60000 }, { 8000, 0, 60000 } }, 8 },
	{ "five seconds are long enough", -1, -1, { { 1000, 5000, 0 } }, 1 },
	{ "only a minute settles it", -1, -1,
	  { { 1000, 0, 1000 }, { 20000, 10000, 0 }, { 30000, 0, 2000 }, { 100000, 60000, 0 }, { 101000, 0, 1000 } }, 5 },
};

static void test_scenarios(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		const struct scenario *s = &scenarios[i];
		struct retry_update update;
		uint64_t now = 0;
		struct retry retry;

		retry_init(&retry, s->retries, s->period_min);
		for (size_t k = 0; k < ARRAY_SIZE(s->deaths) && s->deaths[k].now_ms; k++) {
			now = s->deaths[k].now_ms;
			retry_step(&retry, now, s->deaths[k].ran_ms, &update);
			if (update.restart != (s->deaths[k].delay_ms != NO) ||
			    (update.restart && update.delay_ms != s->deaths[k].delay_ms))
				fail_msg("%s, death %zu: restart %d after %llu", s->what, k, update.restart,
					 (unsigned long long)update.delay_ms);
		}
		assert_int_equal(retry_count(&retry, now), s->count);
	}
}

/* More deaths than there are notes. */
static void test_many(void **state)
{
	struct retry_update update;
	struct retry retry;

	retry_init(&retry, RETRY_UNLIMITED, RETRY_FOREVER);
	for (uint64_t i = 1; i <= 1000; i++) {
		retry_step(&retry, i * 10000, 9000, &update);
		assert_true(update.restart);
		assert_int_equal(retry_count(&retry, i * 10000), i);
	}
	retry_init(&retry, RETRY_MAX, 1000);
	for (uint64_t i = 1; i <= 300; i++) {
		retry_step(&retry, i * 10000, 9000, &update);
		assert_int_equal(update.restart, i <= RETRY_MAX);
	}
}

static void test_count_forgets(void **state)
{
	struct retry_update update;
	struct retry retry;

	retry_init(&retry, 5, 1);
	retry_step(&retry, 1000, 9000, &update);
	assert_int_equal(retry_count(&retry, 61000), 1);
	assert_int_equal(retry_count(&retry, 61001), 0);
	retry_step(&retry, 2000, 9000, &update);
	retry_init(&retry, 5, 1);
	assert_int_equal(retry_count(&retry, 2000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios), cmocka_unit_test(test_many), cmocka_unit_test(test_count_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
