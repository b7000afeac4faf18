/* ccradm: the tables one by one, for repair.  While clusterd runs on this node a change goes through the cluster, with its
 * checks; otherwise it is made in the files of this node, for the time when no cluster can be had.
 *
 * A table that is changed in its file gets a new generation above all that this node knows, so that one generation never
 * stands for two contents: the copy is the newest at the next formation, unless others have gone on without this node.
 * With -o it gets one that is newer in any case (CCR_OVERRIDE_STEP).  A cluster that runs is not asked: a node that joins it
 * takes its tables. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/paths.h"
#include "base/varlink.h"
#include "ccr/ccr.h"
#include "ccr/history.h"
#include "ccr/schema.h"
#include "cmd/change.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/file.h"

#define HISTORY_DIR  "/var/cluster/ccr"
#define HISTORY_FILE "/var/cluster/ccr/history"
#define ASK_MS 2000

struct table {
	const struct cmdline *line;
	const char *name;
	char    *what;          /* "change table X", for messages */
	bool     online;        /* clusterd runs: the cluster's copy */
	bool     edited;        /* what was in it before is not known */
	bool     there;         /* a file, or a table of the cluster, of this name */
	uint64_t gen;           /* what it was made from; 0: none */
	json_t  *before;        /* NULL: no such table */
	json_t  *data;          /* the copy to change */
};

static void table_done(struct table *t)
{
	free(t->what);
	json_decref(t->before);
	json_decref(t->data);
}

static int fail(const struct table *t, const char *why)
{
	return command_failed(t->line, EXIT_REFUSED, t->what, why);
}

static bool clusterd_runs(void)
{
	struct vl_conn *conn = NULL;
	bool runs = vl_conn_open(path_state(PATH_CLUSTERD_SOCK), ASK_MS, &conn, NULL) == 0;

	vl_conn_close(conn);
	return runs;
}

static char *table_path(const char *name)
{
	return xasprintf("%s/%s", path_state(PATH_CCR), name);
}

/* ---- reading ---- */

static int read_here(struct table *t, const char *path, bool lenient)
{
	_cleanup_free_ char *text = NULL;
	struct err err = { 0 };
	size_t len;
	int r = file_read(path, CCR_TABLE_BYTES_MAX, &text, &len, &err);

	if (r == -ENOENT)
		return EXIT_OK;
	t->there = true;
	if (r == 0)
		r = lenient ? ccr_parse_lenient(text, len, &t->gen, &t->before, &err) : ccr_parse(text, len, &t->gen, &t->before, &err);
	if (r == 0)
		return EXIT_OK;
	_cleanup_free_ char *said = xasprintf("%.800s", err.text);

	if (!lenient && r == -EBADMSG)
		(void)err_set(&err, r, "%s; \"ccradm recover -o %s\" takes it as it stands", said, t->name);
	return fail(t, err.text);
}

static int read_online(struct table *t)
{
	json_t *reply = NULL;
	int r = change_table(t->line, t->name, &reply);

	if (r == EXIT_OK) {
		t->gen = (uint64_t)ju_int(reply, "generation", 0);
		t->before = json_incref(ju_obj(reply, "data"));
	}
	json_decref(reply);
	return r;
}

static int table_open(struct table *t, const struct cmdline *line, const char *verb)
{
	_cleanup_free_ char *path = NULL;
	int r;

	*t = (struct table) { .line = line, .name = line->operands.v[0] };
	t->what = xasprintf("%s table %s", verb, t->name);
	if (cmdline_has(line, 'Z'))
		return fail(t, "zone clusters are not built yet");
	if (!ccr_table_name_ok(t->name))
		return fail(t, "this is no name of a table");
	t->online = clusterd_runs();
	path = table_path(t->name);
	r = t->online ? read_online(t) : read_here(t, path, false);
	if (r == EXIT_OK)
		t->data = t->before ? json_deep_copy(t->before) : NULL;
	return r;
}

