#include "lib/method.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <scha.h>

#include "base/json.h"
#include "base/log.h"
#include "lib/ask.h"

static const char *const dependency_props[] = {
	"Resource_dependencies", "Resource_dependencies_weak", "Resource_dependencies_restart",
	"Resource_dependencies_offline_restart",
};

static void set_given(json_t *object, const char *text, json_t *also)
{
	size_t n = strcspn(text, "=");
	_cleanup_free_ char *name = xstrndup(text, n);

	/* A node, in braces, keeps its letters. */
	for (char *p = name; *p && *p != '{'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (text[n] != '=')
		return;
	ju_set_new(object, name, ask_string(text + n + 1));
	if (also)
		ju_set_bool(also, name, true);
}

static int parse(struct method *m, int argc, char **argv, struct err *err)
{
	int c;

	opterr = 0;
	optind = 0;                             /* from the start, whoever has used it before */
	while ((c = getopt(argc, argv, "R:T:G:Z:r:x:g:X:cu")) != -1)
		switch (c) {
		case 'R':
			m->rs = optarg;
			break;
		case 'T':
			m->rt = optarg;
			break;
		case 'G':
			m->rg = optarg;
			break;
		case 'Z':
			m->zone = optarg;
			break;
		case 'r':
			set_given(m->given, optarg, NULL);
			break;
		case 'x':
		case 'X':
			set_given(m->given, optarg, m->given_extension);
			break;
		case 'g':
			set_given(m->given_group, optarg, NULL);
			break;
		case 'c':
			m->create = true;
			break;
		case 'u':
			m->update = true;
			break;
		default:
			return err_set(err, -EINVAL, "unknown option -%c", optopt);
		}
	if (!m->rs || !m->rt || !m->rg)
		return err_set(err, -EINVAL, "usage: %s [-c | -u] -R resource -T type -G group ...", m->name);
	return 0;
}

/* Methods lie beside each other, and the process monitor wants a full path. */
static char *own_dir(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n <= 0)
		return xstrdup(".");
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return xstrdup(path);
}

int method_init(struct method *m, int argc, char **argv, struct err *err)
{
	const char *slash = strrchr(argv[0], '/');
	int r;

	*m = (struct method) { .name = slash ? slash + 1 : argv[0] };
	m->bin_dir = own_dir();
	m->given = json_object();
	m->given_extension = json_object();
	m->given_group = json_object();
	r = parse(m, argc, argv, err);
	if (r < 0)
		return r;
	m->log_tag = xasprintf("SC[%s,%s,%s,%s]", m->rt, m->rg, m->rs, m->name);
	log_open(m->log_tag);
	return 0;
}

void method_done(struct method *m)
{
	free(m->bin_dir);
	free(m->log_tag);
	json_decref(m->resource);
	json_decref(m->given);
	json_decref(m->given_extension);
	json_decref(m->given_group);
}

static scha_err_t get_resource(const char *rs, const char *rg, json_t **ret, struct err *err)
{
	json_t *params = ju_pack("{s:o}", "resource", ask_string(rs));

	if (rg)
		ju_set_new(params, "group", ask_string(rg));
	return ask_cluster(ASK_CLUSTER("GetResource"), params, ASK_TIMEOUT_MS, ret, err);
}

int method_load(struct method *m, struct err *err)
{
	json_t *reply;

	if (m->create)
		return 0;
	if (get_resource(m->rs, m->rg, &reply, err) != SCHA_ERR_NOERR)
		return err_prefix(err, -EIO, "resource %s", m->rs);
	json_decref(m->resource);
	m->resource = reply;
	return 0;
}

static const char *property_value(const json_t *resource, const char *name)
{
	json_t *prop;
	size_t i;

	json_array_foreach(ju_arr(resource, "properties"), i, prop)
		if (strieq(ju_str(prop, "name", ""), name))
			return ju_str(prop, "value", NULL);
	return NULL;
}

static const char *given_value(const struct method *m, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach(m->given, key, value)
		if (strieq(key, name))
			return json_string_value(value);
	return NULL;
}

bool method_given(const struct method *m, const char *name)
{
	return given_value(m, name) != NULL;
}

const char *method_prop(const struct method *m, const char *name)
{
	const char *value = given_value(m, name);

	return value ? value : property_value(m->resource, name);
}

const char *method_str(const struct method *m, const char *name, const char *dflt)
{
	const char *value = method_prop(m, name);

	return value ? value : dflt;
}

int64_t method_int(const struct method *m, const char *name, int64_t dflt)
{
	const char *value = method_prop(m, name);
	char *end;
	long long n;

	if (!value || !*value)
		return dflt;
	n = strtoll(value, &end, 10);           /* the RGM has checked type and range */
	return *end ? dflt : n;
}

