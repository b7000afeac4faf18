/* The disk: Prenet_start mounts it, Postnet_stop unmounts it, so it comes before the addresses and goes after them.
 *
 * A file system of one machine that two mount at a time is lost.  Disk is a block device or an image: a file on storage that all nodes
 * see.  What keeps it to one, besides the cluster itself, which starts the group on one node at a time:
 *
 *   1. Here: if it is mounted at another place already, or something else is at the mount point, nothing is mounted.
 *   2. An image: a keeper, a process of ours that lives as long as the mount, holds a lock on the file (fcntl(2), which file systems of
 *      several nodes carry to all of them).  It goes with the node: a crash does not need to be told.  And as a loop device may outlive the
 *      processes of a crashed node for a moment, where that ran on the same kernel, we wait until none has the file.
 *   3. A block device: the cluster fences it (cldevice add); and with the feature mmp of ext4 (mkfs.ext4 -O mmp) the kernel itself refuses
 *      what another kernel has mounted.  That cannot be seen from here in another way. */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#define LOOP_MAJOR 7
#define WAIT_MS 50

struct disk {
	char        path[TEXT_MAX], mount_point[TEXT_MAX];
	struct stat st;
};

static int disk_read(const struct agent *a, struct disk *d)
{
	if (property(a, "Disk", d->path, sizeof d->path) != 0 || property(a, "Mount_point", d->mount_point, sizeof d->mount_point) != 0)
		return fail("the cluster does not say what Disk and Mount_point are");
	if (stat(d->path, &d->st) != 0)
		return fail("Disk=%s: %s", d->path, strerror(errno));
	return 0;
}

/* Is it this loop device that shows the image? */
static bool loop_has(const struct disk *d, unsigned minor)
{
	struct loop_info64 info;
	char path[32];
	bool has;
	int fd;

	snprintf(path, sizeof path, "/dev/loop%u", minor);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	has = ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == d->st.st_dev && info.lo_inode == d->st.st_ino;
	close(fd);
	return has;
}

static bool any_loop_has(const struct disk *d)
{
	DIR *dev = opendir("/dev");
	struct dirent *entry;
	unsigned minor;
	bool has = false;

	while (dev && !has && (entry = readdir(dev)))
		has = sscanf(entry->d_name, "loop%u", &minor) == 1 && loop_has(d, minor);
	if (dev)
		closedir(dev);
	return has;
}

/* Where things are: 1 the disk is mounted at the mount point; 0 it is not mounted on this node; -1 something is in the way, said why. */
static int disk_look(const struct disk *d)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4 * TEXT_MAX], where[2 * TEXT_MAX];
	unsigned major, minor;
	int state = 0;

	if (!f) {
		fail("/proc/self/mountinfo: %s", strerror(errno));
		return -1;
	}
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, "%*d %*d %u:%u %*s %2047s", &major, &minor, where) != 3)
			continue;
		bool ours = S_ISBLK(d->st.st_mode) ? makedev(major, minor) == d->st.st_rdev : major == LOOP_MAJOR && loop_has(d, minor);
		bool here = strcmp(where, d->mount_point) == 0;
		if (ours && here) {
			state = 1;
		} else if (ours) {
			fail("%s is mounted on %s, not on %s: unmount it", d->path, where, d->mount_point);
			state = -1;
		} else if (here) {
			fail("something else than %s is mounted on %s: unmount it", d->path, where);
			state = -1;
		}
		if (state < 0)
			break;
	}
	fclose(f);
	return state;
}

int disk_is_mounted(const struct agent *a)
{
	struct disk d;

	return disk_read(a, &d) == 0 ? disk_look(&d) : -1;
}

/* ---- the keeper of an image ---- */

static void keeper_note(const struct agent *a, char path[TEXT_MAX])
{
	snprintf(path, TEXT_MAX, "%s/%s.kept", RUN_DIR, a->resource);
}

/* Waits for the lock, for ever if need be, says that it has it, and does nothing more: the lock is its life. */
int keeper(const struct agent *a)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[TEXT_MAX];
	struct disk d;
	int fd;

	if (disk_read(a, &d) != 0)
		return 1;
	fd = open(d.path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_SETLKW, &lock) != 0)
		return fail("cannot lock %s: %s", d.path, strerror(errno));
	keeper_note(a, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail("cannot write %s: %s", path, strerror(errno));
	for (;;)
		pause();
}

static int keeper_end(const struct agent *a, int limit_s)
{
	char path[TEXT_MAX];

	keeper_note(a, path);
	(void)unlink(path);
	return pmf_end(a->disk, "KILL", limit_s);
}

