/* smooth_kernel: the sums of smooth ECE, four vectors of neighbours at a time, so that no addition waits for the one
 * before it; for softmax_kernel.c. */
#ifndef VIC_EVAL_SMOOTH_KERNEL_H
#define VIC_EVAL_SMOOTH_KERNEL_H

#include "softmax_vec.h"

#include <math.h>

enum { AT_ONCE = 4 * D };
_Static_assert((int)AT_ONCE <= (int)LINE_BEYOND, "places beyond the line");

/* Adds the absolute values at places i, i + 1, ..., those of the line's two ends by half. */
INLINE double add_sizes(double sum, const vd *at, size_t i, size_t to, size_t cells)
{
	double v[AT_ONCE];
	for (size_t j = 0; j < 4; j++)
		store_vector(v + j * D, at[j]);
	for (size_t j = 0; j < AT_ONCE && i + j <= to; j++)
		sum += fabs(v[j]) * (i + j == 0 || i + j == cells ? 0.5 : 1);
	return sum;
}

static double smooth_line(const double *line, const double *kernel, size_t reach, size_t cells, size_t from, size_t to,
			  double sum)
{
	for (size_t i = from; i <= to; i += AT_ONCE) {
		const double *c = line + i + reach;
		vd v0 = kernel[0] * load_vector(c), v1 = kernel[0] * load_vector(c + D);
		vd v2 = kernel[0] * load_vector(c + 2 * D), v3 = kernel[0] * load_vector(c + 3 * D);
		for (size_t d = 1; d <= reach; d++) {
			const double *left = c - d, *right = c + d;
			v0 += kernel[d] * (load_vector(left) + load_vector(right));
			v1 += kernel[d] * (load_vector(left + D) + load_vector(right + D));
			v2 += kernel[d] * (load_vector(left + 2 * D) + load_vector(right + 2 * D));
			v3 += kernel[d] * (load_vector(left + 3 * D) + load_vector(right + 3 * D));
		}
		sum = add_sizes(sum, (const vd[]){ v0, v1, v2, v3 }, i, to, cells);
	}
	return sum;
}

static double smooth_points(const int32_t *at, const double *mass, size_t n, const double *shape, size_t cells)
{
	double sum = 0;
	for (size_t i = 0; i <= cells; i += AT_ONCE) {
		vd v0 = broadcast(0), v1 = v0, v2 = v0, v3 = v0;
		for (size_t k = 0; k < n; k++) {
			const double *s = shape + ((int64_t)i - at[k]);
			v0 += mass[k] * load_vector(s);
			v1 += mass[k] * load_vector(s + D);
			v2 += mass[k] * load_vector(s + 2 * D);
			v3 += mass[k] * load_vector(s + 3 * D);
		}
		sum = add_sizes(sum, (const vd[]){ v0, v1, v2, v3 }, i, cells, cells);
	}
	return sum;
}

#endif
