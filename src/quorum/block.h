/* How a quorum disk is laid out: blocks of 4096 bytes, made of sectors that each prove themselves.  Pure.
 * The layout, byte by byte, and what a torn write looks like: at the top of block.c. */
#pragma once
#include "base/err.h"
#include "quorum/paxos.h"

#define QD_BLOCK_BYTES  4096u
#define QD_SECTOR_BYTES 512u
#define QD_SECTORS      (QD_BLOCK_BYTES / QD_SECTOR_BYTES)
#define QD_BLOCKS       (1 + 2 * PAX_NODES)             /* the label, then two slots for each node */
#define QD_AREA_BYTES   ((size_t)QD_BLOCKS * QD_BLOCK_BYTES)
#define QD_NAME_MAX     255
#define QD_FIRST_SEQ    2u                              /* what format writes */

/* Whose disk it is. */
struct qd_label {
	uint64_t format;                /* random, new with each format: tells blocks of an older one from ours; not 0 */
	uint32_t cluster_id;
	char     cluster[QD_NAME_MAX + 1];
};

static inline size_t qd_slot_offset(uint32_t node, uint64_t seq)
{
	return (1 + 2 * (size_t)(node - 1) + (seq & 1)) * QD_BLOCK_BYTES;
}

void qd_label_encode(const struct qd_label *label, uint8_t block[QD_BLOCK_BYTES]);
/* -ENODATA: only zeros; -EILSEQ: something else lies there; -EIO: ours, but damaged or of another version. */
int  qd_label_decode(const uint8_t block[QD_BLOCK_BYTES], struct qd_label *ret, struct err *err);

/* seq: one more than the newest of this node; it says which of the two slots the block goes to. */
void qd_block_encode(uint64_t format, uint32_t node, uint64_t seq, const struct pax_block *body, uint8_t block[QD_BLOCK_BYTES]);
/* The newest whole block of a node, from its two slots, which follow each other.  -EIO: there is none for certain. */
int  qd_pair_decode(uint64_t format, uint32_t node, const uint8_t pair[2 * QD_BLOCK_BYTES], uint64_t *ret_seq,
		    struct pax_block *ret_body, struct err *err);
/* The whole area as it is after a format: nobody registered. */
void qd_area_format(const struct qd_label *label, uint8_t area[QD_AREA_BYTES]);
