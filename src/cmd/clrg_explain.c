/* clresourcegroup explain: why a group is where it is, why not elsewhere, what it waits for. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/clrg.h"
#include "cmd/print.h"

#define COLUMN 16

static void print_line(const char *label, const char *text)
{
	_cleanup_free_ char *start = xasprintf("  %s", label);

	print_padded(COLUMN, start);
	(void)printf("%s\n", text);
}

static char *joined(const json_t *names)
{
	_cleanup_(strlist_done) struct strlist list = { 0 };
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)names, i, v)
		strlist_add(&list, json_string_value(v));
	return strlist_join(&list, ", ");
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

static void print_explanation(const json_t *e)
{
	_cleanup_free_ char *online = joined(ju_arr(e, "online")), *outside = joined(ju_arr(e, "outside"));
	json_t *v;
	size_t i;

	(void)printf("%s: %s%s\n", ju_str(e, "group", ""), !ju_bool(e, "managed", false) ? "unmanaged" : *online ? "online on " : "online nowhere",
		     online);
	print_line("moved last", *ju_str(e, "why", "") ? ju_str(e, "why", "") : "-");
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
}

int clrg_explain(const struct cmdline *line)
{
	struct objects objects = { 0 };
	json_t *groups, *all = json_array(), *group, *e;
	int missing, r = objects_read(line, &objects);
	size_t i;

	groups = r == EXIT_OK ? groups_picked(line, &objects, &missing) : NULL;
	json_array_foreach(groups, i, group) {
		e = NULL;
		r = client_call(line, "explain", "org.parhelion.Cluster.Explain", ju_pack("{ss}", "group", ju_str(group, "name", "")), &e);
		if (r != EXIT_OK)
			break;
		ju_push(all, e);
	}
	if (cmdline_has(line, OPT_JSON) && r == EXIT_OK)
		print_json(all);
	else
		json_array_foreach(all, i, e) {
			(void)printf("%s", i ? "\n" : "");
			print_explanation(e);
		}
	json_decref(all);
	json_decref(groups);
	objects_done(&objects);
	return r ? r : missing;
}
