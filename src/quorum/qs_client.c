/* The kind "quorum_server".  Properties: "host"; "port" (9000); "timeout", seconds for one attempt (10); "secret_file", with a
 * line for our cluster; without it nothing is encrypted, and the server must allow that.
 *
 * The connection stays open between operations.  A request that was sent and not answered may still be on its way to the
 * server.  So a change is not over before the server has taken our next hello: that makes it drop what came before.  Until
 * then we try again, with the same request, for doing it twice does no harm; in the end it has an answer or the device is
 * not wanted any more.  A request that was never sent, and one that changes nothing, fails at once. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/log.h"
#include "quorum/qs_message.h"
#include "quorum/qs_tls.h"

#define TIMEOUT_DEFAULT_S 10
#define PAUSE_MAX_MS      1000

struct qs_client {
	struct quorum_cluster  cluster;
	bool                 (*retired)(void *ctx);
	void                  *ctx;
	char                  *host, *port, *secret_file;       /* secret_file NULL: plain */
	double                 timeout_ms;
	double                 deadline_ms;             /* of the attempt under way */
	int                    fd;                      /* -1: not connected */
	struct qs_secrets      secrets;
	struct qs_credentials *credentials;
	gnutls_session_t       tls;
	struct buf             input;
};

static const char *const property_names[] = { "host", "port", "timeout", "secret_file", NULL };

/* ---- the connection ---- */

static void disconnect(struct qs_client *c)
{
	if (c->tls)
		gnutls_deinit(c->tls);
	c->tls = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_done(&c->input);
	c->input = (struct buf) { 0 };
	qs_credentials_free(c->credentials);
	c->credentials = NULL;
	qs_secrets_done(&c->secrets);
}

static int wait_for(struct qs_client *c, short events, struct err *err)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	double left_ms = c->deadline_ms - quorum_now_ms();
	int r = left_ms > 0 ? poll(&p, 1, (int)left_ms + 1) : 0;

	if (r > 0 || (r < 0 && errno == EINTR))
		return 0;
	return err_set(err, -ETIMEDOUT, "no answer within %g s", c->timeout_ms / 1000);
}

