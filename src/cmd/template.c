#include "cmd/template.h"

#include <ctype.h>
#include <errno.h>

#define NESTED_MAX 8            /* @if@ inside of @if@ */
#define AREAS_MAX  64           /* user areas of a file */
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"

/* ---- forms in which a value is written ---- */

void template_shell_word(struct buf *b, const char *text)
{
	buf_puts(b, "'");
	for (; *text; text++)
		if (*text == '\'')
			buf_puts(b, "'\\''");
		else
			buf_add(b, text, 1);
	buf_puts(b, "'");
}

void template_shell_argument(struct buf *b, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,./:@+%";

	if (*text && !text[strspn(text, plain)])
		buf_puts(b, text);
	else
		template_shell_word(b, text);
}

static int put_plain(struct buf *b, const char *s)
{
	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-+/~", *c))
			return -EINVAL;
	buf_puts(b, s);
	return 0;
}

static int put_shell(struct buf *b, const char *s)
{
	template_shell_word(b, s);
	return 0;
}

/* Octal for what is no plain letter; a question mark is one, too, or "??/" would be a trigraph. */
static int put_c(struct buf *b, const char *s)
{
	buf_puts(b, "\"");
	for (; *s; s++)
		if (*s >= ' ' && *s < 0x7f && !strchr("\"\\?", *s))
			buf_add(b, s, 1);
		else
			buf_printf(b, "\\%03o", (unsigned char)*s);
	buf_puts(b, "\"");
	return 0;
}

/* An RTR file has no way to write a quote inside of a string. */
static int put_rtr(struct buf *b, const char *s)
{
	for (const char *c = s; *c; c++)
		if (*c == '"' || *c == '\\' || *c < ' ' || *c >= 0x7f)
			return -EINVAL;
	buf_printf(b, "\"%s\"", s);
	return 0;
}

static int put_text(struct buf *b, const char *s)
{
	buf_puts(b, s);
	return 0;
}

static int put_roff(struct buf *b, const char *s)
{
	for (; *s; s++)
		if (*s == '\\')
			buf_puts(b, "\\e");
		else if (*s == '-')
			buf_puts(b, "\\-");
		else if (*s == '\'')
			buf_puts(b, "\\(aq");
		else
			buf_add(b, s, 1);
	return 0;
}

static const struct { const char *prefix; int (*put)(struct buf *b, const char *s); } forms[] = {
	{ "sh:", put_shell }, { "c:", put_c }, { "rtr:", put_rtr }, { "text:", put_text }, { "roff:", put_roff }, { "", put_plain },
};

/* ---- filling in ---- */

struct filler {
	const char *what;
	const struct template_value *values;
	size_t n;
	bool   kept[NESTED_MAX];        /* of each @if@ that is open: is its part kept? */
	bool   outer[NESTED_MAX];       /* and was what is around it? */
	size_t depth;
	unsigned line;
	struct err *err;
};

static const char *value_of(struct filler *f, const char *name, size_t len)
{
	for (size_t i = 0; i < f->n; i++)
		if (strlen(f->values[i].name) == len && memcmp(f->values[i].name, name, len) == 0)
			return f->values[i].value;
	err_set(f->err, -EINVAL, "%s:%u: there is no value %.*s", f->what, f->line, (int)len, name);
	return NULL;
}

/* s is behind an '@'.  The length up to and with the next one; 0: this is no place. */
static int put_place(struct filler *f, const char *s, struct buf *b, size_t *ret_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t before = strlen(forms[i].prefix), len;
		const char *value;

		*ret_len = 0;
		if (strncmp(s, forms[i].prefix, before) != 0)
			continue;
		len = strspn(s + before, NAME_CHARS);
		if (len == 0 || s[before + len] != '@')
			continue;
		value = value_of(f, s + before, len);
		if (!value)
			return -EINVAL;
		*ret_len = before + len + 1;
		if (forms[i].put(b, value) < 0)
			return err_set(f->err, -EINVAL, "%s:%u: \"%s\" cannot stand there (%.*s)", f->what, f->line, value,
				       (int)(before + len), s);
		return 0;
	}
	return 0;
}

static bool is_kept(const struct filler *f)
{
	return f->depth == 0 || f->kept[f->depth - 1];
}

