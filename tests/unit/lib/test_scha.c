/* The library against a server that is a thread here: it answers what the test has put into "replies". */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/json.h"
#include "lib/optag.h"
#include <scha.h>

static const char *tags_header;

static struct server {
	pthread_mutex_t lock;
	int      fd;
	int      seq, type_seq, calls;
	char     last[4096];            /* request as text */
	const char *error;              /* whole reply instead */
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

#define RESOURCE_JSON \
	"'name':'web','type':'SUNW.gds:6','type_version':'6','group':'rg','enabled':true,'monitored':false,'self':'n1'," \
	"'properties':[" \
	"{'name':'Retry_count','value':'2','extension':false,'type':'INT'}," \
	"{'name':'Retry_interval','value':'370','extension':false,'type':'INT'}," \
	"{'name':'R_description','value':'','extension':false,'type':'STRING'}," \
	"{'name':'Failover_mode','value':'SOFT','extension':false,'type':'ENUM'}," \
	"{'name':'Scalable','value':'FALSE','extension':false,'type':'BOOLEAN'}," \
	"{'name':'Port_list','value':'80/tcp,443/tcp','extension':false,'type':'STRINGARRAY'}," \
	"{'name':'Network_resources_used','value':'','extension':false,'type':'STRINGARRAY'}," \
	"{'name':'Resource_dependencies_weak','value':'','extension':false,'type':'STRINGARRAY'}," \
	"{'name':'Resource_dependencies','value':'ip{LOCAL_NODE},db','extension':false,'type':'STRINGARRAY'}," \
	"{'name':'Start_command','value':'/bin/a b=c,d','extension':true,'type':'STRING'}," \
	"{'name':'Probe_timeout','value':'30','extension':true,'type':'INT'}," \
	"{'name':'Network_aware','value':'TRUE','extension':true,'type':'BOOLEAN'}," \
	"{'name':'Dirs','value':'/a,/b','extension':true,'type':'STRINGARRAY'}," \
	"{'name':'Log_level','value':'NONE','extension':true,'type':'ENUM'}," \
	"{'name':'Workers','value':'4','extension':true,'type':'INT','values':{'n2':'8'}}]," \
	"'network_resources':['ip']," \
	"'nodes':[{'node':'n1','state':'ONLINE','status':'DEGRADED','message':'hm','num_resource_restarts':1,'num_rg_restarts':0}," \
	"{'node':'n2','state':'OFFLINE','status':'OFFLINE','message':'','enabled':false}]"

static const struct { const char *method, *reply; } replies[] = {
	{ "GetResource", RESOURCE_JSON },
	{ "GetCluster", "'name':'c','self':'n1','self_id':1,'groups':['rg'],'types':['SUNW.gds:6'],"
	  "'nodes':[{'name':'n1','id':1,'state':'UP'},{'name':'n2','id':2,'state':'LOST','private_name':'two-priv'}]" },
	{ "GetGroup", "'name':'rg','managed':true,'self':'n1','resources':['ip','web'],'properties':{'RG_mode':'Failover',"
	  "'Nodelist':'n1,n2','Maximum_primaries':'1','Failback':'TRUE','Global_resources_used':'*',"
	  "'Implicit_network_dependencies':'TRUE','RG_system':'FALSE','RG_is_frozen':'FALSE',"
	  "'Suspend_automatic_recovery':'TRUE'},'nodes':[{'node':'n1','state':'ONLINE'},{'node':'n2','state':'OFFLINE'}]" },
	{ "GetType", "'name':'SUNW.gds:6','description':'d','version':'6','basedir':'/t','api_version':7,'failover':false,"
	  "'single_instance':false,'system':false,'is_logical_hostname':false,'is_shared_address':true,'proxy':false,"
	  "'global_zone':true,'init_nodes':'RG_PRIMARIES','methods':{'Start':'gds_svc_start'},"
	  "'installed_nodes':[],'pkglist':[],'resources':['web']" },
	{ "Request", "'ok':true" },
};

static char *reply_to(const char *method)
{
	const char *dot = strrchr(method, '.');
	char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
		if (streq(dot + 1, replies[i].method))
			text = xasprintf("{'parameters':{'seq':%d,'type_seq':%d,%s}}",
					 streq(replies[i].method, "GetType") ? server.type_seq : server.seq, server.type_seq,
					 replies[i].reply);
	if (server.error) {
		free(text);
		text = xstrdup(server.error);
	}
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	return text;
}

static void serve(int fd)
{
	char request[4096];
	size_t len = 0;
	ssize_t n = 0;
	json_t *message;
	char *text;

	while (len < sizeof request && (n = read(fd, request + len, sizeof request - len)) > 0) {
		len += (size_t)n;
		if (request[len - 1] == '\0')
			break;
	}
	if (n <= 0)
		return;
	message = json_loads(request, 0, NULL);
	pthread_mutex_lock(&server.lock);
	server.calls++;
	snprintf(server.last, sizeof server.last, "%s", request);
	text = reply_to(ju_str(message, "method", ""));
	pthread_mutex_unlock(&server.lock);
	(void)!send(fd, text, strlen(text) + 1, MSG_NOSIGNAL);
	free(text);
	json_decref(message);
}

static void *server_main(void *ctx)
{
	int fd;

	while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
		serve(fd);
		close(fd);
	}
	return NULL;
}

