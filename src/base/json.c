#include "base/json.h"

#include <stdarg.h>

const char *ju_str(const json_t *o, const char *key, const char *dflt)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) ? json_string_value(v) : dflt;
}

const char *ju_strf(const json_t *o, const char *dflt, const char *key_fmt, ...)
{
	_cleanup_free_ char *key = NULL;
	va_list ap;

	va_start(ap, key_fmt);
	key = xvasprintf(key_fmt, ap);
	va_end(ap);
	return ju_str(o, key, dflt);
}

int64_t ju_int(const json_t *o, const char *key, int64_t dflt)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? (int64_t)json_integer_value(v) : dflt;
}

bool ju_bool(const json_t *o, const char *key, bool dflt)
{
	const json_t *v = json_object_get(o, key);

	return json_is_boolean(v) ? json_is_true(v) : dflt;
}

json_t *ju_arr(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_array(v) ? v : NULL;
}

json_t *ju_obj(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_object(v) ? v : NULL;
}

void ju_set_new(json_t *o, const char *key, json_t *value)
{
	int r = json_object_set_new(o, key, value);

	assert(r == 0);
}

void ju_set_str(json_t *o, const char *key, const char *value)
{
	ju_set_new(o, key, json_string(value));
}

void ju_set_strf(json_t *o, const char *value, const char *key_fmt, ...)
{
	_cleanup_free_ char *key = NULL;
	va_list ap;

	va_start(ap, key_fmt);
	key = xvasprintf(key_fmt, ap);
	va_end(ap);
	ju_set_str(o, key, value);
}

void ju_set_int(json_t *o, const char *key, int64_t value)
{
	ju_set_new(o, key, json_integer(value));
}

void ju_set_bool(json_t *o, const char *key, bool value)
{
	ju_set_new(o, key, json_boolean(value));
}

void ju_push(json_t *a, json_t *value)
{
	int r = json_array_append_new(a, value);

	assert(r == 0);
}

char *ju_dump(const json_t *o)
{
	char *s = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	assert(s);
	return s;
}

void ju_trim(char *text)
{
	size_t len = strlen(text), n = 1;
	unsigned char lead;

	while (n < len && n < 4 && ((unsigned char)text[len - n] & 0xc0) == 0x80)
		n++;
	if (len == 0 || !((lead = (unsigned char)text[len - n]) & 0x80))
		return;
	if (n < (size_t)(lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0))
		text[len - n] = '\0';
}

json_t *ju_text(char *s, size_t n)
{
	json_t *text = NULL;

	for (size_t i = 0; i < n; i++)
		if (!s[i])
			s[i] = '?';
	if (n)
		text = json_stringn(s, n);
	for (size_t i = 0; i < n && !text;) {
		unsigned char c = (unsigned char)s[i];
		size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
		json_t *one = i + len <= n ? json_stringn(s + i, len) : NULL;

		if (!one)
			s[i] = '?';
		i += one ? len : 1;
		json_decref(one);
	}
	return text ? text : json_stringn(s ? s : "", n);
}

json_t *ju_pack(const char *fmt, ...)
{
	json_error_t error;
	va_list ap;
	json_t *o;

	va_start(ap, fmt);
	o = json_vpack_ex(&error, 0, fmt, ap);
	va_end(ap);
	assert(o);
	return o;
}
