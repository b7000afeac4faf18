/* cldevice: shared disks with data, and how they are fenced.  Every subcommand is a table of its own, at the end. */
#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/cl_blocks.h"
#include "cmd/cl_print.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/device_add.h"
#include "cmd/print.h"
#include "cmd/props.h"

/* ---- what is meant ---- */

static bool is_on(const json_t *disk, const struct strlist *nodes)
{
	bool on = !nodes->n;

	for (size_t i = 0; i < nodes->n; i++)
		on |= names_have(ju_arr(disk, "nodes"), nodes->v[i]);
	return on;
}

/* The exit code; *ret holds what was found in any case (caller decrefs). */
static int pick(const struct cmdline *line, const struct view *view, json_t **ret)
{
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	json_t *all, *disk;
	size_t i;
	int r;

	*ret = json_array();
	if (cmdline_list(line, 'n', &nodes) < 0)
		return EXIT_USAGE;
	all = view_pick(line, view_disks(view), "disk", &r);
	json_array_foreach(all, i, disk)
		if (is_on(disk, &nodes))
			json_array_append(*ret, disk);
	json_decref(all);
	return r;
}

/* ---- listings ---- */

static void print_paths(const json_t *disks)
{
	static const struct cl_column columns[] = { { "DID Device", 20 }, { "Full Device Path", 0 } };
	struct cl_table table = { .columns = columns, .n = ARRAY_SIZE(columns) };
	json_t *disk, *node;
	size_t i, k;

	json_array_foreach((json_t *)disks, i, disk)
		json_array_foreach(ju_arr(disk, "nodes"), k, node) {
			_cleanup_free_ char *path = xasprintf("%s:%s", json_string_value(node), ju_str(disk, "path", ""));

			cl_cell(&table, k ? "" : ju_str(disk, "name", ""));
			cl_cell(&table, path);
		}
	cl_table_print(&table);
}

static int print_list(const struct cmdline *line, const json_t *disks)
{
	json_t *disk;
	size_t i;

	if (cmdline_has(line, 'v'))
		print_paths(disks);
	else
		json_array_foreach((json_t *)disks, i, disk)
			(void)printf("%s\n", ju_str(disk, "name", ""));
	return EXIT_OK;
}

static int print_show(const struct cmdline *line, const json_t *disks)
{
	block_disks(disks, cmdline_has(line, 'v'));
	return EXIT_OK;
}

static int read_states(const struct cmdline *line, struct strlist *ret)
{
	static const char *const states[] = { "Ok", "Fail", "Unmonitored", "Unknown" };

	if (cmdline_list(line, 's', ret) < 0)
		return EXIT_USAGE;
	for (size_t i = 0; i < ret->n; i++) {
		size_t k = 0;

		while (k < ARRAY_SIZE(states) && !strieq(states[k], ret->v[i]))
			k++;
		if (k == ARRAY_SIZE(states))
			return command_usage(line, "-s takes Ok, Fail, Unmonitored or Unknown, not \"%s\"", ret->v[i]);
		free(ret->v[i]);
		ret->v[i] = xstrdup(states[k]);
	}
	return EXIT_OK;
}

static int print_status(const struct cmdline *line, const json_t *disks)
{
	_cleanup_(strlist_done) struct strlist states = { 0 };
	int r = read_states(line, &states);

	if (r == EXIT_OK)
		block_disk_status(disks, &states, cmdline_has(line, 'v'));
	return r;
}

static bool has_path_of(const json_t *disk, const struct strlist *states)
{
	bool found = !states->n;
	json_t *path;
	size_t i;

	json_array_foreach(ju_arr(disk, "paths"), i, path)
		found |= strlist_has(states, ju_str(path, "status", ""));
	return found;
}

/* Of -s the disks that have such a path, as they are. */
static int print_as_json(const struct cmdline *line, const json_t *disks)
{
	_cleanup_(strlist_done) struct strlist states = { 0 };
	json_t *out = json_array(), *disk;
	int r = read_states(line, &states);
	size_t i;

	json_array_foreach((json_t *)disks, i, disk)
		if (has_path_of(disk, &states))
			json_array_append(out, disk);
	if (r == EXIT_OK)
		print_json(out);
	json_decref(out);
	return r;
}

static int listing(const struct cmdline *line, int (*print)(const struct cmdline *line, const json_t *disks))
{
	struct view view = { 0 };
	json_t *disks;
	int shown = EXIT_OK, r = view_read(line, false, &view);

	if (r != EXIT_OK)
		return r;
	r = pick(line, &view, &disks);
	if (r != EXIT_USAGE && cmdline_has(line, OPT_JSON))
		shown = print_as_json(line, disks);
	else if (r == EXIT_OK || json_array_size(disks))
		shown = print(line, disks);
	if (r == EXIT_OK && shown == EXIT_OK && print == print_status)
		view_notes(line, &view);
	json_decref(disks);
	view_done(&view);
	return r ? r : shown;
}

static int list_disks(const struct cmdline *line)      { return listing(line, print_list); }
static int show_disks(const struct cmdline *line)      { return listing(line, print_show); }
static int status_of_disks(const struct cmdline *line) { return listing(line, print_status); }

/* ---- changes ---- */

static int each(const struct cmdline *line, const char *op, const json_t *extra, const char *what)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	struct view view = { 0 };
	int missing, r = view_read(line, false, &view);

	if (r != EXIT_OK)
		return r;
	missing = view_pick_names(line, view_disks(&view), "disk", &names);
	r = requests_each(line, &names, op, "name", extra, what);
	view_done(&view);
	return missing ? missing : r;
}

