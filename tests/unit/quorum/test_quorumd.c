/* Real quorumd processes on one file: they race, they are killed, they get nonsense.  Argument: the program. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/json.h"

#define ROUNDS     100
#define TIMEOUT_MS 20000

static const char *program;
static char disk[64];

struct child { pid_t pid; int fd; char buffer[65536]; size_t len; int64_t id; };

static void start(struct child *c)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*c = (struct child) { .pid = fork(), .fd = ends[0] };
	if (c->pid == 0) {
		if (dup2(ends[1], STDIN_FILENO) == STDIN_FILENO)
			(void)execl(program, program, (char *)NULL);    /* the next line tells of the failure */
		_exit(127);
	}
	close(ends[1]);
}

static void say(struct child *c, const char *text)
{
	assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next answer; the caller decrefs. */
static json_t *hear(struct child *c)
{
	char *end;

	while (!(end = memchr(c->buffer, '\n', c->len))) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&p, 1, TIMEOUT_MS), 1);
		n = recv(c->fd, c->buffer + c->len, sizeof c->buffer - c->len, 0);
		assert_true(n > 0);
		c->len += (size_t)n;
	}
	json_t *answer = json_loadb(c->buffer, (size_t)(end - c->buffer), 0, NULL);

	assert_non_null(answer);
	c->len -= (size_t)(end + 1 - c->buffer);
	memmove(c->buffer, end + 1, c->len);
	assert_true(json_is_real(json_object_get(answer, "ms")));
	assert_non_null(ju_str(answer, "text", NULL));
	return answer;
}

static void ask(struct child *c, const char *op, const char *more)
{
	_cleanup_free_ char *text = xasprintf("{\"id\":%lld,\"op\":\"%s\"%s}\n", (long long)++c->id, op, more);

	say(c, text);
}

/* Caller frees. */
static char *result(struct child *c)
{
	json_t *answer = hear(c);
	char *text = xstrdup(ju_str(answer, "result", "none"));

	if (streq(text, "error")) {
		free(text);
		text = xasprintf("error: %s", ju_str(answer, "text", ""));
	}
	assert_int_equal(ju_int(answer, "id", -2), c->id);
	json_decref(answer);
	return text;
}

static void expect(struct child *c, const char *op, const char *more, const char *want)
{
	_cleanup_free_ char *got = NULL;

	ask(c, op, more);
	got = result(c);
	if (!streq(got, want))
		fail_msg("%s%s: %s", op, more, got);
}

static void configure(struct child *c, unsigned self, const char *device)
{
	_cleanup_free_ char *more = xasprintf(",\"cluster\":\"demo\",\"cluster_id\":\"0x3908EE1C\",\"self\":%u,"
		"\"keys\":{\"1\":\"0x3908EE1C00000001\",\"2\":\"0x3908EE1C00000002\"},\"devices\":[{\"name\":\"d4\","
		"\"type\":\"shared_disk\",\"properties\":{\"path\":\"%s\"}}%s]", self, disk, device);

	expect(c, "configure", more, "ok");
}

