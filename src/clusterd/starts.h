/* The starts of this node's clusterd on its disk (quarantine.h), and what quarantine means for clusterd. */
#pragma once
#include "clusterd/quarantine.h"

struct node;

/* Notes this start before anything else happens.  A disk that cannot be written holds nobody up. */
void starts_begin(struct node *node);
/* The life has ended in order. */
void starts_end(struct node *node);
/* 0: the node may join now; -errno: the disk. */
int  starts_lift(struct node *node);
/* Why this node waits and what cures it; caller frees; NULL: it does not. */
char *starts_waiting_for(const struct node *node);
