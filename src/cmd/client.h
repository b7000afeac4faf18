/* What the administration commands say to clusterd, within the deadline of the command line.  Complaints go to stderr. */
#pragma once
#include <jansson.h>

#include "cmd/options.h"

/* One call.  EXIT_OK and *ret (caller decrefs), or the exit code after "Failed to WHAT - ...". */
int client_call(const struct cmdline *line, const char *what, const char *method, json_t *params /* taken */, json_t **ret);
/* Silent: EXIT_OK, or the exit code; *ret_missing: the object does not exist. */
int client_probe(const struct cmdline *line, const char *method, json_t *params /* taken */, bool *ret_missing);

/* Changes that go to the cluster together, each on its own connection. */
struct request {
	char       *what;               /* "switch resource group web-rg to node2" */
	json_t     *body;
	struct vl_conn *conn;           /* while the answer is awaited */
	enum command_exit code;
	char       *reason;             /* of a failure */
};
struct requests { struct request *v; size_t n; };

void requests_add(struct requests *requests, json_t *body /* taken */, const char *what_fmt, ...) _printf_(3, 4);
/* Sends all, awaits every answer, reports each failure; the exit code is that of the first.  With --dry-run nothing is sent: they
 * are rehearsed, and what would follow is shown when the command ends (foresee.h). */
int  requests_run(const struct cmdline *line, struct requests *requests);
void requests_done(struct requests *requests);
/* One after the other, going on after a failure unless the next must fail likewise: {op, member: name} and what extra has
 * (borrowed, may be NULL) for each name.  "WHAT name" is done.  The exit code is that of the first failure. */
int  requests_each(const struct cmdline *line, const struct strlist *names, const char *op, const char *member,
		   const json_t *extra, const char *what);
/* Is it true of the next request, too?  No daemon, no permission, no member, no time left. */
bool exit_is_hopeless(int code);
/* The usual case of one; body is taken. */
int  request_run(const struct cmdline *line, json_t *body, const char *what_fmt, ...) _printf_(3, 4);
