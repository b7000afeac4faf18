/* The Varlink server and the asynchronous client, on libuv.
 *
 * Both ends are a struct link: a socket, an input buffer cut at NUL bytes, an output buffer.  uv_poll_t rather than
 * uv_pipe_t, because we want accept4() and send(MSG_NOSIGNAL) ourselves and a bound on what is queued.
 *
 * Invariants
 *  1. No callback of the user runs inside a function that the user called.  A failed or overlong write, and the request
 *     that waits behind a final reply, are handled from the loop ("soon"), so a caller may reply while it walks its lists.
 *  2. A connection has at most one open call.  The next request is looked at after the final reply, so replies are in
 *     the order of the requests without any numbering.
 *  3. Memory of a link is released in the close callback of its handles, which never runs below one of our frames: after
 *     any callback it is enough to look at link->closed.
 *
 * Life of a request: link_on_poll reads -> server_process cuts a message -> dispatch checks name and role -> fn of the
 * method -> vl_reply (now or later) -> link_send -> soon -> server_process for the next one. */
#include "base/varlink.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/varlink_wire.h"

/* With a call open, requests behind it are read up to here; the rest stays in the socket of the client. */
#define PIPELINE_MAX (64u << 10)
#define LISTEN_BACKLOG 256

#define SERVICE "org.varlink.service"
static const char service_description[] =
	"# The Varlink service interface, offered by every service\n"
	"interface org.varlink.service\n\n"
	"method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)\n\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
	"error InterfaceNotFound (interface: string)\n\n"
	"error MethodNotFound (method: string)\n\n"
	"error MethodNotImplemented (method: string)\n\n"
	"error InvalidParameter (parameter: string)\n\n"
	"error PermissionDenied ()\n\n"
	"error ExpectedMore ()\n";

/* ---- a link: the part that server connections and the client share ---- */

struct link;
struct link_ops {
	void (*process)(struct link *link);     /* there may be a message; take it with link_take() */
	void (*gone)(struct link *link);        /* the other side is gone or misbehaved; the socket is closed */
	void (*release)(struct link *link);     /* last: free the memory */
};

struct link {
	const struct link_ops *ops;
	uv_poll_t  poll;
	uv_idle_t  soon;
	int        fd;
	int        handles;             /* open libuv handles */
	int        events;              /* what poll waits for now */
	struct buf in, out;
	size_t     in_start, in_scanned;/* consumed up to; no NUL between in_start and in_scanned */
	size_t     out_start;
	bool       paused;              /* input is not read */
	bool       doomed;              /* close it from the loop */
	bool       closed;              /* no socket any more */
	bool       freeing;             /* handles are being closed, release() follows */
};

static void link_on_handle_closed(uv_handle_t *handle)
{
	struct link *link = handle->data;

	if (--link->handles > 0)
		return;
	buf_done(&link->in);
	buf_done(&link->out);
	link->ops->release(link);
}

static void link_close(struct link *link)
{
	if (link->closed)
		return;
	link->closed = true;
	(void)uv_poll_stop(&link->poll);        /* cannot fail; takes the descriptor out of the poll set */
	close(link->fd);
	link->fd = -1;
}

static void link_free(struct link *link)
{
	if (link->freeing)
		return;
	link->freeing = true;
	link_close(link);
	uv_close((uv_handle_t *)&link->poll, link_on_handle_closed);
	uv_close((uv_handle_t *)&link->soon, link_on_handle_closed);
}

static void link_lost(struct link *link)
{
	if (link->closed)
		return;
	link_close(link);
	link->ops->gone(link);
}

static void link_on_soon(uv_idle_t *handle)
{
	struct link *link = handle->data;

	uv_idle_stop(handle);
	if (link->doomed && !link->closed)
		link_lost(link);
	else
		link->ops->process(link);
}

static void link_soon(struct link *link)
{
	int r = uv_idle_start(&link->soon, link_on_soon);

	assert(r == 0);
}

static void link_doom(struct link *link)
{
	link->doomed = true;
	link_soon(link);
}

static void link_on_poll(uv_poll_t *handle, int status, int events);

static void link_update_events(struct link *link)
{
	int events = UV_DISCONNECT | (link->paused ? 0 : UV_READABLE) | (link->out.len ? UV_WRITABLE : 0);
	int r;

	if (link->closed || events == link->events)
		return;
	link->events = events;
	r = uv_poll_start(&link->poll, events, link_on_poll);
	assert(r == 0);
}

