#include "failfastd/panic.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/paths.h"

#define SYSRQ_FILE "/proc/sysrq-trigger"

struct back_end {
	const char *name;
	int       (*init)(struct err *err);     /* may be NULL */
	void      (*fire)(void);                /* returns when it did not work */
};

/* File scope, because there is one end of a node, and node_panic() must not depend on anybody's state. */
static struct {
	const struct back_end *chosen;
	int                    sysrq_fd, kmsg_fd, log_fd;
	bool                   sysrq_is_test;
	int                    go_fd, done_fd;  /* eventfds to and from the writer */
	char                   reason[256];
} panic_state = { .sysrq_fd = -1, .kmsg_fd = -1, .log_fd = -1, .go_fd = -1, .done_fd = -1 };

static void fire_reboot(void)
{
	/* No sync() before: what is not on the disk by now must not get there after another node took over. */
	(void)reboot(RB_AUTOBOOT);
}

static int init_sysrq(struct err *err)
{
	const char *path = path_state(SYSRQ_FILE);

	panic_state.sysrq_fd = open(path, O_WRONLY | O_CLOEXEC);
	if (panic_state.sysrq_fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	panic_state.sysrq_is_test = !streq(path, SYSRQ_FILE);
	return 0;
}

static void fire_sysrq(void)
{
	bool written = write(panic_state.sysrq_fd, "b", 1) == 1;

	if (panic_state.sysrq_is_test)
		_exit(3);               /* a plain file: what else there is would end the tester's machine */
	if (written)
		(void)poll(NULL, 0, 1000);      /* it takes effect from another context */
}

static void fire_log(void)
{
	_exit(3);
}

static const struct back_end back_ends[] = {
	{ "reboot", NULL, fire_reboot },
	{ "sysrq", init_sysrq, fire_sysrq },
	{ "log", NULL, fire_log },
};

static void write_log_file(void)
{
	char line[sizeof panic_state.reason + 64];
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof line - n, ".%03ldZ %s\n", now.tv_nsec / 1000000, panic_state.reason);
	(void)!write(panic_state.log_fd, line, MIN(n, sizeof line - 1));        /* nobody is left to tell */
}

static void *writer(void *arg)
{
	char line[sizeof panic_state.reason + 8];
	uint64_t one = 1;

	while (read(panic_state.go_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
	(void)snprintf(line, sizeof line, "<2>%s\n", panic_state.reason);
	(void)!write(panic_state.kmsg_fd, line, strlen(line));  /* the kernel log cannot hang, so it is first */
	log_tagged(NULL, LOG_CRIT, "%s", panic_state.reason);
	write_log_file();
	one = 1;
	(void)!write(panic_state.done_fd, &one, sizeof one);
	return NULL;
}

static int start_writer(struct err *err)
{
	_cleanup_free_ char *path = NULL;
	const char *dir = path_state(PATH_LOGS);
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int r;

	r = path_mkdirs(dir, 0755);
	if (r < 0)
		return err_set(err, r, "cannot make %s: %s", dir, strerror(-r));
	path = xasprintf("%s/failfast.log", dir);
	panic_state.log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_DSYNC | O_CLOEXEC, 0644);
	if (panic_state.log_fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	panic_state.kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);          /* not in every container */
	panic_state.go_fd = eventfd(0, EFD_CLOEXEC);
	panic_state.done_fd = eventfd(0, EFD_CLOEXEC);
	if (panic_state.go_fd < 0 || panic_state.done_fd < 0)
		return err_set(err, -errno, "cannot make an eventfd: %s", strerror(errno));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = -pthread_create(&thread, &attr, writer, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0)
		return err_set(err, r, "cannot start the writer: %s", strerror(-r));
	return 0;
}

int node_panic_init(const char *name, struct err *err)
{
	if (!name || !*name)
		name = "reboot";
	for (size_t i = 0; i < ARRAY_SIZE(back_ends); i++)
		if (streq(back_ends[i].name, name))
			panic_state.chosen = &back_ends[i];
	if (!panic_state.chosen)
		return err_set(err, -EINVAL, "no way to panic is called \"%s\"", name);
	if (panic_state.chosen->init) {
		int r = panic_state.chosen->init(err);

		if (r < 0)
			return r;
	}
	return start_writer(err);
}

_Noreturn void node_panic(const char *reason)
{
	struct pollfd done = { .fd = panic_state.done_fd, .events = POLLIN };
	uint64_t one = 1;

	(void)snprintf(panic_state.reason, sizeof panic_state.reason, "%s", reason);
	(void)!write(panic_state.go_fd, &one, sizeof one);
	(void)poll(&done, 1, PANIC_WRITE_MS);
	if (panic_state.chosen)
		panic_state.chosen->fire();
	fire_reboot();
	(void)kill(-1, SIGKILL);                /* not allowed to reboot: at least nothing acts any more */
	_exit(3);
}
