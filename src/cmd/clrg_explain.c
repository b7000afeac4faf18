/* clresourcegroup explain: why a group is where it is, why not elsewhere, what it waits for; and, as far as the journal of this node
 * goes back, when and why it was moved. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/clrg.h"
#include "cmd/print.h"
#include "cmd/view.h"

#define COLUMN 16
#define MOVES_SHOWN 3

static void print_line(const char *label, const char *text)
{
	_cleanup_free_ char *start = xasprintf("  %s", label);

	print_padded(COLUMN, start);
	(void)printf("%s\n", text);
}

static const struct { const char *verdict, *text; } verdicts[] = {
	{ "here", "is here" }, { "next", "comes here next" }, { "could", "could be here" }, { "not", "may not be here" },
};

static void print_node(const json_t *node)
{
	const char *text = ju_str(node, "verdict", "");

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (streq(verdicts[i].verdict, text)) {
			text = verdicts[i].text;
			break;
		}
	_cleanup_free_ char *all = xasprintf("%s, %s: %s%s", ju_str(node, "state", ""), text, ju_str(node, "why", ""),
					     ju_bool(node, "gave_over", false) ? "; it gave over from here, so no giveover comes back yet" : "");

	print_line(ju_str(node, "node", ""), all);
}

/* A stale decision is dropped by all and made anew, but the journal has both: of two alike that follow each other the newer counts. */
static bool is_same_move(const json_t *move, const json_t *m)
{
	return streq(ju_str(move, "do", ""), ju_str(m, "do", "")) && ju_int(move, "node_id", 0) == ju_int(m, "node", 0);
}

/* The decisions that moved it, newest first. */
static json_t *moves_of(const json_t *entries, const char *group)
{
	json_t *moves = json_array();

	for (size_t i = json_array_size(entries); i-- > 0 && json_array_size(moves) < MOVES_SHOWN;) {
		const json_t *m = ju_obj(json_array_get(entries, i), "msg");
		const char *what = ju_str(m, "do", "");

		if (streq(ju_str(m, "t", ""), "rgm.dec") && streq(ju_str(m, "rg", ""), group) && (streq(what, "online") || streq(what, "offline")) &&
		    !is_same_move(json_array_get(moves, json_array_size(moves) - 1), m))
			ju_push(moves, ju_pack("{sI,ss,sI,ss}", "at", (json_int_t)ju_int(m, "at", 0), "do", what, "node_id",
					       (json_int_t)ju_int(m, "node", 0), "why", ju_str(m, "why", "")));
	}
	return moves;
}

static const char *name_of_node(const struct objects *objects, int64_t id)
{
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(objects->status, "nodes"), i, v)
		if (ju_int(v, "id", 0) == id)
			return ju_str(v, "name", "?");
	return "a node that is gone";
}

static void add_moves(const struct objects *objects, const json_t *journal, json_t *explanation)
{
	json_t *moves = moves_of(ju_arr(journal, "entries"), ju_str(explanation, "group", "")), *v;
	size_t i;

	json_array_foreach(moves, i, v) {
		ju_set_str(v, "node", name_of_node(objects, ju_int(v, "node_id", 0)));
		json_object_del(v, "node_id");
	}
	ju_set_new(explanation, "moves", moves);
}

static void print_moves(const json_t *moves)
{
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)moves, i, v) {
		print_padded(COLUMN, i ? "" : "  moves");
		print_time(ju_int(v, "at", 0), true);
		(void)printf("  %s on %s: %s\n", ju_str(v, "do", ""), ju_str(v, "node", ""), ju_str(v, "why", ""));
	}
}

static void print_explanation(const json_t *e)
{
	_cleanup_free_ char *online = names_joined(ju_arr(e, "online"), ", "), *outside = names_joined(ju_arr(e, "outside"), ", ");
	json_t *v;
	size_t i;

	(void)printf("%s: %s%s\n", ju_str(e, "group", ""), !ju_bool(e, "managed", false) ? "unmanaged" : *online ? "online on " : "online nowhere",
		     online);
	print_line("because", *ju_str(e, "why", "") ? ju_str(e, "why", "") : "-");
	json_array_foreach(ju_arr(e, "nodes"), i, v)
		print_node(v);
	if (*outside) {
		_cleanup_free_ char *text = xasprintf("%s: not in the Nodelist", outside);

		print_line("others", text);
	}
	json_array_foreach(ju_arr(e, "waits"), i, v) {
		print_line("waits", ju_str(v, "what", ""));
		print_line("cure", ju_str(v, "cure", ""));
	}
	print_moves(ju_arr(e, "moves"));
}

int clrg_explain(const struct cmdline *line)
{
	struct objects objects = { 0 };
	json_t *groups, *all = json_array(), *group, *e, *journal = NULL;
	int missing = EXIT_OK, r = objects_read(line, &objects);
	size_t i;

	if (r == EXIT_OK)
		r = client_call(line, "read the journal", "org.parhelion.Cluster.Journal", ju_pack("{si}", "since_ms", 0), &journal);
	groups = r == EXIT_OK ? groups_picked(line, &objects, &missing) : NULL;
	json_array_foreach(groups, i, group) {
		e = NULL;
		r = client_call(line, "explain", "org.parhelion.Cluster.Explain", ju_pack("{ss}", "group", ju_str(group, "name", "")), &e);
		if (r != EXIT_OK)
			break;
		add_moves(&objects, journal, e);
		ju_push(all, e);
	}
	if (cmdline_has(line, OPT_JSON) && r == EXIT_OK)
		print_json(all);
	else
		json_array_foreach(all, i, e) {
			(void)printf("%s", i ? "\n" : "");
			print_explanation(e);
		}
	json_decref(journal);
	json_decref(all);
	json_decref(groups);
	objects_done(&objects);
	return r ? r : missing;
}
