#include "pmfd/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/macros.h"

#define ROUNDS_MAX 64                   /* against a tree that forks faster than we read */

/* File scope: the place is a fact of the process, found once at start. */
static struct {
	int      fd, left_fd;           /* our cgroup; where survivors of freed trees go */
	char    *name;
	unsigned next;
} place = { .fd = -1, .left_fd = -1 };

static char *own_cgroup(void)
{
	_cleanup_free_ char *line = NULL;
	FILE *f = fopen("/proc/self/cgroup", "re");
	size_t cap = 0;
	char *path = NULL;

	while (f && !path && getline(&line, &cap, f) > 0)
		if (strncmp(line, "0::", 3) == 0)
			path = xstrndup(line + 3, strcspn(line + 3, "\n"));
	if (f)
		(void)fclose(f);
	return path;
}

/* name is taken. */
static bool place_take(char *name)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && faccessat(fd, "cgroup.kill", W_OK, 0) == 0 && (mkdirat(fd, "left", 0755) == 0 || errno == EEXIST)) {
		place.fd = fd;
		place.left_fd = openat(fd, "left", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		place.name = name;
		return true;
	}
	if (fd >= 0)
		close(fd);
	(void)rmdir(name);                      /* if nothing is in it */
	free(name);
	return false;
}

static bool place_try(const char *dir)
{
	uint64_t random;
	char *name;

	if (getrandom(&random, sizeof random, 0) != sizeof random)
		return false;
	name = xasprintf("%s/pmf-%016llx", dir, (unsigned long long)random);
	if (mkdir(name, 0755) == 0)
		return place_take(name);
	free(name);
	return false;
}

bool tree_setup(const char *before)
{
	_cleanup_free_ char *own = own_cgroup();
	struct mntent *m;
	FILE *f;
	bool found = false;

	if (getenv("PARHELION_NO_CGROUP"))
		return false;
	if (before && place_take(xstrdup(before)))
		return true;
	f = setmntent("/proc/mounts", "re");
	while (f && !found && (m = getmntent(f))) {
		_cleanup_free_ char *dir = NULL;

		if (!streq(m->mnt_type, "cgroup2"))
			continue;
		dir = xasprintf("%s%s", m->mnt_dir, own && !streq(own, "/") ? own : "");
		found = place_try(dir) || place_try(m->mnt_dir);        /* a bind mount may not show our own path */
	}
	if (f)
		(void)endmntent(f);
	return found;
}

void tree_cleanup(void)
{
	if (place.fd < 0)
		return;
	(void)unlinkat(place.fd, "left", AT_REMOVEDIR); /* survivors keep it */
	(void)rmdir(place.name);
	close(place.fd);
	close(place.left_fd);
	place.fd = place.left_fd = -1;
	free(place.name);
}

const char *tree_place(void)
{
	return place.fd >= 0 ? place.name : NULL;
}