static int link_flush(struct link *link)
{
	while (link->out_start < link->out.len) {
		ssize_t n = send(link->fd, link->out.s + link->out_start, link->out.len - link->out_start,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			link->out_start += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			return -errno;
	}
	if (link->out_start == link->out.len) {
		if (link->out.cap > PIPELINE_MAX)
			buf_done(&link->out);   /* one big reply should not cost memory for ever */
		link->out.len = link->out_start = 0;
	}
	link_update_events(link);
	return 0;
}

/* Queues a message and sends what goes out at once.  Takes object. */
static void link_send(struct link *link, json_t *object)
{
	size_t len;
	_cleanup_free_ char *text = vl_wire_dump(object, &len);

	if (link->closed || link->doomed)
		return;
	if (link->out.len - link->out_start + len > VL_MESSAGE_MAX) {
		link_doom(link);
		return;
	}
	if (link->out_start) {
		link->out.len -= link->out_start;
		memmove(link->out.s, link->out.s + link->out_start, link->out.len);
		link->out_start = 0;
	}
	buf_add(&link->out, text, len);
	if (link_flush(link) < 0)
		link_doom(link);
}

/* > 0: *ret is the next message; 0: none is complete; negative: the other side broke the rules. */
static int link_take(struct link *link, json_t **ret)
{
	char *start = link->in.s + link->in_start, *end = NULL;

	if (link->in_scanned < link->in.len)
		end = memchr(link->in.s + link->in_scanned, 0, link->in.len - link->in_scanned);
	if (!end) {
		link->in_scanned = link->in.len;
		return link->in.len - link->in_start > VL_MESSAGE_MAX ? -EMSGSIZE : 0;
	}
	*ret = vl_wire_parse(start, (size_t)(end - start));
	link->in_start = link->in_scanned = (size_t)(end - link->in.s) + 1;
	if (link->in_start == link->in.len) {
		if (link->in.cap > PIPELINE_MAX)
			buf_done(&link->in);
		link->in.len = link->in_start = link->in_scanned = 0;
	}
	return *ret ? 1 : -EBADMSG;
}

static void link_compact(struct link *link)
{
	if (link->in_start == 0)
		return;
	link->in.len -= link->in_start;
	memmove(link->in.s, link->in.s + link->in_start, link->in.len);
	link->in_scanned -= link->in_start;
	link->in_start = 0;
}

static void link_read(struct link *link)
{
	char chunk[32768];
	ssize_t n;

	n = recv(link->fd, chunk, sizeof chunk, MSG_DONTWAIT);
	if (n > 0) {
		link_compact(link);
		buf_add(&link->in, chunk, (size_t)n);
		link->ops->process(link);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		link_lost(link);
	}
}

static void link_on_poll(uv_poll_t *handle, int status, int events)
{
	struct link *link = handle->data;

	if (link->doomed)
		return;                 /* soon */
	if (status < 0) {
		link_lost(link);
		return;
	}
	if (events & UV_WRITABLE && link_flush(link) < 0) {
		link_lost(link);
		return;
	}
	if (events & UV_READABLE)
		link_read(link);        /* reads the end of the stream too, after what was sent before it */
	else if (events & UV_DISCONNECT)
		link_lost(link);
}

/* Takes fd, which must not block. */
static void link_init(struct link *link, uv_loop_t *loop, int fd, const struct link_ops *ops)
{
	int r;

	link->ops = ops;
	link->fd = fd;
	link->handles = 2;
	r = uv_poll_init(loop, &link->poll, fd);
	assert(r == 0);
	r = uv_idle_init(loop, &link->soon);
	assert(r == 0);
	link->poll.data = link->soon.data = link;
	link_update_events(link);
}

/* ---- server ---- */

struct conn;

struct vl_call {
	struct conn   *conn;            /* NULL: the client went away and nobody had asked to be told */
	struct vl_peer peer;
	json_t        *request;         /* holds params */
	bool           more, oneway;
	void         (*on_close)(struct vl_call *call, void *ctx);
	void          *on_close_ctx;
};

struct conn {
	struct link       link;         /* first: a link is its conn */
	struct vl_server *server;
	struct conn      *prev, *next;
	struct vl_peer    peer;
	struct vl_call   *call;         /* open, or NULL */
};

struct vl_server {
	struct vl_server_config config;
	uv_loop_t   *loop;
	uv_poll_t    listener;
	int          fd;
	char        *path;
	dev_t        dev;               /* of our socket file, so that only our own is removed */
	ino_t        ino;
	struct conn *conns;
	size_t       conn_count;
	gid_t        role_gid[VL_ROLE_COUNT];   /* (gid_t)-1: no such group when we started */
	void       (*drained)(void *ctx);       /* NULL: nobody waits for the last client */
	void        *drained_ctx;
};

static void call_free(struct vl_call *call)
{
	json_decref(call->request);
	free(call);
}

const struct vl_peer *vl_call_peer(const struct vl_call *call)
{
	return &call->peer;
}

bool vl_call_more(const struct vl_call *call)
{
	return call->more;
}

void vl_call_on_close(struct vl_call *call, void (*fn)(struct vl_call *call, void *ctx), void *ctx)
{
	call->on_close = fn;
	call->on_close_ctx = ctx;
}

static void call_send(struct vl_call *call, const char *error, json_t *params, bool continues)
{
	json_t *message;

	if (call->oneway || !call->conn) {
		json_decref(params);
		return;
	}
	message = json_object();
	if (error)
		ju_set_str(message, "error", error);
	ju_set_new(message, "parameters", params ? params : json_object());
	if (continues)
		ju_set_bool(message, "continues", true);
	link_send(&call->conn->link, message);
}

static void call_finish(struct vl_call *call, const char *error, json_t *params)
{
	struct conn *conn = call->conn;

	call_send(call, error, params, false);
	if (conn) {
		conn->call = NULL;
		if (!conn->link.closed)
			link_soon(&conn->link);         /* invariant 1: the next request is not handled below us */
	}
	call_free(call);
}

void vl_reply(struct vl_call *call, json_t *params)
{
	call_finish(call, NULL, params);
}

void vl_reply_continues(struct vl_call *call, json_t *params)
{
	assert(call->more);
	call_send(call, NULL, params, true);
}

void vl_error(struct vl_call *call, const char *error, json_t *params)
{
	call_finish(call, error, params);
}

void vl_error_text(struct vl_call *call, const char *error, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	json_t *message;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);    /* a longer sentence is cut */
	va_end(ap);
	message = json_string(text);
	if (!message)                                   /* cut inside a character, or not UTF-8 */
		message = json_string("(the message is not UTF-8 text)");
	vl_error(call, error, json_pack("{s:o}", "message", message));
}

