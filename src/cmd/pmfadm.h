/* The command line of pmfadm, read and checked.  Apart from the command itself, so that a test can drive it by a table. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum pmfadm_action { PMFADM_NONE, PMFADM_CREATE, PMFADM_MODIFY, PMFADM_STOP, PMFADM_KILL, PMFADM_SHOW, PMFADM_LIST,
		     PMFADM_QUERY, PMFADM_ACTION_COUNT };

struct pmfadm_options {
	enum pmfadm_action action;
	const char    *tag, *host, *program;    /* program: of -a */
	bool           has_retries, has_period, has_wait, all_env, json;
	int            retries, period, level;  /* level -1: all */
	int            wait_s;
	int            signal;                  /* 0: none given */
	struct strlist env;                     /* of -e */
	char         **command;                 /* rest of argv; NULL-terminated */
};

/* -EINVAL: err says what is wrong.  Call pmfadm_options_done() in any case. */
int  pmfadm_options_parse(int argc, char **argv, struct pmfadm_options *o, struct err *err);
void pmfadm_options_done(struct pmfadm_options *o);
