/* Persistent reservations as in SPC-3, 5.6.  Each node registers its key; one reservation of type 5, Write Exclusive,
 * Registrants Only, keeps those out who are not registered.  To take, a node removes the keys of the others one by one by
 * PREEMPT AND ABORT, which the device refuses as soon as the own key is gone.
 *
 * Why two disjoint sides do not both take: `ok` means that READ KEYS, after all removals, showed the own key and none outside
 * keep.  Of two winners the later one's key was not there when the earlier one looked, and nobody has put it back.
 * Why one does: a key is only removed by a node whose own key is there.  So some key always stays, and with it a side.
 *
 * A loser may have removed some keys of the winner's side before it lost; those nodes get "preempted", and register again when
 * the winner has admitted them.
 *
 * What must stay true: only `register` and `prepare` put the own key on by REGISTER AND IGNORE EXISTING KEY.  In a take it would
 * bring back a key that was removed a moment ago.
 *
 * Some devices bind a registration to the session that made it, and a node that has booted has another one: its key is there,
 * but it may do nothing.  Then it puts on another key, its claim, which the others take for one that has to go; removes the own
 * key in the name of the claim, which works only if that is still there; and turns the claim into the own key.  At every moment
 * one of the two is there.  A node that dies in the middle has lost its key, and has to wait for the others. */
#include "quorum/pr.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>

#define PR_IN  0x5e
#define PR_OUT 0x5f
#define TYPE_WERO 5

enum { IN_READ_KEYS = 0, IN_READ_RESERVATION = 1 };
enum { OUT_REGISTER = 0, OUT_RESERVE = 1, OUT_CLEAR = 3, OUT_PREEMPT = 4, OUT_PREEMPT_ABORT = 5, OUT_REGISTER_IGNORE = 6 };
enum { GOOD = 0x00, CHECK_CONDITION = 0x02, BUSY = 0x08, CONFLICT = 0x18, TASK_SET_FULL = 0x28 };
enum { ILLEGAL_REQUEST = 5, UNIT_ATTENTION = 6 };

#define OUT_BYTES   24
#define APTPL       0x01                /* keep the keys through a loss of power */
#define REPEATS_MAX 20                  /* for an answer that says: not now */
#define ROUNDS_MAX  200                 /* of a take: others remove keys, too */
#define KEYS_MAX    ((PR_DATA_MAX - 8) / 8)

struct keys { uint64_t v[KEYS_MAX]; size_t n; };

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return be64toh(v);
}

static void put64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof v);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- commands ---- */

/* Sends it until the device says something that is meant for us. */
static int command(const struct pr_device *d, struct pr_command *c, struct err *err)
{
	for (unsigned i = 0;; i++) {
		int r;

		c->status = c->sense_key = c->asc = c->ascq = 0;
		c->got = 0;
		r = d->command(d->ctx, c, err);
		if (r < 0)
			return err_prefix(err, r, "%s", d->name);
		if (i >= REPEATS_MAX)
			return 0;
		if (c->status == BUSY || c->status == TASK_SET_FULL)
			quorum_pause(10);
		else if (c->status != CHECK_CONDITION || c->sense_key != UNIT_ATTENTION)
			return 0;
	}
}

static int refused(const struct pr_device *d, const struct pr_command *c, const char *what, struct err *err)
{
	if (c->status == CHECK_CONDITION && c->sense_key == ILLEGAL_REQUEST)
		return err_set(err, -EOPNOTSUPP, "%s does not support %s (sense %x/%02x/%02x)", d->name, what, c->sense_key, c->asc,
			       c->ascq);
	return err_set(err, -EREMOTEIO, "%s: %s ended with status 0x%02x, sense %x/%02x/%02x", d->name, what, c->status, c->sense_key,
		       c->asc, c->ascq);
}

static int pr_in(const struct pr_device *d, uint8_t action, uint8_t *data, size_t *ret_len, struct err *err)
{
	struct pr_command c = { .cdb = { PR_IN, action, [7] = PR_DATA_MAX >> 8, [8] = PR_DATA_MAX & 0xff }, .data = data,
				.len = PR_DATA_MAX };
	int r;

	memset(data, 0, PR_DATA_MAX);
	r = command(d, &c, err);
	if (r < 0)
		return r;
	if (c.status != GOOD)
		return refused(d, &c, "reading of persistent reservations", err);
	if (c.got < 8 || c.got > PR_DATA_MAX || get32(data + 4) > c.got - 8 || get32(data + 4) % 8)
		return err_set(err, -EPROTO, "%s: what it says of its reservations makes no sense", d->name);
	*ret_len = get32(data + 4);
	return 0;
}

