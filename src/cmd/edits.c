#include "cmd/edits.h"

#include "base/json.h"
#include "cmd/objects.h"

char *list_without(const char *list, const struct strlist *items)
{
	_cleanup_(strlist_done) struct strlist now = { 0 }, left = { 0 };

	strlist_split(&now, list, ",");
	for (size_t i = 0; i < now.n; i++)
		if (!strlist_has(items, now.v[i]))
			strlist_add(&left, now.v[i]);
	return strlist_join(&left, ",");
}

char *list_with(const char *list, const struct strlist *items)
{
	_cleanup_(strlist_done) struct strlist all = { 0 };

	strlist_split(&all, list, ",");
	for (size_t i = 0; i < items->n; i++)
		if (!strlist_has(&all, items->v[i]))
			strlist_add(&all, items->v[i]);
	return strlist_join(&all, ",");
}

static const char *const group_lists[] = { "Nodelist", "RG_dependencies", "RG_affinities", "Global_resources_used", "Load_factors" };

const char *group_value(const void *object, const char *name, bool *ret_list)
{
	const char *key;
	json_t *v;

	*ret_list = false;
	for (size_t i = 0; i < ARRAY_SIZE(group_lists); i++)
		*ret_list |= strieq(name, group_lists[i]);
	json_object_foreach(ju_obj(object, "properties"), key, v)
		if (strieq(key, name))
			return json_string_value(v) ? json_string_value(v) : "";
	return NULL;
}

/* Also of "Workers{alpha}": the value there, else that of all nodes. */
const char *resource_value(const void *object, const char *name, bool *ret_list)
{
	size_t n = strcspn(name, "{");
	_cleanup_free_ char *plain = xstrndup(name, n);
	_cleanup_free_ char *node = name[n] ? xstrndup(name + n + 1, strcspn(name + n + 1, "}")) : xstrdup("");
	const json_t *p = resource_prop(object, plain);

	if (!p)
		return NULL;
	*ret_list = streq(ju_str(p, "type", ""), "STRINGARRAY");
	return ju_str(ju_obj(p, "values"), node, ju_str(p, "value", ""));
}

static int change_list(const struct cmdline *line, const char *name, char how, const char *value, edit_current_fn *current,
		       const void *object, json_t *ret)
{
	_cleanup_free_ char *what = xasprintf("change property %s", name), *list = NULL;
	_cleanup_(strlist_done) struct strlist items = { 0 };
	bool is_list = false;
	const char *now = current ? current(object, name, &is_list) : NULL;

	if (!current)
		return command_usage(line, "+= and -= go with what exists already; write %s=%s", name, value);
	if (!now)
		return command_failed(line, EXIT_PROPERTY, what, "there is no such property");
	if (!is_list)
		return command_failed(line, EXIT_PROPERTY, what, "it is no list; += and -= go with lists only");
	strlist_split(&items, value, ",");
	list = how == '+' ? list_with(now, &items) : list_without(now, &items);
	ju_set_str(ret, name, list);
	return EXIT_OK;
}

int edits_read(const struct cmdline *line, char letter, edit_current_fn *current, const void *object, json_t *ret)
{
	const struct strlist *given = &line->values[(unsigned char)letter];
	int r = EXIT_OK;

	for (size_t i = 0; r == EXIT_OK && i < given->n; i++) {
		const char *equals = strchr(given->v[i], '=');
		char how = equals > given->v[i] && strchr("+-", equals[-1]) ? equals[-1] : '=';
		size_t n = equals ? (size_t)(equals - given->v[i]) - (how != '=') : 0;
		_cleanup_free_ char *name = xstrndup(given->v[i], n);

		if (!n)
			r = command_usage(line, "-%c takes name=value, not \"%s\"", letter, given->v[i]);
		else if (json_object_get(ret, name))
			r = command_usage(line, "Property %s is given twice", name);
		else if (how != '=')
			r = change_list(line, name, how, equals + 1, current, object, ret);
		else
			ju_set_str(ret, name, equals + 1);
	}
	return r;
}