static int server_start(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char root[] = "/tmp/test_scha.XXXXXX";
	pthread_t thread;

	assert_non_null(mkdtemp(root));
	setenv("PARHELION_ROOT", root, 1);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/run", root);
	mkdir(address.sun_path, 0755);
	strcat(address.sun_path, "/cluster");
	mkdir(address.sun_path, 0755);
	strcat(address.sun_path, "/clusterd.sock");
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(server.fd, 16), 0);
	return pthread_create(&thread, NULL, server_main, NULL);
}

static int server_stop(void **state)
{
	_cleanup_free_ char *command = xasprintf("rm -r '%s'", getenv("PARHELION_ROOT"));

	shutdown(server.fd, SHUT_RDWR);
	return system(command);
}

static int calm(void **state)
{
	pthread_mutex_lock(&server.lock);
	server.seq = 7;
	server.type_seq = 3;
	server.calls = 0;
	server.error = NULL;
	pthread_mutex_unlock(&server.lock);
	return 0;
}

static void wait_ms(int ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000L };

	nanosleep(&t, NULL);
}

#define OK(call) assert_int_equal(call, SCHA_ERR_NOERR)

static void test_resource(void **state)
{
	scha_failover_mode_t mode;
	scha_status_value_t *status;
	scha_str_array_t *list;
	scha_rsstate_t rsstate;
	scha_resource_t h;
	scha_switch_t on;
	boolean_t yes;
	char *text;
	int n;

	OK(scha_resource_open("web", "rg", &h));
	OK(scha_resource_get(h, SCHA_RETRY_COUNT, &n));
	assert_int_equal(n, 2);
	OK(scha_resource_get(h, "retry_interval", &n));
	assert_int_equal(n, 370);
	OK(scha_resource_get(h, SCHA_TYPE, &text));
	assert_string_equal(text, "SUNW.gds:6");
	OK(scha_resource_get(h, SCHA_R_DESCRIPTION, &text));
	assert_string_equal(text, "");
	OK(scha_resource_get(h, SCHA_FAILOVER_MODE, &mode));
	assert_int_equal(mode, SCHA_FOMODE_SOFT);
	OK(scha_resource_get(h, SCHA_SCALABLE, &yes));
	assert_int_equal(yes, B_FALSE);
	OK(scha_resource_get(h, SCHA_PORT_LIST, &list));
	assert_int_equal(list->array_cnt, 2);
	assert_string_equal(list->str_array[1], "443/tcp");
	OK(scha_resource_get(h, SCHA_NETWORK_RESOURCES_USED, &list));     /* not set, but it depends on an address */
	assert_int_equal(list->array_cnt, 1);
	OK(scha_resource_get(h, SCHA_RESOURCE_DEPENDENCIES_WEAK, &list));
	assert_non_null(list);
	assert_int_equal(list->array_cnt, 0);
	OK(scha_resource_get(h, SCHA_RESOURCE_DEPENDENCIES, &list));
	assert_string_equal(list->str_array[0], "ip");
	OK(scha_resource_get(h, SCHA_RESOURCE_DEPENDENCIES_Q, &list));
	assert_string_equal(list->str_array[0], "ip{LOCAL_NODE}");
	OK(scha_resource_get(h, SCHA_ON_OFF_SWITCH, &on));
	assert_int_equal(on, SCHA_SWITCH_ENABLED);
	OK(scha_resource_get(h, SCHA_MONITORED_SWITCH_NODE, "n2", &on));
	assert_int_equal(on, SCHA_SWITCH_DISABLED);
	OK(scha_resource_get(h, SCHA_ON_OFF_SWITCH_NODE, "n1", &on));
	assert_int_equal(on, SCHA_SWITCH_ENABLED);
	OK(scha_resource_get(h, SCHA_ON_OFF_SWITCH_NODE, "n2", &on));   /* has one of its own */
	assert_int_equal(on, SCHA_SWITCH_DISABLED);
	OK(scha_resource_get(h, SCHA_RESOURCE_STATE, &rsstate));
	assert_int_equal(rsstate, SCHA_RSSTATE_ONLINE);
	OK(scha_resource_get(h, SCHA_RESOURCE_STATE_NODE, "n2", &rsstate));
	assert_int_equal(rsstate, SCHA_RSSTATE_OFFLINE);
	OK(scha_resource_get(h, SCHA_STATUS, &status));
	assert_int_equal(status->status, SCHA_RSSTATUS_DEGRADED);
	assert_string_equal(status->status_msg, "hm");
	OK(scha_resource_get(h, SCHA_NUM_RESOURCE_RESTARTS, &n));
	assert_int_equal(n, 1);
	OK(scha_resource_get(h, SCHA_RT_BASEDIR, &text));
	assert_string_equal(text, "/t");
	OK(scha_resource_get(h, SCHA_START, &text));
	assert_string_equal(text, "gds_svc_start");
	OK(scha_resource_get(h, SCHA_STOP, &text));
	assert_string_equal(text, "");
	n = 99;
	assert_int_equal(scha_resource_get(h, SCHA_STATUS_NODE, "n9", &status), SCHA_ERR_NODE);
	assert_int_equal(scha_resource_get(h, SCHA_CONN_THRESHOLD, &n), SCHA_ERR_PROP);
	assert_int_equal(scha_resource_get(h, SCHA_NODELIST, &n), SCHA_ERR_TAG);
	assert_int_equal(scha_resource_get(h, "NO_SUCH_TAG", &n), SCHA_ERR_TAG);
	assert_int_equal(scha_resource_get(h, NULL, &n), SCHA_ERR_INVAL);
	assert_int_equal(scha_resource_get(h, SCHA_STATUS_NODE, NULL, &status), SCHA_ERR_INVAL);
	assert_int_equal(n, 99);
	OK(scha_resource_close(h));
}

