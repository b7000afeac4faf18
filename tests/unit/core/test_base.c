/* The base library: strings and lists, errors for people, JSON shorthands, paths, ids of log messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"

/* ---- buf ---- */

static void test_buf(void **state)
{
	struct buf b = { 0 };
	char *s;

	(void)state;
	s = buf_take(&b);
	assert_string_equal(s, "");             /* never NULL */
	free(s);
	buf_puts(&b, "");
	assert_string_equal(b.s, "");
	buf_puts(&b, "one");
	buf_add(&b, "\0two", 4);
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.s, "one\0two", 8);
	buf_printf(&b, "%d-%s", 3, "x");
	assert_int_equal(b.len, 10);
	assert_string_equal(b.s + 7, "3-x");
	buf_done(&b);
	assert_null(b.s);
	buf_done(&b);                           /* twice is fine */
}

static void test_buf_grows(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		buf_printf(&b, "%04u", i);
	assert_int_equal(b.len, 40000);
	assert_memory_equal(b.s + 4 * 1234, "1234", 4);
	assert_int_equal(strlen(b.s), b.len);
}

/* ---- strlist ---- */

static const struct { const char *text, *seps, *joined; size_t n; } splits[] = {
	{ "",        ",",  "",          0 },
	{ "a",       ",",  "a",         1 },
	{ "a,b",     ",",  "a|b",       2 },
	{ ",",       ",",  "|",         2 },
	{ "a,,b",    ",",  "a||b",      3 },
	{ "a,",      ",",  "a|",        2 },
	{ " a , b ", ",",  " a | b ",   2 },
	{ "a b,c",   ", ", "a|b|c",     3 },
};

static void test_strlist(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(splits); i++) {
		_cleanup_(strlist_done) struct strlist l = { 0 };

		strlist_split(&l, splits[i].text, splits[i].seps);
		_cleanup_free_ char *joined = strlist_join(&l, "|");

		if (l.n != splits[i].n || !streq(joined, splits[i].joined))
			fail_msg("\"%s\" -> %zu, \"%s\"", splits[i].text, l.n, joined);
		assert_true(l.n == 0 || l.v[l.n] == NULL);
	}
}

static void test_strlist_has(void **state)
{
	_cleanup_(strlist_done) struct strlist l = { 0 };

	(void)state;
	assert_false(strlist_has(&l, ""));
	strlist_add(&l, "db");
	strlist_take(&l, xstrdup("web"));
	assert_true(strlist_has(&l, "db"));
	assert_true(strlist_has(&l, "web"));
	assert_false(strlist_has(&l, "WEB"));
	assert_true(strieq("Web", "wEB"));
}

/* ---- err ---- */

