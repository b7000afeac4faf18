#include "ccr/schema.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"

#define KEY_COMPARED 120        /* characters of a key that the search for the nearest one looks at */
#define PART_MAX     255

#define STATE "enabled,disabled"
#define GLOBAL_FENCING "prefer3,pathcount,nofencing,nofencing-noscrub"
#define INFRA "infrastructure"
#define NODE  "cluster.nodes.<id>."
#define ADAPTER NODE "adapters.<n>."
#define DEVICE "cluster.quorum_devices.<n>."

static const struct schema_row rows[] = {
	{ INFRA, "cluster.name",                       SCHEMA_NAME, 0, 0, NULL, "the name of the cluster" },
	{ INFRA, "cluster.state",                      SCHEMA_WORD, 0, 0, STATE, "of the configuration as a whole" },
	{ INFRA, "cluster.properties.cluster_id",      SCHEMA_HEX, 0, 0, NULL, "tells this cluster from others" },
	{ INFRA, "cluster.properties.takeover_time",   SCHEMA_NUMBER, 480, 60000, NULL, "ms; all timers follow from it" },
	{ INFRA, "cluster.properties.installmode",     SCHEMA_WORD, 0, 0, STATE, "the cluster is being set up" },
	{ INFRA, "cluster.properties.quarantine_deaths", SCHEMA_NUMBER, 0, 100, NULL, "a node that dies so often waits; 0: never" },
	{ INFRA, "cluster.properties.quarantine_minutes", SCHEMA_NUMBER, 1, 1440, NULL, "within so many minutes" },
	{ INFRA, "cluster.properties.global_fencing",  SCHEMA_WORD, 0, 0, GLOBAL_FENCING, "of disks that have no setting of their own" },
	{ INFRA, "cluster.properties.<property>",      SCHEMA_TEXT, 0, 0, NULL, "other properties of the cluster" },
	{ INFRA, NODE "name",                          SCHEMA_NAME, 0, 0, NULL, "the name of the node" },
	{ INFRA, NODE "state",                         SCHEMA_WORD, 0, 0, STATE, "of the node" },
	{ INFRA, NODE "properties.quorum_vote",        SCHEMA_NUMBER, 0, 1, NULL, "the votes of the node" },
	{ INFRA, NODE "fence.<n>.agent",               SCHEMA_NAME, 0, 0, NULL, "the program that fences the node" },
	{ INFRA, NODE "fence.<n>.<property>",          SCHEMA_TEXT, 0, 0, NULL, "what that program is told" },
	{ INFRA, NODE "loadlimits.<limit>.soft",       SCHEMA_NUMBER, 0, 2147483647, NULL, "above it the node is less welcome to groups; 0: none" },
	{ INFRA, NODE "loadlimits.<limit>.hard",       SCHEMA_NUMBER, 0, 2147483647, NULL, "above it no group comes" },
	{ INFRA, NODE "properties.<property>",         SCHEMA_TEXT, 0, 0, NULL, "other properties of the node" },
	{ INFRA, ADAPTER "name",                       SCHEMA_NAME, 0, 0, NULL, "the adapter of an interconnect link" },
	{ INFRA, ADAPTER "state",                      SCHEMA_WORD, 0, 0, STATE, "of the adapter" },
	{ INFRA, ADAPTER "properties.ip_address",      SCHEMA_ADDRESS, 0, 0, NULL, "its address on the interconnect" },
	{ INFRA, ADAPTER "properties.<property>",      SCHEMA_TEXT, 0, 0, NULL, "other properties of the adapter" },
	{ INFRA, ADAPTER "ports.<n>.name",             SCHEMA_NAME, 0, 0, NULL, "a port of the adapter" },
	{ INFRA, ADAPTER "ports.<n>.state",            SCHEMA_WORD, 0, 0, STATE, "of the port" },
	{ INFRA, "cluster.blackboxes.<n>.name",        SCHEMA_NAME, 0, 0, NULL, "a switch of the interconnect" },
	{ INFRA, "cluster.blackboxes.<n>.state",       SCHEMA_WORD, 0, 0, STATE, "of the switch" },
	{ INFRA, "cluster.blackboxes.<n>.properties.<property>", SCHEMA_TEXT, 0, 0, NULL, "properties of the switch" },
	{ INFRA, "cluster.blackboxes.<n>.ports.<n>.name",  SCHEMA_NAME, 0, 0, NULL, "a port of the switch" },
	{ INFRA, "cluster.blackboxes.<n>.ports.<n>.state", SCHEMA_WORD, 0, 0, STATE, "of the port" },
	{ INFRA, "cluster.cables.<n>.state",           SCHEMA_WORD, 0, 0, STATE, "of the cable" },
	{ INFRA, "cluster.cables.<n>.properties.<property>", SCHEMA_TEXT, 0, 0, NULL, "end1, end2: the ports that it connects" },
	{ INFRA, DEVICE "name",                        SCHEMA_NAME, 0, 0, NULL, "a quorum device or a disk" },
	{ INFRA, DEVICE "state",                       SCHEMA_WORD, 0, 0, STATE, "of the device" },
	{ INFRA, DEVICE "properties.votecount",        SCHEMA_NUMBER, 0, 63, NULL, "the votes of the device" },
	{ INFRA, DEVICE "properties.role",             SCHEMA_WORD, 0, 0, "quorum,data", "data: no quorum device but a disk that is fenced" },
	{ INFRA, DEVICE "properties.default_fencing",  SCHEMA_WORD, 0, 0, "global,scsi3," GLOBAL_FENCING, "of a disk; global: as the cluster" },
	{ INFRA, DEVICE "properties.<property>",       SCHEMA_TEXT, 0, 0, NULL, "other properties of the device" },
	{ "rgm_rt_*", "rtr",                           SCHEMA_TEXT, 0, 0, NULL, "the text of the registration file" },
	{ "rgm_rt_*", "path",                          SCHEMA_TEXT, 0, 0, NULL, "where it was read" },
	{ "rgm_rt_*", "installed_nodes",               SCHEMA_TEXT, 0, 0, NULL, "n1,n2; empty: all" },
	{ "rgm_rg_*", "rg.managed",                    SCHEMA_WORD, 0, 0, "TRUE,FALSE", "the group is managed" },
	{ "rgm_rg_*", "rg.prop.<property>",            SCHEMA_TEXT, 0, 0, NULL, "a property of the group" },
	{ "rgm_rg_*", "rs.<resource>.type",            SCHEMA_NAME, 0, 0, NULL, "the type of a resource of the group" },
	{ "rgm_rg_*", "rs.<resource>.enabled",         SCHEMA_WORD, 0, 0, "TRUE,FALSE", "the resource is enabled" },
	{ "rgm_rg_*", "rs.<resource>.monitored",       SCHEMA_WORD, 0, 0, "TRUE,FALSE", "its monitor is enabled" },
	{ "rgm_rg_*", "rs.<resource>.enabled{<id>}",   SCHEMA_WORD, 0, 0, "TRUE,FALSE", "the same on one node, where it differs" },
	{ "rgm_rg_*", "rs.<resource>.monitored{<id>}", SCHEMA_WORD, 0, 0, "TRUE,FALSE", "the same on one node, where it differs" },
	{ "rgm_rg_*", "rs.<resource>.prop.<property>", SCHEMA_TEXT, 0, 0, NULL, "a standard property of the resource" },
	{ "rgm_rg_*", "rs.<resource>.ext.<property>",  SCHEMA_TEXT, 0, 0, NULL, "an extension property of the resource" },
};

