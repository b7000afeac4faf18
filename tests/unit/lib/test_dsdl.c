/* libdsdev against clusterd and pmfd played by a thread here, and against TCP servers of all sorts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <rgm/libdsdev.h>

#include "base/buf.h"
#include "base/json.h"
#include "dsdl/command.h"

#define OK(call) assert_int_equal(call, SCHA_ERR_NOERR)

enum { CLUSTERD, PMFD, SERVER_COUNT };
static const char *const sockets[SERVER_COUNT] = { "clusterd.sock", "pmfd.sock" };

static struct {
	pthread_mutex_t lock;
	int     fds[SERVER_COUNT];
	int     watch_fd;               /* of the last Watch; -1 */
	json_t *requests;               /* all that changes something, in order */
	json_t *tags;                   /* of pmfd: name: type Tag */
	const char *mode, *refuse;      /* Failover_mode; tag of scha_control that is refused */
	int     restarts;
	bool    expired;                /* what is told to stop lives on */
	bool    gone;                   /* tags are listed, and gone when they are to be watched */
} world = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *const resource_text =
	"{'name':'web','type':'ACME.web:2','group':'rg','self':'n1','enabled':true,'monitored':true,'properties':["
	"{'name':'Retry_count','value':'2','type':'INT'},{'name':'Retry_interval','value':'300','type':'INT'},"
	"{'name':'Start_timeout','value':'60','type':'INT'},{'name':'Thorough_probe_interval','value':'60','type':'INT'},"
	"{'name':'Monitor_stop_timeout','value':'20','type':'INT'},{'name':'Failover_mode','value':'%s','type':'ENUM'},"
	"{'name':'Scalable','value':'FALSE','type':'BOOLEAN'},{'name':'Port_list','value':'80/tcp,53/udp6,443,app9/99/tcp6','type':'STRINGARRAY'},"
	"{'name':'Resource_dependencies','value':'ip{LOCAL_NODE},stor','type':'STRINGARRAY'},"
	"{'name':'Resource_dependencies_weak','value':'','type':'STRINGARRAY'},"
	"{'name':'Confdir_list','value':'/a,/b','extension':true,'type':'STRINGARRAY'},"
	"{'name':'Probe_timeout','value':'12','extension':true,'type':'INT'},"
	"{'name':'Level','value':'High','extension':true,'type':'ENUM'},"
	"{'name':'Fast','value':'TRUE','extension':true,'type':'BOOLEAN'},"
	"{'name':'Greeting','value':'hello, you','extension':true,'type':'STRING'},"
	"{'name':'Workers','value':'4','extension':true,'type':'INT','values':{'n1':'8'}}],"
	"'nodes':[{'node':'n1','state':'ONLINE','num_resource_restarts':%d}]}";
static const char *const ip_text = "{'name':'ip','type':'SUNW.LogicalHostname:3','group':'rg','self':'n1','properties':["
	"{'name':'HostnameList','value':'app1,app2','extension':true,'type':'STRINGARRAY'}],'nodes':[]}";
static const char *const stor_text = "{'name':'stor','type':'SUNW.HAStoragePlus:9','group':'%s','self':'n1','properties':[],"
	"'nodes':[{'node':'n1','state':'%s'},{'node':'n2','state':'%s'}]}";
static const char *stor_group = "rg", *stor_here = "ONLINE", *stor_there = "OFFLINE";

static json_t *parsed(char *text)
{
	json_t *value;

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	value = json_loads(text, 0, NULL);
	assert_non_null(value);
	free(text);
	return value;
}

static json_t *wrapped(json_t *value) { return ju_pack("{s:o}", "parameters", value); }
static json_t *failed(const char *error, int code)
{
	return ju_pack("{s:s, s:{s:i, s:s}}", "error", error, "parameters", "code", code, "message", "no");
}

static json_t *get_resource(const char *name)
{
	if (streq(name, "web"))
		return wrapped(parsed(xasprintf(resource_text, world.mode, world.restarts)));
	if (streq(name, "ip"))
		return wrapped(parsed(xstrdup(ip_text)));
	if (streq(name, "stor"))
		return wrapped(parsed(xasprintf(stor_text, stor_group, stor_here, stor_there)));
	return failed("org.parhelion.Cluster.NotFound", SCHA_ERR_RSRC);
}

static json_t *clusterd_reply(const char *method, json_t *params)
{
	json_t *request = ju_obj(params, "request");

	if (streq(method, "GetResource"))
		return get_resource(ju_str(params, "resource", ""));
	if (streq(method, "GetGroup"))
		return wrapped(parsed(xstrdup("{'name':'rg','self':'n1','managed':true,'resources':['ip','stor','web'],'properties':{"
					      "'Nodelist':'n1,n2','Pathprefix':'/p','RG_mode':'Failover','Desired_primaries':'1'},'nodes':[]}")));
	if (streq(method, "GetType"))
		return wrapped(parsed(xstrdup("{'name':'ACME.web:2','basedir':'/opt/web','version':'2','api_version':5,'failover':true,"
					      "'methods':{'Start':'web_start'},'installed_nodes':[]}")));
	if (streq(method, "GetCluster"))
		return wrapped(parsed(xstrdup("{'name':'c','self':'n1','self_id':7,'nodes':[]}")));
	json_array_append(world.requests, request);
	if (world.refuse && streq(ju_str(request, "tag", ""), world.refuse))
		return failed("org.parhelion.Cluster.Refused", SCHA_ERR_CHECKS);
	return wrapped(json_object());
}

