/* What a change of a group must not bring about: dependencies on what does not exist, and dependencies in a circle.
 *
 * The group as the new table would make it stands in for the one in force, and the search is over the whole model.  An edge
 * means "waits for", at a start or at a stop:
 *
 *   resource -> what any of its four lists names
 *   resource -> each address of its group                    (Implicit_network_dependencies)
 *   address  -> what the others of its group depend on in other groups, for it waits for their Prenet_start, and they
 *               with their Postnet_stop for it
 *   resource -> all resources of the groups in RG_dependencies
 *
 * Groups have a graph of their own: RG_dependencies and strong affinities. */
#include <errno.h>

#include "rgm/model.h"

enum { MARK_NONE, MARK_ON_PATH, MARK_DONE };

struct search {
	struct rgm *rgm;
	const struct rgm_rs *closes;    /* where the circle was found to close; NULL: none was */
	bool complete;
	struct strlist path;            /* from its end to its beginning */
};

static bool visit(struct search *s, struct rgm_rs *rs);

static bool visit_declared(struct search *s, const struct rgm_rs *rs, bool other_groups_only)
{
	for (size_t i = 0; i < rs->dep_count; i++) {
		struct rgm_rs *target = rs->deps[i].target;

		if (target && (target->rg != rs->rg || !other_groups_only) && visit(s, target))
			return true;
	}
	return false;
}

static bool visit_implicit(struct search *s, const struct rgm_rs *rs)
{
	const struct rgm_rg *rg = rs->rg;

	for (size_t i = 0; i < rg->rs_count; i++) {
		struct rgm_rs *other = rg->rs[i];

		if (rs_depends_on_address(rs, other) && visit(s, other))
			return true;
		if (rs_is_address(rs) && !rs_is_address(other) &&
		    (rs_declares(other, METHOD_PRENET_START) || rs_declares(other, METHOD_POSTNET_STOP)) &&
		    visit_declared(s, other, true))
			return true;
	}
	return false;
}

static bool visit_groups(struct search *s, const struct rgm_rs *rs)
{
	for (size_t i = 0; i < rs->rg->link_count; i++) {
		const struct rg_link *link = &rs->rg->links[i];

		for (size_t k = 0; link->kind == LINK_DEPENDENCY && link->target && k < link->target->rs_count; k++)
			if (visit(s, link->target->rs[k]))
				return true;
	}
	return false;
}

/* True: a circle; the path holds its members so far. */
static bool visit(struct search *s, struct rgm_rs *rs)
{
	bool found;

	if (rs->mark == MARK_DONE)
		return false;
	if (rs->mark == MARK_ON_PATH) {
		s->closes = rs;
		strlist_add(&s->path, rs->name);
		return true;
	}
	rs->mark = MARK_ON_PATH;
	found = visit_declared(s, rs, false) || visit_implicit(s, rs) || visit_groups(s, rs);
	rs->mark = MARK_DONE;
	if (found && !s->complete)
		strlist_add(&s->path, rs->name);
	s->complete |= found && s->closes == rs;
	return found;
}

static int check_circles(struct rgm *rgm, const struct rgm_rg *rg, struct err *err)
{
	struct search s = { .rgm = rgm };
	_cleanup_(buf_done) struct buf text = { 0 };

	for (size_t g = 0; g < rgm->rg_count; g++)
		for (size_t i = 0; i < rgm->rgs[g]->rs_count; i++)
			rgm->rgs[g]->rs[i]->mark = MARK_NONE;
	for (size_t i = 0; i < rg->rs_count; i++)
		if (visit(&s, rg->rs[i]))
			break;
	for (size_t i = s.path.n; i > 0; i--)
		buf_printf(&text, "%s%s", i < s.path.n ? " -> " : "", s.path.v[i - 1]);
	strlist_done(&s.path);
	return s.closes ? err_set(err, -EINVAL, "the dependencies would go round in a circle: %s", text.s) : 0;
}

/* True: `rg` leads back to `first`; the path is written from its end. */
static bool leads_back(struct rgm_rg *rg, const struct rgm_rg *first, struct buf *path)
{
	if (rg->mark++)
		return false;
	for (size_t i = 0; i < rg->link_count; i++) {
		const struct rg_link *link = &rg->links[i];

		if (!link->target || !(IN(link->kind) & (LINK_STRONG | IN(LINK_DEPENDENCY))))
			continue;
		if (link->target == first || leads_back(link->target, first, path)) {
			_cleanup_free_ char *rest = xstrdup(path->s ? path->s : "");

			buf_done(path);
			buf_printf(path, " -> %s%s%s", link_prefixes[link->kind], link->name, rest);
			return true;
		}
	}
	return false;
}

