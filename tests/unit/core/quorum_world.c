#include "quorum_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct quorum_world w;

void device_act(uint32_t id, uint32_t q)
{
	struct cmm_device_request *r = &w.node[id].op[q], request = *r;
	enum cmm_device_result result = DEVICE_OK;

	r->op = DEVICE_NOTHING;
	if (w.broken)
		result = DEVICE_ERROR;
	else if (request.op == DEVICE_REGISTER)
		w.keys[q] |= node_bit(id);
	else if (request.op == DEVICE_TAKE && !nodeset_has(w.keys[q], id))
		result = DEVICE_PREEMPTED;
	else if (request.op == DEVICE_TAKE)
		w.keys[q] &= request.keep;
	step(id, (struct cmm_event) { .type = CMM_EV_DEVICE, .device = q, .op = request.op, .result = result, .keys_seen = w.keys[q],
				      .wall_ms = 1 });
}

static void take(uint32_t id, struct cmm_update *u)
{
	struct quorum_node *n = &w.node[id];
	json_t *v;
	size_t i;

	if (u->panic[0])
		(void)snprintf(n->panic, sizeof n->panic, "%s", u->panic);
	json_array_foreach(u->send, i, v)
		ju_push(w.log, ju_pack("[I,o,O]", (json_int_t)id, nodeset_to_json(cmm_view(n->cmm)), v));
	if (u->store) {
		n->writing = true;
		n->w_epoch = u->store_epoch;
		n->w_keys = u->store_keys;
		n->w_synced = u->store_synced;
	}
	for (i = 0; i < u->device_count; i++) {
		assert_int_equal(n->op[u->device[i].device].op, DEVICE_NOTHING);
		n->op[u->device[i].device] = u->device[i];
	}
	n->timer_ms = u->timer_ms;
	if (u->activated)
		n->owes_sync = !cmm_is_ready(n->cmm);
	cmm_update_done(u);
}

void step(uint32_t id, struct cmm_event event)
{
	struct cmm_update u;

	if (!w.node[id].cmm || w.node[id].panic[0])
		return;
	event.now_ms = w.now;
	cmm_step(w.node[id].cmm, &event, &u);
	take(id, &u);
}

static bool go_on(uint32_t id)
{
	struct quorum_node *n = &w.node[id];

	if (nodeset_has(w.hung, id))
		return false;
	if (n->writing && !nodeset_has(w.slow, id)) {
		n->writing = false;
		n->epoch = n->w_epoch;
		n->keys = n->w_keys;
		n->synced = n->w_synced;
		step(id, (struct cmm_event) { .type = CMM_EV_STORED, .epoch = n->epoch, .keys = n->keys });
		return true;
	}
	if (n->owes_sync && !nodeset_has(w.behind, id)) {
		n->owes_sync = false;
		step(id, (struct cmm_event) { .type = CMM_EV_RESTORED });
		step(id, (struct cmm_event) { .type = CMM_EV_SYNCED });
		return true;
	}
	for (uint32_t q = 1; q <= DEVICES; q++)
		if (n->op[q].op != DEVICE_NOTHING && !nodeset_has(w.held, id)) {
			device_act(id, q);
			return true;
		}
	return false;
}

void deliver(uint32_t id, nodeset view, const json_t *e)
{
	if (w.node[id].cmm && cmm_view(w.node[id].cmm) == view)
		step(id, (struct cmm_event) { .type = CMM_EV_MESSAGE, .message = json_array_get(e, 2),
					      .from = (uint32_t)json_integer_value(json_array_get(e, 0)) });
}

void run(void)
{
	for (bool progress = true; progress;) {
		progress = false;
		for (uint32_t id = 1; id <= NODES; id++)
			progress |= go_on(id);
		if (!json_array_size(w.log))
			continue;
		json_t *e = json_incref(json_array_get(w.log, 0));
		nodeset view = nodeset_from_json(json_array_get(e, 1));

		json_array_remove(w.log, 0);
		if (w.keep && streq(ju_str(json_array_get(e, 2), "t", ""), w.keep)) {
			ju_push(w.kept, e);
			progress = true;
			continue;
		}
		if (view & w.hung)
			ju_push(w.missed, json_incref(e));
		FOR_EACH(id, view & ~w.hung & ~w.deaf)
			deliver(id, view, e);
		json_decref(e);
		progress = true;
	}
}

