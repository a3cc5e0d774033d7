/* Makes batches. Items are the records in the order given, then partners from elsewhere, if any; partner[i] is an
 * item, not a record. One lambda serves the whole batch. Lambda, partners and the layer to mix at are drawn from
 * streams of their own, keyed by seed, epoch and batch, so that a resumed run draws the same; a further draw needs a
 * purpose of its own. Class weights make targets no distributions: b->target is without them, b->batch.target with. */
#include "batch.h"

#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int batcher_init(struct batcher *b, const struct dataset *data, const struct preprocessing *preprocessing,
		 struct err *err)
{
	*b = (struct batcher){ .data = data };
	if (preprocessing) {
		b->preprocessing = *preprocessing;
		return 0;
	}
	size_t words = data->text.words;
	return mem_alloc(&b->seen, words, sizeof *b->seen, err) || mem_alloc(&b->number, words, sizeof *b->number, err)
		       ? -1
		       : 0;
}

int batch_ready(struct batcher *b, struct err *err)
{
	return b->pictures ? pictures_await(b->pictures, &b->decoding, err) : 0;
}

void batcher_release(struct batcher *b)
{
	struct err unheard = ERR_NONE;
	if (batch_ready(b, &unheard)) /* which nobody waits for any more */
		unheard = ERR_NONE;
	decoding_release(&b->decoding);
	void *mine[] = { b->seen,   b->number, b->begin,  b->local, b->word, b->partner,
			 b->sample, b->lambda, b->target, b->weighted, b->pixel, b->view,
			 b->record, b->place, b->wanted };
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		free(mine[i]);
	*b = (struct batcher){ 0 };
}

/* Appends one record: a sample, or a partner from elsewhere. */
static int add_item(struct batcher *b, uint32_t item, struct err *err)
{
	if (mem_grow(&b->sample, &b->cap_sample, (size_t)b->items + 1, sizeof *b->sample, err) ||
	    (b->data->head.kind == STREAM_IMAGES ? batch_images_add(b, item, err) : batch_text_add(b, item, err)))
		return -1;
	b->sample[b->items++] = item;
	b->batch.sample = b->sample;
	return 0;
}

static int collect_items(struct batcher *b, const uint32_t *item, int n, struct err *err)
{
	b->batch = (struct batch){ .n = n, .seed = b->seed, .epoch = b->epoch };
	b->items = 0;
	if (b->data->head.kind == STREAM_IMAGES)
		batch_images_begin(b);
	else if (batch_text_begin(b, err))
		return -1;
	for (int i = 0; i < n; i++)
		if (add_item(b, item[i], err))
			return -1;
	return 0;
}

int batch_plain(struct batcher *b, const uint32_t *item, int n, struct err *err)
{
	b->training = 0;
	b->seed = 0;
	b->epoch = 0;
	return collect_items(b, item, n, err) || (b->pictures && batch_images_decode(b, err)) ? -1 : 0;
}

/* The batch, permuted; where hidden values are mixed each shard by itself. */
static void permute(struct batcher *b, const struct mix_config *v, struct rng *r)
{
	int n = b->batch.n, shards = mix_hidden(v) && v->shards ? v->shards : 1;
	for (int s = 0; s < shards; s++) {
		int from = shard_begin(n, s, shards), to = shard_begin(n, s + 1, shards);
		rng_shuffle(r, b->partner + from, (size_t)(to - from));
	}
}

/* One lambda a batch, and partners. */
static int draw_partners(struct batcher *b, const struct mix_config *v, const uint32_t *pool, uint32_t n_pool,
			 uint64_t seed, uint32_t epoch, uint32_t index, struct err *err)
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
		permute(b, v, &r);
	for (int i = 0; v->partner == PARTNER_DATASET && i < n; i++) {
		b->partner[i] = (uint32_t)b->items;
		if (add_item(b, pool[rng_below(&r, n_pool)], err))
			return -1;
	}
	b->batch.partner = b->partner;
	b->batch.lambda = b->lambda;
	if (v->mode == MIX_MANIFOLD) {
		rng_init(&r, seed, RNG_MIX_LAYER, epoch, index);
		b->batch.mix_at = (int)rng_below(&r, (uint32_t)v->mix_layers + 1);
	} else if (v->mode == MIX_SENTENCE) {
		b->batch.mix_at = v->mix_layers;
	}
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

static int make_targets(struct batcher *b, const struct mix_config *v, struct err *err)
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

int batch_mixed(struct batcher *b, const struct mix_config *v, const uint32_t *item, int n, const uint32_t *pool,
		uint32_t n_pool, uint64_t seed, uint32_t epoch, uint32_t index, struct err *err)
{
	b->training = 1;
	b->seed = seed;
	b->epoch = epoch;
	if (collect_items(b, item, n, err) ||
	    (v->alpha > 0 && draw_partners(b, v, pool, n_pool, seed, epoch, index, err)) ||
	    (b->pictures && batch_images_decode(b, err)) || make_targets(b, v, err))
		return -1;
	int classes = b->data->head.n_classes;
	size_t size = (size_t)n * (size_t)classes;
	if (!v->class_weight)
		return 0;
	if (mem_grow(&b->weighted, &b->cap_weighted, size, sizeof *b->weighted, err))
		return -1;
	for (size_t i = 0; i < size; i++)
		b->weighted[i] = b->target[i] * (float)v->class_weight[i % (size_t)classes];
	b->batch.target = b->weighted;
	return 0;
}