static int connect_to(struct qs_client *c, const struct addrinfo *address, struct err *err)
{
	socklen_t len = sizeof(int);
	int one = 1, error = 0, r = 0;

	c->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);    /* it would only be slower */
	(void)setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);    /* a dead server would only be found later */
	if (connect(c->fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
		error = errno;
	else
		r = wait_for(c, POLLOUT, err);
	if (r == 0 && !error && getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (r == 0 && error)
		r = err_set(err, -error, "%s", strerror(error));
	if (r < 0) {
		close(c->fd);
		c->fd = -1;
	}
	return r;
}

static int connect_any(struct qs_client *c, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *list, *a;
	int r = getaddrinfo(c->host, c->port, &hints, &list);

	if (r)
		return err_set(err, -EHOSTUNREACH, "no address: %s", gai_strerror(r));
	r = err_set(err, -EHOSTUNREACH, "no address");
	for (a = list; a && r < 0; a = a->ai_next)
		r = connect_to(c, a, err);
	freeaddrinfo(list);
	return r;
}

/* r: what gnutls said.  0: try again. */
static int tls_wait(struct qs_client *c, ssize_t r, struct err *err)
{
	if (r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED)
		return wait_for(c, gnutls_record_get_direction(c->tls) ? POLLOUT : POLLIN, err);
	return err_set(err, -ECONNRESET, "TLS: %s", r == 0 ? "the server has closed it" : gnutls_strerror((int)r));
}

static int start_tls(struct qs_client *c, struct err *err)
{
	const struct qs_secret *secret;
	int r = qs_secrets_load(c->secret_file, &c->secrets, err);

	if (r < 0)
		return r;
	secret = qs_secrets_find(&c->secrets, c->cluster.name);
	if (!secret)
		return err_set(err, -ENOKEY, "%s holds no secret for cluster %s", c->secret_file, c->cluster.name);
	r = qs_credentials_client(secret, &c->credentials, err);
	if (r == 0)
		r = qs_session_new(c->credentials, GNUTLS_NONBLOCK, &c->tls, err);
	if (r < 0)
		return r;
	gnutls_transport_set_int(c->tls, c->fd);
	for (;;) {
		int t = gnutls_handshake(c->tls);

		if (t == 0)
			return 0;
		r = tls_wait(c, t, err);
		if (r < 0)
			return r == -ECONNRESET ? err_prefix(err, r, "the server does not accept the secret") : r;
	}
}

static int send_all(struct qs_client *c, const char *text, struct err *err)
{
	size_t left = strlen(text);
	int r = 0;

	while (left && r == 0) {
		ssize_t n = c->tls ? gnutls_record_send(c->tls, text, left) : send(c->fd, text, left, MSG_NOSIGNAL);

		if (n > 0) {
			text += n;
			left -= (size_t)n;
		} else if (c->tls) {
			r = tls_wait(c, n, err);
		} else if (errno == EAGAIN || errno == EINTR) {
			r = wait_for(c, POLLOUT, err);
		} else {
			r = err_set(err, -errno, "%s", strerror(errno));
		}
	}
	return r;
}

static int receive_some(struct qs_client *c, struct err *err)
{
	char part[4096];
	ssize_t n = c->tls ? gnutls_record_recv(c->tls, part, sizeof part) : recv(c->fd, part, sizeof part, 0);

	if (n > 0) {
		buf_add(&c->input, part, (size_t)n);
		return c->input.len > QS_LINE_MAX ? err_set(err, -EMSGSIZE, "the answer is too long") : 0;
	}
	if (c->tls)
		return tls_wait(c, n, err);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return wait_for(c, POLLIN, err);
	return err_set(err, n ? -errno : -ECONNRESET, "%s", n ? strerror(errno) : "the server has closed the connection");
}

static int receive_answer(struct qs_client *c, struct quorum_answer *ret, struct err *err)
{
	char *end;
	int r = 0;

	while (r == 0 && !(c->input.len && (end = memchr(c->input.s, '\n', c->input.len))))
		r = receive_some(c, err);
	if (r < 0)
		return r;
	r = qs_answer_parse(c->input.s, (size_t)(end - c->input.s), ret, err);
	c->input.len -= (size_t)(end + 1 - c->input.s);
	memmove(c->input.s, end + 1, c->input.len);
	return r;
}

static int say_hello(struct qs_client *c, struct err *err)
{
	_cleanup_free_ char *line = qs_hello_line(&c->cluster);
	struct quorum_answer answer;
	int r = send_all(c, line, err);

	if (r == 0)
		r = receive_answer(c, &answer, err);
	if (r == 0 && answer.result != QUORUM_OK)
		r = err_set(err, -EPROTO, "the server refuses us: %s", answer.err.text);
	return r;
}

static int connect_server(struct qs_client *c, struct err *err)
{
	int r = connect_any(c, err);

	if (r == 0 && c->secret_file)
		r = start_tls(c, err);
	else if (r == 0)
		log_warn("the connection to the quorum server %s has neither encryption nor a secret", c->host);
	return r < 0 ? r : say_hello(c, err);
}

/* ---- operations ---- */

/* Between operations the server says nothing: what is to be read then is its end.  Sending into that would make a change
 * open that cannot happen. */
static bool has_ended(const struct qs_client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

/* One attempt; *ret_sent: the server may have got the request. */
static int attempt(struct qs_client *c, const char *line, struct quorum_answer *ret, bool *ret_sent, struct err *err)
{
	int r = 0;

	c->deadline_ms = quorum_now_ms() + c->timeout_ms;
	if (c->fd >= 0 && has_ended(c))
		disconnect(c);
	if (c->fd < 0)
		r = connect_server(c, err);
	if (r == 0) {
		*ret_sent = true;
		r = send_all(c, line, err);
	}
	if (r == 0)
		r = receive_answer(c, ret, err);
	if (r < 0)
		disconnect(c);
	return r;
}

static void client_run(void *device, const struct quorum_request *request, struct quorum_answer *ret)
{
	struct qs_client *c = device;
	_cleanup_free_ char *line = qs_request_line(request);
	bool changes = request->op != QOP_CHECK && request->op != QOP_PREPARE, sent = false;
	bool old = c->fd >= 0;          /* the server may have closed it long ago: that says nothing about the server */
	struct err err = { 0 };

	for (unsigned pause_ms = 10;; pause_ms = MIN(pause_ms * 2, (unsigned)PAUSE_MAX_MS)) {
		if (attempt(c, line, ret, &sent, &err) == 0)
			break;
		*ret = (struct quorum_answer) { .result = QUORUM_ERROR, .err = err };
		(void)err_prefix(&ret->err, err.code, "quorum server %s port %s", c->host, c->port);
		if (!old && !(changes && sent))
			break;
		if (c->retired(c->ctx)) {
			_cleanup_free_ char *why = xstrdup(ret->err.text);

			(void)err_set(&ret->err, err.code, "%.900s; it is open whether this %s still takes effect", why,
				      quorum_op_names[request->op]);
			break;
		}
		if (!old)
			quorum_pause(pause_ms);
		old = false;
	}
}

static void client_close(void *device)
{
	struct qs_client *c = device;

	disconnect(c);
	free(c->host);
	free(c->port);
	free(c->secret_file);
	free(c);
}

static int client_open(const struct quorum_setup *setup, void **ret, struct err *err)
{
	const char *host = NULL, *secret_file = NULL;
	uint64_t port = QS_PORT, timeout_s = TIMEOUT_DEFAULT_S;
	struct qs_client *c;
	int r = quorum_properties_known(setup->properties, property_names, err);

	if (r == 0)
		r = quorum_property_text(setup->properties, "host", true, &host, err);
	if (r == 0)
		r = quorum_property_number(setup->properties, "port", 1, 65535, &port, err);
	if (r == 0)
		r = quorum_property_number(setup->properties, "timeout", 1, 3600, &timeout_s, err);
	if (r == 0)
		r = quorum_property_text(setup->properties, "secret_file", false, &secret_file, err);
	if (r < 0)
		return r;
	c = xcalloc(1, sizeof *c);
	c->cluster = *setup->cluster;
	c->retired = setup->retired;
	c->ctx = setup->ctx;
	c->host = xstrdup(host);
	c->port = xasprintf("%u", (unsigned)port);
	c->secret_file = secret_file ? xstrdup(secret_file) : NULL;
	c->timeout_ms = (double)timeout_s * 1000;
	c->fd = -1;
	*ret = c;
	return 0;
}

const struct quorum_device_ops quorum_server_ops = {
	.type = "quorum_server", .open = client_open, .close = client_close, .run = client_run,
};
