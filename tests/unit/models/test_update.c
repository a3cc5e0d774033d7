/* Optimiser steps: the cpu's against ref's at random sizes across every cut of the work, over several steps in which a
 * table's rows come and go; ref's against formulas written once more, one number at a time. */
#include "models/core/backend.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { STEPS = 7 };

static struct rng random_state;

static uint32_t below(uint32_t n)
{
	return rng_below(&random_state, n);
}

static float signed_unit(void)
{
	return (float)(2 * rng_real(&random_state) - 1);
}

static struct update random_rule(int table)
{
	static const double momenta[] = { 0, 0.5, 0.9 }, decays[] = { 0, 1e-2 };
	struct update u = { .rule = (enum rule)below(3),
			    .lr = 0.01 + rng_real(&random_state),
			    .momentum = momenta[below(3)],
			    .weight_decay = decays[below(2)],
			    .decay_all = (int)below(2),
			    .rho = 0.5 + 0.49 * rng_real(&random_state),
			    .eps = 1e-6,
			    .beta1 = 0.9,
			    .beta2 = 0.999 };
	u.nesterov = u.momentum > 0 && below(2);
	if (u.rule == RULE_ADAM) {
		u.lr = 1e-3;
		u.eps = 1e-4; /* of a gradient near 0 the direction alone would be compared, which is rounding's */
	}
	if (u.rule == RULE_ADADELTA) {
		u.lr = 1;
		u.weight_decay = table ? 0 : u.weight_decay;
	}
	return u;
}


static void take(float **p, size_t n)
{
	struct err err = ERR_NONE;
	if (mem_alloc(p, n + 16, sizeof **p, &err))
		fail_msg("%s", err.msg);
}

/* With the state that graph_compile gives it: what a rule does not need is NULL. */
static struct param make(const struct param *shape, const struct update *u, const float *w)
{
	struct param p = *shape;
	struct err err = ERR_NONE;
	size_t n = param_size(&p);
	take(&p.w, n);
	take(&p.g, n);
	if (u->rule != RULE_SGD || u->momentum > 0)
		take(&p.s1, n);
	if (u->rule != RULE_SGD)
		take(&p.s2, n);
	assert_int_equal(mem_alloc(&p.last, (size_t)p.dim[0], sizeof *p.last, &err), 0);
	memcpy(p.w, w, n * sizeof *w);
	return p;
}

static void give_back(struct param *p)
{
	free(p->w);
	free(p->s1);
	free(p->s2);
	free(p->g);
	free(p->last);
}

/* A batch's words: some of the rows, each once, in any order. */
static int choose_rows(uint32_t *rows, size_t all)
{
	int n = (int)below((uint32_t)all + 1);
	for (uint32_t i = 0; i < all; i++)
		rows[i] = i;
	rng_shuffle(&random_state, rows, all);
	return n;
}

/* Each difference is a few roundings of numbers as large as the largest. */
static void agree(const char *what, const struct update *u, const float *a, const float *b, size_t n, double tol)
{
	double size = 1e-3;
	for (size_t i = 0; i < n; i++)
		size = fmax(size, fabs((double)b[i]));
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)a[i] - b[i]) <= tol * size))
			fail_msg("rule %d, momentum %g, decay %g, step %u: %s[%zu] of %zu is %.9g, not %.9g", u->rule,
				 u->momentum, u->weight_decay, u->step, what, i, n, (double)a[i], (double)b[i]);
}

static struct param random_shape(void)
{
	static const enum param_kind kinds[] = { PARAM_WEIGHT, PARAM_BIAS, PARAM_TABLE, PARAM_SCALE };
	static const int64_t rows[] = { 1, 2, 31, 32, 33, 63, 64, 65, 100 },
			     across[] = { 1, 3, 16, 17, 127, 128, 129, 8191, 8192, 8193 };
	struct param p = { .kind = kinds[below(4)], .ndim = 2, .dim = { rows[below(9)], across[below(10)] } };
	if (p.dim[1] > 1000)
		p.dim[0] = 1 + below(2);
	p.max_norm = below(3) ? 0 : 0.1 + 2 * rng_real(&random_state);
	snprintf(p.name, sizeof p.name, "%lldx%lld", (long long)p.dim[0], (long long)p.dim[1]);
	return p;
}

/* A number's step by the papers' formulas. */
static void plain_step(const struct update *u, int decays, double g, double *w, double *s1, double *s2)
{
	g += decays ? u->weight_decay * *w : 0;
	if (u->rule == RULE_ADADELTA) {
		*s1 = u->rho * *s1 + (1 - u->rho) * g * g;
		double d = -sqrt((*s2 + u->eps) / (*s1 + u->eps)) * g;
		*s2 = u->rho * *s2 + (1 - u->rho) * d * d;
		*w += u->lr * d;
	} else if (u->rule == RULE_ADAM) {
		*s1 = u->beta1 * *s1 + (1 - u->beta1) * g;
		*s2 = u->beta2 * *s2 + (1 - u->beta2) * g * g;
		double m = *s1 / (1 - pow(u->beta1, u->step)), v = *s2 / (1 - pow(u->beta2, u->step));
		*w -= u->lr * m / (sqrt(v) + u->eps);
	} else {
		*s1 = u->momentum * *s1 + g;
		*w -= u->lr * (u->nesterov ? g + u->momentum * *s1 : *s1);
	}
}

