/* Links every function of scha.h against the shared library: one missing in libscha.map is an error of the linker. */
#include <scha.h>
#include <stdint.h>

int main(void)
{
	const uintptr_t all[] = {
		(uintptr_t)scha_cluster_open, (uintptr_t)scha_cluster_get, (uintptr_t)scha_cluster_close,
		(uintptr_t)scha_cluster_getlogfacility, (uintptr_t)scha_cluster_getnodename, (uintptr_t)scha_cluster_getzone,
		(uintptr_t)scha_resource_open, (uintptr_t)scha_resource_get, (uintptr_t)scha_resource_close,
		(uintptr_t)scha_resource_setstatus, (uintptr_t)scha_resource_setstatus_zone,
		(uintptr_t)scha_resourcegroup_open, (uintptr_t)scha_resourcegroup_get, (uintptr_t)scha_resourcegroup_close,
		(uintptr_t)scha_resourcetype_open, (uintptr_t)scha_resourcetype_get, (uintptr_t)scha_resourcetype_close,
		(uintptr_t)scha_control, (uintptr_t)scha_control_zone, (uintptr_t)scha_strerror,
		(uintptr_t)scha_strerror_i18n,
		(uintptr_t)scha_cluster_open_zone, (uintptr_t)scha_cluster_get_zone, (uintptr_t)scha_cluster_close_zone,
		(uintptr_t)scha_resource_open_zone, (uintptr_t)scha_resource_get_zone, (uintptr_t)scha_resource_close_zone,
		(uintptr_t)scha_resourcegroup_open_zone, (uintptr_t)scha_resourcegroup_get_zone,
		(uintptr_t)scha_resourcegroup_close_zone, (uintptr_t)scha_resourcetype_open_zone,
		(uintptr_t)scha_resourcetype_get_zone, (uintptr_t)scha_resourcetype_close_zone,
	};

	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
		if (!all[i])
			return 1;
	return 0;
}
