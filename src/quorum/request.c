#include "quorum/request.h"

#include <errno.h>

#include "base/json.h"

static int parse_name(const json_t *value, const char *what, const char **ret, struct err *err)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!text || len == 0 || len > QUORUM_NAME_MAX)
		return err_set(err, -EINVAL, "%s must be a text of 1 to %d bytes", what, QUORUM_NAME_MAX);
	*ret = text;
	return 0;
}

static int parse_keys(const json_t *keys, struct quorum_cluster *ret, struct err *err)
{
	const char *name;
	json_t *value;

	if (!json_is_object(keys) || json_object_size(keys) == 0)
		return err_set(err, -EINVAL, "keys must name the key of each node");
	json_object_foreach((json_t *)keys, name, value) {      /* the macro takes no const; it only reads */
		uint32_t id = quorum_node_id(name);

		if (!id)
			return err_set(err, -EINVAL, "keys: there is no node %.20s", name);
		if (!json_is_string(value) || quorum_hex(json_string_value(value), &ret->keys[id]) < 0)
			return err_set(err, -EINVAL, "keys: the key of node %u is no hexadecimal number", id);
		for (uint32_t other = nodeset_next(ret->nodes, 0); other; other = nodeset_next(ret->nodes, other))
			if (ret->keys[other] == ret->keys[id])
				return err_set(err, -EINVAL, "keys: nodes %u and %u have the same", other, id);
		ret->nodes |= node_bit(id);
	}
	return 0;
}

static int parse_cluster(const json_t *o, struct quorum_cluster *ret, struct err *err)
{
	const char *name, *id = json_string_value(json_object_get(o, "cluster_id"));
	int64_t self = ju_int(o, "self", 0);
	uint64_t number;
	int r = parse_name(json_object_get(o, "cluster"), "cluster", &name, err);

	if (r < 0)
		return r;
	memcpy(ret->name, name, strlen(name) + 1);
	if (!id || quorum_hex(id, &number) < 0 || number > UINT32_MAX)
		return err_set(err, -EINVAL, "cluster_id must be a hexadecimal number of 32 bits");
	ret->id = (uint32_t)number;
	r = parse_keys(json_object_get(o, "keys"), ret, err);
	if (r < 0)
		return r;
	if (self < 1 || self > CMM_NODE_ID_MAX || !nodeset_has(ret->nodes, (uint32_t)self))
		return err_set(err, -EINVAL, "self must be a node that has a key");
	ret->self = (uint32_t)self;
	return 0;
}

static int parse_device(const json_t *o, struct quorum_message *m, struct err *err)
{
	const char *name, *type;
	json_t *properties = json_object_get(o, "properties");
	int r = parse_name(json_object_get(o, "name"), "the name of a device", &name, err);

	if (r == 0)
		r = parse_name(json_object_get(o, "type"), "the type of a device", &type, err);
	if (r < 0)
		return r;
	if (properties && !json_is_object(properties))
		return err_set(err, -EINVAL, "device %s: properties must be an object", name);
	for (size_t i = 0; i < m->device_count; i++)
		if (streq(m->devices[i].name, name))
			return err_set(err, -EINVAL, "device %s is there twice", name);
	m->devices[m->device_count++] = (struct quorum_device_config) {
		xstrdup(name), xstrdup(type), properties ? json_incref(properties) : json_object(),
	};
	return 0;
}

static int parse_configure(const json_t *o, struct quorum_message *m, struct err *err)
{
	const json_t *devices = json_object_get(o, "devices");
	int r = parse_cluster(o, &m->cluster, err);

	if (r < 0)
		return r;
	if (!json_is_array(devices) || json_array_size(devices) > QUORUM_DEVICES_MAX)
		return err_set(err, -EINVAL, "devices must be an array of at most %d", QUORUM_DEVICES_MAX);
	m->devices = xcalloc(json_array_size(devices), sizeof *m->devices);
	for (size_t i = 0; r == 0 && i < json_array_size(devices); i++)
		r = parse_device(json_array_get(devices, i), m, err);
	return r;
}

static int parse_operation(const json_t *o, const char *op, struct quorum_message *m, struct err *err)
{
	const char *device;
	int r;

	while (m->request.op < QOP_COUNT && !streq(quorum_op_names[m->request.op], op))
		m->request.op++;
	if (m->request.op == QOP_COUNT)
		return err_set(err, -EINVAL, "there is no operation %.50s", op);
	r = parse_name(json_object_get(o, "device"), "device", &device, err);
	if (r < 0)
		return r;
	m->device = xstrdup(device);
	m->request.force = ju_bool(o, "force", false);
	return m->request.op == QOP_TAKE ? quorum_parse_keep(json_object_get(o, "keep"), &m->request.keep, err) : 0;
}

static int parse_object(const json_t *o, struct quorum_message *m, struct err *err)
{
	const char *op = json_string_value(json_object_get(o, "op"));
	int64_t id = ju_int(o, "id", -1);

	if (id < 0)
		return err_set(err, -EINVAL, "a request needs an id, a number from 0 on");
	m->id = id;
	if (!op)
		return err_set(err, -EINVAL, "a request needs an op");
	m->configure = streq(op, "configure");
	return m->configure ? parse_configure(o, m, err) : parse_operation(o, op, m, err);
}

int quorum_message_parse(const char *line, size_t len, struct quorum_message *ret, struct err *err)
{
	json_error_t error;
	json_t *o;
	int r;

	*ret = (struct quorum_message) { .id = -1 };
	o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(o))
		r = err_set(err, -EINVAL, "a request must be a JSON object: %s", o ? "it is none" : error.text);
	else
		r = parse_object(o, ret, err);
	json_decref(o);
	return r;
}

void quorum_message_done(struct quorum_message *m)
{
	for (size_t i = 0; i < m->device_count; i++) {
		free(m->devices[i].name);
		free(m->devices[i].type);
		json_decref(m->devices[i].properties);
	}
	free(m->devices);
	free(m->device);
	*m = (struct quorum_message) { .id = -1 };
}

char *quorum_answer_line(int64_t id, const struct quorum_answer *answer, double ms)
{
	_cleanup_free_ char *text = xstrdup(answer->err.text), *line = NULL;
	json_t *o = ju_pack("{sI,ss,sf}", "id", (json_int_t)id, "result", quorum_result_names[answer->result], "ms", ms);

	ju_trim(text);
	/* A text that came from outside may still be no UTF-8; the result matters more. */
	if (json_object_set_new(o, "text", json_string(text)) < 0)
		ju_set_str(o, "text", "(unreadable)");
	if (answer->has_keys)
		ju_set_new(o, "keys", nodeset_to_json(answer->keys));
	line = ju_dump(o);
	json_decref(o);
	return xasprintf("%s\n", line);
}
