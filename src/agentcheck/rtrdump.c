/* rtrdump FILE: what the RTR file declares, as JSON on standard output, for agentcheck.
 *
 *     {"type": ..., "warnings": ["FILE:LINE:COLUMN: TEXT"]}       as rgm_rt_json() tells it
 *     {"error": "FILE:LINE:COLUMN: TEXT"}                         and exit status 1 */
#include <stdio.h>

#include "base/json.h"
#include "base/err.h"
#include "rgm/rgm.h"

#define TEXT_MAX (8 << 20)              /* as the parser; it says so about a longer one */

static char *read_file(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	struct buf b = { 0 };
	char chunk[16384];
	size_t n;

	if (!f)
		return NULL;
	while (b.len <= TEXT_MAX && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(&b, chunk, n);
	if (ferror(f)) {
		buf_done(&b);
		(void)fclose(f);
		return NULL;
	}
	(void)fclose(f);
	*ret_len = b.len;
	return buf_take(&b);
}

static json_t *dump(const char *path, const char *text, size_t len)
{
	_cleanup_(strlist_done) struct strlist warnings = { 0 };
	_cleanup_(rt_freep) struct rt *rt = NULL;
	struct err err = { 0 };
	json_t *list = json_array();

	if (rtr_parse(text, len, path, &rt, &warnings, &err) < 0) {
		json_decref(list);
		return ju_pack("{ss}", "error", err.text);
	}
	for (size_t i = 0; i < warnings.n; i++)
		ju_push(list, json_string(warnings.v[i]));
	return ju_pack("{so,so}", "type", rgm_rt_json(rt, path), "warnings", list);
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	json_t *o;
	int r;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: rtrdump FILE\n");
		return 2;
	}
	text = read_file(argv[1], &len);
	if (!text) {
		(void)fprintf(stderr, "rtrdump: cannot read %s: %m\n", argv[1]);
		return 2;
	}
	o = dump(argv[1], text, len);
	r = json_object_get(o, "error") ? 1 : 0;
	if (json_dumpf(o, stdout, 0) < 0 || fflush(stdout) != 0)
		r = 2;
	json_decref(o);
	return r;
}
