/* A file is named after its cluster: ID, a dot, the name, with all but letters, digits, - and _ as %XX.  A long name is cut,
 * and its hash follows.  It is written beside its old self, made durable, and renamed; then the directory is made durable. */
#include "quorum/qs_store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/paths.h"

#define NAME_MAX_BYTES 200
#define FILE_MAX_BYTES (64u << 10)
#define SUFFIX         ".keys"
#define TEMPORARY      ".new"

static char *file_name(const struct qs_state *state)
{
	struct buf name = { 0 };

	buf_printf(&name, "%08X.", state->id);
	for (const char *p = state->cluster; *p; p++) {
		if (isalnum((unsigned char)*p) || *p == '-' || *p == '_')
			buf_add(&name, p, 1);
		else
			buf_printf(&name, "%%%02X", (unsigned char)*p);
	}
	if (name.len > NAME_MAX_BYTES) {
		name.len = NAME_MAX_BYTES;
		buf_printf(&name, "~%016llX", (unsigned long long)hash_text(HASH_START, state->cluster));
	}
	buf_puts(&name, SUFFIX);
	return buf_take(&name);
}

int qs_store_open(const char *dir, int *ret_fd, struct err *err)
{
	_cleanup_close_ int fd = -1;
	int r = path_mkdirs(dir, 0700);

	if (r < 0)
		return err_set(err, r, "cannot make %s: %s", dir, strerror(-r));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY, "another quorum server uses %s", dir);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int load_file(int dir_fd, const char *name, struct qs_state *ret, struct err *err)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = xcalloc(1, FILE_MAX_BYTES);
	ssize_t n = fd < 0 ? -1 : read(fd, text, FILE_MAX_BYTES);
	json_t *o;
	int r;

	if (n < 0)
		return err_set(err, -errno, "cannot read it: %s", strerror(errno));
	o = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	r = json_is_object(o) ? qs_state_from_json(o, ret, err) : err_set(err, -EINVAL, "it is no JSON object");
	json_decref(o);
	return r;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && streq(text + len - n, end);
}

int qs_store_load(int dir_fd, const char *dir, void (*fn)(void *ctx, const struct qs_state *state), void *ctx, struct err *err)
{
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!stream)
		return err_set(err, -errno, "cannot read %s: %s", dir, strerror(errno));
	while (r == 0 && (entry = readdir(stream))) {
		struct qs_state state;

		if (ends_with(entry->d_name, TEMPORARY))
			(void)unlinkat(dir_fd, entry->d_name, 0);       /* a write that never ended; it would be replaced anyway */
		if (!ends_with(entry->d_name, SUFFIX))
			continue;
		r = load_file(dir_fd, entry->d_name, &state, err);
		if (r < 0)
			r = err_prefix(err, r, "%s/%s", dir, entry->d_name);
		else
			fn(ctx, &state);
	}
	(void)closedir(stream);
	return r;
}

static int write_durably(int fd, const char *text)
{
	size_t len = strlen(text), done = 0;

	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int qs_store_save(int dir_fd, const struct qs_state *state, bool *ret_unsure, struct err *err)
{
	_cleanup_free_ char *name = file_name(state), *temporary = xasprintf("%s" TEMPORARY, name), *text = NULL;
	json_t *o = qs_state_to_json(state);
	_cleanup_close_ int fd = -1;
	int r;

	*ret_unsure = false;
	text = ju_dump(o);
	json_decref(o);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : write_durably(fd, text);
	if (r < 0) {
		(void)unlinkat(dir_fd, temporary, 0);   /* it is overwritten next time if this fails */
		return err_set(err, r, "cannot write %s: %s", temporary, strerror(-r));
	}
	*ret_unsure = true;
	if (renameat(dir_fd, temporary, dir_fd, name) < 0 || fsync(dir_fd) < 0)
		return err_set(err, -errno, "cannot replace %s: %s", name, strerror(errno));
	*ret_unsure = false;
	return 0;
}
