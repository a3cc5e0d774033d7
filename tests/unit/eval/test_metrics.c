/* Metrics against slow, obvious versions of themselves. */
#include "eval/metrics/metrics.h"
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

#include "eval_keys.h"

static void keys_keep_both_ends(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		double p = i % 2 ? rng_real(&r) : pow(2, -60 * rng_real(&r)), q = rng_real(&r);
		conf_key k = key_of(p, i & 4), o = key_of(q, i & 8);
		assert_true(conf_p(k) == p);
		assert_int_equal(conf_right(k), (i & 4) != 0);
		assert_true((p < q) == (conf_order(k) < conf_order(o)) || p == q);
	}
	assert_true(conf_p(key_of(0, 1)) == 0 && conf_p(key_of(1, 0)) == 1 && conf_p(key_of(0.5, 0)) == 0.5);
	assert_true(conf_rest(conf_pack(1, 1e-300, 1)) == 1e-300);
	assert_true(conf_order(conf_pack(1, 1e-300, 1)) > conf_order(conf_pack(1, 1e-299, 1)));
}

/* Exact for every double near every edge: i/M < p is decided in integers. p = m 2^-e. */
static int above_edge(double p, int i, int m)
{
	int e;
	double f = frexp(p, &e); /* p = f 2^e, f in [1/2, 1) */
	__int128 mantissa = (int64_t)ldexp(f, 53), edge = i;
	int shift = 53 - e; /* p = mantissa / 2^shift, shift >= 53 */
	if (shift > 100)
		return p > 0 && i == 0;
	return mantissa * m > edge << shift;
}

static void bins_are_exact(void **state)
{
	(void)state;
	static const int ms[] = { 1, 2, 3, 5, 7, 10, 15, 20, 49, 100, 1000, 99999 };
	for (size_t a = 0; a < sizeof ms / sizeof *ms; a++)
		for (int i = 0; i <= ms[a]; i++) {
			double p = (double)i / ms[a];
			double near[] = { p, nextafter(p, 0), nextafter(p, 2), nextafter(nextafter(p, 2), 2),
					  (float)p };
			for (int j = 0; j < 5; j++) {
				if (near[j] > 1)
					continue;
				int b = bin_of(ms[a], near[j]);
				assert_true(b >= 0 && b < ms[a]);
				assert_true(b == 0 || above_edge(near[j], b, ms[a]));
				assert_false(b < ms[a] - 1 && above_edge(near[j], b + 1, ms[a]));
			}
		}
}

/* section 2 of the conventions that tools disagree about: ours. */
static double ece_of(const double *p, const int *right, size_t n, int m)
{
	struct bins b;
	struct bin_errors e;
	conf_key k[64];
	for (size_t i = 0; i < n; i++)
		k[i] = key_of(p[i], right[i]);
	assert_int_equal(bins_init(&b, m, &err), 0);
	bins_add(&b, k, n);
	bins_errors(&b, &e);
	bins_release(&b);
	return e.ece;
}

static void our_conventions(void **state)
{
	(void)state;
	double tenth[10], fifteenth[15];
	int odd[15];
	for (int i = 1; i <= 15; i++) {
		fifteenth[i - 1] = i / 15.0;
		if (i <= 10)
			tenth[i - 1] = i / 10.0;
		odd[i - 1] = i % 2 == 0;
	}
	assert_true(fabs(ece_of((double[]){ 0.6, 0.5 }, (int[]){ 1, 0 }, 2, 5) - 0.05) < 1e-15);
	assert_true(fabs(ece_of((double[]){ 0.95, 1 }, (int[]){ 1, 0 }, 2, 10) - 0.475) < 1e-15);
	assert_true(fabs(ece_of((double[]){ 0, 0.5 }, (int[]){ 1, 1 }, 2, 10) - 0.75) < 1e-15);
	/* Values computed with fractions: the double nearest 3/10 is below it, that nearest 1/10 above. */
	assert_true(fabs(ece_of(tenth, odd, 10, 10) - 0.29) < 1e-14);
	assert_true(fabs(ece_of(fifteenth, odd, 15, 15) - 0.40444444444444444) < 1e-14);
	for (int i = 1; i <= 10; i++)
		assert_int_equal(bin_of(10, i / 10.0) + 1, above_edge(i / 10.0, i, 10) ? i + 1 : i);
	for (int i = 1; i <= 15; i++)
		assert_int_equal(bin_of(15, i / 15.0) + 1, above_edge(i / 15.0, i, 15) ? i + 1 : i);
}

