/* The RMAPI in shell: scha_cluster_get and its kin.  Thin over libscha; what a tag takes and gives is in the table of the
 * library (lib/optag.h), how a type is printed is in the table below.  Nothing is printed on stdout unless all went well. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "lib/optag.h"
#include "lib/scha_act.h"
#include <scha.h>

/* ---- how it ended ---- */

static int failed(const struct cmdline *line, scha_err_t code, const char *reason)
{
	(void)fprintf(stderr, "%s:  %s%s%s\n", line->command->name, scha_strerror(code), *reason ? ": " : "", reason);
	return EXIT_API + (int)code;
}

/* ---- printing ---- */

union value {
	char                 *text;
	int                   n;        /* enums, too */
	uint_t                u;
	boolean_t             b;
	scha_str_array_t     *list;
	scha_uint_array_t    *numbers;
	scha_status_value_t  *status;
	scha_extprop_value_t *ext;
};

static void print_text(const char *text)
{
	(void)printf("%s\n", text ? text : "");
}

static void print_bool(boolean_t b)
{
	print_text(b ? "TRUE" : "FALSE");
}

static void print_list(const scha_str_array_t *list)
{
	if (list->is_ALL_value)
		print_text("*");
	for (uint_t i = 0; i < list->array_cnt; i++)
		print_text(list->str_array[i]);
}

static void print_numbers(const scha_uint_array_t *numbers)
{
	for (uint_t i = 0; i < numbers->array_cnt; i++)
		(void)printf("%u\n", numbers->uint_array[i]);
}

/* The type first, in one word: agents join the lines and take the second field. */
static void print_extension(const scha_extprop_value_t *ext)
{
	switch (ext->prop_type) {
	case SCHA_PTYPE_INT:
		(void)printf("INT\n%d\n", ext->val.val_int);
		return;
	case SCHA_PTYPE_BOOLEAN:
		print_text("BOOLEAN");
		print_bool(ext->val.val_boolean);
		return;
	case SCHA_PTYPE_STRINGARRAY:
		print_text("STRINGARRAY");
		print_list(ext->val.val_strarray);
		return;
	case SCHA_PTYPE_ENUM:
		print_text("ENUM");
		print_text(ext->val.val_enum);
		return;
	default:
		print_text("STRING");
		print_text(ext->val.val_str);
	}
}

static void print_value(enum optag_out type, const union value *v)
{
	switch (type) {
	case OPTAG_STRING:    print_text(v->text);                    return;
	case OPTAG_INT:       (void)printf("%d\n", v->n);             return;
	case OPTAG_UINT:      (void)printf("%u\n", v->u);             return;
	case OPTAG_BOOLEAN:   print_bool(v->b);                       return;
	case OPTAG_STRARRAY:  print_list(v->list);                    return;
	case OPTAG_UINTARRAY: print_numbers(v->numbers);              return;
	case OPTAG_EXTPROP:   print_extension(v->ext);                return;
	case OPTAG_STATUS:
		print_text(optag_keyword(OPTAG_RSSTATUS, (int)v->status->status));
		print_text(v->status->status_msg);
		return;
	default:
		print_text(optag_keyword(type, v->n));
	}
}

/* ---- the four get commands ---- */

struct object {
	const char       *command;
	enum optag_object object;
	scha_err_t      (*open)(const struct cmdline *line, void **ret);
	scha_err_t      (*get)(void *handle, const char *tag, ...);
	scha_err_t      (*close)(void *handle);
};

static scha_err_t open_cluster(const struct cmdline *line, void **ret)
{
	return scha_cluster_open_zone(cmdline_get(line, 'Z'), ret);
}

static scha_err_t open_resource(const struct cmdline *line, void **ret)
{
	return scha_resource_open_zone(cmdline_get(line, 'Z'), cmdline_get(line, 'R'), cmdline_get(line, 'G'), ret);
}

static scha_err_t open_group(const struct cmdline *line, void **ret)
{
	return scha_resourcegroup_open_zone(cmdline_get(line, 'Z'), cmdline_get(line, 'G'), ret);
}

static scha_err_t open_type(const struct cmdline *line, void **ret)
{
	return scha_resourcetype_open_zone(cmdline_get(line, 'Z'), cmdline_get(line, 'T'), ret);
}

