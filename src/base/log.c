#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *tag;
	int         max_level;
	bool        syslog;     /* there is somebody at /dev/log */
	bool        quiet;      /* then nothing goes to stderr */
} logger = { .tag = "Cluster", .max_level = LOG_INFO };

static const char *const level_names[] = { "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug" };

uint32_t log_message_id(const char *fmt)
{
	return 100000 + (uint32_t)(hash_text(HASH_START, fmt) % 900000);
}

void log_open(const char *tag)
{
	logger.tag = tag;
	if (getenv("PARHELION_DEBUG"))
		logger.max_level = LOG_DEBUG;
	logger.syslog = access("/dev/log", W_OK) == 0;
}

void log_set_quiet(void)
{
	logger.quiet = true;
}

void log_set_max_level(int level)
{
	logger.max_level = level;
}

struct log_line { struct log_line *next; char tag[LOG_TAG_MAX + 1]; int level; struct timespec at; char text[]; };

static struct {
	pid_t owner;            /* 0: no thread.  A child of fork has no thread, and writes for itself */
	pthread_mutex_t mutex;
	pthread_cond_t  more, empty;
	struct log_line *first, **last;
	size_t waiting, dropped;
	bool writing;
} queue = { .mutex = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER, .empty = PTHREAD_COND_INITIALIZER };

static void write_line(const struct log_line *l)
{
	struct tm tm;
	char stamp[32];

	if (logger.syslog) {
		openlog(l->tag, LOG_PID | LOG_NDELAY, LOG_DAEMON);
		syslog(l->level, "%s", l->text);
		closelog();
		if (logger.quiet)
			return;
	}
	localtime_r(&l->at.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &tm);
	dprintf(STDERR_FILENO, "%s.%03ld %s[%d]: %s\n", stamp, l->at.tv_nsec / 1000000, l->tag, (int)getpid(), l->text);
}

static void *write_queue(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&queue.mutex);
	for (;;) {
		struct log_line *l;

		while (!queue.first) {
			queue.writing = false;
			pthread_cond_broadcast(&queue.empty);
			pthread_cond_wait(&queue.more, &queue.mutex);
		}
		l = queue.first;
		queue.first = l->next;
		if (!queue.first)
			queue.last = &queue.first;
		queue.waiting--;
		queue.writing = true;
		pthread_mutex_unlock(&queue.mutex);
		write_line(l);
		free(l);
		pthread_mutex_lock(&queue.mutex);
	}
	return NULL;
}

int log_start_thread(void)
{
	sigset_t all, old;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);       /* signals are for the loop */
	queue.last = &queue.first;
	r = pthread_create(&thread, NULL, write_queue, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return -r;
	pthread_detach(thread);
	queue.owner = getpid();
	return 0;
}

void log_flush(unsigned timeout_ms)
{
	struct timespec until;

	if (queue.owner != getpid())
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&queue.mutex);
	while (queue.first || queue.writing)
		if (pthread_cond_timedwait(&queue.empty, &queue.mutex, &until))
			break;
	pthread_mutex_unlock(&queue.mutex);
}

static struct log_line *line_new(const char *tag, int level, const char *id_of, const char *text)
{
	struct log_line *l = xcalloc(1, sizeof *l + strlen(text) + 64);

	clock_gettime(CLOCK_REALTIME, &l->at);
	(void)snprintf(l->tag, sizeof l->tag, "%s", tag);
	l->level = level;
	(void)snprintf(l->text, strlen(text) + 64, "[ID %u daemon.%s] %s", log_message_id(id_of), level_names[level], text);
	return l;
}

static void enqueue(struct log_line *l)
{
	pthread_mutex_lock(&queue.mutex);
	if (queue.waiting >= LOG_QUEUE_MAX) {
		queue.dropped++;
		free(l);
	} else {
		if (queue.dropped) {
			_cleanup_free_ char *text = xasprintf("%zu lines were not logged: the log is too slow", queue.dropped);
			struct log_line *note = line_new(l->tag, LOG_WARNING, "dropped", text);

			queue.dropped = 0;
			*queue.last = note;
			queue.last = &note->next;
			queue.waiting++;
		}
		*queue.last = l;
		queue.last = &l->next;
		queue.waiting++;
		pthread_cond_signal(&queue.more);
	}
	pthread_mutex_unlock(&queue.mutex);
}

void log_text(const char *tag, int level, const char *id_of, const char *text)
{
	struct log_line *l;

	if (level > logger.max_level)
		return;
	l = line_new(tag ? tag : logger.tag, level, id_of, text);
	if (queue.owner == getpid()) {
		enqueue(l);
		return;
	}
	write_line(l);
	free(l);
}

void log_tagged(const char *tag, int level, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	log_text(tag, level, streq(fmt, "%s") ? text : fmt, text);
}
