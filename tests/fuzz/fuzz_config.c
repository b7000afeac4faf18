/* libFuzzer target: no text may break the parser of the configuration as text, and what it accepts survives being printed. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/config_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const json_t *tables)
{
	struct buf b = { 0 };
	json_t *v;
	size_t i;

	json_array_foreach(tables, i, v)
		config_text_add(&b, ju_str(v, "table", ""), MAX(ju_int(v, "base", 0), (int64_t)1), ju_obj(v, "data"));
	return buf_take(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as the input, so that a read beyond it is seen. */
	_cleanup_free_ char *text = xcalloc(size, 1);
	json_t *tables = NULL, *again = NULL;
	struct err err = { 0 };
	int r;

	if (size)
		memcpy(text, data, size);
	r = config_text_parse(text, size, &tables, &err);
	assert(r == 0 || (r == -22 && !tables && err.text[0] && !strchr(err.text, '\n')));
	if (r < 0)
		return 0;
	_cleanup_free_ char *printed = print(tables);

	if (config_text_parse(printed, strlen(printed), &again, &err) < 0)
		(void)fprintf(stderr, "%s\n%s", err.text, printed);     /* the assertion below ends the run */
	assert(again);
	_cleanup_free_ char *printed_again = print(again);

	assert(streq(printed, printed_again));
	json_decref(tables);
	json_decref(again);
	return 0;
}
