/* The network of words at random sizes that cross every cut of the cpu's work (words, maps, vectors, features, runs of
 * a frequent word, sentences of no words and of hundreds): values, gradients and predictions against ref, at one thread
 * and at several. */
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

static struct rng random_state;

static uint32_t below(uint32_t n)
{
	return rng_below(&random_state, n);
}

static void *take(size_t n, size_t size)
{
	struct err err = ERR_NONE;
	void *p;
	if (mem_alloc(&p, n + 1, size, &err))
		fail_msg("%s", err.msg);
	return p;
}

struct task {
	struct net_config config;
	struct words words;
	struct batch batch;
	int sentences, longest;
	uint32_t *begin, *local, *word, *partner, *sample;
	float *lambda, *target;
	char text[160];
};

/* Long sentences have short vectors, for ref's sake. */
static struct net_config random_config(int longest)
{
	static const int dims[] = { 1, 2, 15, 16, 17, 100, 111, 112, 113, 127, 128, 129, 240 };
	static const int maps[] = { 1, 4, 5, 6, 15, 16, 17, 31, 33, 40 },
			 vocabularies[] = { 2, 30, 127, 129, 145, 290, 400 };
	struct net_config c = { .classes = 2 + (int)below(4), .vocabulary = vocabularies[below(7)],
					.dim = dims[below(longest > 100 ? 5 : 13)],
				.maps = maps[below(10)], .widths = 1 + (int)below(4), .multichannel = below(4) == 0,
				.frozen_words = below(5) == 0, .dropout = below(2) ? 0.5 : 0, .max_norm = 3,
				.erl = below(3) ? 0 : 0.2 };
	for (int k = 0; k < c.widths; k++)
		c.width[k] = 1 + (int)below(k ? 7 : 5);
	return c;
}

/* Sentences of few words of few kinds, or of many: a word may stand in more places than are summed at a time. */
static void make_words(struct task *t)
{
	uint32_t v = (uint32_t)t->config.vocabulary, kinds = below(3) ? v : 1 + below(v < 3 ? v : 3), at = 0;
	uint32_t *seen = take(v, sizeof *seen);
	t->begin = take((size_t)t->sentences + 1, sizeof *t->begin);
	t->local = take((size_t)t->sentences * (size_t)t->longest, sizeof *t->local);
	t->word = take(v, sizeof *t->word);
	t->words = (struct words){ .sentences = t->sentences, .begin = t->begin, .local = t->local, .word = t->word };
	for (int s = 0; s < t->sentences; s++) {
		uint32_t n = below(5) ? below((uint32_t)t->longest + 1) : 0;
		t->begin[s] = at;
		for (uint32_t k = 0; k < n; k++) {
			uint32_t w = below(kinds);
			if (!seen[w]) {
				t->word[t->words.distinct] = w;
				seen[w] = (uint32_t)++t->words.distinct;
			}
			t->local[at++] = seen[w] - 1;
		}
	}
	t->begin[t->sentences] = at;
	free(seen);
}

static void make_task(struct task *t)
{
	int longest = below(4) ? 1 + (int)below(30) : 300, n = below(4) ? 1 + (int)below(9) : 40;
	int beyond = (int)below(2), mixed = below(3) > 0;
	*t = (struct task){ .config = random_config(longest), .sentences = n + beyond * (int)below(10),
		.longest = longest };
	make_words(t);
	int k = t->config.classes;
	t->partner = take((size_t)n, sizeof *t->partner);
	t->sample = take((size_t)n, sizeof *t->sample);
	t->lambda = take((size_t)n, sizeof *t->lambda);
	t->target = take((size_t)n * (size_t)k, sizeof *t->target);
	for (int i = 0; i < n; i++) {
		t->partner[i] = below((uint32_t)t->sentences);
		t->sample[i] = below(1000);
		t->lambda[i] = i % 3 ? (float)rng_real(&random_state) : (float)(i % 2);
		t->target[i * k + (int)below((uint32_t)k)] = 1;
	}
	t->batch = (struct batch){ .n = n,
				   .words = &t->words,
				   .partner = mixed ? t->partner : NULL,
				   .lambda = t->lambda,
				   .target = t->target,
				   .seed = below(100),
				   .epoch = below(9),
				   .sample = t->sample };
	snprintf(t->text, sizeof t->text,
		 "%d of %d sentences to %d, %d of %d words, dim %d, %d maps, %d widths from %d%s%s", n, t->sentences,
		 t->longest, t->words.distinct, (int)t->config.vocabulary, t->config.dim, t->config.maps,
		 t->config.widths, t->config.width[0], mixed ? ", mixed" : "",
		 t->config.multichannel ? ", multichannel" : "");
}

static void release_task(struct task *t)
{
	void *mine[] = { t->begin, t->local, t->word, t->partner, t->sample, t->lambda, t->target };
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		free(mine[i]);
}

struct run {
	struct device dev;
	struct graph g;
};

static const struct update plain = { .rule = RULE_SGD, .lr = 0.1 };

