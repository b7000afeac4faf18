/* Requests that change the cluster itself: what is committed, step by step, or why not; and what the votes that come out of it
 * are worth when nodes die.  Against real memberships: a few cmm objects over a log that this file keeps, and quorum devices
 * that work at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "clusterd/clusterops.h"
#include "clusterd/status.h"
#include "cmm/config.h"
#include "scha_err.h"

enum { NODES = 8 };
#define BEAT 30u
#define FOR_EACH(id, set) for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))

struct node { struct cmm *cmm; uint64_t timer_ms; char panic[256]; };

static struct {
	struct node node[NODES + 1];
	struct clusterops *ops;
	struct ccr *ccr;
	json_t  *table;
	uint64_t generation, now;
	json_t  *log;                   /* [from, view as it was, message] */
	struct { uint32_t node; struct cmm_device_request request; } work[256];
	size_t   work_count;
	struct { uint32_t node; uint64_t epoch, keys; } stores[256];
	size_t   store_count;
	nodeset  keys[CMM_DEVICE_ID_MAX + 1];   /* on the devices */
	struct buf steps;               /* votes after each commit */
	json_t  *answer;
	unsigned requests, again;       /* again: each comes so many times more */
	unsigned answers, notices;
	nodeset  broken;                /* devices fail for these nodes */
	nodeset  dies;                  /* these lose their power when they are asked to */
	nodeset  silent;                /* these never answer when they are to prepare or scrub */
} w;

/* ---- the world: messages, disks and devices, all at once and in order ---- */

static void step(uint32_t id, struct cmm_event event)
{
	struct node *n = &w.node[id];
	struct cmm_update u;
	json_t *v;
	size_t i;

	if (!n->cmm || n->panic[0])
		return;
	event.now_ms = w.now;
	cmm_step(n->cmm, &event, &u);
	if (u.panic[0])
		(void)snprintf(n->panic, sizeof n->panic, "%s", u.panic);
	json_array_foreach(u.send, i, v)
		ju_push(w.log, ju_pack("[I,o,O]", (json_int_t)id, nodeset_to_json(cmm_view(n->cmm)), v));
	for (i = 0; i < u.device_count; i++) {
		assert_true(w.work_count < ARRAY_SIZE(w.work));
		w.work[w.work_count].node = id;
		w.work[w.work_count++].request = u.device[i];
	}
	if (u.store) {
		assert_true(w.store_count < ARRAY_SIZE(w.stores));
		w.stores[w.store_count].node = id;
		w.stores[w.store_count].epoch = u.store_epoch;
		w.stores[w.store_count++].keys = u.store_keys;
	}
	n->timer_ms = u.timer_ms;
	if (u.activated && !cmm_is_ready(n->cmm)) {
		cmm_update_done(&u);
		step(id, (struct cmm_event) { .type = CMM_EV_SYNCED });
		return;
	}
	cmm_update_done(&u);
}

/* Registering puts the key there; taking removes the keys of all who are not to keep theirs. */
static void work_device(uint32_t node, struct cmm_device_request q)
{
	nodeset *keys = &w.keys[q.device];
	enum cmm_device_result result = DEVICE_OK;

	if (nodeset_has(w.broken, node))
		result = DEVICE_ERROR;
	else if (q.op == DEVICE_REGISTER)
		*keys |= node_bit(node);
	else if (q.op == DEVICE_TAKE && !nodeset_has(*keys, node))
		result = DEVICE_PREEMPTED;
	else if (q.op == DEVICE_TAKE)
		*keys &= q.keep;
	step(node, (struct cmm_event) { .type = CMM_EV_DEVICE, .device = q.device, .op = q.op, .result = result, .keys_seen = *keys,
					.wall_ms = 1 });
}

static bool progress(void)
{
	if (w.store_count) {
		uint32_t node = w.stores[0].node;
		struct cmm_event event = { .type = CMM_EV_STORED, .epoch = w.stores[0].epoch, .keys = w.stores[0].keys };

		memmove(w.stores, w.stores + 1, --w.store_count * sizeof w.stores[0]);
		step(node, event);
		return true;
	}
	if (w.work_count) {
		uint32_t node = w.work[0].node;
		struct cmm_device_request request = w.work[0].request;

		memmove(w.work, w.work + 1, --w.work_count * sizeof w.work[0]);
		work_device(node, request);
		return true;
	}
	if (json_array_size(w.log)) {
		json_t *e = json_incref(json_array_get(w.log, 0));
		nodeset view = nodeset_from_json(json_array_get(e, 1));

		json_array_remove(w.log, 0);
		FOR_EACH(id, view)
			if (w.node[id].cmm && cmm_view(w.node[id].cmm) == view)
				step(id, (struct cmm_event) { .type = CMM_EV_MESSAGE, .message = json_array_get(e, 2),
							      .from = (uint32_t)json_integer_value(json_array_get(e, 0)) });
		json_decref(e);
		return true;
	}
	return false;
}

static void run_for(uint64_t ms)
{
	uint64_t end = w.now + ms;

	for (;;) {
		uint64_t due = end + 1;

		while (progress())
			;
		for (uint32_t id = 1; id <= NODES; id++)
			if (w.node[id].cmm && !w.node[id].panic[0] && w.node[id].timer_ms)
				due = MIN(due, w.node[id].timer_ms);
		if (due > end)
			break;
		w.now = MAX(w.now, due);
		for (uint32_t id = 1; id <= NODES; id++)
			if (w.node[id].timer_ms && w.node[id].timer_ms <= w.now)
				step(id, (struct cmm_event) { .type = CMM_EV_TIMER });
	}
	w.now = end;
}

static void view(nodeset set)
{
	FOR_EACH(id, set)
		step(id, (struct cmm_event) { .type = CMM_EV_VIEW, .view = set });
}