/* The lock is ours, and no loop device that is not ours has the file. */
static int keep(const struct agent *a, const struct disk *d, int limit_s)
{
	char program[TEXT_MAX + 32], path[TEXT_MAX];
	const char *words[] = { "-n", "-1", program, "-R", a->resource, "-G", a->group, "-T", a->type, NULL };
	long end = now_ms() + limit_s * 1000L;
	bool said = false;

	snprintf(program, sizeof program, "%s/postgresql_keeper", a->bin);
	keeper_note(a, path);
	if (!pmf_has(a->disk)) {
		(void)unlink(path);
		if (pmf("-c", a->disk, words) != 0)
			return fail("cannot start the keeper of %s", d->path);
	}
	for (;; pause_ms(WAIT_MS)) {
		bool locked = access(path, F_OK) == 0;
		if (locked && !any_loop_has(d))
			return 0;
		if (now_ms() > end)
			return fail("%s is still in use by %s: look for it on the other nodes", d->path,
				    locked ? "a loop device of this machine" : "whoever has a lock on it");
		if (!said)
			note(LOG_NOTICE, "%s is in use; waiting until it is not", d->path);
		said = true;
	}
}

/* ---- methods ---- */

int prenet_start(const struct agent *a)
{
	int limit_s = number(a, "Prenet_start_timeout", 60), state, rc;
	struct disk d;

	if (disk_read(a, &d) != 0 || (state = disk_look(&d)) < 0)
		return 1;
	if (state > 0)
		return 0;                       /* called twice */
	if ((mkdir(RUN_DIR, 0755) != 0 && errno != EEXIST) || (mkdir(d.mount_point, 0755) != 0 && errno != EEXIST))
		return fail("cannot make %s or %s: %s", RUN_DIR, d.mount_point, strerror(errno));
	if (S_ISREG(d.st.st_mode) && keep(a, &d, limit_s * 8 / 10) != 0) {
		(void)keeper_end(a, 1);
		return 1;
	}
	/* After a crash the journal is replayed; -a mends what is safe to mend.  0: whole; 1: mended. */
	rc = run(NULL, limit_s, (const char *[]) { "/usr/sbin/fsck", "-a", d.path, NULL });
	if (rc != 0 && rc != 1)
		rc = fail("fsck -a %s ended with %d: check it by hand", d.path, rc);
	else if ((rc = run(NULL, limit_s, (const char *[]) { "/usr/bin/mount", d.path, d.mount_point, NULL })) != 0)
		rc = fail("cannot mount %s on %s", d.path, d.mount_point);
	if (rc != 0)
		(void)keeper_end(a, 1);
	return rc;
}

/* Does a process have this file, or directory, below the mount point? */
static bool points_into(int dir, const char *name, const char *mount_point)
{
	char target[2 * TEXT_MAX];
	size_t len = strlen(mount_point);
	ssize_t n = readlinkat(dir, name, target, sizeof target - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return strncmp(target, mount_point, len) == 0 && (target[len] == '/' || target[len] == '\0');
}

static bool uses(const char *pid, const char *mount_point)
{
	static const char *const links[] = { "cwd", "root", "exe" };
	char path[TEXT_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	fds = opendir(path);
	for (size_t i = 0; i < sizeof links / sizeof links[0] && !found; i++) {
		snprintf(path, sizeof path, "/proc/%s/%s", pid, links[i]);
		found = points_into(AT_FDCWD, path, mount_point);
	}
	while (fds && !found && (entry = readdir(fds)))
		found = points_into(dirfd(fds), entry->d_name, mount_point);
	if (fds)
		closedir(fds);
	return found;
}

/* The server is gone; who is left is a shell that somebody forgot there, or a backup.  It must not keep the data from moving. */
static void kill_users(const char *mount_point)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);
		if (pid > 1 && pid != getpid() && uses(entry->d_name, mount_point)) {
			note(LOG_WARNING, "killing process %ld, which uses %s", pid, mount_point);
			(void)kill((pid_t)pid, SIGKILL);
		}
	}
	if (proc)
		closedir(proc);
}

int postnet_stop(const struct agent *a)
{
	int limit_s = number(a, "Postnet_stop_timeout", 60);
	long end = now_ms() + limit_s * 800L;
	struct disk d;

	if (disk_read(a, &d) != 0)
		return 1;
	while (disk_look(&d) == 1) {
		if (umount2(d.mount_point, 0) == 0)
			continue;               /* what was mounted there twice is unmounted twice */
		if (errno != EBUSY || now_ms() > end)
			return fail("cannot unmount %s: %s", d.mount_point, strerror(errno));
		kill_users(d.mount_point);
		pause_ms(WAIT_MS);
	}
	return keeper_end(a, limit_s / 10) == 0 ? 0 : fail("the keeper of %s does not end", d.path);
}
