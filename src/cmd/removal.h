/* Deleting by force: what stands in the way is changed first. */
#pragma once
#include "cmd/objects.h"

/* Takes the resources out of the dependencies of all others, disables them and removes them, users first.  The exit code of
 * the first failure, which ends it. */
int resources_remove_forced(const struct cmdline *line, const struct objects *objects, struct strlist *names);
/* The same for a group: out of the dependencies and affinities of others, its resources, itself. */
int group_remove_forced(const struct cmdline *line, const struct objects *objects, const json_t *group);
