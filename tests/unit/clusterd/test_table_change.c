/* table_change, against a whole engine of one node: each row is a change of one table, and what is said to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "clusterd/engine.h"
#include "scha_err.h"

static const char rtr[] =
	"RESOURCE_TYPE = app; VENDOR_ID = T; RT_BASEDIR = /opt/t; FAILOVER = TRUE; API_VERSION = 2;\n"
	"START = start; STOP = stop; VALIDATE = check;\n"
	"{ PROPERTY = Failover_mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }\n"
	"{ PROPERTY = Speed; EXTENSION; INT; DEFAULT = 1; TUNABLE = ANYTIME; DESCRIPTION = \"x\"; }\n"
	"{ PROPERTY = Off; EXTENSION; INT; DEFAULT = 1; TUNABLE = WHEN_DISABLED; DESCRIPTION = \"x\"; }\n"
	"{ PROPERTY = Must; EXTENSION; STRING; TUNABLE = ANYTIME; DESCRIPTION = \"x\"; }\n";

static struct {
	struct engine *engine;
	uint64_t now;
	json_t  *log;                   /* messages that are on their way */
	json_t  *answer;                /* the last one */
	unsigned validated;
} w;

static struct engine_time at(void)
{
	return (struct engine_time) { .mono_ms = w.now, .wall_ms = 1700000000000 + (int64_t)w.now };
}

static void take(struct engine_update *u);

/* Validate says no to a speed of 13; everything else works at once. */
static void run_method(const json_t *run)
{
	_cleanup_free_ char *argv = ju_dump(ju_arr(run, "argv"));
	bool bad = strstr(argv, "Speed=13") != NULL;
	json_t *result = ju_pack("{si,sb,ss,sf}", "exit", bad, "timed_out", 0, "output", bad ? "too fast" : "", "ms", 1.0);
	struct engine_update u;

	w.validated += streq(ju_str(run, "method", ""), "Validate");
	engine_ran(w.engine, at(), (uint64_t)ju_int(run, "run", 0), result, &u);
	json_decref(result);
	take(&u);
}

static void take(struct engine_update *u)
{
	struct engine_update update = *u;
	struct engine_update next;
	json_t *v;
	size_t i;

	if (update.panic[0] || update.stop[0])
		fail_msg("%s%s", update.panic, update.stop);
	json_array_foreach(update.send, i, v)
		ju_push(w.log, json_incref(v));
	json_array_foreach(update.answer, i, v) {
		json_decref(w.answer);
		w.answer = json_incref(v);
	}
	json_array_foreach(update.store, i, v) {
		engine_stored(w.engine, at(), v, NULL, &next);
		take(&next);
	}
	json_array_foreach(update.run, i, v)
		run_method(v);
	engine_update_done(&update);
}

static void settle(void)
{
	for (unsigned n = 0; json_array_size(w.log) && n < 10000; n++) {
		json_t *m = json_incref(json_array_get(w.log, 0));
		struct engine_update u;

		json_array_remove(w.log, 0);
		w.now++;
		engine_deliver(w.engine, at(), 1, m, &u);
		json_decref(m);
		take(&u);
		if (n % 50 == 49 && json_array_size(w.log) < 3)
			return;         /* beats only */
	}
}

static void load(const char *table, json_t *data /* taken */)
{
	engine_load(w.engine, table, 1, data);
	json_decref(data);
}

