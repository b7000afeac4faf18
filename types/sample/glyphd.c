/* glyphd: a server to practise on.  It knows the shapes of letters, which it reads from a file, and tells them over TCP:
 *
 *     glyphd -config DIR/glyphd.cfg -port 7100
 *
 *     PING            PONG
 *     GLYPH A         eight rows of # and ., and an empty line
 *     anything else   ERROR and why
 *
 * The file has a line a letter: "A 18 24 42 7e 42 42 42 00", a byte a row.  One thread, one poll(2), no child. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define LINE_MAX_BYTES 128
#define ROWS 8

struct client { int fd; char line[LINE_MAX_BYTES]; size_t len; };

static unsigned char glyphs[128][ROWS];
static unsigned char known[128];
static struct client clients[CLIENTS_MAX];

static int read_config(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned row[ROWS];
	char letter, line[256];

	if (!f) {
		fprintf(stderr, "glyphd: cannot open %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (fgets(line, sizeof line, f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (sscanf(line, "%c %x %x %x %x %x %x %x %x", &letter, &row[0], &row[1], &row[2], &row[3], &row[4], &row[5], &row[6],
			   &row[7]) != 9 || (unsigned char)letter >= 128) {
			fprintf(stderr, "glyphd: %s: no letter with eight bytes: %s", path, line);
			fclose(f);
			return -1;
		}
		for (int i = 0; i < ROWS; i++)
			glyphs[(int)letter][i] = (unsigned char)row[i];
		known[(int)letter] = 1;
	}
	fclose(f);
	return 0;
}

static int listen_on(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 16) != 0) {
		fprintf(stderr, "glyphd: port %d: %s\n", port, strerror(errno));
		return -1;
	}
	return fd;
}

/* A client that does not take its answer at once has lost it. */
static void say(const struct client *c, const char *text)
{
	(void)send(c->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer(const struct client *c, const char *line)
{
	char text[ROWS * 9 + 2], *at = text;
	int letter = line[6];

	if (strcmp(line, "PING") == 0) {
		say(c, "PONG\n");
	} else if (strncmp(line, "GLYPH ", 6) != 0 || letter <= 0 || line[7]) {
		say(c, "ERROR write GLYPH and one letter\n");
	} else if (!known[letter]) {
		say(c, "ERROR that letter is not known\n");
	} else {
		for (int row = 0; row < ROWS; row++, *at++ = '\n')
			for (int bit = 7; bit >= 0; bit--)
				*at++ = glyphs[letter][row] & (1 << bit) ? '#' : '.';
		*at++ = '\n';
		*at = '\0';
		say(c, text);
	}
}

static void close_client(struct client *c)
{
	close(c->fd);
	*c = (struct client) { .fd = -1 };
}

static void serve(struct client *c)
{
	ssize_t n = read(c->fd, c->line + c->len, sizeof c->line - c->len - 1);
	char *end;

	if (n <= 0) {
		close_client(c);
		return;
	}
	c->len += (size_t)n;
	c->line[c->len] = '\0';
	while ((end = memchr(c->line, '\n', c->len))) {
		*end = '\0';
		if (end > c->line && end[-1] == '\r')
			end[-1] = '\0';
		answer(c, c->line);
		c->len -= (size_t)(end + 1 - c->line);
		memmove(c->line, end + 1, c->len);
	}
	if (c->len == sizeof c->line - 1)
		close_client(c);                /* a line that long is none of ours */
}

static void take(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 0; fd >= 0 && i < CLIENTS_MAX; i++)
		if (clients[i].fd < 0) {
			clients[i].fd = fd;
			return;
		}
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct pollfd fds[CLIENTS_MAX + 1];
	const char *config = NULL;
	int port = 7100, listener;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "-config") == 0)
			config = argv[i + 1];
		else if (strcmp(argv[i], "-port") == 0)
			port = (int)strtol(argv[i + 1], NULL, 10);
	}
	if (!config || argc % 2 == 0 || port < 1 || port > 65535) {
		fprintf(stderr, "usage: glyphd -config FILE [-port PORT]\n");
		return 2;
	}
	for (int i = 0; i < CLIENTS_MAX; i++)
		clients[i].fd = -1;
	if (read_config(config) < 0 || (listener = listen_on(port)) < 0)
		return 1;
	for (;;) {
		fds[CLIENTS_MAX] = (struct pollfd) { .fd = listener, .events = POLLIN };
		for (int i = 0; i < CLIENTS_MAX; i++)
			fds[i] = (struct pollfd) { .fd = clients[i].fd, .events = POLLIN };
		if (poll(fds, CLIENTS_MAX + 1, -1) < 0)
			continue;
		for (int i = 0; i < CLIENTS_MAX; i++)
			if (fds[i].revents)
				serve(&clients[i]);
		if (fds[CLIENTS_MAX].revents)
			take(listener);
	}
}
