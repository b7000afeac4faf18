/* export: objects as XML. */
#include "cmd/xml.h"

#include <libxml/tree.h>
#include <stdio.h>
#include <strings.h>

#include "base/json.h"
#include "cmd/clrs.h"
#include "cmd/file.h"
#include "cmd/view.h"

const struct option_info xml_export_options[2] = {
	{ 'o', "output", "FILE", "where to (default and \"-\": standard output)" },
	{ 'v', "verbose", NULL, "say more; of a change, what was done" },
};

/* ---- building ---- */

static xmlNode *add(xmlNode *parent, const char *name)
{
	return xmlNewChild(parent, NULL, BAD_CAST name, NULL);
}

static void set(xmlNode *node, const char *name, const char *value)
{
	xmlSetProp(node, BAD_CAST name, BAD_CAST value);
}

static xmlNode *add_with(xmlNode *parent, const char *name, const char *attribute, const char *value)
{
	xmlNode *node = add(parent, name);

	set(node, attribute, value);
	return node;
}

static xmlNode *add_property(xmlNode *list, const char *name, const char *value)
{
	xmlNode *property = add_with(list, "property", "name", name);

	set(property, "value", value);
	return property;
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && !streq(*names, name))
		names++;
	return *names;
}

/* ---- nodes ---- */

static void add_adapters(xmlNode *transport, const struct view *view, const json_t *node)
{
	unsigned id = (unsigned)ju_int(node, "id", 0);
	xmlNode *own = add_with(transport, "transportNode", "nodeRef", ju_str(node, "name", ""));

	for (unsigned k = 1; view_get(view, "cluster.nodes.%u.adapters.%u.name", id, k); k++) {
		xmlNode *adapter = add_with(own, "transportAdapter", "name", view_get(view, "cluster.nodes.%u.adapters.%u.name", id, k));
		const char *state = view_get_or(view, "enabled", "cluster.nodes.%u.adapters.%u.state", id, k);

		add_with(adapter, "state", "value", streq(state, "disabled") ? state : "enabled");
		add_with(adapter, "transportType", "value", "dlpi");
		add_property(add(adapter, "propertyList"), "ip_address",
			     view_get_or(view, "", "cluster.nodes.%u.adapters.%u.properties.ip_address", id, k));
	}
}

static int export_nodes(const struct cmdline *line, xmlNode *root)
{
	struct view view = { 0 };
	json_t *picked, *node;
	xmlNode *list, *transport;
	size_t i;
	int code, r = view_read(line, true, &view);

	if (r != EXIT_OK)
		return r;
	set(root, "name", ju_str(view.status, "cluster", ""));
	picked = view_pick(line, view_nodes(&view), "node", &code);
	list = add(root, "nodeList");
	transport = add(add(root, "clusterTransport"), "transportNodeList");
	json_array_foreach(picked, i, node) {
		_cleanup_free_ char *id = xasprintf("%d", (int)ju_int(node, "id", 0));
		xmlNode *one = add_with(list, "node", "name", ju_str(node, "name", ""));

		set(one, "id", id);
		add_adapters(transport, &view, node);
	}
	json_decref(picked);
	view_done(&view);
	return code;
}

/* ---- quorum ---- */

/* In the table, and told by an element or an attribute, or of the cluster alone. */
static bool is_own_property(const char *key)
{
	static const char *const elsewhere[] = { "type", "votecount", "gdevname", "access_mode", "role", "default_fencing", NULL };

	return !is_one_of(key, elsewhere) && strncmp(key, "path_", 5) != 0;
}

