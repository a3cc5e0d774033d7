/* err: how a library function says what went wrong.
 *
 * Every function that can fail takes a `struct err *` as its last argument and returns 0 (or what its header says) on
 * success and -1 on failure, having filled the struct with one sentence that names the file, the record and, where
 * there is one, the remedy. Nothing below stage_main() prints or exits. The struct is a value: no ownership, no
 * clean-up. */
#ifndef VIC_ERR_H
#define VIC_ERR_H

#include <stdarg.h>
#include <stddef.h>

/* The result must be looked at: a failure that nobody reads is a silently shortened data set. */
#define VIC_CHECKED __attribute__((warn_unused_result))

/* Exit statuses of every program; err.status holds one of them. After a signal: VIC_SIGNAL + its number, as shells have
 * it. */
enum vic_status { VIC_OK = 0, VIC_DATA = 1, VIC_USAGE = 2, VIC_NO_DEVICE = 3, VIC_SIGNAL = 128 };

/* Whose failure it was. Bad data stay bad however often they are read, and a program may be told to pass over them;
 * what the machine could not do (no memory, no descriptor, a disk that fails, no permission, a file that went away or
 * changed while it was read) says nothing of the data, and is never a reason to leave a record out or to take another
 * way. */
enum err_cause { CAUSE_DATA = 0, CAUSE_SYSTEM };

struct err {
	enum vic_status status;
	enum err_cause cause;
	/* one sentence; never NULL, always terminated. Names in it are as they came: the frame escapes what it
	 * prints */
	char msg[1024];
};

#define ERR_NONE ((struct err){ .status = VIC_OK, .msg = "" })

/* Each returns -1, so that `return err_set(err, ...)` reads well. What does not fit into msg is cut, and ends in
 * "...". */
int err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_usage(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_no_device(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As err_set, with ": " and the text of errno after it; the cause is the system. */
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As err_set, for what the system could not do and errno does not tell. */
int err_system(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* err_system with "out of memory". */
int err_memory(struct err *err);
/* Puts "<text>: " before a message that is already there; keeps status and cause. */
int err_context(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A part of a sentence ("FILE: line 7") for a buffer of `size` bytes, at least 4; as in a message, "..." stands for
 * what is cut. */
void err_phrase(char *text, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void err_vphrase(char *text, size_t size, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

#endif
