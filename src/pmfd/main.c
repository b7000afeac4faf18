/* pmfd: wires the method runner and the tags to the socket, and itself to failfastd. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"
#include "failfastd/failfast.h"
#include "pmfd/keep.h"
#include "pmfd/pmf.h"
#include "pmfd/pmf_varlink.h"
#include "pmfd/remote.h"
#include "pmfd/spawn.h"
#include "pmfd/tree.h"

/* A pmfd that stands still is as bad as a dead one: nothing stops any more, so nothing may start elsewhere.  The lease is long,
 * for this process has no priority and must not end a node that is merely busy. */
#define LEASE_MS 5000
#define RENEW_MS 1000

/* Who may do what: Run and KillRun are for admins.  All others are open, because a command runs with the rights of its caller, and a
 * tag is only changed by its owner or root: tag.c checks that. */
static const struct vl_method methods[] = {
	{ PMF_ERROR("Run"),    VL_ADMIN, pmf_call_run },
	{ PMF_ERROR("KillRun"), VL_ADMIN, pmf_call_kill_run },
	{ PMF_ERROR("Start"),  VL_READ,  pmf_call_start },
	{ PMF_ERROR("Modify"), VL_READ,  pmf_call_modify },
	{ PMF_ERROR("Stop"),   VL_READ,  pmf_call_stop },
	{ PMF_ERROR("Kill"),   VL_READ,  pmf_call_kill },
	{ PMF_ERROR("Status"), VL_READ,  pmf_call_status },
	{ PMF_ERROR("Query"),  VL_READ,  pmf_call_query },
	{ PMF_ERROR("Watch"),  VL_READ,  pmf_call_watch },
};

/* Of these also what comes by TCP. */
static const struct vl_method remote_methods[] = {
	{ PMF_ERROR("Status"), VL_READ,  pmf_call_status },
	{ PMF_ERROR("Query"),  VL_READ,  pmf_call_query },
};

struct signals { uv_signal_t term, intr, hup; struct pmf *pmf; bool renew; };

static void on_stop_signal(uv_signal_t *handle, int signum)
{
	uv_stop(handle->loop);
}

/* HUP: a new pmfd, by exec, that adopts the tags; not while it runs methods, whose callers would lose them. */
static void renew(void *ctx)
{
	struct signals *s = ctx;

	s->renew = true;
	uv_stop(s->pmf->loop);
}

static void on_hup(uv_signal_t *handle, int signum)
{
	struct signals *s = handle->data;

	if (s->pmf->run_count > 0)
		log_notice("pmfd starts anew when the %zu methods that it runs are done", s->pmf->run_count);
	pmf_when_no_runs(s->pmf, renew, s);
}

static int signals_init(uv_loop_t *loop, struct signals *s, struct pmf *pmf)
{
	sigset_t usr1;
	int r;

	*s = (struct signals) { .pmf = pmf };
	s->hup.data = s;
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);      /* run.c: a reaper must not die of it before it is ready */
	(void)sigprocmask(SIG_BLOCK, &usr1, NULL);
	r = uv_signal_init(loop, &s->term);
	if (r == 0)
		r = uv_signal_start(&s->term, on_stop_signal, SIGTERM);
	if (r == 0)
		r = uv_signal_init(loop, &s->hup);
	if (r == 0)
		r = uv_signal_start(&s->hup, on_hup, SIGHUP);
	if (r == 0)
		r = uv_signal_init(loop, &s->intr);
	if (r == 0)
		r = uv_signal_start(&s->intr, on_stop_signal, SIGINT);
	return r;
}

/* -1: nobody guards us. */
static int guard(struct err *err)
{
	if (getenv("PARHELION_NO_FAILFAST"))
		return -1;
	return failfast_register("pmfd", 0, err);
}

static void renew_lease(uv_timer_t *timer)
{
	int *failfast_fd = timer->data, r;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	r = failfast_lease(*failfast_fd, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + LEASE_MS * 1000000ull);
	if (r < 0)
		log_err("cannot renew the lease at failfastd: %s", strerror(-r));
}

static bool output_is_journal(void)
{
	const char *where = getenv("PMF_OUTPUT");

	return where && streq(where, "journal");
}

static int open_output(void)
{
	const char *path = output_is_journal() ? NULL : getenv("PMF_OUTPUT");
	int fd = path && *path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640) : -1;

	if (path && *path && fd < 0)
		log_warn("cannot open %s for the output of monitored processes: %s", path, strerror(errno));
	return fd;
}

#define KEPT_PLACE "place"              /* beside those of the tags */

static void place_setup(void)
{
	json_t *before = keep_read(KEPT_PLACE);

	if (tree_setup(ju_str(before, "cgroup", NULL)))
		keep_write(KEPT_PLACE, ju_pack("{s:s}", "cgroup", tree_place()));
	else
		log_info("no cgroup2 that can be used; process trees are followed through /proc");
	json_decref(before);
}

/* NULL: not wanted, or not possible, which is no reason not to watch over this node. */
static struct vl_server *serve_remote(struct pmf *pmf)
{
	const char *address = getenv("PMF_LISTEN");
	struct vl_server *server = NULL;
	struct err err = { 0 };
	int fd, r;

