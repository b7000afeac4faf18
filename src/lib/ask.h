/* One question to a daemon of this node, with the answer's error as a code of the API.  No state; any thread. */
#pragma once
#include <jansson.h>
#include <scha_err.h>

#include "base/err.h"

#define ASK_TIMEOUT_MS     (60 * 1000)
#define ASK_CONTROL_MS     (3600 * 1000)        /* methods run meanwhile: no shorter than their time-outs */
#define ASK_CLUSTER(name)  "org.parhelion.Cluster." name

/* As vl_call_sync(), but an error's own parameter "code" is the result.  params is taken.  path: an absolute path, before
 * which $PARHELION_ROOT is put.  *ret_reply (ret_reply may be NULL): caller decrefs; untouched on failure.
 * Without a code: ACCESS when the caller may not, TIMEOUT, else INTERNAL (also when there is no daemon). */
scha_err_t ask(const char *path, const char *method, json_t *params, int timeout_ms, json_t **ret_reply, struct err *err);
/* The same to clusterd. */
scha_err_t ask_cluster(const char *method, json_t *params, int timeout_ms, json_t **ret_reply, struct err *err);
char *ask_path(const char *absolute);           /* with $PARHELION_ROOT; caller frees */
/* A JSON string; bytes that are no UTF-8 become '?', as the wire has no room for them. */
json_t *ask_string(const char *text);

static inline void json_decrefp_(json_t **o) { json_decref(*o); }
#define _cleanup_json_ _cleanup_(json_decrefp_)
