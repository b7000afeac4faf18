/* What the processes of a tree wait for: looked at when a run exceeds its time limit, before it is aborted.
 *
 * What never blocks is read at once.  The command line, the system call and the kernel stack of a process may be behind a lock
 * that a stuck process holds: a child reads those, and is given STUCK_WAIT_MS. */
#pragma once
#include <jansson.h>
#include <uv.h>

#include "pmfd/tree.h"

#define STUCK_PROCESSES 32              /* more are only counted */
#define STUCK_BYTES     5000            /* of all that the child reads; with the rest it is some 8 KiB */
#define STUCK_WAIT_MS   200

struct stuck;

/* Looks at the tree; root: the program, without a cgroup its reaper.  done is called once, never from inside, with what was seen, which is its own:
 * {"line": one sentence, "processes": [...], "more": so many were left out, "pressure": {...}} as in the interface of pmfd. */
struct stuck *stuck_look(uv_loop_t *loop, const struct tree *tree, pid_t root, void (*done)(void *ctx, json_t *seen), void *ctx);
/* Nobody wants to know any more: done is not called.  It goes by itself.  NULL is fine; returns NULL. */
struct stuck *stuck_forget(struct stuck *stuck);
