/* The handlers of the subcommands of "cluster", which cluster.c lists. */
#pragma once
#include "cmd/view.h"

int cluster_create(const struct cmdline *line);
int cluster_corosync_conf(const struct cmdline *line);
int cluster_timeline(const struct cmdline *line);
int cluster_timers(const struct cmdline *line);
int cluster_list(const struct cmdline *line);
int cluster_list_cmds(const struct cmdline *line);
int cluster_show(const struct cmdline *line);
int cluster_show_netprops(const struct cmdline *line);
int cluster_status(const struct cmdline *line);
int cluster_set(const struct cmdline *line);
int cluster_rename(const struct cmdline *line);
int cluster_simulate(const struct cmdline *line);
int cluster_shutdown(const struct cmdline *line);

/* An operand, where one was given, must be the name of this cluster (or "+"): EXIT_OK, or EXIT_NO_OBJECT after a complaint. */
int cluster_check_name(const struct cmdline *line, const struct view *view);
