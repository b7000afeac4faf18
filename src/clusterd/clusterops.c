/* A request goes from phase to phase:
 *
 *   NEW ──> [PREPARING: the device, on a node that has it] ──> STEPPING: a commit, and again until the goal is reached ──> end
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
#include "clusterd/nodetable.h"
#include "clusterd/quarantine.h"
#include "cmm/config.h"
#include "scha_err.h"

#define PATIENCE_MS 60000u              /* for keys and devices; then the request ends with what is missing */

enum phase { CO_NEW, CO_PREPARING, CO_STEPPING, CO_COMMITTING, CO_DONE };

struct request {
	struct request *next;
	char      *id;
	json_t    *message;
	uint32_t   from;
	const struct kind *kind;
	enum phase phase;
	uint64_t   until_ms;
	bool       prepared;
	char       error[600];          /* "": none yet */
	int        code;
};

struct clusterops { uint32_t self; struct request *requests; };

typedef const struct clusterops_context context;

struct kind {
	const char *name;
	/* The table as it is wanted, from the one there is: changes `goal`, or says why not (refuse).  NULL: it is about no table. */
	void (*aim)(struct request *r, context *c, json_t *goal);
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

static void put_number(json_t *table, uint32_t value, const char *kind, uint32_t id, const char *property)
{
	char text[12];

	(void)snprintf(text, sizeof text, "%u", value);
	ju_set_strf(table, text, "cluster.%s.%u.properties.%s", kind, id, property);
}

static uint32_t find_node(const json_t *table, const char *name)
{
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		char number[12];

		(void)snprintf(number, sizeof number, "%u", id);
		if (*ju_strf(table, "", "cluster.nodes.%u.name", id) &&
		    (streq(ju_strf(table, "", "cluster.nodes.%u.name", id), name) || streq(number, name)))
			return id;
	}
	return 0;
}

static uint32_t find_device(const json_t *table, const char *name)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (streq(ju_strf(table, "", "cluster.quorum_devices.%u.name", id), name) && *name)
			return id;
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

static uint32_t need_device(struct request *r, context *c)
{
	const char *name = ju_str(r->message, "name", "");
	uint32_t id = find_device(c->table, name);

	if (!id)
		refuse(r, SCHA_ERR_INVAL, "quorum device %s is not in the configuration", name);
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
	put_number(goal, votes, "quorum_devices", id, "votecount");
}

static bool device_enabled(const json_t *table, uint32_t id)
{
	return !streq(ju_strf(table, "", "cluster.quorum_devices.%u.state", id), "disabled");
}

/* The votes of every device follow from the votes of the nodes, but for those in maintenance. */
static void adjust_devices(json_t *goal)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (*ju_strf(goal, "", "cluster.quorum_devices.%u.name", id) && device_enabled(goal, id))
			set_device_votes(goal, id, device_default(goal, id));
}

/* ---- the requests ---- */

static bool device_name_ok(const char *name)
{
	return *name && strlen(name) < 60 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(name);
}

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
		refuse(r, SCHA_ERR_INVAL, "a quorum device has to be connected to at least two nodes");
}

static uint32_t free_device_id(const json_t *table)
{
	uint32_t id = 1;

	while (id <= CMM_DEVICE_ID_MAX && *ju_strf(table, "", "cluster.quorum_devices.%u.name", id))
		id++;
	return id;
}

static void aim_quorum_add(struct request *r, context *c, json_t *goal)
{
	static const char *const types[] = { "shared_disk", "scsi3", "iscsi", "quorum_server" };
	const char *name = ju_str(r->message, "name", ""), *type = ju_str(r->message, "type", "shared_disk"), *key;
	uint32_t id = find_device(c->table, name);
	bool known = false;
	json_t *v;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		known |= streq(types[i], type);
	if (!known)
		refuse(r, SCHA_ERR_INVAL, "there is no type of quorum device \"%s\"; there are shared_disk, scsi3, iscsi and quorum_server",
		       type);
	if (!device_name_ok(name))
		refuse(r, SCHA_ERR_INVAL, "\"%s\" is no name for a quorum device: letters, digits, -, _ and dots", name);
	if (id && streq(ju_strf(c->table, "", "cluster.quorum_devices.%u.properties.added_by", id), r->id)) {
		if (r->prepared)        /* goes on where it was */
			ju_set_strf(goal, "enabled", "cluster.quorum_devices.%u.state", id);
	} else if (id) {
		refuse(r, SCHA_ERR_INVAL, "quorum device %s is in the configuration already", name);
	} else {
		id = free_device_id(c->table);
		if (id > CMM_DEVICE_ID_MAX)
			refuse(r, SCHA_ERR_INVAL, "there are %d quorum devices already", CMM_DEVICE_ID_MAX);
		ju_set_strf(goal, name, "cluster.quorum_devices.%u.name", id);
		ju_set_strf(goal, "disabled", "cluster.quorum_devices.%u.state", id);
		ju_set_strf(goal, type, "cluster.quorum_devices.%u.properties.type", id);
		ju_set_strf(goal, r->id, "cluster.quorum_devices.%u.properties.added_by", id);
		json_object_foreach(ju_obj(r->message, "props"), key, v)
			if (json_is_string(v))
				ju_set_strf(goal, json_string_value(v), "cluster.quorum_devices.%u.properties.%s", id, key);
		put_ports(r, c, goal, id);
	}
	if (!r->error[0])
		set_device_votes(goal, id, device_enabled(goal, id) ? device_default(goal, id) : 0);
}

