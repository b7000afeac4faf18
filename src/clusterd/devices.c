/* Quorum devices at the edge: what the engine asks of them goes to quorumd, a child of clusterd (src/quorum/README.md), one
 * JSON object a line.  Nothing here decides.  A child that dies is started again; what it was asked has failed then. */
#include "clusterd/devices.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"
#include "clusterd/devicetable.h"
#include "cmm/cmm.h"

#define QUORUMD         PREFIX_SC "/quorumd"
#define LINE_MAX_BYTES  (1u << 20)
#define RESTART_MS      1000

struct devices {
	uv_loop_t *loop;
	uint32_t self;
	void (*ended)(void *ctx, const json_t *request, const json_t *result);
	void *ctx;

	json_t  *config;                /* as sent last; NULL: there are no devices */
	json_t  *asked;                 /* id -> request */
	int64_t  counter;
	uv_process_t process;
	uv_pipe_t pipe;
	uv_timer_t restart;
	bool     running, closing;      /* closing: the handles of the last child are going */
	unsigned open_handles;
	struct buf in;
};

struct write { uv_write_t req; char *text; };

static void on_written(uv_write_t *req, int status)
{
	struct write *w = (struct write *)req;

	(void)status;                   /* a child that does not read any more is about to end */
	free(w->text);
	free(w);
}

static void send_line(struct devices *d, const json_t *message)
{
	struct write *w = xcalloc(1, sizeof *w);
	uv_buf_t buf;

	_cleanup_free_ char *text = ju_dump(message);

	w->text = xasprintf("%s\n", text);
	buf = uv_buf_init(w->text, (unsigned)strlen(w->text));
	if (uv_write(&w->req, (uv_stream_t *)&d->pipe, &buf, 1, on_written) < 0)
		on_written(&w->req, -EPIPE);
}

/* ---- answers ---- */

static void answer(struct devices *d, const char *id, const json_t *result)
{
	json_t *request = json_incref(json_object_get(d->asked, id));

	if (!request)
		return;                 /* of a configure */
	json_object_del(d->asked, id);
	d->ended(d->ctx, request, result);
	json_decref(request);
}

static void fail_all(struct devices *d, const char *why)
{
	json_t *asked = d->asked, *request, *result = ju_pack("{ss,ss}", "result", "error", "text", why);
	const char *id;

	d->asked = json_object();
	json_object_foreach(asked, id, request)
		d->ended(d->ctx, request, result);
	json_decref(asked);
	json_decref(result);
}

static void on_line(struct devices *d, const char *line, size_t len)
{
	json_error_t error;
	json_t *m = json_loadb(line, len, 0, &error);
	char id[24];

	if (!json_is_object(m)) {
		log_err("quorumd said what is no JSON object: %s", error.text);
	} else {
		(void)snprintf(id, sizeof id, "%lld", (long long)ju_int(m, "id", -1));
		if (!json_object_get(d->asked, id) && !streq(ju_str(m, "result", "ok"), "ok"))
			log_err("quorum devices: %s", ju_str(m, "text", ""));
		answer(d, id, m);
	}
	json_decref(m);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct devices *d = stream->data;
	size_t used = 0;

	if (n > 0) {
		buf_add(&d->in, buf->base, (size_t)n);
		for (char *nl; (nl = memchr(d->in.s + used, '\n', d->in.len - used)); used = (size_t)(nl - d->in.s) + 1)
			on_line(d, d->in.s + used, (size_t)(nl - d->in.s) - used);
		memmove(d->in.s, d->in.s + used, d->in.len - used);
		d->in.len -= used;
	}
	free(buf->base);
	if (n < 0 || d->in.len > LINE_MAX_BYTES)
		uv_process_kill(&d->process, SIGKILL);  /* on_exit goes on */
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	(void)handle;
	*ret = uv_buf_init(xcalloc(1, suggested), (unsigned)suggested);
}

/* ---- the child ---- */

static void start(struct devices *d);

static void on_restart(uv_timer_t *timer)
{
	start(timer->data);
}

static void on_closed(uv_handle_t *handle)
{
	struct devices *d = handle->data;

	if (--d->open_handles)
		return;
	d->closing = d->running = false;
	if (d->config)
		uv_timer_start(&d->restart, on_restart, RESTART_MS, 0);
}

static void on_exit_of_child(uv_process_t *process, int64_t status, int sig)
{
	struct devices *d = process->data;

	log_err("quorumd ended (status %lld, signal %d)%s", (long long)status, sig, d->config ? "; it is started again" : "");
	d->closing = true;
	buf_done(&d->in);
	d->in = (struct buf) { 0 };
	uv_close((uv_handle_t *)&d->process, on_closed);
	uv_close((uv_handle_t *)&d->pipe, on_closed);
	fail_all(d, "quorumd ended");
}

