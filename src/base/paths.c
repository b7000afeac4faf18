#include "base/paths.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
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

void daemon_ready(void)
{
	const char *v = getenv("PARHELION_READY_FD");
	int fd = v && *v ? (int)strtol(v, NULL, 10) : -1;

	if (fd < 3)
		return;
	(void)!write(fd, "\n", 1);      /* nobody may be waiting any more */
	close(fd);
	(void)unsetenv("PARHELION_READY_FD");
}
