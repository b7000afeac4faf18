#include "lib/ask.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/varlink.h"

static void conn_closep(struct vl_conn **conn) { vl_conn_close(*conn); }

char *ask_path(const char *absolute)
{
	const char *root = getenv("PARHELION_ROOT");

	return xasprintf("%s%s", root ? root : "", absolute);
}

json_t *ask_string(const char *text)
{
	json_t *string = json_string(text);

	if (!string) {
		_cleanup_free_ char *copy = xstrdup(text);

		for (char *p = copy; *p; p++)
			if (*p & 0x80)
				*p = '?';
		string = json_string(copy);
	}
	assert(string);
	return string;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One message up to its NUL.  vl_conn_recv() would keep an error's parameters, and with them the code, to itself. */
static int read_message(int fd, int64_t deadline, struct buf *ret, struct err *err)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char chunk[16384];
		ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
		int64_t left;

		if (n > 0) {
			buf_add(ret, chunk, (size_t)n);
			if (chunk[n - 1] == '\0')       /* the server sends one message to one question */
				return 0;
			if (ret->len > VL_MESSAGE_MAX)
				return err_set(err, -EMSGSIZE, "reply is longer than %u bytes", VL_MESSAGE_MAX);
			continue;
		}
		if (n == 0)
			return err_set(err, -ECONNRESET, "the server closed the connection");
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_set(err, -errno, "no reply: %s", strerror(errno));
		left = deadline - now_ms();
		if (left <= 0)
			return err_set(err, -ETIMEDOUT, "no reply in time");
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return err_set(err, -errno, "no reply: %s", strerror(errno));
	}
}

static scha_err_t code_of_errno(int r)
{
	switch (r) {
	case -ETIMEDOUT:
		return SCHA_ERR_TIMEOUT;
	case -EACCES:
	case -EPERM:
		return SCHA_ERR_ACCESS;
	default:
		return SCHA_ERR_INTERNAL;
	}
}

static scha_err_t code_of_error(const char *error, const json_t *params, struct err *err)
{
	int64_t code = ju_int(params, "code", -1);

	(void)err_set(err, -EREMOTEIO, "%s", ju_str(params, "message", error));
	if (code > 0 && code <= INT16_MAX)
		return (scha_err_t)code;
	return streq(error, "org.varlink.service.PermissionDenied") ? SCHA_ERR_ACCESS : SCHA_ERR_INTERNAL;
}

scha_err_t ask(const char *path, const char *method, json_t *params, int timeout_ms, json_t **ret_reply, struct err *err)
{
	_cleanup_(conn_closep) struct vl_conn *conn = NULL;
	_cleanup_(buf_done) struct buf text = { 0 };
	_cleanup_free_ char *socket_path = ask_path(path);
	int64_t deadline = now_ms() + timeout_ms;
	_cleanup_json_ json_t *message = NULL;
	const char *error;
	json_t *reply;
	int r;

	r = vl_conn_open(socket_path, timeout_ms, &conn, err);
	if (r < 0) {
		json_decref(params);
		return code_of_errno(r);
	}
	r = vl_conn_send(conn, method, params, false, err);
	if (r < 0)
		return code_of_errno(r);
	r = read_message(vl_conn_fd(conn), deadline, &text, err);
	if (r < 0)
		return code_of_errno(r);
	message = json_loadb(text.s, text.len - 1, 0, NULL);
	if (!json_is_object(message)) {
		(void)err_set(err, -EBADMSG, "reply is not a JSON object");
		return SCHA_ERR_INTERNAL;
	}
	reply = ju_obj(message, "parameters");
	error = ju_str(message, "error", NULL);
	if (error)
		return code_of_error(error, reply, err);
	if (ret_reply)
		*ret_reply = reply ? json_incref(reply) : json_object();
	return SCHA_ERR_NOERR;
}

scha_err_t ask_cluster(const char *method, json_t *params, int timeout_ms, json_t **ret_reply, struct err *err)
{
	return ask(PATH_CLUSTERD_SOCK, method, params, timeout_ms, ret_reply, err);
}
