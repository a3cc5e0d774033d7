/* softmax_lay: eight records side by side, x[classes][LANES], for softmax_kernel.c. */
#ifndef VIC_EVAL_SOFTMAX_LAY_H
#define VIC_EVAL_SOFTMAX_LAY_H

#include "softmax_vec.h"

/* Value k of each of D records. */
INLINE vd side_by_side(const void *z, int wide, const size_t *row, size_t k)
{
	if (wide) {
		const double *v = (const double *)z + k;
#ifdef __AVX512DQ__
		return (vd){ v[row[0]], v[row[1]], v[row[2]], v[row[3]], v[row[4]], v[row[5]], v[row[6]], v[row[7]] };
#elif defined(__AVX2__)
		return (vd){ v[row[0]], v[row[1]], v[row[2]], v[row[3]] };
#else
		return (vd){ v[row[0]], v[row[1]] };
#endif
	}
	const float *f = (const float *)z + k;
#ifdef __AVX512DQ__
	return (vd)_mm512_cvtps_pd(_mm256_setr_ps(f[row[0]], f[row[1]], f[row[2]], f[row[3]], f[row[4]], f[row[5]],
						  f[row[6]], f[row[7]]));
#elif defined(__AVX2__)
	return (vd)_mm256_cvtps_pd(_mm_setr_ps(f[row[0]], f[row[1]], f[row[2]], f[row[3]]));
#else
	return (vd){ f[row[0]], f[row[1]] };
#endif
}

#ifdef __AVX2__
/* Four values of each of LANES records from f[row[j]] on into x[4][LANES]: transposed, which takes a third of the
 * operations that putting value by value in its place does. */
INLINE void lay_four(const float *f, const size_t *row, double *x)
{
	__m256 a[4];
	for (int j = 0; j < 4; j++)
		a[j] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(f + row[j])),
					    _mm_loadu_ps(f + row[j + 4]), 1);
	__m256d low01 = (__m256d)_mm256_unpacklo_ps(a[0], a[1]), low23 = (__m256d)_mm256_unpacklo_ps(a[2], a[3]);
	__m256d high01 = (__m256d)_mm256_unpackhi_ps(a[0], a[1]), high23 = (__m256d)_mm256_unpackhi_ps(a[2], a[3]);
	const __m256d v[4] = { _mm256_unpacklo_pd(low01, low23), _mm256_unpackhi_pd(low01, low23),
			       _mm256_unpacklo_pd(high01, high23), _mm256_unpackhi_pd(high01, high23) };
	for (int j = 0; j < 4; j++) {
		float eight[LANES];
		memcpy(eight, &v[j], sizeof eight);
		for (int p = 0; p < PARTS; p++)
			store_vector(x + j * LANES + p * D, widen(eight + p * D));
	}
}
#endif

/* LANES records, of which the jth begins at value row[j] of z. */
INLINE void lay_eight(const void *z, int wide, const size_t *row, int classes, double *x)
{
	int k = 0;
#ifdef __AVX2__
	/* The last four begin where they end with the record. */
	for (int from = 0; !wide && classes >= 4 && k < classes; k = from + 4) {
		from = k + 4 > classes ? classes - 4 : k;
		lay_four((const float *)z + from, row, x + from * LANES);
	}
#endif
	for (; k < classes; k++)
		for (int p = 0; p < PARTS; p++)
			store_vector(x + k * LANES + p * D, side_by_side(z, wide, row + p * D, (size_t)k));
}

/* Where D records, from x on, have the value of their label; the first class's where they have none. */
INLINE void places_of(const int32_t *label, int32_t *place)
{
	for (int i = 0; i < D; i++)
		place[i] = (label[i] & ~(label[i] >> 31)) * LANES + i;
}

INLINE vd at_places(const double *x, const int32_t *place)
{
	double v[D];
	for (int i = 0; i < D; i++)
		v[i] = x[place[i]];
	return load_vector(v);
}

#endif
