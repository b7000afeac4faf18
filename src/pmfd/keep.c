#include "pmfd/keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"

#define KEEP_DIR "/run/cluster/pmf"

/* File scope: the place is a fact of the process, found once at start. */
static int dir_fd = -1;

int keep_setup(struct err *err)
{
	const char *path = path_state(KEEP_DIR);
	int r = path_mkdirs(path, 0700);

	if (r < 0)
		return err_set(err, r, "cannot make %s: %s", path, strerror(-r));
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? err_set(err, -errno, "cannot open %s: %s", path, strerror(errno)) : 0;
}

void keep_id(char id[KEEP_ID_LEN + 1])
{
	uint64_t random = 0;

	(void)!getrandom(&random, sizeof random, 0);            /* cannot fail for so few bytes once the system is up */
	(void)snprintf(id, KEEP_ID_LEN + 1, "%016llx", (unsigned long long)random);
}

/* By the descriptor, as the path of a directory may be longer than an address can be. */
static struct sockaddr_un address(const char *id)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%s.sock", dir_fd, id);
	return a;
}

int keep_listen(const char *id)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = address(id);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 1) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int keep_connect(const char *id)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = address(id);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int write_all(const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = strlen(text);

	if (fd < 0)
		return -errno;
	return write(fd, text, n) == (ssize_t)n ? 0 : -EIO;     /* a full /run */
}

void keep_write(const char *id, json_t *state)
{
	_cleanup_free_ char *name = xasprintf("%s.json", id), *fresh = xasprintf("%s.new", id), *text = ju_dump(state);
	int r = write_all(fresh, text);

	json_decref(state);
	if (r == 0 && renameat(dir_fd, fresh, dir_fd, name) < 0)
		r = -errno;
	if (r < 0)
		log_err("cannot write %s in " KEEP_DIR ": %s", name, strerror(-r));
}

json_t *keep_read(const char *id)
{
	_cleanup_free_ char *name = xasprintf("%s.json", id);
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	json_t *state = fd >= 0 ? json_loadfd(fd, 0, NULL) : NULL;

	if (fd >= 0)
		close(fd);
	return state;
}

void keep_remove(const char *id)
{
	static const char *const ends[] = { "json", "sock", "new" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		_cleanup_free_ char *name = xasprintf("%s.%s", id, ends[i]);

		(void)unlinkat(dir_fd, name, 0);        /* not each of them is there */
	}
}

void keep_list(struct strlist *ids)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (strlen(e->d_name) == KEEP_ID_LEN + 5 && streq(e->d_name + KEEP_ID_LEN, ".json"))
			strlist_take(ids, xstrndup(e->d_name, KEEP_ID_LEN));
	if (dir)
		(void)closedir(dir);
}
