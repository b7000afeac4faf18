/* sim: whole clusters in one process, with the object code of the daemons, under seeded faults.
 *
 *   sim [-n SEEDS] [-s FIRST] [-j JOBS] [-t SECONDS] [-w SECONDS] [-1] [-v]    every seed is one run; a failure prints how
 *   to repeat it.  -t: how long faults happen; -w: no new seed after that time; -1: stop at the first failure; -v: tell all
 *
 *
 * What is simulated: the ordered log with views (bus), disks, quorum devices, fence agents, method runs, clocks.
 * What is real: engine, cmm, ccr, rgm, the core of failfastd.  Fault model and checks: README.md. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "sim.h"

/* Events of a life that is over mean nothing, with one exception: see device_op_ended(). */
static bool is_stale(const struct ev *e)
{
	const struct sim_node *n = &w.node[e->node];

	return e->node && e->type != EV_BOOT && e->type != EV_DEVICE && (!n->up || n->life != e->life);
}

/* thaw() and resume() take care of what waits. */
static bool sleeps_through(const struct ev *e)
{
	const struct sim_node *n = &w.node[e->node];

	if (!e->node || e->type == EV_THAW || e->type == EV_RESUME || e->type == EV_BOOT || e->type == EV_TOKEN_LOST ||
	    e->type == EV_DEVICE)
		return false;
	return n->frozen || (n->hung && e->type != EV_FAILFAST);
}

static void timer(uint32_t id, uint64_t due)
{
	struct engine_update u;

	if (w.node[id].timer_due != due)
		return;
	w.node[id].timer_due = 0;
	engine_timer(w.node[id].engine, clock_of(&w.node[id]), &u);
	take(id, &u);
}

static void handle(struct ev *e)
{
	struct sim_node *n = e->node ? &w.node[e->node] : NULL;

	if (is_stale(e) || sleeps_through(e)) {
		json_decref(e->json);
		return;
	}
	switch (e->type) {
	case EV_DELIVER:    deliver_next(e->node); break;
	case EV_REFORM:     reform(); break;
	case EV_SWITCH:     switch_ring(e->node, e->arg); break;
	case EV_STORED:
		if (json_array_size(n->queue) && n->queue_due == e->at)
			stored(e->node);
		break;
	case EV_DEVICE:     device_op_ended(e->node, e->life, (uint32_t)e->arg, TAKE_PTR(e->json)); break;
	case EV_FENCED:     fence_ended(e->node, e->json); break;
	case EV_TIMER:      timer(e->node, e->arg); break;
	case EV_RAN:        ran(e->node, e->arg); break;
	case EV_FAILFAST:   failfast(e->node, e->arg); break;
	case EV_FAULT:      fault(); break;
	case EV_TOKEN_LOST:
		if (n->frozen)
			component_changed();
		break;
	case EV_BOOT:       boot(e->node); break;
	case EV_THAW:       thaw(e->node); break;
	case EV_RESUME:     resume(e->node); break;
	case EV_HEAL:
		connect_all();
		trace("partition heals");
		component_changed();
		break;
	case EV_DEVICE_BACK:
		w.device[e->arg].lost_to = 0;
		break;
	case EV_ADMIN:      admin(e->arg == 0); break;
	case EV_LEAVE:      leave(e->node); break;
	}
	json_decref(e->json);
}

static void run_until(uint64_t end)
{
	uint64_t moment = w.now;
	unsigned in_it = 0;

	while (w.heap_len && w.heap[0].at <= end && !w.failure[0]) {
		struct ev e = next_event();

		in_it = e.at == moment ? in_it + 1 : 0;
		moment = w.now = e.at;
		handle(&e);
		if (in_it > 100000)
			fail("time stands still: 100000 events within one ms, the last of type %d for node%u", (int)e.type, e.node);
	}
	w.now = end;
}

