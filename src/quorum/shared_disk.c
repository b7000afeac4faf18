/* The shell around paxos.c and block.c.  Properties: "path", and "offset" in bytes where the area begins (default 0).
 *
 * Each operation opens the device anew, so it never talks to a file that has been replaced, and locks the blocks of its own
 * node: a quorumd that was killed with a write in flight holds that lock until the kernel has ended the write.
 *
 * What is read must be whole (block.h) and, for each node, not older than what was read before.  A read that is not gets
 * REREADS more chances: it may have met a write under way.  Then it is an I/O error. */
#include "quorum/shared_disk.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "quorum/block.h"

#define REREADS      4
#define UNIT_MAX_MS  100.0              /* the longest disk access that a back-off reckons with */

struct shared_disk {
	const struct disk_io *io;
	void                 *io_ctx;
	struct quorum_cluster cluster;
	char                 *path;
	uint64_t              offset;
	int                   fd;                       /* during an operation */
	uint8_t              *area;                     /* QD_AREA_BYTES, aligned */
	uint64_t              format;                   /* of the label last seen; 0: none */
	uint64_t              seen[PAX_NODES + 1];      /* the newest sequence number seen of each node, in that format */
	double                unit_ms;                  /* the longest disk access in this operation */
};

static const char *const property_names[] = { "path", "offset", NULL };

static const enum pax_op pax_ops[QOP_COUNT] = {
	[QOP_REGISTER] = PAX_REGISTER, [QOP_TAKE] = PAX_TAKE, [QOP_CHECK] = PAX_CHECK,
	[QOP_UNREGISTER] = PAX_UNREGISTER, [QOP_SCRUB] = PAX_SCRUB,
};

static void disk_close(void *device)
{
	struct shared_disk *d = device;

	free(d->area);
	free(d->path);
	free(d);
}

int shared_disk_new(const struct quorum_setup *setup, const struct disk_io *io, void *io_ctx, void **ret, struct err *err)
{
	const char *path = NULL;
	struct shared_disk *d;
	uint64_t offset = 0;
	int r;

	r = quorum_properties_known(setup->properties, property_names, err);
	if (r == 0)
		r = quorum_property_text(setup->properties, "path", true, &path, err);
	if (r == 0)
		r = quorum_property_number(setup->properties, "offset", 0, INT64_MAX / 2, &offset, err);
	if (r < 0)
		return r;
	if (*path != '/')
		return err_set(err, -EINVAL, "property path must begin with /");
	if (offset % QD_BLOCK_BYTES)
		return err_set(err, -EINVAL, "property offset must be a multiple of %u", QD_BLOCK_BYTES);
	d = xcalloc(1, sizeof *d);
	d->io = io;
	d->io_ctx = io_ctx;
	d->cluster = *setup->cluster;
	d->path = xstrdup(path);
	d->offset = offset;
	d->area = aligned_alloc(QD_BLOCK_BYTES, QD_AREA_BYTES);
	assert(d->area);
	*ret = d;
	return 0;
}

static int disk_open(const struct quorum_setup *setup, void **ret, struct err *err)
{
	return shared_disk_new(setup, &disk_io_real, NULL, ret, err);
}

/* ---- reading and writing ---- */

static void measure(struct shared_disk *d, double began_ms)
{
	double ms = MIN(quorum_now_ms() - began_ms, UNIT_MAX_MS);

	d->unit_ms = MAX(d->unit_ms, ms);
}

static int read_area(struct shared_disk *d, struct err *err)
{
	double began_ms = quorum_now_ms();
	int r = d->io->read(d->io_ctx, d->fd, d->area, QD_AREA_BYTES, d->offset);

	measure(d, began_ms);
	if (r == -ENXIO)
		return err_set(err, r, "%s ends before its quorum area does", d->path);
	if (r < 0)
		return err_set(err, r, "cannot read %s: %s", d->path, strerror(-r));
	return 0;
}

static int write_at(struct shared_disk *d, size_t at, size_t len, struct err *err)
{
	double began_ms = quorum_now_ms();
	int r = d->io->write(d->io_ctx, d->fd, d->area + at, len, d->offset + at);

	measure(d, began_ms);
	return r < 0 ? err_set(err, r, "cannot write to %s: %s", d->path, strerror(-r)) : 0;
}

static int check_owner(const struct shared_disk *d, const struct qd_label *label, struct err *err)
{
	if (label->cluster_id == d->cluster.id && streq(label->cluster, d->cluster.name))
		return 0;
	return err_set(err, -EPERM, "%s belongs to the cluster %s (id 0x%08X)", d->path, label->cluster, label->cluster_id);
}

/* Takes apart what read_area() has got. */
static int decode_blocks(struct shared_disk *d, struct pax_blocks *ret, struct err *err)
{
	uint64_t seqs[PAX_NODES + 1] = { 0 };

	for (uint32_t node = 1; node <= PAX_NODES; node++) {
		int r = qd_pair_decode(d->format, node, d->area + qd_slot_offset(node, 0), &seqs[node], &ret->of[node], err);

		if (r < 0)
			return err_prefix(err, r, "%s", d->path);
		if (seqs[node] < d->seen[node])
			return err_set(err, -EIO, "%s: the block of node %u is older than it was before", d->path, node);
	}
	memcpy(d->seen, seqs, sizeof seqs);
	return 0;
}

