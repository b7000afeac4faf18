/* Programs under the process monitor. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/log.h"
#include "dsdl/handle.h"
#include "dsdl/trees.h"
#include "dsdl/command.h"
#include "dsdl/pmf_client.h"

#define TIMERUN_TIMED_OUT 99            /* exit code of hatimerun */
#define WAIT_MAX_S        86400         /* longer waits are that long, so that milliseconds are no overflow */

static const char *const extensions[] = {
	[SCDS_PMF_TYPE_SVC] = "svc", [SCDS_PMF_TYPE_MON] = "mon", [SCDS_PMF_TYPE_OTHER] = "oth",
};

/* NULL: one of the arguments is none. */
static char *tag_new(const struct scds *s, scds_pmf_type_t type, int instance)
{
	if (!s || (unsigned)type >= ARRAY_SIZE(extensions) || instance < 0)
		return NULL;
	return pmf_tag_of(s->m.rg, s->m.rs, instance, extensions[type]);
}

static int signal_ok(int signal) { return signal > 0 && signal <= SIGRTMAX; }

static scha_err_t told(int r, const char *tag, const struct err *err)
{
	if (r < 0)
		log_err("%s: %s", tag, err->text[0] ? err->text : strerror(-r));
	return r == -ETIMEDOUT ? SCHA_ERR_TIMEOUT : r < 0 ? SCHA_ERR_INTERNAL : SCHA_ERR_NOERR;
}

/* ---- start ---- */

static json_t *shell_argv(const char *command)
{
	return ju_pack("[s, s, o]", "/bin/sh", "-c", ask_string(command));
}

/* Without a shell between: what pmfadm -l shows is the monitor itself. */
static json_t *monitor_argv(const struct scds *s, const char *command)
{
	_cleanup_(strlist_done) struct strlist words = { 0 };
	const char *basedir = s->values[PROP_rt_rt_basedir].p;
	json_t *argv = json_array();

	strlist_split(&words, command, " \t\n");
	for (size_t i = 0; i < words.n; i++)
		if (*words.v[i])
			ju_push(argv, ask_string(words.v[i]));
	if (json_array_size(argv) > 0 && !strchr(json_string_value(json_array_get(argv, 0)), '/'))
		json_array_set_new(argv, 0, json_sprintf("%s/%s", basedir && *basedir ? basedir : s->m.bin_dir,
							 json_string_value(json_array_get(argv, 0))));
	ju_push(argv, ask_string("-R"));
	ju_push(argv, ask_string(s->m.rs));
	ju_push(argv, ask_string("-G"));
	ju_push(argv, ask_string(s->m.rg));
	ju_push(argv, ask_string("-T"));
	ju_push(argv, ask_string(s->m.rt));
	return argv;
}

static int64_t minutes_of(int64_t seconds) { return (seconds + 59) / 60; }

static json_t *spec_new(const struct scds *s, scds_pmf_type_t type, const char *tag, const char *command, int level)
{
	json_t *spec = ju_pack("{s:o, s:i}", "tag", ask_string(tag), "level", level);
	int64_t period;

	if (type == SCDS_PMF_TYPE_MON) {
		ju_set_new(spec, "argv", monitor_argv(s, command));
		ju_set_int(spec, "retries", s->values[PROP_ext_monitor_retry_count].n);
		period = s->values[PROP_ext_monitor_retry_interval].n;
	} else {
		ju_set_new(spec, "argv", shell_argv(command));
		ju_set_int(spec, "retries", 0);
		period = minutes_of(method_int(&s->m, "Retry_interval", 0));
	}
	ju_set_int(spec, "period", period > 0 ? period : -1);
	return spec;
}

scha_err_t scds_pmf_start_env(scds_handle_t handle, scds_pmf_type_t program_type, int instance, const char *command,
			      int child_monitor_level, char **env)
{
	struct scds *s = scds_of(handle);
	_cleanup_free_ char *tag = tag_new(s, program_type, instance);
	_cleanup_json_ json_t *spec = NULL;
	struct err err = { 0 };
	int r;

	if (!tag || !command || !command[strspn(command, " \t\n")] || child_monitor_level < -1)
		return SCHA_ERR_INVAL;
	spec = spec_new(s, program_type, tag, command, child_monitor_level);
	if (env) {
		json_t *list = json_array();

		for (char **e = env; *e; e++)
			ju_push(list, ask_string(*e));
		ju_set_new(spec, "env", list);
	}
	r = pmf_start_tag(spec, &err);
	if (r == 0 && program_type == SCDS_PMF_TYPE_SVC)
		trees_add(s, json_incref(spec));
	return told(r, tag, &err);
}

scha_err_t scds_pmf_start(scds_handle_t handle, scds_pmf_type_t program_type, int instance, const char *command,
			  int child_monitor_level)
{
	return scds_pmf_start_env(handle, program_type, instance, command, child_monitor_level, NULL);
}

/* ---- stop, signal, status ---- */

static int part_ms(time_t timeout, int percent)
{
	time_t seconds = MAX(timeout, (time_t)1);

	return (int)(MIN(seconds, (time_t)WAIT_MAX_S) * 10 * percent);
}

static int stop_tag(const char *tag, int signal, time_t timeout, struct err *err)
{
	int r;

	if (timeout < 0)
		return pmf_stop(tag, signal, -1, err);
	r = pmf_stop(tag, signal, part_ms(timeout, 80), err);
	return r == -ETIMEDOUT ? pmf_stop(tag, SIGKILL, part_ms(timeout, 15), err) : r;
}

