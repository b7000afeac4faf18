#include "clusterd/nodetable.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "cmm/config.h"
#include "cmm/corosync_conf.h"

#define NAME_MAX_LEN 63

static const char *node_name(const json_t *table, uint32_t id) { return ju_strf(table, "", "cluster.nodes.%u.name", id); }

static const char *link_address(const json_t *table, uint32_t id, size_t k)
{
	return ju_strf(table, "", "cluster.nodes.%u.adapters.%zu.properties.ip_address", id, k);
}

/* ---- what is asked ---- */

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= NAME_MAX_LEN && isalnum((unsigned char)name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

/* A name of digits only would be taken for an id. */
static bool is_number(const char *name) { return name[strspn(name, "0123456789")] == '\0'; }

static int check_name(const json_t *table, const char *name, struct err *err)
{
	if (!name_ok(name) || is_number(name))
		return err_set(err, -EINVAL, "\"%s\" is no name for a node: letters, digits, -, _ and dots, at most %d, and not only "
			       "digits", name, NAME_MAX_LEN);
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (streq(node_name(table, id), name))
			return err_set(err, -EEXIST, "there is a node %s already", name);
	return 0;
}

static int choose_id(const json_t *table, uint32_t wanted, uint32_t *ret, struct err *err)
{
	uint32_t id = wanted ? wanted : 1;

	if (id > CMM_NODE_ID_MAX)
		return err_set(err, -EINVAL, "the id of a node is a number from 1 to %d", CMM_NODE_ID_MAX);
	while (!wanted && id <= CMM_NODE_ID_MAX && *node_name(table, id))
		id++;
	if (id > CMM_NODE_ID_MAX)
		return err_set(err, -ENOSPC, "there are %d nodes already", CMM_NODE_ID_MAX);
	if (*node_name(table, id))
		return err_set(err, -EEXIST, "id %u is the one of node %s", id, node_name(table, id));
	*ret = id;
	return 0;
}

static size_t link_count(const json_t *table)
{
	size_t most = 0;

	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++) {
		size_t n = 0;

		while (*node_name(table, id) && n < LINKS_MAX && *link_address(table, id, n + 1))
			n++;
		most = MAX(most, n);
	}
	return most;
}

/* In the numbers that the text stands for: an IPv6 address has many spellings. */
static bool read_address(const char *text, unsigned char raw[16])
{
	memset(raw, 0, 16);
	return inet_pton(AF_INET, text, raw) == 1 || inet_pton(AF_INET6, text, raw) == 1;
}

static int check_address(const json_t *table, const char *address, struct err *err)
{
	unsigned char raw[16], other[16];

	if (!read_address(address, raw))
		return err_set(err, -EINVAL, "\"%s\" is no IP address", address);
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		for (size_t k = 1; k <= LINKS_MAX; k++)
			if (read_address(link_address(table, id, k), other) && memcmp(raw, other, sizeof raw) == 0)
				return err_set(err, -EEXIST, "address %s is the one of node %s", address, node_name(table, id));
	return 0;
}

static int put_link(json_t *table, uint32_t id, size_t k, const json_t *link, struct err *err)
{
	_cleanup_free_ char *dflt = xasprintf("priv%zu", k - 1);
	const char *address = json_is_string(link) ? json_string_value(link) : ju_str(link, "address", "");
	const char *adapter = ju_str(link, "adapter", dflt);
	int r = check_address(table, address, err);

	if (r < 0)
		return r;
	if (!name_ok(adapter))
		return err_set(err, -EINVAL, "\"%s\" is no name of an adapter", adapter);
	ju_set_strf(table, adapter, "cluster.nodes.%u.adapters.%zu.name", id, k);
	ju_set_strf(table, "enabled", "cluster.nodes.%u.adapters.%zu.state", id, k);
	ju_set_strf(table, address, "cluster.nodes.%u.adapters.%zu.properties.ip_address", id, k);
	return 0;
}

