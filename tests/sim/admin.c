/* Administrators: they ask for anything at any node, at any time. */
#include "scha_err.h"
#include "sim.h"

static void request(uint32_t id, json_t *r, json_t *remember)
{
	struct sim_node *n = &w.node[id];
	struct engine_update u;
	char key[24];

	(void)snprintf(key, sizeof key, "%" PRIu64, ++w.counter);
	if (!remember)
		remember = json_object();
	ju_set_int(remember, "node", id);
	ju_set_int(remember, "life", (int64_t)n->life);
	/* These wait up to a minute for a device. */
	if (strncmp(ju_str(r, "op", ""), "quorum_", 7) == 0 || strncmp(ju_str(r, "op", ""), "node_", 5) == 0)
		ju_set_bool(remember, "slow", true);
	ju_set_new(w.admin, key, remember);
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

static json_t *named(const char *op, const char *key, const char *value)
{
	return ju_pack("{ss,ss}", "op", op, key, value);
}

void admin_leave(uint32_t id)
{
	_cleanup_free_ char *self = xasprintf("node%u", id);

	if (w.node[id].up && !w.node[id].frozen)
		request(id, named("node_leave", "node", self), ju_pack("{ss}", "then", "leave"));
}

static void administer_disk(uint32_t id)
{
	static const char *const values[] = { "nofencing", "nofencing-noscrub", "global", "scsi3" };

	request(id, ju_pack("{ss,ss,s{ss}}", "op", "disk_set", "name", "d3", "props", "default_fencing",
			    values[rnd_upto(ARRAY_SIZE(values))]), NULL);
}

/* Votes, devices, properties; a node or all of them are shut down in order. */
static void administer_cluster(uint32_t id)
{
	_cleanup_free_ char *node = xasprintf("node%u", (unsigned)rnd_range(1, w.nodes));

	switch (rnd_upto(w.disk ? 13 : 11)) {
	case 11: case 12: administer_disk(id); break;
	case 0: request(id, named("quorum_disable", "name", "d1"), NULL); break;
	case 1: request(id, named("quorum_enable", "name", "d1"), NULL); break;
	case 2: request(id, named("quorum_remove", "name", "d1"), NULL); break;
	case 3: case 4: request(id, ju_pack("{ss,ss,ss}", "op", "quorum_add", "name", "d1", "type", "shared_disk"), NULL); break;
	case 5: request(id, named("node_maintain", "node", node), NULL); break;
	case 6: request(id, named("node_reset", "node", node), NULL); break;
	case 7: request(id, ju_pack("{ss}", "op", "quorum_reset"), NULL); break;
	case 8: admin_leave(id); break;
	default:
		if (chance(10))
			request(id, ju_pack("{ss}", "op", "cluster_shutdown"), NULL);
		else
			request(id, ju_pack("{ss,s{ss}}", "op", "cluster_set", "props", "takeover_time", chance(50) ? "700" : "1400"), NULL);
		break;
	}
}

static bool has_group(uint32_t id, const char *rg)
{
	_cleanup_free_ char *table = xasprintf("rgm_rg_%s", rg);

	return ccr_table(engine_ccr(w.node[id].engine), table) != NULL;
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

/* A resource comes and goes. */
static void administer_extra(uint32_t id, const char *rg, const char *extra)
{
	switch (rnd_upto(3)) {
	case 0:
		request(id, ju_pack("{ss,ss,ss,ss,sb}", "op", "resource_add", "rg", rg, "rs", extra, "type", "SIM.app", "enabled",
				    (int)chance(70)), NULL);
		break;
	case 1:
		request(id, ju_pack("{ss,s[s]}", "op", "resource_disable", "names", extra), NULL);
		break;
	default:
		request(id, ju_pack("{ss,ss}", "op", "resource_remove", "rs", extra), NULL);
	}
}

void admin(bool again)
{
	static const char *const policies[] = { "group_suspend", "group_resume", "group_resume", "group_quiesce", "group_remaster" };
	uint32_t id = random_up_node();
	int g = (int)rnd_upto(GROUPS);
	char rg[16], node[16], other[16], rs[16];
	json_t *body;

	if (w.calm)
		return;
	if (again)
		schedule(w.now + (chance(50) ? rnd_range(1, 60) : rnd_range(100, 1500)), EV_ADMIN, 0, 0, NULL);
	if (!id)
		return;
	(void)snprintf(rg, sizeof rg, "g%d", g);
	(void)snprintf(rs, sizeof rs, "g%d-app", g);
	(void)snprintf(node, sizeof node, "node%u", (unsigned)rnd_range(1, w.nodes));
	say_net(id);
	if (!w.node[id].up)
		return;
	if (chance(12) && !w.rot) {
		administer_cluster(id);
		return;
	}
	switch (rnd_upto(14)) {
	case 13:
		body = named(policies[rnd_upto(ARRAY_SIZE(policies))], "rg", rg);
		if (chance(30))
			ju_set_bool(body, "kill", true);        /* which two of them know */
		request(id, body, NULL);
		break;
	case 11: case 12:
		(void)snprintf(rs, sizeof rs, "g%d-x", g);
		administer_extra(id, rg, rs);
		break;
	case 0: case 1:
		request(id, ju_pack("{ss,ss,s[s]}", "op", "group_switch", "rg", rg, "nodes", node), NULL);
		break;
	case 2:
		request(id, ju_pack("{ss,ss}", "op", "group_offline", "rg", rg), NULL);
		break;
	case 3: case 4:
		w.asked[g] = w.counter + 1;     /* it enables the resources, too */
		request(id, ju_pack("{ss,ss}", "op", "group_bring", "rg", rg), NULL);
		break;
	case 5: {
		bool enable = chance(50), monitor = chance(50);

		if (!monitor)
			w.asked[g] = w.counter + 1;
		body = ju_pack("{ss,s[s],sb}", "op", enable ? "resource_enable" : "resource_disable", "names", rs, "monitor", monitor);
		if (chance(40))
			ju_set_new(body, "nodes", ju_pack("[s]", node));
		request(id, body, !enable && !monitor ? ju_pack("{si,sb}", "group", g, "disables", true) : NULL);
		break;
	}
	case 6:
		request(id, ju_pack("{ss,ss,ss,ss}", "op", "control", "tag", chance(50) ? "RESOURCE_RESTART" : "GIVEOVER", "rg", rg,
				    "rs", rs), NULL);
		break;
	case 7:
		(void)snprintf(other, sizeof other, "node%u", (unsigned)rnd_range(1, w.nodes));
		request(id, chance(50) ? ju_pack("{ss,ss,sI}", "op", "evacuate", "node", node, "seconds", (json_int_t)rnd_range(1, 5)) :
			ju_pack("{ss,ss,s[s,s]}", "op", "group_switch", "rg", rg, "nodes", node, other), NULL);
		break;
	default: {
		_cleanup_free_ char *value = xasprintf("%" PRIu64, w.counter + 1);

		w.asked[g] = w.counter + 1;
		request(id, chance(40) && has_group(id, rg) ? whole_table(id, rg, value) :
			ju_pack("{ss,ss,s{ss}}", "op", "group_change", "rg", rg, "props", "RG_description", value),
			ju_pack("{si,sI}", "group", g, "value", (json_int_t)(w.counter + 1)));
	}
	}
}

void acknowledge(uint32_t id, const json_t *answer)
{
	char key[24];
	const json_t *a;

	(void)snprintf(key, sizeof key, "%" PRIi64, ju_int(answer, "client", 0));
	a = json_object_get(w.admin, key);
	if (a && ju_int(answer, "code", 1) == 0 && json_object_get(a, "value")) {
		int64_t g = ju_int(a, "group", 0);

		ju_push(w.told, ju_pack("[I,I]", (json_int_t)g, (json_int_t)ju_int(a, "value", 0)));
		check_acknowledged(id, g, ju_int(a, "value", 0));
		w.acks++;
	}
	if (a && ju_int(answer, "code", 1) == 0 && ju_bool(a, "disables", false))
		check_disabled(id, ju_int(a, "group", 0), (uint64_t)ju_int(answer, "client", 0));
	if (a && ju_int(answer, "code", 1) == 0 && streq(ju_str(a, "then", ""), "leave"))
		schedule(w.now, EV_LEAVE, id, 0, NULL);
	if (a && ju_int(answer, "code", 1) == SCHA_ERR_SEQID && json_object_get(a, "value"))
		ju_push(w.denied, ju_pack("[I,I]", (json_int_t)ju_int(a, "group", 0), (json_int_t)ju_int(a, "value", 0)));
	if (a && w.verbose)
		trace("answer to %s: %" PRIi64 " %s", key, ju_int(answer, "code", 1), ju_str(answer, "text", ""));
	json_object_del(w.admin, key);
}