static void stop(struct child *c)
{
	int status;

	close(c->fd);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void new_round(struct child *a, struct child *b)
{
	expect(a, "prepare", ",\"device\":\"d4\",\"force\":true", "ok");
	expect(a, "register", ",\"device\":\"d4\"", "ok");
	expect(b, "register", ",\"device\":\"d4\"", "ok");
}

/* Exactly one wins, the other is told so. */
static void test_race(void **state)
{
	static struct child a, b;
	unsigned wins = 0;

	start(&a);
	start(&b);
	configure(&a, 1, "");
	configure(&b, 2, "");
	for (unsigned i = 0; i < ROUNDS; i++) {
		_cleanup_free_ char *ra = NULL, *rb = NULL;

		new_round(&a, &b);
		if (i & 1)
			ask(&a, "take", ",\"device\":\"d4\",\"keep\":[1]");
		ask(&b, "take", ",\"device\":\"d4\",\"keep\":[2]");
		if (!(i & 1))
			ask(&a, "take", ",\"device\":\"d4\",\"keep\":[1]");
		ra = result(&a);
		rb = result(&b);
		if (!(streq(ra, "ok") && streq(rb, "preempted")) && !(streq(ra, "preempted") && streq(rb, "ok")))
			fail_msg("round %u: %s and %s", i, ra, rb);
		wins += streq(ra, "ok");
	}
	print_message("%u of %u for the first\n", wins, ROUNDS);
	stop(&a);
	stop(&b);
}

/* One is killed somewhere in its take: the other still comes to an end, and whoever lost is out. */
static void test_killed(void **state)
{
	static struct child a, b;

	start(&b);
	configure(&b, 2, "");
	for (unsigned i = 0; i < ROUNDS / 2; i++) {
		struct pollfd none = { .fd = -1 };
		_cleanup_free_ char *ra = NULL, *rb = NULL;

		start(&a);
		configure(&a, 1, "");
		new_round(&a, &b);
		ask(&a, "take", ",\"device\":\"d4\",\"keep\":[1]");
		(void)ppoll(&none, 1, &(struct timespec) { .tv_nsec = (i % 10) * 150000 }, NULL);
		(void)kill(a.pid, SIGKILL);
		(void)waitpid(a.pid, NULL, 0);
		close(a.fd);
		expect(&b, "check", ",\"device\":\"d4\"", "ok");
		ask(&b, "take", ",\"device\":\"d4\",\"keep\":[2]");
		rb = result(&b);
		start(&a);
		configure(&a, 1, "");
		ask(&a, "take", ",\"device\":\"d4\",\"keep\":[1]");
		ra = result(&a);
		if (!(streq(ra, "ok") && streq(rb, "preempted")) && !(streq(ra, "preempted") && streq(rb, "ok")))
			fail_msg("round %u: %s and %s", i, ra, rb);
		stop(&a);
	}
	stop(&b);
}

static void test_nonsense(void **state)
{
	static const struct { const char *line; int64_t id; const char *text; } cases[] = {
		{ "nonsense\n", -1, "a request must be a JSON object" },
		{ "[1]\n", -1, "a request must be a JSON object" },
		{ "{\"op\":\"check\"}\n", -1, "a request needs an id" },
		{ "{\"id\":7}\n", 7, "a request needs an op" },
		{ "{\"id\":8,\"op\":\"explode\"}\n", 8, "there is no operation explode" },
		{ "{\"id\":9,\"op\":\"check\"}\n", 9, "device must be a text" },
		{ "{\"id\":10,\"op\":\"check\",\"device\":\"d9\"}\n", 10, "there is no device d9" },
		{ "{\"id\":11,\"op\":\"take\",\"device\":\"d4\"}\n", 11, "take needs \"keep\"" },
		{ "{\"id\":12,\"op\":\"take\",\"device\":\"d4\",\"keep\":[2]}\n", 12, "keep must hold the own node, 1" },
		{ "{\"id\":13,\"op\":\"take\",\"device\":\"d4\",\"keep\":[65]}\n", 13, "keep: node ids" },
		{ "{\"id\":14,\"op\":\"configure\",\"cluster\":\"\"}\n", 14, "cluster must be a text" },
	};
	static struct child a;

	start(&a);
	configure(&a, 1, "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *answer;

		say(&a, cases[i].line);
		answer = hear(&a);
		assert_string_equal(ju_str(answer, "result", ""), "error");
		if (ju_int(answer, "id", -2) != cases[i].id || !strstr(ju_str(answer, "text", ""), cases[i].text))
			fail_msg("%s: %s", cases[i].line, ju_str(answer, "text", ""));
		json_decref(answer);
	}
	stop(&a);
}

static void test_configure(void **state)
{
	static struct child a;

	start(&a);
	configure(&a, 1, "");
	expect(&a, "prepare", ",\"device\":\"d4\",\"force\":true", "ok");
	expect(&a, "register", ",\"device\":\"d4\"", "ok");
	configure(&a, 1, ",{\"name\":\"d5\",\"type\":\"shared_disk\",\"properties\":{\"path\":\"/nowhere/disk\"}}");
	expect(&a, "check", ",\"device\":\"d5\"", "error: cannot open /nowhere/disk: No such file or directory");
	expect(&a, "check", ",\"device\":\"d4\"", "ok");
	configure(&a, 1, "");
	expect(&a, "check", ",\"device\":\"d5\"", "error: there is no device d5");
	expect(&a, "configure", ",\"cluster\":\"demo\",\"cluster_id\":\"0x1\",\"self\":1,\"keys\":{\"1\":\"0x100000001\"},"
	       "\"devices\":[{\"name\":\"d6\",\"type\":\"netapp_nas\"}]",
	       "error: device d6: device type netapp_nas is not built yet");
	expect(&a, "check", ",\"device\":\"d6\"", "error: device type netapp_nas is not built yet");
	stop(&a);
}

/* A device that does not answer holds up nobody else. */
static void test_hung_device(void **state)
{
	struct sockaddr_in silent = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof silent;
	_cleanup_free_ char *device = NULL;
	static struct child a;
	json_t *answer;

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&silent, len) == 0 && listen(fd, 1) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&silent, &len), 0);
	device = xasprintf(",{\"name\":\"d5\",\"type\":\"quorum_server\",\"properties\":{\"host\":\"127.0.0.1\",\"port\":%u,"
			   "\"timeout\":1}}", ntohs(silent.sin_port));
	start(&a);
	configure(&a, 1, device);
	ask(&a, "check", ",\"device\":\"d5\"");
	expect(&a, "prepare", ",\"device\":\"d4\",\"force\":true", "ok");
	expect(&a, "register", ",\"device\":\"d4\"", "ok");
	answer = hear(&a);
	assert_int_equal(ju_int(answer, "id", -1), a.id - 2);
	assert_non_null(strstr(ju_str(answer, "text", ""), "no answer within 1 s"));
	json_decref(answer);
	stop(&a);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_configure),
		cmocka_unit_test(test_hung_device),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_killed),
	};
	int r, fd;

	assert(argc == 2);
	program = argv[1];
	(void)snprintf(disk, sizeof disk, "/tmp/quorumd-disk-XXXXXX");
	fd = mkstemp(disk);
	assert(fd >= 0);
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(disk);
	return r;
}
