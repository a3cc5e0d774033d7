/* Philox4x32-10 and distributions on it. The counter is { block, b, a, purpose }, so a sequence has 2^34 words.
 * A seed stands for these sequences and for how many words each draw takes: another rejection rule or another order
 * of draws changes every split, shuffle and model made before. Box-Muller's sine half is thrown away, because
 * keeping it would be state that depends on earlier draws. log, exp and cos are libm's: with another C library last
 * bits may differ. */
#include "philox.h"

#include "philox_block.h"

#include <math.h>

void philox4x32(uint32_t out[4], const uint32_t ctr[4], const uint32_t key[2])
{
	philox_block(out, ctr, key);
}

void rng_init(struct rng *r, uint64_t seed, enum rng_purpose purpose, uint32_t a, uint32_t b)
{
	*r = (struct rng){ .key = { (uint32_t)seed, (uint32_t)(seed >> 32) }, .ctr = { 0, b, a, (uint32_t)purpose } };
}

uint32_t rng_u32(struct rng *r)
{
	if (!r->left) {
		philox4x32(r->out, r->ctr, r->key);
		r->ctr[0]++;
		r->left = 4;
	}
	return r->out[4 - r->left--];
}

double rng_real(struct rng *r)
{
	uint64_t hi = rng_u32(r), lo = rng_u32(r);
	return (double)((hi << 32 | lo) >> 11) * 0x1p-53;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	uint64_t m = (uint64_t)rng_u32(r) * n;
	if ((uint32_t)m < n) {
		uint32_t floor = (0u - n) % n;
		while ((uint32_t)m < floor)
			m = (uint64_t)rng_u32(r) * n;
	}
	return (uint32_t)(m >> 32);
}

double rng_normal(struct rng *r)
{
	double u = 1.0 - rng_real(r), v = rng_real(r); /* u in (0, 1]: its logarithm is finite */
	return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

/* log k!, k >= 0: Stirling's series, error below 1e-12 from 16 on. */
static double log_factorial(double k)
{
	double product = 1, square = 1 / (k * k);
	if (k >= 16)
		return (k + 0.5) * log(k) - k + 0.918938533204672741780 +
		       (1.0 / 12 - square * (1.0 / 360 - square / 1260)) / k;
	for (int i = 2; i <= (int)k; i++)
		product *= i;
	return log(product);
}

double rng_poisson(struct rng *r, double mean)
{
	if (!(mean > 0))
		return 0;
	if (mean < 10) {
		double u = rng_real(r), p = exp(-mean), k = 0;
		for (; u >= p && k < 200; p *= mean / k) {
			u -= p;
			k++;
		}
		return k;
	}
	double root = sqrt(mean), b = 0.931 + 2.53 * root, a = 0.02483 * b - 0.059;
	for (;;) {
		double u = rng_real(r) - 0.5, v = rng_real(r), us = 0.5 - fabs(u);
		double k = floor((2 * a / us + b) * u + mean + 0.43);
		if (us >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2))
			return k;
		if (!(k >= 0) || (us < 0.013 && v > us))
			continue;
		if (log(v * (1.1239 + 1.1328 / (b - 3.4)) / (a / (us * us) + b)) <=
		    k * log(mean) - mean - log_factorial(k))
			return k;
	}
}

/* log of a Gamma(shape, 1) draw. For shape < 1: G(a) = G(a+1) * U^(1/a), which underflows unless kept in logarithms. */
static double log_gamma_draw(struct rng *r, double shape)
{
	double boost = 0;
	if (shape < 1) {
		boost = log(1.0 - rng_real(r)) / shape;
		shape += 1;
	}
	double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
	for (;;) {
		double x = rng_normal(r), v = 1 + c * x;
		if (v <= 0)
			continue;
		v = v * v * v;
		double u = 1.0 - rng_real(r);
		if (log(u) < 0.5 * x * x + d - d * v + d * log(v))
			return log(d) + log(v) + boost;
	}
}

double rng_beta(struct rng *r, double a)
{
	double x = log_gamma_draw(r, a), y = log_gamma_draw(r, a);
	return 1 / (1 + exp(y - x));
}

void rng_shuffle(struct rng *r, uint32_t *item, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		uint32_t j = rng_below(r, (uint32_t)i), t = item[i - 1];
		item[i - 1] = item[j];
		item[j] = t;
	}
}
