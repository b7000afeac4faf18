/* Registration files of resource types: finding one, and registering the type. */
#pragma once
#include "cmd/options.h"

/* Registers a type from the file, or from the one of its name where types put them (file NULL).  nodes: "n1,n2", "" all.
 * The exit code, after a complaint when it is none of success. */
int rtr_register(const struct cmdline *line, const char *type, const char *file, const char *nodes);
/* The same unless it is registered: types that are there from the start in the original. */
int rtr_register_once(const struct cmdline *line, const char *type);
/* The names of all registration files; the files of one directory come after those of another one. */
void rtr_names(struct strlist *ret);