static json_t *pmfd_reply(const char *method, json_t *params)
{
	const char *tag = ju_str(params, "tag", "");
	bool there = json_object_get(world.tags, tag) != NULL;
	json_t *entry, *list;
	const char *name;

	if (streq(method, "Query"))
		return wrapped(ju_pack("{s:b}", "present", there));
	if (streq(method, "Status")) {
		list = json_array();
		json_object_foreach(world.tags, name, entry)
			if (strncmp(name, ju_str(params, "prefix", ""), strlen(ju_str(params, "prefix", ""))) == 0)
				json_array_append(list, entry);
		return wrapped(ju_pack("{s:o}", "tags", list));
	}
	if (streq(method, "Watch"))
		return there && !world.gone ? ju_pack("{s:b, s:{s:s, s:s, s:i, s:i}}", "continues", true, "parameters", "event", "present", "tag", tag,
				       "pid", 1, "status", 0) : failed("org.parhelion.Pmf.NoSuchTag", 0);
	json_array_append_new(world.requests, ju_pack("{s:s, s:O}", "method", method, "params", params));
	if (streq(method, "Start")) {
		if (there)
			return failed("org.parhelion.Pmf.TagExists", 0);
		entry = json_deep_copy(params);
		json_object_set(entry, "period", json_object_get(params, "period_min"));
		ju_set_str(entry, "state", "running");
		ju_set_new(world.tags, tag, entry);
		return wrapped(json_object());
	}
	if (!there)
		return failed("org.parhelion.Pmf.NoSuchTag", 0);
	if (streq(method, "Stop") && !(world.expired && ju_int(params, "signal", 0) != SIGKILL)) {
		json_object_del(world.tags, tag);
		return wrapped(ju_pack("{s:b}", "expired", false));
	}
	return wrapped(ju_pack("{s:b}", "expired", world.expired));
}

/* True: the connection stays open. */
static bool serve(int server, int fd)
{
	char request[8192];
	size_t len = 0;
	ssize_t n = 0;
	_cleanup_free_ char *text = NULL;
	json_t *message, *reply;
	const char *method;
	bool watch;

	while (len < sizeof request && (n = read(fd, request + len, sizeof request - len)) > 0) {
		len += (size_t)n;
		if (request[len - 1] == '\0')
			break;
	}
	if (n <= 0)
		return false;
	message = json_loads(request, 0, NULL);
	method = strrchr(ju_str(message, "method", "."), '.') + 1;
	pthread_mutex_lock(&world.lock);
	reply = server == PMFD ? pmfd_reply(method, ju_obj(message, "parameters")) : clusterd_reply(method, ju_obj(message, "parameters"));
	watch = ju_bool(reply, "continues", false);
	if (watch)
		world.watch_fd = fd;
	pthread_mutex_unlock(&world.lock);
	text = ju_dump(reply);
	(void)!send(fd, text, strlen(text) + 1, MSG_NOSIGNAL);
	json_decref(message);
	json_decref(reply);
	return watch;
}

static void *world_main(void *ctx)
{
	for (;;) {
		struct pollfd p[SERVER_COUNT];

		for (int i = 0; i < SERVER_COUNT; i++)
			p[i] = (struct pollfd) { .fd = world.fds[i], .events = POLLIN };
		(void)poll(p, SERVER_COUNT, -1);
		for (int i = 0; i < SERVER_COUNT; i++) {
			int fd = p[i].revents ? accept(world.fds[i], NULL, NULL) : -1;

			if (p[i].revents && fd < 0)
				return NULL;
			if (fd >= 0 && !serve(i, fd))
				close(fd);
		}
	}
}

static int world_start(void **state)
{
	char root[] = "/tmp/test_dsdl.XXXXXX";
	pthread_t thread;

	assert_non_null(mkdtemp(root));
	setenv("PARHELION_ROOT", root, 1);
	for (size_t i = 0; i < SERVER_COUNT; i++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		_cleanup_free_ char *run = xasprintf("%s/run", root), *dir = xasprintf("%s/cluster", run);

		(void)mkdir(run, 0755);
		(void)mkdir(dir, 0755);
		snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, sockets[i]);
		world.fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(world.fds[i], (struct sockaddr *)&address, sizeof address), 0);
		assert_int_equal(listen(world.fds[i], 16), 0);
	}
	return pthread_create(&thread, NULL, world_main, NULL);
}

static int world_stop(void **state)
{
	_cleanup_free_ char *command = xasprintf("rm -r '%s'", getenv("PARHELION_ROOT"));
	int status;

	shutdown(world.fds[0], SHUT_RDWR);
	return command_run(&(struct command) { command, 10000, SIGKILL, false, NULL }, &status);
}

static scds_handle_t open_web(void)
{
	static char words[][24] = { "/opt/web/web_probe", "-R", "web", "-T", "ACME.web:2", "-G", "rg" };
	char *argv[ARRAY_SIZE(words) + 1] = { NULL };
	scds_handle_t h;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		argv[i] = words[i];
	OK(scds_initialize(&h, ARRAY_SIZE(words), argv));
	return h;
}

static int calm(void **state)
{
	pthread_mutex_lock(&world.lock);
	json_decref(world.requests);
	json_decref(world.tags);
	world.requests = json_array();
	world.tags = json_object();
	world.mode = "SOFT";
	world.refuse = NULL;
	world.restarts = 0;
	world.expired = world.gone = false;
	world.watch_fd = -1;
	pthread_mutex_unlock(&world.lock);
	*state = open_web();
	return 0;
}

static int done(void **state)
{
	scds_close(state);
	assert_null(*state);
	scds_close(state);
	return 0;
}

static void tree_dies(const char *tag)
{
	static const char event[] = "{\"continues\":true,\"parameters\":{\"event\":\"died\",\"tag\":\"t\",\"pid\":1,\"status\":9}}";

	pthread_mutex_lock(&world.lock);
	json_object_del(world.tags, tag);
	(void)!send(world.watch_fd, event, sizeof event, MSG_NOSIGNAL);
	pthread_mutex_unlock(&world.lock);
}

/* Requests to clusterd since the last time: "status DEGRADED", "control GIVEOVER" ..., joined by a comma. */
static char *asked(void)
{
	struct strlist list = { 0 };
	json_t *request;
	char *text;
	size_t i;

	usleep(20000);                          /* a status is not waited for */
	pthread_mutex_lock(&world.lock);
	json_array_foreach(world.requests, i, request)
		if (json_object_get(request, "op"))
			strlist_take(&list, xasprintf("%s %s", ju_str(request, "op", ""),
						      ju_str(request, "tag", ju_str(request, "status", ""))));
	json_array_clear(world.requests);
	pthread_mutex_unlock(&world.lock);
	text = list.n ? strlist_join(&list, ", ") : xstrdup("");
	strlist_done(&list);
	return text;
}

