/* What the groups of this seed have to do with each other, and what must hold because of it.
 *
 * In half of the seeds nothing; else each application may depend on that of an earlier group.  The checks look at the truth
 * of the machines, not at what the engines believe. */
#include "sim.h"

static const char *const dep_lists[] = {
	"Resource_dependencies", "Resource_dependencies_weak", "Resource_dependencies_restart", "Resource_dependencies_offline_restart",
};
enum { STRONG, WEAK, RESTART, OFFLINE_RESTART };

static const char *const link_prefixes[] = { "", "+", "-", "++", "+++", "--" };
enum { DEPENDENCY, LIKES, DISLIKES, FOLLOWS, DELEGATES, AVOIDS };

void choose_shape(void)
{
	bool plain = chance(50);

	w.boots = chance(40);
	for (int g = 0; g < GROUPS; g++)
		w.shape[g] = (struct shape) { .dep_on = -1, .link_to = -1, .primaries = 1 };
	if (!plain && chance(40))
		w.shape[GROUPS - 1].primaries = 2;
	for (int g = 1; g < GROUPS && !plain; g++)
		if (chance(60)) {
			w.shape[g].dep_on = (int)rnd_upto((uint64_t)g);
			w.shape[g].dep_kind = rnd_upto(ARRAY_SIZE(dep_lists));
			w.shape[g].dep_local = chance(20);
		}
	w.load_limit = w.shape[GROUPS - 1].primaries == 1 && chance(30) ? (unsigned)rnd_range(2, 4) : 0;
	for (int g = 0; g < GROUPS && w.load_limit; g++) {
		w.shape[g].load = (unsigned)rnd_range(0, 3);
		w.shape[g].priority = (unsigned)rnd_range(498, 502);
	}
	for (int g = 1; g < GROUPS && !plain; g++)
		if (chance(60)) {
			w.shape[g].link_to = (int)rnd_upto((uint64_t)g);
			w.shape[g].link_kind = rnd_upto(w.shape[g].primaries > 1 ? FOLLOWS : ARRAY_SIZE(link_prefixes));
		}
}

void put_shape(json_t *table, int g)
{
	const struct shape *s = &w.shape[g];
	_cleanup_free_ char *key = xasprintf("rs.g%d-app.prop.%s", g, dep_lists[s->dep_kind]);
	_cleanup_free_ char *value = xasprintf("g%d-app%s", s->dep_on, s->dep_local ? "{LOCAL_NODE}" : "");
	_cleanup_free_ char *link = xasprintf("%sg%d", link_prefixes[s->link_kind], s->link_to);

	if (w.load_limit && s->load) {
		_cleanup_free_ char *load = xasprintf("mem@%u", s->load), *priority = xasprintf("%u", s->priority);

		ju_set_str(table, "rg.prop.Load_factors", load);
		ju_set_str(table, "rg.prop.Priority", priority);
	}
	if (s->primaries > 1) {
		ju_set_str(table, "rg.prop.RG_mode", "SCALABLE");
		ju_set_str(table, "rg.prop.Maximum_primaries", "2");
		ju_set_str(table, "rg.prop.Desired_primaries", "2");
	}
	if (s->dep_on >= 0)
		ju_set_str(table, key, value);
	if (s->link_to >= 0)
		ju_set_str(table, s->link_kind == DEPENDENCY ? "rg.prop.RG_dependencies" : "rg.prop.RG_affinities", link);
}

/* The scope of a dependency without one follows a positive affinity. */
static bool is_local(const struct shape *s)
{
	return s->dep_local || (s->dep_on == s->link_to && s->link_kind != DEPENDENCY && s->link_kind != DISLIKES && s->link_kind != AVOIDS);
}

/* "g2-app" -> 2; -1: another resource. */
static int app_of(const char *rs)
{
	int g = -1, end = 0;

	return sscanf(rs, "g%d-app%n", &g, &end) == 1 && end && !rs[end] ? g : -1;
}

static bool serves(uint32_t id, int g)
{
	_cleanup_free_ char *app = xasprintf("g%d-app", g);

	return ju_bool(w.node[id].serving, app, false);
}

/* When did the node serve it last?  Now, if it still does. */
static uint64_t served_at(uint32_t id, int g)
{
	return serves(id, g) ? w.now : w.node[id].served[g];
}

void note_served(uint32_t id, const char *rs)
{
	int g = app_of(rs);

	if (g >= 0)
		w.node[id].served[g] = w.now;
}

/* What a node knows of others is as old as the log is late there: a frozen node acts on it until its lease ends. */
static uint64_t patience(void)
{
	return w.takeover_ms + 500;
}

