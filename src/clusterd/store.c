#include "clusterd/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/paths.h"
#include "ccr/ccr.h"

#define EPOCH_DIR  "/var/cluster/cmm"
#define EPOCH_FILE "/var/cluster/cmm/epoch"
#define EPOCH_SLOT 512
#define HISTORY_DIR  "/var/cluster/ccr"
#define HISTORY_FILE "/var/cluster/ccr/history"

static int epoch_fd = -1;

/* ---- files ---- */

static int sync_dir(const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The file is whole and durable under its name, or (on error) was never there. */
static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(path);     /* half a file helps nobody */
	return r;
}

static char *table_path(const char *table, const char *suffix)
{
	return xasprintf("%s/%s%s", path_state(PATH_CCR), table, suffix);
}

static int put_table(const char *table, const char *text)
{
	_cleanup_free_ char *tmp = table_path(table, ".tmp"), *path = table_path(table, "");
	int r = write_file(tmp, text);

	if (r < 0)
		return r;
	if (rename(tmp, path) < 0)
		return -errno;
	return sync_dir(path_state(PATH_CCR));
}

static int put_intent(const char *table, const char *text)
{
	_cleanup_free_ char *path = table_path(table, ".intent");
	int r = write_file(path, text);

	return r < 0 ? r : sync_dir(path_state(PATH_CCR));
}

/* The intent is on the disk since this node voted; a joiner has none and writes the table whole. */
static int commit_table(const char *table, const char *text)
{
	_cleanup_free_ char *intent = table_path(table, ".intent"), *path = table_path(table, "");

	if (rename(intent, path) == 0)
		return sync_dir(path_state(PATH_CCR));
	return errno == ENOENT ? put_table(table, text) : -errno;
}

static int remove_file(const char *table, const char *suffix)
{
	_cleanup_free_ char *path = table_path(table, suffix);

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* ---- epoch ---- */

struct epoch_slot { uint64_t magic, seq, epoch, keys, synced, amnesia, sum; };
#define EPOCH_MAGIC 0x45504f4348323030ULL       /* "EPOCH200" */
static struct epoch_slot last_record;           /* its slot is seq % 2 */

static uint64_t slot_sum(const struct epoch_slot *s)
{
	static const uint64_t prime = 0x9e3779b97f4a7c15ULL;

	const uint64_t values[] = { s->magic, s->seq, s->epoch, s->keys, s->synced, s->amnesia };
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		sum = (sum ^ values[i]) * prime;
	return sum;
}

static bool read_slot(unsigned slot, struct epoch_slot *ret)
{
	struct epoch_slot s = { 0 };

	if (pread(epoch_fd, &s, sizeof s, (off_t)slot * EPOCH_SLOT) != sizeof s || s.magic != EPOCH_MAGIC || s.sum != slot_sum(&s))
		return false;
	*ret = s;
	return true;
}

/* s: without magic, number and sum. */
static int write_record(struct epoch_slot s)
{
	s.magic = EPOCH_MAGIC;
	s.seq = last_record.seq + 1;
	s.sum = slot_sum(&s);
	errno = 0;
	if (pwrite(epoch_fd, &s, sizeof s, (off_t)(s.seq % 2) * EPOCH_SLOT) != sizeof s)
		return errno ? -errno : -EIO;
	if (fdatasync(epoch_fd) < 0)
		return -errno;
	last_record = s;
	return 0;
}

int store_epoch_open(struct store_record *ret, struct err *err)
{
	const char *path = path_state(EPOCH_FILE);
	char zero[2 * EPOCH_SLOT] = { 0 };
	struct stat st;

	(void)path_mkdirs(path_state(EPOCH_DIR), 0755);
	epoch_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (epoch_fd < 0 || fstat(epoch_fd, &st) < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	if (st.st_size < (off_t)sizeof zero &&
	    (pwrite(epoch_fd, zero, sizeof zero, 0) != sizeof zero || fsync(epoch_fd) < 0))
		return err_set(err, -EIO, "cannot make room in %s: %s", path, strerror(errno));
	(void)sync_dir(path_state(EPOCH_DIR));
	for (unsigned slot = 0; slot < 2; slot++) {
		struct epoch_slot s;

		if (read_slot(slot, &s) && s.seq > last_record.seq)
			last_record = s;
	}
	*ret = (struct store_record) { .epoch = last_record.epoch, .keys = last_record.keys, .synced = last_record.synced,
				       .amnesia = last_record.amnesia };
	return 0;
}

/* ---- loading ---- */

static int read_file(const char *path, struct buf *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char part[65536];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, part, sizeof part)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (ret->len + (size_t)n > CCR_TABLE_BYTES_MAX)
			return -EFBIG;
		buf_add(ret, part, (size_t)n);
	}
	return 0;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && streq(name + n - m, suffix);
}

