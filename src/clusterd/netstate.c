/* One worker at a time: what is wanted meanwhile is done when it has ended.  It touches no JSON and nothing of the loop but
 * struct job, which the loop leaves alone while it runs. */
#include "clusterd/netstate.h"

#include <arpa/inet.h>
#include <corosync/cmap.h>
#include <errno.h>
#include <net/if.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/json.h"
#include "clusterd/netview.h"

enum look { LOOK_LINKS = 1, LOOK_ADAPTERS = 2 };

struct address { int family; size_t len; unsigned char raw[16]; };
struct adapter { char name[IFNAMSIZ]; bool up; };

struct job {
	unsigned look;
	/* links */
	nodeset  peers;
	size_t   link_count;
	bool     up[CMM_NODE_ID_MAX + 1][NET_LINKS_MAX];
	cmap_handle_t cmap;                     /* 0: not open */
	/* adapters */
	struct address private[NET_LINKS_MAX];  /* of this node, on the interconnect */
	size_t   private_count;
	struct adapter adapters[NET_ADAPTERS_MAX];
	size_t   adapter_count;
	unsigned failed;                        /* what could not be read: the last result stands */
};

struct netstate {
	struct netstate_config config;
	struct nl_sock *news;
	uv_poll_t poll;
	uv_timer_t gather, interval;
	uv_work_t work;
	bool     busy;
	unsigned wanted, known;                 /* enum look */
	struct job job;
	json_t  *links, *adapters;              /* the last result; NULL: none yet */
	json_t  *report;                        /* as last told */
};

static void nl_socket_freep(struct nl_sock **s) { nl_socket_free(*s); }
static void nl_cache_putp(struct nl_cache **c) { nl_cache_free(*c); }

/* ---- on the worker: links ---- */

static void close_cmap(struct job *job)
{
	if (job->cmap)
		(void)cmap_finalize(job->cmap);
	job->cmap = 0;
}

/* A link that corosync does not know (the table is newer than its configuration) is not up. */
static cs_error_t read_link(struct job *job, uint32_t node, size_t link)
{
	char key[64];
	uint8_t up = 0;
	cs_error_t r;

	(void)snprintf(key, sizeof key, "stats.knet.node%u.link%zu.connected", node, link);
	r = cmap_get_uint8(job->cmap, key, &up);
	job->up[node][link] = r == CS_OK && up;
	return r == CS_ERR_NOT_EXIST ? CS_OK : r;
}

static int read_links(struct job *job)
{
	if (!job->cmap && cmap_initialize_map(&job->cmap, CMAP_MAP_STATS) != CS_OK) {
		job->cmap = 0;
		return -EAGAIN;
	}
	for (uint32_t id = nodeset_next(job->peers, 0); id; id = nodeset_next(job->peers, id))
		for (size_t link = 0; link < job->link_count; link++)
			if (read_link(job, id, link) != CS_OK) {
				close_cmap(job);
				return -EAGAIN;
			}
	return 0;
}

/* ---- on the worker: adapters ---- */

static bool is_private(const struct job *job, const struct nl_addr *addr)
{
	for (size_t i = 0; i < job->private_count; i++)
		if (job->private[i].family == nl_addr_get_family(addr) && job->private[i].len == nl_addr_get_len(addr) &&
		    memcmp(job->private[i].raw, nl_addr_get_binary_addr(addr), job->private[i].len) == 0)
			return true;
	return false;
}

/* Has a global address, and none of the interconnect. */
static bool is_public(const struct job *job, struct nl_cache *addrs, int index)
{
	bool global = false;

	for (struct nl_object *o = nl_cache_get_first(addrs); o; o = nl_cache_get_next(o)) {
		struct rtnl_addr *a = (struct rtnl_addr *)o;

		if (rtnl_addr_get_ifindex(a) != index || !rtnl_addr_get_local(a))
			continue;
		if (is_private(job, rtnl_addr_get_local(a)))
			return false;
		global |= rtnl_addr_get_scope(a) == RT_SCOPE_UNIVERSE;
	}
	return global;
}

