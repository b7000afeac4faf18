/* Votes, quorum devices and disks for listings, as JSON (docs/api/org.parhelion.Cluster.varlink).  Private to src/clusterd. */
#pragma once
#include <jansson.h>

#include "ccr/ccr.h"
#include "cmm/cmm.h"
#include "rgm/rgm.h"

void status_add_votes(json_t *node, const struct cmm *cmm, const json_t *infrastructure, uint32_t id);
json_t *status_quorum(const struct cmm *cmm, const json_t *infrastructure, const struct rgm *rgm);
/* What a rehearsal starts from: the state of the groups and the tables that it follows from, without the rest of the
 * infrastructure table. */
json_t *status_snapshot(const struct cmm *cmm, const struct ccr *ccr, const struct rgm *rgm, uint32_t self,
			int64_t wall_ms);
json_t *status_split(const struct cmm *cmm, nodeset side, nodeset others);
json_t *status_disks(const struct cmm *cmm, const json_t *infrastructure, const struct rgm *rgm, uint32_t self);
