/* Planted temperatures are found; the ends are reported; any thread count gives the same bits. */
#include "eval/calibrate/minimise.h"
#include "eval/calibrate/temperature.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct pool *pool;

/* Groups of records that share one posterior p = (a, b, c)/20 and carry a, b, c hard labels of each class: at T the
 * softmax of T log p is p, each group's gradient vanishes, and NLL being convex in 1/T the optimum is T itself. */
static void plant(struct fit_data *d, double t)
{
	static const int parts[][3] = { { 14, 4, 2 }, { 1, 9, 10 }, { 18, 1, 1 }, { 5, 5, 10 }, { 2, 17, 1 } };
	enum { GROUPS = sizeof parts / sizeof *parts };
	struct err err = ERR_NONE;
	double *z;
	*d = (struct fit_data){ .n = (size_t)GROUPS * 20, .k = 3, .is_double = 1 };
	assert_int_equal(mem_alloc(&z, d->n * 3, sizeof *z, &err), 0);
	assert_int_equal(mem_alloc(&d->label, d->n, sizeof *d->label, &err), 0);
	d->z = z;
	for (int g = 0, i = 0; g < GROUPS; g++)
		for (int c = 0; c < 3; c++)
			for (int j = 0; j < parts[g][c]; j++, i++) {
				d->label[i] = c;
				for (int k = 0; k < 3; k++)
					z[3 * i + k] =
						t * log(parts[g][k] / 20.0) + 100 * g; /* shifts change nothing */
			}
}

static void drop(struct fit_data *d)
{
	free(d->z);
	free(d->label);
}

/* Of few classes eight records are summed at once, of many each for itself: the same sums, so the same passes. */
static void many_classes_take_no_more_passes(void **state)
{
	(void)state;
	enum { WIDE = 300 };
	static double z[100 * WIDE];
	for (int i = 0; i < 9; i++) {
		struct fit_data d, wide;
		struct temperature t, other;
		struct err err = ERR_NONE;
		plant(&d, pow(10, i / 4.0 - 1));
		d.n = 96;
		wide = d;
		wide.k = WIDE;
		wide.z = z;
		for (size_t j = 0; j < d.n * WIDE; j++)
			z[j] = j % WIDE < 3 ? fit_value(&d, j / WIDE, (int)(j % WIDE)) : -INFINITY;
		assert_int_equal(temperature_fit(&d, pool, &t, &err), 0);
		assert_int_equal(temperature_fit(&wide, pool, &other, &err), 0);
		assert_true(fabs(t.t / other.t - 1) <= 1e-12);
		assert_int_equal(t.passes, other.passes);
		drop(&d);
	}
}

static void planted_is_found(void **state)
{
	(void)state;
	static const double planted[] = { 1e-6, 0.05, 0.1, 0.3, 0.7, 1, 1.5, 3, 10, 20, 1e6 };
	for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
		struct fit_data d;
		struct temperature t;
		struct err err = ERR_NONE;
		double before;
		plant(&d, planted[i]);
		assert_int_equal(temperature_fit(&d, pool, &t, &err), 0);
		assert_int_equal(t.end, TEMPERATURE_INSIDE);
		/* shifts of 100 cost digits of a logit of size 1e-6, so the bound there is theirs */
		assert_true(fabs(t.t / planted[i] - 1) <= (planted[i] < 0.01 ? 1e-6 : 1e-11));
		assert_int_equal(temperature_nll(&d, pool, 1, &before, &err), 0);
		assert_true(t.after <= before * (1 + 1e-15) && t.passes < 40); /* but for rounding, at 1 */
		drop(&d);
	}
}

/* Labels drawn from softmax(z), logits T z: no closed answer, so a slow, dumb search over 1/T is the oracle. */
static void random_data_agrees_with_a_dumb_search(void **state)
{
	(void)state;
	enum { N = 2000, K = 10 };
	static const double planted[] = { 0.05, 0.7, 10 };
	for (size_t p = 0; p < 3; p++) {
		struct err err = ERR_NONE;
		struct fit_data d = { .n = N, .k = K };
		struct temperature t;
		float *z;
		assert_int_equal(mem_alloc(&z, N * K, sizeof *z, &err), 0);
		assert_int_equal(mem_alloc(&d.label, N, sizeof *d.label, &err), 0);
		d.z = z;
		for (uint32_t i = 0; i < N; i++) {
			struct rng r;
			double v[K], best = -INFINITY;
			rng_init(&r, 1, RNG_TEST, i, (uint32_t)p);
			for (int c = 0; c < K; c++) {
				v[c] = 3 * rng_normal(&r);
				z[i * K + (uint32_t)c] = (float)(planted[p] * v[c]);
				double gumbel = v[c] - log(-log(rng_real(&r) + 1e-300));
				if (gumbel > best) {
					best = gumbel;
					d.label[i] = c;
				}
			}
		}
		assert_int_equal(temperature_fit(&d, pool, &t, &err), 0);
		assert_int_equal(t.end, TEMPERATURE_INSIDE);
		double lo = planted[p] / 2, hi = planted[p] * 2;
		for (int i = 0; i < 100; i++) { /* golden section is enough to 1e-7: NLL is flat at its minimum */
			double a = lo + (hi - lo) * 0.381966, b = lo + (hi - lo) * 0.618034, na, nb;
			assert_int_equal(temperature_nll(&d, pool, a, &na, &err), 0);
			assert_int_equal(temperature_nll(&d, pool, b, &nb, &err), 0);
			if (na < nb)
				hi = b;
			else
				lo = a;
		}
		assert_true(fabs(t.t / lo - 1) < 1e-6);
		assert_true(fabs(t.gradient) < 1e-10 * planted[p]);
		drop(&d);
	}
}

