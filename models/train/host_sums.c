/* Sums by the host, whatever the device: vectors lie in host memory; each is brought there after its shard, and their
 * sum back. */
#include "models/core/sums.h"

#include "models/core/backend.h"
#include "models/ranks/reduce.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct sum {
	struct graph g; /* a copy, of which parameters and device are used */
	struct sum_shape shape;
	struct reduce reduce;
	int distinct; /* words of the batch */
	float *state; /* [shape.states] that the step began with */
	float *rows;  /* [graph's max_words][shape.longest] of a shard's table */
};

static int host_open(struct sum **out, const struct graph *g, int vectors, struct err *err)
{
	struct sum *s;
	if (mem_alloc(out, 1, sizeof **out, err))
		return -1;
	s = *out;
	s->g = *g;
	s->shape = sum_shape(g);
	size_t most = s->shape.dense + s->shape.states + (size_t)g->max_words * s->shape.row;
	return reduce_open(&s->reduce, vectors, most, err) ||
			       mem_alloc(&s->state, s->shape.states, sizeof *s->state, err) ||
			       mem_alloc(&s->rows, (size_t)g->max_words * s->shape.longest, sizeof *s->rows, err)
		       ? -1
		       : 0;
}

static void host_release(struct sum *s)
{
	if (!s)
		return;
	reduce_release(&s->reduce);
	free(s->state);
	free(s->rows);
	free(s);
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

static int host_begin(struct sum *s, int distinct, struct err *err)
{
	s->distinct = distinct;
	reduce_begin(&s->reduce, s->shape.dense + s->shape.states + (size_t)distinct * s->shape.row);
	return move_states(&s->g, s->state, 0, err);
}

static int host_restore(struct sum *s, struct err *err)
{
	return move_states(&s->g, s->state, 1, err);
}

/* A shard's rows of table p, each at the number of its word in the whole batch; `to` is zeroed. */
static int take_rows(struct sum *s, const struct param *p, const uint32_t *row_of, float *to, struct err *err)
{
	const struct device *d = s->g.dev;
	size_t row = sum_row(p), rows = 0;
	for (int u = 0; u < s->distinct; u++)
		if (row_of[u] != SUMS_NO_ROW && row_of[u] >= rows)
			rows = (size_t)row_of[u] + 1;
	if (d->b->download(d->ctx, s->rows, p->g, rows * row * sizeof *s->rows, err))
		return -1;
	for (int u = 0; u < s->distinct; u++)
		if (row_of[u] != SUMS_NO_ROW)
			memcpy(to + (size_t)u * row, s->rows + row_of[u] * row, row * sizeof *to);
	return 0;
}

/* What the pass left on the device, as a vector; zeroed before. */
static int take_vector(struct sum *s, const uint32_t *row_of, float *to, struct err *err)
{
	const struct graph *g = &s->g;
	if (g->dev->b->download(g->dev->ctx, to, g->params[ARENA_G], s->shape.dense * sizeof *to, err) ||
	    move_states(g, to + s->shape.dense, 0, err))
		return -1;
	to += s->shape.dense + s->shape.states;
	for (int i = 0; i < g->n_params; i++) {
		if (!sum_is_table(&g->param[i]))
			continue;
		if (take_rows(s, &g->param[i], row_of, to, err))
			return -1;
		to += (size_t)s->distinct * sum_row(&g->param[i]);
	}
	return 0;
}

static int host_take(struct sum *s, float weight, const uint32_t *row_of, int empty, struct err *err)
{
	float *to = reduce_next(&s->reduce);
	memset(to, 0, s->reduce.n * sizeof *to);
	if (!empty && take_vector(s, row_of, to, err))
		return -1;
	reduce_add(&s->reduce, weight);
	return 0;
}

static int host_host(struct sum *s, float **sum, size_t *n, struct err *err)
{
	(void)err;
	*sum = reduce_sum(&s->reduce);
	*n = s->reduce.n;
	return 0;
}

static int host_put(struct sum *s, struct err *err)
{
	(void)s;
	(void)err;
	return 0;
}

static int host_give(struct sum *s, struct err *err)
{
	const struct graph *g = &s->g;
	const struct device *d = g->dev;
	float *from = reduce_sum(&s->reduce);
	if (d->b->upload(d->ctx, g->params[ARENA_G], from, s->shape.dense * sizeof *from, err) ||
	    move_states(g, from + s->shape.dense, 1, err))
		return -1;
	from += s->shape.dense + s->shape.states;
	for (int i = 0; i < g->n_params; i++) {
		const struct param *p = &g->param[i];
		size_t n = (size_t)s->distinct * sum_row(p);
		if (!sum_is_table(p))
			continue;
		if (d->b->upload(d->ctx, p->g, from, n * sizeof *from, err))
			return -1;
		from += n;
	}
	return 0;
}

const struct sums host_sums = {
	.open = host_open,
	.release = host_release,
	.begin = host_begin,
	.restore = host_restore,
	.take = host_take,
	.host = host_host,
	.put = host_put,
	.give = host_give,
};