static int check_group_circle(struct rgm *rgm, struct rgm_rg *rg, struct err *err)
{
	_cleanup_(buf_done) struct buf path = { 0 };

	for (size_t g = 0; g < rgm->rg_count; g++)
		rgm->rgs[g]->mark = 0;
	if (!leads_back(rg, rg, &path))
		return 0;
	return err_set(err, -EINVAL, "RG_dependencies and strong affinities would go round in a circle: %s%s", rg->name, path.s);
}

static int check_link(const struct rgm_rg *rg, const struct rg_link *link, struct err *err)
{
	const char *prop = link->kind == LINK_DEPENDENCY ? "RG_dependencies" : "RG_affinities";

	if (!link->target)
		return err_set(err, -EINVAL, "%s of group %s: resource group %s does not exist", prop, rg->name, link->name);
	if (link->target == rg)
		return err_set(err, -EINVAL, "%s of group %s: it names the group itself", prop, rg->name);
	for (const struct rg_link *other = rg->links; other < link; other++)
		if (streq(other->name, link->name) && (other->kind == LINK_DEPENDENCY) == (link->kind == LINK_DEPENDENCY))
			return err_set(err, -EINVAL, "%s of group %s: resource group %s is named twice", prop, rg->name, link->name);
	if (link->kind == LINK_DEPENDENCY && rg_prop_int(rg, "Desired_primaries") > 0 && !rg_prop_int(link->target, "Desired_primaries"))
		return err_set(err, -EINVAL, "RG_dependencies of group %s: Desired_primaries of resource group %s is 0", rg->name, link->name);
	return 0;
}

static int check_links(struct rgm *rgm, struct rgm_rg *rg, bool complete, struct err *err)
{
	for (size_t i = 0; i < rg->link_count; i++)
		if ((complete || rg->links[i].target) && check_link(rg, &rg->links[i], err) < 0)
			return -EINVAL;
	return check_group_circle(rgm, rg, err);
}

static int check_dep(const struct rgm *rgm, const struct rgm_rs *rs, const struct rs_dep *dep, struct err *err)
{
	if (!dep->target)
		return err_set(err, -EINVAL, "resource %s depends on %s, which does not exist", rs->name, dep->name);
	if (dep->target == rs)
		return err_set(err, -EINVAL, "resource %s depends on itself", rs->name);
	if (dep->node && !rgm_node_id(rgm, dep->node))
		return err_set(err, -EINVAL, "resource %s depends on %s@%s: node %s is not in the configuration", rs->name, dep->name,
			       dep->node, dep->node);
	return 0;
}

/* What others depend on stays. */
static int check_gone(const struct rgm_rg *old, const struct rgm_rg *rg, struct err *err)
{
	for (size_t i = 0; old && i < old->rs_count; i++) {
		const struct rgm_rs *rs = old->rs[i];

		if (rs->user_count && !rg_rs_find(rg, rs->name))
			return err_set(err, -EINVAL, "resource %s of group %s depends on %s", rs->users[0]->name, rs->users[0]->rg->name,
				       rs->name);
	}
	return 0;
}

static int check_new(struct rgm *rgm, struct rgm_rg *rg, bool complete, struct err *err)
{
	for (size_t i = 0; i < rg->rs_count; i++)
		for (size_t k = 0; k < rg->rs[i]->dep_count; k++)
			if ((complete || rg->rs[i]->deps[k].target) && check_dep(rgm, rg->rs[i], &rg->rs[i]->deps[k], err) < 0)
				return -EINVAL;
	if (check_links(rgm, rg, complete, err) < 0)
		return -EINVAL;
	return check_circles(rgm, rg, err);
}

int graph_check(struct rgm *rgm, const char *name, const json_t *data, bool complete, struct err *err)
{
	struct rgm_rg *rg = rg_from_table(rgm, name, data), *old;
	int r;

	if (!rg)                        /* of a type that comes with the same file: looked at again when that is there */
		return 0;
	deps_index(rgm);
	r = check_gone(rg_find(rgm, name), rg, err);
	old = rg_swap(rgm, name, rg);
	deps_index(rgm);
	if (r == 0)
		r = check_new(rgm, rg, complete, err);
	if (r == 0 && modes_check(old, rg, err) < 0)
		r = -EDOM;
	rg_swap(rgm, name, old);
	rg_free(rg);
	deps_index(rgm);
	return r;
}
