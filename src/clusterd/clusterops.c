/* A request goes from phase to phase:
 *
 *   NEW ──> STEPPING: a commit, and again until the goal is reached ──> end
 *             │   ^
 *             v   │
 *             WORKING: on a device, by a node that has it: it is prepared before it comes into use, its keys are removed after
 *
 * and waits between two steps when the next one needs something that takes time: keys on a new device, or a device that has
 * to be taken first.  Before the first step the arithmetic of all of them is done; a change that would cost the cluster its
 * quorum is refused as a whole.  Like all requests these live in the president's memory only; the node that asked sends a
 * request again to the next president, which goes on from whatever is there. */
#include "clusterd/clusterops.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "clusterd/devicetable.h"
#include "clusterd/limittable.h"
#include "clusterd/nodetable.h"
#include "clusterd/quarantine.h"
#include "clusterd/votesteps.h"
#include "cmm/config.h"
#include "scha_err.h"

#define PATIENCE_MS 60000u              /* for keys and devices; then the request ends with what is missing */

enum phase { CO_NEW, CO_WORKING, CO_STEPPING, CO_COMMITTING, CO_DONE };

struct request {
	struct request *next;
	char      *id;
	json_t    *message;
	uint32_t   from;
	const struct kind *kind;
	enum phase phase;
	uint64_t   until_ms;
	struct { uint32_t device, node; const char *op; char name[80]; uint64_t until_ms; } asked;      /* WORKING */
	nodeset    scrubbers;           /* who has still to scrub that disk */
	char       scrub_error[300];    /* of the last one who has; "": it worked */
	uint64_t   prepared, scrubbed;  /* bits of ids */
	char       warning[500];        /* of a scrub that failed; the change itself is made */
	char       error[600];          /* "": none yet */
	int        code;
};

struct clusterops { uint32_t self; struct request *requests; };

typedef const struct clusterops_context context;

struct kind {
	const char *name;
	/* The table as it is wanted, from the one there is: changes `goal`, or says why not (refuse).  NULL: it is about no table. */
	void (*aim)(struct request *r, context *c, json_t *goal);
	/* When the goal is reached: the disks (bits of ids) whose keys have to go.  NULL: none. */
	uint64_t (*scrub)(const struct request *r, context *c);
};