static void world_done(void)
{
	for (size_t i = 0; i < w.heap_len; i++)
		json_decref(w.heap[i].json);
	for (uint32_t id = 1; id <= w.nodes; id++) {
		struct sim_node *n = &w.node[id];

		node_off(n);
		json_decref(n->disk);
		disk_is_honest(n);
		json_decref(n->queue);
		json_decref(n->unsent);
		json_decref(n->running);
		json_decref(n->truth);
		json_decref(n->serving);
		json_decref(n->prepared);
	}
	json_decref(w.told);
	json_decref(w.denied);
	json_decref(w.admin);
	json_decref(w.epochs);
	json_decref(w.described);
	free(w.heap);
}

#define SEED_SECONDS_MAX 60u    /* longer than any seed takes */

enum total { SEEDS, DELIVERIES, DEATHS, ACKS, SIMULATED_MS, TAKES, FENCED, TOTALS };

/* What kind of cluster: two nodes with a device, three without, and so on. */
static void choose_cluster(void)
{
	static const struct { unsigned percent; uint32_t nodes, devices; } kinds[] = {
		{ 25, 2, 1 }, { 35, 3, 0 }, { 12, 3, 1 }, { 8, 3, 2 }, { 3, 2, 0 }, { 7, 4, 1 }, { 5, 4, 0 }, { 5, 5, 0 },
	};
	uint64_t dice = rnd_upto(100);
	size_t i = 0;

	while (dice >= kinds[i].percent)
		dice -= kinds[i++].percent;
	w.nodes = kinds[i].nodes;
	w.devices = kinds[i].devices;
	w.takeover_ms = (uint32_t)(chance(50) ? 640 : chance(85) ? rnd_range(640, 2000) : rnd_range(2000, 8000));
	w.fencing = chance(20);
	w.fence_required = w.fencing && chance(50);
	w.mixed_levels = chance(20);
	w.disk = chance(25);
	w.rot = w.nodes >= 3 && w.devices == 0 && chance(30);
	w.lies = w.nodes >= 3 && w.devices == 0 && !w.rot && w.seed % 2 == 0;
}

static void make_node(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	n->disk = json_object();
	n->queue = json_array();
	n->unsent = json_array();
	n->running = json_object();
	n->truth = json_object();
	n->serving = json_object();
	n->prepared = json_object();
	n->level = w.mixed_levels ? (uint32_t)rnd_range(1, 2) : CMM_LEVEL;
	initial_disk(n->disk);
	schedule(rnd_upto(1500), EV_BOOT, id, 0, NULL);
}

struct options {
	uint64_t n, first, faults_ms, wall_s;
	unsigned jobs, failures_max;
	bool verbose;
};
static struct options options = { .n = 1000, .first = 1, .faults_ms = 15000, .jobs = 2, .failures_max = 5 };

/* True: all checks held. */
static bool run_seed(uint64_t seed, uint64_t faults_ms, bool verbose, char failure[600], uint64_t totals[TOTALS])
{
	unsigned well = 0;              /* checks in a row that found all well */
	uint64_t end;

	memset(&w, 0, sizeof w);
	w.seed = seed;
	seed_random(seed);
	w.verbose = verbose;
	choose_cluster();
	choose_shape();
	w.told = json_array();
	w.denied = json_array();
	w.admin = json_object();
	w.epochs = json_object();
	w.described = json_object();
	connect_all();
	for (uint32_t id = 1; id <= w.nodes; id++)
		make_node(id);
	schedule(6000, EV_ADMIN, 0, 0, NULL);
	schedule(rnd_range(3000, 9000), EV_FAULT, 0, 0, NULL);
	run_until(faults_ms);
	if (!w.failure[0])
		calm_down();
	if (!w.failure[0] && w.absent) {
		run_until(w.absent_until - 1);
		if (!w.failure[0])
			check_without_absent();
	}
	end = w.now + CALM_MS;
	run_until(w.now + 2 * w.takeover_ms);   /* what still happens because of the last faults */
	while (!w.failure[0] && w.now < end && well < 2) {
		run_until(w.now + 400);
		well = converged(false) ? well + 1 : 0;
	}
	if (!w.failure[0] && well < 2)
		(void)converged(true);
	memcpy(failure, w.failure, sizeof w.failure);
	totals[DELIVERIES] += w.deliveries;
	totals[DEATHS] += w.deaths;
	totals[ACKS] += w.acks;
	totals[SIMULATED_MS] += w.now;
	totals[TAKES] += w.takes;
	totals[FENCED] += w.fenced;
	world_done();
	return !failure[0];
}

