#include "base/macros.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	assert(p);
	return p;
}

void *xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	assert(p);
	return p;
}

char *xstrdup(const char *s)
{
	char *p = strdup(s);

	assert(p);
	return p;
}

char *xstrndup(const char *s, size_t n)
{
	char *p = strndup(s, n);

	assert(p);
	return p;
}

char *xvasprintf(const char *fmt, va_list ap)
{
	char *p;
	int n = vasprintf(&p, fmt, ap);

	assert(n >= 0);
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = xvasprintf(fmt, ap);
	va_end(ap);
	return p;
}

bool strieq(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211ULL;
	return hash;
}
