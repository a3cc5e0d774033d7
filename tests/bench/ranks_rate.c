/* ranks_rate: what ranks of a run pay to add up vectors and to meet, started as they are (mpirun -np 4 ranks_rate).
 * Rank 0 prints lines of a table: ranks, floats, the least and the median milliseconds of a sum, and of a meeting (0
 * floats). For docs/CLUSTER.md. */
#include "models/ranks/ranks.h"
#include "pipeline/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 31 };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int measure(struct ranks *r, size_t n, struct err *err)
{
	double took[ROUNDS];
	float *a;
	int rc = 0;
	if (mem_alloc(&a, n + 1, sizeof *a, err))
		return -1;
	for (int i = 0; i < ROUNDS && !rc; i++) {
		rc = ranks_meet(r, 0, 0, err); /* all begin together */
		double start = now();
		rc = rc || (n ? ranks_sum(r, a, n, err) : ranks_meet(r, 0, 0, err));
		took[i] = now() - start;
	}
	free(a);
	qsort(took, ROUNDS, sizeof *took, compare);
	if (!rc && !r->rank)
		printf("%d\t%zu\t%.4f\t%.4f\n", r->size, n, 1e3 * took[0], 1e3 * took[ROUNDS / 2]);
	return rc;
}

int main(void)
{
	static const size_t sizes[] = { 0, 1000, 100000, 275000, 1000000, 11000000 };
	struct ranks r;
	struct err err = ERR_NONE;
	int rc = ranks_open(&r, RANKS_AUTO, &err);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !rc; i++)
		rc = measure(&r, sizes[i], &err);
	if (rc)
		fprintf(stderr, "ranks_rate: %s\n", err.msg);
	return ranks_leave(&r, rc ? 1 : 0);
}
