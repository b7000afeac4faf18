#include "clusterd/starts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/log.h"
#include "base/paths.h"
#include "clusterd/node.h"

#define STARTS_DIR  "/var/cluster/cmm"
#define STARTS_FILE "/var/cluster/cmm/starts"
#define TEXT_MAX    8192                /* more than the longest list needs; what is behind it is not read */

static void read_starts(struct quarantine *q)
{
	_cleanup_close_ int fd = open(path_state(STARTS_FILE), O_RDONLY | O_CLOEXEC);
	char text[TEXT_MAX + 1];
	ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_MAX);

	text[MAX(n, 0)] = '\0';
	quarantine_read(q, n < 0 ? NULL : text);
}

static int sync_dir(void)
{
	_cleanup_close_ int fd = open(path_state(STARTS_DIR), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_starts(const struct quarantine *q)
{
	_cleanup_free_ char *text = quarantine_text(q), *temporary = xasprintf("%s.new", path_state(STARTS_FILE));
	_cleanup_close_ int fd = -1;
	size_t len = strlen(text);

	(void)path_mkdirs(path_state(STARTS_DIR), 0755);        /* open says why not */
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	errno = fd < 0 ? errno : EIO;
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || fsync(fd) < 0 || rename(temporary, path_state(STARTS_FILE)) < 0)
		return -errno;
	return sync_dir();
}

static struct quarantine_rule rule_of(const struct node *node)
{
	return quarantine_rule_of(ccr_table(engine_ccr(node->engine), "infrastructure"));
}

void starts_begin(struct node *node)
{
	struct quarantine *q = &node->starts;
	_cleanup_free_ char *waiting = NULL;
	int r;

	read_starts(q);
	(void)quarantine_started(q, rule_of(node), node_now().wall_ms);
	r = write_starts(q);
	if (r < 0)
		log_warn("cannot note the start of this node in %s: %s", path_state(STARTS_FILE), strerror(-r));
	waiting = starts_waiting_for(node);
	if (waiting)
		log_err("%s", waiting);
}

void starts_end(struct node *node)
{
	if (node->starts.on)            /* only a person ends that */
		return;
	(void)unlink(path_state(STARTS_FILE));
	(void)sync_dir();               /* lost in a power cut: one start too many is counted */
}

int starts_lift(struct node *node)
{
	quarantine_lift(&node->starts, node_now().wall_ms);
	return write_starts(&node->starts);
}

char *starts_waiting_for(const struct node *node)
{
	struct quarantine_rule rule = rule_of(node);
	const struct quarantine *q = &node->starts;
	const char *name = rgm_node_name(engine_rgm(node->engine), node->self);

	if (!q->on)
		return NULL;
	return xasprintf("this node is quarantined: it died %u times or more within %u minutes, and would only disturb the others; find "
			 "out why (/var/cluster/logs/failfast.log, the system log), then give clnode unquarantine %s here", rule.deaths,
			 rule.minutes, name);
}
