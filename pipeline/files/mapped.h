/* mapped: a regular file as memory, and what happens when it changes under the program.
 *
 * Reading a page that the file no longer has (it became shorter, or its disk fails) is a SIGBUS, in whichever thread it
 * happens. The frame's handler (pipeline/frame/process.c) finds the file by the address and ends the program with a
 * sentence and status 1. A file that was overwritten sends no signal: whoever has used the bytes asks mapped_unchanged
 * before the result is given out. A file that was replaced by another of its name is still the old one here, whole. */
#ifndef VIC_MAPPED_H
#define VIC_MAPPED_H

#include "pipeline/base/err.h"
#include "io.h"

#include <stddef.h>

struct mapped {
	const void *bytes; /* [size], read-only; NULL: not mapped */
	size_t size;
	struct io_mark mark;
	int fd;      /* its own */
	char *name;  /* owned; escaped, for messages */
	int number;  /* among the files that the handler knows, or -1 */
};

/* Maps all of the file behind fd, which stays the caller's. `mark`: what it was when its first byte was read. 1:
 * mapped; 0: it cannot be (no regular file, empty, the system refuses), so read it; -1: no memory. */
int mapped_open(struct mapped *m, int fd, const struct io_mark *mark, const char *name, struct err *err) VIC_CHECKED;
/* 0 when the file is what it was; else an error that names it. Fine on what is not mapped. */
int mapped_unchanged(const struct mapped *m, struct err *err) VIC_CHECKED;
void mapped_release(struct mapped *m); /* safe on a zeroed struct and twice */

/* For a signal handler: the name of the file mapped at `address`, and in *why what is the matter with it; NULL when
 * none is. */
const char *mapped_at(const void *address, const char **why);

#endif