static const struct object objects[] = {
	{ "scha_cluster_get",       OPTAG_CLUSTER,  open_cluster,  scha_cluster_get,       scha_cluster_close       },
	{ "scha_resource_get",      OPTAG_RESOURCE, open_resource, scha_resource_get,      scha_resource_close      },
	{ "scha_resourcegroup_get", OPTAG_GROUP,    open_group,    scha_resourcegroup_get, scha_resourcegroup_close },
	{ "scha_resourcetype_get",  OPTAG_TYPE,     open_type,     scha_resourcetype_get,  scha_resourcetype_close  },
};

/* What the operands of a tag are; a node id is a number. */
static const struct { size_t operands; const char *what; } arguments[OPTAG_IN_COUNT] = {
	[OPTAG_IN_NONE]      = { 0, "no argument" },
	[OPTAG_IN_NAME]      = { 1, "a name: of a node, a zone or a load limit" },
	[OPTAG_IN_NODEID]    = { 1, "the number of a node" },
	[OPTAG_IN_PROP]      = { 1, "the name of an extension property" },
	[OPTAG_IN_PROP_NODE] = { 2, "the name of an extension property, and a node" },
};

static bool node_id(const char *text, uint_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*ret = (uint_t)n;
	return *text >= '0' && *text <= '9' && !*end && n <= UINT32_MAX;
}

static scha_err_t get_value(const struct object *object, void *handle, const struct optag *tag, char *const *operands,
			    union value *ret)
{
	uint_t id = 0;

	switch (tag->in) {
	case OPTAG_IN_NAME: case OPTAG_IN_PROP:
		return object->get(handle, tag->tag, operands[0], ret);
	case OPTAG_IN_PROP_NODE:
		return object->get(handle, tag->tag, operands[0], operands[1], ret);
	case OPTAG_IN_NODEID:
		return node_id(operands[0], &id) ? object->get(handle, tag->tag, id, ret) : SCHA_ERR_INVAL;
	default:
		return object->get(handle, tag->tag, ret);
	}
}

/* -Q: dependencies with their qualifiers, which have tags of their own. */
static const struct optag *find_tag(const struct cmdline *line, const struct object *object)
{
	static const char plain[] = "RESOURCE_DEPENDENCIES";
	const struct optag *tag = optag_find(object->object, cmdline_get(line, 'O')), *with;
	_cleanup_free_ char *name = NULL;

	if (!tag || !cmdline_has(line, 'Q') || strncmp(tag->tag, plain, sizeof plain - 1) != 0)
		return tag;
	name = xasprintf("%s_Q%s", plain, tag->tag + sizeof plain - 1);
	with = optag_find(object->object, name);
	return with ? with : tag;
}

/* SCHA_ERR_SEQID comes with a value: who opens, gets and closes at once has nothing older to compare it with. */
static scha_err_t get_and_print(const struct cmdline *line, const struct object *object, const struct optag *tag)
{
	union value value = { 0 };
	void *handle;
	scha_err_t e = object->open(line, &handle);

	if (e != SCHA_ERR_NOERR)
		return e;
	e = get_value(object, handle, tag, line->operands.v, &value);
	if (e == SCHA_ERR_SEQID)
		e = SCHA_ERR_NOERR;
	if (e == SCHA_ERR_NOERR)
		print_value(tag->out, &value);
	(void)object->close(handle);            /* it is open: we have just used it */
	return e;
}

static int run_get(const struct cmdline *line)
{
	const struct object *object = objects;
	const struct optag *tag;
	scha_err_t e;

	while (!streq(object->command, line->command->name))
		object++;
	tag = find_tag(line, object);
	if (!tag)
		return failed(line, SCHA_ERR_TAG, cmdline_get(line, 'O'));
	if (line->operands.n != arguments[tag->in].operands)
		return command_usage(line, "%s takes %s", tag->tag, arguments[tag->in].what);
	e = get_and_print(line, object, tag);
	return e == SCHA_ERR_NOERR ? EXIT_OK : failed(line, e, "");
}

/* ---- setters ---- */

/* One manual has ONLINE in the place of OK. */
static int status_number(const char *word)
{
	return strieq(word, "ONLINE") ? (int)SCHA_RSSTATUS_OK : keyword_find(scha_rsstatus_names, word);
}

