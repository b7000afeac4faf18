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
#define HANDLE_MAGIC 0x73636861u

struct handle {
	uint32_t          magic;
	enum optag_object object;
	pthread_mutex_t   lock;         /* everything below */
	json_t           *params;       /* of the question */
	json_t           *reply, *type; /* type: of a resource, asked for when a tag of it is */
	int64_t           seq, asked_ms;
	bool              changed;      /* since open */
	struct result    *results;
};

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
	(void)pthread_mutex_destroy(&h->lock);  /* nobody holds it: the handle is being closed */
	h->magic = 0;
	free(h);
}

static scha_err_t handle_ask(struct handle *h)
{
	json_t *reply;
	scha_err_t e = ask_cluster(questions[h->object], json_incref(h->params), ASK_TIMEOUT_MS, &reply, NULL);

	if (e != SCHA_ERR_NOERR)
		return e;
	json_decref(h->reply);
	h->reply = reply;
	h->asked_ms = now_ms();
	if (ju_int(reply, "seq", 0) != h->seq)
		h->changed = true;
	return SCHA_ERR_NOERR;
}

static scha_err_t handle_open(enum optag_object object, json_t *params, void **ret)
{
	struct handle *h = xcalloc(1, sizeof *h);
	scha_err_t e;

	h->magic = HANDLE_MAGIC;
	h->object = object;
	h->params = params;
	(void)pthread_mutex_init(&h->lock, NULL);       /* with default attributes it cannot fail here */
	e = handle_ask(h);
	if (e != SCHA_ERR_NOERR) {
		handle_free(h);
		return e;
	}
	h->seq = ju_int(h->reply, "seq", 0);
	h->changed = false;
	*ret = h;
	return SCHA_ERR_NOERR;
}

static struct handle *handle_of(void *handle, enum optag_object object)
{
	struct handle *h = handle;

	return h && h->magic == HANDLE_MAGIC && h->object == object ? h : NULL;
}

static scha_err_t handle_close(void *handle, enum optag_object object)
{
	struct handle *h = handle_of(handle, object);

	if (!h)
		return SCHA_ERR_HANDLE;
	handle_free(h);
	return SCHA_ERR_NOERR;
}

/* The answer that has the value of the tag; borrowed unless *ret_own is set. */
static scha_err_t handle_answer(struct handle *h, const struct optag *tag, json_t **ret, json_t **ret_own)
{
	scha_err_t e = SCHA_ERR_NOERR;

	*ret_own = NULL;
	if (tag->dynamic || now_ms() - h->asked_ms > SEQ_TRUST_MS)
		e = handle_ask(h);
	if (e != SCHA_ERR_NOERR)
		return e;
	*ret = h->reply;
	if (tag->from_status) {
		e = ask_cluster(ASK_CLUSTER("Status"), NULL, ASK_TIMEOUT_MS, ret_own, NULL);
		*ret = *ret_own;
	} else if (h->object == OPTAG_RESOURCE && tag->object == OPTAG_TYPE) {
		if (!h->type)
			e = ask_cluster(questions[OPTAG_TYPE], ju_pack("{s:s}", "type", ju_str(h->reply, "type", "")),
					ASK_TIMEOUT_MS, &h->type, NULL);
		*ret = h->type;
	}
	return e;
}

static scha_err_t get_locked(struct handle *h, const struct optag *tag, struct optag_query *q, void *out)
{
	json_t *own, *value;
	scha_err_t e;

	e = handle_answer(h, tag, &q->reply, &own);
	if (e != SCHA_ERR_NOERR)
		return e;
	value = optag_value(tag, q);
	e = value ? optag_convert(tag->out, value, &h->results, out) : q->error;
	json_decref(value);
	json_decref(own);
	return e == SCHA_ERR_NOERR && h->changed ? SCHA_ERR_SEQID : e;
}

static scha_err_t get(void *handle, enum optag_object object, const char *name, va_list ap)
{
	struct handle *h = handle_of(handle, object);
	struct optag_query q = { 0 };
	const struct optag *tag;
	scha_err_t e;
	void *out;

	if (!h)
		return SCHA_ERR_HANDLE;
	if (!name)
		return SCHA_ERR_INVAL;
	tag = optag_find(object, name);
	if (!tag || !tag->value)
		return SCHA_ERR_TAG;
	if (tag->in == OPTAG_IN_PROP || tag->in == OPTAG_IN_PROP_NODE)
		q.prop = va_arg(ap, const char *);
	if (tag->in == OPTAG_IN_NAME || tag->in == OPTAG_IN_PROP_NODE)
		q.name = va_arg(ap, const char *);
	if (tag->in == OPTAG_IN_NODEID)
		q.nodeid = va_arg(ap, uint_t);
	out = va_arg(ap, void *);
	if (!out || ((tag->in == OPTAG_IN_PROP || tag->in == OPTAG_IN_PROP_NODE) && !q.prop) ||
	    ((tag->in == OPTAG_IN_NAME || tag->in == OPTAG_IN_PROP_NODE) && !q.name))
		return SCHA_ERR_INVAL;
	pthread_mutex_lock(&h->lock);
	e = get_locked(h, tag, &q, out);
	pthread_mutex_unlock(&h->lock);
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

#define GET_AND_CLOSE(what, kind) \
	scha_err_t scha_##what##_get(scha_##what##_t handle, const char *tag, ...) \
	{ \
		scha_err_t e; \
		va_list ap; \
	\
		va_start(ap, tag); \
		e = get(handle, kind, tag, ap); \
		va_end(ap); \
		return e; \
	} \
	\
	scha_err_t scha_##what##_close(scha_##what##_t handle) { return handle_close(handle, kind); }

GET_AND_CLOSE(cluster, OPTAG_CLUSTER)
GET_AND_CLOSE(resource, OPTAG_RESOURCE)
GET_AND_CLOSE(resourcegroup, OPTAG_GROUP)
GET_AND_CLOSE(resourcetype, OPTAG_TYPE)

scha_err_t scha_cluster_getnodename(char **nodename)
{
	json_t *reply;
	scha_err_t e;

	if (!nodename)
		return SCHA_ERR_INVAL;
	e = ask_cluster(questions[OPTAG_CLUSTER], NULL, ASK_TIMEOUT_MS, &reply, NULL);
	if (e != SCHA_ERR_NOERR)
		return e;
	*nodename = xstrdup(ju_str(reply, "self", ""));
	json_decref(reply);
	return SCHA_ERR_NOERR;
}