static void add_device(xmlNode *list, const struct view *view, const json_t *device)
{
	xmlNode *one = add_with(list, "quorumDevice", "name", ju_str(device, "name", "")), *paths, *props;
	const char *key;
	json_t *v, *node;
	unsigned id = 0;
	size_t i;

	set(one, "type", ju_str(device, "type", ""));
	add_with(one, "state", "value", ju_bool(device, "enabled", false) ? "enabled" : "disabled");
	paths = add(one, "quorumDevicePathList");
	json_array_foreach(ju_arr(device, "nodes"), i, node)
		add_with(add_with(paths, "quorumDevicePath", "nodeRef", json_string_value(node)), "state", "value", "enabled");
	props = add(one, "propertyList");
	for (unsigned k = 1; k <= 64 && !id; k++)
		if (streq(view_get_or(view, "", "cluster.quorum_devices.%u.name", k), ju_str(device, "name", "")))
			id = k;
	json_t *below = view_below(view, "cluster.quorum_devices.%u.properties", id);

	json_object_foreach(below, key, v)
		if (is_own_property(key))
			add_property(props, key, json_string_value(v));
	json_decref(below);
}

static int export_quorum(const struct cmdline *line, xmlNode *root)
{
	xmlNode *quorum = add(root, "clusterQuorum"), *nodes, *devices;
	struct view view = { 0 };
	json_t *picked, *v;
	size_t i;
	int code, r = view_read(line, true, &view);

	if (r != EXIT_OK)
		return r;
	set(root, "name", ju_str(view.status, "cluster", ""));
	nodes = add(quorum, "quorumNodeList");
	devices = add(quorum, "quorumDeviceList");
	json_array_foreach(view_nodes(&view), i, v) {
		_cleanup_free_ char *votes = xasprintf("%d", (int)ju_int(v, "votes", 0));
		xmlNode *node = cmdline_all(line) ? add_with(nodes, "quorumNode", "nodeRef", ju_str(v, "name", "")) : NULL;

		if (node)
			set(add_property(add(node, "propertyList"), "votecount", votes), "readonly", "true");
	}
	picked = view_pick(line, view_devices(&view), "quorum device", &code);
	json_array_foreach(picked, i, v)
		add_device(devices, &view, v);
	json_decref(picked);
	view_done(&view);
	return code;
}

/* ---- types, groups, resources ---- */

static void add_type(xmlNode *list, const json_t *type)
{
	xmlNode *one = add_with(list, "resourcetype", "name", ju_str(type, "name", "")), *nodes, *methods, *props;
	const char *name;
	json_t *v;
	size_t i;

	add_with(one, "resourcetypeRTRFile", "name", ju_str(type, "path", ""));
	nodes = add(one, json_array_size(ju_arr(type, "installed_nodes")) ? "resourcetypeNodeList" : "allNodes");
	json_array_foreach(ju_arr(type, "installed_nodes"), i, v)
		add_with(nodes, "resourcetypeNode", "nodeRef", json_string_value(v));
	methods = add(one, "methodList");
	json_object_foreach(ju_obj(type, "methods"), name, v) {
		xmlNode *method = add_with(methods, "method", "name", json_string_value(v));

		set(method, "type", name);
	}
	props = add(one, "propertyList");
	json_object_foreach(ju_obj(type, "properties"), name, v)
		if (streq(name, "RT_system"))
			add_property(props, name, json_string_value(v));
		else
			set(add_property(props, name, json_string_value(v)), "readonly", "true");
}