static void refuse(struct request *r, int code, const char *fmt, ...) _printf_(3, 4);
static void refuse(struct request *r, int code, const char *fmt, ...)
{
	va_list ap;

	if (r->error[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(r->error, sizeof r->error, fmt, ap);
	va_end(ap);
	r->code = code;
}

/* ---- the table ---- */

static uint32_t find_node(const json_t *table, const char *name)
{
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		const char *known = ju_strf(table, "", "cluster.nodes.%u.name", id);
		char number[12];

		(void)snprintf(number, sizeof number, "%u", id);
		if (*known && (streq(known, name) || streq(number, name)))
			return id;
	}
	return 0;
}

static uint32_t need_node(struct request *r, context *c)
{
	const char *name = ju_str(r->message, "node", "");
	uint32_t id = find_node(c->table, name);

	if (!id)
		refuse(r, SCHA_ERR_NODE, "node %s is not in the configuration", name);
	return id;
}

/* ---- votes ---- */

static uint32_t device_default(const json_t *goal, uint32_t id)
{
	struct cmm_votes votes;

	cmm_votes_read(goal, 0, &votes);
	return cmm_device_default_votes(&votes, id);
}

static void set_device_votes(json_t *goal, uint32_t id, uint32_t votes)
{
	votesteps_put(goal, votes, "quorum_devices", id, "votecount");
}

/* The votes of every device follow from the votes of the nodes, but for those in maintenance. */
static void adjust_devices(json_t *goal)
{
	struct cmm_votes votes;

	cmm_votes_read(goal, 0, &votes);
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (*devicetable_name(goal, id) && !devicetable_is_disk(goal, id) && devicetable_is_enabled(goal, id))
			set_device_votes(goal, id, cmm_device_default_votes(&votes, id));
}

/* ---- the requests ---- */

static void put_ports(struct request *r, context *c, json_t *goal, uint32_t id)
{
	const json_t *nodes = ju_arr(r->message, "nodes");
	unsigned n = 0;
	json_t *v;
	size_t i;

	for (uint32_t node = 1; node <= CMM_NODE_ID_MAX; node++) {
		bool wanted = !nodes && *ju_strf(c->table, "", "cluster.nodes.%u.name", node);

		json_array_foreach(nodes, i, v)
			wanted |= json_string_value(v) && find_node(c->table, json_string_value(v)) == node;
		n += wanted;
		if (wanted)
			ju_set_strf(goal, "enabled", "cluster.quorum_devices.%u.properties.path_%u", id, node);
	}
	json_array_foreach(nodes, i, v)
		if (!json_string_value(v) || !find_node(c->table, json_string_value(v)))
			refuse(r, SCHA_ERR_NODE, "node %s is not in the configuration", json_string_value(v) ? json_string_value(v) : "?");
	if (n < 2)
		refuse(r, SCHA_ERR_INVAL, "it has to be connected to at least two nodes");
}

/* Quorum devices and disks with data share ids, names, and the ways to them. */
static const struct role {
	const char *what, *types[5], *types_text, *command;
	bool disk;
} quorum_role = { "quorum device", { "shared_disk", "scsi3", "iscsi", "quorum_server" }, "shared_disk, scsi3, iscsi and quorum_server",
		  "clquorum", false },
  disk_role = { "disk", { "scsi3", "iscsi" }, "scsi3 and iscsi", "cldevice", true };

static const struct role *role_of(const json_t *table, uint32_t id)
{
	return devicetable_is_disk(table, id) ? &disk_role : &quorum_role;
}

/* The device that the request names; of the other role it is refused. */
static uint32_t need_device(struct request *r, context *c, const struct role *role)
{
	const char *name = ju_str(r->message, "name", "");
	uint32_t id = devicetable_find(c->table, name);

	if (id && role_of(c->table, id) == role)
		return id;
	if (id)
		refuse(r, SCHA_ERR_INVAL, "%s is a %s, no %s; see %s", name, role_of(c->table, id)->what, role->what,
		       role_of(c->table, id)->command);
	else
		refuse(r, SCHA_ERR_INVAL, "%s %s is not in the configuration", role->what, name);
	return 0;
}

static void check_fencing(struct request *r, const char *value)
{
	if (!devicetable_fencing_fits(value))
		refuse(r, SCHA_ERR_PROP, "default_fencing is global, prefer3, scsi3, pathcount, nofencing or nofencing-noscrub, not \"%s\"",
		       value);
}

/* What the kind of the device understands, or is for people, comes as it is given. */
static void put_props(struct request *r, json_t *goal, uint32_t id, const struct role *role)
{
	const char *key;
	json_t *v;

	json_object_foreach(ju_obj(r->message, "props"), key, v) {
		bool fencing = role->disk && streq(key, "default_fencing");
		const char *value = json_is_string(v) ? json_string_value(v) : "";

		if (fencing)
			check_fencing(r, value);
		else if (!devicetable_is_for_quorumd(key) && !streq(key, "gdevname") && !streq(key, "access_mode"))
			refuse(r, SCHA_ERR_PROP, "property %s of a %s is not set this way", key, role->what);
		ju_set_strf(goal, value, "cluster.quorum_devices.%u.properties.%s", id, key);
	}
}

static void check_new_device(struct request *r, context *c, const struct role *role, const char *name, const char *type)
{
	uint32_t id = devicetable_find(c->table, name), other = devicetable_at_place(c->table, ju_obj(r->message, "props"));
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(role->types) && role->types[i]; i++)
		known |= streq(role->types[i], type);
	if (!known)
		refuse(r, SCHA_ERR_INVAL, "there is no type of %s \"%s\"; there are %s", role->what, type, role->types_text);
	if (!devicetable_name_fits(name))
		refuse(r, SCHA_ERR_INVAL, "\"%s\" is no name for a %s: letters, digits, -, _ and dots", name, role->what);
	if (id && role_of(c->table, id) == role)
		refuse(r, SCHA_ERR_INVAL, "%s %s is in the configuration already", role->what, name);
	if (id)
		refuse(r, SCHA_ERR_INVAL, "%s is the name of a %s already; see %s", name, role_of(c->table, id)->what,
		       role_of(c->table, id)->command);
	if (devicetable_free_id(c->table) > CMM_DEVICE_ID_MAX)
		refuse(r, SCHA_ERR_INVAL, "there are %d quorum devices and disks already", CMM_DEVICE_ID_MAX);
	if (role->disk && !devicetable_has_place(type, ju_obj(r->message, "props")))
		refuse(r, SCHA_ERR_PROP, "a disk of type %s needs %s", type, streq(type, "iscsi") ? "portal and target" : "a path");
	/* Both would put the same keys there, and remove them. */
	if (other && devicetable_has_place(type, ju_obj(r->message, "props")) && (role->disk || devicetable_is_disk(c->table, other)))
		refuse(r, SCHA_ERR_INVAL, "it is %s %s already", role_of(c->table, other)->what, devicetable_name(c->table, other));
}

static bool was_added_by(const json_t *table, uint32_t id, const struct request *r)
{
	return id && streq(ju_strf(table, "", "cluster.quorum_devices.%u.properties.added_by", id), r->id);
}

static void put_new_device(struct request *r, context *c, json_t *goal, const struct role *role)
{
	const char *name = ju_str(r->message, "name", ""), *type = ju_str(r->message, "type", role->types[0]);
	uint32_t id = devicetable_free_id(c->table);

	check_new_device(r, c, role, name, type);
	if (r->error[0])
		return;
	ju_set_strf(goal, name, "cluster.quorum_devices.%u.name", id);
	ju_set_strf(goal, "disabled", "cluster.quorum_devices.%u.state", id);
	ju_set_strf(goal, type, "cluster.quorum_devices.%u.properties.type", id);
	ju_set_strf(goal, r->id, "cluster.quorum_devices.%u.properties.added_by", id);
	if (role->disk) {
		ju_set_strf(goal, "data", "cluster.quorum_devices.%u.properties.role", id);
		ju_set_strf(goal, "global", "cluster.quorum_devices.%u.properties.default_fencing", id);
	}
	put_props(r, goal, id, role);
	put_ports(r, c, goal, id);
	set_device_votes(goal, id, 0);
}

static void enable_device(json_t *goal, uint32_t id)
{
	ju_set_strf(goal, "enabled", "cluster.quorum_devices.%u.state", id);
	set_device_votes(goal, id, device_default(goal, id));
}

/* It comes to the table disabled; then it is prepared, see to_prepare(). */
static void add_device(struct request *r, context *c, json_t *goal, const struct role *role)
{
	uint32_t id = devicetable_find(c->table, ju_str(r->message, "name", ""));

	if (was_added_by(c->table, id, r))
		enable_device(goal, id);
	else
		put_new_device(r, c, goal, role);
}

static void aim_quorum_add(struct request *r, context *c, json_t *goal) { add_device(r, c, goal, &quorum_role); }
static void aim_disk_add(struct request *r, context *c, json_t *goal)   { add_device(r, c, goal, &disk_role); }

