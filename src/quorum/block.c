/* The area of a quorum disk, from the offset of the device on:
 *
 *   block 0              the label
 *   block 1, 2           the two slots of node 1: the block with an even sequence number is in the first, odd in the second
 *   block 3, 4           of node 2 ... up to node 64: 129 blocks, 528384 bytes
 *
 * A block is 8 sectors of 512 bytes, each like this, numbers big-endian:
 *
 *     0   8  "PHQDISK1"
 *     8   8  format: the random number of this format
 *    16   8  sequence number of the block
 *    24   4  node; 0 for the label
 *    28   4  number of the sector in the block, 0 to 7
 *    32 472  content; of the sectors 1 to 7: zeros
 *   504   8  checksum over the 504 bytes before
 *
 * Content of sector 0 of a slot: instance, mbal, bal, inp, dec, 8 bytes each.
 * Content of sector 0 of the label: version 4, cluster id 4, cluster name 256, ended by a zero.
 *
 * Torn or rotten?  A disk writes a sector as a whole or not at all, but of the 8 it may write some.  A write that was cut
 * short leaves sectors that are all sound, some with the old sequence number of that slot, some with the new one, which is
 * two higher; the node's other slot has the one in between.  Such a write never ended, so nobody was told that it did, and
 * the other slot is what counts.  Everything else that is not whole was written once and has been lost: if the older slot
 * stood in for it, the node would forget a promise.  That is an I/O error, never "nothing there". */
#include "quorum/block.h"

#include <endian.h>
#include <errno.h>

#define VERSION 1u

static const char magic[8] = { 'P', 'H', 'Q', 'D', 'I', 'S', 'K', '1' };

struct sector {
	char     magic[8];
	uint64_t format, seq;
	uint32_t node, number;
	uint8_t  content[472];
	uint64_t checksum;
};
static_assert(sizeof(struct sector) == QD_SECTOR_BYTES, "a sector has no holes");

struct slot_content  { uint64_t instance, mbal, bal, inp, dec; };
struct label_content { uint32_t version, cluster_id; char cluster[QD_NAME_MAX + 1]; };
static_assert(sizeof(struct label_content) <= sizeof ((struct sector *)0)->content, "the label fits into a sector");

/* Against rot, not against malice: 64 bits, word by word, so that half a megabyte takes no time. */
static uint64_t checksum(const struct sector *s)
{
	uint64_t words[(QD_SECTOR_BYTES - 8) / 8], hash = 0x9e3779b97f4a7c15ull;

	memcpy(words, s, sizeof words);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		hash = (hash ^ words[i]) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	return hash;
}

static void encode(uint64_t format, uint32_t node, uint64_t seq, const void *content, size_t len, uint8_t *block)
{
	for (uint32_t i = 0; i < QD_SECTORS; i++) {
		struct sector s = { .format = htobe64(format), .seq = htobe64(seq), .node = htobe32(node), .number = htobe32(i) };

		memcpy(s.magic, magic, sizeof s.magic);
		if (i == 0)
			memcpy(s.content, content, len);
		s.checksum = checksum(&s);
		memcpy(block + i * QD_SECTOR_BYTES, &s, sizeof s);
	}
}

enum state { WHOLE, TORN, ROTTEN };

/* seq: of a whole block; of a torn one, the number it was to get. */
struct found { enum state state; uint64_t seq; struct sector first; };

static bool sector_sound(const struct sector *s, uint64_t format, uint32_t node, uint32_t number)
{
	return memcmp(s->magic, magic, sizeof magic) == 0 && s->checksum == checksum(s) && be64toh(s->format) == format &&
	       be32toh(s->node) == node && be32toh(s->number) == number;
}

static struct found decode(const uint8_t *block, uint64_t format, uint32_t node)
{
	struct found found = { .state = ROTTEN };
	uint64_t low = UINT64_MAX, high = 0;

