/* Reads an RTR file: statements of the type, then one bracket for each property.
 *
 *     RESOURCE_TYPE = "x"; ... START = a; ... #$upgrade ...   { PROPERTY = P; ... }   { PROPERTY = Q; EXTENSION; ... }
 *     '------------- parse_statements ------------------'     '---------- rtr_parse_brackets (rtr_prop.c) ---------'
 *                                        check_type, between the two: a bracket may need to know the methods
 *
 * The first mistake ends the work.  params are put together at the end: what brackets did not name but every resource has
 * is filled in from the property table, so that nobody else has to know which properties exist. */
#include <errno.h>

#include "rgm/rtr_parse.h"

enum {
	RTR_TEXT_MAX     = 8 << 20,             /* bytes of a file */
	RTR_LIST_MAX     = 65536,               /* values of one list */
	RTR_UPGRADES_MAX = 1024,                /* #$upgrade_from lines */
};

void rtr_values_done(struct rtr_values *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].text);
	free(list->v);
	*list = (struct rtr_values) { 0 };
}

static void parser_done(struct rtr_parser *p)
{
	rtr_token_done(&p->token);
	rt_free(p->rt);
	free(p->statement_pos);
	free(p->statements);
	for (size_t i = 0; i < resource_prop_count(); i++)
		rt_param_done(&p->system[i]);
	free(p->system);
	for (size_t i = 0; i < p->extension_count; i++)
		rt_param_done(&p->extensions[i]);
	free(p->extensions);
}

/* ---- tokens ---- */

const char *rtr_token_shown(char buf[static SHOWN_SIZE], const struct rtr_token *token)
{
	static const char *const plain[RTR_TOKEN_COUNT] = {
		[RTR_END]  = "the end of the file", [RTR_EQUALS] = "'='", [RTR_SEMICOLON] = "';'", [RTR_COMMA] = "','",
		[RTR_OPEN] = "'{'", [RTR_CLOSE] = "'}'", [RTR_UPGRADE] = "#$upgrade", [RTR_UPGRADE_FROM] = "#$upgrade_from",
	};

	return plain[token->type] ? plain[token->type] : value_shown(buf, token->text, strlen(token->text));
}

int rtr_next(struct rtr_parser *p)
{
	rtr_token_done(&p->token);
	return rtr_lex(&p->lexer, &p->token, p->err);
}

bool rtr_at(const struct rtr_parser *p, enum rtr_token_type type)
{
	return p->token.type == type;
}

bool rtr_at_word(const struct rtr_parser *p, const char *word)
{
	return rtr_at(p, RTR_WORD) && strieq(p->token.text, word);
}

bool rtr_at_value(const struct rtr_parser *p)
{
	return rtr_at(p, RTR_WORD) || rtr_at(p, RTR_STRING);
}

int rtr_unexpected(struct rtr_parser *p, const char *want)
{
	char shown[SHOWN_SIZE];

	return rtr_fail(p, p->token.pos, "expected %s, found %s", want, rtr_token_shown(shown, &p->token));
}

int rtr_expect(struct rtr_parser *p, enum rtr_token_type type, const char *want)
{
	return rtr_at(p, type) ? rtr_next(p) : rtr_unexpected(p, want);
}

void rtr_take_value(struct rtr_parser *p, struct rtr_value *ret)
{
	*ret = (struct rtr_value) { TAKE_PTR(p->token.text), p->token.pos };
}

static int value_list_add(struct rtr_parser *p, struct rtr_values *list)
{
	if (list->n == RTR_LIST_MAX)
		return rtr_fail(p, p->token.pos, "more than %d values in one list", RTR_LIST_MAX);
	list->v = xrealloc(list->v, (list->n + 1) * sizeof *list->v);
	rtr_take_value(p, &list->v[list->n++]);
	return rtr_next(p);
}

int rtr_parse_values(struct rtr_parser *p, struct rtr_values *list)
{
	int r;

	if (rtr_at(p, RTR_SEMICOLON))
		return rtr_next(p);
	for (;;) {
		if (!rtr_at_value(p))
			return rtr_unexpected(p, list->n ? "another value after ','" : "a value or ';'");
		r = value_list_add(p, list);
		if (r < 0 || rtr_at(p, RTR_SEMICOLON))
			break;
		if (!rtr_at(p, RTR_COMMA))
			return rtr_unexpected(p, "';' after the value (one with blanks must be in quotes)");
		r = rtr_next(p);
		if (r < 0)
			break;
	}
	return r < 0 ? r : rtr_next(p);
}

