/* AUROC, AUPR, FPR95 and DeLong against counting all pairs, with ties, and against known answers. */
#include "eval/metrics/ranking.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define near(got, want, tol) assert_true(fabs((got) - (want)) <= (tol))

static int rank(struct ranking *k, const double *s, size_t m, size_t n, struct err *err)
{
	uint64_t key[64];
	for (size_t i = 0; i < m + n; i++)
		key[i] = ranking_key(s[i]);
	return ranking_init(k, key, m, n, err);
}

static double beats(double a, double b)
{
	return a > b ? 1 : a == b ? 0.5 : 0;
}

/* The definitions, by trying every threshold and every pair. */
static void by_pairs(const double *s, const uint32_t *w, size_t m, size_t n, struct ranking_numbers *out)
{
	double pos = 0, neg = 0, wins = 0;
	*out = (struct ranking_numbers){ .fpr95 = -1 };
	for (size_t i = 0; i < m; i++)
		pos += w[i];
	for (size_t i = m; i < m + n; i++)
		neg += w[i];
	for (size_t i = 0; i < m; i++)
		for (size_t j = m; j < m + n; j++)
			wins += beats(s[i], s[j]) * w[i] * w[j];
	out->auroc = wins / (pos * neg);
	double best = -INFINITY, scale = neg * (double)m / (pos * (double)n);
	for (size_t t = 0; t < m + n; t++) {
		double tp = 0, fp = 0, tn = 0, fn = 0, new_tp = 0, new_tn = 0;
		int first = 1;
		for (size_t i = 0; i < m + n; i++) {
			first &= !(i < t && s[i] == s[t]);
			*(i < m ? &tp : &fp) += s[i] >= s[t] ? w[i] : 0;
			*(i < m ? &fn : &tn) += s[i] <= s[t] ? w[i] : 0;
			*(i < m ? &new_tp : &new_tn) += s[i] == s[t] ? w[i] : 0;
		}
		if (!first)
			continue;
		if (new_tp > 0)
			out->aupr_pos += new_tp / pos * scale * tp / (scale * tp + fp);
		if (new_tn > 0)
			out->aupr_neg += new_tn / neg * tn / (tn + scale * fn);
		if (tp / pos >= 0.95 - 1e-12 && s[t] > best) {
			best = s[t];
			out->fpr95 = fp / neg;
			out->at95 = (uint32_t)t;
		}
	}
}

static void draws(struct rng *r, double *s, size_t n, uint32_t levels)
{
	for (size_t i = 0; i < n; i++)
		s[i] = levels ? (double)rng_below(r, levels) - 3 : rng_normal(r);
}

static void agrees_with_all_pairs(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 300; round++) {
		struct rng r;
		struct err err = ERR_NONE;
		rng_init(&r, 7, RNG_TEST, round, 0);
		size_t m = 1 + rng_below(&r, 30), n = 1 + rng_below(&r, 30);
		double s[60];
		uint32_t once[60], w[60];
		draws(&r, s, m + n, round % 3 ? 1 + rng_below(&r, 12) : 0);
		if (round % 5 == 0)
			s[0] = -0.0, s[m] = 0.0; /* the same score */
		for (size_t i = 0; i < m + n; i++) {
			once[i] = 1;
			w[i] = rng_below(&r, 3);
		}
		w[0] += 1;
		w[m] += 1;
		struct ranking k;
		struct ranking_numbers got, want;
		assert_int_equal(rank(&k, s, m, n, &err), 0);
		for (int weighted = 0; weighted < 2; weighted++) {
			ranking_measure(&k, weighted ? w : NULL, &got);
			by_pairs(s, weighted ? w : once, m, n, &want);
			near(got.auroc, want.auroc, 1e-13);
			near(got.aupr_pos, want.aupr_pos, 1e-13);
			near(got.aupr_neg, want.aupr_neg, 1e-13);
			near(got.fpr95, want.fpr95, 1e-13);
			near(s[got.at95], s[want.at95], 0);
		}
		double place[60];
		ranking_placements(&k, place);
		for (size_t i = 0; i < m + n; i++) {
			double sum = 0;
			for (size_t j = i < m ? m : 0; j < (i < m ? m + n : m); j++)
				sum += i < m ? beats(s[i], s[j]) : beats(s[j], s[i]);
			near(place[i], sum / (double)(i < m ? n : m), 1e-13);
		}
		ranking_release(&k);
	}
}

