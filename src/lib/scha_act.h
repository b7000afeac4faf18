/* scha_control() and scha_resource_setstatus() with the reason in words, which the API has no room for. */
#pragma once
#include <scha_types.h>

#include "base/err.h"

/* err is set when the cluster said why; it may be NULL.  zone: NULL, "" or "global", else SCHA_ERR_NODE. */
scha_err_t act_control(const char *tag, const char *rgname, const char *rname, const char *zone, struct err *err);
scha_err_t act_setstatus(const char *rname, const char *rgname, const char *zone, scha_rsstatus_t status,
			 const char *status_msg, struct err *err);
