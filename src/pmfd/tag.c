/* Tags: commands that are kept alive.  Each has a supervisor process (super.c) that knows its tree; this file holds the
 * state, asks retry.c what to do after a death, and answers those who call, wait or watch.
 *
 *                 STARTED         FAILED            DIED              ACTION_DONE 0   other        timer
 *   starting      -> running      gone (*)          -                 -               -            -
 *   running       -               -                 after_death       -               -            -
 *   waiting       -               -                 -                 -               -            -> starting
 *   action        -               -                 -                 -> starting     gone         -
 *
 * after_death: stopping -> gone; retries left -> starting or waiting; an action -> action; else gone.
 * (*) The first start: the caller is told and the tag never was.  A later one counts as a death.
 * "stopping" is a mark beside the state: -s was given, so every way to starting leads to gone.
 *
 * Invariants
 *  1. A tag is in pmf->tags from Start to gone; afterwards nothing refers to it but its own closing handles.
 *  2. The supervisor has at most one of command and action to report about, so events need no numbering. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "pmfd/keep.h"
#include "pmfd/pmf.h"
#include "pmfd/retry.h"
#include "pmfd/super.h"

enum tag_state { TAG_STARTING, TAG_RUNNING, TAG_WAITING, TAG_ACTION, TAG_STATE_COUNT };
static const char *const tag_state_names[TAG_STATE_COUNT] = {
	[TAG_STARTING] = "starting", [TAG_RUNNING] = "running", [TAG_WAITING] = "waiting", [TAG_ACTION] = "action",
};

/* A Stop or Kill that waits, or a Watch. */
enum waiter_type { WAIT_GONE, WAIT_DIED, WAIT_WATCH };
struct waiter {
	struct waiter   *next;
	struct tag      *tag;           /* NULL once it was answered */
	struct vl_call  *call;
	enum waiter_type type;
	uv_timer_t       limit;
};

struct tag {
	struct tag    *next;
	struct pmf    *pmf;
	char          *name, *action, *cwd;
	struct strlist argv, env, shown_env;    /* shown: as given with -e or -E */
	int            level;
	uid_t          owner;
	gid_t          gid;
	mode_t         umask;
	struct rlimit  limits[RLIM_NLIMITS];
	struct retry   retry;
	enum tag_state state;
	bool           stopping, gone, was_running;
	struct tree    tree;
	pid_t          super_pid, pid;          /* pid: of the command */
	int            ctl_fd, super_fd;
	uv_poll_t      ctl, super;
	uv_timer_t     delay;
	int            handles;
	uint64_t       started_ms;
	struct vl_call *start_call;
	struct waiter *waiters;
	char           id[KEEP_ID_LEN + 1];     /* of what the next pmfd finds */
};

uint64_t pmf_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool pmf_strings(json_t *params, const char *key, struct strlist *list)
{
	json_t *array = json_object_get(params, key), *item;
	size_t i;

	if (!array || json_is_null(array))
		return true;
	if (!json_is_array(array))
		return false;
	json_array_foreach(array, i, item) {
		if (!json_is_string(item))
			return false;
		strlist_add(list, json_string_value(item));
	}
	return true;
}

/* ---- waiters ---- */

static void waiter_release(uv_handle_t *handle)
{
	free(handle->data);
}

static void waiter_unlink(struct waiter *w)
{
	for (struct waiter **p = &w->tag->waiters; *p; p = &(*p)->next)
		if (*p == w) {
			*p = w->next;
			break;
		}
	w->tag = NULL;
	uv_close((uv_handle_t *)&w->limit, waiter_release);
}

static void waiter_caller_gone(struct vl_call *call, void *ctx)
{
	waiter_unlink(ctx);
}

static void waiter_expired(uv_timer_t *timer)
{
	struct waiter *w = timer->data;

	vl_reply(w->call, ju_pack("{s:b}", "expired", 1));
	waiter_unlink(w);
}

