/* Functions of statistics against what they are by definition: sums over binomial tails, the points where a test of a
 * proportion turns, published quantiles; and sorts on either side of the length where the way changes. */
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* P(X = k) of n throws. */
static double binomial(int n, int k, double p)
{
	double v = 1;
	for (int i = 1; i <= k; i++)
		v *= (double)(n - k + i) / i * p;
	return v * pow(1 - p, n - k);
}

static int near(double got, double want, double tolerance)
{
	return fabs(got - want) <= tolerance * fmax(1e-12, fabs(want));
}

/* I_p(k, n - k + 1) is the probability of at least k of n (DLMF 8.17.5). */
static void beta_is_a_tail(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		struct rng r;
		rng_init(&r, 21, RNG_TEST, i, 0);
		int n = 1 + (int)rng_below(&r, 60), k = 1 + (int)rng_below(&r, (uint32_t)n);
		double p = rng_real(&r), sum = 0;
		for (int j = k; j <= n; j++)
			sum += binomial(n, j, p);
		if (!near(beta_inc(k, n - k + 1, p), sum, 1e-9))
			fail_msg("I_%g(%d, %d) is %.12g, not %.12g", p, k, n - k + 1, beta_inc(k, n - k + 1, p), sum);
		assert_true(beta_inc(k, 1, 0) == 0 && beta_inc(1, k, 1) == 1);
	}
}

static void mcnemar_is_a_sum(void **state)
{
	(void)state;
	for (int b = 0; b < 30; b++)
		for (int c = 0; c < 30; c++) {
			int n = b + c, k = b < c ? b : c;
			double sum = 0;
			for (int j = 0; j <= k; j++)
				sum += binomial(n, j, 0.5);
			assert_true(near(mcnemar_exact((uint64_t)b, (uint64_t)c), b == c ? 1 : fmin(1, 2 * sum), 1e-9));
		}
	assert_true(mcnemar_exact(4000, 3000) < 1e-30 && mcnemar_exact(4000, 3000) > 0);
}

/* Student's quantiles, two-sided, as tables have them; and the normal ones that they tend to. */
static void quantiles_as_published(void **state)
{
	static const struct {
		double level, df, t;
	} known[] = { { 0.95, 1, 12.706204736 },
		      { 0.95, 2, 4.302652730 },
		      { 0.95, 10, 2.228138852 },
		      { 0.99, 5, 4.032142984 },
		      { 0.9, 30, 1.697260887 },
		      { 0.95, 120, 1.979930405 },
		      { 0.5, 1, 1 },
		      { 0.95, 1e7, 1.959964221 } };
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!near(student_quantile_two_sided(known[i].level, known[i].df), known[i].t, 2e-7))
			fail_msg("%g, %g: %.10g", known[i].level, known[i].df,
				 student_quantile_two_sided(known[i].level, known[i].df));
	assert_true(isinf(student_quantile_two_sided(0.95, 0)));
	assert_true(near(normal_quantile_two_sided(0.95), 1.959963984540054, 1e-12));
	assert_true(near(normal_quantile_two_sided(0.99), 2.575829303548901, 1e-12));
}

/* At Wilson's ends the proportion is just z standard errors away. */
static void wilson_turns_there(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct rng r;
		rng_init(&r, 22, RNG_TEST, i, 0);
		double n = 1 + rng_below(&r, 500), k = rng_below(&r, (uint32_t)n + 1), z = 0.5 + 3 * rng_real(&r),
		       end[2];
		wilson(k, n, z, &end[0], &end[1]);
		assert_true(end[0] >= 0 && end[0] <= k / n + 1e-15 && end[1] >= k / n - 1e-15 && end[1] <= 1);
		for (int e = 0; e < 2; e++)
			assert_true(fabs(fabs(k / n - end[e]) - z * sqrt(end[e] * (1 - end[e]) / n)) < 1e-7);
	}
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void sorts_and_quantiles(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		struct rng r;
		/* with values before and after that would move if they were taken for some */
		double room[82] = { INFINITY }, *v = room + 1, want[80];
		rng_init(&r, 23, RNG_TEST, i, 0);
		size_t n = rng_below(&r, 80);
		for (size_t k = 0; k < n; k++)
			want[k] = v[k] = rng_below(&r, 40);
		v[n] = -INFINITY;
		qsort(want, n, sizeof *want, rising);
		sort_rising(v, n);
		for (size_t k = 0; k < n; k++)
			assert_true(v[k] == want[k]);
		assert_true(room[0] == INFINITY && v[n] == -INFINITY);
		if (!n)
			continue;
		double q = rng_below(&r, 3) ? rng_real(&r) : rng_below(&r, 2), at = q * (double)(n - 1),
		       below = floor(at);
		double up = v[(size_t)ceil(at)], low = v[(size_t)below];
		assert_true(near(quantile_of(v, (int)n, q), low + (at - below) * (up - low), 1e-12));
		double u = 60 * rng_real(&r) - 30;
		assert_true(near(softplus(u), log(1 + exp(u)), 1e-3) || u < -20);
		assert_true(near(softplus(u) - softplus(-u), u, 1e-9));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(beta_is_a_tail), cmocka_unit_test(mcnemar_is_a_sum),
					    cmocka_unit_test(quantiles_as_published),
					    cmocka_unit_test(wilson_turns_there),
					    cmocka_unit_test(sorts_and_quantiles) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
