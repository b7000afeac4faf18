#include "cmd/quorum_type.h"

#include <errno.h>

#include "base/json.h"

static const struct { const char *given, *type, *documented; } types[] = {
	{ "shared_disk",   "shared_disk",   "shared_disk" },
	{ "scsi",          "shared_disk",   "shared_disk" },            /* of scconf */
	{ "scsi3",         "scsi3",         "shared_disk" },
	{ "iscsi",         "iscsi",         "shared_disk" },
	{ "quorum_server", "quorum_server", "quorum_server" },
	{ "netapp_nas",    NULL,            "netapp_nas" },
};

int quorum_type_read(const char *given, const char **ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!streq(types[i].given, given))
			continue;
		if (!types[i].type)
			return err_set(err, -ENOTSUP, "quorum devices of type %s are not built yet", given);
		*ret = types[i].type;
		return 0;
	}
	return err_set(err, -EINVAL, "there is no type %s of quorum devices; there are shared_disk, scsi3, iscsi and quorum_server",
		       given);
}

const char *quorum_type_documented(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (streq(types[i].given, type))
			return types[i].documented;
	return type;
}

char *quorum_device_name(const char *given)
{
	const char *slash = strrchr(given, '/');

	return xstrdup(slash && slash[1] ? slash + 1 : given);
}

static bool is_did(const char *name)
{
	return name[0] == 'd' && name[1] && strspn(name + 1, "0123456789") == strlen(name + 1);
}

void quorum_device_props(const char *given, const char *type, json_t *props)
{
	_cleanup_free_ char *did = xasprintf("/dev/did/rdsk/%ss2", given);
	const char *host = ju_str(props, "qshost", NULL);

	if (host) {
		ju_set_str(props, "host", host);
		json_object_del(props, "qshost");
	}
	if ((!streq(type, "shared_disk") && !streq(type, "scsi3")) || json_object_get(props, "path"))
		return;
	if (*given == '/')
		ju_set_str(props, "path", given);
	else if (is_did(given))
		ju_set_str(props, "path", did);
}
