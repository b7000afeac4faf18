#include "rgm/rtr_lex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "rgm/rt_impl.h"

int rtr_error(const char *file, struct rtr_pos pos, struct err *err, const char *fmt, ...)
{
	char text[sizeof err->text];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);    /* a longer sentence is cut */
	va_end(ap);
	return err_set(err, -EINVAL, "%s:%u:%u: %s", file, pos.line, pos.column, text);
}

void rtr_token_done(struct rtr_token *token)
{
	free(token->text);
	*token = (struct rtr_token) { 0 };
}

static _printf_(3, 4) void warn(struct rtr_lexer *lexer, struct rtr_pos pos, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	if (!lexer->warnings || lexer->warning_count++ >= RTR_WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	strlist_take(lexer->warnings, xasprintf("%s:%u:%u: %s", lexer->file, pos.line, pos.column, text));
}

static void advance(struct rtr_lexer *lexer)
{
	if (*lexer->s++ == '\n') {
		lexer->pos.line++;
		lexer->pos.column = 1;
	} else {
		lexer->pos.column++;
	}
}

static void advance_by(struct rtr_lexer *lexer, size_t n)
{
	while (n--)
		advance(lexer);
}

static bool at_crlf(const char *s, const char *end)
{
	return s < end && *s == '\r' && (s + 1 == end || s[1] == '\n');
}

static bool at_line_end(const char *s, const char *end)
{
	return s == end || *s == '\n' || at_crlf(s, end);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static bool is_word_char(char c)
{
	return c > ' ' && c <= '~' && !strchr(";,{}\"#=", c);
}

static size_t word_length(const struct rtr_lexer *lexer)
{
	const char *s = lexer->s;

	while (s < lexer->end && is_word_char(*s))
		s++;
	return (size_t)(s - lexer->s);
}

static void skip_to_line_end(struct rtr_lexer *lexer)
{
	while (lexer->s < lexer->end && *lexer->s != '\n')
		advance(lexer);
}

static int lex_string(struct rtr_lexer *lexer, char **ret, struct err *err)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	struct rtr_pos start = lexer->pos;

	advance(lexer);
	while (!at_line_end(lexer->s, lexer->end) && *lexer->s != '"') {
		char c = *lexer->s;

		if (c == '\\' && lexer->s + 1 < lexer->end && (lexer->s[1] == '"' || lexer->s[1] == '\\')) {
			advance(lexer);
			c = *lexer->s;
		}
		if ((c < ' ' && c != '\t') || c > '~')
			return rtr_error(lexer->file, lexer->pos, err, "byte 0x%02x in a string; only printable ASCII is allowed",
					 (unsigned char)c);
		buf_add(&text, &c, 1);
		advance(lexer);
	}
	if (at_line_end(lexer->s, lexer->end))
		return rtr_error(lexer->file, start, err, "this string has no closing '\"' on its line; add it");
	advance(lexer);
	if (text.len > PROP_VALUE_MAX)
		return rtr_error(lexer->file, start, err, "string of %zu bytes; at most %d are allowed", text.len, PROP_VALUE_MAX);
	*ret = buf_take(&text);
	return 0;
}

/* ---- directives ---- */

static void skip_blanks(struct rtr_lexer *lexer)
{
	while (lexer->s < lexer->end && is_blank(*lexer->s))
		advance(lexer);
}

static int directive_end(struct rtr_lexer *lexer, const char *name, struct err *err)
{
	skip_blanks(lexer);
	if (!at_line_end(lexer->s, lexer->end) && *lexer->s != '#')
		return rtr_error(lexer->file, lexer->pos, err, "text after #$%s; a directive ends with its line, without ';'", name);
	skip_to_line_end(lexer);
	return 0;
}

static int directive_version(struct rtr_lexer *lexer, char **ret, struct err *err)
{
	_cleanup_free_ char *version = NULL;
	char shown[SHOWN_SIZE];
	struct rtr_pos pos;
	size_t n;
	int r;

	skip_blanks(lexer);
	pos = lexer->pos;
	n = word_length(lexer);
	if (n) {
		version = xstrndup(lexer->s, n);
		advance_by(lexer, n);
	} else if (lexer->s < lexer->end && *lexer->s == '"') {
		r = lex_string(lexer, &version, err);
		if (r < 0)
			return r;
	} else {
		return rtr_error(lexer->file, pos, err, "#$upgrade_from needs a version in quotes, then a condition");
	}
	if (*version && !version_valid(version))
		return rtr_error(lexer->file, pos, err, "version %s: use at most %d letters, digits, '.', '-' and '_'",
				 value_shown(shown, version, strlen(version)), OBJECT_NAME_MAX);
	*ret = TAKE_PTR(version);
	return 0;
}

static int directive_condition(struct rtr_lexer *lexer, enum upgrade_cond *ret, struct err *err)
{
	char shown[SHOWN_SIZE];
	struct rtr_pos pos;
	size_t n;

	skip_blanks(lexer);
	pos = lexer->pos;
	n = word_length(lexer);
	for (enum upgrade_cond c = 0; c < UPGRADE_COUNT; c++)
		if (n == strlen(upgrade_cond_names[c]) && strncasecmp(lexer->s, upgrade_cond_names[c], n) == 0) {
			advance_by(lexer, n);
			*ret = c;
			return 0;
		}
	return rtr_error(lexer->file, pos, err, "upgrade condition %s: use ANYTIME, WHEN_UNMONITORED, WHEN_OFFLINE, WHEN_DISABLED, "
			 "WHEN_UNMANAGED or AT_CREATION", value_shown(shown, lexer->s, n));
}

/* At "#$" in column 1.  Returns 1 with a token, 0 for an unknown directive (a comment, with a warning). */
static int lex_directive(struct rtr_lexer *lexer, struct rtr_token *ret, struct err *err)
{
	_cleanup_(rtr_token_done) struct rtr_token token = { .pos = lexer->pos };
	_cleanup_free_ char *name = NULL;
	char shown[SHOWN_SIZE];
	size_t n;
	int r;

	advance_by(lexer, 2);
	n = word_length(lexer);
	name = xstrndup(lexer->s, n);
	advance_by(lexer, n);
	if (strieq(name, "upgrade")) {
		token.type = RTR_UPGRADE;
	} else if (strieq(name, "upgrade_from")) {
		token.type = RTR_UPGRADE_FROM;
		r = directive_version(lexer, &token.text, err);
		if (r >= 0)
			r = directive_condition(lexer, &token.cond, err);
		if (r < 0)
			return r;
	} else {
		warn(lexer, token.pos, "unknown directive %s is ignored; known are #$upgrade and #$upgrade_from",
		     value_shown(shown, name, n));
		skip_to_line_end(lexer);
		return 0;
	}
	r = directive_end(lexer, name, err);
	if (r < 0)
		return r;
	*ret = token;
	token.text = NULL;
	return 1;
}

static int lex_comment(struct rtr_lexer *lexer, struct rtr_token *ret, struct err *err)
{
	bool dollar = lexer->s + 1 < lexer->end && lexer->s[1] == '$';
	size_t column = lexer->pos.column;

	if (dollar && column == 1)
		return lex_directive(lexer, ret, err);
	/* Silence here would lose the version from the name of the type. */
	if (dollar && lexer->end - lexer->s >= 9 && strncasecmp(lexer->s, "#$upgrade", 9) == 0)
		warn(lexer, lexer->pos, "#$upgrade is taken as a comment; to be a directive it must begin its line");
	skip_to_line_end(lexer);
	return 0;
}

static enum rtr_token_type punctuation(char c)
{
	switch (c) {
	case '=': return RTR_EQUALS;
	case ';': return RTR_SEMICOLON;
	case ',': return RTR_COMMA;
	case '{': return RTR_OPEN;
	case '}': return RTR_CLOSE;
	default:  return RTR_TOKEN_COUNT;
	}
}

static int lex_word(struct rtr_lexer *lexer, struct rtr_token *ret, struct err *err)
{
	size_t n = word_length(lexer);

	if (n == 0)
		return rtr_error(lexer->file, lexer->pos, err, "byte 0x%02x; outside comments only ASCII text is allowed",
				 (unsigned char)*lexer->s);
	if (n > PROP_VALUE_MAX)
		return rtr_error(lexer->file, lexer->pos, err, "word of %zu bytes; at most %d are allowed", n, PROP_VALUE_MAX);
	*ret = (struct rtr_token) { .type = RTR_WORD, .pos = lexer->pos, .text = xstrndup(lexer->s, n) };
	advance_by(lexer, n);
	return 0;
}

int rtr_lex(struct rtr_lexer *lexer, struct rtr_token *ret, struct err *err)
{
	for (;;) {
		struct rtr_token token = { .pos = lexer->pos };
		int r;

		if (lexer->s == lexer->end) {
			*ret = token;
			return 0;
		}
		if (is_blank(*lexer->s) || *lexer->s == '\n' || at_crlf(lexer->s, lexer->end)) {
			advance(lexer);
			continue;
		}
		if (*lexer->s == '#') {
			r = lex_comment(lexer, ret, err);
			if (r == 0)
				continue;
			return MIN(r, 0);
		}
		if (*lexer->s == '"') {
			r = lex_string(lexer, &token.text, err);
			if (r < 0)
				return r;
			token.type = RTR_STRING;
			*ret = token;
			return 0;
		}
		token.type = punctuation(*lexer->s);
		if (token.type == RTR_TOKEN_COUNT)
			return lex_word(lexer, ret, err);
		advance(lexer);
		*ret = token;
		return 0;
	}
}
