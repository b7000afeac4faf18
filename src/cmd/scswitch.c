/* scswitch: where groups run, which resources are enabled, what is managed.  Several names are several requests, which the
 * cluster works on side by side; resources of one group go together, for their dependencies are checked together. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cmd.h"

#define INTERFACE "org.parhelion.Cluster."

static json_t *names_json(const struct strlist *names)
{
	json_t *array = json_array();

	for (size_t i = 0; i < names->n; i++)
		ju_push(array, json_string(names->v[i]));
	return array;
}

/* ---- groups ---- */

/* -g, or without it all managed groups; 0, or the exit code after a complaint. */
static int groups_given(const struct cmdline *line, struct strlist *ret)
{
	json_t *status = NULL, *group;
	size_t i;
	int r;

	if (cmdline_has(line, 'g')) {
		if (cmdline_list(line, 'g', ret) < 0)
			return EXIT_USAGE;
		return ret->n ? 0 : command_usage(line, "-g is empty");
	}
	r = client_call(line, "read which groups are managed", INTERFACE "Config", NULL, &status);
	json_array_foreach(ju_arr(status, "groups"), i, group)
		if (ju_bool(group, "managed", false))
			strlist_add(ret, ju_str(group, "name", ""));
	json_decref(status);
	return r;
}

/* One request for each group.  extra: further members of the request, borrowed, may be NULL. */
static int each_group(const struct cmdline *line, const char *op, const char *before, const char *after, const json_t *extra)
{
	_cleanup_(requests_done) struct requests requests = { 0 };
	_cleanup_(strlist_done) struct strlist groups = { 0 };
	int r = groups_given(line, &groups);

	for (size_t i = 0; r == 0 && i < groups.n; i++) {
		json_t *body = ju_pack("{ss, ss}", "op", op, "rg", groups.v[i]);

		json_object_update(body, (json_t *)extra);
		requests_add(&requests, body, "%s resource group %s%s", before, groups.v[i], after);
	}
	return r ? r : requests_run(line, &requests);
}

/* -z: exactly on these nodes; -h "" nowhere; without -h where it would rather be. */
static int switch_groups(const struct cmdline *line)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	_cleanup_free_ char *after = NULL;
	bool preferred = !cmdline_has(line, 'h');
	json_t *extra;
	int r;

	if (!preferred && !cmdline_has(line, 'g'))
		return command_usage(line, "-z with -h needs -g");
	if (cmdline_list(line, 'h', &nodes) < 0)
		return EXIT_USAGE;
	_cleanup_free_ char *joined = strlist_join(&nodes, ", ");

	after = preferred ? xstrdup(" to its preferred node") : nodes.n ? xasprintf(" to %s", joined) : xstrdup(" off");
	extra = ju_pack("{so, sb}", "nodes", names_json(&nodes), "preferred", preferred);
	r = each_group(line, "group_switch", "switch", after, extra);
	json_decref(extra);
	return r;
}

static int bring_groups(const struct cmdline *line)    { return each_group(line, "group_bring", "bring", " online", NULL); }
static int offline_groups(const struct cmdline *line)  { return each_group(line, "group_offline", "take", " offline", NULL); }
static int manage_groups(const struct cmdline *line)   { return each_group(line, "group_manage", "manage", "", NULL); }
static int unmanage_groups(const struct cmdline *line) { return each_group(line, "group_unmanage", "unmanage", "", NULL); }

/* With -k, methods that run are killed. */
static int each_group_or_kill(const struct cmdline *line, const char *op, const char *verb)
{
	json_t *extra = cmdline_has(line, 'k') ? ju_pack("{sb}", "kill", true) : NULL;
	int r = each_group(line, op, verb, "", extra);

	json_decref(extra);
	return r;
}

static int suspend_groups(const struct cmdline *line)  { return each_group_or_kill(line, "group_suspend", "suspend"); }
static int resume_groups(const struct cmdline *line)   { return each_group(line, "group_resume", "resume", "", NULL); }
static int quiesce_groups(const struct cmdline *line)  { return each_group_or_kill(line, "group_quiesce", "quiesce"); }

static int restart_groups(const struct cmdline *line)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	_cleanup_free_ char *joined = NULL, *after = NULL;
	json_t *extra;
	int r;

	if (cmdline_list(line, 'h', &nodes) < 0)
		return EXIT_USAGE;
	if (!nodes.n)
		return command_usage(line, "-h is empty");
	joined = strlist_join(&nodes, ", ");
	after = xasprintf(" on %s", joined);
	extra = ju_pack("{so}", "nodes", names_json(&nodes));
	r = each_group(line, "group_restart", "restart", after, extra);
	json_decref(extra);
	return r;
}

static int evacuate_node(const struct cmdline *line)
{
	const char *node = cmdline_get(line, 'h');

	if (!*node || strpbrk(node, ", "))
		return command_usage(line, "-S takes one node after -h");
	return request_run(line, ju_pack("{ss, ss}", "op", "evacuate", "node", node), "evacuate node %s", node);
}

