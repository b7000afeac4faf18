/* The brackets of an RTR file: "{ PROPERTY = P; attribute; ... }".
 *
 * Attributes come in any order, so a bracket is first collected (struct bracket, with positions), then judged: against the
 * table for a system-defined property, which it can only narrow, and against itself for an extension property. */
#include <errno.h>

#include "rgm/rtr_parse.h"

enum { RTR_EXTENSIONS_MAX = 1024 };     /* extension properties of a type */

/* ---- one bracket: collect ---- */

enum attr {
	ATTR_EXTENSION, ATTR_PER_NODE, ATTR_BOOLEAN, ATTR_INT, ATTR_STRING, ATTR_STRINGARRAY, ATTR_ENUM, ATTR_DEFAULT,
	ATTR_MIN, ATTR_MAX, ATTR_MINLENGTH, ATTR_MAXLENGTH, ATTR_ARRAY_MINSIZE, ATTR_ARRAY_MAXSIZE, ATTR_TUNABLE,
	ATTR_DESCRIPTION, ATTR_PROPERTY, ATTR_COUNT
};

struct bracket {
	struct rtr_value name;
	struct rtr_pos pos[ATTR_COUNT];         /* of the value, or of the keyword; line 0: not given */
	enum attr type;                         /* the type keyword; ATTR_COUNT: none */
	int64_t number[ATTR_COUNT];
	enum tunable tunable;
	char *description;
	struct strlist literals;
	struct rtr_values dflt;
};

static void bracket_done(struct bracket *b)
{
	free(b->name.text);
	free(b->description);
	strlist_done(&b->literals);
	rtr_values_done(&b->dflt);
}

static bool given(const struct bracket *b, enum attr attr)
{
	return b->pos[attr].line;
}

typedef int attr_parse_fn(struct rtr_parser *p, struct bracket *b, enum attr attr);
static attr_parse_fn parse_flag, parse_type_keyword, parse_enum, parse_default, parse_number, parse_tunable,
	parse_description;

static const struct { const char *name; attr_parse_fn *parse; enum prop_type type; bool extension_only; } attrs[ATTR_COUNT] = {
	[ATTR_EXTENSION]     = { "EXTENSION",     parse_flag                                            },
	[ATTR_PER_NODE]      = { "PER_NODE",      parse_flag,         .extension_only = true            },
	[ATTR_BOOLEAN]       = { "BOOLEAN",       parse_type_keyword, PROP_BOOLEAN,     true            },
	[ATTR_INT]           = { "INT",           parse_type_keyword, PROP_INT,         true            },
	[ATTR_STRING]        = { "STRING",        parse_type_keyword, PROP_STRING,      true            },
	[ATTR_STRINGARRAY]   = { "STRINGARRAY",   parse_type_keyword, PROP_STRINGARRAY, true            },
	[ATTR_ENUM]          = { "ENUM",          parse_enum,         PROP_ENUM,        true            },
	[ATTR_DEFAULT]       = { "DEFAULT",       parse_default                                         },
	[ATTR_MIN]           = { "MIN",           parse_number                                          },
	[ATTR_MAX]           = { "MAX",           parse_number                                          },
	[ATTR_MINLENGTH]     = { "MINLENGTH",     parse_number                                          },
	[ATTR_MAXLENGTH]     = { "MAXLENGTH",     parse_number                                          },
	[ATTR_ARRAY_MINSIZE] = { "ARRAY_MINSIZE", parse_number                                          },
	[ATTR_ARRAY_MAXSIZE] = { "ARRAY_MAXSIZE", parse_number                                          },
	[ATTR_TUNABLE]       = { "TUNABLE",       parse_tunable                                         },
	[ATTR_DESCRIPTION]   = { "DESCRIPTION",   parse_description,  .extension_only = true            },
	[ATTR_PROPERTY]      = { "PROPERTY"                                                             },
};

