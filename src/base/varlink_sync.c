/* The blocking client, for commands and libraries.  poll(2) against a deadline on the monotonic clock; no threads, no
 * signals, no state outside the connection object, so that a library may use it inside any program. */
#include "base/varlink.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/time.h>
#include <time.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/varlink_wire.h"

#define NO_DEADLINE UINT64_MAX

struct vl_conn {
	int        fd;
	int        timeout_ms;          /* of open; sending is held to the same; negative: none */
	struct buf in;
	size_t     scanned;             /* no NUL before this offset of in */
};

int vl_wire_address(const char *path, struct sockaddr_un *ret, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path)
		return err_set(err, -ENAMETOOLONG, "socket path %s is longer than %zu bytes", path,
			       sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	*ret = address;
	return 0;
}

char *vl_wire_dump(json_t *object, size_t *ret_len)
{
	char *text = json_dumps(object, JSON_COMPACT);

	assert(text);
	json_decref(object);
	*ret_len = strlen(text) + 1;
	return text;
}

char *vl_wire_request(const char *method, json_t *params, bool more, size_t *ret_len)
{
	json_t *request = json_object();

	ju_set_str(request, "method", method);
	ju_set_new(request, "parameters", params ? params : json_object());
	if (more)
		ju_set_bool(request, "more", true);
	return vl_wire_dump(request, ret_len);
}

