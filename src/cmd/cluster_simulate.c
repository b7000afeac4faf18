/* cluster simulate: nodes die, are cut off, or leave; what would follow.  Who goes on is asked of clusterd (Split: votes and quorum
 * devices as they are); what becomes of the groups happens in a rehearsal (foresee.h). */
#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cluster.h"
#include "cmd/foresee.h"
#include "cmd/print.h"

static const struct { char letter; const char *kind; } events[] = { { '3', "crash" }, { '4', "cut" }, { '6', "leave" } };

static json_t *names_of(const struct foresight *f, nodeset set)
{
	json_t *names = json_array();

	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))
		ju_push(names, json_string(foresight_node_name(f, id)));
	return names;
}

static char *text_of(const struct foresight *f, nodeset set)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };

	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))
		strlist_add(&names, foresight_node_name(f, id));
	return strlist_join(&names, ", ");
}

static int read_nodes(const struct cmdline *line, const struct foresight *f, char letter, nodeset *ret)
{
	_cleanup_(strlist_done) struct strlist names = { 0 };

	*ret = 0;
	if (cmdline_list(line, letter, &names) < 0)
		return EXIT_USAGE;
	for (size_t i = 0; i < names.n; i++) {
		uint32_t id = foresight_node(f, names.v[i]);
		_cleanup_free_ char *reason = id ? NULL : xasprintf("%s is not a member of the cluster now", names.v[i]);

		if (!id)
			return command_failed(line, EXIT_NO_OBJECT, "simulate", reason);
		*ret |= node_bit(id);
	}
	return EXIT_OK;
}

/* What clusterd says of a side goes into the list; *ret_survives: it goes on. */
static int ask_split(const struct cmdline *line, const struct foresight *f, nodeset side, nodeset others, json_t *list, bool *ret_survives)
{
	json_t *reply = NULL;
	const char *fate;
	int r;

	*ret_survives = false;
	if (!side)
		return EXIT_OK;
	r = client_call(line, "ask who would go on", "org.parhelion.Cluster.Split", ju_pack("{so,so}", "side", names_of(f, side), "others",
			names_of(f, others)), &reply);
	if (r != EXIT_OK)
		return r;
	fate = ju_str(reply, "fate", "");
	*ret_survives = streq(fate, "goes_on") || streq(fate, "takes_device") || (streq(fate, "races") && ju_bool(reply, "favoured", false));
	ju_set_new(reply, "nodes", names_of(f, side));
	ju_set_bool(reply, "survives", *ret_survives);
	ju_push(list, reply);
	return EXIT_OK;
}

static void print_side(const json_t *side)
{
	_cleanup_(buf_done) struct buf nodes = { 0 }, devices = { 0 };
	const char *fate = ju_str(side, "fate", "");
	int64_t sure = ju_int(side, "node_votes", 0) + ju_int(side, "device_votes", 0);
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(side, "nodes"), i, v)
		buf_printf(&nodes, "%s%s", i ? ", " : "", json_string_value(v));
	json_array_foreach(ju_arr(side, "devices"), i, v)
		buf_printf(&devices, "%s%s", i ? ", " : "", json_string_value(v));
	(void)printf("  %s: %lld vote%s, %lld needed", nodes.s, (long long)sure, sure == 1 ? "" : "s", (long long)ju_int(side, "needed", 0));
	if (streq(fate, "goes_on"))
		(void)printf(": the cluster goes on here\n");
	else if (streq(fate, "takes_device"))
		(void)printf(": the cluster goes on here when it takes %s (%lld), which nobody else can\n", devices.s,
			     (long long)ju_int(side, "reachable_votes", 0));
	else if (streq(fate, "races"))
		(void)printf(": %s decides (%lld); this side asks %s\n", devices.s, (long long)ju_int(side, "reachable_votes", 0),
			     ju_bool(side, "favoured", false) ? "first, so the cluster goes on here" : "second, so it ends here");
	else
		(void)printf(": no quorum, these nodes panic\n");
}

/* What happens to the nodes; *ret_dead: who dies, at once or once the rest has no quorum. */
static int decide_fates(const struct cmdline *line, const struct foresight *f, char event, nodeset nodes, json_t *sides, nodeset *ret_dead)
{
	nodeset rest = foresight_members(f) & ~nodes;
	bool first = false, second = false;
	int r = ask_split(line, f, rest, event == '4' ? nodes : 0, sides, &first);

	if (r == EXIT_OK && event == '4')
		r = ask_split(line, f, nodes, rest, sides, &second);
	*ret_dead = (first ? 0 : rest) | (event == '4' && second ? 0 : nodes);
	return r;
}

static void rehearse(struct foresight *f, char event, nodeset nodes, nodeset dead)
{
	struct rehearsal *r = foresight_rehearsal(f);

	if (event != '6') {
		rehearsal_lose(r, dead);
	} else {
		for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
			rehearsal_leave(r, id);
		foresight_settle(f);
		rehearsal_lose(r, dead & ~nodes);
	}
	foresight_settle(f);
}

static void print_all(const struct cmdline *line, const struct foresight *f, const char *kind, nodeset nodes, json_t *sides)
{
	_cleanup_free_ char *names = text_of(f, nodes);
	json_t *side;
	size_t i;

	if (cmdline_has(line, OPT_JSON)) {
		json_t *sum = foresight_json(f);

		ju_set_str(sum, "event", kind);
		ju_set_new(sum, "nodes", names_of(f, nodes));
		ju_set_new(sum, "sides", json_incref(sides));
		print_json(sum);
		json_decref(sum);
		return;
	}
	(void)printf("%s: %s. Nothing is done.\n", kind, names);
	(void)printf("Quorum:\n");
	json_array_foreach(sides, i, side)
		print_side(side);
	if (!json_array_size(sides))
		(void)printf("  no node is left\n");
	foresight_print(f);
}

int cluster_simulate(const struct cmdline *line)
{
	struct foresight *f = NULL;
	json_t *sides = json_array();
	nodeset nodes = 0, dead = 0;
	size_t e = 0;
	int r = foresight_new(line, &f);

	while (!cmdline_has(line, events[e].letter))
		e++;
	if (r == EXIT_OK)
		r = read_nodes(line, f, events[e].letter, &nodes);
	if (r == EXIT_OK && events[e].letter == '4' && nodes == foresight_members(f))
		r = command_usage(line, "--cut names the nodes of one side, and these are all members");
	if (r == EXIT_OK)
		r = decide_fates(line, f, events[e].letter, nodes, sides, &dead);
	if (r == EXIT_OK) {
		rehearse(f, events[e].letter, nodes, dead);
		print_all(line, f, events[e].kind, nodes, sides);
	}
	json_decref(sides);
	foresight_free(f);
	return r;
}
