/* pmfadm: a thin command over org.parhelion.Pmf.
 *
 * Exit codes: 0; 1 tag exists, is not there, or refused; 2 -w expired; 3 usage; 4 no daemon; 5 no permission. */
#include "cmd/pmfadm.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/paths.h"
#include "base/varlink.h"
#include "cmd/cmd.h"

#define ANSWER_MS 60000                 /* for all but -w, which waits as long as it was told */
#define REMOTE_MS 10000                 /* -h: the host may be down */

enum { EXIT_OK, EXIT_REFUSED, EXIT_EXPIRED, EXIT_USAGE, EXIT_NO_DAEMON, EXIT_PERMISSION };

static int usage(const char *why)
{
	(void)fprintf(stderr,
		"pmfadm: %s\n"
		"usage: pmfadm -c nametag [-n retries] [-t period] [-a action] [-e VAR=value ... | -E] [-C level] command [args]\n"
		"       pmfadm -m nametag [-n retries] [-t period]\n"
		"       pmfadm -s nametag [-w timeout] [signal]\n"
		"       pmfadm -k nametag [-w timeout] [signal]\n"
		"       pmfadm -l nametag [-h host] [--json]\n"
		"       pmfadm -L [-h host] [--json]\n"
		"       pmfadm -q nametag [-h host]\n", why);
	return EXIT_USAGE;
}

static int exit_code(int r, const char *error)
{
	static const struct { const char *error; int code; } rows[] = {
		{ "org.parhelion.Pmf.NotPermitted", EXIT_PERMISSION },
		{ "org.varlink.service.PermissionDenied", EXIT_PERMISSION },
		{ "org.parhelion.Pmf.BadArgument", EXIT_USAGE },
	};

	if (r != -EREMOTEIO)
		return r == -EACCES || r == -EPERM ? EXIT_PERMISSION : EXIT_NO_DAEMON;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (error && streq(rows[i].error, error))
			return rows[i].code;
	return EXIT_REFUSED;
}

static bool host_is_local(const char *host)
{
	return !host || streq(host, "localhost") || streq(host, path_hostname());
}

/* EXIT_OK and *ret, or the exit code after the complaint. */
static int call(const struct pmfadm_options *o, const char *method, json_t *params, int timeout_ms, json_t **ret)
{
	_cleanup_free_ char *error = NULL;
	struct err err = { 0 };
	json_t *reply = NULL;
	int r;

	if (host_is_local(o->host))
		r = vl_call_sync(path_state(PATH_PMFD_SOCK), method, params, timeout_ms, &reply, &error, &err);
	else
		r = vl_call_tcp(o->host, PORT_PMFD, method, params, REMOTE_MS, &reply, &error, &err);
	if (r == 0) {
		*ret = reply;
		return EXIT_OK;
	}
	json_decref(reply);
	(void)fprintf(stderr, "pmfadm: %s\n", err.text);
	return exit_code(r, error);
}

static json_t *strings(char *const *v)
{
	json_t *array = json_array();

	for (; v && *v; v++) {
		json_t *s = json_string(*v);

		if (!s) {
			(void)fprintf(stderr, "pmfadm: \"%s\" is not UTF-8 text\n", *v);
			json_decref(array);
			return NULL;
		}
		ju_push(array, s);
	}
	return array;
}

static int create(const struct pmfadm_options *o)
{
	json_t *argv = strings(o->command), *env = strings(o->all_env ? environ : o->env.v), *params, *reply = NULL;
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	const char *path = getenv("PATH");
	mode_t mask = umask(0);
	int code;

	if (!argv || !env) {
		json_decref(argv);
		json_decref(env);
		return EXIT_USAGE;
	}
	params = ju_pack("{s:s, s:o, s:o, s:b, s:s, s:i}", "tag", o->tag, "argv", argv, "env", env,
			 "all_env", o->all_env, "cwd", cwd ? cwd : "/", "umask", (int)mask);
	if (o->has_retries)
		ju_set_int(params, "retries", o->retries);
	if (o->has_period)
		ju_set_int(params, "period_min", o->period);
	if (o->level >= 0)
		ju_set_int(params, "level", o->level);
	if (o->program)
		ju_set_str(params, "action", o->program);
	if (path)
		ju_set_str(params, "path", path);
	code = call(o, "org.parhelion.Pmf.Start", params, ANSWER_MS, &reply);
	json_decref(reply);
	return code;
}

static int modify(const struct pmfadm_options *o)
{
	json_t *params = ju_pack("{s:s}", "tag", o->tag), *reply = NULL;
	int code;

	if (o->has_retries)
		ju_set_int(params, "retries", o->retries);
	if (o->has_period)
		ju_set_int(params, "period", o->period);
	code = call(o, "org.parhelion.Pmf.Modify", params, ANSWER_MS, &reply);
	json_decref(reply);
	return code;
}