/* Those who are not in the set lose their power. */
static void only(nodeset set)
{
	for (uint32_t id = 1; id <= NODES; id++)
		if (!nodeset_has(set, id))
			w.node[id].cmm = cmm_free(w.node[id].cmm);
	view(set);
	run_for(3000);
}

static nodeset first_nodes(unsigned n) { return ((nodeset)1 << n) - 1; }

static nodeset nodes_named(const char *digits)
{
	nodeset set = 0;

	for (; *digits; digits++)
		set |= node_bit((uint32_t)(*digits - '0'));
	return set;
}

static void put(const char *value, const char *fmt, ...) _printf_(2, 3);
static void put(const char *value, const char *fmt, ...)
{
	char key[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(key, sizeof key, fmt, ap);
	va_end(ap);
	ju_set_str(w.table, key, value);
}

static int world_done(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= NODES; id++)
		cmm_free(w.node[id].cmm);
	clusterops_free(w.ops);
	ccr_free(w.ccr);
	json_decref(w.table);
	json_decref(w.log);
	json_decref(w.answer);
	buf_done(&w.steps);
	memset(&w, 0, sizeof w);
	return 0;
}

/* n members, one vote each, two links, no device. */
static void world(unsigned n)
{
	struct cmm_config config = { .incarnation = 7 };

	world_done(NULL);
	w.log = json_array();
	w.table = json_object();
	w.generation = 1;
	w.now = 10000;
	w.ops = clusterops_new(1);
	w.ccr = ccr_new(1);
	put("demo", "cluster.name");
	put("0x3908EE1C", "cluster.properties.cluster_id");
	put("disabled", "cluster.properties.installmode");
	for (unsigned id = 1; id <= n; id++) {
		_cleanup_free_ char *name = xasprintf("n%u", id), *a = xasprintf("10.0.1.%u", id), *b = xasprintf("fd00::%u", id);

		put(name, "cluster.nodes.%u.name", id);
		put("1", "cluster.nodes.%u.properties.quorum_vote", id);
		put("1", "cluster.nodes.%u.properties.quorum_defaultvote", id);
		put(a, "cluster.nodes.%u.adapters.1.properties.ip_address", id);
		put(b, "cluster.nodes.%u.adapters.2.properties.ip_address", id);
	}
	cmm_votes_read(w.table, 1, &config.votes);
	assert_int_equal(cmm_timers_derive(640, &config.timers, NULL), 0);
	for (uint32_t id = 1; id <= n; id++) {
		config.self = id;
		w.node[id].cmm = cmm_new(&config);
	}
	view(first_nodes(n));
	run_for(4 * BEAT);
	assert_true(cmm_is_president(w.node[1].cmm));
}

/* ---- requests ---- */

/* "111+2~D": votes of the nodes by id, then of the devices; ~D is a disk that is fenced, ~d one that is not. */
static void note_votes(void)
{
	struct cmm_votes votes;

	cmm_votes_read(w.table, 0, &votes);
	if (w.steps.len)
		buf_puts(&w.steps, " ");
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (nodeset_has(votes.configured, id))
			buf_printf(&w.steps, "%u", votes.node[id]);
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (votes.device[id].data)
			buf_puts(&w.steps, votes.device[id].enabled ? "~D" : "~d");
		else if (votes.device[id].name[0])
			buf_printf(&w.steps, "+%u", votes.device[id].votes);
}

/* "scrub@2": what is to be done with a disk, and by whom. */
static void note_work(const json_t *m)
{
	uint32_t id = (uint32_t)ju_int(m, "device", 0);

	if (cmm_config_votes(w.node[1].cmm)->device[id].data)
		buf_printf(&w.steps, " %s@%u", ju_str(m, "op", ""), (unsigned)ju_int(m, "node", 0));
}

/* The node does it.  Whatever the node, only it knows that it is meant. */
static void answer_work(const json_t *m)
{
	uint32_t id = (uint32_t)ju_int(m, "device", 0), node = (uint32_t)ju_int(m, "node", 0);
	struct clusterops *there = clusterops_new(node);
	const char *error = nodeset_has(w.broken, node) ? "Input/output error" : NULL;
	json_t *work, *done, *none;

	clusterops_apply(there, m, &work);
	assert_non_null(work);
	if (!error && streq(ju_str(work, "op", ""), "scrub"))
		w.keys[id] = 0;
	done = clusterops_worked(work, error);
	clusterops_apply(w.ops, done, &none);
	assert_null(none);
	json_decref(done);
	json_decref(work);
	clusterops_free(there);
}

static void take_commit(const json_t *commit)
{
	struct cmm_votes before, after;

	cmm_votes_read(w.table, 0, &before);
	json_decref(w.table);
	w.table = json_deep_copy(json_object_get(commit, "data"));
	cmm_votes_read(w.table, ++w.generation, &after);
	assert_true(cmm_votes_distance(&before, &after) <= 1);
	for (uint32_t id = 1; id <= NODES; id++)
		if (w.node[id].cmm)
			cmm_configure(w.node[id].cmm, &after);
	note_votes();
	clusterops_committed(w.ops, ju_str(commit, "tx", ""), NULL);
}

static bool take_ops(struct clusterops_update *u)
{
	bool moved = json_array_size(u->send) || json_array_size(u->commit);
	json_t *v, *work;
	size_t i;

	json_array_foreach(u->commit, i, v)
		take_commit(v);
	json_array_foreach(u->send, i, v) {
		clusterops_apply(w.ops, v, &work);
		w.notices += streq(ju_str(v, "t", ""), "co.notice");
		if (streq(ju_str(v, "t", ""), "rgm.rsp")) {
			json_decref(w.answer);
			w.answer = json_incref(v);
			w.answers++;
		} else if (streq(ju_str(v, "t", ""), "co.prepare")) {
			note_work(v);
			if (!nodeset_has(w.silent, (uint32_t)ju_int(v, "node", 0)))
				answer_work(v);
			else if (nodeset_has(w.dies, (uint32_t)ju_int(v, "node", 0)))
				only(first_nodes(3) & ~w.dies);
		}
		json_decref(work);
	}
	json_decref(u->send);
	json_decref(u->commit);
	return moved;
}

