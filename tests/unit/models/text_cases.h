/* Small word CNNs and bags of n-grams compiled for a device, alone or in lockstep with ref, their batches, and what is
 * asked of every device: the numbers of ref, new weights seen, NaN not hidden. Arrays of a device are read by its
 * functions alone. */
#ifndef VIC_TEST_TEXT_CASES_H
#define VIC_TEST_TEXT_CASES_H

#include "lockstep.h"
#include "models/nets/nets.h"
#include "pipeline/base/philox.h"

struct shape_case {
	const char *name;
	int n, vocabulary, dim, maps /* 0: bow */, widths, width[3], classes, longest, mixup, multichannel;
	double dropout, erl;
	int flags;
};
enum {
	BEYOND = 1, /* as many sentences again follow the batch's, and partners are from there */
	FROZEN = 2, /* the table */
	EVERY = 4,  /* word of the vocabulary occurs */
	WHOLE = 8,  /* numbers, small ones: many windows tie, and sums are exact */
	ROOMY = 16, /* compiled for ROOM samples */
	SENTENCES = 32, /* are mixed, encoded, and not words */
};
static const struct shape_case cases[] = {
	{ "kim, mixed", 5, 23, 20, 18, 3, { 3, 4, 5 }, 3, 9, 1, 0, 0.5, 0, 0 },
	{ "kim, plain", 7, 40, 16, 16, 3, { 3, 4, 5 }, 2, 12, 0, 0, 0.5, 0, 0 },
	{ "one map, one word", 3, 2, 1, 1, 1, { 1 }, 2, 2, 1, 0, 0, 0.1, 0 },
	{ "wide vectors, ERL", 4, 31, 151, 7, 2, { 2, 6 }, 4, 5, 1, 0, 0.3, 0.5, 0 },
	{ "multichannel", 5, 23, 20, 18, 3, { 3, 4, 5 }, 3, 9, 1, 1, 0.5, 0, 0 },
	{ "partners beyond the batch", 4, 30, 12, 9, 3, { 1, 2, 7 }, 3, 6, 1, 0, 0, 0, BEYOND },
	{ "ties", 6, 6, 8, 20, 2, { 2, 3 }, 3, 12, 1, 0, 0, 0, WHOLE },
	{ "frozen table", 5, 23, 20, 18, 3, { 3, 4, 5 }, 3, 9, 1, 0, 0.5, 0, FROZEN },
	{ "sentences mixed", 5, 23, 20, 18, 3, { 3, 4, 5 }, 3, 9, 1, 0, 0.5, 0, SENTENCES },
	{ "sentences mixed, not dropped", 7, 40, 16, 17, 2, { 2, 6 }, 4, 12, 1, 0, 0, 0.2, SENTENCES },
};
enum { CASES = sizeof cases / sizeof *cases };
/* The weights of n-grams. */
static const struct shape_case bow_cases[] = {
	{ "bow, mixed, dropped", 5, 23, 3, 0, 0, { 0 }, 3, 9, 1, 0, 0.4, 0, 0 },
	{ "bow, plain", 7, 40, 2, 0, 0, { 0 }, 2, 12, 0, 0, 0, 0.2, 0 },
	{ "bow, partners beyond the batch", 4, 30, 5, 0, 0, { 0 }, 5, 6, 1, 0, 0.3, 0, BEYOND },
};
enum { BOW_CASES = sizeof bow_cases / sizeof *bow_cases };

enum { MAX_N = 8, MAX_TOKENS = 48, MAX_WORDS = 300, ROOM = 131 };

struct fixture {
	struct device dev, outer; /* outer: what the graph was compiled for */
	struct backend_ctx *lock; /* NULL: alone */
	struct graph g;
	struct words words;
	struct batch batch;
	uint32_t begin[2 * MAX_N + 1], local[2 * MAX_N * MAX_TOKENS], word[MAX_WORDS], partner[MAX_N], sample[MAX_N];
	float lambda[MAX_N], target[MAX_N * 8];
};

static inline double draw(uint32_t a, uint32_t b)
{
	struct rng r;
	rng_init(&r, 11, RNG_TEST, a, b);
	return rng_real(&r);
}

/* The sentences: sentence 1 is empty, and where every word occurs the others are as long as there is room for. */
static inline void make_words(struct fixture *f, const struct shape_case *c)
{
	uint32_t n = 0, seen[MAX_WORDS] = { 0 }, next = 0;
	f->words = (struct words){ .sentences = c->flags & BEYOND ? 2 * c->n : c->n, .begin = f->begin,
				   .local = f->local, .word = f->word };
	for (int s = 0; s < f->words.sentences; s++) {
		int len = s == 1 ? 0 : 1 + (int)(draw(1, (uint32_t)s) * c->longest);
		f->begin[s] = n;
		for (int t = 0; t < ((c->flags & EVERY) && s != 1 ? MAX_TOKENS : len); t++) {
			uint32_t v = (uint32_t)(draw(2, n) * c->vocabulary);
			if ((c->flags & EVERY) && next < (uint32_t)c->vocabulary)
				v = (next++ * 7 + 3) % (uint32_t)c->vocabulary;
			if (!seen[v]) {
				f->word[f->words.distinct++] = v;
				seen[v] = (uint32_t)f->words.distinct;
			}
			f->local[n++] = seen[v] - 1;
		}
	}
	f->begin[f->words.sentences] = n;
	assert_true(!(c->flags & EVERY) || f->words.distinct == c->vocabulary);
}