static unsigned voting_nodes(const json_t *table)
{
	struct cmm_votes votes;
	unsigned n = 0;

	cmm_votes_read(table, 0, &votes);
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		n += votes.node[id] > 0;
	return n;
}

static bool another_device(const json_t *table, uint32_t but)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (id != but && *devicetable_name(table, id) && !devicetable_is_disk(table, id) && devicetable_is_enabled(table, id))
			return true;
	return false;
}

static bool may_go(struct request *r, context *c, uint32_t id)
{
	if (voting_nodes(c->table) == 2 && !another_device(c->table, id) && devicetable_is_enabled(c->table, id) &&
	    !streq(ju_str(c->table, "cluster.properties.installmode", ""), "enabled"))
		refuse(r, SCHA_ERR_STATE, "quorum device %s is the last one of a cluster of two nodes; without it none of them could go on "
		       "alone. Add another device first", devicetable_name(c->table, id));
	return !r->error[0];
}

static void aim_quorum_remove(struct request *r, context *c, json_t *goal)
{
	uint32_t id = devicetable_find(c->table, ju_str(r->message, "name", ""));

	if (!id && r->phase != CO_NEW)
		return;                 /* it is done */
	id = need_device(r, c, &quorum_role);
	if (id && may_go(r, c, id))
		devicetable_drop(goal, id);
}

static void aim_quorum_disable(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_device(r, c, &quorum_role);

	if (!id || !may_go(r, c, id))
		return;
	set_device_votes(goal, id, 0);
	ju_set_strf(goal, "disabled", "cluster.quorum_devices.%u.state", id);
}

static void aim_quorum_enable(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_device(r, c, &quorum_role);

	if (id)
		enable_device(goal, id);
}

static void aim_quorum_reset(struct request *r, context *c, json_t *goal)
{
	(void)r;
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (*ju_strf(c->table, "", "cluster.nodes.%u.name", id))
			votesteps_put(goal, cmm_node_default_vote(c->table, id), "nodes", id, "quorum_vote");
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (*devicetable_name(c->table, id) && !devicetable_is_disk(c->table, id))
			enable_device(goal, id);
}

static void aim_node_maintain(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_node(r, c);

	if (!id)
		return;
	if (nodeset_has(cmm_view(c->cmm), id))
		refuse(r, SCHA_ERR_STATE, "node %s is up; shut it down first, then put it into maintenance from another node",
		       ju_strf(c->table, "", "cluster.nodes.%u.name", id));
	votesteps_put(goal, 0, "nodes", id, "quorum_vote");
	adjust_devices(goal);
}

static void aim_node_reset(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_node(r, c);

	if (!id)
		return;
	votesteps_put(goal, cmm_node_default_vote(c->table, id), "nodes", id, "quorum_vote");
	adjust_devices(goal);
}

/* A node that came back with an old node list would not hear the new one, and the ring could not agree on itself. */
static void need_all_nodes(struct request *r, context *c)
{
	nodeset missing = cmm_config_votes(c->cmm)->configured & ~cmm_membership(c->cmm)->ready;

	if (missing)
		refuse(r, SCHA_ERR_STATE, "node %s is no member now, and every node has to learn of the new one: start it, or remove it "
		       "first", ju_strf(c->table, "", "cluster.nodes.%u.name", nodeset_next(missing, 0)));
}

static uint32_t added_before(struct request *r, context *c)
{
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (streq(ju_strf(c->table, "", "cluster.nodes.%u.properties.added_by", id), r->id))
			return id;
	return 0;
}

/* A new node has no vote when it comes to the table.  It gets its default vote in a step of its own, but not in install mode. */
static void aim_node_add(struct request *r, context *c, json_t *goal)
{
	int64_t asked = ju_int(r->message, "node_id", 0);
	const struct node_wanted wanted = {
		.name = ju_str(r->message, "name", ""), .links = ju_arr(r->message, "links"), .added_by = r->id,
		.id = asked < 0 || asked > CMM_NODE_ID_MAX ? CMM_NODE_ID_MAX + 1 : (uint32_t)asked,
	};
	bool installing = streq(ju_str(c->table, "cluster.properties.installmode", ""), "enabled");
	uint32_t id = added_before(r, c);
	struct err err = { 0 };
	int got;

	if (!id) {
		need_all_nodes(r, c);
		got = nodetable_add(goal, &wanted, &err);
		if (got < 0)
			refuse(r, got == -EEXIST ? SCHA_ERR_NODE : SCHA_ERR_INVAL, "%s", err.text);
		id = (uint32_t)MAX(got, 0);
	}
	if (r->error[0] || installing)
		return;
	votesteps_put(goal, cmm_node_default_vote(goal, id), "nodes", id, "quorum_vote");
	adjust_devices(goal);
}

struct need { const char *name; uint32_t id; struct err err; };

static void look_for_need(const char *table, const json_t *data, void *ctx)
{
	struct need *need = ctx;

	if (!need->err.text[0])
		(void)nodetable_needed(table, data, need->name, need->id, &need->err);
}

