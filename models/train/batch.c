#include "batch.h"

#include "pipeline/mem.h"
#include "pipeline/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int batcher_init(struct batcher *b, const struct text_data *data, struct err *err)
{
	*b = (struct batcher){ .data = data };
	return mem_alloc(&b->seen, data->words, sizeof *b->seen, err) || mem_alloc(&b->number, data->words, sizeof *b->number, err)
		       ? -1
		       : 0;
}

void batcher_release(struct batcher *b)
{
	free(b->seen);
	free(b->number);
	free(b->begin);
	free(b->local);
	free(b->word);
	free(b->partner);
	free(b->sample);
	free(b->lambda);
	free(b->target);
	*b = (struct batcher){ 0 };
}

int batcher_max_words(const struct text_data *data, int n)
{
	size_t longest = 0;
	for (size_t i = 0; i < data->n; i++)
		if (data->begin[i + 1] - data->begin[i] > longest)
			longest = data->begin[i + 1] - data->begin[i];
	size_t most = longest * (size_t)n * 2;
	return (int)(most < data->words ? most : data->words);
}

/* Appends one record as a sentence; words seen for the first time in this batch get the next number. */
static int add_sentence(struct batcher *b, uint32_t item, struct err *err)
{
	const struct text_data *d = b->data;
	size_t n = d->begin[item + 1] - d->begin[item], at = b->begin[b->words.sentences];
	if (at + n > UINT32_MAX)
		return err_set(err, "a batch has more than 2^32 words");
	if (mem_grow(&b->begin, &b->cap_begin, (size_t)b->words.sentences + 2, sizeof *b->begin, err) ||
	    mem_grow(&b->local, &b->cap_local, at + n, sizeof *b->local, err) ||
	    mem_grow(&b->word, &b->cap_word, (size_t)b->words.distinct + n, sizeof *b->word, err))
		return -1;
	for (size_t t = 0; t < n; t++) {
		uint32_t w = d->token[d->begin[item] + t];
		if (b->seen[w] != b->stamp) {
			b->seen[w] = b->stamp;
			b->number[w] = (uint32_t)b->words.distinct;
			b->word[b->words.distinct++] = w;
		}
		b->local[at + t] = b->number[w];
	}
	b->begin[++b->words.sentences] = (uint32_t)(at + n);
	return 0;
}

int batch_plain(struct batcher *b, const uint32_t *item, int n, struct err *err)
{
	if (mem_grow(&b->begin, &b->cap_begin, 2, sizeof *b->begin, err) ||
	    mem_grow(&b->sample, &b->cap_sample, (size_t)n, sizeof *b->sample, err))
		return -1;
	if (!++b->stamp) { /* the stamp came round: old marks could be taken for new ones */
		memset(b->seen, 0, b->data->words * sizeof *b->seen);
		b->stamp = 1;
	}
	b->words = (struct words){ 0 };
	b->begin[0] = 0;
	for (int i = 0; i < n; i++) {
		b->sample[i] = item[i];
		if (add_sentence(b, item[i], err))
			return -1;
	}
	b->words.begin = b->begin;
	b->words.local = b->local;
	b->words.word = b->word;
	b->batch = (struct batch){ .n = n, .words = &b->words, .sample = b->sample };
	return 0;
}

/* One lambda a batch, and partners. */
static int draw_partners(struct batcher *b, const struct vicinity *v, const uint32_t *pool, uint32_t n_pool, uint64_t seed,
			 uint32_t epoch, uint32_t index, struct err *err)
{
	int n = b->batch.n;
	struct rng r;
	if (mem_grow(&b->partner, &b->cap_partner, (size_t)n, sizeof *b->partner, err) ||
	    mem_grow(&b->lambda, &b->cap_lambda, (size_t)n, sizeof *b->lambda, err))
		return -1;
	rng_init(&r, seed, RNG_MIX_LAMBDA, epoch, index);
	float lambda = (float)rng_beta(&r, v->alpha);
	rng_init(&r, seed, RNG_MIX_PARTNER, epoch, index);
	for (int i = 0; i < n; i++) {
		b->lambda[i] = lambda;
		b->partner[i] = (uint32_t)i;
	}
	if (v->partner == PARTNER_BATCH)
		rng_shuffle(&r, b->partner, (size_t)n);
	for (int i = 0; v->partner == PARTNER_DATASET && i < n; i++) {
		b->partner[i] = (uint32_t)b->words.sentences;
		if (mem_grow(&b->sample, &b->cap_sample, (size_t)b->words.sentences + 1, sizeof *b->sample, err))
			return -1;
		uint32_t item = pool[rng_below(&r, n_pool)];
		b->sample[b->words.sentences] = item;
		if (add_sentence(b, item, err))
			return -1;
	}
	b->words.begin = b->begin; /* these may have moved */
	b->words.local = b->local;
	b->words.word = b->word;
	b->batch.sample = b->sample;
	b->batch.partner = b->partner;
	b->batch.lambda = b->lambda;
	return 0;
}

/* Adds weight * (smoothed one-hot of the record's label) to t. */
static void add_label(float *t, int classes, int label, double weight, double smoothing)
{
	for (int k = 0; k < classes; k++) {
		double y = k == label ? 1 - smoothing : smoothing / (classes - 1);
		t[k] += (float)(weight * y);
	}
}

static int make_targets(struct batcher *b, const struct vicinity *v, struct err *err)
{
	int classes = b->data->head.n_classes, n = b->batch.n;
	if (mem_grow(&b->target, &b->cap_target, (size_t)n * (size_t)classes, sizeof *b->target, err))
		return -1;
	memset(b->target, 0, (size_t)n * (size_t)classes * sizeof *b->target);
	for (int i = 0; i < n; i++) {
		float *t = b->target + (size_t)i * (size_t)classes;
		int own = b->data->label[b->sample[i]];
		if (!b->batch.partner) {
			add_label(t, classes, own, 1, v->smoothing);
			continue;
		}
		int other = b->data->label[b->sample[b->partner[i]]];
		double l = b->lambda[i];
		if (v->mode == MIX_FEATURES)
			l = l >= 0.5;
		add_label(t, classes, own, l, v->smoothing);
		add_label(t, classes, other, 1 - l, v->smoothing);
	}
	b->batch.target = b->target;
	b->label_entropy = 0;
	for (int i = 0; i < n * classes; i++)
		b->label_entropy -= b->target[i] > 0 ? b->target[i] * log((double)b->target[i]) : 0;
	return 0;
}

int batch_mixed(struct batcher *b, const struct vicinity *v, const uint32_t *item, int n, const uint32_t *pool, uint32_t n_pool,
		uint64_t seed, uint32_t epoch, uint32_t index, struct err *err)
{
	if (batch_plain(b, item, n, err) ||
	    (v->alpha > 0 && draw_partners(b, v, pool, n_pool, seed, epoch, index, err)) || make_targets(b, v, err))
		return -1;
	int classes = b->data->head.n_classes;
	for (int i = 0; v->class_weight && i < n * classes; i++)
		b->target[i] *= (float)v->class_weight[i % classes];
	b->batch.seed = seed;
	b->batch.epoch = epoch;
	return 0;
}
