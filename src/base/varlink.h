/* The Varlink protocol (https://varlink.org): JSON objects, each ended by a NUL byte, over a Unix stream socket.
 * A server on a libuv loop, an asynchronous client on the same, and a blocking client with a deadline for commands and
 * libraries.  Callers are identified by SO_PEERCRED; nothing else is believed. */
#pragma once
#include <jansson.h>
#include <sys/types.h>
#include <uv.h>

#include "base/err.h"

#define VL_MESSAGE_MAX (16u << 20)      /* a longer message ends the connection */
#define VL_CLIENTS_MAX 512              /* a further client is refused */

/* ---- server ---- */
enum vl_role { VL_READ, VL_OPERATE, VL_ADMIN, VL_ROLE_COUNT };

struct vl_peer { uid_t uid; gid_t gid; pid_t pid; enum vl_role role; };

struct vl_server;
struct vl_call;                         /* one request that waits for its reply; owned by the server */

struct vl_method {
	const char  *name;              /* full: "org.parhelion.Pmf.Start" */
	enum vl_role role;              /* the least that the caller must have, else org.varlink.service.PermissionDenied */
	void       (*fn)(struct vl_call *call, json_t *params, void *ctx);      /* params borrowed, never NULL */
};

struct vl_server_config {
	const char *path;               /* an old socket file there is removed; parent directory is made, 0755.  NULL: listen_fd is
					 * one of TCP, whose clients are nobody and may read */
	mode_t      mode;               /* of the socket: 0666 where everybody may read state */
	int         listen_fd;          /* listens already, say from vl_server_leave() before exec; taken; 0: none */
	const char *product;            /* for org.varlink.service.GetInfo, which the server answers itself */
	const char *interface;          /* name for GetInfo / GetInterfaceDescription */
	const char *description;        /* the interface definition, varlink syntax */
	const struct vl_method *methods;
	size_t      method_count;
	void       *ctx;
};

/* Roles: uid 0 is admin; members of group "cluster-admin", "cluster-operate" have those; everybody else reads. */
int  vl_server_new(uv_loop_t *loop, const struct vl_server_config *config, struct vl_server **ret, struct err *err);
void vl_server_free(struct vl_server *server);          /* closes all; on_close of open calls run; NULL is fine */
/* Accepts no more, and will leave the socket where it is when it is freed: who connects waits for whoever takes the descriptor, which
 * is returned and belongs to the caller.  Negative errno. */
int  vl_server_leave(struct vl_server *server);
size_t vl_server_idle(const struct vl_server *server);  /* connections that no call is open on: one may be on its way */

/* Takes no client any more; fn runs once, when the last one has gone, at once when there is none.  Clients are not told to go. */
void vl_server_drain(struct vl_server *server, void (*fn)(void *ctx), void *ctx);

/* The final reply; the call is gone afterwards.  params may be NULL (empty) and are taken. */
void vl_reply(struct vl_call *call, json_t *params);
/* One of several replies of a call made with "more"; asserts that it was. */
void vl_reply_continues(struct vl_call *call, json_t *params);
/* error: "org.parhelion.Pmf.TagExists".  params (taken, may be NULL) should hold "message" for people. */
void vl_error(struct vl_call *call, const char *error, json_t *params);
void vl_error_text(struct vl_call *call, const char *error, const char *fmt, ...) _printf_(3, 4);
const struct vl_peer *vl_call_peer(const struct vl_call *call);
bool vl_call_more(const struct vl_call *call);
/* fn runs when the client goes away before the final reply; the call is invalid from then on. */
void vl_call_on_close(struct vl_call *call, void (*fn)(struct vl_call *call, void *ctx), void *ctx);

/* ---- asynchronous client ---- */
struct vl_client;
/* error NULL: success.  params borrowed, never NULL.  error "org.parhelion.Disconnected": the server went away. */
typedef void (*vl_reply_fn)(void *ctx, const char *error, json_t *params, bool continues);

/* Connects at once (a Unix socket does not block); negative errno when nobody listens. */
int  vl_client_new(uv_loop_t *loop, const char *path, struct vl_client **ret, struct err *err);
/* params taken, may be NULL.  Replies come in the order of the calls.  After a disconnect every open call gets its error
 * once, then on_disconnect (may be NULL) runs; freeing the client inside callbacks is allowed. */
void vl_client_call(struct vl_client *client, const char *method, json_t *params, bool more, vl_reply_fn fn, void *ctx);
void vl_client_on_disconnect(struct vl_client *client, void (*fn)(void *ctx), void *ctx);
void vl_client_free(struct vl_client *client);          /* open calls get no reply any more; NULL is fine */

/* ---- blocking client: commands and libraries; no libuv inside; thread-safe per connection object ---- */
struct vl_conn;
int  vl_conn_open(const char *path, int timeout_ms, struct vl_conn **ret, struct err *err);
void vl_conn_close(struct vl_conn *conn);
int  vl_conn_fd(const struct vl_conn *conn);            /* for poll(2); readable when a reply may be there */
int  vl_conn_send(struct vl_conn *conn, const char *method, json_t *params /* taken */, bool more, struct err *err);
/* -ETIMEDOUT when nothing came in time_ms (-1: for ever).  -EREMOTEIO: the server answered an error: *ret_error is its name
 * (caller frees), *ret_params its parameters, err->text its "message".  *ret_params, of a reply or of an error: caller
 * decrefs; untouched on any other failure. */
int  vl_conn_recv(struct vl_conn *conn, int timeout_ms, json_t **ret_params, char **ret_error, bool *ret_continues,
		  struct err *err);
/* open + send + recv + close.  ret_params, ret_error may be NULL. */
int  vl_call_sync(const char *path, const char *method, json_t *params /* taken */, int timeout_ms, json_t **ret_params,
		  char **ret_error, struct err *err);
/* The same by TCP, to one that listens there. */
int  vl_call_tcp(const char *host, int port, const char *method, json_t *params /* taken */, int timeout_ms, json_t **ret_params,
		 char **ret_error, struct err *err);
