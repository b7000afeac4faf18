/* Who is quarantined?  A table of lives: when each began, in minutes, and how the one before it had ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "clusterd/quarantine.h"

#define MINUTE 60000

enum end { CRASH, ORDER, LIFT };        /* how the life before ended; LIFT: it was quarantined, and a person came */
struct life { int64_t minute; enum end before; bool on; };

static const struct { const char *what; struct quarantine_rule rule; struct life lives[8]; unsigned n; } rows[] = {
	{ "the third death in time", { 3, 10 }, { { 0, ORDER }, { 1, CRASH }, { 2, CRASH }, { 3, CRASH, true } }, 4 },
	{ "too slow",                { 3, 10 }, { { 0, ORDER }, { 1, CRASH }, { 6, CRASH }, { 12, CRASH }, { 17, CRASH } }, 5 },
	{ "on the edge",             { 2, 10 }, { { 0, ORDER }, { 5, CRASH }, { 15, CRASH, true } }, 3 },
	{ "an end in order between", { 3, 10 }, { { 0, ORDER }, { 1, CRASH }, { 2, CRASH }, { 3, ORDER }, { 4, CRASH }, { 5, CRASH } }, 6 },
	{ "orderly all the time",    { 1, 10 }, { { 0, ORDER }, { 1, ORDER }, { 2, ORDER } }, 3 },
	{ "switched off",            { 0, 10 }, { { 0, ORDER }, { 1, CRASH }, { 1, CRASH }, { 1, CRASH } }, 4 },
	{ "it lasts",                { 1, 10 }, { { 0, ORDER }, { 1, CRASH, true }, { 99999, CRASH, true } }, 3 },
	{ "a person came",           { 2, 10 }, { { 0, ORDER }, { 1, CRASH }, { 2, CRASH, true }, { 3, LIFT }, { 4, CRASH }, { 5, CRASH, true } }, 6 },
	{ "the clock went back",     { 2, 10 }, { { 5000, ORDER }, { 5001, CRASH }, { 7, CRASH }, { 8, CRASH, true } }, 4 },
};

static void test_lives(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *disk = NULL;

		for (unsigned k = 0; k < rows[i].n; k++) {
			const struct life *life = &rows[i].lives[k];
			struct quarantine q;
			bool on;

			quarantine_read(&q, life->before == ORDER ? NULL : disk);
			if (life->before == LIFT) {
				quarantine_lift(&q, life->minute * MINUTE);
				on = q.on;
			} else {
				on = quarantine_started(&q, rows[i].rule, life->minute * MINUTE);
			}
			free(disk);
			disk = quarantine_text(&q);
			if (on != life->on)
				fail_msg("%s, life %u: %d\n%s", rows[i].what, k, on, disk);
		}
		free(disk);
	}
}

static void test_list_is_bounded(void **state)
{
	struct quarantine q;

	(void)state;
	quarantine_read(&q, NULL);
	for (int64_t i = 0; i < 1000; i++)
		(void)quarantine_started(&q, (struct quarantine_rule) { QUARANTINE_DEATHS_MAX, 1 }, i * 2 * MINUTE);
	assert_int_equal(q.count, QUARANTINE_DEATHS_MAX + 1);
	assert_int_equal(q.start[q.count - 1].wall_ms, 999 * 2 * MINUTE);
	assert_false(q.on);
}

static void test_damaged_file(void **state)
{
	struct quarantine q;

	(void)state;
	quarantine_read(&q, "x\n5 1\n\n7\n-3 0\n9 1");
	assert_int_equal(q.count, 3);
	assert_false(q.on);
	quarantine_read(&q, "quarantined");
	assert_true(q.on);
}

static void test_rule(void **state)
{
	json_t *table = ju_pack("{ss,ss}", "cluster.properties.quarantine_deaths", "0", "cluster.properties.quarantine_minutes", "9999");

	(void)state;
	assert_int_equal(quarantine_rule_of(NULL).deaths, QUARANTINE_DEATHS_DEFAULT);
	assert_int_equal(quarantine_rule_of(NULL).minutes, QUARANTINE_MINUTES_DEFAULT);
	assert_int_equal(quarantine_rule_of(table).deaths, 0);
	assert_int_equal(quarantine_rule_of(table).minutes, QUARANTINE_MINUTES_MAX);
	json_decref(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lives), cmocka_unit_test(test_list_is_bounded), cmocka_unit_test(test_damaged_file),
		cmocka_unit_test(test_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