static int parse_attr_value(struct rtr_parser *p, struct bracket *b, enum attr attr, struct rtr_values *list, const char **ret)
{
	int r = rtr_expect(p, RTR_EQUALS, "'=' after the attribute");

	if (r >= 0)
		r = rtr_parse_values(p, list);
	if (r < 0)
		return r;
	if (list->n)
		b->pos[attr] = list->v[0].pos;
	return ret ? rtr_single_value(p, attrs[attr].name, list, ret) : 0;
}

static int parse_flag(struct rtr_parser *p, struct bracket *b, enum attr attr)
{
	_cleanup_(rtr_values_done) struct rtr_values list = { 0 };
	struct rtr_pos keyword = b->pos[attr];
	const char *value;
	int r;

	if (!rtr_at(p, RTR_EQUALS))
		return rtr_expect(p, RTR_SEMICOLON, "';' after the attribute");
	r = parse_attr_value(p, b, attr, &list, &value);
	if (r < 0)
		return r;
	if (!strieq(value, "TRUE"))
		return rtr_fail(p, b->pos[attr], "%s is a flag; write it alone, or leave it out", attrs[attr].name);
	b->pos[attr] = keyword;
	return 0;
}

static int set_type(struct rtr_parser *p, struct bracket *b, enum attr attr)
{
	if (b->type != ATTR_COUNT)
		return rtr_fail(p, b->pos[attr], "%s after %s: a property has one type", attrs[attr].name, attrs[b->type].name);
	b->type = attr;
	return 0;
}

static int parse_type_keyword(struct rtr_parser *p, struct bracket *b, enum attr attr)
{
	int r = set_type(p, b, attr);

	return r < 0 ? r : rtr_expect(p, RTR_SEMICOLON, "';' after the type");
}

static int add_literal(struct rtr_parser *p, struct bracket *b)
{
	char shown[SHOWN_SIZE];

	if (!rtr_at_value(p))
		return rtr_unexpected(p, "a literal of the ENUM");
	if (!object_name_valid(p->token.text))
		return rtr_fail(p, p->token.pos, "ENUM literal %s: use a letter, then letters, digits, '-' and '_', at most %d in all",
				rtr_token_shown(shown, &p->token), OBJECT_NAME_MAX);
	for (size_t i = 0; i < b->literals.n; i++)
		if (strieq(b->literals.v[i], p->token.text))
			return rtr_fail(p, p->token.pos, "ENUM literal %s is given a second time (case does not count); keep one",
					rtr_token_shown(shown, &p->token));
	if (b->literals.n == PROP_ENUM_MAX)
		return rtr_fail(p, p->token.pos, "more than %d literals in one ENUM", PROP_ENUM_MAX);
	strlist_take(&b->literals, TAKE_PTR(p->token.text));
	return rtr_next(p);
}

static int parse_enum(struct rtr_parser *p, struct bracket *b, enum attr attr)
{
	int r = set_type(p, b, attr);

	if (r >= 0)
		r = rtr_expect(p, RTR_OPEN, "'{' and the literals after ENUM");
	while (r >= 0) {
		r = add_literal(p, b);
		if (r < 0 || !rtr_at(p, RTR_COMMA))
			break;
		r = rtr_next(p);
		if (r >= 0 && rtr_at(p, RTR_CLOSE))         /* "{ a, b, }" */
			break;
	}
	if (r >= 0)
		r = rtr_expect(p, RTR_CLOSE, "',' or '}' after the literal");
	return r < 0 ? r : rtr_expect(p, RTR_SEMICOLON, "';' after the literals");
}

static int parse_default(struct rtr_parser *p, struct bracket *b, enum attr attr)
{
	return parse_attr_value(p, b, attr, &b->dflt, NULL);
}

