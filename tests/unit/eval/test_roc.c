/* AUROC, AUPR, FPR95 and DeLong against counting all pairs, with ties, and against known answers; resamples by cells
 * against resamples by records. */
#include "eval/metrics/metrics.h"
#include "eval/metrics/roc.h"
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

static int curve_of(struct roc *k, const double *s, size_t m, size_t n, struct err *err)
{
	if (roc_open(k, m, n, err))
		return -1;
	for (size_t i = 0; i < m + n; i++)
		*(i < m ? &k->pos[i] : &k->neg[i - m]) = roc_key(s[i]);
	return roc_sort(k, err);
}

static double beats(double a, double b)
{
	return a > b ? 1 : a == b ? 0.5 : 0;
}

/* The definitions, by trying every threshold and every pair. */
static void by_pairs(const double *s, size_t m, size_t n, struct roc_numbers *out)
{
	double pos = (double)m, neg = (double)n, wins = 0;
	*out = (struct roc_numbers){ .fpr95 = -1 };
	for (size_t i = 0; i < m; i++)
		for (size_t j = m; j < m + n; j++)
			wins += beats(s[i], s[j]);
	out->auroc = wins / (pos * neg);
	double best = -INFINITY;
	for (size_t t = 0; t < m + n; t++) {
		double tp = 0, fp = 0, tn = 0, fn = 0, new_tp = 0, new_tn = 0;
		int first = 1;
		for (size_t i = 0; i < m + n; i++) {
			first &= !(i < t && s[i] == s[t]);
			*(i < m ? &tp : &fp) += s[i] >= s[t] ? 1 : 0;
			*(i < m ? &fn : &tn) += s[i] <= s[t] ? 1 : 0;
			*(i < m ? &new_tp : &new_tn) += s[i] == s[t] ? 1 : 0;
		}
		if (!first)
			continue;
		if (new_tp > 0)
			out->aupr_pos += new_tp / pos * tp / (tp + fp);
		if (new_tn > 0)
			out->aupr_neg += new_tn / neg * tn / (tn + fn);
		if (tp / pos >= 0.95 - 1e-12 && s[t] > best) {
			best = s[t];
			out->fpr95 = fp / neg;
			out->key95 = roc_key(s[t]);
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
		draws(&r, s, m + n, round % 3 ? 1 + rng_below(&r, 12) : 0);
		if (round % 5 == 0)
			s[0] = -0.0, s[m] = 0.0; /* the same score */
		struct roc roc;
		struct roc_numbers got, want;
		assert_int_equal(curve_of(&roc, s, m, n, &err), 0);
		roc_measure(&roc, &got);
		by_pairs(s, m, n, &want);
		near(got.auroc, want.auroc, 1e-13);
		near(got.aupr_pos, want.aupr_pos, 1e-13);
		near(got.aupr_neg, want.aupr_neg, 1e-13);
		near(got.fpr95, want.fpr95, 1e-13);
		assert_true(got.key95 == want.key95);
		assert_true(roc_score(got.key95) <= roc_score(roc_key(1e300)));
		roc_release(&roc);
	}
}

static void all_equal_is_a_half(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct roc k;
	struct roc_numbers got;
	double s[10] = { 0 };
	assert_int_equal(curve_of(&k, s, 4, 6, &err), 0);
	roc_measure(&k, &got);
	near(got.auroc, 0.5, 0);
	near(got.aupr_pos, 0.4, 1e-15);
	near(got.aupr_neg, 0.6, 1e-15);
	near(got.fpr95, 1, 0);
	roc_release(&k);
}

/* 19 of 20 positives are 95 %, though 19.0 / 20 < 0.95 in some roundings. */
static void ninety_five_by_counts(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct roc k;
	struct roc_numbers got;
	double s[40];
	for (int i = 0; i < 20; i++) {
		s[i] = i == 0 ? -1 : 10 + i;
		s[20 + i] = i;
	}
	assert_int_equal(curve_of(&k, s, 20, 20, &err), 0);
	roc_measure(&k, &got);
	near(roc_score(got.key95), 11, 0);
	near(got.fpr95, 9 / 20.0, 0);
	roc_release(&k);
}

/* Variance straight from the pairs: the U-statistic's two components. */
static void delong_by_pairs(void **state)
{
	(void)state;
	enum { M = 23, N = 31 };
	struct err err = ERR_NONE;
	struct rng r;
	double a[M + N], v[M + N] = { 0 };
	for (uint32_t coarse = 0; coarse < 2; coarse++) {
		struct roc k;
		rng_init(&r, 8, RNG_TEST, 1, coarse);
		draws(&r, a, M + N, coarse * 5);
		memset(v, 0, sizeof v);
		for (int i = 0; i < M; i++)
			a[i] += 1;
		assert_int_equal(curve_of(&k, a, M, N, &err), 0);
		for (int i = 0; i < M; i++)
			for (int j = M; j < M + N; j++) {
				double d = beats(a[i], a[j]);
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
		near(roc_variance(&k, mean), s10 / M + s01 / N, 1e-15);
		k.n_pos = 1;
		assert_true(isnan(roc_variance(&k, mean)));
		roc_release(&k);
	}
}

/* Mean and deviation of v[n]. */
static void moments(const double *v, int n, double *mean, double *sd)
{
	double sum = 0, square = 0;
	for (int i = 0; i < n; i++)
		sum += v[i];
	for (int i = 0; i < n; i++)
		square += (v[i] - sum / n) * (v[i] - sum / n);
	*mean = sum / n;
	*sd = sqrt(square / (n - 1));
}

/* More scores than cells: resamples must spread as those of records do, each counting Poisson(1) times. `levels`: few
 * enough that each score is a cell of its own, or 0. */
static void cells_spread_as_records_do(void **state)
{
	(void)state;
	enum { M = 9000, N = 4000, ROUNDS = 400 };
	static double s[M + N], weighted[M + N], value[ROC_VALUES * ROUNDS], plain[ROC_VALUES][ROUNDS];
	static uint32_t order[M + N];
	static uint64_t key[M + N];
	struct err err = ERR_NONE;
	struct pool *pool;
	struct rng r;
	assert_int_equal(pool_open(&pool, 2, &err), 0);
	for (uint32_t levels = 0; levels < 200; levels += 150) {
		struct roc k;
		rng_init(&r, 9, RNG_TEST, levels, 0);
		draws(&r, s, M + N, levels);
		for (int i = 0; i < M; i++)
			s[i] += levels ? 20 : 1.2;
		for (int i = 0; i < M + N; i++)
			key[i] = roc_key(s[i]);
		assert_int_equal(order_falling(key, M + N, order, &err), 0);
		assert_int_equal(curve_of(&k, s, M, N, &err), 0);
		assert_int_equal(roc_resample(&k, ROUNDS, 3, pool, value, &err), 0);
		for (int t = 0; t < ROUNDS; t++) {
			double pos = 0, neg = 0, tp = 0, fp = 0, before = 0, scale;
			for (int i = 0; i < M + N; i++)
				*(i < M ? &pos : &neg) += weighted[i] = rng_poisson(&r, 1);
			scale = neg * M / (pos * N);
			plain[0][t] = plain[1][t] = 0;
			plain[2][t] = -1;
			for (int from = 0, to; from < M + N; from = to) {
				double p = 0, q = 0;
				for (to = from; to < M + N && key[order[to]] == key[order[from]]; to++)
					*(order[to] < M ? &p : &q) += weighted[order[to]];
				plain[1][t] += q > 0 ? q / neg * (neg - fp) / (neg - fp + scale * (pos - tp)) : 0;
				tp += p;
				fp += q;
				plain[0][t] += p > 0 ? (tp - before) / pos * scale * tp / (scale * tp + fp) : 0;
				before = tp;
				if (plain[2][t] < 0 && tp * 20 >= pos * 19)
					plain[2][t] = fp / neg;
			}
		}
		for (int v = 0; v < ROC_VALUES; v++) {
			double mean, sd, want_mean, want_sd;
			moments(value + v * ROUNDS, ROUNDS, &mean, &sd);
			moments(plain[v], ROUNDS, &want_mean, &want_sd);
			near(mean, want_mean, 0.3 * want_sd); /* four deviations of the difference */
			near(sd / want_sd, 1, 0.2);
		}
		roc_release(&k);
	}
	pool_close(pool);
}

/* A cell as roc.h has it: [from, to) of the scores, falling. */
struct plain_cell {
	double pos, neg;
	int scores;
};

/* How much of a side of n a cell may hold that begins after `done` of it. */
static double plain_limit(double done, double n)
{
	double limit = n / 2048;
	if (done / 64 < limit)
		limit = done / 64;
	if ((n - done) / 64 < limit)
		limit = (n - done) / 64;
	return limit < 1 ? 1 : limit;
}

/* pos, neg: [scores] of each, falling. Returns how many cells there are. */
static int plain_cells(const double (*of)[2], int scores, const double side[2], struct plain_cell *cell)
{
	double begun[2] = { 0, 0 }, all[2] = { 0, 0 };
	int n = 0;
	for (int i = 0; i < scores; i++) {
		struct plain_cell *c = n ? &cell[n - 1] : NULL;
		if (c && scores > ROC_GROUPS && c->pos + of[i][0] <= plain_limit(begun[0], side[0]) &&
		    c->neg + of[i][1] <= plain_limit(begun[1], side[1])) {
			c->pos += of[i][0];
			c->neg += of[i][1];
			c->scores++;
		} else {
			cell[n++] = (struct plain_cell){ of[i][0], of[i][1], 1 };
			memcpy(begun, all, sizeof begun);
		}
		all[0] += of[i][0];
		all[1] += of[i][1];
	}
	return n;
}

/* Areas and fpr95 where w[2 i] positives and w[2 i + 1] negatives are in cell i: a score is one step, several lie on a
 * straight line, along which precision is added up in a hundred pieces. */
static void plain_areas(const struct plain_cell *cell, const double *w, int n, const double side[2], double *value)
{
	enum { PIECES = 100 };
	double pos = 0, neg = 0, tp = 0, fp = 0;
	for (int i = 0; i < n; i++) {
		pos += w[2 * i];
		neg += w[2 * i + 1];
	}
	double weight = neg * side[0] / (pos * side[1]);
	value[0] = value[1] = 0;
	value[2] = -1;
	for (int i = 0; i < n; i++) {
		double p = w[2 * i], q = w[2 * i + 1];
		int pieces = cell[i].scores > 1 ? PIECES : 1;
		for (int k = 0; k < pieces && p + q > 0; k++) {
			double at = pieces > 1 ? (k + 0.5) / pieces : 1, below = pieces > 1 ? 1 - at : 1;
			double up = weight * (tp + at * p), left = weight * (pos - tp - (1 - below) * p);
			value[0] += p > 0 ? p / pos / pieces * up / (up + fp + at * q) : 0;
			value[1] += q > 0 ? q / neg / pieces * (neg - fp - (1 - below) * q) /
						    (neg - fp - (1 - below) * q + left)
					  : 0;
		}
		if (value[2] < 0 && tp + p >= 0.95 * pos * (1 - 1e-14))
			value[2] = (cell[i].scores > 1 ? fp + q * (0.95 * pos - tp) / p : fp + q) / neg;
		tp += p;
		fp += q;
	}
}

/* Each round from its own draws, at sizes on either side of the number of scores from which cells are cut. */
static void rounds_are_the_plain_ones(void **state)
{
	(void)state;
	enum { M = 14000, N = 12000, ROUNDS = 2 };
	static const struct {
		int m, n;
		uint32_t levels;
		double off; /* of Simpson's rule, where few of a side are in many cells */
	} of[] = { { M, N, 0, 1e-7 },	    { M, 300, 0, 1e-4 },     { 500, N, 0, 1e-4 },
		   { 4000, 4192, 0, 1e-7 }, { 4000, 4193, 0, 1e-7 }, { M, N, 12000, 1e-7 } };
	static double s[M + N], scores[M + N][2], w[2 * (M + N)];
	static uint32_t order[M + N];
	static uint64_t key[M + N];
	static struct plain_cell cell[M + N];
	struct err err = ERR_NONE;
	struct pool *pool;
	assert_int_equal(pool_open(&pool, 2, &err), 0);
	for (uint32_t i = 0; i < sizeof of / sizeof *of; i++) {
		double value[ROC_VALUES * ROUNDS], as_they_are[ROC_VALUES], want[ROC_VALUES];
		int m = of[i].m, n = of[i].n, all = m + n, different = 0;
		const double side[2] = { m, n };
		struct roc k;
		struct roc_numbers whole;
		struct rng r;
		rng_init(&r, 12, RNG_TEST, i, 0);
		for (int j = 0; j < all; j++) {
			double x = rng_real(&r) + (j < m ? 0.3 * rng_real(&r) : 0);
			s[j] = of[i].levels ? floor(x * of[i].levels) : x;
			key[j] = roc_key(s[j]);
		}
		assert_int_equal(order_falling(key, (size_t)all, order, &err), 0);
		for (int j = 0; j < all; j++) {
			if (!j || key[order[j]] != key[order[j - 1]])
				scores[different][0] = scores[different][1] = 0, different++;
			scores[different - 1][(int)order[j] >= m]++;
		}
		int cells = plain_cells(scores, different, side, cell);
		assert_true(cells > 0 && (cells < different) == (different > ROC_GROUPS));
		assert_int_equal(curve_of(&k, s, (size_t)m, (size_t)n, &err), 0);
		roc_measure(&k, &whole);
		assert_int_equal(roc_resample(&k, ROUNDS, 77, pool, value, &err), 0);
		for (int c = 0; c < cells; c++) {
			w[2 * c] = cell[c].pos;
			w[2 * c + 1] = cell[c].neg;
		}
		plain_areas(cell, w, cells, side, as_they_are);
		const double exact[] = { whole.aupr_pos, whole.aupr_neg, whole.fpr95 };
		for (uint32_t t = 0; t < ROUNDS; t++) {
			rng_init(&r, 77, RNG_BOOTSTRAP, t, 0);
			for (int c = 0; c < cells; c++) {
				w[2 * c] = rng_poisson(&r, cell[c].pos);
				w[2 * c + 1] = rng_poisson(&r, cell[c].neg);
			}
			plain_areas(cell, w, cells, side, want);
			for (int v = 0; v < ROC_VALUES; v++)
				if (!(fabs(value[v * ROUNDS + (int)t] - (want[v] + exact[v] - as_they_are[v])) <=
				      of[i].off))
					fail_msg("case %u, round %u, value %d: %.12g, not %.12g", i, t, v,
						 value[v * ROUNDS + (int)t], want[v] + exact[v] - as_they_are[v]);
		}
		roc_release(&k);
	}
	pool_close(pool);
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

/* A mean of precisions that are all 1 is 1, at any sizes. */
static void perfect_areas_are_one(void **state)
{
	(void)state;
	enum { MOST = 60 };
	struct err err = ERR_NONE;
	for (size_t m = 1; m <= MOST; m++)
		for (size_t n = 1; n <= MOST; n++) {
			struct roc k;
			struct roc_numbers got;
			double s[2 * MOST];
			for (size_t i = 0; i < m + n; i++)
				s[i] = i < m ? 1000 - (double)i : -(double)i;
			assert_int_equal(curve_of(&k, s, m, n, &err), 0);
			roc_measure(&k, &got);
			assert_true(got.aupr_pos == 1 && got.aupr_neg == 1 && got.auroc == 1);
			roc_release(&k);
		}
}

static void refuses(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct roc k;
	assert_int_equal(roc_open(&k, 0, 3, &err), -1);
	assert_int_equal(roc_open(&k, 3, 0, &err), -1);
	assert_non_null(strstr(err.msg, "both sides"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_all_pairs),
		cmocka_unit_test(all_equal_is_a_half),
		cmocka_unit_test(ninety_five_by_counts),
		cmocka_unit_test(delong_by_pairs),
		cmocka_unit_test(cells_spread_as_records_do),
		cmocka_unit_test(rounds_are_the_plain_ones),
		cmocka_unit_test(perfect_separation_has_an_interval),
		cmocka_unit_test(perfect_areas_are_one),
		cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
