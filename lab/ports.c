/* The switch's side of a node's cables.
 *
 * A machine that loses power sends nothing more.  A network namespace whose processes are killed does: the kernel
 * closes their sockets, so FIN and RST leave.  Hence a port is disabled in the bridge before the processes die, by
 * one rtnetlink request that needs no grace period (taking the link down does) and is done when send() returns. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "labnode.h"

struct disable_request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	struct rtattr protinfo; /* nests the next one */
	struct rtattr state;
	uint8_t value;
	uint8_t pad[3];
};
static_assert(sizeof(struct disable_request) == NLMSG_LENGTH(sizeof(struct ifinfomsg)) + 2 * RTA_LENGTH(0) + 4,
	      "the request must have no holes");

void ports_open(struct ports *ports, pid_t switch_pid)
{
	_cleanup_close_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int there = -1;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)switch_pid);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		die_errno("cannot reach the switch (pid %d); clusterlab down, then up", (int)switch_pid);
	ports->rtnl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (ports->rtnl < 0 || setns(home, CLONE_NEWNET) < 0)
		die_errno("rtnetlink of the switch");
}

void ports_disable(const struct ports *ports)
{
	struct disable_request requests[PORTS_MAX];

	for (size_t i = 0; i < ports->count; i++)
		requests[i] = (struct disable_request){
			.header = {.nlmsg_len = sizeof requests[i],
				   .nlmsg_type = RTM_SETLINK,
				   .nlmsg_flags = NLM_F_REQUEST},
			.link = {.ifi_family = AF_BRIDGE, .ifi_index = ports->ifindex[i]},
			.protinfo = {.rta_len = 2 * RTA_LENGTH(0) + 4, .rta_type = IFLA_PROTINFO | NLA_F_NESTED},
			.state = {.rta_len = RTA_LENGTH(1), .rta_type = IFLA_BRPORT_STATE},
			.value = BR_STATE_DISABLED,
		};
	/* A port that is gone already passes no frames either, so an answer could tell nothing of use. */
	(void)!send(ports->rtnl, requests, ports->count * sizeof requests[0], MSG_DONTWAIT);
}

void ports_delete(const struct ports *ports)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} requests[PORTS_MAX];

	for (size_t i = 0; i < ports->count; i++) {
		requests[i].header = (struct nlmsghdr){
			.nlmsg_len = sizeof requests[i], .nlmsg_type = RTM_DELLINK, .nlmsg_flags = NLM_F_REQUEST};
		requests[i].link = (struct ifinfomsg){.ifi_index = ports->ifindex[i]};
	}
	(void)!send(ports->rtnl, requests, ports->count * sizeof requests[0], MSG_DONTWAIT);
}
