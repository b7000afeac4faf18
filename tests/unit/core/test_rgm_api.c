/* What agents and administrators have of the RGM beside groups that move: extension properties with a value per node, another
 * version of a type, and the requests of scha_control() that are about one resource. */
#include "rgm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "scha_err.h"

static void must(uint32_t from, const char *request, scha_err_t code, const char *says)
{
	struct answer a = world_ask_text(from, request);

	if (a.code != (int)code || (says && !strstr(a.text, says)))
		fail_msg("%s: %d %s, not %d %s", request, a.code, a.text, (int)code, says ? says : "");
}

#define METHODS "START = /start; STOP = /stop;"
#define WORKERS "{ PROPERTY = Workers; EXTENSION; PER_NODE; INT; MIN = 1; MAX = 64; DEFAULT = 4; TUNABLE = ANYTIME; }"

static void register_type(const char *rtr)
{
	struct answer a = world_ask(1, ju_pack("{ss,ss,ss}", "op", "type_add", "rtr", rtr, "path", "/rtr"));

	if (a.code)
		fail_msg("%s", a.text);
}

/* ---- values per node ---- */

static const json_t *workers_of(uint32_t node, json_t **ret_own)
{
	json_t *p;
	size_t i;

	*ret_own = rgm_resource_json(world_rgm(node), "r", NULL, 0);
	json_array_foreach(ju_arr(*ret_own, "properties"), i, p)
		if (streq(ju_str(p, "name", ""), "Workers"))
			return p;
	fail_msg("no property Workers");
	return NULL;
}

static void test_per_node(void **state)
{
	json_t *own;
	const json_t *p;

	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	register_type("RESOURCE_TYPE = farm; " METHODS WORKERS "{ PROPERTY = Port; EXTENSION; INT; DEFAULT = 80; TUNABLE = ANYTIME; }");
	must(1, "{'op':'resource_add','rg':'g','rs':'r','type':'farm','ext':{'Workers':'5','workers{node2}':'8'},'enabled':true}", 0, NULL);
	assert_string_equal(ju_str(json_object_get(world_table("rgm_rg_g"), "data") ? json_object_get(world_table("rgm_rg_g"), "data") :
				   world_table("rgm_rg_g"), "rs.r.ext.Workers{2}", "?"), "8");
	p = workers_of(1, &own);
	assert_string_equal(ju_str(p, "value", ""), "5");
	assert_string_equal(ju_str(ju_obj(p, "values"), "node2", ""), "8");
	assert_null(json_object_get(ju_obj(p, "values"), "node1"));
	json_decref(own);
	must(2, "{'op':'resource_change','rs':'r','ext':{'Workers{1,node2}':'16'}}", 0, NULL);
	p = workers_of(2, &own);
	assert_string_equal(ju_str(ju_obj(p, "values"), "node1", ""), "16");
	assert_string_equal(ju_str(ju_obj(p, "values"), "node2", ""), "16");
	assert_string_equal(ju_str(p, "value", ""), "5");
	json_decref(own);
	must(2, "{'op':'resource_change','rs':'r','any':{'workers{2}':'17','R_description':'a farm'}}", 0, NULL);
	assert_string_equal(ju_str(world_table("rgm_rg_g"), "rs.r.ext.Workers{2}", "?"), "17");
	assert_string_equal(ju_str(world_table("rgm_rg_g"), "rs.r.prop.R_description", "?"), "a farm");
	must(2, "{'op':'resource_change','rs':'r','ext':{'Workers':'7'},'any':{'Workers':'8'}}", SCHA_ERR_INVAL, "is given twice");
	must(2, "{'op':'resource_change','rs':'r','any':{'None':'8'}}", SCHA_ERR_PROP, "has no property None");
	must(1, "{'op':'resource_change','rs':'r','ext':{'Workers{node2}':'65'}}", SCHA_ERR_INVAL, "above the maximum 64");
	must(1, "{'op':'resource_change','rs':'r','ext':{'Workers{node9}':'6'}}", SCHA_ERR_NODE, "node9 is not in the configuration");
	must(1, "{'op':'resource_change','rs':'r','ext':{'Workers{}':'6'}}", SCHA_ERR_NODE, "no node");
	must(1, "{'op':'resource_change','rs':'r','ext':{'Workers{1':'6'}}", SCHA_ERR_PROP, "write Workers{node}");
	must(1, "{'op':'resource_change','rs':'r','ext':{'Port{1}':'6'}}", SCHA_ERR_PROP, "has no extension property Port{1}");
	must(1, "{'op':'resource_change','rs':'r','props':{'R_description{1}':'x'}}", SCHA_ERR_PROP, "has no property");
	world_check_equal();
}