static void aim_node_remove(struct request *r, context *c, json_t *goal)
{
	uint32_t id = find_node(c->table, ju_str(r->message, "node", ""));
	struct need need = { .id = id };

	if (!id && r->phase != CO_NEW)
		return;                 /* it is done */
	if (!need_node(r, c))
		return;
	need.name = ju_strf(c->table, "", "cluster.nodes.%u.name", id);
	if (nodeset_has(cmm_view(c->cmm) | cmm_membership(c->cmm)->members, id))
		refuse(r, SCHA_ERR_STATE, "node %s is up; shut it down first, then remove it from another node", need.name);
	if (nodeset_has(cmm_membership(c->cmm)->lost, id))
		refuse(r, SCHA_ERR_STATE, "node %s is lost, but it is not certain yet that it is dead; see clnode status -v", need.name);
	look_for_need("infrastructure", c->table, &need);
	if (c->ccr)
		ccr_each(c->ccr, look_for_need, &need);
	if (need.err.text[0])
		refuse(r, SCHA_ERR_STATE, "%s", need.err.text);
	nodetable_remove(goal, id);
	adjust_devices(goal);
}

static void aim_installmode(struct request *r, context *c, json_t *goal)
{
	bool enabled = ju_bool(r->message, "enabled", false);

	ju_set_str(goal, "cluster.properties.installmode", enabled ? "enabled" : "disabled");
	if (!enabled)
		aim_quorum_reset(r, c, goal);
}

static void check_takeover(struct request *r, const char *value)
{
	struct cmm_timers timers;
	struct err err = { 0 };
	char *end;
	unsigned long ms = strtoul(value, &end, 10);

	if (*end || value[0] < '0' || value[0] > '9')
		refuse(r, SCHA_ERR_INVAL, "takeover_time \"%s\" is no number of milliseconds", value);
	else if (cmm_timers_derive((uint32_t)MIN(ms, UINT32_MAX), &timers, &err) < 0)
		refuse(r, SCHA_ERR_INVAL, "%s", err.text);
}

/* A node that nobody has heard of for long may still have a lease of a time when it was longer. */
static void put_highest_takeover(context *c, json_t *goal)
{
	static const char *const keys[] = { "takeover_time", "takeover_time_highest" };
	uint32_t highest = 0;
	char text[12];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		highest = MAX(highest, (uint32_t)strtoul(ju_strf(c->table, "", "cluster.properties.%s", keys[i]), NULL, 10));
		highest = MAX(highest, (uint32_t)strtoul(ju_strf(goal, "", "cluster.properties.%s", keys[i]), NULL, 10));
	}
	(void)snprintf(text, sizeof text, "%u", highest);
	ju_set_str(goal, "cluster.properties.takeover_time_highest", text);
}

static void check_fencing_policy(struct request *r, const char *value)
{
	if (!streq(value, "lease") && !streq(value, "required"))
		refuse(r, SCHA_ERR_INVAL, "fencing_policy is \"lease\" (a lost node is dead when fenced or when its lease is over) or "
		       "\"required\" (only when fenced), not \"%s\"", value);
}

static void check_global_fencing(struct request *r, const char *value)
{
	static const char *const values[] = { "pathcount", "prefer3", "nofencing", "nofencing-noscrub" };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (streq(values[i], value))
			return;
	refuse(r, SCHA_ERR_INVAL, "global_fencing is pathcount, prefer3, nofencing or nofencing-noscrub, not \"%s\"", value);
}

static void check_cluster_name(struct request *r, const char *value)
{
	if (!devicetable_name_fits(value))
		refuse(r, SCHA_ERR_INVAL, "\"%s\" is no name for a cluster: letters, digits, -, _ and dots", value);
}

static void check_number(struct request *r, const char *name, const char *value, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*end || value[0] < '0' || value[0] > '9' || n < min || n > max)
		refuse(r, SCHA_ERR_INVAL, "%s is a number from %lu to %lu, not \"%s\"", name, min, max, value);
}

static void check_quarantine_deaths(struct request *r, const char *value)
{
	check_number(r, "quarantine_deaths", value, 0, QUARANTINE_DEATHS_MAX);
}

static void check_quarantine_minutes(struct request *r, const char *value)
{
	check_number(r, "quarantine_minutes", value, 1, QUARANTINE_MINUTES_MAX);
}

static void aim_cluster_set(struct request *r, context *c, json_t *goal)
{
	static const struct { const char *name, *key; void (*check)(struct request *r, const char *value); } props[] = {
		{ "takeover_time",  "cluster.properties.takeover_time",  check_takeover },
		{ "fencing_policy", "cluster.properties.fencing_policy", check_fencing_policy },
		{ "global_fencing", "cluster.properties.global_fencing", check_global_fencing },
		{ "name",           "cluster.name",                      check_cluster_name },
		{ "quarantine_deaths",  "cluster.properties.quarantine_deaths",  check_quarantine_deaths },
		{ "quarantine_minutes", "cluster.properties.quarantine_minutes", check_quarantine_minutes },
	};
	const char *name;
	json_t *v;

	json_object_foreach(ju_obj(r->message, "props"), name, v) {
		size_t i = 0;

		while (i < ARRAY_SIZE(props) && !streq(props[i].name, name))
			i++;
		if (i == ARRAY_SIZE(props) || !json_is_string(v)) {
			refuse(r, SCHA_ERR_PROP, "the cluster has no property %s that can be set", name);
			return;
		}
		props[i].check(r, json_string_value(v));
		ju_set_strf(goal, json_string_value(v), "%s", props[i].key);
		if (streq(name, "takeover_time"))
			put_highest_takeover(c, goal);
	}
}

