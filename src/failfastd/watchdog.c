#include "failfastd/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"

int watchdog_open(struct watchdog *dog, const char *device, int timeout_s, struct err *err)
{
	int fd, seconds = timeout_s;

	*dog = (struct watchdog) { .fd = -1 };
	if (!device)
		return 0;
	fd = open(device, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "cannot open the watchdog %s: %s", device, strerror(errno));
	if (ioctl(fd, WDIOC_SETTIMEOUT, &seconds) < 0 && ioctl(fd, WDIOC_GETTIMEOUT, &seconds) < 0)
		seconds = timeout_s;            /* a driver with a fixed, unknown time-out: believe the administrator */
	*dog = (struct watchdog) { .fd = fd, .period_ns = (uint64_t)MAX(seconds, 1) * 1000000000ull / 3 };
	watchdog_pet(dog);
	return 0;
}

void watchdog_pet(struct watchdog *dog)
{
	if (dog->fd >= 0)
		(void)!write(dog->fd, "\0", 1); /* when it fails the dog bites, as it should */
}

void watchdog_disarm(struct watchdog *dog)
{
	if (dog->fd < 0)
		return;
	(void)!write(dog->fd, "V", 1);          /* as above */
	close(dog->fd);
	dog->fd = -1;
}
