/* The methods, by the name of the program. */
#include "gds/gds.h"

static const struct method_row methods[] = {
	{ "gds_svc_start",     gds_svc_start },
	{ "gds_svc_stop",      gds_svc_stop },
	{ "gds_validate",      gds_validate },
	{ "gds_update",        gds_update },
	{ "gds_monitor_start", gds_monitor_start },
	{ "gds_monitor_stop",  gds_monitor_stop },
	{ "gds_monitor_check", gds_monitor_check },
	{ "gds_probe",         gds_probe },
};

int main(int argc, char **argv)
{
	return method_main(argc, argv, methods, ARRAY_SIZE(methods));
}
