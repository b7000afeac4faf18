/* All processes that descend from one: as a cgroup (exact, killed in one stroke) or by walking /proc below a process that
 * adopts its orphans (PR_SET_CHILD_SUBREAPER). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TREE_PIDS_MAX 8192              /* more are signalled in the next round */

/* Finds a place for our cgroups and makes one named at random there, or takes that of the pmfd before us (NULL: there was none).
 * False: none, every tree is walked in /proc. */
bool tree_setup(const char *before);
const char *tree_place(void);           /* to be given to the next pmfd; NULL */
void tree_cleanup(void);                /* removes what is empty */

struct tree {
	int fd;                         /* of the cgroup; -1: none */
	char name[32];
};

/* Never fails: without a cgroup fd is -1. */
void tree_new(struct tree *tree);
/* One that the pmfd before us made. */
void tree_adopt(struct tree *tree, const char *name);
/* Processes that are left live on outside; the cgroup goes. */
void tree_free(struct tree *tree);

/* All of the tree: of the cgroup when there is one, else the descendants of root; the number found, at most max. */
size_t tree_pids(const struct tree *tree, pid_t root, pid_t *pids, size_t max);
/* Descendants of root, not root itself; the number found, at most max. */
size_t tree_descendants(pid_t root, pid_t *pids, size_t max);
/* Sends sig to every process of the tree: of the cgroup when there is one, else to the descendants of root.  Repeats
 * until it meets no new process.  Returns how many processes it met. */
size_t tree_signal(const struct tree *tree, pid_t root, int sig);
/* KILL to our own children, as quickly as can be: for a process that adopts the orphans of a tree that it is killing. */
void tree_kill_children(void);
/* Parent pid, state letter and start time, which together with the pid names a process for good.  False: it is gone. */
bool tree_stat(pid_t pid, pid_t *ret_parent, char *ret_state, unsigned long long *ret_start);