static int parse_number(struct rtr_parser *p, struct bracket *b, enum attr attr)
{
	_cleanup_(rtr_values_done) struct rtr_values list = { 0 };
	char shown[SHOWN_SIZE];
	const char *value;
	int r = parse_attr_value(p, b, attr, &list, &value);

	if (r < 0)
		return r;
	if (!int_parse(value, &b->number[attr]))
		return rtr_fail(p, b->pos[attr], "%s is %s; give an integer between -2147483648 and 2147483647", attrs[attr].name,
				value_shown(shown, value, strlen(value)));
	return 0;
}

static int parse_tunable(struct rtr_parser *p, struct bracket *b, enum attr attr)
{
	static const struct { const char *word; enum tunable tunable; } words[] = {
		{ "NONE", TUNE_NONE },       { "FALSE", TUNE_NONE },   { "AT_CREATION", TUNE_AT_CREATION },
		{ "ANYTIME", TUNE_ANYTIME }, { "TRUE", TUNE_ANYTIME }, { "WHEN_DISABLED", TUNE_WHEN_DISABLED },
	};
	_cleanup_(rtr_values_done) struct rtr_values list = { 0 };
	char shown[SHOWN_SIZE];
	const char *value;
	int r = parse_attr_value(p, b, attr, &list, &value);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strieq(words[i].word, value)) {
			b->tunable = words[i].tunable;
			return 0;
		}
	return rtr_fail(p, b->pos[attr], "TUNABLE is %s; use NONE, FALSE, AT_CREATION, WHEN_DISABLED, ANYTIME or TRUE",
			value_shown(shown, value, strlen(value)));
}

static int parse_description(struct rtr_parser *p, struct bracket *b, enum attr attr)
{
	_cleanup_(rtr_values_done) struct rtr_values list = { 0 };
	const char *value;
	int r = parse_attr_value(p, b, attr, &list, &value);

	if (r >= 0)
		b->description = xstrdup(value);
	return r;
}

static int parse_attr(struct rtr_parser *p, struct bracket *b)
{
	char shown[SHOWN_SIZE];
	int r;

	if (!rtr_at(p, RTR_WORD))
		return rtr_unexpected(p, "an attribute or '}'");
	for (enum attr attr = 0; attr < ATTR_COUNT; attr++) {
		if (!rtr_at_word(p, attrs[attr].name))
			continue;
		if (given(b, attr))
			return rtr_fail(p, p->token.pos, "%s is given a second time in this bracket; keep one", attrs[attr].name);
		b->pos[attr] = p->token.pos;
		r = rtr_next(p);
		return r < 0 ? r : attrs[attr].parse(p, b, attr);
	}
	return rtr_fail(p, p->token.pos, "unknown attribute %s; is a ';' or '}' missing before it?",
			rtr_token_shown(shown, &p->token));
}

/* "{ PROPERTY = name ;" */
static int parse_property_name(struct rtr_parser *p, struct bracket *b)
{
	char shown[SHOWN_SIZE];
	int r;

	if (!rtr_at_word(p, "PROPERTY"))
		return rtr_unexpected(p, "PROPERTY as the first attribute of the bracket");
	b->pos[ATTR_PROPERTY] = p->token.pos;
	r = rtr_next(p);
	if (r >= 0)
		r = rtr_expect(p, RTR_EQUALS, "'=' after PROPERTY");
	if (r < 0)
		return r;
	if (!rtr_at_value(p))
		return rtr_unexpected(p, "the name of the property");
	if (!object_name_valid(p->token.text))
		return rtr_fail(p, p->token.pos, "property name %s: use a letter, then letters, digits, '-' and '_', at most %d in all",
				rtr_token_shown(shown, &p->token), OBJECT_NAME_MAX);
	rtr_take_value(p, &b->name);
	r = rtr_next(p);
	return r < 0 ? r : rtr_expect(p, RTR_SEMICOLON, "';' after the name of the property");
}

/* ---- one bracket: judge ---- */

struct limit {
	enum attr attr;
	size_t has, value;                      /* offsets into struct rt_param */
	enum prop_type types[2];
	bool upper;                             /* an RTR may lower it; the others it may raise */
	bool count;                             /* of bytes or elements: from 0 */
};

