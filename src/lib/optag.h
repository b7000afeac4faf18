/* The tags of the get functions, one row each: what they are asked of, what they take and give, and where the value is in
 * the answer of clusterd.  Pure: no socket.  The scha_*_get functions and the commands of the same name go by this table. */
#pragma once
#include <jansson.h>
#include <scha_types.h>

#include "base/macros.h"

enum optag_object { OPTAG_CLUSTER, OPTAG_RESOURCE, OPTAG_GROUP, OPTAG_TYPE, OPTAG_OBJECT_COUNT };

/* Arguments before the output pointer. */
enum optag_in {
	OPTAG_IN_NONE,
	OPTAG_IN_NAME,          /* const char *: a node, zone or limit */
	OPTAG_IN_NODEID,        /* uint_t */
	OPTAG_IN_PROP,          /* const char *: an extension property */
	OPTAG_IN_PROP_NODE,     /* the same, then const char *node */
	OPTAG_IN_COUNT
};

enum optag_out {
	OPTAG_STRING, OPTAG_INT, OPTAG_UINT, OPTAG_BOOLEAN,
	OPTAG_SWITCH, OPTAG_RSSTATUS, OPTAG_RSSTATE, OPTAG_RGSTATE, OPTAG_RGMODE, OPTAG_FOMODE, OPTAG_INITNODES, OPTAG_NODESTATE,
	OPTAG_STRARRAY, OPTAG_UINTARRAY, OPTAG_STATUS, OPTAG_EXTPROP,
	OPTAG_OUT_COUNT
};

struct optag_query {
	json_t     *reply;      /* of GetCluster, GetResource, GetGroup, GetType */
	const char *name;       /* IN_NAME, IN_PROP_NODE */
	const char *prop;
	uint_t      nodeid;
	const char *key;        /* of the row */
	scha_err_t  error;      /* why the value is missing */
};

struct optag {
	const char       *tag;
	enum optag_object object;
	enum optag_in     in;
	enum optag_out    out;
	json_t         *(*value)(struct optag_query *q);       /* NULL: known, but nobody can tell yet: SCHA_ERR_TAG */
	const char       *key;
	bool              dynamic;      /* changes without a change of the object: asked for at every get */
};

/* Any case.  A resource also has the tags of its type: then the row's object is OPTAG_TYPE. */
const struct optag *optag_find(enum optag_object object, const char *tag);
size_t optag_count(void);
const struct optag *optag_at(size_t i);

/* The value as clusterd tells it: text, number, boolean, array, or for OPTAG_STATUS and OPTAG_EXTPROP an object.
 * NULL: q->error says why.  The caller decrefs. */
json_t *optag_value(const struct optag *optag, struct optag_query *q);

/* Documented keywords, by the number of the enum; NULL-terminated. */
extern const char *const scha_rsstatus_names[], *const scha_rsstate_names[], *const scha_rgstate_names[],
	*const scha_failover_mode_names[];
int keyword_find(const char *const names[], const char *text);  /* any case; -1 */
const char *optag_keyword(enum optag_out type, int n);          /* of an enum type; NULL: it has no such value */

/* Where results live until the handle is closed. */
struct result;
void *result_alloc(struct result **results, size_t size);
void results_free(struct result *results);
/* Writes value to out in its C form.  SCHA_ERR_INTERNAL: the value does not look as the table says. */
scha_err_t optag_convert(enum optag_out type, const json_t *value, struct result **results, void *out);
