#include "cmd/print.h"

#include <ctype.h>
#include <stdio.h>

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

void print_json(const json_t *value)
{
	_cleanup_free_ char *text = ju_dump(value);

	(void)printf("%s\n", text);
}
