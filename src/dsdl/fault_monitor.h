/* What fault monitors share beyond the decision (fm_action.h): its inputs, and the status they set. */
#pragma once
#include "dsdl/fm_action.h"
#include "lib/method.h"

struct vl_conn;
struct status_sender {
	bool            known;          /* a status was set */
	scha_rsstatus_t status;
	struct vl_conn *conn;           /* of the last one: its answer is of no interest */
};

struct fm_config fm_config_of(const struct method *m);
/* Does not wait for the cluster: the restart that follows is urgent, and comes after it in any case.  Nothing is sent when that
 * status is set already. */
void status_send(struct status_sender *sender, const struct method *m, scha_rsstatus_t status, const char *text);
void status_sender_done(struct status_sender *sender);
