/* A batch is made from a place in its pass, over all ranks: which part of it is this one's is found out here. */
#include "feeding.h"
#include "together.h"

/* What a pass is over. */
struct fed {
	const struct trainer *t;
	const uint32_t *record;
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static int make_training(const struct turns_pass *p, struct batcher *b, size_t at, struct err *err)
{
	const struct fed *f = p->ctx;
	const struct trainer *t = f->t;
	const struct plan *plan = t->plan;
	int n = (int)least((uint32_t)(p->n - at), (uint32_t)p->step), shards = t->accumulate.shards, each = 0;
	if (trainer_several(t)) {
		each = shards / t->ranks->size;
		b->from = shard_begin(n, t->ranks->rank * each, shards);
		b->to = shard_begin(n, (t->ranks->rank + 1) * each, shards);
	}
	return batch_mixed(b, &plan->mix_config, f->record + at, n, t->train, t->n_train, plan->seed,
			   (uint32_t)t->epoch + 1, (uint32_t)(at / p->step), err);
}

/* This rank's of n records from `at` on, which are whole batches of the ranks before it further. */
static uint32_t first_of(const struct trainer *t, uint32_t n, uint32_t at)
{
	return at + least(trainer_several(t) ? (uint32_t)t->ranks->rank * (uint32_t)t->eval_batch : 0, n - at);
}

static int make_plain(const struct turns_pass *p, struct batcher *b, size_t at, struct err *err)
{
	const struct fed *f = p->ctx;
	uint32_t all = (uint32_t)p->n, first = first_of(f->t, all, (uint32_t)at);
	uint32_t n = least(all - first, (uint32_t)f->t->eval_batch);
	b->from = b->to = 0;
	return n ? batch_plain(b, f->record + first, (int)n, err) : 0;
}

int feeding_train(struct trainer *t, uint32_t index, struct err *err)
{
	size_t size = (size_t)t->plan->batch;
	struct fed f = { t, t->order };
	struct turns_pass p = { t->n_train, size, make_training, &f };
	return turns_take(&t->turns, &p, index * size, err);
}

int feeding_plain(struct trainer *t, const uint32_t *record, uint32_t at, uint32_t n, struct err *err)
{
	size_t ranks = trainer_several(t) ? (size_t)t->ranks->size : 1;
	struct fed f = { t, record };
	struct turns_pass p = { n, ranks * (size_t)t->eval_batch, make_plain, &f };
	return turns_take(&t->turns, &p, at, err) ? -1 : (int)least(n - first_of(t, n, at), (uint32_t)t->eval_batch);
}
