/* cluster timeline: what happened, a line a fact. */
#include "cmd/timeline.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cluster.h"
#include "cmd/print.h"
#include "cmd/signame.h"

static const struct { const char *tone, *on; } colours[] = {
	{ "good", "\033[32m" }, { "bad", "\033[31m" }, { "dim", "\033[2m" },
};

static void print_incident(const json_t *incident, bool colour)
{
	json_t *fact;
	size_t i;

	(void)printf("%s", colour ? "\033[1m" : "");
	print_time(ju_int(incident, "at", 0), true);
	(void)printf("  %s (%lld.%03lld s)%s\n", ju_str(incident, "title", ""), (long long)ju_int(incident, "ms", 0) / 1000,
		     (long long)ju_int(incident, "ms", 0) % 1000, colour ? "\033[0m" : "");
	json_array_foreach(ju_arr(incident, "facts"), i, fact) {
		int64_t delta = ju_int(fact, "delta_ms", 0);
		const char *on = "";

		for (size_t k = 0; colour && k < ARRAY_SIZE(colours); k++)
			if (streq(colours[k].tone, ju_str(fact, "tone", "")))
				on = colours[k].on;
		(void)printf("  ");
		print_time(ju_int(fact, "at", 0), false);
		(void)printf("  +%lld.%03lld  %s%s%s\n", (long long)(delta / 1000), (long long)(delta % 1000), on,
			     ju_str(fact, "text", ""), *on ? "\033[0m" : "");
	}
}

/* Seconds ago, or the last time that the clock showed HH:MM:SS; -EINVAL: neither. */
static int parse_since(const char *text, int64_t *ret_ms)
{
	struct tm tm;
	int seconds, h, m, s, end = 0;
	time_t now = time(NULL), t;

	if (number_parse(text, 0, INT32_MAX, &seconds) == 0) {
		*ret_ms = ((int64_t)now - seconds) * 1000;
		return 0;
	}
	if (sscanf(text, "%2d:%2d:%2d%n", &h, &m, &s, &end) != 3 || text[end] || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 ||
	    s > 60 || !localtime_r(&now, &tm))
		return -EINVAL;
	tm.tm_hour = h;
	tm.tm_min = m;
	tm.tm_sec = s;
	tm.tm_isdst = -1;
	t = mktime(&tm);
	if (t > now) {
		tm.tm_mday--;
		tm.tm_isdst = -1;
		t = mktime(&tm);
	}
	*ret_ms = (int64_t)t * 1000;
	return 0;
}

int cluster_timeline(const struct cmdline *line)
{
	const char *since = cmdline_get(line, '3');
	json_t *status = NULL, *journal = NULL, *story = NULL, *incident;
	bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	int64_t since_ms = 0;
	size_t i;
	int r;

	if (since && parse_since(since, &since_ms) < 0)
		return command_usage(line, "--since takes seconds or HH:MM:SS, not \"%s\"", since);
	r = client_call(line, "read the state of the cluster", "org.parhelion.Cluster.Status", NULL, &status);
	if (r == EXIT_OK)
		r = client_call(line, "read the journal", "org.parhelion.Cluster.Journal",
				ju_pack("{sI}", "since_ms", (json_int_t)since_ms), &journal);
	if (r == EXIT_OK) {
		story = timeline_story(ju_arr(journal, "entries"), status, cmdline_get(line, 'g'));
		if (cmdline_has(line, OPT_JSON))
			print_json(story);
		else
			json_array_foreach(ju_arr(story, "incidents"), i, incident) {
				(void)printf("%s", i ? "\n" : "");
				print_incident(incident, colour);
			}
	}
	json_decref(story);
	json_decref(journal);
	json_decref(status);
	return r;
}
