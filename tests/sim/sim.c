/* sim: whole clusters in one process, with the object code of the daemons, under seeded faults.
 *
 *   sim [-n SEEDS] [-s FIRST] [-j JOBS] [-v] [-t SECONDS]     every seed is one run; a failure prints how to repeat it
 *
 * What is simulated: the ordered log with views (bus), disks, method runs, failfastd, clocks.  What is real: engine, cmm,
 * ccr, rgm.  Fault model and checks: tests/sim/README.md. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/json.h"
#include "clusterd/engine.h"
#include "scha_err.h"

enum { NODES_MAX = 5, GROUPS = 3, LOG_MAX = 1 << 20, TAKEOVER_MS = 640 };

/* ---- seeded randomness (splitmix64) ---- */
static uint64_t rnd_state;
static uint64_t rnd(void)
{
	uint64_t z = (rnd_state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}
static uint64_t rnd_upto(uint64_t n) { return n ? rnd() % n : 0; }
static uint64_t rnd_range(uint64_t lo, uint64_t hi) { return lo + rnd_upto(hi - lo + 1); }
static bool chance(unsigned percent) { return rnd_upto(100) < percent; }

/* ---- the world ---- */
enum ev_type { EV_DELIVER, EV_REFORM, EV_STORED, EV_TIMER, EV_RAN, EV_FAILFAST, EV_FAULT, EV_BOOT, EV_THAW, EV_ADMIN,
	       EV_HEAL };
struct ev {
	uint64_t at, seq;
	enum ev_type type;
	uint32_t node;
	uint64_t life;          /* of the node when the event was made; a stale one is dropped */
	uint64_t arg;
	json_t  *json;
};

/* The messages of one component of one ring, in order.  Nodes that go on together into the next ring share it. */
struct entry { uint32_t from; json_t *message; };
struct ring {
	nodeset  members;
	struct entry *log;
	size_t   len, cap;
	unsigned refs;
	bool     dead;          /* some member is gone: nothing is ordered until the next ring */
};

struct sim_node {
	bool     up, frozen;
	uint64_t life;          /* rises with every boot and crash */
	uint64_t incarnation;
	struct engine *engine;
	json_t  *disk;          /* durable: file name -> text; "epoch" -> number */
	json_t  *queue;         /* storage requests that are under way */
	uint64_t queue_due;
	struct ring *ring;      /* NULL: none yet */
	size_t   cursor;
	uint64_t lag_due;       /* no delivery before this time */
	nodeset  shown;         /* last view shown to the engine */
	json_t  *unsent;        /* multicast while the ring re-forms */
	uint64_t lease_until, timer_due;        /* node clock */
	int64_t  drift_ppm, skew;
	json_t  *running;       /* "run" -> {"rg","rs","method"} */
	json_t  *truth;         /* resource -> true: started and not stopped */
	bool     disk_full;
	unsigned net;           /* counts what it has said of its networks */
};

static struct {
	uint32_t nodes;
	struct sim_node node[NODES_MAX + 1];
	struct ev *heap;
	size_t   heap_len, heap_cap;
	uint64_t now, seq;
	nodeset  side[NODES_MAX + 1];   /* whom node i can hear */
	bool     calm;                  /* faults are over */
	uint64_t counter;               /* of admin changes */
	uint64_t acked[GROUPS];         /* generation of each group's table when a change of it was acknowledged */
	json_t  *told;                  /* acknowledged changes: [group, new value of its description] */
	json_t  *denied;                /* the same of changes that somebody else came before */
	json_t  *admin;                 /* client token -> {"group","value"} */
	json_t  *described;             /* value of a group's description -> true: was in force once */
	struct { uint64_t gen; char value[24]; } described_now[GROUPS];
	json_t  *epochs;                /* number -> members, as the first node that saw it come into force */
	uint64_t events, deliveries, failovers, acks;
	bool     verbose;
	uint64_t seed;
	char     failure[600];
} w;

static void trace(const char *fmt, ...) _printf_(1, 2);
static void trace(const char *fmt, ...)
{
	va_list ap;

	if (!w.verbose)
		return;
	printf("%9.3f ", (double)w.now / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static void fail(const char *fmt, ...) _printf_(1, 2);
static void fail(const char *fmt, ...)
{
	va_list ap;

	if (w.failure[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(w.failure, sizeof w.failure, fmt, ap);
	va_end(ap);
	trace("FAILED: %s", w.failure);
}

/* ---- event queue ---- */
static bool before(const struct ev *a, const struct ev *b) { return a->at != b->at ? a->at < b->at : a->seq < b->seq; }

static void schedule(uint64_t at, enum ev_type type, uint32_t node, uint64_t arg, json_t *json)
{
	struct ev e = { .at = MAX(at, w.now), .seq = ++w.seq, .type = type, .node = node, .life = node ? w.node[node].life : 0,
			.arg = arg, .json = json };
	size_t i;

	if (w.heap_len == w.heap_cap) {
		w.heap_cap = w.heap_cap ? w.heap_cap * 2 : 256;
		w.heap = xrealloc(w.heap, w.heap_cap * sizeof *w.heap);
	}
	for (i = w.heap_len++; i && before(&e, &w.heap[(i - 1) / 2]); i = (i - 1) / 2)
		w.heap[i] = w.heap[(i - 1) / 2];
	w.heap[i] = e;
}

static struct ev next_event(void)
{
	struct ev top = w.heap[0], last = w.heap[--w.heap_len];
	size_t i = 0, c;

	while ((c = 2 * i + 1) < w.heap_len) {
		if (c + 1 < w.heap_len && before(&w.heap[c + 1], &w.heap[c]))
			c++;
		if (!before(&w.heap[c], &last))
			break;
		w.heap[i] = w.heap[c];
		i = c;
	}
	w.heap[i] = last;
	return top;
}

/* ---- rings: extended virtual synchrony as corosync gives it ---- */
static struct ring *ring_ref(struct ring *r) { r->refs++; return r; }
static void ring_unref(struct ring *r)
{
	if (!r || --r->refs)
		return;
	for (size_t i = 0; i < r->len; i++)
		json_decref(r->log[i].message);
	free(r->log);
	free(r);
}

static void ring_add(struct ring *r, uint32_t from, json_t *message /* taken */)
{
	if (r->len == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->log = xrealloc(r->log, r->cap * sizeof *r->log);
	}
	r->log[r->len++] = (struct entry) { from, message };
}

/* A copy that one component of a broken ring continues for itself. */
static struct ring *ring_fork(const struct ring *r)
{
	struct ring *f = xcalloc(1, sizeof *f);

	f->members = r->members;
	f->dead = true;
	for (size_t i = 0; i < r->len; i++)
		ring_add(f, r->log[i].from, json_incref(r->log[i].message));
	return f;
}

static void wake(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!n->up || n->frozen || !n->ring || n->cursor >= n->ring->len)
		return;
	if (n->lag_due <= w.now)
		n->lag_due = w.now + (chance(3) ? rnd_range(1, 12) : rnd_upto(1));
	schedule(n->lag_due, EV_DELIVER, id, 0, NULL);
}

static void wake_ring(const struct ring *r)
{
	for (uint32_t id = 1; id <= w.nodes; id++)
		if (w.node[id].ring == r)
			wake(id);
}

/* ---- what an engine wants done ---- */
static uint64_t node_clock(const struct sim_node *n, uint64_t at)
{
	return (uint64_t)((int64_t)at + (int64_t)at * n->drift_ppm / 1000000 + n->skew);
}

static uint64_t from_node_clock(const struct sim_node *n, uint64_t t)
{
	int64_t x = ((int64_t)t - n->skew) * 1000000 / (1000000 + n->drift_ppm) + 1;

	return x < 0 ? 0 : (uint64_t)x;
}

static struct engine_time clock_of(const struct sim_node *n)
{
	return (struct engine_time) { .mono_ms = node_clock(n, w.now), .wall_ms = 1700000000000 + (int64_t)w.now };
}

static void crash(uint32_t id, const char *why);
static void check_running(const char *rs);

static void multicast(uint32_t id, json_t *message)
{
	struct sim_node *n = &w.node[id];

	if (n->ring && !n->ring->dead) {
		ring_add(n->ring, id, json_incref(message));
		wake_ring(n->ring);
	} else {
		ju_push(n->unsent, json_incref(message));
	}
}

static void start_storage(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!json_array_size(n->queue) || n->queue_due > w.now)
		return;
	n->queue_due = w.now + (chance(2) ? rnd_range(50, 400) : rnd_range(1, 4));
	schedule(n->queue_due, EV_STORED, id, 0, NULL);
}

static void run_method(uint32_t id, const json_t *run)
{
	struct sim_node *n = &w.node[id];
	const char *method = ju_str(run, "method", ""), *rs = ju_str(run, "rs", "");
	char key[24];

	(void)snprintf(key, sizeof key, "%" PRIi64, ju_int(run, "run", 0));
	ju_set_new(n->running, key, json_deep_copy(run));
	trace("node%u runs %s of %s", id, method, rs);
	if (streq(method, "Start") || streq(method, "Prenet_start")) {
		ju_set_bool(n->truth, rs, true);
		check_running(rs);
	}
	schedule(w.now + (chance(5) ? rnd_range(100, 900) : rnd_range(1, 20)), EV_RAN, id, (uint64_t)ju_int(run, "run", 0), NULL);
}

/* One number stands for one membership, and that is quorate: so no two quorate memberships exist side by side (each has
 * a node that stored the number of the other). */
static void check_epoch(uint32_t id, const json_t *entry)
{
	nodeset members = nodeset_from_json(ju_arr(entry, "members"));
	unsigned votes = (unsigned)__builtin_popcountll(members);
	char key[24];

	if (!streq(ju_str(entry, "e", ""), "epoch"))
		return;
	(void)snprintf(key, sizeof key, "%" PRIi64, ju_int(entry, "epoch", 0));
	if (votes <= w.nodes / 2)
		fail("epoch %s came into force at node%u with %u of %u votes", key, id, votes, w.nodes);
	if (!json_object_get(w.epochs, key))
		ju_set_new(w.epochs, key, nodeset_to_json(members));
	else if (nodeset_from_json(ju_arr(w.epochs, key)) != members)
		fail("epoch %s has two memberships: %#" PRIx64 " at node%u, %#" PRIx64 " elsewhere", key, members, id,
		     nodeset_from_json(ju_arr(w.epochs, key)));
}

/* Every change of a description gives it a new value, and other changes keep it: so a value that was replaced must never
 * be in force again, else a change was made from an old copy of the table and wiped out another. */
static void check_no_lost_update(uint32_t id)
{
	for (int g = 0; g < GROUPS; g++) {
		const struct ccr *ccr = engine_ccr(w.node[id].engine);
		char table[32], seen[48];
		const char *value;
		uint64_t gen;

		(void)snprintf(table, sizeof table, "rgm_rg_g%d", g);
		gen = ccr_table_gen(ccr, table);
		value = ju_str(ccr_table(ccr, table), "rg.prop.RG_description", "");
		if (gen <= w.described_now[g].gen)
			continue;
		w.described_now[g].gen = gen;
		if (streq(value, w.described_now[g].value))
			continue;
		(void)snprintf(seen, sizeof seen, "%d:%s", g, w.described_now[g].value);
		ju_set_bool(w.described, seen, true);
		(void)snprintf(w.described_now[g].value, sizeof w.described_now[g].value, "%s", value);
		(void)snprintf(seen, sizeof seen, "%d:%s", g, value);
		if (json_object_get(w.described, seen))
			fail("group g%d has description %s again at generation %" PRIu64 ": an update was lost", g, value, gen);
	}
}

static void take(uint32_t id, struct engine_update *u)
{
	struct sim_node *n = &w.node[id];
	json_t *v;
	size_t i;

	if (w.verbose)
		json_array_foreach(u->notes, i, v)
			trace("node%u: %s", id, ju_str(v, "text", ""));
	json_array_foreach(u->journal, i, v)
		check_epoch(id, v);
	if (engine_is_ready(n->engine))
		check_no_lost_update(id);
	if (u->panic[0] || u->stop[0]) {
		char why[300];

		(void)snprintf(why, sizeof why, "%.280s", u->panic[0] ? u->panic : u->stop);
		if (strstr(why, "state of this node differs"))
			fail("node%u: %s", id, why);
		engine_update_done(u);
		crash(id, why);
		return;
	}
	if (u->lease_until_ms && u->lease_until_ms != n->lease_until)
		schedule(from_node_clock(n, u->lease_until_ms), EV_FAILFAST, id, u->lease_until_ms, NULL);
	n->lease_until = u->lease_until_ms;
	if (u->timer_ms && u->timer_ms != n->timer_due) {
		n->timer_due = u->timer_ms;
		schedule(from_node_clock(n, u->timer_ms), EV_TIMER, id, u->timer_ms, NULL);
	}
	json_array_foreach(u->store, i, v)
		ju_push(n->queue, json_incref(v));
	json_array_foreach(u->send, i, v)
		multicast(id, v);
	json_array_foreach(u->run, i, v)
		run_method(id, v);
	json_array_foreach(u->answer, i, v) {
		char key[24];
		const json_t *a;

		(void)snprintf(key, sizeof key, "%" PRIi64, ju_int(v, "client", 0));
		a = json_object_get(w.admin, key);
		if (a && ju_int(v, "code", 1) == 0 && json_object_get(a, "value")) {
			int64_t g = ju_int(a, "group", 0);
			char table[32];

			(void)snprintf(table, sizeof table, "rgm_rg_g%d", (int)g);
			w.acked[g] = MAX(w.acked[g], ccr_table_gen(engine_ccr(n->engine), table));
			ju_push(w.told, ju_pack("[I,I]", (json_int_t)g, (json_int_t)ju_int(a, "value", 0)));
			w.acks++;
		}
		if (a && ju_int(v, "code", 1) == SCHA_ERR_SEQID && json_object_get(a, "value"))
			ju_push(w.denied, ju_pack("[I,I]", (json_int_t)ju_int(a, "group", 0), (json_int_t)ju_int(a, "value", 0)));
		if (a && w.verbose)
			trace("answer to %s: %" PRIi64 " %s", key, ju_int(v, "code", 1), ju_str(v, "text", ""));
		json_object_del(w.admin, key);
	}
	engine_update_done(u);
	start_storage(id);
}

/* ---- life and death of a node ---- */
static void component_changed(void);

static void node_off(struct sim_node *n)
{
	n->up = n->frozen = false;
	n->life++;
	n->engine = engine_free(n->engine);
	ring_unref(n->ring);
	n->ring = NULL;
	n->cursor = 0;
	n->shown = 0;
	json_array_clear(n->queue);
	json_array_clear(n->unsent);
	json_object_clear(n->running);
	json_object_clear(n->truth);
	n->lease_until = n->timer_due = n->lag_due = n->queue_due = 0;
}

static void write_disk(struct sim_node *n, const json_t *request);
static void load_history(struct sim_node *n);

static void crash(uint32_t id, const char *why)
{
	struct sim_node *n = &w.node[id];

	if (!n->up)
		return;
	trace("node%u DIES: %s", id, why);
	/* A write that was under way may or may not have reached the disk; later ones have not. */
	if (json_array_size(n->queue) && chance(50))
		write_disk(n, json_array_get(n->queue, 0));
	node_off(n);
	component_changed();
	schedule(w.now + rnd_range(800, 6000), EV_BOOT, id, 0, NULL);
	w.failovers++;
}

static void load_disk(struct sim_node *n, uint32_t id)
{
	struct engine_config config = { .self = id, .incarnation = n->incarnation, .epoch = (uint64_t)ju_int(n->disk, "epoch", 0) };
	const char *name;
	json_t *text, *data;
	struct err err = { 0 };
	uint64_t gen;

	n->engine = engine_new(&config);
	json_object_foreach(n->disk, name, text) {
		if (!json_is_string(text) || strstr(name, ".intent") || name[0] == '/')
			continue;
		if (ccr_parse(json_string_value(text), strlen(json_string_value(text)), &gen, &data, &err) < 0) {
			fail("node%u: table %s on the disk: %s", id, name, err.text);
			continue;
		}
		engine_load(n->engine, name, gen, data);
		json_decref(data);
	}
	load_history(n);
	if (engine_start(n->engine, &err) < 0)
		fail("node%u cannot start: %s", id, err.text);
}

/* What a node says of its networks is another thing each time. */
static void say_net(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	_cleanup_free_ char *name = xasprintf("eth%u", ++n->net);
	json_t *report = ju_pack("{s{},s[{ss,sb}]}", "links", "adapters", "name", name, "up", true);
	struct engine_update u;

	engine_net(n->engine, clock_of(n), report, &u);
	json_decref(report);
	take(id, &u);
}

static void boot(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (n->up)
		return;
	n->up = true;
	n->life++;
	n->incarnation = w.now + 1;
	n->drift_ppm = (int64_t)rnd_range(0, 10000) - 5000;     /* half a per cent each way */
	n->skew = (int64_t)rnd_range(1000, 100000);
	trace("node%u boots", id);
	load_disk(n, id);
	if (w.failure[0])
		return;
	say_net(id);
	component_changed();
}

/* ---- re-formation: some time after the set of nodes that hear each other has changed ---- */
static nodeset component_of(uint32_t id)
{
	nodeset set = node_bit(id), seen = 0;

	/* Totem agrees on sets in which all hear each other; partitions here are clean, so one step is enough. */
	for (uint32_t k = 1; k <= w.nodes; k++)
		if (k != id && w.node[k].up && !w.node[k].frozen && nodeset_has(w.side[id], k) && nodeset_has(w.side[k], id))
			seen |= node_bit(k);
	return set | seen;
}

static void component_changed(void)
{
	nodeset done = 0;

	/* Rings with somebody gone order nothing more; what was on its way goes to some component only. */
	for (uint32_t id = 1; id <= w.nodes; id++) {
		struct ring *r = w.node[id].ring;
		nodeset set;

		if (!w.node[id].up || w.node[id].frozen || nodeset_has(done, id))
			continue;
		set = component_of(id);
		done |= set;
		if (r && !r->dead && (r->members & ~set) != 0) {
			struct ring *f = ring_fork(r);

			r->dead = true;         /* for a frozen node that is still in it */

			ring_ref(r);
			for (uint32_t k = nodeset_next(set, 0); k; k = nodeset_next(set, k)) {
				if (w.node[k].ring != r)
					continue;
				w.node[k].ring = ring_ref(f);
				ring_unref(r);
			}
			ring_unref(r);
			/* Whoever holds the token may send once more, and hear itself. */
			if (f->refs && chance(30))
				for (uint32_t k = nodeset_next(set, 0); k; k = nodeset_next(set, k))
					if (w.node[k].ring == f && json_array_size(w.node[k].unsent)) {
						ring_add(f, k, json_incref(json_array_get(w.node[k].unsent, 0)));
						json_array_remove(w.node[k].unsent, 0);
						break;
					}
			if (!f->refs) {
				f->refs = 1;
				ring_unref(f);
			}
		}
	}
	schedule(w.now + rnd_range(TAKEOVER_MS * 45 / 64 - 30, TAKEOVER_MS * 45 / 64 + 60), EV_REFORM, 0, 0,
		 NULL);
}

/* One delivery; with -v, the state of every node where the president has states compared. */
static void deliver_entry(uint32_t id, const struct entry *e)
{
	struct sim_node *n = &w.node[id];
	struct engine_update u;

	w.deliveries++;
	engine_deliver(n->engine, clock_of(n), e->from, e->message, &u);
	if (w.verbose && streq(ju_str(e->message, "t", ""), "digest.mark")) {
		json_t *state = rgm_snapshot(engine_rgm(n->engine));
		json_t *tables = ccr_summary(engine_ccr(n->engine));

		ju_set_new(state, "tables", tables);
		_cleanup_free_ char *text = ju_dump(state);

		trace("node%u state %s", id, text);
		json_decref(state);
	}
	take(id, &u);
}

static void show_view(uint32_t id, nodeset view)
{
	struct sim_node *n = &w.node[id];
	struct engine_update u;

	if (!n->up || n->shown == view)
		return;
	n->shown = view;
	engine_view(n->engine, clock_of(n), view, &u);
	take(id, &u);
}

static void deliver_rest(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	uint64_t life = n->life;

	while (n->up && n->life == life && n->ring && n->cursor < n->ring->len) {
		struct entry e = n->ring->log[n->cursor++];

		deliver_entry(id, &e);
	}
}

static void form_ring(nodeset set)
{
	struct ring *r = xcalloc(1, sizeof *r);
	nodeset first[NODES_MAX + 1] = { 0 };

	r->members = set;
	r->refs = 1;
	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id)) {
		struct sim_node *n = &w.node[id];

		/* The end of the old ring, the same for all who come from it together, then those who are gone leave. */
		for (uint32_t k = nodeset_next(set, 0); k; k = nodeset_next(set, k))
			if (n->ring && w.node[k].ring == n->ring)
				first[id] |= node_bit(k);
		if (!first[id])
			first[id] = node_bit(id);
		if (n->ring)
			n->ring->dead = true;   /* closed: what is sent from here on belongs to the next ring */
	}
	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id))
		deliver_rest(id);
	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id)) {
		struct sim_node *n = &w.node[id];

		if (!n->up)
			continue;
		ring_unref(n->ring);
		n->ring = ring_ref(r);
		n->cursor = 0;
	}
	r->dead = true;         /* nothing is ordered before all have their view */
	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id)) {
		if (w.node[id].shown && (w.node[id].shown & ~first[id]))
			show_view(id, w.node[id].shown & first[id]);
		show_view(id, set);
	}
	r->dead = false;
	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id)) {
		struct sim_node *n = &w.node[id];
		json_t *v;
		size_t i;

		if (!n->up) {           /* died of the view: the next ring comes without it */
			r->dead = true;
			continue;
		}
		json_array_foreach(n->unsent, i, v)
			ring_add(r, id, json_incref(v));
		json_array_clear(n->unsent);
	}
	if (r->dead)
		component_changed();
	wake_ring(r);
	ring_unref(r);
}