static void ask(const char *request)
{
	_cleanup_free_ char *id = xasprintf("1-7-%u", ++w.requests);
	json_t *m = json_loads(request, 0, NULL);

	assert_non_null(m);
	ju_set_str(m, "id", id);
	json_decref(w.answer);
	w.answer = NULL;
	w.steps.len = 0;
	for (unsigned i = 0; i <= w.again; i++)
		clusterops_request(w.ops, 1, m, w.now);
	json_decref(m);
	for (unsigned turns = 0; !w.answer && turns < 1000; turns++) {
		const struct clusterops_context context = { .cmm = w.node[1].cmm, .table = w.table, .ccr = w.ccr,
							    .generation = w.generation, .now_ms = w.now };
		struct clusterops_update u;

		clusterops_advance(w.ops, &context, &u);
		if (!take_ops(&u))
			run_for(10 * BEAT);
	}
	assert_non_null(w.answer);
	assert_true(ju_int(w.answer, "to", 0) == 1);
}

static void load(const char *table, const char *text)
{
	json_t *data = json_loads(text, 0, NULL);

	assert_non_null(data);
	ccr_load(w.ccr, table, 1, data);
	json_decref(data);
}

#define DA(name, more) "{\"op\":\"disk_add\",\"name\":\"" name "\",\"type\":\"scsi3\",\"props\":{\"path\":\"/dev/" name "\"" more "}}"
#define DF(value) ",\"default_fencing\":\"" value "\""
#define DS(name, value) "{\"op\":\"disk_set\",\"name\":\"" name "\",\"props\":{\"default_fencing\":\"" value "\"}}"
#define DR(name) "{\"op\":\"disk_remove\",\"name\":\"" name "\"}"
#define GF(value) "{\"op\":\"cluster_set\",\"props\":{\"global_fencing\":\"" value "\"}}"
#define QA(name, nodes) "{\"op\": \"quorum_add\", \"name\": \"" name "\", \"nodes\": [" nodes "]}"

