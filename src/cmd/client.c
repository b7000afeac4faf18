#include "cmd/client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/paths.h"
#include "base/varlink.h"
#include "cmd/foresee.h"
#include "scha_err.h"

#define PARALLEL_MAX 128        /* connections at a time; further requests wait for a free one (clusterd takes 512) */

static int time_left(const struct cmdline *line)
{
	struct timespec now;
	uint64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	return line->deadline_ms > ms ? (int)MIN(line->deadline_ms - ms, (uint64_t)INT32_MAX) : 0;
}

/* ---- what went wrong, for people ---- */

static char *not_running(const struct cmdline *line, const struct err *err)
{
	(void)line;
	(void)err;
	return xasprintf("clusterd is not running on this node (nobody listens at %s): start the cluster here, or give the "
			 "command on a node where it runs", path_state(PATH_CLUSTERD_SOCK));
}

static char *no_permission(const struct cmdline *line, const struct err *err)
{
	(void)line;
	(void)err;
	return xstrdup("permission denied: changing the cluster needs root or a member of the group cluster-admin");
}

static char *too_late(const struct cmdline *line, const struct err *err)
{
	(void)err;
	return line->form->privilege == PRIVILEGE_CHANGE ?
		xasprintf("not finished within %d s (--deadline); the cluster goes on with it, and scstat shows how it "
			  "stands", line->deadline_s) :
		xasprintf("clusterd did not answer within %d s (--deadline)", line->deadline_s);
}

static char *hung_up(const struct cmdline *line, const struct err *err)
{
	(void)line;
	(void)err;
	return xstrdup("clusterd ended before it answered; whether it was done is not known here, scstat on another node shows it");
}

static char *as_told(const struct cmdline *line, const struct err *err)
{
	(void)line;
	return xstrdup(err->text);
}

static char *other_version(const struct cmdline *line, const struct err *err)
{
	(void)line;
	return xasprintf("clusterd of this node does not know this request (%s); it is of another version", err->text);
}

/* By errno, and when that is -EREMOTEIO by the name of the error. */
static const struct failure {
	int errnum;
	const char *error;
	enum command_exit code;
	char *(*reason)(const struct cmdline *line, const struct err *err);
} failures[] = {
	{ -ENOENT,       NULL,                                        EXIT_NO_DAEMON,  not_running },
	{ -ECONNREFUSED, NULL,                                        EXIT_NO_DAEMON,  not_running },
	{ -EACCES,       NULL,                                        EXIT_PERMISSION, no_permission },
	{ -EPERM,        NULL,                                        EXIT_PERMISSION, no_permission },
	{ -ETIMEDOUT,    NULL,                                        EXIT_DEADLINE,   too_late },
	{ -ECONNRESET,   NULL,                                        EXIT_NO_DAEMON,  hung_up },
	{ -EPIPE,        NULL,                                        EXIT_NO_DAEMON,  hung_up },
	{ -EREMOTEIO,    "org.varlink.service.PermissionDenied",      EXIT_PERMISSION, no_permission },
	{ -EREMOTEIO,    "org.varlink.service.MethodNotFound",        EXIT_REFUSED,    other_version },
	{ -EREMOTEIO,    "org.varlink.service.MethodNotImplemented",  EXIT_REFUSED,    other_version },
	{ 0,             NULL,                                        EXIT_REFUSED,    as_told },
};

static const struct failure *failure_find(int r, const char *error)
{
	const struct failure *f = failures;

	while (f->errnum && (f->errnum != r || (f->error && (!error || !streq(f->error, error)))))
		f++;
	return f;
}

/* What the cluster itself refused, by the code that comes with it (a scha_err_t). */
static const struct { int scha; enum command_exit code; } refusals[] = {
	{ SCHA_ERR_NOMEM,    EXIT_NO_MEMORY },  { SCHA_ERR_INVAL,    EXIT_INVALID },   { SCHA_ERR_RECONF,  EXIT_NOT_MEMBER },
	{ SCHA_ERR_ACCESS,   EXIT_ACCESS },     { SCHA_ERR_STATE,    EXIT_STATE },     { SCHA_ERR_METHOD,  EXIT_METHOD },
	{ SCHA_ERR_NODE,     EXIT_NO_OBJECT },  { SCHA_ERR_RG,       EXIT_NO_OBJECT }, { SCHA_ERR_RT,      EXIT_TYPE },
	{ SCHA_ERR_RSRC,     EXIT_NO_OBJECT },  { SCHA_ERR_PROP,     EXIT_PROPERTY },  { SCHA_ERR_RSTATUS, EXIT_INVALID },
	{ SCHA_ERR_INTERNAL, EXIT_INTERNAL },   { SCHA_ERR_TIMEOUT,  EXIT_TIMEOUT },
};

