/* Two packet sockets, one for ARP and one for Neighbor Discovery, over all interfaces.  The second has a filter, or it would
 * see all IPv6 traffic of the node. */
#include "net/announce.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* From the first announcement. */
static const int repeat_at_ms[] = { 100, 300, 1000, 3000 };

struct announce {
	int    arp_fd, nd_fd;           /* -1: no target of that family */
	announce_excuse_fn excuse;      /* NULL: none */
	void  *excuse_ctx;
	size_t count;
	struct announce_target targets[];
};

static int packet_socket(uint16_t protocol, const struct sock_fprog *filter)
{
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);     /* old kernel: our MAC tells */
	if (filter && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof *filter) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&all, sizeof all) < 0)  /* only now do frames come in */
		return -errno;
	return TAKE_FD(fd);
}

static int nd_socket(void)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 40),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 256),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = { .len = ARRAY_SIZE(code), .filter = code };

	return packet_socket(ETH_P_IPV6, &filter);
}

static bool has_family(const struct announce *a, int family)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->targets[i].ip.family == family)
			return true;
	return false;
}

int announce_new(const struct announce_target *targets, size_t n, struct announce **ret, struct err *err)
{
	_cleanup_(announce_freep) struct announce *a = xcalloc(1, sizeof *a + n * sizeof *targets);

	a->arp_fd = a->nd_fd = -1;
	for (size_t i = 0; i < n; i++)
		if (targets[i].on.ethernet)
			a->targets[a->count++] = targets[i];
	if (has_family(a, AF_INET)) {
		a->arp_fd = packet_socket(ETH_P_ARP, NULL);
		if (a->arp_fd < 0)
			return err_set(err, a->arp_fd, "cannot open a socket for ARP: %s", strerror(-a->arp_fd));
	}
	if (has_family(a, AF_INET6)) {
		a->nd_fd = nd_socket();
		if (a->nd_fd < 0)
			return err_set(err, a->nd_fd, "cannot open a socket for neighbor discovery: %s",
				       strerror(-a->nd_fd));
	}
	*ret = TAKE_PTR(a);
	return 0;
}

struct announce *announce_free(struct announce *a)
{
	if (a) {
		if (a->arp_fd >= 0)
			close(a->arp_fd);
		if (a->nd_fd >= 0)
			close(a->nd_fd);
		free(a);
	}
	return NULL;
}

/* A frame that cannot be sent is a lost frame: it is repeated, and others do without. */
static void send_frame(int fd, const struct net_if *on, uint16_t protocol, const uint8_t to[6], const void *frame,
		       size_t len)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol),
				       .sll_ifindex = (int)on->index, .sll_halen = 6 };

	memcpy(address.sll_addr, to, 6);
	(void)!sendto(fd, frame, len, MSG_DONTWAIT, (struct sockaddr *)&address, sizeof address);
}

static void send_arp(const struct announce *a, const struct announce_target *t, enum announce_arp kind)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t frame[ANNOUNCE_ARP_SIZE];

	announce_arp_frame(kind, t->on.mac, t->ip.bytes, frame);
	send_frame(a->arp_fd, &t->on, ETH_P_ARP, broadcast, frame, sizeof frame);
}

static void send_nd(const struct announce *a, const struct announce_target *t, bool probe)
{
	uint8_t frame[ANNOUNCE_ND_MAX], to[6] = { 0x33, 0x33 };
	size_t len = announce_nd_frame(probe, t->on.mac, t->ip.bytes, frame);

	memcpy(to + 2, frame + 24 + 12, 4);     /* the last bytes of the multicast address */
	send_frame(a->nd_fd, &t->on, ETH_P_IPV6, to, frame, len);
}

static void send_one(const struct announce *a, const struct announce_target *t)
{
	if (t->ip.family == AF_INET) {
		send_arp(a, t, ANNOUNCE_ARP_REQUEST);
		send_arp(a, t, ANNOUNCE_ARP_REPLY);
	} else {
		send_nd(a, t, false);
	}
}

void announce_send(struct announce *a)
{
	for (size_t i = 0; i < a->count; i++)
		send_one(a, &a->targets[i]);
}

/* ---- the question first ---- */

static int conflict(const struct announce_target *t, const uint8_t mac[6], struct err *err)
{
	char text[NET_IP_TEXT];

	return err_set(err, -EADDRINUSE, "%s is in use by %02x:%02x:%02x:%02x:%02x:%02x on %s", net_ip_text(&t->ip, text),
		       mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], t->on.name);
}

static int read_claims(const struct announce *a, int fd, int family, struct err *err)
{
	for (;;) {
		struct sockaddr_ll from = { 0 };
		socklen_t from_len = sizeof from;
		uint8_t frame[256], mac[6];
		ssize_t n = recvfrom(fd, frame, sizeof frame, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

		if (n < 0)
			return 0;
		for (size_t i = 0; i < a->count; i++) {
			const struct announce_target *t = &a->targets[i];

			if (t->ip.family != family || (unsigned)from.sll_ifindex != t->on.index)
				continue;
			if (family == AF_INET ? announce_arp_claims(frame, (size_t)n, t->on.mac, t->ip.bytes, mac)
					      : announce_nd_claims(frame, (size_t)n, from.sll_addr, t->on.mac, t->ip.bytes,
								    mac)) {
				if (a->excuse && a->excuse(t, mac, a->excuse_ctx))
					continue;
				return conflict(t, mac, err);
			}
		}
	}
}

void announce_excuse(struct announce *a, announce_excuse_fn fn, void *ctx)
{
	a->excuse = fn;
	a->excuse_ctx = ctx;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int announce_probe(struct announce *a, int wait_ms, struct err *err)
{
	struct pollfd fds[] = { { .fd = a->arp_fd, .events = POLLIN }, { .fd = a->nd_fd, .events = POLLIN } };
	int64_t end = now_ms() + wait_ms, left;

	if (a->count == 0)
		return 0;
	for (size_t i = 0; i < a->count; i++) {
		if (a->targets[i].ip.family == AF_INET)
			send_arp(a, &a->targets[i], ANNOUNCE_ARP_PROBE);
		else
			send_nd(a, &a->targets[i], true);
	}
	while ((left = end - now_ms()) > 0) {
		int r = poll(fds, ARRAY_SIZE(fds), (int)left);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_set(err, -errno, "cannot wait for answers: %s", strerror(errno));
		r = fds[0].revents ? read_claims(a, a->arp_fd, AF_INET, err) : 0;
		if (r == 0 && fds[1].revents)
			r = read_claims(a, a->nd_fd, AF_INET6, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- again and again ---- */

static void repeat(struct announce *a)
{
	int64_t began = now_ms();

	for (size_t i = 0; i < ARRAY_SIZE(repeat_at_ms); i++) {
		int64_t left = began + repeat_at_ms[i] - now_ms();

		if (left > 0)
			(void)poll(NULL, 0, (int)left);
		/* Gone meanwhile: the group may be up elsewhere, and telling lies now would cut it off. */
		for (size_t t = 0; t < a->count; t++)
			if (net_ip_is_local(&a->targets[t].ip))
				send_one(a, &a->targets[t]);
	}
}

void announce_repeatedly(struct announce *a)
{
	int null;

	announce_send(a);
	if (a->count == 0 || fork() != 0) {
		free(a);                        /* the sockets stay open, see the header */
		return;
	}
	(void)setsid();                         /* fails only for a group leader, which a fresh child is not */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)          /* whoever reads our output must see its end */
		(void)dup2(null, fd);
	repeat(a);
	_exit(0);
}
