/* The end of this node, by one of several back ends.
 *
 * What happens at a panic: the reason is handed to a thread that was made at start; it writes to the kernel log, stderr,
 * syslog and failfast.log (O_DSYNC).  The panic itself waits PANIC_WRITE_MS at most for it: a hung disk, console or log
 * daemon costs that long and no more.  A thread and not a child, because fork() needs memory just when there may be none. */
#pragma once

struct err;

#define PANIC_WRITE_MS 20

/* back_end: "reboot" (NULL means that), "sysrq", or "log" (tests: the process exits 3).  Opens all that a panic needs.
 * -EINVAL: no such back end; others: it cannot work here.  Once, before anything can panic. */
int node_panic_init(const char *back_end, struct err *err);
/* Tries the chosen back end, then reboot(2), then kills every process. */
_Noreturn void node_panic(const char *reason);
