/* The supervisor of one tag: a small process that adopts the orphans of the command, so that it knows the whole tree, and
 * says when it has died.  Forked from pmfd without exec; it takes orders and reports over a SOCK_SEQPACKET pair and decides
 * nothing by itself.  When pmfd has gone without saying goodbye, it goes on and waits for the next one on a socket of its own; that
 * one is told at once how things stand. */
#pragma once
#include <sys/types.h>

#include "pmfd/spawn.h"
#include "pmfd/tree.h"

#define SUPER_ALL_LEVELS (-1)

struct super_spec {                     /* borrowed; the fork copies it */
	const char    *tag;
	char *const   *argv, *const *envp;
	const char    *action;          /* NULL: none */
	const char    *cwd;
	mode_t         umask;
	bool           set_ids;
	uid_t          uid;
	gid_t          gid;
	const struct rlimit *limits;
	int            level;           /* fork depth that is monitored; SUPER_ALL_LEVELS */
	int            out_fd;          /* of the command; -1: /dev/null */
	bool           journal;         /* output goes there instead */
	int            listen_fd;       /* where the next pmfd connects */
	struct tree    tree;
};

enum super_order_type { SUPER_START, SUPER_ACTION, SUPER_SIGNAL, SUPER_GOODBYE, SUPER_ORDER_COUNT };
struct super_order { enum super_order_type type; int signal; };

enum super_event_type {
	SUPER_STARTED,          /* pid: the command runs */
	SUPER_FAILED,           /* step, error: it could not be started */
	SUPER_DIED,             /* status: of the command; the last monitored process is gone */
	SUPER_ACTION_DONE,      /* status: of the action */
	SUPER_STATE,            /* the first word to a new pmfd: all but step and error */
	SUPER_EVENT_COUNT
};
struct super_event {
	enum super_event_type type;
	pid_t pid;
	int   status, step, error;
	int   action_status;            /* of SUPER_STATE: of the last action that ended */
	bool  running, acting;          /* of SUPER_STATE */
};

/* Returns the supervisor's pid or negative errno. */
pid_t super_fork(const struct super_spec *spec, int *ret_ctl_fd, int *ret_pidfd);
