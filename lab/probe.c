/* labprobe: a client that never tires, to measure how long a service was away.
 *
 * Every period an independent connection asks for one page.  Attempts overlap: one that hangs does not keep the next
 * from finding out that the service is back, so the gap is measured to the period, not to the timeout.  Attempts
 * have the same timeout, hence expire in the order they began: a queue and one timer serve them all. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

#define ANSWER_LIMIT 4096 /* headers and first body line; an answer that needs more counts as failed */
#define NS_PER_MS    1000000LL
#define NS_PER_S     1000000000LL
#define MIN_GAP_MS   25
#define GAP_PERIODS  5

struct attempt {
	TAILQ_ENTRY(attempt) link;
	int fd;
	bool sent;
	int64_t deadline;
	size_t length;
	char answer[ANSWER_LIMIT + 1];
};

struct probe {
	int64_t period, timeout, duration;
	struct addrinfo *where;
	char *request;
	int epoll, tick, expiry, signals;
	int64_t end; /* 0: until a signal */
	TAILQ_HEAD(, attempt) attempts;
	uint64_t ok, failed, failed_since_ok;
	int64_t last_ok, max_gap;
	char body[ANSWER_LIMIT + 1]; /* first line of the last good answer */
};

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "labprobe: %s: %s\n", what, why);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static double seconds(int64_t ns)
{
	return (double)ns / NS_PER_S;
}

static double milliseconds(int64_t ns)
{
	return (double)ns / NS_PER_MS;
}

/* ---- what is printed ---- */

