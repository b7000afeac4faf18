/* Quorum devices: who holds them, and this node's own keys.
 *
 * A device knows keys, one a node.  Whoever has a key there may take the device for a set of nodes: that removes the keys
 * of all others, at once or not at all.  So of two sets of nodes that went apart one at most gets it.  The votes of a
 * device count for a view when it was taken in that view, or when all whose key may be used are in it.
 *
 * Everything else here is about "may be used".  A key that is put on late, when the others have gone on without its node,
 * must be worth nothing.  So a node uses its key only when its own disk says so, and the disk says so only after every
 * member has counted the node among those who can take the device (keyed):
 *
 *   disk: not to be used ──> put the key on the device ──> tell (qkey) ──> all members have sent a beat since
 *        ──> disk: to be used
 *
 * keyed never has too few nodes in it, at no member: it grows when qkey is delivered, which is before the key can be used,
 * and shrinks when a take that removed the others' keys is delivered (qhave), which is after they are gone. */
#include "cmm/state.h"

#include <stdio.h>

#include "base/buf.h"

const char *const cmm_device_op_names[DEVICE_OP_COUNT] = { "nothing", "register", "take", "check" };

#define RETRY_MS 1000u          /* after an error of a device */
#define DISK_CHECK_MS 2000u     /* a shared disk is looked at this often */

static const struct cmm_device_config *config_of(const struct cmm *cmm, uint32_t id)
{
	return &cmm->config.votes.device[id];
}

static const char *kind_of(const struct cmm *cmm, uint32_t id)
{
	return config_of(cmm, id)->data ? "Shared disk" : "Quorum device";
}

static bool connected(const struct cmm *cmm, uint32_t id)
{
	return config_of(cmm, id)->enabled && nodeset_has(config_of(cmm, id)->ports, cmm->config.self);
}

static uint32_t read_id(const struct cmm *cmm, const json_t *value)
{
	json_int_t id = json_integer_value(value);

	return id >= 1 && id <= CMM_DEVICE_ID_MAX && config_of(cmm, (uint32_t)id)->name[0] ? (uint32_t)id : 0;
}

/* ---- votes ---- */

static bool counts_for(const struct device *d, nodeset set)
{
	return d->held && d->keyed && (d->keyed & ~set) == 0;
}

uint32_t quorum_votes(const struct cmm *cmm)
{
	return quorum_votes_within(cmm, cmm->view);
}

uint32_t quorum_votes_within(const struct cmm *cmm, nodeset set)
{
	uint32_t votes = 0;

	FOR_EACH_DEVICE(cmm, id)
		if (counts_for(&cmm->device[id], set))
			votes += config_of(cmm, id)->votes;
	return votes;
}

uint32_t quorum_votes_reachable(const struct cmm *cmm, nodeset set)
{
	uint32_t votes = 0;

	FOR_EACH_DEVICE(cmm, id)
		if (counts_for(&cmm->device[id], set) || (config_of(cmm, id)->enabled && (config_of(cmm, id)->ports & set)))
			votes += config_of(cmm, id)->votes;
	return votes;
}

uint64_t quorum_winnable(const struct cmm *cmm, nodeset set)
{
	uint64_t devices = 0;

	FOR_EACH_DEVICE(cmm, id) {
		const struct device *d = &cmm->device[id];

		if (!counts_for(d, set) && config_of(cmm, id)->enabled && config_of(cmm, id)->votes && (d->good & set))
			devices |= device_bit(id);
	}
	return devices;
}

static bool may_be_taken(const struct cmm *cmm, uint32_t id)
{
	return !cmm->device[id].held && config_of(cmm, id)->enabled && !config_of(cmm, id)->data && (config_of(cmm, id)->ports & cmm->view);
}

bool quorum_wanted(const struct cmm *cmm)
{
	FOR_EACH_DEVICE(cmm, id)
		if (may_be_taken(cmm, id))
			return true;
	return false;
}

bool quorum_undecided(const struct cmm *cmm)
{
	FOR_EACH_DEVICE(cmm, id) {
		const struct device *d = &cmm->device[id];

		if (may_be_taken(cmm, id) && (!d->asked || d->waiting))
			return true;
	}
	return false;
}

