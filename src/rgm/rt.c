/* The model of a resource type: release, lookup, and the text that gives it back. */
#include <strings.h>

#include "rgm/rt_impl.h"

const char *const rt_method_names[METHOD_COUNT] = {
	[METHOD_START]         = "Start",         [METHOD_STOP]         = "Stop",
	[METHOD_PRENET_START]  = "Prenet_start",  [METHOD_POSTNET_STOP] = "Postnet_stop",
	[METHOD_MONITOR_START] = "Monitor_start", [METHOD_MONITOR_STOP] = "Monitor_stop",
	[METHOD_MONITOR_CHECK] = "Monitor_check", [METHOD_VALIDATE]     = "Validate",
	[METHOD_UPDATE]        = "Update",        [METHOD_INIT]         = "Init",
	[METHOD_FINI]          = "Fini",          [METHOD_BOOT]         = "Boot",
};

const char *const init_nodes_names[INIT_NODES_COUNT] = {
	[INIT_RG_PRIMARIES] = "RG_PRIMARIES", [INIT_RT_INSTALLED_NODES] = "RT_INSTALLED_NODES",
};

const char *const upgrade_cond_names[UPGRADE_COUNT] = {
	[UPGRADE_ANYTIME]        = "ANYTIME",        [UPGRADE_WHEN_UNMONITORED] = "WHEN_UNMONITORED",
	[UPGRADE_WHEN_OFFLINE]   = "WHEN_OFFLINE",   [UPGRADE_WHEN_DISABLED]    = "WHEN_DISABLED",
	[UPGRADE_WHEN_UNMANAGED] = "WHEN_UNMANAGED", [UPGRADE_AT_CREATION]      = "AT_CREATION",
};

struct rt *rt_free(struct rt *rt)
{
	if (!rt)
		return NULL;
	free(rt->name);
	free(rt->base);
	free(rt->vendor);
	free(rt->version);
	for (size_t i = 0; i < rt->upgrade_count; i++)
		free(rt->upgrades[i].from);
	free(rt->upgrades);
	free(rt->basedir);
	free(rt->description);
	strlist_done(&rt->pkglist);
	for (enum rt_method m = 0; m < METHOD_COUNT; m++)
		free(rt->methods[m]);
	for (size_t i = 0; i < rt->param_count; i++)
		rt_param_done(&rt->params[i]);
	free(rt->params);
	strlist_done(&rt->installed_nodes);
	free(rt);
	return NULL;
}

const struct rt_param *rt_param_find(const struct rt *rt, const char *name)
{
	for (size_t i = 0; i < rt->param_count; i++) {
		const struct rt_param *p = &rt->params[i];
		size_t n = strlen(p->name);

		if (strieq(p->name, name) || (p->per_node && strncasecmp(p->name, name, n) == 0 && name[n] == '{'))
			return p;
	}
	return NULL;
}

char *rt_method_path(const struct rt *rt, enum rt_method method)
{
	const char *path, *slash;

	assert(method < METHOD_COUNT);
	path = rt->methods[method];
	if (!path)
		return NULL;
	if (*path == '/')
		return xstrdup(path);
	slash = *rt->basedir && rt->basedir[strlen(rt->basedir) - 1] == '/' ? "" : "/";
	return xasprintf("%s%s%s", rt->basedir, slash, path);
}

/* [vendor.]base[:version], as offsets into the text.  A version may hold dots, so the colon is looked for first. */
struct name_parts { const char *vendor, *base, *version; size_t vendor_len, base_len; };

static struct name_parts name_split(const char *name)
{
	const char *colon = strchr(name, ':'), *end = colon ? colon : name + strlen(name);
	const char *dot = memchr(name, '.', (size_t)(end - name)), *base = dot ? dot + 1 : name;

	return (struct name_parts) {
		.vendor = name,
		.vendor_len = dot ? (size_t)(dot - name) : 0,
		.base = base,
		.base_len = (size_t)(end - base),
		.version = colon ? colon + 1 : NULL,
	};
}

bool rt_name_matches(const char *full, const char *given)
{
	struct name_parts f = name_split(full), g = name_split(given);
	bool vendor_given = g.base != g.vendor;

	if (f.base_len != g.base_len || memcmp(f.base, g.base, f.base_len) != 0)
		return false;
	if (vendor_given && (f.vendor_len != g.vendor_len || memcmp(f.vendor, g.vendor, f.vendor_len) != 0))
		return false;
	return !g.version || (f.version && streq(f.version, g.version));
}

/* ---- the text: only what differs from what the parser fills in by itself ---- */

static void print_quoted(struct buf *out, const char *text, size_t len)
{
	buf_puts(out, "\"");
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buf_puts(out, "\\");
		buf_add(out, text + i, 1);
	}
	buf_puts(out, "\"");
}

static void print_string(struct buf *out, const char *keyword, const char *value)
{
	buf_printf(out, "%s = ", keyword);
	print_quoted(out, value, strlen(value));
	buf_puts(out, ";\n");
}

static void print_given(struct buf *out, const char *keyword, const char *value)
{
	if (value && *value)
		print_string(out, keyword, value);
}

static void print_true(struct buf *out, const char *keyword, bool value)
{
	if (value)
		buf_printf(out, "%s = TRUE;\n", keyword);
}

