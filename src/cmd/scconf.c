/* scconf: the configuration of the cluster, of its nodes and its quorum.  An option holds suboptions (-q node=n1,maintstate);
 * which go together, and what they ask for, is the table of operations.  Options are read before anything is changed, then
 * done in the order in which they were given, until one fails. */
#include "cmd/scconf.h"

#include <errno.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/props.h"
#include "cmd/quorum_type.h"
#include "cmd/signame.h"

#define STEPS_MAX 256           /* of one command line */
#define ANY       "*"           /* of the suboptions that may be there */

/* ---- suboptions ---- */

struct suboptions { struct strlist keys, values; };     /* side by side; a value of a bare word is "" */

static void suboptions_done(struct suboptions *sub)
{
	strlist_done(&sub->keys);
	strlist_done(&sub->values);
}

static void suboptions_read(const char *text, struct suboptions *ret)
{
	_cleanup_(strlist_done) struct strlist parts = { 0 };

	strlist_split(&parts, text, ",");
	for (size_t i = 0; i < parts.n; i++) {
		const char *equals = strchr(parts.v[i], '=');
		size_t n = equals ? (size_t)(equals - parts.v[i]) : strlen(parts.v[i]);

		strlist_take(&ret->keys, xstrndup(parts.v[i], n));
		strlist_add(&ret->values, equals ? equals + 1 : "");
	}
}

/* NULL: not given. */
static const char *sub_get(const struct suboptions *sub, const char *key)
{
	for (size_t i = 0; i < sub->keys.n; i++)
		if (streq(sub->keys.v[i], key))
			return sub->values.v[i];
	return NULL;
}

static json_t *sub_all(const struct suboptions *sub, const char *key)
{
	json_t *ret = json_array();

	for (size_t i = 0; i < sub->keys.n; i++)
		if (streq(sub->keys.v[i], key))
			ju_push(ret, json_string(sub->values.v[i]));
	return ret;
}

/* Of a list of words with a blank between. */
static bool has_word(const char *words, const char *word)
{
	_cleanup_(strlist_done) struct strlist list = { 0 };

	strlist_split(&list, words, " ");
	return strlist_has(&list, word);
}

/* ---- what is asked of the cluster ---- */

/* What an operation becomes: the request, and what it is in words. */
struct asked { json_t *body; char *what; };
typedef int (*ask_fn)(const struct suboptions *sub, struct asked *ret, struct err *err);

static void asked_done(struct asked *asked)
{
	json_decref(asked->body);
	free(asked->what);
}

/* {op, member: name} */
static int ask_named(const char *op, const char *member, const char *name, const char *what, struct asked *ret)
{
	*ret = (struct asked) { ju_pack("{ss, ss}", "op", op, member, name), xasprintf("%s %s", what, name) };
	return 0;
}

static int add_node(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	const char *id = sub_get(sub, "id");
	int number;

	if (id && number_parse(id, 1, 64, &number) < 0)
		return err_set(err, -EINVAL, "id takes a number from 1 to 64, not \"%s\"", id);
	*ret = (struct asked) { ju_pack("{ss, ss, so}", "op", "node_add", "name", sub_get(sub, "node"), "links", sub_all(sub, "link")),
				xasprintf("add node %s", sub_get(sub, "node")) };
	if (id)
		ju_set_int(ret->body, "node_id", number);
	return 0;
}

static int remove_node(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	(void)err;
	return ask_named("node_remove", "node", sub_get(sub, "node"), "remove node", ret);
}

static int rename_cluster(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	const char *name = sub_get(sub, "cluster");

	(void)err;
	*ret = (struct asked) { ju_pack("{ss, s{ss}}", "op", "cluster_set", "props", "name", name),
				xasprintf("change the name of the cluster to %s", name) };
	return 0;
}

static int private_hostname(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	const char *node = sub_get(sub, "node"), *name = sub_get(sub, "privatehostname");

	(void)err;
	*ret = (struct asked) { ju_pack("{ss, ss, s{ss}}", "op", "node_set", "node", node, "props", "privatehostname", name ? name : ""),
				xasprintf("set the private host name of node %s", node) };
	return 0;
}

static int heartbeats(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	json_t *props = json_object();

	(void)err;
	for (size_t i = 0; i < sub->keys.n; i++)
		ju_set_str(props, sub->keys.v[i], sub->values.v[i]);
	*ret = (struct asked) { ju_pack("{ss, so}", "op", "cluster_set", "props", props), xstrdup("change the heartbeats") };
	return 0;
}

