/* Init, Fini and Boot: on which nodes, at which moments, and what waits for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rgm_world.h"
#include "scha_err.h"

/* Two nodes; type boot has Init_nodes RG_PRIMARIES, type all RT_INSTALLED_NODES. */
static const struct {
	const char *what, *groups, *start;      /* start NULL: whatever */
	const char *requests[4];
	const char *trace;              /* of the last request */
	const char *states;             /* of g */
} rows[] = {
	{ "boot", "g: a boot", "2:a.Boot a.Boot | a.Start", { NULL }, NULL, "ONLINE OFFLINE" },
	{ "boot: only on the Nodelist", "g Nodelist=node2: a boot", "2:a.Boot | 2:a.Start", { NULL }, NULL, "? ONLINE" },
	{ "boot: where the type is installed", "g Nodelist=node2: a all", "2:a.Boot a.Boot | 2:a.Start", { NULL }, NULL, "? ONLINE" },
	{ "boot: also the disabled", "g: a boot - - d", "2:a.Boot a.Boot", { NULL }, NULL, "ONLINE OFFLINE" },
	{ "boot: nothing unmanaged", "g managed=FALSE: a boot - - d", "", { NULL }, NULL, "UNMANAGED UNMANAGED" },
	{ "boot: the groups that it depends on first", "g RG_dependencies=h: a boot\nh Nodelist=node1: b boot",
	  "2:a.Boot b.Boot | a.Boot b.Start | a.Start",
	  { NULL }, NULL, "ONLINE OFFLINE" },
	{ "init: manage", "g managed=FALSE: a boot - - d", NULL, { "{'op':'group_manage','rg':'g'}" }, "2:a.Init a.Init", "OFFLINE OFFLINE" },
	{ "init: bring waits for it", "g managed=FALSE: a boot - - d", NULL, { "{'op':'group_bring','rg':'g'}" }, "2:a.Init a.Init | a.Start",
	  "ONLINE OFFLINE" },
	{ "init: a new resource", "g: b svc", NULL, { "{'op':'resource_add','rg':'g','rs':'a','type':'boot','enabled':true}" },
	  "2:a.Init a.Init | a.Start", "ONLINE OFFLINE" },
	{ "init: not when unmanaged", "g managed=FALSE: b svc - - d", NULL, { "{'op':'resource_add','rg':'g','rs':'a','type':'boot'}" }, "",
	  "UNMANAGED UNMANAGED" },
	{ "init: the Nodelist grows", "g Nodelist=node1: a boot", NULL, { "{'op':'group_change','rg':'g','props':{'Nodelist':'node1,node2'}}" },
	  "2:a.Init", "ONLINE OFFLINE" },
	{ "init: the type is installed on more nodes", "g managed=FALSE: a all - - d", NULL,
	  { "{'op':'type_change','type':'all','installed_nodes':'node1'}", "{'op':'group_manage','rg':'g'}",
	    "{'op':'type_change','type':'all','installed_nodes':'node1,node2'}" }, "2:a.Init", "OFFLINE OFFLINE" },
	{ "fini: unmanage", "g Auto_start_on_new_cluster=FALSE: a boot - - d", NULL, { "{'op':'group_unmanage','rg':'g'}" }, "2:a.Fini a.Fini",
	  "UNMANAGED UNMANAGED" },
	{ "fini: removed", "g: a boot - - d; b svc", NULL, { "{'op':'resource_remove','rs':'a'}" }, "2:a.Fini a.Fini", "ONLINE OFFLINE" },
	{ "fini: the Nodelist shrinks", "g: a boot", NULL, { "{'op':'group_change','rg':'g','props':{'Nodelist':'node1'}}" },
	  "2:a.Fini", "ONLINE ?" },
	{ "fini: nothing unmanaged", "g managed=FALSE: a boot - - d", NULL, { "{'op':'resource_remove','rs':'a'}" }, "", "UNMANAGED UNMANAGED" },
	{ "a change of the group is validated and told", "g: a all; b svc", NULL, { "{'op':'group_change','rg':'g','props':{'Failback':'TRUE'}}" },
	  "2:a.Validate a.Validate | a.Update", "ONLINE OFFLINE" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_new(2, rows[i].groups);
		world_settle();
		if (rows[i].start)
			world_expect(rows[i].what, "start", world_trace(), rows[i].start);
		for (size_t k = 0; k < ARRAY_SIZE(rows[i].requests) && rows[i].requests[k]; k++) {
			(void)world_trace();
			struct answer a = world_ask_text(1, rows[i].requests[k]);

			if (a.code)
				fail_msg("%s: %s: %d %s", rows[i].what, rows[i].requests[k], a.code, a.text);
		}
		if (rows[i].trace)
			world_expect(rows[i].what, "then", world_trace(), rows[i].trace);
		world_expect(rows[i].what, "states", world_group_states("g"), rows[i].states);
	}
}

