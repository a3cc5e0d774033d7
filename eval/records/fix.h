/* fix: sums that do not depend on the order of their terms. A term is cut once to a multiple of 2^-60 and added as a
 * 128-bit integer, so any number of threads, any block size and any cut of the work give the same bits. The cut is
 * below 2^-60 a term, far below a double's own error in a mean of values near 1. */
#ifndef VIC_EVAL_FIX_H
#define VIC_EVAL_FIX_H

#include <math.h>
#include <stddef.h>
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

/* A power of two that brings v >= 0 into [1/2, 1), as far as it is one of doubles; 1 for 0. Sums of terms that may be
 * far below 1 are taken with such a factor, so that they keep the digits of a double. */
static inline double fix_scale(double v)
{
	int exponent;
	frexp(v, &exponent);
	return ldexp(1, exponent > 1020 ? -1020 : exponent < -1020 ? 1020 : -exponent);
}

/* Sum of v[0], v[stride], ..., n terms, finite: the same in any order, and within n 2^-60 of the largest. */
static inline double fix_sum(const double *v, size_t n, size_t stride)
{
	double most = 0;
	fix sum = 0;
	for (size_t i = 0; i < n; i++)
		most = fabs(v[i * stride]) > most ? fabs(v[i * stride]) : most;
	double scale = fix_scale(most);
	for (size_t i = 0; i < n; i++)
		sum += fix_of(v[i * stride] * scale);
	return fix_real(sum) / scale;
}

#endif
