#include "failfastd/failfast.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/paths.h"
#include "failfastd/protocol.h"

#define ANSWER_TIMEOUT_S 2
/* Room for about 40 messages, so that a failfastd that stands still is found after as many beats, little more than a lease: -EAGAIN.
 * The default would hold 280. */
#define SEND_BYTES (16 << 10)

static int message_send(int fd, const struct ff_message *message, int flags)
{
	while (send(fd, message, sizeof *message, MSG_NOSIGNAL | flags) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int message_answer(int fd)
{
	struct ff_message answer = { 0 };
	ssize_t n;

	do
		n = recv(fd, &answer, sizeof answer, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (n == 0)
		return -EPERM;                  /* failfastd closes on those whom it does not serve */
	if (n != sizeof answer || answer.type != FF_ACK)
		return -EPROTO;
	return answer.result;
}

int failfast_register(const char *name, unsigned grace_s, struct err *err)
{
	struct ff_message message = { .type = FF_REGISTER, .grace_s = grace_s };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = ANSWER_TIMEOUT_S };
	const char *path = path_state(PATH_FAILFAST_SOCK);
	_cleanup_close_ int fd = -1;
	int room = SEND_BYTES, r;

	if (!*name || strlen(name) > FAILFAST_NAME_MAX)
		return err_set(err, -EINVAL, "failfast name must have 1 to %d characters", FAILFAST_NAME_MAX);
	if (strlen(path) >= sizeof address.sun_path)
		return err_set(err, -ENAMETOOLONG, "socket path %s is too long", path);
	strcpy(address.sun_path, path);
	strcpy(message.text, name);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);    /* worst case: we wait longer */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);        /* worst case: found later */
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return err_set(err, -errno, "cannot reach failfastd at %s: %s", path, strerror(errno));
	r = message_send(fd, &message, 0);
	if (r == 0)
		r = message_answer(fd);
	if (r < 0)
		return err_set(err, r, "failfastd does not accept \"%s\": %s", name, strerror(-r));
	return TAKE_FD(fd);
}

int failfast_lease(int fd, uint64_t deadline_ns)
{
	return message_send(fd, &(struct ff_message) { .type = FF_LEASE, .deadline_ns = deadline_ns }, MSG_DONTWAIT);
}

int failfast_goodbye(int fd)
{
	struct timeval limit = { .tv_sec = 1 };
	int r;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	r = message_send(fd, &(struct ff_message) { .type = FF_GOODBYE }, 0);
	if (r == 0)
		r = message_answer(fd);
	close(fd);
	return r;
}

int failfast_panic(int fd, const char *reason)
{
	struct ff_message message = { .type = FF_PANIC };

	(void)snprintf(message.text, sizeof message.text, "%s", reason);        /* a longer reason is cut */
	return message_send(fd, &message, MSG_DONTWAIT);
}
