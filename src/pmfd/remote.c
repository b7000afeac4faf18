#include "pmfd/remote.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/macros.h"
#include "base/paths.h"

#define BACKLOG 64

int remote_listen(const char *address, struct err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list;
	_cleanup_free_ char *port = xasprintf("%d", PORT_PMFD);
	_cleanup_close_ int fd = -1;
	int one = 1, r = getaddrinfo(address, port, &hints, &list);

	if (r != 0)
		return err_set(err, -EINVAL, "PMF_LISTEN: %s is no address: %s", address, gai_strerror(r));
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
	freeaddrinfo(list);
	if (r < 0)
		return err_set(err, r, "PMF_LISTEN: cannot listen on %s, TCP port %d: %s", address, PORT_PMFD, strerror(-r));
	return TAKE_FD(fd);
}
