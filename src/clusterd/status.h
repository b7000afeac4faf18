/* Votes, quorum devices and disks for listings, as JSON (docs/api/org.parhelion.Cluster.varlink).  Private to src/clusterd. */
#pragma once
#include <jansson.h>

#include "cmm/cmm.h"
#include "rgm/rgm.h"

void status_add_votes(json_t *node, const struct cmm *cmm, const json_t *infrastructure, uint32_t id);
json_t *status_quorum(const struct cmm *cmm, const json_t *infrastructure, const struct rgm *rgm);
json_t *status_disks(const struct cmm *cmm, const json_t *infrastructure, const struct rgm *rgm, uint32_t self);