bool method_bool(const struct method *m, const char *name, bool dflt)
{
	const char *value = method_prop(m, name);

	return value && *value ? strieq(value, "TRUE") : dflt;
}

void method_list(const struct method *m, const char *name, struct strlist *ret)
{
	strlist_split(ret, method_str(m, name, ""), ",");
}

int64_t method_restarts(const struct method *m)
{
	const char *self = ju_str(m->resource, "self", "");
	json_t *node;
	size_t i;

	json_array_foreach(ju_arr(m->resource, "nodes"), i, node)
		if (streq(ju_str(node, "node", ""), self))
			return ju_int(node, "num_resource_restarts", 0);
	return 0;
}

void networks_done(struct networks *networks)
{
	for (size_t i = 0; i < networks->n; i++) {
		free(networks->v[i].resource);
		strlist_done(&networks->v[i].hosts);
	}
	free(networks->v);
	*networks = (struct networks) { 0 };
}

/* An address resource is one with a HostnameList.  One that cannot be read is none: it may just have been removed. */
static void add_network(const char *rs, struct networks *ret)
{
	_cleanup_json_ json_t *resource = NULL;
	struct network *network;
	const char *names;

	if (get_resource(rs, NULL, &resource, NULL) != SCHA_ERR_NOERR)
		return;
	names = property_value(resource, "HostnameList");
	if (!names)
		return;
	ret->v = xrealloc(ret->v, (ret->n + 1) * sizeof ret->v[0]);
	network = &ret->v[ret->n++];
	*network = (struct network) { .resource = xstrdup(rs) };
	strlist_split(&network->hosts, names, ",");
}

static void add_networks_of(const struct method *m, const char *prop, struct networks *ret)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };

	method_list(m, prop, &names);
	for (size_t i = 0; i < names.n; i++) {
		names.v[i][strcspn(names.v[i], "{")] = '\0';    /* a qualifier */
		add_network(names.v[i], ret);
	}
}

scha_err_t group_networks(const char *rg, const char *but, struct networks *ret, struct err *err)
{
	_cleanup_json_ json_t *group = NULL;
	scha_err_t e;
	json_t *name;
	size_t i;

	e = ask_cluster(ASK_CLUSTER("GetGroup"), ju_pack("{s:o}", "group", ask_string(rg)), ASK_TIMEOUT_MS, &group, err);
	if (e != SCHA_ERR_NOERR)
		return e;
	json_array_foreach(ju_arr(group, "resources"), i, name)
		if (!but || !streq(json_string_value(name), but))
			add_network(json_string_value(name), ret);
	return SCHA_ERR_NOERR;
}

scha_err_t method_networks(const struct method *m, struct networks *ret, struct err *err)
{
	add_networks_of(m, "Network_resources_used", ret);
	for (size_t i = 0; i < ARRAY_SIZE(dependency_props) && ret->n == 0; i++)
		add_networks_of(m, dependency_props[i], ret);
	return ret->n > 0 ? SCHA_ERR_NOERR : group_networks(m->rg, m->rs, ret, err);
}

int method_hostnames(const struct method *m, struct strlist *ret, struct err *err)
{
	_cleanup_(networks_done) struct networks networks = { 0 };

	if (method_networks(m, &networks, err) != SCHA_ERR_NOERR)
		return err_prefix(err, -EIO, "group %s", m->rg);
	for (size_t i = 0; i < networks.n; i++)
		for (size_t k = 0; k < networks.v[i].hosts.n; k++)
			strlist_add(ret, networks.v[i].hosts.v[k]);
	return 0;
}

void method_status(const struct method *m, scha_rsstatus_t status, const char *text)
{
	scha_err_t e = scha_resource_setstatus(m->rs, m->rg, status, text);

	if (e != SCHA_ERR_NOERR)
		log_warn("the status of resource %s was not set: %s", m->rs, scha_strerror(e));
}

int method_main(int argc, char **argv, const struct method_row *rows, size_t n)
{
	_cleanup_(method_done) struct method m;
	struct err err = { 0 };
	int r = method_init(&m, argc, argv, &err);

	if (r == 0)
		r = err_set(&err, -ENOSYS, "there is no method %s", m.name);
	for (size_t i = 0; r == -ENOSYS && i < n; i++)
		if (streq(m.name, rows[i].name)) {
			r = rows[i].fn(&m, &err);
			break;
		}
	if (r < 0)
		log_err("%s", err.text);
	return r < 0 ? 1 : 0;
}
