/* Varlink on the wire: what the server answers to given bytes, and both clients against it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/varlink.h"

static struct fixture {
	uv_loop_t         loop;
	struct vl_server *server;
	char              dir[64], path[96];
	struct vl_call   *held, *watched;       /* calls kept open by Hold and Watch */
	int               holds, closes;
} fx;

static void on_closed(struct vl_call *call, void *ctx)
{
	struct vl_call **slot = ctx;

	assert_ptr_equal(*slot, call);
	*slot = NULL;
	fx.closes++;
}

static void call_echo(struct vl_call *call, json_t *params, void *ctx)
{
	vl_reply(call, json_incref(params));
}

static void call_hold(struct vl_call *call, json_t *params, void *ctx)
{
	fx.held = call;
	fx.holds++;
	if (!ju_bool(params, "careless", false))
		vl_call_on_close(call, on_closed, &fx.held);
}

static void call_count(struct vl_call *call, json_t *params, void *ctx)
{
	if (!vl_call_more(call)) {
		vl_error(call, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	for (int i = 0; i < 3; i++)
		vl_reply_continues(call, ju_pack("{s:i}", "n", i));
	vl_reply(call, ju_pack("{s:i}", "n", 3));
}

static void call_watch(struct vl_call *call, json_t *params, void *ctx)
{
	fx.watched = call;
	vl_call_on_close(call, on_closed, &fx.watched);
}

static void call_fail(struct vl_call *call, json_t *params, void *ctx)
{
	vl_error_text(call, "org.test.T.Broken", "it is %s", "broken");
}

static const struct vl_method methods[] = {
	{ "org.test.T.Echo", VL_READ, call_echo },      { "org.test.T.Hold", VL_READ, call_hold },
	{ "org.test.T.Count", VL_READ, call_count },    { "org.test.T.Watch", VL_READ, call_watch },
	{ "org.test.T.Fail", VL_READ, call_fail },      { "org.test.T.Admin", VL_ADMIN, call_echo },
};

static int setup(void **state)
{
	struct err err = { 0 };

	memset(&fx, 0, sizeof fx);
	strcpy(fx.dir, "/tmp/test-varlink.XXXXXX");
	assert_non_null(mkdtemp(fx.dir));
	(void)snprintf(fx.path, sizeof fx.path, "%s/run/x.sock", fx.dir);
	assert_int_equal(uv_loop_init(&fx.loop), 0);
	assert_int_equal(vl_server_new(&fx.loop,
				       &(struct vl_server_config) { .path = fx.path, .mode = 0666, .product = "Test",
								    .interface = "org.test.T", .description = "interface org.test.T\n",
								    .methods = methods,
								    .method_count = ARRAY_SIZE(methods) },
				       &fx.server, &err), 0);
	return 0;
}

static int teardown(void **state)
{
	struct stat st;

	vl_server_free(fx.server);
	uv_run(&fx.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&fx.loop), 0);
	assert_int_equal(stat(fx.path, &st), -1);       /* it removes its own socket file */
	strrchr(fx.path, '/')[0] = '\0';
	rmdir(fx.path);
	rmdir(fx.dir);
	return 0;
}

static int raw_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, fx.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void spin(void)
{
	for (int i = 0; i < 10; i++)
		uv_run(&fx.loop, UV_RUN_NOWAIT);
}

/* Everything the server has said so far, NUL shown as '|'; "EOF" at the end when it closed. */
static const char *raw_read(int fd)
{
	static char text[4096];
	size_t len = 0;

	spin();
	for (;;) {
		ssize_t n = read(fd, text + len, sizeof text - 8 - len);

		if (n <= 0) {
			for (size_t i = 0; i < len; i++)
				if (!text[i])
					text[i] = '|';
			strcpy(text + len, n == 0 || errno == ECONNRESET ? "EOF" : "");
			return text;
		}
		len += (size_t)n;
	}
}

#define M(s) s "\0"
static const struct { const char *what, *send; size_t len; const char *want; } wire[] = {
#define ROW(what, send, want) { what, send, sizeof send - 1, want }
	ROW("echo", M("{\"method\":\"org.test.T.Echo\",\"parameters\":{\"a\":1}}"), "{\"parameters\":{\"a\":1}}|"),
	ROW("no parameters", M("{\"method\":\"org.test.T.Echo\"}"), "{\"parameters\":{}}|"),
	ROW("half a message", "{\"method\":\"org.test.T.Echo\"}", ""),
	ROW("pipelined, in order", M("{\"method\":\"org.test.T.Echo\",\"parameters\":{\"a\":1}}")
	    M("{\"method\":\"org.test.T.Fail\"}") M("{\"method\":\"org.test.T.Echo\",\"parameters\":{\"a\":3}}"),
	    "{\"parameters\":{\"a\":1}}|{\"error\":\"org.test.T.Broken\",\"parameters\":{\"message\":\"it is broken\"}}|"
	    "{\"parameters\":{\"a\":3}}|"),
	ROW("oneway gets nothing", M("{\"method\":\"org.test.T.Echo\",\"oneway\":true}")
	    M("{\"method\":\"org.test.T.Fail\",\"oneway\":true}") M("{\"method\":\"org.test.T.Echo\"}"),
	    "{\"parameters\":{}}|"),
	ROW("more", M("{\"method\":\"org.test.T.Count\",\"more\":true}"),
	    "{\"parameters\":{\"n\":0},\"continues\":true}|{\"parameters\":{\"n\":1},\"continues\":true}|"
	    "{\"parameters\":{\"n\":2},\"continues\":true}|{\"parameters\":{\"n\":3}}|"),
	ROW("more was expected", M("{\"method\":\"org.test.T.Count\"}"),
	    "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}|"),
	ROW("unknown method", M("{\"method\":\"org.test.T.Nix\"}"),
	    "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"org.test.T.Nix\"}}|"),
	ROW("unknown interface", M("{\"method\":\"org.other.Nix\"}"),
	    "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"org.other\"}}|"),
	ROW("bad parameters", M("{\"method\":\"org.test.T.Echo\",\"parameters\":[]}"),
	    "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"parameters\"}}|"),
	ROW("description", M("{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":"
	    "\"org.test.T\"}}"), "{\"parameters\":{\"description\":\"interface org.test.T\\n\"}}|"),
	ROW("no such description", M("{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":"
	    "{\"interface\":\"x\"}}"),
	    "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"x\"}}|"),
	ROW("not JSON", M("hello"), "EOF"),
	ROW("not an object", M("[1]"), "EOF"),
	ROW("empty message", M(""), "EOF"),
	ROW("no method", M("{\"parameters\":{}}"), "EOF"),
	ROW("reply, then nonsense", M("{\"method\":\"org.test.T.Echo\"}") M("x"), "{\"parameters\":{}}|EOF"),
};

static void test_wire(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wire); i++) {
		int fd = raw_connect();

		assert_int_equal(send(fd, wire[i].send, wire[i].len, 0), wire[i].len);
		if (!streq(raw_read(fd), wire[i].want))
			fail_msg("%s", wire[i].what);
		close(fd);
	}
}

