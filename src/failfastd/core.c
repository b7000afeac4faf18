/* One row per name.
 *
 *              register            lost              goodbye     deadline passed
 *   FREE       -> ARMED            -                 -           -
 *   ARMED      -EEXIST             -> DYING          -> FREE     the lease's: panic
 *   DYING      -> ARMED (*)        -                 -           the grace's or the lease's: panic
 *
 * (*) The lease is kept: other nodes count on the end of this one at that moment, whoever is behind the name.  Only a
 * renewal moves it. */
#include "failfastd/core.h"

#include <errno.h>
#include <stdio.h>

#include "base/macros.h"

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull

static struct ff_client *client_at(struct ff_core *core, int slot, enum ff_state state)
{
	assert(slot >= 0 && slot < FF_CLIENTS_MAX);
	assert(core->clients[slot].state == state);
	return &core->clients[slot];
}

int ff_core_register(struct ff_core *core, uint64_t now_ns, const char *name, uint32_t grace_s)
{
	struct ff_client *client;
	int free_slot = -1;

	if (!*name || strlen(name) > FAILFAST_NAME_MAX)
		return -EINVAL;
	for (int i = FF_CLIENTS_MAX - 1; i >= 0; i--) {
		client = &core->clients[i];
		if (client->state == FF_FREE) {
			free_slot = i;
			continue;
		}
		if (!streq(client->name, name))
			continue;
		if (client->state == FF_ARMED)
			return -EEXIST;
		client->state = FF_ARMED;
		client->grace_s = grace_s;
		return i;
	}
	if (free_slot < 0)
		return -ENOSPC;
	client = &core->clients[free_slot];
	*client = (struct ff_client) { .state = FF_ARMED, .grace_s = grace_s };
	strcpy(client->name, name);
	return free_slot;
}

void ff_core_lease(struct ff_core *core, int slot, uint64_t now_ns, uint64_t deadline_ns)
{
	struct ff_client *client = client_at(core, slot, FF_ARMED);

	client->lease_ns = deadline_ns;
	client->renewed_ns = now_ns;
}

void ff_core_goodbye(struct ff_core *core, int slot)
{
	*client_at(core, slot, FF_ARMED) = (struct ff_client) { .state = FF_FREE };
}

void ff_core_lost(struct ff_core *core, int slot, uint64_t now_ns)
{
	struct ff_client *client = client_at(core, slot, FF_ARMED);

	client->state = FF_DYING;
	client->lost_ns = now_ns;
	client->dies_ns = now_ns + client->grace_s * NS_PER_S;
}

uint64_t ff_core_deadline(const struct ff_core *core)
{
	uint64_t nearest = UINT64_MAX;

	for (size_t i = 0; i < FF_CLIENTS_MAX; i++) {
		const struct ff_client *client = &core->clients[i];

		if (client->state == FF_DYING)
			nearest = MIN(nearest, client->dies_ns);
		if (client->state != FF_FREE && client->lease_ns)
			nearest = MIN(nearest, client->lease_ns);
	}
	return nearest == UINT64_MAX ? 0 : nearest;
}

bool ff_core_due(const struct ff_core *core, uint64_t now_ns, char reason[FF_REASON_MAX])
{
	for (size_t i = 0; i < FF_CLIENTS_MAX; i++) {
		const struct ff_client *client = &core->clients[i];

		if (client->state == FF_DYING && now_ns >= client->dies_ns) {
			(void)snprintf(reason, FF_REASON_MAX, "Failfast: Aborting because \"%s\" died %llu seconds ago.",
				       client->name, (unsigned long long)((now_ns - client->lost_ns) / NS_PER_S));
			return true;
		}
		if (client->state != FF_FREE && client->lease_ns && now_ns >= client->lease_ns) {
			(void)snprintf(reason, FF_REASON_MAX,
				       "Failfast: Aborting because \"%s\" did not renew its lease for %llu ms.",
				       client->name,
				       (unsigned long long)((now_ns - client->renewed_ns) / NS_PER_MS));
			return true;
		}
	}
	return false;
}

size_t ff_core_count(const struct ff_core *core)
{
	size_t n = 0;

	for (size_t i = 0; i < FF_CLIENTS_MAX; i++)
		n += core->clients[i].state != FF_FREE;
	return n;
}