static int stop_or_kill(const struct pmfadm_options *o)
{
	bool kill_only = o->action == PMFADM_KILL;
	json_t *params = ju_pack("{s:s, s:i}", "tag", o->tag, "wait_ms", o->wait_s < 0 ? -1 : o->wait_s * 1000);
	json_t *reply = NULL;
	int code;

	if (o->signal || kill_only)
		ju_set_int(params, "signal", o->signal ? o->signal : SIGKILL);
	code = call(o, kill_only ? "org.parhelion.Pmf.Kill" : "org.parhelion.Pmf.Stop", params,
		    o->wait_s ? -1 : ANSWER_MS, &reply);
	if (code == EXIT_OK && ju_bool(reply, "expired", false))
		code = EXIT_EXPIRED;
	json_decref(reply);
	return code;
}

static int query(const struct pmfadm_options *o)
{
	json_t *reply = NULL;
	int code = call(o, "org.parhelion.Pmf.Query", ju_pack("{s:s}", "tag", o->tag), ANSWER_MS, &reply);

	if (code == EXIT_OK && !ju_bool(reply, "present", false))
		code = EXIT_REFUSED;
	json_decref(reply);
	return code;
}

static void print_json(const json_t *value)
{
	_cleanup_free_ char *text = ju_dump(value);

	(void)printf("%s\n", text);
}

static void print_strings(const char *before, const json_t *array, const char *after)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
		(void)printf("%s%s%s", before, json_string_value(item), after);
}

static void print_tag(const json_t *tag)
{
	int64_t retries = ju_int(tag, "retries", 0), period = ju_int(tag, "period", -1), level = ju_int(tag, "level", -1);
	const struct passwd *owner = getpwuid((uid_t)ju_int(tag, "owner", 0));
	const json_t *pid;
	size_t i;

	(void)printf("pmfadm -c %s", ju_str(tag, "tag", ""));
	if (retries != 0)
		(void)printf(" -n %lld", (long long)retries);
	if (period != -1)
		(void)printf(" -t %lld", (long long)period);
	if (ju_str(tag, "action", NULL))
		(void)printf(" -a \"%s\"", ju_str(tag, "action", NULL));
	if (level >= 0)
		(void)printf(" -C %lld", (long long)level);
	print_strings(" ", ju_arr(tag, "argv"), "");
	(void)printf("\n        environment:\n");
	print_strings("                ", ju_arr(tag, "env"), "\n");
	(void)printf("        retries: %lld\n", (long long)ju_int(tag, "failures", 0));
	if (owner)
		(void)printf("        owner: %s\n", owner->pw_name);
	else
		(void)printf("        owner: %lld\n", (long long)ju_int(tag, "owner", 0));
	if (level < 0)
		(void)printf("        monitor children: all\n");
	else
		(void)printf("        monitor children: up to level %lld\n", (long long)level);
	(void)printf("        pids:");
	json_array_foreach(ju_arr(tag, "pids"), i, pid)
		(void)printf(" %lld", (long long)json_integer_value(pid));
	(void)printf("\n");
}

static int show(const struct pmfadm_options *o)
{
	json_t *reply = NULL, *tag;
	int code = call(o, "org.parhelion.Pmf.Status", ju_pack("{s:s}", "tag", o->tag), ANSWER_MS, &reply);

	if (code != EXIT_OK)
		return code;
	tag = json_array_get(ju_arr(reply, "tags"), 0);
	if (o->json)
		print_json(tag);
	else
		print_tag(tag);
	json_decref(reply);
	return EXIT_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(ju_str(*(json_t *const *)a, "tag", ""), ju_str(*(json_t *const *)b, "tag", ""));
}

/* One's own tags, or all for root. */
static int list(const struct pmfadm_options *o)
{
	json_t *reply = NULL, *tag, *own = json_array(), **sorted;
	int code = call(o, "org.parhelion.Pmf.Status", NULL, ANSWER_MS, &reply);
	size_t i, n = 0;

	if (code == EXIT_OK) {
		sorted = xcalloc(json_array_size(ju_arr(reply, "tags")), sizeof *sorted);
		json_array_foreach(ju_arr(reply, "tags"), i, tag)
			if (geteuid() == 0 || ju_int(tag, "owner", -1) == (int64_t)geteuid())
				sorted[n++] = tag;
		qsort(sorted, n, sizeof *sorted, by_name);
		for (i = 0; i < n; i++)
			ju_push(own, json_incref(sorted[i]));
		free(sorted);
		if (o->json) {
			print_json(own);
		} else {
			(void)printf("tags:");
			json_array_foreach(own, i, tag)
				(void)printf(" %s", ju_str(tag, "tag", ""));
			(void)printf("\n");
		}
	}
	json_decref(own);
	json_decref(reply);
	return code;
}

int cmd_pmfadm(int argc, char **argv)
{
	static int (*const handlers[PMFADM_ACTION_COUNT])(const struct pmfadm_options *) = {
		[PMFADM_CREATE] = create, [PMFADM_MODIFY] = modify, [PMFADM_STOP] = stop_or_kill,
		[PMFADM_KILL] = stop_or_kill, [PMFADM_SHOW] = show, [PMFADM_LIST] = list, [PMFADM_QUERY] = query,
	};
	_cleanup_(pmfadm_options_done) struct pmfadm_options o;
	struct err err = { 0 };

	if (pmfadm_options_parse(argc, argv, &o, &err) < 0)
		return usage(err.text);
	return handlers[o.action](&o);
}
