/* clresourcegroup: resource groups.  Every subcommand is a table of its own, at the end. */
#include "cmd/clrg.h"

#include <stdio.h>

#include "base/json.h"
#include "cmd/cl_blocks.h"
#include "cmd/cmd.h"
#include "cmd/print.h"
#include "cmd/rgm_blocks.h"
#include "cmd/xml.h"

json_t *groups_picked(const struct cmdline *line, const struct objects *objects, int *ret_code)
{
	return view_pick(line, objects_groups(objects), "resource group", ret_code);
}

/* ---- listings ---- */

typedef void print_fn(const struct cmdline *line, const struct objects *objects, const struct filter *filter, const json_t *groups);

static void print_list(const struct cmdline *line, const struct objects *objects, const struct filter *filter, const json_t *groups)
{
	json_t *group;
	size_t i;

	(void)filter;
	if (cmdline_has(line, OPT_JSON)) {
		print_json(groups);
		return;
	}
	if (cmdline_has(line, 'v')) {
		table_groups(objects, groups);
		return;
	}
	json_array_foreach((json_t *)groups, i, group)
		(void)printf("%s\n", ju_str(group, "name", ""));
}

static void print_show(const struct cmdline *line, const struct objects *objects, const struct filter *filter, const json_t *groups)
{
	_cleanup_(strlist_done) struct strlist props = { 0 };

	(void)objects;
	(void)filter;
	if (cmdline_has(line, OPT_JSON)) {
		print_json(groups);
		return;
	}
	if (json_array_size(groups) && cmdline_list(line, 'p', &props) == 0)
		block_groups(groups, &props, cmdline_has(line, 'v'));
}

/* What Status tells of these groups, on these nodes; caller decrefs. */
static json_t *status_of(const struct objects *objects, const struct filter *filter, const json_t *groups)
{
	json_t *ret = json_array(), *group;
	size_t i;

	json_array_foreach((json_t *)groups, i, group) {
		const json_t *status = group_status(objects, ju_str(group, "name", ""));

		if (status)
			ju_push(ret, on_nodes(status, &filter->nodes));
	}
	return ret;
}

static void print_status(const struct cmdline *line, const struct objects *objects, const struct filter *filter, const json_t *groups)
{
	json_t *status = status_of(objects, filter, groups), *group;
	struct view view = { .status = ju_pack("{so}", "groups", status) };
	size_t i;

	if (cmdline_has(line, OPT_JSON))
		print_json(status);
	else if (json_array_size(status))
		block_group_status(&view);
	json_array_foreach(status, i, group)
		if (cmdline_has(line, 'v') && !cmdline_has(line, OPT_JSON))
			(void)printf("%s: %s%s", ju_str(group, "name", ""), *ju_str(group, "why", "") ? ju_str(group, "why", "") : "-",
				     i + 1 < json_array_size(status) ? "\n" : "\n\n");
	view_done(&view);
	if (!cmdline_has(line, OPT_JSON))
		view_notes(line, &(struct view) { .status = objects->status });
}

static int listing(const struct cmdline *line, print_fn *print)
{
	struct objects objects = { 0 };
	struct filter filter = { 0 };
	json_t *groups;
	int missing, r = objects_read(line, &objects);

	if (r != EXIT_OK)
		return r;
	groups = groups_picked(line, &objects, &missing);
	r = filter_read(line, &objects, &filter);
	for (size_t i = json_array_size(groups); r == EXIT_OK && i-- > 0;)
		if (!filter_group(&filter, &objects, json_array_get(groups, i)))
			json_array_remove(groups, i);
	if (r == EXIT_OK)
		print(line, &objects, &filter, groups);
	json_decref(groups);
	filter_done(&filter);
	objects_done(&objects);
	return r ? r : missing;
}

static int list_groups(const struct cmdline *line)      { return listing(line, print_list); }
static int show_groups(const struct cmdline *line)      { return listing(line, print_show); }
static int status_of_groups(const struct cmdline *line) { return listing(line, print_status); }

/* ---- the tables ---- */