static void test_extensions(void **state)
{
	scha_extprop_value_t *ext;
	scha_str_array_t *names;
	scha_resource_t h;

	OK(scha_resource_open("web", NULL, &h));
	OK(scha_resource_get(h, SCHA_ALL_EXTENSIONS, &names));
	assert_int_equal(names->array_cnt, 6);
	OK(scha_resource_get(h, SCHA_EXTENSION, "Start_command", &ext));
	assert_int_equal(ext->prop_type, SCHA_PTYPE_STRING);
	assert_string_equal(ext->val.val_str, "/bin/a b=c,d");
	OK(scha_resource_get(h, SCHA_EXTENSION, "probe_TIMEOUT", &ext));
	assert_int_equal(ext->val.val_int, 30);
	OK(scha_resource_get(h, SCHA_EXTENSION, "Network_aware", &ext));
	assert_int_equal(ext->val.val_boolean, B_TRUE);
	OK(scha_resource_get(h, SCHA_EXTENSION, "Dirs", &ext));
	assert_string_equal(ext->val.val_strarray->str_array[1], "/b");
	OK(scha_resource_get(h, SCHA_EXTENSION_NODE, "Log_level", "n2", &ext));
	assert_int_equal(ext->prop_type, SCHA_PTYPE_ENUM);
	assert_string_equal(ext->val.val_enum, "NONE");
	OK(scha_resource_get(h, SCHA_EXTENSION, "Workers", &ext));
	assert_int_equal(ext->val.val_int, 4);
	OK(scha_resource_get(h, SCHA_EXTENSION_NODE, "workers", "n2", &ext));
	assert_int_equal(ext->val.val_int, 8);
	OK(scha_resource_get(h, SCHA_EXTENSION_NODE, "Workers", "n1", &ext));
	assert_int_equal(ext->val.val_int, 4);
	assert_int_equal(scha_resource_get(h, SCHA_EXTENSION_NODE, "Workers", "n9", &ext), SCHA_ERR_NODE);
	assert_int_equal(scha_resource_get(h, SCHA_EXTENSION, "Retry_count", &ext), SCHA_ERR_PROP);
	assert_int_equal(scha_resource_get(h, SCHA_EXTENSION, NULL, &ext), SCHA_ERR_INVAL);
	OK(scha_resource_close(h));
}