static void asked_is(const char *want)
{
	_cleanup_free_ char *text = asked();

	assert_string_equal(text, want);
}

/* ---- begin, names, properties ---- */

static void test_names(void **state)
{
	scds_handle_t h = *state;
	char *name;

	assert_string_equal(scds_get_resource_name(h), "web");
	assert_string_equal(scds_get_resource_group_name(h), "rg");
	assert_string_equal(scds_get_resource_type_name(h), "ACME.web:2");
	assert_string_equal(scds_get_current_method_name(h), "web_probe");
	assert_null(scds_get_zone_name(h));
	assert_int_equal(scds_is_zone_cluster(h), B_FALSE);
	OK(scds_get_fullname("global", &name, B_FALSE));
	assert_string_equal(name, "n1");
	free(name);
	OK(scds_get_fullname_nodeid("z", &name, B_FALSE));
	assert_string_equal(name, "7:z");
	free(name);
	assert_int_equal(scds_get_fullname(NULL, &name, B_FALSE), SCHA_ERR_INVAL);
	assert_string_equal(scds_error_string(SCHA_ERR_TIMEOUT), scds_error_string_i18n(SCHA_ERR_TIMEOUT));
	assert_null(scds_error_string((scha_err_t)999));
	assert_null(scds_error_string_i18n((scha_err_t)999));
}

static void test_no_handle(void **state)
{
	scds_handle_t wrong = &wrong;
	scds_hasp_status_t hasp;
	char *argv[] = { (char[]) { "x" }, (char[]) { "-R" }, (char[]) { "web" }, NULL };

	assert_int_equal(scds_initialize(&wrong, 3, argv), SCHA_ERR_INVAL);
	assert_int_equal(scds_initialize(NULL, 3, argv), SCHA_ERR_INVAL);
	assert_null(scds_get_resource_name(NULL));
	assert_int_equal(scds_get_rs_retry_count(NULL), -1);
	assert_int_equal(scds_get_ext_probe_timeout(NULL), 30);
	assert_null(scds_get_rg_nodelist(wrong));
	assert_int_equal(scds_fm_action(NULL, 0, 0), SCHA_ERR_INVAL);
	assert_int_equal(scds_fm_sleep(wrong, 1), SCHA_ERR_INVAL);
	assert_int_equal(scds_svc_wait(NULL, 1), SCHA_ERR_INVAL);
	assert_int_equal(scds_hasp_check(NULL, &hasp), SCHA_ERR_INVAL);
	assert_int_equal(scds_pmf_stop(NULL, SCDS_PMF_TYPE_SVC, 0, SIGTERM, 1), SCHA_ERR_INVAL);
	assert_int_equal(scds_failover_rg(NULL), SCHA_ERR_INVAL);
}

static void test_properties(void **state)
{
	scds_handle_t h = *state;

	assert_int_equal(scds_get_rs_retry_count(h), 2);
	assert_int_equal(scds_get_rs_retry_interval(h), 300);
	assert_int_equal(scds_get_rs_start_timeout(h), 60);
	assert_int_equal(scds_get_rs_stop_timeout(h), -1);      /* not declared */
	assert_int_equal(scds_get_rs_failover_mode(h), SCHA_FOMODE_SOFT);
	assert_int_equal(scds_get_rs_on_off_switch(h), SCHA_SWITCH_ENABLED);
	assert_int_equal(scds_get_rs_scalable(h), B_FALSE);
	assert_string_equal(scds_get_rs_resource_dependencies(h)->str_array[0], "ip");
	assert_string_equal(scds_get_rs_resource_dependencies_Q(h)->str_array[0], "ip{LOCAL_NODE}");
	assert_int_equal(scds_get_rg_nodelist(h)->array_cnt, 2);
	assert_string_equal(scds_get_rg_pathprefix(h), "/p");
	assert_int_equal(scds_get_rg_rg_mode(h), RGMODE_FAILOVER);
	assert_int_equal(scds_get_rt_api_version(h), 5);
	assert_int_equal(scds_get_rt_failover(h), B_TRUE);
	assert_string_equal(scds_get_rt_rt_basedir(h), "/opt/web");
	assert_string_equal(scds_get_rt_start_method(h), "web_start");
	assert_int_equal(scds_get_ext_confdir_list(h)->array_cnt, 2);
	assert_int_equal(scds_get_ext_probe_timeout(h), 12);
	assert_int_equal(scds_get_ext_monitor_retry_count(h), 4);
	assert_int_equal(scds_get_ext_monitor_retry_interval(h), 2);
}

static void test_extension(void **state)
{
	scds_handle_t h = *state;
	scha_extprop_value_t *v;

	OK(scds_get_ext_property(h, "greeting", SCHA_PTYPE_STRING, &v));
	assert_string_equal(v->val.val_str, "hello, you");
	scds_free_ext_property(v);
	OK(scds_get_ext_property(h, "Workers", SCHA_PTYPE_INT, &v));
	assert_int_equal(v->val.val_int, 8);            /* of this node */
	scds_free_ext_property(v);
	OK(scds_get_ext_property(h, "Fast", SCHA_PTYPE_BOOLEAN, &v));
	assert_int_equal(v->val.val_boolean, B_TRUE);
	scds_free_ext_property(v);
	OK(scds_get_ext_property(h, "Level", SCHA_PTYPE_ENUM, &v));
	assert_string_equal(v->val.val_enum, "High");
	scds_free_ext_property(v);
	OK(scds_get_ext_property(h, "Confdir_list", SCHA_PTYPE_STRINGARRAY, &v));
	assert_int_equal(v->prop_type, SCHA_PTYPE_STRINGARRAY);
	assert_string_equal(v->val.val_strarray->str_array[1], "/b");
	scds_free_ext_property(v);
	scds_free_ext_property(NULL);
	assert_int_equal(scds_get_ext_property(h, "Fast", SCHA_PTYPE_INT, &v), SCHA_ERR_INVAL);
	/* Types that no property of an RTR file can have. */
	assert_int_equal(scds_get_ext_property(h, "Workers", SCHA_PTYPE_UINT, &v), SCHA_ERR_INVAL);
	assert_int_equal(scds_get_ext_property(h, "Confdir_list", SCHA_PTYPE_UINTARRAY, &v), SCHA_ERR_INVAL);
	assert_int_equal(scds_get_ext_property(h, "Retry_count", SCHA_PTYPE_INT, &v), SCHA_ERR_PROP);
	assert_int_equal(scds_get_ext_property(h, "Nothing", SCHA_PTYPE_INT, &v), SCHA_ERR_PROP);
}