static int run_setstatus(const struct cmdline *line)
{
	int status = status_number(cmdline_get(line, 's'));
	struct err err = { 0 };
	scha_err_t e;

	if (status < 0)
		return failed(line, SCHA_ERR_RSTATUS, cmdline_get(line, 's'));
	e = act_setstatus(cmdline_get(line, 'R'), cmdline_get(line, 'G'), cmdline_get(line, 'Z'), (scha_rsstatus_t)status,
			  cmdline_get(line, 'm'), &err);
	return e == SCHA_ERR_NOERR ? EXIT_OK : failed(line, e, err.text);
}

static int run_control(const struct cmdline *line)
{
	struct err err = { 0 };
	scha_err_t e = act_control(cmdline_get(line, 'O'), cmdline_get(line, 'G'), cmdline_get(line, 'R'), cmdline_get(line, 'Z'),
				   &err);

	return e == SCHA_ERR_NOERR ? EXIT_OK : failed(line, e, err.text);
}

/* ---- the table ---- */

#define OPTAG    { 'O', NULL, "OPTAG",    "what to tell; scha_cmds(1ha) says how it is printed" }
#define RESOURCE { 'R', NULL, "RESOURCE", "the resource" }
#define GROUP    { 'G', NULL, "GROUP",    "the resource group" }
#define ZONE     { 'Z', NULL, "ZONE",     "there is only global" }
#define CLUSTER  { 'Z', NULL, "CLUSTER",  "the name of this cluster; there is no other" }
static const struct option_info cluster_options[] = { OPTAG, CLUSTER };
static const struct option_info resource_options[] = {
	OPTAG, { 'Q', NULL, NULL, "dependencies with their qualifiers" }, RESOURCE, GROUP, CLUSTER
};
static const struct option_info group_options[] = { OPTAG, GROUP, CLUSTER };
static const struct option_info type_options[] = { OPTAG, { 'T', NULL, "TYPE", "the resource type" }, CLUSTER };
static const struct option_info status_options[] = {
	RESOURCE, GROUP,
	{ 's', NULL, "STATUS", "OK, DEGRADED, FAULTED, UNKNOWN or OFFLINE" },
	{ 'm', NULL, "TEXT",   "the message beside the status; without it the message is empty" },
	ZONE
};
static const struct option_info control_options[] = { { 'O', NULL, "OPTAG", "what to do" }, GROUP, RESOURCE, ZONE };

#define ARGUMENTS .operands = { "argument", 0, 2 }
#define ROOT     .privilege = PRIVILEGE_CHANGE
static const struct form cluster_form[]  = { { "O",   "Z",   .help = "of the cluster", .run = run_get, ARGUMENTS } };
static const struct form resource_form[] = { { "OR",  "GQZ", .help = "of a resource", .run = run_get, ARGUMENTS } };
static const struct form group_form[]    = { { "OG",  "Z",   .help = "of a resource group", .run = run_get, ARGUMENTS } };
static const struct form type_form[]     = { { "OT",  "Z",   .help = "of a resource type", .run = run_get, ARGUMENTS } };
static const struct form status_form[]   = { { "RGs", "mZ",  .help = "of a resource on this node", .run = run_setstatus, ROOT } };
static const struct form control_form[]  = { { "OGR", "Z",   .help = "of a resource on this node", .run = run_control, ROOT } };

#define COMMAND(name, summary, options, form) { name, summary, options, ARRAY_SIZE(options), form, 1, .api = true }
const struct command_info scha_cluster_get_command = COMMAND("scha_cluster_get", "information about the cluster", cluster_options, cluster_form);
const struct command_info scha_resource_get_command = COMMAND("scha_resource_get", "information about a resource", resource_options, resource_form);
const struct command_info scha_resourcegroup_get_command = COMMAND("scha_resourcegroup_get", "information about a resource group", group_options, group_form);
const struct command_info scha_resourcetype_get_command = COMMAND("scha_resourcetype_get", "information about a resource type", type_options, type_form);
const struct command_info scha_resource_setstatus_command = COMMAND("scha_resource_setstatus", "set Status and Status_msg of a resource", status_options, status_form);
const struct command_info scha_control_command = COMMAND("scha_control", "request a restart or a giveover", control_options, control_form);