/* What commands call a property, and what the table calls it; NULL: there is none. */
static const char *node_property(const char *name)
{
	static const char *const props[][2] = {
		{ "privatehostname",        "private_hostname" },
		{ "private_hostname",       "private_hostname" },
		{ "reboot_on_path_failure", "reboot_on_path_failure" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(props); i++)
		if (streq(props[i][0], name))
			return props[i][1];
	return NULL;
}

static void aim_node_set(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_node(r, c);
	const char *name;
	json_t *v;

	json_object_foreach(ju_obj(r->message, "props"), name, v) {
		bool fence = strncmp(name, "fence.", 6) == 0;
		_cleanup_free_ char *dflt = xasprintf("clusternode%u-priv", id);
		const char *property = node_property(name), *value = json_is_string(v) ? json_string_value(v) : "";

		if ((!fence && !property) || !json_is_string(v)) {
			refuse(r, SCHA_ERR_PROP, "nodes have no property %s that can be set", name);
			return;
		}
		if (fence && !*value) {
			_cleanup_free_ char *key = xasprintf("cluster.nodes.%u.%s", id, name);

			json_object_del(goal, key);
		} else if (fence) {
			ju_set_strf(goal, value, "cluster.nodes.%u.%s", id, name);
		} else {
			ju_set_strf(goal, !*value && streq(property, "private_hostname") ? dflt : value,
				    "cluster.nodes.%u.properties.%s", id, property);
		}
	}
}

static void put_limit(struct request *r, context *c, json_t *goal,
		      int (*put)(json_t *table, uint32_t node, const struct limit_wanted *wanted, struct err *err))
{
	const struct limit_wanted wanted = {
		.name = ju_str(r->message, "limit", ""), .soft = ju_str(r->message, "soft", NULL), .hard = ju_str(r->message, "hard", NULL),
	};
	uint32_t id = need_node(r, c);
	struct err err = { 0 };

	if (id && put(goal, id, &wanted, &err) < 0)
		refuse(r, SCHA_ERR_INVAL, "%s", err.text);
}

static void aim_limit_create(struct request *r, context *c, json_t *goal) { put_limit(r, c, goal, limittable_create); }
static void aim_limit_set(struct request *r, context *c, json_t *goal)    { put_limit(r, c, goal, limittable_set); }

static void aim_limit_delete(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_node(r, c);
	struct err err = { 0 };

	if (id && limittable_delete(goal, id, ju_str(r->message, "limit", ""), &err) < 0 && r->phase == CO_NEW)
		refuse(r, SCHA_ERR_INVAL, "%s", err.text);
}

/* ---- disks with data ---- */

static uint64_t id_bit(uint32_t id) { return id ? (uint64_t)1 << id : 0; }

static bool keys_stay(const json_t *table, uint32_t id)
{
	return strncmp(cmm_disk_fencing(table, id), "nofencing", strlen("nofencing")) == 0;
}

static uint32_t named_disk(const struct request *r, context *c)
{
	uint32_t id = devicetable_find(c->table, ju_str(r->message, "name", ""));

	return devicetable_is_disk(c->table, id) ? id : 0;
}

/* First nobody puts a key on it any more; then the keys go; then it does. */
static void aim_disk_remove(struct request *r, context *c, json_t *goal)
{
	uint32_t id = devicetable_find(c->table, ju_str(r->message, "name", ""));

	if (!id && r->phase != CO_NEW)
		return;                 /* it is done */
	id = need_device(r, c, &disk_role);
	if (id && (keys_stay(c->table, id) || (r->scrubbed & id_bit(id))))
		devicetable_drop(goal, id);
	else if (id)
		ju_set_strf(goal, "disabled", "cluster.quorum_devices.%u.state", id);
}

static uint64_t scrub_removed(const struct request *r, context *c)
{
	uint32_t id = named_disk(r, c);

	return keys_stay(c->table, id) ? 0 : id_bit(id);
}

static void aim_disk_set(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_device(r, c, &disk_role);
	const char *key;
	json_t *v;

	json_object_foreach(ju_obj(r->message, "props"), key, v) {
		const char *value = json_is_string(v) ? json_string_value(v) : "";

		if (streq(key, "default_fencing"))
			check_fencing(r, value);
		else
			refuse(r, SCHA_ERR_PROP, "disks have no property %s that can be set", key);
		if (id)
			ju_set_strf(goal, value, "cluster.quorum_devices.%u.properties.%s", id, key);
	}
}

/* Also when it was like that before: what was meant is that there are no keys. */
static uint64_t scrub_set(const struct request *r, context *c)
{
	uint32_t id = named_disk(r, c);

	return streq(cmm_disk_fencing(c->table, id), "nofencing") ? id_bit(id) : 0;
}

static uint64_t scrub_followers(const struct request *r, context *c)
{
	const char *value = ju_str(ju_obj(r->message, "props"), "global_fencing", "");
	uint64_t disks = 0;

	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX && streq(value, "nofencing"); id++)
		if (*devicetable_name(c->table, id) && devicetable_is_disk(c->table, id) &&
		    streq(ju_strf(c->table, "global", "cluster.quorum_devices.%u.properties.default_fencing", id), "global"))
			disks |= id_bit(id);
	return disks;
}

/* ---- all of them ---- */

static const struct kind kinds[] = {
	{ "quorum_add",     aim_quorum_add },
	{ "quorum_remove",  aim_quorum_remove },
	{ "quorum_enable",  aim_quorum_enable },
	{ "quorum_disable", aim_quorum_disable },
	{ "quorum_reset",   aim_quorum_reset },
	{ "node_add",       aim_node_add },
	{ "node_remove",    aim_node_remove },
	{ "node_maintain",  aim_node_maintain },
	{ "node_reset",     aim_node_reset },
	{ "node_set",       aim_node_set },
	{ "loadlimit_create", aim_limit_create },
	{ "loadlimit_set",    aim_limit_set },
	{ "loadlimit_delete", aim_limit_delete },
	{ "installmode",    aim_installmode },
	{ "cluster_set",    aim_cluster_set, scrub_followers },
	{ "disk_add",       aim_disk_add },
	{ "disk_remove",    aim_disk_remove, scrub_removed },
	{ "disk_set",       aim_disk_set, scrub_set },
	{ "cluster_notice", NULL },
};

