/* softmax_vec: vectors of doubles, as wide as the instruction set that this is compiled for has them; for
 * softmax_kernel.c. Only what C's operators on GCC's vectors cannot say, or say slowly, is written by intrinsics. */
#ifndef VIC_EVAL_SOFTMAX_VEC_H
#define VIC_EVAL_SOFTMAX_VEC_H

#include "softmax.h"

#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#ifdef __AVX512DQ__
enum { D = 8 };
#elif defined(__AVX2__)
enum { D = 4 };
#else
enum { D = 2 };
#endif
enum { PARTS = LANES / D }; /* vectors of D that make eight lanes */

typedef double vd __attribute__((vector_size(D * 8)));
typedef int64_t vi __attribute__((vector_size(D * 8)));
typedef uint64_t vu __attribute__((vector_size(D * 8))); /* where sums may pass 2^63 */

#define INLINE static inline __attribute__((always_inline))

INLINE vd broadcast(double v)
{
	return (vd){ 0 } + v;
}

INLINE vd load_vector(const double *p)
{
	vd v;
	memcpy(&v, p, sizeof v);
	return v;
}

INLINE void store_vector(double *p, vd v)
{
	memcpy(p, &v, sizeof v);
}

INLINE vd widen(const float *p)
{
#ifdef __AVX512DQ__
	return (vd)_mm512_cvtps_pd(_mm256_loadu_ps(p));
#elif defined(__AVX2__)
	return (vd)_mm256_cvtps_pd(_mm_loadu_ps(p));
#else
	return (vd){ p[0], p[1] };
#endif
}

/* Whole numbers below 2^63, rounded. */
INLINE vd whole_real(vu v)
{
	return __builtin_convertvector((vi)v, vd);
}

/* A mask is true or false for each lane, false where a NaN is compared; masks go together by & and |. mask_bits: lane 0
 * in the lowest. choose: a where true, else b. larger: a > b ? a : b, so b where either is a NaN. */
#ifdef __AVX512DQ__
typedef __mmask8 mask;

INLINE mask greater(vd a, vd b)
{
	return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GT_OQ);
}

INLINE mask at_least(vd a, vd b)
{
	return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GE_OQ);
}

INLINE mask equal(vd a, vd b)
{
	return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_EQ_OQ);
}

INLINE unsigned mask_bits(mask m)
{
	return m;
}

INLINE vd choose(mask m, vd a, vd b)
{
	return (vd)_mm512_mask_mov_pd((__m512d)b, m, (__m512d)a);
}

INLINE vd larger(vd a, vd b)
{
	return (vd)_mm512_max_pd((__m512d)a, (__m512d)b);
}
#else
typedef vi mask;

INLINE mask greater(vd a, vd b)
{
	return a > b;
}

INLINE mask at_least(vd a, vd b)
{
	return a >= b;
}

INLINE mask equal(vd a, vd b)
{
	return a == b;
}

INLINE vd choose(mask m, vd a, vd b)
{
	return (vd)((m & (vi)a) | (~m & (vi)b));
}

INLINE unsigned mask_bits(mask m)
{
#ifdef __AVX2__
	return (unsigned)_mm256_movemask_pd((__m256d)m);
#elif defined(__SSE2__)
	return (unsigned)_mm_movemask_pd((__m128d)m);
#else
	return (unsigned)((m[0] & 1) | (m[1] & 2));
#endif
}

INLINE vd larger(vd a, vd b)
{
#ifdef __AVX2__
	return (vd)_mm256_max_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
	return (vd)_mm_max_pd((__m128d)a, (__m128d)b);
#else
	return choose(a > b, a, b);
#endif
}
#endif

#endif
