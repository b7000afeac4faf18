/* An agent is its settings: rtconfig has them, and every file is a template filled in with them.  So scdscreate and scdsconfig both
 * write all files anew, and what the user has put between the markers goes over from the old file to the new one. */
#include "cmd/builder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/paths.h"
#include "cmd/file.h"
#include "cmd/signame.h"
#include "cmd/template.h"

#define CONFIG_FILE   "rtconfig"
#define CONFIG_MAX    65536u
#define FILE_MAX      (4u << 20)
#define PACKAGE_MAX   9u                /* letters of vendor and name together: what packages were limited to */
#define TIMEOUT_LEAST 60                /* MIN of the time-outs of methods, unless a lower one is asked for */

/* ---- settings: a row each ---- */

static int check_name(const char *v, struct err *err);
static int check_version(const char *v, struct err *err);
static int check_lang(const char *v, struct err *err);
static int check_flag(const char *v, struct err *err);
static int check_command(const char *v, struct err *err);
static int check_full_path(const char *v, struct err *err);
static int check_seconds(const char *v, struct err *err);
static int check_signal(const char *v, struct err *err);
static int check_ports(const char *v, struct err *err);

static const struct {
	const char *key, *dflt;
	int (*check)(const char *v, struct err *err);
} settings[SET_COUNT] = {
	[SET_VENDOR]           = { "RT_VENDOR",        "",      check_name },
	[SET_NAME]             = { "RT_NAME",          "",      check_name },
	[SET_VERSION]          = { "RT_VERSION",       "1.0",   check_version },
	[SET_LANG]             = { "RT_LANG",          "C",     check_lang },
	[SET_SCALABLE]         = { "RT_SCALABLE",      "FALSE", check_flag },
	[SET_NETAWARE]         = { "RT_NETAWARE",      "TRUE",  check_flag },
	[SET_START]            = { "START_CMD",        "",      check_command },
	[SET_START_TIMEOUT]    = { "START_TIMEOUT",    "300",   check_seconds },
	[SET_STOP]             = { "STOP_CMD",         "",      check_command },
	[SET_STOP_TIMEOUT]     = { "STOP_TIMEOUT",     "300",   check_seconds },
	[SET_VALIDATE]         = { "VALIDATE_CMD",     "",      check_full_path },
	[SET_VALIDATE_TIMEOUT] = { "VALIDATE_TIMEOUT", "300",   check_seconds },
	[SET_PROBE]            = { "PROBE_CMD",        "",      check_command },
	[SET_PROBE_TIMEOUT]    = { "PROBE_TIMEOUT",    "30",    check_seconds },
	[SET_STOP_SIGNAL]      = { "STOP_SIGNAL",      "15",    check_signal },
	[SET_PORTS]            = { "PORT_LIST",        "",      check_ports },
};

