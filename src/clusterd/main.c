/* clusterd: the cluster daemon.  This file wires one engine to bus, disk, clock, pmfd, failfastd and clients, and carries
 * out its updates in order (node_take).  All blocking work is elsewhere: disk and journal on worker threads, methods in
 * pmfd, panic in failfastd. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"
#include "clusterd/node.h"
#include "clusterd/starts.h"
#include "failfastd/failfast.h"
#include "failfastd/panic.h"

#define NODEID_FILE      "/etc/cluster/nodeid"
#define INCARNATION_FILE "/run/cluster/incarnation"
#define BUS_RETRY_MS     20             /* while corosync starts */
#define BUS_RETRIES      3000
#define HALT_HOOK        PREFIX_SC "/node-halt"
#define LAST_ANSWERS_MS  1000           /* for clients to take their answers before the machine goes */
#define FAILFASTD_PANIC_MS 200          /* for failfastd to end this node; then we do it */

struct engine_time node_now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct engine_time) {
		.mono_ms = (uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000,
		.wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
	};
}

void node_panic_now(struct node *node, const char *reason)
{
	log_tagged(NULL, LOG_CRIT, "%s", reason);
	if (node->failfast_fd < 0) {
		log_flush(20);
		_exit(1);
	}
	if (failfast_panic(node->failfast_fd, reason) == 0)
		(void)poll(NULL, 0, FAILFASTD_PANIC_MS);        /* it ends this node, and us with it */
	node_panic(reason);             /* or it is dead, or stands still */
}

/* Out of the cluster, and nobody's end ends this machine any more. */
static void let_go(struct node *node)
{
	if (node->bus)
		bus_free(node->bus, true);
	node->bus = NULL;
	if (node->failfast_fd >= 0)
		(void)failfast_goodbye(node->failfast_fd);
	(void)unlink(path_state(INCARNATION_FILE));
}

/* Nothing runs here: the daemon ends, the machine goes on. */
static void end(struct node *node, int code)
{
	if (code == 0)
		starts_end(node);
	let_go(node);
	log_flush(1000);
	exit(code);
}

/* The hook takes the place of this process, which has nothing left to do.  Not in a test on somebody's own machine. */
static void halt_machine(struct node *node)
{
	struct sched_param param = { 0 };

	log_flush(1000);
	if (node->failfast_fd < 0 || getenv("PARHELION_ROOT"))
		exit(0);
	(void)sched_setscheduler(0, SCHED_OTHER, &param);       /* it would only be urgent, too */
	execl(HALT_HOOK, HALT_HOOK, (char *)NULL);
	log_err("this machine stays on: cannot run %s: %s", HALT_HOOK, strerror(errno));
	log_flush(1000);
	exit(1);
}

static void on_drained(void *ctx)               { halt_machine(ctx); }
static void on_drain_time_out(uv_timer_t *timer) { halt_machine(timer->data); }

/* Whoever asked for it hears that it is done, first. */
static void switch_off(struct node *node)
{
	log_notice("the cluster is shut down; switching this machine off");
	node->off = true;
	starts_end(node);
	let_go(node);
	uv_timer_stop(&node->connect);
	uv_timer_start(&node->timer, on_drain_time_out, LAST_ANSWERS_MS, 0);
	vl_server_drain(node->server, on_drained, node);
}

static void on_timer(uv_timer_t *timer)
{
	struct node *node = timer->data;
	struct engine_update u;

	node->timer_ms = 0;
	engine_timer(node->engine, node_now(), &u);
	node_take(node, &u);
}

static void set_timer(struct node *node, uint64_t due_ms)
{
	uint64_t now = node_now().mono_ms;

	if (due_ms == node->timer_ms)
		return;
	node->timer_ms = due_ms;
	if (!due_ms) {
		uv_timer_stop(&node->timer);
		return;
	}
	uv_update_time(node->loop);
	uv_timer_start(&node->timer, on_timer, due_ms > now ? due_ms - now : 0, 0);
}

