#include "quorum/device.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/json.h"

const char *const quorum_op_names[QOP_COUNT] = {
	[QOP_REGISTER] = "register", [QOP_TAKE] = "take", [QOP_CHECK] = "check",
	[QOP_UNREGISTER] = "unregister", [QOP_PREPARE] = "prepare", [QOP_SCRUB] = "scrub",
};
const char *const quorum_result_names[QUORUM_RESULT_COUNT] = {
	[QUORUM_OK] = "ok", [QUORUM_PREEMPTED] = "preempted", [QUORUM_ERROR] = "error",
};

/* A further kind is a further row. */
static const struct quorum_device_ops *const kinds[] = { &shared_disk_ops, &quorum_server_ops, &scsi3_ops, &iscsi_ops };

int quorum_device_find(const char *type, const struct quorum_device_ops **ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (streq(kinds[i]->type, type)) {
			*ret = kinds[i];
			return 0;
		}
	return err_set(err, -ENOSYS, "device type %s is not built yet", type);
}

int quorum_property_text(const json_t *properties, const char *name, bool required, const char **ret, struct err *err)
{
	const json_t *value = json_object_get(properties, name);

	if (!value && !required)
		return 0;
	if (!value)
		return err_set(err, -EINVAL, "property %s is missing", name);
	if (!json_is_string(value) || json_string_length(value) == 0)
		return err_set(err, -EINVAL, "property %s must be a text", name);
	*ret = json_string_value(value);
	return 0;
}

int quorum_property_number(const json_t *properties, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
			   struct err *err)
{
	const json_t *value = json_object_get(properties, name);
	const char *text = json_is_string(value) ? json_string_value(value) : NULL;
	uint64_t number = 0;
	char *end = NULL;

	if (!value)
		return 0;
	errno = 0;
	if (text && *text >= '0' && *text <= '9')
		number = strtoull(text, &end, 10);
	else if (json_is_integer(value) && json_integer_value(value) >= 0)
		number = (uint64_t)json_integer_value(value);
	else
		return err_set(err, -EINVAL, "property %s must be a number", name);
	if ((end && *end) || errno || number < min || number > max)
		return err_set(err, -EINVAL, "property %s must be a number from %llu to %llu", name, (unsigned long long)min,
			       (unsigned long long)max);
	*ret = number;
	return 0;
}

int quorum_properties_known(const json_t *properties, const char *const *names, struct err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)properties, key, value) {         /* the macro takes no const; it only reads */
		size_t i = 0;

		while (names[i] && !streq(names[i], key))
			i++;
		if (!names[i])
			return err_set(err, -EINVAL, "there is no property %s", key);
	}
	return 0;
}

int quorum_hex(const char *text, uint64_t *ret)
{
	size_t len = strlen(text);
	uint64_t value;

	if (len < 3 || len > 18 || text[0] != '0' || (text[1] | 0x20) != 'x' || strspn(text + 2, "0123456789abcdefABCDEF") != len - 2)
		return -EINVAL;
	value = strtoull(text + 2, NULL, 16);
	if (value == 0)
		return -EINVAL;
	*ret = value;
	return 0;
}

double quorum_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

void quorum_pause(unsigned ms)
{
	(void)poll(NULL, 0, (int)ms);   /* a signal may end it early: no harm */
}

uint32_t quorum_node_id(const char *text)
{
	uint32_t id = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || id > CMM_NODE_ID_MAX)
			return 0;
		id = id * 10 + (uint32_t)(*p - '0');
	}
	return *text != '0' && id <= CMM_NODE_ID_MAX ? id : 0;
}

int quorum_parse_keep(const json_t *keep, nodeset *ret, struct err *err)
{
	if (!json_is_array(keep) || json_array_size(keep) == 0)
		return err_set(err, -EINVAL, "take needs \"keep\", the nodes whose keys stay");
	for (size_t i = 0; i < json_array_size(keep); i++) {
		const json_t *value = json_array_get(keep, i);
		json_int_t id = json_integer_value(value);

		if (!json_is_integer(value) || id < 1 || id > CMM_NODE_ID_MAX)
			return err_set(err, -EINVAL, "keep: node ids are numbers from 1 to %d", CMM_NODE_ID_MAX);
		*ret |= node_bit((uint32_t)id);
	}
	return 0;
}
