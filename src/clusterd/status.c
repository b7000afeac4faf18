#include "clusterd/status.h"

#include <stdio.h>

#include "base/json.h"
#include "cmm/config.h"

void status_add_votes(json_t *node, const struct cmm *cmm, const json_t *infrastructure, uint32_t id)
{
	const struct cmm_membership *ms = cmm_membership(cmm);
	bool reachable = nodeset_has(cmm_view(cmm), id);

	ju_set_bool(node, "member", nodeset_has(ms->ready & cmm_view(cmm), id));
	ju_set_bool(node, "reachable", reachable);
	ju_set_int(node, "votes", cmm_votes(cmm, id));
	ju_set_int(node, "default_votes", cmm_node_default_vote(infrastructure, id));
	ju_set_int(node, "votes_present", reachable ? cmm_votes(cmm, id) : 0);
	ju_set_int(node, "incarnation", nodeset_has(ms->members, id) ? (int64_t)ms->member[id].incarnation : 0);
	ju_set_bool(node, "quarantined", false);
}

static json_t *names_of(const struct rgm *rgm, nodeset set)
{
	json_t *list = json_array();

	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))
		ju_push(list, json_string(rgm_node_name(rgm, id)));
	return list;
}

/* Where it is: a path, or host and port, or the portal of a target. */
static const char *place(const json_t *table, uint32_t id)
{
	static const char *const properties[] = { "path", "host", "portal" };
	const char *value = "";

	for (size_t i = 0; i < ARRAY_SIZE(properties) && !*value; i++)
		value = ju_strf(table, "", "cluster.quorum_devices.%u.properties.%s", id, properties[i]);
	return value;
}

static json_t *device_json(const struct cmm *cmm, const json_t *table, const struct rgm *rgm, uint32_t id)
{
	const struct cmm_votes *votes = cmm_config_votes(cmm);
	const struct cmm_device_config *config = &votes->device[id];
	struct cmm_device_view d = cmm_device(cmm, id);
	const char *type = ju_strf(table, "", "cluster.quorum_devices.%u.properties.type", id);
	const char *mode = ju_strf(table, "", "cluster.quorum_devices.%u.properties.access_mode", id);
	bool online = config->enabled && d.held && !*d.why;

	return ju_pack("{ss,ss,ss,ss,sI,sI,sI,ss,sb,so,so,sb,sI,ss}", "name", config->name, "type", *type ? type : "shared_disk",
		       "access_mode", *mode ? mode : streq(type, "scsi3") ? "scsi3" : "sq_disk", "path", place(table, id), "votes",
		       (json_int_t)config->votes, "default_votes", (json_int_t)cmm_device_default_votes(votes, id), "votes_present",
		       (json_int_t)(d.held ? config->votes : 0), "status", online ? "Online" : "Offline", "enabled", config->enabled,
		       "nodes", names_of(rgm, config->ports), "keys", names_of(rgm, d.good), "held", d.held, "proved_ms",
		       (json_int_t)d.proved_ms, "message", d.why);
}

json_t *status_quorum(const struct cmm *cmm, const json_t *infrastructure, const struct rgm *rgm)
{
	const struct cmm_votes *votes = cmm_config_votes(cmm);
	json_t *devices = json_array();

	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (votes->device[id].name[0] && !votes->device[id].data)
			ju_push(devices, device_json(cmm, infrastructure, rgm, id));
	return ju_pack("{sI,sI,sI,sb,so}", "possible", (json_int_t)cmm_votes_possible(cmm), "needed",
		       (json_int_t)cmm_votes_needed(cmm), "present", (json_int_t)cmm_votes_present(cmm), "installmode",
		       streq(ju_str(infrastructure, "cluster.properties.installmode", ""), "enabled"), "devices", devices);
}

/* ---- for "cluster simulate" and --dry-run ---- */

struct snapshot_tables { json_t *list; const struct ccr *ccr; };

/* Of the infrastructure: the names of the nodes; the rest is not for everybody. */
static json_t *node_names(const json_t *infrastructure)
{
	json_t *ret = json_object(), *v;
	const char *key;

	json_object_foreach((json_t *)infrastructure, key, v) {
		unsigned id;
		int end = 0;

		if (streq(key, "cluster.name") || (sscanf(key, "cluster.nodes.%u.name%n", &id, &end) == 1 && end && !key[end]))
			json_object_set(ret, key, v);
	}
	return ret;
}

static void add_table(const char *table, const json_t *data, void *ctx)
{
	struct snapshot_tables *t = ctx;
	bool infrastructure = streq(table, "infrastructure");

	if (infrastructure || strncmp(table, "rgm_rt_", strlen("rgm_rt_")) == 0 || strncmp(table, "rgm_rg_", strlen("rgm_rg_")) == 0)
		ju_push(t->list, ju_pack("{ss,sI,so}", "table", table, "generation", (json_int_t)ccr_table_gen(t->ccr, table), "data",
					 infrastructure ? node_names(data) : json_deep_copy(data)));
}

