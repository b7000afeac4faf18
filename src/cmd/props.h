/* name=value of the command line, and comma-separated lists, as JSON. */
#pragma once
#include <jansson.h>

#include "cmd/options.h"

/* All -letter NAME=VALUE[,NAME=VALUE...] into an object, each name checked against the table (NULL-terminated; NULL: any name).  EXIT_OK, or
 * the exit code after a complaint: EXIT_USAGE, EXIT_PROPERTY for a name that is not in the table. */
int props_read(const struct cmdline *line, char letter, const char *const *known, json_t *ret);
json_t *strings_json(const struct strlist *list);
/* "10.0.0.3" or "eth1=10.0.0.3", separated by commas: links of a node; NULL after a complaint. */
json_t *links_json(const struct cmdline *line, char letter);