int rtr_single_value(struct rtr_parser *p, const char *keyword, const struct rtr_values *list, const char **ret)
{
	if (list->n > 1)
		return rtr_fail(p, list->v[1].pos, "%s takes one value, not a list; a value with commas must be in quotes", keyword);
	*ret = list->n ? list->v[0].text : "";
	return 0;
}

char *rtr_values_joined(const struct rtr_values *list)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		if (i)
			buf_puts(&out, ",");
		buf_puts(&out, list->v[i].text);
	}
	return buf_take(&out);
}

/* ---- statements of the type ---- */

/* A row of the table of type properties as a file has it: its name in capitals, as messages say it. */
struct rtr_statement {
	char name[32];
	const struct prop_info *info;
	/* list has the values; pos is where to point when there are none.  NULL: known, but not for RTR files. */
	int (*store)(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos);
	bool flag;                              /* "NAME;" means TRUE */
};

static void *member(struct rtr_parser *p, const struct rtr_statement *s)
{
	return (char *)p->rt + s->info->member;
}

static void string_set(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
}

static int store_string(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos)
{
	const char *value;
	int r = rtr_single_value(p, s->name, list, &value);

	if (r >= 0)
		string_set(member(p, s), value);
	return r;
}

/* A part of the type's name. */
static int store_name(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos)
{
	char shown[SHOWN_SIZE];
	const char *value;
	int r = rtr_single_value(p, s->name, list, &value);

	if (r < 0)
		return r;
	if (*value && !object_name_valid(value))
		return rtr_fail(p, pos, "%s %s: use a letter, then letters, digits, '-' and '_', at most %d in all%s", s->name,
				value_shown(shown, value, strlen(value)), OBJECT_NAME_MAX,
				strchr(value, '.') ? "; the part before '.' belongs into VENDOR_ID" : "");
	string_set(member(p, s), value);
	return 0;
}

static int store_basedir(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos)
{
	char shown[SHOWN_SIZE];
	const char *value;
	int r = rtr_single_value(p, s->name, list, &value);

	if (r < 0)
		return r;
	if (*value && *value != '/')
		return rtr_fail(p, pos, "%s %s is relative; give the full path from '/'", s->name,
				value_shown(shown, value, strlen(value)));
	if (strlen(value) > METHOD_PATH_MAX)
		return rtr_fail(p, pos, "%s has more than %d bytes", s->name, METHOD_PATH_MAX);
	string_set(member(p, s), value);
	return 0;
}

static int store_bool(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos)
{
	char shown[SHOWN_SIZE];
	const char *value;
	int r = rtr_single_value(p, s->name, list, &value);

	if (r < 0)
		return r;
	if (!strieq(value, "TRUE") && !strieq(value, "FALSE"))
		return rtr_fail(p, pos, "%s is %s; use TRUE or FALSE", s->name, value_shown(shown, value, strlen(value)));
	*(bool *)member(p, s) = strieq(value, "TRUE");
	return 0;
}

static int store_api_version(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos)
{
	char shown[SHOWN_SIZE];
	const char *value;
	int64_t n;
	int r = rtr_single_value(p, s->name, list, &value);

	if (r < 0)
		return r;
	if (!int_parse(value, &n) || n < s->info->min || n > s->info->max)
		return rtr_fail(p, pos, "%s is %s; this cluster has %d to %d", s->name, value_shown(shown, value, strlen(value)),
				(int)s->info->min, (int)s->info->max);
	*(int *)member(p, s) = (int)n;
	return 0;
}

static int store_init_nodes(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos)
{
	char shown[SHOWN_SIZE];
	const char *value;
	int r = rtr_single_value(p, s->name, list, &value);

	if (r < 0)
		return r;
	for (enum init_nodes i = 0; i < INIT_NODES_COUNT; i++)
		if (strieq(init_nodes_names[i], value)) {
			p->rt->init_nodes = i;
			return 0;
		}
	return rtr_fail(p, pos, "%s is %s; use RG_PRIMARIES or RT_INSTALLED_NODES", s->name,
			value_shown(shown, value, strlen(value)));
}

/* "a,b" in quotes is two elements too: no element can hold a comma. */
static int store_list(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos)
{
	static const struct rt_param pkglist = { .name = (char *)"Pkglist", .type = PROP_STRINGARRAY };
	_cleanup_free_ char *joined = rtr_values_joined(list), *checked = NULL;
	struct err why;

	if (rt_param_check(&pkglist, joined, &checked, &why) < 0)
		return rtr_fail(p, pos, "%s", why.text);
	strlist_split(member(p, s), checked, ",");
	return 0;
}