static void call_get_info(struct vl_call *call, struct vl_server *server)
{
	vl_reply(call, ju_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "Parhelion", "product",
			       server->config.product, "version", PARHELION_VERSION, "url",
			       "https://parhelion.example.org/", "interfaces", SERVICE, server->config.interface));
}

static void call_get_description(struct vl_call *call, struct vl_server *server, json_t *params)
{
	const char *name = ju_str(params, "interface", NULL);

	if (!name)
		vl_error(call, SERVICE ".InvalidParameter", ju_pack("{s:s}", "parameter", "interface"));
	else if (streq(name, SERVICE))
		vl_reply(call, ju_pack("{s:s}", "description", service_description));
	else if (streq(name, server->config.interface))
		vl_reply(call, ju_pack("{s:s}", "description", server->config.description));
	else
		vl_error(call, SERVICE ".InterfaceNotFound", ju_pack("{s:s}", "interface", name));
}

static void call_unknown(struct vl_call *call, struct vl_server *server, const char *method)
{
	const char *dot = strrchr(method, '.');
	size_t len = dot ? (size_t)(dot - method) : 0;
	const char *known = server->config.interface;

	if ((len == strlen(known) && memcmp(method, known, len) == 0) ||
	    (len == strlen(SERVICE) && memcmp(method, SERVICE, len) == 0))
		vl_error(call, SERVICE ".MethodNotFound", ju_pack("{s:s}", "method", method));
	else
		vl_error(call, SERVICE ".InterfaceNotFound", ju_pack("{s:s%}", "interface", method, len));
}