static void drop_device(json_t *goal, uint32_t id)
{
	_cleanup_free_ char *prefix = xasprintf("cluster.quorum_devices.%u.", id);
	const char *key;
	json_t *v;
	void *tmp;

	json_object_foreach_safe(goal, tmp, key, v)
		if (strncmp(key, prefix, strlen(prefix)) == 0)
			json_object_del(goal, key);
}

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
		if (id != but && *ju_strf(table, "", "cluster.quorum_devices.%u.name", id) && device_enabled(table, id))
			return true;
	return false;
}

static bool may_go(struct request *r, context *c, uint32_t id)
{
	if (voting_nodes(c->table) == 2 && !another_device(c->table, id) && device_enabled(c->table, id) &&
	    !streq(ju_str(c->table, "cluster.properties.installmode", ""), "enabled"))
		refuse(r, SCHA_ERR_STATE, "quorum device %s is the last one of a cluster of two nodes; without it none of them could go on "
		       "alone. Add another device first", ju_strf(c->table, "", "cluster.quorum_devices.%u.name", id));
	return !r->error[0];
}

static void aim_quorum_remove(struct request *r, context *c, json_t *goal)
{
	uint32_t id = find_device(c->table, ju_str(r->message, "name", ""));

	if (!id && r->phase != CO_NEW)
		return;                 /* it is done */
	id = need_device(r, c);
	if (id && may_go(r, c, id))
		drop_device(goal, id);
}

static void aim_quorum_disable(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_device(r, c);

	if (!id || !may_go(r, c, id))
		return;
	set_device_votes(goal, id, 0);
	ju_set_strf(goal, "disabled", "cluster.quorum_devices.%u.state", id);
}

static void enable_device(json_t *goal, uint32_t id)
{
	ju_set_strf(goal, "enabled", "cluster.quorum_devices.%u.state", id);
	set_device_votes(goal, id, device_default(goal, id));
}

static void aim_quorum_enable(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_device(r, c);

	if (id)
		enable_device(goal, id);
}

static void aim_quorum_reset(struct request *r, context *c, json_t *goal)
{
	(void)r;
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (*ju_strf(c->table, "", "cluster.nodes.%u.name", id))
			put_number(goal, cmm_node_default_vote(c->table, id), "nodes", id, "quorum_vote");
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (*ju_strf(c->table, "", "cluster.quorum_devices.%u.name", id))
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
	put_number(goal, 0, "nodes", id, "quorum_vote");
	adjust_devices(goal);
}

static void aim_node_reset(struct request *r, context *c, json_t *goal)
{
	uint32_t id = need_node(r, c);

	if (!id)
		return;
	put_number(goal, cmm_node_default_vote(c->table, id), "nodes", id, "quorum_vote");
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
	put_number(goal, cmm_node_default_vote(goal, id), "nodes", id, "quorum_vote");
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
		refuse(r, SCHA_ERR_STATE, "node %s is lost, but it is not certain yet that it is dead; see clnode status", need.name);
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
	if (!device_name_ok(value))
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
	{ "installmode",    aim_installmode },
	{ "cluster_set",    aim_cluster_set },
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

/* ---- one step towards the goal ---- */

/* The keys that hold votes, with the direction that keeps the quorum safest: first all that goes down, then what goes up. */
static bool step_vote(json_t *step, const json_t *goal, const char *kind, uint32_t id, const char *property, bool up)
{
	const char *now = ju_strf(step, "", "cluster.%s.%u.properties.%s", kind, id, property);
	const char *then = ju_strf(goal, "", "cluster.%s.%u.properties.%s", kind, id, property);
	uint32_t a = (uint32_t)strtoul(now, NULL, 10), b = (uint32_t)strtoul(then, NULL, 10);

	if (a == b || (b > a) != up)
		return false;
	put_number(step, up ? a + 1 : a - 1, kind, id, property);
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
		if (*ju_strf(step, "", "cluster.quorum_devices.%u.name", id) &&
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
		if (*ju_strf(goal, "", "cluster.quorum_devices.%u.name", id)) {
			const char *votes = ju_strf(now, "", "cluster.quorum_devices.%u.properties.votecount", id);

			set_device_votes(step, id, (uint32_t)strtoul(votes, NULL, 10));
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
		put_number(o, 0, "nodes", id, "quorum_vote");
	}
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		_cleanup_free_ char *prefix = xasprintf("cluster.quorum_devices.%u.", id);

		if (!*ju_strf(now, "", "cluster.quorum_devices.%u.name", id) || *ju_strf(goal, "", "cluster.quorum_devices.%u.name", id))
			continue;
		keep_below(o, now, prefix);
		set_device_votes(o, id, 0);
	}
	return o;
}

/* The next table on the way; NULL: the goal is reached.  First votes go down, then the rest changes, then votes go up. */
static json_t *next_step(const json_t *now, const json_t *goal)
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

	while (!r->error[0] && (step = next_step(now, goal))) {
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

		if (!*ju_strf(step, "", "cluster.quorum_devices.%u.name", id) || !is_new_vote(c->table, step, id))
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
		       ju_strf(step, "", "cluster.quorum_devices.%u.name", id), without ? "no key of node " : "it could not be taken",
		       without ? ju_strf(step, "", "cluster.nodes.%u.name", nodeset_next(without, 0)) : "", d.why[0] ? " is on it" : "");
	}
}

