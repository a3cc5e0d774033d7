/* The second derivative of affine maps' losses against differences of their gradients, and Newton's steps by it. */
#include "eval/calibrate/affine.h"
#include "eval/calibrate/minimise.h"

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
enum { N = 700, K = 9, MOST = K * K + K };
static double z[N * K];
static int32_t label[N];

/* Logits about 3 whose spread is `spread`; hole: of a vector, some classes ruled out. */
static struct fit_data make(uint32_t seed, double spread, int hole)
{
	struct rng r;
	plain_rng(&r, seed, 91);
	for (size_t i = 0; i < N; i++) {
		double best = -INFINITY;
		for (int c = 0; c < K; c++) {
			double v = rng_normal(&r), gumbel = v - log(-log(rng_real(&r) + 1e-300));
			z[i * K + (size_t)c] = 3 + c + spread * v;
			label[i] = gumbel > best ? c : label[i];
			best = gumbel > best ? gumbel : best;
		}
		if (hole && i % 9 == 0)
			z[i * K + (size_t)(label[i] + 1) % K] = -INFINITY;
	}
	return (struct fit_data){ .n = N, .k = K, .is_double = 1, .z = z, .label = label };
}

static void start(struct affine *a, const struct fit_data *d, int matrix, struct rng *r, double *y, double *v)
{
	struct affine_pull pull = { 0.02, 0.03, 0.05 };
	assert_int_equal(affine_init(a, d, matrix, &pull, pool, &err), 0);
	affine_start(a, 1, y);
	for (size_t i = 0; i < affine_parameters(a); i++) {
		y[i] += 0.2 * rng_normal(r);
		v[i] = rng_normal(r);
	}
}

static void bend_is_the_gradients_difference(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 12; i++) {
		double y[MOST], v[MOST], at[2][MOST], grad[2][MOST], out[MOST], value, far = 1e-5, size = 0, off = 0;
		struct fit_data d = make(i, i % 3 ? 1 : 0.05, i % 4 == 0);
		struct affine a;
		struct rng r;
		plain_rng(&r, i, 92);
		start(&a, &d, i % 2, &r, y, v);
		size_t n = affine_parameters(&a);
		for (int side = 0; side < 2; side++) {
			for (size_t j = 0; j < n; j++)
				at[side][j] = y[j] + (side ? far : -far) * v[j];
			assert_int_equal(affine_loss(&a, at[side], &value, grad[side], &err), 0);
		}
		assert_int_equal(affine_curvature(&a, y, &err), 0);
		assert_int_equal(affine_bend(&a, v, out, &err), 0);
		for (size_t j = 0; j < n; j++) {
			double by = (grad[1][j] - grad[0][j]) / (2 * far);
			size = fmax(size, fabs(by));
			off = fmax(off, fabs(out[j] - by));
		}
		if (!(off <= 1e-8 * size + 1e-8))
			fail_msg("%u: %g off of %g", i, off, size);
		affine_release(&a);
	}
}

/* Of the second derivative times a vector of one class, that class's weights, preconditioned, are the vector's again,
 * but for what all classes get in common; nearly, as the biases' common part is left out. */
static void undoes_each_class(struct affine *a, struct rng *r, double *v, double *hv, double tolerance)
{
	for (size_t c = 0; c < K; c++) {
		for (size_t j = 0; j < MOST; j++)
			v[j] = j / K == c || j == K * K + c ? rng_normal(r) : 0;
		assert_int_equal(affine_bend(a, v, hv, &err), 0);
		for (size_t j = 0; j < MOST; j++)
			hv[j] = j / K == c || j == K * K + c ? hv[j] : 0;
		affine_precondition(a, hv);
		for (size_t j = 0; j < K; j++) {
			size_t at = c * K + j, other = (c + 1) % K * K + j;
			double common = hv[other] * a->per[other] / a->per[at];
			if (!(fabs(hv[at] - common - v[at]) <= tolerance))
				fail_msg("class %zu, %zu: %g, not %g", c, j, hv[at] - common, v[at]);
		}
	}
}

/* Where a record's features hardly differ from all others', what precondition divides by is nearly all of the second
 * derivative but its part between classes. */
