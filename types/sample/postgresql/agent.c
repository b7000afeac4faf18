/* See agent.h. */
#include "agent.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define PMFADM "/usr/cluster/bin/pmfadm"
#define PMF_LIMIT_S 3600                        /* the cluster ends a method much sooner, and with it what it runs */

/* ---- messages ---- */

int fail(const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	syslog(LOG_ERR, "%s", text);
	fprintf(stderr, "%s\n", text);
	return 1;
}

void note(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsyslog(priority, format, args);
	va_end(args);
}

void set_status(const struct agent *a, scha_rsstatus_t status, const char *text)
{
	scha_err_t e = scha_resource_setstatus(a->resource, a->group, status, text);

	if (e != SCHA_ERR_NOERR)
		note(LOG_WARNING, "cannot tell the status %s: %s", text, scha_strerror(e));
}

/* ---- properties ---- */

/* How each property that we ask for is read: the library delivers another type for each kind. */
enum kind { NUMBER, LIST, EXTENSION };
static const struct { const char *name; enum kind kind; } known[] = {
	{ "Start_timeout", NUMBER }, { "Stop_timeout", NUMBER }, { "Prenet_start_timeout", NUMBER }, { "Postnet_stop_timeout", NUMBER },
	{ "Monitor_stop_timeout", NUMBER }, { "Thorough_probe_interval", NUMBER }, { "Retry_count", NUMBER },
	{ "Num_resource_restarts", NUMBER }, { "Port_list", LIST }, { "Network_resources_used", LIST },
	{ "Disk", EXTENSION }, { "Mount_point", EXTENSION }, { "Bin_dir", EXTENSION }, { "Db_user", EXTENSION },
	{ "Probe_query", EXTENSION }, { "Probe_timeout", EXTENSION }, { "Monitor_retry_count", EXTENSION },
	{ "Monitor_retry_interval", EXTENSION },
};

static int put(char *value, size_t size, const char *text)
{
	if ((size_t)snprintf(value, size, "%s", text) < size)
		return 0;
	*value = '\0';
	return 1;
}

static int join(char *value, size_t size, const scha_str_array_t *array)
{
	size_t len = 0;

	for (uint_t i = 0; array && i < array->array_cnt; i++) {
		int n = snprintf(value + len, size - len, "%s%s", i ? "," : "", array->str_array[i]);
		if (n < 0 || (size_t)n >= size - len) {
			*value = '\0';
			return 1;
		}
		len += (size_t)n;
	}
	return 0;
}

/* SEQID says that the resource changed since it was opened; the value is good.  What a handle delivers is gone when it is closed. */
static bool delivered(scha_err_t e)
{
	return e == SCHA_ERR_NOERR || e == SCHA_ERR_SEQID;
}

static int from_cluster(scha_resource_t handle, const char *name, enum kind kind, char *value, size_t size)
{
	scha_extprop_value_t *extension;
	scha_str_array_t *list;
	char text[16];
	int n;

	switch (kind) {
	case NUMBER:
		if (!delivered(scha_resource_get(handle, name, &n)))
			return 1;
		snprintf(text, sizeof text, "%d", n);
		return put(value, size, text);
	case LIST:
		return delivered(scha_resource_get(handle, name, &list)) ? join(value, size, list) : 1;
	case EXTENSION:
		if (!delivered(scha_resource_get(handle, SCHA_EXTENSION, name, &extension)))
			return 1;
		if (extension->prop_type == SCHA_PTYPE_STRINGARRAY)
			return join(value, size, extension->val.val_strarray);
		if (extension->prop_type == SCHA_PTYPE_STRING)
			return put(value, size, extension->val.val_str ? extension->val.val_str : "");
		if (extension->prop_type != SCHA_PTYPE_INT)
			return 1;
		snprintf(text, sizeof text, "%d", extension->val.val_int);
		return put(value, size, text);
	}
	return 1;
}

int property(const struct agent *a, const char *name, char *value, size_t size)
{
	size_t len = strlen(name);
	scha_resource_t handle;
	int rc = 1;

	*value = '\0';
	for (int i = a->given_cnt; i-- > 0; )           /* the last one counts */
		if (strncasecmp(a->given[i], name, len) == 0 && a->given[i][len] == '=')
			return put(value, size, a->given[i] + len + 1);
	if (scha_resource_open(a->resource, a->group, &handle) != SCHA_ERR_NOERR)
		return 1;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i].name, name) == 0)
			rc = from_cluster(handle, name, known[i].kind, value, size);
	scha_resource_close(handle);
	return rc;
}

