/* What the groups of this seed have to do with each other, and what must hold because of it.
 *
 * In half of the seeds nothing; else each application may depend on that of an earlier group.  The checks look at the truth
 * of the machines, not at what the engines believe. */
#include "sim.h"

static const char *const dep_lists[] = {
	"Resource_dependencies", "Resource_dependencies_weak", "Resource_dependencies_restart", "Resource_dependencies_offline_restart",
};
enum { STRONG, WEAK, RESTART, OFFLINE_RESTART };

void choose_shape(void)
{
	bool plain = chance(50);

	for (int g = 0; g < GROUPS; g++)
		w.shape[g] = (struct shape) { .dep_on = -1 };
	for (int g = 1; g < GROUPS && !plain; g++)
		if (chance(60)) {
			w.shape[g].dep_on = (int)rnd_upto((uint64_t)g);
			w.shape[g].dep_kind = rnd_upto(ARRAY_SIZE(dep_lists));
			w.shape[g].dep_local = chance(20);
		}
}

void put_shape(json_t *table, int g)
{
	const struct shape *s = &w.shape[g];
	_cleanup_free_ char *key = NULL, *value = NULL;

	if (s->dep_on < 0)
		return;
	key = xasprintf("rs.g%d-app.prop.%s", g, dep_lists[s->dep_kind]);
	value = xasprintf("g%d-app%s", s->dep_on, s->dep_local ? "{LOCAL_NODE}" : "");
	ju_set_str(table, key, value);
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

void check_dep_start(uint32_t id, const char *rs)
{
	int g = app_of(rs);
	const struct shape *s = g >= 0 ? &w.shape[g] : NULL;

	if (!s || s->dep_on < 0 || s->dep_kind == WEAK)
		return;
	for (uint32_t k = 1; k <= w.nodes; k++)
		if ((k == id || !s->dep_local) && served_at(k, s->dep_on) + patience() >= w.now && served_at(k, s->dep_on))
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

			if (w.shape[g].dep_on == on && w.shape[g].dep_kind == OFFLINE_RESTART && (k == id || !w.shape[g].dep_local) &&
			    can_act(k) && ju_bool(w.node[k].truth, app, false))
				fail("node%u stops %s under %s on node%u", id, rs, app, k);
		}
}

/* Nothing moves any more: may its application be up on that node? */
bool shape_lets_run(uint32_t id, int g)
{
	const struct shape *s = &w.shape[g];

	if (s->dep_on < 0 || s->dep_kind == WEAK)
		return true;
	for (uint32_t k = 1; k <= w.nodes; k++)
		if ((k == id || !s->dep_local) && serves(k, s->dep_on))
			return true;
	/* Only an offline-restart dependency follows it down. */
	return s->dep_kind != OFFLINE_RESTART && serves(id, g);
}
