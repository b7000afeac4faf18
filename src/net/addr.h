/* The addresses of this node: where one belongs, where it is, up and down.  Over rtnetlink; blocking; no state but the
 * snapshot that the caller owns. */
#pragma once
#include <net/if.h>

#include "base/err.h"
#include "net/ip.h"

struct net_if {
	unsigned index;
	char     name[IF_NAMESIZE];
	bool     up, running;           /* running: there is a carrier */
	bool     ethernet;              /* has a MAC and uses it: neighbours can be told */
	uint8_t  mac[6];
};

struct net_assigned {                   /* an address of an interface */
	struct net_ip ip;
	unsigned prefix, ifindex;
};

struct net;                             /* interfaces and addresses as of net_new(), and a socket for changes */
int  net_new(struct net **ret, struct err *err);
struct net *net_free(struct net *net);
static inline void net_freep(struct net **net) { net_free(*net); }

size_t net_address_count(const struct net *net);
const struct net_assigned *net_address_at(const struct net *net, size_t i);
const struct net_if *net_if_find(const struct net *net, unsigned index);        /* NULL: there is none */
const struct net_if *net_if_named(const struct net *net, const char *name);
/* Where the address is on this node; NULL: nowhere. */
const struct net_assigned *net_find(const struct net *net, const struct net_ip *ip);

/* The interface whose own subnet contains the address: not the loopback, up, of several the one with the longest prefix.
 * name: only that one; NULL: any.  *ret_prefix is what the address is to be added with: the subnet's length for IPv4, 128
 * for IPv6.  -ENODEV: there is none. */
int net_choose(const struct net *net, const struct net_ip *ip, const char *name, const struct net_if **ret,
	       unsigned *ret_prefix, struct err *err);

/* Without a route of its own, without the kernel's duplicate check, and never chosen as source of outgoing connections.
 * -EEXIST: it is there. */
int net_add(struct net *net, const struct net_ip *ip, const struct net_if *to, unsigned prefix, struct err *err);
/* From whatever interface has it, at the time of the call.  1: removed, 0: it was not there. */
int net_remove(struct net *net, const struct net_ip *ip, struct err *err);