int number(const struct agent *a, const char *name, int otherwise)
{
	char text[TEXT_MAX], *end;
	long n;

	if (property(a, name, text, sizeof text) != 0)
		return otherwise;
	n = strtol(text, &end, 10);
	return end == text || *end ? otherwise : (int)n;
}

int port(const struct agent *a)
{
	char text[TEXT_MAX], *end;
	long n;

	if (property(a, "Port_list", text, sizeof text) != 0)
		return 0;
	n = strtol(text, &end, 10);
	return n > 0 && n < 65536 && (*end == '\0' || strcasecmp(end, "/tcp") == 0) ? (int)n : 0;
}

/* The names of one resource; none when it is no address. */
static void add_hosts(const char *resource, char *names, size_t size)
{
	scha_extprop_value_t *list;
	scha_resource_t handle;
	size_t len = strlen(names);

	if (scha_resource_open(resource, NULL, &handle) != SCHA_ERR_NOERR)
		return;
	if (delivered(scha_resource_get(handle, SCHA_EXTENSION, "HostnameList", &list)) && list->prop_type == SCHA_PTYPE_STRINGARRAY) {
		if (len > 0 && len + 1 < size) {
			names[len++] = ',';
			names[len] = '\0';
		}
		if (join(names + len, size - len, list->val.val_strarray) != 0)
			note(LOG_WARNING, "too many host names: those of %s are left out", resource);
	}
	scha_resource_close(handle);
}

int hosts(const struct agent *a, char *names, size_t size)
{
	scha_resourcegroup_t handle;
	scha_str_array_t *resources;
	char used[TEXT_MAX];

	*names = '\0';
	if (property(a, "Network_resources_used", used, sizeof used) == 0 && *used) {
		for (char *at = used, *one; (one = strsep(&at, ",")); )
			add_hosts(one, names, size);
	} else if (scha_resourcegroup_open(a->group, &handle) == SCHA_ERR_NOERR) {
		if (delivered(scha_resourcegroup_get(handle, SCHA_RESOURCE_LIST, &resources)))
			for (uint_t i = 0; resources && i < resources->array_cnt; i++)
				add_hosts(resources->str_array[i], names, size);
		scha_resourcegroup_close(handle);
	}
	return *names == '\0';
}

/* ---- commands ---- */

/* In the child.  Standard output is the log's or nobody's; errors stay, they are shown to the administrator. */
static void __attribute__((noreturn)) become(const char *user, const char *const argv[])
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct passwd *pw;

	(void)dup2(null, 0);
	(void)dup2(null, 1);
	if (user) {
		pw = getpwnam(user);
		if (!pw || initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
			_exit(127);
		(void)setenv("HOME", pw->pw_dir, 1);
	}
	execv(argv[0], (char *const *)argv);
	fprintf(stderr, "cannot execute %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int run(const char *user, int limit_s, const char *const argv[])
{
	struct pollfd ended = { .events = POLLIN };
	bool late = false;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		become(user, argv);
	if (pid < 0) {
		note(LOG_ERR, "cannot run %s: %s", argv[0], strerror(errno));
		return -1;
	}
	/* A descriptor that is readable when the child has ended: poll(2) waits for it with a limit, without signals or sleeping. */
	ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ended.fd >= 0) {
		late = poll(&ended, 1, limit_s * 1000) == 0;
		close(ended.fd);
	}
	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return late ? RUN_TIMEOUT : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int pmf(const char *option, const char *tag, const char *const words[])
{
	const char *argv[64] = { PMFADM, option, tag };
	size_t n = 3;

	while (words && *words && n < sizeof argv / sizeof argv[0] - 1)
		argv[n++] = *words++;
	return run(NULL, PMF_LIMIT_S, argv);
}

bool pmf_has(const char *tag)
{
	return pmf("-q", tag, NULL) == 0;
}

int pmf_end(const char *tag, const char *signal, int limit_s)
{
	char limit[16];

	snprintf(limit, sizeof limit, "%d", limit_s > 0 ? limit_s : 1);
	if (!pmf_has(tag) || pmf("-s", tag, (const char *[]) { "-w", limit, signal, NULL }) == 0)
		return 0;
	if (pmf_has(tag))
		(void)pmf("-s", tag, (const char *[]) { "-w", limit, "KILL", NULL });
	return pmf_has(tag);
}

/* ---- time ---- */

void pause_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&t, NULL);
}

long now_ms(void)
{
	return (long)(gethrtime() / 1000000);
}
