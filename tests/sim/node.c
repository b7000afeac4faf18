/* One node around its engine: what the engine wants done, methods, life and death. */
#include "sim.h"

uint64_t node_clock(const struct sim_node *n, uint64_t at)
{
	return (uint64_t)((int64_t)at + (int64_t)at * n->drift_ppm / 1000000 + n->skew);
}

uint64_t from_node_clock(const struct sim_node *n, uint64_t t)
{
	int64_t x = ((int64_t)t - n->skew) * 1000000 / (1000000 + n->drift_ppm) + 1;

	return x < 0 ? 0 : (uint64_t)x;
}

struct engine_time clock_of(const struct sim_node *n)
{
	return (struct engine_time) { .mono_ms = node_clock(n, w.now), .wall_ms = 1700000000000 + (int64_t)w.now + n->wall_step };
}

#define NS_PER_MS 1000000u

static bool ends(const struct sim_node *n, uint64_t at_ms)
{
	char reason[FF_REASON_MAX];

	return ff_core_due(&n->failfastd, at_ms * NS_PER_MS, reason);
}

/* What failfastd of that node says, which has a millisecond to act. */
bool lease_is_over(const struct sim_node *n)
{
	return ends(n, node_clock(n, w.now) - 1);
}

static void run_method(uint32_t id, const json_t *run)
{
	struct sim_node *n = &w.node[id];
	const char *method = ju_str(run, "method", ""), *rs = ju_str(run, "rs", "");
	char key[24];

	(void)snprintf(key, sizeof key, "%" PRIi64, ju_int(run, "run", 0));
	ju_set_new(n->running, key, json_deep_copy(run));
	trace("node%u runs %s of %s", id, method, rs);
	check_start(id, rs, method);
	if (streq(method, "Start") || streq(method, "Prenet_start")) {
		ju_set_bool(n->truth, rs, true);
		check_running(rs);
		check_load(id);
	} else if (streq(method, "Fini")) {
		json_object_del(n->prepared, rs);
	} else if (streq(method, "Stop")) {
		if (ju_bool(n->serving, rs, false))
			note_served(id, rs);
		json_object_del(n->serving, rs);
	}
	schedule(w.now + (chance(5) ? rnd_range(100, 900) : rnd_range(1, 20)), EV_RAN, id, (uint64_t)ju_int(run, "run", 0), NULL);
}

/* A start fails of it.  Of a stop the kill comes too late: stops that fail are not modelled. */
static void kill_method(uint32_t id, uint64_t run)
{
	char key[24];
	json_t *r;

	(void)snprintf(key, sizeof key, "%" PRIu64, run);
	r = json_object_get(w.node[id].running, key);
	if (!r)
		return;
	ju_set_bool(r, "killed", true);
	trace("node%u kills %s of %s", id, ju_str(r, "method", ""), ju_str(r, "rs", ""));
	schedule(w.now + rnd_range(0, 3), EV_RAN, id, run, NULL);
}

static void set_alarms(uint32_t id, const struct engine_update *u)
{
	struct sim_node *n = &w.node[id];

	if (u->lease_until_ms != n->lease_until) {
		uint64_t deadline;

		ff_core_lease(&n->failfastd, n->failfast_slot, node_clock(n, w.now) * NS_PER_MS, u->lease_until_ms * NS_PER_MS);
		deadline = ff_core_deadline(&n->failfastd) / NS_PER_MS;
		if (deadline)
			schedule(from_node_clock(n, deadline), EV_FAILFAST, id, u->lease_until_ms, NULL);
	}
	n->lease_until = u->lease_until_ms;
	if (u->timer_ms && u->timer_ms != n->timer_due) {
		n->timer_due = u->timer_ms;
		schedule(from_node_clock(n, u->timer_ms), EV_TIMER, id, u->timer_ms, NULL);
	}
}

static void carry_out(uint32_t id, const struct engine_update *u)
{
	struct sim_node *n = &w.node[id];
	json_t *v;
	size_t i;

	set_alarms(id, u);
	json_array_foreach(u->store, i, v)
		ju_push(n->queue, json_incref(v));
	json_array_foreach(u->send, i, v) {
		if (streq(ju_str(v, "t", ""), "dead"))
			check_dead(id, v);
		else if (streq(ju_str(v, "t", ""), "ready"))
			check_ready(id, v);
		multicast(id, v);
	}
	json_array_foreach(u->device, i, v)
		start_device_op(id, v);
	json_array_foreach(u->fence, i, v)
		start_fence(id, v);
	json_array_foreach(u->run, i, v)
		run_method(id, v);
	json_array_foreach(u->kill, i, v)
		kill_method(id, (uint64_t)ju_int(v, "run", 0));
	json_array_foreach(u->answer, i, v)
		acknowledge(id, v);
	start_storage(id);
}

