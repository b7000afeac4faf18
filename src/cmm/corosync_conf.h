/* corosync.conf, as it follows from the infrastructure table: who is in the ring, over which links, with which timers.  Pure. */
#pragma once
#include <jansson.h>

#include "base/err.h"

#define LINKS_MAX 8             /* knet has no more */

/* -EINVAL: the table lacks something.  *ret: caller frees. */
int corosync_conf(const json_t *table, const char *keyfile, char **ret, struct err *err);