static void precondition_knows_each_class(void **state)
{
	(void)state;
	double y[MOST], v[MOST], hv[MOST];
	struct fit_data d = make(3, 0.01, 0);
	struct affine a;
	struct rng r;
	plain_rng(&r, 3, 92);
	start(&a, &d, 1, &r, y, v);
	assert_int_equal(affine_curvature(&a, y, &err), 0);
	undoes_each_class(&a, &r, v, hv, 0.5);
	affine_release(&a);
}

/* By whole blocks, all of it, of any logits. */
static void blocks_are_the_curvature_of_each_class(void **state)
{
	(void)state;
	double y[MOST], v[MOST], hv[MOST];
	struct fit_data d = make(4, 4, 0);
	struct affine a;
	struct rng r;
	plain_rng(&r, 4, 92);
	start(&a, &d, 1, &r, y, v);
	a.whole = 1;
	assert_true(affine_blocks_serve(&a));
	assert_int_equal(affine_curvature(&a, y, &err), 0);
	undoes_each_class(&a, &r, v, hv, 0.3);
	affine_release(&a);
}

/* Of a class that no record gives a probability of 1e-5 blocks have the diagonal. */
static void faint_classes_have_a_diagonal(void **state)
{
	(void)state;
	double y[MOST], v[MOST], hv[MOST];
	struct fit_data d = make(5, 1, 0);
	struct affine a;
	struct rng r;
	plain_rng(&r, 5, 92);
	start(&a, &d, 1, &r, y, v);
	affine_start(&a, 0, y);
	y[K * K] = log(9e-6 * (K - 1)) / a.per[K * K];
	a.pull = (struct affine_pull){ 0 };
	a.whole = 1;
	assert_int_equal(affine_curvature(&a, y, &err), 0);
	for (size_t j = 0; j < K; j++) {
		memset(v, 0, sizeof v);
		v[j] = 1;
		assert_int_equal(affine_bend(&a, v, hv, &err), 0);
		v[j] = hv[j];
		affine_precondition(&a, v);
		if (!(v[j] > 0.5 && v[j] < 1.01))
			fail_msg("%zu: %g", j, v[j]);
	}
	affine_release(&a);
}

/* One that has none at all, in float64, bends nothing, and the search lives on. */
static void a_class_may_have_no_probability(void **state)
{
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		double y[MOST], v[MOST];
		struct fit_data d = make(7, 1, 0);
		struct affine a;
		struct rng r;
		plain_rng(&r, 7, 92);
		start(&a, &d, 1, &r, y, v);
		y[K * K + 2] = -3000 / a.per[K * K + 2];
		a.whole = whole;
		assert_int_equal(affine_curvature(&a, y, &err), 0);
		affine_precondition(&a, v);
		for (size_t j = 0; j < MOST; j++)
			assert_true(isfinite(v[j]));
		affine_release(&a);
	}
}

/* By one thread, whose room ends where the memory does, so that a sanitizer sees what goes beyond. */
static void blocks_are_of_128_classes_at_most(void **state)
{
	(void)state;
	static const int sizes[] = { 4, 5, 7, 127, 128, 129 };
	struct pool *one;
	assert_int_equal(pool_open(&one, 1, &err), 0);
	for (int s = 0; s < 6; s++) {
		struct rng r;
		struct affine a;
		struct affine_pull pull = { 0.02, 0.03, 0.05 };
		int k = sizes[s], records = k < 10 ? N : 50;
		size_t kk = (size_t)k, n = kk * kk + kk;
		double *logits = malloc((size_t)records * kk * sizeof *logits), *y = malloc(4 * n * sizeof *y), dot = 0;
		double *v = y + n, *w = v + n, *bent = w + n;
		struct fit_data d = { .n = (size_t)records, .k = k, .is_double = 1, .z = logits, .label = label };
		plain_rng(&r, (uint32_t)k, 92);
		for (size_t i = 0; i < (size_t)records * kk; i++)
			logits[i] = rng_normal(&r);
		for (int i = 0; i < records; i++)
			label[i] = i % k;
		assert_int_equal(affine_init(&a, &d, 1, &pull, one, &err), 0);
		a.whole = 1;
		assert_int_equal(affine_blocks_serve(&a), k <= 128);
		affine_start(&a, 1, y);
		assert_int_equal(affine_curvature(&a, y, &err), 0);
		for (size_t i = 0; i < n; i++)
			v[i] = w[i] = rng_normal(&r);
		affine_precondition(&a, w);
		for (size_t i = 0; i < n; i++)
			dot += v[i] * w[i];
		assert_true(dot > 0 && isfinite(dot)); /* positive definite */
		assert_int_equal(affine_bend(&a, v, bent, &err), 0);
		dot = 0;
		for (size_t i = 0; i < n; i++)
			dot += v[i] * bent[i];
		assert_true(dot > 0 && isfinite(dot));
		affine_release(&a);
		free(logits);
		free(y);
	}
	pool_close(one);
}