static void test_cluster(void **state)
{
	scha_uint_array_t *ids;
	scha_str_array_t *list;
	scha_node_state_t up;
	scha_cluster_t h;
	char *text;
	uint_t id;
	int n;

	OK(scha_cluster_open(&h));
	OK(scha_cluster_get(h, SCHA_CLUSTERNAME, &text));
	assert_string_equal(text, "c");
	OK(scha_cluster_get(h, SCHA_NODENAME_NODEID, 2u, &text));
	assert_string_equal(text, "n2");
	OK(scha_cluster_get(h, SCHA_NODEID_NODENAME, "n2", &id));
	assert_int_equal(id, 2);
	OK(scha_cluster_get(h, SCHA_NODEID_LOCAL, &id));
	assert_int_equal(id, 1);
	OK(scha_cluster_get(h, SCHA_ALL_NODEIDS, &ids));
	assert_int_equal(ids->array_cnt, 2);
	assert_int_equal(ids->uint_array[1], 2);
	OK(scha_cluster_get(h, SCHA_NODESTATE_NODE, "n2", &up));
	assert_int_equal(up, SCHA_NODE_DOWN);
	OK(scha_cluster_get(h, SCHA_PRIVATELINK_HOSTNAME_LOCAL, &text));
	assert_string_equal(text, "clusternode1-priv");
	OK(scha_cluster_get(h, SCHA_PRIVATELINK_HOSTNAME_NODE, "n2", &text));
	assert_string_equal(text, "two-priv");
	OK(scha_cluster_get(h, SCHA_ALL_RESOURCEGROUPS, &list));
	assert_int_equal(list->array_cnt, 1);
	OK(scha_cluster_get(h, SCHA_SYSLOG_FACILITY, &n));
	assert_int_equal(n, 24);
	OK(scha_cluster_get(h, SCHA_ALL_NONGLOBAL_ZONES, &list));
	assert_int_equal(list->array_cnt, 0);
	assert_int_equal(scha_cluster_get(h, SCHA_NODENAME_NODEID, 9u, &text), SCHA_ERR_NODE);
	assert_int_equal(scha_cluster_get(h, SCHA_ALL_PSTRINGS, &list), SCHA_ERR_TAG);
	OK(scha_cluster_close(h));
	OK(scha_cluster_getnodename(&text));
	assert_string_equal(text, "n1");
	free(text);
	OK(scha_cluster_getzone(&text));        /* in the global zone that is the name of the node */
	assert_string_equal(text, "n1");
	free(text);
	OK(scha_cluster_getlogfacility(&n));
	assert_int_equal(n, 24);
	assert_int_equal(scha_cluster_getlogfacility(NULL), SCHA_ERR_INVAL);
	assert_int_equal(scha_cluster_getnodename(NULL), SCHA_ERR_INVAL);
	assert_int_equal(scha_cluster_getzone(NULL), SCHA_ERR_INVAL);
}

