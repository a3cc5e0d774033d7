/* Optimiser steps of a device against ref's at random sizes across every cut of the work, over several steps in which a
 * table's rows come and go; and ref's against formulas written once more, one number at a time. */
#ifndef VIC_TEST_UPDATE_CASES_H
#define VIC_TEST_UPDATE_CASES_H

#include "models/core/backend.h"
#include "models/nets/nets.h"
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

static inline uint32_t below(uint32_t n)
{
	return rng_below(&random_state, n);
}

static inline float signed_unit(void)
{
	return (float)(2 * rng_real(&random_state) - 1);
}

static inline struct update random_rule(int table)
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
	u.clip_norm = below(3) ? 0 : 1;
	u.scale = 0.1 + 0.9 * rng_real(&random_state); /* read where clip_norm is above 0 alone */
	if (u.rule == RULE_ADAM) {
		u.lr = 1e-3;
		u.decoupled = (int)below(2);
		u.eps = 1e-4; /* of a gradient near 0 the direction alone would be compared, which is rounding's */
	}
	if (u.rule == RULE_ADADELTA) {
		u.lr = 1;
		u.weight_decay = table ? 0 : u.weight_decay;
	}
	return u;
}

static inline void take(float **p, size_t n)
{
	struct err err = ERR_NONE;
	if (mem_alloc(p, n, sizeof **p, &err))
		fail_msg("%s", err.msg);
}

static inline void *device_take(const struct device *d, size_t bytes)
{
	struct err err = ERR_NONE;
	void *p;
	if (d->b->alloc(d->ctx, &p, bytes, &err))
		fail_msg("%s", err.msg);
	return p;
}

static inline void to_device(const struct device *d, void *to, const void *from, size_t bytes)
{
	struct err err = ERR_NONE;
	if (d->b->upload(d->ctx, to, from, bytes, &err))
		fail_msg("%s", err.msg);
}

static inline void from_device(const struct device *d, void *to, const void *from, size_t bytes)
{
	struct err err = ERR_NONE;
	if (d->b->download(d->ctx, to, from, bytes, &err))
		fail_msg("%s", err.msg);
}

/* With the state that graph_compile gives it: what a rule does not need is NULL. */
static inline struct param param_make(const struct device *d, const struct param *shape, const struct update *u,
				      const float *w)
{
	struct param p = *shape;
	size_t bytes = param_size(&p) * sizeof *w;
	p.w = device_take(d, bytes);
	p.g = device_take(d, bytes);
	if (u->rule != RULE_SGD || u->momentum > 0)
		p.s1 = device_take(d, bytes);
	if (u->rule != RULE_SGD)
		p.s2 = device_take(d, bytes);
	if (p.kind == PARAM_TABLE)
		p.last = device_take(d, (size_t)p.dim[0] * sizeof *p.last);
	to_device(d, p.w, w, bytes);
	return p;
}

static inline void param_give_back(const struct device *d, struct param *p)
{
	void *own[] = { p->w, p->s1, p->s2, p->g, p->last };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (own[i])
			d->b->release(d->ctx, own[i]);
}

/* A batch's words: some of the rows, each once, in any order. */
static inline int choose_rows(uint32_t *rows, size_t all)
{
	int n = (int)below((uint32_t)all + 1);
	for (uint32_t i = 0; i < all; i++)
		rows[i] = i;
	rng_shuffle(&random_state, rows, all);
	return n;
}

/* Each difference is a few roundings of numbers as large as the largest. */
static inline void agree(const char *what, const struct update *u, const float *a, const float *b, size_t n, double tol)
{
	double size = 1e-3;
	for (size_t i = 0; i < n; i++)
		size = fmax(size, fabs((double)b[i]));
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)a[i] - b[i]) <= tol * size))
			fail_msg("rule %d, momentum %g, decay %g, step %u: %s[%zu] of %zu is %.9g, not %.9g", u->rule,
				 u->momentum, u->weight_decay, u->step, what, i, n, (double)a[i], (double)b[i]);
}