/* What all classes' weights of a logit have in common is held by the pull alone, however weak. */
static void what_is_common_bends_by_the_pull(void **state)
{
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		double y[MOST], v[MOST], hv[MOST];
		struct fit_data d = make(6, 4, 0);
		struct affine a;
		struct rng r;
		plain_rng(&r, 6, 92);
		start(&a, &d, 1, &r, y, v);
		a.pull = (struct affine_pull){ 2e-6, 3e-6, 0.05 };
		a.whole = whole;
		assert_int_equal(affine_curvature(&a, y, &err), 0);
		for (size_t j = 0; j < K; j++)
			v[j] = rng_normal(&r);
		for (size_t j = 0; j < MOST; j++)
			v[j] = j < K * K ? v[j % K] * a.per[j % K] / a.per[j] : 0;
		assert_int_equal(affine_bend(&a, v, hv, &err), 0);
		affine_precondition(&a, hv);
		for (size_t j = 0; j < MOST; j++)
			if (!(fabs(hv[j] - v[j]) <= 0.1))
				fail_msg("%d, %zu: %g, not %g", whole, j, hv[j], v[j]);
		affine_release(&a);
	}
}

static void steps_end_at_the_bottom(void **state)
{
	(void)state;
	for (int matrix = 0; matrix < 2; matrix++) {
		double y[MOST], v[MOST];
		struct fit_data d = make(5, 0.5, 0);
		struct affine a;
		struct rng r;
		struct minimum m = { 0 };
		plain_rng(&r, 5, 92);
		start(&a, &d, matrix, &r, y, v);
		struct objective f = { affine_parameters(&a), affine_loss, affine_precondition, affine_curvature,
				       affine_bend,	      &a,	   1e-14 };
		int steps = 0;
		for (double before = INFINITY; !m.converged && steps < 20; steps++, before = m.value) {
			double there, most = 0;
			assert_int_equal(newton_step(&f, y, 1e-9, 1000, &m, &err), 0);
			assert_true(m.value <= before + 1e-13 && !m.stuck);
			assert_int_equal(affine_loss(&a, y, &there, v, &err), 0);
			for (size_t j = 0; j < f.n; j++)
				most = fmax(most, fabs(v[j]));
			assert_true(fabs(m.value - there) <= 1e-13 && fabs(m.gradient - most) <= 1e-12);
		}
		assert_true(m.converged && m.gradient < 1e-8);
		assert_int_equal(newton_step(&f, y, 1e-9, 1, &m, &err), 0); /* no product, no step */
		assert_true(m.steps == 1);
		affine_release(&a);
	}
}

static int open_pool(void **state)
{
	(void)state;
	return pool_open(&pool, 2, &err);
}

static int close_pool(void **state)
{
	(void)state;
	pool_close(pool);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bend_is_the_gradients_difference),
		cmocka_unit_test(precondition_knows_each_class),
		cmocka_unit_test(blocks_are_the_curvature_of_each_class),
		cmocka_unit_test(faint_classes_have_a_diagonal),
		cmocka_unit_test(a_class_may_have_no_probability),
		cmocka_unit_test(blocks_are_of_128_classes_at_most),
		cmocka_unit_test(what_is_common_bends_by_the_pull),
		cmocka_unit_test(steps_end_at_the_bottom),
	};
	return cmocka_run_group_tests(tests, open_pool, close_pool);
}
