/* The quorum server's memory of one cluster: who is registered, and who took the device last.  Pure. */
#pragma once
#include <jansson.h>

#include "base/err.h"
#include "quorum/device.h"

struct qs_state {
	char     cluster[QUORUM_NAME_MAX + 1];
	uint32_t id;
	nodeset  nodes;                         /* registered */
	uint64_t keys[CMM_NODE_ID_MAX + 1];     /* by node id; 0: not registered */
	uint32_t holder;                        /* the node that took it last; 0: nobody */
};

/* What a node asks for. */
struct qs_request {
	bool     hello;                         /* else op */
	enum quorum_op op;                      /* prepare is as check: a server needs no preparation */
	uint32_t node;
	uint64_t key;                           /* of that node */
	nodeset  keep;                          /* take; holds node */
};

/* Returns the result; err says why it is not ok.  *state changes only when it is ok; *ret_changed: it did, and must be on the
 * disk before anybody hears of it. */
enum quorum_result qs_apply(struct qs_state *state, const struct qs_request *request, bool *ret_changed, struct err *err);

json_t *qs_state_to_json(const struct qs_state *state);
/* -EINVAL: it is none; *ret untouched. */
int     qs_state_from_json(const json_t *o, struct qs_state *ret, struct err *err);
