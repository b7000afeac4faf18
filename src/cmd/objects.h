/* Types, groups and resources as clusterd tells them, and which of them a command line means.  What is borrowed lives as long
 * as the objects. */
#pragma once
#include <jansson.h>

#include "cmd/options.h"

struct objects { json_t *config, *status; };    /* the replies of Config and Status */

/* EXIT_OK, or the exit code after a complaint. */
int  objects_read(const struct cmdline *line, struct objects *ret);
void objects_done(struct objects *objects);

json_t *objects_types(const struct objects *objects);           /* borrowed; NULL: none */
json_t *objects_groups(const struct objects *objects);
json_t *objects_resources(const struct objects *objects);       /* of all groups; caller decrefs */
const json_t *object_find(const json_t *array, const char *name);
const json_t *group_status(const struct objects *objects, const char *group);
const json_t *resource_status(const struct objects *objects, const char *resource);
/* Where it is online or about to be; caller decrefs. */
json_t *group_masters(const struct objects *objects, const char *group);
const char *group_prop(const json_t *group, const char *name);          /* "" when there is none */
bool group_is_suspended(const json_t *group);
/* A property by its name in any case; NULL: there is none. */
const json_t *resource_prop(const json_t *resource, const char *name);
/* Is the resource enabled, or monitored, on that node, or on all nodes?  what: "enabled", "monitored". */
bool resource_is_on(const json_t *resource, const char *what, const char *node);
bool resource_is_on_everywhere(const json_t *resource, const char *what);
json_t *resource_off_nodes(const json_t *resource, const char *what);  /* borrowed; NULL: none */
/* "nfs" and "SUNW.nfs" fit SUNW.nfs:3.2. */
bool type_fits(const char *type, const char *asked);
/* Does one of the types fit? */
bool type_fits_any(const char *type, const struct strlist *asked);

/* The nodes after -letter by their names.  EXIT_OK; the exit code after a complaint. */
int nodes_given(const struct cmdline *line, const struct objects *objects, char letter, struct strlist *ret);
/* The options that every listing has: which objects of those that the operands name. */
struct filter {
	struct strlist nodes, states, types, groups, resources;
};
int  filter_read(const struct cmdline *line, const struct objects *objects, struct filter *ret);
void filter_done(struct filter *filter);
bool filter_group(const struct filter *filter, const struct objects *objects, const json_t *group);
bool filter_resource(const struct filter *filter, const struct objects *objects, const json_t *resource);

/* ---- what depends on what ---- */

extern const char *const dependency_lists[];    /* ends with NULL */
/* "web{LOCAL_NODE}", "web@alpha" -> "web"; caller frees. */
char *dependency_name(const char *item);
bool depends_on(const json_t *resource, const char *name);
/* Adds what the resources need (users: what needs them), and what that needs. */
void resources_add_related(const json_t *all, bool users, struct strlist *names);
/* So that each comes behind what it depends on (users_first: before it). */
void resources_sort(const json_t *all, bool users_first, struct strlist *names);

/* What Status tells of a group or resource, of these nodes only (none: all); caller decrefs. */
json_t *on_nodes(const json_t *status, const struct strlist *nodes);
