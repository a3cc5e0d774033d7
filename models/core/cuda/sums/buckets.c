/* Which gradients are complete when. They lie in the order in which backward is done with them (graph.h), so the first
 * bucket is the first to be complete; one whose end lies within a parameter waits for that. What marks them is an event
 * a bucket, recorded by every pass, also where it is played from a recording (record.h): so one recording serves every
 * shard, and what the sum does with a bucket is in none. */
#include "sums.h"

#include "models/core/cuda/record.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

/* The op of a pass whose backward is the last to write gradients before place `end`. */
static const struct op *last_before(const struct graph *g, size_t end)
{
	for (int i = 0; i < g->n_ops; i++) {
		const struct op *op = &g->op[i];
		for (int k = 0; k < op->n_param && g->value[op->out].wanted; k++) {
			const struct param *p = &g->param[op->param[k]];
			if (param_trained(p) && (size_t)(p->g - g->params[ARENA_G]) < end)
				return op;
		}
	}
	return &g->op[g->n_ops - 1];
}

int buckets_open(struct sum *s, struct err *err)
{
	struct across *a = &s->across;
	size_t n = s->shape.dense / a->each;
	recordings_forget(s->ctx); /* of passes that mark nothing */
	if (mem_alloc(&a->bucket, n + 1, sizeof *a->bucket, err))
		return -1;
	for (a->buckets = 0; a->buckets < n; a->buckets++) {
		struct bucket *b = &a->bucket[a->buckets];
		b->last = last_before(&s->g, (a->buckets + 1) * a->each);
		if (gpu_status(cudaEventCreateWithFlags(&b->done, cudaEventDisableTiming), "an event", err))
			return -1;
	}
	return 0;
}

void buckets_release(struct sum *s)
{
	struct across *a = &s->across;
	if (a->buckets)
		recordings_forget(s->ctx);
	while (a->buckets)
		cudaEventDestroy(a->bucket[--a->buckets].done);
	free(a->bucket);
	a->bucket = NULL;
}

int buckets_mark(const struct sum *s, const struct op *op, struct err *err)
{
	const struct across *a = &s->across;
	for (size_t k = 0; k < a->buckets; k++)
		if (a->bucket[k].last == op && record_event(s->ctx, a->bucket[k].done, err))
			return -1;
	return 0;
}

int buckets_take(const struct sum *s, size_t k, struct err *err)
{
	const struct across *a = &s->across;
	struct vector_args of = s->last;
	of.blocks = (uint32_t)(a->each / SUM_RUN);
	of.block = (uint32_t)k * of.blocks;
	return gpu_status(cudaStreamWaitEvent(a->stream, a->bucket[k].done, 0), "an event", err) ||
			       launched(launch_sum_take(&of, a->stream), "a shard's gradients", err)
		       ? -1
		       : 0;
}
