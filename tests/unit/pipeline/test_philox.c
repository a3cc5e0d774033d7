/* Known answers of Philox4x32-10 from the Random123 distribution's kat_vectors (Salmon et al. 2011), and the shape of
 * the distributions drawn from it. */
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void known_answers(void **state)
{
	(void)state;
	static const uint32_t in[3][6] = { { 0, 0, 0, 0, 0, 0 },
					   { ~0u, ~0u, ~0u, ~0u, ~0u, ~0u },
					   { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0 } };
	static const uint32_t want[3][4] = { { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 },
					     { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd },
					     { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } };
	for (int i = 0; i < 3; i++) {
		uint32_t out[4];
		philox4x32(out, in[i], in[i] + 4);
		for (int j = 0; j < 4; j++)
			assert_int_equal(out[j], want[i][j]);
	}
}

/* Var of Beta(a, a) is 1 / (4 (2a + 1)); with n draws the mean is off by more than 5 standard errors about never. */
static void beta_moments(void **state)
{
	(void)state;
	static const double a[] = { 0.05, 0.4, 1, 8 };
	enum { N = 40000 };
	for (int k = 0; k < 4; k++) {
		double sum = 0, sq = 0, var = 1 / (4 * (2 * a[k] + 1));
		for (uint32_t i = 0; i < N; i++) {
			struct rng r;
			rng_init(&r, 7, RNG_TEST, i, (uint32_t)k);
			double x = rng_beta(&r, a[k]);
			assert_true(x >= 0 && x <= 1);
			sum += x;
			sq += (x - .5) * (x - .5);
		}
		assert_true(fabs(sum / N - .5) < 5 * sqrt(var / N));
		assert_true(fabs(sq / N - var) < 5 * sqrt(2.0 * var * var / N));
	}
}

/* The same seed gives the same draws in every version, above a shape of 1 and below: streams and models rest on it. */
static void beta_stays(void **state)
{
	(void)state;
	static const double a[] = { 0.2, 0.4, 1, 1.5, 3 };
	static const double sum[] = { 589.36005268944655, 614.95588146382534, 729.71150292034395, 639.89121418702848,
				      663.81484489871377 };
	for (uint32_t k = 0; k < 5; k++) {
		struct rng r;
		double all = 0;
		rng_init(&r, 8, RNG_TEST, k, 0);
		for (int i = 1; i <= 50; i++)
			all += i * rng_beta(&r, a[k]);
		assert_true(fabs(all - sum[k]) < 1e-9);
	}
}

static void below_is_uniform(void **state)
{
	(void)state;
	struct rng r;
	int count[7] = { 0 };
	rng_init(&r, 1, RNG_TEST, 0, 0);
	for (int i = 0; i < 70000; i++)
		count[rng_below(&r, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_true(abs(count[i] - 10000) < 5 * 93); /* sd = sqrt(70000/7*6/7) = 92.6 */
}

/* The share of draws at or below each number against the distribution function: Kolmogorov's distance, which exceeds
 * 1.95 / sqrt(draws) once in a thousand times. */
static void poisson_is_poisson(void **state)
{
	(void)state;
	static const double mean[] = { 0.01, 0.5, 1, 3.7, 9.99, 10, 12.5, 40, 300, 5000 };
	enum { DRAWS = 20000, MOST = 6000 };
	static int count[MOST];
	for (uint32_t i = 0; i < sizeof mean / sizeof *mean; i++) {
		struct rng r;
		double worst = 0, below = 0, at_most = 0;
		rng_init(&r, 3, RNG_TEST, i, 3);
		memset(count, 0, sizeof count);
		assert_true(rng_poisson(&r, 0) == 0);
		for (int k = 0; k < DRAWS; k++) {
			double v = rng_poisson(&r, mean[i]);
			assert_true(v >= 0 && v < MOST && floor(v) == v);
			count[(int)v]++;
		}
		for (int k = 0; k < MOST; k++) {
			below += count[k];
			at_most += exp(k * log(mean[i]) - mean[i] - lgamma(k + 1));
			worst = fmax(worst, fabs(below / DRAWS - at_most));
		}
		print_message("Poisson(%g): distance %.4f\n", mean[i], worst);
		assert_true(worst < 1.95 / sqrt(DRAWS));
	}
}

/* PTRS (Hormann 1993) with the C library's log k!, where it is decided by its seventh digit: the draws were found among
 * ten million, each on one side of the decision or the other. */
static double plain_poisson(struct rng *r, double mean)
{
	double b = 0.931 + 2.53 * sqrt(mean), a = 0.02483 * b - 0.059;
	for (;;) {
		double u = rng_real(r) - 0.5, v = rng_real(r), us = 0.5 - fabs(u);
		double k = floor((2 * a / us + b) * u + mean + 0.43);
		if (us >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2))
			return k;
		double left = log(v * (1.1239 + 1.1328 / (b - 3.4)) / (a / (us * us) + b));
		if (k >= 0 && (us >= 0.013 || v <= us) && left <= k * log(mean) - mean - lgamma(k + 1))
			return k;
	}
}

static void poisson_to_the_last_digit(void **state)
{
	static const uint32_t close[] = { 509950, 2464267, 2612190, 3407354, 4016224, 7379613 };
	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t a = i < sizeof close / sizeof *close ? close[i] : i;
		double mean = i < sizeof close / sizeof *close || i % 2 ? 17 : 10 + i % 100;
		struct rng r, s;
		rng_init(&r, 5, RNG_TEST, a, 0);
		s = r;
		assert_true(rng_poisson(&r, mean) == plain_poisson(&s, mean));
		assert_int_equal(rng_u32(&r), rng_u32(&s)); /* and as many words were taken */
	}
}

