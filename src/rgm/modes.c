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

/* The nodes that may run instances and never have the address on an adapter. */
static int aux_nodes(const struct rgm_rs *rs, nodeset *ret, struct err *err)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };
	const char *text = rs_prop(rs, "AuxNodeList");

	*ret = 0;
	strlist_split(&names, text ? text : "", ",");
	for (size_t i = 0; i < names.n; i++) {
		uint32_t id = rgm_node_id(rs->rg->rgm, names.v[i]);

		if (!id)
			return err_set(err, -EINVAL, "resource %s: AuxNodeList: node %s is not in the configuration", rs->name, names.v[i]);
		if (nodeset_has(rg_nodelist(rs->rg), id))
			return err_set(err, -EINVAL, "resource %s: AuxNodeList: node %s is in the Nodelist of resource group %s, so it may have the "
				       "address itself", rs->name, names.v[i], rs->rg->name);
		*ret |= node_bit(id);
	}
	return 0;
}

/* A scalable service starts after the addresses that it shares, which RG_dependencies order, and runs only where they are known. */
static int check_use(const struct rgm_rs *rs, const struct rgm_rs *address, struct err *err)
{
	nodeset aux, nodes = rg_nodelist(rs->rg) & ~rg_nodelist(address->rg);

	if (!address->rt->is_shared_address || address->rg == rs->rg)
		return 0;
	if (!rg_has_link(rs->rg, address->rg, IN(LINK_DEPENDENCY)))
		return err_set(err, -EINVAL, "resource %s uses the shared address %s: RG_dependencies of group %s have to name its group %s",
			       rs->name, address->name, rs->rg->name, address->rg->name);
	if (aux_nodes(address, &aux, err) < 0)
		return -EINVAL;
	nodes &= ~aux;
	if (nodes)
		return err_set(err, -EINVAL, "resource %s uses the shared address %s: node %s of its group has to be in the Nodelist of group %s or "
			       "in the AuxNodeList of %s", rs->name, address->name, rgm_node_name(rs->rg->rgm, nodeset_next(nodes, 0)),
			       address->rg->name, address->name);
	return 0;
}

static int check_shared_addresses(const struct rgm_rs *rs, struct err *err)
{
	const char *used = rs_prop(rs, "Network_resources_used"), *scalable = rs_prop(rs, "Scalable");
	_cleanup_(strlist_done) struct strlist names = { 0 };

	for (size_t i = 0; i < rs->dep_count; i++)
		if (rs->deps[i].target && check_use(rs, rs->deps[i].target, err) < 0)
			return -EINVAL;
	strlist_split(&names, used ? used : "", ",");
	for (size_t i = 0; i < names.n; i++) {
		const struct rgm_rs *address = rs_find(rs->rg->rgm, names.v[i]);

		if (address && !address->rt->is_shared_address && scalable && strieq(scalable, "TRUE"))
			return err_set(err, -EINVAL, "resource %s: Scalable is TRUE, so its Network_resources_used are shared addresses, and %s is a %s",
				       rs->name, address->name, address->rt->name);
		if (address && check_use(rs, address, err) < 0)
			return -EINVAL;
	}
	return 0;
}

/* An address of the group has changed, or its Nodelist: may all that use it stay as they are? */
static int check_users(const struct rgm_rg *rg, struct err *err)
{
	const struct rgm *rgm = rg->rgm;
	bool shared = false;
	nodeset aux;

	for (size_t i = 0; i < rg->rs_count; i++) {
		shared |= rg->rs[i]->rt->is_shared_address;
		if (rg->rs[i]->rt->is_shared_address && aux_nodes(rg->rs[i], &aux, err) < 0)
			return -EINVAL;
	}
	for (size_t g = 0; shared && g < rgm->rg_count; g++)
		for (size_t i = 0; rg_is_scalable(rgm->rgs[g]) && i < rgm->rgs[g]->rs_count; i++)
			if (check_shared_addresses(rgm->rgs[g]->rs[i], err) < 0)
				return -EINVAL;
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
	return check_users(rg, err);
}
