/* The parser of RTR files between its two halves: rtr.c reads the type, rtr_prop.c the properties. */
#pragma once
#include "rgm/rt_impl.h"
#include "rgm/rtr_lex.h"

struct rtr_value {
	char *text;
	struct rtr_pos pos;
};

struct rtr_values {
	struct rtr_value *v;
	size_t n;
};

struct rtr_statement;
struct rtr_parser {
	struct rtr_lexer lexer;
	struct rtr_token token;                 /* the one being looked at */
	struct err *err;
	struct rt *rt;
	struct rtr_statement *statements;       /* by row of the table of type properties */
	struct rtr_pos *statement_pos;          /* of the value; the same order; line 0: not given */
	struct rtr_pos type_pos, upgrade_pos, upgrade_from_pos;
	struct rt_param *system;                /* by row of the property table; name NULL: not declared */
	struct rt_param *extensions;
	size_t extension_count;
};

#define rtr_fail(p, pos, ...) rtr_error((p)->lexer.file, pos, (p)->err, __VA_ARGS__)

/* Looks at the next token. */
int rtr_next(struct rtr_parser *p);
bool rtr_at(const struct rtr_parser *p, enum rtr_token_type type);
bool rtr_at_word(const struct rtr_parser *p, const char *word);         /* any case */
bool rtr_at_value(const struct rtr_parser *p);
/* "expected WANT, found TOKEN" at the token. */
int rtr_unexpected(struct rtr_parser *p, const char *want);
int rtr_expect(struct rtr_parser *p, enum rtr_token_type type, const char *want);
const char *rtr_token_shown(char buf[static SHOWN_SIZE], const struct rtr_token *token);

void rtr_take_value(struct rtr_parser *p, struct rtr_value *ret);       /* leaves the token without its text */
/* From after '=' to after ';'.  An empty list is a value too. */
int rtr_parse_values(struct rtr_parser *p, struct rtr_values *list);
void rtr_values_done(struct rtr_values *list);
/* The text of a property that takes one value; "" when the list is empty. */
int rtr_single_value(struct rtr_parser *p, const char *keyword, const struct rtr_values *list, const char **ret);
char *rtr_values_joined(const struct rtr_values *list);                 /* with commas; caller frees */

/* rtr.c: why a name that belongs to the type may stand in no RTR file; NULL when it may, or is not known. */
const char *rtr_statement_forbidden(const char *name);
/* rtr_prop.c: from the first '{' to the end of the file. */
int rtr_parse_brackets(struct rtr_parser *p);
