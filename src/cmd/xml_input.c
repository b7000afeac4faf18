/* -i: a file as command lines. */
#include "cmd/xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/valid.h>
#include <strings.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/clrg.h"
#include "cmd/clrs.h"
#include "cmd/clrt.h"
#include "cmd/file.h"
#include "cmd/props.h"
#include "cluster_dtd.h"

#define FILE_MAX ((size_t)16 << 20)

/* ---- reading ---- */

/* The first complaint counts: it names the cause, what follows are consequences. */
static void note_complaint(void *ctx, xmlErrorPtr error)
{
	struct err *err = ctx;
	_cleanup_free_ char *text = xstrdup(error->message ? error->message : "it is damaged");

	text[strcspn(text, "\n")] = '\0';
	if (!err->text[0])
		(void)err_set(err, -EINVAL, "line %d: %s", error->line, text);
}

static bool is_valid(xmlDoc *doc)
{
	xmlParserInputBuffer *in = xmlParserInputBufferCreateMem(cluster_dtd, (int)strlen(cluster_dtd), XML_CHAR_ENCODING_NONE);
	xmlDtd *dtd = xmlIOParseDTD(NULL, in, XML_CHAR_ENCODING_NONE);
	xmlValidCtxt *ctxt = xmlNewValidCtxt();
	bool valid;

	assert(dtd && ctxt);
	valid = xmlValidateDtd(ctxt, doc, dtd) == 1;
	xmlFreeValidCtxt(ctxt);
	xmlFreeDtd(dtd);
	return valid;
}

/* NULL after a complaint.  Nothing outside the file is read for it: no DTD of its own, no entities, no network. */
static xmlDoc *read_file(const struct cmdline *line, const char *path, int *ret_code)
{
	_cleanup_free_ char *what = xasprintf("read %s", path), *text = NULL;
	struct err err = { 0 };
	xmlDoc *doc = NULL;
	size_t len = 0;
	int r = file_read_given(path, FILE_MAX, &text, &len, &err);

	if (r < 0) {
		*ret_code = command_failed(line, r == -ENOENT ? EXIT_NO_OBJECT : EXIT_IO, what, err.text);
		return NULL;
	}
	xmlSetStructuredErrorFunc(&err, note_complaint);
	doc = xmlReadMemory(text, (int)len, path, NULL, XML_PARSE_NONET | XML_PARSE_NOWARNING);
	if (doc && !is_valid(doc)) {
		xmlFreeDoc(doc);
		doc = NULL;
	}
	xmlSetStructuredErrorFunc(NULL, NULL);
	if (!doc)
		*ret_code = command_failed(line, EXIT_INVALID, what, err.text[0] ? err.text : "it is no XML");
	return doc;
}

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && streq((const char *)node->name, name);
}

static const xmlNode *child(const xmlNode *node, const char *name)
{
	for (const xmlNode *c = node ? node->children : NULL; c; c = c->next)
		if (is_element(c, name))
			return c;
	return NULL;
}

#define FOR_EACH_CHILD(c, node, element) \
	for (const xmlNode *c = (node) ? (node)->children : NULL; c; c = c->next) if (is_element(c, element))

/* Caller frees; "" when there is none. */
static char *attribute(const xmlNode *node, const char *name)
{
	xmlChar *value = node ? xmlGetNoNsProp(node, BAD_CAST name) : NULL;
	char *ret = xstrdup(value ? (const char *)value : "");

	xmlFree(value);
	return ret;
}

/* ---- options ---- */

static void add_option(struct cmdline *sub, char letter, const char *value)
{
	sub->count[(unsigned char)letter]++;
	if (value)
		strlist_add(&sub->values[(unsigned char)letter], value);
}

/* Unless the line says another. */
static void add_single(struct cmdline *sub, char letter, const char *value)
{
	if (!cmdline_has(sub, letter) && *value)
		add_option(sub, letter, value);
}

/* Is the property given on the line, by -p, -x or -y? */
static bool is_given(const struct cmdline *line, const char *name)
{
	static const char letters[] = "pxy";
	size_t n = strlen(name);

	for (const char *l = letters; *l; l++)
		for (size_t i = 0; i < line->values[(unsigned char)*l].n; i++) {
			const char *v = line->values[(unsigned char)*l].v[i];

			if (strncasecmp(v, name, n) == 0 && v[n] == '=')
				return true;
		}
	return false;
}

static void add_property(const struct cmdline *line, struct cmdline *sub, const char *name, const char *value)
{
	_cleanup_free_ char *text = xasprintf("%s=%s", name, value);

	if (!is_given(line, name))
		add_option(sub, 'p', text);
}

