#include "quorum/qs_message.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"

static int load(const char *line, size_t len, json_t **ret, struct err *err)
{
	json_error_t error;
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);

	if (json_is_object(o)) {
		*ret = o;
		return 0;
	}
	json_decref(o);
	return err_set(err, -EINVAL, "a message must be a JSON object");
}

int qs_hello_parse(const char *line, size_t len, struct qs_hello *ret, struct err *err)
{
	json_auto_t *o = NULL;
	const char *cluster;
	uint64_t id, key;
	int64_t node;
	int r = load(line, len, &o, err);

	if (r < 0)
		return r;
	if (!streq(ju_str(o, "op", ""), "hello"))
		return err_set(err, -EINVAL, "the first message must be a hello");
	if (ju_int(o, "version", 0) != QS_VERSION)
		return err_set(err, -EINVAL, "version %d is spoken here", QS_VERSION);
	cluster = ju_str(o, "cluster", "");
	if (!*cluster || strlen(cluster) > QUORUM_NAME_MAX)
		return err_set(err, -EINVAL, "cluster must be a text of 1 to %d bytes", QUORUM_NAME_MAX);
	if (quorum_hex(ju_str(o, "cluster_id", ""), &id) < 0 || id > UINT32_MAX)
		return err_set(err, -EINVAL, "cluster_id must be a hexadecimal number of 32 bits");
	if (quorum_hex(ju_str(o, "key", ""), &key) < 0)
		return err_set(err, -EINVAL, "key must be a hexadecimal number");
	node = ju_int(o, "node", 0);
	if (node < 1 || node > CMM_NODE_ID_MAX)
		return err_set(err, -EINVAL, "node must be a number from 1 to %d", CMM_NODE_ID_MAX);
	*ret = (struct qs_hello) { .id = (uint32_t)id, .node = (uint32_t)node, .key = key };
	memcpy(ret->cluster, cluster, strlen(cluster) + 1);
	return 0;
}

int qs_request_parse(const char *line, size_t len, const struct qs_hello *hello, struct qs_request *ret, struct err *err)
{
	struct qs_request request = { .node = hello->node, .key = hello->key };
	json_auto_t *o = NULL;
	const char *op;
	int r = load(line, len, &o, err);

	if (r < 0)
		return r;
	op = ju_str(o, "op", "");
	while (request.op < QOP_COUNT && !streq(quorum_op_names[request.op], op))
		request.op++;
	if (request.op == QOP_COUNT)
		return err_set(err, -EINVAL, "there is no operation %.50s", op);
	if (request.op == QOP_TAKE) {
		r = quorum_parse_keep(json_object_get(o, "keep"), &request.keep, err);
		if (r < 0)
			return r;
		if (!nodeset_has(request.keep, request.node))
			return err_set(err, -EINVAL, "keep must hold the own node, %u", request.node);
	}
	*ret = request;
	return 0;
}

/* Takes o. */
static char *to_line(json_t *o)
{
	_cleanup_free_ char *text = ju_dump(o);

	json_decref(o);
	return xasprintf("%s\n", text);
}

char *qs_hello_line(const struct quorum_cluster *c)
{
	char id[16], key[24];

	(void)snprintf(id, sizeof id, "0x%08X", c->id);
	(void)snprintf(key, sizeof key, "0x%016llX", (unsigned long long)c->keys[c->self]);
	return to_line(ju_pack("{ss,si,ss,ss,si,ss}", "op", "hello", "version", QS_VERSION, "cluster", c->name, "cluster_id", id,
			       "node", (int)c->self, "key", key));
}

char *qs_request_line(const struct quorum_request *request)
{
	json_t *o = ju_pack("{ss}", "op", quorum_op_names[request->op]);

	if (request->op == QOP_TAKE)
		ju_set_new(o, "keep", nodeset_to_json(request->keep));
	return to_line(o);
}

char *qs_answer_line(enum quorum_result result, const struct qs_state *state, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	json_t *o = ju_pack("{ss}", "result", quorum_result_names[result]);

	ju_trim(copy);
	if (json_object_set_new(o, "text", json_string(copy)) < 0)
		ju_set_str(o, "text", "(unreadable)");          /* it quotes what was no UTF-8 */
	if (state)
		ju_set_new(o, "keys", nodeset_to_json(state->nodes));
	return to_line(o);
}

int qs_answer_parse(const char *line, size_t len, struct quorum_answer *ret, struct err *err)
{
	struct quorum_answer answer = { 0 };
	json_auto_t *o = NULL;
	const char *result;
	int r = load(line, len, &o, err);

	if (r < 0)
		return r;
	result = ju_str(o, "result", "");
	while (answer.result < QUORUM_RESULT_COUNT && !streq(quorum_result_names[answer.result], result))
		answer.result++;
	if (answer.result == QUORUM_RESULT_COUNT)
		return err_set(err, -EINVAL, "the answer has no result");
	(void)snprintf(answer.err.text, sizeof answer.err.text, "%s", ju_str(o, "text", ""));
	answer.has_keys = ju_arr(o, "keys") != NULL;
	if (answer.has_keys)
		answer.keys = nodeset_from_json(ju_arr(o, "keys"));
	*ret = answer;
	return 0;
}