/* ---- quorum ---- */

/* "globaldev" or "name", whichever is given. */
static char *device_name(const struct suboptions *sub)
{
	return quorum_device_name(sub_get(sub, "globaldev") ? sub_get(sub, "globaldev") : sub_get(sub, "name"));
}

static const char *const about_device[] = { "globaldev", "name", "type", "node" };

static int add_device(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	const char *given = sub_get(sub, "globaldev") ? sub_get(sub, "globaldev") : sub_get(sub, "name");
	_cleanup_free_ char *name = device_name(sub);
	json_t *props, *nodes;
	const char *type;
	int r = quorum_type_read(sub_get(sub, "type") ? sub_get(sub, "type") : "shared_disk", &type, err);

	if (r < 0)
		return r;
	props = json_object();
	nodes = sub_all(sub, "node");
	for (size_t i = 0; i < sub->keys.n; i++) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_SIZE(about_device); k++)
			known |= streq(sub->keys.v[i], about_device[k]);
		if (!known)
			ju_set_str(props, sub->keys.v[i], sub->values.v[i]);
	}
	quorum_device_props(given, type, props);
	*ret = (struct asked) { ju_pack("{ss, ss, ss, so}", "op", "quorum_add", "name", name, "type", type, "props", props),
				xasprintf("add quorum device %s", name) };
	if (json_array_size(nodes))
		json_object_set(ret->body, "nodes", nodes);
	json_decref(nodes);
	return 0;
}

static int remove_device(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	_cleanup_free_ char *name = device_name(sub);

	(void)err;
	return ask_named("quorum_remove", "name", name, "remove quorum device", ret);
}

static int maintain_device(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	_cleanup_free_ char *name = device_name(sub);

	(void)err;
	return ask_named("quorum_disable", "name", name, "put into maintenance quorum device", ret);
}

static int reset_device(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	_cleanup_free_ char *name = device_name(sub);

	(void)err;
	return ask_named("quorum_enable", "name", name, "reset quorum device", ret);
}

static int maintain_node(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	(void)err;
	return ask_named("node_maintain", "node", sub_get(sub, "node"), "put into maintenance node", ret);
}

static int reset_node(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	(void)err;
	return ask_named("node_reset", "node", sub_get(sub, "node"), "reset the votes of node", ret);
}

static int reset_all(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	(void)sub;
	(void)err;
	*ret = (struct asked) { ju_pack("{ss}", "op", "quorum_reset"), xstrdup("reset the quorum configuration") };
	return 0;
}

static int install_mode(const struct suboptions *sub, struct asked *ret, struct err *err)
{
	bool on = sub_get(sub, "installmode") != NULL;

	(void)err;
	*ret = (struct asked) { ju_pack("{ss, sb}", "op", "installmode", "enabled", on),
				xasprintf("%s install mode", on ? "enter" : "leave") };
	return 0;
}

/* ---- the operations ---- */

#define NO_TRANSPORT "changing the interconnect is not built yet; links come with cluster create and clnode add"
#define NO_GROUPS    "device groups are not built yet"
#define NO_AUTH      "who may join is not built yet; a node joins when it is in the configuration and has the key of the interconnect"
#define NO_CHOICE    "choosing a quorum device needs the list of shared disks, which is not built yet; name one by globaldev= or name="