/* Three steps of torch.optim.AdamW (lr 0.1, weight_decay 0.3, eps 1e-6) after torch.nn.utils.clip_grad_norm_ of norm 1,
 * in PyTorch 2.15's float64. */
static inline void as_torch_clips_and_decays(const char *name)
{
	static const float first[] = { 0.5f, -1.25f, 2 },
			   g[3][3] = { { 0.3f, -0.7f, 1.1f }, { -2, 0.4f, 0 }, { 0.05f, 0.06f, -3 } };
	static const double want[3][3] = { { 0.385000446, -1.112500191, 1.840000122 },
					   { 0.4310637461, -1.042516126, 1.717794408 },
					   { 0.46160246, -0.9852463518, 1.682736686 } },
			    scale[] = { 0.7474345340931355, 0.49029009746096247, 0.33322031672497937 };
	struct update u = { .rule = RULE_ADAM, .lr = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-6,
			    .weight_decay = 0.3, .decoupled = 1, .clip_norm = 1 };
	struct err err = ERR_NONE;
	struct device d;
	struct param shape = { .kind = PARAM_WEIGHT, .ndim = 2, .dim = { 1, 3 } };
	struct graph graph = { .n_params = 1, .dev = &d };
	float w[3];
	assert_int_equal(device_open(&d, name, 1, &err), 0);
	struct param p = param_make(&d, &shape, &u, first);
	graph.param = &p;
	for (u.step = 1; u.step <= 3; u.step++) {
		to_device(&d, p.g, g[u.step - 1], sizeof g[0]);
		assert_int_equal(graph_clip_scale(&graph, NULL, &u, &u.scale, &err), 0);
		assert_true(fabs(u.scale - scale[u.step - 1]) < 1e-7);
		assert_int_equal(d.b->update(d.ctx, &p, &u, NULL, 0, &err), 0);
		from_device(&d, w, p.w, sizeof w);
		for (int i = 0; i < 3; i++)
			assert_true(fabs((double)w[i] - want[u.step - 1][i]) < 1e-6);
	}
	u.clip_norm = 9; /* above the norm: gradients stay as they are */
	assert_int_equal(graph_clip_scale(&graph, NULL, &u, &u.scale, &err), 0);
	assert_true(u.scale == 1);
	param_give_back(&d, &p);
	device_close(&d);
}

static inline struct param random_shape(void)
{
	static const enum param_kind kinds[] = { PARAM_WEIGHT, PARAM_BIAS, PARAM_TABLE, PARAM_SCALE };
	static const int64_t rows[] = { 1, 2, 31, 32, 33, 63, 64, 65, 100 },
			     across[] = { 1, 3, 16, 17, 127, 128, 129, 1025, 8191, 8192, 8193 };
	struct param p = { .kind = kinds[below(4)], .ndim = 2, .dim = { rows[below(9)], across[below(11)] } };
	if (p.dim[1] > 1000)
		p.dim[0] = 1 + below(2);
	p.max_norm = below(3) ? 0 : 0.1 + 2 * rng_real(&random_state);
	snprintf(p.name, sizeof p.name, "%lldx%lld", (long long)p.dim[0], (long long)p.dim[1]);
	return p;
}

