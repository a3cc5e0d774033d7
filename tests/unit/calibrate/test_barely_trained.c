/* Affine maps of logits that hardly differ between records, as networks give that have barely been trained: a weight is
 * then nearly its class's bias, and the fit settles all the same, at the bottom, or says that there is none. */
#include "eval/calibrate/calfit.h"

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
enum { MOST = 2000, CLASSES = 100 };
static double z[MOST * CLASSES], x[MOST * CLASSES];
static int32_t label[MOST];

/* Logits of `spread` around a vector of their own, and labels that follow them as if they were `told` apart. */
static struct fit_data make(uint32_t seed, size_t n, int k, double spread, double told)
{
	struct rng r;
	double centre[CLASSES];
	plain_rng(&r, seed, 90);
	for (int c = 0; c < k; c++)
		centre[c] = 0.1 * rng_normal(&r);
	for (size_t i = 0; i < n; i++) {
		double best = -INFINITY;
		for (int c = 0; c < k; c++) {
			double v = rng_normal(&r), gumbel = told * v - log(-log(rng_real(&r) + 1e-300));
			z[i * (size_t)k + (size_t)c] = centre[c] + spread * v;
			label[i] = gumbel > best ? c : label[i];
			best = gumbel > best ? gumbel : best;
		}
	}
	return (struct fit_data){ .n = n, .k = k, .is_double = 1, .z = z, .label = label };
}

/* Largest entry of the gradient, in W of the spread's unit and in b, of dirichlet's loss. */
static double slope(const struct fit_data *d, const struct calmap *map, const struct calmap_fit *how)
{
	static long double g[CLASSES][CLASSES + 1];
	size_t k = (size_t)d->k;
	double most = 0, pairs = (double)(k * (k - 1));
	memset(g, 0, sizeof g);
	for (size_t i = 0; i < d->n; i++) {
		long double mass = 0, out[CLASSES], max = -INFINITY;
		for (size_t c = 0; c < k; c++)
			mass += expl(z[i * k + c]);
		for (size_t c = 0; c < k; c++)
			x[i * k + c] = (double)(z[i * k + c] - logl(mass));
		for (size_t c = 0; c < k; c++) {
			out[c] = map->bias[c];
			for (size_t j = 0; j < k; j++)
				out[c] += (long double)map->weight[c * k + j] * x[i * k + j];
			max = out[c] > max ? out[c] : max;
		}
		mass = 0;
		for (size_t c = 0; c < k; c++)
			mass += expl(out[c] - max);
		for (size_t c = 0; c < k; c++) {
			long double by = (expl(out[c] - max) / mass - (c == (size_t)label[i])) / d->n;
			for (size_t j = 0; j < k; j++)
				g[c][j] += by * x[i * k + j];
			g[c][k] += by;
		}
	}
	for (size_t c = 0; c < k; c++)
		for (size_t j = 0; j <= k; j++) {
			double own = j == k ? 2 * how->l2_bias / (double)k * map->bias[c]
				     : j == c ? 0 : 2 * how->l2 / pairs * map->weight[c * k + j];
			most = fmax(most, fabs((double)g[c][j] + own));
		}
	return most;
}

static void settles_at_the_bottom(void **state)
{
	(void)state;
	static const double spreads[] = { 1e-3, 1e-2, 0.1, 0.3 };
	int fitted = 0, none = 0, apart = 0;
	for (uint32_t i = 0; i < 48; i++) {
		int k = (const int[]){ 5, 10, 20 }[i % 3], few = i % 2 == 0;
		struct fit_data d = make(i, few ? 60 : 600, k, spreads[i / 3 % 4], i % 5 ? 0.5 : 0);
		struct calmap_settings set = { .l2 = i / 24 ? 0 : -1, .l2_bias = -1, .max_steps = 2000 };
		struct calmap map;
		struct calmap_fit how;
		if (calmap_fit(&map, MAP_DIRICHLET, &d, &set, pool, &how, &err)) {
			none++;
			apart += strstr(err.msg, "tell all") != NULL;
			if (set.l2 < 0 || !few ||
			    !(strstr(err.msg, "tell all 60 records apart") || strstr(err.msg, "nothing holds W and b")))
				fail_msg("%u: %s", i, err.msg);
			continue;
		}
		fitted++;
		double steep = slope(&d, &map, &how);
		if (!(steep <= 1e-6) || how.steps > (set.l2 < 0 ? 120 : 2000))
			fail_msg("%u: gradient %g after %d steps", i, steep, how.steps);
		calmap_release(&map);
	}
	assert_true(fitted >= 30 && none >= 4 && apart >= 2);
}