/* first: of this operation.  Only then may the disk have another format than before: somebody has prepared it anew. */
static int read_once(struct shared_disk *d, bool first, struct pax_blocks *ret, struct err *err)
{
	struct qd_label label;
	int r = read_area(d, err);

	if (r < 0)
		return r;
	r = qd_label_decode(d->area, &label, err);
	if (r < 0)
		return err_prefix(err, r == -EIO ? r : -EUCLEAN, "%s", d->path);
	r = check_owner(d, &label, err);
	if (r < 0)
		return r;
	if (label.format != d->format && !first)
		return err_set(err, -ESTALE, "%s was prepared anew in the middle of an operation", d->path);
	if (label.format != d->format)
		memset(d->seen, 0, sizeof d->seen);
	d->format = label.format;
	return decode_blocks(d, ret, err);
}

static int read_blocks(struct shared_disk *d, bool first, struct pax_blocks *ret, struct err *err)
{
	int r = read_once(d, first, ret, err);

	for (unsigned i = 0; r == -EIO && i < REREADS; i++) {
		quorum_pause(1u << i);
		r = read_once(d, first, ret, err);
	}
	return r;
}

static int write_own(struct shared_disk *d, const struct pax_block *body, struct err *err)
{
	uint64_t seq = d->seen[d->cluster.self] + 1;
	size_t at = qd_slot_offset(d->cluster.self, seq);
	int r;

	qd_block_encode(d->format, d->cluster.self, seq, body, d->area + at);
	r = write_at(d, at, QD_BLOCK_BYTES, err);
	if (r == 0)
		d->seen[d->cluster.self] = seq;
	return r;
}

/* ---- operations on the keys ---- */

/* Carries out one update of the core; the event that follows is in *ret_event. */
static int carry_out(struct shared_disk *d, const struct pax *pax, const struct pax_update *u, bool first,
		     struct pax_blocks *blocks, enum pax_event *ret_event, struct err *err)
{
	int r = 0;

	if (u->action == PAX_READ) {
		*ret_event = PAX_EV_BLOCKS;
		return read_blocks(d, first, blocks, err);
	}
	if (u->action == PAX_WAIT) {
		*ret_event = PAX_EV_WAITED;
		quorum_pause((unsigned)(u->wait * MAX(d->unit_ms, 1.0)));
		return 0;
	}
	*ret_event = PAX_EV_WRITTEN;
	r = write_own(d, &u->block, err);
	/* What is being published was decided already, and is on the disk as that. */
	return pax->phase == PAX_PUBLISH ? 0 : r;
}

static int keys_result(const struct shared_disk *d, const struct pax_update *u, struct quorum_answer *ret)
{
	ret->keys = u->keys;
	ret->has_keys = u->action == PAX_DONE || u->action == PAX_PREEMPTED;
	switch (u->action) {
	case PAX_DONE:
		ret->result = QUORUM_OK;
		return 0;
	case PAX_PREEMPTED:
		ret->result = QUORUM_PREEMPTED;
		return err_set(&ret->err, -EACCES, "the key of this node is not on %s", d->path);
	case PAX_GAVE_UP:
		return err_set(&ret->err, -EBUSY, "%s: other nodes were faster %d times in a row", d->path, PAX_TRIES_MAX);
	default:
		return err_set(&ret->err, -EIO, "%s: %s", d->path, u->why);
	}
}

static int run_keys(struct shared_disk *d, const struct quorum_request *request, struct quorum_answer *ret)
{
	_cleanup_free_ struct pax_blocks *blocks = xcalloc(1, sizeof *blocks);
	struct pax_update u;
	enum pax_event event;
	struct pax pax;
	uint64_t seed;
	int r = 0;

	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		seed = (uint64_t)(quorum_now_ms() * 1e6) + d->cluster.self;
	pax_start(&pax, d->cluster.self, pax_ops[request->op], request->keep, seed, &u);
	for (bool first = true; r == 0 && u.action <= PAX_WAIT; first = false) {
		r = carry_out(d, &pax, &u, first, blocks, &event, &ret->err);
		if (r == 0)
			pax_step(&pax, event, blocks, &u);
	}
	if (r == 0)
		r = keys_result(d, &u, ret);
	if (ret->result == QUORUM_ERROR && pax_open(&pax)) {
		_cleanup_free_ char *why = xstrdup(ret->err.text);

		r = err_set(&ret->err, ret->err.code, "%.900s; it is open whether this %s still takes effect", why,
			    quorum_op_names[request->op]);
	}
	return r;
}

/* ---- prepare ---- */

