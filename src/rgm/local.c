/* This node carries out what was decided for it.
 *
 * Each resource has a phase and, from the directive of its group, a goal:
 *
 *      OFF ──Prenet_start──> PRENET ──Start──> UP ──Monitor_start──> MONITORED
 *      OFF <──Postnet_stop── PRENET <──Stop─── UP <──Monitor_stop─── MONITORED
 *
 * local_reconcile() runs every method that brings a resource nearer to its goal and whose turn it is (local_order.c: the
 * documented order), in parallel where nothing forbids it, until nothing is left to do.  A method that the
 * type does not declare is a success in no time.  Every change is multicast as it happens, without waiting for its echo.
 *
 * Invariants: 1 one method at a time per resource; 2 a resource is started only while its group's directive is ONLINE;
 * 3 after a failed start with Failover_mode SOFT or HARD the group only goes down; 4 what failed to stop stays where it
 * is, and so does what must stop after it. */
#include "rgm/model.h"

#include <inttypes.h>
#include <stdio.h>

#define OUTPUT_IN_REPORT 400    /* bytes of a failed method's output that travel with the report */

static bool relocates(const struct rgm_rs *rs)
{
	const char *mode = rs_prop(rs, "Failover_mode");

	return !rs->local.ignore_start && mode && (strieq(mode, "SOFT") || strieq(mode, "HARD"));
}

/* ---- state that others see ---- */

static bool busy(const struct rgm_rg *rg)
{
	for (size_t i = 0; i < rg->rs_count; i++) {
		const struct rs_local *l = &rg->rs[i]->local;

		if (boot_holds(rg->rs[i]) && local_goal(rg->rs[i]) > l->phase)
			return true;
		if (l->running != METHOD_COUNT || (l->announced != RS_OFFLINE && rg->rs[i]->on[rg->rgm->self].state != l->announced))
			return true;
	}
	return false;
}

static bool any(const struct rgm_rg *rg, bool (*is)(const struct rgm_rs *rs))
{
	for (size_t i = 0; i < rg->rs_count; i++)
		if (is(rg->rs[i]))
			return true;
	return false;
}

static enum rs_state state_of(const struct rgm_rs *rs)
{
	const struct rs_local *l = &rs->local;

	if (l->stop_failed)
		return RS_STOP_FAILED;
	switch (l->running) {
	case METHOD_PRENET_START: case METHOD_START:
		return RS_STARTING;
	case METHOD_MONITOR_STOP: case METHOD_STOP: case METHOD_POSTNET_STOP:
		/* Turning a monitor off is no stop of the resource. */
		if (l->running == METHOD_MONITOR_STOP && local_goal(rs) == PHASE_UP)
			return RS_ONLINE_NOT_MONITORED;
		return RS_STOPPING;
	default:
		break;
	}
	if (l->announced != RS_OFFLINE)
		return l->announced;
	if (l->restart && l->phase >= PHASE_UP)
		return RS_STOPPING;             /* when those who depend on it have stopped */
	if (l->start_failed)
		return RS_START_FAILED;
	if (rs->rt->proxy && l->phase >= PHASE_UP && !l->proxy_online)
		return RS_OFFLINE;              /* started, but what it stands for is not up, or has not said so yet */
	switch (l->phase) {
	case PHASE_OFF:       return RS_OFFLINE;
	case PHASE_PRENET:
		if (local_goal(rs) > PHASE_PRENET && !l->restart && !busy(rs->rg))
			return RS_OFFLINE;      /* what it depends on failed to start */
		return local_goal(rs) > PHASE_PRENET || l->restart ? RS_STARTING : RS_STOPPING;
	case PHASE_UP:
		if (l->monitor_failed)
			return RS_MONITOR_FAILED;
		return rs_declares(rs, METHOD_MONITOR_START) || !rs_monitored(rs, rs->rg->rgm->self) ? RS_ONLINE_NOT_MONITORED : RS_ONLINE;
	case PHASE_MONITORED: return RS_ONLINE;
	}
	return RS_OFFLINE;
}

/* Resource status that the RGM itself sets on entering a state; a value that the resource's own methods set during the
 * state stays. */
