/* scstat: the state of the cluster as this node sees it.  Titles, rules and columns are documented and read by scripts:
 * they stay to the letter.  Works whatever the cluster is doing, as long as clusterd of this node runs. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/print.h"

#define RULE "------------------------------------------------------------------\n\n"

/* What is printed: the reply of Status, and the node that -h limits it to (NULL: all). */
struct view { const json_t *status; const char *node; };

static bool shown(const struct view *v, const char *node)
{
	return !v->node || streq(v->node, node);
}

/* ---- nodes, paths, quorum ---- */

static void print_nodes(const struct view *view)
{
	json_t *node;
	size_t i;

	(void)printf("-- Cluster Nodes --\n\n"
		     "                    Node name           Status\n"
		     "                    ---------           ------\n");
	json_array_foreach(ju_arr(view->status, "nodes"), i, node) {
		if (!shown(view, ju_str(node, "name", "")))
			continue;
		(void)printf("  Cluster node:     ");
		print_padded(20, ju_str(node, "name", ""));
		(void)printf("%s\n", ju_bool(node, "member", false) ? "Online" : "Offline");
	}
	(void)printf("\n");
}

/* "node1:priv0" */
static bool is_end_at(const char *end, const char *node)
{
	size_t n = strlen(node);

	return strncmp(end, node, n) == 0 && end[n] == ':';
}

static void print_paths(const struct view *view)
{
	json_t *path;
	size_t i;

	(void)printf("-- Cluster Transport Paths --\n\n"
		     "                    Endpoint            Endpoint            Status\n"
		     "                    --------            --------            ------\n");
	json_array_foreach(ju_arr(view->status, "paths"), i, path) {
		const char *a = ju_str(path, "a", ""), *b = ju_str(path, "b", "");

		if (view->node && !is_end_at(a, view->node) && !is_end_at(b, view->node))
			continue;
		(void)printf("  Transport path:   ");
		print_padded(20, a);
		print_padded(20, b);
		(void)printf("%s\n", ju_str(path, "status", ""));
	}
	(void)printf("\n");
}

static void print_quorum(const struct view *view)
{
	const json_t *quorum = ju_obj(view->status, "quorum");
	json_t *node;
	size_t i;

	(void)printf("-- Quorum Summary --\n\n"
		     "  Quorum votes possible:      %lld\n"
		     "  Quorum votes needed:        %lld\n"
		     "  Quorum votes present:       %lld\n\n", (long long)ju_int(quorum, "possible", 0),
		     (long long)ju_int(quorum, "needed", 0), (long long)ju_int(quorum, "present", 0));
	(void)printf("-- Quorum Votes by Node --\n\n"
		     "                    Node Name           Present Possible Status\n"
		     "                    ---------           ------- -------- ------\n");
	json_array_foreach(ju_arr(view->status, "nodes"), i, node) {
		long long votes = ju_int(node, "votes", 0);

		if (!shown(view, ju_str(node, "name", "")))
			continue;
		(void)printf("  Node votes:       ");
		print_padded(20, ju_str(node, "name", ""));
		/* Votes count as soon as the node is heard; it is online when it is a member. */
		(void)printf("%-9lld%-8lld%s\n", ju_bool(node, "reachable", false) ? votes : 0, votes,
			     ju_bool(node, "member", false) ? "Online" : "Offline");
	}
	(void)printf("\n-- Quorum Votes by Device --\n\n"
		     "                    Device Name         Present Possible Status\n"
		     "                    -----------         ------- -------- ------\n\n");
}

/* ---- device groups: there are none yet, which is what the empty tables say ---- */

static void print_device_groups(const struct view *view)
{
	(void)view;
	(void)printf("-- Device Group Servers --\n\n"
		     "                         Device Group        Primary             Secondary\n"
		     "                         ------------        -------             ---------\n\n"
		     "-- Device Group Status --\n\n"
		     "                              Device Group        Status\n"
		     "                              ------------        ------\n\n"
		     "-- Multi-owner Device Groups --\n"
		     "                              Device Group        Online Status\n"
		     "                              ------------        -------------\n\n");
}

