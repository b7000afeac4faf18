/* This machine, looked at before it becomes a node.  Changes nothing. */
#pragma once
#include "cmd/join.h"

/* -errno: it cannot be this node; err says why.  What is only doubtful goes to notes, a sentence each. */
int  machine_check(const struct share *share, struct strlist *notes, struct err *err);
bool machine_has_systemd(void);
/* Runs a program (no shell) to its end.  Its exit status, or -errno.  ret_output: what it printed, or NULL. */
int  machine_run(const char *const argv[], char **ret_output);
