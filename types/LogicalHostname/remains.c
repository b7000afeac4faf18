/* Whose is the MAC that answered?  The public address of each dead node is asked for on the same segment: the kernel that
 * still answers for the logical host answers for its own address, too. */
#include <netdb.h>

#include "LogicalHostname/lh.h"
#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/varlink.h"

#define ASK_TIMEOUT_MS 1000

struct heard { uint8_t mac[6]; bool any; };

static bool note_mac(const struct announce_target *target, const uint8_t mac[6], void *ctx)
{
	struct heard *heard = ctx;

	(void)target;
	memcpy(heard->mac, mac, sizeof heard->mac);
	heard->any = true;
	return true;
}

static bool answers_from(const struct net *net, const char *node, const struct announce_target *like, const uint8_t mac[6])
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list = NULL;
	bool same = false;

	if (getaddrinfo(node, NULL, &hints, &list) != 0)
		return false;
	for (const struct addrinfo *ai = list; ai && !same; ai = ai->ai_next) {
		_cleanup_(announce_freep) struct announce *a = NULL;
		struct announce_target target = { .on = like->on };
		struct heard heard = { .any = false };

		net_ip_from_sockaddr(ai->ai_addr, &target.ip);
		if (net_find(net, &target.ip) || announce_new(&target, 1, &a, NULL) < 0)
			continue;
		announce_excuse(a, note_mac, &heard);
		(void)announce_probe(a, ANNOUNCE_PROBE_WAIT_MS, NULL);
		same = heard.any && memcmp(heard.mac, mac, sizeof heard.mac) == 0;
	}
	freeaddrinfo(list);
	return same;
}

bool lh_is_remains_of_dead_node(const struct announce_target *target, const uint8_t mac[6], void *ctx)
{
	json_t *cluster = NULL, *node;
	bool remains = false;
	size_t i;

	if (vl_call_sync(path_state(PATH_CLUSTERD_SOCK), "org.parhelion.Cluster.GetCluster", NULL, ASK_TIMEOUT_MS, &cluster, NULL,
			 NULL) < 0)
		return false;
	json_array_foreach(ju_arr(cluster, "nodes"), i, node) {
		if (remains || !streq(ju_str(node, "state", ""), "DOWN"))
			continue;
		remains = answers_from(ctx, ju_str(node, "name", ""), target, mac);
		if (remains)
			log_warn("node %s is dead for the cluster, but its kernel still answers for the address; taking it over",
				 ju_str(node, "name", ""));
	}
	json_decref(cluster);
	return remains;
}