static enum command_exit refusal_code(int64_t scha)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].scha == scha)
			return refusals[i].code;
	return EXIT_REFUSED;
}

static enum command_exit failure_code(const struct failure *f, const json_t *params)
{
	return f->code == EXIT_REFUSED ? refusal_code(ju_int(params, "code", 0)) : f->code;
}

/* ---- one call ---- */

int client_call(const struct cmdline *line, const char *what, const char *method, json_t *params, json_t **ret)
{
	_cleanup_free_ char *error = NULL;
	struct err err = { 0 };
	const struct failure *f;
	json_t *reply = NULL;
	enum command_exit code;
	int r;

	r = vl_call_sync(path_state(PATH_CLUSTERD_SOCK), method, params, time_left(line), &reply, &error, &err);
	if (r == 0) {
		*ret = reply;
		return EXIT_OK;
	}
	f = failure_find(r, error);
	code = failure_code(f, reply);
	json_decref(reply);
	_cleanup_free_ char *reason = f->reason(line, &err);

	return command_failed(line, code, what, reason);
}

int client_probe(const struct cmdline *line, const char *method, json_t *params, bool *ret_missing)
{
	_cleanup_free_ char *error = NULL;
	json_t *reply = NULL;
	int r;

	r = vl_call_sync(path_state(PATH_CLUSTERD_SOCK), method, params, time_left(line), &reply, &error, NULL);
	json_decref(reply);
	*ret_missing = r == -EREMOTEIO && error && streq(error, "org.parhelion.Cluster.NotFound");
	return r == 0 ? EXIT_OK : (int)failure_find(r, error)->code;
}

/* ---- several requests ---- */

static char *vformat(const char *fmt, va_list ap) _printf_(1, 0);
static char *vformat(const char *fmt, va_list ap)
{
	char *text;
	int n = vasprintf(&text, fmt, ap);

	assert(n >= 0);
	return text;
}

static void requests_take(struct requests *requests, json_t *body, char *what)
{
	requests->v = xrealloc(requests->v, (requests->n + 1) * sizeof *requests->v);
	requests->v[requests->n++] = (struct request) { .what = what, .body = body };
}

void requests_add(struct requests *requests, json_t *body, const char *what_fmt, ...)
{
	va_list ap;

	va_start(ap, what_fmt);
	requests_take(requests, body, vformat(what_fmt, ap));
	va_end(ap);
}

void requests_done(struct requests *requests)
{
	for (size_t i = 0; i < requests->n; i++) {
		free(requests->v[i].what);
		free(requests->v[i].reason);
		json_decref(requests->v[i].body);
		vl_conn_close(requests->v[i].conn);
	}
	free(requests->v);
	*requests = (struct requests) { 0 };
}

/* params: of an error, may be NULL. */
static void request_end(const struct cmdline *line, struct request *q, int r, const char *error, const json_t *params,
			const struct err *err)
{
	vl_conn_close(q->conn);
	q->conn = NULL;
	if (r < 0) {
		const struct failure *f = failure_find(r, error);

		q->code = failure_code(f, params);
		q->reason = f->reason(line, err);
	}
}

static void request_send(const struct cmdline *line, struct request *q)
{
	struct err err = { 0 };

	if (cmdline_has(line, OPT_MESSAGE))
		ju_set_str(q->body, "message", cmdline_get(line, OPT_MESSAGE));
	int r = vl_conn_open(path_state(PATH_CLUSTERD_SOCK), time_left(line), &q->conn, &err);

	if (r == 0)
		r = vl_conn_send(q->conn, "org.parhelion.Cluster.Request",
				 ju_pack("{sO, ss}", "request", q->body, "cmd", line->text), false, &err);
	if (r < 0)
		request_end(line, q, r, NULL, NULL, &err);
}

static void request_receive(const struct cmdline *line, struct request *q)
{
	_cleanup_free_ char *error = NULL;
	struct err err = { 0 };
	json_t *reply = NULL;
	int r = vl_conn_recv(q->conn, 0, &reply, &error, NULL, &err);

	if (r != -ETIMEDOUT)            /* else: half an answer, the rest is to come */
		request_end(line, q, r, error, reply, &err);
	json_decref(reply);
}