int nodetable_add(json_t *table, const struct node_wanted *wanted, struct err *err)
{
	size_t links = link_count(table), k;
	uint32_t id = 0;
	int r = check_name(table, wanted->name, err);
	json_t *link;

	if (r == 0)
		r = choose_id(table, wanted->id, &id, err);
	if (r == 0 && json_array_size(wanted->links) != links)
		r = err_set(err, -EINVAL, "node %s needs %zu address%s on the interconnect, as the other nodes have, and got %zu",
			    wanted->name, links, links == 1 ? "" : "es", json_array_size(wanted->links));
	json_array_foreach(wanted->links, k, link)
		if (r == 0)
			r = put_link(table, id, k + 1, link, err);
	if (r < 0)
		return r;
	_cleanup_free_ char *private_name = xasprintf("clusternode%u-priv", id);
	unsigned long cluster = strtoul(ju_str(table, "cluster.properties.cluster_id", ""), NULL, 16);
	_cleanup_free_ char *key = xasprintf("0x%08lX%08" PRIX32, cluster, id);

	ju_set_strf(table, wanted->name, "cluster.nodes.%u.name", id);
	ju_set_strf(table, "enabled", "cluster.nodes.%u.state", id);
	ju_set_strf(table, private_name, "cluster.nodes.%u.properties.private_hostname", id);
	ju_set_strf(table, "0", "cluster.nodes.%u.properties.quorum_vote", id);
	ju_set_strf(table, "1", "cluster.nodes.%u.properties.quorum_defaultvote", id);
	ju_set_strf(table, key, "cluster.nodes.%u.properties.quorum_resv_key", id);
	ju_set_strf(table, wanted->added_by, "cluster.nodes.%u.properties.added_by", id);
	return (int)id;
}

/* ---- going ---- */

void nodetable_remove(json_t *table, uint32_t id)
{
	_cleanup_free_ char *prefix = xasprintf("cluster.nodes.%u.", id), *port = xasprintf(".properties.path_%u", id);
	const char *key;
	json_t *v;
	void *tmp;

	json_object_foreach_safe(table, tmp, key, v) {
		size_t n = strlen(key), m = strlen(port);
		bool is_port = strncmp(key, "cluster.quorum_devices.", 23) == 0 && n > m && streq(key + n - m, port);

		if (is_port || strncmp(key, prefix, strlen(prefix)) == 0)
			json_object_del(table, key);
	}
}

static bool list_names(const char *list, const char *name, uint32_t id)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	_cleanup_free_ char *number = xasprintf("%u", id);

	strlist_split(&names, list, ",");
	for (size_t i = 0; i < names.n; i++)
		if (streq(names.v[i], name) || streq(names.v[i], number))
			return true;
	return false;
}

static int check_devices(const json_t *table, const char *name, uint32_t id, struct err *err)
{
	struct cmm_votes votes;

	cmm_votes_read(table, 0, &votes);
	for (uint32_t d = 1; d <= CMM_DEVICE_ID_MAX; d++) {
		nodeset ports = votes.device[d].ports;

		if (nodeset_has(ports, id) && __builtin_popcountll(ports) <= 2)
			return err_set(err, -EBUSY, "%s %s would be connected to one node only; remove it before node %s",
				       votes.device[d].data ? "disk" : "quorum device", votes.device[d].name, name);
	}
	return 0;
}

int nodetable_needed(const char *table, const json_t *data, const char *name, uint32_t id, struct err *err)
{
	if (streq(table, "infrastructure"))
		return check_devices(data, name, id, err);
	if (strncmp(table, "rgm_rg_", 7) == 0 && list_names(ju_str(data, "rg.prop.Nodelist", ""), name, id))
		return err_set(err, -EBUSY, "node %s is in the Nodelist of resource group %s; take it out first: scrgadm -c -g %s "
			       "-y Nodelist=...", name, table + 7, table + 7);
	if (strncmp(table, "rgm_rt_", 7) == 0 && list_names(ju_str(data, "installed_nodes", ""), name, id))
		return err_set(err, -EBUSY, "node %s is one of the nodes that resource type %s is installed on; change that first: "
			       "scrgadm -c -t %s -h ...", name, table + 7, table + 7);
	return 0;
}
