/* The process monitor of this node, as the library needs it. */
#pragma once
#include <jansson.h>

#include "base/err.h"

/* A tag as the interface describes it (type Tag of org.parhelion.Pmf): what pmf_list() gives can be started again.
 * -EEXIST: the tag is there already. */
int pmf_start_tag(const json_t *tag, struct err *err);
/* The one of exactly this name; borrowed, NULL: there is none. */
json_t *pmf_find(json_t *tags, const char *tag);
/* No restart any more; signal 0: none; wait_ms 0: return at once, -1: wait for ever.
 * 0 also when there is no such tag; -ETIMEDOUT: processes are left. */
int pmf_stop(const char *tag, int signal, int wait_ms, struct err *err);
/* Only the signal.  -ENOENT: no such tag; -ETIMEDOUT as above. */
int pmf_kill(const char *tag, int signal, int wait_ms, struct err *err);
/* All tags whose names begin so, as an array; the caller decrefs. */
int pmf_list(const char *prefix, json_t **ret, struct err *err);
/* 1: the tag is there, 0: not. */
int pmf_query(const char *tag, struct err *err);
/* 1: the tag is there, and was told not to restart its command any more. */
int pmf_is_stopping(const char *tag, struct err *err);

/* Events of a tag.  -ENOENT: it is gone already. */
struct vl_conn;
int pmf_watch(const char *tag, struct vl_conn **ret, struct err *err);
/* After poll(2) said that vl_conn_fd() is readable.  1: the tree has died; 0: anything else happened; -EPIPE: pmfd has gone, and
 * nobody knows. */
int pmf_watch_died(struct vl_conn *watch);

char *pmf_tag_of(const char *rg, const char *rs, int instance, const char *ext);   /* "rg,rs,N.ext"; caller frees */
