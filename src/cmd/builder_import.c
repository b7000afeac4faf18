/* What exists already becomes an agent: a unit of systemd, or the command line of a container.  Both give a script "run" that starts
 * the same in the foreground, under the process monitor, and settings.  What changes the meaning of the service is refused; what is
 * only not carried over is told. */
#include <ctype.h>
#include <errno.h>

#include "cmd/builder.h"
#include "cmd/signame.h"
#include "cmd/template.h"

#define HEAD "#!/bin/sh\n# Made by scdscreate %s%s; yours from now on, nothing writes it again.\nset -f\n"

/* ---- words ---- */

/* One character behind a backslash. */
static char unescaped(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c;
}

/* Up to the closing quote, behind which *s is then.  -EINVAL: there is none. */
static int quoted(const char **s, struct buf *word)
{
	char quote = *(*s)++;

	for (; **s != quote; (*s)++) {
		char c = **s;

		if (c == '\\' && quote == '"' && (*s)[1])
			c = unescaped(*++*s);
		if (c == '\0')
			return -EINVAL;
		buf_add(word, &c, 1);
	}
	(*s)++;
	return 0;
}

int words_split(const char *text, struct strlist *ret, struct err *err)
{
	const char *s = text;

	for (;;) {
		struct buf word = { 0 };

		s += strspn(s, " \t\n");
		if (!*s)
			return 0;
		while (*s && !strchr(" \t\n", *s)) {
			if (*s == '"' || *s == '\'') {
				if (quoted(&s, &word) < 0) {
					buf_done(&word);
					return err_set(err, -EINVAL, "a quote is not closed in: %s", text);
				}
				continue;
			}
			if (*s == '\\' && s[1])
				s++;
			buf_add(&word, s++, 1);
		}
		strlist_take(ret, buf_take(&word));
	}
}

static int set_program(struct agent *agent, enum setting setting, const char *name, struct err *err)
{
	_cleanup_free_ char *program = agent_program(agent, name);

	return agent_set(agent, setting, program, err);
}

/* ---- systemd ---- */

struct unit {
	struct agent *agent;
	const char   *file;             /* "nginx.service" */
	unsigned      line;
	struct strlist *notes;
	struct err   *err;
	bool          in_service;
	char         *start, *pre, *stop, *dir, *user, *group;
	struct buf    environment;      /* lines of the script */
};

static int unit_fail(struct unit *u, const char *text, const char *what)
{
	return err_set(u->err, -EINVAL, "%s:%u: %s%s%s", u->file, u->line, text, what ? ": " : "", what ? what : "");
}

static void replace(char **field, const char *value)
{
	free(*field);
	*field = *value ? xstrdup(value) : NULL;
}

/* %n and a few more; NULL: one that would need systemd. */
static char *without_specifiers(const struct unit *u, const char *text)
{
	size_t plain = strcspn(u->file, ".");
	struct buf b = { 0 };

	for (; *text; text++) {
		if (*text != '%') {
			buf_add(&b, text, 1);
			continue;
		}
		switch (*++text) {
		case '%': buf_puts(&b, "%"); break;
		case 'n': buf_puts(&b, u->file); break;
		case 'N': case 'p': buf_add(&b, u->file, plain); break;
		default:
			buf_done(&b);
			return NULL;
		}
	}
	return buf_take(&b);
}

