/* A node that dies again and again disturbs the others each time it joins.  After so many starts within so many minutes, each
 * after a life that did not end in order, it waits for a person.  Pure: what is on the disk comes in and goes out as text. */
#pragma once
#include <jansson.h>

#include "base/macros.h"

#define QUARANTINE_DEATHS_DEFAULT  5
#define QUARANTINE_MINUTES_DEFAULT 10
#define QUARANTINE_DEATHS_MAX      100
#define QUARANTINE_MINUTES_MAX     1440

struct quarantine_rule { unsigned deaths, minutes; };           /* deaths 0: never */
struct quarantine_start { int64_t wall_ms; bool after_death; };
struct quarantine {
	bool on;                        /* until quarantine_lift(), whatever the clock says */
	unsigned count;
	struct quarantine_start start[QUARANTINE_DEATHS_MAX + 1];       /* oldest first */
};

/* From the infrastructure table; NULL: the defaults. */
struct quarantine_rule quarantine_rule_of(const json_t *table);
/* text NULL: the last life ended in order, or there was none.  Lines that make no sense are left out. */
void  quarantine_read(struct quarantine *q, const char *text);
char *quarantine_text(const struct quarantine *q);              /* caller frees */
/* clusterd starts.  The result is q->on. */
bool  quarantine_started(struct quarantine *q, struct quarantine_rule rule, int64_t wall_ms);
/* A person has looked after it: this start counts as one after an end in order. */
void  quarantine_lift(struct quarantine *q, int64_t wall_ms);
/* How many of the starts counted at that time. */
unsigned quarantine_deaths(const struct quarantine *q, struct quarantine_rule rule, int64_t wall_ms);
