/* A growing string. */
#pragma once
#include "base/macros.h"

struct buf {
	char  *s;               /* NUL-terminated once anything was added; NULL while empty */
	size_t len, cap;
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
char *buf_take(struct buf *b);                  /* caller frees; never NULL; b is empty afterwards */
void buf_done(struct buf *b);

/* A NULL-terminated list of strings that it owns. */
struct strlist {
	char **v;               /* NULL-terminated once n > 0; may be NULL while empty */
	size_t n;
};

void strlist_add(struct strlist *l, const char *s);
void strlist_take(struct strlist *l, char *s);  /* takes ownership of s */
void strlist_done(struct strlist *l);
bool strlist_has(const struct strlist *l, const char *s);
/* Splits at every occurrence of one of seps; empty text gives an empty list; blanks are kept. */
void strlist_split(struct strlist *l, const char *text, const char *seps);
char *strlist_join(const struct strlist *l, const char *sep);   /* caller frees */