static void print_event(json_t *event)
{
	if (!event)
		fail("event", "no memory, or an answer that is not UTF-8");
	json_dumpf(event, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	putchar('\n');
	fflush(stdout);
	json_decref(event);
}

static json_t *text(const char *s)
{
	json_t *value = json_string(s);

	return value ? value : json_string("(not UTF-8)");
}

static void print_first(int64_t mono, const char *body)
{
	print_event(json_pack("{s:s, s:f, s:o}", "event", "first", "mono", seconds(mono), "body", text(body)));
}

static void print_gap(const struct probe *probe, int64_t to, const char *after)
{
	print_event(json_pack("{s:s, s:f, s:f, s:f, s:I, s:o, s:o}", "event", "gap", "from", seconds(probe->last_ok),
			      "to", seconds(to), "ms", milliseconds(to - probe->last_ok), "failed",
			      (json_int_t)probe->failed_since_ok, "before", text(probe->body), "after", text(after)));
}

static void print_end(const struct probe *probe)
{
	print_event(json_pack("{s:s, s:f, s:I, s:I, s:f}", "event", "end", "mono", seconds(now()), "ok",
			      (json_int_t)probe->ok, "failed", (json_int_t)probe->failed, "max_gap_ms",
			      milliseconds(probe->max_gap)));
}

/* ---- attempts ---- */

static void arm(int timer, int64_t at, int64_t interval)
{
	struct itimerspec spec = {
		.it_value = {at / NS_PER_S, at % NS_PER_S},
		.it_interval = {interval / NS_PER_S, interval % NS_PER_S},
	};

	timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void arm_expiry(struct probe *probe)
{
	struct attempt *oldest = TAILQ_FIRST(&probe->attempts);

	arm(probe->expiry, oldest ? oldest->deadline : 0, 0);
}

static void attempt_end(struct probe *probe, struct attempt *attempt)
{
	bool oldest = attempt == TAILQ_FIRST(&probe->attempts);

	TAILQ_REMOVE(&probe->attempts, attempt, link);
	close(attempt->fd);
	free(attempt);
	if (oldest)
		arm_expiry(probe);
}

static void count_failure(struct probe *probe)
{
	probe->failed++;
	probe->failed_since_ok++;
}

static void attempt_fail(struct probe *probe, struct attempt *attempt)
{
	count_failure(probe);
	attempt_end(probe, attempt);
}

static void attempt_ok(struct probe *probe, struct attempt *attempt, const char *body)
{
	int64_t mono = now(), gap = mono - probe->last_ok;
	int64_t notable = MAX(GAP_PERIODS * probe->period, MIN_GAP_MS * NS_PER_MS);

	if (probe->ok++ == 0)
		print_first(mono, body);
	else if (gap > notable)
		print_gap(probe, mono, body);
	if (probe->ok > 1)
		probe->max_gap = MAX(probe->max_gap, gap);
	probe->last_ok = mono;
	probe->failed_since_ok = 0;
	strcpy(probe->body, body); /* both hold ANSWER_LIMIT */
	attempt_end(probe, attempt);
}

static void attempt_begin(struct probe *probe)
{
	const struct linger reset = {.l_onoff = 1}; /* no TIME_WAIT: at 200 a second the ports would run out */
	const struct addrinfo *where = probe->where;
	struct attempt *attempt = calloc(1, sizeof *attempt);
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = attempt};

	if (!attempt)
		fail("attempt", "no memory");
	attempt->fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0)
		fail("socket", strerror(errno));
	setsockopt(attempt->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	attempt->deadline = now() + probe->timeout;
	if ((connect(attempt->fd, where->ai_addr, where->ai_addrlen) < 0 && errno != EINPROGRESS) ||
	    epoll_ctl(probe->epoll, EPOLL_CTL_ADD, attempt->fd, &event) < 0) {
		count_failure(probe);
		close(attempt->fd);
		free(attempt);
		return;
	}
	TAILQ_INSERT_TAIL(&probe->attempts, attempt, link);
	if (attempt == TAILQ_FIRST(&probe->attempts))
		arm_expiry(probe);
}

/* First line of the body of a complete good answer, cut out in place; NULL: not (yet) good. */
static const char *answer_body(char *answer, bool complete)
{
	char *body = strstr(answer, "\r\n\r\n"), *line_end;

	if (!body || strncmp(answer, "HTTP/1.", 7) != 0 || strncmp(answer + 8, " 200", 4) != 0)
		return NULL;
	body += 4;
	line_end = strpbrk(body, "\r\n");
	if (!line_end && !complete)
		return NULL;
	if (line_end)
		*line_end = '\0';
	return body;
}

static void attempt_read(struct probe *probe, struct attempt *attempt)
{
	size_t room = ANSWER_LIMIT - attempt->length;
	ssize_t n = recv(attempt->fd, attempt->answer + attempt->length, room, 0);
	const char *body;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		attempt_fail(probe, attempt);
		return;
	}
	attempt->length += (size_t)n;
	body = answer_body(attempt->answer, n == 0);
	if (body)
		attempt_ok(probe, attempt, body);
	else if (n == 0 || attempt->length == ANSWER_LIMIT)
		attempt_fail(probe, attempt);
}

static void attempt_send(struct probe *probe, struct attempt *attempt)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = attempt};
	ssize_t length = (ssize_t)strlen(probe->request);

	/* the first segment of a connection takes a whole short request, or the connection has failed */
	if (send(attempt->fd, probe->request, (size_t)length, MSG_NOSIGNAL) != length) {
		attempt_fail(probe, attempt);
		return;
	}
	attempt->sent = true;
	epoll_ctl(probe->epoll, EPOLL_CTL_MOD, attempt->fd, &event);
}

static void expire(struct probe *probe)
{
	int64_t mono = now();
	struct attempt *oldest;

	while ((oldest = TAILQ_FIRST(&probe->attempts)) && oldest->deadline <= mono)
		attempt_fail(probe, oldest);
}

/* ---- the loop ---- */

static void drain(int timer)
{
	uint64_t expirations;

	(void)!read(timer, &expirations, sizeof expirations); /* missed ticks are not made up for */
}

