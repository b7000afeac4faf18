/* Words and columns of the listings. */
#pragma once
#include <jansson.h>

#include "base/macros.h"

/* "PENDING_ONLINE" -> "Pending_online"; caller frees. */
char *word_capitalised(const char *word);
/* The text and blanks up to the width, at least one. */
void print_padded(int width, const char *text);
/* A value as the listings show it: TRUE, 5, "a,b"; caller frees. */
char *value_text(const json_t *value);
/* "2026-11-21 21:26:11.123", or without the date. */
void print_time(int64_t wall_ms, bool with_date);
/* One line, keys sorted. */
void print_json(const json_t *value);
