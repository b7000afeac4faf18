/* What happened on this node: one JSON object a line, in PATH_JOURNAL/journal and, when that is full, journal.1 ...
 * Kept in memory, too, as far back as JOURNAL_MEMORY, so that reading needs no disk.  Writing happens on a worker thread
 * and is not synced: a power cut loses the last second, the other members have it. */
#pragma once
#include <jansson.h>
#include <uv.h>

#define JOURNAL_MEMORY    (4u << 20)    /* bytes in memory; older entries are dropped */
#define JOURNAL_FILE_MAX  (8u << 20)    /* bytes of one file */
#define JOURNAL_FILES     4             /* kept */

struct journal;
struct journal *journal_new(uv_loop_t *loop);           /* loads the tail of the file */
void journal_add(struct journal *journal, json_t *entry /* taken */);
json_t *journal_since(const struct journal *journal, int64_t since_ms);         /* array */