static int check_name(const char *v, struct err *err)
{
	if (isalpha((unsigned char)*v) && !v[strspn(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
		return 0;
	return err_set(err, -EINVAL, "\"%s\" is no name; use a letter, then letters, digits, - and _", v);
}

static int check_version(const char *v, struct err *err)
{
	for (const char *c = v; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("/\\*?,;[]\"'@", *c))
			return err_set(err, -EINVAL, "a version has no blank, no quote and none of / \\ * ? , ; [ ] @; \"%s\" has", v);
	return *v ? 0 : err_set(err, -EINVAL, "a version is not empty");
}

static int check_lang(const char *v, struct err *err)
{
	return streq(v, "C") || streq(v, "ksh") || streq(v, "gds") ? 0 : err_set(err, -EINVAL, "\"%s\" is none of C, ksh, gds", v);
}

static int check_flag(const char *v, struct err *err)
{
	return streq(v, "TRUE") || streq(v, "FALSE") ? 0 : err_set(err, -EINVAL, "\"%s\" is neither TRUE nor FALSE", v);
}

static int check_command(const char *v, struct err *err)
{
	for (const char *c = v; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_set(err, -EINVAL, "a command is one line without control characters; put more into a script");
	return 0;
}

static int check_full_path(const char *v, struct err *err)
{
	if (*v && *v != '/')
		return err_set(err, -EINVAL, "\"%s\" begins with no full path", v);
	return check_command(v, err);
}

static int check_seconds(const char *v, struct err *err)
{
	int n;

	return number_parse(v, 1, 86400, &n) < 0 ? err_set(err, -EINVAL, "\"%s\" is no number of seconds from 1 to 86400", v) : 0;
}

static int check_signal(const char *v, struct err *err)
{
	int n;

	return number_parse(v, 1, 31, &n) < 0 ? err_set(err, -EINVAL, "\"%s\" is no number of a signal from 1 to 31", v) : 0;
}

static int check_port(const char *v, struct err *err)
{
	static const char *const protocols[] = { "tcp", "udp", "tcp6", "udp6" };
	const char *slash = strchr(v, '/');
	_cleanup_free_ char *port = xstrndup(v, slash ? (size_t)(slash - v) : strlen(v));
	int n;

	if (number_parse(port, 1, 65535, &n) == 0 && slash)
		for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
			if (streq(slash + 1, protocols[i]))
				return 0;
	return err_set(err, -EINVAL, "\"%s\" is no port; write 80/tcp, udp, tcp6 or udp6", v);
}

static int check_ports(const char *v, struct err *err)
{
	_cleanup_(strlist_done) struct strlist ports = { 0 };
	int r = 0;

	strlist_split(&ports, v, ",");
	for (size_t i = 0; i < ports.n && r == 0; i++)
		r = check_port(ports.v[i], err);
	return r;
}

int agent_set(struct agent *agent, enum setting setting, const char *value, struct err *err)
{
	int r = settings[setting].check(value, err);

	if (r < 0)
		return r;
	free(agent->values[setting]);
	agent->values[setting] = xstrdup(value);
	return 0;
}

bool agent_is(const struct agent *agent, enum setting setting, const char *value)
{
	return streq(agent->values[setting], value);
}

void agent_init(struct agent *agent)
{
	*agent = (struct agent) { 0 };
	for (size_t i = 0; i < SET_COUNT; i++)
		agent->values[i] = xstrdup(settings[i].dflt);
}

void agent_done(struct agent *agent)
{
	free(agent->dir);
	for (size_t i = 0; i < SET_COUNT; i++)
		free(agent->values[i]);
	*agent = (struct agent) { 0 };
}

/* ---- rtconfig: KEY='value' a line, as a shell reads it ---- */

static char *config_text(const struct agent *agent)
{
	struct buf b = { 0 };

	buf_puts(&b, "# What scdscreate and scdsconfig were given.  Nothing but Agent Builder reads it.\n");
	for (size_t i = 0; i < SET_COUNT; i++) {
		buf_printf(&b, "%s=", settings[i].key);
		template_shell_word(&b, agent->values[i]);
		buf_puts(&b, "\n");
	}
	return buf_take(&b);
}

static int config_line(struct agent *agent, const char *path, size_t number, const char *line, struct err *err)
{
	_cleanup_(strlist_done) struct strlist words = { 0 };
	size_t key = strcspn(line, "=");
	int r;

	if (!*line || *line == '#')
		return 0;
	for (size_t i = 0; i < SET_COUNT; i++) {
		if (strlen(settings[i].key) != key || strncmp(line, settings[i].key, key) != 0 || !line[key])
			continue;
		r = words_split(line + key + 1, &words, err);
		if (r == 0 && words.n > 1)
			r = err_set(err, -EINVAL, "more than one word; quote the value");
		if (r == 0)
			r = agent_set(agent, (enum setting)i, words.n ? words.v[0] : "", err);
		return r < 0 ? err_prefix(err, r, "%s:%zu: %s", path, number, settings[i].key) : 0;
	}
	return err_set(err, -EINVAL, "%s:%zu: \"%.*s\" is no setting", path, number, (int)key, line);
}

static int config_read(struct agent *agent, const char *dir, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" CONFIG_FILE, dir), *text = NULL;
	_cleanup_(strlist_done) struct strlist lines = { 0 };
	size_t len;
	int r = file_read(path, CONFIG_MAX, &text, &len, err);

	if (r < 0)
		return r;
	strlist_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n && r == 0; i++)
		r = config_line(agent, path, i + 1, lines.v[i], err);
	if (r == 0 && (agent_is(agent, SET_VENDOR, "") || agent_is(agent, SET_NAME, "")))
		r = err_set(err, -EINVAL, "%s: RT_VENDOR and RT_NAME must be there", path);
	return r;
}

/* ---- where it is ---- */

static char *package_of(const struct agent *agent)
{
	return xasprintf("%s%s", agent->values[SET_VENDOR], agent->values[SET_NAME]);
}

int agent_place(struct agent *agent, const char *working_dir, struct err *err)
{
	_cleanup_free_ char *package = package_of(agent);
	struct stat st;

	if (strlen(package) > PACKAGE_MAX)
		return err_set(err, -EINVAL, "vendor and name together are the name of the package, %u letters at most; \"%s\" has %zu",
			       PACKAGE_MAX, package, strlen(package));
	if (stat(working_dir, &st) < 0)
		return err_set(err, -errno, "working directory %s: %s", working_dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "working directory %s: it is none", working_dir);
	free(agent->dir);
	agent->dir = xasprintf("%s/%s", working_dir, package);
	return 0;
}

static bool has_config(const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/" CONFIG_FILE, dir);

	return access(path, F_OK) == 0;
}

static int find_agent(const char *dir, char **ret, struct err *err)
{
	_cleanup_free_ char *found = NULL;
	struct dirent *entry;
	DIR *d;
	int r = 0;

	if (has_config(dir)) {
		*ret = xstrdup(dir);
		return 0;
	}
	d = opendir(dir);
	if (!d)
		return err_set(err, -errno, "%s: %s", dir, strerror(errno));
	while (r == 0 && (entry = readdir(d))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, entry->d_name);

		if (entry->d_name[0] == '.' || !has_config(path))
			continue;
		if (found)
			r = err_set(err, -EINVAL, "%s has several agents, %s and %s among them; name one with -d", dir,
				    found + strlen(dir) + 1, entry->d_name);
		else
			found = TAKE_PTR(path);
	}
	closedir(d);
	if (r == 0 && !found)
		r = err_set(err, -ENOENT, "there is no " CONFIG_FILE " in %s or one below it; scdscreate makes an agent, -d says where it is", dir);
	if (r == 0)
		*ret = TAKE_PTR(found);
	return r;
}

int agent_load(struct agent *agent, const char *dir, struct err *err)
{
	char *found = NULL;
	int r = find_agent(dir, &found, err);

	if (r < 0)
		return r;
	free(agent->dir);
	agent->dir = found;
	return config_read(agent, found, err);
}

char *agent_program(const struct agent *agent, const char *name)
{
	return xasprintf("/opt/%s%s/bin/%s_%s", agent->values[SET_VENDOR], agent->values[SET_NAME], agent->values[SET_NAME], name);
}

/* ---- the files ---- */

enum { LANG_C = 1, LANG_KSH = 2, LANG_GDS = 4, LANG_CODE = LANG_C | LANG_KSH, LANG_ALL = 7 };

/* NAME in a path is the name of the type, TYPE is vendor.name. */
static const struct output { const char *template, *path; unsigned langs; mode_t mode; } outputs[] = {
	{ "c/agent.c",           "src/NAME.c",                LANG_C, 0644 },
	{ "c/agent.h",           "src/NAME.h",                LANG_C, 0644 },
	{ "c/svc_start.c",       "src/NAME_svc_start.c",      LANG_C, 0644 },
	{ "c/svc_stop.c",        "src/NAME_svc_stop.c",       LANG_C, 0644 },
	{ "c/validate.c",        "src/NAME_validate.c",       LANG_C, 0644 },
	{ "c/update.c",          "src/NAME_update.c",         LANG_C, 0644 },
	{ "c/monitor_start.c",   "src/NAME_monitor_start.c",  LANG_C, 0644 },
	{ "c/monitor_stop.c",    "src/NAME_monitor_stop.c",   LANG_C, 0644 },
	{ "c/monitor_check.c",   "src/NAME_monitor_check.c",  LANG_C, 0644 },
	{ "c/probe.c",           "src/NAME_probe.c",          LANG_C, 0644 },
	{ "ksh/common",          "src/NAME_common.ksh",       LANG_KSH, 0644 },
	{ "ksh/svc_start",       "src/NAME_svc_start.ksh",    LANG_KSH, 0755 },
	{ "ksh/svc_stop",        "src/NAME_svc_stop.ksh",     LANG_KSH, 0755 },
	{ "ksh/validate",        "src/NAME_validate.ksh",     LANG_KSH, 0755 },
	{ "ksh/update",          "src/NAME_update.ksh",       LANG_KSH, 0755 },
	{ "ksh/monitor_start",   "src/NAME_monitor_start.ksh", LANG_KSH, 0755 },
	{ "ksh/monitor_stop",    "src/NAME_monitor_stop.ksh", LANG_KSH, 0755 },
	{ "ksh/monitor_check",   "src/NAME_monitor_check.ksh", LANG_KSH, 0755 },
	{ "ksh/probe",           "src/NAME_probe.ksh",        LANG_KSH, 0755 },
	{ "common/rtr",          "etc/TYPE",                  LANG_CODE, 0644 },
	{ "common/control",      "etc/control",               LANG_ALL, 0644 },
	{ "common/preinstall",   "etc/preinstall",            LANG_ALL, 0755 },
	{ "common/postinstall",  "etc/postinstall",           LANG_CODE, 0755 },
	{ "common/preremove",    "etc/preremove",             LANG_CODE, 0755 },
	{ "common/postremove",   "etc/postremove",            LANG_CODE, 0755 },
	{ "common/config",       "util/NAME_config",          LANG_ALL, 0644 },
	{ "common/start",        "util/startNAME",            LANG_ALL, 0755 },
	{ "common/stop",         "util/stopNAME",             LANG_ALL, 0755 },
	{ "common/remove",       "util/removeNAME",           LANG_ALL, 0755 },
	{ "common/start.1m",     "man/man1m/startNAME.1m",    LANG_ALL, 0644 },
	{ "common/stop.1m",      "man/man1m/stopNAME.1m",     LANG_ALL, 0644 },
	{ "common/remove.1m",    "man/man1m/removeNAME.1m",   LANG_ALL, 0644 },
	{ "common/Makefile",     "Makefile",                  LANG_ALL, 0644 },
	{ "common/README",       "README.NAME",               LANG_ALL, 0644 },
};
static const char *const directories[] = { "src", "bin", "etc", "util", "man/man1m", "pkg" };

static unsigned lang_of(const struct agent *agent)
{
	return agent_is(agent, SET_LANG, "C") ? LANG_C : agent_is(agent, SET_LANG, "ksh") ? LANG_KSH : LANG_GDS;
}

static char *output_path(const struct agent *agent, const struct output *output)
{
	struct buf b = { 0 };

	for (const char *s = output->path; *s;) {
		if (strncmp(s, "NAME", 4) == 0) {
			buf_puts(&b, agent->values[SET_NAME]);
			s += 4;
		} else if (strncmp(s, "TYPE", 4) == 0) {
			buf_printf(&b, "%s.%s", agent->values[SET_VENDOR], agent->values[SET_NAME]);
			s += 4;
		} else {
			buf_add(&b, s++, 1);
		}
	}
	return buf_take(&b);
}

/* ---- what a template can ask for ---- */

static char *lower_name(const char *text)
{
	char *copy = xstrdup(text);

	for (char *c = copy; *c; c++)
		*c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	return copy;
}

/* A version of a Debian package begins with a digit and has few other characters. */
static char *package_version(const char *version)
{
	struct buf b = { 0 };

	if (!isdigit((unsigned char)*version))
		buf_puts(&b, "0.");
	for (; *version; version++)
		buf_add(&b, isalnum((unsigned char)*version) || strchr(".+~", *version) ? version : ".", 1);
	return buf_take(&b);
}

static char *flag(bool on)
{
	return xstrdup(on ? "1" : "");
}

static char *least_of(const char *timeout)
{
	int n = TIMEOUT_LEAST;

	(void)number_parse(timeout, 1, 86400, &n);      /* agent_set() has looked at it */
	return xasprintf("%d", MIN(n, TIMEOUT_LEAST));
}

struct values { struct template_value v[64]; size_t n; struct strlist made; };

static void add_value(struct values *values, const char *name, char *value)
{
	assert(values->n < ARRAY_SIZE(values->v));
	strlist_take(&values->made, value);
	values->v[values->n++] = (struct template_value) { name, value };
}

static void values_fill(const struct agent *agent, struct values *values)
{
	bool netaware = agent_is(agent, SET_NETAWARE, "TRUE"), scalable = agent_is(agent, SET_SCALABLE, "TRUE");
	_cleanup_free_ char *vendor = lower_name(agent->values[SET_VENDOR]), *name = lower_name(agent->values[SET_NAME]);
	unsigned lang = lang_of(agent);

	for (size_t i = 0; i < SET_COUNT; i++)
		add_value(values, settings[i].key, xstrdup(agent->values[i]));
	add_value(values, "PKG", package_of(agent));
	add_value(values, "TYPE", xasprintf("%s.%s", agent->values[SET_VENDOR], agent->values[SET_NAME]));
	add_value(values, "USED_TYPE", lang == LANG_GDS ? xstrdup("SUNW.gds") :
		  xasprintf("%s.%s", agent->values[SET_VENDOR], agent->values[SET_NAME]));
	add_value(values, "DEB_NAME", xasprintf("%s-%s", vendor, name));
	add_value(values, "DEB_VERSION", package_version(agent->values[SET_VERSION]));
	add_value(values, "PREFIX", xstrdup(PARHELION_PREFIX));
	add_value(values, "FAILOVER", xstrdup(scalable ? "FALSE" : "TRUE"));
	add_value(values, "START_MIN", least_of(agent->values[SET_START_TIMEOUT]));
	add_value(values, "STOP_MIN", least_of(agent->values[SET_STOP_TIMEOUT]));
	add_value(values, "VALIDATE_MIN", least_of(agent->values[SET_VALIDATE_TIMEOUT]));
	add_value(values, "NETAWARE", flag(netaware));
	add_value(values, "SCALABLE", flag(scalable));
	add_value(values, "IS_C", flag(lang == LANG_C));
	add_value(values, "IS_KSH", flag(lang == LANG_KSH));
	add_value(values, "IS_GDS", flag(lang == LANG_GDS));
}

/* Templates are beside the programs: PREFIX/bin/parhelion, PREFIX/lib/builder. */
static int template_read(const char *name, char **ret, struct err *err)
{
	_cleanup_free_ char *self = realpath("/proc/self/exe", NULL), *path = NULL;
	char *slash = self ? strrchr(self, '/') : NULL;
	size_t len;

	if (!slash)
		return err_set(err, -ENOENT, "cannot find out where this program is: %s", strerror(errno));
	*slash = '\0';
	path = xasprintf("%s/../lib/builder/%s", self, name);
	return file_read(path, FILE_MAX, ret, &len, err);
}

/* Of one file: its text, with what the user has added to the one that is there. */
static int output_text(const struct agent *agent, const struct output *output, const struct values *values, const char *path,
		       char **ret, struct err *err)
{
	_cleanup_free_ char *template = NULL, *old = NULL, *full = xasprintf("%s/%s", agent->dir, path);
	_cleanup_(buf_done) struct buf fresh = { 0 };
	size_t len;
	int r = template_read(output->template, &template, err);

	if (r == 0)
		r = template_fill(output->template, template, values->v, values->n, &fresh, err);
	if (r < 0)
		return r;
	r = file_read(full, FILE_MAX, &old, &len, err);
	if (r == -ENOENT) {
		*ret = buf_take(&fresh);
		return 0;
	}
	return r < 0 ? r : template_keep_areas(full, old, fresh.s ? fresh.s : "", ret, err);
}

/* A directory that is there must hold the same agent. */
static int check_place(const struct agent *agent, struct err *err)
{
	struct agent there;
	struct stat st;
	int r = 0;

	if (lstat(agent->dir, &st) < 0)
		return errno == ENOENT ? 0 : err_set(err, -errno, "%s: %s", agent->dir, strerror(errno));
	agent_init(&there);
	if (!S_ISDIR(st.st_mode) || !has_config(agent->dir))
		r = err_set(err, -EEXIST, "%s is there and no agent of the builder; move it away, or choose another -d", agent->dir);
	else
		r = config_read(&there, agent->dir, err);
	if (r == 0 && !streq(there.values[SET_LANG], agent->values[SET_LANG]))
		r = err_set(err, -EEXIST, "%s is an agent in %s; move it away, or choose another -d", agent->dir, there.values[SET_LANG]);
	agent_done(&there);
	return r;
}

static int write_all(const struct agent *agent, const struct strlist *paths, const struct strlist *texts, const mode_t *modes,
		     struct err *err)
{
	_cleanup_free_ char *config = xasprintf("%s/" CONFIG_FILE, agent->dir), *text = config_text(agent);
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(directories) && r == 0; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", agent->dir, directories[i]);

		r = path_mkdirs(path, 0755);
		if (r < 0)
			r = err_set(err, r, "cannot make %s: %s", path, strerror(-r));
	}
	if (r == 0)                     /* first: what is half written can be written again */
		r = file_write(config, text, strlen(text), 0644, true, err);
	for (size_t i = 0; i < paths->n && r == 0; i++)
		r = agent_add_file(agent, paths->v[i], texts->v[i], modes[i], err);
	return r;
}

int agent_add_file(const struct agent *agent, const char *path, const char *text, unsigned mode, struct err *err)
{
	_cleanup_free_ char *full = xasprintf("%s/%s", agent->dir, path);

	return file_write(full, text, strlen(text), (mode_t)mode, true, err);
}

static void values_done(struct values *values)
{
	strlist_done(&values->made);
}

int agent_write(const struct agent *agent, struct err *err)
{
	_cleanup_(strlist_done) struct strlist paths = { 0 }, texts = { 0 };
	_cleanup_(values_done) struct values values = { .n = 0 };
	mode_t modes[ARRAY_SIZE(outputs)];
	int r = check_place(agent, err);

	values_fill(agent, &values);
	for (size_t i = 0; i < ARRAY_SIZE(outputs) && r == 0; i++) {
		char *path, *text;

		if (!(outputs[i].langs & lang_of(agent)))
			continue;
		path = output_path(agent, &outputs[i]);
		r = output_text(agent, &outputs[i], &values, path, &text, err);
		if (r < 0) {
			free(path);
			return r;
		}
		modes[paths.n] = outputs[i].mode;
		strlist_take(&paths, path);
		strlist_take(&texts, text);
	}
	return r < 0 ? r : write_all(agent, &paths, &texts, modes, err);
}

/* ---- building ---- */

static int run_make(const struct agent *agent, const char *target, struct err *err)
{
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		return err_set(err, -errno, "cannot start make: %s", strerror(errno));
	if (pid == 0) {
		execlp("make", "make", "--no-print-directory", "-C", agent->dir, target, (char *)NULL);
		(void)fprintf(stderr, "cannot run make: %s; package build-essential has it\n", strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, -errno, "cannot wait for make: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, -EINVAL, "make %s in %s failed; what it printed says why", target, agent->dir);
}

int agent_build(const struct agent *agent, struct err *err)
{
	int r = run_make(agent, "default", err);

	return r < 0 ? r : run_make(agent, "pkg", err);
}