static void status_for(enum rs_state state, enum rs_status *ret_status, const char **ret_text)
{
	static const struct { enum rs_status status; const char *text; } table[RS_STATE_COUNT] = {
		[RS_OFFLINE] = { STATUS_OFFLINE, "" }, [RS_ONLINE] = { STATUS_OK, "" },
		[RS_START_FAILED] = { STATUS_FAULTED, "Start failed" }, [RS_STOP_FAILED] = { STATUS_FAULTED, "Stop failed" },
		[RS_MONITOR_FAILED] = { STATUS_DEGRADED, "Monitor_start failed" },
		[RS_ONLINE_NOT_MONITORED] = { STATUS_OK, "" }, [RS_STARTING] = { STATUS_UNKNOWN, "Starting" },
		[RS_STOPPING] = { STATUS_UNKNOWN, "Stopping" },
	};

	*ret_status = table[state].status;
	*ret_text = table[state].text;
}

static enum rg_state group_state(const struct rgm_rg *rg)
{
	bool any_up = false, stop_failed = false, faulted = false, restarting = false;
	bool working = busy(rg) || any(rg, local_held) || rg_start_held(rg);

	for (size_t i = 0; i < rg->rs_count; i++) {
		const struct rs_local *l = &rg->rs[i]->local;

		any_up |= l->phase > PHASE_OFF;
		stop_failed |= l->stop_failed;
		faulted |= l->start_failed;
		restarting |= l->restart;
	}
	if (stop_failed && !working)
		return RG_ERROR_STOP_FAILED;
	if (rg->directive == DIRECTIVE_ONLINE) {
		if (working)            /* a restart or an enabled resource does not take the group out of ONLINE */
			return IN(rg->told_state) & (IN(RG_ONLINE) | IN(RG_ONLINE_FAULTED)) ? rg->told_state : RG_PENDING_ONLINE;
		if (any(rg, local_blocked))
			return RG_PENDING_ONLINE_BLOCKED;
		return restarting ? rg->told_state : faulted ? RG_ONLINE_FAULTED : RG_ONLINE;
	}
	if (rg->directive == DIRECTIVE_NONE)
		return RG_OFFLINE;
	return working || any_up ? RG_PENDING_OFFLINE : RG_OFFLINE;
}

static json_t *report_resources(struct rgm_rg *rg)
{
	json_t *list = NULL;

	for (size_t i = 0; i < rg->rs_count; i++) {
		struct rgm_rs *rs = rg->rs[i];
		struct rs_local *l = &rs->local;
		enum rs_state state = state_of(rs);
		enum rs_status status;
		const char *text;

		if (state == l->told_state)
			continue;
		status_for(state, &status, &text);
		if (l->stuck && IN(state) & (IN(RS_START_FAILED) | IN(RS_STOP_FAILED) | IN(RS_MONITOR_FAILED)))
			text = l->stuck;
		if (!list)
			list = json_object();
		/* A method that just ended may have set the status itself (rgm.status came first in the log): keep it,
		 * except when the resource is down. */
		ju_set_new(list, rs->name, l->status_set && state != RS_OFFLINE && state != RS_STARTING && state != RS_STOPPING ?
			   ju_pack("{ss}", "s", rs_state_names[state]) :
			   ju_pack("{ss,ss,ss}", "s", rs_state_names[state], "st", rs_status_names[status], "m", text));
		if (state == RS_OFFLINE || state == RS_STARTING || state == RS_STOPPING)
			l->status_set = false;
		l->told_state = state;
	}
	return list;
}

/* One message says all that has changed since the last one. */
static void report(struct rgm *rgm, struct rgm_rg *rg, const char *failed, struct rgm_update *u)
{
	enum rg_state state = group_state(rg);
	json_t *resources = report_resources(rg), *m;
	bool at_rest = !busy(rg) && !any(rg, local_held) && !rg_start_held(rg), settled = at_rest && rg->told_settled != rg->gen;

	if (!resources && state == rg->told_state && !rg->runs && !failed && !settled)
		return;
	m = ju_pack("{ss,si,ss,ss,sI}", "t", "rgm.rep", "v", 1, "rg", rg->name, "state", rg_state_names[state], "at",
		    (json_int_t)rgm->now_ms);
	if (resources)
		ju_set_new(m, "rs", resources);
	if (rg->runs)
		ju_set_new(m, "runs", TAKE_PTR(rg->runs));
	if (failed)
		ju_set_str(m, "failed", failed);
	if (at_rest) {
		ju_set_int(m, "settled", (int64_t)rg->gen);
		rg->told_settled = rg->gen;
	}
	rg->told_state = state;
	u_send(u, m);
}

/* ---- running methods ---- */

