/* clresourcegroup: where groups run.  A subcommand is a list of steps; a step goes to all groups side by side, and a group
 * whose step has failed is left out of those behind it. */
#include "base/json.h"
#include "cmd/clrg.h"
#include "cmd/client.h"
#include "cmd/props.h"
#include "cmd/signame.h"
#include "cmd/view.h"

#define HOLD_MOST_S 65535       /* documented */

struct plan {
	const struct cmdline *line;
	const struct objects *objects;
	struct strlist nodes;           /* -n */
	json_t *masters;                /* of the group in question */
};

struct step {
	char letter;                    /* only with this option; 0: always */
	const char *op, *what;
	/* The members of the request beside op and rg; NULL: nothing to do for this group. */
	json_t *(*members)(const struct plan *plan, const json_t *group);
};

static bool is_master(const struct plan *plan, const char *node)
{
	return names_have(plan->masters, node);
}

static json_t *nothing_more(const struct plan *plan, const json_t *group)
{
	(void)plan;
	(void)group;
	return json_object();
}

static json_t *with_kill(const struct plan *plan, const json_t *group)
{
	(void)group;
	return cmdline_has(plan->line, 'k') ? ju_pack("{sb}", "kill", true) : json_object();
}

static json_t *switch_to(json_t *nodes /* taken */, bool preferred)
{
	return ju_pack("{ss, so, sb}", "op", "group_switch", "nodes", nodes, "preferred", preferred);
}

/* ---- what each step asks for ---- */

static json_t *resources_of(const struct plan *plan, const json_t *group, bool monitor)
{
	json_t *names = json_array(), *rs;
	size_t i;

	(void)plan;
	json_array_foreach(ju_arr(group, "resources"), i, rs)
		if (!resource_is_on_everywhere(rs, monitor ? "monitored" : "enabled"))
			ju_push(names, json_string(ju_str(rs, "name", "")));
	if (json_array_size(names))
		return ju_pack("{so, sb}", "names", names, "monitor", monitor);
	json_decref(names);
	return NULL;
}

static json_t *disabled_ones(const struct plan *plan, const json_t *group)    { return resources_of(plan, group, false); }
static json_t *unmonitored_ones(const struct plan *plan, const json_t *group) { return resources_of(plan, group, true); }

/* Members of the cluster in the order of the Nodelist, until there are enough. */
static void add_preferred(const struct plan *plan, const json_t *group, size_t wanted, json_t *ret)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };

	strlist_split(&nodes, group_prop(group, "Nodelist"), ",");
	for (size_t i = 0; i < nodes.n && json_array_size(ret) < wanted; i++) {
		const json_t *node = view_find(ju_arr(plan->objects->status, "nodes"), nodes.v[i]);

		if (ju_bool(node, "member", false) && !is_master(plan, nodes.v[i]))
			ju_push(ret, json_string(nodes.v[i]));
	}
}

/* In addition to where it is. */
static json_t *more_masters(const struct plan *plan, const json_t *group)
{
	size_t wanted = strtoul(group_prop(group, "Desired_primaries"), NULL, 10), now = json_array_size(plan->masters);
	json_t *nodes;

	if (!plan->nodes.n && !now)
		return switch_to(json_array(), true);
	if (!plan->nodes.n && now >= wanted)
		return NULL;
	nodes = json_copy(plan->masters);
	for (size_t i = 0; i < plan->nodes.n; i++)
		if (!is_master(plan, plan->nodes.v[i]))
			ju_push(nodes, json_string(plan->nodes.v[i]));
	if (!plan->nodes.n)
		add_preferred(plan, group, wanted, nodes);
	return switch_to(nodes, false);
}

static json_t *these_masters(const struct plan *plan, const json_t *group)
{
	(void)group;
	return switch_to(strings_json(&plan->nodes), false);
}

