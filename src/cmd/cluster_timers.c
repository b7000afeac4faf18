/* cluster timers: the numbers, a drawing to scale of what happens after a node's death, and the inequality that makes it
 * safe. */
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cluster.h"
#include "cmd/print.h"
#include "cmd/signame.h"
#include "cmm/timers.h"

/* ---- the numbers ---- */

static const struct timer_row { const char *name; size_t offset; const char *meaning; } timer_rows[] = {
#define ROW(member, meaning) { #member, offsetof(struct cmm_timers, member), meaning }
	ROW(takeover_ms,  "the setting: services of a dead node may start elsewhere within it"),
	ROW(token_ms,     "corosync: silence of the ring until it is declared lost"),
	ROW(consensus_ms, "corosync: agreement on the new ring"),
	ROW(join_ms,      "corosync: repetition of join messages"),
	ROW(beat_ms,      "a member says that it lives, and whom it hears, this often"),
	ROW(head_ms,      "in a race for a quorum device the side that serves less waits so long"),
	ROW(device_ms,    "for one operation on a quorum device"),
	ROW(lease_ms,     "a member whose beats nobody confirmed for so long panics"),
	ROW(margin_ms,    "clock drift, and the time that a panic takes"),
	ROW(slack_ms,     "what the lease has beyond 3 x beat and the four after it; must be positive"),
	ROW(formation_ms, "a quorate set that forms a new cluster waits so long for the rest"),
	ROW(check_ms,     "quorum devices are looked at this often"),
#undef ROW
};

static uint32_t timer_value(const struct cmm_timers *t, const struct timer_row *row)
{
	return *(const uint32_t *)((const char *)t + row->offset);
}

static void print_numbers(const struct cmm_timers *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(timer_rows); i++) {
		_cleanup_free_ char *name = xstrndup(timer_rows[i].name, strlen(timer_rows[i].name) - strlen("_ms"));

		(void)printf("%-12s%7u ms   %s\n", name, timer_value(t, &timer_rows[i]), timer_rows[i].meaning);
	}
}

/* ---- the time line: a row is one line of this table ---- */

#define SPANS_MAX 16

struct span { const char *name; uint32_t start, end; const char *why; };        /* ms from the last beat that was confirmed */

static size_t make_spans(const struct cmm_timers *t, struct span ret[SPANS_MAX])
{
	uint32_t death = 3 * t->beat_ms, lost = death + t->token_ms, ring = lost + t->consensus_ms;
	uint32_t race = ring + t->head_ms, won = race + t->device_ms;
	const struct span rows[] = {
		{ "beat",      0,           death,                    "so old may it be at the death: sent, seen, confirmed, each a beat late" },
		{ "token",     death,       lost,                     "silence, until the ring is declared lost" },
		{ "consensus", lost,        ring,                     "the others agree on a new ring" },
		{ "head",      ring,        race,                     "without a majority: the side that serves less waits" },
		{ "device",    race,        won,                      "and takes the quorum device; leases are renewed" },
		{ "slack",     won,         t->lease_ms,              "what the lease has beyond that" },
		{ "lease",     0,           t->lease_ms,              "had the node only been frozen, it has panicked at the end" },
		{ "margin",    t->lease_ms, t->lease_ms + t->margin_ms, "clock drift, and the time that a panic takes" },
		{ "takeover",  t->takeover_ms, t->takeover_ms,        "its services may start elsewhere" },
	};

	static_assert(ARRAY_SIZE(rows) <= SPANS_MAX, "make SPANS_MAX larger");
	memcpy(ret, rows, sizeof rows);
	return ARRAY_SIZE(rows);
}

/* ---- drawing ---- */

#define NAME_WIDTH    12
#define RANGE_WIDTH   20        /* "   9999 -  9999 ms  " */
#define BAR_MIN       20u
#define BAR_MAX       64u
#define COLUMNS_FILE  160u      /* where there is no terminal */
#define AXIS_PARTS    4u

/* What lines are made of: in plain ASCII, and where the locale can. */
struct pen { const char *bar, *moment, *axis, *tick, *first, *last; };
static const struct pen ascii_pen = { "#", "^", "-", "+", "+", "+" }, utf8_pen = { "█", "▲", "─", "┼", "├", "┤" };

static unsigned terminal_columns(void)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return COLUMNS_FILE;
	return size.ws_col;
}

static const struct pen *choose_pen(void)
{
	(void)setlocale(LC_CTYPE, "");  /* fails for an unknown locale, which is then plain ASCII */
	return streq(nl_langinfo(CODESET), "UTF-8") ? &utf8_pen : &ascii_pen;
}

struct canvas { const struct pen *pen; unsigned width; uint32_t total_ms; bool with_why; };

static unsigned column(const struct canvas *c, uint32_t ms)
{
	return (unsigned)(((uint64_t)ms * c->width + c->total_ms / 2) / c->total_ms);
}

static void repeat(const char *text, unsigned n)
{
	while (n--)
		(void)fputs(text, stdout);
}

