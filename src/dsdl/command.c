#include "dsdl/command.h"

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

/* 0: the process ended, -ETIMEDOUT. */
static int wait_end(int pidfd, int64_t end)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		int r = poll(&p, 1, (int)MAX(end - clock_ms(), (int64_t)0));

		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0)
			return 0;
	}
}

/* The close-on-exec pipe is at its end when the shell runs. */
static void wait_for_exec(int fd)
{
	char c;

	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
}

int command_run(const struct command *command, int *ret_status)
{
	_cleanup_close_ int pidfd = -1, exec_fd = -1;
	int64_t began = clock_ms();
	int status = 0, r, fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	exec_fd = fds[0];
	pid = fork();
	if (pid == 0)
		child(command->line);
	r = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (r < 0)
		return r;
	(void)setpgid(pid, pid);                /* whoever is first; fails when the child has called exec already */
	if (command->from_exec) {
		wait_for_exec(exec_fd);
		began = clock_ms();
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	r = pidfd < 0 ? -errno : wait_end(pidfd, began + command->timeout_ms);
	if (command->ret_took_ms)
		*command->ret_took_ms = clock_ms() - began;
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