#define FIELD(m) offsetof(struct rt_param, has_##m), offsetof(struct rt_param, m)
static const struct limit limits[] = {
	{ ATTR_MIN,           FIELD(min),           { PROP_INT } },
	{ ATTR_MAX,           FIELD(max),           { PROP_INT },                      .upper = true },
	{ ATTR_MINLENGTH,     FIELD(minlength),     { PROP_STRING, PROP_STRINGARRAY }, .count = true },
	{ ATTR_MAXLENGTH,     FIELD(maxlength),     { PROP_STRING, PROP_STRINGARRAY }, .upper = true, .count = true },
	{ ATTR_ARRAY_MINSIZE, FIELD(array_minsize), { PROP_STRINGARRAY },              .count = true },
	{ ATTR_ARRAY_MAXSIZE, FIELD(array_maxsize), { PROP_STRINGARRAY },              .upper = true, .count = true },
};

static int apply_limit(struct rtr_parser *p, const struct bracket *b, const struct limit *limit, struct rt_param *param)
{
	bool *has = (bool *)((char *)param + limit->has);
	int64_t *value = (int64_t *)(void *)((char *)param + limit->value), n = b->number[limit->attr];
	struct rtr_pos pos = b->pos[limit->attr];
	const char *keyword = attrs[limit->attr].name;

	if (!pos.line)
		return 0;
	if (param->type != limit->types[0] && param->type != limit->types[1])
		return rtr_fail(p, pos, "%s does not fit %s, which is of type %s; leave it out", keyword, param->name,
				prop_type_names[param->type]);
	if (limit->count && (n < 0 || n > PROP_VALUE_MAX))
		return rtr_fail(p, pos, "%s is %lld; use 0 to %d", keyword, (long long)n, PROP_VALUE_MAX);
	if (!param->extension && limit->attr == ATTR_MAX && timeout_method(param->name) != METHOD_COUNT)
		return rtr_fail(p, pos, "MAX cannot be given for the method timeout %s; leave it out", param->name);
	if (*has && (limit->upper ? n > *value : n < *value))
		return rtr_fail(p, pos, "%s %lld is wider than the limit %lld that %s always has; an RTR file can only narrow it", keyword,
				(long long)n, (long long)*value, param->name);
	*has = true;
	*value = n;
	return 0;
}

/* Where to point when the pair does not fit: at the one that was written later. */
static struct rtr_pos later(const struct bracket *b, enum attr one, enum attr other)
{
	struct rtr_pos x = b->pos[one], y = b->pos[other];

	return x.line > y.line || (x.line == y.line && x.column > y.column) ? x : y;
}

static int apply_limits(struct rtr_parser *p, const struct bracket *b, struct rt_param *param)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		int r = apply_limit(p, b, &limits[i], param);

		if (r < 0)
			return r;
	}
	if (param->has_min && param->has_max && param->min > param->max)
		return rtr_fail(p, later(b, ATTR_MIN, ATTR_MAX), "MIN %lld is above MAX %lld", (long long)param->min,
				(long long)param->max);
	if (param->has_minlength && param->has_maxlength && param->minlength > param->maxlength)
		return rtr_fail(p, later(b, ATTR_MINLENGTH, ATTR_MAXLENGTH), "MINLENGTH %lld is above MAXLENGTH %lld",
				(long long)param->minlength, (long long)param->maxlength);
	if (param->has_array_minsize && param->has_array_maxsize && param->array_minsize > param->array_maxsize)
		return rtr_fail(p, later(b, ATTR_ARRAY_MINSIZE, ATTR_ARRAY_MAXSIZE), "ARRAY_MINSIZE %lld is above ARRAY_MAXSIZE %lld",
				(long long)param->array_minsize, (long long)param->array_maxsize);
	return 0;
}

