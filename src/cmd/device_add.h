/* Adding quorum devices (clquorum add) and disks with data (cldevice add): the same work with other words. */
#pragma once
#include "base/err.h"
#include "cmd/view.h"

struct device_kind {
	const char *what;                       /* "disk" */
	const char *op;                         /* of the request: "disk_add" */
	const char *default_type;
	/* The type of the cluster for that of -t, as quorum_type_read(). */
	int (*read_type)(const char *given, const char **ret, struct err *err);
	/* Completes the properties by the operand, which may be a path. */
	void (*complete)(const char *given, const char *type, json_t *props);
	/* Why no such device can have this name, NULL: it can. */
	const char *(*taken)(const struct view *view, const char *name);
};

/* Adds what the operands name, with -t, -p, -n and -F; the exit code is that of the first that failed. */
int device_add(const struct cmdline *line, const struct device_kind *kind);
