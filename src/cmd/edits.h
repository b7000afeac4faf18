/* NAME=VALUE, NAME+=VALUE, NAME-=VALUE of the command line: what becomes of properties. */
#pragma once
#include <jansson.h>

#include "cmd/options.h"

/* The value that a property has now, and whether it is a list; NULL: there is no such property. */
typedef const char *edit_current_fn(const void *object, const char *name, bool *ret_list);

/* Each -letter of the line into an object {name: new value}.  current may be NULL: of an object that is being made, whose
 * lists cannot be changed.  EXIT_OK, or the exit code after a complaint. */
int edits_read(const struct cmdline *line, char letter, edit_current_fn *current, const void *object, json_t *ret);
edit_current_fn group_value, resource_value;    /* object: as Config tells it */
/* The list without these items, or with them; caller frees. */
char *list_without(const char *list, const struct strlist *items);
char *list_with(const char *list, const struct strlist *items);
