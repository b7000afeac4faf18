/* Places filled in, and areas of the user carried over. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/template.h"

static const struct template_value values[] = {
	{ "NAME", "web-1.0" }, { "ODD", "a'b\"c\\d?\t$x@NAME@" }, { "EMPTY", "" }, { "YES", "1" }, { "DASH", "-x 'y'" },
};

static const struct { const char *text, *want, *error; } rows[] = {
	{ "", "", NULL },
	{ "a\nb", "a\nb\n", NULL },
	{ "<@NAME@>\n", "<web-1.0>\n", NULL },
	{ "@EMPTY@|@@|@ NAME@|x@y|@name@\n", "|@@|@ NAME@|x@y|@name@\n", NULL },
	{ "@sh:ODD@\n", "'a'\\''b\"c\\d?\t$x@NAME@'\n", NULL },           /* what is filled in is not read again */
	{ "@c:ODD@\n", "\"a'b\\042c\\134d\\077\\011$x@NAME@\"\n", NULL },
	{ "@text:ODD@\n", "a'b\"c\\d?\t$x@NAME@\n", NULL },
	{ "@roff:DASH@\n", "\\-x \\(aqy\\(aq\n", NULL },
	{ "@rtr:NAME@\n", "\"web-1.0\"\n", NULL },
	{ "\n@rtr:ODD@\n", NULL, "t:2: " },
	{ "@ODD@\n", NULL, "cannot stand there" },
	{ "@NONE@\n", NULL, "there is no value NONE" },
	{ "@sh:NONE@\n", NULL, "there is no value NONE" },
	{ "@if YES@\na\n@else@\nb\n@end@\nc\n", "a\nc\n", NULL },
	{ "@if EMPTY@\na\n@else@\nb\n@end@\nc\n", "b\nc\n", NULL },
	{ "@if EMPTY@\n@if YES@\na\n@else@\nb\n@end@\n@NONE@\n@else@\nc\n@end@\n", "c\n", NULL },
	{ "@if YES@\n@if EMPTY@\na\n@end@\nb\n@end@\n", "b\n", NULL },
	{ " @if YES@\n", " @if YES@\n", NULL },
	{ "@if YES@\na\n", NULL, "has no @end@" },
	{ "a\n@end@\n", NULL, "t:2: no @if@ is open" },
	{ "@else@\n", NULL, "no @if@ is open" },
	{ "@if NONE@\n@end@\n", NULL, "there is no value NONE" },
	{ "@if YES@\n@if YES@\n@if YES@\n@if YES@\n@if YES@\n@if YES@\n@if YES@\n@if YES@\n@if YES@\n", NULL, "more than 8" },
};

static void test_fill(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out = { 0 };
		struct err err = { 0 };
		int r = template_fill("t", rows[i].text, values, ARRAY_SIZE(values), &out, &err);

		if (rows[i].error ? r != -EINVAL || !strstr(err.text, rows[i].error) : r != 0 || !streq(out.s ? out.s : "", rows[i].want))
			fail_msg("row %zu: %d \"%s\" %s", i, r, out.s ? out.s : "", err.text);
		buf_done(&out);
	}
}

#define BEGIN "# User added code -- BEGIN vvv\n"
#define END   "# User added code -- END   ^^^\n"

static const struct { const char *old, *fresh, *want, *error; } areas[] = {
	{ "x\n", "y\n", "y\n", NULL },
	{ "x\n", "y\n" BEGIN "default\n" END, "y\n" BEGIN "default\n" END, NULL },
	{ BEGIN "mine\n" END "x\n", "y\n" BEGIN END "z\n", "y\n" BEGIN "mine\n" END "z\n", NULL },
	{ BEGIN END, "y\n" BEGIN "default\n" END, "y\n" BEGIN END, NULL },              /* emptied is emptied */
	{ BEGIN "1\n" END BEGIN "2\n" END, "a\n" BEGIN END "b\n" BEGIN END "c", "a\n" BEGIN "1\n" END "b\n" BEGIN "2\n" END "c", NULL },
	{ BEGIN "1\n" END, BEGIN END BEGIN "new\n" END, BEGIN "1\n" END BEGIN "new\n" END, NULL },
	{ BEGIN "1\n" END BEGIN END, BEGIN END, BEGIN "1\n" END, NULL },                /* nothing is lost with an empty one */
	{ BEGIN "1\n" END BEGIN "2\n" END, BEGIN END, NULL, "2 areas with user code, and there is room for 1" },
	{ BEGIN "1\n", BEGIN END, NULL, "put it back" },
	{ BEGIN "1\n" BEGIN END, BEGIN END, NULL, "put it back" },
	{ "x # User added code -- BEGIN", BEGIN END, NULL, "put it back" },
};

static void test_areas(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		_cleanup_free_ char *got = NULL;
		struct err err = { 0 };
		int r = template_keep_areas("t", areas[i].old, areas[i].fresh, &got, &err);

		if (areas[i].error ? r != -EINVAL || !strstr(err.text, areas[i].error) : r != 0 || !streq(got, areas[i].want))
			fail_msg("row %zu: %d \"%s\" %s", i, r, got ? got : "", err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fill), cmocka_unit_test(test_areas) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
