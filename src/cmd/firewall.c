#include "cmd/firewall.h"

#include <stdio.h>

#include "base/buf.h"

static bool names_ports(const char *rules)
{
	return strstr(rules, "5405") != NULL;
}

/* A chain on the hook "input" whose policy is drop, or that ends in a drop or reject of everything. */
static bool nftables_blocks(const char *rules)
{
	const char *chain = rules;

	while ((chain = strstr(chain, "hook input"))) {
		const char *end = strchr(chain, '}'), *line = chain;
		size_t n = end ? (size_t)(end - chain) : strlen(chain);

		while (line && line < chain + n) {
			const char *text = line + strspn(line, " \t\n");

			if (strncmp(text, "drop", 4) == 0 || strncmp(text, "reject", 6) == 0)
				return true;
			line = strchr(text, '\n');
		}
		line = strstr(chain, "policy drop");
		if (line && line < chain + n)
			return true;
		chain += n;
	}
	return false;
}

static bool iptables_blocks(const char *rules)
{
	return strstr(rules, "-P INPUT DROP") || strstr(rules, "-P INPUT REJECT") || strstr(rules, "-A INPUT -j DROP") ||
	       strstr(rules, "-A INPUT -j REJECT");
}

bool firewall_blocks(enum firewall kind, const char *rules)
{
	if (names_ports(rules))
		return false;
	switch (kind) {
	case FIREWALL_NFTABLES:  return nftables_blocks(rules);
	case FIREWALL_IPTABLES:  return iptables_blocks(rules);
	case FIREWALL_FIREWALLD: return !strstr(rules, "target: ACCEPT") && !strstr(rules, "high-availability");
	case FIREWALL_NONE:
	case FIREWALL_COUNT:     break;
	}
	return false;
}

char *firewall_command(enum firewall kind, unsigned links)
{
	unsigned last = COROSYNC_PORT + (links ? links - 1 : 0);

	switch (kind) {
	case FIREWALL_IPTABLES:
		return xasprintf("iptables -I INPUT -p udp --dport %u:%u -j ACCEPT", COROSYNC_PORT, last);
	case FIREWALL_FIREWALLD:
		return xasprintf("firewall-cmd --permanent --add-port=%u-%u/udp && firewall-cmd --reload", COROSYNC_PORT, last);
	case FIREWALL_NONE:
	case FIREWALL_NFTABLES:
	case FIREWALL_COUNT:
		break;
	}
	return xasprintf("nft insert rule inet filter input udp dport %u-%u accept", COROSYNC_PORT, last);
}
