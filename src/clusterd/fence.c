/* An order goes through the levels of its node, cluster.nodes.N.fence.LEVEL.*, until one has made sure:
 *
 *   METADATA ──> OFF ──> STATUS: the agent itself says that the node is off ──> done
 *      └────────────┴───────┴── it fails, takes too long, or says otherwise ──> next level; after the last: failed
 *
 * Agents are those of the fence-agents package: parameters on stdin, name=value a line, so that no secret is in ps.  A
 * parameter FOO_file names a file whose first line is the value of FOO.  The order is its own record: nothing is kept of it
 * but in the journal. */
#include "clusterd/fence.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"

#define LEVELS_MAX      9u
#define TIMEOUT_S       60u
#define OUTPUT_MAX      (64u << 10)
#define STATUS_IS_OFF   2       /* exit code of a fence agent's status action */

enum step { STEP_METADATA, STEP_OFF, STEP_STATUS, STEP_COUNT };
static const char *const actions[STEP_COUNT] = { "metadata", "off", "status" };

struct order {
	struct order *next;
	struct fence *fence;
	json_t  *order, *params;        /* of the present level: name -> value */
	json_t  *table;
	unsigned level;
	enum step step;
	bool     has_status, void_, timed_out;
	char     agent[64];
	struct buf output, errors;      /* errors: what each level said */
	uv_process_t process;
	uv_pipe_t in, out;
	uv_timer_t timer;
	unsigned open_handles;
	int64_t  exit_code;
	char    *input;
	uv_write_t write;
	uv_shutdown_t shutdown;
};

struct fence {
	uv_loop_t *loop;
	void (*ended)(void *ctx, const json_t *order, const char *how, const char *error);
	void *ctx;
	struct order *orders;
};

static void next_level(struct order *o);
static void run_step(struct order *o);

static void order_done(struct order *o, bool off)
{
	struct order **at = &o->fence->orders;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	if (!o->void_)
		o->fence->ended(o->fence->ctx, o->order, o->agent, off ? NULL : o->errors.s ? o->errors.s : "no fence agent is configured");
	json_decref(o->order);
	json_decref(o->params);
	json_decref(o->table);
	buf_done(&o->output);
	buf_done(&o->errors);
	free(o->input);
	free(o);
}

static void level_failed(struct order *o, const char *why)
{
	buf_printf(&o->errors, "%s%s (level %u): %s", o->errors.len ? "; " : "", o->agent, o->level, why);
	next_level(o);
}

/* The last line of what an agent says is mostly the reason. */
static const char *last_line(struct buf *b)
{
	char *s = b->s, *nl;
	size_t n = b->len;

	while (n && (s[n - 1] == '\n' || s[n - 1] == '\r' || s[n - 1] == ' '))
		s[--n] = '\0';
	if (!n)
		return "no output";
	nl = strrchr(s, '\n');
	return nl ? nl + 1 : *s ? s : "no output";
}

static void step_ended(struct order *o)
{
	if (o->void_) {
		order_done(o, false);
	} else if (o->timed_out) {
		level_failed(o, "it did not end in time");
	} else if (o->step == STEP_METADATA) {
		/* Agents of power switches that cannot be asked exist; for them the exit code of "off" has to do. */
		o->has_status = o->exit_code == 0 && o->output.s && strstr(o->output.s, "name=\"status\"");
		o->step = STEP_OFF;
		if (o->exit_code != 0) {
			_cleanup_free_ char *why = xasprintf("it does not tell its metadata: %s", last_line(&o->output));

			level_failed(o, why);
		} else {
			run_step(o);
		}
	} else if (o->step == STEP_OFF && o->exit_code == 0 && o->has_status) {
		o->step = STEP_STATUS;
		run_step(o);
	} else if (o->step == STEP_OFF ? o->exit_code == 0 : o->exit_code == STATUS_IS_OFF) {
		order_done(o, true);
	} else if (o->step == STEP_STATUS) {
		level_failed(o, "it says that the node is still on");
	} else {
		level_failed(o, last_line(&o->output));
	}
}

