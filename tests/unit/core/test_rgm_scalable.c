/* Groups that are online on several nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rgm_world.h"
#include "scha_err.h"

#define MANY "RG_mode=SCALABLE Maximum_primaries=3"

static const struct {
	const char *what, *groups, *fails, *states;
	const char *request;            /* NULL: node 1 crashes and is declared dead */
	scha_err_t  code;
	const char *then, *trace;       /* trace NULL: whatever */
} rows[] = {
	{ "as many as desired", "g " MANY " Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE", NULL, 0, "OFFLINE ONLINE ONLINE",
	  "3:a.Start" },
	{ "all", "g " MANY " Desired_primaries=3: a svc", NULL, "ONLINE ONLINE ONLINE", NULL, 0, "OFFLINE ONLINE ONLINE", "" },
	{ "none", "g " MANY " Desired_primaries=0: a svc", NULL, "OFFLINE OFFLINE OFFLINE",
	  "{'op':'group_change','rg':'g','props':{'Desired_primaries':'2'}}", 0, "ONLINE ONLINE OFFLINE", NULL },
	{ "by hand to exactly these", "g " MANY " Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE",
	  "{'op':'group_switch','rg':'g','nodes':['node2','node3']}", 0, "OFFLINE ONLINE ONLINE", "a.Stop | 3:a.Start" },
	{ "by hand to fewer", "g " MANY " Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE",
	  "{'op':'group_switch','rg':'g','nodes':['node3']}", 0, "OFFLINE OFFLINE ONLINE", NULL },
	{ "by hand to more", "g " MANY " Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE",
	  "{'op':'group_switch','rg':'g','nodes':['node1','node2','node3']}", 0, "ONLINE ONLINE ONLINE", "3:a.Start" },
	{ "not to more than allowed", "g RG_mode=SCALABLE Maximum_primaries=2 Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE",
	  "{'op':'group_switch','rg':'g','nodes':['node1','node2','node3']}", SCHA_ERR_INVAL, "ONLINE ONLINE OFFLINE", "" },
	{ "a giveover moves one instance", "g " MANY " Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE",
	  "{'op':'control','tag':'GIVEOVER','rg':'g','rs':'a'}", 0, "OFFLINE ONLINE ONLINE", "a.Stop | 3:a.Start" },
	{ "a restart stays", "g " MANY " Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE",
	  "{'op':'control','tag':'RESTART','rg':'g','rs':'a'}", 0, "ONLINE ONLINE OFFLINE", "a.Stop | a.Start" },
	{ "a resource restarts where it was asked for", "g " MANY " Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE",
	  "{'op':'control','tag':'RESOURCE_RESTART','rg':'g','rs':'a'}", 0, "ONLINE ONLINE OFFLINE", "a.Stop | a.Start" },
	{ "evacuated", "g " MANY " Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE", "{'op':'evacuate','node':'node1'}", 0,
	  "OFFLINE ONLINE ONLINE", NULL },
	{ "a node where it does not start is passed over", "g " MANY " Desired_primaries=2: a svc - SOFT", "1:a.Start", "OFFLINE ONLINE ONLINE",
	  "{'op':'group_offline','rg':'g'}", 0, "OFFLINE OFFLINE OFFLINE", NULL },
	{ "the same node counts", "g " MANY " Desired_primaries=3: a svc p{LOCAL_NODE}\nh: p svc", NULL,
	  "ONLINE PENDING_ONLINE_BLOCKED PENDING_ONLINE_BLOCKED", "{'op':'group_switch','rg':'h','nodes':['node2']}", 0,
	  "ONLINE ONLINE PENDING_ONLINE_BLOCKED", NULL },
	{ "any node is enough", "g Nodelist=node1: a svc o:p\nh " MANY " Desired_primaries=2 Nodelist=node2,node3,node1: p svc", NULL,
	  "ONLINE ? ?",
	  "{'op':'group_switch','rg':'h','nodes':['node3']}", 0, "ONLINE ? ?", "2:p.Stop" },
	{ "with whom it follows", "g " MANY " Desired_primaries=3 RG_affinities=++h: a svc\n"
	  "h RG_mode=SCALABLE Maximum_primaries=2 Desired_primaries=2: p svc",
	  NULL, "ONLINE ONLINE OFFLINE", "{'op':'group_switch','rg':'h','nodes':['node3']}", 0, "OFFLINE OFFLINE ONLINE", NULL },
	{ "remaster: there already", "g " MANY " Desired_primaries=2: a svc", NULL, "ONLINE ONLINE OFFLINE",
	  "{'op':'group_remaster','rg':'g'}", 0, "ONLINE ONLINE OFFLINE", "" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_new(3, rows[i].groups);
		if (rows[i].fails)
			world_outcome(rows[i].fails, 1);
		world_settle();
		world_expect(rows[i].what, "at first", world_group_states("g"), rows[i].states);
		(void)world_trace();
		if (rows[i].request) {
			struct answer a = world_ask_text(1, rows[i].request);

			if (a.code != (int)rows[i].code)
				fail_msg("%s: %d %s", rows[i].what, a.code, a.text);
		} else {
			world_crash(1);
			world_dead(1);
			world_settle();
		}
		world_expect(rows[i].what, "then", world_group_states("g"), rows[i].then);
		if (rows[i].trace)
			world_expect(rows[i].what, "trace", world_trace(), rows[i].trace);
	}
}

