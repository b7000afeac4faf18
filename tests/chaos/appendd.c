/* appendd FILE PORT: the application of the chaos test.  "append CLIENT SEQ" becomes a record at the end of FILE, on a disk that
 * all nodes see; "ok SEQ" when it is there.
 *
 * A record is a line: SEQ CLIENT NODE BOOT PID MONO_NS WALL_NS, written by one write(2).  The first one of a process has SEQ 0 and
 * CLIENT "start".  BOOT is /run/boot-id, which the lab writes at each boot: all simulated machines share one kernel's boot_id.
 * MONO_NS is read just before the write.
 *
 * There is no lock and no look at what others do, on purpose: that at most one of these runs is what the cluster has to see to. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 32      /* one more, and the oldest is closed: clients come back, and their old ones may be dead */
#define LINE_MAX_BYTES  128

struct connection { int fd; size_t len; char line[LINE_MAX_BYTES]; };

struct server {
	int file, count;                /* connections, oldest first */
	char node[65], boot[65];
	struct connection connections[CONNECTIONS_MAX];
};

static void die(const char *what)
{
	(void)fprintf(stderr, "appendd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* After a write that failed or was cut nobody knows what the file holds: the end, and the client asks again. */
static void append(const struct server *s, const char *client, unsigned long long seq)
{
	char record[512];
	int len = snprintf(record, sizeof record, "%llu %s %s %s %d %lld %lld\n", seq, client, s->node, s->boot, (int)getpid(),
			   clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME));

	if (write(s->file, record, (size_t)len) != len)
		die("write");
	if (fdatasync(s->file) < 0)
		die("fdatasync");
}

static void drop(struct server *s, int i)
{
	close(s->connections[i].fd);
	s->count--;
	memmove(&s->connections[i], &s->connections[i + 1], (size_t)(s->count - i) * sizeof s->connections[0]);
}

/* False: not what we understand, or nobody takes the answer. */
static bool obey(const struct server *s, int fd, const char *line)
{
	unsigned long long seq;
	char client[33], answer[48];
	int len;

	if (sscanf(line, "append %32[a-z0-9] %llu", client, &seq) != 2)
		return false;
	append(s, client, seq);
	len = snprintf(answer, sizeof answer, "ok %llu\n", seq);
	return send(fd, answer, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) == len;
}

static bool serve(struct server *s, struct connection *c)
{
	ssize_t n = recv(c->fd, c->line + c->len, sizeof c->line - 1 - c->len, MSG_DONTWAIT);
	char *end;

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	c->len += (size_t)n;
	c->line[c->len] = '\0';
	while ((end = strchr(c->line, '\n'))) {
		*end++ = '\0';
		if (!obey(s, c->fd, c->line))
			return false;
		c->len -= (size_t)(end - c->line);
		memmove(c->line, end, c->len + 1);
	}
	return c->len < sizeof c->line - 1;
}

static void welcome(struct server *s, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;                 /* it has gone already */
	if (s->count == CONNECTIONS_MAX)
		drop(s, 0);
	s->connections[s->count++] = (struct connection) { .fd = fd };
}

static int listen_on(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, CONNECTIONS_MAX) < 0)
		die("listen");
	return fd;
}

static void read_word(const char *path, char ret[65])
{
	FILE *f = fopen(path, "re");

	if (!f || fscanf(f, "%64s", ret) != 1)
		die(path);
	fclose(f);
}

static void turn(struct server *s, int listener)
{
	struct pollfd fds[CONNECTIONS_MAX + 1] = { { .fd = listener, .events = POLLIN } };
	int count = s->count;

	for (int i = 0; i < count; i++)
		fds[i + 1] = (struct pollfd) { .fd = s->connections[i].fd, .events = POLLIN };
	if (poll(fds, (nfds_t)count + 1, -1) < 0 && errno != EINTR)
		die("poll");
	for (int i = count - 1; i >= 0; i--)            /* backwards: drop() moves those behind */
		if (fds[i + 1].revents && !serve(s, &s->connections[i]))
			drop(s, i);
	if (fds[0].revents)
		welcome(s, listener);
}

int main(int argc, char **argv)
{
	static struct server s;
	long port = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	int listener;

	if (port < 1 || port > 65535) {
		(void)fprintf(stderr, "usage: appendd FILE PORT\n");
		return 2;
	}
	read_word("/etc/hostname", s.node);
	read_word("/run/boot-id", s.boot);
	s.file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (s.file < 0)
		die(argv[1]);
	append(&s, "start", 0);
	listener = listen_on((int)port);
	for (;;)
		turn(&s, listener);
}
