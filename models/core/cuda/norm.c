/* NORM. State: [4][c] of device memory, for norm_args' mean, inv and sum. */
#include "cuda.h"
#include "kernels/kernels.h"

static int norm_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
			void **state, struct err *err)
{
	(void)max_n;
	if (training && workspace_need(ctx, (size_t)2 * NORM_PART * sizeof(float), err))
		return -1;
	return gpu_alloc(ctx, state, (size_t)g->value[op->out].shape.c * 4 * sizeof(float), err);
}

static struct norm_args norm_args_of(const struct backend_ctx *ctx, const struct op_call *c)
{
	float *state = c->state, *part = ctx->workspace;
	size_t channels = (size_t)c->out_shape.c;
	return (struct norm_args){ .in = c->in[0],
				   .rest = c->op->n_in > 1 ? c->in[1] : NULL,
				   .out = c->out,
				   .rows = (size_t)c->n * (size_t)c->out_shape.h * (size_t)c->out_shape.w,
				   .c = c->out_shape.c,
				   .relu = c->op->norm.relu,
				   .eps = (float)c->op->norm.eps,
				   .momentum = (float)c->op->norm.momentum,
				   .gamma = c->param[0],
				   .beta = c->param[1],
				   .running_mean = c->param[2],
				   .running_var = c->param[3],
				   .mean = state,
				   .inv = state + channels,
				   .part = { part, part + NORM_PART },
				   .sum = { state + 2 * channels, state + 3 * channels },
				   .d_out = c->d_out,
				   .d_in = c->d_in[0],
				   .d_rest = c->op->n_in > 1 ? c->d_in[1] : NULL,
				   .add = c->add[0],
				   .add_rest = c->add[1],
				   .d_gamma = c->d_param[0],
				   .d_beta = c->d_param[1] };
}

static int norm_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct norm_args a = norm_args_of(ctx, c);
	int status = c->phase == PHASE_TRAIN ? STORED(c, launch_norm_moments)(&a, ctx->stream)
					     : STORED(c, launch_norm_running)(&a, ctx->stream);
	if (launched(status, "norm_moments", err))
		return -1;
	return launched(STORED(c, launch_norm_forward)(&a, ctx->stream), "norm_forward", err);
}

static int norm_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct norm_args a = norm_args_of(ctx, c);
	if ((a.d_in || a.d_gamma || a.d_beta) &&
	    launched(STORED(c, launch_norm_sums)(&a, ctx->stream), "norm_sums", err))
		return -1;
	if (!a.d_in && !a.d_rest)
		return 0;
	return launched(STORED(c, launch_norm_backward)(&a, ctx->stream), "norm_backward", err);
}

const struct cuda_op cuda_norm = { norm_forward, norm_backward, norm_prepare, gpu_free };