void tree_new(struct tree *tree)
{
	*tree = (struct tree) { .fd = -1 };
	if (place.fd < 0)
		return;
	do
		(void)snprintf(tree->name, sizeof tree->name, "t%u", place.next++);
	while (mkdirat(place.fd, tree->name, 0755) < 0 && errno == EEXIST);     /* of the pmfd before us */
	tree->fd = openat(place.fd, tree->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void tree_adopt(struct tree *tree, const char *name)
{
	*tree = (struct tree) { .fd = -1 };
	if (place.fd < 0 || !*name || strchr(name, '/'))
		return;
	(void)snprintf(tree->name, sizeof tree->name, "%s", name);
	tree->fd = openat(place.fd, tree->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static size_t group_pids(int group_fd, pid_t *pids, size_t max)
{
	int fd = openat(group_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	size_t n = 0;
	int pid;

	while (f && n < max && fscanf(f, "%d", &pid) == 1)
		if (pid > 0)            /* 0: of a pid namespace that we do not see */
			pids[n++] = pid;
	if (f)
		(void)fclose(f);
	return n;
}

static void move_out(int group_fd)
{
	pid_t *pids = xcalloc(TREE_PIDS_MAX, sizeof *pids);
	size_t n = group_pids(group_fd, pids, TREE_PIDS_MAX);
	int to = openat(place.left_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < n && to >= 0; i++)
		(void)dprintf(to, "%d", pids[i]);       /* it may be gone; the next round sees */
	if (to >= 0)
		close(to);
	free(pids);
}

/* Those that a supervisor made inside (super.c, group_renew()). */
static void remove_inner(int group_fd)
{
	int fd = openat(group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);    /* own position */
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		int inner;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		inner = openat(group_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (inner < 0)
			continue;
		move_out(inner);
		close(inner);
		(void)unlinkat(group_fd, e->d_name, AT_REMOVEDIR);      /* the caller's round tries again */
	}
	if (dir)
		(void)closedir(dir);
}

void tree_free(struct tree *tree)
{
	if (tree->fd < 0)
		return;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		if (unlinkat(place.fd, tree->name, AT_REMOVEDIR) == 0 || errno != EBUSY)
			break;
		move_out(tree->fd);
		remove_inner(tree->fd);
	}
	close(tree->fd);
	tree->fd = -1;
}

/* Children of one process, from all its threads. */
static size_t children(pid_t pid, pid_t *pids, size_t max)
{
	char path[64];
	size_t n = 0;
	DIR *tasks;

	(void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	for (struct dirent *e; tasks && (e = readdir(tasks));) {
		FILE *f;
		int child;

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)pid, e->d_name);
		f = fopen(path, "re");
		while (f && n < max && fscanf(f, "%d", &child) == 1)
			pids[n++] = child;
		if (f)
			(void)fclose(f);
	}
	if (tasks)
		(void)closedir(tasks);
	return n;
}

size_t tree_descendants(pid_t root, pid_t *pids, size_t max)
{
	size_t n = children(root, pids, max);

	for (size_t i = 0; i < n; i++)          /* breadth first: pids is the queue as well */
		n += children(pids[i], pids + n, max - n);
	return n;
}

bool tree_stat(pid_t pid, pid_t *ret_parent, char *ret_state, unsigned long long *ret_start)
{
	char path[32], text[1024], *p;
	int parent;
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(text, 1, sizeof text - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');                 /* the name before it may hold anything */
	if (!p || sscanf(p + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			 ret_state, &parent, ret_start) != 3)
		return false;
	*ret_parent = parent;
	return true;
}

static bool has(const pid_t *pids, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static bool group_kill(int group_fd)
{
	int fd = openat(group_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, "1", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

/* Each is killed as soon as it is read: what forks and exits all the time lives for a moment only. */
void tree_kill_children(void)
{
	char path[64];
	int child;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1)
		(void)kill(child, SIGKILL);
	if (f)
		(void)fclose(f);
}

size_t tree_pids(const struct tree *tree, pid_t root, pid_t *pids, size_t max)
{
	return tree->fd >= 0 ? group_pids(tree->fd, pids, max) : tree_descendants(root, pids, max);
}

size_t tree_signal(const struct tree *tree, pid_t root, int sig)
{
	pid_t *met = xcalloc(TREE_PIDS_MAX, 2 * sizeof *met), *now = met + TREE_PIDS_MAX;
	size_t met_n = 0;

	for (int round = 0; round < ROUNDS_MAX; round++) {
		size_t before = met_n, n;

		n = tree_pids(tree, root, now, TREE_PIDS_MAX);
		if (sig == SIGKILL && tree->fd >= 0 && group_kill(tree->fd)) {
			met_n = n;              /* in one stroke, whatever forks meanwhile */
			break;
		}
		for (size_t i = 0; i < n && met_n < TREE_PIDS_MAX; i++) {
			if (has(met, met_n, now[i]))
				continue;
			met[met_n++] = now[i];
			(void)kill(now[i], sig);        /* it may be gone */
		}
		if (met_n == before)
			break;
	}
	free(met);
	return met_n;
}
