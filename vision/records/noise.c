/* Noise and random directions. Each record has a random stream of its own, keyed by direction and record number;
 * Gaussian noise has the direction UINT32_MAX. A direction is drawn twice from the same stream, first for its
 * length, since it is as large as a record and is not kept. */
#include "noise.h"
#include "pipeline/base/philox.h"

#include <math.h>

void noise_gaussian(float *out, size_t pixels, const struct moments *m, uint64_t seed, uint32_t number)
{
	double mean[STREAM_MAX_CHANNELS], sd[STREAM_MAX_CHANNELS];
	struct rng r;
	for (int k = 0; k < m->channels; k++) {
		mean[k] = moments_mean(m, k);
		sd[k] = sqrt(moments_variance(m, k));
	}
	rng_init(&r, seed, RNG_NOISE, UINT32_MAX, number); /* directions count from 0: another sequence */
	for (size_t i = 0; i < pixels; i++)
		for (int k = 0; k < m->channels; k++)
			*out++ = (float)(mean[k] + sd[k] * rng_normal(&r));
}

double noise_perturb(float *out, const float *x, size_t n, double mu, int unit, uint64_t seed, uint32_t direction,
		     uint32_t number)
{
	struct rng r;
	double squares = 0;
	rng_init(&r, seed, RNG_NOISE, direction, number);
	for (size_t i = 0; i < n; i++) {
		double d = 2 * rng_real(&r) - 1;
		squares += d * d;
	}
	double norm = sqrt(squares), step = unit ? (norm > 0 ? mu / norm : 0) : mu;
	rng_init(&r, seed, RNG_NOISE, direction,
		 number); /* drawn again rather than kept: a record has no bound but the block's */
	for (size_t i = 0; i < n; i++)
		out[i] = (float)(x[i] + step * (2 * rng_real(&r) - 1));
	return norm;
}

void pixels_to_f32(float *out, const unsigned char *px, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (float)px[i] / 255.0f;
}

void pixels_to_raw(unsigned char *out, const float *px, size_t n, uint64_t *clipped)
{
	for (size_t i = 0; i < n; i++) {
		double v = rint((double)px[i] * 255);
		*clipped += v < 0 || v > 255;
		out[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
	}
}