json_t *status_snapshot(const struct cmm *cmm, const struct ccr *ccr, const struct rgm *rgm, uint32_t self, int64_t wall_ms)
{
	struct snapshot_tables t = { json_array(), ccr };
	const struct cmm_timers *timers = cmm_timers(cmm);

	ccr_each(ccr, add_table, &t);
	return ju_pack("{ss,sI,sI,sI,so,so}", "self", rgm_node_name(rgm, self), "at", (json_int_t)wall_ms, "detect_ms", (json_int_t)(timers->token_ms + timers->consensus_ms),
		       "takeover_ms", (json_int_t)timers->takeover_ms, "state", rgm_snapshot(rgm), "tables", t.list);
}

json_t *status_split(const struct cmm *cmm, nodeset side, nodeset others)
{
	struct cmm_side s = cmm_side(cmm, side, others);
	json_t *devices = json_array();

	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (s.decided_by & ((uint64_t)1 << id))
			ju_push(devices, json_string(cmm_config_votes(cmm)->device[id].name));
	return ju_pack("{ss,sb,sI,sI,sI,sI,so}", "fate", cmm_fate_names[s.fate], "favoured", s.favoured, "node_votes",
		       (json_int_t)s.node_votes, "device_votes", (json_int_t)s.device_votes, "reachable_votes",
		       (json_int_t)s.reachable_votes, "needed", (json_int_t)s.needed, "devices", devices);
}

/* ---- disks with data ---- */

/* The path, or of a disk that is reached by iSCSI its URL. */
static json_t *disk_path(const json_t *table, uint32_t id)
{
	_cleanup_free_ char *url = NULL;

	if (!streq(ju_strf(table, "", "cluster.quorum_devices.%u.properties.type", id), "iscsi"))
		return json_string(place(table, id));
	url = xasprintf("iscsi://%s/%s/%s", ju_strf(table, "", "cluster.quorum_devices.%u.properties.portal", id),
			ju_strf(table, "", "cluster.quorum_devices.%u.properties.target", id),
			ju_strf(table, "0", "cluster.quorum_devices.%u.properties.lun", id));
	return json_string(url);
}

/* Of another node is known whether it has said that its key is there; of this one also what went wrong last. */
static const char *path_status(const struct cmm *cmm, uint32_t id, uint32_t node, uint32_t self)
{
	struct cmm_device_view d = cmm_device(cmm, id);

	if (!cmm_config_votes(cmm)->device[id].enabled)
		return "Unmonitored";
	if (!nodeset_has(cmm_membership(cmm)->ready & cmm_view(cmm), node))
		return "Unknown";
	return nodeset_has(d.good, node) && !(node == self && *d.why) ? "Ok" : "Fail";
}

static json_t *paths_json(const struct cmm *cmm, const struct rgm *rgm, uint32_t id, uint32_t self, const char **ret_worst)
{
	static const char *const order[] = { "Fail", "Unmonitored", "Ok", "Unknown" };
	nodeset ports = cmm_config_votes(cmm)->device[id].ports;
	size_t worst = ARRAY_SIZE(order) - 1;
	json_t *paths = json_array();

	for (uint32_t node = nodeset_next(ports, 0); node; node = nodeset_next(ports, node)) {
		const char *status = path_status(cmm, id, node, self);

		ju_push(paths, ju_pack("{ss,ss}", "node", rgm_node_name(rgm, node), "status", status));
		for (size_t i = 0; i < worst; i++)
			if (streq(order[i], status))
				worst = i;
	}
	*ret_worst = order[worst];
	return paths;
}

static json_t *disk_json(const struct cmm *cmm, const json_t *table, const struct rgm *rgm, uint32_t id, uint32_t self)
{
	const struct cmm_device_config *config = &cmm_config_votes(cmm)->device[id];
	struct cmm_device_view d = cmm_device(cmm, id);
	const char *status;
	json_t *paths = paths_json(cmm, rgm, id, self, &status);

	return ju_pack("{ss,ss,so,ss,ss,so,so,ss,so,sI,ss}", "name", config->name, "type",
		       ju_strf(table, "", "cluster.quorum_devices.%u.properties.type", id), "path", disk_path(table, id),
		       "default_fencing", ju_strf(table, "global", "cluster.quorum_devices.%u.properties.default_fencing", id), "fencing",
		       config->enabled ? "scsi3" : "nofencing", "nodes", names_of(rgm, config->ports), "keys",
		       names_of(rgm, nodeset_has(config->ports, self) ? d.seen : d.good), "status", status, "paths", paths, "proved_ms",
		       (json_int_t)d.proved_ms, "message", d.why);
}

json_t *status_disks(const struct cmm *cmm, const json_t *infrastructure, const struct rgm *rgm, uint32_t self)
{
	json_t *disks = json_array();

	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (cmm_config_votes(cmm)->device[id].name[0] && cmm_config_votes(cmm)->device[id].data)
			ju_push(disks, disk_json(cmm, infrastructure, rgm, id, self));
	return disks;
}