/* Options in any order; what Validate is given wins, and with -c it is all there is. */
static void test_validate(void **state)
{
	char *update[] = { (char[]) { "v" }, (char[]) { "-u" }, (char[]) { "-r" }, (char[]) { "retry_COUNT=9" }, (char[]) { "-x" },
			   (char[]) { "Greeting=a=b" }, (char[]) { "-X" }, (char[]) { "Workers{n1}=3" }, (char[]) { "-X" },
			   (char[]) { "Workers{n2}=5" }, (char[]) { "-g" }, (char[]) { "Pathprefix=/q" }, (char[]) { "-G" }, (char[]) { "rg" },
			   (char[]) { "-T" }, (char[]) { "ACME.web" }, (char[]) { "-R" }, (char[]) { "web" }, NULL };
	char *create[] = { (char[]) { "v" }, (char[]) { "-c" }, (char[]) { "-R" }, (char[]) { "new" }, (char[]) { "-T" }, (char[]) { "ACME.web" },
			   (char[]) { "-G" }, (char[]) { "rg" }, (char[]) { "-r" }, (char[]) { "Port_list=7/tcp" }, (char[]) { "-x" },
			   (char[]) { "Probe_timeout=5" }, NULL };
	scds_port_list_t *ports;
	scha_extprop_value_t *v;
	scds_handle_t h;

	OK(scds_initialize(&h, ARRAY_SIZE(update) - 1, update));
	assert_int_equal(scds_get_rs_retry_count(h), 9);
	assert_int_equal(scds_get_rs_retry_interval(h), 300);
	assert_string_equal(scds_get_rg_pathprefix(h), "/q");
	OK(scds_get_ext_property(h, "Greeting", SCHA_PTYPE_STRING, &v));
	assert_string_equal(v->val.val_str, "a=b");
	scds_free_ext_property(v);
	OK(scds_get_ext_property(h, "workers", SCHA_PTYPE_INT, &v));
	assert_int_equal(v->val.val_int, 3);
	scds_free_ext_property(v);
	scds_close(&h);

	OK(scds_initialize(&h, ARRAY_SIZE(create) - 1, create));
	assert_int_equal(scds_get_ext_probe_timeout(h), 5);
	assert_int_equal(scds_get_rs_retry_count(h), -1);
	OK(scds_get_port_list(h, &ports));
	assert_int_equal(ports->ports[0].port, 7);
	scds_free_port_list(ports);
	assert_int_equal(scds_get_ext_property(h, "Port_list", SCHA_PTYPE_STRINGARRAY, &v), SCHA_ERR_PROP);
	scds_close(&h);
}

/* ---- lists ---- */

static void test_lists(void **state)
{
	scds_handle_t h = *state;
	scds_net_resource_list_t *nets;
	scds_netaddr_list_t *addresses;
	scds_port_list_t *ports;

	OK(scds_get_rs_hostnames(h, &nets));
	assert_int_equal(nets->num_netresources, 1);
	assert_string_equal(nets->netresources[0].name, "ip");
	assert_int_equal(nets->netresources[0].num_hostnames, 2);
	assert_string_equal(nets->netresources[0].hostnames[1], "app2");
	scds_print_net_list(h, 1, nets);
	scds_free_net_list(nets);
	OK(scds_get_rg_hostnames((char[]) { "rg" }, &nets));
	scds_free_net_list(nets);
	OK(scds_get_rg_hostnames_zone(NULL, (char[]) { "rg" }, &nets));
	scds_free_net_list(nets);
	assert_int_equal(scds_get_rg_hostnames_zone((char[]) { "z" }, (char[]) { "rg" }, &nets), SCHA_ERR_CLUSTER);

	OK(scds_get_port_list(h, &ports));
	assert_int_equal(ports->num_ports, 4);
	assert_int_equal(ports->ports[0].proto, SCDS_IPPROTO_TCP);
	assert_int_equal(ports->ports[1].proto, SCDS_IPPROTO_UDP6);
	assert_int_equal(ports->ports[2].port, 443);
	assert_int_equal(ports->ports[2].proto, SCDS_IPPROTO_TCP);
	scds_print_port_list(h, 1, ports);
	scds_free_port_list(ports);

	OK(scds_get_netaddr_list(h, &addresses));
	assert_int_equal(addresses->num_netaddrs, 2 * 3 + 1);
	assert_string_equal(addresses->netaddrs[3].hostname, "app2");
	assert_int_equal(addresses->netaddrs[3].port_proto.port, 80);
	assert_string_equal(addresses->netaddrs[6].hostname, "app9");
	assert_int_equal(addresses->netaddrs[6].port_proto.proto, SCDS_IPPROTO_TCP6);
	scds_print_netaddr_list(h, 1, addresses);
	scds_free_netaddr_list(addresses);
	scds_free_net_list(NULL);
	scds_free_port_list(NULL);
	scds_free_netaddr_list(NULL);
}

