/* Software quorum on a disk that is slow, gone, full of something else, refuses, or lies. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "quorum/block.h"
#include "quorum/shared_disk.h"

/* A real file, with faults in front of it. */
struct bad_disk {
	char     path[64];
	int      read_error, write_error;       /* negative errno; 0: none */
	unsigned after;                         /* so many accesses before the error or the lie */
	bool     once;
	unsigned lies;                          /* so many reads are not what is on the disk */
	unsigned slow_ms;
	atomic_uint reads;
};

static bool strikes(struct bad_disk *b)
{
	if (b->after) {
		b->after--;
		return false;
	}
	return true;
}

static int bad_open(void *ctx, const char *path, bool create, int *ret, struct err *err)
{
	return disk_io_real.open(NULL, path, create, ret, err);
}

static int bad_size(void *ctx, int fd, uint64_t *ret)
{
	return disk_io_real.size(NULL, fd, ret);
}

static int bad_extend(void *ctx, int fd, uint64_t size)
{
	return disk_io_real.extend(NULL, fd, size);
}

static int bad_lock(void *ctx, int fd, uint64_t offset, uint64_t len)
{
	return disk_io_real.lock(NULL, fd, offset, len);
}

static int bad_read(void *ctx, int fd, void *buffer, size_t len, uint64_t offset)
{
	struct bad_disk *b = ctx;
	int r = disk_io_real.read(NULL, fd, buffer, len, offset);

	b->reads++;
	quorum_pause(b->slow_ms);
	if (b->read_error && strikes(b))
		return b->read_error;
	if (r == 0 && b->lies && strikes(b)) {
		b->lies--;
		memset((char *)buffer + qd_slot_offset(2, 0), 0, 2 * QD_BLOCK_BYTES);
	}
	return r;
}

static int bad_write(void *ctx, int fd, const void *buffer, size_t len, uint64_t offset)
{
	struct bad_disk *b = ctx;

	if (b->write_error && strikes(b))
		return b->write_error;
	return disk_io_real.write(NULL, fd, buffer, len, offset);
}

static void bad_close(void *ctx, int fd)
{
	disk_io_real.close(NULL, fd);
}

static const struct disk_io bad_io = {
	.open = bad_open, .size = bad_size, .extend = bad_extend, .lock = bad_lock, .read = bad_read, .write = bad_write,
	.close = bad_close,
};

static struct quorum_cluster cluster(uint32_t self, const char *name)
{
	struct quorum_cluster c = { .id = 0x3908EE1C, .self = self, .nodes = 7 };

	(void)snprintf(c.name, sizeof c.name, "%s", name);
	for (uint32_t id = 1; id <= 3; id++)
		c.keys[id] = 0x3908EE1C00000000u + id;
	return c;
}