static int world(void **state)
{
	const struct engine_config config = { .self = 1, .incarnation = 1 };
	struct engine_update u;
	struct err err = { 0 };

	(void)state;
	w.now = 1000;
	w.log = json_array();
	w.engine = engine_new(&config);
	load("infrastructure", ju_pack("{ss,ss,ss}", "cluster.name", "c", "cluster.nodes.1.name", "n1",
				       "cluster.properties.takeover_time", "640"));
	load("rgm_rt_T.app", ju_pack("{ss,ss,ss}", "rtr", rtr, "path", "/x", "installed_nodes", ""));
	load("rgm_rg_g", ju_pack("{ss,ss,ss,ss,ss,ss,ss,ss,ss}", "rg.managed", "TRUE", "rs.a.type", "T.app", "rs.a.enabled", "TRUE",
				 "rs.a.monitored", "TRUE", "rs.a.ext.Must", "x", "rs.b.type", "T.app", "rs.b.enabled", "FALSE",
				 "rs.b.monitored", "TRUE", "rs.b.ext.Must", "y"));
	load("rgm_rg_idle", ju_pack("{ss}", "rg.managed", "FALSE"));
	assert_int_equal(engine_start(w.engine, &err), 0);
	engine_view(w.engine, at(), node_bit(1), &u);
	take(&u);
	for (unsigned n = 0; n < 200 && !engine_is_ready(w.engine); n++) {
		settle();
		w.now += 50;
		engine_timer(w.engine, at(), &u);
		take(&u);
	}
	assert_true(engine_is_ready(w.engine));
	return 0;
}

static int world_done(void **state)
{
	(void)state;
	engine_free(w.engine);
	json_decref(w.log);
	json_decref(w.answer);
	memset(&w, 0, sizeof w);
	return 0;
}

/* change: pairs to put into the table as it is, null takes one away; NULL: remove the table. */
static json_t *change_of(const char *table, const char *change)
{
	const json_t *now = ccr_table(engine_ccr(w.engine), table);
	json_t *data, *pairs, *v;
	const char *key;

	if (!change)
		return json_null();
	data = now ? json_deep_copy(now) : json_object();
	pairs = json_loads(change, 0, NULL);
	assert_non_null(pairs);
	json_object_foreach(pairs, key, v)
		if (json_is_null(v))
			json_object_del(data, key);
		else
			json_object_set(data, key, v);
	json_decref(pairs);
	return data;
}

static void request(const char *table, const char *change, int64_t base, bool check)
{
	json_t *r = ju_pack("{ss,ss,sI,so,sb}", "op", "table_change", "table", table, "base", (json_int_t)base, "data",
			    change_of(table, change), "check", check);
	struct engine_update u;

	json_decref(w.answer);
	w.answer = NULL;
	engine_request(w.engine, at(), 7, r, "root@n1", &u);
	json_decref(r);
	take(&u);
	settle();
	if (!w.answer)
		fail_msg("no answer for %s %s", table, change ? change : "null");
}

