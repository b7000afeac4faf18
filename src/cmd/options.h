/* The command lines of the administration commands.  A command is one table: its options and its forms (which options go
 * together, who may, what runs).  Parsing, --help, completion and the manual pages derive from it. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

/* How a command ended, which is what its parts return; the number that the shell sees is in a table of options.c.  The old
 * commands (sc*) exit with the first six as they stand here and with EXIT_REFUSED for the rest; the families of
 * subcommands (cluster, cl*) have the documented CL_* numbers. */
enum command_exit {
	EXIT_OK, EXIT_REFUSED, EXIT_USAGE, EXIT_DEADLINE, EXIT_NO_DAEMON, EXIT_PERMISSION,
	EXIT_NO_MEMORY, EXIT_INVALID, EXIT_NOT_MEMBER, EXIT_ACCESS, EXIT_STATE, EXIT_METHOD, EXIT_PROPERTY, EXIT_INTERNAL,
	EXIT_TIMEOUT, EXIT_IO, EXIT_NO_OBJECT, EXIT_EXISTS, EXIT_TYPE, EXIT_COUNT
};
#define EXIT_API 1000           /* and a scha_err_t: what the handlers of the RMAPI return; the shell sees the code */

#define DEADLINE_DEFAULT_S 300

/* A digit in place of a letter: the option has only its long name. */
#define OPT_HELP     '0'        /* these two go with every form of every command */
#define OPT_DEADLINE '1'
#define OPT_JSON     '2'
#define OPT_REHEARSE  '7'        /* nothing is done: what would happen is shown (foresee.h) */
#define OPT_MESSAGE  '9'        /* with every form that changes something */

struct option_info {
	char        letter;
	const char *name;       /* long name; NULL: none */
	const char *arg;        /* what the argument is; NULL: a flag */
	const char *help;
	bool        repeat;     /* may be given several times */
};

struct cmdline;
struct foresight;
enum privilege { PRIVILEGE_NONE, PRIVILEGE_CHANGE };

#define OPERANDS_MANY 1000u
#define OPERAND_ALL   "+"       /* in place of the names: all there are */

struct operands {
	const char *what;       /* "node"; NULL: there are none */
	unsigned    min, max;
	bool        all;        /* "+" stands for all of them */
};

struct form {
	const char    *need, *may;      /* letters: all of need, any of may */
	const char    *any;             /* at least one of these; NULL: no such rule */
	enum privilege privilege;       /* CHANGE: clusterd wants root or cluster-admin, and checks that itself */
	const char    *help;
	int          (*run)(const struct cmdline *line);        /* NULL: refused, with */
	const char    *later;           /* "device groups are not built yet" */
	struct operands operands;
};

struct command_info {
	const char *name, *summary;
	const struct option_info *options;
	size_t option_count;
	const struct form *forms;
	size_t form_count;
	bool   api;             /* RMAPI in shell: exit codes are those of the library, a wrong line is SCHA_ERR_INVAL; arguments
				 * may be any bytes; of the common options only --help */
	bool   local;           /* asks no cluster: of the common options only --help */
};

/* A command with subcommands: "clnode status".  Each subcommand is a command_info of the name "clnode status". */
struct command_family {
	const char *name, *summary;
	const struct command_info *commands;
	size_t command_count;
	const struct unbuilt { const char *word, *later; } *unbuilt;    /* documented, refused in words */
	size_t unbuilt_count;
	const struct command_info *plain;       /* what the name with options and no subcommand is; NULL: nothing */
};

struct cmdline {
	const struct command_info *command;
	const struct command_family *family;    /* NULL: none */
	const struct form *form;
	unsigned       count[128];      /* by letter: how often it was given */
	struct strlist values[128];     /* and with which arguments */
	struct buf     order;           /* the letters as they were given */
	struct strlist operands;
	int            deadline_s;
	uint64_t       deadline_ms;     /* CLOCK_MONOTONIC */
	char          *text;            /* the whole line, for the history of the cluster */
	struct foresight **foresight;   /* --dry-run: what its requests lead to, made by the first of them */
};

/* Parses, finds the form, runs it; the result is the exit code. */
int command_main(const struct command_info *command, int argc, char **argv);
int family_main(const struct command_family *family, int argc, char **argv);
int command_help(const struct cmdline *line);

/* What stands before a message: "scconf", "clnode". */
static inline const char *command_word(const struct cmdline *line)
{
	return line->family ? line->family->name : line->command->name;
}

/* ---- what a command is, for its manual page ---- */

#define OPTIONS_MAX 32          /* of one command; more is a mistake in its table */

/* All options of a command, those that go with every command last; their number. */
size_t command_options(const struct command_info *command, const struct option_info *ret[OPTIONS_MAX]);
/* NULL: there is none of this letter. */
const struct option_info *option_find(const struct command_info *command, int letter);
/* "-n", "--json"; caller frees. */
char *option_name(const struct option_info *o);
/* "create" of "clresourcegroup create" */
const char *command_subword(const struct command_family *family, const struct command_info *command);

/* ---- reading ---- */

bool cmdline_has(const struct cmdline *line, char letter);
const char *cmdline_get(const struct cmdline *line, char letter);       /* the argument; NULL: not given */
/* The argument as a list, separated by commas or blanks.  -EINVAL after a complaint: an element is empty. */
int cmdline_list(const struct cmdline *line, char letter, struct strlist *ret);
/* No operand, or "+". */
bool cmdline_all(const struct cmdline *line);

/* "command:  Failed to WHAT - REASON." and code; of a subcommand "clnode:  (C100036) Failed to ...": six digits that stand
 * for the kind of the failure, 100000 and its exit code. */
int command_failed(const struct cmdline *line, enum command_exit code, const char *what, const char *reason);
/* Of several names: the same, for a warning or an error that is no failure of the whole. */
void command_note(const struct cmdline *line, const char *fmt, ...) _printf_(2, 3);
/* "command:  TEXT." with a hint at --help; EXIT_USAGE. */
int command_usage(const struct cmdline *line, const char *fmt, ...) _printf_(2, 3);
