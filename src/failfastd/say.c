#include "failfastd/say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

struct line { int level; char text[252]; };
_Static_assert(sizeof(struct line) <= PIPE_BUF, "a pipe takes it whole or not at all");

static int pipe_fds[2] = { -1, -1 };    /* file scope like the log itself: there is one per process */

static void *say_thread(void *arg)
{
	struct line line;

	while (read(pipe_fds[0], &line, sizeof line) == sizeof line)
		log_tagged(NULL, line.level, "%s", line.text);
	return NULL;
}

int say_init(void)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	if (fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = -pthread_create(&thread, &attr, say_thread, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

void say(int level, const char *fmt, ...)
{
	struct line line = { .level = level };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line.text, sizeof line.text, fmt, ap);
	va_end(ap);
	(void)!write(pipe_fds[1], &line, sizeof line);  /* full: dropped, as promised */
}