/* ---- writing the files of this node ---- */

/* Above every number that this node has seen in a table, readable or not. */
static uint64_t next_generation(bool override)
{
	DIR *dir = opendir(path_state(PATH_CCR));
	const struct dirent *d;
	uint64_t last = 0;

	while (dir && (d = readdir(dir))) {
		_cleanup_free_ char *path = table_path(d->d_name), *text = NULL;
		json_t *data = NULL;
		uint64_t gen = 0;
		size_t len;

		if (!ccr_table_name_ok(d->d_name) || file_read(path, CCR_TABLE_BYTES_MAX, &text, &len, NULL) < 0)
			continue;
		if (ccr_parse_lenient(text, len, &gen, &data, NULL) == 0 || gen)
			last = MAX(last, gen);
		json_decref(data);
	}
	if (dir)
		closedir(dir);
	return last + (override ? CCR_OVERRIDE_STEP : 1);
}

/* The history of this node; a loss is told, no more. */
static void record(const struct table *t, uint64_t gen)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	_cleanup_free_ char *by = xasprintf("root@%s, by hand", path_hostname());
	json_t *prep = ju_pack("{sI,ss,sI,ss,ss,ss*}", "n", (json_int_t)gen, "table", t->name, "at",
			       (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, "by", by, "cmd", t->line->text, "message",
			       cmdline_get(t->line, OPT_MESSAGE));
	json_t *entry = history_entry(prep, t->gen, t->before, t->data);

	if (t->edited) {
		json_object_del(entry, "set");
		json_object_del(entry, "made");
		ju_set_bool(entry, "large", true);
	}
	_cleanup_free_ char *text = ju_dump(entry), *row = xasprintf("%s\n", text);

	json_decref(prep);
	json_decref(entry);
	(void)path_mkdirs(path_state(HISTORY_DIR), 0700);
	_cleanup_close_ int fd = open(path_state(HISTORY_FILE), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, row, strlen(row)) != (ssize_t)strlen(row) || fsync(fd) < 0)
		command_note(t->line, "The table is changed, but its history could not be written: %s", strerror(errno));
}

static int write_here(const struct table *t, const char *path, bool override)
{
	uint64_t gen = next_generation(override);
	_cleanup_free_ char *text = ccr_format(gen, t->data);
	struct err err = { 0 };

	if (clusterd_runs())            /* since the question at the beginning */
		return fail(t, "clusterd has been started meanwhile; nothing was changed");
	if (file_write(path, text, strlen(text), 0600, true, &err) < 0)
		return fail(t, err.text);
	record(t, gen);
	return EXIT_OK;
}

static int table_write(const struct table *t)
{
	_cleanup_free_ char *path = table_path(t->name);
	struct err err = { 0 };

	if (t->data && schema_check_table(t->name, t->data, &err) < 0)
		return fail(t, err.text);
	if (t->online)
		return request_run(t->line, change_request(t->name, (int64_t)t->gen, t->data, false, NULL), "%s", t->what);
	return write_here(t, path, false);
}

/* ---- pairs ---- */

static int show_key(const struct cmdline *line)
{
	_cleanup_(table_done) struct table t = { 0 };
	const char *value;
	int r = table_open(&t, line, "read");

	if (r != EXIT_OK)
		return r;
	value = ju_str(t.data, cmdline_get(line, 'k'), NULL);
	if (!value)
		return fail(&t, t.data ? "there is no such key" : "there is no such table");
	(void)printf("%s\n", value);
	return EXIT_OK;
}

/* What a form wants of the key: that it is there, or that it is not. */
static int edit_key(const struct cmdline *line, bool must_be, bool remove)
{
	_cleanup_(table_done) struct table t = { 0 };
	const char *key = cmdline_get(line, 'k');
	int r = table_open(&t, line, "change");

	if (r != EXIT_OK)
		return r;
	if (!t.data)
		return fail(&t, "there is no such table");
	if (must_be != (json_object_get(t.data, key) != NULL))
		return fail(&t, must_be ? "there is no such key" : "there is such a key already");
	if (remove)
		json_object_del(t.data, key);
	else
		ju_set_str(t.data, key, cmdline_get(line, 'v'));
	return table_write(&t);
}

