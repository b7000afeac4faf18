/* The socket of clusterd: docs/api/org.parhelion.Cluster.varlink.  Reading is answered from the engine's state at once;
 * requests go into the log and are answered when their end comes back. */
#include "clusterd/node.h"
#include "clusterd/starts.h"
#include "clusterd/status.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"
#include "ccr/history.h"
#include "cluster_varlink.h"
#include "scha_err.h"

#define REFUSED   "org.parhelion.Cluster.Refused"
#define NOT_FOUND "org.parhelion.Cluster.NotFound"

struct client { struct client *next; int64_t token; struct vl_call *call; };

static void method_status(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	json_t *status = engine_status(node->engine), *v;
	_cleanup_free_ char *waiting = starts_waiting_for(node);
	size_t i;

	(void)params;
	if (waiting) {
		ju_set_str(status, "waiting_for", waiting);
		json_array_foreach(ju_arr(status, "nodes"), i, v)
			if (ju_int(v, "id", 0) == node->self)
				ju_set_bool(v, "quarantined", true);
	}
	vl_reply(call, status);
}

static void method_config(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;

	(void)params;
	vl_reply(call, rgm_config(engine_rgm(node->engine)));
}

static void found(struct vl_call *call, json_t *object, int code, const char *kind, const char *name)
{
	_cleanup_free_ char *text = object ? NULL : xasprintf("%s %s does not exist", kind, name);

	if (object)
		vl_reply(call, object);
	else
		vl_error(call, NOT_FOUND, ju_pack("{si,ss}", "code", code, "message", text));
}

static void method_get_resource(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	const char *name = ju_str(params, "resource", "");

	found(call, rgm_resource_json(engine_rgm(node->engine), name, ju_str(params, "group", NULL), node_now().wall_ms),
	      SCHA_ERR_RSRC, "resource", name);
}

static void method_get_group(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	const char *name = ju_str(params, "group", "");

	found(call, rgm_group_json(engine_rgm(node->engine), name), SCHA_ERR_RG, "resource group", name);
}

static void method_get_type(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	const char *name = ju_str(params, "type", "");

	found(call, rgm_type_json(engine_rgm(node->engine), name), SCHA_ERR_RT, "resource type", name);
}

static void method_get_cluster(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	json_t *o = rgm_cluster_json(engine_rgm(node->engine));

	(void)params;
	ju_set_int(o, "seq", (int64_t)ccr_last_commit(engine_ccr(node->engine)));
	vl_reply(call, o);
}

static void method_explain(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	const char *name = ju_str(params, "group", "");

	found(call, rgm_explain(engine_rgm(node->engine), name), SCHA_ERR_RG, "resource group", name);
}

static void refuse(struct vl_call *call, int code, const char *text)
{
	vl_error(call, REFUSED, ju_pack("{si,ss}", "code", code, "message", text));
}

/* Only a member knows how the groups are. */
static bool is_member(struct vl_call *call, const struct node *node)
{
	if (engine_is_ready(node->engine))
		return true;
	refuse(call, SCHA_ERR_RECONF, "this node is not a member of the cluster now, so it does not know the state of the groups");
	return false;
}

static void method_snapshot(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;

	(void)params;
	if (is_member(call, node))
		vl_reply(call, status_snapshot(engine_cmm(node->engine), engine_ccr(node->engine), engine_rgm(node->engine),
					       node->self, node_now().wall_ms));
}

/* -EINVAL after a refusal. */
static int read_nodes(struct vl_call *call, const struct node *node, const json_t *names, nodeset *ret)
{
	json_t *v;
	size_t i;

	*ret = 0;
	json_array_foreach((json_t *)names, i, v) {
		uint32_t id = rgm_node_id(engine_rgm(node->engine), json_string_value(v) ? json_string_value(v) : "");
		_cleanup_free_ char *text = id ? NULL : xasprintf("node %s is not in the configuration",
								  json_string_value(v) ? json_string_value(v) : "");

		if (!id) {
			refuse(call, SCHA_ERR_NODE, text);
			return -EINVAL;
		}
		*ret |= node_bit(id);
	}
	return 0;
}