static void reform(void)
{
	nodeset done = 0;

	for (uint32_t id = 1; id <= w.nodes; id++) {
		struct sim_node *n = &w.node[id];
		nodeset set;

		if (!n->up || n->frozen || nodeset_has(done, id))
			continue;
		set = component_of(id);
		done |= set;
		if (n->ring && !n->ring->dead && n->ring->members == set)
			continue;
		form_ring(set);
	}
}

/* ---- disk ---- */
static void write_history(struct sim_node *n, const char *text, bool whole)
{
	_cleanup_free_ char *all = xasprintf("%s%s", whole ? "" : ju_str(n->disk, "/history", ""), text);

	ju_set_str(n->disk, "/history", all);
}

static void load_history(struct sim_node *n)
{
	const char *s = ju_str(n->disk, "/history", "");

	for (const char *eol; (eol = strchr(s, '\n')); s = eol + 1) {
		json_t *e = json_loadb(s, (size_t)(eol - s), 0, NULL);

		engine_load_history(n->engine, e, (size_t)(eol - s) + 1);
		json_decref(e);
	}
}

static void write_disk(struct sim_node *n, const json_t *request)
{
	const char *op = ju_str(request, "op", ""), *table = ju_str(request, "table", "");
	_cleanup_free_ char *intent = xasprintf("%s.intent", table);

	if (streq(op, "epoch")) {
		ju_set_int(n->disk, "epoch", ju_int(request, "epoch", 0));
	} else if (streq(op, "intent")) {
		ju_set_str(n->disk, intent, ju_str(request, "text", ""));
	} else if (streq(op, "commit") || streq(op, "write")) {
		ju_set_str(n->disk, table, ju_str(request, "text", ""));
		json_object_del(n->disk, intent);
	} else if (streq(op, "drop")) {
		json_object_del(n->disk, intent);
	} else if (streq(op, "forget")) {
		json_object_del(n->disk, table);
	} else if (streq(op, "history")) {
		write_history(n, ju_str(request, "text", ""), ju_bool(request, "whole", false));
	}
}

