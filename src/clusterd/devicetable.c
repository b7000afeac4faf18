#include "clusterd/devicetable.h"

#include "base/buf.h"
#include "base/json.h"

#define NAME_MAX_BYTES 59

const char *devicetable_name(const json_t *table, uint32_t id)
{
	return ju_strf(table, "", "cluster.quorum_devices.%u.name", id);
}

uint32_t devicetable_find(const json_t *table, const char *name)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (streq(devicetable_name(table, id), name) && *name)
			return id;
	return 0;
}

uint32_t devicetable_free_id(const json_t *table)
{
	uint32_t id = 1;

	while (id <= CMM_DEVICE_ID_MAX && *devicetable_name(table, id))
		id++;
	return id;
}

bool devicetable_is_disk(const json_t *table, uint32_t id)
{
	return streq(ju_strf(table, "", "cluster.quorum_devices.%u.properties.role", id), "data");
}

bool devicetable_is_enabled(const json_t *table, uint32_t id)
{
	return !streq(ju_strf(table, "", "cluster.quorum_devices.%u.state", id), "disabled");
}

void devicetable_drop(json_t *table, uint32_t id)
{
	_cleanup_free_ char *prefix = xasprintf("cluster.quorum_devices.%u.", id);
	const char *key;
	json_t *v;
	void *tmp;

	json_object_foreach_safe(table, tmp, key, v)
		if (strncmp(key, prefix, strlen(prefix)) == 0)
			json_object_del(table, key);
}

/* ---- names, values, properties ---- */

static bool is_one_of(const char *const *words, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (streq(words[i], text))
			return true;
	return false;
}

bool devicetable_name_fits(const char *name)
{
	return *name && strlen(name) <= NAME_MAX_BYTES &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(name);
}

bool devicetable_fencing_fits(const char *value)
{
	static const char *const values[] = { "global", "prefer3", "scsi3", "pathcount", "nofencing", "nofencing-noscrub" };

	return is_one_of(values, ARRAY_SIZE(values), value);
}

bool devicetable_is_for_quorumd(const char *property)
{
	static const char *const ours[] = { "votecount", "type", "added_by", "gdevname", "access_mode", "role", "default_fencing" };

	return !is_one_of(ours, ARRAY_SIZE(ours), property) && strncmp(property, "path_", 5) != 0;
}

/* ---- places ---- */

static const char *const place_properties[] = { "path", "portal", "target", "lun", "host", "port" };

static const char *place_default(const char *property)
{
	return streq(property, "lun") ? "0" : "";
}

bool devicetable_has_place(const char *type, const json_t *props)
{
	if (streq(type, "iscsi"))
		return *ju_str(props, "portal", "") && *ju_str(props, "target", "");
	return *ju_str(props, streq(type, "quorum_server") ? "host" : "path", "");
}

static bool is_at(const json_t *table, uint32_t id, const json_t *props)
{
	for (size_t i = 0; i < ARRAY_SIZE(place_properties); i++) {
		const char *property = place_properties[i], *dflt = place_default(property);

		if (!streq(ju_strf(table, dflt, "cluster.quorum_devices.%u.properties.%s", id, property), ju_str(props, property, dflt)))
			return false;
	}
	return true;
}

uint32_t devicetable_at_place(const json_t *table, const json_t *props)
{
	for (uint32_t id = 1; id <= CMM_DEVICE_ID_MAX; id++)
		if (*devicetable_name(table, id) && is_at(table, id, props))
			return id;
	return 0;
}