size_t schema_count(void)                        { return ARRAY_SIZE(rows); }
const struct schema_row *schema_at(size_t i)     { return &rows[i]; }

static bool is_of(const struct schema_row *row, const char *table)
{
	size_t n = strlen(row->table);

	return row->table[n - 1] == '*' ? strncmp(row->table, table, n - 1) == 0 && table[n - 1] : streq(row->table, table);
}

bool schema_knows_table(const char *table)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (is_of(&rows[i], table))
			return true;
	return false;
}

/* ---- keys ---- */

static bool is_number(const char *s, size_t len)
{
	if (len == 0 || len > 9 || s[0] == '0')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return true;
}

static bool part_fits(const char *pattern, size_t n, const char *part, size_t len)
{
	const char *open = memchr(pattern, '<', n), *close = open ? memchr(open, '>', n - (size_t)(open - pattern)) : NULL;
	size_t before, after;

	if (!close)
		return n == len && strncmp(pattern, part, n) == 0;
	before = (size_t)(open - pattern);
	after = n - (size_t)(close + 1 - pattern);
	if (len < before + after || strncmp(pattern, part, before) != 0 || strncmp(close + 1, part + len - after, after) != 0)
		return false;
	part += before;
	len -= before + after;
	if (strncmp(open, "<id>", 4) == 0)
		return is_number(part, len) && strtol(part, NULL, 10) <= 64;
	if (strncmp(open, "<n>", 3) == 0)
		return is_number(part, len);
	return len > 0 && len <= PART_MAX;
}

bool schema_key_fits(const char *pattern, const char *key)
{
	for (;;) {
		size_t n = strcspn(pattern, "."), len = strcspn(key, ".");

		if (!part_fits(pattern, n, key, len))
			return false;
		pattern += n;
		key += len;
		if (!*pattern || !*key)
			return !*pattern && !*key;
		pattern++;
		key++;
	}
}

/* The pattern with the parts of the key in their places, so that only what is really different counts. */
static char *filled(const char *pattern, const char *key)
{
	struct buf b = { 0 };

	for (;;) {
		size_t n = strcspn(pattern, "."), len = strcspn(key, ".");
		bool take = pattern[0] == '<' && len;

		buf_add(&b, take ? key : pattern, take ? len : n);
		pattern += n;
		key += len;
		if (!*pattern)
			return buf_take(&b);
		buf_puts(&b, ".");
		pattern++;
		key += *key == '.';
	}
}

