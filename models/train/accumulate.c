/* Losses and logits are read late, so that all shards of a step are queued before the host waits for the first. A rank
 * meets the others when all of its own is queued: what a card does not come to is then known. Cards add up over ranks
 * beside the last shard's backward, so their sum is queued before that meeting; but for the first, which needs them all
 * to connect: it is queued after it. From then on a rank whose card fails meets nobody (accumulate_fared), so that no
 * meeting ends in an error which cards that wait in a sum keep a rank from hearing. */
#include "accumulate.h"
#include "trainer.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

static size_t classes_of(const struct graph *g)
{
	return shape_size(g->value[g->logits].shape);
}

int accumulate_open(struct accumulate *a, const struct graph *g, int shards, int max_n, struct err *err)
{
	size_t n = (size_t)max_n;
	*a = (struct accumulate){ .shards = shards, .by = g->dev->b->sums ? g->dev->b->sums : &host_sums };
	return a->by->open(&a->sum, g, shards, err) ||
			       mem_alloc(&a->row_of, (size_t)g->max_words, sizeof *a->row_of, err) ||
			       mem_alloc(&a->loss, n, sizeof *a->loss, err) ||
			       mem_alloc(&a->hit, n, sizeof *a->hit, err) ||
			       mem_alloc(&a->logits, n * classes_of(g), sizeof *a->logits, err)
		       ? -1
		       : 0;
}

void accumulate_release(struct accumulate *a)
{
	if (a->by)
		a->by->release(a->sum);
	shard_release(&a->shard);
	free(a->row_of);
	free(a->loss);
	free(a->hit);
	free(a->logits);
	*a = (struct accumulate){ 0 };
}

/* 1: the devices of all ranks can add up over them; 0: a->lacks says what is missing; -1 */
static int all_reach(struct accumulate *a, struct ranks *r, struct err *err)
{
	struct err lacks = ERR_NONE;
	int odd, can = a->by->reach && !a->by->reach(a->sum, &lacks);
	if (ranks_compare(r, (uint32_t)can, &odd, err))
		return -1;
	err_phrase(a->lacks, sizeof a->lacks, "%s", can && odd >= 0 ? "a rank has no NCCL" : lacks.msg);
	return can && odd < 0;
}

int accumulate_join(struct accumulate *a, const struct graph *g, struct ranks *r, enum reduction how, struct err *err)
{
	unsigned char id[SUMS_ID] = { 0 };
	a->by->release(a->sum);
	a->sum = NULL;
	if (ranks_meet(r, a->by->open(&a->sum, g, a->shards / r->size, err), 0, err))
		return -1;
	int can = all_reach(a, r, err);
	if (can < 0)
		return -1;
	if (!can && how == REDUCE_FAST)
		return err_usage(err,
				 "--reduce fast: cards are not there to add up over ranks%s%s; --reduce exact does "
				 "it through the hosts' memory",
				 *a->lacks ? ": " : "", a->lacks);
	if (!can)
		return 0;
	if (ranks_meet(r, r->rank ? 0 : a->by->id(a->sum, id, err), 0, err) ||
	    ranks_broadcast(r, id, sizeof id, 0, err))
		return -1;
	if (a->by->join(a->sum, id, r->rank, r->size, how, err))
		return ranks_lose(r, err); /* the others may wait for this one there */
	a->joined = 1;
	return 0;
}

const char *accumulate_by(const struct accumulate *a)
{
	return a->joined ? a->by->name(a->sum) : NULL;
}

int accumulate_fared(const struct accumulate *a, const struct graph *g, struct ranks *r, int rc, int read,
		     struct err *err)
{
	float some;
	if (!a->joined)
		return rc;
	if (!rc && !read)
		rc = g->dev->b->download(g->dev->ctx, &some, g->params[ARENA_W], sizeof some, err);
	return rc && a->across ? ranks_lose(r, err) : rc ? -1 : 0;
}

static int await_oldest(struct accumulate *a, const struct graph *g, struct err *err)
{
	uint64_t ticket = a->ticket[a->oldest];
	a->oldest = (a->oldest + 1) % LATE;
	a->reads--;
	return graph_arrived(g, ticket, err);
}