/* ---- groups and resources ---- */

static void print_resource_names(const struct view *view)
{
	json_t *group, *rs;
	size_t i, k;

	(void)printf("-- Resource Groups and Resources --\n\n"
		     "            Group Name          Resources\n"
		     "            ----------          ---------\n");
	json_array_foreach(ju_arr(view->status, "groups"), i, group) {
		(void)printf(" Resources: ");
		print_padded(20, ju_str(group, "name", ""));
		json_array_foreach(ju_arr(group, "resources"), k, rs)
			(void)printf("%s%s", k ? " " : "", ju_str(rs, "name", ""));
		(void)printf("%s\n", json_array_size(ju_arr(group, "resources")) ? "" : "-");
	}
	(void)printf("\n");
}

static void print_group_states(const struct view *view)
{
	json_t *group, *node;
	size_t i, k;

	(void)printf("-- Resource Groups --\n\n"
		     "            Group Name          Node Name           State\n"
		     "            ----------          ---------           -----\n");
	json_array_foreach(ju_arr(view->status, "groups"), i, group) {
		json_array_foreach(ju_arr(group, "nodes"), k, node) {
			_cleanup_free_ char *state = word_capitalised(ju_str(node, "state", ""));

			if (!shown(view, ju_str(node, "node", "")))
				continue;
			(void)printf("     Group: ");
			print_padded(20, ju_str(group, "name", ""));
			print_padded(20, ju_str(node, "node", ""));
			(void)printf("%s\n", state);
		}
		(void)printf("\n");
	}
	if (!json_array_size(ju_arr(view->status, "groups")))
		(void)printf("\n");
}

static void print_resource_states(const struct view *view, const json_t *rs)
{
	json_t *node;
	size_t i;

	json_array_foreach(ju_arr(rs, "nodes"), i, node) {
		const char *status = ju_str(node, "status", ""), *message = ju_str(node, "message", "");
		_cleanup_free_ char *state = word_capitalised(ju_str(node, "state", ""));
		_cleanup_free_ char *keyword = streq(status, "OK") ? xstrdup("Online") : word_capitalised(status);

		if (!shown(view, ju_str(node, "node", "")))
			continue;
		(void)printf("  Resource: ");
		print_padded(20, ju_str(rs, "name", ""));
		print_padded(20, ju_str(node, "node", ""));
		print_padded(10, state);
		(void)printf("%s%s%s\n", keyword, *message ? " - " : "", message);
	}
	(void)printf("\n");
}

static void print_resources(const struct view *view)
{
	json_t *group, *rs;
	size_t i, k;

	(void)printf("-- Resources --\n\n"
		     "            Resource Name       Node Name           State     Status Message\n"
		     "            -------------       ---------           -----     --------------\n");
	json_array_foreach(ju_arr(view->status, "groups"), i, group)
		json_array_foreach(ju_arr(group, "resources"), k, rs)
			print_resource_states(view, rs);
	if (!json_array_size(ju_arr(view->status, "groups")))
		(void)printf("\n");
}

static void print_groups(const struct view *view)
{
	print_resource_names(view);
	print_group_states(view);
	print_resources(view);
}

/* ---- public networks ---- */

static void print_ipmp(const struct view *view)
{
	json_t *group;
	size_t i;

	(void)printf("-- IPMP Groups --\n\n"
		     "              Node Name           Group   Status         Adapter   Status\n"
		     "              ---------           -----   ------         -------   ------\n");
	json_array_foreach(ju_arr(view->status, "ipmp"), i, group) {
		if (!shown(view, ju_str(group, "node", "")))
			continue;
		(void)printf("  IPMP Group: ");
		print_padded(20, ju_str(group, "node", ""));
		print_padded(8, ju_str(group, "group", ""));
		print_padded(15, ju_str(group, "status", ""));
		print_padded(10, ju_str(group, "adapter", ""));
		(void)printf("%s\n", ju_str(group, "adapter_status", ""));
	}
	(void)printf("\n");
}

/* ---- the whole ---- */

