#include "pmfd/stuck.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "pmfd/spawn.h"

#define THREADS_MAX  64                 /* of a process, that are looked at */
#define COMMAND_MAX  160
#define SYSCALL_MAX  160
#define STACK_MAX    600
#define FRAMES_MAX   12

/* The lower, the more it tells of why nothing goes on. */
enum rank { RANK_UNINTERRUPTIBLE, RANK_RUNS, RANK_LEAF, RANK_OTHER_LEAF, RANK_PARENT, RANK_DEAD };

struct process {
	pid_t     pid, parent, thread;  /* thread: the one that is told of */
	char      name[32], state, wchan[64];
	bool      ours;                 /* descends from the program; what does not was left behind by somebody */
	enum rank rank;
};

struct stuck {
	void     (*done)(void *ctx, json_t *seen);      /* NULL: told, or forgotten */
	void      *ctx;
	json_t    *seen;
	pid_t      reader;
	int        fds[2], reader_fd;   /* pipe from the reader; pidfd */
	uv_poll_t  ended;
	uv_timer_t limit;
	int        handles;
};

/* ---- what never blocks ---- */

/* One read, with a NUL at its end; 0: nothing. */
static size_t read_at(int dir, const char *path, char *buf, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : 0;

	if (fd >= 0)
		close(fd);
	buf[MAX(n, 0)] = '\0';
	return (size_t)MAX(n, 0);
}

/* "PID (NAME) STATE PARENT ...": the name may hold anything. */
static bool read_stat(const char *path, struct process *p)
{
	char text[512], *open, *close;
	int parent;

	read_at(AT_FDCWD, path, text, sizeof text);
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || sscanf(close + 1, " %c %d", &p->state, &parent) != 2)
		return false;
	p->parent = parent;
	(void)snprintf(p->name, sizeof p->name, "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

/* The thread that is in uninterruptible sleep; else the first. */
static void pick_thread(struct process *p)
{
	char path[64];
	DIR *tasks;
	int n = 0;

	p->thread = p->pid;
	(void)snprintf(path, sizeof path, "/proc/%d/task", (int)p->pid);
	tasks = p->state == 'D' ? NULL : opendir(path);
	for (struct dirent *e; tasks && n < THREADS_MAX && (e = readdir(tasks)); n++) {
		struct process one = { .pid = (pid_t)strtol(e->d_name, NULL, 10) };

		(void)snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)p->pid, (int)one.pid);
		if (one.pid <= 0 || !read_stat(path, &one) || one.state != 'D')
			continue;
		p->thread = one.pid;
		p->state = 'D';
		break;
	}
	if (tasks)
		(void)closedir(tasks);
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/wchan", (int)p->pid, (int)p->thread);
	read_at(AT_FDCWD, path, p->wchan, sizeof p->wchan);
	if (streq(p->wchan, "0"))       /* runs, or this kernel does not tell */
		p->wchan[0] = '\0';
}

static const struct process *find(const struct process *all, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].pid == pid)
			return &all[i];
	return NULL;
}

static bool descends(const struct process *all, size_t n, const struct process *p, pid_t root)
{
	for (size_t depth = 0; p && p->pid != root && p->parent != root; depth++)
		p = depth < n ? find(all, n, p->parent) : NULL;
	return p;
}

static enum rank rank_of(const struct process *all, size_t n, const struct process *p)
{
	bool leaf = true;

	for (size_t i = 0; i < n; i++)
		leaf &= all[i].parent != p->pid || strchr("ZX", all[i].state);
	if (strchr("ZX", p->state))
		return RANK_DEAD;
	if (p->state == 'D')
		return RANK_UNINTERRUPTIBLE;
	if (p->state == 'R' && p->ours)
		return RANK_RUNS;
	return !leaf ? RANK_PARENT : p->ours ? RANK_LEAF : RANK_OTHER_LEAF;
}

static int compare(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return x->rank != y->rank ? (int)x->rank - (int)y->rank : x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* All that are there, the most telling first. */
static size_t look_at(const pid_t *pids, size_t count, pid_t root, struct process *all)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		char path[32];

		all[n] = (struct process) { .pid = pids[i] };
		(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pids[i]);
		if (!read_stat(path, &all[n]))
			continue;
		pick_thread(&all[n]);
		n++;
	}
	for (size_t i = 0; i < n; i++)
		all[i].ours = descends(all, n, &all[i], root);
	for (size_t i = 0; i < n; i++)
		all[i].rank = rank_of(all, n, &all[i]);
	if (n)
		qsort(all, n, sizeof *all, compare);
	return n;
}

