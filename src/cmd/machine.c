#include "cmd/machine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/paths.h"
#include "cmd/file.h"
#include "cmd/firewall.h"
#include "cmm/corosync_conf.h"

#define COROSYNC       "/usr/sbin/corosync"
#define COROSYNC_CONF  "/etc/corosync/corosync.conf"
#define PACEMAKER_CONF "/var/lib/pacemaker/cib/cib.xml"
#define OUTPUT_MAX     (1u << 20)

extern char **environ;

/* ---- other programs ---- */

static int run_into(const char *const argv[], int out)
{
	posix_spawn_file_actions_t actions;
	int status, r;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	r = -posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

int machine_run(const char *const argv[], char **ret_output)
{
	char path[] = "/tmp/parhelion.XXXXXX";
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);     /* a file and no pipe: nobody has to read while it runs */
	struct buf text = { 0 };
	char part[4096];
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	(void)unlink(path);
	r = run_into(argv, fd);
	if (!ret_output)
		return r;
	for (off_t at = 0; r >= 0 && text.len < OUTPUT_MAX && (n = pread(fd, part, sizeof part, at)) > 0; at += n)
		buf_add(&text, part, (size_t)n);
	*ret_output = buf_take(&text);
	return r;
}

bool machine_has_systemd(void)
{
	_cleanup_free_ char *comm = NULL;
	size_t len;

	return access("/run/systemd/system", F_OK) == 0 && file_read("/proc/1/comm", 64, &comm, &len, NULL) == 0 &&
	       streq(comm, "systemd\n");
}

/* ---- checks ---- */

static int check_root(const struct share *s, struct strlist *notes, struct err *err)
{
	(void)s;
	(void)notes;
	return geteuid() == 0 ? 0 : err_set(err, -EPERM, "it takes root");
}

static int check_programs(const struct share *s, struct strlist *notes, struct err *err)
{
	static const char *const programs[] = { PREFIX_SC "/failfastd", PREFIX_SC "/pmfd", PREFIX_SC "/clusterd", COROSYNC };

	(void)s;
	(void)notes;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (access(programs[i], X_OK) < 0)
			return err_set(err, -ENOENT, "%s is not there: %s", programs[i],
				       streq(programs[i], COROSYNC) ? "install corosync" : "the installation is not complete");
	return 0;
}

static int check_other_cluster(const struct share *s, struct strlist *notes, struct err *err)
{
	_cleanup_free_ char *conf = NULL;
	size_t len;

	(void)s;
	(void)notes;
	if (access(PACEMAKER_CONF, F_OK) == 0)
		return err_set(err, -EEXIST, "this machine belongs to a Pacemaker cluster: %s exists", PACEMAKER_CONF);
	if (file_read(COROSYNC_CONF, 1u << 20, &conf, &len, NULL) < 0)
		return 0;
	/* Ours, or the example of the package. */
	if (strstr(conf, "# Made from the infrastructure table") || strstr(conf, "cluster_name: debian"))
		return 0;
	return err_set(err, -EEXIST, "corosync is configured for another cluster: %s; remove it if there is none any more",
		       COROSYNC_CONF);
}

static bool has_address(const struct ifaddrs *list, const unsigned char raw[16], int family)
{
	for (; list; list = list->ifa_next) {
		const struct sockaddr *a = list->ifa_addr;

		if (!a || a->sa_family != family)
			continue;
		if (family == AF_INET ? memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr, raw, 4) == 0
				      : memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, raw, 16) == 0)
			return true;
	}
	return false;
}

static const char *link_address(const struct share *s, unsigned link)
{
	char key[96];

	(void)snprintf(key, sizeof key, "cluster.nodes.%u.adapters.%u.properties.ip_address", s->id, link);
	return ju_str(s->table, key, NULL);
}

static int check_addresses(const struct share *s, struct strlist *notes, struct err *err)
{
	struct ifaddrs *list;
	const char *address;
	int r = 0;

	(void)notes;
	if (getifaddrs(&list) < 0)
		return err_set(err, -errno, "cannot read the addresses of this machine: %s", strerror(errno));
	for (unsigned k = 1; r == 0 && k <= LINKS_MAX && (address = link_address(s, k)); k++) {
		unsigned char raw[16];
		int family = inet_pton(AF_INET, address, raw) == 1 ? AF_INET : AF_INET6;

		if ((family == AF_INET6 && inet_pton(AF_INET6, address, raw) != 1) || !has_address(list, raw, family))
			r = err_set(err, -EADDRNOTAVAIL, "node %s has address %s on the interconnect, but no adapter of this machine "
				    "has it: set it first, or name the right node with -n", s->name, address);
	}
	freeifaddrs(list);
	return r;
}

static int check_host_name(const struct share *s, struct strlist *notes, struct err *err)
{
	struct addrinfo *found = NULL;
	int r = getaddrinfo(s->name, NULL, NULL, &found);

	(void)err;
	if (r == 0)
		freeaddrinfo(found);
	else
		strlist_take(notes, xasprintf("The name %s has no address (%s): give it one in /etc/hosts on every node", s->name,
					      gai_strerror(r)));
	if (!streq(s->name, path_hostname()))
		strlist_take(notes, xasprintf("This machine calls itself %s and is node %s of the cluster", path_hostname(), s->name));
	return 0;
}

static int check_clock(const struct share *s, struct strlist *notes, struct err *err)
{
	struct timex t = { 0 };

	(void)s;
	(void)err;
	if (adjtimex(&t) == TIME_ERROR)
		strlist_add(notes, "The clock of this machine is not synchronized: run chrony or another NTP client on all nodes, or "
			    "their logs will not fit together");
	return 0;
}

static int check_firewall(const struct share *s, struct strlist *notes, struct err *err)
{
	static const struct { enum firewall kind; const char *argv[4]; } firewalls[] = {
		{ FIREWALL_FIREWALLD, { "firewall-cmd", "--list-all" } },
		{ FIREWALL_NFTABLES,  { "nft", "list", "ruleset" } },
		{ FIREWALL_IPTABLES,  { "iptables", "-S", "INPUT" } },
	};
	unsigned links = 0;

	(void)err;
	while (links < LINKS_MAX && link_address(s, links + 1))
		links++;
	for (size_t i = 0; i < ARRAY_SIZE(firewalls); i++) {
		_cleanup_free_ char *rules = NULL, *command = NULL;

		if (machine_run(firewalls[i].argv, &rules) != 0 || !rules || !*rules)
			continue;
		if (!firewall_blocks(firewalls[i].kind, rules))
			return 0;
		command = firewall_command(firewalls[i].kind, links);
		strlist_take(notes, xasprintf("The firewall of this machine seems to drop what comes in. The nodes need UDP ports %u to %u "
					      "of each other: %s. A quorum server needs TCP port %u where it runs", COROSYNC_PORT,
					      COROSYNC_PORT + links - 1, command, QUORUM_SERVER_PORT));
		return 0;
	}
	return 0;
}

int machine_check(const struct share *share, struct strlist *notes, struct err *err)
{
	static int (*const checks[])(const struct share *s, struct strlist *notes, struct err *err) = {
		check_root, check_programs, check_other_cluster, check_addresses, check_host_name, check_clock, check_firewall,
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int r = checks[i](share, notes, err);

		if (r < 0)
			return r;
	}
	return 0;
}
