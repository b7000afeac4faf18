/* Reads what cmm needs out of the infrastructure table (keys: reference, CCR tables; ours are marked there). */
#pragma once
#include "cmm/cmm.h"

/* Missing values have their defaults; what makes no sense is left out. */
void cmm_votes_read(const json_t *table, uint64_t generation, struct cmm_votes *ret);
/* N-1, N: connected nodes that have a vote. */
uint32_t cmm_device_default_votes(const struct cmm_votes *votes, uint32_t id);
/* Of a shared disk: its default_fencing, or global_fencing of the cluster where it follows that. */
const char *cmm_disk_fencing(const json_t *table, uint32_t id);
/* The vote of a node that is not in maintenance. */
uint32_t cmm_node_default_vote(const json_t *table, uint32_t id);
/* cmm_votes_read() for a node that starts.  -ENOENT: no table; -EINVAL: without this node; -ERANGE: takeover_time. */
int cmm_config_read(const json_t *table, uint64_t generation, uint32_t self, struct cmm_votes *ret_votes,
		    struct cmm_timers *ret_timers, struct err *err);