/* Validate hears of them as -X, with the number of the node. */
static void test_per_node_validate(void **state)
{
	struct rgm_update u = { 0 };
	json_t *m, *v, *run = NULL;
	size_t i;

	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	register_type("RESOURCE_TYPE = farm; VALIDATE = /validate; " METHODS WORKERS);
	must(1, "{'op':'resource_add','rg':'g','rs':'r','type':'farm'}", 0, NULL);
	m = world_json("{'t':'rgm.req','id':'x','op':'resource_change','rs':'r','ext':{'Workers{node2}':'8','Workers':'3'}}");
	rgm_apply(world_rgm(1), 1, m, &u);
	rgm_preside(world_rgm(1), true, &u);
	json_array_foreach(u.send, i, v)
		if (streq(ju_str(v, "t", ""), "rgm.run"))
			run = v;
	assert_non_null(run);
	_cleanup_free_ char *args = ju_dump(json_object_get(run, "args"));

	assert_string_equal(args, "[\"-X\",\"Workers{2}=8\",\"-x\",\"Workers=3\"]");
	rgm_update_done(&u);
	json_decref(m);
}

/* ---- Type_version ---- */

#define VERSION(v, from, when) \
	"RESOURCE_TYPE = app2; VENDOR_ID = SIM; RT_VERSION = \"" v "\"; " METHODS "MONITOR_START = /m; MONITOR_STOP = /n;\n" \
	"#$upgrade\n#$upgrade_from \"" from "\" " when "\n"
#define FIRST "RESOURCE_TYPE = app2; VENDOR_ID = SIM; RT_VERSION = \"1\"; " METHODS "MONITOR_START = /m; MONITOR_STOP = /n;\n#$upgrade\n"
#define OLD   "{ PROPERTY = Gone; EXTENSION; STRING; DEFAULT = x; TUNABLE = ANYTIME; }" \
	      "{ PROPERTY = Size; EXTENSION; INT; DEFAULT = 5; MAX = 100; TUNABLE = ANYTIME; }"
#define UPGRADE "{'op':'resource_change','rs':'r','props':{'Type_version':'2'}}"

static const struct { const char *when, *before[3]; scha_err_t code; } upgrades[] = {
	{ "ANYTIME",          { NULL }, 0 },
	{ "WHEN_UNMONITORED", { NULL }, SCHA_ERR_STATE },
	{ "WHEN_UNMONITORED", { "{'op':'resource_disable','names':['r'],'monitor':true}" }, 0 },
	{ "WHEN_UNMONITORED", { "{'op':'group_offline','rg':'g'}" }, 0 },
	{ "WHEN_OFFLINE",     { "{'op':'resource_disable','names':['r'],'monitor':true}" }, SCHA_ERR_STATE },
	{ "WHEN_OFFLINE",     { "{'op':'group_offline','rg':'g'}" }, 0 },
	{ "WHEN_DISABLED",    { "{'op':'group_offline','rg':'g'}" }, SCHA_ERR_STATE },
	{ "WHEN_DISABLED",    { "{'op':'resource_disable','names':['r']}" }, 0 },
	{ "WHEN_UNMANAGED",   { "{'op':'resource_disable','names':['r']}" }, SCHA_ERR_STATE },
	{ "WHEN_UNMANAGED",   { "{'op':'group_offline','rg':'g'}", "{'op':'resource_disable','names':['r','a']}",
				"{'op':'group_unmanage','rg':'g'}" }, 0 },
	{ "AT_CREATION",      { "{'op':'group_offline','rg':'g'}", "{'op':'resource_disable','names':['r','a']}",
				"{'op':'group_unmanage','rg':'g'}" }, SCHA_ERR_STATE },
};