static double equal_mass(const conf_key *k, size_t n, int bins)
{
	struct running run;
	assert_int_equal(running_open(&run, k, n, &err), 0);
	double e = ece_equal_mass(&run, bins);
	running_close(&run);
	return e;
}

static void ties_are_not_split(void **state)
{
	(void)state;
	conf_key k[10];
	for (int i = 0; i < 10; i++)
		k[i] = key_of(0.5, i % 2);
	assert_true(equal_mass(k, 10, 2) == 0);
	/* the same records in any order of right and wrong */
	for (int i = 0; i < 10; i++)
		k[i] = key_of(0.5, i < 5);
	assert_true(equal_mass(k, 10, 2) == 0);
	struct selective s;
	for (int i = 0; i < 4; i++)
		k[i] = key_of(0.2 * (4 - i), i % 2 == 0); /* most confident first: right, wrong, right, wrong */
	keys_sort(k, 4, &err) == 0 ? (void)0 : fail();
	selective_of(k, 4, &s);
	assert_true(fabs(s.aurc - (0 + 1 / 2.0 + 1 / 3.0 + 2 / 4.0) / 4) < 1e-15);
	assert_true(fabs(s.augrc - (0 + 1 + 1 + 2) / 16.0) < 1e-15);
}

static int by_order(const void *a, const void *b)
{
	conf_key x = *(const conf_key *)a, y = *(const conf_key *)b;
	uint64_t u = conf_order(x), v = conf_order(y);
	return u != v ? (u > v) - (u < v) : conf_right(x) - conf_right(y);
}

