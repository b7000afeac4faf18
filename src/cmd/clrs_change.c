/* clresource and its kin: changes. */
#include "base/json.h"
#include "cmd/client.h"
#include "cmd/clrs.h"
#include "cmd/edits.h"
#include "cmd/props.h"
#include "cmd/removal.h"
#include "cmd/rtr_file.h"

static void add_names(const json_t *resources, struct strlist *ret)
{
	json_t *rs;
	size_t i;

	json_array_foreach((json_t *)resources, i, rs)
		strlist_add(ret, ju_str(rs, "name", ""));
}

/* ---- creating ---- */

/* -p, -x and -y into a request; the cluster knows of which kind a property of -p is. */
static int add_props(const struct cmdline *line, edit_current_fn *current, const void *object, json_t *body)
{
	static const struct { char letter; const char *member; } kinds[] = { { 'p', "any" }, { 'x', "ext" }, { 'y', "props" } };
	int r = EXIT_OK;

	for (size_t i = 0; r == EXIT_OK && i < ARRAY_SIZE(kinds); i++) {
		if (!ju_obj(body, kinds[i].member))
			ju_set_new(body, kinds[i].member, json_object());
		r = edits_read(line, kinds[i].letter, current, object, ju_obj(body, kinds[i].member));
		if (!json_object_size(ju_obj(body, kinds[i].member)))
			json_object_del(body, kinds[i].member);
	}
	return r;
}

static int create(const struct cmdline *line, const char *type, json_t *ext /* taken */)
{
	const char *name = line->operands.v[0], *group = cmdline_get(line, 'g');
	_cleanup_free_ char *what = xasprintf("create resource %s", name);
	json_t *body = ju_pack("{ss, ss, ss, ss, so, sb}", "op", "resource_add", "rs", name, "type", type, "rg", group, "ext", ext,
			       "enabled", !cmdline_has(line, 'd'));
	struct objects objects = { 0 };
	int r = add_props(line, NULL, NULL, body);

	if (r == EXIT_OK)
		r = objects_read(line, &objects);
	if (r == EXIT_OK) {
		json_t *all = objects_resources(&objects);

		if (object_find(all, name))
			r = command_failed(line, EXIT_EXISTS, what, "there is a resource of this name already");
		json_decref(all);
	}
	if (r == EXIT_OK && family_type(line))
		r = rtr_register_once(line, type);
	if (r == EXIT_OK)
		r = request_run(line, json_incref(body), "%s", what);
	json_decref(body);
	objects_done(&objects);
	return r;
}

int clrs_create(const struct cmdline *line)
{
	return create(line, cmdline_get(line, 't'), json_object());
}

static int add_list(const struct cmdline *line, char letter, const char *name, json_t *ext)
{
	_cleanup_(strlist_done) struct strlist list = { 0 };

	if (!cmdline_has(line, letter))
		return EXIT_OK;
	if (cmdline_list(line, letter, &list) < 0)
		return EXIT_USAGE;
	if (!list.n)
		return command_usage(line, "-%c is empty", letter);
	_cleanup_free_ char *joined = strlist_join(&list, ",");

	ju_set_str(ext, name, joined);
	return EXIT_OK;
}

/* Without -h the resource has the name of its host. */
int clrs_create_address(const struct cmdline *line)
{
	json_t *ext = ju_pack("{ss}", "HostnameList", line->operands.v[0]);
	int r = add_list(line, 'h', "HostnameList", ext);

	if (r == EXIT_OK)
		r = add_list(line, 'N', "NetIfList", ext);
	if (r == EXIT_OK)
		r = add_list(line, 'X', "AuxNodeList", ext);    /* of a shared address */
	if (r == EXIT_OK)
		return create(line, family_type(line), ext);
	json_decref(ext);
	return r;
}

/* ---- changing ---- */

static int set_one(const struct cmdline *line, const json_t *resource)
{
	json_t *body = ju_pack("{ss, ss}", "op", "resource_change", "rs", ju_str(resource, "name", ""));
	int r = add_props(line, resource_value, resource, body);

	if (r == EXIT_OK)
		return request_run(line, body, "change resource %s", ju_str(resource, "name", ""));
	json_decref(body);
	return r;
}