static void all_equal_is_a_half(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct ranking k;
	struct ranking_numbers got;
	double s[10] = { 0 };
	assert_int_equal(rank(&k, s, 4, 6, &err), 0);
	ranking_measure(&k, NULL, &got);
	near(got.auroc, 0.5, 0);
	near(got.aupr_pos, 0.4, 1e-15);
	near(got.aupr_neg, 0.6, 1e-15);
	near(got.fpr95, 1, 0);
	ranking_release(&k);
}

/* 19 of 20 positives are 95 %, though 19.0 / 20 < 0.95 in some roundings. */
static void ninety_five_by_counts(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct ranking k;
	struct ranking_numbers got;
	double s[40];
	for (int i = 0; i < 20; i++) {
		s[i] = i == 0 ? -1 : 10 + i;
		s[20 + i] = i;
	}
	assert_int_equal(rank(&k, s, 20, 20, &err), 0);
	ranking_measure(&k, NULL, &got);
	near(s[got.at95], 11, 0);
	near(got.fpr95, 9 / 20.0, 0);
	ranking_release(&k);
}

/* Variance straight from the pairs: the U-statistic's two components. */
static void delong_by_pairs(void **state)
{
	(void)state;
	enum { M = 23, N = 31 };
	struct err err = ERR_NONE;
	struct rng r;
	double a[M + N], b[M + N], pa[M + N], pb[M + N], v[M + N] = { 0 };
	struct ranking ka, kb;
	rng_init(&r, 8, RNG_TEST, 1, 1);
	draws(&r, a, M + N, 0);
	for (int i = 0; i < M + N; i++) {
		a[i] += i < M;
		b[i] = floor(2 * a[i] + rng_normal(&r));
	}
	assert_int_equal(rank(&ka, a, M, N, &err), 0);
	assert_int_equal(rank(&kb, b, M, N, &err), 0);
	ranking_placements(&ka, pa);
	ranking_placements(&kb, pb);
	for (int i = 0; i < M; i++)
		for (int j = M; j < M + N; j++) {
			double d = beats(a[i], a[j]) - beats(b[i], b[j]);
			v[i] += d / N;
			v[j] += d / M;
		}
	double mean = 0, s10 = 0, s01 = 0;
	for (int i = 0; i < M; i++)
		mean += v[i] / M;
	for (int i = 0; i < M; i++)
		s10 += (v[i] - mean) * (v[i] - mean) / (M - 1);
	for (int j = M; j < M + N; j++)
		s01 += (v[j] - mean) * (v[j] - mean) / (N - 1);
	near(delong_variance(pa, pb, M, N), s10 / M + s01 / N, 1e-15);
	assert_true(isnan(delong_variance(pa, pb, 1, N)));
	ranking_release(&ka);
	ranking_release(&kb);
}

static void perfect_separation_has_an_interval(void **state)
{
	(void)state;
	struct interval few = auroc_interval(1, 0, 10, 10, 1.959963984540054);
	struct interval many = auroc_interval(1, 0, 1000, 1000, 1.959963984540054);
	assert_true(few.high == 1 && many.high == 1);
	assert_true(few.low > 0.6 && few.low < 0.95);
	assert_true(many.low > 0.99 && many.low < 1);
	struct interval plain = auroc_interval(0.9, 0.0001, 10, 10, 2);
	near(plain.low, 0.88, 1e-15);
	near(plain.high, 0.92, 1e-15);
}

static void refuses(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct ranking k;
	double s[3] = { 1, 0, 2 };
	assert_int_equal(rank(&k, s, 0, 3, &err), -1);
	assert_int_equal(rank(&k, s, 3, 0, &err), -1);
	assert_non_null(strstr(err.msg, "both sides"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_all_pairs),
		cmocka_unit_test(all_equal_is_a_half),
		cmocka_unit_test(ninety_five_by_counts),
		cmocka_unit_test(delong_by_pairs),
		cmocka_unit_test(perfect_separation_has_an_interval),
		cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
