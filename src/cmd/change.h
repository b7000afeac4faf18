/* What the commands on history and configuration as text share: changes of tables, shown and sent. */
#pragma once
#include <jansson.h>

#include "cmd/options.h"

/* Keys that differ: {key: [old|null, new|null]}; NULL stands for no table.  Caller decrefs. */
json_t *change_between(const json_t *old_data, const json_t *new_data);
/* "table NAME" and a line a key; nothing when set is empty. */
void change_print(const char *table, const json_t *set);
/* "root@node2 at 2026-11-21 12:00:01 with "scrgadm ..."" of a commit; caller frees. */
char *change_who(const json_t *commit);
/* The command line of a commit, cut to what a person reads; caller frees. */
char *change_command(const json_t *commit);
/* Wall clock in ms -> "2026-11-21 12:00:01"; caller frees. */
char *change_time(int64_t wall_ms);

/* The commits that are known, newest first: the reply of History; table NULL: all, limit 0: all.  The exit code. */
int change_history(const struct cmdline *line, const char *table, int64_t after, int64_t limit, json_t **ret);
/* {"generation":N,"data":{..}}, or generation 0 and no data when there is no such table. */
int change_table(const struct cmdline *line, const char *table, json_t **ret);
/* The request; data NULL: remove.  check: only ask whether it would be accepted; extra: more members, or NULL. */
json_t *change_request(const char *table, int64_t base, const json_t *data, bool check, json_t *extra /* taken */);
