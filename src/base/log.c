#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *tag;
	int         max_level;
	bool        syslog;     /* there is somebody at /dev/log */
} logger = { .tag = "Cluster", .max_level = LOG_INFO };

static const char *const level_names[] = { "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug" };

uint32_t log_message_id(const char *fmt)
{
	uint64_t h = 1469598103934665603ULL;    /* FNV-1a */

	for (; *fmt; fmt++)
		h = (h ^ (unsigned char)*fmt) * 1099511628211ULL;
	return 100000 + (uint32_t)(h % 900000);
}

void log_open(const char *tag)
{
	logger.tag = tag;
	if (getenv("PARHELION_DEBUG"))
		logger.max_level = LOG_DEBUG;
	logger.syslog = access("/dev/log", W_OK) == 0;
}

void log_set_max_level(int level)
{
	logger.max_level = level;
}

static void write_stderr(const char *tag, const char *line)
{
	struct timespec now;
	struct tm tm;
	char stamp[32];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &tm);
	dprintf(STDERR_FILENO, "%s.%03ld %s[%d]: %s\n", stamp, now.tv_nsec / 1000000, tag, (int)getpid(), line);
}

void log_tagged(const char *tag, int level, const char *fmt, ...)
{
	char text[2048], line[2200];
	va_list ap;

	if (level > logger.max_level)
		return;
	if (!tag)
		tag = logger.tag;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)snprintf(line, sizeof line, "[ID %u daemon.%s] %s", log_message_id(fmt), level_names[level], text);
	if (logger.syslog) {
		openlog(tag, LOG_PID | LOG_NDELAY, LOG_DAEMON);
		syslog(level, "%s", line);
		closelog();
	}
	write_stderr(tag, line);
}
