/* cluster: the cluster as a whole.  The first argument is the subcommand; each is a table of its own. */
#include "cmd/cluster.h"

#include "cmd/apply.h"
#include "cmd/cmd.h"
#include "cmd/history.h"

/* ---- the tables ---- */

static const struct option_info create_options[] = {
	{ 'i', NULL, "FILE", "description of the cluster (JSON), the same for all nodes" },
	{ 'n', NULL, "NODE", "which of its nodes this machine is (default: the host name)" },
	{ '5', "dry-run", NULL, "only look at this machine, and show what would be done" },
};
static const struct form create_forms[] = {
	{ "i", "n5", NULL, PRIVILEGE_CHANGE, "make this machine a node: write its share of a cluster", cluster_create },
};

static const struct option_info conf_options[] = {
	{ 'w', NULL, NULL, "write it to its place instead of printing it" },
};
static const struct form conf_forms[] = {
	{ "", "w", NULL, PRIVILEGE_NONE, "print corosync.conf as it follows from the configuration", cluster_corosync_conf },
};

static const struct option_info timeline_options[] = {
	{ 'g', NULL, "RG",                  "only what concerns this group" },
	{ '3', "since", "SECONDS|HH:MM:SS", "from so long ago, or from this time of the last 24 hours" },
	{ OPT_JSON, "json", NULL,           "print as JSON" },
};
static const struct form timeline_forms[] = {
	{ "", "g32", NULL, PRIVILEGE_NONE, "tell what happened, from this node's journal", cluster_timeline },
};

#define VERBOSE { 'v', "verbose", NULL, "say more; of a change, what was done" }
#define JSON    { OPT_JSON, "json", NULL, "print as JSON" }
#define CLUSTER .operands = { "cluster", 0, 1, .all = true }

static const struct option_info list_options[] = { JSON };
static const struct form list_forms[] = {
	{ "", "2", NULL, PRIVILEGE_NONE, "the name of the cluster", cluster_list, CLUSTER },
};
static const struct option_info cmds_options[] = { { 'v', "verbose", NULL, "what they are for, too" } };
static const struct form cmds_forms[] = {
	{ "", "v", NULL, PRIVILEGE_NONE, "the commands of this family", cluster_list_cmds },
};
static const struct option_info show_options[] = {
	{ 't', "type", "TYPE[,..]", "only these: global, node, quorum, rt, rg, rs, rslh, rssa" }, VERBOSE, JSON,
};
static const struct form show_forms[] = {
	{ "", "tv2", NULL, PRIVILEGE_NONE, "the configuration of the cluster", cluster_show, CLUSTER },
};
static const struct form netprops_forms[] = {
	{ "", "2", NULL, PRIVILEGE_NONE, "the private network", cluster_show_netprops },
};
static const struct option_info status_options[] = {
	{ 't', "type", "TYPE[,..]", "only these: node, interconnect, quorum, devicegroup, resourcegroup, resource, rslh, rssa" },
	{ '5', "short", NULL, "on one screen, with the reason why each group is where it is" }, VERBOSE, JSON,
};
static const struct form status_forms[] = {
	{ "", "tv2", NULL, PRIVILEGE_NONE, "the state of the cluster", cluster_status, CLUSTER },
	{ "5", "", NULL, PRIVILEGE_NONE, "the state of the cluster on one screen", cluster_status, CLUSTER },
};
static const struct option_info set_options[] = {
	{ 'p', "property", "NAME=VALUE", "installmode, takeover_time, global_fencing, fencing_policy, ...", true }, VERBOSE,
};
static const struct form set_forms[] = {
	{ "p", "v", NULL, PRIVILEGE_CHANGE, "set properties of the cluster", cluster_set, CLUSTER },
};
static const struct option_info rename_options[] = { { 'c', "newclustername", "NAME", "the new name" }, VERBOSE };
static const struct form rename_forms[] = {
	{ "c", "v", NULL, PRIVILEGE_CHANGE, "change the name of the cluster", cluster_rename, CLUSTER },
};
static const struct option_info shutdown_options[] = {
	{ 'y', "yes", NULL, "do not ask" },
	{ 'g', "graceperiod", "SECONDS", "stop the services after so long (default 60)" },
	{ 'm', "message", "TEXT", "what users are told" },
	VERBOSE,
};
static const struct form shutdown_forms[] = {
	{ "", "ygmv", NULL, PRIVILEGE_CHANGE, "stop all services, and take every node down", cluster_shutdown, CLUSTER },
};
static const struct option_info simulate_options[] = {
	{ '3', "crash", "NODE[,..]", "these nodes die, at once" },
	{ '4', "cut", "NODE[,..]",   "these nodes and the rest do not hear each other any more" },
	{ '6', "leave", "NODE[,..]", "these nodes leave in order, as when clusterd is stopped on them" },
	JSON,
};
static const struct form simulate_forms[] = {
	{ "3", "2", NULL, PRIVILEGE_NONE, "what would follow if nodes died", cluster_simulate },
	{ "4", "2", NULL, PRIVILEGE_NONE, "what would follow if nodes were cut off", cluster_simulate },
	{ "6", "2", NULL, PRIVILEGE_NONE, "what would follow if nodes left", cluster_simulate },
};
static const struct option_info timers_options[] = {
	{ '4', "takeover-time", "MS", "for this value, not for the one of the cluster" },
	{ OPT_JSON, "json", NULL, "print as JSON" },
};
static const struct form timers_forms[] = {
	{ "", "42", NULL, PRIVILEGE_NONE, "every timer, derived from takeover_time", cluster_timers },
};

