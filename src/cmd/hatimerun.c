/* hatimerun -t secs [-av] [-e code] [-k sig] [-d] [-x pct] prog args
 *
 * Exit codes: the program's; 99 (or -e) at the time-out; 98 for our own errors and after SIGTERM; 128+n when the program
 * was ended by signal n. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/macros.h"
#include "cmd/cmd.h"
#include "cmd/signame.h"

#define EXIT_TIMEOUT 99
#define EXIT_OWN     98

struct options {
	int  limit_s, code, signal, percent;    /* percent -1: no report */
	bool leave, verbose, from_exec;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void say(const struct options *o, const char *fmt, ...) _printf_(2, 3);
static void say(const struct options *o, const char *fmt, ...)
{
	va_list ap;

	if (!o->verbose)
		return;
	(void)fputs("hatimerun: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

static int usage(void)
{
	(void)fprintf(stderr, "usage: hatimerun -t secs [-av] [-e code] [-d] [-x percent] prog args\n"
		"       hatimerun -t secs [-v] [-e code] [-k signal] [-d] [-x percent] prog args\n");
	return EXIT_OWN;
}

/* 0, or the exit code after a complaint. */
static int parse(int argc, char **argv, struct options *o)
{
	bool has_signal = false;
	int opt, r = 0;

	*o = (struct options) { .code = EXIT_TIMEOUT, .signal = SIGKILL, .percent = -1 };
	optind = 1;
	while ((opt = getopt(argc, argv, "+t:k:e:avdx:")) >= 0) {
		switch (opt) {
		case 't':
			r = number_parse(optarg, 1, INT32_MAX / 1000, &o->limit_s);
			break;
		case 'k':
			r = o->signal = signal_parse(optarg);
			has_signal = true;
			break;
		case 'e':
			r = number_parse(optarg, 0, 255, &o->code);
			break;
		case 'x':
			r = number_parse(optarg, 0, 100, &o->percent);
			break;
		case 'a':
			o->leave = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'd':
			o->from_exec = true;
			break;
		default:
			return usage();
		}
		if (r < 0) {
			(void)fprintf(stderr, "hatimerun: -%c does not take \"%s\"\n", opt, optarg);
			return usage();
		}
	}
	if (o->limit_s == 0 || optind >= argc || (o->leave && has_signal))
		return usage();
	return 0;
}

static _Noreturn void child(char **argv, const sigset_t *mask)
{
	(void)setpgid(0, 0);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	(void)fprintf(stderr, "hatimerun: cannot execute %s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_OWN);
}

/* -d: until the close-on-exec pipe is at its end, the program does not run yet. */
static void wait_for_exec(int fd)
{
	char c;

	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
}

static void end_child(const struct options *o, pid_t pid)
{
	if (o->leave) {
		say(o, "process %d is left running", (int)pid);
		return;
	}
	say(o, "signal %d to process group %d", o->signal, (int)pid);
	(void)kill(-pid, o->signal);            /* it may just have gone */
}

static int child_code(const struct options *o, int status, uint64_t took_ms)
{
	uint64_t percent = took_ms / 10 / (uint64_t)o->limit_s;

	if (o->percent >= 0 && percent > (uint64_t)o->percent)
		(void)fprintf(stderr, "hatimerun: used %llu percent of the limit of %d seconds\n",
			      (unsigned long long)percent, o->limit_s);
	if (WIFSIGNALED(status)) {
		say(o, "the program was ended by signal %d", WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status);
}

static int wait_child(const struct options *o, pid_t pid, uint64_t begun, const sigset_t *watched)
{
	uint64_t deadline = begun + (uint64_t)o->limit_s * 1000;

	for (;;) {
		uint64_t now = now_ms(), left = deadline > now ? deadline - now : 0;
		struct timespec limit = { .tv_sec = (time_t)(left / 1000), .tv_nsec = (long)(left % 1000) * 1000000 };
		int status, sig;

		if (waitpid(pid, &status, WNOHANG) == pid)
			return child_code(o, status, now_ms() - begun);
		if (left == 0) {
			say(o, "time-out after %d seconds", o->limit_s);
			end_child(o, pid);
			return o->code;
		}
		sig = sigtimedwait(watched, NULL, &limit);
		if (sig > 0 && sig != SIGCHLD) {
			say(o, "ended by signal %d", sig);
			end_child(o, pid);
			return EXIT_OWN;
		}
	}
}

int cmd_hatimerun(int argc, char **argv)
{
	struct options o;
	sigset_t watched, old;
	uint64_t begun;
	int fds[2];
	pid_t pid;
	int r;

	r = parse(argc, argv, &o);
	if (r)
		return r;
	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGHUP);
	(void)signal(SIGCHLD, SIG_DFL);         /* ignored by who started us, there would be nothing to wait for */
	(void)sigprocmask(SIG_BLOCK, &watched, &old);
	begun = now_ms();
	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		(void)fprintf(stderr, "hatimerun: cannot start a process: %s\n", strerror(errno));
		return EXIT_OWN;
	}
	if (pid == 0)
		child(argv + optind, &old);
	(void)setpgid(pid, pid);                /* both sides do it: whoever is first, the group is there when we kill it */
	close(fds[1]);
	if (o.from_exec) {
		wait_for_exec(fds[0]);
		begun = now_ms();
	}
	close(fds[0]);
	return wait_child(&o, pid, begun, &watched);
}
