/* The file: a line for each start, its wall clock in ms and whether a life before it had not ended in order; and "quarantined"
 * when that was too often.  An orderly stop removes the file, so whoever finds a start in it knows that it did not end so.
 *
 * The clock may be wrong at boot.  A start in the future is not counted: a clock that was ahead once would else count for ever. */
#include "clusterd/quarantine.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"

static unsigned number(const json_t *table, const char *key, unsigned dflt, unsigned max)
{
	const char *text = table ? ju_str(table, key, NULL) : NULL;

	return text ? (unsigned)MIN(strtoul(text, NULL, 10), (unsigned long)max) : dflt;
}

struct quarantine_rule quarantine_rule_of(const json_t *table)
{
	return (struct quarantine_rule) {
		.deaths = number(table, "cluster.properties.quarantine_deaths", QUARANTINE_DEATHS_DEFAULT, QUARANTINE_DEATHS_MAX),
		.minutes = number(table, "cluster.properties.quarantine_minutes", QUARANTINE_MINUTES_DEFAULT, QUARANTINE_MINUTES_MAX),
	};
}

static void add(struct quarantine *q, struct quarantine_start start)
{
	if (q->count == ARRAY_SIZE(q->start)) {         /* the oldest goes: there are more than any rule counts */
		memmove(q->start, q->start + 1, (q->count - 1) * sizeof q->start[0]);
		q->count--;
	}
	q->start[q->count++] = start;
}

void quarantine_read(struct quarantine *q, const char *text)
{
	struct strlist lines = { 0 };

	*q = (struct quarantine) { 0 };
	if (!text)
		return;
	strlist_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		int64_t wall_ms;
		unsigned after;

		if (streq(lines.v[i], "quarantined"))
			q->on = true;
		else if (sscanf(lines.v[i], "%" SCNd64 " %u", &wall_ms, &after) == 2)
			add(q, (struct quarantine_start) { wall_ms, after != 0 });
	}
	strlist_done(&lines);
}

char *quarantine_text(const struct quarantine *q)
{
	struct buf b = { 0 };

	for (unsigned i = 0; i < q->count; i++)
		buf_printf(&b, "%" PRId64 " %d\n", q->start[i].wall_ms, q->start[i].after_death);
	if (q->on)
		buf_puts(&b, "quarantined\n");
	return buf_take(&b);
}

unsigned quarantine_deaths(const struct quarantine *q, struct quarantine_rule rule, int64_t wall_ms)
{
	int64_t since = wall_ms - (int64_t)rule.minutes * 60000;
	unsigned n = 0;

	for (unsigned i = 0; i < q->count; i++)
		n += q->start[i].after_death && q->start[i].wall_ms >= since && q->start[i].wall_ms <= wall_ms;
	return n;
}

bool quarantine_started(struct quarantine *q, struct quarantine_rule rule, int64_t wall_ms)
{
	add(q, (struct quarantine_start) { wall_ms, q->count > 0 && !q->on });
	if (rule.deaths == 0)
		q->on = false;          /* switched off: for those who wait, too */
	else if (quarantine_deaths(q, rule, wall_ms) >= rule.deaths)
		q->on = true;
	return q->on;
}

void quarantine_lift(struct quarantine *q, int64_t wall_ms)
{
	*q = (struct quarantine) { 0 };
	add(q, (struct quarantine_start) { wall_ms, false });
}
