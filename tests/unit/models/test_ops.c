/* One table of networks for every backend: ref against finite differences, the others against ref. Odd shapes, words
 * that occur in both partners, empty sentences, every parameter's gradient, a few optimiser steps, NaN. */
#include "models/nets/nets.h"
#include "on_host.h"
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

struct shape_case {
	const char *name;
	int n, vocabulary, dim, maps, widths, width[3], classes, longest, mixup, multichannel;
	double dropout, erl;
};
static const struct shape_case cases[] = {
	{ "kim, mixed", 5, 23, 20, 18, 3, { 3, 4, 5 }, 3, 9, 1, 0, 0.5, 0 },
	{ "kim, plain", 7, 40, 16, 16, 3, { 3, 4, 5 }, 2, 12, 0, 0, 0.5, 0 },
	{ "one map, one word", 3, 2, 1, 1, 1, { 1 }, 2, 2, 1, 0, 0, 0.1 },
	{ "wide vectors, ERL", 4, 31, 151, 7, 2, { 2, 6 }, 4, 5, 1, 0, 0.3, 0.5 },
	{ "multichannel", 5, 23, 20, 18, 3, { 3, 4, 5 }, 3, 9, 1, 1, 0.5, 0 },
};

enum { MAX_N = 8, MAX_TOKENS = 16 };

struct fixture {
	struct device dev;
	struct graph g;
	struct words words;
	struct batch batch;
	uint32_t begin[2 * MAX_N + 1], local[2 * MAX_N * MAX_TOKENS], word[64], partner[MAX_N], sample[MAX_N];
	float lambda[MAX_N], target[MAX_N * 8];
};

static double draw(uint32_t a, uint32_t b)
{
	struct rng r;
	rng_init(&r, 11, RNG_TEST, a, b);
	return rng_real(&r);
}

static void make_batch(struct fixture *f, const struct shape_case *c)
{
	uint32_t n = 0, seen[64] = { 0 };
	f->words = (struct words){ .sentences = c->n, .begin = f->begin, .local = f->local, .word = f->word };
	for (int s = 0; s < c->n; s++) {
		int len = s == 1 ? 0 : 1 + (int)(draw(1, (uint32_t)s) * c->longest); /* sentence 1 is empty */
		f->begin[s] = n;
		for (int t = 0; t < len; t++) {
			uint32_t v = (uint32_t)(draw(2, n) * c->vocabulary);
			if (!seen[v]) {
				f->word[f->words.distinct++] = v;
				seen[v] = (uint32_t)f->words.distinct;
			}
			f->local[n++] = seen[v] - 1;
		}
	}
	f->begin[c->n] = n;
	for (int i = 0; i < c->n; i++) {
		f->partner[i] = (uint32_t)((i + 2) % c->n);
		f->sample[i] = (uint32_t)(100 + i);
		f->lambda[i] = (float)draw(3, (uint32_t)i);
		double left = 1;
		for (int k = 0; k < c->classes; k++) {
			double t = k == c->classes - 1 ? left : left * draw(4, (uint32_t)(i * 8 + k));
			f->target[i * c->classes + k] = (float)t;
			left -= t;
		}
	}
	f->batch = (struct batch){ .n = c->n,
				   .words = &f->words,
				   .partner = c->mixup ? f->partner : NULL,
				   .lambda = f->lambda,
				   .target = f->target,
				   .seed = 5,
				   .epoch = 1,
				   .sample = f->sample };
}

static void fill(struct graph *g, int p, int salt, double scale, int fixed)
{
	struct err err = ERR_NONE;
	size_t n = param_size(&g->param[p]);
	float *w;
	assert_int_equal(mem_alloc(&w, n, sizeof *w, &err), 0);
	for (size_t i = 0; i < n; i++)
		w[i] = (float)(scale * (2 * draw((uint32_t)(50 + p + salt), (uint32_t)i) - 1));
	assert_int_equal(fixed ? graph_fix(g, p, w, &err) : graph_set(g, p, w, &err), 0);
	free(w);
}

static void setup_with(struct fixture *f, const struct shape_case *c, const char *device, int threads,
		       const struct update *u)
{
	struct err err = ERR_NONE;
	struct net_config config = { .classes = c->classes, .vocabulary = c->vocabulary, .dim = c->dim, .maps = c->maps,
				     .widths = c->widths, .multichannel = c->multichannel, .dropout = c->dropout,
				     .max_norm = 0.7, .erl = c->erl };
	memcpy(config.width, c->width, sizeof c->width);
	memset(f, 0, sizeof *f);
	if (device_open(&f->dev, device, threads, &err))
		fail_msg("%s", err.msg);
	graph_init(&f->g);
	assert_int_equal(net_kimcnn.build(&net_kimcnn, &f->g, &config, &err), 0);
	f->g.max_words = c->vocabulary;
	if (graph_compile(&f->g, &f->dev, MAX_N, u, &err))
		fail_msg("%s", err.msg);
	make_batch(f, c);
	for (int p = 0; p < f->g.n_params; p++)
		fill(&f->g, p, 0, 0.5, 0);
	if (c->multichannel)
		fill(&f->g, 0, 77, 0.5, 1);
}

