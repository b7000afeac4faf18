#include "clusterd/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/paths.h"

struct line { struct line *next; int64_t wall_ms; size_t len; char text[]; };

struct journal {
	uv_loop_t *loop;
	struct line *first, **last;
	size_t bytes;
	struct buf pending, writing;
	bool busy;
	uv_work_t work;
};

static char *file_name(unsigned n)
{
	return n ? xasprintf("%s/journal.%u", path_state(PATH_JOURNAL), n) : xasprintf("%s/journal", path_state(PATH_JOURNAL));
}

static void remember(struct journal *j, const char *text, size_t len, int64_t wall_ms)
{
	struct line *l = xcalloc(1, sizeof *l + len + 1);

	l->wall_ms = wall_ms;
	l->len = len;
	memcpy(l->text, text, len);
	*j->last = l;
	j->last = &l->next;
	j->bytes += len;
	while (j->bytes > JOURNAL_MEMORY && j->first != l) {
		struct line *old = j->first;

		j->first = old->next;
		j->bytes -= old->len;
		free(old);
	}
}

static void rotate(void)
{
	for (unsigned n = JOURNAL_FILES - 1; n > 0; n--) {
		_cleanup_free_ char *from = file_name(n - 1), *to = file_name(n);

		(void)rename(from, to);         /* a missing one is no loss */
	}
}

/* On the worker.  A journal that cannot be written must not stop the cluster: what does not fit is lost. */
static void write_out(uv_work_t *work)
{
	struct journal *j = work->data;
	_cleanup_free_ char *name = file_name(0);
	struct stat st;

	if (stat(name, &st) == 0 && st.st_size > JOURNAL_FILE_MAX)
		rotate();
	_cleanup_close_ int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (fd >= 0)
		(void)!write(fd, j->writing.s, j->writing.len);
}

static void flush(struct journal *j);

static void written(uv_work_t *work, int status)
{
	struct journal *j = work->data;

	(void)status;
	j->busy = false;
	j->writing.len = 0;
	flush(j);
}

static void flush(struct journal *j)
{
	struct buf swap = j->writing;

	if (j->busy || !j->pending.len)
		return;
	j->writing = j->pending;
	j->pending = swap;
	j->pending.len = 0;
	j->busy = true;
	uv_queue_work(j->loop, &j->work, write_out, written);
}

void journal_add(struct journal *j, json_t *entry)
{
	_cleanup_free_ char *text = ju_dump(entry);

	remember(j, text, strlen(text), ju_int(entry, "w", 0));
	json_decref(entry);
	if (j->pending.len < JOURNAL_MEMORY) {  /* the disk hangs: memory stays bounded */
		buf_puts(&j->pending, text);
		buf_puts(&j->pending, "\n");
	}
	flush(j);
}

json_t *journal_since(const struct journal *j, int64_t since_ms)
{
	json_t *list = json_array();

	for (const struct line *l = j->first; l; l = l->next) {
		json_t *entry = l->wall_ms >= since_ms ? json_loadb(l->text, l->len, 0, NULL) : NULL;

		if (entry)
			ju_push(list, entry);
	}
	return list;
}

static void load_tail(struct journal *j)
{
	_cleanup_free_ char *name = file_name(0);
	FILE *f = fopen(name, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		return;
	(void)fseek(f, 0, SEEK_END);
	if (ftell(f) > (long)JOURNAL_MEMORY)
		(void)fseek(f, -(long)JOURNAL_MEMORY, SEEK_END);
	else
		rewind(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		json_t *entry = json_loadb(line, (size_t)n, 0, NULL);   /* the first one may be half a line */

		if (entry)
			remember(j, line, (size_t)(line[n - 1] == '\n' ? n - 1 : n), ju_int(entry, "w", 0));
		json_decref(entry);
	}
	free(line);
	fclose(f);
}

struct journal *journal_new(uv_loop_t *loop)
{
	struct journal *j = xcalloc(1, sizeof *j);

	j->loop = loop;
	j->last = &j->first;
	j->work.data = j;
	(void)path_mkdirs(path_state(PATH_JOURNAL), 0755);
	load_tail(j);
	return j;
}