static const struct option_info history_options[] = {
	{ '4', "table", "TABLE", "only of this table" },
	{ 'n', NULL, "COUNT",    "so many commits (default 20)" },
	{ OPT_JSON, "json", NULL, "print as JSON, with each key before and after" },
};
static const struct form history_forms[] = {
	{ "", "4n2", NULL, PRIVILEGE_NONE, "who changed what, when, by which command and why; newest first", cluster_history },
};
static const struct form diff_forms[] = {
	{ "", "", NULL, PRIVILEGE_NONE, "what is different at commit B (default: now) from commit A", cluster_diff, NULL,
	  { "COMMIT", 1, 2 } },
};
static const struct option_info apply_options[] = {
	{ '5', "dry-run", NULL, "only show and check what would change" },
	{ '6', "prune", NULL,   "remove the tables that are not in the file" },
};
static const struct form undo_forms[] = {
	{ "", "5", NULL, PRIVILEGE_CHANGE, "make a commit that takes back what another one did", cluster_undo, NULL,
	  { "COMMIT", 1, 1 } },
};
static const struct form export_forms[] = {
	{ "", "", NULL, PRIVILEGE_NONE, "print the whole configuration as text, or write it to a file", cluster_export, NULL,
	  { "FILE", 0, 1 } },
};
static const struct form apply_forms[] = {
	{ "", "56", NULL, PRIVILEGE_CHANGE, "make the configuration as the file says (-: standard input)", cluster_apply, NULL,
	  { "FILE", 1, 1 } },
};

static const struct form schema_forms[] = {
	{ "", "2", NULL, PRIVILEGE_NONE, "what the tables of the configuration may say: keys, values, meaning", cluster_show_schema },
};

#define TABLE(o, f) o, ARRAY_SIZE(o), f, ARRAY_SIZE(f)
static const struct command_info subcommands[] = {
	{ "cluster apply",         "make the configuration as a file says",          TABLE(apply_options, apply_forms) },
	{ "cluster create",        "make this machine a node of a new cluster",      TABLE(create_options, create_forms) },
	{ "cluster corosync-conf", "the configuration of the transport",             TABLE(conf_options, conf_forms) },
	{ "cluster diff",          "what changed between two commits",               NULL, 0, diff_forms, ARRAY_SIZE(diff_forms) },
	{ "cluster export",        "the whole configuration as text",                NULL, 0, export_forms, ARRAY_SIZE(export_forms) },
	{ "cluster history",       "the changes of the configuration",               TABLE(history_options, history_forms) },
	{ "cluster list",          "the name of the cluster",                        TABLE(list_options, list_forms) },
	{ "cluster list-cmds",     "the commands of this family",                    TABLE(cmds_options, cmds_forms) },
	{ "cluster rename",        "change the name of the cluster",                 TABLE(rename_options, rename_forms) },
	{ "cluster set",           "set properties of the cluster",                  TABLE(set_options, set_forms) },
	{ "cluster show",          "the configuration of the cluster",               TABLE(show_options, show_forms) },
	{ "cluster show-netprops", "the private network",                            TABLE(list_options, netprops_forms) },
	{ "cluster show-schema",   "what the configuration may say",                 TABLE(list_options, schema_forms) },
	{ "cluster shutdown",      "stop all services, and take every node down",    TABLE(shutdown_options, shutdown_forms) },
	{ "cluster simulate",      "what would follow if nodes died or left",        TABLE(simulate_options, simulate_forms) },
	{ "cluster status",        "the state of the cluster",                       TABLE(status_options, status_forms) },
	{ "cluster timeline",      "what happened, and how long each step took",     TABLE(timeline_options, timeline_forms) },
	{ "cluster timers",        "the timers of the cluster",                      TABLE(timers_options, timers_forms) },
	{ "cluster undo",          "take back a commit",                             apply_options, 1, undo_forms, ARRAY_SIZE(undo_forms) },
};

/* Documented, not here yet. */
static const struct unbuilt unbuilt[] = {
	{ "check",             "configuration checks are not built yet" },
	{ "list-checks",       "configuration checks are not built yet" },
	{ "monitor-heartbeat", "watching the heartbeats apart is not built yet; they are always watched" },
	{ "restore-netprops",  "changing the private network is not built yet" },
	{ "set-netprops",      "changing the private network is not built yet" },
};

const struct command_family cluster_family = {
	"cluster", "the cluster as a whole", subcommands, ARRAY_SIZE(subcommands), unbuilt, ARRAY_SIZE(unbuilt),
};
