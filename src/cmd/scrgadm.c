/* scrgadm: resource types, groups and resources: register, create, change, remove; scrgadm_print.c prints them. */
#include "cmd/scrgadm.h"

#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/rtr_file.h"

#define LOGICAL_HOSTNAME "SUNW.LogicalHostname"
#define SHARED_ADDRESS   "SUNW.SharedAddress"

/* ---- properties ---- */

static bool has_property(const json_t *props, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)props, key, value)
		if (strieq(key, name))
			return true;
	return false;
}

/* Each "name=value" of -y or -x into an object; 0, or the exit code after a complaint. */
static int add_properties(const struct cmdline *line, char letter, json_t *props)
{
	const struct strlist *given = &line->values[(unsigned char)letter];

	for (size_t i = 0; i < given->n; i++) {
		const char *text = given->v[i], *equals = strchr(text, '=');

		if (!equals || equals == text)
			return command_usage(line, "-%c takes name=value, not \"%s\"", letter, text);
		_cleanup_free_ char *name = xstrndup(text, (size_t)(equals - text));

		if (has_property(props, name))
			return command_usage(line, "Property %s is given twice", name);
		ju_set_str(props, name, equals + 1);
	}
	return 0;
}

static int add_list(const struct cmdline *line, char letter, const char *name, json_t *props)
{
	struct strlist list = { 0 };
	int r = 0;

	if (!cmdline_has(line, letter))
		return 0;
	if (cmdline_list(line, letter, &list) < 0)
		r = EXIT_USAGE;
	else if (!list.n)
		r = command_usage(line, "-%c is empty", letter);
	else if (has_property(props, name))
		r = command_usage(line, "-%c and property %s say the same; give one of them", letter, name);
	if (r == 0) {
		_cleanup_free_ char *joined = strlist_join(&list, ",");

		ju_set_str(props, name, joined);
	}
	strlist_done(&list);
	return r;
}

/* ---- types ---- */

/* -h of a type: "*" and none mean all nodes. */
static int installed_nodes(const struct cmdline *line, char **ret)
{
	json_t *props = json_object();
	const char *nodes = cmdline_get(line, 'h');
	int r = 0;

	if (nodes && !streq(nodes, "*"))
		r = add_list(line, 'h', "nodes", props);
	if (r == 0)
		*ret = xstrdup(ju_str(props, "nodes", ""));
	json_decref(props);
	return r;
}

static int add_type(const struct cmdline *line)
{
	_cleanup_free_ char *nodes = NULL;
	int r = installed_nodes(line, &nodes);

	return r ? r : rtr_register(line, cmdline_get(line, 't'), cmdline_get(line, 'f'), nodes);
}

static int change_type(const struct cmdline *line)
{
	json_t *request = ju_pack("{ss, ss}", "op", "type_change", "type", cmdline_get(line, 't')), *props = json_object();
	_cleanup_free_ char *nodes = NULL;
	int r = installed_nodes(line, &nodes);

	if (r == 0)
		r = add_properties(line, 'y', props);
	if (cmdline_has(line, 'h') && r == 0)
		ju_set_str(request, "installed_nodes", nodes);
	if (json_object_size(props))
		ju_set_new(request, "props", props);
	else
		json_decref(props);
	if (r == 0)
		return request_run(line, request, "change resource type %s", cmdline_get(line, 't'));
	json_decref(request);
	return r;
}

static int remove_type(const struct cmdline *line)
{
	const char *type = cmdline_get(line, 't');

	return request_run(line, ju_pack("{ss, ss}", "op", "type_remove", "type", type), "remove resource type %s", type);
}

/* ---- groups ---- */

static int edit_group(const struct cmdline *line, const char *op, const char *verb)
{
	json_t *props = json_object();
	int r = add_properties(line, 'y', props);

	if (r == 0)
		r = add_list(line, 'h', "Nodelist", props);
	if (r == 0)
		r = request_run(line, ju_pack("{ss, ss, sO}", "op", op, "rg", cmdline_get(line, 'g'), "props", props),
				"%s resource group %s", verb, cmdline_get(line, 'g'));
	json_decref(props);
	return r;
}

static int add_group(const struct cmdline *line)    { return edit_group(line, "group_add", "create"); }
static int change_group(const struct cmdline *line) { return edit_group(line, "group_change", "change"); }

static int remove_group(const struct cmdline *line)
{
	const char *group = cmdline_get(line, 'g');

	return request_run(line, ju_pack("{ss, ss}", "op", "group_remove", "rg", group), "remove resource group %s", group);
}

/* ---- resources ---- */

static json_t *resource_body(const struct cmdline *line, const char *name, const char *type, json_t *props, json_t *ext)
{
	return ju_pack("{ss, ss, ss, ss, sO, sO, sb}", "op", "resource_add", "rs", name, "type", type, "rg", cmdline_get(line, 'g'),
		       "props", props, "ext", ext, "enabled", false);
}

static int add_resource(const struct cmdline *line)
{
	json_t *props = json_object(), *ext = json_object();
	const char *name = cmdline_get(line, 'j');
	int r = add_properties(line, 'y', props);

	if (r == 0)
		r = add_properties(line, 'x', ext);
	if (r == 0)
		r = request_run(line, resource_body(line, name, cmdline_get(line, 't'), props, ext), "create resource %s", name);
	json_decref(props);
	json_decref(ext);
	return r;
}

