/* Fits on logits of any size: the same loss whatever their unit, from 1e-300 to 1e300, and never above the one without
 * a map; a reason that is true where there is no fit; products as they are defined. */
#include "eval/calibrate/calfit.h"
#include "eval/calibrate/product.h"

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
enum { N = 400, MOST = 5 };
static double z[N * MOST];
static int32_t label[N];

/* Labels that follow softmax(z/3), then z times `unit`. */
static struct fit_data make(uint32_t seed, int k, double unit)
{
	struct rng r;
	plain_rng(&r, seed, 70);
	for (int i = 0; i < N; i++) {
		double best = -INFINITY;
		for (int c = 0; c < k; c++) {
			double v = 6 * rng_normal(&r), gumbel = v / 3 - log(-log(rng_real(&r) + 1e-300));
			z[i * k + c] = v * unit;
			label[i] = gumbel > best ? c : label[i];
			best = gumbel > best ? gumbel : best;
		}
	}
	return (struct fit_data){ .n = N, .k = k, .is_double = 1, .z = z, .label = label };
}

/* map: NULL, none. */
static double loss(const struct fit_data *d, const struct calmap *map)
{
	long double sum = 0;
	for (size_t i = 0; i < d->n; i++) {
		double out[MOST], room[2 * MOST], *v = (double *)d->z + i * (size_t)d->k;
		long double max = -INFINITY, mass = 0;
		if (map)
			calmap_apply(map, v, out, room);
		else
			memcpy(out, v, (size_t)d->k * sizeof *v);
		for (int c = 0; c < d->k; c++)
			max = out[c] > max ? out[c] : max;
		for (int c = 0; c < d->k; c++)
			mass += expl(out[c] - max);
		sum += logl(mass) + max - out[d->label[i]];
	}
	return (double)(sum / d->n);
}

static void same_at_any_scale(void **state)
{
	(void)state;
	static const double units[] = { 1,    1e-300, 1e-200, 1e-100, 1e-30, 1e-8, 1e-3,
					1e3, 1e5,    1e30,   1e100,  1e153, 1e200, 1e300 };
	for (uint32_t seed = 0; seed < 8; seed++)
		for (size_t at = 0; at < 5; at++) {
			static const int methods[] = { MAP_TEMPERATURE, MAP_VECTOR, MAP_MATRIX, MAP_PLATT,
						       MAP_STRUCTURED };
			int m = methods[at];
			double first = 0, t = 0;
			for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
				struct fit_data d = make(seed, m == MAP_PLATT ? 2 : 3, units[u]);
				struct calmap_settings set = plain;
				struct calmap map;
				struct calmap_fit how;
				set.l2 = m == MAP_VECTOR ? 0 : -1;
				if (m == MAP_MATRIX) /* off-diagonals are pulled whatever the unit: none here */
					set.l2 = set.l2_bias = 0;
				if (calmap_fit(&map, (enum calmap_method)m, &d, &set, pool, &how, &err))
					fail_msg("%s at %g: %s", calmap_method_name((enum calmap_method)m), units[u],
						 err.msg);
				double nll = loss(&d, &map);
				if (!u)
					first = nll;
				if (!(fabs(nll - first) <= 1e-9))
					fail_msg("%s at %g: %.12g, not %.12g",
						 calmap_method_name((enum calmap_method)m), units[u], nll, first);
				if (m == MAP_TEMPERATURE) {
					t = u ? t : map.weight[0];
					assert_true(fabs(map.weight[0] / units[u] / t - 1) < 1e-9);
					assert_true(fabs(how.low / map.weight[0] - 0.8) < 0.2 &&
						    how.high > map.weight[0]);
				}
				calmap_release(&map);
			}
		}
}

/* With the pulls that are there unless others are asked for: no higher than without a map, and finite. */
static void never_worse_than_none(void **state)
{
	(void)state;
	int fitted = 0;
	for (uint32_t i = 0; i < 120; i++) {
		struct rng r;
		plain_rng(&r, i, 71);
		struct fit_data d = make(i, 2 + (int)rng_below(&r, 4), pow(10, 600 * rng_real(&r) - 300));
		d.n = 20 + rng_below(&r, 300);
		for (size_t j = 0; i % 4 == 0 && j < d.n; j++) /* labels that say nothing */
			label[j] = (int32_t)rng_below(&r, (uint32_t)d.k);
		if (i % 4 == 1) /* one record far larger */
			for (int c = 0; c < d.k; c++)
				z[c] = z[c] * pow(10, 3 * rng_real(&r));
		static const int methods[] = { MAP_TEMPERATURE, MAP_VECTOR, MAP_MATRIX, MAP_STRUCTURED, MAP_DIRICHLET,
					       MAP_ENSEMBLE };
		for (size_t at = 0; at < sizeof methods / sizeof *methods; at++) {
			int m = methods[at];
			struct calmap map;
			struct calmap_fit how;
			if (calmap_fit(&map, (enum calmap_method)m, &d, &plain, pool, &how, &err)) {
				if (!strstr(err.msg, "the loss falls as T") &&
				    !(m == MAP_DIRICHLET && strstr(err.msg, "too little to tell W from b")))
					fail_msg("%u %s: %s", i, calmap_method_name((enum calmap_method)m), err.msg);
				continue;
			}
			fitted++;
			double before = loss(&d, NULL), after = loss(&d, &map);
			if (!(after <= before + 1e-12 * (1 + before)))
				fail_msg("%u %s: %g, and %g without", i, calmap_method_name((enum calmap_method)m),
					 after, before);
			calmap_release(&map);
		}
	}
	assert_true(fitted > 580);
}

