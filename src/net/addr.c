#include "net/addr.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <sys/socket.h>

struct net {
	struct nl_sock      *socket;
	struct net_if       *ifs;
	struct net_assigned *addresses;
	size_t               if_count, address_count;
};

static void nl_addr_putp(struct nl_addr **a) { nl_addr_put(*a); }
static void rtnl_addr_putp(struct rtnl_addr **a) { rtnl_addr_put(*a); }
static void nl_cache_putp(struct nl_cache **c) { nl_cache_free(*c); }

/* ---- the snapshot ---- */

static void read_if(struct nl_object *object, void *ctx)
{
	struct rtnl_link *link = (struct rtnl_link *)object;
	struct nl_addr *mac = rtnl_link_get_addr(link);
	unsigned flags = rtnl_link_get_flags(link);
	struct net *net = ctx;
	struct net_if *i = &net->ifs[net->if_count++];

	*i = (struct net_if) { .index = (unsigned)rtnl_link_get_ifindex(link), .up = flags & IFF_UP,
			       .running = flags & IFF_RUNNING };
	(void)strncat(i->name, rtnl_link_get_name(link), sizeof i->name - 1);
	if (mac && nl_addr_get_len(mac) == sizeof i->mac && rtnl_link_get_arptype(link) == ARPHRD_ETHER) {
		memcpy(i->mac, nl_addr_get_binary_addr(mac), sizeof i->mac);
		i->ethernet = !(flags & IFF_NOARP);
	}
}

static void read_address(struct nl_object *object, void *ctx)
{
	struct rtnl_addr *address = (struct rtnl_addr *)object;
	struct nl_addr *local = rtnl_addr_get_local(address);
	int family = rtnl_addr_get_family(address);
	struct net *net = ctx;
	struct net_assigned *a = &net->addresses[net->address_count];

	if (!local || (family != AF_INET && family != AF_INET6))
		return;
	*a = (struct net_assigned) { .ip.family = family, .prefix = (unsigned)rtnl_addr_get_prefixlen(address),
				     .ifindex = (unsigned)rtnl_addr_get_ifindex(address) };
	memcpy(a->ip.bytes, nl_addr_get_binary_addr(local), MIN((size_t)nl_addr_get_len(local), net_ip_size(&a->ip)));
	net->address_count++;
}

static int snapshot(struct net *net, struct err *err)
{
	_cleanup_(nl_cache_putp) struct nl_cache *links = NULL, *addresses = NULL;
	int r;

	r = rtnl_link_alloc_cache(net->socket, AF_UNSPEC, &links);
	if (r == 0)
		r = rtnl_addr_alloc_cache(net->socket, &addresses);
	if (r < 0)
		return err_set(err, -EIO, "cannot read the network interfaces: %s", nl_geterror(r));
	free(net->ifs);
	free(net->addresses);
	net->if_count = net->address_count = 0;
	net->ifs = xcalloc((size_t)nl_cache_nitems(links) + 1, sizeof *net->ifs);
	net->addresses = xcalloc((size_t)nl_cache_nitems(addresses) + 1, sizeof *net->addresses);
	nl_cache_foreach(links, read_if, net);
	nl_cache_foreach(addresses, read_address, net);
	return 0;
}

