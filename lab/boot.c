/* Bring a node, or the switch, to life.
 *
 *   clusterlab ── labnode boot ──fork── keeper ──fork── pid 1 of the node ── everything in the node
 *                 returns when          outside, waits   new namespaces and
 *                 the node is ready     and records      root, then reaps
 *
 * Invariants:
 *  1. A node never outlives its keeper (PDEATHSIG), and its processes never outlive pid 1 (the kernel's rule for
 *     pid namespaces).  So killing the keeper or pid 1 leaves nothing.
 *  2. Only pid 1 holds the write end of the life line.  It closes while pid 1 exits, before the kernel kills the rest
 *     of the node, so the keeper can disable the ports before sockets close: a panic sends no FIN, as in life.
 *  3. The state file says "up" only after the root is complete, and always says how the node ended: it is replaced
 *     by rename, and the keeper exits only after that.  Who waits for the end of a node waits for its keeper. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "labnode.h"

#define LIST_MAX 32

struct list {
	size_t count;
	char *item[LIST_MAX];
};

struct boot {
	const char *host;   /* host name of the node */
	const char *state;  /* file the keeper writes */
	const char *cgroup; /* the node's cgroup directory, "-" when the host has no cgroup2 */
	const char *keeper_cgroup;
	const char *switch_pid;
	struct list overlays; /* LOWER:BASE, the root first; upper and work are in BASE */
	struct list binds;    /* SOURCE:DIRECTORY */
	struct list readonly_binds;
	struct list hidden; /* device-like files nobody in the node may open */
	struct list port_indices;
	struct ports ports;
	char *root;	 /* where the new root is assembled */
	char *arguments; /* argv[1] to the end of the last, where the strings above are */
	size_t arguments_size;
};

static char *concat(const char *a, const char *b)
{
	char *s;

	if (asprintf(&s, "%s%s", a, b) < 0)
		die_errno("path");
	return s;
}

static void list_add(struct list *list, char *item)
{
	if (list->count == LIST_MAX)
		die("more than %d mounts of one kind", LIST_MAX);
	list->item[list->count++] = item;
}

/* Options come in pairs, NAME VALUE, from clusterlab only. */
static void parse(struct boot *boot, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **text;
		struct list *list;
	} options[] = {
		{"host", &boot->host, NULL},
		{"state", &boot->state, NULL},
		{"cgroup", &boot->cgroup, NULL},
		{"keeper-cgroup", &boot->keeper_cgroup, NULL},
		{"switch", &boot->switch_pid, NULL},
		{"port", NULL, &boot->port_indices},
		{"overlay", NULL, &boot->overlays},
		{"bind", NULL, &boot->binds},
		{"bind-ro", NULL, &boot->readonly_binds},
		{"hide", NULL, &boot->hidden},
	};

	for (int i = 1; i + 1 < argc; i += 2)
		for (size_t k = 0; k < ARRAY_SIZE(options); k++) {
			if (!streq(argv[i], options[k].name))
				continue;
			if (options[k].list)
				list_add(options[k].list, argv[i + 1]);
			else
				*options[k].text = argv[i + 1];
		}
	for (size_t k = 0; k < ARRAY_SIZE(options); k++)
		if (options[k].text && !*options[k].text)
			die("labnode boot: no %s given", options[k].name);
	if (boot->overlays.count == 0)
		die("labnode boot: no overlay for the root given");
	for (size_t i = 0; i < MIN(boot->port_indices.count, (size_t)PORTS_MAX); i++)
		boot->ports.ifindex[boot->ports.count++] = atoi(boot->port_indices.item[i]);
}

/* ---- the root of a node, assembled by its pid 1 ---- */

static void must_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data) < 0)
		die_errno("cannot mount %s at %s", type ? type : source, target);
}

static void make_dirs(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755); /* exists, or the mount that follows says what is wrong */
		*slash = '/';
	}
	(void)mkdir(path, 0755);
}

/* Splits "A:B" in place. */
static char *after_colon(char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		die("'%s' has no colon", text);
	*colon = '\0';
	return colon + 1;
}

