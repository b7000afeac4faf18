/* The handlers of the subcommands of "cluster", which cluster.c lists. */
#pragma once
#include "cmd/options.h"

int cluster_create(const struct cmdline *line);
int cluster_corosync_conf(const struct cmdline *line);
int cluster_timeline(const struct cmdline *line);
int cluster_timers(const struct cmdline *line);