/* An empty path is no declaration: the method does not exist. */
static int store_method(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos)
{
	const char *value;
	int r = rtr_single_value(p, s->name, list, &value);

	if (r < 0)
		return r;
	if (strlen(value) > METHOD_PATH_MAX)
		return rtr_fail(p, pos, "the path of %s has more than %d bytes", s->name, METHOD_PATH_MAX);
	if (*value)
		string_set(member(p, s), value);
	return 0;
}

typedef int store_fn(struct rtr_parser *p, const struct rtr_statement *s, const struct rtr_values *list, struct rtr_pos pos);

/* A string by its form, everything else by its type. */
static store_fn *const by_type[PROP_TYPE_COUNT] = {
	[PROP_STRING] = store_string,   [PROP_INT] = store_api_version,  [PROP_BOOLEAN] = store_bool,
	[PROP_ENUM] = store_init_nodes, [PROP_STRINGARRAY] = store_list,
};
static store_fn *const by_form[FORM_COUNT] = {
	[FORM_NAME] = store_name, [FORM_DIRECTORY] = store_basedir, [FORM_METHOD] = store_method,
};

static void statements_init(struct rtr_parser *p)
{
	p->statements = xcalloc(type_prop_count(), sizeof *p->statements);
	for (size_t i = 0; i < type_prop_count(); i++) {
		const struct prop_info *info = type_prop_at(i);
		struct rtr_statement *s = &p->statements[i];

		assert(strlen(info->name) < sizeof s->name);
		for (size_t k = 0; info->name[k]; k++)
			s->name[k] = (char)(info->name[k] >= 'a' && info->name[k] <= 'z' ? info->name[k] - 'a' + 'A' : info->name[k]);
		s->info = info;
		s->flag = info->type == PROP_BOOLEAN;
		if (!info->why_not)
			s->store = by_form[info->form] ? by_form[info->form] : by_type[info->type];
	}
}

static const struct rtr_statement *statement_find(const struct rtr_parser *p, const char *name)
{
	const struct prop_info *info = type_prop_find(name);

	return info ? &p->statements[info - type_prop_at(0)] : NULL;
}

const char *rtr_statement_forbidden(const char *name)
{
	const struct prop_info *info = type_prop_find(name);

	return info ? info->why_not : NULL;
}

static struct rtr_pos *statement_pos(struct rtr_parser *p, const struct rtr_statement *s)
{
	return &p->statement_pos[s - p->statements];
}

static int statement_begin(struct rtr_parser *p, const struct rtr_statement **ret)
{
	const struct rtr_statement *s = statement_find(p, p->token.text);
	char shown[SHOWN_SIZE];

	if (!s)
		return rtr_fail(p, p->token.pos, "unknown type property %s%s", rtr_token_shown(shown, &p->token),
				resource_prop_find(p->token.text) || rtr_at_word(p, "PROPERTY") ?
				"; resource properties are declared in brackets: { PROPERTY = ...; }" : "; correct the name");
	if (!s->store)
		return rtr_fail(p, p->token.pos, "%s cannot be given in an RTR file: %s; leave it out", s->name, s->info->why_not);
	if (statement_pos(p, s)->line)
		return rtr_fail(p, p->token.pos, "%s is given a second time; keep one", s->name);
	*ret = s;
	return 0;
}

static int parse_statement(struct rtr_parser *p)
{
	_cleanup_(rtr_values_done) struct rtr_values list = { 0 };
	struct rtr_pos pos = p->token.pos;
	const struct rtr_statement *s = NULL;
	int r;

	r = statement_begin(p, &s);
	if (r >= 0)
		r = rtr_next(p);
	if (r < 0)
		return r;
	if (s->flag && rtr_at(p, RTR_SEMICOLON)) {
		*(bool *)member(p, s) = true;
		*statement_pos(p, s) = pos;
		return rtr_next(p);
	}
	r = rtr_expect(p, RTR_EQUALS, "'=' after the name");
	if (r >= 0)
		r = rtr_parse_values(p, &list);
	if (r < 0)
		return r;
	if (list.n)
		pos = list.v[0].pos;
	*statement_pos(p, s) = pos;
	return s->store(p, s, &list, pos);
}