/* 1: the line was a directive. */
static int directive(struct filler *f, const char *line, size_t len)
{
	if (len > 5 && strncmp(line, "@if ", 4) == 0 && line[len - 1] == '@') {
		const char *value = value_of(f, line + 4, len - 5);
		bool around = is_kept(f);

		if (!value)
			return -EINVAL;
		if (f->depth == NESTED_MAX)
			return err_set(f->err, -EINVAL, "%s:%u: more than %d @if@ inside of each other", f->what, f->line, NESTED_MAX);
		f->outer[f->depth] = around;
		f->kept[f->depth++] = around && *value;
		return 1;
	}
	bool otherwise = len == 6 && strncmp(line, "@else@", 6) == 0, end = len == 5 && strncmp(line, "@end@", 5) == 0;

	if (!otherwise && !end)
		return 0;
	if (f->depth == 0)
		return err_set(f->err, -EINVAL, "%s:%u: no @if@ is open", f->what, f->line);
	if (otherwise)
		f->kept[f->depth - 1] = f->outer[f->depth - 1] && !f->kept[f->depth - 1];
	else
		f->depth--;
	return 1;
}

static int fill_line(struct filler *f, const char *line, size_t len, struct buf *b)
{
	for (const char *s = line; s < line + len;) {
		size_t taken = 0;
		int r = *s == '@' ? put_place(f, s + 1, b, &taken) : 0;

		if (r < 0)
			return r;
		if (taken == 0)
			buf_add(b, s, 1);
		s += 1 + taken;
	}
	return 0;
}

int template_fill(const char *what, const char *text, const struct template_value *values, size_t n, struct buf *ret,
		  struct err *err)
{
	struct filler f = { .what = what, .values = values, .n = n, .line = 1, .err = err };

	for (; *text; f.line++) {
		size_t len = strcspn(text, "\n");
		int r = directive(&f, text, len);

		if (r == 0 && is_kept(&f)) {
			r = fill_line(&f, text, len, ret);
			buf_puts(ret, "\n");
		}
		if (r < 0)
			return r;
		text += len + (text[len] == '\n');
	}
	return f.depth ? err_set(err, -EINVAL, "%s: an @if@ has no @end@", what) : 0;
}

/* ---- user areas ---- */

#define AREA_BEGIN "User added code -- BEGIN"
#define AREA_END   "User added code -- END"

struct area { const char *from, *to; };         /* the lines between the markers */

static const char *line_after(const char *s)
{
	s += strcspn(s, "\n");
	return *s ? s + 1 : s;
}

static const char *line_of(const char *text, const char *s)
{
	while (s > text && s[-1] != '\n')
		s--;
	return s;
}

static int areas_find(const char *what, const char *text, struct area *areas, size_t *ret_n, struct err *err)
{
	size_t n = 0;

	for (const char *s = text; (s = strstr(s, AREA_BEGIN)); n++) {
		const char *from = line_after(s), *end = strstr(from, AREA_END), *again = strstr(from, AREA_BEGIN);

		if (!end || (again && again < end))
			return err_set(err, -EINVAL, "%s: a line \"%s\" has no \"%s\" after it; put it back", what, AREA_BEGIN, AREA_END);
		if (n == AREAS_MAX)
			return err_set(err, -EINVAL, "%s: more than %d areas for user code", what, AREAS_MAX);
		areas[n] = (struct area) { from, line_of(text, end) };
		s = end;
	}
	*ret_n = n;
	return 0;
}

int template_keep_areas(const char *what, const char *old, const char *fresh, char **ret, struct err *err)
{
	struct area was[AREAS_MAX], is[AREAS_MAX];
	size_t n_was, n_is;
	const char *at = fresh;
	struct buf b = { 0 };
	int r = areas_find(what, old, was, &n_was, err);

	if (r == 0)
		r = areas_find(what, fresh, is, &n_is, err);
	if (r < 0)
		return r;
	for (size_t i = n_is; i < n_was; i++)
		if (was[i].to > was[i].from)
			return err_set(err, -EINVAL, "%s has %zu areas with user code, and there is room for %zu; move the code, or the "
				       "file away", what, n_was, n_is);
	for (size_t i = 0; i < MIN(n_was, n_is); i++) {
		buf_add(&b, at, (size_t)(is[i].from - at));
		buf_add(&b, was[i].from, (size_t)(was[i].to - was[i].from));
		at = is[i].to;
	}
	buf_puts(&b, at);
	*ret = buf_take(&b);
	return 0;
}