/* ---- the agent ---- */

static void on_closed(uv_handle_t *handle)
{
	struct order *o = handle->data;

	if (--o->open_handles == 0)
		step_ended(o);
}

static void close_all(struct order *o)
{
	uv_close((uv_handle_t *)&o->process, on_closed);
	uv_close((uv_handle_t *)&o->in, on_closed);
	uv_close((uv_handle_t *)&o->out, on_closed);
	uv_close((uv_handle_t *)&o->timer, on_closed);
}

/* What it said last may not have been read yet; a child of its may keep the pipe open, so nobody waits for the end of it. */
static void read_rest(struct order *o)
{
	char part[4096];
	uv_os_fd_t fd;
	ssize_t n;

	if (uv_fileno((uv_handle_t *)&o->out, &fd) < 0)
		return;
	while (o->output.len < OUTPUT_MAX && (n = read(fd, part, sizeof part)) > 0)     /* libuv's pipes do not block */
		buf_add(&o->output, part, (size_t)n);
}

static void on_exit_of_agent(uv_process_t *process, int64_t status, int sig)
{
	struct order *o = process->data;

	read_rest(o);

	o->exit_code = sig ? -1 : status;
	close_all(o);
}

static void on_timeout(uv_timer_t *timer)
{
	struct order *o = timer->data;

	o->timed_out = true;
	uv_kill(-o->process.pid, SIGKILL);      /* its whole group, see UV_PROCESS_DETACHED */
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	(void)handle;
	*ret = uv_buf_init(xcalloc(1, suggested), (unsigned)suggested);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct order *o = stream->data;

	if (n > 0 && o->output.len < OUTPUT_MAX)
		buf_add(&o->output, buf->base, (size_t)n);
	free(buf->base);
}

/* An agent that ends without reading is judged by its exit code. */
static void on_input_written(uv_write_t *write, int status)
{
	(void)write;
	(void)status;
}

static void on_input_ended(uv_shutdown_t *shutdown, int status)
{
	(void)shutdown;
	(void)status;
}

/* The first line of a file that only root can read should be all that is in it. */
static char *read_secret(const char *path)
{
	char line[512] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return NULL;
	if (!fgets(line, sizeof line, f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return xstrdup(line);
}

static char *make_input(const struct order *o)
{
	struct buf b = { 0 };
	const char *name;
	json_t *v;

	buf_printf(&b, "action=%s\n", actions[o->step]);
	json_object_foreach(o->params, name, v) {
		size_t n = strlen(name);

		if (n > 5 && streq(name + n - 5, "_file")) {
			_cleanup_free_ char *secret = read_secret(json_string_value(v));

			if (secret)
				buf_printf(&b, "%.*s=%s\n", (int)(n - 5), name, secret);
			else
				log_err("fencing: cannot read %s", json_string_value(v));
		} else {
			buf_printf(&b, "%s=%s\n", name, json_string_value(v));
		}
	}
	return buf_take(&b);
}

static uint64_t timeout_ms(const struct order *o)
{
	_cleanup_free_ char *key = xasprintf("cluster.nodes.%u.fence.%u.timeout", (unsigned)ju_int(o->order, "node", 0), o->level);
	unsigned long s = strtoul(ju_str(o->table, key, "0"), NULL, 10);

	return (s ? s : TIMEOUT_S) * 1000;
}

static bool spawn(struct order *o, const char *path)
{
	char *argv[] = { (char *)path, NULL };
	uv_stdio_container_t stdio[] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&o->in },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&o->out },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
	};
	const uv_process_options_t options = {
		.file = path, .args = argv, .exit_cb = on_exit_of_agent, .stdio = stdio, .stdio_count = ARRAY_SIZE(stdio),
		.flags = UV_PROCESS_DETACHED,
	};

	return uv_spawn(o->fence->loop, &o->process, &options) == 0;
}

