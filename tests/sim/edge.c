/* What a node reaches: the quorum devices, fence agents; and the configuration that it begins with. */
#include <stdarg.h>

#include "sim.h"

/* ---- quorum devices ---- */

static json_t *device_result(const char *result, const char *text, nodeset keys)
{
	return ju_pack("{ss,ss,so}", "result", result, "text", text, "keys", nodeset_to_json(keys));
}

/* At one moment, wholly or not at all. */
static json_t *device_act(uint32_t id, const json_t *request)
{
	struct sim_device *d = &w.device[ju_int(request, "device", 0)];
	const char *op = ju_str(request, "op", "");
	bool lie = d->lie_once;

	d->lie_once = false;
	if (nodeset_has(d->lost_to, id))
		return device_result("error", "No such device", 0);
	if (lie)
		return device_result("error", "block 7 is damaged", 0);
	if (chance(d->errors))
		return device_result("error", "Input/output error", 0);
	if (streq(op, "scrub")) {
		d->keys = 0;
	} else if (streq(op, "prepare")) {
		d->keys = d == &w.device[DISK] ? d->keys : 0;   /* own keys that are there stay; a quorum device is a new one */
	} else if (streq(op, "register")) {
		d->keys |= node_bit(id);
	} else if (streq(op, "take")) {
		if (!nodeset_has(d->keys, id))
			return device_result("preempted", "", d->keys);
		d->keys &= nodeset_from_json(ju_arr(request, "keep"));
		w.takes++;
	}
	return device_result("ok", "", d->keys);
}

static void begin_device_op(uint32_t id, uint32_t q)
{
	uint64_t takes = !chance(w.device[q].slow) ? rnd_range(1, 8) : chance(10) ? rnd_range(900, 5000) : rnd_range(50, 900);

	schedule(w.now + takes, EV_DEVICE, id, q, json_deep_copy(json_array_get(w.node[id].device_ops[q], 0)));
}

/* Of the membership; what is done for a command has an id, and waits for its turn as in quorumd. */
static bool has_op_of_cmm(const json_t *ops)
{
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)ops, i, v)
		if (!ju_str(v, "id", NULL))
			return true;
	return false;
}

void start_device_op(uint32_t id, const json_t *request)
{
	struct sim_node *n = &w.node[id];
	uint32_t q = (uint32_t)ju_int(request, "device", 0);

	if (!n->device_ops[q])
		n->device_ops[q] = json_array();
	if (!ju_str(request, "id", NULL) && has_op_of_cmm(n->device_ops[q])) {
		fail("node%u wants two operations on device %u at once", id, q);
		return;
	}
	ju_push(n->device_ops[q], json_deep_copy(request));
	if (json_array_size(n->device_ops[q]) == 1)
		begin_device_op(id, q);
}

/* life: of the node that asked.  What was on its way when it died may still happen, but nobody hears of it. */
void device_op_ended(uint32_t id, uint64_t life, uint32_t q, json_t *request /* taken */)
{
	struct sim_node *n = &w.node[id];
	struct engine_update u;

	if (n->life != life) {
		if (chance(50)) {
			json_decref(device_act(id, request));
			w.device[q].late |= node_bit(id);
		}
		json_decref(request);
		return;
	}
	if (!ju_obj(request, "result"))
		ju_set_new(request, "result", device_act(id, request));
	if (n->frozen || n->hung) {
		schedule(w.now + 5, EV_DEVICE, id, q, request);
		return;
	}
	json_array_remove(n->device_ops[q], 0);
	if (json_array_size(n->device_ops[q]))
		begin_device_op(id, q);
	trace("node%u: %s of device %u: %s", id, ju_str(request, "op", ""), q, ju_str(ju_obj(request, "result"), "result", ""));
	engine_device(n->engine, clock_of(n), request, ju_obj(request, "result"), &u);
	json_decref(request);
	take(id, &u);
}

/* ---- fence agents: they say that a node is off only when they have seen it; some say it late ---- */

void start_fence(uint32_t id, const json_t *request)
{
	schedule(w.now + (chance(20) ? rnd_range(500, 3000) : rnd_range(20, 200)), EV_FENCED, id, 0, json_deep_copy(request));
}

static void end_fence(uint32_t id, const json_t *request)
{
	struct sim_node *n = &w.node[id];
	bool off = ju_bool(request, "off", false);
	struct engine_update u;

	engine_fenced(n->engine, clock_of(n), request, "fence_sim", off ? NULL : "the agent timed out", &u);
	take(id, &u);
}

void fence_ended(uint32_t id, json_t *request)
{
	struct sim_node *n = &w.node[id];
	uint32_t target = (uint32_t)ju_int(request, "node", 0);
	bool works = w.calm || !chance(25);

	if (json_object_get(request, "off")) {
		end_fence(id, request);
		return;
	}
	/* The agent is ended when its order is void: the node is back, or dead in another way. */
	if (!cmm_fence_wanted(engine_cmm(n->engine), target, (uint64_t)ju_int(request, "inc", 0)))
		works = false;
	trace("node%u fences node%u: %s", id, target, works ? "off" : "no answer");
	if (works) {
		crash(target, "fenced");
		w.fenced++;
	}
	ju_set_bool(request, "off", works);
	if (chance(35))
		schedule(w.now + rnd_range(200, 6000), EV_FENCED, id, 0, json_deep_copy(request));
	else
		end_fence(id, request);
}

