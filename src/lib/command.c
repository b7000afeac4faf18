#include "lib/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void child(const char *command)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setpgid(0, 0);                    /* a fresh child can */
	(void)dup2(null, STDIN_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* 0: the process ended, -ETIMEDOUT, -EINTR. */
static int wait_end(int pidfd, int timeout_ms, int interrupt_fd)
{
	struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN }, { .fd = interrupt_fd, .events = POLLIN } };
	int64_t end = clock_ms() + timeout_ms;

	for (;;) {
		int r = poll(fds, ARRAY_SIZE(fds), (int)MAX(end - clock_ms(), (int64_t)0));

		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && fds[0].revents)
			return 0;
		if (r > 0)
			return -EINTR;
	}
}

int command_run(const struct command *command, int *ret_status)
{
	_cleanup_close_ int pidfd = -1;
	int status = 0, r;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(command->line);
	(void)setpgid(pid, pid);                /* whoever is first; fails when the child has called exec already */
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	r = pidfd < 0 ? -errno : wait_end(pidfd, command->timeout_ms, command->interrupt_fd);
	if (r == -ETIMEDOUT && command->signal != SIGKILL) {
		(void)kill(-pid, command->signal);      /* as hatimerun does: what ignores it goes on */
		return r;
	}
	if (r < 0)
		(void)kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == 0)
		*ret_status = status;
	return r;
}