static json_t *pressure_of(const struct tree *tree)
{
	static const char *const kinds[] = { "cpu", "io", "memory" };
	json_t *all = json_object();

	for (size_t i = 0; tree->fd >= 0 && i < ARRAY_SIZE(kinds); i++) {
		_cleanup_free_ char *name = xasprintf("%s.pressure", kinds[i]);
		char text[256];

		if (read_at(tree->fd, name, text, sizeof text))
			ju_set_new(all, kinds[i], ju_text(text, strcspn(text, "\n")));
	}
	return all;
}

static json_t *line_of(const struct process *all, size_t n, size_t more)
{
	static const struct { char state; const char *text; } states[] = {
		{ 'R', "is running" }, { 'D', "is in uninterruptible sleep" }, { 'S', "sleeps" }, { 'I', "sleeps" },
		{ 'T', "is stopped" }, { 't', "is stopped by a debugger" }, { 'Z', "is dead and not waited for" },
	};
	const char *what = "is there";
	struct buf b = { 0 };
	json_t *line;

	if (!n)
		return json_string("no process is left");
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (states[i].state == all->state)
			what = states[i].text;
	buf_printf(&b, "pid %d (%s) ", (int)all->pid, all->name);
	if (*all->wchan && strchr("DSI", all->state))
		buf_printf(&b, "waits in %s%s", all->wchan, all->state == 'D' ? ", uninterruptible" : "");
	else
		buf_puts(&b, what);
	if (n + more > 1)
		buf_printf(&b, "; %zu other process%s", n + more - 1, n + more > 2 ? "es" : "");
	line = ju_text(b.s, b.len);
	buf_done(&b);
	return line;
}

static json_t *processes_json(struct process *all, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		ju_push(list, ju_pack("{si,si,so,ss#,so}", "pid", (int)all[i].pid, "parent", (int)all[i].parent, "name",
				      ju_text(all[i].name, strlen(all[i].name)), "state", &all[i].state, 1, "wchan",
				      ju_text(all[i].wchan, strlen(all[i].wchan))));
	return list;
}

/* ---- what may block: the child.  It allocates nothing, for it was forked beside other threads. ---- */

struct record { int index, what; size_t len; };
static const struct { const char *file, *member; size_t max; } slow[] = {
	{ "syscall", "syscall", SYSCALL_MAX }, { "stack", "stack", STACK_MAX }, { "cmdline", "command", COMMAND_MAX },
};

static _Noreturn void reader_main(const struct process *all, size_t n, int out)
{
	static char text[STACK_MAX + 1];
	size_t left = STUCK_BYTES;

	spawn_reset_signals();
	(void)dup2(out, 3);             /* it may be stuck itself for longer than pmfd lives: nothing else is kept */
	(void)syscall(SYS_close_range, 4u, ~0u, 0);
	(void)syscall(SYS_close_range, 0u, 2u, 0);
	for (size_t w = 0; w < ARRAY_SIZE(slow); w++)
		for (size_t i = 0; i < n; i++) {
			struct record record = { .index = (int)i, .what = (int)w };
			size_t max = MIN(slow[w].max, left);
			char path[64];

			(void)snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)all[i].pid, (int)all[i].thread, slow[w].file);
			record.len = read_at(AT_FDCWD, path, text, max + 1);
			left -= record.len;
			struct iovec parts[] = { { &record, sizeof record }, { text, record.len } };

			if (record.len)         /* the pipe holds all of it */
				(void)!writev(3, parts, ARRAY_SIZE(parts));
		}
	_exit(0);
}

/* "[<0>] do_wait+0x4e/0xc0\n..." -> ["do_wait", ...] */
static json_t *frames(char *text)
{
	json_t *list = json_array();
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line && json_array_size(list) < FRAMES_MAX; line = strtok_r(NULL, "\n", &save)) {
		char *name = strchr(line, ']') ? strchr(line, ']') + 1 : line;

		name += strspn(name, " ");
		ju_push(list, ju_text(name, strcspn(name, "+ ")));
	}
	return list;
}

static json_t *slow_json(const char *member, char *text, size_t len)
{
	if (streq(member, "stack"))
		return frames(text);
	for (size_t i = 0; i < len; i++)
		if (!text[i] || text[i] == '\n')
			text[i] = ' ';
	while (len && text[len - 1] == ' ')
		len--;
	return ju_text(text, len);
}

