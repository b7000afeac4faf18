#include "dsdl/fault_monitor.h"

#include "base/json.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/varlink.h"
#include "lib/ask.h"
#include "lib/optag.h"

struct fm_config fm_config_of(const struct method *m)
{
	const char *mode = method_str(m, "Failover_mode", "NONE");
	struct fm_config config = {
		.retry_count = method_int(m, "Retry_count", 2),
		.retry_interval_ms = (uint64_t)MAX(method_int(m, "Retry_interval", 370), (int64_t)0) * 1000,
		.mode = FM_MODE_NORMAL,
	};

	if (strieq(mode, "LOG_ONLY"))
		config.mode = FM_MODE_LOG_ONLY;
	else if (strieq(mode, "RESTART_ONLY") || !method_bool(m, "Failover_enabled", true))
		config.mode = FM_MODE_RESTART_ONLY;
	return config;
}

void status_send(struct status_sender *sender, const struct method *m, scha_rsstatus_t status, const char *text)
{
	_cleanup_free_ char *path = ask_path(PATH_CLUSTERD_SOCK);
	struct err err = { 0 };
	json_t *request;
	int r;

	if (sender->known && status == sender->status)
		return;
	status_sender_done(sender);
	request = ju_pack("{s:{s:s, s:o, s:o, s:s, s:s}}", "request", "op", "status", "rg", ask_string(m->rg),
			  "rs", ask_string(m->rs), "status", scha_rsstatus_names[status], "msg", text);
	r = vl_conn_open(path, ASK_TIMEOUT_MS, &sender->conn, &err);
	if (r < 0)
		json_decref(request);
	else
		r = vl_conn_send(sender->conn, ASK_CLUSTER("Request"), request, false, &err);
	if (r < 0)
		log_warn("the status was not set: %s", err.text);
	sender->known = true;
	sender->status = status;
}

void status_sender_done(struct status_sender *sender)
{
	vl_conn_close(sender->conn);
	sender->conn = NULL;
}
