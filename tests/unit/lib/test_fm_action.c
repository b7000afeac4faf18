#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dsdl/fm_action.h"

struct step { uint64_t at_s; int status; int64_t restarts; enum fm_action want; enum { GO_ON, RESTARTED, REFUSED } then; };

#define NORMAL(count)  { .retry_count = (count), .retry_interval_ms = 300000 }
#define MODE(m)        { .retry_count = 2, .retry_interval_ms = 300000, .mode = (m) }

static const struct {
	const char      *name;
	struct fm_config config;
	struct step      steps[8];
	size_t           n;
} cases[] = {
#define STEPS(...) { __VA_ARGS__ }, sizeof((struct step[]) { __VA_ARGS__ }) / sizeof(struct step)
	{ "good is good", NORMAL(2), STEPS({ 0, 0, 0, FM_NOTHING }, { 60, 0, 2, FM_NOTHING }) },
	{ "dead: restart, restart, failover", NORMAL(2),
	  STEPS({ 0, 100, 0, FM_RESTART, RESTARTED }, { 1, 100, 1, FM_RESTART, RESTARTED }, { 2, 100, 2, FM_FAILOVER }) },
	{ "two halves make one", NORMAL(2), STEPS({ 0, 50, 0, FM_NOTHING }, { 299, 50, 0, FM_RESTART }) },
	{ "an old half is forgotten", NORMAL(2), STEPS({ 0, 50, 0, FM_NOTHING }, { 301, 50, 0, FM_NOTHING }) },
	{ "success takes nothing back", NORMAL(2),
	  STEPS({ 0, 50, 0, FM_NOTHING }, { 60, 0, 0, FM_NOTHING }, { 120, 50, 0, FM_RESTART }) },
	{ "a restart clears the results", NORMAL(2),
	  STEPS({ 0, 100, 0, FM_RESTART, RESTARTED }, { 1, 60, 1, FM_NOTHING }, { 2, 40, 1, FM_RESTART }) },
	{ "a restart that failed clears nothing", NORMAL(2), STEPS({ 0, 100, 0, FM_RESTART }, { 1, 1, 0, FM_RESTART }) },
	{ "a good result never acts", NORMAL(2), STEPS({ 0, 100, 0, FM_RESTART }, { 1, 0, 0, FM_NOTHING }) },
	{ "no restarts allowed", NORMAL(0), STEPS({ 0, 100, 0, FM_FAILOVER }) },
	{ "any number of restarts", NORMAL(-1), STEPS({ 0, 100, 1000, FM_RESTART }) },
	{ "immediate failover", NORMAL(2), STEPS({ 0, FM_IMMEDIATE, 0, FM_FAILOVER }) },
	{ "nonsense is complete failure", NORMAL(2), STEPS({ 0, 101, 0, FM_RESTART, RESTARTED }, { 1, -5, 1, FM_RESTART }) },
	{ "refused failover: restarts begin anew", NORMAL(2),
	  STEPS({ 0, 100, 2, FM_FAILOVER, REFUSED }, { 1, 100, 2, FM_RESTART, RESTARTED }, { 2, 100, 3, FM_RESTART, RESTARTED },
		{ 3, 100, 4, FM_FAILOVER }) },
	{ "forgiven restarts age out first", NORMAL(2),
	  STEPS({ 0, 100, 2, FM_FAILOVER, REFUSED }, { 400, 100, 0, FM_RESTART, RESTARTED },
		{ 401, 100, 1, FM_RESTART, RESTARTED }, { 402, 100, 2, FM_FAILOVER }) },
	{ "RESTART_ONLY", MODE(FM_MODE_RESTART_ONLY),
	  STEPS({ 0, 100, 1, FM_RESTART, RESTARTED }, { 1, 100, 2, FM_LIMIT }, { 2, 100, 0, FM_RESTART }) },
	{ "RESTART_ONLY: 201 is 100", MODE(FM_MODE_RESTART_ONLY), STEPS({ 0, FM_IMMEDIATE, 0, FM_RESTART }) },
	{ "LOG_ONLY", MODE(FM_MODE_LOG_ONLY), STEPS({ 0, 100, 0, FM_LIMIT }, { 1, FM_IMMEDIATE, 0, FM_LIMIT }) },
	{ "no interval: only the present counts", { .retry_count = 2 }, STEPS({ 0, 99, 0, FM_NOTHING }, { 1, 99, 0, FM_NOTHING }) },
};

static void test_steps(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fm fm = { 0 };

		for (size_t k = 0; k < cases[i].n; k++) {
			const struct step *s = &cases[i].steps[k];
			struct fm_event event = { s->at_s * 1000, s->status, s->restarts };
			enum fm_action got = fm_probe(&fm, &cases[i].config, &event);

			if (got != s->want)
				fail_msg("%s, step %zu: %s instead of %s", cases[i].name, k + 1, fm_action_names[got],
					 fm_action_names[s->want]);
			if (s->then == RESTARTED)
				fm_restarted(&fm);
			if (s->then == REFUSED)
				fm_refused(&fm, s->restarts);
		}
	}
}

static void test_history_is_bounded(void **state)
{
	struct fm_config config = { .retry_count = 2, .retry_interval_ms = UINT64_MAX, .mode = FM_MODE_LOG_ONLY };
	struct fm fm = { 0 };

	for (uint64_t i = 0; i < 10 * FM_HISTORY_MAX; i++)
		(void)fm_probe(&fm, &config, &(struct fm_event) { i, 1, 0 });
	assert_int_equal(fm_sum(&fm), FM_HISTORY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_steps), cmocka_unit_test(test_history_is_bounded) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
