/* The minimiser on bowls whose bottom is known: every coordinate counts, steps meet Wolfe's conditions and are few. */
#include "eval/calibrate/minimise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/eval/plain_rows.h"

static struct err err;

#define small(what, limit) \
	do { \
		double w_ = (what), l_ = (limit); \
		if (!(fabs(w_) <= l_)) \
			fail_msg("%s:%d: %s is %.12g, beyond %.3g", __func__, __LINE__, #what, w_, l_); \
	} while (0)

/* A bowl whose walls are straight far out; scale: how steep each side is. */
struct bowl {
	int n, calls;
	double centre[16], scale[16], unit; /* of the value; 0: 1 */
};

static int bowl_at(void *arg, const double *x, double *value, double *grad, struct err *e)
{
	struct bowl *b = arg;
	(void)e;
	b->calls++;
	*value = 0;
	for (int i = 0; i < b->n; i++) {
		double d = x[i] - b->centre[i], root = sqrt(1 + b->scale[i] * d * d);
		*value += root - 1;
		grad[i] = b->scale[i] * d / root * (b->unit > 0 ? b->unit : 1);
	}
	*value *= b->unit > 0 ? b->unit : 1;
	return 0;
}

static void every_coordinate_is_heeded(void **state)
{
	(void)state;
	for (int n = 1; n <= 16; n++)
		for (int at = 0; at < n; at++) {
			struct bowl b = { .n = n };
			struct objective f = { .n = (size_t)n, .at = bowl_at, .arg = &b, .noise = 1e-14 };
			struct minimum m;
			double x[17], end = 12345;
			for (int i = 0; i < n; i++) {
				b.scale[i] = 1 + i;
				x[i] = b.centre[i] = i - 3;
			}
			x[n] = end;
			x[at] += 5;
			assert_int_equal(minimise(&f, x, 1e-9, 500, &m, &err), 0);
			assert_true(m.converged && m.gradient <= 1e-9 && m.calls == b.calls && m.steps > 0);
			for (int i = 0; i < n; i++)
				small(x[i] - b.centre[i], 2e-9);
			assert_true(x[n] == end);
			small(m.value, 1e-15);
		}
}

/* After one step, which goes straight downhill: the strong Wolfe conditions. */
static void steps_meet_wolfes_conditions(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 400; i++) {
		struct rng r;
		struct bowl b = { .n = 1 + (int)(i % 16), .unit = i < 200 ? 1 : 0x1p-10 }; /* slopes of any size */
		struct objective f = { .n = (size_t)b.n, .at = bowl_at, .arg = &b, .noise = 1e-14 };
		struct minimum m;
		double x[16], x0[16], g0[16], g1[16], f0, f1, down = 0, slope = 0, a = 0;
		plain_rng(&r, i, 56);
		for (int k = 0; k < b.n; k++) {
			b.scale[k] = pow(10, 6 * rng_real(&r) - 3);
			x[k] = x0[k] = 10 * rng_normal(&r);
		}
		bowl_at(&b, x0, &f0, g0, &err);
		b.calls = 0;
		assert_int_equal(minimise(&f, x, 1e-12, 1, &m, &err), 0);
		assert_true(m.steps == 1 && !m.converged && b.calls < 40);
		bowl_at(&b, x, &f1, g1, &err);
		for (int k = 0; k < b.n; k++) {
			down += g0[k] * g0[k];
			slope += g0[k] * g1[k];
			a = fmax(a, fabs(g0[k]) > 0 ? (x0[k] - x[k]) / g0[k] : 0);
		}
		assert_true(f1 <= f0 - 1e-4 * a * down + 1e-12 * f0);
		assert_true(fabs(slope) <= 0.9 * down * (1 + 1e-9));
		assert_true(m.value == f1);
	}
}

/* Few calls suffice where Newton would: a bad step length or a lost curvature shows as many. */
static void few_steps_are_taken(void **state)
{
	(void)state;
	int calls = 0;
	for (uint32_t i = 0; i < 100; i++) {
		struct rng r;
		struct bowl b = { .n = 16 };
		struct objective f = { .n = 16, .at = bowl_at, .arg = &b, .noise = 1e-14 };
		struct minimum m;
		double x[16];
		plain_rng(&r, i, 57);
		for (int k = 0; k < 16; k++) {
			b.scale[k] = pow(10, 2 * rng_real(&r));
			x[k] = rng_normal(&r);
		}
		assert_int_equal(minimise(&f, x, 1e-9, 500, &m, &err), 0);
		assert_true(m.converged);
		calls += m.calls;
	}
	assert_in_range(calls, 6300, 6900); /* 6598 where this was written */
}

/* x^2 / 2 from 1: the first step goes to the bottom exactly, so one step is enough. */
static int parabola_at(void *arg, const double *x, double *value, double *grad, struct err *e)
{
	(void)arg, (void)e;
	*value = x[0] * x[0] / 2;
	grad[0] = x[0];
	return 0;
}

static void the_last_step_counts(void **state)
{
	(void)state;
	struct objective f = { .n = 1, .at = parabola_at, .arg = NULL, .noise = 1e-14 };
	struct minimum m;
	for (int most = 0; most < 3; most++) {
		double x = 1;
		assert_int_equal(minimise(&f, &x, 1e-12, most, &m, &err), 0);
		assert_int_equal(m.steps, most ? 1 : 0);
		assert_int_equal(m.converged, most > 0);
		x = 0;
		assert_int_equal(minimise(&f, &x, 1e-12, most, &m, &err), 0);
		assert_true(m.converged && !m.steps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_coordinate_is_heeded),
					    cmocka_unit_test(steps_meet_wolfes_conditions),
					    cmocka_unit_test(few_steps_are_taken),
					    cmocka_unit_test(the_last_step_counts) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