static const struct operation {
	char action, letter;
	const char *need, *may; /* suboptions: all of need, any of may */
	ask_fn ask;             /* NULL: refused, with */
	const char *later;
} operations[] = {
	{ 'a', 'h', "node", "id link", add_node },
	{ 'r', 'h', "node", "", remove_node },
	{ 'c', 'C', "cluster", "", rename_cluster },
	{ 'a', 'P', "node", "privatehostname", private_hostname },
	{ 'c', 'P', "node", "privatehostname", private_hostname },
	{ 'r', 'P', "node", "", private_hostname },
	{ 'c', 'w', "heartbeat_timeout", "heartbeat_quantum", heartbeats },
	{ 'c', 'w', "heartbeat_quantum", "", heartbeats },
	{ 'a', 'q', "globaldev", "node path type", add_device },
	{ 'a', 'q', "name type", ANY, add_device },
	{ 'a', 'q', "autoconfig", "noop", NULL, NO_CHOICE },
	{ 'c', 'q', "autoconfig", "noop", NULL, NO_CHOICE },
	{ 'c', 'q', "node maintstate", "", maintain_node },
	{ 'c', 'q', "node reset", "", reset_node },
	{ 'c', 'q', "globaldev maintstate", "", maintain_device },
	{ 'c', 'q', "globaldev reset", "", reset_device },
	{ 'c', 'q', "name maintstate", "", maintain_device },
	{ 'c', 'q', "name reset", "", reset_device },
	{ 'c', 'q', "reset", "", reset_all },
	{ 'c', 'q', "installmode", "", install_mode },
	{ 'c', 'q', "installmodeoff", "", install_mode },
	{ 'r', 'q', "globaldev", "", remove_device },
	{ 'r', 'q', "name", "", remove_device },
	{ 'a', 'A', "", ANY, NULL, NO_TRANSPORT }, { 'c', 'A', "", ANY, NULL, NO_TRANSPORT }, { 'r', 'A', "", ANY, NULL, NO_TRANSPORT },
	{ 'a', 'B', "", ANY, NULL, NO_TRANSPORT }, { 'c', 'B', "", ANY, NULL, NO_TRANSPORT }, { 'r', 'B', "", ANY, NULL, NO_TRANSPORT },
	{ 'a', 'm', "", ANY, NULL, NO_TRANSPORT }, { 'c', 'm', "", ANY, NULL, NO_TRANSPORT }, { 'r', 'm', "", ANY, NULL, NO_TRANSPORT },
	{ 'a', 'D', "", ANY, NULL, NO_GROUPS }, { 'c', 'D', "", ANY, NULL, NO_GROUPS }, { 'r', 'D', "", ANY, NULL, NO_GROUPS },
	{ 'a', 'T', "", ANY, NULL, NO_AUTH }, { 'c', 'T', "", ANY, NULL, NO_AUTH }, { 'r', 'T', "", ANY, NULL, NO_AUTH },
	{ 'c', 'S', "", ANY, NULL, "shares of a node are not built yet" },
};

static bool needs_met(const struct operation *operation, const struct suboptions *sub)
{
	_cleanup_(strlist_done) struct strlist need = { 0 };

	strlist_split(&need, operation->need, " ");
	for (size_t i = 0; i < need.n; i++)
		if (!strlist_has(&sub->keys, need.v[i]))
			return false;
	return true;
}

static bool no_stranger(const struct operation *operation, const struct suboptions *sub)
{
	for (size_t i = 0; !streq(operation->may, ANY) && i < sub->keys.n; i++)
		if (!has_word(operation->need, sub->keys.v[i]) && !has_word(operation->may, sub->keys.v[i]))
			return false;
	return true;
}

/* "globaldev[,node][,path]" */
static void add_usage(struct buf *b, const struct operation *operation)
{
	for (const char *s = operation->need; *s; s++)
		buf_add(b, *s == ' ' ? "," : s, 1);
	if (!streq(operation->may, ANY) && *operation->may)
		buf_puts(b, "[,");
	for (const char *s = streq(operation->may, ANY) ? "" : operation->may; *s; s++)
		buf_puts(b, *s == ' ' ? "][," : (char[]){ *s, '\0' });
	buf_puts(b, streq(operation->may, ANY) ? "[,...]" : *operation->may ? "]" : "");
}

static int no_operation(const struct cmdline *line, char action, char letter, const char *text)
{
	struct buf b = { 0 };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		if (operations[i].action == action && operations[i].letter == letter) {
			buf_puts(&b, b.len ? " | " : "");
			add_usage(&b, &operations[i]);
		}
	r = command_usage(line, "-%c -%c takes %s, not \"%s\"", action, letter, b.s, text);
	buf_done(&b);
	return r;
}

/* EXIT_OK and *ret (its body NULL: help only), or the exit code after a complaint. */
static int read_step(const struct cmdline *line, char action, char letter, const char *text, struct asked *ret)
{
	_cleanup_(suboptions_done) struct suboptions sub = { 0 };
	const struct operation *found = NULL;
	struct err err = { 0 };

	suboptions_read(text, &sub);
	for (size_t i = 0; !found && i < ARRAY_SIZE(operations); i++)
		if (operations[i].action == action && operations[i].letter == letter && needs_met(&operations[i], &sub) &&
		    no_stranger(&operations[i], &sub))
			found = &operations[i];
	for (size_t i = 0; i < sub.keys.n; i++)
		if (!*sub.keys.v[i] || (found && found->ask && has_word("node globaldev name type cluster", sub.keys.v[i]) && !*sub.values.v[i]))
			found = NULL;
	if (!found)
		return no_operation(line, action, letter, text);
	_cleanup_free_ char *what = xasprintf("do -%c -%c %s", action, letter, text);

	if (!found->ask)
		return command_failed(line, EXIT_REFUSED, what, found->later);
	return found->ask(&sub, ret, &err) < 0 ? command_failed(line, EXIT_REFUSED, what, err.text) : EXIT_OK;
}

