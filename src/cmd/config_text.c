#include "cmd/config_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"

static const struct { char plain, letter; } escapes[] = { { '\n', 'n' }, { '\t', 't' }, { '\r', 'r' }, { '\\', '\\' } };

static char letter_of(char plain)
{
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
		if (escapes[i].plain == plain)
			return escapes[i].letter;
	return 0;
}

enum blanks { BLANKS_PLAIN, BLANKS_AT_END, BLANKS_ALL };       /* which become \s */

static void add_escaped(struct buf *b, const char *s, size_t len, enum blanks blanks)
{
	for (size_t i = 0; i < len; i++) {
		char letter = letter_of(s[i]);

		if (s[i] == ' ' && (blanks == BLANKS_ALL || (blanks == BLANKS_AT_END && i + 1 == len)))
			letter = 's';
		if (letter)
			buf_printf(b, "\\%c", letter);
		else
			buf_add(b, s + i, 1);
	}
}

char *config_text_escape(const char *value)
{
	struct buf b = { 0 };

	add_escaped(&b, value, strlen(value), BLANKS_PLAIN);
	return buf_take(&b);
}

/* -EINVAL: a broken escape. */
static int unescape(const char *s, size_t len, struct buf *b)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '\\') {
			char plain = 0;

			if (++i == len)
				return -EINVAL;
			for (size_t k = 0; k < ARRAY_SIZE(escapes); k++)
				if (escapes[k].letter == s[i])
					plain = escapes[k].plain;
			c = s[i] == 's' ? ' ' : plain;
			if (!c)
				return -EINVAL;
		}
		buf_add(b, &c, 1);
	}
	return 0;
}

/* ---- writing ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_lines(struct buf *b, const char *value)
{
	for (;;) {
		size_t n = strcspn(value, "\n");

		buf_puts(b, n ? "| " : "|");
		add_escaped(b, value, n, BLANKS_AT_END);
		buf_puts(b, "\n");
		if (!value[n])
			return;
		value += n + 1;
	}
}

static void add_pair(struct buf *b, const char *key, const char *value)
{
	add_escaped(b, key, strlen(key), BLANKS_ALL);
	if (strchr(value, '\n')) {
		buf_puts(b, " |\n");
		add_lines(b, value);
		return;
	}
	buf_puts(b, *value ? " = " : " =");
	add_escaped(b, value, strlen(value), BLANKS_AT_END);
	buf_puts(b, "\n");
}

void config_text_add(struct buf *b, const char *table, int64_t generation, const json_t *data)
{
	_cleanup_free_ const char **keys = xcalloc(json_object_size(data) + 1, sizeof *keys);
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)data, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof *keys, compare_names);
	buf_printf(b, "[%s] generation %" PRId64 "\n", table, generation);
	for (size_t i = 0; i < n; i++)
		add_pair(b, keys[i], ju_str(data, keys[i], ""));
}

/* ---- reading ---- */

struct parser {
	json_t *tables, *now;           /* now: the section; NULL before the first */
	char   *key;                    /* of a value of several lines that is under way */
	struct buf value;
	bool    any_line;
	unsigned line;
};

static int wrong(const struct parser *p, struct err *err, const char *what)
{
	return err_set(err, -EINVAL, "line %u: %s", p->line, what);
}

static int end_of_value(struct parser *p, struct err *err)
{
	char *value;
	int r = 0;

	if (!p->key)
		return 0;
	if (!p->any_line)
		r = wrong(p, err, "a line that begins with \"|\" was expected");
	value = buf_take(&p->value);
	ju_set_str(ju_obj(p->now, "data"), p->key, value);
	free(value);
	free(TAKE_PTR(p->key));
	return r;
}

