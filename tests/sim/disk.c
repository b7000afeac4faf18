/* The disk of a node, and what it may do: be slow, full or broken, lose what is under way, lie. */
#include "sim.h"

void start_storage(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!json_array_size(n->queue) || n->queue_due > w.now)
		return;
	n->queue_due = w.now + (w.now < n->slow_disk_until && chance(50) ? rnd_range(20, 500) : chance(2) ? rnd_range(50, 400)
													  : rnd_range(1, 4));
	schedule(n->queue_due, EV_STORED, id, 0, NULL);
}

/* 0: it is not there. */
uint64_t disk_gen(const json_t *disk, const char *table)
{
	uint64_t gen = 0;

	return sscanf(ju_str(disk, table, ""), "ccr_gennum %" SCNu64, &gen) == 1 ? gen : 0;
}

void write_disk(struct sim_node *n, const json_t *request)
{
	const char *op = ju_str(request, "op", ""), *table = ju_str(request, "table", "");
	_cleanup_free_ char *intent = xasprintf("%s.intent", table);

	if (streq(op, "epoch")) {
		ju_set_int(n->disk, "epoch", ju_int(request, "epoch", 0));
		ju_set_int(n->disk, "keys", ju_int(request, "keys", 0));
		ju_set_int(n->disk, "synced", ju_int(request, "synced", 0));
		ju_set_bool(n->disk, "amnesia", ju_bool(request, "amnesia", false));
	} else if (streq(op, "intent")) {
		ju_set_str(n->disk, intent, ju_str(request, "text", ""));
	} else if (streq(op, "commit") || streq(op, "write")) {
		ju_set_str(n->disk, table, ju_str(request, "text", ""));
		json_object_del(n->disk, intent);
	} else if (streq(op, "drop")) {
		json_object_del(n->disk, intent);
	} else if (streq(op, "forget")) {
		json_object_del(n->disk, table);
	} else if (streq(op, "history")) {
		write_history(n, request);
	}
}

void stored(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	json_t *request = json_incref(json_array_get(n->queue, 0));
	struct engine_update u;
	const char *op = ju_str(request, "op", "");
	_cleanup_free_ char *intent = xasprintf("%s.intent", ju_str(request, "table", ""));
	/* What is an intent already needs no room to become the table. */
	bool needs_room = streq(op, "intent") || streq(op, "write") || (streq(op, "commit") && !json_object_get(n->disk, intent));
	/* A history that cannot be written is lost by design, so its writes do not fail here. */
	const char *error = n->disk_full && needs_room ? "No space left on device"
			  : rnd_upto(1000) < n->disk_errors && !streq(op, "history") ? "Input/output error" : NULL;

	n->litter |= error && streq(op, "drop");
	json_array_remove(n->queue, 0);
	if (!error)
		write_disk(n, request);
	n->queue_due = 0;
	engine_stored(n->engine, clock_of(n), request, error, &u);
	json_decref(request);
	take(id, &u);
	if (n->up)
		start_storage(id);
}

/* ---- a disk that lies: what it says is durable is not, until its power is cut or it has written it after all ---- */

static const char *const epoch_record[] = { "epoch", "keys", "synced", "amnesia" };    /* one block */

void disk_lies(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (n->platter) {
		if (chance(70))
			crash(id, "power cut, and its disk lied");
		disk_is_honest(n);
		return;
	}
	n->platter = json_deep_copy(n->disk);
	trace("node%u: disk lies from now on", id);
}

void disk_is_honest(struct sim_node *n)
{
	json_decref(n->platter);
	n->platter = NULL;
}

/* The votes of those who do not have it, and of the devices, are no majority: by the votes that any node goes by. */
static bool majorities_meet(nodeset holders)
{
	for (uint32_t id = 1; id <= w.nodes; id++) {
		const struct cmm_votes *votes = &w.node[id].votes;
		unsigned possible = votes_of(votes, ~(nodeset)0, ~(uint64_t)0);

		if (possible && votes_of(votes, ~holders, ~(uint64_t)0) > possible / 2)
			return false;
	}
	return true;
}

/* Who was synced later is believed, so an older one who has it does not count. */
static bool has_as_new(const json_t *disk, const json_t *as, const char *file)
{
	if (ju_int(disk, "synced", 0) < ju_int(as, "synced", 0))
		return false;
	if (streq(file, "epoch"))
		return ju_int(disk, "epoch", 0) >= ju_int(as, "epoch", 0);
	return is_history(file) ? has_last_entry(disk, as) : disk_gen(disk, file) >= disk_gen(as, file);
}

/* May this disk forget what it said of the file?  Not when a majority could form of which nobody else knows. */
static bool others_have(uint32_t id, const json_t *said, const char *file)
{
	nodeset holders = 0;

	for (uint32_t k = 1; k <= w.nodes; k++)
		if (k != id && has_as_new(w.node[k].platter ? w.node[k].platter : w.node[k].disk, said, file))
			holders |= node_bit(k);
	return majorities_meet(holders);
}

static void take_back(struct sim_node *n, const char *file)
{
	json_t *before = json_object_get(n->platter, file);

	if (before)
		ju_set_new(n->disk, file, json_incref(before));
	else
		json_object_del(n->disk, file);
}

static void forget_file(uint32_t id, const json_t *said, const char *file)
{
	struct sim_node *n = &w.node[id];
	const json_t *before = json_object_get(n->platter, file);

	if (json_equal(before, json_object_get(said, file)) || !chance(70) || !others_have(id, said, file))
		return;
	trace("node%u: disk has forgotten %s", id, file);
	if (streq(file, "epoch"))
		n->epoch_forgotten = MAX(n->epoch_forgotten, ju_int(said, file, 0));
	take_back(n, file);
	for (size_t i = 1; streq(file, epoch_record[0]) && i < ARRAY_SIZE(epoch_record); i++)
		take_back(n, epoch_record[i]);
}

/* The power is cut.  Intents do not matter, for they are not read again; and of the votes everybody else must know, for the
 * check goes by them. */
void disk_forgets(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	json_t *said = json_deep_copy(n->disk), *v;
	const char *file;

	forget_file(id, said, "epoch");
	json_object_foreach(said, file, v)
		if (json_is_string(v) && !strstr(file, ".intent") && !streq(file, "infrastructure"))
			forget_file(id, said, file);
	json_decref(said);
	disk_is_honest(n);
}