/* The beta map's loss is convex in its three numbers: no step in any direction that keeps a and b >= 0 lowers it. */
static void beta_is_at_the_bottom(void **state)
{
	(void)state;
	static const double units[] = { 1e-3, 0.1, 1, 30, 1e3, 1e5 };
	for (uint32_t i = 0; i < 60; i++) {
		struct fit_data d = make(i, 2, units[i % 6]);
		struct calmap map;
		struct calmap_fit how;
		if (calmap_fit(&map, MAP_BETA, &d, &plain, pool, &how, &err))
			fail_msg("%g: %s", units[i % 6], err.msg);
		double least = loss(&d, &map), none = map.weight[0] + map.weight[1], *x[3];
		assert_true(least < 0.69 && none > 0);
		x[0] = &map.weight[0];
		x[1] = &map.weight[1];
		x[2] = &map.bias[0];
		for (int j = 0; j < 27; j++) {
			double was[3] = { *x[0], *x[1], *x[2] }, step = 1e-3 * none;
			int dir[3] = { j % 3 - 1, j / 3 % 3 - 1, j / 9 - 1 };
			for (int q = 0; q < 3; q++)
				*x[q] += dir[q] * (q == 2 ? 1e-3 : step);
			if (*x[0] >= 0 && *x[1] >= 0)
				assert_true(loss(&d, &map) >= least - 1e-12);
			for (int q = 0; q < 3; q++)
				*x[q] = was[q];
		}
		calmap_release(&map);
	}
}

static void reasons(const double *values, const int32_t *labels, size_t n, int k, int method, const char *said)
{
	struct fit_data d = { .n = n, .k = k, .is_double = 1 };
	uint64_t ids[8] = { 70, 71, 72, 73, 74, 75, 76, 77 };
	struct calmap map;
	struct calmap_fit how;
	d.z = (void *)(uintptr_t)values;
	d.label = (int32_t *)(uintptr_t)labels;
	d.id = ids;
	int rc = calmap_fit(&map, (enum calmap_method)method, &d, &plain, pool, &how, &err);
	if (rc != (said ? -1 : 0) || (said && !strstr(err.msg, said)))
		fail_msg("%s: %s, not: %s", calmap_method_name((enum calmap_method)method), rc ? err.msg : "fitted",
			 said ? said : "fitted");
	if (!rc)
		calmap_release(&map);
}

static void reasons_are_true(void **state)
{
	(void)state;
	static const double zero[] = { 0, -2, 0, -INFINITY, -1, 0, -INFINITY, 0 },
			    apart[] = { 0, -2, 0, -1, 0, 1, 0, 2 };
	static const double flat[] = { 5, 5, 5, 5, 7, 7, 0, 0 }, equal[] = { 1, 2, 5, 6, 0, 1, 3, 4 };
	static const double tiny[] = { 0, 1e-20, 0, 3e-20, 2e-20, 0, 0, 7e-20 },
			    small[] = { 0, 1e-9, 0, 3e-9, 2e-9, 0, 0, 7e-9 };
	static const double hardly[] = { 0, 2, 0, 2 + 0x1p-51, 0, 2, 0, 2 };
	static const double huge[] = { 9e299, 9e299, 8e299, 8e299, 7e299, 7e299, 9e299, 9e299 };
	static const int32_t wrong[] = { 0, 1, 0, 1 }, zeroed[] = { 0, 0, 0, 1 }, right[] = { 0, 0, 1, 1 };
	static const int32_t against[] = { 1, 1, 0, 0 }, one[] = { 1, 1, 1, 1 };
	for (int m = MAP_TEMPERATURE; m <= MAP_BETA; m++) {
		reasons(zero, wrong, 4, 2, m,
			m < MAP_MATRIX ? "record 1 of the fit, id 71 gives its own label probability 0"
				       : "record 1 of the fit, id 71 gives its own label");
		reasons(zero, zeroed, 4, 2, m,
			m < MAP_MATRIX ? NULL : "record 1 of the fit, id 71 gives a class probability 0");
	}
	reasons(zero, wrong, 4, 2, MAP_ISOTONIC, NULL);
	reasons(zero, wrong, 4, 2, MAP_HISTOGRAM, NULL);
	reasons(apart, right, 4, 2, MAP_BETA, "can be told apart");
	reasons(apart, right, 4, 2, MAP_PLATT, NULL); /* its targets are no certainties */
	reasons(apart, against, 4, 2, MAP_BETA, "run against the labels");
	reasons(apart, one, 4, 2, MAP_BETA, "all labels are of one class");
	reasons(apart, wrong, 4, 2, MAP_BETA, NULL);
	reasons(flat, wrong, 4, 2, MAP_TEMPERATURE, "all logits of every record are equal");
	reasons(flat, wrong, 4, 2, MAP_VECTOR, NULL); /* there is a bias to fit */
	reasons(huge, wrong, 4, 2, MAP_VECTOR, "rounding hides");
	reasons(flat, wrong, 4, 2, MAP_PLATT, "all records have the same log-odds (0)");
	reasons(hardly, wrong, 4, 2, MAP_PLATT, "the same but for rounding");
	reasons(equal, wrong, 4, 2, MAP_BETA, "all records have the same log-odds (1)");
	static const int32_t crossed[] = { 1, 0, 0, 1 };
	reasons(tiny, crossed, 4, 2, MAP_BETA, "are so nearly alike that rounding hides a and b");
	reasons(tiny, crossed, 4, 2, MAP_PLATT, NULL);
	reasons(small, crossed, 4, 2, MAP_BETA, NULL);
}