static int add_key(const struct cmdline *line)    { return edit_key(line, false, false); }
static int change_key(const struct cmdline *line) { return edit_key(line, true, false); }
static int delete_key(const struct cmdline *line) { return edit_key(line, true, true); }

/* ---- tables ---- */

static int add_table(const struct cmdline *line)
{
	_cleanup_(table_done) struct table t = { 0 };
	int r = table_open(&t, line, "create");

	if (r != EXIT_OK)
		return r;
	if (t.data)
		return fail(&t, "there is such a table already");
	t.data = json_object();
	return table_write(&t);
}

static int remove_table(const struct cmdline *line)
{
	_cleanup_(table_done) struct table t = { 0 };
	int r = table_open(&t, line, "remove");

	if (r != EXIT_OK)
		return r;
	if (!t.data)
		return fail(&t, "there is no such table");
	if (streq(t.name, "infrastructure"))
		return fail(&t, "without it no node knows its cluster");
	json_decref(TAKE_PTR(t.data));
	return table_write(&t);
}

static int replace_table(const struct cmdline *line)
{
	_cleanup_(table_done) struct table t = { 0 };
	_cleanup_free_ char *text = NULL;
	struct err err = { 0 };
	uint64_t gen;
	size_t len;
	int r = table_open(&t, line, "replace");

	if (r != EXIT_OK)
		return r;
	if (!t.data)
		return fail(&t, "there is no such table; \"ccradm addtab\" makes it");
	json_decref(TAKE_PTR(t.data));
	if (file_read(cmdline_get(line, 'i'), CCR_TABLE_BYTES_MAX, &text, &len, &err) < 0)
		return fail(&t, err.text);
	if (ccr_parse_lenient(text, len, &gen, &t.data, &err) < 0 || !t.data)
		return fail(&t, err.text[0] ? err.text : "the file says that the table is removed; use remtab");
	return table_write(&t);
}

/* ---- a file that was edited or damaged ---- */

/* The lines are taken as they stand; the first two are made right. */
static int repair(struct table *t, const char *path, bool override, bool any_key)
{
	struct err err = { 0 };
	int r;

	if (clusterd_runs())
		return fail(t, "clusterd runs on this node, and has its own copy: stop the cluster here first, or use \"ccradm replace\"");
	r = read_here(t, path, true);
	if (r != EXIT_OK)
		return r;
	if (!t->there)
		return fail(t, "there is no such file");
	t->data = TAKE_PTR(t->before);
	t->edited = true;
	if (t->data && !any_key && schema_check_table(t->name, t->data, &err) < 0)
		return fail(t, err.text);
	return write_here(t, path, override);
}

static int recover(const struct cmdline *line)
{
	_cleanup_(table_done) struct table t = { .line = line, .name = line->operands.v[0] };
	_cleanup_free_ char *path = NULL;

	t.what = xasprintf("recover table %s", t.name);
	if (cmdline_has(line, 'Z'))
		return fail(&t, "zone clusters are not built yet");
	if (!ccr_table_name_ok(t.name))
		return fail(&t, "this is no name of a table");
	path = table_path(t.name);
	return repair(&t, path, true, cmdline_has(line, 'f'));
}

static int repair_file(const struct cmdline *line)
{
	const char *path = cmdline_get(line, 'i');
	_cleanup_free_ char *copy = xstrdup(path);
	_cleanup_(table_done) struct table t = { .line = line, .name = basename(copy) };

	t.what = xasprintf("recover %s", path);
	if (!ccr_table_name_ok(t.name))
		return fail(&t, "its name is no name of a table");
	return repair(&t, path, cmdline_has(line, 'o'), false);
}