static int parse_upgrade(struct rtr_parser *p)
{
	if (p->upgrade_pos.line)
		return rtr_fail(p, p->token.pos, "#$upgrade is given a second time; keep one");
	p->upgrade_pos = p->token.pos;
	p->rt->has_upgrade = true;
	return rtr_next(p);
}

static int parse_upgrade_from(struct rtr_parser *p)
{
	struct rt *rt = p->rt;

	for (size_t i = 0; i < rt->upgrade_count; i++)
		if (streq(rt->upgrades[i].from, p->token.text))
			return rtr_fail(p, p->token.pos, "#$upgrade_from \"%s\" is given a second time; keep one", p->token.text);
	if (rt->upgrade_count == RTR_UPGRADES_MAX)
		return rtr_fail(p, p->token.pos, "more than %d #$upgrade_from lines", RTR_UPGRADES_MAX);
	if (!p->upgrade_from_pos.line)
		p->upgrade_from_pos = p->token.pos;
	rt->upgrades = xrealloc(rt->upgrades, (rt->upgrade_count + 1) * sizeof *rt->upgrades);
	rt->upgrades[rt->upgrade_count++] = (struct rt_upgrade) { TAKE_PTR(p->token.text), p->token.cond };
	return rtr_next(p);
}

static int parse_type_name(struct rtr_parser *p)
{
	int r;

	if (!rtr_at_word(p, "RESOURCE_TYPE"))
		return rtr_unexpected(p, "RESOURCE_TYPE as the first statement");
	r = parse_statement(p);
	if (r < 0)
		return r;
	p->type_pos = *statement_pos(p, statement_find(p, "RESOURCE_TYPE"));
	if (!*p->rt->base)
		return rtr_fail(p, p->type_pos, "RESOURCE_TYPE is empty; give the name of the type");
	return 0;
}

static int parse_statements(struct rtr_parser *p)
{
	int r = parse_type_name(p);

	while (r >= 0 && !rtr_at(p, RTR_END) && !rtr_at(p, RTR_OPEN)) {
		if (rtr_at(p, RTR_UPGRADE))
			r = parse_upgrade(p);
		else if (rtr_at(p, RTR_UPGRADE_FROM))
			r = parse_upgrade_from(p);
		else if (rtr_at(p, RTR_WORD))
			r = parse_statement(p);
		else
			return rtr_unexpected(p, "the name of a type property, or '{'");
	}
	return r;
}

/* ---- the type as a whole ---- */

static int check_method_set(struct rtr_parser *p)
{
	char *const *methods = p->rt->methods;

	if (!methods[METHOD_START] && !methods[METHOD_PRENET_START])
		return rtr_fail(p, p->type_pos, "type %s has no way to start; declare START or PRENET_START", p->rt->base);
	if (!methods[METHOD_STOP] && !methods[METHOD_POSTNET_STOP])
		return rtr_fail(p, p->type_pos, "type %s has no way to stop; declare STOP or POSTNET_STOP", p->rt->base);
	if (methods[METHOD_MONITOR_START] && !methods[METHOD_MONITOR_STOP])
		return rtr_fail(p, *statement_pos(p, statement_find(p, "MONITOR_START")),
				"MONITOR_START without MONITOR_STOP; declare both or none");
	return 0;
}

static int check_method_paths(struct rtr_parser *p)
{
	for (enum rt_method m = 0; m < METHOD_COUNT; m++) {
		_cleanup_free_ char *path = rt_method_path(p->rt, m);
		const char *name = rt_method_names[m];

		if (!path)
			continue;
		if (*p->rt->methods[m] != '/' && !*p->rt->basedir)
			return rtr_fail(p, *statement_pos(p, statement_find(p, name)),
				    "the path of %s is relative and there is no RT_BASEDIR; declare it, or give a full path", name);
		if (strlen(path) > METHOD_PATH_MAX)
			return rtr_fail(p, *statement_pos(p, statement_find(p, name)), "RT_BASEDIR and the path of %s have more than %d bytes",
					name, METHOD_PATH_MAX);
	}
	return 0;
}

static int check_upgrade(struct rtr_parser *p)
{
	const struct rt *rt = p->rt;
	char shown[SHOWN_SIZE];

	if (rt->upgrade_count && !rt->has_upgrade)
		return rtr_fail(p, p->upgrade_from_pos, "#$upgrade_from without #$upgrade; add a line #$upgrade");
	if (rt->has_upgrade && !*rt->version)
		return rtr_fail(p, p->upgrade_pos, "#$upgrade makes the version part of the name; declare RT_VERSION");
	if (rt->has_upgrade && !version_valid(rt->version))
		return rtr_fail(p, *statement_pos(p, statement_find(p, "RT_VERSION")),
				"RT_VERSION %s: use at most %d letters, digits, '.', '-' and '_'",
				value_shown(shown, rt->version, strlen(rt->version)), OBJECT_NAME_MAX);
	return 0;
}