json_t *vl_wire_parse(const char *text, size_t len)
{
	json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (object && !json_is_object(object)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t deadline_in(int timeout_ms)
{
	return timeout_ms < 0 ? NO_DEADLINE : now_ms() + (uint64_t)timeout_ms;
}

static int time_left(uint64_t deadline)
{
	uint64_t now = now_ms();

	if (deadline == NO_DEADLINE)
		return -1;
	return deadline > now ? (int)MIN(deadline - now, (uint64_t)INT32_MAX) : 0;
}

/* 0 when fd is ready, -ETIMEDOUT. */
static int wait_for(int fd, short events, uint64_t deadline)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int n = poll(&p, 1, time_left(deadline));

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/* A connected socket or negative errno. */
static int connect_to(const struct sockaddr *address, socklen_t len, int timeout_ms)
{
	_cleanup_close_ int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (timeout_ms >= 0) {
		/* A full backlog blocks connect(2); poll(2) cannot wait for that, the send time-out does. */
		struct timeval limit = { .tv_sec = timeout_ms / 1000, .tv_usec = MAX(timeout_ms % 1000, 1) * 1000 };

		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);    /* worst case: we wait longer */
	}
	while (connect(fd, address, len) < 0)
		if (errno != EINTR)
			return errno == EAGAIN || errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	return TAKE_FD(fd);
}

static struct vl_conn *conn_new(int fd, int timeout_ms)
{
	struct vl_conn *conn = xcalloc(1, sizeof *conn);

	conn->fd = fd;
	conn->timeout_ms = timeout_ms;
	return conn;
}

int vl_conn_open(const char *path, int timeout_ms, struct vl_conn **ret, struct err *err)
{
	struct sockaddr_un address;
	int r, fd;

	r = vl_wire_address(path, &address, err);
	if (r < 0)
		return r;
	fd = connect_to((struct sockaddr *)&address, sizeof address, timeout_ms);
	if (fd < 0)
		return err_set(err, fd, "cannot connect to %s: %s", path, strerror(-fd));
	*ret = conn_new(fd, timeout_ms);
	return 0;
}

static int conn_open_tcp(const char *host, int port, int timeout_ms, struct vl_conn **ret, struct err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list;
	_cleanup_free_ char *service = xasprintf("%d", port);
	int fd = -ENOENT, r = getaddrinfo(host, service, &hints, &list);

	if (r != 0)
		return err_set(err, -ENOENT, "host name %s has no address: %s", host, gai_strerror(r));
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = connect_to(a->ai_addr, a->ai_addrlen, timeout_ms);
	freeaddrinfo(list);
	if (fd < 0)
		return err_set(err, fd, "cannot connect to %s, TCP port %d: %s", host, port, strerror(-fd));
	*ret = conn_new(fd, timeout_ms);
	return 0;
}

void vl_conn_close(struct vl_conn *conn)
{
	if (!conn)
		return;
	close(conn->fd);
	buf_done(&conn->in);
	free(conn);
}

int vl_conn_fd(const struct vl_conn *conn)
{
	return conn->fd;
}

static int send_text(struct vl_conn *conn, const char *text, size_t len, uint64_t deadline, struct err *err)
{
	while (len > 0) {
		ssize_t n = send(conn->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		r = errno == EAGAIN ? wait_for(conn->fd, POLLOUT, deadline) : -errno;
		if (r < 0)
			return err_set(err, r, "cannot send the request: %s", strerror(-r));
	}
	return 0;
}

static int send_request(struct vl_conn *conn, const char *method, json_t *params, bool more, uint64_t deadline,
			struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = vl_wire_request(method, params, more, &len);

	if (len > VL_MESSAGE_MAX)
		return err_set(err, -EMSGSIZE, "request of %zu bytes is longer than %u", len, VL_MESSAGE_MAX);
	return send_text(conn, text, len, deadline, err);
}

int vl_conn_send(struct vl_conn *conn, const char *method, json_t *params, bool more, struct err *err)
{
	return send_request(conn, method, params, more, deadline_in(conn->timeout_ms), err);
}

/* The next message of the buffer, NULL and 0 when it is not complete yet. */
static int take_message(struct vl_conn *conn, json_t **ret, struct err *err)
{
	char *end = conn->in.len ? memchr(conn->in.s + conn->scanned, 0, conn->in.len - conn->scanned) : NULL;
	size_t used;

	*ret = NULL;
	if (!end) {
		conn->scanned = conn->in.len;
		if (conn->in.len > VL_MESSAGE_MAX)
			return err_set(err, -EMSGSIZE, "reply is longer than %u bytes", VL_MESSAGE_MAX);
		return 0;
	}
	used = (size_t)(end - conn->in.s) + 1;
	*ret = vl_wire_parse(conn->in.s, used - 1);
	conn->in.len -= used;
	memmove(conn->in.s, conn->in.s + used, conn->in.len);
	conn->scanned = 0;
	if (!*ret)
		return err_set(err, -EBADMSG, "reply is not a JSON object");
	return 0;
}

static int next_message(struct vl_conn *conn, uint64_t deadline, json_t **ret, struct err *err)
{
	char chunk[16384];

	for (;;) {
		ssize_t n;
		int r = take_message(conn, ret, err);

		if (r < 0 || *ret)
			return r;
		n = recv(conn->fd, chunk, sizeof chunk, MSG_DONTWAIT);
		if (n > 0) {
			buf_add(&conn->in, chunk, (size_t)n);
			continue;
		}
		if (n == 0)
			return err_set(err, -ECONNRESET, "the server closed the connection");
		if (errno == EINTR)
			continue;
		r = errno == EAGAIN ? wait_for(conn->fd, POLLIN, deadline) : -errno;
		if (r < 0)
			return err_set(err, r, "no reply: %s", strerror(-r));
	}
}

static int recv_reply(struct vl_conn *conn, uint64_t deadline, json_t **ret_params, char **ret_error,
		      bool *ret_continues, struct err *err)
{
	json_t *message, *params;
	const char *error;
	int r;

	r = next_message(conn, deadline, &message, err);
	if (r < 0)
		return r;
	params = ju_obj(message, "parameters");
	error = ju_str(message, "error", NULL);
	if (error) {
		r = err_set(err, -EREMOTEIO, "%s", ju_str(params, "message", error));
		if (ret_error)
			*ret_error = xstrdup(error);
	} else if (ret_continues) {
		*ret_continues = ju_bool(message, "continues", false);
	}
	if (ret_params)
		*ret_params = params ? json_incref(params) : json_object();
	json_decref(message);
	return r;
}

int vl_conn_recv(struct vl_conn *conn, int timeout_ms, json_t **ret_params, char **ret_error, bool *ret_continues,
		 struct err *err)
{
	return recv_reply(conn, deadline_in(timeout_ms), ret_params, ret_error, ret_continues, err);
}

/* conn is taken, as are params; r: of opening it. */
static int call_on(int r, struct vl_conn *conn, const char *method, json_t *params, uint64_t deadline, json_t **ret_params,
		   char **ret_error, struct err *err)
{
	if (r < 0) {
		json_decref(params);
		return r;
	}
	r = send_request(conn, method, params, false, deadline, err);
	if (r == 0)
		r = recv_reply(conn, deadline, ret_params, ret_error, NULL, err);
	vl_conn_close(conn);
	return r;
}

int vl_call_sync(const char *path, const char *method, json_t *params, int timeout_ms, json_t **ret_params,
		 char **ret_error, struct err *err)
{
	uint64_t deadline = deadline_in(timeout_ms);
	struct vl_conn *conn = NULL;
	int r = vl_conn_open(path, timeout_ms, &conn, err);

	return call_on(r, conn, method, params, deadline, ret_params, ret_error, err);
}

int vl_call_tcp(const char *host, int port, const char *method, json_t *params, int timeout_ms, json_t **ret_params, char **ret_error,
		struct err *err)
{
	uint64_t deadline = deadline_in(timeout_ms);
	struct vl_conn *conn = NULL;
	int r = conn_open_tcp(host, port, timeout_ms, &conn, err);

	return call_on(r, conn, method, params, deadline, ret_params, ret_error, err);
}