static int read_keys(const struct pr_device *d, struct keys *ret, struct err *err)
{
	uint8_t data[PR_DATA_MAX];
	size_t len;
	int r = pr_in(d, IN_READ_KEYS, data, &len, err);

	if (r < 0)
		return r;
	ret->n = len / 8;
	for (size_t i = 0; i < ret->n; i++)
		ret->v[i] = get64(data + 8 + 8 * i);
	return 0;
}

/* 0: done; CONFLICT: the device refuses because of a key; negative errno. */
static int pr_out(const struct pr_device *d, uint8_t action, uint64_t own, uint64_t other, uint8_t flags, struct err *err)
{
	uint8_t data[OUT_BYTES] = { [20] = flags };
	struct pr_command c = { .cdb = { PR_OUT, action, TYPE_WERO, [8] = OUT_BYTES }, .out = true, .data = data, .len = OUT_BYTES };
	int r;

	put64(data, own);
	put64(data + 8, other);
	r = command(d, &c, err);
	if (r < 0)
		return r;
	if (c.status == GOOD || c.status == CONFLICT)
		return c.status;
	return refused(d, &c, "this persistent reservation", err);
}

static uint64_t own_key(const struct pr_device *d)
{
	return d->cluster->keys[d->cluster->self];
}

static bool has_key(const struct keys *keys, uint64_t key)
{
	for (size_t i = 0; i < keys->n; i++)
		if (keys->v[i] == key)
			return true;
	return false;
}

static uint32_t node_of(const struct pr_device *d, uint64_t key)
{
	for (uint32_t id = nodeset_next(d->cluster->nodes, 0); id; id = nodeset_next(d->cluster->nodes, id))
		if (d->cluster->keys[id] == key)
			return id;
	return 0;
}

static nodeset nodes_of(const struct pr_device *d, const struct keys *keys)
{
	nodeset nodes = 0;

	for (size_t i = 0; i < keys->n; i++)
		nodes |= node_of(d, keys->v[i]) ? node_bit(node_of(d, keys->v[i])) : 0;
	return nodes;
}

/* Ours: of a node that is configured, or was. */
static bool is_ours(const struct pr_device *d, uint64_t key)
{
	return node_of(d, key) || (uint32_t)(key >> 32) == d->cluster->id;
}

/* Not every device keeps keys through a loss of power, or aborts what a removed node has under way. */
static int register_by(const struct pr_device *d, uint8_t action, uint64_t old, uint64_t key, struct err *err)
{
	int r = pr_out(d, action, old, key, APTPL, err);

	return r == -EOPNOTSUPP ? pr_out(d, action, old, key, 0, err) : r;
}

static int register_ignoring(const struct pr_device *d, uint64_t key, struct err *err)
{
	return register_by(d, OUT_REGISTER_IGNORE, 0, key, err);
}

static int preempt(const struct pr_device *d, uint64_t victim, struct err *err)
{
	int r = pr_out(d, OUT_PREEMPT_ABORT, own_key(d), victim, 0, err);

	return r == -EOPNOTSUPP ? pr_out(d, OUT_PREEMPT, own_key(d), victim, 0, err) : r;
}

/* The own key is registered, or was a moment ago.  Sees to it that there is the reservation that we want. */
static int reserve(const struct pr_device *d, struct err *err)
{
	uint8_t data[PR_DATA_MAX];
	size_t len;
	int r = pr_in(d, IN_READ_RESERVATION, data, &len, err);

	if (r < 0)
		return r;
	if (len >= 16 && (data[8 + 13] & 0x0f) != TYPE_WERO)
		return err_set(err, -EBUSY, "%s is reserved in another way (type %u)", d->name, data[8 + 13] & 0x0fu);
	if (len >= 16)
		return 0;
	r = pr_out(d, OUT_RESERVE, own_key(d), 0, 0, err);
	return MIN(r, 0);       /* a conflict: another was faster, or removed us, which who looks at the keys will see */
}

/* ---- operations ---- */

