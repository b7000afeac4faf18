#include "cmd/props.h"

#include "base/json.h"

static bool is_known(const char *const *known, const char *name)
{
	if (!known)
		return true;
	while (*known && !strieq(*known, name))
		known++;
	return *known;
}

int props_read(const struct cmdline *line, char letter, const char *const *known, json_t *ret)
{
	const struct strlist *given = &line->values[(unsigned char)letter];

	for (size_t i = 0; i < given->n; i++) {
		const char *equals = strchr(given->v[i], '=');
		_cleanup_free_ char *name = NULL;

		if (!equals || equals == given->v[i])
			return command_usage(line, "-%c takes name=value, not \"%s\"", letter, given->v[i]);
		name = xstrndup(given->v[i], (size_t)(equals - given->v[i]));
		if (strchr("+-", name[strlen(name) - 1]))
			return command_usage(line, "-%c \"%s\": no property here is a list, += and -= do not fit", letter, given->v[i]);
		if (json_object_get(ret, name))
			return command_usage(line, "Property %s is given twice", name);
		if (!is_known(known, name)) {
			_cleanup_free_ char *what = xasprintf("set %s", name);

			return command_failed(line, EXIT_PROPERTY, what, "there is no such property");
		}
		ju_set_str(ret, name, equals + 1);
	}
	return EXIT_OK;
}

json_t *strings_json(const struct strlist *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		ju_push(array, json_string(list->v[i]));
	return array;
}

json_t *links_json(const struct cmdline *line, char letter)
{
	_cleanup_(strlist_done) struct strlist list = { 0 };
	json_t *links;

	if (cmdline_list(line, letter, &list) < 0)
		return NULL;
	links = json_array();
	for (size_t i = 0; i < list.n; i++) {
		char *equals = strchr(list.v[i], '=');

		if (equals)
			*equals = '\0';
		ju_push(links, equals ? ju_pack("{ss, ss}", "adapter", list.v[i], "address", equals + 1) : json_string(list.v[i]));
	}
	return links;
}
