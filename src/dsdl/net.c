/* Lists of host names, ports, and both. */
#include "dsdl/net.h"

#include "dsdl/handle.h"

#include "base/log.h"
#include <scha.h>

static const struct { const char *name; int proto; } protocols[] = {
	{ "tcp", SCDS_IPPROTO_TCP }, { "tcp6", SCDS_IPPROTO_TCP6 }, { "udp", SCDS_IPPROTO_UDP }, { "udp6", SCDS_IPPROTO_UDP6 },
};

const char *net_protocol_name(int proto)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocols[i].proto == proto)
			return protocols[i].name;
	return "unknown";
}

/* ---- host names ---- */

static scds_net_resource_list_t *list_of(struct networks *networks)
{
	scds_net_resource_list_t *list;

	if (networks->n == 0)
		return NULL;
	list = xcalloc(1, sizeof *list);
	list->num_netresources = (int)networks->n;
	list->netresources = xcalloc(networks->n, sizeof list->netresources[0]);
	for (size_t i = 0; i < networks->n; i++) {
		scds_net_resource_t *r = &list->netresources[i];

		r->name = TAKE_PTR(networks->v[i].resource);
		r->num_hostnames = (int)networks->v[i].hosts.n;
		r->hostnames = TAKE_PTR(networks->v[i].hosts.v);
		networks->v[i].hosts.n = 0;
	}
	return list;
}

static scha_err_t group_list(const char *group, scds_net_resource_list_t **list)
{
	_cleanup_(networks_done) struct networks networks = { 0 };
	scha_err_t e;

	if (!group || !list)
		return SCHA_ERR_INVAL;
	e = group_networks(group, NULL, &networks, NULL);
	if (e == SCHA_ERR_NOERR)
		*list = list_of(&networks);
	return e;
}

scha_err_t scds_get_rs_hostnames(scds_handle_t handle, scds_net_resource_list_t **list)
{
	_cleanup_(networks_done) struct networks networks = { 0 };
	const struct scds *s = scds_of(handle);
	scha_err_t e;

	if (!s || !list)
		return SCHA_ERR_INVAL;
	e = method_networks(&s->m, &networks, NULL);
	if (e == SCHA_ERR_NOERR)
		*list = list_of(&networks);
	return e;
}

scha_err_t scds_get_rg_hostnames(char *resourcegroup_name, scds_net_resource_list_t **list)
{
	return group_list(resourcegroup_name, list);
}

scha_err_t scds_get_rg_hostnames_zone(char *zone, char *resourcegroup_name, scds_net_resource_list_t **list)
{
	scha_cluster_t cluster;
	scha_err_t e;

	if (!resourcegroup_name || !list)
		return SCHA_ERR_INVAL;
	e = scha_cluster_open_zone(zone, &cluster);
	if (e != SCHA_ERR_NOERR)
		return e;
	(void)scha_cluster_close(cluster);      /* it was opened just now */
	return group_list(resourcegroup_name, list);
}

void scds_free_net_list(scds_net_resource_list_t *list)
{
	if (!list)
		return;
	for (int i = 0; i < list->num_netresources; i++) {
		struct strlist hosts = { list->netresources[i].hostnames, (size_t)list->netresources[i].num_hostnames };

		free(list->netresources[i].name);
		strlist_done(&hosts);
	}
	free(list->netresources);
	free(list);
}

/* ---- ports ---- */

struct entry { char *host; scds_port_t port; };        /* host NULL: all hosts */

static bool number_ok(const char *text, int *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*ret = (int)n;
	return end != text && *end == '\0' && n > 0 && n <= UINT16_MAX;
}

static bool protocol_ok(const char *text, int *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (strieq(text, protocols[i].name)) {
			*ret = protocols[i].proto;
			return true;
		}
	return false;
}

