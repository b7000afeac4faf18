/* A join description is written by a command only:
 *
 *   { "join": "node4", "generation": 12, "table": { "cluster.name": "demo", ... }, "authkey": "00ff..." } */
#include "cmd/join.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/paths.h"
#include "cmd/client.h"
#include "cmd/file.h"
#include "cmd/infrastructure.h"

#define DESCRIPTION_MAX (1u << 20)
#define JOIN_DIR        "/var/cluster"

/* ---- the key ---- */

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

char *key_to_hex(const unsigned char key[AUTHKEY_BYTES])
{
	struct buf b = { 0 };

	for (size_t i = 0; i < AUTHKEY_BYTES; i++)
		buf_printf(&b, "%02x", key[i]);
	return buf_take(&b);
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
static int find_key(const json_t *description, const char *file, struct share *s, struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(file), *beside = NULL;
	const char *hex = ju_str(description, "authkey", NULL), *name = ju_str(description, "authkey_file", NULL);

	s->has_key = true;
	if (hex && name)
		return err_set(err, -EINVAL, "\"authkey\" and \"authkey_file\" exclude each other");
	if (hex)
		return parse_key(hex, s->key, err);
	if (name) {
		beside = *name == '/' ? xstrdup(name) : xasprintf("%s/%s", dirname(copy), name);
		return read_key(beside, s->key, err);
	}
	if (access(path_state(AUTHKEY_FILE), F_OK) == 0)
		return read_key(path_state(AUTHKEY_FILE), s->key, err);
	s->has_key = false;
	return 0;
}

/* ---- a description ---- */

static int read_join(const json_t *description, struct share *s, struct err *err)
{
	json_t *table = ju_obj(description, "table"), *v;
	int64_t generation = ju_int(description, "generation", 0);
	const char *key;

	if (!table || generation < 1)
		return err_set(err, -EINVAL, "it is no join description as clnode add writes it");
	json_object_foreach(table, key, v)
		if (!json_is_string(v))
			return err_set(err, -EINVAL, "it is no join description as clnode add writes it: %s is no text", key);
	s->table = json_incref(table);
	s->generation = (uint64_t)generation;
	s->name = xstrdup(ju_str(description, "join", ""));
	return 0;
}

static int take_description(const json_t *description, const char *node, struct share *s, struct err *err)
{
	int r;

	if (json_object_get(description, "join")) {
		r = read_join(description, s, err);
		if (r == 0 && node && !streq(node, s->name))
			r = err_set(err, -EINVAL, "it is for node %s, not for %s", s->name, node);
		return r;
	}
	s->generation = 1;
	s->name = xstrdup(node ? node : path_hostname());
	return infrastructure_from_description(description, &s->table, err);
}

int share_read(const char *file, const char *node, struct share *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	json_t *description;
	json_error_t where;
	size_t len;
	int r;

	*ret = (struct share) { 0 };
	r = file_read(file, DESCRIPTION_MAX, &text, &len, err);
	if (r < 0)
		return r;
	description = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!description)
		return err_set(err, -EINVAL, "%s:%d:%d: %s", file, where.line, where.column, where.text);
	r = take_description(description, node, ret, err);
	if (r == 0)
		r = find_key(description, file, ret, err);
	json_decref(description);
	if (r < 0)
		return err_prefix(err, r, "%s", file);
	ret->id = infrastructure_node_id(ret->table, ret->name);
	return ret->id ? 0 : err_set(err, -EINVAL, "the description has no node %s; -n names this node", ret->name);
}

void share_done(struct share *s)
{
	json_decref(s->table);
	free(s->name);
	explicit_bzero(s, sizeof *s);
}

/* ---- clnode add ---- */

static int write_join(const char *path, const char *name, const json_t *reply, struct err *err)
{
	unsigned char key[AUTHKEY_BYTES];
	_cleanup_free_ char *hex = NULL, *text = NULL;
	json_t *o;
	int r = read_key(path_state(AUTHKEY_FILE), key, err);

	if (r < 0)
		return r;
	hex = key_to_hex(key);
	o = ju_pack("{ss, sI, sO, ss}", "join", name, "generation", (json_int_t)ju_int(reply, "generation", 0), "table",
		    json_object_get(reply, "data"), "authkey", hex);
	text = ju_dump(o);
	json_decref(o);
	return file_write(path, text, strlen(text), 0600, true, err);
}

int join_describe(const struct cmdline *line, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/join-%s.json", path_state(JOIN_DIR), name);
	json_t *reply = NULL;
	struct err err = { 0 };
	int r = client_call(line, "read the infrastructure table", "org.parhelion.Cluster.GetTable",
			    ju_pack("{ss}", "table", "infrastructure"), &reply);

	if (r == EXIT_OK && !infrastructure_node_id(ju_obj(reply, "data"), name))
		(void)err_set(&err, -ENOENT, "the table has no node %s any more", name);
	else if (r == EXIT_OK)
		(void)write_join(path, name, reply, &err);
	json_decref(reply);
	if (r != EXIT_OK)
		return r;
	if (err.text[0]) {
		command_note(line, "Node %s is added, but what its machine needs could not be written - %s", name, err.text);
		return EXIT_OK;
	}
	(void)printf("Node %s is in the configuration. On its machine, with Parhelion installed:\n"
		     "    scp root@%s:%s /root/\n"
		     "    cluster create -i /root/join-%s.json\n"
		     "The file holds the key of the interconnect: remove it from both machines then.\n",
		     name, path_hostname(), path, name);
	return EXIT_OK;
}