/* What has an option of its own on the line that makes an address; false: it has none. */
static bool add_address(struct cmdline *sub, const char *name, const char *value)
{
	static const struct { const char *name; char letter; } rows[] = {
		{ "HostnameList", 'h' }, { "NetIfList", 'N' }, { "AuxNodeList", 'X' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strieq(name, rows[i].name) && strchr(sub->form->may, rows[i].letter)) {
			add_single(sub, rows[i].letter, value);
			return true;
		}
	return false;
}

/* Of every propertyList in it that can be set. */
static void add_properties(const xmlNode *node, const struct cmdline *line, struct cmdline *sub)
{
	FOR_EACH_CHILD(list, node, "propertyList") {
		_cleanup_free_ char *fixed = attribute(list, "readonly");

		if (streq(fixed, "true"))
			continue;
		FOR_EACH_CHILD(property, list, "property") {
			_cleanup_free_ char *name = attribute(property, "name"), *value = attribute(property, "value");
			_cleanup_free_ char *readonly = attribute(property, "readonly");

			if (!streq(readonly, "true") && !(family_type(line) && add_address(sub, name, value)))
				add_property(line, sub, name, value);
		}
	}
}

/* The nodeRef of each such child, as -n. */
static void add_nodes(const xmlNode *list, const char *element, struct cmdline *sub)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };

	FOR_EACH_CHILD(c, list, element)
		strlist_take(&names, attribute(c, "nodeRef"));
	_cleanup_free_ char *joined = strlist_join(&names, ",");

	add_single(sub, 'n', joined);
}

typedef void options_fn(const xmlNode *node, const struct cmdline *line, struct cmdline *sub);

static void type_options(const xmlNode *node, const struct cmdline *line, struct cmdline *sub)
{
	_cleanup_free_ char *file = attribute(child(node, "resourcetypeRTRFile"), "name");

	add_single(sub, 'f', file);
	if (!cmdline_has(line, 'N'))
		add_nodes(child(node, "resourcetypeNodeList"), "resourcetypeNode", sub);
	add_properties(node, line, sub);
}

static void group_options(const xmlNode *node, const struct cmdline *line, struct cmdline *sub)
{
	_cleanup_free_ char *mode = attribute(child(node, "failoverMode"), "value");

	if (*mode && !cmdline_has(line, 'S'))
		add_property(line, sub, "RG_mode", streq(mode, "scalable") ? "Scalable" : "Failover");
	if (!is_given(line, "Nodelist"))
		add_nodes(child(node, "resourcegroupNodeList"), "resourcegroupNode", sub);
	add_properties(node, line, sub);
}

/* The nodes of which the file says so. */
static void nodes_said(const xmlNode *nodes, const char *element, const char *value, struct strlist *ret)
{
	FOR_EACH_CHILD(node, nodes, "resourceNode") {
		_cleanup_free_ char *is = attribute(child(node, element), "value");

		if (streq(is, value))
			strlist_take(ret, attribute(node, "nodeRef"));
	}
}

/* What the file says of single nodes.  on: where it is enabled, off: disabled, unmonitored.  Caller frees all three. */
struct said { struct strlist on, off, unmonitored; };

static struct said switches_said(const xmlNode *resource)
{
	const xmlNode *nodes = child(resource, "resourceNodeList");
	struct said said = { 0 };

	nodes_said(nodes, "state", "enabled", &said.on);
	nodes_said(nodes, "state", "disabled", &said.off);
	nodes_said(nodes, "monitoredState", "false", &said.unmonitored);
	return said;
}

static void said_done(struct said *said)
{
	strlist_done(&said->on);
	strlist_done(&said->off);
	strlist_done(&said->unmonitored);
}

/* No nodes: on all. */
static int switch_said(const struct cmdline *line, const char *op, const char *verb, const char *name, bool monitor,
		       const struct strlist *nodes)
{
	_cleanup_free_ char *joined = strlist_join(nodes, ", ");

	return request_run(line, ju_pack("{ss, s[s], sb, so*}", "op", op, "names", name, "monitor", monitor, "nodes", nodes->n ?
					 strings_json(nodes) : NULL), "%s %sresource %s%s%s", verb, monitor ? "the monitor of " : "", name,
			   nodes->n ? " on " : "", joined);
}