static int by_index(const void *a, const void *b)
{
	int x = rtnl_link_get_ifindex(*(struct rtnl_link *const *)a), y = rtnl_link_get_ifindex(*(struct rtnl_link *const *)b);

	return (x > y) - (x < y);
}

static void collect_adapters(struct job *job, struct nl_cache *links, struct nl_cache *addrs)
{
	size_t n = (size_t)nl_cache_nitems(links), count = 0;
	_cleanup_free_ struct rtnl_link **found = xcalloc(n + 1, sizeof *found);

	for (struct nl_object *o = nl_cache_get_first(links); o && count < n; o = nl_cache_get_next(o)) {
		struct rtnl_link *link = (struct rtnl_link *)o;

		if (!(rtnl_link_get_flags(link) & IFF_LOOPBACK) && rtnl_link_get_name(link) &&
		    is_public(job, addrs, rtnl_link_get_ifindex(link)))
			found[count++] = link;
	}
	qsort(found, count, sizeof *found, by_index);
	job->adapter_count = MIN(count, (size_t)NET_ADAPTERS_MAX);
	for (size_t i = 0; i < job->adapter_count; i++) {
		struct adapter *a = &job->adapters[i];
		unsigned flags = rtnl_link_get_flags(found[i]);

		(void)snprintf(a->name, sizeof a->name, "%s", rtnl_link_get_name(found[i]));
		a->up = (flags & IFF_UP) && (flags & IFF_RUNNING);
	}
}

static int read_adapters(struct job *job)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = nl_socket_alloc();
	_cleanup_(nl_cache_putp) struct nl_cache *links = NULL, *addrs = NULL;

	if (!socket)
		return -ENOMEM;
	if (nl_connect(socket, NETLINK_ROUTE) < 0 || rtnl_link_alloc_cache(socket, AF_UNSPEC, &links) < 0 ||
	    rtnl_addr_alloc_cache(socket, &addrs) < 0)
		return -EAGAIN;
	collect_adapters(job, links, addrs);
	return 0;
}

static void work(uv_work_t *w)
{
	struct job *job = &((struct netstate *)w->data)->job;

	job->failed = 0;
	if ((job->look & LOOK_LINKS) && read_links(job) < 0)
		job->failed |= LOOK_LINKS;
	if ((job->look & LOOK_ADAPTERS) && read_adapters(job) < 0)
		job->failed |= LOOK_ADAPTERS;
}

/* ---- in the loop: results ---- */

static json_t *links_json(const struct job *job)
{
	json_t *links = json_object();

	for (uint32_t id = nodeset_next(job->peers, 0); id; id = nodeset_next(job->peers, id)) {
		json_t *list = json_array();
		char key[12];

		for (size_t link = 0; link < job->link_count; link++)
			ju_push(list, json_boolean(job->up[id][link]));
		(void)snprintf(key, sizeof key, "%u", id);
		ju_set_new(links, key, list);
	}
	return links;
}

static json_t *adapters_json(const struct job *job)
{
	json_t *adapters = json_array();

	for (size_t i = 0; i < job->adapter_count; i++)
		ju_push(adapters, ju_pack("{ss,sb}", "name", job->adapters[i].name, "up", job->adapters[i].up));
	return adapters;
}

/* Told when both have been looked at, so that nobody takes "not known yet" for "faulted". */
static void tell(struct netstate *s)
{
	unsigned all = s->config.corosync ? LOOK_LINKS | LOOK_ADAPTERS : LOOK_ADAPTERS;
	json_t *report;

	if ((s->known & all) != all)
		return;
	report = ju_pack("{so,so}", "links", s->links ? json_incref(s->links) : json_object(), "adapters",
			 s->adapters ? json_incref(s->adapters) : json_array());
	if (json_equal(report, s->report)) {
		json_decref(report);
		return;
	}
	json_decref(s->report);
	s->report = report;
	s->config.changed(s->config.ctx, report);
}

static void begin(struct netstate *s);

