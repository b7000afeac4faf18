/* What may be answered: a row each, with what "?" says, which objects there are, and which texts fit. */
#include <ctype.h>
#include <errno.h>

#include "base/json.h"
#include "cmd/objects.h"
#include "cmd/setup.h"
#include "cmd/view.h"

/* ---- objects ---- */

static void add_names(const json_t *objects, struct strlist *ret)
{
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)objects, i, v)
		strlist_add(ret, ju_str(v, "name", ""));
}

static void groups(const struct objects *objects, struct strlist *ret) { add_names(objects_groups(objects), ret); }
static void types(const struct objects *objects, struct strlist *ret)  { add_names(objects_types(objects), ret); }

static void resources(const struct objects *objects, struct strlist *ret)
{
	json_t *all = objects_resources(objects);

	add_names(all, ret);
	json_decref(all);
}

static void stop_failed(const struct objects *objects, struct strlist *ret)
{
	json_t *all = objects_resources(objects), *rs, *node;
	size_t i, k;

	json_array_foreach(all, i, rs) {
		const char *name = ju_str(rs, "name", "");
		bool failed = false;

		json_array_foreach(ju_arr(resource_status(objects, name), "nodes"), k, node)
			failed |= streq(ju_str(node, "state", ""), "STOP_FAILED");
		if (failed)
			strlist_add(ret, name);
	}
	json_decref(all);
}

static void nodes(const struct view *view, struct strlist *ret)   { add_names(view_nodes(view), ret); }
static void devices(const struct view *view, struct strlist *ret) { add_names(view_devices(view), ret); }
static void disks(const struct view *view, struct strlist *ret)   { add_names(view_disks(view), ret); }

static void voters(const struct view *view, struct strlist *ret)
{
	devices(view, ret);
	nodes(view, ret);
}

/* ---- texts ---- */

static bool any(const char *s)    { return *s != '\0'; }
static bool number(const char *s) { return *s && s[strspn(s, "0123456789")] == '\0'; }

/* No option, and one word. */
static bool word(const char *s)
{
	return *s && *s != '-' && !strpbrk(s, " \t,");
}

static bool name(const char *s)
{
	return isalnum((unsigned char)*s) && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:")] == '\0';
}

static bool property(const char *s)
{
	const char *equals = strchr(s, '=');

	return equals && equals > s && isalnum((unsigned char)*s);
}

/* ---- the table ---- */

static const struct row {
	const char *what, *help;
	void (*of_rgm)(const struct objects *objects, struct strlist *ret);
	void (*of_cluster)(const struct view *view, struct strlist *ret);
	bool (*fits)(const char *text);
	const char *form;               /* of what does not fit: it is no ... */
} rows[SETUP_VALUE_COUNT] = {
	[SETUP_GROUP]       = { "resource group", "The name of a resource group, or its number in the list.", groups, NULL, name },
	[SETUP_RESOURCE]    = { "resource", "The name of a resource, or its number in the list.", resources, NULL, name },
	[SETUP_STOP_FAILED] = { "resource in STOP_FAILED", "The name of a resource, or its number in the list. Before, the processes that it "
				"left have to be ended by hand.", stop_failed, NULL, name },
	[SETUP_TYPE]        = { "registered resource type", "The name of a registered type, or its number in the list.", types, NULL, name },
	[SETUP_NODE]        = { "node", "The name of a node, or its number in the list.", NULL, nodes, name },
	[SETUP_DEVICE]      = { "quorum device", "The name of a quorum device, or its number in the list.", NULL, devices, name },
	[SETUP_VOTER]       = { "quorum device or node", "The name of a quorum device or of a node, or its number in the list.", NULL, voters,
				name },
	[SETUP_DISK]        = { "disk", "The name of a disk, or its number in the list.", NULL, disks, name },
	[SETUP_CHOICE]      = { "choice", "One of those in the list, by its name or its number.", NULL, NULL, word },
	[SETUP_NAME]        = { "name", "A letter or digit, then letters, digits, - and _.", NULL, NULL, name,
				"a name: a letter or digit, then letters, digits, dots, - and _" },
	[SETUP_PROPERTY]    = { "property", "NAME=VALUE. An empty line ends the properties.", NULL, NULL, property,
				"a property as NAME=VALUE" },
	[SETUP_NUMBER]      = { "number", "A number.", NULL, NULL, number, "a number" },
	[SETUP_WORDS]       = { "word", "A word, without blanks.", NULL, NULL, word, "a word without blanks that does not begin with -" },
	[SETUP_TEXT]        = { "text", "Any text.", NULL, NULL, any, "a text" },
	[SETUP_FLAG]        = { "answer", "yes or no.", NULL, NULL, any, "yes or no" },
};

const char *setup_value_what(enum setup_value value) { return rows[value].what; }
const char *setup_value_help(enum setup_value value) { return rows[value].help; }
bool setup_value_is_object(enum setup_value value)   { return rows[value].of_rgm || rows[value].of_cluster; }

int setup_value_names(const struct cmdline *line, const struct setup_step *step, struct strlist *ret)
{
	const struct row *row = &rows[step->value];
	struct objects objects = { 0 };
	struct view view = { 0 };
	int r = EXIT_OK;

	if (row->of_rgm) {
		r = objects_read(line, &objects);
		if (r == EXIT_OK)
			row->of_rgm(&objects, ret);
		objects_done(&objects);
	} else if (row->of_cluster) {
		r = view_read(line, false, &view);
		if (r == EXIT_OK)
			row->of_cluster(&view, ret);
		view_done(&view);
	} else if (step->choices) {
		strlist_split(ret, step->choices, ",");
	}
	return r;
}

int setup_value_check(const struct setup_step *step, const struct strlist *names, const char *text, struct err *err)
{
	const struct row *row = &rows[step->value];
	bool known = strlist_has(names, text), of_list = setup_value_is_object(step->value) || step->choices;

	if (step->fresh && known)
		return err_set(err, -EINVAL, "there is a %s %s already", row->what, text);
	if (step->fresh && !name(text))
		return err_set(err, -EINVAL, "\"%s\" is not %s", text, rows[SETUP_NAME].form);
	if (!step->fresh && of_list && !known)
		return err_set(err, -EINVAL, "there is no %s \"%s\"", row->what, text);
	if (!of_list && !row->fits(text))
		return err_set(err, -EINVAL, "\"%s\" is not %s", text, row->form);
	return 0;
}