static void test_upgrade_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(upgrades); i++) {
		_cleanup_free_ char *rtr = xasprintf(VERSION("2", "1", "%s"), upgrades[i].when);
		json_t *r;

		world_new(2, "g: a svc");
		world_settle();
		register_type(FIRST);
		register_type(rtr);
		must(1, "{'op':'resource_add','rg':'g','rs':'r','type':'SIM.app2:1','enabled':true}", 0, NULL);
		for (size_t k = 0; k < ARRAY_SIZE(upgrades[i].before) && upgrades[i].before[k]; k++)
			must(1, upgrades[i].before[k], 0, NULL);
		struct answer a = world_ask_text(1, UPGRADE);

		if (a.code != (int)upgrades[i].code)
			fail_msg("%s after %s: %d %s", upgrades[i].when, upgrades[i].before[0], a.code, a.text);
		r = rgm_resource_json(world_rgm(2), "r", NULL, 0);
		assert_string_equal(ju_str(r, "type", ""), a.code ? "SIM.app2:1" : "SIM.app2:2");
		assert_string_equal(ju_str(r, "type_version", ""), a.code ? "1" : "2");
		json_decref(r);
		world_check_equal();
		world_done(NULL);
	}
}

static void test_upgrade_values(void **state)
{
	json_t *r;

	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	register_type(FIRST OLD);
	register_type(VERSION("2", "1", "ANYTIME") "{ PROPERTY = Size; EXTENSION; INT; DEFAULT = 5; MAX = 50; TUNABLE = ANYTIME; }"
		      "{ PROPERTY = Fresh; EXTENSION; STRING; TUNABLE = AT_CREATION; }");
	register_type(VERSION("3", "0", "ANYTIME"));
	must(1, "{'op':'resource_add','rg':'g','rs':'r','type':'SIM.app2:1','ext':{'Gone':'y','Size':'70'},'enabled':true}", 0, NULL);
	must(1, "{'op':'resource_change','rs':'r','props':{'Type_version':'1'}}", 0, NULL);
	must(1, "{'op':'resource_change','rs':'r','props':{'Type_version':'9'}}", SCHA_ERR_RT, "version \"9\" of resource type");
	must(1, "{'op':'resource_change','rs':'r','props':{'Type_version':'3'}}", SCHA_ERR_STATE, "delete it and make it anew");
	must(1, UPGRADE, SCHA_ERR_INVAL, "has other limits");
	must(1, "{'op':'resource_change','rs':'r','props':{'Type_version':'2'},'ext':{'Size':'40'}}", SCHA_ERR_PROP, "Fresh is new");
	must(1, "{'op':'resource_change','rs':'r','any':{'Type_version':'2','Size':'40'}}", SCHA_ERR_PROP, "Fresh is new");
	must(1, "{'op':'resource_change','rs':'r','props':{'type_VERSION':'2'},'ext':{'Size':'40','Fresh':'f'}}", 0, NULL);
	r = rgm_resource_json(world_rgm(1), "r", NULL, 0);
	assert_string_equal(ju_str(r, "type", ""), "SIM.app2:2");
	_cleanup_free_ char *text = ju_dump(r);

	assert_null(strstr(text, "Gone"));
	assert_non_null(strstr(text, "\"40\""));
	json_decref(r);
	must(1, "{'op':'resource_change','rs':'r','ext':{'Fresh':'g'}}", SCHA_ERR_PROP, "only when the resource is created");
	must(1, "{'op':'resource_add','rg':'g','rs':'s','type':'SIM.app2:1','props':{'Type_version':'2'}}", SCHA_ERR_INVAL, "is version");
	must(1, "{'op':'resource_add','rg':'g','rs':'s','type':'SIM.app2:1','props':{'Type_version':'1'}}", 0, NULL);
	must(1, "{'op':'type_remove','type':'SIM.app2:2'}", SCHA_ERR_STATE, "in use by resource r");
}

/* A type that was registered without #$upgrade is "" to its next version. */
static void test_upgrade_from_nothing(void **state)
{
	(void)state;
	world_new(1, "g: a svc");
	world_settle();
	register_type("RESOURCE_TYPE = app2; VENDOR_ID = SIM; " METHODS);
	register_type(VERSION("2", "", "ANYTIME"));
	must(1, "{'op':'resource_add','rg':'g','rs':'r','type':'SIM.app2','enabled':true}", 0, NULL);
	must(1, UPGRADE, 0, NULL);
	assert_string_equal(world_resource_state("r", 1), "ONLINE");
}