int clrs_set(const struct cmdline *line)
{
	struct objects objects = { 0 };
	json_t *resources, *rs;
	int missing, first = EXIT_OK, r = objects_read(line, &objects);
	size_t i;

	if (r != EXIT_OK)
		return r;
	resources = resources_picked(line, &objects, &missing);
	json_array_foreach(resources, i, rs) {
		int one = set_one(line, rs);

		first = first ? first : one;
		if (exit_is_hopeless(one) || one == EXIT_USAGE)
			break;
	}
	json_decref(resources);
	objects_done(&objects);
	return missing ? missing : first;
}

/* ---- switching on and off ---- */

struct switching { const char *op, *verb; bool monitor, users_first; };

/* The nodes of -n; of many resources each is switched where its group may be.  Empty: there is none such. */
static void nodes_for_group(const struct cmdline *line, const struct objects *objects, const char *group, const struct strlist *given,
			    struct strlist *ret)
{
	_cleanup_(strlist_done) struct strlist nodelist = { 0 };
	bool many = cmdline_all(line) || cmdline_has(line, 'r') || cmdline_has(line, 'R');

	strlist_split(&nodelist, group_prop(object_find(objects_groups(objects), group), "Nodelist"), ",");
	for (size_t i = 0; i < given->n; i++)
		if (!many || strlist_has(&nodelist, given->v[i]))
			strlist_add(ret, given->v[i]);
}

static int switch_group(const struct cmdline *line, const struct switching *how, const struct strlist *names, const struct strlist *nodes)
{
	_cleanup_free_ char *joined = strlist_join(names, ", "), *on = strlist_join(nodes, ", ");

	return request_run(line, ju_pack("{ss, so, sb, so*}", "op", how->op, "names", strings_json(names), "monitor", how->monitor, "nodes",
					 nodes->n ? strings_json(nodes) : NULL), "%s %sresource%s %s%s%s", how->verb,
			   how->monitor ? "the monitor of " : "", names->n > 1 ? "s" : "", joined, nodes->n ? " on " : "", on);
}

/* Resources of one group that follow each other go together. */
static int switch_sorted(const struct cmdline *line, const struct switching *how, const struct objects *objects, const json_t *all,
			 const struct strlist *names, const struct strlist *given)
{
	int first = EXIT_OK;

	for (size_t i = 0, end; i < names->n && !exit_is_hopeless(first); i = end) {
		const char *group = ju_str(object_find(all, names->v[i]), "group", "");
		_cleanup_(strlist_done) struct strlist nodes = { 0 };
		int r = EXIT_OK;

		for (end = i; end < names->n && streq(ju_str(object_find(all, names->v[end]), "group", ""), group);)
			end++;
		struct strlist part = { .v = names->v + i, .n = end - i };

		nodes_for_group(line, objects, group, given, &nodes);
		if (nodes.n || !given->n)
			r = switch_group(line, how, &part, &nodes);
		first = first ? first : r;
	}
	return first;
}

/* What -g, -t and -u leave of them. */
static void drop_unwanted(const struct cmdline *line, const struct objects *objects, const struct filter *filter, json_t *resources)
{
	for (size_t i = json_array_size(resources); i-- > 0;) {
		const json_t *rs = json_array_get(resources, i);
		bool asleep = cmdline_all(line) && !cmdline_has(line, 'u') &&
			      group_is_suspended(object_find(objects_groups(objects), ju_str(rs, "group", "")));

		if (!filter_resource(filter, objects, rs) || (asleep && strchr(line->form->may, 'u')))
			json_array_remove(resources, i);
	}
}

static int switch_resources(const struct cmdline *line, const struct switching *how)
{
	_cleanup_(strlist_done) struct strlist names = { 0 }, nodes = { 0 };
	struct objects objects = { 0 };
	struct filter filter = { 0 };
	json_t *resources, *all;
	int missing, r = objects_read(line, &objects);

	if (r != EXIT_OK)
		return r;
	resources = resources_picked(line, &objects, &missing);
	r = filter_read(line, &objects, &filter);
	nodes = filter.nodes;           /* where to switch, not which of them */
	filter.nodes = (struct strlist) { 0 };
	if (r == EXIT_OK)
		drop_unwanted(line, &objects, &filter, resources);
	add_names(resources, &names);
	all = objects_resources(&objects);
	if (cmdline_has(line, 'r') || cmdline_has(line, 'R'))
		resources_add_related(all, how->users_first, &names);
	resources_sort(all, how->users_first, &names);
	if (r == EXIT_OK)
		r = switch_sorted(line, how, &objects, all, &names, &nodes);
	json_decref(all);
	json_decref(resources);
	filter_done(&filter);
	objects_done(&objects);
	return missing ? missing : r;
}

