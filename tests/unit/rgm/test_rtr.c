/* RTR files: for every rule a row that keeps it and a row that breaks it, with the place and the words of the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "rgm/rt.h"
#include "rt_equal.h"

/* A complete type on one line, so that what a row adds begins on line 2. */
#define T "RESOURCE_TYPE = t; START = /a; STOP = /b;\n"

struct rule {
	const char *text;
	unsigned line, column;          /* 0: accepted */
	const char *says;               /* part of the sentence */
};

static int parse(const char *text, struct rt **ret, struct strlist *warnings, struct err *err)
{
	return rtr_parse(text, strlen(text), "f", ret, warnings, err);
}

static void check_rule(const struct rule *rule)
{
	_cleanup_(rt_freep) struct rt *rt = NULL;
	_cleanup_free_ char *place = xasprintf("f:%u:%u: ", rule->line, rule->column);
	struct err err = { 0 };
	int r = parse(rule->text, &rt, NULL, &err);

	if (!rule->line) {
		if (r < 0)
			fail_msg("must be accepted, but %s\n%s", err.text, rule->text);
		return;
	}
	if (r >= 0)
		fail_msg("must be refused: %s\n%s", rule->says, rule->text);
	if (r != -22 || rt || strncmp(err.text, place, strlen(place)) != 0 || !strstr(err.text, rule->says))
		fail_msg("expected %s... %s\n but got  %s\n%s", place, rule->says, err.text, rule->text);
}

static void check_rules(const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_rule(&rules[i]);
}

static const struct rule lexical[] = {
	{ T },
	{ "# comment\n" T "#\n" },
	{ "# any byte \xc3\xa9\x01 in a comment\n" T },
	{ T "RT_DESCRIPTION = \"# no comment\";" },
	{ T "API_VERSION = 2; # to the end; of the line }\n" },
	{ "resource_type=t;start=/a;sToP=/b;" },
	{ "RESOURCE_TYPE\n=\n\"t\"\n;START=/a;STOP=/b;" },
	{ "RESOURCE_TYPE = t;\r\nSTART = /a;\r\nSTOP = /b;\r\n# c\r\n#$upgrade\r\nRT_VERSION =\"1.0\";\r" },
	{ T "RT_DESCRIPTION = \"a \\\"b\\\" \\\\ \\n\";" },
	{ T "RT_DESCRIPTION = \"tab\there\";" },
	{ "RESOURCE_TYPE = t; START = /a\rb; STOP = /b;",        1, 30, "byte 0x0d" },
	{ T "RT_DESCRIPTION = \"no end;\n",                      2, 18, "no closing" },
	{ T "RT_DESCRIPTION = \"no end",                         2, 18, "no closing" },
	{ T "RT_DESCRIPTION = \"\\\"",                           2, 18, "no closing" },
	{ T "RT_DESCRIPTION = \"caf\xc3\xa9\";",                 2, 22, "byte 0xc3 in a string" },
	{ T "RT_DESCRIPTION = \"\x01\";",                        2, 19, "byte 0x01 in a string" },
	{ T "RT_DESCRIPTION = caf\xc3\xa9;",                     2, 21, "byte 0xc3" },
	{ T "RT_DESCRIPTION = two words;",                       2, 22, "must be in quotes), found \"words\"" },
	{ T "RT_DESCRIPTION = a \"b\";",                         2, 20, "expected ';'" },
	{ T "RT_DESCRIPTION = a",                                2, 19, "found the end of the file" },
	{ T "RT_DESCRIPTION \"a\";",                             2, 16, "expected '='" },
	{ T "RT_DESCRIPTION;",                                   2, 15, "expected '='" },
	{ T "RT_DESCRIPTION = = a;",                             2, 18, "a value or ';', found '='" },
	{ T "PKGLIST = a,;",                                     2, 13, "another value after ','" },
	{ T "PKGLIST = a,\n#$upgrade\nb;",                       3, 1,  "found #$upgrade" },
	{ T "\"API_VERSION\" = 2;",                              2, 1,  "the name of a type property" },
	{ T "}",                                                 2, 1,  "found '}'" },
	{ "",                                                    1, 1,  "RESOURCE_TYPE as the first statement, found the end" },
};

static const struct rule type_statements[] = {
	{ "VENDOR_ID = V; RESOURCE_TYPE = t;",                   1, 1,  "RESOURCE_TYPE as the first statement" },
	{ "{ PROPERTY = X; }",                                   1, 1,  "RESOURCE_TYPE as the first statement" },
	{ "#$upgrade\n" T,                                       1, 1,  "RESOURCE_TYPE as the first statement" },
	{ "RESOURCE_TYPE = ;",                                   1, 1,  "RESOURCE_TYPE is empty" },
	{ "RESOURCE_TYPE = \"\";",                               1, 17, "RESOURCE_TYPE is empty" },
	{ "RESOURCE_TYPE = SUNW.t;",                             1, 17, "belongs into VENDOR_ID" },
	{ "RESOURCE_TYPE = 1t;",                                 1, 17, "use a letter" },
	{ "RESOURCE_TYPE = a, b;",                               1, 20, "takes one value" },
	{ T "VENDOR_ID = ACME;" },
	{ T "VENDOR_ID = ;" },
	{ T "VENDOR_ID = \"A B\";",                              2, 13, "use a letter" },
	{ T "RT_DESCRIPTION = \"\";" },
	{ T "RT_DESCRIPTION = \"a\", \"b\";",                    2, 23, "takes one value" },
	{ T "API_VERSION = 1;" },
	{ T "API_VERSION = \"13\";" },
	{ T "API_VERSION = 14;",                                 2, 15, "this cluster has 1 to 13" },
	{ T "API_VERSION = 0;",                                  2, 15, "this cluster has 1 to 13" },
	{ T "API_VERSION = two;",                                2, 15, "\"two\"" },
	{ T "API_VERSION = ;",                                   2, 1,  "this cluster has" },
	{ T "API_VERSION = +2;",                                 2, 15, "this cluster has" },
	{ T "FAILOVER = true;" },
	{ T "FAILOVER;" },
	{ T "FAILOVER = yes;",                                   2, 12, "use TRUE or FALSE" },
	{ T "FAILOVER = T;",                                     2, 12, "use TRUE or FALSE" },
	{ T "FAILOVER = 1;",                                     2, 12, "use TRUE or FALSE" },
	{ T "FAILOVER = ;",                                      2, 1,  "use TRUE or FALSE" },
	{ T "SINGLE_INSTANCE = FALSE; RT_SYSTEM = TRUE; GLOBAL_ZONE = TRUE; PROXY = FALSE; SYSDEFINED_TYPE = FALSE;" },
	{ T "INIT_NODES = rt_installed_nodes;" },
	{ T "INIT_NODES = ALL;",                                 2, 14, "use RG_PRIMARIES or RT_INSTALLED_NODES" },
	{ T "PKGLIST = A, \"B\", \"C,D\";" },
	{ T "PKGLIST = \"A,,B\";",                               2, 11, "empty element" },
	{ T "PKGLIST = ;" },
	{ T "FAILOVER = TRUE;\nfailover = TRUE;",                3, 1,  "FAILOVER is given a second time" },
	{ T "FAILOVER;\nFAILOVER;",                              3, 1,  "FAILOVER is given a second time" },
	{ T "START = ;",                                         2, 1,  "START is given a second time" },
	{ T "NONSENSE = 1;",                                     2, 1,  "unknown type property \"NONSENSE\"; correct" },
	{ T "Start_timeout = 1;",                                2, 1,  "declared in brackets" },
	{ T "PROPERTY = X;",                                     2, 1,  "declared in brackets" },
	{ T "INSTALLED_NODES = n1;",                             2, 1,  "only the administrator sets it" },
	{ T "RESOURCE_LIST = r;",                                2, 1,  "cannot be given in an RTR file" },
	{ T "IS_LOGICAL_HOSTNAME = TRUE;",                       2, 1,  "cannot be given in an RTR file" },
	{ T "IS_SHARED_ADDRESS = TRUE;",                         2, 1,  "cannot be given in an RTR file" },
	{ T "{ PROPERTY = Scalable; }\nFAILOVER = TRUE;",        3, 1,  "come before the first bracket" },
	{ T "{ PROPERTY = Scalable; }\n#$upgrade\n",             3, 1,  "come before the first bracket" },
	{ T "{ PROPERTY = Scalable; }\n;;",                      3, 2,  "found ';'" },
};

