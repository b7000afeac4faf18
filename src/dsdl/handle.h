/* A handle of the DSDL: what was read at scds_initialize(), and the memory of a fault monitor. */
#pragma once
#include <rgm/libdsdev.h>

#include "dsdl/props.h"
#include "lib/ask.h"
#include "dsdl/fault_monitor.h"
#include "lib/method.h"
#include "lib/optag.h"

struct tree;
struct scds {
	struct scds   *next;            /* open handles of the process */
	struct method  m;
	json_t        *resource;        /* as in the answer of GetResource, with Validate's values over the cluster's */
	json_t        *group, *type;    /* answers of GetGroup, with Validate's values, and GetType */
	struct result *results;         /* memory of values */
	union prop_value values[PROP_COUNT];

	struct fm      fm;              /* results of probes */
	struct fm      deaths;          /* of trees during Start: each weighs 1, so the sum is their number */
	struct status_sender status;
	struct tree   *trees;           /* trees.h */
	size_t         tree_count;
};

/* NULL: no open handle. */
struct scds *scds_of(scds_handle_t handle);
scha_err_t   scds_code(int r);          /* of a negative errno; 0: NOERR */
/* The resource again, for what changes by itself. */
scha_err_t   scds_reload(struct scds *s, struct err *err);
