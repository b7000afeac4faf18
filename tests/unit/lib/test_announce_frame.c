#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/announce.h"

static const uint8_t us[6] = { 2, 0, 0, 0, 0, 1 }, them[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t ip4[4] = { 10, 88, 0, 201 }, other4[4] = { 10, 88, 0, 202 };
static const uint8_t ip6[16] = { 0xfd, 0x88, [14] = 2, [15] = 1 }, other6[16] = { 0xfd, 0x88, [15] = 9 };

static void test_arp(void **state)
{
	static const uint8_t request[ANNOUNCE_ARP_SIZE] = {
		0, 1, 8, 0, 6, 4, 0, 1,  2, 0, 0, 0, 0, 1,  10, 88, 0, 201,  0, 0, 0, 0, 0, 0,  10, 88, 0, 201
	};
	uint8_t frame[ANNOUNCE_ARP_SIZE], mac[6];

	announce_arp_frame(ANNOUNCE_ARP_REQUEST, us, ip4, frame);
	assert_memory_equal(frame, request, sizeof request);
	assert_false(announce_arp_claims(frame, sizeof frame, us, ip4, mac));           /* our own, back from a hub */
	assert_true(announce_arp_claims(frame, sizeof frame, them, ip4, mac));
	assert_memory_equal(mac, us, 6);
	assert_false(announce_arp_claims(frame, sizeof frame, them, other4, mac));
	assert_false(announce_arp_claims(frame, sizeof frame - 1, them, ip4, mac));
	announce_arp_frame(ANNOUNCE_ARP_REPLY, us, ip4, frame);
	assert_true(announce_arp_claims(frame, sizeof frame, them, ip4, mac));
	announce_arp_frame(ANNOUNCE_ARP_PROBE, us, ip4, frame);
	assert_true(announce_arp_claims(frame, sizeof frame, them, ip4, mac));          /* he wants it too */
	assert_false(announce_arp_claims(frame, sizeof frame, them, other4, mac));
}

/* Over pseudo header and body the sum must come out as all ones. */
static bool checksum_ok(const uint8_t *frame, size_t len)
{
	uint32_t sum = (uint32_t)(len - 40) + 58;

	for (size_t i = 8; i < len; i += 2)
		sum += (uint32_t)(frame[i] << 8 | frame[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void test_neighbor_discovery(void **state)
{
	uint8_t frame[ANNOUNCE_ND_MAX], mac[6];
	size_t len = announce_nd_frame(false, us, ip6, frame);

	assert_int_equal(len, ANNOUNCE_ND_MAX);
	assert_true(checksum_ok(frame, len));
	assert_int_equal(frame[7], 255);
	assert_int_equal(frame[40], 136);
	assert_true(announce_nd_claims(frame, len, them, them, ip6, mac));              /* the option tells, not the frame */
	assert_memory_equal(mac, us, 6);
	assert_false(announce_nd_claims(frame, len, us, us, ip6, mac));
	assert_false(announce_nd_claims(frame, len, us, them, other6, mac));
	len = announce_nd_frame(true, us, ip6, frame);
	assert_int_equal(len, 64);
	assert_true(checksum_ok(frame, len));
	assert_memory_equal(frame + 37, ip6 + 13, 3);
	assert_true(announce_nd_claims(frame, len, us, them, ip6, mac));                /* another duplicate check */
	frame[8] = 0xfe;                                                                /* an ordinary question */
	assert_false(announce_nd_claims(frame, len, us, them, ip6, mac));
	assert_false(announce_nd_claims(frame, 63, us, them, ip6, mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_arp), cmocka_unit_test(test_neighbor_discovery) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
