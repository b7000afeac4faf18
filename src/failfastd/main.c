/* failfastd: ends this node when a process that the cluster cannot do without has died or stopped renewing its lease.
 *
 * Runs locked in memory, with real-time priority, and allocates nothing after start: it must work when nothing else does.
 * The decisions are in core.c, the end of the node in panic.c; this file is sockets, timer and signals around them.
 *
 * Order in one turn of the loop: messages first, deadlines after.  A renewal that was waiting in the socket while we were
 * kept from running counts; that is safe because it carries its own absolute deadline. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/paths.h"
#include "failfastd/core.h"
#include "failfastd/panic.h"
#include "failfastd/protocol.h"
#include "failfastd/say.h"
#include "failfastd/watchdog.h"

#define RT_PRIORITY        50
#define WATCHDOG_DEFAULT_S 10
#define STACK_BYTES        (64 << 10)   /* touched once, so that it is resident */

enum { FD_LISTEN, FD_TIMER, FD_SIGNAL, FD_CLIENTS, FD_COUNT = FD_CLIENTS + FF_CLIENTS_MAX };

struct daemon {
	struct ff_core  core;
	struct watchdog dog;
	uint64_t        pet_ns;                 /* next time; 0: no watchdog */
	struct pollfd   fds[FD_COUNT];          /* clients: fd -1 is a free place */
	int             slots[FF_CLIENTS_MAX];  /* of core, -1: connected but not registered */
	bool            done;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static void check_deadlines(struct daemon *d)
{
	char reason[FF_REASON_MAX];
	uint64_t now = now_ns(), next;
	struct itimerspec spec = { 0 };

	if (ff_core_due(&d->core, now, reason))
		node_panic(reason);
	if (d->pet_ns && now >= d->pet_ns) {
		watchdog_pet(&d->dog);
		d->pet_ns = now + d->dog.period_ns;
	}
	next = ff_core_deadline(&d->core);
	if (d->pet_ns && (!next || d->pet_ns < next))
		next = d->pet_ns;
	spec.it_value.tv_sec = (time_t)(next / 1000000000ull);
	spec.it_value.tv_nsec = (long)(next % 1000000000ull);
	if (timerfd_settime(d->fds[FD_TIMER].fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		node_panic("Failfast: Aborting because the timer of failfastd failed.");
}

static void client_close(struct daemon *d, size_t i)
{
	close(d->fds[FD_CLIENTS + i].fd);
	d->fds[FD_CLIENTS + i].fd = -1;
	d->slots[i] = -1;
}

static void client_lost(struct daemon *d, size_t i)
{
	int slot = d->slots[i];

	client_close(d, i);
	if (slot < 0)
		return;
	ff_core_lost(&d->core, slot, now_ns());
	say(LOG_ERR, "\"%s\" died; this node ends in %u seconds unless it comes back", d->core.clients[slot].name,
		d->core.clients[slot].grace_s);
}

static void client_answer(struct daemon *d, size_t i, int result)
{
	struct ff_message answer = { .type = FF_ACK, .result = result };

	/* A client that does not take its answer times out by itself. */
	(void)!send(d->fds[FD_CLIENTS + i].fd, &answer, sizeof answer, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void client_message(struct daemon *d, size_t i, const struct ff_message *m)
{
	char reason[FF_REASON_MAX];
	int *slot = &d->slots[i], r;

	if (m->type == FF_REGISTER && *slot < 0) {
		r = ff_core_register(&d->core, now_ns(), m->text, m->grace_s);
		*slot = r < 0 ? -1 : r;
		client_answer(d, i, MIN(r, 0));
		if (r >= 0)
			say(LOG_INFO, "\"%s\" is guarded, grace %u s", m->text, m->grace_s);
	} else if (m->type == FF_LEASE && *slot >= 0) {
		ff_core_lease(&d->core, *slot, now_ns(), m->deadline_ns);
	} else if (m->type == FF_GOODBYE && *slot >= 0) {
		say(LOG_INFO, "\"%s\" is not guarded any more", d->core.clients[*slot].name);
		ff_core_goodbye(&d->core, *slot);
		*slot = -1;
		client_answer(d, i, 0);
		client_close(d, i);
	} else if (m->type == FF_PANIC && *slot >= 0) {
		(void)snprintf(reason, sizeof reason, "Failfast: Aborting because \"%s\" asked for it: %s",
			       d->core.clients[*slot].name, m->text);
		node_panic(reason);
	} else {
		say(LOG_ERR, "message %u from a client in the wrong state; its connection is closed", m->type);
		client_lost(d, i);
	}
}

static void client_readable(struct daemon *d, size_t i)
{
	int fd = d->fds[FD_CLIENTS + i].fd;

	while (d->fds[FD_CLIENTS + i].fd == fd) {
		struct ff_message m;
		ssize_t n = recv(fd, &m, sizeof m, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n != sizeof m) {
			client_lost(d, i);
			return;
		}
		m.text[sizeof m.text - 1] = '\0';
		client_message(d, i, &m);
	}
}

static void accept_client(struct daemon *d)
{
	int fd = accept4(d->fds[FD_LISTEN].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || (cred.uid != 0 && cred.uid != geteuid())) {
		close(fd);
		return;
	}
	for (size_t i = 0; i < FF_CLIENTS_MAX; i++)
		if (d->fds[FD_CLIENTS + i].fd < 0) {
			d->fds[FD_CLIENTS + i].fd = fd;
			d->slots[i] = -1;
			return;
		}
	say(LOG_ERR, "more than %d clients; one is refused", FF_CLIENTS_MAX);
	close(fd);
}

static void handle_signal(struct daemon *d)
{
	struct signalfd_siginfo info;

	if (read(d->fds[FD_SIGNAL].fd, &info, sizeof info) != sizeof info)
		return;
	if (ff_core_count(&d->core) == 0)
		d->done = true;
	else
		say(LOG_WARNING, "signal %u is not obeyed: %zu processes are guarded or have died", info.ssi_signo,
			 ff_core_count(&d->core));
}

static void turn(struct daemon *d)
{
	uint64_t expirations;

	if (poll(d->fds, FD_COUNT, -1) < 0 && errno != EINTR)
		node_panic("Failfast: Aborting because poll(2) of failfastd failed.");
	for (size_t i = 0; i < FF_CLIENTS_MAX; i++)
		if (d->fds[FD_CLIENTS + i].fd >= 0 && d->fds[FD_CLIENTS + i].revents)
			client_readable(d, i);
	if (d->fds[FD_LISTEN].revents)
		accept_client(d);
	if (d->fds[FD_SIGNAL].revents)
		handle_signal(d);
	if (d->fds[FD_TIMER].revents)
		(void)!read(d->fds[FD_TIMER].fd, &expirations, sizeof expirations);     /* only to clear it */
	check_deadlines(d);
}

/* Each of these makes us harder to stop; without one of them we still work, so it is a warning. */
static void harden(void)
{
	struct sched_param param = { .sched_priority = RT_PRIORITY };
	volatile char stack[STACK_BYTES];
	int fd;

	for (size_t i = 0; i < sizeof stack; i += 512)
		stack[i] = 0;
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_warn("cannot lock memory: %s", strerror(errno));
	if (sched_setscheduler(0, SCHED_RR, &param) < 0)
		log_warn("cannot get real-time priority: %s", strerror(errno));
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "-1000", 5) != 5)
		log_warn("cannot hide from the out-of-memory killer: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static int listen_socket(struct err *err)
{
	const char *path = path_state(PATH_FAILFAST_SOCK);
	_cleanup_free_ char *copy = xstrdup(path);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof address.sun_path)
		return err_set(err, -ENAMETOOLONG, "socket path %s is too long", path);
	strcpy(address.sun_path, path);
	r = path_mkdirs(dirname(copy), 0755);
	if (r < 0)
		return err_set(err, r, "cannot make %s: %s", copy, strerror(-r));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	/* A second failfastd would steal the path and leave the first one's clients guarded by a process nobody finds. */
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return err_set(err, -EADDRINUSE, "failfastd is running already");
	(void)unlink(path);             /* bind says why when it is still there */
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, FF_CLIENTS_MAX) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return err_set(err, r, "cannot listen on %s: %s", path, strerror(-r));
	return TAKE_FD(fd);
}

static int daemon_open(struct daemon *d, const char *watchdog, int watchdog_s, struct err *err)
{
	sigset_t mask;
	int r;

	for (size_t i = 0; i < FD_COUNT; i++)
		d->fds[i] = (struct pollfd) { .fd = -1, .events = POLLIN };
	for (size_t i = 0; i < FF_CLIENTS_MAX; i++)
		d->slots[i] = -1;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	d->fds[FD_SIGNAL].fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	d->fds[FD_TIMER].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->fds[FD_SIGNAL].fd < 0 || d->fds[FD_TIMER].fd < 0)
		return err_set(err, -errno, "cannot make timer and signal descriptors: %s", strerror(errno));
	r = say_init();
	if (r < 0)
		return err_set(err, r, "cannot start the log thread: %s", strerror(-r));
	r = node_panic_init(getenv("PARHELION_PANIC"), err);
	if (r < 0)
		return r;
	r = watchdog_open(&d->dog, watchdog, watchdog_s, err);
	if (r < 0)
		return r;
	if (d->dog.fd >= 0)
		d->pet_ns = now_ns() + d->dog.period_ns;
	r = listen_socket(err);         /* last: whoever can connect is guarded */
	if (r < 0)
		return r;
	d->fds[FD_LISTEN].fd = r;
	return 0;
}

static int usage(void)
{
	(void)fprintf(stderr, "usage: failfastd [-f] [--watchdog DEVICE] [--watchdog-timeout SECONDS]\n"
		"  -f  stay in the foreground (always so; the starter supervises)\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "watchdog", required_argument, NULL, 'w' },
		{ "watchdog-timeout", required_argument, NULL, 't' },
		{ 0 },
	};
	static struct daemon d;         /* static: not on the heap, and too big for a small stack */
	const char *watchdog = getenv("PARHELION_WATCHDOG");
	int watchdog_s = WATCHDOG_DEFAULT_S, opt;
	struct err err = { 0 };

	while ((opt = getopt_long(argc, argv, "f", options, NULL)) >= 0) {
		switch (opt) {
		case 'f':
			break;
		case 'w':
			watchdog = optarg;
			break;
		case 't':
			watchdog_s = atoi(optarg);
			if (watchdog_s >= 1)
				break;
			return usage();
		default:
			return usage();
		}
	}
	if (optind < argc)
		return usage();
	log_open("Cluster.failfastd");
	(void)signal(SIGPIPE, SIG_IGN);
	harden();
	if (daemon_open(&d, watchdog && *watchdog ? watchdog : NULL, watchdog_s, &err) < 0) {
		log_err("%s", err.text);
		return 1;
	}
	daemon_ready();
	while (!d.done)
		turn(&d);
	watchdog_disarm(&d.dog);
	(void)unlink(path_state(PATH_FAILFAST_SOCK));   /* a stale file does no harm */
	return 0;
}
