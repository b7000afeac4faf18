/* What the listings show: the reply of Status, and the infrastructure table where they need it.  Everything that is borrowed
 * from a view lives as long as the view. */
#pragma once
#include <jansson.h>

#include "cmd/options.h"

struct view {
	json_t *status;
	json_t *table;          /* key -> value; NULL when it was not asked for */
	json_t *config;         /* the reply of Config; NULL when it was not asked for */
};

/* EXIT_OK, or the exit code after a complaint. */
int  view_read(const struct cmdline *line, bool with_table, struct view *ret);
int  view_read_table(const struct cmdline *line, struct view *view);
int  view_read_config(const struct cmdline *line, struct view *view);
void view_done(struct view *view);
/* On standard error: why this node is no member, install mode, which nodes are quarantined. */
void view_notes(const struct cmdline *line, const struct view *view);

json_t *view_nodes(const struct view *view);            /* borrowed; NULL: none */
json_t *view_devices(const struct view *view);          /* quorum devices */
json_t *view_disks(const struct view *view);            /* disks with data */
/* By its name, or of a node its id; NULL: there is none. */
const json_t *view_find(const json_t *objects, const char *name);
/* A value of the infrastructure table; NULL: there is none. */
const char *view_get(const struct view *view, const char *key_fmt, ...) _printf_(2, 3);
const char *view_get_or(const struct view *view, const char *dflt, const char *key_fmt, ...) _printf_(3, 4);
/* What stands under a key of the table, the keys without it and sorted; caller decrefs. */
json_t *view_below(const struct view *view, const char *key_fmt, ...) _printf_(2, 3);

/* The objects that the operands name (none or "+": all) as an array; caller decrefs.  Complains of each that is missing;
 * *ret_code is then EXIT_NO_OBJECT, else EXIT_OK. */
json_t *view_pick(const struct cmdline *line, const json_t *objects, const char *kind, int *ret_code);

/* For changes: the names of the objects that the operands name; complaints as view_pick(). */
int view_pick_names(const struct cmdline *line, const json_t *objects, const char *kind, struct strlist *ret);

char *names_joined(const json_t *array, const char *sep);       /* of strings, or of objects with a name; caller frees */
bool  names_have(const json_t *array, const char *name);
/* Votes that count now; what an older clusterd does not tell is what it meant. */
int64_t node_votes_present(const json_t *node);
const char *node_status(const json_t *node);            /* "Online", "Offline" */
/* One line each for -v; caller frees. */
char *node_story(const json_t *node);
char *device_story(const json_t *device);