static int apply_default(struct rtr_parser *p, const struct bracket *b, struct rt_param *param)
{
	_cleanup_free_ char *text = rtr_values_joined(&b->dflt);
	struct rtr_pos pos = b->pos[ATTR_DEFAULT];
	char *checked = NULL;
	struct err why;

	if (param->type != PROP_STRINGARRAY && b->dflt.n > 1)
		return rtr_fail(p, b->dflt.v[1].pos, "%s is not an array: DEFAULT takes one value; one with commas must be in quotes",
				param->name);
	if (!*text && param->type != PROP_STRING && param->type != PROP_STRINGARRAY)
		return rtr_fail(p, pos, "DEFAULT of %s is empty, which type %s does not allow; give a value or leave DEFAULT out",
				param->name, prop_type_names[param->type]);
	if (rt_param_check(param, text, &checked, &why) < 0)
		return rtr_fail(p, pos, "DEFAULT: %s", why.text);
	free(param->dflt);
	param->dflt = checked;
	param->has_default = true;
	return 0;
}

/* A bracket may narrow a system property so far that the table's own default no longer fits. */
static int check_inherited_default(struct rtr_parser *p, const struct bracket *b, const struct rt_param *param)
{
	_cleanup_free_ char *checked = NULL;
	struct err why;

	if (param->has_default && rt_param_check(param, param->dflt, &checked, &why) < 0)
		return rtr_fail(p, b->name.pos, "%s; that is the default of the system, give another with DEFAULT", why.text);
	return 0;
}

static int apply_tunable(struct rtr_parser *p, const struct bracket *b, const struct prop_info *info, struct rt_param *param)
{
	if (!given(b, ATTR_TUNABLE))
		return 0;
	if (info && tunable_rank(b->tunable) > tunable_rank(info->widest))
		return rtr_fail(p, b->pos[ATTR_TUNABLE], "TUNABLE %s allows more than %s, the most that %s can have; narrow it",
				tunable_names[b->tunable], tunable_names[info->widest], param->name);
	if (b->tunable == TUNE_NONE && !param->has_default)
		return rtr_fail(p, b->pos[ATTR_TUNABLE], "%s can never be set (TUNABLE %s) and has no value; give DEFAULT", param->name,
				tunable_names[b->tunable]);
	param->tunable = b->tunable;
	return 0;
}

static int apply_attributes(struct rtr_parser *p, const struct bracket *b, const struct prop_info *info, struct rt_param *param)
{
	int r = apply_limits(p, b, param);

	if (r >= 0)
		r = given(b, ATTR_DEFAULT) ? apply_default(p, b, param) : check_inherited_default(p, b, param);
	if (r >= 0)
		r = apply_tunable(p, b, info, param);
	return r;
}

static int check_system_bracket(struct rtr_parser *p, const struct bracket *b, const struct prop_info *info)
{
	enum rt_method method = timeout_method(info->name);

	if (!resource_prop_in_rtr(info))
		return rtr_fail(p, b->name.pos, "%s is kept by the cluster and cannot be declared; leave the bracket out", info->name);
	if (method != METHOD_COUNT && !p->rt->methods[method])
		return rtr_fail(p, b->name.pos, "%s without the method %s; declare the method or leave the bracket out", info->name,
				rt_method_names[method]);
	if (p->system[info - resource_prop_at(0)].name)
		return rtr_fail(p, b->name.pos, "property %s is declared a second time; keep one", info->name);
	for (enum attr attr = 0; attr < ATTR_COUNT; attr++)
		if (attrs[attr].extension_only && given(b, attr))
			return rtr_fail(p, b->pos[attr], "%s cannot be given for the system-defined property %s; leave it out",
					attrs[attr].name, info->name);
	return 0;
}

static int finish_system(struct rtr_parser *p, const struct bracket *b, const struct prop_info *info)
{
	_cleanup_(rt_param_done) struct rt_param param = { 0 };
	int r = check_system_bracket(p, b, info);

	if (r < 0)
		return r;
	rt_param_from_info(info, &param);
	r = apply_attributes(p, b, info, &param);
	if (r < 0)
		return r;
	p->system[info - resource_prop_at(0)] = param;
	param = (struct rt_param) { 0 };
	return 0;
}

