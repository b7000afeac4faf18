/* /var/cluster/logs/DS/GROUP/RESOURCE/start_stop_log.txt and probe_log.txt.
 * A line: MM/DD/YYYY HH:MM:SS node CLASS-INFO> text */
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gds/gds.h"

#define LOG_DIR         "/var/cluster/logs/DS"
#define LOG_MAX         (4 << 20)       /* then the file becomes NAME.old, and an older one of that name is gone */

static const struct { const char *name, *file; } classes[GDS_LOG_CLASS_COUNT] = {
	[GDS_LOG_START]    = { "START",    "start_stop_log.txt" },
	[GDS_LOG_STOP]     = { "STOP",     "start_stop_log.txt" },
	[GDS_LOG_PROBE]    = { "PROBE",    "probe_log.txt" },
	[GDS_LOG_VALIDATE] = { "VALIDATE", "start_stop_log.txt" },
};

/* mkdir -p.  What fails here fails at fopen(3). */
static void make_folders(char *path)
{
	for (char *p = path + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			(void)mkdir(path, 0755);
			*p = '/';
		}
}

static void append(scds_handle_t h, enum gds_log_class class, bool error, const char *text)
{
	char path[SCDS_ARRAY_SIZE], old[SCDS_ARRAY_SIZE + 4], node[256], stamp[64];
	time_t now = time(NULL);
	struct stat st;
	struct tm tm;
	FILE *f;

	if (snprintf(path, sizeof path, LOG_DIR "/%s/%s/%s", scds_get_resource_group_name(h), scds_get_resource_name(h),
		     classes[class].file) >= (int)sizeof path)
		return;
	if (stat(path, &st) == 0 && st.st_size > LOG_MAX) {
		(void)snprintf(old, sizeof old, "%s.old", path);
		(void)rename(path, old);        /* else the file goes on growing */
	}
	make_folders(path);
	f = fopen(path, "ae");
	if (!f)
		return;
	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%m/%d/%Y %H:%M:%S", &tm);
	node[0] = '\0';
	(void)gethostname(node, sizeof node - 1);
	fprintf(f, "%s %s %s-%s> %s\n", stamp, node, classes[class].name, error ? "ERR" : "INFO", text);
	fclose(f);
}

void gds_log(scds_handle_t h, enum gds_log_class class, bool error, const char *format, ...)
{
	char text[2 * SCDS_ARRAY_SIZE];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (gds_enum_is(h, "Log_level", "INFO") || (error && gds_enum_is(h, "Log_level", "ERR")))
		append(h, class, error, text);
	scds_syslog(error ? LOG_ERR : class == GDS_LOG_PROBE ? LOG_DEBUG : LOG_INFO, "%s", text);
}
