/* Fills manual pages from the tables that the software goes by. */
#pragma once
#include "base/buf.h"

/* What scdoc would take for formatting is taken as it is. */
void print_plain(const char *text);

/* The text of "@more WORD@" in the page, which then counts as used; NULL: there is none. */
const char *more_about(const char *word);

/* Of a command of src/cmd, by its name; false: there is no such command. */
bool print_synopsis(const char *command);
bool print_subcommands(const char *command);
bool print_options(const char *command);
