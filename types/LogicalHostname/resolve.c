/* From names to addresses and interfaces. */
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <stdio.h>

#include "LogicalHostname/lh.h"
#include "base/json.h"
#include "lib/ask.h"

static void freeaddrinfop(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

/* "eth0@node1" or "eth0@1" for this node; NULL: any interface of the subnet. */
static char *adapter_of_node(const struct method *m)
{
	_cleanup_(strlist_done) struct strlist list = { 0 };
	_cleanup_json_ json_t *cluster = NULL;
	char id[32];

	method_list(m, "NetIfList", &list);
	if (list.n == 0 || ask_cluster(ASK_CLUSTER("GetCluster"), NULL, ASK_TIMEOUT_MS, &cluster, NULL) != SCHA_ERR_NOERR)
		return NULL;
	snprintf(id, sizeof id, "%d", (int)ju_int(cluster, "self_id", 0));
	for (size_t i = 0; i < list.n; i++) {
		char *at = strchr(list.v[i], '@');

		if (at && (streq(at + 1, id) || streq(at + 1, ju_str(cluster, "self", ""))))
			return xstrndup(list.v[i], (size_t)(at - list.v[i]));
	}
	return NULL;
}

static bool has_ip(const struct lh_addresses *list, const struct net_ip *ip)
{
	for (size_t i = 0; i < list->n; i++)
		if (net_ip_equal(&list->v[i].ip, ip))
			return true;
	return false;
}

/* All addresses of the name that have an interface: with both families in use the name is reachable by both. */
static int resolve_name(const char *name, const char *adapter, const struct net *net, struct lh_addresses *ret,
			struct err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	_cleanup_(freeaddrinfop) struct addrinfo *list = NULL;
	struct err why = { 0 };
	bool usable = false;
	int r;

	r = getaddrinfo(name, NULL, &hints, &list);
	if (r != 0)
		return err_set(err, -ENOENT, "host name %s has no address: %s", name, gai_strerror(r));
	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		const struct net_if *on;
		struct net_ip ip;
		unsigned prefix;

		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		net_ip_from_sockaddr(ai->ai_addr, &ip);
		r = net_choose(net, &ip, adapter, &on, &prefix, &why);
		if (r < 0)
			continue;
		usable = true;
		if (has_ip(ret, &ip))
			continue;
		if (ret->n == LH_ADDRESSES_MAX)
			return err_set(err, -E2BIG, "there are more than %d addresses", LH_ADDRESSES_MAX);
		ret->prefix[ret->n] = prefix;
		ret->v[ret->n++] = (struct announce_target) { .ip = ip, .on = *on };
	}
	if (!usable)
		return err_set(err, -ENODEV, "host name %s: %s", name, why.code ? why.text : "no usable address");
	return 0;
}

int lh_resolve(const struct method *m, const struct net *net, struct lh_addresses *ret, struct err *err)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	_cleanup_free_ char *adapter = NULL;

	ret->n = 0;
	method_list(m, "HostnameList", &names);
	if (names.n == 0)
		return err_set(err, -EINVAL, "HostnameList is empty");
	adapter = adapter_of_node(m);
	if (adapter && !net_if_named(net, adapter))
		return err_set(err, -ENODEV, "NetIfList: there is no interface %s on this node", adapter);
	if (!method_bool(m, "CheckNameService", true))
		(void)__nss_configure_lookup("hosts", "files"); /* this process only; on failure the service is asked */
	for (size_t i = 0; i < names.n; i++) {
		int r = resolve_name(names.v[i], adapter, net, ret, err);

		if (r < 0)
			return r;
	}
	return 0;
}