/* However many classes: the search that had only each parameter's own curvature took more than 2,000 steps. */
static void settles_of_many_classes(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		static const double spreads[] = { 1e-3, 0.01, 0.05, 0.3, 3 };
		struct fit_data d = make(100 + i, 800, i % 2 ? 40 : CLASSES, spreads[i], i < 2 ? 0.2 : 0.8);
		struct calmap_settings set = { .l2 = -1, .l2_bias = -1, .max_steps = 2000 };
		struct calmap map;
		struct calmap_fit how;
		if (calmap_fit(&map, MAP_DIRICHLET, &d, &set, pool, &how, &err))
			fail_msg("%u: %s", i, err.msg);
		double steep = slope(&d, &map, &how);
		if (!(steep <= 2e-8) || how.steps > 400)
			fail_msg("%u: gradient %g after %d steps", i, steep, how.steps);
		calmap_release(&map);
	}
}

/* What all classes' biases have in common bends nothing. Steps along it, which rounding made, ended this one: "did not
 * settle". */
static void steps_along_nothing_are_not_taken(void **state)
{
	(void)state;
	const char *said = getenv("VIC_SEED");
	struct calmap_settings set = { .l2 = 0, .l2_bias = 0, .max_steps = 2000 };
	struct calmap map;
	struct calmap_fit how;
	setenv("VIC_SEED", "9", 1);
	struct fit_data d = make(25, 600, 10, 1e-3, 0);
	if (said)
		setenv("VIC_SEED", said, 1);
	else
		unsetenv("VIC_SEED");
	if (calmap_fit(&map, MAP_DIRICHLET, &d, &set, pool, &how, &err))
		fail_msg("%s", err.msg);
	assert_true(slope(&d, &map, &how) <= 2e-7);
	calmap_release(&map);
}

/* Newton's method, of any threads the same. */
static void threads_do_not_show(void **state)
{
	(void)state;
	struct calmap_settings set = { .l2 = 0, .l2_bias = 0, .max_steps = 2000 };
	struct pool *one;
	struct calmap map[2];
	struct calmap_fit how;
	assert_int_equal(pool_open(&one, 1, &err), 0);
	for (int far = 0; far < 2; far++) { /* logits that vary have blocks */
		int k = far ? 40 : 10;
		struct fit_data d = make(7, far ? 500 : MOST, k, far ? 30 : 1e-3, far ? 2 : 0.5);
		set.l2 = set.l2_bias = far ? 0.1 : 0;
		for (int i = 0; i < 2; i++)
			assert_int_equal(calmap_fit(&map[i], MAP_DIRICHLET, &d, &set, i ? one : pool, &how, &err), 0);
		assert_true(how.steps > 60);
		assert_memory_equal(map[0].weight, map[1].weight, (size_t)(k * k) * sizeof(double));
		calmap_release(&map[0]);
		calmap_release(&map[1]);
	}
	pool_close(one);
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
		cmocka_unit_test(settles_at_the_bottom),
		cmocka_unit_test(settles_of_many_classes),
		cmocka_unit_test(steps_along_nothing_are_not_taken),
		cmocka_unit_test(threads_do_not_show),
	};
	return cmocka_run_group_tests(tests, open_pool, close_pool);
}
