/* A real iSCSI target, tgtd, in a network of its own.  tgtd knows a registered node by its session, not by initiator name and
 * ISID as it should: after a new login the node must register again.  Skipped (77) where there is no tgtd, or no right to make a network. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "quorum/device.h"

#define PORTAL     "127.0.0.1:3260"
#define TARGET     "iqn.2026-01.org.parhelion.test:disk"
#define RACES      30
#define DISK_BYTES (16 << 20)
#define START_MS   10000.0

static char dir[64], disk[80], control[80];
static pid_t tgtd;

static int run(const char *const *argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		(void)dup2(null, STDERR_FILENO);        /* tgtadm is tried until tgtd is there */
		(void)execvp(argv[0], (char *const *)argv);     /* it does not change them */
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define RUN(...) run((const char *const[]) { __VA_ARGS__, NULL })
#define TGTADM(...) RUN("tgtadm", "-C", "77", "--lld", "iscsi", __VA_ARGS__)

static void start_target(void)
{
	double until_ms = quorum_now_ms() + START_MS;

	tgtd = fork();
	if (tgtd == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);         /* no target outlives its test */
		(void)freopen("/dev/null", "w", stderr);
		(void)execlp("tgtd", "tgtd", "-f", "-C", "77", "--iscsi", "portal=" PORTAL, (char *)NULL);
		_exit(127);
	}
	while (TGTADM("--op", "new", "--mode", "target", "--tid", "1", "-T", TARGET) != 0) {
		assert_true(quorum_now_ms() < until_ms);
		quorum_pause(20);
	}
	assert_int_equal(TGTADM("--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1", "-b", disk), 0);
	assert_int_equal(TGTADM("--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL"), 0);
}

static void stop_target(void)
{
	(void)kill(tgtd, SIGKILL);
	(void)waitpid(tgtd, NULL, 0);
}

static bool never_retired(void *ctx)
{
	return false;
}

/* chap: a file with the secret of the user "quorum"; NULL: no CHAP. */
static void *chap_node(uint32_t self, const char *chap)
{
	struct quorum_cluster c = { .name = "demo", .id = 0x3908EE1C, .self = self, .nodes = 3 };
	json_t *properties = json_pack("{ss,ss,ss,ss,ss*,ss*}", "portal", PORTAL, "target", TARGET, "lun", "1", "timeout", "3",
				       "chap_user", chap ? "quorum" : NULL, "secret_file", chap);
	struct quorum_setup setup = { .cluster = &c, .properties = properties, .retired = never_retired };
	void *device = NULL;

	c.keys[1] = 0x3908EE1C00000001;
	c.keys[2] = 0x3908EE1C00000002;
	assert_int_equal(iscsi_ops.open(&setup, &device, NULL), 0);
	json_decref(properties);
	return device;
}

static void *node(uint32_t self)
{
	return chap_node(self, NULL);
}

static enum quorum_result ask(void *device, enum quorum_op op, nodeset keep, nodeset *ret_keys)
{
	struct quorum_request request = { .op = op, .keep = keep };
	struct quorum_answer answer;

	iscsi_ops.run(device, &request, &answer);
	if (ret_keys)
		*ret_keys = answer.keys;
	if (answer.result == QUORUM_ERROR)
		print_message("%s\n", answer.err.text);
	return answer.result;
}

static void expect(void *device, enum quorum_op op, nodeset keep, enum quorum_result result, nodeset keys)
{
	nodeset got;

	assert_int_equal(ask(device, op, keep, &got), result);
	assert_int_equal(got, keys);
}

static void test_life(void **state)
{
	void *one = node(1), *two = node(2);

	expect(one, QOP_PREPARE, 0, QUORUM_OK, 0);
	expect(one, QOP_REGISTER, 0, QUORUM_OK, 1);
	expect(two, QOP_REGISTER, 0, QUORUM_OK, 3);
	expect(one, QOP_TAKE, 3, QUORUM_OK, 3);
	expect(one, QOP_TAKE, 1, QUORUM_OK, 1);
	expect(two, QOP_TAKE, 2, QUORUM_PREEMPTED, 1);
	expect(two, QOP_REGISTER, 0, QUORUM_OK, 3);
	expect(one, QOP_UNREGISTER, 0, QUORUM_OK, 2);
	expect(one, QOP_SCRUB, 0, QUORUM_OK, 0);
	iscsi_ops.close(one);
	iscsi_ops.close(two);
}