/* A lost node may still run it: that is waited for only when it would be one too many. */
static void test_lost_node(void **state)
{
	(void)state;
	world_new(3, "g " MANY " Desired_primaries=2: a svc\nh RG_mode=SCALABLE Maximum_primaries=2 Desired_primaries=2: b svc");
	world_settle();
	(void)world_trace();
	world_crash(1);
	world_settle();
	world_expect("lost", "trace", world_trace(), "3:a.Start");
	world_dead(1);
	world_settle();
	world_expect("dead", "trace", world_trace(), "3:b.Start");
}

/* Fewer than desired, by hand: nothing is added until a node comes or goes. */
static void test_fewer(void **state)
{
	(void)state;
	world_new(3, "g " MANY " Desired_primaries=2: a svc");
	world_settle();
	assert_int_equal(world_ask_text(1, "{'op':'group_switch','rg':'g','nodes':['node1']}").code, 0);
	assert_int_equal(world_ask_text(1, "{'op':'group_change','rg':'g','props':{'RG_description':'x'}}").code, 0);
	world_expect("fewer", "states", world_group_states("g"), "ONLINE OFFLINE OFFLINE");
	world_crash(3);
	world_dead(3);
	world_settle();
	world_expect("a node has gone", "states", world_group_states("g"), "ONLINE ONLINE OFFLINE");
}

/* What may be in a scalable group. */
static void test_refusals(void **state)
{
	static const struct { const char *request, *says; } refused[] = {
		{ "{'op':'resource_add','rg':'g','rs':'new','type':'SUNW.LogicalHostname'}",
		  "is for one node at a time, and resource group g is scalable" },
		{ "{'op':'resource_add','rg':'g','rs':'new','type':'fo'}", "type fo is for one node at a time" },
		{ "{'op':'resource_add','rg':'f','rs':'new','type':'fo','props':{'Scalable':'TRUE'}}",
		  "has FAILOVER = TRUE, so Scalable cannot be TRUE" },
		{ "{'op':'resource_add','rg':'f','rs':'new','type':'sc','props':{'Scalable':'TRUE'}}", "so its group needs RG_mode Scalable" },
	};

	(void)state;
	world_new(2, "g " MANY " Desired_primaries=2: a svc\nf: b svc");
	world_settle();
	assert_int_equal(world_ask_text(1, "{'op':'type_add','rtr':'RESOURCE_TYPE = fo; START = /s; STOP = /t; FAILOVER = TRUE;"
			     "{ PROPERTY = Scalable; DEFAULT = FALSE; }'}").code, 0);
	assert_int_equal(world_ask_text(1, "{'op':'type_add','rtr':'RESOURCE_TYPE = sc; START = /s; STOP = /t;"
			     "{ PROPERTY = Scalable; DEFAULT = FALSE; }'}").code, 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct answer a = world_ask_text(1, refused[i].request);

		if (a.code != SCHA_ERR_INVAL || !strstr(a.text, refused[i].says))
			fail_msg("%s: %d %s", refused[i].request, a.code, a.text);
	}
}