json_t *method_argv(const struct rt *rt, enum rt_method method, const char *rs, const char *rg)
{
	_cleanup_free_ char *path = rt_method_path(rt, method);

	return ju_pack("[s,s,s,s,s,s,s]", path, "-R", rs, "-T", rt->name, "-G", rg);
}

static void launch(struct rgm *rgm, struct rgm_rs *rs, enum rt_method method, struct rgm_update *u)
{
	struct rs_local *l = &rs->local;

	set_text(&l->stuck, NULL);
	l->running = method;
	l->killed = false;
	l->ignore_start = false;        /* what was said in an earlier method */
	l->run = ++rgm->run_counter;
	l->run_started_ms = rgm->now_ms;
	u_note(u, "notice", "launching method <%s> for resource <%s>, resource group <%s>, timeout <%lld> seconds",
	       rs->rt->methods[method], rs->name, rs->rg->name, (long long)rs_method_timeout(rs, method));
	u_push(&u->run, ju_pack("{sI,ss,ss,ss,so,sI}", "run", (json_int_t)l->run, "rg", rs->rg->name, "rs", rs->name,
				"method", rt_method_names[method], "argv",
				method_argv(rs->rt, method, rs->name, rs->rg->name), "timeout",
				(json_int_t)rs_method_timeout(rs, method)));
}

static const enum rt_method up_method[]   = { METHOD_PRENET_START, METHOD_START, METHOD_MONITOR_START };
static const enum rt_method down_method[] = { METHOD_COUNT, METHOD_POSTNET_STOP, METHOD_STOP, METHOD_MONITOR_STOP };

/* Whoever must know of it beforehand (local_order.c) is told first: true when that has come back through the log. */
static bool is_announced(struct rgm_rs *rs, enum rs_state state)
{
	rs->local.announced = state;
	return rs->on[rs->rg->rgm->self].state == state && rs->local.told_state == state;
}

static bool may_move(struct rgm_rs *rs, enum phase goal)
{
	struct rs_local *l = &rs->local;
	bool up = goal > l->phase, down = local_stops(rs);

	if (l->phase == PHASE_OFF || !down)
		l->announced = l->announced == RS_STOPPING ? RS_OFFLINE : l->announced;
	if (!up || l->phase >= PHASE_UP || !local_may_start(rs))
		l->announced = l->announced == RS_STARTING ? RS_OFFLINE : l->announced;
	if (goal == l->phase)
		return false;
	if (up && l->phase < PHASE_UP)
		return local_may_start(rs) && (!rs_starts_aloud(rs) || is_announced(rs, RS_STARTING));
	if (down && rs_stops_aloud(rs) && !is_announced(rs, RS_STOPPING))
		return false;
	return up || local_may_stop(rs);
}

/* One step of one resource; true when something was done. */
static bool advance(struct rgm *rgm, struct rgm_rs *rs, struct rgm_update *u)
{
	struct rs_local *l = &rs->local;
	enum phase goal = local_goal(rs);
	enum rt_method method;

	if (l->running != METHOD_COUNT)
		return false;
	if (l->restart && l->phase <= goal) {
		l->restart = false;     /* down; now up again */
		l->start_failed = l->monitor_failed = false;
		return true;
	}
	if (!may_move(rs, goal))
		return false;
	method = goal > l->phase ? up_method[l->phase] : down_method[l->phase];
	if (rs_declares(rs, method)) {
		launch(rgm, rs, method, u);
		return true;
	}
	l->phase = goal > l->phase ? l->phase + 1 : l->phase - 1;
	if (l->phase < PHASE_UP)
		l->proxy_online = false;
	if (l->phase == PHASE_OFF)
		l->start_failed = l->monitor_failed = false;
	return true;
}

void local_reconcile(struct rgm *rgm, struct rgm_rg *rg, struct rgm_update *u)
{
	bool progress;

	if (rg->directive == DIRECTIVE_NONE)
		return;
	deps_index(rgm);
	do {
		progress = false;
		local_follow(rg);
		for (size_t i = 0; i < rg->rs_count; i++)
			progress |= advance(rgm, rg->rs[i], u);
	} while (progress);
	report(rgm, rg, NULL, u);
	if (rg->directive == DIRECTIVE_OFFLINE && group_state(rg) == RG_OFFLINE) {
		rg->directive = DIRECTIVE_NONE;
		rg->abandoned = false;
	}
}

void rg_stir(struct rgm_rg *rg)
{
	rg->stirred = rg->rgm->stirred = true;
}

