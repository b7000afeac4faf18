/* cluster: the cluster as a whole.  The first argument is the subcommand; each is a table of its own. */
#include "cmd/cluster.h"

#include <stdio.h>

#include "base/json.h"
#include "cmd/apply.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/history.h"
#include "cmd/print.h"
#include "cmm/timers.h"

/* ---- status ---- */

/* Where a group is, in one word a node. */
static void print_group_line(const json_t *group)
{
	json_t *node;
	size_t i;

	(void)printf("  ");
	print_padded(20, ju_str(group, "name", ""));
	if (!ju_bool(group, "managed", false))
		(void)printf("Unmanaged");
	else
		json_array_foreach(ju_arr(group, "nodes"), i, node) {
			_cleanup_free_ char *state = word_capitalised(ju_str(node, "state", ""));

			(void)printf("%s%s %s", i ? ", " : "", ju_str(node, "node", ""), state);
		}
	if (*ju_str(group, "why", ""))
		(void)printf("   (%s)", ju_str(group, "why", ""));
	(void)printf("\n");
}

static void print_status(const json_t *status)
{
	const json_t *quorum = ju_obj(status, "quorum");
	const char *waiting = ju_str(status, "waiting_for", "");
	json_t *v;
	size_t i;

	(void)printf("Cluster %s, seen from %s: epoch %lld, president %s, %lld of %lld votes present (%lld needed)\n",
		     ju_str(status, "cluster", ""), ju_str(status, "self", ""), (long long)ju_int(status, "epoch", 0),
		     *ju_str(status, "president", "") ? ju_str(status, "president", "") : "none",
		     (long long)ju_int(quorum, "present", 0), (long long)ju_int(quorum, "possible", 0),
		     (long long)ju_int(quorum, "needed", 0));
	if (*waiting)
		(void)printf("This node is not a member: %s\n", waiting);
	(void)printf("\nNodes\n");
	json_array_foreach(ju_arr(status, "nodes"), i, v) {
		const char *state = ju_str(v, "state", "");

		(void)printf("  ");
		print_padded(20, ju_str(v, "name", ""));
		(void)printf("%s%s\n", ju_bool(v, "member", false) ? "Online" : "Offline",
			     streq(state, "LOST") ? "   (lost, may still run services)" : streq(state, "JOINING") ? "   (joining)" : "");
	}
	(void)printf("\nResource groups\n");
	json_array_foreach(ju_arr(status, "groups"), i, v)
		print_group_line(v);
}

static int read_status(const struct cmdline *line, json_t **ret)
{
	return client_call(line, "read the state of the cluster", "org.parhelion.Cluster.Status", NULL, ret);
}

static int cluster_status(const struct cmdline *line)
{
	json_t *status = NULL;
	int r = read_status(line, &status);

	if (r == EXIT_OK && cmdline_has(line, OPT_JSON))
		print_json(status);
	else if (r == EXIT_OK)
		print_status(status);
	json_decref(status);
	return r;
}

/* ---- timers ---- */

static const struct timer_row { const char *name; size_t offset; const char *meaning; } timer_rows[] = {
#define ROW(member, meaning) { #member, offsetof(struct cmm_timers, member), meaning }
	ROW(takeover_ms,  "the setting: services of a dead node may start elsewhere within it"),
	ROW(token_ms,     "corosync: silence of the ring until it is declared lost"),
	ROW(consensus_ms, "corosync: agreement on the new ring"),
	ROW(join_ms,      "corosync: repetition of join messages"),
	ROW(beat_ms,      "a member says that it lives, and whom it hears, this often"),
	ROW(lease_ms,     "a member whose beats nobody confirmed for so long panics"),
	ROW(margin_ms,    "clock drift, and the time that a panic takes"),
	ROW(slack_ms,     "lease less 2 x beat + token + consensus; must be positive"),
	ROW(formation_ms, "a quorate set that forms a new cluster waits so long for the rest"),
#undef ROW
};

static int cluster_timers(const struct cmdline *line)
{
	json_t *status = NULL, *out = json_object();
	struct cmm_timers timers;
	struct err err = { 0 };
	int r = read_status(line, &status);

	if (r == EXIT_OK && cmm_timers_derive((uint32_t)ju_int(status, "takeover_time_ms", 0), &timers, &err) < 0)
		r = command_failed(line, EXIT_REFUSED, "derive the timers", err.text);
	for (size_t i = 0; r == EXIT_OK && i < ARRAY_SIZE(timer_rows); i++) {
		uint32_t ms = *(const uint32_t *)((const char *)&timers + timer_rows[i].offset);
		_cleanup_free_ char *name = xstrndup(timer_rows[i].name, strlen(timer_rows[i].name) - strlen("_ms"));

		ju_set_int(out, timer_rows[i].name, ms);
		if (!cmdline_has(line, OPT_JSON))
			(void)printf("%-12s%7u ms   %s\n", name, ms, timer_rows[i].meaning);
	}
	if (r == EXIT_OK && cmdline_has(line, OPT_JSON))
		print_json(out);
	json_decref(out);
	json_decref(status);
	return r;
}

/* ---- the tables ---- */

static const struct option_info create_options[] = {
	{ 'i', NULL, "FILE", "description of the cluster (JSON), the same for all nodes" },
	{ 'n', NULL, "NODE", "which of its nodes this machine is (default: the host name)" },
};
static const struct form create_forms[] = {
	{ "i", "n", NULL, PRIVILEGE_CHANGE, "write this node's share of a new cluster", cluster_create },
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

static const struct option_info json_options[] = { { OPT_JSON, "json", NULL, "print as JSON" } };
static const struct form status_forms[] = {
	{ "", "2", NULL, PRIVILEGE_NONE, "the state of the cluster on one screen", cluster_status },
};
static const struct form timers_forms[] = {
	{ "", "2", NULL, PRIVILEGE_NONE, "every timer, derived from takeover_time", cluster_timers },
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
	{ "cluster show-schema",   "what the configuration may say",                 TABLE(json_options, schema_forms) },
	{ "cluster status",        "the state of the cluster on one screen",         TABLE(json_options, status_forms) },
	{ "cluster timeline",      "what happened, and how long each step took",     TABLE(timeline_options, timeline_forms) },
	{ "cluster timers",        "the timers of the cluster",                      TABLE(json_options, timers_forms) },
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

static const struct command_family cluster = {
	"cluster", "the cluster as a whole", subcommands, ARRAY_SIZE(subcommands), unbuilt, ARRAY_SIZE(unbuilt),
};

int cmd_cluster(int argc, char **argv)
{
	return family_main(&cluster, argc, argv);
}