static void start(struct devices *d)
{
	char *argv[] = { (char *)QUORUMD, NULL };
	uv_stdio_container_t stdio[] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&d->pipe },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
	};
	const uv_process_options_t options = {
		.file = QUORUMD, .args = argv, .exit_cb = on_exit_of_child, .stdio = stdio, .stdio_count = ARRAY_SIZE(stdio),
	};
	int r;

	if (d->running || !d->config)
		return;
	d->running = true;
	d->open_handles = 2;
	uv_pipe_init(d->loop, &d->pipe, 0);
	d->pipe.data = d->process.data = d;
	r = uv_spawn(d->loop, &d->process, &options);
	if (r < 0) {
		log_err("cannot start %s: %s", QUORUMD, uv_strerror(r));
		d->closing = true;
		uv_close((uv_handle_t *)&d->process, on_closed);
		uv_close((uv_handle_t *)&d->pipe, on_closed);
		fail_all(d, "quorumd cannot be started");
		return;
	}
	uv_read_start((uv_stream_t *)&d->pipe, on_alloc, on_read);
	send_line(d, d->config);
}

/* ---- configuration ---- */

static uint32_t number_after(const char *key, const char *prefix, const char **ret_rest)
{
	char *end;
	unsigned long id;

	if (strncmp(key, prefix, strlen(prefix)) != 0)
		return 0;
	id = strtoul(key + strlen(prefix), &end, 10);
	*ret_rest = end;
	return (uint32_t)id;
}

static json_t *read_device(const json_t *table, uint32_t id)
{
	_cleanup_free_ char *name_key = xasprintf("cluster.quorum_devices.%u.name", id);
	_cleanup_free_ char *type_key = xasprintf("cluster.quorum_devices.%u.properties.type", id);
	const char *name = ju_str(table, name_key, NULL), *key, *rest;
	json_t *props, *v;

	if (!name)
		return NULL;
	props = json_object();
	json_object_foreach((json_t *)table, key, v)
		if (number_after(key, "cluster.quorum_devices.", &rest) == id && strncmp(rest, ".properties.", 12) == 0 &&
		    devicetable_is_for_quorumd(rest + 12))
			json_object_set(props, rest + 12, v);
	return ju_pack("{ss,ss,so}", "name", name, "type", ju_str(table, type_key, "shared_disk"), "properties", props);
}

static json_t *read_config(const struct devices *d, const json_t *table)
{
	json_t *keys = json_object(), *list = json_array(), *v;
	const char *key, *rest;

	json_object_foreach((json_t *)table, key, v) {
		uint32_t id = number_after(key, "cluster.nodes.", &rest);
		char number[12];

		(void)snprintf(number, sizeof number, "%u", id);
		if (id && streq(rest, ".properties.quorum_resv_key"))
			json_object_set(keys, number, v);
	}
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		json_t *device = read_device(table, id);

		if (device)
			ju_push(list, device);
	}
	return ju_pack("{si,ss,ss,ss,sI,so,so}", "id", 0, "op", "configure", "cluster", ju_str(table, "cluster.name", ""), "cluster_id",
		       ju_str(table, "cluster.properties.cluster_id", ""), "self", (json_int_t)d->self, "keys", keys, "devices", list);
}

void devices_configure(struct devices *d, const json_t *table)
{
	json_t *config = table ? read_config(d, table) : NULL;

	if (config && json_array_size(json_object_get(config, "devices")) == 0 && !d->running) {
		json_decref(config);
		return;
	}
	if (config && d->config && json_equal(config, d->config)) {
		json_decref(config);
		return;
	}
	json_decref(d->config);
	d->config = config;
	if (d->running && !d->closing && config)
		send_line(d, config);
	else if (!d->running)
		start(d);
}

/* ---- requests ---- */

static const char *name_of(const struct devices *d, const json_t *table, uint32_t id)
{
	_cleanup_free_ char *key = xasprintf("cluster.quorum_devices.%u.name", id);

	(void)d;
	return ju_str(table, key, "");
}

void devices_request(struct devices *d, const json_t *table, const json_t *request)
{
	json_t *m;
	char id[24];

	devices_configure(d, table);
	if (!d->running || d->closing) {
		json_t *result = ju_pack("{ss,ss}", "result", "error", "text", "quorumd is not running");

		d->ended(d->ctx, request, result);
		json_decref(result);
		return;
	}
	(void)snprintf(id, sizeof id, "%lld", (long long)++d->counter);
	json_object_set(d->asked, id, (json_t *)request);
	m = ju_pack("{sI,ss,ss,sO*,sO*}", "id", (json_int_t)d->counter, "op", ju_str(request, "op", ""), "device",
		    name_of(d, table, (uint32_t)ju_int(request, "device", 0)), "keep", json_object_get(request, "keep"), "force",
		    json_object_get(request, "force"));
	send_line(d, m);
	json_decref(m);
}

struct devices *devices_new(uv_loop_t *loop, uint32_t self,
			    void (*ended)(void *ctx, const json_t *request, const json_t *result), void *ctx)
{
	struct devices *d = xcalloc(1, sizeof *d);

	d->loop = loop;
	d->self = self;
	d->ended = ended;
	d->ctx = ctx;
	d->asked = json_object();
	uv_timer_init(loop, &d->restart);
	d->restart.data = d;
	return d;
}
