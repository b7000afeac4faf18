/* The parts of clresourcegroup: listings and the tables (clrg.c), changes of the configuration (clrg_config.c), what moves
 * groups (clrg_switch.c). */
#pragma once
#include "cmd/objects.h"

/* The groups that the operands name as an array of what Config tells; caller decrefs.  Complains of each that is missing. */
json_t *groups_picked(const struct cmdline *line, const struct objects *objects, int *ret_code);

int clrg_explain(const struct cmdline *line);           /* clrg_explain.c */

int clrg_create(const struct cmdline *line);
int clrg_delete(const struct cmdline *line);
int clrg_delete_forced(const struct cmdline *line);
int clrg_set(const struct cmdline *line);
int clrg_add_nodes(const struct cmdline *line);
int clrg_remove_nodes(const struct cmdline *line);

int clrg_manage(const struct cmdline *line);
int clrg_unmanage(const struct cmdline *line);
int clrg_online(const struct cmdline *line);
int clrg_offline(const struct cmdline *line);
int clrg_switch(const struct cmdline *line);
int clrg_restart(const struct cmdline *line);
int clrg_remaster(const struct cmdline *line);
int clrg_evacuate(const struct cmdline *line);
int clrg_suspend(const struct cmdline *line);
int clrg_resume(const struct cmdline *line);
int clrg_quiesce(const struct cmdline *line);