/* Has something happened that this group may have waited for? */
static bool is_touched(const struct rgm_rg *rg)
{
	bool touched = rg->stirred;

	for (size_t i = 0; i < rg->link_count; i++)
		touched |= rg->links[i].target && rg->links[i].target->stirred;
	for (size_t i = 0; i < rg->linked_by_count; i++)
		touched |= rg->linked_by[i]->stirred;
	for (size_t i = 0; i < rg->rs_count && !touched; i++) {
		const struct rgm_rs *rs = rg->rs[i];

		for (size_t k = 0; k < rs->dep_count; k++)
			touched |= rs->deps[k].target && rs->deps[k].target->rg->stirred;
		for (size_t k = 0; k < rs->user_count; k++)
			touched |= rs->users[k]->rg->stirred;
	}
	return touched;
}

void local_stir(struct rgm *rgm, struct rgm_update *u)
{
	bool all = rgm->all_stirred;

	if (!rgm->stirred && !all)
		return;
	deps_index(rgm);
	for (size_t g = 0; g < rgm->rg_count; g++)
		if (rgm->rgs[g]->linked && rgm->rgs[g]->directive != DIRECTIVE_NONE && (all || is_touched(rgm->rgs[g])))
			local_reconcile(rgm, rgm->rgs[g], u);
	rgm->stirred = rgm->all_stirred = false;
	for (size_t g = 0; g < rgm->rg_count; g++)
		rgm->rgs[g]->stirred = false;
}

void local_directive(struct rgm *rgm, struct rgm_rg *rg, enum directive directive, struct rgm_update *u)
{
	rg->directive = directive;
	rg->abandoned = false;
	rg->told_state = directive == DIRECTIVE_ONLINE ? RG_PENDING_ONLINE : RG_PENDING_OFFLINE;
	rg->told_settled = 0;
	local_reconcile(rgm, rg, u);
}

void local_restart(struct rgm *rgm, struct rgm_rs *rs, struct rgm_update *u)
{
	rs->local.told_state = RS_STOPPING;     /* what the decision has set; the report corrects it */
	if (rs->rg->directive == DIRECTIVE_ONLINE && rs_enabled(rs, rgm->self) && rs->local.phase > PHASE_OFF)
		rs->local.restart = true;
	local_reconcile(rgm, rs->rg, u);
	report(rgm, rs->rg, NULL, u);
}

static void follow_restarted(struct rgm *rgm, struct rgm_rs *user, const struct rgm_rs *rs, uint32_t node)
{
	for (size_t i = 0; i < user->dep_count; i++) {
		const struct rs_dep *dep = &user->deps[i];

		if (dep->target == rs && dep->kind >= DEP_RESTART && user->local.phase >= PHASE_UP &&
		    nodeset_has(dep_nodes(user, dep, rgm->self), node) && local_goal(user) >= PHASE_UP)
			user->local.restart = true;
	}
}

void local_restarted(struct rgm *rgm, struct rgm_rs *rs, uint32_t node, struct rgm_update *u)
{
	deps_index(rgm);
	for (size_t i = 0; i < rs->rg->rs_count; i++)
		follow_restarted(rgm, rs->rg->rs[i], rs, node);
	for (size_t i = 0; i < rs->user_count; i++) {
		follow_restarted(rgm, rs->users[i], rs, node);
		local_reconcile(rgm, rs->users[i]->rg, u);
	}
	local_reconcile(rgm, rs->rg, u);
}

/* Those that bring it up or down here; Validate, Update, Init and the like go on. */
void local_kill(struct rgm_rg *rg, struct rgm_update *u)
{
	for (size_t i = 0; i < rg->rs_count; i++) {
		struct rs_local *l = &rg->rs[i]->local;

		if (l->running == METHOD_COUNT)
			continue;
		l->killed = true;
		u_note(u, "notice", "method <%s> of resource <%s> is killed", rg->rs[i]->rt->methods[l->running], rg->rs[i]->name);
		u_push(&u->kill, ju_pack("{sI}", "run", (json_int_t)l->run));
	}
}

void local_ignore_start(struct rgm_rs *rs)
{
	if (rs->local.running == METHOD_PRENET_START || rs->local.running == METHOD_START)
		rs->local.ignore_start = true;
}

void local_proxy_state(struct rgm *rgm, struct rgm_rs *rs, bool online, struct rgm_update *u)
{
	rs->local.proxy_online = online && rs->local.phase >= PHASE_UP;
	local_reconcile(rgm, rs->rg, u);
}

