/* fix: sums that do not depend on the order of their terms. A term is cut once to a multiple of 2^-60 and added as a
 * 128-bit integer, so any number of threads, any block size and any cut of the work give the same bits. The cut is
 * below 2^-60 a term, far below a double's own error in a mean of values near 1. */
#ifndef VIC_EVAL_FIX_H
#define VIC_EVAL_FIX_H

#include <stdint.h>

typedef __int128 fix;

enum { FIX_BITS = 60 };
/* Terms must lie in (-FIX_LIMIT, FIX_LIMIT); 2^34 terms of that size still fit. Larger ones the caller counts. */
#define FIX_LIMIT 4294967296.0

__attribute__((noinline, unused)) static fix fix_of_large(double v)
{
	int64_t whole = (int64_t)v; /* towards zero; v - whole is exact */
	return (fix)whole * ((fix)1 << FIX_BITS) + (int64_t)((v - (double)whole) * 0x1p60);
}

static inline fix fix_of(double v)
{
	return v < 8 && v > -8 ? (fix)(int64_t)(v * 0x1p60) : fix_of_large(v);
}

static inline double fix_real(fix f)
{
	/* Through two halves: the high one is exact in a double up to 2^53, the low one is rounded once. */
	fix high = f >> 64;
	return (double)(int64_t)high * 16.0 + (double)(uint64_t)f * 0x1p-60;
}

#endif
