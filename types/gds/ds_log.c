/* /var/cluster/logs/DS/GROUP/RESOURCE/start_stop_log.txt and probe_log.txt.
 * A line: MM/DD/YYYY HH:MM:SS node CLASS-INFO> text */
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/paths.h"
#include "gds/gds.h"
#include "lib/ask.h"

#define DS_LOG_DIR      "/var/cluster/logs/DS"
#define DS_LOG_MAX      (4u << 20)      /* then the file becomes NAME.old, and an older one of that name is gone */

static const struct { const char *name, *file; } classes[DS_LOG_CLASS_COUNT] = {
	[DS_LOG_START]    = { "START",    "start_stop_log.txt" },
	[DS_LOG_STOP]     = { "STOP",     "start_stop_log.txt" },
	[DS_LOG_PROBE]    = { "PROBE",    "probe_log.txt" },
	[DS_LOG_VALIDATE] = { "VALIDATE", "start_stop_log.txt" },
};

static void append(const struct method *m, enum ds_log_class class, bool error, const char *text)
{
	_cleanup_free_ char *root = ask_path(DS_LOG_DIR), *dir = xasprintf("%s/%s/%s", root, m->rg, m->rs);
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, classes[class].file);
	time_t now = time(NULL);
	char stamp[64];
	struct stat st;
	struct tm tm;
	FILE *f;

	if (stat(path, &st) == 0 && st.st_size > DS_LOG_MAX) {
		_cleanup_free_ char *old = xasprintf("%s.old", path);

		(void)rename(path, old);        /* else the file goes on growing */
	}
	if (path_mkdirs(dir, 0755) < 0)
		return;
	f = fopen(path, "ae");
	if (!f)
		return;
	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%m/%d/%Y %H:%M:%S", &tm);
	fprintf(f, "%s %s %s-%s> %s\n", stamp, path_hostname(), classes[class].name, error ? "ERR" : "INFO", text);
	fclose(f);
}

void ds_log(const struct method *m, enum ds_log_class class, bool error, const char *fmt, ...)
{
	const char *level = method_str(m, "Log_level", "NONE");
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (strieq(level, "INFO") || (error && strieq(level, "ERR")))
		append(m, class, error, text);
	log_tagged(NULL, error ? LOG_ERR : class == DS_LOG_PROBE ? LOG_DEBUG : LOG_INFO, "%s", text);
}