/* Each row begins with `nodes` members; `before` are requests that work, by line; then `up` are those who are still there. */
static const struct { unsigned nodes; const char *before, *up, *request, *steps, *refused; } rows[] = {
	{ 3, "", "", "{\"op\":\"node_add\",\"name\":\"n4\",\"links\":[\"10.0.1.4\",\"fd00::4\"]}", "1110 1111", NULL },
	{ 3, "", "", "{\"op\":\"node_add\",\"name\":\"x\",\"node_id\":64,\"links\":[{\"adapter\":\"e1\",\"address\":\"10.0.1.4\"},\"::2\"]}",
	  "1110 1111", NULL },
	{ 3, "", "", "{\"op\":\"node_add\",\"name\":\"x\",\"node_id\":65,\"links\":[\"10.0.1.4\",\"::2\"]}", "", "a number from 1 to 64" },
	{ 3, "", "", "{\"op\":\"node_add\",\"name\":\"x\",\"node_id\":3,\"links\":[\"10.0.1.4\",\"::2\"]}", "", "id 3 is the one of node n3" },
	{ 3, "", "", "{\"op\":\"node_add\",\"name\":\"n2\",\"links\":[\"10.0.1.4\",\"::2\"]}", "", "there is a node n2 already" },
	{ 3, "", "", "{\"op\":\"node_add\",\"name\":\"4\",\"links\":[\"10.0.1.4\",\"::2\"]}", "", "no name for a node" },
	{ 3, "", "", "{\"op\":\"node_add\",\"name\":\"x\",\"links\":[\"10.0.1.4\"]}", "", "needs 2 addresses" },
	{ 3, "", "", "{\"op\":\"node_add\",\"name\":\"x\",\"links\":[\"10.0.1.4\",\"fd00:0::3\"]}", "", "the one of node n3" },
	{ 3, "", "", "{\"op\":\"node_add\",\"name\":\"x\",\"links\":[\"10.0.1.4\",\"priv\"]}", "", "no IP address" },
	{ 3, "", "12", "{\"op\":\"node_add\",\"name\":\"x\",\"links\":[\"10.0.1.4\",\"::2\"]}", "", "node n3 is no member now" },
	/* One member of two votes would not be enough; in install mode the new one has none. */
	{ 1, "", "", "{\"op\":\"node_add\",\"name\":\"x\",\"links\":[\"10.0.1.4\",\"::2\"]}", "", "would lose its quorum" },
	{ 1, "{\"op\":\"installmode\",\"enabled\":true}", "",
	  "{\"op\":\"node_add\",\"name\":\"x\",\"links\":[\"10.0.1.4\",\"::2\"]}", "10", NULL },

	{ 3, "", "", "{\"op\":\"node_remove\",\"node\":\"n3\"}", "", "node n3 is up" },
	{ 3, "", "12", "{\"op\":\"node_remove\",\"node\":\"n3\"}", "110 11", NULL },
	{ 3, "", "12", "{\"op\":\"node_remove\",\"node\":\"3\"}", "110 11", NULL },
	{ 3, "", "12", "{\"op\":\"node_remove\",\"node\":\"n9\"}", "", "not in the configuration" },
	{ 2, QA("d", "\"n1\",\"n2\""), "1", "{\"op\":\"node_remove\",\"node\":\"n2\"}", "", "connected to one node only" },
	{ 3, QA("d", "\"n1\",\"n2\",\"n3\""), "12", "{\"op\":\"node_remove\",\"node\":\"n3\"}", "110+2 110+1 11+1", NULL },

	{ 2, "", "", QA("d", "\"n1\",\"n2\""), "11+0 11+0 11+1", NULL },
	{ 3, "", "", QA("d", "\"n1\",\"n2\",\"n3\""), "111+0 111+0 111+1 111+2", NULL },
	{ 3, "", "", QA("d", "\"n1\",\"n9\""), "", "node n9 is not in the configuration" },
	{ 3, "", "", QA("d", "\"n1\""), "", "at least two nodes" },
	{ 2, QA("d", "\"n1\",\"n2\""), "", QA("d", "\"n1\",\"n2\""), "", "in the configuration already" },
	{ 2, QA("d", "\"n1\",\"n2\""), "", "{\"op\":\"quorum_remove\",\"name\":\"d\"}", "", "is the last one" },
	{ 2, QA("d", "\"n1\",\"n2\"") "\n" QA("e", "\"n1\",\"n2\""), "", "{\"op\":\"quorum_remove\",\"name\":\"d\"}", "11+0+1 11+1", NULL },
	{ 3, QA("d", "\"n1\",\"n2\",\"n3\""), "", "{\"op\":\"quorum_remove\",\"name\":\"d\"}", "111+1 111+0 111", NULL },
	{ 3, QA("d", "\"n1\",\"n2\",\"n3\""), "", "{\"op\":\"quorum_disable\",\"name\":\"d\"}", "111+1 111+0 111+0", NULL },
	{ 3, QA("d", "\"n1\",\"n2\",\"n3\"") "\n{\"op\":\"quorum_disable\",\"name\":\"d\"}", "",
	  "{\"op\":\"quorum_enable\",\"name\":\"d\"}", "111+0 111+1 111+2", NULL },
	{ 3, "", "", "{\"op\":\"quorum_enable\",\"name\":\"d\"}", "", "d is not in the configuration" },

	{ 3, QA("d", "\"n1\",\"n2\",\"n3\""), "12", "{\"op\":\"node_maintain\",\"node\":\"n3\"}", "110+2 110+1", NULL },
	{ 3, "", "", "{\"op\":\"node_maintain\",\"node\":\"n3\"}", "", "node n3 is up" },
	{ 3, "", "12", "{\"op\":\"node_maintain\",\"node\":\"n3\"}", "110", NULL },
	{ 3, "{\"op\":\"installmode\",\"enabled\":true}", "", "{\"op\":\"installmode\",\"enabled\":false}", "111", NULL },

	/* Disks with data: never a vote; prepared before they are fenced, scrubbed by all when they are not any more. */
	{ 3, "", "", DA("d", ""), "111~d prepare@1 111~D", NULL },
	{ 2, "", "", "{\"op\":\"disk_add\",\"name\":\"d\",\"type\":\"iscsi\",\"props\":{\"portal\":\"a\",\"target\":\"t\"}}",
	  "11~d prepare@1 11~D", NULL },
	{ 3, "", "", DA("d", DF("nofencing")), "111~d 111~d", NULL },
	{ 3, "", "", DA("d", DF("pathcount")), "111~d prepare@1 111~D", NULL },
	{ 3, "", "", DA("d", DF("often")), "", "default_fencing is global, prefer3," },
	{ 3, "", "", DA("d", ",\"role\":\"quorum\""), "", "property role of a disk is not set this way" },
	{ 3, "", "", DA("d", ",\"votecount\":\"2\""), "", "property votecount of a disk is not set this way" },
	{ 3, "", "", "{\"op\":\"quorum_add\",\"name\":\"d\",\"props\":{\"role\":\"data\"}}", "", "property role of a quorum device is not" },
	{ 3, "", "", "{\"op\":\"disk_add\",\"name\":\"d\",\"type\":\"scsi3\"}", "", "a disk of type scsi3 needs a path" },
	{ 3, "", "", "{\"op\":\"disk_add\",\"name\":\"d\",\"type\":\"iscsi\",\"props\":{\"portal\":\"a\"}}", "", "needs portal and target" },
	{ 3, "", "", "{\"op\":\"disk_add\",\"name\":\"d\",\"type\":\"shared_disk\",\"props\":{\"path\":\"/d\"}}", "",
	  "no type of disk \"shared_disk\"; there are scsi3 and iscsi" },
	{ 3, "", "", "{\"op\":\"disk_add\",\"name\":\"d\",\"type\":\"scsi3\",\"props\":{\"path\":\"/d\"},\"nodes\":[\"n2\"]}", "",
	  "at least two nodes" },
	{ 3, DA("d", ""), "", DA("d", ""), "", "disk d is in the configuration already" },
	{ 3, DA("d", ""), "", QA("d", "\"n1\",\"n2\""), "", "d is the name of a disk already; see cldevice" },
	{ 3, QA("d", "\"n1\",\"n2\""), "", DA("d", ""), "", "d is the name of a quorum device already; see clquorum" },
	{ 3, DA("d", ""), "", "{\"op\":\"disk_add\",\"name\":\"e\",\"type\":\"scsi3\",\"props\":{\"path\":\"/dev/d\"}}", "",
	  "it is disk d already" },
	{ 3, DA("d", ""), "", "{\"op\":\"quorum_add\",\"name\":\"e\",\"type\":\"scsi3\",\"props\":{\"path\":\"/dev/d\"}}", "",
	  "it is disk d already" },
	{ 3, DA("d", ""), "", "{\"op\":\"quorum_remove\",\"name\":\"d\"}", "", "d is a disk, no quorum device; see cldevice" },
	{ 3, DA("d", ""), "", "{\"op\":\"quorum_enable\",\"name\":\"d\"}", "", "d is a disk, no quorum device; see cldevice" },
	{ 3, DA("d", ""), "", "{\"op\":\"quorum_disable\",\"name\":\"d\"}", "", "d is a disk, no quorum device; see cldevice" },
	{ 3, QA("d", "\"n1\",\"n2\""), "", DR("d"), "", "d is a quorum device, no disk; see clquorum" },
	{ 3, QA("d", "\"n1\",\"n2\""), "", DS("d", "nofencing"), "", "d is a quorum device, no disk; see clquorum" },
	{ 3, "", "", DR("d"), "", "disk d is not in the configuration" },
	{ 3, "", "", DS("d", "nofencing"), "", "disk d is not in the configuration" },
	{ 3, DA("d", ""), "", DS("d", "often"), "", "default_fencing is global, prefer3," },
	{ 3, DA("d", ""), "", "{\"op\":\"disk_set\",\"name\":\"d\",\"props\":{\"lun\":\"2\"}}", "", "disks have no property lun" },
	{ 3, DA("d", ""), "", "{\"op\":\"quorum_reset\"}", "", NULL },
	{ 2, QA("q", "\"n1\",\"n2\"") "\n" DA("d", ""), "", "{\"op\":\"quorum_remove\",\"name\":\"q\"}", "", "is the last one" },
	{ 3, DA("d", ""), "12", "{\"op\":\"node_maintain\",\"node\":\"n3\"}", "110~D", NULL },
	{ 3, DA("d", ""), "12", "{\"op\":\"node_remove\",\"node\":\"n3\"}", "110~D 11~D", NULL },
	{ 2, DA("d", "") "\n" QA("q", "\"n1\",\"n2\""), "1", "{\"op\":\"node_remove\",\"node\":\"n2\"}", "", "disk d would be connected to one" },

	{ 3, DA("d", ""), "", DS("d", "nofencing"), "111~d scrub@1 scrub@2 scrub@3", NULL },
	{ 3, DA("d", ""), "", DS("d", "nofencing-noscrub"), "111~d", NULL },
	{ 3, DA("d", ""), "", DS("d", "scsi3"), "111~D", NULL },
	{ 3, DA("d", "") "\n" DS("d", "nofencing"), "", DS("d", "global"), " prepare@1 111~D", NULL },
	{ 3, DA("d", "") "\n" DS("d", "nofencing-noscrub"), "", DS("d", "nofencing"), "111~d scrub@1 scrub@2 scrub@3", NULL },
	{ 3, DA("d", ""), "", GF("nofencing"), "111~d scrub@1 scrub@2 scrub@3", NULL },
	{ 3, DA("d", ""), "", GF("nofencing-noscrub"), "111~d", NULL },
	{ 3, DA("d", ""), "", GF("often"), "", "global_fencing is" },
	{ 3, DA("d", "") "\n" DA("e", DF("scsi3")) "\n" DA("f", ""), "12", GF("nofencing"), "111~d~D~d scrub@1 scrub@2 scrub@1 scrub@2", NULL },
	{ 2, DA("d", "") "\n" GF("nofencing"), "", GF("prefer3"), " prepare@1 11~D", NULL },
	{ 3, DA("d", ""), "", DR("d"), "111~d scrub@1 scrub@2 scrub@3 111", NULL },
	{ 3, DA("d", ""), "12", DR("d"), "111~d scrub@1 scrub@2 111", NULL },
	{ 3, DA("d", DF("nofencing")), "", DR("d"), "111", NULL },
};

