/* libFuzzer target: no text may break the RTR parser, and what it accepts must survive being printed. */
#include <stdio.h>

#include "rgm/rt.h"
#include "../unit/rgm/rt_equal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct rt *rt)
{
	_cleanup_(rt_freep) struct rt *again = NULL;
	_cleanup_free_ char *text = rt_to_rtr(rt), *text_again = NULL;
	struct err err = { 0 };
	int r = rtr_parse(text, strlen(text), "printed", &again, NULL, &err);

	if (r < 0)
		(void)fprintf(stderr, "%s\n%s", err.text, text);        /* the assertion below ends the run */
	assert(r == 0);
	text_again = rt_to_rtr(again);
	assert(rt_equal(rt, again));
	assert(streq(text, text_again));
}

static void check_params(const struct rt *rt)
{
	for (size_t i = 0; i < rt->param_count; i++) {
		const struct rt_param *param = &rt->params[i];
		_cleanup_free_ char *checked = NULL;

		assert(rt_param_find(rt, param->name) == param);
		/* A default is valid and canonical. */
		assert(!param->has_default || rt_param_check(param, param->dflt, &checked, NULL) == 0);
		assert(!param->has_default || streq(checked, param->dflt));
	}
	for (enum rt_method m = 0; m < METHOD_COUNT; m++) {
		_cleanup_free_ char *path = rt_method_path(rt, m);

		assert(!path || *path == '/');
	}
	assert(rt_name_matches(rt->name, rt->base));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(strlist_done) struct strlist warnings = { 0 };
	_cleanup_(rt_freep) struct rt *rt = NULL;
	/* Exactly as long as the input, so that a read beyond it is seen. */
	_cleanup_free_ char *text = xcalloc(size, 1);
	struct err err = { 0 };
	int r;

	if (size)
		memcpy(text, data, size);
	r = rtr_parse(text, size, "f", &rt, &warnings, &err);
	assert(r == 0 || (r == -22 && !rt && strncmp(err.text, "f:", 2) == 0 && !strchr(err.text, '\n')));
	if (r == 0) {
		check_params(rt);
		check_round_trip(rt);
	}
	return 0;
}
