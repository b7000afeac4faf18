/* One look at the application: the Probe_command, or a connection to each address and port. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "gds/gds.h"
#include "lib/fm_action.h"

#define CHECK_TIMED_OUT 50              /* twice in the interval make a complete failure */

int check_port_parse(const char *text, uint16_t *ret_port, bool *ret_v6, struct err *err)
{
	static const struct { const char *name; bool connect, v6; } protocols[] = {
		{ "tcp", true, false }, { "tcp6", true, true }, { "udp", false, false }, { "udp6", false, true },
	};
	_cleanup_free_ char *protocol = NULL;
	unsigned long port;
	char *end;

	port = strtoul(text, &end, 10);
	if (end == text || *end != '/' || port == 0 || port > UINT16_MAX)
		return err_set(err, -EINVAL, "Port_list: %s does not look like port/protocol", text);
	protocol = xstrndup(end + 1, strcspn(end + 1, "/"));
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (strieq(protocol, protocols[i].name)) {
			*ret_port = (uint16_t)port;
			*ret_v6 = protocols[i].v6;
			return protocols[i].connect;
		}
	return err_set(err, -EINVAL, "Port_list: %s: the protocol must be tcp, tcp6, udp or udp6", text);
}

static int add_endpoint(struct check *check, const struct net_ip *ip, uint16_t port, struct err *err)
{
	if (check->n == CHECK_ENDPOINTS_MAX)
		return err_set(err, -E2BIG, "more than %d addresses and ports to connect to", CHECK_ENDPOINTS_MAX);
	check->endpoints[check->n++] = (struct check_endpoint) { .ip = *ip, .port = port };
	return 0;
}

/* A tcp port is one of IPv4; with tcp6 the application listens to both. */
static int add_host(struct check *check, const char *host, uint16_t port, bool v6, struct err *err)
{
	struct addrinfo hints = { .ai_family = v6 ? AF_UNSPEC : AF_INET, .ai_socktype = SOCK_STREAM }, *list;
	int r = getaddrinfo(host, NULL, &hints, &list);

	if (r != 0 && !v6)                      /* a name that has IPv6 only */
		r = getaddrinfo(host, NULL, &(struct addrinfo) { .ai_socktype = SOCK_STREAM }, &list);
	if (r != 0)
		return err_set(err, -ENOENT, "host name %s has no address: %s", host, gai_strerror(r));
	for (const struct addrinfo *ai = list; r == 0 && ai; ai = ai->ai_next)
		if (ai->ai_family == AF_INET || ai->ai_family == AF_INET6) {
			struct net_ip ip;

			net_ip_from_sockaddr(ai->ai_addr, &ip);
			r = add_endpoint(check, &ip, port, err);
		}
	freeaddrinfo(list);
	return r;
}

static int add_endpoints(struct check *check, const struct method *m, struct err *err)
{
	_cleanup_(strlist_done) struct strlist hosts = { 0 }, ports = { 0 };
	int r;

	method_list(m, "Port_list", &ports);
	if (ports.n == 0)
		return 0;
	r = method_hostnames(m, &hosts, err);
	if (r < 0)
		return r;
	if (hosts.n == 0)
		strlist_add(&hosts, "localhost");
	for (size_t p = 0; p < ports.n; p++) {
		const char *slash = strchr(ports.v[p], '/'), *name = slash ? strchr(slash + 1, '/') : NULL;
		uint16_t port;
		bool v6;

		r = check_port_parse(ports.v[p], &port, &v6, err);
		for (size_t h = 0; r > 0 && h < hosts.n; h++)
			if (!name || streq(name + 1, hosts.v[h])) {
				int added = add_host(check, hosts.v[h], port, v6, err);

				r = added < 0 ? added : r;
			}
		if (r < 0)
			return r;
	}
	return 0;
}

int check_init(struct check *check, const struct method *m, struct err *err)
{
	const char *command = method_str(m, "Probe_command", "");

	check->n = 0;
	check->command = *command ? command : NULL;
	check->timeout_ms = (int)MIN(method_int(m, "Probe_timeout", 30), (int64_t)86400) * 1000;
	if (check->command || !method_bool(m, "Network_aware", true))
		return 0;
	return add_endpoints(check, m, err);
}

bool check_possible(const struct check *check)
{
	return check->command || check->n > 0;
}

static int run_command(const struct check *check, int interrupt_fd)
{
	int status, r = command_run(&(struct command) { check->command, check->timeout_ms, SIGKILL, interrupt_fd }, &status);

	if (r == -EINTR)
		return CHECK_INTERRUPTED;
	if (r == -ETIMEDOUT)
		return CHECK_TIMED_OUT;
	if (r < 0 || !WIFEXITED(status))
		return FM_COMPLETE;
	status = WEXITSTATUS(status);
	return status <= FM_COMPLETE || status == FM_IMMEDIATE ? status : FM_COMPLETE;
}

/* A socket that connects; -1: refused at once.  *ret_done: connected at once. */
static int begin_connect(const struct check_endpoint *e, bool *ret_done)
{
	_cleanup_close_ int fd = socket(e->ip.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage sa;
	socklen_t len;

	net_ip_to_sockaddr(&e->ip, e->port, &sa, &len);
	if (fd < 0)
		return -1;
	*ret_done = connect(fd, (struct sockaddr *)&sa, len) == 0;
	return *ret_done || errno == EINPROGRESS ? TAKE_FD(fd) : -1;
}

static bool connected(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

/* All at once; the worst result counts.  fds[n] is the interruption. */
static int wait_connected(struct pollfd *fds, size_t n, int timeout_ms)
{
	int64_t end = clock_ms() + timeout_ms;
	size_t open = 0;

	for (size_t i = 0; i < n; i++)
		open += fds[i].fd >= 0;
	while (open > 0) {
		int r = poll(fds, n + 1, (int)MAX(end - clock_ms(), (int64_t)0));

		if (r < 0 && errno != EINTR)
			return FM_COMPLETE;
		if (r == 0)
			return CHECK_TIMED_OUT;
		if (r > 0 && fds[n].revents)
			return CHECK_INTERRUPTED;
		for (size_t i = 0; r > 0 && i < n; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			if (!connected(fds[i].fd))
				return FM_COMPLETE;
			close(fds[i].fd);
			fds[i].fd = -1;
			open--;
		}
	}
	return 0;
}

static int run_connect(const struct check *check, int interrupt_fd)
{
	struct pollfd fds[CHECK_ENDPOINTS_MAX + 1];
	int status = 0;

	for (size_t i = 0; i < check->n; i++) {
		bool done = false;

		fds[i] = (struct pollfd) { .fd = begin_connect(&check->endpoints[i], &done), .events = POLLOUT };
		if (fds[i].fd < 0)
			status = FM_COMPLETE;
		if (done) {
			close(fds[i].fd);
			fds[i].fd = -1;
		}
	}
	fds[check->n] = (struct pollfd) { .fd = interrupt_fd, .events = POLLIN };
	if (status == 0)
		status = wait_connected(fds, check->n, check->timeout_ms);
	for (size_t i = 0; i < check->n; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	return status;
}

int check_run(const struct check *check, int interrupt_fd)
{
	if (check->command)
		return run_command(check, interrupt_fd);
	return check->n > 0 ? run_connect(check, interrupt_fd) : 0;
}
