/* One quorum device, whatever its kind: what can be asked of it, and the table of kinds. */
#pragma once
#include <jansson.h>

#include "base/err.h"
#include "cmm/cmm.h"

#define QUORUM_NAME_MAX 255             /* bytes in the name of a cluster or a device */

enum quorum_op { QOP_REGISTER, QOP_TAKE, QOP_CHECK, QOP_UNREGISTER, QOP_PREPARE, QOP_SCRUB, QOP_COUNT };
enum quorum_result { QUORUM_OK, QUORUM_PREEMPTED, QUORUM_ERROR, QUORUM_RESULT_COUNT };
extern const char *const quorum_op_names[QOP_COUNT];
extern const char *const quorum_result_names[QUORUM_RESULT_COUNT];

/* The cluster as its configuration has it.  Keys: the upper half is the id of the cluster, the lower that of the node. */
struct quorum_cluster {
	char     name[QUORUM_NAME_MAX + 1];
	uint32_t id;
	uint32_t self;
	nodeset  nodes;                         /* those with a key */
	uint64_t keys[CMM_NODE_ID_MAX + 1];     /* by node id; 0: no such node */
};

struct quorum_request {
	enum quorum_op op;
	nodeset        keep;                    /* take: whose keys stay; holds self */
	bool           force;                   /* prepare: over the data of others */
};

struct quorum_answer {
	enum quorum_result result;
	bool               has_keys;
	nodeset            keys;                /* who is registered */
	struct err         err;                 /* text: a sentence for the operator; may be empty when result is ok */
};

/* What a device is made from.  retired() turns true when the device has been removed or changed meanwhile: an operation
 * that waits for something remote then stops waiting. */
struct quorum_setup {
	const struct quorum_cluster *cluster;
	const json_t                *properties;        /* an object */
	bool                       (*retired)(void *ctx);
	void                        *ctx;
};

/* A kind of device.  run() blocks, for ever if the device does; it is called by one thread at a time for each device.  It
 * returns when the operation is over: nothing that it began can take effect any more, unless err says that this is open. */
struct quorum_device_ops {
	const char *type;
	int  (*open)(const struct quorum_setup *setup, void **ret_device, struct err *err);    /* looks at properties only */
	void (*close)(void *device);
	void (*run)(void *device, const struct quorum_request *request, struct quorum_answer *ret);
};

/* -ENOSYS: err says that this type is not built yet. */
int quorum_device_find(const char *type, const struct quorum_device_ops **ret, struct err *err);

extern const struct quorum_device_ops shared_disk_ops, quorum_server_ops, scsi3_ops, iscsi_ops;

/* A property that is a string or a whole number; *ret untouched when it is not given. */
int quorum_property_text(const json_t *properties, const char *name, bool required, const char **ret, struct err *err);
int quorum_property_number(const json_t *properties, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
			   struct err *err);
/* -EINVAL: a property that is not in the list, which ends with NULL. */
int quorum_properties_known(const json_t *properties, const char *const *names, struct err *err);
/* "0x3908EE1C" and the like: hexadecimal, at most 16 digits, not 0. */
int quorum_hex(const char *text, uint64_t *ret);
/* "1" to "64"; 0: it is none. */
uint32_t quorum_node_id(const char *text);
/* The array "keep" of a take: node ids, not empty. */
int quorum_parse_keep(const json_t *keep, nodeset *ret, struct err *err);
/* Milliseconds between two readings of CLOCK_MONOTONIC. */
double quorum_now_ms(void);
/* Waits that long; what another node does needs its time, and there is no event for it. */
void quorum_pause(unsigned ms);
