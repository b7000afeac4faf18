/* Randomness, time, and what is said of a run. */
#include "sim.h"

#include <stdarg.h>

struct world w;

/* ---- seeded randomness (splitmix64) ---- */
static uint64_t rnd_state;
void seed_random(uint64_t seed) { rnd_state = seed * 0x9e3779b97f4a7c15ULL + 1; }

static uint64_t rnd(void)
{
	uint64_t z = (rnd_state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}
uint64_t rnd_upto(uint64_t n) { return n ? rnd() % n : 0; }
uint64_t rnd_range(uint64_t lo, uint64_t hi) { return lo + rnd_upto(hi - lo + 1); }
bool chance(unsigned percent) { return rnd_upto(100) < percent; }

void trace(const char *fmt, ...)
{
	va_list ap;

	if (!w.verbose)
		return;
	printf("%9.3f ", (double)w.now / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void fail(const char *fmt, ...)
{
	va_list ap;

	if (w.failure[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(w.failure, sizeof w.failure, fmt, ap);
	va_end(ap);
	trace("FAILED: %s", w.failure);
}

/* ---- event queue ---- */
static bool before(const struct ev *a, const struct ev *b) { return a->at != b->at ? a->at < b->at : a->seq < b->seq; }

void schedule(uint64_t at, enum ev_type type, uint32_t node, uint64_t arg, json_t *json)
{
	struct ev e = { .at = MAX(at, w.now), .seq = ++w.seq, .type = type, .node = node, .life = node ? w.node[node].life : 0,
			.arg = arg, .json = json };
	size_t i;

	if (w.heap_len == w.heap_cap) {
		w.heap_cap = w.heap_cap ? w.heap_cap * 2 : 256;
		w.heap = xrealloc(w.heap, w.heap_cap * sizeof *w.heap);
	}
	for (i = w.heap_len++; i && before(&e, &w.heap[(i - 1) / 2]); i = (i - 1) / 2)
		w.heap[i] = w.heap[(i - 1) / 2];
	w.heap[i] = e;
}

struct ev next_event(void)
{
	struct ev top = w.heap[0], last = w.heap[--w.heap_len];
	size_t i = 0, c;

	while ((c = 2 * i + 1) < w.heap_len) {
		if (c + 1 < w.heap_len && before(&w.heap[c + 1], &w.heap[c]))
			c++;
		if (!before(&w.heap[c], &last))
			break;
		w.heap[i] = w.heap[c];
		i = c;
	}
	w.heap[i] = last;
	return top;
}
