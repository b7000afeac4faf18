/* A description, the same file for all nodes of a new cluster:
 *
 *   { "name": "demo", "takeover_time_ms": 640, "cluster_id": "0x3908EE1C",
 *     "nodes": [ { "name": "node1", "id": 1, "links": ["10.88.1.1", "10.88.2.1"] }, ... ] }
 *
 * A link may also be { "adapter": "eth1", "address": "10.88.1.1" }; a node may have "votes": 0; the whole "quarantine_deaths",
 * 0 where machines are made to die (clusterlab).  The table must come out
 * the same on every node, for all begin with generation 1: so nothing in it comes from the clock or the machine, and a
 * description without cluster_id gets one from its name and nodes. */
#include "cmd/infrastructure.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "cmm/cmm.h"
#include "cmm/corosync_conf.h"

#define NAME_MAX_LEN 63

/* ---- description to table ---- */

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= NAME_MAX_LEN && isalnum((unsigned char)name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

/* A misspelt member would otherwise be silently without effect. */
static int check_members(const json_t *object, const char *const *known, size_t n, const char *where, struct err *err)
{
	const char *key;
	json_t *v;

	if (!json_is_object(object))
		return err_set(err, -EINVAL, "%s is no JSON object", where);
	json_object_foreach((json_t *)object, key, v) {
		size_t i = 0;

		while (i < n && !streq(known[i], key))
			i++;
		if (i == n)
			return err_set(err, -EINVAL, "%s has an unknown member \"%s\"", where, key);
	}
	return 0;
}

static int cluster_id(const json_t *description, uint32_t *ret, struct err *err)
{
	const char *given = ju_str(description, "cluster_id", NULL);
	char *end;

	if (given) {
		unsigned long value = strtoul(given, &end, 16);

		if (!isxdigit((unsigned char)given[0]) || *end || value == 0 || value > UINT32_MAX)
			return err_set(err, -EINVAL, "cluster_id \"%s\" is no number of 32 bits like 0x3908EE1C", given);
		*ret = (uint32_t)value;
		return 0;
	}
	json_t *public = ju_pack("{sO*, sO*}", "name", json_object_get(description, "name"), "nodes",
				 json_object_get(description, "nodes"));
	_cleanup_free_ char *text = ju_dump(public);
	uint32_t hash = 2166136261u;

	json_decref(public);

	for (const char *s = text; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 16777619u;
	*ret = hash ? hash : 1;
	return 0;
}

static bool is_address(const char *text)
{
	unsigned char raw[16];

	return inet_pton(AF_INET, text, raw) == 1 || inet_pton(AF_INET6, text, raw) == 1;
}

struct making { json_t *table, *used; uint32_t cluster_id; size_t links; nodeset ids; };

/* Names and addresses must not come twice. */
static int claim(struct making *m, const char *kind, const char *text, const char *node, struct err *err)
{
	_cleanup_free_ char *key = xasprintf("%s %s", kind, text);

	if (json_object_get(m->used, key))
		return err_set(err, -EINVAL, "node %s: %s is given to a node before it", node, key);
	ju_set_new(m->used, key, json_true());
	return 0;
}

static int put_link(struct making *m, const json_t *link, const char *node, unsigned id, size_t k, struct err *err)
{
	static const char *const members[] = { "adapter", "address" };
	_cleanup_free_ char *dflt = xasprintf("priv%zu", k), *where = xasprintf("link %zu of node %s", k, node);
	const char *address = json_is_string(link) ? json_string_value(link) : ju_str(link, "address", "");
	const char *adapter = ju_str(link, "adapter", dflt);
	int r;

	if (!json_is_string(link)) {
		r = check_members(link, members, ARRAY_SIZE(members), where, err);
		if (r < 0)
			return r;
	}
	if (!is_address(address))
		return err_set(err, -EINVAL, "%s: \"%s\" is no IP address", where, address);
	if (!name_ok(adapter))
		return err_set(err, -EINVAL, "%s: \"%s\" is no name of an adapter", where, adapter);
	r = claim(m, "address", address, node, err);
	if (r < 0)
		return r;
	ju_set_strf(m->table, adapter, "cluster.nodes.%u.adapters.%zu.name", id, k + 1);
	ju_set_strf(m->table, "enabled", "cluster.nodes.%u.adapters.%zu.state", id, k + 1);
	ju_set_strf(m->table, address, "cluster.nodes.%u.adapters.%zu.properties.ip_address", id, k + 1);
	return 0;
}

static int put_node(struct making *m, const json_t *node, struct err *err)
{
	static const char *const members[] = { "name", "id", "links", "votes" };
	const char *name = ju_str(node, "name", "");
	int64_t id = ju_int(node, "id", 0), votes = ju_int(node, "votes", 1);
	const json_t *links = ju_arr(node, "links"), *link;
	_cleanup_free_ char *private_name = xasprintf("clusternode%" PRId64 "-priv", id);
	_cleanup_free_ char *key = xasprintf("0x%08" PRIX32 "%08" PRIX64, m->cluster_id, (uint64_t)id);
	_cleanup_free_ char *where = xasprintf("node \"%s\"", name);
	int r = check_members(node, members, ARRAY_SIZE(members), where, err);
	size_t k;

	if (r < 0)
		return r;
	if (!name_ok(name))
		return err_set(err, -EINVAL, "\"%s\" is no name for a node: letters, digits, -, _ and dots, at most %d", name, NAME_MAX_LEN);
	if (id < 1 || id > CMM_NODE_ID_MAX)
		return err_set(err, -EINVAL, "node %s: \"id\" must be a number from 1 to %d", name, CMM_NODE_ID_MAX);
	if (nodeset_has(m->ids, (uint32_t)id))
		return err_set(err, -EINVAL, "node %s: id %" PRId64 " is given to a node before it", name, id);
	if (json_object_get(node, "votes") && (!json_is_integer(json_object_get(node, "votes")) || votes < 0 || votes > 1))
		return err_set(err, -EINVAL, "node %s: \"votes\" must be 0 or 1", name);
	if (json_array_size(links) < 1 || json_array_size(links) > LINKS_MAX)
		return err_set(err, -EINVAL, "node %s: \"links\" must hold 1 to %d addresses of the interconnect", name, LINKS_MAX);
	if (m->links && m->links != json_array_size(links))
		return err_set(err, -EINVAL, "node %s has %zu links, the nodes before it have %zu", name, json_array_size(links), m->links);
	r = claim(m, "name", name, name, err);
	if (r < 0)
		return r;
	m->links = json_array_size(links);
	m->ids |= node_bit((uint32_t)id);
	ju_set_strf(m->table, name, "cluster.nodes.%u.name", (unsigned)id);
	ju_set_strf(m->table, "enabled", "cluster.nodes.%u.state", (unsigned)id);
	ju_set_strf(m->table, private_name, "cluster.nodes.%u.properties.private_hostname", (unsigned)id);
	ju_set_strf(m->table, votes ? "1" : "0", "cluster.nodes.%u.properties.quorum_vote", (unsigned)id);
	ju_set_strf(m->table, "1", "cluster.nodes.%u.properties.quorum_defaultvote", (unsigned)id);
	ju_set_strf(m->table, key, "cluster.nodes.%u.properties.quorum_resv_key", (unsigned)id);
	json_array_foreach(links, k, link) {
		r = put_link(m, link, name, (unsigned)id, k, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_quarantine(struct making *m, const json_t *description, struct err *err)
{
	const json_t *given = json_object_get(description, "quarantine_deaths");
	_cleanup_free_ char *text = xasprintf("%" PRId64, ju_int(description, "quarantine_deaths", 0));

	if (!given)
		return 0;
	if (!json_is_integer(given) || json_integer_value(given) < 0 || json_integer_value(given) > 100)
		return err_set(err, -EINVAL, "\"quarantine_deaths\" must be a number from 0 to 100");
	ju_set_str(m->table, "cluster.properties.quarantine_deaths", text);
	return 0;
}

static int put_cluster(struct making *m, const json_t *description, struct err *err)
{
	const char *name = ju_str(description, "name", "");
	int64_t takeover_ms = ju_int(description, "takeover_time_ms",
				     json_array_size(ju_arr(description, "nodes")) == 2 ? TAKEOVER_TIME_PAIR_MS : TAKEOVER_TIME_DEFAULT_MS);
	_cleanup_free_ char *id_text = NULL, *takeover_text = NULL;
	struct cmm_timers timers;
	int r;

	if (!name_ok(name))
		return err_set(err, -EINVAL, "\"%s\" is no name for a cluster: letters, digits, -, _ and dots, at most %d", name,
			       NAME_MAX_LEN);
	if (json_object_get(description, "takeover_time_ms") && !json_is_integer(json_object_get(description, "takeover_time_ms")))
		return err_set(err, -EINVAL, "\"takeover_time_ms\" is no whole number");
	if (takeover_ms < 0 || takeover_ms > TAKEOVER_TIME_MAX_MS)
		takeover_ms = 0;        /* refused with the range in words */
	if (cmm_timers_derive((uint32_t)takeover_ms, &timers, err) < 0)
		return -EINVAL;
	r = cluster_id(description, &m->cluster_id, err);
	if (r < 0)
		return r;
	id_text = xasprintf("0x%08" PRIX32, m->cluster_id);
	takeover_text = xasprintf("%" PRId64, takeover_ms);
	r = put_quarantine(m, description, err);
	if (r < 0)
		return r;
	ju_set_str(m->table, "cluster.name", name);
	ju_set_str(m->table, "cluster.state", "enabled");
	ju_set_str(m->table, "cluster.properties.cluster_id", id_text);
	ju_set_str(m->table, "cluster.properties.takeover_time", takeover_text);
	ju_set_str(m->table, "cluster.properties.installmode", "disabled");
	return 0;
}

int infrastructure_from_description(const json_t *description, json_t **ret, struct err *err)
{
	static const char *const members[] = { "name", "cluster_id", "takeover_time_ms", "nodes", "authkey", "authkey_file",
						"quarantine_deaths" };
	struct making m = { 0 };
	const json_t *node;
	size_t i;
	int r = check_members(description, members, ARRAY_SIZE(members), "the description", err);

	if (r < 0)
		return r;
	m.table = json_object();
	m.used = json_object();
	r = put_cluster(&m, description, err);
	if (r == 0 && json_array_size(ju_arr(description, "nodes")) == 0)
		r = err_set(err, -EINVAL, "the description has no \"nodes\"");
	json_array_foreach(ju_arr(description, "nodes"), i, node)
		if (r == 0)
			r = put_node(&m, node, err);
	json_decref(m.used);
	if (r < 0)
		json_decref(m.table);
	else
		*ret = m.table;
	return r;
}

/* ---- reading the table ---- */

unsigned infrastructure_node_id(const json_t *table, const char *name)
{
	for (unsigned id = 1; id <= CMM_NODE_ID_MAX; id++) {
		const char *own = ju_strf(table, NULL, "cluster.nodes.%u.name", id);

		if (own && streq(own, name))
			return id;
	}
	return 0;
}