static void stored(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	json_t *request = json_incref(json_array_get(n->queue, 0));
	struct engine_update u;
	bool full = n->disk_full && streq(ju_str(request, "op", ""), "intent");

	json_array_remove(n->queue, 0);
	if (!full)
		write_disk(n, request);
	n->queue_due = 0;
	engine_stored(n->engine, clock_of(n), request, full ? "No space left on device" : NULL, &u);
	json_decref(request);
	take(id, &u);
	if (n->up)
		start_storage(id);
}

/* ---- methods: what really runs where ---- */
static void ran(uint32_t id, uint64_t run)
{
	struct sim_node *n = &w.node[id];
	char key[24];
	json_t *r, *result;
	const char *method, *rs;
	struct engine_update u;
	int code;

	(void)snprintf(key, sizeof key, "%" PRIu64, run);
	r = json_object_get(n->running, key);
	if (!r)
		return;
	method = ju_str(r, "method", "");
	rs = ju_str(r, "rs", "");
	code = !w.calm && streq(method, "Start") && chance(3) ? 1 : 0;
	if (streq(method, "Postnet_stop") || streq(method, "Stop"))
		json_object_del(n->truth, rs);
	json_object_del(n->running, key);
	result = ju_pack("{si,sb,ss,sf}", "exit", code, "timed_out", 0, "output", "", "ms", 5.0);
	engine_ran(n->engine, clock_of(n), run, result, &u);
	json_decref(result);
	take(id, &u);
}