static void ask_each_line(const char *requests)
{
	struct strlist lines = { 0 };

	strlist_split(&lines, requests, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		ask(lines.v[i]);
		if (ju_int(w.answer, "code", 1) != 0)
			fail_msg("%s: %s", lines.v[i], ju_str(w.answer, "text", ""));
	}
	strlist_done(&lines);
}

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text;

		world(rows[i].nodes);
		ask_each_line(rows[i].before);
		if (rows[i].up[0])
			only(nodes_named(rows[i].up));
		ask(rows[i].request);
		text = ju_str(w.answer, "text", "");
		if (!streq(w.steps.s ? w.steps.s : "", rows[i].steps) && (w.steps.len || rows[i].steps[0]))
			fail_msg("row %zu, %s: \"%s\", not \"%s\" (%s)", i, rows[i].request, w.steps.s, rows[i].steps, text);
		if (rows[i].refused ? !strstr(text, rows[i].refused) : ju_int(w.answer, "code", 1) != 0)
			fail_msg("row %zu, %s: \"%s\"", i, rows[i].request, text);
	}
}

static void test_new_node_in_the_table(void **state)
{
	static const char *const wanted[][2] = {
		{ "cluster.nodes.4.name", "n4" }, { "cluster.nodes.4.adapters.1.properties.ip_address", "10.0.1.4" },
		{ "cluster.nodes.4.adapters.2.name", "eth5" }, { "cluster.nodes.4.properties.quorum_resv_key", "0x3908EE1C00000004" },
		{ "cluster.nodes.4.properties.private_hostname", "clusternode4-priv" },
	};

	(void)state;
	world(3);
	ask("{\"op\":\"node_add\",\"name\":\"n4\",\"links\":[\"10.0.1.4\",{\"adapter\":\"eth5\",\"address\":\"fd00::4\"}]}");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(ju_str(w.table, wanted[i][0], ""), wanted[i][1]);
	ask("{\"op\":\"node_set\",\"node\":\"n4\",\"props\":{\"privatehostname\":\"ha4\"}}");
	assert_string_equal(ju_str(w.table, "cluster.nodes.4.properties.private_hostname", ""), "ha4");
	ask("{\"op\":\"node_set\",\"node\":\"n4\",\"props\":{\"privatehostname\":\"\"}}");
	assert_string_equal(ju_str(w.table, "cluster.nodes.4.properties.private_hostname", ""), "clusternode4-priv");
	ask("{\"op\":\"loadlimit_create\",\"node\":\"n4\",\"limit\":\"mem\",\"hard\":\"4\"}");
	assert_string_equal(ju_str(w.table, "cluster.nodes.4.loadlimits.mem.hard", ""), "4");
	/* Nothing is left of one that goes. */
	ask("{\"op\":\"node_remove\",\"node\":\"n4\"}");
	assert_int_equal(ju_int(w.answer, "code", 1), 0);
	const char *key;
	json_t *v;

	json_object_foreach(w.table, key, v)
		if (strstr(key, ".4."))
			fail_msg("%s is left", key);
}