static int read_late(struct accumulate *a, const struct graph *g, int value, int n, float *to, struct err *err)
{
	if (a->reads == LATE && await_oldest(a, g, err))
		return -1;
	return graph_read_later(g, value, n, to, &a->ticket[(a->oldest + a->reads++) % LATE], err);
}

/* Where the words of the whole batch are in the shard. */
static void list_rows(struct accumulate *a, const struct batch *whole)
{
	int distinct = whole->words ? whole->words->distinct : 0;
	for (int u = 0; u < distinct; u++)
		a->row_of[u] = SUMS_NO_ROW;
	for (int i = 0; distinct && i < a->shard.words.distinct; i++)
		a->row_of[a->shard.word_of[i]] = (uint32_t)i;
}

/* Shard s of a batch. */
static int compute_shard(struct accumulate *a, struct graph *g, const struct batch *b, int s, struct err *err)
{
	int from = shard_begin(b->n, s, a->shards), n = shard_begin(b->n, s + 1, a->shards) - from;
	size_t classes = classes_of(g);
	if (!n)
		return a->by->take(a->sum, 0, NULL, 1, err);
	if (shard_cut(&a->shard, b, (int)classes, from, n, err) || a->by->restore(a->sum, err) ||
	    graph_step(g, &a->shard.batch, NULL, err) || read_late(a, g, g->loss, n, a->loss + from, err) ||
	    read_late(a, g, g->logits, n, a->logits + (size_t)from * classes, err))
		return -1;
	list_rows(a, b);
	return a->by->take(a->sum, (float)n / (float)b->n, a->row_of, 0, err);
}

/* The shards from `first` to `end` - 1, which are a whole part of the tree, and then the cards' sum over ranks, but for
 * their first; returns when their answers are there. */
static int compute_shards(struct accumulate *a, struct graph *g, const struct batch *b, const float *target, int first,
			  int end, struct err *err)
{
	size_t classes = classes_of(g);
	if (a->by->begin(a->sum, b->words ? b->words->distinct : 0, err))
		return -1;
	for (int s = first; s < end; s++)
		if (compute_shard(a, g, b, s, err))
			return -1;
	if (a->across && a->by->across(a->sum, err))
		return -1;
	while (a->reads)
		if (await_oldest(a, g, err))
			return -1;
	for (int i = shard_begin(b->n, first, a->shards); i < shard_begin(b->n, end, a->shards); i++)
		a->hit[i] = target_hit(a->logits + (size_t)i * classes, target + (size_t)i * classes, (int)classes);
	return 0;
}

/* A number of each of the n records, of which this rank has those of its shards. */
static int gather_answers(const struct accumulate *a, struct ranks *r, int n, float *rows, struct err *err)
{
	for (int k = 0; r && r->begin && k <= r->size; k++)
		r->begin[k] = (size_t)shard_begin(n, k * (a->shards / r->size), a->shards) * sizeof *rows;
	return ranks_gather(r, rows, r ? r->begin : NULL, err);
}

int accumulate_step(struct accumulate *a, struct graph *g, const struct batch *b, const float *target,
		    const struct update *u, struct ranks *r, int signal, struct err *err)
{
	int several = r && r->size > 1, each = a->shards / (several ? r->size : 1),
	    first = several ? r->rank * each : 0;
	int mine = shard_begin(b->n, first + each, a->shards) - shard_begin(b->n, first, a->shards);
	int hosts = several && !a->joined, begun = a->across;
	float *sum = NULL;
	size_t n = 0;
	int rc = compute_shards(a, g, b, target, first, first + each, err) ||
		 (hosts && a->by->host(a->sum, &sum, &n, err)) ? -1 : 0;
	if (ranks_meet(r, accumulate_fared(a, g, r, rc, mine > 0, err), signal, err))
		return -1;
	a->across = a->joined;
	rc = begun ? 0 : a->joined ? a->by->across(a->sum, err) : ranks_sum(r, sum, n, err);
	if (accumulate_fared(a, g, r, rc, 1, err) || gather_answers(a, r, b->n, a->loss, err) ||
	    gather_answers(a, r, b->n, a->hit, err))
		return -1;
	rc = (hosts && a->by->put(a->sum, err)) || a->by->give(a->sum, err) || graph_update(g, b, u, err) ? -1 : 0;
	return accumulate_fared(a, g, r, rc, 1, err);
}
