/* philox: counter-based random numbers (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
 * Philox4x32-10). A draw depends on (seed, purpose, a, b, index) and on nothing that was drawn before, so every thread,
 * backend and resumed run sees the same numbers. */
#ifndef VIC_PHILOX_H
#define VIC_PHILOX_H

#include <stddef.h>
#include <stdint.h>

/* One block: out = Philox4x32-10(ctr, key). Known answers are in tests/unit/pipeline/test_philox.c. */
void philox4x32(uint32_t out[4], const uint32_t ctr[4], const uint32_t key[2]);

/* Who draws. Fixed numbers: they are part of what a seed means. Add at the end. */
enum rng_purpose {
	RNG_SPLIT = 1,
	RNG_SHUFFLE,
	RNG_MIX_LAMBDA,
	RNG_MIX_PARTNER,
	RNG_MIX_LAYER,
	RNG_DROPOUT,
	RNG_INIT,
	RNG_OOV,
	RNG_AUGMENT,
	RNG_SYNTH,
	RNG_NOISE,
	RNG_BOOTSTRAP,
	RNG_TEST,
	RNG_FLOOR,
	RNG_CONFORMAL,
	RNG_NULL,
	RNG_WALK,
	RNG_SWAP,
	RNG_GROUPS,
};

/* A sequence of draws: cheap to make, holds no memory. */
struct rng {
	uint32_t key[2], ctr[4], out[4];
	int left; /* words of out not yet used */
};

/* The sequence of one purpose at (a, b): for instance (epoch, sample) or (layer, 0). */
void rng_init(struct rng *r, uint64_t seed, enum rng_purpose purpose, uint32_t a, uint32_t b);
uint32_t rng_u32(struct rng *r);
double rng_real(struct rng *r);                   /* uniform in [0, 1), 53 bits */
uint32_t rng_below(struct rng *r, uint32_t n);    /* uniform in 0..n-1, unbiased (Lemire 2019); n >= 1 */
double rng_normal(struct rng *r);                 /* N(0, 1), Box-Muller, cosine half only */
/* Poisson(mean), a whole number: by inversion below 10, by Hoermann's transformed rejection (PTRS, 1993) above. */
double rng_poisson(struct rng *r, double mean);
/* Beta(a, a), by two draws of Gamma(a, 1) (Marsaglia and Tsang 2000); for a < 1 in logarithms, so that a small `a`
 * gives 0 and 1 and not NaN. a > 0. */
double rng_beta(struct rng *r, double a);
void rng_shuffle(struct rng *r, uint32_t *item, size_t n); /* Fisher-Yates */

#endif
