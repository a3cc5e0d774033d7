/* The null floor against drawing every record; resampling weights and intervals. */
#include "eval/metrics/metrics.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "eval_keys.h"

/* Calibrated data: p-values are even, and its ECE is a draw from its own floor. */
static void calibrated_streams_stand_at_the_floor(void **state)
{
	(void)state;
	enum { TIMES = 400, N = 1000 };
	static conf_key k[N];
	int low_kuiper = 0, low_ece = 0, low_ks = 0;
	double ece = 0, floor = 0;
	struct pool *pool;
	assert_int_equal(pool_open(&pool, 2, &err), 0);
	for (int t = 0; t < TIMES; t++) {
		struct cumulative c;
		struct floors f;
		struct bins b;
		struct bin_errors e;
		sorted(k, N, t % 2 ? 4 : 0, 1);
		cumulative_of(k, N, &c);
		low_kuiper += c.kuiper_p < 0.1;
		low_ks += c.ks_p < 0.1;
		assert_int_equal(null_floor(k, N, 15, 99, (uint64_t)t, pool, &f, &err), 0);
		low_ece += f.ece.p < 0.1;
		floor += f.ece.mean / TIMES;
		assert_int_equal(bins_init(&b, 15, &err), 0);
		bins_add(&b, k, N);
		bins_errors(&b, &e);
		ece += e.ece / TIMES;
		bins_release(&b);
	}
	pool_close(pool);
	print_message("p below 0.1 in %d times: kuiper %d, ks %d, ece %d; mean ece %.5f, floor %.5f\n", TIMES,
		      low_kuiper, low_ks, low_ece, ece, floor);
	/* 40 expected, standard deviation 6 */
	assert_in_range(low_ece, 18, 64);
	assert_in_range(low_kuiper, 12, 60);
	assert_in_range(low_ks, 12, 60);
	assert_true(fabs(ece - floor) < 0.03 * floor);
}

/* Every record drawn by itself, the slow way. */
static void floor_is_exact_sampling(void **state)
{
	(void)state;
	enum { ROUNDS = 2000 };
	static conf_key k[30000];
	struct pool *pool;
	assert_int_equal(pool_open(&pool, 2, &err), 0);
	for (int t = 0; t < 6; t++) {
		size_t n = t < 3 ? 600 : 20000;
		double mean = 0, square = 0, oe = 0;
		struct floors f;
		sorted(k, n, (int[]){ 0, 2, 4 }[t % 3], 1);
		int rounds = n > 1000 ? ROUNDS / 20 : ROUNDS;
		for (int round = 0; round < rounds; round++) {
			struct bins b;
			struct bin_errors e;
			assert_int_equal(bins_init(&b, 15, &err), 0);
			for (size_t i = 0; i < n; i++) {
				conf_key one = conf_order(k[i]) | (rng_real(&r) < conf_p(k[i]) ? CONF_RIGHT : 0);
				bins_add(&b, &one, 1);
			}
			bins_errors(&b, &e);
			mean += e.ece / rounds;
			square += e.ece * e.ece / rounds;
			oe += e.oe / rounds;
			bins_release(&b);
		}
		double se = sqrt((square - mean * mean) / rounds);
		assert_int_equal(null_floor(k, n, 15, ROUNDS, 3, pool, &f, &err), 0);
		print_message("n %zu: floor %.6f, slow %.6f +- %.6f\n", n, f.ece.mean, mean, se);
		assert_true(fabs(f.ece.mean - mean) < 5 * se + 0.005 * mean);
		assert_true(fabs(f.oe.mean - oe) < 10 * se + 0.01 * oe);
	}
	pool_close(pool);
}

/* Bins so large that the normal takes over: its first three moments are those of the sum of draws. */
static void large_bins_have_the_right_moments(void **state)
{
	(void)state;
	enum { N = 6000, ROUNDS = 40000 };
	static conf_key k[N];
	static double off[2 * ROUNDS];
	struct pool *pool;
	assert_int_equal(pool_open(&pool, 2, &err), 0);
	sorted(k, N, 4, 1);
	assert_int_equal(null_draws(k, N, 2, ROUNDS, 5, pool, off, &err), 0);
	for (int b = 0; b < 2; b++) {
		double var = 0, third = 0, m1 = 0, m2 = 0, m3 = 0;
		for (size_t i = 0; i < N; i++) {
			double p = conf_p(k[i]);
			if (bin_of(2, p) != b)
				continue;
			var += p * (1 - p);
			third += p * (1 - p) * (1 - 2 * p);
		}
		for (int i = 0; i < ROUNDS; i++) {
			double d = off[b * ROUNDS + i];
			m1 += d / ROUNDS;
			m2 += d * d / ROUNDS;
			m3 += d * d * d / ROUNDS;
		}
		print_message("bin %d: sd %.4f of %.4f, skewness %.4f of %.4f\n", b, sqrt(m2), sqrt(var),
			      m3 / pow(var, 1.5), third / pow(var, 1.5));
		assert_true(fabs(m1) < 4 * sqrt(var / ROUNDS));
		assert_true(fabs(sqrt(m2 / var) - 1) < 0.012);
		assert_true(fabs(m3 - third) / pow(var, 1.5) < 0.06);
	}
	pool_close(pool);
}

static void same_floor_at_any_thread_count(void **state)
{
	(void)state;
	static conf_key k[5000];
	struct floors f[3];
	memset(f, 0, sizeof f);
	sorted(k, 5000, 4, 1.2);
	for (int t = 0; t < 3; t++) {
		struct pool *pool;
		assert_int_equal(pool_open(&pool, (int[]){ 1, 2, 5 }[t], &err), 0);
		assert_int_equal(null_floor(k, 5000, 15, 150, 9, pool, &f[t], &err), 0);
		pool_close(pool);
	}
	assert_memory_equal(&f[0], &f[1], sizeof *f);
	assert_memory_equal(&f[0], &f[2], sizeof *f);
}

static void weights_are_poisson(void **state)
{
	(void)state;
	enum { N = 1 << 20 };
	static uint8_t w[N], part[N];
	size_t count[16] = { 0 };
	bootstrap_weights(5, 3, 0, N, w);
	for (size_t i = 0; i < N; i++)
		count[w[i]]++;
	double p = exp(-1), chi = 0;
	for (int k = 0; k < 7; k++) {
		chi += pow((double)count[k] - N * p, 2) / (N * p);
		p /= k + 1;
	}
	assert_true(chi < 25);
	/* any piece of the sequence is the same piece */
	bootstrap_weights(5, 3, 1237, 1000, part);
	assert_memory_equal(part, w + 1237, 1000);
	bootstrap_weights(5, 4, 0, N, part);
	assert_true(memcmp(part, w, N) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(calibrated_streams_stand_at_the_floor, seed),
		cmocka_unit_test_setup(floor_is_exact_sampling, seed),
		cmocka_unit_test_setup(large_bins_have_the_right_moments, seed),
		cmocka_unit_test_setup(same_floor_at_any_thread_count, seed),
		cmocka_unit_test_setup(weights_are_poisson, seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