static void add_group(xmlNode *list, const json_t *group)
{
	static const char *const elsewhere[] = { "RG_name", "RG_mode", "Nodelist", "RG_state", "Resource_list", NULL };
	static const char *const told_only[] = { "RG_is_frozen", "Suspend_automatic_recovery", NULL };   /* the cluster sets them */
	xmlNode *one = add_with(list, "resourcegroup", "name", ju_str(group, "name", "")), *nodes, *resources, *props;
	_cleanup_(strlist_done) struct strlist names = { 0 };
	const char *key;
	json_t *v;
	size_t i;

	add_with(one, "failoverMode", "value", strieq(group_prop(group, "RG_mode"), "SCALABLE") ? "scalable" : "failover");
	add_with(one, "managedState", "value", ju_bool(group, "managed", false) ? "true" : "false");
	nodes = add(one, "resourcegroupNodeList");
	strlist_split(&names, group_prop(group, "Nodelist"), ",");
	for (i = 0; i < names.n; i++)
		add_with(nodes, "resourcegroupNode", "nodeRef", names.v[i]);
	resources = add(one, "resourcegroupResourceList");
	json_array_foreach(ju_arr(group, "resources"), i, v)
		add_with(resources, "resourcegroupResource", "resourceRef", ju_str(v, "name", ""));
	props = add(one, "propertyList");
	json_object_foreach(ju_obj(group, "properties"), key, v)
		if (!is_one_of(key, elsewhere)) {
			xmlNode *property = add_property(props, key, json_string_value(v));

			if (is_one_of(key, told_only))
				set(property, "readonly", "true");
		}
}

static void add_resource_properties(xmlNode *one, const json_t *resource, bool extension)
{
	xmlNode *list = add_with(one, "propertyList", "extension", extension ? "true" : "false");
	const char *node;
	json_t *p, *v;
	size_t i;

	json_array_foreach(ju_arr(resource, "properties"), i, p) {
		const char *name = ju_str(p, "name", "");
		xmlNode *property;

		if (ju_bool(p, "extension", false) != extension)
			continue;
		property = add_property(list, name, ju_str(p, "value", ""));
		set(property, "type", ju_str(p, "type", ""));
		if (strieq(ju_str(p, "tunable", ""), "NONE") || streq(name, "Type_version"))
			set(property, "readonly", "true");
		json_object_foreach(ju_obj(p, "values"), node, v) {
			_cleanup_free_ char *there = xasprintf("%s{%s}", name, node);

			add_property(list, there, json_string_value(v));
		}
	}
}

static void add_resource(xmlNode *list, const struct objects *objects, const json_t *resource)
{
	const json_t *group = object_find(objects_groups(objects), ju_str(resource, "group", ""));
	xmlNode *one = add_with(list, "resource", "name", ju_str(resource, "name", "")), *nodes;
	_cleanup_(strlist_done) struct strlist names = { 0 };

	set(one, "resourcegroupRef", ju_str(resource, "group", ""));
	set(one, "resourcetypeRef", ju_str(resource, "type", ""));
	nodes = add(one, "resourceNodeList");
	strlist_split(&names, group ? group_prop(group, "Nodelist") : "", ",");
	for (size_t i = 0; i < names.n; i++) {
		xmlNode *node = add_with(nodes, "resourceNode", "nodeRef", names.v[i]);

		add_with(node, "state", "value", resource_is_on(resource, "enabled", names.v[i]) ? "enabled" : "disabled");
		add_with(node, "monitoredState", "value", resource_is_on(resource, "monitored", names.v[i]) ? "true" : "false");
	}
	add_resource_properties(one, resource, false);
	add_resource_properties(one, resource, true);
}

static void export_types(const struct cmdline *line, const struct objects *objects, xmlNode *root, int *ret_code)
{
	xmlNode *list = add(root, "resourcetypeList");
	json_t *picked = view_pick(line, objects_types(objects), "resource type", ret_code), *v;
	size_t i;

	json_array_foreach(picked, i, v)
		add_type(list, v);
	json_decref(picked);
}

/* "+++x", "--x" -> "x" */
static const char *link_name(const char *text)
{
	return text + strspn(text, "+-");
}

/* Does a group that is to come yet stand in this list of the group? */
static bool waits(const json_t *group, const char *property, const json_t *rest)
{
	_cleanup_(strlist_done) struct strlist links = { 0 };
	bool found = false;

	strlist_split(&links, group_prop(group, property), ",");
	for (size_t i = 0; i < links.n; i++)
		found |= !streq(link_name(links.v[i]), ju_str(group, "name", "")) && object_find(rest, link_name(links.v[i]));
	return found;
}

