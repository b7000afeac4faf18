/* From one infrastructure table to another by tables that differ by one vote at most, see cmm_votes_distance().  Pure. */
#pragma once
#include <jansson.h>
#include <stdint.h>

/* cluster.KIND.ID.properties.PROPERTY */
void votesteps_put(json_t *table, uint32_t votes, const char *kind, uint32_t id, const char *property);
/* The next table on the way (caller decrefs); NULL: the goal is reached. */
json_t *votesteps_next(const json_t *now, const json_t *goal);