/* The same bytes, one at a time, must say the same. */
static void test_wire_split(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wire); i++) {
		int fd = raw_connect();

		for (size_t k = 0; k < wire[i].len; k++) {
			(void)send(fd, wire[i].send + k, 1, MSG_NOSIGNAL);      /* it may have been closed already */
			uv_run(&fx.loop, UV_RUN_NOWAIT);
		}
		assert_string_equal(raw_read(fd), wire[i].want);
		close(fd);
	}
}

static void test_strict_order(void **state)
{
	static const char two[] = "{\"method\":\"org.test.T.Hold\"}\0{\"method\":\"org.test.T.Hold\"}";
	int fd = raw_connect();

	assert_int_equal(send(fd, two, sizeof two, 0), sizeof two);
	assert_string_equal(raw_read(fd), "");
	assert_int_equal(fx.holds, 1);          /* the second waits for the first one's reply */
	vl_reply(fx.held, ju_pack("{s:i}", "n", 1));
	assert_int_equal(fx.holds, 1);          /* and is not handled inside vl_reply() */
	assert_string_equal(raw_read(fd), "{\"parameters\":{\"n\":1}}|");
	assert_int_equal(fx.holds, 2);
	close(fd);
	spin();
	assert_int_equal(fx.closes, 1);
	assert_null(fx.held);
}

