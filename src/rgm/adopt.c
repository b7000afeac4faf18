/* A copy of the cluster goes on from what everybody knows: the replicated state of a node says what its own must be.
 *
 * What cannot be read from it: how far a method is that is under way (it begins anew), and jobs (Init, Fini, Boot: they have
 * ended).  For copies only; a member's own state is never guessed. */
#include "rgm/model.h"

static void adopt_resource(struct rgm_rs *rs)
{
	uint32_t self = rs->rg->rgm->self;
	const struct rs_node *on = &rs->on[self];
	bool wanted = rs_enabled(rs, self) && rs->rg->directive == DIRECTIVE_ONLINE;
	struct rs_local *l = &rs->local;

	l->running = METHOD_COUNT;
	l->announced = RS_OFFLINE;
	l->told_state = on->state;
	l->status_set = true;
	l->start_failed = on->state == RS_START_FAILED;
	l->stop_failed = on->state == RS_STOP_FAILED;
	l->monitor_failed = on->state == RS_MONITOR_FAILED;
	l->proxy_online = on->state == RS_ONLINE || on->state == RS_ONLINE_NOT_MONITORED;
	switch (on->state) {
	case RS_ONLINE:
		l->phase = rs_monitored(rs, self) && rs_declares(rs, METHOD_MONITOR_START) ? PHASE_MONITORED : PHASE_UP;
		break;
	case RS_OFFLINE:        /* a proxy may be started, and what it stands for be down */
		l->phase = rs->rt->proxy && wanted ? PHASE_UP : PHASE_OFF;
		break;
	case RS_STARTING:
		l->phase = PHASE_OFF;
		break;
	default:
		l->phase = PHASE_UP;
		break;
	}
	l->restart = on->state == RS_STOPPING && wanted;
}

/* A group whose stop has failed was told to stop, or only a resource of it was. */
static enum directive directive_of(const struct rgm_rg *rg, uint32_t self)
{
	switch (rg->on[self].state) {
	case RG_OFFLINE: case RG_UNMANAGED:
		return DIRECTIVE_NONE;
	case RG_PENDING_OFFLINE:
		return DIRECTIVE_OFFLINE;
	case RG_ERROR_STOP_FAILED:
		for (size_t i = 0; i < rg->rs_count; i++)
			if (IN(rg->rs[i]->on[self].state) & (IN(RS_ONLINE) | IN(RS_ONLINE_NOT_MONITORED)))
				return DIRECTIVE_ONLINE;
		return DIRECTIVE_OFFLINE;
	default:
		return DIRECTIVE_ONLINE;
	}
}

static void adopt_group(struct rgm_rg *rg, uint32_t self)
{
	boot_forget(rg);
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		rg->on[id].prepared = rg->on[id].owed;
	rg->directive = directive_of(rg, self);
	rg->told_state = rg->on[self].state;
	rg->told_settled = rg->on[self].settled;
	rg->told_prepared = rg->on[self].prepared;
	for (size_t i = 0; i < rg->rs_count; i++)
		adopt_resource(rg->rs[i]);
}

void rgm_adopt(struct rgm *rgm)
{
	deps_index(rgm);
	for (size_t g = 0; g < rgm->rg_count; g++)
		adopt_group(rgm->rgs[g], rgm->self);
}

void rgm_go_on(struct rgm *rgm, struct rgm_update *u)
{
	for (size_t g = 0; g < rgm->rg_count; g++)
		local_reconcile(rgm, rgm->rgs[g], u);
}