static void waiter_add(struct tag *tag, struct vl_call *call, enum waiter_type type, int64_t wait_ms)
{
	struct waiter *w = xcalloc(1, sizeof *w);
	int r;

	w->tag = tag;
	w->call = call;
	w->type = type;
	w->next = tag->waiters;
	tag->waiters = w;
	w->limit.data = w;
	r = uv_timer_init(tag->pmf->loop, &w->limit);
	assert(r == 0);
	if (wait_ms > 0)
		(void)uv_timer_start(&w->limit, waiter_expired, (uint64_t)wait_ms, 0);  /* cannot fail */
	vl_call_on_close(call, waiter_caller_gone, w);
}

static json_t *event_json(const struct tag *tag, const char *event, int status)
{
	return ju_pack("{s:s, s:s, s:i, s:i}", "event", event, "tag", tag->name, "pid", (int)tag->pid, "status", status);
}

static void publish(struct tag *tag, const char *event, int status)
{
	for (struct waiter *w = tag->waiters; w; w = w->next)
		if (w->type == WAIT_WATCH)
			vl_reply_continues(w->call, event_json(tag, event, status));
}

/* All of that type get their last answer. */
static void wake(struct tag *tag, enum waiter_type type)
{
	for (struct waiter *w = tag->waiters, *next; w; w = next) {
		next = w->next;
		if (w->type != type)
			continue;
		vl_reply(w->call, type == WAIT_WATCH ? event_json(tag, "gone", 0) : ju_pack("{s:b}", "expired", 0));
		waiter_unlink(w);
	}
}

/* ---- the life of a tag ---- */

static void tag_free(struct tag *tag)
{
	free(tag->name);
	free(tag->action);
	free(tag->cwd);
	strlist_done(&tag->argv);
	strlist_done(&tag->env);
	strlist_done(&tag->shown_env);
	free(tag);
}

static void tag_handle_closed(uv_handle_t *handle)
{
	struct tag *tag = handle->data;

	if (--tag->handles == 0)
		tag_free(tag);
}

static void tag_gone(struct tag *tag)
{
	assert(!tag->gone);
	tag->gone = true;
	for (struct tag **p = &tag->pmf->tags; *p; p = &(*p)->next)
		if (*p == tag) {
			*p = tag->next;
			break;
		}
	tag->pmf->tag_count--;
	wake(tag, WAIT_DIED);
	wake(tag, WAIT_GONE);
	wake(tag, WAIT_WATCH);
	tree_free(&tag->tree);
	keep_remove(tag->id);
	(void)send(tag->ctl_fd, &(struct super_order) { .type = SUPER_GOODBYE }, sizeof(struct super_order), MSG_NOSIGNAL);
	uv_close((uv_handle_t *)&tag->ctl, tag_handle_closed);
	uv_close((uv_handle_t *)&tag->delay, tag_handle_closed);
	close(tag->ctl_fd);                     /* the supervisor ends now, or when its last process has */
}

static void tag_order(struct tag *tag, enum super_order_type type, int signal)
{
	struct super_order order = { .type = type, .signal = signal };

	if (send(tag->ctl_fd, &order, sizeof order, MSG_NOSIGNAL) < 0)
		log_err("supervisor %d of tag %s takes no order: %s", (int)tag->super_pid, tag->name, strerror(errno));
}

static json_t *strings_json(const struct strlist *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		ju_push(array, json_string(list->v[i]));
	return array;
}

