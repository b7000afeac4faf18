/* The frames.  Pure.
 *
 *  ARP (RFC 826)   htype 2 | ptype 2 | hlen 1 | plen 1 | op 2 | sender MAC 6 | sender IP 4 | target MAC 6 | target IP 4
 *  ND              IPv6 header 40 | type 1 | code 1 | checksum 2 | flags 4 | target 16 [| option 2: type 1, length 1, MAC 6] */
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "net/announce.h"

#define ARP_OP          6
#define ARP_SENDER_MAC  8
#define ARP_SENDER_IP   14
#define ARP_TARGET_IP   24
#define ND_SIZE         64              /* without option */
#define ND_TARGET       48

static const uint8_t all_nodes[16] = { 0xff, 0x02, [15] = 1 };
static const uint8_t unspecified[16];

void announce_arp_frame(enum announce_arp kind, const uint8_t mac[6], const uint8_t ip[4], uint8_t ret[ANNOUNCE_ARP_SIZE])
{
	static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	memset(ret, 0, ANNOUNCE_ARP_SIZE);
	memcpy(ret, head, sizeof head);
	ret[ARP_OP + 1] = kind == ANNOUNCE_ARP_REPLY ? 2 : 1;
	memcpy(ret + ARP_SENDER_MAC, mac, 6);
	if (kind != ANNOUNCE_ARP_PROBE)
		memcpy(ret + ARP_SENDER_IP, ip, 4);
	if (kind == ANNOUNCE_ARP_REPLY)
		memset(ret + ARP_TARGET_IP - 6, 0xff, 6);
	memcpy(ret + ARP_TARGET_IP, ip, 4);
}

bool announce_arp_claims(const uint8_t *frame, size_t len, const uint8_t own_mac[6], const uint8_t ip[4], uint8_t ret_mac[6])
{
	static const uint8_t nobody[4];
	const uint8_t *mac = frame + ARP_SENDER_MAC;
	bool has, wants;

	if (len < ANNOUNCE_ARP_SIZE || memcmp(mac, own_mac, 6) == 0)
		return false;
	has = memcmp(frame + ARP_SENDER_IP, ip, 4) == 0;
	wants = memcmp(frame + ARP_SENDER_IP, nobody, 4) == 0 && memcmp(frame + ARP_TARGET_IP, ip, 4) == 0;
	if (has || wants)
		memcpy(ret_mac, mac, 6);
	return has || wants;
}

static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += (uint32_t)(p[0] << 8 | p[1]);
	return sum;
}

/* Over the pseudo header of RFC 8200, 8.1.  All lengths here are even. */
static uint16_t checksum(const struct ip6_hdr *ip, const uint8_t *body, size_t len)
{
	uint32_t sum = sum16(0, (const uint8_t *)&ip->ip6_src, 32) + (uint32_t)len + IPPROTO_ICMPV6;

	sum = sum16(sum, body, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

size_t announce_nd_frame(bool probe, const uint8_t mac[6], const uint8_t ip[16], uint8_t ret[ANNOUNCE_ND_MAX])
{
	static const uint8_t solicited[16] = { 0xff, 0x02, [11] = 1, [12] = 0xff };
	size_t len = probe ? ND_SIZE : ANNOUNCE_ND_MAX;
	struct ip6_hdr head = { .ip6_vfc = 0x60 };
	uint8_t *body = ret + sizeof head;
	uint16_t sum;

	head.ip6_plen = htons((uint16_t)(len - sizeof head));
	head.ip6_nxt = IPPROTO_ICMPV6;
	head.ip6_hlim = 255;
	memcpy(&head.ip6_src, probe ? unspecified : ip, 16);
	memcpy(&head.ip6_dst, probe ? solicited : all_nodes, 16);
	if (probe)
		memcpy((uint8_t *)&head.ip6_dst + 13, ip + 13, 3);
	memset(ret, 0, len);
	body[0] = probe ? ND_NEIGHBOR_SOLICIT : ND_NEIGHBOR_ADVERT;
	if (!probe)
		body[4] = 0x20;                 /* override, not solicited */
	memcpy(ret + ND_TARGET, ip, 16);
	if (!probe) {
		ret[ND_SIZE] = ND_OPT_TARGET_LINKADDR;
		ret[ND_SIZE + 1] = 1;
		memcpy(ret + ND_SIZE + 2, mac, 6);
	}
	sum = checksum(&head, body, len - sizeof head);
	body[2] = (uint8_t)(sum >> 8);
	body[3] = (uint8_t)sum;
	memcpy(ret, &head, sizeof head);
	return len;
}

/* An advertisement of the address, or another node's own duplicate check (RFC 4862, 5.4.3). */
bool announce_nd_claims(const uint8_t *frame, size_t len, const uint8_t from_mac[6], const uint8_t own_mac[6],
			const uint8_t ip[16], uint8_t ret_mac[6])
{
	const uint8_t *mac = from_mac;
	uint8_t type;

	if (len < ND_SIZE || frame[6] != IPPROTO_ICMPV6 || memcmp(frame + ND_TARGET, ip, 16) != 0)
		return false;
	type = frame[sizeof(struct ip6_hdr)];
	if (type == ND_NEIGHBOR_SOLICIT && memcmp(frame + 8, unspecified, 16) != 0)
		return false;
	if (type != ND_NEIGHBOR_SOLICIT && type != ND_NEIGHBOR_ADVERT)
		return false;
	if (type == ND_NEIGHBOR_ADVERT && len >= ANNOUNCE_ND_MAX && frame[ND_SIZE] == ND_OPT_TARGET_LINKADDR)
		mac = frame + ND_SIZE + 2;
	if (memcmp(mac, own_mac, 6) == 0)
		return false;
	memcpy(ret_mac, mac, 6);
	return true;
}