/* Off these nodes, or off all. */
static json_t *fewer_masters(const struct plan *plan, const json_t *group)
{
	json_t *left = json_array(), *v;
	size_t i;

	(void)group;
	json_array_foreach(plan->masters, i, v)
		if (!strlist_has(&plan->nodes, json_string_value(v)))
			ju_push(left, json_incref(v));
	if (!plan->nodes.n) {
		json_decref(left);
		return json_object();
	}
	if (json_array_size(left) < json_array_size(plan->masters))
		return switch_to(left, false);
	json_decref(left);
	return NULL;                    /* it is on none of them */
}

/* Where it is, or on those of -n; of "+" only what is online. */
static json_t *masters_again(const struct plan *plan, const json_t *group)
{
	(void)group;
	if (plan->nodes.n)
		return ju_pack("{so}", "nodes", strings_json(&plan->nodes));
	if (!json_array_size(plan->masters) && cmdline_all(plan->line))
		return NULL;
	return ju_pack("{sO}", "nodes", plan->masters);
}

/* ---- carrying it out ---- */

static void add_request(const struct step *step, struct plan *plan, const json_t *group, struct requests *requests, json_t *asked)
{
	const char *name = ju_str(group, "name", "");
	json_t *body, *members;

	plan->masters = group_masters(plan->objects, name);
	members = step->members(plan, group);
	json_decref(plan->masters);
	if (!members)
		return;
	body = ju_pack("{ss, ss}", "op", step->op, "rg", name);
	json_object_update(body, members);
	json_decref(members);
	requests_add(requests, body, "%s %s", step->what, name);
	json_array_append(asked, (json_t *)group);
}

/* Whose request failed goes no further. */
static void drop_failed(const struct requests *requests, const json_t *asked, json_t *groups)
{
	for (size_t i = 0; i < requests->n; i++)
		for (size_t k = json_array_size(groups); requests->v[i].code != EXIT_OK && k-- > 0;)
			if (json_array_get(groups, k) == json_array_get(asked, i))
				json_array_remove(groups, k);
}

static int run_step(const struct step *step, struct plan *plan, json_t *groups)
{
	_cleanup_(requests_done) struct requests requests = { 0 };
	json_t *asked = json_array(), *group;
	size_t i;
	int r;

	json_array_foreach(groups, i, group)
		add_request(step, plan, group, &requests, asked);
	r = requests_run(plan->line, &requests);
	drop_failed(&requests, asked, groups);
	json_decref(asked);
	return r;
}

/* "+" leaves out what is suspended, unless -u asks for it. */
static void drop_suspended(const struct cmdline *line, json_t *groups)
{
	if (!cmdline_all(line) || cmdline_has(line, 'u') || !strchr(line->form->may, 'u'))
		return;
	for (size_t i = json_array_size(groups); i-- > 0;)
		if (group_is_suspended(json_array_get(groups, i)))
			json_array_remove(groups, i);
}

static int run_steps(const struct cmdline *line, const struct step *steps, size_t n)
{
	struct objects objects = { 0 };
	struct plan plan = { .line = line, .objects = &objects };
	json_t *groups;
	int missing, first = EXIT_OK, r = objects_read(line, &objects);

	if (r != EXIT_OK)
		return r;
	r = nodes_given(line, &objects, 'n', &plan.nodes);
	groups = groups_picked(line, &objects, &missing);
	drop_suspended(line, groups);
	for (size_t i = 0; r == EXIT_OK && i < n && !exit_is_hopeless(first); i++)
		if (!steps[i].letter || cmdline_has(line, steps[i].letter)) {
			int one = run_step(&steps[i], &plan, groups);

			first = first ? first : one;
		}
	json_decref(groups);
	strlist_done(&plan.nodes);
	objects_done(&objects);
	return r ? r : missing ? missing : first;
}

/* ---- the subcommands ---- */

