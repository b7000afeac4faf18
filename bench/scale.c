/* What the software itself needs for many groups: whole engines, in one process, over a log that costs nothing, with disks and
 * methods that take no time.
 *
 *   scale [GROUPS [NODES]]         1000 groups of two resources on 8 nodes
 *
 * For each step: processor time of one node a group, and how many times that of a tenth as many groups it is: 1.0 means
 * that one more group costs the same, however many there are.  Decisions are what the president does on one message. */
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "base/json.h"
#include "clusterd/engine.h"

enum { NODES_MAX = 16, STEP_MS = 10, AT_ONCE = 200 };  /* AT_ONCE: requests */

static const char rtr[] =
	"RESOURCE_TYPE = app; VENDOR_ID = T; RT_BASEDIR = /opt/t; FAILOVER = TRUE; API_VERSION = 2;\n"
	"START = start; STOP = stop;\n";

static struct {
	uint32_t nodes;
	struct engine *engine[NODES_MAX + 1];
	uint64_t now;
	json_t  *log, *arrived;         /* [from, message] */
	int64_t  answered;
	double  *deliveries;            /* seconds, of the president */
	size_t   delivery_count, delivery_cap;
} w;

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct engine_time at(void)
{
	return (struct engine_time) { .mono_ms = w.now, .wall_ms = 1700000000000 + (int64_t)w.now };
}

/* ---- the edge: everything works at once ---- */

static void take(uint32_t id, struct engine_update *update)
{
	struct engine_update u = *update, next;
	json_t *v;
	size_t i;

	*update = (struct engine_update) { 0 };
	if (u.panic[0] || u.stop[0]) {
		fprintf(stderr, "scale: node %u ends: %s%s\n", id, u.panic, u.stop);
		exit(1);
	}
	json_array_foreach(u.send, i, v)
		ju_push(w.arrived, ju_pack("[I,O]", (json_int_t)id, v));
	json_array_foreach(u.answer, i, v) {
		w.answered++;
		if (ju_int(v, "code", 0)) {
			fprintf(stderr, "scale: refused: %s\n", ju_str(v, "text", ""));
			exit(1);
		}
	}
	json_array_foreach(u.store, i, v) {
		engine_stored(w.engine[id], at(), v, NULL, &next);
		take(id, &next);
	}
	json_array_foreach(u.run, i, v) {
		json_t *result = ju_pack("{si,sb,ss,sf}", "exit", 0, "timed_out", 0, "output", "", "ms", 1.0);

		engine_ran(w.engine[id], at(), (uint64_t)ju_int(v, "run", 0), result, &next);
		json_decref(result);
		take(id, &next);
	}
	engine_update_done(&u);
}

static void count_delivery(double seconds)
{
	if (w.delivery_count == w.delivery_cap) {
		w.delivery_cap = w.delivery_cap ? w.delivery_cap * 2 : 1024;
		w.deliveries = xrealloc(w.deliveries, w.delivery_cap * sizeof *w.deliveries);
	}
	w.deliveries[w.delivery_count++] = seconds;
}

static void deliver(uint32_t id, const json_t *entry)
{
	const json_t *m = json_array_get(entry, 1);
	struct engine_update u;
	double began = cpu_seconds();

	engine_deliver(w.engine[id], at(), (uint32_t)json_integer_value(json_array_get(entry, 0)), m, &u);
	if (cmm_is_president(engine_cmm(w.engine[id])) && !streq(ju_str(m, "t", ""), "beat"))
		count_delivery(cpu_seconds() - began);
	take(id, &u);
}

/* One round: what was sent before is delivered to all. */
static void round_of_the_log(void)
{
	json_t *log = w.arrived, *e;
	size_t i;

	w.arrived = json_array();
	json_array_foreach(log, i, e)
		for (uint32_t id = 1; id <= w.nodes; id++)
			if (w.engine[id])
				deliver(id, e);
	json_decref(log);
}

static void tick(void)
{
	struct engine_update u;

	w.now += STEP_MS;
	for (uint32_t id = 1; id <= w.nodes; id++)
		if (w.engine[id]) {
			engine_timer(w.engine[id], at(), &u);
			take(id, &u);
		}
	round_of_the_log();
}