static int remove_disks(const struct cmdline *line)
{
	return each(line, "disk_remove", NULL, "remove disk");
}

static int set_disks(const struct cmdline *line)
{
	static const char *const known[] = { "default_fencing", NULL };
	json_t *extra = ju_pack("{s{}}", "props");
	int r = props_read(line, 'p', known, ju_obj(extra, "props"));

	if (r == EXIT_OK)
		r = each(line, "disk_set", extra, "set properties of disk");
	json_decref(extra);
	return r;
}

static int read_disk_type(const char *given, const char **ret, struct err *err)
{
	if (!streq(given, "scsi3") && !streq(given, "iscsi"))
		return err_set(err, -EINVAL, "there is no type %s of disks; there are scsi3 and iscsi", given);
	*ret = given;
	return 0;
}

/* "/dev/disk/by-id/x" is the disk x with that path. */
static void complete_disk(const char *given, const char *type, json_t *props)
{
	if (*given == '/' && streq(type, "scsi3") && !json_object_get(props, "path"))
		ju_set_str(props, "path", given);
}

static const char *disk_taken(const struct view *view, const char *name)
{
	if (view_find(view_disks(view), name))
		return "there is a disk of this name already";
	return view_find(view_devices(view), name) ? "there is a quorum device of this name" : NULL;
}

static int add_disks(const struct cmdline *line)
{
	static const struct device_kind disk = { "disk", "disk_add", "scsi3", read_disk_type, complete_disk, disk_taken };

	return device_add(line, &disk);
}

/* ---- the tables ---- */

#define VERBOSE { 'v', "verbose", NULL, "say more; of a change, what was done" }
#define JSON    { OPT_JSON, "json", NULL, "print as JSON" }
#define ON      { 'n', "node", "NODE[,..]", "only what is connected to these nodes" }
#define NEW     { "device", 1, OPERANDS_MANY }
#define DISKS   { "device", 1, OPERANDS_MANY, .all = true }
#define ANY     { "device", 0, OPERANDS_MANY, .all = true }

static const struct option_info list_options[] = { ON, VERBOSE, JSON };
static const struct form list_forms[] = {
	{ "", "nv2", NULL, PRIVILEGE_NONE, "the names of the disks; with -v the paths", list_disks, .operands = ANY },
};
static const struct form show_forms[] = {
	{ "", "nv2", NULL, PRIVILEGE_NONE, "the configuration of the disks", show_disks, .operands = ANY },
};
static const struct option_info status_options[] = {
	ON, { 's', "state", "STATE[,..]", "only paths of these states: Ok, Fail, Unmonitored, Unknown" }, VERBOSE, JSON,
};
static const struct form status_forms[] = {
	{ "", "nsv2", NULL, PRIVILEGE_NONE, "whose keys are on the disks", status_of_disks, .operands = ANY },
};
static const struct option_info add_options[] = {
	{ 't', "type", "TYPE", "scsi3 (the default) or iscsi" },
	{ 'p', "property", "NAME=VALUE", "path, or portal, target, lun and so on; default_fencing", true },
	{ 'n', "node", "NODE[,..]", "the nodes that are connected to it (default: all)" },
	{ 'F', "force", NULL, "even when the disk holds keys of another cluster" }, VERBOSE,
};
static const struct form add_forms[] = {
	{ "", "tpnFv", NULL, PRIVILEGE_CHANGE, "add disks", add_disks, .operands = NEW },
};
static const struct option_info remove_options[] = { VERBOSE };
static const struct form remove_forms[] = {
	{ "", "v", NULL, PRIVILEGE_CHANGE, "remove disks", remove_disks, .operands = DISKS },
};
static const struct option_info set_options[] = {
	{ 'p', "property", "NAME=VALUE", "default_fencing", true }, VERBOSE,
};
static const struct form set_forms[] = {
	{ "p", "v", NULL, PRIVILEGE_CHANGE, "change how disks are fenced", set_disks, .operands = DISKS },
};

#define ROWS(o, f) o, ARRAY_SIZE(o), f, ARRAY_SIZE(f)
static const struct command_info subcommands[] = {
	{ "cldevice add",    "add disks",                       ROWS(add_options, add_forms) },
	{ "cldevice list",   "the names of the disks",          ROWS(list_options, list_forms) },
	{ "cldevice remove", "remove disks",                    ROWS(remove_options, remove_forms) },
	{ "cldevice set",    "change how disks are fenced",     ROWS(set_options, set_forms) },
	{ "cldevice show",   "the configuration of the disks",  ROWS(list_options, show_forms) },
	{ "cldevice status", "whose keys are on the disks",     ROWS(status_options, status_forms) },
};

#define NO_IDS "device ids are not built yet; name a disk by cldevice add and cldevice remove"
static const struct unbuilt unbuilt[] = {
	{ "check",     NO_IDS },
	{ "clear",     NO_IDS },
	{ "combine",   "replicated disks are not built yet" },
	{ "export",    "the export as XML is not built yet; --json of show has the same" },
	{ "monitor",   "monitoring of disk paths is not built yet" },
	{ "populate",  NO_IDS },
	{ "refresh",   NO_IDS },
	{ "rename",    NO_IDS },
	{ "repair",    NO_IDS },
	{ "replicate", "replicated disks are not built yet" },
	{ "unmonitor", "monitoring of disk paths is not built yet" },
};

const struct command_family cldevice_family = {
	"cldevice", "shared disks and how they are fenced", subcommands, ARRAY_SIZE(subcommands), unbuilt, ARRAY_SIZE(unbuilt),
};
