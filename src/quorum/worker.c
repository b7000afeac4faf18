#include "quorum/worker.h"

#include <errno.h>
#include <pthread.h>

#include "base/log.h"

struct job {
	struct job           *next;
	bool                  configure;
	struct quorum_cluster cluster;          /* configure */
	char                 *type;             /* configure; NULL: removed */
	json_t               *properties;
	int64_t               id;               /* else */
	struct quorum_request request;
	double                began_ms;
};

struct worker {
	struct workers *all;
	char           *name;
	char           *type;                   /* of the newest configuration, and so the next; NULL: removed */
	json_t         *properties;
	pthread_mutex_t mutex;                  /* queue and generation */
	pthread_cond_t  more;
	struct job     *first, **last;
	size_t          waiting;
	unsigned        wanted;                 /* generation of the newest configuration */
	unsigned        current;                /* that of the device; of the thread only, as what follows */
	const struct quorum_device_ops *ops;    /* NULL: not usable, why says it */
	void           *device;
	struct err      why;
};

struct workers {
	struct worker        *v[WORKERS_MAX];
	size_t                n;
	struct quorum_cluster cluster;          /* self 0: not configured yet */
	pthread_mutex_t       mutex;            /* around answer */
	worker_answer_fn      answer;
};

struct workers *workers_new(worker_answer_fn answer)
{
	struct workers *all = xcalloc(1, sizeof *all);

	all->answer = answer;
	pthread_mutex_init(&all->mutex, NULL);
	return all;
}

void workers_answer(struct workers *all, int64_t id, const struct quorum_answer *answer, double ms)
{
	pthread_mutex_lock(&all->mutex);
	all->answer(id, answer, ms);
	pthread_mutex_unlock(&all->mutex);
}

/* ---- the thread of a device ---- */

static bool retired(void *ctx)
{
	struct worker *w = ctx;
	bool yes;

	pthread_mutex_lock(&w->mutex);
	yes = w->wanted != w->current;
	pthread_mutex_unlock(&w->mutex);
	return yes;
}

static int open_device(struct worker *w, const struct job *job, const struct quorum_device_ops **ret, struct err *err)
{
	struct quorum_setup setup = { .cluster = &job->cluster, .properties = job->properties, .retired = retired, .ctx = w };
	int r = quorum_device_find(job->type, ret, err);

	return r < 0 ? r : (*ret)->open(&setup, &w->device, err);
}

static void reconfigure(struct worker *w, const struct job *job)
{
	const struct quorum_device_ops *ops = NULL;

	if (w->ops)
		w->ops->close(w->device);
	w->ops = NULL;
	w->current++;
	w->why = (struct err) { 0 };
	if (!job->type)
		(void)err_set(&w->why, -ENOENT, "the device is not configured any more");
	else if (open_device(w, job, &ops, &w->why) == 0)
		w->ops = ops;
}

static void carry_out(struct worker *w, const struct job *job)
{
	struct quorum_answer answer = { .result = QUORUM_ERROR };

	if (w->ops)
		w->ops->run(w->device, &job->request, &answer);
	else
		answer.err = w->why;
	if (answer.result == QUORUM_ERROR)
		log_warn("device %s: %s: %s", w->name, quorum_op_names[job->request.op], answer.err.text);
	workers_answer(w->all, job->id, &answer, quorum_now_ms() - job->began_ms);
}

static void job_free(struct job *job)
{
	free(job->type);
	json_decref(job->properties);
	free(job);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		struct job *job;

		pthread_mutex_lock(&w->mutex);
		while (!w->first)
			pthread_cond_wait(&w->more, &w->mutex);
		job = w->first;
		w->first = job->next;
		if (!w->first)
			w->last = &w->first;
		w->waiting -= !job->configure;
		pthread_mutex_unlock(&w->mutex);
		if (job->configure)
			reconfigure(w, job);
		else
			carry_out(w, job);
		job_free(job);
	}
	return NULL;
}

/* ---- the caller ---- */

