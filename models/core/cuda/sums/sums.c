/* Vectors are never gathered in one piece: a kernel reads a shard's numbers where they lie in the graph, multiplies
 * them, adds the rows that wait to them and writes one. The list of those places is made once, with the sum. */
#include "sums.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>

static void cuda_sum_release(struct sum *s)
{
	if (!s)
		return;
	across_release(s);
	gpu_free(s->ctx, s->rows);
	gpu_free(s->ctx, s->state);
	gpu_free(s->ctx, s->piece);
	gpu_free(s->ctx, s->of);
	gpu_free(s->ctx, s->row_of);
	free(s->host);
	free(s);
}

/* Adds n numbers at `at` to the list; *to: their place in a vector, and then that of what follows. */
static void list_piece(struct sum *s, struct sum_piece *list, int *pieces, float *at, size_t n, size_t *to)
{
	if (!n)
		return;
	list[(*pieces)++] = (struct sum_piece){ .at = at, .to = *to, .n = n, .first = s->blocks };
	s->blocks += (uint32_t)((n + SUM_RUN - 1) / SUM_RUN);
	*to += n;
}

static int to_device(struct backend_ctx *ctx, void **to, const void *from, size_t bytes, struct err *err)
{
	if (gpu_alloc(ctx, to, bytes, err))
		return -1;
	if (ctx->card_text)
		return 0;
	return gpu_status(cudaMemcpyAsync(*to, from, bytes, cudaMemcpyHostToDevice, ctx->stream), "a list", err) ||
			       gpu_wait(ctx, err)
		       ? -1
		       : 0;
}

static int list_pieces(struct sum *s, struct err *err)
{
	const struct graph *g = &s->g;
	struct sum_piece *list;
	uint32_t *of = NULL;
	size_t to = 0;
	int pieces = 0;
	if (mem_alloc(&list, (size_t)g->n_params + 1, sizeof *list, err))
		return -1;
	list_piece(s, list, &pieces, g->params[ARENA_G], s->shape.dense, &to);
	s->dense_blocks = s->blocks;
	for (int i = 0; i < g->n_params; i++)
		if (g->param[i].kind == PARAM_STATE)
			list_piece(s, list, &pieces, g->param[i].w, param_size(&g->param[i]), &to);
	int rc = mem_alloc(&of, s->blocks, sizeof *of, err);
	for (int i = 0; i < pieces && !rc; i++)
		for (uint32_t k = list[i].first; k < (i + 1 < pieces ? list[i + 1].first : s->blocks); k++)
			of[k] = (uint32_t)i;
	rc = rc || to_device(s->ctx, (void **)&s->piece, list, (size_t)pieces * sizeof *list, err) ||
	     to_device(s->ctx, (void **)&s->of, of, s->blocks * sizeof *of, err);
	free(of);
	free(list);
	return rc ? -1 : 0;
}

static int cuda_sum_open(struct sum **out, const struct graph *g, int vectors, struct err *err)
{
	struct backend_ctx *ctx = g->dev->ctx;
	struct sum *s;
	size_t rows = 1;
	if (mem_alloc(out, 1, sizeof **out, err))
		return -1;
	s = *out;
	*s = (struct sum){ .ctx = ctx, .g = *g, .shape = sum_shape(g), .vectors = (unsigned)vectors };
	/* slices of several ranks may reach beyond the end */
	s->pitch = s->shape.dense + s->shape.states + (size_t)g->max_words * s->shape.row + ACROSS_MOST * ACROSS_UNIT;
	s->pitch = (s->pitch + ACROSS_UNIT - 1) / ACROSS_UNIT * ACROSS_UNIT;
	while (1 << rows < vectors) /* of the last vector all rows that wait are added at once */
		rows++;
	return gpu_alloc(ctx, (void **)&s->rows, rows * s->pitch * sizeof *s->rows, err) ||
			       gpu_alloc(ctx, (void **)&s->state, s->shape.states * sizeof *s->state, err) ||
			       (s->shape.row && gpu_alloc(ctx, (void **)&s->row_of,
							  (size_t)g->max_words * sizeof *s->row_of, err)) ||
			       list_pieces(s, err)
		       ? -1
		       : 0;
}

/* About the pieces of running statistics, as they lie in s->state. */
static struct vector_args states_of(const struct sum *s)
{
	return (struct vector_args){ .piece = s->piece,
				  .of = s->of,
				  .block = s->dense_blocks,
				  .blocks = s->blocks - s->dense_blocks,
				  .vector = s->state,
				  .shift = s->shape.dense,
				  .weight = 1 };
}

