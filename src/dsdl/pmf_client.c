#include "dsdl/pmf_client.h"

#include <errno.h>

#include "base/json.h"
#include "base/paths.h"
#include "base/varlink.h"
#include "lib/ask.h"

#define PMF(name)       "org.parhelion.Pmf." name
#define PMF_TIMEOUT_MS  (60 * 1000)     /* pmfd answers at once; this is for a machine in trouble */
#define PMF_MARGIN_MS   5000            /* beyond a wait that pmfd itself limits */

static void conn_closep(struct vl_conn **conn) { vl_conn_close(*conn); }

/* As vl_call_sync() to pmfd; *ret_expected (may be NULL): it failed with the error "expected". */
static int call(const char *method, json_t *params, int timeout_ms, json_t **ret, const char *expected, bool *ret_expected,
		struct err *err)
{
	_cleanup_free_ char *path = ask_path(PATH_PMFD_SOCK), *error = NULL;
	int r = vl_call_sync(path, method, params, timeout_ms, ret, &error, err);

	if (ret_expected)
		*ret_expected = error && streq(error, expected);
	return r;
}

char *pmf_tag_of(const char *rg, const char *rs, int instance, const char *ext)
{
	return xasprintf("%s,%s,%d.%s", rg, rs, instance, ext);
}

int pmf_start_tag(const json_t *tag, struct err *err)
{
	json_t *params = ju_pack("{s:o, s:O, s:I, s:I}", "tag", ask_string(ju_str(tag, "tag", "")), "argv", ju_arr(tag, "argv"),
				 "retries", (json_int_t)ju_int(tag, "retries", 0),
				 "period_min", (json_int_t)ju_int(tag, "period", -1));
	const char *path = getenv("PATH");
	bool exists;
	int r;

	if (ju_int(tag, "level", -1) >= 0)
		ju_set_int(params, "level", ju_int(tag, "level", -1));
	if (ju_arr(tag, "env"))
		json_object_set(params, "env", ju_arr(tag, "env"));
	if (path)
		ju_set_new(params, "path", ask_string(path));
	r = call(PMF("Start"), params, PMF_TIMEOUT_MS, NULL, PMF("TagExists"), &exists, err);
	return r < 0 && exists ? -EEXIST : r;
}

int pmf_stop(const char *tag, int signal, int wait_ms, struct err *err)
{
	json_t *params = ju_pack("{s:o, s:i}", "tag", ask_string(tag), "wait_ms", wait_ms);
	_cleanup_json_ json_t *reply = NULL;
	bool no_tag;
	int r;

	if (signal)
		ju_set_int(params, "signal", signal);
	r = call(PMF("Stop"), params, wait_ms < 0 ? -1 : wait_ms + PMF_MARGIN_MS, &reply, PMF("NoSuchTag"), &no_tag, err);
	if (r < 0)
		return no_tag ? 0 : r;
	if (ju_bool(reply, "expired", false))
		return err_set(err, -ETIMEDOUT, "processes of %s are left after %d ms", tag, wait_ms);
	return 0;
}

int pmf_kill(const char *tag, int signal, int wait_ms, struct err *err)
{
	json_t *params = ju_pack("{s:o, s:i, s:i}", "tag", ask_string(tag), "signal", signal, "wait_ms", wait_ms);
	_cleanup_json_ json_t *reply = NULL;
	bool no_tag;
	int r;

	r = call(PMF("Kill"), params, wait_ms < 0 ? -1 : wait_ms + PMF_MARGIN_MS, &reply, PMF("NoSuchTag"), &no_tag, err);
	if (r < 0)
		return no_tag ? -ENOENT : r;
	return ju_bool(reply, "expired", false) ? err_set(err, -ETIMEDOUT, "%s lives after %d ms", tag, wait_ms) : 0;
}

int pmf_list(const char *prefix, json_t **ret, struct err *err)
{
	_cleanup_json_ json_t *reply = NULL;
	int r = call(PMF("Status"), ju_pack("{s:o}", "prefix", ask_string(prefix)), PMF_TIMEOUT_MS, &reply, NULL, NULL, err);

	if (r < 0)
		return r;
	*ret = json_incref(ju_arr(reply, "tags"));
	return *ret ? 0 : err_set(err, -EPROTO, "the process monitor tells no tags");
}

int pmf_query(const char *tag, struct err *err)
{
	_cleanup_json_ json_t *reply = NULL;
	int r = call(PMF("Query"), ju_pack("{s:o}", "tag", ask_string(tag)), PMF_TIMEOUT_MS, &reply, NULL, NULL, err);

	return r < 0 ? r : ju_bool(reply, "present", false);
}

int pmf_is_stopping(const char *tag, struct err *err)
{
	_cleanup_json_ json_t *reply = NULL;
	bool no_tag;
	int r = call(PMF("Status"), ju_pack("{s:o}", "tag", ask_string(tag)), PMF_TIMEOUT_MS, &reply, PMF("NoSuchTag"),
		     &no_tag, err);

	if (r < 0)
		return no_tag ? 0 : r;
	return streq(ju_str(json_array_get(ju_arr(reply, "tags"), 0), "state", ""), "stopping");
}

int pmf_watch(const char *tag, struct vl_conn **ret, struct err *err)
{
	_cleanup_free_ char *path = ask_path(PATH_PMFD_SOCK), *error = NULL;
	_cleanup_(conn_closep) struct vl_conn *conn = NULL;
	_cleanup_json_ json_t *event = NULL;
	bool continues;
	int r;

	r = vl_conn_open(path, PMF_TIMEOUT_MS, &conn, err);
	if (r < 0)
		return r;
	r = vl_conn_send(conn, PMF("Watch"), ju_pack("{s:o}", "tag", ask_string(tag)), true, err);
	if (r < 0)
		return r;
	r = vl_conn_recv(conn, PMF_TIMEOUT_MS, &event, &error, &continues, err);
	if (r < 0)
		return error && streq(error, PMF("NoSuchTag")) ? -ENOENT : r;
	if (!continues)
		return err_set(err, -ENOENT, "tag %s is gone", tag);
	*ret = TAKE_PTR(conn);
	return 0;
}

/* Events may wait in the buffer of conn where poll(2) does not see them: all are taken. */
int pmf_watch_died(struct vl_conn *watch)
{
	for (;;) {
		_cleanup_json_ json_t *event = NULL;
		bool continues;
		const char *what;
		int r = vl_conn_recv(watch, 0, &event, NULL, &continues, NULL);

		if (r == -ETIMEDOUT)
			return 0;
		if (r < 0)
			return -EPIPE;
		what = ju_str(event, "event", "");
		if (!continues || streq(what, "died") || streq(what, "gone"))
			return 1;
	}
}

json_t *pmf_find(json_t *tags, const char *tag)
{
	json_t *spec;
	size_t i;

	json_array_foreach(tags, i, spec)
		if (streq(ju_str(spec, "tag", ""), tag))
			return spec;
	return NULL;
}
