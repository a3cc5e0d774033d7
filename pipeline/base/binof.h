/* binof: which of M equal bins of [0, 1] a probability is in; one home for evaluation and for training's history.  Bin
 * i (from 0) holds i/M < p <= (i+1)/M, and bin 0 also p = 0. The comparison is fma(M, p, -i) <= 0: one rounding, so
 * its sign is exact for every double and any M, on every machine; there is no table of rounded edges. */
#ifndef VIC_BINOF_H
#define VIC_BINOF_H

#include <math.h>

enum { BINS_MAX = 100000 };

/* The exact answer; i: right or one off. Apart from bin_of, so that the call of fma costs registers only where it is
 * made (it is a function where the CPU's own is not known to be there). */
__attribute__((noinline, unused)) static int bin_at_edge(int bins, double p, int i)
{
	if (i > bins - 1)
		i = bins - 1;
	while (i > 0 && fma(bins, p, -(double)i) <= 0)
		i--;
	while (i < bins - 1 && fma(bins, p, -(double)(i + 1)) > 0)
		i++;
	return i;
}

/* p in [0, 1], bins >= 1. */
static inline int bin_of(int bins, double p)
{
	double x = (double)bins * p; /* off by 2^-53 of itself at most */
	int i = (int)x;
	double past = x - i;
	/* Away from an edge there is no question. */
	return past > 1e-9 && past < 1 - 1e-9 ? i : bin_at_edge(bins, p, i);
}

#endif
