/* The devices of quorumd: a thread for each, that does one thing after the other. */
#pragma once
#include "quorum/request.h"

#define WORKERS_MAX 256                 /* names of devices that were ever configured; a thread stays with its name */
#define QUEUE_MAX   64                  /* requests that wait for one device */

/* Called from any thread, one call at a time. */
typedef void (*worker_answer_fn)(int64_t id, const struct quorum_answer *answer, double ms);

struct workers;
struct workers *workers_new(worker_answer_fn answer);
/* The devices from now on.  Those that stay the same are not touched; a changed or removed one first ends what it does.
 * What cannot be used is configured, too, and answers why; the first of these is then in err, and the result negative. */
int  workers_configure(struct workers *workers, const struct quorum_message *message, struct err *err);
/* -ENOENT, -EBUSY (QUEUE_MAX), -EINVAL: err says why, and answer is not called. */
int  workers_request(struct workers *workers, const struct quorum_message *message, struct err *err);
/* For requests that never came to a device: calls answer in its turn. */
void workers_answer(struct workers *workers, int64_t id, const struct quorum_answer *answer, double ms);
