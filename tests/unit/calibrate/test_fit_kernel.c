/* The hot loops of fits, with every instruction set, against the same written out in long double: at numbers of classes
 * on either side of each vector and each eight, and of records of every depth. */
#include "eval/calibrate/fit_kernel.h"
#include "eval/calibrate/lanes.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 70, DEPTH = 40 };
#define ALIGNED __attribute__((aligned(64)))

static const struct fit_ops *ops;

#define near(got, want, tol)                                                                                           \
	do {                                                                                                           \
		long double g_ = (got), w_ = (want);                                                                   \
		if (!(fabsl(g_ - w_) <= (tol) * (1 + fabsl(w_))) && !(isinf(g_) && g_ == w_))                          \
			fail_msg("%s:%d: %s is %.17Lg, not %.17Lg", __func__, __LINE__, #got, g_, w_);                 \
	} while (0)

/* Numbers of classes around multiples of eight as often as others. */
static size_t classes(struct rng *r)
{
	size_t near_eight = 8 * (1 + rng_below(r, 7)) + rng_below(r, 3) - 1;
	return rng_below(r, 2) ? near_eight : 1 + rng_below(r, MOST - 1);
}

static void tiles(void **state)
{
	(void)state;
	for (int v = 0; (ops = fit_variant(v)); v++)
		for (uint32_t i = 0; i < 40; i++) {
			struct rng r;
			double a[DEPTH * PRODUCT_LEFT] ALIGNED, b[DEPTH * PRODUCT_RIGHT] ALIGNED;
			double c[2][PRODUCT_LEFT * PRODUCT_RIGHT] ALIGNED;
			float fa[DEPTH * PRODUCT_LEFT] ALIGNED, fb[DEPTH * PRODUCT_RIGHT] ALIGNED;
			rng_init(&r, 1, RNG_TEST, i, 0);
			size_t depth = rng_below(&r, DEPTH + 1);
			for (size_t j = 0; j < DEPTH * PRODUCT_LEFT; j++)
				a[j] = fa[j] = (float)rng_normal(&r);
			for (size_t j = 0; j < DEPTH * PRODUCT_RIGHT; j++)
				b[j] = fb[j] = (float)rng_normal(&r);
			ops->tile(a, b, depth, c[0]);
			ops->tile_narrow(fa, fb, depth, c[1]);
			for (size_t m = 0; m < PRODUCT_LEFT; m++)
				for (size_t n = 0; n < PRODUCT_RIGHT; n++) {
					long double want = 0;
					for (size_t d = 0; d < depth; d++)
						want += (long double)a[d * PRODUCT_LEFT + m] * b[d * PRODUCT_RIGHT + n];
					near(c[0][m * PRODUCT_RIGHT + n], want, 1e-13L);
					near(c[1][m * PRODUCT_RIGHT + n], want, 1e-4L);
				}
		}
}

/* Loss, its slope and the two moments after it, of eight records side by side, added to what was there. */
static void temperatures(void **state)
{
	(void)state;
	for (int v = 0; (ops = fit_variant(v)); v++)
		for (uint32_t i = 0; i < 60; i++) {
			struct rng r;
			double z[MOST * LANES] ALIGNED, own[LANES] ALIGNED, sum[FIT_SUMS * LANES] ALIGNED,
				before[FIT_SUMS * LANES];
			rng_init(&r, 2, RNG_TEST, i, 0);
			int k = 1 + (int)rng_below(&r, MOST - 1);
			double beta = pow(10, (int)rng_below(&r, 5) - 3), size = pow(10, (int)rng_below(&r, 3));
			for (int j = 0; j < k * LANES; j++)
				z[j] = j >= LANES && rng_below(&r, 9) == 0 ? -INFINITY : size * rng_normal(&r);
			for (int l = 0; l < LANES; l++)
				do
					own[l] = z[(int)rng_below(&r, (uint32_t)k) * LANES + l];
				while (own[l] == -INFINITY);
			for (int j = 0; j < FIT_SUMS * LANES; j++)
				sum[j] = before[j] = rng_real(&r);
			ops->temperature(z, own, k, beta, sum);
			for (int l = 0; l < LANES; l++) {
				long double max = -INFINITY, mass = 0, m[4] = { 0 };
				for (int c = 0; c < k; c++)
					max = fmaxl(max, z[c * LANES + l]);
				for (int c = 0; c < k; c++) {
					long double x = (long double)beta * (z[c * LANES + l] - max), e = expl(x);
					mass += e;
					for (int q = 1; q < 4 && e > 0; q++)
						m[q] += e * powl(x, q);
				}
				long double label = (long double)beta * (own[l] - max), mean = m[1] / mass;
				long double want[] = { logl(mass) - label, mean - label, m[2] / mass - mean * mean,
						       m[3] / mass - 3 * mean * m[2] / mass + 2 * mean * mean * mean };
				long double scale = 1 + fabsl(mean * mean * mean) + fabsl(m[3] / mass) + fabsl(label);
				for (int q = 0; q < 4; q++)
					near((sum[q * LANES + l] - (long double)before[q * LANES + l]) / scale,
					     want[q] / scale, 1e-13L);
			}
		}
}

static void affine_inputs(void **state)
{
	(void)state;
	for (int v = 0; (ops = fit_variant(v)); v++)
		for (uint32_t i = 0; i < 200; i++) {
			struct rng r;
			double z[MOST] ALIGNED, scaled[MOST] ALIGNED, offset[MOST] ALIGNED, x[MOST] ALIGNED,
				out[MOST] ALIGNED;
			float f[MOST] ALIGNED;
			rng_init(&r, 3, RNG_TEST, i, 0);
			size_t k = classes(&r);
			int wide = (int)rng_below(&r, 2), alone = (int)rng_below(&r, 2);
			double by = pow(10, (int)rng_below(&r, 5) - 2);
			for (size_t c = 0; c < k; c++) {
				z[c] = f[c] = rng_below(&r, 6) ? (float)rng_normal(&r) : -INFINITY;
				scaled[c] = rng_normal(&r);
				offset[c] = rng_normal(&r);
			}
			ops->affine_in(wide ? (const void *)z : f, wide, by, alone ? NULL : scaled, offset, k, x, out);
			for (size_t c = 0; c < k; c++) {
				long double u = z[c] > -INFINITY ? (long double)z[c] * by : 0;
				near(x[c], u, 1e-15L);
				near(out[c], z[c] > -INFINITY ? offset[c] + (alone ? 0 : scaled[c] * u) : -INFINITY,
				     1e-14L);
			}
		}
}

static void below_the_largest(void **state)
{
	(void)state;
	for (int v = 0; (ops = fit_variant(v)); v++)
		for (uint32_t i = 0; i < 300; i++) {
			struct rng r;
			double u[MOST] ALIGNED, was[MOST], max = -INFINITY;
			rng_init(&r, 4, RNG_TEST, i, 0);
			size_t k = classes(&r), top = rng_below(&r, (uint32_t)k);
			for (size_t c = 0; c < k; c++) {
				u[c] = was[c] = rng_normal(&r) + (c == top ? 9 : 0) - (i % 2 ? 40 : 0);
				max = fmax(max, u[c]);
			}
			ops->below_largest(u, k);
			for (size_t c = 0; c < k; c++)
				assert_true(u[c] == was[c] - max);
		}
}

/* Slopes of the loss, added up; the rest of the room stays as it was. */
static void slopes(void **state)
{
	(void)state;
	for (int v = 0; (ops = fit_variant(v)); v++)
		for (uint32_t i = 0; i < 300; i++) {
			struct rng r;
			double e[MOST] ALIGNED, was[MOST], x[MOST] ALIGNED, gb[MOST] ALIGNED, gw[MOST] ALIGNED, b[MOST],
				w[MOST];
			long double mass = 0;
			rng_init(&r, 5, RNG_TEST, i, 0);
			size_t k = classes(&r), label = rng_below(&r, (uint32_t)k);
			int alone = (int)rng_below(&r, 2);
			for (size_t c = 0; c < MOST; c++) {
				e[c] = was[c] = rng_real(&r);
				x[c] = rng_normal(&r);
				gb[c] = b[c] = rng_normal(&r);
				gw[c] = w[c] = rng_normal(&r);
			}
			for (size_t c = 0; c < k; c++)
				mass += e[c];
			near(ops->affine_out(e, x, k, label, gb, alone ? NULL : gw), mass, 1e-14L);
			for (size_t c = 0; c < MOST; c++) {
				long double g = c < k ? was[c] / mass - (c == label) : 0;
				near(e[c], c < k ? g : was[c], 1e-14L);
				near(gb[c], b[c] + g, 1e-14L);
				near(gw[c], w[c] + (alone ? 0 : g * x[c]), 1e-14L);
			}
		}
}

static void sums_in_lanes(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		struct rng r;
		double v[MOST] = { 0 }, w[MOST], max = -INFINITY;
		long double sum = 0, dot = 0;
		rng_init(&r, 6, RNG_TEST, i, 0);
		size_t n = classes(&r);
		for (size_t c = 0; c < n; c++) {
			v[c] = rng_normal(&r) - (i % 3 ? 0 : 50);
			w[c] = rng_normal(&r);
			max = fmax(max, v[c]);
			sum += v[c];
			dot += (long double)v[c] * w[c];
		}
		assert_true(lanes_largest(v, n) == max);
		near(lanes_sum(v, n), sum, 1e-12L);
		near(lanes_dot(v, w, n), dot, 1e-12L);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiles),	 cmocka_unit_test(temperatures),
		cmocka_unit_test(affine_inputs), cmocka_unit_test(below_the_largest),
		cmocka_unit_test(slopes),	 cmocka_unit_test(sums_in_lanes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
