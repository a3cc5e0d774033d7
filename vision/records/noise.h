/* noise: images off the training data: Gaussian noise that has its moments (section 7 of the paper), and images moved
 * along random directions (its appendix D). Values are in units where 1.0 is a byte's 255. Draws depend on seed and
 * record number only. */
#ifndef VIC_NOISE_H
#define VIC_NOISE_H

#include "pipeline/base/err.h"
#include "pipeline/stream/moments.h"

#include <stddef.h>
#include <stdint.h>

/* Record `number`: out [pixels][channels], each N(mean, variance) of its channel, not clipped. */
void noise_gaussian(float *out, size_t pixels, const struct moments *m, uint64_t seed, uint32_t number);

/* out[i] = x[i] + mu * d[i] / scale, i < n; d[i] ~ U(-1, 1). scale: |d| when `unit` (d-hat is a unit vector), else 1.
 * The direction is that of (seed, direction, number), whatever mu is. x and out may be the same. Returns |d|. */
double noise_perturb(float *out, const float *x, size_t n, double mu, int unit, uint64_t seed, uint32_t direction,
		     uint32_t number);

/* A raw record as f32 and back: rounded to nearest (halves to even) and clipped to 0..255; *clipped counts the values
 * that were. */
void pixels_to_f32(float *out, const unsigned char *px, size_t n);
void pixels_to_raw(unsigned char *out, const float *px, size_t n, uint64_t *clipped);

#endif