static int take_section(struct parser *p, const char *s, size_t len, struct err *err)
{
	static const char generation[] = "generation ";
	const char *close = memchr(s, ']', len), *rest = close ? close + 1 : NULL;
	_cleanup_free_ char *table = close ? xstrndup(s + 1, (size_t)(close - s - 1)) : NULL, *text = NULL;
	int64_t base = 0;
	json_t *v;
	size_t i;

	if (!close || rest == s + len || *rest != ' ')
		return wrong(p, err, "a section begins with \"[TABLE] generation NUMBER\" or \"[TABLE] new\"");
	text = xstrndup(rest + 1, (size_t)(s + len - rest - 1));
	if (strncmp(text, generation, strlen(generation)) == 0) {
		char *end = NULL;

		base = strtoll(text + strlen(generation), &end, 10);
		if (*end || base <= 0 || !isdigit((unsigned char)text[strlen(generation)]))
			return wrong(p, err, "the generation is no number");
	} else if (!streq(text, "new")) {
		return wrong(p, err, "behind the name of the table stands \"generation NUMBER\" or \"new\"");
	}
	json_array_foreach(p->tables, i, v)
		if (streq(ju_str(v, "table", ""), table))
			return wrong(p, err, "the table has a section before this one");
	p->now = ju_pack("{ss,sI,s{},sI}", "table", table, "base", (json_int_t)base, "data", "line", (json_int_t)p->line);
	ju_push(p->tables, p->now);
	return 0;
}

static int take_pair(struct parser *p, const char *s, size_t len, struct err *err)
{
	size_t n = 0;

	while (n < len && s[n] != ' ')
		n++;
	_cleanup_(buf_done) struct buf key = { 0 };
	const char *op = s + n;
	size_t rest = len - n;

	if (!p->now)
		return wrong(p, err, "this belongs to no section: \"[TABLE] generation NUMBER\" comes first");
	if (n == 0 || s[0] == '|' || rest < 2 || (op[1] != '=' && op[1] != '|') || (rest > 2 && op[2] != ' ') || (op[1] == '|' && rest > 2))
		return wrong(p, err, "this is neither \"key = value\" nor \"key |\"");
	if (unescape(s, n, &key) < 0)
		return wrong(p, err, "the key has a broken escape");
	if (json_object_get(ju_obj(p->now, "data"), key.s))
		return wrong(p, err, "the key is there twice");
	p->key = buf_take(&key);
	p->any_line = op[1] == '=';
	if (op[1] == '|')
		return 0;
	if (rest > 3 && unescape(op + 3, rest - 3, &p->value) < 0)
		return wrong(p, err, "the value has a broken escape");
	return end_of_value(p, err);
}

static int take_line(struct parser *p, const char *s, size_t len, struct err *err)
{
	int r;

	p->line++;
	if (p->key && len && s[0] == '|') {
		if (len > 1 && s[1] != ' ')
			return wrong(p, err, "a blank stands behind \"|\"");
		if (p->any_line)
			buf_puts(&p->value, "\n");
		p->any_line = true;
		return len > 2 && unescape(s + 2, len - 2, &p->value) < 0 ? wrong(p, err, "the value has a broken escape") : 0;
	}
	r = end_of_value(p, err);
	if (r < 0 || len == 0 || s[0] == '#')
		return r;
	return s[0] == '[' ? take_section(p, s, len, err) : take_pair(p, s, len, err);
}

int config_text_parse(const char *text, size_t len, json_t **ret, struct err *err)
{
	struct parser p = { .tables = json_array() };
	json_t *whole = json_stringn(text, len);        /* only UTF-8 without NUL can be a value */
	int r = whole && !(len && memchr(text, 0, len)) ? 0 : err_set(err, -EINVAL, "this is not text");

	json_decref(whole);
	for (const char *end = text + len; r == 0 && text < end;) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((eol ? eol : end) - text);

		if (n && text[n - 1] == '\r')
			n--;
		r = take_line(&p, text, n, err);
		text = eol ? eol + 1 : end;
	}
	if (r == 0)
		r = end_of_value(&p, err);
	free(p.key);
	buf_done(&p.value);
	if (r < 0)
		json_decref(p.tables);
	else
		*ret = p.tables;
	return r;
}