static size_t collect(struct requests *requests, struct pollfd *fds, struct request **owner)
{
	size_t n = 0;

	for (size_t i = 0; i < requests->n; i++)
		if (requests->v[i].conn) {
			fds[n] = (struct pollfd) { .fd = vl_conn_fd(requests->v[i].conn), .events = POLLIN };
			owner[n++] = &requests->v[i];
		}
	return n;
}

static void give_up(const struct cmdline *line, struct requests *requests, size_t first_unsent)
{
	struct err err = { 0 };

	for (size_t i = 0; i < requests->n; i++)
		if (requests->v[i].conn || i >= first_unsent)
			request_end(line, &requests->v[i], -ETIMEDOUT, NULL, NULL, &err);
}

static int report(const struct cmdline *line, const struct requests *requests)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < requests->n; i++) {
		const struct request *q = &requests->v[i];

		if (q->code == EXIT_OK) {
			if (cmdline_has(line, 'v') && !cmdline_has(line, OPT_REHEARSE))
				(void)printf("%s:  Done - %s.\n", command_word(line), q->what);
			continue;
		}
		(void)command_failed(line, q->code, q->what, q->reason);
		if (code == EXIT_OK)
			code = (int)q->code;
		if (q->code == EXIT_NO_DAEMON || q->code == EXIT_PERMISSION)
			break;          /* true of them all; once is enough */
	}
	return code;
}

/* Nothing is sent; what would be answered is reported like an answer. */
static int rehearse(const struct cmdline *line, struct requests *requests)
{
	int r = *line->foresight ? EXIT_OK : foresight_new(line, line->foresight);

	if (r != EXIT_OK)
		return r;
	for (size_t i = 0; i < requests->n; i++)
		foresight_ask(*line->foresight, requests->v[i].body);
	foresight_settle(*line->foresight);
	for (size_t i = 0; i < requests->n; i++) {
		struct request *q = &requests->v[i];
		int64_t scha = foresight_answer(*line->foresight, i, &q->reason);

		q->code = scha ? refusal_code(scha) : EXIT_OK;
	}
	return report(line, requests);
}

int requests_run(const struct cmdline *line, struct requests *requests)
{
	_cleanup_free_ struct pollfd *fds = xcalloc(PARALLEL_MAX, sizeof *fds);
	_cleanup_free_ struct request **owner = xcalloc(PARALLEL_MAX, sizeof *owner);
	size_t next = 0, open;

	if (cmdline_has(line, OPT_REHEARSE))
		return rehearse(line, requests);
	for (;;) {
		while ((open = collect(requests, fds, owner)) < PARALLEL_MAX && next < requests->n) {
			struct request *q = &requests->v[next++];

			request_send(line, q);
			if (q->code == EXIT_NO_DAEMON)
				next = requests->n;
		}
		if (!open)
			break;
		int n = poll(fds, open, time_left(line));

		if (n == 0) {
			give_up(line, requests, next);
			break;
		}
		for (size_t i = 0; n > 0 && i < open; i++)
			if (fds[i].revents)
				request_receive(line, owner[i]);
	}
	return report(line, requests);
}

int request_run(const struct cmdline *line, json_t *body, const char *what_fmt, ...)
{
	_cleanup_(requests_done) struct requests one = { 0 };
	va_list ap;

	va_start(ap, what_fmt);
	requests_take(&one, body, vformat(what_fmt, ap));
	va_end(ap);
	return requests_run(line, &one);
}

bool exit_is_hopeless(int code)
{
	return code == EXIT_NO_DAEMON || code == EXIT_PERMISSION || code == EXIT_NOT_MEMBER || code == EXIT_DEADLINE;
}

int requests_each(const struct cmdline *line, const struct strlist *names, const char *op, const char *member,
		  const json_t *extra, const char *what)
{
	int first = EXIT_OK, r = EXIT_OK;

	for (size_t i = 0; i < names->n && !exit_is_hopeless(r); i++) {
		json_t *body = ju_pack("{ss, ss}", "op", op, member, names->v[i]);

		json_object_update(body, (json_t *)extra);
		r = request_run(line, body, "%s %s", what, names->v[i]);
		first = first == EXIT_OK ? r : first;
	}
	return first;
}