/* ---- scha_control ---- */

static void test_disable(void **state)
{
	(void)state;
	world_new(2, "g: a app; b svc a");
	world_settle();
	must(2, CONTROL("RESOURCE_DISABLE"), SCHA_ERR_STATE, "is not online on node2");
	must(1, CONTROL("RESOURCE_DISABLE"), SCHA_ERR_DEPEND, "depends on a");
	must(1, "{'op':'resource_disable','names':['b']}", 0, NULL);
	must(1, CONTROL("resource_disable"), 0, NULL);
	assert_string_equal(world_resource_state("a", 1), "OFFLINE");
	assert_string_equal(world_group_state("g", 1), "ONLINE");
}

static const struct { const char *mode, *tag; scha_err_t code; } modes[] = {
	{ "LOG_ONLY",     "RESOURCE_DISABLE", SCHA_ERR_CHECKS }, { "RESTART_ONLY", "RESOURCE_DISABLE", 0 },
	{ "SOFT",         "RESOURCE_DISABLE", 0 },
	{ "NONE",         "CHANGE_STATE_ONLINE", SCHA_ERR_PROP }, { "NONE", "CHANGE_STATE_OFFLINE", SCHA_ERR_PROP },
	{ "NONE",         "IGNORE_FAILED_START", SCHA_ERR_STATE },
};

static void test_modes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		_cleanup_free_ char *group = xasprintf("g: a app - %s", modes[i].mode);
		_cleanup_free_ char *request = xasprintf("{'op':'control','tag':'%s','rg':'g','rs':'a'}", modes[i].tag);

		world_new(2, group);
		world_settle();
		struct answer a = world_ask_text(1, request);

		if (a.code != (int)modes[i].code)
			fail_msg("%s, %s: %d %s", modes[i].mode, modes[i].tag, a.code, a.text);
		world_done(NULL);
	}
}

/* While Start runs it says that its failure shall not move the group; the answer does not wait for the method. */
static void test_ignore_failed_start(void **state)
{
	const char *id;

	(void)state;
	for (int ignore = 0; ignore < 2; ignore++) {
		world_new(2, "g: a svc - SOFT");
		world_outcome("1:a.Start", 1);
		world_deliver();
		assert_string_equal(world_resource_state("a", 1), "STARTING");
		if (ignore) {
			id = world_request(1, world_json(CONTROL("IGNORE_FAILED_START")));
			world_deliver();
			assert_int_equal(world_answer(id).code, 0);
		}
		world_settle();
		assert_string_equal(world_group_states("g"), ignore ? "ONLINE_FAULTED OFFLINE" : "OFFLINE ONLINE");
		assert_string_equal(world_resource_state("a", 1), ignore ? "START_FAILED" : "OFFLINE");
		world_done(NULL);
	}
}

/* What was said in one start does not hold for the next. */
static void test_ignored_once(void **state)
{
	(void)state;
	world_new(2, "g: a svc - SOFT");
	world_deliver();
	(void)world_request(1, world_json(CONTROL("IGNORE_FAILED_START")));
	world_settle();
	assert_string_equal(world_group_states("g"), "ONLINE OFFLINE");
	world_outcome("1:a.Start", 1);
	must(1, "{'op':'group_restart','rg':'g','nodes':['node1']}", SCHA_ERR_FAIL, NULL);
	assert_string_equal(world_group_states("g"), "OFFLINE ONLINE");
}

