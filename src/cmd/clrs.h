/* The parts of clresource, clreslogicalhostname and clressharedaddress, which differ in the resources that they see: the
 * tables (clrs.c), listings (clrs_list.c), changes (clrs_change.c). */
#pragma once
#include "cmd/objects.h"

/* The type whose resources the family is about; NULL: all. */
const char *family_type(const struct cmdline *line);
/* The resources that the operands name as an array of what Config tells; caller decrefs.  Complains of each that is missing. */
json_t *resources_picked(const struct cmdline *line, const struct objects *objects, int *ret_code);

int clrs_list(const struct cmdline *line);
int clrs_list_props(const struct cmdline *line);
int clrs_show(const struct cmdline *line);
int clrs_status(const struct cmdline *line);

int clrs_create(const struct cmdline *line);
int clrs_create_address(const struct cmdline *line);
int clrs_delete(const struct cmdline *line);
int clrs_delete_forced(const struct cmdline *line);
int clrs_set(const struct cmdline *line);
int clrs_enable(const struct cmdline *line);
int clrs_disable(const struct cmdline *line);
int clrs_monitor(const struct cmdline *line);
int clrs_unmonitor(const struct cmdline *line);
int clrs_clear(const struct cmdline *line);
