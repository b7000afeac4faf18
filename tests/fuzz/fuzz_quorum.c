/* libFuzzer target: no bytes may break what reads requests in quorumd, lines in the quorum server and its files, answers in
 * its client, or blocks of a quorum disk.  The first byte of the input says which. */
#include "base/json.h"
#include "quorum/block.h"
#include "quorum/qs_message.h"
#include "quorum/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_request(const char *text, size_t len)
{
	struct quorum_message m;
	struct err err = { 0 };
	int r = quorum_message_parse(text, len, &m, &err);

	assert(r == 0 || (r == -22 && *err.text));
	if (r == 0 && m.configure)
		assert(nodeset_has(m.cluster.nodes, m.cluster.self) && m.device_count <= QUORUM_DEVICES_MAX);
	if (r == 0 && !m.configure)
		assert(m.request.op < QOP_COUNT && *m.device && (m.request.op != QOP_TAKE || m.request.keep));
	quorum_message_done(&m);
}

/* A hello, then requests, on a state that must stay one that can be stored. */
static void fuzz_server(const char *text, size_t len)
{
	struct qs_state state = { .cluster = "demo", .id = 1 }, again;
	const char *end = memchr(text, '\n', len);
	struct qs_hello hello;
	struct err err = { 0 };
	bool changed;

	if (!end || qs_hello_parse(text, (size_t)(end - text), &hello, &err) < 0)
		return;
	for (const char *line = end + 1; (end = memchr(line, '\n', len - (size_t)(line - text))); line = end + 1) {
		struct qs_request request;
		enum quorum_result result;
		json_t *o;

		if (qs_request_parse(line, (size_t)(end - line), &hello, &request, &err) < 0)
			return;
		result = qs_apply(&state, &request, &changed, &err);
		assert(result != QUORUM_OK || request.op != QOP_TAKE || (state.nodes & ~request.keep) == 0);
		o = qs_state_to_json(&state);
		assert(qs_state_from_json(o, &again, &err) == 0);
		assert(again.nodes == state.nodes && again.holder == state.holder);
		json_decref(o);
	}
}

static void fuzz_file(const char *text, size_t len)
{
	json_t *o = json_loadb(text, len, 0, NULL);
	struct err err = { 0 };
	struct qs_state state;

	if (json_is_object(o) && qs_state_from_json(o, &state, &err) == 0)
		assert(!state.holder || nodeset_has(state.nodes, state.holder));
	json_decref(o);
}

static void fuzz_answer(const char *text, size_t len)
{
	struct quorum_answer answer;
	struct err err = { 0 };

	if (qs_answer_parse(text, len, &answer, &err) == 0)
		free(quorum_answer_line(1, &answer, 0.5));
}

static void fuzz_block(const char *text, size_t len)
{
	static uint8_t pair[2 * QD_BLOCK_BYTES];
	struct pax_block body = { .instance = 1 };
	struct err err = { 0 };
	struct qd_label label;
	uint64_t seq;

	qd_block_encode(1, 1, 4, &body, pair);
	qd_block_encode(1, 1, 5, &body, pair + QD_BLOCK_BYTES);
	if (len)
		memcpy(pair, text, MIN(len, sizeof pair));
	(void)qd_pair_decode(1, 1, pair, &seq, &body, &err);    /* any result will do, as long as there is one */
	(void)qd_label_decode(pair, &label, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(const char *, size_t) = { fuzz_request, fuzz_server, fuzz_file, fuzz_answer, fuzz_block };
	/* Exactly as long as the input, so that a read beyond it is seen. */
	_cleanup_free_ char *text = size ? xcalloc(size - 1, 1) : NULL;

	if (!size)
		return 0;
	if (size > 1)
		memcpy(text, data + 1, size - 1);
	targets[data[0] % ARRAY_SIZE(targets)](text, size - 1);
	return 0;
}