struct cmm_device_view cmm_device(const struct cmm *cmm, uint32_t id)
{
	const struct device *d = &cmm->device[id];

	assert(id >= 1 && id <= CMM_DEVICE_ID_MAX);
	return (struct cmm_device_view) { .held = counts_for(d, cmm->view), .keyed = d->keyed, .good = d->good, .seen = d->seen,
					  .proved_ms = d->proved_ms, .why = d->why };
}

/* ---- configuration, views, joining ---- */

/* Nothing is known of a device but what is on the disk here. */
static void forget(struct cmm *cmm, uint32_t id)
{
	struct device *d = &cmm->device[id];

	d->held = d->asked = d->want_take = false;
	d->waiting = 0;
	d->asked_ms = 0;
	d->keyed = config_of(cmm, id)->ports;
	d->good = d->seen = 0;
	d->said_good_view = 0;          /* what was said in this view was of another device, perhaps */
	/* On a disk with data a key that is there may be one of a path, or a session, that is no more: it is put on anew. */
	d->key = cmm->keys & device_bit(id) && !config_of(cmm, id)->data ? KEY_UNKNOWN : KEY_BAD;
	d->why[0] = '\0';
}

void quorum_start(struct cmm *cmm)
{
	cmm->keys = cmm->config.keys;
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		forget(cmm, id);
}

/* A device that comes into the configuration of a running cluster was prepared: nobody's key is on it. */
void quorum_configure(struct cmm *cmm, const struct cmm_votes *old)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		const struct cmm_device_config *now = config_of(cmm, id), *was = &old->device[id];

		if (streq(now->name, was->name)) {
			if (now->enabled && !was->enabled)
				cmm->device[id].check_due_ms = cmm->device[id].retry_ms = 0;
			else if (was->enabled && !now->enabled && now->data)
				forget(cmm, id);        /* the keys go from it now: that they are missing later says nothing */
			continue;
		}
		forget(cmm, id);
		if (now->name[0] && nodeset_has(cmm->membership.ready, cmm->config.self)) {
			cmm->device[id].held = true;
			cmm->device[id].keyed = 0;
			cmm->device[id].key = KEY_BAD;
		}
	}
}

/* What a node that is no member was told of an epoch may be stale by now. */
void quorum_view(struct cmm *cmm)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		struct device *d = &cmm->device[id];

		d->held = counts_for(d, cmm->view) && cmm_is_ready(cmm);
		if (!cmm_is_ready(cmm))
			d->keyed = config_of(cmm, id)->ports;
		d->good = cmm_is_ready(cmm) ? d->good & cmm->view : 0;
		d->asked = d->want_take = false;
		d->waiting = 0;
		d->asked_ms = 0;
		/* On its way to be used, but not said to all: it has to be said again to the members of this view. */
		if (d->key == KEY_REGISTERING || d->key == KEY_SAID || d->key == KEY_TOLD)
			d->key = KEY_CLEARED;
	}
	cmm->asked = false;
	cmm->ask_again_ms = 0;
}

void quorum_joined(struct cmm *cmm, uint64_t now_ms)
{
	FOR_EACH_DEVICE(cmm, id)
		cmm->device[id].check_due_ms = now_ms;
}

json_t *quorum_to_json(const struct cmm *cmm)
{
	json_t *list = json_array();

	FOR_EACH_DEVICE(cmm, id)
		ju_push(list, ju_pack("{sI,sb,so,so}", "q", (json_int_t)id, "held", cmm->device[id].held, "keyed",
				      nodeset_to_json(cmm->device[id].keyed), "good", nodeset_to_json(cmm->device[id].good)));
	return list;
}

/* What the proposer knows.  Members may have come into this view by ways of their own; each one's keyed has enough nodes in
 * it, so what is in both is enough, too.  A node that is no member has its configuration of long ago: since then the device
 * may have gone and come again under its name with other nodes, so the proposer's word alone counts. */
