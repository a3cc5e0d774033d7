/* command: running curl, tar, unzip and the checksum programs. Arguments go as they are, through no shell. */
#ifndef VIC_COMMAND_H
#define VIC_COMMAND_H

#include "pipeline/err.h"
#include <stddef.h>

/* Runs argv[0], found on PATH, and waits. stdin comes from the file stdin_path (NULL: /dev/null). Its stdout goes to
 * our stderr, or, where `text` is not NULL, into text[size], NUL-terminated and cut. *status: its exit status, 128 + N
 * when a signal ended it. Errors: it is not installed, cannot be started. */
int command_run(const char *const argv[], const char *stdin_path, char *text, size_t size, int *status,
		struct err *err) VIC_CHECKED;
/* The same; an exit status other than 0 is an error. */
int command_must(const char *const argv[], const char *what, struct err *err) VIC_CHECKED;

/* The file's sum in hexadecimal by sha256sum or md5sum: `kind` is "sha256" or "md5". hex[129]. */
int command_sum(const char *kind, const char *path, char hex[129], struct err *err) VIC_CHECKED;

#endif
