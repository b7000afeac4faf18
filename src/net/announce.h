/* Telling the neighbours where an address is now, and asking first whether somebody else has it.
 * IPv4: ARP (RFC 5227); IPv6: Neighbor Discovery (RFC 4861, 4862).  Over packet sockets, as the address is not up yet. */
#pragma once
#include "net/addr.h"

/* How long others have to say that they have the address.  It is part of every failover, and the only machines that have to
 * be heard are on the same segment: a switch and a busy kernel take a few milliseconds. */
#define ANNOUNCE_PROBE_WAIT_MS 30

struct announce_target {
	struct net_ip ip;
	struct net_if on;               /* one that is no Ethernet is skipped */
};

struct announce;                        /* the sockets */
int  announce_new(const struct announce_target *targets, size_t n, struct announce **ret, struct err *err);
struct announce *announce_free(struct announce *a);
static inline void announce_freep(struct announce **a) { announce_free(*a); }

/* Asked about every answer to announce_probe(): true, it is no conflict. */
typedef bool (*announce_excuse_fn)(const struct announce_target *target, const uint8_t mac[6], void *ctx);
void announce_excuse(struct announce *a, announce_excuse_fn fn, void *ctx);

/* All at once.  -EADDRINUSE: somebody answered; err names the address and his MAC. */
int announce_probe(struct announce *a, int wait_ms, struct err *err);
/* Gratuitous ARP, as request and as reply since caches differ in what they believe, and unsolicited advertisements. */
void announce_send(struct announce *a);
/* Sends, and leaves a process behind that repeats it for some seconds, as long as the address is still here: a frame can
 * be lost.  The process also keeps the sockets, so that the caller's exit does not wait for the kernel to close them.
 * A failure to fork is ignored: the first announcement is out.  Takes a. */
void announce_repeatedly(struct announce *a);

/* ---- frames, without their Ethernet header; for the test ---- */
#define ANNOUNCE_ARP_SIZE 28
#define ANNOUNCE_ND_MAX   72
enum announce_arp { ANNOUNCE_ARP_PROBE, ANNOUNCE_ARP_REQUEST, ANNOUNCE_ARP_REPLY };
void   announce_arp_frame(enum announce_arp kind, const uint8_t mac[6], const uint8_t ip[4], uint8_t ret[ANNOUNCE_ARP_SIZE]);
size_t announce_nd_frame(bool probe, const uint8_t mac[6], const uint8_t ip[16], uint8_t ret[ANNOUNCE_ND_MAX]);
/* Does the frame say that somebody else has the address, or wants it just now?  *ret_mac: who. */
bool announce_arp_claims(const uint8_t *frame, size_t len, const uint8_t own_mac[6], const uint8_t ip[4], uint8_t ret_mac[6]);
bool announce_nd_claims(const uint8_t *frame, size_t len, const uint8_t from_mac[6], const uint8_t own_mac[6],
			const uint8_t ip[16], uint8_t ret_mac[6]);
