/* Starts one program in a clean process: own session, default signals, no inherited descriptors. */
#pragma once
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct spawn {
	char *const   *argv;            /* argv[0] is searched in PATH of envp when it has no slash */
	char *const   *envp;
	const char    *cwd;             /* NULL: "/" */
	mode_t         umask;
	bool           set_ids;         /* false: stay who we are */
	uid_t          uid;
	gid_t          gid;
	bool           keep_groups;     /* supplementary groups are right already; else they become { gid } */
	const struct rlimit *limits;    /* RLIM_NLIMITS of them, or NULL */
	int            out_fd;          /* stdout and stderr; -1: /dev/null */
	int            cgroup_fd;       /* -1: ours */
	int            report_fd;       /* close-on-exec; gets a struct spawn_failure when the program cannot be started */
};

struct spawn_failure { int step, error; };

/* The pid; negative errno.  ret_pidfd may be NULL. */
pid_t spawn_child(const struct spawn *spawn, int *ret_pidfd);
/* What a report means, for people: "cannot execute". */
const char *spawn_step_text(int step);
/* After this, children get oom_score_adj 0 back. */
void spawn_protect_from_oom(void);
/* Signals of a new process: all default, none blocked.  For forked children that do not exec. */
void spawn_reset_signals(void);
/* Marks everything from descriptor 3 on close-on-exec (close false) or closes it. */
void spawn_seal_fds(bool close);
/* fork(2) into a cgroup (-1: ours). */
pid_t spawn_fork(int cgroup_fd, int *ret_pidfd);
