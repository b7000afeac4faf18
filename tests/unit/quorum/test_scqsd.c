/* A real quorum server on the loopback: keys, secrets, restarts, nonsense.  Argument: the program. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "quorum/qs_message.h"
#include "quorum/qs_tls.h"

#define SECRET       "demo:000102030405060708090a0b0c0d0e0f"
#define OTHER_SECRET "demo:ff0102030405060708090a0b0c0d0e0f"
#define RACES        50

static const char *program;
static char dir[64];

struct server { pid_t pid; int port; bool plain; };

static bool never_retired(void *ctx)
{
	return false;
}

/* A file below dir; the result lives until the next call. */
static const char *file(const char *name, const char *text, mode_t mode)
{
	static char path[128];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = text ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	if (text) {
		assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
		close(fd);
	}
	return path;
}

/* A port that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void start(struct server *s)
{
	_cleanup_free_ char *port = xasprintf("%d", s->port), *state = xasprintf("%s/state", dir), *ready = NULL;
	const char *secret = file("server.psk", "# secrets\n\n" SECRET "\nother:a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n", 0600);
	struct pollfd p = { .events = POLLIN };
	int ends[2];
	char c;

	assert_int_equal(pipe2(ends, 0), 0);
	ready = xasprintf("%d", ends[1]);
	s->pid = fork();
	if (s->pid == 0) {
		close(ends[0]);
		setenv("PARHELION_READY_FD", ready, 1);
		if (s->plain)
			(void)execl(program, program, "-d", state, "-p", port, "--plain", (char *)NULL);
		else
			(void)execl(program, program, "-d", state, "-p", port, "-s", secret, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	p.fd = ends[0];
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(ends[0], &c, 1), 1);      /* 0 bytes: it has ended */
	close(ends[0]);
}

