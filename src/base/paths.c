#include "base/paths.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const char *path_state(const char *absolute)
{
	static struct { const char *in; char *out; } cache[32];  /* one per PATH_ constant; a full table is a bug */
	const char *root = getenv("PARHELION_ROOT");

	assert(absolute[0] == '/');
	if (!root || !*root)
		return absolute;
	for (size_t i = 0; i < ARRAY_SIZE(cache); i++) {
		if (cache[i].in && streq(cache[i].in, absolute))
			return cache[i].out;
		if (!cache[i].in) {
			cache[i].in = xstrdup(absolute);
			cache[i].out = xasprintf("%s%s", root, absolute);
			return cache[i].out;
		}
	}
	assert(!"path_state: more paths than the table holds");
	return NULL;
}

int path_mkdirs(const char *dir, unsigned mode)
{
	_cleanup_free_ char *p = xstrdup(dir);

	for (char *s = p + 1;; s++) {
		if (*s != '/' && *s != '\0')
			continue;
		char keep = *s;
		*s = '\0';
		if (mkdir(p, mode) < 0 && errno != EEXIST)
			return -errno;
		*s = keep;
		if (!keep)
			return 0;
	}
}

const char *path_hostname(void)
{
	static char name[256];

	if (gethostname(name, sizeof name - 1) < 0)
		return "localhost";
	return name;
}

static void tell_starter(void)
{
	const char *v = getenv("PARHELION_READY_FD");
	int fd = v && *v ? (int)strtol(v, NULL, 10) : -1;

	if (fd < 3)
		return;
	(void)!write(fd, "\n", 1);      /* nobody may be waiting any more */
	close(fd);
	(void)unsetenv("PARHELION_READY_FD");
}

/* sd_notify(3), "READY=1"; the protocol is one datagram.  A name that begins with @ is in the abstract namespace. */
static void tell_systemd(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		/* Should it fail, systemd ends the service after its TimeoutStartSec, and says so. */
		(void)!sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&to,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
		close(fd);
	}
	(void)unsetenv("NOTIFY_SOCKET");        /* methods must not speak for us */
}

void daemon_ready(void)
{
	tell_starter();
	tell_systemd();
}
