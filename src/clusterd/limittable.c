#include "clusterd/limittable.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "base/json.h"
#include "base/macros.h"

#define NAME_LIMIT 63           /* characters; what the RGM keeps of it */

struct values { int64_t soft, hard; };          /* soft 0, hard -1: none */

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= NAME_LIMIT && isalpha((unsigned char)name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

/* The name as it stands in the table, whatever its case; NULL: the node has no such limit.  Caller frees. */
static char *find(const json_t *table, uint32_t node, const char *name)
{
	_cleanup_free_ char *head = xasprintf("cluster.nodes.%u.loadlimits.", node);
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)table, key, v) {
		const char *there = key + strlen(head);
		size_t n = strlen(name);

		if (strncmp(key, head, strlen(head)) == 0 && strncasecmp(there, name, n) == 0 && there[n] == '.')
			return xstrndup(there, n);
	}
	return NULL;
}

static struct values read_values(const json_t *table, uint32_t node, const char *name)
{
	return (struct values) {
		.soft = strtoll(ju_strf(table, "0", "cluster.nodes.%u.loadlimits.%s.soft", node, name), NULL, 10),
		.hard = strtoll(ju_strf(table, "-1", "cluster.nodes.%u.loadlimits.%s.hard", node, name), NULL, 10),
	};
}

static int read_number(const char *what, const char *text, int64_t none, int64_t *value, struct err *err)
{
	size_t digits;

	if (!text)
		return 0;
	digits = strspn(text, "0123456789");
	if (text[digits] || digits > 10 || (digits && strtoll(text, NULL, 10) > INT32_MAX))
		return err_set(err, -EINVAL, "%s is a number from 0 to %d, or empty for none, not \"%s\"", what, INT32_MAX, text);
	*value = digits ? strtoll(text, NULL, 10) : none;
	return 0;
}

static int apply(const struct limit_wanted *wanted, struct values *v, struct err *err)
{
	int r = read_number("softlimit", wanted->soft, 0, &v->soft, err);

	if (r == 0)
		r = read_number("hardlimit", wanted->hard, -1, &v->hard, err);
	if (r == 0 && v->hard >= 0 && v->soft > v->hard)
		r = err_set(err, -EINVAL, "the soft limit of %s, %lld, would be above its hard limit, %lld", wanted->name,
			    (long long)v->soft, (long long)v->hard);
	return r;
}

static void drop(json_t *table, uint32_t node, const char *name, const char *kind)
{
	_cleanup_free_ char *key = xasprintf("cluster.nodes.%u.loadlimits.%s.%s", node, name, kind);

	json_object_del(table, key);
}

static void put(json_t *table, uint32_t node, const char *name, const struct values *v)
{
	_cleanup_free_ char *soft = xasprintf("%lld", (long long)v->soft), *hard = xasprintf("%lld", (long long)v->hard);

	ju_set_strf(table, soft, "cluster.nodes.%u.loadlimits.%s.soft", node, name);
	if (v->hard >= 0)
		ju_set_strf(table, hard, "cluster.nodes.%u.loadlimits.%s.hard", node, name);
	else
		drop(table, node, name, "hard");
}

static int missing(const char *name, struct err *err)
{
	return err_set(err, -ENOENT, "the node has no load limit %s; clnode create-loadlimit makes one", name);
}

int limittable_create(json_t *table, uint32_t node, const struct limit_wanted *wanted, struct err *err)
{
	_cleanup_free_ char *there = find(table, node, wanted->name);
	struct values v = { .hard = -1 }, old = { 0 };
	int r;

	if (!name_ok(wanted->name))
		return err_set(err, -EINVAL, "\"%s\" is no name for a load limit: a letter, then letters, digits, - and _, at most %d",
			       wanted->name, NAME_LIMIT);
	r = apply(wanted, &v, err);
	if (r < 0)
		return r;
	if (there)
		old = read_values(table, node, there);
	if (there && (old.soft != v.soft || old.hard != v.hard))
		return err_set(err, -EEXIST, "the node has a load limit %s already; clnode set-loadlimit changes it", there);
	put(table, node, there ? there : wanted->name, &v);
	return 0;
}

int limittable_set(json_t *table, uint32_t node, const struct limit_wanted *wanted, struct err *err)
{
	_cleanup_free_ char *there = find(table, node, wanted->name);
	struct values v;
	int r;

	if (!there)
		return missing(wanted->name, err);
	v = read_values(table, node, there);
	r = apply(wanted, &v, err);
	if (r == 0)
		put(table, node, there, &v);
	return r;
}

int limittable_delete(json_t *table, uint32_t node, const char *name, struct err *err)
{
	_cleanup_free_ char *there = find(table, node, name);

	if (!there)
		return missing(name, err);
	drop(table, node, there, "soft");
	drop(table, node, there, "hard");
	return 0;
}