/* The twins with a cluster before the other arguments: this cluster has three names, all others are none. */
static void test_zone_clusters(void **state)
{
	static const char *const own[] = { NULL, "global", "c" };
	char *text;
	void *h;
	int n;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		OK(scha_cluster_open_zone(own[i], &h));
		OK(scha_cluster_get_zone(own[i], h, SCHA_CLUSTERNAME, &text));
		assert_string_equal(text, "c");
		assert_int_equal(scha_cluster_get_zone("other", h, SCHA_CLUSTERNAME, &text), SCHA_ERR_CLUSTER);
		assert_int_equal(scha_cluster_close_zone("other", h), SCHA_ERR_CLUSTER);
		OK(scha_cluster_close_zone(own[i], h));
		OK(scha_resource_open_zone(own[i], "web", NULL, &h));
		OK(scha_resource_get_zone(own[i], h, SCHA_RETRY_COUNT, &n));
		OK(scha_resource_close_zone(own[i], h));
		OK(scha_resourcegroup_open_zone(own[i], "rg", &h));
		OK(scha_resourcegroup_get_zone(own[i], h, SCHA_MAXIMUM_PRIMARIES, &n));
		OK(scha_resourcegroup_close_zone(own[i], h));
		OK(scha_resourcetype_open_zone(own[i], "gds", &h));
		OK(scha_resourcetype_get_zone(own[i], h, SCHA_API_VERSION, &n));
		OK(scha_resourcetype_close_zone(own[i], h));
	}
	assert_int_equal(scha_cluster_open_zone("other", &h), SCHA_ERR_CLUSTER);
	assert_int_equal(scha_resource_open_zone("other", "web", NULL, &h), SCHA_ERR_CLUSTER);
	assert_int_equal(scha_resourcegroup_open_zone("other", "rg", &h), SCHA_ERR_CLUSTER);
	assert_int_equal(scha_resourcetype_open_zone("other", "gds", &h), SCHA_ERR_CLUSTER);
	OK(scha_control_zone(SCHA_RESTART, "rg", "web", "global"));
	assert_int_equal(scha_control_zone(SCHA_RESTART, "rg", "web", "z1"), SCHA_ERR_NODE);
	OK(scha_resource_setstatus_zone("web", "rg", NULL, SCHA_RSSTATUS_OK, NULL));
	assert_int_equal(scha_resource_setstatus_zone("web", "rg", "z1", SCHA_RSSTATUS_OK, NULL), SCHA_ERR_NODE);
}

/* Gets of one handle by several threads, while others open and close; run it with the thread sanitizer, too. */
static void *reader(void *h)
{
	for (int i = 0; i < 50; i++) {
		scha_resource_t own;
		char *text = NULL;
		int n = 0;

		if (scha_resource_get(h, SCHA_RETRY_COUNT, &n) != SCHA_ERR_NOERR || n != 2 ||
		    scha_resource_get(h, SCHA_TYPE, &text) != SCHA_ERR_NOERR || strcmp(text, "SUNW.gds:6") != 0 ||
		    scha_resource_open("web", NULL, &own) != SCHA_ERR_NOERR ||
		    scha_resource_get(own, SCHA_RT_BASEDIR, &text) != SCHA_ERR_NOERR || strcmp(text, "/t") != 0 ||
		    scha_resource_close(own) != SCHA_ERR_NOERR)
			return h;
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[6];
	scha_resource_t h;
	void *bad;

	OK(scha_resource_open("web", "rg", &h));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader, h), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	OK(scha_resource_close(h));
}