static int cuda_sum_begin(struct sum *s, int distinct, struct err *err)
{
	struct vector_args a = states_of(s);
	s->distinct = distinct;
	s->waiting = 0;
	s->added = 0;
	s->left = 0;
	s->n = s->shape.dense + s->shape.states + (size_t)distinct * s->shape.row;
	return a.blocks ? launched(launch_sum_take(&a, s->ctx->stream), "running statistics", err) : 0;
}

static int cuda_sum_restore(struct sum *s, struct err *err)
{
	struct vector_args a = states_of(s);
	return a.blocks ? launched(launch_sum_give(&a, s->ctx->stream), "running statistics", err) : 0;
}

/* About row k of those that wait, and all pieces. */
static struct vector_args row_args(const struct sum *s, int k)
{
	return (struct vector_args){ .piece = s->piece,
				     .of = s->of,
				     .blocks = s->blocks,
				     .vector = s->rows + (size_t)k * s->pitch,
				     .pitch = s->pitch,
				     .row_of = s->row_of,
				     .no_row = SUMS_NO_ROW,
				     .words = (size_t)s->distinct };
}

/* Launches for each table, where it lies. */
static int launch_tables(const struct sum *s, struct vector_args a,
			 int (*launch)(const struct vector_args *, cudaStream_t), struct err *err)
{
	a.to = s->shape.dense + s->shape.states;
	for (int i = 0; i < s->g.n_params && a.words; i++) {
		const struct param *p = &s->g.param[i];
		if (!sum_is_table(p))
			continue;
		a.at = p->g;
		a.row = sum_row(p);
		if (launched(launch(&a, s->ctx->stream), "a table's rows", err))
			return -1;
		a.to += a.words * a.row;
	}
	return 0;
}

static int cuda_sum_take(struct sum *s, float weight, const uint32_t *row_of, int empty, struct err *err)
{
	int carry = 0;
	for (unsigned full = s->added++; full & 1; full >>= 1)
		carry++;
	s->waiting -= carry;
	struct vector_args a = row_args(s, s->waiting++);
	a.carry = carry;
	a.weight = weight;
	a.empty = empty;
	/* what is complete while backward still goes on is added then, where ranks sum (across.c) */
	s->left = !empty && s->added == s->vectors && s->across.buckets;
	s->last = a;
	a.block = s->left ? buckets_blocks(s) : 0;
	a.blocks -= a.block;
	if (s->row_of && s->distinct && !empty &&
	    gpu_status(cudaMemcpyAsync(s->row_of, row_of, (size_t)s->distinct * sizeof *row_of, cudaMemcpyHostToDevice,
				       s->ctx->stream), "a list of words", err))
		return -1;
	return (a.blocks && launched(launch_sum_take(&a, s->ctx->stream), "a shard's gradients", err)) ||
			       launch_tables(s, a, launch_sum_take_rows, err)
		       ? -1
		       : 0;
}

static int cuda_sum_host(struct sum *s, float **sum, size_t *n, struct err *err)
{
	if (!s->host && mem_alloc(&s->host, s->pitch, sizeof *s->host, err))
		return -1;
	*sum = s->host;
	*n = s->n;
	return s->g.dev->b->download(s->ctx, s->host, s->rows, s->n * sizeof *s->host, err);
}

static int cuda_sum_put(struct sum *s, struct err *err)
{
	return s->g.dev->b->upload(s->ctx, s->rows, s->host, s->n * sizeof *s->host, err);
}

static int cuda_sum_give(struct sum *s, struct err *err)
{
	struct vector_args a = row_args(s, 0);
	return across_wait(s, err) ||
			       (a.blocks &&
				launched(launch_sum_give(&a, s->ctx->stream), "the sum of gradients", err)) ||
			       launch_tables(s, a, launch_sum_give_rows, err)
		       ? -1
		       : 0;
}

const struct sums cuda_sums = {
	.open = cuda_sum_open,
	.release = cuda_sum_release,
	.begin = cuda_sum_begin,
	.restore = cuda_sum_restore,
	.take = cuda_sum_take,
	.host = cuda_sum_host,
	.put = cuda_sum_put,
	.give = cuda_sum_give,
	.reach = across_reach,
	.name = across_name,
	.id = across_id,
	.join = across_join,
	.across = across_sum,
};
