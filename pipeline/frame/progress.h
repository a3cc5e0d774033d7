/* progress: one line on stderr that rewrites itself, with the time left; only where stderr is a terminal. */
#ifndef VIC_PROGRESS_H
#define VIC_PROGRESS_H

#include <stdint.h>

struct progress {
	const char *name; /* borrowed */
	uint64_t total;   /* 0: unknown */
	double start, last;
	int on, logs; /* a terminal shows the line; a log gets lines now and then */
};

/* `quiet` from the stage: then nothing is ever printed. */
void progress_begin(struct progress *p, const char *name, uint64_t total, int quiet);
/* At most ten lines a second. `note` (may be NULL) is shown after the count. */
void progress_at(struct progress *p, uint64_t done, const char *note);
/* Seconds to come when `done` of the total are. */
double progress_left(const struct progress *p, uint64_t done);
/* Where stderr is a log, no terminal, and not quiet: 1 the first time, and then when 30 s have gone since the last 1.
 * A line may be said then. */
int progress_logs(struct progress *p);
/* Clears the line. */
void progress_end(struct progress *p);

#endif