static const struct rule methods[] = {
	{ "RESOURCE_TYPE = t; PRENET_START = /a; STOP = /b;" },
	{ "RESOURCE_TYPE = t; START = /a; POSTNET_STOP = /b;" },
	{ "RESOURCE_TYPE = t; STOP = /b;",                       1, 17, "declare START or PRENET_START" },
	{ "RESOURCE_TYPE = t; START = /b;",                      1, 17, "declare STOP or POSTNET_STOP" },
	{ "RESOURCE_TYPE = t; START = ; STOP = /b;",             1, 17, "declare START or PRENET_START" },
	{ T "VALIDATE = \"\";" },
	{ T "MONITOR_STOP = /m;" },
	{ T "MONITOR_START = /m; MONITOR_STOP = /n; MONITOR_CHECK = /o;" },
	{ T "MONITOR_START = /m;",                               2, 17, "MONITOR_START without MONITOR_STOP" },
	{ T "RT_BASEDIR = /opt/t; VALIDATE = v; UPDATE = u; INIT = i; FINI = f; BOOT = \"b\";" },
	{ T "VALIDATE = v;",                                     2, 12, "there is no RT_BASEDIR" },
	{ T "VALIDATE = v; RT_BASEDIR = ;",                      2, 12, "there is no RT_BASEDIR" },
	{ T "RT_BASEDIR = opt/t;",                               2, 14, "is relative; give the full path" },
	{ T "UPDATE = /a, /b;",                                  2, 14, "takes one value" },
};

static const struct rule upgrade[] = {
	{ T "RT_VERSION = \"any text\";" },
	{ T "RT_VERSION = 2.1;\n#$upgrade\n#$upgrade_from \"2.0\" WHEN_UNMONITORED\n#$UPGRADE_FROM \"\" when_unmanaged\n" },
	{ T "#$upgrade_from \"1-a_B.2\"\tANYTIME # why\n#$upgrade\nRT_VERSION = 2;" },
	{ T "RT_VERSION = 3;\n#$upgrade\n#$upgrade_from \"1\" WHEN_OFFLINE\n#$upgrade_from \"2\" WHEN_DISABLED\n"
	    "#$upgrade_from 2.5 AT_CREATION\n" },
	{ T "RT_VERSION = 1; #$upgrade is a comment here\n" },
	{ T "#$upgrade\n",                                       2, 1,  "declare RT_VERSION" },
	{ T "RT_VERSION = ;\n#$upgrade\n",                       3, 1,  "declare RT_VERSION" },
	{ T "RT_VERSION = \"1 0\";\n#$upgrade\n",                2, 14, "use at most 255 letters" },
	{ T "RT_VERSION = \"1:0\";\n#$upgrade\n",                2, 14, "use at most 255 letters" },
	{ T "RT_VERSION = 2;\n#$upgrade_from \"1\" ANYTIME\n",   3, 1,  "add a line #$upgrade" },
	{ T "RT_VERSION = 2;\n#$upgrade\n#$upgrade\n",           4, 1,  "a second time" },
	{ T "RT_VERSION = 2;\n#$upgrade now\n",                  3, 11, "a directive ends with its line" },
	{ T "RT_VERSION = 2;\n#$upgrade\n#$upgrade_from \"1\" ANYTIME;\n",      4, 27, "a directive ends with its line" },
	{ T "RT_VERSION = 2;\n#$upgrade\n#$upgrade_from \"1\" SOMETIMES\n",     4, 20, "upgrade condition \"SOMETIMES\"" },
	{ T "RT_VERSION = 2;\n#$upgrade\n#$upgrade_from \"1\"\n",               4, 19, "upgrade condition \"\"" },
	{ T "RT_VERSION = 2;\n#$upgrade\n#$upgrade_from\n",                     4, 15, "needs a version in quotes" },
	{ T "RT_VERSION = 2;\n#$upgrade\n#$upgrade_from \"1\n",                 4, 16, "no closing" },
	{ T "RT_VERSION = 2;\n#$upgrade\n#$upgrade_from \"a b\" ANYTIME\n",     4, 16, "version \"a b\"" },
	{ T "RT_VERSION = 2;\n#$upgrade\n#$upgrade_from \"1\" ANYTIME\n#$upgrade_from \"1\" AT_CREATION\n", 5, 1, "a second time" },
};

