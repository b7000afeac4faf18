/* Cluster configuration repository: named tables of key and value, equal on every member.  Pure: the shell stores.
 * Every commit has one number, cluster-wide and rising; a table's generation (ccr_gennum) is the number of its last
 * commit, so of two valid copies the one with the higher generation is the newer.  Design: src/ccr/README.md. */
#pragma once
#include <jansson.h>

#include "base/err.h"
#include "cmm/cmm.h"

#define CCR_TABLE_NAME_MAX 200
#define CCR_TX_MAX 127
#define CCR_TABLE_BYTES_MAX (4u << 20)

/* ---- the file format ---- */
/* "ccr_gennum\tN\nccr_checksum\tMD5\n" and a line "key\tvalue\n" a pair, sorted; \n, \t and \\ in values are escaped.
 * data NULL writes the tombstone of a removed table.  Caller frees. */
char *ccr_format(uint64_t gen, const json_t *data);
/* -EBADMSG: the text is no table, or its checksum is wrong; err says which.  *ret_data NULL: a tombstone. */
int ccr_parse(const char *text, size_t len, uint64_t *ret_gen, json_t **ret_data, struct err *err);
/* For repair by hand: the lines of a table whose first two may be missing or wrong.  *ret_gen: 0 when it cannot be read. */
int ccr_parse_lenient(const char *text, size_t len, uint64_t *ret_gen, json_t **ret_data, struct err *err);
bool ccr_table_name_ok(const char *name);

/* An override: a copy with a generation so far above its own that no copy on another node can be newer.  It wins the next
 * formation that it takes part in by the ordinary rule. */
#define CCR_OVERRIDE_STEP 1000000u

/* ---- the core ---- */
struct ccr;

struct ccr_update {             /* release with ccr_update_done() */
	json_t *send;           /* array of messages to multicast; NULL: none */
	json_t *store;          /* array of storage requests, in order; NULL: none:
				 *   {"op":"intent","n":N,"table":T,"text":S}  then ccr_stored(n)
				 *   {"op":"commit","n":N,"table":T,"text":S}  rename the intent (or write S), then ccr_stored(n)
				 *   {"op":"drop","n":N,"table":T}             remove the intent
				 *   {"op":"write","n":0,"table":T,"text":S}   of a snapshot; {"op":"forget","table":T}
				 *   {"op":"history","n":0,"text":S}           append to the history; "whole": replace it.
				 *      A failure is noted and nothing else: no commit waits for a history */
	char    committed[CCR_TABLE_NAME_MAX + 1];      /* this table has changed, */
	char    committed_tx[CCR_TX_MAX + 1];           /* by this commit */
	json_t *finished;       /* array of {"tx":..,"n":N} durable on every member, or {"tx","error","busy","stale"}
				 * (busy: nothing was wrong with it, send it again; stale: make it anew from
				 * the table as it is now); NULL: none */
};
void ccr_update_done(struct ccr_update *update);

struct ccr *ccr_new(uint32_t self);
struct ccr *ccr_free(struct ccr *ccr);

/* At start: one table as found on the disk. */
void ccr_load(struct ccr *ccr, const char *table, uint64_t gen, const json_t *data);
/* The same for each line of its history, in any order; NULL: the line is damaged.  bytes: of the line. */
void ccr_load_history(struct ccr *ccr, const json_t *entry, size_t bytes);
/* A request to write it has failed: the next one writes the whole. */
void ccr_history_failed(struct ccr *ccr);
/* {table: gen} */
json_t *ccr_summary(const struct ccr *ccr);
/* The same, and the sum of the history: what the hello message says. */
json_t *ccr_hello(const struct ccr *ccr);
/* Borrowed: the newest commits, oldest first; an entry is described in ccr/history.h. */
const json_t *ccr_history(const struct ccr *ccr);
/* Borrowed; NULL: no such table. */
const json_t *ccr_table(const struct ccr *ccr, const char *table);
uint64_t ccr_table_gen(const struct ccr *ccr, const char *table);
/* Each existing table once, in the order of the names. */
void ccr_each(const struct ccr *ccr, void (*fn)(const char *table, const json_t *data, void *ctx), void *ctx);
uint64_t ccr_last_commit(const struct ccr *ccr);
bool ccr_busy(const struct ccr *ccr);            /* a prepare message sent now would be refused */

/* For the history: who, the command line, why (NULL: not said), when. */
/* among: the ready members when the change was decided on; when one of them has gone before all have voted it is refused as stale.
 * A change of votes needs that: whether it costs the quorum depends on who is there.  0: it does not matter. */
struct ccr_origin { const char *by, *cmd, *message; int64_t wall_ms; nodeset among; };
/* The message that starts a commit; only the president sends it.  data NULL removes the table.  tx names the commit for the one
 * who waits for it.  base: generation of the table that data was made from; when another commit comes between, this one is
 * refused as stale. */
json_t *ccr_prepare_message(const struct ccr *ccr, const char *tx, const char *table, uint64_t base, const json_t *data,
			    const struct ccr_origin *origin);
bool ccr_owns_message(const char *type);
void ccr_apply(struct ccr *ccr, uint32_t from, const json_t *message, struct ccr_update *ret_update);
/* A storage request with n > 0 has ended. error NULL: well.  A commit that cannot be stored is for the caller to fail on. */
void ccr_stored(struct ccr *ccr, uint64_t n, const char *op, const char *error, struct ccr_update *ret_update);
/* Before ccr_members() of an epoch that nodes join: they store what comes with the snapshot, and what waits waits for them, too;
 * else a member that goes could leave the change on the disks of less than a majority. */
void ccr_await(struct ccr *ccr, nodeset joiners);
/* From here on in the log: ready members vote; success is reported when all members (a quorate set) have stored. */
void ccr_members(struct ccr *ccr, nodeset members, nodeset ready, struct ccr_update *ret_update);
/* The last commit that waits for some member to store it; 0: none does. */
uint64_t ccr_last_waiting(const struct ccr *ccr);
/* What was asked for until ccr_last_waiting() was upto is on the disk: ccr_restore()'s writes, and commits since. */
void ccr_synced(struct ccr *ccr, uint64_t upto, struct ccr_update *ret_update);

/* The whole, for joiners; restoring asks for the writes that make the disk equal. */
json_t *ccr_snapshot(const struct ccr *ccr);
void ccr_restore(struct ccr *ccr, const json_t *snapshot, struct ccr_update *ret_update);

/* Formation: which tables have a newer copy elsewhere.  hellos[id]: ccr_hello() of that node.  Array of
 * {"table":T,"from":id}; NULL: none.  newest: whose copies count (cmm_newest()). */
json_t *ccr_missing(const struct ccr *ccr, const json_t *const hellos[CMM_NODE_ID_MAX + 1], nodeset view, nodeset newest);
/* The same, and who has another history: that goes by a name that no table can have. */
json_t *ccr_gather(struct ccr *ccr, const json_t *const hellos[CMM_NODE_ID_MAX + 1], nodeset view, nodeset newest);
json_t *ccr_push_message(const struct ccr *ccr, const char *table);     /* NULL: no such table */
/* Takes a pushed copy when it is newer. */
void ccr_adopt(struct ccr *ccr, const json_t *push, struct ccr_update *ret_update);
/* All copies are there: the tables in force are known, and what never came into force leaves the history. */
void ccr_gathered(struct ccr *ccr, struct ccr_update *ret_update);