/* ---- checks ---- */
/* A frozen machine acts no more when its lease is over: failfastd runs before anything else there. */
static bool can_act(uint32_t id)
{
	const struct sim_node *n = &w.node[id];

	return n->up && !(n->frozen && n->lease_until && node_clock(n, w.now) > n->lease_until);
}

static void check_running(const char *rs)
{
	nodeset where = 0;

	for (uint32_t id = 1; id <= w.nodes; id++)
		if (can_act(id) && ju_bool(w.node[id].truth, rs, false))
			where |= node_bit(id);
	if (where & (where - 1))
		fail("resource %s runs on several nodes at once: set %#" PRIx64, rs, where);
}

/* ---- administrators ---- */
static void request(uint32_t id, json_t *r, json_t *remember)
{
	struct sim_node *n = &w.node[id];
	struct engine_update u;
	char key[24];

	(void)snprintf(key, sizeof key, "%" PRIu64, ++w.counter);
	ju_set_new(w.admin, key, remember ? remember : json_object());
	if (w.verbose) {
		_cleanup_free_ char *text = ju_dump(r);

		trace("request %s at node%u: %s", key, id, text);
	}
	engine_request(n->engine, clock_of(n), (int64_t)w.counter, r, "root", &u);
	json_decref(r);
	take(id, &u);
}

