/* What a machine needs to become a node: the table, which node it is, the key of the interconnect.  From a description of a
 * new cluster, or from the join description that "clnode add" writes for a cluster there is. */
#pragma once
#include <jansson.h>

#include "cmd/options.h"

#define AUTHKEY_BYTES 128
#define AUTHKEY_FILE  "/etc/corosync/authkey"

struct share {
	json_t  *table;                 /* infrastructure */
	uint64_t generation;
	char    *name;                  /* of this node */
	unsigned id;
	bool     has_key;               /* false: there is none anywhere yet */
	unsigned char key[AUTHKEY_BYTES];
};

/* node NULL: the one of the host name.  -EINVAL and the like with a sentence.  share_done() in any case. */
int  share_read(const char *file, const char *node, struct share *ret, struct err *err);
void share_done(struct share *share);
char *key_to_hex(const unsigned char key[AUTHKEY_BYTES]);       /* caller frees */

/* After a node was added: writes its join description, and says what to do on its machine.  The exit code: 0 also when the
 * key cannot be read, with a note, for the node is added. */
int join_describe(const struct cmdline *line, const char *name);