static void worked(uv_work_t *w, int status)
{
	struct netstate *s = w->data;
	unsigned good = status < 0 ? 0 : s->job.look & ~s->job.failed;

	if (good & LOOK_LINKS) {
		json_decref(s->links);
		s->links = links_json(&s->job);
	}
	if (good & LOOK_ADAPTERS) {
		json_decref(s->adapters);
		s->adapters = adapters_json(&s->job);
	}
	s->known |= s->job.look;
	s->busy = false;
	begin(s);
	tell(s);
}

/* ---- in the loop: questions ---- */

static void learn_infrastructure(struct netstate *s)
{
	const json_t *table = s->config.infrastructure(s->config.ctx);
	struct job *job = &s->job;
	const char *text;

	job->peers = 0;
	for (uint32_t id = 1; id <= CMM_NODE_ID_MAX; id++)
		if (id != s->config.self && net_node_name(table, id))
			job->peers |= node_bit(id);
	job->link_count = job->private_count = 0;
	while ((text = net_link_address(table, s->config.self, job->link_count))) {
		struct address *a = &job->private[job->private_count];

		a->family = strchr(text, ':') ? AF_INET6 : AF_INET;
		a->len = a->family == AF_INET6 ? 16 : 4;
		job->private_count += inet_pton(a->family, text, a->raw) == 1;
		job->link_count++;
	}
}

static void begin(struct netstate *s)
{
	if (s->busy || !s->wanted)
		return;
	s->busy = true;
	learn_infrastructure(s);
	s->job.look = s->wanted;
	s->wanted = 0;
	uv_queue_work(s->config.loop, &s->work, work, worked);
}

static void want(struct netstate *s, enum look look)
{
	s->wanted |= look;
	begin(s);
}

static void on_interval(uv_timer_t *timer)
{
	want(timer->data, LOOK_LINKS);
}

void netstate_links(struct netstate *s)
{
	if (!s->config.corosync)
		return;
	want(s, LOOK_LINKS);
	uv_timer_start(&s->interval, on_interval, NETSTATE_INTERVAL_MS, NETSTATE_INTERVAL_MS);
}

static void on_gather(uv_timer_t *timer)
{
	want(timer->data, LOOK_ADAPTERS);
}

/* What the messages say does not matter, nor that some were lost (ENOBUFS): everything is read anew. */
static void on_news(uv_poll_t *poll, int status, int events)
{
	struct netstate *s = poll->data;
	char message[4096];

	(void)status;
	(void)events;
	while (recv(nl_socket_get_fd(s->news), message, sizeof message, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS ||
	       errno == EINTR)
		;
	if (!uv_is_active((uv_handle_t *)&s->gather))
		uv_timer_start(&s->gather, on_gather, NETSTATE_GATHER_MS, 0);
}

static int open_news(struct nl_sock **ret, struct err *err)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = nl_socket_alloc();
	int r;

	if (!socket)
		return err_set(err, -ENOMEM, "no memory for a netlink socket");
	nl_socket_disable_seq_check(socket);
	r = nl_connect(socket, NETLINK_ROUTE);
	if (r == 0)
		r = nl_socket_add_memberships(socket, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, 0);
	if (r < 0)
		return err_set(err, -EIO, "cannot listen to the kernel's news of the network: %s", nl_geterror(r));
	*ret = TAKE_PTR(socket);
	return 0;
}

int netstate_new(const struct netstate_config *config, struct netstate **ret, struct err *err)
{
	struct nl_sock *news = NULL;
	struct netstate *s;
	int r = open_news(&news, err);

	if (r < 0)
		return r;
	s = xcalloc(1, sizeof *s);
	s->config = *config;
	s->news = news;
	s->poll.data = s->gather.data = s->interval.data = s->work.data = s;
	uv_timer_init(config->loop, &s->gather);
	uv_timer_init(config->loop, &s->interval);
	uv_poll_init(config->loop, &s->poll, nl_socket_get_fd(news));
	uv_poll_start(&s->poll, UV_READABLE, on_news);
	want(s, LOOK_ADAPTERS);
	*ret = s;
	return 0;
}