static void work_off(void)
{
	while (json_array_size(w.arrived))
		round_of_the_log();
}

static void run_until_answered(int64_t answers)
{
	for (unsigned i = 0; w.answered < answers; i++) {
		if (i > 100000) {
			fprintf(stderr, "scale: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " requests were answered\n",
				(json_int_t)w.answered, (json_int_t)answers);
			exit(1);
		}
		tick();
		work_off();
	}
}

static void ask(json_t *request /* taken */)
{
	struct engine_update u;

	engine_request(w.engine[1], at(), 1, request, "bench", &u);
	json_decref(request);
	take(1, &u);
}

/* ---- the cluster ---- */

static void load(uint32_t id, const char *table, json_t *data /* taken */)
{
	engine_load(w.engine[id], table, 1, data);
	json_decref(data);
}

static json_t *infrastructure(void)
{
	json_t *infra = ju_pack("{ss,ss}", "cluster.name", "c", "cluster.properties.takeover_time", "640");

	for (uint32_t id = 1; id <= w.nodes; id++) {
		_cleanup_free_ char *name = xasprintf("n%u", id);

		ju_set_strf(infra, name, "cluster.nodes.%u.name", id);
	}
	return infra;
}

static void show_view(nodeset view)
{
	for (uint32_t id = 1; id <= w.nodes; id++) {
		struct engine_update u;

		if (!nodeset_has(view, id))
			continue;
		engine_view(w.engine[id], at(), view, &u);
		take(id, &u);
	}
}

static void boot(uint32_t nodes)
{
	memset(&w, 0, sizeof w);
	w.nodes = nodes;
	w.now = 1000;
	w.arrived = json_array();
	for (uint32_t id = 1; id <= nodes; id++) {
		const struct engine_config config = { .self = id, .incarnation = id };
		struct err err = { 0 };

		w.engine[id] = engine_new(&config);
		load(id, "infrastructure", infrastructure());
		load(id, "rgm_rt_T.app", ju_pack("{ss,ss,ss}", "rtr", rtr, "path", "/x", "installed_nodes", ""));
		if (engine_start(w.engine[id], &err) < 0) {
			fprintf(stderr, "scale: %s\n", err.text);
			exit(1);
		}
	}
	show_view(nodes < 64 ? ((nodeset)1 << nodes) - 1 : ~(nodeset)0);
	for (unsigned i = 0; i < 800; i++)
		tick();
}

static void shut_down(void)
{
	for (uint32_t id = 1; id <= w.nodes; id++)
		engine_free(w.engine[id]);
	json_decref(w.arrived);
	free(w.deliveries);
}

/* ---- what is measured ---- */

static bool is_down_on(const json_t *rg, const char *node)
{
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(rg, "nodes"), i, v)
		if (streq(ju_str(v, "node", ""), node) && streq(ju_str(v, "state", ""), "ONLINE"))
			return false;
	return true;
}

static unsigned groups_online(void)
{
	json_t *status = engine_status(w.engine[1]), *rg;
	unsigned n = 0;
	size_t i;

	json_array_foreach(ju_arr(status, "groups"), i, rg) {
		bool online = false;

		for (uint32_t id = 1; id <= w.nodes && !online; id++) {
			_cleanup_free_ char *node = xasprintf("n%u", id);

			online = w.engine[id] && !is_down_on(rg, node);
		}
		n += online;
	}
	json_decref(status);
	return n;
}

