/* The command properties: variables in them, files of them, and the programs they name. */
#include <errno.h>
#include <scha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gds/gds.h"

/* ---- properties ---- */

static scha_extprop_value_t *property(scds_handle_t h, const char *name, scha_prop_type_t type)
{
	scha_extprop_value_t *value = NULL;

	return scds_get_ext_property(h, name, type, &value) == SCHA_ERR_NOERR ? value : NULL;
}

int gds_number(scds_handle_t h, const char *name, int none)
{
	scha_extprop_value_t *value = property(h, name, SCHA_PTYPE_INT);
	int n = value ? value->val.val_int : none;

	scds_free_ext_property(value);
	return n;
}

bool gds_is_true(scds_handle_t h, const char *name, bool none)
{
	scha_extprop_value_t *value = property(h, name, SCHA_PTYPE_BOOLEAN);
	bool is = value ? value->val.val_boolean == B_TRUE : none;

	scds_free_ext_property(value);
	return is;
}

bool gds_enum_is(scds_handle_t h, const char *name, const char *wanted)
{
	scha_extprop_value_t *value = property(h, name, SCHA_PTYPE_ENUM);
	bool is = value && value->val.val_enum && strcasecmp(value->val.val_enum, wanted) == 0;

	scds_free_ext_property(value);
	return is;
}

/* ---- variables ---- */

static void put_list(FILE *out, const scha_str_array_t *list)
{
	if (list && list->is_ALL_value)
		fputc('*', out);
	for (uint_t i = 0; list && i < list->array_cnt; i++)
		fprintf(out, "%s%s", i ? "," : "", list->str_array[i]);
}

static void put_hostnames(scds_handle_t h, FILE *out)
{
	scds_net_resource_list_t *list = NULL;
	const char *comma = "";

	if (scds_get_rs_hostnames(h, &list) != SCHA_ERR_NOERR)
		return;
	for (int i = 0; list && i < list->num_netresources; i++)
		for (int k = 0; k < list->netresources[i].num_hostnames; k++) {
			fprintf(out, "%s%s", comma, list->netresources[i].hostnames[k]);
			comma = ",";
		}
	scds_free_net_list(list);
}

/* What only the cluster knows: 0 while the resource is being created. */
static int ask_number(scds_handle_t h, const char *tag)
{
	scha_resource_t rs;
	int n = 0;

	if (scha_resource_open(scds_get_resource_name(h), scds_get_resource_group_name(h), &rs) != SCHA_ERR_NOERR)
		return 0;
	if (scha_resource_get(rs, tag, &n) != SCHA_ERR_NOERR)
		n = 0;
	(void)scha_resource_close(rs);          /* it was opened just now */
	return n;
}

static int monitor_start_timeout(scds_handle_t h) { return ask_number(h, SCHA_MONITOR_START_TIMEOUT); }
static int resource_restarts(scds_handle_t h)     { return ask_number(h, SCHA_NUM_RESOURCE_RESTARTS); }
static int group_restarts(scds_handle_t h)        { return ask_number(h, SCHA_NUM_RG_RESTARTS); }

static void put_status(scds_handle_t h, FILE *out)
{
	static const char *const names[] = {
		[SCHA_RSSTATUS_OK] = "OK", [SCHA_RSSTATUS_OFFLINE] = "OFFLINE", [SCHA_RSSTATUS_FAULTED] = "FAULTED",
		[SCHA_RSSTATUS_DEGRADED] = "DEGRADED", [SCHA_RSSTATUS_UNKNOWN] = "UNKNOWN",
	};
	scha_status_value_t *value = NULL;
	scha_rsstatus_t status = SCHA_RSSTATUS_UNKNOWN;
	scha_resource_t rs;

	if (scha_resource_open(scds_get_resource_name(h), scds_get_resource_group_name(h), &rs) == SCHA_ERR_NOERR) {
		if (scha_resource_get(rs, SCHA_STATUS, &value) == SCHA_ERR_NOERR && value->status <= SCHA_RSSTATUS_UNKNOWN)
			status = value->status;
		(void)scha_resource_close(rs);
	}
	fputs(names[status], out);
}

