#include "clusterd/votesteps.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "clusterd/devicetable.h"
#include "cmm/cmm.h"

void votesteps_put(json_t *table, uint32_t votes, const char *kind, uint32_t id, const char *property)
{
	char text[12];

	(void)snprintf(text, sizeof text, "%u", votes);
	ju_set_strf(table, text, "cluster.%s.%u.properties.%s", kind, id, property);
}

static void put_device_votes(json_t *table, uint32_t id, uint32_t votes)
{
	votesteps_put(table, votes, "quorum_devices", id, "votecount");
}

/* The keys that hold votes, with the direction that keeps the quorum safest: first all that goes down, then what goes up. */
static bool step_vote(json_t *step, const json_t *goal, const char *kind, uint32_t id, const char *property, bool up)
{
	const char *now = ju_strf(step, "", "cluster.%s.%u.properties.%s", kind, id, property);
	const char *then = ju_strf(goal, "", "cluster.%s.%u.properties.%s", kind, id, property);
	uint32_t a = (uint32_t)strtoul(now, NULL, 10), b = (uint32_t)strtoul(then, NULL, 10);

	if (a == b || (b > a) != up)
		return false;
	votesteps_put(step, up ? a + 1 : a - 1, kind, id, property);
	return true;
}

static bool next_node_vote(json_t *step, const json_t *goal, bool up)
{
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (*ju_strf(step, "", "cluster.nodes.%u.name", id) && step_vote(step, goal, "nodes", id, "quorum_vote", up))
			return true;
	return false;
}

static bool next_device_vote(json_t *step, const json_t *goal, bool up)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (*devicetable_name(step, id) &&
		    step_vote(step, goal, "quorum_devices", id, "votecount", up))
			return true;
	return false;
}

/* Votes come and go with nodes that are down: the devices, which are here, come first and go last. */
static bool next_vote(json_t *step, const json_t *goal, bool up)
{
	return up ? next_device_vote(step, goal, up) || next_node_vote(step, goal, up)
		  : next_node_vote(step, goal, up) || next_device_vote(step, goal, up);
}

/* All that is no vote, with the votes as they are: a device that is new has none, one that goes has none any more. */
static json_t *all_but_votes(const json_t *now, const json_t *goal)
{
	json_t *step = json_deep_copy(goal);

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (*ju_strf(goal, "", "cluster.nodes.%u.name", id)) {
			bool known = *ju_strf(now, "", "cluster.nodes.%u.name", id);
			const char *vote = ju_strf(now, "", "cluster.nodes.%u.properties.quorum_vote", id);

			ju_set_strf(step, !known ? "0" : *vote ? vote : "1", "cluster.nodes.%u.properties.quorum_vote", id);
		}
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (*devicetable_name(goal, id)) {
			const char *votes = ju_strf(now, "", "cluster.quorum_devices.%u.properties.votecount", id);

			put_device_votes(step, id, (uint32_t)strtoul(votes, NULL, 10));
		}
	return step;
}

static void keep_below(json_t *to, const json_t *from, const char *prefix)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)from, key, v)
		if (strncmp(key, prefix, strlen(prefix)) == 0)
			json_object_set(to, key, v);
}

/* A goal in which whatever goes away is still there, without votes. */
static json_t *with_leavers(const json_t *now, const json_t *goal)
{
	json_t *o = json_deep_copy(goal);

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		_cleanup_free_ char *prefix = xasprintf("cluster.nodes.%u.", id);

		if (!*ju_strf(now, "", "cluster.nodes.%u.name", id) || *ju_strf(goal, "", "cluster.nodes.%u.name", id))
			continue;
		keep_below(o, now, prefix);
		votesteps_put(o, 0, "nodes", id, "quorum_vote");
	}
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		_cleanup_free_ char *prefix = xasprintf("cluster.quorum_devices.%u.", id);

		if (!*devicetable_name(now, id) || *devicetable_name(goal, id))
			continue;
		keep_below(o, now, prefix);
		put_device_votes(o, id, 0);
	}
	return o;
}

/* First votes go down, then the rest changes, then votes go up. */
json_t *votesteps_next(const json_t *now, const json_t *goal)
{
	json_t *aim = with_leavers(now, goal), *step = json_deep_copy(now), *rest;

	if (!next_vote(step, aim, false)) {
		json_decref(step);
		rest = all_but_votes(now, goal);
		if (!json_equal(rest, now)) {
			step = rest;
		} else {
			json_decref(rest);
			step = json_deep_copy(now);
			if (!next_vote(step, goal, true)) {
				json_decref(step);
				step = NULL;
			}
		}
	}
	json_decref(aim);
	return step;
}
