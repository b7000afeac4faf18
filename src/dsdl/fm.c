/* The fault monitor, and the wait in Start.  What is decided is decided in fm_action.c; here is what is done about it. */
#include <errno.h>
#include <poll.h>
#include <scha.h>

#include "base/log.h"
#include "dsdl/handle.h"
#include "dsdl/trees.h"
#include "dsdl/command.h"

#define RESPAWN_MS     100              /* pause before a tree that died is started again, doubled ... */
#define RESPAWN_MAX_MS 1000             /* ... up to this: with Retry_count -1 there is no other brake */
#define DEATHS_MAX     FM_HISTORY_MAX   /* counted; a higher Retry_count is reached then, too */

static scha_err_t control(scds_handle_t handle, const char *tag)
{
	const struct scds *s = scds_of(handle);

	return s ? scha_control(tag, s->m.rg, s->m.rs) : SCHA_ERR_INVAL;
}

scha_err_t scds_restart_resource(scds_handle_t handle) { return control(handle, SCHA_RESOURCE_RESTART); }
scha_err_t scds_restart_rg(scds_handle_t handle)       { return control(handle, SCHA_RESTART); }
scha_err_t scds_failover_rg(scds_handle_t handle)      { return control(handle, SCHA_GIVEOVER); }

/* ---- actions ---- */

/* optag: the RGM does it, or is told of it. */
static scha_err_t restart(struct scds *s, const char *optag)
{
	scha_err_t e;

	status_send(&s->status, &s->m, SCHA_RSSTATUS_DEGRADED, "Service is degraded.");
	e = scha_control(optag, s->m.rg, s->m.rs);
	if (e != SCHA_ERR_NOERR) {
		log_err("The restart was refused: %s.", scha_strerror(e));
		return SCHA_ERR_INTERNAL;
	}
	fm_restarted(&s->fm);
	return SCHA_ERR_NOERR;
}

static scha_err_t do_restart(struct scds *s)
{
	scha_err_t e = restart(s, SCHA_RESOURCE_RESTART);

	if (e == SCHA_ERR_NOERR)
		trees_forget(s);                /* they are new ones */
	return e;
}

static scha_err_t do_failover(struct scds *s)
{
	scha_err_t e;

	status_send(&s->status, &s->m, SCHA_RSSTATUS_FAULTED, "Service has failed.");
	e = scha_control(SCHA_GIVEOVER, s->m.rg, s->m.rs);
	if (e == SCHA_ERR_NOERR)
		return e;
	log_err("The failover was refused: %s.", scha_strerror(e));
	if (e != SCHA_ERR_RECONF)               /* that: busy for the moment, nobody has judged the request */
		fm_refused(&s->fm, method_restarts(&s->m));
	return SCHA_ERR_FAIL;
}

static scha_err_t do_nothing(struct scds *s) { return SCHA_ERR_NOERR; }

static scha_err_t do_limit(struct scds *s)
{
	log_err("Failover_mode forbids to do more about it.");
	status_send(&s->status, &s->m, SCHA_RSSTATUS_FAULTED, "Service has failed.");
	return SCHA_ERR_NOERR;
}

static scha_err_t (*const actions[FM_ACTION_COUNT])(struct scds *s) = {
	[FM_NOTHING] = do_nothing, [FM_RESTART] = do_restart, [FM_FAILOVER] = do_failover, [FM_LIMIT] = do_limit,
};

/* Of several trees only the one that died is started again, and the RGM counts that. */
static scha_err_t do_restart_tree(struct scds *s, struct tree *tree)
{
	scha_err_t e = restart(s, SCHA_RESOURCE_IS_RESTARTED);
	struct err err = { 0 };
	int r;

	if (e != SCHA_ERR_NOERR)
		return e;
	r = tree_start_again(tree, &err);
	if (r < 0)
		log_err("%s", err.text);
	return scds_code(r);
}

/* tree: the one that died; NULL: a probe failed. */
static scha_err_t act(struct scds *s, int status, struct tree *tree)
{
	struct fm_config config;
	struct err err = { 0 };
	enum fm_action action;

	/* The count of restarts is the RGM's: it outlives us. */
	if (status != 0 && scds_reload(s, &err) != SCHA_ERR_NOERR)
		log_err("%s", err.text);
	config = fm_config_of(&s->m);
	action = fm_probe(&s->fm, &config, &(struct fm_event) { .now_ms = (uint64_t)clock_ms(), .status = status,
								.restarts = method_restarts(&s->m) });
	if (status == 0)
		status_send(&s->status, &s->m, SCHA_RSSTATUS_OK, "Service is online.");
	else
		log_notice("Probe status %d; action: %s.", status, fm_action_names[action]);
	return action == FM_RESTART && tree && s->tree_count > 1 ? do_restart_tree(s, tree) : actions[action](s);
}

scha_err_t scds_fm_action(scds_handle_t handle, int probe_status, long elapsed_milliseconds)
{
	struct scds *s = scds_of(handle);

	return s ? act(s, probe_status, NULL) : SCHA_ERR_INVAL;
}

/* ---- waiting ---- */

static scha_err_t act_on_death(struct scds *s, struct tree *tree)
{
	scha_err_t e;

	log_err("The application has died: tag %s.", json_string_value(json_object_get(tree->spec, "tag")));
	e = act(s, SCDS_PROBE_COMPLETE_FAILURE, tree);
	return e == SCHA_ERR_FAIL ? do_restart(s) : e;
}

scha_err_t scds_fm_sleep(scds_handle_t handle, time_t timeout)
{
	struct scds *s = scds_of(handle);
	struct tree *tree;
	struct err err = { 0 };
	int r;

	if (!s || timeout < 0)
		return SCHA_ERR_INVAL;
	r = trees_refresh(s, &err);
	if (r < 0)
		log_err("The application cannot be watched: %s", err.text);
	tree = trees_wait(s, (int64_t)timeout * 1000);
	if (!tree)                              /* one whose restart was refused: not again before the time */
		tree = trees_dead(s);
	return tree ? act_on_death(s, tree) : scds_code(r);
}

static bool too_many_deaths(struct scds *s)
{
	struct fm_config config = fm_config_of(&s->m);

	config.mode = FM_MODE_LOG_ONLY;         /* only counted */
	(void)fm_probe(&s->deaths, &config, &(struct fm_event) { .now_ms = (uint64_t)clock_ms(), .status = 1 });
	return config.retry_count >= 0 && fm_sum(&s->deaths) >= MIN(config.retry_count, (int64_t)DEATHS_MAX);
}

scha_err_t scds_svc_wait(scds_handle_t handle, time_t timeout)
{
	struct scds *s = scds_of(handle);
	struct tree *tree;
	struct err err = { 0 };
	int r;

	if (!s || timeout < 0)
		return SCHA_ERR_INVAL;
	for (int64_t respawn_ms = RESPAWN_MS;; respawn_ms = MIN(respawn_ms * 2, (int64_t)RESPAWN_MAX_MS)) {
		r = trees_refresh(s, &err);
		if (r < 0)
			break;
		tree = trees_dead(s);
		if (!tree)
			tree = trees_wait(s, (int64_t)timeout * 1000);
		if (!tree)
			return SCHA_ERR_NOERR;
		log_err("The application died while it was being started.");
		if (too_many_deaths(s)) {
			log_err("Application failed to stay up. Start method Failure.");
			return SCHA_ERR_FAIL;
		}
		(void)poll(NULL, 0, (int)respawn_ms);
		r = tree_start_again(tree, &err);
		if (r < 0)
			break;
	}
	log_err("%s", err.text);
	return scds_code(r);
}