#define HOLD_MOST_S 65535       /* documented */

static int evacuate_and_hold(const struct cmdline *line)
{
	const char *node = cmdline_get(line, 'h'), *text = cmdline_get(line, 'K');
	char *end;
	long seconds = strtol(text, &end, 10);

	if (!*node || strpbrk(node, ", "))
		return command_usage(line, "-S takes one node after -h");
	if (!*text || *end || seconds < 0 || seconds > HOLD_MOST_S)
		return command_usage(line, "-K takes seconds, 0 to %d", HOLD_MOST_S);
	return request_run(line, ju_pack("{ss, ss, sI}", "op", "evacuate", "node", node, "seconds", (json_int_t)seconds),
			   "evacuate node %s", node);
}

/* ---- resources ---- */

static const char *group_of(const json_t *config, const char *resource)
{
	json_t *group, *rs;
	size_t i, k;

	json_array_foreach(ju_arr(config, "groups"), i, group)
		json_array_foreach(ju_arr(group, "resources"), k, rs)
			if (streq(ju_str(rs, "name", ""), resource))
				return ju_str(group, "name", "");
	return NULL;
}

/* {group: [resources]}, groups in the order in which they come up; 0, or the exit code after a complaint. */
static int resources_by_group(const struct cmdline *line, const char *verb, json_t *ret)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	json_t *config = NULL;
	int r;

	if (cmdline_list(line, 'j', &names) < 0)
		return EXIT_USAGE;
	if (!names.n)
		return command_usage(line, "-j is empty");
	r = client_call(line, "read the configuration", INTERFACE "Config", NULL, &config);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *group = group_of(config, names.v[i]);

		if (group) {
			if (!ju_arr(ret, group))
				ju_set_new(ret, group, json_array());
			ju_push(ju_arr(ret, group), json_string(names.v[i]));
		} else {
			_cleanup_free_ char *what = xasprintf("%s resource %s", verb, names.v[i]);
			_cleanup_free_ char *why = xasprintf("resource %s does not exist; nothing was changed", names.v[i]);

			r = command_failed(line, EXIT_REFUSED, what, why);
		}
	}
	json_decref(config);
	return r;
}

static int switch_resources(const struct cmdline *line, const char *op, const char *verb)
{
	_cleanup_(requests_done) struct requests requests = { 0 };
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	json_t *by_group, *names;
	const char *group;
	int r;

	if (cmdline_list(line, 'h', &nodes) < 0)
		return EXIT_USAGE;
	if (cmdline_has(line, 'h') && !nodes.n)
		return command_usage(line, "-h is empty");
	_cleanup_free_ char *on = strlist_join(&nodes, ", ");

	by_group = json_object();
	r = resources_by_group(line, verb, by_group);
	if (r == 0)
		json_object_foreach(by_group, group, names) {
			_cleanup_(strlist_done) struct strlist list = { 0 };
			json_t *v;
			size_t i;

			json_array_foreach(names, i, v)
				strlist_add(&list, json_string_value(v));
			_cleanup_free_ char *joined = strlist_join(&list, ", ");

			requests_add(&requests, ju_pack("{ss, sO, sb, so*}", "op", op, "names", names, "monitor", cmdline_has(line, 'M'),
							"nodes", nodes.n ? names_json(&nodes) : NULL),
				     "%s %sresource%s %s%s%s", verb, cmdline_has(line, 'M') ? "the monitor of " : "",
				     list.n > 1 ? "s" : "", joined, nodes.n ? " on " : "", on);
		}
	json_decref(by_group);
	return r ? r : requests_run(line, &requests);
}

static int enable_resources(const struct cmdline *line)  { return switch_resources(line, "resource_enable", "enable"); }
static int disable_resources(const struct cmdline *line) { return switch_resources(line, "resource_disable", "disable"); }

static const char *const reserved_flags[] = { "BOOT_FAILED", "INIT_FAILED", "FINI_FAILED", "UPDATE_FAILED" };

static int clear_resources(const struct cmdline *line)
{
	_cleanup_(requests_done) struct requests requests = { 0 };
	_cleanup_(strlist_done) struct strlist nodes = { 0 }, names = { 0 };
	const char *flag = cmdline_get(line, 'f');

	for (size_t i = 0; i < ARRAY_SIZE(reserved_flags); i++)
		if (strieq(flag, reserved_flags[i]))
			return command_usage(line, "%s is reserved; only STOP_FAILED can be cleared", reserved_flags[i]);
	if (!strieq(flag, "STOP_FAILED"))
		return command_usage(line, "-f takes STOP_FAILED, not \"%s\"", flag);
	if (cmdline_list(line, 'h', &nodes) < 0 || cmdline_list(line, 'j', &names) < 0)
		return EXIT_USAGE;
	if (!nodes.n || !names.n)
		return command_usage(line, "-%c is empty", nodes.n ? 'j' : 'h');
	_cleanup_free_ char *joined = strlist_join(&nodes, ", ");

	for (size_t i = 0; i < names.n; i++)
		requests_add(&requests, ju_pack("{ss, ss, so}", "op", "resource_clear", "rs", names.v[i], "nodes",
						names_json(&nodes)), "clear STOP_FAILED of resource %s on %s", names.v[i], joined);
	return requests_run(line, &requests);
}