static void call_dispatch(struct vl_call *call, struct vl_server *server)
{
	static json_t *no_params;       /* never changes: handlers borrow it */
	const char *method = ju_str(call->request, "method", NULL);
	json_t *params = json_object_get(call->request, "parameters");

	assert(method);
	if (json_is_null(params) || !params) {
		if (!no_params)
			no_params = json_object();
		params = no_params;
	}
	if (!json_is_object(params) || ju_bool(call->request, "upgrade", false)) {
		vl_error(call, SERVICE ".InvalidParameter",
			 ju_pack("{s:s}", "parameter", json_is_object(params) ? "upgrade" : "parameters"));
		return;
	}
	if (streq(method, SERVICE ".GetInfo")) {
		call_get_info(call, server);
		return;
	}
	if (streq(method, SERVICE ".GetInterfaceDescription")) {
		call_get_description(call, server, params);
		return;
	}
	for (size_t i = 0; i < server->config.method_count; i++) {
		const struct vl_method *m = &server->config.methods[i];

		if (!streq(m->name, method))
			continue;
		if (call->peer.role < m->role)
			vl_error_text(call, SERVICE ".PermissionDenied", "permission denied");
		else
			m->fn(call, params, server->config.ctx);
		return;
	}
	call_unknown(call, server, method);
}

static void conn_process(struct link *link)
{
	struct conn *conn = (struct conn *)link;
	struct vl_call *call;
	json_t *request;
	int r;

	while (!link->closed && !link->doomed && !conn->call) {
		r = link_take(link, &request);
		if (r == 0)
			break;
		if (r > 0 && !ju_str(request, "method", NULL)) {
			json_decref(request);
			r = -EBADMSG;
		}
		if (r < 0) {
			link_lost(link);
			return;
		}
		call = xcalloc(1, sizeof *call);
		call->conn = conn;
		call->peer = conn->peer;
		call->request = request;
		call->more = ju_bool(request, "more", false);
		call->oneway = ju_bool(request, "oneway", false);
		conn->call = call;
		call_dispatch(call, conn->server);
	}
	if (link->closed || link->doomed)
		return;
	link->paused = conn->call && link->in.len - link->in_start > PIPELINE_MAX;
	link_update_events(link);
}

static void check_drained(struct vl_server *server)
{
	void (*fn)(void *ctx) = server->drained;

	if (!fn || server->conn_count)
		return;
	server->drained = NULL;
	fn(server->drained_ctx);
}

void vl_server_drain(struct vl_server *server, void (*fn)(void *ctx), void *ctx)
{
	(void)uv_poll_stop(&server->listener);  /* cannot fail */
	server->drained = fn;
	server->drained_ctx = ctx;
	check_drained(server);
}

static void conn_gone(struct link *link)
{
	struct conn *conn = (struct conn *)link;
	struct vl_call *call = TAKE_PTR(conn->call);
	struct vl_server *server = conn->server;

	if (conn->prev)
		conn->prev->next = conn->next;
	else
		server->conns = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	server->conn_count--;
	conn->server = NULL;
	link_free(link);
	if (call)
		call->conn = NULL;
	if (call && call->on_close) {           /* else its owner will reply some day, to nobody; call_finish frees it */
		call->on_close(call, call->on_close_ctx);
		call_free(call);
	}
	check_drained(server);
}

static void conn_release(struct link *link)
{
	free(link);
}

static const struct link_ops conn_ops = { conn_process, conn_gone, conn_release };

/* Group membership as the kernel has it for the peer: no name service is asked inside the loop. */
static enum vl_role peer_role(const struct vl_server *server, int fd, const struct ucred *cred)
{
	gid_t gids[1024];
	socklen_t len = sizeof gids;
	enum vl_role role = VL_READ;

	if (cred->uid == 0)
		return VL_ADMIN;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids, &len) < 0)
		len = 0;                /* more than 1024 groups: only the primary one counts */
	for (enum vl_role r = VL_OPERATE; r < VL_ROLE_COUNT; r++) {
		gid_t want = server->role_gid[r];

		if (want == (gid_t)-1)
			continue;
		if (cred->gid == want)
			role = r;
		for (size_t i = 0; i < len / sizeof *gids; i++)
			if (gids[i] == want)
				role = r;
	}
	return role;
}

