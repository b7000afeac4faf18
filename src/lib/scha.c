/* Handles and the get functions.
 *
 * A handle keeps the daemon's answer of open.  A get soon after (SEQ_TRUST_MS) is served from it, so an agent that opens
 * and reads twenty values asks once; later gets, and those of dynamic values, ask again, and notice then that the
 * configuration has changed. */
#include <pthread.h>
#include <stdarg.h>
#include <time.h>

#include "base/json.h"
#include "lib/ask.h"
#include "lib/optag.h"
#include <scha.h>

#define SEQ_TRUST_MS 5

struct handle {
	enum optag_object object;
	struct handle    *next;         /* handles.first; handles.lock */
	unsigned          refs;         /* the list, and each call under way; handles.lock */
	pthread_mutex_t   lock;         /* everything below */
	json_t           *params;       /* of the question */
	json_t           *reply, *type; /* type: of a resource, asked for when a tag of it is */
	int64_t           seq, type_seq, asked_ms, type_asked_ms;
	bool              changed;      /* since open */
	struct result    *results;
};

/* Every open handle of the process: what an agent passes in is looked up here, so that one that is closed already, or never
 * was one, is SCHA_ERR_HANDLE and no accident. */
static struct {
	pthread_mutex_t lock;
	struct handle  *first;
} handles = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *const questions[OPTAG_OBJECT_COUNT] = {
	[OPTAG_CLUSTER] = ASK_CLUSTER("GetCluster"), [OPTAG_RESOURCE] = ASK_CLUSTER("GetResource"),
	[OPTAG_GROUP] = ASK_CLUSTER("GetGroup"),     [OPTAG_TYPE] = ASK_CLUSTER("GetType"),
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void handle_free(struct handle *h)
{
	json_decref(h->params);
	json_decref(h->reply);
	json_decref(h->type);
	results_free(h->results);
	(void)pthread_mutex_destroy(&h->lock);  /* nobody holds it: the last reference is gone */
	free(h);
}

static void handle_unref(struct handle *h)
{
	bool last;

	pthread_mutex_lock(&handles.lock);
	last = --h->refs == 0;
	pthread_mutex_unlock(&handles.lock);
	if (last)
		handle_free(h);
}

/* With a reference.  NULL: no open handle of such an object. */
static struct handle *handle_ref(const void *handle, enum optag_object object)
{
	struct handle *h;

	pthread_mutex_lock(&handles.lock);
	for (h = handles.first; h; h = h->next)
		if (h == handle)
			break;
	if (h && h->object != object)
		h = NULL;
	if (h)
		h->refs++;
	pthread_mutex_unlock(&handles.lock);
	return h;
}

/* A value must not come from a version of the configuration that the handle has not compared with the one at open. */
static scha_err_t handle_ask(struct handle *h)
{
	json_t *reply;
	scha_err_t e = ask_cluster(questions[h->object], json_incref(h->params), ASK_TIMEOUT_MS, &reply, NULL);

	if (e != SCHA_ERR_NOERR)
		return e;
	json_decref(h->reply);
	h->reply = reply;
	h->asked_ms = now_ms();
	if (ju_int(reply, "seq", 0) != h->seq || ju_int(reply, "type_seq", 0) != h->type_seq)
		h->changed = true;
	return SCHA_ERR_NOERR;
}

/* The type of a resource; it may have been changed, or registered anew, since the resource was asked for. */
static scha_err_t handle_ask_type(struct handle *h, bool dynamic)
{
	json_t *type;
	scha_err_t e;

	if (h->type && !dynamic && now_ms() - h->type_asked_ms <= SEQ_TRUST_MS)
		return SCHA_ERR_NOERR;
	e = ask_cluster(questions[OPTAG_TYPE], ju_pack("{s:s}", "type", ju_str(h->reply, "type", "")), ASK_TIMEOUT_MS, &type,
			NULL);
	if (e != SCHA_ERR_NOERR)
		return e;
	json_decref(h->type);
	h->type = type;
	h->type_asked_ms = now_ms();
	if (ju_int(type, "seq", 0) != h->type_seq)
		h->changed = true;
	return SCHA_ERR_NOERR;
}

static scha_err_t handle_open(enum optag_object object, json_t *params, void **ret)
{
	struct handle *h = xcalloc(1, sizeof *h);
	scha_err_t e;

	h->object = object;
	h->params = params;
	h->refs = 1;
	(void)pthread_mutex_init(&h->lock, NULL);       /* with default attributes it cannot fail here */
	e = handle_ask(h);
	if (e != SCHA_ERR_NOERR) {
		handle_free(h);
		return e;
	}
	h->seq = ju_int(h->reply, "seq", 0);
	h->type_seq = ju_int(h->reply, "type_seq", 0);
	h->changed = false;
	pthread_mutex_lock(&handles.lock);
	h->next = handles.first;
	handles.first = h;
	pthread_mutex_unlock(&handles.lock);
	*ret = h;
	return SCHA_ERR_NOERR;
}

/* Another thread may be in a get: then that one frees it. */
static scha_err_t handle_close(void *handle, enum optag_object object)
{
	struct handle *h = handle_ref(handle, object);
	bool listed = false;

	if (!h)
		return SCHA_ERR_HANDLE;
	pthread_mutex_lock(&handles.lock);
	for (struct handle **at = &handles.first; *at; at = &(*at)->next)
		if (*at == h) {
			*at = h->next;
			h->refs--;
			listed = true;
			break;
		}
	pthread_mutex_unlock(&handles.lock);
	handle_unref(h);
	return listed ? SCHA_ERR_NOERR : SCHA_ERR_HANDLE;
}

/* The answer that has the value of the tag; borrowed. */
static scha_err_t handle_answer(struct handle *h, const struct optag *tag, json_t **ret)
{
	scha_err_t e = SCHA_ERR_NOERR;

	if (tag->dynamic || now_ms() - h->asked_ms > SEQ_TRUST_MS)
		e = handle_ask(h);
	if (e == SCHA_ERR_NOERR && h->object != tag->object)
		e = handle_ask_type(h, tag->dynamic);
	*ret = h->object == tag->object ? h->reply : h->type;
	return e;
}

static scha_err_t get_locked(struct handle *h, const struct optag *tag, struct optag_query *q, void *out)
{
	json_t *value;
	scha_err_t e;

	e = handle_answer(h, tag, &q->reply);
	if (e != SCHA_ERR_NOERR)
		return e;
	value = optag_value(tag, q);
	e = value ? optag_convert(tag->out, value, &h->results, out) : q->error;
	json_decref(value);
	return e == SCHA_ERR_NOERR && h->changed ? SCHA_ERR_SEQID : e;
}

static bool takes_prop(const struct optag *tag) { return tag->in == OPTAG_IN_PROP || tag->in == OPTAG_IN_PROP_NODE; }
static bool takes_name(const struct optag *tag) { return tag->in == OPTAG_IN_NAME || tag->in == OPTAG_IN_PROP_NODE; }

/* The arguments of the tag, then where the value goes; false: one of them is NULL. */
static bool take_arguments(const struct optag *tag, va_list *ap, struct optag_query *q, void **ret_out)
{
	if (takes_prop(tag))
		q->prop = va_arg(*ap, const char *);
	if (takes_name(tag))
		q->name = va_arg(*ap, const char *);
	if (tag->in == OPTAG_IN_NODEID)
		q->nodeid = va_arg(*ap, uint_t);
	*ret_out = va_arg(*ap, void *);
	return *ret_out && (q->prop || !takes_prop(tag)) && (q->name || !takes_name(tag));
}

static scha_err_t get(const void *handle, enum optag_object object, const char *name, va_list *ap)
{
	struct handle *h = handle_ref(handle, object);
	const struct optag *tag = name ? optag_find(object, name) : NULL;
	struct optag_query q = { 0 };
	scha_err_t e;
	void *out;

	if (!h)
		return SCHA_ERR_HANDLE;
	if (!name) {
		e = SCHA_ERR_INVAL;
	} else if (!tag || !tag->value) {
		e = SCHA_ERR_TAG;
	} else if (!take_arguments(tag, ap, &q, &out)) {
		e = SCHA_ERR_INVAL;
	} else {
		pthread_mutex_lock(&h->lock);
		e = get_locked(h, tag, &q, out);
		pthread_mutex_unlock(&h->lock);
	}
	handle_unref(h);
	return e;
}

/* ---- zone clusters: there is none but this cluster ---- */

static scha_err_t check_cluster(const char *cluster)
{
	json_t *reply;
	scha_err_t e;

	if (!cluster || streq(cluster, "global"))
		return SCHA_ERR_NOERR;
	e = ask_cluster(questions[OPTAG_CLUSTER], NULL, ASK_TIMEOUT_MS, &reply, NULL);
	if (e != SCHA_ERR_NOERR)
		return e;
	e = streq(ju_str(reply, "name", ""), cluster) ? SCHA_ERR_NOERR : SCHA_ERR_CLUSTER;
	json_decref(reply);
	return e;
}

/* ---- the four objects ---- */

scha_err_t scha_cluster_open(scha_cluster_t *handle)
{
	if (!handle)
		return SCHA_ERR_INVAL;
	return handle_open(OPTAG_CLUSTER, json_object(), handle);
}

scha_err_t scha_resource_open(const char *rname, const char *rgname, scha_resource_t *handle)
{
	json_t *params;

	if (!rname || !handle)
		return SCHA_ERR_INVAL;
	params = ju_pack("{s:o}", "resource", ask_string(rname));
	if (rgname)
		ju_set_new(params, "group", ask_string(rgname));
	return handle_open(OPTAG_RESOURCE, params, handle);
}

scha_err_t scha_resourcegroup_open(const char *rgname, scha_resourcegroup_t *handle)
{
	if (!rgname || !handle)
		return SCHA_ERR_INVAL;
	return handle_open(OPTAG_GROUP, ju_pack("{s:o}", "group", ask_string(rgname)), handle);
}

scha_err_t scha_resourcetype_open(const char *rtname, scha_resourcetype_t *handle)
{
	if (!rtname || !handle)
		return SCHA_ERR_INVAL;
	return handle_open(OPTAG_TYPE, ju_pack("{s:o}", "type", ask_string(rtname)), handle);
}

scha_err_t scha_cluster_open_zone(const char *cluster, scha_cluster_t *handle)
{
	scha_err_t e = check_cluster(cluster);

	return e == SCHA_ERR_NOERR ? scha_cluster_open(handle) : e;
}

scha_err_t scha_resource_open_zone(const char *cluster, const char *rname, const char *rgname, scha_resource_t *handle)
{
	scha_err_t e = check_cluster(cluster);

	return e == SCHA_ERR_NOERR ? scha_resource_open(rname, rgname, handle) : e;
}

scha_err_t scha_resourcegroup_open_zone(const char *cluster, const char *rgname, scha_resourcegroup_t *handle)
{
	scha_err_t e = check_cluster(cluster);

	return e == SCHA_ERR_NOERR ? scha_resourcegroup_open(rgname, handle) : e;
}

scha_err_t scha_resourcetype_open_zone(const char *cluster, const char *rtname, scha_resourcetype_t *handle)
{
	scha_err_t e = check_cluster(cluster);

	return e == SCHA_ERR_NOERR ? scha_resourcetype_open(rtname, handle) : e;
}

#define GET_AND_CLOSE(what, kind) \
	scha_err_t scha_##what##_get(scha_##what##_t handle, const char *tag, ...) \
	{ \
		scha_err_t e; \
		va_list ap; \
	\
		va_start(ap, tag); \
		e = get(handle, kind, tag, &ap); \
		va_end(ap); \
		return e; \
	} \
	\
	scha_err_t scha_##what##_get_zone(const char *cluster, scha_##what##_t handle, const char *tag, ...) \
	{ \
		scha_err_t e = check_cluster(cluster); \
		va_list ap; \
	\
		va_start(ap, tag); \
		if (e == SCHA_ERR_NOERR) \
			e = get(handle, kind, tag, &ap); \
		va_end(ap); \
		return e; \
	} \
	\
	scha_err_t scha_##what##_close(scha_##what##_t handle) { return handle_close(handle, kind); } \
	\
	scha_err_t scha_##what##_close_zone(const char *cluster, scha_##what##_t handle) \
	{ \
		scha_err_t e = check_cluster(cluster); \
	\
		return e == SCHA_ERR_NOERR ? handle_close(handle, kind) : e; \
	}

GET_AND_CLOSE(cluster, OPTAG_CLUSTER)
GET_AND_CLOSE(resource, OPTAG_RESOURCE)
GET_AND_CLOSE(resourcegroup, OPTAG_GROUP)
GET_AND_CLOSE(resourcetype, OPTAG_TYPE)

static scha_err_t own_name(char **ret)
{
	json_t *reply;
	scha_err_t e;

	e = ask_cluster(questions[OPTAG_CLUSTER], NULL, ASK_TIMEOUT_MS, &reply, NULL);
	if (e != SCHA_ERR_NOERR)
		return e;
	*ret = xstrdup(ju_str(reply, "self", ""));
	json_decref(reply);
	return SCHA_ERR_NOERR;
}

scha_err_t scha_cluster_getnodename(char **nodename)
{
	return nodename ? own_name(nodename) : SCHA_ERR_INVAL;
}

/* In the global zone, and there is no other, the name of the node; documented to be NULL after a failure. */
scha_err_t scha_cluster_getzone(char **zonename)
{
	if (!zonename)
		return SCHA_ERR_INVAL;
	*zonename = NULL;
	return own_name(zonename);
}
