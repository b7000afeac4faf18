/* Life of a request: bytes -> TLS -> a line -> qs_request_parse() -> the queue of its cluster -> qs_apply() on a copy of the
 * state -> the copy is saved by a worker thread -> it becomes the state, and the answer goes out -> the next in the queue.
 *
 * What must stay true
 *   1. Of one cluster, one request at a time is carried out; what is answered is on the disk.
 *   2. A hello of a node closes the older connection of that node and drops what waited for it; then it takes its own place in
 *      the queue.  So when a node has its answer to hello, nothing that it asked before can still happen.
 *   3. A state that may or may not be on the disk ends the server: after a restart it is what the disk says.
 *   4. Nothing is allocated for a client beyond the limits in qs_server.h. */
#include "quorum/qs_server.h"

#include <errno.h>

#include "base/buf.h"
#include "base/log.h"
#include "quorum/qs_message.h"
#include "quorum/qs_store.h"

struct conn {
	struct qs_server *server;
	struct conn      *next;
	uv_tcp_t          tcp;
	uv_timer_t        timer;                /* until hello */
	unsigned          handles;              /* of these two, still open */
	bool              closing;
	char              peer[64];             /* for the log */
	gnutls_session_t  tls;                  /* NULL: plain */
	bool              shaken;               /* hands */
	struct buf        cipher;               /* TLS: came, not decrypted yet */
	struct buf        line;                 /* came, no newline yet */
	char              part[16384];          /* what libuv reads into */
	struct qs_hello   hello;                /* valid when cluster is set */
	struct cluster   *cluster;
	unsigned          waiting;
};

struct job {
	struct job       *next;
	struct conn      *conn;                 /* NULL: it has gone while this was carried out */
	struct qs_request request;
};

struct cluster {
	struct qs_server *server;
	struct cluster   *next;
	struct qs_state   state, wanted;        /* wanted: what is being saved */
	struct conn      *conns[CMM_NODE_ID_MAX + 1];
	struct job       *first, **last;
	struct job       *current;              /* being saved */
	uv_work_t         work;
	enum quorum_result result;
	int               saved;
	bool              unsure;
	struct err        err;
};

struct qs_server {
	uv_loop_t       *loop;
	uv_tcp_t         listener;
	const struct qs_credentials *credentials;
	int              dir_fd;
	struct conn     *conns;
	size_t           conn_count, cluster_count;
	struct cluster  *clusters;
};

static void cluster_next(struct cluster *cluster);

/* ---- connections: out, and the end ---- */

/* A cluster of which nothing is known needs no room. */
static void forget_if_empty(struct cluster *cluster)
{
	struct cluster **at = &cluster->server->clusters;

	if (cluster->state.nodes || cluster->current || cluster->first)
		return;
	for (uint32_t node = 1; node <= CMM_NODE_ID_MAX; node++)
		if (cluster->conns[node])
			return;
	while (*at != cluster)
		at = &(*at)->next;
	*at = cluster->next;
	cluster->server->cluster_count--;
	free(cluster);
}

static bool is_alive(const struct qs_server *s, const struct cluster *cluster)
{
	for (const struct cluster *c = s->clusters; c; c = c->next)
		if (c == cluster)
			return true;
	return false;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	struct conn **at = &c->server->conns;

	if (--c->handles)
		return;
	/* Another connection of the cluster may have been the last before us. */
	if (c->cluster && is_alive(c->server, c->cluster))
		forget_if_empty(c->cluster);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->server->conn_count--;
	if (c->tls)
		gnutls_deinit(c->tls);
	buf_done(&c->cipher);
	buf_done(&c->line);
	free(c);
}

/* What waits for this connection is dropped; what is being saved is not, but nobody hears of it. */
static void drop_jobs(struct cluster *cluster, const struct conn *c)
{
	if (cluster->current && cluster->current->conn == c)
		cluster->current->conn = NULL;
	for (struct job **at = &cluster->first; *at;) {
		struct job *job = *at;

		if (job->conn != c) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		free(job);
	}
	cluster->last = &cluster->first;
	while (*cluster->last)
		cluster->last = &(*cluster->last)->next;
}

