/* Do two resource types say the same?  Member by member, so that a member that rt_to_rtr() forgets is noticed. */
#pragma once
#include "rgm/rt.h"

static inline bool str_equal(const char *a, const char *b) { return a && b ? streq(a, b) : a == b; }

static inline bool strlist_equal(const struct strlist *a, const struct strlist *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!streq(a->v[i], b->v[i]))
			return false;
	return true;
}

static inline bool rt_param_equal(const struct rt_param *a, const struct rt_param *b)
{
	return streq(a->name, b->name) && a->type == b->type && a->extension == b->extension && a->per_node == b->per_node &&
	       a->has_default == b->has_default && str_equal(a->dflt, b->dflt) && a->has_min == b->has_min &&
	       a->has_max == b->has_max && a->has_minlength == b->has_minlength && a->has_maxlength == b->has_maxlength &&
	       a->has_array_minsize == b->has_array_minsize && a->has_array_maxsize == b->has_array_maxsize &&
	       a->min == b->min && a->max == b->max && a->minlength == b->minlength && a->maxlength == b->maxlength &&
	       a->array_minsize == b->array_minsize && a->array_maxsize == b->array_maxsize && a->tunable == b->tunable &&
	       streq(a->description, b->description) && strlist_equal(&a->enumlist, &b->enumlist);
}

static inline bool rt_equal(const struct rt *a, const struct rt *b)
{
	if (a->upgrade_count != b->upgrade_count || a->param_count != b->param_count)
		return false;
	for (size_t i = 0; i < a->upgrade_count; i++)
		if (!streq(a->upgrades[i].from, b->upgrades[i].from) || a->upgrades[i].cond != b->upgrades[i].cond)
			return false;
	for (size_t i = 0; i < a->param_count; i++)
		if (!rt_param_equal(&a->params[i], &b->params[i]))
			return false;
	for (enum rt_method m = 0; m < METHOD_COUNT; m++)
		if (!str_equal(a->methods[m], b->methods[m]))
			return false;
	return streq(a->name, b->name) && streq(a->base, b->base) && streq(a->vendor, b->vendor) &&
	       streq(a->version, b->version) && a->has_upgrade == b->has_upgrade && a->api_version == b->api_version &&
	       streq(a->basedir, b->basedir) && streq(a->description, b->description) && a->failover == b->failover &&
	       a->single_instance == b->single_instance && a->rt_system == b->rt_system && a->global_zone == b->global_zone &&
	       a->proxy == b->proxy && a->sysdefined == b->sysdefined && a->init_nodes == b->init_nodes &&
	       strlist_equal(&a->pkglist, &b->pkglist) && a->is_logical_hostname == b->is_logical_hostname &&
	       a->is_shared_address == b->is_shared_address;
}
