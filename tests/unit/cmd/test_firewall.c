/* Rules as the tools print them: do they hold up the cluster? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/firewall.h"

#define CHAIN(policy, rules) "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy " policy \
	";\n" rules "\t}\n\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n"

static const struct { enum firewall kind; const char *rules; bool blocks; } rows[] = {
	{ FIREWALL_NONE,      "", false },
	{ FIREWALL_NFTABLES,  "", false },
	{ FIREWALL_NFTABLES,  CHAIN("accept", ""), false },
	{ FIREWALL_NFTABLES,  CHAIN("accept", "\t\ttcp dport 25 drop\n"), false },
	{ FIREWALL_NFTABLES,  CHAIN("accept", "\t\ttcp dport 22 accept\n\t\treject with icmp port-unreachable\n"), true },
	{ FIREWALL_NFTABLES,  CHAIN("drop", "\t\ttcp dport 22 accept\n"), true },
	{ FIREWALL_NFTABLES,  CHAIN("drop", "\t\tudp dport 5405-5412 accept\n"), false },
	{ FIREWALL_IPTABLES,  "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 25 -j DROP\n", false },
	{ FIREWALL_IPTABLES,  "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", true },
	{ FIREWALL_IPTABLES,  "-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable\n", true },
	{ FIREWALL_IPTABLES,  "-P INPUT DROP\n-A INPUT -p udp -m udp --dport 5405:5406 -j ACCEPT\n", false },
	{ FIREWALL_FIREWALLD, "public (active)\n  target: default\n  services: ssh\n", true },
	{ FIREWALL_FIREWALLD, "public (active)\n  target: default\n  services: high-availability ssh\n", false },
	{ FIREWALL_FIREWALLD, "trusted (active)\n  target: ACCEPT\n", false },
};

static void test_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (firewall_blocks(rows[i].kind, rows[i].rules) != rows[i].blocks)
			fail_msg("row %zu: %s", i, rows[i].rules);
}

static void test_commands(void **state)
{
	static const struct { enum firewall kind; unsigned links; const char *command; } commands[] = {
		{ FIREWALL_NFTABLES,  1, "nft insert rule inet filter input udp dport 5405-5405 accept" },
		{ FIREWALL_IPTABLES,  2, "iptables -I INPUT -p udp --dport 5405:5406 -j ACCEPT" },
		{ FIREWALL_FIREWALLD, 8, "firewall-cmd --permanent --add-port=5405-5412/udp && firewall-cmd --reload" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char *command = firewall_command(commands[i].kind, commands[i].links);

		assert_string_equal(command, commands[i].command);
		free(command);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_blocks), cmocka_unit_test(test_commands) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
