/* Init, Fini and Boot: what is run on the nodes of Init_nodes, whether the group is online there or not.
 *
 *   Init   the resource comes under management, or the node into its node set; by those that are members then
 *   Fini   it leaves management, or the node its node set
 *   Boot   a node has joined; the groups in RG_dependencies first
 *
 * Every member works out from the same table, or the same event, which nodes have something to run, and counts it for the
 * group there: `owed`. The node itself runs it, batch after batch, and says how far it has come: `prepared`. While the two
 * differ the group does not come to the node (place.c), and a request that has caused it is not answered. A failure is told to
 * the system log and to nobody else. Fini gets its arguments before the resource is gone, so jobs hold copies. */
#include "rgm/model.h"

#include <stdio.h>

struct rg_job {
	enum rt_method method;
	char          *rs;
	json_t        *argv;
	int64_t        timeout, started_ms;
	uint64_t       run;             /* 0: waits */
	unsigned       batch;
};

struct managed { char *name; const struct rt *rt; nodeset nodes; int64_t fini_timeout; struct rgm_rg *rg; };
struct managed_list { struct managed *v; size_t n; };

/* ---- who is under management, and where ---- */

nodeset rs_init_nodes(const struct rgm_rg *rg, const struct rt *rt)
{
	const struct rgm *rgm = rg->rgm;
	nodeset set = 0;

	if (rt->init_nodes == INIT_RG_PRIMARIES)
		set = rg_nodelist(rg);
	else if (!rt->installed_nodes.n)
		return rgm->configured;
	for (size_t i = 0; rt->init_nodes != INIT_RG_PRIMARIES && i < rt->installed_nodes.n; i++) {
		uint32_t id = rgm_node_id(rgm, rt->installed_nodes.v[i]);

		set |= id ? node_bit(id) : 0;
	}
	return set;
}

static void add_managed(struct managed_list *list, struct rgm_rg *rg)
{
	for (size_t i = 0; rg->managed && i < rg->rs_count; i++) {
		const struct rgm_rs *rs = rg->rs[i];

		if (!rs->rt->methods[METHOD_INIT] && !rs->rt->methods[METHOD_FINI])
			continue;
		list->v = xrealloc(list->v, (list->n + 1) * sizeof *list->v);
		list->v[list->n++] = (struct managed) { .name = xstrdup(rs->name), .rt = rs->rt, .nodes = rs_init_nodes(rg, rs->rt),
							.fini_timeout = rs_method_timeout(rs, METHOD_FINI), .rg = rg };
	}
}

struct managed_list *boot_before(struct rgm *rgm, struct rgm_rg *rg)
{
	struct managed_list *list = xcalloc(1, sizeof *list);

	if (rg)
		add_managed(list, rg);
	for (size_t g = 0; !rg && g < rgm->rg_count; g++)
		add_managed(list, rgm->rgs[g]);
	return list;
}

static nodeset nodes_in(const struct managed_list *list, const struct rgm_rg *rg, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].rg == rg && streq(list->v[i].name, name))
			return list->v[i].nodes;
	return 0;
}

/* ---- jobs of this node ---- */

static void job_done(struct rg_job *job)
{
	free(job->rs);
	json_decref(job->argv);
}

void boot_forget(struct rgm_rg *rg)
{
	while (rg->job_count)
		job_done(&rg->jobs[--rg->job_count]);
	free(rg->jobs);
	rg->jobs = NULL;
}

static void add_job(struct rgm_rg *rg, const struct rt *rt, const char *rs, enum rt_method method, int64_t timeout)
{
	rg->jobs = xrealloc(rg->jobs, (rg->job_count + 1) * sizeof *rg->jobs);
	rg->jobs[rg->job_count++] = (struct rg_job) { .method = method, .rs = xstrdup(rs),
						      .argv = method_argv(rt, method, rs, rg->name), .timeout = timeout,
						      .batch = rg->job_batch };
}