static void server_accept(uv_poll_t *handle, int status, int events)
{
	struct vl_server *server = handle->data;
	_cleanup_close_ int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred;
	socklen_t len = sizeof cred;
	struct conn *conn;

	if (fd < 0)
		return;                 /* gone again, or no descriptor left: the listener stays readable */
	if (server->conn_count >= VL_CLIENTS_MAX)
		return;                 /* closing it is the refusal */
	if (!server->path)
		cred = (struct ucred) { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	conn = xcalloc(1, sizeof *conn);
	conn->server = server;
	conn->peer = (struct vl_peer) { cred.uid, cred.gid, cred.pid, server->path ? peer_role(server, fd, &cred) : VL_READ };
	conn->next = server->conns;
	if (conn->next)
		conn->next->prev = conn;
	server->conns = conn;
	server->conn_count++;
	link_init(&conn->link, server->loop, TAKE_FD(fd), &conn_ops);
}

static gid_t group_id(const char *name)
{
	struct group *group = getgrnam(name);

	return group ? group->gr_gid : (gid_t)-1;
}

static int server_listen(struct vl_server *server, struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(server->path);
	const char *path = server->path, *dir = dirname(copy);
	struct sockaddr_un address;
	struct stat st;
	mode_t mask;
	int r;

	r = vl_wire_address(path, &address, err);
	if (r < 0)
		return r;
	r = path_mkdirs(dir, 0755);
	if (r < 0)
		return err_set(err, r, "cannot make directory %s: %s", dir, strerror(-r));
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);     /* bind says why when it is still there */
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	mask = umask(0777);             /* nobody gets in between bind and chmod */
	r = bind(server->fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return err_set(err, r, "cannot bind %s: %s", path, strerror(-r));
	if (stat(path, &st) < 0 || chmod(path, server->config.mode) < 0 || listen(server->fd, LISTEN_BACKLOG) < 0) {
		r = -errno;
		(void)unlink(path);     /* best effort: the error being reported matters more */
		return err_set(err, r, "cannot listen on %s: %s", path, strerror(-r));
	}
	server->dev = st.st_dev;
	server->ino = st.st_ino;
	return 0;
}

/* The socket is there already, and listens. */
static int server_take(struct vl_server *server, struct err *err)
{
	struct stat st;

	server->fd = server->config.listen_fd;
	if (!server->path)
		return 0;
	if (fcntl(server->fd, F_SETFD, FD_CLOEXEC) < 0 || stat(server->path, &st) < 0)
		return err_set(err, -errno, "cannot go on to listen on %s: %s", server->path, strerror(errno));
	server->dev = st.st_dev;
	server->ino = st.st_ino;
	return 0;
}

static void server_release(struct vl_server *server)
{
	if (server->fd >= 0)
		close(server->fd);
	free(server->path);
	free(server);
}

static void server_on_closed(uv_handle_t *handle)
{
	server_release(handle->data);
}

int vl_server_new(uv_loop_t *loop, const struct vl_server_config *config, struct vl_server **ret, struct err *err)
{
	struct vl_server *server = xcalloc(1, sizeof *server);
	int r;

	server->loop = loop;
	server->config = *config;
	server->config.path = server->path = config->path ? xstrdup(config->path) : NULL;
	server->fd = -1;
	server->role_gid[VL_READ] = (gid_t)-1;
	server->role_gid[VL_OPERATE] = group_id("cluster-operate");
	server->role_gid[VL_ADMIN] = group_id("cluster-admin");
	r = server->config.listen_fd > 0 ? server_take(server, err) : server_listen(server, err);
	if (r < 0) {
		server_release(server);
		return r;
	}
	server->listener.data = server;
	r = uv_poll_init(loop, &server->listener, server->fd);
	assert(r == 0);
	r = uv_poll_start(&server->listener, UV_READABLE, server_accept);
	assert(r == 0);
	*ret = server;
	return 0;
}

int vl_server_leave(struct vl_server *server)
{
	int fd = fcntl(server->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	(void)uv_poll_stop(&server->listener);
	server->ino = 0;                        /* no file has that number: it is not ours to remove any more */
	return fd;
}

size_t vl_server_idle(const struct vl_server *server)
{
	size_t n = 0;

	for (const struct conn *conn = server->conns; conn; conn = conn->next)
		n += !conn->call;
	return n;
}

void vl_server_free(struct vl_server *server)
{
	struct stat st;

	if (!server)
		return;
	server->drained = NULL;
	while (server->conns)
		link_lost(&server->conns->link);
	if (server->path && stat(server->path, &st) == 0 && st.st_dev == server->dev && st.st_ino == server->ino)
		(void)unlink(server->path);     /* a stale file does no harm */
	uv_close((uv_handle_t *)&server->listener, server_on_closed);
}

/* ---- asynchronous client ---- */

struct pending {
	struct pending *next;           /* first, so that tail is the last one too */
	vl_reply_fn     fn;
	void           *ctx;
};

struct vl_client {
	struct link      link;          /* first: a link is its client */
	struct pending  *head, **tail;  /* open calls, oldest first */
	void           (*on_disconnect)(void *ctx);
	void            *on_disconnect_ctx;
};

static void client_deliver(struct vl_client *client, const char *error, json_t *params, bool continues)
{
	struct pending *p = client->head;
	json_t *none = params ? NULL : json_object();

	if (!continues) {
		client->head = p->next;
		if (!client->head)
			client->tail = &client->head;
	}
	if (p->fn)
		p->fn(p->ctx, error, params ? params : none, continues);
	if (!continues)
		free(p);
	json_decref(none);
}

static void client_fail_open(struct vl_client *client)
{
	for (struct pending *last = (struct pending *)client->tail; client->head && !client->link.freeing;) {
		bool end = client->head == last;        /* what a callback adds has its turn from the loop */

		client_deliver(client, "org.parhelion.Disconnected", NULL, false);
		if (end)
			break;
	}
}

static void client_process(struct link *link)
{
	struct vl_client *client = (struct vl_client *)link;
	json_t *message;
	int r = 0;

	if (link->closed) {
		client_fail_open(client);       /* calls made after the disconnect */
		return;
	}
	while (!link->closed && !link->doomed && (r = link_take(link, &message)) > 0) {
		if (!client->head) {
			json_decref(message);
			r = -EBADMSG;           /* a reply that nobody asked for */
			break;
		}
		const char *error = ju_str(message, "error", NULL);

		client_deliver(client, error, ju_obj(message, "parameters"),
			       !error && ju_bool(message, "continues", false));
		json_decref(message);
	}
	if (r < 0)
		link_lost(link);
}

static void client_gone(struct link *link)
{
	struct vl_client *client = (struct vl_client *)link;

	client_fail_open(client);
	if (!link->freeing && client->on_disconnect)
		client->on_disconnect(client->on_disconnect_ctx);
}

static void client_release(struct link *link)
{
	struct vl_client *client = (struct vl_client *)link;

	for (struct pending *p = client->head, *next; p; p = next) {
		next = p->next;
		free(p);
	}
	free(client);
}

static const struct link_ops client_ops = { client_process, client_gone, client_release };

int vl_client_new(uv_loop_t *loop, const char *path, struct vl_client **ret, struct err *err)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;
	struct vl_client *client;
	int r;

	r = vl_wire_address(path, &address, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	/* EAGAIN: the server is alive but its backlog is full; the caller's retry policy decides. */
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return err_set(err, -errno, "cannot connect to %s: %s", path, strerror(errno));
	client = xcalloc(1, sizeof *client);
	client->tail = &client->head;
	link_init(&client->link, loop, TAKE_FD(fd), &client_ops);
	*ret = client;
	return 0;
}

void vl_client_call(struct vl_client *client, const char *method, json_t *params, bool more, vl_reply_fn fn, void *ctx)
{
	struct pending *p = xcalloc(1, sizeof *p);
	json_t *request = json_object();

	ju_set_str(request, "method", method);
	ju_set_new(request, "parameters", params ? params : json_object());
	if (more)
		ju_set_bool(request, "more", true);
	p->fn = fn;
	p->ctx = ctx;
	*client->tail = p;
	client->tail = &p->next;
	if (client->link.closed)
		link_soon(&client->link);       /* its error comes from the loop, as a lost reply would */
	link_send(&client->link, request);
}

void vl_client_on_disconnect(struct vl_client *client, void (*fn)(void *ctx), void *ctx)
{
	client->on_disconnect = fn;
	client->on_disconnect_ctx = ctx;
}

void vl_client_free(struct vl_client *client)
{
	if (client)
		link_free(&client->link);
}
