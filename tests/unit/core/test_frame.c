/* Messages as frames, there and back: sizes, damage, and what a receiver does that came in the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>

#include <cmocka.h>

#include "bus/frame.h"

#define LIMIT (64u << 20)

static unsigned char frame[FRAME_HEADER + FRAME_PAYLOAD];

static char *make_message(size_t len, unsigned seed)
{
	char *m = xcalloc(len + 1, 1);

	for (size_t i = 0; i < len; i++)
		m[i] = (char)(i * 31 + i / 251 + seed);
	return m;
}

static const struct { size_t len, frames; } sizes[] = {
	{ 0, 1 }, { 1, 1 }, { 59999, 1 }, { 60000, 1 }, { 60001, 2 }, { 120000, 2 }, { 120001, 3 }, { 10u << 20, 175 },
};

static void test_there_and_back(void **state)
{
	_cleanup_(buf_done) struct buf partial = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *message = make_message(sizes[i].len, (unsigned)i);
		size_t offset = 0, frames = 0;
		int r;

		do {
			size_t n = frame_make(message, sizes[i].len, offset, frame);

			offset += n - FRAME_HEADER;
			frames++;
			r = frame_take(&partial, frame, n, LIMIT);
			if (r != (offset == sizes[i].len))
				fail_msg("%zu bytes: %d after %zu frames", sizes[i].len, r, frames);
		} while (offset < sizes[i].len);
		assert_int_equal(frames, sizes[i].frames);
		assert_int_equal(partial.len, sizes[i].len);
		assert_memory_equal(partial.s, message, sizes[i].len);
		partial.len = 0;        /* as a receiver does */
	}
}

static void test_layout(void **state)
{
	static const unsigned char want[] = { 'P', 'H', 'P', '1', 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c' };

	(void)state;
	assert_int_equal(frame_make("abc", 3, 0, frame), sizeof want);
	assert_memory_equal(frame, want, sizeof want);
}

/* One header and payload each; what the receiver says to it when it has the first two bytes of a message of five. */
static const struct { const char *what; size_t len; uint32_t magic, total, offset; int want; size_t kept; } rows[] = {
	{ "no frame at all",           0,  FRAME_MAGIC,     5, 2, -EBADMSG, 2 },
	{ "half a header",             15, FRAME_MAGIC,     5, 2, -EBADMSG, 2 },
	{ "wrong magic",               19, FRAME_MAGIC + 1, 5, 2, -EBADMSG, 2 },
	{ "big-endian magic",          19, 0x50485031u,     5, 2, -EBADMSG, 2 },
	{ "beyond the end",            20, FRAME_MAGIC,     5, 2, -EBADMSG, 2 },
	{ "offset beyond the end",     16, FRAME_MAGIC,     5, 6, -EBADMSG, 2 },
	{ "offset that wraps",         16, FRAME_MAGIC,     5, UINT32_MAX, -EBADMSG, 2 },
	{ "longer than the limit",     19, FRAME_MAGIC,     LIMIT + 1, 2, -EBADMSG, 2 },
	{ "a gap",                     17, FRAME_MAGIC,     5, 4, 0, 2 },
	{ "the same again",            17, FRAME_MAGIC,     5, 1, 0, 2 },
	{ "the rest",                  19, FRAME_MAGIC,     5, 2, 1, 5 },
	{ "a part of the rest",        18, FRAME_MAGIC,     5, 2, 0, 4 },
	{ "a new message",             18, FRAME_MAGIC,     5, 0, 0, 2 },
	{ "a new whole message",       19, FRAME_MAGIC,     3, 0, 1, 3 },
	{ "a new empty message",       16, FRAME_MAGIC,     0, 0, 1, 0 },
};

static void put_header(uint32_t magic, uint32_t total, uint32_t offset)
{
	uint32_t header[4] = { htole32(magic), htole32(total), htole32(offset), 0 };

	memcpy(frame, header, sizeof header);
	memset(frame + FRAME_HEADER, 'z', 16);
}

static void test_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf partial = { 0 };
		int r;

		put_header(FRAME_MAGIC, 5, 0);
		assert_int_equal(frame_take(&partial, frame, FRAME_HEADER + 2, LIMIT), 0);
		put_header(rows[i].magic, rows[i].total, rows[i].offset);
		r = frame_take(&partial, frame, rows[i].len, LIMIT);
		if (r != rows[i].want || partial.len != rows[i].kept)
			fail_msg("%s: %d, %zu bytes kept", rows[i].what, r, partial.len);
	}
}

/* The rest of a message whose beginning nobody saw is dropped; the next message is whole. */
static void test_joining_in_the_middle(void **state)
{
	_cleanup_free_ char *message = make_message(150000, 1);
	_cleanup_(buf_done) struct buf partial = { 0 };
	int last = 0;

	(void)state;
	for (size_t offset = FRAME_PAYLOAD; offset < 150000; offset += FRAME_PAYLOAD)
		assert_int_equal(frame_take(&partial, frame, frame_make(message, 150000, offset, frame), LIMIT), 0);
	assert_int_equal(partial.len, 0);
	for (size_t offset = 0; offset < 150000; offset += FRAME_PAYLOAD)
		last = frame_take(&partial, frame, frame_make(message, 150000, offset, frame), LIMIT);
	assert_int_equal(last, 1);
	assert_memory_equal(partial.s, message, 150000);
}

/* A sender that leaves and comes back begins anew; what it had begun is forgotten. */
static void test_begun_and_left(void **state)
{
	_cleanup_free_ char *message = make_message(100000, 2);
	_cleanup_(buf_done) struct buf partial = { 0 };

	(void)state;
	assert_int_equal(frame_take(&partial, frame, frame_make(message, 100000, 0, frame), LIMIT), 0);
	partial.len = 0;
	assert_int_equal(frame_take(&partial, frame, frame_make(message, 100000, FRAME_PAYLOAD, frame), LIMIT), 0);
	assert_int_equal(frame_take(&partial, frame, frame_make("hi", 2, 0, frame), LIMIT), 1);
	assert_memory_equal(partial.s, "hi", 2);
}

/* Frames of several senders come mixed: one buffer each. */
static void test_interleaved(void **state)
{
	enum { SENDERS = 3, LEN = 130000 };
	char *message[SENDERS];
	struct buf partial[SENDERS] = { 0 };

	(void)state;
	for (unsigned i = 0; i < SENDERS; i++)
		message[i] = make_message(LEN, i * 7);
	for (size_t offset = 0; offset < LEN; offset += FRAME_PAYLOAD)
		for (unsigned i = 0; i < SENDERS; i++)
			assert_int_equal(frame_take(&partial[i], frame, frame_make(message[i], LEN, offset, frame), LIMIT),
					 offset + FRAME_PAYLOAD >= LEN);
	for (unsigned i = 0; i < SENDERS; i++) {
		assert_memory_equal(partial[i].s, message[i], LEN);
		buf_done(&partial[i]);
		free(message[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_joining_in_the_middle),
		cmocka_unit_test(test_begun_and_left),
		cmocka_unit_test(test_interleaved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