static uint32_t random_up_node(void)
{
	uint32_t id = (uint32_t)rnd_range(1, w.nodes);

	return w.node[id].up && !w.node[id].frozen ? id : 0;
}

/* "cluster apply" of one table, as this node has it but for the description. */
static json_t *whole_table(uint32_t id, const char *rg, const char *value)
{
	const struct ccr *ccr = engine_ccr(w.node[id].engine);
	_cleanup_free_ char *table = xasprintf("rgm_rg_%s", rg);
	json_t *data = json_deep_copy(ccr_table(ccr, table));

	ju_set_str(data, "rg.prop.RG_description", value);
	return ju_pack("{ss,ss,sI,so,ss}", "op", "table_change", "table", table, "base", (json_int_t)ccr_table_gen(ccr, table),
		       "data", data, "message", "sim");
}

static void admin(void)
{
	uint32_t id = random_up_node();
	int g = (int)rnd_upto(GROUPS);
	char rg[16], node[16], rs[16];

	if (!w.calm)
		schedule(w.now + rnd_range(100, 1500), EV_ADMIN, 0, 0, NULL);
	if (!id)
		return;
	(void)snprintf(rg, sizeof rg, "g%d", g);
	(void)snprintf(rs, sizeof rs, "g%d-app", g);
	(void)snprintf(node, sizeof node, "node%u", (unsigned)rnd_range(1, w.nodes));
	say_net(id);
	switch (rnd_upto(9)) {
	case 0: case 1:
		request(id, ju_pack("{ss,ss,s[s]}", "op", "group_switch", "rg", rg, "nodes", node), NULL);
		break;
	case 2:
		request(id, ju_pack("{ss,ss}", "op", "group_offline", "rg", rg), NULL);
		break;
	case 3: case 4:
		request(id, ju_pack("{ss,ss}", "op", "group_bring", "rg", rg), NULL);
		break;
	case 5:
		request(id, ju_pack("{ss,s[s],sb}", "op", chance(50) ? "resource_enable" : "resource_disable", "names", rs,
				    "monitor", chance(50)), NULL);
		break;
	case 6:
		request(id, ju_pack("{ss,ss,ss,ss}", "op", "control", "tag", chance(50) ? "RESOURCE_RESTART" : "GIVEOVER", "rg", rg,
				    "rs", rs), NULL);
		break;
	default: {
		_cleanup_free_ char *value = xasprintf("%" PRIu64, w.counter + 1);

		request(id, chance(40) ? whole_table(id, rg, value) :
			ju_pack("{ss,ss,s{ss}}", "op", "group_change", "rg", rg, "props", "RG_description", value),
			ju_pack("{si,sI}", "group", g, "value", (json_int_t)(w.counter + 1)));
	}
	}
}

/* ---- faults ---- */
static void connect_all(void)
{
	for (uint32_t i = 1; i <= w.nodes; i++)
		w.side[i] = ~(nodeset)0;
}