static int check_extension_bracket(struct rtr_parser *p, const struct bracket *b)
{
	const char *name = b->name.text;
	const struct prop_info *info = resource_prop_find(name);

	if (info)
		return rtr_fail(p, b->pos[ATTR_EXTENSION], "%s is a system-defined property; leave EXTENSION out, or choose another name",
				info->name);
	for (size_t i = 0; i < p->extension_count; i++)
		if (strieq(p->extensions[i].name, name))
			return rtr_fail(p, b->name.pos, "property %s is declared a second time; keep one", name);
	if (p->extension_count == RTR_EXTENSIONS_MAX)
		return rtr_fail(p, b->name.pos, "more than %d extension properties", RTR_EXTENSIONS_MAX);
	if (b->type == ATTR_COUNT)
		return rtr_fail(p, b->name.pos, "extension property %s has no type; add BOOLEAN, INT, STRING, STRINGARRAY or ENUM { ... }",
				name);
	return 0;
}

static int finish_extension(struct rtr_parser *p, struct bracket *b)
{
	_cleanup_(rt_param_done) struct rt_param param = { 0 };
	int r = check_extension_bracket(p, b);

	if (r < 0)
		return r;
	param = (struct rt_param) {
		.name = TAKE_PTR(b->name.text),
		.type = attrs[b->type].type,
		.extension = true,
		.per_node = given(b, ATTR_PER_NODE),
		.tunable = TUNE_WHEN_DISABLED,
		.description = b->description ? TAKE_PTR(b->description) : xstrdup(""),
		.enumlist = b->literals,
	};
	b->literals = (struct strlist) { 0 };
	r = apply_attributes(p, b, NULL, &param);
	if (r < 0)
		return r;
	p->extensions = xrealloc(p->extensions, (p->extension_count + 1) * sizeof *p->extensions);
	p->extensions[p->extension_count++] = param;
	param = (struct rt_param) { 0 };
	return 0;
}

static int finish_bracket(struct rtr_parser *p, struct bracket *b)
{
	const char *why_not = rtr_statement_forbidden(b->name.text);
	const struct prop_info *info = resource_prop_find(b->name.text);

	if (why_not)
		return rtr_fail(p, b->name.pos, "%s cannot be given in an RTR file: %s; leave the bracket out", b->name.text, why_not);
	if (given(b, ATTR_EXTENSION))
		return finish_extension(p, b);
	if (!info)
		return rtr_fail(p, b->name.pos, "there is no system-defined property %s; correct the name, or add EXTENSION",
				b->name.text);
	return finish_system(p, b, info);
}

static int parse_bracket(struct rtr_parser *p)
{
	_cleanup_(bracket_done) struct bracket b = { .type = ATTR_COUNT };
	int r = rtr_next(p);

	if (r >= 0)
		r = parse_property_name(p, &b);
	while (r >= 0 && !rtr_at(p, RTR_CLOSE))
		r = parse_attr(p, &b);
	if (r >= 0)
		r = finish_bracket(p, &b);
	if (r >= 0)
		r = rtr_next(p);
	if (r >= 0 && rtr_at(p, RTR_SEMICOLON))             /* "};" */
		r = rtr_next(p);
	return r;
}

int rtr_parse_brackets(struct rtr_parser *p)
{
	int r = 0;

	while (r >= 0 && rtr_at(p, RTR_OPEN))
		r = parse_bracket(p);
	if (r < 0 || rtr_at(p, RTR_END))
		return r;
	if (rtr_at(p, RTR_WORD) || rtr_at(p, RTR_UPGRADE) || rtr_at(p, RTR_UPGRADE_FROM))
		return rtr_unexpected(p, "'{' or the end of the file: statements of the type come before the first bracket");
	return rtr_unexpected(p, "'{' or the end of the file");
}