/* False: it is time to stop.  At most one event is taken at a time, so no event can name an attempt that is gone. */
static bool step(struct probe *probe)
{
	struct epoll_event event;

	if (epoll_wait(probe->epoll, &event, 1, -1) < 1)
		return errno == EINTR;
	if (event.data.ptr == &probe->signals)
		return false;
	if (event.data.ptr == &probe->tick) {
		drain(probe->tick);
		attempt_begin(probe);
	} else if (event.data.ptr == &probe->expiry) {
		drain(probe->expiry);
		expire(probe);
	} else {
		struct attempt *attempt = event.data.ptr;
		attempt->sent ? attempt_read(probe, attempt) : attempt_send(probe, attempt);
	}
	return probe->end == 0 || now() < probe->end;
}

static void watch(struct probe *probe, int *fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

	if (*fd < 0 || epoll_ctl(probe->epoll, EPOLL_CTL_ADD, *fd, &event) < 0)
		fail("epoll", strerror(errno));
}

static void set_up(struct probe *probe)
{
	int64_t start = now();
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	TAILQ_INIT(&probe->attempts);
	probe->epoll = epoll_create1(EPOLL_CLOEXEC);
	probe->signals = signalfd(-1, &stop, SFD_CLOEXEC);
	probe->tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	probe->expiry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	watch(probe, &probe->signals);
	watch(probe, &probe->tick);
	watch(probe, &probe->expiry);
	arm(probe->tick, start, probe->period);
	probe->end = probe->duration ? start + probe->duration : 0;
}

/* ---- the command line ---- */

static const char usage[] =
	"usage: labprobe [-p PERIOD_MS] [-t TIMEOUT_MS] [-d SECONDS] [-6] HOST:PORT [PATH]\n"
	"Ask an HTTP server for PATH (default /) every period (default 5 ms), each time on a connection of its own; "
	"an\n"
	"answer 200 within the timeout (default 250 ms) is OK.  Prints JSON lines: \"first\" OK; every \"gap\" between "
	"two\n"
	"OKs longer than 5 periods and 25 ms, with the attempts known by then to have failed; \"end\", at SIGTERM, "
	"SIGINT\n"
	"or after SECONDS.  Times are CLOCK_MONOTONIC.  An IPv6 address is written [ADDRESS]:PORT.\n";

static int64_t parse_number(const char *value, int64_t unit)
{
	char *end;
	double number = strtod(value, &end);

	if (*end != '\0' || !(number > 0) || number > 1e6)
		fail(value, "not a positive number");
	return (int64_t)(number * (double)unit);
}

static void parse_target(struct probe *probe, char *target, const char *path, int family)
{
	struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
	char *colon = strrchr(target, ':'), *host = target;
	int status;

	if (!colon || colon == target)
		fail(target, "not HOST:PORT");
	*colon = '\0';
	if (*host == '[' && colon[-1] == ']') {
		host++;
		colon[-1] = '\0';
		hints.ai_family = AF_INET6;
	}
	status = getaddrinfo(host, colon + 1, &hints, &probe->where);
	if (status != 0)
		fail(host, gai_strerror(status));
	if (asprintf(&probe->request, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host) < 0)
		fail("request", "no memory");
}

int main(int argc, char **argv)
{
	struct probe probe = {.period = 5 * NS_PER_MS, .timeout = 250 * NS_PER_MS};
	static const struct option options[] = {{"help", 0, NULL, 'h'}, {0}};
	int c, family = AF_INET;

	while ((c = getopt_long(argc, argv, "p:t:d:6h", options, NULL)) != -1) {
		if (c == 'p')
			probe.period = parse_number(optarg, NS_PER_MS);
		else if (c == 't')
			probe.timeout = parse_number(optarg, NS_PER_MS);
		else if (c == 'd')
			probe.duration = parse_number(optarg, NS_PER_S);
		else if (c == '6')
			family = AF_INET6;
		else {
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	if (argc - optind < 1 || argc - optind > 2) {
		fputs(usage, stderr);
		return 2;
	}
	parse_target(&probe, argv[optind], argc - optind == 2 ? argv[optind + 1] : "/", family);
	set_up(&probe);
	while (step(&probe))
		;
	print_end(&probe);
	return 0;
}
