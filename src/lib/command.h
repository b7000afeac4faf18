/* A command line that is run to its end under a time limit, and the clock that such limits are measured by. */
#pragma once
#include "base/macros.h"

struct command {
	const char *line;               /* for /bin/sh -c */
	int         timeout_ms;
	int         signal;             /* to its process group after the time-out; other than SIGKILL: it is not waited for then */
	int         interrupt_fd;       /* -1: none; readable: the command is killed */
};

/* In a process group of its own, with /dev/null as stdin.  0: it ended, *ret_status as of wait(2); -ETIMEDOUT, -EINTR (by
 * interrupt_fd): it was told to; else it could not be run. */
int command_run(const struct command *command, int *ret_status);
int64_t clock_ms(void);                 /* CLOCK_MONOTONIC */