/* Everything that tag_adopt() needs; what starts the command again the supervisor has. */
static void tag_keep(const struct tag *tag)
{
	json_t *notes = json_array();

	for (uint32_t i = 0; i < tag->retry.noted; i++)
		ju_push(notes, json_integer((json_int_t)tag->retry.notes_ms[i]));
	keep_write(tag->id, ju_pack("{s:s, s:o, s:o, s:s?, s:i, s:I, s:I, s:s, s:i, s:s, s:b, s:b, s:I, s:i, s:i, s:o, s:i, s:i}",
				    "tag", tag->name, "argv", strings_json(&tag->argv), "env", strings_json(&tag->shown_env),
				    "action", tag->action, "level", tag->level, "owner", (json_int_t)tag->owner, "gid", (json_int_t)tag->gid,
				    "tree", tag->tree.name, "super", (int)tag->super_pid, "state", tag_state_names[tag->state],
				    "stopping", tag->stopping, "was_running", tag->was_running,
				    "started_ms", (json_int_t)tag->started_ms, "retries", tag->retry.retries,
				    "period", tag->retry.period_min, "notes", notes, "beyond", (int)tag->retry.beyond,
				    "delay_s", (int)tag->retry.delay_s));
}

static void tag_start(struct tag *tag)
{
	tag->state = TAG_STARTING;
	tag_order(tag, SUPER_START, 0);
}

static void tag_delay_over(uv_timer_t *timer)
{
	tag_start(timer->data);
}

static void tag_give_up(struct tag *tag)
{
	log_err("tag %s failed too often (%u times) and is not restarted%s%s", tag->name,
		retry_count(&tag->retry, pmf_now_ms()), tag->action ? "; running " : "", tag->action ? tag->action : "");
	if (!tag->action) {
		tag_gone(tag);
		return;
	}
	tag->state = TAG_ACTION;
	publish(tag, "action", 0);
	tag_order(tag, SUPER_ACTION, 0);
	tag_keep(tag);
}

static void tag_died(struct tag *tag, int status)
{
	uint64_t now = pmf_now_ms();
	struct retry_update update;

	publish(tag, "died", status);
	wake(tag, WAIT_DIED);
	tag->pid = 0;
	if (tag->stopping) {
		tag_gone(tag);
		return;
	}
	retry_step(&tag->retry, now, now - tag->started_ms, &update);
	if (!update.restart) {
		tag_give_up(tag);
		return;
	}
	if (update.delay_ms == 0) {
		tag_start(tag);                 /* before the log, which may be slow */
	} else {
		tag->state = TAG_WAITING;
		(void)uv_timer_start(&tag->delay, tag_delay_over, update.delay_ms, 0);  /* cannot fail */
	}
	tag_keep(tag);
	log_notice("tag %s died (%s %d) and is restarted in %u s", tag->name,
		   WIFSIGNALED(status) ? "signal" : "exit status",
		   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (unsigned)(update.delay_ms / 1000));
}

static void tag_started(struct tag *tag, pid_t pid)
{
	struct vl_call *call = TAKE_PTR(tag->start_call);

	tag->pid = pid;
	tag->state = TAG_RUNNING;
	tag->started_ms = pmf_now_ms();
	publish(tag, tag->was_running ? "restarted" : "started", 0);
	tag->was_running = true;
	if (call)
		vl_reply(call, NULL);
	tag_keep(tag);
}

static void tag_failed(struct tag *tag, const struct super_event *event)
{
	struct vl_call *call = TAKE_PTR(tag->start_call);

	if (call)
		vl_error_text(call, PMF_ERROR("Failed"), "%s %s: %s", spawn_step_text(event->step), tag->argv.v[0],
			      strerror(event->error));
	else
		log_err("tag %s: %s %s: %s", tag->name, spawn_step_text(event->step), tag->argv.v[0],
			strerror(event->error));
	if (!tag->was_running) {
		tag_gone(tag);
		return;
	}
	tag->started_ms = pmf_now_ms();
	tag_died(tag, 127 << 8);
}

static void tag_action_done(struct tag *tag, int status)
{
	if (tag->state != TAG_ACTION)
		return;
	if (tag->stopping || status != 0) {
		tag_gone(tag);
		return;
	}
	log_notice("tag %s is started again: its action succeeded", tag->name);
	retry_init(&tag->retry, tag->retry.retries, tag->retry.period_min);
	tag_start(tag);
}

