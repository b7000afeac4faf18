/* The requests of scha_control() that neither restart nor give over: about one resource on the node that asks.
 *
 *   IGNORE_FAILED_START   from a start method of the resource: should it fail, its group stays where it is
 *   RESOURCE_DISABLE      as an administrator would, with the rules of that
 *   CHANGE_STATE_*        of a proxy: what it stands for is up, or down; no method runs */
#include "rgm/ops.h"

#include <errno.h>

static json_t *about(struct rgm *rgm, struct op *op, const struct rgm_rs *rs, const char *what)
{
	/* The group is where it was, and for the same reason. */
	json_t *m = decision(rs->rg, what, rs->rg->why ? rs->rg->why : "", rgm->now_ms);

	ju_set_str(m, "rs", rs->name);
	ju_set_int(m, "node", op->from);
	return m;
}

/* The answer must not wait for the group: the method that asks is what the group waits for. */
static int ignore_failed_start(struct rgm *rgm, struct op *op, struct rgm_rs *rs, struct rgm_update *u)
{
	if (rs->on[op->from].state != RS_STARTING)
		return op_fail(op, SCHA_ERR_STATE, "resource %s is not being started on %s", rs->name, rgm_node_name(rgm, op->from));
	op_decide(op, about(rgm, op, rs, "ignore_start"), u);
	op->rg[0] = '\0';
	return 0;
}

static int disable(struct rgm *rgm, struct op *op, struct rgm_rs *rs, struct rgm_update *u)
{
	ju_set_new(op->request, "names", ju_pack("[s]", rs->name));
	return start_resource_disable(rgm, op, u);
}

static int change_state(struct rgm *rgm, struct op *op, struct rgm_rs *rs, struct rgm_update *u)
{
	bool online = strieq(ju_str(op->request, "tag", ""), "CHANGE_STATE_ONLINE");
	json_t *m;

	if (!rs->rt->proxy)
		return op_fail(op, SCHA_ERR_PROP, "resource %s is no proxy: its type %s does not declare Proxy", rs->name, rs->rt->name);
	if (rs->on[op->from].state != RS_ONLINE && rs->on[op->from].state != RS_OFFLINE &&
	    rs->on[op->from].state != RS_ONLINE_NOT_MONITORED)
		return op_fail(op, SCHA_ERR_STATE, "resource %s is %s on %s", rs->name, rs_state_names[rs->on[op->from].state],
			       rgm_node_name(rgm, op->from));
	m = about(rgm, op, rs, "proxy_state");
	ju_set_bool(m, "online", online);
	op_decide(op, m, u);
	op->rg[0] = '\0';
	return 0;
}

static const struct {
	const char *tag;
	bool        group_online;       /* the group has to be online on the node that asks */
	int       (*start)(struct rgm *rgm, struct op *op, struct rgm_rs *rs, struct rgm_update *u);
} tags[] = {
	{ "IGNORE_FAILED_START",  false, ignore_failed_start },
	{ "RESOURCE_DISABLE",     true,  disable             },
	{ "CHANGE_STATE_ONLINE",  true,  change_state        },
	{ "CHANGE_STATE_OFFLINE", true,  change_state        },
};

bool control_resource(struct rgm *rgm, struct op *op, struct rgm_rs *rs, struct rgm_update *u, int *ret)
{
	const char *tag = ju_str(op->request, "tag", "");

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		if (!strieq(tags[i].tag, tag))
			continue;
		if (tags[i].group_online && !(RG_MASK_ONLINE & IN(rs->rg->on[op->from].state)))
			*ret = op_fail(op, SCHA_ERR_STATE, "resource group %s is not online on %s", rs->rg->name,
				       rgm_node_name(rgm, op->from));
		else
			*ret = control_mode(rgm, op, rs, tag) < 0 ? -EINVAL : tags[i].start(rgm, op, rs, u);
		return true;
	}
	return false;
}
