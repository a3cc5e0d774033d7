/* The ref backend's table of functions. It has no context and one thread, its device memory is host memory, and the
 * state of every op is one block that free() ends. */
#include "ref.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

static int ref_open(struct backend_ctx **ctx, const struct backend_config *config, struct err *err)
{
	(void)config;
	(void)err;
	*ctx = NULL;
	return 0;
}

static void ref_close(struct backend_ctx *ctx)
{
	(void)ctx;
}

static const char *ref_engine(const struct backend_ctx *ctx)
{
	(void)ctx;
	return "ref";
}

static const char *ref_describe(const struct backend_ctx *ctx)
{
	(void)ctx;
	return "ref, 1 thread";
}

static int ref_alloc(struct backend_ctx *ctx, void **p, size_t bytes, struct err *err)
{
	(void)ctx;
	return mem_alloc(p, bytes, 1, err);
}

static void ref_release(struct backend_ctx *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static int ref_copy(struct backend_ctx *ctx, void *to, const void *from, size_t bytes, struct err *err)
{
	(void)ctx;
	(void)err;
	memcpy(to, from, bytes);
	return 0;
}

static size_t index_state(const struct graph *g, const struct op *op, int max_n, int training)
{
	(void)training;
	return shape_size(g->value[op->out].shape) * (size_t)max_n * sizeof(int32_t);
}

static size_t sample_state(const struct graph *g, const struct op *op, int max_n, int training)
{
	(void)max_n;
	(void)training;
	return shape_size(g->value[op->out].shape) * sizeof(double);
}

static const struct {
	void (*forward)(const struct op_call *c), (*backward)(const struct op_call *c);
	size_t (*state)(const struct graph *g, const struct op *op, int max_n, int training); /* bytes; NULL: none */
} ops[OP_TYPES] = {
	[OP_WORDCONV] = { ref_wordconv_forward, ref_wordconv_backward, index_state },
	[OP_DROPOUT] = { ref_dropout_forward, ref_dropout_backward, NULL },
	[OP_LINEAR] = { ref_linear_forward, ref_linear_backward, NULL },
	[OP_XENT] = { ref_xent_forward, ref_xent_backward, NULL },
	[OP_IMAGES] = { ref_images_forward, NULL, NULL },
	[OP_CONV] = { ref_conv_forward, ref_conv_backward, ref_conv_state },
	[OP_NORM] = { ref_norm_forward, ref_norm_backward, ref_norm_state },
	[OP_RELU] = { ref_relu_forward, ref_relu_backward, NULL },
	[OP_ADD] = { ref_add_forward, ref_add_backward, NULL },
	[OP_POOL] = { ref_pool_forward, ref_pool_backward, index_state },
	[OP_MIX] = { ref_mix_forward, ref_mix_backward, sample_state },
	[OP_BAG] = { ref_bag_forward, ref_bag_backward, sample_state },
};

static int ref_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		       void **state, struct err *err)
{
	(void)ctx;
	return ops[op->type].state ? mem_alloc(state, ops[op->type].state(g, op, max_n, training), 1, err) : 0;
}

static void ref_unprepare(struct backend_ctx *ctx, const struct op *op, void *state)
{
	(void)ctx;
	(void)op;
	free(state);
}

static int ref_supports(struct backend_ctx *ctx, const struct op *op, const struct graph *g)
{
	(void)ctx;
	(void)g;
	return ops[op->type].forward != NULL;
}

static int ref_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)ctx;
	(void)err;
	ops[c->op->type].forward(c);
	return 0;
}

static int ref_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)ctx;
	(void)err;
	if (ops[c->op->type].backward)
		ops[c->op->type].backward(c);
	return 0;
}

static int ref_norm(struct backend_ctx *ctx, const struct param *p, int n_rows, double *sum, struct err *err)
{
	(void)ctx;
	(void)err;
	*sum = ref_squares(p, n_rows);
	return 0;
}

static int ref_step(struct backend_ctx *ctx, struct param *p, const struct update *u, const uint32_t *rows, int n_rows,
		    struct err *err)
{
	(void)ctx;
	(void)err;
	ref_update(p, u, rows, n_rows);
	return 0;
}

static int ref_average(struct backend_ctx *ctx, float *average, const float *w, size_t n, double rate, struct err *err)
{
	(void)ctx;
	(void)err;
	for (size_t i = 0; i < n; i++)
		average[i] = (float)(average[i] + rate * ((double)w[i] - average[i]));
	return 0;
}

const struct backend backend_ref = {
	.abi = BACKEND_ABI,
	.name = "ref",
	.open = ref_open,
	.close = ref_close,
	.engine = ref_engine,
	.describe = ref_describe,
	.alloc = ref_alloc,
	.release = ref_release,
	.upload = ref_copy,
	.download = ref_copy,
	.supports = ref_supports,
	.prepare = ref_prepare,
	.unprepare = ref_unprepare,
	.forward = ref_forward,
	.backward = ref_backward,
	.update = ref_step,
	.squares = ref_norm,
	.average = ref_average,
};