/* We are a new pmfd, and the supervisor says what is and what came of it while there was none. */
static void tag_adopted(struct tag *tag, const struct super_event *event)
{
	tag->pid = event->pid;
	if (event->running)
		tag->state = TAG_RUNNING;
	else if (event->acting)
		tag->state = TAG_ACTION;
	else if (!tag->was_running)
		tag_gone(tag);                  /* the order to start was lost, and so was its caller */
	else if (tag->state == TAG_ACTION)
		tag_action_done(tag, event->action_status);
	else if (tag->state == TAG_WAITING)
		tag_start(tag);                 /* this death was counted */
	else
		tag_died(tag, event->status);
}

static void tag_event(struct tag *tag, const struct super_event *event)
{
	switch (event->type) {
	case SUPER_STARTED:
		tag_started(tag, event->pid);
		break;
	case SUPER_FAILED:
		tag_failed(tag, event);
		break;
	case SUPER_DIED:
		tag_died(tag, event->status);
		break;
	case SUPER_ACTION_DONE:
		tag_action_done(tag, event->status);
		break;
	case SUPER_STATE:
		tag_adopted(tag, event);
		break;
	case SUPER_EVENT_COUNT:
		break;
	}
}

/* The supervisor was killed: nobody knows the tree any more, so what is left of it must not go on unwatched. */
static void tag_super_lost(struct tag *tag)
{
	struct vl_call *call = TAKE_PTR(tag->start_call);

	log_err("the supervisor of tag %s died; the tag is gone and its processes are killed", tag->name);
	if (tag->tree.fd >= 0)
		(void)tree_signal(&tag->tree, tag->super_pid, SIGKILL);
	if (call)
		vl_error_text(call, PMF_ERROR("Failed"), "the supervisor died");
	tag_gone(tag);
}

static void ctl_readable(uv_poll_t *handle, int status, int events)
{
	struct tag *tag = handle->data;

	while (!tag->gone) {
		struct super_event event;
		ssize_t n = recv(tag->ctl_fd, &event, sizeof event, MSG_DONTWAIT);

		if (n == sizeof event)
			tag_event(tag, &event);
		else if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		else
			tag_super_lost(tag);
	}
}

/* May come long after tag_gone(), when the last process that the tag left behind has ended. */
static void super_ended(uv_poll_t *handle, int status, int events)
{
	struct tag *tag = handle->data;

	(void)waitpid(tag->super_pid, NULL, WNOHANG);
	uv_close((uv_handle_t *)handle, tag_handle_closed);
	close(tag->super_fd);
}

static void tag_watch_super(struct tag *tag)
{
	int r;

	tag->handles = 3;
	tag->ctl.data = tag->super.data = tag->delay.data = tag;
	r = uv_poll_init(tag->pmf->loop, &tag->ctl, tag->ctl_fd);
	assert(r == 0);
	r = uv_poll_init(tag->pmf->loop, &tag->super, tag->super_fd);
	assert(r == 0);
	r = uv_timer_init(tag->pmf->loop, &tag->delay);
	assert(r == 0);
	(void)uv_poll_start(&tag->ctl, UV_READABLE, ctl_readable);      /* cannot fail on fresh handles */
	(void)uv_poll_start(&tag->super, UV_READABLE, super_ended);
	tag->next = tag->pmf->tags;
	tag->pmf->tags = tag;
	tag->pmf->tag_count++;
}

static int tag_fork(struct tag *tag)
{
	struct super_spec spec = {
		.tag = tag->name, .argv = tag->argv.v, .envp = tag->env.v, .action = tag->action, .cwd = tag->cwd,
		.umask = tag->umask, .set_ids = tag->pmf->set_ids, .uid = tag->owner, .gid = tag->gid,
		.limits = tag->limits, .level = tag->level, .out_fd = tag->pmf->out_fd,
		.journal = tag->pmf->journal,
	};
	int r;

	keep_id(tag->id);
	spec.listen_fd = keep_listen(tag->id);
	if (spec.listen_fd < 0)
		return spec.listen_fd;
	tree_new(&tag->tree);
	spec.tree = tag->tree;
	r = super_fork(&spec, &tag->ctl_fd, &tag->super_fd);
	close(spec.listen_fd);
	if (r < 0) {
		tree_free(&tag->tree);
		keep_remove(tag->id);
		return r;
	}
	tag->super_pid = r;
	tag_watch_super(tag);
	return 0;
}