static const struct kind *kind_of(const char *op)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (streq(kinds[i].name, op))
			return &kinds[i];
	return NULL;
}

bool clusterops_owns_request(const char *op) { return kind_of(op) != NULL; }
bool clusterops_owns_message(const char *type) { return strncmp(type, "co.", 3) == 0; }

/* ---- arithmetic ---- */

struct sum { uint32_t possible, needed, present; };

/* A node that is still joining has nothing yet of what was agreed, so it does not count.  keys_first: devices that are not held
 * yet are counted as if; they are taken before their votes are added. */
static struct sum add_up(context *c, const json_t *table, bool keys_first)
{
	struct cmm_votes votes;
	struct sum s = { 0 };

	cmm_votes_read(table, 0, &votes);
	for (uint32_t id = nodeset_next(votes.configured, 0); id; id = nodeset_next(votes.configured, id)) {
		s.possible += votes.node[id];
		s.present += nodeset_has(cmm_view(c->cmm) & cmm_membership(c->cmm)->ready, id) ? votes.node[id] : 0;
	}
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		if (!votes.device[id].name[0])
			continue;
		s.possible += votes.device[id].votes;
		s.present += keys_first || cmm_device(c->cmm, id).held ? votes.device[id].votes : 0;
	}
	s.needed = s.possible / 2 + 1;
	return s;
}

static bool keeps_quorum(struct request *r, context *c, const json_t *table, bool keys_first)
{
	struct sum s = add_up(c, table, keys_first);

	if (s.present >= s.needed)
		return true;
	refuse(r, SCHA_ERR_STATE, "the cluster would lose its quorum: of %u votes %u would be needed and %u present; nothing was changed",
	       s.possible, s.needed, s.present);
	return false;
}

/* All steps, on paper. */
static void check_all_steps(struct request *r, context *c, const json_t *goal)
{
	json_t *now = json_deep_copy(c->table), *step;

	while (!r->error[0] && (step = votesteps_next(now, goal))) {
		(void)keeps_quorum(r, c, step, true);
		json_decref(now);
		now = step;
	}
	json_decref(now);
}

/* ---- waiting for devices ---- */

static bool is_new_vote(const json_t *now, const json_t *step, uint32_t id)
{
	return strtoul(ju_strf(step, "", "cluster.quorum_devices.%u.properties.votecount", id), NULL, 10) >
	       strtoul(ju_strf(now, "", "cluster.quorum_devices.%u.properties.votecount", id), NULL, 10);
}

/* A device gets votes when it is held and everybody here who is connected to it has his key on it. */
static bool device_is_due(context *c, const json_t *step)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		struct cmm_device_view d;
		nodeset ready = cmm_membership(c->cmm)->ready;

		if (!*devicetable_name(step, id) || !is_new_vote(c->table, step, id))
			continue;
		d = cmm_device(c->cmm, id);
		if (!d.held || (cmm_config_votes(c->cmm)->device[id].ports & ready & ~d.good))
			return false;
	}
	return true;
}

static void say_what_is_missing(struct request *r, context *c, const json_t *step)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		struct cmm_device_view d = cmm_device(c->cmm, id);
		nodeset without = cmm_config_votes(c->cmm)->device[id].ports & cmm_membership(c->cmm)->ready & ~d.good;

		if (!is_new_vote(c->table, step, id) || (d.held && !without))
			continue;
		refuse(r, SCHA_ERR_TIMEOUT, "quorum device %s has no votes yet: %s%s%s; it stays in the configuration, see clquorum status",
		       devicetable_name(step, id), without ? "no key of node " : "it could not be taken",
		       without ? ju_strf(step, "", "cluster.nodes.%u.name", nodeset_next(without, 0)) : "", d.why[0] ? " is on it" : "");
	}
}

/* ---- work on a device, by a member that is connected to it ---- */

static nodeset can_work(context *c, uint32_t id)
{
	return cmm_config_votes(c->cmm)->device[id].ports & cmm_membership(c->cmm)->ready;
}

static void ask_device(struct request *r, context *c, uint32_t id, uint32_t node, const char *op, struct clusterops_update *u)
{
	if (!u->send)
		u->send = json_array();
	ju_push(u->send, ju_pack("{ss,si,ss,ss,sI,sI,sb}", "t", "co.prepare", "v", 1, "id", r->id, "op", op, "node", (json_int_t)node,
				 "device", (json_int_t)id, "force", ju_bool(r->message, "force", false)));
	r->asked.device = id;
	r->asked.node = node;
	r->asked.op = op;
	(void)snprintf(r->asked.name, sizeof r->asked.name, "%s %s", role_of(c->table, id)->what, devicetable_name(c->table, id));
	r->asked.until_ms = c->now_ms + PATIENCE_MS;
	r->phase = CO_WORKING;
}

/* A device that comes into use: a new one, or a disk that has not been fenced so far. */
static uint32_t to_prepare(const struct request *r, context *c, const json_t *goal)
{
	struct cmm_votes now, then;

	cmm_votes_read(c->table, 0, &now);
	cmm_votes_read(goal, 0, &then);
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (now.device[id].name[0] && then.device[id].enabled && !now.device[id].enabled && !(r->prepared & id_bit(id)) &&
		    (then.device[id].data || was_added_by(c->table, id, r)))
			return id;
	return 0;
}

