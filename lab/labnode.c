/* labnode: namespaces, mounts, the keeper and pid 1 of the simulated machines of clusterlab.
 *
 * clusterlab (Python) decides, this acts: every path, address and index comes as an argument.  It is started with
 * argv[0] = "labnode: LAB NODE", which is how `clusterlab down` recognises what belongs to a lab without trusting
 * any file it wrote. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "labnode.h"

static const char *who = "labnode";

_printf_(1, 0) static void complain(const char *fmt, va_list ap)
{
	fprintf(stderr, "clusterlab: %s: ", who);
	vfprintf(stderr, fmt, ap);
}

void die_errno(const char *fmt, ...)
{
	int code = errno;
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(code));
	_exit(1);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1);
}

int cgroup_open(const char *dir)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (streq(dir, "-"))
		return -1;
	if (asprintf(&path, "%s/cgroup.procs", dir) < 0)
		die_errno("path of a cgroup");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die_errno("%s", path);
	return fd;
}

void cgroup_join(int procs_fd)
{
	if (procs_fd >= 0 && write(procs_fd, "0", 1) != 1)
		die_errno("cannot enter the cgroup of the node");
}

pid_t parse_pid(const char *text)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || pid <= 1 || pid > INT_MAX)
		die("'%s' is not a process id", text);
	return (pid_t)pid;
}

long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static const struct verb {
	const char *name, *args;
	int min_args;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"boot", "NAME VALUE...", 0, verb_boot},
	{"switch", "KEEPER_CGROUP|-", 1, verb_switch},
	{"exec", "PID CGROUP|- CMD...", 3, verb_exec},
	{"spawn", "PID CGROUP|- LOGFILE CMD...", 4, verb_spawn},
	{"net", "PID CMD...", 2, verb_net},
	{"signal", "PID SIGNUM", 2, verb_signal},
	{"crash", "SWITCH_PID PID IFINDEX...", 2, verb_crash},
};

int main(int argc, char **argv)
{
	static const char prefix[] = "labnode: ";

	if (argc > 0 && strncmp(argv[0], prefix, sizeof prefix - 1) == 0)
		who = argv[0] + sizeof prefix - 1;
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++)
		if (streq(argv[1], verbs[i].name) && argc - 2 >= verbs[i].min_args)
			return verbs[i].run(argc - 1, argv + 1);
	fprintf(stderr, "usage: labnode VERB ..., called by clusterlab\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(stderr, "  labnode %s %s\n", verbs[i].name, verbs[i].args);
	return 2;
}
