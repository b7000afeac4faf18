/* scqsd: the quorum server, on a machine outside the clusters that use it. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "base/paths.h"
#include "quorum/qs_message.h"
#include "quorum/qs_server.h"

#define DEFAULT_DIR    "/var/scqsd"
#define DEFAULT_SECRET "/etc/scqsd/secret"

struct options { const char *dir, *secret; int port; bool plain; };

static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option longs[] = { { "plain", no_argument, NULL, 'P' }, { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "d:i:p:s:", longs, NULL)) != -1) {
		char *end;

		switch (c) {
		case 'd':
			ret->dir = optarg;
			break;
		case 'i':
			break;          /* the name of the instance is for those who look at the process */
		case 'p':
			ret->port = (int)strtol(optarg, &end, 10);
			if (*end || ret->port < 1 || ret->port > 65535)
				return -1;
			break;
		case 's':
			ret->secret = optarg;
			break;
		case 'P':
			ret->plain = true;
			break;
		default:
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

static void on_stop(uv_signal_t *handle, int signum)
{
	uv_stop(handle->loop);
}

static void watch_signal(uv_loop_t *loop, uv_signal_t *handle, int signum)
{
	int r = uv_signal_init(loop, handle);

	if (r == 0)
		r = uv_signal_start(handle, on_stop, signum);
	assert(r == 0);
}

static int credentials(const struct options *o, struct qs_secrets *secrets, struct qs_credentials **ret, struct err *err)
{
	int r;

	if (o->plain) {
		log_warn("--plain: NO ENCRYPTION AND NO SECRET: whoever reaches port %d can make any cluster lose its quorum", o->port);
		return 0;
	}
	r = qs_secrets_load(o->secret, secrets, err);
	return r < 0 ? r : qs_credentials_server(secrets, ret, err);
}

static int serve(uv_loop_t *loop, const struct options *o, const struct qs_credentials *c, struct err *err)
{
	struct qs_server_config config = { .dir = o->dir, .port = o->port, .credentials = c };
	struct qs_server *server;
	int r = qs_server_new(loop, &config, &server, err);

	if (r < 0)
		return r;
	if (log_start_thread() < 0)
		log_warn("cannot start the log thread");
	log_notice("the quorum server listens on port %d, state in %s", o->port, o->dir);
	daemon_ready();
	return uv_run(loop, UV_RUN_DEFAULT) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	static struct qs_secrets secrets;       /* large; lives as long as the process */
	struct options o = { .dir = path_state(DEFAULT_DIR), .secret = path_state(DEFAULT_SECRET), .port = QS_PORT };
	uv_loop_t *loop = uv_default_loop();
	struct qs_credentials *c = NULL;
	uv_signal_t term, intr;
	struct err err = { 0 };
	int r;

	log_open("Cluster.Quorum.scqsd");
	if (parse_options(argc, argv, &o) < 0) {
		log_err("usage: scqsd [-d DIRECTORY] [-i INSTANCE] [-p PORT] [-s SECRET_FILE | --plain]");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	watch_signal(loop, &term, SIGTERM);
	watch_signal(loop, &intr, SIGINT);
	r = credentials(&o, &secrets, &c, &err);
	if (r == 0)
		r = serve(loop, &o, c, &err);
	if (r < 0)
		log_err("%s", err.text);
	else
		log_notice("the quorum server ends");
	log_flush(1000);
	/* Not exit(): a thread may be saving, and what it saves is durable or never was answered. */
	_exit(r < 0);
}
