/* Only the nodes are taken over.  Timers must change everywhere with the leases that rest on them, so they and the name stay
 * as they were when corosync started; the next boot writes the file anew from the whole table.
 *
 * Writing and reloading are on a worker, one at a time.  corosync may be busy with the reload of another member: again then. */
#include "clusterd/nodelist.h"

#include <corosync/cfg.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"
#include "cmm/corosync_conf.h"

#define COROSYNC_CONF "/etc/corosync/corosync.conf"
#define AUTHKEY_FILE  "/etc/corosync/authkey"
#define AGAIN_MS      200
#define TRIES         50

struct nodelist {
	uv_loop_t *loop;
	uv_work_t  work;
	uv_timer_t again;
	char      *name, *takeover;     /* as corosync was started with */
	char      *wanted, *done;       /* texts of corosync.conf */
	char      *text;                /* the worker's */
	bool       busy;
	unsigned   tries;
	char       error[160];          /* of the worker; "": none */
	bool       retry;
};

/* ---- on the worker ---- */

static int write_conf(const char *text)
{
	const char *path = path_state(COROSYNC_CONF);
	_cleanup_free_ char *temporary = xasprintf("%s.new", path);
	_cleanup_close_ int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t len = strlen(text);

	errno = 0;
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || fsync(fd) < 0 || rename(temporary, path) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

static void work(uv_work_t *w)
{
	struct nodelist *l = w->data;
	corosync_cfg_handle_t handle;
	int r = write_conf(l->text);
	cs_error_t c;

	l->error[0] = '\0';
	l->retry = false;
	if (r < 0) {
		(void)snprintf(l->error, sizeof l->error, "cannot write %s: %s", COROSYNC_CONF, strerror(-r));
		return;
	}
	c = corosync_cfg_initialize(&handle, NULL);
	if (c == CS_OK) {
		c = corosync_cfg_reload_config(handle);
		(void)corosync_cfg_finalize(handle);
	}
	l->retry = c == CS_ERR_TRY_AGAIN || c == CS_ERR_BUSY;
	if (c != CS_OK)
		(void)snprintf(l->error, sizeof l->error, "corosync does not take its new node list: %s", cs_strerror(c));
}

/* ---- on the loop ---- */

static void start(struct nodelist *l);

static void on_again(uv_timer_t *timer) { start(timer->data); }

static void worked(uv_work_t *w, int status)
{
	struct nodelist *l = w->data;

	(void)status;
	l->busy = false;
	if (l->retry && ++l->tries < TRIES) {
		uv_timer_start(&l->again, on_again, AGAIN_MS, 0);
		return;
	}
	l->tries = 0;
	if (l->error[0])
		log_err("%s; cluster corosync-conf -w and corosync-cfgtool -R repair it", l->error);
	else
		log_notice("corosync has the nodes of the configuration");
	free(l->done);
	l->done = TAKE_PTR(l->text);
	start(l);
}

static void start(struct nodelist *l)
{
	if (l->busy || streq(l->wanted, l->done))
		return;
	free(l->text);
	l->text = xstrdup(l->wanted);
	l->busy = true;
	(void)uv_queue_work(l->loop, &l->work, work, worked);   /* only fails without a callback */
}

static char *conf_of(const struct nodelist *l, const json_t *table)
{
	json_t *copy = json_deep_copy(table);
	struct err err = { 0 };
	char *text = NULL;

	ju_set_str(copy, "cluster.name", l->name);
	ju_set_str(copy, "cluster.properties.takeover_time", l->takeover);
	if (corosync_conf(copy, path_state(AUTHKEY_FILE), &text, &err) < 0)
		log_err("the node list of corosync stays as it is: %s", err.text);
	json_decref(copy);
	return text;
}

struct nodelist *nodelist_new(uv_loop_t *loop, const json_t *table, const struct cmm_timers *timers)
{
	struct nodelist *l = xcalloc(1, sizeof *l);

	l->loop = loop;
	l->work.data = l->again.data = l;
	uv_timer_init(loop, &l->again);
	l->name = xstrdup(ju_str(table, "cluster.name", "cluster"));
	l->takeover = xasprintf("%u", timers->takeover_ms);
	l->done = conf_of(l, table);
	if (!l->done)
		l->done = xstrdup("");
	l->wanted = xstrdup(l->done);
	return l;
}

void nodelist_update(struct nodelist *l, const json_t *table)
{
	char *text = table ? conf_of(l, table) : NULL;

	if (!text)
		return;
	free(l->wanted);
	l->wanted = text;
	start(l);
}