void run_for(uint64_t ms)
{
	uint64_t end = w.now + ms;

	run();
	for (;;) {
		uint64_t due = end + 1;

		for (uint32_t id = 1; id <= NODES; id++)
			if (w.node[id].cmm && !w.node[id].panic[0] && !nodeset_has(w.hung, id) && w.node[id].timer_ms)
				due = MIN(due, w.node[id].timer_ms);
		if (due > end)
			break;
		w.now = MAX(w.now, due);
		for (uint32_t id = 1; id <= NODES; id++)
			if (!nodeset_has(w.hung, id) && w.node[id].timer_ms && w.node[id].timer_ms <= w.now)
				step(id, (struct cmm_event) { .type = CMM_EV_TIMER });
		run();
	}
	w.now = end;
}

void wake_up(void)
{
	nodeset woken = w.hung;
	json_t *e;
	size_t i;

	w.hung = 0;
	FOR_EACH(id, woken)
		step(id, (struct cmm_event) { .type = CMM_EV_TIMER });
	json_array_foreach(w.missed, i, e) {
		nodeset view = nodeset_from_json(json_array_get(e, 1));

		FOR_EACH(id, view & woken)
			deliver(id, view, e);
	}
	json_array_clear(w.missed);
}

void view(nodeset set)
{
	FOR_EACH(id, set)
		step(id, (struct cmm_event) { .type = CMM_EV_VIEW, .view = set });
}

void power_off(uint32_t id)
{
	struct quorum_node *n = &w.node[id];

	cmm_free(n->cmm);
	*n = (struct quorum_node) { .epoch = n->epoch, .keys = n->keys, .synced = n->synced };
}

void boot(uint32_t id)
{
	struct quorum_node *n = &w.node[id];
	struct cmm_config config = { .self = id, .incarnation = ++w.boots, .epoch = n->epoch, .keys = n->keys, .synced = n->synced,
				     .votes = w.votes };

	power_off(id);
	assert_int_equal(cmm_timers_derive(TAKEOVER, &config.timers, NULL), 0);
	n->cmm = cmm_new(&config);
}

void reconfigure(nodeset nodes)
{
	w.votes.generation++;
	FOR_EACH(id, nodes)
		cmm_configure(w.node[id].cmm, &w.votes);
}

int world_done(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= NODES; id++)
		cmm_free(w.node[id].cmm);
	json_decref(w.log);
	json_decref(w.missed);
	json_decref(w.kept);
	memset(&w, 0, sizeof w);
	return 0;
}

void world(uint32_t n, const nodeset ports[DEVICES + 1])
{
	(void)world_done(NULL);
	w.log = json_array();
	w.missed = json_array();
	w.kept = json_array();
	w.now = 1000;
	w.votes.configured = ALL(n);
	for (uint32_t id = 1; id <= n; id++)
		w.votes.node[id] = 1;
	for (uint32_t q = 1; ports[q - 1]; q++) {
		struct cmm_device_config *d = &w.votes.device[q];

		(void)snprintf(d->name, sizeof d->name, "d%u", q);
		d->ports = ports[q - 1];
		d->votes = (uint32_t)__builtin_popcountll(d->ports) - 1;
		d->enabled = true;
		w.keys[q] = d->ports;           /* from a life before */
		FOR_EACH(id, d->ports)
			w.node[id].keys |= (uint64_t)1 << q;
	}
	for (uint32_t id = 1; id <= n; id++)
		boot(id);
	view(ALL(n));
	run_for(2 * TAKEOVER);
	for (uint32_t id = 1; id <= n; id++)
		assert_true(cmm_is_ready(w.node[id].cmm));
	for (uint32_t q = 1; ports[q - 1]; q++) {
		assert_int_equal(w.keys[q], ports[q - 1]);
		assert_int_equal(cmm_device(w.node[1].cmm, q).good, ports[q - 1]);
	}
	for (uint32_t q = 1; ports[q - 1]; q++)
		assert_true(cmm_device(w.node[1].cmm, q).held);
}

bool lives(nodeset set)
{
	bool all = true;

	FOR_EACH(id, set)
		all &= w.node[id].cmm && !w.node[id].panic[0] && cmm_is_ready(w.node[id].cmm) &&
		       cmm_membership(w.node[id].cmm)->members == set;
	return all;
}