void quorum_learn(struct cmm *cmm, const json_t *devices)
{
	json_t *v;
	size_t i;

	json_array_foreach(devices, i, v) {
		uint32_t id = read_id(cmm, json_object_get(v, "q"));
		struct device *d = &cmm->device[id];

		if (!id)
			continue;
		d->good |= nodeset_from_json(ju_arr(v, "good")) & cmm->view;
		if (!ju_bool(v, "held", false))
			continue;
		d->held = true;
		d->keyed = nodeset_from_json(ju_arr(v, "keyed")) & (cmm_is_ready(cmm) ? d->keyed : ~(nodeset)0);
	}
}

/* Of a device that this node did not know when the epoch was agreed: the snapshot is older than what has come through the log
 * since, so keyed stays what it is at most. */
void quorum_restore(struct cmm *cmm, const json_t *devices)
{
	json_t *v;
	size_t i;

	json_array_foreach(devices, i, v) {
		uint32_t id = read_id(cmm, json_object_get(v, "q"));

		if (id && ju_bool(v, "held", false))
			cmm->device[id].held = true;
	}
}

/* ---- taking: asked for by the proposer, done by all who can, the first success counts ---- */

static void send_take(struct cmm *cmm, json_t *ids /* taken */, uint64_t now_ms, struct cmm_update *u)
{
	if (json_array_size(ids))
		cmm_send(u, ju_pack("{ss,si,so,sO,sI}", "t", "qtake", "v", 1, "view", nodeset_to_json(cmm->view), "q", ids, "at",
				    (json_int_t)now_ms));
	json_decref(ids);
}

void quorum_ask(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	json_t *ids = json_array();

	FOR_EACH_DEVICE(cmm, id)
		if (may_be_taken(cmm, id))
			ju_push(ids, json_integer(id));
	cmm->asked = true;
	cmm->ask_again_ms = now_ms + cmm->config.timers.formation_ms;
	send_take(cmm, ids, now_ms, u);
}

/* ---- shared disks: no race, as only a quorate membership asks for them ---- */

static bool is_disk_of(const struct cmm *cmm, uint32_t q, uint32_t node)
{
	const struct cmm_device_config *config = config_of(cmm, q);

	return config->data && config->enabled && nodeset_has(config->ports, node) && (config->ports & cmm->view);
}

void quorum_ask_disks(struct cmm *cmm, uint32_t id, uint64_t since_ms, uint64_t now_ms, struct cmm_update *u)
{
	json_t *ids = json_array();

	FOR_EACH_DEVICE(cmm, q) {
		struct device *d = &cmm->device[q];

		if (!is_disk_of(cmm, q, id) || d->asked_ms >= since_ms)
			continue;
		d->asked_ms = now_ms;
		d->asked = d->taken = false;
		ju_push(ids, json_integer(q));
	}
	send_take(cmm, ids, now_ms, u);
}

uint64_t quorum_disks_asked_ms(const struct cmm *cmm, uint32_t id)
{
	uint64_t asked_ms = 0;

	FOR_EACH_DEVICE(cmm, q)
		if (is_disk_of(cmm, q, id))
			asked_ms = MAX(asked_ms, cmm->device[q].asked_ms);
	return asked_ms;
}

bool quorum_disks_taken(const struct cmm *cmm, uint32_t id, uint64_t since_ms)
{
	FOR_EACH_DEVICE(cmm, q) {
		const struct device *d = &cmm->device[q];

		if (is_disk_of(cmm, q, id) && (d->asked_ms < since_ms || !d->asked || (!d->taken && d->waiting)))
			return false;
	}
	return true;
}

char *quorum_disks_taken_names(const struct cmm *cmm, uint32_t id, uint64_t since_ms)
{
	struct buf names = { 0 };

	FOR_EACH_DEVICE(cmm, q)
		if (is_disk_of(cmm, q, id) && cmm->device[q].taken && cmm->device[q].asked_ms >= since_ms)
			buf_printf(&names, "%s%s", names.len ? ", " : "", config_of(cmm, q)->name);
	return buf_take(&names);
}

