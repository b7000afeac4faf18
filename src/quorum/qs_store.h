/* The quorum server's directory: a file for each cluster, replaced as a whole. */
#pragma once
#include "quorum/qs_state.h"

/* Makes the directory, and holds it against a second server.  -EBUSY: there is one.  *ret_fd is for the other calls, and to
 * be kept open. */
int qs_store_open(const char *dir, int *ret_fd, struct err *err);
/* fn gets each cluster's state.  A file that cannot be understood is an error: keys must not be forgotten. */
int qs_store_load(int dir_fd, const char *dir, void (*fn)(void *ctx, const struct qs_state *state), void *ctx, struct err *err);
/* On the disk when it returns 0.  Negative: the file is as it was, err says why.  *ret_unsure: it may be the one or the other. */
int qs_store_save(int dir_fd, const struct qs_state *state, bool *ret_unsure, struct err *err);