static void open_run(struct run *r, const struct task *t, const char *device, int threads, int training)
{
	struct err err = ERR_NONE;
	struct rng weights;
	graph_init(&r->g);
	if (device_open(&r->dev, device, threads, &err) || net_kimcnn.build(&net_kimcnn, &r->g, &t->config, &err))
		fail_msg("%s", err.msg);
	r->g.max_words = (int)t->config.vocabulary;
	if (graph_compile(&r->g, &r->dev, t->batch.n + 1, training ? &plain : NULL, &err))
		fail_msg("%s", err.msg);
	for (int p = 0; p <= r->g.n_params; p++) {
		int fixed = p == r->g.n_params; /* the copy of the table that multichannel keeps */
		const struct param *q = &r->g.param[fixed ? 0 : p];
		size_t n = param_size(q);
		float *w = take(n, sizeof *w);
		rng_init(&weights, 17, RNG_TEST, (uint32_t)p, 0);
		for (size_t i = 0; i < n; i++)
			w[i] = (float)((2 * rng_real(&weights) - 1) * (q->ndim == 3 ? 0.3 : 0.5));
		if (fixed ? t->config.multichannel && graph_fix(&r->g, 0, w, &err) : graph_set(&r->g, p, w, &err))
			fail_msg("%s", err.msg);
		free(w);
	}
}

static void close_run(struct run *r)
{
	graph_release(&r->g);
	device_close(&r->dev);
}

/* tol of the largest, or of `least`; a few sums of some thousand terms in float against double. */
static void agree(const struct task *t, const char *what, const float *a, const float *b, size_t n, double tol)
{
	double size = 1e-3;
	for (size_t i = 0; i < n; i++)
		size = fmax(size, fabs((double)b[i]));
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)a[i] - b[i]) <= tol * size))
			fail_msg("%s: %s[%zu] of %zu is %.9g, not %.9g", t->text, what, i, n, (double)a[i],
				 (double)b[i]);
}

/* The ops' gradients where the maximum is as good as a tie go to either: weights are random, so there is none but
 * between windows of the same words, which both backends give to the first. */
static void compare(const struct task *t, struct run *a, struct run *b, double tol)
{
	struct err err = ERR_NONE;
	size_t n = (size_t)t->batch.n * (size_t)t->config.classes;
	float *x = take(n, sizeof *x), *y = take(n, sizeof *y);
	if (graph_read(&a->g, a->g.logits, t->batch.n, x, &err) || graph_read(&b->g, b->g.logits, t->batch.n, y, &err))
		fail_msg("%s", err.msg);
	agree(t, "logits", x, y, n, tol);
	for (int p = 0; p < a->g.n_params; p++) {
		const struct param *q = &a->g.param[p];
		size_t size = q->kind == PARAM_TABLE ? (size_t)t->words.distinct * (size_t)q->dim[1] : param_size(q);
		if (q->g && b->g.param[p].g) {
			float *of_a = on_host(&a->g, q->g, size), *of_b = on_host(&b->g, b->g.param[p].g, size);
			agree(t, q->name, of_a, of_b, size, tol);
			free(of_a);
			free(of_b);
		}
	}
	free(x);
	free(y);
}

static void train_step(const struct task *t, struct run *r)
{
	struct err err = ERR_NONE;
	if (graph_forward(&r->g, &t->batch, PHASE_TRAIN, &err) || graph_backward(&r->g, &t->batch, &err))
		fail_msg("%s", err.msg);
}

static void predict(const struct task *t, struct run *r, enum phase phase)
{
	struct err err = ERR_NONE;
	struct batch b = t->batch;
	b.partner = NULL;
	b.target = NULL;
	if (graph_forward(&r->g, &b, phase, &err))
		fail_msg("%s", err.msg);
}

static void one(uint32_t number)
{
	struct task t;
	struct run ref, cpu, alone;
	rng_init(&random_state, 32, RNG_TEST, number, 0);
	make_task(&t);
	for (int training = 1; training >= 0; training--) {
		open_run(&ref, &t, "ref", 1, training);
		open_run(&cpu, &t, "cpu", 3, training);
		open_run(&alone, &t, "cpu", 1, training);
		if (training) {
			train_step(&t, &ref);
			train_step(&t, &cpu);
			train_step(&t, &alone);
			compare(&t, &cpu, &ref, 5e-6);
			compare(&t, &cpu, &alone, 0);
		}
		for (int k = 0; k < 3; k++) { /* twice the same words, which the cpu then knows */
			enum phase phase = k < 2 ? PHASE_PREDICT : PHASE_SAMPLE;
			predict(&t, &ref, phase);
			predict(&t, &cpu, phase);
			compare(&t, &cpu, &ref, 5e-6);
		}
		close_run(&ref);
		close_run(&cpu);
		close_run(&alone);
	}
	release_task(&t);
}

static void any_size(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < (getenv("VIC_THOROUGH") ? 64 : 16); i++)
		one(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(any_size) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