#define G "rgm_rg_g"
static const struct { const char *table, *change, *says; int64_t base; } rows[] = {        /* base 0: the one in force */
	{ G, "{\"rg.prop.RG_description\":\"x\"}", NULL },
	{ G, "{}", NULL },
	{ G, "{\"rg.prop.failback\":\"true\"}", NULL },
	{ G, "{\"rg.prop.Failback\":\"maybe\"}", "Failback" },
	{ G, "{\"rg.prop.RG_mode\":\"SCALABLE\"}", "RG_mode of resource group g was set when it was created" },
	{ G, "{\"rg.prop.Nodelist\":\"n9\"}", "node n9 is not in the configuration" },
	{ G, "{\"rg.prop.RG_description\":\"x\"}", "was changed by somebody", 99 },
	{ G, "{\"rg.managed\":\"FALSE\"}", "resource a is enabled" },
	{ G, NULL, "resource a is enabled: disable it first" },
	{ G, "{\"rs.b.type\":null}", "resource b has no type" },
	{ G, "{\"rs.a.type\":null,\"rs.a.enabled\":null,\"rs.a.monitored\":null,\"rs.a.ext.Must\":null}", "resource a is enabled" },
	{ G, "{\"rs.b.type\":null,\"rs.b.enabled\":null,\"rs.b.monitored\":null,\"rs.b.ext.Must\":null}", NULL },
	{ G, "{\"rs.b.type\":\"T.none\"}", "resource type T.none is not registered" },
	{ G, "{\"rs.a.ext.Speed\":\"5\"}", NULL },
	{ G, "{\"rs.a.ext.Speed\":\"fast\"}", "Speed" },
	{ G, "{\"rs.a.ext.Speed\":\"13\"}", "Validate refused it on n1: too fast" },
	{ G, "{\"rs.a.ext.Sped\":\"5\"}", "has no extension property Sped" },
	{ G, "{\"rs.a.prop.Speed\":\"5\"}", "has no property Speed" },
	{ G, "{\"rs.a.ext.Off\":\"2\"}", "only while the resource is disabled" },
	{ G, "{\"rs.b.ext.Off\":\"2\"}", NULL },
	{ G, "{\"rs.b.ext.Must\":null}", "has no default and must be given" },
	{ G, "{\"rs.c.type\":\"T.app\"}", "extension property Must has no default" },
	{ G, "{\"rs.c.type\":\"T.app\",\"rs.c.ext.Must\":\"1\"}", NULL },
	{ G, "{\"rs.c.type\":\"app\",\"rs.c.ext.Must\":\"1\",\"rs.c.enabled\":\"TRUE\"}", NULL },
	{ G, "{\"rs.c.type\":\"T.app\",\"rs.c.ext.Must\":\"1\",\"rs.c.ext.Speed\":\"13\"}", "Validate refused it" },
	{ G, "{\"rs.1.type\":\"T.app\"}", "is no name for a resource" },
	{ G, "{\"rs.b.prop.Resource_dependencies\":\"a\"}", NULL },
	{ G, "{\"rs.a.prop.Resource_dependencies\":\"b\"}", "is enabled and depends on b, which is disabled" },
	{ G, "{\"rs.a.enabled{1}\":\"FALSE\"}", NULL },
	{ G, "{\"rs.a.monitored{1}\":\"FALSE\"}", NULL },
	{ G, "{\"rs.a.enabled{2}\":\"FALSE\"}", "resource a: enabled{2} names no node of the configuration by its id" },
	{ G, "{\"rs.a.enabled{n1}\":\"FALSE\"}", "knows no key \"rs.a.enabled{n1}\"" },
	{ G, "{\"rs.a.enabled{1}\":\"no\"}", "must be one of TRUE,FALSE" },
	{ G, "{\"rs.a.enabled{1}\":\"FALSE\",\"rs.b.enabled\":\"TRUE\",\"rs.b.prop.Resource_dependencies\":\"a\"}",
	  "resource b is enabled and depends on a, which is disabled" },
	{ G, "{\"rs.a.prop.Resource_dependencies\":\"b\",\"rs.b.enabled{1}\":\"TRUE\"}", NULL },
	{ G, "{\"rs.a.prop.Resource_dependencies\":\"a\"}", "depends on itself" },
	{ G, "{\"rs.b.prop.Resource_dependencies\":\"z\"}", "depends on z, which does not exist" },
	{ G, "{\"rs.a.prop.Resource_dependencies\":\"b\",\"rs.b.prop.Resource_dependencies\":\"a\",\"rs.b.enabled\":\"TRUE\"}",
	  "circle: a -> b -> a" },
	{ G, "{\"rg.nonsense\":\"x\"}", "knows no key \"rg.nonsense\"" },
	{ "rgm_rg_idle", "{\"rs.a.type\":\"T.app\",\"rs.a.ext.Must\":\"1\"}", "resource a exists already, in group g" },
	{ "rgm_rg_idle", NULL, NULL },
	{ "rgm_rg_new", "{\"rg.managed\":\"TRUE\",\"rs.n.type\":\"T.app\",\"rs.n.ext.Must\":\"1\"}", NULL },
	{ "rgm_rg_1", "{}", "is no name for a resource group" },
	{ "rgm_rg_none", NULL, "does not exist" },
	{ "infrastructure", "{\"cluster.properties.installmode\":\"disabled\"}", NULL },
	{ "infrastructure", "{\"cluster.nodes.1.properties.quorum_vote\":\"0\"}", "use clquorum" },
	{ "infrastructure", "{\"cluster.quorum_devices.1.name\":\"d1\"}", "clquorum" },
	{ "infrastructure", "{\"cluster.quorum_devices.1.properties.role\":\"data\"}", "disks with cldevice" },
	{ "infrastructure", "{\"cluster.properties.global_fencing\":\"nofencing\"}", "use cluster set" },
	{ "infrastructure", "{\"cluster.nodes.2.name\":\"n2\"}", "clnode" },
	{ "infrastructure", "{\"cluster.properties.takeover_time\":\"1000\"}", "use cluster set" },
	{ "infrastructure", NULL, "cannot be removed" },
	{ "rgm_rt_T.app", "{\"installed_nodes\":\"n1\"}", NULL },
	{ "rgm_rt_T.app", "{\"installed_nodes\":\"n9\"}", "node n9 is not in the configuration" },
	{ "rgm_rt_T.app", "{\"path\":\"/y\"}", "its registration does not change in place" },
	{ "rgm_rt_T.app", NULL, "is in use by resource a" },
	{ "rgm_rt_U", "{\"rtr\":\"RESOURCE_TYPE = U; START = /s; STOP = /t;\"}", NULL },
	{ "rgm_rt_V", "{\"rtr\":\"RESOURCE_TYPE = U; START = /s; STOP = /t;\"}", "declares resource type U, not V" },
	{ "rgm_rt_U", "{\"rtr\":\"nonsense\"}", "1:" },
	{ "nonsense", "{}", "there is no table \"nonsense\"" },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int check = 1; check >= 0; check--) {
			const struct ccr *ccr;
			uint64_t before;
			int64_t code;

			if (check)
				world(state);
			ccr = engine_ccr(w.engine);
			before = ccr_last_commit(ccr);
			request(rows[i].table, rows[i].change, rows[i].base ? rows[i].base :
				ccr_table(ccr, rows[i].table) ? (int64_t)ccr_table_gen(ccr, rows[i].table) : 0, check);
			code = ju_int(w.answer, "code", -1);
			if ((code == SCHA_ERR_NOERR) != !rows[i].says ||
			    (rows[i].says && !strstr(ju_str(w.answer, "text", ""), rows[i].says)))
				fail_msg("%s %s%s: %d \"%s\"", rows[i].table, rows[i].change ? rows[i].change : "null",
					 check ? " (check)" : "", (int)code, ju_str(w.answer, "text", ""));
			if ((check || rows[i].says) && ccr_last_commit(ccr) != before)
				fail_msg("%s %s: something was changed", rows[i].table, rows[i].change);
		}
		world_done(state);
	}
}

/* What was committed is what was asked for, in the canonical spelling, and the history has it with its message. */
static void test_canonical(void **state)
{
	const json_t *data, *last;

	(void)state;
	request(G, "{\"rg.prop.failback\":\"true\",\"rs.c.type\":\"app\",\"rs.c.ext.must\":\"1\"}", 1, false);
	assert_int_equal(ju_int(w.answer, "code", -1), SCHA_ERR_NOERR);
	assert_true(w.validated > 0);
	data = ccr_table(engine_ccr(w.engine), G);
	assert_string_equal(ju_str(data, "rg.prop.Failback", ""), "TRUE");
	assert_string_equal(ju_str(data, "rs.c.type", ""), "T.app");
	assert_string_equal(ju_str(data, "rs.c.ext.Must", ""), "1");
	assert_string_equal(ju_str(data, "rs.c.enabled", ""), "FALSE");
	last = json_array_get(ccr_history(engine_ccr(w.engine)), 0);
	assert_string_equal(ju_str(last, "by", ""), "root@n1");
	assert_string_equal(ju_str(last, "table", ""), G);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows), cmocka_unit_test_setup_teardown(test_canonical, world, world_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