/* The options of the line in their order, without -a, -c, -r and -v. */
static int read_steps(const struct cmdline *line, char action, struct asked *steps, size_t *n)
{
	size_t seen[128] = { 0 };
	int r = EXIT_OK;

	for (size_t i = 0; r == EXIT_OK && i < line->order.len; i++) {
		unsigned char letter = (unsigned char)line->order.s[i];
		size_t k = seen[letter]++;

		if (k >= line->values[letter].n || letter == OPT_DEADLINE)
			continue;
		if (*n == STEPS_MAX)
			return command_usage(line, "More than %d options at once", STEPS_MAX);
		r = read_step(line, action, (char)letter, line->values[letter].v[k], &steps[*n]);
		if (r == EXIT_OK)
			(*n)++;
	}
	return r;
}

static int run_steps(const struct cmdline *line, char action)
{
	_cleanup_free_ struct asked *steps = xcalloc(STEPS_MAX, sizeof *steps);
	size_t n = 0;
	int r = read_steps(line, action, steps, &n);

	for (size_t i = 0; r == EXIT_OK && i < n; i++)
		r = request_run(line, json_incref(steps[i].body), "%s", steps[i].what);
	for (size_t i = 0; i < n; i++)
		asked_done(&steps[i]);
	return r;
}

static int run_add(const struct cmdline *line)    { return run_steps(line, 'a'); }
static int run_change(const struct cmdline *line) { return run_steps(line, 'c'); }
static int run_remove(const struct cmdline *line) { return run_steps(line, 'r'); }

/* ---- the table ---- */

static const struct option_info options[] = {
	{ 'a', NULL, NULL,         "add" },
	{ 'c', NULL, NULL,         "change" },
	{ 'r', NULL, NULL,         "remove" },
	{ 'p', NULL, NULL,         "print the configuration" },
	{ 'v', NULL, NULL,         "of a change: say what was done; with -p: name the object on each line", true },
	{ 'H', NULL, NULL,         "print this" },
	{ 'C', NULL, "cluster=newname", "the name of the cluster", true },
	{ 'h', NULL, "node=name[,id=n][,link=address...]", "a node", true },
	{ 'P', NULL, "node=name[,privatehostname=name]", "the private host name of a node", true },
	{ 'q', NULL, "quorumoptions", "quorum: globaldev=, name=,type=, node=, maintstate, reset, installmode, installmodeoff", true },
	{ 'w', NULL, "heartbeat_timeout=ms,heartbeat_quantum=ms", "heartbeats", true },
	{ 'A', NULL, "adapteroptions", "transport adapters (not built yet)", true },
	{ 'B', NULL, "junctionoptions", "transport junctions (not built yet)", true },
	{ 'm', NULL, "cableoptions", "transport cables (not built yet)", true },
	{ 'D', NULL, "devicegroupoptions", "device groups (not built yet)", true },
	{ 'T', NULL, "authoptions", "who may join (not built yet)", true },
	{ 'S', NULL, "shareoptions", "shares of a node (not built yet)", true },
	{ OPT_JSON, "json", NULL,  "print as JSON" },
};

static const struct form forms[] = {
	{ "p", "v2",           NULL,         PRIVILEGE_NONE,   "print the configuration", scconf_print },
	{ "a", "hPqABmDTv",    "hPqABmDT",   PRIVILEGE_CHANGE, "add to the configuration", run_add },
	{ "c", "CPqwABmDTSv",  "CPqwABmDTS", PRIVILEGE_CHANGE, "change the configuration", run_change },
	{ "r", "hPqABmDTv",    "hPqABmDT",   PRIVILEGE_CHANGE, "remove from the configuration", run_remove },
	{ "H", "acrpv",        NULL,         PRIVILEGE_NONE,   "print this", command_help },
};

const struct command_info scconf_command = {
	"scconf", "configure the cluster, its nodes and its quorum", options, ARRAY_SIZE(options), forms, ARRAY_SIZE(forms),
};
