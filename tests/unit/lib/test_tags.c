/* The tags of the API and the tables of properties: each property that an agent may ask for has its tag, of the same type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <strings.h>
#include <cmocka.h>

#include "lib/optag.h"
#include "rgm/rt.h"

/* Documented to have none, or one by another name. */
static const struct { const char *property, *tag; } named_otherwise[] = {
	{ "Resource_name", NULL }, { "Status_msg", NULL }, { "RG_name", NULL },        /* one names it to open the handle; STATUS has both */
	{ "Resource_type", NULL }, { "Vendor_id", NULL }, { "Sysdefined_type", NULL },
};

/* The type of a value in the C API.  A closed list of strings is an enum type there where the documents have one. */
static bool fits(enum prop_type type, enum optag_out out)
{
	switch (type) {
	case PROP_STRING:      return out == OPTAG_STRING;
	case PROP_INT:         return out == OPTAG_INT;
	case PROP_BOOLEAN:     return out == OPTAG_BOOLEAN;
	case PROP_STRINGARRAY: return out == OPTAG_STRARRAY;
	case PROP_ENUM:        return (out >= OPTAG_SWITCH && out <= OPTAG_NODESTATE) || out == OPTAG_STRING || out == OPTAG_STATUS;
	default:               return false;
	}
}

static bool without_tag(const char *property)
{
	for (size_t i = 0; i < ARRAY_SIZE(named_otherwise); i++)
		if (streq(named_otherwise[i].property, property))
			return true;
	return false;
}

static void check(enum optag_object object, const struct prop_info *info)
{
	const struct optag *tag = optag_find(object, info->name);

	if (without_tag(info->name)) {
		assert_null(tag);
		return;
	}
	if (!tag || tag->object != object)
		fail_msg("property %s has no tag", info->name);
	if (!fits(info->type, tag->out))
		fail_msg("property %s and its tag are of different types", info->name);
}

static void test_every_property_has_its_tag(void **state)
{
	for (size_t i = 0; i < type_prop_count(); i++)
		check(OPTAG_TYPE, type_prop_at(i));
	for (size_t i = 0; i < resource_prop_count(); i++)
		check(OPTAG_RESOURCE, resource_prop_at(i));
	for (size_t i = 0; i < group_prop_count(); i++)
		check(OPTAG_GROUP, group_prop_at(i));
}

/* A keyword that the RGM stores must be one that the API can hand out. */
static void test_keywords(void **state)
{
	static const struct { const char *property; enum optag_out out; } rows[] = {
		{ "Failover_mode", OPTAG_FOMODE },  { "Resource_state", OPTAG_RSSTATE }, { "Status", OPTAG_RSSTATUS },
		{ "On_off_switch", OPTAG_SWITCH },  { "Monitored_switch", OPTAG_SWITCH }, { "RG_mode", OPTAG_RGMODE },
		{ "RG_state", OPTAG_RGSTATE },      { "Init_nodes", OPTAG_INITNODES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct prop_info *info = resource_prop_find(rows[i].property);
		_cleanup_(strlist_done) struct strlist words = { 0 };

		info = info ? info : group_prop_find(rows[i].property);
		info = info ? info : type_prop_find(rows[i].property);
		strlist_split(&words, info->enums, ",");
		for (size_t k = 0; k < words.n; k++) {
			bool known = false;
			const char *name;

			for (int n = 0; (name = optag_keyword(rows[i].out, n)); n++)
				known |= strieq(name, words.v[k]);
			if (!known)
				fail_msg("%s: %s", rows[i].property, words.v[k]);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_property_has_its_tag), cmocka_unit_test(test_keywords),
	};

	return cmocka_run_group_tests_name("tags", tests, NULL, NULL);
}