#define MAKE_READY \
	{ 'M', "group_manage",    "manage resource group",                 nothing_more }, \
	{ 'e', "resource_enable", "enable the resources of group",         disabled_ones }, \
	{ 'm', "resource_enable", "enable the monitors of resource group", unmonitored_ones }

static const struct step online_steps[]   = { MAKE_READY, { 0, "group_switch", "bring online resource group", more_masters } };
static const struct step switch_steps[]   = { MAKE_READY, { 0, "group_switch", "switch resource group", these_masters } };
static const struct step offline_steps[]  = { { 0, "group_offline", "take offline resource group", fewer_masters } };
static const struct step restart_steps[]  = { { 0, "group_restart", "restart resource group", masters_again } };
static const struct step manage_steps[]   = { { 0, "group_manage", "manage resource group", nothing_more } };
static const struct step unmanage_steps[] = { { 0, "group_unmanage", "unmanage resource group", nothing_more } };
static const struct step remaster_steps[] = { { 0, "group_remaster", "remaster resource group", nothing_more } };
static const struct step suspend_steps[]  = { { 0, "group_suspend", "suspend resource group", with_kill } };
static const struct step resume_steps[]   = { { 0, "group_resume", "resume resource group", nothing_more } };
static const struct step quiesce_steps[]  = { { 0, "group_quiesce", "quiesce resource group", with_kill } };

int clrg_online(const struct cmdline *line)   { return run_steps(line, online_steps, ARRAY_SIZE(online_steps)); }
int clrg_switch(const struct cmdline *line)   { return run_steps(line, switch_steps, ARRAY_SIZE(switch_steps)); }
int clrg_offline(const struct cmdline *line)  { return run_steps(line, offline_steps, ARRAY_SIZE(offline_steps)); }
int clrg_restart(const struct cmdline *line)  { return run_steps(line, restart_steps, ARRAY_SIZE(restart_steps)); }
int clrg_manage(const struct cmdline *line)   { return run_steps(line, manage_steps, ARRAY_SIZE(manage_steps)); }
int clrg_unmanage(const struct cmdline *line) { return run_steps(line, unmanage_steps, ARRAY_SIZE(unmanage_steps)); }
int clrg_remaster(const struct cmdline *line) { return run_steps(line, remaster_steps, ARRAY_SIZE(remaster_steps)); }
int clrg_suspend(const struct cmdline *line)  { return run_steps(line, suspend_steps, ARRAY_SIZE(suspend_steps)); }
int clrg_resume(const struct cmdline *line)   { return run_steps(line, resume_steps, ARRAY_SIZE(resume_steps)); }
int clrg_quiesce(const struct cmdline *line)  { return run_steps(line, quiesce_steps, ARRAY_SIZE(quiesce_steps)); }

/* All groups, whose number nobody needs to know. */
int clrg_evacuate(const struct cmdline *line)
{
	_cleanup_(requests_done) struct requests requests = { 0 };
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	struct objects objects = { 0 };
	int seconds = 60, r = objects_read(line, &objects);

	if (cmdline_has(line, 'T') && number_parse(cmdline_get(line, 'T'), 0, HOLD_MOST_S, &seconds) < 0)
		r = command_usage(line, "-T takes a number of seconds from 0 to %d, not \"%s\"", HOLD_MOST_S, cmdline_get(line, 'T'));
	if (r == EXIT_OK && line->operands.n && !cmdline_all(line))
		r = command_usage(line, "Nodes are evacuated of all groups: \"+\" or nothing");
	if (r == EXIT_OK)
		r = nodes_given(line, &objects, 'n', &nodes);
	for (size_t i = 0; r == EXIT_OK && i < nodes.n; i++)
		requests_add(&requests, ju_pack("{ss, ss, si}", "op", "evacuate", "node", nodes.v[i], "seconds", seconds),
			     "evacuate node %s", nodes.v[i]);
	objects_done(&objects);
	return r ? r : requests_run(line, &requests);
}
