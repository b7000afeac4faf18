#include "net/ip.h"

#include <arpa/inet.h>
#include <ifaddrs.h>

#include "base/macros.h"

size_t net_ip_size(const struct net_ip *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

bool net_ip_equal(const struct net_ip *a, const struct net_ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, net_ip_size(a)) == 0;
}

bool net_ip_parse(const char *text, struct net_ip *ret)
{
	struct net_ip ip = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(ip.family, text, ip.bytes) != 1)
		return false;
	*ret = ip;
	return true;
}

const char *net_ip_text(const struct net_ip *ip, char ret[NET_IP_TEXT])
{
	if (!inet_ntop(ip->family, ip->bytes, ret, NET_IP_TEXT))
		strcpy(ret, "?");
	return ret;
}

void net_ip_from_sockaddr(const struct sockaddr *sa, struct net_ip *ret)
{
	*ret = (struct net_ip) { .family = sa->sa_family };
	if (sa->sa_family == AF_INET)
		memcpy(ret->bytes, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	else
		memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
}

void net_ip_to_sockaddr(const struct net_ip *ip, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(ret, 0, sizeof *ret);
	if (ip->family == AF_INET) {
		memcpy(&v4.sin_addr, ip->bytes, 4);
		memcpy(ret, &v4, sizeof v4);
		*ret_len = sizeof v4;
	} else {
		memcpy(&v6.sin6_addr, ip->bytes, 16);
		memcpy(ret, &v6, sizeof v6);
		*ret_len = sizeof v6;
	}
}

/* Not by bind(2): net.ipv4.ip_nonlocal_bind, set where addresses move, makes that succeed for any address. */
bool net_ip_is_local(const struct net_ip *ip)
{
	struct ifaddrs *list;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
		struct net_ip have;

		if (!i->ifa_addr || i->ifa_addr->sa_family != ip->family)
			continue;
		net_ip_from_sockaddr(i->ifa_addr, &have);
		found = net_ip_equal(&have, ip);
	}
	freeifaddrs(list);
	return found;
}