static void mount_overlay(const char *lower, const char *base, const char *target)
{
	_cleanup_free_ char *options = NULL;

	if (asprintf(&options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, base, base) < 0)
		die_errno("overlay options");
	if (mount("overlay", target, "overlay", 0, options) < 0)
		die_errno("cannot lay a private disk over %s: the file system of %s must be able to hold an overlay's "
			  "upper layer (ext4, xfs, btrfs, tmpfs); mount one at /var/lib/clusterlab",
			  lower, base);
}

static void mount_overlays(struct boot *boot)
{
	for (size_t i = 0; i < boot->overlays.count; i++) {
		char *lower = boot->overlays.item[i], *base = after_colon(lower);

		if (i == 0) {
			boot->root = concat(base, "/root");
			make_dirs(boot->root);
			mount_overlay(lower, base, boot->root);
		} else {
			_cleanup_free_ char *target = concat(boot->root, lower);
			mount_overlay(lower, base, target);
		}
	}
}

static void mount_at(const struct boot *boot, const char *dir, const char *source, const char *type,
		     unsigned long flags, const char *data)
{
	_cleanup_free_ char *target = concat(boot->root, dir);

	must_mount(source, target, type, flags, data);
}

static void mount_kernel_interfaces(const struct boot *boot)
{
	_cleanup_free_ char *bpf = concat(boot->root, "/sys/fs/bpf");

	mount_at(boot, "/dev", "/dev", NULL, MS_BIND | MS_REC, NULL);
	mount_at(boot, "/dev/shm", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_at(boot, "/proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	/* A new sysfs shows the devices of this network namespace, and hides the host's cgroup mounts. */
	mount_at(boot, "/sys", "sysfs", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	(void)mount("bpf", bpf, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700"); /* kernels without it exist */
	/* In its cgroup namespace the node sees its own subtree as the whole hierarchy. */
	if (!streq(boot->cgroup, "-"))
		mount_at(boot, "/sys/fs/cgroup", "cgroup2", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static void mount_volatile_dirs(const struct boot *boot)
{
	_cleanup_free_ char *lock = concat(boot->root, "/run/lock");

	mount_at(boot, "/run", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
	mount_at(boot, "/tmp", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	(void)mkdir(lock, 0755);
	(void)chmod(lock, 01777);
}

static void mount_binds(const struct boot *boot, const struct list *binds, unsigned long extra)
{
	for (size_t i = 0; i < binds->count; i++) {
		char *source = binds->item[i];
		_cleanup_free_ char *target = concat(boot->root, after_colon(source));

		make_dirs(target);
		must_mount(source, target, NULL, MS_BIND | MS_REC, NULL);
		if (extra)
			must_mount(source, target, NULL, MS_BIND | MS_REMOUNT | extra, NULL);
	}
}

/* What could hurt the host is covered by a device number without a driver: opening it says ENXIO, "no such device". */
static void hide_files(const struct boot *boot)
{
	_cleanup_free_ char *nothing = concat(boot->root, "/run/.nothing");

	if (mknod(nothing, S_IFCHR, makedev(0, 0)) < 0)
		die_errno("mknod %s", nothing);
	for (size_t i = 0; i < boot->hidden.count; i++)
		mount_at(boot, boot->hidden.item[i], nothing, NULL, MS_BIND, NULL);
	(void)unlink(nothing);
}

static void change_root(const struct boot *boot)
{
	/* pivot_root onto itself stacks the old root beneath the new one, where it can be let go (pivot_root(2)) */
	if (chdir(boot->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0)
		die_errno("cannot enter the new root %s", boot->root);
}

static void set_sysctl(const char *name, const char *value)
{
	_cleanup_free_ char *path = concat("/proc/sys/net/", name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) /* a kernel without IPv6 lacks some of them */
		(void)!write(fd, value, strlen(value));
}

static void set_sysctls(void)
{
	static const char *const off[] = {
		"ipv4/conf/all/rp_filter",	"ipv4/conf/default/rp_filter",
		"ipv4/ip_nonlocal_bind",	"ipv6/conf/all/accept_dad",
		"ipv6/conf/default/accept_dad", "ipv6/conf/all/accept_ra",
		"ipv6/conf/default/accept_ra",	"ipv6/conf/default/router_solicitations",
	};

	for (size_t i = 0; i < ARRAY_SIZE(off); i++)
		set_sysctl(off[i], "0");
}

/* The cgroup namespace is rooted where its creator sits, so: enter the top, make it, step down to "init".  The top
 * stays free of processes, as cgroup2 wants it of a group that has children with controllers. */
static void enter_namespaces(const struct boot *boot)
{
	bool has_cgroup = !streq(boot->cgroup, "-");
	_cleanup_free_ char *init = concat(boot->cgroup, "/init");
	_cleanup_close_ int top_fd = cgroup_open(boot->cgroup);
	_cleanup_close_ int init_fd = has_cgroup ? cgroup_open(init) : -1;

	cgroup_join(top_fd);
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | (has_cgroup ? CLONE_NEWCGROUP : 0)) < 0)
		die_errno("cannot make namespaces; clusterlab needs root and a kernel with namespaces");
	cgroup_join(init_fd);
}

static void make_machine(struct boot *boot)
{
	enter_namespaces(boot);
	must_mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mount_overlays(boot);
	mount_kernel_interfaces(boot);
	mount_volatile_dirs(boot);
	mount_binds(boot, &boot->binds, 0);
	mount_binds(boot, &boot->readonly_binds, MS_RDONLY);
	hide_files(boot);
	change_root(boot);
	set_sysctls();
	if (sethostname(boot->host, strlen(boot->host)) < 0)
		die_errno("sethostname");
}

/* ---- pid 1 ---- */

static void stdio_to_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i <= STDERR_FILENO; i++)
		if (fd < 0 || dup2(fd, i) < 0)
			_exit(1);
}

#define OFF_AGAIN_MS 500 /* a daemon may refuse to end as long as another one needs it */
#define OFF_TRIES    10

static bool reap(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return pid < 0; /* nobody is left: everything in the node descends from pid 1 */
}

/* An orderly power-off: everybody is asked to end, and asked again; whoever has not ended after that ends with us. */
static _Noreturn void power_off(const sigset_t *signals)
{
	const struct timespec again = {.tv_nsec = OFF_AGAIN_MS * 1000000L};

	for (int i = 0; i < OFF_TRIES; i++) {
		(void)kill(-1, SIGTERM);
		do
			if (reap())
				_exit(0);
		while (sigtimedwait(signals, NULL, &again) > 0);
	}
	_exit(0);
}

/* SIGTERM is the power button.  It is blocked, or the kernel would drop what the node's own processes send to pid 1. */
static _Noreturn void reap_forever(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	for (;;) {
		(void)reap();
		if (sigwaitinfo(&signals, NULL) == SIGTERM)
			power_off(&signals);
	}
}

/* Of the command line the node's ps shows only the name: paths of the host would puzzle. */
static void hide_arguments(const struct boot *boot)
{
	memset(boot->arguments, 0, boot->arguments_size);
}

static _Noreturn void be_pid_1(struct boot *boot, int life_line)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	make_machine(boot);
	hide_arguments(boot);
	stdio_to_null();
	if (write(life_line, "R", 1) != 1)
		_exit(1);
	reap_forever();
}

/* ---- the keeper ---- */

/* reboot(2), "behavior inside PID namespaces", says which signal ends pid 1 then. */
static const char *ending(int status)
{
	int signum = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return "off";
	if (signum == SIGKILL)
		return "crashed";
	return signum == SIGHUP || signum == SIGINT ? "panicked" : "exited";
}

static void record(const struct boot *boot, const char *state, pid_t pid, int status)
{
	_cleanup_free_ char *temporary = concat(boot->state, ".new");
	struct timespec wall;
	FILE *f = fopen(temporary, "we");

	if (!f)
		die_errno("%s", temporary);
	clock_gettime(CLOCK_REALTIME, &wall);
	fprintf(f, "{\"state\": \"%s\", \"pid\": %d, \"keeper\": %d, ", state, (int)pid, (int)getpid());
	fprintf(f, "\"signal\": %d, ", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	fprintf(f, "\"mono_ns\": %lld, \"wall\": %lld.%03ld}\n", now_ns(), (long long)wall.tv_sec,
		wall.tv_nsec / 1000000);
	if (fclose(f) != 0 || rename(temporary, boot->state) < 0)
		die_errno("%s", boot->state);
}

/* The keeper has to run before the dying node's processes do, or their sockets say goodbye. */
static void be_urgent(void)
{
	struct sched_param param = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};

	(void)sched_setscheduler(0, SCHED_FIFO, &param); /* where it is refused, a panic may let a FIN out */
}

/* Whatever could escape the end of the pid namespace, e.g. a process on its way in. */
static void kill_stragglers(const struct boot *boot)
{
	_cleanup_free_ char *path = concat(boot->cgroup, "/cgroup.kill");
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1", 1);
}

static _Noreturn void keep(struct boot *boot, int ready)
{
	_cleanup_close_ int cgroup = cgroup_open(boot->keeper_cgroup);
	int life_line[2], status = 0;
	pid_t pid;
	char byte;

	setsid();
	cgroup_join(cgroup);
	ports_open(&boot->ports, parse_pid(boot->switch_pid));
	if (pipe2(life_line, O_CLOEXEC) < 0 || unshare(CLONE_NEWPID) < 0)
		die_errno("cannot make a pid namespace");
	pid = fork();
	if (pid < 0)
		die_errno("fork");
	if (pid == 0) {
		close(life_line[0]);
		close(ready);
		be_pid_1(boot, life_line[1]);
	}
	close(life_line[1]);
	if (read(life_line[0], &byte, 1) != 1)
		_exit(1); /* pid 1 has said why */
	record(boot, "up", pid, 0);
	stdio_to_null();
	be_urgent();
	if (write(ready, "R", 1) != 1)
		_exit(1);
	close(ready);

	while (read(life_line[0], &byte, 1) < 0 && errno == EINTR)
		;
	ports_disable(&boot->ports);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	ports_delete(&boot->ports);
	kill_stragglers(boot);
	record(boot, ending(status), pid, status);
	_exit(0);
}

/* The caller's exit tells clusterlab that the new process is ready.  It also keeps clusterlab's lock, inherited, for
 * as long: should clusterlab be killed meanwhile, the next one waits until nothing is half made. */
static int wait_ready(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 1 ? 0 : 1;
}

/* Forks the long-lived process; it keeps stderr until it is ready, and its end of the pipe, nothing else. */
static pid_t fork_keeper(int *ret_ready)
{
	int pipe_fd[2];
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		die_errno("pipe");
	pid = fork();
	if (pid < 0)
		die_errno("fork");
	*ret_ready = pid == 0 ? pipe_fd[1] : pipe_fd[0];
	close(pid == 0 ? pipe_fd[0] : pipe_fd[1]);
	if (pid == 0) {
		*ret_ready = dup2(*ret_ready, STDERR_FILENO + 1);
		(void)fcntl(*ret_ready, F_SETFD, FD_CLOEXEC);
		closefrom(STDERR_FILENO + 2);
	}
	return pid;
}

int verb_boot(int argc, char **argv)
{
	struct boot boot = {0};
	int ready;

	boot.arguments = argv[0];
	boot.arguments_size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
	parse(&boot, argc, argv);
	if (fork_keeper(&ready) == 0)
		keep(&boot, ready);
	return wait_ready(ready);
}

/* ---- the switch: a process that holds a network namespace, and nothing more ---- */

static _Noreturn void hold_switch(const char *cgroup, int ready)
{
	int fd = cgroup_open(cgroup);

	setsid();
	cgroup_join(fd);
	if (unshare(CLONE_NEWNET) < 0)
		die_errno("cannot make a network namespace; clusterlab needs root");
	dprintf(STDOUT_FILENO, "%d\n", (int)getpid());
	stdio_to_null();
	if (write(ready, "R", 1) != 1)
		_exit(1);
	close(ready);
	for (;;)
		pause();
}

int verb_switch(int argc, char **argv)
{
	int ready;

	if (fork_keeper(&ready) == 0)
		hold_switch(argv[1], ready);
	return wait_ready(ready);
}
