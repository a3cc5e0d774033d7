/* The progress line, drawn at most every 0.1 s and not in the first 0.1 s, so that short runs show none. The time
 * left is extrapolated from the average speed since progress_begin. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_begin(struct progress *p, const char *name, uint64_t total, int quiet)
{
	int terminal = isatty(STDERR_FILENO);
	*p = (struct progress){ .name = name, .total = total, .on = !quiet && terminal, .logs = !quiet && !terminal };
	p->start = p->last = now();
}

double progress_left(const struct progress *p, uint64_t done)
{
	return done ? (now() - p->start) / (double)done * (double)(p->total - done) : 0;
}

int progress_logs(struct progress *p)
{
	double t = now();
	if (!p->logs || (p->logs > 1 && t - p->last < 30))
		return 0;
	p->last = t;
	p->logs = 2;
	return 1;
}

void progress_at(struct progress *p, uint64_t done, const char *note)
{
	if (!p->on)
		return;
	double t = now();
	if (t - p->last < 0.1)
		return;
	p->last = t;
	fprintf(stderr, "\r\033[K%s: %" PRIu64, p->name, done);
	if (p->total) {
		fprintf(stderr, " of %" PRIu64 ", %.0f s left", p->total, progress_left(p, done));
	}
	if (note)
		fprintf(stderr, ", %s", note);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->on)
		fputs("\r\033[K", stderr);
}
