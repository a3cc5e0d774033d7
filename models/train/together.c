/* What can fail on one rank is done before ranks meet (ranks.h): checksums are made, then all meet, then compare. */
#include "together.h"

#include "feeding.h"

#include "models/core/backend.h"
#include "pipeline/base/crc.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

static size_t classes_of(const struct trainer *t)
{
	return shape_size(t->graph.value[t->graph.logits].shape);
}

int trainer_join(struct trainer *t, struct ranks *r, struct err *err)
{
	int shards = plan_shards(t->plan), more = 1;
	t->ranks = r;
	if (r->size <= 1)
		return t->plan->reduce == REDUCE_EXACT
			       ? 0
			       : err_usage(err, "--reduce fast: there is one rank, and no other to add up with");
	while (more < r->size)
		more *= 2;
	if (!ranks_fit(r, shards) && more != r->size)
		return err_usage(err,
				 "%d ranks: every rank takes as many shards as the others, and shards are a power of "
				 "two; start %d ranks or %d",
				 r->size, more / 2, more);
	if (!ranks_fit(r, shards))
		return err_usage(err,
				 "%d ranks and --shards %d: a rank has a shard of each batch at least; --shards %d "
				 "is enough (any number of ranks that divides it gives the same bytes)",
				 r->size, shards, r->size);
	size_t most = (size_t)r->size * (size_t)t->eval_batch * classes_of(t);
	return mem_alloc(&t->round, most, sizeof *t->round, err) ||
			       accumulate_join(&t->accumulate, &t->graph, r, t->plan->reduce, err)
		       ? -1
		       : 0;
}

static uint32_t crc_of_text(const char *text)
{
	return crc32_of(0, text, strlen(text));
}

/* Of all that training changes. */
static int state_crc(const struct trainer *t, uint32_t *crc, struct err *err)
{
	double counters[] = { t->step, t->epoch, t->best_epoch, t->best_score, t->part.batches, t->part.loss,
			      t->part.accuracy, t->part.label_entropy };
	void *host = NULL;
	int rc = 0;
	*crc = crc32_of(crc32_of(0, counters, sizeof counters), t->history, (size_t)t->epoch * sizeof *t->history);
	for (int p = 0; p < t->graph.n_params && !rc; p++)
		for (int slot = GRAPH_W; slot < GRAPH_SLOTS && !rc; slot++) {
			size_t bytes = graph_slot_bytes(&t->graph, p, (enum graph_slot)slot);
			if (!bytes)
				continue;
			rc = mem_alloc(&host, bytes, 1, err) ||
			     graph_slot_get(&t->graph, p, (enum graph_slot)slot, host, err);
			if (!rc)
				*crc = crc32_of(*crc, host, bytes);
			free(host);
			host = NULL;
		}
	return rc ? -1 : 0;
}

static int odd_one(const struct trainer *t, int odd, const char *how, struct err *err)
{
	return err_set(err, "rank %d of %d %s", odd, t->ranks->size, how);
}

int together_begin(struct trainer *t, struct err *err)
{
	enum { THINGS = 5 };
	static const char *const how[THINGS] = {
		"has other records than the others: the file must be the same on all machines",
		"was started with other options than the others",
		"computes by another engine than the others, which would round otherwise: the same VIC_CPU (v4, v3 or "
		"base) for all, and the same libraries, make them one",
		"begins after another epoch than the others: the checkpoint must be seen by all",
		"begins with other weights than the others",
	};
	uint32_t what[THINGS] = { t->data->crc, crc_of_text(t->plan->key), crc_of_text(device_engine(t->graph.dev)),
				  (uint32_t)t->epoch };
	if (!trainer_several(t))
		return 0;
	int rc = state_crc(t, &what[THINGS - 1], err), odd = -1;
	if (ranks_meet(t->ranks, rc, 0, err))
		return -1;
	for (int i = 0; i < THINGS; i++)
		if (ranks_compare(t->ranks, what[i], &odd, err))
			return -1;
		else if (odd >= 0)
			return odd_one(t, odd, how[i], err);
	return 0;
}

/* As accumulate_fared. */
static int trainer_fared(const struct trainer *t, int rc, int read, struct err *err)
{
	return accumulate_fared(&t->accumulate, &t->graph, t->ranks, rc ? -1 : 0, read, err);
}

int together_compare(struct trainer *t, struct err *err)
{
	uint32_t crc;
	int odd;
	if (!trainer_several(t))
		return 0;
	if (ranks_meet(t->ranks, trainer_fared(t, state_crc(t, &crc, err), 1, err), t->signal, err) ||
	    ranks_compare(t->ranks, crc, &odd, err))
		return -1;
	char how[160];
	err_phrase(how, sizeof how, "holds other weights than the others after epoch %d: its memory or processor has "
				    "failed, or its libraries are others", t->epoch);
	return odd < 0 ? 0 : odd_one(t, odd, how, err);
}

int together_answer(struct trainer *t, const uint32_t *record, uint32_t at, uint32_t n, late_take *take, void *ctx,
		    struct err *err)
{
	struct ranks *r = t->ranks;
	size_t classes = classes_of(t), each = (size_t)t->eval_batch, left = n - at, all = each * (size_t)r->size;
	for (int k = 0; k <= r->size; k++)
		r->begin[k] = ((size_t)k * each < left ? (size_t)k * each : left) * classes * sizeof *t->round;
	size_t from = r->begin[r->rank] / classes / sizeof *t->round,
	       mine = r->begin[r->rank + 1] / classes / sizeof *t->round - from;
	int rc = mine && (feeding_plain(t, record, at, n, err) < 0 ||
			  graph_forward(&t->graph, &turns_now(&t->turns)->batch, PHASE_PREDICT, err) ||
			  graph_read(&t->graph, t->graph.logits, (int)mine, t->round + from * classes, err));
	struct answer what = { .n = (int)(left < all ? left : all), .first = at, .logits = t->round };
	if (ranks_meet(r, trainer_fared(t, rc, mine > 0, err), t->signal, err) ||
	    ranks_gather(r, t->round, r->begin, err) || take(ctx, &what, err))
		return -1;
	return what.n;
}
