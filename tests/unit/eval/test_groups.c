/* Groups: the permutation test holds its level at unequal sizes, finds what is there, and is the chi-squared test where
 * that holds; intervals of groups hold together. */
#include "eval/groups/differ.h"
#include "eval/groups/worst.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 4000 };
static struct err err;
static conf_key key[MOST];
static double nll[MOST], brier[MOST];
static uint32_t group[MOST];

/* n records in groups of 1/8, 2/8 and 5/8; those of the first are wrong more often, by `worse`. */
static struct rows simulate(size_t n, double worse, uint32_t set)
{
	struct rng rng;
	rng_init(&rng, 5, RNG_TEST, set, 0);
	for (size_t i = 0; i < n; i++) {
		double c = 0.5 + rng_real(&rng) / 2;
		group[i] = i % 8 < 1 ? 0 : i % 8 < 3 ? 1 : 2;
		int right = rng_real(&rng) < c - (group[i] ? 0 : worse);
		key[i] = conf_pack(c, 1 - c, right);
		nll[i] = -log(right ? c : 1 - c);
		brier[i] = 2 * (right - c) * (right - c);
	}
	return (struct rows){ .n = n, .key = key, .nll = nll, .brier = brier };
}

static void level_is_held(void **state)
{
	(void)state;
	enum { SETS = 400 };
	int below[DIFFER_METRICS] = { 0 };
	double sum[DIFFER_METRICS] = { 0 };
	for (uint32_t s = 0; s < SETS; s++) {
		struct rows w = simulate(80, 0, s);
		struct differ d;
		assert_int_equal(differ_of(&d, &w, group, 3, 15, s, 1, NULL, &err), 0);
		assert_int_equal(d.rounds, DIFFER_ROUNDS);
		for (int m = 0; m < DIFFER_METRICS; m++) {
			below[m] += d.p[m] <= 0.05;
			sum[m] += d.p[m];
		}
	}
	for (int m = 0; m < DIFFER_METRICS; m++) { /* 20 expected, deviation 4.4; mean 1/2, deviation .0144 */
		assert_true(below[m] >= 5 && below[m] <= 37);
		assert_true(sum[m] / SETS > 0.44 && sum[m] / SETS < 0.58); /* ties of few records count for p */
	}
}

static void a_difference_is_found(void **state)
{
	(void)state;
	struct rows w = simulate(4000, 0.2, 1);
	struct differ d, again;
	assert_int_equal(differ_of(&d, &w, group, 3, 15, 1, 1, NULL, &err), 0);
	for (int m = 0; m < DIFFER_METRICS; m++)
		assert_true(d.p[m] == 0.001);
	assert_int_equal(differ_of(&again, &w, group, 3, 15, 1, 3, NULL, &err), 0);
	assert_memory_equal(&d, &again, sizeof d);
}

static void accuracy_is_chi_squared(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < 5; s++) {
		struct rows w = simulate(4000, 0.01 * s, 10 + s);
		struct differ d;
		double n[3] = { 0 }, right[3] = { 0 }, all = 0, chi = 0;
		for (size_t i = 0; i < w.n; i++) {
			n[group[i]]++;
			right[group[i]] += conf_right(key[i]);
			all += conf_right(key[i]);
		}
		double p = all / (double)w.n;
		for (int g = 0; g < 3; g++)
			chi += (right[g] - n[g] * p) * (right[g] - n[g] * p) / (n[g] * p * (1 - p));
		assert_int_equal(differ_of(&d, &w, group, 3, 15, 1, 0, NULL, &err), 0);
		double want = exp(-chi / 2); /* two degrees of freedom */
		assert_true(fabs(d.p[0] - want) <= 0.002 + 4 * sqrt(want * (1 - want) / DIFFER_ROUNDS));
	}
}

