/* Corosync's closed process group: agreed order and views.  cpg_mcast_joined() may say TRY_AGAIN while a ring forms or
 * the queue of corosync is full: frames wait here and go out after the next dispatch, or a millisecond later (corosync
 * has no event for "room again").  The zero-copy calls are not used. */
#include "bus/bus.h"

#include <corosync/cpg.h>
#include <errno.h>

#include "base/buf.h"
#include "bus/frame.h"

#define RETRY_MS 1
#define GROUP_NAME "parhelion"

struct frame { struct frame *next; size_t len; unsigned char data[]; };

struct cpg {
	struct bus bus;
	struct bus_callbacks callbacks;
	void *ctx;
	cpg_handle_t handle;
	uv_poll_t poll;
	uv_timer_t retry;
	unsigned open_handles;
	struct frame *first, **last;
	size_t queued;
	struct buf partial[CPG_MEMBERS_MAX + 1];        /* by node id; ids above are refused by the configuration */
	bool down;
};

static void go_down(struct cpg *c, const char *why)
{
	if (c->down)
		return;
	c->down = true;
	uv_poll_stop(&c->poll);
	uv_timer_stop(&c->retry);
	c->callbacks.down(c->ctx, why);
}

static void on_retry(uv_timer_t *timer);

static void flush(struct cpg *c)
{
	while (c->first && !c->down) {
		struct frame *f = c->first;
		struct iovec iov = { .iov_base = f->data, .iov_len = f->len };
		cs_error_t r = cpg_mcast_joined(c->handle, CPG_TYPE_AGREED, &iov, 1);

		if (r == CS_ERR_TRY_AGAIN) {
			if (!uv_is_active((uv_handle_t *)&c->retry))
				uv_timer_start(&c->retry, on_retry, RETRY_MS, 0);
			return;
		}
		if (r != CS_OK) {
			go_down(c, cs_strerror(r));
			return;
		}
		c->first = f->next;
		if (!c->first)
			c->last = &c->first;
		c->queued -= f->len;
		free(f);
	}
}

static void on_retry(uv_timer_t *timer)
{
	flush(timer->data);
}

static int cpg_send(struct bus *bus, const void *data, size_t len)
{
	struct cpg *c = (struct cpg *)bus;
	size_t offset = 0;

	if (c->down)
		return -ENOTCONN;
	if (c->queued + len > BUS_QUEUE_MAX) {
		go_down(c, "the queue of messages to the ring is full");
		return -ENOBUFS;
	}
	do {
		struct frame *f = xcalloc(1, sizeof *f + FRAME_HEADER + MIN(len - offset, (size_t)FRAME_PAYLOAD));

		f->len = frame_make(data, len, offset, f->data);
		offset += f->len - FRAME_HEADER;
		c->queued += f->len;
		*c->last = f;
		c->last = &f->next;
	} while (offset < len);
	flush(c);
	return 0;
}

static struct cpg *context(cpg_handle_t handle)
{
	void *c = NULL;

	if (cpg_context_get(handle, &c) != CS_OK)
		return NULL;
	return c;
}

static void on_deliver(cpg_handle_t handle, const struct cpg_name *group, uint32_t node, uint32_t pid, void *data, size_t len)
{
	struct cpg *c = context(handle);
	struct buf *partial;

	(void)group;
	(void)pid;
	if (!c || c->down || node > CPG_MEMBERS_MAX)
		return;
	partial = &c->partial[node];
	if (frame_take(partial, data, len, BUS_MESSAGE_MAX) != 1)
		return;
	c->callbacks.deliver(c->ctx, node, partial->s, partial->len);
	partial->len = 0;
}

