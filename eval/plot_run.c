/* gnuplot as a filter. Files, not pipes, stand between the two programs: neither can wait for the other. */
#include "pipeline/mem.h"
#include "plot.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SCRIPT, PICTURE, TALK, FILES };

static int spawn(FILE *const file[FILES], pid_t *pid, struct err *err)
{
	char name[] = "gnuplot";
	char *argv[] = { name, NULL };
	posix_spawn_file_actions_t actions;
	if (posix_spawn_file_actions_init(&actions))
		return err_memory(err);
	int rc = 0;
	for (int i = 0; i < FILES; i++)
		rc = rc ? rc : posix_spawn_file_actions_adddup2(&actions, fileno(file[i]), i);
	rc = rc ? rc : posix_spawnp(pid, name, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc == ENOENT)
		return err_set(err, "gnuplot is not on the PATH; install it (Debian: gnuplot-nox), or see the script "
				    "with --script");
	errno = rc;
	return rc ? err_sys(err, "starting gnuplot") : 0;
}

static int whole_file(FILE *f, char **data, size_t *len, struct err *err)
{
	off_t n = lseek(fileno(f), 0, SEEK_END);
	if (n < 0 || mem_alloc(data, (size_t)n + 1, 1, err))
		return n < 0 ? err_sys(err, "gnuplot's output") : -1;
	*len = (size_t)n;
	for (off_t at = 0; at < n;) {
		ssize_t got = pread(fileno(f), *data + at, (size_t)(n - at), at);
		if (got <= 0) {
			free(*data);
			*data = NULL;
			return err_sys(err, "gnuplot's output");
		}
		at += got;
	}
	return 0;
}

/* What gnuplot complained of, on one line. */
static int complain(FILE *talk, struct err *err)
{
	char *text, line[600] = "";
	size_t len, at = 0;
	if (whole_file(talk, &text, &len, err))
		return -1;
	for (size_t i = 0; i < len && at + 1 < sizeof line; i++) {
		int space = text[i] == '\n' || text[i] == ' ' || text[i] == '\t' || text[i] == '^';
		if (space && (!at || line[at - 1] == ' '))
			continue;
		line[at++] = space ? ' ' : text[i];
	}
	line[at] = 0;
	free(text);
	return err_set(err, "gnuplot failed: %s", at ? line : "it drew nothing and said nothing");
}

int plot_run(const char *script, size_t script_len, char **picture, size_t *len, struct err *err)
{
	FILE *file[FILES] = { NULL };
	pid_t pid;
	int status = 0, rc = 0;
	*picture = NULL;
	for (int i = 0; i < FILES && !rc; i++)
		if (!(file[i] = tmpfile()))
			rc = err_sys(err, "a temporary file");
	if (!rc && (fwrite(script, 1, script_len, file[SCRIPT]) != script_len || fflush(file[SCRIPT]) ||
		    lseek(fileno(file[SCRIPT]), 0, SEEK_SET)))
		rc = err_sys(err, "a temporary file");
	if (!rc)
		rc = spawn(file, &pid, err);
	if (!rc) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		rc = whole_file(file[PICTURE], picture, len, err);
		if (!rc && (!WIFEXITED(status) || WEXITSTATUS(status) || !*len))
			rc = complain(file[TALK], err);
	}
	for (int i = 0; i < FILES; i++)
		if (file[i])
			fclose(file[i]);
	if (rc) {
		free(*picture);
		*picture = NULL;
	}
	return rc ? -1 : 0;
}
