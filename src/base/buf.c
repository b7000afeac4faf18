#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

static void buf_need(struct buf *b, size_t more)
{
	if (b->len + more + 1 <= b->cap)
		return;
	b->cap = MAX(b->len + more + 1, b->cap * 2);
	b->s = xrealloc(b->s, b->cap);
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	buf_need(b, len);
	memcpy(b->s + b->len, data, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, ap2;
	int n;

	va_start(ap, fmt);
	va_copy(ap2, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	buf_need(b, (size_t)n);
	(void)vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap2);
	va_end(ap2);
	b->len += (size_t)n;
}

char *buf_take(struct buf *b)
{
	char *s = b->s ? b->s : xstrdup("");

	*b = (struct buf) { 0 };
	return s;
}

void buf_done(struct buf *b)
{
	free(b->s);
	*b = (struct buf) { 0 };
}

void strlist_take(struct strlist *l, char *s)
{
	l->v = xrealloc(l->v, (l->n + 2) * sizeof *l->v);
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void strlist_add(struct strlist *l, const char *s)
{
	strlist_take(l, xstrdup(s));
}

void strlist_done(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strlist) { 0 };
}

bool strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (streq(l->v[i], s))
			return true;
	return false;
}

void strlist_split(struct strlist *l, const char *text, const char *seps)
{
	if (!*text)
		return;
	for (;;) {
		size_t n = strcspn(text, seps);

		strlist_take(l, xstrndup(text, n));
		if (!text[n])
			return;
		text += n + 1;
	}
}

char *strlist_join(const struct strlist *l, const char *sep)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		if (i)
			buf_puts(&b, sep);
		buf_puts(&b, l->v[i]);
	}
	return buf_take(&b);
}
