/* Properties: the functions of the table, and extension properties of any name. */
#include "dsdl/props.h"

#include "base/json.h"
#include "dsdl/handle.h"

enum prop_object { PROP_RESOURCE, PROP_GROUP, PROP_TYPE, PROP_EXT, PROP_OBJECT_COUNT };

static const enum optag_object optag_objects[PROP_OBJECT_COUNT] = {
	[PROP_RESOURCE] = OPTAG_RESOURCE, [PROP_GROUP] = OPTAG_GROUP, [PROP_TYPE] = OPTAG_TYPE,
};

static const struct { enum prop_object object; const char *tag; union prop_value none; } rows[PROP_COUNT] = {
#define NUMBER_ROW(name, type, obj, tag, dflt)  [PROP_##name] = { PROP_##obj, tag, { .n = dflt } },
#define POINTER_ROW(name, type, obj, tag)       [PROP_##name] = { PROP_##obj, tag, { .p = NULL } },
	PROPS(NUMBER_ROW, POINTER_ROW)
#undef NUMBER_ROW
#undef POINTER_ROW
};

static const struct { const char *name; scha_prop_type_t type; enum optag_out out; } types[] = {
	{ "STRING",      SCHA_PTYPE_STRING,      OPTAG_STRING },
	{ "INT",         SCHA_PTYPE_INT,         OPTAG_INT },
	{ "BOOLEAN",     SCHA_PTYPE_BOOLEAN,     OPTAG_BOOLEAN },
	{ "ENUM",        SCHA_PTYPE_ENUM,        OPTAG_STRING },
	{ "STRINGARRAY", SCHA_PTYPE_STRINGARRAY, OPTAG_STRARRAY },
};

static json_t *answer_of(const struct scds *s, enum prop_object object)
{
	return object == PROP_GROUP ? s->group : object == PROP_TYPE ? s->type : s->resource;
}

static json_t *extension_find(const struct scds *s, const char *name)
{
	json_t *prop;
	size_t i;

	json_array_foreach(ju_arr(s->resource, "properties"), i, prop)
		if (strieq(ju_str(prop, "name", ""), name) && ju_bool(prop, "extension", false))
			return prop;
	return NULL;
}

/* Of this node, where it has values per node.  Borrowed. */
static json_t *extension_value(const struct scds *s, const json_t *prop)
{
	json_t *own = json_object_get(json_object_get(prop, "values"), ju_str(s->resource, "self", ""));

	return own ? own : json_object_get(prop, "value");
}

static void fill(struct scds *s, enum prop_id id)
{
	struct optag_query q = { .reply = answer_of(s, rows[id].object) };
	const struct optag *tag;
	json_t *value;

	s->values[id] = rows[id].none;
	if (rows[id].object == PROP_EXT) {
		const json_t *prop = extension_find(s, rows[id].tag);

		if (prop)
			(void)optag_convert(id == PROP_ext_confdir_list ? OPTAG_STRARRAY : OPTAG_INT, extension_value(s, prop),
					    &s->results, &s->values[id]);
		return;
	}
	tag = optag_find(optag_objects[rows[id].object], rows[id].tag);
	assert(tag && tag->value);
	q.key = tag->key;
	value = optag_value(tag, &q);
	if (value)                              /* else the type does not declare it */
		(void)optag_convert(tag->out, value, &s->results, &s->values[id]);
	json_decref(value);
}

void props_fill(struct scds *s)
{
	for (enum prop_id id = 0; id < PROP_COUNT; id++)
		fill(s, id);
}

#define NUMBER_FUNCTION(name, type, obj, tag, dflt) \
	type scds_get_##name(scds_handle_t handle) \
	{ \
		const struct scds *s = scds_of(handle); \
	\
		return (type)(s ? s->values[PROP_##name] : rows[PROP_##name].none).n; \
	}
#define POINTER_FUNCTION(name, type, obj, tag) \
	type scds_get_##name(scds_handle_t handle) \
	{ \
		const struct scds *s = scds_of(handle); \
	\
		return s ? s->values[PROP_##name].p : NULL; \
	}
PROPS(NUMBER_FUNCTION, POINTER_FUNCTION)

/* ---- any extension property ---- */

/* value comes first, so that a pointer to it is one to the whole. */
struct extension {
	scha_extprop_value_t value;
	struct result       *results;
};

/* During Validate -c nobody tells the type of a property: then it is what the agent says. */
static bool type_is(const json_t *prop, scha_prop_type_t type)
{
	const char *name = ju_str(prop, "type", NULL);

	for (size_t i = 0; name && i < ARRAY_SIZE(types); i++)
		if (strieq(types[i].name, name))
			return types[i].type == type;
	return !name;
}

static scha_err_t convert(const json_t *value, scha_prop_type_t type, struct extension *ret)
{
	ret->value.prop_type = type;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return optag_convert(types[i].out, value, &ret->results, &ret->value.val);
	return SCHA_ERR_INVAL;
}

scha_err_t scds_get_ext_property(scds_handle_t handle, const char *property_name, scha_prop_type_t property_type,
				 scha_extprop_value_t **property_value)
{
	const struct scds *s = scds_of(handle);
	struct extension *extension;
	const json_t *prop;
	scha_err_t e;

	if (!s || !property_name || !property_value)
		return SCHA_ERR_INVAL;
	prop = extension_find(s, property_name);
	if (!prop)
		return SCHA_ERR_PROP;
	if (!type_is(prop, property_type))
		return SCHA_ERR_INVAL;
	extension = xcalloc(1, sizeof *extension);
	e = convert(extension_value(s, prop), property_type, extension);
	if (e != SCHA_ERR_NOERR)
		scds_free_ext_property(&extension->value);
	else
		*property_value = &extension->value;
	return e;
}

void scds_free_ext_property(scha_extprop_value_t *property_value)
{
	struct extension *extension = (struct extension *)property_value;

	if (!extension)
		return;
	results_free(extension->results);
	free(extension);
}
