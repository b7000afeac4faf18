#include <scha.h>

int main()
{
	scha_resource_t handle = nullptr;

	return scha_resource_close(handle) == SCHA_ERR_HANDLE && gethrtime() > 0 ? 0 : 1;
}