#define VERBOSE   { 'v', "verbose", NULL, "say more; of a change, what was done" }
#define JSON      { OPT_JSON, "json", NULL, "print as JSON" }
#define DRY_RUN   { OPT_REHEARSE, "dry-run", NULL, "do nothing; show what would happen" }
#define NODES     { 'n', "node", "NODE[,..]", "nodes" }
#define PROPERTY  { 'p', "property", "NAME=VALUE", "a property; += and -= change a list", true }
#define SCALABLE  { 'S', "scalable", NULL, "online on all its nodes: Maximum_primaries and Desired_primaries are their number" }
#define SUSPENDED { 'u', "suspended", NULL, "with +: also groups whose recovery is suspended" }
#define KILL      { 'k', "kill", NULL, "kill running methods" }
#define READY \
	{ 'e', "enable", NULL, "enable the resources first" }, { 'm', "monitor", NULL, "enable the monitors first" }, \
	{ 'M', "manage", NULL, "manage the groups first" }
#define FILTERS \
	{ 'n', "node", "NODE[,..]", "only groups that may be on these nodes; of status only these nodes" }, \
	{ 'r', "resource", "R[,..]", "only groups with one of these resources" }, \
	{ 's', "state", "STATE[,..]", "only groups in one of these states" }, \
	{ 't', "type", "TYPE[,..]", "only groups with a resource of one of these types" }
#define ANY       .operands = { "group", 0, OPERANDS_MANY, .all = true }
#define SOME      .operands = { "group", 1, OPERANDS_MANY, .all = true }
#define NEW       .operands = { "group", 1, OPERANDS_MANY }

static const struct option_info nodes_options[] = { NODES, SCALABLE, VERBOSE };
static const struct form add_node_forms[] = {
	{ "n", "Sv", NULL, PRIVILEGE_CHANGE, "groups may be on these nodes, too; at the end of the Nodelist", clrg_add_nodes, SOME },
};
static const struct form remove_node_forms[] = {
	{ "n", "Sv", NULL, PRIVILEGE_CHANGE, "groups may not be on these nodes any more", clrg_remove_nodes, SOME },
};
static const struct option_info create_options[] = {
	{ 'n', "node", "NODE[,..]", "the nodes in order of preference (default: all)" }, PROPERTY, SCALABLE,
	{ 'i', "input", "FILE", "configuration as XML" }, VERBOSE,
};
static const struct form create_forms[] = {
	{ "", "npSv", NULL, PRIVILEGE_CHANGE, "make groups: unmanaged and empty", clrg_create, NEW },
	{ "i", "npSv", NULL, PRIVILEGE_CHANGE, "make groups from a file", xml_input, ANY },
};
static const struct option_info delete_options[] = {
	{ 'F', "force", NULL, "also what is in them, and what others say of them" }, VERBOSE,
};
static const struct form delete_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "delete groups that are offline and empty", clrg_delete, SOME },
	{ "F", "v", NULL, PRIVILEGE_CHANGE, "delete groups with their resources", clrg_delete_forced, SOME },
};
static const struct option_info evacuate_options[] = {
	NODES, { 'T', "time", "SECONDS", "for so long nothing comes back by itself (default 60)" }, VERBOSE, DRY_RUN,
};
static const struct form evacuate_forms[] = {
	{ "n", "Tv7", NULL, PRIVILEGE_CHANGE, "move all groups away from nodes", clrg_evacuate, .operands = { OPERAND_ALL, 0, 1 } },
};
static const struct option_info explain_options[] = { JSON };
static const struct form explain_forms[] = {
	{ "", "2", NULL, PRIVILEGE_NONE, "why groups are where they are, why not elsewhere, what they wait for", clrg_explain, SOME },
};
static const struct option_info list_options[] = { FILTERS, VERBOSE, JSON };
static const struct form list_forms[] = {
	{ "", "nrstv2", NULL, PRIVILEGE_NONE, "the names of groups", list_groups, ANY },
};
static const struct form status_forms[] = {
	{ "", "nrstv2", NULL, PRIVILEGE_NONE, "where groups are online", status_of_groups, ANY },
};
static const struct option_info show_options[] = { FILTERS, { 'p', "property", "NAME[,..]", "only these properties" }, VERBOSE, JSON };
static const struct form show_forms[] = {
	{ "", "nrstpv2", NULL, PRIVILEGE_NONE, "the configuration of groups", show_groups, ANY },
};
static const struct option_info verbose_options[] = { VERBOSE };
static const struct form manage_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "manage groups", clrg_manage, SOME },
};
static const struct form unmanage_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "unmanage groups that are offline, with all resources disabled", clrg_unmanage, SOME },
};
static const struct option_info offline_options[] = { NODES, SUSPENDED, VERBOSE, DRY_RUN };
static const struct form offline_forms[] = {
	{ "", "nuv7", NULL, PRIVILEGE_CHANGE, "take groups offline, on these nodes or on all", clrg_offline, SOME },
};
static const struct option_info online_options[] = { READY, NODES, SUSPENDED, VERBOSE, DRY_RUN };
static const struct form online_forms[] = {
	{ "", "emMnuv7", NULL, PRIVILEGE_CHANGE, "bring groups online, on these nodes or on those they prefer", clrg_online, SOME },
};
static const struct form switch_forms[] = {
	{ "n", "emMuv7", NULL, PRIVILEGE_CHANGE, "online on exactly these nodes", clrg_switch, SOME },
};
static const struct form restart_forms[] = {
	{ "", "nuv7", NULL, PRIVILEGE_CHANGE, "stop and start groups where they are online", clrg_restart, SOME },
};
static const struct option_info remaster_options[] = { SUSPENDED, VERBOSE, DRY_RUN };
static const struct form remaster_forms[] = {
	{ "", "uv7", NULL, PRIVILEGE_CHANGE, "move groups to the nodes that they prefer", clrg_remaster, SOME },
};
static const struct option_info kill_options[] = { KILL, VERBOSE };
static const struct form quiesce_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "end what is under way and begin nothing", clrg_quiesce, SOME },
	{ "k", "v", NULL, PRIVILEGE_CHANGE, "quiesce groups, and kill their methods", clrg_quiesce, SOME },
};
static const struct form suspend_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "suspend automatic recovery", clrg_suspend, SOME },
	{ "k", "v", NULL, PRIVILEGE_CHANGE, "suspend automatic recovery, and kill the methods", clrg_suspend, SOME },
};
static const struct form resume_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "resume automatic recovery", clrg_resume, SOME },
};
static const struct option_info set_options[] = { { 'n', "node", "NODE[,..]", "the Nodelist" }, PROPERTY, VERBOSE };
static const struct form set_forms[] = {
	{ "", "npv", "np", PRIVILEGE_CHANGE, "change the properties of groups", clrg_set, SOME },
};

