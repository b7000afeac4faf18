/* The kind "iscsi": persistent reservations on an iSCSI target, from user space.  Properties: "portal" (ADDRESS[:PORT]),
 * "target", "lun" (0), "timeout", seconds for one command (10); for CHAP "chap_user" and "secret_file", whose first line is
 * the secret.
 *
 * A target knows a registered node by initiator name and ISID, so both are the same each time.  That also makes a new login
 * of this node end its older session, with all commands in it (RFC 7143, 6.3.5); the ISID has the LUN in it, so that disks of
 * one target do not end each other's.  So a change whose command got no answer is
 * not over before the next login; then we do it again.  It lasts until there is an answer or the device is not wanted any
 * more; a change that never got a command out, and a check, fail at once. */
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "quorum/pr.h"
#include "quorum/qs_tls.h"

#define TIMEOUT_DEFAULT_S 10
#define PAUSE_MAX_MS      1000
#define SECRET_MAX        255
#define INITIATOR         "iqn.2026-01.org.parhelion:"

struct iscsi_disk {
	struct quorum_cluster cluster;
	bool                (*retired)(void *ctx);
	void                 *ctx;
	char                 *portal, *target, *chap_user, *secret_file, *name;
	int                   lun, timeout_s;
	struct iscsi_context *session;          /* NULL: not logged in */
	bool                  sent;             /* in this operation a command that changes something */
};

static const char *const property_names[] = { "portal", "target", "lun", "timeout", "chap_user", "secret_file", NULL };

static void log_out(struct iscsi_disk *d)
{
	if (d->session)
		(void)iscsi_destroy_context(d->session);        /* always 0 */
	d->session = NULL;
}