	for (uint32_t i = 0; i < QD_SECTORS; i++) {
		struct sector s;

		memcpy(&s, block + i * QD_SECTOR_BYTES, sizeof s);
		if (!sector_sound(&s, format, node, i))
			return found;
		if (i == 0)
			found.first = s;
		low = MIN(low, be64toh(s.seq));
		high = MAX(high, be64toh(s.seq));
	}
	for (uint32_t i = 0; i < QD_SECTORS; i++) {
		struct sector s;

		memcpy(&s, block + i * QD_SECTOR_BYTES, sizeof s);
		if (be64toh(s.seq) != low && be64toh(s.seq) != high)
			return found;
	}
	found.seq = high;
	found.state = low == high ? WHOLE : high - low == 2 ? TORN : ROTTEN;
	return found;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

void qd_label_encode(const struct qd_label *label, uint8_t block[QD_BLOCK_BYTES])
{
	struct label_content c = { .version = htobe32(VERSION), .cluster_id = htobe32(label->cluster_id) };

	assert(label->format);
	memcpy(c.cluster, label->cluster, strnlen(label->cluster, QD_NAME_MAX));
	encode(label->format, 0, 0, &c, sizeof c, block);
}

int qd_label_decode(const uint8_t block[QD_BLOCK_BYTES], struct qd_label *ret, struct err *err)
{
	struct qd_label label = { 0 };
	struct label_content c;
	struct sector first;

	if (all_zero(block, QD_BLOCK_BYTES))
		return err_set(err, -ENODATA, "the device is not prepared: there are only zeros where the label should be");
	memcpy(&first, block, sizeof first);
	if (memcmp(first.magic, magic, sizeof magic) != 0)
		return err_set(err, -EILSEQ, "the device holds no quorum label, but other data");
	label.format = be64toh(first.format);
	memcpy(&c, first.content, sizeof c);
	if (decode(block, label.format, 0).state != WHOLE || !label.format)
		return err_set(err, -EIO, "the quorum label is damaged");
	if (be32toh(c.version) != VERSION)
		return err_set(err, -EIO, "the quorum label has version %u, this software knows %u", be32toh(c.version), VERSION);
	label.cluster_id = be32toh(c.cluster_id);
	memcpy(label.cluster, c.cluster, QD_NAME_MAX);
	*ret = label;
	return 0;
}

void qd_block_encode(uint64_t format, uint32_t node, uint64_t seq, const struct pax_block *body, uint8_t block[QD_BLOCK_BYTES])
{
	struct slot_content c = {
		htobe64(body->instance), htobe64(body->mbal), htobe64(body->bal), htobe64(body->inp), htobe64(body->dec),
	};

	assert(node >= 1 && node <= PAX_NODES);
	encode(format, node, seq, &c, sizeof c, block);
}

static struct pax_block body_of(const struct found *found)
{
	struct slot_content c;

	memcpy(&c, found->first.content, sizeof c);
	return (struct pax_block) { be64toh(c.instance), be64toh(c.mbal), be64toh(c.bal), be64toh(c.inp), be64toh(c.dec) };
}

int qd_pair_decode(uint64_t format, uint32_t node, const uint8_t pair[2 * QD_BLOCK_BYTES], uint64_t *ret_seq,
		   struct pax_block *ret_body, struct err *err)
{
	struct found slots[2] = { decode(pair, format, node), decode(pair + QD_BLOCK_BYTES, format, node) };
	const struct found *older = slots[0].seq < slots[1].seq ? &slots[0] : &slots[1];
	const struct found *newer = older == &slots[0] ? &slots[1] : &slots[0];
	/* Which counts: the newer one if it is whole, the one before if the newer was not finished. */
	const struct found *good = newer->state == WHOLE ? newer : older;

	for (size_t i = 0; i < 2; i++)
		if (slots[i].state == ROTTEN)
			return err_set(err, -EIO, "the block of node %u is damaged (%s)", node,
				       all_zero(pair + i * QD_BLOCK_BYTES, QD_BLOCK_BYTES) ? "only zeros" : "wrong checksum");
	if (older->state != WHOLE || newer->seq != older->seq + 1 || (slots[0].seq & 1))
		return err_set(err, -EIO, "the two blocks of node %u do not follow each other", node);
	*ret_seq = good->seq;
	*ret_body = body_of(good);
	return 0;
}

void qd_area_format(const struct qd_label *label, uint8_t area[QD_AREA_BYTES])
{
	static const struct pax_block empty = { .instance = 1 };

	qd_label_encode(label, area);
	for (uint32_t node = 1; node <= PAX_NODES; node++)
		for (uint64_t seq = QD_FIRST_SEQ - 1; seq <= QD_FIRST_SEQ; seq++)
			qd_block_encode(label->format, node, seq, &empty, area + qd_slot_offset(node, seq));
}