static void partition(void)
{
	nodeset a = rnd_upto((uint64_t)1 << w.nodes);

	for (uint32_t i = 1; i <= w.nodes; i++)
		w.side[i] = nodeset_has(a, i) ? a : ~a;
	trace("partition %#" PRIx64, a);
	component_changed();
	schedule(w.now + rnd_range(50, 5000), EV_HEAL, 0, 0, NULL);
}

static void freeze(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!n->up || n->frozen)
		return;
	trace("node%u freezes", id);
	n->frozen = true;
	schedule(w.now + (chance(50) ? rnd_range(50, 400) : rnd_range(400, 4000)), EV_THAW, id, 0, NULL);
	/* A short one goes unnoticed: the token waits.  component_changed() re-forms only if it is still frozen then. */
	schedule(w.now + TAKEOVER_MS * 20 / 64, EV_FAULT, id, 1, NULL);
}

static void thaw(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!n->frozen)
		return;
	n->frozen = false;
	trace("node%u thaws", id);
	if (n->lease_until && node_clock(n, w.now) > n->lease_until) {
		crash(id, "failfastd: lease");
		return;
	}
	component_changed();
	wake(id);
	schedule(w.now, EV_TIMER, id, n->timer_due, NULL);
	if (json_array_size(n->queue)) {
		n->queue_due = 0;
		start_storage(id);
	}
	const char *key;
	json_t *v;
	json_object_foreach(n->running, key, v)
		schedule(w.now + rnd_range(1, 10), EV_RAN, id, strtoull(key, NULL, 10), NULL);
}

static void fault(void)
{
	uint32_t id = (uint32_t)rnd_range(1, w.nodes);

	if (w.calm)
		return;
	schedule(w.now + rnd_range(200, 4000), EV_FAULT, 0, 0, NULL);
	switch (rnd_upto(6)) {
	case 0: case 1: crash(id, "power cut"); break;
	case 2: partition(); break;
	case 3: case 4: freeze(id); break;
	case 5:
		w.node[id].disk_full = !w.node[id].disk_full;
		trace("node%u: disk %s", id, w.node[id].disk_full ? "full" : "has room again");
		break;
	}
}

/* ---- one run ---- */
static void deliver_next(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	struct entry e = n->ring->log[n->cursor++];     /* a copy: what follows from it may add to the log */

	deliver_entry(id, &e);
	wake(id);
}

static void handle(struct ev *e)
{
	struct sim_node *n = e->node ? &w.node[e->node] : NULL;
	struct engine_update u;

	if (n && (e->type != EV_BOOT && e->type != EV_FAULT) && (!n->up || n->life != e->life))
		return;
	if (n && n->frozen && (e->type == EV_DELIVER || e->type == EV_STORED || e->type == EV_TIMER || e->type == EV_RAN ||
			       e->type == EV_FAILFAST))
		return;         /* thaw() takes care of what is left */
	switch (e->type) {
	case EV_DELIVER:
		if (w.now < n->lag_due || n->cursor >= n->ring->len)
			break;
		deliver_next(e->node);
		break;
	case EV_REFORM: reform(); break;
	case EV_STORED:
		if (json_array_size(n->queue) && n->queue_due == e->at)
			stored(e->node);
		break;
	case EV_TIMER:
		if (n->timer_due == e->arg) {
			n->timer_due = 0;
			engine_timer(n->engine, clock_of(n), &u);
			take(e->node, &u);
		}
		break;
	case EV_RAN: ran(e->node, e->arg); break;
	case EV_FAILFAST:
		if (n->lease_until == e->arg) {
			if (node_clock(n, w.now) <= n->lease_until)
				schedule(w.now + 1, EV_FAILFAST, e->node, e->arg, NULL);
			else
				crash(e->node, "failfastd: lease");
		}
		break;
	case EV_FAULT:
		if (!e->node)
			fault();
		else if (n->frozen)
			component_changed();    /* the token is lost */
		break;
	case EV_BOOT: boot(e->node); break;
	case EV_THAW: thaw(e->node); break;
	case EV_HEAL:
		connect_all();
		trace("partition heals");
		component_changed();
		break;
	case EV_ADMIN: admin(); break;
	}
}

static void run_until(uint64_t end)
{
	while (w.heap_len && w.heap[0].at <= end && !w.failure[0]) {
		struct ev e = next_event();

		w.now = e.at;
		w.events++;
		handle(&e);
	}
	w.now = end;
}

static const char type_rtr[] =
	"RESOURCE_TYPE = app; VENDOR_ID = SIM; RT_BASEDIR = /opt/sim; FAILOVER = TRUE; API_VERSION = 2;\n"
	"START = start; STOP = stop; MONITOR_START = mon_start; MONITOR_STOP = mon_stop;\n"
	"{ PROPERTY = Failover_mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }\n";
static const char address_rtr[] =
	"RESOURCE_TYPE = LogicalHostname; VENDOR_ID = SUNW; RT_BASEDIR = /opt/sim; FAILOVER = TRUE; API_VERSION = 2;\n"
	"PRENET_START = plumb; START = up; STOP = down; POSTNET_STOP = unplumb;\n"
	"{ PROPERTY = Failover_mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }\n";

static void put_table(json_t *disk, const char *name, json_t *data)
{
	_cleanup_free_ char *text = ccr_format(1, data);

	ju_set_str(disk, name, text);
	json_decref(data);
}