static int change_resource(const struct cmdline *line)
{
	json_t *props = json_object(), *ext = json_object();
	const char *name = cmdline_get(line, 'j');
	int r = add_properties(line, 'y', props);

	if (r == 0)
		r = add_properties(line, 'x', ext);
	if (r == 0)
		r = request_run(line, ju_pack("{ss, ss, sO, sO}", "op", "resource_change", "rs", name, "props", props, "ext", ext),
				"change resource %s", name);
	json_decref(props);
	json_decref(ext);
	return r;
}

static int remove_resource(const struct cmdline *line)
{
	const char *name = cmdline_get(line, 'j');

	return request_run(line, ju_pack("{ss, ss}", "op", "resource_remove", "rs", name), "remove resource %s", name);
}

/* ---- addresses ---- */

static int add_address(const struct cmdline *line, const char *type, const char *what)
{
	json_t *props = json_object(), *ext = json_object();
	_cleanup_free_ char *first = NULL;
	const char *name = cmdline_get(line, 'j');
	int r = add_properties(line, 'y', props);

	if (r == 0)
		r = add_list(line, 'l', "HostnameList", ext);
	if (r == 0)
		r = add_list(line, 'n', "NetIfList", ext);
	if (r == 0)
		r = add_list(line, 'X', "AuxNodeList", ext);
	if (r == 0) {
		const char *hosts = ju_str(ext, "HostnameList", "");

		first = xstrndup(hosts, strcspn(hosts, ","));
		name = name ? name : first;
		r = rtr_register_once(line, type);
	}
	if (r == 0)
		r = request_run(line, resource_body(line, name, type, props, ext), "create %s %s", what, name);
	json_decref(props);
	json_decref(ext);
	return r;
}

static int add_logical_host(const struct cmdline *line)   { return add_address(line, LOGICAL_HOSTNAME, "logical host"); }
static int add_shared_address(const struct cmdline *line) { return add_address(line, SHARED_ADDRESS, "shared address"); }

/* ---- the table ---- */

static const struct option_info options[] = {
	{ 'a', NULL, NULL,            "add" },
	{ 'c', NULL, NULL,            "change" },
	{ 'r', NULL, NULL,            "remove" },
	{ 'p', NULL, NULL,            "print; with -v more, with -vv everything" },
	{ 'v', NULL, NULL,            "verbose", true },
	{ 't', NULL, "RT",            "resource type" },
	{ 'g', NULL, "RG",            "resource group" },
	{ 'j', NULL, "R",             "resource" },
	{ 'L', NULL, NULL,            "logical host: addresses that move with their group" },
	{ 'S', NULL, NULL,            "shared address" },
	{ 'h', NULL, "nodelist",      "nodes of a group in order of preference, or where a type is installed (* all)" },
	{ 'f', NULL, "RTRfile",       "registration file of the type" },
	{ 'l', NULL, "hostlist",      "host names or addresses" },
	{ 'n', NULL, "netiflist",     "interfaces of every node, as group@node or adapter@node" },
	{ 'X', NULL, "auxnodelist",   "nodes that only may send from a shared address" },
	{ 'y', NULL, "prop=value",    "standard property", true },
	{ 'x', NULL, "ext=value",     "extension property", true },
	{ OPT_JSON, "json", NULL,     "print as JSON" },
};

static const struct form forms[] = {
	{ "p",    "vtgj2", NULL, PRIVILEGE_NONE,   "print the configuration", scrgadm_print },
	{ "at",   "hfv",   NULL, PRIVILEGE_CHANGE, "register a resource type", add_type },
	{ "ag",   "hyv",   NULL, PRIVILEGE_CHANGE, "create a resource group", add_group },
	{ "ajtg", "yxv",   NULL, PRIVILEGE_CHANGE, "create a resource; it is disabled at first", add_resource },
	{ "aLgl", "jnyv",  NULL, PRIVILEGE_CHANGE, "create a logical host; its name is that of the first host", add_logical_host },
	{ "aSgl", "jnXyv", NULL, PRIVILEGE_CHANGE, "create a shared address; its name is that of the first host", add_shared_address },
	{ "ct",   "hyv",   "hy", PRIVILEGE_CHANGE, "change where a type is installed, or RT_system", change_type },
	{ "cg",   "hyv",   "hy", PRIVILEGE_CHANGE, "change a resource group", change_group },
	{ "cj",   "yxv",   "yx", PRIVILEGE_CHANGE, "change a resource", change_resource },
	{ "rt",   "v",     NULL, PRIVILEGE_CHANGE, "remove a type that no resource uses", remove_type },
	{ "rg",   "v",     NULL, PRIVILEGE_CHANGE, "remove a group that is empty and unmanaged", remove_group },
	{ "rj",   "v",     NULL, PRIVILEGE_CHANGE, "remove a resource that is disabled", remove_resource },
};

const struct command_info scrgadm_command = {
	"scrgadm", "configure resource types, resource groups and resources",
	options, ARRAY_SIZE(options), forms, ARRAY_SIZE(forms),
};