/* Levenshtein. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[KEY_COMPARED + 1];
	size_t n = MIN(strlen(a), (size_t)KEY_COMPARED), m = MIN(strlen(b), (size_t)KEY_COMPARED);

	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned above = row[j], change = corner + (a[i - 1] != b[j - 1]);

			unsigned gap = MIN(above, row[j - 1]) + 1;

			row[j] = MIN(change, gap);
			corner = above;
		}
	}
	return row[m];
}

/* How many parts are right before the first wrong one. */
static unsigned parts_right(const char *pattern, const char *key)
{
	unsigned right = 0;

	for (;;) {
		size_t n = strcspn(pattern, "."), len = strcspn(key, ".");

		if (!part_fits(pattern, n, key, len))
			return right;
		right++;
		pattern += n;
		key += len;
		if (!*pattern || !*key)
			return right;
		pattern++;
		key++;
	}
}

/* The one with the most parts right; of these the one with the fewest letters to change. */
static const struct schema_row *nearest(const char *table, const char *key)
{
	const struct schema_row *best = NULL;
	unsigned least = 0, most = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!is_of(&rows[i], table))
			continue;
		_cleanup_free_ char *text = filled(rows[i].key, key);
		unsigned d = distance(key, text), right = parts_right(rows[i].key, key);

		if (!best || right > most || (right == most && d < least)) {
			best = &rows[i];
			least = d;
			most = right;
		}
	}
	return best;
}

/* ---- values ---- */

static bool has_word(const char *words, const char *value)
{
	struct strlist list = { 0 };
	bool found;

	strlist_split(&list, words, ",");
	found = strlist_has(&list, value);
	strlist_done(&list);
	return found;
}

static bool value_fits(const struct schema_row *row, const char *value)
{
	char *end = NULL;
	size_t len = strlen(value);
	int64_t n;

	switch (row->type) {
	case SCHEMA_TEXT:
		return true;
	case SCHEMA_NAME:
		return len && strcspn(value, " \t\r\n") == len;
	case SCHEMA_WORD:
		return has_word(row->values, value);
	case SCHEMA_ADDRESS:
		return len && strspn(value, "0123456789abcdefABCDEF.:%") == len;
	case SCHEMA_HEX:
		return len > 2 && len <= 10 && strncmp(value, "0x", 2) == 0 && strspn(value + 2, "0123456789abcdefABCDEF") == len - 2;
	case SCHEMA_NUMBER:
		if (!isdigit((unsigned char)value[0]) || len > 9)
			return false;
		n = strtoll(value, &end, 10);
		return !*end && n >= row->min && n <= row->max;
	case SCHEMA_INVALID:
	case SCHEMA_TYPE_COUNT:
		break;
	}
	return false;
}

static int wrong_value(const struct schema_row *row, const char *table, const char *key, const char *value, struct err *err)
{
	_cleanup_free_ char *range = xasprintf("a number from %" PRIi64 " to %" PRIi64, row->min, row->max);
	_cleanup_free_ char *words = xasprintf("one of %s", row->values ? row->values : "");
	const char *const wanted[SCHEMA_TYPE_COUNT] = {
		[SCHEMA_TEXT] = "text", [SCHEMA_NAME] = "a name without blanks", [SCHEMA_WORD] = words, [SCHEMA_NUMBER] = range,
		[SCHEMA_HEX] = "a number like 0x3908EE1C", [SCHEMA_ADDRESS] = "an IP address",
	};

	return err_set(err, -EINVAL, "table %s: %s must be %s, not \"%.200s\"", table, key, wanted[row->type], value);
}

int schema_check(const char *table, const char *key, const char *value, struct err *err)
{
	const struct schema_row *row;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (is_of(&rows[i], table) && schema_key_fits(rows[i].key, key))
			return value_fits(&rows[i], value) ? 0 : wrong_value(&rows[i], table, key, value, err);
	row = nearest(table, key);
	if (!row)
		return err_set(err, -ENOENT, "there is no table \"%s\" in a cluster: there are infrastructure, rgm_rt_TYPE and "
			       "rgm_rg_GROUP", table);
	return err_set(err, -ENOENT, "table %s knows no key \"%.200s\"; the nearest is %s (%s)", table, key, row->key, row->meaning);
}

int schema_check_table(const char *table, const json_t *data, struct err *err)
{
	const char *key;
	json_t *v;
	int r = 0;

	if (!json_is_object(data))
		return err_set(err, -EINVAL, "table %s: the contents are no object", table);
	if (!schema_knows_table(table))
		return schema_check(table, "", "", err);
	json_object_foreach((json_t *)data, key, v) {
		if (r == 0 && !json_is_string(v))
			r = err_set(err, -EINVAL, "table %s: the value of %s is no text", table, key);
		if (r == 0)
			r = schema_check(table, key, json_string_value(v), err);
	}
	return r;
}
