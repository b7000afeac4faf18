/* What the parts of clusterd share: the shell around one engine.  Private to src/clusterd. */
#pragma once
#include <uv.h>

#include "base/varlink.h"
#include "bus/bus.h"
#include "clusterd/devices.h"
#include "clusterd/engine.h"
#include "clusterd/fence.h"
#include "clusterd/journal.h"
#include "clusterd/netstate.h"
#include "clusterd/nodelist.h"
#include "clusterd/quarantine.h"
#include "clusterd/store.h"

struct node {
	uv_loop_t *loop;
	uint32_t self;
	uint64_t incarnation;
	struct engine *engine;
	struct bus *bus;
	struct store_queue *store;
	struct journal *journal;
	struct netstate *net;
	struct devices *devices;
	struct fence *fence;
	uint64_t infrastructure_gen;    /* as last told to devices */
	struct nodelist *nodelist;      /* NULL: there is no corosync */
	struct vl_server *server;
	uv_timer_t timer, connect;
	unsigned bus_tries;
	uint64_t timer_ms;              /* what the timer is set to; 0: nothing */
	uint64_t lease_until_ms;
	int failfast_fd;                /* -1: none (tests) */
	bool local;                     /* one node, no corosync */
	bool stopping;
	struct quarantine starts;       /* while it is on, this node does not join */
	bool off;                       /* left for good; only the clients are waited for */
	struct client *clients;         /* requests under way */
	int64_t client_counter;
};

struct engine_time node_now(void);
/* Does what the update says, in its order, and releases it. */
void node_take(struct node *node, struct engine_update *update);
/* Ends this machine.  Does not return. */
void node_panic_now(struct node *node, const char *reason) __attribute__((noreturn));

/* Begins to join the cluster; after a quarantine, once it is lifted. */
void node_join(struct node *node);

/* api.c */
int  api_start(struct node *node, struct err *err);
void api_answer(struct node *node, const json_t *answer);
/* methods.c: one connection to pmfd a run; closing it kills what runs. */
void methods_run(struct node *node, const json_t *run);
void methods_kill(struct node *node, const json_t *kill);

#define STOP_CLIENT (-1)                /* the token of clusterd's own request to evacuate, when it is asked to stop */
