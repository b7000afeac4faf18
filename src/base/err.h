/* An error for people: a negative errno and one sentence, prefixed on its way up. */
#pragma once
#include "base/macros.h"

struct err {
	int  code;              /* 0 or negative errno */
	char text[1024];        /* one sentence, no newline, no trailing period */
};

/* Sets err (which may be NULL) and returns code, so that "return err_set(...)" reads well. */
int err_set(struct err *err, int code, const char *fmt, ...) _printf_(3, 4);
/* Puts "fmt: " before the sentence already in err.  Returns err->code (or code when err is NULL). */
int err_prefix(struct err *err, int code, const char *fmt, ...) _printf_(3, 4);
