/* The file format of the repository, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>

#include <cmocka.h>
#include <nettle/md5.h>

#include "base/json.h"
#include "ccr/ccr.h"

static const char *const round_trips[] = {      /* JSON objects */
	"{}",
	"{\"key\":\"value\"}",
	"{\"empty\":\"\",\"z\":\"1\",\"a\":\"2\",\"B\":\"3\"}",
	"{\"text\":\"line\\nline\\r\\tend\\\\\"}",
	"{\"a\\tb\\n\":\"\\\\n is no newline\"}",
	"{\"\\u00e9\":\"\\u65e5\\u672c\"}",
	"{\"ccr_gennum\":\"7\",\"ccr_checksum\":\"0\"}",        /* as names of pairs, nothing special */
	"{\"\":\"a pair without a name\"}",
};

static void test_round_trip(void **state)
{
	static const uint64_t gens[] = { 0, 1, 4711, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(round_trips); i++) {
		json_t *data = json_loads(round_trips[i], 0, NULL), *back = NULL;
		_cleanup_free_ char *text = ccr_format(gens[i % ARRAY_SIZE(gens)], data);
		struct err err = { 0 };
		uint64_t gen = 1;

		if (ccr_parse(text, strlen(text), &gen, &back, &err) < 0)
			fail_msg("%s: %s\n%s", round_trips[i], err.text, text);
		if (gen != gens[i % ARRAY_SIZE(gens)] || !json_equal(data, back))
			fail_msg("%s came back as another table:\n%s", round_trips[i], text);
		json_decref(data);
		json_decref(back);
	}
}

static void test_tombstone(void **state)
{
	_cleanup_free_ char *text = ccr_format(9, NULL);
	json_t *data = json_object();
	uint64_t gen = 0;

	(void)state;
	assert_non_null(strstr(text, "\nccr_removed\t1\n"));
	json_decref(data);
	assert_int_equal(ccr_parse(text, strlen(text), &gen, &data, NULL), 0);
	assert_null(data);
	assert_int_equal(gen, 9);
}

/* As documented and as every other node has it on its disk: not one byte may change. */
static void test_bytes(void **state)
{
	json_t *data = ju_pack("{ss,ss}", "b", "2\t3", "a", "1");
	_cleanup_free_ char *text = ccr_format(12, data);

	(void)state;
	assert_string_equal(text, "ccr_gennum\t12\nccr_checksum\t90B6E439A8780770EB6DA0E2153657E5\na\t1\nb\t2\\t3\n");
	json_decref(data);
}

/* A row is the text; %s in front: the first two lines, with the right checksum. */
#define SUM "ccr_checksum\t00000000000000000000000000000000\n"
static const struct { const char *what, *text, *says; } broken[] = {
	{ "nothing",             "",                                   "the first line is not" },
	{ "no newline",          "ccr_gennum\t1",                      "the first line is not" },
	{ "another first line",  "ccr_gen\t1\n" SUM,                   "the first line is not" },
	{ "a blank for the tab", "ccr_gennum 1\n" SUM,                 "the first line is not" },
	{ "an endless number",   "ccr_gennum\t0000000000000000000000000000000000000000000000000000001\n" SUM,
	                                                               "the first line is not" },
	{ "no number",           "ccr_gennum\t\n" SUM,                 "the generation in the first line is not a number" },
	{ "negative",            "ccr_gennum\t-1\n" SUM,               "the generation in the first line is not a number" },
	{ "a blank before it",   "ccr_gennum\t 1\n" SUM,               "the generation in the first line is not a number" },
	{ "more after it",       "ccr_gennum\t1x\n" SUM,               "the generation in the first line is not a number" },
	{ "above 64 bits",       "ccr_gennum\t18446744073709551616\n" SUM,
	                                                               "the generation in the first line is not a number" },
	{ "no second line",      "ccr_gennum\t1\n",                    "the second line is not" },
	{ "cut in the second",   "ccr_gennum\t1\nccr_checksum\t00",    "the second line is not" },
	{ "short checksum",      "ccr_gennum\t1\nccr_checksum\t00\n",  "the second line is not" },
	{ "another second line", "ccr_gennum\t1\nccr_checksun\t00000000000000000000000000000000\n", "the second line is not" },
	{ "a wrong checksum",    "ccr_gennum\t1\n" SUM,                "the checksum is wrong" },
	{ "edited by hand",      "ccr_gennum\t1\n" SUM "a\tb\n",       "the checksum is wrong" },
	{ "a line without tab",  "%s" "a\n",                           "line 3 is not \"key<TAB>value\"" },
	{ "the last line cut",   "%s" "a\tb\nc\td",                    "line 4 is not \"key<TAB>value\"" },
	{ "an empty line",       "%s" "\n",                            "line 3 is not \"key<TAB>value\"" },
	{ "unknown escape",      "%s" "a\tb\nc\t\\x\n",                "line 4 is damaged" },
	{ "half an escape",      "%s" "a\tb\\\n",                      "line 3 is damaged" },
	{ "escape in the key",   "%s" "a\\q\tb\n",                     "line 3 is damaged" },
	{ "no UTF-8",            "%s" "a\t\xff\n",                     "line 3 is damaged" },
};