static void setup(struct fixture *f, const struct shape_case *c, const char *device, const struct update *u)
{
	setup_with(f, c, device, 2, u);
}

static void teardown(struct fixture *f)
{
	graph_release(&f->g);
	device_close(&f->dev);
}

static double mean_loss(struct fixture *f)
{
	struct err err = ERR_NONE;
	float loss[MAX_N];
	double sum = 0;
	if (graph_forward(&f->g, &f->batch, PHASE_TRAIN, &err) || graph_read(&f->g, f->g.loss, f->batch.n, loss, &err))
		fail_msg("%s", err.msg);
	for (int i = 0; i < f->batch.n; i++)
		sum += loss[i];
	return sum / f->batch.n;
}

/* Floats of a gradient that the batch has made: a table's are by its words. */
static size_t gradient_size(const struct fixture *f, int p)
{
	const struct param *q = &f->g.param[p];
	return q->kind == PARAM_TABLE ? (size_t)f->words.distinct * (size_t)q->dim[1] : param_size(q);
}

/* Of element i of parameter p, of its gradient g. */
static double gradient(const struct fixture *f, int p, const float *g, size_t i)
{
	const struct param *q = &f->g.param[p];
	if (q->kind != PARAM_TABLE)
		return (double)g[i];
	size_t dim = (size_t)q->dim[1];
	for (int k = 0; k < f->words.distinct; k++)
		if (f->word[k] == i / dim)
			return (double)g[(size_t)k * dim + i % dim];
	return 0;
}

static const struct update plain = { .rule = RULE_SGD, .lr = 0.1 };

/* Central differences of a float32 loss: the step is large for float's sake, so the bound is 2 % of the gradient's size
 * plus what rounding of the loss gives (1e-7 / step); a maximum that changes its window inside the step shows as a
 * kink, so the few worst elements (1 and 1 in 50) are let go. */
static void finite_differences(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		struct fixture f;
		struct err err = ERR_NONE;
		setup(&f, &cases[c], "ref", &plain);
		mean_loss(&f);
		assert_int_equal(graph_backward(&f.g, &f.batch, &err), 0);
		for (int p = 0; p < f.g.n_params; p++) {
			struct param *q = &f.g.param[p];
			size_t n = param_size(q), bad = 0, tried = 0;
			double size = 0;
			float *g = on_host(&f.g, q->g, gradient_size(&f, p)), *w = weights_on_host(&f.g, p);
			for (size_t i = 0; i < n; i++)
				size = fmax(size, fabs(gradient(&f, p, g, i)));
			assert_true(size > 0 || cases[c].dim == 1);
			for (size_t i = 0; i < n; i += 1 + n / 40, tried++) {
				float high = w[i] + 2e-3f, low = w[i] - 2e-3f;
				set_element(&f.g, p, i, high);
				double up = mean_loss(&f);
				set_element(&f.g, p, i, low);
				double down = mean_loss(&f);
				set_element(&f.g, p, i, w[i]);
				double fd = (up - down) / ((double)high - (double)low);
				bad += !(fabs(fd - gradient(&f, p, g, i)) <= 0.02 * size + 2e-4);
			}
			free(g);
			free(w);
			if (bad > 1 + tried / 50)
				fail_msg("%s: %s: %zu of %zu gradients differ from finite differences", cases[c].name,
					 q->name, bad, tried);
		}
		teardown(&f);
	}
}

static void same(const char *what, const char *name, const float *a, const float *b, size_t n, double tol)
{
	double size = 1e-3;
	for (size_t i = 0; i < n; i++)
		size = fmax(size, fabs((double)b[i]));
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)a[i] - b[i]) <= tol * size))
			fail_msg("%s: %s[%zu] is %.9g, ref has %.9g", name, what, i, (double)a[i], (double)b[i]);
}

static void compare_all(struct fixture *f, struct fixture *ref, const char *name, double tol)
{
	struct err err = ERR_NONE;
	float a[MAX_N * 64], b[MAX_N * 64];
	for (int v = 0; v < f->g.n_values; v++) {
		size_t n = (size_t)f->batch.n * shape_size(f->g.value[v].shape);
		if (n > sizeof a / sizeof *a || (f->g.value[v].dies < 2 * f->g.n_ops - 1 && v != f->g.logits))
			continue; /* its memory may have been used again */
		assert_int_equal(
			graph_read(&f->g, v, f->batch.n, a, &err) || graph_read(&ref->g, v, f->batch.n, b, &err), 0);
		same(f->g.value[v].name, name, a, b, n, tol);
	}
	for (int p = 0; p < f->g.n_params; p++) {
		float *x = on_host(&f->g, f->g.param[p].g, gradient_size(f, p)),
		      *y = on_host(&ref->g, ref->g.param[p].g, gradient_size(f, p));
		same(f->g.param[p].name, name, x, y, gradient_size(f, p), tol);
		free(x);
		free(y);
	}
}