/* Shared addresses: who may use them, and where.  Each with the answer; the accepted change stays for the next. */
static void test_shared_addresses(void **state)
{
	static const struct { const char *request; scha_err_t code; const char *says; } uses[] = {
		{ "{'op':'type_add','rtr':'RESOURCE_TYPE = SharedAddress; VENDOR_ID = SUNW; START = /s; STOP = /t; FAILOVER = TRUE;"
		  "{ PROPERTY = AuxNodeList; EXTENSION; STRINGARRAY; DEFAULT = \\\"\\\"; TUNABLE = WHEN_DISABLED; }'}", 0, "" },
		{ "{'op':'type_add','rtr':'RESOURCE_TYPE = sc; START = /s; STOP = /t; { PROPERTY = Scalable; DEFAULT = FALSE; }'}", 0, "" },
		{ "{'op':'resource_add','rg':'g','rs':'sa','type':'SUNW.SharedAddress'}", SCHA_ERR_INVAL, "is for one node at a time" },
		{ "{'op':'resource_add','rg':'f','rs':'sa','type':'SUNW.SharedAddress','ext':{'AuxNodeList':'node9'}}", SCHA_ERR_INVAL,
		  "resource sa: AuxNodeList: node node9 is not in the configuration" },
		{ "{'op':'resource_add','rg':'f','rs':'sa','type':'SUNW.SharedAddress','ext':{'AuxNodeList':'node3,node1'}}", SCHA_ERR_INVAL,
		  "node node1 is in the Nodelist of resource group f, so it may have the address itself" },
		{ "{'op':'resource_add','rg':'f','rs':'sa','type':'SUNW.SharedAddress'}", 0, "" },
		{ "{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'sa'}}", SCHA_ERR_INVAL,
		  "RG_dependencies of group g have to name its group f" },
		{ "{'op':'group_change','rg':'g','props':{'RG_dependencies':'f'}}", 0, "" },
		{ "{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'sa'}}", SCHA_ERR_INVAL,
		  "node node3 of its group has to be in the Nodelist of group f or in the AuxNodeList of sa" },
		{ "{'op':'resource_add','rg':'g','rs':'n','type':'sc','props':{'Scalable':'TRUE','Network_resources_used':'sa'}}", SCHA_ERR_INVAL,
		  "node node3 of its group has to be in" },
		{ "{'op':'resource_change','rs':'sa','ext':{'AuxNodeList':'3'}}", 0, "" },
		{ "{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'sa'}}", 0, "" },
		{ "{'op':'resource_change','rs':'sa','ext':{'AuxNodeList':''}}", SCHA_ERR_INVAL, "resource a uses the shared address sa: node node3" },
		{ "{'op':'group_change','rg':'f','props':{'Nodelist':'node1,node2,node3'}}", SCHA_ERR_INVAL, "node 3 is in the Nodelist" },
		{ "{'op':'group_change','rg':'f','props':{'Nodelist':'node1'}}", SCHA_ERR_INVAL, "node node2 of its group has to be in" },
		{ "{'op':'group_change','rg':'g','props':{'RG_dependencies':''}}", SCHA_ERR_INVAL, "have to name its group f" },
		{ "{'op':'resource_add','rg':'g','rs':'n','type':'sc','props':{'Scalable':'TRUE','Network_resources_used':'ip'}}", SCHA_ERR_INVAL,
		  "resource n: Scalable is TRUE, so its Network_resources_used are shared addresses, and ip is a SUNW.LogicalHostname" },
		{ "{'op':'resource_add','rg':'g','rs':'n','type':'sc','props':{'Scalable':'TRUE','Network_resources_used':'sa'}}", 0, "" },
		{ "{'op':'resource_add','rg':'g','rs':'n2','type':'sc','props':{'Network_resources_used':'ip'}}", 0, "" },
	};

	(void)state;
	world_new(3, "g " MANY " Desired_primaries=2: a svc\nf Nodelist=node1,node2: b svc\nl: ip lh");
	world_settle();
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		struct answer a = world_ask_text(1, uses[i].request);

		if (a.code != (int)uses[i].code || !strstr(a.text, uses[i].says))
			fail_msg("%s: %d %s", uses[i].request, a.code, a.text);
	}
}

int main(void)
{
#define T(fn) cmocka_unit_test_teardown(fn, world_done)
	static const struct CMUnitTest tests[] = { T(test_rows), T(test_lost_node), T(test_fewer), T(test_refusals), T(test_shared_addresses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
