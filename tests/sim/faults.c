/* The fault model: README.md says it in words. */
#include "sim.h"

/* ---- the interconnect ---- */

static void cut_clean(void)
{
	nodeset a = rnd_upto((uint64_t)1 << w.nodes);

	for (uint32_t i = 1; i <= w.nodes; i++)
		w.hears[i] = nodeset_has(a, i) ? a : ~a;
}

/* One node does not hear another, which goes on hearing it. */
static void cut_one_way(void)
{
	w.hears[rnd_range(1, w.nodes)] &= ~node_bit((uint32_t)rnd_range(1, w.nodes));
}

/* Two nodes do not hear each other; both hear the rest. */
static void cut_pair(void)
{
	uint32_t a = (uint32_t)rnd_range(1, w.nodes), b = (uint32_t)rnd_range(1, w.nodes);

	w.hears[a] &= ~node_bit(b);
	w.hears[b] &= ~node_bit(a);
}

static void partition(void)
{
	static void (*const cuts[])(void) = { cut_clean, cut_clean, cut_one_way, cut_pair };

	cuts[rnd_upto(ARRAY_SIZE(cuts))]();
	for (uint32_t i = 1; i <= w.nodes; i++) {
		w.hears[i] |= node_bit(i);
		trace("node%u hears %#" PRIx64, i, w.hears[i] & (((nodeset)1 << w.nodes) - 1));
	}
	component_changed();
	schedule(w.now + rnd_range(50, 5000), EV_HEAL, 0, 0, NULL);
}

/* ---- machines that stand still ---- */

/* Often until just before the lease ends, or just after. */
static uint64_t freeze_time(const struct sim_node *n)
{
	static const struct { unsigned percent; uint64_t lo, hi; } times[] = {
		{ 50, 50, 400 }, { 45, 400, 4000 }, { 5, 4000, 60000 },
	};
	uint64_t dice = rnd_upto(100), end = n->lease_until ? from_node_clock(n, n->lease_until) : 0;
	size_t i = 0;

	if (end > w.now + 20 && chance(25))
		return end - w.now - 16 + rnd_upto(20);
	while (dice >= times[i].percent)
		dice -= times[i++].percent;
	return rnd_range(times[i].lo, times[i].hi);
}

static void freeze(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!n->up || n->frozen)
		return;
	trace("node%u freezes", id);
	n->frozen = true;
	schedule(w.now + freeze_time(n), EV_THAW, id, n->life, NULL);
	/* A short one goes unnoticed: the token waits. */
	schedule(w.now + w.takeover_ms * 17 / 64, EV_TOKEN_LOST, id, n->life, NULL);
}

static void wake_too_late(uint32_t id)
{
	struct engine_update u;

	engine_timer(w.node[id].engine, clock_of(&w.node[id]), &u);
	take(id, &u);
	if (w.node[id].up)
		fail("node%u goes on although its lease is over", id);
}

/* What was to be done meanwhile. */
static void catch_up(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	const char *key;
	json_t *v;

	switch_ring(id, 0);
	wake(id);
	if (!n->up)
		return;
	schedule(w.now, EV_TIMER, id, n->timer_due, NULL);
	if (json_array_size(n->queue)) {
		n->queue_due = 0;
		start_storage(id);
	}
	json_object_foreach(n->running, key, v)
		schedule(w.now + rnd_range(1, 10), EV_RAN, id, strtoull(key, NULL, 10), NULL);
}

void thaw(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!n->frozen)
		return;
	n->frozen = n->hung = false;
	trace("node%u thaws", id);
	if (lease_is_over(n)) {
		/* failfastd runs first, but clusterd may be in the middle of something on another processor. */
		if (chance(30))
			wake_too_late(id);
		crash(id, "failfastd: lease");
		return;
	}
	component_changed();
	catch_up(id);
}

/* The machine is well and its corosync in the ring, but clusterd does nothing for a while. */
static void hang(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!n->up || n->frozen || n->hung)
		return;
	trace("clusterd of node%u hangs", id);
	n->hung = true;
	schedule(w.now + freeze_time(n), EV_RESUME, id, 0, NULL);
}

void resume(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!n->hung || n->frozen)
		return;
	n->hung = false;
	trace("clusterd of node%u goes on", id);
	catch_up(id);
}

