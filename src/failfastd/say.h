/* Log lines of failfastd that can never hold it up: a thread writes them, and what it cannot take is dropped.  With a hung
 * disk the log daemon hangs too, and just then leases must go on being enforced. */
#pragma once
#include "base/macros.h"

int  say_init(void);                    /* negative errno */
void say(int level, const char *fmt, ...) _printf_(2, 3);