static void initial_disk(json_t *disk)
{
	json_t *infra = ju_pack("{ss,ss}", "cluster.name", "sim", "cluster.properties.takeover_time", "640");

	for (uint32_t id = 1; id <= w.nodes; id++) {
		_cleanup_free_ char *key = xasprintf("cluster.nodes.%u.name", id), *name = xasprintf("node%u", id);

		ju_set_str(infra, key, name);
	}
	put_table(disk, "infrastructure", infra);
	put_table(disk, "rgm_rt_SIM.app", ju_pack("{ss}", "rtr", type_rtr));
	put_table(disk, "rgm_rt_SUNW.LogicalHostname", ju_pack("{ss}", "rtr", address_rtr));
	for (int g = 0; g < GROUPS; g++) {
		json_t *rg = ju_pack("{ss,ss}", "rg.managed", "TRUE", "rg.prop.Failback", g == 0 ? "TRUE" : "FALSE");
		_cleanup_free_ char *name = xasprintf("rgm_rg_g%d", g);

		for (int r = 0; r < 2; r++) {
			_cleanup_free_ char *t = xasprintf("rs.g%d-%s.type", g, r ? "app" : "ip");
			_cleanup_free_ char *e = xasprintf("rs.g%d-%s.enabled", g, r ? "app" : "ip");
			_cleanup_free_ char *m = xasprintf("rs.g%d-%s.monitored", g, r ? "app" : "ip");

			ju_set_str(rg, t, r ? "SIM.app" : "SUNW.LogicalHostname");
			ju_set_str(rg, e, "TRUE");
			ju_set_str(rg, m, "TRUE");
		}
		put_table(disk, name, rg);
	}
}

static const char *group_state_on(const json_t *rg, const char *node)
{
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(rg, "nodes"), i, v)
		if (streq(ju_str(v, "node", ""), node))
			return ju_str(v, "state", "?");
	return "?";
}

static void check_group(const json_t *rg)
{
	unsigned online = 0, running = 0, bad = 0;
	_cleanup_free_ char *app = xasprintf("%s-app", ju_str(rg, "name", ""));

	for (uint32_t id = 1; id <= w.nodes; id++) {
		_cleanup_free_ char *node = xasprintf("node%u", id);
		const char *state = group_state_on(rg, node);

		online += streq(state, "ONLINE") || streq(state, "ONLINE_FAULTED");
		bad += strstr(state, "PENDING") != NULL;
		running += ju_bool(w.node[id].truth, app, false);
	}
	if (bad)
		fail("group %s is still pending after the faults stopped", ju_str(rg, "name", ""));
	if (!ju_bool(rg, "admin_offline", false) && online != 1)
		fail("group %s can be online but is online on %u nodes", ju_str(rg, "name", ""), online);
	if (running > online)
		fail("group %s: its resource runs on %u nodes, but it is online on %u", ju_str(rg, "name", ""), running, online);
}

/* Everybody knows the newest that each node said. */
static void check_net(uint32_t id)
{
	json_t *status = engine_status(w.node[id].engine), *v;
	size_t i;

	if (json_array_size(ju_arr(status, "ipmp")) != w.nodes)
		fail("node%u knows the networks of %zu nodes", id, json_array_size(ju_arr(status, "ipmp")));
	json_array_foreach(ju_arr(status, "ipmp"), i, v) {
		_cleanup_free_ char *name = xasprintf("eth%u", w.node[i + 1].net);

		if (i < w.nodes && !streq(ju_str(v, "adapter", ""), name))
			fail("node%u has %s of node%zu, which has said %s since", id, ju_str(v, "adapter", ""), i + 1, name);
	}
	json_decref(status);
}

static bool in_history(int64_t group, const char *value)
{
	_cleanup_free_ char *table = xasprintf("rgm_rg_g%" PRId64, group);
	json_t *e;
	size_t i;

	json_array_foreach(ccr_history(engine_ccr(w.node[1].engine)), i, e) {
		const json_t *change = ju_arr(ju_obj(e, "set"), "rg.prop.RG_description");

		if (streq(ju_str(e, "table", ""), table) && change && streq(json_string_value(json_array_get(change, 1)), value))
			return true;
	}
	return false;
}

/* Everybody tells the same history, each table's chain is whole, and what was acknowledged is in it. */
static void check_history(void)
{
	json_t *next = json_object(), *e;
	size_t i;

	/* An empty file and none are the same. */
	for (uint32_t id = 2; id <= w.nodes; id++)
		if (!streq(ju_str(w.node[id].disk, "/history", ""), ju_str(w.node[1].disk, "/history", "")))
			fail("node%u keeps another history on its disk than node1", id);
	for (uint32_t id = 2; id <= w.nodes; id++)
		if (!json_equal(ccr_history(engine_ccr(w.node[id].engine)), ccr_history(engine_ccr(w.node[1].engine))))
			fail("node%u tells another history than node1", id);
	json_array_foreach(ccr_history(engine_ccr(w.node[1].engine)), i, e) {
		const char *table = ju_str(e, "table", "");

		if (ju_int(e, "was", 0) != ju_int(next, table, 1))
			fail("history of %s: commit %" PRId64 " follows %" PRId64 ", which is not there", table, ju_int(e, "n", 0),
			     ju_int(e, "was", 0));
		ju_set_int(next, table, ju_int(e, "n", 0));
	}
	json_decref(next);
	json_array_foreach(w.told, i, e) {
		_cleanup_free_ char *value = xasprintf("%" PRIi64, (int64_t)json_integer_value(json_array_get(e, 1)));

		if (!in_history(json_integer_value(json_array_get(e, 0)), value))
			fail("acknowledged change %s of g%lld is not in the history", value,
			     (long long)json_integer_value(json_array_get(e, 0)));
	}
	json_array_foreach(w.denied, i, e) {
		_cleanup_free_ char *value = xasprintf("%" PRIi64, (int64_t)json_integer_value(json_array_get(e, 1)));

		if (in_history(json_integer_value(json_array_get(e, 0)), value))
			fail("change %s of g%lld was refused, and is in the history", value,
			     (long long)json_integer_value(json_array_get(e, 0)));
	}
}