static void set_aside(const char *name, const char *why, void (*note)(const char *text, void *ctx), void *ctx)
{
	_cleanup_free_ char *from = table_path(name, ""), *to = table_path(name, ".damaged");
	struct epoch_slot forgot = last_record;

	/* Before the file goes: a node that starts again meanwhile must know, too, that something is missing. */
	forgot.amnesia = 1;
	if (epoch_fd >= 0 && write_record(forgot) < 0)
		note("cannot write down that a table is damaged", ctx);
	_cleanup_free_ char *text = xasprintf("table %s is not used: %s; it was renamed to %s, and the copy of another member "
					      "takes its place", from, why, to);

	(void)rename(from, to);         /* kept for whoever wants to look; if that fails it is overwritten at join */
	note(text, ctx);
}

int store_load(void (*table)(const char *name, uint64_t gen, const json_t *data, void *ctx),
	       void (*note)(const char *text, void *ctx), void *ctx, struct err *err)
{
	const char *dir = path_state(PATH_CCR);
	struct dirent *d;
	DIR *dp = opendir(dir);

	if (!dp)
		return err_set(err, -errno, "cannot read the configuration repository %s: %s", dir, strerror(errno));
	while ((d = readdir(dp))) {
		const char *name = d->d_name;
		struct buf text = { 0 };
		struct err why = { 0 };
		json_t *data = NULL;
		uint64_t gen;

		if (name[0] == '.' || ends_with(name, ".damaged"))
			continue;
		if (ends_with(name, ".tmp") || ends_with(name, ".intent")) {
			(void)remove_file(name, "");    /* success was not reported for it: it never happened */
			continue;
		}
		_cleanup_free_ char *path = table_path(name, "");
		int r = read_file(path, &text);

		if (r < 0)
			(void)err_set(&why, r, "it cannot be read: %s", strerror(-r));
		if (r == 0 && ccr_table_name_ok(name) && ccr_parse(text.s ? text.s : "", text.len, &gen, &data, &why) == 0)
			table(name, gen, data, ctx);
		else
			set_aside(name, why.text[0] ? why.text : "its name is not one of a table", note, ctx);
		json_decref(data);
		buf_done(&text);
	}
	closedir(dp);
	return 0;
}

/* ---- history ---- */

