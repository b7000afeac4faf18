/* One node, no corosync: a message comes back in the next round of the loop. */
#include "bus/bus.h"

#include "base/buf.h"

struct local {
	struct bus bus;
	uint32_t self;
	struct bus_callbacks callbacks;
	void *ctx;
	uv_async_t wakeup;
	bool shown, closing;
	struct { char *data; size_t len; } *queue;
	size_t count;
};

static void on_wakeup(uv_async_t *async)
{
	struct local *l = async->data;
	__typeof__(l->queue) queue = TAKE_PTR(l->queue);
	size_t count = l->count;

	l->count = 0;
	if (!l->shown) {
		l->shown = true;
		l->callbacks.view(l->ctx, &l->self, 1);
	}
	for (size_t i = 0; i < count; i++) {
		if (!l->closing)
			l->callbacks.deliver(l->ctx, l->self, queue[i].data, queue[i].len);
		free(queue[i].data);
	}
	free(queue);
}

static int local_send(struct bus *bus, const void *data, size_t len)
{
	struct local *l = (struct local *)bus;

	l->queue = xrealloc(l->queue, (l->count + 1) * sizeof *l->queue);
	l->queue[l->count].data = xcalloc(1, len + 1);
	memcpy(l->queue[l->count].data, data, len);
	l->queue[l->count++].len = len;
	uv_async_send(&l->wakeup);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct local *l = handle->data;

	for (size_t i = 0; i < l->count; i++)
		free(l->queue[i].data);
	free(l->queue);
	free(l);
}

static void local_free(struct bus *bus, bool leave)
{
	struct local *l = (struct local *)bus;

	(void)leave;
	l->closing = true;
	uv_close((uv_handle_t *)&l->wakeup, on_closed);
}

int bus_local_new(uv_loop_t *loop, uint32_t self, const struct bus_callbacks *callbacks, void *ctx, struct bus **ret,
		  struct err *err)
{
	static const struct bus_ops ops = { local_send, local_free };
	struct local *l = xcalloc(1, sizeof *l);

	(void)err;
	l->bus.ops = &ops;
	l->self = self;
	l->callbacks = *callbacks;
	l->ctx = ctx;
	l->wakeup.data = l;
	uv_async_init(loop, &l->wakeup, on_wakeup);
	uv_async_send(&l->wakeup);
	*ret = &l->bus;
	return 0;
}
