#include "cmm/timers.h"

#include <errno.h>

/* Parts of takeover_time, in 64ths.  Detection takes token + consensus + 20..60 ms.  The consensus is the longer part: while
 * a node joins, its links come up one by one, up to a tick of knet (200 ms) apart, and members that do not agree within
 * the consensus throw each other out.  Measured with 300 / 150 and quick reboots: one join in ten broke the ring.
 * Whoever loses his partners has to win a quorum device before his own lease ends: hence head start and device access.
 * Corosync refuses a join below 30 ms; nothing waits for it, so the floor is not part of the lease. */
static const struct { size_t offset; uint32_t parts, floor_ms; } derivation[] = {
	{ offsetof(struct cmm_timers, token_ms),     17,  0 },
	{ offsetof(struct cmm_timers, consensus_ms), 23,  0 },
	{ offsetof(struct cmm_timers, join_ms),       3, 30 },
	{ offsetof(struct cmm_timers, beat_ms),       3,  0 },
	{ offsetof(struct cmm_timers, head_ms),       4,  0 },
	{ offsetof(struct cmm_timers, device_ms),     6,  0 },
	{ offsetof(struct cmm_timers, lease_ms),     60,  0 },
	{ offsetof(struct cmm_timers, margin_ms),     4,  0 },
};

int cmm_timers_derive(uint32_t takeover_ms, struct cmm_timers *ret, struct err *err)
{
	struct cmm_timers t = { .takeover_ms = takeover_ms, .formation_ms = 3000, .check_ms = 10000 };
	uint32_t needed;

	if (takeover_ms < TAKEOVER_TIME_MIN_MS || takeover_ms > TAKEOVER_TIME_MAX_MS)
		return err_set(err, -ERANGE, "takeover_time %u ms is outside %u to %u ms", takeover_ms,
			       TAKEOVER_TIME_MIN_MS, TAKEOVER_TIME_MAX_MS);
	for (size_t i = 0; i < ARRAY_SIZE(derivation); i++)
		*(uint32_t *)((char *)&t + derivation[i].offset) =
			MAX(takeover_ms * derivation[i].parts / 64, derivation[i].floor_ms);
	needed = 3 * t.beat_ms + t.token_ms + t.consensus_ms + t.head_ms + t.device_ms;
	if (needed >= t.lease_ms || t.lease_ms + t.margin_ms > takeover_ms)
		return err_set(err, -ERANGE,
			       "takeover_time %u ms leaves no safe lease: 3 x beat %u + token %u + consensus %u + head start %u "
			       "+ device %u = %u must be below lease %u, and lease + margin %u within takeover_time",
			       takeover_ms, t.beat_ms, t.token_ms, t.consensus_ms, t.head_ms, t.device_ms, needed, t.lease_ms,
			       t.margin_ms);
	t.slack_ms = t.lease_ms - needed;
	*ret = t;
	return 0;
}
