/* Quorum by SCSI-3 persistent reservations, whatever carries the commands.  No I/O but through the transport. */
#pragma once
#include "quorum/device.h"

#define PR_DATA_MAX 8192                /* room for 1023 keys */

/* One command and what came of it. */
struct pr_command {
	uint8_t  cdb[10];
	bool     out;                   /* data goes to the device */
	uint8_t *data;
	size_t   len;                   /* of data */
	/* Set by the transport when it returns 0: */
	uint8_t  status;                /* SCSI status */
	uint8_t  sense_key, asc, ascq;  /* with CHECK CONDITION */
	size_t   got;                   /* bytes that came in */
};

/* 0: the device has answered, with whatever status.  Negative: it has not, err says why; when this returns, the command can
 * have no effect any more, or only until the transport is connected anew. */
typedef int (*pr_transport_fn)(void *ctx, struct pr_command *command, struct err *err);

struct pr_device {
	const struct quorum_cluster *cluster;
	const char                  *name;      /* for errors */
	pr_transport_fn              command;
	void                        *ctx;
};

/* When the transport fails, so does this; doing all of it again is allowed, and ends in the same. */
void pr_run(const struct pr_device *device, const struct quorum_request *request, struct quorum_answer *ret);