static void check_converged(void)
{
	json_t *status, *rg;
	size_t i;

	for (uint32_t id = 1; id <= w.nodes; id++) {
		if (!w.node[id].up || !engine_is_ready(w.node[id].engine)) {
			_cleanup_free_ char *waiting = w.node[id].up ? cmm_waiting_for(engine_cmm(w.node[id].engine)) : NULL;

			fail("node%u is not a member after the faults stopped: %s", id, waiting ? waiting : "it is down");
			return;
		}
		if (engine_digest(w.node[id].engine) != engine_digest(w.node[1].engine))
			fail("digest of node%u differs", id);
		check_net(id);
		for (const char *name = json_object_iter_key(json_object_iter(w.node[id].disk)); name;
		     name = json_object_iter_key(json_object_iter_next(w.node[id].disk, json_object_key_to_iter(name)))) {
			if (!strstr(name, "epoch") && !strstr(name, ".intent") && name[0] != '/' &&
			    !json_equal(json_object_get(w.node[id].disk, name), json_object_get(w.node[1].disk, name)))
				fail("table %s on the disk of node%u differs from node1's", name, id);
		}
	}
	for (int g = 0; g < GROUPS; g++) {
		_cleanup_free_ char *table = xasprintf("rgm_rg_g%d", g);
		uint64_t gen = ccr_table_gen(engine_ccr(w.node[1].engine), table);

		if (gen < w.acked[g])
			fail("acknowledged change %" PRIu64 " of g%d is lost (its table is at %" PRIu64 ")", w.acked[g], g, gen);
	}
	check_history();
	status = engine_status(w.node[1].engine);
	json_array_foreach(ju_arr(status, "groups"), i, rg)
		check_group(rg);
	json_decref(status);
}

static void world_done(void)
{
	for (size_t i = 0; i < w.heap_len; i++)
		json_decref(w.heap[i].json);
	for (uint32_t id = 1; id <= w.nodes; id++) {
		struct sim_node *n = &w.node[id];

		node_off(n);
		json_decref(n->disk);
		json_decref(n->queue);
		json_decref(n->unsent);
		json_decref(n->running);
		json_decref(n->truth);
	}
	json_decref(w.told);
	json_decref(w.denied);
	json_decref(w.admin);
	json_decref(w.epochs);
	json_decref(w.described);
	free(w.heap);
}

/* True: all checks held. */
static bool run_seed(uint64_t seed, uint64_t faults_ms, bool verbose, char failure[600], uint64_t totals[4])
{
	memset(&w, 0, sizeof w);
	w.seed = seed;
	rnd_state = seed * 0x9e3779b97f4a7c15ULL + 1;
	w.verbose = verbose;
	w.nodes = (uint32_t)(chance(60) ? 3 : rnd_range(2, NODES_MAX));
	w.told = json_array();
	w.denied = json_array();
	w.admin = json_object();
	w.epochs = json_object();
	w.described = json_object();
	connect_all();
	for (uint32_t id = 1; id <= w.nodes; id++) {
		struct sim_node *n = &w.node[id];

		n->disk = json_object();
		n->queue = json_array();
		n->unsent = json_array();
		n->running = json_object();
		n->truth = json_object();
		initial_disk(n->disk);
		schedule(rnd_upto(1500), EV_BOOT, id, 0, NULL);
	}
	schedule(6000, EV_ADMIN, 0, 0, NULL);
	schedule(rnd_range(3000, 9000), EV_FAULT, 0, 0, NULL);
	run_until(faults_ms);
	w.calm = true;
	connect_all();
	for (uint32_t id = 1; id <= w.nodes; id++)
		w.node[id].disk_full = false;
	if (!w.failure[0]) {
		component_changed();
		run_until(faults_ms + 25000);
	}
	if (!w.failure[0])
		check_converged();
	memcpy(failure, w.failure, sizeof w.failure);
	totals[0] += w.deliveries;
	totals[1] += w.failovers;
	totals[2] += w.acks;
	totals[3] += w.now;
	world_done();
	return !failure[0];
}

static int run_share(uint64_t first, uint64_t n, unsigned step, uint64_t faults_ms, bool verbose, uint64_t totals[4])
{
	char failure[600];
	int bad = 0;

	for (uint64_t s = first; s < first + n; s += step) {
		if (run_seed(s, faults_ms, verbose, failure, totals))
			continue;
		bad++;
		printf("seed %" PRIu64 ": %s\n  repeat: sim -n 1 -s %" PRIu64 " -t %" PRIu64 " -v\n", s, failure, s, faults_ms / 1000);
		fflush(stdout);
		if (bad >= 5)
			break;
	}
	return bad;
}

int main(int argc, char **argv)
{
	uint64_t n = 1000, first = 1, faults_ms = 15000, totals[4] = { 0 };
	unsigned jobs = 2, failed = 0;
	bool verbose = false;
	int fds[2], opt;

	while ((opt = getopt(argc, argv, "n:s:j:t:v")) != -1) {
		switch (opt) {
		case 'n': n = strtoull(optarg, NULL, 10); break;
		case 's': first = strtoull(optarg, NULL, 10); break;
		case 'j': jobs = (unsigned)strtoul(optarg, NULL, 10); break;
		case 't': faults_ms = strtoull(optarg, NULL, 10) * 1000; break;
		case 'v': verbose = true; break;
		default:
			fprintf(stderr, "usage: sim [-n SEEDS] [-s FIRST] [-j JOBS] [-t SECONDS] [-v]\n");
			return 2;
		}
	}
	if (jobs < 1 || pipe(fds) < 0)
		return 2;
	if (n < jobs)
		jobs = (unsigned)n;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned j = 0; j < jobs; j++) {
		pid_t pid = fork();

		if (pid < 0)
			return 2;
		if (pid == 0) {
			int bad = run_share(first + j, n - j, jobs, faults_ms, verbose, totals);

			if (write(fds[1], totals, sizeof totals) != sizeof totals)
				_exit(2);
			exit(bad > 0);
		}
	}
	close(fds[1]);
	for (uint64_t part[4]; read(fds[0], part, sizeof part) == sizeof part;)
		for (size_t i = 0; i < 4; i++)
			totals[i] += part[i];
	for (int status; wait(&status) > 0;)
		failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	printf("sim: %" PRIu64 " seeds, %.0f simulated hours, %" PRIu64 " deliveries, %" PRIu64 " node deaths, %" PRIu64
	       " acknowledged changes: %s\n", n, (double)totals[3] / 3600000, totals[0], totals[1], totals[2],
	       failed ? "FAILED" : "all checks held");
	return failed != 0;
}