/* "ACME.web:2" is a name and a version. */
static void put_type(scds_handle_t h, FILE *out)
{
	const char *name = scds_get_resource_type_name(h);

	fprintf(out, "%.*s", (int)strcspn(name, ":"), name);
}

/* One of the functions is there. */
static const struct variable {
	const char *name;
	int               (*number)(scds_handle_t h);
	boolean_t         (*flag)(scds_handle_t h);
	const char       *(*text)(scds_handle_t h);
	scha_str_array_t *(*list)(scds_handle_t h);
	void              (*put)(scds_handle_t h, FILE *out);
} variables[] = {
	{ "HOSTNAMES",                        .put    = put_hostnames },
	{ "RG_DESIRED_PRIMARIES",             .number = scds_get_rg_desired_primaries },
	{ "RG_GLOBAL_RESOURCES_USED",         .list   = scds_get_rg_global_resources_used },
	{ "RG_IMPLICIT_NETWORK_DEPENDENCIES", .flag   = scds_get_rg_implicit_network_dependencies },
	{ "RG_MAXIMUM_PRIMARIES",             .number = scds_get_rg_maximum_primaries },
	{ "RG_NAME",                          .text   = scds_get_resource_group_name },
	{ "RG_NODELIST",                      .list   = scds_get_rg_nodelist },
	{ "RG_NUM_RESTARTS",                  .number = group_restarts },
	{ "RG_PATHPREFIX",                    .text   = scds_get_rg_pathprefix },
	{ "RG_PINGPONG_INTERVAL",             .number = scds_get_rg_pingpong_interval },
	{ "RG_RESOURCE_LIST",                 .list   = scds_get_rg_resource_list },
	{ "RS_CHEAP_PROBE_INTERVAL",          .number = scds_get_rs_cheap_probe_interval },
	{ "RS_MONITOR_START_TIMEOUT",         .number = monitor_start_timeout },
	{ "RS_MONITOR_STOP_TIMEOUT",          .number = scds_get_rs_monitor_stop_timeout },
	{ "RS_NAME",                          .text   = scds_get_resource_name },
	{ "RS_NUM_RESTARTS",                  .number = resource_restarts },
	{ "RS_RESOURCE_DEPENDENCIES",         .list   = scds_get_rs_resource_dependencies },
	{ "RS_RESOURCE_DEPENDENCIES_WEAK",    .list   = scds_get_rs_resource_dependencies_weak },
	{ "RS_RETRY_COUNT",                   .number = scds_get_rs_retry_count },
	{ "RS_RETRY_INTERVAL",                .number = scds_get_rs_retry_interval },
	{ "RS_SCALABLE",                      .flag   = scds_get_rs_scalable },
	{ "RS_START_TIMEOUT",                 .number = scds_get_rs_start_timeout },
	{ "RS_STOP_TIMEOUT",                  .number = scds_get_rs_stop_timeout },
	{ "RS_THOROUGH_PROBE_INTERVAL",       .number = scds_get_rs_thorough_probe_interval },
	{ "RT_API_VERSION",                   .number = scds_get_rt_api_version },
	{ "RT_BASEDIR",                       .text   = scds_get_rt_rt_basedir },
	{ "RT_FAILOVER",                      .flag   = scds_get_rt_failover },
	{ "RT_INSTALLED_NODES",               .list   = scds_get_rt_installed_nodes },
	{ "RT_NAME",                          .put    = put_type },
	{ "RT_RT_VERSION",                    .text   = scds_get_rt_rt_version },
	{ "RT_SINGLE_INSTANCE",               .flag   = scds_get_rt_single_instance },
	{ "SCHA_STATUS",                      .put    = put_status },
};

/* The longest name that the text begins with; NULL. */
static const struct variable *variable_find(const char *text)
{
	const struct variable *best = NULL;

	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		if (strncmp(text, variables[i].name, strlen(variables[i].name)) == 0 &&
		    (!best || strlen(variables[i].name) > strlen(best->name)))
			best = &variables[i];
	return best;
}