/* ---- tags of the pmfd before us ---- */

static enum tag_state state_of(const char *name)
{
	for (enum tag_state s = 0; s < TAG_STATE_COUNT; s++)
		if (streq(name, tag_state_names[s]))
			return s;
	return TAG_STARTING;
}

static void retry_read(struct retry *retry, const json_t *state)
{
	const json_t *note;
	size_t i;
	int64_t retries = ju_int(state, "retries", 0);

	retry_init(retry, (int)MIN(retries, (int64_t)RETRY_MAX), (int)ju_int(state, "period", RETRY_FOREVER));
	json_array_foreach(ju_arr(state, "notes"), i, note)
		if (i < RETRY_NOTES)
			retry->notes_ms[retry->noted++] = (uint64_t)json_integer_value(note);
	retry->beyond = (uint32_t)ju_int(state, "beyond", 0);
	retry->delay_s = (uint32_t)ju_int(state, "delay_s", 0);
}

/* Nobody knows the tree any more: as tag_super_lost(). */
static void tag_lost(struct tag *tag, const char *id)
{
	log_err("the supervisor of tag %s died while there was no pmfd; the tag is gone and its processes are killed", tag->name);
	if (tag->tree.fd >= 0)
		(void)tree_signal(&tag->tree, tag->super_pid, SIGKILL);
	tree_free(&tag->tree);
	keep_remove(id);
	tag_free(tag);
}

/* The supervisor tells the rest: SUPER_STATE. */
static void tag_adopt(struct pmf *pmf, const char *id, json_t *state)
{
	struct tag *tag = xcalloc(1, sizeof *tag);

	tag->pmf = pmf;
	tag->name = xstrdup(ju_str(state, "tag", ""));
	tag->action = ju_str(state, "action", NULL) ? xstrdup(ju_str(state, "action", "")) : NULL;
	(void)pmf_strings(state, "argv", &tag->argv);           /* written by tag_keep() */
	(void)pmf_strings(state, "env", &tag->shown_env);
	tag->level = (int)ju_int(state, "level", SUPER_ALL_LEVELS);
	tag->owner = (uid_t)ju_int(state, "owner", 0);
	tag->gid = (gid_t)ju_int(state, "gid", 0);
	tag->state = state_of(ju_str(state, "state", ""));
	tag->stopping = ju_bool(state, "stopping", false);
	tag->was_running = ju_bool(state, "was_running", false);
	tag->started_ms = (uint64_t)ju_int(state, "started_ms", 0);
	tag->super_pid = (pid_t)ju_int(state, "super", 0);
	retry_read(&tag->retry, state);
	(void)snprintf(tag->id, sizeof tag->id, "%s", id);
	tree_adopt(&tag->tree, ju_str(state, "tree", ""));
	tag->ctl_fd = keep_connect(id);
	tag->super_fd = tag->ctl_fd >= 0 ? (int)syscall(SYS_pidfd_open, tag->super_pid, 0) : -1;
	if (tag->super_fd >= 0) {
		tag_watch_super(tag);
		return;
	}
	if (tag->ctl_fd >= 0)
		close(tag->ctl_fd);
	tag_lost(tag, id);
}

size_t pmf_adopt(struct pmf *pmf)
{
	_cleanup_(strlist_done) struct strlist ids = { 0 };

	keep_list(&ids);
	for (size_t i = 0; i < ids.n; i++) {
		json_t *state = keep_read(ids.v[i]);

		if (state)
			tag_adopt(pmf, ids.v[i], state);
		else
			keep_remove(ids.v[i]);
		json_decref(state);
	}
	return pmf->tag_count;
}