static char *with_sum(const char *body)
{
	static const char first[] = "ccr_gennum\t1\n";
	uint8_t digest[MD5_DIGEST_SIZE];
	struct buf out = { 0 };
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, strlen(first), (const uint8_t *)first);
	md5_update(&md5, strlen(body), (const uint8_t *)body);
	md5_digest(&md5, sizeof digest, digest);
	buf_printf(&out, "%sccr_checksum\t", first);
	for (size_t i = 0; i < sizeof digest; i++)
		buf_printf(&out, "%02x", digest[i]);    /* lower case is accepted */
	buf_printf(&out, "\n%s", body);
	return buf_take(&out);
}

static void test_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		bool sum = strncmp(broken[i].text, "%s", 2) == 0;
		_cleanup_free_ char *text = sum ? with_sum(broken[i].text + 2) : xstrdup(broken[i].text);
		struct err err = { 0 };
		json_t *data = NULL;
		uint64_t gen = 4711;

		if (ccr_parse(text, strlen(text), &gen, &data, &err) != -EBADMSG || !strstr(err.text, broken[i].says))
			fail_msg("%s: \"%s\"", broken[i].what, err.text);
		assert_null(data);
		assert_int_equal(gen, 4711);            /* untouched */
	}
}

/* Cut anywhere, or with any byte changed, a table is refused: never half a table. */
static void test_every_damage_is_noticed(void **state)
{
	json_t *data = ju_pack("{ss,ss}", "key", "value", "other", "a\nb"), *back = NULL;
	_cleanup_free_ char *text = ccr_format(77, data);
	size_t len = strlen(text);
	uint64_t gen;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		char keep = text[i];

		assert_int_equal(ccr_parse(text, i, &gen, &back, NULL), -EBADMSG);
		text[i] = (char)(keep ^ 1);
		assert_int_equal(ccr_parse(text, len, &gen, &back, NULL), -EBADMSG);
		text[i] = keep;
	}
	json_decref(data);
}

static void test_table_names(void **state)
{
	static const struct { const char *name; bool ok; } names[] = {
		{ "infrastructure", true }, { "rgm_rt_SUNW.gds:6", true }, { "a", true }, { "A-b_c+d@e", true },
		{ "", false }, { ".hidden", false }, { "..", false }, { "a/b", false }, { "a b", false }, { "a\n", false },
		{ "\xc3\xa9", false },
	};
	char longest[CCR_TABLE_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (ccr_table_name_ok(names[i].name) != names[i].ok)
			fail_msg("\"%s\"", names[i].name);
	memset(longest, 'x', sizeof longest);
	longest[CCR_TABLE_NAME_MAX + 1] = '\0';
	assert_false(ccr_table_name_ok(longest));
	longest[CCR_TABLE_NAME_MAX] = '\0';
	assert_true(ccr_table_name_ok(longest));
}

int main(void)
{
#define T(fn) cmocka_unit_test(fn)
	static const struct CMUnitTest tests[] = {
		T(test_round_trip), T(test_tombstone), T(test_bytes), T(test_broken), T(test_every_damage_is_noticed),
		T(test_table_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
