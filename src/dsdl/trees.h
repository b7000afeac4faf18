/* The process trees of the application: tags of type SVC of a resource, and the wait for the death of one.
 *
 * A tree is known from when it was started here, or seen at the process monitor.  ALIVE: watched.  DEAD: it went by itself and
 * was not started again.  LET_GO: somebody told the process monitor to stop watching it, on purpose: its end is no death. */
#pragma once
#include "dsdl/handle.h"

enum tree_state { TREE_INVALID, TREE_ALIVE, TREE_DEAD, TREE_LET_GO, TREE_STATE_COUNT };

struct tree {
	json_t          *spec;          /* type Tag of the process monitor: it can be started again */
	struct vl_conn  *watch;         /* of TREE_ALIVE */
	enum tree_state  state;
	bool             told;          /* of TREE_DEAD: trees_wait() has returned it */
};

/* spec is taken.  A tree of that tag that was known is forgotten. */
void trees_add(struct scds *s, json_t *spec);
/* Compares with the process monitor: new trees are known then, and which have died or were let go. */
int  trees_refresh(struct scds *s, struct err *err);
/* One whose death was not told yet, whenever that was noticed.  NULL: there is none, and timeout_ms have passed. */
struct tree *trees_wait(struct scds *s, int64_t timeout_ms);
struct tree *trees_dead(struct scds *s);                /* any; NULL */
int  tree_start_again(struct tree *tree, struct err *err);
void trees_forget(struct scds *s);