static void say_have(const struct cmm *cmm, uint32_t id, const char *result, const char *text, struct cmm_update *u)
{
	cmm_send(u, ju_pack("{ss,si,so,sI,ss,ss}", "t", "qhave", "v", 1, "view", nodeset_to_json(cmm->view), "q", (json_int_t)id,
			    "r", result, "text", text));
}

static bool key_usable(const struct device *d)
{
	return d->key == KEY_GOOD || d->key == KEY_UNKNOWN;
}

/* Nobody races for a shared disk, so there it is enough that the key is on it. */
static bool may_take(const struct cmm *cmm, uint32_t id)
{
	const struct device *d = &cmm->device[id];
	bool on_it = d->key == KEY_SAID || d->key == KEY_TOLD || d->key == KEY_SAVING;

	return key_usable(d) || (config_of(cmm, id)->data && on_it);
}

void quorum_on_take(struct cmm *cmm, const json_t *message, struct cmm_update *u)
{
	uint64_t at_ms = (uint64_t)ju_int(message, "at", 0);
	json_t *v;
	size_t i;

	if (nodeset_from_json(ju_arr(message, "view")) != cmm->view)
		return;
	json_array_foreach(ju_arr(message, "q"), i, v) {
		uint32_t id = read_id(cmm, v);
		struct device *d = &cmm->device[id];

		if (!id)
			continue;
		d->asked = d->asked_ms <= at_ms;        /* else this president has asked again since */
		d->taken = false;
		d->waiting = config_of(cmm, id)->ports & cmm->view;
		if (!nodeset_has(d->waiting, cmm->config.self) || d->want_take)
			continue;
		if (d->held && !config_of(cmm, id)->data)
			say_have(cmm, id, "ok", "", u);
		else if (cmm->leaving || !connected(cmm, id) || cmm->amnesia)
			say_have(cmm, id, "none", "", u);
		else if (!may_take(cmm, id) && !config_of(cmm, id)->data)
			say_have(cmm, id, "none", d->why[0] ? d->why : "this node's key may not be used yet", u);
		else
			d->want_take = true;
	}
}

void quorum_on_have(struct cmm *cmm, uint32_t from, const json_t *message, struct cmm_update *u)
{
	uint32_t id = read_id(cmm, json_object_get(message, "q"));
	struct device *d = &cmm->device[id];
	const char *result = ju_str(message, "r", "");

	if (!id || nodeset_from_json(ju_arr(message, "view")) != cmm->view)
		return;
	d->waiting &= ~node_bit(from);
	if (!streq(result, "ok")) {
		if (streq(result, "preempted") && from == cmm->config.self)
			cmm_note(u, "CMM: %s %s: this node's key is gone; another node has taken it.", kind_of(cmm, id),
				 config_of(cmm, id)->name);
		return;
	}
	d->taken = true;
	if (config_of(cmm, id)->data)
		cmm_note(u, "CMM: Node %u: shared disk %s is fenced: only members can write to it.", from, config_of(cmm, id)->name);
	else if (!d->held)
		cmm_note(u, "CMM: Node %u: quorum device %s is owned by this partition.", from, config_of(cmm, id)->name);
	d->held = true;
	d->keyed = (d->keyed & cmm->view) | node_bit(from);
	d->good &= cmm->view;
}

/* ---- this node's key ---- */

/* The first time that its key has to be on the device before anybody may count it; the second time that it can be used. */
static void say_key(const struct cmm *cmm, uint32_t id, bool good, struct cmm_update *u)
{
	cmm_send(u, ju_pack("{ss,si,so,sI,sb}", "t", "qkey", "v", 1, "view", nodeset_to_json(cmm->view), "q", (json_int_t)id, "good",
			    good));
}

static void store_keys(struct cmm *cmm, uint32_t id, bool usable, struct cmm_update *u)
{
	cmm->keys = usable ? cmm->keys | device_bit(id) : cmm->keys & ~device_bit(id);
	cmm_store(cmm, cmm->config.epoch, u);
}

