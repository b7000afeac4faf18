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
		if (votes->device[id].name[0])
			ju_push(devices, device_json(cmm, infrastructure, rgm, id));
	return ju_pack("{sI,sI,sI,sb,so}", "possible", (json_int_t)cmm_votes_possible(cmm), "needed",
		       (json_int_t)cmm_votes_needed(cmm), "present", (json_int_t)cmm_votes_present(cmm), "installmode",
		       streq(ju_str(infrastructure, "cluster.properties.installmode", ""), "enabled"), "devices", devices);
}
