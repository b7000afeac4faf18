/* cluster create, cluster corosync-conf: the files that make this machine a node, before any daemon runs. */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/json.h"
#include "base/paths.h"
#include "ccr/ccr.h"
#include "cmd/cluster.h"
#include "cmd/file.h"
#include "cmd/machine.h"
#include "cmm/cmm.h"
#include "cmm/config.h"
#include "cmm/corosync_conf.h"

#define INFRASTRUCTURE  PATH_CCR "/infrastructure"
#define NODEID_FILE     "/etc/cluster/nodeid"
#define COROSYNC_CONF   "/etc/corosync/corosync.conf"
#define DESCRIPTION     "/etc/cluster/description.json"
#define TARGET          "parhelion.target"
#define STOCK_SERVICE   "corosync.service"

struct creation {
	struct share share;
	const char  *file;              /* the description that was given */
	bool first;                     /* this is the first node of the table */
	bool real;                      /* this machine, not a directory that stands for one (tests) */
	bool systemd;
	bool made_key, put_key, put_id; /* what undo may take away */
};

/* ---- steps ---- */

/* A file of this content; another content is somebody else's and stays.  1: it was not there before. */
static int put_same(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	_cleanup_free_ char *old = NULL;
	size_t old_len;
	int r = file_read(path, 4096, &old, &old_len, err);

	if (r == -ENOENT) {
		r = file_write(path, data, len, mode, false, err);
		return r < 0 ? r : 1;
	}
	if (r < 0)
		return r;
	if (old_len != len || memcmp(old, data, len) != 0)
		return err_set(err, -EEXIST, "%s exists and says something else: remove it if this node belongs to no other cluster",
			       path);
	return 0;
}

static bool no_key(const struct creation *c) { return !c->share.has_key; }

static int make_key(struct creation *c, struct err *err)
{
	if (getrandom(c->share.key, AUTHKEY_BYTES, 0) != AUTHKEY_BYTES)
		return err_set(err, -EIO, "there is no randomness for a key");
	c->share.has_key = c->made_key = true;
	return 0;
}

static int put_key(struct creation *c, struct err *err)
{
	int r = put_same(path_state(AUTHKEY_FILE), c->share.key, AUTHKEY_BYTES, 0400, err);

	c->put_key = r > 0;
	return r;
}

static void take_key(struct creation *c)
{
	if (c->put_key)
		(void)unlink(path_state(AUTHKEY_FILE));
}

static int put_id(struct creation *c, struct err *err)
{
	_cleanup_free_ char *text = xasprintf("%u\n", c->share.id);
	int r = put_same(path_state(NODEID_FILE), text, strlen(text), 0644, err);

	c->put_id = r > 0;
	return r;
}

static void take_id(struct creation *c)
{
	if (c->put_id)
		(void)unlink(path_state(NODEID_FILE));
}

/* The description that was given, with the key that was made: for the other nodes. */
static int put_description(struct creation *c, struct err *err)
{
	_cleanup_free_ char *given = NULL, *hex = key_to_hex(c->share.key), *text = NULL;
	json_t *o;
	size_t len;
	int r = file_read(c->file, 1u << 20, &given, &len, err);

	if (r < 0)
		return r;
	o = json_loadb(given, len, 0, NULL);
	ju_set_str(o, "authkey", hex);
	text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	return file_write(path_state(DESCRIPTION), text, strlen(text), 0600, true, err);
}

static bool key_made_here(const struct creation *c) { return c->made_key || !c->share.has_key; }
static void take_description(struct creation *c)   { (void)c; (void)unlink(path_state(DESCRIPTION)); }

static int systemctl(const char *verb, const char *unit, struct err *err)
{
	const char *const argv[] = { "systemctl", "--quiet", verb, "--", unit, NULL };
	int r = machine_run(argv, NULL);

	return r == 0 ? 0 : err_set(err, -EIO, "systemctl %s %s failed; see systemctl status %s", verb, unit, unit);
}

static bool stock_is_enabled(const struct creation *c)
{
	return c->systemd && systemctl("is-enabled", STOCK_SERVICE, NULL) == 0;
}

static int  stop_stock(struct creation *c, struct err *err)    { (void)c; return systemctl("disable", STOCK_SERVICE, err); }
static void start_stock(struct creation *c)                    { (void)c; (void)systemctl("enable", STOCK_SERVICE, NULL); }
static bool has_systemd(const struct creation *c)              { return c->systemd; }
static int  enable_target(struct creation *c, struct err *err) { (void)c; return systemctl("enable", TARGET, err); }
static void disable_target(struct creation *c)                 { (void)c; (void)systemctl("disable", TARGET, NULL); }

static int put_table(struct creation *c, struct err *err)
{
	_cleanup_free_ char *text = ccr_format(c->share.generation, c->share.table);
	int r = path_mkdirs(path_state("/etc/cluster/ccr"), 0755);

	if (r == 0)
		r = path_mkdirs(path_state(PATH_CCR), 0700);
	if (r < 0)
		return err_set(err, r, "cannot make %s: %s", path_state(PATH_CCR), strerror(-r));
	return file_write(path_state(INFRASTRUCTURE), text, strlen(text), 0600, false, err);
}

/* In this order; when one fails, those before it are undone from the last to the first.  The table is the last: with it this
 * machine is a node. */
