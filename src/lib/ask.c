#include "lib/ask.h"

#include <errno.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/varlink.h"

char *ask_path(const char *absolute)
{
	const char *root = getenv("PARHELION_ROOT");

	return xasprintf("%s%s", root ? root : "", absolute);
}

json_t *ask_string(const char *text)
{
	json_t *string = json_string(text);

	if (!string) {
		_cleanup_free_ char *copy = xstrdup(text);

		for (char *p = copy; *p; p++)
			if (*p & 0x80)
				*p = '?';
		string = json_string(copy);
	}
	assert(string);
	return string;
}

static scha_err_t code_of_errno(int r)
{
	switch (r) {
	case -ETIMEDOUT:
		return SCHA_ERR_TIMEOUT;
	case -EACCES:
	case -EPERM:
		return SCHA_ERR_ACCESS;
	default:
		return SCHA_ERR_INTERNAL;
	}
}

static scha_err_t code_of_error(const char *error, const json_t *params)
{
	int64_t code = ju_int(params, "code", -1);

	if (code > 0 && code <= INT16_MAX)
		return (scha_err_t)code;
	return streq(error, "org.varlink.service.PermissionDenied") ? SCHA_ERR_ACCESS : SCHA_ERR_INTERNAL;
}

scha_err_t ask(const char *path, const char *method, json_t *params, int timeout_ms, json_t **ret_reply, struct err *err)
{
	_cleanup_free_ char *socket_path = ask_path(path), *error = NULL;
	_cleanup_json_ json_t *reply = NULL;
	int r = vl_call_sync(socket_path, method, params, timeout_ms, &reply, &error, err);

	if (r == -EREMOTEIO && error)
		return code_of_error(error, reply);
	if (r < 0)
		return code_of_errno(r);
	if (ret_reply)
		*ret_reply = TAKE_PTR(reply);
	return SCHA_ERR_NOERR;
}

scha_err_t ask_cluster(const char *method, json_t *params, int timeout_ms, json_t **ret_reply, struct err *err)
{
	return ask(PATH_CLUSTERD_SOCK, method, params, timeout_ms, ret_reply, err);
}
