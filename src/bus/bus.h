/* The ordered log: every member receives the same messages in the same order, and between them, at the same places, the
 * same views (who hears whom).  Back ends: corosync (bus_cpg.c), local (one node, bus_local.c); the simulator has its own. */
#pragma once
#include <uv.h>

#include "base/err.h"

#define BUS_MESSAGE_MAX (64u << 20)     /* a larger message is refused */
#define BUS_QUEUE_MAX   (256u << 20)    /* bytes that wait for the ring; more: the node is not keeping up, down() */

struct bus;

struct bus_callbacks {
	void (*view)(void *ctx, const uint32_t *nodes, size_t n);
	void (*deliver)(void *ctx, uint32_t from, const char *data, size_t len);
	/* The log has ended for this node: corosync died or threw it out.  No further callback. */
	void (*down)(void *ctx, const char *why);
};

/* -errno with a sentence: corosync does not answer, ... */
int bus_cpg_new(uv_loop_t *loop, uint32_t self, const struct bus_callbacks *callbacks, void *ctx, struct bus **ret,
		struct err *err);
int bus_local_new(uv_loop_t *loop, uint32_t self, const struct bus_callbacks *callbacks, void *ctx, struct bus **ret,
		  struct err *err);

/* Queues; never blocks.  Delivered to this node, too, in its place.  -EMSGSIZE. */
int bus_send(struct bus *bus, const void *data, size_t len);
/* Leaves the group in order when leave is set.  NULL is fine. */
void bus_free(struct bus *bus, bool leave);

/* ---- for back ends ---- */
struct bus_ops {
	int  (*send)(struct bus *bus, const void *data, size_t len);
	void (*free)(struct bus *bus, bool leave);
};
struct bus { const struct bus_ops *ops; };