/* Each draw against the definition, over words taken from Philox by hand. */
static uint32_t word_at(const struct rng *fresh, size_t i)
{
	uint32_t ctr[4] = { fresh->ctr[0] + (uint32_t)(i / 4), fresh->ctr[1], fresh->ctr[2], fresh->ctr[3] }, out[4];
	philox4x32(out, ctr, fresh->key);
	return out[i % 4];
}

static void draws_by_definition(void **state)
{
	(void)state;
	for (uint32_t k = 0; k < 2000; k++) {
		struct rng r, fresh;
		size_t at = 0;
		rng_init(&fresh, UINT64_C(0x123456789ABCDEF) * k, RNG_TEST, k, 7);
		assert_int_equal(fresh.key[0], (uint32_t)(UINT64_C(0x123456789ABCDEF) * k));
		assert_int_equal(fresh.key[1], UINT64_C(0x123456789ABCDEF) * k >> 32);
		assert_true(fresh.ctr[0] == 0 && fresh.ctr[1] == 7 && fresh.ctr[2] == k && fresh.ctr[3] == RNG_TEST);
		r = fresh;
		for (int i = 0; i < 5; i++)
			assert_int_equal(rng_u32(&r), word_at(&fresh, at++));
		uint64_t hi = word_at(&fresh, at), lo = word_at(&fresh, at + 1);
		double u = (double)((hi << 32 | lo) >> 11) / 9007199254740992.0;
		assert_true(rng_real(&r) == u);
		at += 2;
		/* Lemire 2019: the top half of word * n, words refused whose bottom half is below 2^32 mod n */
		static const uint32_t below[] = { 1, 2, 3, 7, 1u << 31, (1u << 31) + 1, 3000000000u, UINT32_MAX };
		for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
			uint32_t n = below[i], refused = (uint32_t)((UINT64_C(1) << 32) % n);
			uint64_t m = (uint64_t)word_at(&fresh, at++) * n;
			while ((uint32_t)m < refused)
				m = (uint64_t)word_at(&fresh, at++) * n;
			assert_int_equal(rng_below(&r, n), m >> 32);
		}
		struct rng same = r;
		double a = 1 - rng_real(&same), b = rng_real(&same); /* Box and Muller */
		assert_true(fabs(rng_normal(&r) - sqrt(-2 * log(a)) * cos(2 * acos(-1) * b)) < 1e-12);
		uint32_t item[20], want[20], n = k % 20;
		for (uint32_t i = 0; i < n; i++)
			item[i] = want[i] = i * i;
		same = r;
		for (uint32_t i = n; i > 1; i--) { /* Fisher and Yates, from the end */
			uint32_t j = rng_below(&same, i), t = want[j];
			want[j] = want[i - 1];
			want[i - 1] = t;
		}
		rng_shuffle(&r, item, n);
		assert_memory_equal(item, want, n * sizeof *item);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(known_answers), cmocka_unit_test(beta_moments),
					    cmocka_unit_test(beta_stays),
					    cmocka_unit_test(below_is_uniform), cmocka_unit_test(poisson_is_poisson),
					    cmocka_unit_test(poisson_to_the_last_digit),
					    cmocka_unit_test(draws_by_definition) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
