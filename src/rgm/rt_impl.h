/* What rtr.c, rt.c and props.c share, and nobody else needs: naming rules, limits, one system property as the table has it. */
#pragma once
#include "rgm/rt.h"

enum {
	OBJECT_NAME_MAX    = 255,               /* bytes of a property, enum literal, vendor, type or version */
	PROP_VALUE_MAX     = 4194303,           /* bytes of any value, arrays with their commas included */
	PROP_ENUM_MAX      = 1024,              /* literals of one ENUM */
	METHOD_PATH_MAX    = 4095,              /* bytes of basedir/method */
	API_VERSION_LEAST  = 1,
	API_VERSION_MOST   = 13,
	SHOWN_MAX          = 60,                /* bytes of a wrong value that a message repeats */
	SHOWN_SIZE         = SHOWN_MAX + 6,     /* with quotes, dots and NUL */
};

/* The value for a message: in quotes, shortened, unprintable bytes as '?'.  Returns buf. */
const char *value_shown(char buf[static SHOWN_SIZE], const char *value, size_t len);
/* Object name: a letter, then letters, digits, '-' and '_'. */
bool object_name_valid(const char *name);
bool version_valid(const char *version);        /* letters, digits, '.', '-', '_'; not empty */

/* Strict decimal integer, an optional '-' first.  False when text is anything else or does not fit. */
bool int_parse(const char *text, int64_t *ret);

/* NONE < AT_CREATION < WHEN_DISABLED < ANYTIME: a lower rank restricts more. */
int tunable_rank(enum tunable tunable);

/* The method whose time limit the property is; METHOD_COUNT when it is not a method timeout. */
enum rt_method timeout_method(const char *name);

/* Given in a bracket?  False for what only the RGM keeps: state, switches, names, the type's version. */
bool resource_prop_in_rtr(const struct prop_info *info);
/* Does a resource of this type have the property although no bracket names it? */
bool resource_prop_implied(const struct rt *rt, const struct prop_info *info, bool scalable_declared);

/* The property as a resource has it when the RTR only names it.  *ret is owned: rt_param_done(). */
void rt_param_from_info(const struct prop_info *info, struct rt_param *ret);
void rt_param_done(struct rt_param *param);
