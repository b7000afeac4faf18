/* clresourcegroup: the configuration of groups. */
#include "base/json.h"
#include "cmd/client.h"
#include "cmd/clrg.h"
#include "cmd/edits.h"
#include "cmd/removal.h"
#include "cmd/view.h"

/* Sets a property unless -p has set it. */
static void set_default(json_t *props, const char *name, const char *value)
{
	const char *key;
	json_t *v;

	json_object_foreach(props, key, v)
		if (strieq(key, name))
			return;
	ju_set_str(props, name, value);
}

/* -S: it is online on all its nodes. */
static void set_primaries(json_t *props, size_t n)
{
	_cleanup_free_ char *text = xasprintf("%zu", n);

	set_default(props, "Maximum_primaries", text);
	set_default(props, "Desired_primaries", text);
}

/* ---- creating ---- */

static int create_one(const struct cmdline *line, const struct objects *objects, const char *name, const json_t *props)
{
	_cleanup_free_ char *what = xasprintf("create resource group %s", name);

	if (object_find(objects_groups(objects), name))
		return command_failed(line, EXIT_EXISTS, what, "there is a resource group of this name already");
	return request_run(line, ju_pack("{ss, ss, sO}", "op", "group_add", "rg", name, "props", (json_t *)props), "%s", what);
}

int clrg_create(const struct cmdline *line)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	struct objects objects = { 0 };
	json_t *props = json_object();
	int first = EXIT_OK, r = objects_read(line, &objects);

	if (r == EXIT_OK)
		r = nodes_given(line, &objects, 'n', &nodes);
	if (r == EXIT_OK)
		r = edits_read(line, 'p', NULL, NULL, props);
	_cleanup_free_ char *joined = strlist_join(&nodes, ",");

	if (nodes.n)
		set_default(props, "Nodelist", joined);
	if (cmdline_has(line, 'S'))
		set_primaries(props, nodes.n ? nodes.n : json_array_size(ju_arr(objects.status, "nodes")));
	for (size_t i = 0; r == EXIT_OK && i < line->operands.n; i++) {
		int one = create_one(line, &objects, line->operands.v[i], props);

		first = first ? first : one;
		if (exit_is_hopeless(one))
			break;
	}
	json_decref(props);
	objects_done(&objects);
	return r ? r : first;
}

/* ---- changing ---- */

/* What each kind of change makes of one group: properties; EXIT_OK or the exit code after a complaint. */
typedef int change_fn(const struct cmdline *line, const json_t *group, const struct strlist *nodes, json_t *props);

static int change_one(const struct cmdline *line, const json_t *group, const struct strlist *nodes, change_fn *change)
{
	json_t *props = json_object();
	int r = change(line, group, nodes, props);

	if (r == EXIT_OK && json_object_size(props))
		r = request_run(line, ju_pack("{ss, ss, sO}", "op", "group_change", "rg", ju_str(group, "name", ""), "props", props),
				"change resource group %s", ju_str(group, "name", ""));
	json_decref(props);
	return r;
}

static int each_group(const struct cmdline *line, change_fn *change)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	struct objects objects = { 0 };
	json_t *groups = NULL, *group;
	int missing = EXIT_OK, first = EXIT_OK, r = objects_read(line, &objects);
	size_t i;

	if (r == EXIT_OK)
		r = nodes_given(line, &objects, 'n', &nodes);
	if (r == EXIT_OK)
		groups = groups_picked(line, &objects, &missing);
	json_array_foreach(groups, i, group) {
		int one = change_one(line, group, &nodes, change);

		first = first ? first : one;
		if (exit_is_hopeless(one) || one == EXIT_USAGE)
			break;
	}
	json_decref(groups);
	objects_done(&objects);
	return r ? r : missing ? missing : first;
}

static int as_given(const struct cmdline *line, const json_t *group, const struct strlist *nodes, json_t *props)
{
	_cleanup_free_ char *joined = strlist_join(nodes, ",");
	int r = edits_read(line, 'p', group_value, group, props);

	if (nodes->n)
		set_default(props, "Nodelist", joined);
	return r;
}

static void set_nodelist(const struct cmdline *line, const json_t *group, const char *list, json_t *props)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };

	if (streq(list, group_prop(group, "Nodelist")))
		return;
	ju_set_str(props, "Nodelist", list);
	strlist_split(&nodes, list, ",");
	if (cmdline_has(line, 'S'))
		set_primaries(props, nodes.n);
}

static int more_nodes(const struct cmdline *line, const json_t *group, const struct strlist *nodes, json_t *props)
{
	_cleanup_free_ char *list = list_with(group_prop(group, "Nodelist"), nodes);

	set_nodelist(line, group, list, props);
	return EXIT_OK;
}

static int fewer_nodes(const struct cmdline *line, const json_t *group, const struct strlist *nodes, json_t *props)
{
	_cleanup_free_ char *list = list_without(group_prop(group, "Nodelist"), nodes);
	_cleanup_free_ char *what = xasprintf("change resource group %s", ju_str(group, "name", ""));

	if (!*list)
		return command_failed(line, EXIT_INVALID, what, "no node would be left");
	set_nodelist(line, group, list, props);
	return EXIT_OK;
}

int clrg_set(const struct cmdline *line)          { return each_group(line, as_given); }
int clrg_add_nodes(const struct cmdline *line)    { return each_group(line, more_nodes); }
int clrg_remove_nodes(const struct cmdline *line) { return each_group(line, fewer_nodes); }

/* ---- deleting ---- */

/* One that is empty and offline need not be unmanaged by hand. */
static int delete_one(const struct cmdline *line, const struct objects *objects, const json_t *group)
{
	const char *name = ju_str(group, "name", "");
	bool unmanage = ju_bool(group, "managed", false) && !json_array_size(ju_arr(group, "resources"));
	int r = EXIT_OK;

	(void)objects;
	if (unmanage)
		r = request_run(line, ju_pack("{ss, ss}", "op", "group_unmanage", "rg", name), "unmanage resource group %s", name);
	return r ? r : request_run(line, ju_pack("{ss, ss}", "op", "group_remove", "rg", name), "delete resource group %s", name);
}

/* Names, for what is known of the next group may be old when one has been deleted by force. */
static int delete_each(const struct cmdline *line,
		       int (*delete)(const struct cmdline *line, const struct objects *objects, const json_t *group))
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	struct objects objects = { 0 };
	int missing = EXIT_OK, first = EXIT_OK, r = objects_read(line, &objects);

	if (r == EXIT_OK)
		missing = view_pick_names(line, objects_groups(&objects), "resource group", &names);
	for (size_t i = 0; r == EXIT_OK && i < names.n; i++) {
		const json_t *group = object_find(objects_groups(&objects), names.v[i]);
		int one = group ? delete(line, &objects, group) : EXIT_OK;

		first = first ? first : one;
		objects_done(&objects);
		objects = (struct objects) { 0 };
		if (exit_is_hopeless(one))
			break;
		if (i + 1 < names.n)
			r = objects_read(line, &objects);
	}
	objects_done(&objects);
	return r ? r : missing ? missing : first;
}

int clrg_delete(const struct cmdline *line)        { return delete_each(line, delete_one); }
int clrg_delete_forced(const struct cmdline *line) { return delete_each(line, group_remove_forced); }
