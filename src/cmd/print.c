#include "cmd/print.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "base/json.h"

char *word_capitalised(const char *word)
{
	char *s = xstrdup(word);

	for (char *p = s; *p; p++)
		*p = (char)(p == s ? toupper((unsigned char)*p) : tolower((unsigned char)*p));
	return s;
}

void print_padded(int width, const char *text)
{
	int n = printf("%s", text);

	(void)printf("%*s", MAX(1, width - n), "");
}

char *value_text(const json_t *value)
{
	_cleanup_(strlist_done) struct strlist parts = { 0 };
	const json_t *v;
	size_t i;

	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	if (json_is_integer(value))
		return xasprintf("%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return xstrdup(json_is_true(value) ? "TRUE" : "FALSE");
	json_array_foreach(value, i, v)
		strlist_add(&parts, json_string_value(v) ? json_string_value(v) : "");
	return strlist_join(&parts, ",");
}

void print_json(const json_t *value)
{
	_cleanup_free_ char *text = ju_dump(value);

	(void)printf("%s\n", text);
}

void print_time(int64_t wall_ms, bool with_date)
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[32];

	if (!localtime_r(&t, &tm) || !strftime(text, sizeof text, with_date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm))
		text[0] = '\0';
	(void)printf("%s.%03d", text, (int)(wall_ms % 1000));
}
