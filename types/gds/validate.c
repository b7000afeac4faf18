/* Validate and Monitor_check: is what is configured possible, on this node? */
#include <scha.h>
#include <stdlib.h>

#include "gds/gds.h"

/* Whether the storage that the resource depends on can be looked at here. */
static int check_storage(scds_handle_t h, bool *ret_files_here)
{
	scds_hasp_status_t status;
	scha_err_t e = scds_hasp_check(h, &status);

	if (e != SCHA_ERR_NOERR) {
		scds_syslog(LOG_ERR, "the storage of the resource cannot be checked: %s", scds_error_string(e));
		return 1;
	}
	if (status == SCDS_HASP_ERR_CONFIG)
		scds_syslog(LOG_ERR, "a storage resource that the resource depends on is in another resource group");
	else if (status == SCDS_HASP_NOT_ONLINE)
		scds_syslog(LOG_ERR, "a storage resource that the resource depends on is online nowhere");
	*ret_files_here = status != SCDS_HASP_ONLINE_NOT_LOCAL;
	return status == SCDS_HASP_ERR_CONFIG || status == SCDS_HASP_NOT_ONLINE;
}

static int check_programs(scds_handle_t h)
{
	static const char *const properties[] = { "Stop_command", "Probe_command", "Validate_command" };
	struct gds_commands start;
	int rc = gds_start_commands(h, &start);

	if (rc)
		return rc;
	for (int i = 0; i < start.n && !rc; i++)
		rc = gds_check_program("Start_command", start.v[i]);
	gds_commands_free(&start);
	for (size_t i = 0; i < sizeof properties / sizeof properties[0] && !rc; i++) {
		char *line = gds_command(h, properties[i]);

		if (*line)
			rc = gds_check_program(properties[i], line);
		free(line);
	}
	return rc;
}

static int check_texts(scds_handle_t h)
{
	char *start = gds_command(h, "Start_command"), *validate = gds_command(h, "Validate_command");
	int rc = 1;

	if (!*start)
		scds_syslog(LOG_ERR, "Start_command must be set");
	else if (*validate && *validate != '/')
		scds_syslog(LOG_ERR, "Validate_command must begin with an absolute path");
	else
		rc = 0;
	free(start);
	free(validate);
	return rc;
}

/* Properties that are not declared are -1 here; Probe_timeout has a value in any case. */
static int check_times(scds_handle_t h)
{
	const struct { const char *name; int seconds; } rows[] = {
		{ "Start_timeout", scds_get_rs_start_timeout(h) },
		{ "Stop_timeout", scds_get_rs_stop_timeout(h) },
		{ "Thorough_probe_interval", scds_get_rs_thorough_probe_interval(h) },
		{ "Probe_timeout", scds_get_ext_probe_timeout(h) },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].seconds == 0 || rows[i].seconds < -1) {
			scds_syslog(LOG_ERR, "%s must be positive", rows[i].name);
			return 1;
		}
	return 0;
}

/* Those that the C library keeps for itself have no use here. */
static int check_signal(scds_handle_t h)
{
	int signal = gds_number(h, "Stop_signal", SIGTERM);

	if ((signal > 0 && signal < 32) || (signal >= SIGRTMIN && signal <= SIGRTMAX))
		return 0;
	scds_syslog(LOG_ERR, "Stop_signal: there is no signal %d to stop with: give 1 to 31, or %d to %d", signal, SIGRTMIN, SIGRTMAX);
	return 1;
}

static int check_network(scds_handle_t h)
{
	scds_net_resource_list_t *nets = NULL;
	scds_port_list_t *ports = NULL;
	scha_err_t e;
	int rc = 1;

	if (!gds_is_true(h, "Network_aware", true))
		return 0;
	e = scds_get_port_list(h, &ports);
	if (e == SCHA_ERR_NOERR)
		e = scds_get_rs_hostnames(h, &nets);
	if (e != SCHA_ERR_NOERR)
		scds_syslog(LOG_ERR, "the ports and addresses of the resource are not known: %s", scds_error_string(e));
	else if (!ports || ports->num_ports == 0)
		scds_syslog(LOG_ERR, "Port_list must be set when Network_aware is TRUE");
	else if (!nets || nets->num_netresources == 0)
		scds_syslog(LOG_ERR, "Network_aware is TRUE, but group %s has no address resource", scds_get_resource_group_name(h));
	else
		rc = 0;
	scds_free_port_list(ports);
	scds_free_net_list(nets);
	return rc;
}

static int check_all(scds_handle_t h, bool *ret_files_here)
{
	int rc = check_storage(h, ret_files_here);

	if (!rc)
		rc = check_texts(h);
	if (!rc && *ret_files_here)
		rc = check_programs(h);
	if (!rc)
		rc = check_times(h);
	if (!rc)
		rc = check_signal(h);
	return rc ? rc : check_network(h);
}

int gds_check_config(scds_handle_t h)
{
	bool files_here;

	return check_all(h, &files_here);
}

/* Of the type while the resource does not exist yet: the RGM ends the method when that is too long. */
static int validate_timeout(scds_handle_t h)
{
	scha_resource_t rs;
	int seconds = 300;

	if (scha_resource_open(scds_get_resource_name(h), scds_get_resource_group_name(h), &rs) == SCHA_ERR_NOERR) {
		(void)scha_resource_get(rs, SCHA_VALIDATE_TIMEOUT, &seconds);   /* else it stays as it is */
		(void)scha_resource_close(rs);
	}
	return seconds;
}

static int run_validate_command(scds_handle_t h)
{
	char *line = gds_command(h, "Validate_command");
	int code = 0, limit = validate_timeout(h) * 95 / 100;   /* before the method itself is killed */
	scha_err_t e = SCHA_ERR_NOERR;

	if (*line)
		e = scds_timerun(h, line, limit > 0 ? limit : 1, SIGKILL, &code);
	if (e != SCHA_ERR_NOERR)
		gds_log(h, GDS_LOG_VALIDATE, true, "Validate_command %s: %s", line, scds_error_string(e));
	else if (code != 0)
		gds_log(h, GDS_LOG_VALIDATE, true, "Validate_command %s failed with exit status %d", line, code);
	free(line);
	return e != SCHA_ERR_NOERR || code != 0;
}

/* Where the storage is on another node nothing on it can be asked here. */
int gds_validate(scds_handle_t h)
{
	bool files_here;
	int rc = check_all(h, &files_here);

	return rc || !files_here ? rc : run_validate_command(h);
}
