/* Calibration maps against what defines them, in long double and without their code: the gradient of the loss vanishes
 * at a fit, isotonic curves are the min-max formula's, histograms are counted. Random sizes across each slice and
 * batch. */
#include "eval/calibrate/calfit.h"
#include "eval/calibrate/temperature.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/eval/plain_rows.h"

static struct pool *pool;
static struct err err;
static const struct calmap_settings plain = {
	.l2 = -1, .l2_bias = -1, .bins = 15, .highest_t = INFINITY, .max_steps = 5000
};

#define small(what, limit) \
	do { \
		long double w_ = (what), l_ = (limit); \
		if (!(fabsl(w_) <= l_)) \
			fail_msg("%s:%d: %s is %.12Lg, beyond %.3Lg", __func__, __LINE__, #what, w_, l_); \
	} while (0)

/* Random logits with labels that follow softmax(z / t), so that an optimum exists; rows repeat, some classes are
 * -Inf. */
static void make(struct fit_data *d, struct rng *r, size_t n, int k, double t, int ruled_out)
{
	double *z = malloc((n * (size_t)k + 1) * sizeof *z);
	*d = (struct fit_data){ .n = n, .k = k, .is_double = (int)rng_below(r, 2),
		.label = malloc((n + 1) * sizeof(int32_t)) };
	for (size_t i = 0; i < n; i++) {
		double best = -INFINITY, *row = z + i * (size_t)k;
		if (i > 4 && rng_below(r, 4) == 0) {
			memcpy(row, row - (1 + rng_below(r, 4)) * (uint32_t)k, (size_t)k * sizeof *z);
		} else {
			for (int c = 0; c < k; c++)
				row[c] = (float)(t * 2 * rng_normal(r));
			if (ruled_out && k > 2 && rng_below(r, 3) == 0)
				row[rng_below(r, (uint32_t)k)] = -INFINITY;
		}
		for (int c = 0; c < k; c++) {
			double gumbel = row[c] / t - log(-log(rng_real(r) + 1e-300));
			if (gumbel > best) {
				best = gumbel;
				d->label[i] = c;
			}
		}
	}
	d->z = z;
	if (!d->is_double)
		for (size_t i = 0; i < n * (size_t)k; i++)
			((float *)d->z)[i] = (float)z[i];
}

static void drop(struct fit_data *d)
{
	free(d->z);
	free(d->label);
}

static double value(const struct fit_data *d, size_t i, int c)
{
	size_t at = i * (size_t)d->k + (size_t)c;
	return d->is_double ? ((double *)d->z)[at] : ((float *)d->z)[at];
}

/* Probabilities of logits; -Inf is 0. */
static void soft(const long double *z, int k, long double *p)
{
	long double max = -INFINITY, sum = 0;
	for (int c = 0; c < k; c++)
		max = z[c] > max ? z[c] : max;
	for (int c = 0; c < k; c++)
		sum += p[c] = expl(z[c] - max);
	for (int c = 0; c < k; c++)
		p[c] /= sum;
}

static void temperature_is_where_the_slope_vanishes(void **state)
{
	(void)state;
	int n = plain_checks(40);
	for (int i = 0; i < n; i++) {
		struct rng r;
		struct fit_data d;
		struct temperature t;
		plain_rng(&r, (uint32_t)i, 50);
		int k = 2 + (int)rng_below(&r, 40), large = i % 20 == 0;
		size_t m = large ? 65536 / (size_t)k * 2 + rng_below(&r, 5) : 30 + rng_below(&r, 300);
		m = i == 20 ? ((size_t)1 << 21) / (size_t)k + 1 : m; /* begun by a sample */
		make(&d, &r, m, k, pow(10, 4 * rng_real(&r) - 2), i % 3 == 0);
		double before;
		long double slope = 0, spread = 0, nll[2] = { 0, 0 }, z[64], p[64];
		assert_int_equal(temperature_fit(&d, pool, &t, &err), 0);
		assert_int_equal(t.end, TEMPERATURE_INSIDE);
		for (size_t j = 0; j < m; j++)
			for (int which = 0; which < 2; which++) {
				double own = value(&d, j, d.label[j]), by = which ? t.t : 1;
				for (int c = 0; c < k; c++)
					z[c] = value(&d, j, c) / (long double)by;
				soft(z, k, p);
				nll[which] -= logl(p[d.label[j]]) / m;
				for (int c = 0; which && c < k; c++) {
					if (!(value(&d, j, c) > -INFINITY))
						continue;
					slope += p[c] * (value(&d, j, c) - own) / m;
					spread += p[c] * fabsl(value(&d, j, c) - own) / m;
				}
			}
		small(slope, 1e-10 * spread);
		small(t.gradient, (i == 20 ? 1e-7 : 1e-10) * spread);
		assert_int_equal(temperature_nll(&d, pool, 1, &before, &err), 0);
		small(before - nll[0], 1e-12 * (1 + nll[0]));
		small(t.after - nll[1], 1e-12 * (1 + nll[1]));
		drop(&d);
	}
}

struct affine {
	const struct fit_data *d;
	const struct calmap *map;
	double l2, l2_bias;
	long double gradient[64 * 65]; /* of weights, then biases */
	long double size;	       /* of the logits: root mean square */
};

static void gradient(struct affine *a)
{
	const struct fit_data *d = a->d;
	const struct calmap *map = a->map;
	int k = d->k, matrix = map->method == MAP_MATRIX, nw = matrix ? k * k : k;
	long double z[64], out[64] = { 0 }, p[64], square = 0, finite = 0; /* out: GCC 14 thinks k might be 0 */
	memset(a->gradient, 0, sizeof a->gradient);
	for (size_t i = 0; i < d->n; i++) {
		for (int c = 0; c < k; c++) {
			z[c] = value(d, i, c);
			if (z[c] > -INFINITY) {
				square += z[c] * z[c];
				finite++;
			}
		}
		for (int c = 0; c < k; c++) {
			out[c] = map->bias[c];
			if (matrix)
				for (int j = 0; j < k; j++)
					out[c] += map->weight[c * k + j] * z[j];
			else
				out[c] = z[c] > -INFINITY ? out[c] + map->weight[c] * z[c] : -INFINITY;
		}
		soft(out, k, p);
		for (int c = 0; c < k; c++) {
			long double g = (p[c] - (c == d->label[i])) / d->n;
			a->gradient[nw + c] += g;
			for (int j = 0; matrix && j < k; j++)
				a->gradient[c * k + j] += g * z[j];
			if (!matrix && z[c] > -INFINITY)
				a->gradient[c] += g * z[c];
		}
	}
	for (int i = 0; i < nw; i++) {
		if (!matrix)
			a->gradient[i] += 2 * a->l2 / k * (map->weight[i] - 1);
		else if (i / k != i % k)
			a->gradient[i] += 2 * a->l2 / (k * (k - 1.0L)) * map->weight[i];
	}
	for (int c = 0; c < k; c++)
		a->gradient[nw + c] += 2 * a->l2_bias / k * map->bias[c];
	a->size = sqrtl(square / finite);
}

static void affine_fits_lie_at_the_bottom(void **state)
{
	(void)state;
	static struct affine a;
	struct pool *one; /* its room ends where the memory does, so that a sanitizer sees what goes beyond */
	int n = plain_checks(40);
	assert_int_equal(pool_open(&one, 1, &err), 0);
	for (int i = 0; i < n; i++) {
		struct rng r;
		struct fit_data d;
		struct calmap map;
		struct calmap_fit how;
		struct calmap_settings set = plain;
		plain_rng(&r, (uint32_t)i, 51);
		int matrix = i % 2, k = 2 + (int)rng_below(&r, matrix ? 6 : i % 10 ? 12 : 40), wide = i == 61;
		if (wide) /* so many parameters that slices are few */
			k = 64;
		make(&d, &r, wide ? 1500 : 100 + rng_below(&r, 500), k, pow(10, 4 * rng_real(&r) - 2),
		     i % 3 == 0 && !matrix);
		set.l2 = i % 4 < 2 ? -1 : rng_real(&r);
		set.l2_bias = i % 8 < 4 ? -1 : i % 8 == 4 ? 0 : rng_real(&r);
		if (calmap_fit(&map, matrix ? MAP_MATRIX : MAP_VECTOR, &d, &set, i % 3 ? one : pool, &how, &err))
			fail_msg("set %d: %s", i, err.msg);
		a = (struct affine){ .d = &d, .map = &map };
		a.l2 = set.l2 >= 0 ? set.l2 : matrix ? k * (k - 1.0) / 100 : 1e-3;
		a.l2_bias = set.l2_bias >= 0 ? set.l2_bias : a.l2;
		assert_true(how.l2 == a.l2 && how.l2_bias == a.l2_bias);
		gradient(&a);
		int nw = matrix ? k * k : k;
		for (int j = 0; j < nw + k; j++)
			small(a.gradient[j], 1.1e-6 * (j < nw ? a.size : 1));
		/* Steps count products with the second derivative, too: of 40 seeds 1,712 are the most of the wide
		 * one. */
		assert_true(how.gradient <= 1e-6 && how.steps > 0 && how.steps < (wide ? 2000 : 800));
		calmap_release(&map);
		drop(&d);
	}
	pool_close(one);
}

/* Of few records with logits far apart few bend a class's weights, and those together: without blocks 922 steps,
 * without what classes have in common 1,947, with both 681 at most. */
static void few_records_far_apart_settle(void **state)
{
	(void)state;
	static struct affine a;
	int steps = 0;
	for (uint32_t i = 0; i < 3; i++) {
		struct rng r;
		struct fit_data d;
		struct calmap map;
		struct calmap_fit how;
		plain_rng(&r, i, 56);
		make(&d, &r, 600, 30, 80, 0);
		if (calmap_fit(&map, MAP_MATRIX, &d, &plain, pool, &how, &err))
			fail_msg("set %u: %s", i, err.msg);
		a = (struct affine){ .d = &d, .map = &map, .l2 = how.l2, .l2_bias = how.l2_bias };
		gradient(&a);
		for (int j = 0; j < 30 * 31; j++)
			small(a.gradient[j], 1e-8 * (j < 900 ? a.size : 1));
		steps += how.steps;
		calmap_release(&map);
		drop(&d);
	}
	if (steps > 750)
		fail_msg("%d steps", steps);
}

/* The unit of the search is that of all logits, not of the last: tiny ones at the end cost no steps. */
static void the_unit_is_of_all_records(void **state)
{
	(void)state;
	struct rng r;
	struct fit_data d;
	struct calmap map;
	struct calmap_fit how;
	struct calmap_settings set = plain;
	plain_rng(&r, 0, 52);
	make(&d, &r, 400, 4, 1e3, 0);
	d.is_double = 1;
	free(d.z);
	double *z = d.z = malloc(400 * 4 * sizeof *z);
	for (int i = 0; i < 1600; i++)
		z[i] = (i >= 1596 ? 1e-6 : 1e3) * rng_normal(&r);
	set.l2 = 0;
	set.max_steps = 40;
	assert_int_equal(calmap_fit(&map, MAP_VECTOR, &d, &set, pool, &how, &err), 0);
	calmap_release(&map);
	/* the same in units that are far smaller */
	double weight[2][4];
	for (int tiny = 0; tiny < 2; tiny++) {
		for (int i = 0; tiny && i < 1600; i++)
			z[i] = ldexp(z[i], -70);
		assert_int_equal(calmap_fit(&map, MAP_VECTOR, &d, &set, pool, &how, &err), 0);
		for (int c = 0; c < 4; c++)
			weight[tiny][c] = ldexp(map.weight[c], tiny ? -70 : 0);
		calmap_release(&map);
	}
	for (int c = 0; c < 4; c++)
		small(weight[1][c] - weight[0][c], 1e-5 * fabs(weight[0][c]));
	set.max_steps = 2;
	assert_int_equal(calmap_fit(&map, MAP_VECTOR, &d, &set, pool, &how, &err), -1);
	assert_non_null(strstr(err.msg, "did not settle in 2 steps"));
	drop(&d);
}

/* Gradient of the two-class losses: targets t, features f_1 (and f_2), intercept. */
static void two_class_gradient(const struct fit_data *d, const struct calmap *map, long double g[3])
{
	long double ones = 0, n = d->n;
	int beta = map->method == MAP_BETA;
	for (size_t i = 0; i < d->n; i++)
		ones += d->label[i];
	g[0] = g[1] = g[2] = 0;
	for (size_t i = 0; i < d->n; i++) {
		long double s = (long double)value(d, i, 1) - value(d, i, 0), f[3] = { s, 0, 1 };
		long double t = d->label[i] ? (ones + 1) / (ones + 2) : 1 / (n - ones + 2), u = 0;
		if (beta) {
			f[0] = -logl(1 + expl(-s));
			f[1] = logl(1 + expl(s));
			t = d->label[i];
		}
		u = map->weight[0] * f[0] + (beta ? map->weight[1] * f[1] : 0) + map->bias[0];
		for (int j = 0; j < 3; j++)
			g[j] += (1 / (1 + expl(-u)) - t) * f[j] / n;
	}
}

static void two_class_fits_lie_at_the_bottom(void **state)
{
	(void)state;
	int n = plain_checks(150), fitted = 0, held = 0;
	for (int set = 0; set <= n; set++) { /* the last: its loss is lowest but for rounding before its slope is 0 */
		int i = set < n ? set : 1135;
		struct rng r;
		struct fit_data d;
		struct calmap map;
		struct calmap_fit how;
		long double g[3];
		const double limit = 1e-11; /* the least drop, 1e-24, is of a slope of 1e-12 in features of unit size */
		plain_rng(&r, (uint32_t)i, 53);
		if (set == n)
			rng_init(&r, 6, RNG_TEST, (uint32_t)i, 53);
		make(&d, &r, 20 + rng_below(&r, 200), 2, pow(10, i % 3 ? 2 * rng_real(&r) - 1 : 6 * rng_real(&r) - 5),
		     0);
		for (int c = 0; i % 4 == 1 && c < 2; c++) /* the first record says nothing of the slope */
			if (d.is_double)
				((double *)d.z)[c] = 0.5;
			else
				((float *)d.z)[c] = 0.5F;
		assert_int_equal(calmap_fit(&map, MAP_PLATT, &d, &plain, pool, &how, &err), 0);
		two_class_gradient(&d, &map, g);
		small(g[0], limit);
		small(g[2], limit);
		small(how.gradient, limit);
		assert_true(how.steps < 60);
		calmap_release(&map);
		if (i % 3 && !calmap_fit(&map, MAP_BETA, &d, &plain, pool, &how, &err)) {
			fitted++;
			two_class_gradient(&d, &map, g);
			assert_true(map.weight[0] >= 0 && map.weight[1] >= 0);
			for (int j = 0; j < 3; j++)
				if (j == 2 || map.weight[j] > 0)
					small(g[j], limit);
			held += map.weight[0] == 0 || map.weight[1] == 0;
		}
		calmap_release(&map);
		drop(&d);
	}
	assert_true(fitted > n * 6 / 10 && held > 0);
}

/* P(c) of record i, and the isotonic regression there by the min-max formula over groups of equal P. */
static long double min_max(const long double *p, const int *right, size_t n, long double at)
{
	long double best = -1;
	for (size_t a = 0; a < n; a++) {
		long double least = 2;
		if (p[a] > at)
			continue;
		for (size_t b = 0; b < n; b++) {
			long double sum = 0, m = 0;
			if (p[b] < at)
				continue;
			for (size_t i = 0; i < n; i++)
				if (p[i] >= p[a] && p[i] <= p[b]) {
					sum += right[i];
					m++;
				}
			least = fminl(least, sum / m);
		}
		best = fmaxl(best, least);
	}
	return best;
}

static void one_against_rest(const struct fit_data *d, int bins, size_t room)
{
	int k = d->k, curves = k == 2 ? 1 : k;
	size_t n = d->n;
	struct calmap iso, hist;
	struct calmap_fit how;
	struct calmap_settings set = plain;
	long double *p = calloc(n * (size_t)k, sizeof *p), z[64], *column = calloc(n, sizeof *column);
	int *right = calloc(n, sizeof *right);
	set.bins = bins;
	set.key_room = room;
	assert_int_equal(calmap_fit(&iso, MAP_ISOTONIC, d, &set, pool, &how, &err), 0);
	assert_int_equal(calmap_fit(&hist, MAP_HISTOGRAM, d, &set, pool, &how, &err), 0);
	assert_true(iso.curves == curves && hist.curves == curves && hist.bins == bins && iso.bins == 0);
	for (size_t i = 0; i < n; i++) {
		for (int c = 0; c < k; c++)
			z[c] = value(d, i, c);
		soft(z, k, p + i * (size_t)k);
	}
	for (int c = 0; c < curves; c++) {
		int class = k == 2 ? 1 : c;
		double count[PLAIN_BINS] = { 0 }, hits[PLAIN_BINS] = { 0 };
		for (size_t i = 0; i < n; i++) {
			column[i] = p[i * (size_t)k + (size_t)class];
			right[i] = d->label[i] == class;
			count[plain_bin(bins, column[i])]++;
			hits[plain_bin(bins, column[i])] += right[i];
		}
		for (size_t i = 0; i < n; i++)
			small(curve_at(&iso.curve[c], (double)column[i]) - min_max(column, right, n, column[i]), 1e-9);
		for (int b = 0; b < bins; b++)
			if (count[b] > 0)
				small(hist.bin[c * bins + b] - hits[b] / count[b], 1e-15);
			else
				assert_true(isnan(hist.bin[c * bins + b]));
	}
	calmap_release(&iso);
	calmap_release(&hist);
	free(p);
	free(column);
	free(right);
}

static void curves_are_what_they_are_called(void **state)
{
	(void)state;
	int n = plain_checks(60);
	for (int i = 0; i < n; i++) {
		struct rng r;
		struct fit_data d;
		plain_rng(&r, (uint32_t)i, 54);
		make(&d, &r, 1 + rng_below(&r, 40), 2 + (int)rng_below(&r, 5), 1, i % 3 == 0);
		one_against_rest(&d, 1 + 2 * (int)rng_below(&r, 6), i % 2 ? 1 + rng_below(&r, 200) : 0);
		drop(&d);
	}
}

/* Between knots a straight line, beyond them constant. */
static void lines_between_knots(void **state)
{
	(void)state;
	double score[] = { 0.2, 0.3, 0.6, 0.7 }, value[] = { 0.1, 0.1, 0.5, 0.9 };
	struct curve c = { 4, score, value };
	for (int i = 0; i <= 1000; i++) {
		double p = i / 1000.0, want = value[0];
		for (int j = 0; j < 3; j++)
			if (p >= score[j])
				want = p >= score[j + 1] ? value[j + 1]
							 : value[j] + (value[j + 1] - value[j]) * (p - score[j]) /
									      (score[j + 1] - score[j]);
		small(curve_at(&c, p) - want, 1e-15);
	}
	c.n = 1;
	assert_true(curve_at(&c, 0) == 0.1 && curve_at(&c, 1) == 0.1);
}

static void tell(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	size_t m = *(size_t *)arg;
	(void)d;
	memset(scratch, 255, m * sizeof *scratch); /* all its own */
	for (size_t i = from; i < to; i++)
		sum[0] += (double)(i + 1);
	sum[1] += (double)(to - from);
	sum[2] += 1;
	sum[3] += (double)(to - from) * (double)(to - from);
	sum[m - 1] += 1;
}

/* Every record once, in slices that are neither many nor large. */
static void slices_cover_every_record(void **state)
{
	(void)state;
	int checks = plain_checks(300);
	for (int i = 0; i < checks; i++) {
		struct rng r;
		plain_rng(&r, (uint32_t)i, 55);
		struct fit_data d = { .k = 1 + (int)rng_below(&r, i % 2 ? 5000 : 20) };
		size_t each = 65536 / (size_t)d.k + 1, m = rng_below(&r, 4) ? 5 : 4095 + rng_below(&r, 4);
		double *sum = malloc(m * sizeof *sum);
		d.n = rng_below(&r, 3) ? rng_below(&r, 5000) : each * rng_below(&r, 600) + rng_below(&r, 3);
		assert_int_equal(fit_sum(&d, pool, m, tell, m, &m, sum, &err), 0);
		double n = (double)d.n, most = m > 4096 ? 8 : 256;
		assert_true(sum[0] == n * (n + 1) / 2 && sum[1] == n);
		assert_true(sum[2] == sum[m - 1] && sum[2] <= most && (sum[2] > 0) == (n > 0));
		/* as many as are allowed where there is work for them, all alike but the last */
		double wanted = fmin(most, ceil(n / (double)each));
		assert_true(sum[2] <= wanted && sum[2] >= wanted / 2);
		if (n > 0)
			assert_true(sum[3] / n <= ceil(n / sum[2]) * 2);
		free(sum);
	}
}

int main(void)
{
	if (pool_open(&pool, 3, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(temperature_is_where_the_slope_vanishes),
		cmocka_unit_test(affine_fits_lie_at_the_bottom),
		cmocka_unit_test(few_records_far_apart_settle),
		cmocka_unit_test(the_unit_is_of_all_records),
		cmocka_unit_test(two_class_fits_lie_at_the_bottom),
		cmocka_unit_test(curves_are_what_they_are_called),
		cmocka_unit_test(lines_between_knots),
		cmocka_unit_test(slices_cover_every_record),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	pool_close(pool);
	return rc;
}
