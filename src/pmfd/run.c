/* Run: one program, once, to its end, with its output and a time limit.
 *
 * Life of a run: pmf_call_run spawns it into a tree of its own -> out_readable collects output, limit_reached may look at what
 * its processes do (stuck.c) and signal -> child_ended replies.  What the program left behind lives on, and when it still holds our pipe we go on reading and
 * throwing away (linger), because closing would make a daemon die of SIGPIPE at its first line of output.
 *
 * Without cgroups a small reaper stands between us and the program: it adopts the orphans, so that the tree can be found
 * below it, and passes the status on.
 *
 * Invariant: run->call is NULL exactly from the reply (or the client's going) on. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "pmfd/pmf.h"
#include "pmfd/spawn.h"
#include "pmfd/stuck.h"
#include "pmfd/tree.h"

#define OUTPUT_MAX (64u << 10)
#define DRAIN_MAX  (1u << 20)           /* read at the end; a daemon that floods the pipe must not hold the reply */
#define KILL_AFTER_MS 5000

struct run {
	struct pmf    *pmf;
	struct run    *next;            /* in pmf->runs */
	struct vl_call *call;
	char          *name, *id;       /* id: for KillRun; NULL: none */
	struct tree    tree;
	pid_t          pid;             /* the program, or its reaper */
	int            pid_fd, out_fd, report_fd, status_fd;    /* status_fd: from the reaper, else -1 */
	uv_poll_t      child, out;
	uv_timer_t     limit;
	int            handles;
	struct buf     output;
	uint64_t       truncated;
	uint64_t       begun_ns;
	int64_t        started_ms;
	bool           timed_out, aborted, killed, ended, lingers;
	struct stuck  *stuck;           /* its processes are being looked at */
	json_t        *seen;            /* what they were doing when it exceeded its limit; NULL */
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static void fd_done(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void run_release(uv_handle_t *handle)
{
	struct run *run = handle->data;

	if (--run->handles > 0)
		return;
	fd_done(&run->out_fd);
	fd_done(&run->pid_fd);
	fd_done(&run->report_fd);
	fd_done(&run->status_fd);
	tree_free(&run->tree);
	buf_done(&run->output);
	json_decref(run->seen);
	free(run->name);
	free(run->id);
	if (run->lingers)
		run->pmf->linger_count--;
	free(run);
}

static void run_close_output(struct run *run)
{
	if (!uv_is_closing((uv_handle_t *)&run->out))
		uv_close((uv_handle_t *)&run->out, run_release);
}

/* One read.  False: the end, or nothing more now. */
static bool run_read(struct run *run, bool *ret_eof)
{
	char chunk[16384];
	ssize_t n = read(run->out_fd, chunk, sizeof chunk);
	size_t keep;

	*ret_eof = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	if (n <= 0)
		return false;
	if (run->ended)
		return true;
	keep = MIN((size_t)n, OUTPUT_MAX - run->output.len);
	buf_add(&run->output, chunk, keep);
	run->truncated += (size_t)n - keep;
	return true;
}

static void out_readable(uv_poll_t *handle, int status, int events)
{
	struct run *run = handle->data;
	bool eof;

	if (run_read(run, &eof) || !eof)
		return;
	(void)uv_poll_stop(&run->out);          /* the pipe stays "readable" at its end */
	if (run->ended)
		run_close_output(run);
}

static void run_reply(struct run *run, int status)
{
	double ms = (double)(clock_ns(CLOCK_MONOTONIC) - run->begun_ns) / 1e6;
	struct vl_call *call = TAKE_PTR(run->call);
	struct spawn_failure failure;

	if (!call)
		return;
	if (read(run->report_fd, &failure, sizeof failure) == sizeof failure) {
		vl_error_text(call, PMF_ERROR("Failed"), "%s: %s: %s", run->name, spawn_step_text(failure.step),
			      strerror(failure.error));
		return;
	}
	vl_reply(call, ju_pack("{s:i, s:i, s:b, s:b, s:o, s:I, s:i, s:f, s:I, s:O*}",
			       "exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
			       "signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0,
			       "timed_out", run->timed_out, "killed", run->killed, "output", ju_text(run->output.s, run->output.len),
			       "truncated", (json_int_t)run->truncated, "pid", (int)run->pid, "ms", ms,
			       "started", (json_int_t)run->started_ms, "stuck", run->seen));
}

static void run_kill(struct run *run)
{
	run->killed = true;
	if (run->status_fd >= 0)
		(void)kill(run->pid, SIGUSR1);  /* the reaper kills what is left when the program is gone */
	(void)tree_signal(&run->tree, run->pid, SIGKILL);
}

static void tell_if_none(struct pmf *pmf)
{
	void (*fn)(void *ctx) = pmf->run_count ? NULL : TAKE_PTR(pmf->no_runs);

	if (fn)
		fn(pmf->no_runs_ctx);
}

void pmf_when_no_runs(struct pmf *pmf, void (*fn)(void *ctx), void *ctx)
{
	pmf->no_runs = fn;
	pmf->no_runs_ctx = ctx;
	tell_if_none(pmf);
}

static void forget(struct run *run)
{
	struct run **link = &run->pmf->runs;

	while (*link != run)
		link = &(*link)->next;
	*link = run->next;
	run->pmf->run_count--;
}

static void child_ended(uv_poll_t *handle, int poll_status, int events)
{
	struct run *run = handle->data;
	size_t drained = 0;
	bool eof = false;
	int status = 0;

	if (waitpid(run->pid, &status, WNOHANG) != run->pid)
		return;
	if (run->status_fd >= 0 && read(run->status_fd, &status, sizeof status) != sizeof status)
		status = SIGKILL;               /* somebody killed the reaper */
	if ((run->timed_out || run->killed) && run->tree.fd >= 0)
		run_kill(run);                  /* of a run that failed nothing stays */
	while (drained < DRAIN_MAX && run_read(run, &eof))
		drained += 16384;
	run->ended = true;
	run->stuck = stuck_forget(run->stuck);
	forget(run);
	run_reply(run, status);
	tell_if_none(run->pmf);
	buf_done(&run->output);
	uv_close((uv_handle_t *)&run->child, run_release);
	uv_close((uv_handle_t *)&run->limit, run_release);
	tree_free(&run->tree);
	if (eof || run->pmf->linger_count >= PMF_LINGER_MAX) {
		run_close_output(run);
		return;
	}
	run->lingers = true;
	run->pmf->linger_count++;
}

static void run_abort(struct run *run)
{
	run->aborted = true;
	if (run->status_fd >= 0)
		(void)kill(run->pid, SIGUSR1);
	(void)tree_signal(&run->tree, run->pid, SIGABRT);
}

static void limit_reached(uv_timer_t *timer);

static void was_seen(void *ctx, json_t *seen)
{
	struct run *run = ctx;

	run->stuck = NULL;
	run->seen = seen;
	log_notice("%s[%d] exceeds its time limit and is aborted: %s", run->name, (int)run->pid, ju_str(seen, "line", ""));
	run_abort(run);
	(void)uv_timer_start(&run->limit, limit_reached, KILL_AFTER_MS, 0);
}

/* First its processes are looked at, which takes STUCK_WAIT_MS at most, then ABRT, at last KILL. */
static void limit_reached(uv_timer_t *timer)
{
	struct run *run = timer->data;

	if (run->aborted) {
		run_kill(run);
		return;
	}
	run->timed_out = true;
	run->stuck = stuck_look(run->pmf->loop, &run->tree, run->pid, was_seen, run);
}

static void client_gone(struct vl_call *call, void *ctx)
{
	struct run *run = ctx;

	run->call = NULL;
	log_notice("%s[%d] is killed: its caller went away", run->name, (int)run->pid);
	run_kill(run);
}

static volatile sig_atomic_t reaper_kills;

static void reaper_told(int sig)
{
	reaper_kills = 1;
}

/* The reaper: adopts orphans of the program and ends when the program does.  SIGUSR1, which pmfd keeps blocked until
 * here: kill what is left then. */
static _Noreturn void reaper_main(const struct spawn *spawn, int status_fd)
{
	struct sigaction told = { .sa_handler = reaper_told }, dflt = { .sa_handler = SIG_DFL };
	int status = 127 << 8;
	pid_t pid, got;
	sigset_t none;

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_NAME, "pmf-run");
	(void)sigaction(SIGUSR1, &told, NULL);
	for (size_t i = 0; i < 3; i++)
		(void)sigaction((const int[]) { SIGTERM, SIGINT, SIGHUP }[i], &dflt, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	pid = spawn_child(spawn, NULL);
	(void)dup2(status_fd, 3);               /* the other pipes must see their end: nothing else is kept */
	(void)syscall(SYS_close_range, 4u, ~0u, 0);
	(void)syscall(SYS_close_range, 0u, 2u, 0);
	while (pid > 0 && (got = waitpid(-1, &status, 0)) != pid)
		if (got < 0 && errno != EINTR)
			break;
	if (reaper_kills)
		(void)tree_signal(&(struct tree) { .fd = -1 }, getpid(), SIGKILL);
	(void)!write(3, &status, sizeof status);
	_exit(0);
}

static int run_spawn(struct run *run, const struct spawn *spawn)
{
	int fds[2];
	pid_t pid;

	run->status_fd = -1;
	if (run->tree.fd >= 0) {
		pid = spawn_child(spawn, &run->pid_fd);
	} else {
		if (pipe2(fds, O_CLOEXEC) < 0)
			return -errno;
		pid = spawn_fork(-1, &run->pid_fd);
		if (pid == 0)
			reaper_main(spawn, fds[1]);
		close(fds[1]);
		run->status_fd = fds[0];
	}
	run->pid = pid;
	return pid < 0 ? pid : 0;
}

static void run_watch(struct run *run, int64_t timeout_ms)
{
	uv_loop_t *loop = run->pmf->loop;
	int r;

	run->handles = 3;
	run->child.data = run->out.data = run->limit.data = run;
	r = uv_poll_init(loop, &run->child, run->pid_fd);
	assert(r == 0);
	r = uv_poll_init(loop, &run->out, run->out_fd);
	assert(r == 0);
	r = uv_timer_init(loop, &run->limit);
	assert(r == 0);
	(void)uv_poll_start(&run->child, UV_READABLE, child_ended);     /* these cannot fail on fresh handles */
	(void)uv_poll_start(&run->out, UV_READABLE, out_readable);
	if (timeout_ms > 0)
		(void)uv_timer_start(&run->limit, limit_reached, (uint64_t)timeout_ms, 0);
}

static int run_start(struct run *run, struct spawn *spawn, int64_t timeout_ms)
{
	int out[2] = { -1, -1 }, report[2] = { -1, -1 }, r;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		close(out[0]);
		close(out[1]);
		return r;
	}
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);       /* our end only: programs expect theirs to block */
	spawn->out_fd = out[1];
	spawn->report_fd = report[1];
	run->out_fd = out[0];
	run->report_fd = report[0];
	run->pid_fd = -1;
	tree_new(&run->tree);
	spawn->cgroup_fd = run->tree.fd;
	run->started_ms = (int64_t)(clock_ns(CLOCK_REALTIME) / 1000000);
	run->begun_ns = clock_ns(CLOCK_MONOTONIC);
	r = run_spawn(run, spawn);
	close(out[1]);
	close(report[1]);
	if (r == 0) {
		run_watch(run, timeout_ms);
		return 0;
	}
	fd_done(&run->out_fd);
	fd_done(&run->report_fd);
	fd_done(&run->status_fd);
	tree_free(&run->tree);
	return r;
}

