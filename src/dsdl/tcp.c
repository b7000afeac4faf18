/* Probing over TCP.  One core: a slot is one address family, and connects to the addresses of the name one after the other; all
 * slots share one deadline. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "dsdl/handle.h"
#include "dsdl/command.h"

#define TIMEOUT_MAX_S 86400

struct slot {
	const struct addrinfo *at;      /* address that is tried; NULL: none left */
	int        fd;                  /* -1 */
	bool       connected;
	scha_err_t err;                 /* of the last address */
};

static int64_t deadline_of(time_t timeout)
{
	return clock_ms() + (int64_t)MIN(timeout, (time_t)TIMEOUT_MAX_S) * 1000;
}

static int left_ms(int64_t deadline) { return (int)MAX(deadline - clock_ms(), (int64_t)0); }

static void slot_fail(struct slot *slot, scha_err_t e)
{
	if (slot->fd >= 0)
		close(slot->fd);
	slot->fd = -1;
	slot->err = e;
}

static const struct addrinfo *family_find(const struct addrinfo *list, int family)
{
	while (list && list->ai_family != family)
		list = list->ai_next;
	return list;
}

/* Begins with slot->at, and goes on where one fails at once. */
static void slot_begin(struct slot *slot)
{
	for (; slot->at; slot->at = family_find(slot->at->ai_next, slot->at->ai_family)) {
		slot->fd = socket(slot->at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (slot->fd >= 0 && connect(slot->fd, slot->at->ai_addr, slot->at->ai_addrlen) == 0) {
			slot->connected = true;
			return;
		}
		if (slot->fd >= 0 && errno == EINPROGRESS)
			return;
		slot_fail(slot, SCHA_ERR_STATE);
	}
}

static void slot_result(struct slot *slot)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0) {
		slot->connected = true;
		return;
	}
	slot_fail(slot, error == ETIMEDOUT ? SCHA_ERR_TIMEOUT : SCHA_ERR_STATE);
	slot->at = family_find(slot->at->ai_next, slot->at->ai_family);
	slot_begin(slot);
}