/* One request after the other on the same table: what it says of n1's limits then, or why not. */
static void test_load_limits(void **state)
{
	static const struct { const char *op, *more, *refused, *soft, *hard; } steps[] = {
		{ "set",    "'limit':'mem','soft':'1'",             "no load limit mem; clnode create-loadlimit", NULL, NULL },
		{ "delete", "'limit':'mem'",                        "no load limit mem", NULL, NULL },
		{ "create", "'limit':'2mem'",                       "\"2mem\" is no name for a load limit", NULL, NULL },
		{ "create", "'limit':'mem.hard','hard':'1'",        "is no name for a load limit", NULL, NULL },
		{ "create", "'limit':''",                           "\"\" is no name", NULL, NULL },
		{ "create", "'limit':'mem','soft':'-1'",            "softlimit is a number from 0 to 2147483647, or empty", NULL, NULL },
		{ "create", "'limit':'mem','hard':'2147483648'",    "hardlimit is a number from 0 to 2147483647", NULL, NULL },
		{ "create", "'limit':'mem','hard':'99999999999999999999999'", "hardlimit is a number", NULL, NULL },
		{ "create", "'limit':'mem','soft':'5','hard':'4'",  "the soft limit of mem, 5, would be above its hard limit, 4", NULL, NULL },
		{ "create", "'limit':'mem','soft':'11','hard':'20'", NULL, "11", "20" },
		{ "create", "'limit':'mem','soft':'11','hard':'20'", NULL, "11", "20" },         /* sent again: it is done */
		{ "create", "'limit':'MEM','soft':'11'",            "a load limit mem already; clnode set-loadlimit", "11", "20" },
		{ "set",    "'limit':'Mem','hard':'10'",            "the soft limit of Mem, 11, would be above its hard limit, 10", "11", "20" },
		{ "set",    "'limit':'Mem','hard':'11'",            NULL, "11", "11" },
		{ "set",    "'limit':'mem','soft':'2147483647','hard':''", NULL, "2147483647", NULL },
		{ "set",    "'limit':'mem','soft':''",              NULL, "0", NULL },
		{ "set",    "'limit':'mem','hard':'0'",             NULL, "0", "0" },
		{ "delete", "'limit':'MEM'",                        NULL, NULL, NULL },
	};

	(void)state;
	world(2);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		_cleanup_free_ char *text = xasprintf("{'op':'loadlimit_%s','node':'n1',%s}", steps[i].op, steps[i].more);
		const char *soft, *hard, *said;

		for (char *p = text; *p; p++)
			*p = *p == '\'' ? '"' : *p;
		ask(text);
		said = ju_str(w.answer, "text", "");
		soft = ju_str(w.table, "cluster.nodes.1.loadlimits.mem.soft", "");
		hard = ju_str(w.table, "cluster.nodes.1.loadlimits.mem.hard", "");
		if (steps[i].refused ? !strstr(said, steps[i].refused) : ju_int(w.answer, "code", 1) != 0)
			fail_msg("step %zu: \"%s\"", i, said);
		if (!streq(soft, steps[i].soft ? steps[i].soft : "") || !streq(hard, steps[i].hard ? steps[i].hard : ""))
			fail_msg("step %zu: soft %s, hard %s", i, soft, hard);
	}
	ask("{\"op\":\"loadlimit_create\",\"node\":\"n9\",\"limit\":\"mem\"}");
	assert_non_null(strstr(ju_str(w.answer, "text", ""), "node n9 is not in the configuration"));
}

