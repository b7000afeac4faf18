/* Failfast, the client side: "if I die without saying goodbye, or do not renew my lease, this node must end".
 *
 *      int fd = failfast_register("pmfd", 0, &err);            keep fd open for the life of the process
 *      ...
 *      failfast_goodbye(fd);                                   orderly end: disarms and closes
 *
 * The descriptor is the life line: a child that inherits it keeps this process "alive", so it is close-on-exec, and a
 * child that does not exec has to close it.  No memory is kept here, no thread is started; after registration no call
 * blocks, except goodbye (see there). */
#pragma once
#include <stdint.h>

struct err;

#define FAILFAST_NAME_MAX 63

/* A descriptor, or negative errno: -ENOENT/-ECONNREFUSED nobody listens, -EEXIST a live process has that name, -ENOSPC
 * the table is full, -EPERM not root, -EINVAL bad name.  After a death within its grace the same name may register again:
 * that ends the countdown; an unexpired lease of the dead one stays in force until it is renewed.  grace_s 0: a death
 * panics the node at once. */
int failfast_register(const char *name, unsigned grace_s, struct err *err);

/* The node panics unless another deadline is given before this one (absolute, CLOCK_MONOTONIC); 0: no lease.
 * -EAGAIN: failfastd has not read the last 40 or so: it stands still, and ends nobody. */
int failfast_lease(int fd, uint64_t deadline_ns);

/* Disarms and closes fd, also when it returns an error: then the node will panic.  Waits 1 s at most. */
int failfast_goodbye(int fd);

/* Ends the node now.  Returns 0 when the request is under way: the caller should stop working. */
int failfast_panic(int fd, const char *reason);
