/* What would happen?  The state of the cluster as clusterd tells it goes on in this process, in the rgm objects that run in
 * clusterd (rgm/rehearsal.h).  Methods succeed, and take the time that the journal has measured.  Nothing is sent. */
#pragma once
#include <jansson.h>

#include "cmd/options.h"
#include "rgm/rehearsal.h"

struct foresight;
/* EXIT_OK, or the exit code after a complaint. */
int foresight_new(const struct cmdline *line, struct foresight **ret);
struct foresight *foresight_free(struct foresight *f);

/* Requests, as clusterd would be asked, all at once; then until nothing is under way. */
void foresight_ask(struct foresight *f, const json_t *request);
void foresight_settle(struct foresight *f);
/* Of the i-th request since the last settling: the code (0: done; without an answer SCHA_ERR_TIMEOUT) and *ret_reason, which the
 * caller frees; NULL when there is none. */
int64_t foresight_answer(const struct foresight *f, size_t i, char **ret_reason);

struct rehearsal *foresight_rehearsal(struct foresight *f);
/* The nodes by their names; 0: there is none, or it is no member. */
uint32_t foresight_node(const struct foresight *f, const char *name);
nodeset foresight_members(const struct foresight *f);           /* at the beginning */
const char *foresight_node_name(const struct foresight *f, uint32_t id);

/* {"steps","groups","resources_restarted","seconds","no_history"}: what happened, and what it meant for each group; caller decrefs. */
json_t *foresight_json(const struct foresight *f);
void foresight_print(const struct foresight *f);        /* NULL: nothing */
