/* Agent Builder: what an agent is to be (its file rtconfig), and the files that follow from it.  scdscreate, scdsconfig and
 * scdsbuilder are thin over this. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum setting {
	SET_VENDOR, SET_NAME, SET_VERSION, SET_LANG, SET_SCALABLE, SET_NETAWARE,
	SET_START, SET_START_TIMEOUT, SET_STOP, SET_STOP_TIMEOUT, SET_VALIDATE, SET_VALIDATE_TIMEOUT, SET_PROBE, SET_PROBE_TIMEOUT,
	SET_STOP_SIGNAL, SET_PORTS, SET_COUNT
};

struct agent {
	char *dir;                      /* WORKING-DIRECTORY/VENDORname */
	char *values[SET_COUNT];        /* never NULL after agent_init() or agent_load() */
};

void agent_init(struct agent *agent);           /* default values */
void agent_done(struct agent *agent);
/* -EINVAL with a sentence: not a value for that. */
int agent_set(struct agent *agent, enum setting setting, const char *value, struct err *err);
bool agent_is(const struct agent *agent, enum setting setting, const char *value);

/* The name fits; agent->dir is that below the working directory. */
int agent_place(struct agent *agent, const char *working_dir, struct err *err);
/* The one agent in a directory, or below a working directory.  -ENOENT, -EINVAL: none, several; rtconfig is not as written. */
int agent_load(struct agent *agent, const char *dir, struct err *err);
/* Writes rtconfig and all files; what users have added between their markers stays.  Nothing is written when something is wrong. */
int agent_write(const struct agent *agent, struct err *err);
/* One more file of the agent, below its directory: not touched by agent_write(). */
int agent_add_file(const struct agent *agent, const char *path, const char *text, unsigned mode, struct err *err);
/* Full path below /opt of a program of the agent: "/opt/ACMEweb/bin/web_NAME".  Caller frees. */
char *agent_program(const struct agent *agent, const char *name);
/* make, make pkg.  What they print goes to our own output. */
int agent_build(const struct agent *agent, struct err *err);

/* A unit of systemd becomes a script that starts the same, and settings.  What cannot be carried over is added to notes, with its
 * line; what would make another service of it is an error.  name: of the file, without path. */
int agent_from_unit(struct agent *agent, const char *name, const char *text, struct buf *ret_run, struct buf *ret_stop,
		    struct strlist *notes, struct err *err);
/* The same for "podman run ..." or "docker run ...". */
int agent_from_container(struct agent *agent, const char *command, struct buf *ret_run, struct buf *ret_stop, struct strlist *notes,
			 struct err *err);
/* Splits as systemd and shells do: blanks, "..", '..', \.  -EINVAL: a quote is not closed. */
int words_split(const char *text, struct strlist *ret, struct err *err);