static void test_group_and_type(void **state)
{
	static const struct { const char *tag; int want; } group_flags[] = {
		{ SCHA_RG_SYSTEM, B_FALSE }, { SCHA_RG_IS_FROZEN, B_FALSE }, { SCHA_SUSPEND_AUTOMATIC_RECOVERY, B_TRUE },
		{ SCHA_FAILBACK, B_TRUE },
	};
	static const struct { const char *tag; int want; } type_flags[] = {
		{ SCHA_IS_LOGICAL_HOSTNAME, B_FALSE }, { SCHA_IS_SHARED_ADDRESS, B_TRUE }, { SCHA_PROXY, B_FALSE },
		{ SCHA_GLOBAL_ZONE, B_TRUE }, { SCHA_RT_SYSTEM, B_FALSE }, { SCHA_FAILOVER, B_FALSE },
	};
	scha_initnodes_flag_t init;
	scha_str_array_t *list;
	scha_rgstate_t rgstate;
	scha_rgmode_t mode;
	boolean_t yes;
	void *h;
	int n;

	OK(scha_resourcegroup_open("rg", &h));
	OK(scha_resourcegroup_get(h, SCHA_RG_MODE, &mode));
	assert_int_equal(mode, RGMODE_FAILOVER);
	OK(scha_resourcegroup_get(h, SCHA_NODELIST, &list));
	assert_int_equal(list->array_cnt, 2);
	OK(scha_resourcegroup_get(h, SCHA_GLOBAL_RESOURCES_USED, &list));
	assert_int_equal(list->is_ALL_value, B_TRUE);
	assert_int_equal(list->array_cnt, 0);
	OK(scha_resourcegroup_get(h, SCHA_IMPL_NET_DEPEND, &yes));
	assert_int_equal(yes, B_TRUE);
	for (size_t i = 0; i < ARRAY_SIZE(group_flags); i++) {
		yes = 99;
		OK(scha_resourcegroup_get(h, group_flags[i].tag, &yes));
		assert_int_equal(yes, group_flags[i].want);
	}
	OK(scha_resourcegroup_get(h, SCHA_RG_STATE_NODE, "n2", &rgstate));
	assert_int_equal(rgstate, SCHA_RGSTATE_OFFLINE);
	assert_int_equal(scha_resourcetype_close(h), SCHA_ERR_HANDLE);
	OK(scha_resourcegroup_close(h));
	OK(scha_resourcetype_open("gds", &h));
	OK(scha_resourcetype_get(h, SCHA_API_VERSION, &n));
	assert_int_equal(n, 7);
	for (size_t i = 0; i < ARRAY_SIZE(type_flags); i++) {
		yes = 99;
		OK(scha_resourcetype_get(h, type_flags[i].tag, &yes));
		assert_int_equal(yes, type_flags[i].want);
	}
	OK(scha_resourcetype_get(h, SCHA_INIT_NODES, &init));
	assert_int_equal(init, SCHA_INFLAG_RG_PRIMARIES);
	OK(scha_resourcetype_get(h, SCHA_INSTALLED_NODES, &list));
	assert_int_equal(list->is_ALL_value, B_TRUE);
	OK(scha_resourcetype_get(h, SCHA_RESOURCE_LIST, &list));
	assert_int_equal(list->array_cnt, 1);
	OK(scha_resourcetype_close(h));
}