/* ---- calls ---- */

static struct tag *tag_find(struct pmf *pmf, const char *name)
{
	for (struct tag *tag = pmf->tags; tag; tag = tag->next)
		if (streq(tag->name, name))
			return tag;
	return NULL;
}

/* The tag that the call names, or NULL: then the call has its error. */
static struct tag *tag_of_call(struct pmf *pmf, struct vl_call *call, json_t *params, bool to_change)
{
	const char *name = ju_str(params, "tag", NULL);
	struct tag *tag = name ? tag_find(pmf, name) : NULL;
	uid_t uid = vl_call_peer(call)->uid;

	if (!name)
		vl_error_text(call, PMF_ERROR("BadArgument"), "tag must be given");
	else if (!tag)
		vl_error_text(call, PMF_ERROR("NoSuchTag"), "there is no tag %s", name);
	else if (to_change && uid != 0 && uid != tag->owner)
		vl_error_text(call, PMF_ERROR("NotPermitted"), "tag %s belongs to another user", name);
	else
		return tag;
	return NULL;
}

static bool tag_name_ok(const char *name)
{
	if (!name || !*name || strlen(name) > PMF_TAG_LEN)
		return false;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	return true;
}

/* "NAME=" of b is defined by a. */
static bool env_defines(const struct strlist *a, const char *b)
{
	size_t n = strcspn(b, "=") + 1;

	for (size_t i = 0; i < a->n; i++)
		if (strncmp(a->v[i], b, n) == 0)
			return true;
	return false;
}

static void tag_environment(struct tag *tag, json_t *params)
{
	const char *path = ju_str(params, "path", NULL);

	for (size_t i = 0; i < tag->shown_env.n; i++)
		strlist_add(&tag->env, tag->shown_env.v[i]);
	if (!ju_bool(params, "all_env", false)) {
		if (path && !env_defines(&tag->env, "PATH="))
			strlist_take(&tag->env, xasprintf("PATH=%s", path));
		for (char **e = environ; *e; e++)
			if (!env_defines(&tag->env, *e))
				strlist_add(&tag->env, *e);
	}
	if (tag->env.n == 0)                    /* execve wants a list, an empty strlist has none */
		strlist_add(&tag->env, "PATH=/usr/bin:/bin");
}

/* The limits of the caller.  When he is gone, or hides them, ours. */
static void tag_limits(struct tag *tag, pid_t pid)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (prlimit(pid, (__rlimit_resource_t)i, NULL, &tag->limits[i]) < 0)
			(void)getrlimit((__rlimit_resource_t)i, &tag->limits[i]);
}

/* NULL, or what is wrong. */
static const char *start_arguments(struct tag *tag, json_t *params, int *ret_retries, int *ret_period)
{
	int64_t retries = ju_int(params, "retries", 0), period = ju_int(params, "period_min", RETRY_FOREVER);
	int64_t level = ju_int(params, "level", SUPER_ALL_LEVELS);
	const char *action = ju_str(params, "action", NULL);

	if (!tag_name_ok(ju_str(params, "tag", NULL)))
		return "a tag must have 1 to 255 characters and no blanks";
	if (!pmf_strings(params, "argv", &tag->argv) || tag->argv.n == 0 || !*tag->argv.v[0])
		return "a command must be given";
	if (!pmf_strings(params, "env", &tag->shown_env))
		return "env must be a list of strings";
	for (size_t i = 0; i < tag->shown_env.n; i++)
		if (tag->shown_env.v[i][strcspn(tag->shown_env.v[i], "=")] != '=' || tag->shown_env.v[i][0] == '=')
			return "a variable must look like NAME=value";
	if (retries < RETRY_UNLIMITED || retries > RETRY_MAX)
		return "retries must be from -1 to 100";
	if (period < RETRY_FOREVER || period == 0 || period > INT32_MAX / 60000)
		return "the period must be -1 or at least 1 minute";
	if (level < SUPER_ALL_LEVELS || level > INT16_MAX)
		return "the level must not be negative";
	tag->level = (int)level;
	tag->action = action && *action ? xstrdup(action) : NULL;
	tag->cwd = xstrdup(ju_str(params, "cwd", "/"));
	tag->umask = (mode_t)ju_int(params, "umask", 022) & 0777;
	*ret_retries = (int)retries;
	*ret_period = (int)period;
	return NULL;
}