static const struct rule system_brackets[] = {
	{ T "{ PROPERTY = Start_timeout; MIN = 60; DEFAULT = 300; }" },
	{ T "{ PROPERTY = \"START_TIMEOUT\"; };" },
	{ T "{}",                                                2, 2,  "PROPERTY as the first attribute" },
	{ T "{ MIN = 1; PROPERTY = Start_timeout; }",            2, 3,  "PROPERTY as the first attribute" },
	{ T "{ PROPERTY; }",                                     2, 11, "'=' after PROPERTY" },
	{ T "{ PROPERTY = ; }",                                  2, 14, "the name of the property" },
	{ T "{ PROPERTY = 9a; }",                                2, 14, "property name \"9a\"" },
	{ T "{ PROPERTY = Start_timeout }",                      2, 28, "';' after the name" },
	{ T "{ PROPERTY = Start_timeout;",                       2, 28, "an attribute or '}', found the end" },
	{ T "{ PROPERTY = Start_timeout; PROPERTY = Stop_timeout; }",   2, 29, "PROPERTY is given a second time" },
	{ T "{ PROPERTY = Start_timeout; MIN = 1; MIN = 2; }",          2, 38, "MIN is given a second time" },
	{ T "{ PROPERTY = Start_timeout; MIN = 60 DEFAULT = 300; }",    2, 38, "expected ';'" },
	{ T "{ PROPERTY = Start_timeout; LEAST = 60; }",         2, 29, "unknown attribute \"LEAST\"" },
	{ T "{ PROPERTY = Start_timeout; MIN = ; }",             2, 29, "give an integer" },
	{ T "{ PROPERTY = Start_timeout; MIN = 1x; }",           2, 35, "give an integer" },
	{ T "{ PROPERTY = Start_timeout; MIN = 1, 2; }",         2, 38, "takes one value" },
	{ T "{ PROPERTY = Start_timeout; MIN = 0; }",            2, 35, "always has" },
	{ T "{ PROPERTY = Start_timeout; MAX = 100; }",          2, 35, "MAX cannot be given for the method timeout" },
	{ T "{ PROPERTY = Start_timeout; MIN = 4000; }",         2, 14, "give another with DEFAULT" },
	{ T "{ PROPERTY = Start_timeout; MIN = 4000; DEFAULT = 4000; }" },
	{ T "{ PROPERTY = Start_timeout; MIN = 9; DEFAULT = 8; }",      2, 48, "below the minimum 9" },
	{ T "{ PROPERTY = Start_timeout; DEFAULT = \"\"; }",     2, 39, "is empty, which type INT does not allow" },
	{ T "{ PROPERTY = Start_timeout; DEFAULT = ; }",         2, 29, "is empty" },
	{ T "{ PROPERTY = Start_timeout; DEFAULT = 1, 2; }",     2, 42, "not an array" },
	{ T "{ PROPERTY = Start_timeout; DEFAULT = soon; }",     2, 39, "is not an integer" },
	{ T "{ PROPERTY = Start_timeout; MINLENGTH = 1; }",      2, 41, "MINLENGTH does not fit" },
	{ T "{ PROPERTY = Start_timeout; ARRAY_MAXSIZE = 1; }",  2, 45, "ARRAY_MAXSIZE does not fit" },
	{ T "{ PROPERTY = Start_timeout; INT; }",                2, 29, "INT cannot be given for the system-defined" },
	{ T "{ PROPERTY = Start_timeout; PER_NODE; }",           2, 29, "PER_NODE cannot be given for the system-defined" },
	{ T "{ PROPERTY = Start_timeout; DESCRIPTION = \"x\"; }",       2, 43, "DESCRIPTION cannot be given" },
	{ T "{ PROPERTY = Failover_mode; ENUM { A }; }",         2, 29, "ENUM cannot be given" },
	{ T "{ PROPERTY = Validate_timeout; }",                  2, 14, "without the method Validate" },
	{ T "VALIDATE = /v; { PROPERTY = Validate_timeout; }" },
	{ T "{ PROPERTY = Scalable; }\n{ PROPERTY = SCALABLE; }",       3, 14, "declared a second time" },
	{ T "{ PROPERTY = Nothing; DEFAULT = 1; }",              2, 14, "add EXTENSION" },
	{ T "{ PROPERTY = Nodelist; }",                          2, 14, "no system-defined property" },
	{ T "{ PROPERTY = Failover_mode; DEFAULT = soft; TUNABLE = ANYTIME; }" },
	{ T "{ PROPERTY = Failover_mode; DEFAULT = MAYBE; }",    2, 39, "not one of NONE, SOFT, HARD" },
	{ T "{ PROPERTY = Failover_mode; MIN = 1; }",            2, 35, "does not fit" },
	{ T "{ PROPERTY = Retry_count; MIN = -1; MAX = 10; DEFAULT = -1; TUNABLE = ANYTIME; }" },
	{ T "{ PROPERTY = Retry_count; MIN = -2; }",             2, 33, "always has" },
	{ T "{ PROPERTY = Retry_count; MIN = 5; MAX = 4; }",     2, 42, "MIN 5 is above MAX 4" },
	{ T "{ PROPERTY = Retry_count; MAX = -5; }",             2, 33, "MIN -1 is above MAX -5" },
	{ T "{ PROPERTY = Retry_count; TUNABLE = NONE; }",       2, 37, "give DEFAULT" },
	{ T "{ PROPERTY = Retry_count; TUNABLE = FALSE; DEFAULT = 2; }" },
	{ T "{ PROPERTY = Retry_count; TUNABLE = SOMETIMES; }",  2, 37, "TUNABLE is \"SOMETIMES\"" },
	{ T "{ PROPERTY = Retry_count; TUNABLE = ; }",           2, 27, "TUNABLE is \"\"" },
	{ T "{ PROPERTY = Scalable; DEFAULT = false; TUNABLE = AT_CREATION; }" },
	{ T "{ PROPERTY = Scalable; TUNABLE = ANYTIME; }",       2, 34, "the most that Scalable can have" },
	{ T "{ PROPERTY = Scalable; TUNABLE = WHEN_DISABLED; }", 2, 34, "the most that Scalable can have" },
	{ T "{ PROPERTY = Scalable; DEFAULT = ; }",              2, 24, "is empty" },
	{ T "{ PROPERTY = Load_balancing_policy; DEFAULT = lb_stickywild; TUNABLE = NONE; }" },
	{ T "{ PROPERTY = Load_balancing_policy; DEFAULT = LB_BEST; }", 2, 47, "not one of LB_WEIGHTED" },
	{ T "{ PROPERTY = Port_list; DEFAULT = ; TUNABLE = AT_CREATION; }" },
	{ T "{ PROPERTY = Port_list; DEFAULT = 80/tcp, \"443/tcp\"; ARRAY_MAXSIZE = 2; }" },
	{ T "{ PROPERTY = Port_list; DEFAULT = 1/tcp, 2/tcp; ARRAY_MAXSIZE = 1; }",       2, 35, "at most 1" },
	{ T "{ PROPERTY = Resource_dependencies; DEFAULT = \"a\", \"\"; }",               2, 47, "empty element" },
	{ T "{ PROPERTY = Resource_name; }",                     2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Type; }",                              2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Type_version; }",                      2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Group; }",                             2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = On_off_switch; }",                     2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Monitored_switch; }",                  2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Resource_state; }",                    2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Status; }",                            2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Status_msg; }",                        2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Num_rg_restarts; }",                   2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Num_resource_restarts; }",             2, 14, "kept by the cluster" },
	{ T "{ PROPERTY = Installed_nodes; }",                   2, 14, "only the administrator" },
	{ T "{ PROPERTY = Resource_list; EXTENSION; STRING; }",  2, 14, "cannot be given in an RTR file" },
};

