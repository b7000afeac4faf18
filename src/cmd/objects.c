#include "cmd/objects.h"

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/view.h"

#define INTERFACE "org.parhelion.Cluster."

int objects_read(const struct cmdline *line, struct objects *ret)
{
	struct objects objects = { 0 };
	int r = client_call(line, "read the configuration", INTERFACE "Config", NULL, &objects.config);

	if (r == EXIT_OK)
		r = client_call(line, "read the state of the cluster", INTERFACE "Status", NULL, &objects.status);
	if (r == EXIT_OK)
		*ret = objects;
	else
		objects_done(&objects);
	return r;
}

void objects_done(struct objects *objects)
{
	json_decref(objects->config);
	json_decref(objects->status);
}

json_t *objects_types(const struct objects *objects)  { return ju_arr(objects->config, "types"); }
json_t *objects_groups(const struct objects *objects) { return ju_arr(objects->config, "groups"); }

json_t *objects_resources(const struct objects *objects)
{
	json_t *all = json_array(), *group;
	size_t i;

	json_array_foreach(objects_groups(objects), i, group)
		if (ju_arr(group, "resources"))
			json_array_extend(all, ju_arr(group, "resources"));
	return all;
}

const json_t *object_find(const json_t *array, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)array, i, v)
		if (json_is_object(v) && streq(ju_str(v, "name", ""), name))
			return v;
	return NULL;
}

const json_t *group_status(const struct objects *objects, const char *group)
{
	return object_find(ju_arr(objects->status, "groups"), group);
}

const json_t *resource_status(const struct objects *objects, const char *resource)
{
	json_t *group;
	size_t i;

	json_array_foreach(ju_arr(objects->status, "groups"), i, group) {
		const json_t *found = object_find(ju_arr(group, "resources"), resource);

		if (found)
			return found;
	}
	return NULL;
}

json_t *group_masters(const struct objects *objects, const char *group)
{
	static const char *const off[] = { "OFFLINE", "PENDING_OFFLINE", "UNMANAGED", "ERROR_STOP_FAILED", "" };
	json_t *ret = json_array(), *node;
	size_t i;

	json_array_foreach(ju_arr(group_status(objects, group), "nodes"), i, node) {
		bool on = true;

		for (size_t k = 0; k < ARRAY_SIZE(off); k++)
			on &= !streq(ju_str(node, "state", ""), off[k]);
		if (on)
			ju_push(ret, json_string(ju_str(node, "node", "")));
	}
	return ret;
}

const char *group_prop(const json_t *group, const char *name)
{
	const char *key;
	json_t *v;

	json_object_foreach(ju_obj(group, "properties"), key, v)
		if (strieq(key, name))
			return json_string_value(v) ? json_string_value(v) : "";
	return "";
}

bool group_is_suspended(const json_t *group)
{
	return strieq(group_prop(group, "Suspend_automatic_recovery"), "TRUE");
}

const json_t *resource_prop(const json_t *resource, const char *name)
{
	json_t *p;
	size_t i;

	json_array_foreach(ju_arr(resource, "properties"), i, p)
		if (strieq(ju_str(p, "name", ""), name))
			return p;
	return NULL;
}

json_t *resource_off_nodes(const json_t *resource, const char *what)
{
	return ju_arr(resource, streq(what, "enabled") ? "disabled_on" : "unmonitored_on");
}

bool resource_is_on(const json_t *resource, const char *what, const char *node)
{
	json_t *v;
	size_t i;

	json_array_foreach(resource_off_nodes(resource, what), i, v)
		if (json_is_string(v) && streq(json_string_value(v), node))
			return false;
	return ju_bool(resource, what, false);
}

bool resource_is_on_everywhere(const json_t *resource, const char *what)
{
	return ju_bool(resource, what, false) && !json_array_size(resource_off_nodes(resource, what));
}

bool type_fits(const char *type, const char *asked)
{
	const char *dot = strchr(type, '.');
	size_t n = strlen(asked);

	for (const char *from = type; from; from = from == type && dot ? dot + 1 : NULL)
		if (strncmp(from, asked, n) == 0 && (from[n] == '\0' || (from[n] == ':' && !strchr(asked, ':'))))
			return true;
	return false;
}

bool type_fits_any(const char *type, const struct strlist *asked)
{
	for (size_t i = 0; i < asked->n; i++)
		if (type_fits(type, asked->v[i]))
			return true;
	return false;
}

int nodes_given(const struct cmdline *line, const struct objects *objects, char letter, struct strlist *ret)
{
	_cleanup_(strlist_done) struct strlist given = { 0 };

	if (cmdline_list(line, letter, &given) < 0)
		return EXIT_USAGE;
	if (cmdline_has(line, letter) && !given.n)
		return command_usage(line, "-%c is empty", letter);
	for (size_t i = 0; i < given.n; i++) {
		const json_t *node = view_find(ju_arr(objects->status, "nodes"), given.v[i]);
		_cleanup_free_ char *what = xasprintf("find node %s", given.v[i]);

		if (!node)
			return command_failed(line, EXIT_NO_OBJECT, what, "there is none of this name");
		if (!strlist_has(ret, ju_str(node, "name", "")))
			strlist_add(ret, ju_str(node, "name", ""));
	}
	return EXIT_OK;
}

/* ---- filters ---- */