/* A node never carries more than it may, not even while groups change places. */
void check_load(uint32_t id)
{
	unsigned sum = 0;

	for (int g = 0; g < GROUPS && w.load_limit; g++) {
		_cleanup_free_ char *ip = xasprintf("g%d-ip", g), *app = xasprintf("g%d-app", g), *extra = xasprintf("g%d-x", g);
		const json_t *truth = w.node[id].truth;

		if (ju_bool(truth, ip, false) || ju_bool(truth, app, false) || ju_bool(truth, extra, false))
			sum += w.shape[g].load;
	}
	if (sum > w.load_limit)
		fail("node%u carries %u, its load limit is %u", id, sum, w.load_limit);
}

void check_dep_start(uint32_t id, const char *rs)
{
	int g = app_of(rs);
	const struct shape *s = g >= 0 ? &w.shape[g] : NULL;

	if (!s || s->dep_on < 0 || s->dep_kind == WEAK)
		return;
	for (uint32_t k = 1; k <= w.nodes; k++)
		if ((k == id || !is_local(s)) && served_at(k, s->dep_on) + patience() >= w.now && served_at(k, s->dep_on))
			return;
	fail("node%u starts %s, but g%d-app is nowhere", id, rs, s->dep_on);
}

/* Offline-restart: whoever must not be without it is down before it stops. */
void check_dep_stop(uint32_t id, const char *rs)
{
	int on = app_of(rs);

	for (int g = 0; g < GROUPS && on >= 0; g++)
		for (uint32_t k = 1; k <= w.nodes; k++) {
			_cleanup_free_ char *app = xasprintf("g%d-app", g);

			if (w.shape[g].dep_on == on && w.shape[g].dep_kind == OFFLINE_RESTART && (k == id || !is_local(&w.shape[g])) &&
			    can_act(k) && ju_bool(w.node[k].truth, app, false))
				fail("node%u stops %s under %s on node%u", id, rs, app, k);
		}
}

/* "--": never both on one machine. */
void check_apart(uint32_t id, const char *rs)
{
	int own = app_of(rs);

	for (int g = 0; g < GROUPS && own >= 0; g++) {
		int other = w.shape[g].link_to == own ? g : own == g ? w.shape[g].link_to : -1;
		_cleanup_free_ char *app = xasprintf("g%d-app", other);

		if (other >= 0 && w.shape[g].link_kind == AVOIDS && ju_bool(w.node[id].truth, app, false))
			fail("node%u starts %s beside %s", id, rs, app);
	}
}

/* No node may have it: it failed twice on some, and the rest is not allowed; or somebody wants that nothing happens by itself.
 * That a node was evacuated is over by then. */
bool rests(const json_t *rg)
{
	const char *why = ju_str(rg, "why", "");

	return strstr(why, "it rests: ") && (strstr(why, "it failed to start there") || strstr(why, "it was quiesced") ||
					     strstr(why, "Suspend_automatic_recovery is TRUE") ||
					     (w.stepped && strstr(why, "it was evacuated")) ||
					     (w.load_limit && (strstr(why, "load limit") || strstr(why, "displaced"))));
}

static bool is_there(const json_t *rg, uint32_t node)
{
	return !streq(group_state_on(rg, node), "OFFLINE");
}

/* On how many nodes may a resource run? */
unsigned shape_most(const char *rs)
{
	int g = 0;

	return sscanf(rs, "g%d", &g) == 1 && g >= 0 && g < GROUPS ? w.shape[g].primaries : 1;
}

/* On how many nodes should the group be at least, as the others are? */
unsigned shape_primaries(const json_t *groups, int g)
{
	const struct shape *s = &w.shape[g];
	const json_t *rg = json_array_get(groups, (size_t)g), *target = s->link_to < 0 ? NULL : json_array_get(groups, (size_t)s->link_to);
	bool follows = target && (s->link_kind == FOLLOWS || s->link_kind == DELEGATES), somewhere = !follows;

	for (uint32_t id = 1; target && id <= w.nodes; id++) {
		somewhere |= is_there(target, id);
		if (follows && is_there(rg, id) && !is_there(target, id))
			missing("g%d is on node%u, where g%d is not", g, id, s->link_to);
		if (s->link_kind == AVOIDS && is_there(rg, id) && is_there(target, id))
			missing("g%d is on node%u beside g%d", g, id, s->link_to);
	}
	return somewhere;
}

/* Nothing moves any more: may its application be up on that node? */
bool shape_lets_run(uint32_t id, int g)
{
	const struct shape *s = &w.shape[g];

	if (s->dep_on < 0 || s->dep_kind == WEAK)
		return true;
	for (uint32_t k = 1; k <= w.nodes; k++)
		if ((k == id || !is_local(s)) && serves(k, s->dep_on))
			return true;
	/* Only an offline-restart dependency follows it down. */
	return s->dep_kind != OFFLINE_RESTART && serves(id, g);
}
