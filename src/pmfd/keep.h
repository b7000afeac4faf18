/* What outlives pmfd: a file for each tag, and a socket on which its supervisor waits for the next pmfd.
 *
 * In /run/cluster/pmf, which is root's own: ID.json, written whenever the state of the tag changes, and ID.sock.  A reboot empties
 * it, as it ends the supervisors. */
#pragma once
#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

#define KEEP_ID_LEN 16

int  keep_setup(struct err *err);                       /* negative errno */
void keep_id(char id[KEEP_ID_LEN + 1]);                 /* a new one */
/* Listening sockets for supervisors, and connections to them; a descriptor or negative errno. */
int  keep_listen(const char *id);
int  keep_connect(const char *id);
/* Takes state.  A failure is logged: the tag goes on, but the next pmfd may not know its latest state. */
void keep_write(const char *id, json_t *state);
json_t *keep_read(const char *id);                      /* NULL: none that can be read; the caller decrefs */
void keep_remove(const char *id);
/* The ids of all tags; caller frees with strlist_done(). */
struct strlist;
void keep_list(struct strlist *ids);