void local_clear(struct rgm *rgm, struct rgm_rs *rs, struct rgm_update *u)
{
	if (!rs->local.stop_failed)
		return;
	rs->local.stop_failed = false;
	rs->local.start_failed = rs->local.monitor_failed = false;
	rs->local.phase = PHASE_OFF;
	local_reconcile(rgm, rs->rg, u);
}

/* ---- results ---- */

static void start_failed(struct rgm *rgm, struct rgm_rs *rs, struct rgm_update *u)
{
	struct rgm_rg *rg = rs->rg;

	rs->local.phase = PHASE_UP;     /* Stop and Postnet_stop have to clean up what the start left */
	rs->local.start_failed = true;
	rs->local.restart = false;
	if (!relocates(rs) || rg->abandoned || rg->directive != DIRECTIVE_ONLINE)
		return;
	rg->directive = DIRECTIVE_OFFLINE;
	rg->abandoned = true;
	report(rgm, rg, rs->name, u);   /* START_FAILED is seen before its Stop runs */
}

static void stop_failed(struct rgm *rgm, struct rgm_rs *rs, enum rt_method method, struct rgm_update *u)
{
	const char *mode = rs_prop(rs, "Failover_mode");

	rs->local.stop_failed = true;
	if (mode && strieq(mode, "HARD") && !rs->local.killed)
		(void)snprintf(u->abort, sizeof u->abort, "RGM: %s of resource %s in group %s failed and Failover_mode is HARD; "
			       "aborting this node.", rt_method_names[method], rs->name, rs->rg->name);
	(void)rgm;
}

static void method_done(struct rgm *rgm, struct rgm_rs *rs, enum rt_method method, bool ok, struct rgm_update *u)
{
	struct rs_local *l = &rs->local;

	switch (method) {
	case METHOD_PRENET_START: case METHOD_START:
		if (ok)
			l->phase++;
		else
			start_failed(rgm, rs, u);
		break;
	case METHOD_MONITOR_START:
		if (ok)
			l->phase = PHASE_MONITORED;
		else
			l->monitor_failed = true;
		break;
	case METHOD_MONITOR_STOP: case METHOD_STOP: case METHOD_POSTNET_STOP:
		if (!ok) {
			stop_failed(rgm, rs, method, u);
			break;
		}
		l->phase--;
		if (l->phase < PHASE_UP)
			l->proxy_online = false;
		if (l->phase == PHASE_OFF)
			l->start_failed = l->monitor_failed = false;
		break;
	default:
		break;
	}
}

static void note_result(const struct rgm_rs *rs, enum rt_method method, const json_t *result, struct rgm_update *u)
{
	int64_t timeout = rs_method_timeout(rs, method);
	double ms = json_number_value(json_object_get(result, "ms"));
	const char *output = ju_str(result, "output", "");

	if (ju_bool(result, "timed_out", false))
		u_note(u, "error", "Method <%s> on resource <%s>, resource group <%s>: Timeout.", rs->rt->methods[method],
		       rs->name, rs->rg->name);
	else if (ju_int(result, "exit", -1) == 0)
		u_note(u, "notice", "method <%s> completed successfully for resource <%s>, resource group <%s>, "
		       "time used: %d%% of timeout <%lld seconds>", rs->rt->methods[method], rs->name, rs->rg->name,
		       (int)(ms / 10 / (double)timeout), (long long)timeout);
	else
		u_note(u, "error", "Method <%s> failed on resource <%s> in resource group <%s> [exit code <%lld>, "
		       "time used: %.0f ms]", rs->rt->methods[method], rs->name, rs->rg->name,
		       (long long)ju_int(result, "exit", -1), ms);
	note_stuck(rt_method_names[method], rs->name, result, u);
	if (*output)
		u_note(u, "notice", "method <%s> of resource <%s> wrote: %.800s", rs->rt->methods[method], rs->name, output);
}

/* The same in the status of the resource, for those who ask why it failed. */
static void keep_stuck(struct rgm_rs *rs, enum rt_method method, const json_t *result)
{
	_cleanup_free_ char *text = NULL;

	if (!result_stuck(result))
		return;
	text = xasprintf("%s timed out after %" PRId64 " s: %s", rt_method_names[method], rs_method_timeout(rs, method), result_stuck(result));
	set_text(&rs->local.stuck, text);
}

static bool ad_hoc_ran(struct rgm *rgm, uint64_t run, const json_t *result, struct rgm_update *u);