static void test_err(void **state)
{
	struct err err = { 0 };
	char text[4 * sizeof err.text];

	(void)state;
	assert_int_equal(err_set(NULL, -EINVAL, "nobody reads this"), -EINVAL);
	assert_int_equal(err_prefix(NULL, -EINVAL, "nor this"), -EINVAL);
	assert_int_equal(err_set(&err, -ERANGE, "prefix length %d is above %d", 99, 32), -ERANGE);
	assert_int_equal(err_prefix(&err, -EINVAL, "resource %s", "ip0"), -EINVAL);
	assert_int_equal(err_prefix(&err, -EINVAL, "group %s", "db"), -EINVAL);
	assert_string_equal(err.text, "group db: resource ip0: prefix length 99 is above 32");
	assert_int_equal(err.code, -EINVAL);
	/* Too long: cut, never overrun. */
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	err_set(&err, -EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	err_prefix(&err, -EINVAL, "front");
	assert_int_equal(strncmp(err.text, "front: xxx", 10), 0);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	err_prefix(&err, -EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

/* ---- json ---- */

static void test_json_reads_defaults(void **state)
{
	json_t *o = ju_pack("{ss,si,sb,s[i],s{ss},sn}", "s", "text", "i", 7, "b", 1, "a", 1, "o", "k", "v", "n");

	(void)state;
	static const struct { const char *key; bool str, num, flag, arr, obj; } rows[] = {
		{ "s", true,  false, false, false, false }, { "i", false, true,  false, false, false },
		{ "b", false, false, true,  false, false }, { "a", false, false, false, true,  false },
		{ "o", false, false, false, false, true  }, { "n", false, false, false, false, false },
		{ "absent", false, false, false, false, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *k = rows[i].key;

		if (streq(ju_str(o, k, "dflt"), "text") != rows[i].str || (ju_int(o, k, -1) == 7) != rows[i].num ||
		    ju_bool(o, k, false) != rows[i].flag || (ju_arr(o, k) != NULL) != rows[i].arr ||
		    (ju_obj(o, k) != NULL) != rows[i].obj)
			fail_msg("member %s", k);
	}
	assert_null(ju_str(o, "i", NULL));
	assert_int_equal(ju_int(NULL, "i", 3), 3);      /* no object: the default, too */
	json_decref(o);
}

static void test_json_writes(void **state)
{
	json_t *o = json_object(), *a = json_array();

	(void)state;
	ju_set_str(o, "z", "1");
	ju_set_int(o, "b", INT64_MAX);
	ju_set_bool(o, "a", false);
	ju_push(a, json_integer(1));
	ju_set_new(o, "l", a);
	ju_set_str(o, "z", "2");                        /* replaces */
	_cleanup_free_ char *text = ju_dump(o);

	assert_string_equal(text, "{\"a\":false,\"b\":9223372036854775807,\"l\":[1],\"z\":\"2\"}");
	json_decref(o);
}

static const struct { const char *text, *trimmed; } trims[] = {
	{ "", "" }, { "a", "a" }, { "abcdef", "abcdef" },
	{ "a\xc3\xa9", "a\xc3\xa9" }, { "a\xc3", "a" },
	{ "a\xe6\x97\xa5", "a\xe6\x97\xa5" }, { "a\xe6\x97", "a" }, { "a\xe6", "a" }, { "\xe6\x97", "" },
	{ "\xf0\x9f\x8c\x9e", "\xf0\x9f\x8c\x9e" }, { "\xf0\x9f\x8c", "" }, { "\xf0\x9f", "" }, { "\xf0", "" },
	{ "\xe6\x97\xa5\xe6\x97", "\xe6\x97\xa5" },
};

static void test_json_trim(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trims); i++) {
		_cleanup_free_ char *text = xstrdup(trims[i].text);

		ju_trim(text);
		if (!streq(text, trims[i].trimmed))
			fail_msg("row %zu", i);
	}
}

/* ---- paths ---- */

static void test_paths(void **state)
{
	(void)state;
	unsetenv("PARHELION_ROOT");
	assert_string_equal(path_state(PATH_CCR), PATH_CCR);
	setenv("PARHELION_ROOT", "", 1);
	assert_string_equal(path_state(PATH_CCR), PATH_CCR);
	setenv("PARHELION_ROOT", "/tmp/root", 1);
	assert_string_equal(path_state(PATH_CCR), "/tmp/root" PATH_CCR);
	assert_ptr_equal(path_state(PATH_CCR), path_state(PATH_CCR));
	assert_string_equal(path_state(PATH_JOURNAL), "/tmp/root" PATH_JOURNAL);
	unsetenv("PARHELION_ROOT");
	assert_true(*path_hostname());
}

static void test_mkdirs(void **state)
{
	char top[] = "/tmp/test-base-XXXXXX";
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(top));
	_cleanup_free_ char *a = xasprintf("%s/a", top), *deep = xasprintf("%s/b/c", a), *b = xasprintf("%s/b", a);
	_cleanup_free_ char *file = xasprintf("%s/file", top), *under = xasprintf("%s/file/x", top);

	assert_int_equal(path_mkdirs(deep, 0750), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(path_mkdirs(deep, 0750), 0);   /* there already */
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(path_mkdirs(under, 0750), -ENOTDIR);
	unlink(file);
	rmdir(deep);
	rmdir(b);
	rmdir(a);
	assert_int_equal(rmdir(top), 0);
}

/* ---- log ---- */

/* The ID is part of the documentation of a message: it may not change for a text that has not changed. */
static const struct { const char *fmt; uint32_t id; } ids[] = {
	{ "", 665603 },
	{ "CMM: Node %u is dead (%s).", 890259 },
	{ "launching method <%s> for resource <%s>", 535768 },
};

static void test_message_id(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		uint32_t id = log_message_id(ids[i].fmt);

		assert_in_range(id, 100000, 999999);
		assert_int_equal(id, ids[i].id);
	}
	assert_int_not_equal(log_message_id("a"), log_message_id("b"));
}

/* ---- memory ---- */

static void test_take(void **state)
{
	char *p = xstrdup("x"), *q = TAKE_PTR(p);
	int fd = 7, taken = TAKE_FD(fd);

	(void)state;
	assert_null(p);
	assert_string_equal(q, "x");
	free(q);
	assert_int_equal(taken, 7);
	assert_int_equal(fd, -1);
	p = xstrndup("abcdef", 3);
	assert_string_equal(p, "abc");
	free(p);
	free(xcalloc(0, 0));                            /* never NULL */
	free(xrealloc(NULL, 0));
	assert_int_equal(MAX(1, 2) + MIN(1, 2), 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_grows),
		cmocka_unit_test(test_strlist),
		cmocka_unit_test(test_strlist_has),
		cmocka_unit_test(test_err),
		cmocka_unit_test(test_json_reads_defaults),
		cmocka_unit_test(test_json_writes),
		cmocka_unit_test(test_json_trim),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_mkdirs),
		cmocka_unit_test(test_message_id),
		cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