static void test_node_that_is_needed(void **state)
{
	static const struct { const char *table, *data, *why; } tables[] = {
		{ "rgm_rg_web", "{\"rg.prop.Nodelist\": \"n1,n3\"}", "in the Nodelist of resource group web" },
		{ "rgm_rg_web", "{\"rg.prop.Nodelist\": \"1,3\"}", "in the Nodelist of resource group web" },
		{ "rgm_rt_app", "{\"installed_nodes\": \"n3\"}", "resource type app is installed on" },
		{ "rgm_rg_web", "{\"rg.prop.Nodelist\": \"n1,n2\"}", NULL },
		{ "rgm_rg_web", "{\"rg.prop.Nodelist\": \"n1,n33\"}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		world(3);
		only(nodes_named("12"));
		load(tables[i].table, tables[i].data);
		ask("{\"op\":\"node_remove\",\"node\":\"n3\"}");
		if (tables[i].why ? !strstr(ju_str(w.answer, "text", ""), tables[i].why) : ju_int(w.answer, "code", 1) != 0)
			fail_msg("row %zu: %s", i, ju_str(w.answer, "text", ""));
	}
}

/* A next president that gets the request again goes on; it does not add the node twice. */
/* Node 2 is there, but has nothing of the configuration yet: without the device what is agreed would be on one disk of three. */
static void test_who_is_joining_does_not_count(void **state)
{
	(void)state;
	world(3);
	ask_each_line("{\"op\": \"quorum_add\", \"name\": \"d1\", \"nodes\": [\"n1\", \"n2\", \"n3\"]}");
	only(first_nodes(1));
	step(1, (struct cmm_event) { .type = CMM_EV_VIEW, .view = first_nodes(2) });
	ask("{\"op\": \"quorum_remove\", \"name\": \"d1\"}");
	assert_non_null(strstr(ju_str(w.answer, "text", ""), "would lose its quorum"));
	assert_int_equal(w.steps.len, 0);
}

static void test_half_done_addition_goes_on(void **state)
{
	static const char request[] = "{\"op\":\"node_add\",\"name\":\"n4\",\"links\":[\"10.0.1.4\",\"fd00::4\"]}";

	(void)state;
	world(3);
	ask(request);
	put("0", "cluster.nodes.4.properties.quorum_vote");
	w.requests--;                   /* the same request */
	ask(request);
	assert_int_equal(ju_int(w.answer, "code", 1), 0);
	assert_string_equal(w.steps.s, "1111");
}

/* The node that asked sends a request again when the president changes, and the first one may still come, too. */
static void test_a_request_is_carried_out_once(void **state)
{
	(void)state;
	world(3);
	only(nodes_named("12"));
	w.again = 1;
	ask("{\"op\":\"cluster_notice\",\"text\":\"it is late\"}");
	assert_int_equal(w.notices, 1);
	assert_int_equal(w.answers, 1);
	ask("{\"op\":\"node_remove\",\"node\":\"n3\"}");
	assert_int_equal(ju_int(w.answer, "code", 1), 0);
	assert_int_equal(w.answers, 2);
}

/* A device gets votes when all who are connected to it could win them. */
static void test_keys_come_before_votes(void **state)
{
	(void)state;
	world(2);
	w.broken = node_bit(2);
	ask(QA("d", "\"n1\",\"n2\""));
	assert_non_null(strstr(ju_str(w.answer, "text", ""), "quorum device d has no votes yet: no key of node n2"));
	assert_string_equal(w.steps.s, "11+0 11+0");
	assert_int_equal(cmm_votes_possible(w.node[1].cmm), 2);
}

/* The disk stays when the keys come too late, and goes again when it is of no use. */
static void test_a_disk_that_does_not_work(void **state)
{
	(void)state;
	world(3);
	w.broken = node_bit(1);
	ask(DA("d", ""));
	assert_string_equal(w.steps.s, "111~d prepare@1 111");
	assert_non_null(strstr(ju_str(w.answer, "text", ""), "disk d cannot be used: Input/output error"));
	w.broken = node_bit(3);
	ask(DA("d", ""));
	assert_string_equal(w.steps.s, "111~d prepare@1 111~D");
	assert_non_null(strstr(ju_str(w.answer, "text", ""), "no key of node n3 is on disk d yet"));
	assert_int_equal(ju_int(w.answer, "code", 0), SCHA_ERR_TIMEOUT);
	assert_int_equal(w.keys[1], 0x03);
}

/* What a scrub could not do is said; the change is made all the same, as the disk may be gone for good. */
static void test_keys_that_may_stay_are_said(void **state)
{
	static const struct { nodeset broken, silent; const char *why; } ways[] = {
		{ 0x07, 0, "Input/output error" }, { 0x04, 0, "Input/output error" }, { 0, 0x04, "does not answer" }, { 0x01, 0x02, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		world(3);
		ask_each_line(DA("d", ""));
		w.broken = ways[i].broken;
		w.silent = ways[i].silent;
		ask(DR("d"));
		assert_string_equal(w.steps.s, "111~d scrub@1 scrub@2 scrub@3 111");
		assert_int_equal(ju_int(w.answer, "code", 0), ways[i].why ? SCHA_ERR_FAIL : 0);
		if (ways[i].why)
			assert_non_null(strstr(ju_str(w.answer, "text", ""), "there may still be keys on disk d: "));
		if (ways[i].why)
			assert_non_null(strstr(ju_str(w.answer, "text", ""), ways[i].why));
	}
}

/* The next president gets the request again, and does not know how far the last one came. */
static void test_half_done_removal_goes_on(void **state)
{
	(void)state;
	world(3);
	ask_each_line(DA("d", ""));
	put("disabled", "cluster.quorum_devices.1.state");
	ask(DR("d"));
	assert_string_equal(w.steps.s, " scrub@1 scrub@2 scrub@3 111");
	assert_int_equal(ju_int(w.answer, "code", 1), 0);
}

/* "Ok: n1 Ok, n2 Fail; keys n1" */
static char *disk_in_words(void)
{
	struct rgm *rgm = rgm_new(1);
	json_t *disks, *quorum, *d, *v;
	struct buf b = { 0 };
	size_t i;

	assert_int_equal(rgm_load_table(rgm, "infrastructure", 1, w.table, NULL, NULL), 0);
	disks = status_disks(w.node[1].cmm, w.table, rgm, 1);
	quorum = status_quorum(w.node[1].cmm, w.table, rgm);
	assert_int_equal(json_array_size(ju_arr(quorum, "devices")), 0);
	assert_int_equal(json_array_size(disks), 1);
	d = json_array_get(disks, 0);
	assert_string_equal(ju_str(d, "path", ""), "/dev/d");
	buf_printf(&b, "%s:", ju_str(d, "status", ""));
	json_array_foreach(ju_arr(d, "paths"), i, v)
		buf_printf(&b, " %s %s", ju_str(v, "node", ""), ju_str(v, "status", ""));
	buf_printf(&b, "; %s; keys", ju_str(d, "fencing", ""));
	json_array_foreach(ju_arr(d, "keys"), i, v)
		buf_printf(&b, " %s", json_string_value(v));
	json_decref(disks);
	json_decref(quorum);
	rgm_free(rgm);
	return buf_take(&b);
}

static void assert_disk(const char *want)
{
	_cleanup_free_ char *is = disk_in_words();

	assert_string_equal(is, want);
}

static void test_status_of_a_disk(void **state)
{
	(void)state;
	world(3);
	ask_each_line(DA("d", ""));
	run_for(3000);
	assert_disk("Ok: n1 Ok n2 Ok n3 Ok; scsi3; keys n1 n2 n3");
	w.broken = node_bit(1);
	run_for(3000);
	assert_disk("Fail: n1 Fail n2 Ok n3 Ok; scsi3; keys n1 n2 n3");
	w.broken = 0;
	only(nodes_named("12"));
	assert_disk("Ok: n1 Ok n2 Ok n3 Unknown; scsi3; keys n1 n2");
	ask_each_line(DS("d", "nofencing"));
	assert_disk("Unmonitored: n1 Unmonitored n2 Unmonitored n3 Unmonitored; nofencing; keys");
}

/* Requests wait for each other: one that asks a member for work must not wait for a member that has died. */
static void test_who_was_to_work_dies(void **state)
{
	(void)state;
	world(3);
	ask_each_line(DA("d", ""));
	w.silent = node_bit(2);
	w.dies = node_bit(2);
	ask(DR("d"));
	assert_string_equal(w.steps.s, "111~d scrub@1 scrub@2 scrub@3 111");
	assert_int_equal(ju_int(w.answer, "code", 1), 0);
	assert_true(w.now < 10000 + 60000);
}

/* The vote topologies of the documentation: who is left and goes on, and who is left and ends. */
static const struct { const char *what; unsigned nodes; const char *devices; unsigned possible, needed; const char *live, *die; }
topologies[] = {
	{ "two nodes, no device",        2, "",                                             2, 2, "",          "1,2" },
	{ "two nodes, a disk",           2, "12",                                           3, 2, "1,2",       "" },
	{ "two nodes, three disks",      2, "12,12,12",                                     5, 3, "1,2",       "" },
	{ "three nodes, no device",      3, "",                                             3, 2, "12,13,23",  "1,2,3" },
	{ "three nodes, one disk",       3, "123",                                          5, 3, "1,2,3,12",  "" },
	{ "N+1",                         3, "13,23",                                        5, 3, "3,12,13,23", "1,2" },
	{ "two pairs",                   4, "12,34",                                        6, 4, "13,24,123", "12,34,1" },
	{ "pair and two",                4, "12",                                           5, 3, "13,24,123", "34,1,3" },
	{ "pair and two, three disks",   4, "12,12,12",                                     7, 4, "1,2,12",    "34,3" },
	{ "four nodes, one disk",        4, "1234",                                         7, 4, "1,4,23",    "" },
	{ "six nodes, one disk",         6, "123456",                                      11, 6, "1,6,24",    "" },
	{ "eight nodes, no device",      8, "",                                             8, 5, "12345",     "1234,8" },
	{ "eight nodes, four pairs",     8, "12,34,56,78",                                 12, 7, "1357,12345", "1234,12" },
	{ "eight nodes, one disk",       8, "12345678",                                    15, 8, "1,8",       "" },
};

static void make_topology(size_t i)
{
	struct strlist devices = { 0 };

	world(topologies[i].nodes);
	strlist_split(&devices, topologies[i].devices, ",");
	for (size_t d = 0; d < devices.n; d++) {
		struct buf request = { 0 };

		buf_printf(&request, "{\"op\":\"quorum_add\",\"name\":\"d%zu\",\"nodes\":[", d + 1);
		for (const char *c = devices.v[d]; *c; c++)
			buf_printf(&request, "%s\"n%c\"", c == devices.v[d] ? "" : ",", *c);
		buf_puts(&request, "]}");
		ask(request.s);
		if (ju_int(w.answer, "code", 1) != 0)
			fail_msg("%s: %s", topologies[i].what, ju_str(w.answer, "text", ""));
		buf_done(&request);
	}
	strlist_done(&devices);
	run_for(20 * BEAT);
}

static void check_survivors(size_t i, const char *sets, bool live)
{
	struct strlist list = { 0 };

	strlist_split(&list, sets, ",");
	for (size_t k = 0; k < list.n; k++) {
		nodeset left = nodes_named(list.v[k]);

		make_topology(i);
		only(left);
		FOR_EACH(id, left)
			if (live ? w.node[id].panic[0] || !cmm_is_ready(w.node[id].cmm) : !w.node[id].panic[0])
				fail_msg("%s, %s are left: node %u: %s", topologies[i].what, list.v[k], id, w.node[id].panic);
	}
	strlist_done(&list);
}

static void test_topologies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(topologies); i++) {
		make_topology(i);
		if (cmm_votes_possible(w.node[1].cmm) != topologies[i].possible || cmm_votes_needed(w.node[1].cmm) != topologies[i].needed)
			fail_msg("%s: %u possible, %u needed", topologies[i].what, cmm_votes_possible(w.node[1].cmm),
				 cmm_votes_needed(w.node[1].cmm));
		check_survivors(i, topologies[i].live, true);
		check_survivors(i, topologies[i].die, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_requests, world_done),
		cmocka_unit_test_teardown(test_new_node_in_the_table, world_done),
		cmocka_unit_test_teardown(test_load_limits, world_done),
		cmocka_unit_test_teardown(test_node_that_is_needed, world_done),
		cmocka_unit_test_teardown(test_who_is_joining_does_not_count, world_done),
		cmocka_unit_test_teardown(test_half_done_addition_goes_on, world_done),
		cmocka_unit_test_teardown(test_a_request_is_carried_out_once, world_done),
		cmocka_unit_test_teardown(test_keys_come_before_votes, world_done),
		cmocka_unit_test_teardown(test_a_disk_that_does_not_work, world_done),
		cmocka_unit_test_teardown(test_keys_that_may_stay_are_said, world_done),
		cmocka_unit_test_teardown(test_half_done_removal_goes_on, world_done),
		cmocka_unit_test_teardown(test_who_was_to_work_dies, world_done),
		cmocka_unit_test_teardown(test_status_of_a_disk, world_done),
		cmocka_unit_test_teardown(test_topologies, world_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