/* All numbers of p, from the same gradients; w, s1 and s2 in double. */
static void plain(const struct param *p, const struct update *u, const uint32_t *rows, int n_rows, double *w,
		  double *s1, double *s2)
{
	size_t n = param_size(p), row = n / (size_t)p->dim[0];
	for (size_t i = 0; i < n; i++) {
		double g = p->kind == PARAM_TABLE ? 0 : (double)p->g[i];
		for (int k = 0; k < n_rows && p->kind == PARAM_TABLE; k++)
			g = rows[k] == i / row ? (double)p->g[(size_t)k * row + i % row] : g;
		plain_step(u, u->decay_all || p->kind == PARAM_WEIGHT || p->kind == PARAM_TABLE, g, w + i, s1 + i,
			   s2 + i);
	}
	for (size_t r = 0; r < (size_t)p->dim[0] && p->max_norm > 0; r++) {
		double norm = 0;
		for (size_t i = r * row; i < (r + 1) * row; i++)
			norm += w[i] * w[i];
		norm = sqrt(norm);
		for (size_t i = r * row; i < (r + 1) * row && norm > p->max_norm; i++)
			w[i] *= p->max_norm / norm;
	}
}

/* Rows that a batch did not touch are behind in Adadelta's states until they are touched: the cpu catches up then. */
static void catch_up(struct param *p, const struct update *u)
{
	size_t row = param_size(p) / (size_t)p->dim[0];
	for (size_t i = 0; i < param_size(p) && p->kind == PARAM_TABLE && u->rule == RULE_ADADELTA; i++) {
		float decay = (float)pow(u->rho, u->step - p->last[i / row]);
		p->s1[i] *= decay;
		p->s2[i] *= decay;
	}
	for (size_t r = 0; r < (size_t)p->dim[0]; r++)
		p->last[r] = u->step;
}

static void one(struct device *cpu, struct device *ref)
{
	struct param shape = random_shape();
	struct update u = random_rule(shape.kind == PARAM_TABLE);
	struct err err = ERR_NONE;
	size_t n = param_size(&shape), row = n / (size_t)shape.dim[0];
	float *w, *seen;
	uint32_t *rows;
	double *exact[3];
	take(&w, n);
	take(&seen, n);
	assert_int_equal(mem_alloc(&rows, (size_t)shape.dim[0], sizeof *rows, &err), 0);
	for (int k = 0; k < 3; k++)
		assert_int_equal(mem_alloc(&exact[k], n, sizeof **exact, &err), 0);
	for (size_t i = 0; i < n; i++)
		exact[0][i] = w[i] = signed_unit();
	struct param a = make(&shape, &u, w), b = make(&shape, &u, w);
	for (u.step = 1; u.step <= STEPS; u.step++) {
		int n_rows = shape.kind == PARAM_TABLE ? choose_rows(rows, (size_t)shape.dim[0]) : 0;
		for (size_t i = 0; i < (shape.kind == PARAM_TABLE ? (size_t)n_rows * row : n); i++)
			a.g[i] = b.g[i] = signed_unit();
		if (cpu->b->update(cpu->ctx, &a, &u, rows, n_rows, &err) ||
		    ref->b->update(ref->ctx, &b, &u, rows, n_rows, &err))
			fail_msg("%s", err.msg);
		plain(&b, &u, rows, n_rows, exact[0], exact[1], exact[2]);
		agree("w", &u, a.w, b.w, n, 2e-5);
		for (size_t i = 0; i < n; i++)
			seen[i] = (float)exact[0][i];
		agree("w of ref", &u, b.w, seen, n, 1e-5);
	}
	u.step = STEPS;
	catch_up(&a, &u);
	agree("s1", &u, a.s1, b.s1, a.s1 ? n : 0, 1e-5);
	agree("s2", &u, a.s2, b.s2, a.s2 ? n : 0, 1e-5);
	give_back(&a);
	give_back(&b);
	for (int k = 0; k < 3; k++)
		free(exact[k]);
	free(rows);
	free(w);
	free(seen);
}

static void steps_are_the_formulas(void **state)
{
	struct device cpu, ref;
	struct err err = ERR_NONE;
	(void)state;
	if (device_open(&cpu, "cpu", 2, &err) || device_open(&ref, "ref", 1, &err))
		fail_msg("%s", err.msg);
	for (uint32_t i = 0; i < (getenv("VIC_THOROUGH") ? 600 : 120); i++) {
		rng_init(&random_state, 31, RNG_TEST, i, 0);
		one(&cpu, &ref);
	}
	device_close(&cpu);
	device_close(&ref);
}

/* What the cpu cannot postpone exactly it refuses. */
static void what_cannot_be_postponed(void **state)
{
	struct device cpu;
	struct err err = ERR_NONE;
	struct update u = { .rule = RULE_ADADELTA, .lr = 1, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.1, .step = 1 };
	struct param shape = { .kind = PARAM_TABLE, .ndim = 2, .dim = { 3, 2 } };
	float w[6] = { 0 };
	uint32_t rows[1] = { 1 };
	(void)state;
	if (device_open(&cpu, "cpu", 1, &err))
		fail_msg("%s", err.msg);
	struct param p = make(&shape, &u, w);
	assert_int_equal(cpu.b->update(cpu.ctx, &p, &u, rows, 1, &err), -1);
	assert_non_null(strstr(err.msg, "weight decay"));
	give_back(&p);
	device_close(&cpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(steps_are_the_formulas),
					    cmocka_unit_test(what_cannot_be_postponed) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