/* In order: what runs here would be a mistake. */
static void go_away(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (json_object_size(n->truth))
		fail("node%u leaves in order, but a resource runs there", id);
	ff_core_goodbye(&n->failfastd, n->failfast_slot);
	if (ff_core_count(&n->failfastd) || ff_core_deadline(&n->failfastd))
		fail("node%u leaves in order, but failfastd would still end it", id);
	trace("node%u leaves in order", id);
	ring_leave(id);
	node_off(n);
	component_changed();
	schedule(w.now + rnd_range(800, 6000), EV_BOOT, id, 0, NULL);
}

void leave(uint32_t id)
{
	struct engine_update u;

	engine_leave(w.node[id].engine, clock_of(&w.node[id]), &u);
	take(id, &u);
}

static void note_held(struct sim_node *n)
{
	const struct cmm *cmm = engine_cmm(n->engine);
	const struct cmm_membership *ms = cmm_membership(cmm);

	n->held = ms->epoch == n->held_epoch ? n->held : 0;
	n->held_epoch = ms->epoch;
	n->held |= ms->held;
	for (uint32_t q = 1; q <= DEVICES_MAX; q++)
		n->held |= cmm_device(cmm, q).held ? (uint64_t)1 << q : 0;
}

void take(uint32_t id, struct engine_update *update)
{
	struct engine_update u = *update;
	struct sim_node *n = &w.node[id];
	json_t *v;
	size_t i;

	*update = (struct engine_update) { 0 };
	if (w.verbose)
		json_array_foreach(u.notes, i, v)
			trace("node%u: %s", id, ju_str(v, "text", ""));
	json_array_foreach(u.journal, i, v)
		check_epoch(id, v);
	if (u.store && engine_is_ready(n->engine))      /* no table changes without storing */
		check_no_lost_update(id);
	note_held(n);
	if (cmm_config_votes(engine_cmm(n->engine))->generation != n->votes.generation)
		n->votes = *cmm_config_votes(engine_cmm(n->engine));
	if (u.left) {
		carry_out(id, &u);
		go_away(id);
	} else if (u.stop[0]) {
		trace("node%u stops: %s", id, u.stop);
		go_away(id);
	} else if (u.panic[0]) {
		if (strstr(u.panic, "state of this node differs"))
			fail("node%u: %s", id, u.panic);
		crash(id, u.panic);
	} else {
		carry_out(id, &u);
	}
	engine_update_done(&u);
}

void node_off(struct sim_node *n)
{
	n->up = n->frozen = n->hung = false;
	n->life++;
	n->engine = engine_free(n->engine);
	ring_forget(n);
	for (uint32_t q = 1; q <= DEVICES_MAX; q++) {
		json_decref(n->device_ops[q]);
		n->device_ops[q] = NULL;
	}
	json_array_clear(n->queue);
	json_array_clear(n->unsent);
	json_object_clear(n->running);
	for (const char *rs = json_object_iter_key(json_object_iter(n->serving)); rs;
	     rs = json_object_iter_key(json_object_iter_next(n->serving, json_object_key_to_iter(rs))))
		note_served((uint32_t)(n - w.node), rs);
	json_object_clear(n->truth);
	json_object_clear(n->serving);
	json_object_clear(n->prepared);
	n->lease_until = n->timer_due = n->lag_due = n->queue_due = 0;
}

void crash(uint32_t id, const char *why)
{
	struct sim_node *n = &w.node[id];

	if (!n->up)
		return;
	trace("node%u DIES: %s", id, why);
	/* A write that was under way may or may not have reached the disk; later ones have not. */
	if (json_array_size(n->queue) && chance(50))
		write_disk(n, json_array_get(n->queue, 0));
	if (n->platter)
		disk_forgets(id);
	node_off(n);
	component_changed();
	schedule(w.now + (chance(85) || w.calm ? rnd_range(800, 6000) : rnd_range(6000, 15000)), EV_BOOT, id, 0, NULL);
	w.deaths++;
}

static bool somebody_forgot(void)
{
	for (uint32_t id = 1; id <= w.nodes; id++)
		if (ju_bool(w.node[id].disk, "amnesia", false))
			return true;
	return false;
}

/* A table of a group rots; of one node at a time, else nobody could know any more. */
static void let_a_table_rot(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	char table[32];

	if (!w.rot || w.calm || !chance(10) || somebody_forgot())
		return;
	(void)snprintf(table, sizeof table, "rgm_rg_g%u", (unsigned)rnd_upto(GROUPS));
	json_object_del(n->disk, table);
	ju_set_bool(n->disk, "amnesia", true);
	trace("node%u finds %s damaged", id, table);
}

