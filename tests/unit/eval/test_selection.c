/* Selections of confident records: against a plain list, the binomial's own sum, and a simulation of the guarantee. */
#include "eval/conformal/selection.h"
#include "eval/metrics/metrics.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static struct err err;

/* P(Binomial(n, p) <= k), term by term. */
static double at_most(size_t k, size_t n, double p)
{
	double sum = 0, all = (double)n;
	for (size_t j = 0; j <= k; j++) {
		double i = (double)j;
		sum += exp(lgamma(all + 1) - lgamma(i + 1) - lgamma(all - i + 1) + i * log(p) + (all - i) * log1p(-p));
	}
	return sum;
}

static void bounds(void **state)
{
	(void)state;
	static const size_t n[] = { 1, 2, 7, 40, 200 };
	static const double level[] = { 0.5, 0.05, 0.001, 1e-7 };
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 4; j++) {
			for (size_t k = 0; k < n[i]; k += 1 + n[i] / 9) {
				double p = binomial_upper(k, n[i], level[j]);
				assert_true(fabs(at_most(k, n[i], p) / level[j] - 1) < 1e-6);
			}
			assert_true(binomial_upper(n[i], n[i], level[j]) == 1);
		}
	assert_true(fabs(binomial_upper(0, 100, 0.05 / 7) - (1 - pow(0.05 / 7, 0.01))) < 1e-12);
}

static void at_coverage(void **state)
{
	(void)state;
	/* from the most confident: right, wrong, {right, wrong, wrong} tied, right */
	conf_key k[] = { conf_pack(0.5, 0.5, 1), conf_pack(0.7, 0.3, 0), conf_pack(0.7, 0.3, 0),
			 conf_pack(0.7, 0.3, 1), conf_pack(0.8, 0.2, 0), conf_pack(0.9, 0.1, 1) };
	static const double errors[] = { 0, 1, 1 + 2.0 / 3, 1 + 4.0 / 3, 3, 3 },
			    least[] = { 0.9, 0.8, 0.7, 0.7, 0.7, 0.5 };
	struct selection s;
	assert_int_equal(keys_sort(k, 6, &err), 0);
	for (size_t m = 1; m <= 6; m++)
		for (int below = 0; below < 2; below++) {
			selection_at_coverage(&s, k, 6, ((double)m - 0.3 * below) / 6);
			assert_true(fabs(s.risk - errors[m - 1] / (double)m) < 1e-15 && s.threshold == least[m - 1] &&
				    s.coverage == (double)m / 6);
		}
	selection_at_coverage(&s, k, 6, 1e-9);
	assert_true(s.risk == 0 && s.threshold == 0.9);
}

/* Of few records with many ties, also down to the least: the mth largest confidence is looked for one by one. */
static void ties_are_shared(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		struct rng r;
		struct selection s;
		conf_key k[12];
		double p[12], sure = 0, wrong_sure = 0, tied = 0, wrong_tied = 0, least = 2, taken = 0;
		rng_init(&r, 23, RNG_TEST, i, 0);
		size_t n = 1 + rng_below(&r, 12), m = 1 + rng_below(&r, (uint32_t)n);
		uint32_t values = 1 + rng_below(&r, 4);
		for (size_t j = 0; j < n; j++) {
			p[j] = (1 + rng_below(&r, values)) / 8.0;
			k[j] = conf_pack(p[j], 1 - p[j], rng_below(&r, 2) != 0);
		}
		for (size_t j = 0; j < n; j++) {
			size_t above = 0, as_large = 0;
			for (size_t o = 0; o < n; o++) {
				above += p[o] > p[j];
				as_large += p[o] >= p[j];
			}
			if (as_large <= m || above < m)
				least = fmin(least, p[j]);
		}
		for (size_t j = 0; j < n; j++) {
			sure += p[j] > least;
			wrong_sure += p[j] > least && !conf_right(k[j]);
			tied += p[j] == least;
			wrong_tied += p[j] == least && !conf_right(k[j]);
		}
		assert_int_equal(keys_sort(k, n, &err), 0);
		selection_at_coverage(&s, k, n, ((double)m - 0.5) / (double)n);
		assert_true(s.threshold == least);
		assert_true(fabs(s.risk * (double)m - (wrong_sure + wrong_tied * ((double)m - sure) / tied)) < 1e-12);
		selection_at_risk(&s, k, n, 0.999, 0.5); /* whatever is accepted, all of like confidence are */
		for (size_t j = 0; j < n; j++)
			taken += p[j] >= s.threshold;
		assert_true(fabs(s.coverage * (double)n - taken) < 1e-9);
	}
}

static void at_risk(void **state)
{
	(void)state;
	enum { N = 100 };
	conf_key k[N];
	struct selection s;
	for (size_t i = 0; i < N; i++)
		k[i] = conf_pack((double)(i + 1) / N, 1 - (double)(i + 1) / N, 1);
	selection_at_risk(&s, k, N, 0.05, 0.95); /* all right, in ceil(log2 100) + 1 steps: 0.0495 */
	assert_true(s.coverage == 1 && s.threshold == 0.01 && s.risk == 0 &&
		    fabs(s.bound - (1 - pow(0.05 / 8, 0.01))) < 1e-12);
	selection_at_risk(&s, k, N, 0.049, 0.95);
	assert_true(s.coverage == 0 && isinf(s.threshold) && isnan(s.bound) && isnan(s.risk));
	for (size_t i = 0; i < 50; i++)
		k[i] = conf_pack(conf_p(k[i]), conf_rest(k[i]), 0); /* the less confident half is wrong */
	selection_at_risk(&s, k, N, 0.2, 0.95);
	assert_true(s.coverage > 0.5 && s.coverage < 0.6 && s.bound < 0.2);
	for (size_t i = 0; i < N; i++) /* all tie: together or not at all */
		k[i] = conf_pack(0.75, 0.25, i >= 30);
	assert_int_equal(keys_sort(k, N, &err), 0);
	selection_at_risk(&s, k, N, 0.5, 0.95);
	assert_true(s.coverage == 1 && s.threshold == 0.75 && s.risk == 0.3);
	selection_at_risk(&s, k, N, 0.3, 0.95);
	assert_true(s.coverage == 0);
}

/* Right with probability c^2: the risk of those above t is 1 - (1 + t + t^2) / 3. It exceeds what was promised in at
 * most 1 - confidence of samples. */
static void holds(void **state)
{
	(void)state;
	enum { SAMPLES = 1500, N = 400 };
	static conf_key k[N];
	int broken = 0, empty = 0;
	for (uint32_t s = 0; s < SAMPLES; s++) {
		struct rng g;
		struct selection found;
		rng_init(&g, 5, RNG_TEST, s, 0);
		for (int i = 0; i < N; i++) {
			double c = rng_real(&g);
			k[i] = conf_pack(c, 1 - c, rng_real(&g) < c * c);
		}
		assert_int_equal(keys_sort(k, N, &err), 0);
		selection_at_risk(&found, k, N, 0.25, 0.5);
		double t = found.threshold;
		empty += !(found.coverage > 0);
		broken += found.coverage > 0 && 1 - (1 + t + t * t) / 3 > 0.25;
	}
	/* the union bound over ten steps is conservative, but not without limit */
	if (broken > SAMPLES / 2 || broken == 0 || empty > SAMPLES / 4)
		fail_msg("%d of %d broken, %d empty", broken, SAMPLES, empty);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),  cmocka_unit_test(at_coverage), cmocka_unit_test(ties_are_shared),
		cmocka_unit_test(at_risk), cmocka_unit_test(holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
