/* softmax_vec: vectors of doubles, as wide as the instruction set that this is compiled for has them; for
 * softmax_kernel.c and eval/calibrate/fit_kernel.c. Only what C's operators on GCC's vectors cannot say, or say slowly,
 * is written by intrinsics. */
#ifndef VIC_EVAL_SOFTMAX_VEC_H
#define VIC_EVAL_SOFTMAX_VEC_H

#include "softmax.h"

#include <math.h>
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
#ifdef __AVX512DQ__
	return (vd)_mm512_set1_pd(v);
#elif defined(__AVX2__)
	return (vd)_mm256_set1_pd(v);
#else
	return (vd){ v, v };
#endif
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

INLINE vd from_ints(const int32_t *p)
{
#ifdef __AVX512DQ__
	return (vd)_mm512_cvtepi32_pd(_mm256_loadu_si256((const __m256i *)p));
#elif defined(__AVX2__)
	return (vd)_mm256_cvtepi32_pd(_mm_loadu_si128((const __m128i *)p));
#else
	return (vd){ p[0], p[1] };
#endif
}

#if !defined(__AVX2__) && !defined(__FP_FAST_FMA)
/* The part of a + b that `sum`, which is a + b rounded, lost (Knuth). */
INLINE vd sum_loss(vd a, vd b, vd sum)
{
	vd part = sum - a;
	return (a - (sum - part)) + (b - part);
}

/* The upper 26 bits of v, so that products of halves are exact (Veltkamp). */
INLINE vd upper_half(vd v)
{
	vd t = v * 134217729.0;
	return t - (t - v);
}

/* For a CPU that has no such instruction: the product in two parts (Dekker), and before the last addition what they
 * leave beside c rounded to odd, so that it tips no tie (Boldo and Melquiond 2008). Not for products below 2^-968,
 * unless they are exact or too small to change c. */
INLINE vd fused(vd a, vd b, vd c)
{
	vd high = a * b, ah = upper_half(a), al = a - ah, bh = upper_half(b), bl = b - bh;
	vd low = al * bl - (((high - ah * bh) - al * bh) - ah * bl);
	vd t = c + low, v = high + t, t_loss = sum_loss(c, low, t), v_loss = sum_loss(high, t, v);
	vd odd = t_loss + v_loss, loss = sum_loss(t_loss, v_loss, odd), none = { 0 };
	vi even = ((vi)odd & 1) - 1, toward = ((vi)loss ^ (vi)odd) >> 63 | 1;
	odd = (vd)((vi)odd + ((loss != none) & even & toward));
	return v + odd;
}

INLINE vd fused_exact(vd a, vd b, vd c)
{
	return a * b + c;
}
#else
/* a b + c, rounded once: the same bits on every CPU. fused_exact: where a b is a double, so that it need not be. */
INLINE vd fused(vd a, vd b, vd c)
{
#ifdef __AVX512DQ__
	return (vd)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__AVX2__)
	return (vd)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
	return (vd){ fma(a[0], b[0], c[0]), fma(a[1], b[1], c[1]) };
#endif
}

INLINE vd fused_exact(vd a, vd b, vd c)
{
	return fused(a, b, c);
}
#endif

/* Whole numbers below 2^63, rounded. */
INLINE vd whole_real(vu v)
{
	return __builtin_convertvector((vi)v, vd);
}

/* A mask is true or false for each lane, false where a NaN is compared; masks go together by & and |. mask_bits: lane 0
 * in the lowest. choose: a where true, else b. larger, smaller: a > b ? a : b and a < b ? a : b, so b where
 * either is a NaN. product, sum_where: a * b, a + b where m, else 0. add_where: a + b where m, else a. */
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

INLINE mask not_equal(vd a, vd b)
{
	return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_NEQ_UQ);
}

INLINE mask not_less(vd a, vd b)
{
	return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_NLT_UQ);
}

INLINE vd product(mask m, vd a, vd b)
{
	return (vd)_mm512_maskz_mul_pd(m, (__m512d)a, (__m512d)b);
}

INLINE vd sum_where(mask m, vd a, vd b)
{
	return (vd)_mm512_maskz_add_pd(m, (__m512d)a, (__m512d)b);
}

INLINE vd smaller(vd a, vd b)
{
	return (vd)_mm512_min_pd((__m512d)a, (__m512d)b);
}