struct racer { void *device; nodeset keep; enum quorum_result result; pthread_t thread; };

static void *race(void *arg)
{
	struct racer *r = arg;

	r->result = ask(r->device, QOP_TAKE, r->keep, NULL);
	return NULL;
}

static void test_race(void **state)
{
	struct racer r[2] = { { node(1), 1 }, { node(2), 2 } };

	for (unsigned i = 0; i < RACES; i++) {
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(ask(r[k].device, QOP_REGISTER, 0, NULL), QUORUM_OK);
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(pthread_create(&r[k].thread, NULL, race, &r[k]), 0);
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(pthread_join(r[k].thread, NULL), 0);
		assert_true((r[0].result == QUORUM_OK) != (r[1].result == QUORUM_OK));
		assert_true((r[0].result == QUORUM_PREEMPTED) != (r[1].result == QUORUM_PREEMPTED));
	}
	iscsi_ops.close(r[0].device);
	iscsi_ops.close(r[1].device);
}

static void test_target_gone(void **state)
{
	void *one = node(1);

	expect(one, QOP_CHECK, 0, QUORUM_OK, 0);
	stop_target();
	assert_int_equal(ask(one, QOP_CHECK, 0, NULL), QUORUM_ERROR);
	assert_int_equal(ask(one, QOP_REGISTER, 0, NULL), QUORUM_ERROR);        /* not logged in: nothing was sent */
	start_target();
	expect(one, QOP_REGISTER, 0, QUORUM_OK, 1);
	iscsi_ops.close(one);
}

static const char *secret_file(const char *secret)
{
	static char path[80];
	int fd;

	(void)snprintf(path, sizeof path, "%s/secret", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && write(fd, secret, strlen(secret)) == (ssize_t)strlen(secret));
	close(fd);
	return path;
}

static void test_chap(void **state)
{
	void *without = node(1), *wrong = chap_node(1, secret_file("wrong-secret\n")), *right;

	assert_int_equal(TGTADM("--op", "new", "--mode", "account", "--user", "quorum", "--password", "right-secret"), 0);
	assert_int_equal(TGTADM("--op", "bind", "--mode", "account", "--tid", "1", "--user", "quorum"), 0);
	assert_int_equal(ask(without, QOP_REGISTER, 0, NULL), QUORUM_ERROR);
	assert_int_equal(ask(wrong, QOP_REGISTER, 0, NULL), QUORUM_ERROR);
	right = chap_node(1, secret_file("right-secret\n"));
	expect(right, QOP_REGISTER, 0, QUORUM_OK, 1);
	iscsi_ops.close(without);
	iscsi_ops.close(wrong);
	iscsi_ops.close(right);
}

static int setup(void **state)
{
	int fd = open(disk, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0 && ftruncate(fd, DISK_BYTES) == 0);
	close(fd);
	start_target();
	return 0;
}

static int teardown(void **state)
{
	stop_target();
	(void)unlink(disk);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_race, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_target_gone, setup, teardown),
	};
	int r;

	(void)signal(SIGPIPE, SIG_IGN);                 /* as quorumd does */
	if (unshare(CLONE_NEWNET) < 0 || RUN("ip", "link", "set", "lo", "up") != 0 || RUN("sh", "-c", "command -v tgtd >/dev/null") != 0)
		return 77;
	(void)snprintf(dir, sizeof dir, "/tmp/quorum-iscsi-XXXXXX");
	assert(mkdtemp(dir));
	(void)snprintf(disk, sizeof disk, "%s/disk", dir);
	(void)snprintf(control, sizeof control, "%s/control", dir);
	setenv("TGT_IPC_SOCKET", control, 1);           /* no other tgtd of this machine is meant */
	r = cmocka_run_group_tests(tests, NULL, NULL);
	RUN("rm", "-rf", dir);
	return r;
}
