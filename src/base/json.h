/* Shorthands over jansson.  A missing or mistyped member reads as the default: callers check what must be there. */
#pragma once
#include <jansson.h>

#include "base/macros.h"

const char *ju_str(const json_t *o, const char *key, const char *dflt);
/* The same under a key made of parts: ju_strf(table, "", "cluster.nodes.%u.name", id). */
const char *ju_strf(const json_t *o, const char *dflt, const char *key_fmt, ...) _printf_(3, 4);
int64_t     ju_int(const json_t *o, const char *key, int64_t dflt);
bool        ju_bool(const json_t *o, const char *key, bool dflt);
json_t     *ju_arr(const json_t *o, const char *key);   /* borrowed; NULL when missing */
json_t     *ju_obj(const json_t *o, const char *key);   /* borrowed; NULL when missing */
void        ju_set_str(json_t *o, const char *key, const char *value);
void        ju_set_strf(json_t *o, const char *value, const char *key_fmt, ...) _printf_(3, 4);
void        ju_set_int(json_t *o, const char *key, int64_t value);
void        ju_set_bool(json_t *o, const char *key, bool value);
void        ju_set_new(json_t *o, const char *key, json_t *value);      /* takes value */
void        ju_push(json_t *a, json_t *value);                          /* takes value */
char       *ju_dump(const json_t *o);           /* compact, keys sorted; caller frees */
/* Takes away the beginning of a UTF-8 character at the end of a text that was cut: jansson takes whole ones only. */
void        ju_trim(char *text);
/* Bytes that a program has written: what is no UTF-8, and NUL, becomes '?' there.  s may be NULL when n is 0. */
json_t     *ju_text(char *s, size_t n);
json_t     *ju_pack(const char *fmt, ...);      /* json_pack that never fails for well-formed fmt (asserted) */