static void test_hasp(void **state)
{
	static const struct { const char *group, *here, *there; scds_hasp_status_t want; } rows[] = {
		{ "rg",    "ONLINE",               "OFFLINE", SCDS_HASP_ONLINE_LOCAL },
		{ "rg",    "ONLINE_NOT_MONITORED", "OFFLINE", SCDS_HASP_ONLINE_LOCAL },
		{ "rg",    "OFFLINE",              "ONLINE",  SCDS_HASP_ONLINE_NOT_LOCAL },
		{ "rg",    "OFFLINE",              "OFFLINE", SCDS_HASP_NOT_ONLINE },
		{ "other", "ONLINE",               "OFFLINE", SCDS_HASP_ERR_CONFIG },
	};
	char *argv[] = { (char[]) { "v" }, (char[]) { "-u" }, (char[]) { "-r" }, (char[]) { "Resource_dependencies=ip" }, (char[]) { "-R" },
			 (char[]) { "web" }, (char[]) { "-T" }, (char[]) { "t" }, (char[]) { "-G" }, (char[]) { "rg" }, NULL };
	scds_hasp_status_t status;
	scds_handle_t h;

	OK(scds_initialize(&h, ARRAY_SIZE(argv) - 1, argv));
	OK(scds_hasp_check(h, &status));
	assert_int_equal(status, SCDS_HASP_NO_RESOURCE);
	scds_close(&h);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		stor_group = rows[i].group;
		stor_here = rows[i].here;
		stor_there = rows[i].there;
		OK(scds_hasp_check(*state, &status));
		assert_int_equal(status, rows[i].want);
	}
}

/* ---- TCP ---- */

enum listener { LISTEN, SILENT, REFUSED };      /* SILENT: a full queue, so that nobody answers a connect */

static int listener(enum listener kind, int family, int *ret_port)
{
	union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } a = { .any.sa_family = (sa_family_t)family };
	socklen_t len = family == AF_INET ? sizeof a.v4 : sizeof a.v6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (family == AF_INET)
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.v6.sin6_addr = in6addr_loopback;
	if (bind(fd, &a.any, len) < 0) {
		close(fd);
		return -1;                      /* a machine without IPv6 */
	}
	(void)getsockname(fd, &a.any, &len);
	*ret_port = ntohs(family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
	if (kind != REFUSED)
		assert_int_equal(listen(fd, kind == SILENT ? 0 : 16), 0);
	for (int i = 0; kind == SILENT && i < 4; i++)   /* these stay open for as long as the test runs */
		(void)!connect(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), &a.any, len);
	return fd;
}

static void test_connect(void **state)
{
	static const struct { enum listener kind; scha_err_t want; int64_t min_ms; } rows[] = {
		{ LISTEN, SCHA_ERR_NOERR, 0 }, { REFUSED, SCHA_ERR_STATE, 0 }, { SILENT, SCHA_ERR_TIMEOUT, 990 },
	};
	scds_handle_t h = *state;
	int sock, port = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = listener(rows[i].kind, AF_INET, &port);
		int64_t began = clock_ms();

		assert_int_equal(scds_simple_probe(h, "127.0.0.1", port, 1), rows[i].want);
		assert_in_range(clock_ms() - began, rows[i].min_ms, rows[i].min_ms + 900);
		close(fd);
	}
	assert_int_equal(scds_fm_tcp_connect(h, &sock, "127.0.0.1", 0, 1), SCHA_ERR_INVAL);
	assert_int_equal(scds_fm_tcp_connect(h, &sock, "127.0.0.1", 80, 0), SCHA_ERR_INVAL);
	assert_int_equal(scds_fm_tcp_connect(h, &sock, "no such name", 80, 1), SCHA_ERR_STATE);
	assert_int_equal(scds_fm_tcp_disconnect(h, -1, 1), SCHA_ERR_INVAL);
}

static void test_read_write(void **state)
{
	scds_handle_t h = *state;
	char text[] = "hello", got[8];
	size_t size = 5;
	int sock, port = 0, fd = listener(LISTEN, AF_INET, &port), peer;

	OK(scds_fm_tcp_connect(h, &sock, "127.0.0.1", port, 2));
	peer = accept(fd, NULL, NULL);
	OK(scds_fm_tcp_write(h, sock, text, &size, 2));
	assert_int_equal(size, 5);
	assert_int_equal(read(peer, got, sizeof got), 5);
	assert_int_equal(write(peer, "abc", 3), 3);
	size = 8;
	assert_int_equal(scds_fm_tcp_read(h, sock, got, &size, 1), SCHA_ERR_TIMEOUT);
	assert_int_equal(size, 3);                      /* what came is there */
	assert_memory_equal(got, "abc", 3);
	close(peer);
	size = 8;
	OK(scds_fm_tcp_read(h, sock, got, &size, 1));
	assert_int_equal(size, 0);
	OK(scds_fm_tcp_disconnect(h, sock, 1));
	close(fd);
}

static void test_net(void **state)
{
	scds_handle_t h = *state;
	scds_socket_t slots[SCDS_MAX_IPADDR_TYPES];
	scds_fmsock_status_t status[SCDS_MAX_IPADDR_TYPES];
	scds_netaddr_t a = { .hostname = (char[]) { "127.0.0.1" }, .port_proto = { .proto = SCDS_IPPROTO_TCP6 } };
	int fd = listener(LISTEN, AF_INET, &a.port_proto.port), fd6;

	OK(scds_fm_net_connect(h, slots, SCDS_MAX_IPADDR_TYPES, a, 2));
	assert_int_equal(slots[0].status, SCDS_FMSOCK_OK);
	assert_true(slots[0].fd >= 0);
	assert_int_equal(slots[1].status, SCDS_FMSOCK_NA);
	OK(scds_fm_net_disconnect(h, slots, SCDS_MAX_IPADDR_TYPES, 2));
	assert_int_equal(slots[0].status, SCDS_FMSOCK_NA);
	close(fd);
	OK(scds_simple_net_probe(h, a, 2, status, SCDS_MAX_IPADDR_TYPES));
	assert_int_equal(status[0], SCDS_FMSOCK_ERR);
	assert_int_equal(scds_simple_net_probe(h, a, 2, status, 1), SCHA_ERR_INVAL);
	a.port_proto.proto = SCDS_IPPROTO_UDP;
	assert_int_equal(scds_simple_net_probe(h, a, 2, status, SCDS_MAX_IPADDR_TYPES), SCHA_ERR_INVAL);

	a = (scds_netaddr_t) { .hostname = (char[]) { "::1" }, .port_proto = { .proto = SCDS_IPPROTO_TCP6 } };
	fd6 = listener(LISTEN, AF_INET6, &a.port_proto.port);
	if (fd6 < 0)
		return;
	OK(scds_simple_net_probe(h, a, 2, status, SCDS_MAX_IPADDR_TYPES));
	assert_int_equal(status[0], SCDS_FMSOCK_NA);
	assert_int_equal(status[1], SCDS_FMSOCK_OK);
	a.port_proto.proto = SCDS_IPPROTO_TCP;          /* IPv4 only: nothing applies */
	OK(scds_simple_net_probe(h, a, 2, status, SCDS_MAX_IPADDR_TYPES));
	assert_int_equal(status[1], SCDS_FMSOCK_NA);
	close(fd6);
}