static void start_caller_gone(struct vl_call *call, void *ctx)
{
	struct tag *tag = ctx;

	tag->start_call = NULL;                 /* the tag stays: it may be running already */
}

void pmf_call_start(struct vl_call *call, json_t *params, void *ctx)
{
	struct pmf *pmf = ctx;
	const struct vl_peer *peer = vl_call_peer(call);
	const char *name = ju_str(params, "tag", ""), *wrong;
	int retries, period, r;
	struct tag *tag;

	if (tag_find(pmf, name)) {
		vl_error_text(call, PMF_ERROR("TagExists"), "tag %s exists already", name);
		return;
	}
	if (pmf->tag_count >= PMF_TAGS_MAX) {
		vl_error_text(call, PMF_ERROR("Failed"), "there are %d tags already", PMF_TAGS_MAX);
		return;
	}
	tag = xcalloc(1, sizeof *tag);
	wrong = start_arguments(tag, params, &retries, &period);
	if (wrong) {
		vl_error_text(call, PMF_ERROR("BadArgument"), "%s", wrong);
		tag_free(tag);
		return;
	}
	tag->pmf = pmf;
	tag->name = xstrdup(name);
	tag->owner = peer->uid;
	tag->gid = peer->gid;
	retry_init(&tag->retry, retries, period);
	tag_environment(tag, params);
	tag_limits(tag, peer->pid);
	r = tag_fork(tag);
	if (r < 0) {
		vl_error_text(call, PMF_ERROR("Failed"), "cannot start a supervisor: %s", strerror(-r));
		tag_free(tag);
		return;
	}
	tag->start_call = call;
	vl_call_on_close(call, start_caller_gone, tag);
	tag_start(tag);
}

void pmf_call_modify(struct vl_call *call, json_t *params, void *ctx)
{
	struct tag *tag = tag_of_call(ctx, call, params, true);
	int64_t retries, period;

	if (!tag)
		return;
	retries = ju_int(params, "retries", tag->retry.retries);
	period = ju_int(params, "period", tag->retry.period_min);
	if (retries < RETRY_UNLIMITED || retries > RETRY_MAX || period < RETRY_FOREVER || period == 0 ||
	    period > INT32_MAX / 60000) {
		vl_error_text(call, PMF_ERROR("BadArgument"), "retries must be from -1 to 100, the period -1 or at least 1");
		return;
	}
	retry_init(&tag->retry, (int)retries, (int)period);
	tag_keep(tag);
	vl_reply(call, NULL);
}

static void reply_expired(struct vl_call *call, bool expired)
{
	vl_reply(call, ju_pack("{s:b}", "expired", expired));
}

static bool signal_ok(struct vl_call *call, int64_t sig)
{
	if (sig >= 0 && sig <= SIGRTMAX)
		return true;
	vl_error_text(call, PMF_ERROR("BadArgument"), "there is no signal %lld", (long long)sig);
	return false;
}

static bool tag_has_processes(const struct tag *tag)
{
	return tag->state != TAG_WAITING;
}

/* A process that is stopped sees no signal but KILL, and one that is to stop shall. */
static bool needs_wakening(int sig)
{
	static const int without[] = { 0, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT };

	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		if (sig == without[i])
			return false;
	return true;
}