scha_err_t scds_pmf_stop(scds_handle_t handle, scds_pmf_type_t program_type, int instance, int signal, time_t timeout)
{
	_cleanup_free_ char *tag = tag_new(scds_of(handle), program_type, instance);
	struct err err = { 0 };

	if (!tag || !signal_ok(signal) || timeout < -1)
		return SCHA_ERR_INVAL;
	return told(stop_tag(tag, signal, timeout, &err), tag, &err);
}

scha_err_t scds_pmf_stop_monitoring(scds_handle_t handle, scds_pmf_type_t program_type, int instance)
{
	_cleanup_free_ char *tag = tag_new(scds_of(handle), program_type, instance);
	struct err err = { 0 };

	return tag ? told(pmf_stop(tag, 0, 0, &err), tag, &err) : SCHA_ERR_INVAL;
}

scha_err_t scds_pmf_signal(scds_handle_t handle, scds_pmf_type_t program_type, int instance, int signal, time_t timeout)
{
	_cleanup_free_ char *tag = tag_new(scds_of(handle), program_type, instance);
	struct err err = { 0 };

	if (!tag || !signal_ok(signal) || timeout < -1)
		return SCHA_ERR_INVAL;
	return told(pmf_kill(tag, signal, timeout > 0 ? part_ms(timeout, 100) : (int)timeout, &err), tag, &err);
}

scha_err_t scds_pmf_get_status(scds_handle_t handle, scds_pmf_type_t program_type, int instance, scds_pmf_status_t *pmf_status)
{
	_cleanup_free_ char *tag = tag_new(scds_of(handle), program_type, instance);
	struct err err = { 0 };
	int r;

	if (!tag || !pmf_status)
		return SCHA_ERR_INVAL;
	r = pmf_query(tag, &err);
	if (r >= 0)
		*pmf_status = r == 1 ? SCDS_PMF_MONITORED : SCDS_PMF_NOT_MONITORED;
	return told(r, tag, &err);
}

static int restart_tag(const char *tag, time_t timeout, struct err *err)
{
	_cleanup_json_ json_t *tags = NULL;
	json_t *spec;
	int r;

	r = pmf_list(tag, &tags, err);
	if (r < 0)
		return r;
	spec = pmf_find(tags, tag);
	if (!spec)
		return 0;                       /* not running: nothing to renew */
	r = pmf_stop(tag, SIGKILL, timeout < 0 ? -1 : part_ms(timeout, 100), err);
	return r < 0 ? r : pmf_start_tag(spec, err);
}

scha_err_t scds_pmf_restart_fm(scds_handle_t handle, int instance)
{
	const struct scds *s = scds_of(handle);
	_cleanup_free_ char *tag = tag_new(s, SCDS_PMF_TYPE_MON, instance);
	struct err err = { 0 };

	if (!tag)
		return SCHA_ERR_INVAL;
	return told(restart_tag(tag, (time_t)method_int(&s->m, "Monitor_stop_timeout", -1), &err), tag, &err);
}

/* ---- under a time limit ---- */

#define NO_THRESHOLD 100                /* per cent: more than all of the time is never used */

static scha_err_t timerun(scds_handle_t handle, const char *command, time_t timeout, int signal, bool from_exec, int threshold,
			  int *cmd_exit_code)
{
	int64_t took_ms = 0;
	struct command c = { .line = command, .signal = signal == -1 ? SIGKILL : signal, .from_exec = from_exec,
			     .ret_took_ms = &took_ms };
	int status, r;

	if (!scds_of(handle) || !command || !cmd_exit_code || timeout <= 0 || !signal_ok(c.signal) || threshold < 0 || threshold > 100)
		return SCHA_ERR_INVAL;
	c.timeout_ms = part_ms(timeout, 100);
	r = command_run(&c, &status);
	if (r == -ETIMEDOUT)
		*cmd_exit_code = TIMERUN_TIMED_OUT;
	else if (r == 0)
		*cmd_exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (r == 0 && took_ms * 100 > (int64_t)c.timeout_ms * threshold)
		log_warn("%s took %d ms, %d per cent of its time-out of %d s", command, (int)took_ms,
			 (int)(took_ms * 100 / c.timeout_ms), (int)timeout);
	return scds_code(r);
}

scha_err_t scds_timerun(scds_handle_t handle, const char *command, time_t timeout, int signal, int *cmd_exit_code)
{
	return timerun(handle, command, timeout, signal, false, NO_THRESHOLD, cmd_exit_code);
}

scha_err_t scds_timerun_delay(scds_handle_t handle, const char *command, time_t timeout, int signal, int *cmd_exit_code)
{
	return timerun(handle, command, timeout, signal, true, NO_THRESHOLD, cmd_exit_code);
}

scha_err_t scds_timerun_threshold(scds_handle_t handle, const char *command, time_t timeout, int signal, int threshold,
				  int *cmd_exit_code)
{
	return timerun(handle, command, timeout, signal, false, threshold, cmd_exit_code);
}

scha_err_t scds_timerun_delay_threshold(scds_handle_t handle, const char *command, time_t timeout, int signal, int threshold,
					int *cmd_exit_code)
{
	return timerun(handle, command, timeout, signal, true, threshold, cmd_exit_code);
}
