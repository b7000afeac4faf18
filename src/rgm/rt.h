/* A resource type as its RTR file declares it.  Pure data; built by rtr_parse() or from a CCR table. */
#pragma once
#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum rt_method {
	METHOD_START, METHOD_STOP, METHOD_PRENET_START, METHOD_POSTNET_STOP, METHOD_MONITOR_START, METHOD_MONITOR_STOP,
	METHOD_MONITOR_CHECK, METHOD_VALIDATE, METHOD_UPDATE, METHOD_INIT, METHOD_FINI, METHOD_BOOT, METHOD_COUNT
};
extern const char *const rt_method_names[METHOD_COUNT];         /* "Start", "Prenet_start", ... */

enum prop_type { PROP_INVALID, PROP_STRING, PROP_INT, PROP_BOOLEAN, PROP_ENUM, PROP_STRINGARRAY, PROP_TYPE_COUNT };
extern const char *const prop_type_names[PROP_TYPE_COUNT];      /* "STRING", ... as RMAPI prints them */

enum tunable { TUNE_DEFAULT, TUNE_NONE, TUNE_AT_CREATION, TUNE_ANYTIME, TUNE_WHEN_DISABLED, TUNE_COUNT };
extern const char *const tunable_names[TUNE_COUNT];

enum init_nodes { INIT_RG_PRIMARIES, INIT_RT_INSTALLED_NODES, INIT_NODES_COUNT };
extern const char *const init_nodes_names[INIT_NODES_COUNT];

/* What a text, or each element of an array, has to look like. */
enum prop_form {
	FORM_ANY, FORM_NAME, FORM_DIRECTORY, FORM_METHOD,       /* an object; a full path; the path of a method */
	FORM_PORT, FORM_WEIGHT, FORM_FACTOR,                    /* 80/tcp; 3@node1; limit@20 */
	FORM_DEPENDENCY, FORM_AFFINITY,                         /* db, db{LOCAL_NODE}; ++group */
	FORM_COUNT
};

/* One bracket of the RTR file: a resource property, system-defined or extension, with its attributes. */
struct rt_param {
	char          *name;            /* spelling of the RTR file for extensions, of the property table for system ones */
	enum prop_type type;
	enum prop_form form;            /* of a system property */
	bool           extension, per_node;
	bool           has_default;
	char          *dflt;            /* text form; arrays comma-separated; NULL when !has_default */
	bool           has_min, has_max, has_minlength, has_maxlength, has_array_minsize, has_array_maxsize;
	int64_t        min, max, minlength, maxlength, array_minsize, array_maxsize;
	enum tunable   tunable;         /* effective: the table's default is filled in */
	char          *description;     /* "" when not given */
	struct strlist enumlist;
};

enum upgrade_cond { UPGRADE_ANYTIME, UPGRADE_WHEN_UNMONITORED, UPGRADE_WHEN_OFFLINE, UPGRADE_WHEN_DISABLED,
		    UPGRADE_WHEN_UNMANAGED, UPGRADE_AT_CREATION, UPGRADE_COUNT };
extern const char *const upgrade_cond_names[UPGRADE_COUNT];
struct rt_upgrade { char *from; enum upgrade_cond cond; };

struct rt {
	char  *name;                    /* full registered name: [vendor.]type[:version] */
	char  *base, *vendor, *version; /* vendor, version "" when absent */
	bool   has_upgrade;             /* "#$upgrade" was present, so the version is part of the name */
	struct rt_upgrade *upgrades;
	size_t upgrade_count;
	int    api_version;
	char  *basedir, *description;   /* "" when absent */
	bool   failover, single_instance, rt_system, global_zone, proxy, sysdefined;
	enum init_nodes init_nodes;
	struct strlist pkglist;
	char  *methods[METHOD_COUNT];   /* as declared; NULL when not declared */
	struct rt_param *params;        /* every property that can be set on resources of this type, system ones first in the
					 * order of the table; Type_version and the query-only ones are not among them */
	size_t param_count;
	bool   is_logical_hostname, is_shared_address;
	struct strlist installed_nodes; /* empty: all */
};

/* Parses the text of an RTR file.  file is used in messages only: "file:line:column: sentence".
 * Warnings (unknown #$ directive) are appended to warnings when it is not NULL.
 * -EINVAL: the text is wrong.  Every limit is a named constant in rtr.c. */
int rtr_parse(const char *text, size_t len, const char *file, struct rt **ret, struct strlist *warnings, struct err *err);
struct rt *rt_free(struct rt *rt);
static inline void rt_freep(struct rt **rt) { rt_free(*rt); }

/* The text that rtr_parse() accepts again and that gives an equal rt: what the CCR stores.  installed_nodes and a later
 * change of rt_system are the administrator's: the caller keeps the former elsewhere. */
char *rt_to_rtr(const struct rt *rt);           /* caller frees */

/* Any case; NULL when there is none.  One that is declared PER_NODE is also found as "Name{node}". */
const struct rt_param *rt_param_find(const struct rt *rt, const char *name);
/* Full path of a method: absolute as declared, or basedir/method.  NULL when not declared.  Caller frees. */
char *rt_method_path(const struct rt *rt, enum rt_method method);
/* "SUNW.gds:6" is named by "SUNW.gds:6", "SUNW.gds" and "gds". */
bool rt_name_matches(const char *full, const char *given);

/* ---- properties: one table each (props.c) drives parsing, validation, listing and the manual pages ---- */
enum prop_setter { SET_BY_ADMIN, SET_BY_RTR, SET_BY_RTR_OR_ADMIN, SET_BY_RGM };
struct prop_info {
	const char    *name;            /* documented spelling */
	enum prop_type type;
	const char    *dflt;            /* NULL: none; for a group: the RGM works it out (RG_mode, Nodelist) */
	enum prop_form form;
	int64_t        min, max;        /* inclusive; INT only; both 0: no bounds; INT32_MIN, INT32_MAX: open on that side */
	const char    *enums;           /* comma-separated; ENUM, and a STRING or array element with a closed list of values */
	enum tunable   tunable;
	enum tunable   widest;          /* the most that a TUNABLE of an RTR file may allow */
	bool           always;          /* exists for every resource; else only when the RTR declares it */
	bool           with_scalable;   /* exists also when the RTR declares Scalable */
	bool           query_only;      /* set by the RGM itself */
	enum prop_setter setter;        /* of a type property */
	const char    *why_not;         /* of a type property that no RTR file may give */
	size_t         member;          /* of a type property: offset in struct rt */
	const char    *help;
};
/* A type has the properties of the third table: members of struct rt. */
const struct prop_info *type_prop_find(const char *name);
size_t type_prop_count(void);
const struct prop_info *type_prop_at(size_t i);
char *type_prop_text(const struct rt *rt, const struct prop_info *info);        /* caller frees; Resource_list is not in it */
const struct prop_info *resource_prop_find(const char *name);   /* system-defined resource properties; any case */
const struct prop_info *group_prop_find(const char *name);
size_t resource_prop_count(void);
const struct prop_info *resource_prop_at(size_t i);
size_t group_prop_count(void);
const struct prop_info *group_prop_at(size_t i);

/* Checks value against type and limits and gives its canonical text (booleans TRUE/FALSE, enums in the documented case).
 * -EINVAL with a sentence that names the property.  *ret: caller frees. */
int prop_check(const struct prop_info *info, const char *value, char **ret, struct err *err);
int rt_param_check(const struct rt_param *param, const char *value, char **ret, struct err *err);
