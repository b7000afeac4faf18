/* The property tables and the validator of values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rgm/rt.h"

/* ---- the tables ---- */

static void check_row(const struct prop_info *info)
{
	_cleanup_free_ char *checked = NULL;
	struct err err = { 0 };

	if (!info->name || info->type <= PROP_INVALID || info->type >= PROP_TYPE_COUNT || !info->help || !*info->help)
		fail_msg("row %s is not complete", info->name);
	if (info->tunable <= TUNE_DEFAULT || info->tunable >= TUNE_COUNT || info->widest <= TUNE_DEFAULT)
		fail_msg("%s: tunable", info->name);
	if (info->query_only != (info->tunable == TUNE_NONE))
		fail_msg("%s: what can never be set is query-only, and nothing else", info->name);
	if (info->type == PROP_ENUM && !info->enums)
		fail_msg("%s: ENUM without literals", info->name);
	if ((info->min || info->max) && (info->type != PROP_INT || info->min > info->max))
		fail_msg("%s: bounds", info->name);
	/* A default must be valid and already in its canonical form. */
	if (info->dflt && prop_check(info, info->dflt, &checked, &err) < 0)
		fail_msg("%s: default: %s", info->name, err.text);
	if (info->dflt)
		assert_string_equal(checked, info->dflt);
}

static void test_tables(void **state)
{
	for (size_t i = 0; i < resource_prop_count(); i++) {
		const struct prop_info *info = resource_prop_at(i);

		check_row(info);
		assert_ptr_equal(resource_prop_find(info->name), info);         /* so no name stands twice */
	}
	for (size_t i = 0; i < group_prop_count(); i++) {
		const struct prop_info *info = group_prop_at(i);

		check_row(info);
		assert_true(info->always);
		assert_ptr_equal(group_prop_find(info->name), info);
	}
}

static void test_type_table(void **state)
{
	for (size_t i = 0; i < type_prop_count(); i++) {
		const struct prop_info *info = type_prop_at(i);
		_cleanup_free_ char *checked = NULL;
		struct err err = { 0 };

		assert_true(info->type > PROP_INVALID && info->type < PROP_TYPE_COUNT && info->help);
		assert_ptr_equal(type_prop_find(info->name), info);
		assert_int_equal(info->query_only, info->setter == SET_BY_RGM);
		assert_true(info->setter == SET_BY_RTR || info->setter == SET_BY_RTR_OR_ADMIN || info->why_not);
		if (info->dflt && prop_check(info, info->dflt, &checked, &err) < 0 && info->form != FORM_NAME)
			fail_msg("%s: default: %s", info->name, err.text);
	}
}

