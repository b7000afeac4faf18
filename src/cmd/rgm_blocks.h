/* The blocks of the listings of clresourcetype, clresourcegroup and clresource.  Titles, labels and columns are documented and
 * read by scripts.  The arrays hold objects as Config tells them. */
#pragma once
#include "cmd/objects.h"

void block_types(const json_t *types, bool verbose);
/* props: only these properties; none: those that belong to the level. */
void block_groups(const json_t *groups, const struct strlist *props, bool verbose);
void block_resources(const struct objects *objects, const json_t *resources, const struct strlist *props, bool verbose);

/* Of list -v. */
void table_types(const json_t *types);
void table_groups(const struct objects *objects, const json_t *groups);
void table_resources(const json_t *resources);
/* Of list-props: {name: text}, or the names alone.  title: what the texts are. */
void table_props(const json_t *props, const char *title, bool verbose);
