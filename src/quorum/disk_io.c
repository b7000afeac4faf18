#include "quorum/disk_io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static int real_open(void *ctx, const char *path, bool create, int *ret, struct err *err)
{
	/* Around the cache, or we would read what this node remembers instead of what the others wrote. */
	int flags = O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, fd;
	struct stat st;

	fd = open(path, flags);
	/* Below /dev a missing name is a mistake, never a file to make. */
	if (fd < 0 && errno == ENOENT && create && strncmp(path, "/dev/", 5) != 0)
		fd = open(path, flags | O_CREAT, 0600);
	if (fd < 0 && errno == EINVAL)
		return err_set(err, -EINVAL, "%s does not support direct I/O", path);
	if (fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))) {
		close(fd);
		return err_set(err, -ENOTBLK, "%s is neither a block device nor a regular file", path);
	}
	*ret = fd;
	return 0;
}

static int real_size(void *ctx, int fd, uint64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISBLK(st.st_mode))
		return ioctl(fd, BLKGETSIZE64, ret) < 0 ? -errno : 0;
	*ret = (uint64_t)st.st_size;
	return 0;
}

static int real_extend(void *ctx, int fd, uint64_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	/* Allocated now, so that no later write can fail for want of space. */
	return -posix_fallocate(fd, 0, (off_t)size);
}

static int real_lock(void *ctx, int fd, uint64_t offset, uint64_t len)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)len };

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

static int real_read(void *ctx, int fd, void *buffer, size_t len, uint64_t offset)
{
	char *p = buffer;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENXIO;         /* the end of the device, before the end of what must be there */
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static int real_write(void *ctx, int fd, const void *buffer, size_t len, uint64_t offset)
{
	const char *p = buffer;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static void real_close(void *ctx, int fd)
{
	close(fd);
}

const struct disk_io disk_io_real = {
	.open = real_open, .size = real_size, .extend = real_extend, .lock = real_lock, .read = real_read,
	.write = real_write, .close = real_close,
};