static void method_split(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	nodeset side, others;

	if (is_member(call, node) && read_nodes(call, node, ju_arr(params, "side"), &side) == 0 &&
	    read_nodes(call, node, ju_arr(params, "others"), &others) == 0)
		vl_reply(call, status_split(engine_cmm(node->engine), side, others & ~side));
}

/* The repository, read by any node at any time: members hold the same tables, another node what it knew last. */
static void add_table_name(const char *table, const json_t *data, void *ctx)
{
	struct { json_t *list; const struct ccr *ccr; } *c = ctx;

	(void)data;
	ju_push(c->list, ju_pack("{ss,sI}", "table", table, "generation", (json_int_t)ccr_table_gen(c->ccr, table)));
}

static void method_list_tables(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	struct { json_t *list; const struct ccr *ccr; } c = { json_array(), engine_ccr(node->engine) };

	(void)params;
	ccr_each(c.ccr, add_table_name, &c);
	vl_reply(call, ju_pack("{so,sI}", "tables", c.list, "last_commit", (json_int_t)ccr_last_commit(c.ccr)));
}

static void method_get_table(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	const char *name = ju_str(params, "table", "");
	const json_t *data = ccr_table(engine_ccr(node->engine), name);
	json_t *o = data ? ju_pack("{ss,sI,so}", "table", name, "generation",
				   (json_int_t)ccr_table_gen(engine_ccr(node->engine), name), "data", json_deep_copy(data)) : NULL;

	found(call, o, SCHA_ERR_INVAL, "table", name);
}

/* Newest first. */
static void method_history(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	const json_t *entries = ccr_history(engine_ccr(node->engine));
	const char *table = ju_str(params, "table", NULL);
	int64_t limit = ju_int(params, "limit", CCR_HISTORY_ENTRIES), after = ju_int(params, "after", 0);
	json_t *list = json_array();

	for (size_t i = json_array_size(entries); i > 0 && (int64_t)json_array_size(list) < limit; i--) {
		json_t *e = json_array_get(entries, i - 1);

		if (ju_int(e, "n", 0) > after && (!table || streq(table, ju_str(e, "table", ""))))
			json_array_append(list, e);
	}
	vl_reply(call, ju_pack("{so,sI}", "entries", list, "last_commit",
			       (json_int_t)ccr_last_commit(engine_ccr(node->engine))));
}

static void method_journal(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;

	vl_reply(call, ju_pack("{so}", "entries", journal_since(node->journal, ju_int(params, "since_ms", 0))));
}

/* ---- requests ---- */

static struct client *client_take(struct node *node, int64_t token, const struct vl_call *call)
{
	for (struct client **at = &node->clients; *at; at = &(*at)->next) {
		struct client *c = *at;

		if (call ? c->call != call : c->token != token)
			continue;
		*at = c->next;
		return c;
	}
	return NULL;
}

static void on_gone(struct vl_call *call, void *ctx)
{
	struct node *node = ctx;
	struct client *c = client_take(node, 0, call);

	if (!c)
		return;
	engine_client_gone(node->engine, c->token);
	free(c);
}

void api_answer(struct node *node, const json_t *answer)
{
	struct client *c = client_take(node, ju_int(answer, "client", 0), NULL);
	int64_t code = ju_int(answer, "code", SCHA_ERR_INTERNAL);

	if (!c)
		return;
	if (code == SCHA_ERR_NOERR)
		vl_reply(c->call, NULL);
	else
		vl_error(c->call, REFUSED, ju_pack("{sI,ss}", "code", (json_int_t)code, "message", ju_str(answer, "text", "")));
	free(c);
}

static char *caller_name(const struct node *node, const struct vl_peer *peer)
{
	const struct passwd *pw = peer->uid == 0 ? NULL : getpwuid(peer->uid);

	return xasprintf("%s@%s", peer->uid == 0 ? "root" : pw ? pw->pw_name : "somebody",
			 rgm_node_name(engine_rgm(node->engine), node->self));
}

