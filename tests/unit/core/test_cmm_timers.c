/* The derivation of every timer from takeover_time, and the bounds that keep the lease safe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>

#include <cmocka.h>

#include "cmm/timers.h"

static const struct cmm_timers derived[] = {
	/* takeover token consensus join beat head device lease margin slack formation check */
	{   480,   127,   172,    30,    22,    30,    45,   450,    30,    10,  3000, 10000 },
	{   640,   170,   230,    30,    30,    40,    60,   600,    40,    10,  3000, 10000 },
	{  1000,   265,   359,    46,    46,    62,    93,   937,    62,    20,  3000, 10000 },
	{  1280,   340,   460,    60,    60,    80,   120,  1200,    80,    20,  3000, 10000 },
	{ 60000, 15937, 21562,  2812,  2812,  3750,  5625, 56250,  3750,   940,  3000, 10000 },
};

static void test_derived(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(derived); i++) {
		struct cmm_timers t;
		struct err err = { 0 };

		if (cmm_timers_derive(derived[i].takeover_ms, &t, &err) < 0)
			fail_msg("%u: %s", derived[i].takeover_ms, err.text);
		if (memcmp(&t, &derived[i], sizeof t) != 0)
			fail_msg("%u: token %u consensus %u join %u beat %u head %u device %u lease %u margin %u slack %u formation %u",
				 derived[i].takeover_ms, t.token_ms, t.consensus_ms, t.join_ms, t.beat_ms, t.head_ms, t.device_ms, t.lease_ms,
				 t.margin_ms, t.slack_ms, t.formation_ms);
	}
}

static void test_refused(void **state)
{
	static const uint32_t refused[] = { 0, 1, TAKEOVER_TIME_MIN_MS - 1, TAKEOVER_TIME_MAX_MS + 1, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct cmm_timers t = { .takeover_ms = 4711 };
		struct err err = { 0 };

		assert_int_equal(cmm_timers_derive(refused[i], &t, &err), -ERANGE);
		assert_non_null(strstr(err.text, "takeover_time"));
		assert_non_null(strstr(err.text, "is outside 480 to 60000 ms"));
		assert_int_equal(t.takeover_ms, 4711);  /* untouched */
	}
}

/* What must hold for every setting, rounding included. */
static void test_inequalities(void **state)
{
	(void)state;
	for (uint32_t takeover = TAKEOVER_TIME_MIN_MS; takeover <= TAKEOVER_TIME_MAX_MS; takeover++) {
		struct cmm_timers t;

		assert_int_equal(cmm_timers_derive(takeover, &t, NULL), 0);
		if (3 * t.beat_ms + t.token_ms + t.consensus_ms + t.head_ms + t.device_ms + t.slack_ms != t.lease_ms ||
		    t.slack_ms < 7 || t.head_ms + t.device_ms + t.slack_ms < 80 ||
		    t.lease_ms + t.margin_ms > takeover || t.beat_ms < 10 || t.margin_ms < 20)
			fail_msg("takeover_time %u", takeover);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derived),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_inequalities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