/* What the library says, its first line only. */
static int library_error(struct iscsi_disk *d, int code, const char *what, struct err *err)
{
	const char *text = iscsi_get_error(d->session);

	return err_set(err, code, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

static int set_chap(struct iscsi_disk *d, struct err *err)
{
	_cleanup_close_ int fd = -1;
	char secret[SECRET_MAX + 2];
	ssize_t n;
	int r;

	if (!d->chap_user)
		return 0;
	fd = open(d->secret_file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", d->secret_file, strerror(errno));
	r = qs_secret_file_check(fd, d->secret_file, err);
	if (r < 0)
		return r;
	n = read(fd, secret, sizeof secret - 1);
	if (n < 0)
		return err_set(err, -errno, "cannot read %s: %s", d->secret_file, strerror(errno));
	secret[n] = '\0';
	secret[strcspn(secret, "\r\n")] = '\0';
	if (!*secret || strlen(secret) > SECRET_MAX)
		r = err_set(err, -EINVAL, "%s must begin with a line of 1 to %d bytes", d->secret_file, SECRET_MAX);
	else if (iscsi_set_initiator_username_pwd(d->session, d->chap_user, secret) != 0)
		r = library_error(d, -EINVAL, "CHAP", err);
	explicit_bzero(secret, sizeof secret);
	return r;
}

/* Letters, digits, dash and dot are all that an initiator name may hold. */
static char *initiator_name(const struct quorum_cluster *c)
{
	return xasprintf(INITIATOR "%08x.%u", c->id, c->self);
}

static int log_in(struct iscsi_disk *d, struct err *err)
{
	_cleanup_free_ char *initiator = initiator_name(&d->cluster);
	int r;

	d->session = iscsi_create_context(initiator);
	if (!d->session)
		return err_set(err, -ENOMEM, "no memory for a session");
	iscsi_set_noautoreconnect(d->session, 1);       /* we must know when a session ends */
	iscsi_set_reconnect_max_retries(d->session, 0);
	(void)iscsi_set_timeout(d->session, d->timeout_s);      /* these take any value */
	(void)iscsi_set_isid_random(d->session, d->cluster.self, (uint32_t)d->lun);
	r = iscsi_set_targetname(d->session, d->target);
	if (r == 0)
		r = iscsi_set_session_type(d->session, ISCSI_SESSION_NORMAL);
	if (r != 0)
		return library_error(d, -EINVAL, "target", err);
	r = set_chap(d, err);
	if (r < 0)
		return r;
	if (iscsi_full_connect_sync(d->session, d->portal, d->lun) != 0)
		return library_error(d, -EHOSTUNREACH, "cannot log in", err);
	return 0;
}

static void take_over(const struct scsi_task *task, struct pr_command *c)
{
	c->status = (uint8_t)task->status;
	c->sense_key = (uint8_t)task->sense.key;
	c->asc = (uint8_t)(task->sense.ascq >> 8);
	c->ascq = (uint8_t)task->sense.ascq;
	if (c->out || task->datain.size <= 0)
		return;
	c->got = MIN((size_t)task->datain.size, c->len);
	memcpy(c->data, task->datain.data, c->got);
}

static int iscsi_pr_command(void *ctx, struct pr_command *c, struct err *err)
{
	struct iscsi_data out = { .size = c->len, .data = c->data };
	struct iscsi_disk *d = ctx;
	struct scsi_task *task;
	int r = 0;

	task = scsi_create_task(sizeof c->cdb, c->cdb, c->out ? SCSI_XFER_WRITE : SCSI_XFER_READ, (int)c->len);
	if (!task)
		return err_set(err, -ENOMEM, "no memory for a command");
	d->sent = d->sent || c->out;
	/* Statuses from 0x0f000000 on are the library's own: the target has not answered. */
	if (!iscsi_scsi_command_sync(d->session, d->lun, task, c->out ? &out : NULL) || task->status < 0 || task->status > 0xff)
		r = library_error(d, -ECONNRESET, "the target does not answer", err);
	else
		take_over(task, c);
	scsi_free_scsi_task(task);
	if (r < 0)
		log_out(d);
	return r;
}

/* One attempt; false: the target did not answer. */
static bool attempt(struct iscsi_disk *d, const struct quorum_request *request, struct quorum_answer *ret)
{
	struct pr_device pr = { .cluster = &d->cluster, .name = d->name, .command = iscsi_pr_command, .ctx = d };
	int r = 0;

	*ret = (struct quorum_answer) { .result = QUORUM_ERROR };
	if (!d->session)
		r = log_in(d, &ret->err);
	if (r < 0) {
		(void)err_prefix(&ret->err, r, "%s", d->name);
		log_out(d);
		return false;
	}
	pr_run(&pr, request, ret);
	return d->session;
}

static void iscsi_run(void *device, const struct quorum_request *request, struct quorum_answer *ret)
{
	struct iscsi_disk *d = device;
	bool old = d->session;          /* the target may have ended it long ago: that says nothing about the target */

	d->sent = false;
	for (unsigned pause_ms = 10; !attempt(d, request, ret); pause_ms = MIN(pause_ms * 2, (unsigned)PAUSE_MAX_MS)) {
		if (!old && !d->sent)
			break;
		if (d->retired(d->ctx)) {
			_cleanup_free_ char *why = xstrdup(ret->err.text);

			(void)err_set(&ret->err, ret->err.code, "%.900s; it is open whether this %s still takes effect", why,
				      quorum_op_names[request->op]);
			break;
		}
		if (!old)
			quorum_pause(pause_ms);
		old = false;
	}
}

static void iscsi_close(void *device)
{
	struct iscsi_disk *d = device;

	log_out(d);
	free(d->portal);
	free(d->target);
	free(d->chap_user);
	free(d->secret_file);
	free(d->name);
	free(d);
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static int iscsi_open(const struct quorum_setup *setup, void **ret, struct err *err)
{
	const char *portal = NULL, *target = NULL, *chap_user = NULL, *secret_file = NULL;
	uint64_t lun = 0, timeout_s = TIMEOUT_DEFAULT_S;
	const json_t *p = setup->properties;
	struct iscsi_disk *d;
	int r = quorum_properties_known(p, property_names, err);

	if (r == 0)
		r = quorum_property_text(p, "portal", true, &portal, err);
	if (r == 0)
		r = quorum_property_text(p, "target", true, &target, err);
	if (r == 0)
		r = quorum_property_number(p, "lun", 0, 255, &lun, err);
	if (r == 0)
		r = quorum_property_number(p, "timeout", 1, 3600, &timeout_s, err);
	if (r == 0)
		r = quorum_property_text(p, "chap_user", false, &chap_user, err);
	if (r == 0)
		r = quorum_property_text(p, "secret_file", false, &secret_file, err);
	if (r < 0)
		return r;
	if (!chap_user != !secret_file)
		return err_set(err, -EINVAL, "properties chap_user and secret_file belong together");
	d = xcalloc(1, sizeof *d);
	d->cluster = *setup->cluster;
	d->retired = setup->retired;
	d->ctx = setup->ctx;
	d->portal = xstrdup(portal);
	d->target = xstrdup(target);
	d->chap_user = copy(chap_user);
	d->secret_file = copy(secret_file);
	d->name = xasprintf("iscsi %s %s lun %u", portal, target, (unsigned)lun);
	d->lun = (int)lun;
	d->timeout_s = (int)timeout_s;
	*ret = d;
	return 0;
}

const struct quorum_device_ops iscsi_ops = {
	.type = "iscsi", .open = iscsi_open, .close = iscsi_close, .run = iscsi_run,
};
