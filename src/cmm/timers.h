/* Every timer of the cluster derives from one number, takeover_time: within it after the death of a node its services may
 * start elsewhere.  The derivation is the table in timers.c; a set that would let two nodes run one service is refused. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

#define TAKEOVER_TIME_DEFAULT_MS 640u   /* LAN: token 170, consensus 230 */
#define TAKEOVER_TIME_PAIR_MS    1000u  /* default of two nodes: more room for the quorum device that they need */
#define TAKEOVER_TIME_MIN_MS     480u
#define TAKEOVER_TIME_MAX_MS     60000u

struct cmm_timers {
	uint32_t takeover_ms;   /* the setting */
	uint32_t token_ms;      /* corosync: silence of the ring until it is declared lost */
	uint32_t consensus_ms;  /* corosync: agreement on the new ring */
	uint32_t join_ms;       /* corosync: repetition of join messages */
	uint32_t beat_ms;       /* a member says that it lives, and whom it hears, this often */
	uint32_t head_ms;       /* in a race for a quorum device the side that serves less waits so long */
	uint32_t device_ms;     /* for one operation on a quorum device */
	uint32_t lease_ms;      /* a member whose beats nobody confirmed for so long panics */
	uint32_t margin_ms;     /* clock drift, and the time that a panic takes */
	uint32_t slack_ms;      /* what the lease has beyond the re-formation of a ring: derived, must be positive */
	uint32_t formation_ms;  /* a quorate set that forms a new cluster waits so long for the rest */
	uint32_t check_ms;      /* quorum devices are looked at this often */
};

/* -ERANGE with the arithmetic in words when takeover_ms is outside its bounds or breaks the inequality
 *   3 * beat + token + consensus + head start + device < lease,  lease + margin <= takeover. */
int cmm_timers_derive(uint32_t takeover_ms, struct cmm_timers *ret, struct err *err);
