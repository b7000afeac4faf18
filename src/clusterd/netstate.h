/* What this node sees of its networks: interconnect links as corosync knows them, and the adapters of the public network.
 * Corosync has no event for its links, so they are read once a second; adapters are read anew when the kernel says that
 * something changed.  Both may block, so reading is on a worker thread. */
#pragma once
#include <jansson.h>
#include <uv.h>

#include "base/err.h"

#define NETSTATE_INTERVAL_MS 1000       /* between two readings of the links */
#define NETSTATE_GATHER_MS   50         /* news of the kernel come in bursts */

struct netstate;
struct netstate_config {
	uv_loop_t *loop;
	uint32_t self;
	bool corosync;                                  /* false: there is no interconnect */
	const json_t *(*infrastructure)(void *ctx);     /* the table as it is now; borrowed, NULL: none */
	/* The report (netview.h) is another one than the last time; borrowed. */
	void (*changed)(void *ctx, const json_t *report);
	void *ctx;
};

/* *ret is set on success only; there is one for the life of the process.  -errno: no netlink socket. */
int netstate_new(const struct netstate_config *config, struct netstate **ret, struct err *err);
/* Corosync runs, and its ring has changed: the links are read now, and every second from then on. */
void netstate_links(struct netstate *state);
