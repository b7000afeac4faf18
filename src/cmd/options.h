/* The command lines of the administration commands.  A command is one table: its options and its forms (which options go
 * together, who may, what runs).  Parsing and --help derive from it, and so does the check of the manual pages. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

/* The same for all commands; an administrator's script can tell them apart. */
enum command_exit { EXIT_OK, EXIT_REFUSED, EXIT_USAGE, EXIT_DEADLINE, EXIT_NO_DAEMON, EXIT_PERMISSION };

#define DEADLINE_DEFAULT_S 300

/* A digit in place of a letter: the option has only its long name. */
#define OPT_HELP     '0'        /* these two go with every form of every command */
#define OPT_DEADLINE '1'
#define OPT_JSON     '2'

struct option_info {
	char        letter;
	const char *name;       /* long name; NULL: none */
	const char *arg;        /* what the argument is; NULL: a flag */
	const char *help;
	bool        repeat;     /* may be given several times */
};

struct cmdline;
enum privilege { PRIVILEGE_NONE, PRIVILEGE_CHANGE };

struct form {
	const char    *need, *may;      /* letters: all of need, any of may */
	const char    *any;             /* at least one of these; NULL: no such rule */
	enum privilege privilege;       /* CHANGE: clusterd wants root or cluster-admin, and checks that itself */
	const char    *help;
	int          (*run)(const struct cmdline *line);        /* NULL: refused, with */
	const char    *later;           /* "device groups are not built yet" */
};

struct command_info {
	const char *name, *summary;
	const struct option_info *options;
	size_t option_count;
	const struct form *forms;
	size_t form_count;
};

struct cmdline {
	const struct command_info *command;
	const struct form *form;
	unsigned       count[128];      /* by letter: how often it was given */
	struct strlist values[128];     /* and with which arguments */
	int            deadline_s;
	uint64_t       deadline_ms;     /* CLOCK_MONOTONIC */
	char          *text;            /* the whole line, for the history of the cluster */
};

/* Parses, finds the form, runs it; the result is the exit code. */
int command_main(const struct command_info *command, int argc, char **argv);

bool cmdline_has(const struct cmdline *line, char letter);
const char *cmdline_get(const struct cmdline *line, char letter);       /* the argument; NULL: not given */
/* The argument as a list, separated by commas or blanks.  -EINVAL after a complaint: an element is empty. */
int cmdline_list(const struct cmdline *line, char letter, struct strlist *ret);

/* "command:  Failed to WHAT - REASON." and the exit code for that. */
int command_failed(const struct cmdline *line, enum command_exit code, const char *what, const char *reason);
/* "command:  TEXT." with a hint at --help; EXIT_USAGE. */
int command_usage(const struct cmdline *line, const char *fmt, ...) _printf_(2, 3);