/* The group has something to run on these nodes. */
static void owe(struct rgm_rg *rg, const struct rt *rt, const char *rs, enum rt_method method, nodeset nodes, int64_t timeout,
		nodeset *owing)
{
	nodes &= rgm_up_nodes(rg->rgm);
	if (!rt->methods[method] || !nodes)
		return;
	*owing |= nodes;
	if (nodeset_has(nodes, rg->rgm->self))
		add_job(rg, rt, rs, method, timeout);
}

static void count(struct rgm_rg *rg, nodeset owing)
{
	for (uint32_t id = nodeset_next(owing, 0); id; id = nodeset_next(owing, id))
		rg->on[id].owed++;
	if (owing)
		rg->ver++;
	rg->job_batch++;
}

static void compare_group(struct rgm_rg *rg, const struct managed_list *before, const struct managed_list *after)
{
	nodeset owing = 0;

	for (size_t i = 0; i < before->n; i++) {
		const struct managed *m = &before->v[i];

		if (m->rg == rg)
			owe(rg, m->rt, m->name, METHOD_FINI, m->nodes & ~nodes_in(after, rg, m->name), m->fini_timeout, &owing);
	}
	if (owing)
		rg->job_batch++;        /* what leaves has left before what comes comes */
	for (size_t i = 0; i < after->n; i++) {
		const struct managed *m = &after->v[i];
		const struct rgm_rs *rs = m->rg == rg ? rg_rs_find(rg, m->name) : NULL;

		if (rs)
			owe(rg, m->rt, m->name, METHOD_INIT, m->nodes & ~nodes_in(before, rg, m->name),
			    rs_method_timeout(rs, METHOD_INIT), &owing);
	}
	count(rg, owing);
}

static void managed_free(struct managed_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].name);
	free(list->v);
	free(list);
}

/* rg: the group that has a new table; NULL: any may have changed. */
void boot_after(struct rgm *rgm, struct rgm_rg *rg, struct managed_list *before, struct rgm_update *u)
{
	struct managed_list *after = boot_before(rgm, rg);

	for (size_t g = 0; g < rgm->rg_count && (before->n || after->n); g++)
		if (!rg || rgm->rgs[g] == rg)
			compare_group(rgm->rgs[g], before, after);
	managed_free(before);
	managed_free(after);
	for (size_t g = 0; u && g < rgm->rg_count; g++)
		if (rgm->rgs[g]->job_count)
			boot_advance(rgm, rgm->rgs[g], u);
}

void boot_joined(struct rgm *rgm, uint32_t id, struct rgm_update *u)
{
	deps_index(rgm);
	for (size_t g = 0; g < rgm->rg_count; g++) {
		struct rgm_rg *rg = rgm->rgs[g];
		nodeset owing = 0;

		for (size_t i = 0; rg->managed && i < rg->rs_count; i++)
			owe(rg, rg->rs[i]->rt, rg->rs[i]->name, METHOD_BOOT, rs_init_nodes(rg, rg->rs[i]->rt) & node_bit(id),
			    rs_method_timeout(rg->rs[i], METHOD_BOOT), &owing);
		count(rg, owing);
	}
	for (size_t g = 0; g < rgm->rg_count; g++)
		boot_advance(rgm, rgm->rgs[g], u);
}

/* ---- running ---- */

static bool boots(const struct rgm_rg *rg)
{
	for (size_t i = 0; i < rg->job_count; i++)
		if (rg->jobs[i].method == METHOD_BOOT)
			return true;
	return false;
}

static bool waits_for_group(const struct rgm_rg *rg)
{
	for (size_t i = 0; rg->jobs[0].method == METHOD_BOOT && i < rg->link_count; i++)
		if (rg->links[i].kind == LINK_DEPENDENCY && rg->links[i].target && boots(rg->links[i].target))
			return true;
	return false;
}

