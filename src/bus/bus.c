#include "bus/bus.h"

#include <errno.h>

int bus_send(struct bus *bus, const void *data, size_t len)
{
	if (len > BUS_MESSAGE_MAX)
		return -EMSGSIZE;
	return bus->ops->send(bus, data, len);
}

void bus_free(struct bus *bus, bool leave)
{
	if (bus)
		bus->ops->free(bus, leave);
}