INLINE vd add_where(mask m, vd a, vd b)
{
	return (vd)_mm512_mask_add_pd((__m512d)a, m, (__m512d)a, (__m512d)b);
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

INLINE mask not_equal(vd a, vd b)
{
	return a != b;
}

INLINE mask not_less(vd a, vd b)
{
	return ~(a < b);
}

INLINE vd product(mask m, vd a, vd b)
{
	return (vd)(m & (vi)(a * b));
}

INLINE vd sum_where(mask m, vd a, vd b)
{
	return (vd)(m & (vi)(a + b));
}

INLINE vd smaller(vd a, vd b)
{
#ifdef __AVX2__
	return (vd)_mm256_min_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
	return (vd)_mm_min_pd((__m128d)a, (__m128d)b);
#else
	return choose(a < b, a, b);
#endif
}

INLINE vd add_where(mask m, vd a, vd b)
{
	return a + (vd)(m & (vi)b);
}
#endif

/* Indices are kept as doubles, in which small whole numbers are exact. */
static const double number[SMALL_CLASSES] = { 0,  1,  2,  3,  4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15,
					      16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

/* The double that follows v < Inf. */
INLINE vd next_above(vd v)
{
	vi bits = (vi)(v + 0.0); /* of 0 and -0 the former */
	return (vd)(bits + (bits >> 63 | 1));
}

/* The bits of 2^(j/16), less j 2^48, so that k 2^48 on top of them makes 2^(k/16) for every k that ends in j. */
static const uint64_t sixteenths[16] __attribute__((aligned(64))) = {
	0x3ff0000000000000, 0x3fefb5586cf9890f, 0x3fef72b83c7d517b, 0x3fef387a6e756238,
	0x3fef06fe0a31b715, 0x3feedea64c123422, 0x3feebfdad5362a27, 0x3feeab07dd485429,
	0x3feea09e667f3bcd, 0x3feea11473eb0187, 0x3feeace5422aa0db, 0x3feec49182a3f090,
	0x3feee89f995ad3ad, 0x3fef199bdd85529c, 0x3fef5818dcfba487, 0x3fefa4afa2a490da
};

/* sixteenths[k % 16] of each k. */
INLINE vu sixteenth_of(vu k)
{
#ifdef __AVX512DQ__
	return (vu)_mm512_permutex2var_epi64(_mm512_load_si512(sixteenths), (__m512i)k,
					     _mm512_load_si512(sixteenths + 8));
#elif defined(__AVX2__)
	return (vu){ sixteenths[k[0] & 15], sixteenths[k[1] & 15], sixteenths[k[2] & 15], sixteenths[k[3] & 15] };
#else
	return (vu){ sixteenths[k[0] & 15], sixteenths[k[1] & 15] };
#endif
}

#define EXP_LOWEST -708.0 /* below it, exp is 0 */

/* k = round(16 x / ln 2), as the last bits of a double that is large. */
INLINE vd exp_place(vd held)
{
	return fused(held, broadcast(0x1.71547652b82fep+4), broadcast(0x1.8p52));
}

/* exp(x), 0 where x is below EXP_LOWEST; held: the larger of the two. exp(x) = 2^(k/16) exp(r), k as in exp_place.
 * ln 2 / 16 in two parts of 31 and 37 bits, so that k times either, k < 2^14, is exact. exp(r) = 1 + r + r^2 P(r), P
 * of the smallest relative error that its degree allows, 1.2e-17 before rounding. */
INLINE vd exp_of(vd x, vd held)
{
	vd t = exp_place(held), k = t - 0x1.8p52;
	vd hi = broadcast(-0x1.62e42feep-5), lo = broadcast(-0x1.a39ef3579p-37);
	vd r = fused_exact(k, lo, fused_exact(k, hi, held));
	vd q = r * r;
	vd a = fused(r, broadcast(0x1.555555548f751p-3), broadcast(0x1.fffffffffffb9p-2));
	vd b = fused(r, broadcast(0x1.11123abd84f2cp-7), broadcast(0x1.55555558fd460p-5));
	vd p = fused(q, fused(q, broadcast(0x1.6c14c68c988a6p-10), b), a);
	vd scale = (vd)(sixteenth_of((vu)t) + ((vu)t << 48));
	return sum_where(not_less(x, broadcast(EXP_LOWEST)), scale, scale * fused(q, p, r));
}

/* log1p(x) for x >= 0 and each = 1 / (1 + x), as in fdlibm: u = 1 + x = 2^n m with m in [1/sqrt 2, sqrt 2), what the
 * addition lost is put back as lost/u, and log m = f - (f^2/2 - s (f^2/2 + z R(z))) with f = m - 1, s = f / (2 + f),
 * z = s^2; R fitted by Chebyshev nodes to 5e-18. Error below 1 ulp. */
INLINE vd log1p_with(vd x, vd each)
{
	vd u = 1.0 + x, small = x - (u - 1.0), large = 1.0 - (u - x);
	vd lost = choose(at_least(u, broadcast(2)), large, small);
	vu h = (vu)u + 0x00095f6200000000u; /* 1 - sqrt(1/2), in the exponent's place */
	vd n = (vd)((h >> 52) + (0x4338000000000000u - 1023u)) - 0x1.8p52;
	vd m = (vd)((h & 0x000fffffffffffffu) + 0x3fe6a09e00000000u);
	vd f = m - 1.0, s = f / (2.0 + f), z = s * s, v = z * z;
	vd a = fused(z, broadcast(0x1.9999999995273p-2), broadcast(0x1.5555555555558p-1));
	vd b = fused(z, broadcast(0x1.c71c62d5e53e0p-3), broadcast(0x1.2492492dfd86cp-2));
	vd c = fused(z, broadcast(0x1.39fdcceb4bb45p-3), broadcast(0x1.7462b91b8df65p-3));
	vd r = z * fused(v, fused(v, fused(v, broadcast(0x1.2b5f68a50d903p-3), c), b), a);
	vd q = 0.5 * f * f, rest = fused(lost, each, n * 0x1.a39ef35793c76p-33);
	return fused(n, broadcast(0x1.62e42fee00000p-1), f - (q - fused(s, q + r, rest)));
}

INLINE vd log1p_of(vd x)
{
	return log1p_with(x, 1.0 / (1.0 + x));
}

#endif
