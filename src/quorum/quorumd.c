/* quorumd: does what clusterd asks of quorum devices.  A child of clusterd, on the other end of its descriptor 0.
 *
 * This thread reads requests; each device has its own (worker.c), which answers.  The end of the input ends the process, and
 * with it what is still under way: the kernel ends each disk access before it lets a process go. */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/log.h"
#include "quorum/worker.h"

#define CHANNEL STDIN_FILENO

static void answer(int64_t id, const struct quorum_answer *a, double ms)
{
	_cleanup_free_ char *line = quorum_answer_line(id, a, ms);
	size_t len = strlen(line), done = 0;

	while (done < len) {
		ssize_t n = send(CHANNEL, line + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(0);       /* clusterd has gone */
		done += (size_t)n;
	}
}

static void handle(struct workers *workers, const char *line, size_t len)
{
	double began_ms = quorum_now_ms();
	struct quorum_answer a = { .result = QUORUM_ERROR };
	struct quorum_message m;
	int r = quorum_message_parse(line, len, &m, &a.err);

	if (r == 0)
		r = (m.configure ? workers_configure : workers_request)(workers, &m, &a.err);
	if (r < 0)
		log_warn("request %lld: %s", (long long)m.id, a.err.text);
	else
		a.result = QUORUM_OK;
	if (r < 0 || m.configure)
		workers_answer(workers, m.id, &a, quorum_now_ms() - began_ms);
	quorum_message_done(&m);
}

/* Handles the whole lines at the start of buffer; returns how many bytes they were. */
static size_t handle_lines(struct workers *workers, const struct buf *buffer, size_t scanned)
{
	size_t start = 0;
	const char *end;

	while ((end = memchr(buffer->s + MAX(start, scanned), '\n', buffer->len - MAX(start, scanned)))) {
		size_t len = (size_t)(end - buffer->s) - start;

		if (len)
			handle(workers, buffer->s + start, len);
		start += len + 1;
	}
	return start;
}

static int serve(struct workers *workers)
{
	_cleanup_(buf_done) struct buf buffer = { 0 };
	char part[65536];

	for (;;) {
		ssize_t n = read(CHANNEL, part, sizeof part);
		size_t before = buffer.len, done;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		buf_add(&buffer, part, (size_t)n);
		done = handle_lines(workers, &buffer, before);
		memmove(buffer.s, buffer.s + done, buffer.len - done);
		buffer.len -= done;
		if (buffer.len > QUORUM_LINE_MAX) {
			log_err("a request is longer than %u bytes", QUORUM_LINE_MAX);
			return 1;
		}
	}
}

int main(int argc, char **argv)
{
	struct workers *workers;
	int r;

	log_open("Cluster.Quorum.quorumd");
	if (argc > 1) {
		log_err("usage: quorumd; clusterd starts it, with a socket as descriptor 0");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (log_start_thread() < 0)
		log_warn("cannot start the log thread");
	workers = workers_new(answer);
	r = serve(workers);
	log_flush(100);
	/* Not exit(): the threads of the devices still run, and need what its handlers would tear down. */
	_exit(r);
}
