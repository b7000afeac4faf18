/* clone3(2) without shared memory, so that the child may run ordinary code and start life inside its cgroup: there is no
 * moment at which it could fork outside. */
#include "pmfd/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"

enum step { STEP_SESSION, STEP_CWD, STEP_STDIO, STEP_GROUPS, STEP_GID, STEP_UID, STEP_EXEC, STEP_COUNT };

static const char *const step_texts[STEP_COUNT] = {
	[STEP_SESSION] = "cannot make a session",
	[STEP_CWD] = "cannot change to its directory",
	[STEP_STDIO] = "cannot set up its input and output",
	[STEP_GROUPS] = "cannot set its groups",
	[STEP_GID] = "cannot set its group id",
	[STEP_UID] = "cannot set its user id",
	[STEP_EXEC] = "cannot execute",
};

static bool oom_protected;              /* process-wide fact, like the kernel's setting that it mirrors */

const char *spawn_step_text(int step)
{
	return step >= 0 && step < STEP_COUNT ? step_texts[step] : "cannot start";
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

void spawn_protect_from_oom(void)
{
	oom_protected = write_text("/proc/self/oom_score_adj", "-1000") == 0;
}

void spawn_reset_signals(void)
{
	/* As the kernel has it, all zero: SIG_DFL.  By system call, for libc keeps its own two (32, 33) to itself, and
	 * whoever started us may have left them ignored. */
	struct { void *handler; unsigned long flags; void *restorer; uint64_t mask; } dflt = { 0 };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)syscall(SYS_rt_sigaction, sig, &dflt, NULL, sizeof dflt.mask);    /* KILL and STOP refuse, rightly */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void spawn_seal_fds(bool close_them)
{
	(void)syscall(SYS_close_range, 3u, ~0u, close_them ? 0 : CLOSE_RANGE_CLOEXEC);
}

pid_t spawn_fork(int cgroup_fd, int *ret_pidfd)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int pidfd = -1;
	long pid;

	if (ret_pidfd) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uintptr_t)&pidfd;
	}
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	pid = syscall(SYS_clone3, &args, sizeof args);
	if (pid < 0)
		return -errno;
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}

static int child_stdio(const struct spawn *spawn)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), out;

	if (null < 0)
		return -1;
	out = spawn->out_fd >= 0 ? spawn->out_fd : null;
	return dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ? -1 : 0;
}

/* By system call: libc would have all threads change theirs, and waits for the log thread, which is in its lists but not in this
 * process, when we were forked just while it started. */
static int child_ids(const struct spawn *spawn)
{
	if (!spawn->set_ids)
		return -1;
	if (!spawn->keep_groups && geteuid() == 0 && syscall(SYS_setgroups, 1, &spawn->gid) < 0)
		return STEP_GROUPS;
	if (syscall(SYS_setresgid, spawn->gid, spawn->gid, spawn->gid) < 0)
		return STEP_GID;
	if (syscall(SYS_setresuid, spawn->uid, spawn->uid, spawn->uid) < 0)
		return STEP_UID;
	return -1;
}

static int child_run(const struct spawn *spawn)
{
	int step;

	if (setsid() < 0)
		return STEP_SESSION;
	if (oom_protected)
		(void)write_text("/proc/self/oom_score_adj", "0");      /* worst case: it is as protected as we are */
	if (child_stdio(spawn) < 0)
		return STEP_STDIO;
	umask(spawn->umask);
	if (spawn->limits)
		for (int i = 0; i < RLIM_NLIMITS; i++)
			(void)setrlimit((__rlimit_resource_t)i, &spawn->limits[i]);     /* as near as we may */
	step = child_ids(spawn);
	if (step >= 0)
		return step;
	if (chdir(spawn->cwd ? spawn->cwd : "/") < 0)           /* as the user: his rights decide */
		return STEP_CWD;
	spawn_reset_signals();
	spawn_seal_fds(false);
	environ = (char **)(uintptr_t)spawn->envp;              /* execvp looks for PATH in it */
	execvp(spawn->argv[0], spawn->argv);
	return STEP_EXEC;
}

pid_t spawn_child(const struct spawn *spawn, int *ret_pidfd)
{
	pid_t pid = spawn_fork(spawn->cgroup_fd, ret_pidfd);

	if (pid == 0) {
		struct spawn_failure failure = { .step = child_run(spawn) };

		failure.error = errno;
		if (spawn->report_fd >= 0)
			(void)!write(spawn->report_fd, &failure, sizeof failure);       /* the status below tells as well */
		_exit(127);
	}
	return pid;
}