static void conn_close(struct conn *c, int level, const char *why)
{
	if (c->closing)
		return;
	c->closing = true;
	log_tagged(NULL, level, "%s: closed: %s", c->peer, why);
	if (c->cluster) {
		drop_jobs(c->cluster, c);
		if (c->cluster->conns[c->hello.node] == c)
			c->cluster->conns[c->hello.node] = NULL;
	}
	uv_close((uv_handle_t *)&c->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

struct output { uv_write_t write; char bytes[]; };

static void on_written(uv_write_t *write, int status)
{
	struct conn *c = write->handle->data;

	free(write);
	if (status < 0 && status != UV_ECANCELED)
		conn_close(c, LOG_INFO, uv_strerror(status));
}

static int send_raw(struct conn *c, const void *data, size_t len)
{
	struct output *out = xcalloc(1, sizeof *out + len);
	uv_buf_t buf = uv_buf_init(out->bytes, (unsigned)len);

	memcpy(out->bytes, data, len);
	if (c->closing || uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) + len > QS_OUTPUT_MAX ||
	    uv_write(&out->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) < 0) {
		free(out);
		return -EPIPE;
	}
	return 0;
}

static ssize_t tls_push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
	struct conn *c = ptr;

	if (send_raw(c, data, len) == 0)
		return (ssize_t)len;
	gnutls_transport_set_errno(c->tls, EPIPE);
	return -1;
}

static ssize_t tls_pull(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
	struct conn *c = ptr;
	size_t n = MIN(len, c->cipher.len);

	if (n == 0) {
		gnutls_transport_set_errno(c->tls, EAGAIN);
		return -1;
	}
	memcpy(data, c->cipher.s, n);
	memmove(c->cipher.s, c->cipher.s + n, c->cipher.len - n);
	c->cipher.len -= n;
	return (ssize_t)n;
}

static void say(struct conn *c, const char *line)
{
	ssize_t r = c->tls ? gnutls_record_send(c->tls, line, strlen(line)) : send_raw(c, line, strlen(line));

	if (r < 0)
		conn_close(c, LOG_NOTICE, "it does not take what it asked for");
}

/* What is wrong with the input ends the connection, with a word why. */
static void refuse(struct conn *c, const struct err *err)
{
	_cleanup_free_ char *line = qs_answer_line(QUORUM_ERROR, NULL, err->text);

	say(c, line);
	conn_close(c, LOG_NOTICE, err->text);
}

/* ---- clusters ---- */

static struct cluster *cluster_find(struct qs_server *s, const char *name, uint32_t id)
{
	for (struct cluster *c = s->clusters; c; c = c->next)
		if (c->state.id == id && streq(c->state.cluster, name))
			return c;
	return NULL;
}

static struct cluster *cluster_new(struct qs_server *s, const struct qs_state *state)
{
	struct cluster *c = xcalloc(1, sizeof *c);

	c->server = s;
	c->state = *state;
	c->last = &c->first;
	c->work.data = c;
	c->next = s->clusters;
	s->clusters = c;
	s->cluster_count++;
	return c;
}

static void job_end(struct cluster *cluster, struct job *job, enum quorum_result result, const struct err *err)
{
	struct conn *c = job->conn;

	if (c) {
		_cleanup_free_ char *line = qs_answer_line(result, &cluster->state, err->text);

		c->waiting--;
		say(c, line);
	}
	free(job);
}

/* On a thread of libuv. */
static void save(uv_work_t *work)
{
	struct cluster *c = work->data;

	c->saved = qs_store_save(c->server->dir_fd, &c->wanted, &c->unsure, &c->err);
}

static void on_saved(uv_work_t *work, int status)
{
	struct cluster *c = work->data;
	struct job *job = c->current;

	if (c->saved < 0)
		log_err("%s", c->err.text);
	if (c->unsure) {
		log_err("what is on the disk is not certain; the quorum server ends, and knows when it is started again");
		log_flush(1000);
		_exit(1);
	}
	if (c->saved == 0)
		c->state = c->wanted;
	c->current = NULL;
	job_end(c, job, c->saved < 0 ? QUORUM_ERROR : c->result, &c->err);
	cluster_next(c);
}

/* Carries out what waits, until something must be saved. */
static void cluster_next(struct cluster *c)
{
	while (!c->current && c->first) {
		struct job *job = c->first;
		bool changed;

		c->first = job->next;
		if (!c->first)
			c->last = &c->first;
		c->wanted = c->state;
		c->err = (struct err) { 0 };
		c->result = qs_apply(&c->wanted, &job->request, &changed, &c->err);
		if (!changed) {
			job_end(c, job, c->result, &c->err);
			continue;
		}
		log_info("cluster %s (id 0x%08X): %s by node %u", c->state.cluster, c->state.id,
			 quorum_op_names[job->request.op], job->request.node);
		c->current = job;
		if (uv_queue_work(c->server->loop, &c->work, save, on_saved) < 0) {
			log_err("no work can be queued; the quorum server ends");
			_exit(1);
		}
	}
}

