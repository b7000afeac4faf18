/* What both varlink clients and the server share: addresses and message texts.  Private to varlink*.c. */
#pragma once
#include <jansson.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

/* -ENAMETOOLONG: the kernel has 107 bytes for the path of a socket. */
int vl_wire_address(const char *path, struct sockaddr_un *ret, struct err *err);
/* The text of a request, NUL included in *ret_len; params is taken, may be NULL; the caller frees. */
char *vl_wire_request(const char *method, json_t *params, bool more, size_t *ret_len);
/* The text of any message; takes object. */
char *vl_wire_dump(json_t *object, size_t *ret_len);
/* One message without its NUL; NULL when it is not a JSON object. */
json_t *vl_wire_parse(const char *text, size_t len);
