/* The story that a node's journal tells: entries in, facts out, in the order of time.  Pure. */
#pragma once
#include <jansson.h>

/* {"incidents":[{"at":ms,"ms":length,"title":str,"facts":[{"at","delta_ms","kind","group","node","tone","text"}]}]}
 * entries: the reply of Journal; status: of Status, for names.  group NULL: all; else the incidents in which it takes part,
 * without what concerns other groups only.  tone: plain, good, bad, dim. */
json_t *timeline_story(const json_t *entries, const json_t *status, const char *group);
