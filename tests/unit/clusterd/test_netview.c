/* What nodes say of their networks: what the listings show, and what the journal tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "clusterd/netview.h"

static json_t *infrastructure(void)
{
	json_t *table = json_object();

	for (unsigned id = 1; id <= 3; id++) {
		_cleanup_free_ char *name = xasprintf("cluster.nodes.%u.name", id), *node = xasprintf("n%u", id);

		ju_set_str(table, name, node);
		for (unsigned k = 1; k <= 2; k++) {
			_cleanup_free_ char *key = xasprintf("cluster.nodes.%u.adapters.%u.name", id, k);
			_cleanup_free_ char *adapter = xasprintf("p%u", k - 1);

			ju_set_str(table, key, adapter);
		}
	}
	return table;
}

static json_t *parse(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	return o;
}

/* "FT FT FF": the links of the paths in order, T online. */
static char *paths(const struct netview *view, const json_t *table)
{
	json_t *list = netview_paths(view, table), *v;
	char *text = xcalloc(json_array_size(list) + 1, 1);
	size_t i;

	json_array_foreach(list, i, v)
		text[i] = streq(ju_str(v, "status", ""), "Path online") ? 'T' : 'F';
	json_decref(list);
	return text;
}

#define UP(a, b) "{\"links\":{\"" #a "\":[true,true],\"" #b "\":[true,true]},\"adapters\":[{\"name\":\"eth0\",\"up\":true}]}"

static void test_paths(void **state)
{
	/* Reports of node 1, 2, 3, NULL: none.  Paths: 1-2 p0, p1, 1-3 p0, p1, 2-3 p0, p1. */
	static const struct { const char *report[3], *want; } rows[] = {
		{ { NULL, NULL, NULL }, "FFFFFF" },
		{ { UP(2, 3), UP(1, 3), UP(1, 2) }, "TTTTTT" },
		/* who has not told anything has no say */
		{ { UP(2, 3), NULL, NULL }, "TTTTFF" },
		{ { UP(2, 3), UP(1, 3), NULL }, "TTTTTT" },
		/* either end is enough to fault it */
		{ { "{\"links\":{\"2\":[false,true],\"3\":[true,true]}}", UP(1, 3), UP(1, 2) }, "FTTTTT" },
		{ { UP(2, 3), "{\"links\":{\"1\":[true,false],\"3\":[true]}}", UP(1, 2) }, "TFTTTF" },
		{ { UP(2, 3), "{}", UP(1, 2) }, "FFTTFF" },
		{ { UP(2, 3), "{\"links\":{\"1\":7,\"3\":[1,\"x\"]},\"adapters\":7}", UP(1, 2) }, "FFTTFF" },
	};
	json_t *table = infrastructure();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netview *view = netview_new();
		_cleanup_free_ char *got = NULL;

		for (unsigned k = 0; k < 3; k++) {
			json_t *report = rows[i].report[k] ? parse(rows[i].report[k]) : NULL;

			netview_set(view, k + 1, report);
			json_decref(report);
		}
		got = paths(view, table);
		if (!streq(got, rows[i].want))
			fail_msg("row %zu: %s, not %s", i, got, rows[i].want);
		netview_free(view);
	}
	json_decref(table);
}