/* What a file says is what is told of the type, by the documented names. */
static void test_type_values(void **state)
{
	static const char text[] = "RESOURCE_TYPE = web; VENDOR_ID = ACME; RT_DESCRIPTION = \"a b\"; RT_VERSION = 2; API_VERSION = 7;"
		"RT_BASEDIR = /opt/web; INIT_NODES = rt_installed_nodes; PKGLIST = a, b; SINGLE_INSTANCE; FAILOVER = true;"
		"RT_SYSTEM = TRUE; GLOBAL_ZONE; PROXY; SYSDEFINED_TYPE; START = s; STOP = /t; PRENET_START = p; POSTNET_STOP = q;"
		"MONITOR_START = u; MONITOR_STOP = v; MONITOR_CHECK = w; VALIDATE = x; UPDATE = y; INIT = i; FINI = f; BOOT = b;";
	static const struct { const char *name, *want; } rows[] = {
		{ "Resource_type", "web" }, { "Vendor_id", "ACME" }, { "RT_description", "a b" }, { "RT_version", "2" },
		{ "API_version", "7" }, { "RT_basedir", "/opt/web" }, { "Init_nodes", "RT_INSTALLED_NODES" }, { "Pkglist", "a,b" },
		{ "Single_instance", "TRUE" }, { "Failover", "TRUE" }, { "RT_system", "TRUE" }, { "Global_zone", "TRUE" },
		{ "Proxy", "TRUE" }, { "Sysdefined_type", "TRUE" }, { "Start", "s" }, { "Stop", "/t" }, { "Prenet_start", "p" },
		{ "Postnet_stop", "q" }, { "Monitor_start", "u" }, { "Monitor_stop", "v" }, { "Monitor_check", "w" },
		{ "Validate", "x" }, { "Update", "y" }, { "Init", "i" }, { "Fini", "f" }, { "Boot", "b" },
		{ "Installed_nodes", "*" }, { "Resource_list", "" }, { "Is_logical_hostname", "FALSE" },
		{ "Is_shared_address", "FALSE" },
	};
	_cleanup_(rt_freep) struct rt *rt = NULL;
	struct err err = { 0 };

	if (rtr_parse(text, strlen(text), "t", &rt, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(type_prop_count(), ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct prop_info *info = type_prop_find(rows[i].name);
		_cleanup_free_ char *got = info ? type_prop_text(rt, info) : NULL;

		if (!got || !streq(got, rows[i].want))
			fail_msg("%s: %s", rows[i].name, got);
	}
	strlist_add(&rt->installed_nodes, "n1");
	strlist_add(&rt->installed_nodes, "n2");
	_cleanup_free_ char *nodes = type_prop_text(rt, type_prop_find("Installed_nodes"));

	assert_string_equal(nodes, "n1,n2");
}

static void test_per_node_names(void **state)
{
	static const char text[] = "RESOURCE_TYPE = t; START = /s; STOP = /t; { PROPERTY = Workers; EXTENSION; PER_NODE; INT; DEFAULT = 4; }"
		"{ PROPERTY = Port; EXTENSION; INT; DEFAULT = 80; }";
	_cleanup_(rt_freep) struct rt *rt = NULL;

	assert_int_equal(rtr_parse(text, strlen(text), "t", &rt, NULL, NULL), 0);
	assert_string_equal(rt_param_find(rt, "workers{2}")->name, "Workers");
	assert_string_equal(rt_param_find(rt, "Workers")->name, "Workers");
	assert_null(rt_param_find(rt, "Workers2"));
	assert_null(rt_param_find(rt, "Port{2}"));
}

static void test_every_method_has_its_timeout(void **state)
{
	for (enum rt_method m = 0; m < METHOD_COUNT; m++) {
		_cleanup_free_ char *name = xasprintf("%s_timeout", rt_method_names[m]);
		const struct prop_info *info = resource_prop_find(name);

		if (!info || !streq(info->name, name) || info->type != PROP_INT || !streq(info->dflt, "3600") || info->always)
			fail_msg("%s", name);
	}
}

static void test_find(void **state)
{
	assert_string_equal(resource_prop_find("FAILOVER_mode")->name, "Failover_mode");
	assert_null(resource_prop_find("Failover_mod"));
	assert_null(resource_prop_find("Failover_modes"));
	assert_null(resource_prop_find(""));
	assert_null(resource_prop_find("RG_mode"));
	assert_string_equal(group_prop_find("rg_MODE")->name, "RG_mode");
	assert_string_equal(group_prop_find("rg_slm_cpu")->name, "RG_slm_CPU_SHARES");
	assert_string_equal(group_prop_find("IMPL_NET_DEPEND")->name, "Implicit_network_dependencies");
	assert_null(group_prop_find("Failover_mode"));
}

/* The documented facts of each group property. */
static void test_group_facts(void **state)
{
	static const struct { const char *name; enum prop_type type; const char *dflt; enum tunable tunable; bool query; } rows[] = {
		{ "Auto_start_on_new_cluster",     PROP_BOOLEAN,     "TRUE",      TUNE_ANYTIME     },
		{ "Desired_primaries",             PROP_INT,         "1",         TUNE_ANYTIME     },
		{ "Failback",                      PROP_BOOLEAN,     "FALSE",     TUNE_ANYTIME     },
		{ "Global_resources_used",         PROP_STRINGARRAY, "*",         TUNE_ANYTIME     },
		{ "Implicit_network_dependencies", PROP_BOOLEAN,     "TRUE",      TUNE_ANYTIME     },
		{ "Load_factors",                  PROP_STRINGARRAY, "",          TUNE_ANYTIME     },
		{ "Maximum_primaries",             PROP_INT,         "1",         TUNE_ANYTIME     },
		{ "Nodelist",                      PROP_STRINGARRAY, NULL,        TUNE_ANYTIME     },
		{ "Pathprefix",                    PROP_STRING,      "",          TUNE_ANYTIME     },
		{ "Pingpong_interval",             PROP_INT,         "3600",      TUNE_ANYTIME     },
		{ "Preemption_mode",               PROP_ENUM,        "Has_cost",  TUNE_ANYTIME     },
		{ "Priority",                      PROP_INT,         "500",       TUNE_ANYTIME     },
		{ "Resource_list",                 PROP_STRINGARRAY, "",          TUNE_NONE, true  },
		{ "RG_affinities",                 PROP_STRINGARRAY, "",          TUNE_ANYTIME     },
		{ "RG_dependencies",               PROP_STRINGARRAY, "",          TUNE_ANYTIME     },
		{ "RG_description",                PROP_STRING,      "",          TUNE_ANYTIME     },
		{ "RG_is_frozen",                  PROP_BOOLEAN,     "FALSE",     TUNE_NONE, true  },
		{ "RG_mode",                       PROP_ENUM,        NULL,        TUNE_AT_CREATION },
		{ "RG_name",                       PROP_STRING,      NULL,        TUNE_NONE, true  },
		{ "RG_project_name",               PROP_STRING,      "default",   TUNE_ANYTIME     },
		{ "RG_slm_type",                   PROP_ENUM,        "manual",    TUNE_ANYTIME     },
		{ "RG_slm_CPU_SHARES",             PROP_INT,         "1",         TUNE_ANYTIME     },
		{ "RG_slm_pset_type",              PROP_ENUM,        "default",   TUNE_ANYTIME     },
		{ "RG_slm_pset_min",               PROP_INT,         "0",         TUNE_ANYTIME     },
		{ "RG_state",                      PROP_ENUM,        "UNMANAGED", TUNE_NONE, true  },
		{ "RG_system",                     PROP_BOOLEAN,     "FALSE",     TUNE_ANYTIME     },
		{ "Suspend_automatic_recovery",    PROP_BOOLEAN,     "FALSE",     TUNE_NONE, true  },
	};

	assert_int_equal(group_prop_count(), ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct prop_info *info = group_prop_find(rows[i].name);

		if (!info || info->type != rows[i].type || !info->dflt != !rows[i].dflt ||
		    (info->dflt && !streq(info->dflt, rows[i].dflt)) || info->tunable != rows[i].tunable ||
		    info->query_only != rows[i].query)
			fail_msg("%s", rows[i].name);
	}
}

/* And of each resource property. */
static void test_resource_facts(void **state)
{
	static const struct { const char *name; enum prop_type type; const char *dflt; enum tunable tunable; } rows[] = {
		{ "Affinity_timeout",                      PROP_INT,         "0",           TUNE_ANYTIME       },
		{ "Boot_timeout",                          PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Cheap_probe_interval",                  PROP_INT,         NULL,          TUNE_WHEN_DISABLED },
		{ "Conn_threshold",                        PROP_INT,         NULL,          TUNE_ANYTIME       },
		{ "Failover_mode",                         PROP_ENUM,        "NONE",        TUNE_ANYTIME       },
		{ "Fini_timeout",                          PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Generic_affinity",                      PROP_BOOLEAN,     "FALSE",       TUNE_WHEN_DISABLED },
		{ "Global_zone_override",                  PROP_BOOLEAN,     "TRUE",        TUNE_AT_CREATION   },
		{ "Group",                                 PROP_STRING,      NULL,          TUNE_NONE          },
		{ "Init_timeout",                          PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Load_balancing_policy",                 PROP_STRING,      "LB_WEIGHTED", TUNE_AT_CREATION   },
		{ "Load_balancing_weights",                PROP_STRINGARRAY, "",            TUNE_ANYTIME       },
		{ "Monitor_check_timeout",                 PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Monitor_start_timeout",                 PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Monitor_stop_timeout",                  PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Monitored_switch",                      PROP_ENUM,        "ENABLED",     TUNE_NONE          },
		{ "Network_resources_used",                PROP_STRINGARRAY, "",            TUNE_ANYTIME       },
		{ "Num_resource_restarts",                 PROP_INT,         "0",           TUNE_NONE          },
		{ "Num_rg_restarts",                       PROP_INT,         "0",           TUNE_NONE          },
		{ "On_off_switch",                         PROP_ENUM,        "DISABLED",    TUNE_NONE          },
		{ "Port_list",                             PROP_STRINGARRAY, NULL,          TUNE_ANYTIME       },
		{ "Postnet_stop_timeout",                  PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Pre_evict",                             PROP_BOOLEAN,     "FALSE",       TUNE_ANYTIME       },
		{ "Prenet_start_timeout",                  PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "R_description",                         PROP_STRING,      "",            TUNE_ANYTIME       },
		{ "Resource_dependencies",                 PROP_STRINGARRAY, "",            TUNE_ANYTIME       },
		{ "Resource_dependencies_offline_restart", PROP_STRINGARRAY, "",            TUNE_ANYTIME       },
		{ "Resource_dependencies_restart",         PROP_STRINGARRAY, "",            TUNE_ANYTIME       },
		{ "Resource_dependencies_weak",            PROP_STRINGARRAY, "",            TUNE_ANYTIME       },
		{ "Resource_name",                         PROP_STRING,      NULL,          TUNE_NONE          },
		{ "Resource_project_name",                 PROP_STRING,      "",            TUNE_ANYTIME       },
		{ "Resource_state",                        PROP_ENUM,        "OFFLINE",     TUNE_NONE          },
		{ "Retry_count",                           PROP_INT,         NULL,          TUNE_WHEN_DISABLED },
		{ "Retry_interval",                        PROP_INT,         NULL,          TUNE_WHEN_DISABLED },
		{ "Round_robin",                           PROP_BOOLEAN,     "FALSE",       TUNE_WHEN_DISABLED },
		{ "Scalable",                              PROP_BOOLEAN,     "FALSE",       TUNE_AT_CREATION   },
		{ "Start_timeout",                         PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Status",                                PROP_ENUM,        "OFFLINE",     TUNE_NONE          },
		{ "Status_msg",                            PROP_STRING,      "",            TUNE_NONE          },
		{ "Stop_timeout",                          PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Thorough_probe_interval",               PROP_INT,         NULL,          TUNE_WHEN_DISABLED },
		{ "Type",                                  PROP_STRING,      NULL,          TUNE_NONE          },
		{ "Type_version",                          PROP_STRING,      NULL,          TUNE_ANYTIME       },
		{ "UDP_affinity",                          PROP_BOOLEAN,     "FALSE",       TUNE_WHEN_DISABLED },
		{ "Update_timeout",                        PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Validate_timeout",                      PROP_INT,         "3600",        TUNE_ANYTIME       },
		{ "Weak_affinity",                         PROP_BOOLEAN,     "FALSE",       TUNE_WHEN_DISABLED },
	};

	assert_int_equal(resource_prop_count(), ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct prop_info *info = resource_prop_find(rows[i].name);

		if (!info || info->type != rows[i].type || !info->dflt != !rows[i].dflt ||
		    (info->dflt && !streq(info->dflt, rows[i].dflt)) || info->tunable != rows[i].tunable)
			fail_msg("%s", rows[i].name);
	}
}

/* ---- values of table rows ---- */

static void check_value(const char *what, int r, const char *got, const struct err *err, const char *want, const char *says)
{
	if (want && (r < 0 || !streq(got, want)))
		fail_msg("%s: wanted %s, got %s", what, want, r < 0 ? err->text : got);
	if (!want && (r != -22 || !strstr(err->text, says)))
		fail_msg("%s: must be refused with \"%s\", got %s", what, says, r < 0 ? err->text : got);
	if (!want && (!strstr(err->text, "property ") || strchr(err->text, '\n')))
		fail_msg("%s: one line that names the property, not %s", what, err->text);
}

static void test_prop_check(void **state)
{
	static const struct { const char *name, *value, *want, *says; } rows[] = {
		{ "Port_list",              "80/tcp,53/UDP,443/tcp6/web1,1/udp6", "80/tcp,53/UDP,443/tcp6/web1,1/udp6" },
		{ "Port_list",              "",                 "" },
		{ "Port_list",              "80",               NULL, "port and a protocol" },
		{ "Port_list",              "0/tcp",            NULL, "port and a protocol" },
		{ "Port_list",              "65536/tcp",        NULL, "port and a protocol" },
		{ "Port_list",              "-1/tcp",           NULL, "port and a protocol" },
		{ "Port_list",              "80/sctp",          NULL, "port and a protocol" },
		{ "Port_list",              "80/tcp/",          NULL, "port and a protocol" },
		{ "Port_list",              "80/tc",            NULL, "port and a protocol" },
		{ "Load_balancing_weights", "3@node1,0@2",      "3@node1,0@2" },
		{ "Load_balancing_weights", "3",                NULL, "weight and a node" },
		{ "Load_balancing_weights", "3@",               NULL, "weight and a node" },
		{ "Load_balancing_weights", "-3@node1",         NULL, "weight and a node" },
		{ "Load_balancing_weights", "@node1",           NULL, "weight and a node" },
		{ "Resource_dependencies",  "db,ip{local_node},q@n1,r{ANY_NODE}@n2", "db,ip{local_node},q@n1,r{ANY_NODE}@n2" },
		{ "Resource_dependencies",  "db{}",             NULL, "is not a resource" },
		{ "Resource_dependencies",  "db{HERE}",         NULL, "is not a resource" },
		{ "Resource_dependencies",  "db{ANY_NODE",      NULL, "is not a resource" },
		{ "Resource_dependencies",  "{ANY_NODE}",       NULL, "is not a resource" },
		{ "Resource_dependencies",  "d b",              NULL, "is not a resource" },
		{ "Resource_dependencies",  "db@",              NULL, "is not a resource" },
		{ "Resource_dependencies_weak", "1db",          NULL, "is not a resource" },
		{ "Scalable",               "true",             "TRUE" },
		{ "Scalable",               "False",            "FALSE" },
		{ "Scalable",               "T",                NULL, "neither TRUE nor FALSE" },
		{ "Scalable",               "yes",              NULL, "neither TRUE nor FALSE" },
		{ "Scalable",               "1",                NULL, "neither TRUE nor FALSE" },
		{ "Scalable",               "",                 NULL, "property Scalable: value \"\"" },
		{ "Scalable",               " TRUE",            NULL, "neither TRUE nor FALSE" },
		{ "Start_timeout",          "1",                "1" },
		{ "Start_timeout",          "0060",             "60" },
		{ "Start_timeout",          "2147483647",       "2147483647" },
		{ "Start_timeout",          "2147483648",       NULL, "is not an integer between" },
		{ "Start_timeout",          "99999999999999999999999", NULL, "is not an integer between" },
		{ "Start_timeout",          "0",                NULL, "below the minimum 1" },
		{ "Start_timeout",          "-0",               NULL, "below the minimum 1" },
		{ "Start_timeout",          "",                 NULL, "is not an integer" },
		{ "Start_timeout",          "-",                NULL, "is not an integer" },
		{ "Start_timeout",          "+1",               NULL, "is not an integer" },
		{ "Start_timeout",          "1s",               NULL, "is not an integer" },
		{ "Start_timeout",          " 1",               NULL, "is not an integer" },
		{ "Start_timeout",          "0x10",             NULL, "is not an integer" },
		{ "Retry_count",            "-1",               "-1" },
		{ "Retry_count",            "-2",               NULL, "below the minimum -1" },
		{ "Failover_mode",          "log_only",         "LOG_ONLY" },
		{ "Failover_mode",          "LOG",              NULL, "is not one of NONE, SOFT, HARD, RESTART_ONLY, LOG_ONLY" },
		{ "Failover_mode",          "",                 NULL, "is not one of" },
		{ "Load_balancing_policy",  "lb_sticky",        "LB_STICKY" },
		{ "Load_balancing_policy",  "Lb_Sticky_Wild",   "LB_STICKY_WILD" },
		{ "Load_balancing_policy",  "LB_STICKYWILD",    "LB_STICKY_WILD" },
		{ "Load_balancing_policy",  "best",             NULL, "is not one of" },
		{ "R_description",          "",                 "" },
		{ "R_description",          "a, b; \"c\"\t#{}", "a, b; \"c\"\t#{}" },
		{ "R_description",          "a\nb",             NULL, "value \"a?b\" contains a newline" },
		{ "R_description",          "caf\xc3\xa9",      NULL, "not ASCII" },
		{ "Resource_dependencies",  "",                 "" },
		{ "Resource_dependencies",  "a",                "a" },
		{ "Resource_dependencies",  "a,b{LOCAL_NODE},c","a,b{LOCAL_NODE},c" },
		{ "Resource_dependencies",  ",",                NULL, "empty element" },
		{ "Resource_dependencies",  "a,",               NULL, "empty element" },
		{ "Resource_dependencies",  ",a",               NULL, "empty element" },
		{ "Resource_dependencies",  "a,,b",             NULL, "empty element" },
		{ "Resource_dependencies",  "a;b",              NULL, "element \"a;b\" contains ';'" },
		{ "Resource_dependencies",  "a,b\n",            NULL, "newline" },
	};
	static const struct { const char *name, *value, *want, *says; } group_rows[] = {
		{ "RG_mode",                "scalable",         "SCALABLE" },
		{ "RG_mode",                "both",             NULL, "is not one of FAILOVER, SCALABLE" },
		{ "Global_resources_used",  "*",                "*" },
		{ "Global_resources_used",  "",                 "" },
		{ "Global_resources_used",  "disk",             NULL, "element \"disk\" is not one of *" },
		{ "Maximum_primaries",      "0",                NULL, "below the minimum 1" },
		{ "Desired_primaries",      "0",                "0" },
		{ "RG_slm_CPU_SHARES",      "65536",            NULL, "above the maximum 65535" },
		{ "Preemption_mode",        "NO_COST",          "No_cost" },
		{ "Priority",               "-1",               NULL, "below the minimum 0" },
		{ "RG_affinities",          "++a,-b",           "++a,-b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *got = NULL;
		struct err err = { 0 };
		int r = prop_check(resource_prop_find(rows[i].name), rows[i].value, &got, &err);

		check_value(rows[i].name, r, got, &err, rows[i].want, rows[i].says);
	}
	for (size_t i = 0; i < ARRAY_SIZE(group_rows); i++) {
		_cleanup_free_ char *got = NULL;
		struct err err = { 0 };
		int r = prop_check(group_prop_find(group_rows[i].name), group_rows[i].value, &got, &err);

		check_value(group_rows[i].name, r, got, &err, group_rows[i].want, group_rows[i].says);
	}
}

static void test_longest_value(void **state)
{
	_cleanup_free_ char *value = xcalloc(4194305, 1), *got = NULL, *none = NULL;
	const struct prop_info *text = resource_prop_find("R_description"), *array = resource_prop_find("Port_list");
	struct err err = { 0 };

	memset(value, 'x', 4194304);
	assert_int_equal(prop_check(text, value, &none, &err), -22);
	assert_non_null(strstr(err.text, "4194304 bytes, at most 4194303"));
	assert_int_equal(prop_check(array, value, &none, NULL), -22);
	assert_null(none);
	value[4194303] = '\0';
	assert_int_equal(prop_check(text, value, &got, &err), 0);
	assert_int_equal(strlen(got), 4194303);
}

/* ---- values of declared properties ---- */

#define HEAD "RESOURCE_TYPE = t; START = /a; STOP = /b;\n"

static void test_rt_param_check(void **state)
{
	static const struct { const char *bracket, *name, *value, *want, *says; } rows[] = {
		{ "PROPERTY=Stop_timeout; MIN=60; DEFAULT=90;", "Stop_timeout", "60", "60" },
		{ "PROPERTY=Stop_timeout; MIN=60; DEFAULT=90;", "Stop_timeout", "59", NULL, "below the minimum 60" },
		{ "PROPERTY=P; EXTENSION; INT; MAX=9;",         "P", "9",       "9" },
		{ "PROPERTY=P; EXTENSION; INT; MAX=9;",         "P", "10",      NULL, "above the maximum 9" },
		{ "PROPERTY=P; EXTENSION; INT;",                "P", "-2147483648", "-2147483648" },
		{ "PROPERTY=P; EXTENSION; INT;",                "P", "-2147483649", NULL, "is not an integer" },
		{ "PROPERTY=P; EXTENSION; BOOLEAN;",            "P", "true",    "TRUE" },
		{ "PROPERTY=P; EXTENSION; BOOLEAN;",            "P", "on",      NULL, "neither TRUE nor FALSE" },
		{ "PROPERTY=P; EXTENSION; ENUM { Lazy, Strict };", "P", "STRICT", "Strict" },
		{ "PROPERTY=P; EXTENSION; ENUM { Lazy, Strict };", "P", "Loose", NULL, "is not one of Lazy, Strict" },
		{ "PROPERTY=P; EXTENSION; STRING; MINLENGTH=2; MAXLENGTH=3;", "P", "abc", "abc" },
		{ "PROPERTY=P; EXTENSION; STRING; MINLENGTH=2; MAXLENGTH=3;", "P", "a", NULL, "has 1 bytes, at least 2" },
		{ "PROPERTY=P; EXTENSION; STRING; MINLENGTH=2; MAXLENGTH=3;", "P", "abcd", NULL, "has 4 bytes, at most 3" },
		{ "PROPERTY=P; EXTENSION; STRING;",             "P", "start -x a,b; c", "start -x a,b; c" },
		{ "PROPERTY=P; EXTENSION; STRINGARRAY; MAXLENGTH=2;", "P", "aa,bb,c", "aa,bb,c" },
		{ "PROPERTY=P; EXTENSION; STRINGARRAY; MAXLENGTH=2;", "P", "aa,bbb", NULL, "element \"bbb\" has 3 bytes" },
		{ "PROPERTY=P; EXTENSION; STRINGARRAY; ARRAY_MINSIZE=1; ARRAY_MAXSIZE=2;", "P", "a,b", "a,b" },
		{ "PROPERTY=P; EXTENSION; STRINGARRAY; ARRAY_MINSIZE=1; ARRAY_MAXSIZE=2;", "P", "", NULL, "0 elements given, at least 1" },
		{ "PROPERTY=P; EXTENSION; STRINGARRAY; ARRAY_MINSIZE=1; ARRAY_MAXSIZE=2;", "P", "a,b,c", NULL, "3 elements given, at most 2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text = xasprintf(HEAD "{ %s }", rows[i].bracket), *got = NULL;
		_cleanup_(rt_freep) struct rt *rt = NULL;
		struct err err = { 0 };
		int r;

		if (rtr_parse(text, strlen(text), "f", &rt, NULL, &err) < 0)
			fail_msg("%s", err.text);
		r = rt_param_check(rt_param_find(rt, rows[i].name), rows[i].value, &got, &err);
		check_value(rows[i].bracket, r, got, &err, rows[i].want, rows[i].says);
	}
}

static void test_group_forms(void **state)
{
	static const struct { const char *name, *value; bool ok; } rows[] = {
		{ "RG_affinities", "+a,++b,+++c,-d,--e", true }, { "RG_affinities", "a", false }, { "RG_affinities", "---a", false },
		{ "RG_affinities", "+", false },                 { "RG_affinities", "++++a", false }, { "RG_affinities", "+-a", false },
		{ "Load_factors", "mem@20,cpu@0", true },        { "Load_factors", "mem", false },    { "Load_factors", "mem@", false },
		{ "Load_factors", "mem@-1", false },             { "Load_factors", "@5", false },     { "Load_factors", "m m@5", false },
		{ "RG_dependencies", "a,b-c", true },            { "RG_dependencies", "a b", false }, { "RG_dependencies", "9", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *checked = NULL;
		struct err err = { 0 };

		if ((prop_check(group_prop_find(rows[i].name), rows[i].value, &checked, &err) == 0) != rows[i].ok)
			fail_msg("%s=%s: %s", rows[i].name, rows[i].value, err.text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),          cmocka_unit_test(test_every_method_has_its_timeout),
		cmocka_unit_test(test_find),            cmocka_unit_test(test_group_facts),
		cmocka_unit_test(test_prop_check),      cmocka_unit_test(test_longest_value),
		cmocka_unit_test(test_rt_param_check),  cmocka_unit_test(test_type_table),
		cmocka_unit_test(test_type_values),     cmocka_unit_test(test_per_node_names),
		cmocka_unit_test(test_group_forms),     cmocka_unit_test(test_resource_facts),
	};

	return cmocka_run_group_tests_name("props", tests, NULL, NULL);
}
