/* The blocks of the cl* listings, of which "clnode status", "clquorum show", "cluster status" and the like are made.
 * Titles, labels and columns are documented and read by scripts. */
#pragma once
#include "cmd/view.h"

/* status */
void block_node_status(const json_t *nodes, bool verbose);
void block_ipmp_status(const struct view *view, const json_t *nodes);
void block_path_status(const struct view *view);
void block_quorum_status(const struct view *view, const json_t *nodes, const json_t *devices, bool verbose);
void block_devicegroup_status(void);
void block_group_status(const struct view *view);
void block_resource_status(const struct view *view);
/* The rows whose path has a status that is in states (empty: all). */
void block_disk_status(const json_t *disks, const struct strlist *states, bool verbose);
/* show */
void block_cluster(const struct view *view);
void block_netprops(const struct view *view);
void block_nodes(const struct view *view, const json_t *nodes, bool verbose);
void block_quorum_nodes(const struct view *view, const json_t *nodes);
void block_quorum_devices(const json_t *devices, bool verbose);
void block_disks(const json_t *disks, bool verbose);
