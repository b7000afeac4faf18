/* Without a level, the tag lives while we have any descendant: orphans become our children, so waitpid() says ECHILD
 * exactly when the last one is gone, and SIGCHLD makes it an event.
 *
 * With a level N, the tag lives while a process of fork depth <= N does (the command is 0).  The depth of a process is its
 * parent's plus one, seen by walking /proc when something happens: a process was started, a known one of depth <= N died
 * (each is watched through a pidfd), SIGCHLD, and a few times soon after a start, when commands fork most.
 * Limits: a process whose parent was gone before any walk saw both gets the depth of the known process that died last,
 * plus one: too low by the number of generations that were missed, that is, rather monitored than not.  A process of
 * depth <= N >= 1 forked later and quietly is noticed at the next event.  Depth 0 has no such limits.
 * (A process connector would see every fork, but it only works in the initial pid namespace.) */
#include "pmfd/super.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/macros.h"
#include "base/paths.h"

#define KNOWN_MAX   1024                /* processes whose depth is remembered; further ones count as too deep */
#define GROUPS_MAX  1024
#define WATCHED_MAX 256                 /* pidfds */
#define ALONE_MAX_MS (600 * 1000)       /* a supervisor without processes waits so long for a pmfd */

enum { FD_CTL = 3, FD_GROUP, FD_OUT, FD_LISTEN, FD_FREE };

static const int look_again_ms[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 };

struct known {
	pid_t              pid;
	unsigned long long start;
	int                depth;
	int                pidfd;       /* -1: not watched */
};

struct super {
	struct super_spec spec;
	struct pollfd     fds[3 + WATCHED_MAX];         /* orders, SIGCHLD, the next pmfd, watched processes */
	enum { WITH_PMFD, ALONE, DISMISSED } mode;      /* DISMISSED: the tag is gone */
	pid_t             command, action;              /* 0: not running */
	int               status, action_status;        /* of the command; of the last action */
	bool              running;                      /* monitored; DIED was not said yet */
	bool              killing;                      /* KILL what appears, too */
	bool              group_spoilt;                 /* see group_renew() */
	unsigned          groups;                       /* how many were made */
	size_t            looks;                        /* index into look_again_ms */
	struct known      known[KNOWN_MAX];
	size_t            known_n;
};

static void report(const struct super *s, const struct super_event *event)
{
	(void)!send(FD_CTL, event, sizeof *event, MSG_NOSIGNAL);        /* pmfd is gone: then the node goes as well */
}

static struct known *known_find(struct super *s, pid_t pid)
{
	for (size_t i = 0; i < s->known_n; i++)
		if (s->known[i].pid == pid)
			return &s->known[i];
	return NULL;
}

static void known_add(struct super *s, pid_t pid, unsigned long long start, int depth)
{
	struct known *k;

	if (s->known_n == KNOWN_MAX)
		return;
	k = &s->known[s->known_n++];
	*k = (struct known) { .pid = pid, .start = start, .depth = depth, .pidfd = -1 };
	if (depth <= s->spec.level)
		k->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);        /* failed: it is gone, the next look says so */
}

/* Forgets who is gone.  Returns the least depth among them, or -1. */
static int known_sweep(struct super *s)
{
	int least = -1;

	for (size_t i = 0; i < s->known_n;) {
		struct known *k = &s->known[i];
		unsigned long long start;
		pid_t parent;
		char state;

		if (tree_stat(k->pid, &parent, &state, &start) && start == k->start && state != 'Z') {
			i++;
			continue;
		}
		if (least < 0 || k->depth < least)
			least = k->depth;
		if (k->pidfd >= 0)
			close(k->pidfd);
		*k = s->known[--s->known_n];
	}
	return least;
}