static inline void make_batch(struct fixture *f, const struct shape_case *c)
{
	make_words(f, c);
	for (int i = 0; i < c->n; i++) {
		f->partner[i] = (uint32_t)(c->flags & BEYOND ? 2 * c->n - 1 - i : (i + 2) % c->n);
		f->sample[i] = (uint32_t)(100 + i);
		f->lambda[i] = c->flags & WHOLE ? 0.5f : (float)draw(3, (uint32_t)i);
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
				   .mix_at = (c->flags & SENTENCES) != 0,
				   .lambda = f->lambda,
				   .target = f->target,
				   .seed = 5,
				   .epoch = 1,
				   .sample = f->sample };
}

/* Numbers from -scale to scale; scale 0: -1, 0 or 1. */
static inline void fill(struct graph *g, int p, int salt, double scale, int fixed)
{
	struct err err = ERR_NONE;
	size_t n = param_size(&g->param[p]);
	float *w = floats(n);
	for (size_t i = 0; i < n; i++) {
		double u = draw((uint32_t)(50 + p + salt), (uint32_t)i);
		w[i] = (float)(scale > 0 ? scale * (2 * u - 1) : floor(3 * u) - 1);
	}
	assert_int_equal(fixed ? graph_fix(g, p, w, &err) : graph_set(g, p, w, &err), 0);
	free(w);
}

/* tol 0: compiled for the device alone; else in lockstep with ref. */
static inline void setup_locked(struct fixture *f, const struct shape_case *c, const char *device, int threads,
				const struct update *u, double tol)
{
	struct err err = ERR_NONE;
	struct net_config config = { .classes = c->classes, .vocabulary = c->vocabulary, .dim = c->dim, .maps = c->maps,
				     .widths = c->widths, .multichannel = c->multichannel, .dropout = c->dropout,
				     .max_norm = 0.7, .erl = c->erl, .frozen_words = (c->flags & FROZEN) != 0,
				     .mix_hidden = (c->flags & SENTENCES) != 0 };
	memcpy(config.width, c->width, sizeof c->width);
	memset(f, 0, sizeof *f);
	if (device_open(&f->dev, device, threads, &err))
		fail_msg("%s", err.msg);
	graph_init(&f->g);
	const struct net *net = c->maps ? &net_kimcnn : &net_bow;
	assert_int_equal(net->build(net, &f->g, &config, &err), 0);
	f->g.max_words = c->vocabulary;
	f->outer = f->dev;
	if (tol > 0) {
		assert_int_equal(mem_alloc(&f->lock, 1, sizeof *f->lock, &err), 0);
		f->outer = lockstep_open(f->lock, f->dev, &f->g, c->name, tol);
	}
	if (graph_compile(&f->g, &f->outer, c->flags & ROOMY ? ROOM : MAX_N, u, &err))
		fail_msg("%s", err.msg);
	make_batch(f, c);
	for (int p = 0; p < f->g.n_params; p++)
		fill(&f->g, p, 0, c->flags & WHOLE ? 0 : 0.5, 0);
	if (c->multichannel)
		fill(&f->g, 0, 77, 0.5, 1);
}

static inline void setup(struct fixture *f, const struct shape_case *c, const char *device, const struct update *u)
{
	setup_locked(f, c, device, 2, u, 0);
}

static inline void teardown(struct fixture *f)
{
	if (f->lock)
		lockstep_close(f->lock);
	graph_release(&f->g);
	free(f->lock);
	device_close(&f->dev);
}

static inline double mean_loss(struct fixture *f)
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

/* n floats of the device's memory; the caller frees them. */
static inline float *copy_of(const struct fixture *f, const float *from, size_t n)
{
	struct err err = ERR_NONE;
	float *to = floats(n);
	if (f->dev.b->download(f->dev.ctx, to, from, n * sizeof *to, &err))
		fail_msg("%s", err.msg);
	return to;
}

static const struct update plain = { .rule = RULE_SGD, .lr = 0.1 };

static inline void same(const char *what, const char *name, const float *a, const float *b, size_t n, double tol)
{
	double size = 1e-3;
	for (size_t i = 0; i < n; i++)
		size = fmax(size, fabs((double)b[i]));
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)a[i] - b[i]) <= tol * size))
			fail_msg("%s: %s[%zu] is %.9g, ref has %.9g", name, what, i, (double)a[i], (double)b[i]);
}