/* True: it is settled without work. */
static bool prepare(struct request *r, context *c, uint32_t id, struct clusterops_update *u)
{
	nodeset can = can_work(c, id);

	if (can)
		ask_device(r, c, id, nodeset_next(can, 0), "prepare", u);
	else
		refuse(r, SCHA_ERR_STATE, "no member is connected to %s %s", role_of(c->table, id)->what, devicetable_name(c->table, id));
	return !can;
}

static uint32_t to_scrub(const struct request *r, context *c)
{
	uint64_t disks = r->kind->scrub ? r->kind->scrub(r, c) & ~r->scrubbed : 0;

	return disks ? (uint32_t)__builtin_ctzll(disks) : 0;
}

/* By each of them in turn, as a key that one of them was about to put on comes before its own scrub.  The last one counts. */
static bool scrub(struct request *r, context *c, uint32_t id, struct clusterops_update *u)
{
	if (r->asked.device != id || !streq(r->asked.op, "scrub")) {
		r->scrubbers = can_work(c, id);
		(void)snprintf(r->scrub_error, sizeof r->scrub_error, "no member is connected to it");
	}
	r->scrubbers &= can_work(c, id);
	if (r->scrubbers) {
		ask_device(r, c, id, nodeset_next(r->scrubbers, 0), "scrub", u);
		return false;
	}
	if (r->scrub_error[0] && !r->warning[0])
		(void)snprintf(r->warning, sizeof r->warning, "the change is made, but there may still be keys on disk %s: %s",
			       devicetable_name(c->table, id), r->scrub_error);
	r->scrubbed |= id_bit(id);
	return true;
}

static void device_worked(struct request *r, const char *error)
{
	r->phase = CO_STEPPING;
	if (streq(r->asked.op, "prepare")) {
		if (error)
			refuse(r, SCHA_ERR_FAIL, "%s cannot be used: %s", r->asked.name, error);
		r->prepared |= id_bit(r->asked.device);
	} else {
		r->scrubbers &= ~node_bit(r->asked.node);
		(void)snprintf(r->scrub_error, sizeof r->scrub_error, "%s", error ? error : "");
	}
}

/* A member that is gone, or a disk that hangs, gives no answer. */
static void give_up_work(struct request *r, context *c, struct clusterops_update *u)
{
	if (!nodeset_has(cmm_membership(c->cmm)->ready, r->asked.node))
		device_worked(r, "the node that was to do it is no member any more");
	else if (c->now_ms >= r->asked.until_ms)
		device_worked(r, "it does not answer");
	else
		u->due_ms = u->due_ms ? MIN(u->due_ms, r->asked.until_ms) : r->asked.until_ms;
}

static struct request *find(struct clusterops *ops, const char *id)
{
	struct request *r = ops->requests;

	while (r && !streq(r->id, id))
		r = r->next;
	return r;
}

static bool was_asked(const struct request *r, const json_t *m)
{
	return r->phase == CO_WORKING && ju_int(m, "device", 0) == r->asked.device && ju_int(m, "node", 0) == r->asked.node &&
	       streq(ju_str(m, "op", ""), r->asked.op);
}

void clusterops_apply(struct clusterops *ops, const json_t *m, json_t **ret_work)
{
	const char *t = ju_str(m, "t", "");
	struct request *r = find(ops, ju_str(m, "id", ""));

	*ret_work = NULL;
	if (streq(t, "co.prepare") && (uint32_t)ju_int(m, "node", 0) == ops->self)
		*ret_work = ju_pack("{sI,ss,ss,sI,sb}", "device", (json_int_t)ju_int(m, "device", 0), "op", ju_str(m, "op", "prepare"), "id",
				    ju_str(m, "id", ""), "node", (json_int_t)ops->self, "force", ju_bool(m, "force", false));
	else if (streq(t, "co.prepared") && r && was_asked(r, m))
		device_worked(r, ju_str(m, "error", NULL));
}

json_t *clusterops_worked(const json_t *work, const char *error)
{
	if (!ju_str(work, "id", NULL))
		return NULL;            /* cmm has asked for it */
	return ju_pack("{ss,si,ss,ss,sI,sI,ss*}", "t", "co.prepared", "v", 1, "id", ju_str(work, "id", ""), "op", ju_str(work, "op", ""),
		       "node", (json_int_t)ju_int(work, "node", 0), "device", (json_int_t)ju_int(work, "device", 0), "error", error);
}

/* ---- the driver ---- */

void clusterops_request(struct clusterops *ops, uint32_t from, const json_t *message, uint64_t now_ms)
{
	struct request **tail = &ops->requests, *r;

	for (; *tail; tail = &(*tail)->next)
		if (streq((*tail)->id, ju_str(message, "id", "")))
			return;         /* sent again; it is being worked on */
	r = xcalloc(1, sizeof *r);
	r->id = xstrdup(ju_str(message, "id", ""));
	r->message = json_deep_copy(message);
	r->from = from;
	r->kind = kind_of(ju_str(message, "op", ""));
	r->until_ms = now_ms + PATIENCE_MS;
	assert(r->kind);
	*tail = r;
}

void clusterops_committed(struct clusterops *ops, const char *tx, const char *error)
{
	struct request *r = find(ops, tx);

	if (!r || r->phase != CO_COMMITTING)
		return;
	r->phase = CO_STEPPING;
	if (error)
		refuse(r, SCHA_ERR_FAIL, "the configuration could not be changed: %s", error);
}

