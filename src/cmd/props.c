#include "cmd/props.h"

#include "base/json.h"

static bool is_known(const char *const *known, const char *name)
{
	if (!known)
		return true;
	for (; *known; known++) {
		size_t n = strlen(*known);

		if (strieq(*known, name) || ((*known)[n - 1] == '*' && strncmp(*known, name, n - 1) == 0))
			return true;
	}
	return false;
}

static int read_one(const struct cmdline *line, char letter, const char *text, const char *const *known, json_t *ret)
{
	const char *equals = strchr(text, '=');
	_cleanup_free_ char *name = NULL;

	if (!equals || equals == text)
		return command_usage(line, "-%c takes name=value, not \"%s\"", letter, text);
	name = xstrndup(text, (size_t)(equals - text));
	if (strchr("+-", name[strlen(name) - 1]))
		return command_usage(line, "-%c \"%s\": no property here is a list, += and -= do not fit", letter, text);
	if (json_object_get(ret, name))
		return command_usage(line, "Property %s is given twice", name);
	if (!is_known(known, name)) {
		_cleanup_free_ char *what = xasprintf("set %s", name);

		return command_failed(line, EXIT_PROPERTY, what, "there is no such property");
	}
	ju_set_str(ret, name, equals + 1);
	return EXIT_OK;
}

/* Where NAME= begins behind a comma; the end when nowhere: a comma in a value stays. */
static const char *next_pair(const char *text)
{
	for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ',')) {
		size_t n = strcspn(comma + 1, ",=");

		if (n && comma[1 + n] == '=')
			return comma;
	}
	return text + strlen(text);
}

int props_read(const struct cmdline *line, char letter, const char *const *known, json_t *ret)
{
	const struct strlist *given = &line->values[(unsigned char)letter];
	int r = EXIT_OK;

	for (size_t i = 0; r == EXIT_OK && i < given->n; i++)
		for (const char *at = given->v[i], *end; r == EXIT_OK && at; at = *end ? end + 1 : NULL) {
			end = next_pair(at);
			_cleanup_free_ char *one = xstrndup(at, (size_t)(end - at));

			r = read_one(line, letter, one, known, ret);
		}
	return r;
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
