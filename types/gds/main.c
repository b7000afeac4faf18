/* The methods, by the name of the program. */
#include <string.h>

#include "gds/gds.h"

static const struct { const char *name; int (*method)(scds_handle_t h); } methods[] = {
	{ "gds_svc_start",     gds_svc_start },
	{ "gds_svc_stop",      gds_svc_stop },
	{ "gds_validate",      gds_validate },
	{ "gds_update",        gds_update },
	{ "gds_monitor_start", gds_monitor_start },
	{ "gds_monitor_stop",  gds_monitor_stop },
	{ "gds_monitor_check", gds_validate },
	{ "gds_probe",         gds_probe },
};

int main(int argc, char *argv[])
{
	size_t i, n = sizeof methods / sizeof methods[0];
	scds_handle_t h;
	int rc = 1;

	if (scds_initialize(&h, argc, argv) != SCHA_ERR_NOERR)
		return 1;                       /* it has said why */
	for (i = 0; i < n && strcmp(methods[i].name, scds_get_current_method_name(h)) != 0; i++)
		;
	if (i < n)
		rc = methods[i].method(h);
	else
		scds_syslog(LOG_ERR, "there is no method %s", scds_get_current_method_name(h));
	scds_close(&h);
	return rc;
}