static const struct rule extension_brackets[] = {
	{ T "{ PROPERTY = P; EXTENSION; STRING; }" },
	{ T "{ PROPERTY = P; STRING; EXTENSION = TRUE; }" },
	{ T "{ PROPERTY = P; EXTENSION = FALSE; STRING; }",      2, 29, "EXTENSION is a flag" },
	{ T "{ PROPERTY = P; EXTENSION STRING; }",               2, 27, "';' after the attribute" },
	{ T "{ PROPERTY = P; EXTENSION; STRING = TRUE; }",       2, 35, "';' after the type" },
	{ T "{ PROPERTY = P; EXTENSION; }",                      2, 14, "has no type" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; INT; }",         2, 36, "INT after STRING" },
	{ T "{ PROPERTY = P; EXTENSION; INT; ENUM { A }; }",     2, 33, "ENUM after INT" },
	{ T "{ PROPERTY = Scalable; EXTENSION; BOOLEAN; }",      2, 24, "is a system-defined property" },
	{ T "{ PROPERTY = boot_TIMEOUT; EXTENSION; INT; }",      2, 28, "Boot_timeout is a system-defined property" },
	{ T "{ PROPERTY = P; EXTENSION; INT; }\n{ PROPERTY = p; EXTENSION; INT; }",     3, 14, "declared a second time" },
	{ T "{ PROPERTY = P; EXTENSION; PER_NODE; INT; MIN = 1; MAX = 64; DEFAULT = 4; TUNABLE = TRUE; }" },
	{ T "{ PROPERTY = P; EXTENSION; INT; DEFAULT = -1; }" },
	{ T "{ PROPERTY = P; EXTENSION; INT; DEFAULT = 2147483648; }",  2, 43, "is not an integer between" },
	{ T "{ PROPERTY = P; EXTENSION; INT; MAX = 2147483648; }",      2, 39, "give an integer between" },
	{ T "{ PROPERTY = P; EXTENSION; INT; MIN = 3; MAX = 2; }",      2, 48, "MIN 3 is above MAX 2" },
	{ T "{ PROPERTY = P; EXTENSION; INT; MAX = 2; MIN = 3; }",      2, 48, "MIN 3 is above MAX 2" },
	{ T "{ PROPERTY = P; EXTENSION; MAX = 2; DEFAULT = 3; INT; }",  2, 47, "above the maximum 2" },
	{ T "{ PROPERTY = P; EXTENSION; INT; DEFAULT = ; }",     2, 33, "is empty" },
	{ T "{ PROPERTY = P; EXTENSION; BOOLEAN; DEFAULT = False; }" },
	{ T "{ PROPERTY = P; EXTENSION; BOOLEAN; DEFAULT = no; }",      2, 47, "neither TRUE nor FALSE" },
	{ T "{ PROPERTY = P; EXTENSION; BOOLEAN; DEFAULT = \"\"; }",    2, 47, "is empty" },
	{ T "{ PROPERTY = P; EXTENSION; BOOLEAN; MIN = 1; }",    2, 43, "MIN does not fit" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; MINLENGTH = 0; MAXLENGTH = 3; DEFAULT = \"abc\"; }" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; MAXLENGTH = 3; DEFAULT = \"abcd\"; }",    2, 61, "at most 3" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; MINLENGTH = 1; DEFAULT = \"\"; }",        2, 61, "at least 1" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; MINLENGTH = -1; }",     2, 48, "use 0 to 4194303" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; MAXLENGTH = 4194304; }",        2, 48, "use 0 to 4194303" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; MINLENGTH = 2; MAXLENGTH = 1; }",       2, 63, "above MAXLENGTH" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; MAX = 2; }",     2, 42, "MAX does not fit" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; ARRAY_MINSIZE = 2; }",  2, 52, "ARRAY_MINSIZE does not fit" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; DEFAULT = a, b; }",     2, 49, "one with commas must be in quotes" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; DEFAULT = \"a, b\"; }" },
	{ T "{ PROPERTY = P; EXTENSION; STRINGARRAY; MINLENGTH = 2; ARRAY_MINSIZE = 1; ARRAY_MAXSIZE = 3; DEFAULT = aa, bb; }" },
	{ T "{ PROPERTY = P; EXTENSION; STRINGARRAY; MINLENGTH = 2; DEFAULT = aa, b; }",  2, 66, "element \"b\" has 1 bytes" },
	{ T "{ PROPERTY = P; EXTENSION; STRINGARRAY; ARRAY_MINSIZE = 1; DEFAULT = ; }",   2, 60, "at least 1" },
	{ T "{ PROPERTY = P; EXTENSION; STRINGARRAY; ARRAY_MINSIZE = 2; ARRAY_MAXSIZE = 1; }",  2, 76, "above ARRAY_MAXSIZE" },
	{ T "{ PROPERTY = P; EXTENSION; STRINGARRAY; DEFAULT = \"a;b\"; }", 2, 51, "contains ';'" },
	{ T "{ PROPERTY = P; EXTENSION; ENUM { Lazy, Strict, }; DEFAULT = LAZY; }" },
	{ T "{ PROPERTY = P; EXTENSION; ENUM; }",                2, 32, "'{' and the literals" },
	{ T "{ PROPERTY = P; EXTENSION; ENUM { }; }",            2, 35, "a literal of the ENUM" },
	{ T "{ PROPERTY = P; EXTENSION; ENUM { A B }; }",        2, 37, "',' or '}' after the literal" },
	{ T "{ PROPERTY = P; EXTENSION; ENUM { A, a }; }",       2, 38, "a second time (case does not count)" },
	{ T "{ PROPERTY = P; EXTENSION; ENUM { 1 }; }",          2, 35, "ENUM literal \"1\"" },
	{ T "{ PROPERTY = P; EXTENSION; ENUM { A } }",           2, 39, "';' after the literals" },
	{ T "{ PROPERTY = P; EXTENSION; ENUM { A }; DEFAULT = B; }",    2, 50, "not one of A" },
	{ T "{ PROPERTY = P; EXTENSION; ENUM { A }; DEFAULT = ; }",     2, 40, "is empty" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; TUNABLE = NONE; DEFAULT = \"\"; }" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; TUNABLE = NONE; }",     2, 46, "give DEFAULT" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; TUNABLE = AT_CREATION, ANYTIME; }",       2, 59, "takes one value" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; DESCRIPTION = ; }" },
	{ T "{ PROPERTY = P; EXTENSION; STRING; DESCRIPTION = a, b; }", 2, 53, "takes one value" },
};