/* The preferred nodes of the groups go round, so that each node has its share. */
static void create(unsigned groups)
{
	for (unsigned g = 0; g < groups; g++) {
		_cleanup_free_ char *rg = xasprintf("g%u", g), *first = xasprintf("g%u-a", g), *second = xasprintf("g%u-b", g);
		struct buf nodes = { 0 };

		for (uint32_t k = 0; k < w.nodes; k++)
			buf_printf(&nodes, "%sn%u", k ? "," : "", 1 + (g + k) % w.nodes);
		_cleanup_free_ char *nodelist = buf_take(&nodes);

		ask(ju_pack("{ss,ss,s{ss}}", "op", "group_add", "rg", rg, "props", "Nodelist", nodelist));
		run_until_answered(w.answered + 1);
		ask(ju_pack("{ss,ss,ss,ss,sb,s{}}", "op", "resource_add", "rg", rg, "rs", first, "type", "T.app", "enabled", 1, "props"));
		run_until_answered(w.answered + 1);
		ask(ju_pack("{ss,ss,ss,ss,sb,s{}}", "op", "resource_add", "rg", rg, "rs", second, "type", "T.app", "enabled", 1, "props"));
		run_until_answered(w.answered + 1);
	}
}

static void bring_online(unsigned groups)
{
	int64_t answers = w.answered;

	for (unsigned g = 0; g < groups; g++) {
		_cleanup_free_ char *rg = xasprintf("g%u", g);

		ask(ju_pack("{ss,ss}", "op", "group_bring", "rg", rg));
		answers++;
		if (answers - w.answered >= AT_ONCE)
			run_until_answered(answers - AT_ONCE / 2);
	}
	run_until_answered(answers);
}

/* The last node loses power: its groups start elsewhere. */
static void fail_over(unsigned groups)
{
	nodeset rest = ((nodeset)1 << (w.nodes - 1)) - 1;

	engine_free(w.engine[w.nodes]);
	w.engine[w.nodes] = NULL;
	show_view(rest);
	for (unsigned i = 0; i < 1000 && groups_online() < groups; i++)
		for (unsigned k = 0; k < 20; k++) {
			tick();
			work_off();
		}
	if (groups_online() < groups) {
		fprintf(stderr, "scale: %u of %u groups are online\n", groups_online(), groups);
		exit(1);
	}
}

enum { CREATE, ONLINE, FAILOVER, PHASES };
static const char *const phase_names[] = { "create, 3 commits a group", "bring online", "fail over, of one node" };

struct figures { double seconds[PHASES], p50, p99, worst; };

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(unsigned groups, uint32_t nodes, struct figures *ret)
{
	double began;

	boot(nodes);
	began = cpu_seconds();
	create(groups);
	ret->seconds[CREATE] = cpu_seconds() - began;
	w.delivery_count = 0;
	began = cpu_seconds();
	bring_online(groups);
	ret->seconds[ONLINE] = cpu_seconds() - began;
	began = cpu_seconds();
	fail_over(groups);
	ret->seconds[FAILOVER] = cpu_seconds() - began;
	qsort(w.deliveries, w.delivery_count, sizeof *w.deliveries, by_size);
	ret->p50 = w.deliveries[w.delivery_count / 2];
	ret->p99 = w.deliveries[w.delivery_count * 99 / 100];
	ret->worst = w.deliveries[w.delivery_count - 1];
	shut_down();
}

int main(int argc, char **argv)
{
	unsigned groups = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
	uint32_t nodes = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 8;
	struct figures few, many;

	if (groups < 10 || nodes < 3 || nodes > NODES_MAX) {
		fprintf(stderr, "usage: scale [GROUPS >= 10 [NODES 3..%d]]\n", NODES_MAX);
		return 2;
	}
	measure(groups / 10, nodes, &few);
	measure(groups, nodes, &many);
	printf("%u groups of two resources on %u nodes; processor time of one node, a group\n", groups, nodes);
	for (int p = 0; p < PHASES; p++) {
		double a = few.seconds[p] / nodes / (groups / 10), b = many.seconds[p] / nodes / groups;

		printf("%-28s %8.3f ms   %5.2f x that of %u groups   (%.2f s for all)\n", phase_names[p], b * 1e3, b / a, groups / 10,
		       many.seconds[p] / nodes);
	}
	printf("%-28s %8.3f ms   p99 %.3f ms, worst %.3f ms   %5.2f x the p99 of %u groups\n", "president, one message", many.p50 * 1e3,
	       many.p99 * 1e3, many.worst * 1e3, many.p99 / few.p99, groups / 10);
	return 0;
}
