/* Printing the configuration (scconf -p), apart from the changes. */
#pragma once
#include "cmd/options.h"

int scconf_print(const struct cmdline *line);