static void products_are_what_they_are_called(void **state)
{
	(void)state;
	static double x[40 * 300], y[40 * 300], left[40 * 300], right[48 * 300];
	for (uint32_t i = 0; i < 60; i++) {
		struct rng r;
		double c[33 * 33];
		plain_rng(&r, i, 72);
		int narrow = i / 2 % 2;
		size_t m = 1 + rng_below(&r, 33), n = 1 + rng_below(&r, 33), depth = 1 + rng_below(&r, 300);
		for (size_t j = 0; j < 40 * 300; j++) {
			x[j] = rng_normal(&r);
			y[j] = rng_normal(&r);
		}
		memset(c, 0, sizeof c);
		if (i % 2) {
			panels_of_rows(x, m, depth, PRODUCT_LEFT, narrow, left);
			panels_of_rows(y, n, depth, PRODUCT_RIGHT, narrow, right);
		} else {
			panels_of_columns(x, m, depth, PRODUCT_LEFT, narrow, left);
			panels_of_columns(y, n, depth, PRODUCT_RIGHT, narrow, right);
		}
		c[m * n - 1] = 1;
		product_add(left, m, right, n, depth, narrow, c);
		for (size_t a = 0; a < m; a++)
			for (size_t b = 0; b < n; b++) {
				long double want = a == m - 1 && b == n - 1;
				for (size_t d = 0; d < depth; d++)
					want += i % 2 ? (long double)x[a * depth + d] * y[b * depth + d]
						      : (long double)x[d * m + a] * y[d * n + b];
				assert_true(fabsl(c[a * n + b] - want) < (narrow ? 1e-4 : 1e-11));
			}
	}
}

static void the_same_bits_from_every_instruction_set(void **state)
{
	(void)state;
	enum { DEPTH = 50, K = 9, EIGHT = 8, SPAN = DEPTH * PRODUCT_RIGHT };
	const struct fit_ops *v, *first = fit_variant(0);
	struct rng r;
	plain_rng(&r, 0, 73);
	for (int i = 1; (v = fit_variant(i)); i++)
		for (int t = 0; t < 300; t++) {
			double a[SPAN], b[SPAN], c[4][PRODUCT_LEFT * PRODUCT_RIGHT], sum[2][FIT_SUMS * EIGHT] = { 0 };
			float fa[SPAN], fb[SPAN];
			for (int j = 0; j < SPAN; j++) {
				fa[j] = (float)(a[j] = rng_normal(&r));
				fb[j] = (float)(b[j] = rng_normal(&r));
			}
			first->tile(a, b, DEPTH, c[0]);
			v->tile(a, b, DEPTH, c[1]);
			first->tile_narrow(fa, fb, DEPTH, c[2]);
			v->tile_narrow(fa, fb, DEPTH, c[3]);
			assert_memory_equal(c[0], c[1], sizeof c[0]);
			assert_memory_equal(c[2], c[3], sizeof c[2]);
			if (t % 5 == 0)
				a[5 * EIGHT + 3] = -INFINITY;
			for (int g = 0; g < 2; g++) {
				first->temperature(a, a + EIGHT, K, pow(10, t % 9 - 4), sum[0]);
				v->temperature(a, a + EIGHT, K, pow(10, t % 9 - 4), sum[1]);
			}
			assert_memory_equal(sum[0], sum[1], sizeof sum[0]);
		}
}

int main(void)
{
	if (pool_open(&pool, 2, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_at_any_scale),	 cmocka_unit_test(never_worse_than_none),
		cmocka_unit_test(beta_is_at_the_bottom), cmocka_unit_test(reasons_are_true),
		cmocka_unit_test(products_are_what_they_are_called),
		cmocka_unit_test(the_same_bits_from_every_instruction_set),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	pool_close(pool);
	return rc;
}
