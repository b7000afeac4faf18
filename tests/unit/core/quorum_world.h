/* Quorum devices among cmm objects: a log, disks and devices that the tests keep.  Devices act at once unless a test holds
 * them.  One world at a time. */
#pragma once
#include "base/json.h"
#include "cmm/cmm.h"

#define FOR_EACH(id, set) for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))
#define ALL(n) (((nodeset)1 << (n)) - 1)
#define USABLE(id, q) ((w.node[id].keys >> (q)) & 1)    /* says its disk */

enum { NODES = 8, DEVICES = 4, TAKEOVER = 1000 };

struct quorum_node {
	struct cmm *cmm;
	uint64_t epoch, keys, synced;           /* on the disk */
	bool     writing;
	uint64_t w_epoch, w_keys, w_synced;
	struct cmm_device_request op[DEVICES + 1];      /* held: op.op is not DEVICE_NOTHING */
	uint64_t timer_ms;
	bool     owes_sync;
	char     panic[256];
};

extern struct quorum_world {
	struct quorum_node node[NODES + 1];
	struct cmm_votes votes;
	nodeset  keys[DEVICES + 1];             /* physically there */
	nodeset  held;                          /* devices act only when the test says so, for these nodes */
	nodeset  hung;                          /* these do nothing; what the log brings waits in missed */
	json_t  *missed;
	const char *keep;                       /* messages of this type go to kept */
	json_t  *kept;
	bool     broken;                        /* every device fails */
	nodeset  slow;                          /* nothing reaches the disks of these nodes */
	nodeset  behind;                        /* these have not got the configuration of the cluster yet */
	nodeset  deaf;                          /* these hear nothing */
	unsigned boots;
	json_t  *log;                           /* [from, view, message] */
	uint64_t now;
} w;

void step(uint32_t id, struct cmm_event event);
void deliver(uint32_t id, nodeset view, const json_t *e /* [from, view, message] */);
void run(void);                                 /* until nothing is under way */
void run_for(uint64_t ms);                      /* every timer that is due until then */
void wake_up(void);                             /* all that hung go on: first the clock, then what has come meanwhile */
void view(nodeset set);
void power_off(uint32_t id);
void boot(uint32_t id);
void reconfigure(nodeset nodes);                /* these learn of w.votes as it is now */
/* A cluster of n nodes, all members, with devices on these ports; 0 ends the list. */
void world(uint32_t n, const nodeset ports[DEVICES + 1]);
int  world_done(void **state);                  /* fits a cmocka teardown */
bool lives(nodeset set);                        /* all of them are members of one cluster, of exactly these */
void device_act(uint32_t id, uint32_t q);       /* one operation that is held */