static void on_change(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members, size_t member_count,
		      const struct cpg_address *left, size_t left_count, const struct cpg_address *joined, size_t joined_count)
{
	struct cpg *c = context(handle);
	uint32_t nodes[CPG_MEMBERS_MAX];
	size_t n = 0;

	(void)group;
	(void)joined;
	(void)joined_count;
	if (!c || c->down)
		return;
	for (size_t i = 0; i < left_count; i++)
		if (left[i].nodeid <= CPG_MEMBERS_MAX)
			c->partial[left[i].nodeid].len = 0;
	for (size_t i = 0; i < member_count && n < CPG_MEMBERS_MAX; i++)
		nodes[n++] = members[i].nodeid;
	c->callbacks.view(c->ctx, nodes, n);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct cpg *c = poll->data;
	cs_error_t r;

	(void)events;
	if (status < 0) {
		go_down(c, uv_strerror(status));
		return;
	}
	r = cpg_dispatch(c->handle, CS_DISPATCH_ALL);
	if (r != CS_OK && r != CS_ERR_TRY_AGAIN) {
		go_down(c, r == CS_ERR_LIBRARY || r == CS_ERR_BAD_HANDLE ? "corosync has ended" : cs_strerror(r));
		return;
	}
	flush(c);
}

static void on_closed(uv_handle_t *handle)
{
	struct cpg *c = handle->data;

	if (--c->open_handles)
		return;
	while (c->first) {
		struct frame *f = c->first;

		c->first = f->next;
		free(f);
	}
	for (size_t i = 0; i < ARRAY_SIZE(c->partial); i++)
		buf_done(&c->partial[i]);
	free(c);
}

static void cpg_free(struct bus *bus, bool leave)
{
	struct cpg *c = (struct cpg *)bus;
	struct cpg_name group = { .length = strlen(GROUP_NAME), .value = GROUP_NAME };

	if (leave && !c->down) {
		flush(c);
		(void)cpg_leave(c->handle, &group);     /* finalize does the same, less politely */
	}
	c->down = true;
	(void)cpg_finalize(c->handle);
	uv_close((uv_handle_t *)&c->poll, on_closed);
	uv_close((uv_handle_t *)&c->retry, on_closed);
}

int bus_cpg_new(uv_loop_t *loop, uint32_t self, const struct bus_callbacks *callbacks, void *ctx, struct bus **ret,
		struct err *err)
{
	static const struct bus_ops ops = { cpg_send, cpg_free };
	cpg_model_v1_data_t model = { .model = CPG_MODEL_V1, .cpg_deliver_fn = on_deliver, .cpg_confchg_fn = on_change };
	struct cpg_name group = { .length = strlen(GROUP_NAME), .value = GROUP_NAME };
	struct cpg *c = xcalloc(1, sizeof *c);
	unsigned local_id = 0;
	cs_error_t r;
	int fd;

	r = cpg_model_initialize(&c->handle, CPG_MODEL_V1, (cpg_model_data_t *)&model, c);
	if (r != CS_OK) {
		free(c);
		return err_set(err, r == CS_ERR_TRY_AGAIN || r == CS_ERR_LIBRARY ? -EAGAIN : -ECONNREFUSED,
			       "corosync does not answer: %s", cs_strerror(r));
	}
	if (cpg_local_get(c->handle, &local_id) != CS_OK || local_id != self) {
		(void)cpg_finalize(c->handle);
		free(c);
		return err_set(err, -EINVAL, "corosync has node id %u, this node is %u: regenerate corosync.conf (cluster "
			       "corosync-conf -w) and restart corosync", local_id, self);
	}
	r = cpg_join(c->handle, &group);
	if (r != CS_OK || cpg_fd_get(c->handle, &fd) != CS_OK) {
		(void)cpg_finalize(c->handle);
		free(c);
		return err_set(err, r == CS_ERR_TRY_AGAIN ? -EAGAIN : -ECONNREFUSED, "cannot join the process group: %s",
			       cs_strerror(r));
	}
	c->bus.ops = &ops;
	c->callbacks = *callbacks;
	c->ctx = ctx;
	c->last = &c->first;
	c->poll.data = c->retry.data = c;
	c->open_handles = 2;
	uv_poll_init(loop, &c->poll, fd);
	uv_timer_init(loop, &c->retry);
	uv_poll_start(&c->poll, UV_READABLE, on_readable);
	*ret = &c->bus;
	return 0;
}
