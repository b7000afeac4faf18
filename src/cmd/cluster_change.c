/* cluster set, rename, shutdown, and scshutdown, which is the last under its old name. */
#include <poll.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cluster.h"
#include "cmd/cmd.h"
#include "cmd/props.h"
#include "cmd/signame.h"

#define GRACE_DEFAULT_S 60
#define GRACE_MAX_S     86400

/* Before a change: is it this cluster that is meant? */
static int check_operand(const struct cmdline *line)
{
	struct view view = { 0 };
	int r = line->operands.n ? view_read(line, false, &view) : EXIT_OK;

	if (r == EXIT_OK && line->operands.n)
		r = cluster_check_name(line, &view);
	view_done(&view);
	return r;
}

/* ---- set, rename ---- */

static const char *const properties[] = {
	"installmode", "heartbeat_timeout", "heartbeat_quantum", "global_fencing", "udp_session_timeout", "takeover_time",
	"fencing_policy", "quarantine_deaths", "quarantine_minutes", NULL,
};

/* A request of its own.  *ret_mode NULL: it was not given. */
static int take_installmode(const struct cmdline *line, json_t *props, json_t **ret_mode)
{
	const char *mode = ju_str(props, "installmode", NULL);

	*ret_mode = NULL;
	if (!mode)
		return EXIT_OK;
	if (!streq(mode, "enabled") && !streq(mode, "disabled")) {
		_cleanup_free_ char *why = xasprintf("it takes enabled or disabled, not \"%s\"", mode);

		return command_failed(line, EXIT_PROPERTY, "set installmode", why);
	}
	*ret_mode = ju_pack("{ss, sb}", "op", "installmode", "enabled", streq(mode, "enabled"));
	json_object_del(props, "installmode");
	return EXIT_OK;
}

int cluster_set(const struct cmdline *line)
{
	json_t *props = json_object(), *mode = NULL;
	int r = props_read(line, 'p', properties, props);

	if (r == EXIT_OK)
		r = check_operand(line);
	if (r == EXIT_OK)
		r = take_installmode(line, props, &mode);
	if (r == EXIT_OK && mode)
		r = request_run(line, json_incref(mode), "set installmode");
	if (r == EXIT_OK && json_object_size(props))
		r = request_run(line, ju_pack("{ss, sO}", "op", "cluster_set", "props", props), "set properties of the cluster");
	json_decref(mode);
	json_decref(props);
	return r;
}

int cluster_rename(const struct cmdline *line)
{
	const char *name = cmdline_get(line, 'c');
	int r = check_operand(line);

	return r ? r : request_run(line, ju_pack("{ss, s{ss}}", "op", "cluster_set", "props", "name", name),
			   "change the name of the cluster to %s", name);
}

/* ---- shutdown ---- */

/* -y, or a yes on standard input. */
static bool confirmed(const struct cmdline *line)
{
	char answer[16] = "";

	if (cmdline_has(line, 'y'))
		return true;
	(void)printf("All services of the cluster will stop, and every node will go down.\nDo you want to continue? (yes or no) ");
	(void)fflush(stdout);
	if (!fgets(answer, sizeof answer, stdin))
		(void)printf("\n");
	answer[strcspn(answer, "\n")] = '\0';
	return strieq(answer, "yes") || strieq(answer, "y");
}

/* Everybody is told, on every node; until the time is over an interrupt of this command calls it off. */
static int give_notice(const struct cmdline *line, int grace_s, const char *message)
{
	_cleanup_free_ char *text = xasprintf("The cluster will be shut down in %d seconds%s%s", grace_s, message && *message ? ": " : "",
					      message ? message : "");
	int r = request_run(line, ju_pack("{ss, ss}", "op", "cluster_notice", "text", text), "shut down the cluster");

	if (r == EXIT_OK)
		(void)poll(NULL, 0, grace_s * 1000);
	return r;
}

static int shut_down(const struct cmdline *line, const char *message)
{
	struct cmdline patient = *line;         /* borrows everything; the grace does not count against the deadline */
	const char *grace_text = cmdline_get(line, 'g');
	int grace_s = GRACE_DEFAULT_S, r = EXIT_OK;

	if (grace_text && number_parse(grace_text, 0, GRACE_MAX_S, &grace_s) < 0)
		return command_usage(line, "-g takes a number of seconds from 0 to %d, not \"%s\"", GRACE_MAX_S, grace_text);
	if (!confirmed(line))
		return command_failed(line, EXIT_REFUSED, "shut down the cluster", "it was not confirmed; nothing was changed");
	patient.deadline_ms += (uint64_t)grace_s * 1000;
	patient.deadline_s += grace_s;
	if (grace_s || (message && *message))
		r = give_notice(&patient, grace_s, message);
	return r ? r : request_run(&patient, ju_pack("{ss}", "op", "cluster_shutdown"), "shut down the cluster");
}

int cluster_shutdown(const struct cmdline *line)
{
	int r = check_operand(line);

	return r ? r : shut_down(line, cmdline_get(line, 'm'));
}

static int run_scshutdown(const struct cmdline *line)
{
	_cleanup_free_ char *message = strlist_join(&line->operands, " ");

	return shut_down(line, message);
}

static const struct option_info options[] = {
	{ 'y', NULL, NULL,      "do not ask" },
	{ 'g', NULL, "seconds", "stop the services after so long (default 60)" },
};
static const struct form forms[] = {
	{ "", "yg", NULL, PRIVILEGE_CHANGE, "stop all services, and take every node down", run_scshutdown,
	  .operands = { "message", 0, OPERANDS_MANY } },
};
const struct command_info scshutdown_command = {
	"scshutdown", "shut down the cluster", options, ARRAY_SIZE(options), forms, ARRAY_SIZE(forms),
};
