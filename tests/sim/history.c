/* The history of the configuration: its file on each disk, and what has to be in it in the end. */
#include "sim.h"

#define FILE_NAME "/history"            /* on the simulated disk, beside the tables */

bool is_history(const char *file)
{
	return streq(file, FILE_NAME);
}

void write_history(struct sim_node *n, const json_t *request)
{
	_cleanup_free_ char *all = xasprintf("%s%s", ju_bool(request, "whole", false) ? "" : ju_str(n->disk, FILE_NAME, ""),
					     ju_str(request, "text", ""));

	ju_set_str(n->disk, FILE_NAME, all);
}

bool has_last_entry(const json_t *disk, const json_t *of)
{
	const char *all = ju_str(of, FILE_NAME, ""), *last = all + strlen(all);

	while (last > all && (last[-1] != '\n' || !*last))
		last--;
	return strstr(ju_str(disk, FILE_NAME, ""), last) != NULL;
}

void load_history(struct sim_node *n)
{
	const char *s = ju_str(n->disk, FILE_NAME, "");

	for (const char *eol; (eol = strchr(s, '\n')); s = eol + 1) {
		json_t *e = json_loadb(s, (size_t)(eol - s), 0, NULL);

		engine_load_history(n->engine, e, (size_t)(eol - s) + 1);
		json_decref(e);
	}
}

uint64_t history_number(uint32_t id, int64_t group, int64_t set)
{
	_cleanup_free_ char *table = xasprintf("rgm_rg_g%" PRId64, group), *value = xasprintf("%" PRId64, set);
	const json_t *entries = ccr_history(engine_ccr(w.node[id].engine));

	for (size_t i = json_array_size(entries); i > 0; i--) {
		const json_t *e = json_array_get(entries, i - 1);
		const json_t *pair = ju_arr(ju_obj(e, "set"), "rg.prop.RG_description");

		if (streq(ju_str(e, "table", ""), table) && pair && json_is_string(json_array_get(pair, 1)) &&
		    streq(json_string_value(json_array_get(pair, 1)), value))
			return (uint64_t)ju_int(e, "n", 0);
	}
	return 0;
}

/* [group, value of its description]: is the change that set it in the history of node 1? */
static bool is_in(const json_t *change)
{
	return history_number(1, json_integer_value(json_array_get(change, 0)), json_integer_value(json_array_get(change, 1))) != 0;
}

static char *check_chains(void)
{
	json_t *next = json_object(), *e;
	char *found = NULL;
	size_t i;

	json_array_foreach(ccr_history(engine_ccr(w.node[1].engine)), i, e) {
		const char *table = ju_str(e, "table", "");

		if (!found && ju_int(e, "was", 0) != ju_int(next, table, 1))
			found = xasprintf("history of %s: commit %" PRId64 " follows %" PRId64 ", which is not there", table,
					  ju_int(e, "n", 0), ju_int(e, "was", 0));
		ju_set_int(next, table, ju_int(e, "n", 0));
	}
	json_decref(next);
	return found;
}

/* Everybody tells the same, each table's chain is whole, what was acknowledged is in it, and what was refused because
 * somebody else came before is not.  NULL: so it is; else what is wrong, caller frees. */
char *check_history(void)
{
	json_t *e;
	size_t i;

	for (uint32_t id = 2; id <= w.nodes; id++)
		if (!json_equal(ccr_history(engine_ccr(w.node[id].engine)), ccr_history(engine_ccr(w.node[1].engine))))
			return xasprintf("node%u tells another history than node1", id);
	json_array_foreach(w.told, i, e)
		if (!is_in(e))
			return xasprintf("acknowledged change %" JSON_INTEGER_FORMAT " is not in the history",
					 json_integer_value(json_array_get(e, 1)));
	json_array_foreach(w.denied, i, e)
		if (is_in(e))
			return xasprintf("change %" JSON_INTEGER_FORMAT " was refused, and is in the history",
					 json_integer_value(json_array_get(e, 1)));
	return check_chains();
}
