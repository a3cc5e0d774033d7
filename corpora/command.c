/* The external programs of this folder, started through pipeline/spawn.h. Output is read to its end even when the
 * buffer is full, since a program that writes to a full pipe would block. Without `grows` a command may take LONGEST;
 * with it, its seconds count from the file's last change, so a slow transfer that makes progress is never ended. */
#include "command.h"
#include "pipeline/files/retry.h"
#include "pipeline/files/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST = 4 * 3600 }; /* of one command: unpacking, a checksum */

static int collect_output(int fd, char *text, size_t size, const char *name, struct err *err)
{
	size_t used = 0;
	char rest[512];
	for (;;) {
		int full = used + 1 >= size;
		ssize_t k = retry_read(fd, full ? rest : text + used, full ? sizeof rest : size - 1 - used);
		if (k < 0)
			return err_sys(err, "%s: what it prints", name);
		if (!k)
			break;
		used += full ? 0 : (size_t)k;
	}
	text[used] = 0;
	return 0;
}

int command_run(const struct command_ask *ask, char *text, size_t size, int *status, struct err *err)
{
	char missing[200];
	const char *name = ask->argv[0];
	struct spawn s = { .argv = ask->argv, .fd = { -1, STDERR_FILENO, -1 }, .missing = missing,
			   .seconds = ask->grows ? ask->seconds : LONGEST, .grows = ask->grows };
	struct child child;
	int ends[2] = { -1, -1 }, rc = 0;
	snprintf(missing, sizeof missing, "%s is not installed and is needed; install it (Debian: apt install %s)",
		 name, strstr(name, "sum") ? "coreutils" : name);
	if (ask->input && (s.fd[0] = retry_open(AT_FDCWD, ask->input, O_RDONLY)) < 0)
		return err_sys(err, "%s", ask->input);
	if (text && pipe2(ends, O_CLOEXEC))
		rc = err_sys(err, "pipe");
	if (text)
		s.fd[1] = ends[1];
	rc = rc || spawn_start(&child, &s, err);
	if (ends[1] >= 0)
		close(ends[1]);
	int started = !rc;
	if (started && text)
		rc = collect_output(ends[0], text, size, name, err);
	if (ends[0] >= 0)
		close(ends[0]);
	if (s.fd[0] >= 0)
		close(s.fd[0]);
	struct err unheard = ERR_NONE;
	if (started && spawn_end(&child, status, rc ? &unheard : err))
		rc = -1;
	return rc ? -1 : 0;
}

int command_must(const char *const argv[], const char *what, struct err *err)
{
	int status;
	if (command_run(&(struct command_ask){ .argv = argv }, NULL, 0, &status, err))
		return -1;
	return status ? err_set(err, "%s: %s failed (exit status %d)", what, argv[0], status) : 0;
}

int command_sum(const char *kind, const char *path, char hex[129], struct err *err)
{
	char program[16];
	int status;
	snprintf(program, sizeof program, "%ssum", kind);
	const char *const argv[] = { program, NULL }; /* by stdin: names with odd characters would be escaped */
	if (command_run(&(struct command_ask){ .argv = argv, .input = path }, hex, 129, &status, err))
		return -1;
	hex[strspn(hex, "0123456789abcdef")] = 0;
	if (status || !*hex)
		return err_set(err, "%s: %s failed", path, program);
	return 0;
}
