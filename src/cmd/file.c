#include "cmd/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/paths.h"

static int read_all(int fd, const char *path, size_t limit, char **ret, size_t *ret_len, struct err *err)
{
	struct buf text = { 0 };
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) > 0 && text.len <= limit)
		buf_add(&text, chunk, (size_t)n);
	if (n < 0 || text.len > limit) {
		int r = n < 0 ? -errno : -EFBIG;

		buf_done(&text);
		return r == -EFBIG ? err_set(err, r, "%s is longer than %zu bytes", path, limit)
				   : err_set(err, r, "cannot read %s: %s", path, strerror(-r));
	}
	*ret_len = text.len;
	*ret = buf_take(&text);
	return 0;
}

int file_read(const char *path, size_t limit, char **ret, size_t *ret_len, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is no file", path);
	return read_all(fd, path, limit, ret, ret_len, err);
}

int file_read_given(const char *path, size_t limit, char **ret, size_t *ret_len, struct err *err)
{
	if (streq(path, "-"))
		return read_all(STDIN_FILENO, "standard input", limit, ret, ret_len, err);
	return file_read(path, limit, ret, ret_len, err);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int put(const char *dir, const char *path, const char *temporary, int fd, const void *data, size_t len, mode_t mode,
	       bool replace)
{
	_cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir_fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	r = write_all(fd, data, len);
	if (r < 0)
		return r;
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, replace ? 0 : RENAME_NOREPLACE) < 0)
		return -errno;
	return fsync(dir_fd) < 0 ? -errno : 0;
}

int file_write(const char *path, const void *data, size_t len, mode_t mode, bool replace, struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(path), *temporary = xasprintf("%s.XXXXXX", path);
	_cleanup_close_ int fd = -1;
	const char *dir = dirname(copy);
	int r = path_mkdirs(dir, 0755);

	if (r < 0)
		return err_set(err, r, "cannot make %s: %s", dir, strerror(-r));
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "cannot write in %s: %s", dir, strerror(errno));
	r = put(dir, path, temporary, fd, data, len, mode, replace);
	if (r < 0) {
		(void)unlink(temporary);        /* gone already when only the last fsync failed */
		return err_set(err, r, "cannot write %s: %s", path, strerror(-r));
	}
	return 0;
}
