/* Software quorum on any block device or file that all nodes see: no reservations, only reads and writes. */
#pragma once
#include "quorum/device.h"
#include "quorum/disk_io.h"

/* As shared_disk_ops.open, on a disk of the caller's. */
int shared_disk_new(const struct quorum_setup *setup, const struct disk_io *io, void *io_ctx, void **ret, struct err *err);