/* Random data of any size: the interval's ends are where a slow bisection over T has twice the loss above the least at
 * 3.841. */
static double end_by_bisection(const struct fit_data *d, double t, double factor)
{
	struct err err;
	double least, nll, in = t, out = t;
	assert_int_equal(temperature_nll(d, pool, t, &least, &err), 0);
	do {
		out *= factor;
		if (out > 1e5 * t)
			return INFINITY;
		assert_int_equal(temperature_nll(d, pool, out, &nll, &err), 0);
	} while (2 * (double)d->n * (nll - least) <= 3.841458820694124);
	for (int i = 0; i < 60; i++) {
		double middle = sqrt(in * out);
		assert_int_equal(temperature_nll(d, pool, middle, &nll, &err), 0);
		if (2 * (double)d->n * (nll - least) <= 3.841458820694124)
			in = middle;
		else
			out = middle;
	}
	return in;
}

static void interval_agrees_with_bisection(void **state)
{
	(void)state;
	int endless = 0, closed = 0;
	for (uint32_t round = 0; round < 60; round++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct temperature t;
		double low, high, *z;
		rng_init(&r, 7, RNG_TEST, round, 0);
		struct fit_data d = { .n = 5 + rng_below(&r, round % 3 ? 60 : 2000),
				      .k = 2 + (int)rng_below(&r, 9),
				      .is_double = 1 };
		double scale = pow(10, 4 * rng_real(&r) - 2), truth = pow(10, 2 * rng_real(&r) - 1.5);
		assert_int_equal(mem_alloc(&z, d.n * (size_t)d.k, sizeof *z, &err), 0);
		assert_int_equal(mem_alloc(&d.label, d.n, sizeof *d.label, &err), 0);
		d.z = z;
		for (size_t i = 0; i < d.n; i++) {
			double best = -INFINITY;
			for (int c = 0; c < d.k; c++) {
				double v = rng_normal(&r), gumbel = truth * v - log(-log(rng_real(&r) + 1e-300));
				z[i * (size_t)d.k + (size_t)c] = scale * v;
				d.label[i] = gumbel > best ? c : d.label[i];
				best = gumbel > best ? gumbel : best;
			}
		}
		assert_int_equal(temperature_fit(&d, pool, &t, &err), 0);
		if (t.end == TEMPERATURE_INSIDE) {
			assert_int_equal(temperature_interval(&d, pool, &t, &low, &high, &err), 0);
			double a = end_by_bisection(&d, t.t, 1 / 1.1), b = end_by_bisection(&d, t.t, 1.1);
			assert_true(low > 0 && low < t.t && high > t.t);
			assert_true(fabs(low / a - 1) < 1e-8);
			assert_true(isinf(high) ? isinf(b) || b > 1e4 * t.t : fabs(high / b - 1) < 1e-8);
			endless += isinf(high);
			closed += !isinf(high);
		}
		drop(&d);
	}
	assert_true(endless > 3 && closed > 10);
}

/* Where a record's logits add up to more than float64 holds, their mean still tells whether there is a best one. */
static void ends_of_the_largest_logits(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	enum temperature_end end;
	double above[] = { 1.7e308, 1.7e308, 1.2e308 }, below[] = { -1.7e308, -1.7e308, -1.5e308, -1.6e308 };
	int32_t label[] = { 2 };
	struct fit_data d = { .n = 1, .k = 3, .is_double = 1, .z = above, .label = label };
	assert_int_equal(temperature_end_of(&d, pool, &end, &err), 0);
	assert_int_equal(end, TEMPERATURE_INFINITE); /* their mean, 1.53e308, is more than the label's */
	d.z = below;
	d.k = 4;
	label[0] = 3; /* -1.6e308; the mean is -1.625e308 */
	assert_int_equal(temperature_end_of(&d, pool, &end, &err), 0);
	assert_int_equal(end, TEMPERATURE_INSIDE);
}