void rgm_ran(struct rgm *rgm, uint64_t run, const json_t *result, struct rgm_update *u)
{
	deps_index(rgm);
	if (ad_hoc_ran(rgm, run, result, u) || boot_ran(rgm, run, result, u))
		return;
	for (size_t g = 0; g < rgm->rg_count; g++) {
		struct rgm_rg *rg = rgm->rgs[g];

		for (size_t i = 0; i < rg->rs_count; i++) {
			struct rgm_rs *rs = rg->rs[i];
			enum rt_method method = rs->local.running;
			bool ok = ju_int(result, "exit", -1) == 0 && !ju_bool(result, "timed_out", false);

			if (method == METHOD_COUNT || rs->local.run != run)
				continue;
			rs->local.running = METHOD_COUNT;
			note_result(rs, method, result, u);
			keep_stuck(rs, method, result);
			u_push(&rg->runs, ju_pack("{ss,ss,sI,sf,sb,sb,ss}", "rs", rs->name, "method",
						  rt_method_names[method], "at", (json_int_t)rs->local.run_started_ms, "ms",
						  json_number_value(json_object_get(result, "ms")), "ok", ok, "timed_out",
						  ju_bool(result, "timed_out", false), "output", ""));
			if (result_stuck(result))
				ju_set_str(json_array_get(rg->runs, json_array_size(rg->runs) - 1), "stuck", result_stuck(result));
			if (!ok) {
				_cleanup_free_ char *out = xstrndup(ju_str(result, "output", ""), OUTPUT_IN_REPORT);
				json_t *text = json_string(out);

				if (text)       /* output that is no UTF-8 is in the node's own log only */
					ju_set_new(json_array_get(rg->runs, json_array_size(rg->runs) - 1), "output", text);
			}
			method_done(rgm, rs, method, ok, u);
			local_reconcile(rgm, rg, u);
			return;
		}
	}
}

/* ---- methods outside a plan: Validate, on request of the president ---- */

void local_run_ad_hoc(struct rgm *rgm, const json_t *message, struct rgm_update *u)
{
	const char *method_name = ju_str(message, "method", "");
	int method = name_index(rt_method_names, METHOD_COUNT, method_name);
	const struct rt *rt = type_find(rgm, ju_str(message, "type", ""));
	char key[24];
	json_t *argv, *extra;
	size_t i;

	if (method < 0 || !rt || !rt->methods[method]) {
		u_send(u, ju_pack("{ss,si,ss,si,ss}", "t", "rgm.ran", "v", 1, "id", ju_str(message, "id", ""), "exit", 1,
				  "output", "this node does not know the method"));
		return;
	}
	argv = method_argv(rt, (enum rt_method)method, ju_str(message, "rs", ""), ju_str(message, "rg", ""));
	if (method == METHOD_VALIDATE)          /* -c or -u comes before -R, the properties after -G */
		json_array_insert_new(argv, 1, json_string(ju_str(message, "mode", "-c")));
	json_array_foreach(ju_arr(message, "args"), i, extra)
		json_array_append(argv, extra);
	(void)snprintf(key, sizeof key, "%llu", (unsigned long long)++rgm->run_counter);
	ju_set_new(rgm->ad_hoc, key, ju_pack("{ss,ss,ss}", "id", ju_str(message, "id", ""), "method", method_name, "rs",
					     ju_str(message, "rs", "")));
	u_push(&u->run, ju_pack("{sI,ss,ss,ss,so,sI}", "run", (json_int_t)rgm->run_counter, "rg", ju_str(message, "rg", ""),
				"rs", ju_str(message, "rs", ""), "method", method_name, "argv", argv, "timeout",
				(json_int_t)ju_int(message, "timeout", 3600)));
}

static bool ad_hoc_ran(struct rgm *rgm, uint64_t run, const json_t *result, struct rgm_update *u)
{
	char key[24];
	json_t *what;

	(void)snprintf(key, sizeof key, "%llu", (unsigned long long)run);
	what = ju_obj(rgm->ad_hoc, key);
	if (!what)
		return false;
	note_stuck(ju_str(what, "method", ""), ju_str(what, "rs", ""), result, u);
	u_send(u, ju_pack("{ss,si,ss,sI,sb,ss,ss*}", "t", "rgm.ran", "v", 1, "id", ju_str(what, "id", ""), "exit",
			  (json_int_t)ju_int(result, "exit", -1), "timed_out", ju_bool(result, "timed_out", false), "output",
			  ju_str(result, "output", ""), "stuck", result_stuck(result)));
	json_object_del(rgm->ad_hoc, key);
	return true;
}