/* In double quotes of a shell, with ${NAME} left to the shell, as systemd replaces it. */
static void put_word(struct buf *b, const char *word)
{
	size_t name = *word == '$' ? strspn(word + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") : 0;

	if (name && !word[1 + name]) {          /* a word of its own is split again */
		buf_puts(b, word);
		return;
	}
	buf_puts(b, "\"");
	for (; *word; word++) {
		bool variable = word[0] == '$' && word[1] == '{' && word[2 + strcspn(word + 2, "}")] == '}';

		if (word[0] == '$' && word[1] == '$')
			word++;                 /* $$ is one */
		if (strchr("\"\\`$", *word) && !variable)
			buf_puts(b, "\\");
		buf_add(b, word, 1);
	}
	buf_puts(b, "\"");
}

/* "/usr/sbin/nginx -g 'daemon off;'" as a line of a shell.  -EINVAL after a complaint. */
static int command_line(struct unit *u, const char *text, char **ret)
{
	_cleanup_free_ char *plain = without_specifiers(u, text);
	_cleanup_(strlist_done) struct strlist words = { 0 };
	const char *first;
	struct buf b = { 0 };
	bool may_fail;
	int r;

	if (!plain)
		return unit_fail(u, "a specifier other than %% %n %N %p needs systemd", text);
	may_fail = *plain == '-';
	first = plain + (may_fail ? 1 : 0);
	if (strchr("@:+!|", *first))
		return unit_fail(u, "only - may stand before a command here", text);
	r = words_split(first, &words, u->err);
	if (r < 0)
		return err_prefix(u->err, r, "%s:%u", u->file, u->line);
	if (words.n == 0)
		return unit_fail(u, "no command", NULL);
	for (size_t i = 0; i < words.n; i++) {
		if (streq(words.v[i], ";")) {
			buf_done(&b);
			return unit_fail(u, "one command a line", text);
		}
		buf_puts(&b, i ? " " : "");
		put_word(&b, words.v[i]);
	}
	if (may_fail)
		buf_puts(&b, " || :");
	*ret = buf_take(&b);
	return 0;
}

static int do_start(struct unit *u, const char *value)
{
	if (u->start)
		return unit_fail(u, "a second ExecStart=; one is what can be watched", NULL);
	return command_line(u, value, &u->start);
}

static int do_pre(struct unit *u, const char *value)
{
	_cleanup_free_ char *line = NULL, *before = u->pre;
	int r = command_line(u, value, &line);

	if (r < 0) {
		before = NULL;
		return r;
	}
	u->pre = xasprintf("%s%s%s\n", before ? before : "", line, strstr(line, " || :") ? "" : " || exit 1");
	return 0;
}

static int do_stop(struct unit *u, const char *value)
{
	_cleanup_free_ char *before = u->stop, *line = NULL;
	int r;

	u->stop = NULL;
	if (strstr(value, "MAINPID")) {
		strlist_take(u->notes, xasprintf("%s:%u: ExecStop= is left out: only systemd knows $MAINPID; the signal of KillSignal= is sent "
						 "instead", u->file, u->line));
		u->stop = TAKE_PTR(before);
		return 0;
	}
	r = command_line(u, value, &line);
	if (r == 0)
		u->stop = xasprintf("%s%s\n", before ? before : "", line);
	return r;
}

static int do_type(struct unit *u, const char *value)
{
	if (streq(value, "oneshot") || streq(value, "dbus") || streq(value, "idle"))
		return unit_fail(u, "a service of that kind has no process to watch, or needs systemd to say that it is up", value);
	if (streq(value, "notify") || streq(value, "notify-reload"))
		strlist_take(u->notes, xasprintf("%s:%u: Type=%s: nobody listens to sd_notify(3); give scdsconfig a probe with -m", u->file,
						 u->line, value));
	return 0;
}

static int do_user(struct unit *u, const char *value) { replace(&u->user, value); return 0; }
static int do_group(struct unit *u, const char *value) { replace(&u->group, value); return 0; }

static int do_dir(struct unit *u, const char *value)
{
	_cleanup_free_ char *plain = without_specifiers(u, value + (*value == '-'));

	if (!plain || *plain != '/')
		return unit_fail(u, "give the full path of a directory", value);
	replace(&u->dir, plain);
	return 0;
}

static int do_environment(struct unit *u, const char *value)
{
	_cleanup_(strlist_done) struct strlist words = { 0 };
	_cleanup_free_ char *plain = without_specifiers(u, value);
	int r;

	if (!plain)
		return unit_fail(u, "a specifier other than %% %n %N %p needs systemd", value);
	r = words_split(plain, &words, u->err);
	if (r < 0)
		return err_prefix(u->err, r, "%s:%u", u->file, u->line);
	for (size_t i = 0; i < words.n; i++) {
		size_t name = strspn(words.v[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

		if (name == 0 || words.v[i][name] != '=' || isdigit((unsigned char)*words.v[i]))
			return unit_fail(u, "no NAME=value", words.v[i]);
		buf_printf(&u->environment, "export %.*s=", (int)name, words.v[i]);
		template_shell_word(&u->environment, words.v[i] + name + 1);
		buf_puts(&u->environment, "\n");
	}
	return 0;
}

static int do_environment_file(struct unit *u, const char *value)
{
	bool may_miss = *value == '-';
	struct buf *b = &u->environment;

	value += may_miss ? 1 : 0;
	if (*value != '/')
		return unit_fail(u, "give the full path of the file", value);
	buf_puts(b, may_miss ? "if [ -r " : "");
	if (may_miss) {
		template_shell_word(b, value);
		buf_puts(b, " ]; then ");
	}
	buf_puts(b, "set -a; . ");
	template_shell_word(b, value);
	buf_puts(b, may_miss ? "; set +a; fi\n" : " || exit 1; set +a\n");
	strlist_take(u->notes, xasprintf("%s:%u: EnvironmentFile= is read by a shell: values with blanks need quotes", u->file, u->line));
	return 0;
}

static int do_seconds(struct unit *u, enum setting setting, const char *value)
{
	static const struct { const char *unit; int s; } scales[] = { { "s", 1 }, { "sec", 1 }, { "", 1 }, { "min", 60 }, { "m", 60 }, { "h", 3600 } };
	size_t digits = strspn(value, "0123456789");
	_cleanup_free_ char *number = xstrndup(value, digits), *text = NULL;
	int n, scale = 0;

	for (size_t i = 0; i < ARRAY_SIZE(scales); i++)
		if (streq(value + digits, scales[i].unit))
			scale = scales[i].s;
	if (streq(value, "infinity") || number_parse(number, 1, 86400, &n) < 0 || !scale || n > 86400 / scale) {
		strlist_take(u->notes, xasprintf("%s:%u: time-out %s: no whole number of seconds up to a day; the default of 300 s stays", u->file,
						 u->line, value));
		return 0;
	}
	text = xasprintf("%d", n * scale);
	return agent_set(u->agent, setting, text, u->err);
}

static int do_start_timeout(struct unit *u, const char *value) { return do_seconds(u, SET_START_TIMEOUT, value); }
static int do_stop_timeout(struct unit *u, const char *value) { return do_seconds(u, SET_STOP_TIMEOUT, value); }

static int do_timeout(struct unit *u, const char *value)
{
	int r = do_start_timeout(u, value);

	return r == 0 ? do_stop_timeout(u, value) : r;
}

static int do_signal(struct unit *u, const char *value)
{
	_cleanup_free_ char *text = NULL;
	int n = signal_parse(strncmp(value, "SIG", 3) == 0 ? value + 3 : value);

	if (n < 0)
		return unit_fail(u, "there is no such signal", value);
	text = xasprintf("%d", n);
	return agent_set(u->agent, SET_STOP_SIGNAL, text, u->err);
}

static int do_nothing(struct unit *u, const char *value)
{
	(void)u;
	(void)value;
	return 0;
}

/* The cluster does these itself: restarts, the order of starts, the log, what belongs to the service. */
static const struct { const char *key; int (*fn)(struct unit *u, const char *value); } unit_keys[] = {
	{ "ExecStart", do_start }, { "ExecStartPre", do_pre }, { "ExecStop", do_stop }, { "Type", do_type },
	{ "User", do_user }, { "Group", do_group }, { "WorkingDirectory", do_dir }, { "Environment", do_environment },
	{ "EnvironmentFile", do_environment_file }, { "TimeoutStartSec", do_start_timeout }, { "TimeoutStopSec", do_stop_timeout },
	{ "TimeoutSec", do_timeout }, { "KillSignal", do_signal },
	{ "Restart", do_nothing }, { "RestartSec", do_nothing }, { "PIDFile", do_nothing }, { "KillMode", do_nothing },
	{ "RemainAfterExit", do_nothing }, { "GuessMainPID", do_nothing },
};

static int unit_line(struct unit *u, char *line)
{
	char *equals = strchr(line, '='), *value = equals ? equals + 1 : NULL;

	line += strspn(line, " \t");
	if (*line == '[') {
		u->in_service = strncmp(line, "[Service]", 9) == 0;
		return 0;
	}
	if (!*line || *line == '#' || *line == ';' || !u->in_service)
		return 0;
	if (!equals)
		return unit_fail(u, "no KEY=value", line);
	while (equals > line && strchr(" \t", equals[-1]))
		equals--;
	*equals = '\0';
	value += strspn(value, " \t");
	for (size_t i = 0; i < ARRAY_SIZE(unit_keys); i++)
		if (streq(line, unit_keys[i].key))
			return unit_keys[i].fn(u, value);
	strlist_take(u->notes, xasprintf("%s:%u: %s= is not carried over", u->file, u->line, line));
	return 0;
}

/* Lines that end in a backslash go on in the next. */
static int unit_lines(struct unit *u, const char *text)
{
	_cleanup_(strlist_done) struct strlist lines = { 0 };
	int r = 0;

	strlist_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n && r == 0; i++) {
		_cleanup_(buf_done) struct buf whole = { 0 };
		size_t len = strlen(lines.v[i]);

		u->line = (unsigned)i + 1;
		for (; len && lines.v[i][len - 1] == '\\' && i + 1 < lines.n; len = strlen(lines.v[i])) {
			buf_add(&whole, lines.v[i], len - 1);
			buf_puts(&whole, " ");
			i++;
		}
		buf_puts(&whole, lines.v[i]);
		r = unit_line(u, whole.s);
	}
	return r;
}

static void put_identity(const struct unit *u, struct buf *b)
{
	if (!u->user && !u->group)
		return;
	buf_puts(b, "setpriv");
	if (u->user) {
		buf_puts(b, " --reuid=");
		template_shell_word(b, u->user);
		buf_puts(b, " --init-groups");
	} else {
		buf_puts(b, " --clear-groups");
	}
	buf_puts(b, " --regid=");
	if (u->group)
		template_shell_word(b, u->group);
	else {
		buf_puts(b, "\"$(id -g ");
		template_shell_word(b, u->user);
		buf_puts(b, ")\"");
	}
	buf_puts(b, " -- ");
}

static void put_head(const struct unit *u, struct buf *b)
{
	buf_printf(b, HEAD, "--from-unit ", u->file);
	if (u->environment.s)
		buf_puts(b, u->environment.s);
	if (u->dir) {
		buf_puts(b, "cd ");
		template_shell_word(b, u->dir);
		buf_puts(b, " || exit 1\n");
	}
}

static int unit_result(struct unit *u, struct buf *ret_run, struct buf *ret_stop)
{
	int r;

	u->line = 0;
	if (!u->start)
		return err_set(u->err, -EINVAL, "%s: section [Service] has no ExecStart=", u->file);
	put_head(u, ret_run);
	if (u->pre)
		buf_puts(ret_run, u->pre);
	buf_puts(ret_run, "exec ");
	put_identity(u, ret_run);
	if (strstr(u->start, " || :"))          /* that its failure does not count is the cluster's to say */
		buf_add(ret_run, u->start, strlen(u->start) - 5);
	else
		buf_puts(ret_run, u->start);
	buf_puts(ret_run, "\n");
	r = set_program(u->agent, SET_START, "run", u->err);
	if (r < 0 || !u->stop)
		return r;
	put_head(u, ret_stop);
	buf_puts(ret_stop, u->stop);
	return set_program(u->agent, SET_STOP, "halt", u->err);
}

int agent_from_unit(struct agent *agent, const char *name, const char *text, struct buf *ret_run, struct buf *ret_stop,
		    struct strlist *notes, struct err *err)
{
	struct unit u = { .agent = agent, .file = name, .notes = notes, .err = err };
	int r = unit_lines(&u, text);

	if (r == 0)
		r = unit_result(&u, ret_run, ret_stop);
	free(u.start);
	free(u.pre);
	free(u.stop);
	free(u.dir);
	free(u.user);
	free(u.group);
	buf_done(&u.environment);
	return r;
}

/* ---- containers ---- */

enum option_kind { KEEP, KEEP_VALUE, DROP, DROP_VALUE, REFUSE, PUBLISH };

/* Options of "run" that mean something here; others that begin with "--" and have "=" are kept, and the rest is refused, for nobody
 * knows whether a value follows. */
static const struct { const char *word; enum option_kind kind; } run_options[] = {
	{ "-d", DROP }, { "--detach", DROP }, { "--rm", DROP }, { "--name", DROP_VALUE }, { "--restart", DROP_VALUE }, { "--cidfile", DROP_VALUE },
	{ "--replace", DROP },
	{ "-p", PUBLISH }, { "--publish", PUBLISH },
	{ "-i", REFUSE }, { "-t", REFUSE }, { "-it", REFUSE }, { "-ti", REFUSE }, { "--interactive", REFUSE }, { "--tty", REFUSE },
	{ "-e", KEEP_VALUE }, { "--env", KEEP_VALUE }, { "--env-file", KEEP_VALUE }, { "-v", KEEP_VALUE }, { "--volume", KEEP_VALUE },
	{ "--mount", KEEP_VALUE }, { "--network", KEEP_VALUE }, { "--net", KEEP_VALUE }, { "-u", KEEP_VALUE }, { "--user", KEEP_VALUE },
	{ "-w", KEEP_VALUE }, { "--workdir", KEEP_VALUE }, { "-m", KEEP_VALUE }, { "--memory", KEEP_VALUE }, { "--cpus", KEEP_VALUE },
	{ "-h", KEEP_VALUE }, { "--hostname", KEEP_VALUE }, { "-l", KEEP_VALUE }, { "--label", KEEP_VALUE }, { "--entrypoint", KEEP_VALUE },
	{ "--cap-add", KEEP_VALUE }, { "--cap-drop", KEEP_VALUE }, { "--device", KEEP_VALUE }, { "--dns", KEEP_VALUE },
	{ "--ulimit", KEEP_VALUE }, { "--shm-size", KEEP_VALUE }, { "--tmpfs", KEEP_VALUE }, { "--add-host", KEEP_VALUE },
	{ "--security-opt", KEEP_VALUE }, { "--stop-timeout", KEEP_VALUE }, { "--stop-signal", KEEP_VALUE }, { "--pull", KEEP_VALUE },
	{ "--log-driver", KEEP_VALUE }, { "--log-opt", KEEP_VALUE },
	{ "--privileged", KEEP }, { "--init", KEEP }, { "--read-only", KEEP },
};

struct container {
	const char *tool, *name;        /* "podman"; of the container */
	struct buf  arguments;          /* of "run", quoted */
	struct buf  ports;
	struct strlist *notes;
	struct err *err;
};

static void keep_word(struct container *c, const char *word)
{
	buf_puts(&c->arguments, " ");
	template_shell_word(&c->arguments, word);
}

/* "80", "8080:80", "127.0.0.1:8080:80/tcp": the port of the host. */
static void note_port(struct container *c, const char *value)
{
	const char *slash = strchr(value, '/');
	_cleanup_free_ char *ports = xstrndup(value, slash ? (size_t)(slash - value) : strlen(value));
	char *last = strrchr(ports, ':'), *host;
	int n;

	if (!last) {
		strlist_take(c->notes, xasprintf("port %s of the container gets any port of the host: not in Port_list", value));
		return;
	}
	*last = '\0';
	host = strrchr(ports, ':');
	host = host ? host + 1 : ports;
	if (number_parse(host, 1, 65535, &n) < 0) {
		strlist_take(c->notes, xasprintf("-p %s names no single port of the host: not in Port_list", value));
		return;
	}
	buf_printf(&c->ports, "%s%s/%s", c->ports.len ? "," : "", host, slash ? slash + 1 : "tcp");
}

/* One option at words[i]; *ret_used is 1, or 2 with a value in the next word. */
static int container_option(struct container *c, const struct strlist *words, size_t i, size_t *ret_used)
{
	const char *word = words->v[i], *equals = strchr(word, '=');
	_cleanup_free_ char *name = xstrndup(word, equals ? (size_t)(equals - word) : strlen(word));
	const char *value;

	*ret_used = 1;
	for (size_t k = 0; k < ARRAY_SIZE(run_options); k++) {
		enum option_kind kind = run_options[k].kind;
		bool takes = kind == KEEP_VALUE || kind == DROP_VALUE || kind == PUBLISH;

		if (!streq(name, run_options[k].word))
			continue;
		if (kind == REFUSE)
			return err_set(c->err, -EINVAL, "%s: a service has no terminal", word);
		if (takes && !equals && i + 1 == words->n)
			return err_set(c->err, -EINVAL, "%s needs a value", word);
		value = equals ? equals + 1 : takes ? words->v[i + 1] : NULL;
		*ret_used = takes && !equals ? 2 : 1;
		if (kind == PUBLISH)
			note_port(c, value);
		if (kind == DROP_VALUE)
			strlist_take(c->notes, xasprintf("%s %s is left out: the cluster does that", name, value));
		if (kind == KEEP || kind == KEEP_VALUE || kind == PUBLISH)
			for (size_t w = 0; w < *ret_used; w++)
				keep_word(c, words->v[i + w]);
		return 0;
	}
	if (equals && strncmp(word, "--", 2) == 0) {
		keep_word(c, word);
		return 0;
	}
	return err_set(c->err, -EINVAL, "option %s is not known here; write --NAME=VALUE when it takes a value, or add it to the script afterwards",
		       word);
}

static int container_words(struct container *c, const struct strlist *words)
{
	size_t i = 1;
	int r = 0;

	if (words->n > 1 && streq(words->v[1], "container"))
		i++;
	if (words->n <= i || !streq(words->v[i], "run"))
		return err_set(c->err, -EINVAL, "write it as: podman run [OPTION ...] IMAGE [COMMAND ...]");
	for (i++; i < words->n && words->v[i][0] == '-' && r == 0;) {
		size_t used;

		r = container_option(c, words, i, &used);
		i += used;
	}
	if (r == 0 && i >= words->n)
		return err_set(c->err, -EINVAL, "no image is named");
	for (; i < words->n && r == 0; i++)
		keep_word(c, words->v[i]);
	return r;
}

static int container_result(struct agent *agent, struct container *c, struct buf *ret_run, struct buf *ret_stop)
{
	int r = 0;

	buf_printf(ret_run, HEAD, "--from-container", "");
	/* In the foreground: the client lives as long as the container, and is what the process monitor sees. */
	buf_printf(ret_run, "%s rm -f %s >/dev/null 2>&1        # left over from a crash\nexec %s run --rm --name %s%s\n",
		   c->tool, c->name, c->tool, c->name, c->arguments.s);
	buf_printf(ret_stop, HEAD, "--from-container", "");
	buf_printf(ret_stop, "%s stop %s >/dev/null 2>&1\n%s rm -f %s >/dev/null 2>&1\n"
		   "! %s container inspect %s >/dev/null 2>&1      # gone is what counts\n", c->tool, c->name, c->tool, c->name, c->tool, c->name);
	if (c->ports.len)
		r = agent_set(agent, SET_PORTS, c->ports.s, c->err);
	if (r == 0)
		r = set_program(agent, SET_START, "run", c->err);
	return r == 0 ? set_program(agent, SET_STOP, "halt", c->err) : r;
}

int agent_from_container(struct agent *agent, const char *command, struct buf *ret_run, struct buf *ret_stop, struct strlist *notes,
			 struct err *err)
{
	_cleanup_(strlist_done) struct strlist words = { 0 };
	_cleanup_free_ char *name = xasprintf("%s-%s", agent->values[SET_VENDOR], agent->values[SET_NAME]);
	struct container c = { .name = name, .notes = notes, .err = err };
	int r = words_split(command, &words, err);

	if (r < 0)
		return r;
	if (words.n == 0 || (!streq(words.v[0], "podman") && !streq(words.v[0], "docker")))
		return err_set(err, -EINVAL, "write it as: podman run ..., or docker run ...");
	c.tool = words.v[0];
	r = container_words(&c, &words);
	if (r == 0)
		r = container_result(agent, &c, ret_run, ret_stop);
	buf_done(&c.arguments);
	buf_done(&c.ports);
	return r;
}
