/* Noise and random directions. Each record has a random stream of its own, keyed by direction and record number;
 * Gaussian noise has the direction UINT32_MAX. A direction is drawn twice from the same stream, first for its
 * length, since it is as large as a record and is not kept. Sums of bytes are exact; those of floats are doubles,
 * added in the order of the records. */
#include "noise.h"
#include "pipeline/base/philox.h"

#include <math.h>

void moments_add(struct moments *m, const struct stream_head *head, const unsigned char *data)
{
	size_t pixels = (size_t)head->height * (size_t)head->width, c = (size_t)head->channels;
	m->channels = head->channels;
	m->n += pixels;
	for (size_t k = 0; k < c; k++) {
		if (head->encoding == ENCODING_F32) {
			const float *px = (const float *)(const void *)data;
			for (size_t i = 0; i < pixels; i++) {
				m->fsum[k] += px[i * c + k];
				m->fsquares[k] += (double)px[i * c + k] * px[i * c + k];
			}
			continue;
		}
		uint64_t sum = 0, squares = 0;
		for (size_t i = 0; i < pixels; i++) {
			uint64_t v = data[i * c + k];
			sum += v;
			squares += v * v;
		}
		m->sum[k] += sum;
		m->squares[k] += squares;
	}
}

double moments_mean(const struct moments *m, int k)
{
	return ((double)m->sum[k] / 255 + m->fsum[k]) / (double)m->n;
}

double moments_variance(const struct moments *m, int k)
{
	double mean = moments_mean(m, k),
	       v = ((double)m->squares[k] / (255.0 * 255.0) + m->fsquares[k]) / (double)m->n - mean * mean;
	return v > 0 ? v : 0;
}

void noise_gaussian(float *out, size_t pixels, const struct moments *m, uint64_t seed, uint32_t number)
{
	double mean[NOISE_CHANNELS], sd[NOISE_CHANNELS];
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
