/* halockrun [-vsn] [-e code] lockfile prog [args]
 *
 * Exit codes: the program's; 128+n when it was ended by signal n; 1 with -n when the lock is taken; 99 (or -e) for our own
 * errors.  The lock is ours, not the program's: when we are killed it goes although the program runs on. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/macros.h"
#include "cmd/cmd.h"
#include "cmd/signame.h"

#define EXIT_OWN  99
#define EXIT_BUSY 1

static int usage(int code)
{
	(void)fprintf(stderr, "usage: halockrun [-vsn] [-e exitcode] lockfile prog [args]\n");
	return code;
}

static int lock_open(const char *path, bool shared)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 && shared)           /* a read-only file can be locked too */
		fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int lock_take(int fd, bool shared, bool wait)
{
	struct flock lock = { .l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(fd, wait ? F_SETLKW : F_SETLK, &lock) < 0) {
		if (errno == EACCES)
			return -EAGAIN;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int run(char **argv, int own_code)
{
	sigset_t watched, old;
	int status, sig;
	pid_t pid;

	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGHUP);
	(void)signal(SIGCHLD, SIG_DFL);         /* ignored by who started us, there would be nothing to wait for */
	(void)sigprocmask(SIG_BLOCK, &watched, &old);
	pid = fork();
	if (pid < 0) {
		(void)fprintf(stderr, "halockrun: cannot start a process: %s\n", strerror(errno));
		return own_code;
	}
	if (pid == 0) {
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
		execvp(argv[0], argv);
		(void)fprintf(stderr, "halockrun: cannot execute %s: %s\n", argv[0], strerror(errno));
		_exit(own_code);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		sig = sigwaitinfo(&watched, NULL);
		if (sig > 0 && sig != SIGCHLD)
			(void)kill(pid, sig);           /* it may just have gone */
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int cmd_halockrun(int argc, char **argv)
{
	bool verbose = false, shared = false, wait = true;
	int code = EXIT_OWN, opt, fd, r;
	const char *path;

	optind = 1;
	while ((opt = getopt(argc, argv, "+vsne:")) >= 0) {
		switch (opt) {
		case 'v':
			verbose = true;
			break;
		case 's':
			shared = true;
			break;
		case 'n':
			wait = false;
			break;
		case 'e':
			if (number_parse(optarg, 0, 255, &code) == 0)
				break;
			return usage(EXIT_OWN);
		default:
			return usage(code);
		}
	}
	if (argc - optind < 2)
		return usage(code);
	path = argv[optind];
	fd = lock_open(path, shared);
	if (fd < 0) {
		(void)fprintf(stderr, "halockrun: cannot open %s: %s\n", path, strerror(-fd));
		return code;
	}
	if (verbose)
		(void)fprintf(stderr, "halockrun: locking %s, %s\n", path, shared ? "shared" : "exclusive");
	r = lock_take(fd, shared, wait);
	if (r == -EAGAIN) {
		if (verbose)
			(void)fprintf(stderr, "halockrun: %s is locked\n", path);
		return EXIT_BUSY;
	}
	if (r < 0) {
		(void)fprintf(stderr, "halockrun: cannot lock %s: %s\n", path, strerror(-r));
		return code;
	}
	return run(argv + optind + 1, code);    /* the lock goes with us */
}
