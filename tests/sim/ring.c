/* Rings: extended virtual synchrony as corosync gives it.  Some time after the set of nodes that hear each other has
 * changed, new rings form.  Whoever comes from one ring together has delivered the same messages of it before the new view;
 * nobody sees the new view at the same moment as another. */
#include "sim.h"

#define STATE_LOOKED_AT 8       /* of so many places in the log one */

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
	r->log[r->len++] = (struct entry) { .from = from, .message = message };
}

/* A copy that one component of a broken ring continues for itself. */
static struct ring *ring_fork(const struct ring *r)
{
	struct ring *f = xcalloc(1, sizeof *f);

	f->view = r->view;
	f->members = r->members;
	f->formed = r->formed;
	f->dead = true;
	for (size_t i = 0; i < r->len; i++) {
		ring_add(f, r->log[i].from, json_incref(r->log[i].message));
		f->log[i].epoch = r->log[i].epoch;
		f->log[i].digest = r->log[i].digest;
	}
	return f;
}

static void set_ring(struct ring **at, struct ring *r)
{
	struct ring *old = *at;

	*at = r ? ring_ref(r) : NULL;
	ring_unref(old);
}

void ring_forget(struct sim_node *n)
{
	set_ring(&n->ring, NULL);
	set_ring(&n->next, NULL);
	n->cursor = 0;
	n->shown = 0;
}

/* ---- sending and delivering ---- */

void wake(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (!n->up || n->frozen || n->hung || !n->ring || n->cursor >= n->ring->len)
		return;
	if (n->lag_due <= w.now)
		n->lag_due = w.now + (chance(n->lag) ? rnd_range(1, 12) : rnd_upto(1));
	schedule(n->lag_due, EV_DELIVER, id, 0, NULL);
}

static void wake_ring(const struct ring *r)
{
	for (uint32_t id = 1; id <= w.nodes; id++)
		if (w.node[id].ring == r)
			wake(id);
}

/* Software of the next level says more than this one knows: members of messages, and messages. */
static void speak_of_the_future(uint32_t id, json_t *message)
{
	if (w.node[id].level < 2)
		return;
	ju_set_int(message, "v", 2);
	ju_set_str(message, "future", "what nobody here understands");
	if (chance(2)) {
		json_t *unknown = ju_pack("{ss,si}", "t", chance(50) ? "rgm.future" : "future", "v", 2);

		json_array_append(w.node[id].unsent, unknown);
		json_decref(unknown);
	}
}

void multicast(uint32_t id, json_t *message)
{
	struct sim_node *n = &w.node[id];
	json_t *v;
	size_t i;

	speak_of_the_future(id, message);
	if (n->ring && !n->ring->dead) {
		json_array_foreach(n->unsent, i, v)
			ring_add(n->ring, id, json_incref(v));
		json_array_clear(n->unsent);
		ring_add(n->ring, id, json_incref(message));
		wake_ring(n->ring);
	} else {
		ju_push(n->unsent, json_incref(message));
	}
}

static void show_view(uint32_t id, nodeset view)
{
	struct sim_node *n = &w.node[id];
	struct engine_update u;

	if (!n->up || n->shown == view)
		return;
	n->shown = view;
	if (chance(20))
		n->slow_disk_until = w.now + 800;
	engine_view(n->engine, clock_of(n), view, &u);
	take(id, &u);
}

