#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int start(const char *const argv[], const char *stdin_path, const int *pipe_ends, pid_t *pid, struct err *err)
{
	posix_spawn_file_actions_t act;
	int rc = posix_spawn_file_actions_init(&act);
	if (!rc)
		rc = posix_spawn_file_actions_addopen(&act, 0, stdin_path ? stdin_path : "/dev/null", O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&act, pipe_ends ? pipe_ends[1] : 2, 1);
	if (!rc)
		rc = posix_spawnp(pid, argv[0], &act, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&act);
	if (rc == ENOENT && (!stdin_path || !access(stdin_path, R_OK)))
		return err_set(err, "%s is not installed and is needed; install it (Debian: apt install %s)", argv[0],
			       strstr(argv[0], "sum") ? "coreutils" : argv[0]);
	errno = rc;
	return rc ? err_sys(err, "%s: cannot be started", argv[0]) : 0;
}

static void collect(int fd, char *text, size_t size)
{
	size_t used = 0;
	char rest[512];
	for (;;) {
		int full = used + 1 >= size;
		ssize_t k = read(fd, full ? rest : text + used, full ? sizeof rest : size - 1 - used);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		used += full ? 0 : (size_t)k;
	}
	text[used] = 0;
}

int command_run(const char *const argv[], const char *stdin_path, char *text, size_t size, int *status, struct err *err)
{
	int ends[2], wait_status;
	pid_t pid;
	if (text && pipe2(ends, O_CLOEXEC))
		return err_sys(err, "pipe");
	int rc = start(argv, stdin_path, text ? ends : NULL, &pid, err);
	if (text) {
		close(ends[1]);
		if (!rc)
			collect(ends[0], text, size);
		close(ends[0]);
	}
	if (rc)
		return -1;
	while (waitpid(pid, &wait_status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, "%s: waiting for it", argv[0]);
	*status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	if (*status == 127) /* spawned by a fork that found nothing to execute */
		return err_set(err, "%s is not installed and is needed", argv[0]);
	return 0;
}

int command_must(const char *const argv[], const char *what, struct err *err)
{
	int status;
	if (command_run(argv, NULL, NULL, 0, &status, err))
		return -1;
	return status ? err_set(err, "%s: %s failed (exit status %d)", what, argv[0], status) : 0;
}

int command_sum(const char *kind, const char *path, char hex[129], struct err *err)
{
	char program[16];
	int status;
	snprintf(program, sizeof program, "%ssum", kind);
	const char *const argv[] = { program, NULL }; /* by stdin: names with odd characters would be escaped */
	if (command_run(argv, path, hex, 129, &status, err))
		return -1;
	hex[strspn(hex, "0123456789abcdef")] = 0;
	if (status || !*hex)
		return err_set(err, "%s: %s failed", path, program);
	return 0;
}
