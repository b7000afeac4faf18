/* Messages, and the lists that are printed as messages. */
#include "dsdl/message.h"

#include <rgm/libdsdev.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "dsdl/handle.h"
#include "dsdl/net.h"

#define MESSAGE_MAX 2048                /* bytes; what is longer is cut */

static int current_level;

void log_tag_keep(const char *tag)
{
	static char kept[LOG_TAG_MAX + 1];

	(void)snprintf(kept, sizeof kept, "%s", tag);
	log_open(kept);
}

int debug_level(void)
{
	return current_level;
}

void debug_level_read(const char *rt)
{
	_cleanup_free_ char *name = xstrndup(rt, strcspn(rt, ":")), *path = ask_path("/var/cluster/rgm/rt"),
		       *file = xasprintf("%s/%s/loglevel", path, name);
	FILE *f = fopen(file, "re");
	char line[16] = "";
	long level;

	if (f) {
		(void)!fgets(line, sizeof line, f);
		fclose(f);
	}
	level = strtol(line, NULL, 10);
	current_level = (int)(level < 0 ? 0 : MIN(level, (long)SCDS_MAX_DEBUG_LEVEL));
	if (current_level > 0)
		log_set_max_level(LOG_DEBUG);
}

/* One line is one message. */
static void put(int level, const char *format, va_list ap)
{
	char text[MESSAGE_MAX];
	size_t n;

	(void)vsnprintf(text, sizeof text, format, ap);
	n = strlen(text);
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	for (char *p = text; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	log_text(NULL, level, streq(format, "%s") ? text : format, text);
}

void scds_syslog(int priority, const char *format, ...)
{
	va_list ap;

	if (!format)
		return;
	va_start(ap, format);
	put(LOG_PRI(priority), format, ap);
	va_end(ap);
}

void scds_syslog_debug(int level, const char *format, ...)
{
	va_list ap;

	if (!format || level > current_level)
		return;
	va_start(ap, format);
	put(LOG_DEBUG, format, ap);
	va_end(ap);
}

/* ---- lists ---- */

void scds_print_net_list(scds_handle_t handle, int level, const scds_net_resource_list_t *list)
{
	if (!scds_of(handle) || !list || level > current_level)
		return;
	for (int i = 0; i < list->num_netresources; i++)
		for (int k = 0; k < list->netresources[i].num_hostnames; k++)
			scds_syslog_debug(level, "network resource %s: host name %s", list->netresources[i].name,
					  list->netresources[i].hostnames[k]);
}

void scds_print_port_list(scds_handle_t handle, int level, const scds_port_list_t *list)
{
	if (!scds_of(handle) || !list || level > current_level)
		return;
	for (int i = 0; i < list->num_ports; i++)
		scds_syslog_debug(level, "port %d/%s", list->ports[i].port, net_protocol_name(list->ports[i].proto));
}

void scds_print_netaddr_list(scds_handle_t handle, int level, const scds_netaddr_list_t *list)
{
	if (!scds_of(handle) || !list || level > current_level)
		return;
	for (int i = 0; i < list->num_netaddrs; i++)
		scds_syslog_debug(level, "host name %s, port %d/%s", list->netaddrs[i].hostname, list->netaddrs[i].port_proto.port,
				  net_protocol_name(list->netaddrs[i].port_proto.proto));
}

void scds_fm_print_probes(scds_handle_t handle, int level)
{
	const struct scds *s = scds_of(handle);

	if (!s || level > current_level)
		return;
	scds_syslog_debug(level, "%d failed probes remembered, sum %d", (int)s->fm.count, fm_sum(&s->fm));
	for (size_t i = 0; i < s->fm.count; i++)
		scds_syslog_debug(level, "probe status %d", s->fm.history[i].status);
}
