/* Whole files, never half ones. */
#pragma once
#include <sys/types.h>

#include "base/err.h"

/* -EFBIG: longer than limit. The text has a NUL behind it that is not counted. */
int file_read(const char *path, size_t limit, char **ret, size_t *ret_len, struct err *err);
/* The same; "-" is standard input. */
int file_read_given(const char *path, size_t limit, char **ret, size_t *ret_len, struct err *err);
/* Temporary file, fsync, rename, fsync of the directory, which is made when it is missing.
 * replace false: -EEXIST when there is such a file already. */
int file_write(const char *path, const void *data, size_t len, mode_t mode, bool replace, struct err *err);