static const struct step {
	const char *what;
	bool (*needed)(const struct creation *c);       /* NULL: always */
	int  (*run)(struct creation *c, struct err *err);
	void (*undo)(struct creation *c);               /* NULL: it leaves nothing */
} steps[] = {
	{ "make the key of the interconnect",                 no_key,           make_key,        NULL },
	{ "write the key to " AUTHKEY_FILE,                   NULL,             put_key,         take_key },
	{ "write the id of this node to " NODEID_FILE,        NULL,             put_id,          take_id },
	{ "write a description with the key to " DESCRIPTION, key_made_here,    put_description, take_description },
	{ "disable the service of corosync, " STOCK_SERVICE,  stock_is_enabled, stop_stock,      start_stock },
	{ "start the cluster at boot, " TARGET,               has_systemd,      enable_target,   disable_target },
	{ "write the infrastructure table",                   NULL,             put_table,       NULL },
};

static bool is_needed(const struct step *step, const struct creation *c) { return !step->needed || step->needed(c); }

static int run_steps(struct creation *c, struct err *err)
{
	bool done[ARRAY_SIZE(steps)] = { 0 };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(steps); i++) {
		if (!is_needed(&steps[i], c))
			continue;
		r = steps[i].run(c, err);
		done[i] = r >= 0;
	}
	for (size_t i = ARRAY_SIZE(steps); r < 0 && i-- > 0;)
		if (done[i] && steps[i].undo)
			steps[i].undo(c);
	return MIN(r, 0);
}

static void print_steps(const struct creation *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (is_needed(&steps[i], c))
			(void)printf("would %s\n", steps[i].what);
}

/* ---- the command ---- */

static unsigned first_node(const json_t *table)
{
	struct cmm_votes votes;

	cmm_votes_read(table, 1, &votes);
	return nodeset_next(votes.configured, 0);
}

static int prepare(struct creation *c, const struct cmdline *line, struct err *err)
{
	struct strlist notes = { 0 };
	int r = share_read(c->file, cmdline_get(line, 'n'), &c->share, err);

	if (r < 0)
		return r;
	if (access(path_state(INFRASTRUCTURE), F_OK) == 0)
		return err_set(err, -EEXIST, "this machine is a node of a cluster already: %s exists", path_state(INFRASTRUCTURE));
	c->first = c->share.id == first_node(c->share.table);
	if (!c->share.has_key && !c->first)
		return err_set(err, -EINVAL, "%s: there is no key, and all nodes need the same: create the cluster on its first node, "
			       "which makes one, and use the description that is written there", c->file);
	c->real = !getenv("PARHELION_ROOT");
	c->systemd = c->real && machine_has_systemd();
	if (c->real)
		r = machine_check(&c->share, &notes, err);
	for (size_t i = 0; r == 0 && i < notes.n; i++)
		command_note(line, "%s", notes.v[i]);
	strlist_done(&notes);
	return r;
}

static void say_what_next(const struct creation *c)
{
	if (c->made_key)
		(void)printf("A key was made. On each of the other nodes, with Parhelion installed:\n"
			     "    scp root@%s:%s /root/\n"
			     "    cluster create -i /root/description.json\n"
			     "The file holds the key of the interconnect: remove it from all machines then.\n", c->share.name, DESCRIPTION);
	if (c->systemd)
		(void)printf("The cluster software starts at the next boot, or now with: systemctl start " TARGET "\n");
	else if (c->real)
		(void)printf("Process 1 is not systemd here: start " PREFIX_SC "/node-boot at boot.\n");
}

int cluster_create(const struct cmdline *line)
{
	struct creation c = { .file = cmdline_get(line, 'i') };
	struct err err = { 0 };
	int r = prepare(&c, line, &err);

	if (r == 0 && cmdline_has(line, '5')) {
		print_steps(&c);
	} else if (r == 0) {
		r = run_steps(&c, &err);
		if (r == 0)
			say_what_next(&c);
	}
	share_done(&c.share);
	return r < 0 ? command_failed(line, EXIT_REFUSED, "create the cluster", err.text) : EXIT_OK;
}

/* ---- corosync.conf ---- */

static int make_conf(char **ret, struct err *err)
{
	const char *path = path_state(INFRASTRUCTURE);
	_cleanup_free_ char *text = NULL;
	json_t *table = NULL;
	struct err why = { 0 };
	uint64_t gen;
	size_t len;
	int r = file_read(path, CCR_TABLE_BYTES_MAX, &text, &len, err);

	if (r == -ENOENT)
		return err_set(err, r, "this machine is not a node of a cluster: there is no %s; cluster create makes it", path);
	if (r < 0)
		return r;
	r = ccr_parse(text, len, &gen, &table, &why);
	if (r < 0)
		return err_set(err, r, "%s: %s; copy the file from another node of the cluster", path, why.text);
	if (table)
		r = corosync_conf(table, path_state(AUTHKEY_FILE), ret, err);
	else
		r = err_set(err, -EINVAL, "%s says that the table was removed", path);
	json_decref(table);
	return r;
}

int cluster_corosync_conf(const struct cmdline *line)
{
	_cleanup_free_ char *conf = NULL;
	struct err err = { 0 };
	int r = make_conf(&conf, &err);

	if (r == 0 && cmdline_has(line, 'w'))
		r = file_write(path_state(COROSYNC_CONF), conf, strlen(conf), 0644, true, &err);
	else if (r == 0)
		(void)fputs(conf, stdout);
	return r < 0 ? command_failed(line, EXIT_REFUSED, "make corosync.conf", err.text) : EXIT_OK;
}