static void look(struct super *s)
{
	static pid_t pids[KNOWN_MAX];
	int gone = known_sweep(s);
	size_t n = tree_descendants(getpid(), pids, ARRAY_SIZE(pids));

	for (size_t i = 0; i < n; i++) {        /* parents come before their children */
		unsigned long long start;
		struct known *up;
		pid_t parent;
		char state;

		if (known_find(s, pids[i]) || !tree_stat(pids[i], &parent, &state, &start) || state == 'Z')
			continue;
		up = known_find(s, parent);
		known_add(s, pids[i], start, up ? up->depth + 1 : MAX(gone, 0) + 1);
	}
}

static bool level_alive(struct super *s)
{
	if (s->spec.level == 0)
		return s->command != 0;
	look(s);
	for (size_t i = 0; i < s->known_n; i++)
		if (s->known[i].depth <= s->spec.level)
			return true;
	return false;
}

static bool tree_alive(struct super *s, bool children)
{
	return s->spec.level == SUPER_ALL_LEVELS ? children : level_alive(s);
}

static void check(struct super *s, bool children)
{
	if (!s->running || tree_alive(s, children))
		return;
	s->running = false;
	report(s, &(struct super_event) { .type = SUPER_DIED, .status = s->status });
}

/* Returns whether any child is left. */
static bool reap(struct super *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->command) {
			s->command = 0;
			s->status = status;
		} else if (pid == s->action) {
			s->action = 0;
			s->action_status = status;
			report(s, &(struct super_event) { .type = SUPER_ACTION_DONE, .status = status });
		}
	}
	if (pid == 0 && s->killing)
		tree_kill_children();           /* whose parents have died is ours now */
	else
		s->killing = false;
	return pid == 0;
}

/* A cgroup inside the tag's one, in the place of the one that was used until now.
 *
 * Why: kernels since 6.14, and stable ones with the same fix for fork against cgroup.kill, compare the kill counter of the
 * parent's cgroup with that of the new one.  Once cgroup.kill was used on it, every child that is cloned into it gets
 * SIGKILL at birth.  Moving in after the fork works but costs 10 to 20 ms; a new cgroup costs nothing.  All that was in the
 * old one is dead. */
static bool group_renew(struct super *s)
{
	char name[16];
	int fd;

	if (s->spec.tree.fd != FD_GROUP) {
		close(s->spec.tree.fd);
		(void)snprintf(name, sizeof name, "r%u", s->groups);
		(void)unlinkat(FD_GROUP, name, AT_REMOVEDIR);   /* busy still: it goes with the tag */
		s->spec.tree.fd = FD_GROUP;
	}
	(void)snprintf(name, sizeof name, "r%u", ++s->groups);
	if (mkdirat(FD_GROUP, name, 0755) < 0)
		return false;
	fd = openat(FD_GROUP, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	s->spec.tree.fd = fd;
	s->group_spoilt = false;
	return true;
}

/* A stream of its own, which the journal knows by the name of the tag.  -1: it does not listen, and nobody shall wait for it. */
static int journal_open(const char *tag)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_free_ char *head = xasprintf("%s\n\n6\n1\n0\n0\n0\n", tag);     /* no unit, info, levels as <N>, nowhere else */
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (snprintf(a.sun_path, sizeof a.sun_path, "%s", path_state(PATH_JOURNAL_STDOUT)) >= (int)sizeof a.sun_path)
		return -1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0 || write(fd, head, strlen(head)) != (ssize_t)strlen(head))
		return -1;
	(void)shutdown(fd, SHUT_RD);
	(void)fcntl(fd, F_SETFL, 0);            /* programs expect it to block */
	return TAKE_FD(fd);
}

