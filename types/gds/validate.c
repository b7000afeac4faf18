#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "gds/gds.h"

static const char *const commands[] = { "Start_command", "Stop_command", "Probe_command", "Validate_command" };

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	_cleanup_(strlist_done) struct strlist dirs = { 0 };

	strlist_split(&dirs, path ? path : "/usr/bin:/bin", ":");
	for (size_t i = 0; i < dirs.n; i++) {
		_cleanup_free_ char *full = xasprintf("%s/%s", dirs.v[i], program);

		if (access(full, X_OK) == 0)
			return true;
	}
	return false;
}

static int check_command(const struct method *m, const char *property, struct err *err)
{
	const char *command = method_str(m, property, "");
	_cleanup_free_ char *program = NULL;

	command += strspn(command, " \t");
	if (!*command)
		return 0;
	program = xstrndup(command, strcspn(command, " \t;|&<>"));
	if (strchr(program, '/') ? access(program, X_OK) == 0 : in_path(program))
		return 0;
	return err_set(err, -ENOENT, "%s: %s cannot be executed on this node", property, program);
}

static int check_network(const struct method *m, struct err *err)
{
	_cleanup_(strlist_done) struct strlist ports = { 0 }, hosts = { 0 };
	int r;

	if (!method_bool(m, "Network_aware", true))
		return 0;
	method_list(m, "Port_list", &ports);
	if (ports.n == 0)
		return err_set(err, -EINVAL, "Port_list must be set when Network_aware is TRUE");
	for (size_t i = 0; i < ports.n; i++) {
		uint16_t port;
		bool v6;

		r = check_port_parse(ports.v[i], &port, &v6, err);
		if (r < 0)
			return r;
	}
	r = method_hostnames(m, &hosts, err);
	if (r == 0 && hosts.n == 0)
		return err_set(err, -EINVAL, "Network_aware is TRUE, but group %s has no address resource", m->rg);
	return r;
}

int gds_check_config(const struct method *m, struct err *err)
{
	static const char *const positive[] = { "Start_timeout", "Stop_timeout", "Probe_timeout", "Thorough_probe_interval" };
	int r;

	if (!*method_str(m, "Start_command", ""))
		return err_set(err, -EINVAL, "Start_command must be set");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		r = check_command(m, commands[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(positive); i++)
		if (method_prop(m, positive[i]) && method_int(m, positive[i], 1) <= 0)
			return err_set(err, -EINVAL, "%s must be positive", positive[i]);
	return check_network(m, err);
}

static int run_validate_command(const struct method *m, struct err *err)
{
	const char *command = method_str(m, "Validate_command", "");
	int64_t limit_s = MIN(method_int(m, "Validate_timeout", 300), (int64_t)86400);
	int status, r;

	if (!*command)
		return 0;
	/* 95 %: before the method itself is killed */
	r = command_run(&(struct command) { command, (int)(limit_s * 950), SIGKILL, -1 }, &status);
	if (r < 0)
		return err_set(err, r, "Validate_command %s: %s", command, strerror(-r));
	if (status == 0)
		return 0;
	ds_log(m, DS_LOG_VALIDATE, true, "Validate_command %s failed", command);
	return err_set(err, -EINVAL, "Validate_command %s failed with %s %d", command,
		       WIFEXITED(status) ? "exit status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

int gds_validate(struct method *m, struct err *err)
{
	int r = method_load(m, err);

	if (r == 0)
		r = gds_check_config(m, err);
	return r < 0 ? r : run_validate_command(m, err);
}

int gds_monitor_check(struct method *m, struct err *err)
{
	return gds_validate(m, err);
}
