/* What the tables of the framework may say: one row a kind of key.  Who changes a table as text (cluster apply, ccradm) is
 * held to it; what the values mean together is for the reader of the table (rgm, engine) to judge. */
#pragma once
#include <jansson.h>

#include "base/err.h"

enum schema_type { SCHEMA_INVALID, SCHEMA_TEXT, SCHEMA_NAME, SCHEMA_NUMBER, SCHEMA_HEX, SCHEMA_WORD, SCHEMA_ADDRESS,
		   SCHEMA_TYPE_COUNT };

struct schema_row {
	const char *table;              /* its name; with a * at the end: every name that begins so */
	const char *key;                /* <...> stands for a part without a dot; <id>, <n>: a number from 1 on */
	enum schema_type type;
	int64_t     min, max;           /* NUMBER */
	const char *values;             /* WORD: "enabled,disabled" */
	const char *meaning;
};

size_t schema_count(void);
const struct schema_row *schema_at(size_t i);

/* Is the key of this pattern, which is written as in schema_row.key? */
bool schema_key_fits(const char *pattern, const char *key);
bool schema_knows_table(const char *table);
/* -ENOENT: no such table or key (err names the nearest that there is); -EINVAL: the value is none for this key. */
int schema_check(const char *table, const char *key, const char *value, struct err *err);
/* Each pair of a table; -EINVAL also when it is no object of texts. */
int schema_check_table(const char *table, const json_t *data, struct err *err);
