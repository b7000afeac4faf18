/* The methods, by the name of the program. */
#include <errno.h>
#include <scha_types.h>

#include "LogicalHostname/lh.h"
#include "base/log.h"

/* One that is up and not in the record was not brought up by us: it is an address of the node, or somebody's by hand. */
static int check_not_foreign(const struct net *net, const struct lh_addresses *wanted, const struct lh_record *record,
			     struct err *err)
{
	for (size_t i = 0; i < wanted->n; i++) {
		const struct net_assigned *a = net_find(net, &wanted->v[i].ip);
		const struct net_if *on = a ? net_if_find(net, a->ifindex) : NULL;
		char text[NET_IP_TEXT];

		if (a && !lh_record_has(record, &a->ip))
			return err_set(err, -EADDRINUSE, "%s is up on %s of this node already, and not through this resource",
				       net_ip_text(&a->ip, text), on ? on->name : "an interface");
	}
	return 0;
}

/* SUNW.SharedAddress has the same methods under names of its own. */
static bool is_shared(const struct method *m)
{
	return strncmp(m->name, "sa_", 3) == 0;
}

/* What Prenet_start, Start and Validate need to know. */
static int survey(struct method *m, struct net **ret_net, struct lh_addresses *ret, struct lh_record *ret_record,
		  struct err *err)
{
	int r = method_load(m, err);

	if (r == 0)
		r = net_new(ret_net, err);
	if (r == 0)
		r = lh_resolve(m, *ret_net, ret, err);
	if (r == 0)
		r = lh_record_read(m->rs, ret_record, err);
	return r < 0 ? r : check_not_foreign(*ret_net, ret, ret_record, err);
}

static int prenet_start(struct method *m, struct err *err)
{
	_cleanup_(net_freep) struct net *net = NULL;
	struct lh_addresses wanted;
	struct lh_record record;
	int r = survey(m, &net, &wanted, &record, err);

	for (size_t i = 0; r == 0 && i < wanted.n; i++) {
		char text[NET_IP_TEXT];

		if (!wanted.v[i].on.running)
			r = err_set(err, -ENETDOWN, "interface %s has no carrier for %s", wanted.v[i].on.name,
				    net_ip_text(&wanted.v[i].ip, text));
	}
	return r;
}

static int remove_all(struct net *net, const struct lh_record *record, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < record->n; i++) {
		char text[NET_IP_TEXT];
		int n = net_remove(net, &record->v[i], err);

		if (n > 0)
			log_info("address %s is down", net_ip_text(&record->v[i], text));
		r = n < 0 ? n : r;              /* the others must go all the same */
	}
	return r;
}

static int add_all(struct net *net, const struct lh_addresses *wanted, struct err *err)
{
	for (size_t i = 0; i < wanted->n; i++) {
		const struct announce_target *t = &wanted->v[i];
		char text[NET_IP_TEXT];
		int r = net_add(net, &t->ip, &t->on, wanted->prefix[i], err);

		if (r < 0 && r != -EEXIST)
			return r;
		log_info("address %s is up on %s", net_ip_text(&t->ip, text), t->on.name);
	}
	return 0;
}

static int start(struct method *m, struct err *err)
{
	_cleanup_(net_freep) struct net *net = NULL;
	_cleanup_(announce_freep) struct announce *announce = NULL;
	struct lh_addresses wanted;
	struct lh_record record;
	int r = survey(m, &net, &wanted, &record, err);

	if (r == 0)
		r = announce_new(wanted.v, wanted.n, &announce, err);
	if (r < 0)
		return r;
	announce_excuse(announce, lh_is_remains_of_dead_node, net);
	r = announce_probe(announce, ANNOUNCE_PROBE_WAIT_MS, err);
	if (r < 0)
		return r;
	record.n = wanted.n;
	for (size_t i = 0; i < wanted.n; i++)
		record.v[i] = wanted.v[i].ip;
	r = lh_record_write(m->rs, &record, err);
	if (r == 0)
		r = add_all(net, &wanted, err);
	if (r < 0) {
		(void)remove_all(net, &record, NULL);   /* Stop will be called and tries again */
		return r;
	}
	announce_repeatedly(TAKE_PTR(announce));
	method_status(m, SCHA_RSSTATUS_OK, is_shared(m) ? "SharedAddress online. All packets stay on this node: they are not distributed yet." :
							  "LogicalHostname online.");
	return 0;
}

static int give_up(const struct method *m, struct err *err)
{
	_cleanup_(net_freep) struct net *net = NULL;
	struct lh_record record;
	int r = lh_record_read(m->rs, &record, err);

	if (r < 0 || record.n == 0)
		return r;
	r = net_new(&net, err);
	return r < 0 ? r : remove_all(net, &record, err);
}

static int stop(struct method *m, struct err *err)
{
	int r = give_up(m, err);

	if (r == 0)
		method_status(m, SCHA_RSSTATUS_OFFLINE, is_shared(m) ? "SharedAddress offline." : "LogicalHostname offline.");
	return r;
}

static int postnet_stop(struct method *m, struct err *err)
{
	int r = give_up(m, err);

	if (r == 0)
		lh_record_remove(m->rs);
	return r;
}

static int validate(struct method *m, struct err *err)
{
	_cleanup_(net_freep) struct net *net = NULL;
	struct lh_addresses wanted;
	struct lh_record record;

	if (m->update && !method_given(m, "HostnameList") && !method_given(m, "NetIfList"))
		return 0;                       /* nothing that concerns us */
	return survey(m, &net, &wanted, &record, err);
}

static const struct method_row methods[] = {
	{ "lh_prenet_start", prenet_start },
	{ "lh_start",        start },
	{ "lh_stop",         stop },
	{ "lh_postnet_stop", postnet_stop },
	{ "lh_validate",     validate },
	{ "sa_prenet_start", prenet_start },
	{ "sa_start",        start },
	{ "sa_stop",         stop },
	{ "sa_postnet_stop", postnet_stop },
	{ "sa_validate",     validate },
};

int main(int argc, char **argv)
{
	return method_main(argc, argv, methods, ARRAY_SIZE(methods));
}
