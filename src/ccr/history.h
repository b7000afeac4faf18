/* The history of the repository: one entry a commit, oldest first, bounded.  Pure; part of the ccr core.
 *
 *   {"n":12, "was":7, "table":"rgm_rg_web", "at":wall ms, "by":"root@node1", "cmd":"scrgadm -c ...", "message":"why",
 *    "set":{"key":["old"|null, "new"|null]}, "made":true, "removed":true, "large":true}
 *
 * was: the table's generation before (0: there never was one), so the entries of a table are a chain that ends at its
 * generation.  message, made (the table did not exist before) and removed (it does not exist after) are there when they
 * apply; large instead of set: the values were too many to keep. */
#pragma once
#include <jansson.h>

#include "base/err.h"

#define CCR_HISTORY_ENTRIES 512                 /* the newest ones are kept, */
#define CCR_HISTORY_BYTES   (1u << 20)          /* as long as their text is no longer than this */
#define CCR_HISTORY_ENTRY_BYTES (128u << 10)    /* an entry longer than this is kept without its values */
#define CCR_MESSAGE_MAX 500                     /* bytes of a message; what is longer is cut */

struct history {
	json_t  *entries;       /* array; entries are never changed once they are in it, so they may be shared */
	size_t   bytes;         /* of their text */
	uint64_t sum;           /* equal for equal contents, whatever was in it before */
};

void history_init(struct history *history);
void history_done(struct history *history);

/* What a commit did: made by every member from the old and the new table.  data NULL: no such table (any more). */
json_t *history_entry(const json_t *prep, uint64_t was, const json_t *old_data, const json_t *new_data);
/* -EINVAL: it is no entry. */
int  history_check(const json_t *entry);
/* Adds it in its place and drops the oldest beyond the bounds.  False: there is one of this number, or it is too old. */
bool history_add(struct history *history, json_t *entry /* taken */);
/* Everything is replaced; what is no entry is left out. */
void history_set(struct history *history, const json_t *entries);
/* Drops commits that never came into force: those that are not in the chain of their table.  gen gives the generation in
 * force.  True: something was dropped. */
bool history_prune(struct history *history, uint64_t (*gen)(void *ctx, const char *table), void *ctx);
/* One line an entry; caller frees. */
char *history_text(const struct history *history);
