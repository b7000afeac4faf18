#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	assert(code < 0);
	if (!err)
		return code;
	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);  /* a longer sentence is cut */
	va_end(ap);
	return code;
}

int err_prefix(struct err *err, int code, const char *fmt, ...)
{
	char text[sizeof err->text];
	va_list ap;
	int n;

	assert(code < 0);
	if (!err)
		return code;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof text)
		(void)snprintf(text + n, sizeof text - (size_t)n, ": %s", err->text);
	memcpy(err->text, text, sizeof text);
	err->code = code;
	return code;
}
