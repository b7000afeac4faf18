/* On how many nodes may a group be?  RG_mode, Maximum_primaries, Desired_primaries, and what its resources allow. */
#include <errno.h>

#include "rgm/model.h"

/* A group that was given no mode has the one that fits its Maximum_primaries. */
bool rg_is_scalable(const struct rgm_rg *rg)
{
	const char *given = rg_prop(rg, "RG_mode");

	return *given ? strieq(given, "SCALABLE") : rg_prop_int(rg, "Maximum_primaries") > 1;
}

static int check_numbers(const struct rgm_rg *rg, struct err *err)
{
	if (rg_prop_int(rg, "Desired_primaries") > rg_prop_int(rg, "Maximum_primaries"))
		return err_set(err, -EINVAL, "Desired_primaries is greater than Maximum_primaries");
	if (!rg_is_scalable(rg) && rg_prop_int(rg, "Maximum_primaries") > 1)
		return err_set(err, -EINVAL, "RG_mode of resource group %s is FAILOVER, so Maximum_primaries is 1: a group on several nodes is "
			       "created with RG_mode=Scalable", rg->name);
	return 0;
}

static int check_resource(const struct rgm_rs *rs, struct err *err)
{
	const char *scalable = rs_prop(rs, "Scalable");
	bool balanced = scalable && strieq(scalable, "TRUE");

	if (balanced && rs->rt->failover)
		return err_set(err, -EINVAL, "resource %s: type %s has FAILOVER = TRUE, so Scalable cannot be TRUE", rs->name, rs->rt->name);
	if (balanced && !rg_is_scalable(rs->rg))
		return err_set(err, -EINVAL, "resource %s: Scalable is TRUE, so its group needs RG_mode Scalable", rs->name);
	if (!rg_is_scalable(rs->rg))
		return 0;
	if (rs->rt->failover || rs_is_address(rs))
		return err_set(err, -EINVAL, "resource %s: type %s is for one node at a time, and resource group %s is scalable", rs->name,
			       rs->rt->name, rs->rg->name);
	return 0;
}

/* A scalable service starts after the addresses that it shares: that is ordered by RG_dependencies. */
static int check_shared_addresses(const struct rgm_rs *rs, struct err *err)
{
	for (size_t i = 0; i < rs->dep_count; i++) {
		const struct rgm_rs *target = rs->deps[i].target;

		if (target && target->rt->is_shared_address && target->rg != rs->rg && !rg_has_link(rs->rg, target->rg, IN(LINK_DEPENDENCY)))
			return err_set(err, -EINVAL, "resource %s uses the shared address %s: RG_dependencies of group %s have to name its group %s",
				       rs->name, target->name, rs->rg->name, target->rg->name);
	}
	return 0;
}

int modes_check(const struct rgm_rg *old, const struct rgm_rg *rg, struct err *err)
{
	if (check_numbers(rg, err) < 0)
		return -EINVAL;
	if (old && rg_is_scalable(old) != rg_is_scalable(rg))
		return err_set(err, -EINVAL, "RG_mode of resource group %s was set when it was created: remove it and create it again", rg->name);
	for (size_t i = 0; i < rg->rs_count; i++)
		if (check_resource(rg->rs[i], err) < 0 || (rg_is_scalable(rg) && check_shared_addresses(rg->rs[i], err) < 0))
			return -EINVAL;
	return 0;
}
