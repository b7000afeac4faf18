#include "cmd/dialogue.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/template.h"

#define NOT_RUN 127             /* as of a shell */

char *dialogue_ask(const char *prompt)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	ssize_t n;

	(void)fputs(prompt, stdout);
	(void)fflush(stdout);
	n = getline(&line, &room, stdin);
	if (n < 0) {
		(void)fputs("\n", stdout);
		clearerr(stdin);
		return NULL;
	}
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	if (strlen(line) > DIALOGUE_ANSWER_MAX)
		line[DIALOGUE_ANSWER_MAX] = '\0';
	return TAKE_PTR(line);
}

void dialogue_print(FILE *to, const struct strlist *words)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < words->n; i++) {
		buf_puts(&b, i ? " " : "");
		template_shell_argument(&b, words->v[i]);
	}
	(void)fprintf(to, "%s\n", b.s);
	(void)fflush(to);
	buf_done(&b);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return NOT_RUN;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int dialogue_run(const struct strlist *words)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	pid_t pid;
	int code = NOT_RUN;

	(void)fflush(stdout);
	(void)sigaction(SIGINT, &ignore, &before);
	pid = fork();
	if (pid == 0) {
		(void)sigaction(SIGINT, &before, NULL);
		execv("/proc/self/exe", words->v);
		_exit(NOT_RUN);
	}
	if (pid > 0)
		code = wait_for(pid);
	(void)sigaction(SIGINT, &before, NULL);
	return code;
}