void pmf_call_run(struct vl_call *call, json_t *params, void *ctx)
{
	struct pmf *pmf = ctx;
	_cleanup_(strlist_done) struct strlist argv = { 0 }, env = { 0 };
	int64_t uid = ju_int(params, "uid", -1), gid = ju_int(params, "gid", -1);
	const char *cwd = ju_str(params, "cwd", NULL);
	struct spawn spawn = { .umask = 022 };
	struct run *run;
	int r;

	if (!pmf_strings(params, "argv", &argv) || !pmf_strings(params, "env", &env) || argv.n == 0) {
		vl_error_text(call, PMF_ERROR("BadArgument"), "argv and env must be lists of strings, argv not empty");
		return;
	}
	if (pmf->run_count >= PMF_RUNS_MAX) {
		vl_error_text(call, PMF_ERROR("Failed"), "%d programs are running already", PMF_RUNS_MAX);
		return;
	}
	char *const empty[] = { NULL };

	spawn.argv = argv.v;
	spawn.envp = env.n ? env.v : empty;
	spawn.cwd = cwd;
	spawn.set_ids = uid >= 0 || gid >= 0;
	spawn.uid = uid >= 0 ? (uid_t)uid : geteuid();
	spawn.gid = gid >= 0 ? (gid_t)gid : getegid();
	run = xcalloc(1, sizeof *run);
	run->pmf = pmf;
	run->name = xstrdup(ju_str(params, "name", argv.v[0]));
	run->id = ju_str(params, "id", NULL) ? xstrdup(ju_str(params, "id", "")) : NULL;
	r = run_start(run, &spawn, ju_int(params, "timeout_ms", 0));
	if (r < 0) {
		vl_error_text(call, PMF_ERROR("Failed"), "cannot start %s: %s", run->name, strerror(-r));
		free(run->name);
		free(run->id);
		free(run);
		return;
	}
	run->next = pmf->runs;
	pmf->runs = run;
	pmf->run_count++;
	run->call = call;
	vl_call_on_close(call, client_gone, run);
}

void pmf_call_kill_run(struct vl_call *call, json_t *params, void *ctx)
{
	const char *id = ju_str(params, "id", NULL);
	struct pmf *pmf = ctx;
	int n = 0;

	if (!id) {
		vl_error_text(call, PMF_ERROR("BadArgument"), "id must be a string");
		return;
	}
	for (struct run *run = pmf->runs; run; run = run->next) {
		if (!run->id || !streq(run->id, id))
			continue;
		log_notice("%s[%d] is killed on request", run->name, (int)run->pid);
		run_kill(run);
		n++;
	}
	vl_reply(call, ju_pack("{si}", "killed", n));
}
