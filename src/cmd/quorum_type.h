/* Names of quorum devices and of their types, as the commands take them and as the cluster knows them. */
#pragma once
#include <jansson.h>

#include "base/err.h"

/* The type of the cluster for one of the command line.  -EINVAL: there is none such; -ENOTSUP: not built yet. */
int quorum_type_read(const char *given, const char **ret, struct err *err);
/* The documented type: one for all disks. */
const char *quorum_type_documented(const char *type);
/* "d4" -> "d4", "/dev/disk/by-id/x" -> "x"; caller frees. */
char *quorum_device_name(const char *given);
/* Makes props what the cluster takes: the documented qshost is its host, and a disk gets its path when there is none, one as
 * it was given, of "d4" that of its DID device. */
void quorum_device_props(const char *given, const char *type, json_t *props);
