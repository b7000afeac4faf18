/* A message of a method, in the form of all messages of the cluster: for agents written in shell.  The format is that of
 * printf(3), its arguments are the operands; the ID of the message comes from the format, so that one message has one ID
 * whatever it is about. */
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

#define FORMAT_MAX    1024      /* bytes of a format; more is a mistake */
#define CONVERSION_MAX 32       /* bytes of one conversion, flags and width included */
#define WIDTH_MAX      1024     /* columns */

static const struct { const char *word; int level; } priorities[] = {
	{ "emerg", LOG_EMERG },     { "emergency", LOG_EMERG }, { "alert", LOG_ALERT }, { "crit", LOG_CRIT },
	{ "critical", LOG_CRIT },   { "err", LOG_ERR },         { "error", LOG_ERR },   { "warn", LOG_WARNING },
	{ "warning", LOG_WARNING }, { "notice", LOG_NOTICE },   { "info", LOG_INFO },   { "debug", LOG_DEBUG },
};

static int priority_find(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++)
		if (strieq(priorities[i].word, word))
			return priorities[i].level;
	return -1;
}

/* ---- the format ---- */

struct conversion {
	char   text[CONVERSION_MAX];    /* "%-5d" without length modifiers */
	char   kind;                    /* its last letter; 0: this is no conversion */
	size_t len;                     /* in the format */
};

/* s is at the '%'. */
static struct conversion conversion_at(const char *s)
{
	struct conversion c = { 0 };
	size_t flags = strspn(s + 1, "-+ #0"), width = strspn(s + 1 + flags, "0123456789"), n = 1 + flags + width;
	const char *precision = s + n;

	if (strtoul(s + 1 + flags, NULL, 10) > WIDTH_MAX)
		return c;
	if (*precision == '.') {
		if (strtoul(precision + 1, NULL, 10) > WIDTH_MAX)
			return c;
		n += 1 + strspn(precision + 1, "0123456789");
	}
	c.len = n + strspn(s + n, "hlqjzt");
	if (n + 4 > sizeof c.text || !s[c.len] || !strchr("diouxXcsfeEgG%", s[c.len]))
		return c;
	c.kind = s[c.len++];
	memcpy(c.text, s, n);
	return c;
}

/* One argument by one conversion.  What is no number is 0 for a conversion of numbers, as in printf(1). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void put(struct buf *out, struct conversion *c, const char *arg)
{
	char *end = c->text + strlen(c->text);

	switch (c->kind) {
	case 'd': case 'i': case 'o': case 'u': case 'x': case 'X':
		*end++ = 'l';
		*end++ = 'l';
		*end = c->kind;
		buf_printf(out, c->text, strtoll(arg, NULL, 0));
		return;
	case 'f': case 'e': case 'E': case 'g': case 'G':
		*end = c->kind;
		buf_printf(out, c->text, strtod(arg, NULL));
		return;
	case 'c':
		buf_add(out, arg, *arg != '\0');
		return;
	default:
		*end = 's';
		buf_printf(out, c->text, arg);
	}
}
#pragma GCC diagnostic pop

/* A conversion without an argument gets an empty one; arguments without a conversion are left out. */
static char *expanded(const char *format, const struct strlist *arguments)
{
	struct buf out = { 0 };
	size_t at = 0;

	while (*format) {
		size_t n = strcspn(format, "%");
		struct conversion c;

		buf_add(&out, format, n);
		format += n;
		if (!*format)
			break;
		c = conversion_at(format);
		if (!c.kind || c.kind == '%') {
			buf_puts(&out, "%");
			format += c.kind ? c.len : 1;
			continue;
		}
		put(&out, &c, at < arguments->n ? arguments->v[at++] : "");
		format += c.len;
	}
	return buf_take(&out);
}

/* ---- the command ---- */

/* One line is one message. */
static void flatten(char *text)
{
	for (; *text; text++)
		if (*text == '\n' || *text == '\r')
			*text = ' ';
}

static int run_syslog(const struct cmdline *line)
{
	const char *format = cmdline_get(line, 'm'), *tag = cmdline_get(line, 't');
	int level = priority_find(cmdline_has(line, 'p') ? cmdline_get(line, 'p') : "error");
	_cleanup_free_ char *text = NULL;

	if (level < 0)
		return command_usage(line, "There is no priority %s", cmdline_get(line, 'p'));
	if (strlen(format) > FORMAT_MAX)
		return command_usage(line, "The format has more than %d bytes", FORMAT_MAX);
	text = expanded(format, &line->operands);
	flatten(text);
	log_open(tag ? tag : "Cluster.Framework");
	log_set_max_level(LOG_DEBUG);           /* whoever says it wants it said */
	log_set_quiet();
	log_text(NULL, level, format, text);
	return EXIT_OK;
}

static const struct option_info options[] = {
	{ 'p', NULL, "PRIORITY", "emerg, alert, crit, error, warning, notice, info or debug (default error)" },
	{ 't', NULL, "TAG",      "who says it: SC[type,group,resource,method]" },
	{ 'm', NULL, "FORMAT",   "what, as for printf(3); the operands are its arguments" },
};
static const struct form forms[] = {
	{ "m", "pt", .help = "write a message to the log", .run = run_syslog, .operands = { "argument", 0, OPERANDS_MANY } },
};
const struct command_info scds_syslog_command = {
	"scds_syslog", "write a message of a method to the log of the cluster", options, ARRAY_SIZE(options), forms,
	ARRAY_SIZE(forms), .api = true
};
