/* Would the firewall of this machine hold up the cluster?  A guess from its rules, good enough for a hint.  Pure. */
#pragma once
#include "base/macros.h"

#define COROSYNC_PORT      5405u        /* of link 0; one more for each further link, UDP */
#define QUORUM_SERVER_PORT 9000u        /* TCP, on the machine of the quorum server */

enum firewall { FIREWALL_NONE, FIREWALL_NFTABLES, FIREWALL_IPTABLES, FIREWALL_FIREWALLD, FIREWALL_COUNT };

/* rules: what "nft list ruleset" or "iptables -S INPUT" prints, or "firewall-cmd --list-all".  True: packets that come in are
 * dropped unless a rule lets them pass, and none names the ports. */
bool  firewall_blocks(enum firewall kind, const char *rules);
/* The command that opens the ports of so many links; caller frees. */
char *firewall_command(enum firewall kind, unsigned links);
