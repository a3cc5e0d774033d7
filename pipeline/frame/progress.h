/* progress: one line on stderr that rewrites itself, with the time left; only where stderr is a terminal. */
#ifndef VIC_PROGRESS_H
#define VIC_PROGRESS_H

#include <stdint.h>

struct progress {
	const char *name; /* borrowed */
	uint64_t total;   /* 0: unknown */
	double start, last;
	int on;
};

/* `quiet` from the stage: then nothing is ever printed. */
void progress_begin(struct progress *p, const char *name, uint64_t total, int quiet);
/* At most ten lines a second. `note` (may be NULL) is shown after the count. */
void progress_at(struct progress *p, uint64_t done, const char *note);
/* Clears the line. */
void progress_end(struct progress *p);

#endif