/* What others depend on comes first, so that the file can be read from its beginning. */
static void export_groups(const struct cmdline *line, const struct objects *objects, xmlNode *root, int *ret_code)
{
	xmlNode *list = add(root, "resourcegroupList");
	json_t *rest = view_pick(line, objects_groups(objects), "resource group", ret_code), *group;
	size_t i;

	while (json_array_size(rest)) {
		size_t next = 0;

		json_array_foreach(rest, i, group)
			if (!waits(group, "RG_dependencies", rest) && !waits(group, "RG_affinities", rest)) {
				next = i;
				break;
			}
		add_group(list, json_array_get(rest, next));
		json_array_remove(rest, next);
	}
	json_decref(rest);
}

static void export_resources(const struct cmdline *line, const struct objects *objects, xmlNode *root, int *ret_code)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	xmlNode *list = add(root, "resourceList");
	json_t *picked = resources_picked(line, objects, ret_code), *all = objects_resources(objects), *v;
	size_t i;

	json_array_foreach(picked, i, v)
		strlist_add(&names, ju_str(v, "name", ""));
	resources_sort(all, false, &names);
	for (i = 0; i < names.n; i++)
		add_resource(list, objects, object_find(all, names.v[i]));
	json_decref(all);
	json_decref(picked);
}

static const struct {
	const char *family;
	int  (*of_cluster)(const struct cmdline *line, xmlNode *root);
	void (*of_rgm)(const struct cmdline *line, const struct objects *objects, xmlNode *root, int *ret_code);
} kinds[] = {
	{ "clnode", export_nodes, NULL },
	{ "clquorum", export_quorum, NULL },
	{ "clresourcetype", NULL, export_types },
	{ "clresourcegroup", NULL, export_groups },
	{ "clresource", NULL, export_resources },
	{ "clreslogicalhostname", NULL, export_resources },
	{ "clressharedaddress", NULL, export_resources },
};

/* ---- the file ---- */

static int write_out(const struct cmdline *line, xmlDoc *doc)
{
	const char *path = cmdline_get(line, 'o');
	struct err err = { 0 };
	xmlChar *text = NULL;
	int len = 0, r;

	xmlDocDumpFormatMemoryEnc(doc, &text, &len, "UTF-8", 1);
	if (!path || streq(path, "-")) {
		(void)fwrite(text, 1, (size_t)len, stdout);
		xmlFree(text);
		return EXIT_OK;
	}
	_cleanup_free_ char *what = xasprintf("write %s", path);

	r = file_write(path, text, (size_t)len, 0644, true, &err);
	xmlFree(text);
	return r < 0 ? command_failed(line, EXIT_IO, what, err.text) : EXIT_OK;
}

static int fill(const struct cmdline *line, xmlNode *root)
{
	struct objects objects = { 0 };
	size_t i = 0;
	int code = EXIT_OK, r;

	while (i < ARRAY_SIZE(kinds) && !streq(kinds[i].family, line->family->name))
		i++;
	assert(i < ARRAY_SIZE(kinds));
	if (kinds[i].of_cluster)
		return kinds[i].of_cluster(line, root);
	r = objects_read(line, &objects);
	if (r != EXIT_OK)
		return r;
	set(root, "name", ju_str(objects.config, "cluster", ""));
	kinds[i].of_rgm(line, &objects, root, &code);
	objects_done(&objects);
	return code;
}

int xml_export(const struct cmdline *line)
{
	xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNode *root = xmlNewNode(NULL, BAD_CAST "cluster");
	int r;

	xmlDocSetRootElement(doc, root);
	xmlCreateIntSubset(doc, BAD_CAST "cluster", NULL, BAD_CAST XML_DTD);
	r = fill(line, root);
	if (r == EXIT_OK)
		r = write_out(line, doc);
	xmlFreeDoc(doc);
	return r;
}