static int post(struct worker *w, struct job *job, struct err *err)
{
	bool full;

	pthread_mutex_lock(&w->mutex);
	full = !job->configure && w->waiting >= QUEUE_MAX;
	if (!full) {
		*w->last = job;
		w->last = &job->next;
		w->waiting += !job->configure;
		w->wanted += job->configure;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->mutex);
	if (!full)
		return 0;
	job_free(job);
	return err_set(err, -EBUSY, "%d requests wait for device %s already", QUEUE_MAX, w->name);
}

static struct worker *find(const struct workers *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (streq(all->v[i]->name, name))
			return all->v[i];
	return NULL;
}

static struct worker *worker_new(struct workers *all, const char *name, struct err *err)
{
	struct worker *w = xcalloc(1, sizeof *w);
	pthread_t thread;
	int r;

	w->all = all;
	w->name = xstrdup(name);
	w->last = &w->first;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->more, NULL);
	r = all->n == WORKERS_MAX ? EAGAIN : pthread_create(&thread, NULL, work, w);
	if (r) {
		(void)err_set(err, -r, "no thread for device %s: %s", name, strerror(r));
		free(w->name);
		free(w);
		return NULL;
	}
	pthread_detach(thread);
	all->v[all->n++] = w;
	return w;
}

/* type NULL: remove it. */
static void change(struct worker *w, const struct quorum_cluster *cluster, const char *type, const json_t *properties)
{
	struct job *job = xcalloc(1, sizeof *job);

	free(w->type);
	json_decref(w->properties);
	w->type = type ? xstrdup(type) : NULL;
	w->properties = json_deep_copy(properties);
	job->configure = true;
	job->cluster = *cluster;
	job->type = type ? xstrdup(type) : NULL;
	job->properties = json_deep_copy(properties);   /* each thread has its own: jansson's counts are not for two */
	(void)post(w, job, NULL);                       /* only requests are refused */
}

/* Looks whether the device could be made, without touching it. */
static int try_device(const struct quorum_cluster *cluster, const struct quorum_device_config *config, struct err *err)
{
	struct quorum_setup setup = { .cluster = cluster, .properties = config->properties };
	const struct quorum_device_ops *ops;
	void *device;
	int r = quorum_device_find(config->type, &ops, err);

	if (r == 0)
		r = ops->open(&setup, &device, err);
	if (r < 0)
		return err_prefix(err, r, "device %s", config->name);
	ops->close(device);
	return 0;
}

static bool same_cluster(const struct quorum_cluster *a, const struct quorum_cluster *b)
{
	return a->self == b->self && a->id == b->id && a->nodes == b->nodes && streq(a->name, b->name) &&
	       memcmp(a->keys, b->keys, sizeof a->keys) == 0;
}

static bool is_listed(const struct quorum_message *m, const char *name)
{
	for (size_t i = 0; i < m->device_count; i++)
		if (streq(m->devices[i].name, name))
			return true;
	return false;
}

int workers_configure(struct workers *all, const struct quorum_message *m, struct err *err)
{
	bool same = same_cluster(&all->cluster, &m->cluster);
	int result = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i]->type && !is_listed(m, all->v[i]->name))
			change(all->v[i], &m->cluster, NULL, NULL);
	for (size_t i = 0; i < m->device_count; i++) {
		const struct quorum_device_config *d = &m->devices[i];
		struct worker *w = find(all, d->name);
		int r = try_device(&m->cluster, d, result == 0 ? err : NULL);

		if (!w)
			w = worker_new(all, d->name, result == 0 ? err : NULL);
		result = result < 0 ? result : !w ? -EAGAIN : r;
		if (w && !(same && w->type && streq(w->type, d->type) && json_equal(w->properties, d->properties)))
			change(w, &m->cluster, d->type, d->properties);
	}
	all->cluster = m->cluster;
	return result;
}

int workers_request(struct workers *all, const struct quorum_message *m, struct err *err)
{
	struct worker *w = find(all, m->device);
	struct job *job;

	if (!w || !w->type)
		return err_set(err, -ENOENT, "there is no device %s", m->device);
	if (m->request.op == QOP_TAKE && !nodeset_has(m->request.keep, all->cluster.self))
		return err_set(err, -EINVAL, "keep must hold the own node, %u", all->cluster.self);
	job = xcalloc(1, sizeof *job);
	job->id = m->id;
	job->request = m->request;
	job->began_ms = quorum_now_ms();
	return post(w, job, err);
}
