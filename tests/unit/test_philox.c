/* Known answers of Philox4x32-10 from the Random123 distribution's kat_vectors (Salmon et al. 2011), and the shape of the
 * distributions drawn from it. */
#include "pipeline/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(known_answers), cmocka_unit_test(beta_moments),
					    cmocka_unit_test(below_is_uniform) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
