/* Messages between failfast_client.c and failfastd: one fixed record each, host byte order, over SOCK_SEQPACKET.
 *
 *      offset 0   uint32 type          enum ff_type
 *             4   uint32 grace_s       REGISTER
 *             8   uint64 deadline_ns   LEASE
 *            16   int32  result        ACK: 0 or negative errno
 *            20   uint32 zero
 *            24   char   text[104]     REGISTER: name; PANIC: reason; NUL-terminated */
#pragma once
#include <stdint.h>

enum ff_type { FF_INVALID, FF_REGISTER, FF_LEASE, FF_GOODBYE, FF_PANIC, FF_ACK, FF_TYPE_COUNT };

struct ff_message {
	uint32_t type;
	uint32_t grace_s;
	uint64_t deadline_ns;
	int32_t  result;
	uint32_t zero;
	char     text[104];
};
_Static_assert(sizeof(struct ff_message) == 128, "the record is drawn above");