static void test_listings(void **state)
{
	json_t *table = infrastructure(), *report = parse("{\"links\":{},\"adapters\":[{\"name\":\"eth0\",\"up\":true},"
							  "{\"name\":\"eth1\",\"up\":false}]}");
	struct netview *view = netview_new();
	json_t *ipmp, *list;
	_cleanup_free_ char *groups = NULL, *first = NULL;

	(void)state;
	netview_set(view, 2, report);
	ipmp = netview_ipmp(view, table);
	groups = ju_dump(ipmp);
	assert_string_equal(groups,
		"[{\"adapter\":\"eth0\",\"adapter_status\":\"Online\",\"group\":\"sc_ipmp0\",\"node\":\"n2\",\"status\":\"Online\"},"
		"{\"adapter\":\"eth1\",\"adapter_status\":\"Offline\",\"group\":\"sc_ipmp1\",\"node\":\"n2\",\"status\":\"Offline\"}]");
	list = netview_paths(view, table);
	first = ju_dump(json_array_get(list, 5));
	assert_string_equal(first, "{\"a\":\"n2:p1\",\"b\":\"n3:p1\",\"status\":\"Path faulted\"}");
	json_decref(list);
	json_decref(ipmp);
	list = netview_paths(view, NULL);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	json_decref(report);
	netview_free(view);
	json_decref(table);
}

/* Reports of node 1, one after the other; the same view object.  want NULL: no entry. */
static const struct { const char *report; nodeset peers; uint32_t gone; const char *want; } steps[] = {
	/* coming up is no news, whatever the order */
	{ "{\"links\":{\"2\":[true,false]},\"adapters\":[{\"name\":\"eth0\",\"up\":true}]}", 3, 0, NULL },
	{ "{\"links\":{\"2\":[true,true]},\"adapters\":[{\"name\":\"eth0\",\"up\":true}]}", 3, 0, NULL },
	{ "{\"links\":{\"2\":[true,false]},\"adapters\":[{\"name\":\"eth0\",\"up\":true}]}", 3, 0,
	  "{\"adapters\":[],\"e\":\"net\",\"node\":1,\"paths\":[{\"adapter\":\"p1\",\"to\":2,\"up\":false}]}" },
	{ "{\"links\":{\"2\":[true,false]},\"adapters\":[{\"name\":\"eth0\",\"up\":true}]}", 3, 0, NULL },
	{ "{\"links\":{\"2\":[true,true]},\"adapters\":[{\"name\":\"eth0\",\"up\":false}]}", 3, 0,
	  "{\"adapters\":[{\"name\":\"eth0\",\"up\":false}],\"e\":\"net\",\"node\":1,"
	  "\"paths\":[{\"adapter\":\"p1\",\"to\":2,\"up\":true}]}" },
	/* node 2 dies: its links go down, which everybody expects, and come up when it is back */
	{ "{\"links\":{\"2\":[false,false]},\"adapters\":[{\"name\":\"eth0\",\"up\":false}]}", 1, 2, NULL },
	{ "{\"links\":{\"2\":[true,false]},\"adapters\":[{\"name\":\"eth0\",\"up\":false}]}", 3, 0, NULL },
	{ "{\"links\":{\"2\":[true,true]},\"adapters\":[{\"name\":\"eth0\",\"up\":true}]}", 3, 0,
	  "{\"adapters\":[{\"name\":\"eth0\",\"up\":true}],\"e\":\"net\",\"node\":1,\"paths\":[]}" },
	{ "{\"links\":{\"2\":[false,true]},\"adapters\":[{\"name\":\"eth0\",\"up\":true}]}", 3, 0,
	  "{\"adapters\":[],\"e\":\"net\",\"node\":1,\"paths\":[{\"adapter\":\"p0\",\"to\":2,\"up\":false}]}" },
};

static void test_news(void **state)
{
	json_t *table = infrastructure();
	struct netview *view = netview_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		json_t *report = parse(steps[i].report), *news;
		_cleanup_free_ char *text = NULL;

		if (steps[i].gone)
			netview_set(view, steps[i].gone, NULL);
		news = netview_news(view, 1, steps[i].peers, report, table);
		text = news ? ju_dump(news) : NULL;
		if (!text != !steps[i].want || (text && !streq(text, steps[i].want)))
			fail_msg("step %zu: %s", i, text ? text : "nothing");
		json_decref(news);
		json_decref(report);
	}
	netview_free(view);
	json_decref(table);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths), cmocka_unit_test(test_listings), cmocka_unit_test(test_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