static void sorting(void **state)
{
	(void)state;
	for (int t = 0; t < 60; t++) {
		size_t n = t < 20 ? (size_t)t : rng_below(&r, 20000);
		conf_key *k = malloc(n * 8 + 8), *w = malloc(n * 8 + 8);
		make(k, n, t % 5, 1);
		memcpy(w, k, n * 8);
		qsort(w, n, 8, by_order);
		assert_int_equal(keys_sort(k, n, &err), 0);
		assert_memory_equal(k, w, n * 8);
		free(k);
		free(w);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Numbers that are spread, lie close together with and without some that lie far, are few, or are one. */
static uint64_t number_of(int kind)
{
	uint64_t any = (uint64_t)rng_u32(&r) << 32 | rng_u32(&r);
	switch (kind) {
	case 0:
		return any;
	case 1:
		return conf_bits(0.7) + any % 100000;
	case 2:
		return rng_below(&r, 1000) ? conf_bits(0.7) + any % 100000 : any;
	case 3:
		return any % 7 << 40;
	case 4:
		return any >> any % 64;
	default:
		return 5;
	}
}

/* Few enough to be sorted as they are, and so many that they are cut into cells first. */
static void sorting_numbers(void **state)
{
	(void)state;
	for (int t = 0; t < 36; t++) {
		size_t n = t < 24 ? rng_below(&r, 9000) : (1 << 17) - 1 + rng_below(&r, 40000);
		uint64_t *k = malloc(n * 8 + 8), *w = malloc(n * 8 + 8);
		for (size_t i = 0; i < n; i++)
			k[i] = number_of(t % 6);
		memcpy(w, k, n * 8);
		qsort(w, n, 8, by_value);
		assert_int_equal(whole_sort(k, n, &err), 0);
		assert_memory_equal(k, w, n * 8);
		/* as confidences: the upper half, where one bit is for being right */
		for (size_t i = 0; i < n; i++)
			k[i] = w[i] = w[(i * 7919) % n] | CONF_UPPER;
		qsort(w, n, 8, by_order);
		assert_int_equal(keys_sort(k, n, &err), 0);
		assert_memory_equal(k, w, n * 8);
		free(k);
		free(w);
	}
}

/* The definition: each tie group to the bin of its middle. */
static double naive_mass(const conf_key *k, size_t n, size_t bins)
{
	double *sum = calloc(bins, sizeof *sum), e = 0;
	for (size_t a = 0, to; a < n; a = to) {
		double d = 0;
		for (to = a; to < n && conf_order(k[to]) == conf_order(k[a]); to++)
			d += conf_p(k[to]) - conf_right(k[to]);
		size_t b = (size_t)((__int128)(a + to) * bins / (2 * n));
		sum[b] += d;
	}
	for (size_t b = 0; b < bins; b++)
		e += fabs(sum[b]);
	free(sum);
	return e / (double)n;
}

static int naive_rises(const conf_key *k, size_t n, size_t bins)
{
	size_t from = 0;
	double last = -1;
	for (size_t i = 1; i <= bins; i++) {
		size_t to = mass_cut(k, n, bins, i), right = 0;
		if (to == from)
			continue;
		for (size_t j = from; j < to; j++)
			right += (size_t)conf_right(k[j]);
		double acc = (double)right / (double)(to - from);
		if (acc < last)
			return 0;
		last = acc;
		from = to;
	}
	return 1;
}

/* Any range's sums, and bins of equal width, beside those taken record by record. */
static void ranges_are_right(const struct running *run)
{
	struct running_sum sum = { 0 };
	for (size_t i = 0; i <= run->n; i++) {
		struct running_sum got = running_before(run, i);
		assert_true(got.conf == sum.conf && got.right == sum.right);
		if (i < run->n) {
			sum.conf += fix_of(conf_p(run->key[i]));
			sum.right += (uint64_t)conf_right(run->key[i]);
		}
	}
	for (int m = 1; m < 200; m = 2 * m + 1) {
		struct bins fast, plain;
		assert_int_equal(bins_init(&fast, m, &err) | bins_init(&plain, m, &err), 0);
		running_bins(run, &fast);
		bins_add(&plain, run->key, run->n);
		assert_memory_equal(fast.bin, plain.bin, (size_t)m * sizeof *plain.bin);
		bins_release(&fast);
		bins_release(&plain);
	}
}

static void equal_mass_and_sweep(void **state)
{
	(void)state;
	for (int t = 0; t < 200; t++) {
		size_t n = 1 + rng_below(&r, 900), b = 1;
		conf_key *k = malloc(n * 8);
		double v;
		int bins;
		sorted(k, n, t % 5, 1 + t % 3);
		for (int m = 1; m < 40; m += 7)
			assert_true(fabs(equal_mass(k, n, m) - naive_mass(k, n, (size_t)m)) < 1e-12);
		struct running run;
		assert_int_equal(running_open(&run, k, n, &err), 0);
		ece_sweep(&run, &v, &bins);
		ranges_are_right(&run);
		running_close(&run);
		while (b < n && b < 1000 && naive_rises(k, n, b + 1))
			b++;
		assert_int_equal(bins, b);
		assert_true(fabs(v - naive_mass(k, n, b)) < 1e-12);
		free(k);
	}
}

/* Isotonic regression by its min-max formula, over tie groups. */
static double naive_pav(const conf_key *k, size_t n, size_t i)
{
	double best = -1;
	for (size_t s = 0; s <= i; s++) {
		if (s && conf_order(k[s]) == conf_order(k[s - 1]))
			continue;
		double least = 2, right = 0;
		for (size_t t = s; t < n; t++) {
			right += conf_right(k[t]);
			if (t >= i && (t + 1 == n || conf_order(k[t]) != conf_order(k[t + 1])))
				least = fmin(least, right / (double)(t - s + 1));
		}
		best = fmax(best, least);
	}
	return best;
}

/* Two bins by hand: four records of 0.9 of which two are right, one of 0.3 that is right. */
static void errors_by_hand(void **state)
{
	(void)state;
	struct bins b;
	struct bin_errors e;
	conf_key k[5];
	for (int i = 0; i < 4; i++)
		k[i] = key_of(0.9, i < 2);
	k[4] = key_of(0.3, 1);
	assert_int_equal(bins_init(&b, 10, &err), 0);
	bins_add(&b, k, 5);
	bins_errors(&b, &e);
	bins_release(&b);
	assert_true(fabs(e.ece - (0.8 * 0.4 + 0.2 * 0.7)) < 1e-15);
	assert_true(fabs(e.oe - 0.8 * 0.9 * 0.4) < 1e-15);
	assert_true(fabs(e.uce - 0.2 * 0.7 * 0.7) < 1e-15);
	assert_true(fabs(e.over - 0.8 * 0.4) < 1e-15 && fabs(e.under - 0.2 * 0.7) < 1e-15);
	assert_true(fabs(e.gap - (0.78 - 0.6)) < 1e-15);
	assert_true(fabs(e.mce - 0.7) < 1e-15 && e.mce_n == 1 && e.filled == 2);
	assert_true(fabs(e.rmsce - sqrt(0.8 * 0.16 + 0.2 * 0.49)) < 1e-15);
	assert_true(fabs(e.l2_debiased - sqrt(0.8 * (0.16 - 0.25 / 3) + 0.2 * 0.49)) < 1e-15);
}

static void pav_is_isotonic_regression(void **state)
{
	(void)state;
	for (int t = 0; t < 400; t++) {
		size_t n = 1 + rng_below(&r, t % 4 ? 70 : 200), m;
		conf_key k[200];
		struct pav_block *b;
		struct corp c;
		sorted(k, n, t % 5, 1 + t % 3);
		if (t % 4 == 0)
			tie_some(k, n);
		assert_int_equal(pav(k, n, &b, &m, &err), 0);
		double score = 0, best = 0, rate = 0;
		for (size_t i = 1; i < m; i++) /* equal neighbours are one block */
			assert_true(b[i].right * (b[i - 1].end - (i > 1 ? b[i - 2].end : 0)) >
				    b[i - 1].right * (b[i].end - b[i - 1].end));
		for (size_t i = 0, at = 0; i < n; i++) {
			while (b[at].end <= i)
				at++;
			double v = (double)b[at].right / (double)(b[at].end - (at ? b[at - 1].end : 0));
			assert_true(fabs(v - naive_pav(k, n, i)) < 1e-12);
			best += pow(v - conf_right(k[i]), 2) / (double)n;
			score += pow(conf_p(k[i]) - conf_right(k[i]), 2) / (double)n;
			rate += conf_right(k[i]) / (double)n;
		}
		free(b);
		assert_int_equal(corp_of(k, n, &c, &err), 0);
		assert_true(fabs(c.score - score) < 1e-13);
		assert_true(fabs(c.miscalibration - (score - best)) < 1e-13);
		assert_true(fabs(c.discrimination - (rate * (1 - rate) - best)) < 1e-13);
		/* to the last bit, in whichever order */
		assert_true(c.miscalibration - c.discrimination + c.uncertainty == c.score);
		assert_true(c.uncertainty - c.discrimination + c.miscalibration == c.score);
		assert_true(c.miscalibration >= 0 && c.discrimination >= 0);
	}
}

/* Reflected Gaussian smoothing by its definition. */
static double naive_smooth(const conf_key *k, size_t n, double s)
{
	enum { MESH = 1000 };
	double total = 0;
	for (int g = 0; g <= MESH; g++) {
		double t = (double)g / MESH, v = 0;
		for (size_t i = 0; i < n; i++) {
			double p = conf_p(k[i]), d = conf_right(k[i]) - p;
			for (int image = -2; image <= 2; image++) {
				double a = (t - p - 2 * image) / s, b = (t + p - 2 * image) / s;
				v += d * (exp(-0.5 * a * a) + exp(-0.5 * b * b));
			}
		}
		total += fabs(v) * (g == 0 || g == MESH ? 0.5 : 1) / MESH;
	}
	return total / s / sqrt(2 * M_PI) / (double)n;
}

static void smooth_is_its_own_width(void **state)
{
	(void)state;
	for (int t = 0; t < 7; t++) {
		size_t n = 40 + rng_below(&r, 60);
		conf_key k[100];
		double v, width, lo = 1e-4, hi = 1;
		sorted(k, n, t % 6, t % 2 ? 1 : 4);
		for (size_t i = 0; t % 6 == 5 && i < n; i++) /* half of what is sure is wrong */
			k[i] = conf_order(k[i]) | (i % 2 ? CONF_RIGHT : 0);
		assert_int_equal(smooth_ece(k, n, &v, &width, &err), 0);
		for (int i = 0; i < 14; i++) {
			double mid = sqrt(lo * hi);
			*(naive_smooth(k, n, mid) > mid ? &lo : &hi) = mid;
		}
		assert_true(fabs(v - hi) < 0.002 * hi + 2e-4);
	}
}

/* Reflection keeps mass: residuals at one place alone come to their mean, at either end too, where a node is its own
 * mirror image. */
static void smooth_keeps_mass(void **state)
{
	static const double place[] = { 0, 1, 0.5, 0.03, 0.98 };
	(void)state;
	for (size_t p = 0; p < sizeof place / sizeof *place; p++) {
		double x[40], residual[40], v;
		for (int i = 0; i < 40; i++) {
			x[i] = place[p];
			residual[i] = i % 4 ? 0.1 : -0.9;
		}
		assert_int_equal(smooth_residuals(x, residual, 40, 40, &v, &err), 0);
		assert_true(fabs(v - 0.15) < 1e-6);
	}
}

/* A list of few masses and a whole grid, which masses out of order get, are one thing: to the bit where the same sums
 * are taken, and to rounding where there are fewer points than a Gaussian has taps. Masses and places are short
 * numbers, so that what is laid does not depend on the order. */
static void smooth_of_lists(void **state)
{
	(void)state;
	for (int t = 0; t < 300; t++) {
		size_t n = 1 + rng_below(&r, t % 3 ? 24 : 1500), spread = (size_t)1 << rng_below(&r, 21);
		double x[1501], residual[1501], list, whole, most = t % 2 ? 1 : 0.01;
		for (size_t i = 0; i < n; i++) {
			x[i] = (double)rng_below(&r, (uint32_t)spread + 1) + (t % 5 ? 0 : 0x1p20 - (double)spread);
			x[i] *= 0x1p-20;
		}
		sort_rising(x, n);
		for (size_t i = 0; i < n; i++)
			residual[i] = rint((rng_real(&r) - 0.4) * most * 1024) / 1024;
		x[n] = 0; /* no mass, and out of order */
		residual[n] = 0;
		assert_int_equal(smooth_residuals(x, residual, n, (double)n, &list, &err), 0);
		assert_int_equal(smooth_residuals(x, residual, n + 1, (double)n, &whole, &err), 0);
		assert_true(fabs(list - whole) <= 1e-14 * whole);
		assert_true(n < 800 || spread < 1 << 18 || list == whole);
	}
}

/* Records are laid as a list of their residuals is, a few in a list as well, many in a grid, wherever most of them are:
 * in the last cell alone, before it, or all over. */
static void smooth_of_records(void **state)
{
	(void)state;
	enum { MANY = 9001 };
	static conf_key k[MANY];
	static double x[MANY], residual[MANY];
	for (int t = 0; t < 20; t++) {
		size_t n = 1 + (t % 2 ? rng_below(&r, 400) : 8000 + rng_below(&r, 1000));
		size_t many = rng_below(&r, (uint32_t)n);
		double v, width, list, end = t % 3 ? 1 : 0.6, place = t % 5 ? end - rng_real(&r) / 2 : end;
		for (size_t i = 0; i < n; i++)
			k[i] = key_of((t % 8 > 3) == (i < many) ? place : place * rng_real(&r), rng_below(&r, 3) == 0);
		assert_int_equal(keys_sort(k, n, &err), 0);
		for (size_t i = 0; i < n; i++) {
			x[i] = conf_p(k[i]);
			residual[i] = conf_residual(k[i]);
		}
		assert_int_equal(smooth_ece(k, n, &v, &width, &err), 0);
		assert_int_equal(smooth_residuals(x, residual, n, (double)n, &list, &err), 0);
		if (!(fabs(v - list) <= 1e-9 * list))
			fail_msg("%d: %zu records: %.12g, not %.12g", t, n, v, list);
	}
}

/* Sums over whole tie groups, from the definition. */
static void cumulative_sums(void **state)
{
	(void)state;
	for (int t = 0; t < 100; t++) {
		size_t n = 1 + rng_below(&r, 200);
		conf_key k[200];
		struct cumulative c;
		double low = 0, high = 0, d = 0, var = 0;
		sorted(k, n, t % 6, 1 + t % 2);
		for (size_t i = 0; i < n; i++) {
			d += conf_right(k[i]) - conf_p(k[i]);
			var += conf_p(k[i]) * (1 - conf_p(k[i]));
			if (i + 1 < n && conf_p(k[i]) == conf_p(k[i + 1]) && t % 6 != 2)
				continue;
			low = fmin(low, d);
			high = fmax(high, d);
		}
		cumulative_of(k, n, &c);
		assert_true(fabs(c.kuiper_error - (high - low) / (double)n) < 1e-12);
		assert_true(fabs(c.ks_error - fmax(high, -low) / (double)n) < 1e-12);
		assert_true(!(var > 1e-6) || fabs(c.kuiper - (high - low) / sqrt(var)) < 1e-9);
	}
}

/* The same distributions by their other series (theta functions), good where ours are slow. */
static void tails_of_brownian_motion(void **state)
{
	(void)state;
	for (double x = 0.4; x < 6; x += 0.05) {
		double ks = 0, kuiper = 0;
		for (int k = 0; k < 4000; k++) {
			double h = k + 0.5;
			ks += (k % 2 ? -1 : 1) / (2.0 * k + 1) *
			      exp(-(2.0 * k + 1) * (2.0 * k + 1) * M_PI * M_PI / (8 * x * x));
			kuiper += (8 / (x * x) + 2 / (M_PI * M_PI * h * h)) * exp(-2 * M_PI * M_PI * h * h / (x * x));
		}
		assert_true(fabs(ks_tail(x) - (1 - 4 / M_PI * ks)) < 1e-9);
		assert_true(fabs(kuiper_tail(x) - (1 - kuiper)) < 1e-7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(keys_keep_both_ends, seed),
		cmocka_unit_test_setup(bins_are_exact, seed),
		cmocka_unit_test_setup(our_conventions, seed),
		cmocka_unit_test_setup(ties_are_not_split, seed),
		cmocka_unit_test_setup(sorting, seed),
		cmocka_unit_test_setup(sorting_numbers, seed),
		cmocka_unit_test_setup(equal_mass_and_sweep, seed),
		cmocka_unit_test_setup(errors_by_hand, seed),
		cmocka_unit_test_setup(pav_is_isotonic_regression, seed),
		cmocka_unit_test_setup(smooth_is_its_own_width, seed),
		cmocka_unit_test(smooth_keeps_mass),
		cmocka_unit_test(smooth_of_lists),
		cmocka_unit_test_setup(smooth_of_records, seed),
		cmocka_unit_test_setup(cumulative_sums, seed),
		cmocka_unit_test_setup(tails_of_brownian_motion, seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