/* One delivery; with -v, the state of every node where the president has states compared. */
static void deliver_entry(uint32_t id, struct ring *r, size_t at)
{
	struct sim_node *n = &w.node[id];
	const struct entry entry = r->log[at], *e = &entry;     /* a copy: what follows from it may add to the log */
	struct engine_update u;

	w.deliveries++;
	if (!e->message) {
		show_view(id, n->shown & ~node_bit(e->from));
		return;
	}
	engine_deliver(n->engine, clock_of(n), e->from, e->message, &u);
	if (at % STATE_LOOKED_AT == 0 && !u.panic[0] && !streq(ju_str(e->message, "t", ""), "beat"))
		check_same_state(id, r, &r->log[at]);
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

void deliver_next(uint32_t id)
{
	struct sim_node *n = &w.node[id];

	if (w.now < n->lag_due || !n->ring || n->cursor >= n->ring->len)
		return;
	struct ring *r = ring_ref(n->ring);

	deliver_entry(id, r, n->cursor++);
	ring_unref(r);
	wake(id);
}

static void deliver_rest(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	uint64_t life = n->life;

	while (n->up && n->life == life && n->ring && n->cursor < n->ring->len) {
		struct ring *r = ring_ref(n->ring);

		deliver_entry(id, r, n->cursor++);
		ring_unref(r);
	}
}

/* ---- who can form a ring with whom ---- */

static bool awake(uint32_t id) { return w.node[id].up && !w.node[id].frozen; }

static bool hear_each_other(uint32_t a, uint32_t b)
{
	return nodeset_has(w.hears[a], b) && nodeset_has(w.hears[b], a);
}

static bool fits(uint32_t id, nodeset set)
{
	for (uint32_t k = nodeset_next(set, 0); k; k = nodeset_next(set, k))
		if (!hear_each_other(id, k))
			return false;
	return true;
}

/* Totem agrees on sets in which all hear each other.  When that leaves a choice, the seed decides (it is in hears). */
static void find_cliques(void)
{
	nodeset done = 0;

	for (uint32_t i = 0; i < w.nodes; i++) {
		uint32_t id = 1 + (i + (uint32_t)w.seed) % w.nodes;
		nodeset set = node_bit(id);

		if (!awake(id) || nodeset_has(done, id))
			continue;
		for (uint32_t k = 1; k <= w.nodes; k++)
			if (k != id && awake(k) && !nodeset_has(done, k) && fits(k, set))
				set |= node_bit(k);
		done |= set;
		for (uint32_t k = nodeset_next(set, 0); k; k = nodeset_next(set, k))
			w.clique[k] = set;
	}
}

void connect_all(void)
{
	for (uint32_t i = 1; i <= w.nodes; i++)
		w.hears[i] = ~(nodeset)0;
}

/* Rings with somebody gone order nothing more; what was on its way goes to some component only. */
static void break_ring(struct ring *r, nodeset set)
{
	struct ring *f = ring_ref(ring_fork(r));

	ring_ref(r);
	r->dead = true;
	for (uint32_t k = nodeset_next(set, 0); k; k = nodeset_next(set, k))
		if (w.node[k].ring == r)
			set_ring(&w.node[k].ring, f);
	/* Whoever holds the token may send once more, and hear itself. */
	if (f->refs > 1 && chance(30))
		for (uint32_t k = nodeset_next(set, 0); k; k = nodeset_next(set, k))
			if (w.node[k].ring == f && json_array_size(w.node[k].unsent)) {
				ring_add(f, k, json_incref(json_array_get(w.node[k].unsent, 0)));
				json_array_remove(w.node[k].unsent, 0);
				break;
			}
	ring_unref(f);
	ring_unref(r);
}

/* A process leaves its group: the ring goes on, the others get the view at one place in the log. */
void ring_leave(uint32_t id)
{
	struct ring *r = w.node[id].ring;

	if (!r || r->dead)
		return;
	r->members &= ~node_bit(id);
	ring_add(r, id, NULL);
	wake_ring(r);
}

void component_changed(void)
{
	uint64_t detection = w.takeover_ms * 40 / 64;
	bool broken = false;

	find_cliques();
	for (uint32_t id = 1; id <= w.nodes; id++) {
		struct ring *r = w.node[id].ring;

		if (awake(id) && r && !r->dead && (r->members & ~w.clique[id])) {
			broken = true;
			break_ring(r, w.clique[id]);
		}
	}
	/* That somebody has gone takes the time of a token and a consensus; that somebody has come may be seen at once. */
	schedule(w.now + (broken || chance(50) ? rnd_range(detection - 30, detection + 60) : rnd_range(20, detection)),
		 EV_REFORM, 0, 0, NULL);
	/* Requests are dense while presidents change. */
	for (unsigned i = 0; i < 4 && !w.calm && chance(60); i++)
		schedule(w.now + rnd_upto(detection * 3 / 2), EV_ADMIN, 0, 1, NULL);
}

/* ---- a new ring ---- */

/* Those of one ring that form the next one together recover its messages, also when they could not hear each other in
 * between.  (Only who held the token can have one more than the others: one log is the beginning of the other.) */
static nodeset come_along(uint32_t id, nodeset set)
{
	struct ring *own = w.node[id].ring;
	nodeset along = node_bit(id);

	for (uint32_t k = nodeset_next(set, 0); own && k; k = nodeset_next(set, k)) {
		struct ring *other = w.node[k].ring;

		if (!other || other->formed != own->formed)
			continue;
		along |= node_bit(k);
		if (other->len > w.node[id].ring->len)
			set_ring(&w.node[id].ring, other);
	}
	return along;
}

static void form_ring(nodeset set)
{
	struct ring *r = ring_ref(xcalloc(1, sizeof *r));

	r->view = r->members = set;
	r->formed = ++w.rings;
	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id)) {
		struct sim_node *n = &w.node[id];

		if (n->ring)
			n->ring->dead = true;   /* closed: what is sent from here on belongs to the next ring */
		set_ring(&n->next, r);
		n->along = come_along(id, set);
		schedule(w.now + (chance(70) ? 0 : rnd_range(1, 60)), EV_SWITCH, id, ++n->switches, NULL);
	}
	ring_unref(r);
}

/* The end of the old ring, then those who are gone leave, then the others come. */
static void pass_over(uint32_t id)
{
	struct sim_node *n = &w.node[id];
	nodeset along = n->along;
	struct ring *r = ring_ref(n->next);
	uint64_t life = n->life;
	json_t *v;
	size_t i;

	set_ring(&n->next, NULL);
	deliver_rest(id);
	if (n->up && n->life == life) {
		set_ring(&n->ring, NULL);
		n->cursor = 0;
		if (n->shown && (n->shown & ~along))
			show_view(id, n->shown & along);
		show_view(id, r->view);
	}
	if (n->up && n->life == life) {
		set_ring(&n->ring, r);
		json_array_foreach(n->unsent, i, v)
			if (!r->dead)
				ring_add(r, id, json_incref(v));
		if (!r->dead)
			json_array_clear(n->unsent);
		if (r->members & ~w.clique[id])
			component_changed();    /* somebody has gone meanwhile */
		wake_ring(r);
	}
	ring_unref(r);
}

/* which: the formation that the event is for; 0: the last one. */
void switch_ring(uint32_t id, uint64_t which)
{
	struct sim_node *n = &w.node[id];

	if (n->next && (!which || which == n->switches))
		pass_over(id);
}

static bool has_ring(nodeset set)
{
	struct ring *r = NULL;

	for (uint32_t id = nodeset_next(set, 0); id; id = nodeset_next(set, id)) {
		struct ring *own = w.node[id].next ? w.node[id].next : w.node[id].ring;

		if (!own || own->dead || own->members != set || (r && own != r))
			return false;
		r = own;
	}
	return true;
}

void reform(void)
{
	nodeset done = 0;

	for (uint32_t id = 1; id <= w.nodes; id++) {
		if (!awake(id) || nodeset_has(done, id))
			continue;
		done |= w.clique[id];
		if (!has_ring(w.clique[id]))
			form_ring(w.clique[id]);
	}
}