static int finish(const struct pr_device *d, enum quorum_result result, const struct keys *keys, struct quorum_answer *ret)
{
	ret->result = result;
	ret->has_keys = true;
	ret->keys = nodes_of(d, keys);
	if (result == QUORUM_PREEMPTED)
		(void)err_set(&ret->err, -EACCES, "the key of this node is not on %s", d->name);
	return 0;
}

static int finish_read(const struct pr_device *d, struct keys *keys, struct quorum_answer *ret)
{
	int r = read_keys(d, keys, &ret->err);

	return r < 0 ? r : finish(d, QUORUM_OK, keys, ret);
}

static int do_register(const struct pr_device *d, const struct quorum_request *request, struct keys *keys, struct quorum_answer *ret)
{
	int r = register_ignoring(d, own_key(d), &ret->err);

	if (r == CONFLICT)
		return err_set(&ret->err, -EBUSY, "%s does not let this node register", d->name);
	if (r == 0)
		r = reserve(d, &ret->err);
	return r < 0 ? r : finish_read(d, keys, ret);
}

#define CLAIM  ((uint64_t)1 << 31)      /* no node has such an id */
#define NOBODY ((uint64_t)1 << 30)

/* The claim is registered over this path: from here on it or the own key is there, or the own key was removed by others. */
static int exchange(const struct pr_device *d, uint64_t own, uint64_t claim, struct err *err)
{
	int r = pr_out(d, OUT_PREEMPT, claim, own | NOBODY, 0, err);

	if (r == 0)
		return err_set(err, -EOPNOTSUPP, "%s has the key of this node from before it booted, and cannot tell whether it is still there "
			       "when it is to be replaced", d->name);
	if (r == CONFLICT)
		r = pr_out(d, OUT_PREEMPT, claim, own, 0, err);
	return r == 0 ? register_by(d, OUT_REGISTER, claim, own, err) : r;
}

/* The own key is there: over this path now, or it is not there any more (CONFLICT). */
static int adopt(const struct pr_device *d, struct err *err)
{
	uint64_t own = own_key(d), claim = own | CLAIM;
	struct keys keys;
	int r = register_by(d, OUT_REGISTER, own, own, err);

	if (r != CONFLICT)
		return r;               /* it was, all the time */
	r = read_keys(d, &keys, err);
	if (r < 0 || !has_key(&keys, own))
		return r < 0 ? r : CONFLICT;
	r = register_ignoring(d, claim, err);
	if (r == 0)
		r = exchange(d, own, claim, err);
	if (r != 0)
		(void)pr_out(d, OUT_REGISTER, claim, 0, 0, NULL);
	return r;
}

/* A key that has to go; 0: none. */
static uint64_t victim(const struct pr_device *d, const struct keys *keys, nodeset keep)
{
	for (size_t i = 0; i < keys->n; i++)
		if (!nodeset_has(keep, node_of(d, keys->v[i])))
			return keys->v[i];
	return 0;
}

static int do_take(const struct pr_device *d, const struct quorum_request *request, struct keys *keys, struct quorum_answer *ret)
{
	for (unsigned round = 0; round < ROUNDS_MAX + KEYS_MAX; round++) {
		uint64_t out;
		int r = read_keys(d, keys, &ret->err);

		if (r < 0)
			return r;
		if (!has_key(keys, own_key(d)))
			return finish(d, QUORUM_PREEMPTED, keys, ret);
		out = victim(d, keys, request->keep);
		if (!out) {
			(void)reserve(d, NULL);         /* the keys decide; a reservation only keeps data safe */
			return finish(d, QUORUM_OK, keys, ret);
		}
		r = preempt(d, out, &ret->err);
		/* A conflict: our key has gone, or that one was removed by another.  Or it is not registered over this path. */
		if (r == CONFLICT)
			r = MIN(adopt(d, &ret->err), 0);
		if (r < 0)
			return r;
	}
	return err_set(&ret->err, -EBUSY, "%s refuses to remove keys, though that of this node is there", d->name);
}

static int do_check(const struct pr_device *d, const struct quorum_request *request, struct keys *keys, struct quorum_answer *ret)
{
	int r = finish_read(d, keys, ret);

	for (size_t i = 0; r == 0 && i < keys->n; i++)
		if (!node_of(d, keys->v[i]))
			(void)snprintf(ret->err.text, sizeof ret->err.text, "%s has a key of nobody: 0x%016llX", d->name,
				       (unsigned long long)keys->v[i]);
	return r;
}

