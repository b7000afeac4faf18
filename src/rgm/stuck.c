/* A method has exceeded its limit: what pmfd has seen of its processes (org.parhelion.Pmf, Run), for the log and the reports. */
#include "rgm/model.h"

#define NOTED_MAX 8                     /* processes that get a line of the log */

const char *result_stuck(const json_t *result)
{
	const char *line = ju_str(ju_obj(result, "stuck"), "line", NULL);

	return ju_bool(result, "timed_out", false) && line && *line ? line : NULL;
}

/* "do_wait < kernel_wait4"; caller frees. */
static char *stack_text(const json_t *process)
{
	struct buf b = { 0 };
	json_t *v;
	size_t i;

	json_array_foreach(ju_arr(process, "stack"), i, v)
		buf_printf(&b, "%s%s", b.len ? " < " : "", json_string_value(v) ? json_string_value(v) : "");
	return b.len ? buf_take(&b) : NULL;
}

static void note_process(const json_t *p, struct rgm_update *u)
{
	_cleanup_free_ char *stack = stack_text(p);
	const char *command = ju_str(p, "command", ""), *wchan = ju_str(p, "wchan", ""), *call = ju_str(p, "syscall", "");

	u_note(u, "notice", "process %lld (%s), child of %lld: %s, state %s%s%s%s%s%s%s", (long long)ju_int(p, "pid", 0), ju_str(p, "name", ""),
	       (long long)ju_int(p, "parent", 0), command, ju_str(p, "state", "?"), *wchan ? ", in " : "", wchan, *call ? ", system call " : "",
	       call, stack ? ", stack " : "", stack ? stack : "");
}

void note_stuck(const char *method, const char *rs, const json_t *result, struct rgm_update *u)
{
	const json_t *stuck = ju_obj(result, "stuck");
	const char *kind;
	json_t *v;
	size_t i;

	if (!result_stuck(result))
		return;
	u_note(u, "error", "%s of resource %s timed out: %s", method, rs, result_stuck(result));
	json_array_foreach(ju_arr(stuck, "processes"), i, v)
		if (i < NOTED_MAX)
			note_process(v, u);
	json_object_foreach(ju_obj(stuck, "pressure"), kind, v)
		u_note(u, "notice", "pressure on %s there: %s", kind, json_string_value(v) ? json_string_value(v) : "");
}