/* Waits until the program runs or cannot: a close-on-exec pipe is at its end then. */
static pid_t start(struct super *s, char *const *argv, struct spawn_failure *failure)
{
	struct spawn spawn = {
		.argv = argv, .envp = s->spec.envp, .cwd = s->spec.cwd, .umask = s->spec.umask,
		.set_ids = s->spec.set_ids, .uid = s->spec.uid, .gid = s->spec.gid, .keep_groups = true,
		.limits = s->spec.limits, .out_fd = s->spec.out_fd,
	};
	int fds[2];
	ssize_t n;
	pid_t pid;

	*failure = (struct spawn_failure) { .step = -1, .error = EAGAIN };
	if ((s->group_spoilt && !group_renew(s)) || pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	spawn.cgroup_fd = s->spec.tree.fd;
	spawn.report_fd = fds[1];
	if (s->spec.journal)
		spawn.out_fd = journal_open(s->spec.tag);
	pid = spawn_child(&spawn, NULL);
	close(fds[1]);
	if (s->spec.journal && spawn.out_fd >= 0)
		close(spawn.out_fd);
	if (pid < 0) {
		failure->error = -pid;
		close(fds[0]);
		return -1;
	}
	while ((n = read(fds[0], failure, sizeof *failure)) < 0 && errno == EINTR)
		;
	close(fds[0]);
	if (n == 0)
		return pid;
	(void)waitpid(pid, NULL, 0);
	return -1;
}

static void start_command(struct super *s)
{
	struct spawn_failure failure;
	unsigned long long begun;
	pid_t pid, parent;
	char state;

	s->killing = false;
	pid = start(s, s->spec.argv, &failure);
	if (pid < 0) {
		report(s, &(struct super_event) { .type = SUPER_FAILED, .step = failure.step, .error = failure.error });
		return;
	}
	s->command = pid;
	s->running = true;
	s->looks = 0;
	if (s->spec.level > 0 && tree_stat(pid, &parent, &state, &begun))
		known_add(s, pid, begun, 0);
	report(s, &(struct super_event) { .type = SUPER_STARTED, .pid = pid });
}

/* The action string may hold several words; the event and the tag are appended. */
static void start_action(struct super *s)
{
	static char words[4096], failed[] = "failed", *argv[128], *save;
	struct spawn_failure failure;
	size_t n = 0;

	(void)snprintf(words, sizeof words, "%s", s->spec.action);
	for (char *w = strtok_r(words, " \t\n", &save); w && n < ARRAY_SIZE(argv) - 3; w = strtok_r(NULL, " \t\n", &save))
		argv[n++] = w;
	argv[n++] = failed;
	argv[n++] = (char *)(uintptr_t)s->spec.tag;
	argv[n] = NULL;
	s->action = start(s, argv, &failure);
	if (s->action > 0)
		return;
	s->action = 0;
	report(s, &(struct super_event) { .type = SUPER_ACTION_DONE, .status = 127 << 8 });
}

/* Until pmfd, or the tag, is gone. */
static void obey(struct super *s)
{
	struct super_order order;
	ssize_t n = recv(FD_CTL, &order, sizeof order, MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n != sizeof order) {
		s->mode = ALONE;
		s->fds[0].fd = -1;
		return;
	}
	switch (order.type) {
	case SUPER_START:
		start_command(s);
		break;
	case SUPER_ACTION:
		start_action(s);
		break;
	case SUPER_SIGNAL:
		s->killing = order.signal == SIGKILL && s->spec.tree.fd < 0;
		s->group_spoilt |= order.signal == SIGKILL && s->spec.tree.fd >= 0;
		if (s->killing)
			tree_kill_children();   /* reap() goes on: a walk would run after what moves, while zombies pile up */
		else
			(void)tree_signal(&s->spec.tree, getpid(), order.signal);
		break;
	case SUPER_GOODBYE:
		s->mode = DISMISSED;
		s->fds[0].fd = -1;
		break;
	case SUPER_ORDER_COUNT:
		break;
	}
}

/* The next pmfd.  Only root can reach the socket. */
static void welcome(struct super *s)
{
	int fd = accept4(FD_LISTEN, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (s->mode == ALONE) {
		(void)dup3(fd, FD_CTL, O_CLOEXEC);
		s->fds[0].fd = FD_CTL;
		s->mode = WITH_PMFD;
		report(s, &(struct super_event) { .type = SUPER_STATE, .pid = s->command, .status = s->status, .running = s->running,
						  .acting = s->action != 0, .action_status = s->action_status });
	}
	close(fd);
}

static int next_look_ms(struct super *s, bool children)
{
	if (s->mode == ALONE && !children)
		return ALONE_MAX_MS;
	if (s->spec.level < 1 || !s->running || s->looks == ARRAY_SIZE(look_again_ms))
		return -1;
	return look_again_ms[s->looks++];
}

static nfds_t fill_fds(struct super *s)
{
	nfds_t n = 3;

	for (size_t i = 0; i < s->known_n && n < ARRAY_SIZE(s->fds); i++)
		if (s->known[i].pidfd >= 0)
			s->fds[n++] = (struct pollfd) { .fd = s->known[i].pidfd, .events = POLLIN };
	return n;
}

/* As the user's login has them.  A name service may be slow here: only this tag waits. */
static void take_groups(const struct super_spec *spec)
{
	struct passwd *user = spec->set_ids && spec->uid != 0 ? getpwuid(spec->uid) : NULL;
	gid_t groups[GROUPS_MAX] = { spec->gid };
	int n = GROUPS_MAX;

	if (!spec->set_ids || spec->uid == 0)
		return;
	if (!user || getgrouplist(user->pw_name, spec->gid, groups, &n) < 0)
		n = 1;
	(void)syscall(SYS_setgroups, (size_t)n, groups);        /* as in spawn.c; we are root, it cannot fail */
}

static void place_fd(int *fd, int where)
{
	if (*fd >= 0)
		*fd = dup3(*fd, where, O_CLOEXEC);
	else
		close(where);
}

static int move_high(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 64);
}

static _Noreturn void super_main(const struct super_spec *spec, int ctl)
{
	static struct super s;
	sigset_t chld;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool children = false;
	char name[16];

	s.spec = *spec;
	null = move_high(null);
	ctl = move_high(ctl);
	s.spec.tree.fd = move_high(spec->tree.fd);
	s.spec.out_fd = move_high(spec->out_fd);
	s.spec.listen_fd = move_high(spec->listen_fd);
	place_fd(&ctl, FD_CTL);
	place_fd(&s.spec.tree.fd, FD_GROUP);
	place_fd(&s.spec.out_fd, FD_OUT);
	place_fd(&s.spec.listen_fd, FD_LISTEN);
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
	(void)syscall(SYS_close_range, (unsigned)FD_FREE, ~0u, 0);      /* above all the failfast line of pmfd */
	spawn_reset_signals();
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &chld, NULL);
	(void)setsid();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)snprintf(name, sizeof name, "pmf:%s", spec->tag);
	(void)prctl(PR_SET_NAME, name);
	take_groups(spec);
	s.fds[0] = (struct pollfd) { .fd = FD_CTL, .events = POLLIN };
	s.fds[1] = (struct pollfd) { .fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN };
	s.fds[2] = (struct pollfd) { .fd = FD_LISTEN, .events = POLLIN };
	while (s.mode != DISMISSED || children) {
		struct signalfd_siginfo info;
		nfds_t n = fill_fds(&s);
		int r = poll(s.fds, n, next_look_ms(&s, children));

		if (r < 0 && errno != EINTR)
			_exit(1);
		if (r == 0 && s.mode == ALONE && !children)
			_exit(0);
		if (r > 0 && s.fds[0].revents)
			obey(&s);
		if (r > 0 && s.fds[2].revents)
			welcome(&s);
		while (read(s.fds[1].fd, &info, sizeof info) == sizeof info)
			;
		children = reap(&s);
		check(&s, children);
	}
	_exit(0);
}

pid_t super_fork(const struct super_spec *spec, int *ret_ctl_fd, int *ret_pidfd)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = spawn_fork(-1, ret_pidfd);
	if (pid == 0)
		super_main(spec, pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return pid;
	}
	(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);      /* cannot fail on a socket of ours */
	*ret_ctl_fd = pair[0];
	return pid;
}
