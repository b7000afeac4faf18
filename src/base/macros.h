/* Small language helpers used everywhere: cleanup attributes, array sizes, string equality. */
#pragma once
#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>  /* has a MIN and a MAX, and uv.h includes it: ours come last */
#include <unistd.h>

#define _cleanup_(fn)    __attribute__((cleanup(fn)))
#define _printf_(f, a)   __attribute__((format(printf, f, a)))
#define _unused_         __attribute__((unused))
#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))

#define TAKE_PTR(p) ({ __typeof__(p) *_pp = &(p); __typeof__(p) _v = *_pp; *_pp = NULL; _v; })
#define TAKE_FD(f)  ({ int *_pp = &(f); int _v = *_pp; *_pp = -1; _v; })

#undef MIN
#undef MAX
#define MIN(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define MAX(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })

static inline bool streq(const char *a, const char *b) { return strcmp(a, b) == 0; }
/* Property, type and keyword names are compared without regard to case. */
bool strieq(const char *a, const char *b);

static inline void freep(void *p) { free(*(void **)p); }
static inline void closep(int *fd) { if (*fd >= 0) close(*fd); }

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

/* Memory: a daemon that cannot get a few bytes cannot keep its promises; it stops, and failfast does the rest. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) _printf_(1, 2);
char *xvasprintf(const char *fmt, va_list ap) _printf_(1, 0);

/* FNV-1a, to recognise a text, not to protect it.  hash: HASH_START, or the hash of what came before. */
#define HASH_START 1469598103934665603ULL
uint64_t hash_text(uint64_t hash, const char *text);