/* "port", "port/protocol", "host/port/protocol", and "port/protocol/host", as it is written for shared addresses. */
static bool entry_parse(const char *text, struct entry *ret)
{
	_cleanup_(strlist_done) struct strlist parts = { 0 };
	size_t host = SIZE_MAX, at = 0;

	strlist_split(&parts, text, "/");
	*ret = (struct entry) { .port.proto = SCDS_IPPROTO_TCP };
	if (parts.n == 0 || parts.n > 3)
		return false;
	if (parts.n == 3) {
		host = number_ok(parts.v[0], &ret->port.port) && protocol_ok(parts.v[1], &ret->port.proto) ? 2 : 0;
		at = host == 0;
	}
	if (!number_ok(parts.v[at], &ret->port.port) || (parts.n > 1 && !protocol_ok(parts.v[at + 1], &ret->port.proto)))
		return false;
	if (host != SIZE_MAX)
		ret->host = xstrdup(parts.v[host]);
	return true;
}

static void entries_free(struct entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(entries[i].host);
	free(entries);
}

/* *ret is NULL when there is none. */
static scha_err_t entries_of(const struct scds *s, struct entry **ret, size_t *ret_n)
{
	_cleanup_(strlist_done) struct strlist list = { 0 };
	struct entry *entries;

	method_list(&s->m, "Port_list", &list);
	entries = list.n ? xcalloc(list.n, sizeof entries[0]) : NULL;
	for (size_t i = 0; i < list.n; i++)
		if (!entry_parse(list.v[i], &entries[i])) {
			log_err("Port_list: %s is no port/protocol with tcp, tcp6, udp or udp6", list.v[i]);
			entries_free(entries, list.n);
			return SCHA_ERR_INVAL;
		}
	*ret = entries;
	*ret_n = list.n;
	return SCHA_ERR_NOERR;
}

scha_err_t scds_get_port_list(scds_handle_t handle, scds_port_list_t **list)
{
	const struct scds *s = scds_of(handle);
	struct entry *entries;
	scha_err_t e;
	size_t n;

	if (!s || !list)
		return SCHA_ERR_INVAL;
	e = entries_of(s, &entries, &n);
	if (e != SCHA_ERR_NOERR)
		return e;
	*list = NULL;
	if (n > 0) {
		*list = xcalloc(1, sizeof **list);
		(*list)->num_ports = (int)n;
		(*list)->ports = xcalloc(n, sizeof(scds_port_t));
		for (size_t i = 0; i < n; i++)
			(*list)->ports[i] = entries[i].port;
	}
	entries_free(entries, n);
	return SCHA_ERR_NOERR;
}

void scds_free_port_list(scds_port_list_t *list)
{
	if (list)
		free(list->ports);
	free(list);
}

/* ---- hosts and ports ---- */

static void add_address(scds_netaddr_list_t *list, const char *host, scds_port_t port)
{
	size_t n = (size_t)list->num_netaddrs;

	list->netaddrs = xrealloc(list->netaddrs, (n + 1) * sizeof list->netaddrs[0]);
	list->netaddrs[n] = (scds_netaddr_t) { .hostname = xstrdup(host), .port_proto = port };
	list->num_netaddrs++;
}

scha_err_t scds_get_netaddr_list(scds_handle_t handle, scds_netaddr_list_t **list)
{
	_cleanup_(strlist_done) struct strlist hosts = { 0 };
	const struct scds *s = scds_of(handle);
	scds_netaddr_list_t *all;
	struct entry *entries;
	scha_err_t e;
	size_t n;

	if (!s || !list)
		return SCHA_ERR_INVAL;
	e = entries_of(s, &entries, &n);
	if (e != SCHA_ERR_NOERR)
		return e;
	if (method_hostnames(&s->m, &hosts, NULL) < 0) {
		entries_free(entries, n);
		return SCHA_ERR_INTERNAL;
	}
	all = xcalloc(1, sizeof *all);
	for (size_t h = 0; h < hosts.n; h++)
		for (size_t i = 0; i < n; i++)
			if (!entries[i].host)
				add_address(all, hosts.v[h], entries[i].port);
	for (size_t i = 0; i < n; i++)
		if (entries[i].host)
			add_address(all, entries[i].host, entries[i].port);
	entries_free(entries, n);
	*list = all->num_netaddrs ? TAKE_PTR(all) : NULL;
	scds_free_netaddr_list(all);
	return SCHA_ERR_NOERR;
}

void scds_free_netaddr_list(scds_netaddr_list_t *list)
{
	if (!list)
		return;
	for (int i = 0; i < list->num_netaddrs; i++)
		free(list->netaddrs[i].hostname);
	free(list->netaddrs);
	free(list);
}
