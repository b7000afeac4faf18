/* When does the node end?  A table of events per case. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "failfastd/core.h"

#define S 1000000000ull
#define MS 1000000ull

enum type { END, REGISTER, LEASE, GOODBYE, LOST, CHECK };
struct event {
	enum type   type;
	uint64_t    now;
	const char *text;               /* REGISTER: name; CHECK: reason, NULL: not due */
	uint64_t    arg;                /* REGISTER: grace; LEASE: deadline */
	int         want;               /* REGISTER: result, when negative */
};

static const struct { const char *what; struct event events[10]; } cases[] = {
	{ "nobody", { { CHECK, 100 * S } } },
	{ "alive for ever", { { REGISTER, 1 * S, "a" }, { CHECK, 1000 * S } } },
	{ "grace 0", { { REGISTER, 1 * S, "pmfd" }, { LOST, 2 * S },
		       { CHECK, 2 * S, "Failfast: Aborting because \"pmfd\" died 0 seconds ago." } } },
	{ "grace", { { REGISTER, 1 * S, "pmfd", 35 }, { LOST, 2 * S }, { CHECK, 37 * S - 1 },
		     { CHECK, 37 * S, "Failfast: Aborting because \"pmfd\" died 35 seconds ago." } } },
	{ "back within grace", { { REGISTER, 1 * S, "a", 5 }, { LOST, 2 * S }, { REGISTER, 3 * S, "a", 5 }, { CHECK, 90 * S } } },
	{ "dies again", { { REGISTER, 1 * S, "a", 5 }, { LOST, 2 * S }, { REGISTER, 3 * S, "a", 2 }, { LOST, 4 * S },
			  { CHECK, 6 * S - 1 }, { CHECK, 6 * S, "Failfast: Aborting because \"a\" died 2 seconds ago." } } },
	{ "goodbye", { { REGISTER, 1 * S, "a" }, { LEASE, 1 * S, NULL, 2 * S }, { GOODBYE, 1 * S }, { CHECK, 9 * S } } },
	{ "name in use", { { REGISTER, 1 * S, "a" }, { REGISTER, 2 * S, "a", 0, -EEXIST } } },
	{ "no name", { { REGISTER, 1 * S, "", 0, -EINVAL } } },
	{ "lease", { { REGISTER, 1 * S, "a" }, { LEASE, 1 * S, NULL, 1200 * MS }, { LEASE, 1100 * MS, NULL, 1300 * MS },
		     { CHECK, 1300 * MS - 1 },
		     { CHECK, 1300 * MS, "Failfast: Aborting because \"a\" did not renew its lease for 200 ms." } } },
	{ "lease ended", { { REGISTER, 1 * S, "a" }, { LEASE, 1 * S, NULL, 2 * S }, { LEASE, 1 * S, NULL, 0 }, { CHECK, 9 * S } } },
	{ "lease already past", { { REGISTER, 1 * S, "a" }, { LEASE, 5 * S, NULL, 4 * S },
				  { CHECK, 5 * S, "Failfast: Aborting because \"a\" did not renew its lease for 0 ms." } } },
	{ "lease outlives its client", { { REGISTER, 1 * S, "a", 9 }, { LEASE, 1 * S, NULL, 3 * S }, { LOST, 2 * S },
		     { CHECK, 3 * S, "Failfast: Aborting because \"a\" did not renew its lease for 2000 ms." } } },
	{ "and its successor inherits it", { { REGISTER, 1 * S, "a", 9 }, { LEASE, 1 * S, NULL, 3 * S }, { LOST, 2 * S },
		     { REGISTER, 2 * S, "a", 9 },
		     { CHECK, 3 * S, "Failfast: Aborting because \"a\" did not renew its lease for 2000 ms." } } },
};

static void run(const char *what, const struct event *events)
{
	struct ff_core core = { 0 };
	char reason[FF_REASON_MAX];
	int slot = -1, r;

	for (const struct event *e = events; e->type != END; e++) {
		switch (e->type) {
		case REGISTER:
			r = ff_core_register(&core, e->now, e->text, (uint32_t)e->arg);
			if (MIN(r, 0) != e->want)
				fail_msg("%s: register gives %d", what, r);
			slot = r >= 0 ? r : slot;
			break;
		case LEASE:
			ff_core_lease(&core, slot, e->now, e->arg);
			break;
		case GOODBYE:
			ff_core_goodbye(&core, slot);
			break;
		case LOST:
			ff_core_lost(&core, slot, e->now);
			break;
		case CHECK: {
			bool due = ff_core_due(&core, e->now, reason);
			uint64_t deadline = ff_core_deadline(&core);

			if (due != (e->text != NULL) || (due && !streq(reason, e->text)))
				fail_msg("%s: due %d: %s", what, due, due ? reason : "");
			assert_int_equal(due, deadline != 0 && deadline <= e->now);    /* the timer fires then */
			break;
		}
		case END:
			break;
		}
	}
}

static void test_cases(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run(cases[i].what, cases[i].events);
}

static void test_full(void **state)
{
	struct ff_core core = { 0 };
	char name[16];

	for (int i = 0; i < FF_CLIENTS_MAX; i++) {
		(void)snprintf(name, sizeof name, "n%d", i);
		assert_int_equal(ff_core_register(&core, 1, name, 0), i);
	}
	assert_int_equal(ff_core_register(&core, 1, "more", 0), -ENOSPC);
	assert_int_equal(ff_core_count(&core), FF_CLIENTS_MAX);
	ff_core_goodbye(&core, 7);
	assert_int_equal(ff_core_register(&core, 1, "more", 0), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_full) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
