/* command: running curl, tar, unzip and the checksum programs. Arguments go as they are, through no shell. */
#ifndef VIC_COMMAND_H
#define VIC_COMMAND_H

#include "pipeline/base/err.h"
#include <stddef.h>

struct command_ask {
	const char *const *argv; /* ends with NULL; argv[0] is found on PATH */
	const char *input;       /* the file its stdin is, or NULL: nothing to read */
	/* or NULL: a file that it writes; where it does not change for `seconds`, the command is ended */
	const char *grows;
	int seconds;
};
/* Runs it and waits. Its stdout goes to our stderr, or, where `text` is not NULL, into text[size], NUL-terminated and
 * cut. *status: its exit status, 128 + N when a signal ended it. It does not outlive this program. Errors: it is not
 * installed, cannot be started, hangs. */
int command_run(const struct command_ask *ask, char *text, size_t size, int *status, struct err *err) VIC_CHECKED;
/* argv alone; an exit status other than 0 is an error. */
int command_must(const char *const argv[], const char *what, struct err *err) VIC_CHECKED;

/* The file's sum in hexadecimal by sha256sum or md5sum: `kind` is "sha256" or "md5". hex[129]. */
int command_sum(const char *kind, const char *path, char hex[129], struct err *err) VIC_CHECKED;

#endif
