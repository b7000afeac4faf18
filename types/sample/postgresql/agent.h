/* What the methods share: who is called for what, properties, messages, commands.  agent.c */
#ifndef AGENT_H
#define AGENT_H

#include <scha.h>
#include <stdbool.h>
#include <stddef.h>

#define RUN_DIR "/run/SAMPLEpostgresql"         /* notes that a reboot shall remove */
#define TEXT_MAX 1024                           /* of a property's value, a path, a tag */
#define GIVEN_MAX 128                           /* -r and -x of Validate */

struct agent {
	const char *resource, *group, *type;    /* -R -G -T; of argv */
	const char *method;                     /* the name that the program was called by: postgresql_svc_start, ... */
	const char *given[GIVEN_MAX];           /* "NAME=VALUE" that Validate is to judge; of argv */
	int         given_cnt;
	char        bin[TEXT_MAX];              /* the directory of the methods */
	char        svc[TEXT_MAX], mon[TEXT_MAX], disk[TEXT_MAX];       /* tags: server, fault monitor, keeper of the disk */
	char        up[TEXT_MAX];               /* a file that is there while the server has been started and not been stopped */
};

/* Why not, to the log and to standard error, which the administrator sees.  Returns 1, the exit status of a method that failed. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* To the log; priority as of syslog(3). */
void note(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What the administrator sees of the resource. */
void set_status(const struct agent *a, scha_rsstatus_t status, const char *text);

/* The value of a property as text, elements of an array with commas between; what Validate was given goes first, else what the cluster
 * has.  0, or 1 when there is no such property, or its value is too long; value is "" then. */
int property(const struct agent *a, const char *name, char *value, size_t size);
/* A whole number; otherwise when the cluster does not answer. */
int number(const struct agent *a, const char *name, int otherwise);
/* The port of Port_list, which must be one, of tcp; 0 when it is not. */
int port(const struct agent *a);
/* The host names of the address resources of the group, with commas between.  1 when there are none. */
int hosts(const struct agent *a, char *names, size_t size);

/* Runs a command to its end, argv[0] by its full path; user: as this user of the system, else as root.  What it prints is thrown away,
 * but for errors.  Its exit status; 128 + n when signal n ended it; -1 when it cannot be run; after limit_s it is killed: RUN_TIMEOUT. */
#define RUN_TIMEOUT (-2)
int run(const char *user, int limit_s, const char *const argv[]);
/* pmfadm OPTION TAG [WORDS]: its exit status.  words end with NULL; NULL: none. */
int pmf(const char *option, const char *tag, const char *const words[]);
bool pmf_has(const char *tag);
/* Ends what runs under a tag: the signal, and KILL when it is not gone in limit_s.  0: nothing of it is left. */
int pmf_end(const char *tag, const char *signal, int limit_s);

void pause_ms(int ms);
long now_ms(void);

/* The methods; each returns its exit status. */
int validate(const struct agent *a);            /* validate.c: Validate and Monitor_check */
int prenet_start(const struct agent *a);        /* disk.c */
int postnet_stop(const struct agent *a);
int keeper(const struct agent *a);
int svc_start(const struct agent *a);           /* server.c */
int svc_stop(const struct agent *a);
int action(const struct agent *a);
int monitor_start(const struct agent *a);       /* monitor.c */
int monitor_stop(const struct agent *a);
int update(const struct agent *a);
int monitor(const struct agent *a);

/* monitor.c, for Start, too: does the server answer, at each address and by a query?  why: what did not; may be NULL. */
bool probe(const struct agent *a, char *why, size_t size);
/* Restarts what has died or hangs, here or elsewhere.  tag: SCHA_RESOURCE_RESTART or SCHA_RESOURCE_IS_RESTARTED.  0: done here. */
int recover(const struct agent *a, const char *tag);
/* disk.c: is the disk of the resource mounted where it should be?  -1: something else is. */
int disk_is_mounted(const struct agent *a);

#endif