static void set_name(struct rt *rt)
{
	bool sun = streq(rt->vendor, "SUNW");

	rt->name = xasprintf("%s%s%s%s%s", rt->vendor, *rt->vendor ? "." : "", rt->base, rt->has_upgrade ? ":" : "",
			     rt->has_upgrade ? rt->version : "");
	rt->is_logical_hostname = sun && streq(rt->base, "LogicalHostname");
	rt->is_shared_address = sun && streq(rt->base, "SharedAddress");
}

static int check_type(struct rtr_parser *p)
{
	int r = check_method_set(p);

	if (r >= 0)
		r = check_method_paths(p);
	if (r >= 0)
		r = check_upgrade(p);
	if (r >= 0)
		set_name(p->rt);
	return r;
}

/* ---- the whole ---- */

static void add_implied(struct rtr_parser *p)
{
	bool scalable = p->system[resource_prop_find("Scalable") - resource_prop_at(0)].name;

	for (size_t i = 0; i < resource_prop_count(); i++) {
		const struct prop_info *info = resource_prop_at(i);
		struct rt_param *param = &p->system[i];

		if (param->name || !resource_prop_implied(p->rt, info, scalable))
			continue;
		rt_param_from_info(info, param);
		/* Nobody asked for it, so nobody has to give a value: an implied Port_list is empty. */
		if (!param->has_default) {
			param->has_default = true;
			param->dflt = xstrdup("");
		}
	}
}

static void collect_params(struct rtr_parser *p)
{
	struct rt *rt = p->rt;

	rt->params = xcalloc(resource_prop_count() + p->extension_count, sizeof *rt->params);
	for (size_t i = 0; i < resource_prop_count(); i++)
		if (p->system[i].name) {
			rt->params[rt->param_count++] = p->system[i];
			p->system[i] = (struct rt_param) { 0 };
		}
	for (size_t i = 0; i < p->extension_count; i++)
		rt->params[rt->param_count++] = p->extensions[i];
	p->extension_count = 0;
}

static int check_text(const char *text, size_t len, const char *file, struct err *err)
{
	struct rtr_pos pos = { 1, 1 };
	const char *nul = memchr(text, '\0', len);

	if (len > RTR_TEXT_MAX)
		return rtr_error(file, pos, err, "the file has %zu bytes, at most %d are allowed", len, RTR_TEXT_MAX);
	if (!nul)
		return 0;
	for (const char *s = text; s < nul; s++) {
		pos.column = *s == '\n' ? 1 : pos.column + 1;
		pos.line += *s == '\n';
	}
	return rtr_error(file, pos, err, "NUL byte; an RTR file is plain text");
}

static struct rt *rt_new(void)
{
	struct rt *rt = xcalloc(1, sizeof *rt);

	rt->base = xstrdup("");
	rt->vendor = xstrdup("");
	rt->version = xstrdup("");
	rt->basedir = xstrdup("");
	rt->description = xstrdup("");
	rt->api_version = (int)strtol(type_prop_find("API_version")->dflt, NULL, 10);
	return rt;
}

int rtr_parse(const char *text, size_t len, const char *file, struct rt **ret, struct strlist *warnings, struct err *err)
{
	_cleanup_(parser_done) struct rtr_parser p = {
		.lexer = { .file = file, .s = text, .end = text + len, .pos = { 1, 1 }, .warnings = warnings },
		.err = err,
		.rt = rt_new(),
		.statement_pos = xcalloc(type_prop_count(), sizeof(struct rtr_pos)),
		.system = xcalloc(resource_prop_count(), sizeof(struct rt_param)),
	};
	int r = check_text(text, len, file, err);

	statements_init(&p);
	if (r >= 0)
		r = rtr_next(&p);
	if (r >= 0)
		r = parse_statements(&p);
	if (r >= 0)
		r = check_type(&p);
	if (r >= 0)
		r = rtr_parse_brackets(&p);
	if (r < 0)
		return r;
	add_implied(&p);
	collect_params(&p);
	*ret = TAKE_PTR(p.rt);
	return 0;
}
