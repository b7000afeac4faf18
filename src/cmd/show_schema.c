/* cluster show-schema: what the tables may say, from the one table in src/ccr/schema.c. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "ccr/schema.h"
#include "cmd/history.h"
#include "cmd/print.h"

/* "480 to 60000", "enabled|disabled", "text"; caller frees. */
static char *values_of(const struct schema_row *row)
{
	static const char *const names[SCHEMA_TYPE_COUNT] = {
		[SCHEMA_TEXT] = "text", [SCHEMA_NAME] = "name", [SCHEMA_HEX] = "0x...", [SCHEMA_ADDRESS] = "address",
	};
	char *words;

	if (row->type == SCHEMA_NUMBER)
		return xasprintf("%" PRId64 " to %" PRId64, row->min, row->max);
	if (row->type != SCHEMA_WORD)
		return xstrdup(names[row->type]);
	words = xstrdup(row->values);
	for (char *p = words; *p; p++)
		if (*p == ',')
			*p = '|';
	return words;
}

int cluster_show_schema(const struct cmdline *line)
{
	bool json = cmdline_has(line, OPT_JSON);
	json_t *list = json_array();
	const char *table = "";

	for (size_t i = 0; i < schema_count(); i++) {
		const struct schema_row *row = schema_at(i);
		_cleanup_free_ char *values = values_of(row);

		ju_push(list, ju_pack("{ss,ss,ss,ss}", "table", row->table, "key", row->key, "values", values, "meaning", row->meaning));
		if (json)
			continue;
		if (!streq(table, row->table))
			(void)printf("%s%s\n", i ? "\n" : "", row->table);
		table = row->table;
		(void)printf("  ");
		print_padded(52, row->key);
		print_padded(18, values);
		(void)printf("%s\n", row->meaning);
	}
	if (json)
		print_json(list);
	json_decref(list);
	return EXIT_OK;
}
