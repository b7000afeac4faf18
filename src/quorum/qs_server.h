/* The quorum server: nodes of many clusters connect, ask, and get an answer when it is on the disk. */
#pragma once
#include <uv.h>

#include "quorum/qs_tls.h"

#define QS_CONNECTIONS_MAX 512          /* a further one is closed */
#define QS_CLUSTERS_MAX    256          /* a further one is refused */
#define QS_WAITING_MAX     16           /* requests of one connection that have no answer yet; more end it */
#define QS_OUTPUT_MAX      (256u << 10) /* bytes that a client does not take; more end its connection */
#define QS_HELLO_MS        10000        /* until then a client has said hello, or is cut off */

struct qs_server;

struct qs_server_config {
	const char *dir;
	int         port;
	const struct qs_credentials *credentials;       /* NULL: plain, anybody may do anything */
};

/* Serves as soon as the loop runs. */
int qs_server_new(uv_loop_t *loop, const struct qs_server_config *config, struct qs_server **ret, struct err *err);