/* ---- what is on the disks at first ---- */
static const char type_rtr[] =
	"RESOURCE_TYPE = app; VENDOR_ID = SIM; RT_BASEDIR = /opt/sim; FAILOVER = TRUE; API_VERSION = 2;\n"
	"START = start; STOP = stop; MONITOR_START = mon_start; MONITOR_STOP = mon_stop;\n";
static const char many_rtr_head[] =
	"RESOURCE_TYPE = many; VENDOR_ID = SIM; RT_BASEDIR = /opt/sim; API_VERSION = 2;\n"
	"START = start; STOP = stop; MONITOR_START = mon_start; MONITOR_STOP = mon_stop;\n";
static const char boot_rtr[] = "INIT = init; FINI = fini; BOOT = boot;\n";
static const char mode_rtr[] = "{ PROPERTY = Failover_mode; DEFAULT = SOFT; TUNABLE = ANYTIME; }\n";
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

static void put(json_t *table, uint64_t value, const char *fmt, ...) _printf_(3, 4);
static void put(json_t *table, uint64_t value, const char *fmt, ...)
{
	_cleanup_free_ char *text = xasprintf("%" PRIu64, value);
	char key[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(key, sizeof key, fmt, ap);
	va_end(ap);
	ju_set_str(table, key, text);
}

/* One device that all nodes share, or two that some pairs share. */
static void put_device(json_t *infra, uint32_t q)
{
	nodeset ports = w.devices == 2 && q != DISK ? (q == 1 ? 3 : 6) : ((nodeset)1 << w.nodes) - 1;
	_cleanup_free_ char *name_key = xasprintf("cluster.quorum_devices.%u.name", q), *name = xasprintf("d%u", q);

	ju_set_str(infra, name_key, name);
	if (q == DISK)
		ju_set_strf(infra, "data", "cluster.quorum_devices.%u.properties.role", q);
	put(infra, q == DISK ? 0 : (uint64_t)__builtin_popcountll(ports) - 1, "cluster.quorum_devices.%u.properties.votecount", q);
	for (uint32_t id = nodeset_next(ports, 0); id; id = nodeset_next(ports, id)) {
		_cleanup_free_ char *port = xasprintf("cluster.quorum_devices.%u.properties.path_%u", q, id);

		ju_set_str(infra, port, "enabled");
	}
	w.device[q].keys = ports;
}

void initial_disk(json_t *disk)
{
	json_t *infra = ju_pack("{ss,ss}", "cluster.name", "sim", "cluster.properties.fencing_policy",
				w.fence_required ? "required" : "lease");

	put(infra, w.takeover_ms, "cluster.properties.takeover_time");
	for (uint32_t id = 1; id <= w.nodes; id++) {
		_cleanup_free_ char *key = xasprintf("cluster.nodes.%u.name", id), *name = xasprintf("node%u", id);

		ju_set_str(infra, key, name);
		if (w.load_limit)
			put(infra, w.load_limit, "cluster.nodes.%u.loadlimits.mem.hard", id);
		if (w.fencing) {
			_cleanup_free_ char *agent = xasprintf("cluster.nodes.%u.fence.1.agent", id);

			ju_set_str(infra, agent, "fence_sim");
		}
	}
	for (uint32_t q = 1; q <= w.devices; q++)
		put_device(infra, q);
	if (w.disk)
		put_device(infra, DISK);
	put_table(disk, "infrastructure", infra);
	ju_set_int(disk, "keys", (int64_t)((1u << (w.devices + 1)) - 2 + (w.disk ? 1u << DISK : 0)));
	_cleanup_free_ char *app_rtr = xasprintf("%s%s%s", type_rtr, w.boots ? boot_rtr : "", mode_rtr);
	put_table(disk, "rgm_rt_SIM.app", ju_pack("{ss}", "rtr", app_rtr));
	_cleanup_free_ char *many_rtr = xasprintf("%s%s%s", many_rtr_head, w.boots ? boot_rtr : "", mode_rtr);
	put_table(disk, "rgm_rt_SIM.many", ju_pack("{ss}", "rtr", many_rtr));
	put_table(disk, "rgm_rt_SUNW.LogicalHostname", ju_pack("{ss}", "rtr", address_rtr));
	for (int g = 0; g < GROUPS; g++) {
		json_t *rg = ju_pack("{ss,ss}", "rg.managed", "TRUE", "rg.prop.Failback", g == 0 ? "TRUE" : "FALSE");
		_cleanup_free_ char *name = xasprintf("rgm_rg_g%d", g);

		for (int r = w.shape[g].primaries > 1; r < 2; r++) {
			_cleanup_free_ char *t = xasprintf("rs.g%d-%s.type", g, r ? "app" : "ip");
			_cleanup_free_ char *e = xasprintf("rs.g%d-%s.enabled", g, r ? "app" : "ip");
			_cleanup_free_ char *m = xasprintf("rs.g%d-%s.monitored", g, r ? "app" : "ip");

			ju_set_str(rg, t, w.shape[g].primaries > 1 ? "SIM.many" : r ? "SIM.app" : "SUNW.LogicalHostname");
			ju_set_str(rg, e, "TRUE");
			ju_set_str(rg, m, "TRUE");
		}
		put_shape(rg, g);
		put_table(disk, name, rg);
	}
}
