/* The way in for pmfadm -h: a TCP socket on one address of the administrator's choice.  Who comes by it may look, and no more. */
#pragma once
#include "base/err.h"

/* A listening descriptor; -EINVAL: no such address, else negative errno. */
int remote_listen(const char *address, struct err *err);