int net_new(struct net **ret, struct err *err)
{
	_cleanup_(net_freep) struct net *net = xcalloc(1, sizeof *net);
	int r;

	net->socket = nl_socket_alloc();
	if (!net->socket)
		return err_set(err, -ENOMEM, "no memory for a netlink socket");
	r = nl_connect(net->socket, NETLINK_ROUTE);
	if (r < 0)
		return err_set(err, -EIO, "cannot open a netlink socket: %s", nl_geterror(r));
	r = snapshot(net, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(net);
	return 0;
}

struct net *net_free(struct net *net)
{
	if (net) {
		nl_socket_free(net->socket);
		free(net->ifs);
		free(net->addresses);
		free(net);
	}
	return NULL;
}

size_t net_address_count(const struct net *net)
{
	return net->address_count;
}

const struct net_assigned *net_address_at(const struct net *net, size_t i)
{
	return &net->addresses[i];
}

const struct net_if *net_if_find(const struct net *net, unsigned index)
{
	for (size_t i = 0; i < net->if_count; i++)
		if (net->ifs[i].index == index)
			return &net->ifs[i];
	return NULL;
}

const struct net_if *net_if_named(const struct net *net, const char *name)
{
	for (size_t i = 0; i < net->if_count; i++)
		if (streq(net->ifs[i].name, name))
			return &net->ifs[i];
	return NULL;
}

const struct net_assigned *net_find(const struct net *net, const struct net_ip *ip)
{
	for (size_t i = 0; i < net->address_count; i++)
		if (net_ip_equal(&net->addresses[i].ip, ip))
			return &net->addresses[i];
	return NULL;
}

/* ---- the right interface ---- */

static bool in_subnet(const struct net_ip *ip, const struct net_assigned *of)
{
	if (ip->family != of->ip.family)
		return false;
	for (unsigned bit = 0; bit < of->prefix; bit += 8) {
		unsigned n = MIN(of->prefix - bit, 8u);
		uint8_t mask = (uint8_t)(0xff << (8 - n));

		if ((ip->bytes[bit / 8] ^ of->ip.bytes[bit / 8]) & mask)
			return false;
	}
	return of->prefix > 0;
}

static bool is_loopback(const struct net_ip *ip)
{
	static const uint8_t v6[16] = { [15] = 1 };

	return ip->family == AF_INET ? ip->bytes[0] == 127 : memcmp(ip->bytes, v6, sizeof v6) == 0;
}

int net_choose(const struct net *net, const struct net_ip *ip, const char *name, const struct net_if **ret,
	       unsigned *ret_prefix, struct err *err)
{
	const struct net_assigned *best = NULL;
	char text[NET_IP_TEXT];

	for (size_t i = 0; i < net->address_count; i++) {
		const struct net_assigned *a = &net->addresses[i];
		const struct net_if *on = net_if_find(net, a->ifindex);

		/* An address that is up alone, as those of net_add() for IPv6, says nothing about its subnet. */
		if (!on || !on->up || is_loopback(&a->ip) || a->prefix == net_ip_size(ip) * 8 || !in_subnet(ip, a))
			continue;
		if ((!name || streq(on->name, name)) && (!best || a->prefix > best->prefix))
			best = a;
	}
	if (!best)
		return err_set(err, -ENODEV, "no interface%s%s that is up is on the subnet of %s", name ? " " : "",
			       name ? name : "", net_ip_text(ip, text));
	*ret = net_if_find(net, best->ifindex);
	*ret_prefix = ip->family == AF_INET ? best->prefix : 128;
	return 0;
}

/* ---- changes ---- */

static struct rtnl_addr *address_object(const struct net_ip *ip, unsigned ifindex, unsigned prefix)
{
	_cleanup_(nl_addr_putp) struct nl_addr *local = nl_addr_build(ip->family, ip->bytes, net_ip_size(ip));
	_cleanup_(rtnl_addr_putp) struct rtnl_addr *address = rtnl_addr_alloc();

	if (!local || !address)
		return NULL;
	nl_addr_set_prefixlen(local, (int)prefix);
	rtnl_addr_set_ifindex(address, (int)ifindex);
	if (rtnl_addr_set_local(address, local) < 0)
		return NULL;
	rtnl_addr_set_prefixlen(address, (int)prefix);
	return TAKE_PTR(address);
}

int net_add(struct net *net, const struct net_ip *ip, const struct net_if *to, unsigned prefix, struct err *err)
{
	_cleanup_(rtnl_addr_putp) struct rtnl_addr *address = address_object(ip, to->index, prefix);
	char text[NET_IP_TEXT];
	int r;

	if (!address)
		return err_set(err, -ENOMEM, "no memory for an address");
	rtnl_addr_set_flags(address, IFA_F_NOPREFIXROUTE | (ip->family == AF_INET6 ? IFA_F_NODAD : 0));
	/* Deprecated: what the node itself begins comes from an address that does not move.  For IPv4 being a secondary
	 * address has that effect. */
	if (ip->family == AF_INET6) {
		rtnl_addr_set_valid_lifetime(address, UINT32_MAX);
		rtnl_addr_set_preferred_lifetime(address, 0);
	}
	r = rtnl_addr_add(net->socket, address, NLM_F_EXCL);
	if (r < 0)
		return err_set(err, r == -NLE_EXIST ? -EEXIST : -EIO, "cannot add %s to %s: %s", net_ip_text(ip, text),
			       to->name, nl_geterror(r));
	return 0;
}

int net_remove(struct net *net, const struct net_ip *ip, struct err *err)
{
	char text[NET_IP_TEXT];
	int removed = 0, r;

	r = snapshot(net, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < net->address_count; i++) {
		const struct net_assigned *a = &net->addresses[i];
		_cleanup_(rtnl_addr_putp) struct rtnl_addr *address = NULL;

		if (!net_ip_equal(&a->ip, ip))
			continue;
		address = address_object(ip, a->ifindex, a->prefix);
		if (!address)
			return err_set(err, -ENOMEM, "no memory for an address");
		r = rtnl_addr_delete(net->socket, address, 0);
		if (r < 0 && r != -NLE_NOADDR)
			return err_set(err, -EIO, "cannot remove %s: %s", net_ip_text(ip, text), nl_geterror(r));
		removed = 1;
	}
	return removed;
}