/* A new resource was made disabled; now where it is to run, and without a monitor where that is said.  off: by the command line. */
static int resource_after(const xmlNode *node, const struct cmdline *line, const struct cmdline *sub, bool off)
{
	_cleanup_(said_done) struct said said = switches_said(node);
	const char *name = sub->operands.v[0];
	int r = EXIT_OK;

	if (!strchr(sub->form->may, 'd'))
		return EXIT_OK;
	if (said.unmonitored.n)
		r = switch_said(line, "resource_disable", "disable", name, true, &said.unmonitored);
	if (r == EXIT_OK && !off && (said.off.n || said.unmonitored.n) && (said.on.n || !said.off.n))
		r = switch_said(line, "resource_enable", "enable", name, false, &said.on);
	return r;
}

static void resource_options(const xmlNode *node, const struct cmdline *line, struct cmdline *sub)
{
	_cleanup_free_ char *group = attribute(node, "resourcegroupRef"), *type = attribute(node, "resourcetypeRef");
	_cleanup_(said_done) struct said said = switches_said(node);

	if (strchr(sub->form->need, 'g') || strchr(sub->form->may, 'g'))
		add_single(sub, 'g', group);
	if (strchr(sub->form->need, 't'))
		add_single(sub, 't', type);
	if (strchr(sub->form->may, 'd') && !cmdline_has(sub, 'd') && (said.off.n || said.unmonitored.n))
		add_option(sub, 'd', NULL);
	add_properties(node, line, sub);
}

static void quorum_options(const xmlNode *node, const struct cmdline *line, struct cmdline *sub)
{
	_cleanup_free_ char *type = attribute(node, "type");

	add_single(sub, 't', type);
	add_nodes(child(node, "quorumDevicePathList"), "quorumDevicePath", sub);
	add_properties(node, line, sub);
}

/* Its adapters of the interconnect: NAME=ADDRESS. */
static void node_options(const xmlNode *node, const struct cmdline *line, struct cmdline *sub)
{
	_cleanup_free_ char *name = attribute(node, "name"), *id = attribute(node, "id");
	const xmlNode *transport = child(child(node->parent->parent, "clusterTransport"), "transportNodeList");
	_cleanup_(strlist_done) struct strlist links = { 0 };

	(void)line;
	add_single(sub, '4', id);
	FOR_EACH_CHILD(own, transport, "transportNode") {
		_cleanup_free_ char *of = attribute(own, "nodeRef");

		if (!streq(of, name))
			continue;
		FOR_EACH_CHILD(adapter, own, "transportAdapter")
			FOR_EACH_CHILD(property, child(adapter, "propertyList"), "property") {
				_cleanup_free_ char *key = attribute(property, "name"), *value = attribute(property, "value");
				_cleanup_free_ char *device = attribute(adapter, "name");

				if (streq(key, "ip_address"))
					strlist_take(&links, *device ? xasprintf("%s=%s", device, value) : xstrdup(value));
			}
	}
	_cleanup_free_ char *joined = strlist_join(&links, ",");

	add_single(sub, 'e', joined);
}

/* ---- the objects of a family ---- */

static const struct kind {
	const char *family, *what, *path[3], *element;
	options_fn *options;
	int (*after)(const xmlNode *node, const struct cmdline *line, const struct cmdline *sub, bool off);     /* when it was done */
} kinds[] = {
	{ "clnode", "node", { "nodeList" }, "node", node_options, NULL },
	{ "clquorum", "quorum device", { "clusterQuorum", "quorumDeviceList" }, "quorumDevice", quorum_options, NULL },
	{ "clresourcetype", "resource type", { "resourcetypeList" }, "resourcetype", type_options, NULL },
	{ "clresourcegroup", "resource group", { "resourcegroupList" }, "resourcegroup", group_options, NULL },
	{ "clresource", "resource", { "resourceList" }, "resource", resource_options, resource_after },
	{ "clreslogicalhostname", "logical host", { "resourceList" }, "resource", resource_options, resource_after },
	{ "clressharedaddress", "shared address", { "resourceList" }, "resource", resource_options, resource_after },
};

static const struct kind *kind_named(const char *family)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (streq(kinds[i].family, family))
			return &kinds[i];
	abort();
}

static const struct kind *kind_of(const struct cmdline *line)
{
	return kind_named(line->family->name);
}

static const xmlNode *list_of(xmlDoc *doc, const struct kind *kind)
{
	const xmlNode *list = xmlDocGetRootElement(doc);

	for (size_t i = 0; i < ARRAY_SIZE(kind->path) && kind->path[i]; i++)
		list = child(list, kind->path[i]);
	return list;
}

