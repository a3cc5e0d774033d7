/* A batch is known by the place of its first record in a pass. */
#include "feeding.h"
#include "together.h"

/* A pass over records. */
struct pass {
	const uint32_t *record;
	uint32_t n, step; /* records of a batch, over all ranks; the last has fewer */
	int (*make)(const struct trainer *t, struct batcher *b, const struct pass *p, uint32_t at, struct err *err);
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static int make_training(const struct trainer *t, struct batcher *b, const struct pass *p, uint32_t at, struct err *err)
{
	const struct plan *plan = t->plan;
	int n = (int)least(p->n - at, p->step), shards = t->accumulate.shards, each = 0;
	if (trainer_several(t)) {
		each = shards / t->ranks->size;
		b->from = shard_begin(n, t->ranks->rank * each, shards);
		b->to = shard_begin(n, (t->ranks->rank + 1) * each, shards);
	}
	return batch_mixed(b, &plan->mix_config, p->record + at, n, t->train, t->n_train, plan->seed,
			   (uint32_t)t->epoch + 1, at / p->step, err);
}

/* This rank's records of p's from `at` on, which are whole batches of the ranks before it further. */
static uint32_t first_of(const struct trainer *t, const struct pass *p, uint32_t at)
{
	return at + least(trainer_several(t) ? (uint32_t)t->ranks->rank * (uint32_t)t->eval_batch : 0, p->n - at);
}

static int make_plain(const struct trainer *t, struct batcher *b, const struct pass *p, uint32_t at, struct err *err)
{
	uint32_t first = first_of(t, p, at), n = least(p->n - first, (uint32_t)t->eval_batch);
	b->from = b->to = 0;
	return n ? batch_plain(b, p->record + first, (int)n, err) : 0;
}

static int feed(struct trainer *t, const struct pass *p, uint32_t at, struct err *err)
{
	if (t->ahead == (uint64_t)at + 1)
		t->turn = !t->turn;
	else if (p->make(t, feeding_now(t), p, at, err))
		return -1;
	t->ahead = 0;
	if (t->pictures && p->n - at > p->step) {
		if (p->make(t, &t->batcher[!t->turn], p, at + p->step, err))
			return -1;
		t->ahead = (uint64_t)at + p->step + 1;
	}
	return batch_ready(feeding_now(t), err);
}

void feeding_begin(struct trainer *t)
{
	t->ahead = 0;
}

int feeding_train(struct trainer *t, uint32_t index, struct err *err)
{
	uint32_t size = (uint32_t)t->plan->batch;
	struct pass p = { t->order, t->n_train, size, make_training };
	return feed(t, &p, index * size, err);
}

int feeding_plain(struct trainer *t, const uint32_t *record, uint32_t at, uint32_t n, struct err *err)
{
	uint32_t ranks = trainer_several(t) ? (uint32_t)t->ranks->size : 1;
	struct pass p = { record, n, ranks * (uint32_t)t->eval_batch, make_plain };
	uint32_t first = first_of(t, &p, at);
	return feed(t, &p, at, err) ? -1 : (int)least(n - first, (uint32_t)t->eval_batch);
}
