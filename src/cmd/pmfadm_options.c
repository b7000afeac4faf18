#include <errno.h>
#include <getopt.h>

#include "cmd/pmfadm.h"
#include "cmd/signame.h"

/* Which options each form takes; "0": it takes a command, "1": perhaps a signal, "": nothing behind the options. */
static const struct form { char letter; const char *options, *operands; } forms[PMFADM_ACTION_COUNT] = {
	[PMFADM_CREATE] = { 'c', "ntaCeE", "0" },
	[PMFADM_MODIFY] = { 'm', "nt", "" },
	[PMFADM_STOP]   = { 's', "w", "1" },
	[PMFADM_KILL]   = { 'k', "w", "1" },
	[PMFADM_SHOW]   = { 'l', "hJ", "" },
	[PMFADM_LIST]   = { 'L', "hJ", "" },
	[PMFADM_QUERY]  = { 'q', "h", "" },
};

static const struct option long_options[] = { { "json", no_argument, NULL, 'J' }, { 0 } };

static int set_action(struct pmfadm_options *o, int letter, const char *tag, struct err *err)
{
	if (o->action != PMFADM_NONE)
		return err_set(err, -EINVAL, "-%c and -%c exclude each other", forms[o->action].letter, letter);
	for (enum pmfadm_action a = PMFADM_CREATE; a < PMFADM_ACTION_COUNT; a++)
		if (forms[a].letter == letter)
			o->action = a;
	o->tag = tag;
	if (tag && !*tag)
		return err_set(err, -EINVAL, "the tag is empty");
	return 0;
}

static int set_option(struct pmfadm_options *o, int letter, const char *arg, struct err *err)
{
	int r = 0;

	switch (letter) {
	case 'n':
		r = number_parse(arg, -1, 100, &o->retries);
		o->has_retries = true;
		break;
	case 't':
		r = number_parse(arg, -1, INT32_MAX / 60000, &o->period);
		if (o->period == 0)
			r = -EINVAL;
		o->has_period = true;
		break;
	case 'C':
		r = number_parse(arg, 0, INT16_MAX, &o->level);
		break;
	case 'w':
		r = number_parse(arg, -1, INT32_MAX / 1000, &o->wait_s);
		o->has_wait = true;
		break;
	case 'e':
		if (*arg == '=' || !strchr(arg, '='))
			r = -EINVAL;
		strlist_add(&o->env, arg);
		break;
	case 'E':
		o->all_env = true;
		break;
	case 'a':
		o->program = arg;
		break;
	case 'h':
		o->host = arg;
		break;
	case 'J':
		o->json = true;
		break;
	default:
		return err_set(err, -EINVAL, "unknown option or missing argument");
	}
	return r < 0 ? err_set(err, r, "-%c does not take \"%s\"", letter, arg) : 0;
}

/* Options that were given must be options of the form. */
static int check(const struct pmfadm_options *o, const char *seen, struct err *err)
{
	const struct form *form = &forms[o->action];

	if (o->action == PMFADM_NONE)
		return err_set(err, -EINVAL, "one of -c -m -s -k -l -L -q must be given");
	for (; *seen; seen++)
		if (!strchr(form->options, *seen))
			return err_set(err, -EINVAL, "-%c does not go with -%c", *seen, form->letter);
	if (o->env.n && o->all_env)
		return err_set(err, -EINVAL, "-e and -E exclude each other");
	if (o->action == PMFADM_CREATE && (!o->command || !*o->command))
		return err_set(err, -EINVAL, "-c needs a command");
	if (o->action == PMFADM_MODIFY && !o->has_retries && !o->has_period)
		return err_set(err, -EINVAL, "-m needs -n or -t");
	return 0;
}

/* Options stop at the first operand of -c.  The other forms take theirs, a signal, anywhere. */
int pmfadm_options_parse(int argc, char **argv, struct pmfadm_options *o, struct err *err)
{
	char seen[64] = "";
	size_t n = 0;

	*o = (struct pmfadm_options) { .level = -1, .period = -1 };
	optind = 0;                             /* glibc: start afresh */
	opterr = 0;
	for (;;) {
		int letter = getopt_long(argc, argv, "+c:m:s:k:l:Lq:h:n:t:a:C:e:Ew:", long_options, NULL), r;

		if (letter < 0 && optind >= argc)
			break;
		if (letter < 0 && o->action == PMFADM_CREATE) {
			o->command = argv + optind;
			break;
		}
		if (letter < 0) {
			if (o->action == PMFADM_NONE || *forms[o->action].operands != '1' || o->signal)
				return err_set(err, -EINVAL, "\"%s\" is not expected here", argv[optind]);
			o->signal = signal_parse(argv[optind]);
			if (o->signal < 0)
				return err_set(err, -EINVAL, "there is no signal %s", argv[optind]);
			optind++;
			continue;
		}
		if (strchr("cmsklLq", letter)) {
			r = set_action(o, letter, optarg, err);
		} else {
			r = set_option(o, letter, optarg, err);
			if (n < sizeof seen - 1)
				seen[n++] = (char)letter;
		}
		if (r < 0)
			return r;
	}
	return check(o, seen, err);
}

void pmfadm_options_done(struct pmfadm_options *o)
{
	strlist_done(&o->env);
}