/* Of the kind that this family shows: a logical host is no shared address. */
static bool is_of_family(const struct cmdline *line, const xmlNode *node)
{
	_cleanup_free_ char *type = attribute(node, "resourcetypeRef");

	return !*type || !family_type(line) || type_fits(type, family_type(line));
}

/* As if the line said it all.  options: those of the line count, too. */
static int run_form(const struct cmdline *line, const struct form *form, const struct kind *kind, const xmlNode *node, bool options)
{
	struct cmdline sub = { .command = line->command, .family = line->family, .form = form,
			       .deadline_s = line->deadline_s, .deadline_ms = line->deadline_ms, .text = line->text };
	_cleanup_free_ char *name = attribute(node, "name"), *what = xasprintf("take %s %s from the file", kind->what, name);
	int r = EXIT_OK;
	bool off;

	for (size_t l = 0; l < ARRAY_SIZE(sub.count); l++) {
		if (l == 'i' || l == 'a' || !options)
			continue;
		sub.count[l] = line->count[l];
		for (size_t i = 0; i < line->values[l].n; i++)
			strlist_add(&sub.values[l], line->values[l].v[i]);
	}
	strlist_add(&sub.operands, name);
	off = cmdline_has(&sub, 'd');
	kind->options(node, line, &sub);
	for (const char *need = sub.form->need; r == EXIT_OK && *need; need++)
		if (!cmdline_has(&sub, *need)) {
			_cleanup_free_ char *why = xasprintf("neither the file nor the command line says -%c", *need);

			r = command_failed(line, EXIT_INVALID, what, why);
		}
	if (r == EXIT_OK)
		r = sub.form->run ? sub.form->run(&sub) : command_failed(line, EXIT_REFUSED, what, sub.form->later);
	if (r == EXIT_OK && kind->after)
		r = kind->after(node, line, &sub, off);
	for (size_t l = 0; l < ARRAY_SIZE(sub.values); l++)
		strlist_done(&sub.values[l]);
	strlist_done(&sub.operands);
	return r;
}

static int run_one(const struct cmdline *line, const struct kind *kind, const xmlNode *node)
{
	return run_form(line, &line->command->forms[0], kind, node, true);
}

/* NULL: there is none. */
static const xmlNode *find(const struct kind *kind, const xmlNode *list, const char *name)
{
	FOR_EACH_CHILD(node, list, kind->element) {
		_cleanup_free_ char *is = attribute(node, "name");

		if (streq(is, name))
			return node;
	}
	return NULL;
}

static int not_there(const struct cmdline *line, const struct kind *kind, const char *name)
{
	_cleanup_free_ char *what = xasprintf("find %s %s", kind->what, name);

	return command_failed(line, EXIT_NO_OBJECT, what, "there is none of this name in the file");
}

static int run_named(const struct cmdline *line, const struct kind *kind, const xmlNode *list, const char *name)
{
	const xmlNode *node = find(kind, list, name);

	return node && is_of_family(line, node) ? run_one(line, kind, node) : not_there(line, kind, name);
}

int xml_input(const struct cmdline *line)
{
	const struct kind *kind = kind_of(line);
	int first = EXIT_OK, r = EXIT_OK;
	xmlDoc *doc = read_file(line, cmdline_get(line, 'i'), &r);
	const xmlNode *list;

	if (!doc)
		return r;
	list = list_of(doc, kind);
	for (size_t i = 0; !cmdline_all(line) && i < line->operands.n; i++) {
		r = run_named(line, kind, list, line->operands.v[i]);
		first = first ? first : r;
	}
	if (cmdline_all(line))
		FOR_EACH_CHILD(node, list, kind->element)
			if (is_of_family(line, node)) {
				r = run_one(line, kind, node);
				first = first ? first : r;
			}
	xmlFreeDoc(doc);
	return first;
}

/* ---- -a: with what is needed ---- */

static const struct form register_form = { .need = "", .may = "fnpv", .run = clrt_register };
static const struct form group_form = { .need = "", .may = "npSv", .run = clrg_create };

struct taking {
	const struct cmdline *line;
	xmlDoc *doc;
	struct objects objects;         /* as they were at the beginning */
	struct strlist done;            /* "group web-rg" */
};

/* True once for each. */
static bool is_first_time(struct taking *t, const char *what, const char *name)
{
	_cleanup_free_ char *key = xasprintf("%s %s", what, name);

	if (strlist_has(&t->done, key))
		return false;
	strlist_add(&t->done, key);
	return true;
}

