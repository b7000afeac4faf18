/* The words of an RTR file.  Comments and blanks vanish here, "#$" lines become tokens of their own. */
#pragma once
#include "rgm/rt.h"

enum rtr_token_type {
	RTR_END, RTR_WORD, RTR_STRING, RTR_EQUALS, RTR_SEMICOLON, RTR_COMMA, RTR_OPEN, RTR_CLOSE,
	RTR_UPGRADE, RTR_UPGRADE_FROM, RTR_TOKEN_COUNT
};

struct rtr_pos { unsigned line, column; };      /* from 1; columns are bytes */

struct rtr_token {
	enum rtr_token_type type;
	struct rtr_pos pos;
	char *text;                     /* WORD, STRING (without quotes, escapes resolved), UPGRADE_FROM (the version) */
	enum upgrade_cond cond;         /* UPGRADE_FROM */
};

struct rtr_lexer {
	const char *file;               /* for messages */
	const char *s, *end;            /* the rest of the text */
	struct rtr_pos pos;             /* of *s */
	struct strlist *warnings;       /* may be NULL */
	unsigned warning_count;
};

enum { RTR_WARNINGS_MAX = 100 };        /* further ones are dropped: they repeat the same mistake */

/* Puts the next token into *ret.  -EINVAL: no token begins here; *ret is untouched. */
int rtr_lex(struct rtr_lexer *lexer, struct rtr_token *ret, struct err *err);
void rtr_token_done(struct rtr_token *token);
/* -EINVAL and "file:line:column: sentence". */
int rtr_error(const char *file, struct rtr_pos pos, struct err *err, const char *fmt, ...) _printf_(4, 5);
