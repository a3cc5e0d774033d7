/* process: what every program settles with the system before it does anything. */
#ifndef VIC_PROCESS_H
#define VIC_PROCESS_H

#include "pipeline/base/err.h"

/* Where stdin, stdout or stderr is closed, puts something there that cannot be read or written: the next file that is
 * opened would get its number, and be taken for it. Makes a write beyond `ulimit -f` fail with EFBIG instead of ending
 * the program. Where a mapped file (pipeline/files/mapped.h) became shorter or cannot be read, ends the program with
 * "PROGRAM: FILE: became shorter ..." on stderr and status 1, in whichever thread that is met, with no unfinished file
 * left behind. Where stdout is a descriptor that does not wait (O_NONBLOCK), what is printed waits for it. `program` is
 * borrowed for good. */
int process_begin(const char *program, struct err *err) VIC_CHECKED;

/* For a program that has work to save when SIGINT, SIGTERM, SIGHUP or SIGXCPU comes. `why`: the signal ends the program
 * at once, with "PROGRAM: WHY" on stderr, status 128 + the signal's number and no unfinished file left behind; borrowed
 * for good. NULL: the first signal is only remembered, for process_interrupted; a second one ends the program as ever.
 * A signal that the caller has switched off (nohup, a shell's `&`) stays off. */
void process_interrupts(const char *why);
/* The signal that came, or 0. */
int process_interrupted(void);

#endif