/* ---- the rest ---- */

static void leaves(uint32_t id)        { admin_leave(id); }
static void clusterd_dies(uint32_t id) { daemon_dies(id); }
static void power_cut(uint32_t id) { crash(id, "power cut"); }
static void cut(uint32_t id)       { (void)id; partition(); }

static void fill_disk(uint32_t id)
{
	w.node[id].disk_full = !w.node[id].disk_full;
	trace("node%u: disk %s", id, w.node[id].disk_full ? "full" : "has room again");
}

static void break_disk(uint32_t id)
{
	w.node[id].disk_errors = w.node[id].disk_errors ? 0 : 30;
	trace("node%u: disk %s", id, w.node[id].disk_errors ? "fails now and then" : "is well again");
}

static void step_clock(uint32_t id)
{
	w.node[id].wall_step = (int64_t)rnd_upto(7200000) - 3600000;
	w.stepped = true;
	trace("node%u: its wall clock steps", id);
}

static struct sim_device *some_device(void)
{
	uint64_t q = rnd_range(1, w.devices + w.disk);

	return w.devices + w.disk ? &w.device[q > w.devices ? DISK : q] : NULL;
}

static void lose_device(uint32_t id)
{
	struct sim_device *d = some_device();

	if (!d)
		return;
	d->worsened = true;
	d->lost_to = chance(50) ? ~(nodeset)0 : node_bit(id);
	trace("device %u is lost to %#" PRIx64, (unsigned)(d - w.device), d->lost_to);
	schedule(w.now + rnd_range(500, 6000), EV_DEVICE_BACK, 0, (uint64_t)(d - w.device), NULL);
}

static void worsen_device(uint32_t id)
{
	struct sim_device *d = some_device();

	(void)id;
	if (!d)
		return;
	d->worsened = true;
	d->slow = chance(50) ? 60 : 5;
	d->errors = chance(50) ? 30 : 0;
	d->lie_once = chance(50);
}

static void cut_all(uint32_t id)
{
	(void)id;
	for (uint32_t k = 1; k <= w.nodes; k++)
		if (chance(80))
			crash(k, "power cut of the site");
}

void fault(void)
{
	static const struct { unsigned weight; void (*happen)(uint32_t id); } faults[] = {
		{ 6, power_cut }, { 5, cut }, { 6, freeze }, { 3, hang }, { 2, fill_disk }, { 1, break_disk }, { 1, step_clock }, { 2, lose_device },
		{ 2, worsen_device }, { 2, cut_all }, { 1, clusterd_dies }, { 2, leaves },
		{ 20, disk_lies },               /* only where disks lie */
	};
	size_t kinds = ARRAY_SIZE(faults) - !w.lies;
	uint64_t sum = 0, dice;
	size_t i;

	if (w.calm)
		return;
	schedule(w.now + rnd_range(200, 4000), EV_FAULT, 0, 0, NULL);
	for (i = 0; i < kinds; i++)
		sum += faults[i].weight;
	dice = rnd_upto(sum);
	for (i = 0; dice >= faults[i].weight; i++)
		dice -= faults[i].weight;
	faults[i].happen((uint32_t)rnd_range(1, w.nodes));
}

/* One machine is broken for good: the others have to do without.  (With a device they may need its key.) */
static void lose_one(void)
{
	if (w.nodes < 3 || w.rot || !chance(20))
		return;
	w.absent = (uint32_t)rnd_range(1, w.nodes);
	w.absent_until = w.now + 18000 + 4 * w.takeover_ms;
	crash(w.absent, "it does not boot any more");
}

void calm_down(void)
{
	w.calm = true;
	connect_all();
	for (uint32_t id = 1; id <= w.nodes; id++) {
		w.node[id].disk_full = false;
		w.node[id].disk_errors = 0;
		disk_is_honest(&w.node[id]);
		thaw(id);
		resume(id);
		schedule(w.now + rnd_range(800, 6000), EV_BOOT, id, 0, NULL);
	}
	lose_one();
	for (uint32_t q = 1; q <= DEVICES_MAX; q++)
		w.device[q] = (struct sim_device) { .keys = w.device[q].keys, .late = w.device[q].late, .worsened = w.device[q].worsened };
	component_changed();
}
