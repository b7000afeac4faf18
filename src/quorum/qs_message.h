/* The lines between a node and the quorum server.  Pure; the drawing is in README.md. */
#pragma once
#include "quorum/qs_state.h"

#define QS_LINE_MAX 16384u
#define QS_VERSION  1
#define QS_PORT     9000

/* Who says hello: the first line of each connection. */
struct qs_hello { char cluster[QUORUM_NAME_MAX + 1]; uint32_t id, node; uint64_t key; };

int qs_hello_parse(const char *line, size_t len, struct qs_hello *ret, struct err *err);
/* A further line; node and key of *ret are those of the hello. */
int qs_request_parse(const char *line, size_t len, const struct qs_hello *hello, struct qs_request *ret, struct err *err);
/* The caller frees; each ends with a newline. */
char *qs_hello_line(const struct quorum_cluster *cluster);
char *qs_request_line(const struct quorum_request *request);
char *qs_answer_line(enum quorum_result result, const struct qs_state *state, const char *text);
int   qs_answer_parse(const char *line, size_t len, struct quorum_answer *ret, struct err *err);
