/* Requests about what happens by itself: suspend, resume, quiesce, remaster; and groups that are part of the system. */
#include "rgm/ops.h"

#include <errno.h>

/* RG_system protects a group from its administrator until he takes the property back. */
int need_not_system(struct op *op, const struct rgm_rg *rg)
{
	if (!rg_prop_bool(rg, "RG_system"))
		return 0;
	return op_fail(op, SCHA_ERR_ACCESS, "resource group %s is part of the system (RG_system is TRUE): set RG_system to FALSE first",
		       rg->name);
}

static int switch_recovery(struct rgm *rgm, struct op *op, const char *value)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	if (!rg || need_steady(rgm, op, rg) < 0)
		return -EINVAL;
	change_group(op, rg);
	ju_set_str(op->data, "rg.prop.Suspend_automatic_recovery", value);
	return 0;
}

int start_group_suspend(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	(void)u;
	return switch_recovery(rgm, op, "TRUE");
}

int start_group_resume(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	(void)u;
	return switch_recovery(rgm, op, "FALSE");
}

json_t *quiesce(struct rgm *rgm, struct rgm_rg *rg, const struct op *op, const char *text)
{
	json_t *m = by_hand(rgm, rg, op, "quiesce", text);

	if (ju_bool(op->request, "kill", false))
		ju_set_bool(m, "kill", true);
	return m;
}

int start_group_quiesce(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);

	if (!rg)
		return -EINVAL;
	op_decide(op, quiesce(rgm, rg, op, "quiesced"), u);
	return 0;
}

/* To its best nodes, as Failback would; a group that was switched off stays off. */
int start_group_remaster(struct rgm *rgm, struct op *op, struct rgm_update *u)
{
	struct rgm_rg *rg = need_rg(rgm, op);
	nodeset ideal;
	json_t *m;

	if (!rg || need_steady(rgm, op, rg) < 0)
		return -EINVAL;
	ideal = rg_ideal(rgm, rg);
	if (!rg->managed || rg->admin_offline || !ideal)
		return 0;
	m = by_hand(rgm, rg, op, "switch", "remastered");
	ju_set_new(m, "nodes", nodeset_to_json(ideal));
	op_decide(op, m, u);
	return 0;
}