/* One line an entry.  A power cut can leave half a line at the end; nothing else writes here. */
static int append_history(const char *text)
{
	_cleanup_close_ int fd = open(path_state(HISTORY_FILE), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		(void)sync_dir(path_state(HISTORY_DIR));        /* it may be new; a name that is lost is a history that is lost */
	r = write_all(fd, text, strlen(text));
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	if (r < 0)
		(void)!ftruncate(fd, st.st_size);       /* half a line would spoil the next one, too */
	return r;
}

static int replace_history(const char *text)
{
	int r = write_file(path_state(HISTORY_FILE ".new"), text);

	if (r < 0)
		return r;
	if (rename(path_state(HISTORY_FILE ".new"), path_state(HISTORY_FILE)) < 0)
		return -errno;
	return sync_dir(path_state(HISTORY_DIR));
}

static bool take_history_line(const char *line, size_t len, void (*entry)(const json_t *entry, size_t bytes, void *ctx),
			      void *ctx)
{
	json_t *e = line[len - 1] == '\n' ? json_loadb(line, len - 1, 0, NULL) : NULL;

	entry(e, len, ctx);
	json_decref(e);
	return e != NULL;
}

void store_history_load(void (*entry)(const json_t *entry, size_t bytes, void *ctx), void (*note)(const char *text, void *ctx),
			void *ctx)
{
	FILE *f = fopen(path_state(HISTORY_FILE), "re");
	size_t cap = 0, damaged = 0;
	char *line = NULL;
	ssize_t n;

	if (!f) {
		(void)path_mkdirs(path_state(HISTORY_DIR), 0700);       /* if that fails, the first entry says so */
		return;
	}
	while ((n = getline(&line, &cap, f)) > 0)
		damaged += !take_history_line(line, (size_t)n, entry, ctx);
	if (damaged) {
		_cleanup_free_ char *text = xasprintf("%s: %zu damaged lines were left out of the history of the configuration",
						      path_state(HISTORY_FILE), damaged);

		note(text, ctx);
	}
	free(line);
	fclose(f);
}

bool store_amnesia(void) { return last_record.amnesia; }

/* ---- queue ---- */

struct store_queue {
	uv_loop_t *loop;
	void (*done)(const json_t *request, const char *error, void *ctx);
	void *ctx;
	json_t *waiting;
	bool busy;
	uv_work_t work;
	char *op, *table, *text;        /* of the request under way: the worker touches no JSON */
	bool whole;
	struct epoch_slot record;
	int result;
};

static void work(uv_work_t *w)
{
	struct store_queue *q = w->data;

	if (streq(q->op, "epoch"))
		q->result = write_record(q->record);
	else if (streq(q->op, "intent"))
		q->result = put_intent(q->table, q->text);
	else if (streq(q->op, "commit"))
		q->result = commit_table(q->table, q->text);
	else if (streq(q->op, "write"))
		q->result = put_table(q->table, q->text);
	else if (streq(q->op, "drop"))
		q->result = remove_file(q->table, ".intent");
	else if (streq(q->op, "forget"))
		q->result = remove_file(q->table, "");
	else if (streq(q->op, "history"))
		q->result = q->whole ? replace_history(q->text) : append_history(q->text);
	else
		q->result = 0;          /* a mark */
}

static void start(struct store_queue *q);

static void worked(uv_work_t *w, int status)
{
	struct store_queue *q = w->data;
	json_t *request = json_incref(json_array_get(q->waiting, 0));
	int r = status < 0 ? status : q->result;

	json_array_remove(q->waiting, 0);
	q->busy = false;
	start(q);
	q->done(request, r < 0 ? strerror(-r) : NULL, q->ctx);
	json_decref(request);
}

static void start(struct store_queue *q)
{
	const json_t *request = json_array_get(q->waiting, 0);

	if (q->busy || !request)
		return;
	q->busy = true;
	free(q->op);
	free(q->table);
	free(q->text);
	q->op = xstrdup(ju_str(request, "op", ""));
	q->table = xstrdup(ju_str(request, "table", ""));
	q->text = xstrdup(ju_str(request, "text", ""));
	q->whole = ju_bool(request, "whole", false);
	q->record = (struct epoch_slot) {
		.epoch = (uint64_t)ju_int(request, "epoch", 0), .keys = (uint64_t)ju_int(request, "keys", 0),
		.synced = (uint64_t)ju_int(request, "synced", 0), .amnesia = ju_bool(request, "amnesia", false),
	};
	uv_queue_work(q->loop, &q->work, work, worked);
}

struct store_queue *store_queue_new(uv_loop_t *loop, void (*done)(const json_t *request, const char *error, void *ctx),
				    void *ctx)
{
	struct store_queue *q = xcalloc(1, sizeof *q);

	q->loop = loop;
	q->done = done;
	q->ctx = ctx;
	q->waiting = json_array();
	q->work.data = q;
	return q;
}

void store_queue_add(struct store_queue *q, json_t *request)
{
	ju_push(q->waiting, request);
	start(q);
}
