/* What a callback method knows: its arguments, and the properties of its resource.  For the methods that we ship. */
#pragma once
#include <jansson.h>
#include <scha_types.h>

#include "base/buf.h"
#include "base/err.h"

struct method {
	const char *name;               /* last part of argv[0] */
	char       *bin_dir;            /* where the program is */
	const char *rs, *rt, *rg, *zone;        /* of argv; zone NULL: none given */
	bool        create, update;     /* Validate: -c, -u */
	json_t     *resource;           /* answer of GetResource; NULL before method_load() and during Validate -c */
	json_t     *given;              /* -r and -x of Validate: an object of texts, names in lower case */
	json_t     *given_extension;    /* those of "given" that came with -x or -X: name: true.  -X has the node in the name */
	json_t     *given_group;        /* -g */
	char       *log_tag;            /* "SC[type,rg,rs,method]"; logging is open */
};

/* Reads argv and opens the log.  Asks nobody: what can do without the cluster shall (Stop). */
int method_init(struct method *m, int argc, char **argv, struct err *err);
void method_done(struct method *m);
/* Asks for the resource, or again; with -c there is none yet. */
int method_load(struct method *m, struct err *err);

/* The value that holds, or that is to hold after Validate.  NULL: there is no such property. */
const char *method_prop(const struct method *m, const char *name);
const char *method_str(const struct method *m, const char *name, const char *dflt);
int64_t     method_int(const struct method *m, const char *name, int64_t dflt);
bool        method_bool(const struct method *m, const char *name, bool dflt);
void        method_list(const struct method *m, const char *name, struct strlist *ret);
bool        method_given(const struct method *m, const char *name);     /* on the command line of Validate */
/* NUM_RESOURCE_RESTARTS of this node, as of the last (re)load. */
int64_t     method_restarts(const struct method *m);

/* An address resource and its host names. */
struct network { char *resource; struct strlist hosts; };
struct networks { struct network *v; size_t n; };
void networks_done(struct networks *networks);
/* All of a group but one resource (NULL: but none). */
scha_err_t group_networks(const char *rg, const char *but, struct networks *ret, struct err *err);
/* Those that the resource uses: Network_resources_used; else address resources among its dependencies; else of its group. */
scha_err_t method_networks(const struct method *m, struct networks *ret, struct err *err);
/* The host names that the resource uses: those of Network_resources_used; else of address resources among its dependencies;
 * else of all address resources of its group. */
int method_hostnames(const struct method *m, struct strlist *ret, struct err *err);

/* Status of the resource.  Failure is logged and otherwise ignored: a status is information, no duty. */
void method_status(const struct method *m, scha_rsstatus_t status, const char *text);

/* The main() of a program that is several methods: runs the one whose name it was called by.  Returns the exit code. */
struct method_row { const char *name; int (*fn)(struct method *m, struct err *err); };
int method_main(int argc, char **argv, const struct method_row *rows, size_t n);
