#include "cmd/removal.h"

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/props.h"

/* The list without the items that name one of these; NULL: it names none of them.  skip: characters in front of a name. */
static char *stripped(const char *list, const struct strlist *names, const char *skip)
{
	_cleanup_(strlist_done) struct strlist items = { 0 }, left = { 0 };

	strlist_split(&items, list, ",");
	for (size_t i = 0; i < items.n; i++) {
		_cleanup_free_ char *plain = dependency_name(items.v[i] + strspn(items.v[i], skip));

		if (!strlist_has(names, plain))
			strlist_add(&left, items.v[i]);
	}
	return left.n < items.n ? strlist_join(&left, ",") : NULL;
}

/* ---- resources ---- */

static int forget_resources(const struct cmdline *line, const json_t *user, const struct strlist *names)
{
	json_t *props = json_object();
	int r = EXIT_OK;

	for (size_t i = 0; dependency_lists[i]; i++) {
		_cleanup_free_ char *left = stripped(ju_str(resource_prop(user, dependency_lists[i]), "value", ""), names, "");

		if (left)
			ju_set_str(props, dependency_lists[i], left);
	}
	if (json_object_size(props))
		r = request_run(line, ju_pack("{ss, ss, sO}", "op", "resource_change", "rs", ju_str(user, "name", ""), "props", props),
				"take what is deleted out of the dependencies of resource %s", ju_str(user, "name", ""));
	json_decref(props);
	return r;
}

static int remove_one(const struct cmdline *line, const json_t *resource, const char *name)
{
	int r = EXIT_OK;

	if (ju_bool(resource, "enabled", false))
		r = request_run(line, ju_pack("{ss, s[s], sb}", "op", "resource_disable", "names", name, "monitor", false),
				"disable resource %s", name);
	return r ? r : request_run(line, ju_pack("{ss, ss}", "op", "resource_remove", "rs", name), "delete resource %s", name);
}

int resources_remove_forced(const struct cmdline *line, const struct objects *objects, struct strlist *names)
{
	json_t *all = objects_resources(objects), *rs;
	int r = EXIT_OK;
	size_t k;

	json_array_foreach(all, k, rs)
		if (r == EXIT_OK && !strlist_has(names, ju_str(rs, "name", "")))
			r = forget_resources(line, rs, names);
	resources_sort(all, true, names);
	for (size_t i = 0; r == EXIT_OK && i < names->n; i++)
		r = remove_one(line, object_find(all, names->v[i]), names->v[i]);
	json_decref(all);
	return r;
}

/* ---- groups ---- */

static int forget_group(const struct cmdline *line, const json_t *user, const struct strlist *names)
{
	static const char *const lists[] = { "RG_dependencies", "RG_affinities" };
	json_t *props = json_object();
	int r = EXIT_OK;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		_cleanup_free_ char *left = stripped(group_prop(user, lists[i]), names, "+-");

		if (left)
			ju_set_str(props, lists[i], left);
	}
	if (json_object_size(props))
		r = request_run(line, ju_pack("{ss, ss, sO}", "op", "group_change", "rg", ju_str(user, "name", ""), "props", props),
				"take what is deleted out of the properties of resource group %s", ju_str(user, "name", ""));
	json_decref(props);
	return r;
}

int group_remove_forced(const struct cmdline *line, const struct objects *objects, const json_t *group)
{
	static const struct { const char *op, *what; bool managed; } steps[] = {
		{ "group_offline", "take offline", true }, { "group_unmanage", "unmanage", true }, { "group_remove", "delete", false },
	};
	_cleanup_(strlist_done) struct strlist resources = { 0 }, self = { 0 };
	json_t *other, *rs;
	int r = EXIT_OK;
	size_t i;

	strlist_add(&self, ju_str(group, "name", ""));
	json_array_foreach(objects_groups(objects), i, other)
		if (r == EXIT_OK && other != group)
			r = forget_group(line, other, &self);
	json_array_foreach(ju_arr(group, "resources"), i, rs)
		strlist_add(&resources, ju_str(rs, "name", ""));
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		if (i == 1 && r == EXIT_OK)             /* offline: now what is in it */
			r = resources_remove_forced(line, objects, &resources);
		if (r == EXIT_OK && (!steps[i].managed || ju_bool(group, "managed", false)))
			r = request_run(line, ju_pack("{ss, ss}", "op", steps[i].op, "rg", self.v[0]), "%s resource group %s",
					steps[i].what, self.v[0]);
	}
	return r;
}
