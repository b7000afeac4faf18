/* What the supervisors of bench/pmf.py keep alive, and the least of all supervisors.
 *
 *   pmf-victim             says when it was started (CLOCK_MONOTONIC, ns) and its pid in a datagram to $VICTIM_SOCKET, then waits
 *   pmf-victim loop        starts the former again and again: fork, exec, waitpid */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *path, int64_t ns)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[64];
	int n = snprintf(text, sizeof text, "%d %" PRId64, (int)getpid(), ns);

	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	if (fd < 0 || sendto(fd, text, (size_t)n, 0, (struct sockaddr *)&a, sizeof a) < 0)
		exit(1);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *path = getenv("VICTIM_SOCKET");
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	while (argc > 1) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/proc/self/exe", argv[0], (char *)NULL);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) < 0)
			return 1;
	}
	if (!path)
		return 2;
	say(path, (int64_t)t.tv_sec * 1000000000 + t.tv_nsec);
	for (;;)
		pause();
}
