/* clresource and its kin: listings. */
#include "cmd/clrs.h"

#include <stdio.h>

#include "base/json.h"
#include "cmd/cl_blocks.h"
#include "cmd/print.h"
#include "cmd/rgm_blocks.h"

static const struct { const char *family, *type; } family_types[] = {
	{ "clreslogicalhostname", "SUNW.LogicalHostname" },
	{ "clressharedaddress",   "SUNW.SharedAddress" },
};

const char *family_type(const struct cmdline *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(family_types); i++)
		if (streq(family_types[i].family, line->family->name))
			return family_types[i].type;
	return NULL;
}

json_t *resources_picked(const struct cmdline *line, const struct objects *objects, int *ret_code)
{
	json_t *all = objects_resources(objects), *picked;
	const char *type = family_type(line);

	for (size_t i = json_array_size(all); type && i-- > 0;)
		if (!type_fits(ju_str(json_array_get(all, i), "type", ""), type))
			json_array_remove(all, i);
	picked = view_pick(line, all, "resource", ret_code);
	json_decref(all);
	return picked;
}

typedef void print_fn(const struct cmdline *line, const struct objects *objects, const struct filter *filter, const json_t *resources);

static int listing(const struct cmdline *line, print_fn *print)
{
	struct objects objects = { 0 };
	struct filter filter = { 0 };
	json_t *resources;
	int missing, r = objects_read(line, &objects);

	if (r != EXIT_OK)
		return r;
	resources = resources_picked(line, &objects, &missing);
	r = filter_read(line, &objects, &filter);
	for (size_t i = json_array_size(resources); r == EXIT_OK && i-- > 0;)
		if (!filter_resource(&filter, &objects, json_array_get(resources, i)))
			json_array_remove(resources, i);
	if (r == EXIT_OK)
		print(line, &objects, &filter, resources);
	json_decref(resources);
	filter_done(&filter);
	objects_done(&objects);
	return r ? r : missing;
}

static void print_list(const struct cmdline *line, const struct objects *objects, const struct filter *filter, const json_t *resources)
{
	json_t *rs;
	size_t i;

	(void)objects;
	(void)filter;
	if (cmdline_has(line, OPT_JSON)) {
		print_json(resources);
		return;
	}
	if (cmdline_has(line, 'v')) {
		table_resources(resources);
		return;
	}
	json_array_foreach((json_t *)resources, i, rs)
		(void)printf("%s\n", ju_str(rs, "name", ""));
}

static void print_show(const struct cmdline *line, const struct objects *objects, const struct filter *filter, const json_t *resources)
{
	_cleanup_(strlist_done) struct strlist props = { 0 };

	(void)filter;
	if (cmdline_has(line, OPT_JSON))
		print_json(resources);
	else if (json_array_size(resources) && cmdline_list(line, 'p', &props) == 0)
		block_resources(objects, resources, &props, cmdline_has(line, 'v'));
}

/* ---- state ---- */

/* "enabled", "disabled", "enabled but disabled on beta"; caller frees. */
static char *switch_text(const json_t *rs, const char *what, const char *yes, const char *no)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	json_t *v;
	size_t i;

	if (resource_is_on_everywhere(rs, what) || !ju_bool(rs, what, false))
		return xstrdup(ju_bool(rs, what, false) ? yes : no);
	json_array_foreach(resource_off_nodes(rs, what), i, v)
		strlist_add(&nodes, json_string_value(v));
	_cleanup_free_ char *joined = strlist_join(&nodes, ", ");

	return xasprintf("%s but %s on %s", yes, no, joined);
}

static void print_stories(const json_t *resources)
{
	json_t *rs;
	size_t i;

	json_array_foreach((json_t *)resources, i, rs) {
		_cleanup_free_ char *enabled = switch_text(rs, "enabled", "enabled", "disabled");
		_cleanup_free_ char *monitored = switch_text(rs, "monitored", "monitored", "not monitored");

		(void)printf("%s: %s, group %s, %s, %s\n", ju_str(rs, "name", ""), ju_str(rs, "type", ""), ju_str(rs, "group", ""), enabled,
			     monitored);
	}
	(void)printf("\n");
}

static void print_status(const struct cmdline *line, const struct objects *objects, const struct filter *filter, const json_t *resources)
{
	json_t *status = json_array(), *rs;
	struct view view = { .status = ju_pack("{s[{so}]}", "groups", "resources", status) };
	size_t i;

	json_array_foreach((json_t *)resources, i, rs) {
		const json_t *found = resource_status(objects, ju_str(rs, "name", ""));

		if (found)
			ju_push(status, on_nodes(found, &filter->nodes));
	}
	if (cmdline_has(line, OPT_JSON)) {
		print_json(status);
	} else if (json_array_size(status)) {
		block_resource_status(&view);
		if (cmdline_has(line, 'v'))
			print_stories(resources);
	}
	view_done(&view);
	if (!cmdline_has(line, OPT_JSON))
		view_notes(line, &(struct view) { .status = objects->status });
}

/* ---- properties ---- */

/* -p, -x and -y: only these; -l: extension (when nothing is said), standard or all. */
static bool prop_wanted(const struct cmdline *line, const json_t *p)
{
	static const char letters[] = "pxy";
	bool extension = ju_bool(p, "extension", false), named = false;
	const char *kind = cmdline_get(line, 'l');

	for (const char *s = letters; *s; s++) {
		named |= cmdline_has(line, *s);
		for (size_t i = 0; i < line->values[(unsigned char)*s].n; i++)
			if (strieq(line->values[(unsigned char)*s].v[i], ju_str(p, "name", "")) &&
			    (*s == 'p' || extension == (*s == 'x')))
				return true;
	}
	if (named)
		return false;
	return !kind ? extension : streq(kind, "all") || streq(kind, extension ? "extension" : "standard");
}

static void print_props(const struct cmdline *line, const struct objects *objects, const struct filter *filter, const json_t *resources)
{
	json_t *props = json_object(), *rs, *p;
	size_t i, k;

	(void)objects;
	(void)filter;
	json_array_foreach((json_t *)resources, i, rs)
		json_array_foreach(ju_arr(rs, "properties"), k, p)
			if (prop_wanted(line, p))
				ju_set_str(props, ju_str(p, "name", ""), ju_str(p, "description", ""));
	if (cmdline_has(line, OPT_JSON))
		print_json(props);
	else
		table_props(props, "Descriptions", cmdline_has(line, 'v'));
	json_decref(props);
}

int clrs_list_props(const struct cmdline *line)
{
	static const char *const kinds[] = { "all", "extension", "standard" };
	const char *kind = cmdline_get(line, 'l');
	bool known = !kind;

	for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++)
		known |= streq(kind, kinds[i]);
	return known ? listing(line, print_props) : command_usage(line, "-l takes all, extension or standard, not \"%s\"", kind);
}

int clrs_list(const struct cmdline *line)   { return listing(line, print_list); }
int clrs_show(const struct cmdline *line)   { return listing(line, print_show); }
int clrs_status(const struct cmdline *line) { return listing(line, print_status); }
