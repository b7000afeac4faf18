/* What the nodes say of their networks: interconnect links and public adapters.  Pure; part of the engine.
 *
 * Each node of the view has told its newest report to every other (engine.c).  It is no part of the replicated state: it
 * decides nothing.  A report:
 *
 *   {"links":{"2":[true,false],...},"adapters":[{"name":"eth0","up":true},...]}
 *
 * links: by node id, in the order of the adapters in the infrastructure table: packets come through. */
#pragma once
#include <jansson.h>

#include "cmm/cmm.h"

#define NET_LINKS_MAX    8              /* knet has no more */
#define NET_ADAPTERS_MAX 64             /* of one node; further ones are not shown */

struct netview;
struct netview *netview_new(void);
struct netview *netview_free(struct netview *view);

/* report: borrowed; NULL: that node is gone.. */
void netview_set(struct netview *view, uint32_t node, const json_t *report);
const json_t *netview_get(const struct netview *view, uint32_t node);           /* NULL: it has told nothing */
/* What this report changes in what was known before, and remembers it; NULL: nothing.  peers: the view.  For the journal:
 *   {"e":"net","node":2,"paths":[{"to":1,"adapter":"priv0","up":false}],"adapters":[{"name":"eth0","up":false}]}
 * A path is worth an entry once it was up: links that come up one after the other while a node joins are none, nor are
 * those to a node that is gone. */
json_t *netview_news(struct netview *view, uint32_t node, nodeset peers, const json_t *report,
		     const json_t *infrastructure);

/* For Status.  Each pair of nodes and each link once; online when every end that has told anything hears the other. */
json_t *netview_paths(const struct netview *view, const json_t *infrastructure);
json_t *netview_ipmp(const struct netview *view, const json_t *infrastructure);

/* ---- the infrastructure table (may be NULL) ---- */
const char *net_node_name(const json_t *infrastructure, uint32_t id);           /* NULL: there is no such node */
const char *net_link_adapter(const json_t *infrastructure, uint32_t id, size_t link);   /* link: from 0; NULL: no more */
const char *net_link_address(const json_t *infrastructure, uint32_t id, size_t link);
