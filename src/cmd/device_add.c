#include "cmd/device_add.h"

#include "base/json.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/props.h"
#include "cmd/quorum_type.h"

/* What goes with every device that is added; NULL after a complaint, *ret_code is the exit code. */
static json_t *read_members(const struct cmdline *line, const struct device_kind *kind, int *ret_code)
{
	_cleanup_free_ char *what = xasprintf("add a %s", kind->what);
	_cleanup_(strlist_done) struct strlist nodes = { 0 };
	const char *type = cmdline_get(line, 't');
	json_t *extra = ju_pack("{s{}}", "props");
	struct err err = { 0 };

	*ret_code = props_read(line, 'p', NULL, ju_obj(extra, "props"));
	if (*ret_code == EXIT_OK && cmdline_list(line, 'n', &nodes) < 0)
		*ret_code = EXIT_USAGE;
	if (*ret_code == EXIT_OK && kind->read_type(type ? type : kind->default_type, &type, &err) < 0)
		*ret_code = command_failed(line, EXIT_TYPE, what, err.text);
	if (*ret_code != EXIT_OK) {
		json_decref(extra);
		return NULL;
	}
	ju_set_str(extra, "type", type);
	if (nodes.n)
		ju_set_new(extra, "nodes", strings_json(&nodes));
	if (cmdline_has(line, 'F'))
		ju_set_bool(extra, "force", true);
	return extra;
}

static int add_one(const struct cmdline *line, const struct device_kind *kind, const struct view *view, const char *given,
		   const json_t *extra)
{
	_cleanup_free_ char *name = quorum_device_name(given), *what = xasprintf("add %s %s", kind->what, name);
	const char *why = kind->taken(view, name);
	json_t *body, *props;

	if (why)
		return command_failed(line, EXIT_EXISTS, what, why);
	body = json_copy((json_t *)extra);
	props = json_copy(ju_obj(extra, "props"));
	kind->complete(given, ju_str(extra, "type", ""), props);
	ju_set_str(body, "op", kind->op);
	ju_set_str(body, "name", name);
	ju_set_new(body, "props", props);
	return request_run(line, body, "%s", what);
}

int device_add(const struct cmdline *line, const struct device_kind *kind)
{
	int first = EXIT_OK, r = EXIT_OK;
	struct view view = { 0 };
	json_t *extra = read_members(line, kind, &r);

	if (!extra)
		return r;
	r = view_read(line, false, &view);
	for (size_t i = 0; view.status && !exit_is_hopeless(r) && i < line->operands.n; i++) {
		r = add_one(line, kind, &view, line->operands.v[i], extra);
		first = first ? first : r;
	}
	json_decref(extra);
	view_done(&view);
	return first ? first : r;
}
