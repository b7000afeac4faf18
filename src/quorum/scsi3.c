/* The kind "scsi3": persistent reservations on a disk of this machine, by SG_IO.  Property: "path".
 * The kernel aborts a command that takes longer than COMMAND_MS before it gives it back. */
#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>

#include "quorum/pr.h"

#define COMMAND_MS 60000

struct scsi_disk { struct quorum_cluster cluster; char *path; int fd; };

static const char *const property_names[] = { "path", NULL };

/* Fixed (0x70, 0x71) or descriptor format (0x72, 0x73). */
static void read_sense(const uint8_t *sense, size_t len, struct pr_command *c)
{
	bool descriptor = len >= 4 && (sense[0] & 0x7e) == 0x72;

	if (descriptor) {
		c->sense_key = sense[1] & 0x0f;
		c->asc = sense[2];
		c->ascq = sense[3];
	} else if (len >= 14 && (sense[0] & 0x7e) == 0x70) {
		c->sense_key = sense[2] & 0x0f;
		c->asc = sense[12];
		c->ascq = sense[13];
	}
}

static int sg_command(void *ctx, struct pr_command *c, struct err *err)
{
	struct scsi_disk *d = ctx;
	uint8_t sense[64] = { 0 };
	struct sg_io_hdr io = {
		.interface_id = 'S', .dxfer_direction = c->out ? SG_DXFER_TO_DEV : SG_DXFER_FROM_DEV, .cmd_len = sizeof c->cdb,
		.mx_sb_len = sizeof sense, .dxfer_len = (unsigned)c->len, .dxferp = c->data, .cmdp = c->cdb, .sbp = sense,
		.timeout = COMMAND_MS,
	};

	if (ioctl(d->fd, SG_IO, &io) < 0)
		return err_set(err, -errno, "it takes no SCSI commands: %s", strerror(errno));
	c->status = io.status;
	/* The midlayer tells of a conflict as an error of the host on some kernels; the status is what counts. */
	if (io.status == 0 && (io.host_status || (io.driver_status & 0x07)))
		return err_set(err, -EIO, "a command failed on its way (host %u, driver %u)", io.host_status, io.driver_status);
	c->got = io.resid >= 0 && (size_t)io.resid <= c->len ? c->len - (size_t)io.resid : 0;
	read_sense(sense, io.sb_len_wr, c);
	return 0;
}

static void scsi3_close(void *device)
{
	struct scsi_disk *d = device;

	free(d->path);
	free(d);
}

static int scsi3_open(const struct quorum_setup *setup, void **ret, struct err *err)
{
	const char *path = NULL;
	struct scsi_disk *d;
	int r = quorum_properties_known(setup->properties, property_names, err);

	if (r == 0)
		r = quorum_property_text(setup->properties, "path", true, &path, err);
	if (r < 0)
		return r;
	if (*path != '/')
		return err_set(err, -EINVAL, "property path must begin with /");
	d = xcalloc(1, sizeof *d);
	d->cluster = *setup->cluster;
	d->path = xstrdup(path);
	*ret = d;
	return 0;
}

static void scsi3_run(void *device, const struct quorum_request *request, struct quorum_answer *ret)
{
	struct scsi_disk *d = device;
	struct pr_device pr = { .cluster = &d->cluster, .name = d->path, .command = sg_command, .ctx = d };

	*ret = (struct quorum_answer) { .result = QUORUM_ERROR };
	d->fd = open(d->path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (d->fd < 0) {
		(void)err_set(&ret->err, -errno, "cannot open %s: %s", d->path, strerror(errno));
		return;
	}
	pr_run(&pr, request, ret);
	close(d->fd);
}

const struct quorum_device_ops scsi3_ops = {
	.type = "scsi3", .open = scsi3_open, .close = scsi3_close, .run = scsi3_run,
};
