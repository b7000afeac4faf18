/* Load limits of nodes in the infrastructure table: cluster.nodes.ID.loadlimits.LIMIT.soft and .hard.  Pure. */
#pragma once
#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

struct limit_wanted {
	const char *name;               /* a letter, then letters, digits, - and _; upper and lower case are the same */
	const char *soft, *hard;        /* numbers as they were typed; "": none; NULL: not said, and stays as it is */
};

/* A new one: soft 0 and no hard limit unless they are said.  One that is there like this already is done.  -EINVAL: name or number is
 * none, or soft is above hard; -EEXIST: it is there with other values.  On failure the table is as it was. */
int limittable_create(json_t *table, uint32_t node, const struct limit_wanted *wanted, struct err *err);
/* -EINVAL as above; -ENOENT: the node has no such limit. */
int limittable_set(json_t *table, uint32_t node, const struct limit_wanted *wanted, struct err *err);
/* -ENOENT: the node has no such limit. */
int limittable_delete(json_t *table, uint32_t node, const char *name, struct err *err);
