#include "cpu.h"

#include "../ref/ref.h"
#include "pipeline/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VIC_ISA
#define VIC_ISA "base"
#endif

static int cpu_open(struct backend_ctx **ctx, const struct backend_config *config, struct err *err)
{
	struct backend_ctx *c;
	if (mem_alloc(&c, 1, sizeof *c, err))
		return -1;
	if (pool_open(&c->pool, config->threads, err)) {
		free(c);
		return -1;
	}
	snprintf(c->text, sizeof c->text, "cpu: %d thread%s, %s, instruction set %s", pool_threads(c->pool),
		 pool_threads(c->pool) > 1 ? "s" : "", gemm_engine(), VIC_ISA);
	*ctx = c;
	return 0;
}

static void cpu_close(struct backend_ctx *ctx)
{
	pool_close(ctx->pool);
	free(ctx->row_of);
	free(ctx);
}

static const char *cpu_describe(const struct backend_ctx *ctx)
{
	return ctx->text;
}

/* A vector behind the end is readable: loops over rows whose length is no multiple of 16 run past the last one. */
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

static int cpu_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training, void **state,
		       struct err *err)
{
	(void)ctx;
	if (op->type == OP_WORDCONV)
		return wordconv_open((struct wordconv **)state, op, g, max_n, training, err);
	if (op->type == OP_DROPOUT)
		return mem_alloc(state, (size_t)max_n * shape_size(g->value[op->out].shape), 1, err);
	return 0;
}

static void cpu_unprepare(struct backend_ctx *ctx, const struct op *op, void *state)
{
	(void)ctx;
	if (op->type == OP_WORDCONV)
		wordconv_close(state);
	else
		free(state);
}

static int cpu_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	switch (c->op->type) {
	case OP_WORDCONV:
		return wordconv_forward(ctx, c, err);
	case OP_DROPOUT:
		dropout_forward(ctx, c);
		return 0;
	case OP_LINEAR:
		linear_forward(c);
		return 0;
	case OP_XENT: /* a few rows of a few classes: the definition is fast enough */
		ref_xent_forward(c);
		return 0;
	case OP_TYPES:
		break;
	}
	return err_set(err, "cpu has no op of type %d", (int)c->op->type);
}

static int cpu_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	switch (c->op->type) {
	case OP_WORDCONV:
		return wordconv_backward(ctx, c, err);
	case OP_DROPOUT:
		dropout_backward(ctx, c);
		return 0;
	case OP_LINEAR:
		linear_backward(c);
		return 0;
	case OP_XENT:
		ref_xent_backward(c);
		return 0;
	case OP_TYPES:
		break;
	}
	return err_set(err, "cpu has no op of type %d", (int)c->op->type);
}

static const struct backend backend_cpu = {
	.abi = BACKEND_ABI,
	.name = "cpu",
	.open = cpu_open,
	.close = cpu_close,
	.describe = cpu_describe,
	.alloc = cpu_alloc,
	.release = cpu_release,
	.upload = cpu_copy,
	.download = cpu_copy,
	.prepare = cpu_prepare,
	.unprepare = cpu_unprepare,
	.forward = cpu_forward,
	.backward = cpu_backward,
	.update = cpu_update,
};

__attribute__((visibility("default"))) const struct backend *vic_backend(void)
{
	return &backend_cpu;
}