static void test_lexical(void **state) { check_rules(lexical, ARRAY_SIZE(lexical)); }
static void test_statements(void **state) { check_rules(type_statements, ARRAY_SIZE(type_statements)); }
static void test_methods(void **state) { check_rules(methods, ARRAY_SIZE(methods)); }
static void test_upgrade(void **state) { check_rules(upgrade, ARRAY_SIZE(upgrade)); }
static void test_system(void **state) { check_rules(system_brackets, ARRAY_SIZE(system_brackets)); }
static void test_extension(void **state) { check_rules(extension_brackets, ARRAY_SIZE(extension_brackets)); }

/* ---- limits ---- */

static char *repeated(const char *head, const char *part, size_t n, const char *tail)
{
	struct buf b = { 0 };

	buf_puts(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_puts(&b, part);
	buf_puts(&b, tail);
	return buf_take(&b);
}

static void test_limits(void **state)
{
	static const struct { const char *head, *part; size_t most; const char *tail, *says; } rows[] = {
		{ "RESOURCE_TYPE = ", "t", 255, "; START = /a; STOP = /b;", "at most 255" },
		{ T "{ PROPERTY = ", "p", 255, "; EXTENSION; INT; }", "at most 255" },
		{ T "{ PROPERTY = P; EXTENSION; ENUM { ", "p", 255, " }; }", "at most 255" },
		{ T "#$upgrade\nRT_VERSION = ", "1", 255, ";", "at most 255" },
		{ T "#$upgrade\nRT_VERSION = 1;\n#$upgrade_from \"", "1", 255, "\" ANYTIME", "at most 255" },
		{ T "RT_DESCRIPTION = \"", "d", 4194303, "\";", "at most 4194303" },
		{ T "RT_DESCRIPTION = ", "d", 4194303, ";", "at most 4194303" },
		{ T "VALIDATE = /", "v", 4094, ";", "more than 4095" },
		{ T "RT_BASEDIR = /", "v", 4094, ";", "more than 4095" },
		{ T "RT_BASEDIR = /opt; VALIDATE = ", "v", 4090, ";", "more than 4095" },
		{ T "PKGLIST = a", ",a", 65535, ";", "more than 65536" },
		{ T "#", "x", (8 << 20) - sizeof T, "", "the file has" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *fits = repeated(rows[i].head, rows[i].part, rows[i].most, rows[i].tail);
		_cleanup_free_ char *over = repeated(rows[i].head, rows[i].part, rows[i].most + 1, rows[i].tail);
		_cleanup_(rt_freep) struct rt *rt = NULL;
		struct err err = { 0 };

		if (parse(fits, &rt, NULL, &err) < 0)
			fail_msg("row %zu must fit: %s", i, err.text);
		rt = rt_free(rt);
		if (parse(over, &rt, NULL, &err) >= 0 || !strstr(err.text, rows[i].says))
			fail_msg("row %zu must be refused: %s; got %s", i, rows[i].says, err.text);
	}
}

static void test_counts(void **state)
{
	static const struct { const char *head, *fmt; int most; const char *tail, *says; } rows[] = {
		{ T, "{PROPERTY=P%d;EXTENSION;INT;}", 1024, "", "more than 1024 extension" },
		{ T "{ PROPERTY = P; EXTENSION; ENUM { ", "L%d,", 1024, "}; }", "more than 1024 literals" },
		{ T "RT_VERSION = x;\n#$upgrade\n", "#$upgrade_from \"%d\" ANYTIME\n", 1024, "", "more than 1024 #$upgrade_from" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int over = 0; over < 2; over++) {
			_cleanup_(rt_freep) struct rt *rt = NULL;
			_cleanup_free_ char *text = NULL;
			struct buf b = { 0 };
			struct err err = { 0 };
			int r;

			buf_puts(&b, rows[i].head);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			for (int n = 0; n < rows[i].most + over; n++)
				buf_printf(&b, rows[i].fmt, n);
#pragma GCC diagnostic pop
			buf_puts(&b, rows[i].tail);
			text = buf_take(&b);
			r = parse(text, &rt, NULL, &err);
			if (over ? r >= 0 || !strstr(err.text, rows[i].says) : r < 0)
				fail_msg("row %zu, over %d: %s", i, over, err.text);
		}
}

static void test_nul(void **state)
{
	static const char text[] = T "# a\0b";
	struct rt *rt = NULL;
	struct err err = { 0 };

	assert_int_equal(rtr_parse(text, sizeof text - 1, "f", &rt, NULL, &err), -22);
	assert_string_equal(err.text, "f:2:4: NUL byte; an RTR file is plain text");
	assert_int_equal(rtr_parse("", 0, "f", &rt, NULL, NULL), -22);
	assert_null(rt);
}

static void test_warnings(void **state)
{
	static const char text[] = "#$Id: x $\n" T "#$upgraded\n  #$upgrade\n#$\n";
	_cleanup_(strlist_done) struct strlist warnings = { 0 };
	_cleanup_(rt_freep) struct rt *rt = NULL;
	_cleanup_free_ char *many = repeated(T, "#$x\n", 200, "");
	struct err err;

	assert_int_equal(parse(text, &rt, &warnings, &err), 0);
	assert_false(rt->has_upgrade);
	assert_int_equal(warnings.n, 4);
	assert_non_null(strstr(warnings.v[0], "f:1:1: unknown directive \"Id:\""));
	assert_non_null(strstr(warnings.v[1], "f:3:1: unknown directive \"upgraded\""));
	assert_non_null(strstr(warnings.v[2], "f:4:3: #$upgrade is taken as a comment"));
	assert_non_null(strstr(warnings.v[3], "f:5:1: unknown directive \"\""));
	rt = rt_free(rt);
	strlist_done(&warnings);
	assert_int_equal(parse(many, &rt, &warnings, &err), 0);
	assert_int_equal(warnings.n, 100);
}

/* ---- what comes out ---- */

static struct rt *parsed(const char *text)
{
	struct rt *rt = NULL;
	struct err err;

	if (parse(text, &rt, NULL, &err) < 0)
		fail_msg("%s", err.text);
	return rt;
}

static void test_name(void **state)
{
	static const struct { const char *text, *name; bool lh, sa; } rows[] = {
		{ T, "t" },
		{ T "VENDOR_ID = V;", "V.t" },
		{ T "VENDOR_ID = V; RT_VERSION = 1.0;", "V.t" },
		{ T "VENDOR_ID = V; RT_VERSION = 1.0;\n#$upgrade\n", "V.t:1.0" },
		{ T "RT_VERSION = 1.0;\n#$upgrade\n", "t:1.0" },
		{ "RESOURCE_TYPE = LogicalHostname; VENDOR_ID = SUNW; START = /a; STOP = /b;", "SUNW.LogicalHostname", true, false },
		{ "RESOURCE_TYPE = SharedAddress; VENDOR_ID = SUNW; START = /a; STOP = /b;", "SUNW.SharedAddress", false, true },
		{ "RESOURCE_TYPE = SharedAddress; START = /a; STOP = /b;", "SharedAddress", false, false },
		{ "RESOURCE_TYPE = LogicalHostname; VENDOR_ID = ME; START = /a; STOP = /b;", "ME.LogicalHostname", false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(rt_freep) struct rt *rt = parsed(rows[i].text);

		assert_string_equal(rt->name, rows[i].name);
		assert_int_equal(rt->is_logical_hostname, rows[i].lh);
		assert_int_equal(rt->is_shared_address, rows[i].sa);
	}
}

static void test_name_matches(void **state)
{
	static const struct { const char *full, *given; bool matches; } rows[] = {
		{ "SUNW.gds:6",     "SUNW.gds:6", true  },      { "SUNW.gds:6",     "SUNW.gds", true  },
		{ "SUNW.gds:6",     "gds",        true  },      { "SUNW.gds:6",     "gds:6",    true  },
		{ "SUNW.gds:6",     "SUNW.gds:5", false },      { "SUNW.gds:6",     "ACME.gds", false },
		{ "SUNW.gds:6",     "GDS",        false },      { "SUNW.gds",       "gds:6",    false },
		{ "gds",            "SUNW.gds",   false },      { "gds",            "gds",      true  },
		{ "SUNW.gds:6.1-a", "gds:6.1-a",  true  },      { "SUNW.gds:6",     "SUNW.gd",  false },
		{ "SUNW.gds:6",     "",           false },      { "SUNW.gds:6",     ".gds",     false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rt_name_matches(rows[i].full, rows[i].given) != rows[i].matches)
			fail_msg("%s and %s", rows[i].full, rows[i].given);
}

static void test_method_path(void **state)
{
	_cleanup_(rt_freep) struct rt *rt = parsed("RESOURCE_TYPE = t; RT_BASEDIR = /opt/t; START = s; STOP = /abs/p;");
	_cleanup_(rt_freep) struct rt *slash = parsed("RESOURCE_TYPE = t; RT_BASEDIR = /opt/; START = s; STOP = p;");
	_cleanup_free_ char *start = rt_method_path(rt, METHOD_START), *stop = rt_method_path(rt, METHOD_STOP);
	_cleanup_free_ char *other = rt_method_path(slash, METHOD_START);

	assert_string_equal(start, "/opt/t/s");
	assert_string_equal(stop, "/abs/p");
	assert_string_equal(other, "/opt/s");
	assert_null(rt_method_path(rt, METHOD_BOOT));
}

/* Which properties do resources have, with which value and when may it be set? */
static void test_params(void **state)
{
	static const struct { const char *text, *name, *dflt; enum tunable tunable; } rows[] = {
		{ T, "R_description", "", TUNE_ANYTIME },
		{ T, "Failover_mode", "NONE", TUNE_ANYTIME },
		{ T, "Resource_dependencies_offline_restart", "", TUNE_ANYTIME },
		{ T, "Resource_project_name", "", TUNE_ANYTIME },
		{ T, "start_TIMEOUT", "3600", TUNE_ANYTIME },
		{ T, "Stop_timeout", "3600", TUNE_ANYTIME },
		{ T "BOOT = /c;", "Boot_timeout", "3600", TUNE_ANYTIME },
		{ T "GLOBAL_ZONE;", "Global_zone_override", "TRUE", TUNE_AT_CREATION },
		{ T "{PROPERTY=Retry_count;}", "Retry_count", NULL, TUNE_WHEN_DISABLED },
		{ T "{PROPERTY=Retry_count;DEFAULT=02;TUNABLE=TRUE;}", "Retry_count", "2", TUNE_ANYTIME },
		{ T "{PROPERTY=Scalable;}", "Scalable", "FALSE", TUNE_AT_CREATION },
		{ T "{PROPERTY=Scalable;}", "Port_list", "", TUNE_ANYTIME },
		{ T "{PROPERTY=Scalable;}", "Network_resources_used", "", TUNE_ANYTIME },
		{ T "{PROPERTY=Scalable;}", "Load_balancing_policy", "LB_WEIGHTED", TUNE_AT_CREATION },
		{ T "{PROPERTY=Scalable;}", "Load_balancing_weights", "", TUNE_ANYTIME },
		{ T "{PROPERTY=Scalable;}", "Weak_affinity", "FALSE", TUNE_WHEN_DISABLED },
		{ T "{PROPERTY=Port_list;}", "Port_list", NULL, TUNE_ANYTIME },
		{ T "{PROPERTY=Load_balancing_policy;DEFAULT=lb_stickywild;}", "Load_balancing_policy", "LB_STICKY_WILD",
		  TUNE_AT_CREATION },
		{ T "{PROPERTY=P;EXTENSION;STRING;}", "P", NULL, TUNE_WHEN_DISABLED },
		{ T "{PROPERTY=P;EXTENSION;BOOLEAN;DEFAULT=tRuE;}", "P", "TRUE", TUNE_WHEN_DISABLED },
		{ T "{PROPERTY=P;EXTENSION;ENUM{Lazy};DEFAULT=LAZY;}", "P", "Lazy", TUNE_WHEN_DISABLED },
		{ T "{PROPERTY=P;EXTENSION;STRINGARRAY;DEFAULT=a, \"b c\" ,d;}", "P", "a,b c,d", TUNE_WHEN_DISABLED },
		{ T "{PROPERTY=P;EXTENSION;STRING;DEFAULT=\"q\\\"\\\\\\n\";}", "P", "q\"\\\\n", TUNE_WHEN_DISABLED },
	};
	static const struct { const char *text, *name; } absent[] = {
		{ T, "Boot_timeout" },  { T, "Retry_count" }, { T, "Scalable" },      { T, "Port_list" },
		{ T, "Type_version" },  { T, "Status" },      { T, "On_off_switch" }, { T, "Global_zone_override" },
		{ T "{PROPERTY=Scalable;}", "Conn_threshold" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(rt_freep) struct rt *rt = parsed(rows[i].text);
		const struct rt_param *param = rt_param_find(rt, rows[i].name);

		if (!param || param->has_default != !!rows[i].dflt || !str_equal(param->dflt, rows[i].dflt) ||
		    param->tunable != rows[i].tunable)
			fail_msg("row %zu: %s of %s", i, rows[i].name, rows[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		_cleanup_(rt_freep) struct rt *rt = parsed(absent[i].text);

		if (rt_param_find(rt, absent[i].name))
			fail_msg("%s must not exist", absent[i].name);
	}
}

static void test_param_order(void **state)
{
	_cleanup_(rt_freep) struct rt *rt = parsed(T "{PROPERTY=Zeta;EXTENSION;INT;}{PROPERTY=Retry_count;}{PROPERTY=Alpha;EXTENSION;INT;}");

	assert_string_equal(rt->params[rt->param_count - 3].name, "Retry_count");
	assert_string_equal(rt->params[rt->param_count - 2].name, "Zeta");
	assert_string_equal(rt->params[rt->param_count - 1].name, "Alpha");
}

/* ---- there and back ---- */

static const char *const samples[] = {
	T,
	"RESOURCE_TYPE = everything; VENDOR_ID = ACME; RT_DESCRIPTION = \"a \\\"b\\\" \\\\\"; RT_VERSION = \"x y\"; API_VERSION = 13;"
	"RT_BASEDIR = \"/opt/with blank\"; SINGLE_INSTANCE; FAILOVER; RT_SYSTEM; GLOBAL_ZONE; PROXY; SYSDEFINED_TYPE;"
	"INIT_NODES = RT_INSTALLED_NODES; PKGLIST = a, \"b,c d\"; START = a; STOP = b; PRENET_START = c; POSTNET_STOP = d;"
	"MONITOR_START = e; MONITOR_STOP = f; MONITOR_CHECK = g; VALIDATE = h; UPDATE = i; INIT = j; FINI = k; BOOT = l;"
	"{ PROPERTY = R_description; DEFAULT = x; MAXLENGTH = 100; }"
	"{ PROPERTY = Resource_dependencies; ARRAY_MAXSIZE = 3; TUNABLE = NONE; }"
	"{ PROPERTY = Failover_mode; TUNABLE = AT_CREATION; } { PROPERTY = Conn_threshold; }"
	"{ PROPERTY = E; EXTENSION; PER_NODE; ENUM { A, B, }; DEFAULT = b; }"
	"{ PROPERTY = S; EXTENSION; STRING; DEFAULT = \"a, \\\"b\\\"\"; MINLENGTH = 1; MAXLENGTH = 9; DESCRIPTION = \"\\\\\"; }"
	"{ PROPERTY = A; EXTENSION; STRINGARRAY; DEFAULT = \"a b\", c; ARRAY_MINSIZE = 0; ARRAY_MAXSIZE = 2; TUNABLE = NONE; }"
	"{ PROPERTY = I; EXTENSION; INT; MIN = -2147483648; MAX = 2147483647; }",
	/* Agent Builder's form: mixed case, blanks, system properties in their usual order. */
	"Resource_type = \"smpl\";\nVendor_id = SUNW;\nRT_version =\"1.0\"; \nAPI_version = 2;\nFailover = TRUE;\n\n"
	"Init_nodes = RG_PRIMARIES;\nRT_basedir=/opt/SUNWsmpl/bin;\nStart           =    smpl_svc_start;\n"
	"Stop            =    smpl_svc_stop;\nValidate = smpl_validate;\nUpdate = smpl_update;\n"
	"Monitor_start = smpl_monitor_start;\nMonitor_stop = smpl_monitor_stop;\nMonitor_check = smpl_monitor_check;\n"
	"{\n\tPROPERTY = Start_timeout;\n\tMIN = 60;\n\tDEFAULT = 300;\n}\n{\n\tPROPERTY = Monitor_Check_timeout;\n\tMIN = 60;\n}\n"
	"{ PROPERTY = FailOver_Mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }\n"
	"{ PROPERTY = Thorough_Probe_Interval; MAX = 3600; DEFAULT = 60; TUNABLE = ANYTIME; }\n"
	"{ PROPERTY = Retry_Count; MAX = 10; DEFAULT = 2; TUNABLE = ANYTIME; }\n"
	"{ PROPERTY = Retry_Interval; MAX = 3600; DEFAULT = 300; TUNABLE = ANYTIME; }\n"
	"{ PROPERTY = Network_resources_used; TUNABLE = WHEN_DISABLED; DEFAULT = \"\"; }\n"
	"{ PROPERTY = Scalable; DEFAULT = FALSE; TUNABLE = AT_CREATION; }\n"
	"{ PROPERTY = Load_balancing_policy; DEFAULT = LB_WEIGHTED; TUNABLE = AT_CREATION; }\n"
	"{ PROPERTY = Load_balancing_weights; DEFAULT = \"\"; TUNABLE = ANYTIME; }\n"
	"{ PROPERTY = Port_list; DEFAULT = ; TUNABLE = AT_CREATION; }\n"
	"{ PROPERTY = Confdir_list; EXTENSION; STRINGARRAY; TUNABLE = AT_CREATION; DESCRIPTION = \"Directories\"; }\n"
	"{ PROPERTY = Child_mon_level; EXTENSION; INT; DEFAULT = -1; TUNABLE = NONE; DESCRIPTION = \"Level\"; }\n",
	T "RT_VERSION = 5;\n#$upgrade\n#$upgrade_from \"3.1\" anytime\n#$upgrade_from \"4.5-05\" anytime\n#$upgrade_from \"\" when_offline\n"
	"{ PROPERTY = Policy; EXTENSION; ENUM { Timeout, Auto, Cluster }; DEFAULT = \"Auto\"; TUNABLE = ANYTIME; }",
	T "{ PROPERTY = Scalable; DEFAULT = TRUE; } { PROPERTY = Port_list; DEFAULT = \"8080/tcp\"; TUNABLE = ANYTIME; }",
	T "{ PROPERTY = Scalable; } { PROPERTY = Port_list; }",
};

static void check_round_trip(const char *text)
{
	_cleanup_(rt_freep) struct rt *rt = parsed(text), *again = NULL;
	_cleanup_free_ char *printed = rt_to_rtr(rt), *reprinted = NULL;

	again = parsed(printed);
	reprinted = rt_to_rtr(again);
	if (!rt_equal(rt, again))
		fail_msg("not the same type:\n%s", printed);
	assert_string_equal(printed, reprinted);
}

static void test_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		check_round_trip(samples[i]);
	for (size_t i = 0; i < ARRAY_SIZE(system_brackets); i++)
		if (!system_brackets[i].line)
			check_round_trip(system_brackets[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(extension_brackets); i++)
		if (!extension_brackets[i].line)
			check_round_trip(extension_brackets[i].text);
}

/* ---- the files that are shipped ---- */

static char *shipped(const char *path)
{
	_cleanup_free_ char *full = xasprintf("%s/%s", TYPES_SOURCE, path), *text = NULL;
	static const char mark[] = "@TYPES_DIR@";
	FILE *f = fopen(full, "re");
	size_t size = 0;
	char *at;

	assert_non_null(f);
	assert_true(getdelim(&text, &size, '\0', f) > 0);
	(void)fclose(f);        /* it was only read */
	at = strstr(text, mark);
	assert_non_null(at);
	return xasprintf("%.*s/types%s", (int)(at - text), text, at + strlen(mark));
}

static void test_shipped(void **state)
{
	static const char *const paths[] = { "LogicalHostname/SUNW.LogicalHostname.in", "gds/SUNW.gds.in",
					     "SharedAddress/SUNW.SharedAddress.in" };
	static const struct { size_t file; const char *name, *dflt; enum prop_type type; enum tunable tunable; } rows[] = {
		{ 0, "HostnameList",     NULL,   PROP_STRINGARRAY, TUNE_WHEN_DISABLED },
		{ 0, "NetIfList",        "",     PROP_STRINGARRAY, TUNE_ANYTIME       },
		{ 0, "CheckNameService", "TRUE", PROP_BOOLEAN,     TUNE_ANYTIME       },
		{ 0, "Failover_mode",    "HARD", PROP_ENUM,        TUNE_ANYTIME       },
		{ 0, "Start_timeout",    "300",  PROP_INT,         TUNE_ANYTIME       },
		{ 2, "HostnameList",     NULL,   PROP_STRINGARRAY, TUNE_WHEN_DISABLED },
		{ 2, "AuxNodeList",      "",     PROP_STRINGARRAY, TUNE_WHEN_DISABLED },
		{ 2, "Failover_mode",    "HARD", PROP_ENUM,        TUNE_ANYTIME       },
		{ 1, "Start_command",    NULL,   PROP_STRING,      TUNE_WHEN_DISABLED },
		{ 1, "Stop_signal",      "15",   PROP_INT,         TUNE_WHEN_DISABLED },
		{ 1, "Log_level",        "NONE", PROP_ENUM,        TUNE_ANYTIME       },
		{ 1, "Network_aware",    "TRUE", PROP_BOOLEAN,     TUNE_AT_CREATION   },
		{ 1, "Retry_interval",   "370",  PROP_INT,         TUNE_ANYTIME       },
		{ 1, "Scalable",         "FALSE", PROP_BOOLEAN,    TUNE_AT_CREATION   },
		{ 1, "Port_list",        "",     PROP_STRINGARRAY, TUNE_AT_CREATION   },
	};
	struct rt *rt[ARRAY_SIZE(paths)];

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *text = shipped(paths[i]);

		rt[i] = parsed(text);
		check_round_trip(text);
	}
	assert_true(rt[0]->is_logical_hostname && rt[0]->failover && !rt[1]->failover);
	assert_true(rt[2]->is_shared_address && rt[2]->failover);
	assert_string_equal(rt[0]->basedir, "/types/LogicalHostname");
	assert_string_equal(rt[2]->basedir, "/types/SharedAddress");
	assert_string_equal(rt[1]->methods[METHOD_START], "gds_svc_start");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rt_param *param = rt_param_find(rt[rows[i].file], rows[i].name);

		if (!param || !str_equal(param->dflt, rows[i].dflt) || param->type != rows[i].type || param->tunable != rows[i].tunable)
			fail_msg("%s", rows[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		rt_free(rt[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lexical),      cmocka_unit_test(test_statements), cmocka_unit_test(test_methods),
		cmocka_unit_test(test_upgrade),      cmocka_unit_test(test_system),     cmocka_unit_test(test_extension),
		cmocka_unit_test(test_limits),       cmocka_unit_test(test_counts),     cmocka_unit_test(test_nul),
		cmocka_unit_test(test_warnings),     cmocka_unit_test(test_name),       cmocka_unit_test(test_name_matches),
		cmocka_unit_test(test_method_path),  cmocka_unit_test(test_params),     cmocka_unit_test(test_param_order),
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests_name("rtr", tests, NULL, NULL);
}