void pmf_call_stop(struct vl_call *call, json_t *params, void *ctx)
{
	struct tag *tag = tag_of_call(ctx, call, params, true);
	int64_t sig = ju_int(params, "signal", 0), wait_ms = ju_int(params, "wait_ms", 0);

	if (!tag || !signal_ok(call, sig))
		return;
	tag->stopping = true;
	if (!tag_has_processes(tag)) {
		reply_expired(call, false);
		tag_gone(tag);
		return;
	}
	if (sig)
		tag_order(tag, SUPER_SIGNAL, (int)sig);
	if (needs_wakening((int)sig))
		tag_order(tag, SUPER_SIGNAL, SIGCONT);
	tag_keep(tag);
	if (wait_ms == 0)
		reply_expired(call, false);
	else
		waiter_add(tag, call, WAIT_GONE, wait_ms);
}

void pmf_call_kill(struct vl_call *call, json_t *params, void *ctx)
{
	struct tag *tag = tag_of_call(ctx, call, params, true);
	int64_t sig = ju_int(params, "signal", SIGKILL), wait_ms = ju_int(params, "wait_ms", 0);

	if (!tag || !signal_ok(call, sig))
		return;
	if (tag_has_processes(tag) && sig)
		tag_order(tag, SUPER_SIGNAL, (int)sig);
	if (wait_ms == 0 || !tag_has_processes(tag))
		reply_expired(call, false);
	else
		waiter_add(tag, call, WAIT_DIED, wait_ms);
}

static json_t *tag_json(const struct tag *tag, uid_t caller)
{
	bool may_see = caller == 0 || caller == tag->owner;     /* -E may have put a password in it */
	pid_t *pids = xcalloc(TREE_PIDS_MAX, sizeof *pids);
	size_t n = tree_descendants(tag->super_pid, pids, TREE_PIDS_MAX);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		unsigned long long start;
		pid_t parent;
		char state;

		if (tree_stat(pids[i], &parent, &state, &start) && state != 'Z')
			ju_push(list, json_integer(pids[i]));
	}
	free(pids);
	return ju_pack("{s:s, s:o, s:i, s:i, s:s?, s:i, s:o, s:i, s:i, s:o, s:s}", "tag", tag->name,
		       "argv", strings_json(&tag->argv), "retries", tag->retry.retries, "period", tag->retry.period_min,
		       "action", tag->action, "level", tag->level,
		       "env", may_see ? strings_json(&tag->shown_env) : json_array(), "owner", (int)tag->owner,
		       "failures", (int)retry_count(&tag->retry, pmf_now_ms()), "pids", list,
		       "state", tag->stopping ? "stopping" : tag_state_names[tag->state]);
}

void pmf_call_status(struct vl_call *call, json_t *params, void *ctx)
{
	struct pmf *pmf = ctx;
	const char *prefix = ju_str(params, "prefix", "");
	uid_t caller = vl_call_peer(call)->uid;
	json_t *tags;

	if (ju_str(params, "tag", NULL)) {
		struct tag *tag = tag_of_call(pmf, call, params, false);

		if (tag)
			vl_reply(call, ju_pack("{s:[o]}", "tags", tag_json(tag, caller)));
		return;
	}
	tags = json_array();
	for (struct tag *tag = pmf->tags; tag; tag = tag->next)
		if (strncmp(tag->name, prefix, strlen(prefix)) == 0)
			ju_push(tags, tag_json(tag, caller));
	vl_reply(call, ju_pack("{s:o}", "tags", tags));
}

void pmf_call_query(struct vl_call *call, json_t *params, void *ctx)
{
	const char *name = ju_str(params, "tag", "");

	vl_reply(call, ju_pack("{s:b}", "present", tag_find(ctx, name) != NULL));
}

void pmf_call_watch(struct vl_call *call, json_t *params, void *ctx)
{
	struct tag *tag;

	if (!vl_call_more(call)) {
		vl_error(call, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	tag = tag_of_call(ctx, call, params, false);
	if (!tag)
		return;
	waiter_add(tag, call, WAIT_WATCH, 0);
	vl_reply_continues(call, event_json(tag, "present", 0));
}
