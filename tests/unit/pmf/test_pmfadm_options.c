/* The command lines of pmfadm: what they mean, and which are refused. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cmd/pmfadm.h"
#include "cmd/signame.h"

/* want: action tag n t w sig level env all_env json host program | command, or NULL: refused */
static const struct { const char *line, *want; } rows[] = {
	{ "-c tag cmd", "1 tag 0 -1 0 0 -1 0 0 0 - - | cmd" },
	{ "-c tag -n 4 -t 60 cmd -b named.boot", "1 tag 4 60 0 0 -1 0 0 0 - - | cmd -b named.boot" },
	{ "-E -c tag -C 0 cmd -n 3", "1 tag 0 -1 0 0 0 0 1 0 - - | cmd -n 3" },
	{ "-n -1 -t -1 -a act -e A=b -e B= -c tag cmd", "1 tag -1 -1 0 0 -1 2 0 0 - act | cmd" },
	{ "-c tag -- -cmd", "1 tag 0 -1 0 0 -1 0 0 0 - - | -cmd" },
	{ "-m tag -n 3", "2 tag 3 -1 0 0 -1 0 0 0 - - |" },
	{ "-m tag -t 5", "2 tag 0 5 0 0 -1 0 0 0 - - |" },
	{ "-s tag", "3 tag 0 -1 0 0 -1 0 0 0 - - |" },
	{ "-s tag TERM", "3 tag 0 -1 0 15 -1 0 0 0 - - |" },
	{ "-s tag -w 5 term", "3 tag 0 -1 5 15 -1 0 0 0 - - |" },
	{ "-s tag TERM -w -1", "3 tag 0 -1 -1 15 -1 0 0 0 - - |" },
	{ "-k tag 9", "4 tag 0 -1 0 9 -1 0 0 0 - - |" },
	{ "-k tag", "4 tag 0 -1 0 0 -1 0 0 0 - - |" },
	{ "-l tag --json", "5 tag 0 -1 0 0 -1 0 0 1 - - |" },
	{ "-l tag -h host", "5 tag 0 -1 0 0 -1 0 0 0 host - |" },
	{ "-L", "6 - 0 -1 0 0 -1 0 0 0 - - |" },
	{ "-L -h host", "6 - 0 -1 0 0 -1 0 0 0 host - |" },
	{ "-q tag", "7 tag 0 -1 0 0 -1 0 0 0 - - |" },
	{ "", NULL },                   { "tag", NULL },                { "-c", NULL },
	{ "-c tag", NULL },             { "-c tag -n", NULL },          { "-c tag -n x cmd", NULL },
	{ "-c tag -n 101 cmd", NULL },  { "-c tag -n -2 cmd", NULL },   { "-c tag -t 0 cmd", NULL },
	{ "-c tag -C -1 cmd", NULL },   { "-c tag -e A cmd", NULL },    { "-c tag -e =b cmd", NULL },
	{ "-c tag -e A=b -E cmd", NULL }, { "-c tag -w 1 cmd", NULL },  { "-c tag -h host cmd", NULL },
	{ "-c tag -s tag cmd", NULL },  { "-m tag", NULL },             { "-m tag -n 1 -a act", NULL },
	{ "-s tag -h host", NULL },     { "-s tag SIGTERM", NULL },     { "-s tag TERM KILL", NULL },
	{ "-s tag NOSUCH", NULL },      { "-s tag 0", NULL },           { "-k tag -n 1", NULL },
	{ "-l tag more", NULL },        { "-q tag --json", NULL },      { "-l", NULL },
	{ "-L more", NULL },            { "-x", NULL },                 { "-q tag -q tag", NULL },
	{ "-w x -s tag", NULL },        { "-n 1x -m tag", NULL },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strlist argv = { 0 };
		struct buf got = { 0 };
		struct pmfadm_options o;
		struct err err = { 0 };
		int r;

		strlist_add(&argv, "pmfadm");
		strlist_split(&argv, rows[i].line, " ");
		r = pmfadm_options_parse((int)argv.n, argv.v, &o, &err);
		if (!rows[i].want) {
			if (r != -EINVAL || !err.text[0])
				fail_msg("%s: not refused", rows[i].line);
		} else {
			buf_printf(&got, "%d %s %d %d %d %d %d %zu %d %d %s %s |", o.action, o.tag ? o.tag : "-", o.retries,
				   o.period, o.wait_s, o.signal, o.level, o.env.n, o.all_env, o.json,
				   o.host ? o.host : "-", o.program ? o.program : "-");
			for (char **c = o.command; c && *c; c++)
				buf_printf(&got, " %s", *c);
			if (r != 0 || !streq(got.s, rows[i].want))
				fail_msg("%s: %s (%s)", rows[i].line, got.s, err.text);
		}
		buf_done(&got);
		pmfadm_options_done(&o);
		strlist_done(&argv);
	}
}

static void test_signals(void **state)
{
	static const struct { const char *text; int want; } names[] = {
		{ "TERM", SIGTERM }, { "kill", SIGKILL }, { "9", 9 }, { "1", 1 }, { "USR1", SIGUSR1 }, { "Hup", SIGHUP },
		{ "SIGTERM", -EINVAL }, { "0", -EINVAL }, { "-1", -EINVAL }, { "99", -EINVAL }, { "", -EINVAL },
		{ "9x", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(signal_parse(names[i].text), names[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_signals) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