static int do_unregister(const struct pr_device *d, const struct quorum_request *request, struct keys *keys,
			 struct quorum_answer *ret)
{
	int r = read_keys(d, keys, &ret->err);

	if (r == 0 && has_key(keys, own_key(d)))
		r = MIN(adopt(d, &ret->err), 0);
	if (r == 0 && has_key(keys, own_key(d)))
		r = MIN(pr_out(d, OUT_REGISTER, own_key(d), 0, 0, &ret->err), 0);
	if (r == 0)
		r = read_keys(d, keys, &ret->err);
	if (r < 0)
		return r;
	if (has_key(keys, own_key(d)))
		return err_set(&ret->err, -EBUSY, "%s keeps the key of this node", d->name);
	return finish(d, QUORUM_OK, keys, ret);
}

/* Removes all keys but the own one that are ours, or all that are not.  The own one is registered then. */
static int remove_keys(const struct pr_device *d, bool ours, struct keys *keys, struct quorum_answer *ret)
{
	int r = register_ignoring(d, own_key(d), &ret->err);

	if (r == 0)
		r = read_keys(d, keys, &ret->err);
	for (size_t i = 0; r == 0 && i < keys->n; i++)
		if (keys->v[i] != own_key(d) && is_ours(d, keys->v[i]) == ours)
			r = MIN(preempt(d, keys->v[i], &ret->err), 0);  /* a conflict: it has gone already */
	if (r == CONFLICT)
		r = err_set(&ret->err, -EBUSY, "%s does not let this node register", d->name);
	return r;
}

static bool is_only_own(const struct pr_device *d, const struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		if (keys->v[i] != own_key(d))
			return false;
	return true;
}

/* The own key is also there for a path, or a session, that is no more: only CLEAR gets it away, and takes all others along. */
static int clear(const struct pr_device *d, struct keys *keys, struct quorum_answer *ret)
{
	int r;

	ret->err = (struct err) { 0 };
	r = register_ignoring(d, own_key(d), &ret->err);
	if (r == 0)
		r = pr_out(d, OUT_CLEAR, own_key(d), 0, 0, &ret->err);
	if (r == CONFLICT)
		r = err_set(&ret->err, -EBUSY, "%s keeps its keys: the one of this node has been removed meanwhile", d->name);
	return r < 0 ? r : finish_read(d, keys, ret);
}

static int do_scrub(const struct pr_device *d, const struct quorum_request *request, struct keys *keys, struct quorum_answer *ret)
{
	int r = remove_keys(d, true, keys, ret);

	if (r == 0)
		r = do_unregister(d, request, keys, ret);
	return r == -EBUSY && is_only_own(d, keys) ? clear(d, keys, ret) : r;
}

static int do_prepare(const struct pr_device *d, const struct quorum_request *request, struct keys *keys, struct quorum_answer *ret)
{
	bool was_there;
	int r = read_keys(d, keys, &ret->err);

	if (r < 0)
		return r;
	was_there = has_key(keys, own_key(d));
	for (size_t i = 0; i < keys->n; i++)
		if (!is_ours(d, keys->v[i]) && !request->force)
			return err_set(&ret->err, -EEXIST, "%s holds the key of another cluster, 0x%016llX; \"force\":true removes it",
				       d->name, (unsigned long long)keys->v[i]);
	r = remove_keys(d, false, keys, ret);           /* and so sees whether it can do what we need */
	if (r == 0 && !was_there)
		return do_unregister(d, request, keys, ret);
	return r < 0 ? r : finish_read(d, keys, ret);
}

void pr_run(const struct pr_device *device, const struct quorum_request *request, struct quorum_answer *ret)
{
	static int (*const actions[QOP_COUNT])(const struct pr_device *, const struct quorum_request *, struct keys *,
					       struct quorum_answer *) = {
		[QOP_REGISTER] = do_register, [QOP_TAKE] = do_take, [QOP_CHECK] = do_check,
		[QOP_UNREGISTER] = do_unregister, [QOP_PREPARE] = do_prepare, [QOP_SCRUB] = do_scrub,
	};
	struct keys keys = { 0 };

	assert(request->op < QOP_COUNT);
	*ret = (struct quorum_answer) { .result = QUORUM_ERROR };
	(void)actions[request->op](device, request, &keys, ret);        /* the answer says it all */
}
