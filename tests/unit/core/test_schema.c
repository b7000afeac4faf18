/* The schema of the tables: each row of what is allowed and of what is refused, with the words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "ccr/schema.h"

#define RG "rgm_rg_web"
static const struct { const char *table, *key, *value, *says; } pairs[] = {
	{ "infrastructure", "cluster.name", "demo", NULL },
	{ "infrastructure", "cluster.name", "", "a name without blanks" },
	{ "infrastructure", "cluster.nodes.1.name", "node1", NULL },
	{ "infrastructure", "cluster.nodes.65.name", "node1", "knows no key \"cluster.nodes.65.name\"; the nearest is cluster.nodes.<id>.name" },
	{ "infrastructure", "cluster.nodes.01.name", "node1", "the nearest is cluster.nodes.<id>.name" },
	{ "infrastructure", "cluster.nodes.1.nmae", "node1", "the nearest is cluster.nodes.<id>.name" },
	{ "infrastructure", "cluster.nodes.1.properties.quorum_vote", "1", NULL },
	{ "infrastructure", "cluster.properties.global_fencing", "pathcount", NULL },
	{ "infrastructure", "cluster.properties.global_fencing", "scsi3", "must be one of prefer3,pathcount," },
	{ "infrastructure", "cluster.quorum_devices.1.properties.role", "data", NULL },
	{ "infrastructure", "cluster.quorum_devices.1.properties.role", "disk", "must be one of quorum,data" },
	{ "infrastructure", "cluster.quorum_devices.1.properties.default_fencing", "nofencing-noscrub", NULL },
	{ "infrastructure", "cluster.quorum_devices.1.properties.default_fencing", "no", "must be one of global,scsi3,prefer3," },
	{ "infrastructure", "cluster.nodes.1.properties.quorum_vote", "2", "must be a number from 0 to 1, not \"2\"" },
	{ "infrastructure", "cluster.properties.takeover_time", "10", "a number from 480 to 60000" },
	{ "infrastructure", "cluster.properties.takeover_time", "640 ", "a number from 480 to 60000" },
	{ "infrastructure", "cluster.properties.cluster_id", "0x3908EE1C", NULL },
	{ "infrastructure", "cluster.properties.cluster_id", "12", "a number like" },
	{ "infrastructure", "cluster.nodes.1.adapters.1.properties.ip_address", "10.88.1.1", NULL },
	{ "infrastructure", "cluster.nodes.1.adapters.1.properties.ip_address", "host", "an IP address" },
	{ "infrastructure", "cluster.stat", "enabled", "the nearest is cluster.state" },
	{ "infrastructure", "cluster.state", "on", "must be one of enabled,disabled" },
	{ "infrastructure", "", "x", "knows no key \"\"" },
	{ RG, "rg.managed", "TRUE", NULL },
	{ RG, "rg.managed", "yes", "must be one of TRUE,FALSE, not \"yes\"" },
	{ RG, "rg.prop.Nodelist", "a,b", NULL },
	{ RG, "rs.web.ext.Start_command", "any\ntext", NULL },
	{ RG, "rs.web.extt.Start_command", "x", "the nearest is rs.<resource>.ext.<property>" },
	{ RG, "rg.nonsense", "x", "the nearest is rg.managed" },
	{ RG, "managed", "x", "the nearest is rg.managed" },
	{ RG, "rs.web.enabled{2}", "FALSE", NULL },
	{ RG, "rs.web.monitored{64}", "TRUE", NULL },
	{ RG, "rs.web.enabled{65}", "TRUE", "the nearest is rs.<resource>.enabled" },
	{ RG, "rs.web.enabled{02}", "TRUE", "the nearest is rs.<resource>.enabled" },
	{ RG, "rs.web.enabled{2}x", "TRUE", "the nearest is rs.<resource>.enabled" },
	{ RG, "rs.web.enabled{}", "TRUE", "the nearest is rs.<resource>.enabled" },
	{ RG, "rs.web.enabled{2}", "no", "must be one of TRUE,FALSE" },
	{ RG, "rs..type", "x", "knows no key \"rs..type\"" },
	{ RG, "rs.web.type.more", "x", "knows no key" },
	{ "rgm_rt_SUNW.gds:6", "rtr", "text", NULL },
	{ "rgm_rt_SUNW.gds:6", "rtt", "text", "the nearest is rtr" },
	{ "rgm_rg_", "rg.managed", "TRUE", "there is no table \"rgm_rg_\"" },
	{ "nonsense", "a", "b", "there is no table \"nonsense\" in a cluster" },
};

static void test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct err err = { 0 };
		int r = schema_check(pairs[i].table, pairs[i].key, pairs[i].value, &err);

		if ((r == 0) != !pairs[i].says || (r < 0 && !strstr(err.text, pairs[i].says)))
			fail_msg("%s %s \"%s\": %d \"%s\"", pairs[i].table, pairs[i].key, pairs[i].value, r, err.text);
	}
}

static void test_tables(void **state)
{
	static const struct { const char *table, *data, *says; } tables[] = {
		{ RG, "{\"rg.managed\":\"FALSE\"}", NULL }, { RG, "{}", NULL },
		{ RG, "{\"rg.managed\":true}", "the value of rg.managed is no text" }, { RG, "[]", "no object" },
		{ "x", "{}", "there is no table" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		json_t *data = json_loads(tables[i].data, 0, NULL);
		struct err err = { 0 };
		int r = schema_check_table(tables[i].table, data, &err);

		if ((r == 0) != !tables[i].says || (r < 0 && !strstr(err.text, tables[i].says)))
			fail_msg("%s: %d \"%s\"", tables[i].data, r, err.text);
		json_decref(data);
	}
}

/* Every row fits itself, and says what it is for. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < schema_count(); i++) {
		const struct schema_row *row = schema_at(i);

		assert_non_null(row->meaning);
		assert_true(row->type > SCHEMA_INVALID && row->type < SCHEMA_TYPE_COUNT);
		assert_true((row->type == SCHEMA_WORD) == (row->values != NULL));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs), cmocka_unit_test(test_tables), cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