/* A new cluster waits for the Boot methods on all its nodes, group by group: a slow one holds up nobody else. */
static void test_slow_boot(void **state)
{
	(void)state;
	world_new(2, "g: a boot\nh: b svc");
	world_slow("1:a.Boot");
	world_deliver();
	world_wave();
	world_expect("slow", "h", world_group_states("h"), "ONLINE OFFLINE");
	world_expect("slow", "g", world_group_states("g"), "OFFLINE OFFLINE");
	world_settle();
	world_expect("slow", "g", world_group_states("g"), "ONLINE OFFLINE");
}

/* A node that joins boots its resources before it gets a group, and before Failback looks at it; the others go on. */
static void test_join(void **state)
{
	(void)state;
	world_new(2, "g Failback=TRUE: a boot");
	world_settle();
	world_crash(1);
	world_dead(1);
	world_settle();
	world_expect("dead", "states", world_group_states("g"), "OFFLINE ONLINE");
	(void)world_trace();
	world_boot(1);
	world_settle();
	world_expect("back", "trace", world_trace(), "a.Boot | 2:a.Stop | a.Start");
	world_expect("back", "states", world_group_states("g"), "ONLINE OFFLINE");
}

/* No failure of these counts for anything but the log. */
static void test_failures(void **state)
{
	(void)state;
	world_new(2, "g: a boot");
	world_outcome("1:a.Boot", 1);
	world_outcome("2:a.Boot", -1);
	world_output("no");
	world_settle();
	world_expect("failed", "states", world_group_states("g"), "ONLINE OFFLINE");
	assert_true(world_noted("Method <Boot> of resource <a>, resource group <g> failed"));
	assert_true(world_noted("Method <Boot> of resource <a>, resource group <g> timed out"));
}

/* The node dies in its Init: nobody waits for that any more. */
static void test_death_in_init(void **state)
{
	char id[32];

	(void)state;
	world_new(2, "g managed=FALSE: a boot - - d");
	world_settle();
	world_slow("2:a.Init");
	(void)snprintf(id, sizeof id, "%s", world_request(1, world_json("{'op':'group_bring','rg':'g'}")));
	world_deliver();
	world_wave();
	world_wave();
	assert_int_equal(world_answer(id).code, -1);
	world_crash(2);
	world_dead(2);
	world_settle();
	assert_int_equal(world_answer(id).code, 0);
	world_expect("dead", "states", world_group_states("g"), "ONLINE OFFLINE");
}

/* Out of management and in again while the first Fini still runs: one after the other. */
static void test_one_after_the_other(void **state)
{
	(void)state;
	world_new(1, "g Auto_start_on_new_cluster=FALSE: a boot - - d");
	world_settle();
	(void)world_trace();
	(void)world_request(1, world_json("{'op':'group_unmanage','rg':'g'}"));
	world_deliver();
	(void)world_request(1, world_json("{'op':'group_bring','rg':'g'}"));
	world_deliver();
	world_settle();
	world_expect("order", "trace", world_trace(), "a.Fini | a.Init | a.Start");
}

/* A joiner, or the next president, knows who has still something to run. */
static void test_snapshot(void **state)
{
	(void)state;
	world_new(3, "g managed=FALSE: a boot - - d");
	world_settle();
	world_crash(3);
	world_dead(3);
	world_settle();
	world_slow("2:a.Init");
	(void)world_request(2, world_json("{'op':'group_bring','rg':'g'}"));
	world_deliver();
	world_wave();
	world_boot(3);
	world_deliver();
	world_check_equal();
	world_settle();
	world_expect("after", "states", world_group_states("g"), "ONLINE OFFLINE OFFLINE");
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = {
		T(test_rows), T(test_slow_boot), T(test_join), T(test_failures), T(test_death_in_init), T(test_one_after_the_other),
		T(test_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
