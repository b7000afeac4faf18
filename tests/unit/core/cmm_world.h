/* A few cmm objects over a log that the tests keep.  It delivers a message to all who share the view it was sent in, in one
 * order; time stands still unless a test lets it run.  One world at a time. */
#pragma once
#include "base/json.h"
#include "cmm/cmm.h"

enum { NODES = 5 };
#define N(...) nodes_of((const uint32_t[]) { __VA_ARGS__, 0 })
#define LEASE  600u
#define MARGIN 40u
#define BEAT   30u
#define FORMATION 3000u
#define FOR_EACH(id, set) for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))

struct cmm_node {
	struct cmm *cmm;
	uint64_t epoch;                 /* on its disk */
	uint64_t generation;            /* of its configuration */
	uint32_t takeover_ms;           /* in it; 0: 640 */
	uint64_t synced;                /* the newest epoch whose configuration it has */
	bool     amnesia;               /* but a part of that is damaged */
	uint64_t writing;               /* an epoch that is on its way to the disk; 0: none */
	unsigned boots, activations;
	uint64_t lease_until_ms, timer_ms;
	bool     owes_sync;
	uint32_t became_ready;          /* of the last step */
	char     panic[256];
};

extern struct cmm_world {
	struct cmm_node node[NODES + 1];
	uint64_t now;
	json_t  *log;                   /* [from, view as it was, message] */
	json_t  *sent;                  /* every message ever sent: {"from":..,"m":..} */
	json_t  *notes;
	bool     slow_disks;            /* writes end only when the test says so */
	bool     no_sync;               /* snapshots come only when the test says so */
	bool     deaf;                  /* nothing is delivered */
	nodeset  configured;
	uint32_t votes[CMM_NODE_ID_MAX + 1];
	uint32_t device_votes;          /* 0: there is no device.  Its operations never end */
	uint32_t takeover_highest_ms;
	nodeset  fence;
	bool     fence_required;
} w;

nodeset nodes_of(const uint32_t *ids /* 0 ends them */);
nodeset first_nodes(uint32_t n);

/* n configured nodes, one vote each, all booted, none seen by another yet. */
void world(uint32_t n);
void formed(uint32_t n);                        /* ... and formed, everybody ready */
int  world_done(void **state);                  /* fits a cmocka teardown */
void boot(uint32_t id);
void power_off(uint32_t id);

void step(uint32_t id, struct cmm_event event);
void view(nodeset set);
void written(uint32_t id, const char *error);   /* what was on the way to its disk is there, or failed of that */
void synced(uint32_t id);
void deliver(uint32_t to, uint32_t from, const json_t *message);
void deliver_text(uint32_t to, uint32_t from, const char *text);
void run(void);                                 /* until nothing is under way */
void run_until(uint64_t end);                   /* every timer that is due until then */
void run_for(uint64_t ms);

const struct cmm_membership *seen_by(uint32_t id);
unsigned count_sent(uint32_t from /* 0: anybody */, const char *type);
json_t *last_sent(uint32_t from, const char *type);             /* borrowed; or the test fails */
bool noted(const char *text);
void expect_panic(uint32_t id, const char *says);
