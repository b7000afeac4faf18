/* What the parts of pmfd share: its state, and how a call says no. */
#pragma once
#include <uv.h>

#include "base/buf.h"
#include "base/varlink.h"

#define PMF_TAGS_MAX   4096
#define PMF_TAG_LEN    255
#define PMF_RUNS_MAX   1024
#define PMF_LINGER_MAX 512              /* outputs held open for daemons that a run left behind */

#define PMF_ERROR(name) "org.parhelion.Pmf." name

struct tag;
struct run;
struct pmf {
	uv_loop_t  *loop;
	struct tag *tags;
	struct run *runs;               /* those that have not ended */
	size_t      tag_count, run_count, linger_count;
	void      (*no_runs)(void *ctx);        /* to be called, once, when no run is left; NULL: nobody waits */
	void       *no_runs_ctx;
	int         out_fd;             /* of monitored processes; -1: /dev/null */
	bool        journal;            /* their output goes there instead */
	bool        set_ids;            /* we are root and can become others */
};

/* run.c */
void pmf_call_run(struct vl_call *call, json_t *params, void *ctx);
void pmf_call_kill_run(struct vl_call *call, json_t *params, void *ctx);
/* At once when there is none. */
void pmf_when_no_runs(struct pmf *pmf, void (*fn)(void *ctx), void *ctx);
/* tag.c */
/* Takes over the tags of the pmfd before us; how many there are. */
size_t pmf_adopt(struct pmf *pmf);
void pmf_call_start(struct vl_call *call, json_t *params, void *ctx);
void pmf_call_modify(struct vl_call *call, json_t *params, void *ctx);
void pmf_call_stop(struct vl_call *call, json_t *params, void *ctx);
void pmf_call_kill(struct vl_call *call, json_t *params, void *ctx);
void pmf_call_status(struct vl_call *call, json_t *params, void *ctx);
void pmf_call_query(struct vl_call *call, json_t *params, void *ctx);
void pmf_call_watch(struct vl_call *call, json_t *params, void *ctx);

/* Appends the strings of params[key].  False: something in it is not a string; a missing key is an empty list. */
bool pmf_strings(json_t *params, const char *key, struct strlist *list);
uint64_t pmf_now_ms(void);              /* CLOCK_MONOTONIC */