static void test_proxy(void **state)
{
	(void)state;
	world_new(2, "g: z svc");
	world_settle();
	register_type("RESOURCE_TYPE = far; PROXY; PRENET_START = /p; POSTNET_STOP = /q;");
	must(1, "{'op':'resource_add','rg':'g','rs':'a','type':'far','enabled':true}", 0, NULL);
	assert_string_equal(world_resource_state("a", 1), "OFFLINE");           /* nobody has said yet */
	must(1, "{'op':'resource_add','rg':'g','rs':'b','type':'svc','enabled':true,'props':{'Resource_dependencies':'a'}}", 0, NULL);
	assert_string_equal(world_resource_state("b", 1), "OFFLINE");
	must(2, CONTROL("CHANGE_STATE_ONLINE"), SCHA_ERR_STATE, "is not online on node2");
	(void)world_trace();
	must(1, CONTROL("CHANGE_STATE_ONLINE"), 0, NULL);
	assert_string_equal(world_resource_state("a", 1), "ONLINE");
	assert_string_equal(world_resource_state("b", 1), "ONLINE");            /* it has waited for that */
	assert_string_equal(world_trace(), "b.Start");                          /* and no method of the proxy ran */
	must(1, CONTROL("CHANGE_STATE_OFFLINE"), 0, NULL);
	assert_string_equal(world_resource_state("a", 1), "OFFLINE");
	must(1, CONTROL("CHANGE_STATE_ONLINE"), 0, NULL);
	must(1, "{'op':'group_switch','rg':'g','nodes':['node2']}", 0, NULL);
	assert_string_equal(world_resource_state("a", 1), "OFFLINE");
	assert_string_equal(world_resource_state("a", 2), "OFFLINE");           /* there nobody has said, either */
	world_check_equal();
}

static void test_status(void **state)
{
	json_t *r;

	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	must(2, "{'op':'status','rg':'g','rs':'a','status':'DEGRADED','msg':'slow'}", 0, NULL);
	r = rgm_resource_json(world_rgm(1), "a", NULL, 0);
	assert_string_equal(ju_str(json_array_get(ju_arr(r, "nodes"), 1), "status", ""), "DEGRADED");
	assert_string_equal(ju_str(json_array_get(ju_arr(r, "nodes"), 1), "message", ""), "slow");
	assert_string_equal(ju_str(json_array_get(ju_arr(r, "nodes"), 0), "status", ""), "OK");
	json_decref(r);
	must(1, "{'op':'status','rg':'h','rs':'a','status':'OK'}", SCHA_ERR_RG, NULL);
	must(1, "{'op':'status','rg':'g','rs':'z','status':'OK'}", SCHA_ERR_RSRC, NULL);
	must(1, "{'op':'status','rg':'g','rs':'a','status':'GREEN'}", SCHA_ERR_RSTATUS, NULL);
}

/* ---- what libscha asks ---- */

static void test_switches(void **state)
{
	json_t *r, *on;

	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	must(1, "{'op':'resource_disable','names':['a'],'nodes':['node2']}", 0, NULL);
	must(1, "{'op':'resource_disable','names':['a'],'nodes':['node1'],'monitor':true}", 0, NULL);
	r = rgm_resource_json(world_rgm(2), "a", NULL, 0);
	_cleanup_free_ char *disabled = ju_dump(json_object_get(r, "disabled_on")), *unmonitored = ju_dump(json_object_get(r, "unmonitored_on"));

	assert_true(ju_bool(r, "enabled", false) && ju_bool(r, "monitored", false));
	assert_string_equal(disabled, "[\"node2\"]");
	assert_string_equal(unmonitored, "[\"node1\"]");
	on = json_array_get(ju_arr(r, "nodes"), 1);
	assert_true(!ju_bool(on, "enabled", true) && ju_bool(on, "monitored", false));
	on = json_array_get(ju_arr(r, "nodes"), 0);
	assert_true(ju_bool(on, "enabled", false) && !ju_bool(on, "monitored", true));
	json_decref(r);
}

static void test_network_resources(void **state)
{
	json_t *r;

	(void)state;
	world_new(1, "g: ip lh; db svc; a svc ip,db");
	world_settle();
	r = rgm_resource_json(world_rgm(1), "a", "g", 0);
	_cleanup_free_ char *list = ju_dump(json_object_get(r, "network_resources"));

	assert_string_equal(list, "[\"ip\"]");
	assert_null(rgm_resource_json(world_rgm(1), "a", "other", 0));
	json_decref(r);
}

/* Inside a group each of the three means the same, and is a dependency. */
static void test_qualifiers(void **state)
{
	static const char *const requests[] = {
		"{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'b{LOCAL_NODE}'}}",
		"{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'b{ANY_NODE}'}}",
		"{'op':'resource_change','rs':'a','props':{'Resource_dependencies':'b{FROM_RG_AFFINITIES}'}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		world_new(1, "g: a svc; b svc");
		world_settle();
		must(1, requests[i], 0, NULL);
		must(1, "{'op':'resource_disable','names':['b']}", SCHA_ERR_DEPEND, "depends on b");
		world_done(NULL);
	}
}