/* ---- preparing a device ---- */

static bool needs_preparation(struct request *r)
{
	return streq(r->kind->name, "quorum_add") && !r->prepared;
}

static void prepare(struct request *r, context *c, struct clusterops_update *u)
{
	uint32_t id = find_device(c->table, ju_str(r->message, "name", ""));
	nodeset can = cmm_config_votes(c->cmm)->device[id].ports & cmm_membership(c->cmm)->ready;

	if (!can) {
		refuse(r, SCHA_ERR_STATE, "no member is connected to quorum device %s", ju_str(r->message, "name", ""));
		return;
	}
	if (!u->send)
		u->send = json_array();
	ju_push(u->send, ju_pack("{ss,si,ss,sI,sI,sb}", "t", "co.prepare", "v", 1, "id", r->id, "node",
				 (json_int_t)nodeset_next(can, 0), "device", (json_int_t)id, "force",
				 ju_bool(r->message, "force", false)));
	r->phase = CO_PREPARING;
}

static struct request *find(struct clusterops *ops, const char *id)
{
	struct request *r = ops->requests;

	while (r && !streq(r->id, id))
		r = r->next;
	return r;
}

void clusterops_apply(struct clusterops *ops, const json_t *m, json_t **ret_prepare)
{
	const char *t = ju_str(m, "t", "");
	struct request *r = find(ops, ju_str(m, "id", ""));

	*ret_prepare = NULL;
	if (streq(t, "co.prepare") && (uint32_t)ju_int(m, "node", 0) == ops->self) {
		*ret_prepare = ju_pack("{sI,ss,ss,sb}", "device", (json_int_t)ju_int(m, "device", 0), "op", "prepare", "id",
				       ju_str(m, "id", ""), "force", ju_bool(m, "force", false));
	} else if (streq(t, "co.prepared") && r && r->phase == CO_PREPARING) {
		if (ju_str(m, "error", NULL))
			refuse(r, SCHA_ERR_FAIL, "quorum device %s cannot be used: %s", ju_str(r->message, "name", ""), ju_str(m, "error", ""));
		r->prepared = true;
		r->phase = CO_STEPPING;
	}
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
	uint32_t id = find_device(c->table, ju_str(r->message, "name", ""));

	if (!r->error[0])
		r->kind->aim(r, c, goal);
	else if (streq(r->kind->name, "quorum_add") && id && r->code != SCHA_ERR_TIMEOUT &&
		 streq(ju_strf(c->table, "", "cluster.quorum_devices.%u.properties.added_by", id), r->id))
		drop_device(goal, id);
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

static void step(struct request *r, context *c, struct clusterops_update *u)
{
	json_t *goal, *next;

	if (!r->kind->aim) {
		send_notice(r, u);
		return;
	}
	goal = goal_of(r, c);

	if (r->phase == CO_NEW && !r->error[0])
		check_all_steps(r, c, goal);
	if (r->error[0] && r->phase == CO_NEW) {
		r->phase = CO_DONE;
		json_decref(goal);
		return;
	}
	r->phase = CO_STEPPING;
	next = next_step(c->table, goal);
	json_decref(goal);
	if (!next && !r->error[0] && needs_preparation(r)) {
		prepare(r, c, u);
	} else if (!next) {
		r->phase = CO_DONE;
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
		if (r->phase == CO_NEW || r->phase == CO_STEPPING)
			step(r, c, u);
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
