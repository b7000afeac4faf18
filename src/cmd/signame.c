#include "cmd/signame.h"

#include <errno.h>
#include <signal.h>

#include "base/macros.h"

int number_parse(const char *text, int min, int max, int *ret)
{
	char *end;
	long n;

	if (!(*text >= '0' && *text <= '9') && !(*text == '-' && text[1] >= '0' && text[1] <= '9'))
		return -EINVAL;
	errno = 0;
	n = strtol(text, &end, 10);
	if (*end || errno || n < min || n > max)
		return -EINVAL;
	*ret = (int)n;
	return 0;
}

int signal_parse(const char *text)
{
	int number;

	if (number_parse(text, 1, SIGRTMAX, &number) == 0)
		return number;
	for (int sig = 1; sig < NSIG; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name && strieq(name, text))
			return sig;
	}
	return -EINVAL;
}