static const struct section {
	char letter;
	void (*print)(const struct view *view);
	const char *members[3];         /* of the reply, for --json */
} sections[] = {
	{ 'n', print_nodes,         { "nodes" } },
	{ 'W', print_paths,         { "paths" } },
	{ 'q', print_quorum,        { "quorum", "nodes" } },
	{ 'D', print_device_groups, { "device_groups" } },
	{ 'g', print_groups,        { "groups" } },
	{ 'i', print_ipmp,          { "ipmp" } },
};

/* None of the letters, or -p: everything. */
static bool wanted(const struct cmdline *line, const struct section *section)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		any |= cmdline_has(line, sections[i].letter);
	return !any || cmdline_has(line, 'p') || cmdline_has(line, section->letter);
}

static void print_sections(const struct cmdline *line, const struct view *view)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		n += wanted(line, &sections[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (wanted(line, &sections[i])) {
			if (n > 1)
				(void)printf(RULE);
			sections[i].print(view);
		}
}

static void drop_unwanted(const struct cmdline *line, json_t *status)
{
	json_t *kept = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		for (size_t k = 0; wanted(line, &sections[i]) && sections[i].members[k]; k++)
			ju_set_new(kept, sections[i].members[k], json_true());
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		for (size_t k = 0; sections[i].members[k]; k++)
			if (!json_object_get(kept, sections[i].members[k]))
				json_object_del(status, sections[i].members[k]);
	json_decref(kept);
}

/* The name for what -h gave, a name or an id; NULL: there is no such node. */
static const char *node_name(const json_t *status, const char *given)
{
	json_t *node;
	size_t i;

	json_array_foreach(ju_arr(status, "nodes"), i, node) {
		_cleanup_free_ char *id = xasprintf("%lld", (long long)ju_int(node, "id", 0));

		if (streq(ju_str(node, "name", ""), given) || streq(id, given))
			return ju_str(node, "name", "");
	}
	return NULL;
}

static int run_scstat(const struct cmdline *line)
{
	const char *given = cmdline_get(line, 'h'), *waiting;
	json_t *status = NULL;
	struct view view;
	int r = client_call(line, "read the state of the cluster", "org.parhelion.Cluster.Status", NULL, &status);

	if (r != EXIT_OK)
		return r;
	view = (struct view) { .status = status, .node = given ? node_name(status, given) : NULL };
	waiting = ju_str(status, "waiting_for", "");
	if (given && !view.node) {
		_cleanup_free_ char *what = xasprintf("show node %s", given);

		r = command_failed(line, EXIT_REFUSED, what, "there is no such node in the configuration");
	} else if (cmdline_has(line, OPT_JSON)) {
		drop_unwanted(line, status);
		print_json(status);
	} else {
		print_sections(line, &view);
		(void)fflush(stdout);
		if (*waiting)
			(void)fprintf(stderr, "scstat:  This node (%s) is not a member of the cluster now, and shows what it knows - %s\n",
				      ju_str(status, "self", "?"), waiting);
	}
	json_decref(status);
	return r;
}

static const struct option_info options[] = {
	{ 'n', NULL, NULL,        "nodes" },
	{ 'W', NULL, NULL,        "transport paths" },
	{ 'q', NULL, NULL,        "quorum" },
	{ 'D', NULL, NULL,        "device groups" },
	{ 'g', NULL, NULL,        "resource groups and resources" },
	{ 'i', NULL, NULL,        "public network groups" },
	{ 'p', NULL, NULL,        "everything; so without any of these" },
	{ 'h', NULL, "node",      "only what is on this node" },
	{ 'v', NULL, NULL,        "verbose", true },
	{ OPT_JSON, "json", NULL, "print as JSON" },
};

static const struct form forms[] = {
	{ "", "nWqDgiphv2", NULL, PRIVILEGE_NONE, "show the state of the cluster", run_scstat },
};

static const struct command_info scstat = {
	"scstat", "show the state of the cluster", options, ARRAY_SIZE(options), forms, ARRAY_SIZE(forms),
};

int cmd_scstat(int argc, char **argv)
{
	return command_main(&scstat, argc, argv);
}
