#include "cmm/corosync_conf.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "cmm/cmm.h"

/* seqno_unchanged_const: after so many rotations without a message the token rests for a while.  The default is 30; with a
 * beat of every member each 30 ms the token would then never rest (measured on three nodes: 34 % of a core per node, 7 %
 * with 2). */
static void add_totem(struct buf *b, const json_t *table, const char *keyfile, const struct cmm_timers *t, size_t links)
{
	buf_printf(b, "totem {\n"
		      "\tversion: 2\n"
		      "\tcluster_name: %s\n"
		      "\ttransport: knet\n"
		      "\tcrypto_cipher: aes256\n"
		      "\tcrypto_hash: sha256\n"
		      "\tkeyfile: %s\n"
		      "\ttoken: %u\n"
		      "\ttoken_coefficient: 0\n"
		      "\tconsensus: %u\n"
		      "\tjoin: %u\n"
		      "\tseqno_unchanged_const: 2\n"
		      "\tlink_mode: active\n", ju_str(table, "cluster.name", "cluster"), keyfile,
		   t->token_ms, t->consensus_ms, t->join_ms);
	for (size_t k = 0; k < links; k++)
		buf_printf(b, "\tinterface {\n"
			      "\t\tlinknumber: %zu\n"
			      "\t\tknet_ping_interval: 50\n"
			      "\t\tknet_ping_timeout: 1000\n"
			      "\t\tknet_pong_count: 1\n"
			      "\t}\n", k);
	buf_puts(b, "}\n\n");
}

static size_t add_node(struct buf *b, const json_t *table, unsigned id, const char *name)
{
	size_t links = 0;
	const char *address;

	buf_puts(b, "\tnode {\n");
	while (links < LINKS_MAX &&
	       (address = ju_strf(table, NULL, "cluster.nodes.%u.adapters.%zu.properties.ip_address", id, links + 1))) {
		buf_printf(b, "\t\tring%zu_addr: %s\n", links, address);
		links++;
	}
	buf_printf(b, "\t\tname: %s\n\t\tnodeid: %u\n\t}\n", name, id);
	return links;
}

int corosync_conf(const json_t *table, const char *keyfile, char **ret, struct err *err)
{
	const char *takeover = ju_str(table, "cluster.properties.takeover_time", NULL);
	struct buf out = { 0 }, nodes = { 0 };
	struct cmm_timers timers;
	size_t links = 0;
	int r = cmm_timers_derive(takeover ? (uint32_t)strtoul(takeover, NULL, 10) : TAKEOVER_TIME_DEFAULT_MS, &timers, err);

	if (r < 0)
		return err_prefix(err, -EINVAL, "infrastructure table");
	for (unsigned id = 1; r == 0 && id <= CMM_NODE_ID_MAX; id++) {
		const char *name = ju_strf(table, NULL, "cluster.nodes.%u.name", id);
		size_t own = name ? add_node(&nodes, table, id, name) : 0;

		if (name && !own)
			r = err_set(err, -EINVAL, "infrastructure table: node %s has no address on the interconnect", name);
		links = MAX(links, own);
	}
	if (r == 0 && !links)
		r = err_set(err, -EINVAL, "infrastructure table: there are no nodes");
	if (r == 0) {
		buf_puts(&out, "# Made from the infrastructure table by \"cluster corosync-conf -w\"; changes here are lost.\n");
		add_totem(&out, table, keyfile, &timers, links);
		buf_printf(&out, "nodelist {\n%s}\n\n", nodes.s);
		/* Its priority is given from outside: real-time, but below failfastd, which must end a node whose corosync spins. */
		buf_puts(&out, "system {\n\tsched_rr: no\n}\n\n");
		buf_puts(&out, "logging {\n\tto_syslog: no\n\tto_stderr: yes\n\ttimestamp: hires\n}\n");
		*ret = buf_take(&out);
	}
	buf_done(&nodes);
	return r;
}
