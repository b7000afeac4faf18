/* cluster history, cluster diff, cluster undo: what was changed, and taking it back. */
#pragma once
#include "cmd/options.h"

int cluster_history(const struct cmdline *line);
int cluster_diff(const struct cmdline *line);
int cluster_undo(const struct cmdline *line);
/* cluster show-schema: what the tables may say. */
int cluster_show_schema(const struct cmdline *line);
