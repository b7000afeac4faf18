/* Access to a disk or file around the page cache, behind a table so that tests can put a bad disk there. */
#pragma once
#include "base/err.h"

/* Buffers, lengths and offsets are multiples of 4096.  Each call ends when the disk has ended it: there is no time limit.
 * 0 or a negative errno; read and write do all or fail. */
struct disk_io {
	/* create: make a regular file that is missing.  *ret is for the other calls. */
	int  (*open)(void *ctx, const char *path, bool create, int *ret, struct err *err);
	int  (*size)(void *ctx, int fd, uint64_t *ret);
	int  (*extend)(void *ctx, int fd, uint64_t size);       /* -ENOTSUP: not a regular file */
	/* No other process of this machine may have that range; -EBUSY: one has, perhaps dying with I/O in flight. */
	int  (*lock)(void *ctx, int fd, uint64_t offset, uint64_t len);
	int  (*read)(void *ctx, int fd, void *buffer, size_t len, uint64_t offset);
	int  (*write)(void *ctx, int fd, const void *buffer, size_t len, uint64_t offset);     /* durable when it returns */
	void (*close)(void *ctx, int fd);
};

extern const struct disk_io disk_io_real;       /* ctx: NULL */
