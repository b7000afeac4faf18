#include "cmd/rtr_file.h"

#include <dirent.h>
#include <errno.h>

#include "base/json.h"
#include "base/paths.h"
#include "cmd/client.h"
#include "cmd/file.h"

#define RTR_BYTES_MAX (8 << 20)                 /* as the parser; a longer file is refused here */
#define OPT_RTREG     "/opt/cluster/lib/rgm/rtreg"
#define GET_TYPE      "org.parhelion.Cluster.GetType"

/* The text of an RTR file.  -EINVAL: it cannot be one. */
static int read_text(const char *path, char **ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	json_t *as_json;
	size_t len;
	int r = file_read(path, RTR_BYTES_MAX, &text, &len, err);

	if (r < 0)
		return r;
	as_json = strlen(text) == len ? json_stringn(text, len) : NULL;
	json_decref(as_json);
	if (!as_json)
		return err_set(err, -EINVAL, "%s is no RTR file: it is not text", path);
	*ret = TAKE_PTR(text);
	return 0;
}

/* NAME, then NAME without its version, in each directory where types register themselves. */
static int find_rtr(const char *type, char **ret_path, char **ret_text, struct err *err)
{
	const char *const dirs[] = { PREFIX_RTREG, path_state(OPT_RTREG) };
	_cleanup_free_ char *plain = xstrndup(type, strcspn(type, ":"));
	const char *const names[] = { type, plain };

	if (!*type || strchr(type, '/') || *type == '.')
		return err_set(err, -EINVAL, "\"%s\" is no name of a resource type; a path to an RTR file goes after -f", type);
	for (size_t d = 0; d < ARRAY_SIZE(dirs); d++)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			_cleanup_free_ char *path = xasprintf("%s/%s", dirs[d], names[i]);
			int r = read_text(path, ret_text, err);

			if (r == -ENOENT)
				continue;
			if (r == 0)
				*ret_path = TAKE_PTR(path);
			return r;
		}
	return err_set(err, -ENOENT, "there is no RTR file %s in %s or %s; -f names another", type, dirs[0], dirs[1]);
}

static int read_rtr(const struct cmdline *line, const char *type, const char *file, char **ret_path, char **ret_text)
{
	_cleanup_free_ char *what = xasprintf("register resource type %s", type);
	struct err err = { 0 };
	int r;

	if (file) {
		r = read_text(file, ret_text, &err);
		if (r == 0)
			*ret_path = *file == '/' ? xstrdup(file) : realpath(file, NULL);
		if (r == 0 && !*ret_path)
			*ret_path = xstrdup(file);
	} else {
		r = find_rtr(type, ret_path, ret_text, &err);
	}
	return r < 0 ? command_failed(line, r == -ENOENT ? EXIT_NO_OBJECT : EXIT_REFUSED, what, err.text) : EXIT_OK;
}

int rtr_register(const struct cmdline *line, const char *type, const char *file, const char *nodes)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	int r = read_rtr(line, type, file, &path, &text);

	if (r != EXIT_OK)
		return r;
	return request_run(line, ju_pack("{ss, ss, ss, ss, ss}", "op", "type_add", "type", type, "rtr", text, "path", path,
				   "installed_nodes", nodes), "register resource type %s", type);
}

int rtr_register_once(const struct cmdline *line, const char *type)
{
	bool missing, still;
	int r = client_probe(line, GET_TYPE, ju_pack("{ss}", "type", type), &missing);

	if (r == EXIT_OK || !missing)
		return EXIT_OK;                 /* what else may be wrong is said by the request itself */
	r = rtr_register(line, type, NULL, "");
	if (r != EXIT_OK &&             /* somebody else may have been faster */
	    client_probe(line, GET_TYPE, ju_pack("{ss}", "type", type), &still) == EXIT_OK)
		return EXIT_OK;
	return r;
}

static int by_text(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_directory(const char *path, struct strlist *ret)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, by_text);

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.' && !strlist_has(ret, entries[i]->d_name))
			strlist_add(ret, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

void rtr_names(struct strlist *ret)
{
	add_directory(PREFIX_RTREG, ret);
	add_directory(path_state(OPT_RTREG), ret);
}
