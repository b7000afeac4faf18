/* Nodes that come to the infrastructure table and go from it.  Pure: what is asked, against the tables there are. */
#pragma once
#include <jansson.h>

#include "base/err.h"
#include "cmm/cmm.h"

struct node_wanted {
	const char   *name;
	uint32_t      id;               /* 0: the lowest that is free */
	const json_t *links;            /* addresses, or {"adapter","address"}; as many as the other nodes have */
	const char   *added_by;         /* the request, so that a next president knows its own work */
};

/* Puts the keys of the node into the table, with no vote.  The id that it got.  -EINVAL: what is asked makes no sense here;
 * -EEXIST: name, id or an address is taken; -ENOSPC: there are 64 nodes.  The table is then of no use any more. */
int nodetable_add(json_t *table, const struct node_wanted *wanted, struct err *err);
/* Everything of the node, and its ports on quorum devices. */
void nodetable_remove(json_t *table, uint32_t id);
/* -EBUSY: another table (rgm_*) or a quorum device needs the node; err says which.  data: of one table. */
int nodetable_needed(const char *table, const json_t *data, const char *name, uint32_t id, struct err *err);
