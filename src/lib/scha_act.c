/* The functions that change something, and the small ones. */
#include <libintl.h>
#include <syslog.h>

#include "base/json.h"
#include "lib/ask.h"
#include "lib/optag.h"
#include "lib/scha_act.h"
#include <scha.h>

static const char *const control_tags[] = {
	SCHA_GIVEOVER, SCHA_RESTART, SCHA_RESOURCE_RESTART, SCHA_RESOURCE_IS_RESTARTED, SCHA_CHECK_GIVEOVER,
	SCHA_CHECK_RESTART, SCHA_IGNORE_FAILED_START, SCHA_RESOURCE_DISABLE, SCHA_CHANGE_STATE_ONLINE,
	SCHA_CHANGE_STATE_OFFLINE, NULL
};

static scha_err_t request(json_t *object, int timeout_ms, struct err *err)
{
	return ask_cluster(ASK_CLUSTER("Request"), ju_pack("{s:o}", "request", object), timeout_ms, NULL, err);
}

/* There are no zones but the global one. */
static bool zone_ok(const char *zone)
{
	return !zone || !*zone || streq(zone, "global");
}

scha_err_t act_control(const char *tag, const char *rgname, const char *rname, const char *zone, struct err *err)
{
	int i;

	if (!tag || !rgname || !rname)
		return SCHA_ERR_INVAL;
	if (!zone_ok(zone))
		return SCHA_ERR_NODE;
	i = keyword_find(control_tags, tag);
	if (i < 0)
		return SCHA_ERR_TAG;
	return request(ju_pack("{s:s, s:s, s:o, s:o}", "op", "control", "tag", control_tags[i], "rg", ask_string(rgname),
			       "rs", ask_string(rname)), ASK_CONTROL_MS, err);
}

scha_err_t act_setstatus(const char *rname, const char *rgname, const char *zone, scha_rsstatus_t status,
			 const char *status_msg, struct err *err)
{
	if (!rname || !rgname)
		return SCHA_ERR_INVAL;
	if (!zone_ok(zone))
		return SCHA_ERR_NODE;
	if ((int)status < SCHA_RSSTATUS_OK || status > SCHA_RSSTATUS_UNKNOWN)
		return SCHA_ERR_RSTATUS;
	return request(ju_pack("{s:s, s:o, s:o, s:s, s:o}", "op", "status", "rg", ask_string(rgname),
			       "rs", ask_string(rname), "status", scha_rsstatus_names[status],
			       "msg", ask_string(status_msg ? status_msg : "")), ASK_TIMEOUT_MS, err);
}

scha_err_t scha_control(const char *tag, const char *rgname, const char *rname)
{
	return act_control(tag, rgname, rname, NULL, NULL);
}

scha_err_t scha_control_zone(const char *tag, const char *rgname, const char *rname, const char *zonename)
{
	return act_control(tag, rgname, rname, zonename, NULL);
}

scha_err_t scha_resource_setstatus(const char *rname, const char *rgname, scha_rsstatus_t status, const char *status_msg)
{
	return act_setstatus(rname, rgname, NULL, status, status_msg, NULL);
}

scha_err_t scha_resource_setstatus_zone(const char *rname, const char *rgname, const char *zonename,
					scha_rsstatus_t status, const char *status_msg)
{
	return act_setstatus(rname, rgname, zonename, status, status_msg, NULL);
}

scha_err_t scha_cluster_getlogfacility(int *logfacility)
{
	if (!logfacility)
		return SCHA_ERR_INVAL;
	*logfacility = LOG_DAEMON;
	return SCHA_ERR_NOERR;
}

/* Agents were promised a char *, and told not to write to it. */
char *scha_strerror(scha_err_t err)
{
#define ERR_TEXT(name, value, text) case name: return (char *)(uintptr_t)text;
	switch (err) {
	SCHA_ERR_LIST(ERR_TEXT)
	}
#undef ERR_TEXT
	return (char *)(uintptr_t)"unknown error";
}

/* By LC_MESSAGES, where somebody has installed a catalogue; else the same text. */
char *scha_strerror_i18n(scha_err_t err)
{
	return dgettext("parhelion", scha_strerror(err));
}
