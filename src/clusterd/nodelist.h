/* The node list of corosync, kept as the infrastructure table has it while the cluster runs.  Every member writes its own
 * corosync.conf and then has the ring reload: the last one to do so finds that all have written. */
#pragma once
#include <jansson.h>
#include <uv.h>

#include "clusterd/engine.h"

struct nodelist;
/* table: infrastructure, as corosync was started with; timers: as they are in force until this node is booted again. */
struct nodelist *nodelist_new(uv_loop_t *loop, const json_t *table, const struct cmm_timers *timers);
/* The table is on this node's disk.  Does nothing when it has the same nodes with the same addresses. */
void nodelist_update(struct nodelist *list, const json_t *table);
