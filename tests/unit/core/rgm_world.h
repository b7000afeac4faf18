/* A few rgm objects over one log, for tests: commits succeed at once, methods end in waves (all that run, together), a
 * trace says which method ran when.  Node 1 presides until another is named.  One world at a time. */
#pragma once
#include "base/json.h"
#include "rgm/rgm.h"

enum { WORLD_NODES = 3 };

/* nodes: how many are configured, up and ready.  groups: "NAME[ PROPERTY=VALUE...]: RESOURCE TYPE DEPENDENCIES MODE FLAGS; ..."
 * with one group a line; types app, svc, full, store, lh, boot, all; dependencies "a,w:b,r:c,o:d" (strong, weak, restart,
 * offline-restart); "-" for none; flags d (disabled), u (unmonitored).
 * Groups are managed and start with the cluster. */
void world_new(uint32_t nodes, const char *groups);
void world_forming(uint32_t nodes, const char *groups); /* the same, but nobody is ready yet */
void world_ready(uint32_t id);
int  world_done(void **state);                          /* fits a cmocka teardown */
struct rgm *world_rgm(uint32_t id);

/* Deliver and carry out until nothing is left to do. */
void world_settle(void);
/* Deliver only: methods stay where they are. */
void world_deliver(void);
/* One wave of methods ends; false: none is running. */
bool world_wave(void);
/* "1:app.Start" and the like end as told from now on: exit code, or -1 for a time-out; 0 takes it back. */
void world_outcome(const char *method, int code);
void world_output(const char *text);                    /* of every method from now on; NULL: none */
void world_stuck(const char *line);                     /* seen of every method that times out from now on; NULL: nobody looks */
/* This method ends only when no other is running; NULL: none. */
void world_slow(const char *method);
void world_message(uint32_t from, json_t *message /* taken */);         /* into the log */
void world_time(int64_t ms);                            /* passes */

/* "a.Start b.Start | c.Start": node 1's methods, others with "2:" in front; sorted inside a wave.  Begins anew. */
const char *world_trace(void);

/* What the log said of nodes. */
void world_crash(uint32_t id);                          /* gone; lost to the others */
void world_reboot(uint32_t id);                         /* gone and back with a new life before anybody missed it */
void world_dead(uint32_t id);                           /* declared so */
void world_boot(uint32_t id);                           /* joins with a snapshot, becomes ready */
void world_abrupt_president(uint32_t id);               /* presides from now on */

/* A request of a client on that node, and its end: code -1 while there is none. */
struct answer { int code; char text[1400]; };
const char *world_request(uint32_t from, json_t *request /* taken */);  /* id */
struct answer world_answer(const char *id);
struct answer world_ask(uint32_t from, json_t *request /* taken */);    /* request, settle, answer */
json_t *world_json(const char *text);                   /* ' stands for "; or the test fails */
struct answer world_ask_text(uint32_t from, const char *text);
#define OFF(group)          "{'op':'group_offline','rg':'" group "'}"
#define BRING(group)        "{'op':'group_bring','rg':'" group "'}"
#define SWITCH(group, node) "{'op':'group_switch','rg':'" group "','nodes':['" node "']}"
#define CONTROL(tag)        "{'op':'control','tag':'" tag "','rg':'g','rs':'a'}"
void world_commit_error(const char *error);             /* of commits from now on; NULL: they succeed */
/* How far a commit goes from now on, those that are under way, too. */
enum world_commit { COMMIT_DURABLE, COMMIT_IN_FORCE, COMMIT_SENT };
void world_commits(enum world_commit how_far);
json_t *world_table(const char *table);                 /* as committed last; borrowed; NULL: none */
void world_load(const char *table, json_t *data /* taken */);           /* a commit out of the blue */

/* As node 1 (or the first that lives) sees it: "ONLINE". */
const char *world_group_state(const char *group, uint32_t on);
const char *world_resource_state(const char *resource, uint32_t on);
const char *world_why(const char *group);
/* States of a group on all nodes, shortened: "ONLINE OFFLINE". */
const char *world_group_states(const char *group);
const char *world_abort(uint32_t id);                   /* "" */
bool world_noted(const char *text);
void world_expect(const char *what, const char *which /* or NULL */, const char *is, const char *want);
void world_check_equal(void);                           /* digests of all nodes are equal, or the test fails */