/* About this node only, and outside the cluster: a node that is quarantined is no member. */
static void unquarantine(struct node *node, struct vl_call *call, const char *name)
{
	int r;

	if (rgm_node_id(engine_rgm(node->engine), name) != node->self) {
		_cleanup_free_ char *text = xasprintf("a node that is quarantined waits outside the cluster: give the command on %s itself",
						      name);

		refuse(call, SCHA_ERR_NODE, text);
		return;
	}
	if (!node->starts.on) {
		refuse(call, SCHA_ERR_STATE, "this node is not quarantined");
		return;
	}
	r = starts_lift(node);
	if (r < 0) {
		_cleanup_free_ char *text = xasprintf("the disk of this node cannot be written: %s", strerror(-r));

		refuse(call, SCHA_ERR_FAIL, text);
		return;
	}
	log_notice("not quarantined any more; joining the cluster");
	node_join(node);
	vl_reply(call, NULL);
}

static void method_request(struct vl_call *call, json_t *params, void *ctx)
{
	struct node *node = ctx;
	json_t *request = ju_obj(params, "request"), *copy;
	_cleanup_free_ char *by = caller_name(node, vl_call_peer(call)), *waiting = NULL;
	struct client *c;
	struct engine_update u;

	if (!request || !ju_str(request, "op", NULL)) {
		refuse(call, SCHA_ERR_INVAL, "the request has no \"op\"");
		return;
	}
	if (streq(ju_str(request, "op", ""), "node_unquarantine")) {
		unquarantine(node, call, ju_str(request, "node", ""));
		return;
	}
	waiting = starts_waiting_for(node);
	if (waiting) {
		refuse(call, SCHA_ERR_RECONF, waiting);
		return;
	}
	c = xcalloc(1, sizeof *c);
	c->token = ++node->client_counter;
	c->call = call;
	c->next = node->clients;
	node->clients = c;
	vl_call_on_close(call, on_gone, node);
	copy = json_deep_copy(request);
	if (ju_str(params, "cmd", NULL))
		ju_set_str(copy, "cmd", ju_str(params, "cmd", ""));
	engine_request(node->engine, node_now(), c->token, copy, by, &u);
	json_decref(copy);
	node_take(node, &u);
}

int api_start(struct node *node, struct err *err)
{
	static const struct vl_method methods[] = {
		{ "org.parhelion.Cluster.Status",      VL_READ,  method_status },
		{ "org.parhelion.Cluster.Config",      VL_READ,  method_config },
		{ "org.parhelion.Cluster.GetResource", VL_READ,  method_get_resource },
		{ "org.parhelion.Cluster.GetGroup",    VL_READ,  method_get_group },
		{ "org.parhelion.Cluster.GetType",     VL_READ,  method_get_type },
		{ "org.parhelion.Cluster.GetCluster",  VL_READ,  method_get_cluster },
		{ "org.parhelion.Cluster.Explain",     VL_READ,  method_explain },
		{ "org.parhelion.Cluster.Snapshot",    VL_READ,  method_snapshot },
		{ "org.parhelion.Cluster.Split",       VL_READ,  method_split },
		{ "org.parhelion.Cluster.ListTables",  VL_READ,  method_list_tables },
		{ "org.parhelion.Cluster.GetTable",    VL_READ,  method_get_table },
		{ "org.parhelion.Cluster.History",     VL_READ,  method_history },
		{ "org.parhelion.Cluster.Journal",     VL_READ,  method_journal },
		{ "org.parhelion.Cluster.Request",     VL_ADMIN, method_request },
	};
	const struct vl_server_config config = {
		.path = path_state(PATH_CLUSTERD_SOCK), .mode = 0666, .product = "Parhelion clusterd",
		.interface = "org.parhelion.Cluster", .description = cluster_varlink, .methods = methods,
		.method_count = ARRAY_SIZE(methods), .ctx = node,
	};

	return vl_server_new(node->loop, &config, &node->server, err);
}
