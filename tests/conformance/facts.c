/* Asks the cores what they know, for conformance.py: a question a line on standard input, an answer a line on standard output,
 * "= ok" or "= why not".
 *
 *     property KIND NAME       = TYPE DEFAULT TUNABLE  ("-" for no default)
 *     tag OBJECT NAME          = TYPE, or TYPE? when nobody can answer it
 *     state KIND NAME          can the RGM be in it?
 *     rtr TEXT                 does an RTR file with this text pass?  "\\n" is a newline
 *     control TAG              does the RGM know it?
 *     callback NAME            does the RGM take a type with this method?
 *     value KIND NAME=VALUE    does the RGM take this value? */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/optag.h"
#include "rgm/rt.h"
#include "rgm_world.h"
#include "scha_err.h"

static const char *const out_names[OPTAG_OUT_COUNT] = {
	[OPTAG_STRING] = "string", [OPTAG_INT] = "int", [OPTAG_UINT] = "uint", [OPTAG_BOOLEAN] = "boolean",
	[OPTAG_SWITCH] = "switch", [OPTAG_RSSTATUS] = "rsstatus", [OPTAG_RSSTATE] = "rsstate", [OPTAG_RGSTATE] = "rgstate",
	[OPTAG_RGMODE] = "rgmode", [OPTAG_FOMODE] = "fomode", [OPTAG_INITNODES] = "initnodes", [OPTAG_NODESTATE] = "nodestate",
	[OPTAG_STRARRAY] = "strarray", [OPTAG_UINTARRAY] = "uintarray", [OPTAG_STATUS] = "status", [OPTAG_EXTPROP] = "extprop",
};
static const char *const kinds[] = { "cluster", "resource", "group", "type", NULL };
#define KIND_RESOURCE 1
#define KIND_GROUP    2
#define KIND_TYPE     3

static void answer(const char *text)
{
	(void)printf("= %s\n", text);
}

static void ask_property(char *kind, char *name)
{
	int k = keyword_find(kinds, kind);
	const struct prop_info *info = k == KIND_RESOURCE ? resource_prop_find(name) : k == KIND_GROUP ? group_prop_find(name) :
				       k == KIND_TYPE ? type_prop_find(name) : NULL;

	if (info)
		(void)printf("= %s %s %s\n", prop_type_names[info->type], info->dflt ? info->dflt : "-", tunable_names[info->tunable]);
	else
		answer("no such property");
}

static void ask_tag(char *kind, char *name)
{
	int k = keyword_find(kinds, kind);
	const struct optag *tag = k < 0 ? NULL : optag_find((enum optag_object)k, name);

	if (tag && (int)tag->object == k)
		(void)printf("= %s%s\n", out_names[tag->out], tag->value ? "" : "?");
	else
		answer("no such tag");
}

static bool has_name(const char *const names[], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && streq(names[i], name))
			return true;
	return false;
}

static void ask_state(char *kind, char *name)
{
	bool known = streq(kind, "resource") ? has_name(rs_state_names, RS_STATE_COUNT, name) :
		     streq(kind, "group") ? has_name(rg_state_names, RG_STATE_COUNT, name) :
		     streq(kind, "status") ? has_name(rs_status_names, STATUS_COUNT, name) :
		     has_name(node_state_names, NODE_STATE_COUNT, name);

	answer(known ? "ok" : "the RGM has no such state");
}

static void ask_rtr(const char *text)
{
	_cleanup_(rt_freep) struct rt *rt = NULL;
	_cleanup_free_ char *copy = xstrdup(text);
	struct err err = { 0 };

	for (char *p = copy; (p = strstr(p, "\\n"));)
		memcpy(p, " \n", 2);
	answer(rtr_parse(copy, strlen(copy), "file", &rt, NULL, &err) < 0 ? err.text : "ok");
}

/* The world has two groups; far is a resource of the other one. */
static void ask_rgm(json_t *request, scha_err_t unknown)
{
	struct answer a;

	world_new(2, "g: a app; b svc\nh: far svc");
	world_settle();
	a = world_ask(1, request);
	if (a.code == 0 || (unknown && a.code != (int)unknown))
		answer("ok");
	else
		(void)printf("= %d %s\n", a.code, a.text);
	world_done(NULL);
}

static void ask_callback(const char *method)
{
	_cleanup_free_ char *rtr = xasprintf("RESOURCE_TYPE = x; %s%s%s%s = /m;",
					     strieq(method, "Start") ? "" : "START = /s; ", strieq(method, "Stop") ? "" : "STOP = /t; ",
					     strieq(method, "Monitor_start") ? "MONITOR_STOP = /n; " : "", method);

	ask_rgm(ju_pack("{ss,ss}", "op", "type_add", "rtr", rtr), 0);
}

static void ask_value(const char *kind, char *pair)
{
	char *value = strchr(pair, '=');

	if (!value) {
		answer("this is no NAME=VALUE");
		return;
	}
	*value++ = '\0';
	if (streq(kind, "group"))
		ask_rgm(ju_pack("{ss,ss,s{ss}}", "op", "group_add", "rg", "n", "props", pair, value), 0);
	else
		ask_rgm(ju_pack("{ss,ss,s{ss},s{}}", "op", "resource_change", "rs", "a", "props", pair, value, "ext"), 0);
}

static void ask(char *line)
{
	char *what = strtok_r(line, " ", &line), *first, *second;

	if (streq(what, "rtr")) {
		ask_rtr(line);
		return;
	}
	first = strtok_r(line, " ", &line);
	second = strtok_r(line, " ", &line);
	if (first && streq(what, "control"))
		ask_rgm(ju_pack("{ss,ss,ss,ss}", "op", "control", "tag", first, "rg", "g", "rs", "a"), SCHA_ERR_TAG);
	else if (first && streq(what, "callback"))
		ask_callback(first);
	else if (first && second && streq(what, "property"))
		ask_property(first, second);
	else if (first && second && streq(what, "tag"))
		ask_tag(first, second);
	else if (first && second && streq(what, "state"))
		ask_state(first, second);
	else if (first && second && streq(what, "value"))
		ask_value(first, second);
	else
		answer("what is asked here?");
}

static void test_all(void **state)
{
	char line[4096];

	(void)state;
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		ask(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };

	return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
