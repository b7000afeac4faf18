/* scstat: the state of the cluster as this node sees it.  Titles, rules and columns are documented and read by scripts:
 * they stay to the letter.  Works whatever the cluster is doing, as long as clusterd of this node runs. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/print.h"
#include "cmd/view.h"

#define RULE "------------------------------------------------------------------\n\n"

/* What is printed: the reply of Status, and the node that -h limits it to (NULL: all).  verbose: a line more of an object,
 * with blanks in front, so that scripts that look for labels do not see it. */
struct showing { const json_t *status; const char *node; bool verbose; };

static bool shown(const struct showing *v, const char *node)
{
	return !v->node || streq(v->node, node);
}

static void print_more(char *story /* taken */)
{
	(void)printf("        %s\n", story);
	free(story);
}

/* ---- nodes, paths, quorum ---- */

static void print_nodes(const struct showing *view)
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
		(void)printf("%s\n", node_status(node));
		if (view->verbose)
			print_more(node_story(node));
	}
	(void)printf("\n");
}

/* "node1:priv0" */
static bool is_end_at(const char *end, const char *node)
{
	size_t n = strlen(node);

	return strncmp(end, node, n) == 0 && end[n] == ':';
}

static void print_paths(const struct showing *view)
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

/* "  Node votes:       alpha               1        1       Online" */
static void print_votes(const char *label, const char *name, int64_t present, int64_t possible, const char *status)
{
	(void)printf("  %-18s", label);
	print_padded(20, name);
	(void)printf("%-9lld%-8lld%s\n", (long long)present, (long long)possible, status);
}

static bool device_shown(const struct showing *view, const json_t *device)
{
	return !view->node || names_have(ju_arr(device, "nodes"), view->node);
}

static void print_quorum_devices(const struct showing *view, const json_t *devices)
{
	json_t *device;
	size_t i;

	(void)printf("\n-- Quorum Votes by Device --\n\n"
		     "                    Device Name         Present Possible Status\n"
		     "                    -----------         ------- -------- ------\n");
	json_array_foreach((json_t *)devices, i, device) {
		const char *path = ju_str(device, "path", "");

		if (!device_shown(view, device))
			continue;
		print_votes("Device votes:", *path ? path : ju_str(device, "name", ""), ju_int(device, "votes_present", 0),
			    ju_int(device, "votes", 0), ju_str(device, "status", "Offline"));
		if (view->verbose)
			print_more(device_story(device));
	}
	(void)printf("\n");
}

static void print_quorum(const struct showing *view)
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
		if (!shown(view, ju_str(node, "name", "")))
			continue;
		print_votes("Node votes:", ju_str(node, "name", ""), node_votes_present(node), ju_int(node, "votes", 0),
			    node_status(node));
		if (view->verbose)
			print_more(node_story(node));
	}
	print_quorum_devices(view, ju_arr(quorum, "devices"));
}

/* ---- device groups: there are none yet, which is what the empty tables say ---- */

static void print_device_groups(const struct showing *view)
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

static void print_resource_names(const struct showing *view)
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
		if (view->verbose && *ju_str(group, "why", ""))
			print_more(xstrdup(ju_str(group, "why", "")));
	}
	(void)printf("\n");
}

static void print_group_states(const struct showing *view)
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

static void print_resource_states(const struct showing *view, const json_t *rs)
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

static void print_resources(const struct showing *view)
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

static void print_groups(const struct showing *view)
{
	print_resource_names(view);
	print_group_states(view);
	print_resources(view);
}

/* ---- public networks ---- */

static void print_ipmp(const struct showing *view)
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
	void (*print)(const struct showing *view);
	const char *members[3];         /* of the reply, for --json */
	bool has_more;                  /* -v has a meaning */
} sections[] = {
	{ 'n', print_nodes,         { "nodes" }, true },
	{ 'W', print_paths,         { "paths" } },
	{ 'q', print_quorum,        { "quorum", "nodes" }, true },
	{ 'D', print_device_groups, { "device_groups" } },
	{ 'g', print_groups,        { "groups" }, true },
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

static void print_sections(const struct cmdline *line, const struct showing *view)
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

/* -v where no section has more to say would be without effect: refused. */
static bool verbose_fits(const struct cmdline *line)
{
	bool fits = !cmdline_has(line, 'v');

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		fits |= wanted(line, &sections[i]) && sections[i].has_more;
	return fits;
}

static int run_scstat(const struct cmdline *line)
{
	const char *given = cmdline_get(line, 'h');
	json_t *status = NULL;
	struct showing view;
	int r;

	if (!verbose_fits(line))
		return command_usage(line, "-v adds nothing to what these letters show; it goes with -n, -q and -g");
	r = client_call(line, "read the state of the cluster", "org.parhelion.Cluster.Status", NULL, &status);
	if (r != EXIT_OK)
		return r;
	view = (struct showing) { .status = status, .verbose = cmdline_has(line, 'v') };
	if (given)
		view.node = ju_str(view_find(ju_arr(status, "nodes"), given), "name", NULL);
	if (given && !view.node) {
		_cleanup_free_ char *what = xasprintf("show node %s", given);

		r = command_failed(line, EXIT_REFUSED, what, "there is no such node in the configuration");
	} else if (cmdline_has(line, OPT_JSON)) {
		drop_unwanted(line, status);
		print_json(status);
	} else {
		print_sections(line, &view);
		(void)fflush(stdout);
		view_notes(line, &(struct view) { .status = status });
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
	{ 'v', NULL, NULL,        "more of nodes, quorum and groups", true },
	{ OPT_JSON, "json", NULL, "print as JSON" },
};

static const struct form forms[] = {
	{ "", "nWqDgiphv2", NULL, PRIVILEGE_NONE, "show the state of the cluster", run_scstat },
};

const struct command_info scstat_command = {
	"scstat", "show the state of the cluster", options, ARRAY_SIZE(options), forms, ARRAY_SIZE(forms),
};