static void test_type_properties(void **state)
{
	json_t *t;

	(void)state;
	world_new(1, "g: a full");
	world_settle();
	t = rgm_type_json(world_rgm(1), "full");
	assert_string_equal(ju_str(ju_obj(t, "properties"), "Monitor_check", ""), "mcheck");
	assert_string_equal(ju_str(ju_obj(t, "properties"), "Installed_nodes", ""), "*");
	assert_string_equal(ju_str(ju_obj(t, "properties"), "API_version", ""), "2");
	json_decref(t);
}

/* The two things of a type that an administrator may change; the one leaves the other alone. */
static void test_change_of_a_type(void **state)
{
	(void)state;
	world_new(2, "g: a svc");
	world_settle();
	register_type("RESOURCE_TYPE = t; " METHODS);
	must(1, "{'op':'type_change','type':'t','installed_nodes':'node1'}", 0, NULL);
	must(1, "{'op':'type_change','type':'t','props':{'rt_SYSTEM':'true'}}", 0, NULL);
	must(1, "{'op':'type_remove','type':'t'}", SCHA_ERR_STATE, "RT_system is TRUE");
	for (uint32_t node = 1; node <= 2; node++) {
		json_t *t = rgm_type_json(world_rgm(node), "t");

		assert_string_equal(ju_str(ju_obj(t, "properties"), "RT_system", ""), "TRUE");
		assert_string_equal(ju_str(ju_obj(t, "properties"), "Installed_nodes", ""), "node1");
		json_decref(t);
	}
	must(1, "{'op':'type_change','type':'t','props':{'RT_system':'perhaps'}}", SCHA_ERR_INVAL, "neither TRUE nor FALSE");
	must(1, "{'op':'type_change','type':'t','props':{'Failover':'TRUE'}}", SCHA_ERR_PROP, "comes from its RTR file");
	must(1, "{'op':'type_change','type':'t','props':{'Resource_list':'a'}}", SCHA_ERR_PROP, "the cluster keeps it");
	must(1, "{'op':'type_change','type':'t','props':{'Nonsense':'a'}}", SCHA_ERR_PROP, "have no property Nonsense");
	must(1, "{'op':'type_change','type':'t','props':{'RT_system':'FALSE'}}", 0, NULL);
	must(1, "{'op':'type_remove','type':'t'}", 0, NULL);
}

/* What listings and the API show while a group moves, and when a node dies. */
static void test_states_on_the_way(void **state)
{
	json_t *cluster;

	(void)state;
	world_new(2, "g: a svc");
	world_deliver();
	assert_string_equal(world_group_state("g", 1), "PENDING_ONLINE");
	world_settle();
	(void)world_request(1, world_json("{'op':'group_switch','rg':'g','nodes':['node2']}"));
	world_deliver();
	assert_string_equal(world_group_state("g", 1), "PENDING_OFFLINE");
	assert_string_equal(world_resource_state("a", 1), "STOPPING");
	world_settle();
	world_crash(2);
	world_dead(2);
	world_settle();
	cluster = rgm_cluster_json(world_rgm(1));
	assert_string_equal(ju_str(json_array_get(ju_arr(cluster, "nodes"), 0), "state", ""), "UP");
	assert_string_equal(ju_str(json_array_get(ju_arr(cluster, "nodes"), 1), "state", ""), "DOWN");
	json_decref(cluster);
	assert_string_equal(world_group_state("g", 1), "ONLINE");
}

#define T(fn) cmocka_unit_test_teardown(fn, world_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_per_node), T(test_per_node_validate), T(test_upgrade_conditions), T(test_upgrade_values),
		T(test_upgrade_from_nothing), T(test_disable), T(test_switches), T(test_modes), T(test_ignore_failed_start), T(test_ignored_once),
		T(test_proxy), T(test_network_resources), T(test_type_properties), T(test_change_of_a_type),
		T(test_states_on_the_way), T(test_status), T(test_qualifiers),
	};

	return cmocka_run_group_tests_name("rgm-api", tests, NULL, NULL);
}
