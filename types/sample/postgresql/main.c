/* SAMPLE.postgresql: one program is all methods, the fault monitor and two helpers, by the name that it is called by; the Makefile makes
 * the links.  Here: the arguments, and the table of the methods. */
#include "agent.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static const struct {
	const char *name;
	int       (*run)(const struct agent *a);
} methods[] = {
	{ "postgresql_prenet_start",  prenet_start },
	{ "postgresql_svc_start",     svc_start },
	{ "postgresql_svc_stop",      svc_stop },
	{ "postgresql_postnet_stop",  postnet_stop },
	{ "postgresql_validate",      validate },
	{ "postgresql_monitor_check", validate },
	{ "postgresql_monitor_start", monitor_start },
	{ "postgresql_monitor_stop",  monitor_stop },
	{ "postgresql_update",        update },
	/* No methods, but started by them under the process monitor. */
	{ "postgresql_probe",         monitor },
	{ "postgresql_keeper",        keeper },
	{ "postgresql_action",        action },
};

/* Every method gets -R -G -T; Validate gets -c or -u, too, and the values that it is to judge: -r of the properties that all types
 * have, -x of the type's own, -g of the group's.  The "+" leaves alone what the process monitor appends for the action. */
static int arguments(struct agent *a, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+R:G:T:cur:x:X:g:")) != -1)
		switch (option) {
		case 'R': a->resource = optarg; break;
		case 'G': a->group = optarg; break;
		case 'T': a->type = optarg; break;
		case 'c': case 'u': case 'g': case 'X': break;
		case 'r': case 'x':
			if (a->given_cnt == GIVEN_MAX) {
				fprintf(stderr, "more than %d properties\n", GIVEN_MAX);
				return 1;
			}
			a->given[a->given_cnt++] = optarg;
			break;
		default: return 1;
		}
	if (!a->resource || !a->group || !a->type) {
		fprintf(stderr, "usage: %s -R resource -G group -T type\n", a->method);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct agent a = { .method = basename(strdup(argv[0])) };
	char ident[TEXT_MAX];
	int facility = LOG_DAEMON;

	if (arguments(&a, argc, argv) != 0)
		return 1;
	snprintf(a.bin, sizeof a.bin, "%s", dirname(strdup(argv[0])));
	snprintf(a.svc, sizeof a.svc, "%s,%s,0.svc", a.group, a.resource);
	snprintf(a.mon, sizeof a.mon, "%s,%s,0.mon", a.group, a.resource);
	snprintf(a.disk, sizeof a.disk, "%s,%s,0.disk", a.group, a.resource);
	snprintf(a.up, sizeof a.up, "%s/%s.up", RUN_DIR, a.resource);
	/* The form that all messages of the cluster have. */
	snprintf(ident, sizeof ident, "SC[%s,%s,%s,%s]", a.type, a.group, a.resource, a.method);
	(void)scha_cluster_getlogfacility(&facility);           /* without an answer: daemon */
	openlog(ident, LOG_CONS, facility);
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(methods[i].name, a.method) == 0)
			return methods[i].run(&a);
	return fail("there is no method %s", a.method);
}
