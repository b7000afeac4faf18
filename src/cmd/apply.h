/* cluster export, cluster apply: the configuration as text, out and in. */
#pragma once
#include "cmd/options.h"

int cluster_export(const struct cmdline *line);
int cluster_apply(const struct cmdline *line);