static void ends_are_said(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct temperature t;
	double z[] = { 3, 1, 1, 5, 2, 2 };
	int32_t right[] = { 0, 1, 0 }, wrong[] = { 1, 0, 0 };
	struct fit_data d = { .n = 3, .k = 2, .is_double = 1, .z = z, .label = right };
	assert_int_equal(temperature_fit(&d, pool, &t, &err), 0);
	assert_int_equal(t.end, TEMPERATURE_ZERO);
	d.label = wrong;
	assert_int_equal(temperature_fit(&d, pool, &t, &err), 0);
	assert_int_equal(t.end, TEMPERATURE_INFINITE);
	double flat[] = { 1, 1, 5, 5, 2, 2 };
	d.z = flat;
	assert_int_equal(temperature_fit(&d, pool, &t, &err), 0);
	assert_int_equal(t.end, TEMPERATURE_ANY);
	double ruled_out[] = { 3, -INFINITY, 1, 5, 2, 2 };
	d.z = ruled_out;
	assert_int_equal(temperature_fit(&d, pool, &t, &err), -1);
	assert_non_null(strstr(err.msg, "probability 0"));
	d.n = 0;
	assert_int_equal(temperature_fit(&d, pool, &t, &err), -1);
}

/* Classes ruled out by -Inf take no part, few or many (the loops go by eights). */
static void minus_infinity_is_no_class(void **state)
{
	(void)state;
	for (int k = 4; k <= 20; k += 8) {
		struct err err = ERR_NONE;
		struct fit_data d, e;
		struct temperature a, b;
		size_t wide = (size_t)k;
		double *z;
		plant(&d, 2);
		e = (struct fit_data){ .n = d.n, .k = k, .is_double = 1, .label = d.label };
		assert_int_equal(mem_alloc(&z, d.n * wide, sizeof *z, &err), 0);
		for (size_t i = 0; i < d.n; i++) {
			for (size_t c = 0; c < wide; c++)
				z[wide * i + c] = -INFINITY;
			memcpy(z + wide * i, (double *)d.z + 3 * i, 3 * sizeof *z);
		}
		e.z = z;
		assert_int_equal(temperature_fit(&d, pool, &a, &err), 0);
		assert_int_equal(temperature_fit(&e, pool, &b, &err), 0);
		assert_true(fabs(a.t / b.t - 1) < 1e-14 && fabs(a.after - b.after) < 1e-14);
		free(z);
		drop(&d);
	}
}

static void threads_never_show(void **state)
{
	(void)state;
	enum { N = 40000, K = 7 };
	struct err err = ERR_NONE;
	struct fit_data d = { .n = N, .k = K };
	struct temperature t[2];
	struct pool *one;
	float *z;
	assert_int_equal(mem_alloc(&z, N * K, sizeof *z, &err), 0);
	assert_int_equal(mem_alloc(&d.label, N, sizeof *d.label, &err), 0);
	d.z = z;
	for (uint32_t i = 0; i < N * K; i++) {
		struct rng r;
		rng_init(&r, 3, RNG_TEST, i, 0);
		z[i] = (float)rng_normal(&r);
		d.label[i / K] = z[i] > 0.5 ? (int32_t)(i % K) : d.label[i / K];
	}
	assert_int_equal(pool_open(&one, 1, &err), 0);
	assert_int_equal(temperature_fit(&d, pool, &t[0], &err), 0);
	assert_int_equal(temperature_fit(&d, one, &t[1], &err), 0);
	assert_memory_equal(&t[0].t, &t[1].t, sizeof(double));
	assert_memory_equal(&t[0].after, &t[1].after, sizeof(double));
	pool_close(one);
	drop(&d);
}

/* log(sum exp) of a badly scaled quadratic form: convex, its minimum known to be at `centre`. */
static int bowl(void *arg, const double *x, double *value, double *grad, struct err *err)
{
	const double *centre = arg;
	(void)err;
	*value = 0;
	for (int i = 0; i < 20; i++) {
		double scale = pow(10, i / 5.0), d = x[i] - centre[i], c = sqrt(1 + scale * d * d);
		*value += c - 1;
		grad[i] = scale * d / c;
	}
	return 0;
}

static void minimiser_finds_the_bottom(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct minimum m;
	double centre[20], x[20] = { 0 };
	for (int i = 0; i < 20; i++)
		centre[i] = i - 7.5;
	struct objective f = { .n = 20, .at = bowl, .arg = centre, .noise = 1e-14 };
	assert_int_equal(minimise(&f, x, 1e-9, 2000, &m, &err), 0);
	assert_true(m.converged && m.gradient <= 1e-9);
	for (int i = 0; i < 20; i++)
		assert_true(fabs(x[i] - centre[i]) < 1e-8);
	double y[20] = { 0 };
	assert_int_equal(minimise(&f, y, 1e-9, 3, &m, &err), 0);
	assert_false(m.converged);
}

int main(void)
{
	struct err err = ERR_NONE;
	if (pool_open(&pool, 3, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_classes_take_no_more_passes),
		cmocka_unit_test(ends_of_the_largest_logits),
		cmocka_unit_test(planted_is_found),   cmocka_unit_test(random_data_agrees_with_a_dumb_search),
		cmocka_unit_test(interval_agrees_with_bisection),
		cmocka_unit_test(ends_are_said),      cmocka_unit_test(minus_infinity_is_no_class),
		cmocka_unit_test(threads_never_show), cmocka_unit_test(minimiser_finds_the_bottom),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	pool_close(pool);
	return rc;
}
