/* The infrastructure table in numbers: who votes, which quorum devices there are, who can be fenced. */
#include "cmm/config.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"

/* Keys of the form PREFIX<number>SUFFIX. */
static uint32_t numbered(const char *key, const char *prefix, const char *suffix, uint32_t max)
{
	size_t n = strlen(prefix);
	unsigned long id;
	char *end;

	if (strncmp(key, prefix, n) != 0 || key[n] < '0' || key[n] > '9')
		return 0;
	id = strtoul(key + n, &end, 10);
	return id >= 1 && id <= max && streq(end, suffix) ? (uint32_t)id : 0;
}

static uint32_t number_or(const char *text, uint32_t dflt)
{
	return text ? (uint32_t)strtoul(text, NULL, 10) : dflt;
}

static void read_node(const json_t *table, uint32_t id, struct cmm_votes *votes)
{
	votes->configured |= node_bit(id);
	votes->node[id] = number_or(ju_strf(table, NULL, "cluster.nodes.%u.properties.quorum_vote", id), 1);
	if (ju_strf(table, NULL, "cluster.nodes.%u.fence.1.agent", id))
		votes->fence |= node_bit(id);
}

const char *cmm_disk_fencing(const json_t *table, uint32_t id)
{
	const char *own = ju_strf(table, "global", "cluster.quorum_devices.%u.properties.default_fencing", id);

	return streq(own, "global") ? ju_str(table, "cluster.properties.global_fencing", "prefer3") : own;
}

static bool is_fenced(const json_t *table, uint32_t id)
{
	return strncmp(cmm_disk_fencing(table, id), "nofencing", strlen("nofencing")) != 0;
}

static void read_device(const json_t *table, uint32_t id, struct cmm_votes *votes)
{
	struct cmm_device_config *d = &votes->device[id];

	(void)snprintf(d->name, sizeof d->name, "%s", ju_strf(table, NULL, "cluster.quorum_devices.%u.name", id));
	d->votes = number_or(ju_strf(table, NULL, "cluster.quorum_devices.%u.properties.votecount", id), 0);
	d->enabled = streq(ju_strf(table, "enabled", "cluster.quorum_devices.%u.state", id), "enabled");
	d->data = streq(ju_strf(table, "quorum", "cluster.quorum_devices.%u.properties.role", id), "data");
	if (d->data) {
		d->votes = 0;
		d->enabled = d->enabled && is_fenced(table, id);
	}
	for (uint32_t node = 1; node <= CMM_NODE_ID_MAX; node++) {
		const char *port = ju_strf(table, NULL, "cluster.quorum_devices.%u.properties.path_%u", id, node);

		if (port && streq(port, "enabled"))
			d->ports |= node_bit(node);
	}
}

void cmm_votes_read(const json_t *table, uint64_t generation, struct cmm_votes *ret)
{
	const char *key, *policy = ju_str(table, "cluster.properties.fencing_policy", "lease");
	json_t *value;
	uint32_t id;

	*ret = (struct cmm_votes) { .generation = generation, .fence_required = streq(policy, "required"),
				    .takeover_highest_ms = number_or(ju_str(table, "cluster.properties.takeover_time_highest", NULL), 0) };
	json_object_foreach((json_t *)table, key, value) {
		id = numbered(key, "cluster.nodes.", ".name", CMM_NODE_ID_MAX);
		if (id)
			read_node(table, id, ret);
		id = numbered(key, "cluster.quorum_devices.", ".name", CMM_DEVICE_ID_MAX);
		if (id)
			read_device(table, id, ret);
	}
}

uint32_t cmm_device_default_votes(const struct cmm_votes *votes, uint32_t id)
{
	uint32_t n = 0;

	for (uint32_t node = nodeset_next(votes->device[id].ports, 0); node; node = nodeset_next(votes->device[id].ports, node))
		n += votes->node[node] > 0;
	return n && !votes->device[id].data ? n - 1 : 0;
}

uint32_t cmm_node_default_vote(const json_t *table, uint32_t id)
{
	const char *text = ju_strf(table, "", "cluster.nodes.%u.properties.quorum_defaultvote", id);

	return *text ? number_or(text, 1) : 1;
}

int cmm_config_read(const json_t *table, uint64_t generation, uint32_t self, struct cmm_votes *ret_votes,
		    struct cmm_timers *ret_timers, struct err *err)
{
	if (!table)
		return err_set(err, -ENOENT, "the CCR has no valid infrastructure table: this node does not know its cluster. "
			       "Copy it from another node, or create the cluster with cluster create");
	cmm_votes_read(table, generation, ret_votes);
	if (!nodeset_has(ret_votes->configured, self))
		return err_set(err, -EINVAL, "the infrastructure table has no node %u, which is this one", self);
	return cmm_timers_derive(number_or(ju_str(table, "cluster.properties.takeover_time", NULL), TAKEOVER_TIME_DEFAULT_MS),
				 ret_timers, err);
}

static uint32_t apart(uint32_t a, uint32_t b) { return a > b ? a - b : b - a; }

uint32_t cmm_votes_distance(const struct cmm_votes *from, const struct cmm_votes *to)
{
	uint32_t n = 0;

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		n += apart(nodeset_has(from->configured, id) ? from->node[id] : 0, nodeset_has(to->configured, id) ? to->node[id] : 0);
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		uint32_t a = from->device[id].name[0] ? from->device[id].votes : 0, b = to->device[id].name[0] ? to->device[id].votes : 0;

		/* Another device under the same id shares nothing with the one before. */
		n += streq(from->device[id].name, to->device[id].name) ? apart(a, b) : a + b;
	}
	return n;
}