/* ---- the table of commands ---- */

#define ZONE { 'Z', NULL, "ZC", "zone cluster (not built yet)" }
static const struct option_info file_options[] = {
	{ 'i', NULL, "FILE", "a table that was edited: its checksum is made right" },
	{ 'o', NULL, NULL,   "override: this copy wins at the next formation" },
};
static const struct option_info recover_options[] = {
	ZONE,
	{ 'f', NULL, NULL, "even when keys are unknown" },
	{ 'o', NULL, NULL, "override: this copy wins at the next formation" },
};
static const struct option_info replace_options[] = { ZONE, { 'i', NULL, "NEWDATA", "lines of key, tab, value" } };
static const struct option_info table_options[] = { ZONE };
static const struct option_info pair_options[] = {
	ZONE, { 'k', NULL, "KEY", "the key" }, { 'v', NULL, "VALUE", "the value" },
};

#define TABLE_OPERAND NULL, { "TABLE", 1, 1 }
static const struct form file_forms[] = {
	{ "i", "o", NULL, PRIVILEGE_CHANGE, "make the checksum of an edited table right", repair_file },
};
static const struct form recover_forms[] = {
	{ "o", "Zf", NULL, PRIVILEGE_CHANGE, "take a table of this node as it stands, and have it win", recover, TABLE_OPERAND },
};
static const struct form replace_forms[] = {
	{ "i", "Z", NULL, PRIVILEGE_CHANGE, "replace the contents of a table", replace_table, TABLE_OPERAND },
};
static const struct form addtab_forms[] = { { "", "Z", NULL, PRIVILEGE_CHANGE, "make an empty table", add_table, TABLE_OPERAND } };
static const struct form remtab_forms[] = { { "", "Z", NULL, PRIVILEGE_CHANGE, "remove a table", remove_table, TABLE_OPERAND } };
static const struct form addkey_forms[] = { { "vk", "Z", NULL, PRIVILEGE_CHANGE, "add a pair", add_key, TABLE_OPERAND } };
static const struct form changekey_forms[] = {
	{ "vk", "Z", NULL, PRIVILEGE_CHANGE, "change the value of a key", change_key, TABLE_OPERAND },
};
static const struct form delkey_forms[] = { { "k", "Z", NULL, PRIVILEGE_CHANGE, "delete a pair", delete_key, TABLE_OPERAND } };
static const struct form showkey_forms[] = { { "k", "Z", NULL, PRIVILEGE_NONE, "print the value of a key", show_key, TABLE_OPERAND } };

#define TABLE(o, n, f) o, n, f, ARRAY_SIZE(f)
static const struct command_info old_form = {
	"ccradm", "repair a table that was edited", TABLE(file_options, ARRAY_SIZE(file_options), file_forms),
};
static const struct command_info subcommands[] = {
	{ "ccradm addkey",    "add a pair to a table",             TABLE(pair_options, 3, addkey_forms) },
	{ "ccradm addtab",    "make an empty table",               TABLE(table_options, 1, addtab_forms) },
	{ "ccradm changekey", "change the value of a key",         TABLE(pair_options, 3, changekey_forms) },
	{ "ccradm delkey",    "delete a pair from a table",        TABLE(pair_options, 2, delkey_forms) },
	{ "ccradm recover",   "take a table as it stands",         TABLE(recover_options, 3, recover_forms) },
	{ "ccradm remtab",    "remove a table",                    TABLE(table_options, 1, remtab_forms) },
	{ "ccradm replace",   "replace the contents of a table",   TABLE(replace_options, 2, replace_forms) },
	{ "ccradm showkey",   "print the value of a key",          TABLE(pair_options, 2, showkey_forms) },
};
const struct command_family ccradm_family = {
	"ccradm", "the tables of the configuration repository, one by one, for repair", subcommands, ARRAY_SIZE(subcommands),
	.plain = &old_form,
};