static void load_disk(struct sim_node *n, uint32_t id)
{
	struct engine_config config = { .self = id, .incarnation = n->incarnation, .epoch = (uint64_t)ju_int(n->disk, "epoch", 0),
					.keys = (uint64_t)ju_int(n->disk, "keys", 0), .synced = (uint64_t)ju_int(n->disk, "synced", 0),
					.level_min = 1, .level_max = n->level };
	const char *name;
	json_t *text, *data;
	struct err err = { 0 };
	uint64_t gen;
	void *tmp;

	json_object_foreach_safe(n->disk, tmp, name, text)
		if (strstr(name, ".intent"))    /* what was not committed here is decided elsewhere */
			json_object_del(n->disk, name);
	n->engine = engine_new(&config);
	json_object_foreach(n->disk, name, text) {
		if (!json_is_string(text) || strstr(name, ".intent") || is_history(name))
			continue;
		if (ccr_parse(json_string_value(text), strlen(json_string_value(text)), &gen, &data, &err) < 0) {
			fail("node%u: table %s on the disk: %s", id, name, err.text);
			continue;
		}
		engine_load(n->engine, name, gen, data);
		json_decref(data);
	}
	load_history(n);
	if (ju_bool(n->disk, "amnesia", false))
		engine_has_amnesia(n->engine);
	if (engine_start(n->engine, &err) < 0)
		fail("node%u cannot start: %s", id, err.text);
	else
		n->votes = *cmm_config_votes(engine_cmm(n->engine));
}

/* What a node says of its networks is another thing each time. */
void say_net(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	_cleanup_free_ char *name = xasprintf("eth%u", ++n->net);
	json_t *report = ju_pack("{s{},s[{ss,sb}]}", "links", "adapters", "name", name, "up", true);
	struct engine_update u;

	engine_net(n->engine, clock_of(n), report, &u);
	json_decref(report);
	take(id, &u);
}

void boot(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (n->up)
		return;
	if (id == w.absent && w.now < w.absent_until) {
		schedule(w.absent_until, EV_BOOT, id, 0, NULL);
		return;
	}
	n->up = true;
	n->life++;
	n->incarnation = w.now + 1;
	/* Half a per cent each way, and often all of it. */
	n->drift_ppm = chance(50) ? (int64_t)rnd_range(0, 10000) - 5000 : chance(50) ? 5000 : -5000;
	n->lag = chance(10) ? 40 : 3;
	n->slow_disk_until = chance(10) ? w.now + 2000 : 0;
	n->litter = false;
	n->failfastd = (struct ff_core) { 0 };
	n->failfast_slot = ff_core_register(&n->failfastd, 0, "clusterd", 0);
	n->skew = (int64_t)rnd_range(1000, 100000);
	trace("node%u boots", id);
	let_a_table_rot(id);
	load_disk(n, id);
	if (w.failure[0])
		return;
	say_net(id);
	component_changed();
}

void ran(uint32_t id, uint64_t run)
{
	struct sim_node *n = &w.node[id];
	char key[24];
	json_t *r, *result;
	const char *method, *rs;
	struct engine_update u;
	int code;

	(void)snprintf(key, sizeof key, "%" PRIu64, run);
	r = json_object_get(n->running, key);
	if (!r)
		return;
	method = ju_str(r, "method", "");
	rs = ju_str(r, "rs", "");
	code = !w.calm && streq(method, "Start") && (chance(3) || ju_bool(r, "killed", false)) ? 1 : 0;
	if (streq(method, "Postnet_stop") || streq(method, "Stop"))
		json_object_del(n->truth, rs);
	if (streq(method, "Start") && code == 0)
		ju_set_bool(n->serving, rs, true);
	if (streq(method, "Init") || streq(method, "Boot")) {
		ju_set_bool(n->prepared, rs, true);
		code = chance(10);
	}
	json_object_del(n->running, key);
	result = ju_pack("{si,sb,ss,sf}", "exit", code, "timed_out", 0, "output", "", "ms", 5.0);
	engine_ran(n->engine, clock_of(n), run, result, &u);
	json_decref(result);
	take(id, &u);
}

/* clusterd dies, and with it whoever would stop what runs here. */
void daemon_dies(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!n->up || n->frozen)
		return;
	ff_core_lost(&n->failfastd, n->failfast_slot, node_clock(n, w.now) * NS_PER_MS);
	if (!ends(n, node_clock(n, w.now)))
		fail("node%u goes on without its clusterd", id);
	crash(id, "failfastd: clusterd died");
}

void failfast(uint32_t id, uint64_t deadline)
{
	struct sim_node *n = &w.node[id];

	if (n->lease_until != deadline)
		return;
	if (lease_is_over(n))
		crash(id, "failfastd: lease");
	else
		schedule(w.now + 1, EV_FAILFAST, id, deadline, NULL);
}