void quorum_stored(struct cmm *cmm, uint64_t keys)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++) {
		struct device *d = &cmm->device[id];
		bool usable = keys & device_bit(id);

		if (d->key == KEY_CLEARING && !usable)
			d->key = KEY_CLEARED;
		else if (d->key == KEY_SAVING && usable)
			d->key = KEY_GOOD;
	}
}

void quorum_on_key(struct cmm *cmm, uint32_t from, const json_t *message, struct cmm_update *u)
{
	uint32_t id = read_id(cmm, json_object_get(message, "q"));
	struct device *d = &cmm->device[id];

	if (!id || !cmm->in_force || nodeset_from_json(ju_arr(message, "view")) != cmm->view)
		return;
	if (ju_bool(message, "good", false)) {
		d->good |= node_bit(from);
		return;
	}
	d->keyed |= node_bit(from);
	d->good &= ~node_bit(from);
	if (from != cmm->config.self || d->key != KEY_SAID)
		return;
	d->key = KEY_TOLD;
	d->key_beat = cmm->beat + 1;
	(void)u;
}

static bool all_confirm(const struct cmm *cmm, uint64_t beat)
{
	if (cmm->beat < beat)
		return false;
	FOR_EACH_NODE(id, cmm->membership.members)
		if (id != cmm->config.self && cmm->confirmed[id] < beat)
			return false;
	return true;
}

static void key_lost(struct device *d)
{
	if (key_usable(d))
		d->key = KEY_BAD;
	d->said_good_view = 0;
}

/* A take that was asked for before this node was a member may be carried out late, and its key is put on again.  But when
 * there is no epoch in force that it belongs to, others have gone on without it. */
static void key_found(struct cmm *cmm, uint32_t id, nodeset keys, struct cmm_update *u)
{
	struct device *d = &cmm->device[id];
	bool there = nodeset_has(keys, cmm->config.self);

	if (d->key == KEY_UNKNOWN) {
		d->key = there ? KEY_GOOD : KEY_BAD;
	} else if (d->key == KEY_GOOD && !there) {
		key_lost(d);
		if (config_of(cmm, id)->data && cmm_is_ready(cmm) && !cmm->leaving && !cmm->in_force && keys) {
			char reason[256];

			(void)snprintf(reason, sizeof reason, "CMM: Reservation Conflict on shared disk %s: other nodes have fenced this one; "
				       "aborting.", config_of(cmm, id)->name);
			cmm_fail_fast(cmm, u, reason);
		}
	}
}

void quorum_ended(struct cmm *cmm, const struct cmm_event *event, struct cmm_update *u)
{
	static const char *const results[] = { "ok", "preempted", "error" };
	uint32_t id = event->device;
	struct device *d = &cmm->device[id];
	bool same_view = d->busy_view == cmm->views;

	assert(id >= 1 && id <= CMM_DEVICE_ID_MAX && d->busy == event->op);
	d->busy = DEVICE_NOTHING;
	if (!config_of(cmm, id)->name[0])
		return;
	if (event->result == DEVICE_ERROR) {
		if (!d->why[0])
			cmm_note(u, "CMM: %s %s: %s", kind_of(cmm, id), config_of(cmm, id)->name,
				 event->error ? event->error : "it failed");
		(void)snprintf(d->why, sizeof d->why, "%s", event->error ? event->error : "it failed");
		d->retry_ms = event->now_ms + RETRY_MS;
	} else {
		d->proved_ms = event->wall_ms;
		d->seen = event->keys_seen;
		if (d->why[0])
			cmm_note(u, "CMM: %s %s answers.", kind_of(cmm, id), config_of(cmm, id)->name);
		d->why[0] = '\0';
	}
	if (event->op == DEVICE_TAKE) {
		if (event->result == DEVICE_PREEMPTED) {
			key_lost(d);
			(void)snprintf(d->why, sizeof d->why, "the key of this node is not on it: other nodes have been the cluster since "
				       "this one was a member");
		} else if (event->result == DEVICE_OK && d->key == KEY_UNKNOWN) {
			d->key = KEY_GOOD;
		}
		/* Of a shared disk others have removed it long ago, or late: it is put on again, and then it takes. */
		bool again = same_view && config_of(cmm, id)->data && event->result == DEVICE_PREEMPTED;

		d->want_take |= again;
		if (same_view && !again)
			say_have(cmm, id, results[event->result], d->why, u);
	} else if (event->op == DEVICE_CHECK && event->result == DEVICE_OK) {
		key_found(cmm, id, event->keys_seen, u);
	} else if (event->op == DEVICE_REGISTER && d->key == KEY_REGISTERING) {
		d->key = event->result == DEVICE_OK ? KEY_SAID : KEY_CLEARED;
		if (d->key == KEY_CLEARED && d->want_take) {
			d->want_take = false;
			say_have(cmm, id, "error", d->why, u);
		}
		if (d->key == KEY_SAID)
			say_key(cmm, id, false, u);
	}
}

