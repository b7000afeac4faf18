/* Signals as people write them for kill(1): TERM, term, 15.  No SIG prefix, as documented for all commands that use this. */
#pragma once

int signal_parse(const char *text);     /* -EINVAL: there is no such signal */
int number_parse(const char *text, int min, int max, int *ret);         /* decimal, nothing else; -EINVAL */