static void draw_axis(const struct canvas *c)
{
	unsigned at = 0;

	(void)printf("%*s", NAME_WIDTH, "");
	for (unsigned i = 0; i <= AXIS_PARTS; i++) {
		unsigned here = i * c->width / AXIS_PARTS;

		(void)printf("%*s", (int)(here - at), "");
		at = here + (unsigned)printf("%" PRIu32, c->total_ms / AXIS_PARTS * i + c->total_ms % AXIS_PARTS * i / AXIS_PARTS);
	}
	(void)printf(" ms\n%*s", NAME_WIDTH, "");
	for (unsigned i = 0; i <= c->width; i++)
		(void)fputs(i == 0 ? c->pen->first : i == c->width ? c->pen->last :
			    i * AXIS_PARTS % c->width < AXIS_PARTS ? c->pen->tick : c->pen->axis, stdout);
	(void)printf("\n");
}

static void draw_span(const struct canvas *c, const struct span *span)
{
	bool moment = span->start == span->end;
	unsigned from = column(c, span->start), to = moment ? from + 1 : MAX(column(c, span->end), from + 1);

	(void)printf("%-*s", NAME_WIDTH, span->name);
	repeat(" ", from);
	repeat(moment ? c->pen->moment : c->pen->bar, to - from);
	repeat(" ", c->width + 1 > to ? c->width + 1 - to : 0);
	if (moment)
		(void)printf("%16" PRIu32 " ms", span->end);
	else
		(void)printf("%7" PRIu32 " - %6" PRIu32 " ms", span->start, span->end);
	(void)printf("%s%s\n", c->with_why ? "  " : "", c->with_why ? span->why : "");
}

static void draw(const struct cmm_timers *t, const struct span *spans, size_t n)
{
	struct canvas c = { .pen = choose_pen(), .total_ms = t->takeover_ms };
	unsigned columns = terminal_columns(), fixed = NAME_WIDTH + RANGE_WIDTH + 2, why = 0;

	for (size_t i = 0; i < n; i++) {
		why = MAX(why, (unsigned)strlen(spans[i].why));
		c.total_ms = MAX(c.total_ms, spans[i].end);
	}
	c.with_why = columns >= fixed + BAR_MIN + why;
	fixed += c.with_why ? why : 0;
	c.width = columns > fixed + BAR_MIN ? MIN(columns - fixed, BAR_MAX) : BAR_MIN;
	c.width -= c.width % AXIS_PARTS;
	(void)printf("\nFrom the last beat that was confirmed before a node's death:\n\n");
	draw_axis(&c);
	for (size_t i = 0; i < n; i++)
		draw_span(&c, &spans[i]);
}

static void print_inequality(const struct cmm_timers *t)
{
	const struct { const char *name; uint32_t value, times; } terms[] = {
		{ "3 x beat", t->beat_ms, 3 },     { "token", t->token_ms, 1 },       { "consensus", t->consensus_ms, 1 },
		{ "head start", t->head_ms, 1 },   { "device", t->device_ms, 1 },
	};
	uint32_t sum = 0;

	(void)printf("\n");
	for (size_t i = 0; i < ARRAY_SIZE(terms); i++) {
		(void)printf("%s%s %" PRIu32, i ? " + " : "", terms[i].name, terms[i].value);
		sum += terms[i].times * terms[i].value;
	}
	(void)printf("\n  = %" PRIu32 " < lease %" PRIu32 "\nlease %" PRIu32 " + margin %" PRIu32 " = %" PRIu32 " <= takeover_time %" PRIu32 "\n",
		     sum, t->lease_ms, t->lease_ms, t->margin_ms, t->lease_ms + t->margin_ms, t->takeover_ms);
}

static void print_timers_json(const struct cmm_timers *t, const struct span *spans, size_t n)
{
	json_t *out = json_object(), *rows = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(timer_rows); i++)
		ju_set_int(out, timer_rows[i].name, timer_value(t, &timer_rows[i]));
	for (size_t i = 0; i < n; i++)
		ju_push(rows, ju_pack("{ss, sI, sI, ss}", "name", spans[i].name, "start_ms", (json_int_t)spans[i].start, "end_ms",
				      (json_int_t)spans[i].end, "why", spans[i].why));
	ju_set_new(out, "timeline", rows);
	print_json(out);
	json_decref(out);
}

/* --takeover-time, else the setting of the cluster.  EXIT_OK, or the exit code after a complaint. */
static int read_takeover(const struct cmdline *line, uint32_t *ret)
{
	const char *given = cmdline_get(line, '4');
	json_t *status = NULL;
	int value = 0, r;

	if (given && number_parse(given, 0, INT32_MAX, &value) < 0)
		return command_usage(line, "--takeover-time takes a number of milliseconds, not \"%s\"", given);
	if (given) {
		*ret = (uint32_t)value;
		return EXIT_OK;
	}
	r = client_call(line, "read the state of the cluster", "org.parhelion.Cluster.Status", NULL, &status);
	if (r == EXIT_OK)
		*ret = (uint32_t)ju_int(status, "takeover_time_ms", 0);
	json_decref(status);
	return r;
}

int cluster_timers(const struct cmdline *line)
{
	struct span spans[SPANS_MAX];
	struct cmm_timers t;
	struct err err = { 0 };
	uint32_t takeover_ms = 0;
	int r = read_takeover(line, &takeover_ms);

	if (r != EXIT_OK)
		return r;
	if (cmm_timers_derive(takeover_ms, &t, &err) < 0)
		return command_failed(line, EXIT_PROPERTY, "derive the timers", err.text);
	size_t n = make_spans(&t, spans);

	if (cmdline_has(line, OPT_JSON)) {
		print_timers_json(&t, spans, n);
		return EXIT_OK;
	}
	print_numbers(&t);
	draw(&t, spans, n);
	print_inequality(&t);
	return EXIT_OK;
}