/* ---- processes ---- */

static json_t *tag(const char *name) { return json_object_get(world.tags, name); }

static void test_pmf(void **state)
{
	scds_handle_t h = *state;
	scds_pmf_status_t status;
	char *env[] = { (char[]) { "A=b" }, NULL };

	OK(scds_pmf_start(h, SCDS_PMF_TYPE_SVC, 0, "serve -p 'a b'", -1));
	assert_int_equal(scds_pmf_start(h, SCDS_PMF_TYPE_SVC, 0, "serve", -1), SCHA_ERR_INTERNAL);
	assert_string_equal(json_string_value(json_array_get(ju_arr(tag("rg,web,0.svc"), "argv"), 2)), "serve -p 'a b'");
	assert_int_equal(ju_int(tag("rg,web,0.svc"), "period_min", 0), 5);
	assert_int_equal(ju_int(tag("rg,web,0.svc"), "level", -1), -1);
	OK(scds_pmf_start_env(h, SCDS_PMF_TYPE_OTHER, 3, "x", 2, env));
	assert_int_equal(ju_int(tag("rg,web,3.oth"), "level", -1), 2);
	assert_int_equal(json_array_size(ju_arr(tag("rg,web,3.oth"), "env")), 1);
	OK(scds_pmf_start(h, SCDS_PMF_TYPE_MON, SCDS_PMF_SINGLE_INSTANCE, "web_probe -v", 0));
	assert_string_equal(json_string_value(json_array_get(ju_arr(tag("rg,web,0.mon"), "argv"), 0)), "/opt/web/web_probe");
	assert_int_equal(json_array_size(ju_arr(tag("rg,web,0.mon"), "argv")), 8);
	assert_int_equal(ju_int(tag("rg,web,0.mon"), "retries", 0), 4);
	OK(scds_pmf_get_status(h, SCDS_PMF_TYPE_MON, 0, &status));
	assert_int_equal(status, SCDS_PMF_MONITORED);
	OK(scds_pmf_restart_fm(h, 0));
	assert_non_null(tag("rg,web,0.mon"));
	OK(scds_pmf_restart_fm(h, 5));                  /* not running */
	OK(scds_pmf_signal(h, SCDS_PMF_TYPE_SVC, 0, SIGHUP, 0));
	assert_int_equal(scds_pmf_signal(h, SCDS_PMF_TYPE_SVC, 9, SIGHUP, 0), SCHA_ERR_INTERNAL);
	OK(scds_pmf_stop_monitoring(h, SCDS_PMF_TYPE_OTHER, 3));
	OK(scds_pmf_get_status(h, SCDS_PMF_TYPE_OTHER, 3, &status));
	assert_int_equal(status, SCDS_PMF_NOT_MONITORED);
	assert_int_equal(scds_pmf_start(h, (scds_pmf_type_t)7, 0, "x", -1), SCHA_ERR_INVAL);
	assert_int_equal(scds_pmf_start(h, SCDS_PMF_TYPE_SVC, 0, " ", -1), SCHA_ERR_INVAL);
}

/* 80 % of the timeout for the signal, 15 % for SIGKILL. */
static void test_stop(void **state)
{
	json_t *first, *second;

	OK(scds_pmf_stop(*state, SCDS_PMF_TYPE_SVC, 0, SIGTERM, 10));   /* no such tag */
	OK(scds_pmf_start(*state, SCDS_PMF_TYPE_SVC, 0, "x", -1));
	world.expired = true;
	json_array_clear(world.requests);
	OK(scds_pmf_stop(*state, SCDS_PMF_TYPE_SVC, 0, SIGTERM, 10));
	first = ju_obj(json_array_get(world.requests, 0), "params");
	second = ju_obj(json_array_get(world.requests, 1), "params");
	assert_int_equal(ju_int(first, "signal", 0), SIGTERM);
	assert_int_equal(ju_int(first, "wait_ms", 0), 8000);
	assert_int_equal(ju_int(second, "signal", 0), SIGKILL);
	assert_int_equal(ju_int(second, "wait_ms", 0), 1500);
	assert_int_equal(scds_pmf_stop(*state, SCDS_PMF_TYPE_SVC, 0, 0, 10), SCHA_ERR_INVAL);
}

static void test_timerun(void **state)
{
	int64_t began = clock_ms();
	int code;

	OK(scds_timerun(*state, "exit 7", 5, SIGKILL, &code));
	assert_int_equal(code, 7);
	OK(scds_timerun(*state, "kill -9 $$", 5, -1, &code));
	assert_int_equal(code, 128 + SIGKILL);
	assert_int_equal(scds_timerun(*state, "sleep 60", 1, -1, &code), SCHA_ERR_TIMEOUT);
	assert_int_equal(code, 99);
	assert_int_equal(scds_timerun(*state, "exec sleep 60", 1, SIGTERM, &code), SCHA_ERR_TIMEOUT);
	assert_in_range(clock_ms() - began, 1990, 3500);
	assert_int_equal(scds_timerun(*state, "true", 0, -1, &code), SCHA_ERR_INVAL);
	assert_int_equal(scds_timerun(*state, NULL, 1, -1, &code), SCHA_ERR_INVAL);
	OK(scds_timerun_delay(*state, "exit 3", 5, SIGKILL, &code));
	assert_int_equal(code, 3);
	assert_int_equal(scds_timerun_delay(*state, "sleep 60", 1, -1, &code), SCHA_ERR_TIMEOUT);
	assert_int_equal(scds_timerun_threshold(*state, "true", 1, -1, 101, &code), SCHA_ERR_INVAL);
	assert_int_equal(scds_timerun_delay_threshold(*state, "sleep 60", 1, -1, 50, &code), SCHA_ERR_TIMEOUT);
}