static void commit(struct request *r, context *c, json_t *step /* taken */, struct clusterops_update *u)
{
	if (!u->commit)
		u->commit = json_array();
	ju_push(u->commit, ju_pack("{ss,ss,so,ss,ss,sI,so}", "tx", r->id, "table", "infrastructure", "data", step, "by",
				   ju_str(r->message, "by", ""), "cmd", ju_str(r->message, "cmd", ""), "base",
				   (json_int_t)c->generation, "among", nodeset_to_json(cmm_membership(c->cmm)->ready)));
	r->phase = CO_COMMITTING;
}

/* What a failed addition leaves behind goes away again. */
static json_t *goal_of(struct request *r, context *c)
{
	json_t *goal = json_deep_copy(c->table);
	uint32_t id = devicetable_find(c->table, ju_str(r->message, "name", ""));

	if (!r->error[0])
		r->kind->aim(r, c, goal);
	else if (was_added_by(c->table, id, r) && r->code != SCHA_ERR_TIMEOUT)
		devicetable_drop(goal, id);
	return goal;
}

static void send_notice(struct request *r, struct clusterops_update *u)
{
	if (!u->send)
		u->send = json_array();
	ju_push(u->send, ju_pack("{ss,si,ss,ss}", "t", "co.notice", "v", 1, "text", ju_str(r->message, "text", ""), "by",
				 ju_str(r->message, "by", "")));
	r->phase = CO_DONE;
}

/* Those who are here have their keys on a disk that came into use. */
static uint32_t disk_without_key(const struct request *r, context *c, uint32_t *ret_node)
{
	const struct cmm_votes *votes = cmm_config_votes(c->cmm);

	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		nodeset without = can_work(c, id) & ~cmm_device(c->cmm, id).good;

		if ((r->prepared & id_bit(id)) && votes->device[id].data && votes->device[id].enabled && without) {
			*ret_node = nodeset_next(without, 0);
			return id;
		}
	}
	return 0;
}

static void end(struct request *r, context *c, struct clusterops_update *u)
{
	uint32_t node = 0, id = r->error[0] ? 0 : disk_without_key(r, c, &node);

	if (id && c->now_ms < r->until_ms) {
		u->due_ms = u->due_ms ? MIN(u->due_ms, r->until_ms) : r->until_ms;
		return;
	}
	if (id)
		refuse(r, SCHA_ERR_TIMEOUT, "no key of node %s is on disk %s yet; it stays in the configuration, see cldevice status",
		       ju_strf(c->table, "", "cluster.nodes.%u.name", node), devicetable_name(c->table, id));
	if (r->warning[0])
		refuse(r, SCHA_ERR_FAIL, "%s", r->warning);
	r->phase = CO_DONE;
}

/* True: there is more to do at once. */
static bool step(struct request *r, context *c, struct clusterops_update *u)
{
	json_t *goal, *next;
	uint32_t device;
	bool more = false;

	if (!r->kind->aim) {
		send_notice(r, u);
		return false;
	}
	goal = goal_of(r, c);

	if (r->phase == CO_NEW && !r->error[0])
		check_all_steps(r, c, goal);
	if (r->error[0] && r->phase == CO_NEW) {
		r->phase = CO_DONE;
		json_decref(goal);
		return false;
	}
	r->phase = CO_STEPPING;
	next = votesteps_next(c->table, goal);
	device = r->error[0] ? 0 : to_prepare(r, c, goal);
	json_decref(goal);
	if (device) {
		more = prepare(r, c, device, u);
	} else if (!next && !r->error[0] && (device = to_scrub(r, c))) {
		more = scrub(r, c, device, u);
	} else if (!next) {
		end(r, c, u);
	} else if (!r->error[0] && !device_is_due(c, next)) {
		if (c->now_ms >= r->until_ms)
			say_what_is_missing(r, c, next);
		else
			u->due_ms = u->due_ms ? MIN(u->due_ms, r->until_ms) : r->until_ms;
	} else if (r->error[0] || keeps_quorum(r, c, next, false)) {
		commit(r, c, TAKE_PTR(next), u);
	}
	json_decref(next);
	if (r->error[0] && r->code == SCHA_ERR_TIMEOUT)
		r->phase = CO_DONE;
	return more;
}

static void answer(const struct request *r, struct clusterops_update *u)
{
	if (!u->send)
		u->send = json_array();
	ju_push(u->send, ju_pack("{ss,si,ss,sI,si,ss}", "t", "rgm.rsp", "v", 1, "id", r->id, "to", (json_int_t)r->from, "code",
				 r->code, "text", r->error));
}

static void request_free(struct request *r)
{
	free(r->id);
	json_decref(r->message);
	free(r);
}

/* One at a time: each starts from what the one before has made. */
void clusterops_advance(struct clusterops *ops, context *c, struct clusterops_update *u)
{
	struct request *r;

	*u = (struct clusterops_update) { 0 };
	while ((r = ops->requests)) {
		if (r->phase == CO_WORKING)
			give_up_work(r, c, u);
		if (r->phase == CO_NEW || r->phase == CO_STEPPING)
			while (step(r, c, u))
				;
		if (r->phase != CO_DONE)
			return;
		answer(r, u);
		ops->requests = r->next;
		request_free(r);
	}
}

void clusterops_drop(struct clusterops *ops)
{
	while (ops->requests) {
		struct request *r = ops->requests;

		ops->requests = r->next;
		request_free(r);
	}
}

struct clusterops *clusterops_new(uint32_t self)
{
	struct clusterops *ops = xcalloc(1, sizeof *ops);

	ops->self = self;
	return ops;
}

struct clusterops *clusterops_free(struct clusterops *ops)
{
	if (!ops)
		return NULL;
	clusterops_drop(ops);
	free(ops);
	return NULL;
}
