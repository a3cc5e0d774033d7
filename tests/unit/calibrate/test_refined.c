/* refined_nll beside the evaluator's temperature: the same least loss for logits of many sizes, and the limits of data
 * sets that have no best temperature. */
#include "models/train/refined.h"
#include "eval/calibrate/temperature.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { N = 300, K = 7 };

static float z[N * K];
static int32_t label[2 * N], own[N];
static uint32_t record[N];

/* Logits of `classes` classes and labels that follow them in most records; record i is number 2 i. */
static void draw(uint32_t number, int classes, double scale, double noise)
{
	struct rng r;
	rng_init(&r, 71, RNG_TEST, number, 0);
	for (int i = 0; i < N; i++) {
		int top = 0;
		double best = -INFINITY;
		for (int c = 0; c < classes; c++) {
			double v = rng_normal(&r);
			z[i * classes + c] = (float)(scale * v);
			v += noise * rng_normal(&r);
			top = v > best ? c : top;
			best = v > best ? v : best;
		}
		record[i] = (uint32_t)(2 * i);
		label[2 * i] = own[i] = top;
		label[2 * i + 1] = -1;
	}
}

static void as_the_evaluator_fits_it(void **state)
{
	static const double scales[] = { 1e-6, 0.01, 0.3, 1, 5, 100, 1e5 };
	struct err err = ERR_NONE;
	struct pool *pool = NULL;
	int inside = 0;
	(void)state;
	assert_int_equal(pool_open(&pool, 1, &err), 0);
	for (uint32_t i = 0; i < 120; i++) {
		int classes = 2 + (int)(i % (K - 1)), few = i >= 60;
		size_t n = few ? 2 + i % 9 : N;
		draw(i, classes, scales[i % 7], few ? 1.5 : 0.3 + 0.1 * (i % 5));
		for (int k = 0; k < N * classes && i % 2; k++) /* what all of a record's have in common is nothing */
			z[k] -= (float)(3 * scales[i % 7]);
		struct fit_data d = { .n = n, .k = classes, .z = z, .label = own };
		struct temperature t;
		assert_int_equal(temperature_fit(&d, pool, &t, &err), 0);
		assert_true(few || t.end == TEMPERATURE_INSIDE);
		if (t.end != TEMPERATURE_INSIDE)
			continue;
		inside++;
		double got = refined_nll(z, record, label, n, classes);
		if (!(fabs(got - t.after) <= 1e-12 * (1 + t.after)))
			fail_msg("case %u: %.15g, the evaluator has %.15g", i, got, t.after);
	}
	assert_in_range(inside, 80, 119);
	pool_close(pool);
}

static void limits_where_no_temperature_is_best(void **state)
{
	(void)state;
	draw(1, 4, 1, 0); /* every label has the largest logit */
	assert_true(refined_nll(z, record, label, N, 4) == 0);
	float tied[] = { 3, 3, 1, 2, 5, 2 };
	static const uint32_t two[] = { 0, 1 };
	static const int32_t first[] = { 0, 1 };
	assert_true(fabs(refined_nll(tied, two, first, 2, 3) - log(2) / 2) < 1e-15);
	for (int i = 0; i < N; i++) /* the smallest */
		for (int c = 0; c < 4; c++)
			z[i * 4 + c] *= -1;
	assert_true(fabs(refined_nll(z, record, label, N, 4) - log(4)) < 1e-15);
	for (int i = 0; i < N * 4; i++)
		z[i] = 2.5f;
	assert_true(fabs(refined_nll(z, record, label, N, 4) - log(4)) < 1e-15);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_the_evaluator_fits_it),
					    cmocka_unit_test(limits_where_no_temperature_is_best) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
