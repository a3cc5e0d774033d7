/* Vectors lie in host memory, whatever the device; gradients are brought there shard by shard, and their sum back. */
#include "accumulate.h"
#include "trainer.h"

#include "models/core/backend.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

static int is_table(const struct param *p)
{
	return p->kind == PARAM_TABLE && param_trained(p);
}

/* Numbers of a table's row. */
static size_t row_of(const struct param *p)
{
	return param_size(p) / (size_t)p->dim[0];
}

static size_t classes_of(const struct graph *g)
{
	return shape_size(g->value[g->logits].shape);
}

int accumulate_open(struct accumulate *a, const struct graph *g, int shards, int max_n, int max_words, struct err *err)
{
	size_t n = (size_t)max_n, table = 0, rows = 0;
	*a = (struct accumulate){ .shards = shards, .dense = g->params_floats[ARENA_G] };
	for (int i = 0; i < g->n_params; i++) {
		const struct param *p = &g->param[i];
		if (p->kind == PARAM_STATE)
			a->states += param_size(p);
		if (!is_table(p))
			continue;
		table += (size_t)max_words * row_of(p);
		rows = row_of(p) > rows ? row_of(p) : rows;
		size_t at = (size_t)(p->g - g->params[ARENA_G]); /* behind all that are none */
		a->dense = at < a->dense ? at : a->dense;
	}
	return reduce_open(&a->sum, shards, a->dense + a->states + table, err) ||
			       mem_alloc(&a->state, a->states, sizeof *a->state, err) ||
			       mem_alloc(&a->rows, (size_t)g->max_words * rows, sizeof *a->rows, err) ||
			       mem_alloc(&a->loss, n, sizeof *a->loss, err) ||
			       mem_alloc(&a->hit, n, sizeof *a->hit, err) ||
			       mem_alloc(&a->logits, n * classes_of(g), sizeof *a->logits, err)
		       ? -1
		       : 0;
}

void accumulate_release(struct accumulate *a)
{
	reduce_release(&a->sum);
	shard_release(&a->shard);
	free(a->state);
	free(a->rows);
	free(a->loss);
	free(a->hit);
	free(a->logits);
	*a = (struct accumulate){ 0 };
}

/* Running statistics from the device, or to it. They go there past graph_set: forward writes them as well, and nothing
 * that a backend derives from weights is made of them in training. */
static int move_states(const struct graph *g, float *state, int to_device, struct err *err)
{
	const struct backend *b = g->dev->b;
	for (int i = 0; i < g->n_params; i++) {
		const struct param *p = &g->param[i];
		size_t n = param_size(p);
		if (p->kind != PARAM_STATE)
			continue;
		if (to_device ? b->upload(g->dev->ctx, p->w, state, n * sizeof *state, err)
			      : b->download(g->dev->ctx, state, p->w, n * sizeof *state, err))
			return -1;
		state += n;
	}
	return 0;
}

/* A shard's table rows, each at the number of its word in the whole batch. */
static int add_rows(struct accumulate *a, const struct graph *g, const struct param *p, float *to, struct err *err)
{
	size_t row = row_of(p), n = (size_t)a->shard.words.distinct;
	if (g->dev->b->download(g->dev->ctx, a->rows, p->g, n * row * sizeof *a->rows, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		memcpy(to + a->shard.word_of[i] * row, a->rows + i * row, row * sizeof *to);
	return 0;
}

/* What the shard's pass left on the device, as a vector; zeroed before. */
static int take_vector(struct accumulate *a, const struct graph *g, size_t distinct, float *to, struct err *err)
{
	if (g->dev->b->download(g->dev->ctx, to, g->params[ARENA_G], a->dense * sizeof *to, err) ||
	    move_states(g, to + a->dense, 0, err))
		return -1;
	to += a->dense + a->states;
	for (int i = 0; i < g->n_params; i++) {
		if (!is_table(&g->param[i]))
			continue;
		if (add_rows(a, g, &g->param[i], to, err))
			return -1;
		to += distinct * row_of(&g->param[i]);
	}
	return 0;
}

/* The whole batch's vector to where a pass over it would have left it. */
static int give_vector(const struct accumulate *a, const struct graph *g, size_t distinct, float *from, struct err *err)
{
	const struct device *d = g->dev;
	if (d->b->upload(d->ctx, g->params[ARENA_G], from, a->dense * sizeof *from, err) ||
	    move_states(g, from + a->dense, 1, err))
		return -1;
	from += a->dense + a->states;
	for (int i = 0; i < g->n_params; i++) {
		const struct param *p = &g->param[i];
		if (!is_table(p))
			continue;
		if (d->b->upload(d->ctx, p->g, from, distinct * row_of(p) * sizeof *from, err))
			return -1;
		from += distinct * row_of(p);
	}
	return 0;
}

/* Shard s of a batch: its gradients and statistics to `to`, its answers to their places. */
static int compute_shard(struct accumulate *a, struct graph *g, const struct batch *b, const float *target, int s,
			 float *to, struct err *err)
{
	int from = shard_begin(b->n, s, a->shards), n = shard_begin(b->n, s + 1, a->shards) - from;
	size_t distinct = b->words ? (size_t)b->words->distinct : 0, classes = classes_of(g);
	const struct batch *mine = &a->shard.batch;
	float *logits = a->logits + (size_t)from * classes;
	memset(to, 0, a->sum.n * sizeof *to);
	if (!n)
		return 0;
	if (shard_cut(&a->shard, b, (int)classes, from, n, err) || move_states(g, a->state, 1, err) ||
	    graph_step(g, mine, NULL, err) || graph_read(g, g->loss, n, a->loss + from, err) ||
	    graph_read(g, g->logits, n, logits, err) || take_vector(a, g, distinct, to, err))
		return -1;
	for (size_t i = 0; i < (size_t)n; i++)
		a->hit[(size_t)from + i] = target_hit(logits + i * classes, target + ((size_t)from + i) * classes,
						      (int)classes);
	return 0;
}

/* The shards from `first` to `end` - 1, which are a whole part of the tree. */
static int compute_shards(struct accumulate *a, struct graph *g, const struct batch *b, const float *target, int first,
			  int end, struct err *err)
{
	if (move_states(g, a->state, 0, err))
		return -1;
	for (int s = first; s < end; s++) {
		int records = shard_begin(b->n, s + 1, a->shards) - shard_begin(b->n, s, a->shards);
		if (compute_shard(a, g, b, target, s, reduce_next(&a->sum), err))
			return -1;
		reduce_add(&a->sum, (float)records / (float)b->n);
	}
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
	size_t distinct = b->words ? (size_t)b->words->distinct : 0, n = a->dense + a->states;
	int each = a->shards / (r ? r->size : 1), first = r ? r->rank * each : 0;
	for (int i = 0; i < g->n_params; i++)
		n += is_table(&g->param[i]) ? distinct * row_of(&g->param[i]) : 0;
	reduce_begin(&a->sum, n);
	int rc = compute_shards(a, g, b, target, first, first + each, err);
	if (ranks_meet(r, rc, signal, err) || ranks_sum(r, reduce_sum(&a->sum), n, err) ||
	    gather_answers(a, r, b->n, a->loss, err) || gather_answers(a, r, b->n, a->hit, err))
		return -1;
	return give_vector(a, g, distinct, reduce_sum(&a->sum), err) || graph_update(g, b, u, err) ? -1 : 0;
}