static void *open_disk(struct bad_disk *bad, const struct quorum_cluster *c)
{
	json_t *properties = json_pack("{ss}", "path", bad->path);
	struct quorum_setup setup = { .cluster = c, .properties = properties };
	struct err err = { 0 };
	void *device = NULL;

	if (shared_disk_new(&setup, &bad_io, bad, &device, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(properties);
	return device;
}

/* Two nodes, each with its own way to one file. */
struct pair { struct bad_disk bad[3]; void *device[3]; };

static struct quorum_answer ask(struct pair *p, uint32_t node, enum quorum_op op, nodeset keep, bool force)
{
	struct quorum_request request = { .op = op, .keep = keep, .force = force };
	struct quorum_answer answer;

	shared_disk_ops.run(p->device[node], &request, &answer);
	return answer;
}

static void expect(struct pair *p, uint32_t node, enum quorum_op op, nodeset keep, enum quorum_result result, nodeset keys)
{
	struct quorum_answer a = ask(p, node, op, keep, false);

	if (a.result != result || (result == QUORUM_OK && op != QOP_PREPARE && a.keys != keys))
		fail_msg("node %u, %s: %s, keys %llx: %s", node, quorum_op_names[op], quorum_result_names[a.result],
			 (unsigned long long)a.keys, a.err.text);
}

static int setup_pair(void **state)
{
	struct pair *p = xcalloc(1, sizeof *p);
	int fd;

	(void)snprintf(p->bad[1].path, sizeof p->bad[1].path, "/tmp/quorum-disk-XXXXXX");
	fd = mkstemp(p->bad[1].path);
	assert_true(fd >= 0);
	close(fd);
	memcpy(p->bad[2].path, p->bad[1].path, sizeof p->bad[1].path);
	for (uint32_t node = 1; node <= 2; node++) {
		struct quorum_cluster c = cluster(node, "demo");

		p->device[node] = open_disk(&p->bad[node], &c);
	}
	expect(p, 1, QOP_PREPARE, 0, QUORUM_OK, 0);
	expect(p, 1, QOP_REGISTER, 0, QUORUM_OK, 1);
	expect(p, 2, QOP_REGISTER, 0, QUORUM_OK, 3);
	*state = p;
	return 0;
}

static int teardown_pair(void **state)
{
	struct pair *p = *state;

	for (uint32_t node = 1; node <= 2; node++)
		shared_disk_ops.close(p->device[node]);
	(void)unlink(p->bad[1].path);
	free(p);
	return 0;
}

static void test_life(void **state)
{
	struct pair *p = *state;

	expect(p, 1, QOP_PREPARE, 0, QUORUM_OK, 0);             /* again: the keys stay */
	expect(p, 2, QOP_CHECK, 0, QUORUM_OK, 3);
	expect(p, 1, QOP_TAKE, 3, QUORUM_OK, 3);
	expect(p, 1, QOP_TAKE, 1, QUORUM_OK, 1);
	expect(p, 2, QOP_TAKE, 2, QUORUM_PREEMPTED, 0);
	expect(p, 2, QOP_CHECK, 0, QUORUM_OK, 1);
	expect(p, 2, QOP_REGISTER, 0, QUORUM_OK, 3);
	expect(p, 2, QOP_TAKE, 2, QUORUM_OK, 2);
	expect(p, 1, QOP_UNREGISTER, 0, QUORUM_OK, 2);
	expect(p, 2, QOP_UNREGISTER, 0, QUORUM_OK, 0);
	expect(p, 1, QOP_REGISTER, 0, QUORUM_OK, 1);
	expect(p, 2, QOP_SCRUB, 0, QUORUM_OK, 0);
}

static void test_errors(void **state)
{
	struct pair *p = *state;

	for (unsigned after = 0; after < 4; after++) {
		p->bad[1].read_error = -EIO;
		p->bad[1].after = after;
		if (ask(p, 1, QOP_TAKE, 1, false).result == QUORUM_ERROR)
			expect(p, 1, QOP_CHECK, 0, QUORUM_ERROR, 0);
		p->bad[1].read_error = 0;
		p->bad[1].after = 0;
		expect(p, 2, QOP_REGISTER, 0, QUORUM_OK, 3);
	}
	for (unsigned after = 0; after < 3; after++) {
		struct quorum_answer a;

		p->bad[1].write_error = -EIO;
		p->bad[1].after = after;
		a = ask(p, 1, QOP_TAKE, 1, false);
		assert_int_equal(a.result, after == 2 ? QUORUM_OK : QUORUM_ERROR);      /* the third only tells the others */
		assert_int_equal(strstr(a.err.text, "it is open") != NULL, after == 1);
		p->bad[1].write_error = 0;
		p->bad[1].after = 0;
		expect(p, 2, QOP_REGISTER, 0, QUORUM_OK, 3);
	}
}

static void test_lies(void **state)
{
	struct pair *p = *state;

	p->bad[1].lies = 1;                     /* once: read again */
	expect(p, 1, QOP_CHECK, 0, QUORUM_OK, 3);
	p->bad[1].lies = 1;
	p->bad[1].after = 1;
	expect(p, 1, QOP_TAKE, 1, QUORUM_OK, 1);
	p->bad[1].lies = 100;                   /* always: an error, never "nobody is registered" */
	p->bad[1].after = 0;
	expect(p, 1, QOP_CHECK, 0, QUORUM_ERROR, 0);
	expect(p, 1, QOP_TAKE, 1, QUORUM_ERROR, 0);
}

static void overwrite(struct pair *p, size_t at, const void *data, size_t len)
{
	int fd = open(p->bad[1].path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0 && pwrite(fd, data, len, (off_t)at) == (ssize_t)len && fsync(fd) == 0);
	close(fd);
}

static void test_rot(void **state)
{
	static const char zeros[2 * QD_BLOCK_BYTES];
	struct pair *p = *state;
	struct quorum_answer a;

	overwrite(p, qd_slot_offset(2, 0), zeros, sizeof zeros);
	expect(p, 1, QOP_TAKE, 1, QUORUM_ERROR, 0);
	a = ask(p, 1, QOP_PREPARE, 0, false);
	assert_int_equal(a.result, QUORUM_ERROR);
	assert_non_null(strstr(a.err.text, "\"force\":true"));
	assert_int_equal(ask(p, 1, QOP_PREPARE, 0, true).result, QUORUM_OK);
	expect(p, 2, QOP_TAKE, 2, QUORUM_PREEMPTED, 0);
}

static void test_older_copy(void **state)
{
	struct pair *p = *state;
	char *copy = xcalloc(1, QD_AREA_BYTES);
	int fd = open(p->bad[1].path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, copy, QD_AREA_BYTES, 0), QD_AREA_BYTES);
	close(fd);
	expect(p, 1, QOP_TAKE, 1, QUORUM_OK, 1);
	overwrite(p, 0, copy, QD_AREA_BYTES);
	expect(p, 1, QOP_TAKE, 1, QUORUM_ERROR, 0);
	free(copy);
}

static void test_lost(void **state)
{
	struct pair *p = *state;

	assert_int_equal(truncate(p->bad[1].path, QD_AREA_BYTES / 2), 0);
	expect(p, 1, QOP_TAKE, 1, QUORUM_ERROR, 0);
	assert_int_equal(truncate(p->bad[1].path, QD_AREA_BYTES), 0);   /* its second half reads as zeros now */
	expect(p, 1, QOP_TAKE, 1, QUORUM_ERROR, 0);
	assert_int_equal(unlink(p->bad[1].path), 0);
	expect(p, 1, QOP_TAKE, 1, QUORUM_ERROR, 0);
	expect(p, 1, QOP_PREPARE, 0, QUORUM_OK, 0);
	expect(p, 2, QOP_REGISTER, 0, QUORUM_OK, 2);
}

static void test_owner(void **state)
{
	struct pair *p = *state;
	struct quorum_cluster other = cluster(2, "other");
	struct quorum_answer a;

	shared_disk_ops.close(p->device[2]);
	p->device[2] = open_disk(&p->bad[2], &other);
	expect(p, 2, QOP_REGISTER, 0, QUORUM_ERROR, 0);
	expect(p, 2, QOP_SCRUB, 0, QUORUM_ERROR, 0);
	a = ask(p, 2, QOP_PREPARE, 0, false);
	assert_int_equal(a.result, QUORUM_ERROR);
	assert_non_null(strstr(a.err.text, "belongs to the cluster demo"));
	assert_int_equal(ask(p, 2, QOP_PREPARE, 0, true).result, QUORUM_OK);
	expect(p, 1, QOP_TAKE, 1, QUORUM_ERROR, 0);
}

static void test_foreign_data(void **state)
{
	struct pair *p = *state;

	overwrite(p, 0, "a file system, say", 18);
	expect(p, 1, QOP_PREPARE, 0, QUORUM_ERROR, 0);
	expect(p, 1, QOP_TAKE, 1, QUORUM_ERROR, 0);
}

static void *slow_take(void *arg)
{
	expect(arg, 1, QOP_TAKE, 1, QUORUM_OK, 1);
	return NULL;
}

/* What waits for a slow disk keeps its place: nobody else of this machine may use its blocks meanwhile. */
static void test_slow(void **state)
{
	struct pair *p = *state;
	struct quorum_cluster same = cluster(1, "demo");
	struct bad_disk bad = { 0 };
	pthread_t thread;
	struct pair again = { 0 };
	unsigned before = p->bad[1].reads;

	memcpy(bad.path, p->bad[1].path, sizeof bad.path);
	again.bad[1] = bad;
	again.device[1] = open_disk(&again.bad[1], &same);
	p->bad[1].slow_ms = 100;
	assert_int_equal(pthread_create(&thread, NULL, slow_take, p), 0);
	while (p->bad[1].reads == before)
		quorum_pause(1);
	expect(&again, 1, QOP_CHECK, 0, QUORUM_ERROR, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	expect(&again, 1, QOP_CHECK, 0, QUORUM_OK, 1);
	shared_disk_ops.close(again.device[1]);
}

static void test_properties(void **state)
{
	static const struct { const char *properties, *text; } cases[] = {
		{ "{}", "property path is missing" },
		{ "{\"path\":\"disk\"}", "property path must begin with /" },
		{ "{\"path\":\"/d\",\"offset\":\"100\"}", "property offset must be a multiple of 4096" },
		{ "{\"path\":\"/d\",\"offset\":\"x\"}", "property offset must be a number" },
		{ "{\"path\":\"/d\",\"port\":\"1\"}", "there is no property port" },
		{ "{\"path\":7}", "property path must be a text" },
	};
	struct quorum_cluster c = cluster(1, "demo");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *properties = json_loads(cases[i].properties, 0, NULL);
		struct quorum_setup setup = { .cluster = &c, .properties = properties };
		struct err err = { 0 };
		void *device;

		assert_int_equal(shared_disk_ops.open(&setup, &device, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].text);
		json_decref(properties);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_errors, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_lies, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_rot, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_older_copy, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_lost, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_owner, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_foreign_data, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_slow, setup_pair, teardown_pair),
		cmocka_unit_test(test_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
