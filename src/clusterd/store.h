/* The disk of this node: CCR tables, their history, and the epoch.  The functions block; clusterd runs them one after the other on a
 * worker thread (store_queue) and never in its loop. */
#pragma once
#include <jansson.h>
#include <uv.h>

#include "base/err.h"

/* Reads every table of PATH_CCR.  A damaged one is renamed to NAME.damaged and reported by note (a sentence for the
 * operator); leftovers of an interrupted write are removed.  -errno: the directory cannot be read. */
int store_load(void (*table)(const char *name, uint64_t gen, const json_t *data, void *ctx),
	       void (*note)(const char *text, void *ctx), void *ctx, struct err *err);
/* Reads /var/cluster/ccr/history line by line; entry NULL: a damaged line.  What cannot be read is noted, never fatal. */
void store_history_load(void (*entry)(const json_t *entry, size_t bytes, void *ctx), void (*note)(const char *text, void *ctx),
			void *ctx);
/* What a node has to know of the cluster before it reads anything else. */
struct store_record {
	uint64_t epoch;         /* the newest one; 0: none yet */
	uint64_t keys;          /* quorum devices (bit id) where this node's key may be used */
	uint64_t synced;        /* the newest epoch whose configuration is on this disk; 0: none */
	bool     amnesia;       /* something of it was lost since: a damaged table, see store_load() */
};
/* The newest record of /var/cluster/cmm/epoch.  The file has two slots of 512 bytes, written in turn in place, each with a
 * checksum: a torn write leaves the other, and a full disk cannot stop it.  Before store_load(). */
int store_epoch_open(struct store_record *ret, struct err *err);
/* As store_load() has left it. */
bool store_amnesia(void);

struct store_queue;
/* done runs in the loop, once a request, in order; error NULL: well done.  request is borrowed. */
struct store_queue *store_queue_new(uv_loop_t *loop, void (*done)(const json_t *request, const char *error, void *ctx),
				    void *ctx);
void store_queue_add(struct store_queue *queue, json_t *request /* taken */);