/* A number's step by the papers' formulas. */
static inline void plain_step(const struct update *u, int decays, double g, double *w, double *s1, double *s2)
{
	g *= u->clip_norm > 0 ? u->scale : 1;
	if (u->decoupled)
		*w *= 1 - (decays ? u->lr * u->weight_decay : 0);
	else
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
static inline void plain(const struct param *p, const struct update *u, const uint32_t *rows, int n_rows, double *w,
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

/* Rows that a batch did not touch are behind in Adadelta's states until they are touched: a device catches up then. */
static inline void catch_up(const struct device *d, const struct param *p, const struct update *u, float *s)
{
	size_t n = param_size(p), rows = (size_t)p->dim[0];
	uint32_t *last;
	struct err err = ERR_NONE;
	if (p->kind != PARAM_TABLE || u->rule != RULE_ADADELTA)
		return;
	assert_int_equal(mem_alloc(&last, rows, sizeof *last, &err), 0);
	from_device(d, last, p->last, rows * sizeof *last);
	for (size_t i = 0; i < n; i++)
		s[i] *= (float)pow(u->rho, u->step - last[i / (n / rows)]);
	free(last);
}

/* One parameter on both devices; host copies of it. */
struct twins {
	struct device *dev, *ref;
	struct param a, b;
	size_t n, row;
	float *g, *x;
	double *exact[3]; /* w, s1, s2 */
	uint32_t *rows;
	int n_rows;
};

static inline void twins_step(struct twins *t, const struct update *u)
{
	struct err err = ERR_NONE;
	int table = t->a.kind == PARAM_TABLE;
	t->n_rows = table ? choose_rows(t->rows, (size_t)t->a.dim[0]) : 0;
	for (size_t i = 0; i < (table ? (size_t)t->n_rows * t->row : t->n); i++)
		t->g[i] = signed_unit();
	to_device(t->dev, t->a.g, t->g, t->n * sizeof *t->g);
	memcpy(t->b.g, t->g, t->n * sizeof *t->g);
	if (t->dev->b->update(t->dev->ctx, &t->a, u, t->rows, t->n_rows, &err) ||
	    t->ref->b->update(t->ref->ctx, &t->b, u, t->rows, t->n_rows, &err))
		fail_msg("%s", err.msg);
	plain(&t->b, u, t->rows, t->n_rows, t->exact[0], t->exact[1], t->exact[2]);
	from_device(t->dev, t->x, t->a.w, t->n * sizeof *t->x);
	agree("w", u, t->x, t->b.w, t->n, 2e-5);
	for (size_t i = 0; i < t->n; i++)
		t->x[i] = (float)t->exact[0][i];
	agree("w of ref", u, t->b.w, t->x, t->n, 1e-5);
}

/* What steps left in a state. */
static inline void states_agree(struct twins *t, const struct update *u, const char *name, const float *a,
				const float *b)
{
	if (!a)
		return;
	from_device(t->dev, t->x, a, t->n * sizeof *t->x);
	catch_up(t->dev, &t->a, u, t->x);
	agree(name, u, t->x, b, t->n, 1e-5);
}

static inline void one(struct device *dev, struct device *ref)
{
	struct param shape = random_shape();
	struct update u = random_rule(shape.kind == PARAM_TABLE);
	struct err err = ERR_NONE;
	struct twins t = { .dev = dev, .ref = ref, .n = param_size(&shape) };
	t.row = t.n / (size_t)shape.dim[0];
	take(&t.g, t.n);
	take(&t.x, t.n);
	assert_int_equal(mem_alloc(&t.rows, (size_t)shape.dim[0], sizeof *t.rows, &err), 0);
	for (int k = 0; k < 3; k++)
		assert_int_equal(mem_alloc(&t.exact[k], t.n, sizeof **t.exact, &err), 0);
	for (size_t i = 0; i < t.n; i++)
		t.exact[0][i] = t.x[i] = signed_unit();
	t.a = param_make(dev, &shape, &u, t.x);
	t.b = param_make(ref, &shape, &u, t.x);
	for (u.step = 1; u.step <= STEPS; u.step++)
		twins_step(&t, &u);
	u.step = STEPS;
	states_agree(&t, &u, "s1", t.a.s1, t.b.s1);
	states_agree(&t, &u, "s2", t.a.s2, t.b.s2);
	param_give_back(dev, &t.a);
	param_give_back(ref, &t.b);
	void *own[] = { t.g, t.x, t.rows, t.exact[0], t.exact[1], t.exact[2] };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		free(own[i]);
}

static inline void steps_on(const char *device)
{
	struct device dev, ref;
	struct err err = ERR_NONE;
	if (device_open(&dev, device, 2, &err) || device_open(&ref, "ref", 1, &err))
		fail_msg("%s", err.msg);
	for (uint32_t i = 0; i < (getenv("VIC_THOROUGH") ? 600 : 120); i++) {
		rng_init(&random_state, 31, RNG_TEST, i, 0);
		one(&dev, &ref);
	}
	device_close(&dev);
	device_close(&ref);
}

/* A small network of words on a device. */
static inline void net_on(struct device *d, struct graph *g, const struct update *u, int frozen_words)
{
	struct net_config c = { .classes = 3, .vocabulary = 21, .dim = 17, .maps = 80, .widths = 2, .width = { 2, 3 },
				.max_norm = 3, .frozen_words = frozen_words };
	struct err err = ERR_NONE;
	graph_init(g);
	g->max_words = 13;
	if (net_kimcnn.build(&net_kimcnn, g, &c, &err) || graph_compile(g, d, 2, u, &err))
		fail_msg("%s", err.msg);
}

/* Random weights, or gradients of `rows` of a table, the same on both. Returns the sum of their squares. */
static inline double fill_both(struct graph *a, struct graph *b, int gradients, int rows)
{
	static float x[5000];
	double squares = 0;
	for (int p = 0; p < a->n_params; p++) {
		struct param *of = &a->param[p];
		size_t n = param_size(of);
		n = gradients && of->kind == PARAM_TABLE ? n / (size_t)of->dim[0] * (size_t)rows : n;
		assert_true(n <= sizeof x / sizeof *x);
		if (gradients && !param_trained(of))
			continue;
		for (size_t i = 0; i < n; i++) {
			x[i] = signed_unit();
			squares += (double)x[i] * x[i];
		}
		to_device(a->dev, gradients ? of->g : of->w, x, n * sizeof *x);
		to_device(b->dev, gradients ? b->param[p].g : b->param[p].w, x, n * sizeof *x);
	}
	return squares;
}

/* Where a device tells the factor: by the norm of all gradients together. */
static inline void scales(const struct graph *g, const struct batch *b, const struct update *u, double squares)
{
	struct err err = ERR_NONE;
	double scale, want = fmin(1, u->clip_norm / (sqrt(squares) + 1e-6));
	if (!(u->clip_norm > 0) || !g->dev->b->squares)
		return;
	assert_int_equal(graph_clip_scale(g, b, u, &scale, &err), 0);
	if (!(fabs(scale - want) <= 1e-12))
		fail_msg("gradients of norm %g are multiplied by %.15g, not %.15g", sqrt(squares), scale, want);
}

/* Steps of all parameters at once by one rule, clipped or not, on both. */
static inline void clips_by(struct device *dev, struct device *ref, struct update u, int frozen_words)
{
	static float x[5000], y[5000];
	static const uint32_t row[] = { 20, 3, 0, 11, 7 };
	struct graph a, b;
	struct err err = ERR_NONE;
	net_on(dev, &a, &u, frozen_words);
	net_on(ref, &b, &u, frozen_words);
	fill_both(&a, &b, 0, 0);
	for (u.step = 1; u.step <= 4; u.step++) {
		struct words words = { .distinct = (int)u.step + 1, .word = row };
		struct batch batch = { .n = 1, .words = &words };
		double squares = fill_both(&a, &b, 1, words.distinct);
		scales(&a, &batch, &u, squares);
		scales(&b, &batch, &u, squares);
		if (graph_update(&a, &batch, &u, &err) || graph_update(&b, &batch, &u, &err))
			fail_msg("%s", err.msg);
		for (int p = 0; p < a.n_params; p++) {
			assert_int_equal(graph_get(&a, p, x, &err) || graph_get(&b, p, y, &err), 0);
			agree(a.param[p].name, &u, x, y, param_size(&a.param[p]), 2e-5);
		}
	}
	graph_release(&a);
	graph_release(&b);
}

/* Every rule with its gradient cut to a small norm, with a norm that is large enough, and without. */
static inline void clips_on(const char *device)
{
	static const double norms[] = { 0.5, 1e6, 0 };
	static const struct update rules[] = {
		{ .rule = RULE_ADAM, .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-4, .weight_decay = 0.3,
		  .decoupled = 1 },
		{ .rule = RULE_ADAM, .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-4, .weight_decay = 0.3,
		  .decoupled = 1, .decay_all = 1 },
		{ .rule = RULE_ADAM, .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-4 },
		{ .rule = RULE_SGD, .lr = 0.1, .momentum = 0.9, .nesterov = 1, .weight_decay = 0.01 },
		{ .rule = RULE_SGD, .lr = 0.1 },
		{ .rule = RULE_ADADELTA, .lr = 1, .rho = 0.9, .eps = 1e-6 },
	};
	struct device dev, ref;
	struct err err = ERR_NONE;
	if (device_open(&dev, device, 2, &err) || device_open(&ref, "ref", 1, &err))
		fail_msg("%s", err.msg);
	rng_init(&random_state, 33, RNG_TEST, 0, 0);
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		for (size_t k = 0; k < sizeof norms / sizeof *norms; k++) {
			struct update u = rules[i];
			u.clip_norm = norms[k];
			clips_by(&dev, &ref, u, 0);
			clips_by(&dev, &ref, u, 1);
		}
	device_close(&dev);
	device_close(&ref);
}

/* average += rate (w - average), at sizes across every cut of the work; what lies beyond stays. */
static inline void averages_on(const char *device)
{
	static const size_t sizes[] = { 1, 7, 255, 256, 257, 8191, 8192, 8193, 20011 };
	static const double rates[] = { 9.0 / 11, 0.1, 0.0001, 0, 1 };
	enum { MOST = 20011, BEYOND = 3 };
	static float a[MOST + BEYOND], w[MOST + BEYOND], now[MOST + BEYOND];
	struct device d;
	struct err err = ERR_NONE;
	if (device_open(&d, device, 2, &err))
		fail_msg("%s", err.msg);
	rng_init(&random_state, 32, RNG_TEST, 0, 0);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		double rate = rates[i % (sizeof rates / sizeof *rates)];
		size_t n = sizes[i], bytes = (n + BEYOND) * sizeof *a;
		float *average = device_take(&d, bytes), *weights = device_take(&d, bytes);
		for (size_t k = 0; k < n + BEYOND; k++) {
			a[k] = signed_unit();
			w[k] = k % 5 ? signed_unit() : a[k];
		}
		to_device(&d, average, a, bytes);
		to_device(&d, weights, w, bytes);
		if (d.b->average(d.ctx, average, weights, n, rate, &err))
			fail_msg("%s", err.msg);
		from_device(&d, now, average, bytes);
		for (size_t k = 0; k < n; k++) {
			double want = a[k] + rate * ((double)w[k] - a[k]);
			if (!(fabs(now[k] - want) <= 2e-7) || (k % 5 == 0 && now[k] != a[k]))
				fail_msg("%zu of %zu, rate %g: %.9g, not %.9g", k, n, rate, (double)now[k], want);
		}
		assert_memory_equal(now + n, a + n, BEYOND * sizeof *a);
		from_device(&d, now, weights, bytes);
		assert_memory_equal(now, w, bytes);
		d.b->release(d.ctx, average);
		d.b->release(d.ctx, weights);
	}
	device_close(&d);
}

/* What a device cannot postpone exactly it refuses. */
static inline void refuses_on(const char *device)
{
	struct device dev;
	struct err err = ERR_NONE;
	struct update u = { .rule = RULE_ADADELTA, .lr = 1, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.1, .step = 1 };
	struct param shape = { .kind = PARAM_TABLE, .ndim = 2, .dim = { 3, 2 } };
	float w[6] = { 0 };
	uint32_t rows[1] = { 1 };
	if (device_open(&dev, device, 1, &err))
		fail_msg("%s", err.msg);
	struct param p = param_make(&dev, &shape, &u, w);
	assert_int_equal(dev.b->update(dev.ctx, &p, &u, rows, 1, &err), -1);
	assert_non_null(strstr(err.msg, "weight decay"));
	param_give_back(&dev, &p);
	device_close(&dev);
}

#endif
