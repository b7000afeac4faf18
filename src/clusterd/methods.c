/* Runs methods through pmfd. */
#include "clusterd/node.h"

#include <inttypes.h>

#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"

struct method_run { struct node *node; struct vl_client *client; uint64_t run; };

static const char *const environment[] = {
	"PATH=" PREFIX_BIN ":/usr/bin:/usr/sbin:/bin:/sbin", "LANG=C", "HOME=/",
};

static void finish(struct method_run *m, json_t *result)
{
	struct engine_update u;

	engine_ran(m->node->engine, node_now(), m->run, result, &u);
	vl_client_free(m->client);
	node_take(m->node, &u);
	free(m);
}

static void on_reply(void *ctx, const char *error, json_t *params, bool continues)
{
	json_t *failed;

	(void)continues;
	if (!error) {
		finish(ctx, params);
		return;
	}
	log_err("pmfd could not run a method: %s: %s", error, ju_str(params, "message", ""));
	failed = ju_pack("{si,sb,ss,sf}", "exit", -1, "timed_out", 0, "output", ju_str(params, "message", error), "ms", 0.0);
	finish(ctx, failed);
	json_decref(failed);
}

/* Its name at pmfd; caller frees. */
static char *run_id(const json_t *run)
{
	return xasprintf("clusterd-%" PRId64, ju_int(run, "run", 0));
}

void methods_run(struct node *node, const json_t *run)
{
	struct method_run *m = xcalloc(1, sizeof *m);
	json_t *env = json_array(), *argv = ju_arr(run, "argv");
	_cleanup_free_ char *name = xasprintf("%s of %s", ju_str(run, "method", ""), ju_str(run, "rs", "")), *id = run_id(run);
	struct err err = { 0 };
	const char *root = getenv("PARHELION_ROOT");

	for (size_t i = 0; i < ARRAY_SIZE(environment); i++)
		ju_push(env, json_string(environment[i]));
	if (root) {
		_cleanup_free_ char *v = xasprintf("PARHELION_ROOT=%s", root);
		ju_push(env, json_string(v));
	}
	m->node = node;
	m->run = (uint64_t)ju_int(run, "run", 0);
	if (vl_client_new(node->loop, path_state(PATH_PMFD_SOCK), &m->client, &err) < 0) {
		/* failfastd ends a node whose pmfd died; until it does, nothing is reported. */
		log_err("cannot reach pmfd to run %s: %s", name, err.text);
		json_decref(env);
		free(m);
		return;
	}
	vl_client_call(m->client, "org.parhelion.Pmf.Run",
		       ju_pack("{sO,so,sI,ss,ss}", "argv", argv, "env", env, "timeout_ms",
			       (json_int_t)(ju_int(run, "timeout", 3600) * 1000), "name", name, "id", id), false, on_reply, m);
}

/* ---- killing: what was killed ends as any other ---- */

static void on_killed(void *ctx, const char *error, json_t *params, bool continues)
{
	(void)continues;
	if (error)
		log_err("pmfd did not kill a method: %s: %s", error, ju_str(params, "message", ""));
	vl_client_free(*(struct vl_client **)ctx);
	free(ctx);
}

void methods_kill(struct node *node, const json_t *kill)
{
	struct vl_client **client = xcalloc(1, sizeof *client);
	_cleanup_free_ char *id = run_id(kill);
	struct err err = { 0 };

	if (vl_client_new(node->loop, path_state(PATH_PMFD_SOCK), client, &err) < 0) {
		log_err("cannot reach pmfd to kill a method: %s", err.text);
		free(client);
		return;
	}
	vl_client_call(*client, "org.parhelion.Pmf.KillRun", ju_pack("{ss}", "id", id), false, on_killed, client);
}