/* The value of a property of the object in the file; caller frees, "" when there is none. */
static char *property_of(const xmlNode *node, const char *name)
{
	FOR_EACH_CHILD(list, node, "propertyList")
		FOR_EACH_CHILD(property, list, "property") {
			_cleanup_free_ char *is = attribute(property, "name");

			if (strieq(is, name))
				return attribute(property, "value");
		}
	return xstrdup("");
}

static int take_type(struct taking *t, const char *name)
{
	const struct kind *kind = kind_named("clresourcetype");
	const xmlNode *node = find(kind, list_of(t->doc, kind), name);
	json_t *v;
	size_t i;

	json_array_foreach(objects_types(&t->objects), i, v)
		if (type_fits(ju_str(v, "name", ""), name))
			return EXIT_OK;
	if (!is_first_time(t, kind->what, name))
		return EXIT_OK;
	return node ? run_form(t->line, &register_form, kind, node, false) : not_there(t->line, kind, name);
}

static int take_group(struct taking *t, const char *name)
{
	const struct kind *kind = kind_named("clresourcegroup");
	const xmlNode *node = find(kind, list_of(t->doc, kind), name);
	_cleanup_free_ char *text = node ? property_of(node, "RG_dependencies") : NULL;
	_cleanup_(strlist_done) struct strlist before = { 0 };
	int r = EXIT_OK;

	if (object_find(objects_groups(&t->objects), name) || !is_first_time(t, kind->what, name))
		return EXIT_OK;
	if (!node)
		return not_there(t->line, kind, name);
	strlist_split(&before, text, ",");
	for (size_t i = 0; r == EXIT_OK && i < before.n; i++)
		r = take_group(t, before.v[i]);
	return r == EXIT_OK ? run_form(t->line, &group_form, kind, node, false) : r;
}

static int take_resource(struct taking *t, const xmlNode *node);

static int take_dependencies(struct taking *t, const xmlNode *node)
{
	const struct kind *kind = kind_named("clresource");
	json_t *known = objects_resources(&t->objects);
	int r = EXIT_OK;

	for (size_t l = 0; dependency_lists[l]; l++) {
		_cleanup_free_ char *text = property_of(node, dependency_lists[l]);
		_cleanup_(strlist_done) struct strlist items = { 0 };

		strlist_split(&items, text, ",");
		for (size_t i = 0; r == EXIT_OK && i < items.n; i++) {
			_cleanup_free_ char *name = dependency_name(items.v[i]);
			const xmlNode *other = find(kind, list_of(t->doc, kind), name);

			if (!object_find(known, name))
				r = other ? take_resource(t, other) : not_there(t->line, kind, name);
		}
	}
	json_decref(known);
	return r;
}

static int take_resource(struct taking *t, const xmlNode *node)
{
	_cleanup_free_ char *name = attribute(node, "name"), *type = attribute(node, "resourcetypeRef");
	_cleanup_free_ char *group = attribute(node, "resourcegroupRef");
	const struct kind *kind = kind_named("clresource");
	bool named = cmdline_all(t->line) || strlist_has(&t->line->operands, name);
	int r;

	if (!is_first_time(t, kind->what, name))
		return EXIT_OK;
	r = take_type(t, named && cmdline_get(t->line, 't') ? cmdline_get(t->line, 't') : type);
	if (r == EXIT_OK)
		r = take_group(t, named && cmdline_get(t->line, 'g') ? cmdline_get(t->line, 'g') : group);
	if (r == EXIT_OK)
		r = take_dependencies(t, node);
	return r == EXIT_OK ? run_form(t->line, &t->line->command->forms[0], kind, node, named) : r;
}

int xml_input_needed(const struct cmdline *line)
{
	const struct kind *kind = kind_of(line);
	struct taking t = { .line = line };
	int first = EXIT_OK, r = EXIT_OK;
	const xmlNode *list;

	t.doc = read_file(line, cmdline_get(line, 'i'), &r);
	if (t.doc)
		r = objects_read(line, &t.objects);
	list = t.doc ? list_of(t.doc, kind) : NULL;
	for (size_t i = 0; r == EXIT_OK && !cmdline_all(line) && i < line->operands.n; i++) {
		const xmlNode *node = find(kind, list, line->operands.v[i]);
		int one = node ? take_resource(&t, node) : not_there(line, kind, line->operands.v[i]);

		first = first ? first : one;
	}
	if (r == EXIT_OK && cmdline_all(line))
		FOR_EACH_CHILD(node, list, kind->element) {
			int one = take_resource(&t, node);

			first = first ? first : one;
		}
	strlist_done(&t.done);
	objects_done(&t.objects);
	xmlFreeDoc(t.doc);
	return r ? r : first;
}
