/* The storage that a resource depends on. */
#include "base/json.h"
#include "dsdl/handle.h"

#define STORAGE_TYPE "SUNW.HAStoragePlus"

static const char *const dependencies[] = {
	"Resource_dependencies", "Resource_dependencies_weak", "Resource_dependencies_restart",
	"Resource_dependencies_offline_restart",
};

static bool is_storage(const json_t *resource)
{
	const char *type = ju_str(resource, "type", "");
	size_t n = strcspn(type, ":");

	return n == strlen(STORAGE_TYPE) && strncmp(type, STORAGE_TYPE, n) == 0;
}

static bool is_online(const json_t *node)
{
	const char *state = ju_str(node, "state", "");

	return streq(state, "ONLINE") || streq(state, "ONLINE_NOT_MONITORED");
}

static scds_hasp_status_t status_of(const struct scds *s, const json_t *resource)
{
	const char *self = ju_str(resource, "self", "");
	bool here = false, anywhere = false;
	json_t *node;
	size_t i;

	if (!streq(ju_str(resource, "group", ""), s->m.rg))
		return SCDS_HASP_ERR_CONFIG;
	json_array_foreach(ju_arr(resource, "nodes"), i, node)
		if (is_online(node)) {
			anywhere = true;
			here |= streq(ju_str(node, "node", ""), self);
		}
	return here ? SCDS_HASP_ONLINE_LOCAL : anywhere ? SCDS_HASP_ONLINE_NOT_LOCAL : SCDS_HASP_NOT_ONLINE;
}

/* The numbers are in the order in which one outweighs another; only NO_RESOURCE gives way to all. */
static void merge(scds_hasp_status_t *all, scds_hasp_status_t one)
{
	if (*all == SCDS_HASP_NO_RESOURCE || one < *all)
		*all = one;
}

static scha_err_t look_at(const struct scds *s, char *name, scds_hasp_status_t *all)
{
	_cleanup_json_ json_t *resource = NULL;
	scha_err_t e;

	name[strcspn(name, "{")] = '\0';        /* a qualifier */
	if (strchr(name, ':'))                  /* of another cluster */
		return SCHA_ERR_NOERR;
	e = ask_cluster(ASK_CLUSTER("GetResource"), ju_pack("{s:o}", "resource", ask_string(name)), ASK_TIMEOUT_MS, &resource, NULL);
	if (e == SCHA_ERR_NOERR && is_storage(resource))
		merge(all, status_of(s, resource));
	return e;
}

scha_err_t scds_hasp_check(scds_handle_t handle, scds_hasp_status_t *hasp_status)
{
	const struct scds *s = scds_of(handle);
	scha_err_t e = SCHA_ERR_NOERR;

	if (!s || !hasp_status)
		return SCHA_ERR_INVAL;
	*hasp_status = SCDS_HASP_NO_RESOURCE;
	for (size_t i = 0; i < ARRAY_SIZE(dependencies) && e == SCHA_ERR_NOERR; i++) {
		_cleanup_(strlist_done) struct strlist names = { 0 };

		method_list(&s->m, dependencies[i], &names);
		for (size_t k = 0; k < names.n && e == SCHA_ERR_NOERR; k++)
			e = look_at(s, names.v[k], hasp_status);
	}
	return e;
}