static void queue(struct conn *c, const struct qs_request *request)
{
	struct job *job = xcalloc(1, sizeof *job);

	*job = (struct job) { .conn = c, .request = *request };
	c->waiting++;
	*c->cluster->last = job;
	c->cluster->last = &job->next;
	cluster_next(c->cluster);
}

/* ---- connections: in ---- */

/* Who it is must be who has the secret. */
static int check_identity(const struct conn *c, const struct qs_hello *hello, struct err *err)
{
	const char *name = c->tls ? gnutls_psk_server_get_username(c->tls) : hello->cluster;

	if (name && streq(name, hello->cluster))
		return 0;
	return err_set(err, -EPERM, "the secret is not that of cluster %s", hello->cluster);
}

static int on_hello(struct conn *c, const char *line, size_t len, struct err *err)
{
	struct qs_state empty = { 0 };
	struct qs_hello hello;
	struct cluster *cluster;
	int r = qs_hello_parse(line, len, &hello, err);

	if (r == 0)
		r = check_identity(c, &hello, err);
	if (r < 0)
		return r;
	cluster = cluster_find(c->server, hello.cluster, hello.id);
	if (!cluster && c->server->cluster_count >= QS_CLUSTERS_MAX)
		return err_set(err, -ENOSPC, "this server has %d clusters already", QS_CLUSTERS_MAX);
	memcpy(empty.cluster, hello.cluster, sizeof empty.cluster);
	empty.id = hello.id;
	if (!cluster)
		cluster = cluster_new(c->server, &empty);
	if (cluster->conns[hello.node])
		conn_close(cluster->conns[hello.node], LOG_INFO, "its node has connected anew");
	c->hello = hello;
	c->cluster = cluster;
	cluster->conns[hello.node] = c;
	(void)uv_timer_stop(&c->timer);         /* cannot fail */
	log_info("%s: node %u of cluster %s (id 0x%08X)", c->peer, hello.node, hello.cluster, hello.id);
	queue(c, &(struct qs_request) { .hello = true, .op = QOP_CHECK, .node = hello.node, .key = hello.key });
	return 0;
}

static int on_line(struct conn *c, const char *line, size_t len, struct err *err)
{
	struct qs_request request;
	int r;

	if (!c->cluster)
		return on_hello(c, line, len, err);
	if (c->waiting >= QS_WAITING_MAX)
		return err_set(err, -EBUSY, "more than %d requests at a time", QS_WAITING_MAX);
	r = qs_request_parse(line, len, &c->hello, &request, err);
	if (r == 0)
		queue(c, &request);
	return r;
}

static void on_text(struct conn *c, const char *text, size_t len)
{
	struct err err = { 0 };
	char *end;
	int r = 0;

	buf_add(&c->line, text, len);
	while (r == 0 && !c->closing && (end = memchr(c->line.s, '\n', c->line.len))) {
		size_t used = (size_t)(end - c->line.s) + 1;

		r = on_line(c, c->line.s, used - 1, &err);
		memmove(c->line.s, c->line.s + used, c->line.len - used);
		c->line.len -= used;
	}
	if (r == 0 && c->line.len > QS_LINE_MAX)
		r = err_set(&err, -EMSGSIZE, "a message is longer than %u bytes", QS_LINE_MAX);
	if (r < 0 && !c->closing)
		refuse(c, &err);
}

static void tls_read(struct conn *c)
{
	char text[4096];
	ssize_t n = 0;

	if (!c->shaken) {
		int r = gnutls_handshake(c->tls);

		if (r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED)
			return;
		if (r < 0) {
			/* A warning at this place ends it, too: nobody honest sends one. */
			(void)gnutls_alert_send_appropriate(c->tls, r);         /* the other may have gone */
			conn_close(c, LOG_NOTICE, gnutls_strerror(r));
			return;
		}
		c->shaken = true;
	}
	while (!c->closing && (n = gnutls_record_recv(c->tls, text, sizeof text)) > 0)
		on_text(c, text, (size_t)n);
	if (!c->closing && n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED)
		conn_close(c, LOG_INFO, n == 0 ? "the client has closed it" : gnutls_strerror((int)n));
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct conn *c = handle->data;

	*ret = uv_buf_init(c->part, sizeof c->part);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;

	if (n < 0) {
		conn_close(c, LOG_INFO, n == UV_EOF ? "the client has closed it" : uv_strerror((int)n));
		return;
	}
	if (c->closing || n == 0)
		return;
	if (!c->tls) {
		on_text(c, buf->base, (size_t)n);
		return;
	}
	buf_add(&c->cipher, buf->base, (size_t)n);
	tls_read(c);
}