static void launch(struct rgm *rgm, struct rgm_rg *rg, struct rg_job *job, struct rgm_update *u)
{
	job->run = ++rgm->run_counter;
	job->started_ms = rgm->now_ms;
	u_note(u, "notice", "launching method <%s> for resource <%s>, resource group <%s>, timeout <%lld> seconds",
	       rt_method_names[job->method], job->rs, rg->name, (long long)job->timeout);
	u_push(&u->run, ju_pack("{sI,ss,ss,ss,sO,sI}", "run", (json_int_t)job->run, "rg", rg->name, "rs", job->rs, "method",
				rt_method_names[job->method], "argv", job->argv, "timeout", (json_int_t)job->timeout));
}

/* All of the first batch at once, then the next; when there is none left, everybody hears how far that goes. */
void boot_advance(struct rgm *rgm, struct rgm_rg *rg, struct rgm_update *u)
{
	uint64_t owed = rg->on[rgm->self].owed;

	if (!rg->job_count && owed != rg->on[rgm->self].prepared && owed != rg->told_prepared) {
		rg->told_prepared = owed;
		u_send(u, ju_pack("{ss,si,ss,sI}", "t", "rgm.prepared", "v", 1, "rg", rg->name, "n", (json_int_t)owed));
	}
	if (!rg->job_count || waits_for_group(rg))
		return;
	for (size_t i = 0; i < rg->job_count && rg->jobs[i].batch == rg->jobs[0].batch; i++)
		if (!rg->jobs[i].run)
			launch(rgm, rg, &rg->jobs[i], u);
}

static void note_job(const struct rgm_rg *rg, const struct rg_job *job, const json_t *result, struct rgm_update *u)
{
	const char *output = ju_str(result, "output", "");
	bool timed_out = ju_bool(result, "timed_out", false);

	if (timed_out || ju_int(result, "exit", -1) != 0)
		u_note(u, "error", "Method <%s> of resource <%s>, resource group <%s> %s; nothing else follows from that",
		       rt_method_names[job->method], job->rs, rg->name, timed_out ? "timed out" : "failed");
	note_stuck(rt_method_names[job->method], job->rs, result, u);
	if (*output)
		u_note(u, "notice", "method <%s> of resource <%s> wrote: %.800s", rt_method_names[job->method], job->rs, output);
}

static void end_job(struct rgm *rgm, struct rgm_rg *rg, size_t at, const json_t *result, struct rgm_update *u)
{
	bool boot = rg->jobs[at].method == METHOD_BOOT;

	note_job(rg, &rg->jobs[at], result, u);
	job_done(&rg->jobs[at]);
	memmove(rg->jobs + at, rg->jobs + at + 1, (--rg->job_count - at) * sizeof *rg->jobs);
	boot_advance(rgm, rg, u);
	for (size_t g = 0; boot && !boots(rg) && g < rgm->rg_count; g++)        /* those that depend on it */
		boot_advance(rgm, rgm->rgs[g], u);
	local_reconcile(rgm, rg, u);
}

bool boot_ran(struct rgm *rgm, uint64_t run, const json_t *result, struct rgm_update *u)
{
	for (size_t g = 0; g < rgm->rg_count; g++)
		for (size_t i = 0; i < rgm->rgs[g]->job_count; i++)
			if (rgm->rgs[g]->jobs[i].run == run) {
				end_job(rgm, rgm->rgs[g], i, result, u);
				return true;
			}
	return false;
}

/* ---- asking ---- */

bool rg_unprepared(const struct rgm_rg *rg, uint32_t id)
{
	return rg->on[id].owed != rg->on[id].prepared;
}

nodeset rg_unprepared_nodes(const struct rgm_rg *rg)
{
	nodeset set = 0;

	for (size_t i = 0; i < rg->node_count; i++)
		if (rg_unprepared(rg, rg->nodelist[i]))
			set |= node_bit(rg->nodelist[i]);
	return set & rgm_up_nodes(rg->rgm);
}

/* On this node: its Init or Boot, or the Fini of one of its name, has not ended. */
bool boot_holds(const struct rgm_rs *rs)
{
	for (size_t i = 0; i < rs->rg->job_count; i++)
		if (streq(rs->rg->jobs[i].rs, rs->name))
			return true;
	return false;
}
