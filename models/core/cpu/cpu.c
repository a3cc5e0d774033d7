/* The cpu backend's table of functions: contexts, memory, and the choice of an op's functions by its type. Built
 * once for each instruction set (VIC_ISA); vic_backend alone is visible outside. Kernels may read one vector past
 * the end of an array, so cpu_alloc takes that much more. */
#include "cpu.h"

#include "models/core/ref/ref.h"
#include "pipeline/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VIC_ISA
#define VIC_ISA "base"
#endif

static int cpu_open(struct backend_ctx **ctx, const struct backend_config *config, struct err *err)
{
	struct backend_ctx *c;
	char product[96];
	if (mem_alloc(&c, 1, sizeof *c, err))
		return -1;
	if (gemm_ready(err) || pool_open(&c->pool, config->threads, err)) {
		free(c);
		return -1;
	}
	gemm_engine(product, sizeof product);
	snprintf(c->engine, sizeof c->engine, "cpu-" VIC_ISA ", %s", product);
	snprintf(c->text, sizeof c->text, "%s, %d thread%s", c->engine, pool_threads(c->pool),
		 pool_threads(c->pool) > 1 ? "s" : "");
	*ctx = c;
	return 0;
}

static void cpu_close(struct backend_ctx *ctx)
{
	pool_close(ctx->pool);
	conv_shared_close(ctx->conv);
	free(ctx->row_of);
	free(ctx);
}

static const char *cpu_engine(const struct backend_ctx *ctx)
{
	return ctx->engine;
}

static const char *cpu_describe(const struct backend_ctx *ctx)
{
	return ctx->text;
}

/* A vector after the end is readable: loops over rows whose length is no multiple of 16 run past the last one. */
static int cpu_alloc(struct backend_ctx *ctx, void **p, size_t bytes, struct err *err)
{
	(void)ctx;
	return mem_alloc(p, bytes + sizeof(vec), 1, err);
}

static void cpu_release(struct backend_ctx *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static int cpu_copy(struct backend_ctx *ctx, void *to, const void *from, size_t bytes, struct err *err)
{
	(void)ctx;
	(void)err;
	memcpy(to, from, bytes);
	return 0;
}

/* A few rows of a few classes: the definition is fast enough. */
static int xent_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)ctx;
	(void)err;
	ref_xent_forward(c);
	return 0;
}

static int xent_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)ctx;
	(void)err;
	ref_xent_backward(c);
	return 0;
}

/* A few numbers an n-gram, which lie anywhere: the definition's one thread waits for memory as many would. */
static int bag_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		       void **state, struct err *err)
{
	(void)ctx;
	(void)max_n;
	(void)training;
	return mem_alloc(state, shape_size(g->value[op->out].shape), sizeof(double), err);
}

static int bag_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)ctx;
	(void)err;
	ref_bag_forward(c);
	return 0;
}

static int bag_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)ctx;
	(void)err;
	ref_bag_backward(c);
	return 0;
}

static const struct {
	op_pass *forward, *backward; /* backward NULL: nothing to do */
	op_prepare *prepare;	     /* NULL: without state */
	void (*unprepare)(void *state); /* NULL: free() */
} ops[OP_TYPES] = {
	[OP_WORDCONV] = { wordconv_forward, wordconv_backward, wordconv_prepare, wordconv_unprepare },
	[OP_DROPOUT] = { dropout_forward, dropout_backward, dropout_prepare, NULL },
	[OP_LINEAR] = { linear_forward, linear_backward, NULL, NULL },
	[OP_XENT] = { xent_forward, xent_backward, NULL, NULL },
	[OP_IMAGES] = { images_forward, NULL, images_prepare, images_unprepare },
	[OP_CONV] = { conv_forward, conv_backward, conv_prepare, conv_unprepare },
	[OP_NORM] = { norm_forward, norm_backward, norm_prepare, norm_unprepare },
	[OP_RELU] = { relu_forward, relu_backward, NULL, NULL },
	[OP_ADD] = { add_forward, add_backward, NULL, NULL },
	[OP_POOL] = { pool_forward, pool_backward, pool_prepare, NULL },
	[OP_MIX] = { mix_forward, mix_backward, NULL, NULL },
	[OP_BAG] = { bag_forward, bag_backward, bag_prepare, NULL },
};

static int cpu_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		       void **state, struct err *err)
{
	return ops[op->type].prepare ? ops[op->type].prepare(ctx, op, g, max_n, training, state, err) : 0;
}

static void cpu_unprepare(struct backend_ctx *ctx, const struct op *op, void *state)
{
	(void)ctx;
	if (ops[op->type].unprepare)
		ops[op->type].unprepare(state);
	else
		free(state);
}

static int cpu_supports(struct backend_ctx *ctx, const struct op *op, const struct graph *g)
{
	(void)ctx;
	(void)g;
	return ops[op->type].forward != NULL;
}

static int cpu_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	return ops[c->op->type].forward(ctx, c, err);
}

static int cpu_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	return ops[c->op->type].backward ? ops[c->op->type].backward(ctx, c, err) : 0;
}

static const struct backend backend_cpu = {
	.abi = BACKEND_ABI,
	.name = "cpu",
	.open = cpu_open,
	.close = cpu_close,
	.engine = cpu_engine,
	.describe = cpu_describe,
	.alloc = cpu_alloc,
	.release = cpu_release,
	.upload = cpu_copy,
	.download = cpu_copy,
	.supports = cpu_supports,
	.prepare = cpu_prepare,
	.unprepare = cpu_unprepare,
	.forward = cpu_forward,
	.backward = cpu_backward,
	.update = cpu_update,
	.squares = cpu_squares,
	.average = cpu_average,
};

__attribute__((visibility("default"))) const struct backend *vic_backend(void)
{
	return &backend_cpu;
}