static void take_records(struct stuck *s)
{
	static char all[1 << 16];
	ssize_t n = read(s->fds[0], all, sizeof all);   /* what a pipe holds */
	char text[STACK_MAX + 1];
	struct record record;

	for (size_t at = 0; n > 0 && at + sizeof record <= (size_t)n; at += record.len) {
		memcpy(&record, all + at, sizeof record);
		at += sizeof record;
		if (record.len > STACK_MAX || at + record.len > (size_t)n)
			break;
		memcpy(text, all + at, record.len);
		text[record.len] = '\0';
		ju_set_new(json_array_get(ju_arr(s->seen, "processes"), (size_t)record.index), slow[record.what].member,
			   slow_json(slow[record.what].member, text, record.len));
	}
}

/* ---- life ---- */

static void release(uv_handle_t *handle)
{
	struct stuck *s = handle->data;

	if (--s->handles)
		return;
	json_decref(s->seen);
	free(s);
}

static void tell(struct stuck *s)
{
	void (*done)(void *ctx, json_t *seen) = TAKE_PTR(s->done);

	if (!done)
		return;
	if (s->fds[0] >= 0)
		take_records(s);
	done(s->ctx, json_incref(s->seen));
}

static void finish(struct stuck *s)
{
	for (int i = 0; i < 2; i++)
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	if (s->reader_fd >= 0) {
		uv_close((uv_handle_t *)&s->ended, release);
		close(s->reader_fd);
	}
	uv_close((uv_handle_t *)&s->limit, release);
}

static void reader_ended(uv_poll_t *handle, int status, int events)
{
	struct stuck *s = handle->data;

	if (waitpid(s->reader, NULL, WNOHANG) != s->reader)
		return;
	tell(s);
	finish(s);
}

/* It waits for a lock: it goes when it has that, and is told to. */
static void limit_reached(uv_timer_t *timer)
{
	struct stuck *s = timer->data;

	tell(s);
	if (s->reader_fd < 0)
		finish(s);
	else
		(void)kill(s->reader, SIGKILL);
}

static void start_reader(struct stuck *s, uv_loop_t *loop, const struct process *all, size_t n)
{
	int r;

	if (pipe2(s->fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		s->fds[0] = s->fds[1] = -1;
		return;
	}
	s->reader = spawn_fork(-1, &s->reader_fd);
	if (s->reader == 0)
		reader_main(all, n, s->fds[1]);
	if (s->reader < 0) {
		s->reader_fd = -1;
		return;
	}
	r = uv_poll_init(loop, &s->ended, s->reader_fd);
	assert(r == 0);
	s->ended.data = s;
	s->handles++;
	(void)uv_poll_start(&s->ended, UV_READABLE, reader_ended);      /* cannot fail on a fresh handle */
}

struct stuck *stuck_look(uv_loop_t *loop, const struct tree *tree, pid_t root, void (*done)(void *ctx, json_t *seen), void *ctx)
{
	struct stuck *s = xcalloc(1, sizeof *s);
	pid_t *pids = xcalloc(TREE_PIDS_MAX, sizeof *pids);
	struct process *all;
	size_t count = tree_pids(tree, root, pids, TREE_PIDS_MAX), n;

	if (tree->fd < 0 && count)
		root = pids[0];         /* of the reaper's children the oldest; the others are orphans */
	all = xcalloc(MIN(count, (size_t)STUCK_PROCESSES) + 1, sizeof *all);
	n = look_at(pids, MIN(count, (size_t)STUCK_PROCESSES), root, all);
	count -= MIN(count, (size_t)STUCK_PROCESSES);
	*s = (struct stuck) { .done = done, .ctx = ctx, .fds = { -1, -1 }, .reader_fd = -1, .handles = 1 };
	s->seen = ju_pack("{so,so,sI,so}", "line", line_of(all, n, count), "processes", processes_json(all, n), "more",
			  (json_int_t)count, "pressure", pressure_of(tree));
	(void)uv_timer_init(loop, &s->limit);   /* never fails */
	s->limit.data = s;
	start_reader(s, loop, all, n);
	(void)uv_timer_start(&s->limit, limit_reached, s->reader_fd >= 0 ? STUCK_WAIT_MS : 0, 0);
	free(all);
	free(pids);
	return s;
}

struct stuck *stuck_forget(struct stuck *s)
{
	if (s)
		s->done = NULL;
	return NULL;
}