static void stop(struct server *s, int signum)
{
	int status;

	(void)kill(s->pid, signum);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_true(signum == SIGKILL || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

/* secret_file NULL: plain. */
static void *client(const struct server *s, const char *cluster, uint32_t id, uint32_t self, const char *secret_file)
{
	struct quorum_cluster c = { .id = id, .self = self, .nodes = 7 };
	json_t *properties = json_pack("{ss,si,ss,ss*}", "host", "127.0.0.1", "port", s->port, "timeout", "5", "secret_file", secret_file);
	struct quorum_setup setup = { .cluster = &c, .properties = properties, .retired = never_retired };
	struct err err = { 0 };
	void *device = NULL;

	(void)snprintf(c.name, sizeof c.name, "%s", cluster);
	for (uint32_t node = 1; node <= 3; node++)
		c.keys[node] = ((uint64_t)id << 32) + node;
	if (quorum_server_ops.open(&setup, &device, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(properties);
	return device;
}

static struct quorum_answer ask(void *device, enum quorum_op op, nodeset keep)
{
	struct quorum_request request = { .op = op, .keep = keep };
	struct quorum_answer answer;

	quorum_server_ops.run(device, &request, &answer);
	return answer;
}

static void expect(void *device, enum quorum_op op, nodeset keep, enum quorum_result result, nodeset keys)
{
	struct quorum_answer a = ask(device, op, keep);

	if (a.result != result || (a.has_keys && a.keys != keys))
		fail_msg("%s: %s, keys %llx: %s", quorum_op_names[op], quorum_result_names[a.result], (unsigned long long)a.keys,
			 a.err.text);
}

static void test_life(void **state)
{
	struct server *s = *state;
	const char *secret = file("client.psk", SECRET "\n", 0600);
	void *one = client(s, "demo", 1, 1, secret), *two = client(s, "demo", 1, 2, secret), *same = client(s, "demo", 2, 1, secret);

	expect(one, QOP_PREPARE, 0, QUORUM_OK, 0);
	expect(one, QOP_TAKE, 1, QUORUM_PREEMPTED, 0);
	expect(one, QOP_REGISTER, 0, QUORUM_OK, 1);
	expect(two, QOP_REGISTER, 0, QUORUM_OK, 3);
	expect(same, QOP_CHECK, 0, QUORUM_OK, 0);               /* another id is another cluster */
	expect(one, QOP_TAKE, 3, QUORUM_OK, 3);
	expect(two, QOP_TAKE, 2, QUORUM_OK, 2);
	expect(one, QOP_TAKE, 1, QUORUM_PREEMPTED, 2);
	stop(s, SIGKILL);
	start(s);
	expect(one, QOP_TAKE, 1, QUORUM_PREEMPTED, 2);
	expect(two, QOP_TAKE, 2, QUORUM_OK, 2);
	stop(s, SIGTERM);
	start(s);
	expect(one, QOP_REGISTER, 0, QUORUM_OK, 3);
	expect(two, QOP_UNREGISTER, 0, QUORUM_OK, 1);
	expect(two, QOP_SCRUB, 0, QUORUM_OK, 0);
	quorum_server_ops.close(one);
	quorum_server_ops.close(two);
	quorum_server_ops.close(same);
}

static void test_secrets(void **state)
{
	struct server *s = *state;
	static const struct { const char *cluster, *line, *text; mode_t mode; } cases[] = {
		{ "demo", OTHER_SECRET, "does not accept the secret", 0600 },
		{ "nobody", "nobody:000102030405060708090a0b0c0d0e0f", "does not accept the secret", 0600 },
		{ "other", SECRET, "holds no secret for cluster other", 0600 },
		{ "demo", SECRET, "readable by nobody else", 0640 },
		{ "demo", "demo:00", "a line is CLUSTER:SECRET", 0600 },
		{ "demo", "", "holds no secret", 0600 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		void *one = client(s, cases[i].cluster, 1, 1, file("bad.psk", cases[i].line, cases[i].mode));
		struct quorum_answer a = ask(one, QOP_REGISTER, 0);

		assert_int_equal(a.result, QUORUM_ERROR);
		if (!strstr(a.err.text, cases[i].text))
			fail_msg("%s: %s", cases[i].line, a.err.text);
		assert_null(strstr(a.err.text, "0102030405"));
		quorum_server_ops.close(one);
	}
	void *plain = client(s, "demo", 1, 1, NULL);
	assert_int_equal(ask(plain, QOP_REGISTER, 0).result, QUORUM_ERROR);
	quorum_server_ops.close(plain);
}

struct racer { void *device; nodeset keep; enum quorum_result result; pthread_t thread; };

static void *race(void *arg)
{
	struct racer *r = arg;

	r->result = ask(r->device, QOP_TAKE, r->keep).result;
	return NULL;
}

static void test_race(void **state)
{
	struct server *s = *state;
	const char *secret = file("client.psk", SECRET "\n", 0600);
	struct racer r[2] = { { client(s, "demo", 1, 1, secret), 1 }, { client(s, "demo", 1, 2, secret), 2 } };

	for (unsigned i = 0; i < RACES; i++) {
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(ask(r[k].device, QOP_REGISTER, 0).result, QUORUM_OK);
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(pthread_create(&r[k].thread, NULL, race, &r[k]), 0);
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(pthread_join(r[k].thread, NULL), 0);
		assert_true((r[0].result == QUORUM_OK) != (r[1].result == QUORUM_OK));
		assert_true((r[0].result == QUORUM_PREEMPTED) != (r[1].result == QUORUM_PREEMPTED));
	}
	quorum_server_ops.close(r[0].device);
	quorum_server_ops.close(r[1].device);
}

static int raw(const struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)s->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
	return fd;
}

/* All that comes until the server closes; the caller frees. */
static char *until_closed(int fd)
{
	char *text = xcalloc(1, 65536);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0) {
		assert_int_equal(poll(&p, 1, 15000), 1);
		n = recv(fd, text + len, 65535 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return text;
}

static void test_garbage_before_tls(void **state)
{
	struct server *s = *state;
	const char *secret = file("client.psk", SECRET "\n", 0600);
	char junk[4096];

	for (unsigned i = 0; i < 20; i++) {
		int fd = raw(s);

		memset(junk, (int)(i * 37), sizeof junk);
		if (i == 1)
			(void)snprintf(junk, sizeof junk, "{\"op\":\"hello\"}\n");
		(void)send(fd, junk, sizeof junk, MSG_NOSIGNAL);        /* the server may have closed it */
		(void)shutdown(fd, SHUT_WR);
		free(until_closed(fd));
	}
	void *one = client(s, "demo", 1, 1, secret);
	expect(one, QOP_CHECK, 0, QUORUM_OK, 0);
	quorum_server_ops.close(one);
}

#define HELLO(node) "{\"op\":\"hello\",\"version\":1,\"cluster\":\"demo\",\"cluster_id\":\"0x1\",\"node\":" #node ",\"key\":\"0x1\"}\n"

static void test_nonsense(void **state)
{
	struct server *s = *state;
	static const struct { const char *text, *answer; } cases[] = {
		{ "nonsense\n", "a message must be a JSON object" },
		{ "{\"op\":\"check\"}\n", "the first message must be a hello" },
		{ "{\"op\":\"hello\",\"version\":2}\n", "version 1 is spoken here" },
		{ HELLO(65), "node must be" },
		{ HELLO(1) HELLO(1), "there is no operation hello" },
		{ HELLO(1) "{\"op\":\"take\",\"keep\":[2]}\n", "keep must hold" },
		{ HELLO(1) "{\"op\":\"take\",\"keep\":[]}\n", "take needs" },
		{ HELLO(1) "{\"op\":\"register\",\"op\":\"scrub\"}\n", "JSON object" },
		{ HELLO(1) "\xff\xfe\n", "JSON object" },
	};
	_cleanup_free_ char *endless = xcalloc(1, QS_LINE_MAX * 2);
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got = NULL;

		fd = raw(s);
		assert_true(send(fd, cases[i].text, strlen(cases[i].text), MSG_NOSIGNAL) > 0);
		got = until_closed(fd);
		if (!strstr(got, cases[i].answer))
			fail_msg("%s: %s", cases[i].text, got);
	}
	memset(endless, ' ', QS_LINE_MAX * 2 - 1);
	fd = raw(s);
	(void)send(fd, endless, strlen(endless), MSG_NOSIGNAL);         /* it is cut off on the way */
	free(until_closed(fd));
}

/* The newer connection of a node wins, and the older is closed. */
static void test_newer_connection(void **state)
{
	struct server *s = *state;
	int old = raw(s), newer;
	char answer[256];

	assert_true(send(old, HELLO(1), strlen(HELLO(1)), MSG_NOSIGNAL) > 0);
	assert_true(recv(old, answer, sizeof answer, 0) > 0);
	newer = raw(s);
	assert_true(send(newer, HELLO(1), strlen(HELLO(1)), MSG_NOSIGNAL) > 0);
	assert_true(recv(newer, answer, sizeof answer, 0) > 0);
	free(until_closed(old));
	close(newer);
}

/* A server that stops in the middle: the change is not over before a server has answered. */
static void *thaw(void *arg)
{
	struct server *s = arg;

	quorum_pause(300);
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	start(s);
	return NULL;
}

static void test_change_outlives_server(void **state)
{
	struct server *s = *state;
	void *one = client(s, "demo", 1, 1, file("client.psk", SECRET "\n", 0600));
	pthread_t thread;

	expect(one, QOP_CHECK, 0, QUORUM_OK, 0);
	(void)kill(s->pid, SIGSTOP);
	assert_int_equal(pthread_create(&thread, NULL, thaw, s), 0);
	expect(one, QOP_REGISTER, 0, QUORUM_OK, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	expect(one, QOP_SCRUB, 0, QUORUM_OK, 0);
	stop(s, SIGTERM);
	assert_int_equal(ask(one, QOP_REGISTER, 0).result, QUORUM_ERROR);       /* never sent: it fails at once */
	start(s);
	quorum_server_ops.close(one);
}

static void test_second_server(void **state)
{
	struct server *s = *state;
	_cleanup_free_ char *where = xasprintf("%s/state", dir), *port = xasprintf("%d", free_port());
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execl(program, program, "-d", where, "-p", port, "--plain", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	/* A file that cannot be understood is no empty file. */
	stop(s, SIGTERM);
	(void)file("state/x.keys", "{\"cluster\":\"demo\"}", 0600);
	pid = fork();
	if (pid == 0) {
		(void)execl(program, program, "-d", where, "-p", port, "--plain", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_int_equal(unlink(file("state/x.keys", NULL, 0)), 0);
	start(s);
}

static int setup(void **state, bool plain)
{
	struct server *s = xcalloc(1, sizeof *s);

	s->port = free_port();
	s->plain = plain;
	start(s);
	*state = s;
	return 0;
}

static int setup_tls(void **state)
{
	return setup(state, false);
}

static int setup_plain(void **state)
{
	return setup(state, true);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return ftw->level ? remove(path) : 0;
}

static int teardown(void **state)
{
	struct server *s = *state;

	stop(s, SIGTERM);
	free(s);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup_tls, teardown),
		cmocka_unit_test_setup_teardown(test_secrets, setup_tls, teardown),
		cmocka_unit_test_setup_teardown(test_race, setup_tls, teardown),
		cmocka_unit_test_setup_teardown(test_garbage_before_tls, setup_tls, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup_plain, teardown),
		cmocka_unit_test_setup_teardown(test_newer_connection, setup_plain, teardown),
		cmocka_unit_test_setup_teardown(test_change_outlives_server, setup_tls, teardown),
		cmocka_unit_test_setup_teardown(test_second_server, setup_tls, teardown),
	};
	int r;

	assert(argc == 2);
	program = argv[1];
	(void)snprintf(dir, sizeof dir, "/tmp/scqsd-test-XXXXXX");
	assert(mkdtemp(dir));
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(dir);
	return r;
}