static void slots_connect(struct slot *slots, size_t n, int64_t deadline)
{
	for (size_t i = 0; i < n; i++)
		slot_begin(&slots[i]);
	for (;;) {
		struct pollfd fds[SCDS_MAX_IPADDR_TYPES];
		bool waiting = false;

		for (size_t i = 0; i < n; i++) {
			bool wait = slots[i].fd >= 0 && !slots[i].connected;

			fds[i] = (struct pollfd) { .fd = wait ? slots[i].fd : -1, .events = POLLOUT };
			waiting |= wait;
		}
		if (!waiting)
			return;
		if (poll(fds, n, left_ms(deadline)) == 0)
			break;
		for (size_t i = 0; i < n; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				slot_result(&slots[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (!slots[i].connected && slots[i].fd >= 0)
			slot_fail(&slots[i], SCHA_ERR_TIMEOUT);
}

static struct addrinfo *resolve(const char *hostname, int port)
{
	_cleanup_free_ char *service = xasprintf("%d", port);
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list;

	return getaddrinfo(hostname, service, &hints, &list) == 0 ? list : NULL;
}

static bool port_ok(int port) { return port > 0 && port <= UINT16_MAX; }

/* ---- one connection ---- */

scha_err_t scds_fm_tcp_connect(scds_handle_t handle, int *sock, const char *hostname, int port, time_t timeout)
{
	struct slot slot = { .fd = -1, .err = SCHA_ERR_STATE };
	struct addrinfo *list;

	if (!scds_of(handle) || !sock || !hostname || !port_ok(port) || timeout <= 0)
		return SCHA_ERR_INVAL;
	list = resolve(hostname, port);
	if (!list)
		return SCHA_ERR_STATE;
	slot.at = family_find(list, AF_INET);
	if (!slot.at)
		slot.at = family_find(list, AF_INET6);
	slots_connect(&slot, 1, deadline_of(timeout));
	freeaddrinfo(list);
	if (!slot.connected)
		return slot.err;
	*sock = slot.fd;
	return SCHA_ERR_NOERR;
}

/* Linger makes close(2) wait until the other system has acknowledged all, the end included; but it does not tell whether it has. */
static scha_err_t disconnect(int sock, int64_t deadline)
{
	struct linger linger = { .l_onoff = 1, .l_linger = MAX((left_ms(deadline) + 999) / 1000, 1) };
	int64_t began = clock_ms();
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return SCHA_ERR_INVAL;          /* it is no socket: not ours to close */
	(void)setsockopt(sock, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	(void)close(sock);
	if (clock_ms() - began >= (int64_t)linger.l_linger * 1000)
		return SCHA_ERR_TIMEOUT;
	return error ? SCHA_ERR_STATE : SCHA_ERR_NOERR;
}

scha_err_t scds_fm_tcp_disconnect(scds_handle_t handle, int sock, time_t timeout)
{
	if (!scds_of(handle) || sock < 0 || timeout <= 0)
		return SCHA_ERR_INVAL;
	return disconnect(sock, deadline_of(timeout));
}

/* 0: ready. */
static scha_err_t ready(int sock, short events, int64_t deadline)
{
	struct pollfd p = { .fd = sock, .events = events };

	for (;;) {
		int r = poll(&p, 1, left_ms(deadline));

		if (r > 0)
			return p.revents & POLLNVAL ? SCHA_ERR_INVAL : SCHA_ERR_NOERR;
		if (r == 0)
			return SCHA_ERR_TIMEOUT;
		if (errno != EINTR)
			return SCHA_ERR_INTERNAL;
	}
}

static bool again(void) { return errno == EINTR || errno == EAGAIN; }

scha_err_t scds_fm_tcp_read(scds_handle_t handle, int sock, char *buffer, size_t *size, time_t timeout)
{
	int64_t deadline;
	size_t got = 0;
	scha_err_t e = SCHA_ERR_NOERR;

	if (!scds_of(handle) || sock < 0 || !buffer || !size || timeout <= 0)
		return SCHA_ERR_INVAL;
	deadline = deadline_of(timeout);
	while (got < *size && (e = ready(sock, POLLIN, deadline)) == SCHA_ERR_NOERR) {
		ssize_t n = recv(sock, buffer + got, *size - got, MSG_DONTWAIT);

		if (n == 0)
			break;
		if (n < 0 && !again()) {
			e = SCHA_ERR_STATE;
			break;
		}
		got += n > 0 ? (size_t)n : 0;
	}
	*size = got;
	return e;
}

scha_err_t scds_fm_tcp_write(scds_handle_t handle, int sock, char *buffer, size_t *size, time_t timeout)
{
	int64_t deadline;
	size_t sent = 0;
	scha_err_t e = SCHA_ERR_NOERR;

	if (!scds_of(handle) || sock < 0 || !buffer || !size || timeout <= 0)
		return SCHA_ERR_INVAL;
	deadline = deadline_of(timeout);
	while (sent < *size && (e = ready(sock, POLLOUT, deadline)) == SCHA_ERR_NOERR) {
		ssize_t n = send(sock, buffer + sent, *size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && !again()) {
			e = SCHA_ERR_STATE;
			break;
		}
		sent += n > 0 ? (size_t)n : 0;
	}
	*size = sent;
	return e;
}

scha_err_t scds_simple_probe(scds_handle_t handle, const char *hostname, int port, time_t timeout)
{
	int64_t deadline = deadline_of(timeout);
	scha_err_t e;
	int sock;

	e = scds_fm_tcp_connect(handle, &sock, hostname, port, timeout);
	return e == SCHA_ERR_NOERR ? disconnect(sock, deadline) : e;
}

/* ---- both families ---- */

static const int families[SCDS_MAX_IPADDR_TYPES] = { AF_INET, AF_INET6 };

static bool net_arguments_ok(scds_handle_t handle, const void *list, int count, const scds_netaddr_t *addr, time_t timeout)
{
	int proto = addr->port_proto.proto;

	return scds_of(handle) && list && count == SCDS_MAX_IPADDR_TYPES && timeout > 0 && addr->hostname &&
	       port_ok(addr->port_proto.port) && (proto == SCDS_IPPROTO_TCP || proto == SCDS_IPPROTO_TCP6);
}

scha_err_t scds_fm_net_connect(scds_handle_t handle, scds_socket_t *socklist, int count, scds_netaddr_t addr, time_t timeout)
{
	struct slot slots[SCDS_MAX_IPADDR_TYPES];
	struct addrinfo *list;

	if (!net_arguments_ok(handle, socklist, count, &addr, timeout))
		return SCHA_ERR_INVAL;
	list = resolve(addr.hostname, addr.port_proto.port);
	for (int i = 0; i < count; i++) {
		bool wanted = families[i] == AF_INET || addr.port_proto.proto == SCDS_IPPROTO_TCP6;

		slots[i] = (struct slot) { .at = wanted ? family_find(list, families[i]) : NULL, .fd = -1 };
		socklist[i] = (scds_socket_t) { .status = SCDS_FMSOCK_NA, .fd = -1 };
		if (wanted && (!list || slots[i].at))
			socklist[i].status = SCDS_FMSOCK_ERR;   /* until it is connected */
		slots[i].err = SCHA_ERR_STATE;
	}
	slots_connect(slots, (size_t)count, deadline_of(timeout));
	for (int i = 0; i < count; i++) {
		if (socklist[i].status == SCDS_FMSOCK_NA)
			continue;
		socklist[i] = (scds_socket_t) { slots[i].connected ? SCDS_FMSOCK_OK : SCDS_FMSOCK_ERR, slots[i].fd,
						slots[i].connected ? SCHA_ERR_NOERR : slots[i].err };
	}
	if (list)
		freeaddrinfo(list);
	return SCHA_ERR_NOERR;
}

scha_err_t scds_fm_net_disconnect(scds_handle_t handle, scds_socket_t *socklist, int count, time_t timeout)
{
	scha_err_t e, first = SCHA_ERR_NOERR;
	int64_t deadline;

	if (!scds_of(handle) || !socklist || count != SCDS_MAX_IPADDR_TYPES || timeout <= 0)
		return SCHA_ERR_INVAL;
	deadline = deadline_of(timeout);
	for (int i = 0; i < count; i++) {
		if (socklist[i].status == SCDS_FMSOCK_OK) {
			e = disconnect(socklist[i].fd, deadline);
			first = first == SCHA_ERR_NOERR ? e : first;
		}
		socklist[i] = (scds_socket_t) { .status = SCDS_FMSOCK_NA, .fd = -1 };
	}
	return first;
}

scha_err_t scds_simple_net_probe(scds_handle_t handle, scds_netaddr_t addr, time_t timeout, scds_fmsock_status_t *status,
				 int count)
{
	scds_socket_t slots[SCDS_MAX_IPADDR_TYPES];
	int64_t deadline = deadline_of(timeout);
	scha_err_t e;

	if (!net_arguments_ok(handle, status, count, &addr, timeout))
		return SCHA_ERR_INVAL;
	e = scds_fm_net_connect(handle, slots, count, addr, timeout);
	if (e != SCHA_ERR_NOERR)
		return e;
	for (int i = 0; i < count; i++) {
		status[i] = slots[i].status;
		if (slots[i].status == SCDS_FMSOCK_OK && disconnect(slots[i].fd, deadline) != SCHA_ERR_NOERR)
			status[i] = SCDS_FMSOCK_ERR;
	}
	return SCHA_ERR_NOERR;
}