/* What the call writes to stderr; free(3) it. */
static char *said_by_timerun(scds_handle_t h, const char *command, int threshold)
{
	int saved = dup(STDERR_FILENO), pipes[2], code;
	char text[1024];
	ssize_t n;

	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	dup2(pipes[1], STDERR_FILENO);
	OK(scds_timerun_threshold(h, command, 1, SIGKILL, threshold, &code));
	OK(scds_timerun_delay_threshold(h, command, 1, SIGKILL, threshold, &code));
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipes[1]);
	n = read(pipes[0], text, sizeof text - 1);
	close(pipes[0]);
	text[n > 0 ? n : 0] = '\0';
	assert_int_equal(code, 0);
	return xstrdup(text);
}

static void test_threshold(void **state)
{
	_cleanup_free_ char *slow = said_by_timerun(*state, "sleep 0.4", 20), *quick = said_by_timerun(*state, "sleep 0.1", 90);

	assert_non_null(strstr(slow, "per cent of its time-out of 1 s"));
	assert_string_equal(quick, "");
}

/* ---- fault monitor ---- */

static void test_fm_action(void **state)
{
	static const struct {
		const char *mode, *refuse;
		int restarts, status;
		scha_err_t want;
		const char *asked;
	} rows[] = {
		{ "SOFT", NULL, 0, 0,   SCHA_ERR_NOERR, "status OK" },
		{ "SOFT", NULL, 0, 0,   SCHA_ERR_NOERR, "" },           /* it is set already */
		{ "SOFT", NULL, 0, 50,  SCHA_ERR_NOERR, "" },
		{ "SOFT", NULL, 0, 0,   SCHA_ERR_NOERR, "" },           /* takes nothing back */
		{ "SOFT", NULL, 0, 50,  SCHA_ERR_NOERR, "status DEGRADED, control RESOURCE_RESTART" },
		{ "SOFT", NULL, 1, 50,  SCHA_ERR_NOERR, "" },           /* the history is empty again */
		{ "SOFT", NULL, 1, 100, SCHA_ERR_NOERR, "control RESOURCE_RESTART" },
		{ "SOFT", SCHA_GIVEOVER, 2, 100, SCHA_ERR_FAIL, "status FAULTED, control GIVEOVER" },
		{ "SOFT", NULL, 2, 100, SCHA_ERR_NOERR, "status DEGRADED, control RESOURCE_RESTART" },  /* all is forgotten */
		{ "SOFT", SCHA_RESOURCE_RESTART, 2, 100, SCHA_ERR_INTERNAL, "control RESOURCE_RESTART" },
		{ "SOFT", NULL, 0, SCDS_PROBE_IMMEDIATE_FAILOVER, SCHA_ERR_NOERR, "status FAULTED, control GIVEOVER" },
		{ "LOG_ONLY", NULL, 0, SCDS_PROBE_IMMEDIATE_FAILOVER, SCHA_ERR_NOERR, "" },
		{ "RESTART_ONLY", NULL, 0, SCDS_PROBE_IMMEDIATE_FAILOVER, SCHA_ERR_NOERR, "status DEGRADED, control RESOURCE_RESTART" },
		{ "RESTART_ONLY", NULL, 2, 100, SCHA_ERR_NOERR, "status FAULTED" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world.mode = rows[i].mode;
		world.refuse = rows[i].refuse;
		world.restarts = rows[i].restarts;
		assert_int_equal(scds_fm_action(*state, rows[i].status, 3), rows[i].want);
		asked_is(rows[i].asked);
	}
	scds_fm_print_probes(*state, 1);
}

static void test_helpers(void **state)
{
	OK(scds_restart_resource(*state));
	OK(scds_restart_rg(*state));
	world.refuse = SCHA_GIVEOVER;
	assert_int_equal(scds_failover_rg(*state), SCHA_ERR_CHECKS);
	asked_is("control RESOURCE_RESTART, control RESTART, control GIVEOVER");
}

static void *die_soon(void *name)
{
	usleep(100000);
	tree_dies(name);
	return NULL;
}

static void test_fm_sleep(void **state)
{
	scds_handle_t h = *state;
	int64_t began = clock_ms();
	pthread_t thread;

	OK(scds_fm_sleep(h, 1));
	assert_in_range(clock_ms() - began, 990, 1500);
	asked_is("");
	OK(scds_pmf_start(h, SCDS_PMF_TYPE_SVC, 1, "x", -1));
	pthread_create(&thread, NULL, die_soon, (char[]) { "rg,web,1.svc" });
	began = clock_ms();
	world.restarts = 2;
	world.refuse = SCHA_GIVEOVER;
	OK(scds_fm_sleep(h, 30));                       /* a failover that is refused is followed by a restart */
	assert_in_range(clock_ms() - began, 50, 1500);
	asked_is("status FAULTED, control GIVEOVER, status DEGRADED, control RESOURCE_RESTART");
	pthread_join(thread, NULL);
}

/* A death that is found by asking is answered as soon as one that is told; one that was answered in vain has time. */
static void test_death_between_two_sleeps(void **state)
{
	int64_t began = clock_ms();

	OK(scds_pmf_start(*state, SCDS_PMF_TYPE_SVC, 0, "x", -1));
	json_object_del(world.tags, "rg,web,0.svc");
	world.refuse = SCHA_RESOURCE_RESTART;
	assert_int_equal(scds_fm_sleep(*state, 30), SCHA_ERR_INTERNAL);
	assert_in_range(clock_ms() - began, 0, 1500);
	asked_is("status DEGRADED, control RESOURCE_RESTART");
	began = clock_ms();
	assert_int_equal(scds_fm_sleep(*state, 1), SCHA_ERR_INTERNAL);
	assert_in_range(clock_ms() - began, 990, 2500);
	asked_is("control RESOURCE_RESTART");
}

/* It dies after the process monitor has listed it, and before it is watched. */
static void test_death_before_the_watch(void **state)
{
	int64_t began = clock_ms();
	scds_handle_t monitor;

	OK(scds_pmf_start(*state, SCDS_PMF_TYPE_SVC, 0, "x", -1));
	monitor = open_web();
	world.gone = true;
	OK(scds_fm_sleep(monitor, 30));
	assert_in_range(clock_ms() - began, 0, 1500);
	asked_is("status DEGRADED, control RESOURCE_RESTART");
	scds_close(&monitor);
}

static void *pmfd_starts_anew(void *ctx)
{
	usleep(100000);
	pthread_mutex_lock(&world.lock);
	shutdown(world.watch_fd, SHUT_RDWR);
	pthread_mutex_unlock(&world.lock);
	return NULL;
}

/* A process monitor that goes and comes is no death; but one that comes without the tag is. */
static void test_new_pmfd(void **state)
{
	pthread_t thread;

	OK(scds_pmf_start(*state, SCDS_PMF_TYPE_SVC, 0, "x", -1));
	pthread_create(&thread, NULL, pmfd_starts_anew, NULL);
	OK(scds_fm_sleep(*state, 1));
	pthread_join(thread, NULL);
	asked_is("");
	pthread_create(&thread, NULL, die_soon, (char[]) { "rg,web,0.svc" });
	OK(scds_fm_sleep(*state, 30));                  /* it is watched again */
	pthread_join(thread, NULL);
	asked_is("status DEGRADED, control RESOURCE_RESTART");
}

/* Of several trees only the dead one is started again, while there are restarts left. */
static void test_several_trees(void **state)
{
	scds_handle_t h = *state;
	json_t *other;

	OK(scds_pmf_start(h, SCDS_PMF_TYPE_SVC, 0, "x", -1));
	OK(scds_pmf_start(h, SCDS_PMF_TYPE_SVC, 1, "y", -1));
	other = tag("rg,web,0.svc");
	json_object_del(world.tags, "rg,web,1.svc");
	OK(scds_fm_sleep(h, 0));
	asked_is("status DEGRADED, control RESOURCE_IS_RESTARTED");
	assert_ptr_equal(tag("rg,web,0.svc"), other);
	assert_string_equal(json_string_value(json_array_get(ju_arr(tag("rg,web,1.svc"), "argv"), 2)), "y");
	world.restarts = 2;
	json_object_del(world.tags, "rg,web,1.svc");
	OK(scds_fm_sleep(h, 0));
	asked_is("status FAULTED, control GIVEOVER");
	world.restarts = 0;
	world.refuse = SCHA_RESOURCE_IS_RESTARTED;
	assert_int_equal(scds_fm_sleep(h, 0), SCHA_ERR_INTERNAL);
	asked_is("status DEGRADED, control RESOURCE_IS_RESTARTED");
}

/* A tag that was let go is no death. */
static void test_let_go(void **state)
{
	OK(scds_pmf_start(*state, SCDS_PMF_TYPE_SVC, 0, "x", -1));
	ju_set_str(tag("rg,web,0.svc"), "state", "stopping");
	OK(scds_fm_sleep(*state, 0));
	json_object_del(world.tags, "rg,web,0.svc");
	OK(scds_fm_sleep(*state, 0));
	asked_is("");
}

static void test_svc_wait(void **state)
{
	scds_handle_t h = *state;

	OK(scds_pmf_start(h, SCDS_PMF_TYPE_SVC, 0, "x", -1));
	OK(scds_svc_wait(h, 0));
	json_object_del(world.tags, "rg,web,0.svc");
	OK(scds_svc_wait(h, 0));                        /* Retry_count is 2: the first death is repaired */
	assert_non_null(tag("rg,web,0.svc"));
	json_object_del(world.tags, "rg,web,0.svc");
	assert_int_equal(scds_svc_wait(h, 0), SCHA_ERR_FAIL);
	assert_int_equal(scds_svc_wait(h, -1), SCHA_ERR_INVAL);
}

/* ---- log ---- */

static char *logged(int file_level, int level)
{
	_cleanup_free_ char *root = xasprintf("%s/var/cluster/rgm/rt/ACME.web", getenv("PARHELION_ROOT")),
		       *make = xasprintf("mkdir -p %s && echo %d >%s/loglevel", root, file_level, root);
	int saved = dup(STDERR_FILENO), pipes[2], status;
	scds_handle_t h;
	char text[4 * SCDS_ARRAY_SIZE];
	ssize_t n;

	assert_int_equal(command_run(&(struct command) { make, 5000, SIGKILL, false, NULL }, &status), 0);
	h = open_web();
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	scds_syslog_debug(level, "deep %d", level);
	scds_syslog(LOG_ERR, "said %s\n", "so");
	dup2(saved, STDERR_FILENO);
	close(pipes[1]);
	close(saved);
	n = read(pipes[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	close(pipes[0]);
	scds_close(&h);
	return xstrdup(text);
}

static void test_log(void **state)
{
	static const struct { int file, level; bool said; } rows[] = {
		{ 0, DBG_LEVEL_LOW, false }, { 5, DBG_LEVEL_MED, true }, { 5, DBG_LEVEL_HIGH, false },
		{ 9, DBG_LEVEL_HIGH, true }, { 77, SCDS_MAX_DEBUG_LEVEL, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text = logged(rows[i].file, rows[i].level);

		assert_non_null(strstr(text, "SC[ACME.web:2,rg,web,web_probe]"));
		assert_non_null(strstr(text, "daemon.error] said so\n"));
		assert_int_equal(strstr(text, "deep") != NULL, rows[i].said);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, calm, done)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names), TEST(test_no_handle), TEST(test_properties), TEST(test_extension), TEST(test_validate),
		TEST(test_lists), TEST(test_hasp), TEST(test_connect), TEST(test_read_write), TEST(test_net), TEST(test_pmf),
		TEST(test_stop), TEST(test_timerun), TEST(test_threshold), TEST(test_fm_action), TEST(test_helpers), TEST(test_fm_sleep), TEST(test_death_between_two_sleeps), TEST(test_death_before_the_watch), TEST(test_several_trees), TEST(test_new_pmfd),
		TEST(test_let_go), TEST(test_svc_wait), TEST(test_log),
	};

	return cmocka_run_group_tests(tests, world_start, world_stop);
}