static void on_hello_late(uv_timer_t *timer)
{
	conn_close(timer->data, LOG_NOTICE, "it has not said who it is");
}

static void name_peer(struct conn *c)
{
	struct sockaddr_storage address;
	int len = sizeof address;
	char host[48] = "?";

	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &len) == 0)
		(void)uv_ip_name((struct sockaddr *)&address, host, sizeof host);       /* "?" will do */
	(void)snprintf(c->peer, sizeof c->peer, "%s", host);
}

static int conn_start(struct conn *c)
{
	struct err err = { 0 };
	int r = 0;

	name_peer(c);
	if (c->server->credentials)
		r = qs_session_new(c->server->credentials, GNUTLS_NONBLOCK, &c->tls, &err);
	if (r < 0) {
		log_err("%s", err.text);
		return r;
	}
	if (c->tls) {
		gnutls_transport_set_ptr(c->tls, c);
		gnutls_transport_set_push_function(c->tls, tls_push);
		gnutls_transport_set_pull_function(c->tls, tls_pull);
	}
	(void)uv_tcp_nodelay(&c->tcp, 1);               /* it would only be slower */
	(void)uv_tcp_keepalive(&c->tcp, 1, 60);         /* a dead client would only stay longer */
	r = uv_timer_start(&c->timer, on_hello_late, QS_HELLO_MS, 0);
	return r < 0 ? r : uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct qs_server *s = listener->data;
	struct conn *c = xcalloc(1, sizeof *c);
	int r;

	r = uv_tcp_init(s->loop, &c->tcp);
	assert(r == 0);
	r = uv_timer_init(s->loop, &c->timer);
	assert(r == 0);
	c->server = s;
	c->handles = 2;
	c->tcp.data = c->timer.data = c;
	c->next = s->conns;
	s->conns = c;
	s->conn_count++;
	if (status < 0 || uv_accept(listener, (uv_stream_t *)&c->tcp) < 0)
		conn_close(c, LOG_WARNING, "it cannot be accepted");
	else if (s->conn_count > QS_CONNECTIONS_MAX)
		conn_close(c, LOG_WARNING, "there are too many connections");
	else if (conn_start(c) < 0)
		conn_close(c, LOG_WARNING, "it cannot be served");
}

/* ---- the server ---- */

static void on_loaded(void *ctx, const struct qs_state *state)
{
	if (state->nodes)
		(void)cluster_new(ctx, state);
}

static int listen_at(struct qs_server *s, int port, struct err *err)
{
	struct sockaddr_in6 any6;
	struct sockaddr_in any4;
	int r;

	(void)uv_ip6_addr("::", port, &any6);           /* constants */
	(void)uv_ip4_addr("0.0.0.0", port, &any4);
	r = uv_tcp_init(s->loop, &s->listener);
	if (r == 0 && uv_tcp_bind(&s->listener, (struct sockaddr *)&any6, 0) < 0)
		r = uv_tcp_bind(&s->listener, (struct sockaddr *)&any4, 0);     /* a machine without IPv6 */
	s->listener.data = s;
	if (r == 0)
		r = uv_listen((uv_stream_t *)&s->listener, 128, on_connection);
	return r < 0 ? err_set(err, r, "cannot listen on port %d: %s", port, uv_strerror(r)) : 0;
}

int qs_server_new(uv_loop_t *loop, const struct qs_server_config *config, struct qs_server **ret, struct err *err)
{
	struct qs_server *s = xcalloc(1, sizeof *s);
	int r = qs_store_open(config->dir, &s->dir_fd, err);

	s->loop = loop;
	s->credentials = config->credentials;
	if (r == 0)
		r = qs_store_load(s->dir_fd, config->dir, on_loaded, s, err);
	if (r == 0)
		r = listen_at(s, config->port, err);
	if (r < 0)
		return r;       /* the caller ends; what was loaded ends with it */
	*ret = s;
	return 0;
}
