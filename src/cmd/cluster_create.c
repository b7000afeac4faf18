/* cluster create, cluster corosync-conf: the files that make this machine a node, before any daemon runs. */
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>

#include "base/json.h"
#include "base/paths.h"
#include "ccr/ccr.h"
#include "cmd/cluster.h"
#include "cmd/file.h"
#include "cmd/infrastructure.h"
#include "cmm/corosync_conf.h"

#define DESCRIPTION_MAX (1u << 20)
#define AUTHKEY_BYTES   128
#define INFRASTRUCTURE  PATH_CCR "/infrastructure"
#define NODEID_FILE     "/etc/cluster/nodeid"
#define AUTHKEY_FILE    "/etc/corosync/authkey"
#define COROSYNC_CONF   "/etc/corosync/corosync.conf"

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

static int parse_key(const char *hex, unsigned char key[AUTHKEY_BYTES], struct err *err)
{
	if (strlen(hex) != 2 * AUTHKEY_BYTES || strspn(hex, "0123456789abcdefABCDEF") != 2 * AUTHKEY_BYTES)
		return err_set(err, -EINVAL, "\"authkey\" must be %d hexadecimal digits", 2 * AUTHKEY_BYTES);
	for (size_t i = 0; i < AUTHKEY_BYTES; i++)
		key[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	return 0;
}

static int read_key(const char *path, unsigned char key[AUTHKEY_BYTES], struct err *err)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	int r = file_read(path, 4096, &data, &len, err);

	if (r < 0)
		return r;
	if (len != AUTHKEY_BYTES)
		return err_set(err, -EINVAL, "%s has %zu bytes, a key has %d", path, len, AUTHKEY_BYTES);
	memcpy(key, data, AUTHKEY_BYTES);
	return 0;
}

/* From the description: in it, in a file beside it, or the one that is in place already. */
static int find_key(const json_t *description, const char *file, unsigned char key[AUTHKEY_BYTES], struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(file), *beside = NULL;
	const char *hex = ju_str(description, "authkey", NULL), *name = ju_str(description, "authkey_file", NULL);

	if (hex && name)
		return err_set(err, -EINVAL, "\"authkey\" and \"authkey_file\" exclude each other");
	if (hex)
		return parse_key(hex, key, err);
	if (name) {
		beside = *name == '/' ? xstrdup(name) : xasprintf("%s/%s", dirname(copy), name);
		return read_key(beside, key, err);
	}
	if (access(path_state(AUTHKEY_FILE), F_OK) == 0)
		return read_key(path_state(AUTHKEY_FILE), key, err);
	return err_set(err, -EINVAL, "there is no key: all nodes need the same %d secret bytes (head -c %d /dev/urandom >FILE), "
		       "named by \"authkey_file\" of the description", AUTHKEY_BYTES, AUTHKEY_BYTES);
}

/* A file of this content; another content is somebody else's and stays. */
static int put_same(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	_cleanup_free_ char *old = NULL;
	size_t old_len;
	int r = file_read(path, 4096, &old, &old_len, err);

	if (r == -ENOENT)
		return file_write(path, data, len, mode, false, err);
	if (r < 0)
		return r;
	if (old_len != len || memcmp(old, data, len) != 0)
		return err_set(err, -EEXIST, "%s exists and says something else: remove it if this node belongs to no other cluster",
			       path);
	return 0;
}

/* The table comes last: with it this machine is a node. */
static int write_share(const json_t *table, const char *node, const unsigned char key[AUTHKEY_BYTES], struct err *err)
{
	_cleanup_free_ char *id_text = NULL, *text = NULL;
	unsigned id = infrastructure_node_id(table, node);
	int r;

	if (!id)
		return err_set(err, -EINVAL, "the description has no node %s; -n names this node", node);
	if (access(path_state(INFRASTRUCTURE), F_OK) == 0)
		return err_set(err, -EEXIST, "this machine is a node of a cluster already: %s exists", path_state(INFRASTRUCTURE));
	id_text = xasprintf("%u\n", id);
	text = ccr_format(1, table);
	r = path_mkdirs(path_state("/etc/cluster/ccr"), 0755);
	if (r == 0)
		r = path_mkdirs(path_state(PATH_CCR), 0700);
	if (r < 0)
		return err_set(err, r, "cannot make %s: %s", path_state(PATH_CCR), strerror(-r));
	r = put_same(path_state(AUTHKEY_FILE), key, AUTHKEY_BYTES, 0400, err);
	if (r == 0)
		r = put_same(path_state(NODEID_FILE), id_text, strlen(id_text), 0644, err);
	return r < 0 ? r : file_write(path_state(INFRASTRUCTURE), text, strlen(text), 0600, false, err);
}

static int read_description(const char *file, json_t **ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	json_error_t where;
	size_t len;
	int r = file_read(file, DESCRIPTION_MAX, &text, &len, err);

	if (r < 0)
		return r;
	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	return *ret ? 0 : err_set(err, -EINVAL, "%s:%d:%d: %s", file, where.line, where.column, where.text);
}

static int create(const struct cmdline *line, struct err *err)
{
	const char *file = cmdline_get(line, 'i'), *node = cmdline_get(line, 'n');
	unsigned char key[AUTHKEY_BYTES];
	json_t *description = NULL, *table = NULL;
	int r = read_description(file, &description, err);

	if (r == 0) {
		r = infrastructure_from_description(description, &table, err);
		if (r == 0)
			r = find_key(description, file, key, err);
		if (r < 0)
			(void)err_prefix(err, r, "%s", file);
	}
	if (r == 0)
		r = write_share(table, node ? node : path_hostname(), key, err);
	json_decref(description);
	json_decref(table);
	return r;
}

int cluster_create(const struct cmdline *line)
{
	struct err err = { 0 };

	if (create(line, &err) < 0)
		return command_failed(line, EXIT_REFUSED, "create the cluster", err.text);
	return EXIT_OK;
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