static int format_area(struct shared_disk *d, struct err *err)
{
	struct qd_label label = { .cluster_id = d->cluster.id };
	_cleanup_free_ uint8_t *wrote = xcalloc(1, QD_AREA_BYTES);
	int r;

	memcpy(label.cluster, d->cluster.name, sizeof label.cluster);
	while (!label.format)
		if (getrandom(&label.format, sizeof label.format, 0) != sizeof label.format)
			return err_set(err, -EIO, "the system has no random numbers");
	/* Without a label first: were we to die in the middle, it must not look prepared. */
	memset(d->area, 0, QD_BLOCK_BYTES);
	r = write_at(d, 0, QD_BLOCK_BYTES, err);
	qd_area_format(&label, d->area);
	memcpy(wrote, d->area, QD_AREA_BYTES);
	if (r == 0)
		r = write_at(d, QD_BLOCK_BYTES, QD_AREA_BYTES - QD_BLOCK_BYTES, err);
	if (r == 0)
		r = write_at(d, 0, QD_BLOCK_BYTES, err);
	if (r == 0)
		r = read_area(d, err);
	if (r == 0 && memcmp(d->area, wrote, QD_AREA_BYTES) != 0)
		return err_set(err, -EIO, "%s does not give back what was written to it, or another node prepares it, too", d->path);
	return r;
}

static bool area_is_empty(const struct shared_disk *d)
{
	for (size_t i = 0; i < QD_AREA_BYTES; i++)
		if (d->area[i])
			return false;
	return true;
}

/* 0: it may be formatted; 1: it is ours already, with its keys; else who has it. */
static int judge_area(struct shared_disk *d, struct err *err)
{
	struct pax_blocks blocks;
	struct qd_label label;
	int r = read_area(d, err);

	if (r < 0 || area_is_empty(d))
		return r;
	r = qd_label_decode(d->area, &label, err);
	if (r < 0)
		return r == -EIO ? err_prefix(err, r, "%s", d->path) : err_set(err, -EEXIST, "%s holds other data", d->path);
	r = check_owner(d, &label, err);
	if (r < 0)
		return r;
	d->format = label.format;
	memset(d->seen, 0, sizeof d->seen);
	r = decode_blocks(d, &blocks, err);
	return r < 0 ? r : 1;
}

static int make_room(struct shared_disk *d, struct err *err)
{
	uint64_t size = 0, need = d->offset + QD_AREA_BYTES;
	int r = d->io->size(d->io_ctx, d->fd, &size);

	if (r == 0 && size < need)
		r = d->io->extend(d->io_ctx, d->fd, need);
	if (r == -ENOTSUP)
		return err_set(err, -ENOSPC, "%s has %llu bytes, %llu are needed", d->path, (unsigned long long)size,
			       (unsigned long long)need);
	return r < 0 ? err_set(err, r, "cannot make room on %s: %s", d->path, strerror(-r)) : 0;
}

static int run_prepare(struct shared_disk *d, const struct quorum_request *request, struct quorum_answer *ret)
{
	int r = make_room(d, &ret->err);

	if (r < 0)
		return r;
	r = judge_area(d, &ret->err);
	if (r < 0 && !request->force) {
		_cleanup_free_ char *why = xstrdup(ret->err.text);

		return err_set(&ret->err, r, "%.900s; \"force\":true overwrites it", why);
	}
	if (r <= 0 || request->force)
		r = format_area(d, &ret->err);
	if (r < 0)
		return r;
	ret->result = QUORUM_OK;
	ret->err = (struct err) { 0 };
	if (r == 1)
		(void)snprintf(ret->err.text, sizeof ret->err.text, "%s was prepared already; its keys are as they were",
			       d->path);
	return 0;
}

/* ---- one operation ---- */

static int lock_own(struct shared_disk *d, const struct quorum_request *request, struct err *err)
{
	bool all = request->op == QOP_PREPARE;
	size_t own = qd_slot_offset(d->cluster.self, 0);
	int r = d->io->lock(d->io_ctx, d->fd, d->offset + (all ? 0 : own), all ? QD_AREA_BYTES : 2 * QD_BLOCK_BYTES);

	if (r == -EBUSY)
		return err_set(err, r, "another process of this machine uses %s, or has not ended yet", d->path);
	return r < 0 ? err_set(err, r, "cannot lock %s: %s", d->path, strerror(-r)) : 0;
}

static void disk_run(void *device, const struct quorum_request *request, struct quorum_answer *ret)
{
	struct shared_disk *d = device;
	int r;

	*ret = (struct quorum_answer) { .result = QUORUM_ERROR };
	d->unit_ms = 0;
	r = d->io->open(d->io_ctx, d->path, request->op == QOP_PREPARE, &d->fd, &ret->err);
	if (r < 0)
		return;
	r = lock_own(d, request, &ret->err);
	if (r == 0)
		(void)(request->op == QOP_PREPARE ? run_prepare : run_keys)(d, request, ret);   /* the answer says it all */
	d->io->close(d->io_ctx, d->fd);
}

const struct quorum_device_ops shared_disk_ops = {
	.type = "shared_disk", .open = disk_open, .close = disk_close, .run = disk_run,
};