static int log_level(const char *name)
{
	static const struct { const char *name; int level; } levels[] = {
		{ "emerg", LOG_EMERG }, { "error", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE }, { "info", LOG_INFO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (streq(levels[i].name, name))
			return levels[i].level;
	return LOG_NOTICE;
}

static void send_all(struct node *node, json_t *messages)
{
	json_t *v;
	size_t i;

	json_array_foreach(messages, i, v) {
		_cleanup_free_ char *text = ju_dump(v);

		if (bus_send(node->bus, text, strlen(text)) < 0)
			log_err("message of %zu bytes could not be sent", strlen(text));
	}
}

/* Without failfastd nobody ends this node when it must end, so it ends now.  A death is found at the next beat, a failfastd that
 * stands still some 40 beats later, unless the watchdog that it pets was quicker. */
static void set_lease(struct node *node, uint64_t until_ms)
{
	int r;

	if (until_ms == node->lease_until_ms)
		return;
	node->lease_until_ms = until_ms;
	if (node->failfast_fd < 0)
		return;
	r = failfast_lease(node->failfast_fd, until_ms * 1000000);
	if (r == -EAGAIN)
		node_panic_now(node, "Failfast: Aborting because \"failfastd\" stands still: it does not read its messages.");
	if (r < 0)
		node_panic_now(node, "Failfast: Aborting because \"failfastd\" died.");
}

static void stop_answered(struct node *node, const json_t *answer)
{
	struct engine_update u;

	if (ju_int(answer, "code", 1) != 0) {
		log_err("this node stays: its resource groups could not be moved away: %s", ju_str(answer, "text", ""));
		node->stopping = false;
		return;
	}
	engine_leave(node->engine, node_now(), &u);
	node_take(node, &u);
}

/* ---- quorum devices and fence agents ---- */

static const json_t *infrastructure(const struct node *node)
{
	return ccr_table(engine_ccr(node->engine), "infrastructure");
}

static void on_device(void *ctx, const json_t *request, const json_t *result)
{
	struct node *node = ctx;
	struct engine_update u;

	engine_device(node->engine, node_now(), request, result, &u);
	node_take(node, &u);
}

static void on_fenced(void *ctx, const json_t *order, const char *how, const char *error)
{
	struct node *node = ctx;
	struct engine_update u;

	if (error)
		log_tagged("Cluster.CMM", LOG_ERR, "Node %d is not fenced: %s", (int)ju_int(order, "node", 0), error);
	else
		log_tagged("Cluster.CMM", LOG_NOTICE, "Node %d is fenced: %s says that it is off", (int)ju_int(order, "node", 0), how);
	engine_fenced(node->engine, node_now(), order, how, error, &u);
	node_take(node, &u);
}

static bool fence_is_wanted(void *ctx, const json_t *order)
{
	const struct node *node = ctx;

	return cmm_fence_wanted(engine_cmm(node->engine), (uint32_t)ju_int(order, "node", 0), (uint64_t)ju_int(order, "inc", 0));
}

static void touch_devices(struct node *node, const json_t *requests, const json_t *orders)
{
	uint64_t gen = ccr_table_gen(engine_ccr(node->engine), "infrastructure");
	json_t *v;
	size_t i;

	if (gen != node->infrastructure_gen)
		devices_configure(node->devices, infrastructure(node));
	node->infrastructure_gen = gen;
	json_array_foreach(requests, i, v)
		devices_request(node->devices, infrastructure(node), v);
	fence_cancel(node->fence, fence_is_wanted, node);
	json_array_foreach(orders, i, v)
		fence_order(node->fence, infrastructure(node), v);
}

void node_take(struct node *node, struct engine_update *u)
{
	struct engine_update update = *u;       /* what follows may lead to further updates */
	json_t *v;
	size_t i;

	*u = (struct engine_update) { 0 };
	if (node->off) {
		engine_update_done(&update);
		return;
	}
	json_array_foreach(update.notes, i, v)
		log_tagged(ju_str(v, "tag", NULL), log_level(ju_str(v, "level", "")), "%s", ju_str(v, "text", ""));
	json_array_foreach(update.journal, i, v)
		journal_add(node->journal, json_incref(v));
	if (update.panic[0])
		node_panic_now(node, update.panic);
	if (update.stop[0]) {
		log_err("%s", update.stop);
		end(node, 1);
	}
	set_lease(node, update.lease_until_ms);
	json_array_foreach(update.store, i, v)
		store_queue_add(node->store, json_incref(v));
	send_all(node, update.send);
	touch_devices(node, update.device, update.fence);
	json_array_foreach(update.run, i, v)
		methods_run(node, v);
	json_array_foreach(update.kill, i, v)
		methods_kill(node, v);
	set_timer(node, update.timer_ms);
	json_array_foreach(update.answer, i, v) {
		if (ju_int(v, "client", 0) == STOP_CLIENT)
			stop_answered(node, v);
		else
			api_answer(node, v);
	}
	if (update.left) {
		log_notice("left the cluster in order");
		if (!update.off)
			end(node, 0);
		switch_off(node);
	}
	engine_update_done(&update);
}

/* ---- networks ---- */

static const json_t *on_infrastructure(void *ctx)
{
	return infrastructure(ctx);
}

static void on_net(void *ctx, const json_t *report)
{
	struct node *node = ctx;
	struct engine_update u;

	engine_net(node->engine, node_now(), report, &u);
	node_take(node, &u);
}

/* Without it the cluster works; listings lack the state of the networks. */
static void watch_networks(struct node *node)
{
	const struct netstate_config config = {
		.loop = node->loop, .self = node->self, .corosync = !node->local, .infrastructure = on_infrastructure,
		.changed = on_net, .ctx = node,
	};
	struct err err = { 0 };

	if (netstate_new(&config, &node->net, &err) < 0)
		log_err("%s", err.text);
}

/* ---- bus ---- */

static void on_view(void *ctx, const uint32_t *nodes, size_t n)
{
	struct node *node = ctx;
	struct engine_update u;
	nodeset view = 0;

	for (size_t i = 0; i < n; i++)
		if (nodes[i] >= 1 && nodes[i] <= CMM_NODE_ID_MAX)
			view |= node_bit(nodes[i]);
	engine_view(node->engine, node_now(), view, &u);
	node_take(node, &u);
	if (node->net)
		netstate_links(node->net);
}

static void on_deliver(void *ctx, uint32_t from, const char *data, size_t len)
{
	struct node *node = ctx;
	struct engine_update u;
	json_error_t error;
	json_t *m = json_loadb(data, len, 0, &error);

	if (!json_is_object(m)) {
		log_err("a message of node %u is no JSON object: %s", from, error.text);
		json_decref(m);
		return;
	}
	engine_deliver(node->engine, node_now(), from, m, &u);
	json_decref(m);
	node_take(node, &u);
}

static void on_down(void *ctx, const char *why)
{
	struct node *node = ctx;
	char reason[200];

	(void)snprintf(reason, sizeof reason, "The interconnect is lost on this node (%.120s); aborting.", why);
	if (engine_is_ready(node->engine))
		node_panic_now(node, reason);
	log_err("%s", reason);
	end(node, 1);
}

static const struct bus_callbacks bus_callbacks = { on_view, on_deliver, on_down };

/* Corosync may be starting still; commands are answered meanwhile. */
static void on_connect(uv_timer_t *timer)
{
	struct node *node = timer->data;
	struct err err = { 0 };
	int r = node->local ? bus_local_new(node->loop, node->self, &bus_callbacks, node, &node->bus, &err)
			    : bus_cpg_new(node->loop, node->self, &bus_callbacks, node, &node->bus, &err);

	if (r == 0) {
		uv_timer_stop(timer);
		return;
	}
	if (++node->bus_tries == 1)
		log_notice("waiting for corosync: %s", err.text);
	if ((r != -EAGAIN && r != -ECONNREFUSED) || node->bus_tries == BUS_RETRIES) {
		log_err("cannot join the cluster: %s", err.text);
		end(node, 1);
	}
}

void node_join(struct node *node)
{
	uv_timer_start(&node->connect, on_connect, 0, BUS_RETRY_MS);
}

/* ---- disk ---- */

static void on_stored(const json_t *request, const char *error, void *ctx)
{
	struct node *node = ctx;
	struct engine_update u;

	engine_stored(node->engine, node_now(), request, error, &u);
	node_take(node, &u);
	if (node->nodelist && !error && streq(ju_str(request, "table", ""), "infrastructure"))
		nodelist_update(node->nodelist, on_infrastructure(node));
}

static void on_table(const char *name, uint64_t gen, const json_t *data, void *ctx)
{
	struct node *node = ctx;

	engine_load(node->engine, name, gen, data);
}

static void on_history(const json_t *entry, size_t bytes, void *ctx)
{
	struct node *node = ctx;

	engine_load_history(node->engine, entry, bytes);
}

static void on_note(const char *text, void *ctx)
{
	(void)ctx;
	log_tagged("Cluster.CCR", LOG_ERR, "%s", text);
}

/* ---- start ---- */

static uint32_t read_node_id(void)
{
	FILE *f = fopen(path_state(NODEID_FILE), "re");
	unsigned id = 0;

	if (!f || fscanf(f, "%u", &id) != 1 || id < 1 || id > CMM_NODE_ID_MAX) {
		log_err("%s does not hold the node id of this machine (1 to %d): it is no node of a cluster yet; see cluster create",
			path_state(NODEID_FILE), CMM_NODE_ID_MAX);
		exit(1);
	}
	fclose(f);
	return id;
}

/* What an earlier clusterd started may still run.  /run is empty after a boot, and an orderly stop removes the file. */
static void claim_incarnation(struct node *node)
{
	const char *path = path_state(INCARNATION_FILE);
	int fd;

	(void)path_mkdirs(path_state("/run/cluster"), 0755);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		log_err("cannot start: %s: %s. A clusterd has run since this machine was booted and did not stop in order; reboot "
			"the machine so that nothing it started is left", path, strerror(errno));
		exit(1);
	}
	dprintf(fd, "%" PRIu64 "\n", node->incarnation);
	close(fd);
}

/* Beats must go out on a loaded machine, too.  The threads of libuv's pool are made later and inherit the priority: with a
 * lower one they could be preempted in the middle of uv_async_send(), for which the loop spins (seen: one second, until the
 * kernel throttled it). */
static void become_urgent(void)
{
	struct sched_param param = { .sched_priority = 10 };

	if (sched_setscheduler(0, SCHED_RR, &param) < 0)
		log_warn("cannot become real-time: %s", strerror(errno));
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		log_info("cannot lock memory: %s", strerror(errno));
}

static bool only_one_node(const struct node *node)
{
	const json_t *data = ccr_table(engine_ccr(node->engine), "infrastructure");
	const char *key;
	json_t *v;
	unsigned n = 0;

	json_object_foreach((json_t *)data, key, v)
		if (strncmp(key, "cluster.nodes.", 14) == 0 && strlen(key) > 5 && streq(key + strlen(key) - 5, ".name") &&
		    !strstr(key, "adapters"))
			n++;
	return n == 1;
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct node *node = handle->data;
	struct engine_update u;
	json_t *request;

	(void)signum;
	if (!engine_is_ready(node->engine))
		end(node, 0);
	if (node->stopping)
		return;
	node->stopping = true;
	log_notice("asked to stop: moving resource groups to other nodes");
	request = ju_pack("{ss,ss}", "op", "node_leave", "node", rgm_node_name(engine_rgm(node->engine), node->self));
	engine_request(node->engine, node_now(), STOP_CLIENT, request, "clusterd", &u);
	json_decref(request);
	node_take(node, &u);
}

static void load(struct node *node)
{
	struct engine_config config = { .self = node->self, .incarnation = node->incarnation };
	struct store_record record;
	struct err err = { 0 };

	if (store_epoch_open(&record, &err) < 0) {
		log_err("%s", err.text);
		exit(1);
	}
	config.epoch = record.epoch;
	config.keys = record.keys;
	config.synced = record.synced;
	node->engine = engine_new(&config);
	store_history_load(on_history, on_note, node);
	if (store_load(on_table, on_note, node, &err) < 0) {
		log_err("cannot start: %s", err.text);
		exit(1);
	}
	if (store_amnesia())
		engine_has_amnesia(node->engine);
	if (engine_start(node->engine, &err) < 0) {
		log_err("cannot start: %s", err.text);
		exit(1);
	}
}

static void usage(FILE *to)
{
	fprintf(to, "usage: clusterd [-n]\n\n"
		    "The cluster daemon of this node.  Needs failfastd, pmfd and corosync.\n"
		    "  -n, --no-failfast   do not register with failfastd (for tests on one machine)\n"
		    "  -h, --help          this text\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "no-failfast", no_argument, NULL, 'n' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	static uv_signal_t term, interrupt;
	struct node node = { .loop = uv_default_loop(), .failfast_fd = -1 };
	struct err err = { 0 };
	bool failfast = true;
	int opt;

	while ((opt = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
		if (opt == 'n')
			failfast = false;
		else {
			usage(opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		}
	}
	log_open("Cluster.clusterd");
	umask(022);
	node.self = read_node_id();
	node.incarnation = (uint64_t)node_now().wall_ms;
	load(&node);
	claim_incarnation(&node);
	starts_begin(&node);
	if (failfast) {
		node.failfast_fd = failfast_register("clusterd", 0, &err);
		if (node.failfast_fd < 0) {
			log_err("cannot register with failfastd: %s", err.text);
			end(&node, 1);
		}
		if (node_panic_init(getenv("PARHELION_PANIC"), &err) < 0) {
			log_err("%s", err.text);
			end(&node, 1);
		}
	}
	become_urgent();
	if (log_start_thread() < 0)
		log_warn("cannot start the log thread; a slow log disk will hold up this daemon");
	node.local = only_one_node(&node);
	node.store = store_queue_new(node.loop, on_stored, &node);
	node.journal = journal_new(node.loop);
	node.devices = devices_new(node.loop, node.self, on_device, &node);
	node.fence = fence_new(node.loop, on_fenced, &node);
	if (!node.local)
		node.nodelist = nodelist_new(node.loop, on_infrastructure(&node), cmm_timers(engine_cmm(node.engine)));
	node.timer.data = node.connect.data = term.data = interrupt.data = &node;
	uv_timer_init(node.loop, &node.timer);
	uv_signal_init(node.loop, &term);
	uv_signal_init(node.loop, &interrupt);
	uv_signal_start(&term, on_signal, SIGTERM);
	uv_signal_start(&interrupt, on_signal, SIGINT);
	if (api_start(&node, &err) < 0) {
		log_err("cannot open the socket: %s", err.text);
		end(&node, 1);
	}
	watch_networks(&node);
	uv_timer_init(node.loop, &node.connect);
	if (!node.starts.on)
		node_join(&node);
	log_notice("node %u starts, version " PARHELION_VERSION, node.self);
	daemon_ready();
	uv_run(node.loop, UV_RUN_DEFAULT);
	return 0;
}
