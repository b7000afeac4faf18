/* The server: Start, Stop, and what the process monitor asks when it has died. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 100

/* What Start and Stop are about. */
struct server {
	char user[TEXT_MAX], mount_point[TEXT_MAX], bin[TEXT_MAX], data[TEXT_MAX + 8];
};

static int server_read(const struct agent *a, struct server *s)
{
	if (property(a, "Db_user", s->user, sizeof s->user) != 0 || property(a, "Bin_dir", s->bin, sizeof s->bin) != 0 ||
	    property(a, "Mount_point", s->mount_point, sizeof s->mount_point) != 0)
		return fail("the cluster does not say what Db_user, Bin_dir and Mount_point are");
	snprintf(s->data, sizeof s->data, "%s/data", s->mount_point);
	return 0;
}

static int note_up(const struct agent *a)
{
	int fd = open(a->up, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail("cannot write %s: %s", a->up, strerror(errno));
	close(fd);
	return 0;
}

/* The server itself, not pg_ctl start: that would only stand between it and the process monitor, which watches it and all that
 * descends from it.  It must not be root: setpriv becomes the user, and then the server.  It listens on the logical host name only, so
 * that several can run on one node; and on a socket in its own directory, for the probe.  -n 0 -a: when it has died, our action
 * decides whether it is started again. */
static int launch(const struct agent *a, const struct server *s)
{
	char program[TEXT_MAX + 16], act[4 * TEXT_MAX], uid[TEXT_MAX + 16], gid[TEXT_MAX + 16], number[16], names[TEXT_MAX];
	char listen_on[TEXT_MAX + 32];
	const char *words[] = { "-n", "0", "-a", act, "/usr/bin/setpriv", uid, gid, "--init-groups", program, "-D", s->data, "-p", number,
				"-c", listen_on, "-k", s->data, NULL };

	if (hosts(a, names, sizeof names) != 0)
		return fail("there is no address resource in group %s: add a logical host name first", a->group);
	snprintf(act, sizeof act, "%s/postgresql_action -R %s -G %s -T %s", a->bin, a->resource, a->group, a->type);
	snprintf(program, sizeof program, "%s/postgres", s->bin);
	snprintf(uid, sizeof uid, "--reuid=%s", s->user);
	snprintf(gid, sizeof gid, "--regid=%s", s->user);
	snprintf(number, sizeof number, "%d", port(a));
	snprintf(listen_on, sizeof listen_on, "listen_addresses=%s", names);
	return pmf("-c", a->svc, words) == 0 ? 0 : fail("cannot start %s", program);
}

/* Returns 0 when the server answers, not before: what depends on it is started then.  Nothing counts seconds: recovery after a crash
 * takes what it takes, and the cluster ends this at Start_timeout, and runs Stop. */
int svc_start(const struct agent *a)
{
	char version[TEXT_MAX + 32];
	struct server s;

	if (validate(a) != 0 || server_read(a, &s) != 0)
		return 1;
	if (disk_is_mounted(a) != 1)
		return fail("%s: the disk is not mounted there", s.mount_point);
	snprintf(version, sizeof version, "%s/PG_VERSION", s.data);
	if (access(version, F_OK) != 0)
		return fail("there is no database in %s: make one with initdb while the disk is mounted by hand", s.data);
	if (!pmf_has(a->svc) && launch(a, &s) != 0)
		return 1;
	while (!probe(a, NULL, 0)) {
		if (!pmf_has(a->svc))
			return fail("the server does not stay up; what it says is where log_destination of postgresql.conf sends it");
		pause_ms(LOOK_AGAIN_MS);
	}
	if (note_up(a) != 0)
		return 1;
	set_status(a, SCHA_RSSTATUS_OK, "The server answers");
	return 0;
}

/* 0 when nothing of the server is left, also when it never ran.  First the watching ends; CONT, as who was stopped would not see what
 * comes.  Then pg_ctl asks for a fast shutdown, which ends clients' connections and writes a checkpoint; it waits for 80 % of the time.
 * A server that is killed recovers from its log at the next start, so that loses time, not data. */
int svc_stop(const struct agent *a)
{
	int limit_s = number(a, "Stop_timeout", 60), rc;
	char program[TEXT_MAX + 16], limit[16];
	struct server s;

	(void)unlink(a->up);
	if (!pmf_has(a->svc))
		return 0;
	(void)pmf("-s", a->svc, (const char *[]) { "CONT", NULL });
	if (server_read(a, &s) == 0) {
		snprintf(program, sizeof program, "%s/pg_ctl", s.bin);
		snprintf(limit, sizeof limit, "%d", limit_s * 8 / 10);
		rc = run(s.user, limit_s * 8 / 10, (const char *[]) { program, "stop", "-s", "-D", s.data, "-m", "fast", "-w", "-t", limit, NULL });
		if (rc == 0 && (pmf("-s", a->svc, (const char *[]) { "-w", "1", NULL }) == 0 || !pmf_has(a->svc)))
			return 0;
		note(LOG_WARNING, "the server did not end in time when asked (pg_ctl: %d): killing it", rc);
	}
	if (pmf_end(a->svc, "KILL", limit_s * 15 / 100) != 0)
		return fail("processes of the server are left that cannot be killed: pmfadm -l %s", a->svc);
	return 0;
}

/* The process monitor asks: 0 and the server is started again at once, much sooner than the next probe.  One that dies while Start is
 * waiting for it makes that Start fail: then the cluster does what Failover_mode says. */
int action(const struct agent *a)
{
	if (access(a->up, F_OK) != 0)
		return 1;
	note(LOG_ERR, "the server has died");
	set_status(a, SCHA_RSSTATUS_FAULTED, "The server has died");
	return recover(a, SCHA_RESOURCE_IS_RESTARTED);
}