	if (!address || !*address)
		return NULL;
	fd = remote_listen(address, &err);
	if (fd < 0) {
		log_err("%s", err.text);
		return NULL;
	}
	r = vl_server_new(pmf->loop,
			  &(struct vl_server_config) {
				  .listen_fd = fd, .product = "Parhelion pmfd", .interface = "org.parhelion.Pmf", .description = pmf_varlink,
				  .methods = remote_methods, .method_count = ARRAY_SIZE(remote_methods), .ctx = pmf,
			  },
			  &server, &err);
	assert(r == 0);                         /* it listens already */
	return server;
}

#define LISTEN_FD_VARIABLE "PMF_LISTEN_FD"

/* 0: we were not started by a pmfd. */
static int inherited_listen_fd(void)
{
	const char *text = getenv(LISTEN_FD_VARIABLE);
	long fd = text ? strtol(text, NULL, 10) : 0;

	(void)unsetenv(LISTEN_FD_VARIABLE);
	return fd > 2 && fd < INT32_MAX ? (int)fd : 0;
}

#define IDLE_MAX_MS 1000                /* so long a client that was accepted has for its call */

/* Who connects from here on waits for the new pmfd.  Who was accepted already may just be asking for a run.  The timer of HUP sees to
 * it that the loop turns. */
static int leave(struct pmf *pmf, struct vl_server *server)
{
	uint64_t end = pmf_now_ms() + IDLE_MAX_MS;
	int fd = vl_server_leave(server);

	while (pmf->run_count > 0 || (vl_server_idle(server) > 0 && pmf_now_ms() < end))
		(void)uv_run(pmf->loop, UV_RUN_ONCE);
	return fd;
}

/* Of the program that is installed now.  Its name comes from whoever started us, so it has no slash only in a test. */
static void start_anew(char **argv, int listen_fd)
{
	_cleanup_free_ char *number = xasprintf("%d", listen_fd);
	sigset_t none;

	log_flush(1000);
	spawn_seal_fds(false);
	(void)fcntl(listen_fd, F_SETFD, 0);
	(void)setenv(LISTEN_FD_VARIABLE, number, 1);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	log_err("cannot execute %s: %s", argv[0], strerror(errno));
}

int main(int argc, char **argv)
{
	struct pmf pmf = { .loop = uv_default_loop(), .out_fd = -1, .set_ids = geteuid() == 0 };
	struct signals signals;
	struct vl_server *server, *remote;
	struct err err = { 0 };
	uv_timer_t lease = { .data = NULL };
	int failfast_fd, listen_fd = -1, r;

	log_open("Cluster.PMF.pmfd");
	if (argc > 1 && !(argc == 2 && streq(argv[1], "-f"))) {
		log_err("usage: pmfd [-f]");
		return 2;
	}
	r = signals_init(pmf.loop, &signals, &pmf);
	assert(r == 0);
	spawn_protect_from_oom();
	r = keep_setup(&err);
	if (r < 0) {
		log_err("%s", err.text);
		return 1;
	}
	place_setup();
	pmf.out_fd = open_output();
	pmf.journal = output_is_journal();
	if (pmf_adopt(&pmf) > 0)
		log_notice("%zu tags of the pmfd before this one are taken over", pmf.tag_count);
	r = vl_server_new(pmf.loop,
			  &(struct vl_server_config) {
				  .path = path_state(PATH_PMFD_SOCK), .mode = 0666, .listen_fd = inherited_listen_fd(),
				  .product = "Parhelion pmfd",
				  .interface = "org.parhelion.Pmf", .description = pmf_varlink,
				  .methods = methods, .method_count = ARRAY_SIZE(methods), .ctx = &pmf,
			  },
			  &server, &err);
	if (r < 0) {
		log_err("%s", err.text);
		return 1;
	}
	remote = serve_remote(&pmf);
	failfast_fd = guard(&err);
	if (failfast_fd < -1 || (failfast_fd == -1 && !getenv("PARHELION_NO_FAILFAST"))) {
		log_err("%s", err.text);
		vl_server_free(server);
		return 1;
	}
	if (failfast_fd >= 0) {
		uv_timer_init(pmf.loop, &lease);
		lease.data = &failfast_fd;
		uv_timer_start(&lease, renew_lease, 0, RENEW_MS);
	}
	if (log_start_thread() < 0)
		log_warn("cannot start the log thread");
	log_info("ready");
	daemon_ready();
	uv_run(pmf.loop, UV_RUN_DEFAULT);
	if (signals.renew)
		listen_fd = leave(&pmf, server);
	log_notice(signals.renew ? "pmfd starts anew; it has %zu tags" : "pmfd is being stopped; %zu tags wait for the next one",
		   pmf.tag_count);
	vl_server_free(server);
	vl_server_free(remote);
	if (failfast_fd >= 0) {
		r = failfast_goodbye(failfast_fd);
		if (r < 0)
			log_err("failfastd does not let us go: %s", strerror(-r));
	}
	tree_cleanup();
	if (listen_fd >= 0)
		start_anew(argv, listen_fd);
	return 0;
}