/* ---- what to do next ---- */

static void begin_op(struct cmm *cmm, uint32_t id, enum cmm_device_op op, struct cmm_update *u)
{
	assert(u->device_count < CMM_DEVICE_ID_MAX);
	cmm->device[id].busy = op;
	cmm->device[id].busy_view = cmm->views;
	u->device[u->device_count++] = (struct cmm_device_request) { .device = id, .op = op, .keep = cmm->view };
}

static bool is_member(const struct cmm *cmm)
{
	return cmm->in_force && nodeset_has(cmm->membership.members, cmm->config.self) && !cmm->leaving;
}

/* A shared disk also while a new epoch is being agreed on: what it says then may be that others have gone on. */
static bool may_check(const struct cmm *cmm, uint32_t id)
{
	return is_member(cmm) || (config_of(cmm, id)->data && cmm_is_ready(cmm) && !cmm->leaving);
}

static void work_on(struct cmm *cmm, uint32_t id, uint64_t now_ms, struct cmm_update *u)
{
	struct device *d = &cmm->device[id];

	if (d->key == KEY_TOLD && all_confirm(cmm, d->key_beat)) {
		d->key = KEY_SAVING;
		store_keys(cmm, id, true, u);
	}
	if (d->key == KEY_GOOD && is_member(cmm) && !nodeset_has(d->good, cmm->config.self) && d->said_good_view != cmm->views) {
		d->said_good_view = cmm->views;
		say_key(cmm, id, true, u);
	}
	if (d->key == KEY_BAD && is_member(cmm)) {
		d->key = KEY_CLEARING;
		store_keys(cmm, id, false, u);
	}
	if (d->busy != DEVICE_NOTHING)
		return;
	if (d->want_take && (may_take(cmm, id) || !config_of(cmm, id)->data)) {
		d->want_take = false;
		if (may_take(cmm, id))
			begin_op(cmm, id, DEVICE_TAKE, u);
		else
			say_have(cmm, id, "none", d->why, u);
	} else if (d->key == KEY_CLEARED && is_member(cmm) && now_ms >= d->retry_ms) {
		d->key = KEY_REGISTERING;
		begin_op(cmm, id, DEVICE_REGISTER, u);
	} else if (may_check(cmm, id) && now_ms >= d->check_due_ms) {
		d->check_due_ms = now_ms + (config_of(cmm, id)->data ? DISK_CHECK_MS : cmm->config.timers.check_ms);
		begin_op(cmm, id, DEVICE_CHECK, u);
	}
}

void quorum_work(struct cmm *cmm, uint64_t now_ms, struct cmm_update *u)
{
	FOR_EACH_DEVICE(cmm, id)
		if (connected(cmm, id))
			work_on(cmm, id, now_ms, u);
}

uint64_t quorum_due_ms(const struct cmm *cmm)
{
	uint64_t due = 0;

	FOR_EACH_DEVICE(cmm, id) {
		const struct device *d = &cmm->device[id];
		bool again = d->key == KEY_CLEARED && is_member(cmm);

		if (connected(cmm, id) && d->busy == DEVICE_NOTHING && may_check(cmm, id))
			sooner(&due, MAX(again ? d->retry_ms : d->check_due_ms, 1u));
	}
	return due;
}
