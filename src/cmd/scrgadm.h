/* Printing the configuration (scrgadm -p), apart from the changes. */
#pragma once
#include "cmd/options.h"

int scrgadm_print(const struct cmdline *line);