/* Of more groups than fit at once the deals are dealt twice, a part at a time: by the definition, deal by deal. */
static void many_groups(void **state)
{
	(void)state;
	enum { GROUPS = 1800, N = 3600 };
	static double right[DIFFER_ROUNDS + 1][GROUPS], mean[GROUPS];
	static uint32_t of[N];
	struct rows w = simulate(N, 0, 3);
	struct differ d, again;
	double t[DIFFER_ROUNDS + 1] = { 0 };
	int as_large = 0;
	for (size_t i = 0; i < N; i++)
		group[i] = (uint32_t)i % GROUPS;
	for (size_t i = 0; i < N / 90; i++) /* some pairs are alike */
		key[i] = key[i + GROUPS];
	assert_int_equal(differ_of(&d, &w, group, GROUPS, 15, 4, 1, NULL, &err), 0);
	assert_int_equal(differ_of(&again, &w, group, GROUPS, 15, 4, 3, NULL, &err), 0);
	assert_memory_equal(&d, &again, sizeof d);
	for (int r = 0; r <= DIFFER_ROUNDS; r++) {
		struct rng rng;
		memcpy(of, group, sizeof of);
		rng_init(&rng, 4, RNG_GROUPS, (uint32_t)r, 0);
		if (r)
			rng_shuffle(&rng, of, N);
		for (size_t i = 0; i < N; i++)
			right[r][of[i]] += conf_right(key[i]) / 2.0;
		for (size_t g = 0; g < GROUPS; g++)
			mean[g] += right[r][g] / (DIFFER_ROUNDS + 1);
	}
	for (int r = 0; r <= DIFFER_ROUNDS; r++) {
		for (size_t g = 0; g < GROUPS; g++)
			t[r] += 2 * (right[r][g] - mean[g]) * (right[r][g] - mean[g]);
		as_large += t[r] >= t[0] * (1 - 1e-9);
	}
	assert_true(as_large > 1 && as_large < DIFFER_ROUNDS);
	assert_true(d.p[0] == as_large / (DIFFER_ROUNDS + 1.0));
}

static void what_has_no_answer(void **state)
{
	(void)state;
	struct rows w = simulate(80, 0, 1);
	struct differ d;
	assert_int_equal(differ_of(&d, &w, group, 1, 15, 1, 1, NULL, &err), 0);
	assert_true(isnan(d.p[0]));
	nll[3] = INFINITY;
	assert_int_equal(differ_of(&d, &w, group, 3, 15, 1, 1, NULL, &err), 0);
	assert_true(isnan(d.p[3]) && d.p[4] > 0 && d.p[0] > 0);
	for (size_t i = 0; i < w.n; i++)
		key[i] |= CONF_RIGHT;
	assert_int_equal(differ_of(&d, &w, group, 3, 15, 1, 1, NULL, &err), 0);
	assert_true(d.p[0] == 1); /* all deals are equal */
}

/* Twenty groups of one model: all of their intervals hold the truth in about 95 of 100 sets, not in 0.95^20 = 36. */
static void intervals_hold_together(void **state)
{
	(void)state;
	enum { GROUPS = 20, EACH = 100, SETS = 400 };
	double z = normal_quantile_two_sided(worst_level(0.95, GROUPS));
	int held = 0;
	for (uint32_t s = 0; s < SETS; s++) {
		struct rng rng;
		int all = 1;
		rng_init(&rng, 6, RNG_TEST, s, 0);
		for (int g = 0; g < GROUPS; g++) {
			double k = 0, low, high;
			for (int i = 0; i < EACH; i++)
				k += rng_real(&rng) < 0.7;
			wilson(k, EACH, z, &low, &high);
			all &= low <= 0.7 && 0.7 <= high;
		}
		held += all;
	}
	assert_true(held >= 360 && held <= 396);
}

static void the_worst(void **state)
{
	(void)state;
	static struct score a, b, c;
	const struct score *all[] = { &a, &b, &c };
	static const struct {
		const char *key;
		double of[3];
		int worst;
	} cases[] = { { "accuracy", { 0.7, 0.6, 0.6 }, 1 }, { "ece", { 0.1, NAN, 0.2 }, 2 },
		      { "gap", { -0.3, 0.2, 0 }, 0 },	    { "corp_dsc", { 0.2, 0.1, 0.3 }, 1 },
		      { "corp_unc", { 1, 2, 3 }, -1 },	    { "entropy", { 1, 2, 3 }, -1 },
		      { "oe", { NAN, NAN, NAN }, -1 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct metric *m = metric_table;
		while (strcmp(m->key, cases[i].key))
			m++;
		score_real(&a, m->key, 0, cases[i].of[0]);
		score_real(&b, m->key, 0, cases[i].of[1]);
		score_real(&c, m->key, 0, cases[i].of[2]);
		assert_int_equal(worst_of(all, 3, m, m->key), cases[i].worst);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(level_is_held),
		cmocka_unit_test(a_difference_is_found),
		cmocka_unit_test(accuracy_is_chi_squared),
		cmocka_unit_test(many_groups),
		cmocka_unit_test(what_has_no_answer),
		cmocka_unit_test(intervals_hold_together),
		cmocka_unit_test(the_worst),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
