/* clsetup, scsetup: menus whose entries ask for what a command needs, show the command line, and run it.  An entry is a row of a table
 * (setup_menus.c); what may be answered is a row of another (setup_values.c); setup.c walks them. */
#pragma once
#include "cmd/options.h"

/* What is asked for. */
enum setup_value {
	SETUP_NONE,                     /* ends the steps of an entry */
	SETUP_GROUP, SETUP_RESOURCE, SETUP_STOP_FAILED, SETUP_TYPE, SETUP_NODE, SETUP_DEVICE, SETUP_VOTER, SETUP_DISK,
	SETUP_CHOICE,                   /* one of step->choices */
	SETUP_NAME, SETUP_PROPERTY, SETUP_NUMBER, SETUP_WORDS, SETUP_TEXT,
	SETUP_FLAG,                     /* yes: step->option stands alone */
	SETUP_VALUE_COUNT
};

struct setup_step {
	enum setup_value value;
	const char *option;             /* "-n"; NULL: the answer is an operand, behind all options */
	const char *question;
	const char *prefix;             /* "path=": before the answer */
	const char *choices;            /* "a,b" */
	const char *help;               /* what "?" says beyond what it says of every such value; NULL: nothing */
	bool many;                      /* several, by commas or blanks */
	bool optional;                  /* an empty line: left out */
	bool repeat;                    /* optional, and asked for again until the line is empty */
	bool fresh;                     /* of objects: the name of one that does not exist yet */
};

#define SETUP_STEPS 6

struct setup_menu;
struct setup_entry {
	const char *title, *help;
	const struct setup_menu *menu;  /* this, */
	const char *later;              /* or this: what is not built yet, */
	const char *command;            /* or this: the first words of the command line, */
	struct setup_step steps[SETUP_STEPS];
	bool shows;                     /* it changes nothing, and is run without a question */
};
struct setup_menu { const char *title; const struct setup_entry *entries; size_t count; };

extern const struct setup_menu setup_main, setup_add_device;
extern const struct setup_entry setup_end_installmode;

/* The objects there are, each by its name; of values that are no objects none.  EXIT_OK; the exit code after a complaint. */
int  setup_value_names(const struct cmdline *line, const struct setup_step *step, struct strlist *ret);
bool setup_value_is_object(enum setup_value value);
const char *setup_value_what(enum setup_value value);           /* "resource group" */
const char *setup_value_help(enum setup_value value);
/* One answer.  -EINVAL: err says why not.  names: as above. */
int  setup_value_check(const struct setup_step *step, const struct strlist *names, const char *text, struct err *err);