/* Those of the package, then an administrator's own.  Caller frees. */
static char *find_agent(const char *agent)
{
	const char *const dirs[] = { "/usr/sbin", path_state("/opt/cluster/lib/fence") };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char *path = xasprintf("%s/%s", dirs[i], agent);

		if (access(path, X_OK) == 0 || i + 1 == ARRAY_SIZE(dirs))
			return path;
		free(path);
	}
	return NULL;
}

static void run_step(struct order *o)
{
	_cleanup_free_ char *path = find_agent(o->agent);
	uv_buf_t buf;

	uv_pipe_init(o->fence->loop, &o->in, 0);
	uv_pipe_init(o->fence->loop, &o->out, 0);
	uv_timer_init(o->fence->loop, &o->timer);
	o->in.data = o->out.data = o->timer.data = o->process.data = o;
	o->open_handles = 4;
	o->timed_out = false;
	buf_done(&o->output);
	o->output = (struct buf) { 0 };
	if (!spawn(o, path)) {
		buf_puts(&o->output, "it cannot be run: is the package fence-agents installed?");
		o->exit_code = -1;
		close_all(o);
		return;
	}
	free(o->input);
	o->input = make_input(o);
	buf = uv_buf_init(o->input, (unsigned)strlen(o->input));
	(void)uv_write(&o->write, (uv_stream_t *)&o->in, &buf, 1, on_input_written);
	(void)uv_shutdown(&o->shutdown, (uv_stream_t *)&o->in, on_input_ended);
	uv_read_start((uv_stream_t *)&o->out, on_alloc, on_output);
	uv_timer_start(&o->timer, on_timeout, timeout_ms(o), 0);
}

/* ---- levels ---- */

static bool agent_name_ok(const char *name)
{
	return strncmp(name, "fence_", 6) == 0 && strlen(name) < 60 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

static void next_level(struct order *o)
{
	unsigned node = (unsigned)ju_int(o->order, "node", 0);

	while (++o->level <= LEVELS_MAX) {
		_cleanup_free_ char *prefix = xasprintf("cluster.nodes.%u.fence.%u.", node, o->level);
		const char *key;
		json_t *v;

		json_decref(o->params);
		o->params = json_object();
		o->agent[0] = '\0';
		json_object_foreach(o->table, key, v) {
			if (strncmp(key, prefix, strlen(prefix)) != 0)
				continue;
			if (streq(key + strlen(prefix), "agent"))
				(void)snprintf(o->agent, sizeof o->agent, "%s", json_string_value(v));
			else if (!streq(key + strlen(prefix), "timeout"))
				json_object_set(o->params, key + strlen(prefix), v);
		}
		if (!o->agent[0])
			continue;
		if (!agent_name_ok(o->agent)) {
			level_failed(o, "this is no name of a fence agent");
			return;
		}
		o->step = STEP_METADATA;
		run_step(o);
		return;
	}
	order_done(o, false);
}

void fence_order(struct fence *f, const json_t *infrastructure, const json_t *order)
{
	struct order *o = xcalloc(1, sizeof *o);

	o->fence = f;
	o->order = json_deep_copy(order);
	o->table = json_deep_copy(infrastructure);
	o->next = f->orders;
	f->orders = o;
	next_level(o);
}

void fence_cancel(struct fence *f, bool (*is_wanted)(void *ctx, const json_t *order), void *ctx)
{
	for (struct order *o = f->orders; o; o = o->next) {
		if (o->void_ || is_wanted(ctx, o->order))
			continue;
		o->void_ = true;
		if (uv_is_active((uv_handle_t *)&o->process))
			uv_kill(-o->process.pid, SIGKILL);
	}
}

struct fence *fence_new(uv_loop_t *loop, void (*ended)(void *ctx, const json_t *order, const char *how, const char *error), void *ctx)
{
	struct fence *f = xcalloc(1, sizeof *f);

	f->loop = loop;
	f->ended = ended;
	f->ctx = ctx;
	return f;
}