static void print_type(struct buf *out, const struct rt *rt)
{
	print_string(out, "RESOURCE_TYPE", rt->base);
	print_given(out, "VENDOR_ID", rt->vendor);
	print_given(out, "RT_DESCRIPTION", rt->description);
	print_given(out, "RT_VERSION", rt->version);
	buf_printf(out, "API_VERSION = %d;\n", rt->api_version);
	print_given(out, "RT_BASEDIR", rt->basedir);
	print_true(out, "FAILOVER", rt->failover);
	print_true(out, "SINGLE_INSTANCE", rt->single_instance);
	print_true(out, "RT_SYSTEM", rt->rt_system);
	print_true(out, "GLOBAL_ZONE", rt->global_zone);
	print_true(out, "PROXY", rt->proxy);
	print_true(out, "SYSDEFINED_TYPE", rt->sysdefined);
	buf_printf(out, "INIT_NODES = %s;\n", init_nodes_names[rt->init_nodes]);
	for (size_t i = 0; i < rt->pkglist.n; i++) {
		buf_puts(out, i ? ", " : "PKGLIST = ");
		print_quoted(out, rt->pkglist.v[i], strlen(rt->pkglist.v[i]));
	}
	buf_puts(out, rt->pkglist.n ? ";\n" : "");
	for (enum rt_method m = 0; m < METHOD_COUNT; m++)
		print_given(out, rt_method_names[m], rt->methods[m]);
	if (rt->has_upgrade)
		buf_puts(out, "#$upgrade\n");
	for (size_t i = 0; i < rt->upgrade_count; i++)
		buf_printf(out, "#$upgrade_from \"%s\" %s\n", rt->upgrades[i].from, upgrade_cond_names[rt->upgrades[i].cond]);
}

static void print_default(struct buf *out, const struct rt_param *param)
{
	const char *s = param->dflt;

	buf_puts(out, "\tDEFAULT = ");
	if (param->type != PROP_STRINGARRAY) {
		print_quoted(out, s, strlen(s));
	} else {
		for (;; s++) {
			size_t n = strcspn(s, ",");

			print_quoted(out, s, n);
			s += n;
			if (!*s)
				break;
			buf_puts(out, ", ");
		}
	}
	buf_puts(out, ";\n");
}

static void print_limit(struct buf *out, const char *keyword, bool has, int64_t value, bool base_has, int64_t base_value)
{
	if (has && !(base_has && value == base_value))
		buf_printf(out, "\t%s = %lld;\n", keyword, (long long)value);
}

static void print_limits(struct buf *out, const struct rt_param *param, const struct rt_param *base)
{
	print_limit(out, "MIN", param->has_min, param->min, base->has_min, base->min);
	print_limit(out, "MAX", param->has_max, param->max, base->has_max, base->max);
	print_limit(out, "MINLENGTH", param->has_minlength, param->minlength, base->has_minlength, base->minlength);
	print_limit(out, "MAXLENGTH", param->has_maxlength, param->maxlength, base->has_maxlength, base->maxlength);
	print_limit(out, "ARRAY_MINSIZE", param->has_array_minsize, param->array_minsize, base->has_array_minsize,
		    base->array_minsize);
	print_limit(out, "ARRAY_MAXSIZE", param->has_array_maxsize, param->array_maxsize, base->has_array_maxsize,
		    base->array_maxsize);
}

static void print_extension(struct buf *out, const struct rt_param *param)
{
	_cleanup_free_ char *literals = strlist_join(&param->enumlist, ", ");

	buf_puts(out, "\tEXTENSION;\n");
	if (param->per_node)
		buf_puts(out, "\tPER_NODE;\n");
	if (param->type == PROP_ENUM)
		buf_printf(out, "\tENUM { %s };\n", literals);
	else
		buf_printf(out, "\t%s;\n", prop_type_names[param->type]);
}

static void print_attributes(struct buf *out, const struct rt_param *param, const struct rt_param *base)
{
	if (param->extension)
		print_extension(out, param);
	print_limits(out, param, base);
	if (param->has_default && !(base->has_default && streq(param->dflt, base->dflt)))
		print_default(out, param);
	if (param->extension || param->tunable != base->tunable)
		buf_printf(out, "\tTUNABLE = %s;\n", tunable_names[param->tunable]);
	if (*param->description) {
		buf_puts(out, "\tDESCRIPTION = ");
		print_quoted(out, param->description, strlen(param->description));
		buf_puts(out, ";\n");
	}
}

static void print_param(struct buf *out, const struct rt *rt, const struct rt_param *param)
{
	const struct prop_info *info = param->extension ? NULL : resource_prop_find(param->name);
	_cleanup_(rt_param_done) struct rt_param base = { 0 };
	_cleanup_(buf_done) struct buf attributes = { 0 };

	if (info)
		rt_param_from_info(info, &base);
	print_attributes(&attributes, param, &base);
	/* Without a default it was declared so: an implied property always has one. */
	if (info && !attributes.len && param->has_default && resource_prop_implied(rt, info, rt_param_find(rt, "Scalable")))
		return;
	buf_printf(out, "{\n\tPROPERTY = %s;\n", param->name);
	if (attributes.len)
		buf_puts(out, attributes.s);
	buf_puts(out, "}\n");
}

char *rt_to_rtr(const struct rt *rt)
{
	struct buf out = { 0 };

	print_type(&out, rt);
	for (size_t i = 0; i < rt->param_count; i++)
		print_param(&out, rt, &rt->params[i]);
	return buf_take(&out);
}
