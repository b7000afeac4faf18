/* The part of clresourcetype that others use. */
#pragma once
#include "cmd/options.h"

int clrt_register(const struct cmdline *line);
