/* What a fault monitor does about the result of a probe: a sliding window over results, and restarts counted elsewhere.
 * Pure: no clock, no cluster.
 *
 * A result is 0 (good) to 100 (dead), or FM_IMMEDIATE.  Results add up over the interval; at 100 something is done: a
 * restart while fewer than retry_count were made within the interval, then a failover.  A good result takes nothing back:
 * only age does. */
#pragma once
#include <stdint.h>

#include "base/macros.h"

#define FM_COMPLETE     100
#define FM_IMMEDIATE    201
#define FM_HISTORY_MAX  128             /* results kept; then the oldest one is forgotten early */

enum fm_action { FM_NOTHING, FM_RESTART, FM_FAILOVER, FM_LIMIT, FM_ACTION_COUNT };      /* LIMIT: would, but must not */
extern const char *const fm_action_names[FM_ACTION_COUNT];

enum fm_mode {
	FM_MODE_NORMAL,         /* Failover_mode NONE, SOFT, HARD */
	FM_MODE_RESTART_ONLY,   /* also Failover_enabled FALSE */
	FM_MODE_LOG_ONLY,
	FM_MODE_COUNT
};

struct fm_config {
	int64_t      retry_count;       /* -1: any number of restarts */
	uint64_t     retry_interval_ms;
	enum fm_mode mode;
};

struct fm {                             /* zero-initialised: no history */
	struct { uint64_t at_ms; int status; } history[FM_HISTORY_MAX];
	size_t  count;
	int64_t forgiven;               /* restarts that do not count any more, since a failover was refused */
};

struct fm_event {
	uint64_t now_ms;
	int      status;                /* of the probe; anything else than 0..100 and FM_IMMEDIATE is FM_COMPLETE */
	int64_t  restarts;              /* made within the interval, as the RGM counts them */
};

enum fm_action fm_probe(struct fm *fm, const struct fm_config *config, const struct fm_event *event);
int  fm_sum(const struct fm *fm);       /* of the results in the window */
/* The restart that fm_probe() asked for was made: the next one takes a sum of 100 again. */
void fm_restarted(struct fm *fm);
/* The failover was refused: everything is forgotten, so that the next complete failure restarts here. */
void fm_refused(struct fm *fm, int64_t restarts);
