/* Who would go on if the members were parted?  The rules are those of cmm.c and quorum.c, asked beforehand: a side goes on when
 * its nodes and the devices that nobody else can take have a majority; else it needs to win devices, and when the other side
 * could do so as well, it is a race, which the favoured side enters first. */
#include "cmm/state.h"

const char *const cmm_fate_names[FATE_COUNT] = {
	[FATE_GOES_ON] = "goes_on", [FATE_TAKES_DEVICE] = "takes_device", [FATE_RACES] = "races", [FATE_ENDS] = "ends",
};

static uint32_t votes_of(const struct cmm *cmm, uint64_t devices)
{
	uint32_t votes = 0;

	FOR_EACH_DEVICE(cmm, id)
		if (devices & device_bit(id))
			votes += cmm->config.votes.device[id].votes;
	return votes;
}

static uint32_t sure_votes(const struct cmm *cmm, nodeset set)
{
	return cmm_node_votes(cmm, set) + quorum_votes_within(cmm, set);
}

struct cmm_side cmm_side(const struct cmm *cmm, nodeset side, nodeset others)
{
	uint64_t mine = quorum_winnable(cmm, side), theirs = quorum_winnable(cmm, others);
	uint32_t needed = cmm_votes_needed(cmm);
	struct cmm_side ret = { .fate = FATE_ENDS, .favoured = cmm_favours(cmm, side, others), .node_votes = cmm_node_votes(cmm, side),
				.device_votes = quorum_votes_within(cmm, side), .reachable_votes = votes_of(cmm, mine), .needed = needed };

	if (cmm_is_quorate(cmm, side)) {
		ret.fate = FATE_GOES_ON;
	} else if (side && sure_votes(cmm, side) + ret.reachable_votes >= needed) {
		bool other_too = others && sure_votes(cmm, others) + votes_of(cmm, theirs) >= needed;

		ret.fate = other_too ? FATE_RACES : FATE_TAKES_DEVICE;
		ret.decided_by = mine;
	}
	return ret;
}
