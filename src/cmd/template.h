/* Texts with places to fill in, and the areas in them that belong to the user.  Pure.
 *
 *     @NAME@              the value as it is: letters, digits and ._-+/~ only, so that it is safe wherever it stands
 *     @sh:NAME@           as one word of a shell, quoted
 *     @c:NAME@            as a string of C, with its quotes
 *     @rtr:NAME@          as a string of an RTR file, with its quotes
 *     @text:NAME@         as it is, for prose that nothing executes
 *     @roff:NAME@         for a manual page
 *     @if NAME@, @else@, @end@   each alone on its line: what is between is kept when NAME is not empty; may be nested
 *
 * Any other @ is an @. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

struct template_value { const char *name, *value; };

/* -EINVAL: a name that is not among the values, a value that cannot stand where it is asked for; what is the name in the sentence. */
int template_fill(const char *what, const char *text, const struct template_value *values, size_t n, struct buf *ret,
		  struct err *err);

/* One word of a shell, in quotes; and with quotes only where it needs them. */
void template_shell_word(struct buf *b, const char *text);
void template_shell_argument(struct buf *b, const char *text);

/* fresh with what stands between its markers ("User added code -- BEGIN", "... END") replaced by what stood there in old, area by
 * area.  -EINVAL: an area of old that holds something has no place in fresh, or its markers do not pair. */
int template_keep_areas(const char *what, const char *old, const char *fresh, char **ret, struct err *err);