static void test_careless_owner(void **state)
{
	static const char hold[] = "{\"method\":\"org.test.T.Hold\",\"parameters\":{\"careless\":true}}";
	int fd = raw_connect();

	assert_int_equal(send(fd, hold, sizeof hold, 0), sizeof hold);
	spin();
	close(fd);
	spin();
	assert_int_equal(vl_call_peer(fx.held)->uid, getuid());
	vl_reply(fx.held, NULL);                /* to nobody, but valid */
}

static void test_reader_that_does_not_read(void **state)
{
	static const char watch[] = "{\"method\":\"org.test.T.Watch\",\"more\":true}";
	_cleanup_free_ char *big = calloc(1, (1 << 20) + 1);
	int fd = raw_connect(), sent = 0;

	memset(big, 'x', 1 << 20);
	assert_int_equal(send(fd, watch, sizeof watch, 0), sizeof watch);
	spin();
	assert_non_null(fx.watched);
	for (; sent < 40; sent++)               /* invariant: no callback from inside the reply */
		vl_reply_continues(fx.watched, ju_pack("{s:s}", "x", big));
	assert_non_null(fx.watched);
	spin();
	assert_null(fx.watched);
	close(fd);
}

static void test_too_long(void **state)
{
	_cleanup_free_ char *big = malloc(1 << 20);
	int fd = raw_connect();
	size_t sent = 0;

	memset(big, ' ', 1 << 20);
	while (sent < VL_MESSAGE_MAX + (8u << 20)) {
		ssize_t n = send(fd, big, 1 << 20, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		spin();
	}
	assert_true(sent >= VL_MESSAGE_MAX && sent < VL_MESSAGE_MAX + (4u << 20));
	close(fd);
}

static void test_roles(void **state)
{
	static const char admin[] = "{\"method\":\"org.test.T.Admin\"}";
	int fd;

	if (getuid() != 0)
		skip();
	fd = raw_connect();
	assert_int_equal(send(fd, admin, sizeof admin, 0), sizeof admin);
	assert_string_equal(raw_read(fd), "{\"parameters\":{}}|");
	close(fd);
	chmod(fx.dir, 0755);
	assert_int_equal(seteuid(65534), 0);
	fd = raw_connect();
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(send(fd, admin, sizeof admin, 0), sizeof admin);
	assert_string_equal(raw_read(fd), "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":"
					  "{\"message\":\"permission denied\"}}|");
	close(fd);
}

/* ---- asynchronous client ---- */

static struct { struct buf log; struct vl_client *client; bool free_in_reply; int disconnects; } ac;

static void *tag(const char *text)
{
	return (void *)(uintptr_t)text;         /* the context is not const, this one is only read */
}

static void on_reply(void *ctx, const char *error, json_t *params, bool continues)
{
	_cleanup_free_ char *text = ju_dump(params);

	buf_printf(&ac.log, "%s:%s%s%s ", (const char *)ctx, error ? error : "", text, continues ? "+" : "");
	if (ac.free_in_reply) {
		vl_client_free(ac.client);
		ac.free_in_reply = false;
	}
}

static void on_disconnect(void *ctx)
{
	ac.disconnects++;
	if (ac.disconnects == 1)                /* too late, but answered */
		vl_client_call(ac.client, "org.test.T.Echo", NULL, false, on_reply, tag("late"));
}

static void client_open(void)
{
	struct err err;

	memset(&ac, 0, sizeof ac);
	assert_int_equal(vl_client_new(&fx.loop, fx.path, &ac.client, &err), 0);
	vl_client_on_disconnect(ac.client, on_disconnect, NULL);
}

static void test_async_client(void **state)
{
	client_open();
	vl_client_call(ac.client, "org.test.T.Echo", ju_pack("{s:i}", "a", 1), false, on_reply, tag("1"));
	vl_client_call(ac.client, "org.test.T.Count", NULL, true, on_reply, tag("2"));
	vl_client_call(ac.client, "org.test.T.Fail", NULL, false, on_reply, tag("3"));
	spin();
	assert_string_equal(ac.log.s, "1:{\"a\":1} 2:{\"n\":0}+ 2:{\"n\":1}+ 2:{\"n\":2}+ 2:{\"n\":3} "
				      "3:org.test.T.Broken{\"message\":\"it is broken\"} ");
	buf_done(&ac.log);
	vl_client_call(ac.client, "org.test.T.Hold", NULL, false, on_reply, tag("4"));
	vl_client_call(ac.client, "org.test.T.Echo", NULL, false, on_reply, tag("5"));
	spin();
	vl_server_free(fx.server);
	spin();
	assert_string_equal(ac.log.s, "4:org.parhelion.Disconnected{} 5:org.parhelion.Disconnected{} "
				      "late:org.parhelion.Disconnected{} ");
	assert_int_equal(ac.disconnects, 1);
	assert_int_equal(fx.closes, 1);
	vl_client_free(ac.client);
	buf_done(&ac.log);
	fx.server = NULL;
}

static void test_async_client_free_in_reply(void **state)
{
	client_open();
	ac.free_in_reply = true;
	vl_client_call(ac.client, "org.test.T.Count", NULL, true, on_reply, tag("1"));
	vl_client_call(ac.client, "org.test.T.Echo", NULL, false, on_reply, tag("2"));
	spin();
	assert_string_equal(ac.log.s, "1:{\"n\":0}+ ");
	buf_done(&ac.log);
}

static void test_async_client_nobody(void **state)
{
	struct vl_client *client;
	struct err err;

	assert_int_equal(vl_client_new(&fx.loop, "/tmp/no/such/socket", &client, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/tmp/no/such/socket"));
}

/* ---- blocking client: it runs in a thread, the server in this one ---- */

static void *sync_thread(void *arg)
{
	struct vl_conn *conn;
	json_t *params = NULL;
	char *error = NULL;
	struct err err;
	bool continues;
	int n = 0;

	assert(vl_call_sync(fx.path, "org.test.T.Echo", ju_pack("{s:i}", "a", 7), 1000, &params, NULL, &err) == 0);
	assert(ju_int(params, "a", 0) == 7);
	json_decref(params);
	assert(vl_call_sync(fx.path, "org.test.T.Fail", NULL, 1000, &params, &error, &err) == -EREMOTEIO);
	assert(streq(error, "org.test.T.Broken") && streq(err.text, "it is broken"));
	assert(streq(ju_str(params, "message", ""), "it is broken"));
	json_decref(params);
	free(error);
	assert(vl_call_sync(fx.path, "org.test.T.Hold", NULL, 20, &params, NULL, &err) == -ETIMEDOUT);
	assert(vl_conn_open(fx.path, 1000, &conn, &err) == 0);
	assert(vl_conn_send(conn, "org.test.T.Count", NULL, true, &err) == 0);
	do {
		assert(vl_conn_recv(conn, 1000, &params, NULL, &continues, &err) == 0);
		assert(ju_int(params, "n", -1) == n++);
		json_decref(params);
	} while (continues);
	assert(n == 4);
	assert(vl_conn_recv(conn, 10, &params, NULL, &continues, &err) == -ETIMEDOUT);
	vl_conn_close(conn);
	assert(vl_call_sync("/tmp/no/such/socket", "x", ju_pack("{}"), 10, NULL, NULL, &err) == -ENOENT);
	uv_async_send(arg);
	return NULL;
}

static void on_thread_done(uv_async_t *async)
{
	uv_close((uv_handle_t *)async, NULL);
	uv_stop(async->loop);
}

static void test_sync_client(void **state)
{
	uv_async_t done;
	pthread_t thread;

	uv_async_init(&fx.loop, &done, on_thread_done);
	assert_int_equal(pthread_create(&thread, NULL, sync_thread, &done), 0);
	uv_run(&fx.loop, UV_RUN_DEFAULT);
	pthread_join(thread, NULL);
	spin();
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_wire), T(test_wire_split), T(test_strict_order), T(test_careless_owner),
		T(test_reader_that_does_not_read), T(test_too_long), T(test_roles), T(test_async_client),
		T(test_async_client_free_in_reply), T(test_async_client_nobody), T(test_sync_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
