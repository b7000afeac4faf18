#include "cmm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct cmm_world w;

nodeset nodes_of(const uint32_t *ids)
{
	nodeset set = 0;

	for (; *ids; ids++)
		set |= node_bit(*ids);
	return set;
}

static void take(uint32_t id, struct cmm_update *u)
{
	struct cmm_node *n = &w.node[id];
	json_t *v;
	size_t i;

	if (u->panic[0]) {
		(void)snprintf(n->panic, sizeof n->panic, "%s", u->panic);
		assert_null(u->send);   /* who ends says nothing more */
	}
	json_array_foreach(u->send, i, v) {
		ju_push(w.log, ju_pack("[I,o,O]", (json_int_t)id, nodeset_to_json(cmm_view(n->cmm)), v));
		ju_push(w.sent, ju_pack("{sI,sO}", "from", (json_int_t)id, "m", v));
	}
	json_array_foreach(u->notes, i, v)
		json_array_append(w.notes, v);
	if (u->store_epoch)
		n->writing = u->store_epoch;
	n->lease_until_ms = u->lease_until_ms;
	n->timer_ms = u->timer_ms;
	n->became_ready = u->became_ready;
	if (u->activated) {
		n->activations++;
		n->owes_sync = !cmm_is_ready(n->cmm);
	}
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

void written(uint32_t id, const char *error)
{
	struct cmm_node *n = &w.node[id];
	uint64_t epoch = n->writing;

	n->writing = 0;
	if (!error)
		n->epoch = epoch;
	step(id, (struct cmm_event) { .type = CMM_EV_STORED, .epoch = epoch, .error = error });
}

void synced(uint32_t id)
{
	w.node[id].owes_sync = false;
	step(id, (struct cmm_event) { .type = CMM_EV_SYNCED });
}

void deliver(uint32_t to, uint32_t from, const json_t *message)
{
	step(to, (struct cmm_event) { .type = CMM_EV_MESSAGE, .from = from, .message = message });
}

void deliver_text(uint32_t to, uint32_t from, const char *text)
{
	json_t *m = json_loads(text, 0, NULL);

	assert_non_null(m);
	deliver(to, from, m);
	json_decref(m);
}

void run(void)
{
	bool progress = true;

	while (progress && !w.deaf) {
		progress = false;
		for (uint32_t id = 1; id <= NODES; id++) {
			if (w.node[id].writing && !w.slow_disks) {
				written(id, NULL);
				progress = true;
			}
			if (w.node[id].owes_sync && !w.no_sync) {
				synced(id);
				progress = true;
			}
		}
		if (json_array_size(w.log)) {
			json_t *e = json_incref(json_array_get(w.log, 0));
			nodeset view = nodeset_from_json(json_array_get(e, 1));

			json_array_remove(w.log, 0);
			FOR_EACH(id, view)
				if (w.node[id].cmm && cmm_view(w.node[id].cmm) == view)
					deliver(id, (uint32_t)json_integer_value(json_array_get(e, 0)), json_array_get(e, 2));
			json_decref(e);
			progress = true;
		}
	}
}

void run_until(uint64_t end)
{
	run();
	for (;;) {
		uint64_t due = end + 1;

		for (uint32_t id = 1; id <= NODES; id++)
			if (w.node[id].cmm && !w.node[id].panic[0] && w.node[id].timer_ms)
				due = MIN(due, w.node[id].timer_ms);
		if (due > end)
			break;
		w.now = MAX(w.now, due);
		for (uint32_t id = 1; id <= NODES; id++)
			if (w.node[id].timer_ms && w.node[id].timer_ms <= w.now)
				step(id, (struct cmm_event) { .type = CMM_EV_TIMER });
		run();
	}
	w.now = end;
}

void run_for(uint64_t ms) { run_until(w.now + ms); }

void view(nodeset set)
{
	FOR_EACH(id, set)
		step(id, (struct cmm_event) { .type = CMM_EV_VIEW, .view = set });
}

void boot(uint32_t id)
{
	struct cmm_node *n = &w.node[id];
	struct cmm_config config = { .self = id, .incarnation = id * 100 + ++n->boots, .epoch = n->epoch,
				     .synced = n->synced, .amnesia = n->amnesia,
				     .votes = { .configured = w.configured, .generation = n->generation,
						.takeover_highest_ms = w.takeover_highest_ms, .fence = w.fence,
						.fence_required = w.fence_required } };

	if (w.device_votes)
		config.votes.device[1] = (struct cmm_device_config) { .name = "d", .votes = w.device_votes, .ports = w.configured,
								      .enabled = true };
	memcpy(config.votes.node, w.votes, sizeof config.votes.node);
	assert_int_equal(cmm_timers_derive(n->takeover_ms ? n->takeover_ms : 640, &config.timers, NULL), 0);
	cmm_free(n->cmm);
	*n = (struct cmm_node) { .cmm = cmm_new(&config), .epoch = n->epoch, .generation = n->generation, .synced = n->synced, .boots = n->boots };
}

void power_off(uint32_t id)
{
	w.node[id].cmm = cmm_free(w.node[id].cmm);
	w.node[id].writing = 0;
	w.node[id].owes_sync = false;
}

int world_done(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= NODES; id++)
		cmm_free(w.node[id].cmm);
	json_decref(w.log);
	json_decref(w.sent);
	json_decref(w.notes);
	memset(&w, 0, sizeof w);
	return 0;
}

void world(uint32_t n)
{
	world_done(NULL);
	w.log = json_array();
	w.sent = json_array();
	w.notes = json_array();
	w.now = 10000;
	for (uint32_t id = 1; id <= n; id++) {
		w.configured |= node_bit(id);
		w.votes[id] = 1;
	}
	for (uint32_t id = 1; id <= n; id++)
		boot(id);
}

nodeset first_nodes(uint32_t n) { return ((nodeset)1 << n) - 1; }

void formed(uint32_t n)
{
	world(n);
	view(first_nodes(n));
	run_for(2 * BEAT);
	for (uint32_t id = 1; id <= n; id++)
		assert_true(cmm_is_ready(w.node[id].cmm));
}

const struct cmm_membership *seen_by(uint32_t id) { return cmm_membership(w.node[id].cmm); }

unsigned count_sent(uint32_t from, const char *type)
{
	unsigned n = 0;
	json_t *v;
	size_t i;

	json_array_foreach(w.sent, i, v)
		if ((!from || ju_int(v, "from", 0) == from) && streq(ju_str(json_object_get(v, "m"), "t", ""), type))
			n++;
	return n;
}

json_t *last_sent(uint32_t from, const char *type)
{
	for (size_t i = json_array_size(w.sent); i; i--) {
		json_t *v = json_array_get(w.sent, i - 1), *m = json_object_get(v, "m");

		if (ju_int(v, "from", 0) == from && streq(ju_str(m, "t", ""), type))
			return m;
	}
	fail_msg("node %u never sent %s", from, type);
	return NULL;
}

bool noted(const char *text)
{
	json_t *v;
	size_t i;

	json_array_foreach(w.notes, i, v)
		if (strstr(json_string_value(v), text))
			return true;
	return false;
}

void expect_panic(uint32_t id, const char *says)
{
	if (!strstr(w.node[id].panic, says))
		fail_msg("node %u: \"%s\" instead of \"%s\"", id, w.node[id].panic, says);
}