int filter_read(const struct cmdline *line, const struct objects *objects, struct filter *ret)
{
	const struct { char letter; struct strlist *list; } lists[] = {
		{ 's', &ret->states }, { 't', &ret->types }, { 'g', &ret->groups }, { 'r', &ret->resources },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (cmdline_list(line, lists[i].letter, lists[i].list) < 0)
			return EXIT_USAGE;
	return nodes_given(line, objects, 'n', &ret->nodes);
}

void filter_done(struct filter *filter)
{
	strlist_done(&filter->nodes);
	strlist_done(&filter->states);
	strlist_done(&filter->types);
	strlist_done(&filter->groups);
	strlist_done(&filter->resources);
}

/* Not_online is all but Online. */
static bool state_wanted(const struct strlist *wanted, const char *state)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (strieq(wanted->v[i], state) || (strieq(wanted->v[i], "not_online") && *state && !streq(state, "ONLINE")))
			return true;
	return false;
}

static bool strlist_has_word(const struct strlist *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++)
		if (strieq(words->v[i], word))
			return true;
	return false;
}

static bool has_state(const struct filter *filter, const json_t *status)
{
	json_t *node;
	size_t i;

	if (!filter->states.n)
		return true;
	json_array_foreach(ju_arr(status, "nodes"), i, node)
		if ((!filter->nodes.n || strlist_has(&filter->nodes, ju_str(node, "node", ""))) &&
		    (state_wanted(&filter->states, ju_str(node, "state", "")) ||
		     strlist_has_word(&filter->states, ju_str(node, "status", ""))))
			return true;
	return false;
}

static bool may_be_there(const struct filter *filter, const json_t *group)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };

	strlist_split(&nodes, group_prop(group, "Nodelist"), ",");
	for (size_t i = 0; i < filter->nodes.n; i++)
		if (strlist_has(&nodes, filter->nodes.v[i]))
			return true;
	return !filter->nodes.n;
}

bool filter_group(const struct filter *filter, const struct objects *objects, const json_t *group)
{
	bool resource = !filter->resources.n, type = !filter->types.n;
	json_t *rs;
	size_t i;

	json_array_foreach(ju_arr(group, "resources"), i, rs) {
		resource |= strlist_has(&filter->resources, ju_str(rs, "name", ""));
		type |= type_fits_any(ju_str(rs, "type", ""), &filter->types);
	}
	return resource && type && may_be_there(filter, group) && has_state(filter, group_status(objects, ju_str(group, "name", "")));
}

bool filter_resource(const struct filter *filter, const struct objects *objects, const json_t *resource)
{
	const char *group = ju_str(resource, "group", "");

	if (filter->groups.n && !strlist_has(&filter->groups, group))
		return false;
	if (filter->types.n && !type_fits_any(ju_str(resource, "type", ""), &filter->types))
		return false;
	return may_be_there(filter, object_find(objects_groups(objects), group)) &&
	       has_state(filter, resource_status(objects, ju_str(resource, "name", "")));
}

/* ---- what depends on what ---- */

const char *const dependency_lists[] = {
	"Resource_dependencies", "Resource_dependencies_weak", "Resource_dependencies_restart",
	"Resource_dependencies_offline_restart", NULL,
};

char *dependency_name(const char *item)
{
	return xstrndup(item, strcspn(item, "{@"));
}

bool depends_on(const json_t *resource, const char *name)
{
	for (size_t i = 0; dependency_lists[i]; i++) {
		_cleanup_(strlist_done) struct strlist items = { 0 };

		strlist_split(&items, ju_str(resource_prop(resource, dependency_lists[i]), "value", ""), ",");
		for (size_t k = 0; k < items.n; k++) {
			_cleanup_free_ char *plain = dependency_name(items.v[k]);

			if (streq(plain, name))
				return true;
		}
	}
	return false;
}

static bool is_related(const json_t *all, bool users, const json_t *resource, const char *to)
{
	return users ? depends_on(resource, to) : depends_on(object_find(all, to), ju_str(resource, "name", ""));
}

void resources_add_related(const json_t *all, bool users, struct strlist *names)
{
	json_t *rs;
	size_t k;

	for (size_t i = 0; i < names->n; i++)           /* it grows */
		json_array_foreach((json_t *)all, k, rs)
			if (is_related(all, users, rs, names->v[i]) && !strlist_has(names, ju_str(rs, "name", "")))
				strlist_add(names, ju_str(rs, "name", ""));
}

/* May it be the next one, of those that are left? */
static bool is_free(const json_t *all, bool users_first, const struct strlist *names, const bool *done, size_t at)
{
	for (size_t i = 0; i < names->n; i++)
		if (i != at && !done[i] && is_related(all, users_first, object_find(all, names->v[i]), names->v[at]))
			return false;
	return true;
}

void resources_sort(const json_t *all, bool users_first, struct strlist *names)
{
	_cleanup_free_ bool *done = xcalloc(names->n, sizeof *done);
	struct strlist sorted = { 0 };

	for (size_t round = 0; round < names->n; round++) {
		size_t pick = names->n;

		for (size_t i = 0; i < names->n && pick == names->n; i++)
			if (!done[i] && is_free(all, users_first, names, done, i))
				pick = i;
		for (size_t i = 0; i < names->n && pick == names->n; i++)
			if (!done[i])           /* a circle, which the cluster does not allow */
				pick = i;
		done[pick] = true;
		strlist_add(&sorted, names->v[pick]);
	}
	strlist_done(names);
	*names = sorted;
}

json_t *on_nodes(const json_t *status, const struct strlist *nodes)
{
	json_t *copy = json_copy((json_t *)status), *kept = json_array(), *node;
	size_t i;

	json_array_foreach(ju_arr(status, "nodes"), i, node)
		if (!nodes->n || strlist_has(nodes, ju_str(node, "node", "")))
			json_array_append(kept, node);
	ju_set_new(copy, "nodes", kept);
	return copy;
}
