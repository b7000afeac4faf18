#include "dsdl/trees.h"

#include <errno.h>
#include <poll.h>

#include "base/json.h"
#include "base/varlink.h"
#include "dsdl/command.h"
#include "dsdl/pmf_client.h"

#define RENEWAL_MS     5000             /* so long a new process monitor may take */
#define RENEWAL_ASK_MS 20

static const char *tag_of(const struct tree *tree)
{
	return ju_str(tree->spec, "tag", "");
}

static void unwatch(struct tree *tree, enum tree_state state)
{
	vl_conn_close(tree->watch);
	tree->watch = NULL;
	tree->state = state;
}

/* A failure other than that it is gone leaves it to the next refresh. */
static void watch(struct tree *tree)
{
	unwatch(tree, TREE_ALIVE);
	tree->told = false;
	if (pmf_watch(tag_of(tree), &tree->watch, NULL) == -ENOENT)
		tree->state = TREE_DEAD;
}

static struct tree *find(struct scds *s, const char *tag)
{
	for (size_t i = 0; i < s->tree_count; i++)
		if (streq(tag_of(&s->trees[i]), tag))
			return &s->trees[i];
	return NULL;
}

void trees_add(struct scds *s, json_t *spec)
{
	struct tree *tree = find(s, ju_str(spec, "tag", ""));

	if (!tree) {
		s->trees = xrealloc(s->trees, (s->tree_count + 1) * sizeof s->trees[0]);
		tree = &s->trees[s->tree_count++];
		*tree = (struct tree) { 0 };
	}
	json_decref(tree->spec);
	tree->spec = spec;
	watch(tree);
}

/* "rg,rs,N.svc" of this resource. */
static bool tag_is_ours(const struct scds *s, const char *tag)
{
	_cleanup_free_ char *prefix = xasprintf("%s,%s,", s->m.rg, s->m.rs);
	size_t n = strlen(prefix);

	return strncmp(tag, prefix, n) == 0 && streq(tag + n + strspn(tag + n, "0123456789"), ".svc");
}

static void compare(struct tree *tree, json_t *tags)
{
	json_t *spec = pmf_find(tags, tag_of(tree));

	if (!spec)
		unwatch(tree, tree->state == TREE_LET_GO ? TREE_LET_GO : TREE_DEAD);
	else if (streq(ju_str(spec, "state", ""), "stopping"))
		unwatch(tree, TREE_LET_GO);
	else if (!tree->watch)
		watch(tree);
}

int trees_refresh(struct scds *s, struct err *err)
{
	_cleanup_json_ json_t *tags = NULL;
	_cleanup_free_ char *prefix = xasprintf("%s,%s,", s->m.rg, s->m.rs);
	json_t *spec;
	size_t i;
	int r;

	r = pmf_list(prefix, &tags, err);
	if (r < 0)
		return r;
	json_array_foreach(tags, i, spec)
		if (tag_is_ours(s, ju_str(spec, "tag", "")) && !find(s, ju_str(spec, "tag", "")))
			trees_add(s, json_incref(spec));
	for (i = 0; i < s->tree_count; i++)
		compare(&s->trees[i], tags);
	return 0;
}

struct tree *trees_dead(struct scds *s)
{
	for (size_t i = 0; i < s->tree_count; i++)
		if (s->trees[i].state == TREE_DEAD)
			return &s->trees[i];
	return NULL;
}

/* The process monitor starts anew, and adopts its tags.  False: there is none for too long, or the tag is not there. */
static bool watch_again(struct tree *tree)
{
	int64_t end = clock_ms() + RENEWAL_MS;

	do {
		(void)poll(NULL, 0, RENEWAL_ASK_MS);
		watch(tree);
	} while (tree->state == TREE_ALIVE && !tree->watch && clock_ms() < end);
	return tree->watch != NULL;
}

/* The process monitor may have told of a death, or of the end of a tag that somebody had let go after the last refresh. */
static void look(struct tree *tree)
{
	int r = tree->watch ? pmf_watch_died(tree->watch) : 0;

	if (r == 0 || (r < 0 && watch_again(tree)))
		return;
	unwatch(tree, pmf_is_stopping(tag_of(tree), NULL) == 1 ? TREE_LET_GO : TREE_DEAD);
}

/* What came together with the answer to Watch lies in the buffer of the connection, where poll(2) does not see it; and a
 * refresh, or the answer itself, may have found that the tree is gone. */
static struct tree *died_meanwhile(struct scds *s)
{
	for (size_t i = 0; i < s->tree_count; i++) {
		struct tree *tree = &s->trees[i];

		look(tree);
		if (tree->state == TREE_DEAD && !tree->told) {
			tree->told = true;
			return tree;
		}
	}
	return NULL;
}

struct tree *trees_wait(struct scds *s, int64_t timeout_ms)
{
	_cleanup_free_ struct pollfd *fds = xcalloc(s->tree_count + 1, sizeof *fds);
	int64_t end = clock_ms() + timeout_ms;
	struct tree *tree = died_meanwhile(s);

	while (!tree) {
		int64_t left = MAX(end - clock_ms(), (int64_t)0);

		for (size_t i = 0; i < s->tree_count; i++)
			fds[i] = (struct pollfd) { .fd = s->trees[i].watch ? vl_conn_fd(s->trees[i].watch) : -1, .events = POLLIN };
		if (poll(fds, s->tree_count, (int)MIN(left, (int64_t)INT32_MAX)) > 0)
			tree = died_meanwhile(s);
		if (left == 0)
			break;
	}
	return tree;
}

int tree_start_again(struct tree *tree, struct err *err)
{
	int r = pmf_start_tag(tree->spec, err);

	if (r < 0 && r != -EEXIST)
		return r;
	watch(tree);
	return 0;
}

void trees_forget(struct scds *s)
{
	for (size_t i = 0; i < s->tree_count; i++) {
		unwatch(&s->trees[i], TREE_INVALID);
		json_decref(s->trees[i].spec);
	}
	free(s->trees);
	s->trees = NULL;
	s->tree_count = 0;
}
