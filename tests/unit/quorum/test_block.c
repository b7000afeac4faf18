/* Whole, torn and rotten blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>

#include <cmocka.h>

#include "quorum/block.h"

#define FORMAT 0x1234567890abcdefull
#define NODE   3u

struct pair { uint8_t b[2 * QD_BLOCK_BYTES]; };

static struct pax_block body(uint64_t seq)
{
	return (struct pax_block) { .instance = 5, .mbal = 64 * seq + NODE - 1, .bal = 0, .inp = 0, .dec = 7 };
}

/* The first n sectors of the block with that number. */
static void put(struct pair *p, uint64_t seq, size_t n)
{
	struct pax_block b = body(seq);
	uint8_t block[QD_BLOCK_BYTES];

	qd_block_encode(FORMAT, NODE, seq, &b, block);
	memcpy(p->b + (seq & 1) * QD_BLOCK_BYTES, block, n * QD_SECTOR_BYTES);
}

static int newest(const struct pair *p)
{
	struct pax_block b;
	uint64_t seq;
	int r = qd_pair_decode(FORMAT, NODE, p->b, &seq, &b, NULL);

	if (r < 0)
		return r;
	assert_true(b.mbal == body(seq).mbal && b.dec == 7 && b.instance == 5);
	return (int)seq;
}

static void test_torn_writes(void **state)
{
	for (uint64_t seq = 4; seq <= 5; seq++)
		for (size_t n = 0; n <= QD_SECTORS; n++) {
			struct pair p;

			put(&p, seq - 2, QD_SECTORS);
			put(&p, seq - 1, QD_SECTORS);
			put(&p, seq, n);
			assert_int_equal(newest(&p), n == QD_SECTORS ? seq : seq - 1);
		}
}

static void test_rot(void **state)
{
	for (size_t at = 0; at < 2 * QD_BLOCK_BYTES; at++) {
		struct pair p;

		put(&p, 4, QD_SECTORS);
		put(&p, 5, QD_SECTORS);
		p.b[at] ^= 0x10;
		assert_int_equal(newest(&p), -EIO);
	}
}

static void test_slots_that_do_not_fit(void **state)
{
	struct pair p = { 0 };
	struct pax_block b = body(4);

	assert_int_equal(newest(&p), -EIO);             /* zeros are not "nothing registered" */
	put(&p, 4, QD_SECTORS);
	assert_int_equal(newest(&p), -EIO);
	put(&p, 7, QD_SECTORS);
	assert_int_equal(newest(&p), -EIO);             /* 5 and 6 were written, too: where is 6? */
	put(&p, 5, QD_SECTORS);
	assert_int_equal(newest(&p), 5);
	qd_block_encode(FORMAT, NODE + 1, 4, &b, p.b);
	assert_int_equal(newest(&p), -EIO);             /* the block of another node */
	qd_block_encode(FORMAT + 1, NODE, 4, &b, p.b);
	assert_int_equal(newest(&p), -EIO);             /* of an older format */
	put(&p, 5, QD_SECTORS);
	put(&p, 4, QD_SECTORS);
	memcpy(p.b + QD_BLOCK_BYTES, p.b, QD_BLOCK_BYTES);
	assert_int_equal(newest(&p), -EIO);             /* in the wrong slot */
}

static void test_torn_beside_torn(void **state)
{
	struct pair p;

	put(&p, 4, QD_SECTORS);
	put(&p, 5, QD_SECTORS);
	put(&p, 6, 3);
	put(&p, 7, 3);
	assert_int_equal(newest(&p), -EIO);
}

static void test_label(void **state)
{
	struct qd_label label = { .format = FORMAT, .cluster_id = 0x3908EE1C, .cluster = "demo" }, back;
	uint8_t block[QD_BLOCK_BYTES] = { 0 };
	struct err err = { 0 };

	assert_int_equal(qd_label_decode(block, &back, &err), -ENODATA);
	block[100] = 1;
	assert_int_equal(qd_label_decode(block, &back, &err), -EILSEQ);
	qd_label_encode(&label, block);
	assert_int_equal(qd_label_decode(block, &back, &err), 0);
	assert_true(back.format == FORMAT && back.cluster_id == 0x3908EE1C);
	assert_string_equal(back.cluster, "demo");
	block[4000] ^= 1;
	assert_int_equal(qd_label_decode(block, &back, &err), -EIO);
}

static void test_format(void **state)
{
	struct qd_label label = { .format = FORMAT, .cluster_id = 1, .cluster = "demo" };
	uint8_t *area = xcalloc(1, QD_AREA_BYTES);

	qd_area_format(&label, area);
	for (uint32_t node = 1; node <= PAX_NODES; node++) {
		struct pax_block b;
		uint64_t seq;

		assert_int_equal(qd_pair_decode(FORMAT, node, area + qd_slot_offset(node, 0), &seq, &b, NULL), 0);
		assert_int_equal(seq, QD_FIRST_SEQ);
		assert_int_equal(b.instance, 1);
		assert_true(!b.mbal && !b.bal && !b.inp && !b.dec);
	}
	free(area);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_torn_writes),
		cmocka_unit_test(test_rot),
		cmocka_unit_test(test_slots_that_do_not_fit),
		cmocka_unit_test(test_torn_beside_torn),
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