#define ROWS(o, f) o, ARRAY_SIZE(o), f, ARRAY_SIZE(f)
static const struct command_info subcommands[] = {
	{ "clresourcegroup add-node",    "let groups be on more nodes",         ROWS(nodes_options, add_node_forms) },
	{ "clresourcegroup create",      "make groups",                         ROWS(create_options, create_forms) },
	{ "clresourcegroup delete",      "delete groups",                       ROWS(delete_options, delete_forms) },
	{ "clresourcegroup evacuate",    "move all groups away from nodes",     ROWS(evacuate_options, evacuate_forms) },
	XML_EXPORT("clresourcegroup", "group"),
	{ "clresourcegroup explain",     "why groups are where they are",       ROWS(explain_options, explain_forms) },
	{ "clresourcegroup list",        "the names of groups",                 ROWS(list_options, list_forms) },
	{ "clresourcegroup manage",      "manage groups",                       ROWS(verbose_options, manage_forms) },
	{ "clresourcegroup offline",     "take groups offline",                 ROWS(offline_options, offline_forms) },
	{ "clresourcegroup online",      "bring groups online",                 ROWS(online_options, online_forms) },
	{ "clresourcegroup quiesce",     "bring groups to rest",                ROWS(kill_options, quiesce_forms) },
	{ "clresourcegroup remaster",    "move groups to where they belong",    ROWS(remaster_options, remaster_forms) },
	{ "clresourcegroup remove-node", "take nodes away from groups",         ROWS(nodes_options, remove_node_forms) },
	{ "clresourcegroup restart",     "stop and start groups",               ROWS(offline_options, restart_forms) },
	{ "clresourcegroup resume",      "resume automatic recovery",           ROWS(verbose_options, resume_forms) },
	{ "clresourcegroup set",         "change the properties of groups",     ROWS(set_options, set_forms) },
	{ "clresourcegroup show",        "the configuration of groups",         ROWS(show_options, show_forms) },
	{ "clresourcegroup status",      "where groups are online",             ROWS(list_options, status_forms) },
	{ "clresourcegroup suspend",     "suspend automatic recovery",          ROWS(kill_options, suspend_forms) },
	{ "clresourcegroup switch",      "switch groups to nodes",              ROWS(online_options, switch_forms) },
	{ "clresourcegroup unmanage",    "unmanage groups",                     ROWS(verbose_options, unmanage_forms) },
};

const struct command_family clresourcegroup_family = {
	"clresourcegroup", "resource groups", subcommands, ARRAY_SIZE(subcommands), NULL, 0,
};
