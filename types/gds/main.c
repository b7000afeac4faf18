/* The methods, by the name of the program. */
#include <errno.h>

#include "base/log.h"
#include "gds/gds.h"

static const struct { const char *name; int (*fn)(struct method *m, struct err *err); } methods[] = {
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
	_cleanup_(method_done) struct method m;
	struct err err = { 0 };
	int r = method_init(&m, argc, argv, &err);

	if (r == 0)
		r = err_set(&err, -ENOSYS, "there is no method %s", m.name);
	for (size_t i = 0; r == -ENOSYS && i < ARRAY_SIZE(methods); i++)
		if (streq(m.name, methods[i].name)) {
			r = methods[i].fn(&m, &err);
			break;
		}
	if (r < 0)
		log_err("%s", err.text);
	return r < 0 ? 1 : 0;
}