/* The same arrays of two devices. */
static inline void same_on(const char *what, const char *name, const struct fixture *f, const float *a,
			   const struct fixture *ref, const float *b, size_t n, double tol)
{
	float *x = copy_of(f, a, n), *y = copy_of(ref, b, n);
	same(what, name, x, y, n, tol);
	free(x);
	free(y);
}

static inline void compare_all(struct fixture *f, struct fixture *ref, const char *name, double tol)
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
		struct param *q = &f->g.param[p];
		size_t n = q->kind == PARAM_TABLE ? (size_t)f->words.distinct * (size_t)q->dim[1] : param_size(q);
		if (!q->frozen)
			same_on(q->name, name, f, q->g, ref, ref->g.param[p].g, n, tol);
	}
}

/* Of step `step`: other partners and weights. Every third step sees one sentence alone, so that rows go untouched and
 * catch up. */
static inline void next_batch(struct fixture *f, const struct shape_case *c, uint32_t step)
{
	int few = step % 3 == 0;
	f->batch.n = few ? 1 : c->n;
	f->batch.partner = c->mixup && !few ? f->partner : NULL;
	for (int i = 0; i < c->n && step > 1; i++) {
		f->lambda[i] = (float)draw(500 + step, (uint32_t)i);
		if (!(c->flags & BEYOND))
			f->partner[i] = (uint32_t)((i + (int)step) % c->n);
	}
}

/* One step of training; the first is compared array by array. */
static inline void step_both(struct fixture *f, struct fixture *ref, const struct shape_case *c, const struct update *u)
{
	struct err err = ERR_NONE;
	next_batch(f, c, u->step);
	next_batch(ref, c, u->step);
	if (u->step > 1) {
		assert_int_equal(graph_step(&f->g, &f->batch, u, &err) || graph_step(&ref->g, &ref->batch, u, &err), 0);
		return;
	}
	mean_loss(f);
	mean_loss(ref);
	assert_int_equal(graph_backward(&f->g, &f->batch, &err) || graph_backward(&ref->g, &ref->batch, &err), 0);
	compare_all(f, ref, c->name, 3e-6);
	assert_int_equal(graph_update(&f->g, &f->batch, u, &err) || graph_update(&ref->g, &ref->batch, u, &err), 0);
}

/* 3e-6 of the largest element: float32 sums of at most a few thousand terms against double ones. */
static inline void agrees_with_ref(const char *device, const struct shape_case *c)
{
	static const struct update rules[] = {
		{ .rule = RULE_SGD, .lr = 0.1 },
		{ .rule = RULE_ADADELTA, .lr = 1, .rho = 0.95, .eps = 1e-6 },
		{ .rule = RULE_SGD, .lr = 0.1, .momentum = 0.9, .nesterov = 1, .weight_decay = 1e-2 },
		{ .rule = RULE_ADAM, .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8 },
		{ .rule = RULE_SGD, .lr = 0.1, .clip_norm = 0.3 },
		{ .rule = RULE_ADAM, .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.1,
		  .decoupled = 1, .clip_norm = 0.2 },
	};
	/* of exact ties one plain step: the others, and later ones, would ask which way rounding breaks them */
	int ties = c->flags & WHOLE;
	for (size_t r = 0; r < (ties ? 1 : sizeof rules / sizeof *rules); r++) {
		struct fixture f, ref;
		struct update u = rules[r];
		setup(&f, c, device, &u);
		setup(&ref, c, "ref", &u);
		for (u.step = 1; u.step <= (ties ? 1u : 12u); u.step++) {
			u.lr = rules[r].lr * (1 + u.step % 3) / 3;
			step_both(&f, &ref, c, &u);
		}
		/* 12 steps later the two have drifted by rounding alone */
		for (int p = 0; p < f.g.n_params; p++)
			same_on(f.g.param[p].name, c->name, &f, f.g.param[p].w, &ref, ref.g.param[p].w,
				param_size(&f.g.param[p]), 2e-3);
		teardown(&f);
		teardown(&ref);
	}
}

/* Prediction keeps projections between batches; it must see new weights. */
static inline void follows_weights(const char *device)
{
	struct fixture f, ref;
	struct err err = ERR_NONE;
	float a[MAX_N * 8], b[MAX_N * 8];
	setup(&f, &cases[1], device, &plain);
	setup(&ref, &cases[1], "ref", &plain);
	for (int round = 0; round < 3; round++) {
		for (int again = 0; again < 3; again++) {
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

static inline void sees_nan(const char *device)
{
	struct err err = ERR_NONE;
	for (int p = 0; p < 3; p++) {
		struct fixture f;
		setup(&f, &cases[0], device, &plain);
		size_t at = p ? 0 : (size_t)f.word[0] * (size_t)cases[0].dim, n = param_size(&f.g.param[p]);
		float *w = copy_of(&f, f.g.param[p].w, n);
		w[at] = NAN;
		assert_int_equal(graph_set(&f.g, p, w, &err), 0);
		assert_true(isnan(mean_loss(&f)));
		free(w);
		teardown(&f);
	}
}

#endif
