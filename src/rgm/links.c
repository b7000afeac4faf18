/* What a group has to do with other groups: RG_dependencies and RG_affinities, read from its properties.
 *
 *   RG_affinities = +T ++T +++T -T --T, ...         one for each target
 *
 * Pointers to the targets, and back, are made by deps_index(). */
#include <errno.h>

#include "rgm/model.h"

/* The longest prefix first. */
static const struct { const char *prefix; enum link_kind kind; } prefixes[] = {
	{ "+++", LINK_DELEGATED }, { "++", LINK_POSITIVE }, { "+", LINK_WEAK_POSITIVE },
	{ "--", LINK_NEGATIVE },   { "-", LINK_WEAK_NEGATIVE },
};
const char *const link_prefixes[LINK_COUNT] = {
	[LINK_DEPENDENCY] = "", [LINK_WEAK_POSITIVE] = "+", [LINK_POSITIVE] = "++", [LINK_DELEGATED] = "+++",
	[LINK_WEAK_NEGATIVE] = "-", [LINK_NEGATIVE] = "--",
};

static int affinity_parse(const char *text, enum link_kind *ret_kind, const char **ret_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t n = strlen(prefixes[i].prefix);

		if (strncmp(text, prefixes[i].prefix, n) != 0)
			continue;
		*ret_kind = prefixes[i].kind;
		*ret_name = text + n;
		return text[n] ? 0 : -EINVAL;
	}
	return -EINVAL;
}

void links_done(struct rgm_rg *rg)
{
	while (rg->link_count)
		free(rg->links[--rg->link_count].name);
	free(rg->links);
	free(rg->linked_by);
	rg->links = NULL;
	rg->linked_by = NULL;
	rg->linked_by_count = 0;
}

static void add_link(struct rgm_rg *rg, enum link_kind kind, const char *name)
{
	rg->links = xrealloc(rg->links, (rg->link_count + 1) * sizeof *rg->links);
	rg->links[rg->link_count++] = (struct rg_link) { .name = xstrdup(name), .kind = kind };
}

void links_read(struct rgm_rg *rg)
{
	struct strlist names = { 0 }, affinities = { 0 };
	enum link_kind kind;
	const char *name;

	links_done(rg);
	strlist_split(&names, rg_prop(rg, "RG_dependencies"), ",");
	for (size_t i = 0; i < names.n; i++)
		add_link(rg, LINK_DEPENDENCY, names.v[i]);
	strlist_split(&affinities, rg_prop(rg, "RG_affinities"), ",");
	for (size_t i = 0; i < affinities.n; i++)
		if (affinity_parse(affinities.v[i], &kind, &name) == 0)
			add_link(rg, kind, name);
	strlist_done(&names);
	strlist_done(&affinities);
}

struct rgm_rg *rg_root(struct rgm_rg *rg)
{
	while (rg->component != rg)
		rg = rg->component = rg->component->component;
	return rg;
}

/* Whoever has a load is in everybody's way who has one, too. */
static void join_loads(struct rgm *rgm)
{
	struct rgm_rg *first = NULL;

	for (size_t g = 0; g < rgm->rg_count; g++) {
		if (!rgm->rgs[g]->factor_count)
			continue;
		first = first ? first : rgm->rgs[g];
		rg_root(rgm->rgs[g])->component = rg_root(first);
	}
}

static int compare_priority(const void *a, const void *b)
{
	const struct rgm_rg *x = *(struct rgm_rg *const *)a, *y = *(struct rgm_rg *const *)b;

	return x->priority != y->priority ? (x->priority < y->priority ? 1 : -1) : strcmp(x->name, y->name);
}

/* The groups have an order, that of their names; where all have one Priority, it is this one. */
static void sort_by_priority(struct rgm *rgm)
{
	bool sorted = true;

	free(rgm->by_priority);
	rgm->by_priority = xcalloc(rgm->rg_count + 1, sizeof *rgm->by_priority);
	for (size_t g = 0; g < rgm->rg_count; g++) {
		rgm->by_priority[g] = rgm->rgs[g];
		sorted = sorted && (g == 0 || rgm->rgs[g - 1]->priority >= rgm->rgs[g]->priority);
	}
	if (!sorted)
		qsort(rgm->by_priority, rgm->rg_count, sizeof *rgm->by_priority, compare_priority);
}

/* That nothing was to be done is known by the sum of the versions of a group's component; another component, another sum.  Who was
 * and is alone keeps what it knows: else every change of one group would have all others decided anew. */
static void forget_sums(struct rgm *rgm)
{
	for (size_t g = 0; g < rgm->rg_count; g++) {
		struct rgm_rg *rg = rgm->rgs[g];
		bool alone = !rg->linked && !rg->factor_count;

		if (!alone || !rg->alone)
			rg->idle_ver = 0;
		rg->alone = alone;
	}
}

void links_index(struct rgm *rgm)
{
	sort_by_priority(rgm);
	for (size_t g = 0; g < rgm->rg_count; g++) {
		rgm->rgs[g]->linked_by_count = 0;
		rgm->rgs[g]->component = rgm->rgs[g];
	}
	for (size_t g = 0; g < rgm->rg_count; g++)
		for (size_t i = 0; i < rgm->rgs[g]->link_count; i++) {
			struct rgm_rg *rg = rgm->rgs[g], *target = rg_find(rgm, rg->links[i].name);

			rg->links[i].target = target;
			if (!target || target == rg)
				continue;
			rg->linked = target->linked = true;
			rg_root(rg)->component = rg_root(target);
			if (target->linked_by_count && target->linked_by[target->linked_by_count - 1] == rg)
				continue;
			target->linked_by = xrealloc(target->linked_by, (target->linked_by_count + 1) * sizeof *target->linked_by);
			target->linked_by[target->linked_by_count++] = rg;
		}
	join_loads(rgm);
	forget_sums(rgm);
}

bool rg_has_link(const struct rgm_rg *rg, const struct rgm_rg *target, unsigned kinds)
{
	for (size_t i = 0; i < rg->link_count; i++)
		if (rg->links[i].target == target && (kinds & IN(rg->links[i].kind)))
			return true;
	return false;
}

/* On this node the groups that it depends on come first, if they are coming. */
bool rg_start_held(const struct rgm_rg *rg)
{
	uint32_t self = rg->rgm->self;

	for (size_t i = 0; i < rg->link_count && rg->on[self].state == RG_PENDING_ONLINE; i++)
		if (rg->links[i].kind == LINK_DEPENDENCY && rg->links[i].target &&
		    rg->links[i].target->on[self].state == RG_PENDING_ONLINE)
			return true;
	return false;
}

/* ... and those that depend on it go first, if they are going. */
bool rg_stop_held(const struct rgm_rg *rg)
{
	uint32_t self = rg->rgm->self;

	for (size_t i = 0; i < rg->linked_by_count && rg->directive == DIRECTIVE_OFFLINE; i++)
		if (rg->linked_by[i]->on[self].state == RG_PENDING_OFFLINE && rg_has_link(rg->linked_by[i], rg, IN(LINK_DEPENDENCY)))
			return true;
	return false;
}
