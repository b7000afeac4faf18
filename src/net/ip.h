/* One IP address of either family. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NET_IP_TEXT INET6_ADDRSTRLEN

struct net_ip {
	int     family;                 /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
};

size_t net_ip_size(const struct net_ip *ip);            /* 4 or 16 bytes */
bool net_ip_equal(const struct net_ip *a, const struct net_ip *b);
bool net_ip_parse(const char *text, struct net_ip *ret);
const char *net_ip_text(const struct net_ip *ip, char ret[NET_IP_TEXT]);       /* returns ret */
void net_ip_from_sockaddr(const struct sockaddr *sa, struct net_ip *ret);       /* AF_INET or AF_INET6 */
void net_ip_to_sockaddr(const struct net_ip *ip, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len);
/* Is the address one of this node now? */
bool net_ip_is_local(const struct net_ip *ip);