static void put_variable(scds_handle_t h, const struct variable *v, FILE *out)
{
	const char *text;

	if (v->number)
		fprintf(out, "%d", v->number(h));
	else if (v->flag)
		fputs(v->flag(h) ? "TRUE" : "FALSE", out);
	else if (v->text)
		fputs((text = v->text(h)) ? text : "", out);
	else if (v->list)
		put_list(out, v->list(h));
	else
		v->put(h, out);
}

/* What is no variable stays as it is. */
static char *expand(scds_handle_t h, const char *line)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	while (*line) {
		const struct variable *v = *line == '%' ? variable_find(line + 1) : NULL;

		if (v) {
			put_variable(h, v, out);
			line += 1 + strlen(v->name);
		} else {
			fputc(*line++, out);
		}
	}
	if (fclose(out) != 0)
		abort();
	return text;
}

char *gds_command(scds_handle_t h, const char *name)
{
	scha_extprop_value_t *value = property(h, name, SCHA_PTYPE_STRING);
	const char *line = value && value->val.val_str ? value->val.val_str : "";
	char *text = expand(h, line + strspn(line, " \t"));

	scds_free_ext_property(value);
	return text;
}

/* ---- a file of start commands ---- */

static bool is_list(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & 0111) && access(path, R_OK) == 0;
}

static int read_list(scds_handle_t h, const char *path, struct gds_commands *ret)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f) {
		scds_syslog(LOG_ERR, "Start_command: %s cannot be read: %s", path, strerror(errno));
		return 1;
	}
	while (ret->n >= 0 && (n = getline(&line, &cap, f)) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!line[strspn(line, " \t")]) {
			scds_syslog(LOG_ERR, "Start_command: line %d of %s is empty: each line must be a command", ret->n + 1, path);
			break;
		}
		if (ret->n == GDS_TREES_MAX) {
			scds_syslog(LOG_ERR, "Start_command: %s has more than %d lines", path, GDS_TREES_MAX);
			break;
		}
		ret->v[ret->n++] = expand(h, line);
	}
	n = feof(f);
	fclose(f);
	free(line);
	if (n && ret->n > 0)
		return 0;
	if (n)
		scds_syslog(LOG_ERR, "Start_command: %s can neither be executed nor has it commands in it", path);
	return 1;
}

int gds_instances_max(scds_handle_t h)
{
	char *line = gds_command(h, "Start_command");
	bool one = !is_list(line) && (access(line, X_OK) == 0 || strpbrk(line, " \t"));

	free(line);
	return one ? 1 : GDS_TREES_MAX;
}

int gds_start_commands(scds_handle_t h, struct gds_commands *ret)
{
	char *line = gds_command(h, "Start_command");
	int rc = 0;

	ret->n = 0;
	if (!*line) {
		scds_syslog(LOG_ERR, "Start_command must be set");
		rc = 1;
	} else if (is_list(line)) {
		rc = read_list(h, line, ret);
	} else {
		ret->v[ret->n++] = line;
		return 0;
	}
	free(line);
	if (rc)
		gds_commands_free(ret);
	return rc;
}

void gds_commands_free(struct gds_commands *commands)
{
	while (commands->n > 0)
		free(commands->v[--commands->n]);
}

/* ---- programs ---- */

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	char file[SCDS_CMD_SIZE];

	for (path = path ? path : "/usr/bin:/bin"; *path;) {
		int n = (int)strcspn(path, ":");

		if (snprintf(file, sizeof file, "%.*s/%s", n, path, program) < (int)sizeof file && access(file, X_OK) == 0)
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

int gds_check_program(const char *name, const char *line)
{
	char program[SCDS_CMD_SIZE];

	if (snprintf(program, sizeof program, "%.*s", (int)strcspn(line, " \t;|&<>"), line) < (int)sizeof program &&
	    (strchr(program, '/') ? access(program, X_OK) == 0 : in_path(program)))
		return 0;
	scds_syslog(LOG_ERR, "%s: %s cannot be executed on this node", name, program);
	return 1;
}
