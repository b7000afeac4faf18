/* When must this node end?  Decided from the clients of failfastd, their deaths and their leases.  Pure: no socket, no
 * clock, no memory of its own, no log. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failfastd/failfast.h"

#define FF_CLIENTS_MAX 32
#define FF_REASON_MAX  192

enum ff_state {
	FF_FREE,        /* nobody */
	FF_ARMED,       /* registered and alive */
	FF_DYING,       /* gone without goodbye; the node ends at dies_ns unless the name comes back */
	FF_STATE_COUNT
};

struct ff_client {
	enum ff_state state;
	char          name[FAILFAST_NAME_MAX + 1];
	uint32_t      grace_s;
	uint64_t      lost_ns, dies_ns;         /* FF_DYING */
	uint64_t      lease_ns, renewed_ns;     /* 0: no lease */
};

struct ff_core { struct ff_client clients[FF_CLIENTS_MAX]; };

/* A slot number, -EINVAL, -EEXIST, -ENOSPC as failfast_register() says. */
int  ff_core_register(struct ff_core *core, uint64_t now_ns, const char *name, uint32_t grace_s);
void ff_core_lease(struct ff_core *core, int slot, uint64_t now_ns, uint64_t deadline_ns);
void ff_core_goodbye(struct ff_core *core, int slot);
void ff_core_lost(struct ff_core *core, int slot, uint64_t now_ns);
/* The nearest moment at which ff_core_due() may say yes; 0: none. */
uint64_t ff_core_deadline(const struct ff_core *core);
/* true: the node ends now, reason says why in the documented words. */
bool ff_core_due(const struct ff_core *core, uint64_t now_ns, char reason[FF_REASON_MAX]);
/* How many hold us: armed or dying. */
size_t ff_core_count(const struct ff_core *core);
