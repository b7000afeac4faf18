/* Act in a node that lives: run a command, leave a daemon behind, signal everything, cut its power. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "labnode.h"

#define NODE_NAMESPACES	  (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)
#define EXIT_NOT_FOUND	  127
#define EXIT_NOT_RUNNABLE 126

struct target {
	int pidfd;
	int cgroup; /* -1: none */
	int namespaces;
};

/* Children of the caller are in the node's pid namespace from here on, the caller itself stays outside. */
static struct target target_open(const char *pid, const char *cgroup)
{
	struct target target = {.pidfd = pidfd_open(parse_pid(pid), 0), .namespaces = NODE_NAMESPACES};

	if (target.pidfd < 0 || setns(target.pidfd, CLONE_NEWPID) < 0)
		die_errno("the node is not up; clusterlab boot");
	target.cgroup = cgroup_open(cgroup);
	if (target.cgroup >= 0)
		target.namespaces |= CLONE_NEWCGROUP;
	return target;
}

/* The node's own environment: nothing of the caller's leaks in but the terminal's type and variables LAB*. */
static char **node_environment(char **outside)
{
	static const char *const fixed[] = {
		"PATH=/usr/cluster/bin:/usr/cluster/lib/sc:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/"
		"bin:"
		"/run/lab",
		"HOME=/root",
		"USER=root",
		"LOGNAME=root",
		"LANG=C.UTF-8",
	};
	size_t n = 0, count = 0;
	char **env;

	while (outside[count])
		count++;
	env = calloc(count + ARRAY_SIZE(fixed) + 1, sizeof *env);
	if (!env)
		die_errno("environment");
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		env[n++] = (char *)fixed[i];
	for (size_t i = 0; i < count; i++)
		if (strncmp(outside[i], "LAB", 3) == 0 || strncmp(outside[i], "TERM=", 5) == 0 ||
		    strncmp(outside[i], "PS1=", 4) == 0)
			env[n++] = outside[i];
	return env;
}

static void target_enter(const struct target *target)
{
	cgroup_join(target->cgroup);
	if (setns(target->pidfd, target->namespaces) < 0 || chdir("/") < 0)
		die_errno("cannot enter the node");
	environ = node_environment(environ);
}

static _Noreturn void run(char **cmd)
{
	execvp(cmd[0], cmd);
	int code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE;
	fprintf(stderr, "clusterlab: %s: %s\n", cmd[0], strerror(errno));
	_exit(code);
}

static void reap(pid_t child, int *ret_status)
{
	while (waitpid(child, ret_status, 0) < 0 && errno == EINTR)
		;
}

/* Forks a process of the node that is a child of its pid 1: true there, with its pid in the node; false in the caller.
 * The middle one ends at once, and orphans go to the pid 1 of their parent's namespace.  A process with its parent
 * outside would keep a dying node from ending until that parent, or the host's pid 1, reaps it, which may be never. */
static bool fork_adopted(pid_t *ret_pid)
{
	pid_t middle = fork();

	if (middle < 0)
		die_errno("fork; is the node dying?");
	if (middle > 0) {
		int status = 0;
		reap(middle, &status);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			die("the node died");
		return false;
	}
	*ret_pid = fork();
	if (*ret_pid < 0)
		die_errno("fork; is the node dying?");
	if (*ret_pid > 0)
		_exit(0);
	*ret_pid = getpid();
	return true;
}

/* ---- exec: the caller outside, a minder inside, and the command as the minder's child ----
 * They share the terminal and a socket.  Over it go signal numbers in, and the exit code out; its end means that the
 * other side has died.  A frozen or dead node thus never harms the caller, nor a killed caller the node. */

static int signal_descriptor(const int *list, size_t count, sigset_t *ret_before)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	for (size_t i = 0; i < count; i++)
		sigaddset(&signals, list[i]);
	sigprocmask(SIG_BLOCK, &signals, ret_before);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (fd < 0)
		die_errno("signalfd");
	return fd;
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Which of the two has something to say?  The first is preferred. */
static int wait_either(int first, int second)
{
	struct pollfd fds[] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};

	while (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
		;
	return fds[0].revents ? first : second;
}