static volatile uint64_t seed_now;

static void say_failure(uint64_t seed, const char *failure)
{
	printf("seed %" PRIu64 ": %s\n  repeat: sim -n 1 -s %" PRIu64 " -t %" PRIu64 " -v\n", seed, failure, seed,
	       options.faults_ms / 1000);
	fflush(stdout);
}

/* An assertion of a core, or a loop without an end: the seed is worth more than a clean exit. */
static void on_signal(int signal)
{
	say_failure(seed_now, signal == SIGALRM ? "this seed does not end" : strsignal(signal));
	_exit(1);
}

static double seconds_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begin->tv_sec) + (double)(now.tv_nsec - begin->tv_nsec) / 1e9;
}

static unsigned run_share(unsigned job, const struct timespec *begin, uint64_t totals[TOTALS])
{
	char failure[600];
	unsigned bad = 0;

	for (uint64_t s = options.first + job; s < options.first + options.n && bad < options.failures_max; s += options.jobs) {
		if (options.wall_s && seconds_since(begin) > (double)options.wall_s)
			break;
		seed_now = s;
		alarm(SEED_SECONDS_MAX);
		totals[SEEDS]++;
		if (run_seed(s, options.faults_ms, options.verbose, failure, totals))
			continue;
		bad++;
		say_failure(s, failure);
	}
	alarm(0);
	return bad;
}

static bool read_options(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "1n:s:j:t:w:v")) != -1) {
		switch (opt) {
		case '1': options.failures_max = 1; break;
		case 'n': options.n = strtoull(optarg, NULL, 10); break;
		case 's': options.first = strtoull(optarg, NULL, 10); break;
		case 'j': options.jobs = (unsigned)strtoul(optarg, NULL, 10); break;
		case 't': options.faults_ms = strtoull(optarg, NULL, 10) * 1000; break;
		case 'w': options.wall_s = strtoull(optarg, NULL, 10); break;
		case 'v': options.verbose = true; break;
		default:
			fprintf(stderr, "usage: sim [-n SEEDS] [-s FIRST] [-j JOBS] [-t SECONDS OF FAULTS] [-w SECONDS TO STOP AFTER] [-1] [-v]\n");
			return false;
		}
	}
	options.jobs = (unsigned)MIN(options.jobs, options.n);
	return options.jobs > 0;
}

int main(int argc, char **argv)
{
	uint64_t totals[TOTALS] = { 0 };
	struct timespec begin;
	unsigned failed = 0;
	int fds[2];

	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (!read_options(argc, argv) || pipe(fds) < 0)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned j = 0; j < options.jobs; j++) {
		pid_t pid = fork();

		if (pid < 0)
			return 2;
		if (pid == 0) {
			signal(SIGABRT, on_signal);
			signal(SIGSEGV, on_signal);
			signal(SIGALRM, on_signal);
			unsigned bad = run_share(j, &begin, totals);

			if (write(fds[1], totals, sizeof totals) != sizeof totals)
				_exit(2);
			exit(bad > 0);
		}
	}
	close(fds[1]);
	for (uint64_t part[TOTALS]; read(fds[0], part, sizeof part) == sizeof part;)
		for (size_t i = 0; i < TOTALS; i++)
			totals[i] += part[i];
	for (int status; wait(&status) > 0;)
		failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	printf("sim: %" PRIu64 " seeds, %.0f seeds/s, %.0f simulated hours, %" PRIu64 " deliveries, %" PRIu64 " node deaths, %" PRIu64
	       " device takes, %" PRIu64 " fencings, %" PRIu64 " acknowledged changes: %s\n", totals[SEEDS],
	       (double)totals[SEEDS] / seconds_since(&begin), (double)totals[SIMULATED_MS] / 3600000, totals[DELIVERIES], totals[DEATHS],
	       totals[TAKES], totals[FENCED], totals[ACKS], failed ? "FAILED" : "all checks held");
	return failed != 0;
}