static void test_change_is_noticed(void **state)
{
	scha_resource_t h;
	char *first, *second;
	int n = 0;

	OK(scha_resource_open("web", "rg", &h));
	OK(scha_resource_get(h, SCHA_GROUP, &first));
	pthread_mutex_lock(&server.lock);
	assert_int_equal(server.calls, 1);                      /* a burst asks once */
	server.seq = 8;
	pthread_mutex_unlock(&server.lock);
	wait_ms(20);
	assert_int_equal(scha_resource_get(h, SCHA_RETRY_COUNT, &n), SCHA_ERR_SEQID);
	assert_int_equal(n, 2);                                 /* delivered all the same */
	assert_int_equal(scha_resource_get(h, SCHA_GROUP, &second), SCHA_ERR_SEQID);
	assert_ptr_not_equal(first, second);
	assert_string_equal(first, "rg");                       /* earlier values stay */
	OK(scha_resource_close(h));
}

/* The properties of a resource's type belong to the version of the type that the resource was opened with. */
static void test_changed_type_is_noticed(void **state)
{
	scha_resource_t h;
	scha_resourcetype_t t;
	char *text;

	OK(scha_resource_open("web", "rg", &h));
	OK(scha_resource_get(h, SCHA_RT_BASEDIR, &text));
	OK(scha_resourcetype_open("gds", &t));
	pthread_mutex_lock(&server.lock);
	server.type_seq = 4;
	pthread_mutex_unlock(&server.lock);
	wait_ms(20);
	assert_int_equal(scha_resource_get(h, SCHA_RT_BASEDIR, &text), SCHA_ERR_SEQID);
	assert_string_equal(text, "/t");
	assert_int_equal(scha_resource_get(h, SCHA_GROUP, &text), SCHA_ERR_SEQID);
	assert_int_equal(scha_resourcetype_get(t, SCHA_RT_BASEDIR, &text), SCHA_ERR_SEQID);
	OK(scha_resource_close(h));
	OK(scha_resourcetype_close(t));
	OK(scha_resource_open("web", "rg", &h));                /* opened again all is well */
	OK(scha_resource_get(h, SCHA_RT_BASEDIR, &text));
	OK(scha_resource_close(h));
}

/* Of a state that changes nobody is told: it is what it is when one asks. */
static void test_dynamic_values_are_fresh(void **state)
{
	scha_rsstate_t rsstate;
	scha_resource_t h;
	int calls;

	OK(scha_resource_open("web", "rg", &h));
	calls = server.calls;
	OK(scha_resource_get(h, SCHA_RESOURCE_STATE, &rsstate));
	OK(scha_resource_get(h, SCHA_RESOURCE_STATE, &rsstate));
	assert_int_equal(server.calls, calls + 2);
	OK(scha_resource_close(h));
}

static void test_closed_handles(void **state)
{
	int stranger = 0, n = 99;
	scha_resource_t h;

	OK(scha_resource_open("web", "rg", &h));
	assert_int_equal(scha_resourcegroup_get(h, SCHA_PINGPONG_INTERVAL, &n), SCHA_ERR_HANDLE);
	OK(scha_resource_close(h));
	assert_int_equal(scha_resource_get(h, SCHA_RETRY_COUNT, &n), SCHA_ERR_HANDLE);
	assert_int_equal(scha_resource_close(h), SCHA_ERR_HANDLE);
	assert_int_equal(scha_resource_close(&stranger), SCHA_ERR_HANDLE);
	assert_int_equal(n, 99);
}

static void test_errors(void **state)
{
	void *h = NULL;

	assert_int_equal(scha_resource_close(NULL), SCHA_ERR_HANDLE);
	assert_int_equal(scha_cluster_get(NULL, SCHA_CLUSTERNAME, &h), SCHA_ERR_HANDLE);
	assert_int_equal(scha_resource_open(NULL, NULL, &h), SCHA_ERR_INVAL);
	server.error = "{'error':'org.parhelion.Cluster.NotFound','parameters':{'code':14,'message':'no'}}";
	assert_int_equal(scha_resource_open("x", NULL, &h), SCHA_ERR_RSRC);
	server.error = "{'error':'org.varlink.service.PermissionDenied','parameters':{}}";
	assert_int_equal(scha_control(SCHA_GIVEOVER, "rg", "web"), SCHA_ERR_ACCESS);
	server.error = "nonsense";
	assert_int_equal(scha_cluster_open(&h), SCHA_ERR_INTERNAL);
	assert_string_equal(scha_strerror(SCHA_ERR_RSRC), "invalid resource");
	assert_int_equal(SCHA_ERR_NOMEM, 1);
	assert_string_equal(scha_strerror(SCHA_ERR_NOMEM), "not enough memory");
	assert_string_equal(scha_strerror(SCHA_ERR_ZONE_CLUSTER), "invalid zone cluster");
	assert_string_equal(scha_strerror(SCHA_ERR_ZC_DOWN), "the zone cluster is down");
	assert_non_null(scha_strerror((scha_err_t)4711));
	assert_string_equal(scha_strerror_i18n(SCHA_ERR_RSRC), scha_strerror(SCHA_ERR_RSRC));   /* no catalogue */
}

