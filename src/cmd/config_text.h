/* The configuration as text, for people, diff and version control.  Pure.
 *
 *   # anything
 *   [rgm_rg_web-rg] generation 12
 *   rg.managed = TRUE
 *   rg.prop.RG_description = the web
 *   rtr |                                  a value of several lines: each behind "| ", joined by newlines
 *   | RESOURCE_TYPE = gds;
 *   |
 *
 * Behind " = " everything up to the end of the line is the value, with \n \t \r \\ escaped, and \s for a blank at its end.
 * "[name] new" stands for a table that is not there yet. */
#pragma once
#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

#define CONFIG_TEXT_MAX (64u << 20)

/* One section, keys sorted. */
void config_text_add(struct buf *b, const char *table, int64_t generation, const json_t *data);
/* *ret: array of {"table","base","data","line"}, in the order of the text; base 0: new.  -EINVAL: "line 7: ...". */
int  config_text_parse(const char *text, size_t len, json_t **ret, struct err *err);
/* A value on one line; caller frees. */
char *config_text_escape(const char *value);