/* 3e-6 of the largest element: float32 sums of at most a few thousand terms against double ones. */
static void cpu_agrees(void **state)
{
	(void)state;
	static const struct update rules[] = {
		{ .rule = RULE_ADADELTA, .lr = 1, .rho = 0.95, .eps = 1e-6 },
		{ .rule = RULE_SGD, .lr = 0.1 },
		{ .rule = RULE_SGD, .lr = 0.1, .momentum = 0.9, .nesterov = 1, .weight_decay = 1e-2 },
		{ .rule = RULE_ADAM, .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8 },
	};
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
		for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
			struct fixture f, ref;
			struct err err = ERR_NONE;
			struct update u = rules[r];
			setup(&f, &cases[c], "cpu", &u);
			setup(&ref, &cases[c], "ref", &u);
			for (u.step = 1; u.step <= 12; u.step++) {
				/* every third step sees fewer words, so that rows go untouched and catch up */
				int few = u.step % 3 == 0;
				f.batch.n = ref.batch.n = few ? 1 : cases[c].n;
				f.batch.partner = ref.batch.partner = cases[c].mixup && !few ? f.partner : NULL;
				mean_loss(&f);
				mean_loss(&ref);
				assert_int_equal(graph_backward(&f.g, &f.batch, &err) ||
							 graph_backward(&ref.g, &ref.batch, &err),
						 0);
				if (u.step == 1)
					compare_all(&f, &ref, cases[c].name, 3e-6);
				assert_int_equal(graph_update(&f.g, &f.batch, &u, &err) ||
							 graph_update(&ref.g, &ref.batch, &u, &err),
						 0);
			}
			/* 12 steps later the two have drifted by rounding alone */
			for (int p = 0; p < f.g.n_params; p++) {
				float *x = weights_on_host(&f.g, p), *y = weights_on_host(&ref.g, p);
				same(f.g.param[p].name, cases[c].name, x, y, param_size(&f.g.param[p]), 2e-3);
				free(x);
				free(y);
			}
			teardown(&f);
			teardown(&ref);
		}
}

/* Prediction keeps projections between batches; it must see new weights. */
static void cache_follows_weights(void **state)
{
	(void)state;
	struct fixture f, ref;
	struct err err = ERR_NONE;
	float a[MAX_N * 8], b[MAX_N * 8];
	setup(&f, &cases[1], "cpu", &plain);
	setup(&ref, &cases[1], "ref", &plain);
	for (int round = 0; round < 3; round++) {
		for (int again = 0; again < 2; again++) {
			assert_int_equal(graph_forward(&f.g, &f.batch, PHASE_PREDICT, &err), 0);
			assert_int_equal(graph_forward(&ref.g, &ref.batch, PHASE_PREDICT, &err), 0);
			assert_int_equal(graph_read(&f.g, f.g.logits, f.batch.n, a, &err), 0);
			assert_int_equal(graph_read(&ref.g, ref.g.logits, f.batch.n, b, &err), 0);
			same("logits", "prediction", a, b, (size_t)(f.batch.n * 2), 3e-6);
		}
		for (int p = 0; p < 3; p++) {
			fill(&f.g, p, 200 + round, 0.5, 0);
			fill(&ref.g, p, 200 + round, 0.5, 0);
		}
	}
	teardown(&f);
	teardown(&ref);
}

static void nan_is_seen(void **state)
{
	(void)state;
	static const char *const device[] = { "ref", "cpu" };
	for (int d = 0; d < 2; d++)
		for (int p = 0; p < 3; p++) {
			struct fixture f;
			setup(&f, &cases[0], device[d], &plain);
			size_t at = p ? 0 : (size_t)f.word[0] * (size_t)cases[0].dim;
			set_element(&f.g, p, at, NAN);
			assert_true(isnan(mean_loss(&f)));
			teardown(&f);
		}
}

static void threads_do_not_show(void **state)
{
	(void)state;
	struct fixture f[2];
	struct err err = ERR_NONE;
	for (int i = 0; i < 2; i++) {
		setup_with(&f[i], &cases[0], "cpu", 1 + 2 * i, &plain);
		mean_loss(&f[i]);
		assert_int_equal(graph_backward(&f[i].g, &f[i].batch, &err), 0);
	}
	for (int p = 0; p < f[0].g.n_params; p++)
		assert_true(same_bits(&f[0].g, &f[1].g, p, gradient_size(&f[0], p), 0));
	teardown(&f[0]);
	teardown(&f[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(finite_differences), cmocka_unit_test(cpu_agrees),
					    cmocka_unit_test(cache_follows_weights), cmocka_unit_test(nan_is_seen),
					    cmocka_unit_test(threads_do_not_show) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