static void test_actions(void **state)
{
	OK(scha_control("giveover", "rg", "web"));
	assert_non_null(strstr(server.last, "\"GIVEOVER\""));
	assert_int_equal(scha_control("JUMP", "rg", "web"), SCHA_ERR_TAG);
	assert_int_equal(scha_control(SCHA_RESTART, "rg", NULL), SCHA_ERR_INVAL);
	OK(scha_resource_setstatus("web", "rg", SCHA_RSSTATUS_DEGRADED, "caf\xe9"));
	assert_non_null(strstr(server.last, "\"DEGRADED\""));
	assert_non_null(strstr(server.last, "\"caf?\""));       /* Latin-1 does not pass the wire */
	OK(scha_resource_setstatus("web", "rg", SCHA_RSSTATUS_OK, NULL));
	assert_int_equal(scha_resource_setstatus("web", "rg", (scha_rsstatus_t)17, ""), SCHA_ERR_RSTATUS);
	server.error = "{'error':'org.parhelion.Cluster.Refused','parameters':{'code':16,'message':'no'}}";
	assert_int_equal(scha_control(SCHA_GIVEOVER, "rg", "web"), SCHA_ERR_CHECKS);
}

/* Every tag of the header is in the table or one of scha_control(), and the other way round. */
static void test_table_is_complete(void **state)
{
	char line[256], name[128], text[128];
	FILE *f = fopen(tags_header, "re");
	size_t known = 0;
	bool control = false;

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		bool found = false;

		control |= strstr(line, "/* scha_control") != NULL;
		if (sscanf(line, "#define SCHA_%127s \"%127[^\"]\"", name, text) != 2 || control)
			continue;
		assert_string_equal(name, text);
		known++;
		for (size_t i = 0; i < optag_count(); i++)
			found |= streq(optag_at(i)->tag, text);
		if (!found)
			fail_msg("SCHA_%s is not in the table", text);
	}
	fclose(f);
	assert_int_equal(known, optag_count() - 1);             /* RESOURCE_LIST is of groups and of types */
	for (size_t i = 0; i < optag_count(); i++)
		assert_ptr_equal(optag_find(optag_at(i)->object, optag_at(i)->tag), optag_at(i));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_resource, calm),       cmocka_unit_test_setup(test_extensions, calm),
		cmocka_unit_test_setup(test_cluster, calm),        cmocka_unit_test_setup(test_group_and_type, calm),
		cmocka_unit_test_setup(test_change_is_noticed, calm), cmocka_unit_test_setup(test_errors, calm),
		cmocka_unit_test_setup(test_changed_type_is_noticed, calm),
		cmocka_unit_test_setup(test_dynamic_values_are_fresh, calm),
		cmocka_unit_test_setup(test_closed_handles, calm), cmocka_unit_test_setup(test_zone_clusters, calm),
		cmocka_unit_test_setup(test_threads, calm),
		cmocka_unit_test_setup(test_actions, calm),        cmocka_unit_test(test_table_is_complete),
	};

	tags_header = argc > 1 ? argv[1] : "include/scha_tags.h";
	return cmocka_run_group_tests(tests, server_start, server_stop);
}
