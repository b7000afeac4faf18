/* SUNW.LogicalHostname: addresses that move with their group.
 *
 * Linux has no way to hold an address ready but down ("plumbed"), so the work is divided so: Prenet_start finds out whether
 * this node can have the addresses at all, before others mount disks for nothing; Start asks the neighbours and takes the
 * addresses; Stop gives them up; Postnet_stop makes sure.  The question to the neighbours is asked in Start, right before
 * the addresses come up: asked earlier it would say nothing about that moment. */
#pragma once
#include "base/err.h"
#include "lib/method.h"
#include "net/announce.h"

#define LH_ADDRESSES_MAX 64

struct lh_addresses {
	struct announce_target v[LH_ADDRESSES_MAX];
	unsigned prefix[LH_ADDRESSES_MAX];
	size_t   n;
};

/* The addresses of the HostnameList that have an interface here.  Asks the name service, each time: the answer of now counts.
 * -ENOENT, -ENODEV, ... : a name has none; err names it. */
int lh_resolve(const struct method *m, const struct net *net, struct lh_addresses *ret, struct err *err);

/* Does the answer come from what is left of a node that the cluster has declared dead?  The kernel of a machine whose
 * processes hang still answers for the address; fencing or its watchdog will end it, and the service must not wait for
 * that: the announcements win.  ctx: the struct net.  For announce_excuse(). */
bool lh_is_remains_of_dead_node(const struct announce_target *target, const uint8_t mac[6], void *ctx);

/* What this resource has taken on this node since boot: written before an address is added, so that Stop knows without a
 * name service and never touches an address of somebody else. */
struct lh_record { struct net_ip v[LH_ADDRESSES_MAX]; size_t n; };
int  lh_record_read(const char *rs, struct lh_record *ret, struct err *err);    /* no file: an empty one */
int  lh_record_write(const char *rs, const struct lh_record *record, struct err *err);
void lh_record_remove(const char *rs);
bool lh_record_has(const struct lh_record *record, const struct net_ip *ip);
