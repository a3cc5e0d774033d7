/* mask: which units a dropout drops, the same in every backend. */
#ifndef VIC_MASK_H
#define VIC_MASK_H

#include "pipeline/base/philox.h"

/* Words drawn for one sample: unit k is kept when word[k] >= threshold; P(dropped) = rate to within 2^-32. */
static inline uint32_t mask_threshold(double rate)
{
	return (uint32_t)(rate * 4294967296.0);
}

/* keep[k] = 1 or 0 for units 0..n-1 of one sample. Depends on seed, epoch (or MC pass), layer and sample alone. */
static inline void mask_draw(unsigned char *keep, int n, double rate, uint64_t seed, uint32_t epoch, uint32_t layer,
			     uint32_t sample)
{
	uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) }, below = mask_threshold(rate), out[4];
	for (int k = 0; k < n; k += 4) {
		uint32_t ctr[4] = { (uint32_t)k / 4, sample, epoch, RNG_DROPOUT | layer << 8 };
		philox4x32(out, ctr, key);
		for (int j = 0; j < 4 && k + j < n; j++)
			keep[k + j] = out[j] >= below;
	}
}

#endif
