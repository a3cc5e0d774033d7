/* lanes: a row's largest value, sum and product with another, in eight lanes and a fixed order, so that a compiler may
 * use vectors and the bits are the same without; private to eval/calibrate. */
#ifndef VIC_LANES_H
#define VIC_LANES_H

#include "eval/records/softmax.h"

/* v: [n >= 1]. */
static inline double lanes_largest(const double *v, size_t n)
{
	double lane[LANES], max;
	size_t c = 0;
	for (int l = 0; l < LANES; l++)
		lane[l] = v[0];
	for (; c + LANES <= n; c += LANES)
		for (int l = 0; l < LANES; l++)
			lane[l] = v[c + (size_t)l] > lane[l] ? v[c + (size_t)l] : lane[l];
	for (; c < n; c++)
		lane[0] = v[c] > lane[0] ? v[c] : lane[0];
	max = lane[0];
	for (int l = 1; l < LANES; l++)
		max = lane[l] > max ? lane[l] : max;
	return max;
}

static inline double lanes_sum(const double *v, size_t n)
{
	double lane[LANES] = { 0 }, sum = 0;
	size_t c = 0;
	for (; c + LANES <= n; c += LANES)
		for (int l = 0; l < LANES; l++)
			lane[l] += v[c + (size_t)l];
	for (; c < n; c++)
		lane[0] += v[c];
	for (int l = 0; l < LANES; l++)
		sum += lane[l];
	return sum;
}

static inline double lanes_dot(const double *v, const double *w, size_t n)
{
	double lane[LANES] = { 0 }, sum = 0;
	size_t c = 0;
	for (; c + LANES <= n; c += LANES)
		for (int l = 0; l < LANES; l++)
			lane[l] += v[c + (size_t)l] * w[c + (size_t)l];
	for (; c < n; c++)
		lane[0] += v[c] * w[c];
	for (int l = 0; l < LANES; l++)
		sum += lane[l];
	return sum;
}

#endif
