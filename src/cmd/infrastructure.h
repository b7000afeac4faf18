/* The infrastructure table of the CCR, made from a description of the cluster.  Pure. */
#pragma once
#include <jansson.h>

#include "base/err.h"

/* -EINVAL: the description makes no sense.  *ret: caller decrefs. */
int infrastructure_from_description(const json_t *description, json_t **ret, struct err *err);
/* The id of a node of the table by its name; 0: there is none. */
unsigned infrastructure_node_id(const json_t *table, const char *name);