int clrs_enable(const struct cmdline *line)
{
	return switch_resources(line, &(struct switching) { "resource_enable", "enable", false, false });
}

int clrs_disable(const struct cmdline *line)
{
	return switch_resources(line, &(struct switching) { "resource_disable", "disable", false, true });
}

int clrs_monitor(const struct cmdline *line)
{
	return switch_resources(line, &(struct switching) { "resource_enable", "enable", true, false });
}

int clrs_unmonitor(const struct cmdline *line)
{
	return switch_resources(line, &(struct switching) { "resource_disable", "disable", true, true });
}

/* ---- clearing ---- */

/* The nodes where it is in this state. */
static json_t *nodes_in(const struct objects *objects, const char *resource, const char *state)
{
	json_t *ret = json_array(), *node;
	size_t i;

	json_array_foreach(ju_arr(resource_status(objects, resource), "nodes"), i, node)
		if (streq(ju_str(node, "state", ""), state))
			ju_push(ret, json_string(ju_str(node, "node", "")));
	return ret;
}

static int clear_one(const struct cmdline *line, const struct objects *objects, const struct strlist *nodes, const char *resource)
{
	_cleanup_free_ char *what = xasprintf("clear STOP_FAILED of resource %s", resource);
	json_t *where = nodes->n ? strings_json(nodes) : nodes_in(objects, resource, "STOP_FAILED");

	if (json_array_size(where))
		return request_run(line, ju_pack("{ss, ss, so}", "op", "resource_clear", "rs", resource, "nodes", where), "%s", what);
	json_decref(where);
	return cmdline_all(line) ? EXIT_OK : command_failed(line, EXIT_STATE, what, "it is in this state on no node");
}

int clrs_clear(const struct cmdline *line)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 }, names = { 0 };
	const char *flag = cmdline_get(line, 'f');
	struct objects objects = { 0 };
	json_t *resources;
	int missing, first = EXIT_OK, r;

	if (flag && !strieq(flag, "STOP_FAILED"))
		return command_usage(line, "-f takes STOP_FAILED, the only flag that can be cleared, not \"%s\"", flag);
	r = objects_read(line, &objects);
	if (r != EXIT_OK)
		return r;
	r = nodes_given(line, &objects, 'n', &nodes);
	resources = resources_picked(line, &objects, &missing);
	add_names(resources, &names);
	for (size_t i = 0; r == EXIT_OK && i < names.n && !exit_is_hopeless(first); i++) {
		int one = clear_one(line, &objects, &nodes, names.v[i]);

		first = first ? first : one;
	}
	json_decref(resources);
	objects_done(&objects);
	return r ? r : missing ? missing : first;
}

/* ---- deleting ---- */

static int delete_resources(const struct cmdline *line,
			    int (*delete)(const struct cmdline *line, const struct objects *objects, struct strlist *names))
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	struct objects objects = { 0 };
	json_t *resources;
	int missing, r = objects_read(line, &objects);

	if (r != EXIT_OK)
		return r;
	resources = resources_picked(line, &objects, &missing);
	add_names(resources, &names);
	json_decref(resources);
	r = delete(line, &objects, &names);
	objects_done(&objects);
	return missing ? missing : r;
}

static int remove_each(const struct cmdline *line, const struct objects *objects, struct strlist *names)
{
	json_t *all = objects_resources(objects);

	resources_sort(all, true, names);
	json_decref(all);
	return requests_each(line, names, "resource_remove", "rs", NULL, "delete resource");
}

int clrs_delete(const struct cmdline *line)        { return delete_resources(line, remove_each); }
int clrs_delete_forced(const struct cmdline *line) { return delete_resources(line, resources_remove_forced); }
