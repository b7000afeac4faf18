/* What clusterd asks of quorumd: one JSON object a line.  Pure; the input is trusted as little as any other. */
#pragma once
#include "quorum/device.h"

#define QUORUM_LINE_MAX    (1u << 20)
#define QUORUM_DEVICES_MAX 64

struct quorum_device_config { char *name, *type; json_t *properties; };

struct quorum_message {
	int64_t               id;               /* -1 until it is known */
	bool                  configure;
	struct quorum_cluster cluster;          /* configure */
	struct quorum_device_config *devices;
	size_t                device_count;
	char                 *device;           /* else */
	struct quorum_request request;
};

/* -EINVAL, err says why; ret->id is set if it could be read, and the message is to be released all the same. */
int  quorum_message_parse(const char *line, size_t len, struct quorum_message *ret, struct err *err);
void quorum_message_done(struct quorum_message *message);
/* One line, with its newline; the caller frees. */
char *quorum_answer_line(int64_t id, const struct quorum_answer *answer, double ms);