/* Inside: pass signals on to the command until it ends. */
static _Noreturn void mind(pid_t command, int signals, int caller)
{
	int status, signum;

	while (waitpid(command, &status, WNOHANG) == 0) {
		if (wait_either(signals, caller) == signals) {
			struct signalfd_siginfo info;
			(void)!read(signals, &info, sizeof info); /* the others than SIGCHLD the command gets itself */
		} else {
			bool alive = read(caller, &signum, sizeof signum) == sizeof signum;
			kill(command, alive ? signum : SIGKILL); /* whoever killed the caller means the command */
			caller = alive ? caller : -1;		 /* poll() passes over it */
		}
	}
	status = exit_code(status);
	(void)!send(caller, &status, sizeof status, MSG_NOSIGNAL);
	_exit(0);
}

/* Outside: pass on what other processes send us.  Signals of the terminal (ssi_code > 0) are left alone: the kernel
 * gives them to the command as well. */
static int follow(int signals, int minder)
{
	int code;

	while (wait_either(minder, signals) == signals) {
		struct signalfd_siginfo info;
		int signum;
		if (read(signals, &info, sizeof info) != sizeof info || info.ssi_code > 0)
			continue;
		signum = (int)info.ssi_signo;
		(void)!send(minder, &signum, sizeof signum, MSG_NOSIGNAL);
	}
	return read(minder, &code, sizeof code) == sizeof code ? code : 128 + SIGKILL;
}

int verb_exec(int argc, char **argv)
{
	static const int relayed[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM};
	struct target target = target_open(argv[1], argv[2]);
	int talk[2], signals;
	sigset_t before;
	pid_t self;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, talk) < 0)
		die_errno("socketpair");
	if (fork_adopted(&self)) {
		pid_t command;
		close(talk[0]);
		target_enter(&target);
		signals = signal_descriptor(relayed, ARRAY_SIZE(relayed), &before);
		command = fork();
		if (command < 0)
			die_errno("fork");
		if (command == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sigprocmask(SIG_SETMASK, &before, NULL);
			run(argv + 3);
		}
		mind(command, signals, talk[1]);
	}
	close(talk[1]);
	signals = signal_descriptor(relayed + 1, ARRAY_SIZE(relayed) - 1, &before);
	return follow(signals, talk[0]);
}

/* ---- the other verbs ---- */

static void stdio_to_log(const char *path)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (in < 0 || out < 0)
		die_errno("%s in the node", path);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		die_errno("dup2");
}

/* The daemon's pid inside the node goes to stdout. */
int verb_spawn(int argc, char **argv)
{
	struct target target = target_open(argv[1], argv[2]);
	pid_t self;

	if (!fork_adopted(&self))
		return 0;
	target_enter(&target);
	if (setsid() < 0)
		die_errno("setsid");
	dprintf(STDOUT_FILENO, "%d\n", (int)self);
	stdio_to_log(argv[3]);
	run(argv + 4);
}

int verb_net(int argc, char **argv)
{
	int pidfd = pidfd_open(parse_pid(argv[1]), 0);

	if (pidfd < 0 || setns(pidfd, CLONE_NEWNET) < 0)
		die_errno("no network namespace of pid %s", argv[1]);
	run(argv + 2);
}

/* Every process of the node but its pid 1: kill(-1) reaches what the caller can see. */
int verb_signal(int argc, char **argv)
{
	int status = 0, signum = atoi(argv[2]);
	pid_t child;

	(void)target_open(argv[1], "-");
	child = fork();
	if (child < 0)
		die_errno("fork");
	if (child == 0)
		_exit(kill(-1, signum) < 0 && errno != ESRCH);
	reap(child, &status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int verb_crash(int argc, char **argv)
{
	pid_t pid = parse_pid(argv[2]);
	struct ports ports = {0};
	long long instant;

	ports_open(&ports, parse_pid(argv[1]));
	for (int i = 3; i < argc && ports.count < PORTS_MAX; i++)
		ports.ifindex[ports.count++] = atoi(argv[i]);
	instant = now_ns();
	ports_disable(&ports);
	if (kill(pid, SIGKILL) < 0)
		die_errno("cannot kill pid 1 of the node");
	printf("%lld\n", instant);
	return 0;
}
