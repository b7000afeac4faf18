/* A command line that is run to its end under a time limit, and the clock that such limits are measured by. */
#pragma once
#include "base/macros.h"

struct command {
	const char *line;               /* for /bin/sh -c */
	int         timeout_ms;
	int         signal;             /* to its process group after the time-out; other than SIGKILL: it is not waited for then */
	bool        from_exec;          /* the time begins when the shell runs, not at the fork */
	int64_t    *ret_took_ms;        /* may be NULL */
};

/* In a process group of its own, with /dev/null as stdin.  0: it ended, *ret_status as of wait(2); -ETIMEDOUT: it was told to; else
 * it could not be run. */
int command_run(const struct command *command, int *ret_status);
int64_t clock_ms(void);                 /* CLOCK_MONOTONIC */
