/* Questions on a terminal or over a pipe, and the command lines that follow from the answers: printed as a shell would take them, run
 * without one. */
#pragma once
#include <stdio.h>

#include "base/buf.h"

#define DIALOGUE_ANSWER_MAX 4096u       /* bytes; what is longer is cut */

/* What is typed, without the end of the line; caller frees.  NULL: the input is over (or Ctrl-D on a terminal, where
 * the next question is asked all the same). */
char *dialogue_ask(const char *prompt);
/* "clresourcegroup create web-rg", quoted where it needs to be. */
void dialogue_print(FILE *to, const struct strlist *words);
/* A command of this very program, by its name in words->v[0].  Its exit code; Ctrl-C ends the command and not the caller. */
int dialogue_run(const struct strlist *words);