/* ---- the table ---- */

static const struct option_info options[] = {
	{ 'z', NULL, NULL,         "switch" },
	{ 'Z', NULL, NULL,         "bring online: managed, all resources and monitors enabled" },
	{ 'F', NULL, NULL,         "take offline on all nodes" },
	{ 'S', NULL, NULL,         "evacuate a node" },
	{ 'R', NULL, NULL,         "restart" },
	{ 'e', NULL, NULL,         "enable" },
	{ 'n', NULL, NULL,         "disable" },
	{ 'M', NULL, NULL,         "only the monitors" },
	{ 'o', NULL, NULL,         "manage" },
	{ 'u', NULL, NULL,         "unmanage" },
	{ 'c', NULL, NULL,         "clear an error flag" },
	{ 'm', NULL, NULL,         "maintenance" },
	{ 'Q', NULL, NULL,         "quiesce" },
	{ 's', NULL, NULL,         "suspend" },
	{ 'r', NULL, NULL,         "resume" },
	{ 'k', NULL, NULL,         "kill running methods" },
	{ 'g', NULL, "RG[,..]",    "resource groups" },
	{ 'j', NULL, "R[,..]",     "resources" },
	{ 'D', NULL, "DG[,..]",    "device groups" },
	{ 'h', NULL, "node[,..]",  "nodes; \"\" with -z: none" },
	{ 'f', NULL, "FLAG",       "STOP_FAILED" },
	{ 'K', NULL, "seconds",    "keep groups away for so long" },
};

static const struct form forms[] = {
	{ "z",    "gh",  NULL, PRIVILEGE_CHANGE, "online on exactly these nodes; without -h on the preferred ones", switch_groups },
	{ "Z",    "g",   NULL, PRIVILEGE_CHANGE, "manage, enable and bring online; without -g all managed groups", bring_groups },
	{ "Fg",   "",    NULL, PRIVILEGE_CHANGE, "take groups offline on all nodes", offline_groups },
	{ "Sh",   "",    NULL, PRIVILEGE_CHANGE, "move all groups away from a node", evacuate_node },
	{ "Rhg",  "",    NULL, PRIVILEGE_CHANGE, "stop and start groups on the nodes where they are online", restart_groups },
	{ "ej",   "M",   NULL, PRIVILEGE_CHANGE, "enable resources, or only their monitors", enable_resources },
	{ "nj",   "M",   NULL, PRIVILEGE_CHANGE, "disable resources, or only their monitors", disable_resources },
	{ "og",   "",    NULL, PRIVILEGE_CHANGE, "manage groups", manage_groups },
	{ "ug",   "",    NULL, PRIVILEGE_CHANGE, "unmanage groups; all their resources must be disabled", unmanage_groups },
	{ "chjf", "",    NULL, PRIVILEGE_CHANGE, "clear STOP_FAILED, after the processes were ended by hand", clear_resources },
	{ "ejh",  "M",   NULL, PRIVILEGE_CHANGE, "enable resources, or only their monitors, on these nodes", enable_resources },
	{ "njh",  "M",   NULL, PRIVILEGE_CHANGE, "disable resources, or only their monitors, on these nodes", disable_resources },
	{ "ShK",  "",    NULL, PRIVILEGE_CHANGE, "the same, and nothing comes back by itself for so long", evacuate_and_hold },
	{ "zD",   "h",   NULL, PRIVILEGE_CHANGE, "switch device groups", NULL,
	  "device groups are not built yet" },
	{ "FD",   "",    NULL, PRIVILEGE_CHANGE, "take device groups offline", NULL,
	  "device groups are not built yet" },
	{ "mD",   "",    NULL, PRIVILEGE_CHANGE, "put device groups into maintenance", NULL,
	  "device groups are not built yet" },
	{ "Q",    "g",   NULL, PRIVILEGE_CHANGE, "end what is under way and begin nothing; without -g all managed groups", quiesce_groups },
	{ "s",    "g",   NULL, PRIVILEGE_CHANGE, "suspend automatic recovery; without -g of all managed groups", suspend_groups },
	{ "r",    "g",   NULL, PRIVILEGE_CHANGE, "resume automatic recovery; without -g of all managed groups", resume_groups },
	{ "Qk",   "g",   NULL, PRIVILEGE_CHANGE, "quiesce groups, and kill their methods", quiesce_groups },
	{ "sk",   "g",   NULL, PRIVILEGE_CHANGE, "suspend automatic recovery, and kill the methods", suspend_groups },
};

const struct command_info scswitch_command = {
	"scswitch", "switch resource groups, enable and disable resources",
	options, ARRAY_SIZE(options), forms, ARRAY_SIZE(forms),
};
