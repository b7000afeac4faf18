#include "quorum/qs_state.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"

static void forget(struct qs_state *s, nodeset nodes)
{
	s->nodes &= ~nodes;
	for (uint32_t id = nodeset_next(nodes, 0); id; id = nodeset_next(nodes, id))
		s->keys[id] = 0;
	if (nodeset_has(nodes, s->holder))
		s->holder = 0;
}

static enum quorum_result do_register(struct qs_state *s, const struct qs_request *r, struct err *err)
{
	s->nodes |= node_bit(r->node);
	s->keys[r->node] = r->key;
	return QUORUM_OK;
}

static enum quorum_result do_take(struct qs_state *s, const struct qs_request *r, struct err *err)
{
	if (s->keys[r->node] != r->key) {
		(void)err_set(err, -EACCES, "the key of node %u is not registered", r->node);
		return QUORUM_PREEMPTED;
	}
	forget(s, ~r->keep);
	s->holder = r->node;
	return QUORUM_OK;
}

static enum quorum_result do_check(struct qs_state *s, const struct qs_request *r, struct err *err)
{
	return QUORUM_OK;
}

static enum quorum_result do_unregister(struct qs_state *s, const struct qs_request *r, struct err *err)
{
	forget(s, node_bit(r->node));
	return QUORUM_OK;
}

static enum quorum_result do_scrub(struct qs_state *s, const struct qs_request *r, struct err *err)
{
	forget(s, ~(nodeset)0);
	return QUORUM_OK;
}

enum quorum_result qs_apply(struct qs_state *state, const struct qs_request *request, bool *ret_changed, struct err *err)
{
	static enum quorum_result (*const actions[QOP_COUNT])(struct qs_state *, const struct qs_request *, struct err *) = {
		[QOP_REGISTER] = do_register, [QOP_TAKE] = do_take, [QOP_CHECK] = do_check,
		[QOP_UNREGISTER] = do_unregister, [QOP_PREPARE] = do_check, [QOP_SCRUB] = do_scrub,
	};
	struct qs_state before = *state;
	enum quorum_result result;

	assert(request->op < QOP_COUNT && request->node >= 1 && request->node <= CMM_NODE_ID_MAX);
	result = request->hello ? QUORUM_OK : actions[request->op](state, request, err);
	*ret_changed = before.nodes != state->nodes || before.holder != state->holder ||
		       memcmp(before.keys, state->keys, sizeof before.keys) != 0;
	return result;
}

json_t *qs_state_to_json(const struct qs_state *s)
{
	json_t *keys = json_object(), *o;
	char id[16], key[24];

	for (uint32_t node = nodeset_next(s->nodes, 0); node; node = nodeset_next(s->nodes, node)) {
		(void)snprintf(id, sizeof id, "%u", node);
		(void)snprintf(key, sizeof key, "0x%016llX", (unsigned long long)s->keys[node]);
		ju_set_str(keys, id, key);
	}
	(void)snprintf(id, sizeof id, "0x%08X", s->id);
	o = ju_pack("{ss,ss,sI,so}", "cluster", s->cluster, "cluster_id", id, "holder", (json_int_t)s->holder, "keys", keys);
	return o;
}

static int keys_from_json(const json_t *keys, struct qs_state *s, struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)keys, name, value) {      /* the macro takes no const; it only reads */
		uint32_t node = quorum_node_id(name);

		if (!node || !json_is_string(value) || quorum_hex(json_string_value(value), &s->keys[node]) < 0)
			return err_set(err, -EINVAL, "the key of node %.20s is none", name);
		s->nodes |= node_bit(node);
	}
	return 0;
}

int qs_state_from_json(const json_t *o, struct qs_state *ret, struct err *err)
{
	const char *cluster = ju_str(o, "cluster", ""), *id = ju_str(o, "cluster_id", "");
	int64_t holder = ju_int(o, "holder", -1);
	struct qs_state s = { 0 };
	uint64_t number;
	int r;

	if (!*cluster || strlen(cluster) > QUORUM_NAME_MAX || quorum_hex(id, &number) < 0 || number > UINT32_MAX)
		return err_set(err, -EINVAL, "no cluster is named, or no id");
	memcpy(s.cluster, cluster, strlen(cluster) + 1);
	s.id = (uint32_t)number;
	if (!ju_obj(o, "keys"))
		return err_set(err, -EINVAL, "there are no keys");
	r = keys_from_json(ju_obj(o, "keys"), &s, err);
	if (r < 0)
		return r;
	if (holder < 0 || (holder && !nodeset_has(s.nodes, (uint32_t)MIN(holder, (int64_t)UINT32_MAX))))
		return err_set(err, -EINVAL, "the holder has no key");
	s.holder = (uint32_t)holder;
	*ret = s;
	return 0;
}
