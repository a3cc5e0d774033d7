/* spawn: the one place where other programs are started. Argument vectors only, never a shell.
 *
 * A program that was started does not outlive this one, however this one ends (SIGKILL too), and not a limit of time
 * where one is set. A process of ours stands between, the guard: it starts the program in a process group of its own
 * and waits for it; when this program is gone, or the time is over, it kills the whole group: what the program started
 * itself (gzip under tar) goes too. */
#ifndef VIC_SPAWN_H
#define VIC_SPAWN_H

#include "pipeline/base/err.h"

#include <sys/types.h>

struct spawn {
	const char *const *argv;    /* ends with NULL; argv[0] is looked for on the PATH unless it holds a slash */
	/* what it gets as stdin, stdout, stderr; -1: nothing to read, else this program's own */
	int fd[3];
	/* ends with NULL, or NULL: variables whose names begin so are left out of its environment */
	const char *const *without;
	const char *missing;        /* what is said where it is not installed; NULL: the system's words */
	int seconds;                /* it is ended after so many; 0: never */
	const char *grows;          /* or NULL: a file; the seconds count from when it last changed */
	/* a program of this project: stays in this one's process group, so that it may read the terminal */
	int peer;
};

struct child {
	pid_t guard;
	int report; /* what the guard tells */
	int seconds, grows;
	const char *name; /* borrowed: argv[0] */
};

/* Returns when the program runs. Everything in *s must live until spawn_end. Errors: missing, cannot be started. */
int spawn_start(struct child *c, const struct spawn *s, struct err *err) VIC_CHECKED;
/* Waits for its end. *status: its exit status, or 128 + N where signal N ended it. Errors: it was ended for its limit
 * of time. */
int spawn_end(struct child *c, int *status, struct err *err) VIC_CHECKED;
/* Both. */
int spawn_run(const struct spawn *s, int *status, struct err *err) VIC_CHECKED;

#endif
