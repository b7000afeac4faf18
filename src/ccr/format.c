#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <nettle/md5.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "ccr/ccr.h"

#define REMOVED_KEY "ccr_removed"

bool ccr_table_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > CCR_TABLE_NAME_MAX || name[0] == '.')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-:+@", *name))
			return false;
	return true;
}

static void add_escaped(struct buf *b, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '\n': buf_puts(b, "\\n"); break;
		case '\t': buf_puts(b, "\\t"); break;
		case '\r': buf_puts(b, "\\r"); break;
		case '\\': buf_puts(b, "\\\\"); break;
		default:   buf_add(b, s, 1);
		}
	}
}

/* NULL: a broken escape. */
static char *unescape(const char *s, size_t len)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '\\') {
			if (++i == len)
				goto broken;
			switch (s[i]) {
			case 'n': c = '\n'; break;
			case 't': c = '\t'; break;
			case 'r': c = '\r'; break;
			case '\\': break;
			default: goto broken;
			}
		}
		buf_add(&b, &c, 1);
	}
	return buf_take(&b);
broken:
	buf_done(&b);
	return NULL;
}

/* MD5 is what the documented format has; it guards against rot and half-written files, not against an attacker. */
static void checksum(const char *gennum_line, const char *body, size_t len, char hex[33])
{
	uint8_t digest[MD5_DIGEST_SIZE];
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, strlen(gennum_line), (const uint8_t *)gennum_line);
	md5_update(&md5, len, (const uint8_t *)body);
	md5_digest(&md5, sizeof digest, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		(void)snprintf(hex + 2 * i, 3, "%02X", digest[i]);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *ccr_format(uint64_t gen, const json_t *data)
{
	_cleanup_free_ const char **keys = xcalloc(json_object_size(data) + 1, sizeof *keys);
	struct buf body = { 0 }, out = { 0 };
	char first[48], hex[33];
	size_t n = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)data, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof *keys, compare_names);
	for (size_t i = 0; i < n; i++) {
		add_escaped(&body, keys[i]);
		buf_puts(&body, "\t");
		add_escaped(&body, json_string_value(json_object_get(data, keys[i])));
		buf_puts(&body, "\n");
	}
	if (!data)
		buf_puts(&body, REMOVED_KEY "\t1\n");
	(void)snprintf(first, sizeof first, "ccr_gennum\t%" PRIu64 "\n", gen);
	checksum(first, body.s ? body.s : "", body.len, hex);
	buf_printf(&out, "%sccr_checksum\t%s\n", first, hex);
	if (body.s)
		buf_add(&out, body.s, body.len);
	buf_done(&body);
	return buf_take(&out);
}

static int parse_body(const char *s, const char *end, unsigned line, json_t *data, struct err *err)
{
	for (; s < end; line++) {
		const char *eol = memchr(s, '\n', (size_t)(end - s));
		const char *tab = eol ? memchr(s, '\t', (size_t)(eol - s)) : NULL;

		if (!tab)
			return err_set(err, -EBADMSG, "line %u is not \"key<TAB>value\"", line);
		_cleanup_free_ char *key = unescape(s, (size_t)(tab - s));
		_cleanup_free_ char *value = unescape(tab + 1, (size_t)(eol - tab - 1));

		if (!key || !value || json_object_set_new(data, key, json_string(value)) < 0)
			return err_set(err, -EBADMSG, "line %u is damaged", line);
		s = eol + 1;
	}
	return 0;
}

int ccr_parse(const char *text, size_t len, uint64_t *ret_gen, json_t **ret_data, struct err *err)
{
	static const char gennum[] = "ccr_gennum\t", sum[] = "ccr_checksum\t";
	const char *end = text + len, *line2, *body;
	char first[48], hex[33], *stop;
	json_t *data;
	uint64_t gen;
	int r;

	line2 = len ? memchr(text, '\n', len) : NULL;
	if (!line2 || strncmp(text, gennum, strlen(gennum)) != 0 || (size_t)(line2 - text) + 2 > sizeof first)
		return err_set(err, -EBADMSG, "the first line is not \"ccr_gennum<TAB>number\"");
	line2++;
	memcpy(first, text, (size_t)(line2 - text));
	first[line2 - text] = '\0';
	errno = 0;
	gen = strtoull(first + strlen(gennum), &stop, 10);
	if (errno || *stop != '\n' || !isdigit((unsigned char)first[strlen(gennum)]))
		return err_set(err, -EBADMSG, "the generation in the first line is not a number");
	body = memchr(line2, '\n', (size_t)(end - line2));
	if (!body || (size_t)(body - line2) != strlen(sum) + 32 || strncmp(line2, sum, strlen(sum)) != 0)
		return err_set(err, -EBADMSG, "the second line is not \"ccr_checksum<TAB>32 hex digits\"");
	body++;
	checksum(first, body, (size_t)(end - body), hex);
	if (strncasecmp(hex, line2 + strlen(sum), 32) != 0)
		return err_set(err, -EBADMSG, "the checksum is wrong: the file was damaged or edited by hand");
	data = json_object();
	r = parse_body(body, end, 3, data, err);
	if (r < 0) {
		json_decref(data);
		return r;
	}
	if (json_object_get(data, REMOVED_KEY)) {
		json_decref(data);
		data = NULL;
	}
	*ret_gen = gen;
	*ret_data = data;
	return 0;
}

/* A first line "KEY<TAB>..." is stepped over; NULL: it is another one. */
static const char *skip_line(const char *s, const char *end, const char *key)
{
	const char *eol = s < end ? memchr(s, '\n', (size_t)(end - s)) : NULL;

	return eol && strncmp(s, key, strlen(key)) == 0 ? eol + 1 : NULL;
}

int ccr_parse_lenient(const char *text, size_t len, uint64_t *ret_gen, json_t **ret_data, struct err *err)
{
	static const char gennum[] = "ccr_gennum\t", sum[] = "ccr_checksum\t";
	const char *s = text, *end = text + len, *next;
	json_t *data = json_object();
	unsigned line = 1;
	int r;

	*ret_gen = 0;
	next = skip_line(s, end, gennum);
	if (next) {
		*ret_gen = isdigit((unsigned char)s[strlen(gennum)]) ? strtoull(s + strlen(gennum), NULL, 10) : 0;
		s = next;
		line++;
	}
	next = skip_line(s, end, sum);
	if (next) {
		s = next;
		line++;
	}
	r = parse_body(s, end, line, data, err);
	if (r < 0 || json_object_get(data, REMOVED_KEY)) {
		json_decref(data);
		data = NULL;
	}
	if (r == 0)
		*ret_data = data;
	return r;
}
